"""The timeline: time over columns, what is drawn, and what keys and the mouse do."""

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.trace import Trace
from sfnwatch.tui.time_window import TimeWindow, timeline_scale
from sfnwatch.tui.timeline_axis import TimelineAxis
from sfnwatch.view.time_scale import cut_short
from tests.builders import START, History, at, call, describe, event, history
from tests.tui.screens import Screen, live, recorded, replayed

WEEK = 7 * 86400
seconds = st.floats(0, 1000, allow_nan=False)
widths = st.integers(1, 250)
gaps = st.sampled_from([[], [(200.0, 700.0)]])


def unshifted(when: datetime, arn: str) -> datetime:
    del arn
    return when


def window(length: float, *gaps: tuple[float, float]) -> TimeWindow:
    """Look at all of a stretch of time, of which some gaps are cut short."""
    cut = [(at(first), at(last)) for first, last in gaps]
    return TimeWindow(cut_short(START, at(length), cut))


@given(seconds, seconds, widths, gaps)
def test_a_later_moment_never_stands_before_an_earlier_one(
    one: float, other: float, width: int, gaps: list[tuple[float, float]]
) -> None:
    axis = TimelineAxis(window(1000, *gaps), width)
    first, last = sorted((one, other))
    assert 0 <= axis.column(at(first)) <= axis.column(at(last)) <= width


def test_a_gap_that_is_cut_short_takes_little_and_says_how_long_it_is() -> None:
    axis = TimelineAxis(window(WEEK + 200, (100, WEEK + 100)), 60)
    begin, end = axis.column(at(100)), axis.column(at(WEEK + 100))
    assert end - begin == pytest.approx(3)
    assert axis.column(at(50)) == pytest.approx(begin / 2, abs=0.6)
    assert "7d" in "".join(span.text for span in axis.labels())


def test_gaps_take_half_of_the_width_at_most() -> None:
    gaps = [(100 * n + 10, 100 * n + 95) for n in range(40)]
    axis = TimelineAxis(window(4000, *gaps), 320)
    assert 0 < sum(cells for _, cells, _ in axis.squeezed) <= 160


@given(st.floats(0.05, 10 * WEEK), st.integers(1, 250))
def test_labels_take_the_width_and_never_touch(length: float, width: int) -> None:
    axis = TimelineAxis(window(length), width)
    assert all(0 <= column < width for column, _ in axis.marks)
    text = "".join(cell.text for cell in axis.labels())
    assert len(text) == width
    # Between any two labels there is a blank.
    words = re.split(r" +(?=[+−])", text.strip())
    assert {*words} <= {label for _, label in axis.marks} | {""}


@pytest.mark.parametrize(
    ("length", "label"),
    [(0.5, "+0.1 s"), (50, "+10 s"), (300, "+1m"), (500, "+1m 30s"), (90000, "+6h")],
)
def test_moments_are_round_and_count_from_the_start(length: float, label: str) -> None:
    words = [word for _, word in TimelineAxis(window(length), 80).marks]
    assert words[0] == "0"
    assert label in words or words[1].startswith("+")


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("zoom"), st.floats(0.1, 20), seconds),
            st.tuples(st.just("pan"), st.floats(-2, 2), seconds),
            st.tuples(st.just("fit"), seconds, seconds),
        ),
        max_size=12,
    )
)
def test_no_window_leaves_the_whole(steps: list[tuple[str, float, float]]) -> None:
    shown = window(1000, (300, 500))
    for kind, one, other in steps:
        if kind == "zoom":
            shown = shown.zoomed(one, at(other))
        elif kind == "pan":
            shown = shown.panned(one)
        else:
            first, last = sorted((one, other))
            shown = shown.fitted_to(at(first), at(last))
        assert START <= shown.shown[0] < shown.shown[1] <= at(1000)
        assert shown.closeness >= 0.99


def test_what_is_zoomed_to_stays_where_it_was() -> None:
    whole = window(1000)
    near = whole.zoomed(4, at(400))
    for shown in (whole, near):
        assert TimelineAxis(shown, 100).column(at(400)) == pytest.approx(40, abs=0.5)
    assert near.closeness == pytest.approx(4)
    assert near.zoomed(1 / 8, at(400)).is_whole


def test_at_the_newest_moment_the_window_goes_on_with_it_and_else_stays() -> None:
    longer = window(2000).scale
    at_end = window(1000).zoomed(4, at(1000)).over(longer)
    assert at_end.shown == (at(1750), at(2000))
    before = window(1000).zoomed(4, START).over(longer)
    assert before.shown == (START, at(250))
    assert window(1000).over(longer).shown == (START, at(2000))


