"""The records of a foreign file: one that is no recording."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.history_event import (
    REDRIVEN,
    STATUS_BY_END,
    HistoryEvent,
    decode_event,
)
from sfnwatch.model.records import Received, Record, RecordKind, receive
from sfnwatch.model.values import canonical, text_of
from sfnwatch.recording.format import STDIN, check_record, name_of

KNOWN = (
    "Open a recording, or what `aws stepfunctions get-execution-history` or `aws "
    "cloudtrail lookup-events` wrote; `sfnwatch replay --help` lists all it reads."
)
NOT_KNOWN = "not a file sfnwatch knows"
MAX_HELD = 1 << 28
"""Bytes of memory that one file's records may take."""
_RECORD_OVERHEAD = 1 << 10
"""Bytes that a held record takes beside its data."""
_ENDINGS = re.compile(r"(\.jsonl?|\.history|\.txt)?(\.gz|\.zst)?\Z")

HeldEvent = tuple[HistoryEvent, Received]
"""An event of a history, decoded, and the record it was decoded from."""


class ImportedFile(Struct):
    """The records of a foreign file, which often doesn't name their execution."""

    path: Path
    events: dict[int, HeldEvent] = field(default_factory=dict)
    """History events by id, all of one execution."""
    others: list[Received] = field(default_factory=list)
    """All other records: calls, task states from ECS, definitions, and records that
    name their execution themselves."""
    held: int = 0
    """Bytes of memory taken so far, of `MAX_HELD`."""
    has_next: bool = False
    """True if the file has a token for another page."""
    arn: str = ""
    """The ARN of the history's execution, or the name that it is given instead."""

    def add(self, kind: str, record: Record) -> None:
        """Hold a record; raises ValueError for a bad one, or one past `MAX_HELD`.

        An event that is already held is not held again.
        """
        key = _TEXT_KEYS.get(kind)
        text = text_of(record.get(key)) if key else None
        if key and not text:
            raise ValueError(f"{key} is no text")
        arn = None if kind == RecordKind.DEFINITION else text
        received = receive(None, kind, arn, record)
        # Decoding leaves its result in the record. Held records stay without it, to
        # save memory until the whole file is read: so a copy is decoded.
        copy = replace(received)
        if kind == RecordKind.HISTORY:
            event, _ = decode_event(copy)
            _, held_record = self.events.setdefault(event.id, (event, received))
            if held_record is not received:
                if not is_same_record(held_record, received):
                    what = f"another event {event.id} than before"
                    raise ValueError(f"{what}: one file holds one execution")
                return
        else:
            if kind != RecordKind.DEFINITION:
                check_record(copy)
            self.others.append(received)
        self.held += len(received.data) + _RECORD_OVERHEAD
        if self.held > MAX_HELD:
            most = f"{MAX_HELD >> 20} MiB of records"
            raise ValueError(f"one file holds {most} at most: divide it")

    @property
    def notes(self) -> list[str]:
        """Tells of a file without records; empty for any other."""
        if self.events or self.others:
            return []
        return [f"{name_of(self.path)}: holds no records"]

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        name = name_of(self.path) if self.path == STDIN else self.path.name
        stem = _ENDINGS.sub("", name, count=1)
        return stem.replace(":", "-") or "history"

    def agrees(self, other: "ImportedFile") -> bool:
        """True if every event id that both files have is the same event in both."""
        for event_id in self.events.keys() & other.events.keys():
            _, record = self.events[event_id]
            _, other_record = other.events[event_id]
            if not is_same_record(record, other_record):
                return False
        return True

    def goes_on_in(self, other: "ImportedFile") -> bool:
        """True if `other` is the next page of this history, or overlaps it.

        The events of both must agree. A page without overlap must not begin earlier
        than this history's last event, nor follow the execution's end, unless with a
        redrive.
        """
        last, _ = self.events[max(self.events)]
        first, _ = other.events[min(other.events)]
        if first.id > last.id + 1 or not self.agrees(other):
            return False
        if first.id <= last.id:
            return True
        is_after_end = last.type in STATUS_BY_END and first.type != REDRIVEN
        return last.at <= first.at and not is_after_end


_TEXT_KEYS: Mapping[str, str] = {
    RecordKind.DESCRIBE: "executionArn",
    RecordKind.DEFINITION: "definition",
    RecordKind.EXPRESS: "execution_arn",
}
"""The key of each kind that must hold a text."""


def is_same_record(one: Received, other: Received) -> bool:
    if one.data == other.data:
        return True
    return canonical(one.record) == canonical(other.record)
