"""Usual lengths and failures over many executions, and where one stands."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.analysis.trend import ExecutionLengths, Percentiles, Trend, percentiles
from sfnwatch.analysis.trend_document import trend_document
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json.trend import trend_json
from sfnwatch.model.trace import Trace
from tests.analysis.finding_in import LAMBDA_INVOKE
from tests.builders import ARN, MACHINE_ARN, History, at

lengths = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


def measured(run: History, now: float = 9999) -> ExecutionLengths:
    trace = Trace()
    trace.add(run.records)
    return ExecutionLengths.of(trace.as_of().executions[ARN], at(now))


def ran(seconds: float, *, fails: bool = False, caught: bool = False) -> History:
    run = History().start()
    error = "Torn" if fails or caught else None
    run.task("Work", LAMBDA_INVOKE, lasts=seconds, error=error, caught=caught)
    return run.end("Failed") if fails else run.end()


def text_of(trend: Trend) -> str:
    out = StringIO()
    write_text(trend_document(trend), out, 100)
    return " ".join(out.getvalue().split())


@given(lengths)
def test_percentiles_lie_among_the_lengths(every: list[float]) -> None:
    found = percentiles(every)
    assert found.p50 is not None
    assert found.p95 is not None
    slack = 1e-6 * max(every)
    assert min(every) - slack <= found.p50 <= found.p95 + slack
    assert found.p95 <= max(every) + slack
    assert sum(length <= found.p50 + slack for length in every) >= len(every) / 2


def test_without_a_length_there_is_no_usual() -> None:
    assert percentiles([]) == Percentiles()
    assert Percentiles().times_usual(5) is None
    assert Percentiles(0.0, 0.0).times_usual(5) is None
    assert percentiles([4.0]) == Percentiles(4.0, 4.0)


def test_lengths_are_those_of_what_succeeded_and_failures_are_counted() -> None:
    runs = [ran(10), ran(20), ran(30), ran(1, fails=True), ran(1, caught=True)]
    trend = Trend(MACHINE_ARN, [measured(run) for run in runs])
    (work,) = trend.states
    assert (work.name, work.type, work.count, work.failures) == ("Work", "Task", 5, 2)
    assert work.usual.p50 == pytest.approx(20, abs=1)
    assert work.usual.p95 == pytest.approx(29, abs=1)
    assert trend.statuses == {"SUCCEEDED": 4, "FAILED": 1}
    text = text_of(trend)
    assert "5 finished executions" in text
    assert "4 succeeded and 1 failed." in text
    assert "2 (40%)" in text


def test_where_nothing_succeeded_all_lengths_count() -> None:
    trend = Trend(MACHINE_ARN, [measured(ran(10, fails=True))])
    assert trend.usual.p50 == pytest.approx(10, abs=1)
    assert trend.states[0].usual == Percentiles()


def test_a_given_execution_stands_beside_its_usual() -> None:
    others = [measured(ran(seconds)) for seconds in (10, 10, 11)]
    trend = Trend(MACHINE_ARN, others, measured(ran(31)))
    assert trend.times_usual == pytest.approx(3.0, abs=0.1)
    (work,) = trend.states
    assert work.count == 3, "it does not count itself"
    assert work.times_usual == pytest.approx(3.0, abs=0.1)
    text = text_of(trend)
    assert "run-7f3a succeeded after 31.5 s: 3 × its usual 10.5 s." in text
    facts = trend_json(trend)
    assert facts["given"]["times_usual"] == pytest.approx(3.0, abs=0.1)
    assert [each["count"] for each in facts["states"]] == [3]


def test_a_running_execution_is_measured_so_far() -> None:
    run = History().start().state("A")
    run.add("TaskStateEntered", name="Work", input="{}")
    lengths = measured(run, now=100)
    assert lengths.status == "RUNNING"
    assert lengths.seconds == pytest.approx(100)
    assert list(lengths.states) == ["A"]
    trend = Trend(MACHINE_ARN, [measured(ran(10))], lengths)
    assert "run-7f3a has run for 1m 40s: 9.5 × its usual 10.5 s." in text_of(trend)


def test_with_no_other_execution_it_says_so() -> None:
    assert "AWS lists no finished execution of that time" in text_of(
        Trend(MACHINE_ARN, [])
    )
    alone = text_of(Trend(MACHINE_ARN, [], measured(ran(31))))
    assert "run-7f3a succeeded after 31.5 s." in alone
    assert "no other finished execution" in alone


def test_names_that_strangers_chose_are_cleaned() -> None:
    run = History().start().state("\x1b]0;x\x07A").end()
    text = text_of(Trend(MACHINE_ARN, [measured(run)]))
    assert text.isprintable()
