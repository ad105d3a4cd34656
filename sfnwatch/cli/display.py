"""How something is shown: on a screen or as lines, recorded or not."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from sfnwatch.cli.narration import are_terminals, is_served, lacks_unicode
from sfnwatch.cli.setting_origin import is_typed, source_of
from sfnwatch.cli.settings import CONFIG
from sfnwatch.config.config import Config, with_keymap
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.filter_language import parse_filter

if TYPE_CHECKING:
    from sfnwatch.tui.screen_settings import ScreenSettings


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


def choose_display(
    *, recorded: bool = True, usable: bool | None = None, **asked: Any
) -> Display:
    """Read how to show something; raises UsageError.

    It is `recorded` unless somebody says otherwise, or only if somebody does. Whether
    there is a terminal that is `usable` need not be said.
    """
    plain = asked["plain"]
    as_json = _is_meant("as_json", "plain", asked)
    path = asked["record"]
    is_off = _is_meant("no_record", "record", asked)
    record = not is_off and (recorded or path is not None)
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    screen = None
    usable = can_show_screen() if usable is None else usable
    if usable and not (plain or as_json):
        screen = _choose_screen(asked)
    elif typed := next(filter(is_typed, _OF_THE_SCREEN), None):
        msg = f"--{typed} is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return Display(screen, as_json, record, path if record else None, asked["filter"])


def can_show_screen(*, piped: bool = False) -> bool:
    """True where a screen can be drawn, and keys can be heard.

    Where something is `piped` into stdin they come from the terminal all the same.
    """
    if is_served():
        return True
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)[1 if piped else 0 :]
    heard = not piped or os.access(TERMINAL, os.R_OK)
    return are_terminals(*streams) and heard and os.environ.get("TERM") != "dumb"


def _is_meant(name: str, other: str, asked: Mapping[str, Any]) -> bool:
    """True for what is given; of two that exclude each other for the one typed.

    Raises UsageError where both are typed, or both are set.
    """
    if not (asked[name] and asked[other]):
        return bool(asked[name])
    if is_typed(name) == is_typed(other):
        keys = (e.removeprefix("as_").replace("_", "-") for e in (other, name))
        said = " and ".join(f"--{key}" for key in keys)
        raise UsageError(f"{said} exclude each other.", hint="Choose one.")
    return is_typed(name)


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error


def _choose_screen(asked: Mapping[str, Any]) -> "ScreenSettings":
    from sfnwatch.tui.actions import check_keys
    from sfnwatch.tui.screen_settings import ScreenSettings
    from sfnwatch.tui.themes import check_theme

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    check_theme(asked["theme"], config.themes, source_of("theme"))
    check_keys(config.keys)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys={action: chosen.keys for action, chosen in config.keys.items()},
        own_themes=tuple(config.themes.values()),
    )
