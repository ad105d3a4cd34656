"""Families of executions: records of who began whom, by hand and at random.

Synthetic, in the shapes of recorded ones: what a parent's history says of an execution
it started and of a Map Run, what DescribeMapRun and ListExecutions answer.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import iso
from tests.builders import ACCOUNT, REGION, ROLE, START, definition, event

HEAD = f"arn:aws:states:{REGION}:{ACCOUNT}"
RUN_ID = "276e5993-0000-4000-8000-0000000000"
WAITING = "startExecution.sync:2"
LETTING_GO = "startExecution"
HOSTILE = "arn:\x1b]8;;evil\x07 [b]x[/b]\u202e\ud800"
"""No ARN, and nothing that a terminal should see."""


def execution(number: int, machine: str = "photos") -> str:
    return f"{HEAD}:execution:{machine}{number}:job{number}"


def run_arn(number: int, machine: str = "photos0") -> str:
    return f"{HEAD}:mapRun:{machine}/Each:{RUN_ID}{number:02}"


def child_of_run(run: int, number: int) -> str:
    """Give the ARN of one of a Map Run's executions, whose name is a random id."""
    return f"{HEAD}:execution:photos0/Each:{number:08}-{run:04}-4000-8000-00000000abcd"


@dataclass(frozen=True)
class Starts:
    """A Task that starts an execution, and waits for it or does not."""

    arn: str
    resource: str = WAITING


@dataclass(frozen=True)
class Maps:
    """A Distributed Map, with a run for each of its tries."""

    runs: tuple[str, ...]


@dataclass(frozen=True)
class Both:
    """A Parallel around other states, each a branch of its own."""

    branches: tuple["Does", ...]


Does = Starts | Maps | Both | None
"""What a state does; None: it waits."""


class Writer:
    """Writes the history of one execution, an event every `pace` seconds."""

    def __init__(self, arn: str, begin: float = 0.0, pace: float = 0.1) -> None:
        self.arn, self.records = arn, list[Received]()
        self._at, self._pace = begin, pace

    def add(self, kind: str, *, previous: int | None = None, **details: Any) -> int:
        number = len(self.records) + 1
        self._at += self._pace
        self.records.append(
            event(number, kind, self._at, previous=previous, arn=self.arn, **details)
        )
        return number

    def state(self, does: Does, name: str, *, previous: int | None, last: bool) -> None:
        """Write a state from its start to its end or, if `last`, for now."""
        if isinstance(does, Starts):
            self._starts(does, name, previous, last=last)
        elif isinstance(does, Maps):
            self._maps(does, name, previous, last=last)
        elif isinstance(does, Both):
            self._both(does, name, previous, last=last)
        else:
            self.add("WaitStateEntered", previous=previous, name=name)
            if not last:
                self.add("WaitStateExited", name=name)

    def _starts(
        self, does: Starts, name: str, previous: int | None, *, last: bool
    ) -> None:
        task: dict[str, Any] = {"resourceType": "states", "resource": does.resource}
        answer = json.dumps({"ExecutionArn": does.arn, "StartDate": 1})
        self.add("TaskStateEntered", previous=previous, name=name)
        self.add("TaskScheduled", region=REGION, parameters="{}", **task)
        self.add("TaskStarted", **task)
        if does.resource == WAITING:
            self.add("TaskSubmitted", output=answer, **task)
            if last:
                return
        self.add("TaskSucceeded", output=answer, **task)
        self.add("TaskStateExited", name=name)

    def _maps(self, does: Maps, name: str, previous: int | None, *, last: bool) -> None:
        self.add("MapStateEntered", previous=previous, name=name)
        self.add("MapStateStarted", length=0)
        for number, arn in enumerate(does.runs, 1):
            self.add("MapRunStarted", mapRunArn=arn)
            if number < len(does.runs):
                self.add("MapRunFailed", error="States.ItemReaderFailed")
            elif not last:
                self.add("MapRunSucceeded")
        if not last:
            self.add("MapStateExited", name=name)

    def _both(self, does: Both, name: str, previous: int | None, *, last: bool) -> None:
        self.add("ParallelStateEntered", previous=previous, name=name)
        started = self.add("ParallelStateStarted")
        for number, branch in enumerate(does.branches):
            self.state(branch, f"{name}-{number}", previous=started, last=last)
        if not last:
            self.add("ParallelStateSucceeded")
            self.add("ParallelStateExited", name=name)


