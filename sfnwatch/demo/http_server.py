"""The account's front: AWS's protocols over HTTP on loopback.

It checks who asks for what, writes answers and refusals in each service's form, and
lets CloudTrail note the calls of its clients.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from socket import create_server, socket
from typing import Self
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec
from aiohttp import web

from sfnwatch.demo.account import Account
from sfnwatch.demo.cloudtrail import CallerIdentity, TrailEvent, in_role, user
from sfnwatch.demo.formats import ACCOUNT_ID, Json, arn, camel, http_date, in_words
from sfnwatch.demo.operations import OPERATIONS, AwsError, common_error, parse

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The example pair of AWS's documentation: any well-formed signature is accepted."""
EXPIRED = "EXPIRED"
"""A session token that this account answers as expired."""
HOST = "127.0.0.1"

# Long enough to finish an answer, short enough not to hold up the end.
_GRACE = 0.5
_UNRECORDED = {
    # A trail records these only where it is told to.
    *("ReceiveMessage", "DeleteMessageBatch"),
    # These get no further than the front door.
    *("ThrottlingException", "UnknownOperationException"),
}
# Step Functions' own errors are named within the shapes of the service it grew from.
_NAMESPACES = {"states": "com.amazonaws.swf.service.v2.model#"}
_COMMON = "com.amazon.coral.service#"
_IDENTITY = "GetCallerIdentity"
"""What people ask first of an account: STS, which speaks in forms and XML."""
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key_id>[A-Z0-9]{16,128})/\S+/aws4_request, *"
    r"SignedHeaders=\S+, *Signature=[0-9a-f]{64}"
)
_REFUSED = {
    "MissingAuthenticationTokenException": "Missing Authentication Token",
    "IncompleteSignatureException": "Authorization header requires 'Credential',"
    " 'SignedHeaders' and 'Signature' parameters.",
    "ExpiredTokenException": "The security token included in the request is expired",
}


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

    @property
    def key_id(self) -> str | None:
        """Return the id of the access key that signed it; None if none did."""
        signed = _SIGNED.fullmatch(self.headers.get("Authorization", ""))
        return signed["key_id"] if signed else None

    @property
    def session_token(self) -> str | None:
        return self.headers.get("X-Amz-Security-Token")


def check_signature(request: DemoRequest, *, expired: bool) -> str:
    """Return whose key signed a request, or raise AwsError.

    No signature is computed. Nor is X-Amz-Date looked at: the account's time is not the
    client's.
    """
    key_id, code = request.key_id, ""
    if not request.headers.get("Authorization"):
        code = "MissingAuthenticationTokenException"
    elif key_id is None:
        code = "IncompleteSignatureException"
    elif expired or request.session_token == EXPIRED:
        code = "ExpiredTokenException"
    if code or key_id is None:
        raise common_error(code, _REFUSED[code])
    return key_id


class Reply(msgspec.Struct, frozen=True):
    status: int
    content_type: str
    body: bytes
    request_id: str
    error_code: str | None = None


def refusal(service: str, error: AwsError, request_id: str) -> Reply:
    """Return a refusal in the service's form; of STS its code lacks the last word."""
    if service == "sts":
        code = error.code.removesuffix("Exception")
        told = f"<Code>{code}</Code><Message>{escape(error.message)}</Message>"
        xml = f'<ErrorResponse xmlns="{_STS}"><Error>{told}</Error></ErrorResponse>'
        return Reply(403, "text/xml", xml.encode(), request_id, code)
    namespace = _COMMON if error.common else _NAMESPACES.get(service, "")
    why = {"__type": namespace + error.code, "message": error.message}
    return _json_reply(service, error.status, why, request_id, error.code)


def _identity_reply(identity: Json, request_id: str) -> Reply:
    members = "".join(f"<{key}>{escape(identity[key])}</{key}>" for key in identity)
    xml = (
        f'<{_IDENTITY}Response xmlns="{_STS}">'
        f"<{_IDENTITY}Result>{members}</{_IDENTITY}Result>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        f"</{_IDENTITY}Response>"
    )
    return Reply(200, "text/xml", xml.encode(), request_id)


def _json_reply(
    service: str, status: int, told: Json, request_id: str, code: str | None = None
) -> Reply:
    version = "1.1" if service == "cloudtrail" else "1.0"
    body = json.dumps(told, separators=(",", ":")).encode()
    return Reply(status, f"application/x-amz-json-{version}", body, request_id, code)


def answer(account: Account, request: DemoRequest) -> Reply:
    """Answer one request, and let CloudTrail note it."""
    service, request_id = request.service, account.new_id()
    try:
        key_id = check_signature(request, expired=account.expired)
        result = _noted(account, request, _caller(account, request, key_id), request_id)
    except AwsError as error:
        return refusal(service, error, request_id)
    if service == "sts":
        return _identity_reply(result, request_id)
    return _json_reply(service, 200, result, request_id)


def _noted(
    account: Account, request: DemoRequest, caller: CallerIdentity, request_id: str
) -> Json:
    """Perform the operation, and let CloudTrail note it whether it works or not."""
    operation, code, message = request.operation, "", ""
    try:
        if operation == _IDENTITY:
            who, user_id = caller.identity["arn"], caller.identity["principalId"]
            return {"Arn": who, "UserId": user_id, "Account": ACCOUNT_ID}
        if operation not in OPERATIONS:
            raise common_error("UnknownOperationException", f"Not here: {operation}")
        _, parameters, perform = OPERATIONS[operation]
        return perform(account, parse(request.body, parameters))
    except AwsError as error:
        code, message = error.code, error.message
        raise
    finally:
        if not {operation, code} & _UNRECORDED:
            action, at = f"{request.service}:{operation}", account.now()
            asked = _recorded(request.body)
            call = TrailEvent(at, action, caller, request_id, account.new_id(), asked)
            call.error_code, call.error_message = code, message
            account.note(call)


def _caller(account: Account, request: DemoRequest, key_id: str) -> CallerIdentity:
    """Return the one user of the demo; with a session token, the same in a role."""
    agent = request.headers.get("User-Agent", "")
    if request.session_token is None:
        return user("demo", key_id, request.address, agent)
    identity = in_role(arn("iam", "role/demo"), "demo", account.epoch, key_id)
    return CallerIdentity(identity, request.address, agent)


def _recorded(body: bytes) -> Json | None:
    """Return a request as a record has it: keys in lower case, times in words."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    for key in given.keys() & {"StartTime", "EndTime"}:
        try:
            given[key] = in_words(datetime.fromtimestamp(given[key], UTC))
        except (TypeError, ValueError, OverflowError, OSError):
            continue
    return dict(camel(given))


class DemoServer:
    """Serves an account while its context is open."""

    def __init__(self, account: Account, *, listener: socket | None = None) -> None:
        self._account, self._listener = account, listener
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
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

    async def _respond(self, request: web.Request) -> web.StreamResponse:
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
