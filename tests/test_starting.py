"""From what was named to the executions to watch: over HTTP, as the program asks."""

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from sfnwatch.clock import ServerClock, SpedClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.server import CREDENTIALS, DemoServer
from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.naming_executions import Named, named
from sfnwatch.settings import AwsOptions
from sfnwatch.starting import (
    Fetch,
    Found,
    children_of,
    find,
    recent,
    region_of,
    those_of,
    to_pick_from,
)
from sfnwatch.trace.arns import ExecutionArn, MapRunArn, StateMachineArn
from sfnwatch.trace.events import Batch
from sfnwatch.trace.listed import Listed, Listing
from sfnwatch.trace.requests import decode_request
from tests.demo.photos import FEW_PHOTOS

REGION = "ap-northeast-1"
HEAD = f"arn:aws:states:{REGION}:123456789012"


class World:
    """A served account, and whoever looks for executions in it."""

    def __init__(self, account: Account, url: str) -> None:
        self.account = account
        self.options = AwsOptions(region=REGION, endpoint_url=url)
        self.told: list[str] = []

    async def find(self, *texts: str, coming: bool = False) -> Found:
        read = [each for each in map(named, texts) if each is not None]
        return await find(
            read, self.options, ServerClock(), coming=coming, tell=self.told.append
        )

    @property
    def map_run(self) -> str:
        (run,) = [r for r in self.account.world.runs if r.children]
        arn = run.children[0].map_run_arn
        assert arn
        return arn

    async def begun_map_run(self) -> str:
        """Wait until the Map Run has begun, and give its ARN."""
        while not self.account.children(self.map_run):
            await self.account.clock.sleep(0.05)
        return self.map_run


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    account = Account(["sync", "failure", FEW_PHOTOS], clock=SpedClock(1), seed=7)
    async with DemoServer(account) as served:
        yield World(account, served.endpoint_url)


async def all_of(fetch: Fetch) -> list[Listed]:
    return [each async for listing in fetch() for each in listing.executions]


def read(text: str) -> Named:
    found = named(text)
    assert found is not None
    return found


async def test_a_name_finds_the_newest_execution_and_says_which(world: World) -> None:
    found = await world.find("nightly-report")
    arn = world.account.executions["sync"]
    assert [each.arn for each in found.arns] == [arn]
    (said,) = world.told
    assert said.startswith("the newest execution of nightly-report: nightly-report › s")
    assert "RUNNING, started 20" in said
    asked = [decode_request(record).operation for record in found.asked]
    assert sorted(asked) == ["ListExecutions", "ListStateMachines"]


async def test_an_execution_is_what_it_is_and_nothing_is_asked(world: World) -> None:
    arn = world.account.executions["sync"]
    found = await world.find(arn, f"'{arn}'")
    assert [each.arn for each in found.arns] == [arn]
    assert found.asked == ()
    assert world.told == []


async def test_several_are_found_at_once_each_once(world: World) -> None:
    executions = world.account.executions
    found = await world.find(
        "import-orders",
        f"{HEAD}:stateMachine:nightly-report",
        executions["failure"],
        "nightly-report",
    )
    assert [each.arn for each in found.arns] == [
        executions["failure"],
        executions["sync"],
    ]
    assert len(world.told) == 3


