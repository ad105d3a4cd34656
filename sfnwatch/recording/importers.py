"""Files that others wrote, recognized by what they say: never by their names.

What the AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write about an
execution is JSON: one value, a list of them, or one after the other (JSON Lines). What
Athena writes is CSV: a row for each call, all of it text.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history import (
    LOG_KEYS,
    REDRIVEN,
    TERMINAL,
    decode_event,
)
from sfnwatch.model.json_stream import (
    HEAD,
    LISTS,
    MAX_LINE,
    JsonStream,
    NotJsonError,
    Place,
)
from sfnwatch.model.records import (
    Batch,
    DecodeError,
    Received,
    Record,
    RecordKind,
    receive,
)
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import (
    canonical,
    clean,
    list_of,
    mapping_of,
    parse_json,
    parse_object,
    parse_time,
    text_of,
)
from sfnwatch.recording.format import (
    STDIN,
    ByteStream,
    bad_file,
    check_record,
    name_of,
)

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
BATCH = 1000
"""Records handed over at once: a page of a history."""
_NOT_KNOWN = "not a file sfnwatch knows"
MAX_HELD = 1 << 28
"""Bytes that may be held of one file: all its records, and what each takes besides."""
_EACH = 1 << 10
_SHOWN_KEYS = 6
_SHOWN = 30
"""Characters of a key."""
_KINDS = {list: "array", str: "string", bool: "boolean", type(None): "null"}


class Imported(Struct):
    """What a foreign file holds; of which execution, it often doesn't say."""

    path: Path
    events: dict[int, Received] = field(default_factory=dict)
    """History events by id: those of one execution."""
    others: list[Received] = field(default_factory=list)
    """All else: calls, what ECS tells of tasks, what names its execution itself, and
    definitions."""
    held: int = 0
    """So much of `MAX_HELD`."""
    has_next: bool = False
    """True if it says that another page follows."""

    def add(self, kind: str, record: Record) -> None:
        """Hold a record; raises ValueError for a bad one, and where it is too much."""
        text = _text_in(record, _TEXTS[kind]) if kind in _TEXTS else None
        arn = None if kind == RecordKind.DEFINITION else text
        received = receive(None, kind, arn, record)
        if kind == RecordKind.HISTORY:
            number = decode_event(record)[0].id
            known = self.events.setdefault(number, received)
            if known is not received:
                if not _same(known, received):
                    what = f"another event {number} than before: one file holds one"
                    raise ValueError(f"{what} execution")
                return
        else:
            if kind != RecordKind.DEFINITION:
                check_record(received)
            # All are held until all files are read; what was decoded, only now.
            self.others.append(replace(received))
        self.held += len(received.data) + _EACH
        if self.held > MAX_HELD:
            most = f"{MAX_HELD >> 20} MiB of records"
            raise ValueError(f"one file holds {most} at most: divide it")

    @property
    def notes(self) -> list[str]:
        held = self.events or self.others
        return [] if held else [f"{name_of(self.path)}: holds no records"]


def import_file(stream: ByteStream) -> Imported:
    """Read a file that is no recording; raises BadFileError with file and line."""
    is_json = stream.head.lstrip().startswith((b"{", b"["))
    try:
        return (import_json if is_json else import_table)(stream)
    finally:
        if stream.cut:
            raise bad_file(stream.path, stream.cut, hint="Fetch it again.")


# -- JSON ----------------------------------------------------------------------------

_TOKENS = ("nextToken", "NextToken")


