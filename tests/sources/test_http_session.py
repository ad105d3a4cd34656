"""Requests go to the host that was asked, and nowhere else; answers come to an end."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Raw

from sfnwatch.model.records import HealthState
from sfnwatch.sources import http_session
from sfnwatch.sources.answers import AwsRequest, Failure, Page
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.permissions import operations
from tests.builders import ARN, REGION
from tests.sources.loopback import EVERYTHING, Respond, client_at, host, json_response

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
    monkeypatch.setattr(http_session, "LIMIT", 1 << 16)
    read = [each for each in EVERY if status >= 300 or each not in STREAMS]
    async with host(endless(status)) as asked, client_at(asked.url) as aws:
        for service, operation in read:
            failure = await refused(aws, service, operation)
            assert failure.state is HealthState.RETRYING
            assert failure.message == (
                f"{operation} on it: {asked.url} answered with more than 64 KiB."
            )
        assert len(asked.requests) == len(read), "none is asked for again"


class Events(Page):
    events: list[Raw]


async def test_a_page_as_long_as_the_limit_is_read_and_not_a_byte_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert http_session.LIMIT == 64 << 20
    monkeypatch.setattr(http_session, "LIMIT", 1 << 20)
    page = b'{"events": []' + b" " * (http_session.LIMIT - 14) + b"}"
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
