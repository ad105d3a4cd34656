"""Rows in words: the same ones on the screen, in plain lines and in exports.

This is the boundary: every string that came from AWS is cleaned here. A piece of
text carries a tone, never a colour; the screen's theme decides what a tone looks
like. Status is a glyph and a word, and only then a colour.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from sfnwatch.trace.arns import last_segment, short_id
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.nest_words import map_run_pieces, nest_pieces
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.payload import mapping_of, parse_json, text_of
from sfnwatch.trace.redrives import Redrive, counted, ordinal
from sfnwatch.trace.task_words import task_pieces
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.tones import STATUS_GLYPHS, Piece, Tone

__all__ = [
    "STATUS_GLYPHS",
    "CallWords",
    "Piece",
    "Tone",
    "call_words",
    "cause_words",
    "id_word",
    "notice_words",
    "plain",
    "resource_words",
    "row_pieces",
    "rule_tone",
    "rule_words",
    "short_id",
    "subject_words",
]

_CAPITALS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LIMIT = 200
"""No name or message takes more of a row; the detail pane has the whole."""
_REASONS = (
    "StoppedReason",
    "errorMessage",
    "Cause",
    "StatusReason",
    "Error",
    "Status",
)
"""Where ECS, Lambda, Step Functions and Batch say why, in that order."""
_GAP = 10.0
"""Below this many seconds an interval is shown with a decimal."""


def plain(pieces: Iterator[Piece] | tuple[Piece, ...]) -> str:
    """Join pieces to one line."""
    return "".join(text for text, _ in pieces).rstrip()


def row_pieces(row: Row) -> tuple[Piece, ...]:
    """Put a row into words, without its time and without its rails."""
    if row.call is not None:
        return tuple(_call(row))
    return tuple(_state(row)) if row.task is None else task_pieces(row.task)


def _state(row: Row) -> Iterator[Piece]:
    event = row.events[0]
    match row.kind:
        case Kind.EXECUTION:
            if row.redrive is not None:
                yield from redrive_pieces(row.redrive)
            else:
                yield from _execution(event)
        case Kind.ENTERED | Kind.PASSED:
            yield from _entered(row)
        case Kind.EXITED:
            yield from _exited(row)
        case Kind.PHASE:
            yield from _phase(row)
        case Kind.CHILD | Kind.MAP_RUN:
            yield from _nest(row)
        case _:
            yield from _other(event)


def _nest(row: Row) -> Iterator[Piece]:
    """Say what begins inside a state; how it goes on is told as it goes."""
    if row.nest is None:
        yield from _other(row.events[0])
    else:
        yield from nest_pieces(row.nest)
        if row.nest.is_map_run:
            yield ("  ", Tone.DIM)
            yield from map_run_pieces(row.nest)


def _execution(event: HistoryEvent) -> Iterator[Piece]:
    ending = event.type.removeprefix("Execution")
    glyph, tone = STATUS_GLYPHS.get(_snake(ending), ("◆", Tone.STRONG))
    yield (f"{glyph} Execution {_spaced(ending)}", tone)
    yield from _error(event)
    yield from _cause(event)


def redrive_pieces(redrive: Redrive) -> Iterator[Piece]:
    """Say which time, and how long after the end: `12m 04s after it failed`."""
    yield (f"⟲ Redriven ({ordinal(redrive.number)} time)", Tone.STRONG)
    if redrive.seconds is not None:
        spent = duration(max(0.0, redrive.seconds))
        yield (f", {spent} after it {redrive.ended_words}", Tone.PLAIN)


def _entered(row: Row) -> Iterator[Piece]:
    visit = row.visit
    if visit is None:
        return
    yield (clean(visit.name, _LIMIT), Tone.STRONG)
    yield (f"  {clean(visit.type)}", Tone.DIM)
    if visit.attempts:
        yield (f"  {resource_words(visit.attempts[0])}", Tone.ACTION)
    if visit.type == "Fail":
        yield (f"  ✘ {clean(row.error or 'failed', _LIMIT)}", Tone.BAD)


def _exited(row: Row) -> Iterator[Piece]:
    visit = row.visit
    if visit is None:
        yield (clean(row.events[0].detail("name") or "exited", _LIMIT), Tone.PLAIN)
        return
    tone = STATUS_GLYPHS[visit.status][1]
    word = "caught" if visit.status == "caught" else "exited"
    yield (word, Tone.WARN if word == "caught" else tone)
    # Not the row's time, which may be told from another start.
    seconds = (row.events[-1].timestamp - visit.entered_at).total_seconds()
    yield (f"  {duration(seconds - visit.paused)}", Tone.DIM)


def _phase(row: Row) -> Iterator[Piece]:
    words = " · ".join(_phase_word(event) for event in row.events)
    last = row.events[-1]
    yield (words, _phase_tone(last))
    tries = row.visit.attempts if row.visit else ()
    if row.attempt and len(tries) > 1 and last.type.endswith(("Scheduled", "Started")):
        number = [a.scheduled_id for a in tries].index(row.attempt.scheduled_id) + 1
        # The first is not numbered: it was told before there was a second.
        if number > 1:
            yield (f"  try {number}", Tone.WARN)
            yield from _backoff(row, number)
    yield from _error(last)
    if row.notice is not None:
        # A cause may be long: who noticed must not be what is cut for it.
        yield (f"  {notice_words(row.notice)}", Tone.DIM)
    yield from _cause(last)


def _backoff(row: Row, number: int) -> Iterator[Piece]:
    visit = row.visit
    if visit is not None and visit.is_redriven(number):
        yield ("  redriven", Tone.DIM)
    wait = visit.backoff_before(number) if visit is not None else None
    if wait is not None:
        begin, end = wait
        yield (f"  after {duration((end - begin).total_seconds())}", Tone.DIM)


def _phase_word(event: HistoryEvent) -> str:
    kind = event.type
    for family in ("Task", "LambdaFunction", "Activity"):
        kind = kind.removeprefix(family)
    return _spaced(kind)


def _phase_tone(event: HistoryEvent) -> Tone:
    if event.type.endswith("Succeeded"):
        return Tone.GOOD
    return Tone.BAD if event.type.endswith(("Failed", "TimedOut")) else Tone.PLAIN


def _other(event: HistoryEvent) -> Iterator[Piece]:
    index = event.details.get("index")
    if event.type.startswith("MapIteration") and isinstance(index, int):
        word = _spaced(event.type.removeprefix("MapIteration"))
        yield (f"[{index}] {word}", _phase_tone(event))
        return
    yield (clean(_spaced(event.type), _LIMIT), _phase_tone(event))
    length = event.details.get("length")
    if event.type == "MapStateStarted" and isinstance(length, int):
        yield (f"  {length} items" if length != 1 else "  1 item", Tone.DIM)
    redrives = counted(event) if event.type == "MapRunRedriven" else None
    if redrives is not None:
        yield (f"  ({ordinal(redrives)} time)", Tone.DIM)
    run = event.detail("mapRunArn")
    if run:
        yield (f"  {clean(last_segment(run), _LIMIT)}", Tone.DIM)
    yield from _error(event)
    yield from _cause(event)


def _error(event: HistoryEvent) -> Iterator[Piece]:
    error = event.detail("error")
    if error:
        yield (f"  {clean(error, _LIMIT)}", Tone.BAD)


def _cause(event: HistoryEvent) -> Iterator[Piece]:
    cause = event.detail("cause")
    if cause:
        yield (f"  {clean(cause_words(cause), _LIMIT)}", Tone.DIM)


def cause_words(cause: str) -> str:
    """Say the reason in a cause that is a whole job, or a whole error, as JSON."""
    body = mapping_of(parse_json(cause))
    reasons = (text_of(body.get(key)) for key in _REASONS)
    return next((reason for reason in reasons if reason), cause)


def resource_words(attempt: Attempt) -> str:
    """Name what a Task runs as its definition does: `ecs:runTask.sync`."""
    if attempt.pattern in {Pattern.LAMBDA, Pattern.ACTIVITY}:
        name = (attempt.resource or "").rsplit(":", 1)[-1]
        return clean(f"{attempt.pattern}:{name}", _LIMIT)
    # Details may be absent, though the type has some.
    names = (attempt.resource_type, attempt.resource)
    return clean(":".join(name for name in names if name) or "unknown", _LIMIT)


def notice_words(told: Notice) -> str:
    """Say how long the end of a job went unnoticed, and what told of it."""
    late = f"{told.seconds:.1f} s after the {told.job} stopped"
    # Who noticed comes first: it is what must not be cut where there is no room.
    match told.by, told.certain:
        case By.EVENT, _:
            return f"noticed by event, {late} ({told.between})"
        case By.POLL, True:
            return f"noticed by a poll, {late}"
        case By.POLL, False:
            return f"noticed by a poll or by event, {late} (within the same second)"
        case _:
            return f"noticed {late}, {told.between} so far"


# -- calls -----------------------------------------------------------------------


class CallWords(Struct, frozen=True):
    """What a call's row says, apart: where there is no room, some of it must go."""

    name: tuple[Piece, ...]
    subject: tuple[Piece, ...] = ()
    error: tuple[Piece, ...] = ()
    rule: tuple[Piece, ...] = ()


