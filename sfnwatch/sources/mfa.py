"""Roles that are assumed with an MFA code, which nobody is asked for here.

Botocore reads the code with getpass: from the terminal that the screen is on, and
inside the event loop, which then stands still. No public way leads to what it asks
with, so it is told beforehand from the profiles.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from aiobotocore.session import AioSession

from sfnwatch.trace.text import clean

_SERIAL = "mfa_serial"
_KEYS = frozenset({"aws_access_key_id", "aws_secret_access_key"})


def mfa_refusal(session: AioSession) -> str:
    """Say why credentials can't be had for a session; empty where no code is needed."""
    chosen = session.instance_variables().get("profile")
    # Keys of the environment come before any profile, but for one that was chosen.
    if chosen is None and os.environ.get("AWS_ACCESS_KEY_ID"):
        return ""
    name = str(session.get_config_variable("profile") or "default")
    roles = _roles(session.full_config["profiles"], name)
    whose = next((each for each, role in roles if _SERIAL in role), None)
    if whose is None:
        return ""
    serial = _SERIAL if whose == name else f"{_SERIAL} of {clean(whose)}"
    command = f"aws configure export-credentials --profile {shlex.quote(clean(name))}"
    return (
        f"The AWS profile {clean(name)} takes an MFA code ({serial}), and sfnwatch asks"
        f' for none. Run eval "$({command} --format env)" first and leave the profile'
        " out, or choose one that takes no code."
    )


def _roles(
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
