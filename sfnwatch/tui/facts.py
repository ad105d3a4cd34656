"""A row's facts: what is known of it and why it is believed, a line each.

Pure. Everything is cleaned here; what is too long is cut, and says so.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.console import url_for
from sfnwatch.trace.heads import head_of
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.requests import Request
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.task_words import went_wrong
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Tone,
    cause_words,
    id_word,
    notice_words,
    plain,
    resource_words,
    row_pieces,
    rule_tone,
    rule_words,
)
from sfnwatch.tui.calllines import outcome_piece
from sfnwatch.tui.lane_frame import offset_words
from sfnwatch.tui.status import lag_words
from sfnwatch.tui.zones import in_zone

LONG = 2000
"""Characters of one fact that are shown."""


class Fact(Struct, frozen=True):
    """A word for what it is, and what it is."""

    label: str
    words: str
    tone: Tone = Tone.PLAIN


def heading(row: Row) -> str:
    """Name a row by its own words."""
    return plain(row_pieces(row))


def facts(row: Row, trace: Trace, zone: tzinfo | None = None) -> tuple[Fact, ...]:
    """Tell what is known of a row, its times in a zone, and nothing of it twice."""
    return tuple(dict.fromkeys(_facts(row, trace, zone)))


def _facts(row: Row, trace: Trace, zone: tzinfo | None) -> Iterator[Fact]:
    yield _fact("when", _when(row, zone))
    timeline = trace.histories.get(row.execution_arn or "")
    if timeline is not None and len(trace.histories) > 1:
        yield _fact("execution", _whose(row, timeline))
    if row.causes is not None:
        yield from _caused(row, trace)
    if row.notice is not None:
        yield _fact("noticed", notice_words(row.notice).removeprefix("noticed "))
        yield _fact("stopped", moment(row.notice.stopped_at, zone))
    yield from _beside_facts(row, zone)
    if row.visit is not None:
        yield from _visit_facts(row.visit)
    if row.attempt is not None:
        yield from _attempt_facts(row.attempt, row.visit)
        if row.events:
            yield from _ids(row.attempt)
    if row.kind is Kind.EXECUTION:
        yield from _execution_facts(row)
    url = url_for(row, trace)
    if url is not None:
        yield _fact("console", url)


def _fact(label: str, words: str, tone: Tone = Tone.PLAIN) -> Fact:
    return Fact(label, clean(words, LONG), tone)


def moment(at: datetime, zone: tzinfo | None, *, millis: bool = True) -> str:
    """Write a time in full: `2023-11-15T00:28:24.102Z`, in another zone `…+09:00`."""
    precision = "milliseconds" if millis else "seconds"
    words = in_zone(at, zone or UTC).isoformat(timespec=precision)
    return words.removesuffix("+00:00") + "Z" if words.endswith("+00:00") else words


def _when(row: Row, zone: tzinfo | None) -> str:
    if row.call is not None:
        at = moment(row.at, zone, millis=False)
        seen = [row.call.seen_at]
    elif row.task is not None:
        at, seen = moment(row.at, zone), [row.task.seen_at]
    else:
        at = " · ".join(moment(event.timestamp, zone) for event in row.events)
        seen = [event.seen_at for event in row.events]
    known = [came for came in seen if came is not None]
    return f"{at}, appeared {_after(row.at, min(known))}" if known else at


def _whose(row: Row, timeline: Timeline) -> str:
    """Say of several executions which one it is of, and how long after its start."""
    name = head_of(timeline).whole_name
    if timeline.started_at is None:
        return name
    since = (row.at - timeline.started_at).total_seconds()
    return f"{name}, {offset_words(since, whole=row.call is not None)} from its start"


def _after(at: datetime, seen: datetime) -> str:
    return f"{lag_words((seen - at).total_seconds())} after it happened"


def _visit_facts(visit: StateVisit) -> Iterator[Fact]:
    glyph, tone = STATUS_GLYPHS.get(visit.status, ("○", Tone.DIM))
    yield _fact("state", f"{visit.path}  {visit.type}")
    went = _went(visit.status, visit.entered_at, visit.ended_at, visit.paused)
    yield _fact("status", f"{glyph} {went}", tone)
    if len(visit.attempts) > 1:
        yield _fact("tries", f"{len(visit.attempts)}, {_between(visit)}")
    yield from _failure(visit.error, visit.cause)


def _between(visit: StateVisit) -> str:
    """Say what lies between tries: back-offs, or redrives of the execution."""
    redriven = sum(map(visit.is_redriven, range(2, len(visit.attempts) + 1)))
    waits = sum((end - begin).total_seconds() for begin, end in visit.backoffs)
    words = f"{duration(waits)} between them"
    if not redriven:
        return words
    redrives = "a redrive" if redriven == 1 else f"{redriven} redrives"
    return f"{words}, and {redrives}" if visit.backoffs else f"{redrives} between them"


def _went(
    status: str, begun_at: datetime, ended_at: datetime | None, paused: float = 0.0
) -> str:
    words = status.replace("_", " ")
    if ended_at is None:
        return words
    spent = (ended_at - begun_at).total_seconds() - paused
    still = f", and {duration(paused)} stopped" if paused else ""
    return f"{words} after {duration(spent)}{still}"


def _failure(error: str | None, cause: str | None) -> Iterator[Fact]:
    """Say what failed and why, in AWS's sentence; the whole cause stands elsewhere."""
    if error:
        yield _fact("error", error, Tone.BAD)
    if cause:
        yield _fact("cause", cause_words(cause))


