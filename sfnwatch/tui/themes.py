"""Themes: two of high contrast, Textual's own, and those of the user."""

import re
from collections.abc import Mapping
from typing import Any

from textual.app import App
from textual.color import Color, ColorParseError
from textual.css.errors import StylesheetError
from textual.css.stylesheet import Stylesheet
from textual.css.tokenizer import TokenError
from textual.theme import BUILTIN_THEMES, Theme

from sfnwatch.config import Config, ThemeSpec
from sfnwatch.config_words import near, quoted
from sfnwatch.errors import UsageError
from sfnwatch.tui.contrast import tone_variables

_VALUE = re.compile(r"[#\w\s.,%()+-]*")
"""What a variable may hold: nothing that ends a rule of CSS or begins another."""
_PALE = ("7", "15")
"""White, and bright white, as COLORFGBG numbers a terminal's background."""


def _variables(ground: str, text: str, faint: str, cursor: str) -> dict[str, str]:
    """Give what Textual would draw too faintly for a theme of high contrast."""
    return {
        "tone-plain": text,
        "tone-strong": text,
        "tone-dim": faint,
        "cursor-background": cursor,
        "cursor-color": text,
        "thumb-color": faint,
        "foreground-muted": faint,
        "foreground-disabled": faint,
        "text": text,
        "text-muted": faint,
        "text-disabled": faint,
        "border": text,
        "border-blurred": faint,
        "block-cursor-background": text,
        "block-cursor-foreground": ground,
        "block-cursor-blurred-background": cursor,
        "block-cursor-blurred-foreground": text,
        "input-cursor-background": text,
        "input-cursor-foreground": ground,
        "input-selection-background": cursor,
        "input-selection-foreground": text,
        "footer-foreground": text,
        "footer-description-foreground": text,
        "scrollbar": faint,
        "scrollbar-hover": text,
        "scrollbar-active": text,
    }


def _hues(good: str, bad: str, warn: str, busy: str) -> dict[str, str]:
    return {
        "tone-good": good,
        "tone-exact": good,
        "tone-bad": bad,
        "tone-warn": warn,
        "tone-guess": warn,
        "tone-busy": busy,
        "tone-action": busy,
        "footer-key-foreground": warn,
    }


THEMES = (
    Theme(
        name="high-contrast",
        primary="#7cc7ff",
        secondary="#c4c4c4",
        accent="#ffd75f",
        warning="#ffd75f",
        error="#ff9e9e",
        success="#7dff9f",
        foreground="#ffffff",
        background="#000000",
        surface="#0c0c0c",
        panel="#1f1f1f",
        variables={
            **_variables("#000000", "#ffffff", "#c8c8c8", "#00305c"),
            **_hues("#7dff9f", "#ffb3b3", "#ffd75f", "#8ccfff"),
            "fresh-background": "#003516",
            "banner-background": "#332600",
            "banner-bad-background": "#4a0000",
        },
    ),
    Theme(
        name="high-contrast-light",
        primary="#003a94",
        secondary="#404040",
        accent="#5c3a00",
        warning="#5c3a00",
        error="#8a0014",
        success="#004d1c",
        foreground="#000000",
        background="#ffffff",
        surface="#f6f6f6",
        panel="#e8e8e8",
        dark=False,
        variables={
            **_variables("#ffffff", "#000000", "#404040", "#ffe585"),
            **_hues("#004d1c", "#8a0014", "#5c3a00", "#003a94"),
            "fresh-background": "#c9f2d4",
            "banner-background": "#fff1c9",
            "banner-bad-background": "#ffdcdc",
        },
    ),
)


def names() -> tuple[str, ...]:
    """Name Textual's themes and ours; the user's are in the configuration."""
    return (*BUILTIN_THEMES, *(theme.name for theme in THEMES))


def register(app: App[Any], config: Config) -> None:
    """Register our themes and the user's; raises UsageError for one that is wrong."""
    for theme in (*THEMES, *map(make_theme, config.themes.values())):
        app.register_theme(theme)


def theme_for(
    config: Config, color_system: str | None, environ: Mapping[str, str]
) -> str | None:
    """Choose a theme: the user's, else the palette of a terminal of 16 colours.

    None leaves it to Textual. Colours that were mixed for millions can't be told
    apart when they are rounded to sixteen.
    """
    if config.theme is not None:
        return config.theme
    if color_system != "standard" or environ.get("TEXTUAL_THEME"):
        return None
    pale = environ.get("COLORFGBG", "").rpartition(";")[2] in _PALE
    return "ansi-light" if pale else "ansi-dark"


# -- the user's --------------------------------------------------------------------


def make_theme(spec: ThemeSpec) -> Theme:
    """Make a theme of what a file says; raises UsageError, as reading it does."""
    for key, value in spec.colors.items():
        _check_color(spec, key, value)
    theme = Theme(
        name=spec.name,
        dark=spec.dark,
        ansi=spec.colors["primary"].startswith("ansi_"),
        variables=dict(spec.variables),
        **spec.colors,  # type: ignore[arg-type]
    )
    plain = Theme(name="plain", primary="#000000")
    known = {**plain.to_color_system().generate(), **tone_variables(plain)}
    for key, value in spec.variables.items():
        if key not in known:
            msg = f"{spec.where}: {spec.name}: unknown variable {quoted(key)}"
            raise UsageError(msg, hint=near(key, known))
        _check_variable(spec, key, value, known)
    return theme


def _check_color(spec: ThemeSpec, key: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        msg = f"{spec.where}: {spec.name}.{key}: {quoted(value)} is no colour"
        meant = error.suggested_color
        hint = f"Did you mean {quoted(meant)}?" if meant else 'Write it as "#88c0d0".'
        raise UsageError(msg, hint=hint) from error


def _check_variable(
    spec: ThemeSpec, key: str, value: str, known: Mapping[str, str]
) -> None:
    """Let Textual itself read the variable, in the only kind of place it is used."""
    style = key.endswith("-style")
    if not _VALUE.fullmatch(value) or not _reads(key, value, known, style=style):
        where = f"{spec.where}: {spec.name}.variables.{key}"
        kind = "style of text" if style else "colour"
        msg = f"{where}: {quoted(value)} is no {kind}."
        raise UsageError(msg)


def _reads(key: str, value: str, known: Mapping[str, str], *, style: bool) -> bool:
    rule = "text-style" if style else "color"
    sheet = Stylesheet(variables={**known, key: value})
    sheet.add_source(f"Screen {{ {rule}: ${key}; }}")
    try:
        sheet.parse()
    except (StylesheetError, TokenError):
        return False
    return True
