"""What could not be seen, and why: absence of a record is no record of absence."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from statistics import median, quantiles
from typing import Any

from sfnwatch.analysis.case import Case, StateUse, Survey, grouped
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.wording import (
    FEW,
    counted,
    named,
    plural,
    ranked,
    resource_words,
    some,
    spoken,
    time_of_day,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import account_of
from sfnwatch.model.children import RUNNING
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.integrations import Integration, Unrecorded
from sfnwatch.model.links import Link, LinkRule
from sfnwatch.model.records import HealthState
from sfnwatch.model.values import clean

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
    # That a page does not list it is all that says so.
    Unrecorded.NEVER: " is not logged by CloudTrail",
}


_unseen = partial(finding, "unseen")


# -- of one execution ------------------------------------------------------------------


def not_visible(case: Case) -> Iterator[Finding]:
    """Say what of an execution could not be seen."""
    survey = case.survey
    yield from _history(case.execution)
    yield from _unrecorded(case)
    showing = [use for use in case.uses if survey.shows(use.row)]
    for use in showing:
        if use.row and not any(e.calls.every for e in use.attempts):
            yield from _missing_calls(case, use, use.row)
    yield from _map_runs(case)
    yield from _other_executions(case)
    if survey.watched and showing:
        yield from _incomplete(case)
        yield from unmatched(survey, case.execution.arn)


def _history(execution: ExecutionAsOf) -> Iterator[Finding]:
    """Find events that are missing: AWS numbers them from 1 without a gap."""
    events, name = execution.events, named(execution.name)
    if not events:
        text = f"The history of {name} is not loaded, so what it did is unknown."
        yield _unseen(text, reason="no-history")
        return
    last = max(event.id for event in events)
    missing, count = last - len(events), f"{len(events):,}"
    if missing > 0:
        are = "is" if missing == 1 else "are"
        text = f"{plural(missing, 'event')} of the history {are} missing: the last one"
        text += f" is #{last}, but {count} are loaded."
        yield _unseen(text, reason="history-gap", missing=missing)
    if execution.status not in RUNNING and execution.ending is None:
        text = f"The history loaded stops at #{last}, but {name} went on to its end"
        text += f" ({named(execution.status)}): later events are missing."
        yield _unseen(text, [f"#{last}"], reason="history-end")


def _unrecorded(case: Case) -> Iterator[Finding]:
    """Name the states whose calls Event history never shows, like ones together."""
    unseen = (u for u in case.uses if u.row and not case.survey.shows(u.row))
    groups = grouped(unseen, lambda use: resource_words(use.first))
    for resource, uses in groups.items():
        row, verb = uses[0].row, "calls" if len(uses) == 1 else "call"
        unrecorded = (row and row.unrecorded) or Unrecorded.DATA_EVENT
        text = f"{some([use.name for use in uses])} {verb} {resource}:"
        text += f" {row.action_event if row else 'that'}{_WHY[unrecorded]}."
        data: dict[str, Any] = {"reason": "not-recorded", "visit": uses[0].visits[0].id}
        data |= {"states": len(uses), "count": sum(len(use.attempts) for use in uses)}
        data["call"] = _call_name(row) if row else None
        fact = unrecorded is not Unrecorded.NEVER
        yield _unseen(text, _scheduled(uses), fact=fact, **data)


def _missing_calls(case: Case, use: StateUse, row: Integration) -> Iterator[Finding]:
    """Say why a state's calls do not show."""
    where: dict[str, Any] = {"visit": use.visits[0].id, "count": len(use.attempts)}
    there, proofs = account_of(use.first.role_arn), _scheduled([use])
    if there is not None and there != account_of(case.execution.role_arn):
        text = f"{use.name} uses a role of account {named(there)}: its calls are in"
        text += " that account's CloudTrail; --trail-profile can read it."
        where |= {"reason": "other-account", "account": there}
        yield _unseen(text, proofs, fact=False, **where)
    elif all(case.survey.covers(each.attempt.ended_at) for each in use.attempts):
        region, home = use.first.region, case.execution.arn.split(":")[3:4]
        text = f"No {named(row.action_event)} call was matched to {use.name}, though"
        text += " CloudTrail is complete up to there (estimate)"
        if region is not None and region not in home:
            text += f"; it calls {named(region)}, which has its own CloudTrail"
        if not row.recorded:  # others of its kind are there
            text += "; a trail may log such data events for some resources only"
        where |= {"reason": "not-found", "call": _call_name(row)}
        yield _unseen(f"{text}.", proofs, fact=False, **where)


def _scheduled(uses: Iterable[StateUse]) -> tuple[str, ...]:
    attempts = (each.attempt for use in uses for each in use.attempts)
    ids = dict.fromkeys(f"#{attempt.scheduled_id}" for attempt in attempts)
    return tuple(ids)[:_WITNESSES]


def _call_name(row: Integration) -> str:
    return f"{row.event_source.removesuffix('.amazonaws.com')}:{row.action_event}"


def _map_runs(case: Case) -> Iterator[Finding]:
    """Tell of Map Runs of which nothing is known but that they were."""
    runs = [
        turn
        for turn in case.execution.map_run_turns
        if turn.event.type == "MapRunStarted" and turn.arn not in case.moment.map_runs
    ]
    if runs:
        text = f"{plural(len(runs), 'Map Run')} ran items as child executions: their"
        text += " states and calls are not in this history."
        arns = [turn.arn or None for turn in runs[:5]]
        proofs = (f"#{turn.event.id}" for turn in runs)
        yield _unseen(text, proofs, reason="map-run", count=len(runs), map_runs=arns)


