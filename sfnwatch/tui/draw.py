"""Lines → pieces of exactly the width there is: two lanes, or one if it is small."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, row_pieces, rule_tone
from sfnwatch.tui.cells import cells, cut, pad
from sfnwatch.tui.layout import GUTTER, Layout, Line

FOLD = 99
"""Narrower than this, which is 100 columns less the scrollbar, there is one lane."""
_MARGIN = 1
_WHOLE_TIME, _SECONDS = 12, 8
_LEFT_SHARE, _LEFT_LEAST, _LEFT_MOST = 0.32, 38, 64
_HEAVY = frozenset("┃┏┣")
_NAME = 18
"""A state's name takes no more cells where it only says whose row this is."""


@dataclass(frozen=True, slots=True)
class Columns:
    """How many cells each part of a line has."""

    left: int
    time: int
    right: int
    folded: bool


def columns(width: int) -> Columns:
    """Share out a width; the time comes first where there is but one lane."""
    if width < FOLD:
        time = _WHOLE_TIME if width >= 56 else _SECONDS if width >= 34 else 0  # noqa: PLR2004
        rest = width - _MARGIN - time - (2 if time else 0)
        return Columns(left=max(0, rest), time=time, right=0, folded=True)
    left = min(max(round(width * _LEFT_SHARE), _LEFT_LEAST), _LEFT_MOST)
    rest = width - _MARGIN - left - 1 - _WHOLE_TIME - len(GUTTER)
    return Columns(left=left, time=_WHOLE_TIME, right=rest, folded=False)


def draw(
    line: Line, width: int, *, selected: bool = False, services: bool = False
) -> tuple[Piece, ...]:
    """Draw a line; `services` names the service of each call."""
    share = columns(width)
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    body = (
        _folded(line, share, services) if share.folded else _two(line, share, services)
    )
    return pad((margin, *body), width)


def draw_head(layout: Layout, width: int) -> tuple[Piece, ...]:
    """Draw the names of the lanes."""
    share = columns(width)
    names = " · ".join(service_name(s).upper() for s in layout.services)
    states: list[Piece] = [("STEP FUNCTIONS", Tone.STRONG)]
    states.append(("  state transitions", Tone.DIM))
    right: list[Piece] = [(names or "API CALLS", Tone.STRONG)]
    right.append((f"  {'calls ' if names else ''}by states.amazonaws.com", Tone.DIM))
    if layout.hidden:
        right.append((f"  {layout.hidden} others hidden", Tone.DIM))
    time = pad((("UTC", Tone.DIM),), share.time)
    if share.folded:
        lead = (*time, ("  ", Tone.PLAIN)) if share.time else ()
        both = (*states, ("   → ", Tone.DIM), *right)
        return pad(((" ", Tone.PLAIN), *lead, *cut(both, share.left)), width)
    left = pad(states, share.left)
    gutter = (GUTTER, Tone.PLAIN)
    blank = (" ", Tone.PLAIN)
    return pad((blank, *left, blank, *time, gutter, *cut(right, share.right)), width)


def service_name(event_source: str) -> str:
    """Name a service as people do: `ecs` of `ecs.amazonaws.com`."""
    return clean(event_source.split(".", 1)[0], _NAME) or "?"


# -- two lanes ---------------------------------------------------------------------


def _two(line: Line, share: Columns, services: bool) -> Iterator[Piece]:  # noqa: FBT001
    yield from _left(line, share.left)
    yield from _time(line, share.time)
    yield (line.gutter, _gutter_tone(line))
    yield from cut(_right(line, services=services), share.right)


def _left(line: Line, width: int) -> tuple[Piece, ...]:
    """Draw the state's part, and the beginning of its arrow."""
    text = cut((*_rails(line), *_state(line)), width)
    stroke = line.gutter[1]
    room = width + 1 - cells(text)
    if stroke not in "─┄" or room < 3:  # noqa: PLR2004 - a blank on either side
        return pad(text, width + 1)
    return (*text, (f" {stroke * (room - 2)} ", _gutter_tone(line)))


def _rails(line: Line) -> Iterator[Piece]:
    rails = line.rails
    row = line.left if isinstance(line.left, Row) else None
    yield from _by_weight(rails.before)
    if rails.own:
        yield (rails.own, _rail_tone(rails.own, row))
        yield from _by_weight(f" {rails.after}")
    if row is not None and row.kind not in _FLUSH:
        yield (" ", Tone.DIM)


