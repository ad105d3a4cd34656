"""How well a color can be read on others, and told from others."""

import math
from collections.abc import Collection

from textual.color import Color, rgb_to_lab

LEAST_CONTRAST = 4.5
"""The ratio of contrast that all text keeps, as WCAG asks."""
_STEPS = 50
"""The steps from a color to black or white."""
BLACK = Color(0, 0, 0)
WHITE = Color(255, 255, 255)


def legible(color: Color, grounds: Collection[Color]) -> Color:
    """Move a color towards white or black until it can be read on all grounds."""

    def contrast_with_grounds(candidate: Color) -> float:
        return min(contrast(candidate, ground) for ground in grounds)

    end = max(WHITE, BLACK, key=contrast_with_grounds)
    for step in range(_STEPS):
        moved = color.blend(end, step / _STEPS)
        if contrast_with_grounds(moved) >= LEAST_CONTRAST:
            return moved
    return end


def distance(one: Color, other: Color) -> float:
    """Return how different two colors look: their distance in CIELAB."""
    return math.dist(rgb_to_lab(one), rgb_to_lab(other))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colors as WCAG 2 measures it: from 1 to 21."""
    luminances = [_luminance(one), _luminance(other)]
    darker, lighter = sorted(luminances)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    """Return a color's relative luminance, as WCAG defines it: from 0 to 1."""
    red, green, blue = color.normalized
    return 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)


def _linear(share: float) -> float:
    """Return the light of a color's part, from 0 to 1; sRGB stores it compressed."""
    if share <= 0.04045:  # noqa: PLR2004 - WCAG's
        return share / 12.92
    return math.pow((share + 0.055) / 1.055, 2.4)
