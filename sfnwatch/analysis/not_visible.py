"""Findings on what is not visible, and why."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from statistics import median, quantiles
from typing import Any

from sfnwatch.analysis.execution_analysis import ExecutionAnalysis
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import FEW, grouped, ranked
from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.lists import listed_counts, some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import plural, spoken, time_of_day
from sfnwatch.analysis.reasons import ambiguity
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.analysis.trace_analysis import TraceAnalysis
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import account_of
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.integrations import Integration, Unrecorded
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean

_WITNESSES = 5
_MESSAGE = 200
_TROUBLE = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})
_WHOLE_SECONDS = timedelta(seconds=1)
_WHY = {
    Unrecorded.DATA_EVENT: " is a data event, which CloudTrail Event history does not"
    " include",
    Unrecorded.HTTP: " is an HTTPS request; CloudTrail Event history includes only the"
    " GetSecretValue for its connection",
    Unrecorded.KUBERNETES: " is a request to the cluster's own Kubernetes API, which"
    " CloudTrail does not log",
    # The only sign of it is that an AWS page does not list the call.
    Unrecorded.NEVER: " is not logged by CloudTrail",
}

_unseen = partial(finding, "unseen")


def not_visible(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield what could not be seen of an execution."""
    survey = case.trace_analysis
    yield from _history(case.execution)
    yield from _unrecorded(case)
    showing = [use for use in case.states if survey.shows(use.row)]
    for use in showing:
        if use.row and not any(e.calls.every for e in use.attempts):
            yield from _missing_calls(case, use, use.row)
    yield from _map_runs(case)
    yield from _other_executions(case)
    if survey.watched and showing:
        yield from _incomplete(case)
        yield from unmatched(survey, case.execution.arn)


def _history(execution: ExecutionAsOf) -> Iterator[Finding]:
    """Yield what of a history is missing: AWS numbers events from 1 without a gap."""
    events = execution.events
    name = named(execution.name)
    if not events:
        text = (
            f"The history of {name} is not in what was opened: what it did is unknown."
        )
        if execution.was_watched:
            text = f"The history of {name} was not read, so what it did is unknown."
        yield _unseen(text, reason="no-history")
        return
    last = max(event.id for event in events)
    missing = last - len(events)
    count = plural(len(events), "event is", "events are")
    is_cut = not execution.running and execution.ending is None
    if missing or is_cut:
        end = f", and it went on to its end ({named(execution.status)})"
        text = f"The history of {name} is not whole: {count} loaded, the last one is"
        text += f" #{last}{end if is_cut else ''}."
        yield _unseen(text, [f"#{last}"], reason="history-gap", missing=missing)
    if execution.status == UNKNOWN:
        yield _unseen(_no_end(execution), [f"#{last}"], reason="no-end")


def _no_end(execution: ExecutionAsOf) -> str:
    """Explain why it is not known whether an execution still runs."""
    name = named(execution.name)
    if execution.hides_success:
        text = f"Only failures of {name} are logged: whether it succeeded or still runs"
        return f"{text} is not known."
    text = f"The history of {name} stops before its end: whether it still runs, and how"
    return f"{text} it ended, is not known."


