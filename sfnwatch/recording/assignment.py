"""Find the execution that each record of a foreign file belongs to.

A history names neither its execution nor its state machine. So it gets the ARN of an
execution that is opened with it and started at the same time: from a DescribeExecution
output or a recording. Without such an execution, the history gets a name made from its
file's name. No execution is guessed from a file's name. Two histories that contradict
each other are never merged.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import text_of
from sfnwatch.recording.batches import in_batches
from sfnwatch.recording.format import name_of
from sfnwatch.recording.history_pages import join_pages, notes_on_missing_pages
from sfnwatch.recording.imported_file import ImportedFile

_NEAR = timedelta(seconds=2)
"""How far two times of one execution's start may be apart: DescribeExecution's
startDate and the time of the history's first event differ."""


def assign_executions(
    imported: Sequence[ImportedFile], recorded: Iterable[Received]
) -> tuple[Batch, tuple[str, ...]]:
    """Return the foreign records with their executions, and notes on what is amiss.

    A note tells of a record without an execution, or of a page that is missing.
    `recorded` are the records of the recordings that are opened together with the
    foreign files.
    """
    definitions: list[tuple[Path, Received]] = []
    others: list[Received] = []
    for file in imported:
        for received in file.others:
            if received.kind == RecordKind.DEFINITION:
                definitions.append((file.path, received))
            else:
                others.append(received)
    executions: Mapping[str, ExecutionAsOf] = {}
    if definitions or any(file.events for file in imported):
        # Decoding leaves its result in a record: so copies are decoded.
        copies = map(replace, others)
        executions = _executions_in(chain(recorded, copies))
    # Joining adds one file's events to another's: so missing pages are noted before.
    notes = list(notes_on_missing_pages(imported))
    histories = join_pages(imported)
    notes += _name_histories(histories, executions)
    named = [history.arn for history in histories]
    machines = {
        arn: _machine_arns(arn, executions.get(arn))
        for arn in dict.fromkeys((*executions, *named))
    }
    assigned_definitions, definition_notes = _assign_definitions(definitions, machines)
    notes += definition_notes
    records = (*_events_of(histories), *assigned_definitions, *others)
    return records, tuple(notes)


def _executions_in(records: Iterable[Received]) -> dict[str, ExecutionAsOf]:
    """Return the executions that records tell of, by ARN."""
    trace = Trace()
    for batch in in_batches(records):
        trace.add([received for received in batch if received.execution_arn])
    return {arn: execution.as_of(None) for arn, execution in trace.executions.items()}


def _events_of(histories: Iterable[ImportedFile]) -> Iterator[Received]:
    """Yield each history's events by id, with the history's execution."""
    for history in histories:
        for event_id in sorted(history.events):
            _, received = history.events[event_id]
            yield replace(received, execution_arn=history.arn)


def _name_histories(
    histories: Sequence[ImportedFile], executions: Mapping[str, ExecutionAsOf]
) -> list[str]:
    """Set each history's ARN: that of the nearest execution, or one made of its file.

    Returns a note for each history named by its file although executions are known.
    """
    # The nearest come first, since a later history must agree with them.
    for _, arn, index in sorted(_claims(histories, executions)):
        history = histories[index]
        same_execution = [other for other in histories if other.arn == arn]
        if all(other.agrees(history) for other in same_execution):
            history.arn = arn
    notes: list[str] = []
    taken = set(executions)
    for history in histories:
        if history.arn:
            continue
        history.arn = _free_name(f"file:{history.name}", taken)
        taken.add(history.arn)
        if executions:
            what = "a history of none of the executions opened with it"
            notes.append(
                f"{clean(history.name)}: {what}; it is shown as one of its own"
            )
    return notes


def _claims(
    histories: Iterable[ImportedFile], executions: Mapping[str, ExecutionAsOf]
) -> Iterator[tuple[timedelta, str, int]]:
    """Yield the nearest execution of each history: distance, ARN, the history's index.

    A history that is equally near to two executions gets neither.
    """
    for index, history in enumerate(histories):
        distances = [
            (_distance(history, execution), arn)
            for arn, execution in executions.items()
        ]
        near = sorted(pair for pair in distances if pair[0] <= _NEAR)
        if not near:
            continue
        distance, arn = near[0]
        if len(near) == 1 or distance < near[1][0]:
            yield distance, arn, index


def _distance(history: ImportedFile, execution: ExecutionAsOf) -> timedelta:
    """Return how far apart the starts of a history and of an execution are.

    Where one of the starts is unknown: `_NEAR` if the history's times fit into the
    execution's, which is less sure, and `timedelta.max` if they do not.
    """
    start = execution.started_at
    stop = execution.stopped_at
    if start and 1 in history.events:
        first_event, _ = history.events[1]
        return abs(first_event.at - start)
    times = [event.at for event, _ in history.events.values()]
    # Differences are compared, since 2 s before a date of the year 1 is out of range.
    begins_before = start is not None and start - min(times) > _NEAR
    ends_after = stop is not None and max(times) - stop > _NEAR
    return timedelta.max if begins_before or ends_after else _NEAR


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: the given one, or with a number after it."""
    free = name
    number = 2
    while free in taken:
        free = f"{name}-{number}"
        number += 1
    return free


def _machine_arns(arn: str, execution: ExecutionAsOf | None) -> set[str]:
    """Return the ARNs of an execution's state machine: two may differ in spelling.

    One is from its records, the other is made from its own ARN.
    """
    machine_arns: set[str] = set()
    if execution and execution.state_machine_arn:
        machine_arns.add(execution.state_machine_arn)
    parsed = maybe_execution_arn(arn)
    if parsed:
        machine_arns.add(parsed.state_machine_arn)
    return machine_arns


def _assign_definitions(
    definitions: Iterable[tuple[Path, Received]],
    machines: Mapping[str, set[str]],
) -> tuple[list[Received], list[str]]:
    """Return each definition once for every execution of its machine, and notes.

    `machines` has the ARNs of each execution's state machine. Where no execution is of
    the definition's machine, the definition goes to the only execution. If there is not
    exactly one, a note says that the definition belongs to none.
    """
    records: list[Received] = []
    notes: list[str] = []
    for path, definition in definitions:
        machine = text_of(definition.record.get("stateMachineArn"))
        arns = [arn for arn, names in machines.items() if machine in names]
        if not arns and len(machines) == 1:
            arns = list(machines)
        records += [replace(definition, execution_arn=arn) for arn in arns]
        if not arns:
            what = "a definition, but of none of the executions opened with it"
            notes.append(f"{name_of(path)}: {what}")
    return records, notes