def call_words(row: Row) -> CallWords | None:
    """Put a call's row into words; all but the name begin with blanks."""
    call, link = row.call, row.link
    if call is None:
        return None
    dim = link is None or link.rule is Rule.ROLE_ONLY
    failed = call.error_code is not None
    name = clean(call.event_name, _LIMIT)
    number = f" #{row.number}" if row.number else ""
    tone = Tone.DIM if dim else Tone.BAD if failed else Tone.ACTION
    subject, error = subject_words(row), clean(call.error_code or "", _LIMIT)
    rule = rule_words(link, id_word(row.attempt)) if link else ""
    return CallWords(
        name=((f"{name}{number}", tone),),
        subject=_after(subject, Tone.DIM if dim else Tone.PLAIN),
        error=_after(f"✘ {error}" if failed else "", Tone.BAD),
        rule=_after(rule, rule_tone(link) if link else Tone.DIM),
    )


def _after(text: str, tone: Tone) -> tuple[Piece, ...]:
    return ((f"  {text}", tone),) if text else ()


def _call(row: Row) -> Iterator[Piece]:
    told = call_words(row)
    if told is not None:
        yield from (*told.name, *told.subject, *told.error, *told.rule)


def subject_words(row: Row) -> str:
    """Say in a few cells what a call is about: a new task, or how long since."""
    if row.gap is not None:
        decimals = 1 if row.gap % 1 and row.gap < _GAP else 0
        return f"+{row.gap:.{decimals}f} s{'' if row.sure else '?'}"
    attempt, call = row.attempt, row.call
    action = row.link is not None and row.link.role is CallRole.ACTION
    if attempt is None or call is None or not action or not attempt.resource_ids:
        return ""
    job = attempt.resource_ids[0]
    # A guess must not lend a call the id that would prove it.
    exact = row.link is not None and row.link.rule.exact
    if not exact and call.ids.isdisjoint((job, last_segment(job))):
        return ""
    thing = id_word(attempt).rpartition(" ")[0] or "id"
    return clean(f"{thing} {short_id(job)}", _LIMIT)


def id_word(attempt: Attempt | None) -> str:
    """Say what people call the id of the job: `task ARN`, `job id`."""
    row = attempt.integration if attempt else None
    return row.id_word if row else "id"


def rule_words(link: Link, word: str = "id") -> str:
    """Say by which rule a call was tied; a guess looks like one."""
    match link.rule:
        case Rule.REQUEST_ID:
            return "= request id"
        case Rule.RESOURCE_ID:
            return f"= {word}"
        case Rule.UNIQUE_CANDIDATE:
            return "~ role + action + time"
        case Rule.AMBIGUOUS:
            return f"? {link.candidate_count} candidates"
    return "role only"


def rule_tone(link: Link) -> Tone:
    if link.rule.exact:
        return Tone.EXACT
    return Tone.DIM if link.rule is Rule.ROLE_ONLY else Tone.GUESS


def _spaced(name: str) -> str:
    """`SubmitFailed` → `submit failed`; a type of AWS's future may be any text."""
    return clean(_CAPITALS.sub(" ", name).lower(), _LIMIT)


def _snake(name: str) -> str:
    return _CAPITALS.sub("_", name).lower()
