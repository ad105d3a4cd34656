"""A trace as a picture: the timeline above, the lanes below, for a slide or a page.

A page has pictures of state machines as well, lit as far as executions came: they are
drawn of the boxes and edges that the screen draws.

Everything stands on a grid of character cells, in whatever monospaced font there is:
each run of text says how wide it is, so nothing has to be measured. No script, no font
and no file but itself. Colors are CSS variables, so that the reader's preference, or a
page around, decides.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TextIO

from msgspec import Struct
from rich.cells import cell_len

from sfnwatch.analysis.case import last_moment
from sfnwatch.analysis.phases import Phase, Segment
from sfnwatch.analysis.wording import plural, some, spoken
from sfnwatch.export.names import heading, lane_tags, not_shown, whole_name
from sfnwatch.export.row_text import lane_parts, state_parts, time_words
from sfnwatch.export.wrapping import cut, flow
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, iso
from sfnwatch.model.visits import VisitKey
from sfnwatch.templates import read_template
from sfnwatch.view.bar_notes import bar_notes, state_words
from sfnwatch.view.graph import Box, graph_of
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import PlacedBox, Wire
from sfnwatch.view.graph_progress import BoxState, graph_progress
from sfnwatch.view.life_lines import LifeLines, Rail
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold, Item
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part, Role, plain_text, status_glyph
from sfnwatch.view.time_marks import round_marks, stops
from sfnwatch.view.time_scale import cut_short, length_of
from sfnwatch.view.timeline_bars import Bar, BarKind, Tick
from sfnwatch.view.timeline_chart import TimelineChart
from sfnwatch.view.wording import execution_labels

CELL = 7.2
"""The width of a character, in px."""
ROW = 20.0
"""The height of a row, in px."""
_MARGIN = 20.0
_OPEN = 80
"""With more lines than these what can be folded is: polls, children, large Maps."""
_MOST_LINES = 300
"""Lines that are drawn; the others are counted."""
_MOST_BARS = 120
"""Bars that are drawn; the others are counted."""
_STATE_CELLS = 64
"""Cells for the words of a state; longer ones are wrapped."""
_CALL_CELLS = 84
"""The same for a call."""
_NARROW_CALL_CELLS = 56
"""The same for a call where executions stand side by side."""
_TIME = 13
_ARROW = 6
_NAME_CELLS = 52
"""The cells of names in the timeline."""
_PLOT_WIDTH = 700.0
"""The width of the timeline's bars, in px."""
_MOST_TICKS = 150
_TICKS = 7
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
Ref = Callable[[str], str]
"""Gives what a page knows an event, a call or a task by, from its key; or nothing."""


