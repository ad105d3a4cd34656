"""What speaks against an attempt having made a call, and when it may have made one.

A link may be missing; it may not be wrong. One contradiction is enough, whatever else
agrees: roles are shared, often by hundreds of executions of one machine at a time.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct, field

from sfnwatch.model.api_call import ApiCall, CallName, session_name
from sfnwatch.model.arns import account_of, last_segment, maybe_execution_arn, role_name
from sfnwatch.model.integrations import (
    CallRole,
    Integration,
    Pattern,
    home_region,
    usual_role,
)
from sfnwatch.model.links import AttemptKey, Link, LinkRule
from sfnwatch.model.parameters import Comparison
from sfnwatch.model.records import Record
from sfnwatch.model.values import duration, mapping_of, microseconds, strings_in
from sfnwatch.model.visits import Attempt

SECOND = 1_000_000
_SLACK = 2 * SECOND
"""An answer is on its way for a moment: a call's second may end after its phase."""
_STOP_GRACE = 300 * SECOND
"""A job is stopped after its state was aborted, in AWS's own time [inferred]."""
NAMED = 3
"""So many parameters are named where very many agree, or differ."""
OF_ALL_RUNS = {"GetJobRuns", "ListJobRuns"}
"""Polls that name what the job is a run of, and not the run."""
_SESSION = re.compile(r":assumed-role/[^/\s]+/([A-Za-z]{32})(?![\w+=,.@-])")
_TO_OTHERS = ("terminate", "stop", "delete", "startApplication")
"""How actions begin that are done to a thing which is there already."""
_LAMBDAS_OWN: CallName = ("lambda.amazonaws.com", "InvokeExecution")
"""Lambda's, after an asynchronous Invoke, whose request id it has."""
_TRIES = re.compile(r"SDK Attempt Count: (\d{1,3})\b")
_TOKEN = re.compile(r"arn:[A-Za-z0-9:/_.+=@*-]+")
Spot = tuple[CallName, str | None]
"""A call's name, and the name of the role it was made with."""


# -- the two sides ---------------------------------------------------------------------


class Caller(Struct, eq=False):
    """An attempt, with what its calls are told by."""

    key: AttemptKey
    attempt: Attempt
    role: str | None
    """The name of the role its calls are made with; None where history is cut."""
    account: str | None
    """The role's, in which its calls are recorded."""
    regions: frozenset[str]
    """In which its calls are recorded: its own, and a global service's home."""
    names: frozenset[CallName]
    """The calls it may make, and those that go with its action."""
    request_ids: tuple[str, ...]
    sessions: frozenset[str]
    """Of denied calls: the causes of its ends tell them."""
    tries: int
    """How many calls its cause counts, as the SDK made them; 0 where it tells none."""
    ids: frozenset[str]
    """Its job's ids, each also as the bare id at its end."""
    owns: bool
    """False where the job is a thing that was there, and is everybody's."""
    facts: tuple[object, ...]
    """What of the attempt its links depend on."""
    links: dict[tuple[CallName, LinkRule, str], Link] = field(default_factory=dict)
    """Those that were made: polls of one job share theirs."""

    @property
    def told(self) -> tuple[str, ...]:
        """All ids that its own events tell."""
        return (*self.request_ids, *self.sessions, *self.ids)

    @property
    def spots(self) -> list[Spot]:
        """Which calls it may have made, under which role."""
        return [(name, self.role) for name in self.names]


