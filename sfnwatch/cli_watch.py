"""The commands that show something as it comes: live, of the demo, of files."""

import errno
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfnwatch import completing
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.narration import narrate
from sfnwatch.options import (
    aws_options,
    choose_aws,
    choose_output,
    choose_recording,
    choose_screen,
    drain_option,
    otlp_option,
    output_options,
    record_options,
    screen_options,
)
from sfnwatch.settings import AwsOptions, Output, ScreenOptions
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from sfnwatch.naming_executions import Named
    from sfnwatch.running import Play
    from sfnwatch.starting import Found

TRIES = 5
"""Tries to reach AWS at all when nobody watches a screen."""
_DEMO_SPEED = 20.0
_REPLAY_SPEED = 20.0


@click.command(short_help="Watch executions, live.")
@click.argument(
    "executions",
    nargs=-1,
    metavar="[EXECUTION…]",
    shell_complete=completing.executions,
)
@click.option(
    "--next",
    "coming",
    is_flag=True,
    help="Wait for the next execution of a state machine.",
)
@click.option(
    "--pick",
    "picked",
    is_flag=True,
    help="Choose among the executions of what is named; an execution's are the"
    " children of its Map Runs.",
)
@click.option(
    "--follow-redrive",
    is_flag=True,
    help="Go on after a failure, looking once a minute for a redrive: for the 14 days"
    " in which it may come.",
)
@aws_options
@output_options
@screen_options
@record_options
@drain_option
@otlp_option
def watch(
    executions: tuple[str, ...],
    drain: float,
    otlp: str | None,
    *,
    coming: bool,
    picked: bool,
    follow_redrive: bool,
    **shared: Any,
) -> int:
    """Watch executions: their states, and the calls made for them.

    EXECUTION is the ARN of an execution, or a console URL with it in it. A state
    machine's ARN or name stands for its newest execution, with --next for the next
    one; a Map Run's ARN for its newest. Without any, or with --pick, one chooses on the
    screen, from what was recorded too. The Region is the ARN's. Several are shown
    beside each other, by one clock. Everything is recorded and can be replayed.
    """
    from sfnwatch import plays
    from sfnwatch.naming_executions import named
    from sfnwatch.running import show

    output, options = choose_output(**shared), choose_aws(**shared)
    record, screen = choose_recording(**shared), choose_screen(output, **shared)
    read = [each for each in map(named, executions) if each is not None]
    if picked or not read:
        _check_picking(read, output, coming=coming, picked=picked)
        found, recordings = _picked(read, options, screen)
        if recordings:
            return show_files(recordings, None, **shared)
    else:
        found = _found(read, options, coming=coming)
    if not found.arns:
        return Outcome.SUCCEEDED
    play = plays.live(
        found.arns,
        options,
        drain=drain,
        tries=None if output is Output.SCREEN else TRIES,
        asked=found.asked,
        follow_redrive=follow_redrive,
    )
    return show(_sent(play, otlp), output, record, screen)


def _found(read: "Sequence[Named]", options: AwsOptions, *, coming: bool) -> "Found":
    """Find what was named."""
    import asyncio

    from sfnwatch import starting
    from sfnwatch.clock import ServerClock

    search = starting.find(read, options, ServerClock(), coming=coming, tell=narrate)
    return asyncio.run(search)


def _check_picking(
    read: "Sequence[Named]", output: Output, *, coming: bool, picked: bool
) -> None:
    """Raise UsageError where there is nothing to choose among, or on."""
    from sfnwatch.naming_executions import HINT

    if picked and coming:
        msg = "--pick and --next exclude each other."
        raise UsageError(msg, hint="Choose one.")
    if picked and output is not Output.SCREEN:
        msg = "--pick is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    if output is not Output.SCREEN or coming:
        raise UsageError("No execution is named.", hint=HINT)
    if len(read) > 1:
        msg = f"--pick chooses among the executions of one; {len(read)} are named."
        raise UsageError(msg, hint="Name one, or none for all of the account's.")


