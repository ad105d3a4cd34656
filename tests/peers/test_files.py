"""What others recorded, in files as AWS's tools write them: opened and explained."""

import json
from io import StringIO
from pathlib import Path

import pytest

from sfnwatch.analysis.report import explain, report
from sfnwatch.export.text import cell_width, write_text
from tests.analysis.finding_in import trace_of
from tests.golden.inputs import FIXTURES, calls, fixture_cases
from tests.model.answers import differences, visit_answers
from tests.model.test_recorded import STATUSES, events_of, read, told
from tests.peers.fixtures import files, needs_fixtures, opened
from tests.recording.files import put

HISTORIES = files("history-*/*.json")
CASES = [name for name in fixture_cases() if not name.startswith(("list", "status"))]


@pytest.mark.parametrize("path", HISTORIES)
def test_a_history_as_the_cli_writes_it_gives_the_same(
    path: Path, tmp_path: Path
) -> None:
    events = events_of(path)
    trace = opened(put(tmp_path / "history.json", {"events": events}))
    (execution,) = trace.as_of().executions.values()
    assert execution.name == "history"
    visits, expected = execution.visits, read(*told(events)).visits
    assert list(map(visit_answers, visits)) == list(map(visit_answers, expected))


@pytest.mark.parametrize("path", HISTORIES)
def test_every_history_is_explained_with_a_verdict_and_a_table(path: Path) -> None:
    events = events_of(path)
    found = report(trace_of(*told(events)).as_of())
    (execution,) = found.executions
    status = STATUSES.get(events[-1]["type"], "RUNNING")
    assert execution.verdict.status == status
    kinds = [event["type"] for event in events]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    assert sum(row.visits for row in execution.states) == entered
    scheduled = sum(kind.endswith("Scheduled") for kind in kinds)
    assert sum(row.tries for row in execution.states) == scheduled
    for width in (80, 200):
        out = StringIO()
        write_text(explain(found), out, width)
        _, verdict, *_ = lines = out.getvalue().splitlines()
        assert verdict.split()[0].rstrip(".") == status
        assert max(map(cell_width, lines)) <= width


@needs_fixtures
@pytest.mark.parametrize("kind", ["cloudtrail-docs", "cloudtrail-real"])
def test_the_file_of_a_trail_holds_the_records_that_were_put_into_it(
    kind: str, tmp_path: Path
) -> None:
    for path in calls(kind, FIXTURES, tmp_path):
        content = json.loads(path.read_text())
        inner = (json.loads(e["CloudTrailEvent"]) for e in content.get("Events", ()))
        expected = {each["eventID"]: each for each in inner}
        for each in content.get("Records", ()):
            expected.setdefault(each["eventID"], each)  # AWS's example repeats one id
        trace = opened(path)
        found = {c.event_id: trace.cloudtrail_record(c) for c in trace.ordered_calls}
        assert not differences(found, expected)


@needs_fixtures
@pytest.mark.parametrize("name", CASES)
def test_whatever_opens_is_explained(name: str, tmp_path: Path) -> None:
    trace = opened(*fixture_cases()[name](FIXTURES, tmp_path))
    out = StringIO()
    write_text(explain(report(trace.as_of())), out)
    for execution in trace.as_of().roots.values():
        assert execution.name in out.getvalue()
