import json
from datetime import timedelta, timezone
from typing import Any

import pytest
from rich.cells import cell_len

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.shape import Shape, all_toggled
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells
from sfnwatch.tui.draw import draw
from sfnwatch.tui.lane_frame import Frame, Look, columns, frame
from sfnwatch.tui.lane_head import draw_head
from sfnwatch.tui.layout import Hints, Layout, lay_out
from tests.builders import ROLE, START, call, event, sync_history, sync_run
from tests.tui.runs import WIDE, branching_run


def layout_of(
    records: list[Received], width: int, wanted: Shape | None = None
) -> Layout:
    lanes = build_lanes(extend(Trace(), records))
    return lay_out(lanes, folded=columns(width).folded, wanted=wanted)


def screen(
    records: list[Received],
    width: int,
    *,
    look: Look | None = None,
    wanted: Shape | None = None,
) -> list[str]:
    layout = layout_of(records, width, wanted)
    shown = frame(layout, width, look)
    return [words(draw(line, shown)) for line in layout.lines]


def words(pieces: tuple[Piece, ...]) -> str:
    return "".join(text for text, _ in pieces).rstrip()


def head(layout: Layout, shown: Frame) -> str:
    return words(draw_head(layout, shown))


def test_the_seeds_run_reads_as_the_sketch_does() -> None:
    rail, rule = " │" + " " * 47, "─" * 34
    assert screen(sync_run(), 139)[:7] == [
        f" ◆ Execution started{' ' * 29}00:28:24.102",
        f" ┌ ECS RunTask  Task  ecs:runTask.sync{' ' * 11}00:28:24.132",
        f" │  scheduled · started{' ' * 26}00:28:24.132",
        f" │  submitted {rule} 00:28:25.302 ──▶ RunTask  task 9f018ef6  = request id",
        f"{rail}00:29:20         DescribeTasks #1  +55 s  = task ARN",
        f"{rail}{' ' * 17}⋯ 3 more, about every 60 s",
        f"{rail}00:33:18         DescribeTasks #5  +61 s  = task ARN",
    ]


def test_one_lane_indents_the_calls_under_the_states() -> None:
    assert screen(sync_run(), 79)[2:6] == [
        " 00:28:24.132  │  scheduled · started",
        " 00:28:25.302  │  submitted",
        " 00:28:25      │   → RunTask  task 9f018ef6  = request id",
        " 00:29:20      │   → DescribeTasks #1  +55 s  = task ARN",
    ]


def test_wide_characters_keep_the_columns() -> None:
    line = next(line for line in screen(branching_run(WIDE), 139) if "夜間" in line)
    before = line[: line.index("00:28:24")]
    assert cell_len(before) == 49
    assert len(before) < 49


@pytest.mark.parametrize(
    ("width", "time"), [(80, "00:28:24.102"), (40, "00:28:24"), (20, "")]
)
def test_a_narrow_screen_shortens_the_time_and_then_leaves_it_out(
    width: int, time: str
) -> None:
    before, _, _ = screen(sync_run(), width)[0].partition("◆")
    assert before.strip() == time


def test_the_names_of_the_lanes_stand_over_their_columns() -> None:
    layout = layout_of(sync_run(), 139)
    named = head(layout, frame(layout, 139))
    line = screen(sync_run(), 139)[3]
    assert named.index("UTC") == line.index("00:28:25")
    assert named.index("ECS") == line.index("RunTask")
    assert "ECS  6 calls  by states.amazonaws.com" in named


def test_calls_of_several_services_say_which() -> None:
    assert any("→ ecs RunTask" in line for line in screen(two_services(), 98))
    lines = screen(branching_run(), 98)
    assert any("→ RunTask" in line for line in lines)
    assert any("sts AssumeRole" in line for line in lines)
    assert not any("ecs RunTask" in line for line in screen(sync_run(), 98))


def test_the_cursor_is_seen_without_colour() -> None:
    layout = layout_of(sync_run(), 139)
    line, shown = layout.lines[0], frame(layout, 139)
    assert draw(line, shown, selected=True)[0] == ("▌", Tone.ACTION)
    assert draw(line, shown)[0][0] == " "


def test_exact_and_guessed_arrows_have_tones_of_their_own() -> None:
    layout = layout_of(branching_run(), 139)
    shown = frame(layout, 139)
    tones = {text: tone for line in layout.lines for text, tone in draw(line, shown)}
    assert tones[" ──▶ "] is Tone.EXACT
    assert tones[" ┄┄▷ "] is Tone.GUESS


