"""AWS's own records behind the rows, as JSON that may stand in a page.

Payloads are cut, to the same length in all records, until a report is small enough
to be mailed. What is cut says how much is missing; the recording has the whole.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sfnwatch.export.svg_rows import failed
from sfnwatch.trace.events import Record
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.payload import ascii_json, canonical
from sfnwatch.trace.text import byte_count, size

BUDGET = 5 << 20
"""Bytes that all records of a report may take."""
_LIMITS = (16384, 2048, 512, 128, 40)
"""Characters that are left of a string, the most generous first."""
_RECORD = 65536
"""No record takes more, however many strings there are in it."""
_IN_SCRIPT = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})


def in_script(text: str) -> str:
    """Escape JSON so that nothing in it can end the element it stands in."""
    return text.translate(_IN_SCRIPT)


def records_of(rows: Sequence[Row], budget: int = BUDGET) -> tuple[str, int | None]:
    """Give the rows' records as one JSON array, and at how many characters it cuts.

    None where no string had to be cut to fit. Where even short strings are too much,
    failures and then the first rows keep their records; others have `null`.
    """
    raws = [_raw(row) for row in rows]
    for limit in _LIMITS:
        texts = _all(raws, limit, budget)
        if texts is not None:
            return _array(texts), None if limit == _LIMITS[0] else limit
    order = sorted(range(len(rows)), key=lambda place: not failed(rows[place]))
    kept = _within(raws, order, budget)
    return _array(kept.get(place, "null") for place in range(len(rows))), _LIMITS[-1]


def _raw(row: Row) -> Record:
    if row.task is not None:
        return row.task.raw
    return row.call.raw if row.call is not None else row.events[0].record


def _all(raws: Sequence[Record], limit: int, budget: int) -> list[str] | None:
    """Write all records, or find out that they are too much."""
    texts: list[str] = []
    for raw in raws:
        texts.append(_record(raw, limit))
        budget -= len(texts[-1])
        if budget < 0:
            return None
    return texts


def _within(
    raws: Sequence[Record], order: Iterable[int], budget: int
) -> dict[int, str]:
    """Write as many records as there is room for, in this order."""
    kept: dict[int, str] = {}
    for place in order:
        text = _record(raws[place], _LIMITS[-1])
        budget -= len(text)
        if budget < 0:
            break
        kept[place] = text
    return kept


def _array(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def _record(raw: Record, limit: int) -> str:
    """Write one record; what is no JSON, such as NaN, is shown as its text."""
    try:
        text = ascii_json(_cut(raw, limit))
    except (ValueError, RecursionError):
        text = json.dumps(_cut_text(canonical(raw), limit))
    if len(text) > _RECORD:
        text = json.dumps(_cut_text(text, _RECORD // 2))
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
    return f"{text[:limit]}… {size(byte_count(text[limit:]))} more"
