"""The HTTP session of every client, and the meanings of errors.

The session sends to the host that was asked, and to no other. aiobotocore's own session
follows redirects to any host, with the body and the session token, and reads answers of
any length; it has no option against either. A server that redirects must not decide who
gets the body and the token next. So this session replaces it, as `http_session_cls`:
also in botocore's clients for credentials, and for requests to a container's or an
instance's own address for them.

Errors of AWS, the network and the credentials are put into plain words. An error is
judged by its code or class, never by the text of its message. The words name what was
tried, on what, what came back, and what to do.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from os import fspath
from pathlib import Path
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiobotocore.awsrequest import AioAWSResponse
from botocore import exceptions as boto
from botocore.eventstream import ParserError as StreamParserError
from botocore.httpsession import (
    ProxyConfiguration,
    create_urllib3_context,
    get_cert_path,
    mask_proxy_url,
)
from botocore.parsers import ResponseParserError
from yarl import URL

from sfnwatch.errors import SfnwatchError, to_install
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.own_requests import THROTTLED
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean, size
from sfnwatch.model.times import duration
from sfnwatch.sources.answers import Failure, GarbledError, Verdict
from sfnwatch.sources.endpoints import endpoint_refusal, is_link_local, is_loopback
from sfnwatch.sources.permissions import NotAllowedError, action_of, policy_command

LIMIT = 64 << 20
"""Most bytes of an answer; the longest page of a history is far below it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_OTHER = 300
"""From this status on botocore reads the whole answer, even of a stream."""
_BUCKET_REGION = "x-amz-bucket-region"
"""The header in which S3 names a bucket's Region. Botocore then asks there, at AWS's
own address, and ignores a Location."""
_TOKEN_HEADERS = frozenset(
    {
        "x-amz-security-token",
        "x-amz-sso_bearer_token",
        "x-aws-ec2-metadata-token",
    }
)
"""Headers that hold nothing but a token. Some are of requests for credentials; only
botocore has those tokens."""
_SHOWN = 100


class UnboundedError(Exception):
    """An answer redirects to another host, or is too long; the message names its host.

    It is not one of botocore's errors: botocore would send the request once more.
    """


class UnsafeEndpointError(Exception):
    """A request was about to be sent unencrypted; the message says where to."""


class HttpSession:
    """Sends a client's requests; raises botocore's errors, or one of the two above.

    Requests leave this machine only by TLS, and requests to this machine pass no proxy.
    That holds whether an option, the environment or a profile names the endpoint.
    """

    def __init__(
        self,
        *,
        verify: bool | str = True,
        proxies: dict[str, str] | None = None,
        timeout: tuple[float, float] = (60.0, 60.0),
        max_pool_connections: int = 10,
        connector_args: dict[str, Any] | None = None,
        metadata: bool = False,
        **_: Any,
    ) -> None:
        # A file may have a table here; that is refused before anything is sent.
        self._verify = verify if verify is True or verify is False else fspath(verify)
        """True, False, or the path of a CA bundle."""
        self._proxies = ProxyConfiguration(proxies=proxies)
        self._metadata = metadata
        """True if it asks the address that hands out the machine's own credentials."""
        connect, read = timeout
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect, sock_read=read)
        self._connector_args = {"limit": max_pool_connections, **(connector_args or {})}
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(**self._connector_args),
            timeout=self._timeout,
            skip_auto_headers={"Content-Type"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; may be called again."""
        session = self._session
        self._session = None
        if session is not None:
            await session.close()

    def _read_certificates(self) -> ssl.SSLContext:
        """Read the trusted certificates; raises botocore's InvalidConfigError."""
        context: ssl.SSLContext = create_urllib3_context()
        context.check_hostname = bool(self._verify)
        if not self._verify:
            context.verify_mode = ssl.CERT_NONE
            return context
        verify: Any = self._verify
        if path := get_cert_path(verify):
            try:
                if (bundle := Path(path)).exists() and not bundle.is_file():
                    # Opening a pipe would wait for its writer without end.
                    raise OSError(0, "it is no file")  # noqa: TRY301
                context.load_verify_locations(path)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or "it holds no certificate"
                msg = f"The CA bundle {clean(path, _SHOWN)} can't be read: {why}."
                raise boto.InvalidConfigError(error_msg=msg) from error
        return context

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Self]:
        """Open it, for one of botocore's fetchers of a machine's own credentials.

        Fetchers take turns: there is one aiohttp session, and each closes it.
        """
        async with self._turn, self:
            yield self

    async def send(self, request: Any) -> AioAWSResponse:
        """Send one request, as botocore has prepared and signed it."""
        beside = self._metadata and is_link_local(request.url)
        if refused := "" if beside else endpoint_refusal(_host(request.url)):
            raise UnsafeEndpointError(refused)
        proxy: str | None = None
        if not is_loopback(request.url):
            proxy = self._proxies.proxy_url_for(request.url)
        if self._tls is None and urlsplit(request.url).scheme == "https":
            # Reading them takes long enough to make a frame of the screen late.
            self._tls = await asyncio.to_thread(self._read_certificates)
        try:
            answer = await self._request(request, proxy)
            headers: Any = {
                key.decode(errors="replace").lower(): value.decode(errors="replace")
                for key, value in answer.raw_headers
            }
            if _BUCKET_REGION not in headers:
                _refuse_redirect(answer)
            raw: Any = answer
            if not request.stream_output or answer.status >= _FIRST_OTHER:
                raw = _ReadBody(await _read_whole(answer))
        except UnboundedError:
            raise
        except Exception as error:
            raise _of_boto(error, request, proxy) from error
        return AioAWSResponse(str(answer.url), answer.status, headers, raw)

    async def _request(self, request: Any, proxy: str | None) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("a request was sent by a client that is closed")
        headers = {
            key: value.decode() if isinstance(value, bytes) else str(value)
            for key, value in request.headers.items()
        }
        for name, value in headers.items():
            if name.lower() in _TOKEN_HEADERS:
                KNOWN_SECRETS.keep(value)
        return await self._session.request(
            request.method,
            # The URL is sent exactly as it was signed.
            URL(request.url, encoded=True),
            headers={**headers, "Accept-Encoding": "identity"},
            data=request.body,
            proxy=proxy,
            ssl=self._tls or True,
            allow_redirects=False,
        )


