"""How a history hangs together: each rule by itself.

The rules were read off executions recorded on AWS; inferred ones say so.
"""

import pytest

from sfnwatch.trace.visits import StateVisit
from tests.trace.writing import ECS, FORK, Script, script

TASK = (
    "ExecutionStarted@0",
    "TaskStateEntered@0 A",
    f"TaskScheduled {ECS}",
    "TaskStarted",
)


def only(run: Script) -> StateVisit:
    (visit,) = run.visits
    return visit


def test_an_empty_history_has_no_visits() -> None:
    assert not list(script().visits)


def test_the_first_state_follows_event_0_and_stands_at_the_root() -> None:
    run = script("ExecutionStarted@0", "PassStateEntered@0 A", "PassStateExited A")
    visit = only(run)
    assert (visit.id, visit.path, visit.parent) == (2, "Main / A", None)
    assert (visit.status, visit.depth, visit.index) == ("succeeded", 0, None)
    assert run.visits.of_event == {2: 2, 3: 2}


def test_a_visit_lasts_from_its_entered_to_its_exited_event() -> None:
    run = script("ExecutionStarted@0", "WaitStateEntered@0 A", "WaitStateExited A")
    visit = only(run)
    assert visit.entered_at == run.at(2)
    assert visit.exited_at == visit.ended_at == run.at(3)


def test_states_of_the_main_line_follow_each_other() -> None:
    run = script(
        "ExecutionStarted@0",
        "PassStateEntered@0 A",
        "PassStateExited A",
        "ChoiceStateEntered B",
        "ChoiceStateExited B",
        "SucceedStateEntered C",
        "SucceedStateExited C",
        "ExecutionSucceeded",
    )
    assert run.statuses == {
        "Main / A": "succeeded",
        "Main / B": "succeeded",
        "Main / C": "succeeded",
    }


def test_a_state_entered_twice_is_two_visits() -> None:
    run = script(
        "ExecutionStarted@0",
        "PassStateEntered@0 A",
        "PassStateExited A",
        "PassStateEntered A",
        "PassStateExited A",
    )
    assert [visit.id for visit in run.visits] == [2, 4]


def test_a_task_goes_through_its_phases() -> None:
    run = script(*TASK, "TaskSubmitted", "TaskSucceeded", "TaskStateExited A")
    (attempt,) = only(run).attempts
    assert attempt.scheduled_at == run.at(3)
    assert attempt.started_at == run.at(4)
    assert attempt.submitted_at == run.at(5)
    assert attempt.ended_at == run.at(6)
    assert (attempt.status, attempt.event_ids) == ("succeeded", (3, 4, 5, 6))
    assert run.visits.attempt_of_event == {3: 3, 4: 3, 5: 3, 6: 3}


def test_an_uncaught_failure_has_no_exit() -> None:
    run = script(*TASK, "TaskFailed", "ExecutionFailed")
    visit = only(run)
    assert (visit.status, visit.exited_at) == ("failed", None)
    assert visit.ended_at == run.at(6)


def test_a_task_may_fail_after_its_call_succeeded() -> None:
    visit = only(script(*TASK, "TaskSucceeded", "ExecutionFailed"))
    assert (visit.status, visit.attempts[0].status) == ("failed", "succeeded")


def test_a_caught_failure_exits_and_its_handler_follows() -> None:
    caught = ("TaskFailed", "TaskStateExited A", "PassStateEntered B")
    run = script(*TASK, *caught, "PassStateExited B")
    assert run.statuses == {"Main / A": "caught", "Main / B": "succeeded"}


def test_a_timed_out_task_is_timed_out_and_if_caught_caught() -> None:
    lost = only(script(*TASK, "TaskTimedOut", "ExecutionFailed"))
    assert (lost.status, lost.attempts[0].status) == ("timed_out", "timed_out")
    caught = only(script(*TASK, "TaskTimedOut", "TaskStateExited A"))
    assert caught.status == "caught"


def test_a_fail_state_is_entered_only() -> None:
    run = script("ExecutionStarted@0", "FailStateEntered@0 A", "ExecutionFailed")
    assert (only(run).status, only(run).exited_at) == ("failed", None)


def test_a_retry_schedules_anew_without_entering_again() -> None:
    again = ("TaskFailed", f"TaskScheduled {ECS}", "TaskSucceeded", "TaskStateExited A")
    visit = only(script(*TASK, *again))
    assert [a.status for a in visit.attempts] == ["failed", "succeeded"]
    assert visit.status == "succeeded"


def test_what_is_heard_of_a_try_after_its_end_makes_no_other_try() -> None:
    (attempt,) = only(script(*TASK, "TaskFailed", "TaskPondered")).attempts
    assert attempt.event_ids == (3, 4, 5, 6)


def test_back_off_is_the_gap_between_a_failure_and_the_next_schedule() -> None:
    once = ("TaskFailed", f"TaskScheduled+30 {ECS}")
    twice = ("TaskTimedOut", f"TaskScheduled+60 {ECS}")
    visit = only(script(*TASK, *once, *twice))
    gaps = [(end - begin).total_seconds() for begin, end in visit.backoffs]
    assert gaps == [30, 60]


def test_a_task_in_back_off_when_the_execution_is_stopped_is_aborted() -> None:
    visit = only(script(*TASK, "TaskFailed", "ExecutionAborted@0"))
    assert (visit.status, visit.attempts[0].status) == ("aborted", "failed")


