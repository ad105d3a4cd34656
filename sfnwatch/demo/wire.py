"""AWS's protocols: who asks for what, and how answers and refusals are written."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec

from sfnwatch.demo.faults import Faults

CREDENTIALS = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The example pair of AWS's documentation: any well-formed signature is accepted."""

EXPIRED = "EXPIRED"
"""A session token that this account answers as expired."""

_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]*)")
# Step Functions' own errors are named within the shapes of the service it grew from.
_NAMESPACES = {
    "states": "com.amazonaws.swf.service.v2.model#",
    "cloudtrail": "",
}
_COMMON = "com.amazon.coral.service#"

Parameters = TypeVar("Parameters", bound=msgspec.Struct)


class AwsError(Exception):
    """A refusal with AWS's code."""

    def __init__(
        self, code: str, message: str, *, status: int = 400, common: bool = False
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.common = common
        """Whether the code is of all services and not of one."""


def common_error(code: str, message: str, status: int = 400) -> AwsError:
    """Return an error that any service may give."""
    return AwsError(code, message, status=status, common=True)


def invalid(problem: str) -> AwsError:
    """Return the refusal of a parameter, in AWS's words."""
    return common_error(
        "ValidationException", f"1 validation error detected: {problem}"
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, without its transport."""

    headers: Mapping[str, str]
    """Must find names in any case."""
    body: bytes
    address: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    content_type: str
    body: bytes
    request_id: str
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request."""

    key_id: str
    session_token: str | None
    user_agent: str
    address: str


def operation_of(asked: Asked) -> str:
    """Return the name of the operation asked for, or nothing."""
    target = asked.headers.get("X-Amz-Target")
    if target is not None:
        return target.rpartition(".")[2]
    if asked.headers.get("Content-Type", "").startswith("application/x-www-form"):
        form = parse_qs(asked.body.decode("utf-8", "replace"))
        return form.get("Action", [""])[0]
    return ""


def authenticate(asked: Asked, faults: Faults) -> Signer:
    """Return the signer, or refuse. The signature itself is not computed.

    Nor is X-Amz-Date looked at: the account's time is not the client's.
    """
    given = asked.headers.get("Authorization")
    if not given:
        raise common_error(
            "MissingAuthenticationTokenException", "Missing Authentication Token"
        )
    parts = dict(_PART.findall(given))
    key_id = parts.get("Credential", "").partition("/")[0]
    _check_signature(given, parts, key_id)
    token = asked.headers.get("X-Amz-Security-Token")
    if faults.expired or token == EXPIRED:
        raise common_error(
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    agent = asked.headers.get("User-Agent", "")
    return Signer(key_id, token, agent, asked.address)


def _check_signature(given: str, parts: Mapping[str, str], key_id: str) -> None:
    scope = parts.get("Credential", "").split("/")
    if not given.startswith("AWS4-HMAC-SHA256 ") or len(parts) < 3:  # noqa: PLR2004
        raise common_error(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential', 'SignedHeaders' and"
            " 'Signature' parameters.",
        )
    if not _KEY_ID.fullmatch(key_id):
        raise common_error(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )
    if scope[-1] != "aws4_request" or not _SIGNATURE.fullmatch(parts["Signature"]):
        raise common_error(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you"
            " provided.",
        )


def parse(body: bytes, kind: type[Parameters]) -> Parameters:
    """Return the parameters, or refuse what is not of their types."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise common_error("SerializationException", str(error)) from error


def in_range(value: int, name: str, low: int, high: int) -> None:
    """Refuse a number outside AWS's bounds."""
    if low <= value <= high:
        return
    bound = f"greater than or equal to {low}" if value < low else None
    bound = bound or f"less than or equal to {high}"
    raise invalid(
        f"Value '{value}' at '{name}' failed to satisfy constraint:"
        f" Member must have value {bound}"
    )


def required(value: str | None, name: str) -> str:
    """Refuse a missing or empty text."""
    if value is None:
        raise invalid(
            f"Value null at '{name}' failed to satisfy constraint:"
            " Member must not be null"
        )
    if not value:
        raise invalid(
            f"Value '' at '{name}' failed to satisfy constraint:"
            " Member must have length greater than or equal to 1"
        )
    return value


def json_reply(service: str, result: Mapping[str, Any], request_id: str) -> Reply:
    """Return an answer of a JSON service."""
    return Reply(200, _content_type(service), _encoded(result), request_id)


def json_refusal(service: str, error: AwsError, request_id: str) -> Reply:
    """Return a refusal of a JSON service."""
    namespace = _COMMON if error.common else _NAMESPACES.get(service, "")
    body = _encoded({"__type": namespace + error.code, "message": error.message})
    kind = _content_type(service)
    return Reply(error.status, kind, body, request_id, error.code)


def sts_reply(result: Mapping[str, str], request_id: str) -> Reply:
    """Return STS's answer, in XML."""
    members = "".join(f"<{key}>{escape(result[key])}</{key}>" for key in result)
    body = (
        f'<GetCallerIdentityResponse xmlns="{_STS}">'
        f"<GetCallerIdentityResult>{members}</GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )
    return Reply(200, "text/xml", body.encode(), request_id)


def sts_refusal(error: AwsError, request_id: str) -> Reply:
    """Return STS's refusal. Its codes lack the other services' last word."""
    code = error.code.removesuffix("Exception")
    status = 403 if error.common and error.status == 400 else error.status  # noqa: PLR2004
    body = (
        f'<ErrorResponse xmlns="{_STS}"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Reply(status, "text/xml", body.encode(), request_id, code)


def _content_type(service: str) -> str:
    version = "1.1" if service == "cloudtrail" else "1.0"
    return f"application/x-amz-json-{version}"


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
