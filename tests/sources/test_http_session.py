"""Requests go to the host that was asked, and nowhere else; answers come to an end."""

import asyncio
import hashlib
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sfnwatch.sources import bounded
from sfnwatch.sources.allowed import Feature, operations
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drive import Failure
from sfnwatch.trace.events import HealthState
from tests.sources.loopback import served

REGION = "eu-west-1"
EVERY = sorted(operations(list(Feature)))
STREAMS = {("logs", "StartLiveTail"), ("s3", "GetObject")}
REDIRECTS = (301, 302, 303, 307, 308)
LOCATIONS = ("{}/x", "/here", "?x", "//{host}/x", "HTTP://{host}", "http://u:p@{host}/")
ID = {"x-amzn-RequestId": "0c5a4c5e-0000-4000-8000-000000000000"}
"""An answer without one is none of AWS's."""
Answer = Callable[[web.Request], web.StreamResponse]


class Host:
    """A server that notes what it was asked, and answers as it is told to."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer or (lambda _: web.json_response({}, headers=ID))
        self.requests: list[web.Request] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await request.read()
        return self.answer(request)


@asynccontextmanager
async def up(
    answer: Answer | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Host]:
    host = Host(answer)
    async with served(host.take, tls) as host.url:
        yield host


def sent_on(status: int, to: str) -> Answer:
    return lambda _: web.Response(status=status, headers={"Location": to})


def aws_at(url: str, **more: Any) -> Aws:
    settings = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": "none", **more}
    named = AwsSettings(REGION, endpoint_url=url, **settings)
    return Aws(named, features=list(Feature))


def least(service: str, operation: str) -> dict[str, Any]:
    """Give the least that may be asked for by an operation, by botocore's model."""
    name = {"states": "stepfunctions"}.get(service, service)
    model = botocore.session.get_session().get_service_model(name)
    shape = model.operation_model(operation).input_shape
    return _made(shape) if shape else {}


