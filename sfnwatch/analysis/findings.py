"""What a trace shows, in sentences: each with its evidence and its certainty.

Nothing is said where the evidence is missing; that it is missing is said instead. All
is found as of a moment: a replay does not tell the end at its beginning.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from sfnwatch.analysis.call_groups import calls_alone
from sfnwatch.analysis.case import Case, Survey, Work, build_case
from sfnwatch.analysis.finding import Finding, Steps
from sfnwatch.analysis.jobs import (
    CONCLUSION,
    calls,
    completions,
    conclusions,
    denials,
    pattern,
    polling,
)
from sfnwatch.analysis.not_visible import lateness, not_loaded, not_visible
from sfnwatch.analysis.outcomes import (
    ChildIndex,
    JobFailures,
    caught,
    children,
    failed_calls,
    failed_later,
    job_failures,
    redriven,
    retries,
)
from sfnwatch.analysis.phases import time_findings
from sfnwatch.model.children import UNSUCCESSFUL
from sfnwatch.model.moment import Moment


class Topic(StrEnum):
    """What findings are about, in the order in which it is told; its heading."""

    CONCLUDED = "In short"
    """What several executions together show."""
    FAILED = "What failed"
    SLOW = "Where the time went"
    RETRIED = "What was retried or throttled"
    LEARNED = "How Step Functions learned the task had stopped"
    MAP_RUN = "Map Run"
    INTEGRATIONS = "Integrations"
    NOT_VISIBLE = "What is not visible, and why"


_TOPICS = {
    Topic.CONCLUDED: (CONCLUSION,),
    Topic.FAILED: (
        "failed",
        "caught",
        "child-failed",
        "job-failed-later",
        "failed-calls",
        "denied-and-failed",
    ),
    Topic.SLOW: ("slowest-path", "time"),
    Topic.RETRIED: ("retries", "throttled-calls", "redriven"),
    Topic.LEARNED: (
        "denied-but-succeeded",
        "unnoticed",
        "noticed",
        "denied-unknown",
        "polling",
        "next-poll",
    ),
    Topic.MAP_RUN: ("children",),
    Topic.INTEGRATIONS: ("pattern", "calls"),
    Topic.NOT_VISIBLE: (
        *("unseen", "ambiguous", "other-executions"),
        *("other-calls", "lag"),
    ),
}
_TOPIC_OF = {kind: topic for topic, kinds in _TOPICS.items() for kind in kinds}
_TELLING = [kind for kinds in _TOPICS.values() for kind in kinds]
"""The kinds, the most telling first."""
_NEWS = frozenset({Topic.FAILED, Topic.RETRIED, Topic.LEARNED, Topic.MAP_RUN})


def topic_of(finding: Finding) -> Topic:
    """Say what a finding is about; a Map Run's is a failure if children failed."""
    unsuccessful = (finding.data.get(status.lower()) for status in UNSUCCESSFUL)
    if finding.kind == "children" and any(unsuccessful):
        return Topic.FAILED
    return _TOPIC_OF.get(finding.kind, Topic.NOT_VISIBLE)


def find(moment: Moment, now: datetime | None = None) -> list[Finding]:
    """Find all: of each execution, its children's too, then of the trace as a whole.

    What runs has come as far as `now`, or else as the moment, or as the records go.
    """
    return [found for found in find_in_steps(moment, now) if found is not None]


def find_in_steps(moment: Moment, now: datetime | None = None) -> Steps:
    """Find all, and yield None wherever other work may be done in between.

    Of use until the trace changes; then it must begin again.
    """
    survey, index = Survey(moment, now), ChildIndex(moment)
    yield from survey.look()
    roots: list[Case] = yield from _cases(survey, survey.roots)
    nested: list[Case] = yield from _cases(survey, moment.children)
    failures = yield from job_failures(moment, [*roots, *nested])
    for case in (*roots, *nested):
        told: list[Finding] = []
        for found in _of_execution(case, index, failures):
            if found is None:
                yield None
            else:
                told.append(replace(found, execution_arn=case.execution.arn))
        yield from sorted(told, key=_order)
        yield None
    yield from conclusions(survey, roots)
    yield from calls_alone(survey, index)
    yield from not_loaded(survey, roots)
    yield from lateness(survey)


def _cases(survey: Survey, arns: Iterable[str]) -> Work[list[Case]]:
    cases = []
    for arn in arns:
        case = yield from build_case(survey, survey.moment.executions[arn])
        cases.append(case)
        yield
    return cases


def _of_execution(case: Case, index: ChildIndex, failures: JobFailures) -> Steps:
    for use in case.uses:
        for tell in (denials, completions, polling, retries, failed_calls):
            yield from tell(case, use)
            yield None
        yield pattern(use)
        yield from calls(case, use)
    yield from caught(case)
    yield None
    yield from children(case, index)
    yield from failed_later(case, failures)
    yield from redriven(case)
    yield from time_findings(case)
    yield None
    yield from not_visible(case)
    yield None


def _order(finding: Finding) -> int:
    return list(Topic).index(topic_of(finding))


def most_telling(findings: Iterable[Finding]) -> list[Finding]:
    """Give what is news, failures first."""
    told = [finding for finding in findings if topic_of(finding) in _NEWS]
    return sorted(told, key=lambda f: (_order(f), _TELLING.index(f.kind)))
