"""One line of the lanes: what it says, and what passes it.

A line knows nothing of a terminal, a page or a picture: each of those writes lines in
its own way.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from sfnwatch.view.life_lines import Rail
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.outline_items import Item
from sfnwatch.view.parts import Part
from sfnwatch.view.wording import CallText, TaskText


class Lane(StrEnum):
    """What a line tells of."""

    STATES = "states"
    CALLS = "calls"
    TASKS = "tasks"
    """What ECS told of the tasks themselves."""


class Line(Struct):
    """One line of the lanes."""

    about: LineContext
    lane: Lane
    at: datetime
    """As it is shown: if executions are aligned, shifted."""
    whole_seconds: bool = False
    """True for calls, whose times have no milliseconds."""
    root_arn: str | None = None
    """The execution around it that nothing started."""
    rails: Sequence[Rail] = ()
    fold: Part | None = None
    """What opens or closes the fold that it is."""
    owner: tuple[Part, ...] = ()
    """Whose line it is, where more than one state is open."""
    text: tuple[Part, ...] = ()
    """What a state's line says; of a fold also what is in it."""
    conclusion: tuple[Part, ...] = ()
    """How Step Functions learned of a job's end."""
    call: CallText | None = None
    """The call it is, or that the phase on it made."""
    call_key: str = ""
    call_at: datetime | None = None
    """Its own time, of whole seconds."""
    task: TaskText | None = None
    service: str = ""
    """The event source of its call."""
    gap: float | None = None
    """Seconds since the line before, where it is long."""
    new_day: bool = False
    """True for the first line of a day other than that of the line before."""
    late: float | None = None
    """Seconds from when it, or the call on it, was made until it was received."""

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
        """All that it says, in one row."""
        said = [*self.text]
        if self.conclusion:
            said += [Part("  "), *self.conclusion]
        for more in (self.call, self.task):
            if more is not None:
                said += [Part("  " if said else ""), *more.parts]
        return tuple(said)
