"""The account's front: AWS's protocols over HTTP on loopback.

It writes answers and refusals in each service's form, and lets CloudTrail note the
calls of its clients. Whoever signs a request with any key is the demo's one user.
"""

import json
import logging
from collections.abc import Mapping
from socket import create_server, socket
from typing import Self
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.callers import user
from sfnwatch.demo.formats import ACCOUNT_ID, Json, camel, http_date
from sfnwatch.demo.operations import OPERATIONS
from sfnwatch.demo.trail_event import CallerIdentity, TrailEvent

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The example pair of AWS's documentation: no signature is computed."""
HOST = "127.0.0.1"

_MOST_BRACKETS = 100
"""Opening brackets in a request's body at most: no operation takes what is nested."""
_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())

# Long enough to finish an answer, short enough not to hold up the end.
_SHUTDOWN_SECONDS = 0.5
_UNRECORDED = {
    # A trail records these only where it is told to.
    *("ReceiveMessage", "DeleteMessageBatch"),
    # These get no further than the front door.
    *("ThrottlingException", "UnknownOperationException"),
}
_IDENTITY = "GetCallerIdentity"
"""What people ask first of an account: STS, which is asked in forms and speaks XML."""
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"


class DemoRequest(msgspec.Struct, frozen=True):
    """A request, without its transport."""

    headers: Mapping[str, str]
    """Must find names in any case."""
    body: bytes

    @property
    def operation(self) -> str:
        """Return the name of the operation, or ""."""
        target = self.headers.get("X-Amz-Target")
        if target is not None:
            return target.rpartition(".")[2]
        form = parse_qs(self.body.decode("utf-8", "replace"))
        return form.get("Action", [""])[0]

    @property
    def service(self) -> str:
        """Return the service of the operation, as in its domain."""
        if self.operation == _IDENTITY:
            return "sts"
        operation = OPERATIONS.get(self.operation)
        return operation.service if operation else "states"


def refusal(error: AwsError, request_id: str) -> web.Response:
    """Return a refusal; STS gives none."""
    body = _in_json({"__type": error.code, "message": error.message})
    reply = _reply(body, request_id)
    reply.set_status(400)
    reply.headers["x-amzn-ErrorType"] = error.code
    return reply


def _reply(
    body: str, request_id: str, kind: str = "application/x-amz-json-1.0"
) -> web.Response:
    headers = {"Content-Type": kind, "x-amzn-RequestId": request_id}
    return web.Response(body=body.encode(), headers=headers)


def _in_json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def answer(account: Account, request: DemoRequest) -> web.Response:
    """Answer one request, and let CloudTrail note it whether it works or not."""
    agent = request.headers.get("User-Agent", "")
    caller = user("demo", CREDENTIALS[0], HOST, agent)
    request_id = account.new_id()
    call = TrailEvent(
        at=account.now(),
        action=f"{request.service}:{request.operation}",
        caller=caller,
        request_id=request_id,
        event_id="",
        request=_recorded(request.body),
    )
    try:
        if request.operation == _IDENTITY:
            reply = _reply(_identity(caller), request_id, "text/xml")
        else:
            reply = _reply(_in_json(_perform(account, request)), request_id)
    except AwsError as error:
        call.error_code = error.code
        call.error_message = error.message
        reply = refusal(error, request_id)
    if not {request.operation, call.error_code} & _UNRECORDED:
        call.event_id = account.new_id()
        account.note(call)
    return reply


def _identity(caller: CallerIdentity) -> str:
    """Return GetCallerIdentity's answer."""
    user_arn = caller.identity["arn"]
    user_id = caller.identity["principalId"]
    return (
        f'<GetCallerIdentityResponse xmlns="{_STS}"><GetCallerIdentityResult>'
        f"<Arn>{user_arn}</Arn><UserId>{user_id}</UserId>"
        f"<Account>{ACCOUNT_ID}</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def _perform(account: Account, request: DemoRequest) -> Json:
    """Perform the operation; raises AwsError."""
    operation = OPERATIONS.get(request.operation)
    if operation is None:
        message = f"Not here: {request.operation}"
        raise AwsError("UnknownOperationException", message)
    return operation.perform(account, request.body)


def _recorded(body: bytes) -> Json | None:
    """Return a request as a record has it: with keys in lower case."""
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        return None
    if not isinstance(parameters, dict):
        return None
    return dict(camel(parameters))


class DemoServer:
    """Serves an account while its context is open."""

    def __init__(self, account: Account, *, listener: socket | None = None) -> None:
        self._account = account
        self._listener = listener
        server = web.Server(self._respond, access_log=None, logger=_LOG)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        self.endpoint_url = ""
        """Where it serves, once the context is open."""
        self._own_hosts: frozenset[str] = frozenset()
        """What its address is in a request's Host."""

    async def __aenter__(self) -> Self:
        listener = self._listener or create_server((HOST, 0))
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        port = listener.getsockname()[1]
        self.endpoint_url = f"http://{HOST}:{port}"
        self._own_hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._is_own(request.headers):
            return web.Response(status=403, text="Not from here.")
        body = await request.read()
        if body.count(b"{") + body.count(b"[") > _MOST_BRACKETS:
            error = AwsError("SerializationException", "The request is nested too deep")
            response = refusal(error, self._account.new_id())
        else:
            response = answer(self._account, DemoRequest(request.headers, body))
        response.headers["Date"] = http_date(self._account.now())
        return response

    def _is_own(self, headers: Mapping[str, str]) -> bool:
        """True for a request to this server that comes from no other site's page.

        Any site can have its own name lead to this machine.
        """
        if headers.get("Host") not in self._own_hosts:
            return False
        origin = headers.get("Origin")
        return origin is None or origin.removeprefix("http://") in self._own_hosts
