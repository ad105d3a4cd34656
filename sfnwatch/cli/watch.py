"""The commands that show something as it comes: live, of the demo, of files."""

import errno
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfnwatch.cli import completion
from sfnwatch.cli.narration import ask_unseen, can_ask, narrate, streams
from sfnwatch.cli.options import (
    TERMINAL,
    Output,
    Speed,
    aws_options,
    choose_aws,
    choose_display,
    choose_filter,
    debug_option,
    drain_option,
    filter_options,
    is_default,
    is_served,
    is_typed,
    option,
    otlp_option,
    output_options,
    record_options,
    screen_options,
    source_of,
    speed_option,
)
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from sfnwatch.model.arns import ExecutionArn, Named
    from sfnwatch.model.records import Batch
    from sfnwatch.session import Session
    from sfnwatch.sources.discovery import Found
    from sfnwatch.sources.profiles import AwsSettings

_SPEED = 20.0
_CODE_DIGITS = 6


# -- the commands ----------------------------------------------------------------------


@click.command(short_help="Watch executions, live.")
@click.argument(
    "executions",
    nargs=-1,
    metavar="[EXECUTION…]",
    shell_complete=completion.executions,
)
@option(
    "--next",
    "coming",
    is_flag=True,
    help="Wait for the next execution of a state machine.",
)
@option(
    "--pick",
    "picked",
    is_flag=True,
    help="Choose among the executions of what is named; an execution's are the"
    " children of its Map Runs.",
)
@option(
    "--follow-redrive",
    is_flag=True,
    help="Keep watching after a failure: look once a minute for a redrive, for the 14"
    " days in which it may come.",
)
@filter_options
@aws_options
@output_options
@screen_options
@record_options
@otlp_option
def watch(
    executions: tuple[str, ...],
    otlp: str | None,
    drain: float,
    *,
    coming: bool,
    picked: bool,
    follow_redrive: bool,
    **shared: Any,
) -> int:
    """Watch executions: their states, and the calls made for them.

    EXECUTION is the ARN of an execution, or a console URL with it in it. A state
    machine's ARN or name stands for its newest execution, with --next for the next
    one; a Map Run's ARN for its newest. Without any, or with --pick, you choose on the
    screen, among what was recorded too. The Region is the ARN's. Several are shown on
    one time axis. Everything you watch is recorded and can be replayed.

    \b
    sfnwatch arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
    sfnwatch nightly-report --next
    sfnwatch ARN --plain --no-record | grep failed
    """
    from sfnwatch import session
    from sfnwatch.cli.naming import named_execution
    from sfnwatch.cli.showing import pick, show

    display, aws = choose_display(**shared), choose_aws(**shared)
    settings = sign_in(aws.settings, aws.calls.profiles)
    aws = aws._replace(settings=settings)
    read = [each for each in map(named_execution, executions) if each is not None]
    arns: Sequence[ExecutionArn]
    asked: Batch
    if picked or not read:
        _check_picking(read, display.output, coming=coming, picked=picked)
        only = choose_filter(**shared)
        arns, recordings, asked = pick(read[0] if read else None, aws, display, only)
        if recordings:
            return show_files(recordings, None, **shared)
    else:
        for name in filter(is_typed, ("statuses", "since")):
            msg = f"{source_of(name)} is for a list to choose from."
            raise UsageError(msg, hint="Give --pick too, or use sfnwatch list.")
        found = find_executions(read, aws.settings, coming=coming)
        arns, asked = found.arns, found.asked
    if not arns:
        return Outcome.SUCCEEDED
    watched = session.live(
        arns,
        aws.settings,
        aws.calls,
        aws.children,
        drain=drain,
        tries=None if display.output is Output.SCREEN else session.TRIES,
        asked=asked,
        follow_redrive=follow_redrive,
    )
    return show(_sent(watched, otlp), display)


