"""Where credentials come from: botocore's own places, four of which are made anew here.

What hands them out to a container or an instance is asked through our session, which
follows no redirect. A `credential_process` may take its time, but not all of it, and
what it writes on stderr is not repeated: a key may be in it. And a role that takes an
MFA code gets the one that was asked for beforehand: botocore would read it by getpass,
from the terminal that the screen is on, inside the event loop.

All of it is put together of public classes of botocore's and aiobotocore's, and put in
their places by the names that these have there.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from subprocess import DEVNULL, PIPE
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

import msgspec
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
from botocore.credentials import CredentialProvider
from botocore.loaders import create_loader
from botocore.parsers import ResponseParserError
from botocore.utils import resolve_imds_endpoint_mode
from msgspec import Meta, Struct
from msgspec.structs import astuple

from sfnwatch.model.records import HealthState
from sfnwatch.model.values import clean
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.http_session import (
    MetadataSessions,
    UnboundedError,
    UnsafeEndpointError,
)
from sfnwatch.sources.permissions import NotAllowedError
from sfnwatch.sources.profiles import AwsSettings, Keys, mfa_refusal, profile_name

Prompter = Callable[[str], str]
"""Gives the MFA code for a text that has a device's serial number in it."""
_loader = cache(create_loader)
"""Gives what reads botocore's models, the same to all sessions: it keeps them."""
_KEY = re.compile("[!-~]+")
"""What can be sent at all: headers take no other characters."""
_PROCESS = "credential_process"
PROCESS_TIME = 20.0
"""Seconds in which it has to end: somebody may have to touch a key for it."""
_KILL_TIME = 1.0
_PROCESS_BYTES = 1 << 20
_REFRESH_WINDOW = 15 * 60
"""Seconds before their end in which an instance's credentials are looked for anew."""


class SignIn:
    """Has a session's credentials, and keeps them from expiring."""

    def __init__(
        self, session: AioSession, settings: AwsSettings, prompter: Prompter | None
    ) -> None:
        self._session, self._settings, self._prompter = session, settings, prompter
        self._lock = asyncio.Lock()
        self._prepared = False
        self._trouble: tuple[float, Exception] | None = None
        """What kept credentials from being had, and when."""

    async def keys(self, region: str) -> Keys:
        """Give them, good for some minutes at least.

        Raises Failure, botocore's errors, or those of our HTTP session. Who waits for
        somebody else's try has its outcome: it may take long.
        """
        begun = time.monotonic()
        async with self._lock:
            if self._trouble is not None and self._trouble[0] >= begun:
                raise self._trouble[1]
            try:
                if not self._prepared:
                    self._prepare(region)
                    self._prepared = True
                return await _load(self._session)
            except Exception as error:
                self._trouble = time.monotonic(), error
                raise

    def _prepare(self, region: str) -> None:
        """Say where the session is to find its credentials.

        `region` is where STS is asked if no other is configured.
        """
        session, settings = self._session, self._settings
        loader = _loader(session.get_config_variable("data_path"))
        session.register_component("data_loader", loader)
        if settings.access_key_id:
            return
        if held := settings.signed_in.get(profile_name(session)):
            session.set_credentials(*astuple(held))
            return
        if self._prompter is None and (why := mfa_refusal(session, settings)):
            raise Failure(HealthState.REFUSED, why)
        if region and not session.get_config_variable("region"):
            session.set_config_variable("region", region)
        with of_settings():
            _put_places(session, self._prompter or _no_code)


def _no_code(_: str) -> str:
    """Refuse to ask: a profile that takes a code has been refused before."""
    raise boto.RefreshWithMFAUnsupportedError


@contextmanager
def of_settings() -> Iterator[None]:
    """Give what botocore stumbles over in a setting as its own error for one.

    Of a variable, or of the profile: a Region, an endpoint, a table that is a word.
    """
    try:
        yield
    except boto.BotoCoreError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, ValueError) else ""
        why = said or "a setting is of another form than it has to be."
        raise boto.InvalidConfigError(error_msg=why) from error


async def _load(session: AioSession) -> Keys:
    """Find credentials, and renew them where they are about to expire.

    Raises botocore's errors, and those of our HTTP session: for whatever a file, a
    process or an answer has botocore stumble over, too.
    """
    try:
        found = await session.get_credentials()
        frozen: Any = await found.get_frozen_credentials() if found else None
    except (
        boto.BotoCoreError,
        boto.ClientError,
        NotAllowedError,
        ResponseParserError,
        UnboundedError,
        UnsafeEndpointError,
    ):
        raise
    except Exception as error:  # noqa: BLE001 - whatever botocore stumbled over
        _retrieval_error("their source", _said(error), error)
    if frozen is None:
        raise boto.NoCredentialsError
    keys = (frozen.access_key, frozen.secret_key, frozen.token)
    if not all(map(_is_key, keys[:2])) or not (keys[2] is None or _is_key(keys[2])):
        _retrieval_error("their source", "what was found is no key that AWS gives out")
    return Keys(*keys)


