"""Where an execution's time went: the finding's figures as a bar and in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.trace.findings import Finding, all_findings
from sfnwatch.trace.spans import Part
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain
from sfnwatch.tui.explain_time import (
    KIND,
    SORTS,
    Sort,
    bar,
    flowing,
    parts_words,
    seconds_of,
)
from tests.builders import sync_run
from tests.tui.explained_runs import FACT, TIME

SECONDS = st.dictionaries(
    st.sampled_from(list(SORTS.values())), st.floats(0.01, 1e7), min_size=1
)


def of(**figures: object) -> Finding:
    return Finding(KIND, FACT, "", data=figures)


def test_the_figures_are_those_of_the_finding_in_the_order_of_the_bar() -> None:
    found = {sort.words: length for sort, length in seconds_of(TIME).items()}
    assert found == {
        "working": 305.9,
        "unnoticed": 1.9,
        "waiting": 1.2,
        "between states": 0.05,
    }
    assert list(found) == ["working", "unnoticed", "waiting", "between states"]


def test_every_figure_of_such_a_finding_is_drawn() -> None:
    """They add up to the whole: none has a name that is not known here."""
    found = all_findings(extend(Trace(), sync_run()))
    finding = next(each for each in found if each.kind == KIND)
    drawn = sum(seconds_of(finding).values())
    assert drawn == pytest.approx(finding.data["seconds"], abs=0.01)
    assert {str(part).replace(" ", "_") for part in Part} <= set(SORTS)


def test_what_is_no_figure_is_left_out() -> None:
    assert seconds_of(of(working="5", waiting=None, around=0.001)) == {}
    assert seconds_of(of(later=5.0, working=2)) == {SORTS["working"]: 2.0}


@given(SECONDS, st.integers(-5, 400))
def test_a_bar_is_full_and_shows_every_part(
    seconds: dict[Sort, float], width: int
) -> None:
    drawn = bar(seconds, width)
    if width < 8:
        assert drawn == ()
        return
    assert sum(cell_len(text) for text, _ in drawn) == min(width, 60)
    assert len(drawn) == len(seconds)
    assert all(text for text, _ in drawn)


def test_a_part_has_as_many_cells_as_is_its_share() -> None:
    seconds = seconds_of(of(working=1, backing_off=2, waiting=3))
    assert [len(text) for text, _ in bar(seconds, 33)] == [6, 11, 16]
    assert bar({}, 40) == ()


@pytest.mark.parametrize(
    ("working", "waiting", "said"),
    [(1, 1, ("50 %", "50 %")), (999, 1, (">99 %", "<1 %")), (5, 0, ("100 %",))],
)
def test_a_share_is_not_rounded_away(
    working: float, waiting: float, said: tuple[str, ...]
) -> None:
    words = parts_words(seconds_of(of(working=working, waiting=waiting)))
    assert tuple(plain(each).rpartition(", ")[2] for each in words) == said


@given(SECONDS, st.integers(1, 200))
def test_words_flow_and_none_is_lost(seconds: dict[Sort, float], width: int) -> None:
    words = parts_words(seconds)
    lines = list(flowing(words, width))
    whole = "".join(plain(line) for line in lines).replace(" ", "")
    assert whole == "".join(plain(each) for each in words).replace(" ", "")
    for line in lines:
        assert cell_len(plain(line)) <= width or "   " not in plain(line)
    assert list(flowing((), width)) == []
