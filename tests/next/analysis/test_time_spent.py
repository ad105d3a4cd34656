"""Where the time went, each second counted once along the critical path."""

from itertools import pairwise

import pytest
from hypothesis import given, settings

from sfnwatch.next.analysis.phases import end_of
from sfnwatch.next.analysis.time_spent import critical_path
from sfnwatch.next.model.records import Received
from tests.next.analysis.finding_in import (
    LAMBDA_INVOKE,
    explained,
    found,
    reported,
    trace_of,
)
from tests.next.builders import (
    History,
    at,
    describe,
    photos,
    redriven_run,
    request,
    sync_history,
    sync_run,
    undated,
)
from tests.next.model.worlds import WORLDS, World


def test_a_run_s_time_is_divided() -> None:
    (time,) = found(*sync_run())["time"]
    assert time.text == (
        "Critical path, 5m 09s: 5m 06s working, 1.2 s waiting, 1.9 s completion lag and"
        " 0.06 s between states."
    )
    assert time.evidence == ("#1", "#8")
    assert time.data == {
        "seconds": 309.05,
        "working": 305.9,
        "waiting": 1.19,
        "backing_off": 0,
        "noticing": 1.9,
        "around": 0,
        "between": 0.06,
        "counted": "slowest path",
    }


def test_of_a_parallel_the_branch_that_ended_last_counts() -> None:
    run = History(pace=0).start()
    run.add("ParallelStateEntered", name="Fan", wait=1)
    started = run.add("ParallelStateStarted")
    quick = run.add("TaskStateEntered", after=started, name="Quick")
    slow = run.add("TaskStateEntered", after=started, name="Slow")
    quick = run.add("TaskScheduled", after=quick, **LAMBDA_INVOKE)
    slow = run.add("TaskScheduled", after=slow, **LAMBDA_INVOKE)
    quick = run.add("TaskStarted", after=quick, **LAMBDA_INVOKE)
    slow = run.add("TaskStarted", after=slow, **LAMBDA_INVOKE)
    run.add("TaskSucceeded", after=quick, wait=3, **LAMBDA_INVOKE)
    run.add("TaskStateExited", name="Quick")
    run.add("TaskSucceeded", after=slow, wait=5, **LAMBDA_INVOKE)
    last = run.add("TaskStateExited", name="Slow")
    run.add("ParallelStateSucceeded")
    run.add("ParallelStateExited", after=last, name="Fan")
    told = found(*run.state("Nap", "Wait", wait=2).end().records)
    (time,) = told["time"]
    assert "(parallel time counted once): 8 s working, 2 s waiting" in time.text
    (slowest,) = told["slowest-path"]
    assert slowest.text == "Fan[1] / Slow (8 s) took most of the time, then Nap (2 s)."
    assert [step["path"] for step in slowest.data["steps"]] == [
        "Main / Fan[1] / Slow",
        "Main / Nap",
    ]


def test_an_iteration_that_waited_for_its_turn_follows_the_one_before() -> None:
    each = [lambda it: it.task("Work", LAMBDA_INVOKE, lasts=10)] * 3
    (slowest,) = found(*History().start().map("Each", *each).records)["slowest-path"]
    paths = [step["path"] for step in slowest.data["steps"]]
    assert paths == [f"Main / Each[{index}] / Work" for index in range(3)]


def test_what_is_less_than_a_hundredth_is_not_named() -> None:
    run = History().start().state("Prepare")
    run.task("Write", LAMBDA_INVOKE, lasts=210).state("Sent")
    (slowest,) = found(*run.end().records)["slowest-path"]
    assert slowest.text == "Write (3m 30s) took most of the time."
    assert len(slowest.data["steps"]) == 3


def test_where_several_took_alike_they_are_the_critical_path() -> None:
    run = History().start()
    for name in ("A", "B", "C", "D"):
        run.task(name, LAMBDA_INVOKE, lasts=10)
    (slowest,) = found(*run.end().records)["slowest-path"]
    assert slowest.text == (
        "The critical path was A (10.3 s), B (10.3 s), C (10.3 s), and 1 shorter visit."
    )


def test_where_very_many_took_alike_none_decided_the_length() -> None:
    run = History().start()
    for number in range(12):
        run.task(f"S{number}", LAMBDA_INVOKE)
    told = found(*run.end().records)
    assert "time" in told
    assert "slowest-path" not in told


def test_a_map_run_s_time_says_nothing_that_is_worth_a_sentence() -> None:
    assert "time" in found(*photos())
    assert "Critical path" not in explained(*photos())


def test_what_lies_between_an_end_and_a_redrive_is_told_apart() -> None:
    (time,) = found(*redriven_run())["time"]
    assert time.text.endswith("and 12m 00s stopped until it was redriven.")
    assert time.data["stopped"] == 720


# -- where events are missing ----------------------------------------------------------


def cut_off(*, status: str | None = "SUCCEEDED") -> list[Received]:
    """Build the first page of a run of 309 s: what came after 1.2 s is not here."""
    described = [describe(status)] if status else []
    return [undated(record) for record in (*sync_history()[:5], *described)]


def test_a_history_that_is_cut_is_told_up_to_its_last_event() -> None:
    told = found(*cut_off())
    (time,) = told["time"]
    assert time.text.startswith(
        "Critical path, 1.2 s up to #5, the last event loaded: "
    )
    assert "slowest-path" not in told
    (execution,) = reported(*cut_off()).executions
    assert execution.states[0].seconds == pytest.approx(1.17)
    assert execution.verdict.seconds == 309.05


def test_of_states_whose_ends_are_missing_no_time_is_told() -> None:
    page = [*cut_off(status=None), undated(sync_history()[-1])]
    assert "time" not in found(*page)
    (execution,) = reported(*page).executions
    assert execution.states[0].seconds == pytest.approx(1.17)


def test_a_watched_run_goes_on_until_the_last_that_came_in_or_until_now() -> None:
    records = [*sync_history()[:5], request(182)]
    (time,) = found(*records)["time"]
    assert time.text.startswith("Critical path, 3m 02s so far: ")
    (time,) = found(*records, now=at(200))["time"]
    assert time.data["seconds"] == 200
    (execution,) = reported(*records, now=at(200)).executions
    assert execution.states[0].seconds == pytest.approx(199.97)
    assert execution.verdict.text == "RUNNING for 3m 20s so far, in ECS RunTask."


# -- laws ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(WORLDS)
def test_steps_of_the_critical_path_follow_on_each_other(world: World) -> None:
    for execution in trace_of(*world.records).as_of().executions.values():
        if not execution.events:
            continue
        now = max(event.at for event in execution.events)
        steps = critical_path(execution.visits, now).steps
        for before, after in pairwise(steps):
            assert end_of(before, now) <= after.entered_at
