"""The lanes of calls: a mark for each call, and the arrow from the phase it is of.

What a call was for is its mark's form, that AWS refused it a cross: colour comes on
top. A guess has a broken arrow, a call that fits several states has none at all.
"""

from collections.abc import Iterator, Sequence

from sfnwatch.export.svg_draw import (
    cross,
    fit,
    group,
    line,
    number,
    pieces,
    rect,
    width_of_pieces,
    words,
)
from sfnwatch.export.svg_layout import Column
from sfnwatch.export.svg_rows import Line
from sfnwatch.export.svg_scale import LABEL, STEP
from sfnwatch.export.svg_states import Key
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Rule
from sfnwatch.trace.task_lives import Stage, stage_of
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.task_words import task_id, task_pieces, task_words
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.times import iso
from sfnwatch.trace.words import (
    Piece,
    Tone,
    call_words,
    id_word,
    plain,
    row_pieces,
    rule_words,
)

_LIFE = 14.0
"""From a lane's edge to its line, px."""
_TEXT = 28.0
_NAME = 24
"""Characters of a state's name, at a call of it."""
_TICK = 8.0
"""From one tick to the next beside it."""


def life_x(column: Column) -> float:
    return column.x + _LIFE


def mark(row: Row, x: float, y: float) -> str:
    """Draw what a call is: by its form action, poll, stop, guess; a cross: refused."""
    link, at = row.link, f'cx="{number(x)}" cy="{number(y)}"'
    if row.call is not None and row.call.error_code is not None:
        return f'<circle class="bg" {at} r="6"/>{cross(x, y, 4)}'
    if link is not None and link.rule is Rule.AMBIGUOUS:
        return f'<circle class="ask" {at} r="7"/>' + words(
            x, y + 4, "?", "tiny t-guess", anchor="middle"
        )
    if link is None or link.rule is Rule.ROLE_ONLY:
        return f'<circle class="faint" {at} r="3"/>'
    if link.role is CallRole.POLL:
        return f'<circle class="ring" {at} r="4"/>'
    if link.role is CallRole.STOP:
        return rect(x - 4, y - 4, 8, 8, "dot")
    return f'<circle class="dot" {at} r="5"/>'


def call(
    row: Row, column: Column, y: float, key: Key, *, several: bool, placed: bool
) -> str:
    """Draw one call.

    `several` services in a lane are named at each, and so is the state it is of, if
    `placed`: where no arrow shows it.
    """
    told = _words(row, column, several=several, placed=placed)
    parts = [
        rect(column.x, y - STEP / 2, column.width, STEP, "hit"),
        mark(row, life_x(column), y),
        pieces(column.x + _TEXT, y + 4, told),
    ]
    return group(parts, "row", key=key(row), tip=_tip(row))


def _words(row: Row, column: Column, *, several: bool, placed: bool) -> Sequence[Piece]:
    told = call_words(row)
    if told is None or row.call is None:
        return ()
    service = clean(row.call.event_source.partition(".")[0])
    head = (*(((f"{service} ", Tone.DIM),) if several else ()), *told.name)
    if placed and row.caller is not None:
        head = (*head, (f" ‹ {clean(row.caller.name, _NAME)}", Tone.DIM))
    room = column.width - _TEXT - 10
    whole = (*head, *told.subject, *told.error, *told.rule)
    if width_of_pieces(whole) <= room:
        return fit(whole, room)
    # What it is about is in the tooltip; how it ended and by what it is tied is not.
    return fit((*head, *told.error, *told.rule), room)


def task(
    row: Row, state: TaskState, column: Column, y: float, key: Key, *, placed: bool
) -> str:
    """Draw how a task was, as ECS told it; `placed` says which state began it."""
    told = task_words(state)
    room = column.width - _TEXT - 10
    which: Sequence[Piece] = ((f"  {task_id(state)}", Tone.DIM),)
    if placed and row.caller is not None:
        which = (*which, (f" ‹ {clean(row.caller.name, _NAME)}", Tone.DIM))
    said = (told.status, *told.ending)
    if width_of_pieces(said) > room:
        said = (told.status, *told.brief)
    parts = [
        rect(column.x, y - STEP / 2, column.width, STEP, "hit"),
        rect(life_x(column) - 2, y - 5, 4, 10, _STAGES[stage_of(state)], 2),
        pieces(column.x + _TEXT, y + 4, fit((*said, *which), room)),
    ]
    tip = [iso(state.at), plain(task_pieces(state)), state.task_arn]
    if row.caller is not None:
        tip.append(f"begun by {row.caller.path}")
    return group(parts, "row", key=key(row), tip=tip)


