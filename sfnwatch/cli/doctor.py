"""The command that says whether a watch would work from here, and what to do.

Nothing is watched and nothing is recorded. What is asked of AWS is in
`sources/diagnosis.py`; here is what this machine alone knows.
"""

import logging
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from sfnwatch.cli import completion
from sfnwatch.cli.narration import lacks_unicode, put, put_row
from sfnwatch.cli.options import account_options, option
from sfnwatch.errors import Outcome, RefusedError, to_install

if TYPE_CHECKING:
    from sfnwatch.model.arns import Named
    from sfnwatch.sources.diagnosis import Check
    from sfnwatch.sources.profiles import AwsSettings

_EXTRAS = {"archive": "duckdb", "login": "awscrt", "web": "textual-serve"}
_MARKS = {True: "✔", False: "✘", None: "–"}
_ASCII_MARKS = {True: "ok", False: "NO", None: "--"}
_NAME, _LEAST, _MOST = 34, 40, 100
"""Columns: of a check's name, and of what is found at least and at most."""
_COLUMNS, _LINES = 80, 24
"""What the screen is made for at least."""
_LOG = logging.getLogger(__name__)


@click.command(short_help="Say whether a watch would work from here.")
@click.argument(
    "name",
    required=False,
    metavar="[EXECUTION|MACHINE]",
    shell_complete=completion.executions,
)
@option("--json", "as_json", is_flag=True, help="One JSON object.")
@account_options
def doctor(name: str | None, *, as_json: bool, **account: Any) -> int:
    """Say whether a watch would work from here, and what to do where it would not.

    Versions, terminal, credentials, identity, Region, clock, and each read that a watch
    makes, tried once: on what is named as `watch` takes it, or on the first execution
    there is. The exit code is 3 where something failed. Names and IDs of the account
    are in what is printed.

    \b
    sfnwatch doctor
    sfnwatch doctor nightly-report --profile dev
    sfnwatch doctor ARN --json | jq '.checks[] | select(.ok == false)'
    """
    import asyncio

    from sfnwatch.cli.account import choose_account, sign_in
    from sfnwatch.cli.naming import named_execution

    named = named_execution(name) if name else None
    settings = sign_in(choose_account(**account))
    found: list[Check] = []

    def tell(check: "Check") -> None:
        found.append(check)
        _LOG.debug("%s %s: %s", _ASCII_MARKS[check.ok], check.name, check.found)
        if not as_json:
            _print(check)

    for check in _local():
        tell(check)
    asyncio.run(_ask(named, settings, tell))
    failed = any(check.ok is False for check in found)
    if as_json:
        import json

        told = {"sfnwatch_doctor": 1, "ok": not failed, "checks": to_builtins(found)}
        put(json.dumps(told, indent=2))
    return RefusedError.exit_code if failed else Outcome.SUCCEEDED


async def _ask(named: "Named | None", settings: "AwsSettings", tell: Any) -> None:
    from sfnwatch.sources.diagnosis import Diagnosis

    async with aclosing(Diagnosis(named, settings).checks()) as checks:
        async for check in checks:
            tell(check)


# -- this machine ----------------------------------------------------------------------


def _local() -> "Iterator[Check]":
    """Look at what needs no network."""
    from sfnwatch.cli.debug import variables, version_of, versions
    from sfnwatch.sources.diagnosis import Check

    yield Check("versions", True, ", ".join(versions()))
    extras = {name: version_of(package) for name, package in _EXTRAS.items()}
    told = (f"{name} {number or 'not installed'}" for name, number in extras.items())
    lacking = [f"Run: {to_install(name)}" for name in extras if not extras[name]]
    yield Check("extras", None, ", ".join(told), "".join(lacking[:1]))
    yield _terminal()
    names = ", ".join(variables())
    yield Check("variables", None, names or "none of AWS's, nor of ours")


def _terminal() -> "Check":
    """Say what the screen would have to draw on."""
    from rich.console import Console

    from sfnwatch.sources.diagnosis import Check

    if not sys.stdout.isatty():
        return Check("terminal", None, "none: lines are printed, and no screen.")
    columns, lines = shutil.get_terminal_size()
    colors = Console(file=sys.stdout).color_system or "no"
    kind = os.environ.get("TERM", "TERM is not set")
    said = f"{kind}, {columns}×{lines}, {colors} colors, {sys.stdout.encoding}"
    hint = ""
    if columns < _COLUMNS or lines < _LINES:
        hint = f"Make it {_COLUMNS}×{_LINES} or larger to see it all."
    elif lacks_unicode():
        hint = "All is drawn in ASCII; a locale of UTF-8, as C.UTF-8, has the rest."
    return Check("terminal", True, said, hint)


# -- how it is printed -----------------------------------------------------------------


def _print(check: "Check") -> None:
    is_plain = lacks_unicode()
    marks = _ASCII_MARKS if is_plain else _MARKS
    width = shutil.get_terminal_size((_NAME + _MOST, 24)).columns - _NAME - 1
    width = max(_LEAST, min(_MOST, width))
    arrow = "->" if is_plain else "→"
    lines = textwrap.wrap(check.found, width, break_on_hyphens=False) or [""]
    if check.advice:
        lines += textwrap.wrap(f"{arrow} {check.advice}", width, break_on_hyphens=False)
    head = f"{marks[check.ok]} {check.name}"
    for line in lines:
        put_row(f"{head:<{_NAME}} {line}".rstrip())
        head = ""


COMMANDS = (doctor,)
