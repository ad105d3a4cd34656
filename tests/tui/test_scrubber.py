"""The scrubber: its bar, its words, and what the mouse asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Static

from sfnwatch.trace.chapters import Chapter, Mark, chapters
from sfnwatch.trace.course import Course
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Tone, plain
from sfnwatch.tui.cells import cells
from sfnwatch.tui.scrubber import Scrubber, ScrubberView
from sfnwatch.tui.scrubber_map import (
    BLOCKS,
    MARKS,
    PLAYHEAD,
    SCRUBBER_SIGNS,
    map_pieces,
    minimap,
)
from sfnwatch.tui.scrubber_scale import SHARE, scale_of
from sfnwatch.tui.scrubber_words import Look, hover_pieces, player_line
from sfnwatch.tui.transport import Transport
from tests.builders import sync_run
from tests.tui.conftest import ThemedApp
from tests.tui.gantt_runs import noticed_twice
from tests.tui.runs import HOSTILE, WIDE, branching_run
from tests.tui.test_transport import COURSES, at, course_of, transports

CLOSE = timedelta(milliseconds=1)


def view_of(
    transport: Transport | None = None,
    *,
    records: Any = None,
    growing: bool = False,
    **more: Any,
) -> ScrubberView:
    shown = transport or Transport(at(100), reading=Reading.HAPPENED)
    tape = Tape(growing=growing)
    tape.take(tuple(records or sync_run()))
    marks = chapters(tape.trace(), shown.reading)
    return ScrubberView(shown, tape.course(shown.reading), marks, **more)


def words(view: ScrubberView, width: int = 140, look: Look | None = None) -> str:
    return plain(player_line(view, width, look or Look()))


# -- the scale ---------------------------------------------------------------------


@given(
    course=COURSES, squeeze=st.booleans(), places=st.lists(st.floats(0, 1), max_size=8)
)
def test_a_place_and_its_moment_are_each_others_inverse(
    course: Course, *, squeeze: bool, places: list[float]
) -> None:
    scale = scale_of(course, squeeze=squeeze)
    moments = [scale.at(place) for place in sorted(places)]
    assert moments == sorted(moments)
    for moment in (*moments, *course.moments, course.begin, course.end):
        assert course.begin <= moment <= course.end
        assert 0 <= scale.place(moment) <= 1
        # A part in 10¹² of the bar is as near as places can be.
        exact = max(CLOSE, (course.end - course.begin) * 1e-9)
        assert abs(scale.at(scale.place(moment)) - moment) <= exact


@given(course=COURSES, squeeze=st.booleans())
def test_the_order_of_moments_is_the_order_of_places(
    course: Course, *, squeeze: bool
) -> None:
    scale = scale_of(course, squeeze=squeeze)
    places = [scale.place(moment) for moment in course.moments]
    assert places == sorted(places)
    if course.end > course.begin:
        assert (scale.place(course.begin), scale.place(course.end)) == (0, 1)


@given(COURSES)
def test_squeezed_long_gaps_get_shorter_and_short_ones_longer(course: Course) -> None:
    even, squeezed = scale_of(course), scale_of(course, squeeze=True)
    gaps = [
        (b - a, even.place(b) - even.place(a), squeezed.place(b) - squeezed.place(a))
        for a, b in pairwise(sorted({course.begin, *course.moments, course.end}))
    ]
    ratios = [new / old for _, old, new in sorted(gaps) if old > 1e-9]
    for shorter, longer in pairwise(ratios):
        assert longer <= shorter + 1e-6


def test_a_squeezed_gap_takes_its_share_at_most_where_much_else_happens() -> None:
    course = course_of(*range(60), 4000)
    scale = scale_of(course, squeeze=True)
    assert 1 - scale.place(at(59)) == pytest.approx(SHARE, rel=0.01)
    assert 1 - scale_of(course).place(at(59)) > 0.98


def test_a_course_of_one_moment_has_a_scale() -> None:
    for squeeze in (True, False):
        scale = scale_of(course_of(0), squeeze=squeeze)
        assert scale.place(at(0)) == 0
        assert scale.at(0.7) == at(0)
        assert scale.place(at(5)) == 0


# -- the minimap -------------------------------------------------------------------


@given(course=COURSES, width=st.integers(1, 300), squeeze=st.booleans())
def test_a_click_shows_what_stands_under_the_mouse(
    course: Course, *, width: int, squeeze: bool
) -> None:
    shown = minimap(course, (), width, squeeze=squeeze)
    assert len(shown.levels) == width
    targets = [shown.at(column) for column in range(width)]
    assert targets == sorted(targets)
    assert (targets[0], targets[-1]) in {
        (course.begin, course.end),
        (course.begin, course.begin),
    }
    for column in range(1, width - 1):
        assert shown.column(targets[column]) == column or course.end == course.begin
        come = [m for m in course.moments if shown.column(m) == column]
        assert all(moment <= targets[column] for moment in come)
        assert bool(come) == bool(shown.levels[column])


@given(course=COURSES, width=st.integers(1, 120), squeeze=st.booleans(), data=st.data())
def test_a_minimap_is_as_wide_as_it_shall_be(
    course: Course, *, width: int, squeeze: bool, data: st.DataObject
) -> None:
    kinds = st.sampled_from(list(Mark))
    marks = tuple(
        Chapter(moment, data.draw(kinds), "x", "k") for moment in course.moments
    )
    shown = minimap(course, marks, width, squeeze=squeeze)
    playhead = data.draw(st.integers(0, width - 1))
    drawn = map_pieces(shown, playhead, course.begin)
    text = "".join(text for text, _ in drawn)
    assert len(text) == cell_len(text) == width
    assert text[playhead] == PLAYHEAD


def test_what_stands_in_a_column_is_what_matters_most() -> None:
    course = course_of(0, 50, 100)
    kinds = [Mark.ENTERED, Mark.DENIED, Mark.FIRST_POLL, Mark.FAILED]
    marks = tuple(Chapter(at(50), kind, kind.value, "k") for kind in kinds)
    shown = minimap(course, marks, 11, squeeze=False)
    assert [c.kind for c in shown.marks[5]] == [
        Mark.FAILED,
        Mark.DENIED,
        Mark.FIRST_POLL,
        Mark.ENTERED,
    ]
    assert MARKS[Mark.FAILED][0] in plain(map_pieces(shown, 9))


def test_a_state_entered_is_marked_where_little_else_happens() -> None:
    few = course_of(0, 50, 100)
    many = Course(at(0), at(100), (at(0), at(50), at(100)), (1, 40, 1))
    marks = (Chapter(at(50), Mark.ENTERED, "A entered", "k"),)
    assert "╷" in plain(map_pieces(minimap(few, marks, 11, squeeze=False), 9))
    busy = plain(map_pieces(minimap(many, marks, 11, squeeze=False), 9))
    assert "╷" not in busy
    assert BLOCKS[-1] in busy


def test_what_is_not_played_yet_is_dim_but_trouble_stands_out() -> None:
    course = course_of(0, 20, 80, 100)
    marks = (
        Chapter(at(80), Mark.FIRST_POLL, "first poll", "k"),
        Chapter(at(90), Mark.FAILED, "failed", "k"),
    )
    shown = minimap(course, marks, 101, squeeze=False)
    tones = dict(map_pieces(shown, 50))
    assert tones["✘"] is Tone.BAD
    after = [tone for text, tone in map_pieces(shown, 50) if "◇" in text]
    assert after == [Tone.DIM]
    played = [tone for text, tone in map_pieces(shown, 95) if "◇" in text]
    assert played == [Tone.STRONG]


def test_an_end_says_how_it_ended() -> None:
    shown = view_of()
    assert shown.course is not None
    line = map_pieces(minimap(shown.course, shown.chapters, 60, squeeze=False), 3)
    assert plain(line).endswith("✔")


def test_the_watermark_stands_where_nothing_else_does() -> None:
    shown = minimap(course_of(0, 50, 100), (), 101, squeeze=False)
    assert "┊" in plain(map_pieces(shown, 99, at(30)))
    assert "┊" not in plain(map_pieces(shown, 99, at(50)))


# -- the words ---------------------------------------------------------------------


def test_the_line_says_how_it_plays_and_where_it_is() -> None:
    transport = Transport(
        at(56.999),
        playing=True,
        speed=20,
        squeeze=True,
        reading=Reading.HAPPENED,
        loop=True,
    )
    assert words(view_of(transport)) == (
        "▶ playing     20×   00:29:21.1  +57.0 s / 5m 09s  as it happened"
        "  » 39.0 s skipped   ∞ loop  · last: first poll"
    )
    still = replace(transport, playing=False)
    assert "‖ paused" in words(view_of(still))
    assert "» idle squeezed" in words(view_of(still))


def test_the_line_of_a_live_watch_tells_how_far_behind_it_is() -> None:
    live = view_of(Transport(), growing=True, now=at(700))
    assert words(live).startswith("● live        00:40:04.1  +11m 40s  as it was seen")
    back = view_of(Transport(at(100), speed=0.25), growing=True, now=at(700))
    assert " .25×" in words(back)
    assert "10m 00s behind live" in words(back)


def test_the_line_of_what_has_ended_says_so() -> None:
    assert words(view_of(Transport())).startswith("■ at the end")
    assert words(ScrubberView()) == "nothing to play yet"


def test_the_clock_stands_where_one_wants_it() -> None:
    tokyo = Look(zone=timezone(timedelta(hours=9)))
    assert "09:30:04.1" in words(view_of(), look=tokyo)


def test_names_are_masked() -> None:
    masked = Look(mask=lambda text: text.replace("ECS RunTask", "state-1"))
    shown = view_of(Transport(at(1), reading=Reading.HAPPENED))
    assert "state-1 entered" in words(shown, look=masked)
    hovered = plain(hover_pieces(at(1), ["ECS RunTask entered"], masked))
    assert hovered == "→ 00:28:25.1 state-1 entered"


@given(course=COURSES, data=st.data(), width=st.integers(0, 160), hovered=st.booleans())
def test_the_line_is_exactly_as_wide_as_it_shall_be(
    course: Course, *, data: st.DataObject, width: int, hovered: bool
) -> None:
    transport = data.draw(transports(course))
    label = data.draw(st.sampled_from([HOSTILE, WIDE, "x" * 90]))
    marks = (Chapter(course.begin, Mark.ENTERED, label, "k"),)
    shown = ScrubberView(transport, course, marks, now=at(9999))
    over = hover_pieces(course.begin, [label], Look()) if hovered else ()
    line = player_line(shown, width, Look(), over)
    assert cells(line) == width
    assert "\x1b" not in plain(line)


@pytest.mark.parametrize(
    ("width", "kept", "gone"),
    [
        (90, ("▶ playing", "20×", "/ 5m 09s", "happened", "first poll"), ()),
        (78, ("▶ playing", "20×", "+57.0 s", "happened", "first poll"), ("loop",)),
        (44, ("▶ playing", "20×", "00:29:21.1", "+57.0 s"), ("first poll",)),
        (24, ("▶ playing", "00:29:21.1"), ("20×",)),
    ],
)
def test_what_matters_least_goes_first(
    width: int, kept: tuple[str, ...], gone: tuple[str, ...]
) -> None:
    transport = Transport(
        at(56.999), playing=True, speed=20, reading=Reading.HAPPENED, loop=True
    )
    line = words(view_of(transport), width)
    assert all(part in line for part in kept), line
    assert not any(part in line for part in gone), line


MOMENTS = [0, 1.5, 20, 58, 61, 200, 308, 309.05]


@pytest.mark.parametrize("squeeze", [True, False])
@pytest.mark.parametrize("reading", list(Reading))
@given(width=st.integers(20, 160))
def test_nothing_moves_while_it_plays(
    reading: Reading, width: int, *, squeeze: bool
) -> None:
    shapes = set()
    for moment in MOMENTS:
        for playing in (True, False):
            here = Transport(at(moment), playing=playing, speed=20, squeeze=squeeze)
            line = words(view_of(replace(here, reading=reading)), width)
            shapes.add((line.find("20×"), line.find(":"), line.find("seen")))
            assert width < 24 or line.split()[1] in {"playing", "paused", "at"}
    assert len(shapes) == 1


def test_at_the_end_it_says_how_it_ended() -> None:
    assert words(view_of(Transport())).endswith("· execution succeeded")
    for width in (78, 98):
        narrow = view_of(Transport(squeeze=True))
        assert words(narrow, width).endswith("· execution succeeded")
    failed = view_of(Transport(), records=noticed_twice())
    assert words(failed).endswith("· execution failed")
    before = view_of(Transport(at(308), reading=Reading.HAPPENED))
    assert words(before).endswith("· last: first poll")


def test_the_end_is_that_of_the_execution_that_is_followed() -> None:
    marks = (
        Chapter(at(0), Mark.STARTED, "execution started", "a#1"),
        Chapter(at(1), Mark.STARTED, "execution started", "b#1"),
        Chapter(at(8), Mark.ENDED, "execution succeeded", "a#9", "succeeded"),
        Chapter(at(9), Mark.ENDED, "execution failed", "b#9", "failed"),
    )
    shown = ScrubberView(Transport(at(9)), course_of(0, 9), marks)
    assert words(shown).endswith("· execution succeeded")


def test_elapsed_is_the_time_of_the_execution() -> None:
    """The first record may be seen long after the execution has started."""
    tape = Tape()
    tape.take(tuple(sync_run()))
    marks = chapters(tape.trace(), Reading.SEEN)
    course = Course(at(-30), at(300), (at(-30), at(300)), (1, 1))
    early = ScrubberView(Transport(at(-12)), course, marks)
    assert "−12.0 s / 5m 00s" in words(early)
    assert "+19.6 s" in words(replace(early, transport=Transport(at(19.6))))
    unknown = ScrubberView(Transport(at(-12)), course)
    assert "+18.0 s / 5m 30s" in words(unknown)


def test_each_squeezed_gap_is_marked() -> None:
    course = course_of(*range(60), 4000)
    squeezed = minimap(course, (), 61, squeeze=True)
    assert plain(map_pieces(squeezed, 0)).count("╱") == 1
    assert "╱" not in plain(map_pieces(minimap(course, (), 61, squeeze=False), 0))
    for column in squeezed.cuts:
        assert at(59) < squeezed.at(column) < at(4000)


@given(course=COURSES, width=st.integers(1, 120))
def test_a_cut_never_hides_what_came(course: Course, width: int) -> None:
    shown = minimap(course, (), width, squeeze=True)
    assert not any(shown.levels[column] for column in shown.cuts)
    assert len(shown.cuts) <= len(shown.scale.cuts)


def test_every_sign_of_the_player_is_explained() -> None:
    known = "".join(sign for sign, _ in SCRUBBER_SIGNS)
    glyphs = {glyph for glyph, _ in MARKS.values()} | {PLAYHEAD, "┊", "╱", "»"}
    assert glyphs <= set(known)
    assert MARKS[Mark.DENIED][0] != "✗"
    assert all(cell_len(glyph) == 1 for glyph in glyphs)


# -- the widget --------------------------------------------------------------------


class Host(ThemedApp):
    """An app with nothing but a scrubber, which remembers what it is asked for."""

    def __init__(self, view: ScrubberView) -> None:
        super().__init__()
        self.scrubber = Scrubber()
        self.scrubber.show(view)
        self.told: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.scrubber
        yield Static("below")

    def on_scrubber_sought(self, message: Scrubber.Sought) -> None:
        self.told.append(message)

    def on_scrubber_hovered(self, message: Scrubber.Hovered) -> None:
        self.told.append(message)

    @property
    def sought(self) -> list[tuple[datetime, bool]]:
        return [(m.at, m.final) for m in self.told if isinstance(m, Scrubber.Sought)]

    @property
    def tip(self) -> str:
        tip = self.scrubber.tooltip
        assert tip is None or isinstance(tip, Content)
        return tip.plain if tip else ""

    @property
    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return [strip.text for strip in strips[: self.scrubber.size.height]]


@asynccontextmanager
async def hosted(
    view: ScrubberView, size: tuple[int, int] = (102, 10)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(view)
    app.animation_level = "none"
    async with app.run_test(size=size, tooltips=True) as pilot:
        await pilot.pause()
        yield app, pilot


TEN = ScrubberView(Transport(at(40)), course_of(0, 25, 100))
"""A hundred columns, a second each, and one."""


async def test_a_click_seeks_the_moment_under_it() -> None:
    async with hosted(TEN, size=(103, 10)) as (app, pilot):
        await pilot.click(Scrubber, offset=(1 + 70, 0))
        assert app.sought == [(at(70), False), (at(70), True)]
        assert app.told[-1].final  # type: ignore[attr-defined]


async def test_a_drag_seeks_all_the_way_and_once_for_good() -> None:
    async with hosted(TEN, size=(103, 10)) as (app, pilot):
        await pilot.mouse_down(Scrubber, offset=(1 + 10, 0))
        await pilot.hover(Scrubber, offset=(1 + 30, 1))
        await pilot.hover(Static, offset=(1 + 50, 3))
        await pilot.hover(Scrubber, offset=(102, 0))
        await pilot.mouse_up(Static, offset=(102, 2))
        assert app.sought == [
            (at(10), False),
            (at(30), False),
            (at(50), False),
            (at(100), False),
            (at(100), True),
        ]
        app.told.clear()
        await pilot.hover(Scrubber, offset=(1 + 5, 0))
        assert app.sought == []


async def test_a_click_on_the_words_seeks_nothing() -> None:
    async with hosted(TEN) as (app, pilot):
        await pilot.click(Scrubber, offset=(30, 1))
        await pilot.click(Scrubber, offset=(30, 0), button=3)
        assert app.sought == []


async def test_a_click_on_a_mark_seeks_what_is_marked() -> None:
    view = view_of()
    async with hosted(view) as (app, pilot):
        column = app.lines[0].index("◇")
        await pilot.click(Scrubber, offset=(column, 0))
        first_poll = next(c for c in view.chapters if c.kind is Mark.FIRST_POLL)
        assert app.sought[-1] == (first_poll.at, True)


async def test_what_is_under_the_mouse_is_told() -> None:
    async with hosted(view_of()) as (app, pilot):
        column = app.lines[0].index("◇")
        await pilot.hover(Scrubber, offset=(column, 0))
        await pilot.pause()
        assert "→ 00:29:20.9 first poll" in app.lines[1]
        assert "first poll" in app.tip
        await pilot.hover(Static, offset=(3, 5))
        await pilot.pause()
        assert "→" not in app.lines[1]
        assert app.tip == ""
        hovered = [m.at for m in app.told if isinstance(m, Scrubber.Hovered)]
        assert hovered[-1] is None


async def test_a_name_is_never_markup() -> None:
    mark = Chapter(at(50), Mark.FAILED, "[b]x[/b] [/oops]", "k")
    view = ScrubberView(Transport(at(60)), course_of(0, 50, 100), (mark,))
    async with hosted(view, size=(103, 10)) as (app, pilot):
        assert "[b]x[/b] [/oops]" in app.lines[1]
        await pilot.hover(Scrubber, offset=(1 + 50, 0))
        await pilot.pause()
        assert "[b]x[/b] [/oops]" in app.lines[1]
        assert app.tip.endswith("[b]x[/b] [/oops]")


async def test_another_moment_moves_the_playhead() -> None:
    async with hosted(TEN, size=(103, 10)) as (app, pilot):
        assert app.lines[0].index(PLAYHEAD) == 1 + 40
        app.scrubber.show(replace(TEN, transport=Transport(at(60))))
        await pilot.pause()
        assert app.lines[0].index(PLAYHEAD) == 1 + 60
        app.scrubber.show(replace(TEN, transport=Transport()))
        await pilot.pause()
        assert app.lines[0].index(PLAYHEAD) == 1 + 100


async def test_on_one_line_the_words_stand_before_the_bar() -> None:
    async with hosted(TEN) as (app, pilot):
        app.scrubber.add_class("-one")
        await pilot.pause()
        (line,) = app.lines
        assert line.startswith(" ‖ paused  +40.0 s ")
        width = len(line.strip()) - len("‖ paused  +40.0 s   ")
        assert width >= 80
        await pilot.click(Scrubber, offset=(100, 0))
        assert app.sought[-1] == (at(100), True)
        await pilot.click(Scrubber, offset=(2, 0))
        assert len(app.sought) == 2


async def test_mask_and_zone_show_at_once() -> None:
    view = view_of(Transport(at(1), reading=Reading.HAPPENED))
    async with hosted(view) as (app, pilot):
        app.scrubber.zone = timezone(timedelta(hours=-3))
        app.scrubber.mask = lambda text: text.upper()
        await pilot.pause()
        assert "21:28:25.1" in app.lines[1]
        assert "ECS RUNTASK ENTERED" in app.lines[1]
        assert app.scrubber.zone == timezone(timedelta(hours=-3))
        assert app.scrubber.mask("a") == "A"


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (20, 5), (80, 24), (300, 80)])
@pytest.mark.parametrize("one", [True, False])
async def test_any_size_and_any_view_can_be_drawn(
    size: tuple[int, int], *, one: bool
) -> None:
    marks = (Chapter(at(50), Mark.FAILED, HOSTILE + WIDE, "k"),)
    first = datetime(1, 1, 1, tzinfo=UTC)
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    ages = Course(first, last, (first, at(3), last), (1, 99, 1))
    views = (
        ScrubberView(Transport(last, squeeze=True), ages),
        ScrubberView(Transport(first, playing=True), ages),
        ScrubberView(),
        TEN,
        view_of(Transport(at(50), squeeze=True, playing=True)),
        view_of(Transport(), records=branching_run(), growing=True, now=at(500)),
        ScrubberView(Transport(), course_of(0)),
        ScrubberView(Transport(at(60)), course_of(0, 50, 100), marks),
    )
    async with hosted(TEN, size=size) as (app, pilot):
        app.scrubber.set_class(one, "-one")
        app.scrubber.zone = timezone(timedelta(hours=9))
        for view in views:
            app.scrubber.show(view)
            await pilot.pause()
            for line in app.lines:
                assert cell_len(line) == size[0]
                assert "\x1b" not in line
