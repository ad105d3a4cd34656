"""Ties that are said to be guesses: by role, action and time."""

import pytest

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.links import Rule
from tests.builders import (
    ACCOUNT,
    ARN,
    TASK_ARN,
    call,
    event,
    sync_calls,
    sync_history,
)
from tests.trace.calling import (
    OTHER_ARN,
    RUN,
    links_of,
    row,
    started,
    state,
)


def test_one_attempt_that_fits_role_action_and_time_is_a_guess() -> None:
    sdk = {"resourceType": "aws-sdk:ecs", "resource": "runTask"}
    made = call("RunTask", 10, key="a")
    link = links_of(started(), state(2, 10, sdk), [made])["a"]
    assert (link.rule, link.visit_id) == (Rule.UNIQUE_CANDIDATE, 2)
    assert link.evidence == "StepFunctions-sync-role"
    assert not link.rule.exact


def test_two_attempts_that_fit_make_it_ambiguous_and_are_listed() -> None:
    links = links_of(
        started(),
        started(OTHER_ARN),
        state(2, 10, RUN),
        state(2, 10.2, RUN, arn=OTHER_ARN),
        [call("RunTask", 10, key="a")],
    )
    link = links["a"]
    assert (link.rule, link.attempt_id, link.execution_arn) == (
        Rule.AMBIGUOUS,
        None,
        None,
    )
    assert link.candidates == ((OTHER_ARN, 3), (ARN, 3))
    assert link.role is CallRole.ACTION


def test_two_branches_of_one_execution_are_ambiguous_within_it() -> None:
    both = [
        event(2, "ParallelStateEntered", 1, name="P"),
        event(3, "ParallelStateStarted", 1),
        event(4, "TaskStateEntered", 1, previous=3, name="A"),
        event(5, "TaskStateEntered", 1, previous=3, name="B"),
        event(6, "TaskScheduled", 1, previous=4, **RUN),
        event(7, "TaskScheduled", 1, previous=5, **RUN),
    ]
    link = links_of(started(), both, [call("RunTask", 1, key="a")])["a"]
    assert (link.rule, link.execution_arn) == (Rule.AMBIGUOUS, ARN)
    assert link.candidates == ((ARN, 6), (ARN, 7))


def test_a_guess_is_refused_where_the_action_is_settled_exactly() -> None:
    output = {"SdkResponseMetadata": {"RequestId": "r-1"}}
    exact = call("RunTask", 10, key="exact", request_id="r-1")
    stray = call("RunTask", 10, key="stray", request_id="r-9")
    task = state(2, 10, RUN, output=output)
    links = links_of(started(), task, [exact, stray])
    assert links["exact"].rule is Rule.REQUEST_ID
    assert links["stray"].rule is Rule.ROLE_ONLY


def test_a_failed_call_that_was_tried_again_inside_may_still_be_guessed() -> None:
    output = {"SdkResponseMetadata": {"RequestId": "r-1"}}
    exact = call("RunTask", 10, key="exact", request_id="r-1")
    refused = ("ThrottlingException", "Rate exceeded")
    throttled = call("RunTask", 10, key="throttled", error=refused)
    links = links_of(started(), state(2, 10, RUN, output=output), [exact, throttled])
    assert links["throttled"].rule is Rule.UNIQUE_CANDIDATE


def test_polls_that_are_tied_exactly_leave_room_for_the_action() -> None:
    action = call("RunTask", 1, key="a", request_id="not-in-the-history")
    links = links_of(sync_history(), sync_calls()[1:], [action])
    assert links["poll-0"].rule is Rule.RESOURCE_ID
    assert (links["a"].rule, links["a"].role) == (
        Rule.UNIQUE_CANDIDATE,
        CallRole.ACTION,
    )


@pytest.mark.parametrize(("second", "fits"), [(3, True), (4, False)])
def test_an_action_is_answered_by_the_time_it_is_submitted(
    second: int,
    fits: bool,  # noqa: FBT001
) -> None:
    (link,) = links_of(sync_history(), [row("RunTask", second)]).values()
    assert (link.rule is Rule.UNIQUE_CANDIDATE) is fits


def test_of_two_attempts_one_settled_the_other_gets_the_call() -> None:
    output = {"SdkResponseMetadata": {"RequestId": "r-1"}}
    links = links_of(
        started(),
        started(OTHER_ARN),
        state(2, 10, RUN, output=output),
        state(2, 10, RUN, arn=OTHER_ARN),
        [
            call("RunTask", 10, key="exact", request_id="r-1"),
            call("RunTask", 10, key="guess", request_id="r-2"),
        ],
    )
    assert links["guess"].rule is Rule.UNIQUE_CANDIDATE
    assert links["guess"].execution_arn == OTHER_ARN


