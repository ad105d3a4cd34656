"""Rows → lines of the screen: which rows share a line, and what ties them by eye.

Pure, and free of widths: a line says what stands on it, `draw` puts it into cells.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from textwrap import wrap

from sfnwatch.trace.heads import Head
from sfnwatch.trace.lanes import ANSWERED, TASKS, Kind, Lane, Lanes, Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.shape import Fold, Shape, Shaped, Sort, shape
from sfnwatch.trace.words import notice_words
from sfnwatch.tui.lane_connectors import DRAWN, connect, glyphs_of
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.rails import Rails, rails_of

_WATERMARK = "~watermark"
NO_MATCH = "no row matches the filter; escape clears it"
_HINT, _HINT_LINES = 41, 4
"""The narrowest lane of calls has room for words so long."""
_Names = Mapping[tuple[str | None, int], str]
"""An execution's ARN and the id of a visit in it, to the state's name."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a screen that may be longer than the terminal."""

    lines: tuple[Line, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    """A key to the line it stands on, or that stands for it."""
    services: tuple[str, ...] = ()
    """The calls' event sources, in order of appearance: those first that a state
    called, then TASKS if there are any; what only the role did comes after."""
    primary: tuple[str, ...] = ()
    """The services that have calls of states, and are not hidden: a lane each."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many calls each service has, shown or not."""
    invoked: bool = False
    """True if there are calls shown, and Step Functions made each of them."""
    hidden: int = 0
    folded: bool = False
    shape: Shape = field(default_factory=Shape)
    shaped: Shaped = field(default_factory=Shaped)
    heads: tuple[Head, ...] = ()
    """The executions, by their starts."""
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many calls of each service an execution has, shown or not."""
    beside: bool = False
    """True where each execution has its own column."""
    first: int = 0
    """The column that is shown first, where there is no room for all."""
    origin: datetime | None = None
    """The moment all executions are said to start at; None: each where it did."""
    columns: Mapping[str, int] = field(default_factory=dict)
    """A key to its column, where executions stand beside each other."""

    @property
    def column_count(self) -> int:
        return len(self.heads) if self.beside and self.heads else 1


@dataclass(frozen=True, slots=True)
class Hints:
    """What a lane says for want of rows."""

    states: str = ""
    calls: str = ""
    complete_to: datetime | None = None
    """The watermark, while calls are still awaited."""


def lay_out(
    lanes: Lanes,
    *,
    folded: bool = False,
    hints: Hints | None = None,
    wanted: Shape | None = None,
) -> Layout:
    """Lay out the lanes side by side, or `folded` into one, in the shape `wanted`."""
    hints, wanted = hints or Hints(), wanted or Shape()
    shaped = shape(lanes, wanted)
    lines = stack(lanes, shaped, hints, folded=folded)
    if shaped.filtered and not shaped.rows:
        lines = [Line(left=NO_MATCH)]
    else:
        _say(lines, lanes.rows, hints, folded=folded)
    return replace(
        about(lanes, wanted),
        lines=tuple(lines),
        positions=_positions(lines, shaped),
        folded=folded,
        shaped=shaped,
    )


def stack(
    lanes: Lanes, shaped: Shaped, hints: Hints, *, folded: bool = False
) -> list[Line]:
    """Put what is shown of some lanes into lines, one below the other."""
    rows = _marked(shaped.rows, hints)
    lines = list(_lines(rows, shaped, _names(lanes.rows), folded=folded))
    if not folded:
        connect(lines)
    return lines


def about(lanes: Lanes, wanted: Shape) -> Layout:
    """Say of a layout what does not depend on where its lines are."""
    counts, linked = _services(lanes.rows)
    services = (*linked, *(name for name in counts if name not in linked))
    return Layout(
        services=services,
        primary=tuple(s for s in linked if s not in wanted.hidden_services),
        counts=counts,
        invoked=_all_invoked(lanes.rows, wanted),
        hidden=lanes.hidden,
        shape=wanted,
        heads=lanes.heads,
        calls=_calls(lanes.rows),
    )


def _positions(lines: Sequence[Line], shaped: Shaped) -> Mapping[str, int]:
    found = {line.head: place for place, line in enumerate(lines) if line.head}
    found |= {key: place for place, line in enumerate(lines) for key in line.keys}
    return {**behind(shaped, found), **found}


def behind(shaped: Shaped, found: Mapping[str, int]) -> Mapping[str, int]:
    """Find where what has no line of its own is stood for."""
    return {key: found[line] for key, line in shaped.stands.items() if line in found}


def _services(rows: Sequence[Row]) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Count each service's calls, and name those that a state called.

    Last come the tasks, as if they were one more service.
    """
    calls = [row for row in rows if row.call]
    counts = Counter(row.call.event_source for row in calls if row.call)
    told = sum(row.task is not None for row in rows)
    linked = dict.fromkeys(
        row.call.event_source
        for row in calls
        if row.call and row.link and row.link.rule is not Rule.ROLE_ONLY
    )
    # A trail's file alone ties nothing to anything.
    named = tuple(linked or counts)
    if not told:
        return counts, named
    return {**counts, TASKS: told}, (*named, TASKS)


def _calls(rows: Sequence[Row]) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.source and row.root_arn is not None:
            found[row.root_arn][row.source] += 1
    return found


def _all_invoked(rows: Sequence[Row], wanted: Shape) -> bool:
    calls = [
        row.call
        for row in rows
        if row.call and row.call.event_source not in wanted.hidden_services
    ]
    return bool(calls) and all(call.by_step_functions for call in calls)


def _marked(rows: Sequence[Row | Fold], hints: Hints) -> Sequence[Row | Fold]:
    """Put the watermark before the first row beyond it."""
    at = hints.complete_to
    if at is None or not rows:
        return rows
    place = next((n for n, row in enumerate(rows) if row.at > at), len(rows))
    mark = Fold(at=at, key=_WATERMARK, sort=Sort.WATERMARK)
    return (*rows[:place], mark, *rows[place:])


# -- which rows share a line -------------------------------------------------------


def _lines(
    rows: Sequence[Row | Fold], shaped: Shaped, names: _Names, *, folded: bool
) -> Iterator[Line]:
    merged, called = False, False
    before: object = None
    folds = (row for row in rows if isinstance(row, Fold))
    waits = {fold.key for fold in folds if fold.sort is Sort.BACKOFF}
    for place, (row, rails) in enumerate(zip(rows, rails_of(rows), strict=True)):
        if merged:
            merged = False
            continue
        if isinstance(row, Fold) and row.sort is not Sort.POLLS:
            before = _visit_of(row) or before
            yield Line(left=row, rails=rails)
            continue
        if isinstance(row, Fold) or row.lane is not Lane.STATES:
            called = True
            yield Line(right=row, rails=rails, state=_asked_by(row, rails, names))
            continue
        line = Line(
            left=row,
            rails=rails,
            state=_named(row, before, called=called),
            head=shaped.heads.get(row.key, ""),
            after_head=place > 0 and _heads(rows[place - 1], row, shaped),
            backed_off=f"{row.key}~backoff" in waits,
        )
        before, called = _visit_of(row), False
        after = rows[place + 1] if place + 1 < len(rows) else None
        merged = not folded and _is_one(row, after)
        if merged and isinstance(after, Row):
            line = replace(line, right=after, gutter=glyphs_of(after)["across"])
        yield line if folded else _noticed(line)


def _heads(before: Row | Fold, row: Row, shaped: Shaped) -> bool:
    """True if a line names the branch that the next begins."""
    return shaped.heads.get(before.key, before.key) == shaped.around.get(row.key)


def _visit_of(row: Row | Fold) -> object:
    return (row.execution_arn, row.visit.id) if row.visit else None


def _names(rows: Sequence[Row]) -> _Names:
    return {
        (row.execution_arn, row.visit.id): row.visit.name for row in rows if row.visit
    }


def _named(row: Row, before: object, *, called: bool) -> str:
    """Name the state of a row that does not name it itself, if it is not clear.

    In a Parallel or a Map a call in between may be another state's, so it is not.
    """
    visit = row.visit
    if visit is None or row.kind not in {Kind.PHASE, Kind.EXITED}:
        return ""
    inside = visit.parent is not None
    return visit.name if _visit_of(row) != before or (called and inside) else ""


def _asked_by(call: Row | Fold, rails: Rails, names: _Names) -> str:
    """Name the state a call belongs to, where it could be several."""
    if rails.open <= 1:
        return ""
    if isinstance(call, Fold):
        return call.visit.name if call.visit else ""
    if call.link is None or call.link.visit_id is None:
        return ""
    return names.get((call.execution_arn, call.link.visit_id), "")


def _is_one(phase: Row, call: Row | Fold | None) -> bool:
    """True if a phase and the call it made are next to each other, and in time too."""
    if not isinstance(call, Row) or call.call is None or phase.causes != call.key:
        return False
    tied = call.link is not None and call.link.rule in DRAWN
    return tied and timedelta(0) <= phase.at - call.at < ANSWERED


# -- who noticed -------------------------------------------------------------------


def _noticed(line: Line) -> Line:
    """Set what told of a job's end in the lane it came from."""
    row = line.left
    if not isinstance(row, Row) or row.notice is None or line.right:
        return line
    return replace(
        line,
        left=replace(row, notice=None),
        right=notice_words(row.notice),
        notice=row.notice,
        gutter=_told(row.notice),
    )


def _told(notice: Notice) -> str:
    if notice.by is By.UNKNOWN:
        return GUTTER
    return " ◀── " if notice.certain else " ◁┄┄ "


# -- our own words -----------------------------------------------------------------


def _say(lines: list[Line], rows: Sequence[Row], hints: Hints, *, folded: bool) -> None:
    states = any(row.events for row in rows)
    calls = any(row.call for row in rows)
    if not states and hints.states:
        lines.insert(0, Line(left=hints.states))
    if calls or not hints.calls:
        return
    said = wrap(hints.calls, _HINT, max_lines=_HINT_LINES, placeholder=" …")
    place = len(lines) if folded else _free(lines, len(said))
    for number, words in enumerate(said, start=place):
        if number < len(lines):
            lines[number] = replace(lines[number], right=words)
        else:
            lines.append(Line(right=words))


def _free(lines: Sequence[Line], count: int) -> int:
    """Find the first lines, one below the other, with nothing in the calls' lane."""
    return next(
        place
        for place in range(len(lines) + 1)
        if all(map(_is_free, lines[place : place + count]))
    )


def _is_free(line: Line) -> bool:
    return not line.right and not isinstance(line.left, Fold)