def test_a_call_that_shares_a_line_says_its_own_second_where_that_is_another() -> None:
    lines = screen(branching_run(), 139)
    assert any(line.endswith("= request id  at 00:28:25") for line in lines)
    assert not any(" at 00:" in line for line in screen(sync_run(), 139)[:5])


def failed_run(**stopped: Any) -> list[Received]:
    """Build a task that fails, and the execution with it."""
    ecs: Any = {"resourceType": "ecs", "resource": "runTask.sync"}
    cause = {"StoppedReason": "Essential container in task exited " * 3, **stopped}
    return [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "TaskStateEntered", 0.1, name="Work"),
        event(3, "TaskScheduled", 0.1, **ecs),
        event(4, "TaskStarted", 0.2, **ecs),
        event(
            5,
            "TaskFailed",
            60,
            error="States.TaskFailed",
            cause=json.dumps(cause),
            **ecs,
        ),
        event(6, "ExecutionFailed", 60.1, error="States.TaskFailed"),
    ]


def noticed_failure() -> list[Received]:
    stopped = (START + timedelta(seconds=58.1)).timestamp() * 1000
    return [
        *failed_run(StoppedAt=int(stopped)),
        call("RunTask", 1, key="run"),
        call("DescribeTasks", 300, key="far", parameters={"tasks": ["other"]}),
    ]


def two_services() -> list[Received]:
    """Build two tasks one after the other, of ECS and of Step Functions itself."""
    records = [event(1, "ExecutionStarted", 0, roleArn=ROLE)]
    kinds = (
        ("ecs", "runTask", "RunTask"),
        ("states", "startExecution", "StartExecution"),
    )
    for place, (service, resource, name) in enumerate(kinds):
        first, at = 2 + 4 * place, 1 + 100 * place
        kind: Any = {"resourceType": service, "resource": resource}
        output = f'{{"SdkResponseMetadata": {{"RequestId": "req-{service}"}}}}'
        records += [
            event(first, "TaskStateEntered", at, name=name),
            event(first + 1, "TaskScheduled", at, **kind),
            event(first + 2, "TaskStarted", at, **kind),
            event(first + 3, "TaskSucceeded", at + 2, output=output, **kind),
        ]
        source = f"{service}.amazonaws.com"
        more: Any = {"source": source, "request_id": f"req-{service}"}
        records.append(call(name, at + 1, key=service, **more))
    return records


def test_each_service_has_a_lane_where_the_width_allows() -> None:
    layout = layout_of(two_services(), 139)
    lines, named = screen(two_services(), 139), head(layout, frame(layout, 139))
    run = next(line for line in lines if "▶ RunTask" in line)
    start = next(line for line in lines if "▶ StartExecution" in line)
    assert run.index("RunTask") == named.index("1 ECS")
    assert start.index("▶ StartExecution") + 2 == named.index("2 STATES API")
    assert "─" * 20 in start[: start.index("▶")][-25:]
    assert "states StartExecution" in "".join(screen(two_services(), 105))


def test_a_hidden_service_leaves_its_lane_to_the_others() -> None:
    wanted = Shape(hidden_services=frozenset({"ecs.amazonaws.com"}))
    layout = layout_of(two_services(), 139, wanted)
    assert "1 ECS  1 call hidden" in head(layout, frame(layout, 139))
    lines = screen(two_services(), 139, wanted=wanted)
    assert not any("▶ RunTask" in line for line in lines)
    assert any("──▶ StartExecution" in line for line in lines)


def test_why_a_call_has_no_arrow_is_seen_without_colour() -> None:
    ecs: Any = {"resourceType": "ecs", "resource": "runTask"}
    records = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "ParallelStateEntered", 1, name="Both"),
        event(3, "ParallelStateStarted", 1),
    ]
    for first, name in ((4, "A"), (7, "B")):
        records += [
            event(first, "TaskStateEntered", 2, previous=3, name=name),
            event(first + 1, "TaskScheduled", 2, **ecs),
            event(first + 2, "TaskStarted", 2.1, **ecs),
        ]
    records += [
        call("RunTask", 3, key="either"),
        call("AssumeRole", 3, key="role", source="sts.amazonaws.com"),
    ]
    both = "\n".join(screen(records, 139))
    assert "? RunTask  ? 2 candidates" in both
    assert "· sts AssumeRole  role only" in both
    assert "? RunTask" in "\n".join(screen(records, 79))


