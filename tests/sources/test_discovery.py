"""Finding executions: over HTTP, in the account's own time, within its quotas."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from sfnwatch.cli.options import STATUSES
from sfnwatch.errors import RefusedError, SfnwatchError, UsageError
from sfnwatch.model.arns import MachineName, Named, parse_states_arn
from sfnwatch.model.execution_list import ListedBy, ListedExecution, ListFilter, Listing
from sfnwatch.model.own_requests import decode_request
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.discovery import Discovery
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.search import Search
from tests.sources.clocks import EPOCH
from tests.sources.loopback import AskedOf, Refusal, page_of
from tests.sources.simulation import REGION, Simulation

HEAD = "arn:aws:states:ap-northeast-1:123456789012"
REPORT = f"{HEAD}:stateMachine:nightly-report"
MAP_RUN = f"{HEAD}:mapRun:m/Each:"
LIST, MACHINES = "ListExecutions", "ListStateMachines"
Item = Mapping[str, Any]


@asynccontextmanager
async def asking(simulation: Simulation, **more: Any) -> AsyncIterator[Discovery]:
    settings: AwsSettings = more.pop("settings", None) or simulation.settings()
    async with simulation.client(settings, features=[Feature.START]) as aws:
        yield Discovery(aws, simulation.clock, REGION, **more)


async def all_of(listings: AsyncIterator[Listing]) -> list[Listing]:
    return [listing async for listing in listings]


def executions(listings: Iterable[Listing]) -> list[ListedExecution]:
    return [each for listing in listings for each in listing.executions]


def named(arn: str) -> Named:
    return parse_states_arn(arn)


def listed(name: str, start: float, stop: float | None = None) -> Item:
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


def paged(items: list[Any], asked: AskedOf, key: str, most: int = 1000) -> Any:
    """Answer a list with a page of it."""
    size = min(asked.parameters["maxResults"], most)
    return page_of(items, asked.parameters, key, size)


def answered(simulation: Simulation, *items: Item, alone: bool = False) -> None:
    """Have ListExecutions answer with these, in this order, page by page.

    `alone` of whatever state machine, also of one that the account does not have.
    """

    def answer(asked: AskedOf, _: Any) -> Any:
        status = asked.parameters.get("statusFilter")
        fitting = [i for i in items if status in (None, i["status"])]
        return paged(fitting, asked, "executions", 100)

    (simulation.alone if alone else simulation.unpaged).add(LIST)
    simulation.changes[LIST] = answer


def machines(simulation: Simulation, *names: str, kind: str = "STANDARD") -> None:
    """Have ListStateMachines answer with these; each has the same executions."""
    items = [
        {"stateMachineArn": f"{HEAD}:stateMachine:{name}", "name": name, "type": kind}
        for name in names
    ]
    simulation.alone.add(MACHINES)
    simulation.changes[MACHINES] = lambda asked, _: paged(items, asked, "stateMachines")


# -- a state machine by its name ---------------------------------------------------


async def test_a_machine_is_found_by_its_name_page_by_page_and_no_further(
    sync: Simulation,
) -> None:
    async with asking(sync) as discovery:
        assert await discovery.arn_of(MachineName("nightly-report")) == REPORT
        machines(sync, *(f"m{n}" for n in range(2500)))
        assert (await discovery.arn_of(MachineName("m1500"))).endswith(":m1500")
    asked = sync.asked(MACHINES)
    assert [each.parameters["maxResults"] for each in asked] == [1000] * 3


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        (
            "nightly-reprot",
            ["nightly-report", "import"],
            "in ap-northeast-1, which has 2. Did you mean nightly-report?",
        ),
        ("zzz", ["import"], "or give its ARN."),
        ("x", [], "'x' in ap-northeast-1, which has 0. Choose another --region"),
    ],
)
async def test_a_name_that_is_not_there_is_answered_with_those_alike(
    sync: Simulation, name: str, known: list[str], said: str
) -> None:
    machines(sync, *known)
    async with asking(sync) as discovery:
        with pytest.raises(RefusedError) as refused:
            await discovery.arn_of(MachineName(name))
    assert said in str(refused.value)


# -- the newest --------------------------------------------------------------------


@pytest.mark.parametrize("merged", [True, False])
async def test_the_latest_is_found_behind_many_others(
    sync: Simulation, *, merged: bool
) -> None:
    """Whichever of its two readings the documented order has."""
    ended = [listed(f"e{n}", -5000 - n, -10 - n) for n in range(150)]
    newest = listed("new", -500, -400)
    older = [listed(f"o{n}", -9000 - n, -8000 - n) for n in range(300)]
    running = [listed(f"r{n}", -7000 - n) for n in range(120)]
    items = [*ended, newest, *older]
    items = [*items, *running] if merged else [*running, *items]
    answered(sync, *items)
    async with asking(sync) as discovery:
        assert (await discovery.latest(REPORT)).name == "new"
    assert len(sync.asked(LIST)) <= 4, "no page more than it takes"


async def test_a_machine_without_executions_says_so(sync: Simulation) -> None:
    answered(sync, alone=True)
    async with asking(sync) as discovery:
        with pytest.raises(RefusedError) as refused:
            await discovery.latest(f"{REPORT}:3")
    assert str(refused.value) == (
        "nightly-report:3 has no executions; AWS lists them for 90 days after their"
        " end. sfnwatch watch --next waits for the next one."
    )
    asked = sync.asked(LIST)[0].parameters
    assert asked["stateMachineArn"] == f"{REPORT}:3", "a version is asked for as such"


async def test_an_express_machine_says_what_to_give(sync: Simulation) -> None:
    def answer(_: AskedOf, __: Any) -> Any:
        raise Refusal("StateMachineTypeNotSupported")

    sync.changes[LIST] = answer
    async with asking(sync) as discovery:
        for search in (discovery.latest, discovery.next_start):
            with pytest.raises(RefusedError, match="is an Express state machine: AWS"):
                await search(REPORT)
        assert len(sync.asked(LIST)) == 2, "each asked once"
        machines(sync, "web", kind="EXPRESS")
        with pytest.raises(RefusedError, match=":express:STATE_MACHINE:NAME:ID"):
            await all_of(discovery.list_named(MachineName("web")))


async def test_a_missing_permission_is_named_and_not_tried_twice(
    sync: Simulation,
) -> None:
    sync.faults.deny = {LIST, MACHINES, "ListMapRuns"}
    async with asking(sync) as discovery:
        with pytest.raises(RefusedError, match=r"Allow states:ListExecutions \(see"):
            await discovery.latest(REPORT)
        with pytest.raises(RefusedError, match="Allow states:ListStateMachines"):
            await discovery.arn_of(MachineName("x"))
        with pytest.raises(RefusedError, match="Allow states:ListStateMachines"):
            await all_of(discovery.list_recent())
        with pytest.raises(RefusedError, match=r"Allow states:ListMapRuns \(see"):
            await all_of(discovery.list_named(named(sync.arn)))
    assert len(sync.requests) == 4


async def test_trouble_that_passes_is_waited_out_and_other_is_not(
    sync: Simulation,
) -> None:
    sync.faults.throttle_next = 3
    async with asking(sync) as discovery:
        assert (await discovery.latest(REPORT)).status == "RUNNING"
        await sync.stop_serving()
        with pytest.raises(RefusedError, match="Could not connect"):
            await discovery.latest(REPORT)
    assert sync.seconds(sync.clock.now()) < 60


# -- the next one ------------------------------------------------------------------


async def next_name(simulation: Simulation, **more: Any) -> str:
    async with asking(simulation) as discovery:
        return (await discovery.next_start(REPORT, **more)).name


async def test_of_several_that_start_it_is_the_first(sync: Simulation) -> None:
    answered(sync, listed("before", -5))
    news = [listed("second", 9), listed("first", 8), listed("before", -5)]
    sync.clock.when(12, lambda: answered(sync, *news))
    assert await next_name(sync) == "first"
    times = [request.at for request in sync.asked(LIST)]
    apart = [(b - a).total_seconds() for a, b in pairwise(times)]
    assert all(2 <= each <= 5.1 for each in apart)


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
            self.skew = 0 * (told - told)

    clock = Wrong()
    old = [listed("before", -60), listed("long before", -540)]
    answered(sync, *old)
    sync.clock.when(9, lambda: answered(sync, listed("new", 8), *old))
    async with sync.client(sync.settings(), clock.heed, [Feature.START]) as aws:
        found = await Discovery(aws, clock, REGION).next_start(REPORT)
    assert found.name == "new"


async def test_waiting_bears_trouble_and_tells_of_it(sync: Simulation) -> None:
    answered(sync)
    told: list[str] = []
    faults = sync.faults
    sync.clock.when(5, lambda: setattr(faults, "throttle_next", 20))
    sync.clock.when(400, lambda: answered(sync, listed("new", 399)))
    assert await next_name(sync, tell=told.append) == "new"
    assert told
    assert all("Rate exceeded" in words for words in told)


async def test_waiting_ends_where_aws_has_never_answered_or_says_no(
    sync: Simulation,
) -> None:
    answered(sync)
    sync.clock.when(9, lambda: sync.faults.deny.add(LIST))
    async with asking(sync) as discovery:
        with pytest.raises(RefusedError, match="AccessDenied"):
            await discovery.next_start(REPORT)
        await sync.stop_serving()
        with pytest.raises(RefusedError, match="ListExecutions on nightly-report"):
            await discovery.next_start(REPORT)


# -- lists -------------------------------------------------------------------------


async def test_a_long_list_comes_page_by_page_and_rests(sync: Simulation) -> None:
    answered(sync, *(listed(f"e{n}", -n, 0) for n in range(730)))
    async with asking(sync) as discovery:
        _, *found = await all_of(discovery.list_named(named(REPORT)))
    assert [len(each.executions) for each in found] == [100] * 7 + [30]
    assert [each.spent for each in found] == [False] * 4 + [True] + [False] * 3
    assert len({each.arn for each in executions(found)}) == 730


async def test_recent_has_the_executions_of_all_machines(sync: Simulation) -> None:
    async with asking(sync) as discovery:
        found = await all_of(discovery.list_recent())
        asked = [decode_request(r) for r in discovery.take_requests()]
        assert discovery.take_requests() == ()
    assert sync.arn in {each.arn for each in executions(found)}
    assert not any(each.left_out or each.spent or each.more for each in found[1:])
    assert found[-1].asked == found[-1].known == len(sync.asked(LIST))
    assert len(asked) == len(sync.requests)
    assert all(r.ok and r.items and r.service == "states" for r in asked)
    assert {r.note for r in asked} == {"state machines", "newest executions"}


async def test_machines_that_can_not_be_asked_are_left_out_with_words(
    sync: Simulation,
) -> None:
    machines(sync, "one", "two", "three")

    def answer(asked: AskedOf, _: Any) -> Any:
        if asked.parameters["stateMachineArn"].endswith(":two"):
            raise Refusal("AccessDeniedException", "Not you")
        return {"executions": [listed("new", -5)]}

    sync.alone.add(LIST)
    sync.changes[LIST] = answer
    async with asking(sync) as discovery:
        found = await all_of(discovery.list_recent())
        assert len(executions(found)) == 2
        ((left_out,),) = [each.left_out for each in found if each.left_out]
        assert left_out.machine == "two"
        assert "AccessDeniedException. Not you Allow states:ListEx" in left_out.reason
        machines(sync, "web", "api", kind="EXPRESS")
        asked = len(sync.asked(LIST))
        found = await all_of(discovery.list_recent())
        express = [each for listing in found for each in listing.left_out]
        assert [each.machine for each in express] == ["web", "api"]
        assert all(each.express for each in express)
        assert len(sync.asked(LIST)) == asked


async def test_where_all_are_denied_no_more_are_asked(sync: Simulation) -> None:
    machines(sync, *(f"m{n}" for n in range(40)))
    sync.faults.deny = {LIST}
    async with asking(sync) as discovery:
        with pytest.raises(RefusedError, match="Allow states:ListExecutions"):
            await all_of(discovery.list_recent())
    assert len(sync.asked(LIST)) == 4


async def test_a_large_account_is_asked_within_a_budget(sync: Simulation) -> None:
    machines(sync, *(f"m{n}" for n in range(150)))
    answered(sync, listed("new", -5), alone=True)
    async with asking(sync) as discovery:
        recent = discovery.list_recent()
        first: list[Listing] = []
        async for listing in recent:
            first.append(listing)
            if listing.spent:
                break
        assert len(sync.asked(LIST)) == 60
        assert (first[-1].asked, first[-1].known, first[-1].more) == (60, 100, True)
        rest = await all_of(recent)
    assert (rest[-1].asked, rest[-1].known, rest[-1].more) == (150, 150, False)
    at = Counter(int(r.at.timestamp()) for r in sync.asked(LIST))
    assert max(at.values()) <= 21, "a burst, a fifth of what a full bucket holds"
    assert 150 / sync.seconds(sync.clock.now()) < 1.2, "then half of the quota"


# -- what a filter lets through --------------------------------------------------------


def history_of(seed: int, count: int) -> list[Item]:
    """Make a machine's executions, in the order in which AWS is documented to list."""
    draw, items = random.Random(seed), list[Item]()  # noqa: S311
    for number in range(count):
        start, status = -draw.uniform(0, 100_000), draw.choice(STATUSES)
        runs = status == "RUNNING"
        stop = None if runs else min(-1.0, start + draw.uniform(0, 20_000))
        items.append({**listed(f"e{number}", start, stop), "status": status})
    items.sort(key=lambda i: -float(i.get("stopDate", i["startDate"])))
    return items


