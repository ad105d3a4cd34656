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
_CORRECT = (
    "Correct what the profile or the environment says, the --region (as eu-west-1), or"
    " the --endpoint-url."
)
_SIGN_IN = (
    "Choose a --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run:"
)
_SIGNING_IN = "AWS credentials"
"""What failed, where there was nothing yet to sign a request with."""
_NO_CREDENTIALS = (
    boto.CredentialRetrievalError,
    boto.LoginError,
    boto.MetadataRetrievalError,
    boto.MissingDependencyException,
    boto.NoAuthTokenError,
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.ProfileNotFound,
    boto.RefreshWithMFAUnsupportedError,
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.UnknownCredentialError,
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


def time_of(answer: Mapping[str, Any]) -> datetime | None:
    """Read when AWS sent an answer, or a refusal, by what botocore made of it."""
    return server_time(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))


def beside_aws(ahead: timedelta) -> str:
    """Say how far this machine's clock is off."""
    side = "ahead of" if ahead > timedelta(0) else "behind"
    return f"{duration(abs(ahead.total_seconds()))} {side} AWS's"


def concerns_sign_in(error: Exception) -> bool:
    """True for what keeps credentials from being had, but for wrong settings."""
    return isinstance(error, _NO_CREDENTIALS) or bool(_sign_in_operation(error))


def _sign_in_operation(error: Exception) -> str:
    """Name what was asked to get credentials, where that was answered with an error."""
    asked = getattr(error, "operation_name", None)
    return next((name for _, name in SIGN_IN if name == asked), "")


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Put an error into plain words; raises it again if it is none we know.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    name = operation.partition(":")[2]
    if not isinstance(error, boto.ClientError):
        if isinstance(error, NotAllowedError) and operation.startswith("s3:"):
            # Botocore would ask by HeadBucket, where AWS has not told it unasked.
            words = f"{name} on {subject}: S3 doesn't say where the bucket is."
            return Failure(HealthState.REFUSED, words)
        return _unanswered(error, f"{name} on {subject}", login)
    if asked := _sign_in_operation(error):
        tried = f"{_SIGNING_IN}: {asked}"
        return _judged(error, tried, _SIGN_IN_VERDICTS, login=login)
    tried = name if code_of(error) in THROTTLED else f"{name} on {subject}"
    action, policy = action_of(operation), policy_command(operation)
    return _judged(error, tried, VERDICTS, login=login, action=action, policy=policy)


def _judged(
    error: boto.ClientError, tried: str, verdicts: Sequence[Verdict], **advice: str
) -> Failure:
    """Say what AWS answered, and what it means by the first verdict that fits."""
    code = code_of(error)
    words = f"{tried}: {clean(code)}."
    told = time_of(error.response) if _SIGNATURE.fullmatch(code) else None
    # By the machine's own time, as botocore signs by it, and by no other Clock.
    if told and abs(ahead := datetime.now(UTC) - told) > SKEWED:
        words += f" This machine's clock is {beside_aws(ahead)}, and what is signed at"
        words += " another time is refused. Set the clock."
        return Failure(HealthState.RETRYING, words, code=code, at_least=EXPIRED_PAUSE)
    # Refusing a signature AWS repeats what should have been signed: a token, too.
    said = str(error.response.get("Error", {}).get("Message") or "")
    said = clean(_SIGNED_HEADER.sub(r"\1: …", said), 400)
    failure = Failure(HealthState.RETRYING, f"{words} {said}".rstrip(), code=code)
    for verdict in verdicts:
        if replace(verdict, advice=verdict.advice.format(**advice)).apply(failure):
            break
    return failure


def _unanswered(error: Exception, tried: str, login: str) -> Failure:
    """Put into words what no answer of AWS's says: no credentials, or no connection."""
    state, words, advice = HealthState.REFUSED, _said(error), ""
    # A watch's own endpoints are looked at before there is a client for them.
    if isinstance(error, (*_NO_CREDENTIALS, UnsafeEndpointError)):
        tried = _SIGNING_IN
    match error:
        case boto.LoginError() | boto.SSOError() | boto.TokenRetrievalError():
            words, advice = "not logged in, or no longer.", f"Run: {login}"
            state = HealthState.EXPIRED
        case boto.MissingDependencyException():
            # The only thing that botocore can miss here.
            words = "a login of `aws login` takes awscrt, which is not installed."
            advice = f"Run: {to_install('login')}"
        case _ if isinstance(error, _NO_CREDENTIALS):
            advice = f"{_SIGN_IN} {login}"
        case UnsafeEndpointError():
            pass
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
            state, advice = HealthState.RETRYING, _network_advice(error)
        case boto.BotoCoreError():
            tried, advice = "AWS settings", _CORRECT
        case _:
            raise error
    at_least = EXPIRED_PAUSE if state is HealthState.EXPIRED else 0.0
    return Failure(state, f"{tried}: {words} {advice}".rstrip(), at_least=at_least)


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


def _said(error: Exception) -> str:
    if isinstance(error, boto.CredentialRetrievalError):
        return clean("{provider}: {error_msg}.".format_map(error.kwargs), 400)
    text = clean(str(error) or type(error).__name__, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
