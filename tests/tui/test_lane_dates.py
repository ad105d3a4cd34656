"""Dates between the lines of several days."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.shape import Fold, Shape, Sort
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.draw import draw
from sfnwatch.tui.lane_dates import dated
from sfnwatch.tui.lane_frame import Look, columns, frame
from sfnwatch.tui.lane_head import draw_head
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.layout import Hints, Layout, lay_out
from tests.builders import START, sync_run
from tests.trace.machines import Run, Sequence
from tests.tui.growths import MACHINES, calls_of, history_of
from tests.tui.runs import branching_run
from tests.tui.test_draw import words

NIGHT = Look(zone=timezone(-timedelta(minutes=29), "EAR"))
"""Where the run goes on over midnight: it began at 00:28:24 UTC."""


def layout_of(width: int = 139) -> Layout:
    lanes = build_lanes(extend(Trace(), sync_run()))
    return lay_out(lanes, folded=columns(width).folded)


def screen(layout: Layout, look: Look, width: int) -> list[str]:
    shown = frame(layout, width, look)
    return [words(draw(line, shown)) for line in layout.lines]


def test_each_of_several_days_begins_with_its_date() -> None:
    for width in (139, 79):
        lines = screen(dated(layout_of(width), NIGHT), NIGHT, width)
        (first, second) = [n for n, line in enumerate(lines) if " ── " in line]
        assert first == 0
        assert "── 2023-11-14 ──" in lines[0]
        assert "│ ── 2023-11-15 ──" in lines[second]
        assert "23:5" in lines[second - 1]
        assert "00:00" in lines[second + 1]


def test_one_day_needs_no_line_and_stands_in_the_head() -> None:
    for width in (139, 79):
        layout = layout_of(width)
        assert dated(layout, Look()) is layout
        named = words(draw_head(layout, frame(layout, width)))
        assert "UTC 2023-11-15 " in named
        several = dated(layout, NIGHT)
        named = words(draw_head(several, frame(several, width, NIGHT)))
        assert "EAR" in named
        assert "2023" not in named


def test_a_long_name_of_a_zone_leaves_no_room_for_the_date() -> None:
    look = Look(zone=timezone(timedelta(0), "Longyearbyen"))
    for width in (139, 79, 40, 20):
        layout = layout_of(width)
        assert "2023" not in words(draw_head(layout, frame(layout, width, look)))


ZONES = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: Look(zone=timezone(timedelta(minutes=minutes)))
)


@given(ZONES, ZONES, st.booleans())
def test_keys_keep_their_lines_in_every_zone(
    look: Look,
    other: Look,
    both: bool,  # noqa: FBT001
) -> None:
    records = [*branching_run()] if both else sync_run()
    plain = lay_out(build_lanes(extend(Trace(), records)))
    layout = dated(plain, look)
    assert {key: layout.lines[at] for key, at in layout.positions.items()} == {
        key: plain.lines[at] for key, at in plain.positions.items()
    }
    assert dated(dated(layout, other), look) == layout
    marks = [c for line in layout.lines if isinstance(c := line.left, Fold)]
    days = [look.local(fold.at).date() for fold in marks if fold.sort is Sort.DATE]
    assert len(days) != 1
    assert all(before < after for before, after in pairwise(days))
    rows = [row for line in layout.lines for row in line.rows]
    assert len(days) in {0, len({look.local(row.at).date() for row in rows})}
    assert dated(layout, Look(zone=UTC)) == dated(plain, Look(zone=UTC))


def day_of(line: Line, look: Look) -> date | None:
    first = line.first
    if first is None or (isinstance(first, Fold) and first.sort is Sort.WATERMARK):
        return None
    return look.local(first.at).date()


def begun(lines: Iterable[Line], look: Look) -> Iterator[Line]:
    """Give the lines that are of a later day than all before them, one by one."""
    latest: date | None = None
    for line in lines:
        day = day_of(line, look)
        if day is not None and (latest is None or day > latest):
            latest = day
            yield line


@settings(deadline=None, max_examples=50)
@given(
    machine=MACHINES,
    seed=st.integers(0, 2**16),
    pace=st.sampled_from([300.0, 4_000.0, 90_000.0]),
    until=st.none() | st.floats(0, 900_000),
    look=ZONES | st.just(Look(zone=ZoneInfo("America/St_Johns"))),
    gaps=st.booleans(),
)
def test_each_day_begins_with_its_date(
    *,
    machine: Sequence,
    seed: int,
    pace: float,
    until: float | None,
    look: Look,
    gaps: bool,
) -> None:
    run, dice = Run(machine, seed, 0.2, alike=False), random.Random(seed)  # noqa: S311
    records = [*history_of(run, pace), *calls_of(run, pace, 40, dice)]
    at = None if until is None else START + timedelta(seconds=until)
    lanes = build_lanes(extend(Trace(), records))
    hints = Hints(complete_to=at)
    plain = lay_out(lanes, hints=hints, wanted=Shape(gaps=gaps))
    layout = dated(plain, look)
    marked = [
        after
        for mark, after in pairwise(layout.lines)
        if isinstance(mark.left, Fold) and mark.left.sort is Sort.DATE
    ]
    days = list(begun(plain.lines, look))
    last = next(begun(plain.lines[::-1], look), None)
    several = last is not None and day_of(last, look) != day_of(days[0], look)
    assert marked == (days if several else [])
    assert dated(layout, Look()) == dated(plain, Look())
