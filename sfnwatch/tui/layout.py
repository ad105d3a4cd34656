"""Rows → lines of the screen: which rows share a line, and what ties them by eye.

Pure, and free of widths: a line says what stands on it, `draw` puts it into cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sfnwatch.trace.lanes import ANSWERED, Kind, Lanes, Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.words import notice_words
from sfnwatch.tui.rails import Rails, draw_rails

REACH = 24
"""A connector over more lines than these could not be followed by eye."""
GUTTER = " " * 5
_SOLID = {"across": " ──▶ ", "away": "─", "up": "╯", "down": "╮", "past": "│"}
_DOTTED = {"across": " ┄┄▷ ", "away": "┄", "up": "╯", "down": "╮", "past": "┆"}
_DRAWN = {Rule.REQUEST_ID, Rule.RESOURCE_ID, Rule.UNIQUE_CANDIDATE}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a state's row, a call's row, or both; or our own words in a lane."""

    left: Row | str = ""
    right: Row | str = ""
    rails: Rails = field(default_factory=Rails)
    gutter: str = GUTTER
    """What is drawn between the time and the calls' lane."""
    state: str = ""
    """The state's name, where the line before belongs to another state."""

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(cell for cell in (self.left, self.right) if isinstance(cell, Row))

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)

    @property
    def first(self) -> Row | None:
        return self.rows[0] if self.rows else None


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines of a screen that may be longer than the terminal."""

    lines: tuple[Line, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    """A row's key to the line it stands on."""
    services: tuple[str, ...] = ()
    """The event sources of the calls, in order of appearance."""
    hidden: int = 0
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Hints:
    """What a lane says for want of rows."""

    states: str = ""
    calls: str = ""
    complete_to: datetime | None = None
    """The watermark, while calls are still awaited."""


def lay_out(
    lanes: Lanes, *, folded: bool = False, hints: Hints | None = None
) -> Layout:
    """Lay out the lanes side by side, or `folded` into one."""
    hints = hints or Hints()
    lines = list(_lines(lanes.rows, folded=folded))
    if not folded:
        _connect(lines)
        _mark(lines, hints.complete_to)
    _say(lines, lanes.rows, hints, folded=folded)
    return Layout(
        lines=tuple(lines),
        positions={key: n for n, line in enumerate(lines) for key in line.keys},
        services=tuple(
            dict.fromkeys(row.call.event_source for row in lanes.rows if row.call)
        ),
        hidden=lanes.hidden,
        folded=folded,
    )


def _lines(rows: Sequence[Row], *, folded: bool) -> Iterator[Line]:
    names = _names(rows)
    merged = False
    before: object = None
    for place, (row, rails) in enumerate(zip(rows, draw_rails(rows), strict=True)):
        if merged:
            merged = False
            continue
        if row.call is not None:
            yield Line(right=row, rails=rails, state=_asked_by(row, rails, names))
            continue
        visit = (row.execution_arn, row.visit.id) if row.visit else None
        other = visit is not None and visit != before
        line = Line(left=row, rails=rails, state=_named(row) if other else "")
        before = visit
        after = rows[place + 1] if place + 1 < len(rows) else None
        merged = not folded and _is_one(row, after)
        if merged and after is not None:
            line = replace(line, right=after, gutter=_glyphs(after)["across"])
        yield line if folded else _noticed(line)


def _names(rows: Sequence[Row]) -> Mapping[tuple[str | None, int], str]:
    return {
        (row.execution_arn, row.visit.id): row.visit.name for row in rows if row.visit
    }


def _named(row: Row) -> str:
    """Name the state of a row that does not name it itself."""
    if row.visit is None or row.kind not in {Kind.PHASE, Kind.EXITED}:
        return ""
    return row.visit.name


def _asked_by(
    call: Row, rails: Rails, names: Mapping[tuple[str | None, int], str]
) -> str:
    """Name the state a call belongs to, where it could be several."""
    if call.link is None or call.link.visit_id is None or rails.open <= 1:
        return ""
    return names.get((call.execution_arn, call.link.visit_id), "")


def _is_one(phase: Row, call: Row | None) -> bool:
    """True if a phase and the call it made are next to each other, and in time too."""
    if call is None or call.call is None or phase.causes != call.key:
        return False
    return _drawn(call) and timedelta(0) <= phase.at - call.at < ANSWERED


def _drawn(call: Row) -> bool:
    return call.link is not None and call.link.rule in _DRAWN


def _glyphs(call: Row) -> Mapping[str, str]:
    exact = call.link is not None and call.link.rule.exact
    return _SOLID if exact else _DOTTED


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
        gutter=_told(row.notice),
    )


def _told(notice: Notice) -> str:
    if notice.by is By.UNKNOWN:
        return GUTTER
    return " ◀── " if notice.certain else " ◁┄┄ "


# -- connectors --------------------------------------------------------------------


def _connect(lines: list[Line]) -> None:
    """Draw lines from phases to the calls they made, where both are not on one line."""
    calls = {
        line.right.key: place
        for place, line in enumerate(lines)
        if isinstance(line.right, Row) and not line.left
    }
    for place, line in enumerate(lines):
        row = line.left
        if isinstance(row, Row) and row.causes in calls and line.gutter == GUTTER:
            _draw_connector(lines, place, calls[row.causes or ""])


def _draw_connector(lines: list[Line], phase: int, call: int) -> None:
    row = lines[call].right
    between = range(min(phase, call), max(phase, call) + 1)
    if not isinstance(row, Row) or not _drawn(row) or len(between) > REACH:
        return
    if any(lines[place].gutter != GUTTER for place in between):
        return
    glyphs = _glyphs(row)
    head = glyphs["across"][3]
    down = call > phase
    for place in between:
        lines[place] = replace(lines[place], gutter=f"  {glyphs['past']}  ")
    leave = glyphs["down"] if down else glyphs["up"]
    arrive = "╰" if down else "╭"
    lines[phase] = replace(lines[phase], gutter=f" {glyphs['away']}{leave}  ")
    lines[call] = replace(lines[call], gutter=f"  {arrive}{head} ")


# -- our own words -----------------------------------------------------------------


def _mark(lines: list[Line], complete_to: datetime | None) -> None:
    """Say where the calls' lane ends for now, beside the first state beyond."""
    if complete_to is None:
        return
    for place, line in enumerate(lines):
        row = line.left
        if isinstance(row, Row) and row.at > complete_to and not line.right:
            words = f"⋯ CloudTrail complete to {complete_to:%H:%M:%S}"
            lines[place] = replace(line, right=words)
            return


def _say(lines: list[Line], rows: Sequence[Row], hints: Hints, *, folded: bool) -> None:
    states = any(row.events for row in rows)
    calls = any(row.call for row in rows)
    if not states and hints.states:
        lines.insert(0, Line(left=hints.states))
    if calls or not hints.calls:
        return
    free = next((n for n, line in enumerate(lines) if not line.right), None)
    if folded or free is None:
        lines.append(Line(right=hints.calls))
    else:
        lines[free] = replace(lines[free], right=hints.calls)
