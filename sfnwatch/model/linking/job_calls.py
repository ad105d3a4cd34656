"""Which of the calls that name an attempt's job were made by the attempt itself.

A job's id shows which job a call is about, but not who made the call. With the same
role a dashboard may poll the job, or another state machine may stop it. Step Functions
polls at a rhythm: about once a minute, and later once in five minutes [observed: ECS;
documented: EKS; inferred for other services]. It stops a job as soon as its state is
over [inferred]. It makes one successful action call per attempt.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import last_segment
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.caller import SECOND, Caller, depends_on_name
from sfnwatch.model.linking.link import Certainty, Link, LinkRule, ambiguous
from sfnwatch.model.times import microseconds

_MINUTE_SECONDS = 53, 68
"""The shortest and longest gap between two polls; recordings show 55 to 66 seconds."""
_LATER_SECONDS = 290, 310
_LATER_AFTER_SECONDS = 540
"""From this time after the submission, polls may be about five minutes apart."""
_MOST_INTERVALS = 3
"""A gap may span this many intervals; with more, almost any gap would fit."""
_STOP_SECONDS = -1, 2
"""The earliest and latest stop after the state's end; records have whole seconds."""

LinkedCall = tuple[ApiCall, Link]


def settle_job_calls(caller: Caller, calls: Sequence[LinkedCall]) -> list[LinkedCall]:
    """Set how certain each link of an attempt is; polls off the rhythm become OTHER.

    `calls` are in the order of their times, each with the link proposed for it alone.
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


# Each poll is judged by the rhythm of all polls of the job.
def _settle_polls(caller: Caller, polls: Sequence[LinkedCall]) -> Iterator[LinkedCall]:
    submitted_at = caller.attempt.submitted_at
    named = [call for call, link in polls if _is_by_job(link)]
    if submitted_at is None or not named:
        yield from polls
        return
    times = [call.microseconds for call in named if _is_before_end(call, caller)]
    is_regular = len(times) == len(named) and _is_rhythm(submitted_at, times)
    own = _reached_by_rhythm(submitted_at, times)
    for call, link in polls:
        if not _is_by_job(link) or (is_regular and caller.owns):
            yield call, link
        elif call.microseconds in own:
            yield call, replace(link, certainty=Certainty.LIKELY)
        else:
            # It is about this job but breaks the rhythm: others may have made it.
            role = CallRole.OTHER
            yield call, replace(link, role=role, certainty=Certainty.LIKELY)


def _is_before_end(call: ApiCall, caller: Caller) -> bool:
    ended_at = caller.attempt.ended_at
    return ended_at is None or call.microseconds <= microseconds(ended_at)


def _is_rhythm(submitted_at: datetime, times: Sequence[int]) -> bool:
    """True if every gap from the submission on fits the rhythm of Step Functions."""
    begun = microseconds(submitted_at)
    pairs = pairwise([begun, *times])
    return all(_is_gap(begun, before, after) for before, after in pairs)


def _reached_by_rhythm(submitted_at: datetime, times: Sequence[int]) -> set[int]:
    """Return the times that a chain of fitting gaps connects with the submission."""
    begun = microseconds(submitted_at)
    reached = [begun]
    for at in times:
        for before in reversed(reached):
            if at - before > _MOST_INTERVALS * _LATER_SECONDS[1] * SECOND:
                break
            if _is_gap(begun, before, at):
                reached.append(at)
                break
    return set(reached[1:])


def _is_gap(begun: int, before: int, after: int) -> bool:
    """True if both times can be polls of Step Functions, one or a few intervals apart.

    Polls in between are then missing from the records.
    """
    beats = [_MINUTE_SECONDS]
    if before - begun > _LATER_AFTER_SECONDS * SECOND:
        beats.append(_LATER_SECONDS)
    seconds = (after - before) / SECOND
    for shortest, longest in beats:
        for count in range(1, _MOST_INTERVALS + 1):
            if count * shortest <= seconds <= count * longest:
                return True
    return False


# Of several stops or actions that succeeded, only one is the attempt's own.
def _settle_stops(caller: Caller, stops: Sequence[LinkedCall]) -> Iterator[LinkedCall]:
    named = [call for call, link in stops if _is_by_job(link)]
    # A job may be ended in two steps: an application is stopped and then deleted.
    made = Counter(call.name for call in named)
    successful = Counter(call.name for call in named if call.error_code is None)
    # The attempt may have both the ARN and the id of one job: it counts once.
    jobs = max(1, len({last_segment(job) for job in caller.attempt.resource_ids}))
    ended_at = caller.attempt.ended_at
    for call, link in stops:
        if not _is_by_job(link) or ended_at is None:
            yield call, link
        elif successful[call.name] > jobs:
            count = successful[call.name]
            why = f"{count} calls stopped the job, and at most one a job is the state's"
            yield call, _one_of_several(link, why)
        else:
            after = (call.microseconds - microseconds(ended_at)) / SECOND
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
