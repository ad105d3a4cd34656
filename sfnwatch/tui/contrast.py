"""What each tone looks like in a theme, so that it can be read wherever it stands.

Themes choose their colours for large surfaces; as text, on a panel or under the
cursor, most of them have some that can hardly be read. So a tone begins as the theme's
own colour and is moved towards black or white just as far as it takes, as WCAG 2
measures it. Terminals of 16 colours have their own palette, which nobody can measure:
there a tone is one of its names.
"""

from collections.abc import Iterable, Mapping

from textual.color import Color
from textual.theme import Theme

LEAST, LEAST_DIM = 4.5, 3.5
"""Ratios of contrast that are kept; WCAG asks 4.5 of text, 3 of large text."""
_STEPS = 50
_DARK, _LIGHT = Color(0, 0, 0), Color(255, 255, 255)
_HUES = {
    "good": "success",
    "bad": "error",
    "warn": "warning",
    "busy": "primary",
    "action": "primary",
    "exact": "success",
    "guess": "warning",
}
"""A tone to the theme's colour that it begins as."""
_RUNS = ("primary", "accent", "success", "secondary")
"""The colours of executions beside each other, which have their names as well."""
_GREYS = {"strong": 1.0, "plain": 0.85, "dim": 0.55}
_WASHES = {
    "cursor-background": ("primary", 0.25),
    "fresh-background": ("success", 0.15),
    "hit-background": ("warning", 0.2),
    "banner-background": ("warning", 0.12),
    "banner-bad-background": ("error", 0.15),
}
"""Backgrounds of lines: a thin wash of a colour."""
_PALER = 0.64
"""Of a wash in a light theme, where a dark colour weighs more."""
_ANSI = {
    "tone-plain": "ansi_default",
    "tone-strong": "ansi_default",
    "tone-dim": "ansi_default",
    # Many palettes have no grey that can be read; all have a fainter default.
    "dim-text-style": "dim",
    "tone-good": "ansi_green",
    "tone-exact": "ansi_green",
    "tone-bad": "ansi_red",
    "banner-background": "ansi_default",
    "banner-bad-background": "ansi_default",
    "hit-background": "ansi_magenta",
    "run-2": "ansi_magenta",
    "run-3": "ansi_green",
}
_ANSI_DARK = {
    "tone-warn": "ansi_yellow",
    "tone-guess": "ansi_yellow",
    # Blue on black is what palettes get wrong most often.
    "tone-busy": "ansi_cyan",
    "tone-action": "ansi_cyan",
    "run-1": "ansi_cyan",
    "run-4": "ansi_yellow",
    "cursor-color": "ansi_black",
    "cursor-background": "ansi_white",
    "fresh-background": "ansi_blue",
    "thumb-color": "ansi_white",
}
_ANSI_LIGHT = {
    # And yellow on white.
    "tone-warn": "ansi_magenta",
    "tone-guess": "ansi_magenta",
    "tone-busy": "ansi_blue",
    "tone-action": "ansi_blue",
    "run-1": "ansi_blue",
    "run-4": "ansi_cyan",
    "cursor-color": "ansi_bright_white",
    "cursor-background": "ansi_blue",
    "fresh-background": "ansi_cyan",
    "thumb-color": "ansi_black",
}


def tone_variables(theme: Theme) -> dict[str, str]:
    """Give the CSS variables of tones and lines; what the theme sets itself stays.

    `cursor-color` is for themes of a palette: elsewhere every tone keeps its colour
    under the cursor, and the variable is the plain one's.
    """
    own = _ansi(theme) if theme.ansi else _measured(theme)
    return {name: theme.variables.get(name, value) for name, value in own.items()}


def _ansi(theme: Theme) -> dict[str, str]:
    return {**_ANSI, **(_ANSI_DARK if theme.dark else _ANSI_LIGHT)}


def _measured(theme: Theme) -> dict[str, str]:
    colors = {
        name: _solid(Color.parse(value))
        for name, value in theme.to_color_system().generate().items()
        if name in _NEEDED
    }
    ground = colors["background"]
    weight = 1 if theme.dark else _PALER
    washes = {
        name: _mixed(ground, colors[color], share * weight)
        for name, (color, share) in _WASHES.items()
    }
    surfaces = [ground, colors["surface"], colors["panel"], *washes.values()]
    tones = {
        f"tone-{tone}": legible(start, surfaces, LEAST_DIM if tone == "dim" else LEAST)
        for tone, start in _starts(colors, dark=theme.dark)
    }
    runs = {
        f"run-{number}": legible(
            colors[f"text-{color}" if theme.dark else color], surfaces, LEAST
        )
        for number, color in enumerate(_RUNS, start=1)
    }
    thumb = _mixed(ground, colors["foreground"], 0.25)
    named = {**tones, **runs, **washes, "cursor-color": tones["tone-plain"]}
    return {
        **{name: color.hex6 for name, color in named.items()},
        "thumb-color": thumb.hex6,
        "dim-text-style": "none",
    }


_NEEDED = frozenset(
    {"background", "surface", "panel", "foreground"}
    | {*_HUES.values(), *_RUNS}
    | {f"text-{color}" for color in (*_HUES.values(), *_RUNS)}
)


def _starts(colors: Mapping[str, Color], *, dark: bool) -> Iterable[tuple[str, Color]]:
    """Yield each tone as the theme would have it."""
    ground = colors["background"]
    for tone, share in _GREYS.items():
        yield tone, _mixed(ground, colors["foreground"], share)
    for tone, color in _HUES.items():
        # The text colours of light themes are so dark that they pass for black.
        yield tone, colors[f"text-{color}" if dark else color]


def legible(color: Color, surfaces: Iterable[Color], least: float) -> Color:
    """Move a colour away from all surfaces until it can be read on each of them."""
    grounds = list(surfaces)
    ends = (_LIGHT, _DARK)
    end = max(ends, key=lambda end: min(contrast(end, ground) for ground in grounds))
    for step in range(_STEPS):
        moved = _mixed(color, end, step / _STEPS)
        if all(contrast(moved, ground) >= least for ground in grounds):
            return moved
    return end


def contrast(one: Color, other: Color) -> float:
    """Measure the contrast of two colours as WCAG 2 does: from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part) for part in color.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: int) -> float:
    share = part / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004


def _mixed(color: Color, other: Color, share: float) -> Color:
    return color.blend(other, share, alpha=1)


def _solid(color: Color) -> Color:
    """Take a colour of a palette by its usual value; such colours do not mix."""
    return Color(*color.rgb)
