"""A trace as CSV, for spreadsheets: a row for each event and each call, by time.

RFC 4180, UTF-8, with a header. A cell that a spreadsheet would take for a formula
(it begins with = + - @ or their full-width forms) gets an apostrophe in front. No
column is called as in an Athena table, so a file of these isn't taken for one.

Times are UTC; `time` has milliseconds for an event and whole seconds for a call.
`state` is the path of the state that an event belongs to, or that a call is matched
to; `rule` says by what it is matched, and `evidence` by which id, or what keeps it from
being matched, where it is ambiguous.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

from sfnwatch.export.placing import line_text, rows_apart, visit_path
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history import HistoryEvent
from sfnwatch.model.linker import role_of_call
from sfnwatch.model.moment import Moment
from sfnwatch.model.values import clean, iso, maybe_iso, text_of
from sfnwatch.view.children import child_map_run
from sfnwatch.view.lines import LineMaker

COLUMNS = (
    "time",
    "seen_at",
    "execution",
    "lane",
    "kind",
    "state",
    "text",
    "history_id",
    "history_type",
    "entered_id",
    "scheduled_id",
    "call_id",
    "service",
    "api",
    "role",
    "error",
    "request_id",
    "rule",
    "evidence",
)
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_LIMIT = 32_000
"""A cell of a spreadsheet holds 32,767 characters."""
"""How the types of those events end that may tell an error."""
Cells = Iterator[tuple[str, str | None]]


def dump(moment: Moment, out: TextIO) -> None:
    r"""Print the rows; equal traces give equal texts.

    Lines end with CR LF, as RFC 4180 has it: open a file for it with newline="".
    """
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    maker = LineMaker(moment)
    for item in _items(moment):
        if isinstance(item, ApiCall):
            cells = dict(_call_cells(maker, item))
        else:
            cells = dict(_event_cells(maker, item))
        line = maker.line(item)
        cells["text"], visit = line_text(line), line.about.visit
        if visit is not None:
            cells |= {"state": visit_path(visit), "entered_id": str(visit.id)}
        writer.writerow([_cell(cells.get(column)) for column in COLUMNS])


def _items(moment: Moment) -> list[HistoryEvent | ApiCall]:
    items: list[HistoryEvent | ApiCall] = [
        event for each in moment.executions.values() for event in each.events
    ]
    return rows_apart(moment, [*items, *filter(moment.is_relevant, moment.calls)])


def _event_cells(maker: LineMaker, event: HistoryEvent) -> Cells:
    kind = _kind(maker.moment, event)
    yield "time", iso(event.at)
    yield "seen_at", maybe_iso(event.seen_at)
    yield "execution", event.execution_arn
    yield "lane", "states"
    yield "kind", kind
    yield "history_id", str(event.id)
    yield "history_type", event.type
    yield "error", maker.failure(event)[0]
    if kind == "phase":
        yield "scheduled_id", str(event.attempt_id)


def _kind(moment: Moment, event: HistoryEvent) -> str:
    """Say what an event is to its execution, or to what is around that."""
    kind = event.type
    if kind.startswith("Execution"):
        child = event.execution_arn in moment.lineage.parents
        return "child" if child and kind == "ExecutionStarted" else "execution"
    if kind.endswith(("StateEntered", "StateExited")):
        return "entered" if kind.endswith("Entered") else "exited"
    if kind == "MapRunStarted":
        run = text_of(moment.trace.details(event).get("mapRunArn"))
        return "map-run" if child_map_run(moment, run or "") else "other"
    return "phase" if event.attempt_id else "other"


def _call_cells(maker: LineMaker, call: ApiCall) -> Cells:
    link = maker.moment.link(call)
    yield "time", f"{iso(call.event_time)[: -len('.000Z')]}Z"
    yield "seen_at", maybe_iso(call.seen_at)
    yield "execution", link.execution_arn if link else None
    yield "lane", "calls"
    yield "kind", "call"
    yield "call_id", call.event_id
    yield "service", call.event_source
    yield "api", call.event_name
    yield "role", str(role_of_call(call, link))
    yield "error", call.error_code
    yield "request_id", call.request_id
    if link is not None:
        yield "rule", str(link.rule)
        yield "evidence", link.evidence or link.reason
        yield "scheduled_id", str(link.attempt_id or "")


def _cell(value: str | None) -> str:
    """Make a value a cell: cleaned, and nothing that could be a formula."""
    if not value:
        return ""
    text = clean(value, _LIMIT)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
