"""What an attempt asked for, beside requestParameters: what agrees, what does not."""

import json
import math
import pickle
from collections.abc import Sequence
from typing import Any, NamedTuple

import botocore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.history_event import details_of
from sfnwatch.model.linking.leaf_comparison import Leaf, LeafComparison, compare_leaves
from sfnwatch.model.linking.leaves import (
    leaves_of_attempt,
    leaves_of_record,
    scheduled_parameters,
)
from sfnwatch.model.records import RecordKind
from sfnwatch.view.anonymizer import Anonymizer
from tests.builders import received
from tests.golden.inputs import FIXTURES
from tests.model.make_parameter_names import SHIPPED, TABLE, table
from tests.model.make_sdk_services import written

AGAIN = "run python -m tests.model.make_parameter_names"
HEAD = "arn:aws:{}:us-east-1:111122223333:"
ECS, SECRETS = map(HEAD.format, ("ecs", "secretsmanager"))
CLUSTER, FAMILY, TASK = f"{ECS}cluster/a", f"{ECS}task-definition/app", f"{ECS}task/c/a"
FUNCTION, KEY = f"{HEAD.format('lambda')}function:f", f"{HEAD.format('kms')}key/1"
QUEUE, QUEUE_ARN = "https://sqs.x.amazonaws.com/1/q", f"{HEAD.format('sqs')}q"
SECRET, PARAMETER = f"{SECRETS}secret:a/b-AbCdEf", f"{HEAD.format('ssm')}parameter/a/b"
CONNECTION = f"{HEAD.format('events')}connection/pay/0a1b2c3d"
PAY = f"{SECRETS}secret:events!connection/pay/0a1b2c3d-Zz9yXx"
SHIP = PAY.replace("pay", "ship")
NOON, ONE_PM = "2023-07-10T12:00:00.5Z", "Jul 10, 2023, 1:00:00\u202fPM"
OWN, HIDDEN = "AWS Step Functions", "HIDDEN_DUE_TO_SECURITY_REASONS"
CALLER = "arn:aws:sts::111122223333:assumed-role/r/s"
Json = Any


class Case(NamedTuple):
    """A member that is asked for, and what CloudTrail may say beside it."""

    call: str
    keys: str
    """Step Functions' name of it and CloudTrail's, which else begins small."""
    value: Json
    equal: Sequence[Json] = ()
    different: Sequence[Json] = ()
    silent: Sequence[Json] = ()


def outcome(call: str, scheduled: Json, request: Json, **more: Json) -> LeafComparison:
    service, _, name = call.partition(":")
    source = f"{service}.amazonaws.com"
    record = {"eventSource": source, "eventName": name, "requestParameters": request}
    told = leaves_of_record({**record, **more})
    return compare_leaves(leaves_of_attempt(source, name, scheduled), told)


def word(compared: LeafComparison) -> str:
    """Say in a word what a comparison comes to."""
    if compared.different:
        return "different"
    return "equal" if compared.equal else "silent"


def env(**values: str) -> Json:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def items(key: str, *values: Json) -> Json:
    return {"items": [{key: value} for value in values]}


def filtered(value: str) -> Json:
    return {"items": [{"name": "tag:a", "valueSet": items("value", value)}]}


def numbered(value: str) -> Json:
    return {"VpcEndpointId": {"tag": 1, "content": value}}


