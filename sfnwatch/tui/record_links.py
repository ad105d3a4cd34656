"""What a row is tied to: its calls, or its state and attempt, and by what evidence."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.lanes import Row, call_key
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.logged import is_hidden
from sfnwatch.trace.task_lives import lives_by_attempt
from sfnwatch.trace.task_states import TaskState, task_key
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Tone,
    id_word,
    plain,
    rule_tone,
    rule_words,
)

MOST = 500
"""Ties that are listed of one row; a wait of days has more polls than anyone reads."""


class Tie(Struct, frozen=True):
    """Another row that this one is tied to."""

    key: str
    """The row's key in the lanes."""
    what: str
    """A call's name, or a state's path."""
    role: str = ""
    """What it is to this row: action, poll, stop; state, attempt, candidate."""
    at: datetime | None = None
    whole_seconds: bool = False
    state: str = ""
    """How it went, in a word with its glyph."""
    tone: Tone = Tone.PLAIN
    rule: str = ""
    rule_tone: Tone = Tone.PLAIN
    evidence: str = ""

    @property
    def id(self) -> str:
        """A call's event id, or where in which history an event is."""
        return self.key.removeprefix("call#")


class Said(Struct, frozen=True):
    """A sentence that stands where ties would, or between them."""

    words: str
    tone: Tone = Tone.DIM


def ties(row: Row, trace: Trace) -> Iterator[Tie | Said]:
    """Yield what a row is tied to."""
    if row.call is not None:
        yield from _of_call(row, trace)
        return
    if row.task is not None:
        yield from _of_call(row, trace)
        yield from _of_tasks(row, row.attempt, trace)
        return
    tries = (row.attempt,) if row.attempt else row.visit.attempts if row.visit else ()
    for number, attempt in enumerate(tries, 1):
        if len(tries) > 1:
            yield Said(f"try {number}  {_status(attempt.status)[0]}", Tone.STRONG)
        yield from _of_attempt(row, attempt, trace)


# -- a state's calls ---------------------------------------------------------------


def _of_attempt(row: Row, attempt: Attempt, trace: Trace) -> Iterator[Tie | Said]:
    tied = _calls(trace, row.execution_arn, attempt.scheduled_id)
    polls = 0
    for call, link in tied[:MOST]:
        polls += link.role is CallRole.POLL
        number = f" #{polls}" if link.role is CallRole.POLL else ""
        yield _tie(call, link, attempt, number)
    if len(tied) > MOST:
        yield Said(f"… {len(tied) - MOST:,} calls more", Tone.WARN)
    if not tied:
        yield Said(_absence(attempt, trace))
    yield from _of_tasks(row, attempt, trace)


def _calls(
    trace: Trace, execution_arn: str | None, attempt_id: int
) -> list[tuple[ApiCall, Link]]:
    found = [
        (trace.calls[event_id], link)
        for event_id, link in trace.links.items()
        if link.attempt_id == attempt_id and link.execution_arn == execution_arn
    ]
    return sorted(found, key=lambda pair: (pair[0].event_time, pair[0].event_id))


def _tie(call: ApiCall, link: Link, attempt: Attempt, number: str) -> Tie:
    return Tie(
        key=call_key(call),
        what=f"{call.event_name}{number}",
        role=link.role.value,
        at=call.event_time,
        whole_seconds=True,
        state=f"✘ {call.error_code}" if call.error_code else "",
        tone=Tone.BAD if call.error_code else Tone.ACTION,
        rule=rule_words(link, id_word(attempt)),
        rule_tone=rule_tone(link),
        evidence=link.evidence,
    )


def _of_tasks(row: Row, attempt: Attempt | None, trace: Trace) -> Iterator[Tie | Said]:
    """Yield what ECS told of an attempt's tasks, but for what the row itself is."""
    if attempt is None or not trace.task_states:
        return
    key = row.execution_arn or "", attempt.scheduled_id
    for life in lives_by_attempt(trace).get(key, ()):
        for state in life.states[:MOST]:
            if task_key(state) != row.key:
                yield _task(state, life.link)


