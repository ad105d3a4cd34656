"""Round marks on a time axis, and the stretches of time that the axis leaves out."""

import re
from collections.abc import Iterator
from datetime import datetime
from math import ceil, floor

from sfnwatch.analysis.quantities import decimal, spoken
from sfnwatch.model.snapshot import Snapshot

_MINUTE = 60
_HOUR = 3600
_DAY = 86400
_STEPS = (
    *(n / 1000 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n * 10**power for power in range(7) for n in (1, 2, 5)),
)
"""The possible distances between marks: round numbers of seconds."""
_ZERO_SECONDS = 0.0002
"""A time of fewer seconds is written as 0."""
_ROUNDING = 1e-6
"""The tolerance for rounding errors, which could leave out the mark at an end."""


def round_marks(first: float, last: float, apart: float) -> Iterator[tuple[float, str]]:
    """Yield round seconds between `first` and `last`, with labels.

    They are at least `apart` seconds apart.
    """
    step = next((step for step in _STEPS if step >= apart), apart)
    begin = ceil(first / step - _ROUNDING)
    end = floor(last / step + _ROUNDING)
    for number in range(begin, end + 1):
        seconds = number * step
        yield seconds, _since_start(seconds)


def _since_start(seconds: float) -> str:
    """Return a time since the start: `0`, `+45 s`, `+1m 30s`, `+2h`, `+0.25 s`."""
    if seconds < _ZERO_SECONDS:
        return "0"
    words = spoken(seconds) if seconds >= _MINUTE else f"{decimal(seconds, 3)} s"
    return "+" + re.sub("( 00[smh])+$", "", words)


def stops(snapshot: Snapshot) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times between an end and a redrive, which may be weeks apart.

    Nothing is yielded for several root executions.
    """
    if len(snapshot.roots) != 1:
        return
    for execution in snapshot.roots.values():
        for redrive in execution.redrives:
            if redrive.ended is not None:
                yield redrive.ended.at, redrive.event.at
