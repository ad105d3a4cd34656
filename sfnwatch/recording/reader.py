"""Opens files of any kind as one recording.

A recording is known by its header. A file that another program wrote is recognized by
its content, never by its name.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.records import CALL_KINDS, Batch, Received
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import list_of, mapping_of, text_of
from sfnwatch.recording.assignment import assign_executions
from sfnwatch.recording.batches import BATCH, in_batches
from sfnwatch.recording.format import bad_file
from sfnwatch.recording.imported_file import ImportedFile
from sfnwatch.recording.json_import import import_json
from sfnwatch.recording.recorded_file import ByteStream, RecordedFile, is_recording
from sfnwatch.recording.table_import import import_table


def import_file(stream: ByteStream) -> ImportedFile:
    """Return the records of a foreign file; raises BadFileError with file and line."""
    is_json = stream.head.lstrip().startswith((b"{", b"["))
    try:
        return import_json(stream) if is_json else import_table(stream)
    finally:
        if stream.text.cut:
            raise bad_file(stream.path, stream.text.cut, hint="Fetch it again.")


class Recording:
    """The records of one file, or of several together, as they were received."""

    def __init__(
        self, files: Sequence[RecordedFile], imported: Sequence[ImportedFile] = ()
    ) -> None:
        """Open recordings and foreign files together; raises BadFileError.

        The recordings' records show which executions the foreign ones belong to.
        """
        self._files = tuple(files)
        self._held = False
        self._imported: Batch = ()
        self._import_notes: Sequence[str] = ()
        if imported:
            self._imported, notes = assign_executions(imported, self._recorded())
            file_notes = chain.from_iterable(file.notes for file in imported)
            self._import_notes = (*file_notes, *notes)
        asked_for = chain.from_iterable(file.header.executions for file in files)
        imported_arns = _execution_arns(self._imported)
        self.executions = tuple(dict.fromkeys((*asked_for, *imported_arns)))
        """The executions' ARNs; `file:NAME` for a foreign history without one."""
        self.created: datetime | None = min(
            (file.header.created for file in files), default=None
        )
        """When the first recording began; None where only foreign files are open."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know; complete once all records have been read."""
        file_notes = chain.from_iterable(file.notes for file in self._files)
        return (*file_notes, *self._import_notes)

    def load(self) -> None:
        """Hold the recordings' records in memory, to be read repeatedly."""
        for file in self._files:
            file.hold()
        self._held = True

    def records(self) -> Iterator[Received]:
        """Yield all records, those of foreign files last; raises BadFileError."""
        # Decoding leaves its result in a record: so copies are handed over.
        imported = map(replace, self._imported)
        return chain(self._recorded(), imported)

    def _recorded(self) -> Iterator[Received]:
        return chain.from_iterable(file.records() for file in self._files)

    def batches(self, size: int = BATCH) -> Iterator[Batch]:
        """Yield the same records in batches of `size`; raises BadFileError."""
        return in_batches(self.records(), size)

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the first and the last record, as of `record_time`.

        None for recordings that are not held, and where no record has a time.
        """
        if self._files and not self._held:
            return None
        times = [at for at in map(record_time, self.records()) if at is not None]
        if not times:
            return None
        return min(times), max(times)


_TIME_KEYS = (
    "timestamp",
    "event_timestamp",
    "eventTime",
    "EventTime",
    "eventtime",
    "updatedAt",
    "startDate",
    "stopDate",
)
"""The keys of records under which the time of an event stands."""


def record_time(received: Received) -> datetime | None:
    """Return when a record came, or else the latest time that the record itself has.

    None where it has neither.
    """
    if received.at is not None:
        return received.at
    record = received.record
    parts = (record, record.get("detail"), *list_of(record.get("executions")))
    return max(_times_in(parts), default=None)


def _times_in(parts: Iterable[Any]) -> Iterator[datetime]:
    for part in parts:
        fields = mapping_of(part)
        for key in _TIME_KEYS:
            at = maybe_time(fields.get(key))
            if at is not None:
                yield at


def open_files(paths: Sequence[Path]) -> Recording:
    """Open files of any kind as one recording; raises BadFileError."""
    if not paths:
        raise UsageError("There is no file to open.", hint="Name at least one.")
    recorded: list[RecordedFile] = []
    imported: list[ImportedFile] = []
    for path in dict.fromkeys(paths):
        stream = ByteStream(path)
        if is_recording(stream.head):
            recorded.append(RecordedFile(path, stream))
        else:
            imported.append(import_file(stream))
    return Recording(recorded, imported)


def _execution_arns(records: Batch) -> Iterator[str]:
    """Yield the ARN of each record's execution, in order; calls have none."""
    for received in records:
        if received.kind in CALL_KINDS:
            continue
        arn = received.execution_arn or text_of(received.record.get("executionArn"))
        if arn:
            yield arn
