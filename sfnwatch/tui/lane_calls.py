"""What a call's row says in the room there is: the proof goes last, ornament first."""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

from msgspec import Struct
from rich.cells import cell_len

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.lanes import TASKS, Row
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.shape import Fold
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import CallWords, Piece, Tone, call_words
from sfnwatch.tui.cells import cells, cut
from sfnwatch.tui.lane_frame import LEAST, Frame, clock_words, service_name
from sfnwatch.tui.lane_line import GUTTER, Line
from sfnwatch.tui.lane_words import contents, fold_pieces

_CODE = 60
_NAME = 18
"""A state's name takes no more cells where it only says whose row this is."""
_WORTH = 8
"""In fewer cells than these, two of them blank, a word says nothing."""


class Rank(IntEnum):
    """What a part is worth: the lowest goes first where there is no room."""

    SECOND = 1
    """When the call was, where the line's time is another."""
    STATE = 2
    """Whose call it is."""
    SUBJECT = 3
    ERROR = 4
    """Cut short rather than left out."""
    PROOF = 5
    """The call's name, and the rule that ties it."""


class Part(Struct, frozen=True):
    """Some words of a row that stay or go together."""

    rank: Rank
    pieces: tuple[Piece, ...]


def state_name(line: Line, frame: Frame) -> tuple[Piece, ...]:
    """Name the state whose row a line is."""
    name = frame.look.mask(clean(line.state, 2 * _NAME))
    return cut(((name, Tone.DIM),), _NAME)


def right_parts(line: Line, frame: Frame) -> tuple[Part, ...]:
    """Put what stands in the calls' lane into words, a part for each thing it says."""
    cell = line.right
    if isinstance(cell, Row):
        return tuple(_row(cell, line, frame))
    return (
        Part(Rank.PROOF, tuple(frame.look.masked(_other(line, frame)))),
        *_state(line, frame),
    )


def _other(line: Line, frame: Frame) -> Iterator[Piece]:
    cell = line.right
    if isinstance(cell, Fold):
        yield from fold_pieces(cell, short=is_short(frame))
        return
    if not cell:
        yield from contents(line)
    # Who noticed the end is a finding, the other words of ours are hints.
    if isinstance(cell, str):
        words = cell
        if frame.tight and line.notice:
            words = _noticed(line.notice, cell, frame.share.right)
        yield (words, Tone.PLAIN if line.gutter != GUTTER else Tone.DIM)


def _noticed(told: Notice, words: str, room: int) -> str:
    """Say who noticed the end, and how late, in as many words as there is room for."""
    late = f"{told.seconds:.1f} s"
    how = {By.EVENT: "by event, ", By.POLL: "by poll, "}.get(told.by, "")
    if told.by is By.POLL and not told.certain:
        how = "poll/event, "
    least = f"{how}{late}" if how else f"{late} after stop"
    choice = (words, f"{how}{late} after the stop", least)
    return next((said for said in choice if cell_len(said) <= room), least)


def _row(row: Row, line: Line, frame: Frame) -> Iterator[Part]:
    if row.task is not None:
        yield from _task(row.task, line, frame)
    else:
        yield from _call(row, line, frame)


def _task(state: TaskState, line: Line, frame: Frame) -> Iterator[Part]:
    """Say how a task was; in the lane of calls also that it is no call."""
    told = task_words(state)
    if TASKS in frame.named and not is_short(frame):
        yield Part(Rank.STATE, (("task ", Tone.DIM),))
    yield Part(Rank.PROOF, (told.status,))
    room = frame.share.right or frame.share.left
    roomy = cells((told.status, *told.ending)) <= room
    ending = told.ending if roomy else told.brief
    if is_short(frame):
        yield Part(Rank.ERROR, ending)
    else:
        why = frame.look.masked((*ending, *told.reason))
        yield Part(Rank.ERROR, tuple(why))
        which = (f"  {frame.look.mask(task_id(state))}", Tone.DIM)
        yield Part(Rank.SECOND, (which,))
    yield from _state(line, frame)


def _call(row: Row, line: Line, frame: Frame) -> Iterator[Part]:
    told = call_words(row)
    if told is None or row.call is None:
        return
    source = row.call.event_source
    named = source in frame.named
    service: Piece = (f"{service_name(source)} " if named else "", Tone.DIM)
    yield Part(Rank.PROOF, tuple(frame.look.masked((service, *told.name))))
    for rank, pieces in _besides(told, row.call, frame):
        yield Part(rank, tuple(frame.look.masked(pieces)))
    if isinstance(line.left, Row):
        yield from _own_second(row, line.left, frame)
    else:
        yield from _state(line, frame)


def _besides(
    told: CallWords, call: ApiCall, frame: Frame
) -> tuple[tuple[Rank, tuple[Piece, ...]], ...]:
    """Say what comes after the name; a sign before it may stand for some of that."""
    if not is_short(frame):
        return (
            (Rank.SUBJECT, told.subject),
            (Rank.ERROR, told.error),
            (Rank.PROOF, told.rule),
        )
    code = clean(call.error_code or "", _CODE)
    failed = ((f"  {code}", Tone.BAD),) if code else ()
    return ((Rank.STATE, failed),) if failed else ((Rank.SUBJECT, told.subject),)


def is_short(frame: Frame) -> bool:
    """True where the rule that ties a call has no room in words."""
    return frame.tight and frame.share.right < LEAST


def _state(line: Line, frame: Frame) -> Iterator[Part]:
    if line.state and not line.left:
        yield Part(Rank.STATE, (("  ", Tone.DIM), *state_name(line, frame)))


def _own_second(call: Row, phase: Row, frame: Frame) -> Iterator[Part]:
    """Say when a call was, where the time on the line is its answer's."""
    if call.call is None:
        return
    # Their own times: those of the rows may be told from a common start.
    own = call.call.event_time
    if own != (own + (phase.at - call.at)).replace(microsecond=0):
        at = clock_words(frame.look.local(own), calls=True)
        yield Part(Rank.SECOND, ((f"  at {at}", Tone.DIM),))


# -- what there is room for --------------------------------------------------------


def need(parts: Iterable[Part]) -> int:
    """Count the cells of what a row should say: the call, its proof, its subject."""
    return _size(part for part in parts if part.rank >= Rank.SUBJECT)


def fit(parts: Sequence[Part], room: int) -> tuple[Piece, ...]:
    """Leave out what there is no room for, beginning with the least."""
    kept = list(parts)
    for rank in (Rank.SECOND, Rank.STATE, Rank.SUBJECT, Rank.ERROR):
        over = _size(kept) - room
        if over <= 0:
            break
        kept = [
            shorter
            for part in kept
            for shorter in (_shorter(part, over) if part.rank is rank else (part,))
        ]
    return cut((piece for part in kept for piece in part.pieces), room)


def _shorter(part: Part, over: int) -> tuple[Part, ...]:
    """Cut a name or an error by some cells; leave out what is worth nothing cut."""
    room = cells(part.pieces) - over
    if part.rank in {Rank.STATE, Rank.ERROR} and room >= _WORTH:
        return (Part(part.rank, cut(part.pieces, room)),)
    return (part,) if part.rank is Rank.ERROR else ()


def _size(parts: Iterable[Part]) -> int:
    return sum(cells(part.pieces) for part in parts)
