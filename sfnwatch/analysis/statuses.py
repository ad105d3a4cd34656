"""Statuses in plain words."""

from sfnwatch.analysis.names import named

_ENDED = {
    "aborted": "was aborted",
    "caught": "failed",
    "running": "is still running",
    "schedule failed": "could not be scheduled",
    "start failed": "could not be started",
    "submit failed": "could not submit its call",
}


def status_words(status: str | None) -> str:
    """Return a status in plain words, also one that AWS adds later: `timed out`."""
    words = (status or "unknown").lower().replace("_", " ")
    return named(words)


def ended_words(status: str) -> str:
    """Return how something ended, as a verb: `was aborted`, `timed out`."""
    return _ENDED.get(status.lower(), status_words(status))
