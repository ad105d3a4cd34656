"""The access to AWS: sessions, clients and credentials.

Only the operations of the enabled features can be sent, and those that obtain
credentials. A hook refuses any other operation before it leaves the process. One client
is made for each service and Region. Botocore is used unchanged, with one hook: it keeps
the body of an answer as it came, and the body is decoded into the few members that are
needed. Errors go through botocore's own parser.

A separate session finds the credentials that requests are signed with. It is replaced
when they have expired, because a session keeps what it has loaded once. Four of
botocore's credential providers are replaced here:

- The services that give credentials to a container and to an instance are asked through
  our own HTTP session, which follows no redirect.
- A `credential_process` gets limited time, and what it writes on stderr is not
  repeated: it may contain a key.
- A role that takes an MFA code gets the code that was asked for beforehand. Botocore
  would read it by getpass, from the terminal that shows the screen, inside the event
  loop.

The replacements are built from public classes of botocore and aiobotocore, and take the
places of the providers with the same names.
"""

import asyncio
import logging
import os
import re
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import datetime
from functools import cache, cached_property, partial
from subprocess import DEVNULL, PIPE
from typing import Any, Self, TypeVar

from aiobotocore.config import AioConfig
from aiobotocore.credentials import (
    AioAssumeRoleProvider,
    AioCanonicalNameCredentialSourcer,
    AioContainerProvider,
    AioEnvProvider,
    AioInstanceMetadataProvider,
    AioProcessProvider,
    AioProfileProviderBuilder,
)
from aiobotocore.session import AioSession
from aiobotocore.utils import (
    AioContainerMetadataFetcher,
    AioInstanceMetadataFetcher,
    create_nested_client,
)
from botocore import exceptions as boto
from botocore import xform_name
from botocore.credentials import CredentialProvider
from botocore.loaders import create_loader
from botocore.model import OperationModel
from botocore.utils import resolve_imds_endpoint_mode
from msgspec import Struct
from msgspec.structs import astuple

from sfnwatch import __version__
from sfnwatch.errors import RefusedError
from sfnwatch.model.own_requests import Operation
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.texts import clean
from sfnwatch.sources.answers import (
    AwsAnswer,
    AwsRequest,
    Failure,
    StalePageError,
    decode_answer,
)
from sfnwatch.sources.aws_settings import (
    AwsSettings,
    Keys,
    check_files,
    login_command,
    mfa_refusal,
    profile_name,
    signing_profile,
)
from sfnwatch.sources.parsers import CheckedParsers, parsed_events
from sfnwatch.sources.permissions import SIGN_IN, Feature, NotAllowedError, operations
from sfnwatch.sources.request_log import note_answer, note_sent
from sfnwatch.sources.wire import (
    EXPIRED_PAUSE,
    STALE_PAGE,
    HttpSession,
    code_of,
    failure_of,
    sign_in_failure,
    time_of,
)

T = TypeVar("T")
_HTTP: Any = HttpSession
"""Typed as Any: the type hints accept only aiobotocore's own session class."""
_SERVICES = {"states": "stepfunctions"}
"""IAM prefixes of services that botocore calls by another name, with that name."""
_PREFIXES = {name: prefix for prefix, name in _SERVICES.items()}
_RATIONED = frozenset({"cloudtrail"})
"""Services whose every request counts against a quota: LookupEvents allows 2 a second
for a whole account."""
_TIMEOUT = 60.0
"""Seconds for one call including botocore's own retries; more than its own
time-outs."""
_TOKENS = frozenset({"nextToken", "NextToken"})
_BODY = "RawBody"
"""The key of an answer's raw body, beside the members that botocore parsed."""
_FIRST_OTHER = 300
_CONFIG = AioConfig(
    # All settings of a mode are set here; `auto` would ask the instance for its Region.
    defaults_mode="legacy",
    http_session_cls=_HTTP,
    user_agent_extra=f"sfnwatch/{__version__}",
    retries={"mode": "standard", "total_max_attempts": 2},
    connect_timeout=5,
    read_timeout=20,
    parameter_validation=True,
    # The first client reads models and endpoints for 80 ms: this does it in a thread.
    warm_up_loader_caches=True,
)
_ONCE = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})

# Botocore does the same for its own logger. Without it, a failed refresh prints a
# traceback on stderr, in addition to our own message.
logging.getLogger("aiobotocore").addHandler(logging.NullHandler())


