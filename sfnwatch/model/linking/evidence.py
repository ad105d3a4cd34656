"""The evidence for and against an attempt having made a call.

One contradiction rules an attempt out, whatever else agrees: roles are shared, often by
hundreds of executions of one state machine at a time.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from sfnwatch.model.api_call import ApiCall, CallName, ids_in, session_name
from sfnwatch.model.arns import account_of, last_segment
from sfnwatch.model.attempt_events import own_message
from sfnwatch.model.integrations import CallRole, usual_role
from sfnwatch.model.linking.caller import SECOND, Caller
from sfnwatch.model.linking.leaf_comparison import LeafComparison, compare_leaves
from sfnwatch.model.linking.leaves import Leaves, ids_of_call, leaves_of_record
from sfnwatch.model.linking.link import AttemptKey
from sfnwatch.model.linking.windows import Window
from sfnwatch.model.records import Record
from sfnwatch.model.times import duration
from sfnwatch.model.values import mapping_of, strings_in
from sfnwatch.model.visits import Attempt

NAMED = 3
"""At most this many parameters are named where many agree or differ."""
OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls whose request names the job, but not the run that is polled."""
_LAMBDAS_OWN: CallName = ("lambda.amazonaws.com", "InvokeExecution")
"""A call that Lambda itself makes after an asynchronous Invoke; it has that Invoke's
request id."""
_NO_CONNECTION = re.compile(
    r"connect(?:ion)? timed? ?out|UnknownHost|connection refused", re.IGNORECASE
)
_TOKEN = re.compile(r"arn:[A-Za-z0-9:/_.+=@*-]+")


class Pair(Struct, frozen=True):
    """A call, and an attempt that may have made it."""

    call: ApiCall
    record: Record
    """The CloudTrail record of the call."""
    caller: Caller
    role: CallRole
    """The role the call would have for the attempt."""
    answer: Callable[[], Leaves]
    """Reads the ids of the answer from the attempt's own events."""

    def against(self) -> Iterator[str]:
        """Yield the reasons why the attempt did not make the call, as sentences.

        A text is empty where a check found nothing. The time of the call is not
        checked: see `Caller.window`.
        """
        yield other_caller(self.call, self.caller)
        for check in CHECKS[self.role]:
            yield check(self)


def other_caller(call: ApiCall, caller: Caller) -> str:
    """Return why the call is another caller's, by role, account or Region, or ""."""
    # A row of Athena may lack the columns that show who made the call.
    if call.by_others or call.name == _LAMBDAS_OWN:
        return "Step Functions did not make it"
    if caller.role and call.role and caller.role != call.role:
        return f"another role made it: {call.role}"
    account = account_of(call.role_arn) or call.account_id
    if account and caller.account and account != caller.account:
        return f"another account's role made it: {account}"
    if call.region and caller.regions and call.region not in caller.regions:
        return f"it was made in another Region: {call.region}"
    return ""


def other_request_id(pair: Pair) -> str:
    """Return why the call's request id contradicts the attempt's own events, or "".

    The events have the request id of the attempt's last call. The calls before it were
    refused, so a retryable call contradicts nothing.
    """
    told = pair.caller.attempt.request_ids
    call = pair.call
    if not told or call.is_retryable or call.request_id in {None, *told}:
        return ""
    return "the attempt's own events tell another request ID"


def other_answer(pair: Pair) -> str:
    """Return why the call's answer contradicts the attempt's outcome, or ""."""
    call = pair.call
    attempt = pair.caller.attempt
    if call.error_code is not None:
        return ""
    row = attempt.integration
    answer = mapping_of(pair.record.get("responseElements"))
    if row is not None and row.starts_job and attempt.resource_ids:
        named = row.ids_in(answer)
        is_other = named and not named & pair.caller.ids
        return "its answer names another job" if is_other else ""
    if answer and (
        others := compare_leaves(pair.answer(), ids_of_call(pair.record)).different
    ):
        return f"its answer has another {others[0].path}"
    if attempt.status == "failed" and _never_arrived(attempt):
        return "it succeeded, and the attempt's request never arrived"
    if attempt.status != "failed" or attempt.submitted_at or attempt.resource_ids:
        return ""
    if (attempt.error or "States.").startswith("States.") or _failed_in_part(answer):
        return ""
    # The call of a function succeeds even where the function itself fails.
    if row is not None and row.event_source == "lambda.amazonaws.com":
        return ""
    return "it succeeded, and the attempt failed without having a job"