def _is_key(value: Any) -> bool:
    """True for what can be sent at all: headers take no other characters."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def _retrieval_error(
    source: str, why: str, cause: BaseException | None = None
) -> NoReturn:
    raise boto.CredentialRetrievalError(provider=source, error_msg=why) from cause


def _said(error: Exception) -> str:
    """Tell of an error that botocore let through, and of no key that it may name."""
    match error:
        case OSError():
            named = f" ({clean(str(error.filename), 200)})" if error.filename else ""
            return f"{error.strerror or type(error).__name__}{named}"
        case RuntimeError():
            return "what was found has expired"
        case ValueError():
            return clean(str(error), 200)
        case _:
            return "what was found is of another form"


# -- the places ------------------------------------------------------------------------


def _put_places(session: AioSession, prompter: Prompter) -> None:
    """Put our places among a session's; raises what of_settings makes plain."""
    sessions: Any = MetadataSessions(AioContainerMetadataFetcher.TIMEOUT_SECONDS)
    container = AioContainerProvider(fetcher=AioContainerMetadataFetcher(sessions))
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
    ours = [assumed, _of_process(session, profile), container, instance]
    resolver.providers[:] = _in_their_places(resolver.providers, ours)


def _in_their_places(
    places: Sequence[CredentialProvider], ours: Sequence[CredentialProvider]
) -> list[CredentialProvider]:
    by_name = {each.METHOD: each for each in ours}
    return [by_name.get(each.METHOD, each) for each in places]


class _ProfilePlaces(AioProfileProviderBuilder):
    """The places that a profile names, for the one whose credentials assume a role."""

    def __init__(self, session: AioSession) -> None:
        super().__init__(session, cache={})
        self._of_process = partial(_of_process, session)

    def providers(
        self,
        profile_name: str,
        disable_env_vars: bool = False,  # noqa: FBT001, FBT002
    ) -> list[CredentialProvider]:
        places = super().providers(profile_name, disable_env_vars)
        return _in_their_places(places, [self._of_process(profile_name)])


def _of_instance(session: AioSession) -> CredentialProvider:
    setting = session.get_config_variable
    names = ("ec2_metadata_service_endpoint", "ec2_metadata_v1_disabled")
    timeout = setting("metadata_service_timeout")
    sessions: Any = MetadataSessions(timeout)
    fetcher: Any = AioInstanceMetadataFetcher(
        timeout=timeout,
        num_attempts=setting("metadata_service_num_attempts"),
        user_agent=session.user_agent(),
        config={
            **{name: setting(name) for name in names},
            "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
            "ec2_credential_refresh_window": _REFRESH_WINDOW,
        },
        session=sessions,
    )
    return AioInstanceMetadataProvider(iam_role_fetcher=fetcher)


# -- a process of the user's -----------------------------------------------------------


class _Printed(Struct, rename="pascal"):
    """What a credential_process has to print."""

    version: Literal[1]
    access_key_id: Annotated[str, Meta(min_length=1)]
    secret_access_key: Annotated[str, Meta(min_length=1)]
    session_token: str | None = None
    expiration: str | None = None


class _Ended(NamedTuple):
    """A process that has ended well, as aiobotocore asks for it."""

    output: bytes
    returncode: int = 0

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.output, b""


def _of_process(session: AioSession, profile: str) -> CredentialProvider:
    start: Any = _run
    return AioProcessProvider(
        profile_name=profile, load_config=lambda: session.full_config, popen=start
    )


async def _run(*command: str, **_: Any) -> _Ended:
    """Run a credential_process; raises CredentialRetrievalError, not with its words."""
    try:
        # Away from the terminal: on it is the screen.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command"
        _retrieval_error(_PROCESS, f"it can't be run: {why}", error)
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - it was asked for
    try:
        async with asyncio.timeout(PROCESS_TIME):
            output = await _read(pipe)
            code = await process.wait()
    except TimeoutError as error:
        _retrieval_error(_PROCESS, f"it has not ended in {PROCESS_TIME:g} s", error)
    finally:
        if process.returncode is None or not pipe.at_eof():
            await _end(process)
    if code:
        why = (
            f"it ended with exit code {code}; what it wrote is not shown, as there may"
        )
        _retrieval_error(_PROCESS, f"{why} be a key in it: run it yourself to see")
    try:
        msgspec.json.decode(output, type=_Printed)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = clean(str(error), 200) if output.strip() else "nothing at all"
        _retrieval_error(_PROCESS, f"what it printed is no credentials: {why}", error)
    return _Ended(output)


async def _read(output: asyncio.StreamReader) -> bytes:
    """Read what a process prints, up to a limit above all that it may print."""
    try:
        return await output.readexactly(_PROCESS_BYTES)
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a process with all that it has started, and let go of its pipe."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(_KILL_TIME):
            await process.communicate()
