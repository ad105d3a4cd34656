"""The client of the sources: requests, answers, and errors in plain words.

One client is made for each service and Region. Botocore is used unchanged, with one
hook: it keeps the body of an answer as it came, and the body is decoded into the few
members that are needed. Errors go through botocore's own parser.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import datetime
from typing import Any, Self, TypeVar

from aiobotocore.config import AioConfig
from botocore import exceptions as boto
from botocore import xform_name
from botocore.model import OperationModel
from msgspec.structs import astuple

from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    Failure,
    StalePageError,
    decode_answer,
)
from sfnwatch.sources.aws_session import BOTOCORE_NAMES, new_session
from sfnwatch.sources.aws_settings import AwsSettings, login_command, profile_name
from sfnwatch.sources.endpoints import foreign_host
from sfnwatch.sources.failures import (
    EXPIRED_PAUSE,
    STALE_PAGE,
    code_of,
    failure_of,
    time_of,
)
from sfnwatch.sources.parsers import parsed_events
from sfnwatch.sources.permissions import Feature, operations
from sfnwatch.sources.sign_in import SignIn

T = TypeVar("T")
_RATIONED = frozenset({"cloudtrail"})
"""Services whose every request counts against a quota: LookupEvents allows 2 a second
for a whole account."""
_CALL_SECONDS = 60.0
"""Seconds for one call including botocore's own retries; more than its own
time-outs."""
_TOKENS = frozenset({"nextToken", "NextToken"})
"""The parameters of a request for a later page."""
_BODY = "RawBody"
"""The key of an answer's raw body, beside the members that botocore parsed."""
_FIRST_OTHER = 300
_ONCE = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})
_CODE_USED_UP = "what an MFA code was given for has expired. Start sfnwatch again."