@pytest.mark.parametrize(
    ("second", "fits"),
    [
        (8, False),
        (9, False),
        (10, True),
        (11, True),
        (12, True),
        (13, True),
        (14, False),
    ],
)
def test_the_window_of_an_action_is_judged_in_whole_seconds(
    second: int,
    fits: bool,  # noqa: FBT001
) -> None:
    """The history starts at 24.102; the task is scheduled at 34.502, ends at 35.002.

    A call's second may begin before the task is scheduled, and its answer may be on
    its way for two seconds.
    """
    made = call("RunTask", second, key="a")
    link = links_of(started(), state(2, 10.4, RUN), [made])["a"]
    assert (link.rule is Rule.UNIQUE_CANDIDATE) is fits


@pytest.mark.parametrize(
    ("second", "fits"), [(0, False), (1, True), (309, True), (310, True), (311, False)]
)
def test_polls_are_made_from_submission_to_the_end(
    second: int,
    fits: bool,  # noqa: FBT001
) -> None:
    poll = row("DescribeTasks", second)
    (link,) = links_of(sync_history(), [poll]).values()
    assert (link.rule is Rule.UNIQUE_CANDIDATE) is fits


def test_a_stop_may_come_a_minute_after_the_state_was_aborted() -> None:
    running = [r for r in sync_history() if r.data["id"] <= 5]
    ended = event(6, "ExecutionAborted", 100, previous=0)
    for second, rule in ((150, Rule.UNIQUE_CANDIDATE), (170, Rule.ROLE_ONLY)):
        stop = row("StopTask", second)
        (link,) = links_of(running, [ended, stop]).values()
        assert link.rule is rule
    named = call("StopTask", 120, key="s", parameters={"task": TASK_ARN})
    link = links_of(running, [ended, named])["s"]
    assert (link.rule, link.role) == (Rule.RESOURCE_ID, CallRole.STOP)


@pytest.mark.parametrize("pattern", ["runTask", "runTask.waitForTaskToken"])
def test_only_a_job_that_is_waited_for_is_polled(pattern: str) -> None:
    task = {"resourceType": "ecs", "resource": pattern}
    poll = row("DescribeTasks", 10)
    (link,) = links_of(started(), state(2, 9, task, lasts=5), [poll]).values()
    assert link.rule is Rule.ROLE_ONLY


def test_rows_without_ids_are_tied_where_one_attempt_fits() -> None:
    rows = [row("RunTask", 1), *(row("DescribeTasks", s) for s in (55, 114, 177))]
    links = links_of(sync_history(), rows)
    assert {link.rule for link in links.values()} == {Rule.UNIQUE_CANDIDATE}
    assert sorted(link.role for link in links.values()) == ["action", *["poll"] * 3]


def test_a_row_without_a_role_is_tied_to_nothing() -> None:
    assert links_of(sync_history(), [row("RunTask", 1, arn="")]) == {}


def test_a_versioned_event_name_is_the_action_all_the_same() -> None:
    task = {"resourceType": "aws-sdk:lambda", "resource": "getFunction"}
    made = call("GetFunction20150331v2", 10, key="a", source="lambda.amazonaws.com")
    link = links_of(started(), state(2, 10, task), [made])["a"]
    assert (link.rule, link.role) == (Rule.UNIQUE_CANDIDATE, CallRole.ACTION)


def test_calls_of_the_role_that_fit_nothing_are_the_role_only() -> None:
    noise = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
    link = links_of(sync_history(), [noise])["x"]
    assert (link.rule, link.execution_arn) == (Rule.ROLE_ONLY, ARN)
    assert link.evidence == "StepFunctions-sync-role"


def test_a_role_that_several_executions_share_tells_none_of_them() -> None:
    noise = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
    link = links_of(started(), started(OTHER_ARN), [noise])["x"]
    assert (link.rule, link.execution_arn) == (Rule.ROLE_ONLY, None)


def test_another_role_has_nothing_to_do_with_it() -> None:
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    made = call("RunTask", 1, key="a", role=other)
    assert links_of(sync_history(), [made]) == {}


def test_the_path_of_a_role_does_not_matter() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/service-role/R"
    session = f"arn:aws:iam::{ACCOUNT}:role/R"
    made = call("RunTask", 10, key="a", role=session)
    link = links_of(started(role=role), state(2, 10, RUN), [made])["a"]
    assert link.rule is Rule.UNIQUE_CANDIDATE


def test_a_task_with_credentials_of_its_own_calls_by_that_role() -> None:
    own = f"arn:aws:iam::{ACCOUNT}:role/elsewhere"
    task = state(2, 10, RUN, taskCredentials={"roleArn": own})
    links = links_of(
        started(),
        task,
        [call("RunTask", 10, key="own", role=own), call("RunTask", 10, key="machine")],
    )
    assert links["own"].rule is Rule.UNIQUE_CANDIDATE
    noise = call("AssumeRole", 200, key="n", role=own)
    assert links_of(started(), task, [noise])["n"].rule is Rule.ROLE_ONLY
    assert links["machine"].rule is Rule.ROLE_ONLY


def test_times_at_the_end_of_the_calendar_are_no_trouble() -> None:
    late = row("RunTask", 1, eventtime="9999-12-31T23:59:59Z")
    early = row("RunTask", 1, eventtime="0001-01-01T00:00:00Z")
    links = links_of(sync_history(), [late, early])
    assert {link.rule for link in links.values()} == {Rule.ROLE_ONLY}
