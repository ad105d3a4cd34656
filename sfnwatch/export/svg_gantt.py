"""Stays in states as bars on one axis: where the time went, true to scale."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from sfnwatch.export.svg_bars import LIMIT, Axis, Bar, axis_of, bars_of
from sfnwatch.export.svg_calls import stage_css
from sfnwatch.export.svg_draw import (
    cross,
    cut,
    document,
    group,
    line,
    number,
    pieces,
    rect,
    words,
)
from sfnwatch.export.svg_layout import MARGIN
from sfnwatch.export.svg_legend import CALLS, PARTS, legend, legend_height
from sfnwatch.export.svg_words import latest, measured_to, run_words, title_words
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import (
    Part,
    Segment,
    Tick,
    end_of,
    length_of,
    notices,
    segments,
    ticks,
)
from sfnwatch.trace.task_lives import Life, Stretch, lives_by_attempt
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.times import iso
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import STATUS_GLYPHS, Piece, Tone, plain

RowKey = Callable[[str, int], str]
"""Gives what a report knows an execution's event by, or nothing."""

_NAMES, _PLOT, _LABELS = 270.0, 700.0, 230.0
_LEFT = MARGIN + _NAMES
WIDTH = _LEFT + _PLOT + _LABELS + MARGIN
_ROW, _TITLE, _HEAD = 26.0, 40.0, 46.0
_SIGNS = (*PARTS, *CALLS[:2], CALLS[3])
_TOGETHER = "Executions that lie far apart are drawn as if they had begun together."
_MOST_TICKS = 120
"""Of one bar: more would be one broad line."""
_CSS = {
    Part.WAITING: "waiting",
    Part.WORKING: "working",
    Part.NOTICING: "noticing",
    Part.BACKING_OFF: "backing",
    Part.AROUND: "around",
    Part.STOPPED: "hair",
}


def no_key(arn: str, event_id: int) -> str:  # noqa: ARG001 - the signature of a RowKey
    return ""


def gantt_svg(
    trace: Trace,
    *,
    css: str = "",
    prefix: str = "g",
    key: RowKey = no_key,
    limit: int = LIMIT,
    titled: bool = True,
) -> str:
    """Draw every execution's visits as bars, at most `limit` of each.

    All is as in `lanes_svg`; `key` is asked for the events that visits begin with.
    """
    return _Picture(trace, key, limit, _TITLE if titled else 0.0).svg(css, prefix)


class _Place(Struct, frozen=True):
    """One line of the picture."""

    timeline: Timeline
    bar: Bar
    y: float


