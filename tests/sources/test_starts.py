"""Finding executions: over HTTP, in the account's own time, within its quotas."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.account import Account
from sfnwatch.demo.wire import AwsError, common_error
from sfnwatch.errors import RefusedError, UsageError
from sfnwatch.sources.allowed import Feature
from sfnwatch.sources.aws import AwsSettings
from sfnwatch.sources.starts import Starts, configured_region
from sfnwatch.trace.listed import Listed, Listing
from sfnwatch.trace.requests import decode_request
from tests.demo.photos import FEW_PHOTOS
from tests.sources.simulation import EPOCH, REGION, Simulate, Simulation

HEAD = "arn:aws:states:ap-northeast-1:123456789012"
REPORT = f"{HEAD}:stateMachine:nightly-report"
LIST, MACHINES = "ListExecutions", "ListStateMachines"


@asynccontextmanager
async def asking(simulation: Simulation, **more: Any) -> AsyncIterator[Starts]:
    settings: AwsSettings = more.pop("settings", None) or simulation.settings()
    async with simulation.aws_class(settings, features=[Feature.START]) as aws:
        yield Starts(aws, simulation.clock, REGION, **more)


async def all_of(listings: AsyncIterator[Listing]) -> list[Listing]:
    return [listing async for listing in listings]


def executions(listings: Iterable[Listing]) -> list[Listed]:
    return [each for listing in listings for each in listing.executions]


def listed(name: str, start: float, stop: float | None = None) -> dict[str, Any]:
    """Build an item, at seconds from the epoch; without a stop it still runs."""
    more = {} if stop is None else {"stopDate": EPOCH.timestamp() + stop}
    return {
        "executionArn": f"{HEAD}:execution:nightly-report:{name}",
        "stateMachineArn": REPORT,
        "name": name,
        "status": "RUNNING" if stop is None else "SUCCEEDED",
        "startDate": EPOCH.timestamp() + start,
        **more,
    }


def answered(simulation: Simulation, *items: dict[str, Any], page: int = 100) -> None:
    """Have ListExecutions answer with these, in this order, page by page."""

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        status = asked.get("statusFilter")
        fitting = [i for i in items if status in (None, i["status"])]
        first = int(asked.get("nextToken", 0))
        end = first + min(page, asked["maxResults"])
        token = {"nextToken": str(end)} if end < len(fitting) else {}
        return {"executions": fitting[first:end], **token}

    simulation.operation(LIST, answer)


def machines(simulation: Simulation, *names: str, kind: str = "STANDARD") -> None:
    """Have ListStateMachines answer with these, in pages of as many as asked for."""

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        first = int(asked.get("nextToken", 0))
        end = first + asked["maxResults"]
        found = [
            {
                "stateMachineArn": f"{HEAD}:stateMachine:{name}",
                "name": name,
                "type": kind,
                "creationDate": EPOCH.timestamp(),
            }
            for name in names[first:end]
        ]
        token = {"nextToken": str(end)} if end < len(names) else {}
        return {"stateMachines": found, **token}

    simulation.operation(MACHINES, answer)


# -- a state machine by its name ---------------------------------------------------


async def test_a_machine_is_found_by_its_name(sync: Simulation) -> None:
    async with asking(sync) as starts:
        machine = await starts.machine_named("nightly-report")
    assert (machine.arn, machine.express) == (REPORT, False)


async def test_a_name_is_looked_for_page_by_page_and_no_further(
    sync: Simulation,
) -> None:
    machines(sync, *(f"m{n}" for n in range(2500)))
    async with asking(sync) as starts:
        assert (await starts.machine_named("m1500")).name == "m1500"
    assert len(sync.asked(MACHINES)) == 2
    assert sync.asked(MACHINES)[0].parameters["maxResults"] == 1000


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        (
            "nightly-reprot",
            ["nightly-report", "import"],
            "in ap-northeast-1; there are 2 others. Did you mean nightly-report?",
        ),
        ("NIGHTLY", ["etl-nightly-x", "import"], "Did you mean etl-nightly-x?"),
        ("zzz", ["import"], "or give its ARN."),
        ("x", [], "'x' in ap-northeast-1, nor any other. Choose another --region"),
    ],
)
async def test_a_name_that_is_not_there_is_answered_with_those_alike(
    sync: Simulation, name: str, known: list[str], said: str
) -> None:
    machines(sync, *known)
    async with asking(sync) as starts:
        with pytest.raises(RefusedError) as refused:
            await starts.machine_named(name)
    assert said in str(refused.value)


# -- the newest --------------------------------------------------------------------


async def test_the_latest_is_the_one_started_last(sync: Simulation) -> None:
    async with asking(sync) as starts:
        found = await starts.latest(REPORT)
        assert found.arn == sync.account.executions["sync"]
        assert found.status == "RUNNING"
        sync.clock.advance(1000)
        again = await starts.latest(REPORT)
        assert (again.arn, again.status) == (found.arn, "SUCCEEDED")


async def test_what_ended_last_is_not_what_started_last(sync: Simulation) -> None:
    """An end counts in the order of the list, and not here."""
    answered(sync, listed("long", -900, -1), listed("new", -5), listed("old", -99, -60))
    async with asking(sync) as starts:
        assert (await starts.latest(REPORT)).name == "new"


@pytest.mark.parametrize("merged", [True, False])
async def test_the_latest_is_found_behind_many_others(
    sync: Simulation,
    merged: bool,  # noqa: FBT001
) -> None:
    """Whichever of its two readings the documented order has."""
    ended = [listed(f"e{n}", -5000 - n, -10 - n) for n in range(150)]
    newest = listed("new", -500, -400)
    older = [listed(f"o{n}", -9000 - n, -8000 - n) for n in range(300)]
    running = [listed(f"r{n}", -7000 - n) for n in range(120)]
    items = [*ended, newest, *older]
    items = [*items, *running] if merged else [*running, *items]
    answered(sync, *items)
    async with asking(sync) as starts:
        assert (await starts.latest(REPORT)).name == "new"
    assert len(sync.asked(LIST)) <= 4, "no page more than it takes"


async def test_one_page_is_enough_where_it_shows_that_none_is_later(
    sync: Simulation,
) -> None:
    items = [listed(f"e{n}", -10 * n - 5, -10 * n) for n in range(500)]
    answered(sync, *items)
    async with asking(sync) as starts:
        assert (await starts.latest(REPORT)).name == "e0"
    assert len(sync.asked(LIST)) == 1


async def test_a_machine_without_executions_says_so(sync: Simulation) -> None:
    answered(sync)
    async with asking(sync) as starts:
        with pytest.raises(RefusedError) as refused:
            await starts.latest(REPORT)
    assert str(refused.value) == (
        "nightly-report has no executions; AWS lists them for 90 days after their end."
        " sfnwatch watch --next waits for the next one."
    )


async def test_a_version_is_asked_for_as_such(sync: Simulation) -> None:
    answered(sync, listed("new", -5))
    async with asking(sync) as starts:
        await starts.latest(f"{REPORT}:3")
    assert sync.asked(LIST)[0].parameters["stateMachineArn"] == f"{REPORT}:3"


async def test_an_express_machine_says_what_to_give(sync: Simulation) -> None:
    def answer(account: Account, body: bytes) -> dict[str, Any]:
        words = "This operation is not supported by this type of state machine"
        raise AwsError("StateMachineTypeNotSupported", words)

    sync.operation(LIST, answer)
    async with asking(sync) as starts:
        for find in (starts.latest, starts.next_start):
            with pytest.raises(RefusedError, match="is an Express state machine: AWS"):
                await find(REPORT)
    assert len(sync.asked(LIST)) == 2, "each asked once"
    machines(sync, "web", kind="EXPRESS")
    async with asking(sync) as starts:
        machine = await starts.machine_named("web")
        with pytest.raises(RefusedError, match=":express:STATE_MACHINE:NAME:ID"):
            machine.refuse_express()


@pytest.mark.parametrize(
    ("operation", "arn", "said"),
    [
        (LIST, f"{HEAD}:stateMachine:none", "StateMachineDoesNotExist"),
        (LIST, f"{HEAD}:mapRun:none/x:1", "ResourceNotFound"),
    ],
)
async def test_what_is_not_there_is_refused_at_once(
    sync: Simulation, operation: str, arn: str, said: str
) -> None:
    async with asking(sync) as starts:
        with pytest.raises(RefusedError, match=said):
            await all_of(starts.executions(arn))
    assert len(sync.asked(operation)) == 1


async def test_a_missing_permission_is_named(sync: Simulation) -> None:
    sync.account.faults.deny = {LIST, MACHINES}
    async with asking(sync) as starts:
        with pytest.raises(RefusedError, match=r"Allow states:ListExecutions \(see"):
            await starts.latest(REPORT)
        with pytest.raises(RefusedError, match="Allow states:ListStateMachines"):
            await starts.machine_named("x")
        with pytest.raises(RefusedError, match="Allow states:ListStateMachines"):
            await all_of(starts.recent())
    assert len(sync.requests) == 3, "none is tried twice"


async def test_no_credentials_are_said_to_be_missing(sync: Simulation) -> None:
    settings = sync.settings(access_key_id=None, secret_access_key=None)
    async with asking(sync, settings=settings) as starts:
        with pytest.raises(RefusedError, match=r"credentials.*Choose a --profile"):
            await all_of(starts.recent())


async def test_trouble_that_passes_is_waited_out(sync: Simulation) -> None:
    sync.account.faults.throttle_next = 3
    async with asking(sync) as starts:
        assert (await starts.latest(REPORT)).status == "RUNNING"


async def test_trouble_that_does_not_pass_ends_it(sync: Simulation) -> None:
    sync.account.faults.throttle_next = 99
    async with asking(sync, tries=2) as starts:
        with pytest.raises(RefusedError, match="ThrottlingException"):
            await starts.latest(REPORT)
    assert sync.clock.now() - EPOCH < timedelta(seconds=10)


# -- the next ----------------------------------------------------------------------


async def test_the_next_start_is_waited_for(sync: Simulation) -> None:
    items = [listed("old", -50), listed("older", -900, -500)]
    answered(sync, *items)
    sync.clock.when(61, lambda: answered(sync, listed("new", 60.5), *items))
    async with asking(sync) as starts:
        found = await starts.next_start(REPORT)
    assert found.name == "new"
    assert sync.clock.now() - EPOCH < timedelta(seconds=61 + 5 + 1)
    times = [request.at for request in sync.asked(LIST)]
    gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert all(1.9 < gap < 5.1 for gap in gaps), "neither faster nor slower"


async def test_of_several_new_ones_the_first_is_the_next(sync: Simulation) -> None:
    answered(sync)
    news = [listed("third", 9), listed("second", 8.5, 9.5), listed("first", 8)]
    sync.clock.when(10, lambda: answered(sync, *news))
    async with asking(sync) as starts:
        assert (await starts.next_start(REPORT)).name == "first"


async def test_one_that_ended_between_two_looks_is_not_missed(
    sync: Simulation,
) -> None:
    running = [listed(f"r{n}", -n - 1) for n in range(150)]
    answered(sync, *running)
    sync.clock.when(10, lambda: answered(sync, *running, listed("brief", 8, 9)))
    async with asking(sync) as starts:
        assert (await starts.next_start(REPORT)).name == "brief"


async def test_one_that_starts_before_the_first_answer_counts(
    sync: Simulation,
) -> None:
    answered(sync, listed("just", 0.2), listed("before", -0.2))
    async with asking(sync) as starts:
        assert (await starts.next_start(REPORT)).name == "just"


async def test_one_that_is_told_late_counts_though_our_clock_is_fast(
    sync: Simulation,
) -> None:
    """Lists are eventually consistent, and clocks agree within 3 s only."""
    answered(sync, listed("before", -0.2))
    late = [listed("late", -1.5), listed("before", -0.2), listed("much earlier", -30)]
    sync.clock.when(4, lambda: answered(sync, *late))
    async with asking(sync) as starts:
        assert (await starts.next_start(REPORT)).name == "late"


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_clock_that_is_wrong_is_put_right_before_it_counts(
    sync: Simulation, minutes: int
) -> None:
    """Only an answer tells AWS's time: what was before it may be far off."""

    class Wrong:
        """The account's clock, as a machine has it that is off until it is told."""

        skew = timedelta(minutes=minutes)

        def now(self) -> datetime:
            return sync.clock.now() + self.skew

        async def sleep(self, seconds: float) -> None:
            await sync.clock.sleep(seconds)

        def heed(self, told: datetime) -> None:
            del told
            self.skew = timedelta(0)

    clock = Wrong()
    answered(sync, listed("before", -60), listed("long before", -540))
    news = [listed("new", 8), listed("before", -60), listed("long before", -540)]
    sync.clock.when(9, lambda: answered(sync, *news))
    settings = sync.settings()
    async with sync.aws_class(settings, clock.heed, [Feature.START]) as aws:
        assert (await Starts(aws, clock, REGION).next_start(REPORT)).name == "new"