def _keep_body(
    operation_model: OperationModel, response_dict: dict[str, Any], **event: Any
) -> None:
    """Handle botocore's `before-parse`: keep the JSON body and give botocore none."""
    is_json = operation_model.service_model.resolved_protocol == "json"
    is_stream = operation_model.has_event_stream_output
    if is_json and not is_stream and response_dict["status_code"] < _FIRST_OTHER:
        event["customized_response_dict"][_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"


class AwsClient:
    """The client of the sources: one operation at a time, failures in plain words."""

    def __init__(
        self,
        settings: AwsSettings,
        heed: Callable[[datetime], None] | None = None,
        features: Collection[Feature] = (),
    ) -> None:
        """Make a client; `heed` gets AWS's time from the answers' Date headers."""
        self._settings = settings
        self._heed = heed
        self._answered = False
        self._session = new_session(settings, operations(features))
        # Placeholders: the real keys are put here before each request.
        self._session.set_credentials("-", "-")
        self._sign_in = SignIn(settings)
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def login(self) -> str:
        """The command that renews this profile's credentials."""
        return login_command(self._session, self._settings.profile)

    async def credentials_method(self) -> str:
        """Return, in botocore's words, how credentials are found; raises Failure."""
        await self._sign_in.keys(self._settings.region)
        return self._sign_in.method

    async def call(self, request: AwsRequest[T]) -> AwsAnswer[T]:
        """Send one request; raises Failure, or StalePageError for an outdated token."""
        async with self._failures_of(request) as sign_in:
            parsed = await self._send(request, sign_in)
            body = parsed.pop(_BODY, None)
            value = decode_answer(parsed if body is None else body, request.shape)
        self._answered = True
        at = time_of(parsed)
        if at is not None and self._heed is not None:
            self._heed(at)
        request_id = parsed.get("ResponseMetadata", {}).get("RequestId")
        endpoint = self._endpoint(request)
        return AwsAnswer(value, body or b"", str(request_id), endpoint)

    async def stream(
        self, request: AwsRequest[Any], key: str
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request and yield the events of its answer's stream; raises Failure.

        `key` is the member of the answer that holds the stream. A caller that needs no
        more events closes the generator.
        """
        async with self._failures_of(request) as sign_in:
            answer = await self._send(request, sign_in)
            with closing(answer[key]):
                async for event in parsed_events(answer[key]):
                    yield event

    async def _send(self, request: AwsRequest[Any], sign_in: SignIn) -> dict[str, Any]:
        prefix, _, name = request.operation.partition(":")
        keys = await sign_in.keys(request.region)
        signing: Any = await self._session.get_credentials()
        signing.access_key, signing.secret_key, signing.token = astuple(keys)
        client = await self._client(prefix, request.region)
        send = getattr(client, xform_name(name))
        async with asyncio.timeout(_CALL_SECONDS):
            answer: dict[str, Any] = await send(**request.parameters)
            return answer

    def _endpoint(self, request: AwsRequest[Any]) -> str:
        """Return the host and port that a request goes to; empty for AWS's."""
        prefix, _, _ = request.operation.partition(":")
        client = self._clients.get((prefix, request.region))
        if client is None or self._settings.simulated:
            return ""
        return foreign_host(client.meta.endpoint_url)

    async def _client(self, prefix: str, region: str) -> Any:
        key = (prefix, region)
        async with self._making:
            if key not in self._clients:
                self._clients[key] = await self._make_client(prefix, region)
        return self._clients[key]

    async def _make_client(self, prefix: str, region: str) -> Any:
        url = self._settings.endpoint_url
        # Some operations have a host of their own, such as `stream-logs.…`; a given
        # endpoint has no such host.
        config = AioConfig()
        if url:
            config = AioConfig(inject_host_prefix=False)
        if prefix in _RATIONED:
            # Botocore's retries would use up requests of the quota unseen.
            config = config.merge(_ONCE)
        create: Any = self._session.create_client
        service = BOTOCORE_NAMES.get(prefix, prefix)
        context = create(service, region_name=region, endpoint_url=url, config=config)
        try:
            client = await self._stack.enter_async_context(context)
        except boto.BotoCoreError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Bad user settings raise these: a Region, an endpoint, or a word where a
            # table belongs.
            reason = "a setting is of another form than it has to be."
            if isinstance(error, ValueError):
                reason = str(error)
            raise boto.InvalidConfigError(error_msg=reason) from error
        client.meta.events.register("before-parse", _keep_body)
        return client

    @asynccontextmanager
    async def _failures_of(self, request: AwsRequest[Any]) -> AsyncIterator[SignIn]:
        """Yield a request's SignIn, and turn any error meanwhile into a Failure."""
        sign_in = self._sign_in
        try:
            yield sign_in
        except Failure as failure:
            if failure.signing_in:
                self._renew(sign_in, failure)
            raise
        except Exception as error:
            subject = request.subject
            is_later_page = not _TOKENS.isdisjoint(request.parameters)
            if is_later_page and STALE_PAGE.fullmatch(code_of(error)):
                name = request.operation.partition(":")[2]
                reason = clean(str(error), 300)
                raise StalePageError(f"{name} on {subject}: {reason}") from error
            worded = failure_of(error, request.operation, subject, self.login)
            worded.endpoint = self._endpoint(request)
            self._renew(sign_in, worded)
            raise worded from error

    def _renew(self, sign_in: SignIn, failure: Failure) -> None:
        """Replace the session of expired credentials, so that a new log-in is found."""
        if failure.signing_in and self._answered:
            # Credentials were obtained before, so a failed renewal may pass.
            failure.state = HealthState.EXPIRED
            failure.at_least = EXPIRED_PAUSE
        if failure.state is not HealthState.EXPIRED:
            return
        profile = profile_name(self._session)
        if profile in self._settings.signed_in:
            failure.state = HealthState.REFUSED
            failure.message = f"{clean(profile)}: {_CODE_USED_UP}"
        elif sign_in is self._sign_in:
            self._sign_in = SignIn(self._settings)
