"""Histories whose events lead anywhere: AWS writes none of them, a file may.

An event follows itself, one that comes later, or another in a circle; its id may be 0,
which stands for none. All that reads them must come to its end, and to the same in any
order.
"""

from dataclasses import dataclass
from io import StringIO
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from sfnwatch.export.text import dump
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.model.laws import is_the_same_in_any_order
from tests.model.machines import dice_of

_STATES = ("Task", "Parallel", "Map", "Pass", "Fail")
_KINDS = (
    *(f"{kind}StateEntered" for kind in _STATES),
    *(f"{kind}StateExited" for kind in _STATES if kind != "Fail"),
    *("TaskScheduled", "TaskStarted", "TaskFailed", "TaskStateAborted"),
    *("ParallelStateStarted", "ParallelStateFailed", "MapStateStarted"),
    *("MapIterationStarted", "MapIterationFailed", "EvaluationFailed"),
    *("ExecutionRedriven", "ExecutionSucceeded", "ExecutionFailed"),
)
_IDS = st.integers(0, 6)


@dataclass(frozen=True)
class _Odd:
    """An event, and the one it says it follows."""

    kind: str
    number: int
    previous: int
    name: str = "A"

    @property
    def record(self) -> Received:
        details: dict[str, Any] = {"name": self.name, "state": self.name, "index": 0}
        return aws.event(
            self.number, self.kind, self.number, previous=self.previous, **details
        )


_EVENTS = st.builds(_Odd, st.sampled_from(_KINDS), _IDS, _IDS, st.sampled_from("AB"))


@examples(80)
@given(
    st.lists(_EVENTS, min_size=1, max_size=8),
    st.sampled_from([None, "SUCCEEDED", "FAILED", "RUNNING"]),
    st.integers(0, 2**32),
)
@example([_Odd("TaskStateEntered", 0, 0)], "SUCCEEDED", 1)
@example(
    [
        _Odd("ParallelStateEntered", 0, 0),
        _Odd("ParallelStateStarted", 1, 0),
        _Odd("TaskStateEntered", 0, 1, "B"),
    ],
    "SUCCEEDED",
    1,
)
def test_whatever_events_follow_on_each_other_all_is_told_and_alike_in_any_order(
    events: list[_Odd], status: str | None, seed: int
) -> None:
    records = [event.record for event in events]
    if status is not None:
        records.append(aws.describe(status, seen=20, stopped=10))
    is_the_same_in_any_order(records, dice_of(seed))
    trace = Trace()
    trace.add(records)
    assert trace.unread == {e.record.data for e in events if not e.number}
    dump(trace.as_of(), StringIO())
