"""What is told of a whole: explained, compared, exported, redacted."""

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from sfnwatch.export import TARGETS
from tests.builders import History, api_call, network_activity
from tests.cli.conftest import Serve
from tests.cli.programs import HERE, Ended, Program, golden
from tests.export.traces import WITHOUT_CALLS

DRAIN = ("--drain", "0")
WAYS = golden("demo-three-ways")
PAIR = ("--execution", "sync", "--execution", "denied")
CALLS = """\
eventtime,eventsource,eventname,errorcode,arn
2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask,,{arn}
2023-11-15T00:29:20Z,ecs.amazonaws.com,DescribeTasks,,{arn}
2023-11-15T00:30:19Z,ecs.amazonaws.com,DescribeTasks,AccessDenied,{arn}
""".format(arn="arn:aws:sts::123456789012:assumed-role/sync-role/session")


# -- explain ---------------------------------------------------------------------------


def test_a_recording_is_explained_for_people_pages_and_programs(
    program: Program,
) -> None:
    text = program("explain", WAYS)
    assert (text.code, text.err) == (0, "")
    assert text.out.startswith("In short\n")
    assert text.out.count("SUCCEEDED after") == 4
    assert max(map(len, text.lines)) <= 80
    page = program("explain", WAYS, "--format", "markdown").out
    assert page.startswith("## In short\n")
    assert "| ECS RunTask |" in page
    told = program("explain", WAYS, "--format", "json").json
    assert told["sfnwatch_trace"] == 1
    kinds = {finding["kind"] for finding in told["findings"]}
    assert {"pattern", "polling", "noticed", "denied-but-succeeded"} <= kinds


def test_network_activity_in_a_trail_s_file_is_no_call_of_a_state(
    program: Program, tmp_path: Path
) -> None:
    denied = network_activity("GetSecretValue", 60, key="d", denied=True)
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": [denied]}))
    text = " ".join(program("explain", str(file)).out.split())
    assert "Network activity, no call of a state: the policy of VPC endpoint" in text
    assert "polled" not in text


