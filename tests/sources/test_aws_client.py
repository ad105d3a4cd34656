"""The one door to AWS: what may pass, where to, what comes back, and what is said."""

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aiohttp import web
from botocore import exceptions as boto
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from sfnwatch.model.own_requests import THROTTLED as OVER_QUOTA
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources import http_session
from sfnwatch.sources.answers import (
    AwsRequest,
    Failure,
    Page,
    StalePageError,
    decode_answer,
    json_bytes,
)
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.athena import AthenaTrail
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.endpoints import endpoint_refusal, is_loopback
from sfnwatch.sources.failures import failure_of
from sfnwatch.sources.lake import LakeTrail
from sfnwatch.sources.log_group import LiveTail, LogGroup
from sfnwatch.sources.permissions import (
    DEFAULT_FEATURES,
    GRANTS,
    SIGN_IN,
    Feature,
    NotAllowedError,
    action_of,
    iam_policy,
    operations,
    policy_command,
)
from sfnwatch.sources.polling import PollingSource
from sfnwatch.sources.queue import Queue
from tests.builders import ARN, REGION
from tests.sources.loopback import (
    EVERYTHING,
    Refusal,
    Respond,
    client_at,
    host,
    json_response,
    settings_at,
    stubbed,
)

HISTORY = "states:GetExecutionHistory"
ALLOWED = operations(DEFAULT_FEATURES)


class Events(Page):
    events: list[Raw]


async def read(aws: AwsClient, shape: Any = Events, **more: Any) -> Any:
    asked = {"executionArn": ARN, **more}
    return await aws.call(AwsRequest(HISTORY, ARN, REGION, shape, asked))


# -- answers as they came ----------------------------------------------------------

VALUES = st.none() | st.integers(-(2**53), 2**53) | st.text() | st.lists(st.text())


@settings(max_examples=60)
@given(
    items=st.lists(st.dictionaries(st.text(), VALUES), max_size=4),
    escaped=st.booleans(),
    indent=st.integers(0, 2),
)
def test_each_item_of_a_page_is_handed_on_as_it_came(
    *, items: list[Any], escaped: bool, indent: int
) -> None:
    written = [
        json.dumps(each, ensure_ascii=escaped, indent=indent or None).encode(
            errors="surrogatepass"
        )
        for each in items
    ]
    page = decode_answer(b'{"x": 1, "events": [' + b" , ".join(written) + b"]}", Events)
    assert [bytes(each) for each in page.events] == written
    assert len(page.listed()) == len(items)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"<html>log in first</html>",
        b'{"error": "log in first"}',
        b'{"events": null}',
        b'{"events": "x"}',
        b'{"events": [{"id": 1}',
        b'{"events": [{"id": 1}, 7]}',
        b'{"events": [null]}',
        b'{"events": [], "nextToken": {}}',
        b'{"events": [{"a": NaN}]}',
        b'{"events": [{"a": "\xff"}]}',
        b'{"events": [' + b"[" * 200_000 + b"]" * 200_000 + b"]}",
    ],
)
async def test_what_comes_with_200_and_is_no_answer_is_worth_another_try(
    body: bytes,
) -> None:
    async with (
        host(lambda _: json_response(body)) as asked,
        client_at(asked.url) as aws,
    ):
        with pytest.raises(Failure) as failed:
            await read(aws)
    assert failed.value.state is HealthState.RETRYING
    assert failed.value.message == (
        f"GetExecutionHistory on {ARN}: the answer was cut or garbled."
    )


def test_half_of_a_surrogate_pair_is_no_reason_to_refuse_a_page() -> None:
    page = decode_answer(b'{"events": [{"a": "\\ud800"}, {}]}', Events)
    assert [json.loads(bytes(each)) for each in page.events] == [{"a": "\ud800"}, {}]
    assert json.loads(json_bytes('{"a": "\ud800"}')) == {"a": "\ud800"}
    assert json_bytes('{"ä":  1}') == '{"ä":  1}'.encode()


