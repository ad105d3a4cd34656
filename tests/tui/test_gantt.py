"""The chart: its tree, its bars and ticks, and that every line is as wide as it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.gantt import (
    TIMELINE_SIGNS,
    Frame,
    columns,
    draw,
    draw_head,
    drawn_in,
    make_frame,
)
from sfnwatch.tui.gantt_canvas import Ink, Stroke
from sfnwatch.tui.gantt_lens import Lens
from sfnwatch.tui.gantt_signs import legend
from sfnwatch.tui.gantt_tree import Chart, Line, Rows, make_chart, unroll, visible
from tests.builders import (
    ARN,
    REGION,
    START,
    TASK_ARN,
    call,
    event,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.tui.conftest import harmless
from tests.tui.gantt_runs import noticed_twice, tried_again
from tests.tui.runs import HOSTILE, WIDE, branching_run, long_run, wide_map


def seconds(number: float) -> datetime:
    return START + timedelta(seconds=number)


class Sheet:
    """Some records, drawn."""

    def __init__(
        self,
        records: list[Received],
        *,
        width: int = 100,
        now: float = 0,
        squeeze: bool = False,
        folds: dict[str, bool] | None = None,
        **more: Any,
    ) -> None:
        self.chart: Chart = make_chart(extend(Trace(), records))
        self.rows: Rows = unroll(self.chart, folds or {})
        at = max(seconds(now), *self.chart.moments[-1:])
        lens = Lens(self.chart.extent(at, squeeze=squeeze))
        self.frame: Frame = make_frame(
            self.chart, self.rows, width, lens, now=at, **more
        )

    def strokes(
        self, line: Line, chosen: str | None = None, *, selected: bool = False
    ) -> tuple[Stroke, ...]:
        return draw(line, self.frame, chosen=chosen, selected=selected)

    @property
    def labels(self) -> list[str]:
        end = self.frame.share.before
        return [text(self.strokes(line))[:end].strip() for line in self.rows.lines]

    def bar(self, name: str, *, calls: bool = False) -> str:
        """Give the chart's part of a row, or of the calls below it."""
        share = self.frame.share
        return text(self.strokes(self.line(name, calls=calls)))[
            share.before : share.before + share.chart
        ]

    def line(self, name: str, *, calls: bool = False) -> Line:
        place = next(n for n, label in enumerate(self.labels) if name in label)
        return self.rows.lines[place + calls]

    def right(self, name: str, *, calls: bool = False) -> str:
        share = self.frame.share
        drawn = text(self.strokes(self.line(name, calls=calls)))
        return drawn[share.before + share.chart :].strip()


def text(strokes: tuple[Stroke, ...]) -> str:
    return "".join(part for part, _ in strokes)


def inks(strokes: tuple[Stroke, ...]) -> set[str]:
    return {ink for part, ink in strokes if part.strip()}


# -- the tree --------------------------------------------------------------------


def test_states_branches_and_iterations_make_a_tree() -> None:
    assert Sheet(branching_run(), width=140).labels == [
        "▾ ● nightly-report › run-7f3a",
        "✔ Big?  Choice",
        "▾ ✔ Fan out  Parallel",
        "├── ✔ Thumbnails  ecs:runTask.sync",
        "│     calls",
        "└── ✔ Index  aws-sdk:ecs:runTask",
        "calls",
        "▾ ● Each order  Map",
        "├── ● [0] Ship  ecs:runTask.sync",
        "├── ● [1] Ship  ecs:runTask.sync",
        "└── ● [2] Ship  ecs:runTask.sync",
    ]


def two_states_a_branch(count: int = 2) -> list[Received]:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "MapStateEntered", 0, name="Each"),
        event(3, "MapStateStarted", 0, length=count),
    ]
    for index in range(count):
        first, at = 4 + 5 * index, float(index)
        each: dict[str, Any] = {"name": "Each", "index": index}
        records += [
            event(first, "MapIterationStarted", at, previous=3, **each),
            event(first + 1, "PassStateEntered", at, name="Resize"),
            event(first + 2, "PassStateExited", at + 0.5, name="Resize"),
            event(first + 3, "WaitStateEntered", at + 0.5, name="Rest"),
            event(first + 4, "WaitStateExited", at + 1, name="Rest"),
        ]
    return records


