"""All calls that were made with one role."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct, field

from sfnwatch.model.api_call import CallName
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.caller import SECOND
from sfnwatch.model.linking.calls_in_order import CallsInOrder, Member
from sfnwatch.model.linking.groups import CallGroup
from sfnwatch.model.linking.link import Link, LinkRule, one_of
from sfnwatch.model.linking.windows import Window

ABOUT = 300 * SECOND
"""Calls of others with the role count from this long before an attempt's time to this
long after it."""


class RoleCalls(Struct, eq=False):
    """The calls made with a role, and what shows that others work with it, too."""

    name: str
    executions: Counter[str] = field(default_factory=Counter)
    """How often each execution, by its ARN, is known to have the role."""
    groups: dict[CallName, CallGroup] = field(default_factory=dict)
    """The calls that may be any attempt's, by their names."""
    strangers: CallsInOrder = field(default_factory=CallsInOrder)
    """The calls that show that others work with the role: they fit no attempt here."""
    unproved: CallsInOrder = field(default_factory=CallsInOrder)
    """The calls of Step Functions that no id matches exactly."""
    changed: list[tuple[float, float]] = field(default_factory=list)
    """Stretches of time, in microseconds, in which others' calls came or went in a way
    that matters: all attempts with a part in them are decided again."""

    def count(self, arn: str, change: int) -> bool:
        """Count an execution that has the role; True if `link` is another one now."""
        before = min(len(self.executions), 2)
        self.executions[arn] += change
        if not self.executions[arn]:
            del self.executions[arn]
        # A role that two or more executions have does not show the execution.
        return min(len(self.executions), 2) != before

    def link(self) -> Link | None:
        """Return a link by the role alone; None where no execution has the role."""
        if not self.executions:
            return None
        arn = one_of(self.executions)
        return Link(
            LinkRule.ROLE_ONLY, CallRole.OTHER, execution_arn=arn, evidence=self.name
        )

    def note_stranger(self, member: Member, *, is_one: bool) -> None:
        """Note whether a call shows that others work with the role."""
        if not self.strangers.note(member, is_one=is_one):
            return
        # One more or less proves nothing new to attempts that are about another one.
        at = member[0]
        before, after = self.strangers.times_around(member)
        begin = max(at - ABOUT, before + ABOUT)
        end = min(at + ABOUT, after - ABOUT)
        if begin <= end:
            self.changed.append((begin, end))

    def note_change(self, at: int) -> None:
        """Note that a call came or went that counts for all attempts about its time."""
        self.changed.append((at - ABOUT, at + ABOUT))

    def has_strangers(self, window: Window) -> bool:
        """True if calls around a window show that others work with the role."""
        return self.strangers.any_between(window.first - ABOUT, window.last + ABOUT)

    def reopen_changed(self) -> None:
        """Have all attempts decided again that have a part in a changed stretch."""
        stretches = _merged(self.changed)
        self.changed = []
        for begin, end in stretches:
            for group in self.groups.values():
                for key, _ in group.windows.meeting(begin, end):
                    group.reopen(key)


def _merged(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return stretches of time in order, those that overlap as one."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(stretches):
        if merged and begin <= merged[-1][1]:
            first, last = merged.pop()
            merged.append((first, max(last, end)))
        else:
            merged.append((begin, end))
    return merged