async def test_since_when_can_be_said(sync: Simulation) -> None:
    async with asking(sync) as starts:
        since = EPOCH - timedelta(days=3)
        found = await starts.next_start(REPORT, since)
    assert found.started_at
    assert found.started_at.date().isoformat() == "2023-11-13"


async def test_waiting_bears_trouble_and_tells_of_it(sync: Simulation) -> None:
    answered(sync)
    told: list[str] = []

    def worse() -> None:
        sync.account.faults.throttle_next = 20

    sync.clock.when(5, worse)
    sync.clock.when(400, lambda: answered(sync, listed("new", 399)))
    async with asking(sync) as starts:
        found = await starts.next_start(REPORT, tell=told.append)
    assert found.name == "new"
    assert told
    assert all("Rate exceeded" in words for words in told)


async def test_waiting_ends_where_aws_has_never_answered(sync: Simulation) -> None:
    await sync.stop()
    async with asking(sync, tries=3) as starts:
        with pytest.raises(RefusedError, match="ListExecutions on nightly-report"):
            await starts.next_start(REPORT)
    await sync.start()


async def test_a_permission_taken_away_ends_the_waiting(sync: Simulation) -> None:
    answered(sync)
    sync.clock.when(9, lambda: sync.account.faults.deny.add(LIST))
    async with asking(sync) as starts:
        with pytest.raises(RefusedError, match="AccessDenied"):
            await starts.next_start(REPORT)


