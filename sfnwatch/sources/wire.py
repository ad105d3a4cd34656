"""What goes over the wire: the HTTP session of every client, and what errors mean.

The session sends to the host that was asked, and to no other. aiobotocore's own follows
redirects to any host, with the body and the session token, and reads answers without
end; it has no option against either. Whoever answers with a redirect must not decide
who gets that next. So this one stands in its place, as `http_session_cls`: of
botocore's clients for credentials too, and of what asks a container's or an instance's
own address for them.

What AWS, the network and the credentials say when they say no is put into plain words.
It is judged by the error's code or class, never by the text of its message. A message
names what was tried, on what, what came back, and what to do.
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
"""Bytes of an answer; the longest page of a history is far below it."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FIRST_OTHER = 300
"""From this status on botocore reads an answer whole, a stream's too."""
_BUCKET_REGION = "x-amz-bucket-region"
"""S3 tells by it where a bucket is. Botocore then asks there, at AWS's own address, and
heeds no Location."""
_TOKEN_HEADERS = frozenset(
    {
        "x-amz-security-token",
        "x-amz-sso_bearer_token",
        "x-aws-ec2-metadata-token",
    }
)
"""Headers that hold a token alone: those for credentials too, which only botocore has
in its hands."""
_SHOWN = 100


class UnboundedError(Exception):
    """An answer that leads elsewhere, or does not end; the message names who sent it.

    Not one of botocore's own errors: it would send such a request once more.
    """


class UnsafeEndpointError(Exception):
    """A request was to go out in the clear; the message says where to."""


class HttpSession:
    """Sends a client's requests; raises botocore's errors, or one of those above.

    Nothing leaves this machine but by TLS, and what stays on it passes no proxy: by
    whatever an endpoint was named, an option, the environment or a profile.
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
        # A table, where a file says so, is refused before anything is sent.
        self._verify = verify if verify is True or verify is False else fspath(verify)
        """True, False, or the path of a CA bundle."""
        self._proxies = ProxyConfiguration(proxies=proxies)
        self._metadata = metadata
        """True where the machine's own credentials are handed out."""
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
        """End all connections; once more does no harm."""
        session = self._session
        self._session = None
        if session is not None:
            await session.close()

    def _read_certificates(self) -> ssl.SSLContext:
        """Read what to trust; raises botocore's InvalidConfigError."""
        context: ssl.SSLContext = create_urllib3_context()
        context.check_hostname = bool(self._verify)
        if not self._verify:
            context.verify_mode = ssl.CERT_NONE
            return context
        verify: Any = self._verify
        if path := get_cert_path(verify):
            try:
                if (bundle := Path(path)).exists() and not bundle.is_file():
                    # A pipe's writer would be waited for without end.
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

        One at a time: it has one connection, which is closed behind each.
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
            # It takes long enough to make a frame late.
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
            # What was signed is sent, character by character.
            URL(request.url, encoded=True),
            headers={**headers, "Accept-Encoding": "identity"},
            data=request.body,
            proxy=proxy,
            ssl=self._tls or True,
            allow_redirects=False,
        )


class _ReadBody:
    """The body of an answer that was read; botocore's response asks for it again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


def _refuse_redirect(answer: aiohttp.ClientResponse) -> None:
    """Raise UnboundedError for an answer that sends one on, naming both hosts."""
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
    """Give scheme, host and port, without a name and a password."""
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
"""Botocore's errors by aiohttp's: the first that fits holds."""


def _of_boto(error: Exception, request: Any, proxy: str | None) -> Exception:
    """Give botocore's error for one of aiohttp's: by its kind it is tried again."""
    kind = next(ours for theirs, ours in _OF_BOTO if isinstance(error, theirs))
    # One that is no URL can't even be masked.
    masked = mask_proxy_url(proxy or "") if kind is boto.ProxyConnectionError else None
    told = {"endpoint_url": _host(request.url), "proxy_url": masked}
    # Without the request: there are credentials in its headers.
    return kind(error=error, **told)


# -- what errors mean ------------------------------------------------------------------

EXPIRED_PAUSE = 5.0
"""Seconds between looks for renewed credentials."""
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
"""What codes mean, whichever service sends them; any other is worth another try."""
_SIGN_IN_VERDICTS = (
    Verdict(
        f"{'|'.join(sorted(THROTTLED))}|IDPCommunicationError|InternalFailure"
        # A status alone is of whoever answers in AWS's place.
        "|ServiceUnavailable|TooManyRequestsException|[0-9]{3}",
        state=HealthState.RETRYING,
    ),
    Verdict(
        "ExpiredToken(Exception)?|InvalidGrantException|InvalidIdentityToken", *_LOG_IN
    ),
    Verdict(".*", "{correct}"),
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
_GARBLED = (
    *(GarbledError, ResponseParserError, StreamParserError, aiohttp.ClientPayloadError),
    *(boto.ChecksumError, boto.FlexibleChecksumError, boto.IncompleteReadError),
)
"""What is made of an answer that is not as AWS sent it."""
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
"""Where nobody was there to answer, what to do."""


def code_of(error: BaseException) -> str:
    """Give AWS's error code, or nothing for an error that AWS did not send."""
    # A connection that was closed has a response too: None.
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def time_of(answer: Mapping[str, Any]) -> datetime | None:
    """Read when AWS sent an answer, or a refusal, by what botocore made of it.

    A Date of another age is nobody's time.
    """
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    try:
        told = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return told if told.year in _OUR_AGE else None


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
        action = action_of(operation)
        policy = policy_command(operation)
        advice = {"login": login, "action": action, "policy": policy}
        return _judged(error, tried, VERDICTS, advice)
    if isinstance(error, NotAllowedError) and operation.startswith("s3:"):
        # Botocore would ask by HeadBucket, where AWS has not told it unasked.
        words = f"{tried}: S3 doesn't say where the bucket is."
        return Failure(HealthState.REFUSED, words)
    if failure := _unanswered(error, tried):
        return failure
    if isinstance(error, boto.BotoCoreError):
        return Failure(HealthState.REFUSED, f"AWS settings: {_said(error)} {_CORRECT}")
    raise error


def sign_in_failure(error: Exception, profile: str, login: str) -> Failure:
    """Say why credentials can't be had, and what to do.

    `profile` says where they are from, or is empty; `login` is the command that renews
    them.
    """
    # What is no more than an OSError is a file's: the network's are botocore's by now.
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
            # The only thing that botocore can miss here.
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
    any(verdict.apply(failure, **advice) for verdict in verdicts)
    return failure


def _unanswered(error: Exception, tried: str) -> Failure | None:
    """Put into words that there was no answer, or none of AWS's; None: it was that."""
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
    """Tell of an error, whatever botocore let through: of a file, of a value's form."""
    text = " ".join(str(error).split("\n")) or type(error).__name__
    if isinstance(error, OSError) and error.filename:
        text = f"{error.strerror} ({error.filename})"
    elif isinstance(error, (AttributeError, LookupError, TypeError)):
        text = "what was found is of another form"
    text = clean(text, 300)
    return text if text.endswith((".", "!", "?")) else f"{text}."
