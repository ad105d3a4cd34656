"""A trace as a picture: the timeline above, the lanes below, for a slide or a page.

Everything stands on a grid of character cells, in whatever monospaced font there is:
each run of text says how wide it is, so nothing has to be measured. No script, no font
and no file but itself. Colors are CSS variables, so that the reader's preference, or a
page around, decides; before each stands the plain color of daylight, for a viewer that
knows no variables.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from itertools import islice
from typing import TextIO

from msgspec import Struct

from sfnwatch.next.analysis.phases import Phase, Segment
from sfnwatch.next.analysis.wording import plural, some, spoken
from sfnwatch.next.export.document import cell_width, cut
from sfnwatch.next.export.placing import Span, last_moment
from sfnwatch.next.export.plain import execution_labels, lane_tags
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.arns import short_id
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.history import REDRIVEN, HistoryEvent
from sfnwatch.next.model.integrations import CallRole
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean, duration
from sfnwatch.next.model.times import iso
from sfnwatch.next.view.lifelines import LifeLines, Rail, VisitKey
from sfnwatch.next.view.lines import Lane, Line, LineMaker
from sfnwatch.next.view.order import Fold, Item
from sfnwatch.next.view.outline import Outline, OutlineOptions
from sfnwatch.next.view.parts import Part, Role, plain_text, status_glyph
from sfnwatch.next.view.timeline_chart import (
    BarKind,
    BarLine,
    Tick,
    TimelineChart,
    length_words,
)

CELL, ROW = 7.2, 20.0
"""The width of a character and the height of a row, in px."""
_MARGIN = 20.0
_OPEN = 80
"""With more lines than these what can be folded is: polls, children, large Maps."""
_LINES, _BARS = 300, 120
"""So many lines, and bars, are drawn; what is left out is counted."""
_STATES, _CALLS, _BESIDE = 64, 84, 56
"""Cells for the words of a lane at most; longer ones are wrapped."""
_TIME, _ARROW = 13, 6
_NAMES, _PLOT = 52, 700.0
"""The cells of names in the timeline, and the px of its bars."""
_MOST_TICKS = 150
_STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200),
    86400,
)
_TICKS = 7
PALETTE = {
    "ground": ("#fcfdfe", "#0f1419"),
    "panel": ("#f4f7f9", "#141b22"),
    "line": ("#d3dae1", "#2c3642"),
    "name": ("#161d24", "#e6e9ee"),
    "plain": ("#303a44", "#cdd3da"),
    "dim": ("#5c6873", "#9aa7b4"),
    "idle": ("#8d99a5", "#6b7885"),
    "good": ("#0a7a37", "#46d37c"),
    "bad": ("#c4181c", "#ff5c57"),
    "warn": ("#8a5600", "#ffb84d"),
    "busy": ("#0b62c9", "#4ea1ff"),
    "poll": ("#00746d", "#3fd0c9"),
    "event": ("#6d33c4", "#b78cff"),
    "exact": ("#2a6490", "#8fb8d8"),
    "guess": ("#6b6048", "#a9a08f"),
}
"""A color's name to what it is by day and by night: those of the screen."""
_PAINT = re.compile(r"(fill|stroke):@([a-z]+)")
Ref = Callable[[str], str]
"""Gives what a page knows an event, a call or a task by, from its key; or nothing."""


def variables(night: int) -> str:
    """Give the colors of day (0) or night (1) as CSS variables."""
    return "".join(f"--{name}:{pair[night]};" for name, pair in PALETTE.items())


def _painted(match: re.Match[str]) -> str:
    what, name = match.groups()
    return f"{what}:{PALETTE[name][0]};{what}:var(--{name})"


def rules() -> str:
    """Give the style of the parts; the variables are somebody else's."""
    template = files("sfnwatch.next.templates") / "picture.css"
    return _PAINT.sub(_painted, template.read_text("ascii")).replace("\n", "")


