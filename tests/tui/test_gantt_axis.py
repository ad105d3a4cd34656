"""Time and columns: there and back, through silences, zoomed or not."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.tui.gantt_axis import SQUEEZED, Axis, make_axis
from sfnwatch.tui.gantt_lens import Extent, Lens, idle
from sfnwatch.tui.gantt_ruler import Scale, label_line, marks, short
from tests.builders import START

widths = st.integers(1, 300)
offsets = st.one_of(st.floats(0, 10**6), st.integers(0, 400).map(float))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


moments = st.lists(offsets.map(at), min_size=1, max_size=30).map(sorted)


def extent_of(found: list[datetime], *, squeeze: bool = True) -> Extent:
    return Extent(found[0], found[-1], idle(found) if squeeze else ())


def axis_of(found: list[datetime], width: int) -> Axis:
    extent = extent_of(found)
    return make_axis(extent.window, width, extent.cuts)


# -- the axis --------------------------------------------------------------------


@given(moments, widths)
def test_later_moments_never_stand_before_earlier_ones(
    found: list[datetime], width: int
) -> None:
    axis = axis_of(found, width)
    columns = [axis.column(moment) for moment in found]
    assert columns == sorted(columns)
    assert columns[0] == 0
    assert all(0 <= column <= width for column in columns)
    if axis.begin + timedelta(seconds=axis.span) == found[-1]:
        assert columns[-1] == width


@given(moments, widths, st.floats(0, 1))
def test_the_moment_of_a_column_stands_in_that_column(
    found: list[datetime], width: int, share: float
) -> None:
    axis = axis_of(found, width)
    column = share * width
    assert abs(axis.column(axis.time_at(column)) - column) <= 1
    assert axis.begin <= axis.time_at(column) <= axis.end


@given(moments, widths, st.floats(0, 1))
def test_the_column_of_a_moment_is_of_that_moment(
    found: list[datetime], width: int, share: float
) -> None:
    axis = axis_of(found, width)
    moment = axis.begin + timedelta(seconds=share * axis.span)
    back = axis.time_at(axis.column(moment))
    assert abs(axis.column(back) - axis.column(moment)) < 1e-3
    assert abs((back - moment).total_seconds()) <= 1e-9 * axis.span + 1e-5


@given(moments, widths)
def test_columns_and_seconds_only_go_on(found: list[datetime], width: int) -> None:
    axis = axis_of(found, width)
    assert axis.knots[0] == (0.0, 0)
    assert axis.knots[-1][1] == max(1, width)
    for (t0, c0), (t1, c1) in pairwise(axis.knots):
        assert t0 <= t1
        assert c0 < c1
    for column, seconds in axis.squeezed():
        assert seconds / axis.span * width > SQUEEZED
        assert column + SQUEEZED <= width


def test_a_long_silence_takes_three_columns_and_gives_its_room_to_the_rest() -> None:
    found = [at(0), at(10), at(310), at(320)]
    axis = axis_of(found, 43)
    assert list(axis.squeezed()) == [(20, 300.0)]
    assert [axis.column(moment) for moment in found] == [0, 20, 23, 43]
    assert axis.time_at(21.5) == at(160)


def test_a_silence_is_long_by_itself_and_by_the_whole() -> None:
    assert idle([at(0), at(29), at(60)]) == ((at(29), at(60)),)
    assert idle([at(0), at(100)]) == ()
    assert idle([at(0), at(79), at(1000)]) == ((at(79), at(1000)),)
    assert idle([]) == ()


def test_what_is_narrow_squeezes_nothing() -> None:
    assert not axis_of([at(0), at(1), at(300)], 8).cuts


def test_squeezed_silences_never_take_most_of_the_width() -> None:
    found = [at(n * 100 + more) for n in range(13) for more in (0, 1)]
    axis = axis_of(found, 40)
    assert 0 < len(axis.cuts) * SQUEEZED <= 20


def test_a_moment_without_length_is_an_axis_too() -> None:
    axis = make_axis((START, START), 40)
    assert axis.column(START) == 0
    assert axis.span > 0


def test_the_end_of_the_calendar_is_an_axis_too() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    axis = make_axis((last, last), 40)
    assert axis.end <= last
    first = datetime.min.replace(tzinfo=UTC)
    whole = make_axis((first, last), 100)
    west = Scale(first, timezone(timedelta(hours=-11)), clock=True)
    assert marks(whole, west)
    assert marks(make_axis((first, first), 40), west)


# -- marks -----------------------------------------------------------------------


def labels(seconds: float, width: int, *, clock: bool = False) -> list[str]:
    axis = make_axis((START, at(seconds)), width)
    found = marks(axis, Scale(START, clock=clock))
    return label_line(axis, found)[0].split()


def test_marks_are_round_numbers_since_the_start() -> None:
    assert labels(309, 60) == ["0", "+1m", "+2m", "+3m", "+4m"]
    assert labels(1.2, 40) == ["0", "+0.5s", "+1s"]
    assert labels(0.02, 30) == ["0", "+0.01s"]
    assert labels(200, 60) == ["0", "+30s", "+1m", "+1m30s", "+2m", "+2m30s", "+3m"]
    assert labels(8000, 40) == ["0", "+30m", "+1h", "+1h30m", "+2h"]
    assert labels(9 * 86400, 60)[:3] == ["0", "+2d", "+4d"]


def test_marks_of_the_clock_are_round_times_of_day() -> None:
    assert labels(309, 60, clock=True)[:2] == ["00:29", "00:30"]
    assert labels(20, 60, clock=True)[:2] == ["00:28:25", "00:28:30"]
    assert labels(0.4, 60, clock=True)[:2] == ["00:28:24.2", "00:28:24.3"]
    assert labels(9 * 86400, 90, clock=True)[:3] == ["16", "Nov", "2023"]


def test_marks_of_the_clock_are_those_of_the_zone() -> None:
    tokyo = timezone(timedelta(hours=9))
    axis = make_axis((START, at(309)), 60)
    found = marks(axis, Scale(START, tokyo, clock=True))
    assert found[0].label == "09:29"
    assert found[0].column == int(axis.column(at(35.898)))


def test_what_is_before_the_start_is_below_zero() -> None:
    axis = make_axis((at(-60), at(60)), 60)
    assert [mark.label for mark in marks(axis, Scale(START))][:2] == ["−1m", "−30s"]


@given(moments, widths, st.booleans())
def test_labels_stand_at_their_marks_and_never_touch(
    found: list[datetime],
    width: int,
    clock: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    axis = axis_of(found, width)
    those = marks(axis, Scale(found[0], clock=clock))
    line, silences = label_line(axis, those)
    assert len(line) == len(silences) == axis.width
    assert all(0 <= mark.column < axis.width for mark in those)
    assert set(line.split()) <= {part for m in those for part in m.label.split()}
    assert not any(a != " " and b != " " for a, b in zip(line, silences, strict=True))


def test_a_silence_says_how_long_it_is_in_its_three_columns() -> None:
    axis = axis_of([at(0), at(10), at(310), at(320)], 43)
    assert label_line(axis, ())[1].strip() == "5m"
    assert [short(n) for n in (45, 100, 5999, 7200, 864000)] == [
        "45s",
        "2m",
        "2h",
        "2h",
        "10d",
    ]


@given(st.floats(0, 1e12))
def test_how_long_a_silence_is_takes_three_cells(seconds: float) -> None:
    assert len(short(seconds)) <= SQUEEZED


# -- windows ---------------------------------------------------------------------


@given(
    moments, st.lists(st.tuples(st.sampled_from("zp"), st.floats(-3, 3)), max_size=8)
)
def test_a_window_never_leaves_the_whole(
    found: list[datetime], steps: list[tuple[str, float]]
) -> None:
    lens = Lens(extent_of(found))
    for step, number in steps:
        pivot = found[len(found) // 2]
        lens = lens.zoomed(2**number, pivot) if step == "z" else lens.panned(number)
        begin, end = lens.shown
        assert found[0] <= begin <= end <= found[-1]
        assert lens.closeness > 0.99


@given(moments, st.floats(1.1, 9), st.floats(0, 1))
def test_zooming_keeps_what_is_zoomed_to_in_place(
    found: list[datetime], factor: float, share: float
) -> None:
    extent = extent_of(found, squeeze=False)
    if extent.length < 10:
        return
    before = make_axis(extent.window, 100)
    pivot = extent.begin + timedelta(seconds=share * extent.length)
    after = make_axis(Lens(extent).zoomed(factor, pivot).shown, 100)
    assert abs(after.column(pivot) - before.column(pivot)) < 0.1


def test_zooming_out_again_shows_the_whole() -> None:
    lens = Lens(extent_of([at(0), at(100)]))
    near = lens.zoomed(4, at(50))
    assert near.shown == (at(37.5), at(62.5))
    assert near.closeness == 4
    assert near.zoomed(0.1, at(50)) == lens


def test_panning_steps_over_what_is_squeezed() -> None:
    extent = Extent(at(0), at(1020), ((at(10), at(1010)),))
    lens = Lens(extent).zoomed(2, at(0))
    assert lens.shown == (at(0), at(10))
    assert lens.panned(1).shown == (at(1010), at(1020))
    assert lens.panned(0.5).shown == (at(5), at(1015))


def test_the_newest_stays_in_view_until_one_looks_away() -> None:
    lens = Lens(extent_of([at(0), at(100)], squeeze=False)).zoomed(4, at(100))
    assert lens.following
    grown = lens.grown(extent_of([at(0), at(200)], squeeze=False))
    assert grown.shown == (at(175), at(200))
    away = lens.panned(-1)
    assert not away.following
    kept = away.grown(extent_of([at(0), at(200)], squeeze=False))
    assert kept.shown == away.shown


def test_a_window_stays_inside_when_there_is_less_to_see() -> None:
    lens = Lens(extent_of([at(0), at(100)], squeeze=False)).zoomed(10, at(95))
    shrunk = lens.panned(-0.1).grown(extent_of([at(0), at(50)], squeeze=False))
    assert shrunk.shown == (at(40), at(50))


def test_a_stretch_is_shown_with_a_little_beside_it() -> None:
    lens = Lens(extent_of([at(0), at(100)], squeeze=False)).fitted_to(at(40), at(50))
    assert lens.shown == (at(39), at(51))
    assert lens.fitted().window is None
    assert lens.centred(at(50)).shown == (at(44), at(56))
