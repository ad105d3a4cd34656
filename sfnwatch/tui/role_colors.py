"""What each role looks like in a theme, so that it can be read on any ground.

One system: blue is working, gray is waiting, green is success and nothing else, amber
is trouble that did not fail, red is failure. sfnwatch's own themes define their hues.
Other themes choose colors for large surfaces; as text, on a panel or under the cursor,
most themes have some colors that can hardly be read. So a role begins as the theme's
own color, and is moved towards black or white just as far as needed, as WCAG 2 measures
it. Terminals of 16 colors have a palette of their own, which nobody can measure: there
a role is one of the palette's names.
"""

from collections.abc import Iterator, Sequence

from textual.color import Color
from textual.theme import Theme

from sfnwatch.tui.contrast import BLACK, WHITE, contrast, distance, legible
from sfnwatch.tui.shipped_colors import SHIPPED
from sfnwatch.tui.spans import CHIPS

_AS_BUSY = ("call", "fold")
"""Roles of the same blue as what works: what is called, and what opens."""
_APART = 30.0
"""Distance in CIELAB from which on colors can be told apart in a thin bar."""
_GREYS = {"name": 1.0, "plain": 0.88, "dim": 0.6, "faint": 0.5}
"""The share of the foreground in each gray; the rest is background."""
_THUMB_SHARE = 0.3
"""The share of the foreground in a scrollbar's thumb."""
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
    variables = _palette(theme) if theme.ansi else _MeasuredTheme(theme).variables()
    for name in variables.keys() & theme.variables.keys():
        variables[name] = theme.variables[name]
    return variables


def _palette(theme: Theme) -> dict[str, str]:
    """Return the variables in a terminal's own 16 colors."""
    variables = {"dim-text-style": "dim"}
    for name, (for_dark, for_light) in SHIPPED.palette.items():
        color = for_dark if theme.dark else for_light
        variables[name] = f"ansi_{color}"
    return variables


class _MeasuredTheme:
    """A theme of mixed colors, whose roles are measured on its grounds."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._colors = theme.to_color_system().generate()
        self._ground = self._color("background")
        self._washes = dict(self._new_washes())
        self._grounds = (
            self._ground,
            self._color("surface"),
            self._color("panel"),
            *self._washes.values(),
        )
        """All backgrounds on which text may stand."""

    def _color(self, name: str) -> Color:
        return Color(*Color.parse(self._colors[name]).rgb)

    def _own_of(self, for_dark: str, for_light: str) -> Color:
        return Color.parse(for_dark if self._theme.dark else for_light)

    def _new_washes(self) -> Iterator[tuple[str, Color]]:
        weight = 1 if self._theme.dark else _PALER
        for name, (color, share) in _WASHES.items():
            if name in self._theme.variables:
                yield name, Color.parse(self._theme.variables[name])
            else:
                yield name, self._ground.blend(self._color(color), share * weight)

    def variables(self) -> dict[str, str]:
        """Return the style sheet's variables of roles."""
        is_dark = self._theme.dark
        roles = {f"role-{role}": color for role, color in self._roles()}
        found = self._color("warning")
        colors = {
            **roles,
            **self._washes,
            "chip-text": BLACK if is_dark else WHITE,
            "cursor-color": roles["role-plain"],
            "found-background": found,
            "found-color": max(BLACK, WHITE, key=lambda end: contrast(end, found)),
            "thumb-color": self._ground.blend(self._color("foreground"), _THUMB_SHARE),
        }
        chips = SHIPPED.chips[0 if is_dark else 1]
        for number in range(CHIPS):
            colors[f"chip-{number}"] = Color.parse(chips[number])
        variables = {name: color.hex6 for name, color in colors.items()}
        return {**variables, "dim-text-style": "none"}

    def _roles(self) -> Iterator[tuple[str, Color]]:
        """Yield each role's color, so that it can be read and told from the others."""
        for role, share in _GREYS.items():
            yield role, self._grey(share)
        for role, (for_dark, for_light) in SHIPPED.matched.items():
            color = self._own_of(for_dark, for_light)
            yield role, legible(color, self._grounds)
        taken = [self._grey(_GREYS["dim"])]
        for role, (name, for_dark, for_light) in SHIPPED.hues.items():
            own = self._own_of(for_dark, for_light)
            theme_color = self._color(name) if name else own
            color = self._hue(theme_color, own, taken)
            taken.append(color)
            yield role, color
            if role == "busy":
                for same_role in _AS_BUSY:
                    yield same_role, color

    def _grey(self, share: float) -> Color:
        grey = self._ground.blend(self._color("foreground"), share)
        return legible(grey, self._grounds)

    def _hue(self, theme_color: Color, own: Color, taken: Sequence[Color]) -> Color:
        """Return the theme's color or, if that is too near to another one, our own."""
        theme_hue = legible(theme_color, self._grounds)
        own_hue = legible(own, self._grounds)
        theme_distance = min(distance(theme_hue, other) for other in taken)
        own_distance = min(distance(own_hue, other) for other in taken)
        is_too_near = theme_distance < min(_APART, own_distance)
        return own_hue if is_too_near else theme_hue
