"""Schedules by the thousand, in several processes, and what came of them together."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import click

from tests.reliability.storms import Outcome, weathered
from tests.reliability.weather import Kind, drawn


def shut_out_aws(folder: str) -> None:
    """See to it that nothing of the developer's own is read."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = str(Path(folder, "none"))
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(Path(folder, "none"))
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def many(numbers: range, jobs: int, folder: str) -> Iterator[tuple[int, Outcome]]:
    """Run schedules, in processes each with a loop and ports of its own."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), shut_out_aws, (folder,))
    try:
        yield from zip(numbers, pool.map(_of_seed, numbers), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)


def _of_seed(seed: int) -> Outcome:
    return weathered(drawn(seed))


class Tally:
    """Counts what came of schedules."""

    def __init__(self) -> None:
        self.run = self.bad = self.requests = self.peak = 0
        self._kinds, self._events = Counter[Kind](), Counter[str]()

    def add(self, name: str, outcome: Outcome) -> None:
        """Take one in; what is not as without faults is printed at once."""
        self.run += 1
        self.bad += bool(outcome.wrong)
        for wrong in outcome.wrong:
            click.echo(f"{name}: {wrong[:400]}")
        for each in ("expected", "seen", "doubled"):
            self._events[each] += getattr(outcome, each)
        self._kinds += outcome.injected
        self.requests += outcome.requests
        self.peak = max(self.peak, outcome.peak)

    def print(self) -> None:
        click.echo(
            f"schedules run          {self.run}, {self.bad} not as without faults"
        )
        click.echo(f"faults injected        {self._kinds.total()}")
        for kind, count in self._kinds.most_common():
            click.echo(f"  {kind:<20} {count}")
        for each in ("expected", "seen", "doubled"):
            click.echo(f"events {each:<15} {self._events[each]}")
        click.echo(f"requests               {self.requests}")
        click.echo(f"LookupEvents in 1 s    {self.peak} at most")
