"""The demo, a served account, recordings: what is printed, and how it ends."""

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.conftest import Serve
from tests.cli.programs import HERE, KEYS, Ended, Program, Served, golden

DRAIN = ("--drain", "0")
FAST = ("--speed", "2000", *DRAIN)


# -- the demo --------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "code"), [("async", 0), ("failure", 10)])
def test_the_outcome_of_a_demo_is_its_exit_code(
    program: Program, scenario: str, code: int
) -> None:
    ended = program("demo", scenario, "--plain", *FAST)
    assert ended.code == code
    assert ended.lines[0].endswith("◆ Execution started")
    assert ended.recording.stat().st_mode & 0o777 == 0o600
    assert all(line.startswith("sfnwatch: ") for line in ended.err.splitlines())
    again = program("replay", str(ended.recording))
    assert again.code == code
    assert steps(again) == steps(ended)


def steps(ended: Ended) -> set[str]:
    """Give when each thing happened to a state, without what was learned later."""
    return {line[:40] for line in ended.lines if "  state  " in line}


def test_a_recording_is_made_where_it_is_wanted_and_never_overwritten(
    program: Program, tmp_path: Path
) -> None:
    path = tmp_path / "run.jsonl"
    words = ("demo", "async", "--plain", *FAST, "--record", str(path))
    assert program(*words).recording == path
    before = path.read_bytes()
    assert "the file exists" in program(*words).said(2)
    below = str(path / "run.jsonl")
    assert below in program(*words[:-1], below).said(2)
    assert path.read_bytes() == before
    assert program.recordings == []


# -- a served account ------------------------------------------------------------------


def test_an_execution_is_watched_by_its_arn(program: Program, serve: Serve) -> None:
    served = serve("failure", speed=5000)
    words = served.words(served.execution, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 10
    assert ended.recording.exists()
    assert "RunTask" in ended.out
    dark = program(*words, "--no-lookup", "--no-record")
    assert (dark.code, "RunTask  task" in dark.out) == (10, False)


def test_a_machine_s_name_stands_for_its_newest_execution(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=5000)
    words = served.words("nightly-report", *HERE, "--plain", *DRAIN)
    ended = program(*words)
    assert ended.code == 0
    assert "the newest execution of nightly-report: " in ended.err
    asked = ended.recording.read_text()
    assert "ListStateMachines" in asked, "what it took to find it is recorded"
    near = program(*served.words("nightly-repot", *HERE, "--plain")).said(3)
    assert near.endswith("Did you mean nightly-report?")
    started = served.words(served.execution, "--next", "--plain")
    assert "has started" in program("watch", *started).said(2)


def test_several_are_watched_together_and_the_first_failure_is_the_code(
    program: Program, serve: Serve
) -> None:
    served = serve("async", "failure", "sdk", speed=5000)
    arns = tuple(served.executions.values())
    ended = program(*served.words(*arns, "--json", *DRAIN))
    assert ended.code == 10
    ends = [each["status"] for each in ended.objects if each["kind"] == "end"]
    assert sorted(ends) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]


def test_one_that_is_not_there_is_refused_in_a_sentence(
    program: Program, serve: Serve
) -> None:
    served = serve("async")
    arn = served.execution.replace("async-", "gone-")
    alone = program(*served.words(arn, "--plain", "--no-record"))
    assert (alone.code, alone.out) == (3, "")
    said = alone.err.splitlines()[-1].removeprefix("sfnwatch: ")
    assert said.startswith(f"DescribeExecution on {arn}: ExecutionDoesNotExist")
    both = program(*served.words(served.execution, arn, "--plain", *DRAIN))
    assert both.code == 3
    assert "Execution succeeded" in both.out, "the other is shown first"


