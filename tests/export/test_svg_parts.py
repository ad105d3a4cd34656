"""What pictures are made of: texts that fit, time running down, rails side by side."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sfnwatch.export.svg_bars import axis_of, bars_of
from sfnwatch.export.svg_draw import cut, fit, number, rect, safe, width_of
from sfnwatch.export.svg_rails import COLUMNS, rails_of
from sfnwatch.export.svg_rows import lines_of
from sfnwatch.export.svg_scale import scale_of
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.words import Tone
from tests.builders import ARN, START, event, sync_history, sync_run
from tests.export.drawing import crowd, parsed, run
from tests.trace.machines import Run, Sequence, machines

wild = st.text(st.characters(), max_size=80)


def traces(machine: Sequence, seed: int) -> Trace:
    events = Run(machine, seed, 0.2, alike=True).events
    return Trace({ARN: Timeline(ARN, {each.id: each for each in events})})


@given(wild, st.floats(30, 600))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, width: float) -> None:
    shown = cut(text, width)
    assert width_of(shown) <= width + 1e-6
    assert shown.endswith("…") or len(shown) == len(text)


@given(st.lists(st.tuples(wild, st.sampled_from(list(Tone))), max_size=6))
def test_pieces_are_kept_from_the_first_on_and_fit(
    parts: list[tuple[str, Tone]],
) -> None:
    kept = fit(parts, 300)
    assert len(kept) <= len(parts)
    assert sum(width_of(text) for text, _ in kept) <= 300 + 1e-6
    whole = "".join(clean(text).rstrip() for text, _ in parts)
    said = "".join(text.rstrip() for text, _ in kept)
    assert whole.startswith(said.removesuffix("…").rstrip()) or "…" in said[:-1]


@given(wild)
def test_what_is_escaped_is_read_back_as_text(text: str) -> None:
    root = parsed(f'<a b="{safe(text)}">{safe(text)}</a>')
    assert root.text in {root.get("b"), None}
    assert not list(root)


@given(st.floats(-1e6, 1e6))
def test_a_number_is_right_to_a_tenth_and_never_in_powers(value: float) -> None:
    assert abs(float(number(value)) - value) <= 0.051
    assert "e" not in number(value)


def test_what_takes_no_time_is_a_hair_and_not_nothing() -> None:
    assert 'width="0.5"' in rect(0, 0, 0, 9, "working")


@settings(max_examples=60, deadline=None)
@given(machine=machines(), seed=st.integers(0, 2**32))
def test_time_runs_down_and_no_two_lines_touch(machine: Sequence, seed: int) -> None:
    lines = lines_of(build_lanes(traces(machine, seed)).rows)
    scale = scale_of(lines.lines, 100)
    assert all(after > before for before, after in pairwise(scale.heights))
    assert scale.bottom >= max(scale.heights, default=100)
    moments = sorted(line.at for line in lines.lines)
    drawn = [scale.y(at) for at in moments]
    assert drawn == sorted(drawn)
    for pause in scale.pauses:
        assert pause.bottom > pause.top


@settings(max_examples=60, deadline=None)
@given(machine=machines(), seed=st.integers(0, 2**32))
def test_rails_at_the_same_time_never_share_a_column(
    machine: Sequence, seed: int
) -> None:
    trace = traces(machine, seed)
    timeline = trace.timelines[ARN]
    rows = build_lanes(trace).rows
    lines = lines_of(rows, limit=len(rows))
    scale = scale_of(lines.lines, 0)
    rails = rails_of(timeline, lines, scale, max(e.timestamp for e in timeline.ordered))
    assert len(rails.rails) == len(timeline.visits.by_id)
    assume(all(rail.column < COLUMNS for rail in rails.rails))
    for rail in rails.rails:
        parent = rails.by_visit.get(rail.visit.parent or 0)
        assert parent is None or parent.column < rail.column
        for other in rails.rails:
            apart = other.top >= rail.bottom or other.bottom <= rail.top
            same = other.column == rail.column and other is not rail
            assert not same or apart or rail.top == other.top == rail.bottom


@given(st.integers(1, 60), st.integers(1, 400))
def test_all_rows_are_kept_or_counted(iterations: int, limit: int) -> None:
    rows = build_lanes(extend(Trace(), crowd(iterations))).rows
    lines = lines_of(rows, limit)
    shown = [row.key for line in lines.lines for row in line.rows]
    hidden = [row.key for line in lines.lines for row in line.skipped]
    assert Counter(shown + hidden) == Counter(row.key for row in rows)
    assert lines.skipped == len(hidden)
    assert len(shown) == min(len(rows), max(limit, 2))


def test_the_call_stands_on_the_line_of_the_phase_that_made_it() -> None:
    lines = lines_of(build_lanes(run()).rows)
    (pair,) = [line for line in lines.lines if len(line.rows) > 1]
    phase, made = pair.rows
    assert phase.causes == made.key


@given(st.integers(0, 80), st.integers(1, 40))
def test_every_visit_has_a_bar_or_is_counted(iterations: int, limit: int) -> None:
    timeline = extend(Trace(), crowd(iterations)).timelines[ARN]
    bars = bars_of(timeline, limit)
    visits = sum(bar.visit is not None for bar in bars)
    assert visits + sum(bar.left_out for bar in bars) == len(timeline.visits.by_id)
    assert len(bars) <= limit + 1


def test_executions_far_apart_are_laid_on_each_other_and_near_ones_are_not() -> None:
    def started(name: str, seconds: float) -> list[Received]:
        arn = f"{ARN}-{name}"
        return [
            event(1, "ExecutionStarted", seconds, arn=arn),
            event(2, "ExecutionSucceeded", seconds + 60, arn=arn),
        ]

    near = axis_of(extend(Trace(), [*started("a", 0), *started("b", 90)]), START)
    far = axis_of(extend(Trace(), [*started("a", 0), *started("b", 9000)]), START)
    assert (near.together, near.seconds) == (False, 150)
    assert (far.together, far.seconds) == (True, 60)
    middle = START + timedelta(seconds=9030)
    assert far.at(f"{ARN}-b", middle) == 0.5


@given(st.floats(0.001, 1e8))
def test_the_axis_has_a_few_round_ticks(seconds: float) -> None:
    records = sync_history()[:1]
    last = event(2, "ExecutionSucceeded", seconds)
    ticks = axis_of(extend(Trace(), [*records, last]), START).ticks()
    assert 1 <= len(ticks) <= 11
    assert ticks[0] == 0


def test_the_whole_run_has_one_rail() -> None:
    trace = extend(Trace(), sync_run())
    lines = lines_of(build_lanes(trace).rows)
    scale = scale_of(lines.lines, 0)
    (rail,) = rails_of(trace.timelines[ARN], lines, scale, START).rails
    assert rail.column == 0
    assert rail.bottom > rail.top