def _keep_body(
    operation_model: OperationModel, response_dict: dict[str, Any], **told: Any
) -> None:
    """Handle botocore's `before-parse`: keep the JSON body and give botocore none."""
    is_json = operation_model.service_model.resolved_protocol == "json"
    is_stream = operation_model.has_event_stream_output
    if is_json and not is_stream and response_dict["status_code"] < _FIRST_OTHER:
        told["customized_response_dict"][_BODY] = response_dict["body"]
        response_dict["body"] = b"{}"


def _refuse_others(
    allowed: Collection[Operation], model: OperationModel, **_: Any
) -> None:
    service = model.service_model.service_name
    operation = (_PREFIXES.get(service, service), model.name)
    if operation not in allowed and operation not in SIGN_IN:
        msg = f"{model.name} is not among the operations this tool may send"
        raise NotAllowedError(msg)


_loader = cache(create_loader)
_ANYWHERE = "us-east-1"
"""The Region that is asked for a role's keys if none is configured; the keys are valid
in all Regions."""
_CODE_USED_UP = "what an MFA code was given for has expired. Start sfnwatch again."


def _new_session(
    settings: AwsSettings, allowed: Collection[Operation] = ()
) -> AioSession:
    """Make a session that can send only the allowed operations and those to sign in."""
    session = AioSession(profile=settings.profile)
    # Client-side monitoring would send each request in the clear to a host that the
    # environment names.
    session.set_config_variable("csm_enabled", value=False)
    # Set on the session, so that the clients which obtain credentials have it too.
    session.set_default_client_config(_CONFIG)
    session.register("before-send", note_sent)
    session.register("response-received", note_answer)
    # Set on the session as well: it is the only hook through which all answers pass.
    session.register_component("response_parser_factory", CheckedParsers())
    emitter: Any = session.get_component("event_emitter")
    emitter.register_first("before-call", partial(_refuse_others, allowed))
    # All sessions share one loader, because it caches botocore's models.
    session.lazy_register_component(
        "data_loader", lambda: _loader(session.get_config_variable("data_path"))
    )
    if settings.access_key_id:
        # Given keys need neither a profile nor files, and those on disk may be broken.
        store = session.get_component("config_store")
        store.set_config_variable("profile", None)
        for name in ("config_file", "credentials_file"):
            store.set_config_variable(name, os.devnull)
    return session


# -- credentials -----------------------------------------------------------------------

Prompter = Callable[[str], str]
"""Takes a text that contains a device's serial number; returns its MFA code."""
_KEY = r"^[!-~]+\Z"
"""The characters a key may have: HTTP headers take no others."""
PROCESS_TIME = 20.0
"""Seconds a credential_process may take: a person may have to touch a security key."""
_KILL_TIME = 1.0
_PROCESS_BYTES = 1 << 20


class SignIn:
    """Obtains credentials through a session of its own, and renews them in time."""

    def __init__(self, settings: AwsSettings, prompter: Prompter | None = None) -> None:
        self.method = "given keys"
        """How the credentials were found, in botocore's words."""
        self._settings = settings
        self._prompter = prompter
        self._lock = asyncio.Lock()
        self._prepared = False
        self._trouble: tuple[float, Exception] | None = None
        """The latest error that kept credentials from being obtained, and its time."""

    @cached_property
    def _session(self) -> AioSession:
        return _new_session(self._settings)

    async def keys(self, region: str) -> Keys:
        """Return credentials valid for some minutes at least; raises Failure.

        A caller that waited for another caller's failed try gets the same failure: a
        try may take long.
        """
        begun = time.monotonic()
        async with self._lock:
            if self._trouble is not None and self._trouble[0] >= begun:
                raise self._failure(self._trouble[1]) from self._trouble[1]
            try:
                return await self._find(region)
            except NotAllowedError:
                raise
            except Exception as error:
                self._trouble = time.monotonic(), error
                raise self._failure(error) from error

    def _failure(self, error: Exception) -> Failure:
        """Return a Failure that says in plain words why there are no credentials."""
        session = self._session
        profile = ""
        with suppress(boto.BotoCoreError):
            profile = signing_profile(session, self._settings)
        login = login_command(session, self._settings.profile)
        failure = sign_in_failure(error, profile, login)
        failure.signing_in = True
        return failure

    async def _find(self, region: str) -> Keys:
        """Find credentials, and renew them if they are about to expire."""
        settings = self._settings
        if settings.access_key_id and settings.secret_access_key:
            return Keys(settings.access_key_id, settings.secret_access_key)
        session = self._session
        if held := settings.signed_in.get(profile_name(session)):
            return held
        if not self._prepared:
            self._prepare(region)
            self._prepared = True
        found = await session.get_credentials()
        if found is None:
            raise boto.NoCredentialsError
        self.method = str(found.method)
        frozen: Any = await found.get_frozen_credentials()
        keys = (frozen.access_key, frozen.secret_key, frozen.token)
        sent = [key for key in keys if key is not None]
        texts = [key for key in sent if isinstance(key, str) and re.match(_KEY, key)]
        if None in keys[:2] or texts != sent:
            why = "what was found is no key that AWS gives out"
            raise boto.CredentialRetrievalError(provider=found.method, error_msg=why)
        return Keys(*keys)

    def _prepare(self, region: str) -> None:
        """Set up where the session finds its credentials.

        `region` is where STS is asked if no other Region is configured.
        """
        session = self._session
        settings = self._settings
        check_files(session)
        if self._prompter is None and (why := mfa_refusal(session, settings)):
            raise RefusedError(why)
        if region and not session.get_config_variable("region"):
            session.set_config_variable("region", region)
        _put_places(session, self._prompter or _no_code)


