"""The sentence about an API call, as a speaker would say it."""

from sfnwatch.analysis.attempt_calls import AttemptCalls
from sfnwatch.analysis.denials import is_denied
from sfnwatch.analysis.names import named
from sfnwatch.analysis.network_activity import endpoint_words
from sfnwatch.analysis.reasons import ambiguity
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.visits import Attempt
from sfnwatch.view.caption_subject import CaptionSubject
from sfnwatch.view.parts import plain_text


def call_sentence(subject: CaptionSubject, call: ApiCall) -> str:
    """Return the sentence about a call."""
    link = subject.link
    name = named(call.event_name)
    with_role = f" with the role {named(call.role)}" if call.role else ""
    if call.is_network_activity:
        which = f"{name}{with_role} was {endpoint_words(call)}"
        if not call.is_denied_by_endpoint:
            which = f"{name}{with_role} went {endpoint_words(call)}"
        return f"{which}: network activity, no call of a state"
    if link is None:
        caller = "Step Functions"
        if not call.by_step_functions:
            caller = "Someone other than Step Functions"
        return f"{caller} called {name}{with_role}; no state here explains it"
    if link.rule is LinkRule.AMBIGUOUS:
        return f"{name} is ambiguous: {ambiguity(link)}"
    if link.key is None:
        return f"{name} was called{with_role}: same role, but no matching task"
    if not link.is_sure:
        part = "a call" if link.role is CallRole.OTHER else f"the {link.role} call"
        matched = subject.matched(link)
        which = _with_outcome(call)
        return f"{which} is probably {part} of {subject.name}, {matched}"
    sentence = _matched_call(subject, call, link, link.key)
    return f"{sentence}; {subject.matched(link)}"


def _matched_call(
    subject: CaptionSubject, call: ApiCall, link: Link, key: AttemptKey
) -> str:
    which = _with_outcome(call)
    if link.role is CallRole.POLL and subject.attempt is not None:
        return _poll(subject, call, key, subject.attempt)
    if link.role is CallRole.ACTION:
        return f"Step Functions calls {which} for {subject.name}"
    if link.role is CallRole.STOP:
        return f"{which} stops {subject.job} of {subject.name}"
    return f"{which} names {subject.job} of {subject.name}, but is not its call"


def _with_outcome(call: ApiCall) -> str:
    """Return a call's name, with its error: `RunTask, which failed (…),`."""
    name = named(call.event_name)
    outcome = _outcome(call)
    return f"{name}, which {outcome}," if outcome else name


def _outcome(call: ApiCall) -> str:
    """Return a call's error: `was denied (AccessDenied)`; empty for none."""
    if not call.error_code:
        return ""
    verb = "was denied" if is_denied(call) else "failed"
    return f"{verb} ({named(call.error_code)})"


def _poll(
    subject: CaptionSubject, call: ApiCall, key: AttemptKey, attempt: Attempt
) -> str:
    """Return the sentence of a poll: its number, its time and its effect.

    The time is since the action call.
    """
    calls = AttemptCalls(subject.snapshot, Coverage(subject.snapshot), key, attempt)
    outcome = _outcome(call)
    does = outcome or f"asks whether {subject.job} is still running"
    number = _poll_number(calls, call)
    after = _since_action(subject)
    sentence = f"Poll{number}: {named(call.event_name)} {does}{after}"
    if not outcome:
        return sentence
    if attempt.status == "running":
        return f"{sentence}, but the state keeps waiting"
    if attempt.status != "succeeded":
        return sentence
    sentence = f"{sentence}, yet the state still succeeded"
    if calls.complete and all(map(is_denied, calls.polls.every)):
        return f"{sentence}, so completion doesn't depend on polling"
    return sentence


def _poll_number(calls: AttemptCalls, call: ApiCall) -> str:
    """Return a poll's number: ` 2 of 5`; empty if it is not sure."""
    polls = calls.polls.sure
    for number, poll in enumerate(polls, 1):
        if poll is call:
            return f" {number} of {len(polls)}" if calls.complete else f" {number}"
    return ""


def _since_action(subject: CaptionSubject) -> str:
    shown = subject.line.call.subject if subject.line.call is not None else ()
    since = plain_text(shown).strip().removeprefix("+")
    return f", {since} after {subject.action}" if since else ""
