"""What each role looks like in a theme, so that it can be read on any ground.

One system: blue is working, gray is waiting, green is success and nothing else, amber
is trouble that did not fail, red is failure. sfnwatch's own themes define their hues.
Other themes choose colors for large surfaces; as text, on a panel or under the cursor,
most themes have some colors that can hardly be read. So a role begins as the theme's
own color, and is moved towards black or white just as far as needed, as WCAG 2 measures
it. Terminals of 16 colors have a palette of their own, which nobody can measure: there
a role is one of the palette's names.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from textual.color import Color, rgb_to_lab
from textual.theme import Theme

from sfnwatch.tui.shipped_colors import SHIPPED
from sfnwatch.tui.spans import CHIPS

LEAST = 4.5
"""The ratio of contrast that all text keeps, as WCAG asks."""
_STEPS = 50
_BLACK = Color(0, 0, 0)
_WHITE = Color(255, 255, 255)
_AS_BUSY = ("call", "fold")
"""Roles of the same blue as what works: what is called, and what opens."""
_APART = 30.0
"""Distance in CIELAB from which on colors can be told apart in a thin bar."""
_GREYS = {"name": 1.0, "plain": 0.88, "dim": 0.6, "faint": 0.5}
"""The share of the foreground in each gray; the rest is background."""
_WASHES = {
    "cursor-background": ("primary", 0.2),
    "fresh-background": ("accent", 0.14),
    "banner-background": ("warning", 0.12),
    "banner-bad-background": ("error", 0.15),
}
"""Backgrounds of lines: a color of the theme, and its share."""
_PALER = 0.64
"""A factor for these shares in a light theme, where a dark color weighs more."""


def role_variables(theme: Theme) -> dict[str, str]:
    """Return the style sheet's variables of roles; the theme's own values stay."""
    own = _palette(dark=theme.dark) if theme.ansi else _measured(theme)
    return {name: theme.variables.get(name, value) for name, value in own.items()}


def _palette(*, dark: bool) -> dict[str, str]:
    both = SHIPPED.palette.items()
    colors = {name: f"ansi_{of_each[not dark]}" for name, of_each in both}
    return {**colors, "dim-text-style": "dim"}


def _measured(theme: Theme) -> dict[str, str]:
    every = theme.to_color_system().generate()
    own = theme.variables

    def color(name: str) -> Color:
        return Color(*Color.parse(every[name]).rgb)

    ground = color("background")
    found = color("warning")
    weight = 1 if theme.dark else _PALER
    washes = {
        name: ground.blend(color(whose), share * weight)
        for name, (whose, share) in _WASHES.items()
    }
    washes |= {name: Color.parse(own[name]) for name in washes if name in own}
    grounds = [ground, color("surface"), color("panel"), *washes.values()]
    roles = dict(_roles(color, grounds, dark=theme.dark))
    chips = SHIPPED.chips[not theme.dark]
    named = {
        **roles,
        **washes,
        **{f"chip-{n}": Color.parse(chips[n]) for n in range(CHIPS)},
        "chip-text": _BLACK if theme.dark else _WHITE,
        "cursor-color": roles["role-plain"],
        "found-background": found,
        "found-color": max(_BLACK, _WHITE, key=lambda end: contrast(end, found)),
        "thumb-color": ground.blend(color("foreground"), 0.3),
    }
    written = {name: each.hex6 for name, each in named.items()}
    return {**written, "dim-text-style": "none"}


def _roles(
    color: Callable[[str], Color], grounds: Sequence[Color], *, dark: bool
) -> Iterator[tuple[str, Color]]:
    """Yield each role's color, so that it can be read and told from the others."""
    ground = color("background")
    text = color("foreground")
    for role, share in _GREYS.items():
        yield f"role-{role}", legible(ground.blend(text, share), grounds)
    for role, both in SHIPPED.matched.items():
        yield f"role-{role}", legible(Color.parse(both[not dark]), grounds)
    taken = [legible(ground.blend(text, _GREYS["dim"]), grounds)]
    for role, (name, *ours) in SHIPPED.hues.items():
        own = Color.parse(ours[not dark])
        theirs = color(name) if name else own
        hues = [legible(hue, grounds) for hue in (theirs, own)]
        nearest = [min(distance(hue, other) for other in taken) for hue in hues]
        chosen = hues[nearest[0] < min(_APART, nearest[1])]
        taken.append(chosen)
        for each in (role, *(_AS_BUSY if role == "busy" else ())):
            yield f"role-{each}", chosen


def distance(one: Color, other: Color) -> float:
    """Return how different two colors look: their distance in CIELAB."""
    return math.dist(rgb_to_lab(one), rgb_to_lab(other))


def legible(color: Color, grounds: Iterable[Color]) -> Color:
    """Move a color towards white or black until it can be read on all grounds."""
    surfaces = list(grounds)
    end = max((_WHITE, _BLACK), key=lambda end: min(contrast(end, g) for g in surfaces))
    for step in range(_STEPS):
        moved = color.blend(end, step / _STEPS)
        if all(contrast(moved, ground) >= LEAST for ground in surfaces):
            return moved
    return end


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colors as WCAG 2 measures it: from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's
