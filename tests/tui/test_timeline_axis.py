"""The timeline's axis: time over columns, what is squeezed, zooming and panning."""

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.trace import Trace
from sfnwatch.tui.timeline_draw import Axis, Lens, scale_of
from sfnwatch.view.playback import cut_short
from tests.builders import START, at, event
from tests.tui.screens import recorded

WEEK = 7 * 86400
seconds = st.floats(0, 1000, allow_nan=False)
widths = st.integers(1, 250)
gaps = st.sampled_from([[], [(200.0, 700.0)]])


def unshifted(when: datetime, arn: str) -> datetime:
    del arn
    return when


def lens(length: float, *gaps: tuple[float, float]) -> Lens:
    """Look at all of a stretch of time, of which some gaps are cut short."""
    cut = [(at(first), at(last)) for first, last in gaps]
    return Lens(cut_short(START, at(length), cut))


@given(seconds, seconds, widths, gaps)
def test_a_later_moment_never_stands_before_an_earlier_one(
    one: float, other: float, width: int, gaps: list[tuple[float, float]]
) -> None:
    axis = Axis(lens(1000, *gaps), width)
    first, last = sorted((one, other))
    assert 0 <= axis.column(at(first)) <= axis.column(at(last)) <= width


@given(st.floats(0, 1), widths, gaps)
def test_the_moment_of_a_column_stands_in_that_column(
    place: float, width: int, gaps: list[tuple[float, float]]
) -> None:
    axis = Axis(lens(1000, *gaps), width)
    column = place * width
    assert abs(axis.column(axis.time_at(column)) - column) < 0.01


def test_a_gap_that_is_cut_short_takes_little_and_says_how_long_it_is() -> None:
    axis = Axis(lens(WEEK + 200, (100, WEEK + 100)), 60)
    begin, end = axis.column(at(100)), axis.column(at(WEEK + 100))
    assert end - begin == pytest.approx(3)
    assert axis.column(at(50)) == pytest.approx(begin / 2, abs=0.6)
    assert "7d" in "".join(span.text for span in axis.labels())


def test_gaps_take_half_of_the_width_at_most() -> None:
    gaps = [(100 * n + 10, 100 * n + 95) for n in range(40)]
    axis = Axis(lens(4000, *gaps), 320)
    assert 0 < sum(cells for _, cells, _ in axis.squeezed) <= 160


@given(st.floats(0.05, 10 * WEEK), st.integers(1, 250))
def test_labels_take_the_width_and_never_touch(length: float, width: int) -> None:
    axis = Axis(lens(length), width)
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
    words = [word for _, word in Axis(lens(length), 80).marks]
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
    shown = lens(1000, (300, 500))
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
    whole = lens(1000)
    near = whole.zoomed(4, at(400))
    for shown in (whole, near):
        assert Axis(shown, 100).column(at(400)) == pytest.approx(40, abs=0.5)
    assert near.closeness == pytest.approx(4)
    assert near.zoomed(1 / 8, at(400)).is_whole


def test_at_the_newest_moment_the_window_goes_on_with_it_and_else_stays() -> None:
    longer = lens(2000).scale
    at_end = lens(1000).zoomed(4, at(1000)).over(longer)
    assert at_end.shown == (at(1750), at(2000))
    before = lens(1000).zoomed(4, START).over(longer)
    assert before.shown == (START, at(250))
    assert lens(1000).over(longer).shown == (START, at(2000))


def test_a_gap_is_squeezed_that_is_long_by_itself_and_of_the_whole() -> None:
    def cuts(*seconds: float) -> list[tuple[datetime, datetime]]:
        numbered = enumerate(seconds, 1)
        trace = Trace()
        trace.add([event(n, "PassStateEntered", s, name="S") for n, s in numbered])
        scale = scale_of(trace.as_of(), at(seconds[-1]), unshifted, squeeze=True)
        return [(scale.knots[cut], scale.knots[cut + 1]) for cut in scale.cuts]

    assert cuts(0, 1, 2, 40, 41, 300, 301, 1000) == [
        (at(41), at(300)),
        (at(301), at(1000)),
    ]
    assert cuts(0, 500) == []


def test_the_time_until_a_redrive_is_cut_out_by_itself() -> None:
    trace = Trace()
    trace.add(recorded("demo-redrive"))
    moment = trace.as_of()
    newest = START + timedelta(days=3000)
    scale = scale_of(moment, newest, unshifted)
    (cut,) = scale.cuts
    stop, again = scale.knots[cut], scale.knots[cut + 1]
    assert 300 < (again - stop).total_seconds() < 500
    assert scale.place(again) - scale.place(stop) < 0.06
    assert len(scale_of(moment, newest, unshifted, squeeze=True).cuts) > 1
