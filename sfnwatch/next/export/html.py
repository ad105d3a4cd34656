"""A trace as a report: one file that a browser opens, that can be searched and mailed.

Nothing is loaded from anywhere, and the page's own policy forbids it. Without
JavaScript the pictures, the findings and the first rows are there all the same. The
page is a template that escapes all it is given but the pictures, the style, the script
and the data, which are made here of escaped text.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, TextIO

import jinja2
from msgspec import Struct, field

from sfnwatch import __version__
from sfnwatch.next.analysis.document import (
    Block,
    Column,
    Heading,
    Items,
    Sentence,
    Table,
)
from sfnwatch.next.analysis.finding import Certainty
from sfnwatch.next.analysis.findings import find
from sfnwatch.next.analysis.report import ExecutionReport, Report, explain, report
from sfnwatch.next.export.plain import (
    execution_labels,
    line_text,
    rows_apart,
    visit_path,
)
from sfnwatch.next.export.svg import (
    LanesPicture,
    TimelinePicture,
    ascii_markup,
    notes,
    rules,
    title_words,
    variables,
)
from sfnwatch.next.model.api_call import CALL_KEY, ApiCall
from sfnwatch.next.model.arns import last_segment
from sfnwatch.next.model.ecs_task import DETAIL_TYPE, TASK_KEY, TaskState
from sfnwatch.next.model.history import HistoryEvent
from sfnwatch.next.model.json_text import ascii_json, canonical
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.records import Record
from sfnwatch.next.model.text import byte_count, clean, duration, size
from sfnwatch.next.model.times import iso, maybe_iso
from sfnwatch.next.model.visits import StateVisit
from sfnwatch.next.view.captions import caption
from sfnwatch.next.view.lines import LineMaker
from sfnwatch.next.view.parts import status_glyph
from sfnwatch.next.view.wording import went_wrong

STATIC = 100
"""So many rows are there for those without JavaScript."""
BUDGET = 5 << 20
"""Bytes that all records of a report may take."""
_LIMITS = (16384, 2048, 512, 128, 40)
"""Characters that are left of a string, the most generous first."""
_RECORD = 65536
"""No record takes more, however many strings there are in it."""
EXPLAINED = 3000
"""Of more rows than these none is explained in a sentence: they'd be most of it."""
_MOST_CHIPS = 8
_NAME, _ID = 200, 10
_TONES = {
    "SUCCEEDED": "good",
    "FAILED": "bad",
    "TIMED_OUT": "bad",
    "ABORTED": "warn",
    "RUNNING": "busy",
    "PENDING_REDRIVE": "busy",
}
_IN_SCRIPT = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
Item = HistoryEvent | ApiCall | TaskState


def dump(moment: Moment, out: TextIO) -> None:
    """Print the report; equal traces give equal texts, in ASCII."""
    page = _environment().get_template("report.html.j2")
    out.write(ascii_markup(page.render(_content(moment))))


def _asset(name: str) -> str:
    return (files("sfnwatch.next.templates") / name).read_text("utf-8")


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _content(moment: Moment) -> dict[str, Any]:
    found = find(moment)
    told, refs = report(moment, found), _refs_of(moment)
    timeline = TimelinePicture(moment, refs.of_key)
    lanes = LanesPicture(moment, refs.of_key)
    rows = list(_rows(moment, refs))
    blocks = explain(told).blocks
    sections = list(_sections(moment, blocks, refs, lanes.drawn))
    style, script = _style(), _packed("report.js")
    return {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "title": title_words(moment),
        "lead": told.headline,
        "cards": list(_cards(moment, told)),
        "timeline": timeline.svg("Timeline") if timeline else "",
        "lanes": lanes.svg("Lanes") if lanes else "",
        "sections": sections,
        "most": _MOST_CHIPS,
        "tables": [section for section in sections if section.columns],
        "rows": rows[:STATIC],
        "more": len(rows[STATIC:]),
        "executions": _names(told.executions),
        "version": __version__,
        "notes": list(notes(moment)),
        "data": _data(moment, rows),
    }


