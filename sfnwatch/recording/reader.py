"""Files of any kind, opened as one recording.

Recordings say what they are. What others wrote is recognized by what it says, never by
its name. What the AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write
about an execution is JSON: one value, a list of them, or one after the other (JSON
Lines). What Athena writes is CSV: a row for each call, all of it text.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.ecs_task import is_task_state
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import (
    LOG_KEYS,
    REDRIVEN,
    TERMINAL,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.json_stream import LISTS, MAX_LINE, JsonPath, JsonStream
from sfnwatch.model.records import (
    CALL_KINDS,
    Batch,
    DecodeError,
    Received,
    Record,
    RecordKind,
    receive,
)
from sfnwatch.model.strict_json import NotJsonError
from sfnwatch.model.text_stream import HEAD
from sfnwatch.model.texts import clean
from sfnwatch.model.times import maybe_time
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import canonical, list_of, mapping_of, parse_json, text_of
from sfnwatch.recording.format import STDIN, bad_file, check_record, name_of
from sfnwatch.recording.recorded_file import ByteStream, RecordedFile, is_recording

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
BATCH = 200
"""Records handed over at once: so few are still in a processor's cache when they are
added, and take some ten milliseconds, between which keys are heard."""
_NOT_KNOWN = "not a file sfnwatch knows"
MAX_HELD = 1 << 28
"""Bytes that may be held of one file: all its records, and what each takes besides."""
_EACH = 1 << 10
_SHOWN = 60
"""Characters of an object's keys."""
_ENDINGS = re.compile(r"(\.jsonl?|\.history|\.txt)?(\.gz|\.zst)?\Z")


HeldEvent = tuple[HistoryEvent, Received]
"""An event of a history, decoded, and its record."""


class Imported(Struct):
    """What a foreign file holds; of which execution, it often doesn't say."""

    path: Path
    events: dict[int, HeldEvent] = field(default_factory=dict)
    """History events by id: those of one execution."""
    others: list[Received] = field(default_factory=list)
    """All else: calls, what ECS tells of tasks, what names its execution itself, and
    definitions."""
    held: int = 0
    """So much of `MAX_HELD`."""
    has_next: bool = False
    """True if it says that another page follows."""
    arn: str = ""
    """Of the execution that its history is of, or the name that this is given."""

    def add(self, kind: str, record: Record) -> None:
        """Hold a record; raises ValueError for a bad one, and where it is too much."""
        key = _TEXTS.get(kind, "")
        text = text_of(record.get(key))
        if key and not text:
            raise ValueError(f"{key} is no text")
        arn = None if kind == RecordKind.DEFINITION else text
        received = receive(None, kind, arn, record)
        # What was decoded is kept with a record, and all are held until all are read.
        copy = replace(received)
        if kind == RecordKind.HISTORY:
            row, _ = decode_event(copy)
            _, known = self.events.setdefault(row.id, (row, received))
            if known is not received:
                if not _same(known, received):
                    what = f"another event {row.id} than before: one file holds one"
                    raise ValueError(f"{what} execution")
                return
        else:
            if kind != RecordKind.DEFINITION:
                check_record(copy)
            self.others.append(received)
        self.held += len(received.data) + _EACH
        if self.held > MAX_HELD:
            most = f"{MAX_HELD >> 20} MiB of records"
            raise ValueError(f"one file holds {most} at most: divide it")

    @property
    def notes(self) -> list[str]:
        held = self.events or self.others
        return [] if held else [f"{name_of(self.path)}: holds no records"]

    @property
    def name(self) -> str:
        """What is left of the file's name without its endings."""
        name = name_of(self.path) if self.path == STDIN else self.path.name
        return _ENDINGS.sub("", name, count=1).replace(":", "-") or "history"

    def agrees(self, other: "Imported") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(_same(self.events[n][1], other.events[n][1]) for n in shared)

    def goes_on_in(self, other: "Imported") -> bool:
        """Tell if `other` begins inside this, or right behind it, and fits."""
        last, _ = self.events[max(self.events)]
        begin, _ = other.events[min(other.events)]
        if begin.id > last.id + 1 or not self.agrees(other):
            return False
        over = last.type in TERMINAL and begin.type != REDRIVEN
        return begin.id <= last.id or (last.at <= begin.at and not over)


