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
_LIMITS = (16384, 2048, 512, 128, 40)
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
    for limit in _LIMITS:
        texts = dict(_within(snapshot, failures_first, limit))
        if len(texts) == len(rows):
            break
    cut = None if limit == _LIMITS[0] else limit
    return [texts.get(row.ref, "null") for row in rows], cut


def _within(
    snapshot: Snapshot, rows: Iterable[ReportRow], limit: int
) -> Iterator[tuple[str, str]]:
    """Yield as many records as there is room for, with the refs of their rows."""
    left = BUDGET
    for row in rows:
        text = _record(snapshot.trace.raw(row.item), limit)
        left -= len(text)
        if left < 0:
            return
        yield row.ref, text


def _record(raw: Record, limit: int) -> str:
    """Return one record as JSON; a value that JSON lacks, such as NaN, as its text."""
    try:
        text = values.ascii_json(_cut(raw, limit))
    except (ValueError, RecursionError):
        text = json.dumps(_cut_text(values.canonical(raw), limit))
    return in_script(text)


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _cut_text(value, limit)
    if isinstance(value, Mapping):
        return {_cut_text(str(k), limit): _cut(v, limit) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(item, limit) for item in value]
    return value


def _cut_text(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… {texts.size(texts.byte_count(text[limit:]))} more"
