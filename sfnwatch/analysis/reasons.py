"""Errors, causes and reasons as part of a sentence."""

from sfnwatch.model.linking.link import Link
from sfnwatch.model.texts import clean
from sfnwatch.model.values import parse_object, text_of

_REASON_CHARACTERS = 200
_REASON_KEYS = (
    "StoppedReason",
    "errorMessage",
    "Cause",
    "StatusReason",
    "Error",
    "Status",
)
"""The keys under which ECS, Lambda, Step Functions and Batch give a reason. The first
one that is present counts."""


def cause_words(cause: str) -> str:
    """Return the reason in a cause that is a job or an error as JSON.

    A cause of another form is returned as it is.
    """
    body = parse_object(cause)
    for key in _REASON_KEYS:
        reason = text_of(body.get(key))
        if reason:
            return reason
    return cause


def error_words(error: str | None, cause: str | None, limit: int = 200) -> str:
    """Join error and cause for a sentence: `States.TaskFailed: Essential …`.

    `limit` is the most characters of each. Empty without error and cause.
    """
    reason = cause_words(cause) if cause else None
    parts = [clean(part, limit) for part in (error, reason) if part]
    return ": ".join(parts).rstrip(".")


def with_error(error: str | None, cause: str | None, limit: int = 200) -> str:
    """Return error and cause as the end of a sentence: ` with States.Timeout: …`."""
    words = error_words(error, cause, limit)
    return f" with {words}" if words else ""


def ambiguity(link: Link | None) -> str:
    """Return what keeps a call from being matched."""
    if link is not None and link.reason:
        return clean(link.reason, _REASON_CHARACTERS)
    if link is not None and link.candidate_count > 1:
        return "several attempts may have made it"
    return "another execution may have made it"
