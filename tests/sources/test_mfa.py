"""A role that takes an MFA code is refused before anybody is asked; no other is."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from botocore import exceptions as boto
from botocore.credentials import AssumeRoleProvider, Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

import sfnwatch
from sfnwatch.errors import RefusedError
from sfnwatch.sources.aws import Aws, AwsSettings, check_profile
from sfnwatch.sources.drive import Failure
from sfnwatch.trace.events import HealthState
from tests.builders import ARN, REGION

ROLE = "arn:aws:iam::123456789012:role/r"
SERIAL = "arn:aws:iam::123456789012:mfa/me"
NAMES = ("default", "a", "b", "c d")
Profile = dict[str, str]
Profiles = Mapping[str, Profile]
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "none"}
SSO = {
    "sso_start_url": "https://corp.awsapps.com/start",
    "sso_region": REGION,
    "sso_account_id": "123456789012",
    "sso_role_name": "Watcher",
}


def merged(parts: tuple[Mapping[str, str], ...]) -> Profile:
    return {key: value for part in parts for key, value in part.items()}


def maybe(part: Mapping[str, str]) -> st.SearchStrategy[Mapping[str, str]]:
    return st.sampled_from([{}, part])


PROFILE: st.SearchStrategy[Profile] = st.tuples(
    st.sampled_from([{}, {"role_arn": ROLE}, {"role_arn": ROLE}]),
    st.sampled_from([{}, *({"source_profile": name} for name in NAMES)]),
    st.sampled_from([{}, {}, {}, {"credential_source": "Environment"}]),
    maybe({"mfa_serial": SERIAL}),
    st.sampled_from([{}, {}, {}, {"web_identity_token_file": "/token"}]),
    maybe(KEYS),
    st.sampled_from([{}, {}, SSO]),
).map(merged)


class AskedError(Exception):
    """Botocore has asked for a code."""


class Sts:
    """Gives out a role's credentials."""

    def assume_role(self, **_: Any) -> dict[str, Any]:
        until = "2099-01-01T00:00:00Z"
        keys = {"AccessKeyId": "A", "SecretAccessKey": "s", "SessionToken": "t"}
        return {"Credentials": {**keys, "Expiration": until}, "AssumedRoleUser": {}}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left open."""


class Elsewhere:
    """All that has credentials without a role: keys, single sign-on, an environment."""

    METHOD = "elsewhere"

    def load(self) -> Credentials:
        return Credentials("A", "s")

    def providers(self, **_: Any) -> list["Elsewhere"]:
        return [self]

    def is_supported(self, _: str) -> bool:
        return True

    def source_credentials(self, _: str) -> Credentials:
        return self.load()


def asks(profiles: Profiles, name: str) -> bool | None:
    """Tell whether botocore would ask for a code; None for what can't be resolved."""

    def ask(_: str) -> str:
        raise AskedError

    elsewhere: Any = Elsewhere()
    client: Any = lambda *_, **__: Sts()  # noqa: E731 - to the types a client
    provider = AssumeRoleProvider(
        lambda: {"profiles": profiles},
        client,
        {},
        name,
        prompter=ask,
        credential_sourcer=elsewhere,
        profile_provider_builder=elsewhere,
    )
    try:
        credentials = provider.load()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except AskedError:
        return True
    except boto.BotoCoreError:
        return None
    return False


def write(folder: Path, profiles: Profiles, in_credentials: frozenset[str]) -> None:
    """Write profiles as the AWS CLI has them, some in the file of credentials."""
    files: dict[str, list[str]] = {"config": [], "credentials": []}
    for name, profile in profiles.items():
        kept = name in in_credentials
        file = files["credentials" if kept else "config"]
        named = name if kept or name == "default" else f'profile "{name}"'
        file += [f"[{named}]", *(f"{key} = {text}" for key, text in profile.items())]
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")


def at(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))


def refused(profile: str | None) -> str:
    try:
        check_profile(AwsSettings(REGION, profile=profile))
    except RefusedError as error:
        return str(error)
    return ""


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, PROFILE)),
    st.frozensets(st.sampled_from(NAMES)),
    st.sampled_from(NAMES),
    st.sampled_from(["option", "variable"]),
)
def test_a_profile_is_refused_where_botocore_would_ask_and_nowhere_else(
    profiles: Profiles, in_credentials: frozenset[str], name: str, chosen: str
) -> None:
    would = asks(profiles, name)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID", raising=False)
        patch.setenv("AWS_PROFILE", name if chosen == "variable" else "a")
        write(Path(folder), profiles, in_credentials)
        at(patch, Path(folder))
        said = refused(name if chosen == "option" else None)
    if would is None:
        return
    assert ("takes an MFA code" in said) == would
    assert would or said == ""


ADMIN = {"role_arn": ROLE, "source_profile": "keys", "mfa_serial": SERIAL}
PROFILES = {
    "keys": KEYS,
    "admin": ADMIN,
    "chained": {"role_arn": ROLE, "source_profile": "admin"},
}


@pytest.fixture
def configured(
    no_aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    write(tmp_path, PROFILES, frozenset())
    at(monkeypatch, tmp_path)
    return monkeypatch


@pytest.mark.usefixtures("configured")
def test_what_to_do_is_said_in_a_command_that_can_be_copied() -> None:
    assert refused("admin") == (
        "The AWS profile admin takes an MFA code (mfa_serial), and sfnwatch asks for"
        ' none. Run eval "$(aws configure export-credentials --profile admin --format'
        ' env)" first and leave the profile out, or choose one that takes no code.'
    )
    assert "profile chained takes an MFA code (mfa_serial of admin)" in (
        refused("chained")
    )


def test_keys_in_the_environment_come_before_a_profile_that_was_not_chosen(
    configured: pytest.MonkeyPatch,
) -> None:
    configured.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    configured.setenv("AWS_PROFILE", "admin")
    assert refused(None) == ""
    assert refused("admin")


@pytest.mark.usefixtures("configured")
async def test_a_script_is_told_in_an_error() -> None:
    with pytest.raises(sfnwatch.SfnwatchError, match="takes an MFA code"):
        await sfnwatch.watch(ARN, profile="admin")
    with pytest.raises(sfnwatch.SfnwatchError, match="takes an MFA code"):
        await sfnwatch.watch("a-machine", profile="admin", region=REGION)


async def test_a_profile_that_takes_one_from_now_on_is_refused_as_well(
    configured: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a session sees it that is begun anew, once a login has expired."""
    aws = Aws(AwsSettings(REGION, profile="keys"))
    write(tmp_path, {"keys": ADMIN | {"source_profile": "x"}, "x": KEYS}, frozenset())
    with pytest.raises(Failure, match="takes an MFA code") as failed:
        await aws.call("states:DescribeExecution", ARN, REGION, executionArn=ARN)
    assert failed.value.state is HealthState.REFUSED
