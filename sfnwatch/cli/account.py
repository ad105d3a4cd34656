"""The account that a command asks, and signing in to it."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sfnwatch.cli.narration import ask_unseen, can_ask, is_served, narrate
from sfnwatch.errors import UsageError
from sfnwatch.sources.aws_settings import AwsSettings, mfa_devices
from sfnwatch.sources.endpoints import endpoint_refusal


def choose_account(**asked: Any) -> AwsSettings:
    """Return the settings of AWS from options; the Region is empty if none is given.

    Raises UsageError if the endpoint would be asked unencrypted.
    """
    endpoint_url: str | None = asked.get("endpoint_url")
    refusal = endpoint_refusal(endpoint_url)
    if refusal:
        raise UsageError(refusal)
    return AwsSettings(asked.get("region") or "", asked.get("profile"), endpoint_url)


def sign_in(settings: AwsSettings, others: Sequence[str] = ()) -> AwsSettings:
    """Ask for the MFA codes that profiles need; return settings with their credentials.

    This happens before there is a screen, and only at a terminal; without a terminal,
    such a profile is refused when it is used. `others` are further profiles that the
    watch uses. Raises RefusedError for a code that is refused.
    """
    if is_served() or not can_ask():
        return settings
    for profile in (settings.profile, *others):
        account = replace(settings, profile=profile)
        devices = mfa_devices(account)
        if not devices:
            continue
        from sfnwatch.sources.sign_in import have_role

        codes = {device.serial: _ask_code(device.serial) for device in devices}
        keys = asyncio.run(have_role(account, codes))
        signed_in = {**settings.signed_in, devices[0].profile: keys}
        settings = replace(settings, signed_in=signed_in)
    return settings


def signed_in(**asked: Any) -> AwsSettings:
    """Return the settings of `choose_account`, signed in; raises the errors of both."""
    return sign_in(choose_account(**asked))


def _ask_code(serial: str) -> str:
    while True:
        code = ask_unseen(f"MFA code for {serial}: ").strip()
        if re.fullmatch("[0-9]{6}", code):
            return code
        narrate("An MFA code has six digits; ctrl+c ends this.")
