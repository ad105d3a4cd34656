"""The sections of the detail: all that is known of a line, or of a request."""

from collections.abc import Iterator

from msgspec.structs import asdict

from sfnwatch.model.ecs_task import DETAIL_TYPE, TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.own_requests import Request
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso
from sfnwatch.tui.detail_changes import item_changes
from sfnwatch.tui.detail_entries import FACT_CHARACTERS, Section, section_of
from sfnwatch.tui.detail_evidence import call_evidence
from sfnwatch.tui.detail_facts import item_facts
from sfnwatch.tui.detail_links import item_links
from sfnwatch.tui.detail_payloads import item_payloads
from sfnwatch.tui.item_detail import ItemDetail, Recorded, record_json
from sfnwatch.tui.json_text import decode_json
from sfnwatch.tui.json_tree import JsonNode
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.outline_items import Item
from sfnwatch.view.parts import plain_text

CHANGES = "changes"
"""The name of the section on what a state changed."""


def item_sections(screen_state: ScreenState, item: Item) -> list[Section]:
    """Return the sections of an item of the lanes that have entries."""
    detail = ItemDetail(screen_state, item)
    line = screen_state.maker.line(item)
    title = plain_text((*line.owner, *line.parts)).strip()
    payload = "Input and output" if detail.events else "Request and response"
    sections = (
        section_of("facts", title, item_facts(detail)),
        section_of("links", "Links", item_links(detail)),
        section_of("evidence", "Evidence", call_evidence(detail)),
        section_of("payload", payload, item_payloads(detail)),
        section_of(CHANGES, "What the state changed", item_changes(detail)),
        section_of("records", "Records", _record_nodes(detail)),
    )
    return [section for section in sections if section.entries]


def request_sections(request: Request) -> list[Section]:
    """Return the section with the record of one of sfnwatch's own requests."""
    record = asdict(request)
    del record["key"]
    record["sent_at"] = iso(request.sent_at)
    node = JsonNode(f"record/{request.key}", "Request record", record)
    title = clean(f"{request.service} {request.operation}", FACT_CHARACTERS)
    return [section_of("records", title, [node])]


def _record_nodes(detail: ItemDetail) -> Iterator[JsonNode]:
    for row in detail.records:
        value = decode_json(record_json(detail.trace, row))
        yield JsonNode(f"record/{row.key}", _record_title(row), value)


def _record_title(row: Recorded) -> str:
    if isinstance(row, HistoryEvent):
        return clean(f"event {row.id}  {row.type}", 200)
    if isinstance(row, TaskState):
        return f"{DETAIL_TYPE}  version {row.version}"
    return "CloudTrail record"
