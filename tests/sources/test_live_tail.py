"""The live tail over real HTTP: what comes, what ends a session, and what it costs."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import pytest
from aiobotocore.config import AioConfig

from sfnwatch.clock import SystemClock
from sfnwatch.sources import aws as aws_module
from sfnwatch.sources.allowed import Feature, NotAllowedError, iam_policy
from sfnwatch.sources.feed import Source, run
from sfnwatch.sources.live_tail import LiveTail, group_arn
from sfnwatch.sources.log_group import LogGroup, trail_pattern
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.sources.wanted import TrailOptions
from sfnwatch.sources.ways import Ways
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import Batch, From, HealthState
from sfnwatch.trace.log_groups import LogGroupName, parse_log_group
from tests.builders import ARN, ROLE, START, ManualClock, call, sync_calls
from tests.sources.archive_watch import NO_AWS
from tests.sources.asking import bare
from tests.sources.logs import Logs
from tests.sources.simulation import Watched
from tests.sources.tailing import CUT, END, SILENCE, Refused, Tail, timed_out, update

GROUP = "arn:aws:logs:ap-northeast-1:123456789012:log-group:trail"
RUN, *POLLS = bare(sync_calls())
OTHER = bare([call("RunTask", 1, key="o", role="arn:aws:iam::1:role/other")])[0]
Heard = Callable[[Watched], bool]


@pytest.fixture(name="tail")
async def _tail() -> AsyncIterator[Tail]:
    async with Tail() as tail:
        yield tail


def subjects() -> Subjects:
    """Give an execution that is under way, of which all is known."""
    found = Subjects([parse_execution_arn(ARN)])
    (subject,) = found.each
    subject.roles.add(ROLE.rpartition("/")[2])
    subject.started_at = START
    subject.learned()
    return found


def ids(watched: Watched) -> list[str]:
    return [r.data["eventID"] for r in watched.records if r.source == From.TRAIL]


def has(*event_ids: str) -> Heard:
    return lambda watched: {*event_ids} <= {*ids(watched)}


async def follow(tail: Tail, until: Heard, **more: Any) -> Watched:
    """Follow until something has been heard, when the execution ends."""
    watched, one = Watched(), more.pop("subjects", None) or subjects()
    group = more.pop("group", "trail")
    clock = ManualClock()
    async with tail.aws() as aws:
        source = LiveTail(
            aws, one, clock, parse_log_group(group), Sieve(one), drain=0, **more
        )
        async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
            async for batch in batches:
                watched(batch)
                if until(watched):
                    one.each[0].stopped_at, one.each[0].over = clock.now(), True
    return watched


async def test_what_concerns_the_execution_comes_once(tail: Tail) -> None:
    tail.sessions = [
        [update(RUN, OTHER, "hello"), update(), update(RUN, POLLS[0]), update(POLLS[1])]
    ]
    watched = await follow(tail, has("poll-1"))
    assert ids(watched) == ["run", "poll-0", "poll-1"]
    assert watched.states("lookup") == [
        HealthState.CONNECTING,
        HealthState.LIVE,
        HealthState.ENDED,
    ]
    assert {h.source for h in watched.healths("lookup")} == {"live-tail"}
    role = ROLE.rpartition("/")[2]
    assert tail.asked == [
        {
            "logGroupIdentifiers": [GROUP],
            "logEventFilterPattern": trail_pattern([role]),
        }
    ]
    assert tail.regions == ["ap-northeast-1"]
    (request,) = watched.trace.ordered_requests
    assert (request.operation, request.outcome) == ("StartLiveTail", "ok")


async def test_a_session_is_let_go_of_when_it_is_over(tail: Tail) -> None:
    await follow(tail, lambda watched: HealthState.LIVE in watched.states("lookup"))
    for _ in range(200):
        if tail.closed:
            break
        await SystemClock().sleep(0.01)
    assert tail.closed == 1, "it is paid for while it is open"


async def test_of_what_is_long_over_no_session_is_begun(tail: Tail) -> None:
    over = subjects()
    over.each[0].stopped_at, over.each[0].over = START, True
    watched = await follow(tail, has(), subjects=over)
    assert tail.asked == []
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_after_three_hours_a_session_is_begun_anew_and_no_word_said(
    tail: Tail,
) -> None:
    tail.sessions = [[update(RUN), timed_out()], [update(RUN, POLLS[0])]]
    watched = await follow(tail, has("poll-0"))
    assert ids(watched) == ["run", "poll-0"]
    assert len(tail.asked) == 2
    assert watched.messages("lookup") == []
    assert HealthState.RETRYING not in watched.states("lookup")


async def test_sessions_that_are_over_as_they_begin_are_begun_ever_later(
    tail: Tail,
) -> None:
    tail.sessions = [[timed_out()], [timed_out()], [update(RUN)]]
    watched = await follow(tail, has("run"))
    assert ids(watched) == ["run"]
    assert "SessionTimeoutException" in watched.messages("lookup")[0]
    waits = [h.retry_in for h in watched.healths("lookup") if h.retry_in]
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (CUT, "the answer was cut or garbled"),
        (END, "the session was ended"),
        (b"x" * 64, "the answer was cut or garbled"),
        (update(POLLS[0])[:-4] + b"xxxx", "the answer was cut or garbled"),
    ],
    ids=["cut", "ended", "garbled", "torn"],
)
async def test_a_session_that_breaks_is_told_of_and_begun_again(
    tail: Tail, part: Any, words: str
) -> None:
    tail.sessions = [[update(RUN), part], [update(POLLS[1])]]
    watched = await follow(tail, has("poll-1"))
    assert ids(watched) == ["run", "poll-1"]
    assert words in watched.messages("lookup")[0]
    assert "StartLiveTail on arn:aws:logs" in watched.messages("lookup")[0]
    assert watched.states("lookup")[1:4] == [
        HealthState.LIVE,
        HealthState.RETRYING,
        HealthState.LIVE,
    ]


async def test_a_session_that_falls_silent_is_given_up(
    tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = AioConfig(read_timeout=0.3, retries={"total_max_attempts": 1})
    monkeypatch.setattr(aws_module, "_CONFIG", aws_module._CONFIG.merge(config))
    tail.sessions = [[update(RUN), SILENCE], [update(POLLS[1])]]
    watched = await follow(tail, has("poll-1"))
    assert ids(watched) == ["run", "poll-1"]
    assert "imeout" in watched.messages("lookup")[0]


async def test_a_role_that_becomes_known_is_asked_for_too(tail: Tail) -> None:
    one = subjects()
    late = call("RunTask", 1, key="late", role="arn:aws:iam::1:role/late")
    tail.sessions = [[update(RUN)], [update(*bare([late]))]]

    def heard(watched: Watched) -> bool:
        if has("run")(watched):
            one.each[0].roles.add("late")
        return has("late")(watched)

    watched = await follow(tail, heard, subjects=one)
    assert ids(watched) == ["run", "late"]
    first, second = (asked["logEventFilterPattern"] for asked in tail.asked)
    assert '"late"' not in first
    assert '"late"' in second


async def test_being_forbidden_it_names_the_permission(tail: Tail) -> None:
    tail.sessions = [Refused("AccessDeniedException"), [update(RUN)]]
    watched = await follow(tail, has("run"))
    assert watched.states("lookup")[1] is HealthState.DENIED
    assert "Allow logs:StartLiveTail" in watched.messages("lookup")[0]
    assert "sfnwatch iam-policy --with live-tail" in watched.messages("lookup")[0]
    assert ids(watched) == ["run"], "it may be granted"


async def test_with_credentials_that_have_expired_a_login_is_waited_for(
    tail: Tail,
) -> None:
    tail.sessions = [Refused("ExpiredTokenException"), [update(RUN)]]
    watched = await follow(tail, has("run"))
    assert watched.states("lookup")[1] is HealthState.EXPIRED
    assert "aws login" in watched.messages("lookup")[0]
    assert ids(watched) == ["run"]


async def test_too_many_sessions_are_waited_for(tail: Tail) -> None:
    # Botocore tries once more by itself.
    tail.sessions = [*[Refused("LimitExceededException")] * 2, [update(RUN)]]
    watched = await follow(tail, has("run"))
    (wait,) = [h.retry_in for h in watched.healths("lookup") if h.retry_in]
    assert wait >= 60


@pytest.mark.parametrize(
    "code",
    [
        "ResourceNotFoundException",
        "InvalidParameterException",
        "InvalidOperationException",
    ],
)
async def test_what_will_never_be_answered_ends_it(tail: Tail, code: str) -> None:
    tail.sessions = [Refused(code)]
    watched = await follow(tail, has("run"))
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert len(tail.asked) == 1


async def test_that_it_had_but_a_sample_is_said(tail: Tail) -> None:
    tail.sessions = [[update(RUN, sampled=True), update(POLLS[0])]]
    watched = await follow(tail, has("poll-0"))
    (told,) = watched.messages("lookup")
    assert "500 a second" in told
    assert "FilterLogEvents" in told


async def test_whatever_stands_in_the_log_does_no_harm(tail: Tail) -> None:
    odd = {**RUN, "eventID": 7}
    tail.sessions = [
        [
            update("[" * 5000, "null", '"eventName"', '{"eventName": 1}', "\x1b[2J"),
            update(odd, {"eventName": "RunTask"}),
            update(RUN),
        ]
    ]
    watched = await follow(tail, has("run"))
    assert ids(watched)[-1] == "run"
    unread = [r for r in watched.records if r.source == From.UNREAD]
    assert len(unread) == 3


async def test_it_is_sent_with_its_option_alone(tail: Tail) -> None:
    async with tail.aws(Feature.LOG_GROUP) as aws:
        source = LiveTail(
            aws, subjects(), ManualClock(), LogGroupName("trail"), Sieve(subjects())
        )
        with pytest.raises(NotAllowedError, match="StartLiveTail"):
            async for _ in source.batches():
                pass
    assert tail.asked == []
    assert TrailOptions(log_group="g", live_tail=True).features == (
        Feature.LOG_GROUP,
        Feature.LIVE_TAIL,
    )
    assert TrailOptions(log_group="g").features == (Feature.LOG_GROUP,)
    policy = json.dumps(iam_policy([Feature.LIVE_TAIL]))
    assert "logs:StartLiveTail" in policy
    assert "logs:StartLiveTail" not in json.dumps(iam_policy([Feature.LOG_GROUP]))


def test_a_log_group_is_named_by_its_arn() -> None:
    home = parse_execution_arn(ARN)
    assert group_arn(parse_log_group("trail"), home) == GROUP
    there = "arn:aws:logs:us-west-2:210987654321:log-group:/aws/trail"
    assert group_arn(parse_log_group(f"{there}:*"), home) == there
    china = parse_execution_arn(
        ARN.replace("arn:aws:", "arn:aws-cn:").replace("ap-northeast-1", "cn-north-1")
    )
    assert group_arn(LogGroupName("g"), china) == (
        "arn:aws-cn:logs:cn-north-1:123456789012:log-group:g"
    )


class _Unheld(SystemClock):
    """The machine's clock, that nobody can hold while he asks."""

    @contextmanager
    def request(self) -> Iterator[None]:
        yield


