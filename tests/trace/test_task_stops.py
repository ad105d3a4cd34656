"""When a task ended, as ECS told of it: what tries that do not say it learn by that."""

import json
from datetime import timedelta

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.finding import Certainty, Finding, brief_evidence
from sfnwatch.trace.spans import Part, notices, segments
from sfnwatch.trace.times import iso
from tests.builders import ARN, START, TASK_ARN, event, health, sync_calls, sync_history
from tests.ecs import task_life, task_state
from tests.trace.finding import SYNC, every, task_arn, trace_of
from tests.trace.test_findings_failures import left_alone

OTHER = TASK_ARN.replace("9f018ef6", "00000000")


def failed_in_words(kind: str = "TaskFailed", at: float = 309) -> list[Received]:
    """Build the seed's run as one that failed without telling of its task."""
    history = sync_history()[:5]
    return [
        *history,
        event(6, kind, at, error="States.X", cause="no JSON", **SYNC),
        event(7, "ExecutionFailed", at + 0.1, error="States.X", cause="no JSON"),
    ]


def test_the_event_tells_when_a_task_stopped_that_its_state_does_not_tell_of() -> None:
    assert "noticed" not in every(*failed_in_words(), *sync_calls())
    (told,) = every(*failed_in_words(), *sync_calls(), *task_life())["noticed"]
    assert told.data["stopped_at"] == iso(START + timedelta(seconds=307.1))
    assert told.data["seconds"] == pytest.approx(1.9)
    assert told.evidence[:2] == ("#6", f"task#{TASK_ARN}#5")
    assert brief_evidence(told).startswith("#6, task 9f018ef6, 5 calls")


def test_what_the_state_says_itself_stands_and_is_said_once() -> None:
    late = [task_state(6, "STOPPED", 308.0)]
    (told,) = every(*sync_history(), *sync_calls(), *task_life(), *late)["noticed"]
    assert told.data["seconds"] == pytest.approx(1.9)
    assert not any(item.startswith("task#") for item in told.evidence)


def test_a_poll_between_the_two_still_noticed() -> None:
    history, done = failed_in_words(), health("lookup", "ended", 900)
    life = [*task_life()[:3], task_state(5, "STOPPED", 290, stoppedAt=iso(START))]
    (told,) = every(*history, *sync_calls(), *life, done)["noticed"]
    assert told.data["by"] == "poll"


def test_a_try_that_ran_out_of_time_did_not_notice() -> None:
    records = [*failed_in_words("TaskTimedOut", 400), *task_life()]
    found = every(*records)
    assert "noticed" not in found
    (told,) = found["unnoticed"]
    assert told.certainty is Certainty.INFERENCE
    assert told.data["seconds"] == pytest.approx(92.9)
    assert told.evidence == ("#6", f"task#{TASK_ARN}#5")
    assert "did not know of it when the try ran out of time 1 min 33 s later" in (
        told.text
    )
    trace = trace_of(*records)
    assert not notices(trace)
    (visit,) = trace.timelines[ARN].visits
    parts = [segment.part for segment in segments(visit, START)]
    assert Part.NOTICING in parts


def test_a_task_that_was_stopped_because_of_the_try_is_no_omission() -> None:
    records = [*failed_in_words("TaskTimedOut", 300), *task_life()]
    assert "unnoticed" not in every(*records)


def test_a_task_nobody_waits_for_is_not_noticed_at_all() -> None:
    found = every(*left_alone(), *task_life(task_arn(7)))
    assert not {"noticed", "unnoticed"} & found.keys()


def test_of_several_tasks_all_must_have_stopped() -> None:
    submitted = {"Tasks": [{"TaskArn": TASK_ARN}, {"TaskArn": OTHER}]}
    history = failed_in_words()
    history[4] = event(5, "TaskSubmitted", 1.2, output=json.dumps(submitted), **SYNC)
    assert "noticed" not in every(*history, *task_life())
    (told,) = every(
        *history, *task_life(), task_state(5, "STOPPED", 308.5, task=OTHER)
    )["noticed"]
    assert told.data["seconds"] == pytest.approx(0.5)


def test_a_task_that_never_says_when_it_stopped_tells_nothing() -> None:
    life = [*task_life()[:-1], task_state(5, "STOPPED", 307.1, stoppedAt=None)]
    assert "noticed" not in every(*failed_in_words(), *life)


def test_the_evidence_of_a_task_is_named_in_few_words() -> None:
    told = Finding("k", Certainty.FACT, "t", (f"task#{TASK_ARN}#5", "#3", "abc"))
    assert brief_evidence(told) == "#3, task 9f018ef6, call abc"


def test_what_has_stopped_and_is_waited_for_still_is_not_noticed_yet() -> None:
    trace = trace_of(*sync_history()[:5], *task_life())
    (visit,) = trace.timelines[ARN].visits
    *_, working, last = segments(visit, START + timedelta(seconds=310))
    assert (working.part, last.part) == (Part.WORKING, Part.NOTICING)
    assert last.open
    assert last.seconds == pytest.approx(2.9)
