"""What a trace shows, in sentences: each with its evidence and its certainty.

Nothing is said where the evidence is missing; that it is missing is said instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from statistics import mean
from typing import Any

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.lanes import calls_by_attempt, complete_to, polls_of
from sfnwatch.trace.notice import By, Notice, notice
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.times import iso, maybe_iso
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import resource_words

_MEANING = {
    Pattern.SYNC: "runs a job and waits for its end",
    Pattern.TASK_TOKEN: "calls once, then waits until the task token comes back",
    Pattern.REQUEST_RESPONSE: "makes its call and goes on with the answer",
    Pattern.AWS_SDK: "makes its call and goes on with the answer",
    Pattern.LAMBDA: "invokes a function by its ARN and waits for its answer",
    Pattern.ACTIVITY: "waits for a worker that asks for work; it calls nothing",
}
_JOB_LEFT = "does not wait for a job: the state is over once the call was answered"
_NAMES = {
    Pattern.SYNC: "an optimised integration with .sync",
    Pattern.TASK_TOKEN: "an optimised integration with .waitForTaskToken",
    Pattern.REQUEST_RESPONSE: "an optimised integration, request-response",
    Pattern.AWS_SDK: "an AWS SDK integration",
    Pattern.LAMBDA: "a Lambda function's ARN",
    Pattern.ACTIVITY: "an activity",
}
_USES = 5
"""Of a state that many iterations run, so many tries are evidence enough."""


class Certainty(StrEnum):
    FACT = "fact"
    INFERENCE = "inference"


@dataclass(frozen=True, slots=True)
class Finding:
    """One explained sentence."""

    kind: str
    certainty: Certainty
    text: str
    evidence: tuple[str, ...] = ()
    """Ids of history events (`#5`) and of calls that it rests on."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Its figures: seconds and counts, as JSON values."""


def findings(trace: Trace, timeline: Timeline) -> tuple[Finding, ...]:
    """Find what can be said of one execution of the trace."""
    calls = calls_by_attempt(trace)
    uses = {found[0].id: found for found in _uses(timeline.visits)}
    found: list[Finding] = []
    for visit in timeline.visits:
        if visit.id in uses:
            found.append(_pattern(uses[visit.id]))
        for attempt in visit.attempts:
            own = calls.get((timeline.execution_arn, attempt.scheduled_id), [])
            found.extend(_of_attempt(trace, visit, attempt, own))
    return tuple(found)


def _uses(visits: Iterable[StateVisit]) -> Iterable[list[StateVisit]]:
    """Group the visits of each state that uses one and the same resource."""
    uses: dict[tuple[object, ...], list[StateVisit]] = defaultdict(list)
    for visit in visits:
        if visit.attempts:
            first = visit.attempts[0]
            key = (visit.name, first.pattern, first.resource_type, first.resource)
            uses[key].append(visit)
    return uses.values()


def _of_attempt(
    trace: Trace, visit: StateVisit, attempt: Attempt, calls: list[ApiCall]
) -> Iterator[Finding]:
    polls = polls_of(attempt, calls)
    if polls:
        yield _polling(visit, attempt, polls)
    told = notice(attempt, polls, complete_to(trace))
    if told is not None:
        yield _noticed(visit, attempt, told, polls)
    denied = [c for c in polls if c.error_code]
    if denied and attempt.status == "succeeded":
        yield _denied_but_succeeded(visit, attempt, denied)


def _pattern(visits: Sequence[StateVisit]) -> Finding:
    visit = visits[0]
    attempt = visit.attempts[0]
    pattern = attempt.pattern
    return Finding(
        kind="pattern",
        certainty=Certainty.FACT,
        text=(
            f"{clean(visit.name)} uses {resource_words(attempt)}, {_NAMES[pattern]}:"
            f" it {_meaning(attempt)}."
        ),
        evidence=tuple(f"#{v.attempts[0].scheduled_id}" for v in visits[:_USES]),
        data={"visit": visit.id, "pattern": str(pattern), "visits": len(visits)},
    )


