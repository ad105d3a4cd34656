"""A file is there whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from sfnwatch.recording.whole import whole_file


def test_it_takes_its_place_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with whole_file(path) as out:
        out.write("new\r\n")
        assert path.read_text() == "old"
    assert path.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_file(path) as out:
        out.write("half, and what UTF-8 lacks: \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "report.html", tmp_path / "latest"
    path.write_text("old")
    link.symlink_to(path)
    with whole_file(link) as out:
        out.write("new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_device_is_written_to_not_replaced() -> None:
    with whole_file(Path(os.devnull)) as out:
        out.write("gone")
    assert not Path(os.devnull).is_file()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError), whole_file(tmp_path / "no" / "file"):  # noqa: PT011
        raise AssertionError
