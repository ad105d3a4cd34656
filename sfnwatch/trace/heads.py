"""Executions as they are told of above their rows, and how they are told apart."""

import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline

_WORDS = re.compile(r"[^\W_]+")
"""What a name is made of, between hyphens and the like."""
_PASSING = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
"""A state with one of these is over once its call was answered."""


class Head(Struct, frozen=True):
    """An execution, as far as it is told of above its rows."""

    execution_arn: str
    name: str
    machine: str | None = None
    status: str = "UNKNOWN"
    """AWS's word."""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    runs: tuple[Attempt, ...] = ()
    """The first try of each thing that its Tasks run."""

    @property
    def left_behind(self) -> str:
        """Name the job that was begun and not waited for: a task, an execution.

        Empty while it runs, and where there is none.
        """
        if self.stopped_at is None:
            return ""
        for attempt in self.runs:
            row = attempt.integration
            if row is not None and row.starts_job and attempt.pattern in _PASSING:
                return row.job_word
        return ""

    @property
    def whole_name(self) -> str:
        return f"{self.machine} › {self.name}" if self.machine else self.name


def head_of(timeline: Timeline) -> Head:
    """Say of an execution what stands above its rows."""
    runs: dict[tuple[str | None, str | None], Attempt] = {}
    for attempt in timeline.visits.attempts:
        runs.setdefault((attempt.resource_type, attempt.resource), attempt)
    return Head(
        execution_arn=timeline.execution_arn,
        name=timeline.name,
        machine=timeline.state_machine_name,
        status=timeline.status,
        started_at=timeline.started_at,
        stopped_at=timeline.stopped_at,
        runs=tuple(runs.values()),
    )


def labels(names: Sequence[tuple[str, str]], room: int) -> tuple[str, ...]:
    """Tell executions apart in at most `room` characters each, by what differs.

    `names` are those of each execution and of its machine. Of `sync-3b6` and `sdk-77f`
    the labels are `sync` and `sdk`: the first word that no two have in common, in the
    executions' names or else in the machines'; words come before numbers and the like.
    If nothing will do, they are numbered.
    """
    for lettered in (True, False):
        for each in zip(*names, strict=True) if names else ():
            words = [_WORDS.findall(clean(name)) for name in each]
            for told in zip(*words, strict=False):
                short = tuple(word[:room] for word in told)
                fits = not lettered or all(word.isalpha() for word in told)
                if fits and len(set(short)) == len(short) > 1:
                    return short
    return tuple(f"no. {number}"[:room] for number in range(1, len(names) + 1))
