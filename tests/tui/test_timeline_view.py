"""The timeline view, driven as a person would, in an app of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import ComposeResult
from textual.color import Color
from textual.message import Message
from textual.pilot import Pilot

from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Tone
from sfnwatch.tui.contrast import contrast
from sfnwatch.tui.gantt_cursor import Cursor
from sfnwatch.tui.gantt_tree import make_chart
from sfnwatch.tui.timeline import TimelineView
from tests.builders import ARN, START, sync_calls, sync_history, sync_run
from tests.tui.conftest import ThemedApp, harmless
from tests.tui.runs import HOSTILE, branching_run, long_run, wide_map

NOW = START + timedelta(seconds=100)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Host(ThemedApp):
    """Nothing but a timeline."""

    CSS = "\n".join(f".tone--{tone} {{ color: $foreground; }}" for tone in Tone)

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield TimelineView()

    @property
    def view(self) -> TimelineView:
        return self.query_one(TimelineView)

    def on_timeline_view_moved(self, message: TimelineView.Moved) -> None:
        self.heard.append(message)

    def on_timeline_view_opened(self, message: TimelineView.Opened) -> None:
        self.heard.append(message)

    def on_timeline_view_sought(self, message: TimelineView.Sought) -> None:
        self.heard.append(message)

    @property
    def words(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]


@asynccontextmanager
async def showing(
    records: list[Received],
    *,
    size: tuple[int, int] = (100, 24),
    now: datetime = NOW,
) -> AsyncIterator[tuple[Host, TimelineView, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=size) as pilot:
        app.view.focus()
        app.view.show(extend(Trace(), records), now)
        await pilot.pause()
        yield app, app.view, pilot


def marked(app: Host) -> list[str]:
    """Give the lines the cursor is on."""
    return [line for line in app.words if line.startswith("▌")]


async def test_the_screen_has_the_axis_the_bars_and_what_the_signs_mean() -> None:
    async with showing(sync_run()) as (app, _, _):
        lines = app.words
        assert lines[0].split()[:2] == ["elapsed", "0"]
        assert "┬──" in lines[1]
        assert "ECS RunTask" in lines[3]
        assert "╵" in lines[4]
        assert lines[-1].startswith(" ▓ working  ▶ noticed late  ▴ action")
        assert lines[5].strip() == ""


async def test_keys_go_from_row_to_row_and_say_so() -> None:
    async with showing(branching_run()) as (app, view, pilot):
        assert view.selected_key == f"{ARN}#1"
        await pilot.press("down", "j", "down")
        assert view.selected_key == f"{ARN}#6"
        assert len(marked(app)) == 2
        assert "Thumbnails" in marked(app)[0]
        await pilot.press("down")
        assert view.selected_key == f"{ARN}#8"
        await pilot.press("k")
        assert view.selected_key == f"{ARN}#6"
        await pilot.press("end")
        assert view.selected_key == f"{ARN}#33"
        await pilot.press("down", "home", "up")
        assert view.selected_key == f"{ARN}#1"
        assert app.heard
        assert all(isinstance(heard, TimelineView.Moved) for heard in app.heard)


async def test_a_page_is_as_much_as_is_in_view() -> None:
    async with showing(long_run(200), size=(80, 24)) as (_, view, pilot):
        await pilot.press("pagedown")
        assert view.cursor.place == 20
        await pilot.press("pagedown", "pageup")
        assert view.cursor.place == 20
        await pilot.press("end")
        await pilot.pause()
        assert view.scroll_offset.y == view.max_scroll_y == 180


async def test_the_selected_row_is_brought_between_the_axis_and_the_signs() -> None:
    async with showing(long_run(200), size=(80, 24)) as (app, view, pilot):
        for key in (f"{ARN}#200", f"{ARN}#60", f"{ARN}#400", f"{ARN}#2"):
            assert view.select_key(key)
            await pilot.pause()
            line, *others = marked(app)
            assert not others
            assert 2 <= app.words.index(line) < 23


async def test_any_event_or_call_of_a_state_selects_it() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        assert view.select_key(f"{ARN}#5")
        assert view.selected_key == f"{ARN}#2"
        assert view.select_key("call#poll-2")
        assert view.selected_key == "call#poll-2"
        assert not view.select_key("call#none")
        assert not view.select_key("nonsense")
        assert view.selected_key == "call#poll-2"
        await pilot.pause()
        assert len(app.heard) >= 1
        assert view.select_key(f"{ARN}#8")
        assert view.selected_key == f"{ARN}#1"


async def test_steps_go_from_call_to_call_and_stop_at_the_last() -> None:
    async with showing(sync_run()) as (_, view, pilot):
        assert not view.step_call(1)
        await pilot.press("down")
        assert view.step_call(1)
        assert view.selected_key == "call#run"
        assert not view.step_call(-1)
        assert view.step_call(1)
        assert view.selected_key == "call#poll-0"
        while view.step_call(1):
            pass
        assert view.selected_key == "call#poll-4"
        await pilot.press("up", "down")
        assert view.selected_key == f"{ARN}#2"
        assert view.step_call(-1)
        assert view.selected_key == "call#poll-4"


async def test_a_step_brings_its_call_into_the_window() -> None:
    async with showing(sync_run()) as (_, view, _):
        view.select_key("call#run")
        view.zoom(16)
        assert view.lens is not None
        view.step_call(1)
        begin, end = view.lens.shown
        assert view.cursor.tick is not None
        assert begin <= view.cursor.tick.at <= end


# -- live ------------------------------------------------------------------------


async def test_bars_grow_with_the_moment_though_nothing_comes_in() -> None:
    async with showing(sync_history()[:5], now=at(20)) as (app, view, pilot):
        trace = view._trace
        assert trace is not None
        before = app.words[3].count("░")
        view.show(trace, at(90))
        await pilot.pause()
        assert app.words[3].count("░") < before
        assert "1m 30s" in app.words[3]


async def test_a_zoomed_window_stays_and_one_at_the_end_goes_on() -> None:
    async with showing(sync_history()[:5], now=at(100)) as (_, view, _):
        trace = view._trace
        assert trace is not None
        assert view.lens is not None
        view.zoom(4, at(100))
        view.show(trace, at(120))
        assert view.lens.shown[1] == at(120)
        view.pan(-20)
        shown = view.lens.shown
        view.show(trace, at(140))
        assert view.lens.shown == shown
        view.fit()
        view.show(trace, at(150))
        assert view.lens.shown[1] == at(150)


async def test_the_selection_stays_in_place_as_rows_come_in_before_it() -> None:
    early = [r for r in branching_run() if r.data.get("id") not in {8, 9, 11, 13, 14}]
    async with showing(early, size=(100, 10)) as (app, view, pilot):
        view.select_key(f"{ARN}#33")
        await pilot.pause()
        place = app.words.index(marked(app)[0])
        view.show(extend(Trace(), branching_run()), NOW)
        await pilot.pause()
        assert view.selected_key == f"{ARN}#33"
        assert app.words.index(marked(app)[0]) == place


async def test_a_step_back_in_time_leaves_a_selection_there_is() -> None:
    async with showing(branching_run()) as (app, view, pilot):
        view.select_key(f"{ARN}#33")
        view.zoom(9)
        view.show(extend(Trace(), branching_run()[:6]), at(1))
        await pilot.pause()
        assert view.selected_key == f"{ARN}#1"
        view.show(Trace(), at(1))
        await pilot.pause()
        assert not view.rows.lines
        assert any("no state transitions" in line for line in app.words)
        view.action_move(1)
        view.toggle_fold()
        assert not view.step_call(1)
        view.show(extend(Trace(), branching_run()), NOW)
        assert view.selected_key == f"{ARN}#33"


# -- folding -----------------------------------------------------------------------


async def test_a_row_is_folded_and_unfolded_and_a_leaf_folds_what_it_is_in() -> None:
    async with showing(branching_run()) as (_, view, _):
        count = len(view.rows.lines)
        view.select_key(f"{ARN}#4")
        view.toggle_fold()
        assert len(view.rows.lines) == count - 3
        assert view.select_key(f"{ARN}#8")
        assert view.selected_key == f"{ARN}#4"
        view.toggle_fold()
        assert view.selected_key == f"{ARN}#8"
        view.toggle_fold()
        assert view.selected_key == f"{ARN}#4"
        assert len(view.rows.lines) == count - 3


async def test_all_are_folded_at_once_and_unfolded_again() -> None:
    async with showing(branching_run()) as (app, view, pilot):
        count = len(view.rows.lines)
        view.toggle_folds()
        assert [line.node.key for line in view.rows.lines if not line.calls] == [
            ARN,
            f"{ARN}#2",
            f"{ARN}#4",
            f"{ARN}#22",
        ]
        await pilot.pause()
        assert any("█" in line for line in app.words)
        view.toggle_folds()
        assert len(view.rows.lines) == count


# -- the mouse ---------------------------------------------------------------------


async def test_a_click_selects_two_open_and_one_on_the_sign_folds() -> None:
    async with showing(branching_run()) as (app, view, pilot):
        await pilot.click(TimelineView, offset=(60, 5))
        assert view.selected_key == f"{ARN}#6"
        await pilot.click(TimelineView, offset=(60, 5), times=2)
        assert any(isinstance(m, TimelineView.Opened) for m in app.heard)
        count = len(view.rows.lines)
        await pilot.click(TimelineView, offset=(1, 4))
        assert view.selected_key == f"{ARN}#4"
        assert len(view.rows.lines) == count - 3
        await pilot.click(TimelineView, offset=(60, 20))
        assert view.selected_key == f"{ARN}#4"
        await pilot.click(TimelineView, offset=(60, 23))
        assert view.selected_key == f"{ARN}#4"


async def test_a_click_on_a_tick_selects_its_call() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        column = app.words[4].index("╵")
        await pilot.click(TimelineView, offset=(column, 4))
        assert view.selected_key == "call#poll-0"
        await pilot.click(TimelineView, offset=(column + 4, 4))
        assert view.selected_key == f"{ARN}#2"


async def test_a_click_on_the_axis_seeks_and_selects_nothing() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        column = app.words[0].index("+2m")
        await pilot.click(TimelineView, offset=(column, 0))
        sought = [m for m in app.heard if isinstance(m, TimelineView.Sought)]
        assert len(sought) == 1
        assert abs((sought[0].at - at(120)).total_seconds()) < 5
        assert view.selected_key == f"{ARN}#1"


async def test_the_axis_is_dragged() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        view.zoom(4, at(150))
        assert view.lens is not None
        before = view.lens.shown
        await pilot.mouse_down(TimelineView, offset=(70, 1))
        await pilot.hover(TimelineView, offset=(80, 1))
        await pilot.mouse_up(TimelineView, offset=(80, 1))
        begin, end = view.lens.shown
        assert begin < before[0]
        assert (end - begin).total_seconds() == pytest.approx(
            (before[1] - before[0]).total_seconds(), abs=0.01
        )
        assert not any(isinstance(m, TimelineView.Sought) for m in app.heard)
        await pilot.hover(TimelineView, offset=(60, 1))
        assert view.lens.shown == (begin, end)


async def test_the_wheel_scrolls_and_with_control_zooms() -> None:
    async with showing(long_run(100), size=(80, 24)) as (_, view, pilot):
        await pilot._post_mouse_events(
            [_wheel()], TimelineView, offset=(60, 10), control=True
        )
        assert view.lens is not None
        assert view.lens.closeness == pytest.approx(1.25)
        assert view.scroll_offset.y == 0
        await pilot._post_mouse_events(
            [_wheel(up=False)], TimelineView, offset=(60, 10)
        )
        await pilot.pause()
        assert view.scroll_offset.y > 0
        assert view.lens.closeness == pytest.approx(1.25)


def _wheel(*, up: bool = True) -> type:
    from textual import events

    return events.MouseScrollUp if up else events.MouseScrollDown


# -- looks -------------------------------------------------------------------------


async def test_calls_without_a_history_are_said_to_be_there() -> None:
    async with showing(sync_calls(), size=(80, 24)) as (app, view, _):
        assert not view.rows.lines
        words = "6 calls, but no states: a history is missing"
        assert any(words in line for line in app.words)


async def test_the_legend_is_that_of_the_lines_in_view() -> None:
    async with showing(branching_run(), size=(140, 12)) as (app, _, pilot):
        assert "◆ instant" in app.words[-1]
        await pilot.press("end")
        await pilot.pause()
        assert "Big?" not in "".join(app.words)
        assert "◆" not in app.words[-1]


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark", "nord"])
async def test_what_was_noticed_late_can_be_read(theme: str) -> None:
    async with showing(sync_run()) as (app, _, pilot):
        app.theme = theme
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        styles = [part.style for strip in strips for part in strip if "▶" in part.text]
        assert len(styles) >= 2
        for style in styles:
            assert style is not None
            color, ground = (
                Color.from_rich_color(c) for c in (style.color, style.bgcolor)
            )
            assert contrast(color, ground) >= 4.5


async def test_nothing_is_faint_under_the_cursor_of_a_palette() -> None:
    async with showing(branching_run()) as (app, _, pilot):
        app.theme = "ansi-dark"
        await pilot.press("down", "down", "down")
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        lines = [strip for strip in strips if strip.text.startswith("▌")]
        assert len(lines) == 2
        assert not any(part.style.dim for line in lines for part in line if part.style)


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark", "ansi-light"])
async def test_the_cursor_can_be_read_in_any_theme(theme: str) -> None:
    async with showing(branching_run()) as (app, view, pilot):
        app.theme = theme
        await pilot.press("down", "down", "down")
        await pilot.pause()
        line = next(
            strip
            for strip in app.screen._compositor.render_strips()
            if strip.text.startswith("▌")
        )
        styles = [part.style for part in line if part.text.strip() and part.style]
        assert len(styles) > 5
        for style in styles:
            assert style.bgcolor is not None
            assert not style.bgcolor.is_default
            assert style.color != style.bgcolor
        assert view.selected_key == f"{ARN}#6"


async def test_names_are_masked_and_times_are_those_of_the_zone() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        view.clock = True
        view.mask = lambda name: name.replace("nightly", "x")
        await pilot.pause()
        assert "x-report" in app.words[2]
        assert app.words[0].startswith(" UTC")
        assert "00:30" in app.words[0]
        view.zone = timezone(timedelta(hours=9), "JST")
        await pilot.pause()
        assert app.words[0].startswith(" JST")
        assert "09:30" in app.words[0]


async def test_silences_are_squeezed_and_let_go() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        view.squeeze = True
        await pilot.pause()
        assert "╱╱╱" in app.words[1]
        view.squeeze = False
        await pilot.pause()
        assert "╱" not in app.words[1]


async def test_the_playhead_is_drawn_and_taken_away() -> None:
    async with showing(sync_run()) as (app, view, pilot):
        view.set_playhead(at(100))
        await pilot.pause()
        column = app.words[1].index("▼")
        assert app.words[3][column] == "│"
        view.set_playhead(None)
        await pilot.pause()
        assert "▼" not in app.words[1]


async def test_one_comes_closer_to_what_is_pointed_out() -> None:
    async with showing(branching_run()) as (_, view, _):
        assert view.lens is not None
        view.select_key(f"{ARN}#8")
        view.zoom(8)
        assert view.lens.shown[0] <= at(2) <= view.lens.shown[1]
        view.fit_selected()
        assert view.lens.shown == (at(0.2), at(2.6))
        view.fit()
        view.set_playhead(at(60))
        view.zoom(8)
        assert view.lens.shown[0] <= at(60) <= view.lens.shown[1]
        view.fit()
        view.select_key("call#poll-1")
        view.zoom(16)
        assert view.lens.shown[0] <= at(50) <= view.lens.shown[1]


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (12, 3), (40, 8), (300, 80)])
@pytest.mark.parametrize("squeeze", [False, True])
async def test_it_is_drawn_at_any_size_and_keeps_its_selection(
    size: tuple[int, int],
    squeeze: bool,  # noqa: FBT001 - a parameter
) -> None:
    async with showing(branching_run(HOSTILE)) as (app, view, pilot):
        view.squeeze = squeeze
        view.select_key(f"{ARN}#33")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        view.zoom(3)
        view.pan(5)
        await pilot.press("up", "down", "pageup", "pagedown", "home", "end")
        assert view.selected_key == f"{ARN}#33"
        assert all(harmless(line) for line in app.words)
        await pilot.resize_terminal(100, 24)
        await pilot.pause()
        assert marked(app)


async def test_nothing_is_drawn_before_anything_is_shown() -> None:
    app = Host()
    async with app.run_test(size=(40, 8)) as pilot:
        view = app.view
        view.zoom(2)
        view.pan(3)
        view.fit()
        view.fit_selected()
        view.mask = str.upper
        await pilot.press("down")
        await pilot.pause()
        assert view.selected_key is None
        assert not any(line.strip() for line in app.words)


async def test_the_app_may_make_the_chart_elsewhere() -> None:
    trace = extend(Trace(), wide_map(300))
    async with showing([]) as (app, view, pilot):
        chart = make_chart(trace)
        view.show(trace, NOW, chart)
        assert view.cursor.chart is chart
        await pilot.pause()
        assert any("● 300" in line for line in app.words)


# -- the cursor, wherever it goes ----------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(["move", "step", "toggle", "all", "to"]), st.integers(-30, 30)
    ),
    max_size=30,
)


@settings(max_examples=60)
@given(steps)
def test_the_cursor_is_always_at_a_row_there_is(moves: list[tuple[str, int]]) -> None:
    cursor = Cursor().over(make_chart(extend(Trace(), branching_run())))
    for move, number in moves:
        match move:
            case "move":
                cursor = cursor.moved(number)
            case "step":
                cursor = cursor.stepped(number) or cursor
            case "toggle":
                cursor = cursor.toggled()
            case "all":
                cursor = cursor.fold_all(folded=number > 0)
            case _:
                cursor = cursor.to(f"{ARN}#{number}") or cursor
        assert cursor.line is not None
        assert not cursor.line.calls
        assert cursor.key is not None
        assert cursor.call is None or cursor.key == cursor.call or cursor.tick is None