def import_json(stream: ByteStream) -> Imported:
    """Sort what a JSON file holds."""
    is_long = len(stream.head) >= HEAD
    if is_long and not _MARKS.search(stream.head.decode(errors="replace")):
        # What does not begin like anything known is not read on.
        raise bad_file(stream.path, _NOT_KNOWN, hint=KNOWN)
    imported, text = Imported(stream.path), JsonStream(stream.blocks())
    try:
        for place, value in text.items():
            if place and isinstance(place[-1], str):
                imported.has_next |= place[-1] in _TOKENS and bool(value)
            else:
                _take(imported, value, place)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error) from error
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error.position)) from error
    except _ItemError as error:
        # The line of a file's only value says no more than its name.
        line = text.line if error.place or text.line > 1 else None
        if error.unknown:
            what = f"{_NOT_KNOWN}: {error}"
            raise bad_file(stream.path, what, line=line, hint=KNOWN) from error
        raise bad_file(stream.path, error, line=line) from error
    return imported


# -- what a JSON value is ------------------------------------------------------------


class _UnknownItemError(ValueError):
    """What is nothing we know."""


class _ItemError(ValueError):
    """What is wrong with an item, and where it stands."""

    def __init__(self, place: Place, error: ValueError) -> None:
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
        where = "".join(steps).lstrip(".")
        super().__init__(f"{where}: {error}" if where else f"{error}")
        self.place = place
        self.unknown = isinstance(error, _UnknownItemError)


