"""What several executions together show: each way to call a service, in one sentence.

It is the answer of an experiment that runs one thing in several ways: which calls each
way makes, and what became of it where polls were denied.
"""

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.finding import Finding, certainty, evidence
from sfnwatch.trace.finding_case import Case, Try
from sfnwatch.trace.finding_patterns import is_seen_whole
from sfnwatch.trace.finding_polls import is_denied, is_settled, settled_intervals
from sfnwatch.trace.finding_words import cadence, named, plural, times
from sfnwatch.trace.words import resource_words

CONCLUSION = "conclusion"


class _Way(Struct, frozen=True):
    """Tries of one resource that were polled for alike, whosever they are."""

    resource: str
    denied: bool
    """True where every poll was denied."""
    tries: tuple[tuple[Case, Try], ...]

    @property
    def polls(self) -> int:
        return sum(len(tried.polls) for _, tried in self.tries)

    @property
    def attempts(self) -> Iterator[Attempt]:
        return (tried.attempt for _, tried in self.tries)


def conclusions(cases: Sequence[Case]) -> Iterator[Finding]:
    """Conclude from two executions or more, which jobs they start and how."""
    if len(cases) < 2:  # noqa: PLR2004 - the findings of one say as much
        return
    ways = list(_ways(cases))
    if len(ways) < 2:  # noqa: PLR2004 - nothing to tell apart
        return
    for way in ways:
        yield _conclusion(way)


def _ways(cases: Iterable[Case]) -> Iterator[_Way]:
    found: dict[tuple[str, bool], list[tuple[Case, Try]]] = {}
    for case in cases:
        for use in case.uses:
            row = use.first.integration
            if row is None or not row.starts_job:
                continue
            for tried in use.tries:
                if tried.actions:
                    denied = bool(tried.polls) and all(map(is_denied, tried.polls))
                    key = (resource_words(use.first), denied)
                    found.setdefault(key, []).append((case, tried))
    for (resource, denied), tries in found.items():
        yield _Way(resource, denied, tuple(tries))


def _conclusion(way: _Way) -> Finding:
    calls = [call for _, tried in way.tries for call in tried.calls]
    whole = _is_whole(way)
    exact = all(
        link.rule.exact for case, tried in way.tries for link in case.links(tried)
    )
    statuses = {attempt.status for attempt in way.attempts}
    executions = dict.fromkeys(case.timeline.execution_arn for case, _ in way.tries)
    gaps = _gaps(way)
    return Finding(
        kind=CONCLUSION,
        certainty=certainty(fact=whole and exact and not _decides_not(way)),
        text=(
            f"{way.resource} {_made(way)}{_polled(way, gaps, whole=whole)}"
            f"{_became(way, statuses)}."
        ),
        evidence=evidence(call.event_id for call in calls),
        data={
            "resource": way.resource,
            "executions": list(executions),
            "tries": len(way.tries),
            "polls": way.polls,
            "denied": way.polls if way.denied else 0,
            "interval_mean": round(mean(gaps), 1) if gaps else None,
            "statuses": sorted(statuses),
        },
    )


def _is_whole(way: _Way) -> bool:
    """True if no later record can change what is said of the polls."""
    if way.polls:
        return all(is_settled(case, tried) for case, tried in way.tries)
    return all(is_seen_whole(case, tried) for case, tried in way.tries)


def _is_over(way: _Way) -> bool:
    """True if all polls that were ever made are there."""
    return all(tried.whole for _, tried in way.tries)


def _decides_not(way: _Way) -> bool:
    """True if it is to be concluded that polls do not decide: none was answered."""
    statuses = {attempt.status for attempt in way.attempts}
    return way.denied and _is_over(way) and statuses == {"succeeded"}


def _gaps(way: _Way) -> list[float]:
    return [
        gap
        for case, tried in way.tries
        for gap in settled_intervals(case.reach, tried.action, tried.polls)
    ]


def _made(way: _Way) -> str:
    made = sum(len(tried.actions) for _, tried in way.tries)
    action = named(way.tries[0][1].actions[0].event_name)
    return f"calls {action}" if made == 1 else f"calls {action} ({times(made)} here)"


def _polled(way: _Way, gaps: Sequence[float], *, whole: bool) -> str:
    polls = [poll for _, tried in way.tries for poll in tried.polls]
    if not polls:
        return f" and nothing after it{'' if whole else _as_far(way.tries[0][0])}"
    often = f" {cadence(mean(gaps))}" if gaps else ""
    name = named(polls[0].event_name)
    so_far = "" if _is_over(way) else " so far"
    return f", then {name}{often} ({plural(len(polls), 'poll')}{so_far})"


def _as_far(case: Case) -> str:
    """Say how far it is known that nothing came: too short a time to be sure."""
    if case.complete is None:
        return " so far"
    by = "CloudTrail is complete" if case.reach.live else "these records go"
    return f" up to {case.complete:%H:%M:%S} UTC, as far as {by}"


def _became(way: _Way, statuses: set[str]) -> str:
    """Say what became of it where no poll was allowed to tell of the end."""
    if not way.denied:
        return ""
    each = f"denied each time{'' if _is_over(way) else ' so far'}"
    if statuses == {"succeeded"}:
        ended = ", and it succeeds all the same"
        if _decides_not(way):
            ended += ": polling does not decide"
    else:
        ended = ", and it still runs" if statuses == {"running"} else ""
    return f"; {each}{ended}"
