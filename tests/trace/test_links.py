"""Which call belongs to which attempt: what is exact, and what is not theirs."""

from typing import Any

import pytest

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.links import Link, Rule, linked, role_of_call
from tests.builders import (
    ACCOUNT,
    ARN,
    REGION,
    TASK_ARN,
    TASK_ID,
    call,
    event,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.calling import (
    DESCRIBE,
    NAMES_TASK,
    RUN,
    links_of,
    row,
    started,
    state,
    trace_of,
)


def test_the_seed_s_calls_are_all_tied_exactly() -> None:
    links = links_of(sync_run())
    run = links.pop("run")
    assert (run.rule, run.role, run.evidence) == (
        Rule.REQUEST_ID,
        CallRole.ACTION,
        "req-run",
    )
    assert (run.execution_arn, run.visit_id, run.attempt_id) == (ARN, 2, 3)
    assert len(links) == 5
    for poll in links.values():
        assert (poll.rule, poll.role) == (Rule.RESOURCE_ID, CallRole.POLL)
        assert (poll.evidence, poll.attempt_id) == (TASK_ARN, 3)


def test_a_request_id_beats_the_id_of_a_resource() -> None:
    output = {
        "Tasks": [{"TaskArn": TASK_ARN}],
        "SdkResponseMetadata": {"RequestId": "r-2"},
    }
    second = state(7, 20, RUN, output=output)
    action = call("RunTask", 20, key="a", request_id="r-2", parameters=NAMES_TASK)
    first = state(2, 1, RUN, output={"Tasks": [{"TaskArn": TASK_ARN}]})
    link = links_of(started(), first, second, [action])["a"]
    assert (link.rule, link.visit_id) == (Rule.REQUEST_ID, 7)


@pytest.mark.parametrize(
    "parameters",
    [
        {"tasks": [TASK_ARN]},
        {"tasks": [TASK_ID]},
        {"task": TASK_ARN},
        {"tasks": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{TASK_ID}"]},
    ],
)
def test_a_task_may_be_named_by_its_arn_or_by_its_bare_id(parameters: Any) -> None:
    poll = call("DescribeTasks", 60, key="p", parameters=parameters)
    assert links_of(sync_history(), [poll])["p"].rule is Rule.RESOURCE_ID


def test_a_denied_poll_is_tied_by_its_error_message() -> None:
    links = links_of(sync_history(), sync_calls(denied=True))
    polls = [link for key, link in links.items() if key.startswith("poll")]
    assert {(p.rule, p.role) for p in polls} == {(Rule.RESOURCE_ID, CallRole.POLL)}


@pytest.mark.parametrize(
    "stranger",
    [
        {"invoked_by": None, "role": f"arn:aws:iam::{ACCOUNT}:role/Console"},
        {"invoked_by": "lambda.amazonaws.com", "role": "arn:aws:iam::1:role/F"},
        {"role": f"arn:aws:iam::{ACCOUNT}:role/another-machine"},
    ],
)
def test_others_who_describe_the_same_task_are_not_tied(
    stranger: dict[str, Any],
) -> None:
    poll = call("DescribeTasks", 60, key="p", parameters=NAMES_TASK, **stranger)
    assert "p" not in links_of(sync_history(), [poll])


def test_the_same_role_used_by_someone_else_is_the_role_only() -> None:
    poll = call(
        "DescribeTasks", 60, key="p", parameters=NAMES_TASK, invoked_by="lambda"
    )
    link = links_of(sync_history(), [poll])["p"]
    assert (link.rule, link.attempt_id) == (Rule.ROLE_ONLY, None)


def test_a_state_that_describes_another_s_task_gets_its_own_call() -> None:
    tasks = {"Tasks": [{"TaskArn": TASK_ARN}]}
    runs = state(2, 1, RUN, output=tasks)
    asks = state(7, 20, DESCRIBE, output=tasks)
    ask = call("DescribeTasks", 20, key="d", parameters=NAMES_TASK)
    link = links_of(started(), runs, asks, [ask])["d"]
    assert (link.visit_id, link.role, link.rule) == (
        7,
        CallRole.ACTION,
        Rule.RESOURCE_ID,
    )


def test_a_call_that_names_another_s_job_belongs_to_the_attempt_that_made_it() -> None:
    tag = {"resourceType": "aws-sdk:ecs", "resource": "tagResource"}
    runs = state(2, 1, RUN, output={"Tasks": [{"TaskArn": TASK_ARN}]})
    tags = state(7, 20, tag)
    made = call("TagResource", 20, key="t", parameters={"resourceArn": TASK_ARN})
    link = links_of(started(), runs, tags, [made])["t"]
    assert (link.visit_id, link.role) == (7, CallRole.ACTION)
    assert link.rule is Rule.UNIQUE_CANDIDATE


def test_a_call_that_names_a_job_and_fits_no_attempt_is_still_about_that_job() -> None:
    runs = state(2, 1, RUN, output={"Tasks": [{"TaskArn": TASK_ARN}]})
    stray = call("TagResource", 200, key="t", parameters={"resourceArn": TASK_ARN})
    link = links_of(started(), runs, [stray])["t"]
    assert (link.rule, link.role, link.visit_id) == (
        Rule.RESOURCE_ID,
        CallRole.OTHER,
        2,
    )


def test_a_row_that_names_the_task_needs_no_principal() -> None:
    named = row("DescribeTasks", 60, errormessage=f"denied on {TASK_ARN} because")
    (link,) = links_of(sync_history(), [named]).values()
    assert link.rule is Rule.RESOURCE_ID


def test_a_history_without_its_start_ties_by_ids_whatever_the_role() -> None:
    tail = [r for r in sync_history() if r.data["id"] > 1]
    links = links_of(tail, sync_calls())
    assert {link.rule for link in links.values()} == {
        Rule.REQUEST_ID,
        Rule.RESOURCE_ID,
    }


def test_of_two_states_that_ask_for_one_task_each_gets_its_own_call() -> None:
    tasks = {"Tasks": [{"TaskArn": TASK_ARN}]}
    asks = [
        *state(2, 20, DESCRIBE, output=tasks),
        *state(7, 40, DESCRIBE, output=tasks),
    ]
    calls = [
        call("DescribeTasks", second, key=f"d-{second}", parameters=NAMES_TASK)
        for second in (20, 40)
    ]
    links = links_of(started(), asks, calls)
    assert [links[f"d-{second}"].visit_id for second in (20, 40)] == [2, 7]
    assert links["d-20"].rule is Rule.RESOURCE_ID


def test_a_retry_s_calls_belong_to_the_try_that_made_them() -> None:
    cause = "Rate exceeded (Service: Ecs, Status Code: 400, Request ID: {})"
    tries = [event(2, "TaskStateEntered", 1, name="A")]
    for number in range(3):
        at = 1 + 30 * number
        tries += [
            event(3 + 2 * number, "TaskScheduled", at, **RUN),
            event(
                4 + 2 * number,
                "TaskFailed",
                at + 0.5,
                cause=cause.format(f"r-{number}"),
                **RUN,
            ),
        ]
    calls = [
        call("RunTask", 1 + 30 * n, key=f"c-{n}", request_id=f"r-{n}") for n in range(3)
    ]
    links = links_of(started(), tries, calls)
    assert [links[f"c-{n}"].attempt_id for n in range(3)] == [3, 5, 7]


def test_without_executions_no_call_is_tied() -> None:
    trace = trace_of(sync_calls())
    assert dict(trace.links) == {}
    roles = {role_of_call(c, None) for c in trace.calls.values()}
    assert roles == {CallRole.ACTION, CallRole.POLL}


def test_what_a_call_is_for_shows_in_its_link_or_else_in_its_name() -> None:
    unsigned = trace_of([row("DescribeTasks", 1)])
    assert [role_of_call(c, None) for c in unsigned.calls.values()] == [CallRole.POLL]
    (one,) = unsigned.calls.values()
    several = Link(Rule.AMBIGUOUS, CallRole.ACTION)
    assert role_of_call(one, several) is CallRole.ACTION
    noise = Link(Rule.ROLE_ONLY, CallRole.OTHER)
    assert role_of_call(one, noise) is CallRole.POLL


def test_the_role_of_a_call_is_its_attempt_s_word_before_its_name_s() -> None:
    trace = trace_of(sync_run())
    stranger = trace_of([call("RunTask", 1, key="x", invoked_by=None)]).calls["x"]
    assert role_of_call(stranger, None) is CallRole.OTHER
    tied = list(linked(trace.links, trace.calls))
    assert [role_of_call(one, link) for one, link in tied] == [
        CallRole.ACTION,
        *[CallRole.POLL] * 5,
    ]