@pytest.mark.parametrize("code", ["InvalidToken", "InvalidParameterException"])
async def test_errors_are_read_by_botocore_at_every_try(code: str) -> None:
    answers = iter([Refusal("InternalFailure", status=500), *[Refusal(code)] * 2])

    def refuse(_: Mapping[str, Any]) -> Any:
        raise next(answers)

    async with stubbed(GetExecutionHistory=refuse) as stub, client_at(stub.url) as aws:
        with pytest.raises(StalePageError):
            await read(aws, nextToken="old")
        assert len(stub.asked) == 2
        with pytest.raises(Failure, match=code) as failed:
            await read(aws)
    assert failed.value.code == code


# -- what may be sent ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("states:ListMapRuns", {"executionArn": ARN}),
        ("states:StartExecution", {"stateMachineArn": ARN}),
        ("states:StopExecution", {"executionArn": ARN}),
        ("cloudtrail:ListTrails", {}),
        ("cloudtrail:GetQueryResults", {"QueryId": "x" * 36}),
    ],
)
async def test_an_operation_that_is_not_allowed_never_leaves_the_process(
    operation: str, parameters: Mapping[str, Any]
) -> None:
    async with host() as asked:
        # What another service's feature allows is of no use.
        async with AwsClient(settings_at(asked.url), None, [Feature.ATHENA]) as aws:
            with pytest.raises(NotAllowedError, match="not among the operations"):
                await aws.call(AwsRequest(operation, "x", REGION, dict, parameters))
        assert asked.requests == []


def test_the_policy_allows_what_may_be_sent_and_nothing_else() -> None:
    statements = iam_policy()["Statement"]
    actions = [action for each in statements for action in each["Action"]]
    assert set(actions) == set(map(":".join, ALLOWED))
    reads = ("Describe", "Get", "List", "Lookup")
    assert all(name.startswith(reads) for _, name in ALLOWED), "all of it reads"
    assert len({grant.sid for grant in GRANTS}) == len(GRANTS)


def test_every_feature_has_a_grant() -> None:
    missing = set(Feature) - {grant.feature for grant in GRANTS}
    assert not missing, f"add to GRANTS in sfnwatch/sources/access.py: {missing}"


def test_only_one_option_takes_anything_away() -> None:
    reads = ("Cancel", "Describe", "Filter", "Get", "List", "Receive")
    queries = {("athena", "StartQueryExecution"), ("athena", "StopQueryExecution")}
    queries |= {("cloudtrail", "StartQuery"), ("logs", "StartLiveTail")}
    others = set(Feature) - {Feature.CONSUME}
    rest = {op for op in operations(others) - ALLOWED if not op[1].startswith(reads)}
    assert rest == queries
    assert operations(EVERYTHING) - operations(others) == {
        ("sqs", "DeleteMessageBatch")
    }


def test_who_is_denied_is_told_iam_s_word_and_the_policy_that_has_it() -> None:
    assert action_of("s3:ListObjectsV2") == "s3:ListBucket"
    assert action_of("sqs:DeleteMessageBatch") == "sqs:DeleteMessage"
    assert policy_command("states:DescribeMapRun") == "sfnwatch iam-policy"
    for operation, feature in (
        ("states:ListExecutions", Feature.START),
        ("sqs:ReceiveMessage", Feature.QUEUE),
        ("logs:FilterLogEvents", Feature.LOG_GROUP),
        ("cloudtrail:StartQuery", Feature.LAKE),
    ):
        assert policy_command(operation) == f"sfnwatch iam-policy --with {feature}"
        assert action_of(operation) in str(iam_policy([feature]))


# -- where to ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "loopback", "allowed"),
    [
        (None, False, True),
        ("https://states.example", False, True),
        ("http://127.0.0.1:4566", True, True),
        ("http://localhost", True, True),
        ("http://[::1]:1", True, True),
        ("http://states.example", False, False),
        ("http://127.0.0.1.example", False, False),
        ("http://[", False, False),
        ("https://states.example:99999", False, False),
    ],
)
def test_nothing_is_sent_in_the_clear_but_on_this_machine(
    url: str | None, *, loopback: bool, allowed: bool
) -> None:
    assert is_loopback(url) == loopback
    assert (endpoint_refusal(url) == "") == allowed
    meant = endpoint_refusal(url, {"SFNWATCH_ALLOW_HTTP": "1"})
    assert meant == "" or "is no URL: " in meant