RUN, LIST, SUBMIT, RULE = "ecs:RunTask", "ecs:Describe", "batch:Submit", "events:Put"
INVOKE, START, EC2 = "lambda:Invoke", "states:StartExecution", "ec2:RunInstances"
STEPS, STOP = "elasticmapreduce:AddJobFlowSteps", "elasticmapreduce:TerminateJobFlows"
READ = "secretsmanager:GetSecretValue"
CASES = {
    "keys are equal whatever their capitals, and whatever joins their words": [
        Case(RUN, "Cluster", "a", ["a"], ["b", "A"]),
        Case("rds:Start", "DbName dBName", "a", ["a"], ["b"]),
        Case("mobiletargeting:Get", "ApplicationId application-id", "a", ["a"], ["b"]),
    ],
    "what one side alone has, or keeps back, or cuts, says nothing": [
        Case(RUN, "Cluster group", "a", silent=["b"]),
        Case(RUN, "Cluster", None, silent=["a"]),
        Case(RUN, "Cluster", "a", silent=[None, "", {}, [], "b...", "b…", "***"]),
        Case(START, "Input", {"a": 1}, silent=[HIDDEN, '{"a":']),
        Case(EC2, "UserData", "a", silent=["<sensitiveDataRemoved>"]),
    ],
    "what Step Functions adds says nothing": [
        Case(RUN, "StartedBy", OWN, silent=[OWN, "a"]),
        Case(RUN, "StartedBy", "run-1", ["run-1"], ["run-2"]),
        Case(SUBMIT, "Environment", env(MANAGED_BY_AWS="a"), silent=[env(A="b")]),
        Case(START, "Input", {"AWS_STEP_FUNCTIONS_X": "a", "b": 1}, ['{"b": 1}']),
        Case(START, "Input", {"AWS_STEP_FUNCTIONS_X": "a"}, silent=[env(A="b")]),
    ],
    "EC2 has a list of ids as a set of items, under the name of either": [
        Case(
            "ec2:CreateTags",
            "Resources resourcesSet",
            ["i-1"],
            [items("resourceId", "i-1")],
            [items("resourceId", "i-2")],
        ),
    ],
    "DynamoDB puts a type around a value, and a record may leave it out": [
        Case(
            "dynamodb:GetItem", "Key", {"id": {"S": "a"}}, [{"id": "a"}], [{"id": "b"}]
        ),
        Case(
            "dynamodb:PutItem",
            "Item key",
            {"id": {"S": "a"}},
            [{"id": "a"}],
            [{"id": "b"}],
        ),
    ],
    "an idempotency token speaks for a pair and never against it": [
        Case(RUN, "ClientToken", "a", ["a"], silent=["b"])
    ],
    "a truth speaks against a pair and never for it": [
        Case(RUN, "Public", True, [], [False, "false"], [True, "true", "value-1", 1]),
        Case(RUN, "Public", "true", [], [False], [True]),
    ],
    "a number and a text of it are equal": [
        Case(RUN, "Count", 2, [2, 2.0, "2", "2.0"], [3, "3"], ["value-1", ""]),
        Case(RUN, "Version", "1.1", ["1.1"], ["1.10"]),
        Case(RUN, "Count", -2, [-2], [-3], ["000000000001"]),
        Case(RUN, "Count", math.nan, silent=[math.nan, 1]),
        Case(RUN, "Count", math.inf, silent=[math.inf, -math.inf, 1]),
        Case(RUN, "Count", 10**400, [10**400], [1], ["1"]),
    ],
    "a time is the same in any writing": [
        Case(RUN, "From", NOON, ["2023-07-10 12:00:00", 1688990400], [1688995709000]),
        Case(RUN, "From", NOON, silent=["Jul 10, 2023 12:00:00 PM", ONE_PM, "time-1"]),
        Case(RUN, "From", "time-1", ["time-1"], silent=["text-2"]),
        Case(RUN, "From", "2023-07-10-a", [], ["2023-07-11-a"]),
    ],
    "an ARN and a name of one thing are equal": [
        Case(RUN, "Cluster", CLUSTER, ["a"], ["b", f"{ECS}cluster/b"]),
        Case(RUN, "Cluster", CLUSTER, [], ["arn:aws:ecs:us-east-1:1:cluster/a"]),
        Case(INVOKE, "FunctionName", FUNCTION, ["f", FUNCTION[25:]], ["ff", "1:f"]),
        Case("sqs:Purge", "QueueUrl", QUEUE, [QUEUE_ARN], [f"{QUEUE}q"]),
        Case(READ, "SecretId", SECRET, ["a/b", "a/b-AbCdEf"], ["b", "a/c"]),
        Case("ssm:Get", "Name", "/a/b", [PARAMETER], [f"{PARAMETER}/c"]),
        Case("kms:Get", "KeyId", KEY, ["1"], ["2"], ["alias/a", FUNCTION]),
    ],
    "a family without a revision, and an alias, equal any": [
        Case(RUN, "TaskDefinition", "app", ["app:3", f"{FAMILY}:3"], ["ap", "ap:3"]),
        Case(RUN, "TaskDefinition", f"{FAMILY}:3", [FAMILY, "app"], [f"{FAMILY}:2"]),
        Case(SUBMIT, "JobDefinition", "job:2", ["job", "job:2"], ["job:3", "b:2"]),
        Case(INVOKE, "FunctionName", "f:live", [f"{FUNCTION}:7"], [f"{FUNCTION}:old"]),
        Case(INVOKE, "FunctionName", FUNCTION, [f"{FUNCTION}:$LATEST", "f:7"]),
        Case(RUN, "Group", "app", [], ["app:3"]),
    ],
    "lists are compared in order, and as sets where the shape differs": [
        Case(LIST, "Tasks", ["a", "b"], [["a", "b"], {"member": ["b", "a"]}]),
        Case(LIST, "Tasks", ["a", "b"], [items("task", "b", TASK)], [["b", "a"]]),
        Case(LIST, "Tasks", ["a", "b"], [], ["a"], [["a", HIDDEN], [["a"], ["b"]]]),
        Case(LIST, "Tasks", ["a"], ["a", TASK], ["b"]),
        Case(LIST, "Tasks", [{"A": "x"}], [{"a": "x"}, [{"a": "x"}]], [{"a": "y"}]),
        Case(LIST, "Tasks", [{"A": 1}, {"A": 2}], [], [[{"A": 1}, {"A": 3}]], [[{}]]),
    ],
    "objects with names are compared by those, and more may be called for": [
        Case(SUBMIT, "Environment", env(A="1", B="2"), [env(C="3", B="2", A="1")]),
        Case(SUBMIT, "Environment", env(A="1", B="2"), [], [env(A="1"), env(B="3")]),
        Case(SUBMIT, "Environment", env(A="1"), silent=[env(A="***", B="2"), []]),
    ],
    "a JSON text and the object are equal": [
        Case(RULE, "Pattern", {"a": ["b"]}, ['{ "A": ["b"] }'], ['{"a":["c"]}']),
        Case(RULE, "Pattern", '{"a":1}', [{"a": 1}, '{"a":"1"}'], [{"a": 2}]),
    ],
    "EC2's sets are folded": [
        Case(EC2, "Ids idsSet", ["i", "j"], [], [], [{}, {"items": []}]),
        Case(
            *(EC2, "InstanceIds instancesSet", ["i", "j"]),
            *([items("instanceId", "j", "i")], [items("instanceId", "i")]),
        ),
        Case(
            *(EC2, "Filters filterSet", [{"Name": "tag:a", "Values": ["b"]}]),
            *([filtered("b")], [filtered("c")]),
        ),
        Case(
            *(EC2, "ImageId instancesSet", "ami-1", [items("imageId", "ami-1")]),
            [{"items": [{"imageId": "ami-2", "minCount": 1}]}],
        ),
        Case(EC2, "SecurityGroupIds groupSet", ["g"], [items("groupId", "g")]),
        Case(EC2, "VpcEndpointIds ARequest", ["v"], [numbered("v")], [numbered("w")]),
    ],
    "what is called otherwise in requests is found by the table": [
        Case("s3:GetBucketAcl", "Bucket bucketName", "b", ["b"], ["c"]),
        Case("s3:PutBucketAcl", "Acl x-amz-acl", "private", ["private"], ["public"]),
        Case("eks:DescribeNodegroup", "ClusterName name", "c", ["c"], ["d"]),
        Case(STEPS, "Step steps", {"Name": "s"}, [[{"name": "s"}]], [[{"name": "t"}]]),
        Case(STOP, "ClusterId jobFlowIds", "j-1", [["j-1"]], [["j-2"]]),
    ],
    "an HTTP task's connection is known by its secret": [
        Case(READ, f"{key} secretId", {"ConnectionArn": CONNECTION}, [PAY], [SHIP])
        for key in ("Authentication", "InvocationConfig")
    ],
}


