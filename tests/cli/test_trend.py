"""`sfnwatch trend`, against a served account and through its cache."""

import json
from pathlib import Path

import pytest

from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.records import receive
from sfnwatch.recording.history_cache import HistoryCache, cache_dir
from sfnwatch.recording.usual_lengths import (
    UsualLength,
    load_usual_length,
    save_usual_length,
)
from tests.builders import ARN, History, at
from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Program

MACHINE = "arn:aws:states:ap-northeast-1:123456789012:stateMachine:order-pipeline"


def test_a_machine_s_states_are_told_and_its_histories_are_kept(
    program: Program, serve: Serve
) -> None:
    served = serve("pipeline", "failure", speed=5000)
    program(*served.words("wait", served.execution, *HERE))
    text = program(*served.words("trend", "order-pipeline", *HERE))
    assert text.code == 0
    assert text.out.startswith("order-pipeline\n")
    assert "finished executions, started from" in text.out
    assert "Charge card" in text.out
    assert "(100%)" in text.out
    kept = sorted(cache_dir().glob("*.sfnwatch.jsonl"))
    assert kept
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    assert b'"input"' not in kept[0].read_bytes()
    # They are recordings like any other.
    assert program("explain", str(kept[0])).code == 0
    usual = load_usual_length(cache_dir(), MACHINE)
    assert usual is not None
    assert usual.executions == len(kept)
    # What is kept is not asked for again.
    debug = Path("debug.txt")
    again = program(
        *served.words("trend", "order-pipeline", *HERE, "--debug", str(debug))
    )
    assert again.out == text.out
    assert "GetExecutionHistory" not in debug.read_text()


def test_an_execution_is_compared_with_the_others(
    program: Program, serve: Serve
) -> None:
    served = serve("pipeline", speed=5000)
    program(*served.words("wait", served.execution, *HERE))
    words = served.words("trend", served.execution, *HERE, "--format", "json")
    told = program(*words).json
    assert told["state_machine_arn"] == MACHINE
    assert told["given"]["arn"] == served.execution
    assert 0.5 < told["given"]["times_usual"] < 2
    assert served.execution not in [each["arn"] for each in told["executions"]]
    names = [state["name"] for state in told["states"]]
    assert "Charge card" in names
    text = program(*served.words("trend", served.execution, *HERE)).out
    assert "× its usual" in text
    one = program(*served.words("trend", "order-pipeline", *HERE, "--last", "1")).out
    assert "1 finished execution," in one


def test_what_cannot_be_told_is_refused_in_words(
    program: Program, serve: Serve
) -> None:
    served = serve("pipeline", speed=5000)
    express = "arn:aws:states:us-east-1:123456789012:express:web:name:id"
    said = program(*served.words("trend", express)).said(3)
    assert "web is an Express state machine" in said
    assert "No state machine is named" in program(*served.words("trend")).said(2)
    assert "named 'nope'" in program(*served.words("trend", "nope", *HERE)).said(3)


# -- what is kept ----------------------------------------------------------------------


def ended(seconds: float) -> ListedExecution:
    return ListedExecution(ARN, "nightly-report", "run", "FAILED", at(0), at(seconds))


def test_a_history_is_found_until_its_execution_ends_again(tmp_path: Path) -> None:
    cache = HistoryCache(tmp_path / "histories")
    events = tuple(
        receive(None, "history", ARN, json.loads(record.data))
        for record in History().start().end("Failed").records
    )
    assert cache.load(ended(5)) is None
    cache.save(ended(5), events)
    loaded = cache.load(ended(5))
    assert loaded is not None
    assert [event.data for event in loaded] == [event.data for event in events]
    assert cache.load(ended(900)) is None, "it was redriven"
    (path,) = (tmp_path / "histories").iterdir()
    whole = path.read_bytes()
    for size in (200, len(whole) - 20, whole.rindex(b"\n", 0, -1) + 1):
        path.write_bytes(whole[:size])
        assert cache.load(ended(5)) is None, "a torn file is read again from AWS"


def test_the_files_used_longest_ago_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfnwatch.recording.history_cache._MOST_FILES", 3)
    cache = HistoryCache(tmp_path)
    end = {"id": 1, "type": "ExecutionSucceeded", "timestamp": 1.5}
    events = (receive(None, "history", ARN, end),)
    for seconds in range(5):
        cache.save(ended(seconds), events)
    cache.load(ended(0))
    cache.prune()
    assert len(list(tmp_path.iterdir())) == 3
    assert cache.load(ended(0)) is not None


def test_a_folder_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    cache = HistoryCache(file / "below")
    cache.save(ended(5), ())
    cache.prune()
    assert cache.load(ended(5)) is None
    save_usual_length(file / "below", UsualLength(ARN, 1, 5.0, 6.0, at(0)))
    assert load_usual_length(file / "below", ARN) is None


def test_a_usual_length_is_that_of_its_machine(tmp_path: Path) -> None:
    usual = UsualLength(MACHINE, 50, 309.0, 320.5, at(0))
    save_usual_length(tmp_path, usual)
    assert load_usual_length(tmp_path, MACHINE) == usual
    assert load_usual_length(tmp_path, f"{MACHINE}-2") is None
    # Fewer executions replace it only once it is old.
    few = UsualLength(MACHINE, 3, 5.0, 6.0, at(3600))
    save_usual_length(tmp_path, few)
    assert load_usual_length(tmp_path, MACHINE) == usual
    later = UsualLength(MACHINE, 3, 5.0, 6.0, at(100_000))
    save_usual_length(tmp_path, later)
    assert load_usual_length(tmp_path, MACHINE) == later
    (path,) = tmp_path.iterdir()
    path.write_text("{")
    assert load_usual_length(tmp_path, MACHINE) is None
