"""Findings on calls that are matched to no attempt."""

from collections.abc import Iterator, Sequence

from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import FEW, ranked
from sfnwatch.analysis.lists import listed_counts
from sfnwatch.analysis.quantities import plural
from sfnwatch.analysis.reasons import ambiguity
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.linking.link import LinkRule

_AMBIGUOUS = "{calls} not matched: {names} ({reasons})."
_ROLE_ONLY = "{calls} no attempt of any state: {names}."


def unmatched_calls(
    trace_analysis: TraceAnalysis, execution_arn: str | None
) -> Iterator[Finding]:
    """Yield findings on an execution's unmatched calls.

    With None, they are the calls that may belong to several executions, or to any.
    """
    unmatched = trace_analysis.unmatched
    calls = unmatched.get((execution_arn, LinkRule.AMBIGUOUS))
    if calls:
        links = map(trace_analysis.snapshot.link, calls)
        reasons = list(ranked(map(ambiguity, links)))
        text = _AMBIGUOUS.format(
            calls=plural(len(calls), "call is", "calls are"),
            names=_names(calls),
            reasons="; ".join(reasons[:FEW]),
        )
        yield finding("ambiguous", text, calls, count=len(calls))
    calls = unmatched.get((execution_arn, LinkRule.ROLE_ONLY))
    if calls:
        text = _ROLE_ONLY.format(
            calls=plural(
                len(calls), "call by the role matches", "calls by the role match"
            ),
            names=_names(calls),
        )
        yield finding("unseen", text, calls, reason="role-only", count=len(calls))


def _names(calls: Sequence[ApiCall]) -> str:
    return listed_counts(ranked(call.event_name for call in calls))
