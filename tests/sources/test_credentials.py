"""Credentials, the whole range: each one that can't be had is a sentence."""

import asyncio
import json
import shlex
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from aiobotocore.utils import AioContainerMetadataFetcher
from aiohttp import web
from botocore import exceptions as boto
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from sfnwatch.model.records import HealthState
from sfnwatch.sources import credentials
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_errors import failure_of
from sfnwatch.sources.permissions import SIGN_IN, NotAllowedError
from sfnwatch.sources.profiles import AwsSettings, Keys
from tests import TIMES
from tests.builders import ARN, REGION
from tests.sources.loopback import Refusal, host, json_response

DO = ("Allow ", "Check ", "Choose ", "Correct ", "Run: ", "Use ", "or run: ")
"""How it begins to say what to do."""
EVIL = "evil\x1b]0;x\x07\x9b31m\u202e\nsfnwatch: forged \udcff"
SECRET = "canarySECRET" + "s" * 28
KEYS = f"aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = {SECRET}\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of profiles, empty; a home without a login."""
    path = tmp_path / "aws-config"
    path.write_text("")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return path


REQUEST = AwsRequest(
    "states:DescribeExecution", ARN, REGION, dict, {"executionArn": ARN}
)


async def outcome(profile: str | None = "p") -> Failure | None:
    """Ask for something that can't be asked for without credentials."""
    async with AwsClient(AwsSettings(REGION, profile=profile)) as aws:
        try:
            await aws.call(REQUEST)
        except Failure as failure:
            return failure
    return None


async def refused(profile: str | None = "p") -> Failure:
    failure = await outcome(profile)
    assert failure is not None
    return failure


def is_said_well(failure: Failure) -> bool:
    """True for one clean line without a secret, with what to do unless it may pass."""
    said = failure.message
    helps = failure.state is HealthState.RETRYING or any(do in said for do in DO)
    return said.isprintable() and helps and "canary" not in said


# -- every error there is --------------------------------------------------------------


def make(kind: type[Exception]) -> Exception:
    """Make an error of botocore's of hostile parts: those that its message names."""
    names = {name for _, name, _, _ in Formatter().parse(kind.fmt) if name}  # type: ignore[attr-defined]
    more = {"last_response"} if kind is boto.WaiterError else set[str]()
    return kind(**dict.fromkeys(names | more, EVIL))


CLASSES = [
    each
    for each in vars(boto).values()
    if isinstance(each, type) and issubclass(each, boto.BotoCoreError)
]
"""Those of botocore itself: which others there are hangs on what was imported."""


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_s_is_a_sentence_that_says_what_to_do(
    kind: type[Exception],
) -> None:
    failure = failure_of(make(kind), "states:DescribeExecution", ARN, "aws login")
    assert is_said_well(failure), failure.message


CODES = (
    "AccessDenied",
    "ExpiredTokenException",
    "ForbiddenException",
    "IDPCommunicationError",
    "InvalidIdentityToken",
    "MalformedPolicyDocument",
    "NewInAws",
    "RegionDisabledException",
    "ResourceNotFoundException",
    "Throttling",
    "TooManyRequestsException",
    "",
)


@pytest.mark.parametrize("operation", sorted(name for _, name in SIGN_IN))
def test_nobody_is_told_to_allow_a_watch_what_its_credentials_lack(
    operation: str,
) -> None:
    for code in CODES:
        told: Any = {"Error": {"Code": code, "Message": EVIL}}
        error = boto.ClientError(told, operation)
        failure = failure_of(error, "states:DescribeExecution", ARN, "aws login")
        assert is_said_well(failure), failure.message
        assert failure.message.startswith(f"AWS credentials: {operation}: ")
        assert "iam-policy" not in failure.message
        assert failure.state is not HealthState.DENIED


# -- every setting, and values that are none -------------------------------------------

SIGN_IN_KEYS = (
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "duration_seconds",
    "external_id",
    "login_session",
    "role_arn",
    "role_session_name",
    "services",
    "source_profile",
    "sso_account_id",
    "sso_region",
    "sso_role_name",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
)
"""Those of a profile that say whose the credentials are; a session has others."""
SETTINGS = sorted(
    {str(each[0]) for each in BOTOCORE_DEFAUT_SESSION_VARIABLES.values() if each[0]}
    - {"profile", "config_file", "credentials_file"}
)
VALUES = ("silly", "a\0b", "", "http://[", "-1", "\u202eé\x9b31m")
STARTS = {
    "keys": f"[profile p]\n{KEYS}",
    "a role": f"[profile q]\n{KEYS}[profile p]\n{ROLE}source_profile = q\n",
    "nothing": "[profile p]\n",
}
"""What a profile has before it is given a setting that is none."""


