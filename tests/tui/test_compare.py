"""The comparison on the screen, driven as a person would, in an app of its own."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from sfnwatch.trace.compare_points import (
    Which,
)
from sfnwatch.trace.compare_rows import compare_rows
from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import Tone
from sfnwatch.tui.compare import CompareView
from sfnwatch.tui.compare_head import draw_foot, draw_head
from sfnwatch.tui.compare_lines import draw, make_drawing, share_out
from tests.builders import START, describe
from tests.export.test_compare_text import WIDE, various
from tests.trace.comparing import A, B, Story, trace_of
from tests.tui.conftest import ThemedApp, harmless
from tests.tui.runs import HOSTILE

NOW = START + timedelta(seconds=100)
C = B.replace("run-b", "run-c")
SIZES = [(20, 5), (34, 10), (60, 16), (80, 24), (140, 40), (300, 80), (1, 1)]


class Host(ThemedApp):
    """Nothing but a comparison."""

    CSS = "\n".join(f".tone--{tone} {{ color: $foreground; }}" for tone in Tone)

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield CompareView()

    def on_compare_view_jumped(self, message: CompareView.Jumped) -> None:
        self.heard.append(message)

    @property
    def keys(self) -> list[str]:
        """The keys of the rows that were wanted."""
        return [m.key for m in self.heard if isinstance(m, CompareView.Jumped)]


def runs(name: str = "Label") -> list[Received]:
    return [
        *Story(A).passes("x", "y").task(name, (40, "E"), (2, None)).ends(),
        *Story(B).passes("x").task(name, (2, None)).map("m", [1] * 30).ends(),
    ]


@asynccontextmanager
async def showing(
    records: Iterable[Received] | None = None,
    *,
    size: tuple[int, int] = (100, 24),
    now: datetime = NOW,
    **more: Any,
) -> AsyncIterator[tuple[CompareView, Pilot[None], Host]]:
    app = Host()
    async with app.run_test(size=size) as pilot:
        view = app.query_one(CompareView)
        view.focus()
        view.show(extend(Trace(), runs() if records is None else records), now, **more)
        await pilot.pause()
        yield view, pilot, app


def words(view: CompareView) -> list[str]:
    """Read what is in view, line by line."""
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


# -- what is said ---------------------------------------------------------------------


async def test_the_verdict_stands_above_the_states_of_both() -> None:
    async with showing() as (view, _, _):
        lines = words(view)
    assert lines[0] == "▸A orders › run-a  ✔ succeeded  44.0 s"
    assert lines[1] == " B orders › run-b  ✔ succeeded  33.0 s"
    assert lines[2].startswith(" Where they part: After x, A went on to y, and B to")
    head = next(at for at, line in enumerate(lines) if line.split()[:1] == ["state"])
    assert "42.0 s" in lines[head]
    assert lines[head + 1].startswith("▌≠   x")
    assert lines[head + 2].startswith(" A   y")
    assert lines[head + 3].startswith(" ≠ ▾ Label")
    assert "▓" in lines[head + 3]
    assert lines[-1].startswith(" ▓ working")


async def test_a_bar_is_as_long_as_its_side_took() -> None:
    async with showing() as (view, _, _):
        label = next(line for line in words(view) if "▾ Label" in line)
        assert view._drawing is not None
        begin = view._drawing.share.begin_b
    in_a, in_b = label[:begin], label[begin:]
    assert in_a.count("▓") > 5
    assert in_b.count("▓") == 1
    assert in_b.count("┈") > 5
    assert "-40.0 s" in in_b


async def test_what_still_runs_grows() -> None:
    running = Story(B).passes("x")
    running.add("WaitStateEntered", name="w")
    records = [*Story(A).passes("x").ends(), *running.records]
    async with showing(records) as (view, _, _):
        trace = extend(Trace(), records)
        view.show(trace, NOW)
        assert any("1m 39s" in line for line in words(view))
        view.show(trace, NOW + timedelta(seconds=60))
        assert any("2m 39s" in line for line in words(view))


async def test_one_execution_alone_is_told_what_it_lacks() -> None:
    async with showing(Story(A).passes("x").ends()) as (view, pilot, app):
        assert "two executions are needed" in words(view)[0]
        await pilot.press("down", "end", "enter")
        view.toggle_fold()
        view.toggle_folds()
        view.next_pair()
        view.swap()
        assert view.pair is None
        assert view.comparison is None
        assert app.keys == []


async def test_two_without_states_are_no_trouble() -> None:
    records = [describe(arn=A), describe(arn=B)]
    async with showing(records) as (view, pilot, app):
        assert any("no state to compare" in line for line in words(view))
        await pilot.press("down", "enter")
        assert app.keys == []


async def test_names_go_through_the_mask() -> None:
    mask = lambda text: text.replace("run-a", "execution-1")  # noqa: E731
    async with showing(mask=mask) as (view, _, _):
        assert "execution-1" in words(view)[0]
        assert not any("run-a" in line for line in words(view))
        trace = view._trace
        assert trace is not None
        view.show(trace, NOW)
        assert "run-a" in words(view)[0]


async def test_the_line_at_the_cursor_can_be_read_in_a_palette() -> None:
    async with showing() as (view, pilot, app):
        app.theme = "ansi-dark"
        await pilot.pause()
        strip = view.render_line(len(view._head))
        styles = [segment.style for segment in strip if segment.text.strip()]
        assert styles
        for style in styles:
            assert style is not None
            assert style.color != style.bgcolor
            assert str(style.color) == str(styles[0] and styles[0].color)


# -- moving ---------------------------------------------------------------------------


async def test_enter_shows_the_row_of_the_side_pointed_to() -> None:
    async with showing() as (view, pilot, app):
        await pilot.press("down", "down", "enter")
        view.other_side()
        await pilot.press("enter", "up", "enter", "down", "down", "enter")
    assert view.side is Which.B
    # The state that only A has is shown in A, whichever side is pointed to.
    assert app.keys == [f"{A}#6", f"{B}#4", f"{A}#4", f"{B}#5"]


async def test_the_cursor_stays_on_its_line_when_more_comes_in() -> None:
    records = runs()
    async with showing(records) as (view, pilot, _):
        await pilot.press("end")
        key = view.row_key
        view.show(extend(Trace(), [*records, *Story(C).passes("x").ends()]), NOW)
        assert view.row_key == key
        assert any(line.startswith("▌") for line in words(view))


async def test_a_page_and_the_ends() -> None:
    names = [f"s{n}" for n in range(28)]
    records = [
        *Story(A).passes(*names).ends(),
        *Story(B).passes(*names).ends(),
    ]
    async with showing(records, size=(80, 20)) as (view, pilot, _):
        await pilot.press("pagedown")
        assert view.cursor == view._height - 1
        await pilot.press("end")
        assert view.cursor == 27
        assert words(view)[-2].startswith("▌    s27")
        await pilot.press("home", "up")
        assert view.cursor == 0


async def test_what_is_alike_can_be_folded_and_opened() -> None:
    async with showing() as (view, _, _):
        rows = len(view._rows)
        view.select(2)
        assert view.row_key == "Main / Label#1"
        view.toggle_fold()
        assert len(view._rows) == rows - 2
        view.toggle_fold()
        view.select(3)
        view.toggle_fold()
        assert len(view._rows) == rows - 2
        assert view.row_key == "Main / Label#1"
        view.select(len(view._rows) - 1)
        view.toggle_fold()
        assert len(view._rows) > rows + 20
    names = [f"s{n}" for n in range(100)]
    long_ = [*Story(A).passes(*names).ends(), *Story(B).passes(*names).ends()]
    async with showing(long_) as (view, _, _):
        assert len(view._rows) == 1
        view.toggle_folds()
        assert len(view._rows) == 100
        view.toggle_folds()
        assert len(view._rows) == 1


async def test_the_mouse_chooses_a_line_a_side_and_a_fold() -> None:
    async with showing() as (view, pilot, app):
        assert view._drawing is not None
        top, begin = len(view._head), view._drawing.share.begin_b
        await pilot.click(CompareView, offset=(begin + 2, top + 2))
        assert (view.cursor, view.side) == (2, Which.B)
        await pilot.click(CompareView, offset=(begin - 2, top + 1))
        assert (view.cursor, view.side) == (1, Which.A)
        rows = len(view._rows)
        await pilot.click(CompareView, offset=(3, top + 2))
        assert len(view._rows) == rows - 2
        await pilot.click(CompareView, offset=(8, top), times=2)
        assert app.keys == [f"{A}#2"]
        await pilot.click(CompareView, offset=(3, 0))
        assert view.cursor == 0


async def test_other_pairs_can_be_chosen() -> None:
    late = Story(C, at=9).passes("x").ends()
    async with showing([*runs(), *late]) as (view, _, _):
        seen = [view.pair]
        for _ in range(3):
            view.next_pair()
            seen.append(view.pair)
        assert seen == [(A, B), (A, C), (B, C), (A, B)]
        view.next_pair(-1)
        assert view.pair == (B, C)
        view.swap()
        assert view.pair == (C, B)
        assert words(view)[0].startswith("▸A orders › run-c")
        view.show(extend(Trace(), runs()), NOW)
        assert view.pair == (A, B)


async def test_nothing_is_worked_out_again_where_nothing_changed() -> None:
    trace = trace_of(runs())
    async with showing() as (view, _, _):
        view.show(trace, NOW)
        before = view.comparison
        view.show(trace, NOW + timedelta(seconds=1))
        assert view.comparison is before
        other = various()
        view.show(trace, NOW, comparison=other)
        assert view.comparison is other


# -- any size, any name ---------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["Label", HOSTILE, WIDE])
async def test_it_fits_any_size_and_shows_nothing_harmful(
    size: tuple[int, int], name: str
) -> None:
    async with showing(runs(name), size=size) as (view, pilot, _):
        await pilot.press("end", "home", "down", "pagedown")
        for y in range(view.size.height):
            strip = view.render_line(y)
            assert cell_len(strip.text) == strip.cell_length == view.breadth
            assert harmless(strip.text)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 320), st.integers(1, 60), st.text(max_size=30))
def test_every_line_takes_exactly_the_width(width: int, room: int, name: str) -> None:
    found = various(name or "x")
    rows = compare_rows(found)
    drawing = make_drawing(found, rows, width)
    lines = [draw(row, drawing) for row in rows]
    lines += draw_head(drawing, ("One.", name, "Three."), room)
    for strokes in (*lines, draw_foot(drawing)):
        assert sum(cell_len(text) for text, _ in strokes) == width


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(1, 80))
def test_a_width_is_shared_out_whole(width: int, natural: int) -> None:
    share = share_out(width, natural)
    sides = 2 * (1 + share.bar + share.length) if share.length else 0
    assert share.name >= 1
    if width > 12:
        assert 3 + share.name + sides + share.more + share.ratio == width
