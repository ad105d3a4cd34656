"""Find the execution that each record of a foreign file belongs to.

A history names neither its execution nor its state machine. So it gets the ARN of an
execution that is opened with it and started at the same time: from a DescribeExecution
output or a recording. Without such an execution, the history gets a name made from its
file's name. No execution is guessed from a file's name. Two histories that contradict
each other are never merged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, count
from pathlib import Path

from msgspec.structs import replace

from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import (
    Batch,
    Received,
    RecordKind,
)
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.recording.batches import in_batches
from sfnwatch.recording.format import name_of
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


def join_pages(imported: Iterable[ImportedFile]) -> list[ImportedFile]:
    """Join the pages of each history, whatever order the files are given in.

    A page is joined to an earlier one only if it continues exactly one: its ids follow
    or overlap, its times are later, and no event that both have differs.
    """
    files = (file for file in imported if file.events)
    joined: list[ImportedFile] = []
    for pages in sorted(files, key=lambda p: (min(p.events), -len(p.events))):
        fitting = [earlier for earlier in joined if earlier.goes_on_in(pages)]
        if len(fitting) == 1:
            fitting[0].events.update(pages.events)
        else:
            joined.append(pages)
    return joined


def _unfinished(imported: Sequence[ImportedFile]) -> Iterator[str]:
    """Report pages whose next page is missing: a single answer of AWS has a next token.

    Calls in several files are not reported: one of them may hold the next page.
    """
    begun = {number for file in imported for number in file.events}
    several = sum(bool(file.others) for file in imported) > 1
    for file in imported:
        goes_on = bool(file.events) and max(file.events) + 1 in begun
        if file.has_next and not goes_on and not (file.others and several):
            yield f"{name_of(file.path)}: one page of several, and the next is not here"


def _name(
    histories: Sequence[ImportedFile], known: Mapping[str, ExecutionAsOf]
) -> Iterator[str]:
    """Name each history: by an execution's ARN, the nearest first, or by its file.

    Yields a note for a history named by its file although executions are known.
    """
    claims: list[tuple[timedelta, str, int]] = []
    for place, pages in enumerate(histories):
        every = sorted((_distance(pages, known[arn]), arn) for arn in known)
        near = [(distance, arn) for distance, arn in every if distance <= _NEAR]
        # A history that is equally near to two executions gets neither's ARN.
        if near and near[0][0] not in {distance for distance, _ in near[1:]}:
            claims.append((*near[0], place))
    for _, arn, place in sorted(claims):
        pages = histories[place]
        if all(other.agrees(pages) for other in histories if other.arn == arn):
            pages.arn = arn
    given = set(known)
    for pages in histories:
        if not pages.arn:
            # The name is made from the file's; a number keeps names distinct.
            tries = (f"file:{pages.name}{f'-{n}' if n > 1 else ''}" for n in count(1))
            pages.arn = next(name for name in tries if name not in given)
            given.add(pages.arn)
            what = "a history of none of the executions opened with it"
            if known:
                yield f"{clean(pages.name)}: {what}; it is shown as one of its own"


def _distance(pages: ImportedFile, execution: ExecutionAsOf) -> timedelta:
    """Return how far apart the starts of a history and of an execution are.

    Where one of the starts is unknown: `_NEAR` if the history's times fit into the
    execution's, which is less sure, and `timedelta.max` if they do not.
    """
    start = execution.started_at
    stop = execution.stopped_at
    times = sorted(row.at for row, _ in pages.events.values())
    first = times[0]
    last = times[-1]
    if 1 in pages.events and start:
        return abs(pages.events[1][0].at - start)
    # Differences are compared, since 2 s before a date of the year 1 is out of range.
    after = start is None or start - first <= _NEAR
    within = after and (stop is None or last - stop <= _NEAR)
    return _NEAR if within else timedelta.max


def _machines(arn: str, execution: ExecutionAsOf | None) -> set[str | None]:
    """Return the ARNs of an execution's state machine: two may differ in spelling.

    One is from its records, the other is made from its own ARN; each may be None.
    """
    parsed = maybe_execution_arn(arn)
    told = execution.state_machine_arn if execution else None
    return {told, parsed.state_machine_arn if parsed else None}


def _define(
    definitions: Iterable[tuple[Path, Received]],
    machines: Mapping[str, set[str | None]],
) -> tuple[list[Received], list[str]]:
    """Return each definition once for every execution of its machine, and notes.

    Where no execution is of its machine, the definition goes to the only execution. If
    there is not exactly one, a note says that the definition belongs to none.
    """
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