def test_a_gap_is_squeezed_that_is_long_by_itself_and_of_the_whole() -> None:
    def cuts(*seconds: float) -> list[tuple[datetime, datetime]]:
        numbered = enumerate(seconds, 1)
        trace = Trace()
        trace.add([event(n, "PassStateEntered", s, name="S") for n, s in numbered])
        scale = timeline_scale(trace.as_of(), at(seconds[-1]), unshifted, squeeze=True)
        return [(scale.knots[cut], scale.knots[cut + 1]) for cut in scale.cuts]

    long = [(at(41), at(300)), (at(301), at(1000))]
    assert cuts(0, 1, 2, 40, 41, 300, 301, 1000) == long
    assert cuts(0, 500) == []


def test_the_time_until_a_redrive_is_cut_out_by_itself() -> None:
    trace = Trace()
    trace.add(recorded("demo-redrive"))
    snapshot = trace.as_of()
    newest = START + timedelta(days=3000)
    scale = timeline_scale(snapshot, newest, unshifted)
    (cut,) = scale.cuts
    stop, again = scale.knots[cut], scale.knots[cut + 1]
    assert 300 < (again - stop).total_seconds() < 500
    assert scale.place(again) - scale.place(stop) < 0.06
    assert len(timeline_scale(snapshot, newest, unshifted, squeeze=True).cuts) > 1


# -- on the screen ---------------------------------------------------------------------


POLLED = re.compile("█")


def place_of(screen: Screen, words: str, sign: str) -> tuple[int, int]:
    """Find where a sign stands in the row that has some words."""
    rows = screen.rows
    row = next(n for n, text in enumerate(rows) if words in text)
    return rows[row].index(sign), row


async def test_bars_stand_below_an_axis_and_their_signs_are_explained() -> None:
    async with replayed("demo-sync", (100, 24), "t") as (_, screen):
        axis, bar, calls = screen.rows[2:5]
        assert re.search(r"elapsed +0 +\+1m +\+2m +\+3m +\+4m", axis)
        assert "✔ ECS RunTask  ecs:runTask.sync" in bar
        assert len(POLLED.findall(bar)) == 5
        assert re.search(r"█▄┄◀ +5m 09s", bar)
        # There is room, so the calls are named below.
        assert "RunTask  #1 +55 s" in calls
        signs = " ▄ working", "█ poll", "◀ learned by event", "┄ completion lag"
        assert screen.rows[-3].split("  ") == [*signs]


async def test_an_earlier_try_has_its_end_where_it_was_and_a_running_bar_has_none() -> (
    None
):
    tried = ("TaskStateEntered@0 Work", "TaskScheduled+0", "TaskFailed+20")
    again = ("TaskScheduled+0", "TaskStarted+80")
    records = history("ExecutionStarted", *tried, *again)
    async with live(records, (100, 24), seconds=110) as (_, screen, _):
        await screen.press("t")
        assert re.search(r" ▂+✘▂+▄+ +1m 49s$", screen.row_with("● Work"))


async def test_one_goes_from_call_to_call_and_is_told_how_late_each_was() -> None:
    async with replayed("demo-sync", (100, 24), "t", ")") as (_, screen):
        assert "RunTask" in screen.rows[-3]
        await screen.press(")", ")")
        said = screen.rows[-3]
        assert "DescribeTasks #2" in said
        assert "+1m 54s after RunTask" in said
        assert "= task ARN" in said
        assert "◆" in screen.row_with("ECS RunTask")
        await screen.press("(")
        assert "DescribeTasks #1" in screen.rows[-3]
        await screen.steps((") " * 9, "no more calls"))


async def test_folds_are_those_of_the_tree_and_one_bar_is_fitted() -> None:
    async with replayed("demo-pipeline", (100, 24)) as (_, screen):
        await screen.steps(
            ("t home down", "├ ✔ Render invoice"),
            ("z", "▸ ✔ Prepare", "!Render invoice"),
            # A bar without anything inside folds what it is in.
            ("z down z", "!Render invoice"),
            ("Z", "![2] Label"),
            ("Z", "▾ ✔ Prepare", "[2] Label"),
            # As close as one bar allows: the others are pointed at.
            ("end W",),
        )
        assert screen.row_with("Done").count("▄") > 20
        assert "‹" in screen.row_with("Big order?")


