"""The account's front: AWS's protocols over HTTP on loopback.

It writes answers and refusals in each service's form, and lets CloudTrail note the
calls of its clients. Whoever signs a request with any key is the demo's one user.
"""

import asyncio
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server, socket
from typing import Annotated, Self, TextIO
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from sfnwatch.clock import SpedClock
from sfnwatch.demo.account import Account, user
from sfnwatch.demo.execution import CallerIdentity, TrailEvent
from sfnwatch.demo.formats import ACCOUNT_ID, REGION, Json, camel, http_date, iso
from sfnwatch.demo.operations import OPERATIONS, AwsError, parse

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The example pair of AWS's documentation: no signature is computed."""
EXPIRED = "EXPIRED"
"""A session token that this account answers as expired."""
HOST = "127.0.0.1"

# Long enough to finish an answer, short enough not to hold up the end.
_GRACE = 0.5
_UNRECORDED = {
    # A trail records these only where it is told to.
    *("ReceiveMessage", "DeleteMessageBatch"),
    # These get no further than the front door.
    *("ThrottlingException", "UnknownOperationException", "ExpiredTokenException"),
}
_IDENTITY = "GetCallerIdentity"
"""What people ask first of an account: STS, which speaks in forms and XML."""
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_SIGNED = re.compile(r"Credential=(?P<key_id>[A-Z0-9]{16,128})/")


class DemoRequest(msgspec.Struct, frozen=True):
    """A request, without its transport."""

    headers: Mapping[str, str]
    """Must find names in any case."""
    body: bytes
    address: str = HOST

    @property
    def operation(self) -> str:
        """Return the name of the operation asked for, or nothing."""
        if (target := self.headers.get("X-Amz-Target")) is not None:
            return target.rpartition(".")[2]
        form = parse_qs(self.body.decode("utf-8", "replace"))
        return form.get("Action", [""])[0]

    @property
    def service(self) -> str:
        """Return the service of the operation, as in its domain."""
        if self.operation == _IDENTITY:
            return "sts"
        known = OPERATIONS.get(self.operation)
        return known[0] if known else "states"


def refusal(service: str, error: AwsError, request_id: str) -> web.Response:
    """Return a refusal in the service's form; of STS its code lacks the last word."""
    code = error.code
    told: Json = {"__type": code, "message": error.message}
    if service == "sts":
        code = code.removesuffix("Exception")
        told = {"Error": {"Code": code, "Message": error.message}}
    return _reply(service, told, request_id, code)


def _reply(service: str, told: Json, request_id: str, code: str = "") -> web.Response:
    """Return what is told in the service's form, with the code if it is a refusal."""
    status, kind = 400, "application/x-amz-json-1.0"
    body = json.dumps(told, separators=(",", ":"))
    if service == "sts":
        status, kind = 403, "text/xml"
        name = "ErrorResponse" if code else f"{_IDENTITY}Response"
        body = f'<{name} xmlns="{_STS}">{_xml(told)}</{name}>'
    headers = {"Content-Type": kind, "x-amzn-RequestId": request_id}
    if code:
        headers["x-amzn-ErrorType"] = code
    return web.Response(
        body=body.encode(), status=status if code else 200, headers=headers
    )


def _xml(told: Json) -> str:
    return "".join(
        f"<{key}>{_xml(each) if isinstance(each, dict) else escape(each)}</{key}>"
        for key, each in told.items()
    )


def answer(account: Account, request: DemoRequest) -> web.Response:
    """Answer one request, and let CloudTrail note it whether it works or not."""
    service, caller, request_id = request.service, _caller(request), account.new_id()
    made = account.now(), f"{service}:{request.operation}", caller
    call = TrailEvent(*made, request_id, "", _recorded(request.body))
    try:
        reply = _reply(service, _perform(account, request, caller), request_id)
    except AwsError as error:
        call.error_code, call.error_message = error.code, error.message
        reply = refusal(service, error, request_id)
    if not {request.operation, call.error_code} & _UNRECORDED:
        call.event_id = account.new_id()
        account.note(call)
    return reply


def _caller(request: DemoRequest) -> CallerIdentity:
    """Return the one user of the demo, with the key that signed the request."""
    signed = _SIGNED.search(request.headers.get("Authorization", ""))
    agent, key_id = request.headers.get("User-Agent", ""), signed and signed["key_id"]
    return user("demo", key_id or CREDENTIALS[0], request.address, agent)


