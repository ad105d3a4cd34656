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
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from subprocess import DEVNULL, PIPE
from typing import Annotated, Any, Literal

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
from botocore.utils import resolve_imds_endpoint_mode
from msgspec import Meta, Struct

from sfnwatch.errors import RefusedError
from sfnwatch.model.values import clean, iso
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.aws_errors import sign_in_failure
from sfnwatch.sources.http_session import MetadataSessions
from sfnwatch.sources.permissions import NotAllowedError
from sfnwatch.sources.profiles import (
    AwsSettings,
    Keys,
    check_files,
    login_command,
    mfa_refusal,
    profile_name,
    signing_profile,
    wrong_setting,
)

Prompter = Callable[[str], str]
"""Gives the MFA code for a text that has a device's serial number in it."""
_loader = cache(create_loader)
_KEY = r"^[!-~]+\Z"
"""What can be sent at all: headers take no other characters."""
PROCESS_TIME = 20.0
"""Seconds in which it has to end: somebody may have to touch a key for it."""
_KILL_TIME = 1.0
_PROCESS_BYTES = 1 << 20
_REFRESH_WINDOW = 15 * 60
"""Seconds before their end in which an instance's credentials are looked for anew."""


def share_loader(session: AioSession) -> None:
    """Have all sessions read botocore's models by one loader: it keeps them."""
    session.lazy_register_component(
        "data_loader", lambda: _loader(session.get_config_variable("data_path"))
    )


class SignIn:
    """Has a session's credentials, and keeps them from expiring."""

    def __init__(
        self,
        session: AioSession,
        settings: AwsSettings,
        prompter: Prompter | None = None,
    ) -> None:
        self.method = "given keys"
        """How they were found, in botocore's words."""
        self._session, self._settings, self._prompter = session, settings, prompter
        self._lock = asyncio.Lock()
        self._prepared = False
        self._trouble: tuple[float, Exception] | None = None
        """What kept credentials from being had, and when."""

    async def keys(self, region: str) -> Keys:
        """Give them, good for some minutes at least; raises Failure.

        Who waits for somebody else's try has its outcome: it may take long.
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
        """Put into words why there are none."""
        session, profile, wrong = self._session, "", ""
        with suppress(boto.BotoCoreError):
            profile = signing_profile(session, self._settings)
            wrong = wrong_setting(session, profile)
        login = login_command(session, self._settings.profile)
        failure = sign_in_failure(error, profile, wrong, login)
        failure.signing_in = True
        return failure

    async def _find(self, region: str) -> Keys:
        """Find credentials, and renew them where they are about to expire."""
        session, settings = self._session, self._settings
        if settings.access_key_id and settings.secret_access_key:
            return Keys(settings.access_key_id, settings.secret_access_key)
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
        if None in keys[:2] or not all(re.match(_KEY, str(key)) for key in sent):
            why = "what was found is no key that AWS gives out"
            raise boto.CredentialRetrievalError(provider=found.method, error_msg=why)
        return Keys(*keys)

    def _prepare(self, region: str) -> None:
        """Say where the session is to find its credentials.

        `region` is where STS is asked if no other is configured.
        """
        session, settings = self._session, self._settings
        check_files(session)
        if self._prompter is None and (why := mfa_refusal(session, settings)):
            raise RefusedError(why)
        if region and not session.get_config_variable("region"):
            session.set_config_variable("region", region)
        _put_places(session, self._prompter or _no_code)


def _no_code(_: str) -> str:
    """Refuse to ask: a profile that takes a code has been refused before."""
    raise boto.RefreshWithMFAUnsupportedError


# -- the places ------------------------------------------------------------------------


def _put_places(session: AioSession, prompter: Prompter) -> None:
    """Put our places among a session's."""
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
    ours = [assumed, _process_place(session, profile), container, instance]
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
        self._process_of = partial(_process_place, session)

    def providers(
        self,
        profile_name: str,
        disable_env_vars: bool = False,  # noqa: FBT001, FBT002
    ) -> list[CredentialProvider]:
        places = super().providers(profile_name, disable_env_vars)
        return _in_their_places(places, [self._process_of(profile_name)])


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


_Key = Annotated[str, Meta(pattern=_KEY)]


class _Printed(Struct, rename="pascal"):
    """What a credential_process has to print."""

    version: Literal[1]
    access_key_id: _Key
    secret_access_key: _Key
    session_token: _Key | None = None
    expiration: Annotated[datetime, Meta(tz=True)] | None = None


class _Process(Struct):
    """A process that has ended well, as botocore asks one for what it has printed."""

    output: bytes
    returncode: int = 0

    async def communicate(self) -> tuple[bytes, bytes]:
        return self.output, b""


def _process_place(session: AioSession, profile: str) -> CredentialProvider:
    """Have botocore's own place use what our run of a credential_process prints."""

    def config() -> dict[str, Any]:
        named = dict(session.full_config["profiles"].get(profile, {}))
        if (command := named.get("credential_process")) is not None:
            # As one word: if it can't be taken apart, that is told as all else is.
            named["credential_process"] = shlex.quote(str(command))
        return {"profiles": {profile: named}}

    popen: Any = partial(_run_for, profile)
    return AioProcessProvider(profile, config, popen=popen)


async def _run_for(profile: str, command: str, **_: Any) -> _Process:
    """Run a profile's process; raises RefusedError, which names them."""
    try:
        output = await _run(command)
        _check_printed(output)
    except ValueError as error:
        whose = f"credential_process of the profile {clean(profile, 100)}"
        said = f"AWS credentials: {whose}: {clean(str(error), 300)}"
        hint = "Correct it, or choose another --profile."
        raise RefusedError(said, hint=hint) from error
    return _Process(output)


def _check_printed(output: bytes) -> None:
    """Raise ValueError for what is no credentials, or none that are still good."""
    try:
        until = msgspec.json.decode(output, type=_Printed).expiration
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = str(error) if output.strip() else "nothing at all"
        raise ValueError(f"what it printed is no credentials: {why}") from error
    if until is not None and until <= datetime.now(UTC):
        raise ValueError(f"what it printed has expired, at {iso(until)}")


async def _run(command: str) -> bytes:
    """Run a command; gives what it prints, or raises ValueError, not with its words."""
    try:
        # Away from the terminal: on it is the screen.
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
    except (OSError, TypeError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        msg = f"it can't be run: {why if command.strip() else 'it is empty'}"
        raise ValueError(msg) from error
    pipe = process.stdout
    assert pipe is not None  # noqa: S101 - it was asked for
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
