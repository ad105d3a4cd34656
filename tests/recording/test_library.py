"""The recordings of a folder: what is told of them, and which may go."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.model.records import Received
from sfnwatch.recording.format import SUFFIX
from sfnwatch.recording.library import (
    ListedRecording,
    choose_recording,
    each_recording,
    list_recordings,
    readable_header,
    recordings_dir,
    remove,
    to_prune,
)
from sfnwatch.recording.saved_view import SavedView, load_view, save_view, view_path
from tests.builders import ARN, START, event, sync_calls, sync_history
from tests.recording.files import record, zstd

NOW = datetime(2023, 12, 15, tzinfo=UTC)
DAY = 86_400.0


def on_day(number: int) -> datetime:
    return START + timedelta(days=number)


def lying(name: str, *, days: float = 0, size: int = 1000) -> ListedRecording:
    """Give one that was last written to `days` ago."""
    written_at = NOW - timedelta(days=days)
    return ListedRecording(Path(f"/x/{name}{SUFFIX}"), size, written_at)


# -- what is listed --------------------------------------------------------------------


def test_each_is_told_by_its_executions_its_state_and_its_length(
    tmp_path: Path,
) -> None:
    path = record(tmp_path, [*sync_history(), *sync_calls()])
    (found,) = list_recordings(tmp_path)
    assert (found.path, found.name) == (path, path.name.removesuffix(SUFFIX))
    assert found.statuses == ((ARN, "SUCCEEDED"),)
    assert (found.began, found.size) == (START, path.stat().st_size)
    assert found.seconds is not None
    assert found.seconds > 60
    assert (found.status, found.trouble) == ("SUCCEEDED", "")


def test_one_under_way_runs_and_one_that_never_began_is_unknown(tmp_path: Path) -> None:
    path = record(tmp_path, sync_history()[:4], arns=(ARN, f"{ARN}-2"))
    path.write_bytes(path.read_bytes()[:-40])
    (found,) = list_recordings(tmp_path)
    assert found.statuses == ((ARN, "RUNNING"), (f"{ARN}-2", "UNKNOWN"))


def test_how_it_ended_is_how_what_was_watched_did(tmp_path: Path) -> None:
    """An execution that another began may fail, and that one be content with it."""
    child, other = f"{ARN}-child", f"{ARN}-2"

    def ended(arn: str, how: str) -> list[Received]:
        began = event(1, "ExecutionStarted", 0, arn=arn, input="{}")
        return [began, event(2, f"Execution{how}", 5, arn=arn)]

    record(tmp_path, [*ended(ARN, "Succeeded"), *ended(child, "Failed")])
    (found,) = list_recordings(tmp_path)
    assert found.watched == ((ARN, "SUCCEEDED"),)
    assert (found.executions, found.status) == ((ARN, child), "SUCCEEDED")
    both = [*ended(ARN, "Succeeded"), *ended(other, "TimedOut")]
    record(tmp_path, both, arns=(ARN, other), created=on_day(1))
    assert list_recordings(tmp_path)[0].status == "TIMED_OUT"
    again = event(3, "ExecutionRedriven", 60, arn=ARN, redriveCount=1)
    record(tmp_path, [*ended(ARN, "Failed"), again], created=on_day(2))
    assert list_recordings(tmp_path)[0].status == "RUNNING"
    record(tmp_path, (), arns=(), created=on_day(3))
    newest = list_recordings(tmp_path)[0]
    assert (newest.watched, newest.status) == ((), "")


def test_they_are_read_one_by_one_the_last_written_first(tmp_path: Path) -> None:
    """Whoever shows them needs not wait for all of them."""
    written = [record(tmp_path, sync_history(), created=on_day(n)) for n in range(4)]
    for seconds, path in zip((30, 10, 40, 20), written, strict=True):
        os.utime(path, (seconds, seconds))
    found = each_recording(tmp_path)
    assert next(found).path == written[2]
    written[0].unlink()
    assert [each.path for each in found] == [written[3], written[1]]


def test_the_newest_stands_first_packed_or_not(tmp_path: Path) -> None:
    old, middle, new = (
        record(tmp_path, sync_history(), created=on_day(n)) for n in range(3)
    )
    packed = middle.rename(middle.with_name(f"{middle.name}.gz"))
    packed.write_bytes(gzip.compress(packed.read_bytes()))
    other = old.rename(old.with_name(f"{old.name}.zst"))
    other.write_bytes(zstd(other.read_bytes()))
    found = list_recordings(tmp_path)
    assert [each.path for each in found] == [new, packed, other]
    assert {each.statuses for each in found} == {((ARN, "SUCCEEDED"),)}
    for path in (new, packed, other):
        header = readable_header(path)
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
    found = {each.name: each for each in list_recordings(tmp_path)}
    assert set(found) == {"empty", "other", "newer", "bytes"}
    assert all(each.trouble and each.trouble.isprintable() for each in found.values())
    assert found["empty"].trouble == "is empty"
    assert found["newer"].trouble.startswith("recorded in format 99")
    assert readable_header(tmp_path / f"other{SUFFIX}") is None
    assert readable_header(tmp_path / "nowhere") is None
    assert list_recordings(tmp_path / "nowhere") == []


# -- which one is meant, which may go --------------------------------------------------


def test_a_number_a_name_and_a_part_of_it_choose() -> None:
    every = [
        lying("nightly.run-1"),
        lying("nightly.run-12"),
        lying("other"),
        lying("7"),
    ]
    assert choose_recording(every, "1") is every[0]
    assert choose_recording(every, "nightly.run-1") is every[0], "exact first"
    assert choose_recording(every, f"other{SUFFIX}") is every[2]
    assert choose_recording(every, "run-12") is every[1]
    assert choose_recording(every, "7") is every[3], "its name, though it is a number"
    for text, said in (
        ("nightly", "'nightly' names several recordings"),
        ("x", "'x' names no recording"),
        *(
            (number, f"no recording {number}, of 4")
            for number in ("0", "5", "12", "99")
        ),
    ):
        with pytest.raises(UsageError, match=said):
            choose_recording(every, text)
    with pytest.raises(UsageError, match="There are no recordings"):
        choose_recording([], "1")


@given(st.floats(0, 0.9 / 1440), st.integers(0, 10**9))
def test_what_is_still_recorded_to_never_goes(days: float, size: int) -> None:
    assert to_prune([lying("x", days=days, size=size)], NOW, older_than=0) == []
    assert to_prune([lying("x", days=days, size=size)], NOW, larger_than=-1) == []


def test_how_it_was_looked_at_goes_with_it(tmp_path: Path) -> None:
    path = record(tmp_path, sync_history())
    view = view_path((ARN,), START)
    assert save_view(view, SavedView(filter="~e")) == ""
    (found,) = list_recordings(tmp_path)
    remove(found)
    assert not path.exists()
    assert not view.exists()
    remove(found)


# -- how one was looked at -------------------------------------------------------------

CHANGED = SavedView(filter="~e", folded=("a", "b"))


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ('{"sfnwatch_view": 2, "view": {"filter": "~e"}}', SavedView()),
        ('{"sfnwatch_view": 1, "view": {"filter": 3}}', SavedView()),
        ('{"view": {"filter": "~e"}}', SavedView()),
        ("[" * 100_000, SavedView()),
        (
            '{"sfnwatch_view": 1, "view": {"filter": "~e", "hue": 3}}',
            SavedView(filter="~e"),
        ),
    ],
)
def test_a_foreign_or_newer_view_is_read_as_far_as_it_goes(
    tmp_path: Path, text: str, view: SavedView
) -> None:
    path = tmp_path / "view.json"
    path.write_text(text)
    assert load_view(path) == view
    assert load_view(tmp_path) == load_view(tmp_path / "none") == SavedView()


def test_a_view_is_private_plain_json_and_replaces_the_one_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state" / "views" / "view.json"
    save_view(path, SavedView(filter="x" * 1000))
    save_view(path, CHANGED)
    assert load_view(path) == CHANGED
    assert msgspec.json.decode(path.read_bytes())["sfnwatch_view"] == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["view.json"]


@pytest.mark.parametrize(
    "view", [SavedView(filter="\ud800"), SavedView(filter="x" * (1 << 20))]
)
def test_a_view_that_can_not_be_kept_is_told(tmp_path: Path, view: SavedView) -> None:
    assert save_view(tmp_path / "view.json", view)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    assert save_view(tmp_path / "file" / "views" / "view.json", CHANGED)


def test_a_view_is_found_by_what_was_recorded(tmp_path: Path) -> None:
    path = view_path([ARN], START)
    state = tmp_path / "state" / "sfnwatch"
    assert (path.parent, recordings_dir()) == (state / "views", state / "recordings")
    local = datetime.fromisoformat("2023-11-15T09:28:24.102+09:00")
    assert view_path([ARN], local) == path
    assert view_path([ARN, "b"], START) == view_path(["b", ARN], START)
    others = {
        view_path([ARN, "b"], START),
        view_path([f"{ARN}x"], START),
        view_path([ARN], START + timedelta(seconds=1)),
        view_path([], START),
    }
    assert len(others | {path}) == 5
