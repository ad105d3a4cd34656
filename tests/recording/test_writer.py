"""The recorder, on a real disk."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Received
from tests.builders import ARN, START, event, sync_run
from tests.recording.values import CREATED, received

RUN = tuple(sync_run())


def begin(path: Path, said: list[str] | None = None) -> Recorder:
    on_trouble = None if said is None else said.append
    return Recorder.create(path, [ARN], START, "sfnwatch 0", on_trouble)


@settings(max_examples=60)
@given(st.lists(st.lists(received, max_size=4), max_size=4))
def test_what_was_recorded_is_what_is_read(batches: list[list[Received]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        recorder = Recorder.create(path, [ARN], CREATED, "sfnwatch 0")
        for batch in batches:
            recorder(tuple(batch))
        recorder.close()
        recording = read_recording(path)
    assert recorder.trouble == ""
    assert list(recording.records) == [record for batch in batches for record in batch]
    assert recording.notes == ()
    assert recording.created == CREATED


def test_a_batch_is_in_the_file_as_soon_as_it_came(tmp_path: Path) -> None:
    recorder = begin(tmp_path / "run.jsonl")
    recorder(RUN[:3])
    assert read_recording(recorder.path).records == RUN[:3]
    recorder(RUN[3:])
    assert read_recording(recorder.path).records == RUN
    assert recorder.written == len(RUN)
    recorder.close()
    recorder.close()


def test_times_are_exact_whatever_the_moment_it_began(tmp_path: Path) -> None:
    begun = START.replace(microsecond=102_999)
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], begun, "sfnwatch 0")
    recorder(RUN)
    recorder.close()
    assert read_recording(recorder.path).records == RUN


def test_only_the_owner_may_read_a_recording(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "recordings"
    recorder = begin(folder / "run.jsonl")
    assert stat.S_IMODE(recorder.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    recorder.close()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"run\.jsonl: the file exists") as caught:
        begin(path)
    assert "never overwritten" in caught.value.hint
    assert path.read_text() == "mine"


def test_a_link_to_nowhere_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="exists"):
        begin(path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("file/run.jsonl", "folder is a file"),
        ("x" * 300, "too long"),
        ("nul\0name", "null byte"),
    ],
)
def test_a_file_that_can_not_be_made_says_why(
    tmp_path: Path, name: str, what: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=what) as caught:
        begin(tmp_path / name)
    assert "--no-record" in caught.value.hint


def test_two_watchers_of_one_execution_never_share_a_file(tmp_path: Path) -> None:
    def watch(number: int) -> Path:
        recorder = Recorder.create_in(tmp_path, [ARN], START, f"watcher {number}")
        recorder(RUN[:1])
        recorder.close()
        return recorder.path

    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(watch, range(16)))
    assert len(paths) == 16
    assert all(read_recording(path).records == RUN[:1] for path in paths)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_stops_the_recording_and_not_the_watch(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = begin(tmp_path / "run.jsonl", said)
    recorder(RUN[:2])
    assert recorder._file is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recorder._file.fileno())
    os.close(full)
    recorder(RUN[2:5])
    recorder(RUN[5:9])
    recorder.close()
    assert said == [recorder.trouble]
    assert recorder.trouble.endswith("stopped: No space left on device.")
    assert (recorder.written, recorder.unwritten) == (2, 7)
    assert read_recording(recorder.path).records == RUN[:2]


@pytest.fixture(name="limit")
def _limit() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond a size, which the system answers as it does a quota."""
    resource = pytest.importorskip("resource", reason="needs setrlimit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_batch_that_fits_in_part_leaves_a_torn_line(
    tmp_path: Path, limit: Callable[[int], None]
) -> None:
    recorder = begin(tmp_path / "run.jsonl")
    recorder(RUN[:2])
    limit(recorder.path.stat().st_size + 100)
    recorder(RUN[2:])
    assert "File too large" in recorder.trouble
    recording = read_recording(recorder.path)
    assert recording.records == RUN[:2]
    assert "2 records loaded, 100 B left out" in recording.notes[0]


def test_a_disk_that_is_full_at_the_beginning_is_said_at_once(
    tmp_path: Path, limit: Callable[[int], None]
) -> None:
    limit(10)
    with pytest.raises(UsageError, match=r"run\.jsonl: File too large"):
        begin(tmp_path / "run.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_brought_to_the_disk_is_said(tmp_path: Path) -> None:
    recorder = begin(tmp_path / "run.jsonl")
    assert recorder._file is not None
    reading, writing = os.pipe()
    os.dup2(writing, recorder._file.fileno())
    os.close(writing)
    recorder.close()
    os.close(reading)
    assert "stopped: Invalid argument" in recorder.trouble


def test_a_file_that_was_deleted_is_missed(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = begin(tmp_path / "run.jsonl", said)
    recorder(RUN[:2])
    recorder.path.unlink()
    recorder(RUN[2:])
    assert "the file was deleted" in recorder.trouble
    assert said == [recorder.trouble]
    assert recorder.unwritten == len(RUN) - 2


def test_a_file_that_was_renamed_is_still_written(tmp_path: Path) -> None:
    recorder = begin(tmp_path / "run.jsonl")
    moved = recorder.path.rename(tmp_path / "moved.jsonl")
    recorder(RUN)
    recorder.close()
    assert recorder.trouble == ""
    assert read_recording(moved).records == RUN


def test_a_record_that_json_can_not_hold_is_left_out_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    recorder = begin(tmp_path / "run.jsonl", said)
    bad = event(3, "TaskScheduled", 1, timeoutInSeconds=float("nan"))
    recorder((RUN[0], bad, RUN[1], bad))
    recorder.close()
    assert len(said) == 1
    assert "A history record can't be recorded" in said[0]
    assert (recorder.written, recorder.unwritten) == (2, 2)
    assert read_recording(recorder.path).records == RUN[:2]
