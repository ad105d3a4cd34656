"""A trail's log group as a source of calls: read in cycles, and followed."""

import asyncio
import json
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
from sfnwatch.model.arns import parse_log_group
from sfnwatch.model.records import HealthState, RecordKind
from sfnwatch.sources.log_group import LiveTail, LogGroup, trail_pattern
from sfnwatch.sources.polling import WatchContext
from sfnwatch.sources.targets import Relevance, Targets
from tests.builders import REGION, ROLE, api_call, at, sync_calls, sync_history
from tests.sources.clocks import EPOCH, ManualClock, SteppedClock
from tests.sources.logs import Logs, matches
from tests.sources.loopback import Refusal, client_at, served
from tests.sources.simulation import Watched
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
        context = WatchContext(self.targets, self.logs.clock)
        async with self.logs.client() as aws:
            name = parse_log_group(group)
            source = LogGroup(aws, context, name, Relevance(self.targets))
            return await gathered(source)

    def when(self, seconds: float, do: Callable[[], Any]) -> None:
        """Do something so many seconds after the start."""
        self.logs.clock.when((at(seconds) - EPOCH).total_seconds(), do)

    def end_at(self, seconds: float) -> None:
        self.when(seconds, lambda: ended(self.targets))


@pytest.fixture
async def reading() -> AsyncIterator[Reading]:
    """Watch the experiment while it runs: each call is logged 130 s later."""
    logs = Logs(SteppedClock(at(3)))
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
    asked = reading.logs.of()
    assert {each["filterPattern"] for each in asked} == {pattern}
    begin = int((at(0) - timedelta(seconds=5)).timestamp() * 1000)
    assert asked[0]["startTime"] == asked[-1]["startTime"] == begin
    assert {each.region for each, _ in reading.logs.asked} == {REGION}


async def test_each_cycle_reads_a_while_back_and_some_far_back(
    reading: Reading,
) -> None:
    straggler = {**OURS[0], "eventID": "straggler"}
    reading.logs.put(GROUP, straggler, at(60), 70 * 60)
    reading.end_at(8200)
    assert "straggler" in found(await reading.run())
    back = [
        round(when.timestamp() - asked.parameters["startTime"] / 1000)
        for asked, when in reading.logs.asked
    ]
    assert set(back[-60:]) == {900, 7200}
    assert back[-1] == 7200
    assert 10 <= back[-60:].count(7200) <= 11


async def test_a_role_that_becomes_known_later_is_looked_for_from_the_start(
    reading: Reading,
) -> None:
    # By itself, not by Step Functions: only by its role is it known.
    reading.logs.put(GROUP, made_by("late", "late", invoked_by=None), at(2))
    reading.when(1200, lambda: reading.targets.each[0].roles.add("late"))
    reading.end_at(1300)
    assert sorted(found(await reading.run())) == sorted([*IDS, "late"])
    asked = reading.logs.of()
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
    earlier, first, *_ = reading.logs.of()
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


async def test_another_account_s_group_is_known_by_its_arn_alone(
    reading: Reading,
) -> None:
    arn = f"arn:aws:logs:us-west-2:999999999999:log-group:{GROUP}"
    await reading.run(f"{arn}:*")
    asked, _ = reading.logs.asked[-1]
    assert asked.parameters["logGroupIdentifier"] == arn
    assert asked.region == "us-west-2"


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


def update(*lines: Any, sampled: bool = False) -> bytes:
    """Write what came in a second: texts as they are, all else as JSON."""
    results = [{"message": x if isinstance(x, str) else json.dumps(x)} for x in lines]
    session = {"sessionMetadata": {"sampled": sampled}, "sessionResults": results}
    return told("sessionUpdate", session)


class Tail(Struct):
    """A service whose sessions are scripted; after a script come empty seconds."""

    sessions: list[Sequence[bytes] | str] = field(default_factory=list)
    """What each streams, an empty part for its end; or the code of a refusal."""
    asked: list[Any] = field(default_factory=list)
    closed: int = 0
    """Sessions that the client let go of, or that ended."""
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        script = self.sessions.pop(0) if self.sessions else ()
        if isinstance(script, str):
            return Refusal(script).response()
        answer = web.StreamResponse()
        answer.content_type = "application/vnd.amazon.eventstream"
        await answer.prepare(request)
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
    context = context_of(targets, ManualClock(LATER))

    def look(watched: Watched) -> None:
        if also:
            also(targets, watched)
        if until in found(watched):
            ended(targets)

    async with client_at(tail.url) as aws:
        group = parse_log_group("trail")
        source = LiveTail(aws, context, group, Relevance(targets))
        return await gathered(source, look)


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


async def test_after_three_hours_a_session_is_begun_anew_and_no_word_said() -> None:
    async with tailed([update(RUN), TIMED_OUT], [update(RUN, REST[0])]) as tail:
        watched = await follow(tail, "poll-0")
    assert found(watched) == ["run", "poll-0"]
    assert watched.messages("lookup") == []
    async with tailed([TIMED_OUT], [TIMED_OUT], [update(RUN)]) as tail:
        watched = await follow(tail, "run")
    assert len([h for h in watched.healths("lookup") if h.retry_in]) == 2


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


async def test_a_role_that_becomes_known_is_asked_for_and_a_sample_is_told() -> None:
    def learn(targets: Targets, watched: Watched) -> None:
        if "run" in found(watched):
            targets.each[0].roles.add("late")

    first, second = update(RUN, sampled=True), update(made_by("late", "late"))
    async with tailed([first], [second]) as tail:
        watched = await follow(tail, "late", also=learn)
    assert ["late" in json.dumps(each) for each in tail.asked] == [False, True]
    (message,) = set(watched.messages("lookup"))
    assert message.startswith("More records came than a live tail gives, 500 a second")


async def test_as_many_sessions_as_may_be_is_waited_out_for_a_minute() -> None:
    # Botocore tries it once more by itself.
    async with tailed(*["LimitExceededException"] * 2, [update(RUN)]) as tail:
        watched = await follow(tail, "run")
    assert watched.states("lookup")[1] is HealthState.RETRYING
    assert found(watched) == ["run"]
    waits = [h.retry_in for h in watched.healths("lookup") if h.retry_in]
    assert min(waits) >= 60
