"""A profile whose role takes an MFA code: said in a sentence, and never asked for.

On a terminal, where botocore would ask: from inside the loop that draws the screen.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.program.programs import KEYS, Program, Served

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run"
ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"
MFA = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
STATIC = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n"
SOURCE = "[profile source]\n" + STATIC
DEV = f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
CASES: Mapping[str, tuple[str, str, Mapping[str, str], tuple[str, ...]]] = {
    "itself": (SOURCE + DEV, "", {}, ("--profile", "dev")),
    "its source": (
        f"{SOURCE}{DEV}[profile top]\n{ROLE}source_profile = dev\n",
        "",
        {},
        ("--profile", "top"),
    ),
    "in the credentials": (
        "",
        f"[source]\n{STATIC}[dev]\n{ROLE}source_profile = source\n{MFA}",
        {},
        ("--profile", "dev"),
    ),
    "halves of both": (
        f"[profile dev]\n{ROLE}source_profile = source\n",
        f"[source]\n{STATIC}[dev]\n{MFA}",
        {},
        ("--profile", "dev"),
    ),
    "the default": (
        f"{SOURCE}[default]\n{ROLE}source_profile = source\n{MFA}",
        "",
        {},
        (),
    ),
    "a variable": (SOURCE + DEV, "", {"AWS_PROFILE": "dev"}, ()),
    "our variable": (SOURCE + DEV, "", {"SFNWATCH_PROFILE": "dev"}, ()),
    "an environment's keys": (
        f"[profile dev]\n{ROLE}credential_source = Environment\n{MFA}",
        "",
        KEYS,
        ("--profile", "dev"),
    ),
    "an account of the trail's": (
        SOURCE + DEV,
        "",
        KEYS,
        ("--trail-profile", "dev"),
    ),
}
COMMANDS = {
    "watch": (ARN, "--no-record"),
    "plain": (ARN, "--no-record", "--plain"),
    "machine": ("watch", "a-machine", "--no-record"),
    "wait": ("wait", ARN),
    "explain": ("explain", ARN),
    "export": ("export", ARN, "--to", "json"),
    "compare": ("compare", ARN, f"{ARN}2"),
}


def configured(tmp_path: Path, config: str, credentials: str = "") -> dict[str, Any]:
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(credentials)
    return {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_REGION": "eu-west-1",
    }


def sentence(program: Program, words: tuple[str, ...], env: Mapping[str, Any]) -> str:
    """Give what it ended with, by itself, on a terminal where nobody presses a key."""
    terminal = program.terminal(*words, columns=400, **env)
    assert terminal.wait() == 3
    assert b"MFA code for" not in terminal.raw
    assert b"Traceback" not in terminal.raw
    *_, last = terminal.raw.decode().split("\x1b[?1006l")[-1].splitlines()
    return last


@pytest.mark.parametrize("case", CASES)
def test_it_ends_by_itself_and_says_what_to_do(
    program: Program, tmp_path: Path, case: str
) -> None:
    config, credentials, env, options = CASES[case]
    env = {**configured(tmp_path, config, credentials), **env}
    said = sentence(program, (ARN, "--no-record", *options), env)
    assert said.startswith("sfnwatch: The AWS profile ")
    assert "takes an MFA code (mfa_serial" in said
    assert 'Run eval "$(aws configure export-credentials --profile ' in said


@pytest.mark.parametrize("command", COMMANDS)
def test_so_does_every_command_that_asks_aws(
    program: Program, tmp_path: Path, command: str
) -> None:
    env = configured(tmp_path, SOURCE + DEV)
    said = sentence(program, (*COMMANDS[command], "--profile", "dev"), env)
    assert said.startswith("sfnwatch: The AWS profile dev takes an MFA code")


def test_the_picker_says_it_on_its_screen(program: Program, tmp_path: Path) -> None:
    env = configured(tmp_path, SOURCE + DEV)
    terminal = program.terminal("--profile", "dev", columns=400, **env)
    terminal.until("The AWS profile dev takes an MFA code")
    terminal.press("q")
    terminal.wait()
    assert b"MFA code for" not in terminal.raw


def test_what_takes_no_code_is_watched_as_before(
    program: Program, tmp_path: Path
) -> None:
    served = Served(program, "async", speed=5000)
    key, secret = KEYS.values()
    keys = f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
    # Other tools' setting beside keys; and keys of the environment before all.
    env = configured(tmp_path, f"{SOURCE}{DEV}[profile mine]\n{keys}{MFA}")
    words = (served.execution, "--plain", "--drain", "0", "--no-record")
    asked = (*words, "--endpoint-url", served.url)
    assert program(*asked, "--profile", "mine", **env).code == 0
    assert program(*asked, **env, **KEYS, AWS_PROFILE="dev").code == 0
