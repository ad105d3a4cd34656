"""What could not be seen, and why: absence of a record is no record of absence."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sfnwatch.trace.call_chains import is_of_job
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_case import Case, Use, is_watched
from sfnwatch.trace.finding_words import named, plural, some
from sfnwatch.trace.integration_names import Unrecorded
from sfnwatch.trace.integrations import Integration
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.logged import Names, names_in, shows
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import RUNNING, Timeline, Trace
from sfnwatch.trace.words import resource_words

_XRAY = "xray.amazonaws.com"
_ACCOUNT = 4
_WITNESSES = 5
_MESSAGE = 200
_TROUBLE = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})


_WHY = {
    Unrecorded.DATA_EVENT: "that is not recorded as a management event, so CloudTrail's"
    " Event history can't show it",
    Unrecorded.HTTP: "an HTTPS endpoint, so CloudTrail's Event history has no more of"
    " it than the GetSecretValue for its connection",
    Unrecorded.KUBERNETES: "that is the cluster's own Kubernetes API, which is none of"
    " AWS's, so CloudTrail can't show it",
    # That a page does not list it is all that says so.
    Unrecorded.NEVER: "CloudTrail does not log that, so it can't show it",
}


def _unseen(
    reason: str,
    text: str,
    witnesses: tuple[str, ...] = (),
    *,
    fact: bool = True,
    **data: object,
) -> Finding:
    return Finding(
        kind="unseen",
        certainty=Certainty.FACT if fact else Certainty.INFERENCE,
        text=text,
        evidence=witnesses,
        data={"reason": reason, **data},
    )


# -- of one execution ------------------------------------------------------------


def unseen(case: Case) -> Iterator[Finding]:
    """Say what of an execution could not be seen."""
    there = names_in(case.trace)
    yield from _history(case.timeline)
    yield from _unrecorded(case, there)
    showing = [use for use in case.uses if shows(use.first.integration, there)]
    for use in showing:
        yield from _calls_of(case, use)
    yield from _map_runs(case)
    if case.watched and showing:
        yield from _late(case)
        yield from _untied(case)


def _history(timeline: Timeline) -> Iterator[Finding]:
    """Find events that are missing: AWS numbers them from 1 without a gap."""
    if not timeline.events:
        yield _unseen(
            "no-history",
            f"The history of {named(timeline.name)} is not here: what it did is"
            " unknown.",
        )
        return
    missing = max(timeline.events) - len(timeline.events)
    if missing > 0:
        yield _unseen(
            "history-gap",
            f"{plural(missing, 'event')} of the history"
            f" {'is' if missing == 1 else 'are'} missing: the last is"
            f" #{max(timeline.events)}, and {len(timeline.events)} are here.",
            missing=missing,
        )
    if timeline.status not in RUNNING and timeline.ending is None:
        yield _unseen(
            "history-end",
            f"The history here stops at #{max(timeline.events)}, and"
            f" {named(timeline.name)} went on to its end"
            f" ({named(timeline.status)}): later events are missing.",
            (f"#{max(timeline.events)}",),
        )


def _calls_of(case: Case, use: Use) -> Iterator[Finding]:
    """Say why a state's calls do not show."""
    row, attempt = use.first.integration, use.first
    if row is None or any(tried.calls for tried in use.tries):
        return
    witnesses = evidence(f"#{tried.attempt.scheduled_id}" for tried in use.tries)[
        :_WITNESSES
    ]
    where: dict[str, Any] = {"visit": use.visits[0].id, "count": len(use.tries)}
    own, there = _account(case.timeline.role_arn), _account(attempt.role_arn)
    if there is not None and there != own:
        yield _unseen(
            "other-account",
            f"{use.name} calls with a role of account {named(there)}: its calls land"
            " in that account's CloudTrail, where --trail-profile would look.",
            witnesses,
            fact=False,
            **where,
            account=there,
        )
    elif case.watched and _surely_called(case, use):
        yield _unseen(
            "not-found",
            f"No {named(row.action_event)} of {use.name} was seen, though CloudTrail is"
            f" believed complete to there{_region(case, use)}{_partly(row)}.",
            witnesses,
            fact=False,
            **where,
            call=_call_name(row),
        )


def _unrecorded(case: Case, there: Names) -> Iterator[Finding]:
    """Name the states whose calls Event history never shows, like ones together."""
    groups: dict[str, list[Use]] = defaultdict(list)
    for use in case.uses:
        row = use.first.integration
        if row is not None and not shows(row, there):
            groups[resource_words(use.first)].append(use)
    for resource, uses in groups.items():
        row = uses[0].first.integration
        tries = [tried for use in uses for tried in use.tries]
        verb = "calls" if len(uses) == 1 else "call"
        yield _unseen(
            "not-recorded",
            f"{some([use.name for use in uses])} {verb} {resource}: {_why(row)}.",
            evidence(f"#{tried.attempt.scheduled_id}" for tried in tries)[:_WITNESSES],
            fact=row is not None and row.unrecorded is not Unrecorded.NEVER,
            visit=uses[0].visits[0].id,
            states=len(uses),
            count=len(tries),
            call=_call_name(row) if row else None,
        )


def _why(row: Integration | None) -> str:
    """Say why Event history has nothing of such a call."""
    return _WHY[(row and row.unrecorded) or Unrecorded.DATA_EVENT]


def _call_name(row: Integration) -> str:
    return f"{row.event_source.removesuffix('.amazonaws.com')}:{row.action_event}"


def _account(arn: str | None) -> str | None:
    parts = (arn or "").split(":")
    return parts[_ACCOUNT] or None if len(parts) > _ACCOUNT else None