def caller_of(arn: str, attempt: Attempt, role_arn: str | None) -> Caller:
    """Describe an attempt; `role_arn` is its execution's, where it has none itself."""
    role_arn = attempt.role_arn or role_arn
    jobs, row = attempt.resource_ids, attempt.integration
    execution = maybe_execution_arn(arn)
    place = (execution.account, execution.region) if execution else (None, None)
    account, region = account_of(role_arn) or place[0], attempt.region or place[1]
    partition = execution.partition if execution else "aws"
    home = home_region(attempt.resource_type or "", partition)
    cause = attempt.cause or ""
    return Caller(
        key=(arn, attempt.scheduled_id),
        attempt=attempt,
        role=role_name(role_arn),
        account=account,
        regions=frozenset(filter(None, (region, home))),
        names=_names(row, attempt.pattern),
        request_ids=attempt.request_ids,
        sessions=frozenset(_SESSION.findall(cause)),
        tries=max(map(int, _TRIES.findall(cause)), default=0),
        ids=frozenset((*jobs, *map(last_segment, jobs))),
        owns=row is None or not row.action.startswith(_TO_OTHERS),
        facts=(
            *(role_arn, account, region, attempt.visit_id, attempt.pattern, row),
            *(attempt.scheduled_at, attempt.started_at, attempt.submitted_at),
            *(attempt.status, attempt.ended_at, attempt.error, cause),
            *(len(attempt.request_ids), len(jobs)),
        ),
    )


@lru_cache(maxsize=256)
def _names(row: Integration | None, pattern: Pattern) -> frozenset[CallName]:
    """Name the calls of all attempts of a kind, which share them."""
    if row is None:
        return frozenset()
    names = {row.action_event}
    if pattern is Pattern.SYNC:
        names.update(row.poll_events, row.stop_events)
    return frozenset({*((row.event_source, name) for name in names), *row.beside})


def role_in(attempt: Attempt, name: CallName) -> CallRole:
    """Tell what a call of that name is to an attempt; only `.sync` polls and stops."""
    row = attempt.integration
    if row is None or row.event_source != name[0]:
        return CallRole.OTHER
    role = row.role_of(name[1])
    if role in {CallRole.POLL, CallRole.STOP} and attempt.pattern is not Pattern.SYNC:
        return CallRole.OTHER
    return role


class Pair(NamedTuple):
    """A call, and an attempt that may have made it."""

    call: ApiCall
    record: Record
    """The CloudTrail record of the call."""
    caller: Caller
    role: CallRole
    """What the call would be to the attempt."""


# -- when an attempt may make a call ---------------------------------------------------


class Window(NamedTuple):
    """When an attempt may have made a call of some name, in microseconds."""

    role: CallRole
    """What such a call would be to it."""
    first: int
    """The first microsecond a call may be dated: its second begins before it."""
    last: float
    """Infinity while it may make more."""
    narrow: bool = False
    """True where its action, or its job, is known: it may have made such calls only as
    failed, or as name no job."""

    def meets(self, begin: float, end: float) -> bool:
        return self.first <= end and begin <= self.last


def window_of(caller: Caller, name: CallName, skew: tuple[int, int]) -> Window | None:
    """Say when an attempt may make calls of a name; None if it makes no such calls.

    `skew` is how far CloudTrail's clock may be ahead, the least and the most.
    """
    attempt = caller.attempt
    role = role_in(attempt, name)
    begin, end = attempt.scheduled_at, attempt.ended_at
    (least, slack) = skew
    if role is CallRole.OTHER and name not in caller.names:
        return None
    if role is CallRole.ACTION:
        end = attempt.submitted_at or end
    elif role is CallRole.POLL:
        # What was never submitted is not polled.
        if attempt.submitted_at is None:
            return None
        begin = attempt.submitted_at
    elif role is CallRole.STOP:
        if end is None or attempt.status not in {"aborted", "timed_out"}:
            return None
        begin, slack = end, _STOP_GRACE
    return _window(role, begin, end, least, slack)


def life_of(caller: Caller) -> Window:
    """Give the time in which a call about an attempt's own job is taken for its own."""
    attempt = caller.attempt
    begin, end = attempt.scheduled_at, attempt.ended_at
    return _window(CallRole.OTHER, begin, end, 0, _SLACK)


def _window(
    role: CallRole, begin: datetime, end: datetime | None, least: int, slack: int
) -> Window:
    last = math.inf if end is None else microseconds(end) + slack
    return Window(role, microseconds(begin) - SECOND + 1 + least, last)


