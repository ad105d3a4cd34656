"""Executions found otherwise than by an ARN, calls otherwise than by LookupEvents."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.demo.ids import REGION
from tests.program.programs import KEYS, Ended, Program, Served
from tests.program.stages import DOWN, ENTER

DRAIN = ("--drain", "0")
ENV: dict[str, Any] = {**KEYS}


@pytest.fixture
def served(program: Program) -> Served:
    """An account in which all has happened by the time one looks."""
    return Served(program, "sync", speed=5000)


def asked(served: Served, *words: str) -> tuple[str, ...]:
    return (*words, "--endpoint-url", served.url)


def recorded(program: Program, served: Served) -> Ended:
    return program(*asked(served, served.execution, "--plain"), **KEYS)


def trail(ended: Ended, folder: Path) -> Path:
    """Write the calls of a recording as a trail's files are, in a heap."""
    lines = ended.recording.read_text().splitlines()[1:]
    found = [json.loads(line) for line in lines]
    calls = [
        json.loads(record["data"]["CloudTrailEvent"])
        for record in found
        if record["source"] == "lookup"
    ]
    place = folder / "trail"
    place.mkdir()
    for number, call in enumerate(calls):
        packed = gzip.compress(json.dumps({"Records": [call]}).encode())
        (place / f"{number}.json.gz").write_bytes(packed)
    return place


# -- executions ----------------------------------------------------------------------


def test_a_state_machine_s_name_stands_for_its_newest_execution(
    program: Program, served: Served
) -> None:
    words = asked(served, "nightly-report", "--region", REGION, "--plain", *DRAIN)
    ended = program(*words, **KEYS)
    assert ended.code == 0
    assert "Execution succeeded" in ended.out
    name = served.execution.rpartition(":")[2]
    assert name in ended.err or name in str(ended.recording)


def test_a_name_that_nothing_bears_is_told_with_those_near_it(
    program: Program, served: Served
) -> None:
    words = asked(served, "nightly-repot", "--region", REGION, "--plain")
    ended = program(*words, **KEYS)
    assert ended.code in {2, 3}
    assert "nightly-report" in ended.err
    assert ended.out == ""


def test_without_a_name_one_is_chosen_on_the_screen(
    program: Program, served: Served
) -> None:
    words = asked(served, "watch", "--region", REGION, *DRAIN)
    terminal = program.terminal(*words, **ENV)
    terminal.until("nightly-report", "✔ SUCCEEDED")
    terminal.press(DOWN)
    terminal.press(ENTER, "STEP FUNCTIONS", "✔ Execution succeeded")


def test_the_child_of_a_map_run_is_chosen_on_the_screen(program: Program) -> None:
    served = Served(program, speed=5000)
    (arn,) = [arn for arn in served.told["executions"] if ":resize-photos:" in arn]
    words = asked(served, "watch", arn, "--pick", *DRAIN)
    terminal = program.terminal(*words, **ENV)
    terminal.until("40 executions of 1 Map Run", "resize-photos/EachPhoto")
    terminal.press(ENTER, "STEP FUNCTIONS", "✘ Execution failed")
    assert "Each photo" not in terminal.text
    terminal.press("q")
    assert terminal.wait() == 10, "those that failed come first"


def test_to_choose_none_is_no_failure(program: Program, served: Served) -> None:
    words = asked(served, "watch", "--region", REGION)
    terminal = program.terminal(*words, **ENV)
    terminal.until("nightly-report")
    terminal.press("q")
    assert terminal.wait() == 0
    assert program.recordings == []


# -- calls ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", [(), ("--sql",)])
def test_a_trail_s_files_tell_the_same_as_lookups(
    program: Program, served: Served, tmp_path: Path, way: tuple[str, ...]
) -> None:
    if way:
        pytest.importorskip("duckdb", reason="the extra `archive` is not installed")
    usual = recorded(program, served)
    place = trail(usual, tmp_path)
    words = ("--archive", str(place), *way, "--no-lookup", "--plain", *DRAIN)
    ended = program(*asked(served, served.execution, *words), **KEYS)
    assert ended.code == 0, ended.err

    def calls(told: Ended) -> list[str]:
        lines = (line.partition("  (seen")[0] for line in told.lines)
        return sorted(line for line in lines if "  call  " in line)

    assert len(calls(usual)) == 6
    assert calls(ended) == calls(usual)


def test_a_place_that_is_not_there_is_named(program: Program, served: Served) -> None:
    words = ("--archive", "/no/such/trail", "--no-lookup", "--plain", *DRAIN)
    ended = program(*asked(served, served.execution, *words), **KEYS)
    assert "/no/such/trail" in ended.err
    assert "Execution succeeded" in ended.out, "the states are shown all the same"


# -- what to set up ------------------------------------------------------------------


def test_what_to_set_up_is_printed_and_no_more(program: Program) -> None:
    template = json.loads(program("setup-queue", "ecs").out)
    assert set(template["Resources"]) >= {"Queue", "QueuePolicy", "CallsRule"}
    policy = program("iam-policy", "--with", "queue", "--with", "athena").out
    assert "sqs:ReceiveMessage" in policy
    assert "athena:StartQueryExecution" in policy
    assert "sqs:DeleteMessage" not in policy
    words = ("athena-ddl", "my-trail", "--account", "123456789012", "--region", REGION)
    made = program(*words, "--since", "2026-01-01")
    assert made.out.startswith("CREATE EXTERNAL TABLE cloudtrail_logs")
    assert "2026/01/01" in made.out
    assert made.err == ""
