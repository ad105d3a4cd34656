"""A task's state in words: a glyph, ECS's own word, and how the task ended."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.task_lives import Stage, stage_of
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.text import clean
from sfnwatch.trace.tones import Piece, Tone

_LIMIT = 200
_ID = 8
_NORMAL = "EssentialContainerExited"
"""How a task ends that has done its work, well or not: its exit codes tell."""
_WANTED = "STOPPED"
_GLYPHS: Mapping[Stage, Piece] = {
    Stage.STARTING: ("○", Tone.DIM),
    Stage.RUNNING: ("●", Tone.BUSY),
    Stage.STOPPING: ("◌", Tone.DIM),
    Stage.OTHER: ("○", Tone.DIM),
}


class TaskWords(Struct, frozen=True):
    """What a task's row says, apart: where there is no room, some of it must go."""

    status: Piece
    """The glyph and ECS's word."""
    ending: tuple[Piece, ...] = ()
    """How it stopped; of one that runs, that it is to."""
    brief: tuple[Piece, ...] = ()
    """The same in fewer words: without a code that exit codes say more than."""
    reason: tuple[Piece, ...] = ()
    """Why, in a sentence of ECS's, where the code alone does not say."""

    @property
    def all(self) -> tuple[Piece, ...]:
        return (self.status, *self.ending, *self.reason)


def task_words(state: TaskState) -> TaskWords:
    """Put a state into words; all but the status begin with blanks."""
    glyph, tone = _sign(state)
    status = (f"{glyph} {clean(state.last_status, _LIMIT)}", tone)
    if not state.stopped:
        to_stop = stage_of(state) in {Stage.STARTING, Stage.RUNNING}
        asked = to_stop and state.desired_status == _WANTED
        soon = _after("to be stopped" if asked else "", Tone.WARN)
        return TaskWords(status, soon, soon)
    exits = list(_exits(state))
    codes = [clean(state.stop_code, _LIMIT)] if state.stop_code else []
    normal = state.stop_code == _NORMAL
    reason = "" if normal else clean(state.stopped_reason or "", _LIMIT)
    return TaskWords(
        status,
        ending=_after(", ".join((*codes, *exits)), tone),
        brief=_after(", ".join(exits if normal and exits else codes), tone),
        reason=_after(reason, Tone.DIM),
    )


def _after(text: str, tone: Tone) -> tuple[Piece, ...]:
    return ((f"  {text}", tone),) if text else ()


def task_pieces(state: TaskState) -> tuple[Piece, ...]:
    """Put a state into words that stand alone: which task, and how it was."""
    which = (("task ", Tone.DIM), (f"{task_id(state)}  ", Tone.PLAIN))
    return (*which, *task_words(state).all)


def task_id(state: TaskState) -> str:
    """Shorten a task's id to what tells it apart."""
    return clean(last_segment(state.task_arn)[:_ID], _LIMIT)


def went_wrong(state: TaskState) -> bool:
    """True for a task that stopped, and not as one does that has done its work."""
    codes = [c.exit_code for c in state.containers if c.exit_code is not None]
    if not state.stopped:
        return False
    return any(codes) or (state.stop_code in _BAD_STOPS)


_BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})


def _sign(state: TaskState) -> Piece:
    if not state.stopped:
        return _GLYPHS.get(stage_of(state), ("■", Tone.PLAIN))
    if went_wrong(state):
        return ("✘", Tone.BAD)
    ended = state.stop_code in {_NORMAL, None} and state.containers
    codes = [container.exit_code for container in state.containers]
    # Without an exit code nobody knows how it went.
    return ("✔", Tone.GOOD) if ended and codes and None not in codes else _STOPPED


_STOPPED: Piece = ("■", Tone.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Say the exit codes: of several containers whose each is."""
    coded = [each for each in state.containers if each.exit_code is not None]
    if coded and not any(each.exit_code for each in coded):
        yield "exit 0"
        return
    for each in coded:
        if each.exit_code:
            whose = f"{clean(each.name, _LIMIT)} " if each.name and coded[1:] else ""
            yield f"{whose}exit {each.exit_code}"
