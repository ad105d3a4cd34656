"""The two clocks a trace is read by: when things happened, and when we received them.

CloudTrail's records come minutes after the calls they tell of, so what was on the
screen at a moment and what had happened by then are different pictures.
"""

from datetime import datetime, timedelta
from enum import StrEnum

_REST_OF_SECOND = timedelta(milliseconds=999)


class Clock(StrEnum):
    """By which of the two clocks a trace is read."""

    ARRIVAL = "arrival"
    """Each record at the moment it reached us."""
    EVENT = "event"
    """Each record at the moment it tells of."""


def dated(clock: Clock, seen_at: datetime | None, at: datetime) -> datetime:
    """Give a record's moment by a clock; files do not say when they were received."""
    return seen_at or at if clock is Clock.ARRIVAL else at


def end_of_second(at: datetime) -> datetime:
    """Give the end of a call's second, by when it had surely happened.

    At its beginning it had perhaps not: there it would stand before what caused it.
    """
    return at + _REST_OF_SECOND