def _execution_facts(row: Row) -> Iterator[Fact]:
    event = row.events[0]
    yield from _failure(event.detail("error"), event.detail("cause"))
    role = event.detail("roleArn")
    if role:
        yield _fact("role", role)


def _attempt_facts(attempt: Attempt, visit: StateVisit | None) -> Iterator[Fact]:
    """Tell of an attempt; how the only one went is how its state did."""
    yield _fact("runs", f"{resource_words(attempt)}  {attempt.pattern}", Tone.ACTION)
    told = visit and (len(visit.attempts), visit.status) == (1, attempt.status)
    if attempt.ended_at is not None and not told:
        went = _went(attempt.status, attempt.scheduled_at, attempt.ended_at)
        yield _fact("attempt", went)
    yield from _failure(attempt.error, attempt.cause)


def _ids(attempt: Attempt) -> Iterator[Fact]:
    """Tell what the attempt's calls are known by."""
    if attempt.request_ids:
        yield _fact("request id", ", ".join(attempt.request_ids))
    if attempt.resource_ids:
        yield _fact(id_word(attempt), ", ".join(attempt.resource_ids))


def _caused(row: Row, trace: Trace) -> Iterator[Fact]:
    key = (row.causes or "").removeprefix("call#")
    call, link = trace.calls.get(key), trace.links.get(key)
    if call is not None and link is not None:
        words = f"{call.event_name}, {_because(link, row.attempt)}"
        yield _fact("made", words, rule_tone(link))


def _call_facts(row: Row) -> Iterator[Fact]:
    call = row.call
    if call is None:
        return
    yield _fact("call", f"{call.event_source} {call.event_name}  {call.region or ''}")
    if row.link is not None:
        yield _fact("tied", _because(row.link, row.attempt), rule_tone(row.link))
    if call.error_code:
        yield _fact("error", call.error_code, Tone.BAD)
    if call.error_message:
        yield _fact("message", call.error_message)
    if call.request_id:
        yield _fact("request id", call.request_id)
    yield _fact("by", f"{call.role or '?'} through {call.invoked_by or 'no service'}")


def _beside_facts(row: Row, zone: tzinfo | None) -> Iterator[Fact]:
    """Tell what only what stands beside the states has."""
    if row.call is not None:
        yield from _call_facts(row)
    if row.task is not None:
        yield from _task_facts(row.task, row.attempt, zone)


def _task_facts(
    state: TaskState, attempt: Attempt | None, zone: tzinfo | None
) -> Iterator[Fact]:
    """Tell what ECS says of a task, and by what it is known to be the attempt's."""
    words = f"{state.last_status}, wanted {state.desired_status or '?'}"
    yield _fact("task", f"{words}, version {state.version}")
    yield _fact(
        "tied",
        f"exactly: its {id_word(attempt)}, {state.task_arn},"
        " stands in the attempt's own events",
        Tone.EXACT,
    )
    if state.stop_code or state.stopped_reason:
        said = ": ".join(w for w in (state.stop_code, state.stopped_reason) if w)
        yield _fact("why", said, Tone.BAD if went_wrong(state) else Tone.PLAIN)
    if state.stopped_at is not None:
        yield _fact("stopped", moment(state.stopped_at, zone))
    for container in state.containers:
        code = container.exit_code
        how = container.last_status or "?"
        how += "" if code is None else f", exit {code}"
        how += f", {container.reason}" if container.reason else ""
        tone = Tone.BAD if code else Tone.PLAIN
        yield _fact("container", f"{container.name or '?'}  {how}", tone)
    yield _fact("by", state.started_by or state.group or "ECS")


def _because(link: Link, attempt: Attempt | None) -> str:
    """Say in a sentence why a call is believed to belong where it is shown."""
    match link.rule:
        case Rule.REQUEST_ID:
            found = f"its request id {link.evidence}"
            return f"exactly: {found} stands in the attempt's own events"
        case Rule.RESOURCE_ID:
            word = id_word(attempt)
            return f"exactly: it names the attempt's own {word}, {link.evidence}"
        case Rule.UNIQUE_CANDIDATE:
            return (
                f"a guess: role {link.evidence}, action and time fit this attempt only"
            )
        case Rule.AMBIGUOUS:
            return f"not: {rule_words(link)[2:]} fit by role, action and time"
    return f"not: made by role {link.evidence}, but no attempt fits"


# -- what sfnwatch itself asked ----------------------------------------------------


def request_heading(request: Request) -> str:
    return clean(f"{request.service} {request.operation}".strip(), LONG)


def request_facts(request: Request, zone: tzinfo | None = None) -> tuple[Fact, ...]:
    """Tell what is known of a request of ours, and of what came of it."""
    return tuple(_request_facts(request, zone))


def _request_facts(request: Request, zone: tzinfo | None) -> Iterator[Fact]:
    yield _fact("sent", moment(request.sent_at, zone))
    words, tone = outcome_piece(request)
    http = "" if request.status is None else f", HTTP {request.status}"
    yield _fact("outcome", f"{words} after {duration(request.seconds)}{http}", tone)
    if request.items is not None:
        yield _fact("items", f"{request.items}", Tone.PLAIN)
    if request.note:
        yield _fact("for", request.note)
    if request.execution_arn:
        yield _fact("execution", request.execution_arn)
    if request.region:
        yield _fact("Region", request.region)
    if request.request_id:
        yield _fact("request id", request.request_id)
