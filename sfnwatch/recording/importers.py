"""Files that others wrote, recognized by what they say: never by their names.

What the AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write about an
execution is JSON: one value, a list of them, or one after the other (JSON Lines). What
Athena writes is CSV: a row for each call, all of it text.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    MOST_EVENTS,
    REDRIVEN,
    TERMINAL,
    decode_event,
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
    mapping_of,
    parse_json,
    parse_time,
    text_of,
)
from sfnwatch.recording.format import (
    HEAD,
    MAX_LINE,
    STDIN,
    ByteStream,
    NotJsonError,
    bad_file,
    check_record,
    name_of,
    scan_value,
    skip_space,
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
_FEW = 1_000
"""Records held of one file that others are matched with."""
_SHOWN_KEYS = 6
_SHOWN = 30
"""Characters of a key."""
_KINDS = {list: "array", str: "string", bool: "boolean", type(None): "null"}


class Imported(Struct):
    """What a foreign file holds; of which execution, it often doesn't say."""

    path: Path
    events: dict[int, Received] = field(default_factory=dict)
    """History events by id: those of one execution."""
    answers: list[Received] = field(default_factory=list)
    """What executions and their state machines were described as."""
    others: list[Received] = field(default_factory=list)
    """What belongs to no one execution: calls, and what ECS tells of tasks. And what
    names its own: an execution's log."""
    held: int = 0
    """So much of `MAX_HELD`."""
    has_next: bool = False
    """True if it says that another page follows."""

    def answers_of(self, kind: str) -> list[Received]:
        return [received for received in self.answers if received.kind == kind]

    def hold(self, kind: str, value: Record, arn: str | None = None) -> Received:
        """Make a record of an object; raises ValueError where too much is held."""
        received = receive(None, kind, arn, value)
        self.held += len(received.data) + _EACH
        if self.held > MAX_HELD:
            most = f"{MAX_HELD >> 20} MiB of records"
            raise ValueError(f"one file holds {most} at most: divide it")
        return received

    @property
    def notes(self) -> list[str]:
        held = self.events or self.answers or self.others
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

_PIECE = 1 << 20
"""Characters held at least, before a value is read."""
_LEVELS = 4
"""Deeper than `[[{"events": […]}]]` nobody writes."""
_LISTS = ("events", "logEvents", "Events", "Records")
"""The keys under which AWS's answers have their lists."""
_TOKENS = ("nextToken", "NextToken")
_ANSWER = re.compile(
    r'\{(?:\s*"[^"\\]*"\s*:\s*(?:"(?:[^"\\]|\\.)*+"|[^\s",{}\[\]]+)\s*,)*+'
    rf'\s*"(?:{"|".join(_LISTS)})"\s*:\s*\['
)
"""An object with such a list; before it stand at most texts and numbers."""


def import_json(stream: ByteStream) -> Imported:
    """Sort what a JSON file holds."""
    is_long = len(stream.head) >= HEAD
    if is_long and not _MARKS.search(stream.head.decode(errors="replace")):
        # What does not begin like anything known is not read on.
        raise bad_file(stream.path, _NOT_KNOWN, hint=KNOWN)
    imported, text = Imported(stream.path), JsonText(stream)
    try:
        while text.sign():
            _read(imported, text)
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error)) from error
    except _ItemError as error:
        # The line of a file's only value says no more than its name.
        line = text.line if error.place or text.line > 1 else None
        if error.unknown:
            what = f"{_NOT_KNOWN}: {error}"
            raise bad_file(stream.path, what, line=line, hint=KNOWN) from error
        raise bad_file(stream.path, error, line=line) from error
    return imported


