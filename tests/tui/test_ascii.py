"""A screen in ASCII: every sign has a translation, and nothing moves by a cell."""

import ast
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import textual
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.filter import LineFilter
from textual.widgets import Static

import sfnwatch
from sfnwatch.trace.text import clean
from sfnwatch.tui.ascii import Ascii, to_ascii

PACKAGE = Path(sfnwatch.__file__).parent
TOOLKIT = Path(textual.__file__).parent
TEXTS = st.text(st.characters(codec=None), max_size=30).map(clean)


def literals(path: Path) -> Iterator[str]:
    """Yield the texts in a file of Python, or a style sheet whole."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield source
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def signs_in(path: Path) -> set[str]:
    """Name what is drawn but is no letter."""
    characters = {character for text in literals(path) for character in text}
    return {
        character
        for character in characters
        if not character.isascii() and unicodedata.category(character)[0] not in "LMNC"
    }


SOURCES = sorted(p for p in PACKAGE.rglob("*") if p.suffix in {".py", ".tcss"})
# The table itself names signs to give them a translation; what a spreadsheet would
# take for a formula is drawn nowhere.
NAMED = {"ascii.py", "csv.py"}
DRAWN = sorted({s for p in SOURCES if p.name not in NAMED for s in signs_in(p)})
DRAWN_BY_TEXTUAL = sorted(
    {
        sign
        for name in ("_border", "scrollbar", "keys", "renderables/bar", "widgets/_tree")
        for sign in signs_in(TOOLKIT / f"{name}.py")
    }
)


def test_the_scan_finds_what_is_drawn() -> None:
    assert set("✔✘●─┄▶◀│…·") <= set(DRAWN)
    assert set("╭╮▊▎▔━") <= set(DRAWN_BY_TEXTUAL)


@pytest.mark.parametrize("sign", [*DRAWN, *DRAWN_BY_TEXTUAL])
def test_every_sign_that_is_drawn_has_a_translation(sign: str) -> None:
    translated = to_ascii(sign)
    assert translated.isascii()
    assert translated.isprintable()
    assert len(translated) == cell_len(sign)
    assert sign in "�␡" or "?" not in translated, f"{sign} has no translation"


@pytest.mark.parametrize(
    "group", ["✔✘●■○▲", "░▒▓", "─┄", "│┆", "▶◀", "▁▂▃▄▅▆▇█", "┌└", "▸▾"]
)
def test_signs_that_must_be_told_apart_still_are(group: str) -> None:
    assert len(set(to_ascii(group))) == len(group)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("┌ ECS RunTask", "/ ECS RunTask"),
        ("│  submitted ──────────▶ RunTask", "|  submitted ----------> RunTask"),
        ("└ exited  ✔", "\\ exited  +"),
        ("╭──┬──╮", "/--+--\\"),
        ("╰──┴──╯", "\\--+--/"),
        ("├─ ┣━ ╠═ ╵ ╷ ╱╲╳", "+- += += ' , /\\X"),
        ("⋯ 3 more, “cut…”", ': 3 more, "cut."'),
        ("⠿⣿⠁⠀", "+#. "),
        ("夜間レポート é हिन्दी ½ €", "夜間レポート é हिन्दी ½ €"),
        ("🚀 🔎x ✔\ufe0f", "🚀 / x ✔\ufe0f"),
        ("a\u00a0b␛c", "a b?c"),
    ],
)
def test_what_is_drawn_stays_readable(text: str, plain: str) -> None:
    assert to_ascii(text) == plain


@given(TEXTS)
def test_nothing_moves_and_letters_stay(text: str) -> None:
    plain = to_ascii(text)
    assert cell_len(plain) == cell_len(text)
    assert to_ascii(plain) == plain
    assert letters(plain) == letters(text)


def letters(text: str) -> list[str]:
    return [c for c in text if not c.isascii() and unicodedata.category(c)[0] in "LMN"]


@given(st.text(st.characters(codec="ascii")))
def test_ascii_is_left_alone(text: str) -> None:
    assert to_ascii(text) == text


def test_a_filter_keeps_styles_and_controls() -> None:
    red = Style(color="red")
    bell = Segment("\a", None, [(ControlType.BELL,)])
    segments = [Segment("✔ ok", red), Segment("plain"), bell]
    assert Ascii().apply(segments, Color(0, 0, 0)) == [
        Segment("+ ok", red),
        Segment("plain"),
        bell,
    ]


def test_the_ends_of_a_scrollbar_are_left_out() -> None:
    grip = Style(color="red", meta={"@mouse.down": "grab"})
    segments = [Segment("▆", grip), Segment("▆", Style(color="red"))]
    drawn = Ascii().apply(segments, Color(0, 0, 0))
    assert [segment.text for segment in drawn] == [" ", "*"]
    assert drawn[0].style == grip


async def test_a_whole_screen_is_drawn_in_ascii() -> None:
    class Plain(App[None]):
        CSS = "Static { border: round red; overflow-y: scroll; height: 3; }"

        def compose(self) -> ComposeResult:
            yield Static("▸ ✔ succeeded ──▶ RunTask …")

        def get_line_filters(self) -> list[LineFilter]:
            return [*super().get_line_filters(), Ascii()]

    app = Plain()
    async with app.run_test(size=(40, 3)) as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        filters = app.get_line_filters()
        drawn = [strip.apply_filter(filters[-1], Color(0, 0, 0)) for strip in strips]
        words = "\n".join(strip.text for strip in drawn)
    assert words.isascii()
    assert "> + succeeded --> RunTask ." in words
    assert words.startswith("/---")


def test_the_parts_of_a_bar_differ() -> None:
    """Without colour nothing else tells them apart."""
    bars = "▓░▒┄·┊"
    assert len(set(to_ascii(bars))) == len(bars)