def _other_executions(case: Case) -> Iterator[Finding]:
    """Count the others of its machine: they call with the same role."""
    moment, execution, begin = case.moment, case.execution, case.execution.started_at
    count = None
    if begin is not None and moment.at is None:  # the lists are today's knowledge
        end, known = execution.stopped_at, moment.executions
        count = moment.trace.strangers.others(execution.arn, begin, end, known)
    if count:
        text = f"{plural(count, 'other execution')} of this machine ran meanwhile."
        yield finding("other-executions", text, count=count)


def _incomplete(case: Case) -> Iterator[Finding]:
    """Say up to when CloudTrail is known, where that is short of the end."""
    survey, health = case.survey, case.moment.health.get("lookup")
    if health is not None and health.state in _TROUBLE:
        why = f": {clean(health.message, _MESSAGE)}" if health.message else "."
        text = f"CloudTrail could not be read to the end ({health.state}){why}"
        yield _unseen(text, reason="cloudtrail-refused")
        return
    stopped, known = case.execution.stopped_at, survey.complete_to
    if stopped is None or survey.covers(stopped):
        return
    if known is None:
        text = "How far CloudTrail is complete is unknown: later calls may be missing."
        yield _unseen(text, reason="incomplete", complete_to=None)
        return
    reach = f"The newest call loaded is from {time_of_day(known)}"
    if survey.coverage.live:
        reach = f"CloudTrail is complete up to {time_of_day(known)} (estimate)"
    whole, name = f"{known:%Y-%m-%dT%H:%M:%SZ}", named(case.execution.name)
    yield _unseen(
        f"{reach}, and {name} ended at {time_of_day(stopped)}: later calls may be"
        " missing.",
        reason="incomplete",
        fact=False,
        complete_to=whole,
    )


def ambiguity(link: Link | None) -> str:
    """Say what keeps a call from being matched."""
    if link is not None and link.reason:
        return clean(link.reason, _MESSAGE)
    if link is not None and link.candidate_count > 1:
        return "nothing tells these attempts apart"
    return "another execution may have made it"


def unmatched(survey: Survey, execution_arn: str | None) -> Iterator[Finding]:
    """Tell of an execution's unmatched calls; of None, those of several, or of any."""
    mixed = survey.unmatched.get((execution_arn, LinkRule.AMBIGUOUS), ())
    if mixed:
        reasons = ranked(ambiguity(survey.moment.link(call)) for call in mixed)
        text = f"{plural(len(mixed), 'call')} {'is' if len(mixed) == 1 else 'are'} not"
        text += f" matched: {_names(mixed)} ({'; '.join(list(reasons)[:FEW])})."
        proofs = (call.event_id for call in mixed)
        yield finding("ambiguous", text, proofs, count=len(mixed))
    alone = survey.unmatched.get((execution_arn, LinkRule.ROLE_ONLY), ())
    if alone:
        proofs = (call.event_id for call in alone)
        text = f"{plural(len(alone), 'call')} by the role"
        text += f" {'matches' if len(alone) == 1 else 'match'} no attempt of any state:"
        text += f" {_names(alone)}."
        yield _unseen(text, proofs, reason="role-only", count=len(alone))


def _names(calls: Sequence[ApiCall]) -> str:
    return counted(ranked(call.event_name for call in calls))


# -- of the trace as a whole -----------------------------------------------------------


def not_loaded(survey: Survey, cases: Sequence[Case]) -> Iterator[Finding]:
    """Say what is missing altogether; `cases` are those of the root executions."""
    moment, trace = survey.moment, survey.moment.trace
    calling = any(use.row is not None for case in cases for use in case.uses)
    if not survey.watched and calling:
        text = "No CloudTrail data loaded, so API calls and polling are unknown."
        yield _unseen(text, reason="no-cloudtrail")
    if trace.calls and not moment.roots:
        text = "No execution history loaded: calls alone show what was called, but not"
        text += " how an execution ended."
        yield _unseen(text, reason="no-history")
    yield from unmatched(survey, None)
    if trace.unread:
        count = len(trace.unread)
        text = f"{plural(count, 'record')} could not be read."
        yield _unseen(text, reason="unread", count=count)


def lateness(survey: Survey) -> Iterator[Finding]:
    """Measure from each call to when it was seen.

    Only calls made while somebody watched: a record that was there before says
    nothing of when it came.
    """
    moment = survey.moment
    seen = [call for call in moment.calls if call.seen_at is not None]
    begun = [call.seen_at for call in seen]
    for execution in moment.roots.values():
        begun += [event.seen_at for event in execution.events]
    first = min((at for at in begun if at is not None), default=None)
    if first is None:
        return
    late = sorted(
        ((call.seen_at - call.event_time).total_seconds(), call.event_id)
        for call in seen
        if call.seen_at is not None and first - call.event_time < _WHOLE_SECONDS
    )
    if late:
        yield _lag([max(0.0, seconds) for seconds, _ in late], late[-1][1])


def _lag(seconds: Sequence[float], latest: str) -> Finding:
    p90 = quantiles(seconds, n=10)[-1] if len(seconds) > 1 else seconds[0]
    # Quantiles of few values are guessed past the last of them.
    p90, last, middle = min(p90, seconds[-1]), seconds[-1], median(seconds)
    text = f"CloudTrail showed {plural(len(seconds), 'call')} made during the watch:"
    text += f" half of them within {spoken(middle)}, 90% within {spoken(p90)},"
    text += f" the last after {spoken(last)}."
    figures = {"median": middle, "p90": p90, "max": last}
    data: dict[str, Any] = {key: round(each, 1) for key, each in figures.items()}
    return finding("lag", text, [latest], count=len(seconds), **data)
