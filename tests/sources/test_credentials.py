"""Credentials, the whole range: each one that can't be had is a sentence."""

import asyncio
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from aiobotocore.utils import AioContainerMetadataFetcher
from aiohttp import web
from botocore import exceptions as boto
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from sfnwatch.errors import BadFileError, RefusedError, UsageError
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.source_health import HealthState
from sfnwatch.sources import credential_process
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.aws_settings import (
    AwsSettings,
    Keys,
    check_profile,
    region_names,
    region_of,
)
from sfnwatch.sources.failures import failure_of, sign_in_failure
from sfnwatch.sources.live import Live
from sfnwatch.sources.live_options import CallOptions, LiveOptions
from sfnwatch.sources.permissions import SIGN_IN
from tests import TIMES
from tests.builders import ARN, REGION
from tests.sources.clocks import ManualClock
from tests.sources.conftest import Configure
from tests.sources.loopback import Refusal, host, json_response
from tests.sources.profiles import KEYS, MFA, NEVER, ROLE, SECRET, TROUBLE, role
from tests.sources.simulation import Watched

DO = ("Allow ", "Check ", "Choose ", "Correct ", "Name ", "Run", "Use ", "or run: ")
"""How it begins to say what to do."""
EVIL = "evil\x1b]0;x\x07\x9b31m\u202e\nsfnwatch: forged \udcff"


def is_said_well(failure: Failure) -> bool:
    """True for one clean line without a secret, with what to do unless it may pass."""
    said = failure.message
    helps = failure.state is HealthState.RETRYING or any(do in said for do in DO)
    return said.isprintable() and helps and "canary" not in said


REQUEST = AwsRequest(
    "states:DescribeExecution", ARN, REGION, dict, {"executionArn": ARN}
)


async def outcome(profile: str | None = "p") -> Failure | None:
    """Ask for what takes credentials; whatever is wrong with them is said well."""
    failure = None
    async with AwsClient(AwsSettings(REGION, profile=profile)) as aws:
        try:
            await aws.call(REQUEST)
        except Failure as failed:
            failure = failed
    assert failure is None or is_said_well(failure), failure.message
    return failure


async def refused(profile: str | None = "p") -> str:
    """Ask for what is refused for good; gives the words."""
    failure = await outcome(profile)
    assert failure is not None
    assert failure.state is HealthState.REFUSED
    return failure.message


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


OPERATION = "states:DescribeExecution"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_of_botocore_s_is_a_sentence_that_says_what_to_do(
    kind: type[Exception],
) -> None:
    error = make(kind)
    failures = [
        failure_of(error, OPERATION, ARN, "aws login"),
        *(sign_in_failure(error, name, "aws login") for name in ("", EVIL)),
    ]
    for failure in failures:
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
        failure = sign_in_failure(error, EVIL, "aws login")
        assert is_said_well(failure), failure.message
        assert failure.message.startswith(f"AWS credentials: {operation}: ")
        assert "iam-policy" not in failure.message
        assert failure.state is not HealthState.DENIED


# -- every setting and every variable, and values that are none ------------------------

