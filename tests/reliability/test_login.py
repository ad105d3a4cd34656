"""A login that expires overnight: what to run is said, and the watch goes on."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path

import pytest
from aiohttp import web
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider

from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.trace.events import HealthState
from tests.sources.simulation import Simulation

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


class Portal:
    """IAM Identity Center's portal, as far as it hands out a role's keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = ""
        self.asked: list[str] = []

    def log_in(self, *, hours: float) -> None:
        """Write the token as `aws sso login` does; hours below 0: it has expired."""
        token = {
            "startUrl": "https://corp.awsapps.com/start",
            "region": "ap-northeast-1",
            "accessToken": f"token of {hours} h",
            "expiresAt": f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%XZ}",
        }
        name = sha1(b"corp", usedforsecurity=False).hexdigest()
        (self._folder / f"{name}.json").write_text(json.dumps(token))

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers["x-amz-sso_bearer_token"])
        until = datetime.now(UTC) + timedelta(hours=1)
        keys = {
            "accessKeyId": CREDENTIALS[0],
            "secretAccessKey": CREDENTIALS[1],
            "sessionToken": "token",
            "expiration": int(until.timestamp() * 1000),
        }
        return web.json_response({"roleCredentials": keys})


@pytest.fixture
async def portal(sync: Simulation, tmp_path: Path) -> AsyncIterator[Portal]:
    folder = tmp_path / "cache"
    folder.mkdir()
    for provider in (SSOProvider, SSOTokenProvider):
        sync.patch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(folder))
    (tmp_path / "config").write_text(CONFIG)
    sync.patch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    portal = Portal(folder)
    app = web.Application()
    app.router.add_get("/federation/credentials", portal.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    portal.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sync.patch.setenv("AWS_ENDPOINT_URL_SSO", portal.url)
    yield portal
    await runner.cleanup()


@pytest.mark.parametrize("begun", ["never logged in", "expired"])
async def test_the_command_for_this_profile_is_said_and_the_watch_goes_on(
    sync: Simulation, portal: Portal, begun: str
) -> None:
    if begun == "expired":
        portal.log_in(hours=-1)
    sync.clock.when(18, lambda: portal.log_in(hours=8))
    none = {"access_key_id": None, "secret_access_key": None}
    watched = await sync.watch(settings=sync.settings(profile="night", **none))
    assert watched.states("history")[1] is HealthState.EXPIRED
    for message in watched.messages("history"):
        assert message.endswith("Run: aws sso login --profile night")
    assert HealthState.ENDED in watched.states("history")
    assert watched.event_ids() == list(range(1, 9))
    assert len(watched.calls) == 6
    assert set(portal.asked) == {"token of 8 h"}


async def test_so_it_is_when_it_expires_on_the_way(
    sync: Simulation, portal: Portal
) -> None:
    portal.log_in(hours=8)
    faults = sync.account.faults

    def expire() -> None:
        faults.expired = True
        portal.log_in(hours=-1)

    def renew() -> None:
        faults.expired = False
        portal.log_in(hours=8)

    sync.clock.when(60, expire)
    sync.clock.when(200, renew)
    none = {"access_key_id": None, "secret_access_key": None}
    watched = await sync.watch(settings=sync.settings(profile="night", **none))
    for lane in ("history", "lookup"):
        states = watched.states(lane)
        assert HealthState.EXPIRED in states
        assert states[-1] is HealthState.ENDED
        assert all(
            text.endswith("Run: aws sso login --profile night")
            for text in watched.messages(lane)
        )
    assert watched.event_ids() == list(range(1, 9))
    assert len(watched.calls) == 6
