"""A trace explained on a page or two: what failed, what took long, how, and why.

`Report` holds what is known, `explain` makes a document of it.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, zip_longest
from statistics import median

from sfnwatch.analysis.attempt_analysis import AttemptGroup
from sfnwatch.analysis.document import (
    Block,
    Column,
    Heading,
    Items,
    Paragraph,
    Table,
    section,
)
from sfnwatch.analysis.execution_analysis import ExecutionAnalysis, analyse_execution
from sfnwatch.analysis.finding import CONCLUSION, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.grouping import grouped, ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.names import named, short_names_of
from sfnwatch.analysis.phases import Phase, length_of, seconds_by_phase
from sfnwatch.analysis.poll_intervals import interval_statistics
from sfnwatch.analysis.quantities import plural, spoken, time_of_day
from sfnwatch.analysis.statuses import status_words
from sfnwatch.analysis.topics import Topic, most_telling, topic_of
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.analysis.verdict import ExecutionVerdict
from sfnwatch.analysis.work import run_to_end
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.linking.link import role_of_call
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import FAILED, StateVisit

ROWS = 100
"""The most rows of a table; the rows left out are counted."""
_ALIKE = 6
"""The most findings of one kind in a section; the ones left out are counted."""
_PATH = 120
_PARTS = 2
"""The most sentences in a headline."""
_RULES = {
    "request-id": "request ID",
    "parameters": "same parameters",
    "unique-candidate": "role, action and time",
}


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
        self.by_rule = _counts(str(link.rule) if link else "none" for link in links)
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


def _counts(words: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(words).items()))


# -- states ----------------------------------------------------------------------------


class CallsOfState:
    """The calls matched to a state's attempts."""

    def __init__(self, case: ExecutionAnalysis, told: AttemptGroup) -> None:
        sure = told.calls.sure
        link = case.snapshot.link
        self.by_role = _counts(str(role_of_call(call, link(call))) for call in sure)
        """The number of calls by role (action, poll, stop, other), without zeros."""
        rules = filter(None, map(link, told.calls.every))
        self.by_rule = _counts(str(each.rule) for each in rules)
        self.guessed = len(told.calls.guessed)
        """The number of calls matched by a guess. Only `by_rule` counts them, too."""
        self.denied = len(told.calls.denied.sure)
        self.failed = sum(call.error_code is not None for call in sure) - self.denied
        """The number of calls with another error than a denial."""
        self.poll_call = next(iter(ranked(p.event_name for p in told.polls.sure)), None)
        """The name of the call it polls with; None without a poll."""
        self.poll_mean, self.poll_min, self.poll_max = interval_statistics(
            told.seconds_between_polls
        ).values()


class StateRow:
    """One state in one place, with all its visits; lengths are in seconds."""

    def __init__(
        self, case: ExecutionAnalysis, path: str, visits: Sequence[StateVisit]
    ) -> None:
        told = AttemptGroup([a for v in visits for a in case.attempts_of.get(v.id, ())])
        now = case.known_to
        known = list(map(case.as_known, visits))
        lengths = [length_of(visit, now) for visit in known]
        phases: Counter[Phase] = Counter()
        for visit in known:
            phases.update(seconds_by_phase(case.execution, visit, now))
        first = visits[0]
        tries = [each.attempt for each in told.attempts]
        row = tries[0].integration if tries else None
        self.path = path
        """The path in AWS's names: `Parallel[1] / Each[*] / Work`."""
        self.name = first.name
        self.type = first.type
        self.resource = resource_words(tries[0]) if tries else None
        """What it runs, cleaned: `ecs:runTask.sync`; None if it is no Task."""
        self.id_word = row.id_word if row else "id"
        """The word for the id of its job: `task ARN`."""
        self.visits, self.visit = len(visits), first.id
        """The number of visits, and the id of the first one."""
        self.tries = len(tries)
        self.failed_tries = sum(attempt.status in FAILED for attempt in tries)
        self.phases = {p: round(phases[p], 3) for p in Phase if phases[p]}
        """The seconds of all visits together, by phase."""
        self.seconds = round(sum(lengths), 3)
        """The seconds of all visits together; concurrent visits each count in full."""
        self.longest = round(max(lengths), 3)
        self.median = round(median(lengths), 3)
        self.statuses = _counts(visit.status for visit in visits)
        self.calls = CallsOfState(case, told)


def state_rows(case: ExecutionAnalysis) -> list[StateRow]:
    """Return a row for each state and place, in the order of their first visits.

    All visits of one state in one place are one row: the iterations of a Map, the
    rounds of a loop. Each branch of a Parallel is a place of its own.
    """
    places: dict[int | None, tuple[str, str]] = {None: ("", "")}
    """The path and the type of each visit, by its id."""

    def place(visit: StateVisit) -> Hashable:
        around, kind = places.get(visit.parent, ("", ""))
        index = "*" if kind == "Map" else visit.index
        number = "" if visit.index is None else f"[{index}]"
        path = f"{around}{number} / {visit.name}" if around else visit.name
        places[visit.id] = path, visit.type
        resource = resource_words(visit.attempts[0]) if visit.attempts else ""
        return path, index, visit.type, resource

    rows = grouped(case.visits, place).values()
    return [StateRow(case, places[those[0].id][0], those) for those in rows]


# -- as a document ---------------------------------------------------------------------


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
