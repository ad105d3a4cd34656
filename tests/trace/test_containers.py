"""Parallel and Map: whose branch it is, whose end, and what dies with it."""

from tests.trace.writing import EACH, ECS, FORK, script


def test_the_first_states_of_branches_follow_the_start_of_the_parallel() -> None:
    run = script(*FORK, "PassStateEntered@3 A", "PassStateEntered@3 B")
    assert {v.path: (v.parent, v.index, v.depth) for v in run.visits} == {
        "Main / P": (None, None, 0),
        "Main / P[0] / A": (2, 0, 1),
        "Main / P[1] / B": (2, 1, 1),
    }


def test_two_branches_may_hold_states_of_the_same_name() -> None:
    run = script(
        *FORK,
        "PassStateEntered@3 A",
        "PassStateEntered@3 A",
        "PassStateExited@5 A",
        "WaitStateEntered B",
    )
    assert {v.id: (v.path, v.status) for v in run.visits} == {
        2: ("Main / P", "running"),
        4: ("Main / P[0] / A", "running"),
        5: ("Main / P[1] / A", "succeeded"),
        7: ("Main / P[1] / B", "running"),
    }


def test_the_definition_numbers_the_branches_whatever_is_entered_first() -> None:
    starts = {"P": ("A", "B", "C")}
    lines = ("PassStateEntered@3 C", "PassStateEntered@3 A")
    run = script(*FORK, *lines, branches=starts)
    assert list(run.statuses) == ["Main / P", "Main / P[2] / C", "Main / P[0] / A"]


def test_no_two_branches_get_one_number_where_their_first_states_share_a_name() -> None:
    starts = {"P": ("A", "B", "A")}
    entered = ("PassStateEntered@3 B", "PassStateEntered@3 A", "PassStateEntered@3 A")
    run = script(*FORK, *entered, branches=starts)
    assert [v.index for v in run.visits] == [None, 1, 0, 2]


def test_a_parallel_exits_behind_its_last_branch_not_behind_its_success() -> None:
    run = script(
        *FORK,
        "PassStateEntered@3 A",
        "PassStateExited A",
        "ParallelStateSucceeded",
        "ParallelStateExited@5 P",
        "PassStateEntered B",
    )
    assert run.statuses == {
        "Main / P": "succeeded",
        "Main / P[0] / A": "succeeded",
        "Main / B": "running",
    }
    assert run.visits.of_event[6] == run.visits.of_event[7] == 2


FAILING = (
    *FORK,
    "TaskStateEntered@3 A",
    "TaskStateEntered@3 B",
    f"TaskScheduled@4 {ECS}",
    f"TaskScheduled@5 {ECS}",
    "TaskFailed@6",
)


def test_a_branch_that_fails_takes_the_parallel_and_its_siblings_down() -> None:
    run = script(*FAILING, "ParallelStateFailed", "ExecutionFailed")
    assert run.statuses == {
        "Main / P": "failed",
        "Main / P[0] / A": "failed",
        "Main / P[1] / B": "aborted",
    }
    sibling = run.visits.by_id[5]
    assert (sibling.attempts[0].status, sibling.ended_at) == ("aborted", run.at(9))


def test_a_failed_parallel_that_is_caught_exits_behind_its_failure() -> None:
    run = script(*FAILING, "ParallelStateFailed", "ParallelStateExited P")
    handled = run.then("PassStateEntered C")
    assert handled.statuses["Main / P"] == "caught"
    assert handled.statuses["Main / P[1] / B"] == "aborted"
    assert handled.statuses["Main / C"] == "running"


def test_an_aborted_task_has_no_name_and_follows_the_failing_event_elsewhere() -> None:
    run = script(*FAILING, "TaskStateAborted@8")
    assert run.statuses == {
        "Main / P": "running",
        "Main / P[0] / A": "running",
        "Main / P[1] / B": "aborted",
    }
    assert run.visits.by_id[5].ended_at == run.at(9)


def test_a_sibling_that_waits_to_be_tried_again_is_aborted_not_failed() -> None:
    run = script(*FAILING, "TaskFailed@7", "ParallelStateFailed@8", "ExecutionFailed")
    assert run.statuses["Main / P[1] / B"] == "aborted"


