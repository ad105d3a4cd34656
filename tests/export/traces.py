"""Traces to export, by name, and what comes out."""

from collections.abc import Iterable
from functools import cache
from io import StringIO
from typing import Any

from sfnwatch.export import TARGETS
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from tests import builders as aws

WITHOUT_CALLS = frozenset({"flowchart"})
"""The formats that show no calls: a flowchart is that of a state machine."""
_OUT_OF_PAPER: Any = {"error": "OutOfPaper", "cause": "Printer 2 is out of paper"}


def _shop() -> list[Received]:
    """Build a run with a Choice, a Parallel, a Map, retries and a caught error."""
    run = aws.History(pace=0.2).start().state("Big order?", "Choice")
    run.parallel(
        "Prepare",
        lambda branch: branch.task("Render", aws.LAMBDA),
        lambda branch: branch.state("Index", "Wait", wait=3),
    )
    run.map("Each", *[lambda item: item.task("Label", aws.LAMBDA)] * 3)
    run.task("Charge", aws.LAMBDA, retried=["Busy"], caught=True, **_OUT_OF_PAPER)
    run.state("Done", "Succeed")
    return run.end().records


def _failing() -> list[Received]:
    run = aws.History().start().task("Import", error="States.TaskFailed", cause="no")
    return [
        *run.end("Failed", error="States.TaskFailed", cause="no").records,
        aws.call("RunTask", 1, key="run", error=("ClusterNotFoundException", "None")),
    ]


def _several() -> list[Received]:
    names = ("sync", "async", "sdk")
    whichs = (aws.SYNC, aws.REQUEST_RESPONSE, aws.SDK)
    records: list[Received] = []
    for number, (name, which) in enumerate(zip(names, whichs, strict=True)):
        arn = f"{aws.HEAD}:execution:run-task-{name}:three-ways-{name}-20231115T0028"
        task = aws.TASK_ARN[:-1] + str(number)
        run = aws.History(arn, begin=number).start()
        run.task("ECS RunTask", which, submitted=aws.answer(f"req-{name}", task))
        records += run.end().records
        records.append(
            aws.call("RunTask", number + 1, key=f"run-{name}", request_id=f"req-{name}")
        )
    return records


RECORDS = {
    "sync": aws.sync_run(),
    "denied": aws.sync_run(denied=True),
    "running": aws.sync_run()[:9],
    "tasks": [*aws.sync_run(), *aws.task_life()],
    "shop": _shop(),
    "failing": _failing(),
    "redriven": aws.redriven_run(),
    "nested": aws.nested_run(),
    "photos": aws.photos(),
    "several": _several(),
    "express": [aws.logged(record) for record in aws.sync_history()],
    "calls alone": aws.sync_calls(denied=True),
    "rows": [aws.row("RunTask", 1), aws.row("DescribeTasks", 60)],
    "nothing": [],
}


def trace_of(records: Iterable[Received]) -> Trace:
    trace = Trace()
    trace.add(list(records))
    return trace


def printed(target: str, records: Iterable[Received]) -> str:
    """Export records, as `--to` does."""
    out = StringIO(newline="")
    TARGETS[target].dump(trace_of(records).as_of(), out)
    return out.getvalue()


@cache
def export(target: str, name: str) -> str:
    """Export one of the traces above."""
    return printed(target, RECORDS[name])
