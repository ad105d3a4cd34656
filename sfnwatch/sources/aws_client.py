"""AWS, as far as this tool goes: one session, its clients, and what they may ask.

The only operations that can be sent are those that its features allow, and those by
which credentials are had; a hook refuses any other before it leaves the process.
Clients are made once for each service and Region. What their requests are signed with
is found by a session of its own, which is made anew when that has expired: a session
keeps what it has once loaded.

Botocore is used as it is, with one hook: the body of an answer is kept as it came, and
decoded into the few members that are needed. Errors go through botocore's own parser.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import datetime
from functools import partial
from typing import Any, Self, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import exceptions as boto
from botocore import xform_name
from botocore.model import OperationModel
from msgspec.structs import astuple

from sfnwatch import __version__
from sfnwatch.errors import RefusedError
from sfnwatch.model.records import HealthState, Operation
from sfnwatch.model.values import clean
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    Failure,
    StalePageError,
    convert_answer,
    decode_answer,
)
from sfnwatch.sources.aws_errors import (
    EXPIRED_PAUSE,
    STALE_PAGE,
    code_of,
    failure_of,
    time_of,
)
from sfnwatch.sources.credentials import SignIn, share_loader
from sfnwatch.sources.http_session import HttpSession
from sfnwatch.sources.permissions import (
    SIGN_IN,
    Feature,
    NotAllowedError,
    endpoint_refusal,
    operations,
)
from sfnwatch.sources.polling import note_answer, note_sent
from sfnwatch.sources.profiles import AwsSettings, Keys, login_command, profile_name

T = TypeVar("T")
_HTTP: Any = HttpSession
"""To the types, a client's session can only be aiobotocore's own."""
_SERVICES = {"states": "stepfunctions"}
"""IAM prefixes, to what botocore calls a service where that is another word."""
_PREFIXES = {name: prefix for prefix, name in _SERVICES.items()}
_RATIONED = frozenset({"cloudtrail"})
"""Services whose requests are counted one by one: LookupEvents has 2 a second for a
whole account."""
_TIMEOUT = 60.0
"""Seconds for one call with botocore's own retries, above its own time-outs."""
_TOKENS = frozenset({"nextToken", "NextToken"})
_BODY = "RawBody"
"""The key under which an answer's body is beside what botocore read."""
_FIRST_OTHER = 300
_CONFIG = AioConfig(
    # All that a mode would set is set here; `auto` asks the instance for its Region.
    defaults_mode="legacy",
    http_session_cls=_HTTP,
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


def _refuse_others(
    allowed: Collection[Operation], model: OperationModel, **_: Any
) -> None:
    service = model.service_model.service_name
    operation = (_PREFIXES.get(service, service), model.name)
    if operation not in allowed and operation not in SIGN_IN:
        msg = f"{model.name} is not among the operations this tool may send"
        raise NotAllowedError(msg)


_OTHER_FORM = "a setting is of another form than it has to be."
_ANYWHERE = "us-east-1"
"""Where a role's keys are asked for if no Region is configured: they hold in all."""
_CODE_USED_UP = "what an MFA code was given for has expired. Start sfnwatch again."


def _new_session(settings: AwsSettings, allowed: Collection[Operation]) -> AioSession:
    """Make a session that can send no other operations than those."""
    session = AioSession(profile=settings.profile)
    # It would tell a host that the environment names of each request, in the clear.
    session.set_config_variable("csm_enabled", value=False)
    # On the session: the clients that credentials are asked for by have it too.
    session.set_default_client_config(_CONFIG)
    session.register("before-send", note_sent)
    session.register("response-received", note_answer)
    emitter: Any = session.get_component("event_emitter")
    emitter.register_first("before-call", partial(_refuse_others, allowed))
    share_loader(session)
    if settings.access_key_id:
        _ignore_configuration(session)
    return session


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
        self._answered = False
        self._session = _new_session(settings, self._allowed)
        # What requests are signed with is put here before each.
        self._session.set_credentials("-", "-")
        self._sign_in = self._new_sign_in()
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _new_sign_in(self) -> SignIn:
        return SignIn(_new_session(self._settings, self._allowed), self._settings)

    @property
    def login(self) -> str:
        """The command that renews this profile's credentials."""
        return login_command(self._session, self._settings.profile)

    async def credentials_method(self) -> str:
        """Say, in botocore's words, how credentials are found; raises Failure."""
        await self._sign_in.keys(self._settings.region)
        return self._sign_in.method

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Send one request; raises Failure, or StalePageError for a token too old."""
        async with self._worded(request) as sign_in:
            told = await self._send(request, sign_in)
            body = told.pop(_BODY, None)
            if body is None:
                value = convert_answer(told, request.shape)
            else:
                value = decode_answer(body, request.shape)
        self._answered = True
        at = time_of(told)
        if at is not None and self._heed is not None:
            self._heed(at)
        request_id = told.get("ResponseMetadata", {}).get("RequestId")
        return AwsAnswer(value, body or b"", str(request_id))

    async def stream(
        self, request: AwsRequest[Any], key: str
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request, and yield what its answer streams; raises Failure.

        `key` is where the answer has its stream. Who has had enough closes this.
        """
        async with self._worded(request) as sign_in:
            answer = await self._send(request, sign_in)
            with closing(answer[key]):
                async for event in answer[key]:
                    yield event

    async def _send(self, request: AwsRequest[Any], sign_in: SignIn) -> dict[str, Any]:
        prefix, _, name = request.operation.partition(":")
        keys = await sign_in.keys(request.region)
        signing: Any = await self._session.get_credentials()
        signing.access_key, signing.secret_key, signing.token = astuple(keys)
        client = await self._client(prefix, request.region)
        async with asyncio.timeout(_TIMEOUT):
            ask = getattr(client, xform_name(name))
            answer: dict[str, Any] = await ask(**request.parameters)
            return answer

    async def _client(self, prefix: str, region: str) -> Any:
        key = (prefix, region)
        async with self._making:
            if key not in self._clients:
                self._clients[key] = await self._make_client(prefix, region)
        return self._clients[key]

    async def _make_client(self, prefix: str, region: str) -> Any:
        url = self._settings.endpoint_url
        # Some operations are of a host of their own, `stream-logs.…`: not there.
        config = AioConfig(inject_host_prefix=False) if url else AioConfig()
        if prefix in _RATIONED:
            # Each request is paid for from a bucket, which botocore knows not of.
            config = config.merge(_ONCE)
        create: Any = self._session.create_client
        service = _SERVICES.get(prefix, prefix)
        made = create(service, region_name=region, endpoint_url=url, config=config)
        try:
            client = await self._stack.enter_async_context(made)
        except boto.BotoCoreError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # A Region, an endpoint, a table that is a word: whoever has set it.
            said = str(error) if isinstance(error, ValueError) else _OTHER_FORM
            raise boto.InvalidConfigError(error_msg=said) from error
        # Whoever named it: an option, the environment, or the profile.
        if refused := endpoint_refusal(client.meta.endpoint_url):
            raise Failure(HealthState.REFUSED, refused)
        client.meta.events.register("before-parse", _keep_body)
        return client

    @asynccontextmanager
    async def _worded(self, request: AwsRequest[Any]) -> AsyncIterator[SignIn]:
        """Give what signs requests, and put into words what goes wrong meanwhile."""
        sign_in = self._sign_in
        try:
            yield sign_in
        except Failure as failure:
            if failure.signing_in:
                self._renew(sign_in, failure)
            raise
        except Exception as error:
            name, subject = request.operation, request.subject
            is_later = not _TOKENS.isdisjoint(request.parameters)
            if is_later and STALE_PAGE.fullmatch(code_of(error)):
                tried = f"{name.partition(':')[2]} on {subject}"
                raise StalePageError(f"{tried}: {clean(str(error), 300)}") from error
            worded = failure_of(error, name, subject, self.login)
            self._renew(sign_in, worded)
            raise worded from error

    def _renew(self, sign_in: SignIn, failure: Failure) -> None:
        """Look by a new session for what has expired: one that has a login keeps it."""
        if failure.signing_in and self._answered:
            # They were had before: what keeps them from being renewed may pass.
            failure.state, failure.at_least = HealthState.EXPIRED, EXPIRED_PAUSE
        chosen = profile_name(self._session)
        if failure.state is HealthState.EXPIRED and chosen in self._settings.signed_in:
            failure.state = HealthState.REFUSED
            failure.message = f"{clean(chosen)}: {_CODE_USED_UP}"
        if failure.state is HealthState.EXPIRED and sign_in is self._sign_in:
            self._sign_in = self._new_sign_in()


async def have_role(settings: AwsSettings, codes: Mapping[str, str]) -> Keys:
    """Have the keys of a role that takes MFA codes; raises RefusedError.

    The codes are by their devices' serial numbers: each is good for one request.
    """

    def code_for(text: str) -> str:
        return next(code for serial, code in codes.items() if serial in text)

    sign_in = SignIn(_new_session(settings, frozenset()), settings, code_for)
    try:
        return await sign_in.keys(settings.region or _ANYWHERE)
    except Failure as failure:
        raise RefusedError(failure.message) from failure
