"""One sentence for a phase of a try: scheduled, started, submitted, ended."""

from sfnwatch.trace.attempts import FAMILIES, Attempt
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.sentence_parts import (
    after,
    id_of,
    invokes_function,
    reason,
    short,
    starts_job,
    thing_of,
)
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import resource_words

_FAILED = {
    "Failed": "failed",
    "TimedOut": "ran out of time",
    "ScheduleFailed": "could not be scheduled",
    "StartFailed": "could not be started",
    "SubmitFailed": "was refused when its call was made",
}


def phase_sentence(row: Row, attempt: Attempt) -> str:
    """Explain a phase; of events that make one row, the last counts."""
    event = row.events[-1]
    phase = event.type
    for family in FAMILIES:
        phase = phase.removeprefix(family)
    if phase in _FAILED:
        spent = after((event.timestamp - attempt.scheduled_at).total_seconds())
        why = reason(event)
        return f"{_try(row, attempt)} {_FAILED[phase]}{spent}{_then(row)}{why}."
    if phase == "Succeeded":
        return _succeeded(row, attempt)
    if phase == "Submitted":
        return _submitted(attempt)
    if phase in {"Scheduled", "Started"}:
        return _begun(row, attempt, phase)
    return f"{_try(row, attempt)} goes on: {short(event.type)}."


def _number(row: Row) -> tuple[int, int]:
    """Say which try of how many a row is about."""
    tries = [a.scheduled_id for a in row.visit.attempts] if row.visit else []
    own = row.attempt.scheduled_id if row.attempt else 0
    return (tries.index(own) + 1 if own in tries else 1), len(tries)


def _try(row: Row, attempt: Attempt) -> str:
    number, count = _number(row)
    name = row.visit.name if row.visit else resource_words(attempt)
    return f"Try {number} of {short(name)}" if count > 1 else short(name)


def _then(row: Row) -> str:
    """Say what became of a failure: a retry, a Catch, or nothing."""
    visit = row.visit
    number, count = _number(row)
    if visit is None:
        return ""
    if number < count and visit.is_redriven(number + 1):
        return f"; a redrive of the execution brings try {number + 1}"
    wait = visit.backoff_before(number + 1)
    if wait is not None:
        begin, end = wait
        return (
            f"; try {number + 1} comes {duration((end - begin).total_seconds())} later"
        )
    return {
        "caught": "; a Catch takes it from here",
        "failed": "; nothing in the state catches it",
    }.get(visit.status, "")


def _begun(row: Row, attempt: Attempt, phase: str) -> str:
    event = row.events[-1]
    worker = event.detail("workerName")
    if worker:
        return f"A worker, {short(worker)}, takes the work."
    what = short(resource_words(attempt))
    waited = (event.timestamp - attempt.scheduled_at).total_seconds()
    if phase == "Started" and len(row.events) == 1:
        return f"{what} is started{after(waited)}."
    number, _ = _number(row)
    begin = f"{_try(row, attempt)}:" if number > 1 else "Step Functions"
    wait = row.visit.backoff_before(number) if row.visit is not None else None
    if wait is not None:
        since, until = wait
        pause = duration((until - since).total_seconds())
        begin = f"After a back-off of {pause}, try {number}: Step Functions"
    if row.visit is not None and row.visit.is_redriven(number):
        begin = f"After the redrive, try {number}: Step Functions"
    started = f" and starts it {duration(waited)} later" if phase == "Started" else ""
    return f"{begin} schedules {what}{started}."


def _submitted(attempt: Attempt) -> str:
    row = attempt.integration
    action = short(row.action_event) if row else "The call"
    if attempt.pattern is Pattern.TASK_TOKEN:
        return f"{action} was answered; now the state waits for its task token."
    thing = thing_of(attempt)
    which = f" {id_of(attempt)}" if attempt.resource_ids else ""
    return (
        f"{action} was answered: the {thing}{which} is on its way, and is waited for."
    )


def _succeeded(row: Row, attempt: Attempt) -> str:
    if row.notice is not None:
        return _noticed(attempt, row.notice)
    spent = after((row.events[-1].timestamp - attempt.scheduled_at).total_seconds())
    action = attempt.integration.action_event if attempt.integration else ""
    match attempt.pattern:
        case Pattern.SYNC:
            return f"The {thing_of(attempt)} is over{spent}, and Step Functions knows."
        case Pattern.TASK_TOKEN:
            return f"The task token came back{spent}, so the work is done."
        case Pattern.LAMBDA:
            return f"The function answered{spent}."
        case Pattern.ACTIVITY:
            return f"The worker reported success{spent}."
    if invokes_function(attempt):
        return f"The function answered{spent}."
    if starts_job(attempt):
        thing = thing_of(attempt)
        return (
            f"{short(action)} was answered{spent}, and that is all that is waited for:"
            f" the {thing} may still run."
        )
    return f"{short(action)} was answered{spent}."


def _noticed(attempt: Attempt, told: Notice) -> str:
    row = attempt.integration
    head = f"The {thing_of(attempt)} stopped, and {told.seconds:.1f} s later"
    rule = clean(row.managed_rule or "") if row else ""
    by = f": the rule {rule}" if rule else ""
    match told.by, told.certain:
        case By.EVENT, _:
            return f"{head} Step Functions knew: probably by event{by}."
        case By.POLL, True:
            return f"{head} Step Functions knew: probably by the poll in between."
        case By.POLL, False:
            return f"{head} Step Functions knew: by a poll or by event, in one second."
    return f"{head} Step Functions knew; CloudTrail may still show a poll before."
