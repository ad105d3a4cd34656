"""What a running state waits for, by its definition."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sfnwatch.analysis.findings import find
from sfnwatch.analysis.next_try import NextTry, next_try
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.model.wait_states import wait_end
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.parts import plain_text
from tests.analysis.finding_in import LAMBDA_INVOKE
from tests.builders import ARN, History, definition

FOUND = ("wait-ends", "next-try")


def trace_of(records: Sequence[Received]) -> Trace:
    trace = Trace()
    trace.add(records)
    return trace


def found(records: Sequence[Received]) -> list[str]:
    findings = find(trace_of(records).as_of())
    return [finding.text for finding in findings if finding.kind in FOUND]


def lines(records: Sequence[Received]) -> list[str]:
    snapshot = trace_of(records).as_of()
    maker = LineMaker(snapshot)
    events = snapshot.executions[ARN].events
    return [plain_text(line.parts) for line in maker.lines(events)]


# -- Wait ------------------------------------------------------------------------------


def waiting(given: Any, **fields: Any) -> list[Received]:
    run = History().start()
    run.add("WaitStateEntered", name="Cool down", input=json.dumps(given))
    return [definition({"Cool down": {"Type": "Wait", **fields}}), *run.records]


LATER = "2023-11-15T00:31:24Z"


@pytest.mark.parametrize(
    ("given", "fields", "seconds"),
    [
        ({}, {"Seconds": 180}, 180),
        ({}, {"Seconds": 0}, 0),
        ({"t": {"n": [9, 60]}}, {"SecondsPath": "$.t.n[1]"}, 60),
        ({"t": {"n": 5}}, {"InputPath": "$.t", "SecondsPath": "$.n"}, 5),
        ({"n": 5}, {"QueryLanguage": "JSONata", "Seconds": "{% $states.input.n %}"}, 5),
        ({}, {"Timestamp": LATER}, 179.798),
        ({"until": LATER}, {"TimestampPath": "$.until"}, 179.798),
    ],
)
def test_when_a_wait_ends_is_known_from_its_definition_and_its_input(
    given: Any, fields: Mapping[str, Any], seconds: float
) -> None:
    snapshot = trace_of(waiting(given, **fields)).as_of()
    execution = snapshot.executions[ARN]
    (visit,) = execution.visits
    ends_at = wait_end(snapshot, execution, visit)
    assert ends_at is not None
    assert (ends_at - visit.entered_at).total_seconds() == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {}),
        ({}, {"Seconds": -180}),
        ({}, {"Seconds": True}),
        ({}, {"Seconds": 10**12}),
        ({}, {"Seconds": "{% 60 * 3 %}"}),
        ({}, {"SecondsPath": "$.n"}),
        ({"n": "5"}, {"SecondsPath": "$.n"}),
        ({"n": 5}, {"InputPath": None, "SecondsPath": "$$.Execution.Input.n"}),
        ({}, {"Timestamp": "tomorrow"}),
        ({}, {"Timestamp": "9999-12-31T00:00:00Z"}),
        ({"n": 5}, {"InputPath": None, "SecondsPath": "$.n"}),
    ],
)
def test_an_end_that_is_not_written_down_is_not_claimed(
    given: Any, fields: Mapping[str, Any]
) -> None:
    records = waiting(given, **fields)
    assert found(records) == []
    assert not any(" for " in line for line in lines(records))


def test_a_wait_says_when_it_ends_while_it_runs() -> None:
    records = waiting({}, Seconds=180)
    text = "By the definition, Cool down, a Wait state, ends at 00:31:24."
    assert found(records) == [text]
    assert lines(records)[-1] == "Cool down  Wait  for 3m 00s"
    assert found(records[1:]) == []
    run = History().start().state("Cool down", "Wait", wait=180)
    ended = [records[0], *run.records]
    assert found(ended) == []


def test_an_end_beyond_the_calendar_is_not_known() -> None:
    run = History(begin=2.5163e11).start()
    run.add("WaitStateEntered", name="Cool down", input="{}")
    machine = definition({"Cool down": {"Type": "Wait", "Seconds": 99_999_999}})
    snapshot = trace_of([machine, *run.records]).as_of()
    execution = snapshot.executions[ARN]
    (visit,) = execution.visits
    assert visit.entered_at.year == 9997
    assert wait_end(snapshot, execution, visit) is None


def test_of_many_waits_the_first_to_end_have_a_finding_each() -> None:
    run = History().start()
    run.add("MapStateEntered", name="Each", input="{}")
    run.add("MapStateStarted", length=9)
    begun = run.last
    for index in range(9):
        run.add("MapIterationStarted", name="Each", index=index, after=begun)
        run.add("WaitStateEntered", name="Cool down", input="{}")
    states = {"Cool down": {"Type": "Wait", "Seconds": 60}}
    processor = {"StartAt": "Cool down", "States": states}
    machine = definition({"Each": {"Type": "Map", "ItemProcessor": processor}})
    texts = found([machine, *run.records])
    assert len(texts) == 6
    assert texts[-1] == "4 more Wait states end then or later."


# -- retries ---------------------------------------------------------------------------


def tried(*errors: str, running: bool = False, **retry: Any) -> list[Received]:
    """Build a Task that is left after these errors, or while it is tried again."""
    run = History().start()
    run.add("TaskStateEntered", name="Charge", input="{}")
    for error in errors:
        run.attempt(LAMBDA_INVOKE, error=error)
    if running:
        run.add("TaskScheduled", resourceType="lambda", resource="invoke")
    retriers = [
        {"ErrorEquals": ["Busy"], "IntervalSeconds": 3, "MaxAttempts": 3, **retry},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1},
    ]
    state = {"Type": "Task", "Retry": retriers, "End": True}
    return [definition({"Charge": state}), *run.records]


def step(records: Sequence[Received]) -> NextTry | None:
    execution = trace_of(records).as_of().executions[ARN]
    (visit,) = execution.visits
    return next_try(execution, visit)


def words(records: Sequence[Received]) -> str:
    following = step(records)
    assert following is not None
    return following.words


OF_THIS = "of this retrier"


def test_the_next_try_is_counted_by_its_own_retrier() -> None:
    assert words(tried("Busy")) == f"attempt 2 of at most 4 {OF_THIS}, next in 3 s"
    twice = f"attempt 3 of at most 4 {OF_THIS}, next in 6 s"
    assert words(tried("Busy", "Busy")) == twice
    other = f"attempt 2 of at most 2 {OF_THIS}, next in 1 s"
    assert words(tried("Busy", "Torn")) == other
    # Each retrier counts for itself.
    assert words(tried("Busy", "Torn", "Busy")) == twice


def test_with_jitter_the_time_is_only_a_bound() -> None:
    records = tried("Busy", "Busy", "Busy", JitterStrategy="FULL")
    text = f"attempt 4 of at most 4 {OF_THIS}, next within 12 s"
    assert words(records) == text
    following = step(records)
    assert following is not None
    assert following.is_bound
    which = f"attempt 4 of at most 4 {OF_THIS}"
    (sentence,) = found(records)
    assert sentence.startswith(f"By the definition, Charge: {which}, next by 00:28:")
    assert f"  Busy  ⟳ {text}" in lines(records)[-1]


def test_while_a_try_runs_it_is_numbered() -> None:
    records = tried("Busy", running=True)
    assert words(records) == f"attempt 2 of at most 4 {OF_THIS}"
    assert step(records) == NextTry(2, 4)


def test_what_the_definition_does_not_tell_is_not_claimed() -> None:
    assert step(tried("Busy")[1:]) is None
    assert step(tried()) is None
    assert step(tried(running=True)) is None
    assert step(tried("Busy", MaxAttempts=0)) is None
    assert step(tried("Torn", "Torn")) is None
    assert step(tried("States.Runtime")) is None
    assert step(tried("Busy", IntervalSeconds=0)) is None
    assert step(tried("Busy", MaxAttempts=10**4000)) is None
    # It may be an error of the first retrier: nobody knows.
    errors = ["States.TaskFailed"]
    assert step(tried("States.HeartbeatTimeout", ErrorEquals=errors)) is None
    assert step(tried("Busy", IntervalSeconds=-3)) is None
    over = History().start()
    over.task("Charge", LAMBDA_INVOKE, retried=["Busy"])
    assert step([tried("Busy")[0], *over.records]) is None


def test_a_redrive_sets_the_counts_back() -> None:
    run = History().start()
    run.add("TaskStateEntered", name="Charge", input="{}")
    entered = run.last
    for _ in range(4):
        run.attempt(LAMBDA_INVOKE, error="Busy")
    run.add("ExecutionFailed", error="Busy")
    run.add("ExecutionRedriven", redriveCount=1)
    run.last = entered
    run.attempt(LAMBDA_INVOKE, error="Busy")
    records = [tried("Busy")[0], *run.records]
    assert words(records) == f"attempt 2 of at most 4 {OF_THIS}, next in 3 s"
