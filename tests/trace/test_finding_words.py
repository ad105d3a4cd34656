"""Numbers and lengths of time, as people say them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.finding import Certainty, Finding, brief_evidence, evidence
from sfnwatch.trace.finding_words import cadence, decimal, listed, some, spoken, times


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.26, "0.26 s"),
        (1.9, "1.9 s"),
        (58.6, "58.6 s"),
        (59.96, "1 min"),
        (309, "5 min 9 s"),
        (309.4, "5 min 9 s"),
        (3599.6, "1 h"),
        (7380, "2 h 3 min"),
        (86399, "1 d"),
        (100_000, "1 d 4 h"),
        (-5, "-5 s"),
    ],
)
def test_a_length_of_time_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@given(st.floats(0, 1e8))
def test_what_is_said_is_near_to_what_it_was(seconds: float) -> None:
    words = spoken(seconds).split()
    pairs = list(zip(words[::2], words[1::2], strict=True))
    told = sum(float(number) * _UNITS[unit] for number, unit in pairs)
    assert told == pytest.approx(seconds, abs=0.0501, rel=0.02)
    assert all(float(number) < 60 or unit == "d" for number, unit in pairs)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (58.6, "about once a minute"),
        (300, "about once in 5 minutes"),
        (12, "about every 12 s"),
        (150, "about every 2 min 30 s"),
    ],
)
def test_how_often_something_comes(seconds: float, said: str) -> None:
    assert cadence(seconds) == said


def test_numbers_and_lists() -> None:
    assert [times(n) for n in (1, 2, 5)] == ["once", "twice", "5 times"]
    assert [decimal(n) for n in (55.0, 58.6, 0.04)] == ["55", "58.6", "0"]
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert some(["a", "b", "c"]) == "a, b and c"
    assert some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def _brief(*items: str) -> str:
    return brief_evidence(Finding("kind", Certainty.FACT, "text", items))


def test_evidence_is_named_in_a_few_words() -> None:
    uuid = "1f0c22ab-7d5e-4f0a-9c0e-2b6f1f5a9a10"
    assert _brief() == ""
    assert _brief("#5", "#6", uuid, "b", "c") == "#5 #6, 3 calls 1f0c22ab…"
    assert _brief(uuid) == "call 1f0c22ab…"
    assert _brief("run") == "call run"
    assert _brief("#1", "#2", "#3", "#4", "#5") == "#1 #2 #3 and 2 more"
    assert _brief("row-0123456789abcdef0123") == "call 01234567…"


def test_evidence_that_is_hostile_is_clean() -> None:
    assert "\x1b" not in _brief("\x1b[31m#5", "#\x1b")


def test_of_very_much_evidence_the_first_and_the_last_are_kept() -> None:
    kept = evidence([f"#{n}" for n in range(1000)] * 2)
    assert (kept[0], kept[-1], len(kept)) == ("#0", "#999", 50)
    assert _brief(*kept) == "#0 #1 #2 and more"
    assert _brief(*(item.removeprefix("#") for item in kept)) == "50+ calls 0"