@click.command(short_help="Watch a simulated account; no AWS account needed.")
@click.argument(
    "scenario",
    required=False,
    default="three-ways",
    shell_complete=completion.scenarios,
)
@option(
    "--speed",
    type=Speed(),
    default=_SPEED,
    show_default=True,
    help="Speed-up factor.",
)
@option("--serve", is_flag=True, help="Only serve the account, until interrupted.")
@option("--port", type=click.IntRange(0, 65535), help="Serve on this port.")
@option("--fresh", is_flag=True, help="With --serve: start a new account.")
@option(
    "--with-queue",
    "queue",
    is_flag=True,
    help="Read the account's queue, too: what ECS tells of the tasks.",
)
@output_options
@screen_options
@record_options
@drain_option
@otlp_option
@debug_option
def demo(
    scenario: str,
    speed: float,
    port: int | None,
    drain: float,
    otlp: str | None,
    *,
    serve: bool,
    fresh: bool,
    queue: bool,
    **shared: Any,
) -> int:
    """Watch a simulated account on this machine; no AWS account is needed.

    \b
    SCENARIO is one of
      three-ways   the first four at once, on one role: who calls what, and how Step
                   Functions learned that the task had stopped (the default)
      sync         ecs:runTask.sync: RunTask, a poll a minute
      sync-denied  the same with every poll denied; the execution still succeeds
      async        ecs:runTask, Request Response: RunTask alone
      sdk          aws-sdk:ecs:runTask: RunTask alone
      pipeline     Choice, Parallel, Map, Retry, Catch, Lambda, a child execution
      distributed  a Map Run: each item a child execution, some of which fail
      failure      a task that fails, is tried again, and fails for good
      redrive      a task that fails; minutes later somebody redrives the execution

    With --serve the account is left running for other clients: one line of JSON tells
    its endpoint URL, a pair of keys it takes, and its executions. Without a SCENARIO it
    then has them all.

    \b
    sfnwatch demo
    sfnwatch demo pipeline --speed 60
    sfnwatch demo --serve --port 4597
    """
    if serve:
        chosen = None if is_default("scenario") else scenario
        speed = 1.0 if is_default("speed") else speed
        return _serve(chosen, port=port, speed=speed, fresh=fresh)
    from sfnwatch import session
    from sfnwatch.cli.showing import show

    display, plans = choose_display(**shared), _plans(scenario)
    watched = session.demo(plans, speed=speed, drain=drain, queue=queue)
    return show(_sent(watched, otlp), display)


@click.command(short_help="Show recordings and other files again.")
@click.argument("files", nargs=-1, required=True, shell_complete=completion.files)
@speed_option
@output_options
@screen_options
@record_options
def replay(files: tuple[str, ...], speed: float | None, **shared: Any) -> int:
    """Show recordings again, and other files with the same records in them.

    `-` is stdin.

    \b
    Files are recognized by their content, and several make one trace:
      recordings of sfnwatch (.jsonl, also .gz and .zst)
      aws stepfunctions get-execution-history, describe-execution,
        describe-state-machine-for-execution, describe-map-run,
        list-executions --map-run-arn
      aws cloudtrail lookup-events
      a trail's files from S3, CloudTrail events from EventBridge
      an Athena CSV with the columns eventtime, eventsource, eventname, …

    \b
    sfnwatch replay nightly-report.sfnwatch.jsonl
    sfnwatch replay history.json calls.json --plain
    aws stepfunctions get-execution-history --execution-arn ARN | sfnwatch replay -
    """
    return show_files([Path(name) for name in files], speed, **shared)


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    from sfnwatch import session
    from sfnwatch.cli.showing import show
    from sfnwatch.recording.format import STDIN

    piped = STDIN in paths
    if piped and is_served():
        msg = "What is piped into stdin can't be shown in a browser."
        raise UsageError(msg, hint="Name a file.")
    display = choose_display(recorded=False, piped=piped, **shared)
    if display.output is Output.SCREEN:
        # The screen's player decides what of it is shown.
        replayed = session.replay(paths)
        if piped:
            # All of it was read: from now on stdin is where the keys come from.
            os.dup2(os.open(TERMINAL, os.O_RDWR), 0)
        return show(replayed, display, speed or _SPEED)
    return show(session.replay(paths, speed=speed, whole=speed is None), display)