def _no_code(_: str) -> str:
    """Refuse to ask for a code: a profile that takes one was refused earlier."""
    raise boto.RefreshWithMFAUnsupportedError


async def have_role(settings: AwsSettings, codes: Mapping[str, str]) -> Keys:
    """Return the keys of a role that takes MFA codes; raises RefusedError.

    The codes are keyed by their devices' serial numbers; each is good for one request.
    """

    def code_for(text: str) -> str:
        return next(code for serial, code in codes.items() if serial in text)

    sign_in = SignIn(settings, code_for)
    try:
        return await sign_in.keys(settings.region or _ANYWHERE)
    except Failure as failure:
        raise RefusedError(failure.message) from failure


# -- the places ------------------------------------------------------------------------

Places = list[CredentialProvider]
"""Credential providers, in the order in which they are tried."""


def _put_places(session: AioSession, prompter: Prompter) -> None:
    """Replace a session's credential providers with ours where we have one."""
    asks = _asking_beside(AioContainerMetadataFetcher.TIMEOUT_SECONDS)
    container = AioContainerProvider(fetcher=AioContainerMetadataFetcher(asks))
    instance = _of_instance(session)
    resolver: Any = session.get_component("credential_provider")
    profile = profile_name(session)
    nested: Any = partial(create_nested_client, session)
    assumed = AioAssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=nested,
        cache={},
        profile_name=profile,
        prompter=prompter,
        credential_sourcer=AioCanonicalNameCredentialSourcer(
            [AioEnvProvider(), container, instance]
        ),
        profile_provider_builder=_ProfilePlaces(session),
    )
    ours = [assumed, _process_place(session, profile), container, instance]
    resolver.providers[:] = _in_their_places(resolver.providers, ours)


def _in_their_places(places: Places, ours: Places) -> Places:
    by_name = {each.METHOD: each for each in ours}
    return [by_name.get(each.METHOD, each) for each in places]


class _ProfilePlaces(AioProfileProviderBuilder):
    """The providers of a profile that supplies the credentials to assume a role."""

    def __init__(self, session: AioSession) -> None:
        super().__init__(session, cache={})
        self._process_of = partial(_process_place, session)

    def providers(
        self,
        profile_name: str,
        disable_env_vars: bool = False,  # noqa: FBT001, FBT002
    ) -> Places:
        places = super().providers(profile_name, disable_env_vars)
        return _in_their_places(places, [self._process_of(profile_name)])


def _asking_beside(timeout: float) -> Any:
    """Make an HTTP session for metadata services: without TLS and without a proxy."""
    return HttpSession(timeout=(timeout, timeout), metadata=True)


def _of_instance(session: AioSession) -> CredentialProvider:
    setting = session.get_config_variable
    names = ("ec2_metadata_service_endpoint", "ec2_metadata_v1_disabled")
    timeout = setting("metadata_service_timeout")
    fetcher: Any = AioInstanceMetadataFetcher(
        timeout=timeout,
        num_attempts=setting("metadata_service_num_attempts"),
        user_agent=session.user_agent(),
        config={
            **{name: setting(name) for name in names},
            "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
        },
        session=_asking_beside(timeout),
    )
    return AioInstanceMetadataProvider(iam_role_fetcher=fetcher)


# -- a process of the user's -----------------------------------------------------------


class _Process(Struct):
    """A process that ended well, with the interface that botocore expects."""

    output: bytes
    returncode: int = 0

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.output, b""


def _process_place(session: AioSession, profile: str) -> CredentialProvider:
    """Make botocore's provider use our own run of a credential_process."""
    popen: Any = partial(_run_for, profile)
    return AioProcessProvider(profile, lambda: session.full_config, popen=popen)


