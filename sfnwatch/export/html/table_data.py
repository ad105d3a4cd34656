"""The data of a report's table, as JSON that its script reads."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sfnwatch.export.html.records import in_script, record_texts
from sfnwatch.export.html.rows import NAME_LIMIT, ReportRow
from sfnwatch.model import texts, times, values
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.snapshot import Snapshot


def table_data(snapshot: Snapshot, rows: Sequence[ReportRow]) -> str:
    """Return the table's data, as JSON that its script reads.

    A history has up to 25,000 events, and a report is mailed. So each repeated word is
    stored once, in the list `words`, and a row has its number. `rows` holds lists of:
    milliseconds since `begin`, the execution's number or -1, the numbers of its kind
    and its path in `words`, text, 1 for a failure, the event's id, the call's number or
    the reference of a task's state, and for calls the event id.
    """
    row_times = [row.at for row in rows]
    begin = min(row_times, default=None)
    words: dict[str, int] = {}
    table = [_cells(row, begin, words) for row in rows]
    names = [execution.name for execution in snapshot.executions.values()]
    records, limit = record_texts(snapshot, rows)
    data = {
        "begin": times.maybe_iso(begin),
        "executions": [texts.clean(name, NAME_LIMIT) for name in names],
        "words": list(words),
        "cut": limit,
        "sentences": [row.sentence for row in rows if row.sentence is not None],
        "rows": table,
    }
    # The records are JSON already.
    opening = in_script(values.ascii_json(data)).removesuffix("}")
    listed_records = ",".join(records)
    return f'{opening},"records":[{listed_records}]}}'


def _cells(row: ReportRow, begin: datetime | None, words: dict[str, int]) -> list[Any]:
    """Return a row of the table; its kind and its path are added to `words`."""
    kind = words.setdefault(row.kind, len(words))
    path = words.setdefault(row.path, len(words))
    return [
        _milliseconds_since(begin, row.at),
        row.execution,
        kind,
        path,
        row.text,
        int(row.bad),
        *_id_cells(row),
    ]


def _milliseconds_since(begin: datetime | None, at: datetime) -> int:
    if begin is None:
        return 0
    seconds = (at - begin).total_seconds()
    return round(seconds * 1000)


def _id_cells(row: ReportRow) -> list[Any]:
    """Return the cells by which the script finds the row's record."""
    match row.item:
        case ApiCall():
            number = int(row.ref.removeprefix("c"))
            return [number, texts.clean(row.item.event_id)]
        case HistoryEvent():
            return [row.item.id]
        case _:
            return [row.ref]
