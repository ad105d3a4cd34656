"""Every integration from its records to its links, through the trace as JSON.

Raw events and records go in, `export --to json` comes out, and each row of
`integration_jobs` says what must stand there. So a wrong name, path or rule of any
integration fails here, whichever part of the way loses it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sfnwatch.export.json import trace_json
from sfnwatch.trace.events import Received
from sfnwatch.trace.integrations import TABLE, integration
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, REGION, ROLE, call, event
from tests.trace.integration_jobs import FORMS, JOBS, Job

REQUEST = "req-of-the-start"
ROWS = [pytest.param(name, job, id=name) for name, job in JOBS.items()]
rows = pytest.mark.parametrize(("name", "job"), ROWS)


def told(records: Iterable[Received]) -> dict[str, Any]:
    return trace_json(extend(Trace(), list(records)))


def links(records: Iterable[Received]) -> dict[str, tuple[str, Any]]:
    """Give each call's role and rule; each that is tied is tied to the one try."""
    found = {}
    for one in told(records)["calls"]:
        link = one["link"]
        if link is not None and link["attempt"] is not None:
            assert (link["execution"], link["visit"], link["attempt"]) == (ARN, 2, 3)
        found[one["event_id"]] = (one["role"], link and link["rule"])
    return found


def state(
    resource_type: str,
    resource: str,
    *,
    submitted: Any = None,
    output: Any = None,
    end: str = "TaskSucceeded",
) -> Iterator[Received]:
    """Build an execution of one Task, which ends after five minutes."""
    task: dict[str, Any] = {"resourceType": resource_type, "resource": resource}
    yield event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE)
    yield event(2, "TaskStateEntered", 1, name="Work", input="{}")
    yield event(3, "TaskScheduled", 1, region=REGION, parameters="{}", **task)
    yield event(4, "TaskStarted", 1.2, **task)
    last = 4
    if submitted is not None:
        last = 5
        yield event(last, "TaskSubmitted", 2, output=json.dumps(submitted), **task)
    if end == "TaskSucceeded":
        yield event(last + 1, end, 300, output=json.dumps(output), **task)
        yield event(last + 2, "TaskStateExited", 300, name="Work", output="{}")
        yield event(last + 3, "ExecutionSucceeded", 300.1, output="{}")
    else:
        yield event(last + 1, end, 300, error="States.Timeout", **task)
        yield event(last + 2, "ExecutionFailed", 300.1, error="States.Timeout")


def with_request(answer: Any) -> dict[str, Any]:
    metadata = {"SdkResponseMetadata": {"RequestId": REQUEST}}
    return {**(answer or {}), **metadata}


def calls_of(
    name: str, job: Job, *, request_id: str | None = REQUEST
) -> Iterator[Received]:
    """Build its calls: the start, twice each poll, one of them refused, the stops."""
    source = f"{name.partition(':')[0]}.amazonaws.com"
    yield call(
        job.start,
        1.5,
        key="start",
        request_id=request_id,
        response=job.answer,
        source=source,
    )
    for poll, asked in job.polls.items():
        yield call(poll, 60, key=poll, parameters=asked, source=source)
        refused = ("AccessDenied", "not authorized to perform it")
        yield call(poll, 120, key=f"{poll} refused", error=refused, source=source)
    for stop, asked in job.stops.items():
        yield call(stop, 301, key=stop, parameters=asked, source=source)


def test_the_table_has_the_jobs_that_aws_s_pages_have_and_no_others() -> None:
    assert {f"{row.resource_type}:{row.action}" for row in TABLE} == set(JOBS)


@rows
@pytest.mark.parametrize("suffix", ["sync", "sync:2"])
def test_a_job_s_start_and_polls_are_tied_to_the_state_that_waits_for_it(
    name: str, job: Job, suffix: str
) -> None:
    service, action = name.split(":")
    records = state(
        service,
        f"{action}.{suffix}",
        submitted=with_request(job.submitted),
        output=job.done,
    )
    found = links([*records, *calls_of(name, job)])
    expected: dict[str, tuple[str, Any]] = {"start": ("action", "request-id")}
    for poll in job.polls:
        # GetJobRuns asks for all runs of a Glue job, as DataBrew's polls do.
        rule = "unique-candidate" if poll == "GetJobRuns" else job.poll_rule
        expected[poll] = ("poll", rule)
        expected[f"{poll} refused"] = ("poll", "unique-candidate")
    for stop in job.stops:
        # The end has told the id by now, even where the start's answer did not.
        expected[stop] = ("stop", "resource-id")
    assert found == expected


