"""A trace as text with both lanes side by side, for an editor or a mail.

States stand left with their rails and times, calls right with their seconds. An arrow
joins a phase to the call it made, where they are tied. What the trace shows stands
below, in sentences. All times are UTC.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from sfnwatch.export.report_words import IN_SHORT
from sfnwatch.export.text_rails import Rails, draw_rails
from sfnwatch.export.text_words import (
    call_text,
    fold,
    heading,
    pad,
    state_text,
    width,
)
from sfnwatch.trace.findings import Finding
from sfnwatch.trace.heads import labels
from sfnwatch.trace.lanes import Lane, Lanes, Row, build_lanes
from sfnwatch.trace.report import report
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace

_LEFT, _TIME = 60, 12
"""Cells for the rails and words of the states; what is longer takes further lines."""
_SEAM, _FAR = "━", 40
"""Drawn across both lanes where the execution was redriven."""
_ARROW, _NO_ARROW = "  ───▶  ", " " * 8
_LABEL = 40
"""No label of an execution takes more characters."""
_WORDS = 24
"""However many rails there are, words have so many cells."""
_MANY_CALLS = "calls of others, or of X-Ray, are"
_SENTENCE, _CERTAINTY = 96, 11


def dump(trace: Trace, out: TextIO) -> None:
    """Print the text; equal traces give equal texts."""
    out.writelines(f"{line.rstrip()}\n" for line in _lines(trace))


def _lines(trace: Trace) -> Iterator[str]:
    lanes, tags = build_lanes(trace), _tags(trace)
    for arn, timeline in trace.timelines.items():
        yield f"{tags[arn]}{heading(timeline)}"
    yield ""
    if lanes.rows:
        yield _line("STEP FUNCTIONS", "UTC", _NO_ARROW, "UTC       CALLS")
        yield from _rows(lanes, tags)
    else:
        yield "Nothing has happened yet."
    yield from _findings(trace, tags)
    yield from _left_out(trace, lanes)


def _tags(trace: Trace) -> Mapping[str, str]:
    """Tell executions apart by what their names do not have in common."""
    each = list(trace.timelines.values())
    if len(each) < 2:  # noqa: PLR2004
        return {timeline.execution_arn: "" for timeline in each}
    names = [(t.name, t.state_machine_name or "") for t in each]
    told = labels(names, _LABEL)
    return {t.execution_arn: f"[{tag}] " for t, tag in zip(each, told, strict=True)}


def _line(left: str, time: str, arrow: str, right: str) -> str:
    return f"{pad(left, _LEFT)}  {time:<{_TIME}}{arrow}{right}"


# -- rows ------------------------------------------------------------------------


def _rows(lanes: Lanes, tags: Mapping[str, str]) -> Iterator[str]:
    day, before, drawn, above = None, None, "", ""
    for place, (row, rails) in enumerate(
        zip(lanes.rows, draw_rails(lanes.rows), strict=True)
    ):
        if row.key == drawn:
            continue
        if row.at.date() != day:
            day = row.at.date()
            yield _line(above, f"{day}", "", "")
        above = rails.after
        if row.lane is not Lane.STATES:
            arn = row.link.execution_arn if row.link else None
            tag = tags.get(arn or "", "")
            told = call_text(row, placed=rails.open > 1 or bool(tag), tag=tag)
            # A call's time stands with it, a task's has milliseconds as a state's.
            time = "" if row.call is not None else _time(row)
            yield _line(rails.before, time, _NO_ARROW, told)
            continue
        made = _made(row, lanes, place)
        drawn = made.key if made else ""
        yield from _state(row, rails, made, tags, named=_owner(row) != before)
        before = _owner(row)


def _time(row: Row) -> str:
    return row.at.strftime("%H:%M:%S.%f")[:_TIME]


def _made(row: Row, lanes: Lanes, place: int) -> Row | None:
    """Find the call that a phase made, if it is the very next row."""
    after = lanes.rows[place + 1] if place + 1 < len(lanes.rows) else None
    return after if after is not None and after.key == row.causes else None


def _owner(row: Row) -> tuple[str | None, int]:
    return row.execution_arn, row.visit.id if row.visit else 0


def _state(
    row: Row, rails: Rails, made: Row | None, tags: Mapping[str, str], *, named: bool
) -> Iterator[str]:
    tag = tags.get(row.execution_arn or "", "")
    words = f"{tag}{state_text(row, named=named)}"
    cells = max(_WORDS, _LEFT - len(rails.before))
    first, *more = [*fold(words, cells)] or [words]
    time = _time(row)
    if row.redrive is not None:
        left = f"{rails.before}{first} "
        seam = _SEAM * (_LEFT - width(left))
        yield _line(f"{left}{seam}", time, f" {_SEAM * 7}", _SEAM * _FAR)
    elif made is None:
        yield _line(f"{rails.before}{first}", time, "", "")
    else:
        call = call_text(made, placed=False)
        yield _line(f"{rails.before}{first}", time, _ARROW, call)
    for line in more:
        yield f"{rails.after}  {line}"


# -- below -----------------------------------------------------------------------


def _findings(trace: Trace, tags: Mapping[str, str]) -> Iterator[str]:
    """Tell what it shows: in short, of each execution, and of all of it together."""
    told = report(trace)
    yield from _told(IN_SHORT.upper(), told.conclusions)
    for arn in trace.timelines:
        yield from _told(f"{tags[arn]}WHAT IT SHOWS", told.findings_of(arn))
    yield from _told("ALL OF IT TOGETHER", told.findings_of(None))


def _told(head: str, found: Sequence[Finding]) -> Iterator[str]:
    if found:
        yield ""
        yield head
    for finding in found:
        label = f"{finding.certainty}"
        for line in fold(clean(finding.text), _SENTENCE):
            yield f"{label:<{_CERTAINTY}}{line}"
            label = ""


def _left_out(trace: Trace, lanes: Lanes) -> Iterator[str]:
    hidden, unread = lanes.hidden, len(trace.unread)
    if hidden or unread:
        yield ""
    if hidden:
        words = "call of others, or of X-Ray, is" if hidden == 1 else _MANY_CALLS
        yield f"{hidden} {words} not shown."
    if unread:
        yield f"{unread} record{'' if unread == 1 else 's'} could not be read."
