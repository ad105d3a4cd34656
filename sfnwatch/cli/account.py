"""Whom to ask, as whom, and for what: what was typed about AWS, read and refused.

An execution has an ARN and pages in the console; so have its state machine and a Map
Run, by which executions are found. A state machine has a name that people know by
heart. Everything else is refused, with words that say what it is.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from sfnwatch.cli.narration import ask_unseen, can_ask, is_served, narrate
from sfnwatch.clock import ServerClock
from sfnwatch.errors import UsageError
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    Named,
    StateMachineArn,
    parse_states_arn,
)
from sfnwatch.model.children import ListFilter
from sfnwatch.model.values import clean
from sfnwatch.sources.permissions import endpoint_refusal
from sfnwatch.sources.profiles import AwsSettings, mfa_devices
from sfnwatch.sources.targets import CallOptions, ChildOptions

if TYPE_CHECKING:
    from sfnwatch.sources.discovery import Found

HINT = (
    "Give an execution's ARN or console URL, or the ARN or the name of its state"
    " machine."
)
_SHOWN = 200
_LONGEST = 80
"""Characters of a name: AWS's own bound."""
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
"""What AWS lets no name contain."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ANY_ARN = re.compile(r"arn:[a-z-]*:(?P<service>[a-z0-9-]*):", re.IGNORECASE)
_FILE = re.compile(r"\.(jsonl?|csv)(\.gz|\.zst)?$", re.IGNORECASE)
_QUOTES = "\"'`"


_CODE_DIGITS = 6


# -- what names an execution -----------------------------------------------------------


def named_executions(texts: Sequence[str]) -> list[Named]:
    """Read what names executions; raises UsageError, also where nothing does."""
    read = [named for text in texts if (named := named_execution(text)) is not None]
    if not read:
        raise UsageError("No execution is named.", hint=HINT)
    return read


def named_execution(text: str) -> Named | None:
    """Read what names an execution, or what it is found by; None if nothing is there.

    Raises UsageError, which says what else it is and what to give.
    """
    text = _bare(text)
    if not text:
        return None
    try:
        named = parse_states_arn(text)
        # AWS gives no such name: it can only be there to act on a terminal.
        why = "" if named.arn.isprintable() else "no ARN has such characters"
    except ValueError as error:
        if not _is_address(text):
            return _name(text)
        why = _found(text, error)
    if why:
        msg = f"{clean(text, _SHOWN)!r} names no execution: {why}."
        raise UsageError(msg, hint=HINT)
    return named


def concerns(named: Named, execution: ExecutionArn) -> bool:
    """True for an execution of the state machine that is named, Map Runs' among them.

    An execution or a Map Run stands for its state machine; a name alone for those of
    any account and Region.
    """
    if not isinstance(named, MachineName):
        places = {(e.partition, e.account, e.region) for e in (named, execution)}
        if len(places) > 1:
            return False
    if isinstance(named, MachineName | StateMachineArn):
        own = named.name
    else:
        own = named.state_machine_name
    # A Map Run's label stands behind a slash.
    names = {each.partition("/")[0] for each in (own, execution.state_machine_name)}
    return len(names) == 1


def looks_like_file(text: str) -> bool:
    """True for what names no execution, and has a folder or a file's ending in it."""
    text = _bare(text)
    if _is_address(text):
        return False
    return "/" in text or "\\" in text or _FILE.search(text) is not None


def _is_address(text: str) -> bool:
    return bool(_URL.match(text) or _ANY_ARN.search(unquote(text)))


def _bare(text: str) -> str:
    """Take off the quotes that were copied along."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _found(text: str, error: ValueError) -> str:
    """Say what an address or an ARN that is of no use is."""
    arn = _ANY_ARN.search(unquote(text))
    if arn is None:
        return "it is an address with no ARN in it"
    if arn["service"] != "states":
        service = arn["service"] or "no service"
        return f"it is an ARN of {clean(service, _SHOWN)}, not of Step Functions"
    said = str(error)
    if said.startswith("no ARN"):
        return "it is no whole ARN of Step Functions"
    return said


def _name(text: str) -> MachineName:
    """Take it for a state machine's name, if AWS would."""
    if _FILE.search(text):
        why = "looks like a file's name."
        hint = f"For a file: sfnwatch replay FILE. {HINT}"
    elif ":" in text and not _FORBIDDEN.search(text.replace(":", "")):
        machine = text.partition(":")[0]
        why = f"may be a version, an alias or an execution of {machine!r}."
        hint = "Give its whole ARN, which tells them apart."
    elif bad := _FORBIDDEN.search(text):
        why = f"is no name of a state machine: none has {clean(bad[0])!r}."
        hint = HINT
    elif len(text) > _LONGEST or not text.isprintable():
        why = "is no name of a state machine."
        hint = f"They have at most {_LONGEST} characters. {HINT}"
    else:
        return MachineName(text)
    raise UsageError(f"{clean(text, _SHOWN)!r} {why}", hint=hint)


# -- whom to ask, and for what ---------------------------------------------------------


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
