"""What the tool itself sends, noted: all of it, and nothing that is secret."""

import io
import json
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from sfnwatch.demo.account import Account
from sfnwatch.demo.server import DemoServer
from sfnwatch.export.lines import PlainLines
from sfnwatch.export.stream import JsonLines
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.sources.allowed import operations
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drive import Driver, Step
from sfnwatch.sources.ledger import Ledger, note_answer, note_sent
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.requests import Request
from sfnwatch.trace.times import seconds_between
from tests.builders import ARN, START, ManualClock
from tests.sources.simulation import EPOCH, REGION, Simulate, Simulation, Watched

FIELDS = [
    "operation",
    "service",
    "region",
    "sent_at",
    "seconds",
    "outcome",
    "status",
    "request_id",
    "items",
    "note",
]
CANARY = ("AKIACANARYCANARYCANA", "canary/secret+canary/secret")


def told(watched: Watched) -> list[Received]:
    return [r for r in watched.records if r.source == From.REQUEST]


def sent(watched: Watched) -> tuple[Request, ...]:
    return watched.trace.ordered_requests


def assert_all_told(watched: Watched, simulation: Simulation, *, lost: int = 0) -> None:
    """As many as reached the account, and those that it closed without an answer."""
    assert len(told(watched)) == len(sent(watched)) == len(simulation.requests) + lost
    reached = Counter((r.operation, r.region, r.status) for r in simulation.requests)
    noted = Counter((r.operation, r.region, r.status) for r in sent(watched))
    assert reached <= noted
    healths = (watched.healths(lane)[-1] for lane in ("history", "lookup"))
    assert sum(health.requests for health in healths) == len(sent(watched))


# -- all of it -------------------------------------------------------------------------


async def test_every_request_of_a_watch_is_told(sync: Simulation) -> None:
    watched = await sync.watch()
    assert_all_told(watched, sync)
    assert {(r.service, r.operation) for r in sent(watched)} == operations()
    assert all(r.ok and r.status == 200 and r.request_id for r in sent(watched))
    assert not watched.trace.unread


async def test_of_several_executions_each_request_says_which(
    simulate: Simulate,
) -> None:
    simulation = await simulate("sync", "async")
    watched = await simulation.watch()
    arns = Counter(r.execution_arn for r in sent(watched))
    shared = arns.pop(None)
    assert shared == len(simulation.asked("LookupEvents")), "these are for all of them"
    assert set(arns) == set(simulation.account.executions.values())
    assert shared + sum(arns.values()) == len(simulation.requests)