def stylesheet(name: str) -> str:
    """Give one of our style sheets, without what only its readers here need."""
    return "".join(_COMMENT.sub("", read_template(name)).splitlines())


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the timeline and the lanes as one picture; equal traces, equal texts."""
    sheet = Sheet("p")
    y = _put_title(sheet, snapshot)
    for picture in (TimelinePicture(snapshot), LanesPicture(snapshot)):
        y = picture.draw(sheet, y) + ROW
    bottom = _put_legend(sheet, y, notes(snapshot))
    out.write(sheet.svg(bottom, stylesheet("picture.css")))


# -- the sheet -------------------------------------------------------------------------


class Sheet:
    """What a picture is drawn on: a grid of cells, and shapes between them."""

    def __init__(self, prefix: str) -> None:
        """`prefix` tells its ids from those of other pictures in one page."""
        self._prefix = prefix
        self.width = 0.0
        self._root = self._into = ET.Element("svg")
        self.rect("ground", 0, 0, 0, 0).attrib.update(width="100%", height="100%")

    def _put(self, tag: str, css: str, **given: str | float) -> ET.Element:
        told = {k: v if isinstance(v, str) else f"{v:.6g}" for k, v in given.items()}
        return ET.SubElement(self._into, tag, {"class": css, **told})

    def write(self, x: float, y: float, parts: Iterable[Part]) -> float:
        """Write parts from `x` on, on the base line of the row at `y`; give the end."""
        for part in parts:
            css = f"r-{part.role}"
            width = cell_len(part.text) * CELL
            if part.text.strip():
                run = self._put("text", css, x=x, y=y + 14, textLength=width)
                run.set("lengthAdjust", "spacingAndGlyphs")
                run.text = part.text
            x += width
        self.width = max(self.width, x)
        return x

    def rect(self, css: str, x: float, y: float, w: float, h: float) -> ET.Element:
        self.width = max(self.width, x + w)
        return self._put("rect", css, x=x, y=y, width=max(w, 0.7), height=h)

    def path(self, css: str, *points: tuple[float, float], end: str = "") -> None:
        """Draw a line through points; one that ends in z is filled."""
        told = "L".join(f"{x:.6g} {y:.6g}" for x, y in points)
        self._put("path", css, d=f"M{told}{end}")

    def cross(self, x: float, y: float, arm: float = 3.5) -> None:
        for css in ("cross under", "cross"):
            self.path(css, (x - arm, y - arm), (x + arm, y + arm))
            self.path(css, (x + arm, y - arm), (x - arm, y + arm))

    def dot(self, x: float, y: float, css: str) -> None:
        self._put("circle", css, cx=x, cy=y, r=4)

    @contextmanager
    def row(self, refs: Sequence[str], tip: Iterable[str]) -> Iterator[None]:
        """Put together what follows; a page finds it by the first of the refs."""
        around = self._into
        known = [ref for ref in refs if ref]
        self._into = self._put("g", "row")
        if known:
            self._into.set("id", f"{self._prefix}-{known[0]}")
            self._into.set("data-refs", " ".join(known))
        ET.SubElement(self._into, "title").text = "\n".join(tip)
        yield
        self._into = around

    def svg(self, height: float, style: str = "", name: str = "sfnwatch") -> str:
        """Give its markup, in which no encoding on its way can spoil anything."""
        width = f"{self.width + _MARGIN:.6g}"
        about = {"class": "sw", "role": "img", "aria-label": name, "width": width}
        about |= {"height": f"{height:.6g}", "viewBox": f"0 0 {width} {height:.6g}"}
        self._root.attrib.update(about, xmlns="http://www.w3.org/2000/svg")
        if style:
            ET.SubElement(self._root, "style").text = style
        data: bytes = ET.tostring(self._root, "us-ascii")
        return data.decode("ascii")


def _width(parts: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)


# -- what stands around the pictures ---------------------------------------------------


def title_words(snapshot: Snapshot) -> str:
    """Name what a trace is of: an execution, or how many."""
    roots = list(snapshot.roots.values())
    if len(roots) == 1:
        return whole_name(roots[0])
    if not roots:
        return "API calls"
    labels = some(execution_labels(snapshot.roots).values(), 6)
    return f"{plural(len(roots), 'execution')}: {labels}"


def _put_title(sheet: Sheet, snapshot: Snapshot) -> float:
    y = _MARGIN - 6
    if len(snapshot.roots) != 1:
        sheet.write(_MARGIN, y, [Part(title_words(snapshot), Role.NAME)])
        y += ROW
    for arn, label in execution_labels(snapshot.roots).items():
        named = [Part(f"{label}  ", Role.NAME)] if label else []
        sheet.write(_MARGIN, y, [*named, *heading(snapshot.roots[arn])])
        y += ROW
    return y + 6


def _put_legend(sheet: Sheet, y: float, notes: Iterable[str] = ()) -> float:
    """Say what the colors and marks mean, and what else is to be known."""
    x = _MARGIN
    for words in ("waiting", "working", "completion lag", "backing off", "failed"):
        sheet.rect(words.replace(" ", "-"), x, y + 5, 14, 9)
        x = sheet.write(x + 20, y, [Part(words, Role.DIM)]) + 18
    sheet.dot(x + 4, y + 10, "action")
    x = sheet.write(x + 14, y, [Part("action call", Role.DIM)]) + 18
    sheet.path("poll", (x + 2, y + 5), (x + 2, y + 15))
    x = sheet.write(x + 10, y, [Part("poll", Role.DIM)]) + 18
    sheet.cross(x + 4, y + 10)
    sheet.write(x + 14, y, [Part("denied or failed", Role.DIM)])
    for note in notes:
        y += ROW
        sheet.write(_MARGIN, y, [Part(note, Role.DIM)])
    return y + ROW + 8


def notes(snapshot: Snapshot) -> Iterator[str]:
    """Say how far CloudTrail is known, and what is not shown."""
    health = snapshot.health.get("lookup")
    if health is not None and health.coverage is not None:
        yield f"CloudTrail complete up to {health.coverage:%H:%M:%S} UTC (estimate)."
    yield from not_shown(snapshot)


def _css(phase: Phase, *, failed: bool = False) -> str:
    return "failed" if failed and phase is Phase.WORKING else phase.replace(" ", "-")


# -- the lanes -------------------------------------------------------------------------


class _SvgLane(Struct):
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


_SvgBlock = tuple[_SvgLane, list[Part], list[str]]
"""What a line says in one lane, and the refs of what that is."""
_RAIL = 12.0
"""The px from one life-line to the next."""


class LanesPicture:
    """The lanes: states and calls beside each other, or executions, by their times."""

    def __init__(self, snapshot: Snapshot, ref: Ref = lambda _: "") -> None:
        self._snapshot = snapshot
        self._ref = ref
        self._outline = Outline(snapshot.trace, OutlineOptions(folds=False))
        if len(self._outline.items) > _OPEN:
            self._outline = Outline(snapshot.trace)
        self._several = len(snapshot.roots) > 1
        self._lifelines = LifeLines(snapshot.trace, self._outline, apart=self._several)
        self._tags = lane_tags(snapshot)
        self._columns = {column.root: column for column in self._lanes()}
        """By root execution, the calls' last by nothing; else the states' by None."""
        self.drawn: dict[str, str] = {}
        """The ref that a page finds a line by, for the ref of each thing on it."""
        items = self._outline.at(snapshot)
        self._rows = list(self._all_rows(items[:_MOST_LINES]))
        self._left_out = len(items[_MOST_LINES:])
        self._over: set[VisitKey] = set()
        """The visits whose life-lines have ended on a line."""

    def svg(self, name: str) -> str:
        """Draw it for a page, which has the style; nothing where nothing is."""
        sheet = Sheet("l")
        return sheet.svg(self.draw(sheet, 8) + 10, "", name) if self._rows else ""

    def _lanes(self) -> Iterator[_SvgLane]:
        width = self._lifelines.width
        if not self._several:
            yield _SvgLane("STEP FUNCTIONS", _LONE, width(), _STATE_CELLS)
            yield _SvgLane("API CALLS", "", 0, _CALL_CELLS)
            return
        for arn, label in execution_labels(self._snapshot.roots).items():
            yield _SvgLane(label, arn, width(arn), _NARROW_CALL_CELLS)
        yield _SvgLane("OTHER CALLS", "", 0, _NARROW_CALL_CELLS)

    def _all_rows(
        self, items: Sequence[Item]
    ) -> Iterator[tuple[Line, list[_SvgBlock]]]:
        """Yield lines with what they say in each lane."""
        maker = LineMaker(self._snapshot, self._outline, self._lifelines)
        for number, line in enumerate(maker.lines(items)):
            line.new_day = line.new_day or not number
            blocks = [block for block in self._blocks(line) if block[1]]
            for column, parts, _ in blocks:
                column.words = max(column.words, min(column.room, _width(parts)))
            yield line, blocks

    def _blocks(self, line: Line) -> Iterator[_SvgBlock]:
        tag = "" if line.fold else self._tags.get(line.execution_arn or "", "")
        refs = self._refs(line)
        if not self._several:
            parts, calls = lane_parts(line, tag)
            yield self._columns[_LONE], parts, refs
            of_call = [self._ref(line.call_key)] if parts else refs
            yield self._columns[""], calls, of_call
            return
        # Beside others an execution is told of by its own column.
        tag = "" if line.execution_arn == line.root_arn else tag
        parts = [Part(tag, Role.DIM)] if tag else []
        parts += state_parts(line, owner=len(line.rails) > 1)
        told = line.call or line.task
        gap = parts and told and line.lane is Lane.STATES
        parts += [Part("  ")] if gap else []
        column = self._columns.get(line.root_arn or "", self._columns[""])
        yield column, [*parts, *(told.parts if told else ())], refs

    def _refs(self, line: Line) -> list[str]:
        """Give the refs of all that a line stands for, its own first."""
        keys = [event.key for event in line.about.events] or [line.key]
        if isinstance(line.item, Fold):
            keys = [each.key for each in line.item.members[:_MOST_LINES]]
        elif self._several:
            keys.append(line.call_key)
        found = [ref for ref in map(self._ref, keys) if ref]
        self.drawn.update(dict.fromkeys(found, found[0] if found else ""))
        return found

    def draw(self, sheet: Sheet, y: float) -> float:
        """Draw it from `y` on; give where it ends."""
        if not self._rows:
            return y
        self._place_columns()
        sheet.write(self._time_x, y, [Part("UTC", Role.DIM)])
        for column in self._columns.values():
            if column.words:
                role = Role.NAME if column.root else Role.DIM
                sheet.write(column.x, y, [Part(cut(column.title, column.room), role)])
                sheet.width = max(sheet.width, column.text_x + column.words * CELL)
        y += ROW
        sheet.path("hair", (_MARGIN, y), (sheet.width, y))
        y += 6
        for line, blocks in self._rows:
            y = self._draw_line(sheet, y, line, blocks)
        if self._left_out:
            words = f"⋯ {plural(self._left_out, 'more line')}"
            sheet.write(_MARGIN, y, [Part(words, Role.DIM)])
            y += ROW
        return y

    def _place_columns(self) -> None:
        """Put the lanes, and the times, beside each other."""
        time = _TIME * CELL
        self._time_x = _MARGIN
        x = _MARGIN + (time + 10 if self._several else 0)
        for column in self._columns.values():
            column.x = x
            if column.words:
                x = column.text_x + (column.words + 2) * CELL
            if column.root == _LONE:
                self._time_x = x
                x += time + _ARROW * CELL

    def _draw_line(
        self, sheet: Sheet, y: float, line: Line, blocks: Sequence[_SvgBlock]
    ) -> float:
        top = y
        if line.new_day or line.gap is not None:
            words = f"⋮ {spoken(line.gap)}  " if line.gap is not None else ""
            day = f"{line.at:%Y-%m-%d}" if line.new_day else ""
            sheet.write(self._time_x, y, [Part(words + day, Role.DIM)])
            y += ROW - 2
        rows = [flow(parts, column.room) for column, parts, _ in blocks]
        height = ROW * max(map(len, rows), default=1)
        self._draw_rails(sheet, line, (top, y, y + height))
        for (column, parts, refs), told in zip(blocks, rows, strict=True):
            at = f"{line.at:%H:%M:%S}" if line.whole_seconds else iso(line.at)
            with sheet.row(refs, (at, plain_text(parts))):
                x = column.text_x
                width = column.words * CELL + 8
                sheet.rect("hit", x - 4, y, width, height)
                for number, each in enumerate(told):
                    sheet.write(x, y + number * ROW, each)
        if line.lane is Lane.STATES and line.call and not self._several:
            self._draw_link(sheet, line, y + 10)
        if line.lane is Lane.STATES or self._several or not line.whole_seconds:
            sheet.write(self._time_x, y, [Part(time_words(line), Role.DIM)])
        return y + height

    def _draw_link(self, sheet: Sheet, line: Line, y: float) -> None:
        """Lead from a phase's time to the call that it made."""
        calls = self._columns[""].text_x
        rule = line.call.rule if line.call else ()
        css = " guess" if any(part.role is Role.GUESS for part in rule) else ""
        tip = calls - 8
        sheet.path(f"link{css}", (calls - (_ARROW - 0.5) * CELL, y), (tip, y))
        sheet.path(f"tip{css}", (tip, y - 4), (tip + 6, y), (tip, y + 4), end="z")

    def _draw_rails(
        self, sheet: Sheet, line: Line, ys: tuple[float, float, float]
    ) -> None:
        """Draw the life-lines beside a line: from `ys`' first to its last, or part."""
        top, begin, bottom = ys
        self._over -= {rail.visit for rail in line.rails}
        for column in self._columns.values():
            rails: Iterable[Rail] = line.rails
            if self._several and column.root != line.root_arn:
                # Those of others go on beside it; what a line ended is over.
                rails = self._lifelines.rails(self._snapshot, line.at, column.root)
                rails = [rail for rail in rails if rail.visit not in self._over]
            for rail in rails if column.rails else ():
                thin = rail.phase in {Phase.CONTAINER, Phase.STOPPED}
                x = column.x + rail.column * _RAIL + (2 if thin else 0)
                y = begin + 10 if rail.begins else top
                end = begin + 10 if rail.ends else bottom
                css = _css(rail.phase, failed=rail.failed)
                sheet.rect(css, x, y, 2 if thin else 6, max(end - y, 4))
        self._over |= {rail.visit for rail in line.rails if rail.ends}