def _read(imported: Imported, text: "JsonText", place: "_Place" = ()) -> None:
    """Sort in what comes next; a list, which may be long, goes in item by item."""
    if len(place) > _LEVELS:
        raise NotJsonError("nested too deep to be read", text.at)
    if text.sign() == "[":
        for number, _ in enumerate(text.parts("]")):
            _read(imported, text, (*place, number))
    elif text.begins(_ANSWER):
        for key in text.members():
            if key in _LISTS and text.sign() == "[":
                _read(imported, text, (*place, key))
            else:
                value = text.value()
                imported.has_next |= key in _TOKENS and bool(value)
    else:
        _take(imported, text.value(), place)


class JsonText:
    """A file's JSON, value after value; no more is held than the one that is read."""

    def __init__(self, stream: ByteStream) -> None:
        self._pieces = stream.texts()
        self._text, self.at = "", 0
        self._line, self._column = 1, 0
        """Where the text that is held begins."""
        self._begun = 0
        """Where the value began that was read last."""

    def sign(self) -> str:
        """Give the next character that is no space; none at the end."""
        while True:
            self.at = skip_space(self._text, self.at)
            if self.at < len(self._text) or not self._more():
                return self._text[self.at : self.at + 1]

    def begins(self, pattern: re.Pattern[str]) -> bool:
        """Tell if what comes next begins with a pattern; its first 64 KiB show that."""
        while len(self._text) - self.at < HEAD and self._more():
            pass
        return pattern.match(self._text, self.at) is not None

    def value(self) -> Any:
        """Read the next value; raises NotJsonError, also for one that is too long."""
        self.sign()
        while True:
            try:
                value, end = scan_value(self._text, self.at)
            except NotJsonError:
                # It may go on in the next piece, but not for ever.
                if len(self._text) - self.at > MAX_LINE:
                    what = f"a value longer than {MAX_LINE >> 20} MiB"
                    raise NotJsonError(what, self.at) from None
                if not self._more():
                    raise
            else:
                if end < len(self._text) or not self._more():
                    self._begun, self.at = self.at, end
                    return value

    def members(self) -> Iterator[str]:
        """Stop at each value of the object that begins here, giving its key."""
        for _ in self.parts("}"):
            key = self.value() if self.sign() == '"' else None
            if key is None or self.sign() != ":":
                raise NotJsonError("not JSON: Expecting a key", self.at)
            self.at += 1
            yield key

    def parts(self, end: str) -> Iterator[None]:
        """Stop where each part of a list or object begins, which is then read."""
        self.at += 1
        sign = self.sign()
        self.at += sign == end
        while sign != end:
            yield
            sign = self.sign()
            if sign not in {",", end}:
                raise NotJsonError("not JSON: Expecting ',' delimiter", self.at)
            self.at += 1

    def _more(self) -> bool:
        """Hold twice as much of what is still to be read; False at the end."""
        breaks, last = self._text.count("\n", 0, self.at), self.at
        if breaks:
            self._line, self._column = self._line + breaks, 0
            last -= self._text.rfind("\n", 0, self.at) + 1
        self._column += last
        parts = [self._text[self.at :]]
        # One more than a value may have shows that it is too long.
        wanted = min(max(_PIECE, len(parts[0])), MAX_LINE + 1 - len(parts[0]))
        while wanted > 0 and (piece := next(self._pieces, "")):
            parts.append(piece)
            wanted -= len(piece)
        self._text, self.at = "".join(parts), 0
        return len(parts) > 1

    @property
    def line(self) -> int:
        """The line in which the value begins that was read last."""
        return self._line + self._text.count("\n", 0, self._begun)

    def line_of(self, error: NotJsonError) -> int:
        """Give an error's line, and set its column right."""
        breaks = self._text.count("\n", 0, error.position)
        if error.column and not breaks:
            error.column += self._column
        return self._line + breaks


# -- what a JSON value is ------------------------------------------------------------


_Place = tuple[str | int, ...]
"""The way to an item through a value: `("events", 17)`."""


class _UnknownItemError(ValueError):
    """What is nothing we know."""


