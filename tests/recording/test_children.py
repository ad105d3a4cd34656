"""What executions began, in files: redacted, and imported from the AWS CLI's output."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from sfnwatch.errors import BadFileError
from sfnwatch.export.json import trace_json
from sfnwatch.recording.files import open_files
from sfnwatch.recording.importers import import_json
from sfnwatch.recording.redaction import redact
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.nests import nests
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ACCOUNT, START, health
from tests.peers.fixtures import FOLDER, load, needs_fixtures
from tests.recording.redacting import of, read, text_of
from tests.trace.families import (
    FAMILIES,
    child_of_run,
    counted,
    described,
    execution,
    listing,
    photos,
    run_arn,
    three_levels,
)
from tests.tui.begun import a_map_run

RUN = run_arn(0)


def trace_of(records: Any) -> Trace:
    return extend(Trace(), records)


# -- redacted ----------------------------------------------------------------------


def family_of(trace: Trace) -> Any:
    """Tell who is inside whom and how it does, without any name."""
    number = {arn: place for place, arn in enumerate(trace.histories)}
    parents = {
        number[arn]: (number[begun.execution_arn], begun.visit_id, begun.attempt_id)
        for arn, begun in trace.family.parents.items()
    }
    shapes = sorted(
        (n.level, n.depth, n.status, n.children, n.is_map_run)
        for n in nests(trace).values()
    )
    runs = [(run.status, run.executions, run.items) for run in trace.map_runs.values()]
    listed = [
        (child.listed.status, child.listed.started_at, child.item_count)
        for child in trace.listed.values()
    ]
    return parents, shapes, runs, listed


@pytest.mark.parametrize(
    "records", [three_levels(), photos(), a_map_run()], ids=["nested", "run", "both"]
)
def test_redacted_everything_is_inside_what_it_was_inside_of(
    records: list[Received],
) -> None:
    redacted = read(text_of(redact(of(*records))))
    assert family_of(trace_of(redacted.records)) == family_of(trace_of(records))


@settings(deadline=None, max_examples=30)
@given(FAMILIES)
def test_redaction_keeps_whatever_family_there_is(records: list[Received]) -> None:
    redacted = read(text_of(redact(of(*records))))
    ours, theirs = trace_of(records), trace_of(redacted.records)
    assert len(theirs.histories) == len(ours.histories)
    assert len(theirs.children) == len(ours.children)
    assert len(theirs.listed) == len(ours.listed)
    assert len(theirs.map_runs) == len(ours.map_runs)


def test_redacted_no_name_and_no_id_is_left() -> None:
    records = [*a_map_run(), described(child_of_run(0, 1), RUN)]
    text = text_of(redact(of(*records)))
    for secret in ("photos", "job", "Each", "276e5993", "00000000abcd", ACCOUNT):
        assert secret not in text, secret


def test_redacted_what_was_equal_is_equal_wherever_it_stands() -> None:
    trace = trace_of(redact(of(*photos())).records)
    (run,) = trace.map_runs
    assert {child.map_run_arn for child in trace.listed.values()} == {run}
    assert set(trace.family.map_runs) == {run}
    assert trace.map_runs[run].execution_arn in trace.timelines
    assert trace.children.keys() <= trace.listed.keys()


def test_what_is_no_field_of_aws_is_redacted_like_any_payload() -> None:
    page, run = listing(RUN, (child_of_run(0, 0), "hunter2")), counted(RUN)
    item = {**page.data["executions"][0], "surprise": "hunter2", "itemCount": "hunter2"}
    data: list[tuple[From, Any]] = [
        (From.CHILDREN, {"executions": [item, "hunter2"], "more": "hunter2"}),
        (From.CHILDREN, {"executions": "hunter2"}),
        (From.MAP_RUN, {**run.data, "status": "hunter2", "maxConcurrency": "hunter2"}),
        (From.MAP_RUN, {**run.data, "executionCounts": {"failed": "hunter2", "x": 9}}),
        (
            From.MAP_RUN,
            {**run.data, "itemCounts": ["hunter2"], "extra": {"hunter2": 1}},
        ),
    ]
    records = [Received(START, source, None, each) for source, each in data]
    assert "hunter2" not in text_of(redact(of(*records)))


def test_the_words_of_lanes_of_children_are_kept() -> None:
    records = [
        health("children", "ended", 5),
        health("children", "live", 6, source="map-run"),
    ]
    again = redact(of(*records))
    assert [r.data for r in again.records] == [r.data for r in records]


# -- imported ----------------------------------------------------------------------


def put(folder: Path, name: str, *values: Any) -> Path:
    path = folder / name
    path.write_text("\n".join(json.dumps(value) for value in values))
    return path


def files_of(folder: Path, records: list[Received]) -> list[Path]:
    """Write what the AWS CLI would: a file for each history, and for each answer."""
    histories: dict[str, list[Any]] = {}
    paths = []
    for number, record in enumerate(records):
        if record.source == From.HISTORY:
            histories.setdefault(record.execution_arn or "", []).append(record.data)
        else:
            paths.append(put(folder, f"answer-{number}.json", record.data))
    for number, (arn, events) in enumerate(histories.items()):
        known = dict(described(arn, status="SUCCEEDED").data)
        known["startDate"] = events[0]["timestamp"]
        known["stopDate"] = events[-1]["timestamp"]
        if "Failed" in events[-1]["type"]:
            known["status"] = "FAILED"
        paths.append(put(folder, f"{number}.json", {"events": events}, known))
    return paths


def test_what_the_cli_wrote_of_a_map_run_is_put_together(tmp_path: Path) -> None:
    recording = open_files(files_of(tmp_path, photos()))
    trace = trace_of(recording.records)
    assert list(trace.timelines) == [execution(0)]
    assert len(trace.children) == 2
    assert len(trace.listed) == 4
    assert trace.map_runs[RUN].status == "SUCCEEDED", "of answers without a time, too"
    assert trace.listed[child_of_run(0, 0)].failed
    assert not trace.unread


def test_a_list_alone_is_worth_opening(tmp_path: Path) -> None:
    page = listing(RUN, (child_of_run(0, 0), "FAILED")).data
    path = put(tmp_path, "list.json", {**page, "nextToken": "more"})
    imported = import_json(path, path.read_text())
    assert imported.more
    assert [r.source for r in imported.calls] == [From.CHILDREN]
    assert trace_of(imported.calls).listed[child_of_run(0, 0)].failed


def test_an_empty_list_is_one_of_nothing(tmp_path: Path) -> None:
    imported = import_json(tmp_path / "x", json.dumps({"executions": []}))
    assert not trace_of(imported.calls).listed


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"executions": [{"executionArn": execution(0)}]}, "but of no Map Run"),
        ({"executions": ["x"]}, "but of no Map Run"),
        ({"executions": {}}, "not a file sfnwatch knows"),
        ({"mapRunArn": 7, "executionCounts": {}}, "a Map Run without an ARN"),
        ({"mapRuns": []}, "not a file sfnwatch knows"),
    ],
)
def test_a_list_that_is_of_no_map_run_says_so(
    value: Any, says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadFileError, match=says):
        import_json(tmp_path / "list.json", json.dumps(value))


@needs_fixtures
def test_the_recorded_answer_of_describe_map_run_is_imported(tmp_path: Path) -> None:
    path = FOLDER / "api-localstack" / "map_run_list_and_describe.json"
    answer = load(path)["recorded"]["describe_map_run"]
    (received,) = import_json(tmp_path / "x.json", json.dumps(answer)).calls
    (told,) = trace_of([received]).map_runs.values()
    assert (told.status, told.executions.total, told.executions.done) == (
        "SUCCEEDED",
        2,
        2,
    )
    assert (told.max_concurrency, told.tolerated_failure_percentage) == (1, 0.0)


def test_an_imported_trace_is_that_of_the_recording_but_for_when_it_was_seen(
    tmp_path: Path,
) -> None:
    recorded = trace_json(trace_of(photos()))
    imported = trace_json(trace_of(open_files(files_of(tmp_path, photos())).records))
    for one, other in zip(recorded["executions"], imported["executions"], strict=True):
        assert one["arn"] == other["arn"]
        assert one["parent"] == other["parent"]
        assert one["visits"] == other["visits"]
    assert recorded["map_runs"] == imported["map_runs"]
