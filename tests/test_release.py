"""The changelog is one that programs can read, and so are the notes out of it."""

import re
import tomllib

import pytest

from sfnwatch import __version__
from tests.release import CHANGELOG, UNRELEASED, main, releases

ROOT = CHANGELOG.parent
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""All that Keep a Changelog has, in its order."""
LINE = re.compile(rf"|### ({'|'.join(KINDS)})|- \S.*|  \S.*|\[[^\]]+\]: \S+")
HEADING = re.compile(r"\[?\d+\.\d+\.\d+\S*\]? - \d{4}-\d\d-\d\d( \[YANKED\])?")
OTHER = """\
# Changelog

## [Unreleased]

### Fixed

- One thing, told
  in two lines.
- Another.

## [1.1.0] - 2026-02-03 [YANKED]

## 1.0.0 - 2026-01-02

[1.1.0]: https://example.com/1.1.0
"""


def test_ours_keeps_a_changelog() -> None:
    text = CHANGELOG.read_text()
    for standard in ("keepachangelog.com/en/1.1.0", "semver.org/spec/v2.0.0"):
        assert standard in text
    _, unreleased, *released = re.split(r"(?m)^## ", text)
    assert unreleased.startswith(f"{UNRELEASED}\n"), "what comes next has a place"
    for section in (unreleased, *released):
        heading, *lines = section.splitlines()
        assert heading == UNRELEASED or HEADING.fullmatch(heading)
        assert [line for line in lines if not LINE.fullmatch(line)] == []
        kinds = re.findall(r"(?m)^### (\w+)$", section)
        assert kinds == [kind for kind in KINDS if kind in kinds], "each once"


def test_the_version_is_one_and_the_changelog_knows_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "sfnwatch/__init__.py"
    written = [
        path
        for path in (ROOT / "sfnwatch").rglob("*.py")
        if re.search(rf"(?m)= [\"']{re.escape(__version__)}[\"']$", path.read_text())
    ]
    assert written == [ROOT / "sfnwatch" / "__init__.py"]
    every = releases(CHANGELOG.read_text())
    assert len(every) == 1 or every[UNRELEASED] or [*every][1] == __version__


def test_an_entry_of_several_lines_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    entries = "- One thing, told in two lines.\n- Another."
    told = {UNRELEASED: f"### Fixed\n\n{entries}", "1.1.0": "", "1.0.0": ""}
    assert releases(OTHER) == told
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("### Added\n\n- ")
    assert main(["9.9.9"]) == 2
    assert "there are: Unreleased" in capsys.readouterr().err