def history(
    arn: str,
    *states: Does,
    begin: float = 0.0,
    ended: bool = True,
    error: str | None = None,
    pace: float = 0.1,
) -> list[Received]:
    """Write the history of an execution that does some things one after the other."""
    writer = Writer(arn, begin, pace)
    writer.add("ExecutionStarted", input="{}", roleArn=ROLE)
    for number, does in enumerate(states):
        last = not ended and number + 1 == len(states)
        writer.state(does, f"S{number}", previous=None, last=last)
    if error is not None:
        writer.add("ExecutionFailed", error=error, cause="It did not work.")
    elif ended:
        writer.add("ExecutionSucceeded", output="{}")
    return writer.records


def listing(
    run: str, *children: tuple[str, str], at: float = 60, begin: float = 1
) -> Received:
    """Build a page of a Map Run's executions: of each its ARN and its status."""
    moment = START + timedelta(seconds=at)
    items: list[dict[str, Any]] = []
    for number, (arn, status) in enumerate(children):
        begun = START + timedelta(seconds=begin + number / 10)
        item: dict[str, Any] = {
            "executionArn": arn,
            "stateMachineArn": f"{HEAD}:stateMachine:photos0/Each",
            "name": arn.rpartition(":")[2],
            "status": status,
            "startDate": iso(begun),
            "mapRunArn": run,
            "itemCount": 1,
        }
        if status != "RUNNING":
            item["stopDate"] = iso(begun + timedelta(seconds=3))
        items.append(item)
    return Received(moment, From.CHILDREN, execution(0), {"executions": items})


def counted(
    run: str,
    *,
    at: float = 60,
    status: str = "RUNNING",
    parent: str | None = None,
    **counts: int,
) -> Received:
    """Build an answer of DescribeMapRun."""
    moment = START + timedelta(seconds=at)
    keys = ("pending", "running", "succeeded", "failed", "timedOut", "aborted")
    told = {key: counts.get(key, 0) for key in keys}
    told |= {"total": counts.get("total", sum(told.values())), "resultsWritten": 0}
    data: dict[str, Any] = {
        "mapRunArn": run,
        "executionArn": parent or execution(0),
        "status": status,
        "startDate": iso(START + timedelta(seconds=0.5)),
        "maxConcurrency": 40,
        "toleratedFailurePercentage": 5.0,
        "toleratedFailureCount": 0,
        "itemCounts": told,
        "executionCounts": told,
        "redriveCount": 0,
    }
    if status != "RUNNING":
        data["stopDate"] = iso(moment)
    return Received(moment, From.MAP_RUN, parent or execution(0), data)


def described(arn: str, run: str | None = None, status: str = "RUNNING") -> Received:
    """Build DescribeExecution's answer, of an execution of a Map Run if need be."""
    data: dict[str, Any] = {
        "executionArn": arn,
        "stateMachineArn": f"{HEAD}:stateMachine:photos",
        "name": arn.rpartition(":")[2],
        "status": status,
        "startDate": iso(START),
    }
    if run is not None:
        data["mapRunArn"] = run
    return Received(START + timedelta(seconds=2), From.DESCRIBE, arn, data)


def defined(arn: str) -> Received:
    """Build what says how an execution is defined: it has no moment of its own."""
    return definition({"S0": {"Type": "Wait"}}, start_at="S0", arn=arn)


# -- by hand -----------------------------------------------------------------------


def three_levels() -> list[Received]:
    """Build a parent whose Task starts a child, which starts a grandchild."""
    return [
        *history(execution(0), None, Starts(execution(1)), None, ended=False),
        *history(execution(1), Starts(execution(2)), begin=1),
        *history(execution(2), None, begin=2),
    ]


