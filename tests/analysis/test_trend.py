"""Usual lengths and failures over many executions, and where one stands."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.analysis.quantities import times_words
from sfnwatch.analysis.trend import ExecutionLengths, Percentiles, Trend, percentiles
from sfnwatch.analysis.trend_document import trend_document
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json.trend import trend_json
from sfnwatch.model.trace import Trace
from tests.analysis.finding_in import LAMBDA_INVOKE
from tests.builders import ARN, MACHINE_ARN, History, at, redriven_run

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


def test_where_nothing_succeeded_no_length_is_usual() -> None:
    trend = Trend(MACHINE_ARN, [measured(ran(10, fails=True))], measured(ran(31)))
    assert trend.usual == trend.states[0].usual == Percentiles()
    assert trend.times_usual is None
    text = text_of(trend)
    assert "None succeeded, so no usual length is known." in text
    assert "run-7f3a succeeded after 31.5 s." in text


def test_the_time_before_a_redrive_does_not_count() -> None:
    trace = Trace()
    trace.add(redriven_run())
    execution = trace.as_of().executions[ARN]
    assert execution.started_at is not None
    assert execution.stopped_at is not None
    whole = (execution.stopped_at - execution.started_at).total_seconds()
    lengths = ExecutionLengths.of(execution, at(0))
    assert execution.paused_seconds > 600
    assert lengths.seconds == pytest.approx(whole - execution.paused_seconds)


def test_an_alias_and_a_map_run_are_called_by_their_whole_names() -> None:
    alias = f"{MACHINE_ARN}:prod"
    assert text_of(Trend(alias, [])).startswith("nightly-report:prod ")


def test_what_could_not_be_read_is_counted() -> None:
    trend = Trend(MACHINE_ARN, [measured(ran(10))], unread=2)
    assert "2 histories could not be read, and are left out." in text_of(trend)
    assert trend_json(trend)["unread"] == 2


def test_a_ratio_is_never_nothing() -> None:
    words = [times_words(ratio) for ratio in (0.001, 0.05, 1.0, 3.14)]
    assert words == ["< 0.01 ×", "0.05 ×", "1.0 ×", "3.1 ×"]


def test_a_given_execution_stands_beside_its_usual() -> None:
    others = [measured(ran(seconds)) for seconds in (10, 10, 11)]
    trend = Trend(MACHINE_ARN, others, measured(ran(31)))
    assert trend.times_usual == pytest.approx(3.0, abs=0.1)
    (work,) = trend.states
    assert work.count == 3, "it does not count itself"
    assert work.times_usual == pytest.approx(3.0, abs=0.1)
    text = text_of(trend)
    assert "run-7f3a succeeded after 31.5 s: 3.0 × its usual 10.5 s." in text
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
    nothing = Trend(MACHINE_ARN, [])
    assert "AWS lists no finished execution; it lists them for 90" in text_of(nothing)
    out = StringIO()
    write_text(trend_document(nothing, at(0)), out, 100)
    assert "that was started since 2023-11-15 00:28 UTC." in out.getvalue()
    alone = text_of(Trend(MACHINE_ARN, [], measured(ran(31))))
    assert "run-7f3a succeeded after 31.5 s." in alone
    assert "no other finished execution" in alone


def test_names_that_strangers_chose_are_cleaned() -> None:
    run = History().start().state("\x1b]0;x\x07A").end()
    text = text_of(Trend(MACHINE_ARN, [measured(run)]))
    assert text.isprintable()
