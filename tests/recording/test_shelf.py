"""The recordings of a folder: what is told of them, and which may go."""

import gzip
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.recording.headers import read_header
from sfnwatch.recording.naming import SUFFIX
from sfnwatch.recording.shelf import (
    Shelved,
    chosen,
    one_by_one,
    remove,
    shelved,
    to_prune,
)
from sfnwatch.recording.views import SavedView, save_view, view_path
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Batch
from tests.builders import ARN, event, sync_calls, sync_history

CREATED = datetime(2023, 11, 15, 0, 28, 24, tzinfo=UTC)
NOW = datetime(2023, 12, 15, tzinfo=UTC)
DAY = 86_400.0


def record(
    folder: Path, records: Batch, *, arns: Sequence[str] = (ARN,), days: float = 0
) -> Path:
    created = CREATED + timedelta(days=days)
    recorder = Recorder.create_in(folder, arns, created, "test")
    recorder(records)
    recorder.close()
    return recorder.path


def lying(name: str, *, days: float = 0, size: int = 1000) -> Shelved:
    """Give one that was last written to `days` ago."""
    return Shelved(Path(f"/x/{name}{SUFFIX}"), size, NOW - timedelta(days=days))


def test_each_is_told_by_its_executions_its_state_and_its_length(
    tmp_path: Path,
) -> None:
    path = record(tmp_path, (*sync_history(), *sync_calls()))
    (found,) = shelved(tmp_path)
    assert found.path == path
    assert found.name == path.name.removesuffix(SUFFIX)
    assert found.statuses == ((ARN, "SUCCEEDED"),)
    assert found.created == CREATED
    assert found.size == path.stat().st_size
    assert found.seconds is not None
    assert found.seconds > 60
    assert found.trouble == ""


def test_one_under_way_runs_and_one_that_never_began_is_unknown(tmp_path: Path) -> None:
    record(tmp_path, tuple(sync_history()[:4]), arns=(ARN, f"{ARN}-2"))
    (found,) = shelved(tmp_path)
    assert found.statuses == ((ARN, "RUNNING"), (f"{ARN}-2", "UNKNOWN"))


def test_how_it_ended_is_how_what_was_watched_did(tmp_path: Path) -> None:
    """An execution that another began may fail, and that one be content with it."""
    child, other = f"{ARN}-child", f"{ARN}-2"

    def ended(arn: str, how: str) -> Batch:
        began = event(1, "ExecutionStarted", 0, arn=arn, input="{}")
        return (began, event(2, f"Execution{how}", 5, arn=arn))

    record(tmp_path, (*ended(ARN, "Succeeded"), *ended(child, "Failed")))
    (found,) = shelved(tmp_path)
    assert found.watched == ((ARN, "SUCCEEDED"),)
    assert found.executions == (ARN, child)
    assert found.status == "SUCCEEDED"
    both = (*ended(ARN, "Succeeded"), *ended(other, "TimedOut"))
    record(tmp_path, both, arns=(ARN, other), days=1)
    assert shelved(tmp_path)[0].status == "TIMED_OUT"
    record(tmp_path, (), arns=(), days=2)
    assert (shelved(tmp_path)[0].watched, shelved(tmp_path)[0].status) == ((), "")


def test_they_are_read_one_by_one_the_last_written_first(tmp_path: Path) -> None:
    """Whoever shows them needs not wait for all of them."""
    written = [record(tmp_path, tuple(sync_history()), days=n) for n in range(4)]
    for seconds, path in zip((30, 10, 40, 20), written, strict=True):
        os.utime(path, (seconds, seconds))
    found = one_by_one(tmp_path)
    assert next(found).path == written[2]
    written[0].unlink()
    assert [each.path for each in found] == [written[3], written[1]]


def test_the_newest_stands_first_packed_or_not(tmp_path: Path) -> None:
    old = record(tmp_path, tuple(sync_history()))
    middle = record(tmp_path, tuple(sync_history()), days=1)
    new = record(tmp_path, tuple(sync_history()), days=2)
    packed = middle.with_name(f"{middle.name}.gz")
    packed.write_bytes(gzip.compress(middle.read_bytes()))
    middle.unlink()
    other = old.with_name(f"{old.name}.zst")
    other.write_bytes(zstandard.compress(old.read_bytes()))
    old.unlink()
    assert [each.path for each in shelved(tmp_path)] == [new, packed, other]
    assert {each.statuses for each in shelved(tmp_path)} == {((ARN, "SUCCEEDED"),)}
    for path in (new, packed, other):
        header = read_header(path)
        assert header is not None
        assert header.executions == (ARN,)


