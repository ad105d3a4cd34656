"""AWS, as far as this tool goes: one session, its clients, and what they may ask.

The only operations that can be sent are those that its features allow; a hook refuses
any other before it leaves the process. Clients are made once for each service and
Region, and anew after credentials have expired: a session keeps what it has once
loaded.

Botocore is used as it is, with one hook: the body of an answer is kept as it came, and
decoded into the few members that are needed. Errors go through botocore's own parser.

What AWS, the network and the credentials say when they say no, in plain words.

Judged by the error's code or class, never by the text of its message. A message
names what was tried, on what, what came back, and what to do.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from typing import Any, Self, TypeVar

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore import xform_name
from botocore.eventstream import ParserError as StreamParserError
from botocore.exceptions import InvalidConfigError
from botocore.loaders import Loader, create_loader
from botocore.model import OperationModel
from botocore.parsers import ResponseParserError
from msgspec.structs import replace

from sfnwatch import __version__
from sfnwatch.model.records import THROTTLED, HealthState, Operation
from sfnwatch.model.values import clean, duration
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    Failure,
    GarbledError,
    StalePageError,
    Verdict,
    convert_answer,
    decode_answer,
)
from sfnwatch.sources.http_session import HttpSession, UnboundedError
from sfnwatch.sources.permissions import (
    Feature,
    NotAllowedError,
    action_of,
    endpoint_refusal,
    is_loopback,
    operations,
    policy_command,
)
from sfnwatch.sources.polling import note_answer, note_sent
from sfnwatch.sources.profiles import AwsSettings, login_command, mfa_refusal

# -- what went wrong -------------------------------------------------------------------

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
            words += " Choose a --profile, set AWS_ACCESS_KEY_ID and"
            words += " AWS_SECRET_ACCESS_KEY, or run:"
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


# -- the client ------------------------------------------------------------------------

T = TypeVar("T")
_HTTP: Any = HttpSession
"""To the types, a client's session can only be aiobotocore's own."""
_SERVICES = {"states": "stepfunctions"}
"""IAM prefixes, to what botocore calls a service where that is another word."""
_RATIONED = frozenset({"cloudtrail"})
"""Services whose requests are counted one by one: LookupEvents has 2 a second for a
whole account."""
_TIMEOUT = 60.0
"""Seconds for one call with botocore's own retries, above its own time-outs."""
_BODY = "RawBody"
"""The key under which an answer's body is beside what botocore read."""
_FIRST_OTHER = 300
_CONFIG = AioConfig(
    user_agent_extra=f"sfnwatch/{__version__}",
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=True,
    # A first client's models and endpoints take 80 ms to read: in a thread.
    warm_up_loader_caches=True,
)
_ONCE = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})

# Botocore does so for its own: else a refresh that fails is told with a traceback, on
# stderr, and again by us in words.
logging.getLogger("aiobotocore").addHandler(logging.NullHandler())


