"""The lanes in a shape: nothing lost, nothing twice, whatever is folded."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Kind, Lanes, Row, build_lanes
from sfnwatch.trace.nests import nest_key
from sfnwatch.trace.shape import (
    IDLE,
    Fold,
    Shape,
    Shaped,
    Sort,
    all_toggled,
    shape,
    toggled,
)
from sfnwatch.trace.shape_crowds import branch_key
from sfnwatch.trace.shape_homes import visit_key
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import subject_words
from tests.builders import (
    ARN,
    START,
    TASK_ARN,
    call,
    event,
    health,
    sync_history,
    sync_run,
)
from tests.trace.families import (
    FAMILIES,
    Both,
    Starts,
    child_of_run,
    execution,
    history,
    photos,
    run_arn,
    three_levels,
)
from tests.trace.machines import Run, Sequence, machines

ECS: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}


def lanes_of(*records: Received) -> Lanes:
    return build_lanes(extend(Trace(), records))


def folds(shaped: Shaped, sort: Sort) -> list[Fold]:
    return [r for r in shaped.rows if isinstance(r, Fold) and r.sort is sort]


def plain_rows(shaped: Shaped) -> list[Row]:
    return [row for row in shaped.rows if isinstance(row, Row)]


def polling(
    *seconds: float, denied: Iterable[int] = (), begin: int = 0
) -> list[Received]:
    """Build polls of the seed's task, some of them refused."""
    refusal = ("AccessDenied", f"not authorized: {TASK_ARN}")
    return [
        call(
            "DescribeTasks",
            at,
            key=f"p{number}",
            parameters={"tasks": [TASK_ARN]},
            error=refusal if number in set(denied) else None,
        )
        for number, at in enumerate(seconds, begin)
    ]


# -- polls -------------------------------------------------------------------------


def test_polls_between_the_first_and_the_last_are_one_line() -> None:
    shaped = shape(lanes_of(*sync_run()), Shape())
    (fold,) = folds(shaped, Sort.POLLS)
    assert [row.key for row in fold.rows] == [
        "call#poll-1",
        "call#poll-2",
        "call#poll-3",
    ]
    assert fold.tally.calls == 3
    assert fold.seconds == (293 - 55) / 4
    keys = [row.key for row in shaped.rows]
    place = keys.index(fold.key)
    assert keys[place - 1 : place + 2] == ["call#poll-0", fold.key, "call#poll-4"]
    assert shaped.stands["call#poll-2"] == fold.key


@pytest.mark.parametrize(
    ("complete_to", "apart", "words"),
    [
        (420, 59.5, "+61 s"),
        (180, 61, "+61 s?"),
        (126, 59, "+61 s?"),
        (60, None, "+61 s?"),
        (None, None, "+61 s?"),
    ],
)
def test_how_often_is_told_of_polls_none_of_which_can_be_missing(
    complete_to: float | None, apart: float | None, words: str
) -> None:
    records = [r for r in sync_run() if r.data.get("lane") != "lookup"]
    until = complete_to and iso(START + timedelta(seconds=complete_to))
    lanes = lanes_of(*records, health("lookup", "live", 600, complete_to=until))
    (fold,) = folds(shape(lanes, Shape()), Sort.POLLS)
    assert fold.whole == (complete_to == 420)
    assert fold.seconds == apart
    (last,) = [row for row in lanes.rows if row.key == "call#poll-4"]
    assert subject_words(last) == words


def test_few_polls_are_not_worth_a_fold() -> None:
    records = [*sync_history()[:5], *polling(60, 120, 180, 240)]
    assert folds(shape(lanes_of(*records), Shape()), Sort.POLLS) == []


def test_a_poll_of_another_outcome_breaks_the_run_and_is_seen() -> None:
    records = [*sync_history()[:5], *polling(*range(60, 720, 60), denied=[5])]
    shaped = shape(lanes_of(*records), Shape())
    assert [len(fold.rows) for fold in folds(shaped, Sort.POLLS)] == [3, 3]
    shown = [row.key for row in plain_rows(shaped) if row.call]
    assert shown == ["call#p0", "call#p4", "call#p5", "call#p6", "call#p10"]


def test_a_run_that_grows_keeps_its_key_and_shows_the_newest() -> None:
    history, polls = sync_history()[:5], polling(*range(60, 660, 60))
    keys: set[str] = set()
    for count in range(5, 11):
        shaped = shape(lanes_of(*history, *polls[:count]), Shape())
        keys.update(fold.key for fold in folds(shaped, Sort.POLLS))
        assert plain_rows(shaped)[-1].key == f"call#p{count - 1}"
    assert len(keys) == 1
    late = shape(lanes_of(*history, *polls[1:]), Shape())
    assert {fold.key for fold in folds(late, Sort.POLLS)} == keys


