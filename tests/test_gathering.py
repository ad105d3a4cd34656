"""What is told of: files and executions, however named; which two are compared."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sfnwatch.clock import SystemClock
from sfnwatch.demo.account import Account
from sfnwatch.demo.server import CREDENTIALS, DemoServer
from sfnwatch.errors import RefusedError, SfnwatchError, UsageError
from sfnwatch.gathering import Gathered, chosen_pair, gather, read_source
from sfnwatch.naming_executions import MachineName
from sfnwatch.settings import AwsOptions
from sfnwatch.sources.wanted import TrailOptions
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, sync_history

OTHER, THIRD = f"{ARN}-other", f"{ARN}-third"
REGION = "ap-northeast-1"
HEAD = f"arn:aws:states:{REGION}:123456789012"
CSV = (
    "eventtime,eventsource,eventname\n2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask\n"
)


def trace_of(*arns: str) -> Gathered:
    """Gather executions that were watched, in the order in which they came."""
    trace = extend(Trace(), [r for arn in arns for r in sync_history(arn)])
    return Gathered((), trace, watched=arns)


# -- which two ---------------------------------------------------------------------


def test_of_two_the_first_named_is_the_first() -> None:
    assert chosen_pair(trace_of(ARN, OTHER), (ARN, OTHER), ()) == (ARN, OTHER)
    assert chosen_pair(trace_of(OTHER, ARN), (OTHER, ARN), ()) == (OTHER, ARN)


def test_what_a_name_was_found_to_be_is_the_first_too() -> None:
    found = Gathered((), trace_of(ARN, OTHER).trace, watched=(OTHER, ARN))
    assert chosen_pair(found, ("b-machine", "a-machine"), ()) == (OTHER, ARN)


def test_names_choose_two_of_many() -> None:
    trace = trace_of(ARN, OTHER, THIRD)
    assert chosen_pair(trace, ("f",), ("third", "-other")) == (THIRD, OTHER)
    name = ARN.rpartition(":")[2]
    assert chosen_pair(trace, ("f",), (name, "third")) == (ARN, THIRD), "exact first"


@pytest.mark.parametrize(
    ("arns", "names", "sentence"),
    [
        ((), (), "none is here. Name two recordings, or two executions."),
        ((ARN,), (), "only one is here"),
        ((ARN, OTHER, THIRD), (), "3 are here. Choose two with"),
        ((ARN, OTHER), ("other",), "only one is named"),
        ((ARN, OTHER), ("other", "other"), "only one is named"),
        ((ARN, OTHER), ("other", "nobody"), "'nobody' names no execution."),
        ((ARN, OTHER, THIRD), ("arn:", "other"), "'arn:' names several executions."),
    ],
)
def test_what_is_not_two_is_said_with_what_there_is(
    arns: tuple[str, ...], names: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as error:
        chosen_pair(trace_of(*arns), ("f",), names)
    assert sentence in str(error.value)


# -- what is named -----------------------------------------------------------------


def test_files_are_gathered_with_their_records(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(CSV)
    found = gather([str(file)], AwsOptions(), 0)
    assert len(found.records) == len(found.trace.calls) == 1
    assert found.watched == ()


def test_a_file_that_is_there_is_a_file_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_source("nightly-report") == MachineName("nightly-report")
    Path("nightly-report").mkdir()
    assert read_source("nightly-report") == MachineName("nightly-report"), "a folder"
    Path("nightly-report").rmdir()
    Path("nightly-report").write_text(CSV)
    assert read_source("nightly-report") == Path("nightly-report")
    os.mkfifo("pipe")
    assert read_source("pipe") == Path("pipe")


@pytest.mark.parametrize(
    "text", ["no/such", "run.jsonl", "x.json.gz", "a b.csv", "./x"]
)
def test_what_looks_like_a_file_is_one_that_is_missing(text: str) -> None:
    assert read_source(text) == Path(text)
    with pytest.raises(SfnwatchError, match="No such file"):
        gather([text], AwsOptions(), 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Neither a file nor an execution is named."),
        (f"{HEAD}:activity:a", "it is the ARN of an activity"),
        ("https://example.com/a.jsonl", "an address with no ARN in it"),
        ("arn:aws:s3:::bucket/key", "an ARN of s3, not of Step Functions"),
        ("machine:PROD", "may be a version, an alias or an execution"),
        ("a\0b", "is no name of a state machine"),
        ("x" * 5000, "They have at most 80 characters"),
    ],
)
def test_what_names_nothing_is_refused_in_the_words_of_watch(
    text: str, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        gather([text], AwsOptions(), 0)
    assert said in str(refused.value)


# -- over HTTP ---------------------------------------------------------------------


class Served:
    """An account in which all is over, and what is gathered of it."""

    def __init__(self, account: Account, url: str) -> None:
        self.account = account
        trail = TrailOptions(lookup=False)
        self.options = AwsOptions(None, REGION, url, trail)

    async def gather(self, *texts: str) -> Gathered:
        """Gather in a thread: it has an event loop of its own."""
        return await asyncio.to_thread(gather, texts, self.options, 0)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS[1])
    clock = SystemClock()
    epoch = clock.now() - timedelta(hours=2)
    plans = ["sync", "failure", "distributed"]
    account = Account(plans, clock=clock, epoch=epoch, seed=7)
    async with DemoServer(account) as server:
        yield Served(account, server.endpoint_url)


async def test_an_execution_is_named_as_where_it_is_watched(
    served: Served, tmp_path: Path
) -> None:
    sync, failure = (served.account.executions[name] for name in ("sync", "failure"))
    file = tmp_path / "calls.csv"
    file.write_text(CSV)
    url = f"https://{REGION}.console.aws.amazon.com/states/home#/v2/executions/details/"
    found = await served.gather("nightly-report", f"{url}{failure}", str(file), sync)
    assert found.watched == (sync, failure)
    timelines = found.trace.timelines
    assert {arn: timelines[arn].status for arn in found.watched} == {
        sync: "SUCCEEDED",
        failure: "FAILED",
    }
    assert len(found.trace.calls) == 1, "the file's"
    requests = found.trace.requests.values()
    asked = {request.operation for request in requests}
    assert {"ListStateMachines", "ListExecutions", "GetExecutionHistory"} <= asked


async def test_a_machine_and_a_map_run_stand_for_their_newest(served: Served) -> None:
    (run,) = [run for run in served.account.world.runs if run.children]
    newest = max(run.children, key=lambda child: child.started_at)
    assert newest.map_run_arn
    machine = f"{HEAD}:stateMachine:import-orders"
    found = await served.gather(newest.map_run_arn, machine)
    assert found.watched == (newest.arn, served.account.executions["failure"])
    assert set(found.trace.timelines) == set(found.watched)


async def test_what_is_neither_file_nor_machine_is_told_as_both(served: Served) -> None:
    with pytest.raises(RefusedError) as refused:
        await served.gather("nightly-reprot")
    assert str(refused.value).endswith(
        "Did you mean nightly-report? There is no file nightly-reprot here either."
    )
    with pytest.raises(RefusedError) as refused:
        await served.gather(f"{HEAD}:stateMachine:gone")
    assert "no file" not in str(refused.value), "an ARN was meant for none"
