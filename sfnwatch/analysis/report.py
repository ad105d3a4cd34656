"""A trace explained on a page or two: what failed, what took long, how, and why.

`report_document.explain` makes a document of it.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain, zip_longest

from sfnwatch.analysis.execution_analysis import analyse_execution
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import counts_by_name, grouped
from sfnwatch.analysis.names import short_names_of
from sfnwatch.analysis.state_row import state_rows
from sfnwatch.analysis.topics import Topic, most_telling, topic_of
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.verdict import ExecutionVerdict
from sfnwatch.analysis.work import run_to_end
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.snapshot import Snapshot

ROWS = 100
"""The most rows of a table; the rows left out are counted."""
_PARTS = 2
"""The most sentences in a headline."""


class ExecutionReport:
    """What became of one execution: its verdict, and its states."""

    def __init__(
        self, survey: TraceAnalysis, execution: ExecutionAsOf, *, with_states: bool
    ) -> None:
        self.execution = execution
        self.verdict = ExecutionVerdict(survey, execution)
        rows = (
            state_rows(run_to_end(analyse_execution(survey, execution)))
            if with_states
            else []
        )
        self.states, self.left_out = rows[:ROWS], max(0, len(rows) - ROWS)
        """The rows of the table of states, and the number of rows left out."""


class CallsReport:
    """What is known of the calls of the whole trace."""

    def __init__(self, survey: TraceAnalysis) -> None:
        calls = survey.snapshot.calls
        self.count = len(calls)
        self.first_at = calls[0].event_time if calls else None
        self.last_at = calls[-1].event_time if calls else None
        self.watched = survey.watched
        """False if CloudTrail was not asked, and no records of it were read."""
        self.complete_to = survey.coverage.complete_to
        """The time up to which calls are believed complete; in files, the newest."""
        self.measured = survey.coverage.live
        """True if `complete_to` was measured while watching."""
        links = map(survey.snapshot.link, calls)
        self.by_rule = counts_by_name(
            str(link.rule) if link else "none" for link in links
        )
        """The number of calls matched by each rule; `none` for calls without a link."""


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
        survey = TraceAnalysis(snapshot, now)
        told = find(snapshot, now) if findings is None else findings
        whose = {None, *survey.roots}
        self.findings = [each for each in told if each.execution_arn in whose]
        """The findings of each execution in order, then those of the whole trace."""
        self.executions = [
            ExecutionReport(survey, run, with_states=with_states)
            for run in survey.roots.values()
        ]
        self.calls = CallsReport(survey)
        self.unread = len(snapshot.trace.unread)
        """Records that could not be read."""

    def findings_of(self, execution_arn: str | None) -> list[Finding]:
        """Return the findings of one execution; with None, those of the whole trace.

        Conclusions from several executions are left out.
        """
        own = (each for each in self.findings if each.execution_arn == execution_arn)
        return [each for each in own if each.kind != CONCLUSION]

    @property
    def headline(self) -> str:
        """The two most telling sentences in a line; several executions are named."""
        names = short_names_of(each.execution for each in self.executions)
        whose = {arn: f"{name}: " for arn, name in names.items() if len(names) > 1}
        told = self.telling(_PARTS)
        return " ".join(f"{whose.get(f.execution_arn or '', '')}{f.text}" for f in told)

    def telling(self, count: int) -> list[Finding]:
        """Return up to `count` findings, for where there is little room.

        Failures come first, then conclusions from several executions, then the others.
        Of the others, the first finding of each kind comes before the second of any.
        Findings that are no news come last.
        """
        arns = {each.execution.arn for each in self.executions}
        news = most_telling(f for f in self.findings if f.execution_arn in arns)
        others = [f for f in news if topic_of(f) is not Topic.FAILED]
        concluded = [f for f in self.findings if f.kind == CONCLUSION]
        chosen = [f for f in others if f.kind != "polling"]
        chosen += (f for f in self.findings if f.kind == "slowest-path")
        chosen += (f for f in others if f.kind == "polling")
        by_kind = grouped(chosen, lambda found: found.kind).values()
        turns = [*filter(None, chain(*zip_longest(*by_kind)))]
        told = [
            *(found for found in news if topic_of(found) is Topic.FAILED),
            *sorted(concluded, key=lambda found: not found.data["denied"]),
            *turns,
            *(f for f in self.findings if f.kind == "pattern"),
            *(f for f in self.findings if f.kind == "unseen"),
        ]
        return told[:count]
