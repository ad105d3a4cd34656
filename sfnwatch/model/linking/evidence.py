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

MOST_NAMED = 3
"""At most this many parameters are named where many agree or differ."""
OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls whose request names the job, but not the run that is polled."""
_LAMBDAS_OWN: CallName = ("lambda.amazonaws.com", "InvokeExecution")
"""A call that Lambda itself makes after an asynchronous Invoke; it has that Invoke's
request id."""
_NO_CONNECTION = re.compile(
    r"connect(?:ion)? timed? ?out|UnknownHost|connection refused", re.IGNORECASE
)
_GENERAL_ERRORS = {"Unknown", "ServiceException", "SdkClientException"}
_LAMBDA = "lambda.amazonaws.com"
_ARN = re.compile(r"arn:[A-Za-z0-9:/_.+=@*-]+")


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
    own_ids = pair.caller.attempt.request_ids
    call = pair.call
    if not own_ids or call.is_retryable or call.request_id in {None, *own_ids}:
        return ""
    return "the attempt's own events tell another request ID"


def other_answer(pair: Pair) -> str:
    """Return why the call's answer contradicts the attempt's outcome, or ""."""
    attempt = pair.caller.attempt
    if pair.call.error_code is not None:
        return ""
    integration = attempt.integration
    answer = mapping_of(pair.record.get("responseElements"))
    if integration is not None and integration.starts_job and attempt.resource_ids:
        ids = integration.ids_in(answer)
        is_other = ids and not ids & pair.caller.ids
        return "its answer names another job" if is_other else ""
    if answer:
        others = compare_leaves(pair.answer(), ids_of_call(pair.record)).different
        if others:
            return f"its answer has another {others[0].path}"
    if attempt.status == "failed" and _never_arrived(attempt):
        return "it succeeded, and the attempt's request never arrived"
    if _may_fail_after_success(attempt, answer):
        return ""
    return "it succeeded, and the attempt failed without having a job"


def _may_fail_after_success(attempt: Attempt, answer: Mapping[str, Any]) -> bool:
    """True unless an attempt failed in a way that its call's success contradicts."""
    if attempt.status != "failed" or attempt.submitted_at or attempt.resource_ids:
        return True
    is_own_error = attempt.error is None or attempt.error.startswith("States.")
    if is_own_error or _failed_in_part(answer):
        return True
    # The call of a function succeeds even where the function itself fails.
    integration = attempt.integration
    return integration is not None and integration.event_source == _LAMBDA


def _never_arrived(attempt: Attempt) -> bool:
    """True for an attempt that failed to connect: AWS never saw its request."""
    return _NO_CONNECTION.search(own_message(attempt, attempt.cause)) is not None


def _failed_in_part(answer: Mapping[str, Any]) -> bool:
    """True if an answer contains errors, such as the `failures` of RunTask."""
    for key, value in answer.items():
        if "fail" in key.lower() and isinstance(value, int | list) and value:
            return True
    return False


def other_job(pair: Pair) -> str:
    """Return why a poll or a stop is about another job than the attempt's, or ""."""
    call = pair.call
    ids = pair.caller.ids
    if pair.caller.attempt.submitted_at is None:
        return "the attempt was never submitted"
    if not ids:
        return ""
    if call.has_request and call.event_name not in OF_ALL_RUNS:
        request = mapping_of(pair.record.get("requestParameters"))
        return _names_other_jobs(request, ids)
    jobs = set(_jobs_in(call.error_message or ""))
    if jobs and jobs.isdisjoint(ids):
        return "the error names another job"
    return ""


def _jobs_in(error_message: str) -> Iterator[str]:
    """Yield the ARNs in an error message but those of callers, and their last parts."""
    for text in _ARN.findall(error_message):
        arn = text.rstrip(".,;:")
        is_of_caller = ":sts:" in arn or ":iam:" in arn
        if not is_of_caller and not arn.endswith("*"):
            yield arn
            yield last_segment(arn)


def other_kind(pair: Pair) -> str:
    """Return why a call is not about an attempt's job though it names the job, or "".

    A call by which states start, poll or stop jobs was made by a state that does so.
    And a name identifies a job only among jobs of one kind: `CreateModel` may give a
    model the name of a training job.
    """
    call = pair.call
    integration = pair.caller.attempt.integration
    if integration is None or not pair.caller.ids:
        return ""
    if usual_role(call.event_source, call.event_name) is not CallRole.OTHER:
        return "it makes no such calls"
    kind = re.sub(r"^(Create|Delete)", "", integration.action_event)
    if not integration.id_word.endswith("name") or kind in call.event_name:
        return ""
    texts = strings_in([pair.record.get("requestParameters"), call.error_message])
    for job_id in pair.caller.ids:
        is_arn = ":" in job_id
        if is_arn and any(job_id in text for text in texts):
            return ""
    return "a name is no id but among jobs of one kind"


def _names_other_jobs(request: Mapping[str, Any], ids: frozenset[str]) -> str:
    """Return why the jobs a request names are not those with these ids, or ""."""
    for value in request.values():
        names = [value] if isinstance(value, str) else strings_in(value)
        own = [name for name in names if name in ids or last_segment(name) in ids]
        if own:
            # An attempt may hold several jobs: RunTask starts as many as its Count.
            return "it names other jobs too" if len(own) < len(names) else ""
    return "it names another job"


