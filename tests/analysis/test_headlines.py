"""Headlines: short, written from a finding's figures; and which findings come first."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sfnwatch
from sfnwatch.analysis.failure_details import failure_details
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.headlines import MOST_LETTERS
from sfnwatch.analysis.report import Report
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from tests.analysis.finding_in import LAMBDA_INVOKE
from tests.analysis.situations import SITUATIONS
from tests.builders import ARN, SYNC, History
from tests.tui.screens import RECORDINGS


def headlines_in(known: Any) -> Mapping[str, str]:
    snapshot = known
    if not hasattr(known, "trace"):
        trace = Trace()
        trace.add(known)
        snapshot = trace.as_of()
    return {f.kind: f.headline for f in find(snapshot) if f.headline}


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_headline_is_short_and_clean(name: str) -> None:
    _, known = SITUATIONS[name]
    for headline in headlines_in(known).values():
        assert len(headline) <= MOST_LETTERS
        assert clean(headline) == headline


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_whatever_a_state_and_an_error_are_called(state: str, error: str) -> None:
    run = History().start()
    run.task(state, LAMBDA_INVOKE, retried=[error], error=error, cause=error)
    run.end("Failed", error=error, cause=error)
    headlines = headlines_in(run.records)
    assert {"failed", "retries"} <= headlines.keys()
    for headline in headlines.values():
        assert len(headline) <= MOST_LETTERS
        assert clean(headline) == headline


def story_of(name: str) -> list[str]:
    report = Report(sfnwatch.open_recording(RECORDINGS / f"{name}.sfnwatch.jsonl.gz"))
    told = report.telling(5)
    return [finding.headline or finding.text for finding in told]


def test_the_default_demo_tells_its_own_conclusion() -> None:
    assert story_of("demo-three-ways") == [
        "5 of 5 polls denied, yet it succeeded",
        "An event told Step Functions, 1.6 s after the stop",
        "An event told Step Functions, 1.9 s after the stop",
        "async: it did not wait for its job",
        "sdk: it did not wait for its job",
    ]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("demo-failure", "Import: exit 1, container import-orders"),
        ("demo-pipeline", "Charge card: CardDeclined, and a Catch handled it"),
        ("demo-redrive", "Redriven after 6m 08s, and it succeeded"),
        ("demo-sync", "An event told Step Functions, 1.9 s after the stop"),
        ("demo-async", "ECS RunTask ended as soon as its call returned"),
        ("demo-sdk", "RunTask ended as soon as its call returned"),
        ("demo-distributed", "3 of 40 child executions failed: UnreadableImage"),
    ],
)
def test_what_is_most_surprising_comes_first(name: str, first: str) -> None:
    assert story_of(name)[0] == first


def test_no_finding_repeats_another() -> None:
    for name in ("demo-three-ways", "demo-pipeline", "demo-failure"):
        story = story_of(name)
        assert len(set(story)) == len(story)


def test_an_execution_s_second_finding_of_a_kind_waits_for_the_first_of_others() -> (
    None
):
    run = History().start()
    for state in ("A", "B"):
        run.task(state, SYNC, retried=["Busy"], caught=True, error="Torn")
    trace = Trace()
    trace.add(run.end().records)
    kinds = [finding.kind for finding in Report(trace.as_of()).telling(9)]
    assert kinds.index("retries") < len(kinds) - 1 - kinds[::-1].index("caught")


# -- what the service itself says ------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (
            {"Containers": [{"ExitCode": 0}, {"ExitCode": 3, "Name": "b"}]},
            "exit 3, container b",
        ),
        (
            {"Containers": [{"Name": "a", "Reason": "OutOfMemoryError"}]},
            "OutOfMemoryError, container a",
        ),
        ({"Container": {"ExitCode": 137}}, "exit 137"),
        ({"errorType": "KeyError", "errorMessage": "'id'"}, "KeyError"),
        ({"ErrorMessage": "No space left"}, "No space left"),
        ({"ExecutionArn": ARN, "Error": "Torn", "Status": "FAILED"}, "Torn"),
        ({"Error": "Torn"}, ""),
        ({"Containers": [{"ExitCode": 0}]}, ""),
        ({"Containers": "x", "Container": 1, "errorType": []}, ""),
        ({}, ""),
    ],
)
def test_each_service_has_its_own_words(cause: Any, words: str) -> None:
    assert failure_details(json.dumps(cause)) == words


@pytest.mark.parametrize("cause", [None, "", "in words", "{", "[]", "null"])
def test_a_cause_in_words_has_no_details(cause: str | None) -> None:
    assert failure_details(cause) == ""