# -- lists -------------------------------------------------------------------------


async def test_the_children_of_a_map_run_are_listed(simulate: Simulate) -> None:
    simulation = await simulate(FEW_PHOTOS)
    simulation.clock.advance(20)
    (run,) = simulation.account.world.runs
    map_run = run.children[0].map_run_arn
    assert map_run
    async with asking(simulation) as starts:
        found = executions(await all_of(starts.executions(map_run)))
        running = executions(await all_of(starts.executions(map_run, "RUNNING")))
    assert len(found) == 3
    assert len(running) == 2
    assert {each.machine for each in found} == {"resize-photos/EachPhoto"}
    asked = [request.parameters for request in simulation.asked(LIST)]
    assert [each["mapRunArn"] for each in asked] == [map_run, map_run]
    assert "stateMachineArn" not in asked[0]


async def test_a_long_list_comes_page_by_page_and_rests(sync: Simulation) -> None:
    answered(sync, *(listed(f"e{n}", -n, 0) for n in range(730)))
    async with asking(sync) as starts:
        found = await all_of(starts.executions(REPORT))
    assert [len(each.executions) for each in found] == [100] * 7 + [30]
    assert [each.spent for each in found] == [False] * 4 + [True] + [False] * 3
    assert len({each.arn for each in executions(found)}) == 730


