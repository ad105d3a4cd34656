"""The lanes as somebody moves in them: cursor, folds, finds, late rows, any size."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta, timezone
from itertools import pairwise

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Lanes, Row, build_lanes
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.shape_crowds import branch_key
from sfnwatch.trace.shape_homes import visit_key
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain, row_pieces
from sfnwatch.tui.arrange import arrange
from sfnwatch.tui.bars import LaneNames
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.lane_frame import Look
from sfnwatch.tui.lane_fresh import Fresh, came_in, new_rows
from sfnwatch.tui.lanes import LanesView
from sfnwatch.tui.layout import Hints, lay_out
from tests.builders import ARN, START, TASK_ARN, call, sync_history, sync_run
from tests.tui.runs import HOSTILE, branching_run, long_run, wide_map

SIZES = [(20, 5), (80, 24), (140, 40), (300, 80)]
MAP = visit_key(ARN, 22)


class Host(App[None]):
    """An app of nothing but lanes, which writes down what they say."""

    CSS_PATH = "../../sfnwatch/tui/sfnwatch.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.view, self.names = LanesView(), LaneNames()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.names
        yield self.view

    def get_css_variables(self) -> dict[str, str]:
        return {**super().get_css_variables(), **tone_variables(self.current_theme)}

    def on_lanes_view_toggled(self, message: LanesView.Toggled) -> None:
        self.told.append(message.key)

    def on_lanes_view_opened(self) -> None:
        self.told.append("opened")

    def show(self, records: Sequence[Received], hints: Hints | None = None) -> Lanes:
        lanes, hints = build_lanes(extend(Trace(), records)), hints or Hints()
        plan = self.view.plan(len(lanes.heads))
        page = arrange(lanes, plan, hints, self.view.shape)
        self.view.show(lanes, hints, page)
        return lanes

    @property
    def words(self) -> list[str]:
        return [self.view.render_line(y).text for y in range(self.view.size.height)]


@asynccontextmanager
async def showing(
    records: Sequence[Received],
    *,
    size: tuple[int, int] = (140, 40),
    hints: Hints | None = None,
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host()
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        app.view.focus()
        app.show(records, hints)
        await pilot.pause()
        yield app, pilot


def says(words: str) -> object:
    return lambda row: words in plain(row_pieces(row))


# -- moving ------------------------------------------------------------------------


async def test_the_cursor_passes_over_what_can_only_be_read() -> None:
    hints = Hints(complete_to=START + timedelta(seconds=80))
    async with showing(branching_run(), hints=hints) as (app, pilot):
        view = app.view
        await pilot.press("home")
        seen = [view.selected_key]
        while view.cursor < len(view.page.lines) - 1:
            before = view.cursor
            await pilot.press("down")
            if view.cursor == before:
                break
            assert view.page.lines[view.cursor].keys
            seen.append(view.selected_key)
        stops = [line.keys[0] for line in view.page.lines if line.keys]
        assert seen == stops
        assert len(stops) < len(view.page.lines)
        for above in reversed(stops[:-1]):
            await pilot.press("up")
            assert view.selected_key == above


async def test_the_last_line_is_in_view_though_it_can_not_be_selected() -> None:
    hints = Hints(complete_to=START + timedelta(days=1))
    async with showing(long_run(60), size=(80, 10), hints=hints) as (app, pilot):
        assert app.view.follow
        assert "CloudTrail complete to" in app.words[-1]
        assert app.view.selected_key == f"{ARN}#120"
        await pilot.press("up", "end")
        assert app.view.follow
        assert "CloudTrail complete to" in app.words[-1]


async def test_rows_and_events_and_folds_are_selected_by_their_keys() -> None:
    async with showing(sync_run(), size=(100, 6)) as (app, _):
        view = app.view
        assert view.select_key(f"{ARN}#4")
        assert view.selected_key == f"{ARN}#3"
        assert view.select_key("call#poll-2")
        assert view.selected_key == view.page.shaped.stands["call#poll-2"]
        assert not view.select_key("call#nobody")
        assert [row.key for row in view.rows_in_view][:2] != []


# -- folding -----------------------------------------------------------------------


async def test_polls_are_unfolded_and_folded_by_the_marker() -> None:
    async with showing(sync_run()) as (app, pilot):
        view = app.view
        assert view.select_key("call#poll-1")
        fold = view.selected_key
        lines = len(view.page.lines)
        assert view.toggle()
        assert len(view.page.lines) == lines + 3
        assert view.selected_key == fold
        assert view.toggle()
        await pilot.pause()
        assert len(view.page.lines) == lines
        assert app.told == [fold, fold]


async def test_a_line_that_folds_nothing_is_not_toggled() -> None:
    async with showing(sync_run()) as (app, pilot):
        await pilot.press("home")
        assert not app.view.toggle()
        assert not app.view.toggle_around()
        assert app.told == []


async def test_the_branch_round_the_cursor_is_folded_and_the_row_found_again() -> None:
    async with showing(branching_run()) as (app, _):
        view = app.view
        assert view.select_key(f"{ARN}#12")
        assert view.toggle_around()
        assert view.selected_key == branch_key(ARN, 4, 0)
        assert view.toggle_around()
        assert view.selected_key == f"{ARN}#12"


async def test_all_branches_are_folded_and_opened_at_once() -> None:
    async with showing(branching_run()) as (app, _):
        lines = len(app.view.page.lines)
        app.view.toggle_all()
        assert len(app.view.page.lines) < lines
        assert any("▸ Each order[2]" in line for line in app.words)
        app.view.toggle_all()
        assert len(app.view.page.lines) == lines


async def test_whatever_a_row_is_behind_is_unfolded_to_reveal_it() -> None:
    async with showing(branching_run()) as (app, pilot):
        view = app.view
        view.shape = Shape(folded=frozenset({MAP, branch_key(ARN, 4, 0)}))
        for key in (*view._lanes.positions, f"{ARN}#13"):
            assert view.reveal(key)
            assert view.page.shaped.stands.get(key, key) in {*view.line.keys}
        await pilot.pause()
        assert not view.page.shaped.closed
        assert app.told.count(MAP) == 1
        assert not view.reveal("call#none")


async def test_a_row_that_is_shown_is_revealed_without_unfolding() -> None:
    async with showing(branching_run()) as (app, _):
        assert app.view.reveal(f"{ARN}#12")
        assert app.told == []
        app.view.shape = Shape(keep=lambda row: not row.call)
        call = next(k for k in app.view._lanes.positions if k.startswith("call#"))
        assert not app.view.reveal(call)


async def test_a_click_on_a_marker_toggles_and_elsewhere_selects() -> None:
    async with showing(branching_run()) as (app, pilot):
        place = app.view.page.positions[MAP]
        x = app.words[place].index("▾")
        await pilot.click(LanesView, offset=(x + 12, place))
        assert app.told == []
        assert app.view.cursor == place
        await pilot.click(LanesView, offset=(x, place))
        await pilot.pause()
        assert app.told == [MAP]
        assert "▸ Each order" in app.words[place]
        await pilot.click(LanesView, offset=(1, 1), times=2)
        await pilot.pause()
        assert app.told == [MAP, "opened"]


async def test_the_shape_outlives_what_comes_in() -> None:
    records = branching_run()
    async with showing(records) as (app, _):
        app.view.shape = Shape(folded=frozenset({MAP}))
        lanes = build_lanes(extend(Trace(), records))
        app.view.show(lanes, Hints(), lay_out(lanes))
        assert app.view.page.shape.folded == {MAP}
        assert any("▸ Each order" in line for line in app.words)


async def test_a_service_is_hidden_and_shown_by_its_number() -> None:
    async with showing(branching_run()) as (app, pilot):
        assert app.view.toggle_service(2)
        await pilot.pause()
        app.names.show(app.view.page)
        assert "2 STS  1 call hidden" in app.names.render().plain
        assert not any("AssumeRole" in line for line in app.words)
        assert app.view.toggle_service(2)
        assert not app.view.toggle_service(3)
        assert not app.view.shape.hidden_services


async def test_one_service_can_not_be_hidden() -> None:
    async with showing(sync_run()) as (app, _):
        assert not app.view.toggle_service(1)


# -- filtering and finding ---------------------------------------------------------


async def test_a_filtered_row_leaves_the_cursor_to_its_neighbour_and_returns() -> None:
    async with showing(sync_run()) as (app, _):
        view = app.view
        assert view.select_key("call#poll-4")
        view.shape = Shape(keep=lambda row: row.call is None)
        assert view.selected_key in {f"{ARN}#5", f"{ARN}#6"}
        view.shape = Shape()
        assert view.selected_key == "call#poll-4"


async def test_a_filter_that_keeps_nothing_leaves_an_empty_page() -> None:
    async with showing(sync_run()) as (app, pilot):
        app.view.shape = Shape(keep=lambda _: False)
        await pilot.press("down", "up", "home", "end", "pagedown")
        assert app.view.selected_key is None
        assert app.view.line.rows == ()
        app.names.show(app.view.page)
        assert "13 filtered" in app.names.render().plain
        assert "no row matches the filter" in app.words[0]
        app.view.shape = Shape()
        assert app.view.selected_key is not None


async def test_search_goes_round_both_ways_and_marks_what_it_finds() -> None:
    async with showing(sync_run()) as (app, pilot):
        view = app.view
        await pilot.press("home")
        found = says("DescribeTasks")
        seen = []
        for _ in range(4):
            assert view.search(found, 1)  # type: ignore[arg-type]
            seen.append(view.selected_key)
        fold = view.page.shaped.stands["call#poll-1"]
        assert seen == ["call#poll-0", fold, "call#poll-4", "call#poll-0"]
        assert view.search(found, -1)  # type: ignore[arg-type]
        assert view.selected_key == "call#poll-4"
        assert view.search(found, 0)  # type: ignore[arg-type]
        assert view.selected_key == "call#poll-4"
        hit = view.render_line(view.page.positions["call#poll-0"])
        other = view.render_line(view.page.positions[f"{ARN}#2"])
        assert background(hit) != background(other)
        assert not view.search(says("nothing of it"), 1)  # type: ignore[arg-type]
        assert not view.search(None)


def background(strip: object) -> object:
    segments = [segment for segment in strip if segment.style]  # type: ignore[attr-defined]
    return segments[-1].style.bgcolor


# -- what comes in -----------------------------------------------------------------


async def test_a_late_call_says_so_on_its_line_or_its_fold() -> None:
    records = [r for r in sync_run() if r.data.get("EventId") not in {"poll-2", "run"}]
    async with showing(records) as (app, _):
        app.animation_level = "full"
        app.show(sync_run())
        fold = app.view.page.positions["call#poll-2"]
        assert "appeared 2m 54s late" in app.words[fold]
        run = app.view.page.positions["call#run"]
        assert "appeared 1m 40s late" not in app.words[fold]
        assert "late" in app.words[run]
        app.view._dim(frozenset({"call#poll-2", "call#run"}))
        assert not any("late" in line for line in app.words)


async def test_what_comes_in_at_the_end_flashes_without_words() -> None:
    async with showing(sync_history()[:5]) as (app, _):
        app.animation_level = "full"
        app.show(sync_history()[:6])
        assert app.view._lit == {(app.view.page.positions[f"{ARN}#6"], 0): ""}


async def test_folding_and_filtering_are_no_news() -> None:
    async with showing(branching_run()) as (app, _):
        app.animation_level = "full"
        app.view.select(0)
        app.view.shape = Shape(folded=frozenset({MAP}), keep=lambda row: not row.call)
        app.view.shape = Shape()
        assert not app.view._lit
        assert app.view.unseen == 0


async def test_a_growing_run_of_polls_neither_grows_the_page_nor_hides_the_newest() -> (
    None
):
    polls = [
        call("DescribeTasks", 60 * n, key=f"p{n}", parameters={"tasks": [TASK_ARN]})
        for n in range(1, 30)
    ]
    async with showing([*sync_history()[:5], *polls[:6]], size=(100, 12)) as (app, _):
        heights, keys = set(), []
        for count in range(6, 30):
            app.show([*sync_history()[:5], *polls[:count]])
            heights.add(len(app.view.page.lines))
            keys.append(app.view.selected_key)
        assert len(heights) == 1
        assert keys == [f"call#p{count}" for count in range(6, 30)]


def test_late_is_what_lands_among_rows_long_shown() -> None:
    before = build_lanes(extend(Trace(), sync_history()))
    lanes = build_lanes(extend(Trace(), sync_run()))
    fresh = came_in(before, new_rows(before, lanes))
    assert fresh.keys == {"call#run", *(f"call#poll-{n}" for n in range(5))}
    assert set(fresh.late) == fresh.keys - {"call#poll-4"}
    assert came_in(Lanes(), lanes.rows).late == {}
    assert fresh - fresh.keys == Fresh()
    assert (Fresh(frozenset({"a"}), {"a": "late"}) | Fresh()).places({"a": 3}, {}) == {
        (3, 0): "late"
    }


# -- sizes -------------------------------------------------------------------------


async def test_the_selection_survives_every_size_and_fold() -> None:
    async with showing(branching_run(HOSTILE)) as (app, pilot):
        view = app.view
        keys = ["call#run-1", f"{ARN}#15", f"{ARN}#25", "call#role"]
        for key in keys:
            assert view.select_key(key)
            for size in (*SIZES, *reversed(SIZES)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert key in view.line.keys
                top, height = view.scroll_offset.y, view.size.height
                assert top <= view.cursor < top + height
                assert all(len(line) <= size[0] for line in app.words)


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_can_be_walked_through(size: tuple[int, int]) -> None:
    async with showing(wide_map(40), size=size) as (app, pilot):
        await pilot.press("home", "pagedown", "pagedown", "up", "end", "k", "j")
        app.view.toggle_all()
        await pilot.press("home", "end")
        assert app.view.selected_key is not None
        app.names.show(app.view.page)
        await pilot.pause()


async def test_an_empty_view_can_be_used() -> None:
    async with showing([], hints=Hints("waiting", "nothing yet")) as (app, pilot):
        await pilot.press("up", "down", "home", "end", "pageup")
        assert not app.view.toggle()
        app.view.toggle_all()
        assert not app.view.search(says("x"))  # type: ignore[arg-type]
        assert "waiting" in app.words[0]
        assert app.view.rows_in_view == ()


async def test_only_lines_in_view_are_drawn_though_all_are_shaped() -> None:
    async with showing(long_run(3_000), size=(100, 20)) as (app, pilot):
        await pilot.press("home", "pagedown")
        assert 0 < len(app.view._strips) < 100


async def test_another_look_redraws_what_is_in_view() -> None:
    async with showing(sync_run()) as (app, _):
        assert any("RunTask" in line for line in app.words)
        look = Look(mask=lambda text: text.replace("RunTask", "act-1"))
        app.view.look = look
        app.names.show(app.view.page, look)
        assert not any("RunTask" in line for line in app.words)
        assert any("act-1" in line for line in app.words)


async def test_positions_are_of_lines_that_exist_and_in_order() -> None:
    async with showing(branching_run()) as (app, _):
        lanes: Lanes = app.show(branching_run())
        places = [app.view.page.positions[row.key] for row in lanes.rows]
        assert all(a <= b for a, b in pairwise(places))
        assert all(isinstance(row, Row) for row in app.view.rows_in_view)


async def test_the_iterations_of_a_large_map_are_opened_and_stay_so() -> None:
    async with showing(wide_map(12), size=(100, 30)) as (app, pilot):
        view = app.view
        key = branch_key(ARN, 2, 4)
        assert view.select_key(key)
        assert view.page.positions[f"{ARN}#12"] == view.page.positions[f"{ARN}#13"]
        assert view.toggle()
        assert view.page.positions[f"{ARN}#12"] < view.page.positions[f"{ARN}#13"]
        app.show(wide_map(40))
        await pilot.pause()
        waits = [row for row in view.page.shaped.rows if is_wait(row)]
        assert [row.visit.index for row in waits if row.visit] == [4]
        assert view.select_key(key)
        assert view.toggle()
        assert key in view.page.shaped.closed


def is_wait(row: object) -> bool:
    return isinstance(row, Row) and row.visit is not None and row.visit.name == "Wait"


async def test_another_zone_puts_the_dates_elsewhere() -> None:
    async with showing(sync_run()) as (app, pilot):
        view = app.view
        assert view.select_key("call#poll-4")
        assert not any("── 2023" in line for line in app.words)
        night = Look(zone=timezone(-timedelta(minutes=29)))
        view.look = night
        await pilot.pause()
        assert sum("── 2023" in line for line in app.words) == 2
        assert view.selected_key == "call#poll-4"
        app.show([*sync_run(), call("ListTasks", 400, key="later")])
        assert sum("── 2023" in line for line in app.words) == 2
        assert view.selected_key == "call#poll-4"
        view.look = Look()
        assert not any("── 2023" in line for line in app.words)
        assert view.selected_key == "call#poll-4"


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_the_cursor_can_be_read_in_a_palette(theme: str) -> None:
    async with showing(sync_run()) as (app, pilot):
        app.theme = theme
        await pilot.pause()
        app.view.select(1)
        await pilot.pause()
        bar, *rest = app.view.render_line(1)
        assert bar.text == "▌"
        assert bar.style is not None
        styles = [segment.style for segment in rest if segment.style]
        (ground,) = {style.bgcolor for style in styles}
        assert bar.style.bgcolor != ground
        assert bar.style.color != bar.style.bgcolor
        assert not any(style.dim for style in styles)
        assert any(s.style and s.style.dim for s in app.view.render_line(2))
