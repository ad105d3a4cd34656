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

LISTED_NAME_CHARACTERS = 200
"""Characters of a name that are shown."""
_MACHINE_FROM = 36
"""From this width on the state machine's name is shown."""
_TIME_FROM = 56
"""From this width on an execution's length is shown."""
_STATUS_FROM = 72
"""From this width on the status is a word, and an execution's start is shown."""
FULL_FROM_CELLS = 108
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
    status = glyph.text
    if width >= _STATUS_FROM:
        word = (listed.status or "unknown").lower().replace("_", " ")
        status += f" {word}"
    started = ""
    if listed.started_at is not None:
        form = "%Y-%m-%d %H:%M:%S" if width >= FULL_FROM_CELLS else "%m-%d %H:%M:%S"
        started = looks.at(listed.started_at).strftime(form)
    length = ""
    seconds = listed.seconds(now)
    if seconds is not None:
        length = clock(seconds) if listed.running else duration(seconds)
    machine_name = looks.mask(clean(listed.machine, LISTED_NAME_CHARACTERS))
    name = looks.mask(clean(listed.name, LISTED_NAME_CHARACTERS))
    words = looks.mask(clean(note.text, LISTED_NAME_CHARACTERS))
    cells: list[Span | Sequence[Span]] = [
        Span("◆" if marked else " ", "role--call"),
        Span(clean(status, LISTED_NAME_CHARACTERS), f"role--{glyph.role}"),
        Span(started, "role--dim"),
        Span(length),
        Span(machine_name),
        [Span(name, "role--name"), Span(f"  {words}", f"role--{note.role}")],
    ]
    return in_columns(_columns(width, machine=machine), cells, width)


def head_spans(width: int, zone: str, *, machine: bool = True) -> list[Span]:
    """Return the row of the columns' names."""
    return heads(_columns(width, zone, machine=machine), width)


def _columns(width: int, zone: str = "", *, machine: bool) -> tuple[Cells, ...]:
    status = Cells("", 1)
    if width >= _STATUS_FROM:
        status = Cells("status", 11)
    started_cells = 14
    machine_cells = 16 if width >= _TIME_FROM else 12
    if width >= FULL_FROM_CELLS:
        status = Cells("status", 17)
        started_cells = 19
        machine_cells = 32
    return (
        Cells("", 1),
        status,
        Cells(f"started {zone}", started_cells, _STATUS_FROM),
        Cells("took", 8, _TIME_FROM, right=True),
        Cells("machine", machine_cells, _MACHINE_FROM if machine else width + 1),
        Cells("execution"),
    )


def has_words(shown: Sequence[str], words: str, mask: Masks) -> bool:
    """True if all words are in what is shown; case matters if a capital is typed."""
    text = " ".join(mask(clean(part, LISTED_NAME_CHARACTERS)) for part in shown)
    if words == words.casefold():
        text = text.casefold()
    return all(word in text for word in words.split())
