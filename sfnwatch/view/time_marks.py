"""Round marks on an axis of time, and the stretches of it that are left out."""

import re
from collections.abc import Iterator
from datetime import datetime
from math import ceil, floor

from sfnwatch.analysis.wording import decimal, spoken
from sfnwatch.model.snapshot import Snapshot

_STEPS = (
    *(n / 1000 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
    *(86400 * n * 10**power for power in range(7) for n in (1, 2, 5)),
)
"""Round numbers of seconds."""
_SOON = 0.0002
_MINUTE = 60
_ROUNDED = 1e-6


def round_marks(first: float, last: float, apart: float) -> Iterator[tuple[float, str]]:
    """Yield round seconds in a stretch, at least so far apart, and their labels."""
    step = next((step for step in _STEPS if step >= apart), apart)
    begin = ceil(first / step - _ROUNDED)
    end = floor(last / step + _ROUNDED)
    for number in range(begin, end + 1):
        yield number * step, _since_start(number * step)


def _since_start(seconds: float) -> str:
    """Write how long after the start: `0`, `+45 s`, `+1m 30s`, `+2h`, `+0.25 s`."""
    if seconds < _SOON:
        return "0"
    words = spoken(seconds) if seconds >= _MINUTE else f"{decimal(seconds, 3)} s"
    return "+" + re.sub("( 00[smh])+$", "", words)


def stops(snapshot: Snapshot) -> Iterator[tuple[datetime, datetime]]:
    """Yield the time between an end and a redrive, where it is all there is.

    Weeks may lie between.
    """
    for execution in snapshot.roots.values():
        for redrive in execution.redrives if len(snapshot.roots) == 1 else ():
            if redrive.ended is not None:
                yield redrive.ended.at, redrive.event.at
