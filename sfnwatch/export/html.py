"""A trace as a report: one file that a browser opens, that can be searched and mailed.

Nothing is loaded from anywhere, and the page's own policy forbids it. Without
JavaScript the pictures, the findings and the first rows are there all the same. The
page is a template that escapes all it is given but the pictures, the style, the script
and the data, which are made here of escaped text.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, TextIO

import jinja2

from sfnwatch import __version__
from sfnwatch.analysis.finding import brief_evidence, line_key
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import Report, explain
from sfnwatch.export.names import visit_path
from sfnwatch.export.row_text import is_bad, line_text, time_words
from sfnwatch.export.separate_rows import rows_apart, shown_items
from sfnwatch.export.svg.graph import GraphPicture
from sfnwatch.export.svg.lanes import LanesPicture
from sfnwatch.export.svg.picture import notes, title_words
from sfnwatch.export.svg.sheet import stylesheet
from sfnwatch.export.svg.timeline import TimelinePicture
from sfnwatch.model import texts, times, values
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import DETAIL_TYPE, TaskState
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Record
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.templates import read_template
from sfnwatch.view.captions import caption
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.wording import execution_labels, went_wrong

STATIC = 100
"""So many rows are there for those without JavaScript."""
BUDGET = 5 << 20
"""Bytes that all records of a report may take."""
GRAPHS = 6
"""So many executions have their graphs drawn."""
_LIMITS = (16384, 2048, 512, 128, 40)
"""Characters that are left of a string, the most generous first."""
EXPLAINED = 3000
"""Of more rows than these none is explained in a sentence: they'd be most of it."""
_NAME = 200
_IN_SCRIPT = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
HtmlItem = HistoryEvent | ApiCall | TaskState


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the report; equal traces give equal texts, in ASCII."""
    text = _page().render(_content(snapshot))
    out.write(text.encode("ascii", "xmlcharrefreplace").decode("ascii"))


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        duration=times.duration,
        evidence=lambda evidence: brief_evidence([evidence]),
        glyph=status_glyph,
        told=_told,
    )
    return environment.get_template("report.html.j2")


def _told(value: datetime | str | None) -> str:
    text = times.iso(value) if isinstance(value, datetime) else value or ""
    return texts.clean(text)


def _content(snapshot: Snapshot) -> dict[str, Any]:
    explained = Report(snapshot, find(snapshot))
    refs = _Refs(snapshot)
    lanes = LanesPicture(snapshot, refs.of_key)
    rows = list(_rows(snapshot, refs))
    style = stylesheet("picture.css") + stylesheet("report.css")
    script = _packed("report.js")
    blocks = groupby(explain(explained), type)
    return {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "title": title_words(snapshot),
        "lead": explained.headline,
        "executions": explained.executions,
        "labels": execution_labels(snapshot.roots),
        "timeline": TimelinePicture(snapshot, refs.of_key).svg("Timeline"),
        "lanes": lanes.svg("Lanes"),
        "graphs": list(_graphs(snapshot, refs)),
        "more_graphs": max(0, len(snapshot.roots) - GRAPHS),
        "blocks": [(kind.__name__, [*same]) for kind, same in blocks],
        "ref_of": refs.of_evidence,
        "drawn": lanes.drawn,
        "rows": rows[:STATIC],
        "more": len(rows[STATIC:]),
        "version": __version__,
        "notes": list(notes(snapshot)),
        "data": _data(snapshot, rows),
    }


def _graphs(snapshot: Snapshot, refs: "_Refs") -> Iterator[tuple[str, str]]:
    """Draw the graph of each execution, of so many."""
    labels = execution_labels(snapshot.roots)
    for number, execution in enumerate(list(snapshot.roots.values())[:GRAPHS]):
        picture = GraphPicture(snapshot, execution, refs.of_key, f"g{number}")
        label = labels[execution.arn]
        yield label, picture.svg(f"State machine {label}".rstrip())


# -- the frame -------------------------------------------------------------------------


def _packed(name: str) -> str:
    lines = (line.strip() for line in read_template(name).splitlines())
    return "\n".join(line for line in lines if line)


def _policy(style: str, script: str) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in (style, script))
    ours = [f"'sha256-{base64.b64encode(each).decode()}'" for each in digests]
    return (
        f"default-src 'none'; style-src {ours[0]}; script-src {ours[1]};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


# -- what a row is known by ------------------------------------------------------------


class _Refs:
    """What the parts of a report know each row by, so that one can lead to another.

    A reference is `e0-5`, event 5 of the first execution, `c12`, the 13th call, or
    `t3`, the fourth state of a task: nothing in it that AWS or a file could fill.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.executions = {arn: n for n, arn in enumerate(snapshot.executions)}
        self._others = {call.key: f"c{n}" for n, call in enumerate(snapshot.calls)}
        states = (state for each in snapshot.task_states.values() for state in each)
        self._others |= {state.key: f"t{n}" for n, state in enumerate(states)}

    def of_key(self, key: str) -> str:
        """Find the reference of a key of the lanes; empty for what has none."""
        if key in self._others:
            return self._others[key]
        arn, _, number = key.rpartition("#")
        known = arn in self.executions and number.isdecimal()
        return f"e{self.executions[arn]}-{number}" if known else ""

    def of_evidence(self, evidence: str, arn: str | None) -> str:
        """Find what a finding rests on: `#5` of its execution, or a call's id."""
        return self.of_key(line_key(evidence, arn))