def test_a_parallel_is_tried_again_without_a_second_entered() -> None:
    """The second start follows the failing event itself, as recorded."""
    again = ("ParallelStateStarted@8", "TaskStateEntered@9 A", "TaskStateEntered@9 B")
    run = script(*FAILING, *again)
    assert [(v.path, v.status) for v in run.visits] == [
        ("Main / P", "running"),
        ("Main / P[0] / A", "failed"),
        ("Main / P[1] / B", "aborted"),
        ("Main / P[0] / A", "running"),
        ("Main / P[1] / B", "running"),
    ]
    assert {v.parent for v in run.visits} == {None, 2}


def test_a_second_start_may_also_follow_the_failure_of_the_parallel() -> None:
    run = script(
        *FAILING, "ParallelStateFailed", "ParallelStateStarted", "PassStateEntered A"
    )
    assert run.visits.by_id[11].path == "Main / P[0] / A"
    assert run.statuses["Main / P"] == "running"


def test_the_parallel_tried_again_is_the_outer_one_when_the_inner_has_failed() -> None:
    run = script(
        *FORK,
        "ParallelStateEntered@3 Q",
        "ParallelStateStarted",
        "FailStateEntered A",
        "ParallelStateFailed",
        "ParallelStateStarted@6",
        "ParallelStateEntered Q",
    )
    assert [v.path for v in run.visits] == [
        "Main / P",
        "Main / P[0] / Q",
        "Main / P[0] / Q[0] / A",
        "Main / P[0] / Q",
    ]
    assert run.visits.by_id[4].status == "failed"


def test_an_aborted_map_in_a_dying_branch_is_not_the_map_around_it() -> None:
    """Inferred: MapStateAborted follows the failing event, as TaskStateAborted does."""
    run = script(
        *EACH,
        "MapIterationStarted M#0",
        "ParallelStateEntered P",
        "ParallelStateStarted",
        "FailStateEntered@6 A",
        "MapStateEntered@6 N",
        "MapStateStarted",
        "MapStateAborted@7",
        "ParallelStateFailed@7",
        "ParallelStateExited P",
    )
    assert run.statuses == {
        "Main / M": "running",
        "Main / M[0] / P": "caught",
        "Main / M[0] / P[0] / A": "failed",
        "Main / M[0] / P[1] / N": "aborted",
    }


def test_serial_iterations_follow_the_last_event_of_the_one_before() -> None:
    run = script(
        *EACH,
        "MapIterationStarted M#0",
        "PassStateEntered A",
        "PassStateExited A",
        "MapIterationSucceeded M#0",
        "MapIterationStarted@6 M#1",
        "PassStateEntered A",
        "PassStateExited A",
        "MapIterationSucceeded M#1",
        "MapStateSucceeded@10",
        "MapStateExited@10 M",
    )
    assert run.statuses == {
        "Main / M": "succeeded",
        "Main / M[0] / A": "succeeded",
        "Main / M[1] / A": "succeeded",
    }
    assert [v.index for v in run.visits] == [None, 0, 1]


def test_concurrent_iterations_follow_the_start_of_the_map() -> None:
    run = script(
        *EACH,
        "MapIterationStarted@3 M#0",
        "MapIterationStarted@3 M#1",
        "WaitStateEntered@5 A",
        "WaitStateEntered@4 A",
        "WaitStateExited@6 A",
        "MapIterationSucceeded M#1",
    )
    assert run.statuses == {
        "Main / M": "running",
        "Main / M[1] / A": "succeeded",
        "Main / M[0] / A": "running",
    }
    assert {run.visits.of_event[number] for number in (4, 5, 9)} == {2}


def test_a_map_without_items_exits_behind_its_start() -> None:
    lines = ("MapStateSucceeded", "MapStateExited@3 M", "PassStateEntered A")
    run = script(*EACH, *lines)
    assert run.statuses == {"Main / M": "succeeded", "Main / A": "running"}


def test_a_failing_iteration_and_its_map_both_follow_the_failing_event() -> None:
    run = script(
        *EACH,
        "MapIterationStarted M#0",
        "FailStateEntered A",
        "MapIterationFailed M#0",
        "MapStateFailed@5",
    )
    assert run.then("ExecutionFailed").statuses["Main / M"] == "failed"
    caught = run.then("MapStateExited M", "PassStateEntered B").statuses
    assert caught == {
        "Main / M": "caught",
        "Main / M[0] / A": "failed",
        "Main / B": "running",
    }


