"""Files that others wrote, recognized by what they say: never by their names.

What the AWS CLI, the console, a trail, EventBridge and CloudWatch Logs write about an
execution is JSON: one value, a list of them, or one after the other (JSON Lines). What
Athena writes is CSV: a row for each call, all of it text.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.errors import BadFileError
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
    ByteStream,
    NotJsonError,
    bad_file,
    check_record,
    scan_value,
    skip_space,
)

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
_NOT_KNOWN = "not a file sfnwatch knows"
_MOST, _FEW = 1_000_000, 1_000
"""Records held of one file: of all, and of those that others are matched with."""
_SHOWN_KEYS = 6
_SHOWN = 30
"""Characters of a key."""
_KINDS = {
    list: "a JSON array",
    str: "a JSON string",
    bool: "a JSON boolean",
    type(None): "a JSON null",
}


class Imported(Struct):
    """What a foreign file holds; of which execution, it often doesn't say."""

    path: Path
    events: dict[int, Record] = field(default_factory=dict)
    """History events by id: those of one execution."""
    described: list[Received] = field(default_factory=list)
    defined: list[Record] = field(default_factory=list)
    others: list[Received] = field(default_factory=list)
    """What belongs to no one execution: calls, and what ECS tells of tasks. And what
    names its own: an execution's log."""
    has_next: bool = False
    """True if it says that another page follows."""

    @property
    def notes(self) -> list[str]:
        held = self.events or self.described or self.defined or self.others
        return [] if held else [f"{clean(str(self.path))}: holds no records"]


def import_file(stream: ByteStream) -> Imported:
    """Read a file that is no recording; raises BadFileError with file and line."""
    is_json = stream.head.lstrip().startswith((b"{", b"["))
    stream.bound()
    try:
        return (import_json if is_json else import_table)(stream)
    finally:
        if stream.cut:
            raise bad_file(stream.path, stream.cut, hint="Fetch it again.")


# -- JSON ----------------------------------------------------------------------------

_BETWEEN = re.compile(r"[ \t\r\n,:]*")
_PIECE = 1 << 20
"""Characters held at least, before a value is read."""
_MAY_BE_LONG = frozenset('[{"')
"""What a value begins with that may go on."""
_LEVELS = 4
"""Deeper than `[[{"events": […]}]]` nobody writes."""
_LISTS = ("events", "logEvents", "Events", "Records")
"""The keys under which AWS's answers have their lists."""
_TOKENS = ("nextToken", "NextToken")


def import_json(stream: ByteStream) -> Imported:
    """Sort what a JSON file holds."""
    if len(stream.head) >= HEAD:
        _check_beginning(stream.path, stream.head.decode(errors="replace"))
    imported, text = Imported(stream.path), JsonText(stream)
    try:
        while text.sign():
            _read_next(imported, text)
    except NotJsonError as error:
        raise bad_file(stream.path, error, line=text.line_of(error)) from error
    return imported


def _read_next(imported: Imported, text: "JsonText", place: "_Place" = ()) -> None:
    """Sort in what comes next; what is too long to be held goes in item by item."""
    try:
        value = text.value()
    except LongValueError:
        _read_items(imported, text, place)
        return
    try:
        _take(imported, value, place)
    except _ItemError as error:
        raise text.refusal(error, len(place)) from error


def _read_items(imported: Imported, text: "JsonText", place: "_Place") -> None:
    """Read the items of a list; or of an answer, of which only its list may be long."""
    if len(place) > _LEVELS:
        raise NotJsonError("nested too deep to be read", text.at)
    if text.sign() == "[":
        for number in text.items():
            _read_next(imported, text, (*place, number))
        return
    listed = False
    if text.sign() != "{":
        raise LongValueError(text.at)
    for key in text.members():
        if key in _LISTS and text.sign() == "[":
            listed = True
            _read_items(imported, text, (*place, key))
        else:
            value = text.value()
            imported.has_next |= key in _TOKENS and bool(value)
    if not listed:
        raise LongValueError(text.at)


