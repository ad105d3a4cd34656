"""The words of folded polls."""

from collections.abc import Sequence

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.view.event_words import LINE_CHARACTERS, MINUTE_SECONDS
from sfnwatch.view.outline_items import Fold
from sfnwatch.view.parts import Part, Role

_LEAST_INTERVAL_SECONDS = 0.5
"""The least interval of polls that is shown.

CloudTrail's times have no fractions, so shorter intervals are not known.
"""
_MOST_IN_SECONDS = 2 * MINUTE_SECONDS
"""Shorter intervals are told in seconds."""


def poll_run_parts(coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Return the number of folded polls, the time between them, and their error."""
    polls = [member for member in fold.members if isinstance(member, ApiCall)]
    is_whole = fold.last is None or coverage.is_settled(fold.last)
    more = "" if is_whole else "+"
    word = "polls" if len(polls) > 1 else "poll"
    parts = [Part(f"{len(polls)}{more} more {word}")]
    interval = seconds_apart(coverage, polls)
    if interval is not None:
        length = f"{interval:.0f} s"
        if interval >= _MOST_IN_SECONDS:
            length = duration(round(interval))
        parts.append(Part(f", about every {length}", Role.DIM))
    error = polls[0].error_code if polls else None
    if error:
        words = (
            "all denied" if "denied" in error.lower() else clean(error, LINE_CHARACTERS)
        )
        parts.append(Part(f"  ✘ {words}", Role.BAD))
    return tuple(parts)


def seconds_apart(coverage: Coverage, polls: Sequence[ApiCall]) -> float | None:
    """Return the mean time between polls in seconds, or None if it is not known.

    Only polls up to the time that CloudTrail is complete for count, since others may
    still come in between later ones. None too for an interval that is too short for
    CloudTrail's whole seconds.
    """
    times = [poll.event_time for poll in coverage.settled(polls)]
    if len(times) <= 1:
        return None
    seconds = (times[-1] - times[0]).total_seconds() / (len(times) - 1)
    return seconds if seconds >= _LEAST_INTERVAL_SECONDS else None
