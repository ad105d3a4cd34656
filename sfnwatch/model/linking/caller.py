"""An attempt as far as calls are compared with it, and when it may have made them."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, CallName, NameAndRole
from sfnwatch.model.arns import account_of, last_segment, maybe_execution_arn, role_name
from sfnwatch.model.attempt_events import own_message
from sfnwatch.model.integrations import CallRole, Integration, Pattern, home_region
from sfnwatch.model.linking.link import AttemptKey, Certainty, Link, LinkRule
from sfnwatch.model.times import microseconds
from sfnwatch.model.visits import Attempt

SECOND = 1_000_000
_SLACK = 2 * SECOND
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = 300 * SECOND
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""
_SESSION = re.compile(r":assumed-role/[^/\s]+/([A-Za-z]{32})(?![\w+=,.@-])")
_TO_OTHERS = ("terminate", "stop", "delete", "startApplication")
"""How actions begin that are done to a thing which is there already."""
_TRIES = re.compile(r"SDK Attempt Count: (\d{1,3})\b")
_NO_FACTS: Mapping[str, Any] = {
    "changes": [],
    "event_ids": [],
    "told_by": None,
    "stopped_at": None,
}
"""Fields of an attempt that do not decide which calls are its own."""


class Caller(Struct, eq=False):
    """An attempt, with what its calls are told by."""

    key: AttemptKey
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""
    account: str | None
    """The role's, in which its calls are recorded."""
    regions: frozenset[str]
    """In which its calls are recorded: its own, and a global service's home."""
    names: frozenset[CallName]
    """The calls it may make, and those that go with its action."""
    spots: list[NameAndRole]
    """The same, each under the role."""
    sessions: frozenset[str]
    """Of denied calls: the causes of its ends tell them."""
    tries: int
    """How many calls its cause counts, as the SDK made them; 0 where it tells none."""
    ids: frozenset[str]
    """Its job's ids, each also as the bare id at its end."""
    owns: bool
    """False where the job is a thing that was there, and is everybody's."""
    facts: tuple[str | None, Attempt]
    """What of the attempt its links depend on."""
    links: dict[tuple[CallName, LinkRule, Certainty, str], Link] = field(
        default_factory=dict
    )
    """Those that were made: polls of one job share theirs."""

    @staticmethod
    def of(arn: str, attempt: Attempt, role_arn: str | None) -> "Caller":
        """Describe an attempt; `role_arn` is its execution's, if it has none itself."""
        role_arn = attempt.role_arn or role_arn
        jobs = attempt.resource_ids
        row = attempt.integration
        execution = maybe_execution_arn(arn)
        place = (execution.account, execution.region) if execution else (None, None)
        account = account_of(role_arn) or place[0]
        region = attempt.region or place[1]
        partition = execution.partition if execution else "aws"
        home = home_region(attempt.resource_type or "", partition)
        cause = attempt.cause or ""
        role = role_name(role_arn)
        names = _names(row, attempt.pattern)
        return Caller(
            key=(arn, attempt.scheduled_id),
            attempt=attempt,
            role=role,
            account=account,
            regions=frozenset(filter(None, (region, home))),
            names=names,
            spots=[(name, role) for name in names],
            sessions=frozenset(_SESSION.findall(own_message(attempt, cause))),
            tries=max(map(int, _TRIES.findall(cause)), default=0),
            ids=frozenset((*jobs, *map(last_segment, jobs))),
            owns=row is None or not row.action.startswith(_TO_OTHERS),
            facts=(role_arn, replace(attempt, **_NO_FACTS)),
        )

    @property
    def told(self) -> tuple[str, ...]:
        """All ids that its own events tell."""
        return (*self.attempt.request_ids, *self.sessions, *self.ids)

    def role_of(self, name: CallName) -> CallRole:
        """Tell what a call of that name is to it; only `.sync` polls and stops."""
        row = self.attempt.integration
        pattern = self.attempt.pattern
        if row is None or row.event_source != name[0]:
            return CallRole.OTHER
        role = row.role_of(name[1])
        if role in {CallRole.POLL, CallRole.STOP} and pattern is not Pattern.SYNC:
            return CallRole.OTHER
        return role

    def link(
        self, call: ApiCall, rule: LinkRule, certainty: Certainty, why: str
    ) -> Link:
        """Make a link, once of those that are alike: a job's polls share theirs."""
        key = call.name, rule, certainty, why
        if key not in self.links:
            self.links[key] = Link(
                rule=rule,
                role=self.role_of(call.name),
                certainty=certainty,
                execution_arn=self.key[0],
                visit_id=self.attempt.visit_id,
                attempt_id=self.key[1],
                evidence=why,
            )
        return self.links[key]

    def window(self, name: CallName, skew: tuple[int, int]) -> "Window | None":
        """Say when it may make calls of a name; None if it makes no such calls.

        `skew` is how far CloudTrail's clock may be ahead, the least and the most.
        """
        attempt = self.attempt
        role = self.role_of(name)
        begin = attempt.scheduled_at
        end = attempt.ended_at
        least, slack = skew
        if role is CallRole.OTHER and name not in self.names:
            return None
        if role is CallRole.ACTION:
            end = attempt.submitted_at or end
        elif role is CallRole.POLL:
            # What was never submitted is not polled.
            if attempt.submitted_at is None:
                return None
            begin = attempt.submitted_at
        elif role is CallRole.STOP:
            if end is None or attempt.status not in {"aborted", "timed_out"}:
                return None
            begin = end
            slack = _STOP_GRACE
        return _window(role, begin, end, least, slack)

    @property
    def life(self) -> "Window":
        """The time in which a call about its own job is taken for its own."""
        begin = self.attempt.scheduled_at
        end = self.attempt.ended_at
        return _window(CallRole.OTHER, begin, end, 0, _SLACK)


def depends_on_name(caller: Caller) -> bool:
    """True if two callers may be given the same job: what has a name is one thing.

    StartExecution answers two calls with one name and input by one ARN [documented].
    """
    row = caller.attempt.integration
    if row is None:
        return False
    return row.id_word.endswith("name") or row.resource_type in {"states", "sfn"}


@lru_cache(maxsize=256)
def _names(row: Integration | None, pattern: Pattern) -> frozenset[CallName]:
    """Name the calls of all attempts of a kind, which share them."""
    if row is None:
        return frozenset()
    names = {row.action_event}
    if pattern is Pattern.SYNC:
        names.update(row.poll_events, row.stop_events)
    return frozenset({*((row.event_source, name) for name in names), *row.beside})


class Window(Struct, frozen=True, gc=False):
    """When an attempt may have made a call of some name, in microseconds."""

    role: CallRole
    """What such a call would be to it."""
    first: int
    """The first microsecond a call may be dated: its second begins before it."""
    last: float
    """Infinity while it may make more."""
    narrow: bool = False
    """True where its action, or its job, is known: it may have made such calls only as
    failed, or as name no job."""

    def meets(self, begin: float, end: float) -> bool:
        return self.first <= end and begin <= self.last

    def has(self, at: int) -> bool:
        return self.first <= at <= self.last


def _window(
    role: CallRole, begin: datetime, end: datetime | None, least: int, slack: int
) -> Window:
    last = math.inf if end is None else microseconds(end) + slack
    return Window(role, microseconds(begin) - SECOND + 1 + least, last)