def _picked(
    read: "Sequence[Named]", options: AwsOptions, screen: ScreenOptions
) -> "tuple[Found, tuple[Path, ...]]":
    """Have executions chosen, or recordings: of what was named, or of all there are."""
    from sfnwatch import starting
    from sfnwatch.clock import ServerClock
    from sfnwatch.recorded import reading
    from sfnwatch.recording.naming import recordings_dir
    from sfnwatch.recording.shelf import paths
    from sfnwatch.running import pick, screen_config
    from sfnwatch.trace.arns import parse_execution_arn

    clock, noted, folder = ServerClock(), list[Any](), recordings_dir()
    fetch, region = starting.to_pick_from(
        read, options, clock, noted.extend, beside=bool(paths(folder))
    )
    chosen = pick(
        fetch,
        clock,
        region,
        screen_config(screen),
        children=starting.children_of(options, clock, noted.extend),
        recordings=reading(folder, read),
    )
    arns = [parse_execution_arn(each) for each in chosen if isinstance(each, str)]
    recordings = tuple(each for each in chosen if isinstance(each, Path))
    return starting.Found(tuple(arns), tuple(noted)), recordings


@click.command(short_help="Watch a simulated account; no AWS account needed.")
@click.argument(
    "scenario",
    required=False,
    default="three-ways",
    shell_complete=completing.scenarios,
)
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
@click.option(
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
      three-ways   the three below at once, on one role, and polls denied beside them:
                   who calls what, and who noticed that the task ended (the default)
      sync         ecs:runTask.sync: RunTask, a poll a minute
      sync-denied  the same with every poll denied: it succeeds all the same
      async        ecs:runTask, request-response: RunTask alone
      sdk          aws-sdk:ecs:runTask: RunTask alone
      pipeline     Choice, Parallel, Map, Retry, Catch, Lambda, a nested execution
      distributed  a Map Run: each item an execution of its own, some of which fail
      failure      a task that fails, is tried again, and fails for good
      redrive      a task that fails; minutes later somebody redrives the execution

    With --serve the account is left running for other clients: one line of JSON tells
    its endpoint URL, a pair of keys it takes, and its executions. Without a SCENARIO it
    then has them all.
    """
    from sfnwatch import plays
    from sfnwatch.running import show

    if serve:
        chosen = None if _defaulted("scenario") else scenario
        speed = 1.0 if _defaulted("speed") else speed
        return _serve(chosen, port=port, speed=speed, fresh=fresh)
    play = plays.demo(_plans(scenario), speed=speed, drain=drain, queue=queue)
    output, record = choose_output(**shared), choose_recording(**shared)
    return show(_sent(play, otlp), output, record, choose_screen(output, **shared))


def _sent(play: "Play", endpoint: str | None) -> "Play":
    """Have a play's spans go to a collector, where one is named."""
    if endpoint is None:
        return play
    from sfnwatch.collecting import collected

    return collected(play, endpoint)


@click.command(short_help="Show recordings and other files again.")
@click.argument("files", nargs=-1, required=True, shell_complete=completing.files)
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
        describe-state-machine-for-execution, describe-map-run,
        list-executions --map-run-arn
      aws cloudtrail lookup-events
      a trail's files from S3, CloudTrail events from EventBridge
      a CSV of Athena's with the columns eventtime, eventsource, eventname, …
    """
    return show_files([Path(name) for name in files], speed, **shared)


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    from sfnwatch import plays
    from sfnwatch.running import show

    output, record = choose_output(**shared), choose_recording(default=False, **shared)
    if output is Output.SCREEN:
        play = plays.played(paths, speed=speed or _REPLAY_SPEED)
    else:
        play = plays.replay(paths, speed=speed)
    return show(play, output, record, choose_screen(output, **shared))


def _plans(name: str) -> tuple[str, ...]:
    """Name the executions of a scenario; raises UsageError."""
    from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER, plans_of

    known = (*TOGETHER, *SCENARIOS)
    if name not in known:
        msg = f"There is no demo scenario {clean(name, 100)!r}."
        raise UsageError(msg, hint=f"There are: {', '.join(known)}.")
    return plans_of(name)


def _defaulted(name: str) -> bool:
    context = click.get_current_context()
    return context.get_parameter_source(name) is click.core.ParameterSource.DEFAULT


def _serve(scenario: str | None, *, port: int | None, speed: float, fresh: bool) -> int:
    import asyncio

    from sfnwatch.demo.scenarios import PLANS
    from sfnwatch.demo.serve import DEFAULT_PORT, serve
    from sfnwatch.recording.naming import recordings_dir

    scenarios = tuple(PLANS) if scenario is None else _plans(scenario)
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


COMMANDS = (watch, demo, replay)
