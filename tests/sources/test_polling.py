"""What every source does alike: how often it asks, what it says, and when it ends."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, field

from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.times import seconds_between
from sfnwatch.model.values import encode_json
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    CallsAws,
    Failure,
    Page,
    StalePageError,
    decode_answer,
)
from sfnwatch.sources.call_source import CallSource
from sfnwatch.sources.live_options import ChildOptions, LiveOptions
from sfnwatch.sources.permissions import operations
from sfnwatch.sources.polling import PollingSource, WatchContext
from sfnwatch.sources.rate_limits import Interval, TokenBucket
from sfnwatch.sources.request_log import RequestLog, note_answer, note_sent
from sfnwatch.sources.targets import Targets
from tests import examples
from tests.builders import (
    ARN,
    REGION,
    START,
    event,
    failed_history,
    redriven_history,
    sync_definition,
    sync_history,
)
from tests.sources.clocks import ManualClock, SteppedClock
from tests.sources.conftest import Simulate
from tests.sources.loopback import client_at, host
from tests.sources.simulation import Simulation, Watched
from tests.sources.test_archive import gathered

T = TypeVar("T")
DRAIN = LiveOptions().drain
RETRY = (HealthState.RETRYING, "the answer was cut")
THROTTLED = (HealthState.THROTTLED, "Rate exceeded")
DENIED = (HealthState.DENIED, "not allowed")
REFUSED = (HealthState.REFUSED, "no such execution")
EXPIRED = (HealthState.EXPIRED, "log in")
OK = 0.0
Outcome = float | tuple[HealthState, str]
"""The seconds to rest after an answer, or a failure."""
ENDED = START + timedelta(seconds=309.05)


class Script:
    """What comes of one request after the other."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.left = list(outcomes)

    async def request(self) -> float:
        outcome = self.left.pop(0)
        if isinstance(outcome, tuple):
            raise Failure(*outcome, at_least=60 if outcome is DENIED else 0)
        return outcome

    async def play(self, source: PollingSource) -> str:
        while self.left:
            pause = await source.attempt(self.request)
            source.hand_on(event(1, "X", 0))
            await source.rest(pause)
        return ""


class Scripted(PollingSource):
    """A source of one execution."""

    def __init__(
        self, context: WatchContext, *script: Outcome, aws: CallsAws | None = None
    ) -> None:
        super().__init__(aws, context, "lookup")
        self.script, self.closed, self.wanted = Script(*script), 0, True

    async def read(self) -> str:
        return await self.script.play(self)

    def judge(self, failure: Failure) -> None:
        if not self.wanted:
            self.give_up(failure)

    async def close(self) -> None:
        self.closed += 1


class ScriptedCalls(CallSource):
    """A source of calls."""

    def __init__(self, context: WatchContext, *script: Outcome) -> None:
        super().__init__(None, context)
        self.script = Script(*script)

    async def read(self) -> str:
        return await self.script.play(self)


def context(clock: ManualClock | None = None, **more: Any) -> WatchContext:
    """Make a context with a clock that costs no time, and a back-off without luck."""
    targets = Targets([parse_execution_arn(ARN)])
    clock = clock or ManualClock()
    options = LiveOptions(**{"tries": None, **more})
    return WatchContext(targets, clock, options, uniform=lambda _, high: high)


def slept(source: PollingSource) -> list[float]:
    assert isinstance(source.clock, ManualClock)
    return source.clock.slept


async def states(*script: Outcome, wanted: bool = True, **more: Any) -> list[str]:
    """Run a source; gives what it says of itself, as often as it does."""
    source = Scripted(context(**more), *script)
    source.wanted = wanted
    return [told.state for told in (await gathered(source)).healths("lookup")]


# -- how often -----------------------------------------------------------------------


async def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    clock = SteppedClock()
    bucket, begun, taken = TokenBucket(2, 3, clock), clock.now(), list[float]()

    async def take() -> None:
        for _ in range(5):
            await bucket.take()
            taken.append((clock.now() - begun).total_seconds())

    async with asyncio.TaskGroup() as group:
        group.create_task(take())
        group.create_task(take())
    assert taken[:3] == [0, 0, 0]
    assert all(0.49 < b - a < 0.52 for a, b in pairwise(taken[2:]))


