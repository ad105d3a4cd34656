"""How each state uses its service, and which calls it made where it polls for none."""

from collections.abc import Iterator
from datetime import timedelta

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.finding import Certainty, Finding, certainty, evidence
from sfnwatch.trace.finding_case import Case, Try, Use, later
from sfnwatch.trace.finding_words import named, spoken, times
from sfnwatch.trace.integrations import Pattern
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
NAMES = {
    Pattern.SYNC: "an optimised integration with .sync",
    Pattern.TASK_TOKEN: "an optimised integration with .waitForTaskToken",
    Pattern.REQUEST_RESPONSE: "an optimised integration, request-response",
    Pattern.AWS_SDK: "an AWS SDK integration",
    Pattern.LAMBDA: "a Lambda function's ARN",
    Pattern.ACTIVITY: "an activity",
}
_USES = 5
"""Of a state that many iterations run, so many tries are evidence enough."""
_FIRST_POLL = timedelta(seconds=70)
"""By then a first poll would have come: those recorded came after 55 to 60 s."""


def pattern(use: Use) -> Finding:
    """Tell by which pattern a state calls, and what that means."""
    attempt = use.first
    return Finding(
        kind="pattern",
        certainty=Certainty.FACT,
        text=(
            f"{use.name} uses {resource_words(attempt)}, {NAMES[attempt.pattern]}:"
            f" it {_meaning(attempt)}."
        ),
        evidence=tuple(f"#{v.attempts[0].scheduled_id}" for v in use.visits[:_USES]),
        data={
            "visit": use.visits[0].id,
            "pattern": str(attempt.pattern),
            "visits": len(use.visits),
        },
    )


def _meaning(attempt: Attempt) -> str:
    """Say what a pattern means: for a job it starts, or for a call that is the work."""
    row, kind = attempt.integration, attempt.pattern
    answered = kind in {Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK}
    return _JOB_LEFT if answered and row and row.starts_job else _MEANING[kind]


def calls(case: Case, use: Use) -> Iterator[Finding]:
    """Tell which calls a state made that was seen to make some, and polled for none."""
    made = [tried for tried in use.tries if tried.actions]
    if not made or any(tried.polls for tried in use.tries):
        return
    count = sum(len(tried.actions) for tried in made)
    others = sum(len(tried.calls) - len(tried.actions) for tried in made)
    action = named(made[0].actions[0].event_name)
    row = use.first.integration
    job = row is not None and row.starts_job
    surely = not job or all(is_seen_whole(case, tried) for tried in made)
    exact = all(link.rule.exact for tried in made for link in case.links(tried))
    after = f"{others} other calls after it" if others else "nothing after it"
    reach = _so_far(case, surely=surely)
    polled = f": no polling seen{reach}" if job else ""
    yield Finding(
        kind="calls",
        certainty=certainty(fact=surely and exact),
        text=(
            f"{use.name} ({resource_words(use.first)}) called {action} {times(count)}"
            f" and {after}{polled}."
        ),
        evidence=evidence(call.event_id for tried in made for call in tried.calls),
        data={
            "visit": made[0].visit.id,
            "attempt": made[0].attempt.scheduled_id,
            "call": made[0].actions[0].event_name,
            "count": count,
            "others": others,
            "polls": 0,
            "pattern": str(use.first.pattern),
        },
    )


def is_seen_whole(case: Case, tried: Try) -> bool:
    """True if a poll would have been seen by now, had there been one to come."""
    ended, action = tried.attempt.ended_at, tried.actions[-1]
    if ended is None:
        return False
    if tried.attempt.pattern is Pattern.SYNC:
        return case.covers(ended)
    return case.covers(max(ended, later(action.event_time, _FIRST_POLL)))


def _so_far(case: Case, *, surely: bool) -> str:
    """Say how far that was looked for."""
    if case.complete is None:
        return " so far"
    known = f", up to {case.complete:%H:%M:%S} UTC"
    if surely:
        return known
    return f"{known}; a first poll may take {spoken(_FIRST_POLL.total_seconds())}"
