"""A trace explained on a page or two: what failed, what took long, how, and why.

`report` holds what is known, `explain` says it as a document.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from sfnwatch.next.analysis.case import Survey, build_case, done
from sfnwatch.next.analysis.conclusions import CONCLUSION
from sfnwatch.next.analysis.document import (
    Block,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Sentence,
    Table,
    section,
    sentence,
)
from sfnwatch.next.analysis.failures import caught_errors
from sfnwatch.next.analysis.finding import Certainty, Finding, evidence
from sfnwatch.next.analysis.findings import Topic, find, most_telling, topic_of
from sfnwatch.next.analysis.patterns import integration_text
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.state_table import CallsOfState, StateRow, state_rows
from sfnwatch.next.analysis.time_spent import says_nothing
from sfnwatch.next.analysis.verdict import Headline, Verdict, headline, judge
from sfnwatch.next.analysis.wording import (
    decimal,
    named,
    plural,
    resource_words,
    spoken,
    time_of_day,
    visit_name,
    why,
)
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.visits import StateVisit

ROWS = 100
"""No table has more rows; what is left out is counted."""
_ALIKE = 6
"""A section tells no more findings of one kind; what is left out is counted."""
_PATH = 120
_CAUSE = 600
_RULES = {
    "request-id": "request ID",
    "parameters": "same parameters",
    "order": "order",
    "unique-candidate": "role, action and time",
    "ambiguous": "nothing certain",
    "role-only": "same role only",
}


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
    failures: tuple[Sentence, ...]
    """How it failed, and what was caught."""
    integrations: tuple[Sentence, ...]
    """One line for each resource, however many states use it."""
    states: tuple[StateRow, ...] = ()
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
    """How many were matched by each rule; `none` for those of no execution."""


class Report(Struct, frozen=True):
    """A trace, explained."""

    headline: Headline
    executions: tuple[ExecutionReport, ...]
    findings: tuple[Finding, ...]
    """Those of each execution in order, then those of the trace as a whole."""
    calls: CallsReport
    unread: int = 0
    """Records that could not be read."""

    def findings_of(self, execution_arn: str | None) -> list[Finding]:
        """Give those of one execution; of None, those of the trace as a whole."""
        return [
            found
            for found in self.findings
            if found.execution_arn == execution_arn and found.kind != CONCLUSION
        ]


def report(
    moment: Moment,
    findings: Sequence[Finding] | None = None,
    now: datetime | None = None,
    *,
    with_states: bool = True,
) -> Report:
    """Explain what stood at a moment; an empty trace too.

    `findings` are those of `find`, where they are known. The table of states takes
    long to make for a long history; a screen has its own.
    """
    survey = Survey(moment, now)
    told = find(moment, now) if findings is None else findings
    roots = survey.roots
    return Report(
        headline=headline(moment, told, now),
        executions=tuple(
            _execution(survey, execution, told, with_states=with_states)
            for execution in roots.values()
        ),
        findings=tuple(
            found
            for found in told
            if found.execution_arn is None or found.execution_arn in roots
        ),
        calls=_calls(survey),
        unread=len(moment.trace.unread),
    )


def _execution(
    survey: Survey,
    execution: ExecutionAsOf,
    findings: Iterable[Finding],
    *,
    with_states: bool,
) -> ExecutionReport:
    verdict = judge(survey, execution)
    rows = state_rows(done(build_case(survey, execution))) if with_states else []
    own = [finding for finding in findings if finding.execution_arn == execution.arn]
    caught = caught_errors(execution, [*execution.visits])
    return ExecutionReport(
        execution_arn=execution.arn,
        name=execution.name,
        state_machine=execution.state_machine_name,
        role_arn=execution.role_arn,
        started_at=execution.started_at,
        stopped_at=execution.stopped_at,
        event_count=execution.event_count,
        verdict=verdict,
        failures=(*_failure(execution, verdict), *(each.sentence for each in caught)),
        integrations=tuple(_integrations(execution, own)),
        states=tuple(rows[:ROWS]),
        left_out=max(0, len(rows) - ROWS),
    )


def _failure(execution: ExecutionAsOf, verdict: Verdict) -> Iterator[Sentence]:
    """Say what failed and why, as far as the error and its cause tell."""
    ending, visit = execution.ending, execution.visit(verdict.visit)
    reason = why(verdict.error, verdict.cause, _CAUSE)
    if execution.running or ending is None or not (reason or visit):
        return
    what = visit_name(visit, alone=visit.parent is None) if visit else "The execution"
    how = "timed out" if verdict.status == "TIMED_OUT" else "failed"
    how = "was aborted" if verdict.status == "ABORTED" else how
    proofs = [f"#{visit.event_ids[-1]}"] if visit and visit.event_ids else []
    yield Sentence(
        text=f"{what} {how}{f' with {reason}' if reason else ''}.",
        certainty=Certainty.FACT,
        evidence=evidence([*proofs, f"#{ending.id}"]),
        execution_arn=execution.arn,
    )


def _integrations(
    execution: ExecutionAsOf, findings: Iterable[Finding]
) -> Iterator[Sentence]:
    groups: dict[str, list[tuple[Finding, StateVisit]]] = defaultdict(list)
    for finding in findings:
        visit = execution.visit(finding.data.get("visit"))
        if finding.kind == "pattern" and visit is not None:
            groups[resource_words(visit.attempts[0])].append((finding, visit))
    for those in groups.values():
        names = [named(visit.name) for _, visit in those]
        proofs = (item for finding, _ in those for item in finding.evidence)
        yield Sentence(
            text=integration_text(names, those[0][1].attempts[0]),
            certainty=Certainty.FACT,
            evidence=evidence(proofs),
            kind="pattern",
            execution_arn=execution.arn,
        )


def _calls(survey: Survey) -> CallsReport:
    moment = survey.moment
    calls, links = moment.calls, moment.link
    rules = (link.rule if (link := links(call)) else "none" for call in calls)
    by_rule = Counter(str(rule) for rule in rules)
    return CallsReport(
        count=len(calls),
        first_at=calls[0].event_time if calls else None,
        last_at=calls[-1].event_time if calls else None,
        watched=survey.watched,
        complete_to=survey.complete_to,
        measured=survey.coverage.live,
        by_rule=dict(sorted(by_rule.items())),
    )


# -- as a document ---------------------------------------------------------------------


def explain(report: Report) -> Document:
    """Say what a report holds: of each execution what failed first, then the rest."""
    blocks: list[Block] = []
    concluded = [sentence(f) for f in report.findings if f.kind == CONCLUSION]
    blocks += section(Topic.CONCLUDED, concluded, level=1)
    for execution in report.executions:
        blocks += _execution_blocks(report, execution)
    blocks.append(Heading(_whole_heading(report)))
    facts = tuple(_trace_facts(report))
    blocks += [Items(facts)] if facts else []
    blocks += _told(report.findings_of(None))
    return Document(tuple(blocks))


def summarize(report: Report) -> Document:
    """Say in a few lines how it ended and what matters: for a job's summary."""
    blocks: list[Block] = []
    for execution in report.executions:
        found = most_telling(report.findings_of(execution.execution_arn))
        blocks += (
            Heading(name_words(execution)),
            Paragraph(execution.verdict.text, strong=True),
            Paragraph(_span(execution)),
            *execution.failures,
            *map(sentence, found),
        )
    return Document(tuple(blocks))


