from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.shape import Fold, Shape, Sort, all_toggled
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain, row_pieces
from sfnwatch.tui.cells import cells
from sfnwatch.tui.draw import draw
from sfnwatch.tui.lane_connectors import REACH
from sfnwatch.tui.lane_frame import frame
from sfnwatch.tui.lane_head import draw_head
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.lane_words import fold_pieces
from sfnwatch.tui.layout import NO_MATCH, Hints, Layout, lay_out
from tests.builders import START, TASK_ARN, call, event, sync_history, sync_run
from tests.tui.conftest import harmless
from tests.tui.runs import HOSTILE, WIDE, branching_run

OPEN = Shape(polls_folded=False, gaps=False)


def laid_out(
    records: list[Received],
    *,
    folded: bool = False,
    hints: Hints | None = None,
    wanted: Shape = OPEN,
) -> Layout:
    lanes = build_lanes(extend(Trace(), records))
    return lay_out(lanes, folded=folded, hints=hints, wanted=wanted)


def line_with(layout: Layout, words: str) -> Line:
    return next(line for line in layout.lines if words in said(line))


def said(line: Line) -> str:
    return "|".join(_said(cell) for cell in (line.left, line.right))


def _said(cell: Row | Fold | str) -> str:
    if isinstance(cell, Row):
        return plain(row_pieces(cell))
    return cell if isinstance(cell, str) else plain(fold_pieces(cell))


def test_a_phase_and_the_call_it_made_in_the_same_second_share_a_line() -> None:
    line = line_with(laid_out(sync_run()), "submitted")
    assert said(line) == "submitted|RunTask  task 9f018ef6  = request id"
    assert line.gutter == " ──▶ "


def test_polls_have_lines_of_their_own_beside_the_rail_of_their_state() -> None:
    line = line_with(laid_out(sync_run()), "DescribeTasks #3")
    assert line.left == ""
    assert line.rails.before == "│ "
    assert line.gutter == GUTTER


def test_a_guess_is_drawn_dotted() -> None:
    line = line_with(laid_out(branching_run()), "~ role + action + time")
    assert line.gutter == " ┄┄▷ "


def test_a_call_of_the_second_before_shares_the_line_of_its_answer() -> None:
    line = line_with(laid_out(branching_run()), "submitted")
    assert line.keys[1] == "call#run-1"
    assert line.gutter == " ──▶ "


def test_a_call_from_long_before_its_phase_is_tied_upwards() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") != "run"]
    early = call("RunTask", -4, key="early", request_id="req-run")
    gutters = [line.gutter for line in laid_out([*records, early]).lines]
    assert gutters[:6] == ["  ╭▶ ", *["  │  "] * 3, " ─╯  ", GUTTER]


def test_a_call_that_came_long_after_its_phase_is_tied_across_lines() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") != "run"]
    late = call("RunTask", 60, key="late", request_id="req-run")
    layout = laid_out([*records, late])
    assert line_with(layout, "submitted").gutter == " ─╮  "
    assert line_with(layout, "DescribeTasks #1").gutter == "  │  "
    assert line_with(layout, "= request id").gutter == "  ╰▶ "


def test_connectors_never_cross() -> None:
    kind: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    records = [event(1, "ExecutionStarted", 0)]
    for first, at, name in ((2, 1, "a"), (5, 40, "b")):
        output = f'{{"SdkResponseMetadata": {{"RequestId": "req-{name}"}}}}'
        records += [
            event(first, "TaskStateEntered", at, previous=1, name=name),
            event(first + 1, "TaskScheduled", at, **kind),
            event(first + 2, "TaskSucceeded", at + 0.1, output=output, **kind),
        ]
    records += [
        call("RunTask", 30, key="a", request_id="req-a"),
        call("RunTask", 20, key="b", request_id="req-b"),
    ]
    layout = laid_out(records)
    assert layout.lines[layout.positions["call#a"]].gutter == "  ╰▶ "
    assert layout.lines[layout.positions["call#b"]].gutter == "  │  "


def test_a_connector_too_long_to_follow_is_not_drawn() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") != "run"]
    late = call("RunTask", 120, key="late", request_id="req-run")
    polls = [
        call("DescribeTasks", 60 + n, key=f"more-{n}", parameters={"tasks": [TASK_ARN]})
        for n in range(REACH)
    ]
    layout = laid_out([*records, *polls, late])
    assert layout.lines[layout.positions["call#late"]].gutter == GUTTER
    assert line_with(layout, "submitted").gutter == GUTTER


