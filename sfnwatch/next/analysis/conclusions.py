"""What several executions together show: each way to call a service, in one sentence.

It is the answer of an experiment that runs one thing in several ways: which calls each
way makes, and what became of it where polls were denied.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean

from msgspec import Struct

from sfnwatch.next.analysis.case import AttemptCase, Case, Survey
from sfnwatch.next.analysis.finding import Finding, finding
from sfnwatch.next.analysis.patterns import is_seen_whole
from sfnwatch.next.analysis.polling import is_settled
from sfnwatch.next.analysis.wording import (
    cadence,
    named,
    plural,
    resource_words,
    short_names,
    some,
    time_of_day,
    times,
)
from sfnwatch.next.model.api_call import ApiCall

CONCLUSION = "conclusion"


class _Way(Struct, frozen=True):
    """Attempts of one resource that were polled for alike, in whichever execution."""

    resource: str
    denied: bool
    """True where every poll was denied."""
    attempts: Sequence[tuple[str, AttemptCase]]
    """Each with the ARN of its execution."""

    @property
    def cases(self) -> list[AttemptCase]:
        return [each for _, each in self.attempts]

    @property
    def polls(self) -> list[ApiCall]:
        return [poll for _, each in self.attempts for poll in each.polls]

    @property
    def statuses(self) -> set[str]:
        return {each.attempt.status for _, each in self.attempts}

    @property
    def complete(self) -> bool:
        """True if all polls that were ever made are there."""
        return all(each.complete for _, each in self.attempts)

    @property
    def refutes_polling(self) -> bool:
        """True where it is to be concluded that completion doesn't depend on polls."""
        return self.denied and self.complete and self.statuses == {"succeeded"}


def conclusions(survey: Survey, cases: Sequence[Case]) -> Iterator[Finding]:
    """Conclude from two executions or more, which jobs they start and how."""
    if len(cases) < 2:  # noqa: PLR2004 - the findings of one say as much
        return
    ways = _ways(cases)
    if len(ways) < 2:  # noqa: PLR2004 - nothing to tell apart
        return
    arns = [case.execution.arn for case in cases]
    names = short_names([case.execution.name for case in cases])
    for way in ways:
        yield _conclusion(survey, way, dict(zip(arns, names, strict=True)))


def _ways(cases: Iterable[Case]) -> list[_Way]:
    found: dict[tuple[str, bool], list[tuple[str, AttemptCase]]] = {}
    for case in cases:
        for use in case.uses:
            if use.row is None or not use.row.starts_job:
                continue
            for each in use.attempts:
                if each.actions:
                    denied = bool(each.polls) and len(each.denied) == len(each.polls)
                    key = resource_words(use.first), denied
                    found.setdefault(key, []).append((case.execution.arn, each))
    return [_Way(resource, denied, each) for (resource, denied), each in found.items()]


def _conclusion(survey: Survey, way: _Way, names: Mapping[str, str]) -> Finding:
    calls = [call for each in way.cases for call in each.calls]
    whole, polls = _is_whole(survey, way), way.polls
    gaps = [gap for each in way.cases for gap in each.intervals.seconds]
    arns = list(dict.fromkeys(arn for arn, _ in way.attempts))
    who = some(named(names[arn]) for arn in arns)
    fact = whole and survey.is_exact(calls) and not way.refutes_polling
    return finding(
        CONCLUSION,
        (
            f"{way.resource} ({who}) {_made(way)}{_polled(survey, way, gaps, whole)}"
            f"{_became(way)}."
        ),
        (call.event_id for call in calls),
        fact=fact,
        resource=way.resource,
        executions=arns,
        tries=len(way.attempts),
        polls=len(polls),
        denied=len(polls) if way.denied else 0,
        interval_mean=round(mean(gaps), 1) if gaps else None,
        statuses=sorted(way.statuses),
    )


def _is_whole(survey: Survey, way: _Way) -> bool:
    """True if no later record can change what is said of the polls."""
    if way.polls:
        return all(is_settled(survey.coverage, each) for each in way.cases)
    return all(is_seen_whole(survey, each) for each in way.cases)


def _made(way: _Way) -> str:
    actions = [action for each in way.cases for action in each.actions]
    name = named(actions[0].event_name)
    return f"calls {name}{'' if len(actions) == 1 else f' ({times(len(actions))})'}"


def _polled(survey: Survey, way: _Way, gaps: Sequence[float], whole: bool) -> str:  # noqa: FBT001
    polls = way.polls
    if not polls:
        return f" and nothing after it{'' if whole else _as_far(survey)}"
    often = f" {cadence(mean(gaps))}" if gaps else ""
    so_far = "" if way.complete else " so far"
    name = named(polls[0].event_name)
    return f", then {name}{often} ({plural(len(polls), 'poll')}{so_far})"


def _as_far(survey: Survey) -> str:
    """Say how far it is known that nothing came: too short a time to be sure."""
    if survey.complete_to is None:
        return " so far"
    return f" up to {time_of_day(survey.complete_to)}"


def _became(way: _Way) -> str:
    """Say what became of it where no poll was allowed to tell of the end."""
    if not way.denied:
        return ""
    each = f"; every poll was denied{'' if way.complete else ' so far'}"
    if way.statuses == {"running"}:
        return f"{each}, and it is still running"
    if way.statuses != {"succeeded"}:
        return each
    doubt = ", so completion doesn't depend on polling" if way.refutes_polling else ""
    return f"{each}, yet it still succeeded{doubt}"