def other_parameters(compared: LeafComparison) -> str:
    """Return a sentence that names the parameters that differ, or ""."""
    paths = sorted({leaf.path for leaf in compared.different})
    if not paths:
        return ""
    more = ", …" if len(paths) > MOST_NAMED else ""
    return f"other parameters: {', '.join(paths[:MOST_NAMED])}{more}"


def other_error(pair: Pair) -> str:
    """Return why the call's error contradicts the attempt's outcome, or ""."""
    call = pair.call
    attempt = pair.caller.attempt
    if call.error_code is None:
        return ""
    if call.is_retryable:
        return ""
    if attempt.submitted_at or attempt.status == "succeeded" or attempt.resource_ids:
        return "it failed, and the attempt had its answer"
    if attempt.status != "failed":
        return ""
    session = session_name(pair.record)
    if session and pair.caller.sessions and session not in pair.caller.sessions:
        return "another session made it than the attempt's cause names"
    error = attempt.error
    if error is None or is_general_error(error):
        return ""
    if error_word(error) != error_word(call.error_code):
        return f"it failed with {call.error_code}, the attempt with {error}"
    return ""


def error_word(code: str) -> str:
    """Return an error code in a form that is the same for CloudTrail and a history.

    CloudTrail has `AccessDenied` where a history has `ECS.AccessDeniedException`.
    """
    word = code.rpartition(".")[2]
    return re.sub(r"(Exception|Error|Fault)$", "", word).lower()


@lru_cache(maxsize=1024)
def is_general_error(error: str) -> bool:
    """True for a general error of a service or of Step Functions.

    Such an error stands for many errors, so it contradicts none.
    """
    service, _, word = error.rpartition(".")
    if service == "States" or word in _GENERAL_ERRORS:
        return True
    bare = re.sub(r"^(Amazon|AWS)|Exception$", "", word).lower()
    service_name = re.sub(r"^(Amazon|AWS)", "", service).lower()
    return bare in {"", service_name}


CHECKS: Mapping[CallRole, tuple[Callable[[Pair], str], ...]] = {
    CallRole.ACTION: (other_request_id, other_answer, other_error),
    CallRole.POLL: (other_job,),
    CallRole.STOP: (other_job,),
    CallRole.OTHER: (other_kind,),
}
"""The checks of a pair whose caller and time agree, by the call's role; the parameters
are compared elsewhere."""


def failed_session(call: ApiCall, record: Record) -> str | None:
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


class PairEvidence(NamedTuple):
    """The evidence for and against one attempt having made a call."""

    key: AttemptKey
    role: CallRole
    """The role the call would have for the attempt."""
    same: tuple[str, ...]
    """The ids that both sides have, each with its kind: `request ID r-1`."""
    comparison: LeafComparison
    against: tuple[str, ...]
    """Sentences; empty for an attempt that may have made the call."""


def pair_evidence(
    pair: Pair, parameters: Leaves, skew: tuple[int, int]
) -> PairEvidence:
    """Collect all evidence for and against the attempt having made the call.

    `parameters` are those of the attempt; `skew` is as in `Caller.window`.
    """
    call = pair.call
    caller = pair.caller
    comparison = compare_leaves(parameters, leaves_of_record(pair.record))
    job_id = _shared_job_id(pair)
    window = caller.window(call.name, skew)
    integration = caller.attempt.integration
    starts_job = integration is not None and integration.starts_job
    if pair.role is CallRole.OTHER and job_id and starts_job:
        window = caller.life
    first, *others = pair.against()
    reasons = (
        first,
        _other_time(call, window),
        *others,
        other_parameters(comparison),
    )
    against = tuple(dict.fromkeys(filter(None, reasons)))
    same = tuple(_same_ids(pair, job_id))
    return PairEvidence(caller.key, pair.role, same, comparison, against)


def _shared_job_id(pair: Pair) -> str:
    """Return the longest id of a job that both sides have, or ""."""
    ids = ids_in(pair.record, pair.call.error_message) & pair.caller.ids
    # An ARN comes before the bare id at its end. Ids of one length are in the order of
    # their letters, since a set's order is another in each process.
    return min(ids, key=lambda text: (-len(text), text), default="")


def _same_ids(pair: Pair, job_id: str) -> Iterator[str]:
    """Yield the ids that both sides have, each with its kind."""
    call = pair.call
    attempt = pair.caller.attempt
    if call.request_id in attempt.request_ids:
        yield f"request ID {call.request_id}"
    session = failed_session(call, pair.record)
    if session in pair.caller.sessions:
        yield f"session {session}"
    if job_id:
        integration = attempt.integration
        word = integration.id_word if integration is not None else "id"
        yield f"{word} {job_id}"


def _other_time(call: ApiCall, window: Window | None) -> str:
    if window is None:
        return "it makes no such calls, or made none then"
    at = call.microseconds
    if at < window.first:
        return f"it came {duration((window.first - at) / SECOND)} too early"
    if at > window.last:
        return f"it came {duration((at - window.last) / SECOND)} too late"
    return ""
