"""Strings from AWS, made safe to show; lengths and sizes as people write them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.text import byte_count, clean, clean_lines, clock, duration, size

HOSTILE = [
    "\x00",
    "\x07",
    "\x1b[31m",
    "\x1b]52;c;aGk=\x07",
    "\x7f",
    "\x85",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\u2028",
    "\u2029",
    "\ud800",
    "\udfff",
    "\ue000",
    "\uffff",
    "\U000e0001",
    "\u00ad",
]
anything = st.text(st.characters() | st.sampled_from("".join(HOSTILE)))


def safe(text: str) -> bool:
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


@given(anything)
def test_what_is_cleaned_can_do_nothing_and_is_as_long_as_before(text: str) -> None:
    assert safe(clean(text))
    assert len(clean(text)) == len(text)


@given(anything)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"])))
def test_what_can_be_shown_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_is_dropped_silently(text: str) -> None:
    assert safe(clean(text))
    assert clean(text) != text
    assert len(clean(text)) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "␛[31m"),
        ("a\nb\r\tc", "a␊b␍␉c"),
        ("\x00\x7f", "␀␡"),
        ("\x9b", "\ufffd"),
        ("日本 é ✔", "日本 é ✔"),
        ("\u3000wide", "\u3000wide"),
    ],
    ids=ascii,
)
def test_controls_are_shown_as_their_pictures(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(anything, st.integers(0, 10))
def test_a_text_that_is_cut_says_how_much_is_left_out(text: str, limit: int) -> None:
    cut = clean(text, limit)
    assert safe(cut)
    if len(text) <= limit:
        assert cut == clean(text)
    else:
        assert cut == f"{clean(text[:limit])}… {size(byte_count(text[limit:]))} more"


def test_what_is_left_out_is_counted_in_bytes() -> None:
    assert clean("語" * 5, 2) == "語語… 9 B more"
    assert byte_count("a\ud800語") == 7


def test_lines_are_cleaned_one_by_one() -> None:
    assert clean_lines("a\tb\n\x1bc\n") == ["a    b", "␛c", ""]


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (3 * 1024**2, "3.0 MiB")],
)
def test_sizes_are_written_as_people_do(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.00 s"),
        (0.264, "0.26 s"),
        (9.99, "9.99 s"),
        (10, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1m 00s"),
        (60, "1m 00s"),
        (309, "5m 09s"),
        (3599.6, "1h 00m"),
        (7380, "2h 03m"),
        (-1.5, "-1.50 s"),
        (-309, "-5m 09s"),
    ],
)
def test_lengths_of_time_are_written_as_people_do(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(st.floats(-1e9, 1e9))
def test_no_length_of_time_is_written_with_60_of_anything(seconds: float) -> None:
    assert "60" not in duration(seconds).replace("h", "m").split("m")[-1].split(".")[0]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "00:00"), (0, "00:00"), (292.9, "04:52"), (3892, "1:04:52")],
)
def test_a_clock_counts_minutes_and_seconds(seconds: float, words: str) -> None:
    assert clock(seconds) == words
