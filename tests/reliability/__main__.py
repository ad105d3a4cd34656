"""The long form: `python -m tests.reliability --schedules 2000 --seed 1`."""

import os
import time
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tests.builders import sync_run
from tests.reliability.endurance import endured
from tests.reliability.fuzz import TARGETS, inputs
from tests.reliability.kills import Kill, When, killed, lost
from tests.reliability.storms import Outcome, weathered
from tests.reliability.weather import Kind, drawn


def _shut_out_aws(folder: Path) -> None:
    """See to it that nothing of the developer's own is read."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = str(folder / "none")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(folder / "none")
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


@click.group(invoke_without_command=True)
@click.option("--schedules", default=2000, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first schedule.")
@click.option("--minutes", default=0.0, help="Stop after so long; 0: when done.")
@click.pass_context
def main(context: click.Context, schedules: int, seed: int, minutes: float) -> None:
    """Run fault schedules against the simulated account, and print what came of it."""
    with TemporaryDirectory() as folder:
        _shut_out_aws(Path(folder))
        if context.invoked_subcommand is None:
            context.exit(_storms(schedules, seed, minutes))


def _storms(schedules: int, seed: int, minutes: float) -> int:
    begun = time.monotonic()
    total, kinds, run, bad, requests, peak = Counter[str](), Counter[Kind](), 0, 0, 0, 0
    for number in range(seed, seed + schedules):
        if minutes and time.monotonic() - begun > minutes * 60:
            break
        outcome = weathered(drawn(number))
        run += 1
        bad += bool(outcome.wrong)
        for wrong in outcome.wrong:
            click.echo(f"schedule {number}: {wrong[:400]}")
        _count(outcome, total)
        kinds += outcome.injected
        requests += outcome.requests
        peak = max(peak, outcome.peak)
    click.echo(f"schedules run          {run}, of which {bad} not as without faults")
    click.echo(f"faults injected        {kinds.total()}")
    for kind, count in kinds.most_common():
        click.echo(f"  {kind:<20} {count}")
    for name in ("expected", "seen", "doubled"):
        click.echo(f"events {name:<15} {total[name]}")
    click.echo(f"requests               {requests}")
    click.echo(f"LookupEvents in 1 s    {peak} at most")
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    return int(bad > 0)


@main.command()
@click.option("--inputs", "count", default=1_000_000, show_default=True)
@click.option("--seed", "first", default=1, show_default=True)
@click.pass_context
def fuzz(context: click.Context, count: int, first: int) -> None:
    """Put inputs into every reader; print how many, and each traceback once."""
    begun, seen, total = time.monotonic(), set[str](), 0
    for target in TARGETS:
        for data in inputs(target, first, -(-count // len(TARGETS))):
            total += 1
            try:
                TARGETS[target](data)
            except Exception as error:  # noqa: BLE001 - it is what is looked for
                place = traceback.extract_tb(error.__traceback__)[-1]
                told = (
                    f"{target}: {type(error).__name__} at {place.name}:{place.lineno}"
                )
                if told not in seen:
                    click.echo(f"{told}: {error!s:.100}: {data[:2000]!r}")
                seen.add(told)
    click.echo(f"inputs                 {total}, of {len(TARGETS)} kinds")
    click.echo(f"tracebacks             {len(seen)}")
    click.echo(f"seconds                {time.monotonic() - begun:.0f}")
    context.exit(int(bool(seen)))


@main.command()
@click.option("--hours", default=8.0, show_default=True)
@click.pass_context
def endurance(context: click.Context, hours: float) -> None:
    """Watch for hours of virtual time; print what grew, and what was left open."""
    with TemporaryDirectory() as folder:
        watched = endured(hours, Path(folder))
    click.echo(f"virtual hours          {watched.hours:g}")
    click.echo(f"requests               {watched.requests}")
    click.echo(f"events                 {watched.events} of {watched.expected_events}")
    click.echo(f"calls                  {watched.calls} of {watched.expected_calls}")
    click.echo(f"memory                 {watched.slope:+.0f} KiB an hour")
    click.echo(f"tasks left over        {watched.tasks}")
    click.echo(f"files left open        {max(0, watched.files)}")
    whole = watched.events == watched.expected_events
    context.exit(int(not whole or watched.tasks > 0 or watched.files > 0))


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


def _count(outcome: Outcome, total: Counter[str]) -> None:
    total["expected"] += outcome.expected
    total["seen"] += outcome.seen
    total["doubled"] += outcome.doubled


if __name__ == "__main__":
    main()
