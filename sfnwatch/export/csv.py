"""A trace as CSV, for spreadsheets: a row for each event and each call, by time.

RFC 4180, UTF-8, with a header. A cell that a spreadsheet would take for a formula
(it begins with = + - @ or their full-width forms) gets an apostrophe in front. No
column is called as in an Athena table, so a file of these isn't taken for one.

Times are UTC; `time` has milliseconds for an event and whole seconds for a call.
`state` is the path of the state that an event belongs to, or that a call is tied to;
`rule` says by what it is tied, and `evidence` by which id.
"""

import csv
from collections.abc import Iterator
from typing import TextIO

from sfnwatch.trace.lanes import Kind, Row, build_lanes
from sfnwatch.trace.links import role_of_call
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import iso, maybe_iso
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import plain, row_pieces

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


def dump(trace: Trace, out: TextIO) -> None:
    r"""Print the rows; equal traces give equal texts.

    Lines end with CR LF, as RFC 4180 has it: open a file for it with newline="".
    """
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for row in build_lanes(trace, joined=False).rows:
        if row.task is not None:
            continue  # neither an event of the history nor a call
        cells = dict(_call_cells(row) if row.call else _event_cells(row))
        cells |= {"lane": str(row.lane), "kind": str(row.kind)}
        cells |= {"execution": row.execution_arn or "", "text": _text(row)}
        writer.writerow({key: _cell(value) for key, value in cells.items()})


def _event_cells(row: Row) -> Iterator[tuple[str, str | None]]:
    event = row.events[0]
    yield "time", iso(event.timestamp)
    yield "seen_at", maybe_iso(event.seen_at)
    yield "history_id", str(event.id)
    yield "history_type", event.type
    yield "error", event.detail("error") or row.error
    yield from _state_cells(row.visit)
    if row.attempt is not None and row.kind is Kind.PHASE:
        yield "scheduled_id", str(row.attempt.scheduled_id)


def _call_cells(row: Row) -> Iterator[tuple[str, str | None]]:
    call, link = row.call, row.link
    if call is None:
        return
    yield "time", f"{iso(call.event_time)[: -len('.000Z')]}Z"
    yield "seen_at", maybe_iso(call.seen_at)
    yield "call_id", call.event_id
    yield "service", call.event_source
    yield "api", call.event_name
    yield "role", str(role_of_call(call, link))
    yield "error", call.error_code
    yield "request_id", call.request_id
    yield from _state_cells(row.caller)
    if link is not None:
        yield "rule", str(link.rule)
        yield "evidence", link.evidence
        yield "scheduled_id", str(link.attempt_id or "")


def _state_cells(visit: StateVisit | None) -> Iterator[tuple[str, str]]:
    if visit is not None:
        yield "state", visit.path.removeprefix(f"{ROOT} / ")
        yield "entered_id", str(visit.id)


def _text(row: Row) -> str:
    return plain(row_pieces(row))


def _cell(value: str | None) -> str:
    """Make a value a cell: cleaned, and nothing that could be a formula."""
    text = clean(value or "", _LIMIT)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
