"""Long recordings, opened at their beginning."""

import gzip
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.errors import BadFileError
from sfnwatch.recording import beginning
from sfnwatch.recording.beginning import Beginning, begin_recording, rest_of
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.moments import span
from tests.builders import ARN, START
from tests.recording.foreign import history, put


@pytest.fixture(autouse=True)
def short_ends() -> Iterator[None]:
    """Let a few lines be as long as megabytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beginning, "LONG", 1)
        patch.setattr(beginning, "_HEAD", 1000)
        patch.setattr(beginning, "_TAIL", 400)
        yield


def polls(moments: list[int]) -> list[Received]:
    """Give a record of every moment, which is in milliseconds."""
    return [
        Received(START + timedelta(milliseconds=at), From.DESCRIBE, ARN, {"n": number})
        for number, at in enumerate(moments)
    ]


def record(path: Path, records: list[Received]) -> Path:
    recorder = Recorder.create(path, [ARN], START, "sfnwatch 0")
    recorder(tuple(records))
    recorder.close()
    return path


def begun(path: Path) -> Beginning:
    found = begin_recording(path)
    assert found is not None
    return found


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 9), min_size=30, max_size=60).map(sorted),
    st.integers(300, 4000),
    st.integers(100, 600),
)
def test_the_beginning_and_the_rest_are_the_whole(
    moments: list[int], head: int, tail: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(beginning, "_HEAD", head)
        patch.setattr(beginning, "_TAIL", tail)
        path = record(Path(folder, "run.jsonl"), polls(moments))
        found, whole = begin_recording(path), read_recording(path)
        if found is None:
            return
        rest = rest_of(found, whole)
        assert (*found.first, *rest) == whole.records
        assert found.span == span(whole.records)
        assert found.header.created == whole.created
        assert found.header.executions == whole.executions
        last = found.first[-1].at
        assert last is not None
        assert all(received.at and received.at >= last for received in rest)


def test_it_is_so_much_that_is_read_at_first(tmp_path: Path) -> None:
    found = begun(record(tmp_path / "run.jsonl", polls(list(range(100)))))
    assert 2 < len(found.first) < 20
    assert found.span[1] == START + timedelta(milliseconds=99)


def test_what_is_torn_at_the_end_is_left_to_who_reads_it(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl", polls(list(range(100))))
    path.write_bytes(path.read_bytes()[:-5])
    assert begun(path).span[1] == START + timedelta(milliseconds=98)


def test_a_bad_line_in_it_is_told_at_once(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl", polls(list(range(100))))
    lines = path.read_text().split("\n")
    path.write_text("\n".join([*lines[:2], "{}", *lines[2:]]))
    with pytest.raises(BadFileError, match=r"run\.jsonl:3: "):
        begin_recording(path)


def test_what_is_short_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record(tmp_path / "run.jsonl", polls(list(range(100))))
    monkeypatch.setattr(beginning, "LONG", path.stat().st_size + 1)
    assert begin_recording(path) is None


def test_so_is_what_came_in_one_moment(tmp_path: Path) -> None:
    assert begin_recording(record(tmp_path / "run.jsonl", polls([5] * 100))) is None


def test_so_is_what_says_of_no_record_when_it_came(tmp_path: Path) -> None:
    records = [Received(None, From.DESCRIBE, ARN, {"n": n}) for n in range(100)]
    assert begin_recording(record(tmp_path / "run.jsonl", records)) is None


def test_so_is_what_is_packed_or_no_recording(tmp_path: Path) -> None:
    path = record(tmp_path / "run.jsonl", polls(list(range(100))))
    packed = tmp_path / "run.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    other = put(tmp_path / "history.json", {"events": history()})
    for each in (packed, other, tmp_path, tmp_path / "absent"):
        assert begin_recording(each) is None
