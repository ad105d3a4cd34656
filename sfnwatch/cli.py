"""The command line: what was typed becomes a play, and its outcome an exit code.

stdout is data, stderr is narration. Neither textual nor an SDK is imported before
something needs it: `--version` and `--help` answer at once.
"""

import errno
import io
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sfnwatch import __version__
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.options import (
    aws_options,
    checked_url,
    choose_output,
    choose_recording,
    choose_screen,
    drain_option,
    execution_arn,
    output_options,
    record_options,
    screen_options,
)
from sfnwatch.settings import AwsOptions, Output
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from sfnwatch.trace.timeline import Trace

_TRIES = 5
"""Tries to reach AWS at all when nobody watches a screen."""
_DEMO_SPEED = 20.0
_REPLAY_SPEED = 20.0

EPILOG = """\b
Exit codes:
  0    it succeeded, or the command did its work
  10   the execution failed
  11   the execution timed out
  12   the execution was aborted
  2    wrong usage
  3    AWS refused
  4    a file can't be read
  130  interrupted

stdout is data, stderr is narration."""


class Commands(click.Group):
    """`sfnwatch ARN` is `sfnwatch watch ARN`: what is no command is an execution."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["watch", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Watch an AWS Step Functions execution and the API calls it makes for you.

    \b
    sfnwatch EXECUTION    an execution's ARN, or its console URL
    sfnwatch demo         without an AWS account
    sfnwatch replay FILE  what was watched before
    """


@cli.command(short_help="Watch one execution, live.")
@click.argument("execution")
@aws_options
@output_options
@screen_options
@record_options
@drain_option
def watch(
    execution: str,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    drain: float,
    **shared: Any,
) -> int:
    """Watch one execution: its states, and the calls made for it.

    EXECUTION is the ARN of a Standard execution or a console URL with it in it. The
    Region is the ARN's. Everything is recorded and can be replayed.
    """
    from sfnwatch import plays
    from sfnwatch.running import show

    output = choose_output(**shared)
    play = plays.live(
        [execution_arn(execution)],
        AwsOptions(profile, region, checked_url(endpoint_url)),
        drain=drain,
        tries=None if output is Output.SCREEN else _TRIES,
    )
    return show(
        play, output, choose_recording(**shared), choose_screen(output, **shared)
    )


@cli.command(short_help="Watch a simulated account; no AWS account needed.")
@click.argument("scenario", required=False, default="sync")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 10_000),
    default=_DEMO_SPEED,
    show_default=True,
    help="How many times as fast as life.",
)
@click.option(
    "--serve", is_flag=True, help="Only serve the account, until interrupted."
)
@click.option("--port", type=click.IntRange(0, 65535), help="Serve on this port.")
@click.option("--fresh", is_flag=True, help="With --serve: begin a new world.")
@output_options
@screen_options
@record_options
@drain_option
def demo(
    scenario: str,
    speed: float,
    port: int | None,
    drain: float,
    *,
    serve: bool,
    fresh: bool,
    **shared: Any,
) -> int:
    """Watch a simulated account on this machine; no AWS account is needed.

    \b
    SCENARIO is one of
      sync         ecs:runTask.sync: RunTask, a poll a minute (the default)
      sync-denied  the same with every poll denied: it succeeds all the same
      async        ecs:runTask, request-response: RunTask alone
      sdk          aws-sdk:ecs:runTask: RunTask alone
      pipeline     Choice, Parallel, Map, Retry, Catch, Lambda, a nested execution
      failure      a task that fails, is tried again, and fails for good

    With --serve the account is left running for other clients: one line of JSON tells
    its endpoint URL and its executions. Without a SCENARIO it then has them all.
    """
    from sfnwatch import plays
    from sfnwatch.running import show

    if serve:
        chosen = None if _defaulted("scenario") else scenario
        speed = 1.0 if _defaulted("speed") else speed
        return _serve(chosen, port=port, speed=speed, fresh=fresh)
    play = plays.demo([_scenario(scenario)], speed=speed, drain=drain)
    output, record = choose_output(**shared), choose_recording(**shared)
    return show(play, output, record, choose_screen(output, **shared))


@cli.command(short_help="Show recordings and other files again.")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 10_000),
    help="How many times as fast as it came (screen: 20; lines: all at once).",
)
@output_options
@screen_options
@record_options
def replay(files: tuple[str, ...], speed: float | None, **shared: Any) -> int:
    """Show recordings again, and other files with the same records in them.

    \b
    Known by their content, several make one trace:
      recordings of sfnwatch (.jsonl, also .gz and .zst)
      aws stepfunctions get-execution-history, describe-execution,
        describe-state-machine-for-execution
      aws cloudtrail lookup-events
      a trail's files from S3, CloudTrail events from EventBridge
      a CSV of Athena's with the columns eventtime, eventsource, eventname, …
    """
    from sfnwatch import plays
    from sfnwatch.running import show

    output, record = choose_output(**shared), choose_recording(default=False, **shared)
    paths = [Path(name) for name in files]
    if output is Output.SCREEN:
        play = plays.played(paths, speed=speed or _REPLAY_SPEED)
    else:
        play = plays.replay(paths, speed=speed)
    return show(play, output, record, choose_screen(output, **shared))


