"""A comparison as text: within its width, harmless, and the same each time."""

from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.export.compare_prose import wrapped
from sfnwatch.export.compare_text import write_text
from sfnwatch.trace.compare import compare_apart
from sfnwatch.trace.compare_values import (
    Comparison,
)
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, sync_run
from tests.trace.comparing import A, B, Story, comparison
from tests.trace.test_text import HOSTILE, safe

WIDE = "夜間レポート 集計"


def text(found: Comparison, width: int = 80) -> str:
    out = StringIO()
    write_text(found, out, width)
    return out.getvalue()


def denied() -> Comparison:
    one, other = (extend(Trace(), sync_run(denied=d)) for d in (False, True))
    return compare_apart(one, ARN, other, ARN)


def various(name: str = "Label") -> Comparison:
    return comparison(
        Story(A)
        .passes("x", "y")
        .task(name, (40, "E"), (2, None))
        .map("m", [1, 2])
        .ends(),
        Story(B)
        .passes("x")
        .task(name, (2, None))
        .map("m", [1] * 30)
        .passes("z")
        .ends(),
    )


def test_it_says_who_what_and_where() -> None:
    lines = text(denied()).splitlines()
    assert lines[0] == (
        "A  nightly-report › run-7f3a  ✔ succeeded  5m 09s  2023-11-15 00:28:24 UTC"
    )
    assert lines[3] == (
        "Both went through the same state with the same outcome; of what they did,"
    )
    assert "- Their definitions are the same." in lines
    assert lines[-4].split() == ["state", "A", "B", "B", "-", "A", "B", "/", "A"]
    assert lines[-3].split() == [
        "≠", "ECS", "RunTask", "5m", "09s", "5m", "09s", "+0.00", "s", "×1.00",
    ]  # fmt: skip
    assert lines[-2] == (
        "≠   DescribeTasks: A 5 polls, every 60 s; B 5 polls ✘ AccessDenied, every 60 s"
    )


def test_a_wide_one_has_bars_to_one_scale() -> None:
    lines = text(various(), 120).splitlines()
    head = next(line for line in lines if line.startswith("  state"))
    label = next(line for line in lines if line.startswith("≠ Label"))
    begin_b = head.rindex("B")
    in_a, in_b = label[:begin_b], label[begin_b:]
    assert in_a.count("▓") > 10 * in_b.count("▓") > 0
    assert lines[-1].startswith("  ░ waiting") or lines[-1].startswith("  ▓ working")
    assert "▓" not in text(various(), 99)


@pytest.mark.parametrize("width", [40, 50, 64, 80, 100, 140, 300])
@pytest.mark.parametrize("name", ["Label", WIDE, "x" * 80, "".join(HOSTILE)])
def test_no_line_is_wider_than_the_width(width: int, name: str) -> None:
    for line in text(various(name), width).splitlines():
        assert cell_len(line) <= width
        assert line == line.rstrip()


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_nothing_in_it_can_be_acted_on(name: str) -> None:
    said = text(various(name))
    assert all(safe(line) for line in said.split("\n"))
    assert said == text(various(name))


def test_nothing_to_compare_is_no_trouble() -> None:
    said = text(comparison(Story(A).ends(), Story(B).ends()))
    assert "There is no state to compare." in said


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.integers(8, 60))
def test_words_are_wrapped_by_their_cells_and_none_is_lost(
    words: str, width: int
) -> None:
    lines = wrapped(words, width, first="- ")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "").removeprefix("-") == words.replace(
        "\u00a0", ""
    ).replace(" ", "")


def test_a_figure_keeps_its_unit() -> None:
    assert wrapped("about every 60 s and 5m 09s", 14) == [
        "about every",
        "60 s and",
        "5m 09s",
    ]
