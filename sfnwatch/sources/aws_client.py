"""AWS, as far as this tool goes: one session, its clients, and what they may ask.

The only operations that can be sent are those that its features allow; a hook refuses
any other before it leaves the process. Clients are made once for each service and
Region, and anew after credentials have expired: a session keeps what it has once
loaded.

Botocore is used as it is, with one hook: the body of an answer is kept as it came, and
decoded into the few members that are needed. Errors go through botocore's own parser.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import cache, partial
from typing import Any, Self, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import xform_name
from botocore.exceptions import InvalidConfigError
from botocore.loaders import Loader, create_loader
from botocore.model import OperationModel

from sfnwatch import __version__
from sfnwatch.model.records import HealthState
from sfnwatch.model.requests import Operation
from sfnwatch.model.text import clean
from sfnwatch.sources.answers import (
    AwsAnswer,
    Failure,
    StalePageError,
    convert_answer,
    decode_answer,
)
from sfnwatch.sources.aws_errors import STALE_PAGE, code_of, failure_of, server_time
from sfnwatch.sources.http_session import HttpSession
from sfnwatch.sources.permissions import (
    Feature,
    NotAllowedError,
    endpoint_refusal,
    is_loopback,
    operations,
)
from sfnwatch.sources.profiles import AwsSettings, login_command, mfa_refusal
from sfnwatch.sources.request_log import note_answer, note_sent

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

    async def call(
        self, prefix: str, operation: str, region: str, **parameters: Any
    ) -> dict[str, Any]:
        async with self.used():
            client = await self._client(prefix, region)
            async with asyncio.timeout(_TIMEOUT):
                answer: dict[str, Any] = await getattr(client, xform_name(operation))(
                    **parameters
                )
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

    async def call(
        self,
        operation: str,
        subject: str,
        region: str,
        shape: type[T],
        **parameters: Any,
    ) -> AwsAnswer[T]:
        """Send one request; raises Failure, or StalePageError for a token too old.

        `operation` has its service's IAM prefix: `states:DescribeExecution`. A stream
        comes by the shape `dict`, as botocore made it.
        """
        connection = self._connection
        prefix, _, name = operation.partition(":")
        try:
            told = await connection.call(prefix, name, region, **parameters)
            body = told.pop(_BODY, None)
            value = (
                convert_answer(told, shape)
                if body is None
                else decode_answer(body, shape)
            )
        except Failure:
            raise
        except Exception as error:
            if STALE_PAGE.fullmatch(code_of(error)) and _is_later_page(parameters):
                words = f"{name} on {subject}: {clean(str(error), 300)}"
                raise StalePageError(words) from error
            raise await self._failure(connection, error, operation, subject) from error
        metadata = told.get("ResponseMetadata", {})
        at = server_time(metadata.get("HTTPHeaders", {}))
        if at is not None and self._heed is not None:
            self._heed(at)
        return AwsAnswer(value, body or b"", str(metadata.get("RequestId")))

    async def stream(
        self, operation: str, subject: str, region: str, key: str, **parameters: Any
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request, and yield what its answer streams; raises Failure.

        `key` is where the answer has its stream. Who has had enough closes this.
        """
        connection = self._connection
        prefix, _, name = operation.partition(":")
        try:
            async with connection.used():
                answer = await connection.call(prefix, name, region, **parameters)
                try:
                    async for event in answer[key]:
                        yield event
                finally:
                    answer[key].close()
        except Failure:
            raise
        except Exception as error:
            raise await self._failure(connection, error, operation, subject) from error

    async def _failure(
        self, connection: _Connection, error: Exception, operation: str, subject: str
    ) -> Failure:
        """Word an error; what has expired is looked for again by a new session.

        One that has loaded a login never looks for another.
        """
        failure = failure_of(error, operation, subject, self.login)
        if failure.state is HealthState.EXPIRED and connection is self._connection:
            self._connection = _Connection(self._settings, self._allowed)
            await connection.retire()
        return failure


def _is_later_page(parameters: Mapping[str, Any]) -> bool:
    return "nextToken" in parameters or "NextToken" in parameters
