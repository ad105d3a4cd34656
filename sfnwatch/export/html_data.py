"""The rows of a report's table, as JSON that its script reads.

Words that come again and again stand once, in a list; a row holds their numbers. A
history has up to 25,000 events, and a report is mailed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sfnwatch.export.html_records import in_script, records_of
from sfnwatch.export.html_refs import Refs
from sfnwatch.export.svg_rows import failed
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.sentences import explain
from sfnwatch.trace.task_states import DETAIL_TYPE
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.times import iso
from sfnwatch.trace.visits import ROOT
from sfnwatch.trace.words import plain, row_pieces

EXPLAINED = 3000
"""Of more rows than these none is explained in a sentence: they'd be most of it."""
_LIMIT = 200


class _Words:
    """A list in which every word stands once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def __call__(self, word: str) -> int:
        return self._places.setdefault(word, len(self._places))

    @property
    def all(self) -> list[str]:
        return list(self._places)


def table_json(trace: Trace, rows: Sequence[Row], refs: Refs) -> str:
    """Give the table's data; the rows are those of single events and calls.

    `rows` holds lists of: milliseconds since `begin`, the execution's number or -1,
    the numbers of its kind and its path in `words`, text, 1 if it tells of a failure,
    the event's id, the call's number or the reference of a task's state, and for calls
    the event id.
    """
    words = _Words()
    begin = min((row.at for row in rows), default=None)
    listed = [_row(row, refs, words) for row in rows]
    for cells, row in zip(listed, rows, strict=True):
        cells[0] = round((row.at - begin).total_seconds() * 1000) if begin else 0
    records, cut = records_of(rows)
    head = {
        "begin": iso(begin) if begin else None,
        "executions": [clean(t.name, _LIMIT) for t in trace.timelines.values()],
        "words": words.all,
        "cut": cut,
        "sentences": _sentences(trace, rows),
        "rows": listed,
    }
    return f'{in_script(ascii_json(head))[:-1]},"records":{records}}}'


def _sentences(trace: Trace, rows: Sequence[Row]) -> list[str]:
    return [explain(row, trace) for row in rows] if len(rows) <= EXPLAINED else []


def _row(row: Row, refs: Refs, word: Callable[[str], int]) -> list[Any]:
    number = refs.executions.get(row.execution_arn or "", -1)
    shared = [0, number, word(kind_words(row)), word(path_words(row))]
    text, bad = plain(row_pieces(row)), int(failed(row))
    if row.task is not None:
        return [*shared, text, bad, refs.of_row(row)]
    if row.call is None:
        return [*shared, text, bad, row.events[0].id]
    call = row.call
    return [*shared, text, bad, refs.calls[call.event_id], clean(call.event_id)]


def kind_words(row: Row) -> str:
    """Name what a row is: an event's type, or the service that was called."""
    if row.task is not None:
        return DETAIL_TYPE
    if row.call is None:
        return clean(row.events[0].type, _LIMIT)
    return clean(row.call.event_source.removesuffix(".amazonaws.com"), _LIMIT)


def path_words(row: Row) -> str:
    """Name the state that a row is of, or that made the call."""
    visit = row.visit or row.caller
    return clean(visit.path.removeprefix(f"{ROOT} / ")) if visit else ""
