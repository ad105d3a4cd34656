"""Aliases: what strangers may not see is gone, and what is equal stays equal."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.alias_mask import Mask, is_alias, is_private
from sfnwatch.trace.aliases import Aliases
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.words import plain, row_pieces
from tests.builders import (
    ACCOUNT,
    ARN,
    MACHINE_ARN,
    REGION,
    ROLE,
    TASK_ARN,
    TASK_ID,
    call,
    event,
    health,
    sync_run,
)
from tests.trace.calling import started, trace_of

SESSION = "BmhovYkXBawuygrHoBxDrrpmDaQlMwtW"


def learned(*records: Received) -> Aliases:
    return Aliases().learned(trace_of(records))


def naming(parameters: Any, **more: Any) -> Aliases:
    """Learn from one call with these requestParameters."""
    return learned(*started(), call("X", 1, key="x", parameters=parameters, **more))


def arn(service: str, resource: str, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


# -- what is masked --------------------------------------------------------------


def test_the_seed_s_names_are_gone_from_everything() -> None:
    trace = trace_of(sync_run(denied=True))
    aliases = Aliases().learned(trace)
    shown = [plain(row_pieces(row)) for row in build_lanes(trace).rows]
    shown += [json.dumps(dict(c.raw)) for c in trace.calls.values()]
    shown += [json.dumps(dict(e.raw)) for e in trace.timelines[ARN].ordered]
    text = aliases.mask("\n".join([*shown, ARN, MACHINE_ARN, ROLE]))
    for name in (
        ACCOUNT,
        "nightly-report",
        "run-7f3a",
        "StepFunctions-sync-role",
        "my-cluster",
        TASK_ID,
        TASK_ID[:8],
        SESSION,
    ):
        assert name not in text
        assert aliases.mask(name) == aliases.names[name]
    assert "ECS RunTask  Task  ecs:runTask.sync" in text
    assert "ecs:DescribeTasks" in text
    assert REGION in text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (ARN, f"arn:aws:states:{REGION}:account-1:execution:machine-1:execution-1"),
        (ROLE, "arn:aws:iam::account-1:role/role-1"),
        (
            f"at {TASK_ARN}.",
            f"at arn:aws:ecs:{REGION}:account-1:task/cluster-1/task-1.",
        ),
        ("run-7f3a of nightly-report", "execution-1 of machine-1"),
        ("nightly-report-2 my-nightly-report", "nightly-report-2 my-nightly-report"),
        (f"task {TASK_ID[:8]}", "task task-1"),
        (f"logs-{ACCOUNT}-x", "logs-account-1-x"),
        (f"{ACCOUNT}0 a{ACCOUNT}", f"{ACCOUNT}0 a{ACCOUNT}"),
        (
            ARN[:-4],
            f"arn:aws:states:{REGION}:account-1:execution:machine-1:execution-x",
        ),
        (
            "arn:aws:states:::ecs:runTask.sync:2 arn:aws:iam::aws:policy/Some",
            "arn:aws:states:::ecs:runTask.sync:2 arn:aws:iam::aws:policy/Some",
        ),
        ("at 00:28:24.102 and 2023-11-15T00:28:24Z", None),
        ("ECS RunTask  Task  ecs:runTask.sync  = request id", None),
        ("999988887777", "account-x"),
        (f"by {ROLE[:20]}… 3 KiB more", "by arn:… 3 KiB more"),
        (
            f"by {ROLE[:40]}… 3 KiB more",
            "by arn:aws:iam::account-1:role/role-x 3 KiB more",
        ),
    ],
)
def test_names_are_masked_as_whole_words(text: str, masked: str | None) -> None:
    assert learned(*sync_run()).mask(text) == (text if masked is None else masked)


@pytest.mark.parametrize(
    ("resource", "masked"),
    [
        (arn("lambda", "function:fn-a:PROD"), "function:function-1:PROD"),
        (arn("sqs", "jobs"), "queue-1"),
        (arn("sns", "alerts"), "topic-1"),
        (arn("logs", "log-group:/aws/x/y:*"), "log-group:log-group-1:*"),
        (arn("secretsmanager", "secret:db/pw-AbCdEf"), "secret:secret-1"),
        ("arn:aws:s3:::acme-data/2024/in.csv", "bucket-1/object-1"),
        (arn("dynamodb", "table/orders/index/by-day"), "table/table-1/index/by-day"),
        (arn("ecs", "task-definition/etl:7"), "task-definition/family-1:7"),
        (arn("ecs", "service/prod/web"), "service/cluster-1/service-1"),
        (arn("iam", "role/team-a/etl", ""), "role/path-1/role-1"),
        (arn("iam", "user/jane", ""), "user/user-1"),
        (arn("sts", "assumed-role/etl/jane", ""), "assumed-role/role-1/session-1"),
        (arn("batch", "job-queue/high"), "job-queue/job-queue-1"),
        (arn("glue", "job/clean"), "job/job-1"),
        (arn("states", "stateMachine:etl:3"), "stateMachine:machine-1:3"),
        (arn("states", "mapRun:etl/Each:run-id"), "mapRun:machine-1/Each:run-1"),
        (arn("states", "activity:stamp"), "activity:activity-1"),
        (arn("events", "rule/StepFunctionsGetEventsForECSTaskRule"), "rule/StepF"),
        (arn("new", "Acme/thing"), "Acme/acme-1"),
        (arn("codepipeline", "jane/Build"), ":codepipeline-1/codepipeline-1"),
        (arn("execute-api", "jane1/PROD"), ":execute-api-1/execute-api-1"),
    ],
)
def test_resources_are_named_by_their_kind(resource: str, masked: str) -> None:
    aliases = naming({"deep": [json.dumps({"arn": resource})]})
    told = aliases.mask(resource)
    assert masked in re.sub(r"(?<=[a-z]-)\d+", "1", told)
    # What was learnt is known outside of the ARN too.
    parts = re.findall(r"[\w-]+", aliases.mask(resource.replace("arn:aws:", "")))
    assert set(re.findall(r"[a-z-]+-\d+(?=[:/]|$)", told)) <= set(parts)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("10.0.2.64", "address-1"),
        ("ip-10-0-2-64.ec2.internal", "address-1.ec2.internal"),
        ("06:00:5e:00:53:01", "address-1"),
        ("2001:db8:0:0:0:0:0:1", "address-1"),
        ("fe80::1", "address-1"),
        ("AKIAIOSFODNN7EXAMPLE", "access-key-1"),
        ("jane.doe@corp.example", "email-1"),
        ("eni-02ceebf566ec37530", "eni-1"),
        ("subnet-0123456789abcdef0", "subnet-1"),
        ("sg-0123abcd", "sg-1"),
        ("vpc-0123abcd", "vpc-1"),
        ("std::x a::b:: 1.2.3 1.2.3.4.5 300.1.1.1", None),
    ],
)
def test_what_is_private_by_its_looks_is_masked(text: str, masked: str | None) -> None:
    assert naming({"value": text}).mask(text) == (text if masked is None else masked)
    unlearnt = text if masked is None else masked.replace("-1", "-x", 1)
    assert Aliases().mask(text) == unlearnt


@pytest.mark.parametrize(
    ("parameters", "name", "alias"),
    [
        ({"cluster": "prod"}, "prod", "cluster-1"),
        ({"taskDefinition": "etl:12"}, "etl", "family-1"),
        ({"group": "family:etl"}, "etl", "family-1"),
        ({"functionName": "stamp"}, "stamp", "function-1"),
        (
            {"queueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/jobs"},
            "jobs",
            "queue-1",
        ),
        (
            {"image": f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/acme/etl:3"},
            "acme/etl",
            "repository-1",
        ),
        ({"userName": "jane"}, "jane", "user-1"),
    ],
)
def test_names_without_an_arn_are_known_by_their_key(
    parameters: Any, name: str, alias: str
) -> None:
    aliases = naming(parameters)
    assert aliases.mask(f"({name})") == f"({alias})"
    assert name not in aliases.mask(json.dumps(parameters))


def test_what_a_source_says_of_itself_is_learnt_too() -> None:
    words = f"{arn('iam', 'user/jane', '')} may not"
    assert "jane" not in learned(health("lookup", "denied", 1, message=words)).mask(
        words
    )


def test_common_and_short_names_are_masked_in_arns_only() -> None:
    names = [
        arn("ecs", f"cluster/{name}") for name in ("ecs", "ab", "running", "RunTask")
    ]
    aliases = naming({"all": names})
    assert aliases.mask("ab ecs:runTask running RunTask") == (
        "ab ecs:runTask running RunTask"
    )
    assert [aliases.mask(name).rsplit("/", 1)[1] for name in names] == [
        "cluster-1",
        "cluster-2",
        "cluster-3",
        "cluster-4",
    ]


def test_a_hostile_name_is_known_as_it_is_shown() -> None:
    name = "a\u202eb\x1b"
    aliases = naming({"cluster": name})
    assert aliases.mask("in a\ufffdb␛") == "in cluster-1"


# -- what stays ------------------------------------------------------------------


def test_a_name_keeps_its_alias_and_new_ones_get_the_next_number() -> None:
    records = sync_run()
    first = learned(*records)
    more = arn("ecs", "task/my-cluster/0123456789abcdef0123456789abcdef")
    grown = trace_of([*records, call("X", 500, key="new", parameters={"task": more})])
    second = first.learned(grown)
    assert {**second.names, **first.names} == dict(second.names)
    assert second.mask(more).endswith("task/cluster-1/task-2")
    assert second.mask("task 01234567") == "task task-2"


def test_the_same_trace_teaches_nothing_new() -> None:
    trace = trace_of(sync_run())
    once = Aliases().learned(trace)
    again = once.learned(trace)
    assert again == once
    assert again._mask is once._mask
    assert Aliases().learned(Trace()) == Aliases()


def test_a_trace_learnt_bit_by_bit_masks_all_the_same() -> None:
    records = sync_run()
    aliases = Aliases()
    for count in range(len(records) + 1):
        aliases = aliases.learned(trace_of(records[:count]))
    assert set(aliases.names) == set(learned(*records).names)


def test_a_thing_named_like_an_alias_can_not_be_mixed_up() -> None:
    names = [arn("foo", f"Acme/{name}") for name in ("acme-2", "one", "two")]
    aliases = naming({"all": [arn("ecs", "cluster/task-1"), *names]})
    masked = [aliases.mask(name) for name in names]
    assert len(set(masked)) == 3
    assert aliases.mask("task-1") == "task-1"


# -- for any names ---------------------------------------------------------------

names = st.text(
    st.sampled_from("abcxyz019-_./+ äß夜"), min_size=1, max_size=12
) | st.from_regex(r"[a-z]{3,6}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
books = st.dictionaries(
    names.filter(lambda n: not re.search(r"-(\d|x)", n) and not is_alias(n)),
    st.sampled_from(["task", "machine", "role"]),
    max_size=12,
).map(lambda kinds: {n: f"{kind}-{i}" for i, (n, kind) in enumerate(kinds.items(), 1)})
joints = st.sampled_from(["", " ", ":", "/", "-", "_", ".", ", ", "(", ")", "a", "  "])


@st.composite
def texts(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """Give names with their aliases, and a text in which some of them stand."""
    book = draw(books)
    some = st.sampled_from([*book, "word", ACCOUNT, ARN]) | names
    parts = draw(st.lists(st.tuples(joints, some), max_size=8))
    return book, "".join(joint + name for joint, name in parts) + draw(joints)


def stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


@given(texts())
def test_no_name_survives_as_a_word(drawn: tuple[dict[str, str], str]) -> None:
    book, text = drawn
    masked = Mask(book)(text)
    for name in filter(is_private, book):
        assert not stands_in(name, masked), name
    assert ACCOUNT not in re.findall(r"[0-9A-Za-z]+", masked)


@given(texts())
def test_masking_again_changes_nothing(drawn: tuple[dict[str, str], str]) -> None:
    book, text = drawn
    mask = Mask(book)
    assert mask(mask(text)) == mask(text)


@given(books)
def test_equal_names_have_equal_aliases(book: dict[str, str]) -> None:
    mask = Mask(book)
    for name, alias in book.items():
        if is_private(name):
            assert mask(name) == alias
            assert mask(f" {name} ") == f" {alias} "
        if re.fullmatch(r"[a-z]+", name):
            whole = mask(f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}")
            assert whole == f"arn:aws:ecs:{REGION}:account-x:cluster/{alias}"


@given(st.text(max_size=60))
def test_any_text_can_be_masked(text: str) -> None:
    aliases = naming({"cluster": text, "x": f"arn:aws:ecs:r:1:cluster/{text}"})
    once = aliases.mask(text)
    assert aliases.mask(once) == once


def test_masking_takes_hostile_texts_in_its_stride() -> None:
    mask = Mask({f"name-{number}": f"task-{number}" for number in range(20_000)})
    for text in ("a." * 50_000, "1:" * 50_000, "-" * 100_000):
        assert mask(text) == text
    arns = mask("arn:aws:" * 20_000)
    assert mask(arns) == arns
    assert mask("name-19999 " * 1000) == "task-19999 " * 1000


def test_events_without_raw_records_are_learnt_from_their_details() -> None:
    output = json.dumps({"TaskArn": TASK_ARN})
    aliases = learned(*started(), event(2, "TaskSucceeded", 1, output=output))
    assert aliases.mask(TASK_ID) == "task-1"
