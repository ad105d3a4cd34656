"""Runs of like polls: what an attempt's wait looks like, told in three lines."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Row

LEAST = 3
"""Fewer polls than these, between the first and the last, are shown."""


@dataclass(frozen=True, slots=True)
class Run:
    """Polls of one attempt with one outcome, none of another outcome between them."""

    key: str
    all: tuple[Row, ...]
    hidden: frozenset[str]
    """The keys of those between the first and the last."""

    @property
    def between(self) -> tuple[Row, ...]:
        return self.all[1:-1]

    @property
    def whole(self) -> bool:
        """False where more of them may still come in, between those that are here."""
        return self.all[-1].sure

    @property
    def seconds(self) -> float | None:
        """How far apart they are, on average: as far as none can be missing."""
        known = [row for row in self.all if row.sure]
        if len(known) <= 1:
            return None
        return (known[-1].at - known[0].at).total_seconds() / (len(known) - 1)


def poll_runs(rows: Iterable[Row]) -> Iterator[Run]:
    """Find the runs that are long enough to be folded.

    Attempts poll at the same time, so a run is of one attempt, whatever else lies
    between. A run is known by its number among the attempt's: its first poll may
    come in last.
    """
    by_attempt: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        link = row.link
        if link is None or link.role is not CallRole.POLL or link.attempt_id is None:
            continue
        by_attempt[link.execution_arn or "", link.attempt_id].append(row)
    for (arn, attempt_id), polls in by_attempt.items():
        for number, (_, alike) in enumerate(groupby(polls, _outcome)):
            run = tuple(alike)
            if len(run) >= LEAST + 2:
                hidden = frozenset(row.key for row in run[1:-1])
                yield Run(f"{arn}#{attempt_id}~polls{number}", run, hidden)


def _outcome(row: Row) -> object:
    call, link = row.call, row.link
    return (
        (call.event_name, call.error_code, link.rule) if call and link else (row.key,)
    )
