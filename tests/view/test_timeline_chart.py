"""The timeline's bars: which there are, what they are drawn of, and what they say."""

from collections.abc import Iterable, Mapping
from functools import partial

from sfnwatch.analysis.phases import Phase
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.records import Received
from sfnwatch.view.bar_notes import bar_notes
from sfnwatch.view.parts import plain_text
from sfnwatch.view.timeline_bars import Bar, BarKind
from sfnwatch.view.timeline_chart import TimelineChart
from tests import builders as aws
from tests.model.answers import trace_of
from tests.tui.screens import recorded


def chart_of(records: Iterable[Received], now: float = 4000) -> TimelineChart:
    return TimelineChart(trace_of(*records).as_of(), aws.at(now))


def names(chart: TimelineChart, folds: Mapping[str, bool] | None = None) -> list[str]:
    """Write the lines as a tree: `├ [2] Label`."""
    bars = chart.lines(folds or {})
    return [f"{bar.guides}{bar.name}" for bar in bars]


def bar_of(chart: TimelineChart, name: str, **folds: bool) -> Bar:
    return next(bar for bar in chart.lines(folds) if bar.name == name)


def notes(chart: TimelineChart, name: str) -> str:
    return plain_text(bar_notes(chart, bar_of(chart, name)))


def test_a_map_of_many_begins_folded_and_shows_how_many_ran_at_once() -> None:
    work = partial(aws.History.state, name="Work")
    run = aws.History().start().map("Each", *[work] * 30)
    chart = chart_of(run.end().records)
    line = bar_of(chart, "Each")
    assert line.open is False
    assert len(chart.crowd(line)) == 30
    assert notes(chart, "Each") == "30 items"
    opened = bar_of(chart, "Each", **{line.key: False})
    assert opened.open
    assert not chart.crowd(opened)


def test_a_job_is_drawn_by_phase_with_its_polls_and_how_its_end_was_learned() -> None:
    chart = chart_of(aws.sync_run())
    line = bar_of(chart, "ECS RunTask")
    phases = [segment.phase for segment in chart.segments(line)]
    # Waits to be called, works, has ended without Step Functions knowing, is left.
    assert phases == [
        *(Phase.WAITING, Phase.WORKING, Phase.COMPLETION_LAG, Phase.WAITING)
    ]
    roles = [tick.role for tick in chart.ticks(line)]
    assert roles == [CallRole.ACTION, *[CallRole.POLL] * 5]
    # An action was not made before its state was entered, whatever its second.
    assert chart.ticks(line)[0].at >= line.begin
    (end,) = chart.ends(line)
    assert end.completion is not None
    assert notes(chart, "ECS RunTask") == "5 polls  ◀ event 1.9 s"
    assert line.length == "5m 09s"


def test_the_executions_of_a_map_run_are_counted_with_what_is_not_read() -> None:
    chart = chart_of(aws.photos(6, failing=1, read=2))
    assert notes(chart, "Each") == "✘ 1  ✔ 5 of 6"
    *_, failed, read, more = chart.lines({})
    assert failed.status == "failed"
    assert read.status == "succeeded"
    assert more.name == "4 more, not read"
    assert len(chart.crowd(more)) == 4
    assert plain_text(bar_notes(chart, more)) == "✔ 4"


def test_what_a_state_started_stands_below_it_folded() -> None:
    chart = chart_of(aws.nested_run())
    assert names(chart) == ["Ask", "└ archive › run-7f3a-child"]
    child = chart.lines({})[1]
    assert child.open is False
    assert names(chart, {child.key: False})[-1] == "  └ Archive"


def test_a_task_s_life_as_ecs_told_it_stands_below_its_state() -> None:
    chart = chart_of([*aws.sync_run(), *aws.task_life()])
    task = chart.lines({})[1]
    assert task.name == "task 9f018ef6"
    phases = [segment.phase for segment in chart.segments(task)]
    assert phases == [Phase.WAITING, Phase.WAITING, Phase.WORKING, Phase.WAITING]
    assert [end.status for end in chart.ends(task)] == ["succeeded"]


def test_a_bar_that_runs_grows_to_now_and_has_no_end() -> None:
    run = aws.History().start().task("Import", submitted={}, lasts=200).records
    chart = chart_of([aws.describe("RUNNING"), *run[:-2]], now=100)
    line = bar_of(chart, "Import")
    assert line.end == aws.at(100)
    assert chart.segments(line)[-1].open
    assert not chart.ends(line)


def test_a_redriven_execution_has_a_bar_that_breaks_where_it_was_over() -> None:
    chart = chart_of(recorded("demo-redrive"))
    whole = chart.lines({})[0]
    assert whole.kind is BarKind.EXECUTION
    phases = [segment.phase for segment in chart.segments(whole)]
    assert phases == [Phase.CONTAINER, Phase.STOPPED, Phase.CONTAINER]


def test_a_visit_and_an_execution_lead_to_their_bar() -> None:
    chart = chart_of([*aws.sync_run(), *aws.task_life()])
    assert chart.bar_of(aws.ARN, 2) is chart.bars[f"{aws.ARN}#2"]
    assert chart.bar_of(aws.ARN, 0) is chart.roots[0]
    assert chart.bar_of("nothing", 1) is None
    nested = chart_of(aws.nested_run()).bar_of(aws.CHILD_ARN, 0)
    assert nested is not None
    assert nested.kind is BarKind.EXECUTION


def test_a_filter_leaves_its_states_and_what_is_around_them() -> None:
    chart = chart_of(recorded("demo-pipeline"))
    wanted = bar_of(chart, "[2] Label")
    left = chart.lines({}, [(wanted.execution_arn, wanted.visits[0].id)])
    assert [line.name for line in left] == ["Each parcel", "[2] Label"]
    assert chart.lines({}, []) == []


def test_without_any_history_there_is_no_bar() -> None:
    assert chart_of([]).lines({}) == []
    (line,) = chart_of([aws.describe("RUNNING")], now=9).lines({})
    assert line.begin == aws.at(0)


def test_where_room_is_scarce_what_is_over_and_well_is_folded_the_smoothest_first() -> (
    None
):
    chart = chart_of(recorded("demo-pipeline"))

    def opened(room: int | None, **folds: bool) -> list[str]:
        lines = chart.lines(folds, room=room)
        return [line.name for line in lines if line.open]

    assert opened(None) == opened(14) == ["Prepare", "Each parcel", "Ship"]
    assert opened(12) == ["Each parcel", "Ship"]
    # In one of its items a try failed: that is worth its rows for as long as can be.
    assert opened(11) == ["Each parcel"]
    assert opened(7) == opened(1) == []
    prepare = bar_of(chart, "Prepare").key
    assert opened(7, **{prepare: False}) == ["Prepare"]


def test_what_runs_or_failed_is_not_folded_for_want_of_room() -> None:
    chart = chart_of(recorded("demo-failure"))
    assert chart.lines({}, room=1) == chart.lines({})


def test_a_folded_map_names_each_error_once() -> None:
    chart = chart_of(recorded("demo-distributed"))
    key = bar_of(chart, "Each photo").key
    line = bar_of(chart, "Each photo", **{key: True})
    assert "UnreadableImage ×3" in plain_text(bar_notes(chart, line))
