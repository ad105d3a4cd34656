"""A link: the claim that an attempt made a call, by which rule, and how surely.

It may be missing; it may not be wrong.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole, usual_role

T = TypeVar("T")
AttemptKey = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""


def one_of(values: Iterable[T]) -> T | None:
    """Give the one there is; None if there are several."""
    first, *more = {*values}
    return None if more else first


class LinkRule(StrEnum):
    """By what a call was matched."""

    REQUEST_ID = "request-id"
    SESSION = "session"
    """By the name of the role session, which the attempt's cause tells."""
    RESOURCE_ID = "resource-id"
    PARAMETERS = "parameters"
    ORDER = "order"
    """So many calls, so many attempts one after another: the first is the first's."""
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"


class Certainty(StrEnum):
    """How sure a match is, the surest first."""

    EXACT = "exact"
    """An id that only the attempt has stands in the record."""
    STRONG = "strong"
    """No other attempt or execution can have made the call."""
    LIKELY = "likely"
    """Parameters or order agree, and another execution could share them."""
    GUESS = "guess"
    """Role, action and time agree, and nothing else does."""


_SURE = {Certainty.EXACT, Certainty.STRONG}


class Link(Struct, frozen=True, gc=False):
    """An ApiCall matched to an Attempt, or the reason why it is not."""

    rule: LinkRule
    role: CallRole
    certainty: Certainty | None = None
    """None for a call that is matched to no attempt."""
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that both hold, or what was compared."""
    candidates: tuple[AttemptKey, ...] = ()
    """For `ambiguous`: the attempts that fit; one, if a stranger may have made it."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""
    reason: str = ""
    """For `ambiguous`: what keeps it from being matched, as a sentence."""

    @property
    def is_exact(self) -> bool:
        return self.certainty is Certainty.EXACT

    @property
    def is_sure(self) -> bool:
        """True for a match that may be stated as a fact: exact or strong."""
        return self.certainty in _SURE

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted

    @property
    def key(self) -> AttemptKey | None:
        """The attempt it is matched to."""
        if self.execution_arn is None or self.attempt_id is None:
            return None
        return self.execution_arn, self.attempt_id


def ambiguous(
    keys: Collection[AttemptKey], roles: Iterable[CallRole], why: str, unlisted: int = 0
) -> Link:
    """Say that a call may be of any of these, and what it would be to them."""
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=one_of(roles) or CallRole.OTHER,
        execution_arn=one_of(arn for arn, _ in keys),
        candidates=tuple(sorted({*keys})),
        unlisted=unlisted,
        reason=why,
    )


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.rule is not LinkRule.ROLE_ONLY:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


def answered_attempt(link: Link | None) -> AttemptKey | None:
    """Give the attempt that is about a call, if an id says so."""
    is_exact = link is not None and link.is_exact and link.role is CallRole.ACTION
    return link.key if link is not None and is_exact else None
