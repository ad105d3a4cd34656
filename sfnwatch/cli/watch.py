"""The commands that show something as it comes: live, of the demo, of files."""

import asyncio
import errno
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from sfnwatch import session
from sfnwatch.cli import options
from sfnwatch.cli.account import HINT, choose_aws, choose_filter, find_executions
from sfnwatch.cli.display import TERMINAL, choose_display, choose_executions, show
from sfnwatch.cli.narration import is_served, streams
from sfnwatch.cli.settings import is_default, is_typed, source_of
from sfnwatch.demo.scenarios import PLANS, SCENARIOS, TOGETHER, plans_of
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.model.arns import Named
from sfnwatch.model.values import clean
from sfnwatch.recording.format import STDIN
from sfnwatch.recording.library import recordings_dir

_SPEED = 20.0
_SCENARIOS = (*TOGETHER, *SCENARIOS)


# -- the commands ----------------------------------------------------------------------


@click.command()
@options.executions_argument(metavar="[EXECUTION…]")
@options.flag(
    "--next", "Wait for the next execution of a state machine.", dest="coming"
)
@options.flag(
    "--pick",
    "Choose among the executions of what is named; an execution's are the children of"
    " its Map Runs.",
)
@options.flag(
    "--follow-redrive",
    "Keep watching after a failure: look once a minute for a redrive, for the 14 days"
    " in which it may come.",
)
@options.filter_options
@options.aws_options
@options.display_options
@options.otlp_option
def watch(executions: list[Named], *, coming: bool, pick: bool, **shared: Any) -> int:
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
    if pick and coming:
        raise UsageError("--pick and --next exclude each other.", hint="Choose one.")
    display, aws = choose_display(**shared), choose_aws(**shared).signed_in()
    if display.screen and not coming and (pick or not executions):
        if len(executions) > 1:
            count = len(executions)
            msg = f"--pick chooses among the executions of one; {count} are named."
            hint = "Name one, or none for all of the account's."
            raise UsageError(msg, hint=hint)
        within, only = next(iter(executions), None), choose_filter(**shared)
        arns, recordings, asked = choose_executions(within, aws, display.screen, only)
        if recordings:
            return show_files(recordings, None, **shared)
    elif executions:
        for name in filter(is_typed, ("statuses", "since")):
            msg = f"{source_of(name)} is for a list to choose from."
            raise UsageError(msg, hint="Give --pick too, or use sfnwatch list.")
        found = find_executions(executions, aws.settings, coming=coming)
        arns, asked = found.arns, found.asked
    else:
        raise UsageError("No execution is named.", hint=HINT)
    if not arns:
        return Outcome.SUCCEEDED
    watched = session.live(
        arns,
        *aws,
        drain=shared["drain"],
        tries=None if display.screen else session.TRIES,
        asked=asked,
        follow_redrive=shared["follow_redrive"],
    )
    return show(_sent(watched, shared["otlp"]), display)


def _known_scenario(_: click.Context, __: click.Parameter, name: str) -> str:
    """Refuse a scenario that there is not."""
    if name not in _SCENARIOS:
        msg = f"There is no demo scenario {clean(name, 100)!r}."
        raise UsageError(msg, hint=f"There are: {', '.join(_SCENARIOS)}.")
    return name


@click.command()
@click.argument(
    "scenario",
    required=False,
    default="three-ways",
    callback=_known_scenario,
    shell_complete=options.completing(lambda: _SCENARIOS),
)
@options.option("--speed", "Speed-up factor.", type=options.Speed(), default=_SPEED)
@options.flag("--serve", "Only serve the account, until interrupted.")
@options.option("--port", "Serve on this port.", type=options.PORT)
@options.flag("--fresh", "With --serve: start a new account.")
@options.flag(
    "--with-queue",
    "Read the account's queue, too: what ECS tells of the tasks.",
    dest="queue",
)
@options.display_options
@options.drain_option
@options.otlp_option
@options.debug_option
def demo(scenario: str, speed: float, *, serve: bool, **shared: Any) -> int:
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
        return _serve(chosen, speed, **shared)
    display, plans = choose_display(**shared), plans_of(scenario)
    drain, queue = shared["drain"], shared["queue"]
    watched = session.demo(plans, speed=speed, drain=drain, queue=queue)
    return show(_sent(watched, shared["otlp"]), display)


@click.command()
@options.files_argument
@options.speed_option
@options.display_options
def replay(files: list[Path], speed: float | None, **shared: Any) -> int:
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
    return show_files(files, speed, **shared)


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    piped = STDIN in paths
    if piped and is_served():
        msg = "What is piped into stdin can't be shown in a browser."
        raise UsageError(msg, hint="Name a file.")
    display = choose_display(recorded=False, piped=piped, **shared)
    if display.screen:
        # The screen's player decides what of it is shown.
        replayed = session.replay(paths)
        if piped:
            # All of it was read: from now on stdin is where the keys come from.
            os.dup2(os.open(TERMINAL, os.O_RDWR), 0)
        return show(replayed, display, speed or _SPEED)
    return show(session.replay(paths, speed=speed, whole=speed is None), display)


def _sent(watched: session.Session, endpoint: str | None) -> session.Session:
    """Have a session's spans go to a collector, where one is named."""
    if endpoint is not None:
        from sfnwatch.export.otlp_exporter import OtlpExporter, collector_settings

        collector = collector_settings(endpoint)
        exporter = OtlpExporter(watched.trace, collector, watched.clock)
        watched.companions.append(exporter)
    return watched


# -- the demo's account ----------------------------------------------------------------


def _serve(
    scenario: str | None, speed: float, *, port: int | None, fresh: bool, **_: Any
) -> int:
    from sfnwatch.demo.serve import DEFAULT_PORT, serve

    scenarios = tuple(PLANS) if scenario is None else plans_of(scenario)
    port = DEFAULT_PORT if port is None else port
    run = partial(serve, scenarios, port=port, speed=speed, fresh=fresh)

    async def until_signalled() -> None:
        # Whoever reads the line may end us at once: signals are caught before it.
        stop = asyncio.Event()
        session.catch_signals(lambda _: stop.set())
        out, err = streams()
        await run(stop, out=out, err=err, state_dir=recordings_dir().parent)

    try:
        asyncio.run(until_signalled())
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    return Outcome.SUCCEEDED
