"""An execution to choose, as a line of a table."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

from sfnwatch.trace.listed import Listed
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.calllines import Column, Look
from sfnwatch.tui.zones import in_zone

_LIMIT = 200
_REST = 0
_Row = TypeVar("_Row")


class Line(Struct, Generic[_Row], frozen=True):
    """What can be chosen, and how it stands just now."""

    row: _Row
    marked: bool
    now: datetime


Pieces = Callable[[Line[_Row], Look], Iterator[Piece]]


def mark(line: Line[_Row], look: Look) -> Iterator[Piece]:
    del look
    yield ("◆" if line.marked else " ", Tone.ACTION)


def _status(line: Line[Listed], look: Look) -> Iterator[Piece]:
    (glyph, tone), word = _glyph(line), line.row.status or "unknown"
    del look
    yield (f"{glyph} {clean(word, _LIMIT)}", tone)


def _sign(line: Line[Listed], look: Look) -> Iterator[Piece]:
    del look
    yield _glyph(line)


def _glyph(line: Line[Listed]) -> Piece:
    status = line.row.status.lower()
    return STATUS_GLYPHS.get(status, STATUS_GLYPHS["unknown"])


def _machine(line: Line[Listed], look: Look) -> Iterator[Piece]:
    del look
    yield (clean(line.row.machine, _LIMIT), Tone.PLAIN)


def _name(line: Line[Listed], look: Look) -> Iterator[Piece]:
    del look
    tone = Tone.STRONG if line.row.going_on else Tone.PLAIN
    yield (clean(line.row.name, _LIMIT), tone)


def _started(form: str) -> Pieces[Listed]:
    def pieces(line: Line[Listed], look: Look) -> Iterator[Piece]:
        at = line.row.started_at
        if at is not None:
            yield (in_zone(at, look.zone).strftime(form), Tone.DIM)

    return pieces


def _took(line: Line[Listed], look: Look) -> Iterator[Piece]:
    del look
    seconds = line.row.seconds(line.now)
    if seconds is not None:
        # Whole seconds while it goes on: more would be a show.
        told = duration(seconds) if not line.row.going_on else _whole(seconds)
        yield (told, Tone.BUSY if line.row.going_on else Tone.PLAIN)


def _whole(seconds: float) -> str:
    return f"{int(seconds)} s" if seconds < 60 else duration(int(seconds))  # noqa: PLR2004


TINY, SMALL, MID, WIDE = 36, 56, 72, 108
"""Cells of the table from which there is room for: the state machine, how long it took,
the status in a word and when it started, all of it in full."""


class Cells(Struct, Generic[_Row], frozen=True):
    """What of a row stands in the columns of a table."""

    sign: Pieces[_Row]
    status: Pieces[_Row]
    at: Callable[[str], Pieces[_Row]]
    """Takes the form of a time."""
    length: Pieces[_Row]
    machine: Pieces[_Row]
    name: Pieces[_Row]


def columns(at: str, length: str, of: Cells[_Row]) -> tuple[Column[Line[_Row]], ...]:
    """Give the columns of a table; tables that stand one above the other have the same.

    `at` and `length` are what is said above a time and above how long it took.
    """
    return (
        Column("", 1, mark),
        Column("", 1, of.sign, below=MID),
        Column("status", 11, of.status, least=MID, below=WIDE),
        Column("status", 17, of.status, least=WIDE),
        Column(f"{at} {{zone}}", 14, of.at("%m-%d %H:%M:%S"), MID, WIDE),
        Column(f"{at} {{zone}}", 19, of.at("%Y-%m-%d %H:%M:%S"), least=WIDE),
        Column(length, 8, of.length, least=SMALL, right=True),
        Column("machine", 12, of.machine, least=TINY, below=SMALL),
        Column("machine", 16, of.machine, least=SMALL, below=WIDE),
        Column("machine", 32, of.machine, least=WIDE),
        Column("execution", _REST, of.name),
    )


EXECUTIONS = columns(
    "started", "took", Cells(_sign, _status, _started, _took, _machine, _name)
)