def name_words(execution: ExecutionReport) -> str:
    """Name an execution: `nightly-report › run-7f3a`."""
    machine, name = execution.state_machine, named(execution.name)
    return f"{named(machine)} › {name}" if machine else name


def _execution_blocks(report: Report, execution: ExecutionReport) -> Iterator[Block]:
    yield Heading(name_words(execution))
    yield Paragraph(execution.verdict.text, strong=True)
    yield Paragraph(_span(execution))
    by_topic: dict[Topic, list[Finding]] = {topic: [] for topic in Topic}
    for finding in report.findings_of(execution.execution_arn):
        by_topic[topic_of(finding)].append(finding)
    for topic, found in by_topic.items():
        yield from section(topic, _topic(topic, found, execution))


def _topic(
    topic: Topic, found: list[Finding], execution: ExecutionReport
) -> list[Block]:
    if topic is Topic.FAILED:
        return [*execution.failures, *_told(found)]
    if topic is Topic.SLOW:
        worth = [f for f in found if f.kind != "time" or not says_nothing(f.data)]
        return [*_told(worth), *_states(execution)]
    if topic is Topic.INTEGRATIONS:
        calls = [f for f in found if f.kind != "pattern"]
        lines = tuple(calls_words(execution))
        return [
            *execution.integrations,
            *_told(calls),
            *([Items(lines)] if lines else []),
        ]
    return list(_told(found))