def _never_arrived(attempt: Attempt) -> bool:
    """True for an attempt that failed to connect: AWS never saw its request."""
    return _NO_CONNECTION.search(own_message(attempt, attempt.cause)) is not None


def _failed_in_part(answer: Mapping[str, Any]) -> bool:
    """True if an answer contains errors, such as the `failures` of RunTask."""
    failed = (value for key, value in answer.items() if "fail" in key.lower())
    return any(value for value in failed if isinstance(value, int | list))


def other_job(pair: Pair) -> str:
    """Return why a poll or a stop is about another job than the attempt's, or ""."""
    call = pair.call
    ids = pair.caller.ids
    if pair.caller.attempt.submitted_at is None:
        return "the attempt was never submitted"
    if not ids:
        return ""
    if call.has_request and call.event_name not in OF_ALL_RUNS:
        return _named_otherwise(mapping_of(pair.record.get("requestParameters")), ids)
    named = {arn.rstrip(".,;:") for arn in _TOKEN.findall(call.error_message or "")}
    jobs = {a for a in named if ":sts:" not in a and ":iam:" not in a and a[-1] != "*"}
    if jobs and not (jobs | set(map(last_segment, jobs))) & ids:
        return "the error names another job"
    return ""


def other_kind(pair: Pair) -> str:
    """Return why a call is not about an attempt's job though it names the job, or "".

    A call by which states start, poll or stop jobs was made by a state that does so.
    And a name identifies a job only among jobs of one kind: `CreateModel` may give a
    model the name of a training job.
    """
    call = pair.call
    row = pair.caller.attempt.integration
    if row is None or not pair.caller.ids:
        return ""
    if usual_role(call.event_source, call.event_name) is not CallRole.OTHER:
        return "it makes no such calls"
    kind = re.sub(r"^(Create|Delete)", "", row.action_event)
    if not row.id_word.endswith("name") or kind in call.event_name:
        return ""
    named = strings_in([pair.record.get("requestParameters"), call.error_message])
    arns = [each for each in pair.caller.ids if ":" in each]
    whole = any(arn in text for arn in arns for text in named)
    return "" if whole else "a name is no id but among jobs of one kind"


def _named_otherwise(asked_for: Mapping[str, Any], ids: frozenset[str]) -> str:
    """Return why the jobs a request names are not those with these ids, or ""."""
    for value in asked_for.values():
        named = [value] if isinstance(value, str) else strings_in(value)
        held = [name for name in named if name in ids or last_segment(name) in ids]
        if held:
            # An attempt may hold several jobs: RunTask starts as many as its Count.
            return "it names other jobs too" if len(held) < len(named) else ""
    return "it names another job"


def other_parameters(compared: LeafComparison) -> str:
    """Return a sentence that names the parameters that differ, or ""."""
    names = sorted({leaf.path for leaf in compared.different})
    more = ", …" if len(names) > NAMED else ""
    return f"other parameters: {', '.join(names[:NAMED])}{more}" if names else ""


def other_error(pair: Pair) -> str:
    """Return why the call's error contradicts the attempt's outcome, or ""."""
    call = pair.call
    attempt = pair.caller.attempt
    if call.error_code is None:
        return ""
    if attempt.submitted_at or attempt.status == "succeeded" or attempt.resource_ids:
        if not call.is_retryable:
            return "it failed, and the attempt had its answer"
        return ""
    if attempt.status != "failed":
        return ""
    session = None if call.is_retryable else session_name(pair.record)
    if session and pair.caller.sessions and session not in pair.caller.sessions:
        return "another session made it than the attempt's cause names"
    told = attempt.error
    if call.is_retryable or says_nothing(told) or told is None:
        return ""
    if error_word(told) != error_word(call.error_code):
        return f"it failed with {call.error_code}, the attempt with {told}"
    return ""