async def test_recent_has_the_executions_of_all_machines(simulate: Simulate) -> None:
    simulation = await simulate("sync", "failure", "pipeline", "async")
    async with asking(simulation) as starts:
        found = await all_of(starts.recent())
    mine = {each.arn for each in executions(found)}
    every = simulation.account.runs()
    assert mine == {run.arn for run in every}
    assert (found[-1].asked, found[-1].machines, found[-1].more) == (5, 5, False)
    assert not any(each.left_out or each.spent for each in found)
    assert len(simulation.asked(LIST)) == 5


async def test_of_a_busy_machine_the_long_running_is_shown_too(
    sync: Simulation,
) -> None:
    """It stands at its start, far down the list."""
    machines(sync, "nightly-report")
    ended = [listed(f"e{n}", -10 * n - 5, -10 * n) for n in range(60)]
    answered(sync, *ended, listed("long", -90_000))
    async with asking(sync) as starts:
        found = executions(await all_of(starts.recent()))
    assert [each.name for each in found if each.going_on] == ["long"]
    assert len(found) == 26
    assert len(sync.asked(LIST)) == 2


async def test_machines_that_can_not_be_asked_are_left_out_with_words(
    sync: Simulation,
) -> None:
    machines(sync, "one", "two", "three")
    answered(sync, listed("new", -5))
    usual = sync.usual(LIST)

    def answer(account: Account, body: bytes) -> dict[str, Any]:
        if json.loads(body)["stateMachineArn"].endswith(":two"):
            raise common_error("AccessDeniedException", "Not you")
        return usual(account, body)

    sync.operation(LIST, answer)
    async with asking(sync) as starts:
        found = await all_of(starts.recent())
    assert len(executions(found)) == 2
    ((left_out,),) = [each.left_out for each in found if each.left_out]
    assert left_out.machine == "two"
    assert "AccessDeniedException. Not you Allow states:ListExec" in left_out.words


