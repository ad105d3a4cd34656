"""A trail's log group as a source of calls: read in cycles, and followed.

And Express executions: found in their log, read to their end, and what is said.
"""

import asyncio
import json
import re
import struct
from binascii import crc32
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field

from sfnwatch.clock import SystemClock
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.express import Express
from sfnwatch.sources.live_options import CallOptions, LiveOptions
from sfnwatch.sources.log_group import LiveTail, LogGroup, trail_pattern
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.rate_limits import RateLimitedAws
from sfnwatch.sources.targets import Targets
from tests.builders import (
    ACCOUNT,
    EXPRESS_ARN,
    MACHINE_ARN,
    REGION,
    ROLE,
    History,
    api_call,
    at,
    logged,
    sync_calls,
    sync_history,
)
from tests.sources.clocks import EPOCH, ManualClock, SteppedClock
from tests.sources.loopback import (
    EVERYTHING,
    Refusal,
    Stub,
    client_at,
    page_of,
    served,
    settings_at,
)
from tests.sources.simulation import Watched, held_by
from tests.sources.test_archive import (
    LATER,
    TEN_DAYS,
    bare,
    context_of,
    ended,
    found,
    gathered,
    known,
    redriven_late,
)

# -- CloudWatch Logs on loopback: groups that fill as their clock goes on --------------
#
# It knows as much of filter patterns as is asked for here, and says of anything else
# that it is not valid, as the service does.

_TERM = re.compile(r'\(?\$\.(?P<path>[\w.]+) = "(?P<value>[^"]*)"\)?')


def matches(pattern: str, message: str) -> bool:
    """Tell if a message matches a pattern; a `*` at the end matches any rest.

    What is not JSON matches no pattern of this kind.
    """
    assert len(pattern) <= 1024
    assert pattern[:2] + pattern[-2:] == "{  }", pattern
    terms = [_TERM.fullmatch(term) for term in pattern[2:-2].split(" || ")]
    assert all(terms), pattern
    try:
        record = json.loads(message)
    except ValueError:
        return False
    return any(_fits(_at(record, t["path"]), t["value"]) for t in terms if t)


def _at(record: Any, path: str) -> Any:
    for key in path.split("."):
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _fits(found: Any, value: str) -> bool:
    if not isinstance(found, str):
        return False
    return found.startswith(value[:-1]) if value.endswith("*") else found == value


class LogLine(Struct, frozen=True):
    """A log event, and when it can be read."""

    event: Mapping[str, Any]
    since: datetime


