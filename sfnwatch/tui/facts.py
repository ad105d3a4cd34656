"""A row in full: what is known of it, how it is tied, and its record, for the pane.

Pure. Everything is cleaned here; what is too long is cut, and says so.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.payload import parse_json
from sfnwatch.trace.text import clean, clean_lines, duration, size
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import iso
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import (
    STATUS_GLYPHS,
    Tone,
    id_word,
    notice_words,
    plain,
    resource_words,
    row_pieces,
    rule_tone,
    rule_words,
)
from sfnwatch.tui.status import lag_words

LIMIT = 32 * 1024
"""Characters of one record that are shown: a payload may have 256 KiB, a cause too."""
_LONG = 2000


@dataclass(frozen=True, slots=True)
class Fact:
    """A word for what it is, and what it is."""

    label: str
    words: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Document:
    """One record as JSON, cleaned and cut."""

    title: str
    text: str
    rest: int = 0
    """How many characters are not shown."""


def heading(row: Row) -> str:
    """Name a row by its own words."""
    return plain(row_pieces(row))


def facts(row: Row, trace: Trace) -> Iterator[Fact]:
    """Yield what is known of a row."""
    yield _fact("when", _when(row))
    if row.call is not None:
        yield from _call_facts(row, trace)
    if row.visit is not None:
        yield from _visit_facts(row.visit)
    if row.attempt is not None:
        yield from _attempt_facts(row.attempt)
        if row.call is None:
            yield from _ids(row.attempt)
    if row.notice is not None:
        yield _fact("stopped", iso(row.notice.stopped_at))
        yield _fact("noticed", notice_words(row.notice))
    if row.causes is not None:
        yield from _caused(row, trace)


def _fact(label: str, words: str, tone: Tone = Tone.PLAIN) -> Fact:
    return Fact(label, clean(words, _LONG), tone)


def _when(row: Row) -> str:
    if row.call is not None:
        at = f"{row.at:%Y-%m-%dT%H:%M:%SZ}"
        seen = [row.call.seen_at]
    else:
        at = " · ".join(iso(event.timestamp) for event in row.events)
        seen = [event.seen_at for event in row.events]
    known = [moment for moment in seen if moment is not None]
    return f"{at}, appeared {_after(row.at, min(known))}" if known else at


def _after(at: datetime, seen: datetime) -> str:
    return f"{lag_words((seen - at).total_seconds())} after it happened"


def _visit_facts(visit: StateVisit) -> Iterator[Fact]:
    glyph, tone = STATUS_GLYPHS.get(visit.status, ("○", Tone.DIM))
    ended = visit.ended_at
    spent = ""
    if ended is not None:
        spent = f" after {duration((ended - visit.entered_at).total_seconds())}"
    yield _fact("state", f"{visit.path}  {visit.type}")
    words = visit.status.replace("_", " ")
    yield _fact("status", f"{glyph} {words}{spent}", tone)
    if len(visit.attempts) > 1:
        waits = sum((end - begin).total_seconds() for begin, end in visit.backoffs)
        yield _fact("tries", f"{len(visit.attempts)}, {duration(waits)} between them")
    if visit.error:
        yield _fact("error", visit.error, Tone.BAD)
    if visit.cause:
        yield _fact("cause", visit.cause)


def _attempt_facts(attempt: Attempt) -> Iterator[Fact]:
    yield _fact("runs", f"{resource_words(attempt)}  {attempt.pattern}", Tone.ACTION)
    if attempt.ended_at is not None:
        seconds = (attempt.ended_at - attempt.scheduled_at).total_seconds()
        yield _fact("attempt", f"{attempt.status} after {duration(seconds)}")
    if attempt.error:
        yield _fact("error", attempt.error, Tone.BAD)
    if attempt.cause:
        yield _fact("cause", attempt.cause)


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


def _call_facts(row: Row, trace: Trace) -> Iterator[Fact]:
    call = row.call
    if call is None:
        return
    yield _fact("call", f"{call.event_source} {call.event_name}  {call.region or ''}")
    if call.error_code:
        yield _fact("error", call.error_code, Tone.BAD)
    if call.error_message:
        yield _fact("message", call.error_message)
    if call.request_id:
        yield _fact("request id", call.request_id)
    yield _fact("by", f"{call.role or '?'} through {call.invoked_by or 'no service'}")
    if row.link is not None:
        yield _fact("tied", _because(row.link, row.attempt), rule_tone(row.link))
        yield from _candidates(row.link, trace)


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


def _candidates(link: Link, trace: Trace) -> Iterator[Fact]:
    for arn, scheduled in link.candidates[:10]:
        timeline = trace.timelines.get(arn)
        number = timeline.visits.attempt_of_event.get(scheduled) if timeline else None
        visit = timeline.visits.of_event.get(scheduled) if timeline else None
        if timeline is None or number is None or visit is None:
            continue
        path = timeline.visits.by_id[visit].path
        yield _fact("fits", f"{timeline.name}  {path}, scheduled as event {scheduled}")


# -- the record --------------------------------------------------------------------


def documents(row: Row) -> Iterator[Document]:
    """Yield the records behind a row."""
    for event in row.events:
        yield _document(f"event {event.id} {event.type}", event.raw)
    if row.call is not None:
        yield _document(f"CloudTrail record {row.call.event_id}", row.call.raw)


def _document(title: str, record: Mapping[str, Any]) -> Document:
    text = _json(record)
    rest = max(0, len(text) - LIMIT)
    lines = clean_lines(text[:LIMIT])
    return Document(clean(title, 200), "\n".join(lines), rest)


def _json(record: Mapping[str, Any]) -> str:
    try:
        return json.dumps(unfold(record), indent=2, ensure_ascii=False, default=str)
    except (RecursionError, ValueError):
        return "nested too deep to be shown"


def unfold(value: Any, depth: int = 0) -> Any:
    """Open JSON that travels inside strings, as inputs and outputs do.

    Only the first levels: what is nested deeper stays the string it is.
    """
    if depth > 8:  # noqa: PLR2004 - no payload of AWS's own is deeper
        return value
    if isinstance(value, Mapping):
        return {key: unfold(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unfold(item, depth + 1) for item in value]
    if isinstance(value, str) and value[:1] in {"{", "["}:
        inner = parse_json(value)
        return value if inner is None else unfold(inner, depth + 1)
    return value


def cut_words(document: Document) -> str:
    """Say what of a record is not shown."""
    return f"… {size(document.rest)} more" if document.rest else ""