_FLUSH = {Kind.EXECUTION, Kind.ENTERED, Kind.PASSED, Kind.EXITED}
"""Rows that stand at their rail; what happens inside a state stands further in."""


def _by_weight(rails: str) -> Iterator[Piece]:
    """Tell the rails of states that still run from the others."""
    for heavy, run in groupby(rails, lambda glyph: glyph in _HEAVY):
        yield ("".join(run), Tone.BUSY if heavy else Tone.DIM)


def _rail_tone(glyph: str, row: Row | None) -> Tone:
    """Colour where a state ends, or is still running; not the way between."""
    if row is None or row.visit is None or glyph in "┌│├":
        return Tone.DIM
    status = row.visit.status
    return Tone.DIM if status == "succeeded" else STATUS_GLYPHS[status][1]


def _state(line: Line) -> Iterator[Piece]:
    row = line.left
    if isinstance(row, str):
        yield (row, Tone.DIM)
        return
    if line.state:
        yield (_indexed(row), Tone.DIM)
        yield from _name(line)
        yield ("  ", Tone.DIM)
    elif row.kind in {Kind.ENTERED, Kind.PASSED} and _indexed(row):
        yield (_indexed(row), Tone.DIM)
    yield from row_pieces(row)
    if row.kind is Kind.EXECUTION and line.rails.own:
        yield (f"  {clean((row.execution_arn or '').rsplit(':', 1)[-1])}", Tone.STRONG)


def _indexed(row: Row) -> str:
    """Tell iterations of a Map, and branches of a Parallel, apart."""
    index = row.visit.index if row.visit is not None else None
    return "" if index is None else f"[{index}] "


def _right(line: Line, *, services: bool) -> Iterator[Piece]:
    row = line.right
    if isinstance(row, str):
        # Who noticed the end is a finding, the other words of ours are hints.
        yield (row, Tone.PLAIN if line.gutter != GUTTER else Tone.DIM)
        return
    if services and row.call is not None:
        yield (f"{service_name(row.call.event_source)} ", Tone.DIM)
    yield from row_pieces(row)
    if isinstance(line.left, Row):
        yield from _own_second(row, line.left)
    elif line.state:
        yield ("  ", Tone.DIM)
        yield from _name(line)


def _own_second(call: Row, phase: Row) -> Iterator[Piece]:
    """Say when a call was, where the time on the line is its answer's."""
    if call.at != phase.at.replace(microsecond=0):
        yield (f"  at {clock_words(call.at, calls=True)}", Tone.DIM)


def _name(line: Line) -> tuple[Piece, ...]:
    return cut(((clean(line.state, 2 * _NAME), Tone.DIM),), _NAME)


def _gutter_tone(line: Line) -> Tone:
    glyphs = set(line.gutter)
    if glyphs & set("┄┆▷◁"):
        return Tone.GUESS
    return Tone.EXACT


def _time(line: Line, width: int) -> tuple[Piece, ...]:
    row = line.first
    if row is None or width == 0:
        return pad((), width)
    words = clock_words(row.at, calls=row.call is not None)
    return pad(((words[:width], Tone.DIM),), width)


def clock_words(at: datetime, *, calls: bool) -> str:
    """Write a time; whole seconds are all that CloudTrail has."""
    words = f"{at:%H:%M:%S}"
    return words if calls else f"{words}.{at.microsecond // 1000:03}"


# -- one lane ----------------------------------------------------------------------


def _folded(line: Line, share: Columns, services: bool) -> Iterator[Piece]:  # noqa: FBT001
    if share.time:
        yield from _time(line, share.time)
        yield ("  ", Tone.PLAIN)
    yield from cut(_one(line, services=services), share.left)


def _one(line: Line, *, services: bool) -> Iterator[Piece]:
    yield from _rails(line)
    if line.left:
        yield from _state(line)
        return
    row = line.right
    tone = Tone.DIM
    if isinstance(row, Row) and row.link is not None:
        tone = rule_tone(row.link)
    tied = isinstance(row, Row) and row.link and row.link.rule is not Rule.ROLE_ONLY
    yield ("  → " if tied else "  · ", tone)
    yield from _right(line, services=services)