class LongValueError(NotJsonError):
    """A value of more characters than any of AWS's has."""

    def __init__(self, position: int) -> None:
        super().__init__(f"a value longer than {MAX_LINE >> 20} MiB", position)


class JsonText:
    """A file's JSON, value after value; no more is held than the one that is read."""

    def __init__(self, stream: ByteStream) -> None:
        self._path, self._pieces = stream.path, stream.texts()
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

    def value(self) -> Any:
        """Read the next value; raises NotJsonError, for a long one LongValueError."""
        self.sign()
        while True:
            try:
                value, end = scan_value(self._text, self.at)
            except NotJsonError:
                # It may go on in the next piece, but not for ever.
                if len(self._text) - self.at > MAX_LINE:
                    if self.sign() in _MAY_BE_LONG:
                        raise LongValueError(self.at) from None
                    raise
                if not self._more():
                    raise
            else:
                if end < len(self._text) or not self._more():
                    self._begun, self.at = self.at, end
                    return value

    def items(self) -> Iterator[int]:
        """Stop at each item of the list that begins here, for it to be read."""
        self.at += 1
        number, over = 0, self._ends("]")
        while not over:
            yield number
            number, over = number + 1, self._goes_on("]")

    def members(self) -> Iterator[str]:
        """Stop at each value of the object that begins here, giving its key."""
        self.at += 1
        over = self._ends("}")
        while not over:
            key = self.value() if self.sign() == '"' else None
            if key is None or self.sign() != ":":
                raise NotJsonError("not JSON: Expecting a key", self.at)
            self.at += 1
            yield key
            over = self._goes_on("}")

    def _ends(self, end: str) -> bool:
        is_end = self.sign() == end
        self.at += is_end
        return is_end

    def _goes_on(self, end: str) -> bool:
        """Pass what stands behind an item; True if that is the end."""
        sign = self.sign()
        if sign not in {",", end}:
            raise NotJsonError("not JSON: Expecting ',' delimiter", self.at)
        self.at += 1
        return sign == end

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

    def line_of(self, error: NotJsonError) -> int:
        """Give an error's line, and set its column right."""
        breaks = self._text.count("\n", 0, error.position)
        if error.column and not breaks:
            error.column += self._column
        return self._line + breaks

    def refusal(self, error: "_ItemError", known: int) -> BadFileError:
        """Word what is wrong in the value read last; so many steps led to it."""
        place = error.place[known:]
        position = _position_of(self._text, self._begun, place)
        line = self._line + self._text.count("\n", 0, position)
        return _refused(self._path, error, line)


def _check_beginning(path: Path, text: str) -> None:
    """Refuse a long file that does not begin like anything known, unread."""
    if not _MARKS.search(text):
        raise bad_file(path, _NOT_KNOWN, hint=KNOWN)
    begin = skip_space(text, 0)
    is_list = text[begin] == "["
    with suppress(NotJsonError):
        first, _ = scan_value(text, skip_space(text, begin + is_list))
        try:
            _shape_of(first)
        except _UnknownItemError as error:
            found = _ItemError((0,) if is_list else (), error)
            line = 1 + text.count("\n", 0, _position_of(text, begin, found.place))
            raise _refused(path, found, line) from error


def _refused(path: Path, error: "_ItemError", line: int) -> BadFileError:
    """Word what is wrong with an item, in a line of a file."""
    # The line of a file's only value says no more than its name.
    at = line if error.place or line > 1 else None
    if error.unknown:
        return bad_file(path, f"{_NOT_KNOWN}: {error}", line=at, hint=KNOWN)
    return bad_file(path, error, line=at)


def _position_of(text: str, position: int, place: "_Place") -> int:
    """Find where an item begins in the text of the value that begins at `position`."""
    # Of a key that is there twice the last one counts, and is not found here.
    with suppress(NotJsonError):
        for step in place:
            position, index = _skip_separators(text, position + 1), 0
            while index != step:
                value, position = scan_value(text, position)
                position, index = _skip_separators(text, position), index + 1
                if value == step:
                    break
    return position


