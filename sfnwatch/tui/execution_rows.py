"""Executions as rows of a table."""

from collections.abc import Sequence
from datetime import datetime

from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.texts import clean
from sfnwatch.model.times import clock, duration
from sfnwatch.tui.columns import Cells, heads, in_columns
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.spans import Masks, Span
from sfnwatch.view.parts import Part, status_glyph

LIMIT = 200
"""Characters of a name that are shown."""
_MACHINE_FROM = 36
"""From this width on the state machine's name is shown."""
_TIME_FROM = 56
"""From this width on an execution's length is shown."""
_STATUS_FROM = 72
"""From this width on the status is a word, and an execution's start is shown."""
WIDE = 108
"""From this width on everything is shown in full."""


def row_spans(
    listed: ListedExecution,
    now: datetime,
    width: int,
    looks: Looks,
    *,
    note: Part = Part(""),  # noqa: B008 - a tuple
    glyph: Part | None = None,
    marked: bool = False,
    machine: bool = True,
) -> list[Span]:
    """Return the row of an execution that an AWS list has.

    `glyph` replaces the sign of its status; without `machine`, that column's room goes
    to the others.
    """
    glyph = glyph or status_glyph(listed.status)
    status = listed.status or "unknown"
    worded = f" {status.lower().replace('_', ' ')}" if width >= _STATUS_FROM else ""
    form = "%Y-%m-%d %H:%M:%S" if width >= WIDE else "%m-%d %H:%M:%S"
    at = looks.at(listed.started_at).strftime(form) if listed.started_at else ""
    seconds = listed.seconds(now)
    took = clock if listed.running else duration
    told = (listed.machine, listed.name, note.text)
    machine_name, name, more = (looks.mask(clean(text, LIMIT)) for text in told)
    cells: list[Span | Sequence[Span]] = [
        Span("◆" if marked else " ", "role--call"),
        Span(clean(f"{glyph.text}{worded}", LIMIT), f"role--{glyph.role}"),
        Span(at, "role--dim"),
        Span("" if seconds is None else took(seconds)),
        Span(machine_name),
        [Span(name, "role--name"), Span(f"  {more}", f"role--{note.role}")],
    ]
    return in_columns(_columns(width, machine=machine), cells, width)


def head_spans(width: int, zone: str, *, machine: bool = True) -> list[Span]:
    """Return the row of the columns' names."""
    return heads(_columns(width, zone, machine=machine), width)


def _columns(width: int, zone: str = "", *, machine: bool) -> tuple[Cells, ...]:
    wide = width >= WIDE
    worded = width >= _STATUS_FROM
    name = 32 if wide else 16 if width >= _TIME_FROM else 12
    return (
        Cells("", 1),
        Cells("status" if worded else "", 17 if wide else 11 if worded else 1),
        Cells(f"started {zone}", 19 if wide else 14, _STATUS_FROM),
        Cells("took", 8, _TIME_FROM, right=True),
        Cells("machine", name, _MACHINE_FROM if machine else width + 1),
        Cells("execution"),
    )


def has_words(shown: Sequence[str], words: str, mask: Masks) -> bool:
    """True if all words are in what is shown; case matters if a capital is typed."""
    text = " ".join(mask(clean(part, LIMIT)) for part in shown)
    text = text.casefold() if words == words.casefold() else text
    return all(word in text for word in words.split())