@pytest.mark.parametrize("seed", range(12))
async def test_a_filter_is_asked_of_aws_and_ends_where_nothing_newer_can_follow(
    sync: Simulation, seed: int
) -> None:
    draw, items = random.Random(seed), history_of(seed, 900)  # noqa: S311
    answered(sync, *items, alone=True)
    machines(sync, "nightly-report")
    statuses = tuple(draw.sample(STATUSES, draw.choice([0, 1, 2])))
    within = draw.choice([None, 3_600.0, 30_000.0])
    since = sync.clock.now() - timedelta(seconds=within or 1e9)
    only = ListFilter(statuses, since if within else None)
    async with asking(sync, only=only) as discovery:
        found = executions(await all_of(discovery.list_named(named(REPORT))))
        recent = executions(await all_of(discovery.list_recent()))
    expected = {
        str(item["executionArn"])
        for item in items
        if (not statuses or item["status"] in statuses)
        if float(item["startDate"]) > since.timestamp()
    }
    assert {each.arn for each in found} == expected
    assert {each.arn for each in recent} <= expected
    asked = {each.parameters.get("statusFilter") for each in sync.asked(LIST)}
    assert asked <= {*statuses, *([None, "RUNNING"] if not statuses else [])}
    if within == 3_600.0:
        assert {each.arn for each in recent} == expected
        assert len(sync.asked(LIST)) <= 2 * 3 * max(1, len(statuses))


