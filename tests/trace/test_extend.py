"""`extend`: the same trace for any order, any batches and any repetition."""

import json
import random
from collections.abc import Sequence as Several
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import From, HealthState, Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Growth, Trace, extend, extend_all
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from tests.builders import (
    ARN,
    MACHINE_ARN,
    ROLE,
    START,
    call,
    definition,
    describe,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.calling import OTHER_ARN, RUN, row, started, state
from tests.trace.machines import Run, Sequence, machines


def later(record: Received, seconds: float) -> Received:
    """Build the same record, seen again."""
    assert record.at is not None
    return replace(record, at=record.at + timedelta(seconds=seconds))


def undated(record: Received) -> Received:
    """Build the same record out of a file, which does not say when it was seen."""
    return replace(record, at=None)


def bare(record: Received) -> Received:
    data = json.loads(record.data["CloudTrailEvent"])
    return Received(record.at, From.TRAIL, None, data)


def recorded(run: Run, arn: str = ARN) -> list[Received]:
    """Build the records of a generated run."""
    return [
        event(
            e.id,
            e.type,
            (e.timestamp - START).total_seconds(),
            previous=e.previous_event_id,
            arn=arn,
            **e.details,
        )
        for e in run.events
    ]


def broken() -> list[Received]:
    """Build records that can't be decoded, each a little different."""
    nothing: list[tuple[str, str | None, dict[str, Any]]] = [
        (From.HISTORY, ARN, {"id": "x"}),
        (From.HISTORY, None, dict(sync_history()[0].data)),
        (From.LOOKUP, None, {"EventId": "no-time"}),
        (From.ATHENA, None, {"eventtime": "soon"}),
        (From.DEFINITION, None, {"definition": "{}"}),
        ("queue", ARN, {"of": "a later version"}),
    ]
    return [Received(START, *parts) for parts in nothing]


def everything() -> list[Received]:
    """Build all kinds at once: whole and bare records, rows, repeats, nonsense."""
    run, denied = sync_run(), sync_calls(denied=True)
    rows = [row("RunTask", 1), row("DescribeTasks", 60), row("ListTasks", 7)]
    own = call("LookupEvents", 9, key="own", user_agent="sfnwatch/1", invoked_by=None)
    again = [later(r, s) for r in run for s in (5, 90)]
    answers = [definition({}, start_at="A"), describe("RUNNING"), describe("FAILED")]
    other = [*started(OTHER_ARN), *state(2, 0.5, RUN, arn=OTHER_ARN)]
    return [
        *run,
        *again,
        *map(undated, run),
        *denied,
        *map(bare, sync_calls()),
        *rows,
        own,
        row("LookupEvents", 9, eventid="own"),
        *answers,
        *other,
        *broken(),
        health("history", "live", 3),
        health("history", "retrying", 3, message="x"),
    ]


def folded(records: Several[Received], dice: random.Random) -> Trace:
    """Fold in random batches."""
    trace, left = Trace(), list(records)
    while left:
        size = dice.randint(1, len(left))
        trace, left = extend(trace, left[:size]), left[size:]
    return trace


def assert_same(one: Trace, other: Trace) -> None:
    assert one == other
    assert list(one.timelines) == list(other.timelines)
    assert dict(one.links) == dict(other.links)
    assert build_lanes(one).rows == build_lanes(other).rows
    assert build_lanes(one).hidden == build_lanes(other).hidden
    for arn, timeline in one.timelines.items():
        assert timeline.visits == other.timelines[arn].visits
        assert timeline.status == other.timelines[arn].status


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.data())
def test_any_order_any_batches_and_any_repetition_give_the_same(
    dice: random.Random, data: st.DataObject
) -> None:
    records = everything()
    more = data.draw(st.lists(st.sampled_from(records), max_size=30))
    shuffled = [*records, *more]
    dice.shuffle(shuffled)
    assert_same(folded(shuffled, dice), extend(Trace(), records))


@settings(max_examples=60, deadline=None)
@given(machines(), st.integers(0, 2**32), st.sampled_from([0.0, 0.3]))
def test_runs_of_any_machine_may_arrive_in_any_order(
    machine: Sequence, seed: int, failing: float
) -> None:
    dice = random.Random(seed)  # noqa: S311 - it picks test cases
    records = recorded(Run(machine, seed, failing, alike=False))
    records += [later(r, 60) for r in records]
    records += recorded(Run(machine, seed + 1, failing, alike=False), OTHER_ARN)
    shuffled = list(records)
    dice.shuffle(shuffled)
    assert_same(folded(shuffled, dice), extend(Trace(), records))