def test_what_is_asked_for_credentials_is_named_where_people_look() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert SIGN_IN.isdisjoint(operations(EVERYTHING))
    assert all(f"`{service}:{name}`" in readme for service, name in SIGN_IN)


# -- what is said of errors ----------------------------------------------------------


def refusal(code: str, message: str = "No.") -> boto.ClientError:
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}}, "GetExecutionHistory"
    )


DENIED, EXPIRED = HealthState.DENIED, HealthState.EXPIRED
REFUSED, RETRYING = HealthState.REFUSED, HealthState.RETRYING
THROTTLED = HealthState.THROTTLED
NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
TOO_MANY = "MaxConcurrentQueriesException"
JUDGED: Mapping[tuple[type[PollingSource], str], Mapping[str, tuple[str, str]]] = {
    (PollingSource, HISTORY): {
        **dict.fromkeys(OVER_QUOTA, (THROTTLED, "")),
        "ExpiredToken": (EXPIRED, "Run: aws login"),
        "RequestExpired": (EXPIRED, "Run: aws login"),
        "AccessDenied": (DENIED, "Allow states:GetExecutionHistory (see sfnwatch iam-"),
        "KmsAccessDeniedException": (DENIED, "Allow states:GetExecutionHistory"),
        "ExecutionDoesNotExist": (REFUSED, "Check the ARN and the --region."),
        "UnrecognizedClientException": (REFUSED, "Check the credentials of the"),
        "InternalServerError": (RETRYING, ""),
        "NewInAws": (RETRYING, ""),
    },
    (Queue, "sqs:ReceiveMessage"): {
        NO_QUEUE: (REFUSED, "Is the --queue URL right"),
        "InvalidAddress": (REFUSED, "Is the --queue URL right"),
        "AccessDenied": (DENIED, "Allow sqs:ReceiveMessage"),
        "KMS.AccessDeniedException": (DENIED, "Allow kms:Decrypt"),
        "KMS.ThrottlingException": (THROTTLED, ""),
        "OverLimit": (RETRYING, ""),
        "InternalError": (RETRYING, ""),
    },
    (LogGroup, "logs:FilterLogEvents"): {
        "ResourceNotFoundException": (REFUSED, "Check the log group's name and its"),
        "InvalidParameterException": (REFUSED, "Check the log group's name"),
    },
    (LiveTail, "logs:StartLiveTail"): {
        "AccessDeniedException": (DENIED, "sfnwatch iam-policy --with live-tail"),
        "LimitExceededException": (RETRYING, ""),
        "ResourceNotFoundException": (REFUSED, "Check the log group's name"),
    },
    (Archive, "s3:ListObjectsV2"): {
        "NoSuchBucket": (REFUSED, "Check the bucket's name and Region, and the"),
        "AccessDenied": (DENIED, "Allow s3:ListBucket"),
        "PermanentRedirect": (REFUSED, "Check the bucket's name and Region"),
    },
    (AthenaTrail, "athena:GetQueryExecution"): {
        "InvalidRequestException": (REFUSED, "Check the table, the workgroup and"),
        "AccessDeniedException": (DENIED, "Allow athena:GetQueryExecution"),
    },
    (LakeTrail, "cloudtrail:GetQueryResults"): {
        "EventDataStoreNotFoundException": (REFUSED, "Check the event data store's"),
        TOO_MANY: (THROTTLED, ""),
    },
}
"""By source and operation, what a code means, and what there is to do."""


@pytest.mark.parametrize(("source", "operation"), JUDGED)
def test_every_code_is_judged_and_advised_on(
    source: type[PollingSource], operation: str
) -> None:
    for code, (state, advice) in JUDGED[source, operation].items():
        failure = failure_of(refusal(code), operation, ARN, "aws login")
        any(verdict.apply(failure) for verdict in source.verdicts)
        assert (failure.state, failure.code) == (state, code)
        name = operation.partition(":")[2]
        tried = name if code in OVER_QUOTA else f"{name} on {ARN}"
        assert failure.message.startswith(f"{tried}: {code}. No.")
        assert advice in failure.message


