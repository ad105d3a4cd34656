"""Whose credentials are used, and in which Region: what is said before AWS is asked.

Importing this imports no SDK.
"""

import json
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from sfnwatch.errors import BadFileError, RefusedError, UsageError
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

_MFA = "mfa_serial"
_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})


class AwsSettings(Struct, frozen=True):
    """Where and as whom to ask; what is None is found as the AWS CLI finds it."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


def check_profile(settings: AwsSettings) -> None:
    """Raise RefusedError for a profile that is not there, or takes an MFA code.

    The profile may be one that AWS_PROFILE names. Raises BadFileError for a
    configuration that can't be read.
    """
    if settings.access_key_id:
        return
    from aiobotocore.session import AioSession  # noqa: PLC0415
    from botocore.exceptions import ConfigParseError  # noqa: PLC0415

    session = AioSession(profile=settings.profile)
    try:
        known, profile = session.available_profiles, session.profile
    except ConfigParseError as error:
        msg = f"{clean(str(error.kwargs['path']))}: no AWS configuration can be read."
        raise BadFileError(msg, hint="Correct it, or move it away.") from error
    if profile and profile not in known:
        names = ", ".join(clean(name) for name in known) or "none"
        msg = f"There is no AWS profile named {clean(profile)}."
        raise RefusedError(msg, hint=f"There are: {names}.")
    if refused := mfa_refusal(session):
        raise RefusedError(refused)


def configured_region(region: str | None, profile: str | None) -> str:
    """Give the Region to ask in where no ARN names one, as the AWS CLI finds it.

    Raises UsageError if none is set, RefusedError for a profile that is not there.
    """
    region = region or os.environ.get("AWS_REGION")
    if region:
        return region
    from aiobotocore.session import AioSession  # noqa: PLC0415

    check_profile(AwsSettings("", profile=profile))
    region = AioSession(profile=profile).get_config_variable("region")
    if not region:
        msg = "No Region is set in which to look for state machines."
        raise UsageError(msg, hint="Give --region, or set AWS_REGION.")
    return str(region)


def region_names() -> list[str]:
    """Name all Regions of all partitions, by the list beside botocore."""
    spec = find_spec("botocore")
    places: Iterable[str] = spec.submodule_search_locations or () if spec else ()
    for place in places:
        try:
            data = json.loads((Path(place) / "data" / "partitions.json").read_bytes())
            found = [name for part in data["partitions"] for name in part["regions"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return [name for name in found if not name.endswith("-global")]
    return []


def login_command(session: "AioSession", profile: str | None) -> str:
    """Give the command that renews a profile's credentials."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    option = f" --profile {clean(profile)}" if profile else ""
    try:
        config = session.get_scoped_config()
    except BotoCoreError:
        config = {}
    by_sso = "sso_session" in config or "sso_start_url" in config
    return f"aws {'sso ' if by_sso else ''}login{option}"


def mfa_refusal(session: "AioSession") -> str:
    """Say why credentials can't be had without an MFA code; empty where they can.

    Botocore reads the code with getpass: from the terminal that the screen is on, and
    inside the event loop, which then stands still. No public way leads to what it asks
    with, so it is told beforehand from the profiles.
    """
    chosen = session.instance_variables().get("profile")
    # Keys of the environment come before any profile, but for one that was chosen.
    if chosen is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return ""
    name = str(session.get_config_variable("profile") or "default")
    roles = _assumed_roles(session.full_config["profiles"], name)
    whose = next((each for each, role in roles if _MFA in role), None)
    if whose is None:
        return ""
    serial = _MFA if whose == name else f"{_MFA} of {clean(whose)}"
    command = f"aws configure export-credentials --profile {shlex.quote(clean(name))}"
    return (
        f"The AWS profile {clean(name)} takes an MFA code ({serial}), and sfnwatch asks"
        f' for none. Run eval "$({command} --format env)" first and leave the profile'
        " out, or choose one that takes no code."
    )


def _assumed_roles(
    profiles: Mapping[str, Mapping[str, Any]], name: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the profiles whose roles are assumed, each with the next one's credentials.

    As botocore goes: a web identity needs none, and keys in a source are taken.
    """
    passed = set[str]()
    while name not in passed:
        role = profiles.get(name, {})
        by_keys = passed and not _KEYS.isdisjoint(role)
        if "role_arn" not in role or "web_identity_token_file" in role or by_keys:
            return
        yield name, role
        passed.add(name)
        name = str(role.get("source_profile", ""))