def test_an_opened_run_keeps_a_head_to_close_it_by() -> None:
    lanes = lanes_of(*sync_run())
    (fold,) = folds(shape(lanes, Shape()), Sort.POLLS)
    opened = shape(lanes, toggled(Shape(), fold.key))
    (head,) = folds(opened, Sort.POLLS)
    assert (head.key, head.open, head.rows) == (fold.key, True, ())
    assert plain_rows(opened) == list(lanes.rows)
    assert opened.around["call#poll-2"] == fold.key
    assert toggled(toggled(Shape(), fold.key), fold.key) == Shape()


def test_attempts_that_poll_at_once_have_a_fold_each() -> None:
    other = TASK_ARN.replace("9f018ef6", "00000000")
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "ParallelStateEntered", 0.1, name="Both"),
        event(3, "ParallelStateStarted", 0.1),
    ]
    for first, name, arn in ((4, "A", TASK_ARN), (8, "B", other)):
        records += [
            event(first, "TaskStateEntered", 0.2, previous=3, name=name),
            event(first + 1, "TaskScheduled", 0.2, **ECS),
            event(first + 2, "TaskStarted", 0.3, **ECS),
            event(
                first + 3,
                "TaskSubmitted",
                0.4,
                output=json.dumps({"Tasks": [{"TaskArn": arn}]}),
                **ECS,
            ),
        ]
    for number in range(6):
        for name, arn in (("a", TASK_ARN), ("b", other)):
            records.append(
                call(
                    "DescribeTasks",
                    60 * (number + 1),
                    key=f"{name}{number}",
                    parameters={"tasks": [arn]},
                )
            )
    shaped = shape(lanes_of(*records), Shape())
    found = folds(shaped, Sort.POLLS)
    assert [fold.visit and fold.visit.name for fold in found] == ["A", "B"]
    assert [len(fold.rows) for fold in found] == [4, 4]


# -- branches ----------------------------------------------------------------------


def mapping() -> list[Received]:
    """Build a Map of two: one try fails and is repeated, with a call each."""
    records = [
        event(1, "ExecutionStarted", 0, roleArn="r"),
        event(2, "MapStateEntered", 1, name="Each"),
        event(3, "MapStateStarted", 1, length=2),
    ]
    for first, index in ((4, 0), (9, 1)):
        records += [
            event(
                first, "MapIterationStarted", 1, previous=3, name="Each", index=index
            ),
            event(first + 1, "TaskStateEntered", 1, name="Work"),
            event(first + 2, "TaskScheduled", 1, **ECS),
            event(first + 3, "TaskStarted", 1.5, **ECS),
            event(first + 4, "TaskFailed", 5, error="Oops", **ECS),
        ]
    return [
        *records,
        event(14, "TaskScheduled", 25, previous=8, **ECS),
        event(15, "TaskStarted", 25, **ECS),
        event(16, "TaskSucceeded", 29, **ECS),
        event(17, "TaskStateExited", 29, name="Work"),
        event(18, "MapIterationSucceeded", 30, name="Each", index=0),
    ]


def test_a_folded_iteration_is_one_line_that_says_what_is_in_it() -> None:
    key = branch_key(ARN, 2, 0)
    shaped = shape(lanes_of(*mapping()), toggled(Shape(), key))
    (fold,) = folds(shaped, Sort.BRANCH)
    assert (fold.key, fold.index) == (key, 0)
    told = fold.tally
    assert (told.states, told.failed, told.retries) == (1, 1, 1)
    assert (told.status, told.seconds, told.names) == ("succeeded", 29, ("Work",))
    assert shaped.stands[f"{ARN}#8"] == key
    assert shaped.stands[f"{ARN}#18"] == key
    assert shaped.heads[f"{ARN}#9"] == branch_key(ARN, 2, 1)


