"""What DescribeExecution tells of a redrive: one that came, may come, or can't."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sfnwatch.trace.text import clean
from sfnwatch.trace.times import maybe_time

EVERY = 60.0
"""Seconds between looks at what may be redriven: DescribeExecution refills ten a
second for the whole account, and nobody redrives within the minute."""
REDRIVABLE = timedelta(days=14)
"""So long after its end an execution may be redriven."""
_CAN = frozenset({"REDRIVABLE", "REDRIVABLE_BY_MAP_RUN"})
_PENDING = "PENDING_REDRIVE"
_ENDED_BADLY = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
_REASON = 200

Answer = Mapping[str, Any]


def count_of(answer: Answer) -> int:
    """Give how often it was redriven, as far as the answer says."""
    count = answer.get("redriveCount")
    return count if isinstance(count, int) else 0


def is_under_way(answer: Answer, known: int) -> bool:
    """True where a redrive has begun, or waits for its turn; `known` are over.

    The answer is eventually consistent: RUNNING alone may be of old.
    """
    status = answer.get("status")
    if status == _PENDING:
        return True
    return status == "RUNNING" and count_of(answer) > known


def redrivable_until(answer: Answer, now: datetime) -> datetime | None:
    """Give until when it may be redriven; None if it may not, or no more."""
    status = answer.get("status")
    can = answer.get("redriveStatus")
    if status not in _ENDED_BADLY or can not in {None, *_CAN}:
        return None
    stopped = maybe_time(answer.get("stopDate"))
    until = (stopped or now) + REDRIVABLE
    return until if until > now else None


def why_not(answer: Answer) -> str:
    """Say why it can't be redriven, in AWS's words; nothing where it need not be."""
    reason = answer.get("redriveStatusReason")
    if answer.get("status") not in _ENDED_BADLY or not isinstance(reason, str):
        return ""
    return f"It can't be redriven: {clean(reason, _REASON)}."


def same(answer: Answer, other: Answer) -> bool:
    """True where two answers tell the same of a redrive."""
    keys = ("status", "redriveCount", "redriveStatus", "redriveStatusReason")
    return all(answer.get(key) == other.get(key) for key in keys)
