"""One line of the lanes: its texts, and the life-lines that pass it.

A line does not depend on a terminal, a page or a picture: each of these writes lines in
its own way.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from sfnwatch.view.call_text import CallText
from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.outline_items import Item
from sfnwatch.view.parts import Part
from sfnwatch.view.task_text import TaskText


class Lane(StrEnum):
    """The lane that a line is in."""

    STATES = "states"
    CALLS = "calls"
    TASKS = "tasks"
    """The states of tasks that ECS reported."""


class Line(Struct):
    """One line of the lanes."""

    about: LineContext
    lane: Lane
    at: datetime
    """The shown time; it is shifted where executions are aligned."""
    whole_seconds: bool = False
    """True for calls, whose times have no milliseconds."""
    root_arn: str | None = None
    """The root of the tree of executions that the line belongs to."""
    rails: Sequence[Rail] = ()
    fold: Part | None = None
    """The sign that opens or closes a fold."""
    owner: tuple[Part, ...] = ()
    """The name of the state that the line belongs to, where several are open."""
    text: tuple[Part, ...] = ()
    """The text of a state's line, or of a fold with a summary of its contents."""
    conclusion: tuple[Part, ...] = ()
    """How Step Functions learned of a job's end."""
    call: CallText | None = None
    """The words of the line's call, or of the action call on an event's line."""
    call_key: str = ""
    call_at: datetime | None = None
    """The call's own time, in whole seconds."""
    task: TaskText | None = None
    service: str = ""
    """The event source of the call."""
    gap: float | None = None
    """Seconds since the line before; None for a short gap."""
    new_day: bool = False
    """True if the line before is of another day."""
    late: float | None = None
    """Seconds from the call, or the task's state, until its record was received."""

    @property
    def item(self) -> Item:
        return self.about.item

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def execution_arn(self) -> str | None:
        return self.about.execution_arn

    @property
    def parts(self) -> tuple[Part, ...]:
        """All texts of the line, in one row."""
        parts = [*self.text]
        if self.conclusion:
            parts += [Part("  "), *self.conclusion]
        for more in (self.call, self.task):
            if more is not None:
                gap = "  " if parts else ""
                parts += [Part(gap), *more.parts]
        return tuple(parts)