def test_an_iteration_that_is_begun_anew_is_not_told_by_its_first_end() -> None:
    each: dict[str, Any] = {"name": "Each", "index": 0}
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "MapStateEntered", 1, name="Each"),
        event(3, "MapStateStarted", 1, length=1),
        event(4, "MapIterationStarted", 1, **each),
        event(5, "FailStateEntered", 1, name="No"),
        event(6, "MapIterationFailed", 1, **each),
        event(7, "MapStateStarted", 9, previous=6, length=1),
        event(8, "MapIterationStarted", 9, **each),
        event(9, "WaitStateEntered", 9, name="Again"),
    ]
    statuses = []
    for count in (6, 9):
        shaped = shape(
            lanes_of(*records[:count]), toggled(Shape(), branch_key(ARN, 2, 0))
        )
        statuses.append(folds(shaped, Sort.BRANCH)[0].tally.status)
    assert statuses == ["failed", "running"]


def test_a_folded_map_takes_all_of_its_iterations_along() -> None:
    key = visit_key(ARN, 2)
    wanted = Shape(folded=frozenset({key, branch_key(ARN, 2, 1)}))
    shaped = shape(lanes_of(*mapping()), wanted)
    assert [row.key for row in shaped.rows] == [f"{ARN}#1", key]
    told = folds(shaped, Sort.VISIT)[0].tally
    assert (told.branches, told.states, told.status) == (2, 2, "running")
    assert told.seconds is None


def test_calls_fold_along_with_the_state_that_made_them() -> None:
    answer = json.dumps({"Tasks": [{"TaskArn": TASK_ARN}]})
    records = [
        *mapping()[:7],
        event(8, "TaskSubmitted", 2, output=answer, **ECS),
        *polling(60, 120, denied=[1]),
    ]
    shaped = shape(lanes_of(*records), toggled(Shape(), branch_key(ARN, 2, 0)))
    (fold,) = folds(shaped, Sort.BRANCH)
    assert (fold.tally.calls, fold.tally.denied) == (2, 1)
    assert shaped.stands["call#p0"] == fold.key
    assert fold.tally.status == "running"


def test_a_parallel_s_branch_begins_with_a_line_that_names_it() -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "ParallelStateEntered", 1, name="Both"),
        event(3, "ParallelStateStarted", 1),
        event(4, "WaitStateEntered", 1, previous=3, name="A"),
        event(5, "WaitStateEntered", 1, previous=3, name="B"),
    ]
    shaped = shape(lanes_of(*records), Shape())
    heads = folds(shaped, Sort.BRANCH)
    assert [(head.index, head.open, head.rows) for head in heads] == [
        (0, True, ()),
        (1, True, ()),
    ]
    keys = [row.key for row in shaped.rows]
    assert keys.index(heads[1].key) + 1 == keys.index(f"{ARN}#5")
    assert shaped.around[f"{ARN}#5"] == heads[1].key
    assert shaped.heads[f"{ARN}#2"] == visit_key(ARN, 2)


def test_all_are_folded_branch_by_branch_and_opened_at_once() -> None:
    lanes = lanes_of(*mapping())
    wanted = all_toggled(Shape(), lanes)
    assert wanted.folded == {branch_key(ARN, 2, 0), branch_key(ARN, 2, 1)}
    assert all_toggled(wanted, lanes) == Shape()


# -- gaps --------------------------------------------------------------------------


def test_the_wait_before_another_try_has_a_line() -> None:
    shaped = shape(lanes_of(*mapping()), Shape())
    (wait,) = folds(shaped, Sort.BACKOFF)
    assert wait.seconds == 20
    keys = [row.key for row in shaped.rows]
    assert keys[keys.index(wait.key) - 1] == f"{ARN}#8"
    assert not folds(shaped, Sort.IDLE)


def test_the_call_of_a_failed_try_stays_on_its_line() -> None:
    failure = "Request ID: req-x"
    again = [
        event(6, "TaskScheduled", 60, **ECS),
        event(7, "TaskStarted", 60, **ECS),
    ]
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "TaskStateEntered", 1, name="Work"),
        event(3, "TaskScheduled", 1, **ECS),
        event(4, "TaskStarted", 1.2, **ECS),
        event(5, "TaskSubmitFailed", 2, error="E", cause=failure, **ECS),
        *again,
        call("RunTask", 2, key="x", request_id="req-x", error=("E", "e")),
    ]
    shaped = shape(lanes_of(*records), Shape())
    keys = [row.key for row in shaped.rows]
    wait = folds(shaped, Sort.BACKOFF)[0]
    assert keys[keys.index(f"{ARN}#5") :][:3] == [f"{ARN}#5", "call#x", wait.key]
    assert not folds(shaped, Sort.IDLE)


