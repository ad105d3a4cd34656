"""Names keep their parts apart, AWS's own keep their names, all others lose theirs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.redact_book import Book
from sfnwatch.recording.redact_definitions import Definitions, state_names
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_texts import Texts
from sfnwatch.recording.redact_values import Values
from sfnwatch.recording.redact_vocabulary import API_WORDS, ERRORS, SERVICES
from sfnwatch.trace.arns import last_segment, parse_execution_arn, role_name
from sfnwatch.trace.asl import parse_definition
from sfnwatch.trace.integrations import TABLE, integration
from sfnwatch.trace.requests import THROTTLED
from tests.builders import ARN, REGION, ROLE, TASK_ARN

SESSION = "SessionAliasaaaaaaaaaaaaaaaaaaab"
HOME = f"{REGION}:000000000001"
PARTS = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
TASK_NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


def names() -> Names:
    return Names(Book())


# -- identifiers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (ARN, f"arn:aws:states:{HOME}:execution:machine-1:execution-1"),
        (ROLE, "arn:aws:iam::000000000001:role/role-1"),
        (
            "arn:aws:iam::1:role/service-role/team/x",
            "arn:aws:iam::000000000001:role/service-role/path-1/role-1",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/x/BmhovYkXBawuygrHoBxDrrpmDaQlMwtW",
            f"arn:aws:sts::000000000001:assumed-role/role-1/{SESSION}",
        ),
        (
            TASK_ARN,
            f"arn:aws:ecs:{HOME}:task/cluster-1/a11a5a11a5a11a5a11a5a10000000001",
        ),
        (f"{TASK_ARN}.", None),
        ("arn:aws:states:::ecs:runTask.sync:2", "arn:aws:states:::ecs:runTask.sync:2"),
        (
            "arn:aws:states:::aws-sdk:ecs:runTask",
            "arn:aws:states:::aws-sdk:ecs:runTask",
        ),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:x:$LATEST",
            "arn:aws:lambda:eu-west-1:000000000001:function:function-1:$LATEST",
        ),
        ("arn:aws:s3:::acme/in.csv", "arn:aws:s3:::bucket-1/bucket-2"),
        ("arn:aws:zork:us-zork-1:1:zork/x", None),
        ("arn:zork:sqs:eu-west-1:123456789012:jobs", None),
        ("123456789012", "000000000001"),
        (
            "0b0e5a62-63c3-4f4d-9b69-7d8a4e1d2c3b",
            "a11a5a11-a5a1-4a11-a5a1-a11000000001",
        ),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAALIAS00000000001"),
        ("AROA2EOTIX5T6KFUPMZIY:jane", "AROAALIAS00000000001:name-1"),
        ("subnet-0123456789abcdef0", "subnet-a11a5a10000000001"),
        ("jr_" + "ab" * 32, "jr_" + ("a11a5" * 12)[:54] + "0000000001"),
        ("j-2AXXXXXXGAPLF", "j-A11A50000000001"),
        ("10.0.0.7", "address-1"),
        ("fe80::1:2", "address-1"),
        ("06:00:5e:00:53:01", "address-1"),
        ("jane@acme.example", "email-1"),
        ("2024-02-29T10:00:00Z", "time-1"),
        ("family:acme", "family:name-1"),
        ("states.amazonaws.com", "states.amazonaws.com"),
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs",
            "https://sqs.eu-west-1.amazonaws.com/000000000001/name-1",
        ),
        ("acme.amazonaws.com", "name-1.amazonaws.com"),
        ("a/" * 40, "name-1"),
    ],
)
def test_identifiers(text: str, redacted: str | None) -> None:
    found = names().identifier(text)
    if redacted is not None:
        assert found == redacted
    assert not {"zork", "acme", "jane", "nightly"} & set(re.split(r"\W", found))
    assert (
        found.count(":") == text.count(":")
        or redacted in {"name-1", "address-1"}
        or (found == "time-1")
    )


def test_what_the_program_reads_in_arns_can_still_be_read() -> None:
    known = names()
    parsed = parse_execution_arn(known.identifier(ARN))
    assert parsed.region == REGION
    session = ROLE.replace(":iam:", ":sts:").replace("role/", "assumed-role/") + "/s"
    assert role_name(known.identifier(session)) == role_name(known.identifier(ROLE))


@given(TASK_NAMES, st.sampled_from(["", ".", ",", ";:"]))
def test_the_last_part_of_a_path_is_what_it_is_alone(path: str, end: str) -> None:
    known = names()
    whole = known.identifier(f"arn:aws:ecs:{REGION}:123456789012:task/{path}{end}")
    assert last_segment(whole) == known.identifier(last_segment(path) + end)
    assert last_segment(known.identifier(path + end)) == last_segment(whole)


@given(st.lists(TASK_NAMES, unique=True, max_size=8))
def test_what_differs_stays_different(paths: list[str]) -> None:
    known = names()
    assert len({known.identifier(path) for path in paths}) == len(paths)


# -- AWS's own -------------------------------------------------------------------


def test_every_call_of_every_integration_keeps_its_name() -> None:
    known = names()
    for row in TABLE:
        events = (row.action_event, *row.poll_events, *row.stop_events)
        for name in (row.action, *events, f"{row.action_event}20150331v2"):
            assert known.operation(name) == name
        assert known.service(row.resource_type) == row.resource_type
        assert known.event_source(row.event_source) == row.event_source


@pytest.mark.parametrize(
    "resource", ["zorkThing", "zorkThing.sync:2", "zorkThing.syncX"]
)
def test_an_unknown_operation_is_the_same_on_both_sides(resource: str) -> None:
    known = names()
    made = integration(known.service("aws-sdk:ecs"), known.resource(resource))
    assert made.action_event == known.operation("ZorkThing") == "Operation-1"
    assert known.operation("ZorkThing20150331v2") == "Operation-120150331v2"
    assert "syncX" not in known.resource(resource)


@pytest.mark.parametrize(
    ("error", "redacted"),
    [
        ("States.TaskFailed", "States.TaskFailed"),
        ("DynamoDb.ResourceNotFoundException", "DynamoDb.ResourceNotFoundException"),
        ("SecretsManager.SecretsManagerException",) * 2,
        ("Client.UnauthorizedOperation",) * 2,
        ("ApiGateway.403",) * 2,
        ("Lambda.Unknown",) * 2,
        ("CardDeclined", "Error-1"),
        ("CardNotFoundException", "Error-1"),
        ("Lambda.CardDeclined", "Lambda.Error-1"),
        ("Lambda.4915112345678", "Lambda.Error-1"),
        ("Acme.Timeout", "Error-1"),
    ],
)
def test_errors(error: str, redacted: str) -> None:
    assert names().error(error) == redacted


@pytest.mark.parametrize(
    ("kind", "redacted"),
    [
        ("MapIterationStarted", "MapIterationStarted"),
        ("LambdaFunctionScheduleFailed", "LambdaFunctionScheduleFailed"),
        ("ZorkStateEntered", "Type-1StateEntered"),
        ("zork!", "Type-1"),
    ],
)
def test_types_of_events(kind: str, redacted: str) -> None:
    assert names().event_type(kind) == redacted


def test_the_lists_hold_none_but_aws_s_words() -> None:
    customers = {
        "customer",
        "invoice",
        "payment",
        "secret1",
        "acme",
        "patient",
        "salary",
    }
    assert not customers & (API_WORDS | SERVICES | {error.lower() for error in ERRORS})
    assert THROTTLED <= ERRORS


# -- definitions -----------------------------------------------------------------

MACHINE = """{
  "Comment": "Gromit's", "StartAt": "Fan out", "TimeoutSeconds": 60, "Gromit": 4711,
  "States": {
    "Fan out": {
      "Type": "Parallel", "Next": "Pick",
      "Branches": [
        {"StartAt": "A", "States": {"A": {
          "Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync",
          "Parameters": {"Cluster": "gromit", "Secret.$": "$.gromit"},
          "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/gromit"},
          "Retry": [{"ErrorEquals": ["States.Timeout", "Gromit"],
            "IntervalSeconds": 3, "MaxAttempts": 2, "BackoffRate": 1.5}],
          "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "End": true}}},
        {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": [1, "gromit"]}}}
      ]},
    "Pick": {"Type": "Choice", "Default": "End of it", "Choices": [
      {"Not": {"Variable": "$.gromit", "StringEquals": "gromit"}, "Next": "Each"}]},
    "Each": {"Type": "Map", "ItemProcessor": {
      "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "C", "States": {"C": {
        "Type": "Task",
        "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:g"}}}},
    "End of it": {"Type": "Fail", "Error": "Gromit", "Cause": "Gromit went out"}
  }
}"""


def definitions() -> Definitions:
    book = Book()
    known = Names(book)

    def state(name: str) -> str:
        return book.alias(name, "state")

    texts = Texts(book, known, state, frozenset())
    return Definitions(known, texts, Values(known, texts), state)


def test_a_definition_keeps_what_can_happen() -> None:
    before, after = (
        parse_definition(MACHINE),
        parse_definition(definitions().text(MACHINE)),
    )
    assert after.event_sources == before.event_sources
    assert [t.integration for t in after.tasks] == [t.integration for t in before.tasks]
    assert before.branches == {"Fan out": ("A", "B")}
    ((parallel, starts),) = (after.branches or {}).items()
    assert parallel not in starts
    assert len(set(starts)) == 2


def test_a_definition_says_nothing_of_what_on() -> None:
    text = definitions().text(MACHINE)
    assert "gromit" not in text.lower()
    assert "4711" not in text
    for kept in (
        '"IntervalSeconds":3',
        '"BackoffRate":1.5',
        "States.Timeout",
        "INLINE",
    ):
        assert kept in text


def test_the_names_of_states_come_in_the_order_of_the_definition() -> None:
    found = list(state_names(MACHINE))
    assert found[:4] == ["Fan out", "Pick", "Each", "End of it"]
    assert sorted(found[4:]) == ["A", "B", "C"]


@pytest.mark.parametrize(
    "text", ["gromit", "[]", '"gromit"', "", None, 4711, ["gromit"]]
)
def test_what_is_no_definition_is_replaced(text: object) -> None:
    assert "gromit" not in str(definitions().text(text))
    assert "4711" not in str(definitions().text(text))
    assert list(state_names(text)) == []
