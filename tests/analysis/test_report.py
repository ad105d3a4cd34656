"""A trace explained: how it ended, where the time went, in which order it is told."""

from itertools import pairwise

import pytest
from hypothesis import given, settings

from sfnwatch.analysis.finding import Heading, Sentence
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.phases import (
    critical_path,
    end_of,
    retrying_states,
    segments,
)
from sfnwatch.analysis.report import ROWS, ExecutionReport, explain, report
from sfnwatch.model.records import Received, RecordKind, receive
from tests.analysis.finding_in import (
    LAMBDA_INVOKE,
    explained,
    found,
    many_jobs,
    reported,
    text_of,
    trace_of,
)
from tests.builders import (
    ARN,
    OTHER_ARN,
    History,
    at,
    definition,
    describe,
    health,
    photos,
    redriven_run,
    request,
    sync_calls,
    sync_history,
    sync_run,
    undated,
)
from tests.model.worlds import WORLDS, World


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
        ([receive(None, RecordKind.DESCRIBE, ARN, {"executionArn": ARN})], "UNKNOWN."),
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


# -- the headline ----------------------------------------------------------------------


ALL_DENIED = "Every poll for ECS RunTask was denied (5 of 5), yet it"


@pytest.mark.parametrize(
    ("records", "line"),
    [
        (sync_run(denied=True), ALL_DENIED),
        (
            failing(),
            "Print failed with Oops: Out of paper. Charge failed with",
        ),
        (photos(), "Each ran 4 items as 4 child executions: 1 failed and 3 succeeded"),
        ([], ""),
        (
            [*sync_run(denied=True), *History(OTHER_ARN).start().end().records],
            f"7f3a: {ALL_DENIED}",
        ),
    ],
)
def test_the_headline_says_what_tells_most(records: list[Received], line: str) -> None:
    assert reported(*records).headline.startswith(line)


def test_the_headline_of_a_replay_does_not_tell_the_end() -> None:
    assert "failed" not in report(trace_of(*failing()).as_of(at(1))).headline


# -- where the time went ---------------------------------------------------------------


def test_a_map_run_s_time_says_nothing_that_is_worth_a_sentence() -> None:
    assert "time" in found(*photos())
    assert "Critical path" not in explained(*photos())


def test_what_follows_a_failure_is_back_off_only_if_the_definition_retries() -> None:
    run = History().start()
    run.add("TaskStateEntered", name="Work")
    run.add("TaskScheduled", **LAMBDA_INVOKE)
    run.add("TaskFailed", error="E", **LAMBDA_INVOKE)
    for retries, phase in (([], "waiting"), ([{"ErrorEquals": ["E"]}], "backing off")):
        known = definition({"Work": {"Type": "Task", "Retry": retries}})
        execution = trace_of(*run.records, known).as_of().executions[ARN]
        (visit,) = execution.visits
        divided = segments(visit, at(60), retrying_states(execution))
        assert divided[-1].phase == phase


# -- where events are missing ----------------------------------------------------------


def cut_off(*, status: str | None = "SUCCEEDED") -> list[Received]:
    """Build the first page of a run of 309 s: what came after 1.2 s is not here."""
    described = [describe(status)] if status else []
    return [undated(record) for record in (*sync_history()[:5], *described)]


def test_a_history_that_is_cut_is_told_up_to_its_last_event() -> None:
    (execution,) = reported(*cut_off()).executions
    assert execution.states[0].seconds == pytest.approx(1.17)
    assert execution.verdict.seconds == 309.05


def test_of_states_whose_ends_are_missing_no_time_is_told() -> None:
    page = [*cut_off(status=None), undated(sync_history()[-1])]
    (execution,) = reported(*page).executions
    assert execution.states[0].seconds == pytest.approx(1.17)


def test_a_watched_run_goes_on_until_the_last_that_came_in_or_until_now() -> None:
    records = [*sync_history()[:5], request(182)]
    (execution,) = reported(*records, now=at(200)).executions
    assert execution.states[0].seconds == pytest.approx(199.97)
    assert execution.verdict.text == "RUNNING for 3m 20s so far, in ECS RunTask."


# -- laws ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(WORLDS)
def test_steps_of_the_critical_path_follow_on_each_other(world: World) -> None:
    for execution in trace_of(*world.records).as_of().executions.values():
        if not execution.events:
            continue
        now = max(event.at for event in execution.events)
        steps = critical_path(execution.visits, now)
        for before, after in pairwise(steps):
            assert end_of(before, now) <= after.entered_at