def test_a_long_silence_is_named_but_not_before_a_poll() -> None:
    lanes = lanes_of(*sync_history())
    (idle,) = folds(shape(lanes, Shape()), Sort.IDLE)
    assert idle.seconds is not None
    assert round(idle.seconds) == 308
    assert not folds(shape(lanes, Shape(gaps=False)), Sort.IDLE)
    assert not folds(shape(lanes_of(*sync_run()), Shape()), Sort.IDLE)


# -- left out ----------------------------------------------------------------------


def test_what_is_left_out_is_counted() -> None:
    lanes = lanes_of(*sync_run())
    states = shape(lanes, Shape(hidden_services=frozenset({"ecs.amazonaws.com"})))
    assert states.unlisted == {"ecs.amazonaws.com": 6}
    assert not [row for row in plain_rows(states) if row.call]
    calls = shape(lanes, Shape(keep=lambda row: row.call is not None))
    assert calls.filtered == 7
    assert all(row.call for row in plain_rows(calls))


def test_a_joined_event_is_found_by_its_own_key() -> None:
    shaped = shape(lanes_of(*sync_run()), Shape())
    assert shaped.stands[f"{ARN}#4"] == f"{ARN}#3"


# -- laws --------------------------------------------------------------------------


def trace_of(machine: Sequence, seed: int, polls: int) -> Trace:
    run = Run(machine, seed, 0.3, alike=False)
    events = {e.id: e for e in run.events}
    calls = [decode_call(record) for record in polling(*range(1, polls))]
    return Trace(
        histories={ARN: Timeline(ARN, events=events)},
        calls={made.event_id: made for made in calls},
    )


TRACES = st.builds(trace_of, machines(), st.integers(0, 2**16), st.integers(0, 12))
RECORDS = st.permutations([*sync_run(denied=True), *polling(*range(60, 800, 30))])
NESTED = FAMILIES.map(lambda records: lanes_of(*records))
LANES = st.one_of(
    TRACES.map(build_lanes),
    RECORDS.map(lambda records: lanes_of(*records[:40])),
    NESTED,
)


def all_open(lanes: Lanes) -> Shape:
    """Open what begins folded, if anything does."""
    begins = shape(lanes, Shape())
    return all_toggled(Shape(), lanes) if begins.closed else Shape()


@st.composite
def shapes(draw: Any, lanes: Lanes) -> Shape:
    """Fold, open, hide and filter at random, by keys that exist."""
    all_folded = all_toggled(all_open(lanes), lanes).folded
    visits = {visit_key(r.execution_arn, r.visit.id) for r in lanes.rows if r.visit}
    keys = sorted(all_folded | visits)
    runs = [fold.key for fold in folds(shape(lanes, Shape()), Sort.POLLS)]
    begin = sorted({*runs, *(nest.key for nest in lanes.nests.values())})
    out = draw(st.sets(st.sampled_from([r.key for r in lanes.rows] or [""])))
    kept = draw(st.booleans())
    return Shape(
        keep=(lambda row: row.key not in out) if kept else None,
        folded=frozenset(draw(st.sets(st.sampled_from(keys))) if keys else ()),
        opened=frozenset(draw(st.sets(st.sampled_from(begin))) if begin else ()),
        hidden_services=frozenset(draw(st.sets(st.just("ecs.amazonaws.com")))),
        polls_folded=draw(st.booleans()),
        gaps=draw(st.booleans()),
    )


@settings(deadline=None)
@given(st.data())
def test_every_row_is_shown_or_behind_one_line_or_counted(data: st.DataObject) -> None:
    lanes = data.draw(LANES)
    wanted = data.draw(shapes(lanes))
    shaped = shape(lanes, wanted)
    behind = [
        row.key for fold in shaped.rows if isinstance(fold, Fold) for row in fold.rows
    ]
    seen = Counter([*(row.key for row in plain_rows(shaped)), *behind])
    assert set(seen) <= {row.key for row in lanes.rows}
    assert max(seen.values(), default=1) == 1
    left_out = shaped.filtered + sum(shaped.unlisted.values())
    assert len(seen) + left_out == len(lanes.rows)
    shown = {row.key for row in shaped.rows}
    assert len(shown) == len(shaped.rows)
    for key in behind:
        assert shaped.stands[key] in shown
    assert set(shaped.stands.values()) <= shown
    assert set(shaped.around) <= shown


