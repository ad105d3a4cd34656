"""ECS's events in files: imported, recorded, redacted."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.errors import BadFileError
from sfnwatch.export.json import trace_json
from sfnwatch.recording.files import open_files
from sfnwatch.recording.importers import import_json
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.redaction import redact
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import ACCOUNT, TASK_ARN, TASK_ID, sync_run
from tests.ecs import LIFE, task_event, task_life
from tests.peers.fixtures import FOLDER, load, needs_fixtures
from tests.recording.redacting import of, outline, read, text_of


def test_events_of_a_file_are_task_states(tmp_path: Path) -> None:
    events = [dict(received.data) for received in task_life()]
    lines = "\n".join(json.dumps(event) for event in events)
    for text in (json.dumps(events), lines):
        imported = import_json(tmp_path / "events.json", text)
        assert not imported.empty
        assert [r.source for r in imported.calls] == [From.TASK_STATE] * 5
        assert [r.data for r in imported.calls] == events


def test_they_are_opened_beside_a_history(tmp_path: Path) -> None:
    events, history = tmp_path / "events.json", tmp_path / "history.json"
    events.write_text(json.dumps([r.data for r in task_life()]))
    records = [r.data for r in sync_run() if r.source == From.HISTORY]
    history.write_text(json.dumps({"events": records}))
    trace = extend(Trace(), open_files([events, history]).records)
    states = trace.task_states[TASK_ARN]
    assert [state.last_status for state in states] == list(LIFE)


def test_one_that_is_broken_is_told_with_its_place(tmp_path: Path) -> None:
    whole, broken = task_event(1, "PENDING", 2), task_event(2, "RUNNING", 3)
    del broken["detail"]["version"]
    with pytest.raises(BadFileError, match=r"\[1\].*version is None"):
        import_json(tmp_path / "e.json", json.dumps([whole, broken]))


@needs_fixtures
def test_the_documented_event_is_imported(tmp_path: Path) -> None:
    event = load(FOLDER / "eventbridge-docs" / "ecs_task_state_change.json")["event"]
    (received,) = import_json(tmp_path / "e.json", json.dumps(event)).calls
    assert (received.source, received.data) == (From.TASK_STATE, event)


def without_group(recording: Recording) -> Any:
    """Outline a recording but for what is named in part: `family:NAME`."""
    shown = outline(recording)
    groups = [state.pop("group") for state in shown[0]["task_states"]]
    assert len(set(groups)) == 1
    assert groups[0].startswith("family:")
    return shown


def test_redacted_they_say_the_same_of_the_same_task() -> None:
    life = task_life(exit_code=3)
    recording = of(*sync_run(), *life)
    redacted = read(text_of(redact(recording)))
    text = json.dumps([record.data for record in redacted.records])
    assert TASK_ID not in text
    assert ACCOUNT not in text
    for word in ("my-cluster", "family:report", '"app"', "c0ffee", "event-1"):
        assert word not in text, word
    assert without_group(redacted) == without_group(recording)
    told = trace_json(extend(Trace(), redacted.records))["task_states"]
    assert [state["last_status"] for state in told] == list(LIFE)
    assert [state["version"] for state in told] == [1, 2, 3, 4, 5]
    last = told[-1]
    assert last["started_by"] == "AWS Step Functions"
    assert (last["stop_code"], last["containers"][0]["exit_code"]) == (
        "EssentialContainerExited",
        3,
    )
    assert last["stopped_at"] == life[-1].data["detail"]["stoppedAt"]
    assert last["task_arn"] in text


def test_what_a_task_was_given_is_redacted_like_any_payload() -> None:
    secret = {"name": "TOKEN", "value": "hunter2-secret"}
    given = {"containerOverrides": [{"name": "app", "environment": [secret]}]}
    life = task_life()
    data = {**life[0].data, "surprise": "hunter2"}
    data["detail"] = {**data["detail"], "overrides": given, "more": "hunter2"}
    odd: list[dict[str, Any]] = [
        {"detail-type": "hunter2", "source": "hunter2", "detail": "hunter2"},
        {"resources": "hunter2", "region": "hunter2", "detail": {"version": "hunter2"}},
        {"detail": {"containers": ["hunter2", {"hunter2": 1, "exitCode": 123456}]}},
    ]
    at = life[0].at
    assert at is not None
    records = [Received(at, From.TASK_STATE, None, each) for each in (data, *odd)]
    later = [replace(r, at=at + timedelta(seconds=1)) for r in records]
    text = text_of(redact(of(*records, *later)))
    assert "hunter2" not in text
    assert "123456" not in text
