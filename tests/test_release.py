"""The changelog is one that programs can read, and so are the notes out of it."""

import re
import subprocess
import sys
import tomllib
from datetime import date

import pytest

from sfnwatch import __version__
from tests.release import CHANGELOG, KINDS, UNRELEASED, main, releases

ROOT = CHANGELOG.parent
OTHER = """\
# Changelog

Words.

## [Unreleased]

### Fixed

- One thing, told
  in two lines.
- Another.

## [1.1.0] - 2026-02-03 [YANKED]

### Added

- `a`: more.

### Removed

- `b`.

## 1.0.0 - 2026-01-02

[Unreleased]: https://example.com/compare
[1.1.0]: https://example.com/1.1.0
"""


def test_ours_keeps_a_changelog() -> None:
    text = CHANGELOG.read_text()
    assert text.startswith("# Changelog\n")
    for standard in ("keepachangelog.com/en/1.1.0", "semver.org/spec/v2.0.0"):
        assert standard in text
    every = releases(text)
    assert every[0].version == UNRELEASED, "what comes next has a place"
    for release in every:
        assert set(release.changes) <= set(KINDS)
        assert all(release.changes.values()), "no kind without an entry"


def test_the_version_is_one_and_the_changelog_knows_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "sfnwatch/__init__.py"
    written = [
        path
        for path in (ROOT / "sfnwatch").rglob("*.py")
        if re.search(rf"(?m)= [\"']{re.escape(__version__)}[\"']$", path.read_text())
    ]
    assert written == [ROOT / "sfnwatch" / "__init__.py"]
    unreleased, *released = releases(CHANGELOG.read_text())
    known = [each.version for each in released]
    assert not known or __version__ == known[0] or unreleased.changes


def test_another_one_is_read() -> None:
    coming, yanked, first = releases(OTHER)
    assert coming.changes == {"Fixed": ("One thing, told in two lines.", "Another.")}
    assert (yanked.version, yanked.date) == ("1.1.0", date(2026, 2, 3))
    assert yanked.notes == "### Added\n\n- `a`: more.\n\n### Removed\n\n- `b`.\n"
    assert (first.version, first.notes) == ("1.0.0", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### Fixed", "### Repaired", "7: 'Repaired' is none of Added"),
        ("### Fixed\n", "", ":8: under none of"),
        ("- Another.", "Another.", "11: neither an entry"),
        ("1.0.0 - 2026-01-02", "1.0.0", "not a version and its date: '1.0.0'"),
        ("1.0.0 - 2026-01-02", "1.0 - 2026-01-02", "not a version"),
        ("1.0.0 - 2026-01-02", "1.0.0 - 2026-13-02", "23: month"),
        ("1.0.0 - 2026-01-02", "1.0.0 - 2027-01-02", "1.0.0 is newer"),
        ("## 1.0.0 - 2026-01-02", "## 1.1.0 - 2026-01-02", "for a second time"),
        ("### Removed", "### Added", "Added for a second time"),
        ("## 1.0.0 - 2026-01-02", "## Unreleased", "stands first"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, said: str) -> None:
    assert old in OTHER
    with pytest.raises(ValueError, match=re.escape(said)) as told:
        releases(OTHER.replace(old, new))
    assert str(told.value).startswith("CHANGELOG.md:")


def test_the_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.release"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (unreleased, *_) = releases(CHANGELOG.read_text())
    assert done.stdout == unreleased.notes
    entries = [line for line in done.stdout.splitlines() if line.startswith("- ")]
    assert len(entries) == sum(map(len, unreleased.changes.values()))
    assert main(["9.9.9"]) == 2
    assert "there are: Unreleased" in capsys.readouterr().err
