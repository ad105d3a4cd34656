"""A link: the claim that an attempt made a call, by which rule, and how surely.

A missing link is acceptable; a wrong link is not.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import CallRole, usual_role

T = TypeVar("T")
AttemptKey = tuple[str, int]
"""Identifies an attempt: the ARN of its execution, and its `scheduled_id`."""


def one_of(values: Iterable[T]) -> T | None:
    """Return the value if all are equal; None if they differ."""
    first, *more = {*values}
    return None if more else first


class LinkRule(StrEnum):
    """The rule by which a call was matched."""

    REQUEST_ID = "request-id"
    SESSION = "session"
    """By the name of the role session, which the attempt's cause contains."""
    RESOURCE_ID = "resource-id"
    PARAMETERS = "parameters"
    ORDER = "order"
    """As many calls as attempts, and the attempts ran one after another: the first call
    is matched to the first attempt, and so on."""
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"


class Certainty(StrEnum):
    """How sure a match is, the surest first."""

    EXACT = "exact"
    """The record contains an id that only this attempt has."""
    STRONG = "strong"
    """No other attempt or execution can have made the call."""
    LIKELY = "likely"
    """Parameters or order agree, and another execution could share them."""
    GUESS = "guess"
    """Only role, action and time agree."""


_SURE = {Certainty.EXACT, Certainty.STRONG}


class Link(Struct, frozen=True, gc=False):
    """An ApiCall matched to an Attempt, or the reason why it is not matched."""

    rule: LinkRule
    role: CallRole
    certainty: Certainty | None = None
    """None where the call is matched to no attempt."""
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that call and attempt have in common, or what was compared."""
    candidates: tuple[AttemptKey, ...] = ()
    """For `ambiguous`: the attempts that fit. It is a single one where an execution
    that is not watched may have made the call."""
    unlisted: int = 0
    """How many more attempts fit than `candidates` lists."""
    reason: str = ""
    """For `ambiguous`: why the call is not matched, as a sentence."""

    @property
    def is_exact(self) -> bool:
        return self.certainty is Certainty.EXACT

    @property
    def is_sure(self) -> bool:
        """True for an exact or strong match, which may be stated as a fact."""
        return self.certainty in _SURE

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted

    @property
    def key(self) -> AttemptKey | None:
        """The attempt the call is matched to; None where there is none."""
        if self.execution_arn is None or self.attempt_id is None:
            return None
        return self.execution_arn, self.attempt_id


def ambiguous(
    keys: Collection[AttemptKey], roles: Iterable[CallRole], why: str, unlisted: int = 0
) -> Link:
    """Return a link of a call that any of the attempts `keys` may have made.

    `roles` are the roles the call would have for these attempts, `why` is the reason it
    is not matched, and `unlisted` the number of further attempts that fit.
    """
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=one_of(roles) or CallRole.OTHER,
        execution_arn=one_of(arn for arn, _ in keys),
        candidates=tuple(sorted({*keys})),
        unlisted=unlisted,
        reason=why,
    )


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Return the role of a call: as its link has it, or else by its name alone."""
    if link is not None and link.rule is not LinkRule.ROLE_ONLY:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


def answered_attempt(link: Link | None) -> AttemptKey | None:
    """Return the attempt whose action a call is by an id; None where there is none."""
    is_exact = link is not None and link.is_exact and link.role is CallRole.ACTION
    return link.key if link is not None and is_exact else None