async def _run_for(profile: str, *command: str, **_: Any) -> _Process:
    """Run a profile's process; raises RefusedError that names both."""
    try:
        return _Process(await _run(command))
    except ValueError as error:
        whose = f"credential_process of the profile {clean(profile, 100)}"
        said = f"AWS credentials: {whose}: {clean(str(error), 300)}"
        hint = "Correct it, or choose another --profile."
        raise RefusedError(said, hint=hint) from error


async def _run(command: tuple[str, ...]) -> bytes:
    """Run a command and return its output; raises ValueError without its words."""
    try:
        # Detached from the terminal, because the terminal shows the screen.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"it can't be run: {why}") from error
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - PIPE was passed
    try:
        async with asyncio.timeout(PROCESS_TIME):
            output = await _read(pipe)
            code = await process.wait()
    except TimeoutError as error:
        raise ValueError(f"it has not ended in {PROCESS_TIME:g} s") from error
    finally:
        if process.returncode is None or not pipe.at_eof():
            await _end(process)
    if code:
        msg = (
            f"it ended with exit code {code}; what it wrote is not shown, as there may"
            " be a key in it: run it yourself to see"
        )
        raise ValueError(msg)
    return output


async def _read(output: asyncio.StreamReader) -> bytes:
    """Read a process's output, up to a limit larger than any valid output."""
    try:
        return await output.readexactly(_PROCESS_BYTES)
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a process and all that it started, and close its pipe."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIME):
            await process.communicate()


# -- the client ------------------------------------------------------------------------


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
        self._session = _new_session(settings, operations(features))
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
        async with self._worded(request) as sign_in:
            told = await self._send(request, sign_in)
            body = told.pop(_BODY, None)
            value = decode_answer(told if body is None else body, request.shape)
        self._answered = True
        at = time_of(told)
        if at is not None and self._heed is not None:
            self._heed(at)
        request_id = told.get("ResponseMetadata", {}).get("RequestId")
        return AwsAnswer(value, body or b"", str(request_id))

    async def stream(
        self, request: AwsRequest[Any], key: str
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Send one request and yield the events of its answer's stream; raises Failure.

        `key` is the member of the answer that holds the stream. A caller that needs no
        more events closes the generator.
        """
        async with self._worded(request) as sign_in:
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
        # Some operations have a host of their own, such as `stream-logs.…`; a given
        # endpoint has no such host.
        config = AioConfig(inject_host_prefix=False) if url else AioConfig()
        if prefix in _RATIONED:
            # Botocore's retries would use up requests of the quota unseen.
            config = config.merge(_ONCE)
        create: Any = self._session.create_client
        service = _SERVICES.get(prefix, prefix)
        made = create(service, region_name=region, endpoint_url=url, config=config)
        try:
            client = await self._stack.enter_async_context(made)
        except boto.BotoCoreError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Bad user settings raise these: a Region, an endpoint, or a word where a
            # table belongs.
            said = "a setting is of another form than it has to be."
            said = str(error) if isinstance(error, ValueError) else said
            raise boto.InvalidConfigError(error_msg=said) from error
        client.meta.events.register("before-parse", _keep_body)
        return client

    @asynccontextmanager
    async def _worded(self, request: AwsRequest[Any]) -> AsyncIterator[SignIn]:
        """Yield a request's SignIn, and turn any error meanwhile into a Failure."""
        sign_in = self._sign_in
        try:
            yield sign_in
        except Failure as failure:
            if failure.signing_in:
                self._renew(sign_in, failure)
            raise
        except Exception as error:
            name = request.operation
            subject = request.subject
            is_later = not _TOKENS.isdisjoint(request.parameters)
            if is_later and STALE_PAGE.fullmatch(code_of(error)):
                tried = f"{name.partition(':')[2]} on {subject}"
                raise StalePageError(f"{tried}: {clean(str(error), 300)}") from error
            worded = failure_of(error, name, subject, self.login)
            self._renew(sign_in, worded)
            raise worded from error

    def _renew(self, sign_in: SignIn, failure: Failure) -> None:
        """Replace the session of expired credentials, so that a new log-in is found."""
        if failure.signing_in and self._answered:
            # Credentials were obtained before, so a failed renewal may pass.
            failure.state = HealthState.EXPIRED
            failure.at_least = EXPIRED_PAUSE
        chosen = profile_name(self._session)
        if failure.state is HealthState.EXPIRED and chosen in self._settings.signed_in:
            failure.state = HealthState.REFUSED
            failure.message = f"{clean(chosen)}: {_CODE_USED_UP}"
        if failure.state is HealthState.EXPIRED and sign_in is self._sign_in:
            self._sign_in = SignIn(self._settings)
