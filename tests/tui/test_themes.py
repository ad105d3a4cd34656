"""Themes: what is written in them can be read, and what is wrong in one is said."""

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from sfnwatch.config import Config, ThemeSpec, check
from sfnwatch.errors import UsageError
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Tone
from sfnwatch.tui.contrast import contrast, legible, tone_variables
from sfnwatch.tui.themes import THEMES, make_theme, names, register, theme_for

RGB = st.builds(Color, *(st.integers(0, 255),) * 3)
HEX = RGB.map(lambda color: color.hex6)
MEASURED = [t for t in (*THEMES, *BUILTIN_THEMES.values()) if not t.ansi]
ANSI = [theme for theme in BUILTIN_THEMES.values() if theme.ansi]
GROUNDS = ("background", "surface", "panel")
WASHES = (
    "cursor-background",
    "fresh-background",
    "banner-background",
    "banner-bad-background",
)


def spec(name: str = "mine", where: str = "mine.toml", **more: object) -> ThemeSpec:
    colors = {k: str(v) for k, v in more.items() if k not in {"variables", "dark"}}
    variables = more.get("variables", {})
    assert isinstance(variables, dict)
    return ThemeSpec(
        name=name,
        colors=MappingProxyType({"primary": "#88c0d0", **colors}),
        dark=bool(more.get("dark", True)),
        variables=MappingProxyType(variables),
        where=where,
    )


def contrasts(theme: Theme, tone: Tone) -> Iterator[float]:
    """Measure a tone on everything it may stand on."""
    own, general = tone_variables(theme), theme.to_color_system().generate()
    text = Color.parse(own[f"tone-{tone}"])
    for name in GROUNDS:
        yield contrast(text, Color.parse(general[name]))
    for name in WASHES:
        yield contrast(text, Color.parse(own[name]))


# -- can be read -------------------------------------------------------------------