# -- every event and call --------------------------------------------------------------


class _ReportRow:
    """One event, call or task state, as the table has it."""

    def __init__(self, item: HtmlItem, line: Line, refs: _Refs, sentence: str) -> None:
        """`sentence` is empty in a report of very many rows."""
        self.item = item
        self.at = line.at
        self.sentence = texts.clean(sentence)
        self.ref = refs.of_key(item.key)
        self.time = time_words(line)
        self.bad = went_wrong(item) if isinstance(item, TaskState) else is_bad(item)
        kind = item.type if isinstance(item, HistoryEvent) else DETAIL_TYPE
        if isinstance(item, ApiCall):
            kind = item.event_source.removesuffix(".amazonaws.com")
        self.kind = texts.clean(kind, _NAME)
        self.text = line_text(line)
        self.path = visit_path(line.about.visit)
        self.execution = refs.executions.get(line.execution_arn or "", -1)


def _rows(snapshot: Snapshot, refs: _Refs) -> Iterator[_ReportRow]:
    maker = LineMaker(snapshot)
    items: list[HtmlItem] = [*shown_items(snapshot)]
    items += (state for each in snapshot.task_states.values() for state in each)
    explained = len(items) <= EXPLAINED
    for item in rows_apart(maker, items):
        line = maker.line(item)
        yield _ReportRow(item, line, refs, caption(line, snapshot) if explained else "")


def _data(snapshot: Snapshot, rows: Sequence[_ReportRow]) -> str:
    """Give the table's data, as JSON that its script reads.

    Words that come again and again stand once, in a list; a row holds their numbers: a
    history has up to 25,000 events, and a report is mailed. `rows` holds lists of:
    milliseconds since `begin`, the execution's number or -1, the numbers of its kind
    and its path in `words`, text, 1 if it tells of a failure, the event's id, the
    call's number or the reference of a task's state, and for calls the event id.
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
    records, limit = _records(snapshot, rows)
    head = {
        "begin": times.iso(begin) if begin else None,
        "executions": [
            texts.clean(e.name, _NAME) for e in snapshot.executions.values()
        ],
        "words": list(words),
        "cut": limit,
        "sentences": [row.sentence for row in rows if len(rows) <= EXPLAINED],
        "rows": listed,
    }
    begun = _in_script(values.ascii_json(head)).removesuffix("}")
    return f'{begun},"records":[{",".join(records)}]}}'


def _in_script(text: str) -> str:
    """Escape JSON so that nothing in it can end the element it stands in."""
    return text.translate(_IN_SCRIPT)


# -- AWS's own records behind the rows -------------------------------------------------


def _records(
    snapshot: Snapshot, rows: Sequence[_ReportRow]
) -> tuple[list[str], int | None]:
    """Give the rows' records as JSON, and at how many characters their strings are cut.

    Payloads are cut, to the same length in all records, until the report is small
    enough to be mailed; None where none had to be. Where even short strings are too
    much, failures and then the first rows keep their records; others have `null`.
    """
    failures_first = sorted(rows, key=lambda row: not row.bad)
    for limit in _LIMITS:
        texts = dict(_within(snapshot, failures_first, limit))
        if len(texts) == len(rows):
            break
    cut = None if limit == _LIMITS[0] else limit
    return [texts.get(row.ref, "null") for row in rows], cut


def _within(
    snapshot: Snapshot, rows: Iterable[_ReportRow], limit: int
) -> Iterator[tuple[str, str]]:
    """Write as many records as there is room for, by the refs of their rows."""
    left = BUDGET
    for row in rows:
        text = _record(snapshot.trace.raw(row.item), limit)
        left -= len(text)
        if left < 0:
            return
        yield row.ref, text


def _record(raw: Record, limit: int) -> str:
    """Write one record; what is no JSON, such as NaN, is shown as its text."""
    try:
        text = values.ascii_json(_cut(raw, limit))
    except (ValueError, RecursionError):
        text = json.dumps(_cut_text(values.canonical(raw), limit))
    return _in_script(text)


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
