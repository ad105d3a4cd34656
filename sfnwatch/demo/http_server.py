"""The account's front: AWS's protocols over HTTP on loopback.

It writes answers and refusals in each service's form, and lets CloudTrail note the
calls of its clients. Whoever signs a request with any key is the demo's one user.
"""

import json
import re
from collections.abc import Mapping
from socket import create_server, socket
from typing import Self
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from sfnwatch.demo.account import Account
from sfnwatch.demo.cloudtrail import CallerIdentity, TrailEvent, user
from sfnwatch.demo.formats import ACCOUNT_ID, Json, camel, http_date
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


class Reply(msgspec.Struct, frozen=True):
    status: int
    content_type: str
    body: bytes
    request_id: str
    error_code: str = ""


def refusal(service: str, error: AwsError, request_id: str) -> Reply:
    """Return a refusal in the service's form; of STS its code lacks the last word."""
    if service != "sts":
        told = {"__type": error.code, "message": error.message}
        return _json_reply(told, request_id, error.code)
    code = error.code.removesuffix("Exception")
    why = {"Error": {"Code": code, "Message": error.message}}
    return _xml_reply("ErrorResponse", why, request_id, code)


def _json_reply(told: Json, request_id: str, code: str = "") -> Reply:
    body = json.dumps(told, separators=(",", ":")).encode()
    status, kind = 400 if code else 200, "application/x-amz-json-1.0"
    return Reply(status, kind, body, request_id, code)


def _xml_reply(name: str, told: Json, request_id: str, code: str = "") -> Reply:
    xml = f'<{name} xmlns="{_STS}">{_xml(told)}</{name}>'
    return Reply(403 if code else 200, "text/xml", xml.encode(), request_id, code)


def _xml(told: Json) -> str:
    return "".join(
        f"<{key}>{_xml(each) if isinstance(each, dict) else escape(each)}</{key}>"
        for key, each in told.items()
    )


def answer(account: Account, request: DemoRequest) -> Reply:
    """Answer one request, and let CloudTrail note it whether it works or not."""
    operation, service = request.operation, request.service
    request_id, caller, refused = account.new_id(), _caller(request), None
    try:
        result = _perform(account, request, caller)
    except AwsError as error:
        refused = error
    if not {operation, refused and refused.code} & _UNRECORDED:
        made = account.now(), f"{service}:{operation}", caller
        call = TrailEvent(*made, request_id, account.new_id(), _recorded(request.body))
        if refused is not None:
            call.error_code, call.error_message = refused.code, refused.message
        account.note(call)
    if refused is not None:
        return refusal(service, refused, request_id)
    if service == "sts":
        told = {f"{_IDENTITY}Result": result}
        return _xml_reply(f"{_IDENTITY}Response", told, request_id)
    return _json_reply(result, request_id)


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
        return {"Arn": who, "UserId": user_id, "Account": ACCOUNT_ID}
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
        self._runner = web.ServerRunner(
            web.Server(self._respond, access_log=None), shutdown_timeout=_GRACE
        )
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
        headers = {
            "Content-Type": given.content_type,
            "Date": http_date(self._account.now()),
            "x-amzn-RequestId": given.request_id,
        }
        if given.error_code:
            headers["x-amzn-ErrorType"] = given.error_code
        return web.Response(status=given.status, body=given.body, headers=headers)