def import_file(stream: ByteStream) -> Imported:
    """Read a file that is no recording; raises BadFileError with file and line."""
    is_json = stream.head.lstrip().startswith((b"{", b"["))
    try:
        return (import_json if is_json else import_table)(stream)
    finally:
        if stream.text.cut:
            raise bad_file(stream.path, stream.text.cut, hint="Fetch it again.")


# -- JSON ----------------------------------------------------------------------------

_TOKENS = ("nextToken", "NextToken")


def import_json(stream: ByteStream) -> Imported:
    """Sort what a JSON file holds."""
    imported = Imported(stream.path)
    text = JsonStream(stream.blocks())
    at: JsonPath = ()
    try:
        for place, value in text.items():
            if place and isinstance(place[-1], str):
                imported.has_next |= place[-1] in _TOKENS and bool(value)
                continue
            for at, item in _items(imported, value, place):  # noqa: B007 - see below
                if found := _recognized(item):
                    imported.add(*found)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error) from error
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error.position)) from error
    except ValueError as error:
        unknown = isinstance(error, _UnknownItemError)
        steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in at)
        words = (_NOT_KNOWN if unknown else "", steps.lstrip("."), str(error))
        # The line of a file's only value says no more than its name.
        line = text.line if at or text.line > 1 else None
        what = ": ".join(filter(None, words))
        hint = KNOWN if unknown else ""
        raise bad_file(stream.path, what, line=line, hint=hint) from error
    return imported


# -- what a JSON value is ------------------------------------------------------------


class _UnknownItemError(ValueError):
    """What is nothing we know."""


def _items(
    imported: Imported, value: Any, place: JsonPath
) -> Iterator[tuple[JsonPath, Any]]:
    """Yield a value, or all that a list of AWS's in it holds, and where each stands.

    A record may stand in a list as a JSON text: so are LookupEvents' own, picked out.
    """
    value = value if not isinstance(value, str) else parse_json(value) or value
    told = mapping_of(value)
    imported.has_next |= any(told.get(key) for key in _TOKENS)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _items(imported, item, (*place, number))
    elif key := next(filter(told.__contains__, LISTS), None):
        yield from _items(imported, told[key], (*place, key))
    elif isinstance(rows := told.get("results"), list):
        # CloudWatch Logs Insights': each row is a list of fields and their values.
        for number, row in enumerate(rows):
            cells = map(mapping_of, list_of(row))
            item = {cell.get("field"): cell.get("value") for cell in cells}
            yield (*place, "results", number), item
    else:
        yield place, value


def _recognized(value: Any) -> tuple[str, Record] | None:
    """Find a record in an object, and its kind; raises ValueError for what is none.

    None for a line of a log that is not ours: Step Functions begins one with a
    sentence.
    """
    told = mapping_of(value)
    if is_task_state(told):
        return RecordKind.TASK_STATE, told
    if told.keys() >= {"detail-type", "detail"}:
        if told["detail-type"] == "Step Functions Execution Status Change":
            return RecordKind.DESCRIBE, mapping_of(told["detail"])
        # `AWS API Call via CloudTrail` and its like.
        if (call := mapping_of(told["detail"])).keys() >= _CALL:
            return RecordKind.TRAIL, call
        what = f"an EventBridge event of type {told['detail-type']!s:.60}"
        raise _UnknownItemError(what)
    is_logged = "@message" in told or told.keys() >= {"message", "timestamp"}
    if is_logged:
        message = told.get("message", told.get("@message"))
        is_text = isinstance(message, str)
        told = mapping_of(parse_json(message) if is_text else message)
    kind = next((kind for keys, kind in _SHAPES if keys <= told.keys()), None)
    if is_logged:
        return (kind, told) if kind in {RecordKind.EXPRESS, RecordKind.TRAIL} else None
    listed = told.get("executions") if kind == RecordKind.CHILDREN else []
    if kind is None or not isinstance(listed, list):
        raise _UnknownItemError(_what(value))
    if not all(mapping_of(item).get("mapRunArn") for item in listed):
        what = "a list of executions, but of no Map Run: it does not say what happened"
        raise ValueError(what)
    return kind, told


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return "no JSON object"
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    return f"a JSON object {{{clean(', '.join(value), _SHOWN)}}}"


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