class _Picture:
    def __init__(self, trace: Trace, key: RowKey, limit: int, title: float) -> None:
        self._trace, self._key = trace, key
        self._top = y = title + _HEAD
        self._now: datetime = latest(trace)
        self._axis: Axis = axis_of(trace, self._now)
        self._ticks: Mapping[tuple[str, int], tuple[Tick, ...]] = ticks(trace)
        self._lives = lives_by_attempt(trace)
        self._notices: Mapping[tuple[str, int], Notice] = notices(trace)
        self._heads: list[tuple[Timeline, float]] = []
        self._places: list[_Place] = []
        for timeline in trace.timelines.values():
            if len(trace.timelines) > 1:
                self._heads.append((timeline, y + _ROW / 2))
                y += _ROW
            for bar in bars_of(timeline, limit):
                self._places.append(_Place(timeline, bar, y + _ROW / 2))
                y += _ROW
        self._bottom = y

    def svg(self, css: str, prefix: str) -> str:
        note = self._note()
        height = self._bottom + 30 + legend_height(MARGIN, WIDTH, note, _SIGNS)
        body = [
            rect(0, 0, WIDTH, height, "bg"),
            *self._title(),
            *self._scale(),
            *(self._head(timeline, y) for timeline, y in self._heads),
            *self._seams(),
            *(self._line(place) for place in self._places),
            *legend(MARGIN, self._bottom + 30, WIDTH, note, _SIGNS),
        ]
        return document(
            body,
            (WIDTH, height),
            name=f"{title_words(self._trace)}: where the time went",
            description=self._description(),
            css=css,
            key=prefix,
        )

    def _title(self) -> Iterator[str]:
        if self._top > _HEAD:
            yield words(MARGIN, 34, title_words(self._trace), "big")

    def _description(self) -> str:
        bars = sum(place.bar.visit is not None for place in self._places)
        left_out = sum(place.bar.left_out for place in self._places)
        rest = f", {left_out} left out" if left_out else ""
        return f"{bars} stays in states as bars{rest}; time runs to the right."

    def _note(self) -> str:
        said = []
        if self._axis.together:
            said.append(_TOGETHER)
        if self._lives:
            said.append("The thin strip above a bar is its task, as ECS told of it.")
        return " ".join(said)

    # -- axis --------------------------------------------------------------------

    def _scale(self) -> Iterator[str]:
        begin = (
            None
            if self._axis.together
            else min(self._axis.begins.values(), default=None)
        )
        if begin is not None:
            yield words(
                MARGIN, self._top - 14, f"UTC, {begin:%Y-%m-%d %H:%M:%S}", "mono"
            )
        for seconds in self._axis.ticks() if self._places else ():
            x = _LEFT + _PLOT * seconds / self._axis.seconds
            yield line(x, self._top - 8, x, self._bottom + 6, "hair")
            yield words(x, self._top - 14, _offset(seconds), "mono", anchor="middle")
        complete = measured_to(self._trace)
        if begin is None or complete is None:
            return
        offset = (complete - begin).total_seconds()
        if 0 <= offset < self._axis.seconds:
            x = _LEFT + _PLOT * offset / self._axis.seconds
            yield line(x, self._top - 8, x, self._bottom + 6, "water")
            told = f"CloudTrail complete to {complete:%H:%M:%S}"
            yield words(x, self._bottom + 16, told, "tiny t-exact", anchor="middle")

    def _head(self, timeline: Timeline, y: float) -> str:
        name = cut(timeline.name, _NAMES - 12)
        return words(MARGIN, y + 4, name, "head") + words(
            _LEFT, y + 4, run_words(timeline), "t-dim over"
        )

    def _seams(self) -> Iterator[str]:
        """Mark where each execution was taken up again after it had ended."""
        for timeline in self._trace.timelines.values():
            own = [p.y for p in self._places if p.timeline is timeline]
            for redrive in timeline.redrives if own else ():
                x = self._x(timeline.execution_arn, redrive.at)
                top, bottom = own[0] - _ROW / 2, own[-1] + _ROW / 2
                yield line(x, top, x, bottom, "asks")
                told = f"⟲ redriven {redrive.at:%H:%M:%S}"
                yield words(x - 4, top + 9, told, "tiny over", anchor="end")

    # -- bars --------------------------------------------------------------------

    def _x(self, arn: str, at: datetime) -> float:
        return _LEFT + _PLOT * self._axis.at(arn, at)

    def _line(self, place: _Place) -> str:
        visit, y = place.bar.visit, place.y
        indent = MARGIN + 14.0 * place.bar.depth
        if visit is None:
            told = f"⋯ {place.bar.left_out} more left out"
            return words(indent, y + 4, told, "t-dim")
        arn = place.timeline.execution_arn
        stretches = segments(visit, self._now)
        calls = self._ticks.get((arn, visit.id), ())
        parts = [
            rect(MARGIN, y - _ROW / 2, WIDTH - 2 * MARGIN, _ROW, "hit"),
            pieces(indent, y + 4, self._name(visit, _LEFT - indent - 12)),
            *(self._stretch(arn, visit, segment, y) for segment in stretches),
            *self._tasks(arn, visit, y),
            *(self._tick(arn, tick, y) for tick in calls[:_MOST_TICKS]),
            pieces(self._label_x(arn, visit), y + 4, self._label(arn, visit)),
        ]
        return group(
            parts,
            "row",
            key=self._key(arn, visit.id),
            tip=_tip(visit, stretches, calls),
        )

    def _name(self, visit: StateVisit, room: float) -> tuple[Piece, ...]:
        index = "" if visit.index is None else f"[{visit.index}] "
        name = cut(visit.name, room - 8 * len(index))
        return (
            ((index, Tone.DIM), (name, Tone.PLAIN)) if index else ((name, Tone.PLAIN),)
        )

    def _stretch(self, arn: str, visit: StateVisit, segment: Segment, y: float) -> str:
        x, right = self._x(arn, segment.begin), self._x(arn, segment.end)
        css = _CSS[segment.part]
        if segment.part is Part.AROUND:
            return rect(x, y - 3, right - x, 6, css, 2)
        if segment.part is Part.NOTICING:
            x = max(self._x(arn, visit.entered_at), min(x, right - 3))
        if segment.part is Part.WORKING and segment.failed:
            css = "lost"
        return rect(x, y - 7, right - x, 11, css, 2)

    def _tasks(self, arn: str, visit: StateVisit, y: float) -> Iterator[str]:
        """Draw the lives of a visit's tasks as a strip above its bar."""
        for attempt in visit.attempts:
            for life in self._lives.get((arn, attempt.scheduled_id), ()):
                strip = [
                    self._task(arn, stretch, y) for stretch in life.stretches(self._now)
                ]
                yield group(strip, "tasks", tip=_life_words(life, self._now))

    def _task(self, arn: str, stretch: Stretch, y: float) -> str:
        x, right = self._x(arn, stretch.begin), self._x(arn, stretch.end)
        width = max(right - x, 2.0)
        return rect(x, y - 11.5, width, 3, stage_css(stretch.stage), 1)

    def _tick(self, arn: str, tick: Tick, y: float) -> str:
        x, top = self._x(arn, tick.at), y + 8
        if tick.failed:
            return cross(x, top, 2)
        if tick.role is CallRole.ACTION:
            return f'<circle class="dot" cx="{number(x)}" cy="{number(top)}" r="3.5"/>'
        return line(x, top - 3, x, top + 3, "tick")

    def _label_x(self, arn: str, visit: StateVisit) -> float:
        return self._x(arn, end_of(visit, self._now)) + 8

    def _label(self, arn: str, visit: StateVisit) -> tuple[Piece, ...]:
        glyph, tone = STATUS_GLYPHS[visit.status]
        seconds = length_of(visit, self._now)
        parts: list[Piece] = [(f"{glyph} ", tone), (duration(seconds), Tone.PLAIN)]
        if visit.ended_at is None:
            parts.append(("  so far", Tone.DIM))
        if len(visit.attempts) > 1:
            parts.append((f"  {len(visit.attempts)} tries", Tone.WARN))
        told = self._told(arn, visit)
        if told is not None:
            parts.append((f"  ▷ noticed {told.seconds:.1f} s late", Tone.WARN))
        return tuple(parts)

    def _told(self, arn: str, visit: StateVisit) -> Notice | None:
        last = visit.attempts[-1].scheduled_id if visit.attempts else 0
        return self._notices.get((arn, last))