def test_calls_that_are_not_tied_get_no_arrow() -> None:
    line = line_with(laid_out(branching_run()), "role only")
    assert line.gutter == GUTTER


def test_who_noticed_the_end_stands_in_the_lane_it_came_from() -> None:
    line = line_with(laid_out(sync_run()), "succeeded|")
    assert said(line).startswith("succeeded|noticed by event, 1.9 s")
    assert line.gutter == " ◀── "


def test_an_uncertain_notice_is_drawn_dotted_or_not_at_all() -> None:
    records = sync_history()
    line = line_with(laid_out(records), "noticed")
    assert line.gutter == GUTTER


def test_a_row_says_whose_it_is_where_the_line_before_is_another_states() -> None:
    layout = laid_out(branching_run())
    assert line_with(layout, "submitted").state == "Thumbnails"
    assert line_with(layout, "exited  2.00 s").state == ""


@pytest.mark.parametrize("folded", [False, True])
def test_a_call_in_between_makes_a_row_say_again_whose_it_is(*, folded: bool) -> None:
    """Inside a Parallel it could be another state's; outside there is but one."""
    layout = laid_out(branching_run(), folded=folded)
    assert line_with(layout, "failed  States.TaskFailed").state == "Thumbnails"
    inside = line_with(layout, "scheduled · started  try 2")
    assert inside.state == ""
    outside = laid_out(sync_run(), folded=folded)
    assert line_with(outside, "succeeded").state == ""


def test_a_call_says_whose_it_is_where_several_states_are_open() -> None:
    assert line_with(laid_out(branching_run()), "DescribeTasks").state == "Thumbnails"
    assert line_with(laid_out(sync_run()), "DescribeTasks").state == ""


@pytest.mark.parametrize("folded", [False, True])
def test_the_watermark_has_a_line_at_its_time(*, folded: bool) -> None:
    hints = Hints(complete_to=START + timedelta(seconds=80))
    layout = laid_out(branching_run(), hints=hints, folded=folded)
    (place,) = [
        n
        for n, line in enumerate(layout.lines)
        if isinstance(line.left, Fold) and line.left.sort is Sort.WATERMARK
    ]
    assert layout.lines[place].keys == ()
    before = [row.at for line in layout.lines[:place] for row in line.rows]
    after = [row.at for line in layout.lines[place:] for row in line.rows]
    assert max(before) <= hints.complete_to < min(after)  # type: ignore[operator]


def test_a_watermark_beyond_all_that_is_known_comes_last() -> None:
    hints = Hints(complete_to=START + timedelta(days=1))
    last = laid_out(sync_run(), hints=hints).lines[-1].left
    assert isinstance(last, Fold)
    assert last.sort is Sort.WATERMARK


def test_connectors_run_past_folds_and_gaps() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") != "run"]
    late = call("RunTask", 280, key="late", request_id="req-run")
    layout = laid_out([*records, late], wanted=Shape())
    place = next(n for n, line in enumerate(layout.lines) if "3 more" in said(line))
    assert layout.lines[place].gutter == "  │  "
    assert line_with(layout, "= request id").gutter == "  ╰▶ "


def test_what_is_folded_is_found_on_the_line_of_its_fold() -> None:
    layout = laid_out(sync_run(), wanted=Shape())
    line = layout.lines[layout.positions["call#poll-2"]]
    assert said(line) == "|⋯ 3 more, about every 60 s"
    assert line.toggles == line.keys[0]
    assert [row.key for row in line.rows] == ["call#poll-1"]
    assert len(list(line.all_rows)) == 3


def test_a_folded_branch_is_a_line_with_its_status() -> None:
    lanes = build_lanes(extend(Trace(), branching_run()))
    layout = lay_out(lanes, wanted=all_toggled(Shape(), lanes))
    line = line_with(layout, "Fan out[0]")
    assert said(line).startswith("Fan out[0]  ✔ succeeded 1m 35s")
    assert line.rails.own == "▸"
    assert "Each order[2]  ● running" in said(line_with(layout, "Each order[2]"))