def test_what_can_not_be_read_is_listed_with_why(tmp_path: Path) -> None:
    for name, content in (
        ("empty", b""),
        ("other", b"hello\n"),
        ("newer", b'{"sfnwatch": 99, "created": "2023-11-15T00:00:00Z"}\n'),
        ("bytes", b"\xff\xfe\x00"),
    ):
        (tmp_path / f"{name}{SUFFIX}").write_bytes(content)
    (tmp_path / f"folder{SUFFIX}").mkdir()
    (tmp_path / f"dangling{SUFFIX}").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no recording")
    found = {each.name: each for each in shelved(tmp_path)}
    assert set(found) == {"empty", "other", "newer", "bytes"}
    assert all(each.trouble and each.trouble.isprintable() for each in found.values())
    assert found["empty"].trouble == "is empty"
    assert read_header(tmp_path / f"other{SUFFIX}") is None
    assert read_header(tmp_path / "nowhere") is None


def test_a_torn_end_changes_nothing_of_what_came_before(tmp_path: Path) -> None:
    path = record(tmp_path, tuple(sync_history()))
    path.write_bytes(path.read_bytes()[:-40])
    (found,) = shelved(tmp_path)
    assert found.statuses == ((ARN, "RUNNING"),)
    assert found.seconds is not None


def test_a_redriven_execution_runs_again(tmp_path: Path) -> None:
    history = [
        event(1, "ExecutionStarted", 0, input="{}"),
        event(2, "ExecutionFailed", 5, error="E"),
        event(3, "ExecutionRedriven", 60, redriveCount=1),
    ]
    record(tmp_path, tuple(history))
    (found,) = shelved(tmp_path)
    assert found.statuses == ((ARN, "RUNNING"),)


def test_without_a_folder_there_is_nothing(tmp_path: Path) -> None:
    assert shelved(tmp_path / "nowhere") == []
    with pytest.raises(UsageError, match="There are no recordings"):
        chosen([], "1")


def test_a_number_a_name_and_a_part_of_it_choose() -> None:
    every = [lying("nightly.run-1"), lying("nightly.run-12"), lying("other")]
    assert chosen(every, "1") is every[0]
    assert chosen(every, "nightly.run-1") is every[0], "exact first"
    assert chosen(every, f"other{SUFFIX}") is every[2]
    assert chosen(every, "run-12") is every[1]
    for text, said in (("nightly", "several"), ("4", "no"), ("0", "no"), ("x", "no")):
        with pytest.raises(UsageError, match=f"'{text}' names {said} recording"):
            chosen(every, text)


def test_both_conditions_must_hold() -> None:
    every = [
        lying("young", days=1, size=10),
        lying("old", days=40, size=10),
        lying("large", days=1, size=5000),
        lying("both", days=40, size=5000),
    ]

    def names(older: float | None, larger: int | None) -> list[str]:
        found = to_prune(every, NOW, older_than=older, larger_than=larger)
        return [each.name for each in found]

    assert names(30 * DAY, None) == ["old", "both"]
    assert names(None, 1000) == ["large", "both"]
    assert names(30 * DAY, 1000) == ["both"]
    assert names(50 * DAY, None) == []


@given(st.floats(0, 0.9 / 1440), st.integers(0, 10**9))
def test_what_is_still_recorded_to_never_goes(days: float, size: int) -> None:
    assert to_prune([lying("x", days=days, size=size)], NOW, older_than=0) == []
    assert to_prune([lying("x", days=days, size=size)], NOW, larger_than=-1) == []


def test_how_it_was_looked_at_goes_with_it(tmp_path: Path) -> None:
    path = record(tmp_path, tuple(sync_history()))
    os.utime(path, (1, 1))
    view = view_path((ARN,), CREATED)
    assert save_view(view, SavedView(filter="~e")) == ""
    (found,) = shelved(tmp_path)
    remove(found)
    assert not path.exists()
    assert not view.exists()
    remove(found)