def _made(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {k: _made(shape.members[k]) for k in shape.required_members}
        case "list":
            return [_made(shape.member)] * max(1, shape.metadata.get("min", 0))
        case "string":
            enum = getattr(shape, "enum", ())
            return enum[0] if enum else "x" * max(3, shape.metadata.get("min", 0))
        case "timestamp":
            return datetime.now(UTC)
        case "boolean":
            return False
        case _:
            return shape.metadata.get("min", 1)


async def refused(aws: Aws, service: str, operation: str) -> Failure:
    asked = least(service, operation)
    with pytest.raises(Failure) as failed:
        await aws.call(f"{service}:{operation}", "it", REGION, **asked)
    return failed.value


# -- redirects ---------------------------------------------------------------------


@pytest.mark.parametrize("status", REDIRECTS)
async def test_no_operation_is_sent_on_to_another_host(status: int) -> None:
    async with (
        up() as other,
        up(sent_on(status, f"{other.url}/stolen")) as asked,
        aws_at(asked.url) as aws,
    ):
        for service, operation in EVERY:
            failure = await refused(aws, service, operation)
            assert failure.state is HealthState.RETRYING
            assert failure.message == (
                f"{operation} on it: {asked.url} answered {status}, a redirect to"
                f" {other.url}, which is not followed: credentials would go along."
            )
        assert len(asked.requests) == len(EVERY), "none is sent twice"
        assert other.requests == []


@pytest.mark.parametrize("to", LOCATIONS)
async def test_it_is_none_the_better_for_how_its_place_is_written(to: str) -> None:
    async with up() as other, up() as asked, aws_at(asked.url) as aws:
        host = other.url.removeprefix("http://")
        asked.answer = sent_on(302, to.format(other.url, host=host))
        message = (await refused(aws, "states", "DescribeExecution")).message
        assert (other.url if "{" in to else asked.url) in message.partition("to ")[2]
        assert "u:p" not in message
        assert (len(asked.requests), other.requests) == (1, [])


@pytest.mark.parametrize("to", ["", "http://[", "http://\u202e.example/", "x" * 5000])
async def test_a_place_that_is_none_is_no_better(to: str) -> None:
    async with up(sent_on(302, to)) as asked, aws_at(asked.url) as aws:
        message = (await refused(aws, "states", "DescribeExecution")).message
        assert "which is not followed" in message
        assert message.isprintable()
        assert len(message) < 400
        assert len(asked.requests) == 1


async def test_s3_may_name_a_bucket_s_region_and_no_host() -> None:
    """Botocore asks there at an address that it makes itself: here, the same."""
    async with up() as other, up() as asked, aws_at(asked.url) as aws:
        region = {"x-amz-bucket-region": "us-west-2", "Location": other.url}
        asked.answer = lambda _: web.Response(status=301, headers=region)
        await refused(aws, "s3", "ListObjectsV2")
        assert [r.headers["Authorization"].split("/")[2] for r in asked.requests] == [
            REGION,
            "us-west-2",
        ]
        assert other.requests == []


# -- credentials -------------------------------------------------------------------

CONFIG = """
[profile source]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = none
[profile role]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = source
[profile web]
role_arn = arn:aws:iam::123456789012:role/r
web_identity_token_file = {folder}/token
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Watcher
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile refresh]
sso_session = old
sso_account_id = 123456789012
sso_role_name = Watcher
[sso-session old]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[profile legacy]
sso_start_url = https://legacy.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 123456789012
sso_role_name = Watcher
"""
ASKING = """
import asyncio, sys
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drive import Failure

async def ask():
    settings = AwsSettings("eu-west-1", profile=sys.argv[1], endpoint_url=sys.argv[2])
    async with Aws(settings) as aws:
        try:
            arn = "arn:aws:states:eu-west-1:123456789012:execution:m:e"
            name = "states:DescribeExecution"
            await aws.call(name, "it", "eu-west-1", executionArn=arn)
        except Failure as failure:
            print(failure.message)

asyncio.run(ask())
"""
"""In a process of its own: where logins are kept is read when botocore is imported."""


def write_logins(home: Path) -> None:
    """Write tokens where `aws sso login` does: one is over, and may be renewed."""
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    for name, hours in (
        ("corp", 8),
        ("old", -1),
        ("https://legacy.awsapps.com/start", 8),
    ):
        token = {
            "startUrl": "https://corp.awsapps.com/start",
            "region": "eu-west-1",
            "accessToken": "token",
            "expiresAt": f"{now + timedelta(hours=hours):%Y-%m-%dT%XZ}",
            "clientId": "id",
            "clientSecret": "secret",
            "refreshToken": "again",
            "registrationExpiresAt": f"{now + timedelta(days=9):%Y-%m-%dT%XZ}",
        }
        stem = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        (folder / f"{stem}.json").write_text(json.dumps(token))


async def run(words: Sequence[str], env: Mapping[str, str]) -> tuple[str, str]:
    """Run a process beside the loop; give what it wrote on either stream."""
    done = await asyncio.to_thread(
        subprocess.run, words, capture_output=True, text=True, env=env, check=True
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize(
    ("profile", "operation"),
    [
        ("role", "AssumeRole"),
        ("web", "AssumeRoleWithWebIdentity"),
        ("sso", "GET"),
        ("legacy", "GET"),
        ("refresh", "POST"),
    ],
)
async def test_what_asks_for_credentials_is_not_sent_on_either(
    no_aws: None, tmp_path: Path, profile: str, operation: str, status: int
) -> None:
    (tmp_path / "config").write_text(CONFIG.format(folder=tmp_path))
    (tmp_path / "token").write_text("a token")
    write_logins(tmp_path)
    async with up() as other, up() as states, up() as asked:
        asked.answer = sent_on(status, other.url)
        env = {
            **os.environ,
            "HOME": str(tmp_path),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ENDPOINT_URL_STS": asked.url,
            "AWS_ENDPOINT_URL_SSO": asked.url,
            "AWS_ENDPOINT_URL_SSO_OIDC": asked.url,
        }
        words = (sys.executable, "-c", ASKING, profile, states.url)
        out, err = await run(words, env)
        assert err == ""
        assert out.startswith("DescribeExecution on it: ")
        assert f"{asked.url} answered {status}, a redirect to {other.url}," in out
        assert (states.requests, other.requests) == ([], [])
        (request,) = asked.requests
        body = (await request.text()) if request.method == "POST" else ""
        assert operation in (request.method, body.partition("Action=")[2].split("&")[0])


# -- answers without end -----------------------------------------------------------


def endless(status: int, *, length: int | None = None) -> Answer:
    """Answer with a body that goes on for as long as somebody reads it."""

    class Endless(web.StreamResponse):
        async def write_eof(self, *_: bytes) -> None:
            while True:
                await self.write(b" " * 65536)

    def answer(_: web.Request) -> web.StreamResponse:
        made = Endless(status=status)
        made.content_length = length
        return made

    return answer


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_no_answer_is_read_without_end(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "LIMIT", 1 << 20)
    read = [each for each in EVERY if status >= 300 or each not in STREAMS]
    async with up(endless(status)) as asked, aws_at(asked.url) as aws:
        for service, operation in read:
            failure = await refused(aws, service, operation)
            assert failure.state is HealthState.RETRYING
            assert failure.message == (
                f"{operation} on it: {asked.url} answered with more than 1.0 MiB."
            )
        assert len(asked.requests) == len(read), "none is asked for again"


async def test_a_page_of_many_megabytes_is_read_and_no_more_than_64() -> None:
    page = b'{"events": []' + b" " * (bounded.LIMIT - 14) + b"}"
    arn = {"executionArn": "arn:aws:states:eu-west-1:123456789012:execution:m:e"}
    name = "states:GetExecutionHistory"
    async with up() as asked, aws_at(asked.url) as aws:
        asked.answer = lambda _: web.Response(body=page, headers=ID)
        assert (await aws.call(name, "it", REGION, **arn))["events"] == []
        asked.answer = lambda _: web.Response(body=page + b" ")
        failure = await refused(aws, "states", "GetExecutionHistory")
        assert failure.message.endswith("answered with more than 64.0 MiB.")


# -- what aiobotocore's own session does, too --------------------------------------


async def raw_served(
    speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> asyncio.Server:
    return await asyncio.start_server(speak, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "Connection was closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "Connection was closed"),
        (b"no HTTP at all\r\n\r\n", "Bad status line"),
        (b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}", "garbled"),
    ],
    ids=["closed", "cut", "no HTTP", "no UTF-8"],
)
async def test_what_is_no_answer_is_worth_another_try(said: bytes, words: str) -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()
        writer.close()

    async with await raw_served(speak) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with aws_at(url) as aws:
            failure = await refused(aws, "states", "DescribeExecution")
    assert failure.state is HealthState.RETRYING
    assert words in failure.message


async def test_nobody_listening_is_said() -> None:
    async with aws_at("http://127.0.0.1:9") as aws:
        failure = await refused(aws, "states", "DescribeExecution")
    assert "Could not connect to the endpoint URL" in failure.message


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of two hosts that nobody has signed but itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts = [x509.DNSName(host) for host in ("localhost", "states.test")]
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
    (folder / "cert").write_bytes(made.public_bytes(pem))
    (folder / "key").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert", folder / "key"


def serving(certified: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    return context


async def test_a_certificate_must_be_known_and_of_the_host(
    certified: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with up(tls=serving(certified)) as asked:
        name = ("cloudtrail:LookupEvents", "it", REGION)
        async with aws_at(asked.url) as aws:
            failure = await refused(aws, "cloudtrail", "LookupEvents")
            assert "certificate verify failed" in failure.message
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certified[0]))
        async with aws_at(asked.url) as aws:
            await aws.call(*name)
        async with aws_at(asked.url.replace("localhost", "127.0.0.1")) as aws:
            failure = await refused(aws, "cloudtrail", "LookupEvents")
            assert "certificate verify failed" in failure.message
        monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/bundle")
        async with aws_at(asked.url) as aws:
            failure = await refused(aws, "cloudtrail", "LookupEvents")
            assert "No such file" in failure.message
    assert len(asked.requests) == 1


async def test_a_proxy_is_asked_where_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with up() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("SFNWATCH_ALLOW_HTTP", "1")
        async with aws_at("http://states.invalid") as aws:
            answer = await aws.call("cloudtrail:LookupEvents", "it", REGION)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert [request.host for request in proxy.requests] == ["states.invalid"]


async def test_what_goes_through_a_proxy_is_read_by_nobody_there(
    certified: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async with up(tls=serving(certified)) as asked:
        port = int(asked.url.rpartition(":")[2])

        async def tunnel(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            wanted.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            there, back = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, back))
                group.create_task(pump(there, writer))

        async with await raw_served(tunnel) as server:
            proxy = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy}")
            monkeypatch.setenv("AWS_CA_BUNDLE", str(certified[0]))
            async with aws_at("https://states.test") as aws:
                await aws.call("cloudtrail:LookupEvents", "it", REGION)
    assert wanted == [b"CONNECT states.test:443 HTTP/1.1"]
    assert [request.host for request in asked.requests] == ["states.test"]
