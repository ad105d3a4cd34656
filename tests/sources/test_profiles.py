"""Profiles: whose credentials, in which Region, and what is refused beforehand."""

import os
from collections.abc import Mapping

import pytest

from sfnwatch.errors import BadFileError, RefusedError, UsageError
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.profiles import (
    AwsSettings,
    check_profile,
    configured_region,
    region_names,
)
from tests.builders import REGION
from tests.sources.conftest import Configure
from tests.sources.profiles import KEYS, MFA, ROLE


def refusal(profile: str | None) -> str:
    try:
        check_profile(AwsSettings(REGION, profile=profile))
    except RefusedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("profile", "text", "command"),
    [
        (None, "", "aws login"),
        ("dev", "[profile dev]\nregion = eu-west-1\n", "aws login --profile dev"),
        (
            "sso",
            "[profile sso]\nsso_session = corp\n[sso-session corp]\n",
            "aws sso login --profile sso",
        ),
        ("old", "[profile old]\nsso_start_url = x\n", "aws sso login --profile old"),
        ("gone", "[profile dev]\n", "aws login --profile gone"),
    ],
)
def test_the_command_that_renews_a_login_is_that_of_the_profile(
    configure: Configure, profile: str | None, text: str, command: str
) -> None:
    configure(text)
    assert AwsClient(AwsSettings(REGION, profile=profile)).login == command


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_profile_that_is_gone_is_refused_naming_those_that_are_there(
    configure: Configure, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("[profile dev]\n[profile prod]\n")
    monkeypatch.setenv("AWS_PROFILE", "gone" if named_by == "environment" else "dev")
    assert refusal("go\x1bne" if named_by == "option" else None).endswith(
        "ne. There are: dev, prod."
    )


def test_a_configuration_that_can_not_be_read_is_named(configure: Configure) -> None:
    configure("[profile")
    with pytest.raises(BadFileError, match=os.environ["AWS_CONFIG_FILE"]):
        check_profile(AwsSettings(REGION))


def test_the_region_is_the_one_that_is_set(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured_region("eu-west-1", None) == "eu-west-1"
    with pytest.raises(UsageError, match=r"No Region is set.*Give --region"):
        configured_region(None, None)
    configure("[default]\nregion = eu-north-1\n[profile a]\nregion = sa-east-1")
    assert configured_region(None, None) == "eu-north-1"
    assert configured_region(None, "a") == "sa-east-1"
    for name, words in (("b", "named b"), ("", "without a name")):
        with pytest.raises(RefusedError, match=f"There is no AWS profile {words}"):
            configured_region(None, name)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert configured_region(None, "a") == "us-west-2"


def test_regions_of_all_partitions_are_named() -> None:
    assert {"eu-west-1", "cn-north-1", "us-gov-west-1"} <= set(region_names())


# -- codes that nobody is asked for ------------------------------------------------

SOURCE = f"[profile source]\n{KEYS}"
DEV = f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
KEYS_OF_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "none"}
NO_ENVIRONMENT: Mapping[str, str] = {}
ASKS = {
    "itself": (SOURCE + DEV, "dev", NO_ENVIRONMENT),
    "its source": (f"{SOURCE}{DEV}[profile a]\n{ROLE}source_profile = dev", "a", {}),
    "the default": (SOURCE + DEV.replace("profile dev", "default"), None, {}),
    "a variable": (SOURCE + DEV, None, {"AWS_PROFILE": "dev"}),
    "an environment's keys": (
        f"[profile dev]\n{ROLE}credential_source = Environment\n{MFA}",
        "dev",
        KEYS_OF_ENVIRONMENT,
    ),
    "itself in a circle": (f"[profile a]\n{ROLE}source_profile = a\n{MFA}", "a", {}),
}
ASKS_NOT = {
    "keys beside it": (f"[profile a]\n{KEYS}{MFA}", "a", NO_ENVIRONMENT),
    "a web identity": (
        f"[profile a]\n{ROLE}{MFA}web_identity_token_file = /t\n",
        "a",
        {},
    ),
    "keys in the source": (
        f"[profile s]\n{KEYS}{ROLE}{MFA}[profile a]\n{ROLE}source_profile = s\n",
        "a",
        {},
    ),
    "keys of the environment before a profile nobody chose": (
        SOURCE + DEV,
        None,
        {**KEYS_OF_ENVIRONMENT, "AWS_PROFILE": "dev"},
    ),
}


@pytest.mark.parametrize("case", [*ASKS, *ASKS_NOT])
async def test_a_role_that_takes_a_code_is_refused_and_no_other(
    configure: Configure, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    text, profile, env = (ASKS | ASKS_NOT)[case]
    configure(text)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    said = refusal(profile)
    assert ("takes an MFA code (mfa_serial" in said) == (case in ASKS), said


def test_what_to_do_about_a_code_is_a_command_that_can_be_copied(
    configure: Configure,
) -> None:
    configure(f"{SOURCE}{DEV}[profile top]\n{ROLE}source_profile = dev\n")
    assert refusal("top") == (
        "The AWS profile top takes an MFA code (mfa_serial of dev), and sfnwatch asks"
        ' for it on a terminal alone. Run eval "$(aws configure export-credentials'
        ' --profile top --format env)" first and leave the profile out, or choose one'
        " that takes no code."
    )
