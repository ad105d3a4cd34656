"""The mask of a screen: what strangers may not see is gone; what is equal stays so."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.model.records import Received
from sfnwatch.view.anonymizer import Anonymizer
from sfnwatch.view.mask import Mask, is_private
from tests import builders as aws
from tests import examples


def learned(*records: Received) -> Anonymizer:
    anonymizer = Anonymizer()
    anonymizer.learn(records)
    return anonymizer


def naming(parameters: Any, **more: Any) -> Anonymizer:
    """Learn from one call with these requestParameters."""
    return learned(aws.call("X", 1, key="x", parameters=parameters, **more))


def arn(service: str, resource: str, region: str = aws.REGION) -> str:
    return f"arn:aws:{service}:{region}:{aws.ACCOUNT}:{resource}"


# -- what is masked --------------------------------------------------------------------


def test_the_names_of_a_run_are_gone_from_everything() -> None:
    records = aws.sync_run(denied=True)
    told = "\n".join(
        [*(r.data.decode() for r in records), aws.ARN, aws.MACHINE_ARN, aws.ROLE]
    )
    shown = learned(*records).mask(f"{told} ECS RunTask  Task  ecs:runTask.sync")
    for name in (
        *(aws.ACCOUNT, "nightly-report", "run-7f3a", "StepFunctions-sync-role"),
        *("my-cluster", aws.TASK_ID, aws.TASK_ID[:8], aws.SESSION),
    ):
        assert name in told
        assert name not in shown
    assert "ECS RunTask  Task  ecs:runTask.sync" in shown
    assert "ecs:DescribeTasks" in shown
    assert aws.REGION in shown


HERE = f"{aws.REGION}:account-1"
ROLES = "arn:aws:iam::account-1:role/role"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (aws.ARN, f"arn:aws:states:{HERE}:execution:machine-1:execution-1"),
        (aws.ARN[:-4], f"arn:aws:states:{HERE}:execution:machine-1:execution-x"),
        (aws.ROLE, f"{ROLES}-1"),
        (f"at {aws.TASK_ARN}.", f"at arn:aws:ecs:{HERE}:task/cluster-1/task-1."),
        ("run-7f3a of nightly-report", "execution-1 of machine-1"),
        ("nightly-report-2 my-nightly-report", None),
        (f"task {aws.TASK_ID[:8]}", "task 1"),
        (
            f"Task {aws.TASK_ID[:8]}, subtask {aws.TASK_ID[:8]}",
            "Task 1, subtask task-1",
        ),
        (f"logs-{aws.ACCOUNT}-x", "logs-account-1-x"),
        (f"{aws.ACCOUNT}0 a{aws.ACCOUNT}", None),
        ("arn:aws:states:::ecs:runTask.sync:2 arn:aws:iam::aws:policy/Some", None),
        ("at 00:28:24.102 and 2023-11-15T00:28:24Z", None),
        ("ECS RunTask  Task  ecs:runTask.sync  = request id", None),
        ("sync async sdk denied", None),
        ("999988887777", "account-x"),
        (f"by {aws.ROLE[:20]}… 3 KiB more", "by arn:… 3 KiB more"),
        (f"by {aws.ROLE[:40]}… 3 KiB more", f"by {ROLES}-x 3 KiB more"),
    ],
)
def test_names_are_masked_as_whole_words(text: str, masked: str | None) -> None:
    assert learned(*aws.sync_run()).mask(text) == (text if masked is None else masked)


@pytest.mark.parametrize(
    ("resource", "masked"),
    [
        (arn("lambda", "function:fn-a:PROD"), "function:function-1:PROD"),
        (arn("sqs", "jobs"), "queue-1"),
        (arn("logs", "log-group:/acme/yell:*"), "log-group:/log-group-1/log-group-1"),
        (arn("secretsmanager", "secret:data/pw-AbCdEf"), "secret:secret-1/secret-1"),
        ("arn:aws:s3:::acme-data/2024/in.csv", "bucket-1/2024/object-1"),
        (arn("dynamodb", "table/orders/index/by-day"), "table/table-1/table-1/table-1"),
        (arn("ecs", "task-definition/etl:7"), "task-definition/family-1:7"),
        (arn("ecs", "service/prod/web"), "service/cluster-1/service-1"),
        (arn("iam", "role/team-a/etl", ""), "role/path-1/role-1"),
        (arn("sts", "assumed-role/etl/jane", ""), "assumed-role/role-1/session-1"),
        (arn("states", "mapRun:etl/Each:run-id"), "mapRun:machine-1/Each:run-1"),
        (arn("events", "rule/StepFunctionsGetEventsForECSTaskRule"), "rule/StepF"),
        (arn("new", "Acme/thing"), ":name-1/name-1"),
        (arn("codepipeline", "jane/Build"), ":pipeline-1/stage-1"),
    ],
)
def test_resources_are_named_by_their_kind(resource: str, masked: str) -> None:
    anonymizer = naming({"deep": [json.dumps({"arn": resource})]})
    numbered = re.sub(r"(?<=[a-z]-)\d+", "1", anonymizer.mask(resource))
    assert masked in numbered
    # What was learned is known outside of the ARN too.
    parts = re.findall(r"[\w-]+", anonymizer.mask(resource.replace("arn:aws:", "")))
    known = re.findall(r"[a-z-]+-\d+(?=[:/]|$)", anonymizer.mask(resource))
    assert set(known) <= set(parts)


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
        ("sg-0123abcd", "sg-1"),
        ("std::x a::b:: 1.2.3 1.2.3.4.5 300.1.1.1", None),
    ],
)
def test_what_is_private_by_its_looks_is_masked(text: str, masked: str | None) -> None:
    assert naming({"value": text}).mask(text) == (text if masked is None else masked)
    unknown = text if masked is None else masked.replace("-1", "-x", 1)
    assert Anonymizer().mask(text) == unknown


QUEUE = f"https://sqs.eu-west-1.amazonaws.com/{aws.ACCOUNT}/jobs"
IMAGE = f"{aws.ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/acme/etl:3"


@pytest.mark.parametrize(
    ("parameters", "name", "alias"),
    [
        ({"cluster": "prod"}, "prod", "cluster-1"),
        ({"taskDefinition": "etl:12"}, "etl", "family-1"),
        ({"group": "family:etl"}, "etl", "family-1"),
        ({"logGroupName": "/acme/x"}, "/acme/x", "log-group-1"),
        ({"queueUrl": QUEUE}, "jobs", "queue-1"),
        ({"image": IMAGE}, "acme/etl", "repository-1"),
    ],
)
def test_names_without_an_arn_are_known_by_their_key(
    parameters: Any, name: str, alias: str
) -> None:
    anonymizer = naming(parameters)
    assert anonymizer.mask(f"({name})") == f"({alias})"
    assert name not in anonymizer.mask(json.dumps(parameters))


def test_a_name_behind_an_escaped_line_end_or_within_another_is_hidden() -> None:
    cause = json.dumps({"errorMessage": f"denied:\n{arn('dynamodb', 'table/acme')}"})
    assert "acme" not in learned(aws.event(5, "TaskFailed", 9, cause=cause)).mask(cause)
    whole = arn("logs", "log-group:/acme/ecs.internal:*")
    both = naming({"logGroupName": "/acme/ecs", "also": whole})
    assert "internal" not in both.mask(whole)


def test_what_a_source_says_of_itself_is_learned_too() -> None:
    words = f"{arn('iam', 'user/jane', '')} may not"
    anonymizer = learned(aws.health("lookup", "denied", 1, message=words))
    assert "jane" not in anonymizer.mask("jane may not")


def test_common_and_short_names_are_masked_in_arns_only() -> None:
    names = ("ecs", "ab", "running", "RunTask")
    anonymizer = naming({"all": [arn("ecs", f"cluster/{name}") for name in names]})
    plain = "ab ecs:runTask running RunTask"
    assert anonymizer.mask(plain) == plain
    masked = [anonymizer.mask(arn("ecs", f"cluster/{name}")) for name in names]
    assert [m.rsplit("/cluster-", 1)[1] for m in masked] == ["1", "2", "3", "4"]


def test_a_hostile_name_is_known_as_it_is_shown() -> None:
    anonymizer = naming({"cluster": "a\u202eb\x1b"})
    assert anonymizer.mask("in a\ufffdb␛") == "in cluster-1"


# -- what stays ------------------------------------------------------------------------


def test_a_name_keeps_its_alias_and_new_ones_get_the_next_number() -> None:
    anonymizer = learned(*aws.sync_run())
    before = anonymizer.mask(aws.TASK_ARN)
    more = arn("ecs", "task/my-cluster/0123456789abcdef0123456789abcdef")
    anonymizer.learn([aws.call("X", 500, key="new", parameters={"task": more})])
    assert anonymizer.mask(aws.TASK_ARN) == before
    assert anonymizer.mask(more).endswith("task/cluster-1/task-2")
    assert anonymizer.mask("task 01234567") == "task 2"


def test_a_thing_named_like_an_alias_can_not_be_mixed_up() -> None:
    names = [arn("ecs", f"cluster/{name}") for name in ("cluster-2", "one", "two")]
    masked = [naming({"all": names}).mask(name) for name in names]
    assert len(set(masked)) == 3


def test_a_file_and_a_screen_call_a_thing_the_same() -> None:
    anonymizer = learned(*aws.sync_run())
    (told,) = (anonymizer.redact(aws.received("describe", {"name": "my-cluster"})),)
    assert told.record["name"] == anonymizer.mask("my-cluster") == "cluster-1"


# -- for any names ---------------------------------------------------------------------

names = st.text("abcxyz019-_./+ äß夜", min_size=1, max_size=12)
names |= st.from_regex(r"[a-z]{3,6}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
books = st.dictionaries(
    names.filter(lambda n: not re.search(r"-(\d|x)", n)),
    st.sampled_from(["task", "machine", "role"]),
    max_size=12,
).map(lambda kinds: {n: f"{kind}-{i}" for i, (n, kind) in enumerate(kinds.items(), 1)})
joints = st.sampled_from(["", " ", ":", "/", "-", "_", ".", ", ", "(", ")", "a", "  "])


def mask_of(book: dict[str, str]) -> Mask:
    mask = Mask()
    for name, alias in book.items():
        mask.add(name, alias)
    return mask


@st.composite
def texts(draw: st.DrawFn) -> tuple[dict[str, str], str]:
    """Give names with their aliases, and a text in which some of them stand."""
    book = draw(books)
    some = st.sampled_from([*book, "word", aws.ACCOUNT, aws.ARN]) | names
    parts = draw(st.lists(st.tuples(joints, some), max_size=8))
    return book, "".join(joint + name for joint, name in parts) + draw(joints)


def stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


@examples(200)
@given(texts())
def test_no_name_survives_as_a_word(drawn: tuple[dict[str, str], str]) -> None:
    book, text = drawn
    mask = mask_of(book)
    masked = mask(text)
    for name in filter(is_private, book):
        assert not stands_in(name, masked), name
    assert aws.ACCOUNT not in re.findall(r"[0-9A-Za-z]+", masked)


@given(books)
def test_equal_names_have_equal_aliases(book: dict[str, str]) -> None:
    mask = mask_of(book)
    for name, alias in book.items():
        if is_private(name):
            assert mask(name) == alias
            assert mask(f" {name} ") == f" {alias} "
        if re.fullmatch(r"[a-z]+", name):
            whole = mask(f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:cluster/{name}")
            assert whole == f"arn:aws:ecs:{aws.REGION}:account-x:cluster/{alias}"


@given(st.text(max_size=60))
def test_any_text_can_be_learned_and_masked(text: str) -> None:
    anonymizer = naming({"cluster": text, "x": f"arn:aws:ecs:r:1:cluster/{text}"})
    assert isinstance(anonymizer.mask(text), str)


def test_masking_takes_hostile_texts_in_its_stride() -> None:
    mask = mask_of({f"name-{number}": f"task-{number}" for number in range(20_000)})
    for text in ("a." * 50_000, "1:" * 50_000, "-" * 100_000):
        assert mask(text) == text
    arns = mask("arn:aws:" * 20_000)
    assert mask(arns) == arns
    assert mask("name-19999 " * 1000) == "task-19999 " * 1000


# -- what people write into causes and payloads ----------------------------------------

TASK_TOKEN = "AQCEAAAAKgAAAAMAAAAAAAAAAb3n8L0XQ2v7" + "x/Y+z0" * 30 + "=="
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzCANARYKEY"
CAUSE = (
    "Order of Jane Doe from Acme GmbH, +1 555 010 9999, was refused by the bank of"
    f" Smith. token={TASK_TOKEN} key {SECRET_KEY} password: hunter2222 in state Load"
)


@pytest.mark.parametrize("under", ["cause", "errorMessage"])
@pytest.mark.parametrize("shown", [CAUSE, "Jane Doe", "of Smith", json.dumps(CAUSE)])
def test_the_names_keys_and_numbers_of_a_cause_are_masked(
    under: str, shown: str
) -> None:
    failed = aws.failed_history().records[-1]
    details = {"error": "Refused", "cause": json.dumps({under: CAUSE})}
    data = {**failed.record, "executionFailedEventDetails": details}
    record = replace(failed, data=json.dumps(data).encode())
    entered = {"stateEnteredEventDetails": {"name": "Load orders"}, "id": 2}
    state = replace(failed, data=json.dumps(entered).encode())
    masked = learned(state, record).mask(shown)
    for private in (
        *("Jane", "Doe", "Acme", "GmbH", "Smith", "555", "hunter", TASK_TOKEN[:40]),
        SECRET_KEY,
    ):
        assert private not in masked
    if "Load" in shown:
        assert "in state Load" in masked


@pytest.mark.parametrize(
    "text",
    [
        "+24h 00m  +60 s  +00:12:33 / 24h 00m",
        "No cluster. (Service: AmazonECS; Request ID: x; Proxy: null)",
        "ECS RunTask failed once with AccessDenied, token expired, secret rotated",
        "TaskFailed  ExecutionFailed  States.TaskFailed",
        "a" * 64,
    ],
)
def test_what_aws_and_the_screen_say_is_not_masked_as_a_key(text: str) -> None:
    anonymizer = learned(*aws.failed_history().records)
    assert anonymizer.mask(text) == text
