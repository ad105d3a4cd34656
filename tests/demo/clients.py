"""Ways to ask a simulated account: directly, with boto3, with the AWS CLI."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from sfnwatch.demo.account import Account
from sfnwatch.demo.api import answer
from sfnwatch.demo.server import CREDENTIALS
from sfnwatch.demo.wire import Asked, Reply

EPOCH = datetime(2023, 11, 15, 0, 28, 24, 250_000, UTC)
TARGETS = {
    "LookupEvents": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.",
}
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential={CREDENTIALS[0]}/20231115/ap-northeast-1/states/"
    f"aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
)
_SIGNED = {
    "AWS_ACCESS_KEY_ID": CREDENTIALS[0],
    "AWS_SECRET_ACCESS_KEY": CREDENTIALS[1],
    "AWS_DEFAULT_REGION": "ap-northeast-1",
    "AWS_MAX_ATTEMPTS": "1",
}


class ManualClock:
    """Stands still until it is moved; whoever waits on it moves it."""

    def __init__(self) -> None:
        self._now = EPOCH

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@dataclass
class Direct:
    """Asks an account without HTTP."""

    account: Account
    clock: ManualClock
    headers: dict[str, str] = field(
        default_factory=lambda: {
            "Authorization": AUTHORIZATION,
            "User-Agent": "test-agent/1",
        }
    )

    def reply(self, operation: str, /, **parameters: object) -> Reply:
        target = TARGETS.get(operation, "AWSStepFunctions.") + operation
        headers = self.headers | {"X-Amz-Target": target}
        return answer(self.account, Asked(headers, json.dumps(parameters).encode()))

    def __call__(self, operation: str, /, **parameters: object) -> dict[str, Any]:
        """Return the answer, which must not be a refusal."""
        reply = self.reply(operation, **parameters)
        assert reply.status == 200, reply.body
        result: dict[str, Any] = json.loads(reply.body)
        return result

    def refusal(self, operation: str, /, **parameters: object) -> tuple[str, str]:
        """Return code and message of the answer, which must be a refusal."""
        reply = self.reply(operation, **parameters)
        assert reply.status == 400, reply.body
        body = json.loads(reply.body)
        assert body["__type"].rpartition("#")[2] == reply.error_code
        return body["__type"].rpartition("#")[2], body["message"]

    def lookup(self, **parameters: object) -> dict[str, Any]:
        """Look events up without running into the throttle."""
        self.clock.advance(1)
        return self("LookupEvents", **parameters)

    def records(self, source: str = "ecs.amazonaws.com") -> list[dict[str, Any]]:
        """Return all records of a service, oldest first."""
        attribute = {"AttributeKey": "EventSource", "AttributeValue": source}
        token: dict[str, str] = {}
        records: list[dict[str, Any]] = []
        while True:
            page = self.lookup(LookupAttributes=[attribute], **token)
            records += [json.loads(each["CloudTrailEvent"]) for each in page["Events"]]
            if "NextToken" not in page:
                return records[::-1]
            token = {"NextToken": page["NextToken"]}

    def own_records(self, source: str = "states.amazonaws.com") -> list[dict[str, Any]]:
        """Return the records of what a test asked for, oldest first."""
        agent = self.headers["User-Agent"]
        return [each for each in self.records(source) if each["userAgent"] == agent]


class Clients:
    """boto3 clients of a server, called in a thread beside its loop."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._session = boto3.Session(region_name="ap-northeast-1")
        self._made: list[Any] = []

    def client(self, service: str, *, token: str | None = None) -> Any:
        client = self._session.client(
            service,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=CREDENTIALS[0],
            aws_secret_access_key=CREDENTIALS[1],
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
        )
        self._made.append(client)
        return client

    async def call(
        self, service: str, method: str, *, token: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            client = self.client(service, token=token)
            result: dict[str, Any] = getattr(client, method)(**parameters)
            return result

        return await asyncio.to_thread(work)

    def close(self) -> None:
        for client in self._made:
            client.close()


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        result: dict[str, Any] = json.loads(self.out)
        return result


class Cli:
    """The AWS CLI, pointed at a server."""

    def __init__(self, endpoint_url: str, folder: Path) -> None:
        self._endpoint_url = endpoint_url
        self._folder = folder

    async def __call__(self, *words: str, **env: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "awscli", "--endpoint-url", self._endpoint_url),
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=os.environ | _SIGNED | env,
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())