class _ItemError(ValueError):
    """What is wrong with an item, and where it stands."""

    def __init__(self, place: _Place, error: ValueError) -> None:
        steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in place)
        where = "".join(steps).lstrip(".")
        super().__init__(f"{where}: {error}" if where else f"{error}")
        self.place = place
        self.unknown = isinstance(error, _UnknownItemError)


def _take(imported: Imported, value: Any, place: _Place) -> None:
    """Sort a value in, or all that a list of AWS's in it holds."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            _take(imported, item, (*place, number))
        return
    try:
        shape = _shape_of(value)
        if not isinstance(shape, str):
            shape(imported, value)
    except ValueError as error:
        raise _ItemError(place, error) from error
    if isinstance(shape, str):
        _take(imported, value[shape], (*place, shape))
    imported.has_next |= any(value.get(key) for key in _TOKENS)


def _shape_of(value: Any) -> "str | _Take":
    """Find what an object is; raises _UnknownItemError."""
    if isinstance(value, dict):
        for keys, shape in _SHAPES:
            if keys <= value.keys():
                return shape
    raise _UnknownItemError(_what(value))


def _what(value: Any) -> str:
    if not isinstance(value, dict):
        return f"a JSON {_KINDS.get(type(value), 'number')}"
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    keys = ", ".join(clean(key, _SHOWN) for key in islice(value, _SHOWN_KEYS))
    more = ", …" if len(value) > _SHOWN_KEYS else ""
    return f"a JSON object {{{keys}{more}}}"


_Take = Callable[[Imported, Record], None]
"""Takes an object; raises ValueError for one that lacks what its kind must have."""


def _kept(imported: Imported, kind: str, value: Record, arn: str | None = None) -> None:
    """Keep a record that needs no other to tell whose it is."""
    received = imported.hold(kind, value, arn)
    check_record(received)
    # All are held until all files are read; what was decoded, only now.
    imported.others.append(replace(received))


def _of_kind(kind: str) -> _Take:
    return lambda imported, value: _kept(imported, kind, value)


_record = _of_kind(RecordKind.TRAIL)


def _event(imported: Imported, value: Record) -> None:
    number = decode_event(value)[0].id
    known = imported.events.get(number)
    if known is None:
        if len(imported.events) >= MOST_EVENTS:
            raise ValueError(f"one execution has {MOST_EVENTS:,} events at most")
        imported.events[number] = imported.hold(RecordKind.HISTORY, value)
    elif canonical(known.record) != canonical(value):
        what = f"another event {number} than before: one file holds one execution"
        raise ValueError(what)


def _eventbridge(imported: Imported, value: Record) -> None:
    """Take the CloudTrail record out of `AWS API Call via CloudTrail` and its like.

    What ECS tells of a task is kept with its envelope.
    """
    detail = value["detail"]
    if is_task_state(value):
        _kept(imported, RecordKind.TASK_STATE, value)
    elif {"eventName", "eventTime"} <= mapping_of(detail).keys():
        _record(imported, detail)
    else:
        what = f"an EventBridge event of type {value['detail-type']!s:.60}"
        raise _UnknownItemError(what)


def _answered(kind: str) -> _Take:
    """Make what takes an answer by which others are told whose they are."""

    def take(imported: Imported, value: Record) -> None:
        if len(imported.answers) >= _FEW:
            most = f"{_FEW:,} such answers"
            raise ValueError(f"one file holds {most} at most: divide it")
        is_definition = kind == RecordKind.DEFINITION
        told = _text_in(value, "definition" if is_definition else "executionArn")
        arn = None if is_definition else told
        imported.answers.append(imported.hold(kind, value, arn))

    return take


def _logged(imported: Imported, value: Record) -> None:
    """Take one event of an execution's log."""
    arn = _text_in(value, "execution_arn")
    _kept(imported, RecordKind.EXPRESS, value, arn)


def _text_in(value: Record, key: str) -> str:
    if text := text_of(value[key]):
        return text
    raise ValueError(f"{key} is no text")


