"""Obtaining the credentials that requests are signed with.

A session of its own finds them. It is replaced when they have expired, because a
session keeps what it has loaded once.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any

from aiobotocore.session import AioSession
from botocore import exceptions as boto

from sfnwatch.errors import RefusedError
from sfnwatch.sources.answers import Failure
from sfnwatch.sources.aws_session import new_session
from sfnwatch.sources.aws_settings import (
    AwsSettings,
    Keys,
    check_files,
    login_command,
    mfa_refusal,
    profile_name,
    signing_profile,
)
from sfnwatch.sources.credential_providers import Prompter, replace_providers
from sfnwatch.sources.failures import sign_in_failure
from sfnwatch.sources.permissions import NotAllowedError

_ANYWHERE = "us-east-1"
"""The Region that is asked for a role's keys if none is configured; the keys are valid
in all Regions."""
_KEY = r"^[!-~]+\Z"
"""The characters a key may have: HTTP headers take no others."""


class SignIn:
    """Obtains credentials through a session of its own, and renews them in time."""

    def __init__(self, settings: AwsSettings, prompter: Prompter | None = None) -> None:
        self.method = "given keys"
        """How the credentials were found, in botocore's words."""
        self._settings = settings
        self._prompter = prompter
        self._lock = asyncio.Lock()
        self._prepared = False
        self._error: Exception | None = None
        """The latest error that kept credentials from being obtained."""
        self._failed_at = 0.0
        """When that was, in the seconds of `time.monotonic`."""

    @cached_property
    def _session(self) -> AioSession:
        return new_session(self._settings)

    async def keys(self, region: str) -> Keys:
        """Return credentials valid for some minutes at least; raises Failure.

        A caller that waited for another caller's failed try gets the same failure: a
        try may take long.
        """
        begun_at = time.monotonic()
        async with self._lock:
            if self._error is not None and self._failed_at >= begun_at:
                raise self._failure(self._error) from self._error
            try:
                return await self._find(region)
            except NotAllowedError:
                raise
            except Exception as error:
                self._error = error
                self._failed_at = time.monotonic()
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
        keys = settings.signed_in.get(profile_name(session))
        if keys is not None:
            return keys
        if not self._prepared:
            self._prepare(region)
            self._prepared = True
        credentials = await session.get_credentials()
        if credentials is None:
            raise boto.NoCredentialsError
        self.method = str(credentials.method)
        frozen: Any = await credentials.get_frozen_credentials()
        texts = [frozen.access_key, frozen.secret_key]
        if frozen.token is not None:
            texts.append(frozen.token)
        if not all(_is_key(text) for text in texts):
            reason = "what was found is no key that AWS gives out"
            raise boto.CredentialRetrievalError(
                provider=credentials.method, error_msg=reason
            )
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    def _prepare(self, region: str) -> None:
        """Set up where the session finds its credentials.

        `region` is where STS is asked if no other Region is configured.
        """
        session = self._session
        settings = self._settings
        check_files(session)
        if self._prompter is None:
            refusal = mfa_refusal(session, settings)
            if refusal:
                raise RefusedError(refusal)
        if region and not session.get_config_variable("region"):
            session.set_config_variable("region", region)
        replace_providers(session, self._prompter or _no_code)


def _is_key(text: Any) -> bool:
    return isinstance(text, str) and re.match(_KEY, text) is not None


def _no_code(_: str) -> str:
    """Refuse to ask for a code: a profile that takes one was refused earlier."""
    raise boto.RefreshWithMFAUnsupportedError


async def have_role(settings: AwsSettings, codes: Mapping[str, str]) -> Keys:
    """Return the keys of a role that takes MFA codes; raises RefusedError.

    The codes are keyed by their devices' serial numbers; each is good for one request.
    """

    def code_for(text: str) -> str:
        for serial, code in codes.items():
            if serial in text:
                return code
        raise boto.RefreshWithMFAUnsupportedError

    sign_in = SignIn(settings, code_for)
    try:
        return await sign_in.keys(settings.region or _ANYWHERE)
    except Failure as failure:
        raise RefusedError(failure.message) from failure
