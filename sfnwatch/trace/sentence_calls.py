"""One sentence for a row of the lane of calls."""

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.filter_rows import is_denied
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.sentence_parts import (
    id_of,
    service_name,
    short,
    starts_job,
    thing_of,
)
from sfnwatch.trace.text import duration
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import id_word

_BECAUSE = {
    "aborted": ", since the state was aborted",
    "timed_out": ", since the state ran out of time",
    "failed": ", since the state failed",
}


def call_sentence(row: Row, call: ApiCall, trace: Trace) -> str:
    """Explain a call: what it is for, whose it is, and how sure that is."""
    link = row.link
    if link is None:
        return _foreign(call, trace)
    if link.rule is Rule.AMBIGUOUS:
        return (
            f"{short(call.event_name)} fits {link.candidate_count} tries equally well:"
            " whose it is can't be told."
        )
    if link.rule is Rule.ROLE_ONLY:
        return _of_role(call)
    state = _state_of(link, trace)
    if link.rule is Rule.UNIQUE_CANDIDATE:
        return _guess(row, call, link, state)
    match link.role:
        case CallRole.ACTION:
            return _action(row, call, link, state)
        case CallRole.POLL:
            return _poll(row, call, link, trace)
        case CallRole.STOP:
            because = _BECAUSE.get(row.attempt.status if row.attempt else "", "")
            thing = thing_of(row.attempt)
            return f"{short(call.event_name)} stops the {thing} of {state}{because}."
    thing = thing_of(row.attempt)
    return (
        f"{short(call.event_name)} names the {thing} of {state}, but is no call of it."
    )


def _foreign(call: ApiCall, trace: Trace) -> str:
    what = f"{short(call.event_name)} of {service_name(call.event_source)}"
    by = "by Step Functions" if call.by_step_functions else "not by Step Functions"
    role = f", with the role {short(call.role)}" if call.role else ""
    if not trace.timelines:
        return f"{what}, made {by}{role}; no history is here to tie it to."
    return f"{what}, made {by}{role}: none of the executions here has to do with it."


def _of_role(call: ApiCall) -> str:
    name, role = short(call.event_name), short(call.role)
    if call.event_source.startswith("xray."):
        return (
            f"X-Ray's {name} runs under the same role; it is no part of the workflow."
        )
    if call.event_name == "AssumeRole":
        return (
            f"The role {role} takes on another one, probably for a state's credentials."
        )
    return (
        f"{name} was made with the role {role} too, but no state is known to make it."
    )


def _guess(row: Row, call: ApiCall, link: Link, state: str) -> str:
    role = "" if link.role is CallRole.OTHER else f"the {link.role} of "
    failed = f" ({short(call.error_code)})" if call.error_code else ""
    number = f" {row.number}" if row.number else ""
    return (
        f"A guess: {short(call.event_name)}{number}{failed} is probably {role}{state}:"
        " only that try fits by role, action and time."
    )


def _action(row: Row, call: ApiCall, link: Link, state: str) -> str:
    attempt, name = row.attempt, short(call.event_name)
    if call.error_code:
        verb = "is refused" if is_denied(row) else "fails"
        return f"Step Functions calls {name} for {state}, and {verb}: {_error(call)}."
    begins = ""
    if attempt is not None and attempt.resource_ids and starts_job(attempt):
        begins = f", which starts the {thing_of(attempt)} {id_of(attempt)}"
    tie = "request id" if link.rule is Rule.REQUEST_ID else id_word(attempt)
    made = f"Step Functions calls {name} for {state}{begins}"
    return f"{made}; both sides name the same {tie}."


def _poll(row: Row, call: ApiCall, link: Link, trace: Trace) -> str:
    which = _which(row, link, trace)
    if call.error_code:
        verb = "is refused" if is_denied(row) else "fails"
        return f"Poll {which} {verb}: {_error(call)}{_all_the_same(row)}."
    service, thing = service_name(call.event_source), thing_of(row.attempt)
    if call.event_source.startswith("states."):
        service = "its own API"
    asks = f"Step Functions asks {service} whether the {thing} is still running"
    return f"{asks}: poll {which}{_since(row)}."


def _which(row: Row, link: Link, trace: Trace) -> str:
    """Number a poll; of how many is known once the attempt is over."""
    number = f"{row.number or '?'}"
    if row.attempt is None or row.attempt.ended_at is None:
        return number
    count = sum(
        other.role is CallRole.POLL
        and (other.execution_arn, other.attempt_id)
        == (link.execution_arn, link.attempt_id)
        for other in trace.links.values()
    )
    return f"{number} of {count}"


def _since(row: Row) -> str:
    if row.gap is None:
        return ""
    first = row.number == 1 or row.gap == row.since
    before = "the action" if first else "the one before"
    # A poll in between may not have come in yet.
    return f", {duration(row.gap)} after {before}{'' if row.sure else ' that is known'}"


def _all_the_same(row: Row) -> str:
    """Say that a poll that failed did not matter, where it didn't."""
    attempt = row.attempt
    integration = attempt.integration if attempt else None
    by_event = integration is not None and integration.managed_rule is not None
    if attempt is None or attempt.pattern is not Pattern.SYNC:
        return ""
    if attempt.status == "running":
        return ", yet the state goes on waiting"
    if attempt.status == "succeeded" and by_event:
        return ", yet the state goes on: the end is learnt by event too"
    return ", yet the state succeeded" if attempt.status == "succeeded" else ""


def _error(call: ApiCall) -> str:
    return short(call.error_code)


def _state_of(link: Link, trace: Trace) -> str:
    timeline = trace.histories.get(link.execution_arn or "")
    visit = timeline.visits.by_id.get(link.visit_id or 0) if timeline else None
    return short(visit.name) if visit else "a state"
