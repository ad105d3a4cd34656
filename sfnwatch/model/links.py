"""What a link is, when an attempt may have made a call, and what speaks against it.

A link is a claim about which attempt made a call. It may be missing; it may not be
wrong. One contradiction is enough, whatever else agrees: roles are shared, often by
hundreds of executions of one machine at a time. Calls of one name and role are kept
together with the attempts that may have made them.
"""

import math
import re
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, CallName, Spot, ids_in, session_name
from sfnwatch.model.arns import account_of, last_segment, maybe_execution_arn, role_name
from sfnwatch.model.attempt_events import own_message
from sfnwatch.model.integrations import (
    CallRole,
    Integration,
    Pattern,
    home_region,
    usual_role,
)
from sfnwatch.model.parameters import (
    Comparison,
    Leaves,
    compare_leaves,
    ids_of_call,
    is_plain,
    leaves_of_record,
)
from sfnwatch.model.records import Record
from sfnwatch.model.values import duration, mapping_of, microseconds, strings_in
from sfnwatch.model.visits import Attempt

T = TypeVar("T")
AttemptKey = tuple[str, int]
"""An attempt: the ARN of its execution and its `scheduled_id`."""


def one_of(values: Iterable[T]) -> T | None:
    """Give the one there is; None if there are several."""
    first, *more = {*values}
    return None if more else first


class LinkRule(StrEnum):
    """By what a call was matched."""

    REQUEST_ID = "request-id"
    SESSION = "session"
    """By the name of the role session, which the attempt's cause tells."""
    RESOURCE_ID = "resource-id"
    PARAMETERS = "parameters"
    ORDER = "order"
    """So many calls, so many attempts one after another: the first is the first's."""
    UNIQUE_CANDIDATE = "unique-candidate"
    AMBIGUOUS = "ambiguous"
    ROLE_ONLY = "role-only"


class Certainty(StrEnum):
    """How sure a match is, the surest first."""

    EXACT = "exact"
    """An id that only the attempt has stands in the record."""
    STRONG = "strong"
    """No other attempt or execution can have made the call."""
    LIKELY = "likely"
    """Parameters or order agree, and another execution could share them."""
    GUESS = "guess"
    """Role, action and time agree, and nothing else does."""


_SURE = {Certainty.EXACT, Certainty.STRONG}


class Link(Struct, frozen=True, gc=False):
    """An ApiCall matched to an Attempt, or the reason why it is not."""

    rule: LinkRule
    role: CallRole
    certainty: Certainty | None = None
    """None for a call that is matched to no attempt."""
    execution_arn: str | None = None
    visit_id: int | None = None
    attempt_id: int | None = None
    """The attempt's `scheduled_id`."""
    evidence: str = ""
    """The id that both hold, or what was compared."""
    candidates: tuple[AttemptKey, ...] = ()
    """For `ambiguous`: the attempts that fit; one, if a stranger may have made it."""
    unlisted: int = 0
    """How many more fit than are listed, where they are very many."""
    reason: str = ""
    """For `ambiguous`: what keeps it from being matched, as a sentence."""

    @property
    def is_exact(self) -> bool:
        return self.certainty is Certainty.EXACT

    @property
    def is_sure(self) -> bool:
        """True for a match that may be stated as a fact: exact or strong."""
        return self.certainty in _SURE

    @property
    def candidate_count(self) -> int:
        return len(self.candidates) + self.unlisted

    @property
    def key(self) -> AttemptKey | None:
        """The attempt it is matched to."""
        if self.execution_arn is None or self.attempt_id is None:
            return None
        return self.execution_arn, self.attempt_id


def ambiguous(
    keys: Collection[AttemptKey], roles: Iterable[CallRole], why: str, unlisted: int = 0
) -> Link:
    """Say that a call may be of any of these, and what it would be to them."""
    return Link(
        rule=LinkRule.AMBIGUOUS,
        role=one_of(roles) or CallRole.OTHER,
        execution_arn=one_of(arn for arn, _ in keys),
        candidates=tuple(sorted({*keys})),
        unlisted=unlisted,
        reason=why,
    )


def role_of_call(call: ApiCall, link: Link | None) -> CallRole:
    """Tell what a call was for: from its attempt, or from its name alone."""
    if link is not None and link.rule is not LinkRule.ROLE_ONLY:
        return link.role
    if call.by_others:
        return CallRole.OTHER
    return usual_role(call.event_source, call.event_name)