@settings(deadline=None)
@given(st.data())
def test_rows_keep_their_order_and_gaps_their_length(data: st.DataObject) -> None:
    lanes = data.draw(LANES)
    shaped = shape(lanes, data.draw(shapes(lanes)))
    places = [lanes.positions[row.key] for row in plain_rows(shaped)]
    assert places == sorted(places)
    closed = (f for f in shaped.rows if isinstance(f, Fold) and f.rows)
    for fold in closed:
        inside = [lanes.positions[row.key] for row in fold.rows]
        assert inside == sorted(inside)
        assert fold.at == fold.rows[0].at
    for idle in folds(shaped, Sort.IDLE):
        assert idle.seconds is not None
        assert idle.seconds >= IDLE.total_seconds()


@settings(deadline=None)
@given(LANES)
def test_with_everything_open_the_lanes_are_as_they_were(lanes: Lanes) -> None:
    opened = replace(all_open(lanes), polls_folded=False)
    for wanted in (opened, replace(opened, gaps=False)):
        shaped = shape(lanes, wanted)
        assert plain_rows(shaped) == list(lanes.rows)
        assert (shaped.filtered, shaped.unlisted) == (0, {})
        assert not any(f.rows for f in shaped.rows if isinstance(f, Fold))


@settings(deadline=None)
@given(st.data())
def test_a_toggle_is_undone_by_the_same_toggle(data: st.DataObject) -> None:
    lanes = data.draw(LANES)
    wanted = data.draw(shapes(lanes))
    before = shape(lanes, wanted)
    for fold in before.rows:
        if isinstance(fold, Fold) and fold.folds:
            once = toggled(wanted, fold.key, before.closed)
            other = shape(lanes, once)
            assert (fold.key in other.closed) != (fold.key in before.closed) or (
                fold.sort is Sort.POLLS and once.opened != wanted.opened
            )
            twice = toggled(once, fold.key, other.closed)
            assert shape(lanes, twice).rows == before.rows


@settings(deadline=None)
@given(st.data())
def test_a_line_says_what_is_around_it_and_that_can_be_folded(
    data: st.DataObject,
) -> None:
    lanes = data.draw(NESTED)
    opened = all_open(lanes)
    shaped = shape(lanes, opened)
    for row in plain_rows(shaped):
        key = shaped.around[row.key]
        if not key:
            continue
        folded = shape(lanes, toggled(opened, key, shaped.closed))
        assert folded.stands[row.key] == key
        (fold,) = [line for line in folded.rows if line.key == key]
        assert isinstance(fold, Fold)
        assert row in fold.rows


@settings(deadline=None)
@given(NESTED)
def test_what_others_began_begins_folded_inside_them(lanes: Lanes) -> None:
    shaped = shape(lanes, Shape())
    roots = {head.execution_arn for head in lanes.heads}
    assert all(row.execution_arn in roots for row in plain_rows(shaped))
    for fold in shaped.rows:
        if isinstance(fold, Fold) and fold.nest is not None:
            assert fold.nest.level == 1, "what is deeper is behind the outermost"
            assert fold.root_arn in roots


# -- what states began -------------------------------------------------------------


def test_a_nested_execution_is_one_line_behind_which_all_of_it_is() -> None:
    lanes = lanes_of(*three_levels())
    child, grandchild = (nest_key(execution(number)) for number in (1, 2))
    shaped = shape(lanes, Shape())
    (fold,) = folds(shaped, Sort.CHILD)
    assert fold.key == child
    assert {row.execution_arn for row in fold.rows} == {execution(1), execution(2)}
    assert (fold.tally.states, fold.tally.calls) == (2, 0)
    once = toggled(Shape(), child, shaped.closed)
    shaped = shape(lanes, once)
    assert [fold.key for fold in folds(shaped, Sort.CHILD)] == [grandchild]
    twice = shape(lanes, toggled(once, grandchild, shaped.closed))
    assert not folds(twice, Sort.CHILD)
    assert twice.heads[f"{execution(2)}#1"] == grandchild
    assert twice.around[f"{execution(2)}#2"] == grandchild


def test_a_map_run_is_one_line_and_each_of_its_executions_another() -> None:
    lanes = lanes_of(*photos())
    run = nest_key(run_arn(0), map_run=True)
    shaped = shape(lanes, Shape())
    (fold,) = folds(shaped, Sort.MAP_RUN)
    assert fold.key == run
    assert fold.nest is not None
    assert fold.nest.map_run is not None
    opened = shape(lanes, toggled(Shape(), run, shaped.closed))
    children = [nest_key(child_of_run(0, number)) for number in range(2)]
    assert [fold.key for fold in folds(opened, Sort.CHILD)] == children
    assert opened.heads[row_of(lanes, Kind.MAP_RUN).key] == run