async def test_children_of_a_map_run_are_filtered_too(sync: Simulation) -> None:
    mapped(sync, a=3_000)
    async with asking(sync, only=ListFilter(("FAILED",))) as discovery:
        found = executions(await all_of(discovery.list_named(named(f"{MAP_RUN}a"))))
    assert [each.name for each in found] == ["a-2999"]
    assert {each.parameters["statusFilter"] for each in sync.asked(LIST)} == {"FAILED"}


# -- the children of Map Runs --------------------------------------------------------


def mapped(simulation: Simulation, **counts: int) -> None:
    """Have each Map Run answer with as many children; the very last one failed."""
    runs = [{"mapRunArn": f"{MAP_RUN}{run}"} for run in counts]

    def child(run: str, number: int) -> Item:
        failed = number == counts[run] - 1
        return {
            "executionArn": f"{HEAD}:execution:m/Each:{run}-{number}",
            "mapRunArn": f"{MAP_RUN}{run}",
            "name": f"{run}-{number}",
            "status": "FAILED" if failed else "SUCCEEDED",
            "startDate": EPOCH.timestamp() - number,
        }

    def list_children(asked: AskedOf, _: Any) -> Any:
        run = asked.parameters["mapRunArn"].rpartition(":")[2]
        items = [child(run, number) for number in range(counts[run])]
        status = asked.parameters.get("statusFilter")
        fitting = [i for i in items if status in (None, i["status"])]
        return paged(fitting, asked, "executions")

    simulation.changes["ListMapRuns"] = lambda asked, _: paged(
        runs, asked, "mapRuns", 2
    )
    simulation.changes[LIST] = list_children
    simulation.alone |= {"ListMapRuns", LIST}


