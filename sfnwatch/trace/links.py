"""Which call belongs to which attempt, and by which rule: exact, or said to be a guess.

That the request id in a history equals CloudTrail's `requestID` is documented on
each side and inferred as a join: no public recording holds both sides of one call.
How they are found out stands in `linking.py`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole, usual_role
from sfnwatch.trace.link_index import Key


class Rule(StrEnum):
    """How a call was tied."""

    REQUEST_ID = "request-id"
    RESOURCE_ID = "resource-id"
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"

    @property
    def exact(self) -> bool:
        return self in {Rule.REQUEST_ID, Rule.RESOURCE_ID}


class Link(Struct, frozen=True):
    """An ApiCall tied to an Attempt, or the reason why it is not."""

    rule: Rule
    role: CallRole
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that ties them, or what was compared."""
    candidates: tuple[Key, ...] = ()
    """For `ambiguous`: the (execution_arn, scheduled_id) of those that fit."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.attempt_id is not None:
        return link.role
    if link is not None and link.rule is Rule.AMBIGUOUS:
        return link.role
    if call.whole and not call.by_step_functions:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


def linked(
    links: Mapping[str, Link], calls: Mapping[str, ApiCall]
) -> Iterator[tuple[ApiCall, Link]]:
    """Yield the calls that are tied to an attempt, with their links."""
    for event_id, link in links.items():
        if link.attempt_id is not None:
            yield calls[event_id], link