def dump(moment: Moment, out: TextIO) -> None:
    """Print the timeline and the lanes as one picture; equal traces, equal texts."""
    timeline, lanes = TimelinePicture(moment), LanesPicture(moment)
    day, night = variables(0), variables(1)
    style = (
        f".sw{{{day}}}@media (prefers-color-scheme:dark){{.sw{{{night}}}}}"
        f"@media print{{.sw{{{day}}}}}{rules()}"
    )
    sheet = Sheet("p")
    y = _put_title(sheet, moment)
    for picture in (timeline, lanes):
        y = picture.draw(sheet, y) + ROW
    y = _put_legend(sheet, y, notes(moment))
    out.write(ascii_markup(sheet.svg(y, style)))


def ascii_markup(text: str) -> str:
    """Write markup so that no encoding on its way can spoil it."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def escape(text: str) -> str:
    """Make a text safe in an element or an attribute; it is clean already."""
    told = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return told.replace('"', "&quot;").replace("'", "&#39;")


# -- the sheet -------------------------------------------------------------------------


class Sheet:
    """What a picture is drawn on: a grid of cells, and shapes between them."""

    def __init__(self, prefix: str) -> None:
        """`prefix` tells its ids from those of other pictures in one page."""
        self._prefix, self._parts = prefix, list[str]()
        self.width = 0.0

    def write(self, x: float, y: float, parts: Iterable[Part], css: str = "") -> float:
        """Write parts from `x` on, on the base line of the row at `y`; give the end."""
        for text, role in parts:
            width = cell_width(text) * CELL
            if text.strip():
                name = f"r-{role}{f' {css}' if css else ''}"
                self._parts.append(
                    f'<text class="{name}" x="{x:g}" y="{y + 14:g}"'
                    f' textLength="{width:g}" lengthAdjust="spacingAndGlyphs">'
                    f"{escape(text)}</text>"
                )
            x += width
        self.width = max(self.width, x)
        return x

    def rect(self, x: float, y: float, w: float, h: float, css: str) -> None:
        if "backing-off" in css:
            css += f'" fill="url(#{self._prefix}-hatch)'
        self._parts.append(
            f'<rect class="{css}" x="{x:.6g}" y="{y:g}" width="{max(w, 0.7):.6g}"'
            f' height="{h:g}" rx="{1.5 if min(w, h) > 4 else 0:g}"/>'  # noqa: PLR2004
        )
        self.width = max(self.width, x + w)

    def line(self, x: float, y: float, to_x: float, to_y: float, css: str) -> None:
        self._parts.append(
            f'<path class="{css}" d="M{x:.6g} {y:.6g}L{to_x:.6g} {to_y:.6g}"/>'
        )

    def shape(self, path: str, css: str) -> None:
        self._parts.append(f'<path class="{css}" d="{path}"/>')

    def cross(self, x: float, y: float, arm: float = 3.5) -> None:
        one = f"M{x - arm:.6g} {y - arm:g}L{x + arm:.6g} {y + arm:g}"
        other = f"M{x + arm:.6g} {y - arm:g}L{x - arm:.6g} {y + arm:g}"
        self.shape(one + other, "cross under")
        self.shape(one + other, "cross")

    def dot(self, x: float, y: float, radius: float, css: str) -> None:
        told = f'cx="{x:.6g}" cy="{y:g}" r="{radius:g}"'
        self._parts.append(f'<circle class="{css}" {told}/>')

    def begin(self, refs: Sequence[str], tip: Iterable[str], name: str) -> None:
        """Begin what belongs together; a page finds it by the first of the refs."""
        known = [ref for ref in refs if ref]
        told = f' id="{name}-{known[0]}" data-refs="{" ".join(known)}"' if known else ""
        title = escape("\n".join(tip))
        self._parts.append(f'<g class="row"{told}><title>{title}</title>')

    def end(self) -> None:
        self._parts.append("</g>")

    def svg(self, height: float, style: str, name: str = "sfnwatch") -> str:
        width = self.width + _MARGIN
        css = f"<style>{style}</style>" if style else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="sw" role="img"'
            f' aria-label="{escape(name)}" width="{width:.6g}" height="{height:.6g}"'
            f' viewBox="0 0 {width:.6g} {height:.6g}">{css}<defs><pattern'
            f' id="{self._prefix}-hatch" width="4" height="4"'
            ' patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path'
            ' class="hatch" d="M0 0V4"/></pattern></defs>'
            '<rect class="ground" width="100%" height="100%"/>'
            f"{''.join(self._parts)}</svg>"
        )


def flow(parts: Iterable[Part], room: int) -> list[list[Part]]:
    """Wrap parts at blanks to rows of so many cells."""
    rows, used = [list[Part]()], 0
    for text, role in parts:
        for word in re.findall(r"\s*\S+|\s+", text):
            size = cell_width(word)
            if used and used + size > room:
                rows.append([])
                used, word = 2, f"  {word.strip()}"  # noqa: PLW2901
                size = cell_width(word) - 2
            rows[-1].append(Part(word, role))
            used += size
    return [_joined(row) for row in rows]


def _joined(parts: Iterable[Part]) -> list[Part]:
    found: list[Part] = []
    for text, role in parts:
        if found and found[-1].role is role:
            found[-1] = Part(found[-1].text + text, role)
        else:
            found.append(Part(text, role))
    return found


def _width(parts: Iterable[Part]) -> int:
    return sum(cell_width(part.text) for part in parts)


# -- what stands around the pictures ---------------------------------------------------


def title_words(moment: Moment) -> str:
    """Name what a trace is of: an execution, or how many."""
    roots = list(moment.roots.values())
    if len(roots) == 1:
        return _whole_name(roots[0])
    if not roots:
        return "API calls"
    labels = some(execution_labels(moment.roots).values(), 6)
    return f"{plural(len(roots), 'execution')}: {labels}"


def _put_title(sheet: Sheet, moment: Moment) -> float:
    y = _MARGIN - 6
    sheet.write(_MARGIN, y, [Part(title_words(moment), Role.NAME)])
    for arn, label in execution_labels(moment.roots).items():
        execution = moment.roots[arn]
        status = execution.status.lower()
        glyph = status_glyph(status)
        words = f"{glyph.text} {clean(status.replace('_', ' '))}"
        parts = [
            Part(f"{label}  " if label else "", Role.NAME),
            Part(words, glyph.role),
        ]
        if execution.started_at and execution.stopped_at:
            spent = execution.stopped_at - execution.started_at
            parts.append(Part(f" {duration(spent.total_seconds())}"))
        if execution.started_at:
            at = f"   {execution.started_at:%Y-%m-%d %H:%M:%S} UTC"
            parts.append(Part(at, Role.DIM))
        if label:
            parts.append(Part(f"   {_whole_name(execution)}", Role.DIM))
        y += ROW
        sheet.write(_MARGIN, y, parts)
    return y + ROW + 6


def _whole_name(execution: ExecutionAsOf) -> str:
    machine, name = execution.state_machine_name, execution.name
    return clean(f"{machine} › {name}" if machine else name, 180)


def _put_legend(sheet: Sheet, y: float, notes: Iterable[str] = ()) -> float:
    """Say what the colors and marks mean, and what else is to be known."""
    x = _MARGIN
    for phase in (
        Phase.WAITING,
        Phase.WORKING,
        Phase.COMPLETION_LAG,
        Phase.BACKING_OFF,
    ):
        sheet.rect(x, y + 5, 14, 9, _css(phase))
        x = sheet.write(x + 20, y, [Part(f"{phase}", Role.DIM)]) + 18
    sheet.rect(x, y + 5, 14, 9, "failed")
    x = sheet.write(x + 20, y, [Part("failed attempt", Role.DIM)]) + 18
    sheet.dot(x + 4, y + 10, 4, "action")
    x = sheet.write(x + 14, y, [Part("action call", Role.DIM)]) + 18
    sheet.line(x + 2, y + 5, x + 2, y + 15, "poll")
    x = sheet.write(x + 10, y, [Part("poll", Role.DIM)]) + 18
    sheet.cross(x + 4, y + 10)
    sheet.write(x + 14, y, [Part("denied or failed", Role.DIM)])
    for note in notes:
        y += ROW
        sheet.write(_MARGIN, y, [Part(note, Role.DIM)])
    return y + ROW + 8


def notes(moment: Moment) -> Iterator[str]:
    """Say how far CloudTrail is known, and what is not shown."""
    health = moment.health.get("lookup")
    if health is not None and health.coverage is not None:
        yield f"CloudTrail complete up to {health.coverage:%H:%M:%S} UTC (estimate)."
    hidden = sum(not moment.is_relevant(call) for call in moment.calls)
    if hidden:
        yield f"{plural(hidden, 'call')} by others, or by X-Ray, not shown."


def _css(phase: Phase) -> str:
    return phase.value.replace(" ", "-")


# -- the lanes -------------------------------------------------------------------------


class _Block(Struct):
    """What a line says in one lane."""

    column: int
    parts: Sequence[Part]
    refs: Sequence[str]


class _Column(Struct):
    """One lane: an execution's, or the calls'."""

    title: str
    root: str
    """Whose life-lines stand in it; empty for all."""
    rails: int
    room: int
    words: int = 0
    """The cells that its longest words take."""
    x: float = 0.0

    @property
    def text_x(self) -> float:
        return self.x + (self.rails * _RAIL + 8 if self.rails else 0)


_KEYS = "  C: list"
"""What a screen says behind a Map Run: nobody presses keys here."""
_RAIL = 12.0
"""The px from one life-line to the next."""


class LanesPicture:
    """The lanes: states and calls beside each other, or executions, by their times."""

    def __init__(self, moment: Moment, ref: Ref = lambda _: "") -> None:
        self._moment, self._ref, trace = moment, ref, moment.trace
        self._outline = Outline(trace, OutlineOptions(folds=False))
        if len(self._outline.items) > _OPEN:
            self._outline = Outline(trace)
        self._roots = list(moment.roots)
        self._several = len(self._roots) > 1
        containers = self._outline.containers
        self._lifelines = LifeLines(trace, containers, apart=self._several)
        self._tags = lane_tags(moment)
        shown = filter(moment.is_relevant, moment.calls)
        self._services = {call.event_source for call in shown}
        self._columns = list(self._lanes())
        self.drawn: dict[str, str] = {}
        """The ref that a page finds a line by, for the ref of each thing on it."""
        self._rows = list(self._all_rows())
        self._rails: dict[tuple[int, VisitKey], tuple[Rail, float, float]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def svg(self, name: str) -> str:
        """Draw it for a page, which has the style."""
        sheet = Sheet("l")
        return sheet.svg(self.draw(sheet, 8) + 10, "", name)

    def _lanes(self) -> Iterator[_Column]:
        width = self._lifelines.width
        if not self._several:
            yield _Column("STEP FUNCTIONS", "", width(), _STATES)
            yield _Column("API CALLS", "", 0, _CALLS)
            return
        labels = execution_labels(self._roots)
        for arn in self._roots:
            yield _Column(labels[arn], arn, width(arn), _BESIDE)
        yield _Column("OTHER CALLS", "", 0, _BESIDE)

    # -- what is on it -----------------------------------------------------------------

    def _all_rows(self) -> Iterator[tuple[Line, list[_Block]] | str]:
        """Yield lines with what they say in each lane, or words for those left out."""
        items = self._outline.at(self._moment)
        maker = LineMaker(self._moment, self._outline, self._lifelines)
        kept, before, skipped = _kept(items), None, list[Item]()
        for item in items:
            if id(item) not in kept:
                skipped.append(item)
                continue
            if skipped:
                yield f"⋯ {plural(len(skipped), 'line')} left out"
                skipped.clear()
            line = maker.line(item, before)
            before = item
            blocks = [block for block in self._blocks(line) if block.parts]
            for block in blocks:
                column = self._columns[block.column]
                column.words = min(column.room, max(column.words, _width(block.parts)))
            yield line, blocks
        if skipped:
            yield f"⋯ {plural(len(skipped), 'line')} left out"

    def _blocks(self, line: Line) -> Iterator[_Block]:
        tag = "" if line.fold else self._tags.get(line.execution_arn or "", "")
        if self._several and line.execution_arn == line.root_arn:
            tag = ""  # its column says it
        parts = [Part(tag, Role.DIM)] if tag else []
        if line.fold is not None:
            parts += [Part(f"{line.fold.text} ", line.fold.role)]
        # Beside others an execution is told of by its own column.
        lone = self._several and len(line.rails) <= 1
        parts += [*(() if lone else line.owner), *line.text]
        parts = [part for part in parts if part.text != _KEYS]
        if line.conclusion:
            parts += [Part("  "), *line.conclusion[0]]
        told = line.call or line.task
        call = [*told.parts] if told else []
        refs = self._refs(line)
        if self._several:
            column = self._roots.index(line.root_arn) if line.root_arn else -1
            gap = [Part("  ")] if parts and call and line.lane is Lane.STATES else []
            number = column if column >= 0 else len(self._columns) - 1
            yield _Block(number, [*parts, *gap, *call], refs)
        elif line.lane is Lane.STATES:
            yield _Block(0, parts, refs)
            yield _Block(1, self._timed(line, call), [self._ref(line.call_key)])
        else:
            owner = [Part("  ‹ ", Role.DIM), *parts] if parts else []
            yield _Block(1, [*self._timed(line, call), *owner], refs)

    def _timed(self, line: Line, call: list[Part]) -> list[Part]:
        """Write a call's own second before it, and of several services which."""
        if not call or line.call_at is None:
            return call
        service = clean(line.service.removesuffix(".amazonaws.com"), _NAMES)
        named = f"{service}  " if len(self._services) > 1 else ""
        return [Part(f"{line.call_at:%H:%M:%S}  {named}", Role.DIM), *call]

    def _refs(self, line: Line) -> list[str]:
        """Give the refs of all that a line stands for, its own first."""
        found = [self._ref(line.key)]
        if isinstance(line.item, HistoryEvent):
            followers = self._outline.order.followers(line.item)
            found += [self._ref(event.key) for event in followers]
        if self._several and line.call_key:
            found.append(self._ref(line.call_key))
        if isinstance(line.item, Fold):
            found = [self._ref(each.key) for each in line.item.members[:_LINES]]
        found = [ref for ref in found if ref]
        self.drawn.update(dict.fromkeys(found, found[0] if found else ""))
        return found

    # -- drawing -----------------------------------------------------------------------

    def draw(self, sheet: Sheet, y: float) -> float:
        """Draw it from `y` on; give where it ends."""
        if not self._rows:
            return y
        time_x = self._place_columns()
        sheet.write(time_x, y, [Part("UTC", Role.DIM)])
        for column in self._columns:
            if column.words:
                title = cut(column.title, column.room)
                role = Role.NAME if column.root else Role.DIM
                sheet.write(column.x, y, [Part(title, role)])
                sheet.width = max(sheet.width, column.text_x + column.words * CELL)
        y += ROW
        sheet.line(_MARGIN, y, sheet.width, y, "hair")
        y += 6
        for row in self._rows:
            if isinstance(row, str):
                self._end_rails(sheet)
                sheet.write(self._columns[0].text_x, y, [Part(row, Role.DIM)])
                y += ROW
            else:
                y = self._draw_line(sheet, y, time_x, *row)
        self._end_rails(sheet)
        return y

    def _place_columns(self) -> float:
        """Put the lanes beside each other, and give where times stand."""
        time = _TIME * CELL
        x = _MARGIN + (time + 10 if self._several else 0)
        time_x = _MARGIN
        for number, column in enumerate(self._columns):
            column.x = x
            if column.words:
                x = column.text_x + (column.words + 2) * CELL
            if number == 0 and not self._several:
                time_x = x
                x += time + _ARROW * CELL
        return time_x

    def _draw_line(
        self, sheet: Sheet, y: float, time_x: float, line: Line, blocks: list[_Block]
    ) -> float:
        first = self._rows[0][0] is line
        if first or line.new_day or line.gap is not None:
            words = f"⋮ {spoken(line.gap)}" if line.gap is not None else ""
            day = f"{line.at:%Y-%m-%d}" if first or line.new_day else ""
            told = "  ".join(each for each in (words, day) if each)
            sheet.write(time_x, y, [Part(told, Role.DIM)])
            y += ROW - 2
        rows = {id(b): flow(b.parts, self._columns[b.column].room) for b in blocks}
        height = ROW * max((len(each) for each in rows.values()), default=1)
        self._draw_rails(sheet, line, y)
        for block in blocks:
            column = self._columns[block.column]
            sheet.begin(block.refs, _tip(line, block), "l")
            width = column.words * CELL + 8
            sheet.rect(column.text_x - 4, y, width, height, "hit")
            for number, parts in enumerate(rows[id(block)]):
                sheet.write(column.text_x, y + number * ROW, parts)
            sheet.end()
        if line.lane is Lane.STATES and line.call and not self._several:
            self._draw_link(sheet, line, y)
        if isinstance(line.item, HistoryEvent) and line.item.type == REDRIVEN:
            sheet.rect(_MARGIN, y - 1, sheet.width - _MARGIN, 1.5, "seam")
        if line.lane is Lane.STATES or self._several or not line.whole_seconds:
            size = 8 if line.whole_seconds else 12
            time = f"{line.at:%H:%M:%S.%f}"[:size]
            sheet.write(time_x, y, [Part(time, Role.DIM)])
        return y + height

    def _draw_link(self, sheet: Sheet, line: Line, y: float) -> None:
        """Lead from a phase's time to the call that it made."""
        calls = self._columns[1].text_x
        rule = line.call.rule if line.call else ()
        guess = any(part.role is Role.GUESS for part in rule)
        css = " guess" if guess else ""
        middle = y + 10
        begin, tip = calls - (_ARROW - 0.5) * CELL, calls - 8
        sheet.line(begin, middle, tip, middle, f"link{css}")
        arrow = (
            f"M{tip:g} {middle - 4:g}L{tip + 6:g} {middle:g}L{tip:g} {middle + 4:g}z"
        )
        sheet.shape(arrow, f"tip{css}")

    def _draw_rails(self, sheet: Sheet, line: Line, y: float) -> None:
        """Go on with the life-lines that pass a line, and end those that do not."""
        number = 0
        if self._several:
            number = self._roots.index(line.root_arn) if line.root_arn else -1
        passing = {(number, rail.visit): rail for rail in line.rails}
        for key in list(self._rails):
            if key[0] == number and key not in passing:
                self._end_rail(sheet, key)
        for key, rail in passing.items():
            known = self._rails.get(key)
            same = known is not None and _look(known[0]) == _look(rail)
            # What a line of several rows ends goes on below its first.
            begin = y + (10 if rail.begins else 0)
            top = begin if known is None else known[1] if same else known[2]
            if known is not None and not same:
                self._end_rail(sheet, key)
            bottom = y + 10 if rail.ends else y + ROW
            self._rails[key] = (rail, top, bottom)
            if rail.ends:
                self._end_rail(sheet, key)

    def _end_rail(self, sheet: Sheet, key: tuple[int, VisitKey]) -> None:
        rail, top, bottom = self._rails.pop(key)
        thin = rail.phase in {Phase.CONTAINER, Phase.STOPPED}
        x = self._columns[max(0, key[0])].x + rail.column * _RAIL + (2 if thin else 0)
        failed = rail.failed and rail.phase is Phase.WORKING
        css = "failed" if failed else _css(rail.phase)
        sheet.rect(x, top, 2 if thin else 6, max(bottom - top, 4), css)

    def _end_rails(self, sheet: Sheet) -> None:
        for key in list(self._rails):
            self._end_rail(sheet, key)


