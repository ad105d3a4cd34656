"""The words of an ECS task's line."""

from collections.abc import Iterator

from msgspec import Struct

from sfnwatch.model.arns import last_segment
from sfnwatch.model.ecs_task import BAD_STOPS, TaskStage, TaskState
from sfnwatch.model.texts import clean
from sfnwatch.view.call_text import blank_before
from sfnwatch.view.event_words import LINE_CHARACTERS
from sfnwatch.view.parts import Part, Role

_STAGES = {
    TaskStage.RUNNING: Part("●", Role.BUSY),
    TaskStage.STOPPING: Part("◌", Role.DIM),
}
_BEFORE_STOP = frozenset({TaskStage.STARTING, TaskStage.RUNNING})
_ENDED_BY_ITSELF = "EssentialContainerExited"
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
    return clean(last_segment(state.task_arn)[:8], LINE_CHARACTERS)


def task_text(state: TaskState) -> TaskText:
    """Return the words of a task's state; all except the status begin with blanks."""
    glyph = _task_glyph(state)
    status = Part(
        f"{glyph.text} {clean(state.last_status, LINE_CHARACTERS)}", glyph.role
    )
    if not state.stopped:
        is_to_stop = state.stage in _BEFORE_STOP and state.desired_status == "STOPPED"
        ending = blank_before("to be stopped" if is_to_stop else "", Role.WARN)
        return TaskText(status, ending, ending)
    exits = list(_exits(state))
    stop_code = [clean(state.stop_code, LINE_CHARACTERS)] if state.stop_code else []
    brief = stop_code
    reason = clean(state.stopped_reason or "", LINE_CHARACTERS)
    if state.stop_code == _ENDED_BY_ITSELF:
        brief = exits or stop_code
        reason = ""
    return TaskText(
        status,
        ending=blank_before(", ".join((*stop_code, *exits)), glyph.role),
        brief=blank_before(", ".join(brief), glyph.role),
        reason=blank_before(reason, Role.DIM),
    )


def went_wrong(state: TaskState) -> bool:
    """True for a stopped task with a bad stop code, or an exit code other than 0."""
    if not state.stopped:
        return False
    has_bad_exit = any(container.exit_code for container in state.containers)
    return has_bad_exit or state.stop_code in BAD_STOPS


def _task_glyph(state: TaskState) -> Part:
    if not state.stopped:
        return _STAGES.get(state.stage, Part("○", Role.DIM))
    if went_wrong(state):
        return Part("✘", Role.BAD)
    exit_codes = [container.exit_code for container in state.containers]
    is_all_known = bool(exit_codes) and None not in exit_codes
    if is_all_known and state.stop_code in {_ENDED_BY_ITSELF, None}:
        return Part("✔", Role.GOOD)
    # Without an exit code it is not known if the task succeeded.
    return Part("■", Role.WARN)


def _exits(state: TaskState) -> Iterator[str]:
    """Yield `exit 0`, or the exit codes other than 0.

    With several containers, each code comes with its container's name.
    """
    exited = [one for one in state.containers if one.exit_code is not None]
    failed = [container for container in exited if container.exit_code]
    if exited and not failed:
        yield "exit 0"
    for container in failed:
        words = f"exit {container.exit_code}"
        if container.name and len(exited) > 1:
            words = f"{clean(container.name, LINE_CHARACTERS)} {words}"
        yield words
