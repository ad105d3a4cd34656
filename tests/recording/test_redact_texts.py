"""Sentences and payloads: what AWS wrote stays, what others wrote does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.redact_book import Book
from sfnwatch.recording.redact_names import Names
from sfnwatch.recording.redact_texts import Texts
from sfnwatch.recording.redact_values import Values
from tests.builders import REGION, TASK_ARN
from tests.recording.values import values

DENIED = (
    "User: arn:aws:sts::{}:assumed-role/{} is not authorized to perform:"
    " ecs:DescribeTasks on resource: {} because no identity-based policy allows the"
    " ecs:DescribeTasks action"
)
SDK = "(Service: {}, Status Code: 400, Request ID: {})"
OPTIMISED = (
    "(Service: {}; Status Code: 404; Error Code: {}; Request ID: {}; Proxy: null)"
)
RAISED = (
    "An error occurred while executing the state '{}' (entered at the event id #2)."
)
ID = "0b0e5a62-63c3-4f4d-9b69-7d8a4e1d2c3b"

TASK = (
    f"arn:aws:ecs:{REGION}:000000000001:task/cluster-1/a11a5a11a5a11a5a11a5a10000000001"
)
UUID = "a11a5a11-a5a1-4a11-a5a1-a11000000001"


def texts(*held: str) -> Texts:
    book = Book()
    return Texts(book, Names(book), lambda _: "state-1", frozenset(held))


def redacting() -> Values:
    book = Book()
    names = Names(book)
    return Values(names, Texts(book, names, str, frozenset()))


# -- sentences -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("", ""),
        ("Rate exceeded", "Rate exceeded"),
        ("The bank declined the card", "text-1"),
        ("Charge 10.0.0.7 for jane@acme.example", "text-1"),
        (
            DENIED.format("123456789012", "x/y", TASK_ARN),
            DENIED.format(
                "000000000001", "role-1/SessionAliasaaaaaaaaaaaaaaaaaaab", TASK
            ),
        ),
        (
            f"Requested resource not found {SDK.format('DynamoDb', ID)}",
            f"text-1 {SDK.format('DynamoDb', UUID)}",
        ),
        (
            f"Acme {OPTIMISED.format('AWSLambda', 'AcmeException', 'x')}",
            f"text-1 {OPTIMISED.format('AWSLambda', 'Error-1', 'request-1')}",
        ),
        (
            f"{RAISED.format('Acme')} The acme died",
            f"{RAISED.format('state-1')} text-1",
        ),
        (f"no {TASK_ARN}.", f"text-1 {TASK}."),
        ("is it 123456789012, really", "text-1 000000000001 text-2"),
    ],
)
def test_sentences(text: str, redacted: str) -> None:
    assert texts().text(text) == redacted


def test_an_id_that_ties_a_call_is_found_in_any_sentence() -> None:
    known = texts("acme-job", "x y")
    alias = known.text("acme-job")
    assert known.text("no job acme-job.") == f"text-1 {alias}."
    assert known.text("go to /acme-job") == f"text-2 /{alias}"
    assert known.text("not acme-job-2 though") == "text-3"


@given(st.text(), st.text())
def test_different_sentences_stay_different(one: str, other: str) -> None:
    known = texts()
    if one.strip() != other.strip():
        assert known.text(f"Q {one}") != known.text(f"Q {other}")


# -- payloads --------------------------------------------------------------------


def test_a_payload_keeps_its_structure_and_aws_s_keys() -> None:
    payload = {
        "TaskArn": TASK_ARN,
        "StoppedAt": 1700011200000,
        "CreatedAt": "2023-11-15T00:28:24Z",
        "Containers": [{"ExitCode": 137, "Name": "acme", "Cpu": 256}],
        "LastStatus": "STOPPED",
        "JobId": "STOPPED",
        "acme": {"TaskArn.$": "$.acme", "vip": True, "n": None, "l": [[], {}, ""]},
        "Error": "Acme",
        "createdAt": 10**18,
        "statusCode": 4915112345678,
    }
    assert redacting().value(payload) == {
        "TaskArn": TASK,
        "StoppedAt": 1700011200000,
        "CreatedAt": "2023-11-15T00:28:24Z",
        "Containers": [{"ExitCode": 137, "Name": "value-1", "Cpu": 0}],
        "LastStatus": "STOPPED",
        "JobId": "value-2",
        "value-1": {
            "TaskArn.$": "value-3",
            "key-1": False,
            "key-2": None,
            "key-3": [[], {}, ""],
        },
        "Error": "Error-1",
        "createdAt": 0,
        "statusCode": 0,
    }


def test_json_in_json_is_redacted_as_json() -> None:
    inner = json.dumps({"acme": json.dumps(["acme", json.dumps("acme")])})
    assert redacting().string(inner) == (r'{"key-1":"[\"key-1\",\"\\\"key-1\\\"\"]"}')


def test_equal_values_stay_equal_and_different_ones_different() -> None:
    known = redacting()
    assert known.value(["a", "b", "a"]) == ["value-1", "value-2", "value-1"]
    assert known.value({"a": "c"}) == {"value-1": "value-3"}


def test_what_is_nested_without_end_is_cut() -> None:
    deep: Any = "acme"
    for _ in range(300):
        deep = [deep]
    assert "acme" not in json.dumps(redacting().value(deep))


@given(values)
def test_any_value_has_one_of_its_kind(value: Any) -> None:
    redacted = redacting().value(value)
    assert json.loads(json.dumps(redacted, allow_nan=False)) == redacted
    assert type(redacted) is type(value) or isinstance(value, float | int)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("2023-11-15T00:28:24.102Z", True),
        ("2023-11-15 00:28:24.000 UTC", True),
        (1700011200.5, True),
        (1700011200000, True),
        ("20231115T002824Z", False),
        ("acme", False),
        ({"acme": "acme"}, False),
        (float("nan"), False),
        (10**40, False),
    ],
)
def test_times_are_kept(value: Any, *, kept: bool) -> None:
    found = redacting().time(value)
    assert (found == value) is kept
    assert "acme" not in str(found)


def test_a_time_that_is_written_oddly_stays_the_same_time() -> None:
    assert redacting().time("20231115T002824Z") == "2023-11-15T00:28:24+00:00"


@pytest.mark.parametrize("value", ["acme", ["acme"], {"acme": 1}, 1.5, None, True])
def test_fields_of_another_kind_than_theirs_are_payloads(value: Any) -> None:
    known = redacting()
    for field in (known.time, known.whole, known.number, known.truth, known.enum):
        assert "acme" not in json.dumps(field(value))
