"""AWS's own records behind the rows of a report."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sfnwatch.export.html.rows import ReportRow
from sfnwatch.model import texts, values
from sfnwatch.model.records import Record
from sfnwatch.model.snapshot import Snapshot

BUDGET = 5 << 20
"""The most bytes that all records of a report may take."""
_STRING_LIMITS = (16384, 2048, 512, 128, 40)
"""The lengths to which strings may be cut, in characters, the longest first."""
_IN_SCRIPT = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})


def in_script(text: str) -> str:
    """Escape JSON so that nothing in it can end the element around it."""
    return text.translate(_IN_SCRIPT)


def record_texts(
    snapshot: Snapshot, rows: Sequence[ReportRow]
) -> tuple[list[str], int | None]:
    """Return the rows' records as JSON, and the length to which strings are cut.

    Payloads are cut to the same length in all records, until the report is small enough
    to be mailed. The length is in characters; None if no string had to be cut. If even
    short strings are too much, failures keep their records, and then the first rows;
    the other rows have `null`.
    """
    failures_first = sorted(rows, key=lambda row: not row.bad)
    for limit in _STRING_LIMITS:
        records = dict(_within_budget(snapshot, failures_first, limit))
        if len(records) == len(rows):
            break
    shown_records = [records.get(row.ref, "null") for row in rows]
    if limit == _STRING_LIMITS[0]:
        return shown_records, None
    return shown_records, limit


def _within_budget(
    snapshot: Snapshot, rows: Iterable[ReportRow], limit: int
) -> Iterator[tuple[str, str]]:
    """Yield records while there is room, with the refs of their rows."""
    left = BUDGET
    for row in rows:
        record = _record(snapshot.trace.raw(row.item), limit)
        left -= len(record)
        if left < 0:
            return
        yield row.ref, record


def _record(raw: Record, limit: int) -> str:
    """Return one record as JSON; a value that JSON lacks, such as NaN, as its text."""
    try:
        text = values.ascii_json(_with_short_strings(raw, limit))
    except (ValueError, RecursionError):
        text = json.dumps(_shortened(values.canonical(raw), limit))
    return in_script(text)


def _with_short_strings(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _shortened(value, limit)
    if isinstance(value, Mapping):
        short: dict[str, Any] = {}
        for key, inner in value.items():
            short[_shortened(str(key), limit)] = _with_short_strings(inner, limit)
        return short
    if isinstance(value, list | tuple):
        return [_with_short_strings(item, limit) for item in value]
    return value


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    rest_bytes = texts.byte_count(text[limit:])
    return f"{text[:limit]}… {texts.size(rest_bytes)} more"