def _region(case: Case, use: Use) -> str:
    region = use.first.region
    home = case.timeline.execution_arn.split(":")[3:4]
    if region is None or region in home:
        return ""
    return f"; it calls in {named(region)}, whose CloudTrail is another"


def _partly(row: Integration) -> str:
    """Say of a data event why it may be missing where others of its kind are not."""
    if row.recorded:
        return ""
    return "; a trail may log such data events of some resources only"


def _surely_called(case: Case, use: Use) -> bool:
    return all(case.covers(tried.attempt.ended_at) for tried in use.tries)


def _map_runs(case: Case) -> Iterator[Finding]:
    """Tell of Map Runs of which nothing is known but that they were."""
    runs = [
        event
        for event in case.timeline.ordered
        if event.type == "MapRunStarted"
        and event.detail("mapRunArn") not in case.trace.map_runs
    ]
    if runs:
        yield _unseen(
            "map-run",
            f"{plural(len(runs), 'Map Run')} ran items as executions of their own:"
            " their states and calls are not in this history.",
            evidence(f"#{event.id}" for event in runs),
            count=len(runs),
            map_runs=[event.detail("mapRunArn") for event in runs[:5]],
        )


def _late(case: Case) -> Iterator[Finding]:
    """Say up to when CloudTrail is known, where that is short of the end."""
    health = case.trace.health.get("lookup")
    if health is not None and health.state in _TROUBLE:
        yield _unseen(
            "cloudtrail-refused",
            f"CloudTrail could not be read to the end ({health.state})"
            f"{f': {clean(health.message, _MESSAGE)}' if health.message else ''}",
        )
        return
    stopped = case.timeline.stopped_at
    if stopped is None or case.covers(stopped):
        return
    if case.complete is None:
        text = (
            "How far CloudTrail is complete is not known: later calls may be missing."
        )
        yield _unseen("incomplete", text, complete_to=None)
        return
    known = f"{case.complete:%H:%M:%S} UTC"
    reach = (
        f"The newest call here is of {known}"
        if health is None
        else f"CloudTrail is believed complete only to {known}"
    )
    yield _unseen(
        "incomplete",
        f"{reach}, and {named(case.timeline.name)} ended at {stopped:%H:%M:%S}: later"
        " calls may be missing.",
        fact=False,
        complete_to=f"{case.complete:%Y-%m-%dT%H:%M:%SZ}",
    )


def _untied(case: Case) -> Iterator[Finding]:
    """Tell of calls by the execution's role that no attempt fits."""
    arn = case.timeline.execution_arn
    links = case.trace.links
    alone = [
        call
        for call in case.trace.ordered_calls
        if (link := links.get(call.event_id)) is not None
        and link.execution_arn == arn
        and _belongs_nowhere(call, link)
    ]
    if alone:
        yield _role_only(alone)
    mixed = [
        call
        for call in case.trace.ordered_calls
        if (link := links.get(call.event_id)) is not None
        and link.rule is Rule.AMBIGUOUS
        and link.execution_arn == arn
    ]
    if mixed:
        yield ambiguous(mixed, "tries")


def _belongs_nowhere(call: ApiCall, link: Link) -> bool:
    """Leave out X-Ray's sampling, and the jobs that are told of as chains."""
    return link.rule is Rule.ROLE_ONLY and not is_noise(call) and not is_of_job(call)


def is_noise(call: ApiCall) -> bool:
    return call.event_source == _XRAY


def _role_only(calls: list[ApiCall]) -> Finding:
    return _unseen(
        "role-only",
        f"{plural(len(calls), 'call')} by the role fit no try of any state:"
        f" {_names(calls)}.",
        evidence(call.event_id for call in calls),
        count=len(calls),
    )


def ambiguous(calls: list[ApiCall], what: str) -> Finding:
    """Say that calls fit several, and are tied to none."""
    verb = "fits" if len(calls) == 1 else "fit"
    return Finding(
        kind="ambiguous",
        certainty=Certainty.FACT,
        text=(
            f"{plural(len(calls), 'call')} {verb} several {what} by role, action and"
            f" time, and nothing tells them apart: {_names(calls)}."
        ),
        evidence=evidence(call.event_id for call in calls),
        data={"count": len(calls)},
    )


def _names(calls: list[ApiCall]) -> str:
    counted = Counter(call.event_name for call in calls)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return some([f"{n} {named(name)}" for name, n in ranked])


# -- of the trace as a whole -----------------------------------------------------


def _calls_something(timeline: Timeline) -> bool:
    return any(attempt.integration for attempt in timeline.visits.attempts)


def trace_unseen(trace: Trace) -> Iterator[Finding]:
    """Say what is missing altogether."""
    timelines = trace.timelines.values()
    if not is_watched(trace) and any(_calls_something(t) for t in timelines):
        yield _unseen(
            "no-cloudtrail",
            "There is no CloudTrail in these records: which calls were made, and"
            " whether anybody polled, they can't show.",
        )
    if trace.calls and not timelines:
        yield _unseen(
            "no-history",
            "There is no execution's history in these records: calls alone show what"
            " was called, and not how an execution ended.",
        )
    between = [
        call
        for call in trace.ordered_calls
        if (link := trace.links.get(call.event_id)) is not None
        and link.rule is Rule.AMBIGUOUS
        and link.execution_arn is None
    ]
    if between:
        yield ambiguous(between, "executions")
    shared = [
        call
        for call in trace.ordered_calls
        if (link := trace.links.get(call.event_id)) is not None
        and link.execution_arn is None
        and _belongs_nowhere(call, link)
    ]
    if shared:
        yield _role_only(shared)
    if trace.unread:
        yield _unseen(
            "unread",
            f"{plural(len(trace.unread), 'record')} could not be read.",
            count=len(trace.unread),
        )
