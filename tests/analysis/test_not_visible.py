"""What could not be seen, and why; and how late CloudTrail was."""

from typing import Any

import pytest

from sfnwatch.analysis.finding import Certainty, Finding
from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.values import iso
from tests.analysis.finding_in import LAMBDA_INVOKE, found, reasons, run_task
from tests.builders import (
    ARN,
    MACHINE_ARN,
    MAP_RUN_ARN,
    OTHER_ARN,
    REQUEST_RESPONSE,
    History,
    Which,
    at,
    call,
    describe,
    health,
    received,
    row,
    sync_calls,
    sync_history,
    sync_run,
    undated,
)

COMPLETE = health("lookup", "ended", 999, complete_to=iso(at(1000)))
INVOKE = call("Invoke", 0, key="invoke", source="lambda.amazonaws.com")
HTTP: Which = {"resourceType": "http", "resource": "invoke"}
THERE = "arn:aws:iam::999999999999:role/there"


def states(*whiches: Which, **more: Any) -> list[Received]:
    """Build states A, B, … that run one after the other, half a minute each."""
    run = History().start()
    for name, which in zip("ABC", whiches, strict=False):
        run.task(name, which, lasts=30, **more)
    return run.records


def test_all_is_seen_of_the_experiment_s_run() -> None:
    assert "unseen" not in found(*sync_run())
    assert "unseen" not in found(*sync_run(), arn=None)


def test_data_events_are_not_recorded_and_like_ones_are_told_of_together() -> None:
    told = reasons(found(*states(LAMBDA_INVOKE, LAMBDA_INVOKE)))["not-recorded"]
    assert told.text == (
        "A and B call lambda:invoke: Invoke is a data event, which CloudTrail Event"
        " history does not include."
    )
    assert (told.data["call"], told.data["states"]) == ("lambda:Invoke", 2)
    assert told.evidence == ("#3", "#8")


@pytest.mark.parametrize(
    ("which", "words", "certainty"),
    [
        (HTTP, "only the GetSecretValue for its connection", Certainty.FACT),
        (
            {"resourceType": "eks", "resource": "call"},
            "the cluster's own Kubernetes API, which CloudTrail does not log",
            Certainty.FACT,
        ),
        (
            {"resourceType": "apigateway", "resource": "invoke"},
            "is not logged by CloudTrail",
            Certainty.INFERENCE,
        ),
    ],
)
def test_other_calls_that_event_history_never_shows_are_told_with_the_reason(
    which: Which, words: str, certainty: Certainty
) -> None:
    told = reasons(found(*states(which)))["not-recorded"]
    assert words in told.text
    assert told.certainty is certainty


def test_one_data_event_says_that_the_others_could_have_been_seen() -> None:
    both = states(LAMBDA_INVOKE, LAMBDA_INVOKE)
    assert reasons(found(*states(LAMBDA_INVOKE), INVOKE, COMPLETE)) == {}
    assert reasons(found(*both, INVOKE)) == {}
    told = reasons(found(*both, INVOKE, COMPLETE))["not-found"]
    assert told.text == (
        "No Invoke call was matched to B, though CloudTrail is complete up to there"
        " (estimate); a trail may log such data events for some resources only."
    )


def test_the_call_of_an_http_task_is_nobody_s_even_where_one_is_there() -> None:
    made = call("InvokeHTTPEndpoint", 0, key="i", source="states.amazonaws.com")
    assert "not-recorded" in reasons(found(*states(HTTP), made, COMPLETE))


@pytest.mark.parametrize(
    ("more", "reason", "words"),
    [
        ({}, "not-found", "No RunTask call was matched to A, though CloudTrail is"),
        ({"region": "us-west-2"}, "not-found", "us-west-2, which has its own"),
        (
            {"taskCredentials": {"roleArn": THERE}},
            "other-account",
            "A uses a role of account 999999999999: its calls are in that account's",
        ),
    ],
)
def test_a_call_that_should_be_there_and_is_not_is_told(
    more: dict[str, Any], reason: str, words: str
) -> None:
    told = reasons(found(*states(REQUEST_RESPONSE, **more), COMPLETE))[reason]
    assert words in told.text
    assert told.certainty is Certainty.INFERENCE


def test_nothing_is_missed_before_cloudtrail_has_come_so_far() -> None:
    assert "not-found" not in reasons(found(*states(REQUEST_RESPONSE)))


@pytest.mark.parametrize(
    ("more", "reason", "words"),
    [
        (
            [*sync_calls(), health("lookup", "live", 99, complete_to=iso(at(36)))],
            "incomplete",
            "up to 00:29:00 (estimate), and run-7f3a ended at 00:33:33: later calls",
        ),
        (sync_calls(), "incomplete", "The newest call loaded is from 00:33:18, and"),
        ([health("lookup", "live", 99)], "incomplete", "is complete is unknown"),
        (
            [health("lookup", "denied", 9, message="Can't look up: AccessDenied\x1b.")],
            "cloudtrail-refused",
            "not be read to the end (denied): Can't look up: AccessDenied␛.",
        ),
    ],
)
def test_how_far_cloudtrail_is_known_is_said_where_that_is_short(
    more: list[Received], reason: str, words: str
) -> None:
    assert words in reasons(found(*sync_history(), *more))[reason].text