@cli.command(short_help="Write a trace for other programs.")
@click.argument("sources", nargs=-1, required=True, metavar="FILE…|EXECUTION")
@click.option("--to", "target", type=click.Choice(["json"]), required=True)
@aws_options
@drain_option
def export(
    sources: tuple[str, ...],
    target: str,
    *,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    drain: float,
) -> int:
    """Write a trace for other programs, to stdout.

    FILES are what `replay` takes; an EXECUTION is watched to its end first. `json` is
    one object: executions with their visits, attempts and findings, and the calls
    with their links.
    """
    from sfnwatch.export.json import dump

    options = AwsOptions(profile, region, checked_url(endpoint_url))
    exporters = {"json": dump}
    exporters[target](_whole_trace(sources, options, drain), sys.stdout)
    return Outcome.SUCCEEDED


def _whole_trace(
    sources: tuple[str, ...], options: AwsOptions, drain: float
) -> "Trace":
    """Read files, or watch one execution to its end."""
    from sfnwatch import plays
    from sfnwatch.running import Quiet, narrate, run_lines

    quiet = Quiet()
    if len(sources) == 1 and _names_execution(sources[0]):
        arn = execution_arn(sources[0])
        play = plays.live([arn], options, drain=drain, tries=_TRIES)
    else:
        play = plays.replay([Path(name) for name in sources], speed=None)
    for note in play.notes:
        narrate(note)
    if run_lines(play, quiet, None) >= Outcome.INTERRUPTED:
        raise click.Abort
    return quiet.trace


def _names_execution(text: str) -> bool:
    return text.startswith(("arn:", "https://"))


@cli.command("iam-policy", short_help="Print the least IAM policy it needs.")
def iam_policy() -> int:
    """Print the least IAM policy a watcher needs; all of it reads."""
    from sfnwatch.sources.allowed import iam_policy as policy

    click.echo(json.dumps(policy(), indent=2))
    return Outcome.SUCCEEDED


def _scenario(name: str) -> str:
    from sfnwatch.demo.scenarios import SCENARIOS

    if name not in SCENARIOS:
        msg = f"There is no demo scenario {clean(name, 100)!r}."
        raise UsageError(msg, hint=f"There are: {', '.join(SCENARIOS)}.")
    return name


def _defaulted(name: str) -> bool:
    context = click.get_current_context()
    return context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT


def _serve(scenario: str | None, *, port: int | None, speed: float, fresh: bool) -> int:
    import asyncio

    from sfnwatch.demo.scenarios import SCENARIOS
    from sfnwatch.demo.serve import DEFAULT_PORT, serve
    from sfnwatch.recording.naming import recordings_dir

    scenarios = SCENARIOS if scenario is None else (_scenario(scenario),)
    port = DEFAULT_PORT if port is None else port
    run = partial(serve, port=port, speed=speed, fresh=fresh)
    state_dir = recordings_dir().parent
    try:
        asyncio.run(run(scenarios, out=sys.stdout, err=sys.stderr, state_dir=state_dir))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    return Outcome.SUCCEEDED


def main() -> NoReturn:
    """Run the command line; the one place where errors become exit codes."""
    _settle_streams()
    try:
        code = cli.main(prog_name="sfnwatch", standalone_mode=False)
    except SfnwatchError as error:
        code = _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        code = _fail(error.format_message(), UsageError.exit_code, prefix="")
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "sfnwatch"
        # Click puts a missing option's choices on lines of their own.
        said = " ".join(error.format_message().split())
        words = f"{said} See: {command} --help"
        code = _fail(words, UsageError.exit_code)
    except click.ClickException as error:
        code = _fail(error.format_message(), UsageError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        code = Outcome.INTERRUPTED
    except OSError as error:
        code = _cannot_write(error)
    sys.exit(code)


def _cannot_write(error: OSError) -> int:
    from sfnwatch.running import discard_output

    discard_output()
    said = error.strerror or error
    full = error.errno in {errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT}
    words = f"Can't write to stdout: {said}." if full else f"Can't go on: {said}."
    return _fail(words, SfnwatchError.exit_code)


def _settle_streams() -> None:
    """Put something in a closed stream's place: the next file opened would take it.

    And show what stdout's encoding lacks as `?`, rather than end because of it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _fail(words: str, code: int, *, prefix: str = "sfnwatch: ") -> int:
    click.echo(f"{prefix}{words}", err=True)
    return code
