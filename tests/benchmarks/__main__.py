"""Measures how fast it is, beside other programs: `python -m tests.benchmarks`.

The machine's load is part of what is measured: compare ratios of one run, which takes
its pairs in turn, and not times of two.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from tests.benchmarks.bench import Bench, Figure, Result
from tests.benchmarks.rows import ROWS, measure
from tests.benchmarks.table import as_json, show

_WIDTH = 120
_SIZES, _QUICK = "1000,5000,25000", (400, 800)


@click.command(
    help=__doc__, epilog=f"ROWS are {', '.join(ROWS)}; all, if none is named."
)
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)), metavar="[ROW…]")
@click.option("--sizes", default=_SIZES, show_default=True, help="Events, by commas.")
@click.option("--runs", default=5, show_default=True, help="Counted runs of each.")
@click.option("--quick", is_flag=True, help="Small sizes, one run, no other programs.")
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(tempfile.gettempdir()) / f"sfnwatch-benchmarks-{os.getuid()}",
    show_default=True,
    help="Where recordings and other programs are kept for the next run.",
)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Write JSON here.")
def main(
    rows: tuple[str, ...],
    sizes: str,
    runs: int,
    *,
    quick: bool,
    scratch: Path,
    out: Path | None,
) -> None:
    told = Console(stderr=True)
    # A table in a file is as wide as it needs to be.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    chosen = _QUICK if quick else tuple(int(size) for size in sizes.split(","))
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    bench = Bench(scratch.resolve(), chosen, 1 if quick else runs, quick)
    load = os.getloadavg()[0]
    results: list[Result] = []
    try:
        for result in measure(rows or ROWS, bench):
            results.append(result)
            if isinstance(result, Figure):
                _say(result, told)
    finally:
        # Of a run that is cut short, too: it may have been an hour.
        show(results, console)
        if out is not None:
            told_all = as_json(results, load=load)
            out.write_text(json.dumps(told_all, indent=1) + "\n")


def _say(figure: Figure, console: Console) -> None:
    size = f", {figure.size:,}" if figure.size else ""
    words = f"{figure.row}, {figure.who}{size}: {figure.median:.4g} {figure.unit}"
    console.print(words, markup=False, highlight=False)


if __name__ == "__main__":
    main()
