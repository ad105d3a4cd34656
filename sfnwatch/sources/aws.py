"""AWS, as far as this tool goes: one session, its clients, and what they may ask.

The only operations that can be sent are those that its features allow; a hook refuses
any other before it leaves the process. Clients are made once for each service and
Region, and anew after credentials have expired: a session keeps what it has once
loaded.
"""

import asyncio
import logging
import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Mapping,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from types import TracebackType
from typing import Any, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore import xform_name
from botocore.model import OperationModel
from botocore.utils import parse_timestamp
from msgspec import Struct

from sfnwatch import __version__
from sfnwatch.errors import BadFileError, RefusedError
from sfnwatch.sources.allowed import Feature, NotAllowedError, operations
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.endpoints import is_loopback, refusal
from sfnwatch.sources.http_session import HttpSession
from sfnwatch.sources.ledger import note_answer, note_sent
from sfnwatch.sources.mfa import mfa_refusal
from sfnwatch.sources.models import Models
from sfnwatch.sources.trouble import (
    SIGNATURE,
    STALE_PAGE,
    StalePageError,
    code_of,
    failure_of,
    skewed,
)
from sfnwatch.sources.whole_answers import StrictParsers
from sfnwatch.trace.budget import Operation
from sfnwatch.trace.events import HealthState
from sfnwatch.trace.text import clean
from sfnwatch.trace.times import iso

_HTTP: Any = HttpSession
"""To the types, a client's session can only be aiobotocore's own."""
_SERVICES = {"states": "stepfunctions"}
"""IAM prefixes, to what botocore calls a service where that is another word."""
_ALWAYS = ("stepfunctions", "cloudtrail")
_RATIONED = frozenset({"cloudtrail"})
"""Services whose requests are counted one by one: LookupEvents has 2 a second for a
whole account."""
_ONCE: Mapping[str, Any] = {"mode": "standard", "total_max_attempts": 1}
_SKEWED = timedelta(minutes=4)
"""AWS takes signatures that are up to 5 minutes old, or 15: it depends."""
_TIMEOUT = 60.0
"""Seconds for one call with botocore's own retries, above its own time-outs."""


# Botocore does so for its own: else a refresh that fails is told with a traceback, on
# stderr, and again by us in words.
logging.getLogger("aiobotocore").addHandler(logging.NullHandler())