# -- evidence --------------------------------------------------------------------------

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
_NO_CONNECTION = re.compile(
    r"connect(?:ion)? timed? ?out|UnknownHost|connection refused", re.IGNORECASE
)
_TRIES = re.compile(r"SDK Attempt Count: (\d{1,3})\b")
_TOKEN = re.compile(r"arn:[A-Za-z0-9:/_.+=@*-]+")
NEAR = 3 * SECOND
"""A call so near before or after an attempt's time is a rival of one within: the two
clocks need not agree."""
_STEP = SECOND // 4
_LEAST_MEASURED = 3
"""Fewer calls of a service that ids match measure nothing."""
_NO_FACTS: Mapping[str, Any] = {
    "changes": [],
    "event_ids": [],
    "told_by": None,
    "stopped_at": None,
}
"""What of an attempt says nothing about whose calls are."""
Member = tuple[int, str]
"""A call: its moment in microseconds, and its event id."""

LISTED = 100
"""Of those that fit one call no more are listed, nor looked at one by one: nobody reads
on, and thousands of calls that each list thousands would fill the memory."""
_PATHS = 32
"""Texts at so many paths calls are found by."""


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
    spots: list[Spot]
    """The same, each under the role."""
    sessions: frozenset[str]
    """Of denied calls: the causes of its ends tell them."""
    tries: int
    """How many calls its cause counts, as the SDK made them; 0 where it tells none."""
    ids: frozenset[str]
    """Its job's ids, each also as the bare id at its end."""
    owns: bool
    """False where the job is a thing that was there, and is everybody's."""
    facts: tuple[str | None, Attempt]
    """What of the attempt its links depend on."""
    links: dict[tuple[CallName, LinkRule, Certainty, str], Link] = field(
        default_factory=dict
    )
    """Those that were made: polls of one job share theirs."""

    @staticmethod
    def of(arn: str, attempt: Attempt, role_arn: str | None) -> "Caller":
        """Describe an attempt; `role_arn` is its execution's, if it has none itself."""
        role_arn = attempt.role_arn or role_arn
        jobs, row = attempt.resource_ids, attempt.integration
        execution = maybe_execution_arn(arn)
        place = (execution.account, execution.region) if execution else (None, None)
        account, region = account_of(role_arn) or place[0], attempt.region or place[1]
        partition = execution.partition if execution else "aws"
        home = home_region(attempt.resource_type or "", partition)
        cause = attempt.cause or ""
        role, names = role_name(role_arn), _names(row, attempt.pattern)
        return Caller(
            key=(arn, attempt.scheduled_id),
            attempt=attempt,
            role=role,
            account=account,
            regions=frozenset(filter(None, (region, home))),
            names=names,
            spots=[(name, role) for name in names],
            sessions=frozenset(_SESSION.findall(own_message(attempt, cause))),
            tries=max(map(int, _TRIES.findall(cause)), default=0),
            ids=frozenset((*jobs, *map(last_segment, jobs))),
            owns=row is None or not row.action.startswith(_TO_OTHERS),
            facts=(role_arn, replace(attempt, **_NO_FACTS)),
        )

    @property
    def told(self) -> tuple[str, ...]:
        """All ids that its own events tell."""
        return (*self.attempt.request_ids, *self.sessions, *self.ids)

    def role_of(self, name: CallName) -> CallRole:
        """Tell what a call of that name is to it; only `.sync` polls and stops."""
        row, pattern = self.attempt.integration, self.attempt.pattern
        if row is None or row.event_source != name[0]:
            return CallRole.OTHER
        role = row.role_of(name[1])
        if role in {CallRole.POLL, CallRole.STOP} and pattern is not Pattern.SYNC:
            return CallRole.OTHER
        return role

    def link(
        self, call: ApiCall, rule: LinkRule, certainty: Certainty, why: str
    ) -> Link:
        """Make a link, once of those that are alike: a job's polls share theirs."""
        key = call.name, rule, certainty, why
        if key not in self.links:
            self.links[key] = Link(
                rule=rule,
                role=self.role_of(call.name),
                certainty=certainty,
                execution_arn=self.key[0],
                visit_id=self.attempt.visit_id,
                attempt_id=self.key[1],
                evidence=why,
            )
        return self.links[key]

    def window(self, name: CallName, skew: tuple[int, int]) -> "Window | None":
        """Say when it may make calls of a name; None if it makes no such calls.

        `skew` is how far CloudTrail's clock may be ahead, the least and the most.
        """
        attempt, role = self.attempt, self.role_of(name)
        begin, end = attempt.scheduled_at, attempt.ended_at
        least, slack = skew
        if role is CallRole.OTHER and name not in self.names:
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

    @property
    def life(self) -> "Window":
        """The time in which a call about its own job is taken for its own."""
        begin, end = self.attempt.scheduled_at, self.attempt.ended_at
        return _window(CallRole.OTHER, begin, end, 0, _SLACK)


