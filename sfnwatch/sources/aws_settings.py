"""The credentials and the Region to use.

Importing this module imports no SDK.
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
"""The most characters read of a profile file here, before an SDK reads it."""
_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})
_FILES = {
    "AWS_CONFIG_FILE": "~/.aws/config",
    "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "",
    "AWS_CREDENTIAL_FILE": "",
}
"""The variables that name files which botocore opens, with the file it opens if the
variable is not set."""
_WEB_IDENTITY = "web_identity_token_file"
_SIGN_IN = ("aws_", "credential_", "login_", "role_", "source_", "sso_", "web_")
"""The prefixes of the settings by which a profile names the origin of its
credentials."""


class Keys(Struct, frozen=True):
    """The keys that requests are signed with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __post_init__(self) -> None:
        """Register the keys as secrets, so that they are hidden in every output."""
        KNOWN_SECRETS.keep(self.access_key_id)
        KNOWN_SECRETS.keep(self.secret_access_key)
        KNOWN_SECRETS.keep(self.session_token)

    def __repr__(self) -> str:
        # A crash report may show local variables.
        return "Keys(…)"


class AwsSettings(Struct, frozen=True):
    """Where and as whom to ask; a None is looked up as the AWS CLI does it."""

    region: str
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    signed_in: Mapping[str, Keys] = {}
    """The keys that were obtained with an MFA code, by profile."""
    simulated: bool = False
    """True if the endpoint is the demo's account, which counts as AWS."""


def check_profile(settings: AwsSettings) -> None:
    """Raise RefusedError for a profile that does not exist or takes an MFA code.

    The profile may also come from AWS_PROFILE. Raises BadFileError for a configuration
    that can't be read.
    """
    if settings.access_key_id:
        return
    refusal = mfa_refusal(_session_of(settings), settings)
    if refusal:
        raise RefusedError(refusal)


def _session_of(settings: AwsSettings) -> "AioSession":
    """Make a session whose profile exists; raises SfnwatchError."""
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
        # Botocore takes an empty AWS_PROFILE for a name as well.
        which = f"named {clean(profile)}" if profile else "without a name"
        msg = f"There is no AWS profile {which}."
        raise RefusedError(msg, hint=f"There are: {names}.")
    return session


def region_of(settings: AwsSettings, named: object = None) -> str:
    """Return the Region to ask in: the one set, or else that of the named resource.

    Without either it is looked up as the AWS CLI does it. Raises UsageError if no
    Region is set, RefusedError for a profile that does not exist.
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
    """Return the names of all Regions of all partitions, from botocore's data files.

    The list is empty if the data can't be read.
    """
    try:
        path = files("botocore") / "data" / "partitions.json"
        partitions = json.loads(path.read_bytes())["partitions"]
        names = [name for partition in partitions for name in partition["regions"]]
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        return []
    return [name for name in names if not name.endswith("-global")]


def login_command(session: "AioSession", profile: str | None) -> str:
    """Return the command that renews a profile's credentials."""
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    option = f" --profile {clean(profile)}" if profile else ""
    try:
        config = session.get_scoped_config()
    except BotoCoreError:
        config = {}
    by_sso = "sso_session" in config or "sso_start_url" in config
    return f"aws {'sso ' if by_sso else ''}login{option}"


class MfaDevice(NamedTuple):
    """An MFA device whose code a role takes."""

    profile: str
    """The profile that was chosen."""
    owner: str
    """The profile that names the device: the chosen one, or one that it leads to."""
    serial: str


def mfa_devices(settings: AwsSettings) -> list[MfaDevice]:
    """List the devices whose codes are needed for credentials; mostly none.

    A profile that can't be read yields none: the error is reported where it is used.
    """
    if settings.access_key_id or not any(_MFA in _text_of(name) for name in _FILES):
        return []
    try:
        return _devices(_session_of(settings), settings)
    except SfnwatchError:
        return []


def profile_names() -> set[str]:
    """Return the profiles of AWS's two files, which write their names in two ways."""
    names: set[str] = set()
    section = r"(?m)^\[(?:profile\s+(.+)|(default))\]"
    for name, default in re.findall(section, _text_of("AWS_CONFIG_FILE")):
        names.add((name or default).strip(" \"'"))
    credentials = _text_of("AWS_SHARED_CREDENTIALS_FILE")
    return names.union(re.findall(r"(?m)^\[(.+)\]", credentials))


def _text_of(variable: str) -> str:
    """Return a file's text, empty if there is none.

    This does without an SDK, because importing one takes a while and mostly finds
    nothing.
    """
    try:
        path = _path_of(variable)
        # Opening a pipe would wait for its writer.
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LARGEST)
    except (OSError, RuntimeError, ValueError):
        return ""


def _path_of(variable: str) -> Path:
    """Return a path as botocore expands it; raises RuntimeError for an unknown home."""
    named = os.environ.get(variable) or _FILES[variable]
    return Path(os.path.expandvars(named)).expanduser()


def check_files(session: "AioSession") -> None:
    """Raise BadFileError if a configured file is a pipe or a device.

    Botocore would wait for a pipe's writer without end, and block the event loop.
    """
    for variable in _FILES:
        with suppress(RuntimeError):
            _check_file(variable, _path_of(variable))
    for name, profile in _chain(session.full_config["profiles"], profile_name(session)):
        setting = f"{_WEB_IDENTITY} of the profile {clean(name)}"
        _check_file(setting, Path(str(profile.get(_WEB_IDENTITY, ""))))


def _check_file(setting: str, path: Path) -> None:
    with suppress(OSError):  # whoever reads the file reports it
        if not path.exists() or path.is_file() or path.samefile(os.devnull):
            return
        if path != Path():
            msg = f"{setting} is {clean(str(path), 200)}, and that is no file."
            raise BadFileError(msg, hint="Name a file.")


def _devices(session: "AioSession", settings: AwsSettings) -> list[MfaDevice]:
    """List the MFA devices of the roles that the chosen profile assumes in turn."""
    chosen = signing_profile(session, settings)
    if not chosen or chosen in settings.signed_in:
        return []
    found: list[MfaDevice] = []
    for name, role in _chain(session.full_config["profiles"], chosen):
        # As in botocore: a web identity needs no device, and a source's own keys end
        # the chain.
        by_keys = name != chosen and not _KEYS.isdisjoint(role)
        if "role_arn" not in role or _WEB_IDENTITY in role or by_keys:
            break
        if _MFA in role:
            found.append(MfaDevice(chosen, name, str(role[_MFA])))
    return found


def signing_profile(session: "AioSession", settings: AwsSettings) -> str:
    """Return the profile that says where credentials are from; empty if none does."""
    # Keys in the environment come before any profile, except one chosen explicitly.
    if settings.profile is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return ""
    name = profile_name(session)
    for key in session.full_config["profiles"].get(name, {}):
        if key.startswith(_SIGN_IN):
            return name
    return ""


def profile_name(session: "AioSession") -> str:
    """Return the profile that an option, a variable or the default chose."""
    return str(session.get_config_variable("profile") or "default")


def mfa_refusal(session: "AioSession", settings: AwsSettings) -> str:
    """Return why credentials can't be obtained without an MFA code; empty if they can.

    Botocore reads the code with getpass: from the terminal that shows the screen, and
    inside the event loop, which it blocks.
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
    """Yield a profile and then each `source_profile` that it leads to."""
    passed = set[str]()
    while name in profiles and name not in passed:
        passed.add(name)
        yield name, profiles[name]
        name = str(profiles[name].get("source_profile", ""))
