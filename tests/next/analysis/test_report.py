"""A trace explained: how it ended, its states, and in which order it is told."""

from typing import Any

import pytest

from sfnwatch.next.analysis.document import Heading, Sentence
from sfnwatch.next.analysis.findings import find, most_telling
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.report import (
    ROWS,
    ExecutionReport,
    explain,
    report,
    summarize,
)
from sfnwatch.next.analysis.verdict import Verdict, headline
from sfnwatch.next.export.json import report_json
from sfnwatch.next.model.records import Received, RecordKind, receive
from tests.next.analysis.finding_in import (
    LAMBDA_INVOKE,
    explained,
    many_jobs,
    reported,
    text_of,
    trace_of,
)
from tests.next.builders import (
    ARN,
    OTHER_ARN,
    History,
    at,
    describe,
    health,
    photos,
    redriven_run,
    sync_calls,
    sync_history,
    sync_run,
)


def one(*records: Received) -> ExecutionReport:
    (execution,) = reported(*records).executions
    return execution


def failing(cause: str = "Out of paper.") -> list[Received]:
    """Build a run in which one error is caught and the next is not."""
    run = History().start()
    run.task("Charge", LAMBDA_INVOKE, error="Declined", cause="No.", caught=True)
    run.task("Print", LAMBDA_INVOKE, retried=["Jam"], error="Oops", cause=cause)
    return run.end("Failed", error="Oops", cause=cause).records


# -- verdict ---------------------------------------------------------------------------


def test_a_success_is_told_with_its_length() -> None:
    expected = Verdict("SUCCEEDED after 5m 09s.", "SUCCEEDED", 309.05)
    assert one(*sync_run()).verdict == expected


def test_a_failure_is_told_with_its_innermost_state_and_its_reason() -> None:
    run = History().start()
    run.add("ParallelStateEntered", name="Fan")
    run.add("ParallelStateStarted")
    cause = '{"errorMessage": "out of \\u001b paper."}'
    run.task("Work", LAMBDA_INVOKE, error="Oops", cause=cause, lasts=6)
    run.add("ParallelStateFailed")
    verdict = one(*run.end("Failed", error="Oops", cause=cause).records).verdict
    assert verdict.text == "FAILED after 6.7 s in Work: Oops: out of ␛ paper."
    assert (verdict.path, verdict.error) == ("Main / Fan[0] / Work", "Oops")


@pytest.mark.parametrize(
    ("records", "text"),
    [
        (
            [*sync_history()[:5], describe("RUNNING"), health("history", "live", 92)],
            "RUNNING for 1m 32s so far, in ECS RunTask.",
        ),
        ([*History().start().end("Aborted").records], "ABORTED after 0.1 s."),
        ([describe()], "SUCCEEDED after 5m 09s."),
        (
            [receive(None, RecordKind.DESCRIBE, ARN, {"executionArn": ARN})],
            "UNKNOWN.",
        ),
        (
            redriven_run(),
            "FAILED after 3.2 s, redriven 12m 00s later, SUCCEEDED after 1m 20s more.",
        ),
    ],
)
def test_how_an_execution_stands_is_told_in_one_line(
    records: list[Received], text: str
) -> None:
    assert one(*records).verdict.text == text


# -- states ----------------------------------------------------------------------------


def test_a_state_is_a_row_with_its_time_and_its_calls() -> None:
    (row,) = one(*sync_run(denied=True)).states
    assert (row.path, row.type, row.resource) == (
        "ECS RunTask",
        "Task",
        "ecs:runTask.sync",
    )
    assert (row.visits, row.tries, row.failed_tries) == (1, 1, 0)
    assert row.seconds == 308.99
    assert row.phases == {
        Phase.WAITING: 1.19,
        Phase.WORKING: 305.9,
        Phase.COMPLETION_LAG: 1.9,
    }
    calls = row.calls
    assert calls.by_role == {"action": 1, "poll": 5}
    assert calls.by_rule == {"request-id": 1, "resource-id": 5}
    assert (calls.denied, calls.failed) == (5, 0)
    assert (calls.poll_call, calls.poll_mean) == ("DescribeTasks", 58.6)


def test_iterations_are_one_row_and_branches_rows_of_their_own() -> None:
    rows = one(*many_jobs(20)).states
    assert [(row.path, row.visits) for row in rows] == [
        ("Each", 1),
        ("Each[*] / Work", 20),
    ]
    run = History().start()
    run.parallel("Fan", *[lambda branch: branch.state("Same")] * 2)
    paths = [row.path for row in one(*run.state("Again").state("Again").records).states]
    assert paths == ["Fan", "Fan[0] / Same", "Fan[1] / Same", "Again"]


def test_no_more_rows_are_listed_than_can_be_read() -> None:
    run = History().start()
    for number in range(ROWS + 10):
        run.state(f"S{number}")
    execution = one(*run.records)
    assert (len(execution.states), execution.left_out) == (ROWS, 10)
    assert "10 more states not listed." in explained(*run.records)


