"""The swimlanes as a picture: time runs down between the states and the calls."""

from collections.abc import Iterator
from datetime import datetime

from sfnwatch.export.svg_calls import arrow, call, life_x, task, tick, ticks_words
from sfnwatch.export.svg_draw import SMALL, cut, document, line, rect, width_of, words
from sfnwatch.export.svg_layout import MARGIN, Column, Layout, layout_of
from sfnwatch.export.svg_legend import CALLS, PARTS, Signs, legend, legend_height
from sfnwatch.export.svg_rails import rails_of
from sfnwatch.export.svg_rows import LIMIT, Lines, lines_of
from sfnwatch.export.svg_scale import STEP, Pause, Scale, scale_of
from sfnwatch.export.svg_states import Key, StatesLane
from sfnwatch.export.svg_words import (
    counted,
    latest,
    machine_words,
    measured_to,
    run_words,
    service_words,
    title_words,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import TASKS, Lane, Lanes, Row, build_lanes
from sfnwatch.trace.text import duration
from sfnwatch.trace.timeline import Trace

_TITLE, _HEAD = 50.0, 78.0
"""The height of the title, and of the lanes' heads."""


def no_key(row: Row) -> str:  # noqa: ARG001 - the signature of a Key
    return ""


def lanes_svg(
    trace: Trace,
    *,
    lanes: Lanes | None = None,
    css: str = "",
    prefix: str = "l",
    key: Key = no_key,
    limit: int = LIMIT,
    titled: bool = True,
) -> str:
    """Draw the lanes of a trace, at most `limit` rows of them.

    `css` is the style of a picture that stands alone. In a page that has a title of its
    own, `prefix` keeps ids apart, and `key` gives the id of each row's group.
    """
    lanes = build_lanes(trace, nested=False) if lanes is None else lanes
    top = _TITLE if titled else 0.0
    return _Picture(trace, lanes, key, limit, top).svg(css, prefix)


class _Picture:
    """One drawing, and what its parts have to know of each other."""

    def __init__(
        self, trace: Trace, lanes: Lanes, key: Key, limit: int, top: float
    ) -> None:
        self._trace, self._lanes, self._key, self._top = trace, lanes, key, top
        callers = {(r.execution_arn, r.caller.id) for r in lanes.rows if r.caller}
        self._of_several = len(callers) > 1
        """True if more states than one have made calls."""
        self._tied = {row.causes for row in lanes.rows if row.causes}
        """The calls that an arrow leads to."""
        self._lines: Lines = lines_of(lanes.rows, limit, measured_to(trace))
        self._layout: Layout = layout_of(trace, lanes.rows)
        self._scale: Scale = scale_of(self._lines.lines, top + _HEAD)
        self._now: datetime = latest(trace)
        self._states = {
            arn: StatesLane(
                column,
                rails_of(trace.timelines[arn], self._lines, self._scale, self._now),
                self._scale,
                self._now,
            )
            for arn, column in self._layout.states.items()
        }

    def svg(self, css: str, prefix: str) -> str:
        note, width = counted(self._lanes), self._width
        bottom = self._scale.bottom + 32
        signs = self._signs()
        height = bottom + legend_height(MARGIN, width, note, signs) + 4
        body = [
            rect(0, 0, width, height, "bg"),
            *self._head(),
            *self._grounds(),
            *self._asking(),
            *self._arrows(),
            *self._axis(),
            *self._rows(),
            *self._watermark(),
            *legend(MARGIN, bottom, width, note, signs),
        ]
        return document(
            body,
            (width, height),
            name=f"{title_words(self._trace)}: states and API calls",
            description=self._description(),
            css=css,
            key=prefix,
        )

    def _signs(self) -> Signs:
        """Explain what there may be in this picture."""
        states = PARTS if self._layout.states else ()
        return (*states, *CALLS) if self._layout.calls else states

    @property
    def _width(self) -> float:
        return max(self._layout.width, 560.0)

    def _description(self) -> str:
        runs = (run_words(timeline) for timeline in self._trace.timelines.values())
        left_out = (
            f" {self._lines.skipped} rows are left out." if self._lines.skipped else ""
        )
        return (
            f"{'; '.join(runs)}. {len(self._lanes.rows)} rows in the order of time,"
            f" which runs down; pauses are squeezed.{left_out}"
        ).removeprefix(". ")

    # -- heads -------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        timelines = list(self._trace.timelines.values())
        several, y = len(timelines) > 1, self._top + 40
        if self._top:
            yield words(MARGIN, 36, title_words(self._trace), "big")
        if self._top and len(timelines) == 1:
            yield words(MARGIN, 57, run_words(timelines[0]), "t-dim")
        for arn, column in self._layout.states.items():
            timeline = self._trace.timelines[arn]
            name = timeline.name if several else "Step Functions"
            more = machine_words(timeline) if several else "state transitions"
            yield from _column_head(column, y, name, more)
        for column in self._layout.calls:
            yield from _column_head(column, y, *self._calls_head(column))
        if self._lines.lines:
            x = self._layout.axis.x - (96 if self._layout.states else -8)
            yield words(x, y, f"{self._lines.lines[0].at:%Y-%m-%d}", "mono")
            yield words(x, y + 16, "UTC", "mono")

    def _calls_head(self, column: Column) -> tuple[str, str]:
        if column.source == TASKS:
            return "ECS task", "its own life, as ECS told it"
        if len(self._layout.states) > 1 and column.execution_arn is None:
            return "API calls", "of no single execution"
        if column.source is not None:
            return f"{service_words(column.source)} calls", column.source
        several = len(self._layout.states) > 1
        return "API calls", "of several services" if several else "of other services"

    # -- lanes -------------------------------------------------------------------

    def _grounds(self) -> Iterator[str]:
        top, bottom = self._top + 62, self._scale.bottom + 8
        for column in self._layout.calls:
            yield rect(column.x, top, column.width - 8, bottom - top, "panel", 7)
            x = life_x(column)
            yield line(x, top + 6, x, bottom - 6, "life")
        for lane in self._states.values():
            yield from lane.grounds()

    def _axis(self) -> Iterator[str]:
        x, top = self._layout.axis.x, self._top + 62
        for pause in self._scale.pauses:
            yield line(x, top, x, pause.top, "axis")
            yield from _pause(pause, x)
            top = pause.bottom
        if self._lines.lines:
            yield line(x, top, x, self._scale.bottom + 8, "axis")

    def _arrows(self) -> Iterator[str]:
        heights = self._scale.heights
        calls = {row.key: row for row in self._lanes.rows if row.call is not None}
        for place, drawn in enumerate(self._lines.lines):
            for row in drawn.rows:
                end = self._lines.places.get(row.causes or "")
                lane = self._states.get(row.execution_arn or "")
                if end is None or lane is None or row.causes not in calls:
                    continue
                made = calls[row.causes]
                column = self._layout.column_of(made)
                if column is not None:
                    start = lane.end_of(row), heights[place]
                    yield arrow(made, start, (life_x(column), heights[end]))

    def _asking(self) -> Iterator[str]:
        """Lead from the state that waits to each poll that is drawn for it."""
        for drawn, y in zip(self._lines.lines, self._scale.heights, strict=True):
            for row in drawn.rows if drawn.run is None else ():
                link, lane = row.link, self._states.get(row.execution_arn or "")
                column = self._layout.column_of(row) if row.call else None
                if column is None or link is None or lane is None:
                    continue
                edge = lane.edge_of(link.visit_id or 0)
                if link.role is CallRole.POLL and edge is not None:
                    yield line(edge + 2, y, life_x(column) - 7, y, "asks")

    def _rows(self) -> Iterator[str]:
        for drawn, y in zip(self._lines.lines, self._scale.heights, strict=True):
            if drawn.skipped:
                yield self._skip(drawn.skipped, y)
                continue
            if drawn.rows and drawn.run is None:
                yield from self._times(drawn.rows, y)
            if any(row.redrive is not None for row in drawn.rows):
                yield self._seam(y)
            for row in drawn.rows:
                lane = self._states.get(row.execution_arn or "")
                if row.lane is Lane.STATES and lane is not None:
                    yield lane.row(row, y, self._key)
                column = self._layout.column_of(row) if row.source else None
                if column is None:
                    continue
                if row.task is not None:
                    placed = self._of_several or len(self._states) > 1
                    yield task(row, row.task, column, y, self._key, placed=placed)
                    continue
                if drawn.run is None:
                    several = column.source is None
                    placed = self._is_placed(row)
                    yield call(
                        row, column, y, self._key, several=several, placed=placed
                    )
                    continue
                yield tick(drawn, column, y, self._key)
                yield ticks_words(drawn, column, y)

    def _seam(self, y: float) -> str:
        """Divide what was over from what a redrive runs again, across all lanes."""
        top = y - STEP / 2 - 2
        return rect(MARGIN, top, self._width - 2 * MARGIN, 2.5, "faint")

    def _is_placed(self, row: Row) -> bool:
        """True where words must tell which state a call is of: no arrow does."""
        return self._of_several and row.key not in self._tied

    def _times(self, rows: tuple[Row, ...], y: float) -> Iterator[str]:
        """Write the time of a state at the axis's left, that of a call at its right."""
        axis = self._layout.axis
        yield f'<circle class="faint" cx="{axis.x:g}" cy="{y:g}" r="2"/>'
        for row in rows:
            at, size = (row.call.event_time, 8) if row.call else (row.at, 12)
            x = axis.x + 10 if row.call and axis.two_sided else axis.x - 96
            if row is rows[0] or axis.two_sided:
                yield words(x, y + 4, f"{at:%H:%M:%S.%f}"[:size], "mono over")

    def _skip(self, rows: tuple[Row, ...], y: float) -> str:
        seconds = max(0.0, (rows[-1].at - rows[0].at).total_seconds())
        told = f"⋯ {len(rows)} rows left out, {duration(seconds)} ⋯"
        width = width_of(told) + 16
        # At the right of the states: rails run through their left.
        edges = [column.right - width - 10 for column in self._layout.states.values()]
        x = min(edges, default=MARGIN + 4)
        return rect(x, y - 11, width, 22, "pill", 11) + words(
            x + 8, y + 4, told, "t-dim"
        )

    def _watermark(self) -> Iterator[str]:
        """Draw how far CloudTrail is known; calls below the line may come yet."""
        complete, columns = measured_to(self._trace), self._layout.calls
        if complete is None or not columns:
            return
        between = [
            y
            for drawn, y in zip(self._lines.lines, self._scale.heights, strict=True)
            if not drawn.rows and not drawn.skipped
        ]
        y = between[0] + 6 if between else self._scale.bottom + 14
        left, right = columns[0].x, columns[-1].right - 8
        yield line(left, y, right, y, "water")
        told = f"CloudTrail complete to {complete:%H:%M:%S}"
        told += "" if between else ", past the end"
        yield words(right - 8, y - 5, told, "tiny t-exact over", anchor="end")


def _column_head(column: Column, y: float, name: str, more: str) -> Iterator[str]:
    room = column.width - 12
    yield words(column.x + 4, y, cut(name, room, 13.5), "head")
    yield words(column.x + 4, y + 16, cut(more, room, SMALL), "tiny")


def _pause(pause: Pause, x: float) -> Iterator[str]:
    """Draw the axis broken, with the length of what is squeezed."""
    yield line(x, pause.top + 2, x, pause.bottom - 2, "pause")
    told = duration(pause.seconds)
    if pause.date:
        told += f" · {pause.date}"
    y = (pause.top + pause.bottom) / 2 + 4
    if x > MARGIN:
        yield words(x - 10, y, told, "tiny over", anchor="end")
    else:
        yield words(x + 10, y, told, "tiny over")