async def test_a_clock_that_is_set_back_takes_no_tokens_away() -> None:
    clock = ManualClock()
    bucket = TokenBucket(1, 2, clock)
    await bucket.take()
    clock.at -= timedelta(hours=1)
    await bucket.take()
    assert clock.slept == []
    await bucket.take()
    assert sum(clock.slept) < 1.1


@given(st.lists(st.booleans(), max_size=40))
def test_a_pause_grows_in_silence_and_is_short_again_with_news(
    polls: list[bool],
) -> None:
    interval = Interval(1, 5)
    pauses = [interval.after(news=news) for news in polls]
    assert all(pause == 1 for pause, news in zip(pauses, polls, strict=True) if news)
    for (before, after), news in zip(pairwise(pauses), polls[1:], strict=True):
        assert news or after == min(5, before * 1.5)


# -- what is said --------------------------------------------------------------------


async def test_a_failure_is_told_with_the_seconds_to_the_next_try() -> None:
    source = Scripted(context(), RETRY, THROTTLED, OK)
    told = (await gathered(source)).healths("lookup")
    words = [each.state for each in told]
    assert words == ["connecting", "retrying", "throttled", "live", "ended"]
    assert [each.retry_in for each in told] == [None, 1, 2, None, None]
    assert [each.message for each in told] == ["", RETRY[1], THROTTLED[1], "", ""]
    assert sum(slept(source)) == 3


class Stale:
    """A list whose second page is never good."""

    asked = 0

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        self.asked += 1
        if "nextToken" in request.parameters:
            msg = f"{request.operation} on {request.subject} in {request.region}"
            raise StalePageError(f"{msg}: too old")
        return AwsAnswer(decode_answer(b'{"nextToken": "2"}', request.shape), b"", "")


async def test_pages_that_are_never_good_are_given_up_in_the_end() -> None:
    class Listing(Scripted):
        async def read(self) -> str:
            async for _ in self.pages(AwsRequest("x:List", "y", "r", Page, {})):
                pass
            return ""

    aws = Stale()
    last = (await gathered(Listing(context(), aws=aws))).healths("lookup")[-1]
    assert last.state is HealthState.REFUSED
    assert last.message == "x:List on y in r: too old"
    assert aws.asked == 200


MOST_ASKED = 500


class Items(Page):
    items: list[Raw] = field(default_factory=list)


class Endless:
    """A list that has no end: of pages that differ in what is in them."""

    def __init__(self, tokens: int, items: int, turns: int, clock: ManualClock) -> None:
        self._tokens, self._items, self._turns = tokens, items, turns
        self._clock = clock
        self.asked: list[float] = []
        """When it was asked, in seconds."""

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        self.asked.append((self._clock.now() - START).total_seconds())
        number = len(self.asked)
        if number > MOST_ASKED:
            raise Failure(*REFUSED)
        told = {
            "nextToken": str(number % self._tokens if self._tokens else number),
            "items": [{"n": number % self._turns if self._turns else number}]
            * self._items,
        }
        body = encode_json(told)
        return AwsAnswer(decode_answer(body, request.shape), body, "")


class Walks(Scripted):
    async def read(self) -> str:
        request = AwsRequest("x:List", "y", "r", Items, {})
        async for _ in self.pages(request, ceiling=200):
            pass
        return ""


@examples(25)
@given(st.integers(0, 4), st.integers(0, 60), st.integers(0, 3))
def test_pages_without_end_are_not_asked_for_without_a_pause(
    tokens: int, items: int, turns: int
) -> None:
    """Tokens and items that are new each time, or come back in turn, or always."""
    clock = ManualClock()
    aws = Endless(tokens, items, turns, clock)
    watched = asyncio.run(gathered(Walks(context(clock), aws=aws)))
    said = {each.message for each in watched.healths("lookup")} - {"", REFUSED[1]}
    # An empty page may have more to come: a filter finds nothing for long.
    assert {each.partition(": ")[2] for each in said} <= {
        "10 pages in a row brought nothing new.",
        "more than 200 items, and AWS never has so many.",
    }
    assert said or not (items or tokens)
    # So many of one reading come at once, and each reading begins later.
    most = 200 // items + 1 if items else 0
    for first, last in zip(aws.asked, aws.asked[most + 8 :], strict=False):
        assert last - first > 0.99