# -- CSV -----------------------------------------------------------------------------

_NEEDED = ("eventtime", "eventsource", "eventname")
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
    lines = _RowLines(stream)
    table = csv.DictReader(lines)
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


class _RowLines(Struct, eq=False):
    """A table's lines; one row may have many, but not without end."""

    stream: ByteStream
    held: int = 0
    """Bytes of the row that is read."""

    def __iter__(self) -> Iterator[str]:
        for line in self.stream.lines():
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
    unfinished = tuple(_unfinished(imported))
    histories = join_pages(imported)
    unnamed = tuple(_name(histories, known))
    events = (
        replace(pages.events[number][1], execution_arn=pages.arn)
        for pages in histories
        for number in sorted(pages.events)
    )
    arns = dict.fromkeys((*known, *(pages.arn for pages in histories)))
    machines = {arn: _machines(arn, known.get(arn)) for arn in arns}
    defined, undefined = _define(definitions, machines)
    notes = (*unfinished, *unnamed, *undefined)
    return (*events, *defined, *others), notes


def in_batches(records: Iterable[Received], size: int = BATCH) -> Iterator[Batch]:
    """Yield records, so many at once."""
    left = iter(records)
    while batch := tuple(islice(left, size)):
        yield batch


def join_pages(imported: Iterable[Imported]) -> list[Imported]:
    """Put the pages of one history together, in whichever order they were named.

    Pages are joined where one goes on in exactly one other: next ids, later times,
    and no event in both that differs.
    """
    files = (file for file in imported if file.events)
    joined: list[Imported] = []
    for pages in sorted(files, key=lambda p: (min(p.events), -len(p.events))):
        fitting = [earlier for earlier in joined if earlier.goes_on_in(pages)]
        if len(fitting) == 1:
            fitting[0].events.update(pages.events)
        else:
            joined.append(pages)
    return joined


def _unfinished(imported: Sequence[Imported]) -> Iterator[str]:
    """Tell of pages whose next is not here: the answer of a single request has one."""
    begun = {number for file in imported for number in file.events}
    several = sum(bool(file.others) for file in imported) > 1
    for file in imported:
        goes_on = bool(file.events) and max(file.events) + 1 in begun
        if file.has_next and not goes_on and not (file.others and several):
            yield f"{name_of(file.path)}: one page of several, and the next is not here"


def _name(
    histories: Sequence[Imported], known: Mapping[str, ExecutionAsOf]
) -> Iterator[str]:
    """Give each history an ARN, the surest first, or a name of its own, and say so."""
    claims: list[tuple[timedelta, str, int]] = []
    for place, pages in enumerate(histories):
        every = sorted((_distance(pages, known[arn]), arn) for arn in known)
        near = [(distance, arn) for distance, arn in every if distance <= _NEAR]
        # Of two that are as near it is neither's.
        if near and near[0][0] not in {distance for distance, _ in near[1:]}:
            claims.append((*near[0], place))
    for _, arn, place in sorted(claims):
        pages = histories[place]
        if all(other.agrees(pages) for other in histories if other.arn == arn):
            pages.arn = arn
    given = set(known)
    for pages in histories:
        if not pages.arn:
            # After its file, and each by another name.
            tries = (f"file:{pages.name}{f'-{n}' if n > 1 else ''}" for n in count(1))
            pages.arn = next(name for name in tries if name not in given)
            given.add(pages.arn)
            what = "a history of none of the executions opened with it"
            if known:
                yield f"{clean(pages.name)}: {what}; it is shown as one of its own"


