"""Whether a watch would work from here: each read that it makes is tried once.

The reads are tried on an existing execution: the named one, or else the first that the
lists return. Of an answer only its arrival is kept. A service that does not answer is
not asked again, so a dead endpoint costs seconds only.

CloudTrail's lateness can't be asked for. The age of the newest record is that lateness
plus the time since the last event. The records before it show how often events come.
Where few events come, nothing follows from the age.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.clock import ServerClock, SystemClock
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.arns import ExecutionArn, MapRunArn, Named, parse_execution_arn
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean, without_login
from sfnwatch.model.times import duration, maybe_time
from sfnwatch.model.values import list_of, mapping_of
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import AwsSettings, check_profile, region_of
from sfnwatch.sources.failures import SKEWED, beside_aws, time_of
from sfnwatch.sources.lookup import LOOKUP, is_unsupported
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.request_log import RequestLog
from sfnwatch.sources.search import Search

ANSWER_SECONDS = 10.0
"""Seconds to wait for one answer."""
_SIGN_IN_SECONDS = 25.0
"""Seconds to wait for credentials: a credential_process may take 20."""
_FEATURES = (Feature.CHILDREN, Feature.IDENTITY)
_EVENTS = 1000
"""The number of events in which a Map Run is looked for."""
_NEWEST = 50
"""The number of CloudTrail records to read: one page."""
_LIST = "states:ListExecutions"
_USUAL_GAPS = 3
"""If the newest record is older than this many usual gaps, the reason is delay, not
silence."""
_TOLERANCE = timedelta(seconds=3)
"""A Date header has whole seconds, and takes time to arrive."""
_PASSING = frozenset({HealthState.RETRYING, HealthState.THROTTLED})
_LONGEST_TEXT = 200
_LAG = "CloudTrail's lag"
_UNANSWERED = "not tried: what was asked before had no answer."
_NOT_AWS = "{}, which is not AWS: it may behave differently."
_UNSUPPORTED = "A watch goes on without it, and shows no API calls."
_UNRECORDED = "no call is recorded there, so a watch shows no API calls."
_NO_ANSWER = f"no answer within {ANSWER_SECONDS:.0f} s."


class Check(Struct, frozen=True):
    """The result of one check."""

    name: str
    ok: bool | None
    """None if it was not tried, or if nothing follows from it."""
    found: str
    advice: str = ""
    data: Mapping[str, Any] = {}
    """The figures of the result, for programs."""


TellCheck = Callable[[Check], None]
"""Takes the checks, one after the other."""


class Diagnosis:
    """Tries the requests that a watch would make, with given settings."""

    def __init__(
        self, named: Named | None, settings: AwsSettings, tell: TellCheck
    ) -> None:
        """Make a diagnosis; with nothing named, it looks for some execution."""
        self._named = named
        self._settings = settings
        self._tell = tell
        self._clock = ServerClock()
        self._skews: list[float] = []
        """For each answer, the seconds that this machine's clock is ahead of AWS's."""
        self._refused = False
        """True once a read was refused: a wrong clock may be the reason."""
        self._endpoint = ""
        """The host and port that answered, if they are not AWS's."""
        self._silent: set[str] = set()
        """Services that have not answered; with one endpoint for all, that endpoint."""

    async def run(self) -> None:
        """Report each result, in the order in which one check needs another."""
        try:
            region = region_of(self._settings, self._named)
            self._settings = replace(self._settings, region=region)
            check_profile(self._settings)
        except SfnwatchError as error:
            self._tell(Check("AWS settings", False, error.message, error.hint))
            return
        url = self._settings.endpoint_url
        finding = clean(region, _LONGEST_TEXT)
        if url:
            finding += f"; all is asked of {clean(without_login(url), _LONGEST_TEXT)}"
        self._tell(Check("Region", True, finding))
        async with AwsClient(self._settings, self._heed, _FEATURES) as self._aws:
            credentials = await self._credentials()
            self._tell(credentials)
            if credentials.ok:
                self._tell(await self._identity())
                if self._endpoint:
                    answered = _NOT_AWS.format(self._endpoint)
                    self._tell(Check("endpoint", None, answered))
                await self._reads()
                await self._trail()
                self._tell(self._skew())

    async def _try(
        self, operation: str, subject: str, **parameters: Any
    ) -> tuple[Check, Mapping[str, Any]]:
        """Try a read; return its result, and the answer if there is one."""
        service, _, name = operation.partition(":")
        place = self._settings.endpoint_url or service
        if place in self._silent:
            return Check(name, None, _UNANSWERED), {}
        region = self._settings.region
        request = AwsRequest(operation, subject, region, dict, parameters)
        try:
            with RequestLog(SystemClock()).asking("doctor"):
                async with asyncio.timeout(ANSWER_SECONDS):
                    answer = await self._aws.call(request)
            self._endpoint = answer.endpoint
            return Check(name, True, subject), answer.value
        except TimeoutError:
            failure = Failure(HealthState.RETRYING, _NO_ANSWER)
            failure.unreachable = True
        except Failure as error:
            failure = error
            self._endpoint = failure.endpoint
        return self._failed_check(failure, operation, subject), {}

    def _failed_check(self, failure: Failure, operation: str, subject: str) -> Check:
        """Return the check of a read that failed, with what to do."""
        service, _, name = operation.partition(":")
        refusal = getattr(failure.__cause__, "response", None)
        if refusal:
            self._refused = True
            date = time_of(refusal)
            if date is not None:
                self._heed(date)
        advice = ""
        if failure.unreachable:
            url = self._settings.endpoint_url
            self._silent.add(url or service)
            advice = "Check the network, AWS_ENDPOINT_URL and HTTPS_PROXY."
            if url:
                shown = clean(without_login(url))
                advice = f"Is anything listening at the --endpoint-url {shown}?"
        elif operation == LOOKUP and is_unsupported(failure, has_tried=True):
            reason = f"not supported there: it answered {clean(failure.code)}."
            return Check(name, None, reason, _UNSUPPORTED)
        elif failure.state in _PASSING and not failure.at_least:
            advice = "Try again: that may pass."
        reason = failure.message.removeprefix(f"{name} on {subject}: ")
        return Check(name, False, reason.removeprefix(f"{name}: "), advice)

    async def _read(
        self, operation: str, subject: str, **parameters: Any
    ) -> Mapping[str, Any]:
        """Try a read and report the result; return the answer if there is one."""
        check, answer = await self._try(operation, subject, **parameters)
        self._tell(check)
        return answer

    async def _credentials(self) -> Check:
        profile = self._settings.profile
        whose = f", profile {clean(profile, _LONGEST_TEXT)}" if profile else ""
        try:
            async with asyncio.timeout(_SIGN_IN_SECONDS):
                method = await self._aws.credentials_method()
        except TimeoutError:
            reason = f"nothing gave any within {_SIGN_IN_SECONDS:.0f} s{whose}."
            return Check("credentials", False, reason, f"Run: {self._aws.login}")
        except Failure as failure:
            reason = failure.message.removeprefix("AWS credentials: ")
            return Check("credentials", False, reason)
        return Check("credentials", True, f"{clean(method, _LONGEST_TEXT)}{whose}")

    async def _identity(self) -> Check:
        region = self._settings.region
        check, caller = await self._try("sts:GetCallerIdentity", region)
        if not check.ok:
            return replace(check, name="identity")
        arn = clean(str(caller.get("Arn")), _LONGEST_TEXT)
        account = getattr(self._named, "account", None)
        if account in {None, caller.get("Account")}:
            return Check("identity", True, arn)
        finding = f"{arn}, and what is named is of account {account}."
        hint = "Choose a --profile of that account: no other can read it."
        return Check("identity", False, finding, hint)

    async def _reads(self) -> None:
        """Try each read of Step Functions that a watch makes."""
        execution = self._named
        if not isinstance(execution, ExecutionArn):
            execution = await self._find_execution()
        if execution is None:
            return
        arn = execution.arn
        name = clean(execution.name, _LONGEST_TEXT)
        if execution.is_express:
            reason = f"not tried: AWS keeps no history of {name}, an Express execution."
            hint = "Its log group is read: sfnwatch iam-policy --with express"
            self._tell(Check("history", None, reason, hint))
            return
        for operation in ("DescribeExecution", "DescribeStateMachineForExecution"):
            await self._read(f"states:{operation}", name, executionArn=arn)
        history = await self._read(
            "states:GetExecutionHistory",
            name,
            executionArn=arn,
            maxResults=_EVENTS,
            includeExecutionData=False,
        )
        machine_name = clean(execution.state_machine_name, _LONGEST_TEXT)
        machine_arn = execution.state_machine_arn
        await self._read(_LIST, machine_name, stateMachineArn=machine_arn, maxResults=1)
        map_run_arn = self._map_run_arn(history)
        if map_run_arn is not None:
            label = clean(map_run_arn.rpartition(":mapRun:")[2], _LONGEST_TEXT)
            await self._read("states:DescribeMapRun", label, mapRunArn=map_run_arn)
            await self._read(_LIST, label, mapRunArn=map_run_arn, maxResults=1)

    def _map_run_arn(self, history: Mapping[str, Any]) -> str | None:
        """Return the named Map Run's ARN, or that of the first one in a history.

        None if there is neither.
        """
        if isinstance(self._named, MapRunArn):
            return self._named.arn
        for event in list_of(history.get("events")):
            started = mapping_of(mapping_of(event).get("mapRunStartedEventDetails"))
            if "mapRunArn" in started:
                return str(started["mapRunArn"])
        return None

    async def _find_execution(self) -> ExecutionArn | None:
        """Find an execution to try the reads on."""
        name = "executions"
        reasons = list[str]()
        if self._silent:
            self._tell(Check(name, None, _UNANSWERED))
            return None
        lists = Search(self._settings, self._clock).list_executions(self._named)
        try:
            async with asyncio.timeout(ANSWER_SECONDS), aclosing(lists) as listings:
                async for listing in listings:
                    for left_out in listing.left_out:
                        if not left_out.express:
                            reasons.append(left_out.reason)
                    for execution in listing.executions:
                        self._tell(
                            Check(name, True, clean(execution.name, _LONGEST_TEXT))
                        )
                        return parse_execution_arn(execution.arn)
            hint = "Name one: sfnwatch doctor ARN"
            if reasons:
                check = Check(name, False, reasons[0], hint)
            else:
                none = "there is none to try the reads on."
                check = Check(name, None, none, hint)
        except TimeoutError:
            check = Check(name, False, _NO_ANSWER)
        except SfnwatchError as error:
            check = Check(name, False, error.message, error.hint)
        self._tell(check)
        return None

    async def _trail(self) -> None:
        region = self._settings.region
        page = await self._read(LOOKUP, region, MaxResults=_NEWEST)
        if not page:
            return
        times: list[datetime] = []
        for event in list_of(page.get("Events")):
            time = maybe_time(mapping_of(event).get("EventTime"))
            if time is not None:
                times.append(time)
        if self._endpoint and not times:
            self._tell(Check(_LAG, None, _UNRECORDED))
            return
        self._tell(_lag(sorted(times), self._clock.now()))

    def _heed(self, date: datetime) -> None:
        self._clock.heed(date)
        # A Date header is the start of the second in which the answer was sent.
        self._skews.append((SystemClock().now() - date).total_seconds() - 0.5)

    def _skew(self) -> Check:
        if not self._skews:
            return Check("clock", None, "not known: no answer told the time.")
        ahead = timedelta(seconds=median(self._skews))
        data = {"seconds_ahead": round(ahead.total_seconds(), 1)}
        if abs(ahead) <= _TOLERANCE:
            return Check("clock", True, "as AWS's, to the second", data=data)
        finding = f"{beside_aws(ahead)}, by its answers' Date."
        if abs(ahead) > SKEWED and self._refused:
            hint = "Set the clock: what is signed at another time is refused."
            return Check("clock", False, finding, hint, data)
        hint = "Times are put right by AWS's; better set the clock."
        return Check("clock", True, finding, hint, data)


def _lag(times: Sequence[datetime], now: datetime) -> Check:
    """Return how late CloudTrail is, as far as its newest records show it."""
    hint = "A watch measures it on its own calls."
    if len(times) <= 1:
        return Check(_LAG, None, "not known: there are no records to tell by.", hint)
    age = max(0.0, (now - times[-1]).total_seconds())
    gap = (times[-1] - times[0]).total_seconds() / (len(times) - 1)
    data = {"newest_seconds_ago": round(age, 1), "usual_gap_seconds": round(gap, 1)}
    newest = f"the newest of {len(times)} records is {duration(age)} old"
    often = f"one comes every {duration(gap)}"
    if age < _USUAL_GAPS * gap:
        finding = (
            f"at most {duration(age)}: {newest}; {often}, too seldom to tell more."
        )
        return Check(_LAG, None, finding, hint, data)
    lag = age - gap
    data["seconds"] = round(lag, 1)
    finding = f"about {duration(lag)}: {newest}, and {often}."
    return Check(_LAG, True, finding, data=data)