_LONE = "states"
"""Stands where executions beside each other have their ARNs."""


# -- the timeline ----------------------------------------------------------------------


class TimelinePicture:
    """The timeline: one bar a state, and one an execution where there are several."""

    def __init__(self, snapshot: Snapshot, ref: Ref = lambda _: "") -> None:
        self._ref = ref
        self._labels = execution_labels(snapshot.roots)
        self._chart = TimelineChart(snapshot, last_moment(snapshot))
        bars = self._chart.lines(dict.fromkeys(snapshot.roots, False))
        self._bars = bars[:_MOST_BARS]
        self._left_out = len(bars[_MOST_BARS:])
        self._begin = min((bar.begin for bar in bars), default=self._chart.now)
        self._end = max((bar.end for bar in bars), default=self._begin)
        least = (self._end - self._begin) / 10
        self._stops = [(at, end) for at, end in stops(snapshot) if end - at > least]
        self._scale = cut_short(self._begin, self._end, self._stops, share=0.0)
        stopped = sum(map(length_of, self._stops))
        self._whole = length_of((self._begin, self._end)) - stopped
        names = [_width(self._name(bar)) for bar in self._bars]
        self._plot = _MARGIN + (min(_NAME_CELLS, max(names, default=0)) + 2) * CELL

    def svg(self, name: str) -> str:
        """Draw it for a page, which has the style; nothing where nothing is."""
        if not self._bars:
            return ""
        sheet = Sheet("g")
        return sheet.svg(_put_legend(sheet, self.draw(sheet, 8) + 12), "", name)

    def _name(self, bar: Bar) -> list[Part]:
        name = self._labels.get(bar.key) or clean(bar.name, _NAME_CELLS)
        told = (Part(f"  {each.text}", each.role) for each in state_words(bar))
        return [Part("  " * (len(bar.guides) // 2)), Part(name, Role.NAME), *told]

    def draw(self, sheet: Sheet, y: float) -> float:
        """Draw it from `y` on; give where it ends."""
        if not self._bars:
            return y
        top = y + ROW
        bottom = top + ROW * (len(self._bars) + bool(self._left_out))
        self._draw_axis(sheet, y, bottom)
        for number, bar in enumerate(self._bars):
            self._draw_bar(sheet, bar, top + number * ROW)
        if self._left_out:
            words = f"⋯ {plural(self._left_out, 'more row')}"
            sheet.write(_MARGIN, bottom - ROW, [Part(words, Role.DIM)])
        return bottom

    def _x(self, at: datetime) -> float:
        return self._plot + _PLOT_WIDTH * self._scale.place(at)

    def _draw_axis(self, sheet: Sheet, y: float, bottom: float) -> None:
        begin = Part(f"UTC from {self._begin:%H:%M:%S}", Role.DIM)
        sheet.write(_MARGIN, y, [begin])
        for seconds, words in round_marks(0.0, self._whole, self._whole / _TICKS):
            x = self._plot + _PLOT_WIDTH * (seconds / self._whole if seconds else 0.0)
            sheet.path("hair", (x, y + ROW - 2), (x, bottom))
            half = cell_len(words) * CELL / 2 if seconds else 0
            sheet.write(x - half, y, [Part(words, Role.DIM)])
        for first, last in self._stops:
            x = self._x(first)
            left_out = length_of((first, last))
            sheet.path("cut", (x, y + ROW - 6), (x, bottom))
            told = Part(f"⟲ redriven after {duration(left_out)}", Role.DIM)
            sheet.write(x - _width([told]) * CELL - 4, bottom - 4, [told])
        sheet.width = max(sheet.width, self._plot + _PLOT_WIDTH)

    def _draw_bar(self, sheet: Sheet, bar: Bar, y: float) -> None:
        segments = self._chart.segments(bar)
        with sheet.row([self._ref(bar.line_key)], _tip(bar, segments)):
            sheet.rect("hit", _MARGIN - 4, y, self._plot + _PLOT_WIDTH - _MARGIN, ROW)
            sheet.write(_MARGIN, y, _cut(self._name(bar), int(self._plot / CELL) - 4))
            for begin, end, failed in self._chart.crowd(bar):
                css = "failed" if failed else "crowd"
                x = self._x(begin)
                sheet.rect(css, x, y + 5, self._x(end) - x, 10)
            for segment in segments:
                self._draw_segment(sheet, segment, y)
            for tick in self._chart.ticks(bar)[:_MOST_TICKS]:
                self._draw_tick(sheet, tick, y)
            sheet.write(self._x(bar.end) + 8, y, self._label(bar))

    def _label(self, bar: Bar) -> Iterator[Part]:
        """Say how a bar ended, how long it is and what is notable of it."""
        glyph = status_glyph(bar.status)
        if bar.kind is BarKind.TASK:
            yield Part(f"{bar.length}  ")
        elif bar.kind is not BarKind.UNREAD:
            yield Part(f"{glyph.text} {bar.length}  ", glyph.role)
        yield from bar_notes(self._chart, bar)

    def _draw_segment(self, sheet: Sheet, segment: Segment, y: float) -> None:
        x = self._x(segment.begin)
        right = self._x(segment.end)
        thin = segment.phase in {Phase.CONTAINER, Phase.STOPPED}
        if segment.phase is Phase.COMPLETION_LAG:
            x = min(x, right - 3)  # of all a bar has, it is what must be seen
        css = _css(segment.phase, failed=segment.failed)
        sheet.rect(css, x, y + (9 if thin else 5), right - x, 3 if thin else 10)

    def _draw_tick(self, sheet: Sheet, tick: Tick, y: float) -> None:
        x = self._x(tick.at)
        if tick.failed:
            sheet.cross(x, y + 10)
        elif tick.role is CallRole.ACTION:
            sheet.dot(x, y + 10, "action")
        else:
            sheet.path("poll", (x, y + 5), (x, y + 15))


def _tip(bar: Bar, segments: Sequence[Segment]) -> Iterator[str]:
    visit = bar.visit
    yield clean(visit.path if visit else bar.name)
    yield f"{iso(bar.begin)}, {bar.status.replace('_', ' ')}"
    for segment in segments[:8] if visit is not None else ():
        yield f"{segment.phase}: {duration(segment.seconds)}"


def _cut(parts: Iterable[Part], room: int) -> Iterator[Part]:
    for part in parts:
        yield Part(cut(part.text, room), part.role)
        room -= cell_len(part.text)
        if room <= 0:
            return


# -- a state machine -------------------------------------------------------------------

_CELLS = 150
"""A graph is no wider, if folding helps."""
_GRAPH_MARGIN = 14.0
"""The margin around a graph, in px."""
_BOX_INSET = ROW / 4
"""Between a box and the rows above and below, in px."""
_INDENT = 10.0
_TIP = (4, 7)
_OFTEN = 16
"""Cells that are kept to say how often."""


class GraphPicture:
    """One execution's graph, for a page that has the style."""

    def __init__(
        self, snapshot: Snapshot, execution: ExecutionAsOf, ref: Ref, prefix: str
    ) -> None:
        """`prefix` tells its ids from those of other pictures in the page."""
        self.progress = graph_progress(graph_of(execution), snapshot, execution)
        self._ref = ref
        self._sheet = Sheet(prefix)

    def svg(self, name: str) -> str:
        """Draw it."""
        drawn = self.progress.graph
        sheet = self._sheet
        picture = lay_out(drawn, _CELLS, _wanted)
        # What was taken goes over what was not.
        for wire in sorted(picture.wires, key=lambda w: self.progress.is_taken(w.edge)):
            self._draw_wire(wire)
        for placed in picture.boxes:
            self._draw_box(placed)
        sheet.width = max(sheet.width, picture.width * CELL)
        height = picture.height * ROW + 2 * _GRAPH_MARGIN
        if picture.left_out:
            words = f"{plural(picture.left_out, 'edge')} left out, too many to follow"
            sheet.write(_GRAPH_MARGIN, height, [Part(words, Role.WARN)])
            height += ROW
        return sheet.svg(height, "", name)

    def _draw_wire(self, wire: Wire) -> None:
        taken = self.progress.is_taken(wire.edge)
        css = f"{' caught' if wire.edge.caught else ''}{' taken' if taken else ''}"
        middles = ((x + 0.5, y + 0.5) for x, y in wire.points)
        points = [
            (_GRAPH_MARGIN + x * CELL, _GRAPH_MARGIN + y * ROW) for x, y in middles
        ]
        down = -1 if wire.up else 1
        x, y = points[0]
        tip_x, tip_y = points[-1]
        # From the edge of one box to that of the other.
        reach = (ROW / 2 + _BOX_INSET) * down
        tip_y += reach
        points[0] = (x, y - reach)
        points[-1] = (tip_x, tip_y)
        self._sheet.path(f"wire{css}", *points)
        half = _TIP[0]
        back = tip_y - _TIP[1] * down
        sides = (tip_x - half, back), (tip_x + half, back)
        self._sheet.path(f"point{css}", (tip_x, tip_y), *sides, end="z")
        if wire.label:
            x, y = wire.label_at
            label = Part(wire.label, Role.PLAIN if taken else Role.DIM)
            self._sheet.write(
                _GRAPH_MARGIN + x * CELL, _GRAPH_MARGIN + y * ROW, [label]
            )

    def _draw_box(self, placed: PlacedBox) -> None:
        box = placed.box
        standing = self.progress.of(placed.box)
        key = f"{standing.last[0]}#{standing.last[1].id}" if standing.last else ""
        status = standing.status.replace("_", " ") or "not reached"
        tip = filter(None, [box.name, box.kind, status, *standing.counted])
        x = _GRAPH_MARGIN + placed.x * CELL
        y = _GRAPH_MARGIN + placed.y * ROW
        width = placed.width * CELL
        height = max(placed.height - 0.5, 1) * ROW
        with self._sheet.row([self._ref(key)] if key else [], tip):
            css = "frame" if placed.framed else "box hit"
            tone = standing.glyph.role if standing.status else "unlit"
            self._sheet.rect(f"{css} {tone}", x, y + _BOX_INSET, width, height)
            self._write(placed, standing, x, y)

    def _write(self, placed: PlacedBox, standing: BoxState, x: float, y: float) -> None:
        """Say in a box what it is and how it stands: of a frame, in its first row."""
        box = placed.box
        right = x + placed.width * CELL - _INDENT
        role = Role.NAME if standing.status else Role.DIM
        if placed.height == 1:
            middle = x + (placed.width - cell_len(box.name)) * CELL / 2
            self._sheet.write(middle, y + _BOX_INSET, [Part(box.name, role)])
            return
        often = "  ".join([*standing.counted, *(["↺"] if placed.loops else [])])
        told = cell_len(often)
        glyph = Part(f"{standing.glyph.text} ", standing.glyph.role)
        name = cut(box.name, placed.width - 4 - cell_len(glyph.text))
        first = y + (4 if placed.framed else 7)
        end = self._sheet.write(x + _INDENT, first, [glyph, Part(name, role)])
        below = x + _INDENT, first + ROW - 1
        begin, second = (end, first) if placed.framed else below
        left = int((right - begin) / CELL) - (told + 1 if told else 0)
        kind = cut(f"  {box.kind}" if placed.framed else box.kind, max(0, left))
        self._sheet.write(begin, second, [Part(kind, Role.DIM)])
        self._sheet.write(right - told * CELL, second, [Part(often, Role.NAME)])


def _wanted(box: Box) -> int:
    often = _OFTEN if box.repeats else 0
    return max(cell_len(box.name) + 2, cell_len(box.kind) + often)
