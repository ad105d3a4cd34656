"""Which execution a file is about, where the file itself doesn't say.

A history names neither its execution nor its state machine. It gets the ARN of the
DescribeExecution output, or of the recording, that is opened with it and started
when it did; failing that, a name made from its file's. Nothing is guessed from the
names of files, and two histories that contradict each other are never merged.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct, field

from sfnwatch.next.model.arns import maybe_execution_arn
from sfnwatch.next.model.history import REDRIVEN, TERMINAL
from sfnwatch.next.model.json_text import canonical, text_of
from sfnwatch.next.model.records import (
    CALL_KINDS,
    Batch,
    Received,
    Record,
    RecordKind,
    receive,
)
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.times import maybe_time, parse_time
from sfnwatch.next.recording.importers import Imported

_NEAR = timedelta(seconds=2)
"""DescribeExecution's startDate and the history's first event are not one stamp."""
_PACKED = (".gz", ".zst")
_PLAIN = (".json", ".jsonl", ".history", ".txt")


class Pages(Struct):
    """History events of one execution, from one file or several."""

    name: str
    events: dict[int, Record]

    @property
    def started_at(self) -> datetime | None:
        """When the execution started; None for later pages alone."""
        return self.time_of(1) if 1 in self.events else None

    def time_of(self, event_id: int) -> datetime:
        return parse_time(self.events[event_id]["timestamp"])

    def agrees(self, other: "Pages") -> bool:
        """Tell if no event of one is another event in the other."""
        shared = self.events.keys() & other.events.keys()
        return all(
            canonical(self.events[n]) == canonical(other.events[n]) for n in shared
        )

    def goes_on_in(self, other: "Pages") -> bool:
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


class KnownExecutions(Struct):
    """What is known of executions by their ARNs, from all files together."""

    starts: dict[str, datetime] = field(default_factory=dict)
    stops: dict[str, datetime] = field(default_factory=dict)
    machines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """An execution to the ARNs of its state machine, as written by whoever did."""

    def add(self, received: Received) -> None:
        arn = received.execution_arn
        if arn is None or received.kind in CALL_KINDS:
            return
        record, parsed = received.record, maybe_execution_arn(arn)
        machine = parsed.state_machine_arn if parsed else None
        names = (text_of(record.get("stateMachineArn")), machine)
        self.machines[arn].update(name for name in names if name)
        match received.kind:
            case RecordKind.DESCRIBE:
                self._add_times(arn, record.get("startDate"), record.get("stopDate"))
            case RecordKind.HISTORY if record.get("id") == 1:
                self._add_times(arn, record.get("timestamp"), None)
            case RecordKind.EXPRESS if record.get("id") == "1":
                self._add_times(arn, record.get("event_timestamp"), None)

    def _add_times(self, arn: str, start: object, stop: object) -> None:
        for times, value in ((self.starts, start), (self.stops, stop)):
            at = maybe_time(value)
            if at is not None:
                times[arn] = at

    def of_machine(self, arn: str) -> list[str]:
        """Give the executions of a state machine, or the only one there is."""
        found = [each for each, names in self.machines.items() if arn in names]
        return found or (list(self.machines) if len(self.machines) == 1 else [])


def match(
    imported: Sequence[Imported], recorded: Iterable[Received]
) -> tuple[Batch, tuple[str, ...]]:
    """Give each foreign record its execution; and say which found none.

    `recorded` is what is opened with them.
    """
    known = KnownExecutions()
    described = [
        receive(None, RecordKind.DESCRIBE, record["executionArn"], record)
        for file in imported
        for record in file.described
    ]
    others = [received for file in imported for received in file.others]
    for received in (*recorded, *described, *others):
        known.add(received)
    named, notes = _name(join_pages(imported), known)
    for arn, _ in named:
        known.machines.setdefault(arn, set())
    histories = (
        receive(None, RecordKind.HISTORY, arn, pages.events[number])
        for arn, pages in named
        for number in sorted(pages.events)
    )
    defined, more = _define(imported, known)
    told = (*_unfinished(imported), *notes, *more)
    return (*described, *histories, *defined, *others), told


def join_pages(imported: Iterable[Imported]) -> list[Pages]:
    """Put the pages of one history together, in whichever order they were named.

    Pages are joined where one goes on in exactly one other: next ids, later times,
    and no event in both that differs.
    """
    files = [Pages(_stem(f.path), dict(f.events)) for f in imported if f.events]
    joined: list[Pages] = []
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
    histories: Sequence[Pages], known: KnownExecutions
) -> tuple[list[tuple[str, Pages]], list[str]]:
    """Give each history an ARN, the surest first, or a name of its own."""
    claims = sorted(
        (
            (distance, arn, place)
            for place, pages in enumerate(histories)
            for distance, arn in _claim(pages, known)
        ),
    )
    taken: dict[str, list[Pages]] = defaultdict(list)
    arns: dict[int, str] = {}
    for _, arn, place in claims:
        pages = histories[place]
        if all(other.agrees(pages) for other in taken[arn]):
            taken[arn].append(pages)
            arns[place] = arn
    notes = [
        f"{clean(pages.name)}: a history of none of the executions opened with it;"
        " it is shown as one of its own"
        for place, pages in enumerate(histories)
        if place not in arns and known.machines
    ]
    given = set(known.machines)
    named = [
        (arns.get(place) or _free_name(pages.name, given), pages)
        for place, pages in enumerate(histories)
    ]
    return named, notes


def _claim(pages: Pages, known: KnownExecutions) -> list[tuple[timedelta, str]]:
    """Find the one execution a history can be of, and how far apart they started."""
    distances = sorted(
        (distance, arn)
        for arn in known.machines
        if (distance := _distance(pages, arn, known)) is not None
    )
    if len(distances) > 1 and distances[0][0] == distances[1][0]:
        return []
    return distances[:1]


def _distance(pages: Pages, arn: str, known: KnownExecutions) -> timedelta | None:
    started, start = pages.started_at, known.starts.get(arn)
    if started and start:
        distance = abs(started - start)
        return distance if distance <= _NEAR else None
    return _NEAR if pages.is_within(start, known.stops.get(arn)) else None


def _free_name(stem: str, given: set[str]) -> str:
    """Name a history of an unknown execution after its file, each by another name."""
    name, number = f"file:{stem}", 1
    while name in given:
        number += 1
        name = f"file:{stem}-{number}"
    given.add(name)
    return name


def _define(
    imported: Iterable[Imported], known: KnownExecutions
) -> tuple[list[Received], list[str]]:
    """Give a definition to every execution of its machine, or to the only one."""
    records: list[Received] = []
    notes: list[str] = []
    for file in imported:
        for data in file.defined:
            arns = known.of_machine(data["stateMachineArn"])
            kind = RecordKind.DEFINITION
            records += [receive(None, kind, arn, data) for arn in arns]
            if not arns:
                what = "a definition, but of none of the executions opened with it"
                notes.append(f"{clean(str(file.path))}: {what}")
    return records, notes
