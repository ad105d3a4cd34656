"""The themes that a user can choose: the program's, Textual's, and the user's own."""

from collections.abc import Iterable, Mapping

from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import BUILTIN_THEMES, Theme

from sfnwatch.config.mistakes import near, quoted
from sfnwatch.config.user_themes import UserTheme
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean
from sfnwatch.tui.role_colors import role_variables
from sfnwatch.tui.shipped_colors import THEMES, theme_of

DEFAULT_DARK = "sfnwatch-dark"
DEFAULT_LIGHT = "sfnwatch-light"
_PALE = ("7", "15")
"""White and bright white, as COLORFGBG numbers a terminal's background."""


def names() -> tuple[str, ...]:
    """Return the names of our themes and Textual's; users' are in configurations."""
    return (*(theme.name for theme in THEMES), *BUILTIN_THEMES)


def check_theme(name: str | None, own: Iterable[str], who: str) -> None:
    """Raise UsageError for an unknown theme; `own` are the names of the user's.

    `who` is what asks for the theme: an option, a file, a variable.
    """
    known = {*names(), *own}
    if name is not None and name not in known:
        msg = f"{who}: there is no theme {quoted(name)}"
        every = f"There are: {', '.join(clean(each, 40) for each in sorted(known))}."
        raise UsageError(msg, hint=near(name, known) or every)


def default_theme(color_system: str | None, environ: Mapping[str, str]) -> str:
    """Return the theme's name for a user who has chosen none.

    Colors mixed from millions can't be told apart when they are rounded to sixteen:
    there the terminal's own palette is used. The same holds without colors.
    """
    pale = environ.get("COLORFGBG", "").rpartition(";")[2] in _PALE
    if color_system == "standard" or "NO_COLOR" in environ:
        return "ansi-light" if pale else "ansi-dark"
    return DEFAULT_LIGHT if pale else DEFAULT_DARK


def stage_theme(*, dark: bool) -> str:
    """Return the name of the theme that the back row can read, dark or light."""
    return "high-contrast" if dark else "high-contrast-light"


def make_theme(written: UserTheme) -> Theme:
    """Return the theme that a user's file defines; raises UsageError for a mistake."""
    where = f"{written.where}: {written.name}"
    for key, value in written.colors.items():
        _check_color(f"{where}.{key}", value)
    plain = Theme(name="plain", primary="#000000")
    known = {**plain.to_color_system().generate(), **role_variables(plain)}
    for key, value in written.variables.items():
        if key not in known:
            msg = f"{where}.variables.{key}: there is no such variable."
            raise UsageError(msg, hint=near(key, known))
        if not key.endswith("-style"):
            _check_color(f"{where}.variables.{key}", value)
        elif not value.split() or not VALID_STYLE_FLAGS.issuperset(value.split()):
            msg = f"{where}.variables.{key}: {quoted(value)} is no style of text."
            raise UsageError(msg)
    return theme_of(written)


def _check_color(where: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        msg = f"{where}: {quoted(value)} is no color."
        hint = 'Write it as "#88c0d0".'
        if error.suggested_color:
            hint = f"Did you mean {quoted(error.suggested_color)}?"
        raise UsageError(msg, hint=hint) from error
