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

from sfnwatch.next.demo.account import Account
from sfnwatch.next.demo.cloudtrail import Caller, TrailEvent, denial, in_role, user
from sfnwatch.next.demo.formats import ACCOUNT_ID, Json, arn, camel, http_date, in_words
from sfnwatch.next.demo.operations import OPERATIONS, AwsError, common_error, parse

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The example pair of AWS's documentation: any well-formed signature is accepted."""
EXPIRED = "EXPIRED"
"""A session token that this account answers as expired."""
HOST = "127.0.0.1"

# Long enough to finish an answer, short enough not to hold up the end.
_GRACE = 0.5
_IDENTITY = "GetCallerIdentity"
_UNRECORDED = {
    # A trail records these only where it is told to.
    *("ReceiveMessage", "DeleteMessageBatch"),
    # These get no further than the front door.
    *("ThrottlingException", "UnknownOperationException"),
}
# Step Functions' own errors are named within the shapes of the service it grew from.
_NAMESPACES = {"states": "com.amazonaws.swf.service.v2.model#"}
_COMMON = "com.amazon.coral.service#"
_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]*)")
_REFUSED = {
    "MissingAuthenticationTokenException": "Missing Authentication Token",
    "IncompleteSignatureException": "Authorization header requires 'Credential',"
    " 'SignedHeaders' and 'Signature' parameters.",
    "UnrecognizedClientException": "The security token included in the request is"
    " invalid.",
    "InvalidSignatureException": "The request signature we calculated does not match"
    " the signature you provided.",
    "ExpiredTokenException": "The security token included in the request is expired",
}


class Request(msgspec.Struct, frozen=True):
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
        if self.headers.get("Content-Type", "").startswith("application/x-www-form"):
            form = parse_qs(self.body.decode("utf-8", "replace"))
            return form.get("Action", [""])[0]
        return ""

    @property
    def service(self) -> str:
        """Return the service of the operation, as in its domain."""
        if self.operation == _IDENTITY:
            return "sts"
        return (
            OPERATIONS[self.operation][0] if self.operation in OPERATIONS else "states"
        )

    @property
    def signature(self) -> dict[str, str]:
        """Return the parts of the signature."""
        return dict(_PART.findall(self.headers.get("Authorization", "")))

    @property
    def key_id(self) -> str:
        """Return the id of the access key that signed it."""
        return self.signature.get("Credential", "").partition("/")[0]

    @property
    def session_token(self) -> str | None:
        return self.headers.get("X-Amz-Security-Token")


def check_signature(request: Request, *, expired: bool) -> None:
    """Raise AwsError unless the request is signed. No signature is computed.

    Nor is X-Amz-Date looked at: the account's time is not the client's.
    """
    given, parts, code = request.headers.get("Authorization"), request.signature, ""
    if not given:
        code = "MissingAuthenticationTokenException"
    elif not given.startswith("AWS4-HMAC-SHA256 ") or len(parts) < 3:  # noqa: PLR2004
        code = "IncompleteSignatureException"
    elif not _KEY_ID.fullmatch(request.key_id):
        code = "UnrecognizedClientException"
    elif not parts["Credential"].endswith("/aws4_request") or not _SIGNATURE.fullmatch(
        parts["Signature"]
    ):
        code = "InvalidSignatureException"
    elif expired or request.session_token == EXPIRED:
        code = "ExpiredTokenException"
    if code:
        raise common_error(code, _REFUSED[code])


class Reply(msgspec.Struct, frozen=True):
    status: int
    content_type: str
    body: bytes
    request_id: str
    error_code: str | None = None