def test_what_aws_says_reaches_nobody_s_terminal_unclean() -> None:
    error = refusal("Bad\x1bCode", "\x1b]0;title\x07 \u202ereversed " + "x" * 1000)
    message = failure_of(error, HISTORY, ARN, "aws login").message
    assert message.isprintable()
    assert len(message) < 700


def test_a_session_token_that_aws_repeats_is_left_out() -> None:
    said = "The Canonical String should have been\n'x-amz-security-token:SECRET\nhost'"
    error = refusal("InvalidSignatureException", said)
    assert "SECRET" not in failure_of(error, HISTORY, ARN, "aws login").message


def test_a_clock_that_is_wrong_is_said_to_be() -> None:
    answer: Any = {
        "Error": {"Code": "InvalidSignatureException", "Message": "Signature expired"},
        "ResponseMetadata": {"HTTPHeaders": {"date": "Wed, 15 Nov 2023 00:28:24 GMT"}},
    }
    error = boto.ClientError(answer, "GetExecutionHistory")
    failure = failure_of(error, HISTORY, ARN, "aws login")
    assert failure.state is HealthState.RETRYING
    assert "This machine's clock is" in failure.message
    assert failure.message.endswith(
        "ahead of AWS's, and what is signed at another time is refused. Set the clock."
    )


@pytest.mark.parametrize(
    "error",
    [boto.ReadTimeoutError(endpoint_url="http://x"), TimeoutError(), OSError("disk")],
)
def test_what_is_no_answer_is_worth_another_try(error: Exception) -> None:
    failure = failure_of(error, "cloudtrail:LookupEvents", "ecs", "aws login")
    assert failure.state is HealthState.RETRYING
    assert failure.message.startswith("LookupEvents on ecs: ")
    assert failure.message.endswith(".")


def test_a_bug_is_not_taken_for_trouble() -> None:
    with pytest.raises(ZeroDivisionError):
        failure_of(ZeroDivisionError(), HISTORY, "x", "aws login")


EVERY = sorted(operations(EVERYTHING))
STREAMS = {("logs", "StartLiveTail"), ("s3", "GetObject")}
LOOKUP = AwsRequest("cloudtrail:LookupEvents", "it", REGION, dict, {})


def sent_on(status: int, to: str) -> Respond:
    return lambda _: web.Response(status=status, headers={"Location": to})


@cache
def least(service: str, operation: str) -> dict[str, Any]:
    """Give the least that may be asked for by an operation, by botocore's model."""
    name = {"states": "stepfunctions"}.get(service, service)
    model = botocore.session.get_session().get_service_model(name)
    shape = model.operation_model(operation).input_shape
    return _value(shape) if shape else {}