class _ReadBody:
    """A body that has been read, for botocore's response, which reads it again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


def _refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Raise UnboundedError, naming both hosts, if an answer is a redirect."""
    target = answer.headers.get("Location")
    if answer.status not in _REDIRECTS or target is None:
        return
    answer.close()
    asked = str(answer.url)
    try:
        other = _host(urljoin(asked, target))
    except ValueError:
        other = clean(target, _SHOWN)
    msg = f"{_host(asked)} answered {answer.status}, a redirect to {other}"
    raise UnboundedError(f"{msg}, which is not followed: credentials would go along")


def _host(url: str) -> str:
    """Return a URL's scheme, host and port, without a name and a password."""
    parts = urlsplit(url)
    return clean(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", _SHOWN)


async def _read_whole(answer: aiohttp.ClientResponse) -> bytes:
    """Read an answer's body; raises UnboundedError for one longer than LIMIT."""
    try:
        await answer.content.readexactly(LIMIT + 1)
    except asyncio.IncompleteReadError as whole:
        return whole.partial
    finally:
        if not answer.content.at_eof():
            answer.close()
    where = _host(str(answer.url))
    raise UnboundedError(f"{where} answered with more than {size(LIMIT)}")


_OF_PROXY = aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError
_CUT = aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError
_OF_BOTO: Sequence[tuple[Any, Callable[..., Exception]]] = (
    (aiohttp.ClientSSLError, boto.SSLError),
    (_OF_PROXY, boto.ProxyConnectionError),
    (_CUT, boto.ConnectionClosedError),
    (aiohttp.ConnectionTimeoutError, boto.ConnectTimeoutError),
    (TimeoutError, boto.ReadTimeoutError),
    ((aiohttp.ClientConnectionError, OSError), boto.EndpointConnectionError),
    (Exception, boto.HTTPClientError),
)
"""aiohttp's errors to botocore's; the first match counts."""


def _of_boto(error: Exception, request: Any, proxy: str | None) -> Exception:
    """Return botocore's error for one of aiohttp's; its class decides about retries."""
    kind = next(ours for theirs, ours in _OF_BOTO if isinstance(error, theirs))
    # A proxy that is not a URL can't be masked.
    masked = mask_proxy_url(proxy or "") if kind is boto.ProxyConnectionError else None
    told = {"endpoint_url": _host(request.url), "proxy_url": masked}
    # The error must not hold the request, whose headers have credentials.
    return kind(error=error, **told)


# -- the meanings of errors ------------------------------------------------------------

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
        told = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return told if told.year in _OUR_AGE else None


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
            said = "a login of `aws login` takes awscrt, which is not installed. Run:"
            words = f"{said} {to_install('login')}"
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
    words = f"{tried}: {clean(code)}."
    told = time_of(error.response) if _SIGNATURE.fullmatch(code) else None
    # By the machine's own time, not by a `Clock`: botocore signs with that time.
    if told and abs(ahead := datetime.now(UTC) - told) > SKEWED:
        words += f" This machine's clock is {beside_aws(ahead)}, and what is signed at"
        words += " another time is refused. Set the clock."
        return Failure(HealthState.RETRYING, words, code=code, at_least=EXPIRED_PAUSE)
    # When AWS refuses a signature, it repeats the text to sign, with a token in it.
    said = str(error.response.get("Error", {}).get("Message") or "")
    said = clean(_SIGNED_HEADER.sub(r"\1: …", said), 400)
    failure = Failure(HealthState.RETRYING, f"{words} {said}".rstrip(), code=code)
    any(verdict.apply(failure, **advice) for verdict in verdicts)
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