async def test_it_recovers_and_a_later_failure_begins_anew() -> None:
    source = Scripted(context(), OK, RETRY, RETRY, OK, RETRY, OK)
    told = (await gathered(source)).healths("lookup")
    again = ["live", "retrying", "retrying", "live", "retrying", "live", "ended"]
    assert [each.state for each in told] == ["connecting", *again]
    assert sum(slept(source)) == 4


async def test_what_aws_will_never_answer_ends_the_source() -> None:
    source = Scripted(context(), OK, REFUSED)
    last = (await gathered(source)).healths("lookup")[-1]
    assert (last.state, last.message, last.retry_in) == (*REFUSED, None)
    assert (slept(source), source.closed) == ([], 1)


@pytest.mark.parametrize(
    ("tries", "script", "last"),
    [
        (3, [RETRY, THROTTLED, RETRY], "refused"),
        (2, [OK, *[RETRY] * 5, OK], "ended"),
        (None, [*[RETRY] * 50, OK], "ended"),
    ],
    ids=["never reached", "answered once", "somebody watches"],
)
async def test_patience_ends_only_where_aws_was_never_reached(
    tries: int | None, script: list[Outcome], last: str
) -> None:
    assert (await states(*script, tries=tries))[-1] == last


async def test_a_bug_is_not_taken_for_trouble_and_still_closes_it() -> None:
    class Buggy(Scripted):
        async def read(self) -> str:
            raise ZeroDivisionError

    source = Buggy(context())
    with pytest.raises(ZeroDivisionError):
        await gathered(source)
    assert source.closed == 1


@pytest.mark.parametrize(
    ("script", "last"),
    [
        # 1, 2, 4, 8, 16, 32 s, and nine times a minute.
        ([*[RETRY] * 15, OK], "ended"),
        ([RETRY] * 30, "refused"),
        ([*[RETRY] * 14, OK, *[RETRY] * 14, OK], "ended"),
        ([DENIED], "refused"),
        ([*[EXPIRED] * 40, OK], "ended"),
    ],
    ids=["ten minutes", "a quarter of an hour", "an answer", "denied", "a login"],
)
async def test_what_nothing_waits_for_outlasts_an_outage_but_not_every(
    script: list[Outcome], last: str
) -> None:
    assert (await states(*script, wanted=False))[-1] == last


# -- the drain -----------------------------------------------------------------------


def drained(*script: Outcome, **more: Any) -> ScriptedCalls:
    """Make a source of the calls of an execution that has ended."""
    made = context(ManualClock(ENDED), **more)
    (target,) = made.targets.watched
    for record in (sync_definition(), *sync_history()):
        target.observe(record)
    target.set_ready()
    return ScriptedCalls(made, *script)


async def test_it_waits_until_something_is_known_to_ask_for() -> None:
    made, watched = context(), Watched()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(ScriptedCalls(made, OK).run(watched))
        await made.clock.sleep(1)
        assert (watched.records, running.done()) == ([], False)
        made.targets.watched[0].set_ready()
    assert watched.states("lookup")[-1] is HealthState.ENDED


@pytest.mark.parametrize("seconds", [0, 60, DRAIN])
async def test_the_drain_is_over_so_long_after_the_end(seconds: float) -> None:
    source = drained(OK, drain=seconds)
    assert source.until == ENDED + timedelta(seconds=seconds)
    assert source.is_over() == (seconds == 0)
    await source.clock.sleep(seconds)
    assert source.is_over()
    assert "draining" in (await gathered(source)).states("lookup")


@pytest.mark.parametrize(
    ("drain", "minutes", "over"),
    [(DRAIN, 5, False), (DRAIN, 6, True), (2 * DRAIN, 20, False)],
)
def test_coverage_far_beyond_the_end_cuts_the_usual_drain_short(
    drain: float, minutes: float, *, over: bool
) -> None:
    source = drained(drain=drain)
    source.coverage = ENDED + timedelta(minutes=minutes)
    assert source.is_over() == over