async def test_the_children_of_all_of_its_map_runs_are_listed(sync: Simulation) -> None:
    mapped(sync, a=3, b=2, c=1)
    async with asking(sync) as discovery:
        listings = await all_of(discovery.list_named(named(sync.arn)))
        alone = await all_of(discovery.list_named(named(f"{MAP_RUN}b")))
    names = [each.name for each in executions(listings)]
    assert names == ["a-0", "a-1", "a-2", "b-0", "b-1", "c-0"]
    assert [each.name for each in executions(alone)] == ["b-0", "b-1"]
    assert [(each.asked, each.known) for each in listings] == [
        *((0, 3), (1, 3), (2, 3), (3, 3))
    ]
    assert {each.by for each in listings} == {ListedBy.MAP_RUN}
    assert not any(each.spent for each in listings)
    assert len(sync.asked("ListMapRuns")) == 2, "page by page"


async def test_of_many_children_those_that_failed_are_asked_for_first(
    sync: Simulation,
) -> None:
    mapped(sync, a=2500, b=1)
    async with asking(sync) as discovery:
        found = await all_of(discovery.list_named(named(sync.arn)))
    names = [each.name for each in executions(found)]
    assert names[1000] == "a-2499", "the last one, right after the first page"
    statuses = [call.parameters.get("statusFilter") for call in sync.asked(LIST)]
    assert statuses == [None, "FAILED", "TIMED_OUT", "ABORTED", None, None, None]
    assert [each.spent for each in found] == [*[False] * 5, True, False, False]
    assert len(set(names)) == 2501


