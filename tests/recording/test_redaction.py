"""A redacted recording shows what the original shows, under other names."""

import csv
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.demo.scenarios import PLANS
from sfnwatch.errors import SfnwatchError, UsageError
from sfnwatch.recording.files import open_files
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.redaction import redact, save_redacted
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ARN,
    REGION,
    START,
    call,
    definition,
    describe,
    event,
    health,
    sync_run,
)
from tests.peers.fixtures import files, history, records
from tests.recording.redacting import (
    EPOCH,
    TOOL,
    of,
    outline,
    read,
    scenario,
    text_of,
    ties,
)
from tests.recording.values import received


def redacted(recording: Recording, **more: bool) -> Recording:
    """Redact, write and read again."""
    return read(text_of(redact(recording, **more)))


def together(*names: str) -> Recording:
    return of(*(record for name in names for record in scenario(name).records))


# -- what is shown is the same ---------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_a_scenario_shows_the_same(name: str) -> None:
    recording = scenario(name)
    assert outline(redacted(recording)) == outline(recording)
    assert outline(redacted(recording, keep_state_names=True)) == outline(recording)


def test_several_executions_on_one_role_show_the_same() -> None:
    names = [name for name in PLANS if name.startswith("three-ways")]
    recording = together(*names)
    assert outline(redacted(recording)) == outline(recording)


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_a_recorded_history_shows_the_same(path: Path) -> None:
    arn = "arn:aws:states:eu-central-1:111111111111:execution:machine:run"
    recording = of(*(Received(None, From.HISTORY, arn, e) for e in history(path)))
    assert outline(redacted(recording)) == outline(recording)


@pytest.mark.parametrize(
    "path", [*files("cloudtrail-docs/[!l]*.json"), *files("cloudtrail-real/[!s]*.json")]
)
def test_recorded_calls_show_the_same(path: Path) -> None:
    recording = of(*(Received(None, From.TRAIL, None, r) for r in records(path)))
    assert outline(redacted(recording)) == outline(recording)


@pytest.mark.parametrize("denied", [False, True])
def test_the_order_in_which_records_came_is_kept(*, denied: bool) -> None:
    recording = of(*sync_run(denied=denied))
    again = redacted(recording)
    assert [(r.at, r.source) for r in again.records] == [
        (r.at, r.source) for r in recording.records
    ]
    assert again.created == recording.created


IDS = st.sampled_from(
    [
        f"arn:aws:ecs:{REGION}:123456789012:task/blue/{'7e57' * 8}",
        "7e57" * 8,
        "9e6d1f8a-3a34-4d55-8d2c-111111111111",
        "billing:9e6d1f8a-3a34-4d55-8d2c-111111111111",
        "blue",
        "task",
        "ecs",
        "a/b",
        "b",
        "jr_0123456789abcdef",
        "123456789012",
        "Blue Job",
        "über",
        "x.y-z_1=2@3+4",
        "latest",
        "$LATEST",
        "RUNNING",
        "RunTask",
        "name-1",
        "a11a5a11-a5a1-4a11-a5a1-a11000000001",
        "-",
    ]
)
ROLES = ("arn:aws:iam::123456789012:role/one", "arn:aws:iam::123456789012:role/x/one")
STEPS = ("RunTask", "DescribeTasks", "StopTask", "SubmitJob", "GetBuild", "OrbitalZap")
SAYINGS = (
    "{}",
    "no {} here",
    "is not authorized to perform: ecs:DescribeTasks on resource: {}.",
    "x/{}; gone",
    "{}{}",
    "<{}>, ({}): '{}'",
    "Request ID: {}",
    "not{}",
)