@given(st.integers(0, 2**32))
def test_nothing_is_lost_or_added_by_folding_a_batch_twice(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - it picks test cases
    records = dice.sample(everything(), 40)
    once = extend(Trace(), records)
    assert_same(extend(once, records), once)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_growth_asked_at_any_time_gives_what_was_taken_by_then(
    dice: random.Random,
) -> None:
    records = everything()
    dice.shuffle(records)
    growth, given = Growth(Trace()), list[tuple[int, Trace]]()
    for taken, record in enumerate(records, 1):
        growth.take([record])
        if dice.random() < 0.2:
            given.append((taken, growth.trace))
            assert growth.trace is given[-1][1]
    for taken, trace in (*given, (len(records), growth.trace)):
        assert trace == extend(Trace(), records[:taken])


def test_folding_many_batches_is_folding_one_after_the_other() -> None:
    batches = [tuple(sync_history()), tuple(sync_calls()), ()]
    flat = [record for batch in batches for record in batch]
    assert extend_all(batches) == extend(Trace(), flat)
    assert extend_all([tuple(sync_calls())], extend(Trace(), sync_history())) == (
        extend(Trace(), flat)
    )


def test_what_was_seen_twice_keeps_the_time_it_was_first_seen() -> None:
    first, poll = sync_history()[0], sync_calls()[1]
    trace = extend(
        Trace(), [later(first, 9), first, undated(first), later(poll, 9), poll]
    )
    assert trace.timelines[ARN].events[1].seen_at == first.at
    assert trace.calls["poll-0"].seen_at == poll.at


def test_a_whole_record_wins_over_a_row_that_was_seen_before_it() -> None:
    whole = sync_calls()[0]
    early = row("RunTask", 1, eventid="run")
    trace = extend(Trace(), [replace(early, at=START), whole])
    assert trace.calls["run"].whole


def test_a_row_without_an_id_is_left_out_where_a_whole_record_says_the_same() -> None:
    trace = extend(Trace(), [row("RunTask", 1), row("RunTask", 2), *sync_calls()[:1]])
    assert len(trace.calls) == 3
    shown = [(call.whole, call.event_time.second) for call in trace.ordered_calls]
    assert shown == [(True, 25), (False, 26)]


def test_own_calls_are_counted_and_never_shown_however_they_came() -> None:
    own = call("LookupEvents", 9, key="own", user_agent="x sfnwatch/1", invoked_by=None)
    unsigned = row("LookupEvents", 9, eventid="own")
    for records in ([own, unsigned], [unsigned, own]):
        trace = extend_all([(record,) for record in records])
        assert not trace.calls
        assert set(trace.own_calls) == {"own"}


def test_what_cannot_be_decoded_is_kept_not_dropped() -> None:
    trace = extend(Trace(), [*broken(), *broken()])
    assert len(trace.unread) == 6
    assert any("a later version" in text for text in trace.unread)
    assert not trace.calls


def test_executions_stand_in_the_order_of_their_starts() -> None:
    late = event(1, "ExecutionStarted", 5, arn="arn:z", roleArn=ROLE)
    early = event(1, "ExecutionStarted", 0, arn="arn:zz", roleArn=ROLE)
    unknown = event(4, "PassStateEntered", 0, arn="arn:a", name="A")
    trace = extend_all([(unknown,), (late,), (early,)])
    assert list(trace.timelines) == ["arn:zz", "arn:z", "arn:a"]


def test_an_execution_goes_on_until_its_terminal_event() -> None:
    history = sync_history()
    running = extend(Trace(), [describe("RUNNING"), *history[:-1]])
    assert running.running
    done = extend(running, history[-1:])
    timeline = done.timelines[ARN]
    assert (timeline.status, done.running) == ("SUCCEEDED", False)
    assert timeline.started_at == START
    assert timeline.stopped_at == START + timedelta(seconds=309.05)


def test_the_history_is_a_better_witness_than_a_description() -> None:
    trace = extend(Trace(), [*sync_history(), later(describe("RUNNING"), 900)])
    assert trace.timelines[ARN].status == "SUCCEEDED"


def test_a_redriven_execution_runs_again() -> None:
    redriven = event(9, "ExecutionRedriven", 400, redriveCount=1)
    trace = extend(Trace(), [*sync_history(), redriven])
    assert trace.timelines[ARN].running
    assert trace.timelines[ARN].stopped_at is None


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("Succeeded", "SUCCEEDED"),
        ("Failed", "FAILED"),
        ("TimedOut", "TIMED_OUT"),
        ("Aborted", "ABORTED"),
    ],
)
def test_the_ending_is_aws_s_word(ending: str, status: str) -> None:
    trace = extend(Trace(), [*started(), event(2, f"Execution{ending}", 1)])
    assert trace.timelines[ARN].status == status