def _log_event(imported: Imported, value: Record) -> None:
    """Take what a log event of CloudWatch Logs holds, if it is any of ours.

    A log has other lines too: Step Functions begins one with a sentence.
    """
    message = value.get("message", value.get("@message"))
    record = mapping_of(parse_json(message) if isinstance(message, str) else message)
    if record.keys() >= LOG_KEYS:
        _logged(imported, record)
    elif record.keys() >= {"eventName", "eventTime"}:
        _record(imported, record)


def _children(imported: Imported, value: Record) -> None:
    """Take a list of executions, where it is a Map Run's."""
    executions = value["executions"]
    if not isinstance(executions, list):
        raise _UnknownItemError(_what(executions))
    if not all(mapping_of(item).get("mapRunArn") for item in executions):
        what = "a list of executions, but of no Map Run: it does not say what happened"
        raise ValueError(what)
    _kept(imported, RecordKind.CHILDREN, value)


_SHAPES: tuple[tuple[set[str], str | _Take], ...] = (
    *(({key}, key) for key in _LISTS),
    ({"EventId", "EventTime"}, _of_kind(RecordKind.LOOKUP)),
    ({"detail-type", "detail"}, _eventbridge),
    ({"mapRunArn", "executionCounts"}, _of_kind(RecordKind.MAP_RUN)),
    ({"executions"}, _children),
    ({"executionArn", "stateMachineArn", "status"}, _answered(RecordKind.DESCRIBE)),
    ({"definition", "stateMachineArn"}, _answered(RecordKind.DEFINITION)),
    (set(LOG_KEYS), _logged),
    ({"message", "timestamp"}, _log_event),
    ({"@message"}, _log_event),
    ({"eventName", "eventTime"}, _record),
    ({"id", "type", "timestamp"}, _event),
)
"""The keys that tell what an object is, the first that fit: a key under which others
stand, or what takes it."""
_MARKS = re.compile("|".join({f'"{key}"' for keys, _ in _SHAPES for key in keys}))
"""Any of those keys."""


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
            _kept(imported, RecordKind.ATHENA, row)
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

    def time_of(self, event_id: int) -> datetime:
        return parse_time(self.events[event_id].record["timestamp"])

    def agrees(self, other: "HistoryPages") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(_same(self.events[n], other.events[n]) for n in shared)

    def goes_on_in(self, other: "HistoryPages") -> bool:
        """Tell if `other` begins inside this, or right behind it, and fits."""
        last, begin = max(self.events), min(other.events)
        if begin > last + 1 or not self.agrees(other):
            return False
        ended = self.events[last].record["type"] in TERMINAL
        redriven = other.events[begin].record["type"] == REDRIVEN
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
    described = [r for file in imported for r in file.answers_of(RecordKind.DESCRIBE)]
    others = [received for file in imported for received in file.others]
    trace = Trace()
    if any(file.events or file.answers for file in imported):
        for batch in in_batches(chain(recorded, described, others)):
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
    defined, undefined = _define(imported, machines)
    notes = (*_unfinished(imported), *unnamed, *undefined)
    return (*described, *events, *defined, *others), notes


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
    imported: Iterable[Imported], machines: Mapping[str, set[str | None]]
) -> tuple[list[Received], list[str]]:
    """Give a definition to every execution of its machine, or to the only one."""
    records: list[Received] = []
    notes: list[str] = []
    for file in imported:
        for told in file.answers_of(RecordKind.DEFINITION):
            machine = told.record["stateMachineArn"]
            arns = [arn for arn, names in machines.items() if machine in names]
            arns = arns or (list(machines) if len(machines) == 1 else [])
            records += [replace(told, execution_arn=arn) for arn in arns]
            if not arns:
                what = "a definition, but of none of the executions opened with it"
                notes.append(f"{name_of(file.path)}: {what}")
    return records, notes