def test_executions_and_files_are_explained_together(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    served = serve("sync", "failure", speed=5000)
    file = tmp_path / "calls.csv"
    file.write_text(CALLS)
    words = ("explain", "nightly-report", str(file), served.executions["failure"])
    more = ("--format", "json", *HERE, *DRAIN)
    ended = program(*served.words(*words, *more))
    assert ended.code == 0
    assert "the newest execution of nightly-report: " in ended.err
    statuses = {each["arn"]: each["status"] for each in ended.json["executions"]}
    assert statuses == {
        served.executions["sync"]: "SUCCEEDED",
        served.executions["failure"]: "FAILED",
    }
    assert ended.json["calls"]["count"] > 3
    assert program.recordings == []


def test_one_of_several_that_is_refused_is_told_and_has_its_code(
    program: Program, serve: Serve
) -> None:
    served = serve("sync", speed=5000)
    gone = served.execution.replace("sync-", "gone-")
    words = served.words("explain", served.execution, gone, *DRAIN)
    ended = program(*words)
    assert ended.code == 3
    assert "SUCCEEDED after" in ended.out
    assert "ExecutionDoesNotExist" in ended.err
    alone = program(*served.words("explain", gone)).said(3)
    assert "ExecutionDoesNotExist" in alone


# -- what a state changed --------------------------------------------------------------


def test_what_a_state_changed_is_said_of_each_visit(
    program: Program, tmp_path: Path
) -> None:
    pipeline = golden("demo-pipeline")
    text = program("explain", pipeline, "--state", "Label")
    assert (text.code, text.err) == (0, "")
    assert text.out.count("› Each parcel[") == 4
    assert "2 paths added and 2 paths removed." in text.out
    assert any(
        line.split() == ["removed", "$.to", '"Oslo"'] for line in text.out.splitlines()
    )
    alone = program("explain", pipeline, "--state", "Each parcel[1] / Label")
    assert alone.out.count("› Each parcel[") == 1
    page = program("explain", pipeline, "--state", "Label", "--format", "markdown").out
    assert page.startswith("## ")
    told = program("explain", pipeline, "--state", "Label", "--format", "json").out
    visits = [json.loads(line) for line in told.splitlines()]
    assert [visit["path"] for visit in visits] == [
        f"Main / Each parcel[{number}] / Label" for number in range(4)
    ]
    added = {"path": "$.parcel", "change": "added", "after": "P-1"}
    assert added in visits[0]["changes"]
    assert visits[0]["left_out"] == 0
    twice = ("--state", "Label", "--state", "Each parcel[1] / Label")
    again = program("explain", pipeline, *twice).out
    assert again.count("› Each parcel[") == 4, "no visit twice"


def test_a_state_that_was_not_entered_is_refused(program: Program) -> None:
    pipeline = golden("demo-pipeline")
    said = program("explain", pipeline, "--state", "Charge crad").said(2)
    assert "has entered a state 'Charge crad'" in said
    assert "Did you mean `Charge card`?" in said
    assert "There are Big order?, Prepare," in program(
        "explain", pipeline, "--state", "zzz"
    ).said(2)
    both = program("explain", pipeline, "--state", "Ship", "--why", "f33e")
    assert "--why and --state can't be combined" in both.said(2)


def test_of_many_visits_the_first_are_shown(program: Program, tmp_path: Path) -> None:
    run = History().start()
    for _ in range(25):
        run.state("A")
    run.add("PassStateEntered", name="B", input="{}")
    wide = json.dumps({str(number): number for number in range(120)})
    run.add("PassStateExited", name="B", output=wide)
    file = tmp_path / "run.json"
    events = [msgspec.json.decode(record.data) for record in run.records]
    file.write_text(json.dumps({"events": events}))
    text = program("explain", str(file), "--state", "A").out
    assert text.count("Pass, succeeded") == 20
    assert "5 more visits to this state" in text
    text = program("explain", str(file), "--state", "B").out
    assert text.count("added  ") == 100
    assert "… and 20 more paths." in text


# -- why one call is matched -----------------------------------------------------------

RUN_TASK = "f33ebc41-0674-4989-abb9-b5ee5522c8f5"
POLL = "98a68aab-4224-4169-b8f2-9203e5a1995e"


@pytest.mark.parametrize("named", [RUN_TASK, f"call#{RUN_TASK}", "f33e", "f33ebc41…"])
def test_why_a_call_is_matched_is_told_by_its_id_or_the_beginning_of_it(
    program: Program, named: str
) -> None:
    told = program("explain", WAYS, "--why", named)
    assert (told.code, told.err) == (0, "")
    assert told.lines[0] == "RunTask at 2026-11-27 13:30:53 UTC"
    assert "matched to ECS RunTask #3 of sync as its action call: = request ID" in (
        told.out
    )
    assert "  ruled out: ECS RunTask #3 of sdk, succeeded" in told.lines
    assert "    against: its answer names another job" in told.lines
    assert max(map(len, told.lines)) <= 80


def test_several_calls_are_told_of_one_after_the_other_each_once(
    program: Program, tmp_path: Path
) -> None:
    asked = ("explain", WAYS, "--why", POLL, "--why", "f33e", "--why", RUN_TASK)
    poll, action = program(*asked, "--format", "json").objects
    assert (poll["event_id"], action["event_id"]) == (POLL, RUN_TASK)
    assert action["link"]["rule"] == "request-id"
    first, *others = action["considered"]
    assert first.keys() == {
        *("execution", "visit", "attempt", "role", "for", "against", "different")
    }
    assert (first["attempt"], first["role"], first["against"]) == (3, "action", [])
    assert first["for"]["ids"][0].startswith("request ID ")
    cluster = {"path": "Cluster", "scheduled": "demo-cluster", "called": "demo-cluster"}
    assert cluster in first["for"]["parameters"]
    assert all("its answer names another job" in each["against"] for each in others)
    assert others[0]["different"] == [
        {
            "path": "TaskDefinition",
            "scheduled": "run-task-sdk",
            "called": "run-task-sync",
        }
    ]
    page = tmp_path / "why.md"
    ended = program(*asked, "--format", "markdown", "-o", str(page))
    assert (ended.code, ended.out) == (0, "")
    heads = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    assert [head.split()[1] for head in heads] == ["DescribeTasks", "RunTask"]


def test_of_a_redacted_call_names_are_replaced_and_both_its_ids_will_do(
    program: Program,
) -> None:
    asked = ("explain", WAYS, "--redact", "--format", "json", "--why")
    told = program(*asked, RUN_TASK)
    assert not any(name in told.out for name in ("demo-cluster", RUN_TASK, "run-task"))
    assert told.json["link"]["rule"] == "request-id"
    assert len(told.json["considered"]) == 3
    assert program(*asked, told.json["event_id"]).out == told.out


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("00000000", "has the event ID '00000000'. sfnwatch export … --to"),
        ("\x1b[2J", "No call here has the event ID '␛[2J'."),
    ],
)
def test_a_call_that_is_not_there_is_refused_with_what_to_do(
    program: Program, named: str, sentence: str
) -> None:
    assert sentence in program("explain", WAYS, "--why", named).said(2)


