"""The command that checks whether a watch would work from here.

It watches and records nothing. The checks that ask AWS are in `sources/diagnosis.py`;
the checks of this machine are here.
"""

import asyncio
import logging
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from sfnwatch.cli.account import signed_in
from sfnwatch.cli.debug_file import variables, versions
from sfnwatch.cli.narration import lacks_unicode, put_json, put_row
from sfnwatch.cli.options import account_options, json_option, name_argument
from sfnwatch.errors import Outcome, RefusedError
from sfnwatch.model.arns import Named

if TYPE_CHECKING:
    from sfnwatch.sources.diagnosis import Check


_LOG = logging.getLogger(__name__)
_MARKS = {True: "✔", False: "✘", None: "–"}
_ASCII_MARKS = {True: "ok", False: "NO", None: "--"}
_NAME_WIDTH = 34
"""Columns of a check's name."""
_LEAST_WIDTH = 40
"""Least columns of a check's result."""
_MOST_WIDTH = 100
"""Most columns of a check's result."""


@click.command()
@name_argument(metavar="[EXECUTION|MACHINE]")
@json_option
@account_options
def doctor(name: Named | None, *, as_json: bool, **account: Any) -> int:
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
    from sfnwatch.sources.diagnosis import Check, Diagnosis

    settings = signed_in(**account)
    checks: list[Check] = []

    def report(check: "Check") -> None:
        checks.append(check)
        _LOG.debug("%s %s: %s", _ASCII_MARKS[check.ok], check.name, check.found)
        if not as_json:
            _print(check)

    report(Check("versions", True, ", ".join(versions())))
    report(_check_terminal())
    names = ", ".join(variables())
    report(Check("variables", None, names or "none of AWS's, nor of ours"))
    asyncio.run(Diagnosis(name, settings, report).run())
    has_failed = any(check.ok is False for check in checks)
    if as_json:
        rows = to_builtins(checks)
        put_json({"sfnwatch_doctor": 1, "ok": not has_failed, "checks": rows})
    return RefusedError.exit_code if has_failed else Outcome.SUCCEEDED


def _check_terminal() -> "Check":
    """Describe the terminal that a screen would have."""
    from rich.console import Console

    from sfnwatch.sources.diagnosis import Check

    if not sys.stdout.isatty():
        return Check("terminal", None, "none: lines are printed, and no screen.")
    columns, lines = shutil.get_terminal_size()
    colors = Console(file=sys.stdout).color_system or "no"
    kind = os.environ.get("TERM", "TERM is not set")
    encoding = sys.stdout.encoding
    words = f"{kind}, {columns}×{lines}, {colors} colors, {encoding}"
    return Check("terminal", True, words)


def _print(check: "Check") -> None:
    marks = _MARKS
    arrow = "→"
    if lacks_unicode():
        marks = _ASCII_MARKS
        arrow = "->"
    columns = shutil.get_terminal_size((_NAME_WIDTH + _MOST_WIDTH, 24)).columns
    width = max(_LEAST_WIDTH, min(_MOST_WIDTH, columns - _NAME_WIDTH - 1))
    lines = textwrap.wrap(check.found, width, break_on_hyphens=False) or [""]
    if check.advice:
        advice = f"{arrow} {check.advice}"
        lines += textwrap.wrap(advice, width, break_on_hyphens=False)
    head = f"{marks[check.ok]} {check.name}"
    for line in lines:
        put_row(f"{head:<{_NAME_WIDTH}} {line}".rstrip())
        head = ""
