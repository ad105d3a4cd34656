"""Two executions beside each other: what is the same, what differs, and where first.

Times alone make no difference in kind: two runs that went through the same states with
the same outcomes did the same, however long they took and however often they polled.
"""

from collections.abc import Hashable
from datetime import datetime

from sfnwatch.next.analysis.case import Survey, Work, build_case, done
from sfnwatch.next.analysis.compare.alignment import KindOf, match_visits
from sfnwatch.next.analysis.compare.differences import (
    compare_definitions,
    find_differences,
    find_gaps,
    state_names,
)
from sfnwatch.next.analysis.compare.document import comparison_document, comparison_json
from sfnwatch.next.analysis.compare.values import (
    Comparison,
    Side,
    group_iterations,
    pair_visits,
)
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.visits import StateVisit

__all__ = [
    "Comparison",
    "compare",
    "comparing",
    "comparison_document",
    "comparison_json",
]


def compare(
    moment_a: Moment,
    arn_a: str,
    moment_b: Moment,
    arn_b: str,
    now: datetime | None = None,
) -> Comparison:
    """Compare two executions, named by their ARNs; the moments may be the same.

    What still runs is measured to `now`, to its moment or else to the last that is
    known of it. Raises KeyError for an execution that its moment does not show.
    """
    return done(comparing(moment_a, arn_a, moment_b, arn_b, now))


def comparing(
    moment_a: Moment,
    arn_a: str,
    moment_b: Moment,
    arn_b: str,
    now: datetime | None = None,
) -> Work[Comparison]:
    """Compare likewise, with pauses: two of the longest histories take 0.3 s."""
    survey_a = Survey(moment_a)
    survey_b = survey_a if moment_b is moment_a else Survey(moment_b)
    case_a = yield from build_case(survey_a, moment_a.executions[arn_a])
    case_b = yield from build_case(survey_b, moment_b.executions[arn_b])
    a, b = Side("A", case_a, now), Side("B", case_b, now)
    matches = match_visits(a.visits, b.visits, _kind_of(a, b))
    pairs = yield from pair_visits(matches, a, b)
    found = Comparison(
        a=a,
        b=b,
        pairs=pairs,
        groups=group_iterations(pairs, a, b),
        definitions=compare_definitions(a.execution, b.execution),
    )
    yield
    found.differences = find_differences(found)
    found.gaps = list(find_gaps(found))
    return found


def _kind_of(a: Side, b: Side) -> KindOf:
    """Tell states that do the same by different names: both start a job of one kind.

    A name that both machines have stands for the same state in both.
    """
    shared = state_names(a.execution) & state_names(b.execution)

    def kind_of(visit: StateVisit) -> Hashable | None:
        row = visit.attempts[0].integration if visit.attempts else None
        if visit.name in shared or row is None or not row.starts_job:
            return None
        return visit.type, row.event_source, row.action_event

    return kind_of
