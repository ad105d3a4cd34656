"""Which poll is of which action: by the job's id, or else by the rhythm of polls.

Step Functions polls about once a minute, later about every five minutes. So a poll
that comes a minute after one job was last heard of, and not after another, is of that
job. Where it would suit several they are made one: nothing tells whose it is.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.integrations import (
    TABLE,
    CallRole,
    Integration,
    unversioned,
)
from sfnwatch.trace.payload import values_at

_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart: after a longer silence a job is over."""
_DUE = tuple(
    (timedelta(seconds=least), timedelta(seconds=most))
    for least, most in ((45, 75), (270, 330))
)
"""How long after its last call a job's next poll may be expected."""
_CROWD = 50
"""Of so many jobs at once no rhythm can be heard."""
_JOB = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""What the random ids of jobs look like; a session's name has other letters."""


class Strand(Struct, eq=False):
    """A job's calls, as far as they have been found."""

    row: Integration
    begun_at: datetime
    last_at: datetime
    actions: list[ApiCall] = field(default_factory=list)
    polls: list[ApiCall] = field(default_factory=list)
    stops: list[ApiCall] = field(default_factory=list)
    contested: bool = False
    """True if one of its polls might as well be another's."""
    guessed: bool = False
    """True if the rhythm alone tells that a poll is its, or none of its."""
    paired: bool = True
    """False if the polls name their job, but which action began it is a guess."""

    def take(self, call: ApiCall) -> None:
        stops = self.row.role_of(call.event_name) is CallRole.STOP
        (self.stops if stops else self.polls).append(call)
        self.last_at = call.event_time

    def asks(self, call: ApiCall) -> bool:
        role = self.row.role_of(call.event_name)
        return role in {CallRole.POLL, CallRole.STOP}

    def alive(self, call: ApiCall) -> bool:
        return call.event_time - self.last_at <= _ALIVE

    def due(self, call: ApiCall) -> bool:
        silence = call.event_time - self.last_at
        return any(least <= silence <= most for least, most in _DUE)

    @property
    def calls(self) -> Sequence[ApiCall]:
        return (*self.actions, *self.polls, *self.stops)

    def swallow(self, other: "Strand") -> None:
        """Become one with another, which has nothing left then."""
        self.contested = self.contested or other.contested
        self.guessed = self.guessed or other.guessed
        self.actions += other.actions
        self.polls += other.polls
        self.stops += other.stops
        other.actions, other.polls, other.stops = [], [], []


def weave(calls: Iterable[ApiCall]) -> list[Strand]:
    """Make the strands of one role and service, whose calls are given in order."""
    weaving = _Weaving()
    for call in calls:
        weaving.take(call)
    _tie(weaving.ties)
    joined = _joined(strand for strand in weaving.strands if strand.calls)
    return [strand for strand in joined if strand.actions or strand.polls]


