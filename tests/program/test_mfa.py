"""A profile whose role takes an MFA code: said in a sentence, and never asked for.

On a terminal, where botocore would ask: from inside the loop that draws the screen.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.programs import KEYS
from tests.program.programs import Processes

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run"
ROLE = "role_arn = arn:aws:iam::123456789012:role/r\n"
MFA = "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
STATIC = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n"
CONFIG = (
    f"[profile source]\n{STATIC}"
    f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
    f"[profile top]\n{ROLE}source_profile = dev\n"
)
ASKING: Mapping[tuple[str, ...], Mapping[str, str]] = {
    (ARN, "--no-record", "--plain", "--profile", "top"): {},
    ("watch", "a-machine", "--no-record"): {"AWS_PROFILE": "dev"},
    ("explain", ARN): {"SFNWATCH_PROFILE": "dev"},
}
"""A screen's command, one that looks for a machine, and one that reports."""


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "aws").write_text(CONFIG)
    return {"AWS_CONFIG_FILE": str(tmp_path / "aws"), "AWS_REGION": "eu-west-1"}


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_command_that_asks_aws_ends_by_itself_and_says_what_to_do(
    program: Processes, configured: dict[str, Any], words: tuple[str, ...]
) -> None:
    terminal = program.terminal(*words, columns=400, **{**configured, **ASKING[words]})
    assert terminal.wait() == 3
    assert b"MFA code for" not in terminal.raw
    assert b"Traceback" not in terminal.raw
    *_, said = terminal.raw.decode().split("\x1b[?1006l")[-1].splitlines()
    assert said.startswith("sfnwatch: The AWS profile ")
    assert "takes an MFA code (mfa_serial" in said
    assert 'Run eval "$(aws configure export-credentials --profile ' in said


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--profile", "dev"), 0), ((ARN, "--trail-profile", "dev"), 3)],
    ids=["picker", "trail"],
)
def test_a_screen_says_it_and_goes_on_being_one(
    program: Processes, configured: dict[str, Any], words: tuple[str, ...], code: int
) -> None:
    keys: dict[str, Any] = {**KEYS} if code else {}
    terminal = program.terminal(*words, columns=400, **{**configured, **keys})
    terminal.until("The AWS profile dev takes an MFA code")
    terminal.quit(code=code)
    assert b"MFA code for" not in terminal.raw