async def test_a_wait_is_cut_short_when_nothing_is_left_to_wait_for() -> None:
    source = drained(3600.0, OK)
    clock = source.clock
    assert isinstance(clock, ManualClock)
    clock.on_sleep = source.end_drain
    await gathered(source)
    assert slept(source) == [1], "a machine that was suspended is noticed"


@pytest.mark.parametrize(
    ("script", "more", "said"),
    [
        ([DENIED], {}, ["refused"]),
        ([RETRY] * 3, {"drain": 0}, ["retrying", "retrying", "refused"]),
        ([THROTTLED] * 10, {"drain": 0}, [*["throttled"] * 9, "refused"]),
        ([*[RETRY] * 9, OK], {"drain": 2e4}, [*["retrying"] * 9, "draining", "ended"]),
        ([*[EXPIRED] * 9, OK], {"drain": 0}, [*["expired"] * 9, "draining", "ended"]),
        ([EXPIRED] * 3, {"drain": 0, "tries": 9}, [*["expired"] * 2, "refused"]),
    ],
    ids=["denied", "failing", "throttled", "in the drain", "a login", "nobody there"],
)
async def test_after_the_end_some_trouble_is_final(
    script: list[Outcome], more: dict[str, Any], said: list[str]
) -> None:
    told = (await gathered(drained(*script, **more))).healths("lookup")
    assert [each.state for each in told] == ["connecting", *said]


# -- redrives ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("redriven", "followed"), [(True, True), (False, True), (True, False)]
)
@pytest.mark.parametrize("first", [OK, REFUSED])
async def test_a_source_begins_anew_when_an_execution_is_redriven(
    *, redriven: bool, followed: bool, first: Outcome
) -> None:
    clock = ManualClock()
    shared = context(clock, follow_redrive=followed)
    (target,) = shared.targets.watched
    history, ended = redriven_history().records, len(failed_history().records)
    for record in history[:ended]:
        target.observe(record)
    target.set_ready()

    class Reading(ScriptedCalls):
        async def read(self) -> str:
            self.script = Script(OK if target.finished else first)
            return await super().read()

    def go_on() -> None:
        for record in history[ended:] if redriven else ():
            target.observe(record)
        target.finished = redriven or len(clock.slept) > 3

    clock.on_sleep = go_on
    told = (await gathered(Reading(shared))).states("lookup")
    whole = ["connecting", "draining", "ended"]
    once = whole if first == OK else ["connecting", "refused"]
    assert told == [*once, *(whole if redriven and followed else [])]


# -- what the tool itself sends, noted: all of it, and nothing that is secret ---------

FIELDS = ["operation", "service", "region", "sent_at", "seconds", "outcome", "status"]
FIELDS += ["request_id", "items", "note"]
ASKED = AwsRequest("cloudtrail:LookupEvents", "it", REGION, dict, {})
CANARY = ("AKIACANARYCANARYCANA", "canary/secret+canary/secret")


def assert_all_told(watched: Watched, simulation: Simulation) -> None:
    """As many are told as reached the account."""
    requests = watched.trace.requests
    assert len(watched.of(RecordKind.REQUEST)) == len(requests)
    assert len(requests) == len(simulation.requests)
    reached = Counter((r.operation, r.asked.region) for r in simulation.requests)
    assert Counter((r.operation, r.region) for r in requests) == reached