def find_executions(
    named: "Sequence[Named]",
    settings: "AwsSettings",
    *,
    coming: bool = False,
    timeout: float | None = None,
) -> "Found":
    """Find the executions of what was named; raises SfnwatchError, or TimeoutError."""
    import asyncio

    from sfnwatch.clock import ServerClock
    from sfnwatch.sources.discovery import find

    search = find(named, settings, ServerClock(), coming=coming, tell=narrate)
    return asyncio.run(asyncio.wait_for(search, timeout))


def sign_in(settings: "AwsSettings", others: "Sequence[str]" = ()) -> "AwsSettings":
    """Ask for the MFA codes that the profiles take, and have what they are given for.

    Before there is a screen, and only on a terminal: without one such a profile is
    refused when it is used. `others` are profiles that are asked as well. Raises
    RefusedError for a code that is refused.
    """
    from msgspec.structs import replace

    from sfnwatch.sources.profiles import mfa_devices

    if is_served() or not can_ask():
        return settings
    whose = [settings, *(replace(settings, profile=name) for name in others)]
    for each in whose:
        devices = mfa_devices(replace(each, signed_in=settings.signed_in))
        if not devices:
            continue
        import asyncio

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


def _check_picking(
    named: "Sequence[Named]", output: Output, *, coming: bool, picked: bool
) -> None:
    """Raise UsageError where there is nothing to choose among, or on."""
    from sfnwatch.cli.naming import HINT

    if picked and coming:
        raise UsageError("--pick and --next exclude each other.", hint="Choose one.")
    if picked and output is not Output.SCREEN:
        msg = "--pick is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    if output is not Output.SCREEN or coming:
        raise UsageError("No execution is named.", hint=HINT)
    if len(named) > 1:
        msg = f"--pick chooses among the executions of one; {len(named)} are named."
        raise UsageError(msg, hint="Name one, or none for all of the account's.")


def _sent(watched: "Session", endpoint: str | None) -> "Session":
    """Have a session's spans go to a collector, where one is named."""
    if endpoint is not None:
        from sfnwatch.export.otlp_exporter import OtlpExporter, collector_settings

        collector = collector_settings(endpoint)
        exporter = OtlpExporter(watched.trace, collector, watched.clock)
        watched.companions.append(exporter)
    return watched


# -- the demo's account ----------------------------------------------------------------


def _plans(name: str) -> tuple[str, ...]:
    """Name the executions of a scenario; raises UsageError."""
    from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER, plans_of

    known = (*TOGETHER, *SCENARIOS)
    if name not in known:
        msg = f"There is no demo scenario {clean(name, 100)!r}."
        raise UsageError(msg, hint=f"There are: {', '.join(known)}.")
    return plans_of(name)


def _serve(scenario: str | None, *, port: int | None, speed: float, fresh: bool) -> int:
    import asyncio

    from sfnwatch.demo.scenarios import PLANS
    from sfnwatch.demo.serve import DEFAULT_PORT, serve
    from sfnwatch.recording.library import recordings_dir

    scenarios = tuple(PLANS) if scenario is None else _plans(scenario)
    port = DEFAULT_PORT if port is None else port
    run = partial(serve, port=port, speed=speed, fresh=fresh)
    state_dir = recordings_dir().parent
    try:
        out, err = streams()
        asyncio.run(run(scenarios, out=out, err=err, state_dir=state_dir))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    return Outcome.SUCCEEDED


COMMANDS = (watch, demo, replay)
