"""What the detail pane shows of some rows, in sections that fold.

Pure. The trees of what is shown already are used again, so that they stay as open as
they are while a row grows.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.payload import mapping_of, parse_json
from sfnwatch.trace.requests import Request
from sfnwatch.trace.task_states import DETAIL_TYPE
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import iso
from sfnwatch.trace.words import Tone, cause_words
from sfnwatch.tui.facts import (
    LONG,
    Fact,
    facts,
    heading,
    request_facts,
    request_heading,
)
from sfnwatch.tui.json_tree import Node
from sfnwatch.tui.record_links import Said, Tie, ties


class Topic(StrEnum):
    """What a section is about; folded for one row, it is folded for all."""

    FACTS = "facts"
    ERROR = "error"
    LINKS = "links"
    PAYLOAD = "payload"
    RECORDS = "records"


class Beside(Struct, frozen=True):
    """Two values that belong beside each other, where there is room."""

    left: Node | Said
    right: Node | Said


Part = Fact | Tie | Said | Node | Beside


class Section(Struct, frozen=True):
    """A heading and what stands below it."""

    topic: Topic
    title: str
    parts: tuple[Part, ...]
    number: int = 0
    """Which section of its topic it is."""


class Grove(Struct):
    """The trees that are shown: the same record in the same place is the same tree."""

    nodes: dict[str, Node] = field(default_factory=dict)

    def node(self, key: str, title: str, value: Any) -> Node:
        known = self.nodes.get(key)
        if known is None or known.label != title or not _is_same(known.value, value):
            known = self.nodes[key] = Node(title, value)
        return known


def _is_same(old: Any, new: Any) -> bool:
    """True for one record, also where it was decoded twice, as when a replay seeks."""
    try:
        return old is new or bool(old == new)
    except RecursionError:
        return False


def sections(
    rows: tuple[Row, ...], trace: Trace, grove: Grove, zone: tzinfo | None = None
) -> Iterator[Section]:
    """Yield the sections of the rows of one line."""
    yield from _facts(rows, trace, zone)
    errors = [part for row in rows for part in _errors(row, grove)]
    if errors:
        yield Section(Topic.ERROR, "Error and cause", tuple(errors))
    links = [tie for row in rows for tie in ties(row, trace)]
    if links:
        yield Section(Topic.LINKS, "Links", tuple(links))
    payloads = [part for row in rows for part in _payloads(row, trace, grove)]
    if payloads:
        yield Section(Topic.PAYLOAD, _payload_title(rows), tuple(payloads))
    records = tuple(node for row in rows for node in _records(row, grove))
    if records:
        yield Section(Topic.RECORDS, "Records", records)


def _facts(
    rows: tuple[Row, ...], trace: Trace, zone: tzinfo | None
) -> Iterator[Section]:
    """Tell each row's facts; a call on its state's line repeats none of them."""
    known: set[Fact] = set()
    tries: list[Attempt | None] = []
    for number, row in enumerate(rows):
        new = [fact for fact in facts(row, trace, zone) if fact not in known]
        if row.attempt in tries:
            new = [fact for fact in new if fact.label != "attempt"]
        known.update(new)
        tries.append(row.attempt)
        yield Section(Topic.FACTS, heading(row), tuple(new), number)


# -- errors ------------------------------------------------------------------------


def _errors(row: Row, grove: Grove) -> Iterator[Part]:
    """Yield what failed, where there is more to it than the facts say."""
    tries = row.visit.attempts if row.visit and row.attempt is None else ()
    failed = [attempt for attempt in tries if attempt.error or attempt.cause]
    for attempt in failed:
        if len(tries) > 1:
            yield Said(f"try {tries.index(attempt) + 1}", Tone.STRONG)
        key = f"{row.key}/{attempt.scheduled_id}"
        yield from _error(key, attempt.error, attempt.cause, grove)
    error, cause = _own_error(row)
    if not failed and cause and (_is_long(cause) or cause_words(cause) != cause):
        yield from _error(row.key, error, cause, grove)


def _own_error(row: Row) -> tuple[str | None, str | None]:
    if row.call is not None:
        return row.call.error_code, row.call.error_message
    if row.task is not None:
        return None, None
    if row.attempt is not None:
        return row.attempt.error, row.attempt.cause
    if row.visit is not None:
        return row.visit.error, row.visit.cause
    event = row.events[0]
    return event.detail("error"), event.detail("cause")


def _is_long(cause: str) -> bool:
    return (
        len(cause) > LONG or "\n" in cause or isinstance(parse_json(cause), dict | list)
    )


def _error(
    key: str, error: str | None, cause: str | None, grove: Grove
) -> Iterator[Part]:
    """Say the reason first, then the cause as it is: a tree, or a text in full."""
    if error:
        yield Fact("error", clean(error, LONG), Tone.BAD)
    if not cause:
        return
    reason = cause_words(cause)
    if reason != cause:
        yield Fact("reason", clean(reason, LONG), Tone.STRONG)
    yield grove.node(f"cause/{key}", "Cause", cause)


# -- what went in, and what came out -----------------------------------------------


def _payload_title(rows: tuple[Row, ...]) -> str:
    if all(row.call is not None for row in rows):
        return "Request / Response"
    return "Input / Output"


def _payloads(row: Row, trace: Trace, grove: Grove) -> Iterator[Part]:
    if row.call is not None:
        asked = row.call.raw.get("requestParameters")
        answer = row.call.raw.get("responseElements")
        yield Beside(
            _tree(f"request/{row.key}", "Request", asked, grove),
            _tree(f"response/{row.key}", "Response", answer, grove),
        )
        return
    if row.task is not None:
        return
    events = _events(row, trace)
    if row.attempt is not None:
        yield _of_attempt(row, row.attempt, events, grove)
    elif row.visit is not None:
        ids = row.visit.event_ids
        left = _last(events, ids, "StateEntered", "input")
        right = _last(events, ids, "StateExited", "output")
        yield _beside(row, ("Input", left), ("Output", right), grove)
    elif row.kind is Kind.EXECUTION:
        left = _last(events, events, "ExecutionStarted", "input")
        right = _last(events, events, "ExecutionSucceeded", "output")
        yield _beside(row, ("Input", left), ("Output", right), grove)


_Found = tuple[HistoryEvent, str] | None
"""An event, and which of its details is meant."""


def _of_attempt(
    row: Row, attempt: Attempt, events: Mapping[int, HistoryEvent], grove: Grove
) -> Beside:
    """Show what a task was asked, and the newest answer to it."""
    ids = attempt.event_ids
    asked = _last(events, ids, "Scheduled", "parameters")
    asked = asked or _last(events, ids, "Scheduled", "input")
    answer, title = _last(events, ids, "Succeeded", "output"), "Result"
    if answer is None:
        answer, title = _last(events, ids, "Submitted", "output"), "Answer"
    return _beside(row, ("Parameters", asked), (title, answer), grove)


def _events(row: Row, trace: Trace) -> Mapping[int, HistoryEvent]:
    timeline = trace.histories.get(row.execution_arn or "")
    return timeline.events if timeline else {event.id: event for event in row.events}


def _last(
    events: Mapping[int, HistoryEvent], ids: Iterable[int], ending: str, key: str
) -> _Found:
    found = [events[n] for n in ids if n in events and events[n].type.endswith(ending)]
    kept = [event for event in found if key in event.details]
    return (kept[-1], key) if kept else None


def _beside(
    row: Row, left: tuple[str, _Found], right: tuple[str, _Found], grove: Grove
) -> Beside:
    return Beside(*(_value(row, title, found, grove) for title, found in (left, right)))


def _value(row: Row, title: str, found: _Found, grove: Grove) -> Node | Said:
    key = f"{title}/{row.key}"
    if found is None:
        return _tree(key, title, None, grove)
    event, detail = found
    words = f"{title}  event {event.id}{_cut(event, detail)}"
    return _tree(key, words, event.details[detail], grove)


def _tree(key: str, title: str, value: Any, grove: Grove) -> Node | Said:
    return Said(f"  {title}  none") if value is None else grove.node(key, title, value)


def _cut(event: HistoryEvent, key: str) -> str:
    """Say so where AWS itself left something out."""
    about = mapping_of(event.details.get(f"{key}Details"))
    return "  cut by AWS" if about.get("truncated") is True else ""


# -- records -----------------------------------------------------------------------


def _records(row: Row, grove: Grove) -> Iterator[Node]:
    for event in row.events:
        title = clean(f"event {event.id}  {event.type}", 200)
        yield grove.node(f"record/{row.key}/{event.id}", title, event.record)
    if row.call is not None:
        yield grove.node(f"record/{row.key}", "CloudTrail record", row.call.raw)
    if row.task is not None:
        title = clean(f"{DETAIL_TYPE}  version {row.task.version}", 200)
        yield grove.node(f"record/{row.key}", title, row.task.raw)


def request_sections(
    request: Request, grove: Grove, zone: tzinfo | None = None
) -> Iterator[Section]:
    """Yield the sections of a request of ours: what is known, and what is recorded."""
    told = request_facts(request, zone)
    yield Section(Topic.FACTS, request_heading(request), told)
    node = grove.node(f"asked/{request.key}", "Request record", _recorded(request))
    yield Section(Topic.RECORDS, "Records", (node,))


def _recorded(request: Request) -> Mapping[str, Any]:
    """Give the fields that a recording has of a request; it never has more."""
    return {
        "operation": request.operation,
        "service": request.service,
        "region": request.region,
        "sent_at": iso(request.sent_at),
        "seconds": request.seconds,
        "outcome": request.outcome,
        "status": request.status,
        "request_id": request.request_id,
        "items": request.items,
        "note": request.note,
    }