@st.composite
def tied_runs(draw: st.DrawFn) -> Recording:
    """Tasks that hold ids, and calls that name them in all the ways they can."""
    found = [event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLES[0])]
    for number in range(draw(st.integers(1, 3))):
        first = 2 + 4 * number
        service = draw(st.sampled_from(["ecs", "batch", "codebuild", "aws-sdk:ecs"]))
        action = {"batch": "submitJob", "codebuild": "startBuild"}.get(
            service, "runTask"
        )
        task: dict[str, Any] = {
            "resourceType": service,
            "resource": action + ".sync",
        }
        key = draw(IDS)
        output = {
            "Tasks": [{"TaskArn": key}],
            "JobId": key,
            "Build": {"Arn": f"arn:aws:codebuild:r:a:build/{key}", "Id": key},
            "SdkResponseMetadata": {"RequestId": draw(IDS)},
        }
        name = draw(st.sampled_from(["Work", "blue", "task/1", "RunTask", "state-1"]))
        begin = 10.0 * number
        found += [
            event(first, "TaskStateEntered", begin, name=name, input=key),
            event(first + 1, "TaskScheduled", begin, parameters="{}", **task),
            event(
                first + 2, "TaskSubmitted", begin + 1, output=json.dumps(output), **task
            ),
            event(
                first + 3,
                "TaskFailed",
                begin + 8,
                error=draw(st.sampled_from(["States.TaskFailed", "Mine", "A b"])),
                cause=draw(st.sampled_from(SAYINGS)).format(*[draw(IDS)] * 3),
                **task,
            ),
        ]
    for number in range(draw(st.integers(0, 6))):
        message = draw(st.sampled_from(SAYINGS)).format(*[draw(IDS)] * 3)
        found.append(
            call(
                draw(st.sampled_from(STEPS)),
                draw(st.integers(0, 40)),
                key=f"call-{number}",
                request_id=draw(IDS),
                parameters=draw(
                    st.none()
                    | st.builds(
                        lambda a, b: {"tasks": [a], "text": f"to /{b}."}, IDS, IDS
                    )
                ),
                error=draw(st.none() | st.just(("AccessDenied", message))),
                role=draw(st.sampled_from(ROLES)),
                lag=100 + 7 * number,
                source=draw(
                    st.sampled_from(["ecs.amazonaws.com", "batch.amazonaws.com"])
                ),
            )
        )
    return of(*found)


@settings(max_examples=150, deadline=None)
@given(tied_runs())
def test_calls_are_tied_to_the_same_attempts_by_the_same_rules(
    recording: Recording,
) -> None:
    assert ties(redacted(recording)) == ties(recording)


@settings(max_examples=60, deadline=None)
@given(st.lists(received, max_size=4))
def test_records_of_any_content_can_be_redacted_and_read(
    found: list[Received],
) -> None:
    again = redacted(of(*found))
    assert len(again.records) == len(found)
    assert [r.at for r in again.records] == [r.at for r in found]


# -- aliases ---------------------------------------------------------------------


def test_equal_recordings_give_equal_bytes() -> None:
    one, other = (of(*sync_run(denied=True)) for _ in range(2))
    assert text_of(redact(one)) == text_of(redact(other))


def test_names_are_numbered_as_they_appear_and_keep_their_kind() -> None:
    (arn,) = redact(of(*sync_run())).executions
    parsed = parse_execution_arn(arn)
    assert (parsed.account, parsed.region) == ("000000000001", REGION)
    assert (parsed.state_machine_name, parsed.name) == ("machine-1", "execution-1")


def test_a_redacted_recording_can_be_redacted_again() -> None:
    recording = together("pipeline", "sync-denied")
    once = redacted(recording)
    twice = redacted(once)
    assert outline(twice) == outline(once) == outline(recording)
    assert not set(once.executions) & set(twice.executions)
    machines = [parse_execution_arn(arn).state_machine_name for arn in once.executions]
    assert sorted(set(machines)) == ["machine-1", "machine-2", "machine-3"]
    machines = [parse_execution_arn(arn).state_machine_name for arn in twice.executions]
    assert sorted(set(machines)) == ["machine-b1", "machine-b2", "machine-b3"]


def test_an_alias_that_somebody_uses_as_a_name_is_nobody_else_s() -> None:
    arn = f"arn:aws:states:{REGION}:000000000001:execution:machine-2:Gromit"
    text = text_of(redact(of(describe(arn=arn))))
    assert "machine-b1" in text
    assert "machine-2" not in text
    assert "000000000001" not in text


def test_a_recording_that_has_every_alias_is_refused() -> None:
    accounts = [f"{generation:04}00000001" for generation in range(100)]
    with pytest.raises(SfnwatchError, match="full of aliases"):
        redact(of(event(1, "ExecutionStarted", 0, input=json.dumps(accounts))))


def test_names_of_states_are_kept_if_asked_for() -> None:
    states = {"Charge card": {"Type": "Pass", "End": True}}
    entered = event(2, "PassStateEntered", 1, name="Charge card", input='"Charge card"')
    recording = of(definition(states, start_at="Charge card"), entered)
    assert "Charge card" not in text_of(redact(recording))
    kept = redact(recording, keep_state_names=True)
    (timeline,) = extend(Trace(), kept.records).timelines.values()
    assert [visit.name for visit in timeline.visits] == ["Charge card"]
    assert kept.records[1].data["stateEnteredEventDetails"]["input"] != '"Charge card"'
    assert "names of states" in kept.notes[0]


