"""A trace as CSV, for spreadsheets: a row for each event and each call, in time order.

RFC 4180, UTF-8, with a header. A cell that a spreadsheet would take for a formula
(it begins with = + - @ or their full-width forms) gets an apostrophe in front. No
column has a name of an Athena table's columns, so the file isn't taken for one.

Times are UTC; `time` has milliseconds for an event and whole seconds for a call.
`state` is the path of the state that an event belongs to, or that a call is matched
to. `rule` is what the call is matched by, and `certainty` how sure the match is.
`evidence` is the id that it is matched by; for an ambiguous call, it is what keeps the
call from being matched.
"""

import csv
import re
from typing import TextIO

from sfnwatch.export.names import exported_path
from sfnwatch.export.row_text import line_text
from sfnwatch.export.separate_rows import rows_apart, shown_items
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import Link, role_of_call
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import iso, maybe_iso
from sfnwatch.model.values import text_of
from sfnwatch.view.child import child_map_run
from sfnwatch.view.line_maker import LineMaker

CsvRow = dict[str, str]
"""The cells of a row that are not empty, by column."""
CSV_COLUMNS = (
    *("time", "seen_at", "execution", "lane", "kind", "state", "text"),
    *("history_id", "history_type", "entered_id", "scheduled_id"),
    *("call_id", "service", "api", "role", "error", "request_id"),
    *("rule", "certainty", "evidence"),
)
_EMPTY: CsvRow = dict.fromkeys(CSV_COLUMNS, "")
_FORMULA = re.compile(r",\s*[=+@＝＋－＠-]")
_LIMIT = 32_000
"""A cell of a spreadsheet holds 32,767 characters."""


def dump(snapshot: Snapshot, out: TextIO) -> None:
    r"""Print the rows; equal traces give equal texts.

    Lines end with CR LF, as RFC 4180 requires: open the file with newline="".
    """
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_COLUMNS)
    maker = LineMaker(snapshot)
    for item in rows_apart(maker, shown_items(snapshot)):
        line = maker.line(item)
        if isinstance(item, ApiCall):
            row = _call_row(item, line.about.link)
        else:
            row = _event_row(maker, item)
        row["text"] = line_text(line)
        visit = line.about.visit
        if visit is not None:
            row["state"] = exported_path(visit)
            row["entered_id"] = str(visit.id)
        cells = (_EMPTY | row).values()
        text = ",".join(cells)
        if _is_plain(text):
            out.write(f"{text}\r\n")
        else:
            writer.writerow(map(_cell, cells))


def _is_plain(text: str) -> bool:
    """True for a row in which no cell has to be cleaned, cut or quoted.

    Examining each character of each cell would take a third of the time.
    """
    if not text.isprintable() or len(text) >= _LIMIT or '"' in text:
        return False
    has_more_commas = text.count(",") >= len(CSV_COLUMNS)
    return not has_more_commas and not _FORMULA.search(text)


def _event_row(maker: LineMaker, event: HistoryEvent) -> CsvRow:
    kind = _kind(maker.snapshot, event)
    return {
        "time": iso(event.at),
        "seen_at": maybe_iso(event.seen_at) or "",
        "execution": event.execution_arn,
        "lane": "states",
        "kind": kind,
        "history_id": str(event.id),
        "history_type": event.type,
        "error": maker.failure(event)[0] or "",
        "scheduled_id": str(event.attempt_id) if kind == "phase" else "",
    }


def _kind(snapshot: Snapshot, event: HistoryEvent) -> str:
    """Return an event's kind; the start of a child or of a Map Run has its own."""
    kind = event.type
    if kind.startswith("Execution"):
        is_child = event.execution_arn in snapshot.lineage.parents
        starts_child = is_child and kind == "ExecutionStarted"
        return "child" if starts_child else "execution"
    if kind.endswith("StateEntered"):
        return "entered"
    if kind.endswith("StateExited"):
        return "exited"
    if kind == "MapRunStarted":
        map_run_arn = text_of(snapshot.trace.details(event).get("mapRunArn"))
        child = child_map_run(snapshot, map_run_arn or "")
        return "map-run" if child else "other"
    return "phase" if event.attempt_id else "other"


def _call_row(call: ApiCall, link: Link | None) -> CsvRow:
    row: CsvRow = {
        "time": f"{iso(call.event_time)[: -len('.000Z')]}Z",
        "seen_at": maybe_iso(call.seen_at) or "",
        "execution": "",
        "lane": "calls",
        "kind": "network-activity" if call.is_network_activity else "call",
        "call_id": call.event_id,
        "service": call.event_source,
        "api": call.event_name,
        "role": str(role_of_call(call, link)),
        "error": call.error_code or "",
        "request_id": call.request_id or "",
    }
    if link is not None:
        row["execution"] = link.execution_arn or ""
        row["rule"] = str(link.rule)
        row["certainty"] = str(link.certainty or "")
        row["evidence"] = link.evidence or link.reason
        row["scheduled_id"] = str(link.attempt_id or "")
    return row


def _cell(value: str) -> str:
    """Return a value as a cell: cleaned, and not to be taken for a formula."""
    text = clean(value, _LIMIT)
    if _FORMULA.match(f",{text}"):
        return f"'{text}"
    return text
