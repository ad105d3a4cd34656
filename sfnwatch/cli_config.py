"""The command that shows what is set, and where."""

import json
import os
from typing import TYPE_CHECKING, Any

import click

from sfnwatch.errors import Outcome
from sfnwatch.narration import narrate, put_path, put_row
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from sfnwatch.config_shown import Row


@click.command(
    short_help="Show every setting, and where it came from.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, metavar="[COMMAND…]", type=click.UNPROCESSED)
@click.option("--path", is_flag=True, help="Only print the file's path.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def config(
    context: click.Context, words: tuple[str, ...], *, path: bool, as_json: bool
) -> int:
    """Show every setting, and where it came from.

    The command line overrules the environment, which overrules the file, which
    overrules what is built in. An option is set by its name: `drain = "30m"` at the top
    of the file, or in the table of one command, [demo]; or as SFNWATCH_DRAIN. AWS's own
    variables hold where none of these says otherwise. With a COMMAND and its options
    only what that command line comes to is shown.
    """
    from sfnwatch import config_shown
    from sfnwatch.config import config_path
    from sfnwatch.config_options import apply
    from sfnwatch.config_toml import NAME
    from sfnwatch.running import screen_config
    from sfnwatch.settings import ScreenOptions

    if path:
        put_path(os.environ.get(NAME) or str(config_path()))
        return Outcome.SUCCEEDED
    root = context.find_root()
    group = apply(root)
    settled = screen_config(ScreenOptions())
    rows = (
        config_shown.rows_of(root, group, settled, words)
        if words
        else config_shown.all_rows(root, group, settled)
    )
    _print(list(rows), as_json=as_json)
    for note in config_shown.strangers(group):
        narrate(note)
    return Outcome.SUCCEEDED


def _print(rows: "list[Row]", *, as_json: bool) -> None:
    if as_json:
        told = [{"key": r.key, "value": r.value, "from": r.where} for r in rows]
        click.echo(json.dumps({"settings": told}, indent=2))
        return
    cells = [(row.key, _words(row.value), row.where) for row in rows]
    keys, values = (max(len(cell[n]) for cell in cells) for n in (0, 1))
    for key, value, where in cells:
        put_row(f"{key:<{keys}}  {value:<{min(values, 40)}}  {where}")


def _words(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return ", ".join(clean(str(each), 60) for each in value) or "-"
        case float():
            return f"{value:g}"
        case _:
            return clean(str(value), 200)


COMMANDS = (config,)