def test_a_report_as_json_has_every_key_of_the_contract() -> None:
    told = report_json(reported(*sync_run()))
    (execution,) = told["executions"]
    assert execution["status"] == "SUCCEEDED"
    assert execution["started_at"] == "2023-11-15T00:28:24.102Z"
    assert execution["verdict"].keys() == {
        *("text", "seconds", "visit", "path", "error", "cause"),
    }
    (state,) = execution["states"]
    assert state["parts"] == {"working": 305.9, "waiting": 1.19, "noticing": 1.9}
    assert told["calls"] == {
        "count": 6,
        "first_at": "2023-11-15T00:28:25.000Z",
        "last_at": "2023-11-15T00:33:18.000Z",
        "watched": True,
        "measured": True,
        "complete_to": "2023-11-15T00:35:24.102Z",
        "by_rule": {"request-id": 1, "resource-id": 5},
        "unread": 0,
    }


# -- the document ----------------------------------------------------------------------


def test_what_failed_is_told_first_and_what_is_not_visible_last() -> None:
    blocks = explain(reported(*failing())).blocks
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    assert headings == [
        "nightly-report › run-7f3a",
        "What failed",
        "Where the time went",
        "What was retried or throttled",
        "Integrations",
        "What is not visible, and why",
        "CloudTrail",
    ]
    first = next(block for block in blocks if isinstance(block, Sentence))
    assert first.text == "Print failed with Oops: Out of paper."
    assert first.evidence == ("#13", "#14")


def test_however_many_states_use_an_integration_one_sentence_tells_it() -> None:
    run = History().start()
    for number in range(200):
        run.task(f"S{number}", LAMBDA_INVOKE)
    text = explained(*run.end().records)
    (line,) = [line for line in text.splitlines() if "Request Response" in line]
    assert "200 states (S0, S1, S2 and 197 more) use lambda:invoke, Request" in line
    assert text.count("lambda:invoke") < 210, "the table of states names it, too"


def test_of_very_many_findings_alike_the_first_are_told() -> None:
    run = History().start()
    for number in range(20):
        run.task(f"S{number}", LAMBDA_INVOKE, retried=["E"])
    text = explained(*run.end().records)
    assert text.count("took 2 attempts to succeed") == 6
    assert "… and 14 more like these." in text


@pytest.mark.parametrize(
    ("records", "heading"),
    [
        ([], "Nothing loaded"),
        (sync_calls(), "API calls without a history"),
        (sync_run(), "CloudTrail"),
        ([*sync_run(), *sync_history(OTHER_ARN)], "Across all executions"),
    ],
)
def test_what_is_of_no_execution_has_a_heading_of_its_own(
    records: list[Received], heading: str
) -> None:
    blocks = explain(reported(*records)).blocks
    assert [b.text for b in blocks if isinstance(b, Heading) and b.level == 1][-1] == (
        heading
    )


def test_a_screen_that_has_a_table_of_its_own_is_spared_the_other() -> None:
    moment = trace_of(*sync_run()).as_of()
    told = report(moment, find(moment), with_states=False)
    assert "State " not in text_of(explain(told))
    assert "Critical path" in text_of(explain(told))


def test_a_summary_has_the_verdict_and_what_matters_most() -> None:
    text = text_of(summarize(reported(*failing())))
    assert "FAILED after" in text
    assert "Print failed with Oops: Out of paper." in text
    assert "took" in text
    assert "uses lambda:invoke" not in text


# -- the headline ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "line"),
    [
        (
            sync_run(denied=True),
            "SUCCEEDED 5m 09s   5 of 5 polls denied · completion still detected in 1",
        ),
        (sync_run(), "SUCCEEDED 5m 09s   completion detected in 1.9 s, by event"),
        (
            failing(),
            "FAILED 4 s   Print: Oops: Out of paper · 1 error caught: Declined → Print",
        ),
        (photos(), "SUCCEEDED 0.6 s   1 of 4 child executions failed: FAILED"),
        (redriven_run(), "SUCCEEDED 13m 23s   RunTask failed once · redriven once"),
        (sync_history()[:5], "RUNNING 2.2 s   in ECS RunTask"),
        ([], "no execution"),
        (
            [*sync_run(denied=True), *History(OTHER_ARN).start().end().records],
            "2 succeeded   7f3a: 5 of 5 polls denied",
        ),
    ],
)
def test_the_headline_says_what_tells_most(records: list[Received], line: str) -> None:
    moment = trace_of(*records).as_of()
    assert headline(moment, find(moment)).line.startswith(line)


def test_the_headline_of_a_replay_does_not_tell_the_end() -> None:
    trace = trace_of(*failing())
    early = trace.as_of(at(1))
    told = headline(early, find(early))
    assert (told.status, told.seconds, told.failed) == ("RUNNING", 1.0, False)
    assert "Oops" not in told.line


def test_what_tells_most_is_chosen_failures_first() -> None:
    told: list[Any] = most_telling(find(trace_of(*failing()).as_of()))
    assert [finding.kind for finding in told] == ["slowest-path", "time", "retries"]
    told = most_telling(find(trace_of(*photos()).as_of()), 1)
    assert [finding.kind for finding in told] == ["children"]
