"""The suite measures something: every row, on small sizes.

Times are not judged: a machine under load would fail what is right.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.trace import Trace
from tests.benchmarks import made
from tests.benchmarks.__main__ import main
from tests.benchmarks.bench import FailedError, run
from tests.benchmarks.rows import QUIET, ROWS


def test_what_is_made_is_read_as_what_it_stands_for() -> None:
    trace = Trace()
    trace.add(tuple(made.records(400, 800)))
    (execution,) = trace.as_of().executions.values()
    rules = {str(link.rule) for link in trace.links.values() if link.rule}
    assert (len(execution.events), len(trace.calls)) == (400, 800)
    assert execution.status == "SUCCEEDED"
    assert rules == {"request-id", "resource-id", "role-only"}


def test_a_program_that_fails_is_no_measure() -> None:
    with pytest.raises(FailedError, match="why it did"):
        run((sys.executable, "-c", "import sys; sys.exit('why it did')"))
    assert run((sys.executable, "-c", "print(1)"), keep=True).out == "1\n"


def test_the_memory_of_a_program_is_its_own() -> None:
    ballast = b"x" * 100_000_000
    assert run((sys.executable, "-c", "pass")).rss < len(ballast) / 2
    assert run((sys.executable, "-c", "b'x' * 60_000_000")).rss > 60_000_000


@pytest.mark.timeout(900)
def test_every_row_is_measured_beside_the_least_there_is(tmp_path: Path) -> None:
    told = measured(tmp_path)
    assert told["failed"] == {}
    figures = {(each["name"], each["who"]): each for each in told["figures"]}
    expected = {name for row in ROWS.values() for name in row.figures}
    assert {name for name, who in figures if who == "sfnwatch"} == expected
    # In quiet seconds the kernel's clock may count no tick, and there is no ratio.
    none = {n for (n, _), each in figures.items() if min(each["values"]) <= 0}
    assert none <= {QUIET}
    beside = [each for (_, who), each in figures.items() if who != "sfnwatch"]
    assert len(beside) >= 5
    assert all(each["ratio"] or each["name"] == QUIET for each in beside)


@pytest.mark.timeout(900)
def test_a_row_is_measured_beside_another_edition(tmp_path: Path) -> None:
    told = measured(tmp_path, "start", "--against", sys.executable)
    ours, other = told["figures"]
    assert (ours["who"], ours["ratio"]) == ("sfnwatch", None)
    assert other["who"].startswith("sfnwatch in ")
    assert other["ratio"] > 0


def measured(folder: Path, *words: str) -> dict[str, Any]:
    """Run the suite, on small sizes; give what it writes."""
    out = folder / "out.json"
    options = ("--quick", "--scratch", str(folder / "scratch"), "--json", str(out))
    main((*options, *words), standalone_mode=False)
    told: dict[str, Any] = json.loads(out.read_text())
    return told
