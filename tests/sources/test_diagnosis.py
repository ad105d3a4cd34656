"""What doctor asks of an account, and what it makes of the answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from msgspec import Struct, field

from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.http_server import CREDENTIALS, DemoRequest, answer, refusal
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    Named,
    parse_execution_arn,
    parse_states_arn,
)
from sfnwatch.sources import diagnosis
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.diagnosis import Check, Diagnosis
from sfnwatch.sources.permissions import ALLOWED
from tests.builders import ARN
from tests.sources.loopback import served
from tests.sources.simulation import REGION

READS = sorted(name for _, name in ALLOWED)
"""What a watch sends."""
OURS = {"versions", "Region", "credentials", "identity", "clock", "CloudTrail's lag"}


class Front(Struct):
    """An account, and what is done to its answers on their way."""

    account: Account
    instead: Mapping[str, str | bytes] = field(default_factory=dict)
    """Operations, to the code they are refused with, or to another answer."""
    ahead: timedelta = timedelta(0)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    is_aws: bool = True

    async def take(self, request: web.Request) -> web.StreamResponse:
        asked = DemoRequest(request.headers, await request.read())
        self.asked.append(asked.operation)
        given = answer(self.account, asked)
        match self.instead.get(asked.operation):
            case str(code):
                given = refused(asked, AwsError(code, "Not you."))
            case bytes(other):
                given.body = other
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        given.headers["Date"] = date
        return given

    @property
    def settings(self) -> AwsSettings:
        return AwsSettings(REGION, None, self.url, *CREDENTIALS, simulated=self.is_aws)

    def execution(self, number: int = 0) -> ExecutionArn:
        return parse_execution_arn([*self.account.executions.values()][number])

    async def checks(self, named: Named | None = None) -> dict[str, Check]:
        """Give what was found, the last of each name."""
        return await diagnosed(named, self.settings)


def refused(asked: DemoRequest, error: AwsError) -> web.Response:
    """Refuse in the service's own form."""
    given = refusal(error, "0c5a4c5e")
    if asked.service == "sts":
        told = f"<Code>{error.code}</Code><Message>{error.message}</Message>"
        given.text = f"<ErrorResponse><Error>{told}</Error></ErrorResponse>"
    return given


async def diagnosed(named: Named | None, settings: AwsSettings) -> dict[str, Check]:
    found = dict[str, Check]()
    await Diagnosis(named, settings, lambda e: found.update({e.name: e})).run()
    return found


@asynccontextmanager
async def fronted(*scenarios: str, **more: Any) -> AsyncIterator[Front]:
    clock = SpedClock(1.0)
    start = clock.now() - timedelta(minutes=10)
    account = Account(scenarios or ("distributed",), clock=clock, epoch=start, seed=7)
    front = Front(account, **more)
    async with served(front.take) as front.url:
        yield front


@pytest.mark.parametrize("by", ["nothing", "name", "machine", "execution"])
async def test_each_read_of_a_watch_is_tried_once_on_what_is_named(by: str) -> None:
    async with fronted() as front:
        arn = front.execution()
        named: Named | None = {
            "nothing": None,
            "name": MachineName(arn.state_machine_name),
            "machine": parse_states_arn(arn.state_machine_arn),
            "execution": arn,
        }[by]
        found = await front.checks(named)
    assert {check.ok for check in found.values()} <= {True, None}
    if by != "nothing":
        assert {*READS, *OURS - {"versions"}} <= found.keys()
        assert found["DescribeExecution"].found == arn.name
    if by == "execution":
        counts = {name: front.asked.count(name) for name in READS}
        assert counts == {**dict.fromkeys(READS, 1), "ListExecutions": 2}
    else:
        assert found["executions"].ok
    assert CREDENTIALS[1] not in str(found)


async def test_a_map_run_is_tried_with_its_own_reads() -> None:
    async with fronted() as front:
        machine = front.execution().state_machine_arn
        run = (await front.checks(front.execution()))["DescribeMapRun"].found
        head = machine.partition(":stateMachine:")[0]
        found = await front.checks(parse_states_arn(f"{head}:mapRun:{run}"))
    assert found["DescribeMapRun"].found == run
    assert found["ListExecutions"].found == run
    assert all(found[name].ok for name in READS)


TOLD = {
    "AccessDeniedException": ("AccessDenied", " (see sfnwatch iam-policy"),
    "InternalFailure": ("InternalFailure", "Try again"),
    b"{Welcome to our network": ("cut or garbled", "Try again"),
}


@pytest.mark.parametrize("operation", [*READS, "GetCallerIdentity"])
@pytest.mark.parametrize("told", TOLD)
async def test_of_what_fails_the_words_and_the_remedy_are_told_and_the_rest_is_tried(
    operation: str, told: str | bytes
) -> None:
    async with fronted(instead={operation: told}) as front:
        found = await front.checks(front.execution())
    name = "identity" if operation == "GetCallerIdentity" else operation
    assert {each.name for each in found.values() if each.ok is False} == {name}
    for words in TOLD[told]:
        assert words in f"{found[name].found} {found[name].advice}"


@pytest.mark.parametrize("operation", ["ListStateMachines", "ListExecutions"])
async def test_where_no_execution_can_be_found_the_rest_is_left_out_with_words(
    operation: str,
) -> None:
    async with fronted(instead={operation: "AccessDeniedException"}) as front:
        found = await front.checks()
    assert found["executions"].ok is False
    assert f"Allow states:{operation}" in found["executions"].found
    assert "DescribeExecution" not in found
    assert found["LookupEvents"].ok


