"""The cursor among things of several lines: nothing is passed unseen."""

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.tui.explain_cursor import (
    Stop,
    View,
    Way,
    found_in,
    paged,
    revealed,
    stepped,
    stops_of,
)
from sfnwatch.tui.explain_lines import Line
from sfnwatch.tui.explain_page import Proof


def lines_of(runs: list[tuple[int, int]]) -> list[Line]:
    """Build, for each run, lines only to be read, and those of one thing."""
    lines: list[Line] = []
    for number, (between, size) in enumerate(runs):
        lines += [Line()] * between
        lines += [Line(target=Proof(f"{number}", f"{number}"))] * size
    return lines


RUNS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=8)
HEIGHTS = st.integers(1, 12)


def in_view(stop: Stop, top: int, height: int) -> bool:
    return stop.first < top + height and stop.last >= top


@given(RUNS)
def test_each_thing_has_one_stop_with_all_its_lines(
    runs: list[tuple[int, int]],
) -> None:
    lines = lines_of(runs)
    stops = list(stops_of(lines))
    assert [stop.last - stop.first + 1 for stop in stops] == [size for _, size in runs]
    for stop in stops:
        mine = lines[stop.first : stop.last + 1]
        assert all(line.target is stop.target for line in mine)


@given(RUNS, HEIGHTS, st.integers(0, 9))
def test_line_by_line_all_is_seen_from_end_to_end(
    runs: list[tuple[int, int]], height: int, tail: int
) -> None:
    lines = lines_of(runs) + [Line()] * tail
    stops = list(stops_of(lines))
    place = top = 0
    ways: tuple[Way, Way] = (1, -1)
    for way in ways:
        seen: set[int] = set()
        visited: list[int] = []
        for _ in range(3 * len(lines) + 3):
            seen.update(range(top, top + height))
            visited.append(place)
            place, top = stepped(stops, place, View(top, height, len(lines)), way)
        assert set(range(len(lines))) <= seen
        run = [number for number, _ in groupby(visited)]
        assert run == list(range(len(stops)))[::way]


@given(RUNS, HEIGHTS, st.integers(0, 80))
def test_a_step_from_out_of_view_leads_back_into_it(
    runs: list[tuple[int, int]], height: int, top: int
) -> None:
    lines = lines_of(runs)
    stops = list(stops_of(lines))
    view = View(min(top, max(0, len(lines) - height)), height, len(lines))
    for place in range(len(stops)):
        begin = stops[place - 1].last if place else 0
        end = stops[place + 1].first if place + 1 < len(stops) else len(lines)
        if begin > view.bottom or end < view.top:
            after, moved = stepped(stops, place, view, 1)
            assert after == min(place + 1, len(stops) - 1)
            assert in_view(stops[after], moved, height)


@given(RUNS, HEIGHTS, st.integers(0, 80))
def test_what_is_revealed_is_in_view_with_its_first_line(
    runs: list[tuple[int, int]], height: int, top: int
) -> None:
    lines = lines_of(runs)
    stops = list(stops_of(lines))
    view = View(min(top, max(0, len(lines) - height)), height, len(lines))
    for place, stop in enumerate(stops):
        moved = revealed(stops, place, view)
        assert 0 <= moved <= view.most
        if stop.last - stop.first < height:
            assert moved <= stop.first
            assert stop.last < moved + height
        else:
            assert in_view(stop, moved, height)


@given(RUNS, HEIGHTS)
def test_pages_lead_from_end_to_end(runs: list[tuple[int, int]], height: int) -> None:
    lines = lines_of(runs)
    stops = list(stops_of(lines))
    place = top = 0
    ways: tuple[tuple[Way, int], ...] = ((1, len(stops) - 1), (-1, 0))
    for way, end in ways:
        seen: set[int] = set()
        for _ in range(len(lines) + 1):
            seen.update(range(top, top + height))
            place, top = paged(stops, place, View(top, height, len(lines)), way)
        assert set(range(len(lines))) <= seen
        assert place == end


def test_what_is_held_is_found_again_by_its_key() -> None:
    stops = list(stops_of(lines_of([(0, 1), (2, 3), (0, 2)])))
    more = list(stops_of(lines_of([(1, 1), (0, 1), (0, 1), (4, 4)])))
    assert found_in(more, stops[2], 0) == 2
    assert found_in(stops, more[3], 3) == 2
    assert found_in(stops, None, 1) == 1
    assert found_in([], stops[0], 5) == 0