def test_contrast_is_measured_as_wcag_does() -> None:
    white, black = Color(255, 255, 255), Color(0, 0, 0)
    assert contrast(white, black) == contrast(black, white) == pytest.approx(21)
    assert contrast(white, white) == 1
    assert contrast(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", MEASURED, ids=lambda theme: theme.name)
@pytest.mark.parametrize("tone", Tone)
def test_every_tone_can_be_read_in_every_theme(theme: Theme, tone: Tone) -> None:
    high = theme.name.startswith("high-contrast")
    least = 7 if high else 3 if tone is Tone.DIM else 4.5
    assert min(contrasts(theme, tone)) >= least


@given(RGB, st.lists(RGB, min_size=1, max_size=3), st.sampled_from([3.0, 4.5]))
def test_a_color_is_moved_until_it_can_be_read_or_can_go_no_further(
    color: Color, grounds: list[Color], least: float
) -> None:
    moved = legible(color, grounds, least)
    worst = min(contrast(moved, ground) for ground in grounds)
    before = min(contrast(color, ground) for ground in grounds)
    if before >= least:
        assert moved.rgb == color.rgb
    if len(grounds) == 1:
        # Black or white can always be read on one colour.
        assert worst >= min(least, 4.5)
    if worst < least:
        assert moved.rgb in {(0, 0, 0), (255, 255, 255)}


@given(HEX, HEX, HEX, st.booleans())
def test_every_theme_of_a_user_has_every_tone(
    primary: str,
    background: str,
    error: str,
    dark: bool,  # noqa: FBT001
) -> None:
    theme = make_theme(
        spec(primary=primary, background=background, error=error, dark=dark)
    )
    variables = tone_variables(theme)
    assert {f"tone-{tone}" for tone in Tone} | {*WASHES} <= variables.keys()
    general = theme.to_color_system().generate()
    ground = Color.parse(general["background"])
    for tone in Tone:
        # On its own background alone it can always be read.
        text = Color.parse(variables[f"tone-{tone}"])
        assert text.rgb != ground.rgb


@pytest.mark.parametrize("theme", ANSI, ids=lambda theme: theme.name)
def test_a_palette_of_sixteen_stays_one(theme: Theme) -> None:
    variables = tone_variables(theme)
    styles = {variables.pop("dim-text-style")}
    assert styles == {"dim"}
    assert all(value.startswith("ansi_") for value in variables.values())
    assert all(Color.parse(value).ansi is not None for value in variables.values())
    told = {variables[f"tone-{tone}"] for tone in (Tone.GOOD, Tone.BAD, Tone.WARN)}
    assert len(told) == 3
    assert variables["cursor-color"] != variables["cursor-background"]


def test_all_themes_know_the_same_variables() -> None:
    themes = (*THEMES, *BUILTIN_THEMES.values())
    known = {frozenset(tone_variables(theme)) for theme in themes}
    assert len(known) == 1


def test_a_theme_may_choose_a_tone_itself() -> None:
    theme = make_theme(spec(variables={"tone-bad": "#ff0000"}))
    assert tone_variables(theme)["tone-bad"] == "#ff0000"


# -- registered --------------------------------------------------------------------


class Bare(App[None]):
    """An app that has nothing but its themes."""

    CSS = """
    Screen { background: $cursor-background; color: $tone-bad; }
    Screen { text-style: $dim-text-style; scrollbar-color: $thumb-color; }
    """

    def get_css_variables(self) -> dict[str, str]:
        return {**super().get_css_variables(), **tone_variables(self.current_theme)}


async def test_every_theme_can_be_put_on() -> None:
    mine = spec(variables={"border": "#fff 20%", "block-cursor-text-style": "b"})
    config = Config(themes=MappingProxyType({"mine": mine}))
    app = Bare()
    register(app, config)
    known = (*names(), "mine")
    assert {"nord", "ansi-dark", "high-contrast", "high-contrast-light"} <= {*known}
    async with app.run_test() as pilot:
        assert {*known} <= app.available_themes.keys()
        for name in known:
            app.theme = name
            await pilot.pause()
            expected = Color.parse(app.get_css_variables()["tone-bad"])
            assert app.screen.styles.color == expected
    check(replace(config, theme="mine"), themes=names(), actions={})


def test_a_user_may_replace_a_theme() -> None:
    config = Config(themes=MappingProxyType({"nord": spec("nord", primary="#ff0000")}))
    app = Bare()
    register(app, config)
    assert app.available_themes["nord"].primary == "#ff0000"


@pytest.mark.parametrize(
    ("theme", "colors", "environ", "chosen"),
    [
        ("nord", "standard", {}, "nord"),
        (None, "truecolor", {}, None),
        (None, "256", {}, None),
        (None, None, {}, None),
        (None, "standard", {}, "ansi-dark"),
        (None, "standard", {"COLORFGBG": "15;0"}, "ansi-dark"),
        (None, "standard", {"COLORFGBG": "0;15"}, "ansi-light"),
        (None, "standard", {"COLORFGBG": "0;default;7"}, "ansi-light"),
        (None, "standard", {"TEXTUAL_THEME": "nord"}, None),
    ],
)
def test_a_terminal_of_sixteen_colours_keeps_its_palette(
    theme: str | None, colors: str | None, environ: dict[str, str], chosen: str | None
) -> None:
    assert theme_for(Config(theme=theme), colors, environ) == chosen


def test_a_theme_of_palette_colours_is_one_of_the_palette() -> None:
    theme = make_theme(spec(primary="ansi_blue", error="ansi_red"))
    assert theme.ansi
    assert tone_variables(theme)["tone-bad"] == "ansi_red"


# -- refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            spec(primary="ceruleann"),
            "mine.toml: mine.primary: `ceruleann` is no colour",
        ),
        (spec(primary="gren"), "`gren` is no colour. Did you mean `green`?"),
        (spec(error="ansi_rde"), "`ansi_rde` is no colour. Did you mean"),
        (spec(panel="rgb(1,2)"), "mine.panel: `rgb(1,2)` is no colour"),
        (
            spec(variables={"bordr": "red"}),
            "mine.toml: mine: unknown variable `bordr`. Did you mean `border`?",
        ),
        (spec(variables={"tone-bda": "red"}), "Did you mean `tone-bad`?"),
        (
            spec(variables={"border": "redd"}),
            "mine.variables.border: `redd` is no colour.",
        ),
        (spec(variables={"border": "red; } Screen { display: none"}), "is no colour."),
        (spec(variables={"border": "$border"}), "is no colour."),
        (
            spec(variables={"block-cursor-text-style": "blod"}),
            "`blod` is no style of text.",
        ),
    ],
)
def test_a_mistake_in_a_theme_is_named(wrong: ThemeSpec, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_theme(wrong)
    assert words in str(caught.value)


@given(st.text(max_size=30), st.sampled_from(["border", "link-style", "tone-dim"]))
def test_any_text_is_a_variable_or_is_refused(value: str, key: str) -> None:
    try:
        theme = make_theme(spec(variables={key: value}))
    except UsageError:
        return
    assert theme.variables[key] == value


def test_the_source_of_the_tones_is_known_to_the_style_sheet() -> None:
    """A tone the sheet does not colour would be drawn as whatever is around it."""
    sheet = Path(__file__).parents[2] / "sfnwatch" / "tui" / "sfnwatch.tcss"
    for tone in Tone:
        assert f".tone--{tone} " in sheet.read_text(encoding="utf-8")
