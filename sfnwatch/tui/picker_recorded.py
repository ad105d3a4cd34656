"""Recordings to choose from: as they are read, as they are looked for, as lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from sfnwatch.recording.shelf import Shelved
from sfnwatch.trace.aliases import Aliases
from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.listed import GOING_ON
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone
from sfnwatch.tui.calllines import Look
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_lines import Cells, Line, columns
from sfnwatch.tui.picker_rows import Pieces, found_in
from sfnwatch.tui.zones import in_zone

_LIMIT = 200
_Pieces = Callable[[Line[Shelved], Look], Iterator[Piece]]


class Recorded(Struct, frozen=True):
    """The recordings that were read so far."""

    found: Mapping[Path, Shelved] = field(default_factory=dict)
    reading: bool = False
    """True while more are read."""
    _old: frozenset[Path] = frozenset()
    """Of a reading before this one, and not read again yet."""

    def begun(self) -> "Recorded":
        """Begin anew; what was there stays until all has been read again."""
        return Recorded(self.found, reading=True, _old=frozenset(self.found))

    def taken(self, read: Iterable[Shelved]) -> "Recorded":
        new = {each.path: each for each in read}
        return replace(self, found={**self.found, **new}, _old=self._old - new.keys())

    def ended(self) -> "Recorded":
        return Recorded({p: e for p, e in self.found.items() if p not in self._old})

    def rows(self, words: str, looks: Looks) -> tuple[Shelved, ...]:
        """List the newest first: all of them, or those with the words.

        While names are masked without those of which only the file's name is known.
        """
        every = sorted(self.found.values(), key=lambda each: each.age, reverse=True)
        return tuple(
            each
            for each in every
            if (each.watched or not looks.masked)
            and found_in(_texts(each), words, looks.mask)
        )

    def learned(self, aliases: Aliases) -> Aliases:
        """Know the names of what was recorded."""
        arns = {arn for each in self.found.values() for arn in each.executions}
        timelines = {arn: Timeline(arn) for arn in sorted(arns)}
        return aliases.learned(Trace(histories=timelines))


def _texts(recording: Shelved) -> Iterator[str]:
    """Yield what a recording is found by: whatever it is of, and how that ended."""
    yield recording.status
    if not recording.watched:
        yield recording.name
    for arn, _ in recording.watched:
        yield from _names(arn)


def _names(arn: str) -> tuple[str, str]:
    parsed = maybe_execution_arn(arn)
    return (parsed.state_machine_name, parsed.name) if parsed else ("", arn)


def recorded_words(recorded: Recorded, shown: int, words: str) -> Pieces:
    """Say in a line what these are, and how many."""
    if recorded.reading and not recorded.found:
        told = "reading …"
    elif words:
        told = f"{shown:,} of {len(recorded.found):,}"
    else:
        told = f"{shown:,}{', reading …' if recorded.reading else ''}"
    return (
        (" ⏺ recordings", Tone.STRONG),
        (f"  {told}", Tone.PLAIN),
        ("  replayed without AWS", Tone.DIM),
    )


# -- lines -------------------------------------------------------------------------


def _sign(line: Line[Shelved], look: Look) -> Iterator[Piece]:
    del look
    yield _glyph(line.row)


def _glyph(recording: Shelved) -> Piece:
    if recording.trouble:
        return ("▲", Tone.WARN)
    glyph, tone = STATUS_GLYPHS.get(recording.status.lower(), STATUS_GLYPHS["unknown"])
    # It ran when its watcher left: by now it may long be over.
    return (glyph, Tone.DIM if recording.status in GOING_ON else tone)


def _status(line: Line[Shelved], look: Look) -> Iterator[Piece]:
    del look
    glyph, tone = _glyph(line.row)
    word = "bad file" if line.row.trouble else line.row.status or "unknown"
    yield (f"{glyph} {clean(word, _LIMIT)}", tone)


def _begun(form: str) -> _Pieces:
    def pieces(line: Line[Shelved], look: Look) -> Iterator[Piece]:
        yield (in_zone(line.row.begun, look.zone).strftime(form), Tone.DIM)

    return pieces


def _length(line: Line[Shelved], look: Look) -> Iterator[Piece]:
    del look
    if line.row.seconds is not None:
        yield (duration(line.row.seconds), Tone.PLAIN)


def _machine(line: Line[Shelved], look: Look) -> Iterator[Piece]:
    del look
    if line.row.watched:
        yield (clean(_names(line.row.watched[0][0])[0], _LIMIT), Tone.PLAIN)


def _name(line: Line[Shelved], look: Look) -> Iterator[Piece]:
    """Name the first execution and count the others; or the file, and its trouble."""
    del look
    row, more = line.row, len(line.row.watched) - 1
    name = _names(row.watched[0][0])[1] if row.watched else row.name
    yield (clean(name, _LIMIT), Tone.PLAIN)
    if row.trouble:
        yield (f"  {clean(row.trouble, _LIMIT)}", Tone.WARN)
    elif more > 0:
        yield (f" and {more} more", Tone.DIM)


RECORDINGS = columns(
    "recorded", "length", Cells(_sign, _status, _begun, _length, _machine, _name)
)
