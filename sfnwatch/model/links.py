"""Which call belongs to which attempt, and what says so: a rule and its evidence.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
"""

from enum import StrEnum

from msgspec import Struct

from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.integrations import CallRole, Pattern, usual_role
from sfnwatch.model.visits import Attempt

AttemptKey = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""


class LinkRule(StrEnum):
    """By what a call was matched."""

    REQUEST_ID = "request-id"
    RESOURCE_ID = "resource-id"
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"

    @property
    def exact(self) -> bool:
        return self in {LinkRule.REQUEST_ID, LinkRule.RESOURCE_ID}


class Link(Struct, frozen=True, gc=False):
    """An ApiCall matched to an Attempt, or the reason why it is not."""

    rule: LinkRule
    role: CallRole
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that both hold, or what was compared."""
    candidates: tuple[AttemptKey, ...] = ()
    """For `ambiguous`: the attempts that fit."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted

    @property
    def key(self) -> AttemptKey | None:
        """The attempt it is matched to."""
        if self.execution_arn is None or self.attempt_id is None:
            return None
        return self.execution_arn, self.attempt_id


def role_in(attempt: Attempt, name: CallName) -> CallRole:
    """Tell what a call of that name is to an attempt; only `.sync` polls and stops."""
    row = attempt.integration
    if row is None or row.event_source != name[0]:
        return CallRole.OTHER
    role = row.role_of(name[1])
    if role in {CallRole.POLL, CallRole.STOP} and attempt.pattern is not Pattern.SYNC:
        return CallRole.OTHER
    return role


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.attempt_id is not None:
        return link.role
    if link is not None and link.rule is LinkRule.AMBIGUOUS:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)