def _look(rail: Rail) -> tuple[Phase, bool]:
    return rail.phase, rail.failed


def _tip(line: Line, block: _Block) -> Iterator[str]:
    yield f"{line.at:%H:%M:%S}" if line.whole_seconds else iso(line.at)
    yield plain_text(block.parts)


def _kept(items: Sequence[Item]) -> set[int]:
    """Choose what matters most: how executions went, failures, and then the first."""
    if len(items) <= _LINES:
        return set(map(id, items))
    telling = [item for item in items if _is_telling(item)][: _LINES // 2]
    kept = set(map(id, telling))
    rest = (item for item in items if id(item) not in kept)
    return kept.union(map(id, islice(rest, _LINES - len(kept))))


def _is_telling(item: Item) -> bool:
    if isinstance(item, ApiCall):
        return item.error_code is not None
    kind = item.type if isinstance(item, HistoryEvent) else ""
    bad = ("Failed", "TimedOut", "Aborted")
    return kind.startswith("Execution") or kind.endswith(bad)


# -- the timeline ----------------------------------------------------------------------


class TimelinePicture:
    """The timeline: one bar a state, and one an execution where there are several."""

    def __init__(self, moment: Moment, ref: Ref = lambda _: "") -> None:
        self._ref, self._labels = ref, execution_labels(moment.roots)
        self._chart = TimelineChart(moment, last_moment(moment))
        lines = self._chart.lines(dict.fromkeys(moment.roots, False))
        self._lines, self._left_out = lines[:_BARS], len(lines[_BARS:])
        bars = [line.bar for line in lines]
        self._begin = min((bar.begin for bar in bars), default=self._chart.now)
        self._end = max((bar.end for bar in bars), default=self._begin)
        self._stops = list(self._long_stops(moment))
        names = [_width(self._name(line)) for line in self._lines]
        self._plot = _MARGIN + (min(_NAMES, max(names, default=0)) + 2) * CELL

    def __bool__(self) -> bool:
        return bool(self._lines)

    def svg(self, name: str) -> str:
        """Draw it for a page, which has the style."""
        sheet = Sheet("g")
        bottom = _put_legend(sheet, self.draw(sheet, 8) + 12)
        return sheet.svg(bottom, "", name)

    def _long_stops(self, moment: Moment) -> Iterator[Span]:
        """Yield the times between an end and a redrive: weeks may lie between."""
        roots = list(moment.roots.values())
        for redrive in roots[0].redrives if len(roots) == 1 else ():
            if redrive.ended is not None:
                stop = redrive.ended.at, redrive.event.at
                if stop[1] - stop[0] > (self._end - self._begin) / 10:
                    yield stop

    def _name(self, line: BarLine) -> list[Part]:
        bar, depth = line.bar, len(line.rails) // 2
        name = self._labels.get(bar.key) or clean(bar.shown_name, _NAMES)
        parent = self._chart.moment.lineage.parents.get(bar.execution_arn)
        if bar.kind is BarKind.EXECUTION and parent is not None:
            execution = self._chart.moment.executions[bar.execution_arn]
            of_map_run = parent.map_run_arn is not None
            machine = "" if of_map_run else f"{execution.state_machine_name} › "
            name = clean(f"{machine}{short_id(bar.name)}", _NAMES)
        what = self._chart.what(bar)
        told = [Part(f"  {what.text}", what.role)] if what else []
        return [Part("  " * depth), Part(name, Role.NAME), *told]

    def draw(self, sheet: Sheet, y: float) -> float:
        """Draw it from `y` on; give where it ends."""
        if not self._lines:
            return y
        top = y + ROW
        bottom = top + ROW * (len(self._lines) + bool(self._left_out))
        self._draw_axis(sheet, y, bottom)
        for number, line in enumerate(self._lines):
            self._draw_bar(sheet, line, top + number * ROW)
        if self._left_out:
            words = f"⋯ {plural(self._left_out, 'more row')}"
            sheet.write(_MARGIN, bottom - ROW, [Part(words, Role.DIM)])
        return bottom

    def _offset(self, at: datetime) -> float:
        """Count the seconds to a moment, without the long stops."""
        seconds = (at - self._begin).total_seconds()
        for first, last in self._stops:
            if at > first:
                seconds -= (min(at, last) - first).total_seconds()
        return seconds

    def _x(self, seconds: float) -> float:
        whole = self._offset(self._end)
        return self._plot + _PLOT * min(
            max(seconds / whole if whole else 0.0, 0.0), 1.0
        )

    def _span(self, begin: datetime, end: datetime) -> tuple[float, float]:
        return self._x(self._offset(begin)), self._x(self._offset(end))

    def _draw_axis(self, sheet: Sheet, y: float, bottom: float) -> None:
        whole = self._offset(self._end)
        begin = Part(f"UTC from {self._begin:%H:%M:%S}", Role.DIM)
        sheet.write(_MARGIN, y, [begin])
        step = next((s for s in _STEPS if whole / s <= _TICKS), _STEPS[-1])
        for number in range(int(whole / step) + 1):
            x = self._x(number * step)
            words = f"+{_round(number * step)}" if number else "0"
            sheet.line(x, y + ROW - 2, x, bottom, "hair")
            half = cell_width(words) * CELL / 2 if number else 0
            sheet.write(x - half, y, [Part(words, Role.DIM)])
        for first, last in self._stops:
            x, left_out = self._span(first, first)[0], (last - first).total_seconds()
            sheet.line(x, y + ROW - 6, x, bottom, "cut")
            told = Part(f"⟲ redriven after {duration(left_out)}", Role.DIM)
            sheet.write(x - _width([told]) * CELL - 4, bottom - 4, [told])
        sheet.width = max(sheet.width, self._plot + _PLOT)

    def _draw_bar(self, sheet: Sheet, line: BarLine, y: float) -> None:
        bar = line.bar
        sheet.begin([self._ref(bar.line_key)], self._tip(line), "g")
        sheet.rect(_MARGIN - 4, y, self._plot + _PLOT - _MARGIN, ROW, "hit")
        sheet.write(_MARGIN, y, _cut(self._name(line), int(self._plot / CELL) - 4))
        for begin, end, failed in self._chart.crowd(line):
            x, right = self._span(begin, end)
            sheet.rect(x, y + 5, right - x, 10, "failed" if failed else "crowd")
        segments = () if bar.kind is BarKind.UNREAD else self._chart.segments(line)
        for segment in segments:
            self._draw_segment(sheet, segment, y)
        for tick in self._chart.ticks(line)[:_MOST_TICKS]:
            self._draw_tick(sheet, tick, y)
        sheet.write(self._span(bar.end, bar.end)[0] + 8, y, self._label(line))
        sheet.end()

    def _label(self, line: BarLine) -> Iterator[Part]:
        """Say how a bar ended, how long it is and what is notable of it."""
        bar = line.bar
        glyph = status_glyph(bar.status)
        if bar.kind is BarKind.TASK:
            yield Part(f"{length_words(self._chart, bar)}  ")
        elif bar.kind is not BarKind.UNREAD:
            yield Part(f"{glyph.text} {length_words(self._chart, bar)}  ", glyph.role)
        yield from self._chart.notes(line)

    def _draw_segment(self, sheet: Sheet, segment: Segment, y: float) -> None:
        x, right = self._span(segment.begin, segment.end)
        if segment.phase in {Phase.CONTAINER, Phase.STOPPED}:
            sheet.rect(x, y + 9, right - x, 3, _css(segment.phase))
            return
        if segment.phase is Phase.COMPLETION_LAG:
            x = min(x, right - 3)  # of all a bar has, it is what must be seen
        failed = segment.failed and segment.phase is Phase.WORKING
        sheet.rect(x, y + 5, right - x, 10, "failed" if failed else _css(segment.phase))

    def _draw_tick(self, sheet: Sheet, tick: Tick, y: float) -> None:
        x = self._span(tick.at, tick.at)[0]
        if tick.failed:
            sheet.cross(x, y + 10)
        elif tick.role is CallRole.ACTION:
            sheet.dot(x, y + 10, 4, "action")
        else:
            sheet.line(x, y + 5, x, y + 15, "poll")

    def _tip(self, line: BarLine) -> Iterator[str]:
        visit = line.bar.visit
        yield clean(visit.path if visit else line.bar.shown_name)
        yield f"{iso(line.bar.begin)}, {line.bar.status.replace('_', ' ')}"
        if visit is not None:
            for segment in self._chart.segments(line)[:8]:
                yield f"{segment.phase}: {duration(segment.seconds)}"


def _round(seconds: float) -> str:
    """Write a round length of time: `30 s`, `1m 30s`, `2m`."""
    told = duration(seconds).replace(".00 ", " ").replace(".0 ", " ")
    return told.removesuffix(" 00s").removesuffix(" 00m")


def _cut(parts: Iterable[Part], room: int) -> Iterator[Part]:
    for text, role in parts:
        yield Part(cut(text, room), role)
        room -= cell_width(text)
        if room <= 0:
            return
