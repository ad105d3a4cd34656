"""Whoever is not logged in is told what to run, and the watch goes on after it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

import sfnwatch
from tests.builders import ARN
from tests.cli.conftest import program as here
from tests.cli.programs import KEYS, serving
from tests.cli.programs import Program as Here
from tests.program.conftest import program
from tests.program.programs import Processes
from tests.reliability.servers import answering
from tests.sources.profiles import TROUBLE

__all__ = ["here", "program"]
CONFIG = """
[profile night]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Watcher
region = ap-northeast-1
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = ap-northeast-1
sso_registration_scopes = sso:account:access
"""


_ISO = "%Y-%m-%dT%H:%M:%SZ"


def log_in(home: Path, *, hours: float, **more: str) -> None:
    """Write the token as `aws sso login` does; hours below 0: it has expired."""
    token = {
        "startUrl": "https://corp.awsapps.com/start",
        "region": "ap-northeast-1",
        "accessToken": f"token of {hours:g} h",
        "expiresAt": (datetime.now(UTC) + timedelta(hours=hours)).strftime(_ISO),
        **more,
    }
    name = sha1(b"corp", usedforsecurity=False).hexdigest()
    path = home / ".aws" / "sso" / "cache" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(token))


def hands_out(asked: list[str], headers: Any) -> tuple[int, Any]:
    """Answer as IAM Identity Center's portal, as far as it hands out a role's keys."""
    asked.append(headers["x-amz-sso_bearer_token"])
    until = datetime.now(UTC) + timedelta(hours=1)
    keys = {
        "accessKeyId": KEYS["AWS_ACCESS_KEY_ID"],
        "secretAccessKey": KEYS["AWS_SECRET_ACCESS_KEY"],
        "sessionToken": "token",
        "expiration": int(until.timestamp() * 1000),
    }
    return 200, {"roleCredentials": keys}


def test_the_command_for_this_profile_is_said_and_the_watch_goes_on(
    program: Processes, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(CONFIG)
    log_in(tmp_path, hours=-1)
    asked = list[str]()
    portal = partial(hands_out, asked)
    with answering(portal) as url, serving(["async"], speed=50) as served:
        env = {
            "HOME": str(tmp_path),
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_ENDPOINT_URL_SSO": url,
        }
        words = served.words("watch", served.execution, "--plain", "--drain", "0")
        running = program.start(*words, "--profile", "night", **env)
        running.until("Run: aws sso login --profile night")
        log_in(tmp_path, hours=8)
        ended = running.wait()
    assert ended.code == 0, ended
    assert "✔ Execution succeeded" in ended.out
    assert set(asked) == {"token of 8 h"}


# -- nothing to sign with --------------------------------------------------------------

TRIED = ("no credentials", "itself", "no source", "no token file", "no CA bundle")
PROFILES = {
    "gone": "[profile other]\n",
    "of a process that fails": (
        "[profile p]\ncredential_process = sh -c 'echo canarySECRET >&2; exit 1'\n"
    ),
    **{name: TROUBLE[name][0] for name in (*TRIED, "a word for a table", "a code")},
}
ANOTHER_WAY = '"$(aws configure export-credentials --profile '
COMMANDS = ("watch --plain --no-record", "wait", "explain", "doctor")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_command_and_the_library_say_what_is_wrong_with_a_profile_and_end(
    profile: str, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(PROFILES[profile])
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for command in COMMANDS:
        ended = here(*command.split(), ARN, "--profile", "p")
        assert ended.code == 3, ended
        assert "Traceback" not in ended.err
        assert "canary" not in ended.out + ended.err
        assert "botocore" not in ended.err
        assert command == "doctor" or len(ended.err.splitlines()) == 1
        told = ended.out + ended.err
        assert profile != "a code" or f"eval {ANOTHER_WAY}" in told
    with pytest.raises(sfnwatch.SfnwatchError) as refused:
        asyncio.run(sfnwatch.watch(ARN, profile="p"))
    assert str(refused.value) == here("wait", ARN, "--profile", "p").said(3)


# -- where a login is sent -------------------------------------------------------------

REFRESHES = {
    "refreshToken": "refresh",
    "clientId": "client",
    "clientSecret": "secret",
    "registrationExpiresAt": "2999-01-01T00:00:00Z",
}
ASKED = {"SSO": 1.0, "SSO_OIDC": -1.0}
"""By the service that is asked, for keys or another token, the hours of this one."""


@pytest.fixture(params=ASKED)
def asking(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Be logged in; gives what to set, but for the address of the service."""
    (tmp_path / "config").write_text(CONFIG)
    log_in(tmp_path, hours=ASKED[request.param], **REFRESHES)
    return {
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ENDPOINT": f"AWS_ENDPOINT_URL_{request.param}",
    }


def test_a_login_is_asked_for_by_no_proxy_and_sent_nowhere_else(
    program: Processes, asking: dict[str, str]
) -> None:
    sent_on = list[bytes]()
    with (
        answering(lambda _: (200, {}), sent_on) as other,
        answering(lambda _: (302, {"Location": f"{other}/stolen"})) as url,
    ):
        env = {**asking, asking["ENDPOINT"]: url}
        running = program.start(ARN, "--plain", "--profile", "night", **env)
        running.until(f"{url} answered 302, a redirect to {other}, which is not")
        running.kill()
    assert sent_on == []


def test_a_login_is_not_sent_in_the_clear(
    program: Processes, asking: dict[str, str]
) -> None:
    env = {**asking, asking["ENDPOINT"]: "http://portal.example"}
    ended = program("wait", ARN, "--profile", "night", **env)
    assert (ended.code, ended.out) == (3, "")
    (said,) = ended.err.splitlines()
    assert "http://portal.example is neither this machine nor https" in said
