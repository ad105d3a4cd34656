"""Executions beside each other: what shares a line, what runs on, what is of none."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.nests import nest_key
from sfnwatch.trace.shape import Fold, Shape, Sort, all_toggled
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Piece, plain
from sfnwatch.tui.arrange import Plan, arrange, plan_for
from sfnwatch.tui.cells import cells
from sfnwatch.tui.draw_beside import draw_cells, draw_shared, draw_time
from sfnwatch.tui.lane_frame import BEFORE, COLUMN, Frame, Look, frame
from sfnwatch.tui.lane_heads import draw_heads
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import NO_MATCH, Hints, Layout
from tests.builders import START, call, describe, event
from tests.trace.families import Starts, execution, history
from tests.tui.conftest import harmless
from tests.tui.runs import HOSTILE, branching_run, seconds
from tests.tui.several import ASYNC, SDK, SYNC, THREE, three_live, three_runs

BESIDE, ALIGNED = Plan(beside=True), Plan(beside=True, aligned=True)
WIDTHS = [139, 140, 199, 300]


def laid_out(
    records: Iterable[Received],
    plan: Plan = BESIDE,
    *,
    hints: Hints | None = None,
    wanted: Shape | None = None,
) -> Layout:
    lanes = build_lanes(extend(Trace(), records))
    return arrange(lanes, plan, hints or Hints(), wanted or Shape())


def drawn(layout: Layout, width: int = 139, look: Look | None = None) -> list[str]:
    shown = frame(layout, width, look)
    return [words(pieces_of(line, shown)) for line in layout.lines]


def pieces_of(line: Line, shown: Frame) -> tuple[Piece, ...]:
    time = draw_time(line, shown)
    if line.right or not line.cells:
        return (*time, *draw_shared(line, shown))
    columns = draw_cells(line, shown, selected=None, badges={})
    return (*time, *(piece for column in columns for piece in column))


def words(pieces: Iterable[Piece]) -> str:
    return "".join(text for text, _ in pieces)


def line_of(layout: Layout, key: str) -> Line:
    return layout.lines[layout.positions[key]]


# -- what shares a line ------------------------------------------------------------


def test_each_execution_has_its_own_column() -> None:
    layout = laid_out(three_runs())
    for column, arn in enumerate(THREE):
        keys = [k for line in layout.lines for k in line.cells[column].keys]
        numbers = [
            int(k.rpartition("#")[2])
            for k in keys
            if k.startswith(arn) and "~" not in k
        ]
        assert numbers == sorted(numbers)
        assert all(layout.columns[key] == column for key in keys)
        rows = [row for line in layout.lines for row in line.cells[column].all_rows]
        assert {row.execution_arn for row in rows} == {arn}


def test_what_is_of_one_second_shares_lines() -> None:
    layout = laid_out(three_runs(), ALIGNED)
    first = layout.lines[0]
    assert [cell.keys for cell in first.cells] == [(f"{arn}#1",) for arn in THREE]
    assert first.moment == START
    assert "+0 s" in drawn(layout)[0]


def test_each_at_its_own_time_is_apart() -> None:
    layout = laid_out(three_runs())
    places = [layout.positions[f"{arn}#1"] for arn in THREE]
    assert places == sorted(set(places))
    assert "00:28:24" in drawn(layout)[0]
    assert "00:29:26" in drawn(layout)[places[2]]


def test_a_second_is_told_on_its_first_line_only() -> None:
    layout = laid_out(three_runs())
    moments = [line.moment for line in layout.lines if line.moment is not None]
    assert moments == sorted(set(moments))


def test_a_phase_and_its_call_share_a_line_in_their_column() -> None:
    layout = laid_out(three_runs())
    cell = line_of(layout, "call#run").cells[0]
    assert cell.keys == (f"{SYNC}#5", "call#run")
    assert cell.gutter == " ──▶ "
    assert (
        "submitted ───────────▶ RunTask" in drawn(layout)[layout.positions["call#run"]]
    )


def test_rails_and_connectors_run_on_past_the_lines_of_others() -> None:
    layout = laid_out(three_runs())
    first, last = (layout.positions[f"{SYNC}#{n}"] for n in (2, 7))
    inside = layout.lines[first + 1 : last]
    with_cells = [line for line in inside if not line.right]
    assert all("│" in rails_in(line.cells[0]) for line in with_cells)
    before = layout.lines[: layout.positions[f"{SDK}#1"]]
    assert not any(rails_in(line.cells[2]).strip() for line in before)


def rails_in(cell: Line) -> str:
    return cell.rails.before + cell.rails.own + cell.rails.after


def test_what_still_runs_has_a_heavy_rail_to_the_end() -> None:
    layout = laid_out(three_live())
    after = layout.lines[layout.positions["call#poll-0"] :]
    assert all("┃" in rails_in(line.cells[0]) for line in after)
    assert not any("┃" in rails_in(line.cells[1]) for line in after)


def test_polls_fold_and_unfold_in_their_column() -> None:
    layout = laid_out(three_runs())
    fold = f"{SYNC}#3~polls0"
    assert layout.positions["call#poll-2"] == layout.positions[fold]
    assert layout.columns["call#poll-2"] == layout.columns[fold] == 0
    assert "⋯ 3 more, ~60 s" in drawn(layout)[layout.positions[fold]]
    opened = laid_out(three_runs(), wanted=Shape(opened=frozenset({fold})))
    assert opened.positions["call#poll-2"] > opened.positions["call#poll-1"]


def test_branches_fold_in_their_column() -> None:
    records = [*branching_run(), *three_runs()]
    layout = laid_out(records)
    (arn,) = {head.execution_arn for head in layout.heads} - {*THREE}
    fold = f"{arn}#4~visit"
    folded = laid_out(records, wanted=Shape(folded=frozenset({fold})))
    assert folded.positions[f"{arn}#9"] == folded.positions[fold]
    assert len(folded.lines) < len(layout.lines)
    assert folded.shaped.closed == {fold}


# -- time --------------------------------------------------------------------------


def gaps(layout: Layout) -> list[float]:
    folds = [line.left for line in layout.lines if isinstance(line.left, Fold)]
    return [fold.seconds or 0 for fold in folds if fold.sort is Sort.IDLE]


def test_idle_is_only_when_all_are() -> None:
    alone = laid_out([r for r in three_runs() if r.execution_arn != SDK])
    together = laid_out(three_runs())
    assert max(gaps(alone)) > max(gaps(together)) - 1
    assert all(seconds >= 30 for seconds in gaps(together))
    busy = [
        event(n + 2, "PassStateEntered", 5.0 * n, arn=SDK, name=f"step {n}")
        for n in range(70)
    ]
    quiet = [r for r in three_runs() if r.execution_arn != SDK]
    start = event(1, "ExecutionStarted", 0, arn=SDK)
    assert gaps(laid_out([*quiet, start, *busy])) == []


def test_gaps_can_be_left_unnamed() -> None:
    assert gaps(laid_out(three_runs(), wanted=Shape(gaps=False))) == []


def test_one_watermark_is_drawn_across_all() -> None:
    hints = Hints(complete_to=seconds(126))
    layout = laid_out(three_live(), hints=hints)
    (place,) = [n for n, line in enumerate(layout.lines) if is_mark(line.left)]
    text = drawn(layout)[place]
    assert "CloudTrail complete to 00:30:30" in text
    assert text.rstrip().endswith("┄")
    assert layout.positions["call#poll-1"] < place


def test_with_starts_together_each_execution_has_its_own_watermark() -> None:
    hints = Hints(complete_to=seconds(126))
    layout = laid_out(three_live(), ALIGNED, hints=hints)
    marks = [
        column
        for line in layout.lines
        for column, cell in enumerate(line.cells)
        if is_mark(cell.left)
    ]
    # Two of them are over, and complete.
    assert marks == [0]
    assert any("complete to +2m 06s" in text for text in drawn(layout))


def is_mark(part: object) -> bool:
    return isinstance(part, Fold) and part.sort is Sort.WATERMARK


def test_times_are_counted_from_each_start() -> None:
    layout = laid_out(three_runs(), ALIGNED)
    assert layout.origin == START
    lines = drawn(layout)
    assert "+5m 09s" in lines[layout.positions[f"{SYNC}#6"]]
    ends = [layout.positions[f"{arn}#7"] for arn in (ASYNC, SDK)]
    assert ends[0] == ends[1]


# -- what is of no one execution ---------------------------------------------------


def test_a_call_of_a_shared_role_is_told_once_and_in_no_column() -> None:
    layout = laid_out(three_runs())
    line = line_of(layout, "call#role")
    assert isinstance(line.right, Row)
    assert not any(cell.keys for cell in line.cells)
    assert [line.cell(n) for n in range(3)] == [line] * 3
    text = drawn(layout)[layout.positions["call#role"]]
    assert "AssumeRole  role only  of no one execution" in text
    aligned = laid_out(three_runs(), ALIGNED)
    told = drawn(aligned)[aligned.positions["call#role"]]
    assert "at 00:29:27" in told


def test_a_call_that_two_executions_may_have_made_says_which() -> None:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    records = []
    for arn in (ASYNC, SDK):
        records += [
            event(1, "ExecutionStarted", 0, arn=arn, roleArn=role_of(three_runs())),
            event(2, "TaskStateEntered", 0.1, arn=arn, name="Run"),
            event(3, "TaskScheduled", 0.1, arn=arn, **task),
            event(4, "TaskStarted", 0.2, arn=arn, **task),
        ]
    layout = laid_out([*records, call("RunTask", 1, key="whose")])
    text = drawn(layout)[layout.positions["call#whose"]]
    assert "? 2 candidates" in text
    assert "async or sdk" in text


def role_of(records: Iterable[Received]) -> str:
    details = (r.data.get("executionStartedEventDetails") for r in records)
    return next(str(d["roleArn"]) for d in details if isinstance(d, dict))


# -- words -------------------------------------------------------------------------


def test_who_noticed_and_what_was_left_behind_is_said_in_few_words() -> None:
    layout = laid_out(three_runs())
    lines = drawn(layout)
    assert "◀── by event, 1.9 s" in lines[layout.positions[f"{SYNC}#6"]]
    wide = drawn(layout, 199)[layout.positions[f"{SYNC}#6"]]
    assert "◀── by event, 1.9 s after the stop" in wide
    after = lines[layout.positions[f"{SDK}#7"] + 1]
    assert "did not wait for the task" in after


def test_a_refused_poll_is_seen_to_be_one_in_the_narrowest_column() -> None:
    layout = laid_out(three_runs(denied=True))
    text = drawn(layout)[layout.positions["call#poll-0"]]
    assert "✘ DescribeTasks #1" in text


def test_a_wide_column_gives_the_rule_in_words() -> None:
    layout = laid_out(three_runs())
    text = drawn(layout, 199)[layout.positions["call#poll-0"]]
    assert "DescribeTasks #1  = task ARN" in text


def test_the_head_names_each_execution_and_says_how_it_stands() -> None:
    layout = laid_out(three_live())
    who, what = draw_heads(layout, frame(layout, 139), seconds(270))
    text = "".join(text for text, _ in who)
    assert text.split("│")[0].split() == [
        "15",
        "Nov",
        "sync-3b6962",
        "●",
        "running",
        "04:30",
    ]
    assert "✔ succeeded 0.75 s" in text
    assert "ecs:runTask.sync" in words(what)  # type: ignore[arg-type]
    assert "aws-sdk:ecs:runTask" in words(what)  # type: ignore[arg-type]
    assert sum(len(text) for text, _ in who) == 139


def test_without_rows_each_column_says_so() -> None:
    records = [describe("RUNNING", arn=arn) for arn in (SYNC, SDK)]
    hints = Hints(states="waiting for the first event…", calls="nothing yet")
    text = drawn(laid_out(records, hints=hints))
    assert [line.count("waiting for the first event…") for line in text][:1] == [2]
    assert text[1].count("nothing yet") == 2


def test_what_the_filter_leaves_nothing_of_says_so() -> None:
    layout = laid_out(three_runs(), wanted=Shape(keep=lambda _: False))
    assert layout.lines == (Line(left=NO_MATCH),)
    assert NO_MATCH in drawn(layout)[0]
    assert layout.shaped.filtered == len(
        build_lanes(extend(Trace(), three_runs())).rows
    )


def test_hidden_services_are_counted_and_gone() -> None:
    wanted = Shape(hidden_services=frozenset({"ecs.amazonaws.com"}))
    layout = laid_out(three_runs(), wanted=wanted)
    assert "call#poll-0" not in layout.positions
    assert layout.shaped.unlisted == {"ecs.amazonaws.com": 8}
    assert layout.calls[SYNC] == {"ecs.amazonaws.com": 6}


# -- any width, any text, any moment -----------------------------------------------


@pytest.mark.parametrize("plan", [BESIDE, ALIGNED])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_line_is_as_wide_as_the_screen(width: int, plan: Plan) -> None:
    hints = Hints("none", "no calls were recorded", seconds(126))
    for records in (three_runs(), three_live(), three_runs(denied=True)):
        layout = laid_out(records, plan, hints=hints)
        shown = frame(layout, width)
        for line in layout.lines:
            assert cells(pieces_of(line, shown)) == width, plain(pieces_of(line, shown))


def test_names_that_would_act_on_a_terminal_are_harmless() -> None:
    records = [
        *three_runs(),
        *branching_run(HOSTILE),
        call("Bad\x1b[31m", 5, key="bad", source="x\x1b.amazonaws.com"),
    ]
    layout = laid_out(records)
    assert all(harmless(text) for text in drawn(layout, 200))
    who, what = draw_heads(layout, frame(layout, 200), None)
    assert all(harmless(text) for text, _ in (*who, *what))


def test_names_are_masked_everywhere() -> None:
    look = Look(mask=lambda text: text.replace("sync-3b6962", "execution-1"))
    layout = laid_out(three_runs())
    who, _ = draw_heads(layout, frame(layout, 200, look), None)
    text = "".join(text for text, _ in who)
    assert "execution-1" in text
    assert "3b6962" not in text


@pytest.mark.parametrize(
    ("width", "count", "plan"),
    [
        (139, 3, Plan(beside=True)),
        (139, 9, Plan(beside=True)),
        (BEFORE + 3 * COLUMN - 1, 3, Plan()),
        (99, 2, Plan(beside=True)),
        (95, 2, Plan(folded=True)),
        (108, 9, Plan(folded=True)),
        (109, 9, Plan()),
        (99, 1, Plan()),
        (98, 1, Plan(folded=True)),
        (0, 3, Plan(folded=True)),
    ],
)
def test_executions_stand_beside_each_other_where_there_is_room(
    width: int, count: int, plan: Plan
) -> None:
    assert plan_for(width, count) == plan
    aligned = plan_for(width, count, aligned=True)
    assert aligned.aligned == (count > 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 320).map(float), st.sampled_from([BESIDE, ALIGNED]))
def test_every_row_has_its_place_at_every_moment(until: float, plan: Plan) -> None:
    records = [r for r in three_runs() if r.at is None or r.at <= seconds(until)]
    lanes = build_lanes(extend(Trace(), records))
    if len(lanes.heads) < 2:
        return
    layout = arrange(lanes, plan, Hints(complete_to=seconds(until)), Shape())
    for row in lanes.rows:
        line = line_of(layout, row.key)
        assert row.key in {kept.key for kept in line.all_rows}
    shown = [line.moment for line in layout.lines if line.moment is not None]
    assert all(b - a >= timedelta(seconds=1) for a, b in pairwise(shown))


# -- what states began -------------------------------------------------------------


def two_parents() -> list[Received]:
    """Build two executions that overlap, each of which starts one of its own."""
    return [
        *history(execution(0), None, Starts(execution(1)), None),
        *history(execution(1), None, begin=0.7),
        *history(execution(2), Starts(execution(3)), begin=5),
        *history(execution(3), None, None, begin=5.5),
    ]


@pytest.mark.parametrize("plan", [BESIDE, ALIGNED])
def test_what_was_begun_stands_in_the_column_of_what_began_it(plan: Plan) -> None:
    folded = laid_out(two_parents(), plan)
    lanes = build_lanes(extend(Trace(), two_parents()))
    opened = laid_out(two_parents(), plan, wanted=all_toggled(Shape(), lanes))
    assert [head.execution_arn for head in lanes.heads] == [execution(0), execution(2)]
    for column, child in enumerate((execution(1), execution(3))):
        nest = nest_key(child)
        assert folded.columns[nest] == column
        for number in (1, 2):
            key = f"{child}#{number}"
            assert opened.columns[key] == folded.columns[key] == column
            assert folded.positions[key] == folded.positions[nest]
        places = [opened.positions[f"{child}#{number}"] for number in (1, 2, 4)]
        assert places == sorted(places)
    assert opened.positions.keys() >= {row.key for row in lanes.rows}
    assert all(harmless(line) for line in drawn(opened))


def test_with_starts_together_a_child_is_moved_as_its_parent_is() -> None:
    lanes = build_lanes(extend(Trace(), two_parents()))
    opened = all_toggled(Shape(), lanes)
    one, other = f"{execution(1)}#1", f"{execution(3)}#1"
    apart = laid_out(two_parents(), BESIDE, wanted=opened).positions
    together = laid_out(two_parents(), ALIGNED, wanted=opened).positions
    assert apart[other] > max(apart[f"{execution(n)}#1"] for n in (0, 1, 2))
    assert together[one] > together[f"{execution(0)}#1"]
    assert together[other] < together[f"{execution(1)}#4"], "though 5 s later"