def row_of(lanes: Lanes, kind: Kind) -> Row:
    return next(row for row in lanes.rows if row.kind is kind)


def test_a_folded_parallel_takes_what_its_states_began_along() -> None:
    records = [
        *history(execution(0), Both((Starts(execution(1)), None))),
        *history(execution(1), None, begin=0.6),
    ]
    lanes = lanes_of(*records)
    whole = shape(lanes, Shape(folded=frozenset({visit_key(execution(0), 2)})))
    (fold,) = folds(whole, Sort.VISIT)
    assert {row.execution_arn for row in fold.rows} == {execution(0), execution(1)}
    assert not folds(whole, Sort.CHILD)
    branch = branch_key(execution(0), 2, 0)
    shaped = shape(lanes, Shape(folded=frozenset({branch})))
    assert execution(1) in {
        row.execution_arn
        for fold in folds(shaped, Sort.BRANCH)
        if fold.key == branch
        for row in fold.rows
    }


def test_what_a_filter_keeps_of_a_child_is_not_folded_away() -> None:
    lanes = lanes_of(*three_levels())
    kept = Shape(keep=lambda row: row.execution_arn == execution(2))
    shaped = shape(lanes, kept)
    assert {row.execution_arn for row in plain_rows(shaped)} == {execution(2)}
    assert not shaped.closed


def test_all_are_opened_and_folded_with_what_is_inside() -> None:
    lanes = lanes_of(*photos())
    opened = all_toggled(Shape(), lanes)
    assert not shape(lanes, opened).closed
    again = all_toggled(opened, lanes)
    assert shape(lanes, again).rows == shape(lanes, Shape()).rows


def crowd(count: int, *, first: int = 0) -> list[Received]:
    """Build a Map of `count` iterations, all of them running."""
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "MapStateEntered", 0.1, name="Each"),
        event(3, "MapStateStarted", 0.1, length=count),
    ]
    for index in range(first, count):
        number, at = 4 + 2 * index, 0.2 + index / 100
        each: dict[str, Any] = {"name": "Each", "index": index}
        records.append(event(number, "MapIterationStarted", at, previous=3, **each))
        records.append(event(number + 1, "WaitStateEntered", at, name="Wait"))
    return records


def test_the_iterations_of_a_large_map_begin_folded_each_on_a_line() -> None:
    few, many = lanes_of(*crowd(10)), lanes_of(*crowd(11))
    assert not folds(shape(few, Shape()), Sort.BRANCH)
    closed = folds(shape(many, Shape()), Sort.BRANCH)
    assert [fold.index for fold in closed] == list(range(11))
    assert all(len(fold.rows) == 2 for fold in closed)


def test_how_an_iteration_was_toggled_is_remembered_when_more_come_in() -> None:
    few, many = lanes_of(*crowd(10)), lanes_of(*crowd(30))
    key = branch_key(ARN, 2, 3)
    folded = toggled(Shape(), key, shape(few, Shape()).closed)
    assert key in shape(few, folded).closed
    assert key in shape(many, folded).closed
    opened = toggled(folded, key, shape(few, folded).closed)
    assert shape(few, opened).closed == frozenset()
    assert key not in shape(many, opened).closed
    assert len(shape(many, opened).closed) == 29


def test_a_large_map_is_opened_as_a_whole_and_by_a_filter() -> None:
    many = lanes_of(*crowd(30))
    whole = all_toggled(Shape(), many)
    assert plain_rows(shape(many, whole)) == list(many.rows)
    assert len(shape(many, all_toggled(whole, many)).closed) == 30
    assert not shape(many, Shape(keep=lambda row: row.kind is not Kind.EXITED)).closed


def test_the_deepest_nesting_is_no_trouble() -> None:
    records = [event(1, "ExecutionStarted", 0)]
    for number in range(2, 1500, 3):
        each: dict[str, Any] = {"name": f"m{number}", "index": 0}
        records += [
            event(number, "MapStateEntered", 1, name=f"m{number}"),
            event(number + 1, "MapStateStarted", 1, length=1),
            event(number + 2, "MapIterationStarted", 1, **each),
        ]
    lanes = lanes_of(*records)
    folded = shape(lanes, Shape(folded=frozenset({branch_key(ARN, 2, 0)})))
    assert len(folded.rows) == 3
    assert len(folds(folded, Sort.BRANCH)[0].rows) == len(lanes.rows) - 2
