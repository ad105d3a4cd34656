"""Whom to ask, for what, and as whom: what the options that concern AWS come to.

Imported once that is wanted: it costs more than to read a command line.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from sfnwatch.cli.display import is_served
from sfnwatch.cli.narration import ask_unseen, can_ask, narrate
from sfnwatch.clock import ServerClock
from sfnwatch.errors import UsageError
from sfnwatch.model.arns import Named
from sfnwatch.model.children import ListFilter
from sfnwatch.sources.permissions import endpoint_refusal
from sfnwatch.sources.profiles import AwsSettings, mfa_devices
from sfnwatch.sources.targets import CallOptions, ChildOptions

if TYPE_CHECKING:
    from sfnwatch.sources.discovery import Found

_CODE_DIGITS = 6


class AwsOptions(NamedTuple):
    """Whom to ask, and for what."""

    settings: AwsSettings
    """Its Region is empty where none is given."""
    calls: CallOptions
    children: ChildOptions

    def signed_in(self) -> "AwsOptions":
        """Give the same with what MFA codes are given for; see `sign_in`."""
        return self._replace(settings=sign_in(self.settings, self.calls.profiles))


def choose_account(
    *, profile: str | None, region: str | None, endpoint_url: str | None, **_: Any
) -> AwsSettings:
    """Read whom to ask; raises UsageError where that would be in the clear."""
    if refused := endpoint_refusal(endpoint_url):
        raise UsageError(refused)
    return AwsSettings(region or "", profile, endpoint_url)


def choose_aws(**asked: Any) -> AwsOptions:
    """Read whom to ask, and for what; raises UsageError for what can't be so."""
    account = choose_account(**asked)
    known = {k: v for k, v in asked.items() if k in CallOptions.__struct_fields__}
    calls = CallOptions(lookup=not asked["no_lookup"], **known)
    _check_pairs(calls)
    _check_places(calls)
    return AwsOptions(account, calls, ChildOptions(asked["depth"], asked["children"]))


_PAIRS = (
    ("consume", "--queue URL", "queue"),
    ("live_tail", "--log-group NAME", "log_group"),
    ("sql", "--archive PATH", "archive"),
    ("athena_partitions", "--athena TABLE", "athena"),
    ("athena_workgroup", "--athena TABLE", "athena"),
    ("athena_output", "--athena TABLE", "athena"),
)
"""What is for another option, how that is written, and its name."""


def _check_pairs(calls: CallOptions) -> None:
    """Raise UsageError for an option that is for another which is not there."""
    for name, needs, other in _PAIRS:
        there = getattr(calls, other)
        if name == "sql" and there and "://" in there:
            there = None
        if getattr(calls, name) and not there:
            msg = f"--{name.replace('_', '-')} is for {needs}."
            raise UsageError(msg, hint="Give both, or leave it out.")


def _check_places(calls: CallOptions) -> None:
    """Raise UsageError for what can be no queue, folder, table: before it is asked."""
    if calls.queue is not None:
        from sfnwatch.sources.queue import parse_queue_url

        parse_queue_url(calls.queue)
    if calls.archive is not None:
        from sfnwatch.sources.archive import parse_place

        parse_place(calls.archive)
    if calls.sql or calls.athena is not None or calls.lake is not None:
        from sfnwatch.sources import sql_trail

        if calls.sql:
            sql_trail.check_duckdb()
        if calls.lake is not None:
            sql_trail.lake_table(calls.lake)
        if calls.athena is not None:
            sql_trail.athena_place(calls)


# -- signing in, and finding -----------------------------------------------------------


def sign_in(settings: AwsSettings, others: Sequence[str] = ()) -> AwsSettings:
    """Ask for the MFA codes that the profiles take, and have what they are given for.

    Before there is a screen, and only on a terminal: without one such a profile is
    refused when it is used. `others` are profiles that are asked as well. Raises
    RefusedError for a code that is refused.
    """
    if is_served() or not can_ask():
        return settings
    whose = [settings, *(replace(settings, profile=name) for name in others)]
    for each in whose:
        devices = mfa_devices(replace(each, signed_in=settings.signed_in))
        if not devices:
            continue
        from sfnwatch.sources.aws_client import have_role

        codes = {device.serial: _ask_code(device.serial) for device in devices}
        keys = asyncio.run(have_role(each, codes))
        signed_in = {**settings.signed_in, devices[0].profile: keys}
        settings = replace(settings, signed_in=signed_in)
    return settings


def _ask_code(serial: str) -> str:
    while True:
        code = ask_unseen(f"MFA code for {serial}: ").strip()
        if code.isascii() and code.isdigit() and len(code) == _CODE_DIGITS:
            return code
        narrate("An MFA code has six digits; ctrl+c ends this.")


def find_executions(
    named: Sequence[Named], settings: AwsSettings, *, coming: bool = False
) -> "Found":
    """Find the executions of what was named; raises SfnwatchError."""
    from sfnwatch.sources.discovery import find

    search = find(named, settings, ServerClock(), coming=coming, tell=narrate)
    return asyncio.run(search)


def choose_filter(
    *, statuses: tuple[str, ...], since: datetime | timedelta | None, **_: Any
) -> ListFilter:
    """Read which executions are listed."""
    return ListFilter(tuple(dict.fromkeys(statuses)), since)
