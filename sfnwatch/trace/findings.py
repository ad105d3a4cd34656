"""What a trace shows, in sentences: each with its evidence and its certainty.

Nothing is said where the evidence is missing; that it is missing is said instead.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sfnwatch.trace.conclusions import conclusions
from sfnwatch.trace.finding import Certainty, Finding, brief_evidence
from sfnwatch.trace.finding_case import Case, case_of
from sfnwatch.trace.finding_chains import chain_findings
from sfnwatch.trace.finding_children import children
from sfnwatch.trace.finding_failures import failed_calls, retries
from sfnwatch.trace.finding_lag import lag
from sfnwatch.trace.finding_later import End, failed_ends, failed_later
from sfnwatch.trace.finding_notice import noticed, unnoticed
from sfnwatch.trace.finding_patterns import calls, pattern
from sfnwatch.trace.finding_polls import denials, polling
from sfnwatch.trace.finding_redrives import redriven
from sfnwatch.trace.finding_time import time_findings
from sfnwatch.trace.finding_unseen import trace_unseen, unseen
from sfnwatch.trace.lanes import calls_by_attempt
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace

__all__ = [
    "Certainty",
    "Finding",
    "all_findings",
    "brief_evidence",
    "findings",
    "trace_findings",
]


def findings(trace: Trace, timeline: Timeline) -> tuple[Finding, ...]:
    """Find what can be said of one execution of the trace."""
    return _of_execution(case_of(trace, timeline), failed_ends(trace))


def trace_findings(trace: Trace) -> tuple[Finding, ...]:
    """Find what can be said of the trace as a whole, of no execution in particular."""
    return tuple(_of_trace(trace, _cases(trace)))


def all_findings(
    trace: Trace, now: datetime | None = None, *, nested: bool = False
) -> tuple[Finding, ...]:
    """Find all: of each execution in order, then of the trace as a whole.

    What runs has come as far as `now`, or else as far as the records go. With `nested`
    also of each execution that another one began.
    """
    cases, ends = _cases(trace, now), failed_ends(trace)
    inside = _cases(trace, now, trace.children) if nested and trace.children else []
    found = [f for case in (*cases, *inside) for f in _of_execution(case, ends)]
    return (*found, *_of_trace(trace, cases))


def _cases(
    trace: Trace,
    now: datetime | None = None,
    timelines: Mapping[str, Timeline] | None = None,
) -> list[Case]:
    shown = trace.timelines if timelines is None else timelines
    by_attempt = calls_by_attempt(trace)
    return [case_of(trace, t, by_attempt, now=now) for t in shown.values()]


def _of_trace(trace: Trace, cases: Sequence[Case]) -> Iterator[Finding]:
    yield from chain_findings(trace)
    yield from trace_unseen(trace)
    yield from lag(trace)
    yield from conclusions(cases)


def _of_execution(case: Case, ends: Mapping[str, End]) -> tuple[Finding, ...]:
    arn = case.timeline.execution_arn
    return tuple(replace(found, execution_arn=arn) for found in _told(case, ends))


def _told(case: Case, ends: Mapping[str, End]) -> Iterator[Finding]:
    for use in case.uses:
        yield pattern(use)
        yield from calls(case, use)
        yield from polling(case, use)
        yield from noticed(case, use)
        yield from unnoticed(use)
        yield from denials(use)
        yield from retries(use)
        yield from failed_calls(case, use)
    yield from children(case)
    yield from failed_later(case, ends)
    yield from redriven(case)
    yield from time_findings(case)
    yield from unseen(case)
