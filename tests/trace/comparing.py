"""Pairs of executions for the tests of comparisons: small machines, told in a line."""

from collections.abc import Iterable, Sequence
from typing import Any

from sfnwatch.trace.compare import compare
from sfnwatch.trace.compare_values import (
    Comparison,
)
from sfnwatch.trace.events import Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ROLE, event

A = "arn:aws:states:ap-northeast-1:123456789012:execution:orders:run-a"
B = "arn:aws:states:ap-northeast-1:123456789012:execution:orders:run-b"
LAMBDA: dict[str, Any] = {"resourceType": "lambda", "resource": "invoke"}


class Story:
    """Writes the history of one execution, event after event, with its times."""

    def __init__(self, arn: str, *, at: float = 0, given: str = "{}") -> None:
        self.arn = arn
        self.at = at
        self.records: list[Received] = []
        self.add("ExecutionStarted", input=given, roleArn=ROLE)

    def add(self, kind: str, *, previous: int | None = None, **details: Any) -> int:
        number = len(self.records) + 1
        self.records.append(
            event(number, kind, self.at, previous=previous, arn=self.arn, **details)
        )
        return number

    def passes(self, *names: str, seconds: float = 1.0) -> "Story":
        """Go through states one after the other."""
        for name in names:
            self.add("PassStateEntered", name=name, input="{}")
            self.at += seconds
            self.add("PassStateExited", name=name, output="{}")
        return self

    def task(
        self,
        name: str,
        *tries: tuple[float, str | None],
        caught: bool = False,
        ends: bool = True,
        **resource: Any,
    ) -> "Story":
        """Run a Task: for each try its seconds, and the error it failed with."""
        row = resource or LAMBDA
        self.add("TaskStateEntered", name=name, input="{}")
        for seconds, error in tries:
            self.add("TaskScheduled", region="r", parameters="{}", **row)
            self.add("TaskStarted", **row)
            self.at += seconds
            if error is None:
                self.add("TaskSucceeded", output="{}", **row)
            else:
                self.add("TaskFailed", error=error, cause="c", **row)
        if ends and (tries[-1][1] is None or caught):
            self.add("TaskStateExited", name=name, output="{}")
        return self

    def map(self, name: str, lengths: Sequence[float]) -> "Story":
        """Run a Map whose iterations are one state each, one after the other."""
        self.add("MapStateEntered", name=name, input="[]")
        started = self.add("MapStateStarted", length=len(lengths))
        for index, seconds in enumerate(lengths):
            each: dict[str, Any] = {"name": name, "index": index}
            self.add("MapIterationStarted", previous=started, **each)
            self.passes("Work", seconds=seconds)
            self.add("MapIterationSucceeded", **each)
        self.add("MapStateSucceeded")
        self.add("MapStateExited", name=name, output="[]")
        return self

    def ends(self, kind: str = "ExecutionSucceeded", **details: Any) -> list[Received]:
        self.add(kind, **details)
        return self.records


def comparison(*records: Iterable[Received]) -> Comparison:
    """Compare the two stories of A and B."""
    return compare(trace_of(*records), A, B)


def trace_of(*records: Iterable[Received]) -> Trace:
    return extend(Trace(), [record for some in records for record in some])
