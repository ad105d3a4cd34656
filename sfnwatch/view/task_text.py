"""The words of an ECS task's line."""

from collections.abc import Iterator

from msgspec import Struct

from sfnwatch.model.arns import last_segment
from sfnwatch.model.ecs_task import BAD_STOPS, TaskStage, TaskState
from sfnwatch.model.texts import clean
from sfnwatch.view.call_text import blank_before
from sfnwatch.view.event_words import LIMIT
from sfnwatch.view.parts import Part, Role

_STAGES = {
    TaskStage.RUNNING: Part("●", Role.BUSY),
    TaskStage.STOPPING: Part("◌", Role.DIM),
}
_NORMAL = "EssentialContainerExited"
"""The stop code of a task that ended by itself; its exit codes show if it failed."""


class TaskText(Struct, frozen=True):
    """The words of a task state's line, in pieces: narrow lines leave some out."""

    status: Part
    """The glyph and ECS's word for the status."""
    ending: tuple[Part, ...] = ()
    """How the task stopped; for a running task, that it is to be stopped."""
    brief: tuple[Part, ...] = ()
    """The ending in fewer words: without the stop code where exit codes say more."""
    reason: tuple[Part, ...] = ()
    """ECS's sentence about the reason, unless the task ended by itself."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.status, *self.ending, *self.reason)


def task_id(state: TaskState) -> str:
    """Return the first eight characters of a task's id."""
    return clean(last_segment(state.task_arn)[:8], LIMIT)


def task_text(state: TaskState) -> TaskText:
    """Return the words of a task's state; all except the status begin with blanks."""
    glyph = _task_glyph(state)
    status = Part(f"{glyph.text} {clean(state.last_status, LIMIT)}", glyph.role)
    if not state.stopped:
        early = state.stage in {TaskStage.STARTING, TaskStage.RUNNING}
        to_stop = early and state.desired_status == "STOPPED"
        soon = blank_before("to be stopped" if to_stop else "", Role.WARN)
        return TaskText(status, soon, soon)
    exits = list(_exits(state))
    codes = [clean(state.stop_code, LIMIT)] if state.stop_code else []
    normal = state.stop_code == _NORMAL
    reason = "" if normal else clean(state.stopped_reason or "", LIMIT)
    return TaskText(
        status,
        ending=blank_before(", ".join((*codes, *exits)), glyph.role),
        brief=blank_before(", ".join(exits if normal and exits else codes), glyph.role),
        reason=blank_before(reason, Role.DIM),
    )


def went_wrong(state: TaskState) -> bool:
    """True for a stopped task with a bad stop code, or an exit code other than 0."""
    codes = [c.exit_code for c in state.containers if c.exit_code is not None]
    return state.stopped and (any(codes) or state.stop_code in BAD_STOPS)


def _task_glyph(state: TaskState) -> Part:
    if not state.stopped:
        return _STAGES.get(state.stage, Part("○", Role.DIM))
    if went_wrong(state):
        return Part("✘", Role.BAD)
    codes = [container.exit_code for container in state.containers]
    normal = state.stop_code in {_NORMAL, None} and bool(codes) and None not in codes
    # Without an exit code it is not known if the task succeeded.
    return Part("✔", Role.GOOD) if normal else Part("■", Role.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Yield `exit 0`, or the exit codes other than 0.

    With several containers, each code comes with its container's name.
    """
    coded = [each for each in state.containers if each.exit_code is not None]
    failed = [each for each in coded if each.exit_code]
    if coded and not failed:
        yield "exit 0"
    for each in failed:
        whose = f"{clean(each.name, LIMIT)} " if each.name and coded[1:] else ""
        yield f"{whose}exit {each.exit_code}"