class _Weaving:
    """Gives each call to its strand, one after the other."""

    def __init__(self) -> None:
        self.strands: list[Strand] = []
        self._by_id: dict[str, Strand] = {}
        self._bare: list[Strand] = []
        """Strands that may go on, and whose job's id is not known."""
        self._named: list[Strand] = []
        self.ties: list[list[Strand]] = []
        """Strands that one poll suits alike."""

    def take(self, call: ApiCall) -> None:
        rows = rows_of(call)
        known = self._known(call)
        if known is not None:
            known.take(call)
        elif row := _begun_by(rows, call):
            self._begin(row, call)
        elif rows:
            self._go_on(rows[0], call)

    def _known(self, call: ApiCall) -> Strand | None:
        """Find the strand whose job a poll or a stop names."""
        found = (self._by_id[job] for job in sorted(call.ids) if job in self._by_id)
        return next((strand for strand in found if strand.asks(call)), None)

    def _begin(self, row: Integration, call: ApiCall) -> None:
        strand = Strand(row, call.event_time, call.event_time, [call])
        self.strands.append(strand)
        if call.error_code is not None:
            return
        ids = _answered_ids(row, call)
        self._by_id.update(dict.fromkeys(ids, strand))
        (self._named if ids else self._bare).append(strand)

    def _go_on(self, row: Integration, call: ApiCall) -> None:
        """Give a poll to the strand it may belong to, by its rhythm if to several."""
        ids = _job_ids(call)
        self._bare = [strand for strand in self._bare if strand.alive(call)]
        fitting = [strand for strand in self._bare if strand.asks(call)]
        if not ids:
            self._named = [strand for strand in self._named if strand.alive(call)]
            fitting += [strand for strand in self._named if strand.asks(call)]
        strand = self._chosen(fitting, call, first=bool(ids))
        if strand is None:
            strand = Strand(row, call.event_time, call.event_time)
            self.strands.append(strand)
            self._bare.append(strand)
        due = [other for other in fitting if other.due(call)]
        if not ids and len(due) > 1:
            self.ties.append(due)
        strand.take(call)
        if not ids:
            for other in fitting if len(fitting) > 1 else ():
                other.guessed = strand.contested = True
        elif len(strand.actions) <= 1:
            for other in fitting if len(fitting) > 1 else ():
                other.paired = False
            self._by_id.update(dict.fromkeys(ids, strand))
            self._bare = [other for other in self._bare if other is not strand]
            self._named.append(strand)

    def _chosen(
        self, fitting: list[Strand], call: ApiCall, *, first: bool
    ) -> Strand | None:
        """Choose the one that is due; of several the last, of new jobs the first."""
        if len(fitting) > _CROWD:
            return self._merged(fitting)
        due = [strand for strand in fitting if strand.due(call)] or fitting
        ranked = sorted(due, key=lambda strand: strand.begun_at)
        return (ranked[0] if first else ranked[-1]) if ranked else None

    def _merged(self, strands: list[Strand]) -> Strand:
        first, *others = strands
        for other in others:
            first.swallow(other)
        gone = {id(other) for other in others}
        self._bare = [strand for strand in self._bare if id(strand) not in gone]
        self._named = [strand for strand in self._named if id(strand) not in gone]
        if not any(strand is first for strand in self._bare):
            self._bare.append(first)
        return first


def _tie(ties: Iterable[Sequence[Strand]]) -> None:
    """Make one of those that a poll suited alike, and of all they are one with."""
    into: dict[int, Strand] = {}

    def root(strand: Strand) -> Strand:
        while id(strand) in into:
            strand = into[id(strand)]
        return strand

    for tie in ties:
        roots = {id(found): found for found in map(root, tie)}
        first, *others = sorted(roots.values(), key=lambda strand: strand.begun_at)
        for other in others:
            first.swallow(other)
            into[id(other)] = first


def _joined(strands: Iterable[Strand]) -> list[Strand]:
    """Make one of those that were polled side by side, told apart by rhythm alone."""
    told: list[Strand] = []
    before: dict[str, Strand] = {}
    for strand in sorted(strands, key=lambda strand: strand.begun_at):
        other = before.get(strand.row.action)
        contested = other is not None and (other.contested or strand.contested)
        if other and contested and strand.polls and _goes_on(other, strand.begun_at):
            other.swallow(strand)
            continue
        told.append(strand)
        if strand.contested or strand.actions:
            before[strand.row.action] = strand
    return told


def _goes_on(strand: Strand, at: datetime) -> bool:
    """True if a job was still polled for at a moment."""
    return bool(strand.polls) and strand.polls[-1].event_time > at


# -- what a call names -----------------------------------------------------------


def rows_of(call: ApiCall) -> Sequence[Integration]:
    """Give the rows of the table that begin, poll or stop their job by such a call."""
    return _BY_CALL.get((call.event_source, unversioned(call.event_name)), ())


def _begun_by(rows: Iterable[Integration], call: ApiCall) -> Integration | None:
    found = (row for row in rows if row.role_of(call.event_name) is CallRole.ACTION)
    return next(found, None)


def _answered_ids(row: Integration, call: ApiCall) -> set[str]:
    """Find the job's id in an action's answer: as in an output, in small letters."""
    answer = call.raw.get("responseElements")
    paths = (_small(path) for path in row.id_paths)
    found = {value for path in paths for value in values_at(answer, path)}
    return found | {last_segment(value) for value in found}


def _small(path: str) -> str:
    return ".".join(part[:1].lower() + part[1:] for part in path.split("."))


def _job_ids(call: ApiCall) -> set[str]:
    return {value for value in call.ids if _JOB.fullmatch(value)}


def _by_call() -> Mapping[tuple[str, str], tuple[Integration, ...]]:
    found: dict[tuple[str, str], list[Integration]] = defaultdict(list)
    for row in TABLE:
        for name in (row.action_event, *row.poll_events, *row.stop_events):
            found[row.event_source, name].append(row)
    return {key: tuple(rows) for key, rows in found.items()}


_BY_CALL = _by_call()