async def test_it_goes_beside_reading_the_log_group_and_both_are_one(
    tail: Tail,
) -> None:
    """What is in the sample comes at once, the rest is read; nothing comes twice."""
    one, clock, watched = subjects(), _Unheld(), Watched()
    at = clock.now()
    one.each[0].started_at = at
    stamp = f"{at:%Y-%m-%dT%H:%M:%SZ}"
    records = [{**each, "eventTime": stamp} for each in bare(sync_calls())]
    for record in records:
        issuer = record["userIdentity"]["sessionContext"]["sessionIssuer"]
        issuer["userName"] = ROLE.rpartition("/")[2]
    tail.sessions = [[update(*records[:3], sampled=True)]]

    def heard(batch: Batch) -> None:
        watched(batch)
        if has("run", "poll-4")(watched):
            one.each[0].stopped_at, one.each[0].over = at, True

    async with (
        Logs(clock) as logs,  # type: ignore[arg-type]
        tail.aws() as streaming,
        logs.aws(Feature.LOG_GROUP) as reading,
    ):
        for record in records:
            logs.put("trail", record, at, late=0)
        sieve, group = Sieve(one), LogGroupName("trail")
        both: list[Source] = [
            LogGroup(reading, one, clock, group, drain=0, sieve=sieve),
            LiveTail(streaming, one, clock, group, sieve, drain=0),
        ]
        await run(both, [heard])
    assert sorted(ids(watched)) == [*(f"poll-{n}" for n in range(5)), "run"]
    told = {h.source: h.state for h in watched.healths("lookup")}
    assert told == {"log-group": HealthState.ENDED, "live-tail": HealthState.ENDED}


def test_it_is_one_of_the_ways_where_it_is_asked_for() -> None:
    ways = Ways(subjects(), ManualClock(), 0)
    plain = TrailOptions(lookup=False, log_group="trail")
    assert [type(w) for w in ways.all(plain, NO_AWS, [])] == [LogGroup]
    both = TrailOptions(lookup=False, log_group="trail", live_tail=True)
    log_group, live_tail = ways.all(both, NO_AWS, [])
    assert isinstance(log_group, LogGroup)
    assert isinstance(live_tail, LiveTail)
    assert log_group._sieve is live_tail._sieve