def depends_on_name(caller: Caller) -> bool:
    """True if two callers may be given the same job: what has a name is one thing.

    StartExecution answers two calls with one name and input by one ARN [documented].
    """
    row = caller.attempt.integration
    if row is None:
        return False
    return row.id_word.endswith("name") or row.resource_type in {"states", "sfn"}


@lru_cache(maxsize=256)
def _names(row: Integration | None, pattern: Pattern) -> frozenset[CallName]:
    """Name the calls of all attempts of a kind, which share them."""
    if row is None:
        return frozenset()
    names = {row.action_event}
    if pattern is Pattern.SYNC:
        names.update(row.poll_events, row.stop_events)
    return frozenset({*((row.event_source, name) for name in names), *row.beside})


class Pair(Struct, frozen=True):
    """A call, and an attempt that may have made it."""

    call: ApiCall
    record: Record
    """The CloudTrail record of the call."""
    caller: Caller
    role: CallRole
    """What the call would be to the attempt."""
    answer: Callable[[], Leaves]
    """Reads the ids that the attempt's own events have of its answer."""

    def against(self) -> Iterator[str]:
        """Say what speaks against the attempt having made the call; empty: nothing.

        Its time is not looked at: see `Caller.window`.
        """
        yield other_caller(self.call, self.caller)
        for check in CHECKS[self.role]:
            yield check(self)


# -- when an attempt may make a call ---------------------------------------------------


class Window(Struct, frozen=True, gc=False):
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

    def has(self, at: int) -> bool:
        return self.first <= at <= self.last


def _window(
    role: CallRole, begin: datetime, end: datetime | None, least: int, slack: int
) -> Window:
    last = math.inf if end is None else microseconds(end) + slack
    return Window(role, microseconds(begin) - SECOND + 1 + least, last)


# -- how far calls and clocks are known ------------------------------------------------


class Known:
    """How far calls are known: whether one that has not come may come yet.

    LookupEvents is late and out of order: up to when it has told all is measured. A
    file is taken at its word, up to the newest call in it of that account and Region.
    """

    def __init__(self) -> None:
        self.live = False
        """True where LookupEvents was asked."""
        self._measured = 0
        self._newest: Counter[tuple[str | None, str | None]] = Counter()
        """By the account and the Region that calls were recorded in."""
        self._waiting: set[tuple[float, str]] = set()
        """Calls whose match waits until all calls up to a moment are known."""

    def measure(self, measured: datetime | None) -> bool:
        """Note up to when LookupEvents, which was asked, is believed to have told all.

        None while it is not believed of any time. True if it is less than it was.
        """
        mark = 0 if measured is None else microseconds(measured)
        is_less = not self.live or mark < self._measured
        self.live, self._measured = True, mark
        return is_less

    def note(self, call: ApiCall) -> None:
        place = call.account_id, call.region
        self._newest[place] = max(call.moment, self._newest[place])

    def is_complete(self, last: float, call: ApiCall) -> bool:
        """Tell whether all calls up to a microsecond are known, where a call is of.

        If they are not, the call is asked about again when they are.
        """
        newest = self._newest[call.account_id, call.region]
        is_known = last <= (self._measured if self.live else newest)
        if not is_known and last < math.inf:
            self._waiting.add((last, call.event_id))
        return is_known

    def now_known(self) -> set[str]:
        """Give the calls that wait no more."""
        mark = self._measured if self.live else max(self._newest.values(), default=0)
        known = {waiting for waiting in self._waiting if waiting[0] <= mark}
        self._waiting -= known
        return {event_id for _, event_id in known}


