"""The suite measures something: its cheap rows, on small sizes.

Times are not judged: a machine under load would fail what is right.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.timeline import Trace, extend
from tests.benchmarks import made
from tests.benchmarks.bench import Figure
from tests.benchmarks.measure import FailedError, quantile, ratio, run, slope
from tests.benchmarks.table import growth

START = datetime(2026, 1, 1, tzinfo=UTC)


@settings(max_examples=25)
@given(count=st.integers(6, 40).map(lambda n: 2 * n), ended=st.booleans())
def test_a_history_has_as_many_events_as_asked_for(count: int, *, ended: bool) -> None:
    events = list(made.history(count, start=START, ended=ended))
    assert [event["id"] for event in events] == list(range(1, count + 1))
    assert [event["timestamp"] for event in events] == sorted(
        event["timestamp"] for event in events
    )
    assert events[-1]["type"] == ("ExecutionSucceeded" if ended else "WaitStateEntered")


def test_what_is_made_is_read_as_what_it_stands_for() -> None:
    trace = extend(Trace(), made.records(400, 800))
    (timeline,) = trace.timelines.values()
    rules = {str(link.rule) for link in trace.links.values()}
    assert (len(timeline.events), len(trace.calls)) == (400, 800)
    assert not trace.unread
    assert timeline.status == "SUCCEEDED"
    assert {visit.status for visit in timeline.visits} == {"succeeded"}
    assert rules == {"request-id", "resource-id", "role-only"}


def test_what_is_known_and_what_comes_next_make_one_history() -> None:
    known, new = made.growing(400, 10, 50)
    whole = extend(extend(Trace(), known), new)
    (timeline,) = whole.timelines.values()
    assert sorted(timeline.events) == list(range(1, 451))
    assert len(new) == 50


def test_a_recording_is_written_once(tmp_path: Path) -> None:
    path = made.record(tmp_path / "a.sfnwatch.jsonl", 40, 10)
    written = path.stat().st_mtime_ns
    assert made.record(path, 40, 10).stat().st_mtime_ns == written
    assert len(path.read_text().splitlines()) == 1 + 2 + 40 + 10


def test_a_slope_is_that_of_the_growth() -> None:
    assert slope([(n, 3 * n**2) for n in (10, 100, 1000)]) == pytest.approx(2)
    assert slope([(n, 7.0) for n in (10, 100)]) == pytest.approx(0)
    assert slope([(10, 1.0), (10, 2.0)]) is None
    figures = [Figure("row", "it", (n / 2, n, n * 9), size=n) for n in (10, 1000)]
    assert growth(figures) == {("row", "it"): pytest.approx(1)}


def test_ratios_are_of_pairs() -> None:
    assert ratio([1, 20, 3], [2, 10, 6]) == pytest.approx(0.5)
    assert quantile([5, 1, 9, 3], 0.5) == 5
    assert quantile([5, 1, 9, 3], 0.99) == 9


def test_a_program_that_fails_is_no_measure() -> None:
    with pytest.raises(FailedError, match="why it did"):
        run((sys.executable, "-c", "import sys; sys.exit('why it did')"))
    assert run((sys.executable, "-c", "print(1)"), keep=True).out == "1\n"


def test_the_memory_of_a_program_is_its_own() -> None:
    ballast = b"x" * 100_000_000
    told = run(
        (sys.executable, "-c", "import tests.benchmarks.told as t; print(t.rss())"),
        keep=True,
    )
    for rss in (told.rss, int(told.out)):
        assert 1_000_000 < rss < len(ballast) / 2
    assert run((sys.executable, "-c", "b'x' * 60_000_000")).rss > 60_000_000


def test_cheap_rows_are_measured(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    rows = ("version", "poll", "extend")
    command = (sys.executable, "-m", "tests.benchmarks", *rows, "--quick")
    options = ("--scratch", str(tmp_path / "scratch"), "--json", str(out))
    done = subprocess.run(
        (*command, *options), capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())
    assert {figure["row"] for figure in told["figures"]} == set(rows)
    assert all(min(figure["values"]) >= 0 for figure in told["figures"])
    assert all("quick run" in skipped["why"] for skipped in told["skipped"])
    assert any(s["what"] == "extend, batch of 100" for s in told["slopes"])
    assert "Measured" in done.stdout