# -- what speaks against it ------------------------------------------------------------


def other_caller(call: ApiCall, caller: Caller) -> str:
    """Compare who made the call, and where it was recorded."""
    # A row of Athena need not say who made it.
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
    """Compare the call's request id with what the attempt's own events tell.

    They tell that of the last call; the ones before it were refused.
    """
    told, call = pair.caller.request_ids, pair.call
    if not told or call.request_id is None:
        return ""
    if call.request_id in told or is_retryable(call):
        return ""
    return "the attempt's own events tell another request ID"


def other_answer(pair: Pair) -> str:
    """Compare how the call was answered with what the attempt came to."""
    call, attempt = pair.call, pair.caller.attempt
    if call.error_code is not None:
        return ""
    row = attempt.integration
    answer = mapping_of(pair.record.get("responseElements"))
    if row is not None and row.starts_job and attempt.resource_ids:
        named = row.ids_in(answer)
        is_other = named and not named & pair.caller.ids
        return "its answer names another job" if is_other else ""
    if attempt.status != "failed" or attempt.submitted_at or attempt.resource_ids:
        return ""
    if (attempt.error or "States.").startswith("States.") or _failed_in_part(answer):
        return ""
    # A function that fails was called all the same.
    if row is not None and row.event_source == "lambda.amazonaws.com":
        return ""
    return "it succeeded, and the attempt failed without having a job"


def _failed_in_part(answer: Mapping[str, Any]) -> bool:
    """Tell of an answer that has errors in it, as RunTask's `failures` are."""
    failed = (value for key, value in answer.items() if "fail" in key.lower())
    return any(value for value in failed if isinstance(value, int | list))


def other_job(pair: Pair) -> str:
    """Compare the job that a poll or a stop names with the attempt's own."""
    call, ids = pair.call, pair.caller.ids
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
    """Say why a call is not about an attempt's job, though it names that.

    What states make, poll or stop jobs by is made by those, and a name is an id among
    jobs of one kind alone: `CreateModel` may name a model as a training job is named.
    """
    call, row = pair.call, pair.caller.attempt.integration
    if row is None or not pair.caller.ids:
        return ""
    if usual_role(call.event_source, call.event_name) is not CallRole.OTHER:
        return "it makes no such calls"
    kind = re.sub(r"^(Create|Delete)", "", row.action_event)
    if not row.id_word.endswith("name") or kind in call.event_name:
        return ""
    named = strings_in([pair.record.get("requestParameters"), call.error_message])
    whole = any(
        each in text for each in pair.caller.ids if ":" in each for text in named
    )
    return "" if whole else "a name is no id but among jobs of one kind"


def _named_otherwise(asked_for: Mapping[str, Any], ids: frozenset[str]) -> str:
    """Say what is wrong with the jobs that a request names."""
    for value in asked_for.values():
        named = [value] if isinstance(value, str) else strings_in(value)
        if any(each in ids or last_segment(each) in ids for each in named):
            # Step Functions asks for one job at a time, as all recordings show.
            return "it names other jobs too" if len(set(named)) > 1 else ""
    return "it names another job"


def other_parameters(compared: Comparison) -> str:
    """Say what was asked otherwise."""
    names = sorted({leaf.path for leaf in compared.different})
    more = ", …" if len(names) > NAMED else ""
    return f"other parameters: {', '.join(names[:NAMED])}{more}" if names else ""


def other_error(pair: Pair) -> str:
    """Compare the call's error with the attempt's."""
    call, attempt = pair.call, pair.caller.attempt
    if call.error_code is None:
        return ""
    if attempt.submitted_at or attempt.status == "succeeded" or attempt.resource_ids:
        if not is_retryable(call):
            return "it failed, and the attempt had its answer"
        return ""
    if attempt.status != "failed":
        return ""
    session = None if is_retryable(call) else session_name(pair.record)
    if session and pair.caller.sessions and session not in pair.caller.sessions:
        return "another session made it than the attempt's cause names"
    told = attempt.error
    if is_retryable(call) or says_nothing(told) or told is None:
        return ""
    if error_word(told) != error_word(call.error_code):
        return f"it failed with {call.error_code}, the attempt with {told}"
    return ""