def _distance(pages: Imported, execution: ExecutionAsOf) -> timedelta:
    """Tell how far apart they started; or else whether they fit, which is less sure."""
    start = execution.started_at
    stop = execution.stopped_at
    times = sorted(row.at for row, _ in pages.events.values())
    first = times[0]
    last = times[-1]
    if 1 in pages.events and start:
        return abs(pages.events[1][0].at - start)
    # Differences, since a date of the year 1 less 2 s is out of range.
    after = start is None or start - first <= _NEAR
    within = after and (stop is None or last - stop <= _NEAR)
    return _NEAR if within else timedelta.max


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


# -- all of them ----------------------------------------------------------------------


class Recording:
    """What a file, or several together, hold: all received, as it was received."""

    def __init__(
        self, files: Sequence[RecordedFile], imported: Sequence[Imported] = ()
    ) -> None:
        """Open recordings, and foreign files: whose these are, what is recorded tells.

        Raises BadFileError.
        """
        self._files = tuple(files)
        self._held = False
        self._more: Batch = ()
        self._notes: Sequence[str] = ()
        if imported:
            self._more, notes = match(imported, self._recorded())
            self._notes = (*(note for file in imported for note in file.notes), *notes)
        named = (arn for file in files for arn in file.header.executions)
        self.executions = tuple(dict.fromkeys((*named, *_executions_of(self._more))))
        """The ARNs it is about; `file:NAME` where a foreign file does not say."""
        created = (file.header.created for file in files)
        self.created: datetime | None = min(created, default=None)
        """When watching began; None where only foreign files are open."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: all of it is there once the records were read."""
        return (*(note for file in self._files for note in file.notes), *self._notes)

    def load(self) -> None:
        """Hold what is recorded, for as often as it is asked for."""
        for file in self._files:
            file.hold()
        self._held = True

    def records(self) -> Iterator[Received]:
        """Yield all records, those of foreign files last; raises BadFileError."""
        # Copies: what is decoded of one is left behind in it.
        return chain(self._recorded(), map(replace, self._more))

    def _recorded(self) -> Iterator[Received]:
        return chain.from_iterable(file.records() for file in self._files)

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """Yield the same, so many at once; raises BadFileError."""
        return in_batches(self.records(), size)

    def span(self) -> tuple[datetime, datetime] | None:
        """Tell when the first and the last record came, or failing that were made.

        None for recordings that are not held, and for what tells of no time.
        """
        if self._files and not self._held:
            return None
        times = [at for at in map(record_time, self.records()) if at is not None]
        return (min(times), max(times)) if times else None


_TIMES = (
    *("timestamp", "event_timestamp", "eventTime", "EventTime", "eventtime"),
    *("updatedAt", "startDate", "stopDate"),
)
"""The keys by which records tell when what they tell of was."""


def record_time(received: Received) -> datetime | None:
    """Tell when a record came, or failing that when the last it tells of was."""
    if received.at is not None:
        return received.at
    record = received.record
    parts = (record, record.get("detail"), *list_of(record.get("executions")))
    times = (maybe_time(mapping_of(p).get(key)) for p in parts for key in _TIMES)
    return max(filter(None, times), default=None)


def open_files(paths: Sequence[Path]) -> Recording:
    """Open files of any kind as one recording; raises BadFileError."""
    if not paths:
        raise UsageError("There is no file to open.", hint="Name at least one.")
    recorded: list[RecordedFile] = []
    imported: list[Imported] = []
    for path in dict.fromkeys(paths):
        stream = ByteStream(path)
        if is_recording(stream.head):
            recorded.append(RecordedFile(path, stream))
        else:
            imported.append(import_file(stream))
    return Recording(recorded, imported)


def _executions_of(records: Batch) -> Iterator[str]:
    """Name the executions that records are of, in the order they first appear."""
    for record in records:
        if record.kind not in CALL_KINDS:
            arn = record.execution_arn or text_of(record.record.get("executionArn"))
            yield from (arn,) if arn else ()
