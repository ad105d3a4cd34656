"""What there is to look up for executions, and what is kept of what comes by."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.clock import SystemClock
from sfnwatch.model.api_call import ApiCall, decode_call
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.sources import live
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live_options import (
    CallOptions,
    ChildOptions,
    LiveOptions,
    features_of,
)
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.relevance import Relevance
from sfnwatch.sources.targets import AFTER_END, BEFORE_START, Target, Targets, TimeSpan
from tests import builders as aws

OTHER_ROLE = "arn:aws:iam::1:role/other"
LATER = aws.START + timedelta(seconds=30)


def targets(*arns: str) -> Targets:
    return Targets([parse_execution_arn(arn) for arn in arns or (aws.ARN,)])


def target_of(*records: Received) -> Target:
    (target,) = targets().watched
    for record in records:
        target.observe(record)
    return target


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, **more}


def scheduled(resource_type: str, resource: str, **more: Any) -> Received:
    details = {"resourceType": resource_type, "resource": resource, **more}
    return aws.event(3, "TaskScheduled", 1, **details)


def made(**more: Any) -> ApiCall:
    record = aws.call("RunTask", 1, key="x", **more)
    return decode_call(record)[0]


# -- what to ask for -----------------------------------------------------------------


def test_a_trail_is_asked_for_data_events_too() -> None:
    states = {
        "A": task("arn:aws:states:::lambda:invoke"),
        "B": task("arn:aws:states:::sqs:sendMessage.waitForTaskToken"),
        "C": task("arn:aws:states:::ecs:runTask.sync"),
        "D": task("arn:aws:states:::aws-sdk:ecs:stopTask"),
        "E": task("arn:aws:lambda:eu-west-1:1:function:f"),
        # Nothing of these is anywhere, or names a role: but a secret is read.
        "F": task("arn:aws:states:::eks:call"),
        "H": task("arn:aws:states:::http:invoke"),
    }
    target = target_of(aws.definition(states))
    asked = [source.partition(".")[0] for _, source in target.targets.trail_queries]
    assert asked == ["lambda", "sqs", "ecs", "secretsmanager"]
    asked = [source.partition(".")[0] for _, source in target.targets.lookup_queries]
    assert asked == ["ecs", "secretsmanager"]


@pytest.mark.parametrize(
    ("service", "where"),
    [("ecs", "eu-west-1"), ("iam", "us-east-1"), ("cloudfront", "us-east-1")],
)
def test_calls_are_looked_up_where_they_are_recorded(service: str, where: str) -> None:
    target = target_of(scheduled(f"aws-sdk:{service}", "listX", region="eu-west-1"))
    assert list(target.targets.lookup_queries) == [(where, f"{service}.amazonaws.com")]


@pytest.mark.parametrize(
    "record",
    [
        aws.event(3, "TaskScheduled", 1),
        aws.event(3, "ActivityScheduled", 1, resource="arn:aws:states:r:1:activity:a"),
        aws.event(3, "LambdaFunctionScheduled", 1, resource="arn:aws:lambda:r:1:f"),
        scheduled("sqs", "sendMessage"),
        aws.received(RecordKind.HISTORY, {"id": "x"}),
        aws.received(RecordKind.EXPRESS, {"id": "x"}),
        aws.received(RecordKind.DEFINITION, {"definition": "["}),
        aws.received("unknown", {}),
        aws.sync_calls()[0],
    ],
)
def test_there_is_nothing_to_look_up_for_these(record: Received) -> None:
    target = target_of(record)
    assert (target.targets.lookup_queries, target.targets.roles) == ({}, set())
    assert not target.has_role
    assert (target.started_at, target.stopped_at) == (None, None)


def test_the_roles_are_those_of_the_start_the_definition_and_the_tasks() -> None:
    fixed = {"RoleArn": "arn:aws:iam::1:role/fixed"}
    states = {"A": task("arn:aws:states:::ecs:runTask", Credentials=fixed)}
    target = target_of(
        aws.event(1, "ExecutionStarted", 0, roleArn="arn:aws:iam::1:role/of-start"),
        aws.definition(states),
        scheduled("ecs", "runTask", taskCredentials={"roleArn": f"{OTHER_ROLE}/task"}),
    )
    own = aws.ROLE.rpartition("/")[2]
    assert target.targets.roles == {"of-start", own, "fixed", "task"}
    assert target.has_role


# -- when ----------------------------------------------------------------------------


def test_the_history_s_times_are_kept_where_a_description_rounds_them() -> None:
    end = aws.START + timedelta(seconds=309.05)
    times = {"startDate": "2023-11-15T00:28:24Z", "stopDate": "2023-11-15T00:33:33Z"}
    rounded = aws.changed(aws.describe(), **times)
    for records in ([*aws.sync_history(), rounded], [rounded, *aws.sync_history()]):
        target = target_of(*records)
        assert (target.started_at, target.stopped_at) == (aws.START, end)
    assert target_of(aws.describe()).stopped_at == aws.START + timedelta(seconds=309.05)
    assert target_of(aws.describe("RUNNING")).stopped_at is None


def test_the_times_it_ran_are_apart_where_a_redrive_came_late() -> None:
    def day(number: float) -> datetime:
        return aws.START + timedelta(days=number)

    both = targets(aws.ARN, aws.OTHER_ARN)
    first, second = both.watched
    assert both.spans == []
    for number, kind, days in (
        (1, "ExecutionStarted", 0),
        (2, "ExecutionFailed", 0.5),
        (3, "ExecutionRedriven", 0.501),
        (4, "ExecutionFailed", 1),
        (5, "ExecutionRedriven", 14),
    ):
        first.observe(aws.event(number, kind, days * 86400))
    before = TimeSpan(aws.START - BEFORE_START, day(1) + AFTER_END)
    latest = TimeSpan(day(14) - BEFORE_START)
    assert both.spans == [before, latest], "the first redrive came at once"
    second.observe(aws.event(1, "ExecutionStarted", 86400))
    assert both.spans == [TimeSpan(aws.START - BEFORE_START)], "the other still runs"
    second.observe(aws.event(2, "ExecutionSucceeded", 15 * 86400))
    assert both.spans == [TimeSpan(aws.START - BEFORE_START)]
    first.observe(aws.event(6, "ExecutionSucceeded", 14.5 * 86400))
    assert both.spans == [TimeSpan(aws.START - BEFORE_START, day(15) + AFTER_END)]


def test_it_begins_with_the_first_start_and_ends_with_the_last_end() -> None:
    both = targets(aws.ARN, aws.OTHER_ARN)
    first, second = both.watched
    assert both.span == TimeSpan()
    first.started_at, second.started_at = LATER, aws.START
    first.stopped_at = LATER
    assert both.span == TimeSpan(aws.START - BEFORE_START, None), "the other still runs"
    second.stopped_at = aws.START
    assert both.span == TimeSpan(aws.START - BEFORE_START, LATER + AFTER_END)
    assert both.span.has(aws.START)
    assert not both.span.has(aws.START - 2 * BEFORE_START)


def test_one_that_is_refused_is_not_waited_for() -> None:
    both = targets(aws.ARN, aws.OTHER_ARN)
    first, second = both.watched
    first.stopped_at = LATER
    assert (both.stopped_at, both.known.is_set()) == (None, False)
    second.finish()
    assert (both.stopped_at, both.finished, both.ready) == (LATER, False, False)
    assert both.known.is_set(), "it must not keep the others' calls away"
    first.finish()
    assert both.finished
    assert both.roots_finished


# -- whose ---------------------------------------------------------------------------


def test_calls_of_its_roles_concern_it_and_of_others_our_own_alone() -> None:
    own = made(role=OTHER_ROLE, invoked_by=None, user_agent="sfnwatch/1.0")
    watched = started()
    assert watched.concerns(made())
    assert watched.concerns(made(invoked_by=None))
    assert not watched.concerns(made(role=OTHER_ROLE))
    assert watched.concerns(own), "it measures the lag"
    assert targets().concerns(made(role=OTHER_ROLE)), "no role is known: it may be it"
    assert not targets().concerns(made(invoked_by=None))


def test_one_that_is_not_described_yet_claims_no_other_role_s_calls() -> None:
    both = targets(aws.ARN, aws.OTHER_ARN)
    stranger = made(role=OTHER_ROLE)
    assert both.concerns(stranger), "nobody's role is known: it may be theirs"
    both.roles.add("mine")
    assert not both.concerns(stranger)
    both.roles.add("other")
    assert both.concerns(stranger)
    assert both.roles == {"mine", "other"}


# -- what it started -----------------------------------------------------------------


def test_what_an_execution_starts_is_told_of() -> None:
    told: list[tuple[str, str]] = []
    watched = targets()
    watched.on_started = lambda target, arn: told.append((target.arn.arn, arn))
    run = (
        aws.History()
        .start()
        .task("Nest", aws.NESTED, submitted={"ExecutionArn": aws.CHILD_ARN})
    )
    run.map_run("Each", aws.MAP_RUN_ARN)
    for record in run.records:
        watched.watched[0].observe(record)
    assert told == [(aws.ARN, aws.CHILD_ARN), (aws.ARN, aws.MAP_RUN_ARN)]


# -- what is wanted ------------------------------------------------------------------


def test_an_option_allows_what_it_is_for_and_no_more() -> None:
    def features(*arns: str, depth: int = 0, **calls: Any) -> list[Feature]:
        options = LiveOptions(CallOptions(**calls), ChildOptions(depth))
        return features_of([parse_execution_arn(arn) for arn in arns], options)

    assert features() == features(consume=True, live_tail=True) == []
    assert features(archive="/folder") == []
    assert features(archive="S3://bucket") == [Feature.ARCHIVE]
    queue = features(queue="https://q", consume=True)
    assert queue == [Feature.QUEUE, Feature.CONSUME]
    assert features(aws.EXPRESS_ARN) == [Feature.EXPRESS]
    assert features(depth=3) == [Feature.CHILDREN]


ID = "11111111-2222-4333-8444-555555555555"
SOURCES: dict[str, Any] = {
    "profiles": ("other",),
    "queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/calls",
    "log_group": "/aws/cloudtrail/mine",
    "archive": "s3://bucket/prefix",
    "athena": "trail.logs",
    "lake": f"arn:aws:cloudtrail:eu-west-1:123456789012:eventdatastore/{ID}",
}
"""Each option that has calls come from somewhere, by its field of CallOptions."""
FOR_OTHERS: dict[str, Any] = {
    "lookup": True,
    "consume": True,
    "live_tail": True,
    "sql": True,
    "athena_partitions": ("day",),
    "athena_workgroup": "primary",
    "athena_output": "s3://bucket/",
    "express_log_group": "/aws/vendedlogs/mine",
    "look_back": 60.0,
}
"""Those that only say how others, or Express executions, are read."""
OWN_CLIENTS = {"profiles", "queue"}
"""Those that are asked as somebody else or elsewhere: `Live.watch` makes them."""


def test_every_option_of_calls_is_a_source_or_is_for_one() -> None:
    fields = {*CallOptions.__struct_fields__}
    missing = fields - {*SOURCES, *FOR_OTHERS}
    assert not missing, f"add to SOURCES or FOR_OTHERS of {__name__}: {missing}"
    every = LiveOptions(CallOptions(**SOURCES, **FOR_OTHERS))
    asked = features_of([parse_execution_arn(aws.EXPRESS_ARN)], every)
    denied = set(Feature) - {*asked, Feature.START, Feature.IDENTITY}
    assert not denied, f"add to features_of in live_options.py: {denied}"


@pytest.mark.parametrize("name", sorted(SOURCES.keys() - OWN_CLIENTS))
def test_an_option_of_calls_makes_a_source(name: str) -> None:
    options = CallOptions(lookup=False, **{name: SOURCES[name]})
    watch = live.Live(
        [parse_execution_arn(aws.ARN)],
        AwsSettings("eu-west-1"),
        SystemClock(),
        LiveOptions(options, ChildOptions(depth=0)),
    )
    aws_client: Any = None
    made = [*watch._sources_of_calls(aws_client, aws_client)]
    assert made, f"_sources_of_calls of sfnwatch/sources/live.py has no {name}"
    assert watch.features, f"features_of in live_options.py has no {name}"


def test_every_module_with_a_source_of_calls_has_its_tests() -> None:
    sources, here = Path(live.__file__).parent, Path(__file__).parent
    made = [path for path in sources.glob("*.py") if "(CallSource)" in path.read_text()]
    assert len(made) > 3
    tests = [here / f"test_{path.name}" for path in made]
    missing = [test.name for test in tests if not test.is_file()]
    assert not missing, f"add to tests/sources: {missing}"


# -- what is kept of all the calls that come by --------------------------------------


def with_roles(*roles: str) -> Targets:
    made = targets()
    made.roles.update(roles)
    return made


def start(watched: Targets) -> None:
    started = aws.event(1, "ExecutionStarted", 0, roleArn=aws.ROLE, input="{}")
    watched.watched[0].observe(started)


def started() -> Targets:
    made = targets()
    start(made)
    return made


def run_task(key: str, seconds: float = 1, role: str = aws.ROLE) -> Received:
    return aws.call("RunTask", seconds, key=key, role=role)


def ids(batch: Batch) -> list[str]:
    return [str(each.record["EventId"]) for each in batch]


@given(st.permutations("abcd"), st.integers(0, 4))
def test_in_whatever_order_roles_and_calls_become_known_none_is_lost(
    order: list[str], known_after: int
) -> None:
    watched = with_roles("some-first-role")
    relevance, found = Relevance(watched), list[str]()
    for place, key in enumerate([*order, *order]):
        if place == known_after:
            start(watched)
        found += ids(relevance.select([run_task(key)]))
    assert sorted(found) == [*"abcd"]


def test_only_so_much_is_held_and_the_newest_stays() -> None:
    watched = with_roles("some-first-role")
    records = [run_task(f"{n}", n) for n in range(5)]
    room = sum(len(record.data) for record in records[2:])
    relevance = Relevance(watched, room)
    assert relevance.select(records) == ()
    start(watched)
    assert ids(relevance.select([])) == ["2", "3", "4"]


def test_what_the_role_did_in_other_executions_is_held_and_not_kept() -> None:
    watched = started()
    relevance = Relevance(watched)
    early, late = run_task("before", -6), run_task("after", 905)
    amid = [run_task("a", -4), run_task("b", 899)]
    assert ids(relevance.select([early, *amid])) == ["a", "b"]
    watched.watched[0].observe(aws.event(2, "ExecutionSucceeded", 0))
    assert relevance.select([late]) == ()
    watched.watched[0].observe(aws.event(3, "ExecutionRedriven", 902))
    assert ids(relevance.select([])) == ["after"], "it was of the redrive"