async def test_a_click_folds_or_points_out_a_call_and_names_are_masked() -> None:
    async with replayed("demo-pipeline", (100, 24), "t") as (_, screen):
        await screen.pilot.click(offset=place_of(screen, "Prepare", "▾"))
        await screen.settle()
        await screen.steps(
            ("", "▸ ✔ Prepare", "ship-parcel"),
            ("m", "!ship-parcel", "▸ ✔ machine-"),
        )
    async with replayed("demo-sync", (100, 24), "t") as (_, screen):
        await screen.pilot.click(offset=place_of(screen, "ECS RunTask", "█"))
        await screen.settle()
        assert "DescribeTasks #1" in screen.rows[-3]


async def test_zooming_keeps_what_is_pointed_out_and_leads_back() -> None:
    async with replayed("demo-sync", (100, 24), "t", ")", ")", ")") as (_, screen):
        whole = screen.row_with("elapsed")
        await screen.press("i", "i")
        assert "zoom ×2.3" in screen.row_with("elapsed")
        assert "◆" in screen.row_with("ECS RunTask")
        assert screen.row_with("elapsed").count("‹") == 1
        near = screen.row_with("elapsed")
        await screen.press("greater_than_sign")
        assert screen.row_with("elapsed") != near
        await screen.press("less_than_sign")
        # How close it is may be rounded otherwise.
        assert screen.row_with("elapsed")[25:] == near[25:]
        await screen.press("o", "o")
        assert screen.row_with("elapsed") == whole
        await screen.press("i", "w")
        assert screen.row_with("elapsed") == whole


async def test_what_is_not_yet_so_is_not_drawn_on_the_axis_of_the_whole() -> None:
    async with replayed("demo-sync", (100, 24), "c", "t", "5") as (_, screen):
        assert "▼" in screen.row_with("elapsed")
        assert re.search("^[^◀]*2 polls[^◀]*$", screen.row_with("ECS RunTask"))
        assert "+4m" in screen.row_with("elapsed")


async def test_idle_time_is_cut_short_and_said_to_be() -> None:
    async with replayed("demo-three-ways", (140, 30), "t", "g") as (app, screen):
        assert re.search(r"\d\ds \+1m", screen.row_with("elapsed"))
        assert "╱" in screen.row_with("ecs:runTask.sync")
        assert "idle time is skipped" in screen.prose
        app.clear_notifications()
        await screen.until("╱ idle time skipped")
        await screen.press("g")
        assert "╱" not in screen.row_with("ecs:runTask.sync")


async def test_several_executions_have_a_bar_each_and_are_stepped_through() -> None:
    async with replayed("demo-three-ways", (140, 40), "t", "home") as (_, screen):
        bars = [row for row in screen.rows if row.startswith(" ▸ ✔")]
        assert [row.split()[2] for row in bars] == ["sync", "async", "sdk", "denied"]
        assert "did not wait" in bars[1]
        assert "5 polls denied" in bars[3]
        await screen.press("semicolon", "semicolon", "semicolon", "z")
        assert "└ ✔ ECS RunTask" in screen.row_with("ECS RunTask")
        # Each begins when it did, or all at once.
        assert bars[1].index("▄") > bars[0].index("▄")
        await screen.press("a")
        assert "since start" in screen.words
        bars = [row for row in screen.rows if row.startswith(" ▸ ✔")]
        assert bars[1].index("▄") == bars[0].index("▄")


async def test_a_filter_leaves_the_bars_it_is_about() -> None:
    async with replayed("demo-pipeline", (100, 30), "t") as (_, screen):
        await screen.press("tilde", *"~s Label", "enter")
        await screen.until("elapsed 0 +1m +2m +3m ▾ ✔ Each parcel")
        bars = [row for row in screen.rows[3:] if re.match(r" (  |▾ |├ |└ )✔", row)]
        assert ["Each parcel" in row or "Label" in row for row in bars] == [True] * 5
        await screen.press("tilde", "x", "enter")
        await screen.until("the filter leaves no state")


async def test_bars_grow_while_nothing_comes_in() -> None:
    run = History().start().task("Import", submitted={}, lasts=900).records[:-2]
    records = [describe("RUNNING"), *run]
    async with live(records, (100, 24), seconds=60) as (app, screen, _):
        await screen.press("t")
        assert "59.9 s" in screen.row_with("Import")
        app.screen_state.clock.at = at(90)  # type: ignore[attr-defined]
        await screen.until("1m 30s")


async def test_calls_without_a_history_are_said_to_be_there() -> None:
    async with live([call("RunTask", 1, key="run")], (100, 24)) as (_, screen, _):
        await screen.steps(("t", "history is missing"))
    async with live([], (100, 24)) as (_, screen, _):
        await screen.steps(("t", "no state transitions"))