@pytest.mark.parametrize("rule", CASES)
def test_of_two_requests(rule: str) -> None:
    for case in CASES[rule]:
        key, _, called = case.keys.partition(" ")
        called = called or small_first(key)
        for told in ("equal", "different", "silent"):
            for value in getattr(case, told):
                found = outcome(case.call, {key: case.value}, {called: value})
                assert word(found) == told, (case, value, found)


def small_first(key: str) -> str:
    return key[:1].lower() + key[1:]


@pytest.mark.parametrize(
    ("scheduled", "thing", "expected"),
    [
        ({"TaskDefinition": "app"}, f"{FAMILY}:3", "equal"),
        ({"TaskDefinition": "app:2"}, f"{FAMILY}:3", "different"),
        ({"TaskDefinition": "app"}, f"{ECS}task-definition/*", "silent"),
        ({"FunctionName": "f", "Cluster": "a"}, FUNCTION, "equal"),
        ({"FunctionName": "g"}, FUNCTION, "different"),
        ({"QueueUrl": QUEUE}, QUEUE_ARN, "equal"),
        ({"QueueUrl": QUEUE}, f"{QUEUE_ARN}q", "different"),
        ({"TableName": "t"}, f"{HEAD.format('dynamodb')}table/t/index/i", "equal"),
        ({"StateMachineArn": "m"}, f"{HEAD.format('states')}stateMachine:m", "equal"),
        ({"SecretId": CONNECTION}, PAY, "equal"),
        # The role to be passed on is none that was asked for by that name.
        ({"Role": "r", "RoleName": "r"}, "arn:aws:iam::111122223333:role/q", "silent"),
        # Of a job's id nobody can tell that it isn't that of the job of this name.
        ({"JobName": "a"}, f"{HEAD.format('batch')}job/{'0a1b2c3d' * 4}", "silent"),
    ],
)
def test_a_record_without_a_request_is_compared_by_the_things_it_names(
    scheduled: Json, thing: str, expected: str
) -> None:
    message = f"User: {CALLER} is not authorized to perform: a:B on resource: {thing}."
    assert word(outcome("a:B", scheduled, None, errorMessage=message)) == expected
    named = {"resources": [{"ARN": thing}, {"ARN": CALLER}, None]}
    assert word(outcome("a:B", scheduled, None, **named)) == expected
    version = {"additionalEventData": {"functionVersion": thing}}
    too_large = {"omitted": True, "tableName": "z"}
    assert outcome("a:B", scheduled, too_large) == LeafComparison()
    assert word(outcome("a:B", scheduled, too_large, **version)) == expected
    assert outcome("a:B", scheduled, {"z": 1}, **named) == LeafComparison()


