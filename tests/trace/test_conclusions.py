"""What several executions together show of each way to call."""

from io import StringIO
from typing import Any

from sfnwatch.export.report_markdown import write_markdown
from sfnwatch.export.report_text import write_text
from sfnwatch.trace.events import Received
from sfnwatch.trace.finding import Certainty, Finding
from sfnwatch.trace.findings import all_findings, trace_findings
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, event, sync_history, sync_run
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


def test_polls_denied_while_it_runs_decide_nothing_yet() -> None:
    running = [
        r
        for r in three_runs(denied=True)
        if r.execution_arn != SYNC
        or r.data.get("type") in {"ExecutionStarted", "TaskStateEntered"}
        or r.data.get("type") in {"TaskScheduled", "TaskStarted", "TaskSubmitted"}
    ]
    sync, *_ = concluded(*running)
    assert sync.text.endswith("denied each time, and it still runs.")


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
