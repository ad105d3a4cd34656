"""What AWS, the network and the credentials say when they say no, in plain words.

Judged by the error's code or class, never by the text of its message. A message
names what was tried, on what, what came back, and what to do.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError
from botocore.parsers import ResponseParserError

from sfnwatch.sources.allowed import action_of, policy_command
from sfnwatch.sources.bounded import UnboundedError
from sfnwatch.sources.drive import Failure
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.requests import THROTTLED
from sfnwatch.trace.text import clean, duration

EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "KmsAccessDeniedException",
        "NotAuthorized",
        "OperationNotPermittedException",
        "UnauthorizedOperation",
    }
)
BAD_CREDENTIALS = frozenset(
    {
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
SIGNATURE = frozenset(
    {
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""What a clock that is wrong may be answered with."""
REFUSED = frozenset(
    {
        "ExecutionDoesNotExist",
        "InvalidArn",
        "ResourceNotFound",
        "StateMachineDoesNotExist",
        "StateMachineTypeNotSupported",
        "UnknownOperationException",
        "ValidationException",
    }
)
STALE_PAGE = frozenset(
    {
        "ExpiredNextTokenException",
        "InvalidNextTokenException",
        "InvalidToken",
        "InvalidTimeRangeException",
    }
)
"""The paging has to begin again: its token is too old, or was another's."""

_DENIED_PAUSE = 60.0
"""Seconds between tries while a permission is missing: it may be granted."""
_EXPIRED_PAUSE = 5.0
"""Seconds between looks for renewed credentials."""

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
)
_LOGIN = (
    boto.SSOTokenLoadError,
    boto.UnauthorizedSSOTokenError,
    boto.TokenRetrievalError,
    boto.SSOError,
)
_GARBLED = (ResponseParserError, StreamParserError, aiohttp.ClientPayloadError)
_UNREACHED = (
    UnboundedError,
    aiohttp.ClientConnectionError,
    boto.HTTPClientError,
    boto.ConnectionError,
    TimeoutError,
    OSError,
)


_SIGNED_HEADER = re.compile(
    r"(?i)\b(x-amz-security-token|authorization)\b\s*[:=]\s*[^\s'\"][^\n'\"]*"
)


class StalePageError(Exception):
    """A page's token is no longer good; what was read so far still is."""


def code_of(error: BaseException) -> str:
    """Give AWS's error code, or nothing for an error that AWS did not send."""
    # A connection that was closed has a response too: None.
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Put an error into plain words; raises it again if it is none we know.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    if isinstance(error, boto.ClientError):
        return _answered(error, operation, subject, login)
    tried = f"{operation.partition(':')[2]} on {subject}"
    if isinstance(error, _LOGIN):
        return Failure(
            HealthState.EXPIRED,
            f"{tried}: the login has expired. Run: {login}",
            at_least=_EXPIRED_PAUSE,
        )
    if isinstance(error, _NO_CREDENTIALS):
        return Failure(
            HealthState.REFUSED,
            f"{tried}: {_said(error)} Choose a --profile, set AWS_ACCESS_KEY_ID"
            f" and its kin, or run: {login}",
        )
    if isinstance(error, boto.InvalidConfigError):
        words = f"{tried}: {_said(error)} Correct the AWS configuration."
        return Failure(HealthState.REFUSED, words)
    if isinstance(error, _GARBLED):
        return Failure(HealthState.RETRYING, f"{tried}: the answer was cut or garbled.")
    if isinstance(error, _UNREACHED):
        return Failure(HealthState.RETRYING, f"{tried}: {_said(error)}")
    raise error


def _answered(
    error: boto.ClientError, operation: str, subject: str, login: str
) -> Failure:
    code = code_of(error)
    said = _without_secrets(str(error.response.get("Error", {}).get("Message") or ""))
    name = operation.partition(":")[2]
    words = f"{name} on {subject}: {clean(code)}. {said}".rstrip()
    if code in THROTTLED:
        return Failure(HealthState.THROTTLED, f"{name}: {code}. {said}".rstrip())
    if code in EXPIRED:
        return Failure(
            HealthState.EXPIRED, f"{words} Run: {login}", at_least=_EXPIRED_PAUSE
        )
    if code in DENIED:
        advice = f"Allow {action_of(operation)} (see {policy_command(operation)})"
        return Failure(
            HealthState.DENIED,
            f"{words} {advice}, or choose another --profile.",
            at_least=_DENIED_PAUSE,
        )
    if code in BAD_CREDENTIALS:
        return Failure(
            HealthState.REFUSED, f"{words} Check the credentials of the --profile."
        )
    if code in REFUSED:
        return Failure(HealthState.REFUSED, f"{words} Check the ARN and the --region.")
    return Failure(HealthState.RETRYING, words)


def skewed(error: Exception, operation: str, subject: str, off: timedelta) -> Failure:
    """Word a signature that was refused because this machine's time is another."""
    name = operation.partition(":")[2]
    side = "ahead of" if off > timedelta(0) else "behind"
    return Failure(
        HealthState.RETRYING,
        f"{name} on {subject}: {clean(code_of(error))}. This machine's clock is"
        f" {duration(abs(off.total_seconds()))} {side} AWS's, and what is signed at"
        " another time is refused. Set the clock.",
        at_least=_EXPIRED_PAUSE,
    )


def _without_secrets(message: str) -> str:
    """Take out the headers that AWS repeats when it refuses a signature.

    It says what string should have been signed, and a session token is a part of it.
    """
    return clean(_SIGNED_HEADER.sub(r"\1: …", message), 400)


def _said(error: Exception) -> str:
    text = clean(str(error) or type(error).__name__, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
