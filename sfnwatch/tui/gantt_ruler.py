"""The lines above the bars: moments in round numbers, and how far silences go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

from msgspec import Struct
from rich.cells import cell_len

from sfnwatch.tui.gantt_axis import SQUEEZED, Axis

_STEPS = (
    *(n / 1000 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * n for n in (1, 2, 5, 10, 15, 30)),
    *(3600 * n for n in (1, 2, 3, 6, 12)),
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_APART, _SECONDS_APART = 9, 13
"""Columns from one mark to the next, at least: their labels have to fit."""


class Scale(Struct, frozen=True):
    """What the marks count from: a start, or a clock's midnight."""

    origin: datetime
    zone: tzinfo = UTC
    clock: bool = False


class Mark(Struct, frozen=True):
    column: int
    label: str


def marks(axis: Axis, scale: Scale) -> tuple[Mark, ...]:
    """Find the round moments of an axis, none within a squeezed stretch."""
    step = _step(_APART / axis.scale)
    if scale.clock and step < _MINUTE:
        step = _step(_SECONDS_APART / axis.scale)
    origin = _midnight(axis.begin, scale.zone) if scale.clock else scale.origin
    before = (axis.begin - origin).total_seconds()
    found: list[Mark] = []
    for seconds in _multiples(axis, before, step):
        at = origin + timedelta(seconds=seconds)
        column = floor(axis.column(at) + 1e-6)
        if column < axis.width:
            label = _time_of_day(at, step, scale) if scale.clock else _run(seconds)
            found.append(Mark(column, label))
    return tuple(found)


def _multiples(axis: Axis, before: float, step: float) -> Iterator[float]:
    for (t0, c0), (t1, c1), cut in axis.stretches():
        if cut or c1 <= c0:
            continue
        first = ceil((before + t0) / step - 1e-9)
        last = floor((before + t1) / step + 1e-9)
        # A stretch between silences is drawn wider than to scale.
        for n in range(first, min(last, first + axis.width) + 1):
            yield n * step


def _step(least: float) -> float:
    """Find the smallest round number of seconds that is not less; days go 1, 2, 5."""
    for step in _STEPS:
        if step >= least:
            return step
    unit = float(_DAY)
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            if step >= least:
                return step
        unit *= 10


def _midnight(at: datetime, zone: tzinfo) -> datetime:
    there = local(at, zone)
    passed = timedelta(
        hours=there.hour,
        minutes=there.minute,
        seconds=there.second,
        microseconds=there.microsecond,
    )
    # In the first hours of the year 1 there is no midnight before.
    first = datetime.min.replace(tzinfo=UTC)
    return at - passed if at - first > passed else first


def local(at: datetime, zone: tzinfo) -> datetime:
    """Turn a time to a zone's; at the rim of the calendar it stays as it is."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


def _time_of_day(at: datetime, step: float, scale: Scale) -> str:
    there = local(at, scale.zone)
    if step >= _DAY:
        return f"{there.day:02} {there:%b} {there.year}"
    if step >= _MINUTE:
        return f"{there:%H:%M}"
    if step >= 1:
        return f"{there:%H:%M:%S}"
    return f"{there:%H:%M:%S}.{there.microsecond // 1000:03}".rstrip("0").rstrip(".")


def _run(seconds: float) -> str:
    """Write how long after the start: `0`, `+45s`, `+1m30s`, `+2h`, `+0.25s`."""
    milliseconds = round(abs(seconds) * 1000)
    if not milliseconds:
        return "0"
    rest, fraction = divmod(milliseconds, 1000)
    minutes, rest = divmod(rest, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    words = "".join(f"{n}{u}" for n, u in ((days, "d"), (hours, "h")) if n)
    words += f"{minutes}m" if minutes else ""
    if fraction:
        words += f"{rest}.{fraction:03}".rstrip("0") + "s"
    elif rest:
        words += f"{rest}s"
    return f"{'−' if seconds < 0 else '+'}{words}"


def short(seconds: float) -> str:
    """Write a length in three cells: `45s`, `12m`, `3h`, `20d`, and more roughly."""
    units = (("s", 1), ("m", _MINUTE), ("h", _HOUR), ("d", _DAY), ("y", 365 * _DAY))
    for unit, size in units:
        count = round(seconds / size)
        if count < 100:  # noqa: PLR2004 - two digits and the unit
            return f"{count}{unit}"
    return ">9y"


def label_line(axis: Axis, found: tuple[Mark, ...]) -> tuple[str, str]:
    """Write the labels of the marks, and on a line alike those of the silences."""
    labels, silences = [" "] * axis.width, [" "] * axis.width
    taken = [False] * axis.width
    for column, seconds in axis.squeezed():
        _write(silences, column, short(seconds)[:SQUEEZED])
        taken[column : column + SQUEEZED] = [True] * SQUEEZED
    for mark in found:
        size = cell_len(mark.label)
        end = mark.column + size
        if end <= axis.width and not any(taken[max(0, mark.column - 1) : end + 1]):
            _write(labels, mark.column, mark.label)
            taken[mark.column : end] = [True] * size
    return "".join(labels), "".join(silences)


def _write(line: list[str], column: int, text: str) -> None:
    line[column : column + len(text)] = text[: len(line) - column]
