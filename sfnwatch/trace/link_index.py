"""Attempts by everything a call may name: its request, the job, its name and role."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from msgspec import Struct, field

from sfnwatch.trace.arns import last_segment, role_name
from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.integrations import Integration, Pattern

Key = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""
Name = tuple[str, str]
"""A call's event source and its name without a version."""
Spot = tuple[Name, str | None]
"""The name of a call and the role it is made with."""


@dataclass(frozen=True)
class Suspect:
    """An attempt, with what of its execution a link needs."""

    execution_arn: str
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""

    @cached_property
    def key(self) -> Key:
        return self.execution_arn, self.attempt.scheduled_id

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(held_ids(self.attempt))

    @cached_property
    def names(self) -> frozenset[Name]:
        """The calls it may make, and those that go with its action."""
        return _names(self.attempt.integration, self.attempt.pattern)

    @cached_property
    def spots(self) -> frozenset[Spot]:
        return _spots(self.names, self.role)

    def tells_as(self, other: "Suspect") -> bool:
        """True if any call is to the one what it is to the other."""
        return self.role == other.role and _telling(self.attempt) == _telling(
            other.attempt
        )


@lru_cache(maxsize=256)
def _names(row: Integration | None, pattern: Pattern) -> frozenset[Name]:
    """Name the calls of all attempts of a kind, which share them."""
    if row is None:
        return frozenset()
    names = {row.action_event}
    if pattern is Pattern.SYNC:
        names.update(row.poll_events, row.stop_events)
    return frozenset({*((row.event_source, name) for name in names), *row.beside})


@lru_cache(maxsize=256)
def _spots(names: frozenset[Name], role: str | None) -> frozenset[Spot]:
    return frozenset((name, role) for name in names)


def _telling(attempt: Attempt) -> tuple[object, ...]:
    """Give what of an attempt the links of its calls depend on."""
    return (
        *(attempt.visit_id, attempt.pattern, attempt.integration),
        *(attempt.scheduled_at, attempt.started_at),
        *(attempt.submitted_at, attempt.ended_at),
        *(attempt.request_ids, attempt.resource_ids),
    )


def suspect_of(execution_arn: str, attempt: Attempt, own: str | None) -> Suspect:
    """Make one; `own` is the name of the execution's role."""
    return Suspect(execution_arn, attempt, role_name(attempt.role_arn) or own)


_Suspects = dict[Key, Suspect]
_Held = Suspect | _Suspects
"""Nearly every id is held by one attempt: it has no map of its own for that."""
_T = TypeVar("_T")


class Index(Struct):
    """Attempts by everything a call may name."""

    suspects: _Suspects = field(default_factory=dict)
    by_request: dict[str, _Held] = field(default_factory=dict)
    by_mark: dict[int, _Held] = field(default_factory=dict)
    """By the hashes of their jobs' ids: calls have those, see `marks_of`."""
    by_spot: dict[Spot, _Suspects] = field(default_factory=lambda: defaultdict(dict))
    roles: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """A role's name to the executions that have it, and how often."""

    def add(self, suspect: Suspect) -> None:
        self.suspects[suspect.key] = suspect
        _hold(self.by_request, suspect.attempt.request_ids, suspect)
        _hold(self.by_mark, map(hash, suspect.ids), suspect)
        for spot in suspect.spots:
            self.by_spot[spot][suspect.key] = suspect
        self.add_role(suspect.role, suspect.execution_arn)

    def drop(self, suspect: Suspect) -> None:
        del self.suspects[suspect.key]
        _let_go(self.by_request, suspect.attempt.request_ids, suspect)
        _let_go(self.by_mark, map(hash, suspect.ids), suspect)
        for spot in suspect.spots:
            del self.by_spot[spot][suspect.key]
            if not self.by_spot[spot]:
                del self.by_spot[spot]
        self.drop_role(suspect.role, suspect.execution_arn)

    def add_role(self, role: str | None, execution_arn: str) -> None:
        if role:
            self.roles[role][execution_arn] += 1

    def drop_role(self, role: str | None, execution_arn: str) -> None:
        if role:
            uncount(self.roles[role], execution_arn)

    def one_of(self, role: str) -> tuple[bool, str | None]:
        """Tell whether any execution has a role and, if it is but one, which."""
        those = self.roles.get(role)
        if not those:
            return False, None
        return True, next(iter(those)) if len(those) == 1 else None


def held_by(held: _Held | None) -> Collection[Suspect]:
    """Give the attempts that hold an id."""
    if held is None:
        return ()
    return held.values() if isinstance(held, dict) else (held,)


def _hold(place: dict[_T, _Held], names: Iterable[_T], suspect: Suspect) -> None:
    for name in names:
        others = place.get(name)
        if others is None or (
            isinstance(others, Suspect) and others.key == suspect.key
        ):
            place[name] = suspect
        elif isinstance(others, dict):
            others[suspect.key] = suspect
        else:
            place[name] = {others.key: others, suspect.key: suspect}


def _let_go(place: dict[_T, _Held], names: Iterable[_T], suspect: Suspect) -> None:
    for name in names:
        others = place[name]
        if isinstance(others, dict):
            del others[suspect.key]
        if not isinstance(others, dict) or not others:
            del place[name]


def uncount(counter: Counter[_T], value: _T) -> None:
    counter[value] -= 1
    if not counter[value]:
        del counter[value]


def held_ids(attempt: Attempt) -> set[str]:
    """Give an attempt's ids, each also as the bare id at its end."""
    ids = set(attempt.resource_ids)
    return ids | {last_segment(resource_id) for resource_id in ids}