class AwsSettings(Struct, frozen=True):
    """Where and as whom to ask; what is None is found as the AWS CLI finds it."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


def _timestamp(value: Any) -> str:
    """Parse a timestamp to what a recording holds.

    Botocore's own parser goes through dateutil's local time zone, which takes 42 %
    of the time of reading a long history.
    """
    if type(value) is float or isinstance(value, int):
        return iso(datetime.fromtimestamp(value, UTC))
    return iso(parse_timestamp(value))


def _refuse_others(allowed: Collection[str], model: OperationModel, **_: Any) -> None:
    if model.name not in allowed:
        msg = f"{model.name} is not among the operations this tool may send"
        raise NotAllowedError(msg)


class _Connection:
    """A session with its clients, closed when the last call on it has come back."""

    def __init__(self, settings: AwsSettings, allowed: Collection[Operation]) -> None:
        self._settings, self._allowed = settings, allowed
        self._clients: dict[tuple[str, str], Any] = {}
        self._stack = AsyncExitStack()
        self._users = 0
        self._retired = False
        self._config = _CONFIG
        if settings.endpoint_url:
            # Some operations are of a host of their own, `stream-logs.…`: not there.
            self._config = self._config.merge(AioConfig(inject_host_prefix=False))
        if is_loopback(settings.endpoint_url):
            self._config = self._config.merge(AioConfig(proxies={}))
        # Each of its requests is paid for from a bucket, which botocore knows not of.
        self._rationed = self._config.merge(AioConfig(retries=_ONCE))
        self.session = AioSession(profile=settings.profile)
        # On the session: the clients that credentials are asked for by have it too.
        self.session.set_default_client_config(AioConfig(http_session_cls=_HTTP))
        if settings.access_key_id:
            _ignore_configuration(self.session)
        self.session.register_component("data_loader", _loader())
        parsers = StrictParsers()
        parsers.set_parser_defaults(timestamp_parser=_timestamp)
        self.session.register_component("response_parser_factory", parsers)
        # On the session: what it asks for credentials by itself is told as well.
        self.session.register("before-send", note_sent)
        self.session.register("response-received", note_answer)

    async def call(
        self, prefix: str, operation: str, region: str, **kwargs: Any
    ) -> Any:
        async with self._used():
            client = await self._client(prefix, region)
            async with asyncio.timeout(_TIMEOUT):
                return await getattr(client, xform_name(operation))(**kwargs)

    async def events(
        self, prefix: str, operation: str, region: str, key: str, **kwargs: Any
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        async with self._used():
            answer = await self.call(prefix, operation, region, **kwargs)
            stream = answer[key]
            try:
                async for event in stream:
                    yield event
            finally:
                stream.close()

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[None]:
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._retired and not self._users:
                await self.close()

    async def _client(self, prefix: str, region: str) -> Any:
        key = (prefix, region)
        if key not in self._clients:
            # Of a session that was begun anew the profiles may be others.
            if not self._settings.access_key_id and (why := mfa_refusal(self.session)):
                raise Failure(HealthState.REFUSED, why)
            create: Any = self.session.create_client
            context = create(
                _SERVICES.get(prefix, prefix),
                region_name=region,
                endpoint_url=self._settings.endpoint_url,
                aws_access_key_id=self._settings.access_key_id,
                aws_secret_access_key=self._settings.secret_access_key,
                config=self._rationed if prefix in _RATIONED else self._config,
            )
            try:
                client = await self._stack.enter_async_context(context)
            except ValueError as error:
                # A Region or an endpoint that is none: of a variable, or the profile.
                why = f"{clean(str(error), 300).rstrip('.')}."
                raise Failure(HealthState.REFUSED, f"{why} Correct it.") from error
            # Whoever named it: an option, the environment, or the profile.
            if refused := refusal(client.meta.endpoint_url):
                raise Failure(HealthState.REFUSED, refused)
            names = frozenset(
                name for service, name in self._allowed if service == prefix
            )
            refuse = partial(_refuse_others, names)
            client.meta.events.register_first("before-call", refuse)
            self._clients[key] = client
        return self._clients[key]

    async def retire(self) -> None:
        self._retired = True
        if not self._users:
            await self.close()

    async def close(self) -> None:
        await self._stack.aclose()


class Aws:
    """AWS to the sources: one operation at a time, failures in plain words."""

    def __init__(
        self,
        settings: AwsSettings,
        heed: Callable[[datetime], None] | None = None,
        features: Collection[Feature] = (),
    ) -> None:
        self._settings = settings
        self._heed = heed
        """Is told AWS's time, as its answers' Date headers have it."""
        self._allowed = operations(features)
        self._connection = self._connect()

    def _connect(self) -> _Connection:
        return _Connection(self._settings, self._allowed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._connection.close()

    @property
    def login(self) -> str:
        """The command that renews this profile's credentials."""
        name = self._settings.profile
        profile = f" --profile {clean(name)}" if name else ""
        try:
            config = self._connection.session.get_scoped_config()
        except boto.BotoCoreError:
            config = {}
        if "sso_session" in config or "sso_start_url" in config:
            return f"aws sso login{profile}"
        return f"aws login{profile}"

    async def call(
        self, operation: str, subject: str, region: str, **kwargs: Any
    ) -> Any:
        """Send one request; raises Failure, or StalePageError for a token too old.

        `operation` has its service's IAM prefix: `states:DescribeExecution`.
        """
        connection = self._connection
        prefix, _, name = operation.partition(":")
        try:
            answer = await connection.call(prefix, name, region, **kwargs)
        except Failure:
            raise
        except Exception as error:
            if code_of(error) in STALE_PAGE and _is_later_page(kwargs):
                raise StalePageError(str(error)) from error
            if (off := _skew(error)) is not None:
                raise skewed(error, operation, subject, off) from error
            failure = failure_of(error, operation, subject, self.login)
            await self._renew_if_expired(connection, failure)
            raise failure from error
        self._tell_time(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
        return answer

    async def events(
        self, operation: str, subject: str, region: str, key: str, **kwargs: Any
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request, and yield what its answer streams; raises Failure.

        `key` is where the answer has its stream. Who has had enough closes this.
        """
        connection = self._connection
        prefix, _, name = operation.partition(":")
        stream = connection.events(prefix, name, region, key, **kwargs)
        try:
            async with aclosing(stream):
                async for event in stream:
                    yield event
        except Exception as error:
            failure = failure_of(error, operation, subject, self.login)
            await self._renew_if_expired(connection, failure)
            raise failure from error

    async def _renew_if_expired(
        self, connection: _Connection, failure: Failure
    ) -> None:
        if failure.state is HealthState.EXPIRED:
            await self._renew(connection)

    def _tell_time(self, headers: Mapping[str, str]) -> None:
        told = _date(headers)
        if told is not None and self._heed is not None:
            self._heed(told)

    async def _renew(self, connection: _Connection) -> None:
        """Begin a new session: one that has loaded a login never looks for another."""
        if connection is self._connection:
            self._connection = self._connect()
            await connection.retire()


def _ignore_configuration(session: AioSession) -> None:
    """Given keys need no profile, nor files: those that are there may be broken."""
    store = session.get_component("config_store")
    store.set_config_variable("profile", None)
    for name in ("config_file", "credentials_file"):
        store.set_config_variable(name, os.devnull)


def _date(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def _skew(error: Exception) -> timedelta | None:
    """Tell how far this machine's time is off, where a signature was refused for it.

    By the machine's own time, as botocore signs by it, and by no other Clock.
    """
    if not isinstance(error, boto.ClientError) or code_of(error) not in SIGNATURE:
        return None
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    told = _date(metadata.get("HTTPHeaders", {}))
    off = datetime.now(UTC) - told if told else timedelta(0)
    return off if abs(off) > _SKEWED else None


def _is_later_page(kwargs: Mapping[str, Any]) -> bool:
    return "nextToken" in kwargs or "NextToken" in kwargs


_CONFIG = AioConfig(
    user_agent_extra=f"sfnwatch/{__version__}",
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=True,
)


def check_profile(settings: AwsSettings) -> None:
    """Raise RefusedError for a profile that is not there, or takes an MFA code.

    The profile may be one that AWS_PROFILE names. Raises BadFileError for a
    configuration that can't be read.
    """
    if settings.access_key_id:
        return
    session = AioSession(profile=settings.profile)
    try:
        known, profile = session.available_profiles, session.profile
    except boto.ConfigParseError as error:
        msg = f"{clean(str(error.kwargs['path']))}: no AWS configuration can be read."
        raise BadFileError(msg, hint="Correct it, or move it away.") from error
    if profile and profile not in known:
        names = ", ".join(clean(name) for name in known) or "none"
        msg = f"There is no AWS profile named {clean(profile)}."
        raise RefusedError(msg, hint=f"There are: {names}.")
    if refused := mfa_refusal(session):
        raise RefusedError(refused)


@cache
def _loader() -> Models:
    """The models of all sessions: a loader keeps what it has once read."""
    return Models()


def warm_up() -> None:
    """Load what making a first client reads from disk: 80 ms that no frame waits for.

    To be called in a thread.
    """
    loader = _loader()
    for service in _ALWAYS:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    for name in ("endpoints", "partitions", "sdk-default-configuration"):
        loader.load_data(name)