async def test_express_machines_are_left_out_and_not_asked(sync: Simulation) -> None:
    machines(sync, "web", "api", kind="EXPRESS")
    async with asking(sync) as starts:
        found = await all_of(starts.recent())
    assert [each.machine for each in found[-1].left_out] == ["web", "api"]
    assert "an Express state machine" in found[-1].left_out[0].words
    assert sync.asked(LIST) == []


async def test_where_all_are_denied_no_more_are_asked(sync: Simulation) -> None:
    machines(sync, *(f"m{n}" for n in range(40)))
    sync.account.faults.deny = {LIST}
    async with asking(sync) as starts:
        with pytest.raises(RefusedError, match="Allow states:ListExecutions"):
            await all_of(starts.recent())
    assert len(sync.asked(LIST)) == 4


async def test_a_large_account_is_asked_within_a_budget(sync: Simulation) -> None:
    machines(sync, *(f"m{n}" for n in range(250)))
    answered(sync, listed("new", -5))
    async with asking(sync) as starts:
        recent = starts.recent()
        first = []
        async for listing in recent:
            first.append(listing)
            if listing.spent:
                break
        assert len(sync.asked(LIST)) == 60
        assert (first[-1].asked, first[-1].machines) == (60, 100)
        assert first[-1].more
        assert len(sync.asked(MACHINES)) == 1, "the next page is not wanted yet"
        rest = await all_of(recent)
    assert (rest[-1].asked, rest[-1].machines, rest[-1].more) == (250, 250, False)
    assert sum(each.spent for each in rest) == 3
    at = Counter(int(r.at.timestamp()) for r in sync.asked(LIST))
    assert max(at.values()) <= 21, "a burst, a fifth of what a full bucket holds"
    seconds = (sync.clock.now() - EPOCH).total_seconds()
    assert 250 / seconds < 1.1, "then half of the smaller quota"


async def test_what_was_asked_is_noted_for_the_recording(simulate: Simulate) -> None:
    simulation = await simulate("sync", "failure")
    async with asking(simulation) as starts:
        await starts.machine_named("nightly-report")
        await all_of(starts.recent())
        noted = [decode_request(record) for record in starts.take()]
        assert starts.take() == ()
    assert Counter(r.operation for r in noted) == {MACHINES: 2, LIST: 2}
    assert all(r.ok and r.service == "states" for r in noted)
    assert {r.note for r in noted if r.operation == LIST} == {"newest executions"}
    assert "the machine nightly-report" in {r.note for r in noted}
    assert all(r.items == 3 for r in noted if r.operation == LIST)


async def test_no_more_than_the_feature_allows_can_be_sent(sync: Simulation) -> None:
    async with sync.aws_class(sync.settings()) as aws:
        starts = Starts(aws, sync.clock, REGION)
        with pytest.raises(RuntimeError, match="not among the operations"):
            await starts.latest(REPORT)
    assert sync.requests == []


# -- the Region --------------------------------------------------------------------