def test_before_anything_is_known_the_status_is_unknown() -> None:
    timeline = extend(Trace(), [definition({}, start_at="A")]).timelines[ARN]
    assert (timeline.status, timeline.running) == ("UNKNOWN", True)
    assert (timeline.started_at, timeline.stopped_at) == (None, None)


def test_an_execution_is_described_by_its_newest_answer() -> None:
    old, new = describe("RUNNING"), describe("FAILED")
    timeline = extend(Trace(), [new, old]).timelines[ARN]
    assert (timeline.status, timeline.name) == ("FAILED", "run-7f3a")
    assert timeline.stopped_at == START + timedelta(seconds=309)
    assert timeline.state_machine_arn == MACHINE_ARN
    assert timeline.state_machine_name == "nightly-report"
    assert timeline.started_at == START


def test_names_are_read_off_the_arn_until_something_says_more() -> None:
    begun = extend(Trace(), sync_history()[:1]).timelines[ARN]
    assert (begun.name, begun.state_machine_arn) == ("run-7f3a", MACHINE_ARN)
    defined = definition({}, start_at="A")
    version = {**defined.data, "stateMachineArn": f"{MACHINE_ARN}:3"}
    told = extend(Trace(), [replace(defined, data=version)])
    assert told.timelines[ARN].state_machine_arn == f"{MACHINE_ARN}:3"
    odd = extend(Trace(), [replace(sync_history()[0], execution_arn="file:of-sorts")])
    timeline = odd.timelines["file:of-sorts"]
    assert (timeline.name, timeline.state_machine_arn) == ("of-sorts", None)
    assert timeline.state_machine_name is None


def test_the_role_is_that_of_the_start_or_else_of_the_definition() -> None:
    defined = definition({}, start_at="A")
    other = event(1, "ExecutionStarted", 0, roleArn="arn:aws:iam::1:role/started")
    assert extend(Trace(), [defined]).timelines[ARN].role_arn == ROLE
    both = extend(Trace(), [other, defined]).timelines[ARN]
    assert both.role_arn == "arn:aws:iam::1:role/started"


def test_a_description_says_itself_which_execution_it_is_of() -> None:
    answer = replace(describe(), execution_arn=None)
    assert list(extend(Trace(), [answer]).timelines) == [ARN]


def test_the_health_of_a_lane_is_its_newest_word() -> None:
    more = {"message": "slow", "retry_in": 2, "requests": 7, "lag": 131}
    complete = iso(START)
    trace = extend(
        Trace(),
        [
            health("lookup", "throttled", 9, complete_to=complete, **more),
            health("lookup", "live", 3),
            health(
                "history", "a-state-of-the-future", 3, retry_in="soon", requests="x"
            ),
        ],
    )
    told = trace.health["lookup"]
    assert (told.state, told.message, told.retry_in) == (
        HealthState.THROTTLED,
        "slow",
        2.0,
    )
    assert (told.requests, told.lag, told.complete_to) == (7, 131.0, START)
    strange = trace.health["history"]
    assert (strange.state, strange.retry_in, strange.requests) == (
        HealthState.LIVE,
        None,
        0,
    )


def test_a_trace_is_a_value_and_the_old_one_stays_as_it_was() -> None:
    empty = Trace()
    first = extend(empty, sync_history()[:3])
    second = extend(first, sync_history()[3:])
    assert empty == Trace()
    assert len(first.timelines[ARN].events) == 3
    assert len(second.timelines[ARN].events) == 8


def test_what_is_seen_again_changes_nothing() -> None:
    own = call("LookupEvents", 9, key="own", user_agent="sfnwatch/1", invoked_by=None)
    records = [*sync_run(), row("RunTask", 1), own, *broken()]
    trace = extend(Trace(), records)
    again = extend(trace, [*records, *(later(record, 60) for record in sync_calls())])
    assert again.histories is trace.histories
    assert again.calls is trace.calls
    assert again.own_calls is trace.own_calls
    assert again.unread is trace.unread
    assert again.links is trace.links
