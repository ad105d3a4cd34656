"""Recordings as things: listed, opened, removed."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.programs import Program, golden


@pytest.fixture
def recorded(program: Program) -> Path:
    """A recording of long ago, in its place."""
    path = program.state / "recordings" / "import-orders.sfnwatch.jsonl.gz"
    path.parent.mkdir(parents=True)
    shutil.copy(golden("demo-failure"), path)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_they_are_listed_with_how_it_ended(program: Program, recorded: Path) -> None:
    ended = program("recordings")
    assert (ended.code, ended.err) == (0, "")
    head, line = ended.lines
    assert head.split() == ["#", "execution", "state", "length", "size", "when"]
    assert line.split()[:3] == ["1", "import-orders", "›"]
    assert " FAILED " in line
    (told,) = program("recordings", "--json").json["recordings"]
    assert told["path"] == str(recorded)
    assert [each["status"] for each in told["executions"]] == ["FAILED"]
    assert (told["number"], told["size"]) == (1, recorded.stat().st_size)


def test_one_that_can_not_be_read_is_listed_with_why(
    program: Program, recorded: Path
) -> None:
    torn = recorded.with_name("torn\x1b[1m.sfnwatch.jsonl")
    torn.write_text('{"sfnwatch": 9}\n')
    (line,) = (line for line in program("recordings").lines if "torn" in line)
    assert line.isprintable()
    assert "format 9" in line


def test_one_is_opened_by_number_or_name(program: Program, recorded: Path) -> None:
    usual = program("replay", str(recorded))
    for name in ("1", "import-orders", recorded.name):
        again = program("recordings", "open", name)
        assert (again.code, again.out) == (10, usual.out)
        assert program("recordings", "path", name).out == f"{recorded}\n"


@pytest.mark.parametrize("name", ["0", "2", "99", "nobody"])
@pytest.mark.parametrize("command", ["open", "path", "redact"])
def test_a_number_or_a_name_that_is_not_there_is_refused(
    program: Program, recorded: Path, command: str, name: str
) -> None:
    said = program("recordings", command, name).said(2)
    assert said.startswith(
        (f"There is no recording {name}, of 1", f"'{name}' names no")
    )
    assert said.endswith("or a name: sfnwatch recordings.")


def test_one_is_converted_and_redacted_by_its_number(
    program: Program, recorded: Path, tmp_path: Path
) -> None:
    for to in ("json", "csv"):
        usual = program("export", str(recorded), "--to", to)
        again = program("recordings", "export", "1", "--to", to)
        assert (again.code, again.out) == (0, usual.out)
    made = tmp_path / "shared.sfnwatch.jsonl"
    done = program("recordings", "redact", "import-orders", "-o", str(made))
    assert (done.code, done.out) == (0, "")
    assert "import-orders" not in made.read_text()
    hidden = program("recordings", "export", "1", "--to", "json", "--redact")
    assert "import-orders" not in hidden.out
    exists = program("recordings", "export", "1", "--to", "csv", "-o", str(made))
    assert "the file exists" in exists.said(2)


def test_what_is_old_is_removed_only_when_that_is_said(
    program: Program, recorded: Path
) -> None:
    old = ("recordings", "prune", "--older-than", "30d")
    looked = program(*old, "--dry-run")
    assert (looked.code, len(looked.lines)) == (0, 2)
    assert looked.err.startswith("sfnwatch: 1 recording, ")
    asked = program(*old)
    assert asked.code == 2
    assert "Give --yes, or --dry-run to look first." in asked.err
    kept = program(*old, "--larger-than", "1GB", "--yes")
    assert kept.err == "sfnwatch: there is none to remove\n"
    assert recorded.exists()
    gone = program(*old, "--yes")
    assert (gone.code, recorded.exists()) == (0, False)
    assert "removed 1 recording, " in gone.err
    assert "there are no recordings in " in program("recordings").err
    assert program("recordings", "open", "1").code == 2