QUICK = {"keys": 1, "a role": 2, "nothing": len(VALUES)}
"""How many of the values are tried in an ordinary run: a client takes 30 ms to make."""
TRIED = [
    (start, value)
    for start, count in QUICK.items()
    for value in VALUES[: count if TIMES == 1 else None]
]


@pytest.mark.parametrize(("start", "value"), TRIED, ids=ascii)
async def test_no_setting_of_a_profile_ends_in_anything_but_a_sentence(
    config: Path, monkeypatch: pytest.MonkeyPatch, start: str, value: str
) -> None:
    keys = (*SIGN_IN_KEYS, *(SETTINGS if start == "keys" else ()))
    async with host() as stub:
        for name in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT"):
            monkeypatch.setenv(name, stub.url)
        for key in keys:
            config.write_text(f"{STARTS[start]}{key} = {value}\n")  # noqa: ASYNC240
            failure = await outcome()
            assert failure is None or is_said_well(failure), (key, failure)


VARIABLES = sorted(
    {
        name
        for _, names, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values()
        for name in (names if isinstance(names, list) else [names])
        if name and name not in {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}
    }
    | {f"{scheme}_PROXY" for scheme in ("ALL", "HTTP", "HTTPS", "NO")}
    | {"AWS_CREDENTIAL_EXPIRATION", "AWS_CREDENTIAL_FILE", "BOTO_CONFIG"}
    | {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
    | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED"}
    | {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SFN", "AWS_WEB_IDENTITY_TOKEN_FILE"}
    | {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
)
VARIABLE_VALUES = ("silly", "\u202eé\x9b31m", "", "http://[", "-1")
ENVIRONMENTS = {
    "keys": {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET},
    "nothing": {},
}


QUICK_VARIABLES = {"keys": 1, "nothing": 2}


@pytest.mark.parametrize(
    ("start", "value"),
    [
        (start, value)
        for start, count in QUICK_VARIABLES.items()
        for value in VARIABLE_VALUES[: count if TIMES == 1 else None]
    ],
    ids=ascii,
)
async def test_nor_does_any_variable(
    config: Path, monkeypatch: pytest.MonkeyPatch, start: str, value: str
) -> None:
    async with host() as stub:
        for name in VARIABLES:
            with monkeypatch.context() as patch:
                for key, own in ENVIRONMENTS[start].items():
                    patch.setenv(key, own)
                for service in ("SFN", "STS"):
                    patch.setenv(f"AWS_ENDPOINT_URL_{service}", stub.url)
                patch.setenv(name, value)
                failure = await outcome(None)
            assert failure is None or is_said_well(failure), (name, failure)


# -- what settings may be instead ------------------------------------------------------


def process(code: str) -> str:
    """Write a profile whose credentials a line of Python prints."""
    return (
        f"[profile p]\ncredential_process = {sys.executable} -c {shlex.quote(code)}\n"
    )


PRINTED = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": SECRET}


def printing(**keys: Any) -> str:
    return process(f"print({json.dumps(json.dumps({**PRINTED, **keys}))})")


def role(more: str) -> str:
    return f"[profile p]\n{ROLE}{more}\n"


PAST, NEVER = "2001-01-01T00:00:00Z", "/no/such/file"
SSO = "sso_account_id = 1\nsso_role_name = r\n"
PORTAL = "sso_start_url = https://x\nsso_region = eu-west-1\n"
LOOP = f"source_profile = q\n[profile q]\n{ROLE}source_profile = p"
TROUBLE: Mapping[str, tuple[str, str]] = {
    "junk": (process("print('junk')"), "credential_process: what it printed is no"),
    "nothing": (process(""), "what it printed is no credentials: nothing at all"),
    "NULs": (process("print(chr(0) * 9)"), "what it printed is no credentials"),
    "no text": (
        process("import sys; sys.stdout.buffer.write(bytes([255]))"),
        "what it printed is no credentials",
    ),
    "a list": (process("print([])"), "Expected `object`, got `array`"),
    "a future version": (printing(Version=2), "Version"),
    "no key": (printing(AccessKeyId=None), "Expected `str`, got `null`"),
    "a key of two lines": (printing(AccessKeyId="a\nb"), "no key that AWS gives out"),
    "a NUL in a key": (printing(SessionToken="a\0"), "no key that AWS gives out"),
    "expired": (printing(Expiration=PAST), "what was found has expired"),
    "no time": (printing(Expiration="soon"), "Unknown string format"),
    "failing": (
        process(f"import sys; print({SECRET!r}, file=sys.stderr); sys.exit(7)"),
        "it ended with exit code 7; what it wrote is not shown",
    ),
    "killed": (process("import os; os.kill(os.getpid(), 9)"), "exit code -9"),
    "without end": (
        process("while True: print('x' * 65536)"),
        "credential_process: it has not ended in 0.5 s",
    ),
    "hanging": (process("import time; time.sleep(99)"), "it has not ended in 0.5 s"),
    "leaving a child that holds on": (
        process("import os, time; os.fork() or time.sleep(99)"),
        "it has not ended in 0.5 s",
    ),
    "asking on the terminal": (process("open('/dev/tty')"), "exit code 1"),
    "asking on stdin": (process("input()"), "exit code 1"),
    "gone": (f"[profile p]\ncredential_process = {NEVER}\n", "it can't be run"),
    "a folder": ("[profile p]\ncredential_process = /\n", "it can't be run"),
    "no command": ("[profile p]\ncredential_process =\n", "it can't be run"),
    "half quoted": ('[profile p]\ncredential_process = "x\n', "No closing quotation"),
    "not logged in": (
        f"[profile p]\nsso_session = c\n{SSO}[sso-session c]\n{PORTAL}",
        "not logged in, or no longer. Run: aws sso login --profile p",
    ),
    "not logged in as of old": (
        f"[profile p]\n{PORTAL}{SSO}",
        "not logged in, or no longer. Run: aws sso login --profile p",
    ),
    "no such SSO session": (
        f"[profile p]\nsso_session = c\n{SSO}",
        'The specified sso-session does not exist: "c"',
    ),
    "no source": (role("source_profile = q"), 'source_profile "q"'),
    "a source without keys": (role("source_profile = q\n[profile q]"), '"q" must have'),
    "a loop": (
        role(f"source_profile = q\n[profile q]\n{ROLE}source_profile=p"),
        "loop",
    ),
    "itself": (role("source_profile = p"), "Infinite loop"),
    "no source at all": (role(""), "source_profile or credential_source"),
    "no such source": (role("credential_source = Moon"), "Moon"),
    "no keys about": (role("credential_source = Environment"), "Environment"),
    "no container": (role("credential_source = EcsContainer"), "EcsContainer"),
    "no token file": (role(f"web_identity_token_file = {NEVER}"), f"({NEVER})"),
    "no role": (f"[profile p]\nweb_identity_token_file = {NEVER}\n", "role"),
    "half a pair": ("[profile p]\naws_access_key_id = AKIDEXAMPLE\n", "missing"),
    "no credentials": ("[profile p]\n", "Unable to locate credentials"),
    "no CA bundle": (
        f"[profile p]\n{KEYS}ca_bundle = {NEVER}\n",
        f"The CA bundle {NEVER} can't be read: No such file or directory",
    ),
}


@pytest.mark.parametrize("what", TROUBLE)
async def test_credentials_that_can_not_be_had_say_why_and_what_to_do(
    config: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(credentials, "PROCESS_TIME", 0.5)
    text, why = TROUBLE[what]
    config.write_text(text)  # noqa: ASYNC240 - nothing else runs
    failure = await refused()
    assert why in failure.message
    assert is_said_well(failure), failure.message
    logged_out = "not logged in" in what
    assert failure.state is (HealthState.EXPIRED if logged_out else HealthState.REFUSED)


@pytest.mark.parametrize("bundle", ["missing", "empty", "junk", "folder"])
async def test_a_ca_bundle_that_is_none_is_named(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "junk").write_text("junk")
    (tmp_path / "folder").mkdir()
    config.write_text(f"[profile p]\n{KEYS}")  # noqa: ASYNC240
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / bundle))
    failure = await refused()
    assert f"The CA bundle {tmp_path / bundle} can't be read: " in failure.message
    assert failure.state is HealthState.REFUSED


async def test_a_login_of_aws_login_says_which_extra_it_takes(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiobotocore.credentials.EC", None)
    config.write_text("[profile p]\nlogin_session = arn:aws:iam::1:user/me\n")  # noqa: ASYNC240
    failure = await refused()
    assert "takes awscrt, which is not installed. Run: " in failure.message
    assert "sfnwatch[login]" in failure.message
    assert failure.state is HealthState.REFUSED


async def test_several_who_wait_for_credentials_share_one_try(
    config: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    config.write_text(  # noqa: ASYNC240
        process(f"open({str(log)!r}, 'a').write('x'); import sys; sys.exit(1)")
    )
    said = list[str]()

    async def ask(aws: AwsClient) -> None:
        with pytest.raises(Failure) as failed:
            await aws.call(REQUEST)
        said.append(failed.value.message)

    async with (
        AwsClient(AwsSettings(REGION, profile="p")) as aws,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(5):
            tasks.create_task(ask(aws))
    assert (len(said), len(set(said))) == (5, 1)
    assert log.read_text() == "x"


async def test_what_is_not_renewed_is_looked_for_again_and_again(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of credentials that are about to expire botocore wants new ones at once."""
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    (tmp_path / "told").write_text(json.dumps({**PRINTED, "Expiration": soon}))
    config.write_text(  # noqa: ASYNC240
        f"[profile p]\ncredential_process = cat {tmp_path / 'told'}\n"
    )
    async with (
        host() as stub,
        AwsClient(AwsSettings(REGION, profile="p", endpoint_url=stub.url)) as aws,
    ):
        await aws.call(REQUEST)
        (tmp_path / "told").rename(tmp_path / "gone")
        for _ in range(2):
            with pytest.raises(Failure, match="it ended with exit code 1") as failed:
                await aws.call(REQUEST)
            assert failed.value.state is HealthState.EXPIRED
            assert failed.value.at_least > 0
        (tmp_path / "gone").rename(tmp_path / "told")
        await aws.call(REQUEST)
        assert len(stub.requests) == 2


async def test_what_a_code_was_given_for_is_used_till_it_expires_and_not_asked_for_anew(
    config: Path,
) -> None:
    mfa = "mfa_serial = arn:aws:iam::123456789012:mfa/me"
    config.write_text(role(f"source_profile = q\n{mfa}\n[profile q]\n{KEYS}"))  # noqa: ASYNC240
    keys = Keys("AKIDEXAMPLE", SECRET, "token")
    async with host() as stub:
        settings = AwsSettings(
            REGION, profile="p", endpoint_url=stub.url, signed_in={"p": keys}
        )
        async with AwsClient(settings) as aws:
            await aws.call(REQUEST)
            (sent,) = stub.requests
            assert sent.headers["X-Amz-Security-Token"] == "token"
            told = Refusal("ExpiredTokenException")
            stub.respond = lambda _: told.response()
            with pytest.raises(Failure) as failed:
                await aws.call(REQUEST)
    assert failed.value.message.endswith("has expired. Start sfnwatch again.")
    assert failed.value.state is HealthState.REFUSED


# -- what hands out credentials, and whom it may send us to ----------------------------

UNTIL = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
HANDED_OUT = {
    "Code": "Success",
    "AccessKeyId": "AKIDEXAMPLE",
    "SecretAccessKey": SECRET,
    "Token": "token",
    "Expiration": UNTIL,
}
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


def metadata(request: web.Request) -> web.StreamResponse:
    """Answer as an instance's metadata service does, and as a container's."""
    if request.method == "PUT":
        return web.Response(text="session token of the metadata service")
    if request.path == ROLE_PATH:
        return web.Response(text="role")
    return json_response(HANDED_OUT)


HANDS_OUT: Mapping[str, Callable[[str], Mapping[str, str]]] = {
    "a container": lambda url: {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/creds",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": SECRET,
    },
    "an instance": lambda url: {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": url,
        "AWS_EC2_METADATA_DISABLED": "false",
    },
}
SOURCES = {"a container": "EcsContainer", "an instance": "Ec2InstanceMetadata"}


@pytest.fixture(params=HANDS_OUT)
def handing_out(
    request: pytest.FixtureRequest, config: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """Have credentials handed out at a URL; gives what they are a source for."""

    def at(url: str) -> str:
        config.write_text("[default]\n")
        for name, value in HANDS_OUT[request.param](url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        return SOURCES[request.param]

    return at


async def test_a_machine_s_own_credentials_are_used_and_asked_for_by_no_proxy(
    handing_out: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host(metadata) as own, host() as aws:
        handing_out(own.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        # Botocore would ask an instance for its Region, too, and go where it is sent.
        monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
        assert await outcome(None) is None
    assert len(own.requests) in {1, 3}
    (sent,) = aws.requests
    assert sent.headers["X-Amz-Security-Token"] == "token"


@pytest.mark.parametrize("by_profile", [False, True])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_who_hands_out_credentials_sends_nobody_elsewhere(
    handing_out: Callable[[str], str], config: Path, status: int, *, by_profile: bool
) -> None:
    async with host(metadata) as other:
        moved = {"Location": f"{other.url}{ROLE_PATH}"}
        async with host(lambda _: web.Response(status=status, headers=moved)) as own:
            source = handing_out(own.url)
            if by_profile:
                config.write_text(role(f"credential_source = {source}"))  # noqa: ASYNC240
            failure = await refused("p" if by_profile else None)
            assert failure.message.endswith(
                f"{own.url} answered {status}, a redirect to {other.url}, which is not"
                " followed: credentials would go along."
            )
        assert other.requests == []


async def test_who_hands_out_credentials_is_on_this_machine_or_beside_it(
    handing_out: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host(metadata) as proxy:
        handing_out("http://aws.example")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        failure = await refused(None)
        assert failure.state is HealthState.REFUSED
        assert is_said_well(failure), failure.message
        assert proxy.requests == []


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"AccessKeyId": 1}'],
    ids=lambda body: ascii(body[:16]),
)
async def test_what_hands_out_no_credentials_is_said_to(
    handing_out: Callable[[str], str],
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
) -> None:
    monkeypatch.setattr(AioContainerMetadataFetcher, "SLEEP_TIME", 0)
    async with host(lambda _: json_response(answer)) as own:
        source = handing_out(own.url)
        config.write_text(role(f"credential_source = {source}"))  # noqa: ASYNC240
        for profile in ("p", None):
            failure = await refused(profile)
            assert is_said_well(failure), failure.message


# -- where credentials are sent --------------------------------------------------------

ASKED_FOR_THEM = {
    "STS": role(f"source_profile = q\n[profile q]\n{KEYS}"),
    "STS by a token": role("web_identity_token_file = TOKEN"),
    "SFN": f"[profile p]\n{KEYS}",
}
"""By the service whose endpoint it is, a profile for whose credentials it is asked.
IAM Identity Center's are tried with the program: where its tokens are is settled when
botocore is imported."""


@pytest.fixture(params=ASKED_FOR_THEM)
def asking(request: pytest.FixtureRequest, config: Path, tmp_path: Path) -> str:
    """Configure a profile; gives its endpoint's variable."""
    (tmp_path / "token").write_text("a web identity")
    text = ASKED_FOR_THEM[request.param].replace("TOKEN", str(tmp_path / "token"))
    config.write_text(text)
    return f"AWS_ENDPOINT_URL_{request.param.split()[0]}"


async def test_no_endpoint_is_asked_in_the_clear_for_credentials_or_with_them(
    asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for name in (asking, "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, "http://aws.example")
            failure = await refused()
            assert "neither this machine nor https" in failure.message
            assert failure.state is HealthState.REFUSED
            assert is_said_well(failure)
        assert proxy.requests == []


@pytest.mark.parametrize("general", [False, True])
async def test_an_endpoint_on_this_machine_is_asked_by_no_proxy_whoever_names_it(
    asking: str, monkeypatch: pytest.MonkeyPatch, *, general: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with host() as here:
        monkeypatch.setenv("AWS_ENDPOINT_URL" if general else asking, here.url)
        await outcome()
        assert here.requests


@pytest.mark.parametrize("status", [301, 307])
async def test_no_service_that_is_asked_for_credentials_sends_them_elsewhere(
    asking: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with host() as other:
        moved = {"Location": f"{other.url}/stolen"}
        async with host(lambda _: web.Response(status=status, headers=moved)) as here:
            monkeypatch.setenv(asking, here.url)
            failure = await refused()
            assert f"{here.url} answered {status}, a redirect to {other.url}" in (
                failure.message
            )
        assert (len(here.requests), other.requests) == (1, [])


async def test_nothing_else_can_be_asked_for_credentials(
    asking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if asking.endswith("SFN"):
        return
    monkeypatch.setattr("sfnwatch.sources.aws_client.SIGN_IN", frozenset())
    async with host() as here:
        monkeypatch.setenv(asking, here.url)
        with pytest.raises(NotAllowedError):
            await outcome()
        assert here.requests == []


async def test_no_host_is_told_of_requests_behind_our_back(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore's monitoring sends a datagram for each, with the key's ID in it."""
    config.write_text(f"[profile p]\n{KEYS}")  # noqa: ASYNC240
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as monitor:
        monitor.bind(("127.0.0.1", 0))
        monitor.setblocking(False)
        monkeypatch.setenv("AWS_CSM_ENABLED", "true")
        monkeypatch.setenv("AWS_CSM_HOST", "127.0.0.1")
        monkeypatch.setenv("AWS_CSM_PORT", str(monitor.getsockname()[1]))
        async with host() as here:
            monkeypatch.setenv("AWS_ENDPOINT_URL", here.url)
            assert await outcome() is None
        with pytest.raises(BlockingIOError):
            monitor.recv(1)