def test_the_head_of_a_branch_is_found_by_its_key() -> None:
    layout = laid_out(branching_run())
    for place, line in enumerate(layout.lines):
        if line.toggles:
            assert layout.positions[line.toggles] == place


def test_an_empty_lane_says_why() -> None:
    hints = Hints(states="waiting", calls="nothing yet")
    assert said(laid_out([], hints=hints).lines[0]) == "waiting|nothing yet"
    lines = laid_out(sync_history(), hints=hints).lines
    assert said(lines[0]) == "◆ Execution started|nothing yet"


def test_a_hint_too_long_for_the_narrowest_lane_is_said_on_several_lines() -> None:
    words = "nothing yet: CloudTrail is usually some minutes behind"
    hints = Hints(states="waiting", calls=words)
    for records in ([], sync_history()):
        layout = laid_out(records, hints=hints)
        both = [line.right for line in layout.lines[:2]]
        assert all(both)
        assert " ".join(map(str, both)) == words
        for width in (99, 139):
            shown = frame(layout, width)
            drawn = [draw(line, shown) for line in layout.lines]
            assert not any("…" in text for line in drawn[:2] for text, _ in line)
    (last,) = laid_out(sync_history(), hints=hints, folded=True).lines[-2:-1]
    assert last.right


def test_a_filter_that_keeps_nothing_says_so_and_how_to_clear_it() -> None:
    hints = Hints(states="waiting", calls="nothing yet")
    nothing = Shape(keep=lambda _: False)
    for folded in (False, True):
        layout = laid_out(sync_run(), folded=folded, hints=hints, wanted=nothing)
        assert [said(line) for line in layout.lines] == [f"{NO_MATCH}|"]
        assert laid_out([], folded=folded, hints=hints, wanted=nothing).lines
    assert "escape" in NO_MATCH
    assert said(laid_out([], hints=hints, wanted=nothing).lines[0]).startswith("wait")


def test_folded_lanes_have_a_line_for_every_row() -> None:
    layout = laid_out(sync_run(), folded=True)
    assert all(len(line.rows) == 1 for line in layout.lines)
    assert "noticed by event, 1.9 s" in said(line_with(layout, "succeeded"))


def test_the_services_are_named_in_order_of_appearance() -> None:
    layout = laid_out(branching_run())
    assert layout.services == ("ecs.amazonaws.com", "sts.amazonaws.com")
    assert layout.primary == ("ecs.amazonaws.com",)
    assert layout.counts == {"ecs.amazonaws.com": 3, "sts.amazonaws.com": 1}


RECORDS = st.permutations([*branching_run(HOSTILE + WIDE), *sync_run(denied=True)])


@given(records=RECORDS, count=st.integers(0, 60), folded=st.booleans())
def test_every_row_stands_on_exactly_one_line(
    *, records: list[Received], count: int, folded: bool
) -> None:
    lanes = build_lanes(extend(Trace(), records[:count]))
    layout = lay_out(lanes, folded=folded, wanted=OPEN)
    cells = [c for line in layout.lines for c in (line.left, line.right)]
    keys = [cell.key for cell in cells if isinstance(cell, Row)]
    assert sorted(keys) == sorted(row.key for row in lanes.rows)
    assert all(key in layout.lines[layout.positions[key]].keys for key in keys)


@given(
    records=RECORDS,
    count=st.integers(0, 60),
    width=st.integers(1, 200),
    folded=st.booleans(),
    selected=st.booleans(),
    all_folded=st.booleans(),
    badge=st.sampled_from(["", "appeared 4m 12s late"]),
)
def test_no_line_is_wider_or_narrower_than_asked(
    *,
    records: list[Received],
    count: int,
    width: int,
    folded: bool,
    selected: bool,
    all_folded: bool,
    badge: str,
) -> None:
    hints = Hints("waiting", "nothing yet", START + timedelta(seconds=30))
    lanes = build_lanes(extend(Trace(), records[:count]))
    wanted = all_toggled(Shape(), lanes) if all_folded else Shape()
    layout = lay_out(lanes, folded=folded, hints=hints, wanted=wanted)
    shown = frame(layout, width)
    for line in layout.lines:
        drawn = draw(line, shown, selected=selected, badge=badge)
        assert cells(drawn) == width
        assert all(harmless(text) for text, _ in drawn)
    assert cells(draw_head(layout, shown)) == width
