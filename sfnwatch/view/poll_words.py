"""The words of folded polls."""

from collections.abc import Sequence

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.view.event_words import LIMIT, MINUTE_SECONDS
from sfnwatch.view.outline_items import Fold
from sfnwatch.view.parts import Part, Role


def poll_run_parts(coverage: Coverage, fold: Fold) -> tuple[Part, ...]:
    """Return the number of folded polls, the time between them, and their error."""
    calls = [member for member in fold.members if isinstance(member, ApiCall)]
    whole = coverage.is_settled(fold.last) if fold.last else True
    more = "polls" if len(calls) > 1 else "poll"
    said = [Part(f"{len(calls)}{'' if whole else '+'} more {more}")]
    apart = seconds_apart(coverage, calls)
    if apart is not None:
        often = (
            f"{apart:.0f} s" if apart < 2 * MINUTE_SECONDS else duration(round(apart))
        )
        said.append(Part(f", about every {often}", Role.DIM))
    error = calls[0].error_code if calls else None
    if error:
        word = "all denied" if "denied" in error.lower() else clean(error, LIMIT)
        said.append(Part(f"  ✘ {word}", Role.BAD))
    return tuple(said)


_TOLD = 0.5
"""The least interval of polls in seconds that is shown.

CloudTrail's times have no fractions, so shorter intervals are not known.
"""


def seconds_apart(coverage: Coverage, polls: Sequence[ApiCall]) -> float | None:
    """Return the mean time between polls in seconds, or None if it is not known.

    Only polls up to the time that CloudTrail is complete for count, since others may
    still come in between later ones. None too for an interval that is too short for
    CloudTrail's whole seconds.
    """
    known = [call.event_time for call in coverage.settled(polls)]
    if len(known) <= 1:
        return None
    apart = (known[-1] - known[0]).total_seconds() / (len(known) - 1)
    return apart if apart >= _TOLD else None