def _keep_body(
    operation_model: OperationModel,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: Any,
) -> None:
    """Take botocore's `before-parse`: keep a body, and let botocore parse none."""
    is_json = operation_model.service_model.resolved_protocol == "json"
    is_stream = operation_model.has_event_stream_output
    if is_json and not is_stream and response_dict["status_code"] < _FIRST_OTHER:
        customized_response_dict[_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"


def _refuse_others(allowed: Collection[str], model: OperationModel, **_: Any) -> None:
    if model.name not in allowed:
        msg = f"{model.name} is not among the operations this tool may send"
        raise NotAllowedError(msg)


class _Connection:
    """A session with its clients, closed when the last call on it has come back."""

    def __init__(self, settings: AwsSettings, allowed: Collection[Operation]) -> None:
        self._settings, self._allowed = settings, allowed
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._users = 0
        self._retired = False
        self._config = _CONFIG
        if settings.endpoint_url:
            # Some operations are of a host of their own, `stream-logs.…`: not there.
            self._config = self._config.merge(AioConfig(inject_host_prefix=False))
        if is_loopback(settings.endpoint_url):
            self._config = self._config.merge(AioConfig(proxies={}))
        self.session = AioSession(profile=settings.profile)
        # On the session: the clients that credentials are asked for by have it too.
        self.session.set_default_client_config(AioConfig(http_session_cls=_HTTP))
        self.session.register("before-send", note_sent)
        self.session.register("response-received", note_answer)
        if settings.access_key_id:
            _ignore_configuration(self.session)

    async def call(self, request: AwsRequest[Any]) -> dict[str, Any]:
        prefix, _, name = request.operation.partition(":")
        async with self.used():
            client = await self._client(prefix, request.region)
            async with asyncio.timeout(_TIMEOUT):
                ask = getattr(client, xform_name(name))
                answer: dict[str, Any] = await ask(**request.parameters)
                return answer

    @asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Keep it open, though it be retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._retired and not self._users:
                await self.close()

    async def _client(self, prefix: str, region: str) -> Any:
        key = (prefix, region)
        async with self._making:
            if key not in self._clients:
                self._clients[key] = await self._make_client(prefix, region)
        return self._clients[key]

    async def _make_client(self, prefix: str, region: str) -> Any:
        # Of a session that was begun anew the profiles may be others.
        settings = self._settings
        if not settings.access_key_id and (why := mfa_refusal(self.session)):
            raise Failure(HealthState.REFUSED, why)
        loader = _loader(self.session.get_config_variable("data_path"))
        self.session.register_component("data_loader", loader)
        # Each rationed request is paid for from a bucket, which botocore knows not of.
        rationed = prefix in _RATIONED
        create: Any = self.session.create_client
        context = create(
            _SERVICES.get(prefix, prefix),
            region_name=region,
            endpoint_url=settings.endpoint_url,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            config=self._config.merge(_ONCE) if rationed else self._config,
        )
        try:
            client = await self._stack.enter_async_context(context)
        except ValueError as error:
            # A Region or an endpoint that is none: of a variable, or the profile.
            raise InvalidConfigError(error_msg=str(error)) from error
        # Whoever named it: an option, the environment, or the profile.
        if refused := endpoint_refusal(client.meta.endpoint_url):
            raise Failure(HealthState.REFUSED, refused)
        names = frozenset(n for service, n in self._allowed if service == prefix)
        client.meta.events.register_first("before-call", partial(_refuse_others, names))
        client.meta.events.register("before-parse", _keep_body)
        return client

    async def retire(self) -> None:
        """Close as soon as nobody asks by it any more."""
        self._retired = True
        if not self._users:
            await self.close()

    async def close(self) -> None:
        await self._stack.aclose()


@cache
def _loader(data_path: str | None) -> Loader:
    """Give what reads botocore's models, the same to all sessions: it keeps them."""
    return create_loader(data_path)


def _ignore_configuration(session: AioSession) -> None:
    """Given keys need no profile, nor files: those that are there may be broken."""
    store = session.get_component("config_store")
    store.set_config_variable("profile", None)
    for name in ("config_file", "credentials_file"):
        store.set_config_variable(name, os.devnull)


class AwsClient:
    """AWS to the sources: one operation at a time, failures in plain words."""

    def __init__(
        self,
        settings: AwsSettings,
        heed: Callable[[datetime], None] | None = None,
        features: Collection[Feature] = (),
    ) -> None:
        """Make a client; `heed` is told AWS's time, by its answers' Date headers."""
        self._settings, self._heed = settings, heed
        self._allowed = operations(features)
        self._connection = _Connection(settings, self._allowed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    @property
    def login(self) -> str:
        """The command that renews this profile's credentials."""
        return login_command(self._connection.session, self._settings.profile)

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Send one request; raises Failure, or StalePageError for a token too old."""
        connection, shape = self._connection, request.shape
        try:
            told = await connection.call(request)
            body = told.pop(_BODY, None)
            value = (
                convert_answer(told, shape)
                if body is None
                else decode_answer(body, shape)
            )
        except Failure:
            raise
        except Exception as error:
            if STALE_PAGE.fullmatch(code_of(error)) and _is_later_page(request):
                name = request.operation.partition(":")[2]
                words = f"{name} on {request.subject}: {clean(str(error), 300)}"
                raise StalePageError(words) from error
            raise await self._failure(connection, error, request) from error
        metadata = told.get("ResponseMetadata", {})
        at = server_time(metadata.get("HTTPHeaders", {}))
        if at is not None and self._heed is not None:
            self._heed(at)
        return AwsAnswer(value, body or b"", str(metadata.get("RequestId")))

    async def stream(
        self, request: AwsRequest[Any], key: str
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request, and yield what its answer streams; raises Failure.

        `key` is where the answer has its stream. Who has had enough closes this.
        """
        connection = self._connection
        try:
            async with connection.used():
                answer = await connection.call(request)
                try:
                    async for event in answer[key]:
                        yield event
                finally:
                    answer[key].close()
        except Failure:
            raise
        except Exception as error:
            raise await self._failure(connection, error, request) from error

    async def _failure(
        self, connection: _Connection, error: Exception, request: AwsRequest[Any]
    ) -> Failure:
        """Word an error; what has expired is looked for again by a new session.

        One that has loaded a login never looks for another.
        """
        failure = failure_of(error, request.operation, request.subject, self.login)
        if failure.state is HealthState.EXPIRED and connection is self._connection:
            self._connection = _Connection(self._settings, self._allowed)
            await connection.retire()
        return failure


def _is_later_page(request: AwsRequest[Any]) -> bool:
    return not request.parameters.keys().isdisjoint({"nextToken", "NextToken"})
