"""Profiles: whose credentials, in which Region, and what is refused beforehand."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sfnwatch.errors import BadFileError, RefusedError, UsageError
from sfnwatch.model.records import HealthState
from sfnwatch.sources.answers import AwsRequest, Failure
from sfnwatch.sources.aws_client import AwsClient
from sfnwatch.sources.profiles import (
    AwsSettings,
    check_profile,
    configured_region,
    region_names,
)
from tests.builders import ARN, REGION

ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"
MFA = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
KEYS = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of profiles, empty."""
    path = tmp_path / "aws-config"
    path.write_text("")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


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
    config: Path, profile: str | None, text: str, command: str
) -> None:
    config.write_text(text)
    assert AwsClient(AwsSettings(REGION, profile=profile)).login == command


@pytest.mark.parametrize("named_by", ["option", "environment"])
def test_a_profile_that_is_gone_is_refused_naming_those_that_are_there(
    config: Path, named_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[profile dev]\n[profile prod]\n")
    monkeypatch.setenv("AWS_PROFILE", "gone" if named_by == "environment" else "dev")
    assert refusal("go\x1bne" if named_by == "option" else None).endswith(
        "ne. There are: dev, prod."
    )


def test_a_configuration_that_can_not_be_read_is_named(config: Path) -> None:
    config.write_text("[profile")
    with pytest.raises(BadFileError, match=str(config)):
        check_profile(AwsSettings(REGION))


def test_the_region_is_the_one_that_is_set(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configured_region("eu-west-1", None) == "eu-west-1"
    with pytest.raises(UsageError, match=r"No Region is set.*Give --region"):
        configured_region(None, None)
    config.write_text("[default]\nregion = eu-north-1\n[profile a]\nregion = sa-east-1")
    assert configured_region(None, None) == "eu-north-1"
    assert configured_region(None, "a") == "sa-east-1"
    with pytest.raises(RefusedError, match="There is no AWS profile named b"):
        configured_region(None, "b")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert configured_region(None, "a") == "us-west-2"


def test_regions_of_all_partitions_are_named() -> None:
    assert {"eu-west-1", "cn-north-1", "us-gov-west-1"} <= set(region_names())


# -- codes that nobody is asked for ------------------------------------------------

SOURCE = f"[profile source]\n{KEYS}"
DEV = f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
ASKS: dict[str, tuple[str, str | None, Mapping[str, str]]] = {
    "itself": (SOURCE + DEV, "dev", {}),
    "its source": (f"{SOURCE}{DEV}[profile a]\n{ROLE}source_profile = dev", "a", {}),
    "the default": (
        f"{SOURCE}[default]\n{ROLE}source_profile = source\n{MFA}",
        None,
        {},
    ),
    "a variable": (SOURCE + DEV, None, {"AWS_PROFILE": "dev"}),
    "an environment's keys": (
        f"[profile dev]\n{ROLE}credential_source = Environment\n{MFA}",
        "dev",
        {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"},
    ),
    "itself in a circle": (f"[profile a]\n{ROLE}source_profile = a\n{MFA}", "a", {}),
}
ASKS_NOT: dict[str, tuple[str, str | None, Mapping[str, str]]] = {
    "keys beside it": (f"[profile a]\n{KEYS}{MFA}", "a", {}),
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
        {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_PROFILE": "dev",
        },
    ),
}


@pytest.mark.parametrize("case", [*ASKS, *ASKS_NOT])
async def test_a_role_that_takes_a_code_is_refused_and_no_other(
    config: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    text, profile, env = (ASKS | ASKS_NOT)[case]
    config.write_text(text)  # noqa: ASYNC240 - nothing else runs
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    said = refusal(profile)
    assert ("takes an MFA code (mfa_serial" in said) == (case in ASKS), said
    if case in ASKS:
        async with AwsClient(AwsSettings(REGION, profile=profile)) as aws:
            request = AwsRequest("states:DescribeExecution", ARN, REGION, dict, {})
            with pytest.raises(Failure, match="takes an MFA code") as failed:
                await aws.call(request)
        assert failed.value.state is HealthState.REFUSED


def test_what_to_do_about_a_code_is_a_command_that_can_be_copied(config: Path) -> None:
    config.write_text(f"{SOURCE}{DEV}[profile top]\n{ROLE}source_profile = dev\n")
    assert refusal("top") == (
        "The AWS profile top takes an MFA code (mfa_serial of dev), and sfnwatch asks"
        ' for it on a terminal alone. Run eval "$(aws configure export-credentials'
        ' --profile top --format env)" first and leave the profile out, or choose one'
        " that takes no code."
    )