def _take(imported: Imported, value: Any, place: Place) -> None:
    """Sort a value in, or all that a list of AWS's in it holds."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            _take(imported, item, (*place, number))
        return
    told = mapping_of(value)
    imported.has_next |= any(told.get(key) for key in _TOKENS)
    if key := next(filter(told.__contains__, LISTS), None):
        _take(imported, told[key], (*place, key))
        return
    try:
        if found := _recognized(value):
            imported.add(*found)
    except ValueError as error:
        raise _ItemError(place, error) from error


def _recognized(value: Any) -> tuple[str, Record] | None:
    """Find a record in an object, and its kind; raises ValueError for what is none.

    None for a line of a log that is not ours: Step Functions begins one with a
    sentence.
    """
    told = mapping_of(value)
    if is_task_state(told):
        return RecordKind.TASK_STATE, told
    if told.keys() >= {"detail-type", "detail"}:
        # `AWS API Call via CloudTrail` and its like.
        if (call := mapping_of(told["detail"])).keys() >= _CALL:
            return RecordKind.TRAIL, call
        what = f"an EventBridge event of type {told['detail-type']!s:.60}"
        raise _UnknownItemError(what)
    is_logged = "@message" in told or told.keys() >= {"message", "timestamp"}
    if is_logged:
        message = told.get("message", told.get("@message"))
        told = mapping_of(parse_json(message) if isinstance(message, str) else message)
    kind = next((kind for keys, kind in _SHAPES if keys <= told.keys()), None)
    if is_logged:
        return (kind, told) if kind in {RecordKind.EXPRESS, RecordKind.TRAIL} else None
    executions = told.get("executions")
    if kind is None or (
        kind == RecordKind.CHILDREN and not isinstance(executions, list)
    ):
        raise _UnknownItemError(_what(value))
    if kind == RecordKind.CHILDREN and not all(
        map(_is_of_map_run, list_of(executions))
    ):
        what = "a list of executions, but of no Map Run: it does not say what happened"
        raise ValueError(what)
    return kind, told


def _is_of_map_run(item: Any) -> bool:
    return bool(mapping_of(item).get("mapRunArn"))


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return f"a JSON {_KINDS.get(type(value), 'number')}"
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    keys = ", ".join(clean(key, _SHOWN) for key in islice(value, _SHOWN_KEYS))
    more = ", …" if len(value) > _SHOWN_KEYS else ""
    return f"a JSON object {{{keys}{more}}}"


def _text_in(record: Record, key: str) -> str:
    if text := text_of(record[key]):
        return text
    raise ValueError(f"{key} is no text")


_CALL = {"eventName", "eventTime"}
_SHAPES: tuple[tuple[set[str] | frozenset[str], RecordKind], ...] = (
    ({"EventId", "EventTime"}, RecordKind.LOOKUP),
    ({"mapRunArn", "executionCounts"}, RecordKind.MAP_RUN),
    ({"executions"}, RecordKind.CHILDREN),
    ({"executionArn", "stateMachineArn", "status"}, RecordKind.DESCRIBE),
    ({"definition", "stateMachineArn"}, RecordKind.DEFINITION),
    (LOG_KEYS, RecordKind.EXPRESS),
    (_CALL, RecordKind.TRAIL),
    ({"id", "type", "timestamp"}, RecordKind.HISTORY),
)
"""The keys that tell what an object is, the first that fit."""
_TEXTS: Mapping[str, str] = {
    RecordKind.DESCRIBE: "executionArn",
    RecordKind.DEFINITION: "definition",
    RecordKind.EXPRESS: "execution_arn",
}
"""The keys under which a text must stand."""
_KEYS = {key for keys, _ in _SHAPES for key in keys}
_MARKS = re.compile("|".join(f'"{k}"' for k in (*LISTS, *_KEYS, "detail", "@message")))
"""Any of the keys by which something is known."""


# -- CSV -----------------------------------------------------------------------------

_NEEDED = ("eventtime", "eventsource", "eventname")
_DELIMITERS = (",", ";", "\t")
"""Spreadsheets of some countries save CSV with semicolons."""
_NULLS = ("", "null")


def import_table(stream: ByteStream) -> Imported:
    """Read the rows of a CSV file, as Athena writes it.

    Queries give other columns than the trail's own, in any order and any case.
    """
    # Its own limit, 128 KiB, is less than CloudTrail allows a request.
    csv.field_size_limit(MAX_LINE)
    title, newline, _ = stream.head.lower().partition(b"\n")
    endless = not newline and len(title) >= HEAD
    if endless or not any(name.encode() in title for name in _NEEDED):
        raise bad_file(stream.path, _NOT_KNOWN, hint=KNOWN)
    delimiter = next((d for d in _DELIMITERS if d.encode() in title), ",")
    lines = _RowLines(stream)
    table = csv.DictReader(lines, delimiter=delimiter)
    imported = Imported(stream.path)
    seen: Counter[bytes] = Counter()
    try:
        columns = [name.strip().lower() for name in table.fieldnames or ()]
        if missing := ", ".join(name for name in _NEEDED if name not in columns):
            what = f"a CSV file without the column {missing}"
            hint = f"Add {missing} to the query's SELECT."
            raise bad_file(stream.path, what, line=1, hint=hint)
        table.fieldnames = columns
        for cells in table:
            lines.held = 0
            row = _row(cells)
            _number_row(row, seen)
            imported.add(RecordKind.ATHENA, row)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error, line=table.line_num + 1) from error
    except (csv.Error, ValueError) as error:
        raise bad_file(stream.path, error, line=table.line_num) from error
    return imported


class _RowLines:
    """A table's lines; one row may have many, but not without end."""

    def __init__(self, stream: ByteStream) -> None:
        self._lines = stream.lines()
        self.held = 0
        """Bytes of the row that is read."""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.held += len(line)
            if self.held > MAX_LINE:
                raise ValueError(f"a row longer than {MAX_LINE >> 20} MiB")
            yield line.decode()


def _row(cells: Mapping[Any, Any]) -> dict[str, str]:
    """Give a row's columns; null, which Athena writes as nothing, is left out."""
    if more := cells.get(None):
        count = len(cells) - 1
        raise DecodeError(f"{count + len(more)} cells in a row of {count} columns")
    told = ((name, cell or "") for name, cell in cells.items())
    return {name: cell for name, cell in told if cell.strip().lower() not in _NULLS}


def _number_row(row: dict[str, str], seen: Counter[bytes]) -> None:
    """Tell rows that say the same apart: without an event id they are two calls."""
    if "eventid" in row:
        return
    key = sha256(repr(sorted(row.items())).encode()).digest()
    seen[key] += 1
    if seen[key] > 1:
        row["occurrence"] = str(seen[key])


