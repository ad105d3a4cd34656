"""What goes wrong between here and AWS, and what is said of it."""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.account import Bucket
from sfnwatch.demo.faults import Faults
from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.demo.wire import EXPIRED
from sfnwatch.errors import RefusedError
from sfnwatch.sources import aws, trouble
from sfnwatch.sources.drive import Patience
from sfnwatch.trace.events import HealthState
from tests.sources.simulation import EPOCH, Simulate, Simulation, Watched

LANES = ("history", "lookup")
EVENTS = list(range(1, 9))
RUN, POLL = ("RunTask", "request-id"), ("DescribeTasks", "resource-id")
PATIENCE = Patience(tries=3)


def assert_whole(watched: Watched) -> None:
    """Nothing of the `sync` run is lost, and nothing is there twice."""
    assert watched.status == "SUCCEEDED"
    assert watched.event_ids() == EVENTS
    assert watched.tied() == [RUN, *[POLL] * 5]
    assert len(watched.call_ids()) == len(set(watched.call_ids()))


def assert_recovered(watched: Watched, worst: HealthState) -> None:
    """At least one lane was in trouble; each came back, and says so."""
    assert any(worst in watched.states(lane) for lane in LANES)
    for lane in LANES:
        states = watched.states(lane)
        assert states[-1] is HealthState.ENDED
        last = max((i for i, state in enumerate(states) if state is worst), default=0)
        back = {HealthState.LIVE, HealthState.DRAINING, HealthState.ENDED}
        assert states[last + 1] in back


# -- passing troubles ----------------------------------------------------------------

THROTTLED, RETRYING = HealthState.THROTTLED, HealthState.RETRYING


def _throttled(faults: Faults) -> None:
    faults.throttle_next = 6


def _failing(faults: Faults) -> None:
    faults.status_next = [500] * 6


def _unavailable(faults: Faults) -> None:
    faults.status_next = [503] * 6


def _reset(faults: Faults) -> None:
    faults.reset_next = 6


def _cut(faults: Faults) -> None:
    faults.truncate_next = 6


@pytest.mark.parametrize("seconds", [1, 100, 315])
@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        (_throttled, THROTTLED, "ThrottlingException. Rate exceeded"),
        (_failing, RETRYING, "InternalFailure. The demo was told to fail"),
        (_unavailable, RETRYING, "ServiceUnavailable. The demo was told to fail"),
        (_reset, RETRYING, "Connection was closed"),
        (_cut, RETRYING, "Connection was closed"),
    ],
)
async def test_a_passing_trouble_is_said_and_costs_nothing(
    sync: Simulation,
    fault: Callable[[Faults], None],
    state: HealthState,
    words: str,
    seconds: float,
) -> None:
    sync.clock.when(seconds, lambda: fault(sync.account.faults))
    watched = await sync.watch()
    assert_whole(watched)
    assert_recovered(watched, state)
    told = [health for lane in LANES for health in watched.healths(lane)]
    troubled = [health for health in told if health.state is state]
    assert all(words in health.message for health in troubled)
    assert all(health.retry_in for health in troubled)
    assert all(
        health.message.startswith(("LookupEvents", "GetExecutionHistory", "Describe"))
        for health in troubled
    )


async def test_waits_grow_while_a_trouble_lasts(sync: Simulation) -> None:
    sync.clock.when(30, lambda: sync.account.faults.status_next.extend([500] * 60))
    watched = await sync.watch()
    waits = [h.retry_in for h in watched.healths("history") if h.retry_in]
    assert max(waits[:2]) <= 2
    assert max(waits) > 4
    assert_whole(watched)


async def test_somebody_else_using_up_the_lookup_quota_delays_but_loses_nothing(
    sync: Simulation,
) -> None:
    sync.account.lookups = Bucket(rate=0.1, burst=1)
    watched = await sync.watch()
    assert HealthState.THROTTLED in watched.states("lookup")
    assert HealthState.THROTTLED not in watched.states("history")
    assert_whole(watched)


# -- credentials ---------------------------------------------------------------------


async def test_expired_credentials_name_the_command_that_renews_them(
    sync: Simulation,
) -> None:
    faults = sync.account.faults
    sync.clock.when(40, lambda: setattr(faults, "expired", True))
    sync.clock.when(52, lambda: setattr(faults, "expired", False))
    watched = await sync.watch()
    assert_whole(watched)
    assert_recovered(watched, HealthState.EXPIRED)
    for lane in LANES:
        assert "ExpiredTokenException" in watched.messages(lane)[0]
        assert watched.messages(lane)[0].endswith("Run: aws login")
    forward = [r for r in sync.requests if r.parameters.get("reverseOrder") is False]
    assert len(forward) == 1, "it goes on from where it was"