_STAGES = {
    Stage.STARTING: "waiting",
    Stage.RUNNING: "working",
    Stage.STOPPING: "around",
    Stage.STOPPED: "around",
    Stage.OTHER: "around",
}
"""A stage of a task's life to the class of its bar."""


def stage_css(stage: Stage) -> str:
    return _STAGES[stage]


def tick(drawn: Line, column: Column, y: float, key: Key) -> str:
    """Draw a poll among many: a dash across the lane's line, or a stroke in a row."""
    (row,) = drawn.rows
    x = life_x(column) + _TICK * (drawn.number % drawn.beside)
    wide, high = (5.0, 0.0) if drawn.beside == 1 else (0.0, 2.5)
    refused = row.call is not None and row.call.error_code is not None
    dash = (
        cross(x, y, 2.4)
        if refused
        else line(x - wide, y - high, x + wide, y + high, "tick")
    )
    return group([dash], "row", key=key(row), tip=_tip(row))


def ticks_words(drawn: Line, column: Column, top: float) -> str:
    """Say what the ticks are that begin here: beside them, or above very many."""
    run = drawn.run
    if run is None or drawn.number:
        return ""
    top -= LABEL if drawn.beside > 1 else 0.0
    count = len(run.between)
    told = f"⋯ {count} more polls"
    # Not known where CloudTrail was not read far enough: others may lie between.
    if run.seconds is not None:
        told += f", about every {run.seconds:.0f} s"
    error = run.all[0].call.error_code if run.all[0].call else None
    parts: list[Piece] = [(told, Tone.DIM)]
    if error is not None:
        parts.append((f"  ✘ all {clean(error)}", Tone.BAD))
    return pieces(column.x + _TEXT, top + 4, fit(parts, column.width - _TEXT - 6))


def arrow(row: Row, start: tuple[float, float], end: tuple[float, float]) -> str:
    """Draw the arrow from a phase to the call it made; a guess is broken."""
    (x1, y1), (x2, y2) = start, (end[0] - 13, end[1])
    css = "tie" if row.link is not None and row.link.rule.exact else "tie guess"
    head = "tip" if css == "tie" else "tip guess"
    if row.call is not None and row.call.error_code is not None:
        css, head = f"{css} refused", f"{head} refused"
    bend = (
        f"H{number(x2)}"
        if y1 == y2
        else f"C{number(x1 + 60)} {number(y1)} {number(x2 - 60)} {number(y2)} "
        f"{number(x2)} {number(y2)}"
    )
    path = f'<path class="{css}" d="M{number(x1)} {number(y1)}{bend}"/>'
    point = f"M{number(x2 - 1)} {number(y2 - 4)}l8 4l-8 4z"
    return f'{path}<path class="{head}" d="{point}"/>'


def _tip(row: Row) -> list[str]:
    """Tell all that is known of a call, a line each."""
    return list(_tip_lines(row))


def _tip_lines(row: Row) -> Iterator[str]:
    api = row.call
    if api is None:
        return
    yield f"{iso(api.event_time)} (CloudTrail has whole seconds)"
    yield f"{api.event_source} {plain(row_pieces(row))}"
    yield clean(api.error_message or "", 300)
    if row.caller is not None:
        yield f"called for {row.caller.path}"
    if row.link is not None:
        tie = rule_words(row.link, id_word(row.attempt))
        yield f"{tie}  {clean(row.link.evidence, 200)}".rstrip()
    if api.seen_at is not None:
        late = max(0.0, (api.seen_at - api.event_time).total_seconds())
        yield f"seen {duration(late)} later"