# -- whose they are ------------------------------------------------------------------
#
# A history names neither its execution nor its state machine. It gets the ARN of the
# DescribeExecution output, or of the recording, that is opened with it and started when
# it did; failing that, a name made from its file's. Nothing is guessed from the names
# of files, and two histories that contradict each other are never merged.

_NEAR = timedelta(seconds=2)
"""DescribeExecution's startDate and the history's first event are not one stamp."""
_PACKED = (".gz", ".zst")
_PLAIN = (".json", ".jsonl", ".history", ".txt")


class HistoryPages(Struct, dict=True):
    """History events of one execution, from one file or several."""

    name: str
    events: dict[int, Received]
    arn: str = ""
    """Of their execution, or the name that it is given."""

    @property
    def started_at(self) -> datetime | None:
        """When the execution started; None for later pages alone."""
        return self.time_of(1) if 1 in self.events else None

    @cached_property
    def span(self) -> tuple[datetime, datetime]:
        """From when to when all of its pages go."""
        times = [self.time_of(n) for n in self.events]
        return min(times), max(times)

    def record(self, event_id: int) -> Record:
        """Give an event's record, decoded anew: all of them would be much to hold."""
        return parse_object(self.events[event_id].data)

    def time_of(self, event_id: int) -> datetime:
        return parse_time(self.record(event_id)["timestamp"])

    def agrees(self, other: "HistoryPages") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(_same(self.events[n], other.events[n]) for n in shared)

    def goes_on_in(self, other: "HistoryPages") -> bool:
        """Tell if `other` begins inside this, or right behind it, and fits."""
        last, begin = max(self.events), min(other.events)
        if begin > last + 1 or not self.agrees(other):
            return False
        ended = self.record(last)["type"] in TERMINAL
        redriven = other.record(begin)["type"] == REDRIVEN
        follows = self.time_of(last) <= other.time_of(begin)
        return begin <= last or (follows and (redriven or not ended))


def _same(one: Received, other: Received) -> bool:
    same = one.data == other.data
    return same or canonical(one.record) == canonical(other.record)


def match(
    imported: Sequence[Imported], recorded: Iterable[Received]
) -> tuple[Batch, tuple[str, ...]]:
    """Give each foreign record its execution; and say which found none.

    `recorded` is what is opened with them.
    """
    every = [(file.path, told) for file in imported for told in file.others]
    definitions = [each for each in every if each[1].kind == RecordKind.DEFINITION]
    others = [told for _, told in every if told.kind != RecordKind.DEFINITION]
    trace = Trace()
    if definitions or any(file.events for file in imported):
        for batch in in_batches(chain(recorded, map(replace, others))):
            trace.add([received for received in batch if received.execution_arn])
    known = {arn: each.as_of(None) for arn, each in trace.executions.items()}
    histories = join_pages(imported)
    unnamed = tuple(_name(histories, known))
    events = (
        replace(pages.events[number], execution_arn=pages.arn)
        for pages in histories
        for number in sorted(pages.events)
    )
    arns = dict.fromkeys((*known, *(pages.arn for pages in histories)))
    machines = {arn: _machines(arn, known.get(arn)) for arn in arns}
    defined, undefined = _define(definitions, machines)
    notes = (*_unfinished(imported), *unnamed, *undefined)
    return (*events, *defined, *others), notes


def in_batches(records: Iterable[Received], size: int = BATCH) -> Iterator[Batch]:
    """Yield records, so many at once."""
    left = iter(records)
    while batch := tuple(islice(left, size)):
        yield batch


def join_pages(imported: Iterable[Imported]) -> list[HistoryPages]:
    """Put the pages of one history together, in whichever order they were named.

    Pages are joined where one goes on in exactly one other: next ids, later times,
    and no event in both that differs.
    """
    files = [HistoryPages(_stem(f.path), dict(f.events)) for f in imported if f.events]
    joined: list[HistoryPages] = []
    for pages in sorted(files, key=lambda p: (min(p.events), -len(p.events))):
        fitting = [earlier for earlier in joined if earlier.goes_on_in(pages)]
        if len(fitting) == 1:
            fitting[0].events.update(pages.events)
        else:
            joined.append(pages)
    return joined


