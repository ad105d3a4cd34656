import json
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace as altered

from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.saving import save_record
from tests.builders import ARN, event, sync_run


def rows_of(*keys: str) -> tuple[Row, ...]:
    rows = {row.key: row for row in build_lanes(extend(Trace(), sync_run())).rows}
    return tuple(rows[key] for key in keys)


def test_one_record_is_saved_as_it_is(tmp_path: Path) -> None:
    (row,) = rows_of(f"{ARN}#5")
    path = save_record((row,), tmp_path)
    assert path.name == "sfnwatch-run-7f3a-5.json"
    assert json.loads(path.read_text()) == row.events[0].raw
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_several_are_saved_in_order(tmp_path: Path) -> None:
    rows = rows_of(f"{ARN}#3", "call#run")
    path = save_record(rows, tmp_path)
    assert rows[1].call is not None
    expected = [*(e.raw for e in rows[0].events), rows[1].call.raw]
    assert json.loads(path.read_text()) == expected


def test_a_call_is_named_by_what_was_called(tmp_path: Path) -> None:
    path = save_record(rows_of("call#poll-1"), tmp_path)
    assert path.name == "sfnwatch-run-7f3a-DescribeTasks.json"


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    rows = rows_of(f"{ARN}#5")
    (tmp_path / "sfnwatch-run-7f3a-5-2.json").symlink_to(tmp_path / "elsewhere")
    names = [save_record(rows, tmp_path).name for _ in range(3)]
    assert names == [
        "sfnwatch-run-7f3a-5.json",
        "sfnwatch-run-7f3a-5-3.json",
        "sfnwatch-run-7f3a-5-4.json",
    ]
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_says_that_nothing_in_the_file_is_masked(tmp_path: Path) -> None:
    path = save_record(rows_of(f"{ARN}#5"), tmp_path, mask_is_on=True)
    assert path.name == "sfnwatch-run-7f3a-5-unmasked.json"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a\x1b[31m\x00b", "夜" * 200, "\ud800", "-", "..", ""]
)
def test_a_hostile_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    (row,) = rows_of("call#run")
    assert row.call is not None
    called = altered(row.call, event_name=name or "x")
    other = replace(row, execution_arn=name, call=called)
    path = save_record((other,), tmp_path)
    assert path.parent == tmp_path
    assert path.name.isprintable()
    assert list(tmp_path.iterdir()) == [path]


def test_hostile_records_are_saved_too(tmp_path: Path) -> None:
    raw = {"key\ud800": "\x1b[31m\x9b", "huge": 10**5_000, "nan": float("nan")}
    row = replace(
        rows_of(f"{ARN}#5")[0],
        events=(altered(rows_of(f"{ARN}#5")[0].events[0], raw=raw),),
    )
    text = save_record((row,), tmp_path).read_text()
    assert "\x1b" not in text
    assert "\\ud800" in text


def test_what_can_not_be_saved_says_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SfnwatchError, match="No such file or directory") as refused:
        save_record(rows_of(f"{ARN}#5"), tmp_path / "absent")
    assert "folder" in refused.value.hint
    with pytest.raises(SfnwatchError, match="no record"):
        save_record((), tmp_path)


def test_a_file_that_is_not_whole_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sfnwatch.tui.saving.open", full, raising=False)
    with pytest.raises(SfnwatchError, match="No space left"):
        save_record(rows_of(f"{ARN}#5"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_event_of_an_unknown_execution_is_saved(tmp_path: Path) -> None:
    trace = extend(Trace(), [event(1, "ExecutionStarted", 0, arn="some:thing/odd")])
    path = save_record(build_lanes(trace).rows[:1], tmp_path)
    assert path.name == "sfnwatch-odd-1.json"
