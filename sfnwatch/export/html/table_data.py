"""The data of a report's table, as JSON that its script reads."""

from collections.abc import Sequence
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
    words: dict[str, int] = {}
    begin = min((row.at for row in rows), default=None)
    listed = []
    for row in rows:
        kind, path = (words.setdefault(w, len(words)) for w in (row.kind, row.path))
        after = round((row.at - begin).total_seconds() * 1000) if begin else 0
        cells: list[Any] = [after, row.execution, kind, path, row.text, int(row.bad)]
        match row.item:
            case ApiCall():
                cells += [int(row.ref[1:]), texts.clean(row.item.event_id)]
            case HistoryEvent():
                cells.append(row.item.id)
            case _:
                cells.append(row.ref)
        listed.append(cells)
    records, limit = record_texts(snapshot, rows)
    head = {
        "begin": times.iso(begin) if begin else None,
        "executions": [
            texts.clean(e.name, NAME_LIMIT) for e in snapshot.executions.values()
        ],
        "words": list(words),
        "cut": limit,
        "sentences": [row.sentence for row in rows if row.sentence is not None],
        "rows": listed,
    }
    begun = in_script(values.ascii_json(head)).removesuffix("}")
    return f'{begun},"records":[{",".join(records)}]}}'
