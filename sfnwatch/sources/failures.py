"""Errors of AWS, the network and the credentials, in plain words.

An error is judged by its code or class, never by the text of its message. The words
name what was tried, on what, what came back, and what to do.
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

from sfnwatch.errors import SfnwatchError, to_install
from sfnwatch.model.own_requests import THROTTLED
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.sources.answers import Failure, GarbledError, Verdict
from sfnwatch.sources.http_session import UnboundedError, UnsafeEndpointError
from sfnwatch.sources.permissions import NotAllowedError, action_of, policy_command

EXPIRED_PAUSE = 5.0
"""Seconds between checks for renewed credentials."""
_LOG_IN = "Run: {login}", HealthState.EXPIRED, EXPIRED_PAUSE
VERDICTS = (
    Verdict("|".join(sorted(THROTTLED)), state=HealthState.THROTTLED),
    Verdict("ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired", *_LOG_IN),
    Verdict(
        "(Kms)?AccessDenied(Exception)?|NotAuthorized|UnauthorizedOperation"
        "|OperationNotPermittedException",
        "Allow {action} (see {policy}), or choose another --profile.",
        HealthState.DENIED,
        60.0,  # it may be granted
    ),
    Verdict(
        "IncompleteSignature(Exception)?|InvalidAccessKeyId|InvalidClientTokenId"
        "|InvalidSignatureException|MissingAuthenticationToken(Exception)?"
        "|OptInRequired|SignatureDoesNotMatch|UnrecognizedClientException",
        "Check the credentials of the --profile.",
    ),
    Verdict(
        "ExecutionDoesNotExist|InvalidArn|ResourceNotFound|StateMachineDoesNotExist"
        "|UnknownOperationException|ValidationException",
        "Check the ARN and the --region.",
    ),
)
"""The meanings of error codes of any service; any other code is worth another try."""
_SIGN_IN_VERDICTS = (
    Verdict(
        f"{'|'.join(sorted(THROTTLED))}|IDPCommunicationError|InternalFailure"
        # An error with only a status comes from a server in AWS's place.
        "|ServiceUnavailable|TooManyRequestsException|[0-9]{3}",
        state=HealthState.RETRYING,
    ),
    Verdict(
        "ExpiredToken(Exception)?|InvalidGrantException|InvalidIdentityToken", *_LOG_IN
    ),
    Verdict(".*", "{correct}"),
)
"""The meanings of error codes in requests for credentials, where no policy for a watch
helps. The first match counts."""
STALE_PAGE = re.compile(
    "(ExpiredNextToken|InvalidNextToken|InvalidParameter|InvalidTimeRange)Exception"
    "|InvalidToken"
)
"""Error codes after which paging has to begin again: the token is too old, or belongs
to another request."""
_SIGNATURE = re.compile(
    "InvalidSignatureException|RequestExpired|RequestTimeTooSkewed|SignatureDoesNotMatch"
)
"""Error codes that AWS may answer if this machine's clock is wrong."""
SKEWED = timedelta(minutes=4)
"""The difference from which the clock is wrong. AWS takes signatures that are up to 5
minutes old, or 15 in some cases."""
_WRONG_CLOCK = (
    " This machine's clock is {}, and what is signed at another time is refused. Set"
    " the clock."
)
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
_GARBLED = (
    *(GarbledError, ResponseParserError, StreamParserError, aiohttp.ClientPayloadError),
    *(boto.ChecksumError, boto.FlexibleChecksumError, boto.IncompleteReadError),
)
"""Errors for an answer that is not as AWS sent it."""
_NO_ANSWER = (
    *(UnboundedError, aiohttp.ClientConnectionError, boto.HTTPClientError, OSError),
    *(boto.ConnectionError, boto.CapacityNotAvailableError),
)
_NETWORK = "Check the network, and the --region."
_UNREACHABLE: Mapping[type[Exception], str] = {
    boto.ConnectTimeoutError: _NETWORK,
    boto.EndpointConnectionError: _NETWORK,
    boto.ProxyConnectionError: "Check HTTPS_PROXY and NO_PROXY.",
    boto.SSLError: "Check AWS_CA_BUNDLE, or the ca_bundle of the profile.",
}
"""What to do if AWS could not be reached, by the kind of error."""


