"""Who is let in, and how answers and refusals look on the wire."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from sfnwatch.demo.api import answer
from sfnwatch.demo.times import http_date, in_words, iso, iso_ms
from sfnwatch.demo.wire import Asked, Reply
from tests.demo.clients import AUTHORIZATION, Direct

STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, "MissingAuthenticationTokenException"),
        ("", "MissingAuthenticationTokenException"),
        ("Bearer abc", "IncompleteSignatureException"),
        ("AWS4-HMAC-SHA256 Credential=x", "IncompleteSignatureException"),
        (AUTHORIZATION.replace("AKIA", "akia-"), "UnrecognizedClientException"),
        (AUTHORIZATION.replace("0" * 64, "0" * 63), "InvalidSignatureException"),
        (AUTHORIZATION.replace("aws4_request", "aws5"), "InvalidSignatureException"),
    ],
)
def test_a_request_without_a_proper_signature_is_refused(
    direct: Direct, authorization: str | None, expected: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    direct.headers = headers
    assert direct.refusal("ListStateMachines")[0] == expected


def test_an_expired_token_is_told_and_any_other_is_taken(direct: Direct) -> None:
    direct.headers["X-Amz-Security-Token"] = "EXPIRED"
    code, message = direct.refusal("ListStateMachines")
    assert code == "ExpiredTokenException"
    assert message == "The security token included in the request is expired"
    direct.headers["X-Amz-Security-Token"] = "fresh"
    assert direct("ListStateMachines")["stateMachines"]


def test_a_caller_with_a_session_token_is_in_a_role(direct: Direct) -> None:
    direct.headers["X-Amz-Security-Token"] = "fresh"
    reply = identity(direct)
    assert b"assumed-role/demo/demo" in reply.body
    direct.clock.advance(420)
    record = direct.own_records("sts.amazonaws.com")[-1]
    assert record["userIdentity"]["type"] == "AssumedRole"
    assert record["userIdentity"]["accessKeyId"] == "AKIAIOSFODNN7EXAMPLE"


@pytest.mark.parametrize(
    ("operation", "version"),
    [("ListStateMachines", "1.0"), ("LookupEvents", "1.1"), ("Nothing", "1.0")],
)
def test_each_service_answers_in_its_own_version(
    direct: Direct, operation: str, version: str
) -> None:
    reply = direct.reply(operation)
    assert reply.content_type == f"application/x-amz-json-{version}"


@pytest.mark.parametrize("target", ["AWSStepFunctions.StartExecution", "x", ""])
def test_an_unknown_operation_is_refused(direct: Direct, target: str) -> None:
    headers = direct.headers | {"X-Amz-Target": target}
    reply = answer(direct.account, Asked(headers, b"{}"))
    assert (reply.status, reply.error_code) == (400, "UnknownOperationException")


def test_a_request_for_nothing_is_refused(direct: Direct) -> None:
    reply = answer(direct.account, Asked(direct.headers, b""))
    assert reply.error_code == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'"text"'])
def test_a_body_that_is_no_object_is_refused(direct: Direct, body: bytes) -> None:
    headers = direct.headers | {"X-Amz-Target": "AWSStepFunctions.ListStateMachines"}
    reply = answer(direct.account, Asked(headers, body))
    assert reply.error_code == "SerializationException"


def test_an_empty_body_is_an_empty_request(direct: Direct) -> None:
    headers = direct.headers | {"X-Amz-Target": "any.prefix.ListStateMachines"}
    assert answer(direct.account, Asked(headers, b"")).status == 200


def test_a_service_names_its_own_errors_and_the_common_ones_apart(
    direct: Direct,
) -> None:
    own = direct.reply("DescribeExecution", executionArn="x")
    common = direct.reply("DescribeExecution")
    assert json.loads(own.body)["__type"].endswith("swf.service.v2.model#InvalidArn")
    assert json.loads(common.body)["__type"].startswith("com.amazon.coral")


def test_every_answer_has_an_id_of_its_own(direct: Direct) -> None:
    replies = [direct.reply("ListStateMachines") for _ in range(3)]
    assert len({reply.request_id for reply in replies}) == 3


def test_sts_answers_in_xml(direct: Direct) -> None:
    reply = identity(direct)
    root = ET.fromstring(reply.body)  # noqa: S314 - our own server's XML
    assert root.findtext(f".//{STS}Arn") == "arn:aws:iam::123456789012:user/demo"
    assert root.findtext(f".//{STS}RequestId") == reply.request_id


def test_sts_refuses_in_xml_with_shorter_codes(direct: Direct) -> None:
    direct.account.faults.expired = True
    reply = identity(direct)
    root = ET.fromstring(reply.body)  # noqa: S314 - our own server's XML
    assert (reply.status, root.findtext(f".//{STS}Code")) == (403, "ExpiredToken")


@pytest.mark.parametrize(
    ("hour", "expected"), [(0, "12:05:09 AM"), (12, "12:05:09 PM"), (23, "11:05:09 PM")]
)
def test_times_in_words_have_twelve_hours(hour: int, expected: str) -> None:
    at = datetime(2023, 1, 5, hour, 5, 9, tzinfo=UTC)
    assert in_words(at) == f"Jan 5, 2023, {expected}"


def test_the_other_forms_of_a_time() -> None:
    at = datetime(2023, 11, 15, 0, 28, 24, 7000, tzinfo=UTC)
    assert iso(at) == "2023-11-15T00:28:24Z"
    assert iso_ms(at) == "2023-11-15T00:28:24.007Z"
    assert http_date(at) == "Wed, 15 Nov 2023 00:28:24 GMT"


def identity(direct: Direct) -> Reply:
    form = "application/x-www-form-urlencoded; charset=utf-8"
    headers = direct.headers | {"Content-Type": form}
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    return answer(direct.account, Asked(headers, body))
