"""The themes and colors that come with the program: `templates/colors.json`."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from textual.theme import Theme

from sfnwatch.config.user_themes import UserTheme
from sfnwatch.templates import read_template


def theme_of(written: UserTheme) -> Theme:
    return Theme(
        name=written.name,
        dark=written.dark,
        ansi=written.colors["primary"].startswith("ansi_"),
        variables=dict(written.variables),
        **written.colors,  # type: ignore[arg-type]
    )


class _Shipped(Struct):
    """The colors that come with the program; the first of two is for dark themes."""

    themes: tuple[UserTheme, ...]
    hues: Mapping[str, tuple[str, str, str]]
    """By role: the name of the theme's color, if themes have one, and sfnwatch's own
    colors. A theme's color that is too near to those before it is replaced by
    sfnwatch's own."""
    matched: Mapping[str, tuple[str, str]]
    """By the certainty of a match: colors of words, which signs tell apart as well."""
    chips: tuple[Sequence[str], Sequence[str]]
    """Hues that mean nothing else, used to tell executions apart."""
    palette: Mapping[str, tuple[str, str]]
    """The names of a terminal's colors, by variable.

    Palettes most often fail at blue on black and at yellow on white. Many have no gray
    that can be read; all have a fainter default.
    """


SHIPPED = msgspec.json.decode(read_template("colors.json"), type=_Shipped)
THEMES = tuple(map(theme_of, SHIPPED.themes))
