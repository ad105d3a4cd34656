"""What AWS, the network and the credentials say when they say no, in plain words.

Judged by the error's code or class, never by the text of its message. A message
names what was tried, on what, what came back, and what to do.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError
from botocore.parsers import ResponseParserError
from msgspec.structs import replace

from sfnwatch.errors import to_install
from sfnwatch.model.records import THROTTLED, HealthState
from sfnwatch.model.values import clean, duration
from sfnwatch.sources.answers import Failure, GarbledError, Verdict
from sfnwatch.sources.http_session import UnboundedError, UnsafeEndpointError
from sfnwatch.sources.permissions import (
    SIGN_IN,
    NotAllowedError,
    action_of,
    policy_command,
)

EXPIRED_PAUSE = 5.0
"""Seconds between looks for renewed credentials."""
VERDICTS = (
    Verdict("|".join(sorted(THROTTLED)), HealthState.THROTTLED),
    Verdict(
        "ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired",
        HealthState.EXPIRED,
        "Run: {login}",
        EXPIRED_PAUSE,
    ),
    Verdict(
        "(Kms)?AccessDenied(Exception)?|NotAuthorized|UnauthorizedOperation"
        "|OperationNotPermittedException",
        HealthState.DENIED,
        "Allow {action} (see {policy}), or choose another --profile.",
        60.0,  # it may be granted
    ),
    Verdict(
        "IncompleteSignature(Exception)?|InvalidAccessKeyId|InvalidClientTokenId"
        "|InvalidSignatureException|MissingAuthenticationToken(Exception)?"
        "|OptInRequired|SignatureDoesNotMatch|UnrecognizedClientException",
        HealthState.REFUSED,
        "Check the credentials of the --profile.",
    ),
    Verdict(
        "ExecutionDoesNotExist|InvalidArn|ResourceNotFound|StateMachineDoesNotExist"
        "|UnknownOperationException|ValidationException",
        HealthState.REFUSED,
        "Check the ARN and the --region.",
    ),
)
"""What codes mean, whichever service sends them; any other is worth another try."""
STALE_PAGE = re.compile(
    "(ExpiredNextToken|InvalidNextToken|InvalidParameter|InvalidTimeRange)Exception"
    "|InvalidToken"
)
"""The paging has to begin again: its token is too old, or was another's."""
_SIGNATURE = re.compile(
    "InvalidSignatureException|RequestExpired|RequestTimeTooSkewed|SignatureDoesNotMatch"
)
"""What a clock that is wrong may be answered with."""
SKEWED = timedelta(minutes=4)
"""AWS takes signatures that are up to 5 minutes old, or 15: it depends."""
_OUR_AGE = range(2000, 2200)
_SIGNED_HEADER = re.compile(
    r"(?i)\b(x-amz-security-token|authorization)\b\s*[:=]\s*[^\s'\"][^\n'\"]*"
)


