"""A report as a document of headings, sentences and tables."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

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

_ALIKE = 6
"""The most findings of one kind in a section; the ones left out are counted."""
_PATH = 120
_RULES = {
    "request-id": "request ID",
    "parameters": "same parameters",
    "unique-candidate": "role, action and time",
}


def explain(report: Report) -> Iterator[Block]:
    """Yield a report as blocks: of each execution what failed first, then the rest."""
    concluded = [f for f in report.findings if f.kind == CONCLUSION]
    yield from section(Topic.CONCLUDED, concluded, level=1)
    for execution in report.executions:
        yield from _execution_blocks(report, execution)
    yield Heading(_whole_heading(report))
    if facts := list(_trace_facts(report)):
        yield Items(facts)
    yield from _told(report.findings_of(None))


def _execution_blocks(report: Report, execution: ExecutionReport) -> Iterator[Block]:
    run = execution.execution
    machine = run.state_machine_name
    name = named(run.name)
    yield Heading(f"{named(machine)} › {name}" if machine else name)
    yield Paragraph(execution.verdict.text, strong=True)
    yield Paragraph(_span(run))
    found = grouped(report.findings_of(run.arn), topic_of)
    for topic in Topic:
        yield from section(topic, [*_blocks(topic, found.get(topic, ()), execution)])


def _blocks(
    topic: Topic, found: Sequence[Finding], execution: ExecutionReport
) -> Iterator[Block]:
    yield from _told(found)
    if topic is Topic.SLOW:
        yield from _states(execution)
    if topic is Topic.INTEGRATIONS and (lines := list(_calls_words(execution))):
        yield Items(lines)


def _told(findings: Iterable[Finding]) -> Iterator[Block]:
    """Yield findings; of many of one kind, the first few and the number of others."""
    counts: Counter[str] = Counter()
    for each in findings:
        counts[each.kind] += 1
        if counts[each.kind] <= _ALIKE:
            yield each
    for count in counts.values():
        if count > _ALIKE:
            yield Paragraph(f"… and {count - _ALIKE:,} more like these.")


def _span(execution: ExecutionAsOf) -> str:
    """Return when an execution ran, and the number of its events."""
    begin = execution.started_at
    end = execution.stopped_at
    events = plural(execution.event_count, "event")
    until = f" to {time_of_day(end, begin)}" if end else ""
    return f"{begin:%Y-%m-%d %H:%M:%S}{until} UTC, {events}" if begin else events


def _states(execution: ExecutionReport) -> Iterator[Block]:
    rows = execution.states
    if not rows:
        return

    def spent(head: str, rank: int, phase: Phase) -> Column:
        lengths = (row.phases.get(phase) for row in rows)
        cells = [spoken(length) if length else "" for length in lengths]
        return Column(head, cells, right=True, rank=rank)

    several = any(row.visits > 1 for row in rows)
    visits = [f"{row.visits}" if several else "" for row in rows]
    runs = [row.resource or clean(row.type) for row in rows]
    tries = [f"{row.tries or ''}" for row in rows]
    columns = (
        Column("State", [clean(row.path, _PATH) for row in rows], least=26),
        Column("Runs", runs, rank=6, least=16),
        Column("Visits", visits, right=True, rank=2),
        Column("Attempts", tries, right=True, rank=3),
        spent("Working", 4, Phase.WORKING),
        spent("Waiting", 8, Phase.WAITING),
        spent("Back-off", 5, Phase.BACKING_OFF),
        spent("Lag", 7, Phase.COMPLETION_LAG),
        Column("Total", [spoken(row.seconds) for row in rows], right=True),
        Column("Status", list(map(_statuses, rows))),
    )
    yield Table(columns)
    if several:
        yield Paragraph("Totals add up all visits, including concurrent ones.")
    if execution.left_out:
        yield Paragraph(f"{plural(execution.left_out, 'more state')} not listed.")


def _statuses(row: StateRow) -> str:
    """Return how the visits ended: `succeeded`, or `97 succeeded, 3 failed`."""
    if len(row.statuses) == 1:
        return status_words(*row.statuses)
    ordered = sorted(row.statuses.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {status_words(status)}" for status, count in ordered)


def _calls_words(execution: ExecutionReport) -> Iterator[str]:
    """Yield a line for each state with calls: which, and how they are matched."""
    for row in execution.states:
        calls = row.calls
        told = [plural(count, role) for role, count in calls.by_role.items()]
        others = {"denied": calls.denied, "failed": calls.failed}
        told += [f"{count} {word}" for word, count in others.items() if count]
        told += [f"up to {calls.guessed} more"] if calls.guessed else []
        words = {**_RULES, "resource-id": row.id_word}
        rules = [f"{words.get(r, r)} ({n})" for r, n in calls.by_rule.items()]
        if rules:
            made = f"{clean(row.path, _PATH)}: {', '.join(told)}"
            yield f"{made}; matched by {', '.join(rules)}"


def _whole_heading(report: Report) -> str:
    """Return the heading of the part on no execution in particular."""
    if report.executions:
        return "CloudTrail" if len(report.executions) == 1 else "Across all executions"
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
    begin = f"{calls.first_at:%Y-%m-%d %H:%M:%S}"
    end = time_of_day(calls.last_at, calls.first_at)
    when = f"at {begin}" if calls.count == 1 else f"from {begin} to {end}"
    yield f"{plural(calls.count, 'call')}, {when} UTC."
    if calls.measured and calls.complete_to is not None:
        yield f"CloudTrail complete up to {time_of_day(calls.complete_to)} (estimate)."