def test_calls_of_the_role_that_match_no_attempt_are_counted() -> None:
    noise = call("GetSamplingRules", 9, key="x", source="xray.amazonaws.com")
    other = call("GetSecretValue", 9, key="s", source="secretsmanager.amazonaws.com")
    assert "unseen" not in found(*sync_run(), noise)
    told = reasons(found(*sync_run(), noise, other))["role-only"]
    assert told.text == (
        "1 call by the role matches no attempt of any state: 1 GetSecretValue."
    )
    assert told.evidence == ("s",)
    shared = [*sync_history(), *sync_history(OTHER_ARN), other]
    assert reasons(found(*shared, arn=None))["role-only"].evidence == ("s",)


TWO = (ARN, OTHER_ARN)


def test_calls_that_fit_several_are_matched_to_none() -> None:
    run = History().start()
    run.parallel("Fan", *[lambda it: it.task("Work", REQUEST_RESPONSE)] * 2)
    (attempts,) = found(*run.records, row("RunTask", 1))["ambiguous"]
    assert attempts.text == (
        "1 call is not matched: 1 RunTask (nothing tells these attempts apart)."
    )
    runs = (History(arn).start().task("Work", REQUEST_RESPONSE) for arn in TWO)
    both = [record for each in runs for record in each.records]
    (executions,) = found(*both, row("RunTask", 0), arn=None)["ambiguous"]
    assert "1 call is not matched: 1 RunTask (" in executions.text


def test_others_of_the_machine_that_ran_meanwhile_are_counted() -> None:
    def item(name: str, stopped: float) -> dict[str, Any]:
        arn = ARN.replace("run-7f3a", name)
        times = {"startDate": iso(at(0)), "stopDate": iso(at(stopped))}
        machine = {"stateMachineArn": MACHINE_ARN, "name": name}
        return {"executionArn": arn, "status": "FAILED", **machine, **times}

    lists = {
        "machine_arn": MACHINE_ARN,
        "asked_at": iso(at(400)),
        "running": [],
        "running_complete": True,
        "newest": [item("one", 200), item("run-7f3a", 309), item("two", 100)],
        "newest_complete": True,
    }
    told = received(RecordKind.MACHINE_EXECUTIONS, lists, 401)
    (others,) = found(*sync_history(), told)["other-executions"]
    assert others.text == "2 other executions of this machine ran meanwhile."
    assert others.certainty is Certainty.FACT
    assert "other-executions" not in found(*sync_history())


# -- histories -------------------------------------------------------------------------


def test_missing_events_are_counted() -> None:
    there = [r for r in sync_history() if r.record["id"] not in {4, 5}]
    told = reasons(found(*there))["history-gap"]
    assert told.data["missing"] == 2
    assert told.text == (
        "2 events of the history are missing: the last one is #8, but 6 are loaded."
    )


def test_a_history_that_stops_before_the_end_is_told() -> None:
    begun = sync_history()[:5]
    told = reasons(found(*begun, describe()))["history-end"]
    assert told.text == (
        "The history loaded stops at #5, but run-7f3a went on to its end (SUCCEEDED):"
        " later events are missing."
    )
    assert told.evidence == ("#5",)
    assert "history-end" not in reasons(found(*begun, describe("RUNNING")))
    assert "history-end" not in reasons(found(*sync_history(), describe()))


def test_an_execution_known_by_name_only_has_no_history() -> None:
    assert list(reasons(found(describe()))) == ["no-history"]


def test_a_map_run_that_nothing_is_known_of_is_told() -> None:
    told = reasons(found(*History().start().map_run("Each", MAP_RUN_ARN).records))
    assert told["map-run"].text.startswith("1 Map Run ran items as child executions:")
    assert told["map-run"].data["map_runs"] == [MAP_RUN_ARN]


def test_what_is_missing_altogether_is_said_once() -> None:
    told = reasons(found(*sync_history(), arn=None))
    assert list(told) == ["no-cloudtrail"]
    assert told["no-cloudtrail"].text == (
        "No CloudTrail data loaded, so API calls and polling are unknown."
    )
    assert list(reasons(found(*sync_calls(), arn=None))) == ["no-history"]
    assert reasons(found(arn=None)) == {}
    broken = receive(None, RecordKind.TRAIL, None, {"eventName": "X"})
    assert list(reasons(found(broken, arn=None))) == ["unread"]


# -- how late --------------------------------------------------------------------------


def lag(*records: Received) -> list[Finding]:
    return found(*records, arn=None).get("lag", [])


def test_the_lag_is_measured_over_the_calls_made_during_the_watch() -> None:
    calls = [call("X", n, key=f"k{n}", lag=60 + n) for n in range(1, 11)]
    before = call("X", -50, key="old", lag=500)
    (told,) = lag(*sync_history(), *calls, before)
    assert told.data == {"count": 10, "median": 65.5, "p90": 69.9, "max": 70.0}
    assert told.text == (
        "CloudTrail showed 10 calls made during the watch: half of them within 1m 06s,"
        " 90% within 1m 10s, the last after 1m 10s."
    )
    assert told.evidence == ("k10",)


def test_one_call_has_a_lag_too_and_files_have_none() -> None:
    (told,) = lag(*sync_history(), run_task(1, 1, lag=42))
    assert (told.data["median"], told.data["p90"], told.data["max"]) == (42, 42, 42)
    assert lag(*sync_history(ARN), *map(undated, sync_calls())) == []
    assert lag() == []
