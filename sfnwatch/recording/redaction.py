"""Recordings that can be shared: what happened stays, to whom and with what goes.

An allow-list decides: a string stays only if it is one of AWS's own words (types of
events, operations, services, Regions, enumerations, error names), a time, or the key
of a field of AWS's. Everything else gets an alias, the same for the same original, so
that calls stay tied to the states that made them. Numbers and truths of payloads are
replaced; how payloads are built is not.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.recording.format import (
    Header,
    encode_header,
    encode_line,
    whole_milliseconds,
)
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.redact_book import Book
from sfnwatch.recording.redact_definitions import Definitions, state_names
from sfnwatch.recording.redact_fields import Fields
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_records import Records
from sfnwatch.recording.redact_texts import Texts, is_token
from sfnwatch.recording.redact_values import Values
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.link_index import held_ids
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def redact(recording: Recording, *, keep_state_names: bool = False) -> Recording:
    """Give the recording with aliases for all that is not AWS's own.

    States' names are a customer's words and become `state-1`, `state-2`, …: a file
    leaves the house, unlike a screen, whose mask keeps them. `keep_state_names` leaves
    them, for those who know theirs to be harmless. Regions, times, the numbers of
    events and AWS's own words stay. A record that could not be read stays as mere
    structure. The notes say what a reader should know of it; the originals' notes and
    paths, which name files, are left out. Raises SfnwatchError for a recording that
    holds aliases of every generation there is.
    """
    trace = extend(Trace(), recording.records)
    first = _Redaction(Book(), trace, keep_state_names=keep_state_names)
    redacted = first.apply(recording)
    try:
        generation = first.book.free_generation()
    except ValueError as error:
        msg = f"The recording can't be redacted: {error}."
        raise SfnwatchError(msg, hint="Redact the original instead.") from error
    if generation:
        again = _Redaction(Book(generation), trace, keep_state_names=keep_state_names)
        redacted = again.apply(recording)
    return replace(redacted, notes=tuple(_notes(recording, keep_state_names)))


def write_redacted(redacted: Recording, out: BinaryIO, tool: str) -> None:
    """Write a redacted recording, in the format of every other; `tool` wrote it.

    Raises OSError where it can't be written.
    """
    created = whole_milliseconds(redacted.created or _earliest(redacted.records))
    header = Header(created, tool, redacted.executions)
    out.write(f"{encode_header(header)}\n".encode())
    out.writelines(
        f"{encode_line(received, created)}\n".encode() for received in redacted.records
    )


def save_redacted(redacted: Recording, path: Path, tool: str) -> None:
    """Write a redacted recording to a new file that only its owner may read.

    A file that is there already is never written over; one that could not be finished
    is taken away again. Raises UsageError.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        msg = f"Can't write {clean(str(path))}: the file exists."
        raise UsageError(
            msg, hint="Files are never overwritten: name another."
        ) from error
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from error
    try:
        with open(number, "wb") as file:  # noqa: PTH123 - it is open already
            write_redacted(redacted, file, tool)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _cannot_write(path, error) from error


class _Redaction:
    """One way through a recording with one book of aliases."""

    def __init__(self, book: Book, trace: Trace, *, keep_state_names: bool) -> None:
        self.book = book
        self._keep, self._trace = keep_state_names, trace
        self._kept: frozenset[str] = frozenset()
        held = tuple(dict.fromkeys(_held(trace)))
        for key in held:
            if not is_token(key):
                # No word of a sentence may become what it was not: this id.
                book.alias(key, "~id")
        names = Names(book)
        texts = Texts(book, names, self._state, frozenset(held))
        values = Values(names, texts)
        definitions = Definitions(names, texts, values, self._state)
        self._records = Records(Fields(names, texts, values, self._state), definitions)

    def apply(self, recording: Recording) -> Recording:
        """Redact it; names of executions and states come first, to be called so.

        Executions in the order they started, and the ids of calls in that of their
        times: of two at the same moment the one is shown first that sorts first.
        """
        for arn in self._trace.histories:
            self._records.execution(arn)
        executions = tuple(self._records.execution(arn) for arn in recording.executions)
        states = tuple(_state_names(recording.records))
        self._kept = frozenset(states) if self._keep else self._kept
        for name in states:
            self._state(name)
        for call in self._trace.ordered_calls:
            if call.whole:
                self._records.event_id(call.event_id)
        return Recording(
            records=tuple(self._records.received(r) for r in recording.records),
            created=recording.created,
            executions=executions,
        )

    def _state(self, name: str) -> str:
        """Redact what is said to be a state; what is none stays under no option."""
        if not name or name in self._kept:
            self.book.keep(name)
            return name
        return self.book.alias(name, "state")


def _held(trace: Trace) -> Iterator[str]:
    """Yield the ids by which calls are tied to attempts."""
    for timeline in trace.histories.values():
        for attempt in timeline.visits.attempts:
            yield from held_ids(attempt)


def _state_names(records: Iterable[Received]) -> Iterator[str]:
    """Yield the names of states in the order their definitions, or visits, have."""
    definitions = (
        r.data.get("definition") for r in records if r.source == "definition"
    )
    yield from chain.from_iterable(map(state_names, definitions))
    for received in records:
        if received.source == From.HISTORY:
            for key in ("stateEnteredEventDetails", "stateExitedEventDetails"):
                name = text_of(mapping_of(received.data.get(key)).get("name"))
                yield from (name,) if name else ()
        elif received.source == From.EXPRESS:
            details = mapping_of(received.data.get("details"))
            kind = text_of(received.data.get("type")) or ""
            name = text_of(details.get("name")) if "State" in kind else None
            yield from (name,) if name else ()


def _earliest(records: Iterable[Received]) -> datetime:
    """Find a beginning for a recording of files that have none."""
    trace = extend(Trace(), records)
    starts = [t.started_at for t in trace.histories.values() if t.started_at]
    times = [call.event_time for call in trace.calls.values()]
    return min((*starts, *times), default=_EPOCH)


def _notes(recording: Recording, keep_state_names: bool) -> Iterator[str]:  # noqa: FBT001
    kept = "names of states, " if keep_state_names else ""
    yield f"AWS's own words, {kept}Regions and times are kept; all else is replaced."
    unread = sum(r.source == From.UNREAD for r in recording.records)
    if unread:
        yield f"Of records that could not be read ({unread}) mere structure is kept."


def _cannot_write(path: Path, error: OSError | ValueError) -> UsageError:
    why = getattr(error, "strerror", None) or error
    msg = f"Can't write {clean(str(path))}: {clean(str(why))}."
    return UsageError(msg, hint="Name another file.")