def written(path: Path, token: str) -> None:
    key, secret = CREDENTIALS
    path.write_text(
        f"[dev]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n{token}"
    )


async def test_a_login_renewed_outside_is_found_by_a_new_session(
    sync: Simulation, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    written(file, f"aws_session_token = {EXPIRED}\n")
    sync.patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    sync.clock.when(18, lambda: written(file, ""))
    settings = sync.settings(profile="dev", access_key_id=None, secret_access_key=None)
    watched = await sync.watch(settings=settings)
    assert watched.states("history")[1] is HealthState.EXPIRED
    assert watched.messages("history")[0].endswith("Run: aws login --profile dev")
    assert_whole(watched)
    looks = [r for r in sync.requests if r.status == 400]
    assert 1 < len(looks) <= 4, "every five seconds"


async def test_connections_that_were_replaced_are_closed(sync: Simulation) -> None:
    made: list[aws._Connection] = []

    class Counted(aws._Connection):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    sync.patch.setattr(aws, "_Connection", Counted)
    faults = sync.account.faults
    sync.clock.when(40, lambda: setattr(faults, "expired", True))
    sync.clock.when(52, lambda: setattr(faults, "expired", False))
    await sync.watch()
    assert len(made) > 1
    sessions = [client for one in made for client in one._clients.values()]
    assert all(c._endpoint.http_session._session is None for c in sessions)


async def test_without_credentials_it_ends_and_says_how_to_get_some(
    sync: Simulation,
) -> None:
    settings = sync.settings(access_key_id=None, secret_access_key=None)
    watched = await sync.watch(settings=settings)
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert message == (
        f"DescribeExecution on {sync.account.executions['sync']}: Unable to locate"
        " credentials. Choose a --profile, set AWS_ACCESS_KEY_ID and its kin, or run:"
        " aws login"
    )
    assert sync.requests == []


async def test_credentials_that_are_none_are_refused_for_good(
    sync: Simulation,
) -> None:
    watched = await sync.watch(settings=sync.settings(access_key_id="nonsense"))
    assert watched.states("history")[-1] is HealthState.REFUSED
    (message,) = watched.messages("history")
    assert "UnrecognizedClientException" in message
    assert message.endswith("Check the credentials of the --profile.")


async def test_a_profile_that_is_not_there_is_refused_naming_those_that_are(
    sync: Simulation, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    written(file, "")
    sync.patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    settings = sync.settings(profile="prod\x1b[2J", access_key_id=None)
    with pytest.raises(RefusedError) as refused:
        await sync.watch(settings=settings)
    assert str(refused.value) == (
        "There is no AWS profile named prod␛[2J. There are: dev."
    )


# -- permissions ---------------------------------------------------------------------


async def test_one_lane_denied_leaves_the_other_alone(sync: Simulation) -> None:
    sync.account.faults.deny = {"LookupEvents"}
    watched = await sync.watch()
    assert (watched.status, watched.event_ids()) == ("SUCCEEDED", EVENTS)
    assert watched.messages("history") == []
    assert watched.states("lookup")[1:] == [HealthState.DENIED, HealthState.REFUSED]
    message = watched.messages("lookup")[-1]
    assert message.startswith("LookupEvents on ecs.amazonaws.com: AccessDenied")
    assert "is not authorized to perform" in message
    assert message.endswith(
        "Allow cloudtrail:LookupEvents (see sfnwatch iam-policy),"
        " or choose another --profile."
    )
    tries = [request.at for request in sync.asked("LookupEvents")]
    assert len(tries) < 10, "a permission is granted in minutes, if at all"
    last = (tries[-1] - sync.stopped_at).total_seconds()
    assert 0 <= last < 10, "the end of the execution ends the hope"


async def test_a_permission_granted_on_the_way_is_noticed(sync: Simulation) -> None:
    sync.account.faults.deny = {"LookupEvents"}
    sync.clock.when(100, sync.account.faults.deny.clear)
    watched = await sync.watch()
    assert_whole(watched)


@pytest.mark.parametrize("operation", ["DescribeExecution", "GetExecutionHistory"])
async def test_a_history_that_may_not_be_read_ends_the_watch_that_nobody_watches(
    sync: Simulation, operation: str
) -> None:
    sync.account.faults.deny = {operation}
    watched = await sync.watch(patience=PATIENCE)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert watched.states("lookup")[-1] in {HealthState.ENDED, HealthState.REFUSED}
    assert f"Allow states:{operation}" in watched.messages("history")[-1]
    assert sync.clock.now() < EPOCH + timedelta(seconds=60)


async def test_somebody_who_watches_may_yet_grant_the_reading_of_the_history(
    sync: Simulation,
) -> None:
    sync.account.faults.deny = {"DescribeExecution"}
    sync.clock.when(100, sync.account.faults.deny.clear)
    watched = await sync.watch()
    assert HealthState.DENIED in watched.states("history")
    assert_whole(watched)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("nightly-report:", "nightly-report:no"), "ExecutionDoesNotExist"),
        (("ap-northeast-1", "eu-central-1"), "ExecutionDoesNotExist"),
    ],
)
async def test_an_execution_that_does_not_exist_is_refused_in_a_sentence(
    sync: Simulation, change: tuple[str, str], words: str
) -> None:
    arn = sync.account.executions["sync"].replace(*change)
    watched = await sync.watch(arn)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert watched.states("lookup")[-1] is HealthState.ENDED
    (message,) = watched.messages("history")
    assert message.startswith(f"DescribeExecution on {arn}: {words}. ")
    assert message.endswith("Check the ARN and the --region.")
    assert len(sync.requests) == 1


