"""Words and widths of the text export."""

import unicodedata
from collections.abc import Iterator

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import plain, row_pieces

_WIDE = frozenset("WF")
_NAME = 60


def width(text: str) -> int:
    """Count the cells that a text takes: two for a wide character, none for a mark."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def pad(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))


def fold(text: str, cells: int) -> Iterator[str]:
    """Break a text into lines of so many cells, between words where there is room."""
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width(joined) <= cells:
            line = joined
            continue
        if line.strip():
            yield line
        line = word
        while width(line) > cells:
            head = _head(line, cells)
            yield head
            line = line[len(head) :]
    if line.strip():
        yield line


def _head(text: str, cells: int) -> str:
    """Give as much of a text as fits; at least one character."""
    used = 0
    for place, character in enumerate(text):
        used += _cells(character)
        if used > cells and place:
            return text[:place]
    return text


def heading(timeline: Timeline) -> str:
    """Say which execution it is, and how it went."""
    machine = timeline.state_machine_name
    name = f"{machine} › {timeline.name}" if machine else timeline.name
    parts = [clean(name, 200), clean(timeline.status)]
    if timeline.started_at and timeline.stopped_at:
        seconds = (timeline.stopped_at - timeline.started_at).total_seconds()
        parts.append(duration(seconds))
    return "  ".join(parts)


def state_text(row: Row, *, named: bool) -> str:
    """Put a state's row into words; `named` if rows of others lie before it."""
    words, visit = plain(row_pieces(row)), row.visit
    if visit is None:
        return words
    if row.kind in {Kind.ENTERED, Kind.PASSED}:
        return f"{_index(visit)}{words}"
    if named and not words.startswith("["):
        return f"{name_of(visit)}  {words}"
    return words


def name_of(visit: StateVisit) -> str:
    return f"{_index(visit)}{clean(visit.name, _NAME)}"


def _index(visit: StateVisit) -> str:
    return f"[{visit.index}] " if visit.index is not None else ""


def call_text(row: Row, *, placed: bool, tag: str = "") -> str:
    """Put a call's row into words; `placed` says which state made it, and whose.

    So too what ECS told of a task, whose time stands elsewhere.
    """
    where = f"  ‹ {tag}{name_of(row.caller)}" if placed and row.caller else ""
    words = plain(row_pieces(row))
    if row.call is None:
        return f"{words}{where}"
    source = row.call.event_source.removesuffix(".amazonaws.com")
    return f"{row.call.event_time:%H:%M:%S}  {clean(source, _NAME)}  {words}{where}"