def _task(state: TaskState, link: Link) -> Tie:
    told = task_words(state)
    return Tie(
        key=task_key(state),
        what=f"task {task_id(state)}",
        role="task",
        at=state.at,
        state=f"{told.status[0]}{plain(told.ending)}",
        tone=told.status[1],
        rule=rule_words(link, "task ARN"),
        rule_tone=rule_tone(link),
        evidence=link.evidence,
    )


def _absence(attempt: Attempt, trace: Trace) -> str:
    """Say why an attempt may have no calls."""
    row = attempt.integration
    if attempt.pattern is Pattern.ACTIVITY:
        return "An activity's worker asks for its work: Step Functions calls nothing."
    if row is not None and is_hidden(row, trace):
        return f"No calls: {row.action_event} is not in CloudTrail's Event history."
    return "No calls are tied to it."


# -- a call's state ----------------------------------------------------------------


def _of_call(row: Row, trace: Trace) -> Iterator[Tie | Said]:
    link = row.link
    if link is None:
        yield Said("No execution that is watched has to do with it.")
        return
    if link.rule is Rule.AMBIGUOUS:
        for arn, scheduled in link.candidates[:MOST]:
            yield from _candidate(trace, arn, scheduled)
        return
    found = _attempt(trace, link.execution_arn, link.attempt_id)
    if found is None:
        yield Said("No attempt fits it: only its role has to do with an execution.")
        return
    timeline, visit, attempt = found
    words, tone = _status(visit.status)
    arn = timeline.execution_arn
    yield Tie(
        f"{arn}#{visit.id}", visit.path, "state", visit.entered_at, False, words, tone
    )
    words, tone = _status(attempt.status)
    yield Tie(
        key=f"{arn}#{attempt.scheduled_id}",
        what=_number(visit, attempt),
        role="attempt",
        at=attempt.scheduled_at,
        state=words,
        tone=tone,
        rule=rule_words(link, id_word(attempt)),
        rule_tone=rule_tone(link),
        evidence=link.evidence,
    )


def _candidate(trace: Trace, arn: str, scheduled: int) -> Iterator[Tie]:
    found = _attempt(trace, arn, scheduled)
    if found is None:
        return
    timeline, visit, attempt = found
    words, tone = _status(attempt.status)
    name = f"{timeline.name}  " if len(trace.histories) > 1 else ""
    yield Tie(
        key=f"{arn}#{scheduled}",
        what=f"{name}{visit.path}",
        role="candidate",
        at=attempt.scheduled_at,
        state=words,
        tone=tone,
        rule="? role + action + time",
        rule_tone=Tone.GUESS,
        evidence=_number(visit, attempt),
    )


def _attempt(
    trace: Trace, arn: str | None, scheduled: int | None
) -> tuple[Timeline, StateVisit, Attempt] | None:
    timeline = trace.histories.get(arn or "")
    if timeline is None or scheduled is None:
        return None
    visit = timeline.visits.by_id.get(timeline.visits.of_event.get(scheduled, 0))
    tries: Iterable[Attempt] = visit.attempts if visit else ()
    attempt = next((a for a in tries if a.scheduled_id == scheduled), None)
    return (timeline, visit, attempt) if visit and attempt else None


def _number(visit: StateVisit, attempt: Attempt) -> str:
    number = [a.scheduled_id for a in visit.attempts].index(attempt.scheduled_id) + 1
    return f"try {number} of {len(visit.attempts)}, event {attempt.scheduled_id}"


def _status(status: str) -> tuple[str, Tone]:
    glyph, tone = STATUS_GLYPHS.get(status, ("○", Tone.DIM))
    return f"{glyph} {status.replace('_', ' ')}", tone