def _value(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {k: _value(shape.members[k]) for k in shape.required_members}
        case "list":
            return [_value(shape.member)] * max(1, shape.metadata.get("min", 0))
        case "string":
            enum = getattr(shape, "enum", ())
            return enum[0] if enum else "x" * max(3, shape.metadata.get("min", 0))
        case "timestamp":
            return datetime.now(UTC)
        case "boolean":
            return False
        case _:
            return shape.metadata.get("min", 1)


async def refused(aws: AwsClient, service: str, operation: str) -> Failure:
    name = f"{service}:{operation}"
    asked = AwsRequest(name, "it", REGION, dict, least(service, operation))
    with pytest.raises(Failure) as failed:
        await aws.call(asked)
    return failed.value


async def refused_history(aws: AwsClient) -> str:
    return (await refused(aws, "states", "GetExecutionHistory")).message


# -- redirects ---------------------------------------------------------------------


async def test_no_operation_is_sent_on_to_another_host() -> None:
    """The statuses are tried in turn: all of them in the tests of credentials."""
    statuses = cycle([301, 302, 303, 307, 308])
    async with host() as other, host() as asked, client_at(asked.url) as aws:
        for (service, operation), status in zip(EVERY, statuses, strict=False):
            asked.respond = sent_on(status, f"{other.url}/stolen")
            failure = await refused(aws, service, operation)
            assert failure.state is HealthState.RETRYING
            assert failure.message == (
                f"{operation} on it: {asked.url} answered {status}, a redirect to"
                f" {other.url}, which is not followed: credentials would go along."
            )
        assert len(asked.requests) == len(EVERY), "none is sent twice"
        assert other.requests == []


@pytest.mark.parametrize(
    "to",
    [
        "/here",
        "?x",
        "//{host}/x",
        "HTTP://{host}",
        "http://u:p@{host}/",
        "",
        "http://[",
    ],
)
async def test_it_is_none_the_better_for_how_its_place_is_written(to: str) -> None:
    async with host() as other, host() as asked, client_at(asked.url) as aws:
        where = to.format(host=other.url.removeprefix("http://"))
        asked.respond = sent_on(302, where)
        message = await refused_history(aws)
        assert "which is not followed" in message
        assert "u:p" not in message
        assert ("{" not in to) or other.url in message
        assert (len(asked.requests), other.requests) == (1, [])


async def test_s3_may_name_a_bucket_s_region_and_no_host() -> None:
    """Botocore asks there at an address that it makes itself: here, the same."""
    async with host() as other, host() as asked, client_at(asked.url) as aws:
        region = {"x-amz-bucket-region": "us-west-2", "Location": other.url}
        asked.respond = lambda _: web.Response(status=301, headers=region)
        await refused(aws, "s3", "ListObjectsV2")
        regions = [r.headers["Authorization"].split("/")[2] for r in asked.requests]
        assert (regions, other.requests) == ([REGION, "us-west-2"], [])


# -- answers without end -----------------------------------------------------------


def endless(status: int) -> Respond:
    """Answer with a body that goes on for as long as somebody reads it."""

    class Endless(web.StreamResponse):
        async def write_eof(self, *_: bytes) -> None:
            while True:
                await self.write(b" " * 65536)

    return lambda _: Endless(status=status)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_no_answer_is_read_without_end(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_session, "MOST_ANSWER_BYTES", 1 << 16)
    read = [each for each in EVERY if status >= 300 or each not in STREAMS]
    async with host(endless(status)) as asked, client_at(asked.url) as aws:
        for service, operation in read:
            failure = await refused(aws, service, operation)
            assert failure.state is HealthState.RETRYING
            assert failure.message == (
                f"{operation} on it: {asked.url} answered with more than 64 KiB."
            )
        assert len(asked.requests) == len(read), "none is asked for again"


async def test_a_page_as_long_as_the_limit_is_read_and_not_a_byte_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert http_session.MOST_ANSWER_BYTES == 64 << 20
    monkeypatch.setattr(http_session, "MOST_ANSWER_BYTES", 1 << 20)
    page = b'{"events": []' + b" " * (http_session.MOST_ANSWER_BYTES - 14) + b"}"
    name, arn = "states:GetExecutionHistory", {"executionArn": ARN}
    request = AwsRequest(name, "it", REGION, Events, arn)
    async with host() as asked, client_at(asked.url) as aws:
        asked.respond = lambda _: json_response(page)
        found = await aws.call(request)
        assert found.value.events == []
        asked.respond = lambda _: json_response(page + b" ")
        said = await refused_history(aws)
        assert said.endswith("answered with more than 1.0 MiB.")


# -- what aiobotocore's own session does, too --------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of two hosts that nobody has signed but itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts = [x509.DNSName(each) for each in ("localhost", "states.test")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "cert").write_bytes(made.public_bytes(pem))
    (folder / "key").write_bytes(key.private_bytes(pem, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert", folder / "key")
    return folder / "cert", context


async def test_a_certificate_must_be_known_and_of_the_host(
    certified: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host(tls=certified[1]) as asked:
        async with client_at(asked.url) as aws:
            assert "certificate verify failed" in await refused_history(aws)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certified[0]))
        async with client_at(asked.url) as aws:
            await aws.call(LOOKUP)
        async with client_at(asked.url.replace("localhost", "127.0.0.1")) as aws:
            assert "certificate verify failed" in await refused_history(aws)
        monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/bundle")
        async with client_at(asked.url) as aws:
            assert "No such file" in await refused_history(aws)
    assert len(asked.requests) == 1


async def test_a_proxy_is_asked_where_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with host() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("SFNWATCH_ALLOW_HTTP", "1")
        async with client_at("http://states.invalid") as aws:
            await aws.call(LOOKUP)
        assert [request.host for request in proxy.requests] == ["states.invalid"]
