"""What is listed: recordings, which are opened and removed; executions, as by AWS."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfnwatch.clock import SystemClock
from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Program, keep


@pytest.fixture
def recorded(program: Program) -> Path:
    return keep(program.state, "import-orders")


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
    for command, name in (("open", "2"), ("path", "0"), ("redact", "nobody")):
        said = program("recordings", command, name).said(2)
        assert said.startswith(("There is no recording ", "'nobody' names no"))
        assert said.endswith("or a name: sfnwatch recordings.")
    for command in ("open", "path", "redact"):
        # An empty name, of a variable that is not set, is part of every name.
        assert program("recordings", command, "").said(2).startswith("No recording is")


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


NONE = "sfnwatch: there is none to remove\n"


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
    # A watch that was suspended writes nothing for a while.
    written = recorded.stat().st_mtime
    lately = SystemClock().now().timestamp() - 500
    os.utime(recorded, (lately, lately))
    assert program("recordings", "prune", "--older-than", "1m", "--yes").err == NONE
    os.utime(recorded, (written, written))
    kept = program(*old, "--larger-than", "1GB", "--yes")
    assert kept.err == NONE
    small = ("recordings", "prune", "--larger-than", "500", "--dry-run")
    assert len(program(*small).lines) == 2
    assert program(*small, "--older-than", "99999d").lines == []
    assert recorded.exists()
    gone = program(*old, "--yes")
    assert (gone.code, recorded.exists()) == (0, False)
    assert "removed 1 recording, " in gone.err
    assert "there are no recordings in " in program("recordings").err
    assert program("recordings", "open", "1").code == 2


# -- executions ------------------------------------------------------------------------

DAY = timedelta(days=1)


def test_status_and_time_choose_what_is_listed_the_newest_first(
    program: Program, serve: Serve
) -> None:
    account = serve("failure", "sync", speed=1.0)

    def listed(*words: str) -> list[dict[str, str]]:
        ended = program(*account.words("list", *words, "--json", *HERE))
        assert (ended.code, ended.err) == (0, "")
        found: list[dict[str, str]] = ended.json["executions"]
        return found

    every = listed()
    times = [each["started_at"] for each in every]
    assert times == sorted(times, reverse=True)
    failed = listed("--status", "failed")
    assert failed == [each for each in every if each["status"] == "FAILED"]
    assert failed
    recent = listed("--since", "2d")
    bound = (datetime.now(UTC) - 2 * DAY).isoformat()
    assert {each["arn"] for each in recent} == {
        each["arn"] for each in every if each["started_at"] > bound
    }
    assert len(recent) < len(every)
    machine = failed[0]["state_machine"]
    both = listed(machine, "--status", "FAILED", "--status", "ABORTED", "--since", "2d")
    assert {each["arn"] for each in both} < {each["arn"] for each in failed}


@pytest.mark.parametrize("off", [-3 * DAY, 3 * DAY])
def test_so_long_ago_is_counted_by_aws_s_clock(
    program: Program, serve: Serve, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    words = serve("failure", speed=1.0).words("list", "--since", "36h", "--json", *HERE)
    listed = program(*words).out
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + off)
    assert program(*words).out == listed
    assert '"arn"' in listed


def test_people_get_a_table_and_are_told_where_there_is_none(
    program: Program, serve: Serve
) -> None:
    account = serve("failure", speed=1.0)
    ended = program(*account.words("list", "--status", "FAILED", *HERE))
    head, first, *_ = ended.lines
    assert head.split() == ["status", "started", "length", "execution"]
    assert first.startswith("FAILED  20")
    assert " import-orders › failure-" in first
    ended = program(*account.words("list", "--status", "ABORTED", *HERE))
    assert ended.said(0) == "There is none, among those that AWS lists."
    assert "state machine named 'none'" in program(
        *account.words("list", "none", *HERE)
    ).said(3)
