"""A task's own life on the screen: a lane beside the calls, or rows among them."""

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import TASKS, build_lanes
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.task_states import task_key
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import plain
from sfnwatch.tui.ascii import to_ascii
from sfnwatch.tui.beside import lay_out_beside
from sfnwatch.tui.caption import KeyCaps
from sfnwatch.tui.cells import cells
from sfnwatch.tui.detail import Detail
from sfnwatch.tui.draw import draw
from sfnwatch.tui.draw_beside import draw_cells
from sfnwatch.tui.explain_page import explained
from sfnwatch.tui.facts import facts
from sfnwatch.tui.gantt_cursor import Cursor
from sfnwatch.tui.gantt_tree import make_chart
from sfnwatch.tui.lane_frame import frame
from sfnwatch.tui.lane_head import draw_head
from sfnwatch.tui.layout import Layout, lay_out
from sfnwatch.tui.record_links import Tie, ties
from sfnwatch.tui.records import records_text
from sfnwatch.tui.saving import save_record
from tests.builders import ARN, START, TASK_ARN, sync_calls, sync_history
from tests.ecs import LIFE, task_life, task_state
from tests.tui.conftest import (
    Script,
    drawn,
    harmless,
    lanes_of,
    running,
    settled,
    words_on,
)

WHOLE = [*sync_history(), *sync_calls(), *task_life()]
OTHER_ARN = ARN.replace("run-7f3a", "run-9b11")


def laid_out(records: list[Received], **more: Any) -> Layout:
    return lay_out(build_lanes(extend(Trace(), records)), **more)


def said(layout: Layout, width: int) -> list[str]:
    shown = frame(layout, width)
    return [plain(draw(line, shown)) for line in layout.lines]


def saying(layout: Layout, width: int, words: str) -> str:
    return next(line for line in said(layout, width) if words in line)


# -- lanes ---------------------------------------------------------------------------


def test_where_there_is_room_the_task_has_a_lane_of_its_own() -> None:
    layout = laid_out(WHOLE)
    lines = said(layout, 139)
    running_ = saying(layout, 139, "RUNNING")
    poll = next(line for line in lines if "DescribeTasks #1" in line)
    head = plain(draw_head(layout, frame(layout, 139)))
    assert "2 ECS TASK  5 changes" in head
    assert running_.index("●") == head.index("2 ECS TASK")
    assert poll.index("DescribeTasks") == head.index("1 ECS")
    assert "00:28:55.102" in running_
    assert "exit 0" in saying(layout, 139, "STOPPED")


@pytest.mark.parametrize(("width", "folded"), [(104, False), (79, True)])
def test_with_less_room_it_stands_among_the_calls_and_says_so(
    width: int,
    folded: bool,  # noqa: FBT001 - a parameter of the cases
) -> None:
    layout = laid_out(WHOLE, folded=folded)
    line = saying(layout, width, "RUNNING")
    assert "task ● RUNNING" in line
    assert "→" not in line
    assert "exit 0" in saying(layout, width, "STOPPED")
    assert "ecs DescribeTasks" not in saying(layout, width, "DescribeTasks #1")


def test_without_task_states_nothing_is_drawn_otherwise() -> None:
    bare = [*sync_history(), *sync_calls()]
    assert laid_out(bare).services == ("ecs.amazonaws.com",)
    kept = [line for line in said(laid_out(bare), 139) if "┄" not in line]
    whole = said(laid_out(WHOLE), 139)
    assert len(whole) - len(kept) >= len(LIFE)


def test_polls_stay_folded_between_a_tasks_states() -> None:
    layout = laid_out([*WHOLE, task_state(9, "RUNNING", 150)])
    assert any("⋯ 3 more, about every 60 s" in line for line in said(layout, 139))


