"""Whoever is not logged in is told what to run, and the watch goes on after it."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

from tests.cli.programs import KEYS, serving
from tests.program.conftest import program
from tests.program.programs import Processes
from tests.reliability.servers import answering

__all__ = ["program"]
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


def log_in(home: Path, *, hours: float) -> None:
    """Write the token as `aws sso login` does; hours below 0: it has expired."""
    token = {
        "startUrl": "https://corp.awsapps.com/start",
        "region": "ap-northeast-1",
        "accessToken": f"token of {hours:g} h",
        "expiresAt": (datetime.now(UTC) + timedelta(hours=hours)).strftime(_ISO),
    }
    name = sha1(b"corp", usedforsecurity=False).hexdigest()
    path = home / ".aws" / "sso" / "cache" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(token))


class Portal:
    """IAM Identity Center's portal, as far as it hands out a role's keys."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, headers: Any) -> tuple[int, Any]:
        self.asked.append(headers["x-amz-sso_bearer_token"])
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
    portal = Portal()
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
    assert set(portal.asked) == {"token of 8 h"}