def _told(findings: Iterable[Finding]) -> Iterator[Block]:
    """Tell findings; of very many of one kind the first few, and how many more."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[finding.kind] += 1
        if counts[finding.kind] <= _ALIKE:
            yield sentence(finding)
    for count in counts.values():
        if count > _ALIKE:
            yield Paragraph(f"… and {count - _ALIKE:,} more like these.")


def _span(execution: ExecutionReport) -> str:
    """Say when it ran, and how much of it is known."""
    begin, end = execution.started_at, execution.stopped_at
    told = []
    if begin is not None:
        until = f" to {time_of_day(end, begin)}" if end else ""
        told.append(f"{begin:%Y-%m-%d %H:%M:%S}{until} UTC")
    told.append(plural(execution.event_count, "event"))
    return ", ".join(told)


def _states(execution: ExecutionReport) -> Iterator[Block]:
    rows = execution.states
    if not rows:
        return

    def spent(phase: Phase) -> tuple[str, ...]:
        lengths = (row.phases.get(phase) for row in rows)
        return tuple(spoken(length) if length else "" for length in lengths)

    visits = [row.visits for row in rows]
    several = any(count != 1 for count in visits)
    yield Table(
        (
            Column("State", tuple(clean(row.path, _PATH) for row in rows), least=26),
            Column(
                "Runs",
                tuple(row.resource or clean(row.type) for row in rows),
                rank=6,
                least=16,
            ),
            _numbers("Visits", visits if several else [0] * len(visits), rank=2),
            _numbers("Attempts", [row.tries for row in rows], rank=3),
            Column("Working", spent(Phase.WORKING), right=True, rank=4),
            Column("Waiting", spent(Phase.WAITING), right=True, rank=8),
            Column("Back-off", spent(Phase.BACKING_OFF), right=True, rank=5),
            Column("Lag", spent(Phase.COMPLETION_LAG), right=True, rank=7),
            Column("Total", tuple(spoken(row.seconds) for row in rows), right=True),
            Column("Status", tuple(status_words(row) for row in rows)),
        )
    )
    if any(count > 1 for count in visits):
        yield Paragraph("Totals add up all visits, including concurrent ones.")
    if execution.left_out:
        yield Paragraph(f"{plural(execution.left_out, 'more state')} not listed.")


def _numbers(head: str, numbers: Sequence[int], rank: int) -> Column:
    cells = tuple(str(number) if number else "" for number in numbers)
    return Column(head, cells, right=True, rank=rank)


def status_words(row: StateRow) -> str:
    """Say how its visits ended: `succeeded`, or `97 succeeded, 3 failed`."""
    if len(row.statuses) == 1:
        return next(iter(row.statuses)).replace("_", " ")
    ordered = sorted(row.statuses.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in ordered)


def calls_words(execution: ExecutionReport) -> Iterator[str]:
    """Say for each state that has some which calls it has, and how they are matched."""
    for row in execution.states:
        calls = row.calls
        if not calls.by_role:
            continue
        counts = [plural(count, role) for role, count in calls.by_role.items()]
        counts += [f"{calls.denied} denied"] if calls.denied else []
        counts += [f"{calls.failed} failed"] if calls.failed else []
        words = {**_RULES, "resource-id": row.id_word}
        rules = (f"{words.get(r, r)} ({n})" for r, n in calls.by_rule.items())
        matched = f"matched by {', '.join(rules)}"
        path = clean(row.path, _PATH)
        yield f"{path}: {', '.join(counts)}{_poll_words(calls)}; {matched}"


def _poll_words(calls: CallsOfState) -> str:
    """Say how often was polled; one poll comes once."""
    if not calls.poll_call or calls.poll_mean is None:
        return ""
    average, name = decimal(calls.poll_mean), named(calls.poll_call)
    if calls.by_role.get("poll") == 1:
        return f"; {name} after {average} s"
    least, most = decimal(calls.poll_min or 0), decimal(calls.poll_max or 0)
    extremes = f" ({least} to {most} s)" if least != most else ""
    return f"; {name} every {average} s{extremes}"


def _whole_heading(report: Report) -> str:
    """Head what is of no execution in particular."""
    if len(report.executions) > 1:
        return "Across all executions"
    if report.executions:
        return "CloudTrail"
    return "API calls without a history" if report.calls.count else "Nothing loaded"


def _trace_facts(report: Report) -> Iterator[str]:
    """Say what there is of CloudTrail."""
    calls = report.calls
    if not calls.watched:
        # Where that is felt, a finding says it.
        if not report.findings_of(None):
            yield "No CloudTrail data loaded."
        return
    if calls.first_at is None or calls.last_at is None:
        yield "CloudTrail shows no call."
        return
    begin = f"{calls.first_at:%Y-%m-%d %H:%M:%S}"
    end = time_of_day(calls.last_at, calls.first_at)
    when = f"at {begin}" if calls.count == 1 else f"from {begin} to {end}"
    yield f"{plural(calls.count, 'call')}, {when} UTC."
    if calls.measured and calls.complete_to is not None:
        yield f"CloudTrail complete up to {time_of_day(calls.complete_to)} (estimate)."