def test_the_region_is_the_one_that_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert configured_region("eu-west-1", None) == "eu-west-1"
    with pytest.raises(UsageError, match=r"No Region is set.*Give --region"):
        configured_region(None, None)
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-north-1\n[profile a]\nregion = sa-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert configured_region(None, None) == "eu-north-1"
    assert configured_region(None, "a") == "sa-east-1"
    with pytest.raises(RefusedError, match="There is no AWS profile named b"):
        configured_region(None, "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert configured_region(None, None) == "us-east-2"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert configured_region(None, "a") == "us-west-2"


# -- the children of Map Runs --------------------------------------------------------


def child(run: str, number: int, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "executionArn": f"{HEAD}:execution:m/Each:{run}-{number}",
        "stateMachineArn": f"{HEAD}:stateMachine:m/Each",
        "mapRunArn": map_run_arn(run),
        "name": f"{run}-{number}",
        "status": status,
        "startDate": EPOCH.timestamp() - number,
        "stopDate": EPOCH.timestamp() - number + 1,
    }


def map_run_arn(run: str) -> str:
    return f"{HEAD}:mapRun:m/Each:{run}"


def mapped(simulation: Simulation, **counts: int) -> None:
    """Have each Map Run answer with as many children; the very last one failed."""
    runs = [{"mapRunArn": map_run_arn(run)} for run in counts]

    def list_runs(account: Account, body: bytes) -> dict[str, Any]:
        first = int(json.loads(body).get("nextToken", 0))
        token = {"nextToken": str(first + 2)} if first + 2 < len(runs) else {}
        return {"mapRuns": runs[first : first + 2], **token}

    def list_children(account: Account, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        run = asked["mapRunArn"].rpartition(":")[2]
        last = counts[run] - 1
        items = [
            child(run, n, "FAILED" if n == last else "SUCCEEDED")
            for n in range(last + 1)
        ]
        status = asked.get("statusFilter")
        items = [item for item in items if status in (None, item["status"])]
        first = int(asked.get("nextToken", 0))
        end = first + asked["maxResults"]
        token = {"nextToken": str(end)} if end < len(items) else {}
        return {"executions": items[first:end], **token}

    simulation.operation("ListMapRuns", list_runs)
    simulation.operation(LIST, list_children)


async def test_the_children_of_all_of_its_map_runs_are_listed(sync: Simulation) -> None:
    mapped(sync, a=3, b=2, c=1)
    async with asking(sync) as starts:
        listings = await all_of(starts.children(sync.account.executions["sync"]))
    assert [each.name for each in executions(listings)] == [
        *("a-0", "a-1", "a-2", "b-0", "b-1", "c-0")
    ]
    assert [(each.asked, each.machines) for each in listings] == [
        *((0, 3), (1, 3), (2, 3), (3, 3))
    ]
    assert not any(each.spent for each in listings)
    assert len(sync.asked("ListMapRuns")) == 2, "page by page"
    assert len(sync.asked(LIST)) == 3, "one for each, where that holds it"


async def test_of_many_children_those_that_failed_are_asked_for_first(
    sync: Simulation,
) -> None:
    mapped(sync, a=9000)
    async with asking(sync) as starts:
        listings = starts.children(sync.account.executions["sync"])
        found = [await anext(listings) for _ in range(6)]
        await listings.aclose()
    names = [each.name for each in executions(found)]
    assert names[1000] == "a-8999", "the last one, right after the first page"
    assert [each.spent for each in found] == [*[False] * 5, True]
    statuses = [call.parameters.get("statusFilter") for call in sync.asked(LIST)]
    assert statuses == [None, "FAILED", "TIMED_OUT", "ABORTED", None]


async def test_a_whole_list_of_children_has_each_of_them_and_ends(
    sync: Simulation,
) -> None:
    mapped(sync, a=2500, b=1)
    async with asking(sync) as starts:
        listings = await all_of(starts.children(sync.account.executions["sync"]))
    assert len({each.arn for each in executions(listings)}) == 2501
    assert not listings[-1].spent, "nothing is left to ask for"


async def test_without_a_map_run_nothing_more_is_asked(sync: Simulation) -> None:
    async with asking(sync) as starts:
        (listing,) = await all_of(starts.children(sync.account.executions["sync"]))
    assert (listing.executions, listing.machines) == ((), 0)
    assert sync.asked(LIST) == []


async def test_the_permission_that_map_runs_take_is_named(sync: Simulation) -> None:
    sync.account.faults.deny = {"ListMapRuns"}
    async with asking(sync) as starts:
        with pytest.raises(RefusedError, match=r"Allow states:ListMapRuns \(see"):
            await all_of(starts.children(sync.account.executions["sync"]))