def test_several_states_of_an_iteration_have_a_row_around_them() -> None:
    sheet = Sheet(two_states_a_branch(), width=140, now=2)
    assert sheet.labels[1:5] == [
        "▾ ● Each  Map",
        "├─▾ ✔ [0] Resize › Rest",
        "│ ├── ✔ Resize  Pass",
        "│ └── ✔ Rest  Wait",
    ]


def test_a_folded_iteration_shows_its_states_one_after_the_other() -> None:
    folds = {f"{ARN}#2[1]": True}
    sheet = Sheet(two_states_a_branch(), width=140, now=2, folds=folds)
    assert sheet.labels[-1] == "└─▸ ✔ [1] Resize › Rest"
    drawn = sheet.bar("[1]").replace("┊", " ").strip()
    assert drawn == "▓" * (len(drawn) // 2) + "░" * (len(drawn) - len(drawn) // 2)


def test_a_map_of_many_begins_folded_and_counts_them() -> None:
    sheet = Sheet(wide_map(1000), width=120)
    assert sheet.labels == ["▾ ● nightly-report › run-7f3a", "▸ ● Each  Map  ● 1000"]
    drawn = sheet.bar("Each")
    assert drawn.endswith("█")
    heights = [glyph for glyph in drawn if glyph in "▁▂▃▄▅▆▇█"]
    assert heights == sorted(heights, key="▁▂▃▄▅▆▇█".index)
    assert len(Sheet(wide_map(20)).rows.lines) == 22


def test_each_of_many_iterations_begins_folded_itself() -> None:
    assert len(Sheet(two_states_a_branch(5), now=9).rows.lines) == 2 + 5
    assert len(Sheet(two_states_a_branch(4), now=9).rows.lines) == 2 + 3 * 4


def failing_map() -> list[Received]:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "MapStateEntered", 0, name="Each"),
        event(3, "MapStateStarted", 0, length=2),
    ]
    for index, kind in enumerate(("Pass", "Fail")):
        each: dict[str, Any] = {"name": "Each", "index": index}
        first = 4 + 3 * index
        records += [
            event(first, "MapIterationStarted", index, previous=3, **each),
            event(first + 1, f"{kind}StateEntered", index, name=kind),
            event(first + 2, "PassStateExited", index + 2, name=kind)
            if kind == "Pass"
            else event(first + 2, "MapIterationFailed", index + 3, **each),
        ]
    return [*records, event(10, "ExecutionFailed", 5, error="E", cause="c")]


def test_a_folded_map_counts_what_failed_and_shows_where() -> None:
    sheet = Sheet(failing_map(), width=120, folds={f"{ARN}#2": True})
    assert sheet.labels[-1] == "▸ ✘ Each  Map  ✔ 1  ✘ 1"
    assert Ink.FAILED in inks(sheet.strokes(sheet.line("Each")))


def test_an_event_is_found_at_its_state_and_a_call_at_the_state_that_made_it() -> None:
    chart = make_chart(extend(Trace(), sync_run()))
    for key in (f"{ARN}#2", f"{ARN}#5", "call#run", "call#poll-3"):
        node = chart.node_of(key)
        assert node is not None
        assert node.event_key == f"{ARN}#2"
    for key in (f"{ARN}#1", f"{ARN}#8"):
        node = chart.node_of(key)
        assert node is not None
        assert node.event_key == f"{ARN}#1"
    for key in ("", "#", "x#2", f"{ARN}#99", f"{ARN}#²", "call#unknown"):
        assert chart.node_of(key) is None


def test_what_is_folded_away_is_shown_by_what_it_is_folded_into() -> None:
    sheet = Sheet(wide_map(50))
    hidden = sheet.chart.node_of(f"{ARN}#7")
    assert hidden is not None
    assert visible(sheet.chart, sheet.rows, hidden.key) == f"{ARN}#2"
    assert visible(sheet.chart, sheet.rows, "nothing") is None


# -- bars ------------------------------------------------------------------------


def test_the_run_of_the_experiment_looks_as_it_was() -> None:
    sheet = Sheet(sync_run(), width=100)
    drawn, under = sheet.bar("ECS RunTask"), sheet.bar("ECS RunTask", calls=True)
    assert drawn == "▓" * (len(drawn) - 1) + "▶"
    assert under.replace("┊", " ").split() == ["▴", *["╵"] * 5]
    assert sheet.right("ECS RunTask") == "5m 09s"
    assert sheet.right("ECS RunTask", calls=True) == "▶ 1.9 s"