def test_what_an_attempt_asked_is_read_from_the_details_of_its_event() -> None:
    assert scheduled_parameters({"parameters": '{"A":"a"}', "resource": "runTask"}) == {
        "A": "a"
    }
    assert scheduled_parameters({"parameters": {"A": "a"}}) == {"A": "a"}
    assert scheduled_parameters({"resource": FUNCTION, "input": "{}"}) == {
        "FunctionName": FUNCTION
    }
    for parameters in (None, '{"a":', HIDDEN, [1]):
        assert (
            scheduled_parameters({"parameters": parameters, "resource": "runTask"})
            == {}
        )


def test_a_leaf_has_the_path_and_the_values_that_each_side_tells() -> None:
    scheduled = {"Overrides": {"ContainerOverrides": [{"Name": "app", "Cpu": 256}]}}
    request = {"overrides": {"containerOverrides": [{"name": "app", "cpu": "512"}]}}
    (leaf,) = outcome(RUN, scheduled, request).different
    assert leaf == ("Overrides.ContainerOverrides[app].Cpu", 256, "512")


# -- laws ------------------------------------------------------------------------------

WORDS = st.text("abc-_.:/ é\ud800", min_size=1, max_size=9)
PLAIN = WORDS.map(lambda text: f"x{text}x") | st.integers(1, 10**6)
KEYS = st.from_regex(r"[A-Z][a-z]{1,3}[A-Z]{1,3}[a-z]{1,4}", fullmatch=True)
OBJECTS = st.recursive(
    st.dictionaries(
        KEYS,
        PLAIN | st.booleans() | st.lists(PLAIN, min_size=1, max_size=4),
        max_size=4,
    ),
    lambda inner: st.dictionaries(
        KEYS, inner | st.lists(inner, max_size=3), max_size=3
    ),
    max_leaves=4,
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.text(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(WORDS | KEYS, inner),
    max_leaves=8,
)
CALLS = st.sampled_from([RUN, EC2, "s3:PutObject", STEPS, "é:"])


def called(value: Json) -> Json:
    """Write a request as CloudTrail does."""
    if isinstance(value, dict):
        return {small_first(key): called(each) for key, each in value.items()}
    return list(map(called, value)) if isinstance(value, list) else value


@given(CALLS, OBJECTS)
def test_a_record_of_a_request_never_speaks_against_it(
    call: str, request: Json
) -> None:
    assert not outcome(call, request, called(request)).different


def another(value: Json) -> Json:
    """Give a value of the same kind that is another one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return (*value[:-1], another(value[-1]))
    return value + 1 if isinstance(value, int) else f"{value}y"


@given(OBJECTS, st.data())
def test_one_other_value_makes_that_leaf_different_and_no_more(
    request: Json, data: st.DataObject
) -> None:
    sides = leaves_of_attempt("ecs.amazonaws.com", "RunTask", request)
    paths = [path for path, (_, value) in sides.items() if value is not None]
    if paths:
        path = data.draw(st.sampled_from(paths))
        spelling, value = sides[path]
        changed = {**sides, path: (spelling, another(value))}
        different = (Leaf(spelling, value, another(value)),)
        assert compare_leaves(sides, changed).different == different


@given(CALLS, ANY, ANY, ANY)
def test_nothing_that_json_can_say_is_too_odd(
    call: str, scheduled: Json, request: Json, more: Json
) -> None:
    scheduled_parameters({"parameters": scheduled, "resource": more})
    outcome(call, {"Name": scheduled}, {"Name": request})
    outcome(call, {"Name": scheduled}, {"name": [scheduled, more], "names": more})
    outcome(call, {"A": more}, request, resources=more, errorMessage=request)


def nested(depth: int) -> Json:
    value: Json = "a"
    for _ in range(depth):
        value = {"a": [value, {"b": 1}]}
    return value


@pytest.mark.parametrize(
    "value", ["deep", "brackets", "long", "keys", "lists", "names"]
)
def test_neither_depth_nor_size_is_too_much(value: str) -> None:
    request = {
        "deep": nested(1000),
        "brackets": {"A": "[" * 100_000},
        "long": {"A": "a" * 2**20, "B": json.dumps(["a" * 2**20])},
        "keys": {f"K{n}": [[n] * 90] * 90 for n in range(1000)},
        "lists": {"A": list(range(100_000)), "B": items("a", *range(100_000))},
        "names": {"A": [{"Name": str(n)} for n in range(100_000)]},
    }[value]
    sides = leaves_of_attempt("ec2.amazonaws.com", "RunInstances", request)
    assert len(sides) <= 2000
    kept = pickle.dumps(sides)
    assert len(kept) < 200_000
    assert pickle.loads(kept) == sides  # noqa: S301 - it is our own
    assert not outcome(EC2, request, request).different


def test_a_long_text_is_compared_whole() -> None:
    one = {"QueryString": "SELECT " + "a" * 100_000}
    other = {"queryString": one["QueryString"] + "b"}
    assert word(outcome("athena:Start", one, called(one))) == "equal"
    assert word(outcome("athena:Start", one, other)) == "different"


# -- others' records, and redacted ones ------------------------------------------------


def parts(value: Json, key: str) -> list[Json]:
    """Find what stands under a key, wherever in a file."""
    if isinstance(value, list):
        return [found for each in value for found in parts(each, key)]
    if not isinstance(value, dict):
        return []
    own = [value] if key in value else []
    return own + [found for each in value.values() for found in parts(each, key)]


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=f"no fixtures at {FIXTURES}")
def test_recorded_requests_are_spelled_as_the_rules_have_it() -> None:
    """A start of an execution is there on both sides, by two who never met."""
    files = {path: json.loads(path.read_text()) for path in FIXTURES.rglob("*.json")}
    records = parts(list(files.values()), "requestParameters")
    events = parts(list(files.values()), "timestamp")
    scheduled = [
        each for each in map(scheduled_parameters, map(details_of, events)) if each
    ]
    assert len(records) > 20 < len(scheduled)
    spelled = {frozenset(leaves_of_record(record)) for record in records}
    starts = [each for each in scheduled if "StateMachineArn" in each]
    for each in starts:
        told = {**each, "Input": {}}
        assert (
            frozenset(leaves_of_attempt("states.amazonaws.com", "StartExecution", told))
            in spelled
        )
    for request in scheduled:
        assert not outcome(RUN, request, called(request)).different
    assert starts


@pytest.mark.parametrize("rule", list(CASES)[7:])
def test_redaction_makes_no_difference_where_there_was_none(rule: str) -> None:
    for case in CASES[rule]:
        key, _, name = case.keys.partition(" ")
        for value in case.equal:
            trail = {
                "eventTime": NOON,
                "requestParameters": {name or small_first(key): value},
            }
            records = [
                received(RecordKind.TRAIL, {**trail, "eventSource": "a.amazonaws.com"}),
                received(RecordKind.TRAIL, {"requestParameters": {key: case.value}}),
            ]
            mask = Anonymizer.for_records(records)
            one, other = (
                mask.redact(each).record["requestParameters"] for each in records
            )
            assert not outcome(case.call, other, one).different, (case, one, other)


def test_the_table_is_what_the_models_give() -> None:
    if botocore.__version__ == SHIPPED["botocore"]:
        assert TABLE.read_text(encoding="utf-8") == written(table(), "names"), AGAIN
    assert SHIPPED["names"]["ec2"]["instanceids"] == "instanceid"
    assert "clienttoken" in SHIPPED["tokens"]
