"""The parts of an attempt that calls are compared with, and when it may make calls."""

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
from sfnwatch.model.linking.windows import Window
from sfnwatch.model.times import microseconds
from sfnwatch.model.visits import Attempt

SECOND = 1_000_000
_SLACK = 2 * SECOND
"""An answer takes time to arrive: a call's second may end after the call's phase."""
_STOP_GRACE = 300 * SECOND
"""A job may be stopped this long after its state was aborted [inferred]."""
_SESSION = re.compile(r":assumed-role/[^/\s]+/([A-Za-z]{32})(?![\w+=,.@-])")
_TO_OTHERS = ("terminate", "stop", "delete", "startApplication")
"""The beginnings of actions that work on a resource which exists already."""
_TRIES = re.compile(r"SDK Attempt Count: (\d{1,3})\b")
_NOT_LINKING: Mapping[str, Any] = {
    "changes": [],
    "event_ids": [],
    "told_by": None,
    "stopped_at": None,
}
"""Fields of an attempt that do not affect which calls are its own."""


class Caller(Struct, eq=False):
    """An attempt, with the facts by which its calls are recognized."""

    key: AttemptKey
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""
    account: str | None
    """The account of the role, in which its calls are recorded."""
    regions: frozenset[str]
    """The Regions in which its calls are recorded: its own, and for a global service
    also the service's home Region."""
    names: frozenset[CallName]
    """The calls it may make, with the calls that accompany its action."""
    names_and_role: list[NameAndRole]
    """The calls it may make, each with the role."""
    action: NameAndRole | None
    """The call that is its action, with the role."""
    sessions: frozenset[str]
    """The sessions of its denied calls, as its cause names them."""
    tries: int
    """The number of calls the SDK made, as its cause counts them; 0 where the cause has
    no such number."""
    ids: frozenset[str]
    """Its job's ids, each also as the bare id at its end."""
    ids_in_events: frozenset[str]
    """All ids that its own events have: of requests, sessions and its job."""
    owns: bool
    """False where the job is a resource that existed before and that others may use."""
    link_inputs: tuple[str | None, Attempt]
    """The role and the fields of the attempt that its links depend on."""
    links: dict[tuple[CallName, LinkRule, Certainty, str], Link] = field(
        default_factory=dict
    )
    """The links made so far: the polls of one job share one link."""

    @staticmethod
    def of(arn: str, attempt: Attempt, role_arn: str | None) -> "Caller":
        """Return the caller for an attempt of the execution `arn`.

        `role_arn` is the role of the execution. It counts where the attempt has none
        of its own.
        """
        role_arn = attempt.role_arn or role_arn
        role = role_name(role_arn)
        account = account_of(role_arn)
        region = attempt.region
        partition = "aws"
        execution = maybe_execution_arn(arn)
        if execution is not None:
            account = account or execution.account
            region = region or execution.region
            partition = execution.partition
        home = home_region(attempt.resource_type or "", partition)
        integration = attempt.integration
        action = None
        owns = True
        if integration is not None:
            action = (integration.event_source, integration.action_event), role
            owns = not integration.action.startswith(_TO_OTHERS)
        names = _names(integration, attempt.pattern)
        cause = attempt.cause or ""
        sessions = frozenset(_SESSION.findall(own_message(attempt, cause)))
        job_ids = attempt.resource_ids
        ids = frozenset((*job_ids, *map(last_segment, job_ids)))
        return Caller(
            key=(arn, attempt.scheduled_id),
            attempt=attempt,
            role=role,
            account=account,
            regions=frozenset(filter(None, (region, home))),
            names=names,
            names_and_role=[(name, role) for name in names],
            action=action,
            sessions=sessions,
            tries=max(map(int, _TRIES.findall(cause)), default=0),
            ids=ids,
            ids_in_events=frozenset((*attempt.request_ids, *sessions, *ids)),
            owns=owns,
            link_inputs=(role_arn, replace(attempt, **_NOT_LINKING)),
        )

    def role_of(self, name: CallName) -> CallRole:
        """Return the role of a call of that name; only `.sync` polls and stops."""
        event_source, event_name = name
        integration = self.attempt.integration
        if integration is None or integration.event_source != event_source:
            return CallRole.OTHER
        role = integration.role_of(event_name)
        is_sync = self.attempt.pattern is Pattern.SYNC
        if role in {CallRole.POLL, CallRole.STOP} and not is_sync:
            return CallRole.OTHER
        return role

    def link(
        self, call: ApiCall, rule: LinkRule, certainty: Certainty, why: str
    ) -> Link:
        """Return a link to the attempt; equal links are one object, to save memory."""
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

    def window(self, name: CallName, skew: tuple[int, int]) -> Window | None:
        """Return when it may make calls of a name; None if it makes no such calls.

        `skew` is how far CloudTrail's clock may be ahead: the least and the most
        microseconds.
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
            # A job that was never submitted is not polled.
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
    def life(self) -> Window:
        """The time in which a call about its own job is taken to be its own."""
        begin = self.attempt.scheduled_at
        end = self.attempt.ended_at
        return _window(CallRole.OTHER, begin, end, 0, _SLACK)


def depends_on_name(caller: Caller) -> bool:
    """True if two callers may get the same job, because the job is identified by name.

    StartExecution answers two calls that have the same name and input with the same ARN
    [documented].
    """
    integration = caller.attempt.integration
    if integration is None:
        return False
    is_execution = integration.resource_type in {"states", "sfn"}
    return is_execution or integration.id_word.endswith("name")


@lru_cache(maxsize=256)
def _names(integration: Integration | None, pattern: Pattern) -> frozenset[CallName]:
    """Return the calls that attempts of this integration and pattern may make."""
    if integration is None:
        return frozenset()
    events = {integration.action_event}
    if pattern is Pattern.SYNC:
        events.update(integration.poll_events, integration.stop_events)
    names = {(integration.event_source, event) for event in events}
    return frozenset(names.union(integration.beside))


def _window(
    role: CallRole, begin: datetime, end: datetime | None, least: int, slack: int
) -> Window:
    last = math.inf if end is None else microseconds(end) + slack
    return Window(role, microseconds(begin) - SECOND + 1 + least, last)
