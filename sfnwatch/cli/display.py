"""How something is shown, and whether it is recorded: what those options come to."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sfnwatch.cli.narration import are_terminals, lacks_unicode
from sfnwatch.cli.settings import CONFIG, is_typed, source_of
from sfnwatch.config import Bound, Config, check, with_keymap
from sfnwatch.errors import UsageError
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from sfnwatch.tui.app import ScreenSettings

TERMINAL = "/dev/tty"
"""Where keys come from while stdin is something else."""
_OF_THE_SCREEN = (
    *("theme", "time", "ascii", "present", "filter", "keymap", "notify"),
    "pick",
)


class Display(NamedTuple):
    """How something is shown, and whether and where it is recorded."""

    screen: "ScreenSettings | None"
    """What is asked of the screen; without one lines are printed."""
    as_json: bool
    record: bool
    path: Path | None
    """None: a new file in the recordings' own folder."""
    filter: str | None


def is_served() -> bool:
    """True where `sfnwatch web` shows the screen, and no terminal does."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith("WebDriver")


def choose_display(
    *,
    recorded: bool = True,
    piped: bool = False,
    usable: bool | None = None,
    **asked: Any,
) -> Display:
    """Read how to show something; raises UsageError.

    It is `recorded` unless somebody says otherwise, or only if somebody does. Where it
    is `piped` into stdin the keys come from the terminal all the same. Whether there is
    a terminal that is `usable` need not be said.
    """
    plain, as_json = asked["plain"], asked["as_json"]
    if plain and as_json:
        as_json = _typed_one("plain", "as_json") == "as_json"
    path, is_off = asked["record"], asked["no_record"]
    if path is not None and is_off:
        is_off = _typed_one("record", "no_record") == "no_record"
    record = not is_off and (recorded or path is not None)
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    if usable is None:
        usable = is_served() or _is_usable(piped=piped)
    screen = None
    if usable and not (plain or as_json):
        screen = _choose_screen(asked)
    elif typed := next(filter(is_typed, _OF_THE_SCREEN), None):
        msg = f"--{typed} is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return Display(screen, as_json, record, path if record else None, asked["filter"])


def _is_usable(*, piped: bool) -> bool:
    """True where a screen can be drawn, and keys can be heard."""
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)[1 if piped else 0 :]
    heard = not piped or os.access(TERMINAL, os.R_OK)
    return are_terminals(*streams) and heard and os.environ.get("TERM") != "dumb"


def _typed_one(*names: str) -> str:
    """Of options that exclude each other choose the one typed; raises UsageError."""
    typed = [name for name in names if is_typed(name)]
    if len(typed) != 1:
        said = " and ".join(
            f"--{name.removeprefix('as_').replace('_', '-')}" for name in names
        )
        raise UsageError(f"{said} exclude each other.", hint="Choose one.")
    return typed[0]


def _check_filter(text: str) -> None:
    from sfnwatch.view.filter_language import FilterError, parse_filter

    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error


def _choose_screen(asked: Mapping[str, Any]) -> "ScreenSettings":
    from sfnwatch.tui.actions import ACTIONS
    from sfnwatch.tui.app import ScreenSettings
    from sfnwatch.tui.themes import names

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    actions = {each.id: Bound(each.pane, each.keys) for each in ACTIONS}
    theme = source_of("theme")
    check(config, asked["theme"], theme, themes=names(), actions=actions)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys=config.keys,
        own_themes=tuple(config.themes.values()),
    )
