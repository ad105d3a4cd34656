"""Which execution a file is about, where the file itself doesn't say.

A history names neither its execution nor its state machine. It gets the ARN of the
DescribeExecution output, or of the recording, that is opened with it and started
when it did; failing that, a name made from its file's. Nothing is guessed from the
names of files, and two histories that contradict each other are never merged.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct, field

from sfnwatch.recording.importers import Imported
from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.events import From, Received, Record
from sfnwatch.trace.payload import canonical, text_of
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import TERMINAL
from sfnwatch.trace.times import maybe_time, parse_time

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
        first = self.events.get(1)
        return parse_time(first["timestamp"]) if first else None

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
        if ended and other.events[begin]["type"] != "ExecutionRedriven":
            return False
        return self._time(last) <= other._time(begin)  # noqa: SLF001 - same class

    def _time(self, number: int) -> datetime:
        return parse_time(self.events[number]["timestamp"])

    def within(self, start: datetime | None, stop: datetime | None) -> bool:
        # Differences, since a date of the year 1 less 2 s is out of range.
        times = [self._time(n) for n in self.events]
        after = start is None or start - min(times) <= _NEAR
        return after and (stop is None or max(times) - stop <= _NEAR)


class Known(Struct):
    """What is known of executions by their ARNs, from all files together."""

    starts: dict[str, datetime] = field(default_factory=dict)
    stops: dict[str, datetime] = field(default_factory=dict)
    machines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """An execution to the ARNs of its state machine, as written by whoever did."""

    def take(self, received: Received) -> None:
        arn, data = received.execution_arn, received.data
        if arn is None:
            return
        parsed = maybe_execution_arn(arn)
        self.machines[arn].update(
            name
            for name in (
                text_of(data.get("stateMachineArn")),
                parsed.state_machine_arn if parsed else None,
            )
            if name
        )
        if received.source == From.DESCRIBE:
            self._dates(arn, data.get("startDate"), data.get("stopDate"))
        if received.source == From.HISTORY and data.get("id") == 1:
            self._dates(arn, data.get("timestamp"), None)
        if received.source == From.EXPRESS and data.get("id") == "1":
            self._dates(arn, data.get("event_timestamp"), None)

    def _dates(self, arn: str, start: object, stop: object) -> None:
        for dates, value in ((self.starts, start), (self.stops, stop)):
            at = maybe_time(value)
            if at is not None:
                dates[arn] = at


def match(
    imported: Sequence[Imported], recorded: Iterable[Received]
) -> tuple[tuple[Received, ...], tuple[str, ...]]:
    """Give each foreign record its execution; and say which found none."""
    if not imported:
        return (), ()
    known = Known()
    for received in (*recorded, *_described(imported), *_logged(imported)):
        known.take(received)
    named, notes = _name(join_pages(imported), known)
    records = list(_described(imported))
    for arn, pages in named:
        known.machines.setdefault(arn, set())
        records += [
            Received(None, From.HISTORY, arn, pages.events[n])
            for n in sorted(pages.events)
        ]
    defined, more = _define(imported, known)
    calls = (call for file in imported for call in file.calls)
    return (*records, *defined, *calls), (*notes, *more)


def _described(imported: Iterable[Imported]) -> Iterator[Received]:
    for file in imported:
        for data in file.described:
            yield Received(None, From.DESCRIBE, data["executionArn"], data)


def _logged(imported: Iterable[Imported]) -> Iterator[Received]:
    """Yield the events of logs, which name their execution themselves."""
    for file in imported:
        yield from (one for one in file.calls if one.source == From.EXPRESS)


def join_pages(imported: Iterable[Imported]) -> list[Pages]:
    """Put the pages of one history together, in whichever order they were named.

    Pages are joined where one goes on in exactly one other: next ids, later times,
    and no event in both that differs.
    """
    files = [Pages(_stem(file.path), dict(file.events)) for file in imported]
    joined: list[Pages] = []
    for pages in sorted(
        (p for p in files if p.events), key=lambda p: (min(p.events), -len(p.events))
    ):
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


def _name(
    histories: Sequence[Pages], known: Known
) -> tuple[list[tuple[str, Pages]], list[str]]:
    """Give each history an ARN, the surest first, or a name of its own."""
    claims = sorted(
        (claim for pages in histories if (claim := _claim(pages, known))),
        key=lambda claim: claim[0],
    )
    taken: dict[str, list[Pages]] = defaultdict(list)
    arns: dict[int, str] = {}
    for _, arn, pages in claims:
        if all(other.agrees(pages) for other in taken[arn]):
            taken[arn].append(pages)
            arns[id(pages)] = arn
    names = _Names(known.machines)
    named = [(arns.get(id(p)) or names.next(p.name), p) for p in histories]
    notes = [
        f"{clean(pages.name)}: a history of none of the executions opened with it;"
        " it is shown as one of its own"
        for pages in histories
        if id(pages) not in arns and known.machines
    ]
    return named, notes


def _claim(pages: Pages, known: Known) -> tuple[timedelta, str, Pages] | None:
    """Find the one execution a history can be of, and how far apart they started."""
    distances = sorted(
        (distance, arn)
        for arn in known.machines
        if (distance := _distance(pages, arn, known)) is not None
    )
    if not distances or (len(distances) > 1 and distances[0][0] == distances[1][0]):
        return None
    return (*distances[0], pages)


def _distance(pages: Pages, arn: str, known: Known) -> timedelta | None:
    started, start = pages.started_at, known.starts.get(arn)
    if started and start:
        distance = abs(started - start)
        return distance if distance <= _NEAR else None
    return _NEAR if pages.within(start, known.stops.get(arn)) else None


class _Names:
    """Names for histories of unknown executions, each given once."""

    def __init__(self, given: Iterable[str]) -> None:
        self._given = set(given)

    def next(self, stem: str) -> str:
        name, number = f"file:{stem}", 1
        while name in self._given:
            number += 1
            name = f"file:{stem}-{number}"
        self._given.add(name)
        return name


def _define(
    imported: Iterable[Imported], known: Known
) -> tuple[list[Received], tuple[str, ...]]:
    """Give a definition to every execution of its machine, or to the only one."""
    records: list[Received] = []
    notes: list[str] = []
    for file in imported:
        for data in file.defined:
            arns = _of_machine(data, known.machines)
            records += [Received(None, From.DEFINITION, arn, data) for arn in arns]
            if not arns:
                what = "a definition, but of none of the executions opened with it"
                notes.append(f"{clean(str(file.path))}: {what}")
    return records, tuple(notes)


def _of_machine(data: Record, machines: Mapping[str, set[str]]) -> list[str]:
    arn = data["stateMachineArn"]
    found = [execution for execution, names in machines.items() if arn in names]
    return found or (list(machines) if len(machines) == 1 else [])
