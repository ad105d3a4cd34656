"""Errors, causes and reasons as part of a sentence."""

from sfnwatch.model.linking.link import Link
from sfnwatch.model.texts import clean
from sfnwatch.model.values import parse_object, text_of

_REASON = 200
_REASONS = (
    *("StoppedReason", "errorMessage", "Cause"),
    *("StatusReason", "Error", "Status"),
)
"""The keys under which ECS, Lambda, Step Functions and Batch give a reason, the first
that is present counts."""


def cause_words(cause: str) -> str:
    """Return the reason in a cause that is a job or an error as JSON.

    A cause of another form is returned as it is.
    """
    body = parse_object(cause)
    reasons = (text_of(body.get(key)) for key in _REASONS)
    return next((reason for reason in reasons if reason), cause)


def error_words(error: str | None, cause: str | None, limit: int = 200) -> str:
    """Join error and cause for a sentence: `States.TaskFailed: Essential …`."""
    parts = (error, cause and cause_words(cause))
    return ": ".join(clean(part, limit) for part in parts if part).rstrip(".")


def ambiguity(link: Link | None) -> str:
    """Return what keeps a call from being matched."""
    if link is not None and link.reason:
        return clean(link.reason, _REASON)
    if link is not None and link.candidate_count > 1:
        return "several attempts may have made it"
    return "another execution may have made it"