def test_what_an_execution_begins_is_followed_as_deep_as_is_asked_for(
    program: Program, serve: Serve
) -> None:
    served = serve("distributed")
    for depth, followed in (("0", False), ("1", True)):
        words = served.words(served.execution, "--plain", "--depth", depth, *DRAIN)
        ended = program(*words)
        assert ended.code == 0
        assert "Each photo  Map Run started" in ended.out
        assert ("[resize-photos/EachPhoto " in ended.out) is followed
        assert ("  count  Each photo  EachPhoto " in ended.out) is followed
        assert "[check-rights " not in ended.out, "two executions deep"


def test_keys_beside_another_tool_s_setting_for_a_code_are_used(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    served, (key, secret) = serve("async", speed=5000), KEYS.values()
    keys = f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    code = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    (tmp_path / "aws").write_text(f"[profile mine]\n{keys}{code}")
    words = served.words(served.execution, "--plain", "--profile", "mine", *DRAIN)
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    config = {"AWS_CONFIG_FILE": str(tmp_path / "aws")}
    assert program(*words, **config, **none).code == 0


# -- a trail's files -------------------------------------------------------------------


def test_a_trail_s_files_tell_the_same_as_lookups(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    served = serve("sync", speed=5000)
    usual = program(*served.words(served.execution, "--plain"))
    place = trail(usual.recording, tmp_path)
    ways: list[tuple[str, ...]] = [(), ("--sql",)]
    for way in ways if find_spec("duckdb") else ways[:1]:
        ended = archived(program, served, str(place), *way)
        assert ended.code == 0, ended.err
        assert len(calls(usual)) == 6
        assert calls(ended) == calls(usual)
    nowhere = archived(program, served, "/no/such/trail")
    assert "/no/such/trail" in nowhere.err
    assert "Execution succeeded" in nowhere.out, "the states are shown all the same"


def archived(program: Program, served: Served, place: str, *way: str) -> Ended:
    words = ("--archive", place, *way, "--no-lookup", "--plain", *DRAIN)
    return program(*served.words(served.execution, *words))


def trail(recording: Path, folder: Path) -> Path:
    """Write the calls of a recording as a trail's files are, in a heap."""
    found = map(json.loads, recording.read_text().splitlines()[1:])
    told = [record["data"] for record in found if record["source"] == "lookup"]
    place = folder / "trail"
    place.mkdir()
    for number, event in enumerate(told):
        records = {"Records": [json.loads(event["CloudTrailEvent"])]}
        packed = gzip.compress(json.dumps(records).encode())
        (place / f"{number}.json.gz").write_bytes(packed)
    return place


def calls(told: Ended) -> list[str]:
    lines = (line.partition("  (seen")[0] for line in told.lines)
    return sorted(line for line in lines if "  call  " in line)


# -- recordings ------------------------------------------------------------------------


def test_what_is_replayed_can_be_recorded(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "again.jsonl"
    once = program("replay", golden("demo-sync"), "--json")
    again = program("replay", golden("demo-sync"), "--json", "--record", str(path))
    assert again.out == once.out
    assert program("replay", str(path), "--json").out == once.out


def test_a_torn_recording_is_shown_and_said_to_be_torn(
    program: Program, tmp_path: Path
) -> None:
    whole = program("demo", "async", "--plain", *FAST).recording
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(whole.read_bytes()[:-40])
    ended = program("replay", str(torn))
    assert "Execution succeeded" in ended.out
    assert "torn.jsonl: the last line is cut short: " in ended.err
    torn.write_bytes(whole.read_bytes().replace(b'"source"', b'"souce"', 2))
    assert program("replay", str(torn)).said(4).startswith(f"{torn}:2: ")


def test_a_watch_that_brings_nothing_leaves_no_recording_behind(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    account, file = serve("sync"), tmp_path / "mine.jsonl"
    arn = f"{account.execution}x"
    for words in ((), ("--record", str(file))):
        ended = program(*account.words(arn, "--plain", *words))
        assert ended.code == 3
        assert "nothing was received, so no recording is kept" in ended.err
        assert "recorded to" not in ended.err
        assert (program.recordings, file.exists()) == ([], False)
    ended = program(*account.words(account.execution, "--plain", "--drain", "0"))
    assert ended.recording.exists()