class Skew:
    """How far CloudTrail's clock is from that of the histories, service by service.

    A call that an id matches was made between its attempt's scheduling and its answer.
    A few such calls of one service bound how far its records are off; one alone may be
    an odd one, and another service may keep another time.
    """

    def __init__(self) -> None:
        self._services: defaultdict[str, _ServiceSkew] = defaultdict(_ServiceSkew)
        """By event source."""

    def note(self, call: ApiCall, caller: Caller | None) -> None:
        """Note an attempt's own call; None: it is not known any more to be its own."""
        attempt = caller.attempt if caller is not None else None
        seen = None
        if attempt is not None and (attempt.submitted_at or attempt.ended_at):
            least = call.moment - microseconds(attempt.answered_at)
            most = call.moment + SECOND - microseconds(attempt.scheduled_at)
            seen = least, most
        if seen is not None or call.event_source in self._services:
            self._services[call.event_source].note(call.event_id, seen)

    def moved_services(self) -> set[str]:
        """Work out the bounds again, and name the services that have others now."""
        services = self._services.items()
        return {source for source, service in services if service.has_moved()}

    def bounds(self, event_source: str) -> tuple[int, int]:
        """The least and the most that CloudTrail's clock may be ahead, microseconds."""
        return self._measured(event_source) or (0, 2 * SECOND)

    def near(self, event_source: str) -> int:
        """How far out of its time a call may yet be an attempt's, in microseconds."""
        return 0 if self._measured(event_source) else NEAR

    def _measured(self, event_source: str) -> tuple[int, int] | None:
        service = self._services.get(event_source)
        return service.bounds if service is not None else None


class _ServiceSkew:
    """The same of one service."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}
        """The least and the most that each call leaves, by its event id."""
        self._least: list[int] = []
        """All that is least, in order."""
        self._most: list[int] = []
        """All that is most, in order."""
        self.bounds: tuple[int, int] | None = None

    def note(self, event_id: str, seen: tuple[int, int] | None) -> None:
        before = self._seen.pop(event_id, None)
        if before is not None:
            del self._least[bisect_left(self._least, before[0])]
            del self._most[bisect_left(self._most, before[1])]
        if seen is not None:
            self._seen[event_id] = seen
            insort(self._least, seen[0])
            insort(self._most, seen[1])

    def has_moved(self) -> bool:
        """Work out the bounds again; True if they are others."""
        before = self.bounds
        self.bounds = None
        if len(self._seen) >= _LEAST_MEASURED:
            least = self._least[-1]
            most = self._most[0]
            if most - least > 2 * NEAR:
                least = max(least, -NEAR)
                most = min(most, NEAR)
            if least <= most:
                # In steps: each new bound has all windows looked at again.
                self.bounds = least // _STEP * _STEP, -(-most // _STEP) * _STEP
        return before != self.bounds


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
    told, call = pair.caller.attempt.request_ids, pair.call
    if not told or call.is_retryable or call.request_id in {None, *told}:
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
    # A function that fails was called all the same.
    if row is not None and row.event_source == "lambda.amazonaws.com":
        return ""
    return "it succeeded, and the attempt failed without having a job"


def _never_arrived(attempt: Attempt) -> bool:
    """True for an error of the connection: AWS never saw the request."""
    return _NO_CONNECTION.search(own_message(attempt, attempt.cause)) is not None


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
    arns = [each for each in pair.caller.ids if ":" in each]
    whole = any(arn in text for arn in arns for text in named)
    return "" if whole else "a name is no id but among jobs of one kind"


def _named_otherwise(asked_for: Mapping[str, Any], ids: frozenset[str]) -> str:
    """Say what is wrong with the jobs that a request names."""
    for value in asked_for.values():
        named = [value] if isinstance(value, str) else strings_in(value)
        held = [name for name in named if name in ids or last_segment(name) in ids]
        if held:
            # An attempt may hold several jobs: RunTask starts as many as its Count.
            return "it names other jobs too" if len(held) < len(named) else ""
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
    """Give what the two sides' words for one error have in common.

    CloudTrail has `AccessDenied` where a history has `ECS.AccessDeniedException`.
    """
    word = code.rpartition(".")[2]
    return re.sub(r"(Exception|Error|Fault)$", "", word).lower()


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


def told_session(call: ApiCall, record: Record) -> str | None:
    """Give the session of a call that failed: an attempt's cause may name it."""
    return session_name(record) if call.error_code is not None else None


def shows_others(call: ApiCall) -> bool:
    """True for a call that nobody makes but Step Functions for some execution.

    X-Ray's sampling runs under the same role, and what fails tells of nobody.
    """
    made = call.by_step_functions and call.error_code is None
    return made and not is_xray(call)


def is_xray(call: ApiCall) -> bool:
    """True for X-Ray's own, which run under the same role and say nothing."""
    return call.event_source == "xray.amazonaws.com"


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


