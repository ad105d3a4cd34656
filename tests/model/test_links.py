"""Which call belongs to which attempt, and by what: ids first, then what is guessed."""

from typing import Any

import pytest

from sfnwatch.model.candidates import LISTED
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linker import role_of_call
from sfnwatch.model.links import Link, LinkRule
from sfnwatch.model.records import Received
from tests import builders as aws
from tests.builders import call
from tests.model.answers import trace_of

NAMES_TASK = {"cluster": "c", "tasks": [aws.TASK_ARN]}
THROTTLED = ("ThrottlingException", "Rate exceeded")
X_RAY = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
UNIQUE = "unique-candidate"
EXACT = {LinkRule.REQUEST_ID, LinkRule.RESOURCE_ID}


def links(*records: Received) -> dict[str, tuple[str, str, int | None]]:
    """Give of each call that is linked the rule, its role, and the visit."""
    found = trace_of(*records).links
    return {k: (str(v.rule), str(v.role), v.visit_id) for k, v in found.items()}


def states(
    *which: tuple[float, aws.Which, Any], arn: str = aws.ARN, **more: Any
) -> list[Received]:
    """Build Tasks of half a second that begin at given seconds and answer something.

    Their visits are 2, 7, 12 …, and their attempts 3, 8, 13 ….
    """
    run = aws.History(arn, pace=0.1).start()
    for begin, each, output in which:
        run.now = begin - run.pace
        run.task(f"at {begin}", each, output=output, lasts=0.3, **more)
    return run.records


def tasks(*arns: str) -> dict[str, Any]:
    return {"Tasks": [{"TaskArn": arn} for arn in arns]}


# -- by ids --------------------------------------------------------------------------


def test_the_calls_of_the_experiment_are_all_matched_exactly() -> None:
    trace = trace_of(*aws.sync_run())
    run, *polls = (trace.links[c.event_id] for c in trace.ordered_calls)
    assert (run.rule, run.role, run.evidence) == ("request-id", "action", "req-run")
    assert (run.execution_arn, run.visit_id, run.attempt_id) == (aws.ARN, 2, 3)
    assert {(p.rule, p.role, p.evidence, p.key) for p in polls} == {
        (LinkRule.RESOURCE_ID, CallRole.POLL, aws.TASK_ARN, (aws.ARN, 3))
    }
    assert list(trace.calls_of[aws.ARN, 3]) == trace.ordered_calls


