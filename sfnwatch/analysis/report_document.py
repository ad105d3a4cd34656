"""A report as a document of headings, sentences and tables."""

from collections import Counter
from collections.abc import Iterable, Iterator

from sfnwatch.analysis.document import (
    Block,
    Column,
    Heading,
    Items,
    Paragraph,
    Table,
    section,
)
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.quantities import plural, spoken, time_of_day
from sfnwatch.analysis.report import ExecutionReport, Report
from sfnwatch.analysis.state_row import StateRow
from sfnwatch.analysis.statuses import status_words
from sfnwatch.analysis.topics import Topic, topic_of
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean

_MOST_OF_A_KIND = 6
"""The most findings of one kind in a section; the ones left out are counted."""
_PATH_LETTERS = 120
"""The most letters of a state's path."""
_RULES = {
    "request-id": "request ID",
    "parameters": "same parameters",
    "unique-candidate": "role, action and time",
}
"""The rules by which calls are matched, in words."""


def explain(report: Report) -> Iterator[Block]:
    """Yield a report as blocks: of each execution what failed first, then the rest."""
    conclusions = [item for item in report.findings if item.kind == CONCLUSION]
    yield from section(Topic.CONCLUDED, conclusions, level=1)
    for execution in report.executions:
        yield from _execution_blocks(report, execution)
    yield Heading(_trace_heading(report))
    facts = list(_trace_facts(report))
    if facts:
        yield Items(facts)
    yield from _finding_blocks(report.findings_of(None))


def _execution_blocks(report: Report, execution: ExecutionReport) -> Iterator[Block]:
    run = execution.execution
    title = named(run.name)
    if run.state_machine_name:
        title = f"{named(run.state_machine_name)} › {title}"
    yield Heading(title)
    yield Paragraph(execution.verdict.text, strong=True)
    headlines = report.headlines_of(run.arn)
    if headlines:
        yield Paragraph(" · ".join(headlines))
    yield Paragraph(_span(run))
    findings = grouped(report.findings_of(run.arn), topic_of)
    for topic in Topic:
        blocks = list(_finding_blocks(findings.get(topic, ())))
        if topic is Topic.SLOW:
            blocks += _states_table(execution)
        if topic is Topic.INTEGRATIONS:
            lines = list(_call_lines(execution))
            if lines:
                blocks.append(Items(lines))
        yield from section(topic, blocks)


def _finding_blocks(findings: Iterable[Finding]) -> Iterator[Block]:
    """Yield findings; of many of one kind, the first few and the number of others."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.kind] += 1
        if counts[finding.kind] <= _MOST_OF_A_KIND:
            yield finding
    for count in counts.values():
        if count > _MOST_OF_A_KIND:
            yield Paragraph(f"… and {count - _MOST_OF_A_KIND:,} more like these.")


def _span(execution: ExecutionAsOf) -> str:
    """Return when an execution ran, and the number of its events."""
    begin = execution.started_at
    end = execution.stopped_at
    events = plural(execution.event_count, "event")
    if begin is None:
        return events
    until = f" to {time_of_day(end, begin)}" if end else ""
    return f"{begin:%Y-%m-%d %H:%M:%S}{until} UTC, {events}"


def _states_table(execution: ExecutionReport) -> Iterator[Block]:
    rows = execution.states
    if not rows:
        return

    def spent(head: str, rank: int, phase: Phase) -> Column:
        cells = []
        for row in rows:
            seconds = row.phases.get(phase)
            cells.append(spoken(seconds) if seconds else "")
        return Column(head, cells, right=True, rank=rank)

    is_repeated = any(row.visits > 1 for row in rows)
    paths = [clean(row.path, _PATH_LETTERS) for row in rows]
    resources = [row.resource or clean(row.type) for row in rows]
    visits = [str(row.visits) if is_repeated else "" for row in rows]
    tries = [str(row.tries or "") for row in rows]
    totals = [spoken(row.seconds) for row in rows]
    statuses = [_statuses(row) for row in rows]
    columns = (
        Column("State", paths, least=26),
        Column("Runs", resources, rank=6, least=16),
        Column("Visits", visits, right=True, rank=2),
        Column("Attempts", tries, right=True, rank=3),
        spent("Working", 4, Phase.WORKING),
        spent("Waiting", 8, Phase.WAITING),
        spent("Back-off", 5, Phase.BACKING_OFF),
        spent("Lag", 7, Phase.COMPLETION_LAG),
        Column("Total", totals, right=True),
        Column("Status", statuses),
    )
    yield Table(columns)
    if is_repeated:
        yield Paragraph("Totals add up all visits, including concurrent ones.")
    if execution.left_out:
        yield Paragraph(f"{plural(execution.left_out, 'more state')} not listed.")


def _statuses(row: StateRow) -> str:
    """Return how the visits ended: `succeeded`, or `97 succeeded, 3 failed`."""
    if len(row.statuses) == 1:
        return status_words(*row.statuses)
    most_first = sorted(row.statuses.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {status_words(status)}" for status, count in most_first)


def _call_lines(execution: ExecutionReport) -> Iterator[str]:
    """Yield a line for each state with calls: which, and how they are matched."""
    for row in execution.states:
        calls = row.calls
        if not calls.by_rule:
            continue
        counts = [plural(count, role) for role, count in calls.by_role.items()]
        if calls.denied:
            counts.append(f"{calls.denied} denied")
        if calls.failed:
            counts.append(f"{calls.failed} failed")
        if calls.guessed:
            counts.append(f"up to {calls.guessed} more")
        rules = []
        for rule, count in calls.by_rule.items():
            words = row.id_word if rule == "resource-id" else _RULES.get(rule, rule)
            rules.append(f"{words} ({count})")
        path = clean(row.path, _PATH_LETTERS)
        yield f"{path}: {', '.join(counts)}; matched by {', '.join(rules)}"


def _trace_heading(report: Report) -> str:
    """Return the heading of the part on no execution in particular."""
    if len(report.executions) > 1:
        return "Across all executions"
    if report.executions:
        return "CloudTrail"
    return "API calls without a history" if report.calls.count else "Nothing loaded"


def _trace_facts(report: Report) -> Iterator[str]:
    """Yield which CloudTrail records there are."""
    calls = report.calls
    if calls.first_at is None or calls.last_at is None:
        if calls.watched:
            yield "CloudTrail shows no call."
        elif not report.findings_of(None):  # a finding says so where it matters
            yield "No CloudTrail data loaded."
        return
    when = f"at {calls.first_at:%Y-%m-%d %H:%M:%S}"
    if calls.count > 1:
        end = time_of_day(calls.last_at, calls.first_at)
        when = f"from {calls.first_at:%Y-%m-%d %H:%M:%S} to {end}"
    yield f"{plural(calls.count, 'call')}, {when} UTC."
    if calls.measured and calls.complete_to is not None:
        yield f"CloudTrail complete up to {time_of_day(calls.complete_to)} (estimate)."