@pytest.mark.parametrize(
    ("ending", "status"), [("Aborted", "aborted"), ("TimedOut", "timed_out")]
)
def test_an_execution_ended_from_outside_ends_what_runs(
    ending: str, status: str
) -> None:
    run = script(*TASK, f"Execution{ending}@0")
    visit = only(run)
    assert (visit.status, visit.ended_at) == (status, run.at(5))
    assert visit.attempts[0].status == "aborted"


def test_a_failed_evaluation_follows_event_0_but_names_its_state() -> None:
    run = script(
        "ExecutionStarted@0",
        "PassStateEntered@0 A",
        "PassStateExited A",
        "PassStateEntered B",
        'EvaluationFailed@0 {"state": "B", "error": "E", "cause": "C"}',
    )
    stopped = run.then("ExecutionFailed")
    assert stopped.statuses == {"Main / A": "succeeded", "Main / B": "failed"}
    failed = stopped.visits.by_id[4]
    assert (failed.error, failed.cause) == ("E", "C")
    assert stopped.visits.of_event[5] == failed.id
    assert run.then("PassStateExited B").statuses["Main / B"] == "caught"


def test_a_failed_evaluation_that_follows_its_state_needs_no_name() -> None:
    entered = ("PassStateEntered@3 A", "PassStateEntered@3 A")
    run = script(*FORK, *entered, 'EvaluationFailed@4 {"state": "A", "error": "E"}')
    assert run.visits.by_id[4].error == "E"
    assert run.visits.by_id[5].error is None


def test_a_failed_evaluation_is_of_the_state_it_names() -> None:
    entered = ("WaitStateEntered@3 A", "WaitStateEntered@3 B")
    run = script(*FORK, *entered, 'EvaluationFailed@0 {"state": "A", "error": "E"}')
    assert [v.name for v in run.visits if v.error] == ["A"]
    ended = run.then("ExecutionFailed@0").statuses
    assert ended["Main / P[0] / A"] == "failed"
    assert ended["Main / P[1] / B"] == "aborted"


def test_a_state_in_trouble_is_what_failed_when_the_end_follows_event_0() -> None:
    run = script(
        "ExecutionStarted@0",
        "PassStateEntered@0 A",
        'EvaluationFailed@0 {"state": "A"}',
        "ExecutionFailed@0",
    )
    assert only(run).status == "failed"


def test_a_redrive_goes_on_with_the_task_that_failed() -> None:
    """Inferred: no recording has a redrive."""
    run = script(*TASK, "TaskFailed", "ExecutionFailed", "ExecutionRedriven")
    resumed = run.then(f"TaskScheduled {ECS}")
    assert only(run).status == "failed"
    assert only(resumed).status == "running"
    done = only(resumed.then("TaskSucceeded", "TaskStateExited A"))
    assert (done.status, len(done.attempts)) == ("succeeded", 2)


def test_a_redriven_branch_takes_its_parallel_with_it() -> None:
    """Inferred: failed branches run again, what had succeeded does not."""
    run = script(
        *FORK,
        "TaskStateEntered@3 A",
        "PassStateEntered@3 B",
        "PassStateExited B",
        f"TaskScheduled@4 {ECS}",
        "TaskFailed",
        "ParallelStateFailed",
        "ExecutionFailed",
    )
    assert run.statuses == {
        "Main / P": "failed",
        "Main / P[0] / A": "failed",
        "Main / P[1] / B": "succeeded",
    }
    again = run.then("ExecutionRedriven", f"TaskScheduled {ECS}", "TaskSucceeded")
    ended = ("TaskStateExited A", "ParallelStateSucceeded", "ParallelStateExited@14 P")
    assert set(again.then(*ended).statuses.values()) == {"succeeded"}


@pytest.mark.parametrize("family", ["LambdaFunction", "Activity"])
@pytest.mark.parametrize(
    ("failure", "status"),
    [
        ("Failed", "failed"),
        ("TimedOut", "timed_out"),
        ("ScheduleFailed", "failed"),
        ("StartFailed", "failed"),
        ("Succeeded", "succeeded"),
    ],
)
def test_functions_and_activities_are_tried_like_tasks(
    family: str, failure: str, status: str
) -> None:
    run = script(
        *TASK[:2],
        family + 'Scheduled {"resource": "arn:aws:x:eu-west-1:1:y:mine"}',
        family + "Started",
        family + failure + ' {"error": "E", "cause": "C"}',
    )
    (attempt,) = only(run).attempts
    assert (attempt.status, attempt.scheduled_id) == (status, 3)
    assert (attempt.error, attempt.cause) == ("E", "C")
    assert attempt.started_at == run.at(4)
    assert attempt.resource == "arn:aws:x:eu-west-1:1:y:mine"


@pytest.mark.parametrize("family", ["LambdaFunction", "Activity"])
def test_a_try_that_could_not_be_scheduled_is_a_try_all_the_same(family: str) -> None:
    """Inferred: no recording has a …ScheduleFailed."""
    failure = family + 'ScheduleFailed {"error": "E"}'
    (attempt,) = only(script(*TASK[:2], failure)).attempts
    assert (attempt.status, attempt.error) == ("failed", "E")
    assert len(only(script(*TASK[:2], failure, failure)).attempts) == 2


@pytest.mark.parametrize("phase", ["StartFailed", "SubmitFailed"])
def test_a_call_may_fail_before_it_is_under_way(phase: str) -> None:
    visit = only(script(*TASK, f'Task{phase} {{"error": "E"}}', "ExecutionFailed"))
    assert visit.attempts[0].status == "failed"
    assert (visit.attempts[0].error, visit.status) == ("E", "failed")
