"""A profile whose role takes an MFA code: asked for on a terminal, before the screen.

Botocore would ask from inside the loop that draws the screen. Without a terminal there
is a sentence: see tests/reliability/test_login.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.cli.programs import KEYS, serving
from tests.program.programs import Processes
from tests.reliability.servers import answering
from tests.sources.profiles import MFA, ROLE

ARN = "arn:aws:states:eu-west-1:123456789012:execution:machine:run"
STATIC = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = none\n"
CONFIG = (
    f"[profile source]\n{STATIC}"
    f"[profile dev]\n{ROLE}source_profile = source\n{MFA}"
    f"[profile top]\n{ROLE}source_profile = dev\n"
)
SCREEN = b"\x1b[?1049h"
"""What a terminal is sent for a screen."""


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "aws").write_text(CONFIG)
    return {"AWS_CONFIG_FILE": str(tmp_path / "aws"), "AWS_REGION": "eu-west-1"}


ROLE_KEYS = """<AssumeRoleResponse><AssumeRoleResult><Credentials>
<AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>{}-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""
REFUSED = """<ErrorResponse><Error><Code>AccessDenied</Code><Message>\x9b31m
MultiFactorAuthentication failed with invalid MFA one time pass code.</Message></Error>
</ErrorResponse>"""


def given(_: Any) -> tuple[int, bytes]:
    """Answer as STS does, with keys that the demo's account takes."""
    year = datetime.now(UTC).year + 1
    return 200, ROLE_KEYS.format(*KEYS.values(), year).encode()


def refused(_: Any) -> tuple[int, bytes]:
    return 403, REFUSED.encode()


def test_the_code_is_asked_for_before_there_is_a_screen_and_is_good_for_all_of_it(
    program: Processes, configured: dict[str, Any]
) -> None:
    bodies = list[bytes]()
    with answering(given, bodies) as sts, serving(["async"], speed=2000) as served:
        words = served.words("watch", served.execution, "--drain", "0", "--no-record")
        own = {**configured, "AWS_ENDPOINT_URL_STS": sts}
        terminal = program.terminal(*words, "--profile", "dev", columns=200, **own)
        terminal.until("MFA code for arn:aws:iam::123456789012:mfa/me: ")
        terminal.child.sendline("98765")
        terminal.until("An MFA code has six digits")
        assert SCREEN not in terminal.raw
        terminal.child.sendline("987654")
        terminal.until("SUCCEEDED")
        terminal.quit()
    (asked,) = (dict(parse_qsl(body.decode())) for body in bodies)
    assert asked["TokenCode"] == "987654"
    assert asked["SerialNumber"] == "arn:aws:iam::123456789012:mfa/me"
    assert b"98765" not in terminal.raw


def test_a_code_that_is_refused_ends_it_with_what_aws_said(
    program: Processes, configured: dict[str, Any]
) -> None:
    with answering(refused) as sts:
        # The Region is the ARN's: none is configured.
        own = {**configured, "AWS_ENDPOINT_URL_STS": sts, "AWS_REGION": ""}
        terminal = program.terminal("wait", ARN, "--profile", "dev", columns=400, **own)
        terminal.until("MFA code for")
        terminal.child.sendline("000000")
        assert terminal.wait() == 3
    said = terminal.raw.decode().splitlines()[-1]
    assert said.startswith("sfnwatch: AWS credentials: AssumeRole: AccessDenied. ")
    assert "invalid MFA one time pass code" in said
    assert said.isprintable()


def test_who_does_not_want_to_say_a_code_leaves(
    program: Processes, configured: dict[str, Any]
) -> None:
    path = Path(configured["AWS_CONFIG_FILE"])
    path.write_text(CONFIG.replace(":mfa/me", ":mfa/\x1b]0;title\x07"))
    for key in ("\x03", "\x04"):
        terminal = program.terminal("explain", ARN, "--profile", "top", **configured)
        terminal.until("MFA code for")
        terminal.child.send(key)
        assert terminal.wait() == 130
        assert b"Traceback" not in terminal.raw
        assert b"\x1b]0;" not in terminal.raw


def test_a_second_account_s_profile_has_its_code_asked_for_too(
    program: Processes, configured: dict[str, Any]
) -> None:
    terminal = program.terminal(ARN, "--trail-profile", "dev", **configured | KEYS)
    terminal.until("MFA code for")
    terminal.child.send("\x03")
    assert terminal.wait() == 130
    assert SCREEN not in terminal.raw