def test_the_watermark_fills_its_line_and_hides_no_call() -> None:
    lanes = build_lanes(extend(Trace(), sync_run()))
    hints = Hints(complete_to=START + timedelta(seconds=62))
    for width in (139, 79):
        layout = lay_out(lanes, folded=columns(width).folded, hints=hints)
        lines = [words(draw(line, frame(layout, width))) for line in layout.lines]
        (mark,) = [line for line in lines if "CloudTrail complete to 00:29:26" in line]
        assert "┄┄" in mark
        assert mark.endswith("┄┄")
        assert cell_len(mark) == width
        assert any("DescribeTasks #1" in line for line in lines)


def test_gaps_stand_in_the_column_of_times_or_beside_the_rail() -> None:
    lines = screen(sync_history(), 79)
    assert any(line.startswith(" ⋮ 5m 08s      │") for line in lines)
    assert any(line.endswith("⋮ 5m 08s") for line in screen(sync_history(), 30))


def test_a_back_off_is_said_once() -> None:
    lines = screen(branching_run(), 139)
    (place,) = [n for n, line in enumerate(lines) if "⟳ backing off 3 s" in line]
    assert "failed" in lines[place - 1]
    assert any("try 2 " in line for line in lines)
    assert not any("after 3" in line for line in lines)


def test_a_fold_says_what_is_in_it_and_how_it_went() -> None:
    lanes = build_lanes(extend(Trace(), branching_run()))
    wanted = all_toggled(Shape(), lanes)
    for width in (139, 98):
        folded = "\n".join(screen(branching_run(), width, wanted=wanted))
        assert "▸ Fan out[0]  ✔ succeeded 1m 35s" in folded
        assert "Thumbnails  ✘ 1 failed try  ⟳ 1 retry  2 calls" in folded
        assert "▸ Each order[1]  ● running" in folded


def test_names_are_masked_and_times_are_where_somebody_is() -> None:
    def mask(text: str) -> str:
        return text.replace("Thumbnails", "state-1").replace("Fan out", "state-2")

    look = Look(zone=timezone(timedelta(hours=9), "JST"), mask=mask)
    for width in (139, 79):
        lines = "\n".join(screen(branching_run(), width, look=look))
        assert "state-1" in lines
        assert "Thumbnails" not in lines
        assert "Fan out" not in lines
        assert "09:28:24.102" in lines
        layout = layout_of(branching_run(), width)
        assert "JST" in head(layout, frame(layout, width, look))


def test_who_called_is_said_only_if_that_is_known_of_all_calls() -> None:
    by_a_user = call("ListTasks", 50, key="user", invoked_by=None)
    for records, said in ((sync_run(), True), ([by_a_user], False)):
        layout = layout_of(records, 139)
        assert layout.services
        named = head(layout, frame(layout, 139))
        assert ("by states.amazonaws.com" in named) is said
    assert "by states" not in head(Layout(), frame(Layout(), 139))


def test_the_head_of_one_lane_leaves_out_what_only_explains() -> None:
    for width, said in (
        (98, "STEP FUNCTIONS  state transitions   → ECS  6 calls  by states.amazonaws"),
        (79, "STEP FUNCTIONS  state transitions   → ECS  6 calls"),
        (50, "STEP FUNCTIONS   → ECS  6 calls"),
    ):
        layout = layout_of(sync_run(), width)
        named = head(layout, frame(layout, width))
        assert said in named
        assert "…" not in named


def test_what_ends_a_state_stands_where_exited_would() -> None:
    lines = "\n".join(screen(failed_run(), 139))
    assert "└ failed  States.TaskFailed" in lines
    assert "│  scheduled · started" in lines


def test_who_noticed_a_failure_is_read_in_one_lane() -> None:
    (line,) = [line for line in screen(noticed_failure(), 79) if "└ failed" in line]
    assert "noticed by event, 1.9 s after" in line


def test_our_own_words_run_on_over_empty_lanes() -> None:
    keep = Shape(keep=lambda row: row.depth > 99)
    for width in (139, 99, 79):
        (line,) = screen(sync_run(), width, wanted=keep)
        assert line.endswith("no row matches the filter; escape clears it")


@pytest.mark.parametrize("width", [1, 2, 5, 20, 33, 34, 55, 56, 98, 99, 160, 300])
def test_every_width_has_its_columns(width: int) -> None:
    for records in (branching_run(), two_services()):
        layout = layout_of(records, width)
        shown = frame(layout, width)
        assert all(cells(draw(line, shown)) == width for line in layout.lines)
        assert cells(draw_head(layout, shown)) == width
