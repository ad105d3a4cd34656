"""What is told of a whole: explained, compared, exported, redacted."""

import json
from pathlib import Path

import pytest

from sfnwatch.demo.ids import REGION
from sfnwatch.export.targets import TARGETS
from tests.program.programs import KEYS, Ended, Program, Served

SPEED = ("--speed", "2000")
CALLS = """\
eventtime,eventsource,eventname,errorcode,arn
2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask,,{arn}
2023-11-15T00:29:20Z,ecs.amazonaws.com,DescribeTasks,,{arn}
2023-11-15T00:30:19Z,ecs.amazonaws.com,DescribeTasks,AccessDenied,{arn}
""".format(arn="arn:aws:sts::123456789012:assumed-role/sync-role/session")


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The default demo's recording: four executions in one file."""
    folder = tmp_path_factory.mktemp("ways")
    path = folder / "ways.jsonl"
    ended = Program(folder)("demo", "--plain", *SPEED, "--record", str(path))
    assert ended.code == 0
    return str(path)


# -- explain -----------------------------------------------------------------------


def test_a_recording_is_explained_with_the_conclusions_first(
    program: Program, ways: str
) -> None:
    ended = program("explain", ways)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("In short\n")
    assert ended.out.count("SUCCEEDED after") == 4
    assert max(map(len, ended.lines)) <= 80
    assert program.recordings == [], "what is only read is not recorded anew"


