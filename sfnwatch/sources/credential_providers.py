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
Providers = list[CredentialProvider]
"""Credential providers, in the order in which they are tried."""


def replace_providers(session: AioSession, prompter: Prompter) -> None:
    """Replace a session's credential providers with ours where we have one."""
    container_http = _metadata_session(AioContainerMetadataFetcher.TIMEOUT_SECONDS)
    container_fetcher = AioContainerMetadataFetcher(container_http)
    container = AioContainerProvider(fetcher=container_fetcher)
    instance = _instance_provider(session)
    profile = profile_name(session)
    create_client: Any = partial(create_nested_client, session)
    role = AioAssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=create_client,
        cache={},
        profile_name=profile,
        prompter=prompter,
        credential_sourcer=AioCanonicalNameCredentialSourcer(
            [AioEnvProvider(), container, instance]
        ),
        profile_provider_builder=_ProfileProviders(session),
    )
    ours = [role, process_provider(session, profile), container, instance]
    resolver: Any = session.get_component("credential_provider")
    resolver.providers[:] = _with_ours(resolver.providers, ours)


def _with_ours(theirs: Providers, ours: Providers) -> Providers:
    """Return botocore's providers, with ours in place of those of the same names."""
    by_name = {provider.METHOD: provider for provider in ours}
    return [by_name.get(provider.METHOD, provider) for provider in theirs]


class _ProfileProviders(AioProfileProviderBuilder):
    """The providers of a profile that supplies the credentials to assume a role."""

    def __init__(self, session: AioSession) -> None:
        super().__init__(session, cache={})
        self._aws_session = session

    def providers(
        self,
        profile_name: str,
        disable_env_vars: bool = False,  # noqa: FBT001, FBT002
    ) -> Providers:
        theirs = super().providers(profile_name, disable_env_vars)
        return _with_ours(theirs, [process_provider(self._aws_session, profile_name)])


def _metadata_session(timeout: float) -> Any:
    """Make an HTTP session for metadata services: without TLS and without a proxy."""
    return HttpSession(timeout=(timeout, timeout), metadata=True)


def _instance_provider(session: AioSession) -> CredentialProvider:
    setting = session.get_config_variable
    timeout = setting("metadata_service_timeout")
    endpoint = "ec2_metadata_service_endpoint"
    v1_disabled = "ec2_metadata_v1_disabled"
    fetcher: Any = AioInstanceMetadataFetcher(
        timeout=timeout,
        num_attempts=setting("metadata_service_num_attempts"),
        user_agent=session.user_agent(),
        config={
            endpoint: setting(endpoint),
            v1_disabled: setting(v1_disabled),
            "ec2_metadata_service_endpoint_mode": resolve_imds_endpoint_mode(session),
        },
        session=_metadata_session(timeout),
    )
    return AioInstanceMetadataProvider(iam_role_fetcher=fetcher)
