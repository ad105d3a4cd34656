"""What AWS, the network and the credentials say when they say no, in plain words.

Judged by the error's code or class, never by the text of its message. A message
names what was tried, on what, what came back, and what to do.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError
from botocore.parsers import ResponseParserError
from msgspec.structs import replace

from sfnwatch.model.records import HealthState
from sfnwatch.model.requests import THROTTLED
from sfnwatch.model.text import clean, duration
from sfnwatch.sources.answers import Failure, GarbledError, Verdict
from sfnwatch.sources.http_session import UnboundedError
from sfnwatch.sources.permissions import NotAllowedError, action_of, policy_command

_EXPIRED_PAUSE = 5.0
"""Seconds between looks for renewed credentials."""
VERDICTS = (
    Verdict("|".join(sorted(THROTTLED)), HealthState.THROTTLED),
    Verdict(
        "ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired",
        HealthState.EXPIRED,
        "Run: {login}",
        _EXPIRED_PAUSE,
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
_SKEWED = timedelta(minutes=4)
"""AWS takes signatures that are up to 5 minutes old, or 15: it depends."""
_SIGNED_HEADER = re.compile(
    r"(?i)\b(x-amz-security-token|authorization)\b\s*[:=]\s*[^\s'\"][^\n'\"]*"
)


def code_of(error: BaseException) -> str:
    """Give AWS's error code, or nothing for an error that AWS did not send."""
    # A connection that was closed has a response too: None.
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Read an answer's Date."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Put an error into plain words; raises it again if it is none we know.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    tried = f"{operation.partition(':')[2]} on {subject}"
    state, at_least, words = HealthState.REFUSED, 0.0, _said(error)
    match error:
        case boto.ClientError():
            return _answered(error, operation, tried, login)
        case boto.SSOError() | boto.TokenRetrievalError():
            state, at_least = HealthState.EXPIRED, _EXPIRED_PAUSE
            words = f"the login has expired. Run: {login}"
        case (
            boto.NoCredentialsError()
            | boto.PartialCredentialsError()
            | boto.CredentialRetrievalError()
            | boto.ProfileNotFound()
        ):
            words += " Choose a --profile, set AWS_ACCESS_KEY_ID and its kin, or run:"
            words += f" {login}"
        case boto.InvalidConfigError():
            words += " Correct it: the --region (as eu-west-1), AWS_REGION, the"
            words += " endpoint's URL, or what the profile says of them."
        case NotAllowedError() if operation.startswith("s3:"):
            # Botocore would ask by HeadBucket, where AWS has not told it unasked.
            words = "S3 doesn't say where the bucket is."
        case (
            GarbledError()
            | ResponseParserError()
            | StreamParserError()
            | aiohttp.ClientPayloadError()
        ):
            state, words = HealthState.RETRYING, "the answer was cut or garbled."
        case (
            UnboundedError()
            | aiohttp.ClientConnectionError()
            | boto.HTTPClientError()
            | boto.ConnectionError()
            | OSError()
        ):
            state = HealthState.RETRYING
        case _:
            raise error
    return Failure(state, f"{tried}: {words}", at_least=at_least)


def _answered(
    error: boto.ClientError, operation: str, tried: str, login: str
) -> Failure:
    code = code_of(error)
    if (off := _skew(error)) is not None:
        words = _skew_words(tried, code, off)
        return Failure(HealthState.RETRYING, words, code=code, at_least=_EXPIRED_PAUSE)
    said = _without_secrets(str(error.response.get("Error", {}).get("Message") or ""))
    if code in THROTTLED:
        tried = operation.partition(":")[2]
    words = f"{tried}: {clean(code)}. {said}".rstrip()
    failure = Failure(HealthState.RETRYING, words, code=code)
    for verdict in VERDICTS:
        advice = verdict.advice.format(
            login=login, action=action_of(operation), policy=policy_command(operation)
        )
        replace(verdict, advice=advice).apply(failure)
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
    return off if abs(off) > _SKEWED else None


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