def error_word(code: str) -> str:
    """Give what the two sides' words for one error have in common.

    CloudTrail has `AccessDenied` where a history has `ECS.AccessDeniedException`.
    """
    word = code.rpartition(".")[2]
    return re.sub(r"(Exception|Error|Fault)$", "", word).lower()


_RETRYABLE = re.compile(
    r"throttl|toomanyrequests|requestlimit|rateexceeded|slowdown|internal|unavailable"
    r"|serverexception|timeout|capacity|servicefault"
)


def is_retryable(call: ApiCall) -> bool:
    """True if the SDK tries such a call again by itself [inferred from its docs]."""
    code = call.error_code
    return code is not None and _RETRYABLE.search(code.lower()) is not None


_OF_MANY = {"Unknown", "ServiceException", "SdkClientException"}


@lru_cache(maxsize=1024)
def says_nothing(error: str | None) -> bool:
    """True for an error that stands for many: a service's own, or Step Functions'."""
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
"""What is looked at of a pair whose caller and time agree, but for its parameters."""


def against(pair: Pair) -> str:
    """Say what speaks against an attempt having made a call; empty for nothing.

    Its time is not looked at: see `window_of`.
    """
    found = other_caller(pair.call, pair.caller)
    for check in CHECKS[pair.role]:
        found = found or check(pair)
    return found


def told_session(call: ApiCall, record: Record) -> str | None:
    """Give the session of a call that failed: an attempt's cause may name it."""
    return session_name(record) if call.error_code is not None else None


def shows_others(call: ApiCall) -> bool:
    """True for a call that nobody makes but Step Functions for some execution.

    X-Ray's sampling runs under the same role, and what fails tells of nobody.
    """
    made = call.by_step_functions and call.error_code is None
    return made and call.event_source != "xray.amazonaws.com"


# -- both sides, to be looked at -------------------------------------------------------


class Weighed(NamedTuple):
    """What speaks for and against one attempt having made a call."""

    key: AttemptKey
    role: CallRole
    """What the call would be to it."""
    same: tuple[str, ...]
    """Ids that both sides tell, each with its word: `request ID r-1`."""
    comparison: Comparison
    against: tuple[str, ...]
    """Sentences; empty for an attempt that may have made it."""


def weigh(
    pair: Pair, compared: Comparison, window: Window | None, ids: Collection[str]
) -> Weighed:
    """Weigh all of a pair; `window` is when it may have made the call, if it does.

    `compared` are the parameters of both, `ids` all that the call's record names.
    """
    call, caller = pair.call, pair.caller
    session, row = told_session(call, pair.record), caller.attempt.integration
    told = call.request_id in caller.request_ids
    same = [f"request ID {call.request_id}"] if told else []
    same += [f"session {session}"] if session in caller.sessions else []
    word = row.id_word if row is not None else "id"
    # Of an ARN and the bare id at its end the ARN.
    held = sorted(set(ids) & caller.ids, key=len, reverse=True)
    if pair.role is CallRole.OTHER and held and row is not None and row.starts_job:
        window = life_of(caller)
    same += [f"{word} {each}" for each in held[:1]]
    found = [other_caller(call, caller), _other_time(call, window)]
    found += [check(pair) for check in CHECKS[pair.role]]
    found.append(other_parameters(compared))
    sentences = tuple(dict.fromkeys(filter(None, found)))
    return Weighed(caller.key, pair.role, tuple(same), compared, sentences)


def _other_time(call: ApiCall, window: Window | None) -> str:
    if window is None:
        return "it makes no such calls, or made none then"
    at = call.moment
    if at < window.first:
        return f"it came {duration((window.first - at) / SECOND)} too early"
    if at > window.last:
        return f"it came {duration((at - window.last) / SECOND)} too late"
    return ""