def _meaning(attempt: Attempt) -> str:
    """Say what a pattern means: for a job it starts, or for a call that is the work."""
    row, pattern = attempt.integration, attempt.pattern
    answered = pattern in {Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK}
    return _JOB_LEFT if answered and row and row.starts_job else _MEANING[pattern]


def _polling(visit: StateVisit, attempt: Attempt, polls: list[ApiCall]) -> Finding:
    times = [call.event_time for call in polls]
    gaps = [(after - before).total_seconds() for before, after in pairwise(times)]
    denied = sum(call.error_code is not None for call in polls)
    times_over = {1: "once", 2: "twice"}.get(len(polls), f"{len(polls)} times")
    every = f", about every {mean(gaps):.0f} s" if gaps else ""
    refused = f"; {denied} of those polls were denied" if denied else ""
    return Finding(
        kind="polling",
        certainty=Certainty.FACT,
        text=(
            f"While {clean(visit.name)} waited, Step Functions polled"
            f" {times_over}{every}{refused}."
        ),
        evidence=tuple(call.event_id for call in polls),
        data={
            "visit": visit.id,
            "attempt": attempt.scheduled_id,
            "call": polls[0].event_name,
            "count": len(polls),
            "denied": denied,
            "interval_mean": mean(gaps) if gaps else None,
            "interval_min": min(gaps, default=None),
            "interval_max": max(gaps, default=None),
        },
    )


def _noticed(
    visit: StateVisit, attempt: Attempt, told: Notice, polls: list[ApiCall]
) -> Finding:
    open_question = told.by is By.UNKNOWN
    return Finding(
        kind="noticed",
        certainty=Certainty.FACT if open_question else Certainty.INFERENCE,
        text=(
            f"The {told.job} started by {clean(visit.name)} stopped at"
            f" {iso(told.stopped_at)} and Step Functions knew {told.seconds:.1f} s"
            f" later, {_by(attempt, told)}."
        ),
        evidence=(
            *(f"#{event_id}" for event_id in attempt.event_ids[-1:]),
            *(call.event_id for call in polls),
        ),
        data={
            "visit": visit.id,
            "attempt": attempt.scheduled_id,
            "stopped_at": iso(told.stopped_at),
            "noticed_at": maybe_iso(told.noticed_at),
            "seconds": round(told.seconds, 3),
            "by": str(told.by),
        },
    )


def _by(attempt: Attempt, told: Notice) -> str:
    row = attempt.integration
    rule = (
        f" of the managed rule {row.managed_rule}" if row and row.managed_rule else ""
    )
    if told.by is By.EVENT:
        return f"by an event{rule}: no poll lies in between"
    if told.by is By.POLL and told.certain:
        return "by a poll, which lies in between"
    if told.by is By.POLL:
        return "by a poll or by an event: both lie within the same second"
    if attempt.role_arn is not None:
        return (
            "but no poll by its own role is seen: those may be in another account's"
            " CloudTrail, so what told of it is open"
        )
    return "but CloudTrail is not complete to there, so what told of it is open"


def _denied_but_succeeded(
    visit: StateVisit, attempt: Attempt, denied: list[ApiCall]
) -> Finding:
    polls = "1 poll was" if len(denied) == 1 else f"{len(denied)} polls were"
    return Finding(
        kind="denied-but-succeeded",
        certainty=Certainty.INFERENCE,
        text=(
            f"{polls} denied, and {clean(visit.name)} succeeded all the same:"
            " polling is not the only way Step Functions learns of the end."
        ),
        evidence=tuple(call.event_id for call in denied),
        data={
            "visit": visit.id,
            "attempt": attempt.scheduled_id,
            "count": len(denied),
            "error_code": denied[0].error_code,
        },
    )
