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

from sfnwatch.errors import SfnwatchError, to_install
from sfnwatch.model.records import THROTTLED, HealthState
from sfnwatch.model.values import clean, duration
from sfnwatch.sources.answers import Failure, GarbledError, Verdict
from sfnwatch.sources.http_session import UnboundedError, UnsafeEndpointError
from sfnwatch.sources.permissions import NotAllowedError, action_of, policy_command

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
    Verdict(".*", HealthState.REFUSED, "{correct}"),
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
_CORRECT_PROFILE = "Correct it, or choose another --profile."
_SIGN_IN = (
    "Choose a --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run:"
)
_SIGNING_IN = "AWS credentials"
_EXACT = boto.InvalidConfigError, boto.PartialCredentialsError
"""Errors that name the setting themselves."""
_NETWORK = "Check the network, and the --region."
_UNREACHABLE: Mapping[type[Exception], str] = {
    boto.ConnectTimeoutError: _NETWORK,
    boto.EndpointConnectionError: _NETWORK,
    boto.ProxyConnectionError: "Check HTTPS_PROXY and NO_PROXY.",
    boto.SSLError: "Check AWS_CA_BUNDLE, or the ca_bundle of the profile.",
}
"""Where nobody was there to answer, what to do."""


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


def failure_of(error: Exception, operation: str, subject: str, login: str) -> Failure:
    """Put an error into plain words; raises it again if it is none we know.

    `operation` has its IAM prefix; `login` is the command that renews this profile's
    credentials.
    """
    name = operation.partition(":")[2]
    tried = f"{name} on {subject}"
    if isinstance(error, boto.ClientError):
        if code_of(error) in THROTTLED:
            tried = name
        action, policy = action_of(operation), policy_command(operation)
        advice = {"login": login, "action": action, "policy": policy}
        return _judged(error, tried, VERDICTS, advice)
    if isinstance(error, NotAllowedError) and operation.startswith("s3:"):
        # Botocore would ask by HeadBucket, where AWS has not told it unasked.
        words = f"{tried}: S3 doesn't say where the bucket is."
        return Failure(HealthState.REFUSED, words)
    if failure := _unanswered(error, tried):
        return failure
    if isinstance(error, boto.BotoCoreError):
        words = f"AWS settings: {_said(error)} {_CORRECT}"
        return Failure(HealthState.REFUSED, words)
    raise error


def sign_in_failure(error: Exception, profile: str, wrong: str, login: str) -> Failure:
    """Say why credentials can't be had, and what to do.

    `profile` says where they are from, or is empty; `wrong` says what is wrong in it,
    as far as that can be seen; `login` is the command that renews them.
    """
    # What is no more than an OSError is a file's: the network's are botocore's by now.
    of_file = isinstance(error, OSError) and not isinstance(error, boto.BotoCoreError)
    if not of_file and (failure := _unanswered(error, _SIGNING_IN)):
        return failure
    whose = f"the profile {clean(profile)}" if profile else "the environment"
    wrong = f"{wrong} {_CORRECT_PROFILE}" if wrong else ""
    match error:
        case SfnwatchError():
            return Failure(HealthState.REFUSED, str(error))
        case boto.ClientError():
            role = (
                f"Correct what {whose} says of the role, or choose another --profile."
            )
            advice = {"login": login, "correct": wrong or role}
            tried = f"{_SIGNING_IN}: {error.operation_name}"
            return _judged(error, tried, _SIGN_IN_VERDICTS, advice)
        case boto.LoginError() | boto.SSOError() | boto.TokenRetrievalError():
            words = f"{_SIGNING_IN}: not logged in, or no longer. Run: {login}"
            return Failure(HealthState.EXPIRED, words, at_least=EXPIRED_PAUSE)
        case boto.MissingDependencyException():
            # The only thing that botocore can miss here.
            said = "a login of `aws login` takes awscrt, which is not installed. Run:"
            words = f"{said} {to_install('login')}"
        case _ if wrong and not isinstance(error, _EXACT):
            words = wrong
        case _ if profile and not isinstance(error, boto.NoCredentialsError):
            words = f"{whose}: {_said(error)} {_CORRECT_PROFILE}"
        case _:
            words = f"{_said(error)} {_SIGN_IN} {login}"
    return Failure(HealthState.REFUSED, f"{_SIGNING_IN}: {words}")


def _judged(
    error: boto.ClientError,
    tried: str,
    verdicts: Sequence[Verdict],
    advice: Mapping[str, str],
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


def _unanswered(error: Exception, tried: str) -> Failure | None:
    """Put into words that there was no answer, or none of AWS's; None: it was that."""
    failure = Failure(HealthState.RETRYING, f"{tried}: {_said(error)}")
    match error:
        case UnsafeEndpointError():
            failure.state = HealthState.REFUSED
        case (
            GarbledError()
            | ResponseParserError()
            | StreamParserError()
            | aiohttp.ClientPayloadError()
            | boto.ChecksumError()
            | boto.FlexibleChecksumError()
            | boto.IncompleteReadError()
        ):
            failure.message = f"{tried}: the answer was cut or garbled."
        case (
            UnboundedError()
            | aiohttp.ClientConnectionError()
            | boto.HTTPClientError()
            | boto.ConnectionError()
            | boto.CapacityNotAvailableError()
            | OSError()
        ):
            advice = _UNREACHABLE.get(type(error), "")
            failure.unreachable = advice != ""
            failure.message = f"{failure.message} {advice}".rstrip()
        case _:
            return None
    return failure


def _said(error: Exception) -> str:
    """Tell of an error, whatever botocore let through: of a file, of a value's form."""
    text = " ".join(str(error).split("\n")) or type(error).__name__
    if isinstance(error, OSError) and error.filename:
        text = f"{error.strerror} ({error.filename})"
    elif isinstance(error, (AttributeError, LookupError, TypeError)):
        text = "what was found is of another form"
    text = clean(text, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