async def test_a_map_run_finds_its_newest_child(world: World) -> None:
    (found,) = (await world.find(await world.begun_map_run())).arns
    assert isinstance(found, ExecutionArn)
    assert found.state_machine_name == "resize-photos/EachPhoto"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["nightly-reprot"], "Did you mean nightly-report?"),
        (["nightly-report", "nothing"], "There is no state machine named 'nothing'"),
        ([f"{HEAD}:stateMachine:gone"], "StateMachineDoesNotExist"),
    ],
)
async def test_what_is_not_there_is_refused_by_itself(
    world: World, texts: list[str], said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        await world.find(*texts)
    assert said in str(refused.value)


async def test_what_has_started_can_not_be_waited_for(world: World) -> None:
    for text in (world.account.executions["sync"], world.map_run):
        with pytest.raises(UsageError, match=r"--next waits for .* has started"):
            await world.find(text, coming=True)


async def test_the_next_execution_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfnwatch.sources.starts._LEAST", 0.05)
    monkeypatch.setattr("sfnwatch.sources.starts._LONGEST", 0.1)
    runs, started = world.account.runs, world.account.executions["few-photos"]

    def without_newest() -> list[object]:
        return [run for run in runs() if run.arn != started]

    # It has just started, and is told of only after the first look.
    monkeypatch.setattr(world.account, "runs", without_newest)
    asked = world.account.note
    looks: list[str] = []

    def note(event: object) -> None:
        looks.append(event.name)  # type: ignore[attr-defined]
        if looks.count("ListExecutions") == 3:
            monkeypatch.setattr(world.account, "runs", runs)
        asked(event)  # type: ignore[arg-type]

    monkeypatch.setattr(world.account, "note", note)
    clock = world.account.clock
    assert isinstance(clock, SpedClock)
    clock.restart()
    found = await world.find("resize-photos", coming=True)
    assert [each.arn for each in found.arns] == [started]
    assert world.told[0].startswith("waiting for an execution of resize-photos")
    assert world.told[1].startswith("started: resize-photos › few-photos-")
    assert looks.count("ListExecutions") >= 4


async def test_the_picker_is_given_lists_and_its_requests_are_noted(
    world: World,
) -> None:
    noted: list[Batch] = []
    fetch = recent(world.options, REGION, ServerClock(), noted.append)
    listings: list[Listing] = [listing async for listing in fetch()]
    found = {each.arn for listing in listings for each in listing.executions}
    assert found >= set(world.account.executions.values())
    assert len(noted[0]) == 4
    machine = read(f"{HEAD}:stateMachine:import-orders")
    assert isinstance(machine, StateMachineArn)
    fetch = those_of(world.options, machine, ServerClock())
    (listing,) = [listing async for listing in fetch()]
    assert len(listing.executions) == 3
    map_run = read(await world.begun_map_run())
    assert isinstance(map_run, MapRunArn)
    children = await all_of(those_of(world.options, map_run, ServerClock()))
    assert children
    assert all(each.machine.endswith("/EachPhoto") for each in children)
    by_name = await all_of(
        those_of(world.options, read("import-orders"), ServerClock())
    )
    assert tuple(by_name) == listing.executions


async def test_the_children_of_an_execution_are_those_of_its_map_runs(
    world: World,
) -> None:
    of_run = await all_of(
        those_of(world.options, read(await world.begun_map_run()), ServerClock())
    )
    noted: list[Batch] = []
    children = children_of(world.options, ServerClock(), noted.append)
    started = world.account.executions["few-photos"]
    assert {each.arn for each in await all_of(children(started))} >= {
        each.arn for each in of_run
    }
    asked = [decode_request(record).operation for record in noted[0]]
    assert asked == ["ListMapRuns", "ListExecutions"]
    assert await all_of(children(world.account.executions["sync"])) == []


async def test_without_a_region_the_list_says_so_beside_what_was_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, clock = AwsOptions(endpoint_url=world.options.endpoint_url), ServerClock()
    noted: list[Batch] = []
    with pytest.raises(UsageError, match="No Region is set"):
        to_pick_from((), options, clock, noted.append, beside=False)
    fetch, region = to_pick_from((), options, clock, noted.append, beside=True)
    assert region == ""
    with pytest.raises(UsageError, match="No Region is set"):
        await all_of(fetch)
    monkeypatch.setenv("AWS_REGION", REGION)
    assert await all_of(fetch), "it is looked for again"
    assert noted
    assert to_pick_from((), options, clock, noted.append, beside=True)[1] == REGION


def test_the_region_is_asked_for_where_none_is_set() -> None:
    assert region_of(AwsOptions(region="eu-west-1")) == "eu-west-1"
    with pytest.raises(UsageError, match="No Region is set"):
        region_of(AwsOptions())


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("sfnwatch.starting", {"textual", "aiohttp", "botocore", "aiobotocore"}),
        ("sfnwatch.naming_executions", {"textual", "aiohttp", "botocore"}),
        ("sfnwatch.tui.picker_app", {"aiohttp", "botocore", "aiobotocore"}),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(
    module: str, heavy: set[str]
) -> None:
    code = f"import sys, {module}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert not heavy & set(done.stdout.split())
    assert "sfnwatch" in done.stdout.split()
