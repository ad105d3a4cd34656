"""What a link is: a claim about which attempt made a call, and what says so."""

from enum import StrEnum

from msgspec import Struct

from sfnwatch.model.integrations import CallRole

AttemptKey = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""


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

    @property
    def exact(self) -> bool:
        """True if an id says so."""
        return self in {LinkRule.REQUEST_ID, LinkRule.SESSION, LinkRule.RESOURCE_ID}

    @property
    def sure(self) -> bool:
        """True for what may be stated as a fact: exact links and strong ones."""
        return self.exact or self in {LinkRule.PARAMETERS, LinkRule.ORDER}


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
    """For `ambiguous`: the attempts that fit; one, if a stranger may have made it."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""

    reason: str = ""
    """For `ambiguous`: what keeps it from being matched, as a sentence."""

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted

    @property
    def key(self) -> AttemptKey | None:
        """The attempt it is matched to."""
        if self.execution_arn is None or self.attempt_id is None:
            return None
        return self.execution_arn, self.attempt_id
