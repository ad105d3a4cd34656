"""Which calls about an attempt's job the attempt itself made.

A job's id says which job a call is about, and not who asked: a dashboard polls the same
job, and a clean-up machine stops it, with the same role. Step Functions polls at a
rhythm, about once a minute and later once in five [observed: ECS; documented: EKS;
inferred for other services], stops a job as soon as its state is over [inferred], and
makes one successful action call an attempt.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from sfnwatch.model.integrations import CallRole, last_segment
from sfnwatch.model.links import (
    SECOND,
    Caller,
    Certainty,
    Link,
    LinkRule,
    ambiguous,
    depends_on_name,
)
from sfnwatch.model.rows import ApiCall
from sfnwatch.model.values import microseconds

_MINUTE_SECONDS = 53, 68
"""From one poll to the next, as whole seconds have it: 55 to 66 are recorded."""
_LATER_SECONDS = 290, 310
_LATER_AFTER_SECONDS = 540
"""From so long after the submission on, polls may be minutes apart."""
_MISSING_POLLS = 3
"""With more polls missing in a row, any gap would fit the rhythm."""
_STOP_SECONDS = -1, 5
"""How long after its state's end a job is stopped, as whole seconds have it."""

LinkedCall = tuple[ApiCall, Link]


def settle_job_calls(caller: Caller, calls: Sequence[LinkedCall]) -> list[LinkedCall]:
    """Say of each call that is linked to an attempt how sure that is.

    `calls` are in the order of their times, each with the link that its ids give it.
    """
    by_role: dict[CallRole, list[LinkedCall]] = {role: [] for role in CallRole}
    for call, link in calls:
        by_role[link.role].append((call, link))
    return [
        *_settle_polls(caller, by_role[CallRole.POLL]),
        *_settle_stops(caller, by_role[CallRole.STOP]),
        *_settle_actions(caller, by_role[CallRole.ACTION]),
        *by_role[CallRole.OTHER],
    ]


def _is_by_job(link: Link) -> bool:
    return link.rule is LinkRule.RESOURCE_ID


# What a poll is, by the rhythm of all polls of its job.


def _settle_polls(caller: Caller, polls: Sequence[LinkedCall]) -> Iterator[LinkedCall]:
    submitted_at = caller.attempt.submitted_at
    named = [call for call, link in polls if _is_by_job(link)]
    if submitted_at is None or not named:
        yield from polls
        return
    moments = [call.moment for call in named if _is_in_life(call, caller)]
    is_regular = len(moments) == len(named) and _is_rhythm(submitted_at, moments)
    own = _reached_by_rhythm(submitted_at, moments)
    for call, link in polls:
        if not _is_by_job(link) or (is_regular and caller.owns):
            yield call, link
        elif call.moment in own:
            yield call, replace(link, certainty=Certainty.LIKELY)
        else:
            # It breaks the rhythm: about this job, and perhaps another's call.
            role = CallRole.OTHER
            yield call, replace(link, role=role, certainty=Certainty.LIKELY)


def _is_in_life(call: ApiCall, caller: Caller) -> bool:
    ended_at = caller.attempt.ended_at
    return ended_at is None or call.moment <= microseconds(ended_at)


def _is_rhythm(submitted_at: datetime, moments: Sequence[int]) -> bool:
    """True if every gap from the submission on is one that Step Functions leaves."""
    begun = microseconds(submitted_at)
    pairs = pairwise([begun, *moments])
    return all(_is_gap(begun, before, after) for before, after in pairs)


def _reached_by_rhythm(submitted_at: datetime, moments: Sequence[int]) -> set[int]:
    """Give the moments to which a chain of fitting gaps leads from the submission."""
    begun = microseconds(submitted_at)
    reached = [begun]
    for moment in moments:
        for before in reversed(reached):
            if moment - before > _MISSING_POLLS * _LATER_SECONDS[1] * SECOND:
                break
            if _is_gap(begun, before, moment):
                reached.append(moment)
                break
    return set(reached[1:])


def _is_gap(begun: int, before: int, after: int) -> bool:
    """True if Step Functions may have polled at two moments and not in between.

    Some polls in between may be missing from the records.
    """
    beats = [_MINUTE_SECONDS]
    if before - begun > _LATER_AFTER_SECONDS * SECOND:
        beats.append(_LATER_SECONDS)
    seconds = (after - before) / SECOND
    for shortest, longest in beats:
        for count in range(1, _MISSING_POLLS + 1):
            if count * shortest <= seconds <= count * longest:
                return True
    return False


# Of several that stopped the job, or began it, one is the attempt's.


def _settle_stops(caller: Caller, stops: Sequence[LinkedCall]) -> Iterator[LinkedCall]:
    named = [call for call, link in stops if _is_by_job(link)]
    # A job may be ended in two steps: an application is stopped and then deleted.
    made = Counter(call.name for call in named)
    successful = Counter(call.name for call in named if call.error_code is None)
    # Of many jobs both the ARN and the id are told.
    jobs = max(1, len({last_segment(job) for job in caller.attempt.resource_ids}))
    ended_at = caller.attempt.ended_at
    for call, link in stops:
        if not _is_by_job(link) or ended_at is None:
            yield call, link
        elif successful[call.name] > jobs:
            why = f"{successful[call.name]} calls stopped this job, and at most one of"
            yield call, _one_of_several(link, f"{why} them is the state's own")
        else:
            after = (call.moment - microseconds(ended_at)) / SECOND
            is_at_once = _STOP_SECONDS[0] <= after <= _STOP_SECONDS[1]
            is_certain = is_at_once and made[call.name] <= jobs
            certainty = Certainty.EXACT if is_certain else Certainty.GUESS
            yield call, replace(link, certainty=certainty)


def _settle_actions(
    caller: Caller, actions: Sequence[LinkedCall]
) -> Iterator[LinkedCall]:
    successful = [link for call, link in actions if call.error_code is None]
    has_own = any(link.rule is LinkRule.REQUEST_ID for link in successful)
    for call, link in actions:
        if not _is_by_job(link):
            yield call, link
        elif has_own or len(successful) > 1:
            why = f"{len(successful)} calls were answered with this job"
            yield call, _one_of_several(link, f"{why}, and the attempt made one")
        elif depends_on_name(caller):
            yield call, replace(link, certainty=Certainty.LIKELY)
        else:
            yield call, link


def _one_of_several(link: Link, why: str) -> Link:
    keys = [link.key] if link.key is not None else []
    return ambiguous(keys, [link.role], why)
