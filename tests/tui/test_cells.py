from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells, cut, pad

TEXTS = st.text(max_size=12).map(clean) | st.sampled_from(
    ["夜間レポート", "🚀", "e\u0301"]
)
PIECES = st.lists(st.tuples(TEXTS, st.sampled_from(list(Tone))), max_size=6)
WIDTHS = st.integers(0, 40)


@given(PIECES, WIDTHS)
def test_what_is_cut_is_never_wider_than_asked(pieces: list[Piece], width: int) -> None:
    assert cells(cut(pieces, width)) <= width


@given(PIECES, WIDTHS)
def test_what_is_padded_is_exactly_as_wide_as_asked(
    pieces: list[Piece], width: int
) -> None:
    assert cells(pad(pieces, width)) == width


@given(PIECES)
def test_what_fits_is_left_alone(pieces: list[Piece]) -> None:
    assert cut(pieces, cells(pieces)) == tuple(pieces)


def test_a_cut_text_ends_in_an_ellipsis_and_keeps_its_tone() -> None:
    pieces = [("Essential ", Tone.PLAIN), ("container", Tone.BAD)]
    assert cut(pieces, 14) == (("Essential ", Tone.PLAIN), ("con…", Tone.BAD))


def test_a_wide_character_is_not_cut_in_half() -> None:
    ((text, _),) = cut([("夜間レポート", Tone.PLAIN)], 4)
    assert text == "夜…"
    assert cell_len(text) == 3