def photos(count: int = 4, *, failing: int = 1, read: int = 2) -> list[Received]:
    """Build a parent with a Map Run; some of its executions' histories are here."""
    run = run_arn(0)
    arns = [child_of_run(0, number) for number in range(count)]
    told = [
        (arn, "FAILED" if number < failing else "SUCCEEDED")
        for number, arn in enumerate(arns)
    ]
    records = [
        *history(execution(0), Maps((run,)), None),
        counted(run, at=50, running=count),
        listing(run, *((arn, "RUNNING") for arn in arns), at=51),
        counted(
            run,
            at=61,
            status="SUCCEEDED",
            succeeded=count - failing,
            failed=failing,
        ),
        listing(run, *told, at=62),
    ]
    for number, arn in enumerate(arns[:read]):
        error = "Bad" if number < failing else None
        records += history(arn, None, begin=1 + number / 10, error=error)
    return records


# -- at random ---------------------------------------------------------------------

_MOST, _RUNS = 5, 3
"""Executions whose histories may be here, and Map Runs."""
_ARNS: Sequence[str] = (
    *map(execution, range(_MOST + 1)),
    *(child_of_run(run, number) for run in range(2) for number in range(2)),
    "no ARN",
    HOSTILE,
)
"""What may be begun; of some no history comes, some are no ARNs."""
_MAP_RUNS: Sequence[str] = (*map(run_arn, range(_RUNS)), "no Map Run", execution(1))
_STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", HOSTILE)


_STARTS = st.builds(
    Starts, st.sampled_from(_ARNS), st.sampled_from([WAITING, LETTING_GO])
)
_MAPS = st.builds(
    Maps, st.lists(st.sampled_from(_MAP_RUNS), min_size=1, max_size=2).map(tuple)
)
_SIMPLE: st.SearchStrategy[Does] = st.none() | _STARTS | _MAPS
_BOTH = st.builds(Both, st.lists(_SIMPLE, min_size=1, max_size=2).map(tuple))
_HISTORY = st.tuples(
    st.sampled_from(_ARNS[:-2]),
    st.lists(_SIMPLE | _BOTH, max_size=3),
    st.integers(0, 30),
    st.booleans(),
)
_PAGE = st.builds(
    lambda run, children, at: listing(run, *children, at=at),
    st.sampled_from(_MAP_RUNS),
    st.lists(st.tuples(st.sampled_from(_ARNS), st.sampled_from(_STATUSES)), max_size=4),
    st.integers(40, 43),
)
_COUNTS = st.builds(
    lambda run, parent, status, at, failed: counted(
        run, parent=parent, status=status, at=at, failed=failed, running=2
    ),
    st.sampled_from(_MAP_RUNS),
    st.sampled_from(_ARNS[:3]),
    st.sampled_from(_STATUSES),
    st.integers(40, 43),
    st.integers(0, 3),
)
_ANSWER = st.builds(
    lambda arn, run, how: described(arn, run) if how else defined(arn),
    st.sampled_from(_ARNS[:-2]),
    st.none() | st.sampled_from(_MAP_RUNS),
    st.booleans(),
)


def _records(
    histories: Sequence[tuple[str, Sequence[Does], int, bool]],
    answers: Sequence[Received],
) -> list[Received]:
    records: list[Received] = []
    told = {arn: (states, begin, ended) for arn, states, begin, ended in histories}
    told.setdefault(execution(0), ((), 0, True))
    for arn, (states, begin, ended) in told.items():
        records += history(arn, *states, begin=begin, ended=ended)
    return [*records, *answers]


FAMILIES: st.SearchStrategy[list[Received]] = st.builds(
    _records,
    st.lists(_HISTORY, max_size=_MOST),
    st.lists(_PAGE | _COUNTS | _ANSWER, max_size=6),
)
"""Records of executions that begin each other in whatever way.

Some say what AWS never does: circles, two that began the same, no ARNs.
"""


def arns_of(records: Sequence[Received]) -> Iterator[str]:
    """Yield the executions that records are of."""
    for record in records:
        if record.execution_arn and record.source in {
            From.HISTORY,
            From.DESCRIBE,
            From.DEFINITION,
        }:
            yield record.execution_arn