def test_an_aborted_iteration_ends_what_runs_in_it_and_nothing_else() -> None:
    run = script(
        *EACH,
        "MapIterationStarted@3 M#0",
        "MapIterationStarted@3 M#1",
        "MapIterationStarted@3 M#2",
        "FailStateEntered@4 A",
        "WaitStateEntered@5 A",
        "WaitStateEntered@6 A",
        "MapIterationAborted@7 M#1",
    )
    assert run.statuses == {
        "Main / M": "running",
        "Main / M[0] / A": "running",
        "Main / M[1] / A": "aborted",
        "Main / M[2] / A": "running",
    }


def test_an_iteration_that_nothing_is_known_of_ends_nothing() -> None:
    run = script("WaitStateEntered@0 A", "MapIterationFailed M#7")
    assert run.statuses == {"Main / A": "running"}


def test_maps_and_parallels_nest_in_each_other() -> None:
    run = script(
        *EACH,
        "MapIterationStarted M#4",
        "ParallelStateEntered P",
        "ParallelStateStarted",
        "MapStateEntered N",
        "MapStateStarted",
        "MapIterationStarted N#1",
        "WaitStateEntered Work",
        "WaitStateExited Work",
        "MapIterationSucceeded N#1",
        "MapStateSucceeded@11",
        "MapStateExited@11 N",
        "ParallelStateSucceeded",
        "ParallelStateExited@14 P",
        "MapIterationSucceeded M#4",
        "MapStateSucceeded@16",
        "MapStateExited@16 M",
    )
    assert list(run.statuses) == [
        "Main / M",
        "Main / M[4] / P",
        "Main / M[4] / P[0] / N",
        "Main / M[4] / P[0] / N[1] / Work",
    ]
    assert set(run.statuses.values()) == {"succeeded"}


def test_a_serial_iteration_may_follow_the_exit_of_a_map_of_the_same_name() -> None:
    run = script(
        *EACH,
        "MapIterationStarted M#0",
        "MapStateEntered M",
        "MapStateStarted",
        "MapStateExited@6 M",
        "MapIterationStarted@7 M#1",
        "PassStateEntered A",
    )
    assert run.visits.by_id[9].path == "Main / M[1] / A"


DISTRIBUTED = (*EACH, 'MapRunStarted {"mapRunArn": "arn:aws:states:::mapRun:S/M:1"}')


def test_a_distributed_map_has_a_run_and_no_iterations() -> None:
    lines = ("MapRunSucceeded", "MapStateSucceeded", "MapStateExited@5 M")
    run = script(*DISTRIBUTED, *lines, "PassStateEntered A")
    assert run.statuses == {"Main / M": "succeeded", "Main / A": "running"}
    assert run.visits.of_event[4] == 2


def test_a_failed_map_run_says_why_its_map_failed() -> None:
    failed = 'MapRunFailed {"error": "E", "cause": "C"}'
    run = script(*DISTRIBUTED, failed, "MapStateFailed", "ExecutionFailed")
    (visit,) = run.visits
    assert (visit.status, visit.error, visit.cause) == ("failed", "E", "C")


def test_what_is_inside_is_over_when_the_parallel_exits_whatever_is_missing() -> None:
    run = script(*FORK, "WaitStateEntered A", "ParallelStateExited@3 P")
    assert run.statuses == {"Main / P": "succeeded", "Main / P[0] / A": "aborted"}


def test_a_redrive_goes_on_with_the_branch_that_failed_not_with_its_siblings() -> None:
    """Inferred: no recording has a redrive."""
    run = script(
        *FAILING, "ParallelStateFailed", "ExecutionFailed", "ExecutionRedriven"
    )
    again = run.then(f"TaskScheduled {ECS}")
    assert {v.name: len(v.attempts) for v in again.visits} == {"P": 0, "A": 2, "B": 1}


def test_a_redriven_parallel_may_start_again_without_being_entered() -> None:
    """Inferred: no recording has a redrive."""
    run = script(
        *FAILING, "ParallelStateFailed", "ExecutionFailed", "ExecutionRedriven"
    )
    again = run.then("ParallelStateStarted@9", "TaskStateEntered A")
    assert run.statuses["Main / P"] == "failed"
    assert again.statuses["Main / P"] == "running"
    assert again.visits.by_id[13].path == "Main / P[0] / A"