@rows
def test_a_job_that_is_given_up_is_stopped_by_its_state(name: str, job: Job) -> None:
    service, action = name.split(":")
    records = state(
        service,
        f"{action}.sync",
        submitted=with_request(job.submitted),
        end="TaskTimedOut",
    )
    found = links([*records, *calls_of(name, job)])
    assert [found[stop] for stop in job.stops] == [("stop", job.stop_rule)] * len(
        job.stops
    )


@rows
def test_a_start_is_guessed_where_no_request_id_tells(name: str, job: Job) -> None:
    service, action = name.split(":")
    records = state(service, f"{action}.sync", submitted={}, output={})
    found = links([*records, *calls_of(name, job)])
    assert found["start"] == ("action", "unique-candidate")


@rows
def test_a_state_that_only_asks_for_a_job_never_polls(name: str, job: Job) -> None:
    service, action = name.split(":")
    records = state(service, action, output=with_request(job.submitted))
    made = told([*records, *calls_of(name, job)])
    (attempt,) = made["executions"][0]["visits"][0]["attempts"]
    assert (attempt["pattern"], attempt["request_id"]) == ("request-response", REQUEST)
    roles = {one["event_id"]: one["role"] for one in made["calls"] if one["link"]}
    tied = {
        one["event_id"]: one["role"]
        for one in made["calls"]
        if one["link"] and one["link"]["attempt"] is not None
    }
    assert roles["start"] == "action"
    assert set(tied.values()) - {"action"} <= {"other"}


@rows
def test_a_state_that_waits_for_its_token_calls_once(name: str, job: Job) -> None:
    service, action = name.split(":")
    records = state(
        service,
        f"{action}.waitForTaskToken",
        submitted=with_request(job.submitted),
        output={"done": True},
    )
    made = told([*records, *calls_of(name, job)])
    (attempt,) = made["executions"][0]["visits"][0]["attempts"]
    assert attempt["pattern"] == "waitForTaskToken"
    by_id = {one["event_id"]: one for one in made["calls"]}
    assert by_id["start"]["role"] == "action"
    assert by_id["start"]["link"]["rule"] == "request-id"
    tied = [one for one in made["calls"] if one["link"] and one["link"]["attempt"]]
    assert {one["role"] for one in tied} <= {"action", "other"}


@rows
def test_the_sdk_s_form_of_it_is_tied_by_the_id_in_its_answer(
    name: str, job: Job
) -> None:
    service, action = job.sdk
    answer = job.sdk_output or job.submitted
    records = state(f"aws-sdk:{service}", action, output=answer)
    found = links([*records, *calls_of(name, job, request_id="hidden by the SDK")])
    # Those whose answer is empty can only be guessed, as they are.
    rule = "resource-id" if job.answer else "unique-candidate"
    assert found["start"] == ("action", rule)
    tied = [role for role, tie in found.values() if tie == "unique-candidate"]
    assert set(tied) <= {"action"}


@pytest.mark.parametrize(("name", "output", "ids"), FORMS)
def test_a_job_s_id_is_found_in_every_form_it_is_told_in(
    name: str, output: Any, ids: tuple[str, ...]
) -> None:
    service, action = name.split(":")
    made = told(state(service, f"{action}.sync", output=output))
    (attempt,) = made["executions"][0]["visits"][0]["attempts"]
    assert attempt["resource_ids"] == list(ids)


@rows
def test_the_rule_the_words_and_the_stop_are_those_of_its_page(
    name: str, job: Job
) -> None:
    service, action = name.split(":")
    row = integration(service, f"{action}.sync")
    assert row.managed_rule == job.rule
    assert row.id_word == job.word
    assert row.stop_key == job.stop_key
    assert (row.starts_job, row.recorded) == (True, True)
    assert row.event_sources == (f"{service}.amazonaws.com",)
    assert row.poll_events == tuple(job.polls)
    assert row.stop_events == tuple(job.stops)
    sdk = integration(f"aws-sdk:{job.sdk[0]}", job.sdk[1])
    assert (sdk.event_source, sdk.action_event) == (row.event_source, job.start)
    assert (sdk.poll_events, sdk.stop_events, sdk.managed_rule) == ((), (), None)