@pytest.mark.parametrize("width", [20, 40, 79, 104, 139, 220])
def test_every_line_is_as_wide_as_the_screen_and_harmless(width: int) -> None:
    hostile = task_state(9, "RUN\x1b]0;x\x07NING", 40, stoppedReason="\u202e!")
    for folded in (True, False):
        layout = laid_out([*WHOLE, hostile], folded=folded)
        shown = frame(layout, width)
        if shown.share.folded is not folded:
            continue
        for line in layout.lines:
            pieces = draw(line, shown)
            assert cells(pieces) == width
            assert harmless("".join(text for text, _ in pieces))


def test_in_ascii_each_sign_is_another() -> None:
    layout = laid_out(WHOLE)
    lines = [to_ascii(line) for line in said(layout, 139)]
    assert all(line.isascii() for line in lines)
    assert any("o PENDING" in line for line in lines)
    assert any("* RUNNING" in line for line in lines)
    assert any("+ STOPPED" in line for line in lines)


@pytest.mark.parametrize("width", [97, 139])
def test_executions_beside_each_other_have_their_own_tasks(width: int) -> None:
    second = [replace(r, execution_arn=OTHER_ARN) for r in sync_history()[:4]]
    lanes = build_lanes(extend(Trace(), [*WHOLE, *second]))
    layout = lay_out_beside(lanes)
    shown = frame(layout, width)
    lines = [
        [plain(pieces) for pieces in draw_cells(line, shown, selected=None, badges={})]
        for line in layout.lines
        if line.cells
    ]
    first = [line[0] for line in lines]
    assert any("● RUNNING" in cell for cell in first)
    assert any("STOPPED" in cell and "exit 0" in cell for cell in first)
    assert not any("RUNNING" in line[1] for line in lines)
    # "=" is the sign of a call that is tied.
    assert not any("= ●" in cell for cell in first)


def test_the_tasks_are_hidden_like_a_service() -> None:
    layout = laid_out(WHOLE, wanted=Shape(hidden_services=frozenset({TASKS})))
    assert not any("RUNNING" in line for line in said(layout, 139))
    assert "ECS TASK  5 changes hidden" in plain(draw_head(layout, frame(layout, 139)))


# -- detail --------------------------------------------------------------------------


def row_of(trace: Trace, version: int) -> Any:
    lanes = build_lanes(trace)
    return lanes.rows[lanes.positions[f"task#{TASK_ARN}#{version}"]]


def test_a_states_facts_say_how_it_is_tied_and_how_it_ended() -> None:
    trace = extend(Trace(), WHOLE)
    told = {fact.label: fact.words for fact in facts(row_of(trace, 5), trace)}
    assert told["when"] == "2023-11-15T00:33:31.202Z, appeared 2 s after it happened"
    assert told["task"] == "STOPPED, wanted STOPPED, version 5"
    assert told["tied"].startswith(f"exactly: its task ARN, {TASK_ARN}")
    assert told["container"] == "app  STOPPED, exit 0"
    assert told["why"] == "EssentialContainerExited"
    assert told["by"] == "AWS Step Functions"


def test_a_state_leads_to_its_attempt_and_back() -> None:
    trace = extend(Trace(), WHOLE)
    row = row_of(trace, 3)
    there = [tie for tie in ties(row, trace) if isinstance(tie, Tie)]
    assert [tie.role for tie in there] == ["state", "attempt", *["task"] * 4]
    assert row.key not in {tie.key for tie in there}
    lanes = build_lanes(trace)
    phase = lanes.rows[lanes.positions[f"{ARN}#5"]]
    back = [tie for tie in ties(phase, trace) if isinstance(tie, Tie)]
    assert [tie.key for tie in back if tie.role == "task"] == [
        f"task#{TASK_ARN}#{n}" for n in range(1, 6)
    ]
    assert all(tie.key in lanes.positions for tie in (*there, *back))


def test_the_whole_event_is_copied_and_saved(tmp_path: Any) -> None:
    row = row_of(extend(Trace(), WHOLE), 5)
    assert '"ECS Task State Change"' in records_text((row,))
    path = save_record((row,), tmp_path)
    assert path.name == "sfnwatch-run-7f3a-task-STOPPED.json"
    assert '"EssentialContainerExited"' in path.read_text()


