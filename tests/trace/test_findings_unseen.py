"""What could not be seen, and why; and how late CloudTrail was."""

from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.finding import Certainty, Finding
from tests.builders import (
    ARN,
    call,
    describe,
    event,
    health,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.finding import LAMBDA, begun, every, of_trace, row, run_task

PLAIN: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
COMPLETE = health("lookup", "ended", 999, complete_to="2023-11-15T00:45:00Z")


def reasons(told: dict[str, list[Finding]]) -> dict[str, Finding]:
    return {found.data["reason"]: found for found in told.get("unseen", [])}


def state(
    task: dict[str, Any], *, first: int = 2, name: str = "A", **more: Any
) -> list[Received]:
    return [
        event(first, "TaskStateEntered", 1, name=name),
        event(first + 1, "TaskScheduled", 1, **task, **more),
        event(first + 2, "TaskSucceeded", 2, **task),
        event(first + 3, "TaskStateExited", 2, name=name),
    ]


def test_all_is_seen_of_the_seed_s_run() -> None:
    assert "unseen" not in every(*sync_run())
    assert "unseen" not in of_trace(*sync_run())


def test_data_events_are_not_recorded_and_like_ones_are_told_of_together() -> None:
    records = [begun(), *state(LAMBDA), *state(LAMBDA, first=6, name="B")]
    found = reasons(every(*records))["not-recorded"]
    assert found.text == (
        "A and B call lambda:invoke: that is not recorded as a management event, so"
        " CloudTrail's Event history can't show it."
    )
    assert (found.data["call"], found.data["states"]) == ("lambda:Invoke", 2)
    assert found.evidence == ("#3", "#7")


def test_a_data_event_that_a_trail_shows_is_not_said_to_be_unseen() -> None:
    invoke = call("Invoke", 1, key="i", source="lambda.amazonaws.com")
    assert reasons(every(begun(), *state(LAMBDA), invoke, COMPLETE)) == {}


def test_one_data_event_says_that_the_others_could_have_been_seen() -> None:
    invoke = call("Invoke", 1, key="i", source="lambda.amazonaws.com")
    later = [
        event(6, "TaskStateEntered", 50, name="B"),
        event(7, "TaskScheduled", 50, **LAMBDA),
        event(8, "TaskSucceeded", 51, **LAMBDA),
    ]
    records = [begun(), *state(LAMBDA), *later, invoke]
    assert reasons(every(*records)) == {}
    found = reasons(every(*records, COMPLETE))["not-found"]
    assert found.text == (
        "No Invoke of B was seen, though CloudTrail is believed complete to there; a"
        " trail may log such data events of some resources only."
    )


def test_data_events_that_fit_several_tries_are_not_said_to_be_unseen() -> None:
    invoke = call("Invoke", 1, key="i", source="lambda.amazonaws.com")
    records = [begun(), *state(LAMBDA), *state(LAMBDA, first=6, name="B"), invoke]
    assert "not-recorded" not in reasons(every(*records))


def test_the_call_of_an_http_task_is_nobody_s_even_where_one_is_there() -> None:
    http: dict[str, Any] = {"resourceType": "http", "resource": "invoke"}
    made = call("InvokeHTTPEndpoint", 1, key="i", source="states.amazonaws.com")
    assert "not-recorded" in reasons(every(begun(), *state(http), made, COMPLETE))


def test_another_account_s_calls_land_there() -> None:
    own: dict[str, Any] = {
        "taskCredentials": {"roleArn": "arn:aws:iam::999999999999:role/there"}
    }
    found = reasons(every(begun(), *state(PLAIN, **own)))["other-account"]
    assert "land in that account's CloudTrail" in found.text
    assert found.data["account"] == "999999999999"
    assert found.certainty is Certainty.INFERENCE


def test_a_call_that_should_be_there_and_is_not_is_missed() -> None:
    found = reasons(every(begun(), *state(PLAIN), COMPLETE))["not-found"]
    assert "No RunTask of A was seen" in found.text
    there = reasons(every(begun(), *state(PLAIN, region="us-west-2"), COMPLETE))
    assert "it calls in us-west-2" in there["not-found"].text
    assert "not-found" not in reasons(every(begun(), *state(PLAIN)))


def test_how_far_cloudtrail_is_known_is_said_where_that_is_short() -> None:
    behind = health("lookup", "live", 99, complete_to="2023-11-15T00:29:00Z")
    found = reasons(every(*sync_history(), *sync_calls(), behind))["incomplete"]
    assert found.text == (
        "CloudTrail is believed complete only to 00:29:00 UTC, and run-7f3a ended at"
        " 00:33:33: later calls may be missing."
    )
    file = reasons(every(*sync_history(), *sync_calls()))["incomplete"]
    assert file.text.startswith("The newest call here is of 00:33:18 UTC, and")
    unknown = health("lookup", "live", 99)
    found = reasons(every(*sync_history(), unknown))["incomplete"]
    assert "is not known" in found.text


def test_cloudtrail_that_was_refused_is_said_with_aws_s_words() -> None:
    denied = health("lookup", "denied", 9, message="Can't look up: AccessDenied\x1b.")
    found = reasons(every(*sync_history(), denied))["cloudtrail-refused"]
    assert "(denied): Can't look up: AccessDenied␛." in found.text


def test_calls_of_the_role_that_fit_no_try_are_counted() -> None:
    noise = call("GetSamplingRules", 9, key="x", source="xray.amazonaws.com")
    other = call("GetSecretValue", 9, key="s", source="secretsmanager.amazonaws.com")
    assert "unseen" not in every(*sync_run(), noise)
    found = reasons(every(*sync_run(), noise, other))["role-only"]
    assert found.text == (
        "1 call by the role fit no try of any state: 1 GetSecretValue."
    )
    assert found.evidence == ("s",)


def test_calls_that_fit_several_tries_are_tied_to_none() -> None:
    both = [*state(PLAIN), *state(PLAIN, first=6, name="B")]
    told = every(begun(), *both, row("RunTask", 1.2))
    (found,) = told["ambiguous"]
    assert "1 call fits several tries" in found.text


def test_missing_events_are_counted() -> None:
    found = reasons(every(*(r for r in sync_history() if r.data["id"] not in {4, 5})))
    assert found["history-gap"].data["missing"] == 2
    assert "2 events of the history are missing" in found["history-gap"].text


def test_a_history_that_stops_before_the_end_is_told() -> None:
    begun = [r for r in sync_history() if r.data["id"] <= 5]
    found = reasons(every(*begun, describe()))["history-end"]
    assert found.text == (
        "The history here stops at #5, and run-7f3a went on to its end (SUCCEEDED):"
        " later events are missing."
    )
    assert found.evidence == ("#5",)
    assert "history-end" not in reasons(every(*begun, describe("RUNNING")))
    assert "history-end" not in reasons(every(*sync_history(), describe()))


def test_an_execution_known_by_name_only_has_no_history() -> None:
    assert list(reasons(every(describe()))) == ["no-history"]


def test_a_map_run_s_items_are_executions_of_their_own() -> None:
    run = "arn:aws:states:eu-west-1:123456789012:mapRun:m/Each:1"
    records = [
        begun(),
        event(2, "MapStateEntered", 1, name="Each"),
        event(3, "MapStateStarted", 1, length=9),
        event(4, "MapRunStarted", 1, mapRunArn=run),
    ]
    found = reasons(every(*records))["map-run"]
    assert found.text.startswith("1 Map Run ran items as executions of their own")
    assert found.data["map_runs"] == [run]


def test_what_is_missing_altogether_is_said_once() -> None:
    assert list(reasons(of_trace(*sync_history()))) == ["no-cloudtrail"]
    assert list(reasons(of_trace(*sync_calls()))) == ["no-history"]
    assert reasons(of_trace()) == {}
    broken = Received(None, From.TRAIL, None, {"eventName": "X"})
    assert list(reasons(of_trace(broken))) == ["unread"]


def test_a_call_that_fits_several_executions_is_said_of_the_trace() -> None:
    calls = [call("RunTask", 1, key="run", request_id="unknown")]
    told = of_trace(*sync_history(), *sync_history(ARN + "-2"), *calls)
    (found,) = told["ambiguous"]
    assert "several executions" in found.text
    assert found.evidence == ("run",)


def test_a_shared_role_s_other_calls_are_said_of_the_trace() -> None:
    other = call("GetSecretValue", 9, key="s", source="secretsmanager.amazonaws.com")
    told = of_trace(*sync_history(), *sync_history(ARN + "-2"), other)
    assert reasons(told)["role-only"].evidence == ("s",)


# -- lag -------------------------------------------------------------------------


def lag(*records: Received) -> list[Finding]:
    return of_trace(*records).get("lag", [])


def test_the_lag_is_measured_over_the_calls_made_while_watched() -> None:
    calls = [call("X", n, key=f"k{n}", lag=60 + n) for n in range(1, 11)]
    before = call("X", -50, key="old", lag=500)
    (found,) = lag(*sync_history(), *calls, before)
    assert found.data == {"count": 10, "median": 65.5, "p90": 69.9, "max": 70.0}
    assert "half of them within 1 min 6 s" in found.text
    assert found.evidence == ("k10",)


def test_one_call_has_a_lag_too() -> None:
    (found,) = lag(*sync_history(), run_task(1, 1, lag=42))
    assert (found.data["median"], found.data["p90"], found.data["max"]) == (42, 42, 42)


def test_files_that_do_not_say_when_have_no_lag() -> None:
    undated = [Received(None, r.source, None, r.data) for r in sync_calls()]
    assert lag(*sync_history(), *undated) == []
    assert lag() == []