def test_a_beginning_of_several_event_ids_is_refused_with_all_of_them(
    program: Program, tmp_path: Path
) -> None:
    records = [api_call("RunTask", n, key=f"12345678-{n:04}") for n in range(12)]
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": records}))
    said = program("explain", str(file), "--why", "12345678").said(2)
    assert "'12345678' begins the event IDs of several calls. They are" in said
    assert said.endswith("12345678-0009 and 2 more.")
    assert program("explain", str(file), "--why", "12345678-0003").code == 0


def test_executions_of_one_name_are_told_apart_by_their_machines(
    program: Program,
) -> None:
    told = program("explain", golden("moto-together"))
    words = " ".join(" ".join(told.lines).split())
    assert "ecs:runTask.sync (looked, map, breaks and 1 more) calls" in words


# -- compare ---------------------------------------------------------------------------


def test_two_of_a_recording_are_compared_by_their_names(program: Program) -> None:
    ended = program("compare", WAYS, *PAIR)
    assert (ended.code, ended.err) == (0, "")
    assert "B 5 polls, AccessDenied, every 59.6 s" in " ".join(ended.out.split())
    told = program("compare", WAYS, *PAIR, "--format", "json").json
    assert told["sfnwatch_compare"] == 1
    assert "sync" in told["a"]["name"]
    other = program("compare", WAYS, *PAIR[2:], *PAIR[:2], "--format", "json").json
    assert (other["a"]["name"], other["b"]["name"]) == (
        told["b"]["name"],
        told["a"]["name"],
    )
    assert program("compare", WAYS, *PAIR, "--format", "markdown").out.startswith("|")


def test_of_two_files_the_first_named_is_a(program: Program) -> None:
    one, other = golden("demo-sync-denied"), golden("demo-async")
    for first, second in ((one, other), (other, one)):
        told = program("compare", first, second, "--format", "json").json
        assert told["a"]["name"].partition("-")[0] in first
        assert told["b"]["name"].partition("-")[0] in second


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((WAYS,), "Two executions can be compared, not 4. Choose two with"),
        ((golden("demo-async"),), "not 1. Name two recordings, or two"),
        ((WAYS, *PAIR[:2]), "not 1. Choose two with --execution NAME"),
        ((WAYS, "--execution", "nobody"), "'nobody' names no execution."),
        ((WAYS, "--execution", "arn:"), "'arn:' names several executions."),
    ],
)
def test_what_is_not_two_is_said_with_what_there_is(
    program: Program, words: tuple[str, ...], sentence: str
) -> None:
    said = program("compare", *words).said(2)
    assert sentence in said
    assert "async" in said or "Name two" in said


# -- export ----------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_every_format_is_written_to_stdout_or_to_a_private_file(
    program: Program, tmp_path: Path, target: str
) -> None:
    pytest.importorskip(f"sfnwatch.export.{TARGETS[target].module}")
    out = tmp_path / "out"
    shown = program("export", WAYS, "--to", target)
    written = program("export", WAYS, "--to", target, "-o", str(out))
    assert (shown.code, written.code, shown.err, written.out) == (0, 0, "", "")
    assert out.read_bytes().decode() == shown.out
    assert out.stat().st_mode & 0o777 == 0o600
    assert ("DescribeTasks" in shown.out) is (target not in WITHOUT_CALLS)