def reply(service: str, result: Json, request_id: str) -> Reply:
    """Return an answer: of STS in XML, of the other services in JSON."""
    if service != "sts":
        return _json_reply(service, 200, result, request_id)
    members = "".join(f"<{key}>{escape(result[key])}</{key}>" for key in result)
    xml = (
        f'<GetCallerIdentityResponse xmlns="{_STS}">'
        f"<GetCallerIdentityResult>{members}</GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return Reply(200, "text/xml", xml.encode(), request_id)


def refusal(service: str, error: AwsError, request_id: str) -> Reply:
    """Return a refusal. The codes of STS lack the other services' last word."""
    code, status = error.code, error.status
    if service != "sts":
        namespace = _COMMON if error.common else _NAMESPACES.get(service, "")
        told = {"__type": namespace + code, "message": error.message}
        return _json_reply(service, status, told, request_id, code)
    code = code.removesuffix("Exception")
    xml = (
        f'<ErrorResponse xmlns="{_STS}"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    status = 403 if status == 400 else status  # noqa: PLR2004
    return Reply(status, "text/xml", xml.encode(), request_id, code)


def _json_reply(
    service: str, status: int, told: Json, request_id: str, code: str | None = None
) -> Reply:
    version = "1.1" if service == "cloudtrail" else "1.0"
    body = json.dumps(told, separators=(",", ":")).encode()
    return Reply(status, f"application/x-amz-json-{version}", body, request_id, code)


def answer(account: Account, request: Request) -> Reply:
    """Answer one request, and let CloudTrail note it."""
    service, request_id = request.service, account.new_id()
    faults = account.faults
    try:
        if faults.status_next:
            status = faults.status_next.pop(0)
            code = {503: "ServiceUnavailable"}.get(status, "InternalFailure")
            raise common_error(code, "The demo was told to fail", status)
        check_signature(request, expired=faults.expired)
        if faults.throttle_next:
            faults.throttle_next -= 1
            raise common_error("ThrottlingException", "Rate exceeded")
        result = _noted(account, request, request_id)
    except AwsError as error:
        return refusal(service, error, request_id)
    return reply(service, result, request_id)


def _noted(account: Account, request: Request, request_id: str) -> Json:
    """Perform the operation, and let CloudTrail note it whether it works or not."""
    caller, code, message = _caller(account, request), "", ""
    recorded = _recorded(request.body) if request.service != "sts" else None
    try:
        return _perform(account, request, caller)
    except AwsError as error:
        code, message = error.code, error.message
        if code == "AccessDeniedException":
            code, recorded = "AccessDenied", None
        raise
    finally:
        if not {request.operation, code} & _UNRECORDED:
            action = f"{request.service}:{request.operation}"
            event_id, at = account.new_id(), account.now()
            call = TrailEvent(at, action, caller, request_id, event_id, recorded)
            call.error_code, call.error_message = code, message
            account.note(call)


def _perform(account: Account, request: Request, caller: Caller) -> Json:
    operation = request.operation
    if operation in account.faults.deny:
        denied = denial(caller, f"{request.service}:{operation}")
        raise common_error("AccessDeniedException", denied)
    if operation == _IDENTITY:
        who, user_id = caller.identity["arn"], caller.identity["principalId"]
        return {"Arn": who, "UserId": user_id, "Account": ACCOUNT_ID}
    if operation not in OPERATIONS:
        raise common_error("UnknownOperationException", f"Not here: {operation}")
    _, parameters, perform = OPERATIONS[operation]
    return perform(account, parse(request.body, parameters))


def _caller(account: Account, request: Request) -> Caller:
    """Return the one user of the demo; with a session token, the same in a role."""
    agent, key_id = request.headers.get("User-Agent", ""), request.key_id
    if request.session_token is None:
        return user("demo", key_id, request.address, agent)
    identity = in_role(arn("iam", "role/demo"), "demo", account.epoch, key_id)
    return Caller(identity, request.address, agent)


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
        asked = Request(request.headers, body, request.remote or HOST)
        given = answer(self._account, asked)
        headers = {
            "Content-Type": given.content_type,
            "Date": http_date(self._account.now()),
            "x-amzn-RequestId": given.request_id,
        }
        if given.error_code:
            headers["x-amzn-ErrorType"] = given.error_code
        return web.Response(status=given.status, body=given.body, headers=headers)