def weigh(pair: Pair, wanted: Leaves, skew: tuple[int, int]) -> Weighed:
    """Weigh all that an attempt and a call, with its record, tell.

    `wanted` is what the attempt asked for, `skew` as in `Caller.window`.
    """
    call = pair.call
    record = pair.record
    caller = pair.caller
    compared = compare_leaves(wanted, leaves_of_record(record))
    window = caller.window(call.name, skew)
    session, row = told_session(call, record), caller.attempt.integration
    told = call.request_id in caller.attempt.request_ids
    same = [f"request ID {call.request_id}"] if told else []
    same += [f"session {session}"] if session in caller.sessions else []
    word = row.id_word if row is not None else "id"
    # Of an ARN and the bare id at its end the ARN.
    ids = ids_in(record, call.error_message) & caller.ids
    held = sorted(ids, key=len, reverse=True)
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
    at = call.moment
    if at < window.first:
        return f"it came {duration((window.first - at) / SECOND)} too early"
    if at > window.last:
        return f"it came {duration((at - window.last) / SECOND)} too late"
    return ""


# -- calls in the order of their times -------------------------------------------------


class CallsInOrder(list[Member]):
    """Calls in the order of their times."""

    def note(self, member: Member, *, is_one: bool) -> bool:
        """Take a call in, or out again; False if it is so already."""
        place = bisect_left(self, member)
        was_one = self[place : place + 1] == [member]
        if is_one and not was_one:
            self.insert(place, member)
        elif was_one and not is_one:
            del self[place]
        return was_one != is_one

    def between(self, begin: float, end: float) -> list[Member]:
        """Give those of a time, its first and its last microsecond among it."""
        first = bisect_left(self, (begin, ""))
        return self[first : bisect_left(self, (end + 1, ""), first)]

    def any_between(self, begin: float, end: float) -> bool:
        first = bisect_left(self, (begin, ""))
        return first < len(self) and self[first][0] <= end


# -- those of one name and role --------------------------------------------------------


class Fit(Struct, frozen=True):
    """What speaks for an attempt having made a call that no id matches."""

    equal: frozenset[str] = frozenset()
    """The parameters that are equal."""
    token: bool = False
    """True if the attempt's own task token is among them."""
    answer: str = ""
    """The id in the call's answer that the attempt's output tells, too."""

    @property
    def is_proof(self) -> bool:
        """True if no other attempt can have made such a call, and succeeded."""
        return self.token or bool(self.answer)


