"""What several executions together show of each way to call."""

import json
from io import StringIO
from typing import Any

from sfnwatch.export.report_markdown import write_markdown
from sfnwatch.export.report_text import write_text
from sfnwatch.trace.events import Received
from sfnwatch.trace.finding import Certainty, Finding
from sfnwatch.trace.findings import all_findings, trace_findings
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from tests.builders import ARN, event, health, sync_history, sync_run
from tests.tui.runs import seconds
from tests.tui.several import ASYNC, SDK, SYNC, three_runs


def concluded(*records: Received) -> list[Finding]:
    found = all_findings(extend(Trace(), records))
    return [finding for finding in found if finding.kind == "conclusion"]


def without(records: list[Received], **fields: Any) -> list[Received]:
    return [r for r in records if not all(r.data.get(k) == fields[k] for k in fields)]


def test_each_way_is_one_sentence_with_its_calls_for_evidence() -> None:
    sync, plain, sdk = concluded(*three_runs())
    assert sync.text == (
        "ecs:runTask.sync calls RunTask, then DescribeTasks about once a minute"
        " (5 polls)."
    )
    assert plain.text == "ecs:runTask calls RunTask and nothing after it."
    assert sdk.text == "aws-sdk:ecs:runTask calls RunTask and nothing after it."
    assert len(sync.evidence) == 6
    assert (plain.evidence, sdk.evidence) == (("run-async",), ("run-sdk",))
    assert {sync.certainty, plain.certainty, sdk.certainty} == {Certainty.FACT}
    assert [one.data["executions"] for one in (sync, plain, sdk)] == [
        *([SYNC], [ASYNC], [SDK])
    ]


def test_polls_denied_each_time_are_a_way_of_their_own() -> None:
    sync, *_ = concluded(*three_runs(denied=True))
    assert sync.text.endswith(
        "denied each time, and it succeeds all the same: polling does not decide."
    )
    assert sync.data["denied"] == 5
    assert sync.certainty is Certainty.INFERENCE, "that it does not decide is concluded"


def behind(seconds_: float, *, denied: bool = False) -> list[Received]:
    """Give the three runs where CloudTrail is complete only to then."""
    known = {"complete_to": iso(seconds(seconds_))}
    return [*three_runs(denied=denied), health("lookup", "live", 601, **known)]


def test_while_cloudtrail_is_behind_nothing_is_concluded_for_good() -> None:
    sync, plain, _ = concluded(*behind(61, denied=True))
    assert sync.text == (
        "ecs:runTask.sync calls RunTask, then DescribeTasks about once a minute (5"
        " polls so far); denied each time so far, and it succeeds all the same."
    )
    assert sync.certainty is Certainty.INFERENCE
    assert sync.data["interval_mean"] == 55, "but one interval is known for good"
    assert plain.text == (
        "ecs:runTask calls RunTask and nothing after it up to 00:29:25 UTC, as far as"
        " CloudTrail is complete."
    )
    assert plain.certainty is Certainty.INFERENCE


def test_a_conclusion_is_no_surer_than_the_links_it_rests_on() -> None:
    guessed = concluded(*(_without_ids(record) for record in three_runs()))
    assert len(guessed) == 2, "of two runs at once a RunTask may be either's"
    assert {found.certainty for found in guessed} == {Certainty.INFERENCE}
    assert {found.certainty for found in concluded(*three_runs())} == {Certainty.FACT}


def _without_ids(record: Received) -> Received:
    """Take the ids out of a call: then only role, action and time tie it."""
    if "CloudTrailEvent" not in record.data:
        return record
    bare = dict.fromkeys(("requestParameters", "responseElements", "requestID"))
    call = {**json.loads(record.data["CloudTrailEvent"]), **bare}
    data = {**record.data, "CloudTrailEvent": json.dumps(call)}
    return replace(record, data=data)


def test_polls_denied_while_it_runs_decide_nothing_yet() -> None:
    running = [
        r
        for r in three_runs(denied=True)
        if r.execution_arn != SYNC
        or r.data.get("type") in {"ExecutionStarted", "TaskStateEntered"}
        or r.data.get("type") in {"TaskScheduled", "TaskStarted", "TaskSubmitted"}
    ]
    sync, *_ = concluded(*running)
    assert sync.text.endswith("denied each time so far, and it still runs.")


def test_a_job_that_failed_is_not_told_as_a_success() -> None:
    failed = [
        event(6, "TaskFailed", 309, arn=SYNC, error="States.TaskFailed", cause="{}")
        if r.execution_arn == SYNC and r.data.get("id") == 6
        else r
        for r in three_runs(denied=True)
    ]
    sync, *_ = concluded(*failed)
    assert sync.text.endswith("(5 polls); denied each time.")
    assert sync.data["statuses"] == ["failed"]


def test_nothing_after_it_is_a_fact_only_where_a_poll_would_be_known() -> None:
    early = [r for r in three_runs() if r.source != "health"]
    _, plain, sdk = concluded(*early)
    assert plain.certainty is Certainty.FACT, "calls are known to 5 minutes later"
    last = without(early, EventName="DescribeTasks")
    _, _, sdk = concluded(*last)
    assert sdk.certainty is Certainty.INFERENCE
    assert sdk.text.endswith(
        "nothing after it up to 00:29:27 UTC, as far as these records go."
    )


def test_one_execution_alone_concludes_nothing() -> None:
    assert concluded(*sync_run()) == []
    twice = [*sync_run(), *sync_history(f"{ARN}-2")]
    assert concluded(*twice) == [], "nor do two that went the same way"


def test_the_traces_own_findings_end_with_them() -> None:
    trace = extend(Trace(), three_runs())
    kinds = [finding.kind for finding in trace_findings(trace)]
    assert kinds[-3:] == ["conclusion"] * 3
    assert "conclusion" not in kinds[:-3]


def test_a_report_tells_them_first_and_once() -> None:
    told = report(extend(Trace(), three_runs()))
    out = StringIO()
    write_text(told, out)
    head, _, rest = out.getvalue().partition("\n\n")
    assert head.startswith("In short\n    fact       ecs:runTask.sync calls RunTask")
    assert "ecs:runTask calls RunTask" not in rest
    page = StringIO()
    write_markdown(told, page)
    assert page.getvalue().startswith("## In short\n\n- *fact*: ecs:runTask.sync")
