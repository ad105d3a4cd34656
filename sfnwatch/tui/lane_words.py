"""The lanes' own words: folds, gaps, heads of branches.

Rows are put into words where every outlet finds them; what is here exists on the
screen only.
"""

from collections.abc import Iterator

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.nest_words import map_run_pieces, nest_pieces
from sfnwatch.trace.nests import Nest
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.shape_homes import iteration_of
from sfnwatch.trace.shape_tally import Tally
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, row_pieces
from sfnwatch.tui.actions import BY_ID
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.rails import CLOSED, OPEN

DOTS = "⋯"
MARKERS = frozenset({OPEN, CLOSED, DOTS})
"""What a click opens or closes stands in a piece of its own, so that it is found."""
_LIMIT = 200
_LIST = BY_ID["view.children"].keys[0]
_MINUTE = 60
_PARTS = (("branch", "branches"), ("iteration", "iterations"))
"""What a Parallel has, and a Map."""


def branch_words(visit: StateVisit, index: int | None) -> str:
    """Name a branch by its path: `Prepare[0]`, `Each[1] / Inner[0]`."""
    path = visit.path.removeprefix(f"{ROOT} / ")
    return clean(path if index is None else f"{path}[{index}]", _LIMIT)


def gap_words(seconds: float) -> str:
    """Write how long nothing happened, in whole seconds: `45 s`, `2m 14s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < _MINUTE else duration(whole)


def state_pieces(line: Line) -> Iterator[Piece]:
    """Put a state's row into words, as the head it may be."""
    row = line.left
    if not isinstance(row, Row):
        return
    index = iteration_of(row)
    if line.head and index is not None and row.visit is not None:
        yield (branch_words(row.visit, index), Tone.PLAIN)
        return
    if line.head:
        yield (OPEN, Tone.ACTION)
        yield (" ", Tone.DIM)
    if row.kind is Kind.MAP_RUN and row.nest is not None:
        yield from nest_pieces(row.nest)
        return
    pieces = row_pieces(row)
    if line.backed_off:
        pieces = tuple(_without_wait(pieces))
    yield from pieces
    yield from _items(row)


def _without_wait(pieces: tuple[Piece, ...]) -> Iterator[Piece]:
    """Leave out how long the back-off was: a line of its own has said so."""
    told = ""
    for text, tone in pieces:
        if not (told.startswith("  try ") and text.startswith("  after ")):
            yield (text, tone)
        told = text


def _items(row: Row) -> Iterator[Piece]:
    """Say how many items a Map has, where its start has no row of its own."""
    if row.kind is not Kind.ENTERED or len(row.events) == 1:
        return
    length = row.events[-1].details.get("length")
    if isinstance(length, int):
        yield (f"  {_count(length, 'item')}", Tone.DIM)


def fold_pieces(fold: Fold, *, short: bool = False) -> Iterator[Piece]:
    """Say what a fold stands for; its glyph, if it has a rail, is drawn there."""
    match fold.sort:
        case Sort.POLLS:
            yield from _polls(fold, short=short)
        case Sort.BACKOFF:
            yield (f"⟳ backing off {gap_words(fold.seconds or 0)}", Tone.DIM)
        case Sort.VISIT | Sort.BRANCH:
            yield from _sub_lane(fold)
        case Sort.CHILD | Sort.MAP_RUN:
            yield from nest_pieces(fold.nest) if fold.nest else ()


def _polls(fold: Fold, *, short: bool) -> Iterator[Piece]:
    yield (OPEN if fold.open else DOTS, Tone.ACTION)
    count, seconds = f"{fold.tally.calls}{'' if fold.whole else '+'}", fold.seconds
    error = next((row.call.error_code for row in fold.rows if row.call), None)
    yield (f" {count} more", Tone.DIM if fold.open else Tone.PLAIN)
    if error:
        yield (" ✘" if short else f"  ✘ {clean(error, _LIMIT)}", Tone.BAD)
    if seconds is None:
        return
    often = f"{seconds:.0f} s" if seconds < 2 * _MINUTE else duration(round(seconds))
    comma = "" if short and error else ","
    yield (f"{comma} {'~' if short else 'about every '}{often}", Tone.DIM)


def _sub_lane(fold: Fold) -> Iterator[Piece]:
    if fold.visit is None:
        return
    branch = fold.sort is Sort.BRANCH
    name = branch_words(fold.visit, fold.index) if branch else fold.visit.name
    yield (clean(name, _LIMIT), Tone.PLAIN if fold.open else Tone.STRONG)
    if fold.open:
        return
    yield from _status(fold.tally)


def _status(told: Tally) -> Iterator[Piece]:
    glyph, tone = STATUS_GLYPHS.get(told.status, STATUS_GLYPHS["unknown"])
    yield (f"  {glyph} {clean(told.status.replace('_', ' '), _LIMIT)}", tone)
    if told.seconds is not None:
        yield (f" {duration(told.seconds)}", Tone.DIM)


def _inside(visit: StateVisit, told: Tally, *, branch: bool) -> str:
    """Say what is in a fold: of a short branch the states, by their names."""
    if branch and told.names:
        return clean(", ".join(told.names), _LIMIT)
    states = _count(told.states, "state")
    if branch:
        return states
    one, more = _PARTS[visit.type == "Map"]
    return f"{_count(told.branches, one, more)}, {states}"


def contents(line: Line) -> Iterator[Piece]:
    """Say beside a fold what is folded, and beside an open Map Run how far it is."""
    if isinstance(line.left, Fold):
        yield from fold_contents(line.left)
    elif isinstance(line.left, Row) and line.left.kind is Kind.MAP_RUN:
        yield from _far(line.left.nest)


def _far(nest: Nest | None) -> Iterator[Piece]:
    if nest is not None:
        yield from map_run_pieces(nest)
        yield (f"  {_LIST}: list", Tone.DIM)


def fold_contents(fold: Fold) -> Iterator[Piece]:
    """Say what is folded: states, what went wrong with them, their calls."""
    if fold.nest is not None and fold.sort in {Sort.CHILD, Sort.MAP_RUN}:
        yield from _nest_contents(fold)
        return
    if fold.visit is None or fold.open or fold.sort not in {Sort.VISIT, Sort.BRANCH}:
        return
    told, branch = fold.tally, fold.sort is Sort.BRANCH
    yield (f"{_inside(fold.visit, told, branch=branch)}", Tone.DIM)
    yield from _counted(told)


def _nest_contents(fold: Fold) -> Iterator[Piece]:
    """Say what is in an execution; of a Map Run, what its executions came to."""
    nest, told = fold.nest, fold.tally
    if nest is None:
        return
    if not nest.is_map_run:
        yield (_count(told.states, "state"), Tone.DIM)
        yield from _counted(told)
        return
    yield from _far(nest)
    if told.calls:
        yield (f"  {_count(told.calls, 'call')}", Tone.DIM)


def _counted(told: Tally) -> Iterator[Piece]:
    if told.failed:
        yield (f"  ✘ {_count(told.failed, 'failed try', 'failed tries')}", Tone.BAD)
    if told.retries:
        yield (f"  ⟳ {_count(told.retries, 'retry', 'retries')}", Tone.WARN)
    if told.calls:
        yield (f"  {_count(told.calls, 'call')}", Tone.DIM)
    if told.denied:
        yield (f"  ✘ {told.denied:,} refused or failed", Tone.BAD)


def _count(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {more or one + 's'}"
