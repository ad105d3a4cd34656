"""Lanes that grow are laid out as they would be if all of them were new."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace import same, shaping
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Kind, Lanes, Row, build_lanes
from sfnwatch.trace.shape import Fold, Shape, Sort, all_toggled, toggled
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui import lane_services, stacking
from sfnwatch.tui.arrange import Plan, arrange
from sfnwatch.tui.laying import Laying
from sfnwatch.tui.layout import Hints, Layout
from tests.builders import ARN, ROLE, START, call, event
from tests.trace.families import FAMILIES
from tests.trace.machines import Run
from tests.tui.growths import MACHINES, calls_of, history_of


def kept(before: Mapping[str, Row], lanes: Lanes) -> Lanes:
    """Let rows that are what they were be the same objects, as those of lanes are."""
    rows = tuple(_kept(before.get(row.key), row) for row in lanes.rows)
    return replace(lanes, rows=rows)


def _kept(before: Row | None, row: Row) -> Row:
    return before if before is not None and before == row else row


def growing(records: Sequence[Received], cuts: Iterable[int]) -> list[Lanes]:
    """Give the lanes of so many records, and so many more, and all."""
    trace, rows, found, done = Trace(), dict[str, Row](), list[Lanes](), 0
    for cut in sorted({*cuts, len(records)}):
        trace, done = extend(trace, records[done:cut]), cut
        found.append(kept(rows, build_lanes(trace)))
        rows = {row.key: row for row in found[-1].rows}
    return found


@st.composite
def shapes(draw: st.DrawFn, lanes: Lanes) -> Shape:
    """Fold, open, hide and filter at random, by keys that there will be."""
    shown = arrange(lanes, Plan(), Hints(), Shape()).shaped
    keys = [f.key for f in shown.rows if isinstance(f, Fold) and f.folds]
    wanted = Shape() if draw(st.booleans()) else all_toggled(Shape(), lanes)
    for key in draw(st.sets(st.sampled_from(keys), max_size=3)) if keys else ():
        wanted = toggled(wanted, key, shown.closed)
    out = draw(st.sampled_from([None, None, Kind.EXITED, Kind.CALL]))
    return replace(
        wanted,
        keep=None if out is None else lambda row: row.kind is not out,
        hidden_services=draw(st.sampled_from([frozenset(), {"ecs.amazonaws.com"}])),
        polls_folded=draw(st.sampled_from([True, True, False])),
        gaps=draw(st.booleans()),
    )


@st.composite
def records(draw: st.DrawFn) -> list[Received]:
    """Tell of one run or two, in the order of events, of time, or in any."""
    dice = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311
    pace = dice.choice([1.0, 1.0, 5.0, 40.0])
    found: list[Received] = []
    for name in ("", "-other")[: draw(st.sampled_from([1, 1, 2]))]:
        run = Run(draw(MACHINES), dice.randrange(2**16), 0.2, alike=False)
        found += history_of(run, pace, ARN + name)
        found += calls_of(run, pace, dice.choice([0, 5, 40, 120]), dice)
    late = draw(st.sampled_from([None, 0, 60, 10_000]))
    if late is not None:
        found.sort(key=lambda one: _at(one) + timedelta(seconds=dice.uniform(0, late)))
    return found


def _at(received: Received) -> datetime:
    return received.at or START


@settings(deadline=None)
@given(st.data())
def test_lanes_that_grow_are_laid_out_as_if_all_of_them_were_new(
    data: st.DataObject,
) -> None:
    told = data.draw(records() | FAMILIES)
    step = max(1, len(told) // data.draw(st.integers(2, 8)))
    grown = growing(told, range(step, len(told), step))
    wanted = data.draw(shapes(grown[-1]))
    plan = Plan(*data.draw(st.tuples(st.booleans(), st.booleans(), st.booleans())))
    every = data.draw(st.sampled_from([1, 3, 64]))
    laying = Laying()
    with pytest.MonkeyPatch.context() as patch:
        # What is gone back to is close by in short lanes, too.
        for module in (shaping, stacking, lane_services):
            patch.setattr(module, "_EVERY", every)
        patch.setattr(same, "_STEP", every)
        for lanes in (*grown, grown[len(grown) // 2], grown[-1]):
            seconds = data.draw(st.none() | st.integers(-1, 90))
            until = None if seconds is None else START + timedelta(seconds=seconds)
            hints = Hints("no states", "no calls so far, but they may come", until)
            now = wanted if data.draw(st.integers(0, 9)) else Shape()
            layout = arrange(lanes, plan, hints, now, laying)
            assert layout == arrange(lanes, plan, hints, now)
            if not plan.beside:
                assert_found(layout)


def assert_found(layout: Layout) -> None:
    """Hold that every key is on its line, or on that of what stands for it."""
    stands, keys = layout.shaped.stands, set[str]()
    for key, place in layout.positions.items():
        line = layout.lines[place]
        own = {line.head, *line.keys}
        assert key in own or stands[key] in own
        keys.add(key)
    assert len(layout.positions) == len(list(layout.positions)) == len(keys)
    assert keys >= {key for line in layout.lines for key in line.keys}


@settings(deadline=None, max_examples=25)
@given(records(), st.integers(2, 6))
def test_the_rows_need_not_be_the_same_objects(
    told: list[Received], parts: int
) -> None:
    laying, trace, step = Laying(), Trace(), max(1, len(told) // parts)
    for begin in range(0, len(told), step):
        trace = extend(trace, told[begin : begin + step])
        lanes = build_lanes(trace)
        layout = arrange(lanes, Plan(), Hints(), Shape(), laying)
        assert layout == arrange(lanes, Plan(), Hints(), Shape())


# -- what is kept --------------------------------------------------------------------


def mapping(iterations: int, *, begun: int = 0) -> list[Received]:
    """Tell of a Map that runs; each iteration has a state that waits."""
    found = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE),
        event(2, "MapStateEntered", 0.1, previous=0, name="Each", input="[]"),
        event(3, "MapStateStarted", 0.1, length=iterations),
    ]
    for index in range(begun, iterations):
        number, at = 4 + 2 * index, 1.0 + index
        found += [
            event(
                number, "MapIterationStarted", at, previous=3, name="Each", index=index
            ),
            event(number + 1, "WaitStateEntered", at, name="Wait", input="{}"),
        ]
    return found[3:] if begun else found


def test_an_iteration_of_many_leaves_the_lines_before_it_alone() -> None:
    grown = growing([*mapping(300), *mapping(310, begun=300)], [603])
    laying = Laying()
    before, after = (
        arrange(lanes, Plan(), Hints(), Shape(), laying) for lanes in grown
    )
    pairs = zip(before.lines, after.lines, strict=False)
    assert sum(one is other for one, other in pairs) > 200
    assert len(after.lines) == len(before.lines) + 10


def test_a_fold_far_above_tells_of_what_comes_in_behind_it() -> None:
    told = mapping(300)
    exited = event(604, "WaitStateExited", 400, previous=5, name="Wait", output="{}")
    first, second = growing([*told, exited], [len(told)])
    laying = Laying()
    before = arrange(first, Plan(), Hints(), Shape(), laying)
    after = arrange(second, Plan(), Hints(), Shape(), laying)
    changed = [
        place
        for place, (one, other) in enumerate(
            zip(before.lines, after.lines, strict=False)
        )
        if one is not other
    ]
    assert changed[0] == before.positions[f"{ARN}#2~branch0"]
    assert changed[1] > 200
    fold = after.lines[changed[0]].left
    assert isinstance(fold, Fold)
    assert [row.key for row in fold.rows][-1] == f"{ARN}#604"


def test_a_late_call_leaves_the_lines_long_before_it_alone() -> None:
    told = mapping(300)
    late = call("ListThings", 250, key="late")
    opened = Shape(keep=lambda _: True)
    first, second = growing([*told, late], [len(told)])
    laying = Laying()
    before = arrange(first, Plan(), Hints(), opened, laying)
    after = arrange(second, Plan(), Hints(), opened, laying)
    place = after.positions["call#late"]
    pairs = zip(before.lines[: place - 130], after.lines, strict=False)
    assert place > 400
    assert all(one is other for one, other in pairs)


def test_a_layout_does_not_change_when_more_comes_in() -> None:
    grown = growing([*mapping(300), *mapping(310, begun=300)], [603])
    laying = Laying()
    first = arrange(grown[0], Plan(), Hints(), Shape(), laying)
    arrange(grown[1], Plan(), Hints(), Shape(), laying)
    assert first == arrange(grown[0], Plan(), Hints(), Shape())
    assert any(
        isinstance(line.left, Fold) and line.left.sort is Sort.BRANCH
        for line in first.lines
    )