def test_calls_alone_are_explained_too(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(CALLS)
    text = " ".join(program("explain", str(file)).out.split())
    assert "looks like an optimised integration with .sync" in text
    assert "at intervals of 55 and 59 s, counted from RunTask (mean 57 s)" in text
    assert "1 of 2 polls was denied" in text
    assert "There is no execution's history in these records" in text


def test_it_is_explained_for_programs_and_for_pages(
    program: Program, ways: str
) -> None:
    told = json.loads(program("explain", ways, "--format", "json").out)
    assert told["sfnwatch_trace"] == 1
    assert {finding["kind"] for finding in told["findings"]} >= {
        *("pattern", "polling", "noticed", "denied-but-succeeded", "conclusion")
    }
    assert all({"certainty", "evidence", "text"} <= set(f) for f in told["findings"])
    page = program("explain", ways, "--format", "markdown").out
    assert page.startswith("## In short\n")
    assert "| ECS RunTask |" in page


def test_an_execution_is_watched_to_its_end_and_then_explained(
    program: Program,
) -> None:
    served = Served(program, "sync", speed=1000)
    asked = ("--endpoint-url", served.url, "--drain", "12m")
    ended = program("explain", served.execution, *asked, **KEYS)
    assert ended.code == 0
    assert "SUCCEEDED after 5 min" in ended.out
    assert "DescribeTasks" in ended.out


def test_a_state_machine_s_name_is_explained_by_its_newest_execution(
    program: Program,
) -> None:
    served = Served(program, "sync", speed=5000)
    asked = ("--endpoint-url", served.url, "--region", REGION, "--drain", "0")
    ended = program("explain", "nightly-report", *asked, **KEYS)
    assert ended.code == 0
    assert "SUCCEEDED after 5 min" in ended.out
    assert "the newest execution of nightly-report: " in ended.err


@pytest.mark.parametrize("command", [("explain",), ("export", "--to", "json")])
def test_what_names_nothing_is_told_as_watch_tells_it(
    program: Program, command: tuple[str, ...]
) -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:activity:machine"
    assert program(*command, arn).said(2) == program(arn).said(2)
    said = program(*command, "no/such.jsonl").said(4)
    assert said.startswith("no/such.jsonl: can't be read: No such file")
    said = program(*command, "calls").said(2)
    assert said.startswith("No Region is set in which to look for state machines.")
    assert said.endswith("There is no file calls here either.")


# -- compare -----------------------------------------------------------------------


def test_two_of_a_recording_are_compared_by_their_names(
    program: Program, ways: str
) -> None:
    chosen = ("--execution", "sync", "--execution", "denied")
    ended = program("compare", ways, *chosen)
    assert (ended.code, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    assert "same outcome; of what they did, nothing but calls differs" in text
    assert "all 5 polls (DescribeTasks) of B were refused with AccessDenied" in text
    told = json.loads(program("compare", ways, *chosen, "--format", "json").out)
    assert told["sfnwatch_compare"] == 1


def test_what_can_not_be_compared_is_said_with_what_there_is(
    program: Program, ways: str
) -> None:
    said = program("compare", ways).said(2)
    assert "Two executions can be compared; 4 are here." in said
    assert "--execution NAME; there are: sync (run-task-sync › " in said
    said = program("compare", ways, "--execution", "nobody").said(2)
    assert said.startswith("'nobody' names no execution.")


# -- export ------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_every_format_is_written_to_stdout_or_to_a_private_file(
    program: Program, ways: str, tmp_path: Path, target: str
) -> None:
    out = tmp_path / "out"
    shown = program("export", ways, "--to", target)
    written = program("export", ways, "--to", target, "-o", str(out))
    assert (shown.code, written.code, shown.err, written.out) == (0, 0, "", "")
    with out.open(newline="") as file:
        # Pipes are read with universal newlines.
        assert file.read().replace("\r\n", "\n") == shown.out
    assert out.stat().st_mode & 0o777 == 0o600
    assert "DescribeTasks" in shown.out


def test_the_help_tells_what_each_format_is_for(program: Program) -> None:
    text = program("export", "--help").out
    assert all(target.words in text for target in TARGETS.values())


def test_a_file_that_can_not_be_written_is_named(program: Program, ways: str) -> None:
    said = program("export", ways, "--to", "csv", "-o", "/no/such/folder/x").said(2)
    assert said == "Can't write /no/such/folder/x: No such file or directory."


@pytest.mark.parametrize(
    "words", ["export {} --to html", "explain {}", "redact {}", "replay {} --plain"]
)
def test_a_reader_who_has_had_enough_is_no_fault(
    program: Program, ways: str, words: str
) -> None:
    command = f"sfnwatch {words.format(ways)}"
    ended = program.shell(f'{command} | true; echo "${{PIPESTATUS[0]}}"')
    assert "Traceback" not in ended.err
    assert ended.out == "0\n"


@pytest.mark.parametrize("words", ["export {} --to csv", "explain {}", "redact {}"])
def test_a_file_that_is_there_is_never_written_over(
    program: Program, ways: str, tmp_path: Path, words: str
) -> None:
    recording = tmp_path / "run.jsonl"
    before = Path(ways).read_bytes()
    recording.write_bytes(before)
    command = words.format(recording).split()
    said = program(*command, "-o", str(recording)).said(2)
    assert said.startswith(f"Can't write {recording}: the file exists.")
    assert recording.read_bytes() == before


def test_a_dash_is_stdout(program: Program, ways: str) -> None:
    assert program("explain", ways, "-o", "-").out == program("explain", ways).out


# -- redact ------------------------------------------------------------------------


def names_left(text: str) -> list[str]:
    names = ("123456789012", "run-task", "three-ways", "ECS RunTask", "demo-cluster")
    return [name for name in names if name in text]


def test_a_redacted_recording_replays_and_names_nothing(
    program: Program, ways: str, tmp_path: Path
) -> None:
    shared = tmp_path / "shared.jsonl"
    ended = program("redact", ways, "-o", str(shared))
    assert (ended.code, ended.out) == (0, "")
    assert shared.stat().st_mode & 0o777 == 0o600
    assert names_left(shared.read_text()) == []
    again = program("replay", str(shared), "--plain")
    assert again.code == 0
    assert figures(again) == figures(program("replay", ways, "--plain"))
    said = program("redact", ways, "-o", str(shared)).said(2)
    assert "the file exists" in said


def figures(ended: Ended) -> list[str]:
    """Give how each finding begins, and what it counts."""
    return [
        "".join(c for c in line.partition("  [")[0] if c.isdigit() or c == ".")
        for line in ended.lines
        if "Conclusion" in line
    ]


def test_it_is_redacted_on_the_way_to_a_report(program: Program, ways: str) -> None:
    page = program("export", ways, "--to", "html", "--redact").out
    assert "DescribeTasks" in page
    assert names_left(page) == []
    assert names_left(program("explain", ways, "--redact").out) == []


def test_states_may_keep_their_names(program: Program, ways: str) -> None:
    ended = program("redact", ways, "--keep-state-names")
    assert names_left(ended.out) == ["ECS RunTask"]


@pytest.mark.parametrize("command", ["explain", "compare", "redact"])
def test_a_file_that_is_none_is_named(
    program: Program, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello\n")
    assert "notes.txt: not a file sfnwatch knows" in program(command, str(file)).said(4)
    assert "can't be read" in program(command, str(tmp_path / "none")).said(4)
