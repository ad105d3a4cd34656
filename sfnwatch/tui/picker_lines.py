"""An execution to choose, as a line of a table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sfnwatch.trace.listed import Listed
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.calllines import Column, Look
from sfnwatch.tui.zones import in_zone

_LIMIT = 200
_REST = 0
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Line(Generic[_Row]):
    """What can be chosen, and how it stands just now."""

    row: _Row
    marked: bool
    now: datetime


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


def _started(form: str) -> Callable[[Line[Listed], Look], Iterator[Piece]]:
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
EXECUTIONS: tuple[Column[Line[Listed]], ...] = (
    Column("", 1, mark),
    Column("", 1, _sign, below=MID),
    Column("status", 11, _status, least=MID, below=WIDE),
    Column("status", 17, _status, least=WIDE),
    Column("started {zone}", 14, _started("%m-%d %H:%M:%S"), MID, WIDE),
    Column("started {zone}", 19, _started("%Y-%m-%d %H:%M:%S"), least=WIDE),
    Column("took", 8, _took, least=SMALL, right=True),
    Column("machine", 12, _machine, least=TINY, below=SMALL),
    Column("machine", 16, _machine, least=SMALL, below=WIDE),
    Column("machine", 32, _machine, least=WIDE),
    Column("execution", _REST, _name),
)
