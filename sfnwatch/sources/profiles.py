"""Whose credentials are used, and in which Region: what is said before AWS is asked.

Importing this imports no SDK.
"""

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from sfnwatch.errors import BadFileError, RefusedError, SfnwatchError, UsageError
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from aiobotocore.session import AioSession

_MFA = "mfa_serial"
_LARGEST = 1 << 20
"""Bytes of a file of profiles that are looked at before an SDK reads it."""
_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})


class Keys(Struct, frozen=True):
    """What requests are signed with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        # A crash may show what its functions held.
        return "Keys(…)"


class AwsSettings(Struct, frozen=True):
    """Where and as whom to ask; what is None is found as the AWS CLI finds it."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    signed_in: Mapping[str, Keys] = {}
    """By profile what its MFA code was given for."""


def check_profile(settings: AwsSettings) -> None:
    """Raise RefusedError for a profile that is not there, or takes an MFA code.

    The profile may be one that AWS_PROFILE names. Raises BadFileError for a
    configuration that can't be read.
    """
    if settings.access_key_id:
        return
    if refused := mfa_refusal(_session_of(settings), settings):
        raise RefusedError(refused)


def _session_of(settings: AwsSettings) -> "AioSession":
    """Make a session whose profile is there; raises SfnwatchError."""
    from aiobotocore.session import AioSession  # noqa: PLC0415
    from botocore.exceptions import ConfigParseError  # noqa: PLC0415

    session = AioSession(profile=settings.profile)
    try:
        known, profile = session.available_profiles, session.profile
    except (ConfigParseError, OSError, ValueError) as error:
        msg = f"The AWS configuration can't be read: {clean(str(error), 200)}."
        if isinstance(error, ConfigParseError):
            path = clean(str(error.kwargs["path"]))
            msg = f"{path}: no AWS configuration can be read."
        raise BadFileError(msg, hint="Correct it, or move it away.") from error
    if profile and profile not in known:
        names = ", ".join(clean(name) for name in known) or "none"
        msg = f"There is no AWS profile named {clean(profile)}."
        raise RefusedError(msg, hint=f"There are: {names}.")
    return session


def configured_region(region: str | None, profile: str | None) -> str:
    """Give the Region to ask in where no ARN names one, as the AWS CLI finds it.

    Raises UsageError if none is set, RefusedError for a profile that is not there.
    """
    region = region or os.environ.get("AWS_REGION")
    if not region:
        session = _session_of(AwsSettings("", profile=profile))
        region = session.get_config_variable("region")
    if not region:
        msg = "No Region is set in which to look for state machines."
        raise UsageError(msg, hint="Give --region, or set AWS_REGION.")
    return str(region)


def region_names() -> list[str]:
    """Name all Regions of all partitions, by the list beside botocore."""
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        return []
    try:
        path = Path(spec.origin).with_name("data") / "partitions.json"
        partitions = json.loads(path.read_bytes())["partitions"]
        found = [name for part in partitions for name in part["regions"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in found if not name.endswith("-global")]


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


class MfaDevice(NamedTuple):
    """What a role takes a code of."""

    profile: str
    """The profile that was chosen."""
    owner: str
    """The one that names the device: it, or one that it leads to."""
    serial: str


def mfa_devices(settings: AwsSettings) -> list[MfaDevice]:
    """Name the devices whose codes are needed for credentials; mostly none.

    A profile that can't be read has none: who uses it is told why.
    """
    if settings.access_key_id or not any(map(_names_a_device, _files())):
        return []
    try:
        return _devices(_session_of(settings), settings)
    except SfnwatchError:
        return []


def _files() -> Iterator[Path]:
    """Name the files in which profiles are."""
    yield Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    yield Path(named or "~/.aws/credentials")


def _names_a_device(path: Path) -> bool:
    """Tell without an SDK, which takes a while to import."""
    try:
        path = path.expanduser()
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _MFA.encode() in file.read(_LARGEST)
    except (OSError, RuntimeError, ValueError):
        return False


def _devices(session: "AioSession", settings: AwsSettings) -> list[MfaDevice]:
    # Keys of the environment come before any profile, but for one that was chosen.
    if settings.profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return []
    chosen = profile_name(session)
    if chosen in settings.signed_in:
        return []
    roles = _assumed_roles(session.full_config["profiles"], chosen)
    return [
        MfaDevice(chosen, name, str(role[_MFA])) for name, role in roles if _MFA in role
    ]


def profile_name(session: "AioSession") -> str:
    """Name the profile that was chosen, by whatever."""
    return str(session.get_config_variable("profile") or "default")


def mfa_refusal(session: "AioSession", settings: AwsSettings) -> str:
    """Say why credentials can't be had without an MFA code; empty where they can.

    Botocore reads the code with getpass: from the terminal that the screen is on, and
    inside the event loop, which then stands still.
    """
    devices = _devices(session, settings)
    if not devices:
        return ""
    name, owner, _ = devices[0]
    serial = _MFA if owner == name else f"{_MFA} of {clean(owner)}"
    command = f"aws configure export-credentials --profile {shlex.quote(clean(name))}"
    return (
        f"The AWS profile {clean(name)} takes an MFA code ({serial}), and sfnwatch asks"
        f' for it on a terminal alone. Run eval "$({command} --format env)" first and'
        " leave the profile out, or choose one that takes no code."
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
