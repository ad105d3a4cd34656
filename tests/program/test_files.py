"""Recordings: made, kept, shown again, exported."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.program.programs import Ended, Program

SPEED = ("--speed", "1000")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A demo that failed, as it was watched and recorded."""
    folder = tmp_path_factory.mktemp("once")
    path = folder / "failed.jsonl"
    words = ("demo", "failure", "--plain", *SPEED, "--record", str(path))
    return Program(folder)(*words)


@pytest.fixture
def failed(once: Ended, tmp_path: Path) -> tuple[Ended, Path]:
    """That demo, and a copy of its recording."""
    path = tmp_path / "failed.jsonl"
    shutil.copy(once.recording, path)
    return once, path


def test_a_recording_is_shown_again_as_it_was_with_the_same_end(
    program: Program, failed: tuple[Ended, Path]
) -> None:
    watched, path = failed
    again = program("replay", str(path))
    assert (again.code, told(again)) == (10, told(watched))


def told(ended: Ended) -> list[str]:
    """Give the lines without what was learned later, in the order of their times.

    A poll counts from its action's call, or while that is not known from its answer,
    which may be a second later; who noticed the end shows when the polls are in.
    """
    lines = (line.partition("  noticed ")[0] for line in ended.lines)
    return sorted(re.sub(r"  \+[\d.]+ s", "", line) for line in lines)


def test_a_recording_made_where_it_was_wanted_is_private(
    once: Ended,
) -> None:
    assert once.recording.name == "failed.jsonl"
    assert once.recording.stat().st_mode & 0o777 == 0o600


def test_a_recording_is_never_overwritten(
    program: Program, failed: tuple[Ended, Path]
) -> None:
    _, path = failed
    before = path.read_bytes()
    words = ("demo", "async", "--plain", *SPEED, "--record", str(path))
    said = program(*words).said(2)
    assert said.startswith(f"Can't record to {path}: the file exists.")
    assert path.read_bytes() == before


def test_a_recording_that_can_not_be_made_where_it_was_wanted_is_said(
    program: Program, tmp_path: Path
) -> None:
    target = tmp_path / "file" / "under.jsonl"
    target.parent.write_text("no directory")
    words = ("demo", "async", "--plain", *SPEED, "--record", str(target))
    assert str(target) in program(*words).said(2)


def test_without_a_place_for_recordings_it_is_watched_all_the_same(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("no directory")
    state = str(tmp_path / "taken")
    ended = program("demo", "async", "--plain", *SPEED, XDG_STATE_HOME=state)
    assert ended.code == 0
    assert "sfnwatch: not recording: " in ended.err
    assert "✔ Execution succeeded" in ended.out


def test_the_export_has_the_keys_that_others_rely_on(
    program: Program, failed: tuple[Ended, Path]
) -> None:
    ended = program("export", str(failed[1]), "--to", "json")
    assert ended.code == 0, "it did its work, whatever became of the execution"
    trace: dict[str, Any] = json.loads(ended.out)
    assert trace["sfnwatch_trace"] == 1
    (execution,) = trace["executions"]
    assert execution["status"] == "FAILED"
    assert execution["event_count"] == 11
    (visit,) = execution["visits"]
    assert (visit["parent"], visit["status"]) == (None, "failed")
    assert [attempt["status"] for attempt in visit["attempts"]] == ["failed"] * 2
    links = [call["link"] for call in trace["calls"] if call["role"] != "other"]
    assert {link["visit"] for link in links} == {visit["id"]}
    assert {link["rule"] for link in links} == {"request-id", "resource-id"}
    assert all(
        set(finding) >= {"kind", "certainty", "text", "evidence", "data"}
        for finding in execution["findings"]
    )


def test_a_packed_copy_is_as_good_as_the_recording(
    program: Program, failed: tuple[Ended, Path], tmp_path: Path
) -> None:
    _, path = failed
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert program("replay", str(packed)).out == program("replay", str(path)).out


def test_a_torn_end_is_said_and_the_rest_is_shown(
    program: Program, failed: tuple[Ended, Path]
) -> None:
    watched, path = failed
    path.write_bytes(path.read_bytes()[:-25])
    again = program("replay", str(path))
    assert again.code == 10
    assert again.lines[:5] == watched.lines[:5]
    assert path.name in again.err


@pytest.mark.parametrize("command", [["replay"], ["export", "--to", "json"]])
def test_a_broken_line_is_named_by_file_and_number(
    program: Program, failed: tuple[Ended, Path], command: list[str]
) -> None:
    _, path = failed
    lines = path.read_text().splitlines(keepends=True)
    lines[4] = '{"at": "soon\x1b[2J"}\n'
    path.write_text("".join(lines))
    said = program(*command, str(path)).said(4)
    assert said.startswith(f"{path}:5: ")
    assert said.isprintable()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"hello", ""),
        (b"\x00\xff\xfe", ""),
        (b'{"sfnwatch":99,"created":"2023-11-15T00:00:00Z"}\n', "pgrade"),
        (b"{}", ""),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name(
    program: Program, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    said = program("replay", str(path)).said(4)
    assert str(path) in said
    assert words in said


def test_a_file_that_is_not_there_is_named(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    said = program("replay", str(path)).said(4)
    assert said.startswith(f"{path}: can't be read: No such file or directory")


def test_what_the_aws_cli_saved_is_shown_too(
    program: Program, failed: tuple[Ended, Path], tmp_path: Path
) -> None:
    _, path = failed
    records = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    events = [r["data"] for r in records if r["source"] == "history"]
    calls = [r["data"] for r in records if r["source"] == "lookup"]
    history, trail = tmp_path / "history.json", tmp_path / "trail.json"
    history.write_text(json.dumps({"events": events}))
    trail.write_text(json.dumps({"Events": calls}))
    ended = program("replay", str(history), str(trail))
    assert ended.code == 10
    assert ended.out.count("= request id") == 2
    assert ended.out.count("= task ARN") == 3


def test_a_replay_is_recorded_only_when_asked(
    program: Program, failed: tuple[Ended, Path], tmp_path: Path
) -> None:
    _, path = failed
    copy = tmp_path / "copy.jsonl"
    assert "recorded" not in program("replay", str(path)).err
    assert program.recordings == []
    assert program("replay", str(path), "--record", str(copy)).recording == copy
    assert program("replay", str(copy)).out == program("replay", str(path)).out