async def test_enter_shows_the_raw_event_and_a_link_leads_to_the_try() -> None:
    async with running(Script(WHOLE), seconds=330) as (app, pilot):
        lanes = lanes_of(app)
        assert lanes.select_key(f"task#{TASK_ARN}#3")
        await pilot.press("enter")
        await pilot.pause()
        pane = app.query_one(Detail)
        assert [row.key for row in pane.rows] == [f"task#{TASK_ARN}#3"]
        assert "task 9f018ef6  ● RUNNING" in words_on(app)
        pane.post_message(Detail.Jumped(f"{ARN}#3"))
        await pilot.pause()
        await pilot.pause()
        assert f"{ARN}#3" in lanes.line.keys


async def test_a_filter_keeps_the_tasks_alone() -> None:
    async with running(Script(WHOLE), seconds=330) as (app, pilot):
        await pilot.press("tilde", "tilde", *"k", "space", *"task", "enter")
        await settled(app, pilot)
        shown = words_on(app)
        assert "RUNNING" in shown
        assert "DescribeTasks" not in shown


def test_what_shows_that_a_job_failed_can_be_gone_to() -> None:
    history = [*sync_history()[:5]]
    trace = extend(Trace(), [*history, *task_life()])
    page = explained(trace, START)
    assert not page.tells_of(extend(trace, [task_state(9, "RUNNING", 50)]))


# -- timeline ------------------------------------------------------------------------


def test_the_strip_is_part_of_its_row() -> None:
    trace = extend(Trace(), WHOLE)
    cursor = Cursor().over(make_chart(trace))
    assert [bool(line.lives) for line in cursor.rows.lines] == [
        False,
        False,
        True,
        False,
    ]
    state = cursor.moved(1)
    assert state.below == 2
    assert len(state.calls) == 6
    assert state.moved(1) is state
    assert cursor.to(f"task#{TASK_ARN}#3") is not None


def test_a_states_moments_are_moments_of_the_chart() -> None:
    trace = extend(Trace(), WHOLE)
    states = trace.task_states[TASK_ARN]
    chart = make_chart(trace)
    assert {state.at for state in states} <= set(chart.moments)
    assert {state.at for state in states} <= set(chart.aligned().moments)
    assert chart.node_of(task_key(states[0])) is not None


# -- pictures ------------------------------------------------------------------------

SIZES = {"80x24": (80, 24), "140x40": (140, 40)}
FAILED = [
    *sync_history()[:5],
    *sync_calls()[:3],
    *task_life()[:3],
    task_state(4, "DEPROVISIONING", 120),
    task_state(
        5, "STOPPED", 121, exit_code=137, stoppedReason="OutOfMemoryError: killed"
    ),
]
"""A task that has failed, which the state does not know of yet."""
SCENES: dict[str, tuple[list[Received], tuple[str, ...]]] = {
    "lanes": (WHOLE, ()),
    "detail": (WHOLE, (*["up"] * 3, "enter")),
    "timeline": (WHOLE, ("t", "down")),
    "failed": (FAILED, ()),
}


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_the_task_looks_as_it_did(
    name: str, size: str, theme: str, picture: SnapshotAssertion
) -> None:
    records, keys = SCENES[name]
    seconds = 330 if records is WHOLE else 124
    async with running(Script(records), size=SIZES[size], seconds=seconds) as (
        app,
        pilot,
    ):
        app.theme = theme
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        app.query_one(KeyCaps).clear()
        await settled(app, pilot)
        await pilot.pause()
        assert drawn(app) == picture


async def test_the_task_can_be_read_without_colour(
    picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(Script(WHOLE), seconds=330) as (app, pilot):
        await pilot.pause()
        assert app.no_color
        assert drawn(app) == picture