# -- the frame -------------------------------------------------------------------------


def _packed(name: str) -> str:
    lines = (line.strip() for line in _asset(name).splitlines())
    return "\n".join(line for line in lines if line)


def _style() -> str:
    day, night = variables(0), variables(1)
    return (
        f":root{{color-scheme:light dark;{day}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{night}}}}}"
        f":root[data-theme=light]{{color-scheme:light;{day}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{night}}}"
        f"@media print{{:root{{color-scheme:light;{day}}}}}"
        f"{rules()}{_packed('report.css')}"
    )


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


# -- what a row is known by ------------------------------------------------------------


class _Refs(Struct, frozen=True):
    """What the parts of a report know each row by, so that one can lead to another.

    A reference is `e0-5`, event 5 of the first execution, `c12`, the 13th call, or
    `t3`, the fourth state of a task: nothing in it that AWS or a file could fill.
    """

    executions: Mapping[str, int]
    others: Mapping[str, str]
    """By the keys of calls and of tasks' states."""

    def of_key(self, key: str) -> str:
        """Find the reference of a key of the lanes; empty for what has none."""
        if key in self.others:
            return self.others[key]
        arn, _, number = key.rpartition("#")
        known = arn in self.executions and number.isdecimal()
        return f"e{self.executions[arn]}-{number}" if known else ""

    def of_evidence(self, evidence: str, arn: str | None) -> str:
        """Find what a finding rests on: `#5` of its execution, or a call's id."""
        if evidence.startswith("#"):
            return self.of_key(f"{arn}{evidence}")
        task = evidence.startswith(TASK_KEY)
        return self.of_key(evidence if task else f"{CALL_KEY}{evidence}")


def _refs_of(moment: Moment) -> _Refs:
    others = {call.key: f"c{n}" for n, call in enumerate(moment.calls)}
    states = (state for each in moment.task_states.values() for state in each)
    others |= {state.key: f"t{n}" for n, state in enumerate(states)}
    return _Refs({arn: n for n, arn in enumerate(moment.executions)}, others)


# -- how each execution went -----------------------------------------------------------


class _Card(Struct, frozen=True):
    """How an execution ended; a single one's name is the page's title already."""

    name: str
    tone: str
    glyph: str
    status: str
    took: str
    why: str
    facts: str


def _cards(moment: Moment, told: Report) -> Iterator[_Card]:
    labels = execution_labels(moment.roots)
    for each in told.executions:
        verdict, status = each.verdict, each.verdict.status
        running = status == "RUNNING"
        took = "" if verdict.seconds is None else duration(verdict.seconds)
        tells = verdict.error or verdict.cause or verdict.redrives or running
        started = each.started_at
        facts = [f"{started:%d %b %Y, %H:%M:%S} UTC"] if started else []
        yield _Card(
            name=labels[each.execution_arn],
            tone=_TONES.get(status, "dim"),
            glyph=status_glyph(status).text,
            status=clean(status.replace("_", " ").capitalize()),
            took=f"{took} so far" if running and took else took,
            why=verdict.text if tells else "",
            facts=" · ".join([*facts, f"{each.event_count:,} events"]),
        )


def _names(executions: Sequence[ExecutionReport]) -> list[Column]:
    def column(head: str, of: Callable[[ExecutionReport], str | None]) -> Column:
        return Column(head, tuple(clean(of(each) or "") for each in executions))

    if not executions:
        return []
    columns = [
        column("Name", lambda each: each.name),
        column("Execution", lambda each: each.execution_arn),
        column("Role", lambda each: each.role_arn),
        column("Started", lambda each: maybe_iso(each.started_at)),
        column("Stopped", lambda each: maybe_iso(each.stopped_at)),
    ]
    return [each for each in columns if any(each.cells)]


# -- what it shows ---------------------------------------------------------------------


class _Chip(Struct, frozen=True):
    """A piece of evidence: it leads to the table or, without a script, a picture."""

    words: str
    ref: str
    href: str


