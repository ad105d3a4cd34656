"""All executions that are watched together, as one brief for the look-up.

They share the account's two requests a second, and often a role and a service: what
one of them needs asked is asked for all.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sfnwatch.sources.bell import Bell
from sfnwatch.sources.subject import Query, Subject
from sfnwatch.trace.arns import ExecutionArn
from sfnwatch.trace.calls import ApiCall


class Subjects:
    """Executions, the first of which says which Region is home."""

    def __init__(self, arns: Sequence[ExecutionArn]) -> None:
        self.known = asyncio.Event()
        """Set when enough is known of one to look up, or when nothing more will be:
        one that can't be described must not keep the others' calls away."""
        self.bell = Bell()
        """Rung when one has ended, or more is known of it."""
        self.roots = tuple(Subject(arn, self.known, self.bell) for arn in arns)
        """Those that somebody named."""
        self.each = self.roots
        """Those, and what they began, as far as it is followed."""
        self._since: datetime | None = None
        """From when on calls are looked up, if not from the first start."""

    def add(self, arn: ExecutionArn) -> Subject:
        """Have an execution watched that one of the others began."""
        added = Subject(arn, self.known, self.bell)
        self.each = (*self.each, added)
        return added

    @property
    def region(self) -> str:
        return self.roots[0].arn.region

    @property
    def only(self) -> str | None:
        """The ARN of the one execution that was named, where there is but one."""
        return self.roots[0].arn.arn if len(self.roots) == 1 else None

    @property
    def plan(self) -> tuple[Query, ...]:
        """What to ask LookupEvents for, each once, in the order it was found out."""
        return tuple(dict.fromkeys(query for one in self.each for query in one.plan))

    @property
    def trail_plan(self) -> tuple[Query, ...]:
        """What to ask a trail for: the same and, if it logs them, data events."""
        found = (query for one in self.each for query in one.trail_plan)
        return tuple(dict.fromkeys(found))

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(role for one in self.each for role in one.roles)

    @property
    def started_at(self) -> datetime | None:
        """When the first of them started; or, looked up anew, was redriven."""
        starts = (one.started_at for one in self.each)
        first = min((at for at in starts if at is not None), default=None)
        return max(first, self._since) if first and self._since else first

    @property
    def redrives(self) -> int:
        """How often any of them was taken up again after it had ended."""
        return sum(one.redrives for one in self.each)

    def look_up_since_redrive(self) -> None:
        """Leave what came before it alone: all were over, and that is drained."""
        starts = (one.redriven_at for one in self.each if one.stopped_at is None)
        known = [at for at in starts if at is not None]
        known = known or [one.redriven_at for one in self.each if one.redriven_at]
        self._since = min(known, default=self._since)

    @property
    def stopped_at(self) -> datetime | None:
        """When the last of them ended; None while one runs.

        One whose history is refused has no end to wait for.
        """
        if any(one.stopped_at is None and not one.over for one in self.each):
            return None
        stops = (one.stopped_at for one in self.each)
        return max((at for at in stops if at is not None), default=None)

    @property
    def ready(self) -> bool:
        """True when it is known of every one what it can call, or never will be."""
        return all(one.ready for one in self.each)

    @property
    def roots_over(self) -> bool:
        """True when there is no execution left that could wait for what it began."""
        return all(one.over for one in self.roots)

    @property
    def over(self) -> bool:
        """True when every history source has ended, for whatever reason."""
        return all(one.over for one in self.each)

    def concerns(self, call: ApiCall) -> bool:
        """True for a call worth keeping for one of them.

        Where a role is known, one whose role is not claims nothing yet: what was passed
        over is looked at again once it is.
        """
        known = [one for one in self.each if one.roles] or self.each
        return any(one.concerns(call) for one in known)
