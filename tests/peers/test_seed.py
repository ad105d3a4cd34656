"""The experiment that the tool grew out of, from its own rows: files in, sentences out.

What the rows say alone is in the tests of findings; here a history is beside them,
whose events and payloads are recorded and whose times, role and task are the run's.
"""

from io import StringIO
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.analysis.finding import Certainty, Finding
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import explain, report
from sfnwatch.export.text import write_text
from tests.analysis.finding_in import by_kind, reasons
from tests.golden.inputs import FIXTURES, seed
from tests.peers.fixtures import needs_fixtures, opened

pytestmark = needs_fixtures

SYNC, DENIED = 0, 1
"""Runs of the experiment, by their place in the rows."""


def found(*paths: Path) -> dict[str, list[Finding]]:
    return by_kind(find(opened(*paths).as_of()))


def one(findings: dict[str, list[Finding]], kind: str) -> Finding:
    (finding,) = findings[kind]
    return finding


def without_the_last_row(table: Path, *, at: str) -> str:
    """Have the last row's call made at another time, and give the row it was."""
    *rows, last = table.read_text().splitlines()
    event_time = last.split(",")[0]
    moved = last.replace(event_time, f'"{at}"').replace("ListTasks", "DescribeTasks")
    table.write_text("\n".join([*rows, moved, ""]))
    return last


def test_rows_alone_open_as_athena_wrote_them(tmp_path: Path) -> None:
    trace = opened(*seed(None, FIXTURES, tmp_path))
    now = trace.as_of()
    assert not now.executions
    assert [call.event_name for call in now.calls].count("RunTask") == 4
    assert [call.error_code for call in now.calls].count("AccessDenied") == 5
    assert (len(now.calls), len({call.role for call in now.calls})) == (14, 3)
    for call in now.calls:
        assert trace.cloudtrail_record(call)["eventName"] == call.event_name


@pytest.mark.parametrize(
    ("run", "rules"),
    [
        (SYNC, ["unique-candidate"] * 6),
        # Only the words of a denial name the task.
        (DENIED, ["unique-candidate", *["resource-id"] * 5]),
    ],
)
def test_its_rows_are_matched_to_the_history_opened_with_them(
    run: int, rules: list[str], tmp_path: Path
) -> None:
    trace = opened(*seed(run, FIXTURES, tmp_path))
    links = [(c.event_name, trace.links[c.event_id]) for c in trace.ordered_calls]
    matched = [(name, str(link.rule)) for name, link in links if link.key]
    names = ["RunTask", *["DescribeTasks"] * 5]
    assert matched == list(zip(names, rules, strict=True))


def test_with_the_history_the_denials_did_not_decide_the_outcome(
    tmp_path: Path,
) -> None:
    told = found(*seed(DENIED, FIXTURES, tmp_path))
    denied, polling = one(told, "denied-but-succeeded"), one(told, "polling")
    # Its rows end before the execution does.
    assert denied.text.startswith("5 of 5 polls for ecstask were denied so far, yet it")
    assert "the EventBridge managed rule StepFunctionsGetEventsForECSTaskRule" in (
        denied.text
    )
    assert (denied.data["count"], denied.data["polls"]) == (5, 5)
    assert polling.data["intervals"] == [56, 66, 55, 61]
    assert polling.certainty is Certainty.FACT
    assert "denied-unknown" not in told


def test_the_history_alone_tells_how_long_it_took_and_not_who_told(
    tmp_path: Path,
) -> None:
    _, history = seed(SYNC, FIXTURES, tmp_path)
    told = found(history)
    learned = one(told, "noticed")
    assert (learned.data["by"], learned.certainty) == ("unknown", Certainty.FACT)
    assert learned.data["seconds"] == pytest.approx(2.06)
    assert set(reasons(told)) == {"no-cloudtrail"}
    assert "polling" not in told


def test_calls_past_the_end_tell_who_told_it(tmp_path: Path) -> None:
    table, history = seed(SYNC, FIXTURES, tmp_path)
    learned: dict[str, Any] = dict(one(found(table, history), "noticed").data)
    assert (learned["by"], learned["stopped_at"]) == (
        "event",
        "2023-11-15T00:33:28.000Z",
    )
    after = without_the_last_row(table, at="2023-11-15T00:33:29Z")
    with table.open("a") as file:
        file.write(f"{after}\n")
    # A row that names no job may be another's poll.
    assert one(found(table, history), "noticed").data["by"] == "unknown"


def test_the_same_files_give_the_same_text_in_any_order(tmp_path: Path) -> None:
    paths = seed(DENIED, FIXTURES, tmp_path)
    texts = set()
    for ordered in (*permutations(paths), (*paths, *paths)):
        out = StringIO()
        write_text(explain(report(opened(*ordered).as_of())), out)
        texts.add(out.getvalue())
    assert len(texts) == 1
