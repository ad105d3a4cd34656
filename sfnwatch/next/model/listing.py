"""Executions to choose from: what one step of listing them has brought."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from sfnwatch.next.model.map_run import ListedExecution


class ListedBy(StrEnum):
    """What executions are listed by."""

    MACHINE = "state machine"
    MAP_RUN = "Map Run"


class LeftOut(Struct, frozen=True):
    """A state machine whose executions are not listed, and why."""

    machine: str
    reason: str
    express: bool = False
    """True where it is nobody's fault: AWS lists none of an Express machine's."""


class Listing(Struct, frozen=True):
    """What one step of listing has brought, and how far it has come."""

    executions: tuple[ListedExecution, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    asked: int = 0
    """State machines, or Map Runs, asked for so far."""
    known: int = 0
    """State machines, or Map Runs, known of so far."""
    more: bool = False
    """True when there are more of them than are known of."""
    spent: bool = False
    """True when as much was asked as should be at once: go on only if it is wanted."""
    by: ListedBy = ListedBy.MACHINE


def newest(executions: Iterable[ListedExecution]) -> ListedExecution | None:
    """Give the one that was started last."""
    started = [each for each in executions if each.started_at is not None]
    return max(started, key=_started, default=None)


def _started(execution: ListedExecution) -> tuple[float, str]:
    at = execution.started_at
    return (at.timestamp() if at else 0.0, execution.arn)