def _unrecorded(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the states whose calls the Event history never has, like ones together."""
    unseen = (u for u in case.states if u.row and not case.trace_analysis.shows(u.row))
    groups = grouped(unseen, lambda use: resource_words(use.first))
    for resource, uses in groups.items():
        row = uses[0].row
        verb = "calls" if len(uses) == 1 else "call"
        unrecorded = (row and row.unrecorded) or Unrecorded.DATA_EVENT
        text = f"{some([use.name for use in uses])} {verb} {resource}:"
        text += f" {row.action_event if row else 'that'}{_WHY[unrecorded]}."
        data: dict[str, Any] = {"reason": "not-recorded", "visit": uses[0].visits[0].id}
        data |= {"states": len(uses), "count": sum(len(use.attempts) for use in uses)}
        data["call"] = _call_name(row) if row else None
        fact = unrecorded is not Unrecorded.NEVER
        yield _unseen(text, _scheduled(uses), fact=fact, **data)


def _missing_calls(
    case: ExecutionAnalysis, use: StateAnalysis, row: Integration
) -> Iterator[Finding]:
    """Yield why no call of a state is in the records."""
    where: dict[str, Any] = {"visit": use.visits[0].id, "count": len(use.attempts)}
    there = account_of(use.first.role_arn)
    proofs = _scheduled([use])
    if there is not None and there != account_of(case.execution.role_arn):
        text = f"{use.name} uses a role of account {named(there)}: its calls are in"
        text += " that account's CloudTrail; --trail-profile can read it."
        where |= {"reason": "other-account", "account": there}
        yield _unseen(text, proofs, fact=False, **where)
    elif all(
        case.trace_analysis.covers(each.attempt.ended_at) for each in use.attempts
    ):
        name = row.event_source, row.action_event
        text = f"No {named(row.action_event)} call was matched to {use.name}"
        if count := case.trace_analysis.doubtful_names[name]:
            calls = plural(count, "call of that name is", "calls of that name are")
            text += f"; {calls} here, and whose is not certain."
            where["reason"] = "not-matched"
        else:
            text += ", though CloudTrail is complete up to there (estimate); another"
            text += " Region's, or another trail, may have it."
            where["reason"] = "not-found"
        where["call"] = _call_name(row)
        yield _unseen(text, proofs, fact=False, **where)


def _scheduled(uses: Iterable[StateAnalysis]) -> tuple[str, ...]:
    attempts = (each.attempt for use in uses for each in use.attempts)
    ids = dict.fromkeys(f"#{attempt.scheduled_id}" for attempt in attempts)
    return tuple(ids)[:_WITNESSES]


def _call_name(row: Integration) -> str:
    return f"{row.event_source.removesuffix('.amazonaws.com')}:{row.action_event}"


def _map_runs(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield a finding on Map Runs of which only the events are known."""
    told = case.snapshot.map_runs
    turns = [turn for turn in case.execution.map_run_turns if turn.arn not in told]
    if runs := [turn for turn in turns if turn.event.type == "MapRunStarted"]:
        text = f"{plural(len(runs), 'Map Run was', 'Map Runs were')} started: what"
        text += " child executions did is not in this history."
        arns = [turn.arn or None for turn in runs[:5]]
        proofs = (f"#{turn.event.id}" for turn in runs)
        yield _unseen(text, proofs, reason="map-run", count=len(runs), map_runs=arns)


def _other_executions(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield the number of other executions of its machine: they share its role."""
    snapshot = case.snapshot
    execution = case.execution
    begin = case.execution.started_at
    if begin is None or snapshot.at is not None:
        return  # the lists are of today, not of the replay's time
    end = execution.stopped_at
    known = snapshot.executions
    lists = snapshot.trace.execution_lists
    if count := lists.count_others(execution.arn, begin, end, known):
        text = f"{plural(count, 'other execution')} of this machine ran meanwhile."
        yield finding("other-executions", text, count=count)


def _incomplete(case: ExecutionAnalysis) -> Iterator[Finding]:
    """Yield how far CloudTrail is known, if that is short of the execution's end."""
    coverage = case.trace_analysis.coverage
    health = case.snapshot.health.get("lookup")
    stopped = case.execution.stopped_at
    known = coverage.complete_to
    if health is not None and health.state in _TROUBLE:
        why = f": {clean(health.message, _MESSAGE)}" if health.message else "."
        text = f"CloudTrail could not be read to the end ({health.state}){why}"
        yield _unseen(text, reason="cloudtrail-refused")
    elif stopped is not None and not case.trace_analysis.covers(stopped):
        text = "How far CloudTrail is complete is unknown"
        if known is not None and coverage.live:
            text = f"CloudTrail is complete up to {time_of_day(known)} (estimate)"
        elif known is not None:
            text = f"The newest call loaded is from {time_of_day(known)}"
        text += f", and {named(case.execution.name)} ended at {time_of_day(stopped)}:"
        complete_to = None if known is None else f"{known:%Y-%m-%dT%H:%M:%SZ}"
        data: dict[str, Any] = {"reason": "incomplete", "complete_to": complete_to}
        yield _unseen(f"{text} later calls may be missing.", fact=False, **data)


def unmatched(survey: TraceAnalysis, execution_arn: str | None) -> Iterator[Finding]:
    """Yield findings on an execution's unmatched calls.

    With None, they are the calls that may belong to several executions, or to any.
    """
    if mixed := survey.unmatched.get((execution_arn, LinkRule.AMBIGUOUS)):
        reasons = ranked(ambiguity(survey.snapshot.link(call)) for call in mixed)
        text = f"{plural(len(mixed), 'call is', 'calls are')} not matched:"
        text += f" {_names(mixed)} ({'; '.join(list(reasons)[:FEW])})."
        yield finding("ambiguous", text, mixed, count=len(mixed))
    if alone := survey.unmatched.get((execution_arn, LinkRule.ROLE_ONLY)):
        many = plural(len(alone), "call by the role matches", "calls by the role match")
        text = f"{many} no attempt of any state: {_names(alone)}."
        yield _unseen(text, alone, reason="role-only", count=len(alone))


def _names(calls: Sequence[ApiCall]) -> str:
    return listed_counts(ranked(call.event_name for call in calls))


def not_loaded(
    survey: TraceAnalysis, cases: Sequence[ExecutionAnalysis]
) -> Iterator[Finding]:
    """Yield what is missing altogether; `cases` are those of the root executions."""
    snapshot = survey.snapshot
    trace = survey.snapshot.trace
    calling = any(use.row is not None for case in cases for use in case.states)
    if not survey.watched and calling:
        text = "No CloudTrail data loaded, so API calls and polling are unknown."
        yield _unseen(text, reason="no-cloudtrail")
    if trace.calls and not snapshot.roots:
        text = "There is no execution history here: calls alone show what was called,"
        text += " but not how an execution ended."
        yield _unseen(text, reason="no-history")
    yield from unmatched(survey, None)
    if count := len(trace.unread):
        text = f"{plural(count, 'record')} could not be read."
        yield _unseen(text, reason="unread", count=count)


def lateness(survey: TraceAnalysis) -> Iterator[Finding]:
    """Yield how long after the calls their records were seen.

    Only calls made during the watch count: a record that was there before does not show
    when it arrived.
    """
    snapshot = survey.snapshot
    seen = [call.seen_at for call in snapshot.calls]
    seen += [event.seen_at for run in snapshot.roots.values() for event in run.events]
    first = min(filter(None, seen), default=None)
    late = sorted(
        (max(0.0, (call.seen_at - call.event_time).total_seconds()), call.event_id)
        for call in snapshot.calls
        if first and call.seen_at and first - call.event_time < _WHOLE_SECONDS
    )
    if not late:
        return
    seconds = [length for length, _ in late]
    longest, latest = late[-1]
    p90 = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else longest
    # With few values, `quantiles` extrapolates beyond the largest of them.
    figures = {"median": median(seconds), "p90": min(p90, longest), "max": longest}
    half, most, last = map(spoken, figures.values())
    text = f"CloudTrail showed {plural(len(seconds), 'call')} made during the watch:"
    text += f" half of them within {half}, 90% within {most}, the last after {last}."
    data: dict[str, Any] = {key: round(each, 1) for key, each in figures.items()}
    yield finding("lag", text, [latest], count=len(seconds), **data)