class Logs(Stub, kw_only=True):
    """A service with its log groups, by one clock."""

    clock: SteppedClock
    groups: dict[str, list[LogLine]] = field(default_factory=dict)
    """By name, or by ARN where they are another account's."""
    machine: Mapping[str, Any] | Refusal = field(default_factory=dict)
    """What DescribeStateMachine answers."""
    read_at: list[datetime] = field(default_factory=list)
    """When it was asked for log events."""
    page: int = 10_000
    lax: bool = False
    """True for a service that knows no patterns."""

    def __post_init__(self) -> None:
        self.answers = {
            "FilterLogEvents": self._filter,
            "DescribeStateMachine": lambda _: self.machine,
        }

    def client(self) -> AwsClient:
        """Give a client that may send everything, and holds the clock while it asks."""
        return held_by(self.clock)(settings_at(self.url), features=EVERYTHING)

    def put(self, group: str, message: Any, at: datetime, late: float = 0.5) -> None:
        """Have a line logged `at` a time, and delivered so many seconds later."""
        stamp = round(at.timestamp() * 1000)
        event = {
            "logStreamName": "states/0",
            "timestamp": stamp,
            "message": message if isinstance(message, str) else json.dumps(message),
            "ingestionTime": stamp + 900,
            "eventId": f"{sum(map(len, self.groups.values())):056d}",
        }
        line = LogLine(event, at + timedelta(seconds=late))
        self.groups.setdefault(group, []).append(line)

    def _filter(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        self.read_at.append(self.clock.now())
        known = {"startTime", "endTime", "filterPattern", "nextToken"}
        (which,) = asked.keys() - known
        name = asked[which]
        assert which == "logGroup" + ("Identifier" if ":" in name else "Name")
        if name not in self.groups:
            raise Refusal("ResourceNotFoundException", "The log group does not exist.")
        return page_of(self._found(name, asked), asked, "events", self.page)

    def _found(self, name: str, asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        until = asked.get("endTime", 1 << 60)
        found = [
            line.event
            for line in self.groups[name]
            if line.since <= self.clock.now()
            and asked["startTime"] <= line.event["timestamp"] <= until
            and (self.lax or matches(asked["filterPattern"], line.event["message"]))
        ]
        return sorted(found, key=lambda event: event["timestamp"])


# -- a trail's -------------------------------------------------------------------------

GROUP = "trail/logs"
USER = "$.userIdentity.sessionContext.sessionIssuer.userName"


def named(record: dict[str, Any]) -> dict[str, Any]:
    """Name the role behind the session, as records do."""
    issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
    issuer["userName"] = issuer["arn"].rpartition("/")[2]
    return record


def made_by(role: str, key: str, **more: Any) -> dict[str, Any]:
    role = ROLE.replace(ROLE.rpartition("/")[2], role)
    return named(api_call("RunTask", 1, key=key, role=role, **more))


OURS = [named(record) for record in bare(sync_calls())]
IDS = [record["eventID"] for record in OURS]


class Reading(Struct):
    """A watch of an execution, whose calls come from a log group."""

    logs: Logs
    targets: Targets

    async def run(self, group: str = GROUP) -> Watched:
        options = LiveOptions(CallOptions(log_group=group))
        context = WatchContext(self.targets, self.logs.clock, options)
        async with self.logs.client() as aws:
            return await gathered(LogGroup(aws, context))

    def when(self, seconds: float, do: Callable[[], Any]) -> None:
        """Do something so many seconds after the start."""
        self.logs.clock.when((at(seconds) - EPOCH).total_seconds(), do)

    def end_at(self, seconds: float) -> None:
        self.when(seconds, lambda: ended(self.targets))


@pytest.fixture
async def reading() -> AsyncIterator[Reading]:
    """Watch the experiment while it runs: each call is logged 130 s later."""
    logs = Logs(clock=SteppedClock(at(3)))
    for record in OURS:
        logs.put(GROUP, record, datetime.fromisoformat(record["eventTime"]), 130)
    targets = known(history=sync_history()[:5], finished=False)
    async with served(logs.take) as logs.url:
        yield Reading(logs, targets)


async def test_the_calls_are_read_as_they_are_logged_each_once(
    reading: Reading,
) -> None:
    reading.logs.page = 2
    reading.logs.put(GROUP, made_by("other", "o"), at(1))
    reading.end_at(309.05)
    watched = await reading.run()
    assert found(watched) == IDS
    texts = {json.dumps(record).encode() for record in OURS}
    assert {r.data for r in watched.of(RecordKind.TRAIL)} == texts
    assert watched.states("lookup") == ["connecting", "live", "draining", "ended"]
    last = watched.healths("lookup")[-1]
    assert (last.source, last.lag, last.message) == ("log-group", 900, "")
    (role,) = reading.targets.roles
    pattern = f'{{ ($.eventName = "InvokeHTTPEndpoint") || ({USER} = "{role}") }}'
    asked = reading.logs.of("FilterLogEvents")
    assert {each["filterPattern"] for each in asked} == {pattern}
    begin = int((at(0) - timedelta(seconds=5)).timestamp() * 1000)
    assert asked[0]["startTime"] == asked[-1]["startTime"] == begin
    assert {each.region for each in reading.logs.asked} == {REGION}


async def test_each_cycle_reads_a_while_back_and_some_far_back(
    reading: Reading,
) -> None:
    straggler = {**OURS[0], "eventID": "straggler"}
    reading.logs.put(GROUP, straggler, at(60), 70 * 60)
    reading.end_at(8200)
    assert "straggler" in found(await reading.run())
    back = [
        round(when.timestamp() - asked["startTime"] / 1000)
        for asked, when in zip(
            reading.logs.of("FilterLogEvents"), reading.logs.read_at, strict=True
        )
    ]
    assert set(back[-60:]) == {900, 7200}
    assert back[-1] == 7200
    assert 10 <= back[-60:].count(7200) <= 11


async def test_a_role_that_becomes_known_later_is_looked_for_from_the_start(
    reading: Reading,
) -> None:
    # By itself, not by Step Functions: only by its role is it known.
    reading.logs.put(GROUP, made_by("late", "late", invoked_by=None), at(2))
    reading.when(1200, lambda: reading.targets.roles.add("late"))
    reading.end_at(1300)
    assert sorted(found(await reading.run())) == sorted([*IDS, "late"])
    asked = reading.logs.of("FilterLogEvents")
    patterns = [each["filterPattern"] for each in asked]
    first = asked[patterns.index(patterns[-1])]
    assert first["startTime"] == asked[0]["startTime"]


async def test_what_was_logged_between_an_end_and_a_redrive_is_not_read(
    reading: Reading,
) -> None:
    reading.targets = redriven_late()
    reading.logs.clock.advance(TEN_DAYS)
    reading.end_at(TEN_DAYS + 60)
    assert found(await reading.run()) == IDS
    earlier, first, *_ = reading.logs.of("FilterLogEvents")
    assert earlier["endTime"] == int(at(309.05 + 900).timestamp() * 1000)
    assert first["startTime"] == int((at(TEN_DAYS - 5)).timestamp() * 1000)
    assert "endTime" not in first


async def test_what_a_group_lacks_is_told(reading: Reading) -> None:
    reading.logs.groups[GROUP], reading.logs.lax = [], True
    reading.end_at(4)
    (message,) = (await reading.run()).messages("lookup")
    assert message.startswith(f"{GROUP} ({REGION}) has no call by Step Functions")
    cut = json.dumps(OURS[0])[:-40]
    for line in (cut, "[1, 2]", '{"level": "info"'):
        reading.logs.put(GROUP, line, at(1))
    watched = await reading.run()
    assert watched.told(RecordKind.UNREAD, "message") == [cut]
    (message,) = watched.messages("lookup")
    assert message == "1 record is cut in the log group, and can't be read."


# -- the pattern -----------------------------------------------------------------------


def text(role: str | None, invoked_by: str | None, name: str = "RunTask") -> str:
    record = api_call(name, 1, key="a", invoked_by=invoked_by)
    record["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] = role
    return json.dumps(record)


def test_the_pattern_finds_what_roles_or_step_functions_called_and_no_more() -> None:
    for by in ("states.amazonaws.com", "states.amazonaws.com.cn"):
        assert matches(trail_pattern(()), text("any", by))
    assert not matches(trail_pattern(()), text("any", None))
    pattern = trail_pattern({"mine", "other", 'x" || $.a = "'})
    assert pattern.count(USER) == 2
    assert matches(pattern, text("mine", None))
    assert not matches(pattern, text("theirs", "states.amazonaws.com"))
    # An HTTP task's record names no role.
    assert matches(pattern, text(None, None, "InvokeHTTPEndpoint"))
    assert trail_pattern({f"role-{n:02}" for n in range(40)}) == trail_pattern(())


@given(st.sets(st.text(min_size=1, max_size=80), max_size=40))
def test_the_pattern_is_never_too_long_nor_broken(roles: Collection[str]) -> None:
    pattern = trail_pattern(roles)
    assert len(pattern) <= 1024
    assert not matches(pattern, "{}")


# -- following it ----------------------------------------------------------------------


def message(headers: Mapping[str, str], body: Any) -> bytes:
    """Write one message in AWS's event stream encoding."""
    head = b"".join(
        struct.pack(">B", len(name)) + name.encode()
        + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in headers.items()
    )  # fmt: skip
    payload = json.dumps(body).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return whole + struct.pack(">I", crc32(whole))


def told(kind: str, body: Any) -> bytes:
    kinds = {":message-type": "event", ":event-type": kind}
    return message({**kinds, ":content-type": "application/json"}, body)


TIMED_OUT = message(
    {
        ":message-type": "exception",
        ":exception-type": "SessionTimeoutException",
        ":content-type": "application/json",
    },
    {"message": "3 hours are over"},
)


def update(*lines: Any) -> bytes:
    """Write what came in a second: texts as they are, all else as JSON."""
    results = [{"message": x if isinstance(x, str) else json.dumps(x)} for x in lines]
    session = {"sessionMetadata": {"sampled": False}, "sessionResults": results}
    return told("sessionUpdate", session)


class Tail(Struct):
    """A service whose sessions are scripted; after a script come empty seconds."""

    sessions: list[Sequence[bytes] | str] = field(default_factory=list)
    """What each streams, an empty part for its end; or the code of a refusal, and
    none for a session that ends before it begins."""
    asked: list[Any] = field(default_factory=list)
    closed: int = 0
    """Sessions that the client let go of, or that ended."""
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        script = self.sessions.pop(0) if self.sessions else ()
        if isinstance(script, str) and script:
            return Refusal(script).response()
        answer = web.StreamResponse()
        answer.content_type = "application/vnd.amazon.eventstream"
        await answer.prepare(request)
        if script == "":
            return answer
        try:
            for kind in ("initial-response", "sessionStart"):
                await answer.write(told(kind, {}))
            for part in script:
                if not part:
                    return answer
                await answer.write(part)
            while True:
                await answer.write(update())
                await SystemClock().sleep(0.005)
        except ConnectionError:
            return answer
        finally:
            self.closed += 1


@asynccontextmanager
async def tailed(*sessions: Sequence[bytes] | str) -> AsyncIterator[Tail]:
    tail = Tail(list(sessions))
    async with served(tail.answer) as tail.url:
        yield tail


async def follow(
    tail: Tail, until: str, targets: Targets | None = None, also: Any = None
) -> Watched:
    """Follow until a call has come, when the execution ends."""
    targets = targets or known(history=sync_history()[:5], finished=False)
    context = context_of(targets, ManualClock(LATER), log_group="trail")

    def look(watched: Watched) -> None:
        if also:
            also(targets, watched)
        if until in found(watched):
            ended(targets)

    async with client_at(tail.url) as aws:
        return await gathered(LiveTail(aws, LogGroup(aws, context)), look)


RUN, *REST = OURS


async def test_a_live_tail_brings_what_concerns_the_execution_once() -> None:
    odd = ["[" * 5000, "null", '{"eventName": 1}', "\x1b[2J", {"eventName": "RunTask"}]
    first, last = update(RUN, made_by("other", "o")), update(RUN, *REST)
    async with tailed([first, update(*odd), last]) as tail:
        watched = await follow(tail, "poll-4")
        async with asyncio.timeout(150):
            while not tail.closed:
                await SystemClock().sleep(0.01)
    assert tail.closed == 1, "it is paid for while it is open"
    assert found(watched) == IDS
    assert len(watched.of(RecordKind.UNREAD)) == 2
    said = ["connecting", "live", "draining", "ended"]
    assert watched.states("lookup") == said
    assert {h.source for h in watched.healths("lookup")} == {"live-tail"}
    group = "arn:aws:logs:ap-northeast-1:123456789012:log-group:trail"
    pattern = trail_pattern([ROLE.rpartition("/")[2]])
    asked = {"logGroupIdentifiers": [group], "logEventFilterPattern": pattern}
    assert tail.asked == [asked]
    assert watched.told(RecordKind.REQUEST, "operation") == ["StartLiveTail"]


async def test_of_what_ended_long_ago_no_session_is_begun() -> None:
    async with tailed() as tail:
        watched = await follow(tail, "", known())
    assert tail.asked == []
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_after_three_hours_a_session_is_begun_anew() -> None:
    async with tailed([update(RUN), TIMED_OUT], [update(RUN, REST[0])]) as tail:
        watched = await follow(tail, "poll-0")
    assert found(watched) == ["run", "poll-0"]
    assert watched.states("lookup")[1:4] == ["live", "retrying", "live"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (b"", "the session was ended"),
        (b"x" * 64, "the answer was cut or garbled"),
        (update(REST[0])[:-4] + b"xxxx", "the answer was cut or garbled"),
    ],
)
async def test_a_session_that_breaks_is_told_of_and_begun_again(
    part: bytes, words: str
) -> None:
    async with tailed([update(RUN), part], [update(REST[1])]) as tail:
        watched = await follow(tail, "poll-1")
    assert found(watched) == ["run", "poll-1"]
    assert watched.messages("lookup")[0].startswith("StartLiveTail on arn:aws:logs")
    assert words in watched.messages("lookup")[0]
    assert watched.states("lookup")[1:4] == ["live", "retrying", "live"]


async def test_sessions_that_end_at_once_are_failures() -> None:
    async with tailed("", "", [update(RUN)]) as tail:
        watched = await follow(tail, "run")
    assert watched.states("lookup")[:3] == ["connecting", "retrying", "live"]


async def test_a_role_that_becomes_known_is_asked_for() -> None:
    def learn(targets: Targets, watched: Watched) -> None:
        if "run" in found(watched):
            targets.roles.add("late")

    async with tailed([update(RUN)], [update(made_by("late", "late"))]) as tail:
        await follow(tail, "late", also=learn)
    assert ["late" in json.dumps(each) for each in tail.asked] == [False, True]


async def test_as_many_sessions_as_may_be_are_waited_out() -> None:
    # Botocore tries it once more by itself.
    async with tailed(*["LimitExceededException"] * 2, [update(RUN)]) as tail:
        watched = await follow(tail, "run")
    assert watched.states("lookup")[1] is HealthState.RETRYING
    assert found(watched) == ["run"]


# -- Express executions ---------------------------------------------------------------

EXPRESS_GROUP = "/aws/vendedlogs/states/nightly-report-Logs"
GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{EXPRESS_GROUP}"
PUT = {"resourceType": "dynamodb", "resource": "putItem"}
OTHER = f"{EXPRESS_ARN.rpartition(':')[0]}:00000000-0000-4000-8000-000000000000"
ALL = [*"1234567"]
LEVEL = (
    "Its log level is ERROR: only failures are logged, so that states which"
    " succeed are missing here, and so is the start."
)


def history(**end: Any) -> list[Received]:
    """Ten seconds, begun about when the clock's epoch is."""
    run = History(begin=0.2).start().task("Put", PUT, lasts=8, **end)
    if "error" in end:
        return run.end("Failed", error=end["error"]).records
    return run.end().records


def machine(*, level: str = "ALL", group_arn: str | None = GROUP_ARN) -> dict[str, Any]:
    """Write DescribeStateMachine's answer."""
    logs = {"cloudWatchLogsLogGroup": {"logGroupArn": f"{group_arn}:*"}}
    resource = "arn:aws:states:::ecs:runTask"
    states = {"Put": {"Type": "Task", "Resource": resource}}
    return {
        "stateMachineArn": MACHINE_ARN,
        "definition": json.dumps({"StartAt": "Put", "States": states}),
        "roleArn": ROLE,
        "type": "EXPRESS",
        "loggingConfiguration": {
            "level": level,
            "includeExecutionData": True,
            "destinations": [logs] if group_arn else [],
        },
    }


@pytest.fixture(name="logs")
async def _logs() -> AsyncIterator[Logs]:
    logs = Logs(clock=SteppedClock(), groups={EXPRESS_GROUP: []}, machine=machine())
    async with served(logs.take) as logs.url:
        yield logs


def put(
    logs: Logs,
    records: Sequence[Received],
    *,
    arn: str = EXPRESS_ARN,
    group: str = EXPRESS_GROUP,
    shift: float = 0,
) -> None:
    for record in records:
        message = dict(logged(record, arn).record)
        assert record.at is not None
        at = record.at + timedelta(seconds=shift - 1)
        message["event_timestamp"] = str(round(at.timestamp() * 1000))
        logs.put(group, message, at)


async def watch(logs: Logs, **options: Any) -> tuple[Watched, Targets]:
    watched, targets = Watched(), Targets([parse_execution_arn(EXPRESS_ARN)])
    watch, (target,) = LiveOptions(CallOptions(**options), tries=None), targets.watched
    context = WatchContext(targets, logs.clock, watch)
    async with logs.client() as client:
        aws = RateLimitedAws(client, logs.clock)
        await Express(aws, context, target).run(watched)
    return watched, targets


def ids(watched: Watched) -> list[str]:
    return watched.told(RecordKind.EXPRESS, "id")


def seconds(logs: Logs) -> float:
    return (logs.clock.now() - EPOCH).total_seconds()


# -- reading -------------------------------------------------------------------------


async def test_an_execution_is_followed_to_its_end(logs: Logs) -> None:
    put(logs, history())
    watched, targets = await watch(logs)
    assert sorted(ids(watched)) == ALL
    assert watched.status == "SUCCEEDED"
    begin, live = HealthState.CONNECTING, HealthState.LIVE
    assert watched.states("history") == [begin, live, HealthState.ENDED]
    assert watched.messages("history") == []
    assert {h.source for h in watched.healths("history")} == {"express"}
    assert seconds(logs) < 20
    came = {received.at for received in watched.of(RecordKind.EXPRESS)}
    assert len(came) >= 2, "events are handed over as they come"
    (target,) = targets.watched
    assert (target.ready, target.finished) == (True, True)
    assert target.targets.roles == {ROLE.rpartition("/")[2]}
    assert list(targets.lookup_queries) == [(REGION, "ecs.amazonaws.com")]
    assert target.stopped_at
    requests = watched.trace.requests
    assert len(requests) == len(logs.asked)
    assert sum(r.items or 0 for r in requests) >= 7


async def test_what_is_asked_for_and_how_often(logs: Logs) -> None:
    logs.page = 1
    put(logs, history())
    await watch(logs)
    assert logs.of("DescribeStateMachine") == [{"stateMachineArn": MACHINE_ARN}]
    first, *_, last = asked = logs.of("FilterLogEvents")
    pattern = f'{{ $.execution_arn = "{EXPRESS_ARN}" }}'
    assert {each["filterPattern"] for each in asked} == {pattern}
    assert {each["logGroupName"] for each in asked} == {EXPRESS_GROUP}
    epoch = EPOCH.timestamp() * 1000
    assert first["startTime"] == pytest.approx(epoch - 15 * 60_000, abs=1)
    assert "endTime" not in first
    # Once it is found, no more is read than it can have lasted.
    assert last["startTime"] > epoch - 70_000
    assert last["endTime"] < epoch + 7 * 60_000
    times = logs.read_at
    assert len(times) <= (times[-1] - times[0]).total_seconds() + 3


@pytest.mark.parametrize("hours", [0.2, 3, 20])
async def test_one_that_is_long_over_is_looked_for_backwards(
    logs: Logs, hours: float
) -> None:
    put(logs, history(), shift=-3600 * hours)
    watched, _ = await watch(logs)
    assert (ids(watched), watched.status) == (ALL, "SUCCEEDED")
    assert seconds(logs) < 30


async def test_one_that_is_nowhere_is_given_up(logs: Logs) -> None:
    put(logs, history(), arn=OTHER)
    logs.put(EXPRESS_GROUP, "Permissions are set correctly.", EPOCH)
    watched, targets = await watch(logs, look_back=3600.0)
    assert ids(watched) == []
    waiting, message = watched.messages("history")
    assert waiting == "Nothing of this execution is in the log yet."
    assert message.startswith("Nothing of this execution is in the log of the 1 hours")
    assert "may be older, or have been logged elsewhere" in message
    assert 540 < seconds(logs) < 660
    assert (targets.finished, targets.stopped_at) == (True, None)
    since = min(each["startTime"] for each in logs.of("FilterLogEvents"))
    assert since == pytest.approx(EPOCH.timestamp() * 1000 - 3600_000, abs=1)


async def test_holes_are_told(logs: Logs) -> None:
    run = history()
    put(logs, [run[0], run[2], *run[5:]])
    watched, _ = await watch(logs)
    assert watched.status == "SUCCEEDED"
    assert watched.messages("history") == [
        "The log lacks 3 events; delivery to it is best effort."
    ]
    assert seconds(logs) < 60


async def test_an_end_that_is_not_logged_is_not_awaited_for_ever(logs: Logs) -> None:
    put(logs, history()[:6])
    watched, targets = await watch(logs)
    assert watched.status == "RUNNING"
    assert watched.messages("history") == [
        "No end of it was logged; delivery to a log is best effort."
    ]
    assert 540 < seconds(logs) < 660
    assert targets.stopped_at, "so that the calls it made are awaited"


# -- what is logged ------------------------------------------------------------------

LOGS_NOTHING: Mapping[str, dict[str, Any]] = {
    "off": machine(level="OFF", group_arn=None),
    "off by now": machine(level="OFF"),
    "never on": {**machine(), "loggingConfiguration": None},
    "nowhere": machine(group_arn=None),
    "odd": machine(group_arn="a b"),
}


@pytest.mark.parametrize("answer", LOGS_NOTHING.values(), ids=LOGS_NOTHING.keys())
async def test_what_logs_nothing_is_refused_with_what_to_do(
    logs: Logs, answer: dict[str, Any]
) -> None:
    logs.machine = answer
    watched, targets = await watch(logs)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message.startswith(f"{MACHINE_ARN} logs nothing, and AWS keeps no other")
    assert "turn its logging on" in message
    assert logs.of("FilterLogEvents") == []
    assert targets.finished


async def test_of_failures_alone_it_is_said_that_they_are_all(logs: Logs) -> None:
    logs.machine = machine(level="ERROR")
    put(logs, history(error="Broken")[-2:])
    watched, targets = await watch(logs)
    assert len(ids(watched)) == 2
    assert watched.status == "FAILED"
    assert watched.messages("history")[-1] == LEVEL, "that ids are missing is no loss"
    assert targets.stopped_at


@pytest.mark.parametrize(
    "name",
    ["mine", f"arn:aws:logs:{REGION}:111111111111:log-group:mine"],
)
async def test_a_log_group_that_is_given_is_read_instead(logs: Logs, name: str) -> None:
    logs.machine = Refusal("AccessDeniedException", "no permission")
    # That of another account is known by its ARN.
    put(logs, history(), group=name)
    watched, _ = await watch(logs, express_log_group=name)
    assert watched.status == "SUCCEEDED"
    assert "no permission" in watched.messages("history")[-1]


# -- trouble -------------------------------------------------------------------------


async def test_what_is_cut_or_cannot_be_read_is_kept_as_such(logs: Logs) -> None:
    run = history()
    put(logs, run)
    odd = {**logged(run[2]).record, "event_timestamp": "soon"}
    logs.put(EXPRESS_GROUP, odd, EPOCH)
    watched, _ = await watch(logs)
    assert [r.record for r in watched.of(RecordKind.UNREAD)] == [odd]
    assert watched.status == "SUCCEEDED"