def test_what_only_a_sentence_calls_a_state_is_not_kept_with_them() -> None:
    said = (
        "An error occurred while executing the state '{}' (entered at the event id #2)."
    )
    found = [
        event(2, "PassStateEntered", 1, name="Charge"),
        event(3, "ExecutionFailed", 1, cause=said.format("Charge")),
        event(4, "ExecutionFailed", 1, cause=said.format("Gromit")),
    ]
    kept = redact(of(*found), keep_state_names=True)
    causes = [r.data["executionFailedEventDetails"]["cause"] for r in kept.records[1:]]
    assert causes == [said.format("Charge"), said.format("state-1")]


# -- single records --------------------------------------------------------------


def test_what_this_tool_says_of_itself_stays_as_far_as_it_names_nobody() -> None:
    message = f"LookupEvents on {REGION}: ThrottlingException. Rate exceeded"
    told = redact(of(health("lookup", "throttled", 1, message=message, retry_in=2.5)))
    data = dict(told.records[0].data)
    assert data["message"] == "LookupEvents text-1 ThrottlingException. Rate exceeded"
    assert (data["lane"], data["state"], data["retry_in"]) == (
        "lookup",
        "throttled",
        2.5,
    )


def test_calls_of_this_tool_are_still_told_apart() -> None:
    agent = "Boto3/1 sfnwatch/0.1.0 (jane)"
    own = call("LookupEvents", 1, key="x", user_agent=agent, invoked_by=None)
    recording = redact(of(own))
    assert extend(Trace(), recording.records).own_calls
    assert "jane" not in text_of(recording)


def test_a_record_that_nobody_can_read_is_kept_as_structure() -> None:
    unread = Received(
        EPOCH, From.UNREAD, ARN, {"Gromit": {"n": [1, True, None, "x y"]}}
    )
    other = Received(EPOCH, "gromit", None, {})
    told = redact(of(unread, other))
    assert dict(told.records[0].data) == {
        "key-1": {"key-2": [0, False, None, "text-1"]}
    }
    assert told.records[1].source == "source-1"
    assert any("could not be read (1)" in note for note in told.notes)


def test_an_empty_recording_stays_one() -> None:
    recording = redacted(Recording(()))
    assert (recording.records, recording.executions) == ((), ())


# -- files -----------------------------------------------------------------------


def test_foreign_files_become_a_recording(tmp_path: Path) -> None:
    run = sync_run(denied=True)
    events = [dict(r.data) for r in run if r.source == From.HISTORY]
    trail = [
        json.loads(r.data["CloudTrailEvent"]) for r in run if r.source == From.LOOKUP
    ]
    (tmp_path / "history.json").write_text(json.dumps({"events": events}))
    (tmp_path / "trail.json").write_text(json.dumps({"Records": trail}))
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["eventtime", "eventsource", "eventname", "arn", "Gromit"])
        role = "arn:aws:sts::123456789012:assumed-role/StepFunctions-sync-role/x"
        rows.writerow(
            ["2023-11-15T00:40:00Z", "ecs.amazonaws.com", "StopTask", role, "g"]
        )
    original = open_files(sorted(tmp_path.iterdir()))
    again = redacted(original)
    assert outline(again)[0]["executions"] == outline(original)[0]["executions"]
    assert again.created == START.replace(microsecond=102000)
    assert [r.at for r in again.records] == [None] * len(original.records)
    assert again.executions == ("file:execution-1",)


def test_without_any_time_it_begins_at_the_beginning() -> None:
    recording = Recording((Received(None, "else", None, {}),))
    assert redacted(recording).created == datetime(1970, 1, 1, tzinfo=UTC)


def test_it_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "shared.sfnwatch.jsonl"
    save_redacted(redact(of(*sync_run())), path, TOOL)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read_recording(path)
    assert outline(again) == outline(of(*sync_run()))
    assert json.loads(path.read_text().partition("\n")[0])["tool"] == TOOL


def test_no_file_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    path.write_text("precious")
    with pytest.raises(UsageError, match="the file exists"):
        save_redacted(redact(of(*sync_run())), path, TOOL)
    assert path.read_text() == "precious"


def test_a_file_that_can_not_be_finished_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shared.jsonl"

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sfnwatch.recording.redaction.write_redacted", full)
    with pytest.raises(UsageError, match="No space left"):
        save_redacted(redact(of(*sync_run())), path, TOOL)
    assert not path.exists()


@pytest.mark.parametrize("name", ["no/such/folder", "a\0b"])
def test_a_place_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="Can't write"):
        save_redacted(redact(of(*sync_run())), tmp_path / name, TOOL)
    assert list(tmp_path.iterdir()) == []


def test_times_before_the_beginning_are_kept() -> None:
    early = event(1, "ExecutionStarted", -3600, input="{}", seen=-timedelta(1).days)
    assert redacted(of(early)).records[0].at == early.at
