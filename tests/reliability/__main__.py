"""The long forms: `python -m tests.reliability schedules|moto|fuzz|kills|endurance`."""

import os
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.builders import sync_run
from tests.reliability.endurance import endured
from tests.reliability.fuzz_targets import TARGETS
from tests.reliability.fuzzer import fuzzed
from tests.reliability.kills import every_kill, killed, lost
from tests.reliability.storms import (
    Outcome,
    each_weathered,
    shut_out_aws,
    weathered,
)
from tests.reliability.twin import soon, twin
from tests.reliability.weather import Fault, drawn

_FLAT = 512.0
"""KiB an hour: an event a second that nobody lets go of would be more."""
_jobs = click.option(
    "--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes."
)
_minutes = click.option(
    "--minutes", default=0.0, help="Stop after so long; 0: when done."
)
_seed = click.option(
    "--seed", default=1, show_default=True, help="Of the first of them."
)


@click.group()
def main() -> None:
    """Try at length what README promises, and print what came of it."""


@main.command()
@click.option("--schedules", "count", default=2000, show_default=True)
@_seed
@_minutes
@_jobs
@click.pass_context
def schedules(
    context: click.Context, *, count: int, seed: int, minutes: float, jobs: int
) -> None:
    """Run schedules of faults against the simulated account."""
    with TemporaryDirectory() as folder:
        outcomes = each_weathered(range(seed, seed + count), jobs, folder)
        _tell_outcomes(context, outcomes, minutes)


@main.command()
@click.option("--schedules", "count", default=50, show_default=True)
@_seed
@_minutes
@click.pass_context
def moto(context: click.Context, count: int, seed: int, minutes: float) -> None:
    """Run schedules of faults before executions that moto has run."""
    with TemporaryDirectory() as folder, twin() as ran:
        shut_out_aws(folder)
        seeds = range(seed, seed + count)
        outcomes = ((n, weathered(soon(drawn(n)), ran)) for n in seeds)
        _tell_outcomes(context, outcomes, minutes)


def _tell_outcomes(
    context: click.Context, outcomes: Iterable[tuple[int, Outcome]], minutes: float
) -> None:
    begun, run, bad = time.monotonic(), 0, 0
    faults, figures = Counter[Fault](), Counter[str]()
    for number, outcome in outcomes:
        for wrong in outcome.wrong:
            click.echo(f"schedule {number}: {wrong[:400]}")
        run, bad = run + 1, bad + bool(outcome.wrong)
        faults += outcome.injected
        for each in ("expected", "seen", "doubled", "requests"):
            figures[each] += getattr(outcome, each)
        if minutes and time.monotonic() - begun > minutes * 60:
            break
    click.echo(f"schedules run          {run}, {bad} not as without faults")
    click.echo(f"faults injected        {faults.total()}")
    for fault, times in faults.most_common():
        click.echo(f"  {fault:<20} {times}")
    for each in ("expected", "seen", "doubled"):
        click.echo(f"records {each:<14} {figures[each]}")
    click.echo(f"requests               {figures['requests']}")
    _end(context, begun, failed=bad > 0)


@main.command()
@click.option("--inputs", "count", default=1_000_000, show_default=True)
@_seed
@click.option("--target", "chosen", type=click.Choice(list(TARGETS)), multiple=True)
@_minutes
@_jobs
@click.pass_context
def fuzz(
    context: click.Context,
    *,
    count: int,
    seed: int,
    chosen: tuple[str, ...],
    minutes: float,
    jobs: int,
) -> None:
    """Put inputs into every reader; print how many, and each traceback once."""
    begun, crashes = time.monotonic(), dict[str, str]()
    targets = chosen or tuple(TARGETS)
    each = -(-count // (len(targets) * jobs))
    rows = Counter[tuple[str, str]]()
    seconds = minutes * 60 / len(targets)
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = [(name, seed + n) for name in targets for n in range(jobs)]
        names, seeds = zip(*tasks, strict=True)
        every = pool.map(fuzzed, names, seeds, repeat(each), repeat(seconds))
        for result in every:
            for told in result.crashes.keys() - crashes.keys():
                click.echo(f"{told}: {result.crashes[told]}")
            crashes |= result.crashes
            rows[result.target, "inputs"] += result.count
            rows[result.target, "kept"] += result.kept
            steps = max(rows[result.target, "steps"], result.steps)
            rows[result.target, "steps"] = steps
    total = sum(rows[name, "inputs"] for name in targets)
    click.echo(f"inputs                 {total}, of {len(targets)} kinds")
    for name in targets:
        told = "{} inputs, {} steps from line to line, {} kept that took a new one"
        figures = (rows[name, key] for key in ("inputs", "steps", "kept"))
        click.echo(f"  {name:<20} {told.format(*figures)}")
    click.echo(f"tracebacks             {len(crashes)}")
    _end(context, begun, failed=bool(crashes))


@main.command()
@click.option("--hours", default=8.0, show_default=True)
@click.pass_context
def endurance(context: click.Context, hours: float) -> None:
    """Watch for hours of virtual time; print what grew, and what was left open."""
    begun = time.monotonic()
    with TemporaryDirectory() as folder:
        shut_out_aws(folder)
        watched = endured(hours, Path(folder))
    click.echo(f"virtual hours          {watched.hours:g}")
    click.echo(f"requests               {watched.requests}")
    click.echo(f"events                 {watched.events} of {watched.expected_events}")
    click.echo(f"calls                  {watched.calls} of {watched.expected_calls}")
    click.echo(f"memory                 {watched.slope:+.0f} KiB an hour")
    click.echo(f"tasks left over        {watched.tasks}")
    click.echo(f"files left open        {max(0, watched.files)}")
    whole = (watched.events, watched.calls) == (
        watched.expected_events,
        watched.expected_calls,
    )
    left = watched.slope > _FLAT or watched.tasks > 0 or watched.files > 0
    _end(context, begun, failed=not whole or left)


@main.command()
@click.pass_context
def kills(context: click.Context) -> None:
    """Kill a recorder after and within every batch of a run; print how often."""
    begun = time.monotonic()
    batches = [(record,) for record in sync_run(denied=True) * 10]
    kills = every_kill(batches)
    said: list[str] = []
    with TemporaryDirectory() as name:
        for number, kill in enumerate(kills):
            path = killed(Path(name, f"{number}.jsonl"), batches, kill)
            said += filter(None, [lost(path, batches, kill)])
    for words in said:
        click.echo(words)
    click.echo(f"killed                 {len(kills)} times")
    click.echo(f"not as recorded        {len(said)}")
    _end(context, begun, failed=bool(said))


def _end(context: click.Context, begun: float, *, failed: bool) -> None:
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    context.exit(int(failed))


if __name__ == "__main__":
    main()
