"""Which integration each state uses, and which calls it made if it polls for none."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from sfnwatch.next.analysis.case import (
    FEW,
    AttemptCase,
    Case,
    StateUse,
    Survey,
    later,
)
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.wording import (
    named,
    plural,
    resource_words,
    some,
    spoken,
    time_of_day,
    times,
)
from sfnwatch.next.model.integrations import Pattern
from sfnwatch.next.model.visits import Attempt

PATTERN_NAMES = {
    Pattern.SYNC: "Run a Job (.sync)",
    Pattern.TASK_TOKEN: "Wait for a Callback (.waitForTaskToken)",
    Pattern.REQUEST_RESPONSE: "Request Response",
    Pattern.AWS_SDK: "an AWS SDK integration",
    Pattern.LAMBDA: "a Lambda function's ARN",
    Pattern.ACTIVITY: "an activity",
}
"""AWS's own names of the patterns."""
_MEANING = {
    Pattern.SYNC: "an optimized integration that runs a job and waits for it to finish",
    Pattern.TASK_TOKEN: "an optimized integration that makes one call, then waits for"
    " the task token to come back",
    Pattern.REQUEST_RESPONSE: "an optimized integration that calls the API and"
    " continues with the response",
    Pattern.AWS_SDK: "the state calls the API and continues with the response",
    Pattern.LAMBDA: "the state invokes the function and waits for its result",
    Pattern.ACTIVITY: "the state waits for a worker to poll for the task; no call is"
    " made",
}
_JOB_LEFT = "the state completes as soon as the API responds, without waiting for a job"
_USES = 5
"""Of a state that many iterations run, so many attempts are evidence enough."""
_FIRST_POLL = timedelta(seconds=70)
"""By then a first poll would have come: those recorded came after 55 to 60 s."""


def pattern(use: StateUse) -> Finding:
    """Tell by which pattern a state calls, and what that means."""
    return finding(
        "pattern",
        integration_text([use.name], use.first),
        tuple(f"#{v.attempts[0].scheduled_id}" for v in use.visits[:_USES]),
        visit=use.visits[0].id,
        pattern=str(use.first.pattern),
        visits=len(use.visits),
    )


def integration_text(names: Sequence[str], attempt: Attempt) -> str:
    """Say what states use, and what that means: in one sentence for all of them."""
    verb, who = "uses" if len(names) == 1 else "use", some(names)
    if len(names) > FEW:
        who = f"{plural(len(names), 'state')} ({who})"
    kind, row = attempt.pattern, attempt.integration
    plain = kind in {Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK}
    meaning = _JOB_LEFT if plain and row and row.starts_job else _MEANING[kind]
    what = f"{resource_words(attempt)}, {PATTERN_NAMES[kind]}"
    return f"{who} {verb} {what}: {meaning}."


def calls(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell which calls a state made that was seen to make some, and polled for none."""
    made = [each for each in use.attempts if each.actions]
    if not made or any(each.polls for each in use.attempts):
        return
    survey, row = case.survey, use.row
    job = row is not None and row.starts_job
    surely = not job or all(is_seen_whole(survey, each) for each in made)
    every = [call for each in made for call in each.calls]
    count = sum(len(each.actions) for each in made)
    others = len(every) - count
    action = made[0].actions[0].event_name
    more = f"{plural(others, 'other call')} after it" if others else "nothing after it"
    polled = f"; no polling seen{_so_far(survey, surely=surely)}" if job else ""
    yield finding(
        "calls",
        f"{use.name} ({resource_words(use.first)}) called {named(action)}"
        f" {times(count)} and {more}{polled}.",
        (call.event_id for call in every),
        fact=surely and survey.is_exact(every),
        **made[0].place,
        call=action,
        count=count,
        others=others,
        polls=0,
        pattern=str(use.first.pattern),
    )


def is_seen_whole(survey: Survey, case: AttemptCase) -> bool:
    """True if a poll would have been seen by now, had there been one to come."""
    ended = case.attempt.ended_at
    if ended is None:
        return False
    if case.attempt.pattern is Pattern.SYNC:
        return survey.covers(ended)
    return survey.covers(max(ended, later(case.actions[-1].event_time, _FIRST_POLL)))


def _so_far(survey: Survey, *, surely: bool) -> str:
    """Say how far that was looked for."""
    if survey.complete_to is None:
        return " so far"
    known = f" up to {time_of_day(survey.complete_to)}"
    if surely:
        return known
    return f"{known}, and a first poll may take {spoken(_FIRST_POLL.total_seconds())}"
