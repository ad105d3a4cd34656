"""The command that watches, or serves, a simulated account."""

import errno
from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from sfnwatch.cli import options
from sfnwatch.cli.collector import send_spans
from sfnwatch.cli.display import choose_display
from sfnwatch.cli.narration import streams
from sfnwatch.cli.parameter_types import PORT, SPEED
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.cli.setting_origin import is_default
from sfnwatch.cli.show import SCREEN_SPEED, show
from sfnwatch.demo.scenarios import PLANS, SCENARIOS, TOGETHER, plans_of
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.recording.library import recordings_dir
from sfnwatch.session import sessions, signals


@click.command()
@click.argument(
    "scenario",
    type=click.Choice((*TOGETHER, *SCENARIOS)),
    metavar="[SCENARIO]",
    required=False,
    default="three-ways",
)
@option("--speed", "Speed-up factor.", type=SPEED, default=SCREEN_SPEED)
@flag("--serve", "Only serve the account, until interrupted.")
@option("--port", "Serve on this port.", type=PORT)
@flag("--fresh", "With --serve: start a new account.")
@flag(
    "--with-queue",
    "Read the account's queue, too: ECS task state changes.",
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
        scenarios = tuple(PLANS) if is_default("scenario") else plans_of(scenario)
        served_speed = 1.0 if is_default("speed") else speed
        _serve(scenarios, served_speed, **shared)
        return Outcome.SUCCEEDED
    display = choose_display(**shared)
    session = sessions.demo(
        plans_of(scenario), speed=speed, drain=shared["drain"], queue=shared["queue"]
    )
    send_spans(session, shared["otlp"])
    return show(session, display)


def _serve(scenarios: Sequence[str], speed: float, **asked: Any) -> None:
    """Serve the account until a signal comes; raises UsageError for a port in use."""
    from sfnwatch.demo.standalone_server import DEFAULT_PORT, serve

    port: int = DEFAULT_PORT if asked["port"] is None else asked["port"]
    out, err = streams()
    run = partial(
        serve,
        scenarios,
        port=port,
        speed=speed,
        out=out,
        err=err,
        fresh=asked["fresh"],
        state_dir=recordings_dir().parent,
    )
    try:
        # Whoever reads the line may end us at once: signals are caught before it.
        signals.run(run)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
