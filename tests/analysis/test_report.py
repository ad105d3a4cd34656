"""A trace explained: how it ended, where the time went, in which order it is told."""

from itertools import pairwise

import pytest
from hypothesis import given, settings

from sfnwatch.analysis.critical_path import critical_path
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.phases import end_of, segments
from sfnwatch.analysis.report import ROWS, Report
from sfnwatch.analysis.report_document import explain
from tests.analysis.finding_in import LAMBDA_INVOKE, reported, text_of, trace_of
from tests.analysis.situations import caught_and_failed
from tests.builders import ARN, History, at, definition, request, sync_history, sync_run
from tests.model.worlds import WORLDS, World

# -- states ----------------------------------------------------------------------------


def test_very_many_states_are_not_all_listed_and_told_of_in_one_sentence() -> None:
    run = History().start()
    for number in range(200):
        run.task(f"S{number}", LAMBDA_INVOKE)
    told = reported(*run.end().records)
    (execution,), text = told.executions, text_of(explain(told))
    assert (len(execution.states), execution.left_out) == (ROWS, 200 - ROWS)
    assert "100 more states not listed." in text
    (line,) = [line for line in text.splitlines() if "Request Response" in line]
    assert "200 states (S0, S1, S2 and 197 more) use lambda:invoke, Request" in line
    assert text.count("lambda:invoke") < 210, "the table of states names it, too"


# -- the document ----------------------------------------------------------------------


def test_a_screen_that_has_a_table_of_its_own_is_spared_the_other() -> None:
    snapshot = trace_of(*sync_run()).as_of()
    told = Report(snapshot, find(snapshot), with_states=False)
    assert "State " not in text_of(explain(told))
    assert "Critical path" in text_of(explain(told))


# -- the headline ----------------------------------------------------------------------


def test_the_headline_of_a_replay_does_not_tell_the_end() -> None:
    early = trace_of(*caught_and_failed()).as_of(at(1))
    assert "failed" not in Report(early).headline


# -- where the time went ---------------------------------------------------------------


def test_what_follows_a_failure_is_back_off_only_if_the_definition_retries() -> None:
    run = History().start()
    run.add("TaskStateEntered", name="Work")
    run.add("TaskScheduled", **LAMBDA_INVOKE)
    run.add("TaskFailed", error="E", **LAMBDA_INVOKE)
    for retries, phase in (([], "waiting"), ([{"ErrorEquals": ["E"]}], "backing off")):
        known = definition({"Work": {"Type": "Task", "Retry": retries}})
        execution = trace_of(*run.records, known).as_of().executions[ARN]
        (visit,) = execution.visits
        divided = segments(execution, visit, at(60))
        assert divided[-1].phase == phase


# -- where events are missing ----------------------------------------------------------


def test_a_watched_run_goes_on_until_the_last_that_came_in_or_until_now() -> None:
    records = [*sync_history()[:5], request(182)]
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
        steps = critical_path(execution.visits, now)
        for before, after in pairwise(steps):
            assert end_of(before, now) <= after.entered_at
