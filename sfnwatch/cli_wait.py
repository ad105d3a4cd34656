"""The command that waits for executions, for scripts and pipelines."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfnwatch import completing
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.narration import narrate
from sfnwatch.options import account_options, checked_url, seconds
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from sfnwatch.settings import AwsOptions
    from sfnwatch.trace.timeline import Trace

_VARIABLE = "GITHUB_STEP_SUMMARY"
_WIDTH = 80


@click.command(short_help="Wait for an execution's end; for scripts.")
@click.argument(
    "executions",
    nargs=-1,
    required=True,
    metavar="EXECUTION…",
    shell_complete=completing.executions,
)
@click.option("--next", "coming", is_flag=True, help="Wait for a machine's next one.")
@click.option("--until", metavar="STATE", help="Only until this state is entered.")
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=lambda c, p, v: None if v is None else seconds(c, p, v),
    help="At most so long: 90s, 15m, 1h.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    help="Print a report at the end; without it nothing is printed.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Append the report to the summary of a GitHub job's step.",
)
@account_options
def wait(
    executions: tuple[str, ...],
    timeout: float | None,
    until: str | None,
    form: str | None,
    *,
    coming: bool,
    summary: bool,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> int:
    """Wait for executions to end; the exit code is the outcome.

    EXECUTION is what `sfnwatch EXECUTION` takes. Only histories are read: no call to
    CloudTrail is made, and nothing is recorded. With --until it ends as soon as the
    state is entered, with 13 if it never is; after --timeout with 14.

    \b
    sfnwatch wait "$arn" --timeout 1h && deploy
    sfnwatch wait "$arn" --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    from sfnwatch.settings import AwsOptions
    from sfnwatch.sources.wanted import TrailOptions

    trail = TrailOptions(lookup=False)
    options = AwsOptions(profile, region, checked_url(endpoint_url), trail)
    path = _summary_path() if summary else None
    code, trace = _wait(executions, options, until, timeout, coming=coming)
    if code < Outcome.INTERRUPTED:
        _report(trace, form, path)
    return code


def _wait(
    executions: tuple[str, ...],
    options: "AwsOptions",
    until: str | None,
    timeout: float | None,
    *,
    coming: bool,
) -> "tuple[int, Trace]":
    import asyncio

    from sfnwatch import plays, starting, waiting
    from sfnwatch.cli_watch import TRIES
    from sfnwatch.clock import ServerClock
    from sfnwatch.naming_executions import HINT, named
    from sfnwatch.trace.text import duration
    from sfnwatch.trace.timeline import Trace

    read = [each for each in map(named, executions) if each is not None]
    if not read:
        raise UsageError("No execution is named.", hint=HINT)
    search = starting.find(read, options, ServerClock(), coming=coming, tell=narrate)
    begun = time.monotonic()
    try:
        found = asyncio.run(asyncio.wait_for(search, timeout))
    except TimeoutError:
        narrate(f"No execution was found within {duration(timeout or 0.0)}.")
        return Outcome.LATE, Trace()
    play = plays.live(found.arns, options, drain=0.0, tries=TRIES)
    waited = waiting.Waited([arn.arn for arn in found.arns], until)
    spent = time.monotonic() - begun
    return waiting.wait(play, waited, timeout, spent), waited.trace


def _summary_path() -> Path:
    path = os.environ.get(_VARIABLE)
    if not path:
        msg = (
            f"--summary appends to the file that {_VARIABLE} names, and it is not set."
        )
        hint = "Leave it out where no GitHub job runs, or give --format markdown."
        raise UsageError(msg, hint=hint)
    return Path(path)


def _report(trace: "Trace", form: str | None, path: Path | None) -> None:
    """Print what is asked for, and append it to a step's summary."""
    from sfnwatch.cli_files import stdout, write_report
    from sfnwatch.trace.report import report

    told = report(trace)
    if path is not None:
        from sfnwatch.export.report_markdown import write_markdown

        try:
            with path.open("a", encoding="utf-8") as out:
                write_markdown(told, out)
        except OSError as error:
            msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
            raise UsageError(msg) from error
    if form is not None:
        with stdout() as out:
            write_report(told, form, out, _WIDTH)


COMMANDS = (wait,)
