"""The long forms: `python -m tests.reliability schedules|moto|fuzz|kills|endurance`."""

import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.builders import sync_run
from tests.reliability.endurance import endured
from tests.reliability.fuzz import TARGETS
from tests.reliability.fuzz_inputs import fuzzed
from tests.reliability.kills import Kill, When, killed, lost
from tests.reliability.many import Tally, many, shut_out_aws
from tests.reliability.storms import weathered
from tests.reliability.twin import soon, twin
from tests.reliability.weather import drawn

_FLAT = 512.0
"""KiB an hour: an event a second that nobody lets go of would be more."""
_jobs = click.option(
    "--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes."
)


@click.group()
def main() -> None:
    """Try at length what README promises, and print what came of it."""


@main.command()
@click.option("--schedules", "count", default=2000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first schedule.")
@click.option("--minutes", default=0.0, help="Stop after so long; 0: when done.")
@_jobs
@click.pass_context
def schedules(
    context: click.Context, count: int, seed: int, minutes: float, jobs: int
) -> None:
    """Run fault schedules against the simulated account."""
    begun = time.monotonic()
    tally = Tally()
    with TemporaryDirectory() as folder:
        for number, outcome in many(range(seed, seed + count), jobs, folder):
            tally.add(f"schedule {number}", outcome)
            if minutes and time.monotonic() - begun > minutes * 60:
                break
    tally.print()
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    context.exit(int(tally.bad > 0))


@main.command()
@click.option("--schedules", "count", default=50, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first schedule.")
@click.pass_context
def moto(context: click.Context, count: int, seed: int) -> None:
    """Run fault schedules before executions that moto has run."""
    begun, tally = time.monotonic(), Tally()
    with TemporaryDirectory() as folder:
        shut_out_aws(folder)
        with twin() as ran:
            for number in range(seed, seed + count):
                tally.add(f"schedule {number}", weathered(soon(drawn(number)), ran))
    tally.print()
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    context.exit(int(tally.bad > 0))


@main.command()
@click.option("--inputs", "count", default=1_000_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--target", "chosen", type=click.Choice(list(TARGETS)), multiple=True)
@_jobs
@click.pass_context
def fuzz(
    context: click.Context, count: int, seed: int, chosen: tuple[str, ...], jobs: int
) -> None:
    """Put inputs into every reader; print how many, and each traceback once."""
    begun, crashes = time.monotonic(), dict[str, str]()
    targets = chosen or tuple(TARGETS)
    each = -(-count // (len(targets) * jobs))
    rows = Counter[tuple[str, str]]()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = [(name, seed + n) for name in targets for n in range(jobs)]
        names, seeds = zip(*tasks, strict=True)
        for result in pool.map(fuzzed, names, seeds, repeat(each)):
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
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    context.exit(int(bool(crashes)))


@main.command()
@click.option("--hours", default=8.0, show_default=True)
@click.pass_context
def endurance(context: click.Context, hours: float) -> None:
    """Watch for hours of virtual time; print what grew, and what was left open."""
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
    grown = watched.slope > _FLAT
    context.exit(int(not whole or grown or watched.tasks > 0 or watched.files > 0))


@main.command()
@click.pass_context
def kills(context: click.Context) -> None:
    """Kill a recorder before, in and after every write of a run; print how often."""
    lines = sync_run(denied=True) * 10
    batches = [(record,) for record in lines]
    points = [Kill(n, when) for n in range(len(batches) + 1) for when in When]
    with TemporaryDirectory() as name:
        folder = Path(name)
        said = [lost(killed(folder, batches, each), batches, each) for each in points]
    for words in filter(None, said):
        click.echo(words)
    click.echo(f"killed                 {len(points)} times")
    click.echo(f"lines lost             {len(list(filter(None, said)))}")
    context.exit(int(any(said)))


if __name__ == "__main__":
    main()