class _Told(Struct, frozen=True):
    text: str
    certainty: str
    sure: bool
    evidence: Sequence[_Chip]


class _Section(Struct):
    """What stands below one heading of the explanation."""

    title: str
    level: int
    sentences: list[_Told] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    columns: Sequence[Column] = ()
    """Those of its table, which has a place of its own in the page."""
    notes: list[str] = field(default_factory=list)
    """What is said of the table."""
    about: str = ""
    """The execution it is about, where there are several."""


def _sections(
    moment: Moment, blocks: Iterable[Block], refs: _Refs, drawn: Mapping[str, str]
) -> Iterator[_Section]:
    """Yield the explanation, but for how executions ended: their cards say that."""
    several, about = len(moment.roots) > 1, ""
    # Of a single execution the page's own title is the first heading.
    unsaid = len(moment.roots) == 1
    section = _Section("", 1)
    for block in blocks:
        if isinstance(block, Heading):
            yield section
            about = block.text if block.level == 1 and several else about
            title, unsaid = ("" if unsaid else block.text), False
            section = _Section(title, block.level, about=about)
        elif isinstance(block, Sentence):
            chips = [_chip(each, block, refs, drawn) for each in block.evidence]
            sure = block.certainty is Certainty.FACT
            told = _Told(block.text, str(block.certainty), sure, chips)
            section.sentences.append(told)
        elif isinstance(block, Items):
            section.items += block.lines
        elif isinstance(block, Table):
            section.columns = block.shown
        elif section.columns:
            section.notes.append(block.text)
        elif section.level > 1:
            section.items.append(block.text)
    yield section


def _chip(
    evidence: str, sentence: Sentence, refs: _Refs, drawn: Mapping[str, str]
) -> _Chip:
    ref = refs.of_evidence(evidence, sentence.execution_arn)
    href = f"l-{drawn[ref]}" if drawn.get(ref) else "events"
    return _Chip(_evidence_words(evidence), ref, href)


def _evidence_words(evidence: str) -> str:
    if evidence.startswith("#"):
        return clean(evidence, _NAME)
    if evidence.startswith(TASK_KEY):
        task, _, version = evidence.removeprefix(TASK_KEY).rpartition("#")
        return clean(f"task {last_segment(task)[:8]} #{version}", _NAME)
    name = clean(last_segment(evidence).removeprefix("row-"), _NAME)
    return f"call {name if len(name) <= _ID + 2 else f'{name[:_ID]}…'}"


# -- every event and call --------------------------------------------------------------


class _Row(Struct, frozen=True):
    """One event, call or task state, as the table has it."""

    item: Item
    ref: str
    time: str
    kind: str
    text: str
    path: str
    bad: bool
    execution: int
    sentence: str
    """What it tells, in words; empty in a report of very many rows."""


def _rows(moment: Moment, refs: _Refs) -> Iterator[_Row]:
    maker = LineMaker(moment)
    items: list[Item] = [e for x in moment.executions.values() for e in x.events]
    items += [call for call in moment.calls if moment.is_relevant(call)]
    items += (state for each in moment.task_states.values() for state in each)
    explained = len(items) <= EXPLAINED
    for item in rows_apart(moment, items):
        line = maker.line(item)
        at, arn = f"{line.at:%H:%M:%S.%f}"[:12], line.execution_arn
        if isinstance(item, ApiCall):
            at, bad = f"{item.event_time:%H:%M:%S}", item.error_code is not None
            link = moment.link(item)
            visit = moment.visit_of(link.key) if link else None
            kind = item.event_source.removesuffix(".amazonaws.com")
        elif isinstance(item, TaskState):
            kind, bad = DETAIL_TYPE, went_wrong(item)
            visit = moment.visit_of(moment.task_starter(item.task_arn))
        else:
            kind, bad = item.type, item.type.endswith(("Failed", "TimedOut", "Aborted"))
            visit = moment.executions[item.execution_arn].visit(item.visit_id)
        yield _Row(
            item=item,
            ref=refs.of_key(item.key),
            time=at,
            kind=clean(kind, _NAME),
            text=line_text(line),
            path=_path(visit),
            bad=bad,
            execution=refs.executions.get(arn or "", -1),
            sentence=clean(caption(line, moment)) if explained else "",
        )


