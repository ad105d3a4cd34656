"""Whose credentials are used, and in which Region.

Importing this imports no SDK.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from sfnwatch.errors import BadFileError, RefusedError, SfnwatchError, UsageError
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean

if TYPE_CHECKING:
    from aiobotocore.session import AioSession


_MFA = "mfa_serial"
_LARGEST = 1 << 20
"""Characters of a file of profiles that are looked at before an SDK reads it."""
_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})
_FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "",
    "AWS_CREDENTIAL_FILE": "",
}
"""By the variable that names what botocore opens, where that is otherwise."""
_WEB_IDENTITY = "web_identity_token_file"
_SIGN_IN = ("aws_", "credential_", "login_", "role_", "source_", "sso_", "web_")
"""How the settings begin by which a profile says where its credentials are from."""


class Keys(Struct, frozen=True):
    """What requests are signed with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __post_init__(self) -> None:
        """Have them hidden wherever they are echoed."""
        KNOWN_SECRETS.keep(self.access_key_id)
        KNOWN_SECRETS.keep(self.secret_access_key)
        KNOWN_SECRETS.keep(self.session_token)

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
        check_files(session)
        known = session.available_profiles
        profile = session.profile
    except (ConfigParseError, OSError, ValueError) as error:
        msg = f"The AWS configuration can't be read: {clean(str(error), 200)}."
        raise BadFileError(msg, hint="Correct it, or move it away.") from error
    if profile is not None and profile not in known:
        names = ", ".join(clean(name) for name in known) or "none"
        # `AWS_PROFILE=` names one as well, for botocore.
        which = f"named {clean(profile)}" if profile else "without a name"
        msg = f"There is no AWS profile {which}."
        raise RefusedError(msg, hint=f"There are: {names}.")
    return session


def region_of(settings: AwsSettings, named: object = None) -> str:
    """Give the Region to ask in: that of what is named, unless another is set.

    Where neither is it is found as the AWS CLI finds it. Raises UsageError if none is
    set, RefusedError for a profile that is not there.
    """
    region = settings.region or getattr(named, "region", None)
    region = region or os.environ.get("AWS_REGION")
    if not region:
        region = _session_of(settings).get_config_variable("region")
    if not region:
        msg = "No Region is set in which to look for state machines."
        raise UsageError(msg, hint="Give --region, or set AWS_REGION.")
    return str(region)


def region_names() -> list[str]:
    """Name all Regions of all partitions, by the list beside botocore."""
    try:
        path = files("botocore") / "data" / "partitions.json"
        partitions = json.loads(path.read_bytes())["partitions"]
        found = [name for part in partitions for name in part["regions"]]
    except (ImportError, OSError, ValueError, KeyError, TypeError):
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
    if settings.access_key_id or not any(_MFA in _text_of(name) for name in _FILES):
        return []
    try:
        return _devices(_session_of(settings), settings)
    except SfnwatchError:
        return []


def profile_names() -> set[str]:
    """Name the profiles of AWS's two files, which write them in two ways."""
    config = r"(?m)^\[(?:profile\s+(.+)|(default))\]"
    found = re.findall(config, _text_of("AWS_CONFIG_FILE"))
    names = {(own or default).strip(" \"'") for own, default in found}
    own = re.findall(r"(?m)^\[(.+)\]", _text_of("AWS_SHARED_CREDENTIALS_FILE"))
    return names.union(own)


def _text_of(variable: str) -> str:
    """Read a file without an SDK, which takes a while to import; mostly in vain."""
    try:
        path = _path_of(variable)
        # A pipe's writer would be waited for.
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except (OSError, RuntimeError, ValueError):
        return ""


def _path_of(variable: str) -> Path:
    """Read a path as botocore does; raises RuntimeError for an unknown home."""
    named = os.environ.get(variable) or _FILES[variable]
    return Path(os.path.expandvars(named)).expanduser()


def check_files(session: "AioSession") -> None:
    """Raise BadFileError for what is named as a file, and is a pipe or a device.

    Botocore would wait for a pipe's writer without end, and the event loop with it.
    """
    for variable in _FILES:
        with suppress(RuntimeError):
            _check_file(variable, _path_of(variable))
    for name, profile in _chain(session.full_config["profiles"], profile_name(session)):
        setting = f"{_WEB_IDENTITY} of the profile {clean(name)}"
        _check_file(setting, Path(str(profile.get(_WEB_IDENTITY, ""))))


def _check_file(setting: str, path: Path) -> None:
    with suppress(OSError):  # who reads it says so
        if not path.exists() or path.is_file() or path.samefile(os.devnull):
            return
        if path != Path():
            msg = f"{setting} is {clean(str(path), 200)}, and that is no file."
            raise BadFileError(msg, hint="Name a file.")


def _devices(session: "AioSession", settings: AwsSettings) -> list[MfaDevice]:
    """Name those of the roles assumed, each with the next one's credentials."""
    chosen = signing_profile(session, settings)
    if not chosen or chosen in settings.signed_in:
        return []
    found: list[MfaDevice] = []
    for name, role in _chain(session.full_config["profiles"], chosen):
        # As botocore goes: a web identity needs none, and keys in a source are taken.
        by_keys = name != chosen and not _KEYS.isdisjoint(role)
        if "role_arn" not in role or _WEB_IDENTITY in role or by_keys:
            break
        if _MFA in role:
            found.append(MfaDevice(chosen, name, str(role[_MFA])))
    return found


def signing_profile(session: "AioSession", settings: AwsSettings) -> str:
    """Name the profile that says where credentials are from; empty where none does."""
    # Keys of the environment come before any profile, but for one that was chosen.
    if settings.profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return ""
    name = profile_name(session)
    said = session.full_config["profiles"].get(name, {})
    return name if any(key.startswith(_SIGN_IN) for key in said) else ""


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


def _chain(
    profiles: Mapping[str, Mapping[str, Any]], name: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a profile, and those that it says its credentials come from."""
    passed = set[str]()
    while name in profiles and name not in passed:
        passed.add(name)
        yield name, profiles[name]
        name = str(profiles[name].get("source_profile", ""))