def test_with_room_it_says_how_the_end_was_noticed() -> None:
    words = Sheet(sync_run(), width=140).right("ECS RunTask", calls=True)
    assert words == "6 calls  noticed 1.9 s late, by event"
    words = Sheet(sync_run(), width=260).right("ECS RunTask", calls=True)
    assert words.endswith("by event, 1.9 s after the task stopped (no poll in between)")


def test_without_calls_the_notice_stands_by_the_bar() -> None:
    words = Sheet(sync_history(), width=140).right("ECS RunTask")
    assert words == "5m 09s  noticed 1.9 s late"


def test_a_retry_shows_the_failure_and_the_time_until_the_next_try() -> None:
    drawn = Sheet(branching_run(), width=100).bar("Thumbnails")
    for part in ("░▓", "▓✘▒", "▒▓", "▓✔"):
        assert part in drawn


def test_refused_calls_are_crossed() -> None:
    under = Sheet(sync_run(denied=True)).bar("ECS RunTask", calls=True)
    assert under.replace("┊", " ").split() == ["▴", *["✘"] * 5]


def test_a_running_bar_grows_to_now_and_has_no_end() -> None:
    records = sync_history()[:5]
    early, late = Sheet(records, now=10), Sheet(records, now=60)
    assert early.bar("ECS RunTask").count("░") > late.bar("ECS RunTask").count("░") > 0
    assert late.bar("ECS RunTask").endswith("▓")
    assert Ink.RUNNING in inks(late.strokes(late.line("ECS RunTask")))


def test_what_takes_no_time_is_a_point() -> None:
    sheet = Sheet(branching_run())
    assert sheet.bar("Big?").replace("┊", " ").strip() == "◆"


def test_what_is_out_of_the_window_is_pointed_at() -> None:
    sheet = Sheet(branching_run())
    lens = Lens(sheet.frame.lens.extent).fitted_to(seconds(30), seconds(40))
    frame = make_frame(sheet.chart, sheet.rows, 100, lens, now=seconds(100))
    share = frame.share
    chart = slice(share.before, share.before + share.chart)
    assert text(draw(sheet.line("Big?"), frame))[chart].startswith("‹")
    assert text(draw(sheet.line("Each order"), frame))[chart].endswith("›")
    assert text(draw(sheet.line("Thumbnails"), frame))[chart] == "▓" * share.chart
    head, ruler = draw_head(frame)
    assert "×7.98" in text(head)
    assert text(ruler)[chart].startswith("‹")
    assert text(ruler)[chart].endswith("›")


def test_squeezed_silence_is_marked_on_the_axis_and_through_the_bars() -> None:
    sheet = Sheet(branching_run(), squeeze=True)
    head, ruler = (text(line) for line in draw_head(sheet.frame))
    assert "47s" in head
    assert "╱╱╱" in ruler
    assert "▓╱▓" in sheet.bar("Thumbnails")


def test_the_playhead_is_drawn_through_all() -> None:
    sheet = Sheet(branching_run(), playhead=seconds(40))
    _, ruler = draw_head(sheet.frame)
    column = text(ruler).index("▼")
    for line in sheet.rows.lines:
        assert text(sheet.strokes(line))[column] == "│"


def test_a_chosen_call_stands_out_and_is_named() -> None:
    sheet = Sheet(sync_run())
    line = sheet.line("ECS RunTask", calls=True)
    drawn = sheet.strokes(line, "call#poll-1")
    assert ("╵", Ink.CHOSEN) in drawn
    wide = Sheet(sync_run(denied=True), width=140)
    line = wide.line("ECS RunTask", calls=True)
    assert "DescribeTasks ✘ AccessDenied" in text(wide.strokes(line, "call#poll-1"))


def test_a_call_named_beside_its_tick_hides_no_other() -> None:
    sheet = Sheet(branching_run())
    line = sheet.line("Thumbnails", calls=True)
    drawn = text(sheet.strokes(line, "call#poll-1"))
    assert "╵ DescribeTasks" in drawn
    assert "▴" in drawn


def test_notes_stand_beside_their_bar_where_they_do_not_touch_it() -> None:
    ecs: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "TaskStateEntered", 1, name="First"),
        event(3, "TaskScheduled", 1, region=REGION, **ecs),
        event(4, "TaskFailed", 4, error="My.Error", cause="c", **ecs),
        event(5, "TaskStateExited", 4, name="First"),
        event(6, "WaitStateEntered", 4, name="Long"),
        event(7, "WaitStateExited", 40, name="Long"),
        event(8, "ExecutionSucceeded", 40),
    ]
    assert "░↷ My.Error" in Sheet(records).bar("First")