@pytest.mark.parametrize(
    "words", ["export {} --to csv", "explain {}", "redact {}", "compare {}"]
)
def test_a_file_that_is_there_is_never_written_over(
    program: Program, tmp_path: Path, words: str
) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("what was there")
    command = words.format(WAYS).split()
    said = program(*command, *PAIR * ("compare" in words), "-o", str(file)).said(2)
    assert said.startswith(f"Can't write {file}: the file exists.")
    assert file.read_text() == "what was there"


def test_a_file_that_can_not_be_written_is_named(program: Program) -> None:
    said = program("export", WAYS, "--to", "csv", "-o", "/no/such/folder/x").said(1)
    assert said == "Can't write /no/such/folder/x: No such file or directory."


# -- redact ----------------------------------------------------------------------------


def names_left(text: str) -> list[str]:
    names = ("123456789012", "run-task", "three-ways", "ECS RunTask", "demo-cluster")
    return [name for name in names if name in text]


def test_a_redacted_recording_says_the_same_and_names_nothing(
    program: Program, tmp_path: Path
) -> None:
    shared = tmp_path / "shared.jsonl"
    ended = program("redact", WAYS, "-o", str(shared))
    assert (ended.code, ended.out) == (0, "")
    assert "AWS's own words, Regions and times are kept" in ended.err
    assert shared.stat().st_mode & 0o777 == 0o600
    assert names_left(shared.read_text()) == []
    assert program("redact", WAYS).out == shared.read_text()
    before, after = (
        program("explain", path, "--format", "json") for path in (WAYS, str(shared))
    )
    assert figures(after) == figures(before)


def figures(ended: Ended) -> list[tuple[str, str]]:
    return sorted((f["kind"], f["certainty"]) for f in ended.json["findings"])


def test_it_is_redacted_on_the_way_to_a_report(program: Program) -> None:
    for words in (("explain",), ("export", "--to", "json"), ("export", "--to", "text")):
        ended = program(*words, WAYS, "--redact")
        assert ended.code == 0
        assert names_left(ended.out) == []
        assert "DescribeTasks" in ended.out


def test_states_may_keep_their_names(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_text(CALLS)
    assert names_left(program("redact", WAYS, "--keep-state-names").out) == [
        "ECS RunTask"
    ]
    made = program("redact", str(file))
    assert '"created": "2023-11-15T00:28:25.000Z"' in made.out, "it has none of its own"
    assert "sync-role" not in made.out


SYNC, ASYNC = golden("demo-sync"), golden("demo-async")


@contextmanager
def stdin_from(file: Path | str, *, piped: bool = False) -> Iterator[None]:
    """Have fd 0 be a file, or a pipe that somebody writes it into."""
    before = os.dup(0)
    with Path(file).open("rb") as opened:
        cat = subprocess.Popen(["cat"], stdin=opened, stdout=subprocess.PIPE)
        with cat, Path(file).open("rb") as plain:
            assert cat.stdout is not None
            os.dup2((cat.stdout if piped else plain).fileno(), 0)
            try:
                yield
            finally:
                os.dup2(before, 0)
                os.close(before)


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize(
    "words",
    [
        ("replay", "{}", "--plain"),
        ("replay", "{}", "--json"),
        ("explain", "{}"),
        ("export", "{}", "--to", "json"),
        ("compare", "{}", ASYNC),
        ("compare", ASYNC, "{}"),
        ("redact", "{}"),
    ],
    ids=" ".join,
)
def test_what_is_piped_is_read_as_the_file_is(
    program: Program, tmp_path: Path, words: tuple[str, ...], *, piped: bool
) -> None:
    def run(name: str) -> Ended:
        return program(*(name if word == "{}" else word for word in words))

    plain = tmp_path / "plain.jsonl"
    plain.write_bytes(gzip.decompress(Path(SYNC).read_bytes()))
    for file in (SYNC, plain):
        with stdin_from(file, piped=piped):
            told = run("-")
        assert told == run(str(file))
    assert program.recordings == []


def test_trouble_is_told_of_stdin_with_the_line(
    program: Program, tmp_path: Path
) -> None:
    file = tmp_path / "bad"
    for text, words in (("", "stdin: is empty"), ('{"a":\n', "stdin:2: not JSON")):
        file.write_text(text)
        with stdin_from(file):
            assert program("explain", "-").said(4).startswith(words)