def code_of(error: BaseException) -> str:
    """Give AWS's error code, or nothing for an error that AWS did not send."""
    # A connection that was closed has a response too: None.
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Read an answer's Date; one of another age is nobody's time."""
    try:
        told = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return told if told.year in _OUR_AGE else None


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Put an error into plain words; raises it again if it is none we know.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    tried = f"{operation.partition(':')[2]} on {subject}"
    if concerns_sign_in(error):
        return _sign_in_failure(error, login)
    if isinstance(error, boto.ClientError):
        if code_of(error) in THROTTLED:
            tried = operation.partition(":")[2]
        action, policy = action_of(operation), policy_command(operation)
        return _judged(
            error, tried, VERDICTS, login=login, action=action, policy=policy
        )
    state, words = HealthState.REFUSED, _said(error)
    match error:
        case NotAllowedError() if operation.startswith("s3:"):
            # Botocore would ask by HeadBucket, where AWS has not told it unasked.
            words = "S3 doesn't say where the bucket is."
        case UnsafeEndpointError():
            # A watch's own endpoints are looked at before there is a client for them.
            tried = _SIGNING_IN
        case (
            GarbledError()
            | ResponseParserError()
            | StreamParserError()
            | aiohttp.ClientPayloadError()
            | boto.ChecksumError()
            | boto.FlexibleChecksumError()
            | boto.IncompleteReadError()
        ):
            state, words = HealthState.RETRYING, "the answer was cut or garbled."
        case (
            UnboundedError()
            | aiohttp.ClientConnectionError()
            | boto.HTTPClientError()
            | boto.ConnectionError()
            | boto.CapacityNotAvailableError()
            | OSError()
        ):
            state, words = HealthState.RETRYING, f"{words} {_network_advice(error)}"
        case boto.BotoCoreError():
            tried, words = "AWS settings", f"{words} {_CORRECT}"
        case _:
            raise error
    return Failure(state, f"{tried}: {words}".rstrip())


_CORRECT = (
    "Correct what the profile or the environment says, the --region (as eu-west-1), or"
    " the --endpoint-url."
)


def _network_advice(error: Exception) -> str:
    match error:
        case boto.SSLError():
            return "Check AWS_CA_BUNDLE, or the ca_bundle of the profile."
        case boto.ProxyConnectionError():
            return "Check HTTPS_PROXY and NO_PROXY."
        case boto.EndpointConnectionError() | boto.ConnectTimeoutError():
            return "Check the network, and the --region."
        case _:
            return ""


# -- no credentials --------------------------------------------------------------------

_SIGNING_IN = "AWS credentials"
"""What failed, where there was nothing yet to sign a request with."""
_LOGGED_OUT = (boto.LoginError, boto.SSOError, boto.TokenRetrievalError)
_NOT_FOUND = (
    boto.CredentialRetrievalError,
    boto.MetadataRetrievalError,
    boto.NoAuthTokenError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.RefreshWithMFAUnsupportedError,
    boto.UnknownCredentialError,
)
_SIGN_IN_VERDICTS = (
    Verdict(
        f"{'|'.join(sorted(THROTTLED))}|IDPCommunicationError|InternalFailure"
        "|ServiceUnavailable|TooManyRequestsException",
        HealthState.RETRYING,
    ),
    Verdict(
        "ExpiredToken(Exception)?|InvalidGrantException|InvalidIdentityToken",
        HealthState.EXPIRED,
        "Run: {login}",
        EXPIRED_PAUSE,
    ),
    Verdict(
        ".*",
        HealthState.REFUSED,
        "Correct what the profile says of the role, or run: {login}",
    ),
)
"""What an answer means by which credentials were to be had: no policy for a watch
helps. The first that fits holds."""


def concerns_sign_in(error: Exception) -> bool:
    """True for what keeps credentials from being had, but for wrong settings."""
    known = (*_LOGGED_OUT, *_NOT_FOUND, boto.MissingDependencyException)
    return isinstance(error, known) or bool(_sign_in_operation(error))


def _sign_in_failure(error: Exception, login: str) -> Failure:
    """Say why there are no credentials."""
    if isinstance(error, boto.ClientError):
        tried = f"{_SIGNING_IN}: {_sign_in_operation(error)}"
        return _judged(error, tried, _SIGN_IN_VERDICTS, login=login)
    if isinstance(error, _LOGGED_OUT):
        words = f"{_SIGNING_IN}: not logged in, or no longer. Run: {login}"
        return Failure(HealthState.EXPIRED, words, at_least=EXPIRED_PAUSE)
    if isinstance(error, boto.MissingDependencyException):
        # The only thing that botocore can miss here.
        words = "a login of `aws login` takes awscrt, which is not installed. Run:"
        words += f" {to_install('login')}"
    else:
        words = _said(error)
        if isinstance(error, boto.CredentialRetrievalError):
            words = clean("{provider}: {error_msg}.".format_map(error.kwargs), 400)
        words += " Choose a --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
        words += f" or run: {login}"
    return Failure(HealthState.REFUSED, f"{_SIGNING_IN}: {words}")


def _sign_in_operation(error: Exception) -> str:
    """Name what was asked to get credentials, where that was answered with an error."""
    asked = getattr(error, "operation_name", None)
    return next((name for _, name in SIGN_IN if name == asked), "")


# -- what AWS answers ------------------------------------------------------------------


def _judged(
    error: boto.ClientError, tried: str, verdicts: Sequence[Verdict], **advice: str
) -> Failure:
    """Say what AWS answered, and what it means by the first verdict that fits."""
    code = code_of(error)
    if (off := _skew(error)) is not None:
        words = _skew_words(tried, code, off)
        return Failure(HealthState.RETRYING, words, code=code, at_least=EXPIRED_PAUSE)
    said = _without_secrets(str(error.response.get("Error", {}).get("Message") or ""))
    words = f"{tried}: {clean(code)}. {said}".rstrip()
    failure = Failure(HealthState.RETRYING, words, code=code)
    for verdict in verdicts:
        if replace(verdict, advice=verdict.advice.format(**advice)).apply(failure):
            break
    return failure


def _skew(error: boto.ClientError) -> timedelta | None:
    """Tell how far this machine's time is off, where a signature was refused for it.

    By the machine's own time, as botocore signs by it, and by no other Clock.
    """
    if not _SIGNATURE.fullmatch(code_of(error)):
        return None
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    told = server_time(metadata.get("HTTPHeaders", {}))
    off = datetime.now(UTC) - told if told else timedelta(0)
    return off if abs(off) > SKEWED else None


def _skew_words(tried: str, code: str, off: timedelta) -> str:
    side = "ahead of" if off > timedelta(0) else "behind"
    return (
        f"{tried}: {clean(code)}. This machine's clock is"
        f" {duration(abs(off.total_seconds()))} {side} AWS's, and what is signed at"
        " another time is refused. Set the clock."
    )


def _without_secrets(message: str) -> str:
    """Take out the headers that AWS repeats when it refuses a signature.

    It says what string should have been signed, and a session token is a part of it.
    """
    return clean(_SIGNED_HEADER.sub(r"\1: …", message), 400)


def _said(error: Exception) -> str:
    text = clean(str(error) or type(error).__name__, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
