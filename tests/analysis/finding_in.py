"""What is found in records, by kind: for the tests of findings and of reports."""

import io
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from sfnwatch.analysis.document import Document
from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export.document_text import write_text
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.link import AttemptKey, Certainty, Link, LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.trace import Trace
from tests.builders import ARN, ROLE, History, Which, answer, call, milliseconds

OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
LAMBDA_INVOKE: Which = {"resourceType": "lambda", "resource": "invoke"}


def trace_of(*records: Received) -> Trace:
    trace = Trace()
    trace.add(records)
    return trace


class Doubted(Snapshot):
    """The last moment of a trace, where of some calls it is a guess whose they are.

    Or where they are not matched: that is what becomes of a guess that is given up.
    """

    def __init__(self, trace: Trace, calls: Container[str], *, matched: bool) -> None:
        super().__init__(trace, None, TimeAxis.EVENT)
        self.doubted, self.matched = calls, matched

    def link(self, call: ApiCall) -> Link | None:
        link = super().link(call)
        if link is None or link.key is None or call.event_id not in self.doubted:
            return link
        if self.matched:
            rule, certainty = LinkRule.UNIQUE_CANDIDATE, Certainty.GUESS
            return replace(link, rule=rule, certainty=certainty)
        return Link(LinkRule.AMBIGUOUS, link.role, candidates=(link.key,))

    def calls_of(self, key: AttemptKey) -> Sequence[ApiCall]:
        calls = super().calls_of(key)
        if self.matched:
            return calls
        return [call for call in calls if call.event_id not in self.doubted]


def found(*records: Received, arn: str | None = ARN) -> dict[str, list[Finding]]:
    """Find all of one execution, by kind; of None, what is of the trace as a whole."""
    told = find(trace_of(*records).as_of())
    return by_kind(each for each in told if each.execution_arn == arn)


def by_kind(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        kinds[finding.kind].append(finding)
    return dict(kinds)


def reasons(told: dict[str, list[Finding]]) -> dict[str, Finding]:
    """Give what could not be seen, by the reason why."""
    return {finding.data["reason"]: finding for finding in told.get("unseen", [])}


def reported(*records: Received, now: datetime | None = None) -> Report:
    return Report(trace_of(*records).as_of(), now=now)


def text_of(document: Document, width: int = 200) -> str:
    out = io.StringIO()
    write_text(document, out, width)
    return out.getvalue()


def explained(*records: Received) -> str:
    return text_of(explain(reported(*records)))


def task_arn(number: int) -> str:
    return f"arn:aws:ecs:ap-northeast-1:123456789012:task/my-cluster/{number:032x}"


def done(number: int, stopped: float) -> dict[str, Any]:
    """Give the answer of a task that stopped so many seconds after the start."""
    return {"TaskArn": task_arn(number), "StoppedAt": milliseconds(stopped)}


def last_call(seconds: float) -> Received:
    """Build a call by others, up to which the records reach at least."""
    return call("ListClusters", seconds, key="last", role=OTHER_ROLE, invoked_by=None)


def one_job(
    *, error: str | None = None, lasts: float = 99.0, lag: float = 1.0
) -> list[Received]:
    """Build a task that stops `lag` seconds before its state is over; or fails."""
    run = History().start(ROLE)
    submitted = answer("run-0", task_arn(0))
    if error is None:
        output = done(0, 0.4 + lasts - lag)
        run.task("Work", submitted=submitted, output=output, lasts=lasts)
    else:
        run.task("Work", submitted=submitted, error=error, lasts=lasts)
    return run.records


def many_jobs(count: int) -> list[Received]:
    """Build a Map whose iterations each run a task; each is polled for once."""
    run = History(pace=0.01).start()

    def work(number: int) -> Any:
        def write(history: History) -> None:
            arn, end = task_arn(number), history.now + 60.05
            history.task(
                "Work",
                submitted=answer(f"run-{number}", arn),
                output=done(number, end - 0.8 - number / 100),
                lasts=60,
            )

        return write

    records = run.map("Each", *map(work, range(count))).end().records
    for number in range(count):
        # The start is a tenth of a second into its own.
        begun = number * (60 + 9 * run.pace) + 0.102
        records.append(run_task(number, begun))
        records.append(describe_task(number, begun + 54 + number % 5))
    return records


def run_task(number: int, seconds: float, **more: Any) -> Received:
    response = {"tasks": [{"taskArn": task_arn(number)}], "failures": []}
    more.setdefault("response", response)
    more.setdefault("key", f"run-{number}-{seconds}")
    more.setdefault("request_id", f"run-{number}")
    return call("RunTask", seconds, **more)


def describe_task(number: int, seconds: float, **more: Any) -> Received:
    more.setdefault("parameters", {"cluster": "c", "tasks": [task_arn(number)]})
    more.setdefault("key", f"poll-{number}-{seconds}")
    return call("DescribeTasks", seconds, **more)