# -- nobody there --------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def test_an_endpoint_nobody_serves_is_given_up_after_so_many_tries(
    sync: Simulation,
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    settings = sync.settings(endpoint_url=url)
    watched = await sync.watch(settings=settings, patience=PATIENCE)
    history = watched.healths("history")
    assert [h.state for h in history[1:]] == [RETRYING, RETRYING, HealthState.REFUSED]
    assert all(url in health.message for health in history[1:])


async def test_a_server_killed_and_started_again_loses_nothing(
    sync: Simulation,
) -> None:
    async def outage() -> None:
        await sync.clock.sleep(60)
        await sync.stop()
        await sync.clock.sleep(120)
        await sync.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(outage())
        watching = group.create_task(sync.watch())
    watched = watching.result()
    assert_whole(watched)
    for lane in LANES:
        assert_in_order(watched, lane, [HealthState.LIVE, RETRYING, HealthState.LIVE])
        assert any(sync.endpoint_url in text for text in watched.messages(lane))


def assert_in_order(watched: Watched, lane: str, wanted: list[HealthState]) -> None:
    states = iter(watched.states(lane))
    assert all(state in states for state in wanted), watched.states(lane)


async def test_a_server_gone_for_good_in_the_drain_ends_with_the_drain(
    sync: Simulation,
) -> None:
    async def outage() -> None:
        await sync.clock.sleep(400)
        await sync.stop()

    async with asyncio.TaskGroup() as group:
        group.create_task(outage())
        watching = group.create_task(sync.watch(drain=200))
    watched = watching.result()
    await sync.start()
    assert watched.status == "SUCCEEDED"
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    over = (sync.clock.now() - sync.stopped_at).total_seconds()
    assert 200 <= over < 215


async def test_a_lookup_that_never_succeeds_ends_with_the_execution_if_not_drained(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync")

    def broken(*_: object) -> dict[str, object]:
        raise_internal()
        return {}

    simulation.operation("LookupEvents", broken)
    watched = await simulation.watch(drain=0)
    assert watched.event_ids() == EVENTS
    assert watched.states("lookup")[1:] == [RETRYING, HealthState.REFUSED]
    over = (simulation.clock.now() - simulation.stopped_at).total_seconds()
    assert over < 10


def raise_internal() -> None:
    from sfnwatch.demo.wire import common_error

    raise common_error("InternalFailure", "Not implemented", 500)


async def test_a_login_awaited_by_somebody_is_awaited_beyond_the_drain(
    sync: Simulation,
) -> None:
    faults = sync.account.faults
    sync.clock.when(315, lambda: setattr(faults, "expired", True))
    sync.clock.when(500, lambda: setattr(faults, "expired", False))
    sync.patch.setattr(trouble, "_EXPIRED_PAUSE", 30)
    watched = await sync.watch(drain=10)
    assert_whole(watched)
    assert sync.clock.now() > EPOCH + timedelta(seconds=500)