def _stem(path: Path) -> str:
    name = name_of(path) if path == STDIN else path.name
    for endings in (_PACKED, _PLAIN):
        name = next((name[: -len(e)] for e in endings if name.endswith(e)), name)
    return name.replace(":", "-") or "history"


def _unfinished(imported: Sequence[Imported]) -> Iterator[str]:
    """Tell of pages whose next is not here: the answer of a single request has one."""
    begun = {number for file in imported for number in file.events}
    several = sum(bool(file.others) for file in imported) > 1
    for file in imported:
        goes_on = bool(file.events) and max(file.events) + 1 in begun
        if file.has_next and not goes_on and not (file.others and several):
            name = name_of(file.path)
            yield f"{name}: one page of several, and the next is not here"


def _name(
    histories: Sequence[HistoryPages], known: Mapping[str, ExecutionAsOf]
) -> Iterator[str]:
    """Give each history an ARN, the surest first, or a name of its own, and say so."""
    claims = sorted(
        (distance, execution.arn, place)
        for place, pages in enumerate(histories)
        for distance, execution in _claim(pages, known.values())
    )
    for _, arn, place in claims:
        pages = histories[place]
        if all(other.agrees(pages) for other in histories if other.arn == arn):
            pages.arn = arn
    given = set(known)
    for pages in histories:
        if not pages.arn:
            pages.arn = _free_name(pages.name, given)
            what = "a history of none of the executions opened with it"
            if known:
                yield f"{clean(pages.name)}: {what}; it is shown as one of its own"


def _claim(
    pages: HistoryPages, known: Iterable[ExecutionAsOf]
) -> list[tuple[timedelta, ExecutionAsOf]]:
    """Find the one execution a history can be of, and how far apart they started."""
    distances = [(_distance(pages, execution), execution) for execution in known]
    nearest = min((distance for distance, _ in distances), default=_NEAR)
    found = [pair for pair in distances if pair[0] == nearest <= _NEAR]
    return found if len(found) == 1 else []


def _distance(pages: HistoryPages, execution: ExecutionAsOf) -> timedelta:
    """Tell how far apart they started; or else whether they fit, which is less sure."""
    start, stop = execution.started_at, execution.stopped_at
    if pages.started_at and start:
        return abs(pages.started_at - start)
    # Differences, since a date of the year 1 less 2 s is out of range.
    first, last = pages.span
    after = start is None or start - first <= _NEAR
    within = after and (stop is None or last - stop <= _NEAR)
    return _NEAR if within else timedelta.max


def _free_name(stem: str, given: set[str]) -> str:
    """Name a history of an unknown execution after its file, each by another name."""
    name, number = f"file:{stem}", 1
    while name in given:
        number += 1
        name = f"file:{stem}-{number}"
    given.add(name)
    return name


def _machines(arn: str, execution: ExecutionAsOf | None) -> set[str | None]:
    """Give the ARNs of an execution's state machine, as written by whoever did."""
    parsed = maybe_execution_arn(arn)
    told = execution.state_machine_arn if execution else None
    return {told, parsed.state_machine_arn if parsed else None}


def _define(
    definitions: Iterable[tuple[Path, Received]],
    machines: Mapping[str, set[str | None]],
) -> tuple[list[Received], list[str]]:
    """Give a definition to every execution of its machine, or to the only one."""
    records: list[Received] = []
    notes: list[str] = []
    for path, told in definitions:
        machine = told.record["stateMachineArn"]
        arns = [arn for arn, names in machines.items() if machine in names]
        arns = arns or (list(machines) if len(machines) == 1 else [])
        records += [replace(told, execution_arn=arn) for arn in arns]
        if not arns:
            what = "a definition, but of none of the executions opened with it"
            notes.append(f"{name_of(path)}: {what}")
    return records, notes
