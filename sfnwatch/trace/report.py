"""A trace explained on a page or two: how it ended, state by state, and what it shows.

Frozen values, made once; the texts are made of them in `export/`. A Map's iterations
are one row, for they run one state.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.conclusions import CONCLUSION
from sfnwatch.trace.finding_case import CallsByAttempt, is_watched
from sfnwatch.trace.findings import Finding, all_findings
from sfnwatch.trace.lanes import calls_by_attempt, complete_to
from sfnwatch.trace.report_states import StateRow, state_rows
from sfnwatch.trace.report_verdict import Verdict, judge
from sfnwatch.trace.timeline import Timeline, Trace

ROWS = 100
"""No table has more rows; what is left out is counted."""


class ExecutionReport(Struct, frozen=True):
    """What became of one execution."""

    execution_arn: str
    name: str
    state_machine: str | None
    role_arn: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    event_count: int
    verdict: Verdict
    states: tuple[StateRow, ...]
    left_out: int = 0
    """How many more states than `states` there are."""


class CallsReport(Struct, frozen=True):
    """What is known of the calls of the whole trace."""

    count: int
    first_at: datetime | None
    last_at: datetime | None
    watched: bool
    """False if there is no CloudTrail at all in what was read."""
    complete_to: datetime | None
    """Up to when they are believed complete: of files, their newest call."""
    measured: bool
    """True if `complete_to` was measured while watching."""
    by_rule: Mapping[str, int]
    """How many were tied by each rule; `none` for those of no execution."""


class Report(Struct, frozen=True):
    """A trace, explained."""

    executions: tuple[ExecutionReport, ...]
    findings: tuple[Finding, ...]
    """All of them: of each execution in order, then of the trace as a whole."""
    calls: CallsReport
    unread: int = 0
    """Records that could not be read."""

    def findings_of(self, execution_arn: str | None) -> tuple[Finding, ...]:
        """Give those of one execution; of None, those of the trace as a whole."""
        return tuple(
            found
            for found in self.findings
            if found.execution_arn == execution_arn and found.kind != CONCLUSION
        )

    @property
    def conclusions(self) -> tuple[Finding, ...]:
        """What several executions together show: to be told first."""
        return tuple(found for found in self.findings if found.kind == CONCLUSION)


def report(trace: Trace) -> Report:
    """Explain a trace; an empty one too."""
    by_attempt = calls_by_attempt(trace)
    return Report(
        executions=tuple(
            _execution(trace, timeline, by_attempt)
            for timeline in trace.timelines.values()
        ),
        findings=all_findings(trace),
        calls=_calls(trace),
        unread=len(trace.unread),
    )


def _execution(
    trace: Trace, timeline: Timeline, calls: CallsByAttempt
) -> ExecutionReport:
    rows = state_rows(trace, timeline, calls)
    return ExecutionReport(
        execution_arn=timeline.execution_arn,
        name=timeline.name,
        state_machine=timeline.state_machine_name,
        role_arn=timeline.role_arn,
        started_at=timeline.started_at,
        stopped_at=timeline.stopped_at,
        event_count=len(timeline.events),
        verdict=judge(trace, timeline),
        states=rows[:ROWS],
        left_out=max(0, len(rows) - ROWS),
    )


def _calls(trace: Trace) -> CallsReport:
    calls = trace.ordered_calls
    links = (trace.links.get(call.event_id) for call in calls)
    by_rule = Counter(str(link.rule) if link else "none" for link in links)
    return CallsReport(
        count=len(calls),
        first_at=calls[0].event_time if calls else None,
        last_at=calls[-1].event_time if calls else None,
        watched=is_watched(trace),
        complete_to=complete_to(trace),
        measured="lookup" in trace.health,
        by_rule=dict(sorted(by_rule.items())),
    )