def error_word(code: str) -> str:
    """Return an error code in a form that is the same for CloudTrail and a history.

    CloudTrail has `AccessDenied` where a history has `ECS.AccessDeniedException`.
    """
    word = code.rpartition(".")[2]
    return re.sub(r"(Exception|Error|Fault)$", "", word).lower()


_OF_MANY = {"Unknown", "ServiceException", "SdkClientException"}


@lru_cache(maxsize=1024)
def says_nothing(error: str | None) -> bool:
    """True for no error, or a general one of a service or of Step Functions.

    Such an error stands for many errors, so it contradicts none.
    """
    if error is None:
        return True
    service, _, word = error.rpartition(".")
    if service == "States" or word in _OF_MANY:
        return True
    bare = re.sub(r"^(Amazon|AWS)|Exception$", "", word).lower()
    return bare == re.sub(r"^(Amazon|AWS)", "", service).lower() or not bare


CHECKS: Mapping[CallRole, tuple[Callable[[Pair], str], ...]] = {
    CallRole.ACTION: (other_request_id, other_answer, other_error),
    CallRole.POLL: (other_job,),
    CallRole.STOP: (other_job,),
    CallRole.OTHER: (other_kind,),
}
"""The checks of a pair whose caller and time agree, by the call's role; the parameters
are compared elsewhere."""


def told_session(call: ApiCall, record: Record) -> str | None:
    """Return the session name of a failed call; None for a call that succeeded.

    An attempt's cause may name the session of its failed call.
    """
    return session_name(record) if call.error_code is not None else None


def shows_others(call: ApiCall) -> bool:
    """True for a call that only Step Functions makes, for some execution.

    X-Ray's sampling calls do not count: they run under the same role. Neither do failed
    calls, since they do not show whose they are.
    """
    made = call.by_step_functions and call.error_code is None
    return made and not is_xray(call)


def is_xray(call: ApiCall) -> bool:
    """True for a call of X-Ray, which runs under the same role and proves nothing."""
    return call.event_source == "xray.amazonaws.com"


class Weighed(NamedTuple):
    """The evidence for and against one attempt having made a call."""

    key: AttemptKey
    role: CallRole
    """The role the call would have for the attempt."""
    same: tuple[str, ...]
    """The ids that both sides have, each with its kind: `request ID r-1`."""
    comparison: LeafComparison
    against: tuple[str, ...]
    """Sentences; empty for an attempt that may have made the call."""


def weigh(pair: Pair, wanted: Leaves, skew: tuple[int, int]) -> Weighed:
    """Collect all evidence for and against the attempt having made the call.

    `wanted` has the parameters of the attempt; `skew` is as in `Caller.window`.
    """
    call = pair.call
    record = pair.record
    caller = pair.caller
    compared = compare_leaves(wanted, leaves_of_record(record))
    window = caller.window(call.name, skew)
    session = told_session(call, record)
    row = caller.attempt.integration
    told = call.request_id in caller.attempt.request_ids
    same = [f"request ID {call.request_id}"] if told else []
    same += [f"session {session}"] if session in caller.sessions else []
    word = row.id_word if row is not None else "id"
    ids = ids_in(record, call.error_message) & caller.ids
    # An ARN comes before the bare id at its end. Ids of one length are in the order of
    # their letters, since a set's order is another in each process.
    held = sorted(ids, key=lambda text: (-len(text), text))
    if pair.role is CallRole.OTHER and held and row is not None and row.starts_job:
        window = caller.life
    same += [f"{word} {each}" for each in held[:1]]
    first, *more = pair.against()
    found = first, _other_time(call, window), *more, other_parameters(compared)
    sentences = tuple(dict.fromkeys(filter(None, found)))
    return Weighed(caller.key, pair.role, tuple(same), compared, sentences)


def _other_time(call: ApiCall, window: Window | None) -> str:
    if window is None:
        return "it makes no such calls, or made none then"
    at = call.microseconds
    if at < window.first:
        return f"it came {duration((window.first - at) / SECOND)} too early"
    if at > window.last:
        return f"it came {duration((at - window.last) / SECOND)} too late"
    return ""
