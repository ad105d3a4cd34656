"""Recordings as things: listed, opened, removed."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.program.programs import Program

DEMO = ("demo", "failure", "--plain", "--speed", "1000", "--drain", "0")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Program(tmp_path_factory.mktemp("once"))(*DEMO).recording


@pytest.fixture
def recorded(program: Program, once: Path) -> Path:
    """A recording of long ago, in its place."""
    path = program.state / "recordings" / once.name
    path.parent.mkdir(parents=True)
    shutil.copy(once, path)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_they_are_listed_with_how_it_ended(program: Program, recorded: Path) -> None:
    ended = program("recordings")
    assert (ended.code, ended.err) == (0, "")
    head, line = ended.lines
    assert head.split() == ["#", "execution", "state", "length", "size", "when"]
    assert line.split()[:3] == ["1", "import-orders", "›"]
    assert " FAILED " in line
    (told,) = json.loads(program("recordings", "--json").out)["recordings"]
    assert told["path"] == str(recorded)
    assert [each["status"] for each in told["executions"]] == ["FAILED"]
    assert told["size"] == recorded.stat().st_size


def test_one_is_opened_by_number_or_name(program: Program, recorded: Path) -> None:
    usual = program("replay", str(recorded))
    for name in ("1", "import-orders", recorded.name):
        again = program("recordings", "open", name)
        assert (again.code, again.out) == (10, usual.out)
        assert program("recordings", "path", name).out == f"{recorded}\n"
    assert "names no recording" in program("recordings", "open", "nobody").said(2)


def test_one_is_converted_and_redacted_by_its_number(
    program: Program, recorded: Path, tmp_path: Path
) -> None:
    for to in ("json", "mermaid"):
        usual = program("export", str(recorded), "--to", to)
        again = program("recordings", "export", "1", "--to", to)
        assert (again.code, again.out) == (0, usual.out)
    made = tmp_path / "shared.sfnwatch.jsonl"
    done = program("recordings", "redact", "import-orders", "-o", str(made))
    assert (done.code, done.out) == (0, "")
    assert "import-orders" not in made.read_text()
    hidden = program("recordings", "export", "1", "--to", "text", "--redact")
    assert "import-orders" not in hidden.out
    exists = program("recordings", "export", "1", "--to", "svg", "-o", str(made))
    assert "the file exists" in exists.said(2)
    assert "names no recording" in program("recordings", "redact", "nobody").said(2)


def test_what_is_old_is_removed_only_when_that_is_said(
    program: Program, recorded: Path
) -> None:
    old = ("recordings", "prune", "--older-than", "30d")
    looked = program(*old, "--dry-run")
    assert (looked.code, len(looked.lines)) == (0, 2)
    assert "1 recording, " in looked.err
    asked = program(*old)
    assert asked.code == 2
    assert "Give --yes, or --dry-run to look first." in asked.err
    assert recorded.exists()
    kept = program(*old, "--larger-than", "1GB", "--yes")
    assert kept.err == "sfnwatch: there is none to remove\n"
    assert recorded.exists()
    gone = program(*old, "--yes")
    assert (gone.code, recorded.exists()) == (0, False)
    assert "removed 1 recording, " in gone.err
    assert "there are no recordings in " in program("recordings").err


def test_on_a_terminal_it_asks_first(program: Program, recorded: Path) -> None:
    words = ("recordings", "prune", "--older-than", "30d")
    for answer, code in (("n", 130), ("y", 0)):
        terminal = program.terminal(*words)
        terminal.until("Remove 1 recording, ")
        assert recorded.exists()
        terminal.press(f"{answer}\r")
        assert terminal.wait() == code
    assert not recorded.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("prune",), "Nothing is said of which to remove."),
        (("prune", "--older-than", "old"), "'old' is no duration"),
        (("prune", "--larger-than", "big"), "'big' is no size; write 500kB"),
        (("open", "1"), "There are no recordings."),
    ],
)
def test_what_can_not_be_done_is_said(
    program: Program, words: tuple[str, ...], sentence: str
) -> None:
    ended = program("recordings", *words)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


# -- beside the executions to choose from --------------------------------------------


def test_one_is_chosen_and_replayed_without_aws(
    program: Program, recorded: Path
) -> None:
    """Neither a Region nor credentials: the list says so, and they are there."""
    terminal = program.terminal()
    terminal.until("No Region is set", "recordings  1", "✘ FAILED", "import-orders")
    terminal.until_selected("import-orders")
    terminal.press("\r", "STEP FUNCTIONS", "REPLAY")
    terminal.press("l", "✘ Execution failed")
    terminal.press("q")
    assert terminal.wait() == 10
    assert program.recordings == [recorded], "nothing is recorded again"


def test_where_credentials_are_missing_the_list_says_so(
    program: Program, recorded: Path
) -> None:
    terminal = program.terminal(
        "watch", "import-orders", "--pick", AWS_REGION="eu-west-1"
    )
    terminal.until("Unable to locate credentials", "recordings  1")
    terminal.press("q")
    assert terminal.wait() == 0
    assert recorded.exists()


def test_with_nothing_recorded_there_is_nothing_to_show(program: Program) -> None:
    terminal = program.terminal()
    assert terminal.wait() == 2
    assert "No Region is set" in terminal.text
