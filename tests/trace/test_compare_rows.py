"""A comparison as lines: what differs is open, what is alike is folded."""

from typing import Any

from sfnwatch.trace.compare import compare_apart
from sfnwatch.trace.compare_bars import bar, is_sliver, scale_of
from sfnwatch.trace.compare_rows import (
    CompareRow,
    CompareShape,
    RowSort,
    compare_rows,
    pair_key,
)
from sfnwatch.trace.compare_values import (
    Comparison,
)
from sfnwatch.trace.spans import Part
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain
from tests.builders import ARN, sync_run
from tests.trace.comparing import A, B, Story, comparison


def denied() -> Comparison:
    one, other = (extend(Trace(), sync_run(denied=d)) for d in (False, True))
    return compare_apart(one, ARN, other, ARN)


def labels(rows: tuple[CompareRow, ...], found: Comparison) -> list[str]:
    return [
        row.detail.label
        if row.detail
        else str(row.sort)
        if row.sort is not RowSort.PAIR
        else found.pairs[row.place].path.removeprefix("Main / ")
        for row in rows
    ]


def long_run(count: int, *, other: bool = False) -> Comparison:
    names = [f"s{n}" for n in range(count)]
    end = "Other" if other else "Last"
    return comparison(
        Story(A).passes(*names, "Last").ends(), Story(B).passes(*names, end).ends()
    )


def test_what_differs_is_open_and_tells_why() -> None:
    found = denied()
    rows = compare_rows(found)
    assert labels(rows, found) == [
        "ECS RunTask",
        "RunTask",
        "DescribeTasks",
        "end noticed",
    ]
    assert [row.differs for row in rows] == [True, False, True, False]
    polls = rows[2].detail
    assert polls is not None
    assert plain(polls.a) == "5 polls, every 60 s"
    assert plain(polls.b) == "5 polls ✘ AccessDenied, every 60 s"
    assert polls.key_b == "call#poll-0"


def test_what_is_open_can_be_folded() -> None:
    found = denied()
    key = pair_key(found, 0)
    rows = compare_rows(found, CompareShape(frozenset({key})))
    assert [(row.key, row.open) for row in rows] == [(key, False)]


def test_few_states_are_all_shown_and_many_alike_ones_take_a_line() -> None:
    assert len(compare_rows(long_run(5))) == 6
    found = long_run(100, other=True)
    rows = compare_rows(found)
    assert labels(rows, found) == ["alike", "s99", "Last", "Other"]
    assert rows[0].count == 99
    opened = compare_rows(found, CompareShape(frozenset({rows[0].key})))
    assert len(opened) == 103
    assert opened[0].open
    assert len(compare_rows(found, CompareShape(alike_folded=False))) == 102
    assert len(compare_rows(long_run(5), CompareShape(alike_folded=True))) == 1


def test_a_crowd_of_iterations_is_one_line_until_it_is_opened() -> None:
    lengths = [1.0] * 3_000
    slow = [*lengths[:-1], 60.0]
    found = comparison(
        Story(A).map("m", lengths).ends(), Story(B).map("m", slow).ends()
    )
    rows = compare_rows(found)
    assert [row.sort for row in rows] == [RowSort.PAIR, RowSort.GROUP]
    assert (rows[0].open, rows[1].count) == (False, 0)
    opened = compare_rows(found, CompareShape(frozenset({rows[0].key})))
    assert [row.sort for row in opened] == [
        RowSort.PAIR,
        RowSort.GROUP,
        RowSort.ALIKE,
        RowSort.PAIR,
    ]
    assert opened[2].count == 2_999


def test_what_differs_behind_a_fold_is_seen_on_it() -> None:
    lengths = [1.0] * 30
    found = comparison(
        Story(A).map("m", lengths).ends(), Story(B).map("m", [*lengths, 1]).ends()
    )
    rows = compare_rows(found)
    assert rows[0].differs
    assert rows[1].count == 1


def test_bars_are_to_one_scale_and_no_time_is_lost() -> None:
    parts = {Part.WAITING: 1.0, Part.WORKING: 8.0, Part.NOTICING: 1.0}
    assert bar(parts, 10, 10) == (
        (Part.WAITING, 1),
        (Part.WORKING, 8),
        (Part.NOTICING, 1),
    )
    assert bar(parts, 20, 10) == ((Part.WORKING, 4), (Part.NOTICING, 1))
    assert bar({}, 10, 10) == ()
    assert bar({Part.WORKING: 0.01}, 10, 10) == ((Part.WORKING, 1),)
    assert is_sliver({Part.WORKING: 0.01}, 10, 10)
    assert not is_sliver(parts, 10, 10)
    assert scale_of(comparison(Story(A).ends(), Story(B).ends())) == 1.0


def test_a_try_that_failed_early_is_not_called_faster() -> None:
    found = comparison(
        Story(A).task("t", (40, "E"), (2, None)).ends(),
        Story(B).task("t", (2, "E"), (1, "E"), (2, None)).ends(),
    )
    tries = [row.detail for row in compare_rows(found)[1:4] if row.detail]
    assert [t.label for t in tries] == ["try 1", "try 2", "try 3"]
    assert [t.change and t.change.difference for t in tries] == [-38.0, None, None]
    assert plain(tries[2].a) == "none"


def test_where_nothing_is_waited_for_no_end_is_noticed() -> None:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    story = Story(ARN).task("ECS RunTask", (1, None), **task).ends()
    one, other = (extend(Trace(), some) for some in (sync_run(), story))
    found = compare_apart(one, ARN, other, ARN)
    told = {row.detail.label: row.detail for row in compare_rows(found) if row.detail}
    assert plain(told["end noticed"].a) == "1.9 s late by event"
    assert plain(told["end noticed"].b) == "none"
    assert plain(told["DescribeTasks"].b) == "not known"
