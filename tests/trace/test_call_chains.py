"""Calls alone, put together: which polls are of which action."""

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.call_chains import Chain, build_chains, unexplained
from sfnwatch.trace.events import Received
from tests.builders import ROLE, call, sync_calls, sync_history
from tests.trace.finding import describe_task, row, run_task, task_arn, trace_of

POLLED = (60, 120, 180)


def chains(*records: Received) -> tuple[Chain, ...]:
    return build_chains(unexplained(trace_of(*records)))


def shape(*records: Received) -> list[tuple[int, int, int]]:
    """Give of each chain how many actions, polls and stops it has."""
    return [(len(c.actions), len(c.polls), len(c.stops)) for c in chains(*records)]


def rows(*seconds: float) -> list[Received]:
    return [row("DescribeTasks", at) for at in seconds]


def test_polls_belong_to_the_action_whose_answer_names_their_job() -> None:
    records = [run_task(1, 1), run_task(2, 2)]
    records += [describe_task(n, at + n) for n in (1, 2) for at in POLLED]
    first, second = chains(*records)
    assert [len(c.polls) for c in (first, second)] == [3, 3]
    assert {key for poll in first.polls for key in poll.ids} >= {task_arn(1)}
    assert first.mixed is second.mixed is False


def test_rows_without_ids_belong_to_the_action_before_them() -> None:
    one = [row("RunTask", 1), *rows(*POLLED)]
    much_later = [row("RunTask", 9000), *rows(9060, 9120)]
    assert shape(*one, *much_later) == [(1, 3, 0), (1, 2, 0)]


def test_jobs_one_after_the_other_are_told_apart_by_their_rhythm() -> None:
    one = [row("RunTask", 1), *rows(56, 115)]
    soon = [row("RunTask", 150), *rows(205, 264)]
    told = chains(*one, *soon)
    assert [(len(c.actions), len(c.polls)) for c in told] == [(1, 2), (1, 2)]
    assert all(c.guessed for c in told), "nothing but their rhythm says so"


def test_jobs_that_a_poll_suits_alike_are_one_chain() -> None:
    one = [row("RunTask", 1), *rows(56, 115)]
    assert shape(*one, row("RunTask", 120), *rows(175, 234)) == [(2, 4, 0)]
    assert shape(row("RunTask", 1), row("RunTask", 9), *rows(56, 115)) == [(2, 2, 0)]


def test_jobs_polled_side_by_side_that_nothing_tells_apart_are_one_chain() -> None:
    (mixed,) = chains(row("RunTask", 1), row("RunTask", 30), *rows(60, 90, 120, 150))
    assert mixed.mixed
    assert (len(mixed.actions), len(mixed.polls)) == (2, 4)
    assert mixed.action is None


def test_of_a_crowd_no_rhythm_is_heard() -> None:
    begun = [row("RunTask", at) for at in range(1, 61)]
    (mixed,) = chains(*begun, *rows(90, 100))
    assert (len(mixed.actions), len(mixed.polls)) == (60, 2)


def test_a_poll_begins_no_second_job_of_one_that_was_not_polled() -> None:
    told = shape(row("RunTask", 1), row("RunTask", 30), *rows(85, 144))
    assert told == [(1, 0, 0), (1, 2, 0)]
    alone, _ = chains(row("RunTask", 1), row("RunTask", 30), *rows(85, 144))
    assert alone.guessed


def test_polls_that_name_a_job_count_from_no_action_that_is_guessed() -> None:
    refused = [
        row("DescribeTasks", at, errorcode="AccessDenied", errormessage=message(n))
        for at, n in ((60, 1), (62, 2))
    ]
    told = chains(row("RunTask", 1), row("RunTask", 3), *refused)
    assert [(len(c.actions), len(c.polls)) for c in told] == [(1, 1), (1, 1)]
    assert [chain.action is None for chain in told] == [True, True]


def test_actions_that_nothing_follows_are_chains_of_their_own() -> None:
    assert shape(row("RunTask", 1), row("RunTask", 30)) == [(1, 0, 0), (1, 0, 0)]


def test_a_denied_poll_names_its_job_in_its_message() -> None:
    refused = [
        row("DescribeTasks", at, errorcode="AccessDenied", errormessage=message(n))
        for at, n in ((60, 1), (62, 2), (120, 1), (122, 2))
    ]
    told = shape(row("RunTask", 1), *refused[:1], row("RunTask", 61), *refused[1:])
    assert told == [(1, 2, 0), (1, 2, 0)]


def message(number: int) -> str:
    return f"is not authorized to perform: ecs:DescribeTasks on {task_arn(number)} so"


def test_polls_whose_action_is_not_in_the_records_are_a_chain_too() -> None:
    (chain,) = chains(*rows(60, 120))
    assert (chain.actions, len(chain.polls)) == ((), 2)


def test_a_silence_ends_a_chain() -> None:
    assert shape(row("RunTask", 1), *rows(60, 461)) == [(1, 1, 0), (0, 1, 0)]
    assert shape(row("RunTask", 1), *rows(60, 460)) == [(1, 2, 0)]


def test_an_action_that_was_refused_begins_no_job() -> None:
    refused = row("RunTask", 1, errorcode="AccessDenied")
    told = chains(refused, *rows(60))
    assert [(c.failed, len(c.polls)) for c in told] == [(True, 0), (False, 1)]


def test_a_stop_belongs_to_the_job_it_names() -> None:
    stop = call("StopTask", 90, key="stop", parameters={"task": task_arn(1)})
    assert shape(run_task(1, 1), describe_task(1, 60), stop) == [(1, 1, 1)]


def test_roles_and_services_are_kept_apart() -> None:
    other = f"{ROLE}-other"
    records = [run_task(1, 1), describe_task(1, 60, role=other)]
    assert shape(*records) == [(1, 0, 0), (0, 1, 0)]


def test_only_step_functions_own_calls_are_taken() -> None:
    person = run_task(1, 1, invoked_by=None, key="person")
    unknown = row("RunTask", 2)
    said = row("RunTask", 3, useragent="aws-cli/2")
    told = row("RunTask", 4, useragent="states.amazonaws.com")
    assert shape(person, said) == []
    assert shape(unknown, told) == [(1, 0, 0), (1, 0, 0)]


def test_what_an_attempt_explains_is_left_out() -> None:
    assert shape(*sync_history(), *sync_calls()) == []


def test_the_mark_of_sync_is_read() -> None:
    marked = run_task(1, 1, parameters={"startedBy": "AWS Step Functions"})
    plain = run_task(2, 2, parameters={"cluster": "c"})
    told = [chain.marked_sync for chain in chains(marked, plain, row("RunTask", 3))]
    assert told == [True, False, None]


calls = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3000), st.integers(0, 3), st.booleans()),
    max_size=25,
    unique_by=lambda drawn: drawn[:3],
)


@given(calls)
def test_every_call_is_in_one_chain_and_the_order_of_arrival_does_not_matter(
    drawn: list[tuple[bool, int, int, bool]],
) -> None:
    records = []
    for begins, at, number, whole in drawn:
        if whole:
            records.append((run_task if begins else describe_task)(number, at))
        else:
            records.append(row("RunTask" if begins else "DescribeTasks", at))
    told = chains(*records)
    kept = [call.event_id for chain in told for call in chain.calls]
    assert sorted(kept) == sorted(trace_of(*records).calls.keys() & set(kept))
    assert len(kept) == len(unexplained(trace_of(*records)))
    assert told == chains(*reversed(records))
