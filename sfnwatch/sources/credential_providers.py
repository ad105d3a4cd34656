"""The credential providers of botocore that are replaced.

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

from collections.abc import Callable
from functools import partial
from typing import Any

from aiobotocore.credentials import (
    AioAssumeRoleProvider,
    AioCanonicalNameCredentialSourcer,
    AioContainerProvider,
    AioEnvProvider,
    AioInstanceMetadataProvider,
    AioProfileProviderBuilder,
)
from aiobotocore.session import AioSession
from aiobotocore.utils import (
    AioContainerMetadataFetcher,
    AioInstanceMetadataFetcher,
    create_nested_client,
)
from botocore.credentials import CredentialProvider
from botocore.utils import resolve_imds_endpoint_mode

from sfnwatch.sources.aws_settings import profile_name
from sfnwatch.sources.credential_process import process_provider
from sfnwatch.sources.http_session import HttpSession

Prompter = Callable[[str], str]
"""Takes a text that contains a device's serial number; returns its MFA code."""
Places = list[CredentialProvider]
"""Credential providers, in the order in which they are tried."""


def replace_providers(session: AioSession, prompter: Prompter) -> None:
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
    ours = [assumed, process_provider(session, profile), container, instance]
    resolver.providers[:] = _in_their_places(resolver.providers, ours)


def _in_their_places(places: Places, ours: Places) -> Places:
    by_name = {each.METHOD: each for each in ours}
    return [by_name.get(each.METHOD, each) for each in places]


class _ProfilePlaces(AioProfileProviderBuilder):
    """The providers of a profile that supplies the credentials to assume a role."""

    def __init__(self, session: AioSession) -> None:
        super().__init__(session, cache={})
        self._process_of = partial(process_provider, session)

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
