"""The time of the executions: calls of any other are not theirs, whoever made them.

A role outlives its executions: in a queue, or in what LookupEvents keeps, lie the calls
of every run before and after. By every way the same calls are kept.
"""

from datetime import datetime, timedelta

from sfnwatch.sources.subjects import Subjects

BEFORE_START = timedelta(seconds=5)
AFTER_END = timedelta(minutes=15)
"""Calls may follow the end: that stop a job, or look after one not waited for."""

Span = tuple[datetime | None, datetime | None]
"""From when to when; None where it is not known, or not over."""


def span(subjects: Subjects) -> Span:
    """Give the time of the executions, as far as it is known by now."""
    started, stopped = subjects.started_at, subjects.stopped_at
    return (
        None if started is None else started - BEFORE_START,
        None if stopped is None else stopped + AFTER_END,
    )


def is_within(at: datetime, time: Span) -> bool:
    first, last = time
    return (first is None or first <= at) and (last is None or at <= last)
