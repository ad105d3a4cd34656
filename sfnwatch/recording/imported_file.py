"""What a file that is no recording holds."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.history_event import (
    REDRIVEN,
    TERMINAL,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.records import (
    Received,
    Record,
    RecordKind,
    receive,
)
from sfnwatch.model.values import canonical, text_of
from sfnwatch.recording.format import STDIN, check_record, name_of

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
NOT_KNOWN = "not a file sfnwatch knows"
MAX_HELD = 1 << 28
"""Bytes that may be held of one file: all its records, and what each takes besides."""
_EACH = 1 << 10
_ENDINGS = re.compile(r"(\.jsonl?|\.history|\.txt)?(\.gz|\.zst)?\Z")

HeldEvent = tuple[HistoryEvent, Received]
"""An event of a history, decoded, and its record."""


class ImportedFile(Struct):
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
        key = _TEXT_KEYS.get(kind, "")
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
                if not is_same_record(known, received):
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

    def agrees(self, other: "ImportedFile") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(
            is_same_record(self.events[n][1], other.events[n][1]) for n in shared
        )

    def goes_on_in(self, other: "ImportedFile") -> bool:
        """Tell if `other` begins inside this, or right behind it, and fits."""
        last, _ = self.events[max(self.events)]
        begin, _ = other.events[min(other.events)]
        if begin.id > last.id + 1 or not self.agrees(other):
            return False
        over = last.type in TERMINAL and begin.type != REDRIVEN
        return begin.id <= last.id or (last.at <= begin.at and not over)


_TEXT_KEYS: Mapping[str, str] = {
    RecordKind.DESCRIBE: "executionArn",
    RecordKind.DEFINITION: "definition",
    RecordKind.EXPRESS: "execution_arn",
}
"""The keys under which a text must stand."""


def is_same_record(one: Received, other: Received) -> bool:
    same = one.data == other.data
    return same or canonical(one.record) == canonical(other.record)