async def test_what_is_of_another_account_is_told_so() -> None:
    async with fronted() as front:
        arn = front.execution().arn.replace("123456789012", "210987654321")
        found = await front.checks(parse_execution_arn(arn))
    assert found["identity"].ok is False
    assert "of account 210987654321" in found["identity"].found
    assert "--profile" in found["identity"].advice


async def test_a_dead_endpoint_is_told_of_and_each_service_asked_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(diagnosis, "ANSWER_SECONDS", 0.3)

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with served(hang) as url:
        settings = AwsSettings(REGION, None, url, *CREDENTIALS)
        by_name = await diagnosed(parse_execution_arn(ARN), settings)
    assert by_name["identity"].ok is False
    assert f"listening at the --endpoint-url {url}?" in by_name["identity"].advice
    for name in READS:
        assert name == "DescribeMapRun" or by_name[name].ok is None
    assert by_name["clock"].ok is None


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "as AWS's"),
        (90, " behind AWS's"),
        (-90, " ahead of AWS's"),
        (900, " behind AWS's"),
        (3e9, " behind AWS's"),
    ],
)
@pytest.mark.parametrize("denied", [False, True])
async def test_the_clock_is_held_against_the_dates_of_answers_and_refusals(
    *, ahead: float, words: str, denied: bool
) -> None:
    """What is far off is no mistake where AWS takes it all the same."""
    names = [*READS, "GetCallerIdentity"] if denied else ()
    refused: dict[str, str | bytes] = dict.fromkeys(names, "AccessDeniedException")
    by = timedelta(seconds=ahead)
    async with fronted(ahead=by, instead=refused) as front:
        check = (await front.checks(front.execution()))["clock"]
    assert check.ok is not (denied and ahead >= 900)
    assert words in check.found
    assert bool(check.advice) is (ahead != 0)
    assert abs(check.data["seconds_ahead"] + ahead) < 5


def records(newest: float, gap: float, count: int) -> bytes:
    """Make CloudTrail's records, the newest so many seconds old; one has no time."""
    now = datetime.now(UTC).timestamp()
    times = [now - newest - gap * number for number in range(count)]
    told = [{"EventTime": time} for time in (*times, "soon")]
    return json.dumps({"Events": told}).encode()


@pytest.mark.parametrize(
    ("newest", "gap", "count", "ok", "words"),
    [
        (176, 2, 50, True, "about 2m 5"),
        (181, 120, 50, None, "at most 3m 0"),
        (-90, 0, 50, True, "about 0.00 s"),
        (0, 0, 0, None, "not known"),
        (10, 0, 1, None, "not known"),
    ],
)
async def test_how_late_cloudtrail_is_is_told_as_far_as_its_records_tell(
    *, newest: float, gap: float, count: int, ok: bool | None, words: str
) -> None:
    async with fronted(instead={"LookupEvents": records(newest, gap, count)}) as front:
        check = (await front.checks(front.execution()))["CloudTrail's lag"]
    assert check.ok is ok
    assert words in check.found


async def test_what_answers_in_place_of_aws_is_named() -> None:
    async with fronted(is_aws=False) as front:
        found = await front.checks(front.execution())
        host = front.url.removeprefix("http://")
    assert found["endpoint"].ok is None
    assert found["endpoint"].found.startswith(f"{host}, which is not AWS")
    async with fronted() as front:
        assert "endpoint" not in await front.checks(front.execution())


async def test_an_emulator_that_records_no_call_has_no_lag() -> None:
    none = {"LookupEvents": b'{"Events": []}'}
    async with fronted(is_aws=False, instead=none) as front:
        found = await front.checks(front.execution())
    assert found["LookupEvents"].ok
    assert "no call is recorded there" in found["CloudTrail's lag"].found


async def test_an_emulator_without_lookup_events_is_no_failure() -> None:
    without = {"LookupEvents": "UnknownOperationException"}
    async with fronted(is_aws=False, instead=without) as front:
        check = (await front.checks(front.execution()))["LookupEvents"]
    assert check.ok is None
    assert check.found.startswith("not supported there")
    assert "shows no API calls" in check.advice
    async with fronted(instead=without) as front:
        check = (await front.checks(front.execution()))["LookupEvents"]
    assert check.ok is False


_KEYS = ("events", "Events", "executions", "stateMachines", "nextToken", "NextToken")
_NONE_OF_ITS = {"EventTime": [], "mapRunStartedEventDetails": 7, "executionArn": None}
ODD: Mapping[str, Any] = {
    "null": None,
    "a number": 7,
    "half a pair": "\ud800",
    "a list of what is none": [None, 7, [], {}, "x", _NONE_OF_ITS],
}
"""What stands where a list or a token should."""


@pytest.mark.parametrize("odd", ODD)
async def test_an_answer_of_another_form_ends_nothing(odd: str) -> None:
    body = json.dumps(dict.fromkeys(_KEYS, ODD[odd])).encode()
    lists = ("GetExecutionHistory", "LookupEvents", "ListExecutions")
    async with fronted(instead=dict.fromkeys(lists, body)) as front:
        found = await front.checks(front.execution())
    assert {*OURS - {"versions", "CloudTrail's lag"}, *lists} <= found.keys()
    assert all(check.found.isprintable() for check in found.values())