class CallGroup(Struct, eq=False):
    """The calls of one name and role that no id matches, and who may have made them."""

    name: CallName
    role: str
    callers: dict[AttemptKey, Caller] = field(default_factory=dict)
    """The attempts that may make such calls."""
    asking: int = 0
    """Whose action such a call may be: so many of these."""
    moved_callers: set[AttemptKey] = field(default_factory=set)
    """Those whose windows are to be looked at again."""
    windows: dict[AttemptKey, Window] = field(default_factory=dict)
    """When each attempt may have made such calls."""
    members: CallsInOrder = field(default_factory=CallsInOrder)
    touched: set[Member] = field(default_factory=set)
    """Those whose partners are to be looked for again."""
    spans: list[Window] = field(default_factory=list)
    """The times whose calls are, too: thousands may have one time in common."""
    open: set[str] = field(default_factory=set)
    """Those that are to be matched again, their partners being the same."""
    moved: set[AttemptKey] = field(default_factory=set)
    """Attempts that other calls fit now: all that do are to be matched again."""
    fits: dict[str, dict[AttemptKey, Fit]] = field(default_factory=dict)
    """Who may have made each call, and what speaks for each."""
    calls_of: dict[AttemptKey, set[str]] = field(default_factory=dict)
    """The same from the other side."""
    crowded: dict[str, tuple[int, list[AttemptKey]]] = field(default_factory=dict)
    """The calls that more attempts fit than are looked at, their number, and some."""
    crowd: CallsInOrder = field(default_factory=CallsInOrder)
    """The same in the order of their times."""

    def remove(self, member: Member) -> bool:
        """Take a call out; False if it was not there."""
        was_there = self.members.note(member, is_one=False)
        if was_there:
            self.touched.discard(member)
            self.set_fits(member, {})
            self.open.discard(member[1])
        return was_there

    def set_window(self, key: AttemptKey, window: Window | None) -> None:
        """Note when an attempt may have made such calls; None: it made none."""
        old = self.windows.pop(key, None)
        if window is not None:
            self.windows[key] = window
        self.spans += filter(None, (old, window))

    def take_touched(self) -> list[Member]:
        """Give what was touched, in the order of its times, and forget that."""
        touched, self.touched = self.touched, set()
        spans, self.spans = sorted(self.spans, key=lambda span: span.first), []
        done = -math.inf
        for span in spans:
            if span.last > done:
                first, last = max(span.first, done) - NEAR, span.last + NEAR
                touched.update(self.members.between(first, last))
                done = span.last
        return sorted(touched)

    def set_fits(self, member: Member, fits: dict[AttemptKey, Fit]) -> None:
        event_id = member[1]
        old = self.fits.pop(event_id, {})
        self.moved |= old.keys() | fits.keys()
        for key in old.keys() - fits.keys():
            self.calls_of[key].discard(event_id)
            if not self.calls_of[key]:
                del self.calls_of[key]
        for key in fits:
            self.calls_of.setdefault(key, set()).add(event_id)
        if fits:
            self.fits[event_id] = fits
        if self.crowded.pop(event_id, None) is not None:
            self.crowd.note(member, is_one=False)
        self.open.add(event_id)

    def set_crowded(self, member: Member, keys: list[AttemptKey]) -> None:
        """Note a call that so many fit that but the first of them are listed."""
        self.set_fits(member, {})
        self.crowded[member[1]] = len(keys), keys[:LISTED]
        self.crowd.note(member, is_one=True)
        self.moved.update(keys)

    def roles_of(self, keys: Iterable[AttemptKey]) -> set[CallRole]:
        """Say what such a call would be to each of some attempts."""
        return {self.windows[key].role for key in keys}

    def around(self, event_id: str) -> tuple[set[str], set[AttemptKey]]:
        """Give all calls and attempts that hang together with a call."""
        calls, keys, left = {event_id}, set[AttemptKey](), [event_id]
        for each in left:
            for key in self.fits.get(each, {}).keys() - keys:
                keys.add(key)
                new = self.calls_of[key] - calls
                calls |= new
                left.extend(new)
        return calls, keys

    def take_open(self) -> Iterator[tuple[set[str], set[AttemptKey]]]:
        """Give what is to be matched again, with all that hangs together with it."""
        left, self.open = self.open, set()
        moved, self.moved = self.moved, set()
        for key in moved & self.calls_of.keys():
            left |= self.calls_of[key]
        while left:
            calls, keys = self.around(left.pop())
            left -= calls
            yield calls, keys


def present_at(
    windows: Mapping[AttemptKey, Window], touched: Iterable[Member], near: int
) -> Iterator[list[AttemptKey]]:
    """Give for each call, in the order of their times, whose time it nearly falls into.

    They are in order: of very many the first are listed for every call.
    """
    arrivals = [(window.first - near, key) for key, window in windows.items()]
    arrivals.sort(reverse=True)
    departures: list[tuple[float, AttemptKey]] = []
    present: list[AttemptKey] = []
    for moment, _ in touched:
        while arrivals and arrivals[-1][0] <= moment:
            key = arrivals.pop()[1]
            insort(present, key)
            heappush(departures, (windows[key].last + near, key))
        while departures and departures[0][0] < moment:
            del present[bisect_left(present, heappop(departures)[1])]
        yield present


class Asking:
    """Calls that fit no attempt here, by what they ask for.

    A role that others work with may have made thousands within minutes: to compare
    each with each attempt took minutes.
    """

    def __init__(self, asked_for: Mapping[Member, Leaves]) -> None:
        """Take in the calls, in the order of their times, with what they ask for."""
        self._asked_for, self._all = asked_for, CallsInOrder(asked_for)
        told = {
            member: {p: text for p, (_, text) in called.items() if is_plain(p, text)}
            for member, called in asked_for.items()
        }
        often = Counter(path for texts in told.values() for path in texts)
        self._paths = {path for path, _ in often.most_common(_PATHS)}
        self._by_text = defaultdict[tuple[str, Any], CallsInOrder](CallsInOrder)
        """By a path, and the text they have there, or None."""
        for member, texts in told.items():
            for path in self._paths:
                self._by_text[path, texts.get(path)].append(member)

    def like(self, wanted: Leaves, begin: float, end: float) -> list[Leaves]:
        """Give what those of a time ask for that may ask for the same."""
        best = self._all.between(begin, end)
        for path in self._paths & wanted.keys():
            value = wanted[path][1]
            if is_plain(path, value):
                same, silent = self._by_text[path, value], self._by_text[path, None]
                found = same.between(begin, end) + silent.between(begin, end)
                best = min(best, found, key=len)
        return [self._asked_for[member] for member in best]
