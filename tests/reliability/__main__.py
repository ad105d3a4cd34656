"""The long forms: `python -m tests.reliability COMMAND`.

The commands are schedules, moto, fuzz, kills, endurance and answers.
"""

import asyncio
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
import pytest
from botocore.retries.standard import ExponentialBackoff

from tests.builders import sync_run
from tests.reliability.fuzz import TARGETS, fuzzed
from tests.reliability.matrix import (
    all_cells,
    asked_wrongly,
    watched_cells,
    watched_wrongly,
)
from tests.reliability.storm import (
    Fault,
    Outcome,
    drawn,
    each_weathered,
    shut_out_aws,
    weathered,
)
from tests.reliability.test_endurance import endured
from tests.reliability.test_recorder import every_kill, killed, lost
from tests.reliability.twin import soon, twin

_FLAT = 512.0
"""KiB an hour: an event a second that nobody lets go of would be more."""
_JOBS = os.cpu_count() or 1
_seed = click.option(
    "--seed", default=1, show_default=True, help="Of the first of them."
)


@click.group()
def main() -> None:
    """Try at length what README promises, and print what came of it."""


@main.command()
@click.option("--schedules", "count", default=2000, show_default=True)
@_seed
@click.pass_context
def schedules(context: click.Context, count: int, seed: int) -> None:
    """Run schedules of faults against the simulated account."""
    with TemporaryDirectory() as folder:
        outcomes = each_weathered(range(seed, seed + count), _JOBS, folder)
        _tell_outcomes(context, outcomes)


@main.command()
@click.option("--schedules", "count", default=50, show_default=True)
@_seed
@click.pass_context
def moto(context: click.Context, count: int, seed: int) -> None:
    """Run schedules of faults before executions that moto has run."""
    with TemporaryDirectory() as folder, twin() as ran:
        shut_out_aws(folder)
        seeds = range(seed, seed + count)
        _tell_outcomes(context, ((n, weathered(soon(drawn(n)), ran)) for n in seeds))


def _tell_outcomes(
    context: click.Context, outcomes: Iterable[tuple[int, Outcome]]
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
@click.pass_context
def fuzz(context: click.Context, count: int, seed: int) -> None:
    """Put inputs into every reader; print how many, and each traceback once."""
    begun, crashes = time.monotonic(), dict[str, str]()
    each = -(-count // (len(TARGETS) * _JOBS))
    rows = Counter[tuple[str, str]]()
    with ProcessPoolExecutor(_JOBS, get_context("spawn")) as pool:
        tasks = [(name, seed + n) for name in TARGETS for n in range(_JOBS)]
        for result in pool.map(fuzzed, *zip(*tasks, strict=True), repeat(each)):
            for told in result.crashes.keys() - crashes.keys():
                click.echo(f"{told}: {result.crashes[told]}")
            crashes |= result.crashes
            rows[result.target, "inputs"] += result.count
            rows[result.target, "kept"] += result.kept
            steps = max(rows[result.target, "steps"], result.steps)
            rows[result.target, "steps"] = steps
    total = sum(rows[name, "inputs"] for name in TARGETS)
    click.echo(f"inputs                 {total}, of {len(TARGETS)} kinds")
    for name in TARGETS:
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
    click.echo(f"virtual hours          {hours:g}")
    click.echo(f"requests               {watched.requests}")
    for number, name in enumerate(("events", "calls")):
        told = f"{watched.seen[number]} of {watched.expected[number]}"
        click.echo(f"{name:<23}{told}")
    click.echo(f"memory                 {watched.slope:+.0f} KiB an hour")
    click.echo(f"tasks left over        {watched.tasks}")
    click.echo(f"files left open        {max(0, watched.files)}")
    whole = watched.seen == watched.expected
    left = watched.slope > _FLAT or watched.tasks > 0 or watched.files > 0
    _end(context, begun, failed=not whole or left)


@main.command()
@click.pass_context
def answers(context: click.Context) -> None:
    """Answer every operation with every odd answer; print what came of it."""
    begun = time.monotonic()
    asked, watched = list(all_cells()), list(watched_cells())
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)
        shut_out_aws(folder)
        wrong = asyncio.run(asked_wrongly(asked))
        wrong += filter(None, (asyncio.run(watched_wrongly(each)) for each in watched))
    for words in wrong:
        click.echo(words[:400])
    click.echo(f"answers                {len(asked)}")
    click.echo(f"watches                {len(watched)}")
    click.echo(f"not as they should be  {len(wrong)}")
    _end(context, begun, failed=bool(wrong))


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