def code_of(error: BaseException) -> str:
    """Return AWS's error code; empty for an error that AWS did not send."""
    # The error of a closed connection has a response too: None.
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def time_of(answer: Mapping[str, Any]) -> datetime | None:
    """Return when AWS sent an answer or a refusal, as botocore parsed it.

    None without a valid Date, or if its year can't be right.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        date = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return date if date.year in _OUR_AGE else None


def beside_aws(ahead: timedelta) -> str:
    """Return, in words, how far this machine's clock is ahead of AWS's, or behind."""
    side = "ahead of" if ahead > timedelta(0) else "behind"
    return f"{duration(abs(ahead.total_seconds()))} {side} AWS's"


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Return an error in plain words; raises it again if it is not a known one.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    name = operation.partition(":")[2]
    tried = f"{name} on {subject}"
    if isinstance(error, boto.ClientError):
        if code_of(error) in THROTTLED:
            tried = name
        action = action_of(operation)
        policy = policy_command(operation)
        advice = {"login": login, "action": action, "policy": policy}
        return _judged(error, tried, VERDICTS, advice)
    if isinstance(error, NotAllowedError) and operation.startswith("s3:"):
        # Botocore wanted to find the bucket's Region by HeadBucket, which is not
        # allowed, since no answer of S3 had named it.
        words = f"{tried}: S3 doesn't say where the bucket is."
        return Failure(HealthState.REFUSED, words)
    if failure := _unanswered(error, tried):
        return failure
    if isinstance(error, boto.BotoCoreError):
        return Failure(HealthState.REFUSED, f"AWS settings: {_said(error)} {_CORRECT}")
    raise error


def sign_in_failure(error: Exception, profile: str, login: str) -> Failure:
    """Return why there are no credentials, and what to do.

    `profile` is the profile that they come from, or empty; `login` is the command that
    renews them.
    """
    # A plain OSError comes from a file: errors of the network are botocore's by now.
    of_file = isinstance(error, OSError) and not isinstance(error, boto.BotoCoreError)
    if not of_file and (failure := _unanswered(error, _SIGNING_IN)):
        return failure
    whose = f"the profile {clean(profile)}" if profile else "the environment"
    match error:
        case SfnwatchError():
            return Failure(HealthState.REFUSED, str(error))
        case boto.ClientError():
            correct = (
                f"Correct what {whose} says of the role, or choose another --profile."
            )
            advice = {"login": login, "correct": correct}
            tried = f"{_SIGNING_IN}: {error.operation_name}"
            return _judged(error, tried, _SIGN_IN_VERDICTS, advice)
        case boto.LoginError() | boto.SSOError() | boto.TokenRetrievalError():
            words = f"{_SIGNING_IN}: not logged in, or no longer. Run: {login}"
            return Failure(HealthState.EXPIRED, words, at_least=EXPIRED_PAUSE)
        case boto.MissingDependencyException():
            # The only dependency that botocore can miss here.
            missing = "a login of `aws login` takes awscrt, which is not installed."
            words = f"{missing} Run: {to_install('login')}"
        case _ if profile and not isinstance(error, boto.NoCredentialsError):
            words = f"{whose}: {_said(error)} Correct it, or choose another --profile."
        case _:
            words = f"{_said(error)} {_SIGN_IN} {login}"
    return Failure(HealthState.REFUSED, f"{_SIGNING_IN}: {words}")


def _judged(
    error: boto.ClientError,
    tried: str,
    verdicts: Sequence[Verdict],
    advice: Mapping[str, str],
) -> Failure:
    """Return AWS's answer in words, with the meaning by the first matching verdict."""
    code = code_of(error)
    failure = Failure(HealthState.RETRYING, f"{tried}: {clean(code)}.", code=code)
    metadata = error.response.get("ResponseMetadata", {})
    failure.status = metadata.get("HTTPStatusCode", 0)
    if _SIGNATURE.fullmatch(code):
        date = time_of(error.response)
        # By the machine's own time, not by a `Clock`: botocore signs with that time.
        ahead = datetime.now(UTC) - date if date is not None else timedelta(0)
        if abs(ahead) > SKEWED:
            failure.message += _WRONG_CLOCK.format(beside_aws(ahead))
            failure.at_least = EXPIRED_PAUSE
            return failure
    # When AWS refuses a signature, it repeats the text to sign, with a token in it.
    text = str(error.response.get("Error", {}).get("Message") or "")
    text = clean(_SIGNED_HEADER.sub(r"\1: …", text), 400)
    failure.message = f"{failure.message} {text}".rstrip()
    for verdict in verdicts:
        if verdict.apply(failure, **advice):
            break
    return failure


def _unanswered(error: Exception, tried: str) -> Failure | None:
    """Return, in words, that no valid answer of AWS came; None for other errors."""
    failure = Failure(HealthState.RETRYING, f"{tried}: {_said(error)}")
    if isinstance(error, UnsafeEndpointError):
        failure.state = HealthState.REFUSED
    elif isinstance(error, _GARBLED):
        failure.message = f"{tried}: the answer was cut or garbled."
    elif isinstance(error, _NO_ANSWER):
        advice = _UNREACHABLE.get(type(error), "")
        failure.unreachable = advice != ""
        failure.message = f"{failure.message} {advice}".rstrip()
    else:
        return None
    return failure


def _said(error: Exception) -> str:
    """Return the text of any error that botocore passes on, also one of a file."""
    text = " ".join(str(error).split("\n")) or type(error).__name__
    if isinstance(error, OSError) and error.filename:
        text = f"{error.strerror} ({error.filename})"
    elif isinstance(error, (AttributeError, LookupError, TypeError)):
        text = "what was found is of another form"
    text = clean(text, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