def _perform(account: Account, request: DemoRequest, caller: CallerIdentity) -> Json:
    """Do what is asked for; raises AwsError."""
    if request.headers.get("X-Amz-Security-Token") == EXPIRED:
        message = "The security token included in the request is expired"
        raise AwsError("ExpiredTokenException", message)
    if request.operation == _IDENTITY:
        who, user_id = caller.identity["arn"], caller.identity["principalId"]
        told = {"Arn": who, "UserId": user_id, "Account": ACCOUNT_ID}
        return {f"{_IDENTITY}Result": told}
    if request.operation not in OPERATIONS:
        message = f"Not here: {request.operation}"
        raise AwsError("UnknownOperationException", message)
    _, parameters, perform = OPERATIONS[request.operation]
    return perform(account, parse(request.body, parameters))


def _recorded(body: bytes) -> Json | None:
    """Return a request as a record has it: with keys in lower case."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return None
    return dict(camel(given)) if isinstance(given, dict) else None


class DemoServer:
    """Serves an account while its context is open."""

    def __init__(self, account: Account, *, listener: socket | None = None) -> None:
        self._account, self._listener = account, listener
        server = web.Server(self._respond, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_GRACE)
        self.endpoint_url = ""
        """Where it serves, once the context is open."""

    async def __aenter__(self) -> Self:
        listener = self._listener or create_server((HOST, 0))
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self.endpoint_url = f"http://{HOST}:{listener.getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        asked = DemoRequest(request.headers, body, request.remote or HOST)
        given = answer(self._account, asked)
        given.headers["Date"] = http_date(self._account.now())
        return given


# -- a server that is left running, and goes on with its world after it was killed -----

DEFAULT_PORT = 4597
"""Fixed, so that a watcher finds a server that was started again."""

# How long a world is worth going back to once nothing happens in it, in account time.
_STALE = timedelta(minutes=10)
_DAY = 86400.0


class World(msgspec.Struct, frozen=True):
    """What it takes to serve an account again: it went on while nobody served it."""

    epoch: Annotated[datetime, msgspec.Meta(tz=True)]
    speed: float
    seed: int
    scenarios: tuple[str, ...]

    @property
    def age(self) -> float:
        """Return how many seconds of its time have passed."""
        return (datetime.now(UTC) - self.epoch).total_seconds() * self.speed

    def account(self) -> Account:
        clock = SpedClock(self.speed, self.epoch + timedelta(seconds=self.age))
        return Account(self.scenarios, clock=clock, epoch=self.epoch, seed=self.seed)


async def serve(
    scenarios: Sequence[str],
    *,
    port: int,
    speed: float,
    out: TextIO,
    err: TextIO,
    fresh: bool = False,
    state_dir: Path,
) -> None:
    """Serve until it is cancelled; say where in one line of JSON."""
    with _listening(port, err) as listener:
        path = state_dir / f"demo-{listener.getsockname()[1]}.json"
        world, account = _world(tuple(scenarios), speed, None if fresh else path, err)
        _keep(world, path, err)
        async with DemoServer(account, listener=listener) as server:
            line = {
                "endpoint_url": server.endpoint_url,
                "executions": list(account.executions.values()),
                "scenarios": list(account.executions),
                "region": REGION,
                # Any pair of this form will do: no signature is computed.
                "access_key_id": CREDENTIALS[0],
                "secret_access_key": CREDENTIALS[1],
                "speed": world.speed,
            }
            out.write(json.dumps(line) + "\n")
            out.flush()
            await asyncio.Event().wait()


def _listening(port: int, err: TextIO) -> socket:
    try:
        return create_server((HOST, port))
    except OSError:
        if port != DEFAULT_PORT:
            raise
    listener = create_server((HOST, 0))
    other = listener.getsockname()[1]
    err.write(f"Port {port} is taken; serving on {other} instead.\n")
    return listener


def _world(
    scenarios: tuple[str, ...], speed: float, path: Path | None, err: TextIO
) -> tuple[World, Account]:
    """Return the world to serve, and its account: the one on file, if it will do."""
    kept = _kept(path, err) if path else None
    wanted = kept and (kept.scenarios, kept.speed) == (scenarios, speed)
    if kept and wanted and 0 <= kept.age < _DAY:
        account = kept.account()
        if account.now() < account.settled_at + _STALE:
            err.write(f"Continuing the world of {iso(account.epoch)}.\n")
            return kept, account
    world = World(datetime.now(UTC), speed, secrets.randbits(32), scenarios)
    account = world.account()
    err.write("Starting a new world. All of it is synthetic.\n")
    return world, account


def _kept(path: Path, err: TextIO) -> World | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=World)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        err.write(f"Ignoring {path}: {error}\n")
        return None


def _keep(world: World, path: Path, err: TextIO) -> None:
    """Write the world down, whole or not at all, for its owner's eyes only."""
    written = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written.touch(mode=0o600)
        written.write_bytes(msgspec.json.encode(world))
        written.replace(path)
    except OSError as error:
        err.write(f"Can't write {path}, so this world ends with the server: {error}\n")