SETTINGS_WRONG = {
    "role_arn": ("banana", "banana" * 9, "arn:aws:s3:::banana", "\u202e\x9b31m" * 9),
    "role_session_name": ("a b", "x", "x" * 99),
    "external_id": ("x", "a b"),
    "duration_seconds": ("1", "-1", "99999"),
}
SIGN_IN_KEYS = sorted(
    {key for text, _ in TROUBLE.values() for key in re.findall(r"(?m)^(\w+) =", text)}
    | SETTINGS_WRONG.keys()
    | {"login_session", "services"}
)
"""The settings of a profile that say whose the credentials are."""
OF_BOTOCORE = [each[:2] for each in BOTOCORE_DEFAUT_SESSION_VARIABLES.values()]
SETTINGS = sorted(
    {str(key) for key, _ in OF_BOTOCORE if key}
    - {"profile", "config_file", "credentials_file", *SIGN_IN_KEYS}
)
VARIABLES = sorted(
    {
        name
        for _, names in OF_BOTOCORE
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
VALUES = ("silly", "\u202eé\x9b31m", "", "http://[", "-1", "a\0b")
OWN = f"[profile p]\n{KEYS}"
STARTS: Mapping[str, tuple[str, Sequence[str], int]] = {
    "keys": (OWN, [*SIGN_IN_KEYS, *SETTINGS], 1),
    "a role": (
        role(f"source_profile = q\n[profile q]\n{KEYS}[profile p]"),
        SIGN_IN_KEYS,
        2,
    ),
    "nothing": ("[profile p]\n", SIGN_IN_KEYS, 6),
    "an environment with keys": ("", VARIABLES, 1),
    "an empty environment": ("", VARIABLES, 2),
}
"""A profile, what it is given, and how many of the values are tried in an ordinary run:
a client takes 30 ms to make."""
TRIED = [
    (start, value)
    for start, (_, _, count) in STARTS.items()
    for value in VALUES[: count if TIMES == 1 else None]
]


@pytest.mark.parametrize(("start", "value"), TRIED, ids=ascii)
async def test_no_setting_and_no_variable_ends_in_anything_but_a_sentence(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, start: str, value: str
) -> None:
    text, names, _ = STARTS[start]
    async with host() as stub:
        for name in names:
            with monkeypatch.context() as patch:
                for variable in (*ENDPOINTS, "AWS_EC2_METADATA_SERVICE_ENDPOINT"):
                    patch.setenv(variable, stub.url)
                if "with keys" in start:
                    patch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
                    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
                if not text:
                    patch.setenv(name, value.replace("\0", "0"))
                configure(f"{text}{name} = {value}\n" if text else "")
                await outcome("p" if text else None)


# -- what settings may be instead ------------------------------------------------------


@pytest.mark.parametrize("what", TROUBLE)
async def test_credentials_that_can_not_be_had_say_why_and_what_to_do(
    configure: Configure, what: str
) -> None:
    text, why = TROUBLE[what]
    configure(text)
    failure = await outcome()
    assert failure is not None
    assert why in failure.message
    logged_out = "not logged in" in what
    assert failure.state is (HealthState.EXPIRED if logged_out else HealthState.REFUSED)
    assert ("aws login" in failure.message) is (what == "no credentials")


async def test_certificates_are_not_asked_for_where_nothing_is_sent_by_tls(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(TROUBLE["no CA bundle"][0])
    async with host() as stub:
        monkeypatch.setenv(ENDPOINTS[1], stub.url)
        assert await outcome() is None
    assert len(stub.requests) == 1


NO_COMMANDS = ("", "''", NEVER, "/", "a\0b")
NO_WORDS = ('"x', "it's", "x\\", f"\n  x = {NEVER}")
ENDINGS = {
    f"sh -c 'echo {SECRET} >&2; exit 7'": "it ended with exit code 7; what it wrote is",
    "sh -c 'kill -9 $$'": "it ended with exit code -9; ",
    "sh -c 'read x'": "it ended with exit code 1; ",
    "sh -c '. /dev/tty'": "it ended with exit code ",
}
ENDLESS = ("sleep 99", "yes", "sh -c 'sleep 99 & true'")
NO_ANSWERS = (b"", b"junk", b"\0" * 9, b"\xff", b"[]", b"null")
PRINTED = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": SECRET}
PRINTED_WRONG: Mapping[str, tuple[Any, ...]] = {
    "Version": (0, 2, "1", None),
    "AccessKeyId": (None, "", "a\nb", "a\n", 7),
    "SecretAccessKey": (None, "", "\u00e9", []),
    "SessionToken": ("", "a\0", 7),
    "Expiration": ("2001-01-01T00:00:00Z", "soon", "", 1, "2901-01-01T00:00:00", {}),
}
PLACES = {
    "p": "[profile p]\ncredential_process = {}\n",
    "q": role("source_profile = q\n[profile q]\ncredential_process = {}"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_process_is_named_with_its_profile_and_what_is_wrong_with_it(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    async def said(command: str) -> str:
        configure(PLACES[place].format(command))
        head, _, why = (await refused()).partition(f" of the profile {place}: ")
        assert head == "AWS credentials: credential_process"
        assert "aws login" not in why
        return why.removesuffix(" Correct it, or choose another --profile.")

    for command in NO_WORDS:
        configure(PLACES[place].format(command))
        told = await refused()
        assert told.startswith("AWS credentials: the profile p: ")
        assert "aws login" not in told
    for command in NO_COMMANDS:
        assert (await said(command)).startswith("it can't be run: ")
    for command, why in ENDINGS.items():
        assert (await said(command)).startswith(why)
    # All others have the time that a machine under load takes.
    monkeypatch.setattr(credential_process, "PROCESS_TIME", 0.1)
    for command in ENDLESS:
        assert await said(command) == "it has not ended in 0.1 s."


async def test_what_a_process_prints_that_is_no_credentials_is_said_with_the_profile(
    configure: Configure, tmp_path: Path
) -> None:
    configure(PLACES["p"].format(f"cat {tmp_path / 'told'}"))
    wrong = ({**PRINTED, name: it} for name, of in PRINTED_WRONG.items() for it in of)
    for printed in (*NO_ANSWERS, *(json.dumps(each).encode() for each in wrong)):
        (tmp_path / "told").write_bytes(printed)
        said = await refused()
        assert said.startswith("AWS credentials: the profile p: ")
        assert said.endswith(" Correct it, or choose another --profile.")


INVALID = b"""<ErrorResponse><Error><Code>ValidationError</Code><Message>1 validation
error detected</Message></Error></ErrorResponse>"""


@pytest.mark.parametrize("setting", SETTINGS_WRONG)
async def test_a_setting_of_a_role_that_can_not_be_is_said_with_the_profile(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    """Some of them botocore refuses, others AWS."""
    async with host(lambda _: web.Response(status=400, body=INVALID)) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        for value in SETTINGS_WRONG[setting]:
            usual = "" if setting == "role_arn" else ROLE
            own = f"{usual}{setting} = {value}\nsource_profile = keys\n"
            configure(f"[profile p]\n{own}[profile keys]\n{KEYS}")
            said = await refused()
            assert "the profile p" in said
            assert " or choose another --profile." in said
            assert "aws login" not in said


# -- what is named as a file -----------------------------------------------------------

AS_TOKEN = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}
AS_CONTAINER = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9"}
FILES: Mapping[str, Mapping[str, str]] = {
    "AWS_CONFIG_FILE": {},
    "AWS_SHARED_CREDENTIALS_FILE": {},
    "AWS_WEB_IDENTITY_TOKEN_FILE": AS_TOKEN,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": AS_CONTAINER,
    "AWS_CREDENTIAL_FILE": {},
    "AWS_CA_BUNDLE": {},
}
"""Variables that name one, each with those that have it read."""
FILE_SETTINGS = {"web_identity_token_file": ROLE, "ca_bundle": KEYS}


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
async def test_what_is_named_as_a_file_and_is_none_is_refused_and_never_waited_for(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    path = "/dev/zero" if kind == "device" else str(tmp_path / kind)
    for variable, others in FILES.items():
        with monkeypatch.context() as patch:
            configure("[default]\n" + (KEYS if variable == "AWS_CA_BUNDLE" else ""))
            for name, value in {**others, variable: path}.items():
                patch.setenv(name, value)
            bundle = f"AWS settings: The CA bundle {path} can't be read: it is no file."
            named = f"{variable} is {path}, and that is no file. Name a file."
            said = await refused(None)
            assert said.startswith(bundle if "CA" in variable else named)
            if "CA" not in variable:
                with pytest.raises(BadFileError, match=variable):
                    check_profile(AwsSettings(REGION))
    for setting, rest in FILE_SETTINGS.items():
        configure(f"[profile p]\n{rest}{setting} = {path}\n")
        assert "no file" in await refused()


@pytest.mark.parametrize("path", [os.devnull, NEVER, "", "~nobody-at-all/x"])
async def test_what_is_not_there_at_all_is_no_trouble(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    configure(f"[default]\n{KEYS}")
    async with host() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        for variable in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CREDENTIAL_FILE"):
            monkeypatch.setenv(variable, path)
        assert await outcome(None) is None
        monkeypatch.setenv("AWS_CONFIG_FILE", path)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        assert await outcome(None) is None


# -- nobody there ----------------------------------------------------------------------

NOBODY = {
    "a port": ("http://127.0.0.1:9", ""),
    "a proxy": ("https://aws.example", "http://127.0.0.1:9"),
    "no TLS": ("https://127.0.0.1:{port}", ""),
}


@pytest.mark.parametrize("whose", ["a role", "keys"])
@pytest.mark.parametrize("nobody", NOBODY)
async def test_where_nobody_answers_a_second_try_is_the_last_unless_somebody_waits(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, nobody: str, whose: str
) -> None:
    configure(ASKED[whose][1])
    async with host() as stub:
        url, proxy = NOBODY[nobody]
        url = url.format(port=stub.url.rpartition(":")[2])
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        watched, clock = Watched(), ManualClock()
        settings, named = AwsSettings(REGION, "p"), [parse_execution_arn(ARN)]
        options = LiveOptions(CallOptions(lookup=False), tries=5)
        await Live(named, settings, clock, options).watch(watched)
    states = watched.states("history")
    assert states[1:] == [HealthState.RETRYING, HealthState.REFUSED]
    said = watched.messages("history")[-1]
    assert "Check " in said
    assert ("AWS credentials: " in said) is (whose == "a role")


# -- one try for all, and another ------------------------------------------------------


async def test_a_login_of_aws_login_says_which_extra_it_takes(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiobotocore.credentials.EC", None)
    configure("[profile p]\nlogin_session = arn:aws:iam::1:user/me\n")
    said = await refused()
    assert "takes awscrt, which is not installed. Run: " in said
    assert "sfnwatch[login]" in said


async def test_several_who_wait_for_credentials_share_one_try(
    configure: Configure, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    configure(PLACES["p"].format(f"sh -c 'printf x >> {log}; exit 1'"))
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
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of credentials that are about to expire botocore wants new ones at once."""
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    (tmp_path / "told").write_text(json.dumps({**PRINTED, "Expiration": soon}))
    configure(PLACES["p"].format(f"cat {tmp_path / 'told'}"))
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
    configure: Configure,
) -> None:
    configure(role(f"source_profile = q\n{MFA}[profile q]\n{KEYS}"))
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


# -- who is asked for credentials, or with them ----------------------------------------

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


ENDPOINTS = ("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SFN")
CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
INSTANCE = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
ASKED: Mapping[str, tuple[str, str]] = {
    "a role": (ENDPOINTS[0], role(f"source_profile = q\n[profile q]\n{KEYS}")),
    "a role by a token": (ENDPOINTS[0], role("web_identity_token_file = TOKEN")),
    "keys": (ENDPOINTS[1], OWN),
    "a container": (CONTAINER, ""),
    "an instance": (INSTANCE, ""),
    "a container's role": (CONTAINER, role("credential_source = EcsContainer")),
    "an instance's role": (INSTANCE, role("credential_source = Ec2InstanceMetadata")),
}
"""By whose credentials are used, the variable of who is asked, and a profile.
IAM Identity Center's are tried with the program: where its tokens are is settled when
botocore is imported."""


Asking = tuple[str, str | None]
"""The variable of who is asked, and the profile, if any."""


@pytest.fixture(params=ASKED)
def asking(
    request: pytest.FixtureRequest,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Asking:
    """Configure a profile, or none; there is a proxy, at which nobody is."""
    (tmp_path / "token").write_text("a web identity")
    variable, text = ASKED[request.param]
    configure(text.replace("TOKEN", str(tmp_path / "token")))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(AioContainerMetadataFetcher, "SLEEP_TIME", 0)
    return variable, "p" if text else None


async def test_nobody_is_asked_in_the_clear_but_on_this_machine(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, profile = asking
    async with host() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        for name in (variable, "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, "http://aws.example")
            said = await refused(profile)
            assert variable not in ENDPOINTS or "neither this machine nor https" in said
        assert proxy.requests == []


async def test_who_is_on_this_machine_is_asked_by_no_proxy_whoever_names_it(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable, profile = asking
    for name in {variable, "AWS_ENDPOINT_URL" if variable in ENDPOINTS else variable}:
        async with host(metadata) as here:
            with monkeypatch.context() as patch:
                patch.setenv(name, here.url)
                await outcome(profile)
            assert here.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_who_is_asked_sends_one_elsewhere(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    variable, profile = asking
    async with host(metadata) as other:
        moved = {"Location": f"{other.url}{ROLE_PATH}"}
        async with host(lambda _: web.Response(status=status, headers=moved)) as here:
            monkeypatch.setenv(variable, here.url)
            failure = await outcome(profile)
            assert failure is not None
            assert failure.message.endswith(
                f"{here.url} answered {status}, a redirect to {other.url}, which is not"
                " followed: credentials would go along."
            )
        assert other.requests == []
        assert len(here.requests) == 1


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"\xff", b'{"AccessKeyId": 1}'], ids=ascii
)
async def test_who_hands_out_no_credentials_is_said_to(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    variable, profile = asking
    async with host(lambda _: json_response(answer)) as own:
        monkeypatch.setenv(variable, own.url)
        failure = await outcome(profile)
        assert variable == ENDPOINTS[1] or failure is not None


@pytest.mark.parametrize("variable", [CONTAINER, INSTANCE])
async def test_a_machine_s_own_credentials_are_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    async with host(metadata) as own, host() as aws:
        monkeypatch.setenv(variable, own.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        # Botocore would ask an instance for its Region, too, and go where it is sent.
        monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
        assert await outcome(None) is None
    assert len(own.requests) in {1, 3}
    (sent,) = aws.requests
    assert sent.headers["X-Amz-Security-Token"] == "token"


async def test_no_host_is_told_of_requests_behind_our_back(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Botocore's monitoring sends a datagram for each, with the key's ID in it."""
    configure(f"[profile p]\n{KEYS}")
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


# -- profiles --------------------------------------------------------------------------


def refusal(profile: str | None) -> str:
    try:
        check_profile(AwsSettings(REGION, profile=profile))
    except RefusedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("profile", "text", "command"),
    [
        (None, "", "aws login"),
        ("dev", "[profile dev]\nregion = eu-west-1\n", "aws login --profile dev"),
        ("gone", "[profile dev]\n", "aws login --profile gone"),
    ],
)
def test_the_command_that_renews_a_login_is_that_of_the_profile(
    configure: Configure, profile: str | None, text: str, command: str
) -> None:
    configure(text)
    assert AwsClient(AwsSettings(REGION, profile=profile)).login == command


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_profile_that_is_gone_is_refused_naming_those_that_are_there(
    configure: Configure, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("[profile dev]\n[profile prod]\n")
    monkeypatch.setenv("AWS_PROFILE", "gone" if named_by == "environment" else "dev")
    assert refusal("go\x1bne" if named_by == "option" else None).endswith(
        "ne. There are: dev, prod."
    )


def test_a_configuration_that_can_not_be_read_is_named(configure: Configure) -> None:
    configure("[profile")
    with pytest.raises(BadFileError, match=os.environ["AWS_CONFIG_FILE"]):
        check_profile(AwsSettings(REGION))


def test_the_region_is_the_one_that_is_set(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert region_of(AwsSettings("eu-west-1")) == "eu-west-1"
    with pytest.raises(UsageError, match=r"No Region is set.*Give --region"):
        region_of(AwsSettings(""))
    configure("[default]\nregion = eu-north-1\n[profile a]\nregion = sa-east-1")
    assert region_of(AwsSettings("")) == "eu-north-1"
    assert region_of(AwsSettings("", "a")) == "sa-east-1"
    for name, words in (("b", "named b"), ("", "without a name")):
        with pytest.raises(RefusedError, match=f"There is no AWS profile {words}"):
            region_of(AwsSettings("", name))
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert region_of(AwsSettings("", "a")) == "us-west-2"


def test_regions_of_all_partitions_are_named() -> None:
    assert {"eu-west-1", "cn-north-1", "us-gov-west-1"} <= set(region_names())


# -- codes that nobody is asked for ------------------------------------------------

SOURCE = f"[profile source]\n{KEYS}"
DEV = f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
KEYS_OF_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "none"}
NO_ENVIRONMENT: Mapping[str, str] = {}
ASKS = {
    "itself": (SOURCE + DEV, "dev", NO_ENVIRONMENT),
    "its source": (f"{SOURCE}{DEV}[profile a]\n{ROLE}source_profile = dev", "a", {}),
    "the default": (SOURCE + DEV.replace("profile dev", "default"), None, {}),
    "a variable": (SOURCE + DEV, None, {"AWS_PROFILE": "dev"}),
    "an environment's keys": (
        f"[profile dev]\n{ROLE}credential_source = Environment\n{MFA}",
        "dev",
        KEYS_OF_ENVIRONMENT,
    ),
    "itself in a circle": (f"[profile a]\n{ROLE}source_profile = a\n{MFA}", "a", {}),
}
ASKS_NOT = {
    "keys beside it": (f"[profile a]\n{KEYS}{MFA}", "a", NO_ENVIRONMENT),
    "a web identity": (
        f"[profile a]\n{ROLE}{MFA}web_identity_token_file = /t\n",
        "a",
        {},
    ),
    "keys in the source": (
        f"[profile s]\n{KEYS}{ROLE}{MFA}[profile a]\n{ROLE}source_profile = s\n",
        "a",
        {},
    ),
    "keys of the environment before a profile nobody chose": (
        SOURCE + DEV,
        None,
        {**KEYS_OF_ENVIRONMENT, "AWS_PROFILE": "dev"},
    ),
}


@pytest.mark.parametrize("case", [*ASKS, *ASKS_NOT])
async def test_a_role_that_takes_a_code_is_refused_and_no_other(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    text, profile, env = (ASKS | ASKS_NOT)[case]
    configure(text)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    said = refusal(profile)
    assert ("takes an MFA code (mfa_serial" in said) == (case in ASKS), said


def test_what_to_do_about_a_code_is_a_command_that_can_be_copied(
    configure: Configure,
) -> None:
    configure(f"{SOURCE}{DEV}[profile top]\n{ROLE}source_profile = dev\n")
    assert refusal("top") == (
        "The AWS profile top takes an MFA code (mfa_serial of dev), and sfnwatch asks"
        ' for it on a terminal alone. Run eval "$(aws configure export-credentials'
        ' --profile top --format env)" first and leave the profile out, or choose one'
        " that takes no code."
    )