def _skip_separators(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


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


def _take(imported: Imported, value: Any, place: _Place = ()) -> None:
    """Sort a value in, or all that a list of AWS's holds."""
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
        return _KINDS.get(type(value), "a JSON number")
    if "sfnwatch_trace" in value:
        return "an exported trace; open the recording that it was made from"
    if not value:
        return "a JSON object with no keys"
    keys = [clean(key, _SHOWN) for key in list(value)[:_SHOWN_KEYS]]
    more = ", …" if len(value) > _SHOWN_KEYS else ""
    word = "key" if len(value) == 1 else "keys"
    return f"a JSON object with the {word} {', '.join(keys)}{more}"


_Take = Callable[[Imported, Record], None]
"""Takes an object; raises ValueError for one that lacks what its kind must have."""


def _kept(imported: Imported, kind: str, value: Record, arn: str | None = None) -> None:
    """Keep a record that needs no other to tell whose it is."""
    if len(imported.others) >= _MOST:
        raise ValueError(f"one file holds {_MOST:,} records at most: divide it")
    received = receive(None, kind, arn, value)
    check_record(received)
    # All are held until all files are read; what was decoded, only now.
    imported.others.append(replace(received))


def _of_kind(kind: str) -> _Take:
    return lambda imported, value: _kept(imported, kind, value)


_record = _of_kind(RecordKind.TRAIL)


def _event(imported: Imported, value: Record) -> None:
    number = decode_event(value)[0].id
    if len(imported.events) >= MOST_EVENTS and number not in imported.events:
        raise ValueError(f"one execution has {MOST_EVENTS:,} events at most")
    known = imported.events.setdefault(number, value)
    if known is not value and canonical(known) != canonical(value):
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


def _described(imported: Imported, value: Record) -> None:
    _check_text(value, "executionArn")
    _check_few(imported.described)
    told = receive(None, RecordKind.DESCRIBE, value["executionArn"], value)
    imported.described.append(told)


def _defined(imported: Imported, value: Record) -> None:
    _check_text(value, "definition")
    _check_few(imported.defined)
    imported.defined.append(value)


def _logged(imported: Imported, value: Record) -> None:
    """Take one event of an execution's log."""
    _check_text(value, "execution_arn")
    _kept(imported, RecordKind.EXPRESS, value, value["execution_arn"])


def _check_text(value: Record, key: str) -> None:
    if not text_of(value[key]):
        raise ValueError(f"{key} is no text")


def _check_few(held: Sequence[Any]) -> None:
    if len(held) >= _FEW:
        raise ValueError(f"one file holds {_FEW:,} such answers at most: divide it")


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
    ({"executionArn", "stateMachineArn", "status"}, _described),
    ({"definition", "stateMachineArn"}, _defined),
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
    reader = csv.reader(lines, delimiter=delimiter)
    imported = Imported(stream.path)
    seen: Counter[bytes] = Counter()
    try:
        columns = _columns(stream.path, next(reader, []))
        for row in _rows(reader, columns):
            lines.held = 0
            _number_row(row, seen)
            _kept(imported, RecordKind.ATHENA, row)
    except UnicodeDecodeError as error:
        raise bad_file(stream.path, error, line=reader.line_num + 1) from error
    except (csv.Error, ValueError) as error:
        raise bad_file(stream.path, error, line=reader.line_num) from error
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


def _columns(path: Path, cells: list[str]) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        what = f"a CSV file without the column {', '.join(missing)}"
        hint = f"Add {', '.join(missing)} to the query's SELECT."
        raise bad_file(path, what, line=1, hint=hint)
    return columns


def _rows(reader: Iterator[list[str]], columns: list[str]) -> Iterator[dict[str, str]]:
    """Yield each row's columns; null, which Athena writes as nothing, is left out."""
    for cells in reader:
        if not cells:
            continue
        if len(cells) > len(columns):
            raise DecodeError(f"{len(cells)} cells in a row of {len(columns)} columns")
        yield {
            name: cell
            for name, cell in zip(columns, cells, strict=False)
            if cell.strip().lower() not in _NULLS
        }


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


class HistoryPages(Struct):
    """History events of one execution, from one file or several."""

    name: str
    events: dict[int, Record]
    arn: str = ""
    """Of their execution, or the name that it is given."""

    @property
    def started_at(self) -> datetime | None:
        """When the execution started; None for later pages alone."""
        return self.time_of(1) if 1 in self.events else None

    def time_of(self, event_id: int) -> datetime:
        return parse_time(self.events[event_id]["timestamp"])

    def agrees(self, other: "HistoryPages") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(
            canonical(self.events[n]) == canonical(other.events[n]) for n in shared
        )

    def goes_on_in(self, other: "HistoryPages") -> bool:
        """Tell if `other` begins inside this, or right behind it, and fits."""
        last, begin = max(self.events), min(other.events)
        if begin > last + 1 or not self.agrees(other):
            return False
        if begin <= last:
            return True
        ended = self.events[last]["type"] in TERMINAL
        if ended and other.events[begin]["type"] != REDRIVEN:
            return False
        return self.time_of(last) <= other.time_of(begin)

    def is_within(self, start: datetime | None, stop: datetime | None) -> bool:
        # Differences, since a date of the year 1 less 2 s is out of range.
        times = [self.time_of(n) for n in self.events]
        after = start is None or start - min(times) <= _NEAR
        return after and (stop is None or max(times) - stop <= _NEAR)


def match(
    imported: Sequence[Imported], recorded: Iterable[Received]
) -> tuple[Batch, tuple[str, ...]]:
    """Give each foreign record its execution; and say which found none.

    `recorded` is what is opened with them.
    """
    described = [received for file in imported for received in file.described]
    others = [received for file in imported for received in file.others]
    trace = Trace()
    told = (*recorded, *described, *others)
    trace.add([received for received in told if received.execution_arn])
    known = {arn: each.as_of(None) for arn, each in trace.executions.items()}
    histories = join_pages(imported)
    unnamed = tuple(_name(histories, known))
    events = (
        receive(None, RecordKind.HISTORY, pages.arn, pages.events[number])
        for pages in histories
        for number in sorted(pages.events)
    )
    arns = dict.fromkeys((*known, *(pages.arn for pages in histories)))
    machines = {arn: _machines(arn, known.get(arn)) for arn in arns}
    defined, undefined = _define(imported, machines)
    notes = (*_unfinished(imported), *unnamed, *undefined)
    return (*described, *events, *defined, *others), notes


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
    name = path.name
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
            name = clean(str(file.path))
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
    distances = [
        (distance, execution)
        for execution in known
        if (distance := _distance(pages, execution)) is not None
    ]
    nearest = min((distance for distance, _ in distances), default=None)
    found = [pair for pair in distances if pair[0] == nearest]
    return found if len(found) == 1 else []


def _distance(pages: HistoryPages, execution: ExecutionAsOf) -> timedelta | None:
    started, start = pages.started_at, execution.started_at
    if started and start:
        distance = abs(started - start)
        return distance if distance <= _NEAR else None
    return _NEAR if pages.is_within(start, execution.stopped_at) else None


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
        for data in file.defined:
            machine = data["stateMachineArn"]
            arns = [arn for arn, names in machines.items() if machine in names]
            arns = arns or (list(machines) if len(machines) == 1 else [])
            kind = RecordKind.DEFINITION
            records += [receive(None, kind, arn, data) for arn in arns]
            if not arns:
                what = "a definition, but of none of the executions opened with it"
                notes.append(f"{clean(str(file.path))}: {what}")
    return records, notes