def _offset(seconds: float) -> str:
    """Write a round length of time: `+30 s`, `+1m 30s`, `+2m`."""
    told = duration(seconds).replace(".00 ", " ").replace(".0 ", " ")
    return f"+{told.removesuffix(' 00s').removesuffix(' 00m')}" if seconds else "0"


def _tip(
    visit: StateVisit, stretches: tuple[Segment, ...], calls: tuple[Tick, ...]
) -> list[str]:
    tip = [visit.path, f"{visit.type}, {visit.status.replace('_', ' ')}"]
    tip.append(f"entered {iso(visit.entered_at)}")
    tip += [f"{s.part}: {duration(s.seconds)}" for s in stretches]
    return tip + [_call_words(tick) for tick in calls[:12]]


def _life_words(life: Life, now: datetime) -> list[str]:
    said = [f"task {task_id(life.states[0])}, as ECS told it"]
    for each in life.stretches(now):
        told = task_words(each.state)
        words = plain((told.status, *told.ending))
        said.append(f"{words}  {duration(each.seconds)}" if each.seconds else words)
    return said


def _call_words(tick: Tick) -> str:
    error = f"  ✘ {clean(tick.error_code, 80)}" if tick.error_code else ""
    return f"{tick.at:%H:%M:%S}  {clean(tick.name, 80)}{error}  {tick.rule}"