def test_notes_stand_before_a_bar_at_the_end() -> None:
    sheet = Sheet(branching_run(), width=90)
    assert "● 3 ━" in sheet.bar("Each order")


def test_clock_times_and_masks_reach_the_screen() -> None:
    sheet = Sheet(
        sync_run(), clock=True, mask=lambda name: name.replace("nightly", "*")
    )
    assert sheet.labels[0] == "▾ ✔ *-report › run-7f3a"
    head, _ = draw_head(sheet.frame)
    assert text(head).startswith(" UTC ")
    assert "00:30" in text(head)


def covered(bar: str) -> range:
    """Give the cells from the first to the last that a bar takes."""
    taken = [n for n, glyph in enumerate(bar) if glyph not in " ┊"]
    return range(taken[0], taken[-1] + 1)


@given(begun=st.floats(0, 190), length=st.floats(0, 28), width=st.integers(60, 129))
def test_what_is_inside_is_drawn_inside(
    begun: float, length: float, width: int
) -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "ParallelStateEntered", begun, name="Around"),
        event(3, "ParallelStateStarted", begun),
        event(4, "WaitStateEntered", begun, previous=3, name="Inside"),
        event(5, "WaitStateExited", begun + length, name="Inside"),
        event(6, "ParallelStateSucceeded", begun + length),
        event(7, "ParallelStateExited", begun + length, name="Around"),
        event(8, "ExecutionSucceeded", 220),
    ]
    sheet = Sheet(records, width=width)
    # How many there are inside stands beside the bar.
    around = covered(sheet.bar("Around").replace("✔ 1", "   "))
    inside = covered(sheet.bar("Inside"))
    assert around == inside


def test_an_action_stands_in_the_first_cell_of_its_state() -> None:
    early = call("RunTask", -3, key="run", request_id="req-run")
    sheet = Sheet([*sync_history(), early], width=100)
    assert sheet.bar("ECS RunTask", calls=True)[0] == "▴"
    assert sheet.bar("ECS RunTask")[0] == "▓"


def test_every_try_keeps_what_room_there_is() -> None:
    def label(width: int) -> str:
        drawn = Sheet(tried_again(), width=width).bar("Label").replace("┊", " ")
        return drawn.replace("2 tries", "").strip()

    assert label(60) == "✘▓"
    assert label(89) == "✘▒▓"
    assert label(129) == "▓✘▒▓"
    assert label(160) == "▓✘▒▒▓✔"
    assert label(600).startswith("▓▓✘▒▒▒")


@given(st.floats(0, 100), st.floats(1, 90), st.integers(60, 200))
def test_no_try_is_lost(begun: float, until: float, width: int) -> None:
    records = tried_again(begun=begun, again=begun + 1 + until)
    drawn = Sheet(records, width=width).bar("Label").replace("┊", " ")
    drawn = drawn.replace("2 tries", "").strip()
    assert len(drawn) < 2 or "✘" in drawn
    assert drawn[-1] in "▓✔"
    assert len(drawn) < 3 or "▒" in drawn
    assert len(drawn) < 5 or drawn[0] == "▓"


def test_a_failed_try_was_noticed_late_too() -> None:
    sheet = Sheet(noticed_twice(), width=100)
    drawn = sheet.bar("Import")
    assert drawn.endswith(("▓▷✘", "▓▶✘"))
    assert "▷✘▒" in drawn
    assert "try 1 2.0 s late, try 2 1.0 s late" in Sheet(
        noticed_twice(), width=240
    ).right("Import")


def test_calls_of_the_selected_row_are_named_where_there_is_room() -> None:
    sheet = Sheet(sync_run(), width=140)
    line = sheet.line("ECS RunTask", calls=True)
    plain, selected = (
        text(sheet.strokes(line, selected=selected)) for selected in (False, True)
    )
    assert "RunTask" not in plain
    assert "polls" not in plain
    assert "5 polls, last +293 s" in selected.replace("the last", "last")
    assert "▴ RunTask" in selected
    assert selected.count("╵") == 5
    roomy = Sheet(branching_run(), width=120)
    line = roomy.line("Thumbnails", calls=True)
    assert "▴ RunTask = request id" in text(roomy.strokes(line, selected=True))


