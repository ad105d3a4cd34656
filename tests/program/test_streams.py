"""Pipes that close, streams that are not there, and disks that are full."""

import json
from pathlib import Path

import pytest

from tests.cli.programs import golden
from tests.program.programs import Processes

DEMO = ("demo", "async", "--plain", "--speed", "1000")
LINE = f"sfnwatch {' '.join(DEMO)}"
WAYS = golden("demo-three-ways")


@pytest.mark.parametrize(
    "words",
    [
        *("export {} --to csv", "explain {}", "redact {}"),
        *("replay {} --plain", "replay {} --json"),
    ],
)
def test_a_reader_who_has_had_enough_is_no_fault(
    program: Processes, words: str
) -> None:
    ended = program.shell(
        f'sfnwatch {words.format(WAYS)} | true; echo "${{PIPESTATUS[0]}}"'
    )
    assert ended.out == "0\n"


def test_a_watch_goes_on_to_its_end_for_the_recording(program: Processes) -> None:
    ended = program.shell(f"{LINE} | head -1")
    assert ended.code == 0
    assert len(ended.lines) == 1
    assert '"ExecutionSucceeded"' in ended.recording.read_text()


def test_a_full_disk_behind_stdout_is_said_and_the_recording_is_kept(
    program: Processes,
) -> None:
    ended = program.shell(f"{LINE} > /dev/full")
    assert ended.code == 1
    assert "sfnwatch: Can't write to stdout: No space left on device." in ended.err
    (path,) = program.recordings
    assert '"ExecutionSucceeded"' in path.read_text()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_harm_neither_watch_nor_recording(
    program: Processes, closed: str
) -> None:
    ended = program.shell(f"{LINE} {closed}")
    assert ended.code == 0
    (path,) = program.recordings
    lines = path.read_text().splitlines()
    assert len([json.loads(line) for line in lines]) > 8, "and nothing else is in it"


# -- where recordings go ---------------------------------------------------------------


@pytest.mark.parametrize("place", ["a file", "no room"])
def test_without_a_place_for_recordings_it_is_watched_all_the_same(
    program: Processes, tmp_path: Path, place: str
) -> None:
    (tmp_path / "taken").write_text("no directory")
    if place == "a file":
        ended = program(*DEMO, XDG_STATE_HOME=str(tmp_path / "taken"))
        assert "sfnwatch: not recording: " in ended.err
    else:
        # Files of a kilobyte: what is a full disk to the recorder alone.
        ended = program.shell(f"trap '' XFSZ; ulimit -f 1; {LINE} | cat")
        assert "File too large" in ended.err
    assert ended.code == 0
    assert "✔ Execution succeeded" in ended.out


@pytest.mark.parametrize("name", ["file/under.jsonl", "there.jsonl"])
def test_a_recording_that_can_not_be_made_where_it_was_wanted_is_said(
    program: Processes, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("no directory")
    (tmp_path / "there.jsonl").write_text("what was there")
    target = tmp_path / name
    assert str(target) in program(*DEMO, "--record", str(target)).said(2)
    assert (tmp_path / "there.jsonl").read_text() == "what was there"


# -- files that are none ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x00\xff\xfe", "not a file sfnwatch knows"),
        (b'{"sfnwatch":99,"created":"2023-11-15T00:00:00Z"}\n', "pgrade"),
        (b"{}", ""),
        (None, "can't be read: No such file or directory"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_name(
    program: Processes, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "other.jsonl"
    if content is not None:
        path.write_bytes(content)
    said = program("replay", str(path)).said(4)
    assert said.startswith(str(path))
    assert words in said