async def test_every_request_is_told_and_what_it_was_for_and_nothing_that_is_secret(
    sync: Simulation,
) -> None:
    canary = sync.settings(access_key_id=CANARY[0], secret_access_key=CANARY[1])
    watched = await sync.watch(settings=canary)
    assert_all_told(watched, sync)
    told = watched.of(RecordKind.REQUEST)
    assert all(list(each.record) == FIELDS for each in told)
    text = b"".join(each.data for each in told).decode()
    for secret in (*CANARY, "executionArn", "arn:aws", "nextToken", "127.0.0.1"):
        assert secret not in text
    requests = watched.trace.requests
    assert {(r.service, r.operation) for r in requests} == operations()
    assert all("sfnwatch/" in r.asked.user_agent for r in sync.requests)
    assert all(r.ok and r.status == 200 and r.request_id for r in requests)
    lanes = ("history", "definition", "lookup", "others")
    counted = sum(watched.healths(lane)[-1].requests for lane in lanes)
    assert counted == len(requests)
    reading = {"first reading", "newest events"}
    measured = "how late CloudTrail is, by sfnwatch's own calls"
    others = {"running executions", "newest executions"}
    more = {"the outcome", "calls to ecs", measured, *others}
    assert {r.note for r in requests} >= reading | more
    of = {r.operation: r for r in requests}
    assert of["GetExecutionHistory"].items == 8
    assert of["DescribeExecution"].items is None
    sent = {r.request_id: r.sent_at for r in requests}
    waits = [
        seconds_between(sent[each.record["request_id"]], each.at)
        for each in told
        if each.at
    ]
    assert max(waits) <= 11


@pytest.mark.parametrize(
    ("scenario", "seconds"),
    [("sync", 0.5), ("sync", 200), ("sync", 330), ("distributed", 21)],
)
async def test_of_a_watch_that_is_interrupted_all_are_told_too(
    simulate: Simulate, scenario: str, seconds: float
) -> None:
    simulation, watched = await simulate(scenario), Watched()
    live = simulation.live(children=ChildOptions())
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(live.watch(watched))
        await simulation.clock.sleep(seconds)
        watching.cancel()
    assert simulation.requests
    assert_all_told(watched, simulation)


# -- what goes wrong -------------------------------------------------------------------


async def test_those_that_failed_and_their_repetitions_are_told(
    sync: Simulation,
) -> None:
    sync.clock.when(100, lambda: setattr(sync.faults, "throttle_next", 8))
    watched = await sync.watch()
    assert_all_told(watched, sync)
    requests = watched.trace.requests
    failed = [(r.outcome, r.status) for r in requests if not r.ok]
    assert failed == [("ThrottlingException", 400)] * 8
    # So many that not all of them are LookupEvents, which botocore asks but once.
    assert any(r.note.endswith("try 2") for r in requests)


def test_of_a_request_nothing_was_heard_of_that_is_told() -> None:
    clock = ManualClock()
    log = RequestLog(clock)
    told = {"HTTPStatusCode": 200, "RequestId": "abc"}
    with log.asking():
        note_sent(None, "before-send.sfn.DescribeExecution")
        clock.advance(2)
        note_sent(None, "before-send.sfn.DescribeExecution")
        clock.advance(1.25)
        note_answer({"ResponseMetadata": told}, None)
        clock.advance(9)
    with suppress(asyncio.CancelledError), log.asking("newest events"):
        note_sent(None, "before-send.sfn.GetExecutionHistory")
        raise asyncio.CancelledError
    noted = [received.record for received in log.take()]
    assert [(r["outcome"], r["note"], r["seconds"]) for r in noted] == [
        ("unknown", "", 2),
        ("ok", "try 2", 1.25),
        ("CancelledError", "newest events", 0),
    ]
    assert log.take() == ()


# -- nothing that is secret ------------------------------------------------------------


async def test_what_is_asked_for_credentials_is_told_apart(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore asks by itself, with clients that are none of ours."""
    log = RequestLog(ManualClock())
    async with host() as sts, host() as states:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/canary")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", f"{tmp_path}/token")
        with open(f"{tmp_path}/token", "w") as file:  # noqa: ASYNC230, PTH123
            file.write("canary")
        keys = {"access_key_id": None, "secret_access_key": None}
        async with client_at(states.url, **keys) as aws:
            # This server speaks no XML.
            with pytest.raises(Failure), log.asking("x"):
                await aws.call(ASKED)
    (told,) = log.take()
    record = told.record
    assert (record["service"], record["operation"], record["note"]) == (
        *("sts", "AssumeRoleWithWebIdentity"),
        "for the credentials",
    )
    assert "canary" not in told.data.decode()
