"""The lives of a try's tasks below its bar, as a thin strip: what ECS told of them."""

from collections.abc import Iterable, Mapping, Sequence

from sfnwatch.trace.task_lives import Life, Stage, Stretch
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.text import duration
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cells as cells_of
from sfnwatch.tui.gantt_canvas import (
    TASKS,
    Canvas,
    Cells,
    Ink,
    Stroke,
    column_of,
    finish,
    ground,
    room_of,
)

_INKS: Mapping[Stage, Ink] = {
    Stage.RUNNING: Ink.WORKING,
    Stage.STOPPING: Ink.AROUND,
}
_RANKS = (Stage.OTHER, Stage.STOPPING, Stage.STARTING, Stage.RUNNING)
"""Of several tasks the one that runs is seen."""


def task_row(lives: Iterable[Life], canvas: Canvas) -> Cells:
    """Draw the strip; where a task stopped there is the sign of how."""
    cells = ground(canvas)
    found = [stretch for life in lives for stretch in life.stretches(canvas.now)]
    lasting = [each for each in found if each.stage is not Stage.STOPPED]
    for stretch in sorted(lasting, key=lambda each: _RANKS.index(each.stage)):
        for cell in room_of(canvas.axis, stretch.begin, stretch.end):
            cells[cell] = _stroke(stretch)
    for stretch in found:
        if stretch.stage is Stage.STOPPED and canvas.axis.shows(stretch.begin):
            cells[column_of(canvas.axis, stretch.begin)] = _sign(stretch)
    return finish(cells, canvas)


def _stroke(stretch: Stretch) -> Stroke:
    glyph = TASKS.get(stretch.stage, TASKS[Stage.STARTING])
    return glyph, _INKS.get(stretch.stage, Ink.WAITING)


def _sign(stretch: Stretch) -> Stroke:
    text, tone = task_words(stretch.state).status
    return text[:1], tone


def tasks_label(rails: str, lives: Sequence[Life]) -> tuple[Piece, ...]:
    """Say whose strip it is: of one task its id, of several how many."""
    one = f"task {task_id(lives[0].states[0])}"
    said = one if len(lives) == 1 else f"{len(lives)} tasks"
    return ((f"{rails}   ", Tone.DIM), (said, Tone.DIM))


def newest(lives: Sequence[Life], room: int) -> tuple[Piece, ...]:
    """Say how the task was last, of several the one heard of last."""
    states = (life.states[-1] for life in lives)
    told = task_words(max(states, key=lambda state: (state.at, state.version)))
    whole = (told.status, *told.ending)
    return whole if cells_of(whole) <= room else (told.status, *told.brief)


def ran(lives: Sequence[Life], canvas: Canvas) -> Piece:
    """Say for how long a task has run; of several nothing."""
    every = lives[0].stretches(canvas.now) if len(lives) == 1 else ()
    seconds = sum(each.seconds for each in every if each.stage is Stage.RUNNING)
    return (duration(seconds) if seconds else "", Tone.DIM)