def _path(visit: StateVisit | None) -> str:
    return visit_path(visit) if visit is not None else ""


def _at(item: Item) -> Any:
    return item.event_time if isinstance(item, ApiCall) else item.at


def _data(moment: Moment, rows: Sequence[_Row]) -> str:
    """Give the table's data, as JSON that its script reads.

    Words that come again and again stand once, in a list; a row holds their numbers: a
    history has up to 25,000 events, and a report is mailed. `rows` holds lists of:
    milliseconds since `begin`, the execution's number or -1, the numbers of its kind
    and its path in `words`, text, 1 if it tells of a failure, the event's id, the
    call's number or the reference of a task's state, and for calls the event id.
    """
    words: dict[str, int] = {}
    begin = min((_at(row.item) for row in rows), default=None)
    listed = []
    for row in rows:
        kind, path = (words.setdefault(w, len(words)) for w in (row.kind, row.path))
        after = round((_at(row.item) - begin).total_seconds() * 1000) if begin else 0
        cells: list[Any] = [after, row.execution, kind, path, row.text, int(row.bad)]
        match row.item:
            case ApiCall():
                cells += [int(row.ref[1:]), clean(row.item.event_id)]
            case HistoryEvent():
                cells.append(row.item.id)
            case _:
                cells.append(row.ref)
        listed.append(cells)
    records, limit = _records(moment, rows)
    head = {
        "begin": iso(begin) if begin else None,
        "executions": [clean(e.name, _NAME) for e in moment.executions.values()],
        "words": list(words),
        "cut": limit,
        "sentences": [row.sentence for row in rows if len(rows) <= EXPLAINED],
        "rows": listed,
    }
    return f'{_in_script(ascii_json(head))[:-1]},"records":[{",".join(records)}]}}'


def _in_script(text: str) -> str:
    """Escape JSON so that nothing in it can end the element it stands in."""
    return text.translate(_IN_SCRIPT)


# -- AWS's own records behind the rows -------------------------------------------------


def _records(moment: Moment, rows: Sequence[_Row]) -> tuple[list[str], int | None]:
    """Give the rows' records as JSON, and at how many characters their strings are cut.

    Payloads are cut, to the same length in all records, until the report is small
    enough to be mailed; None where none had to be. Where even short strings are too
    much, failures and then the first rows keep their records; others have `null`.
    """
    for limit in _LIMITS:
        texts = _within(moment, rows, limit)
        if len(texts) == len(rows):
            found = [texts[place] for place in range(len(rows))]
            return found, None if limit == _LIMITS[0] else limit
    failures_first = sorted(rows, key=lambda row: not row.bad)
    places = {row.ref: place for place, row in enumerate(rows)}
    kept = {
        places[failures_first[n].ref]: text
        for n, text in _within(moment, failures_first, _LIMITS[-1]).items()
    }
    return [kept.get(place, "null") for place in range(len(rows))], _LIMITS[-1]


def _within(moment: Moment, rows: Iterable[_Row], limit: int) -> dict[int, str]:
    """Write as many records as there is room for, by their places."""
    found: dict[int, str] = {}
    left = BUDGET
    for place, row in enumerate(rows):
        text = _record(moment.trace.raw(row.item), limit)
        left -= len(text)
        if left < 0:
            break
        found[place] = text
    return found


def _record(raw: Record, limit: int) -> str:
    """Write one record; what is no JSON, such as NaN, is shown as its text."""
    try:
        text = ascii_json(_cut(raw, limit))
    except (ValueError, RecursionError):
        text = json.dumps(_cut_text(canonical(raw), limit))
    if len(text) > _RECORD:
        text = json.dumps(_cut_text(text, _RECORD // 2))
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
    return f"{text[:limit]}… {size(byte_count(text[limit:]))} more"