async def test_it_says_what_each_was_for_and_how_much_it_brought(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    notes = {r.note for r in sent(watched)}
    assert {
        "first reading",
        "newest events",
        "one more look after the end",
        "the outcome",
        "calls to ecs",
        "own calls, for the lag",
    } <= notes
    last = [r for r in sent(watched) if r.operation == "GetExecutionHistory"][-1]
    assert last.items == 8
    described = [r for r in sent(watched) if r.operation == "DescribeExecution"]
    assert [r.items for r in described] == [None, None]


async def test_pages_are_counted(simulate: Simulate) -> None:
    simulation = await simulate("failure")
    simulation.patch.setattr("sfnwatch.sources.history._PAGE", 3)
    simulation.clock.advance(3600)
    watched = await simulation.watch()
    notes = [str(r.data["note"]) for r in told(watched)]
    read = [note for note in notes if note.startswith("first reading")]
    pages = ["", ", page 2", ", page 3", ", page 4"]
    assert read == [f"first reading{page}" for page in pages]


async def test_how_long_an_answer_took_is_told_in_the_clock_s_seconds() -> None:
    clock = ManualClock()
    ledger = Ledger(clock, ARN)
    with ledger.asking("newest events"):
        ledger.sent("states", "GetExecutionHistory", REGION)
        clock.advance(1.25)
        ledger.answered("ok", 200, "abc")
    clock.advance(5)
    (record,) = ledger.take()
    assert record.at == START + timedelta(seconds=6.25), "when it was handed over"
    assert record.data["seconds"] == 1.25
    assert record.data["sent_at"] == "2023-11-15T00:28:24.102Z"
    assert ledger.take() == ()


# -- what goes wrong -------------------------------------------------------------------


async def test_throttled_ones_and_their_repetitions_are_told(sync: Simulation) -> None:
    sync.clock.when(100, lambda: setattr(sync.account.faults, "throttle_next", 6))
    watched = await sync.watch()
    assert_all_told(watched, sync)
    throttled = [r for r in sent(watched) if r.throttled]
    assert len(throttled) == 6
    assert {r.outcome for r in throttled} == {"ThrottlingException"}
    assert {r.status for r in throttled} == {400}
    assert any(r.note.endswith("try 2") for r in throttled)
    assert sum(spent.throttled for spent in watched.trace.spent) == 6
    assert sum(spent.failed for spent in watched.trace.spent) == 0


async def test_closed_connections_are_told_as_well(sync: Simulation) -> None:
    sync.clock.when(100, lambda: setattr(sync.account.faults, "reset_next", 4))
    watched = await sync.watch()
    assert_all_told(watched, sync, lost=4)
    lost = [r for r in sent(watched) if not r.ok]
    assert {r.outcome for r in lost} == {"ConnectionClosedError"}
    assert {(r.status, r.request_id) for r in lost} == {(None, None)}


async def test_answers_cut_in_the_middle_are_told_as_well(sync: Simulation) -> None:
    sync.clock.when(100, lambda: setattr(sync.account.faults, "truncate_next", 4))
    watched = await sync.watch()
    assert len(sent(watched)) == len(sync.requests)
    assert sum(not r.ok for r in sent(watched)) == 4


async def test_denied_ones_are_told_with_aws_s_word(sync: Simulation) -> None:
    sync.account.faults.deny.add("LookupEvents")
    watched = await sync.watch(drain=0)
    assert_all_told(watched, sync)
    lookups = [r for r in sent(watched) if r.operation == "LookupEvents"]
    assert {r.outcome for r in lookups} == {"AccessDeniedException"}


@pytest.mark.parametrize("error", [TimeoutError, ValueError])
def test_an_answer_too_late_or_garbled_is_told_by_the_error_s_name(
    error: type[Exception],
) -> None:
    """Botocore's hook says nothing of these."""
    ledger = Ledger(ManualClock())

    def give_up() -> None:
        with ledger.asking("newest events"):
            ledger.sent("states", "GetExecutionHistory", REGION)
            raise error

    with pytest.raises(error):
        give_up()
    (record,) = ledger.take()
    assert (record.data["outcome"], record.data["status"]) == (error.__name__, None)


def test_of_a_request_nothing_was_heard_of_that_is_told() -> None:
    ledger = Ledger(ManualClock())
    with ledger.asking():
        ledger.sent("states", "DescribeExecution", REGION)
        ledger.sent("states", "DescribeExecution", REGION)
        ledger.answered("ok", 200, "abc")
    first, second = (record.data for record in ledger.take())
    assert (first["outcome"], first["note"]) == ("unknown", "")
    assert (second["outcome"], second["note"]) == ("ok", "try 2")


# -- nothing that is secret ------------------------------------------------------------


async def test_nothing_but_the_fields_is_told_and_no_credential(
    sync: Simulation,
) -> None:
    canary = sync.settings(access_key_id=CANARY[0], secret_access_key=CANARY[1])
    sync.clock.when(100, lambda: setattr(sync.account.faults, "throttle_next", 3))
    watched = await sync.watch(settings=canary)
    text = json.dumps([dict(r.data) for r in told(watched)])
    assert all(list(r.data) == FIELDS for r in told(watched))
    assert len(told(watched)) > 50
    assert not any(secret in text for secret in CANARY)
    assert "executionArn" not in text
    assert "arn:aws" not in text
    assert "nextToken" not in text
    assert "127.0.0.1" not in text


async def test_what_is_asked_for_credentials_is_told_apart() -> None:
    """Botocore asks by itself, with clients that are none of ours."""
    clock = ManualClock()
    ledger = Ledger(clock)
    async with AsyncExitStack() as stack:
        account = Account(["sync"], clock=clock)
        served = await stack.enter_async_context(DemoServer(account))
        client = await stack.enter_async_context(Aws(AwsSettings(REGION)))
        make: Any = client._connection.session.create_client
        own = make(
            "sts",
            REGION,
            endpoint_url=served.endpoint_url,
            aws_access_key_id=CANARY[0],
            aws_secret_access_key=CANARY[1],
        )
        sts = await stack.enter_async_context(own)
        # The account speaks no XML.
        with pytest.raises(ResponseParserError), ledger.asking("x"):
            await sts.assume_role(RoleArn=ARN, RoleSessionName="canary")
    (record,) = ledger.take()
    assert (record.data["service"], record.data["operation"]) == ("sts", "AssumeRole")
    assert record.data["note"] == "for the credentials"
    assert record.data["region"] == REGION
    assert "canary" not in json.dumps(dict(record.data)).lower()


async def test_an_endpoint_s_endless_words_are_cut() -> None:
    ledger = Ledger(ManualClock())
    with ledger.asking():
        ledger.sent("states", "DescribeExecution", REGION)
        ledger.answered("x" * 10**6, 400, "y" * 10**6)
    (record,) = ledger.take()
    assert len(json.dumps(dict(record.data))) < 1000


def test_what_nobody_asked_for_is_not_noted() -> None:
    note_sent(None, event_name="before-send.sfn.DescribeExecution")
    note_answer(parsed_response={}, exception=None)
    ledger = Ledger(ManualClock())
    assert (ledger.count, ledger.take()) == (0, ())


# -- when ------------------------------------------------------------------------------


async def test_a_request_is_told_within_about_ten_seconds(sync: Simulation) -> None:
    watched = await sync.watch()
    waits = [
        seconds_between(read.sent_at, record.at)
        for record in told(watched)
        for read in sent(watched)
        if record.at and read.request_id == record.data["request_id"]
    ]
    assert max(waits) <= 11


async def test_telling_them_makes_few_batches_more(sync: Simulation) -> None:
    """Each is written and drawn: a request that brings nothing is no reason to."""
    batches: list[Batch] = []
    await sync.watch(also=batches.append)
    alone = [
        batch
        for batch in batches
        if batch and all(record.source == From.REQUEST for record in batch)
    ]
    seconds = (sync.requests[-1].at - EPOCH).total_seconds()
    assert len(alone) <= 2 * seconds / 10


async def driven(*steps: Step) -> tuple[list[Batch], ManualClock]:
    """Drive steps that make a request each."""
    clock = ManualClock()
    driver = Driver("lookup", clock)
    left = list(steps)

    async def step() -> Step:
        with driver.ledger.asking():
            driver.ledger.sent("cloudtrail", "LookupEvents", REGION)
            driver.ledger.answered("ok", 200, f"{driver.ledger.count}")
        return left.pop(0)

    return [batch async for batch in driver.run(step)], clock


async def test_requests_wait_for_a_batch_but_not_for_long() -> None:
    quiet = [Step(pause=4)] * 6
    batches, _ = await driven(*quiet, Step(done=True))
    kinds = [[str(record.source) for record in batch] for batch in batches]
    assert kinds == [
        ["health"],
        ["request", "health"],
        ["request"] * 3,
        ["request"] * 3,
    ]


async def test_requests_come_with_what_they_brought_and_after_it() -> None:
    news = Received(START, From.LOOKUP, None, {"EventId": "a"})
    batches, _ = await driven(Step(), Step(pause=1), Step(records=(news,), done=True))
    assert [str(r.source) for r in batches[-1]] == ["lookup", "request", "request"]


async def test_moments_never_go_back(sync: Simulation) -> None:
    watched = await sync.watch()
    moments = [record.at for record in watched.records if record.at]
    assert all(a <= b for a, b in pairwise(moments))


# -- where else they show --------------------------------------------------------------


async def test_lines_and_objects_are_the_same_with_and_without_them(
    sync: Simulation,
) -> None:
    watched = await sync.watch()
    without = [r for r in watched.records if r.source != From.REQUEST]

    def printed(records: list[Received]) -> tuple[str, str, list[str]]:
        lines, objects, said = io.StringIO(), io.StringIO(), list[str]()
        plain, as_json = PlainLines(lines, said.append), JsonLines(objects)
        for record in records:
            plain((record,))
            as_json((record,))
        plain.finish()
        as_json.finish()
        return lines.getvalue(), objects.getvalue(), said

    assert printed(watched.records) == printed(without)


async def test_a_recording_tells_of_the_same_requests(
    sync: Simulation, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    recorder = Recorder.create(path, (), EPOCH, "test")
    watched = await sync.watch(also=recorder)
    recorder.close()
    (read,) = [read_recording(path)]
    again = Watched()
    again(read.records)
    assert sent(again) == sent(watched)
    assert again.trace.spent == watched.trace.spent
    assert again.trace.unread == frozenset()
