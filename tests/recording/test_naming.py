"""Where recordings lie and what they are called."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.naming import SUFFIX, default_path, recordings_dir
from tests.builders import ARN, START


def test_a_recording_is_named_after_its_execution_and_its_time(tmp_path: Path) -> None:
    assert default_path(tmp_path, ARN, START).name == (
        "nightly-report.run-7f3a.20231115T002824Z.sfnwatch.jsonl"
    )


def test_the_time_in_a_name_is_utc(tmp_path: Path) -> None:
    local = datetime.fromisoformat("2023-11-15T09:28:24+09:00")
    assert "20231115T002824Z" in default_path(tmp_path, ARN, local).name


def test_a_name_that_is_taken_is_numbered(tmp_path: Path) -> None:
    first = default_path(tmp_path, ARN, START)
    first.touch()
    second = default_path(tmp_path, ARN, START)
    second.symlink_to("nowhere")
    third = default_path(tmp_path, ARN, START)
    assert [second.name, third.name] == [
        first.name.replace("Z.", "Z-2."),
        first.name.replace("Z.", "Z-3."),
    ]


def test_names_of_any_script_are_kept(tmp_path: Path) -> None:
    assert default_path(tmp_path, "夜間レポート.हिन्दी", START).name.startswith(
        "夜間レポート.हिन्दी.2023"
    )


@given(st.text(st.characters(codec=None), max_size=300))
def test_any_name_gives_a_file_in_the_folder_it_is_for(execution: str) -> None:
    folder = Path("/nowhere")
    path = default_path(folder, execution, START)
    assert path.parent == folder
    assert path.name == Path(path.name).name
    assert path.name.isprintable()
    assert not path.name.startswith(".")
    assert len(path.name.encode()) <= 255 - len("-999")
    assert path.name.endswith(SUFFIX)


def test_a_child_of_a_distributed_map_gets_no_folder_of_its_own(tmp_path: Path) -> None:
    arn = ARN.replace("nightly-report:", "nightly-report/Each:")
    assert default_path(tmp_path, arn, START).parent == tmp_path
    assert default_path(tmp_path, arn, START).name.startswith("nightly-report-Each.run")


def test_recordings_lie_in_the_state_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert recordings_dir() == tmp_path / "sfnwatch" / "recordings"


def test_one_of_several_executions_says_how_many_more(tmp_path: Path) -> None:
    named = default_path(tmp_path, ARN, START, more=3).name
    assert ".and-3-more.20231115T002824Z" in named
