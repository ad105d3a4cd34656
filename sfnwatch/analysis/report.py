"""A trace explained on a page or two: what failed, what took long, how, and why.

`report_document.explain` makes a document of it.
"""

from collections.abc import Sequence
from datetime import datetime

from sfnwatch.analysis.execution_analysis import analyse_execution
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import counts_by_name
from sfnwatch.analysis.names import short_names_of
from sfnwatch.analysis.state_row import StateRow, state_rows
from sfnwatch.analysis.surprise import is_news, most_surprising
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.verdict import ExecutionVerdict
from sfnwatch.analysis.work import run_to_end
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot

ROWS = 100
"""The most rows of a table; the rows left out are counted."""
_HEADLINES = 3


class Report:
    """A snapshot, explained; an empty trace has a report, too."""

    def __init__(
        self,
        snapshot: Snapshot,
        findings: Sequence[Finding] | None = None,
        now: datetime | None = None,
        *,
        with_states: bool = True,
    ) -> None:
        """`findings` is the result of `find`, if it is known already.

        For a long history, the table of states takes long to make. A screen has its own
        table and can do without this one.
        """
        analysis = TraceAnalysis(snapshot, now)
        if findings is None:
            findings = find(snapshot, now)
        arns = {None, *analysis.roots}
        self.findings = [item for item in findings if item.execution_arn in arns]
        """The findings of each execution in order, then those of the whole trace."""
        self.executions = [
            ExecutionReport(analysis, execution, with_states=with_states)
            for execution in analysis.roots.values()
        ]
        self.calls = CallsReport(analysis)
        self.unread = len(snapshot.trace.unread)
        """Records that could not be read."""

    def findings_of(self, execution_arn: str | None) -> list[Finding]:
        """Return the findings of one execution; with None, those of the whole trace.

        Conclusions from several executions are left out.
        """
        findings = []
        for finding in self.findings:
            is_conclusion = finding.kind == CONCLUSION
            if finding.execution_arn == execution_arn and not is_conclusion:
                findings.append(finding)
        return findings

    @property
    def headline(self) -> str:
        """The first headlines in a line; several executions are named."""
        names = short_names_of(report.execution for report in self.executions)
        words = []
        for finding in self.telling(_HEADLINES):
            text = finding.headline or finding.text
            if len(names) > 1 and finding.execution_arn in names:
                text = f"{names[finding.execution_arn]}: {text}"
            words.append(text.removesuffix("."))
        return " · ".join(words)

    def headlines_of(self, execution_arn: str) -> list[str]:
        """Return the first headlines of an execution that are news."""
        news = filter(is_news, most_surprising(self.findings_of(execution_arn)))
        headlines = [finding.headline for finding in news if finding.headline]
        return headlines[:_HEADLINES]

    def telling(self, count: int) -> list[Finding]:
        """Return up to `count` findings, the most surprising first.

        They are those of the executions and of the whole trace, without child
        executions'.
        """
        arns = {None, *(report.execution.arn for report in self.executions)}
        findings = [item for item in self.findings if item.execution_arn in arns]
        return most_surprising(findings)[:count]


class ExecutionReport:
    """What became of one execution: its verdict, and its states."""

    def __init__(
        self, analysis: TraceAnalysis, execution: ExecutionAsOf, *, with_states: bool
    ) -> None:
        self.execution = execution
        self.verdict = ExecutionVerdict(analysis, execution)
        rows: list[StateRow] = []
        if with_states:
            rows = state_rows(run_to_end(analyse_execution(analysis, execution)))
        self.states = rows[:ROWS]
        """The rows of the table of states."""
        self.left_out = max(0, len(rows) - ROWS)
        """The number of rows left out."""


class CallsReport:
    """What is known of the calls of the whole trace."""

    def __init__(self, analysis: TraceAnalysis) -> None:
        snapshot = analysis.snapshot
        calls = snapshot.calls
        self.count = len(calls)
        self.first_at = calls[0].event_time if calls else None
        self.last_at = calls[-1].event_time if calls else None
        self.watched = analysis.watched
        """False if CloudTrail was not asked, and no records of it were read."""
        self.complete_to = analysis.coverage.complete_to
        """The time up to which calls are believed complete; in files, the newest."""
        self.measured = analysis.coverage.live
        """True if `complete_to` was measured while watching."""
        rules = []
        for call in calls:
            link = snapshot.link(call)
            rules.append(str(link.rule) if link else "none")
        self.by_rule = counts_by_name(rules)
        """The number of calls matched by each rule; `none` for calls without a link."""