@pytest.mark.parametrize(
    "parameters",
    [
        {"tasks": [aws.TASK_ARN]},
        {"tasks": [aws.TASK_ID]},
        {"task": aws.TASK_ARN},
        {"tasks": [f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/{aws.TASK_ID}"]},
    ],
)
def test_a_task_may_be_named_by_its_arn_or_by_its_bare_id(parameters: Any) -> None:
    poll = call("DescribeTasks", 60, key="p", parameters=parameters)
    assert links(*aws.sync_history(), poll)["p"] == ("resource-id", "poll", 2)


def test_a_denied_call_or_a_bare_row_is_matched_by_its_error_message() -> None:
    found = links(*aws.sync_history(), *aws.sync_calls(denied=True))
    assert {v for k, v in found.items() if k != "run"} == {("resource-id", "poll", 2)}
    told = f"denied on {aws.TASK_ARN} because"
    named = aws.row("DescribeTasks", 60, errormessage=told)
    assert [*links(*aws.sync_history(), named).values()] == [("resource-id", "poll", 2)]


def test_a_history_without_its_start_is_matched_by_ids_whatever_the_role() -> None:
    found = trace_of(*aws.sync_history()[1:], *aws.sync_calls()).links
    assert {link.rule for link in found.values()} == EXACT


def test_a_request_id_beats_the_id_of_a_job() -> None:
    both = states(
        (1, aws.REQUEST_RESPONSE, tasks(aws.TASK_ARN)),
        (20, aws.REQUEST_RESPONSE, aws.answer("r-2", aws.TASK_ARN)),
    )
    action = call("RunTask", 20, key="a", request_id="r-2", parameters=NAMES_TASK)
    assert links(*both, action)["a"] == ("request-id", "action", 7)


def test_who_asks_for_a_task_may_ask_for_anothers_and_the_time_tells_alone() -> None:
    told = tasks(aws.TASK_ARN)
    asked = [
        call("DescribeTasks", s, key=f"d-{s}", parameters=NAMES_TASK) for s in (20, 40)
    ]
    run = states((1, aws.REQUEST_RESPONSE, told), (20, aws.DESCRIBE_SDK, told))
    assert links(*run, asked[0]) == {"d-20": (UNIQUE, "action", 7)}
    twice = states((20, aws.DESCRIBE_SDK, told), (40, aws.DESCRIBE_SDK, told))
    assert links(*twice, *asked) == {
        "d-20": (UNIQUE, "action", 2),
        "d-40": (UNIQUE, "action", 7),
    }


def test_a_call_about_another_s_job_is_of_the_attempt_that_made_it() -> None:
    tag = {"resourceType": "aws-sdk:ecs", "resource": "tagResource"}
    run = states((1, aws.REQUEST_RESPONSE, tasks(aws.TASK_ARN)), (20, tag, None))
    named = {"resourceArn": aws.TASK_ARN}
    made = call("TagResource", 20, key="made", parameters=named)
    assert links(*run, made) == {"made": (UNIQUE, "action", 7)}
    # Outside the life of the attempt whose job it is, others made it: they are about.
    stray = call("TagResource", 200, key="stray", parameters=named)
    assert links(*run, made, stray) == {
        "made": ("ambiguous", "action", None),
        "stray": ("role-only", "other", None),
    }


def test_calls_of_tries_belong_to_the_try_that_made_them() -> None:
    run = aws.History().start()
    run.add("TaskStateEntered", name="A")
    cause = "Rate exceeded (Service: Ecs, Status Code: 400, Request ID: r-{})"
    for number in range(3):
        told = cause.format(number)
        run.attempt(aws.REQUEST_RESPONSE, error="E", cause=told, lasts=0.5)
        run.now += 30
    calls = [
        call("RunTask", 1 + 30 * n, key=f"c-{n}", request_id=f"r-{n}") for n in range(3)
    ]
    found = trace_of(*run.records, *calls).links
    assert [found[f"c-{n}"].attempt_id for n in range(3)] == [3, 6, 9]


# -- by role, action and time --------------------------------------------------------


ACTION = states((10.4, aws.REQUEST_RESPONSE, None))
SUBMITTED = aws.sync_history()
RUNNING = [*aws.sync_history()[:5], aws.event(6, "ExecutionAborted", 100, previous=0)]


@pytest.mark.parametrize(
    ("records", "name", "fits"),
    [
        # Scheduled at second 34.5 of the minute, over at 34.9: a call's second may
        # begin before that, and its answer may be on its way for two seconds.
        (ACTION, "RunTask", {9: False, 10: True, 12: True, 13: True, 14: False}),
        # An action is answered by the time that it is submitted, at 25.3.
        (SUBMITTED, "RunTask", {-1: False, 0: True, 3: True, 4: False}),
        # Polls are made from submission to the end, at 309.1.
        (SUBMITTED, "DescribeTasks", {0: False, 1: True, 311: True, 312: False}),
        # A job is stopped within five minutes of its state's abort, and of no end else.
        (RUNNING, "StopTask", {99: False, 100: True, 399: True, 401: False}),
        (SUBMITTED, "StopTask", {200: False, 309: False, 320: False}),
        # Only a job that is waited for is polled.
        (ACTION, "DescribeTasks", {11: False}),
    ],
)
def test_a_guess_is_of_the_time_in_which_an_attempt_makes_such_calls(
    records: list[Received], name: str, fits: dict[int, bool]
) -> None:
    for second, expected in fits.items():
        (link,) = trace_of(*records, aws.row(name, second)).links.values()
        assert (link.rule is LinkRule.UNIQUE_CANDIDATE) is expected, second


def test_several_that_fit_are_listed_and_none_is_chosen() -> None:
    others = states((10.2, aws.REQUEST_RESPONSE, None), arn=aws.OTHER_ARN)
    two = [*states((10, aws.REQUEST_RESPONSE, None)), *others]
    link = trace_of(*two, call("RunTask", 10, key="a")).links["a"]
    assert (link.rule, link.role) == (LinkRule.AMBIGUOUS, CallRole.ACTION)
    assert (link.key, link.execution_arn) == (None, None)
    assert link.candidates == ((aws.OTHER_ARN, 3), (aws.ARN, 3))
    assert link.candidate_count == 2


def test_of_very_many_candidates_the_first_are_listed_and_all_are_counted() -> None:
    run = aws.History(pace=0.001).start()
    run.add("MapStateEntered", name="M")
    started = run.add("MapStateStarted")
    for index in range(LISTED + 50):
        run.add("MapIterationStarted", after=started, name="M", index=index)
        run.add("TaskStateEntered", name="A")
        run.add("TaskScheduled", **aws.SYNC)
        run.add("TaskSubmitted", output="{}", **aws.SYNC)
    trace = trace_of(*run.records, aws.row("DescribeTasks", 5))
    (link,) = trace.links.values()
    assert (len(link.candidates), link.unlisted) == (LISTED, 50)
    assert link.candidate_count == LISTED + 50


def test_an_attempt_whose_action_is_known_exactly_has_room_for_no_other() -> None:
    run = states((10, aws.REQUEST_RESPONSE, aws.answer("r-1")))
    exact = call("RunTask", 10, key="exact", request_id="r-1")
    stray = call("RunTask", 10, key="stray")
    again = call("RunTask", 10, key="again", error=THROTTLED)
    assert links(*run, exact, stray, again) == {
        "exact": ("request-id", "action", 2),
        "stray": ("role-only", "other", None),
        "again": ("ambiguous", "action", None),
    }
    other = states((10, aws.REQUEST_RESPONSE, None), arn=aws.OTHER_ARN)
    found = trace_of(*run, *other, exact, stray).links["stray"]
    assert (found.rule, found.key) == (LinkRule.UNIQUE_CANDIDATE, (aws.OTHER_ARN, 3))


def test_a_call_of_no_id_at_all_is_guessed_and_not_one_of_another_request() -> None:
    action = call("RunTask", 1, key="a", request_id="not in the history")
    found = links(*aws.sync_history(), *aws.sync_calls()[1:], action)
    assert found["a"] == ("role-only", "other", None)
    rows = [aws.row("RunTask", 1), *(aws.row("DescribeTasks", s) for s in (55, 114))]
    bare = sorted(links(*aws.sync_history(), *rows).values())
    assert bare == [(UNIQUE, "action", 2), *[(UNIQUE, "poll", 2)] * 2]


def test_calls_of_the_role_that_fit_nothing_are_the_roles_alone() -> None:
    other = call("RunTask", 1, key="x", role="arn:aws:iam::1:role/other")
    both = [*aws.sync_history(), *aws.sync_history(aws.OTHER_ARN)]
    for records, one, rule, arn, relevant in (
        (aws.sync_history(), X_RAY, LinkRule.ROLE_ONLY, aws.ARN, False),
        (both, X_RAY, LinkRule.ROLE_ONLY, None, False),
        (aws.sync_history(), other, None, None, False),
        # Without an execution everything is of interest.
        ([], X_RAY, None, None, True),
    ):
        trace = trace_of(*records, one)
        link = trace.links.get("x")
        assert (link and link.rule, link and link.execution_arn) == (rule, arn)
        assert trace.as_of().is_relevant(trace.calls["x"]) is relevant


def test_a_task_with_credentials_of_its_own_makes_its_calls_with_those() -> None:
    own = f"arn:aws:iam::{aws.ACCOUNT}:role/elsewhere"
    credentials: dict[str, Any] = {"taskCredentials": {"roleArn": own}}
    run = states((10, aws.REQUEST_RESPONSE, None), **credentials)
    there = call("RunTask", 10, key="there", role=own)
    noise = call("AssumeRole", 400, key="noise", role=own)
    assert links(*run, there, noise, call("RunTask", 10, key="here")) == {
        "there": (UNIQUE, "action", 2),
        "noise": ("role-only", "other", None),
        "here": ("role-only", "other", None),
    }


# -- what a call was for -------------------------------------------------------------


def test_what_a_call_was_for_is_its_attempts_word_before_its_names() -> None:
    trace = trace_of(*aws.sync_run())
    roles = [role_of_call(one, link) for one, link in trace.as_of().linked_calls()]
    assert roles == [CallRole.ACTION, *[CallRole.POLL] * 5]
    poll, alone = trace.calls["poll-0"], Link(LinkRule.ROLE_ONLY, CallRole.OTHER)
    several = Link(LinkRule.AMBIGUOUS, CallRole.ACTION)
    assert role_of_call(poll, None) is role_of_call(poll, alone) is CallRole.POLL
    assert role_of_call(poll, several) is CallRole.ACTION
    people = trace_of(call("RunTask", 1, key="p", invoked_by=None)).calls["p"]
    assert role_of_call(people, None) is CallRole.OTHER