# -- from what was named -----------------------------------------------------------


async def test_everything_named_is_found_and_what_was_asked_is_told(
    sync: Simulation,
) -> None:
    said: list[str] = []
    both = [named(sync.arn), named(REPORT), MachineName("nightly-report")]
    search = Search(sync.settings())
    found = await search.find(both, said.append)
    assert [arn.arn for arn in found] == [sync.arn], "each once"
    operations = [r.record["operation"] for r in search.asked]
    assert sorted(operations) == [LIST, LIST, MACHINES]
    run = sync.arn.rpartition(":")[2]
    assert said[0].startswith(
        f"the newest execution of nightly-report: nightly-report › {run}, RUNNING,"
        " started 2023-11-15T00:28:24.250Z"
    )


async def test_the_first_of_several_errors_is_raised_by_itself(
    sync: Simulation,
) -> None:
    both = [MachineName("a"), MachineName("b")]
    with pytest.raises(SfnwatchError, match="There is no state machine named"):
        await Search(sync.settings()).find(both, print)


async def test_what_has_started_is_not_waited_for(sync: Simulation) -> None:
    for arn in (sync.arn, f"{MAP_RUN}a"):
        with pytest.raises(UsageError, match="--next waits for an execution to start"):
            await Search(sync.settings()).find([named(arn)], print, coming=True)
    assert sync.requests == []
