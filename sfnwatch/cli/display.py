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


TERMINAL_PATH = "/dev/tty"
"""Where keys come from while stdin is something else."""
_SCREEN_OPTIONS = (
    "theme",
    "time",
    "ascii",
    "present",
    "filter",
    "keymap",
    "notify",
    "pick",
)
_FILTER_LENGTH = 200
"""Most characters of a filter in a message."""


class Display(NamedTuple):
    """How something is shown, and whether and where it is recorded."""

    screen: "ScreenSettings | None"
    """None if lines are printed."""
    as_json: bool
    record: bool
    path: Path | None
    """Of the recording; None: a new file in the recordings' own folder."""
    filter: str | None


def choose_display(
    *, recorded: bool = True, usable: bool | None = None, **asked: Any
) -> Display:
    """Return how to show something, by a command's options; raises UsageError.

    `recorded` is the default of recording. `usable` says whether a screen can be shown;
    without it, that is found out.
    """
    as_json = _is_on("as_json", "plain", asked, "--plain and --json")
    is_off = _is_on("no_record", "record", asked, "--record and --no-record")
    path: Path | None = asked["record"]
    record = not is_off and (recorded or path is not None)
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    if usable is None:
        usable = can_show_screen()
    screen = None
    if usable and not (asked["plain"] or as_json):
        screen = _screen_settings(asked)
    else:
        for name in filter(is_typed, _SCREEN_OPTIONS):
            msg = f"--{name} is for the screen, and lines are printed."
            raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return Display(screen, as_json, record, path, asked["filter"])


def can_show_screen(*, piped: bool = False) -> bool:
    """True if a screen can be drawn, and keys can be read.

    If something is `piped` into stdin, keys come from the terminal all the same.
    """
    if is_served():
        return True
    if os.environ.get("TERM") == "dumb":
        return False
    # Textual draws on Python's own stderr, not on ours: it must be a terminal as well.
    if not are_terminals(sys.stdout, sys.__stderr__):
        return False
    if piped:
        return os.access(TERMINAL_PATH, os.R_OK)
    return are_terminals(sys.stdin)


def _is_on(name: str, other: str, asked: Mapping[str, Any], both: str) -> bool:
    """True if an option is on; of two that can't be combined, the typed one is.

    Raises UsageError if both are typed, or both are set elsewhere.
    """
    if not asked[name]:
        return False
    if not asked[other]:
        return True
    if is_typed(name) == is_typed(other):
        raise UsageError(f"{both} can't be combined.", hint="Choose one.")
    return is_typed(name)


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        shown = clean(text, _FILTER_LENGTH)
        place = f"--filter {shown!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{place}: {error.message}", hint=hint) from error


def _screen_settings(asked: Mapping[str, Any]) -> "ScreenSettings":
    from sfnwatch.tui.actions import check_user_keys
    from sfnwatch.tui.screen_settings import ScreenSettings
    from sfnwatch.tui.themes import check_theme

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    check_theme(asked["theme"], config.themes, source_of("theme"))
    check_user_keys(config.keys)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys={action: chosen.keys for action, chosen in config.keys.items()},
        own_themes=tuple(config.themes.values()),
    )