def test_an_action_without_room_beside_it_is_named_apart() -> None:
    records = [*sync_history(), *sync_calls()[:1]]
    records.append(call("DescribeTasks", 9, key="p", parameters={"tasks": [TASK_ARN]}))
    sheet = Sheet(records, width=100)
    line = sheet.line("ECS RunTask", calls=True)
    drawn = text(sheet.strokes(line, selected=True))
    assert "╵  ▴ RunTask = request id" in drawn
    assert drawn.count("▴") == 2


# -- the signs -------------------------------------------------------------------


def signs_below(sheet: Sheet, width: int = 200) -> str:
    return text(legend(width, drawn_in(sheet.rows.lines, sheet.frame)))


def test_the_signs_in_view_are_explained_and_no_others() -> None:
    many = signs_below(Sheet(branching_run(), width=140))
    for words in ("▓ working", "▓✘ failed", "▒ backing off", "◆ instant"):
        assert words in many
    assert "at once" not in many
    assert "noticed" not in many
    assert "▓ running" in signs_below(Sheet(sync_history()[:5], now=60))
    folded = {f"{ARN}#2": True}
    assert "▂▅█ how many at once" in signs_below(Sheet(failing_map(), folds=folded))
    assert "▓✘ failed" in signs_below(Sheet(noticed_twice()))
    assert "▷ perhaps late" in signs_below(Sheet(noticed_twice()))
    assert "▶ noticed late" in signs_below(Sheet(sync_run()))


def test_on_a_narrow_screen_signs_have_few_words() -> None:
    narrow = signs_below(Sheet(branching_run(), width=80), 79)
    assert "▒ back-off" in narrow
    assert "◆ instant" in narrow


def test_every_sign_that_is_drawn_is_in_the_help() -> None:
    known = "".join(sign for sign, _ in TIMELINE_SIGNS) + "▁▂▃▄▅▆▇█╳ "
    for records in (sync_run(denied=True), branching_run(), noticed_twice()):
        sheet = Sheet(records, squeeze=True, playhead=seconds(30))
        glyphs = {glyph for glyph, _ in drawn_in(sheet.rows.lines, sheet.frame)}
        assert glyphs <= set(known)


# -- widths ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "records",
    [
        sync_run(denied=True),
        branching_run(HOSTILE),
        branching_run(WIDE * 9),
        wide_map(30),
        [],
        [call("RunTask", 1, key="run")],
    ],
)
@given(
    width=st.integers(0, 300),
    squeeze=st.booleans(),
    playhead=st.none() | st.integers(-9, 400).map(seconds),
    clock=st.booleans(),
)
def test_every_line_is_as_wide_as_the_screen(
    records: list[Received], width: int, playhead: datetime | None, **more: Any
) -> None:
    squeeze = more.pop("squeeze")
    chart = make_chart(extend(Trace(), records))
    rows = unroll(chart, {f"{ARN}#2": True})
    lens = Lens(chart.extent(seconds(500), squeeze=squeeze))
    frame = make_frame(chart, rows, width, lens, playhead=playhead, **more)
    lines = [draw(line, frame, selected=width % 2 == 0) for line in rows.lines]
    lines += [draw(line, frame, chosen="call#poll-1") for line in rows.lines]
    lines += [draw(line, frame, selected=True) for line in rows.lines]
    for line in (*lines, *draw_head(frame)):
        assert cell_len(text(line)) == max(1, width)
        assert harmless(text(line))
    if width > 1:
        drawn = drawn_in(rows.lines, frame)
        assert cell_len(text(legend(width, drawn))) == width


@given(st.integers(1, 400), st.integers(0, 80), st.booleans())
def test_the_columns_fill_the_width(
    width: int,
    natural: int,
    notes: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    share = columns(width, natural, notes=notes)
    assert share.before + share.chart + share.length + share.notes == width
    assert share.chart == 0 or share.chart >= 12
    assert min(share.tree, share.length, share.notes) >= 0


def test_nothing_at_all_is_an_empty_chart() -> None:
    chart = make_chart(Trace())
    assert unroll(chart, {}).lines == ()
    extent = chart.extent(START, squeeze=True)
    assert (extent.begin, extent.end) == (START, START)


def test_a_long_history_has_a_line_for_each_state() -> None:
    sheet = Sheet(long_run(12_500), squeeze=True)
    assert len(sheet.rows.lines) == 12_501
    last = sheet.chart.node_of(f"{ARN}#25001")
    assert last is not None
    assert sheet.rows.positions[last.key] == 12_500
    assert sheet.bar("Step 3 ").replace("┊", " ").strip() == "◆"
