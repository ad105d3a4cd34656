"""Measures how fast it is: `python -m tests.benchmarks`.

Alone it is measured beside the least that could be done, and beside other programs that
are installed; `--against` another edition, beside that. The machine's load is part of
what is measured: compare ratios of one run, which takes its programs in turn, and not
times of two.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from tests.benchmarks.bench import QUICK, Bench, Edition, FailedError
from tests.benchmarks.rows import MEMORY, QUIET, ROWS, Figure, measured

_WIDTH = 120
_SCRATCH = Path(tempfile.gettempdir()) / f"sfnwatch-benchmarks-{os.getuid()}"


@click.command(
    help=__doc__, epilog=f"ROWS are {', '.join(ROWS)}; all, if none is named."
)
@click.argument("rows", nargs=-1, type=click.Choice(list(ROWS)), metavar="[ROW…]")
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="PYTHON",
    help="The interpreter that another edition is installed for, with its tests.",
)
@click.option("--runs", default=5, show_default=True, help="Counted runs of each.")
@click.option(
    "--cpu", "by_cpu", is_flag=True, help="Take CPU time: for a machine that is busy."
)
@click.option("--quick", is_flag=True, help="Small sizes, one run.")
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    default=_SCRATCH,
    show_default=True,
    help="Where recordings are kept for the next run.",
)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Write JSON here.")
def main(
    rows: tuple[str, ...],
    against: Path | None,
    runs: int,
    *,
    by_cpu: bool,
    quick: bool,
    scratch: Path,
    out: Path | None,
) -> None:
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    sizes = QUICK if quick else {"runs": runs}
    bench = Bench(scratch.resolve(), by_cpu=by_cpu, **sizes)
    # The interpreter's own path: a link is how a virtual environment is told.
    other = Edition.of(against.absolute()) if against else None
    load, own = os.getloadavg()[0], Edition.own()
    told = Console(stderr=True, highlight=False, markup=False)
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    try:
        for name in rows or ROWS:
            try:
                for figure in measured(name, bench, own, other):
                    figures.append(figure)
                    told.print(f"{figure.name}, {figure.who}: {_text(figure)}")
            except FailedError as error:
                failed[name] = str(error)
    finally:
        # Of a run that is cut short, too: it may have been an hour.
        # A table in a file is as wide as it needs to be.
        console = Console(width=None if sys.stdout.isatty() else _WIDTH)
        console.print(_table(figures, "CPU time" if by_cpu else "Time"))
        for name, why in failed.items():
            console.print(f"not measured: {name}: {why}", markup=False, highlight=False)
        if out is not None:
            machine = {"machine": platform.platform(), "load": load}
            told_all = {**machine, "figures": figures, "failed": failed}
            text = json.dumps(msgspec.to_builtins(told_all), indent=1)
            out.write_text(text + "\n")


def _table(figures: Sequence[Figure], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    table.add_column("of")
    for name in ("median", "least", "most", "ours to it"):
        table.add_column(name, justify="right")
    for figure in figures:
        ratio = figure.ratio
        table.add_row(
            "" if ratio is not None else figure.name,
            figure.who,
            *(_text(figure, each) for each in (None, min, max)),
            "" if ratio is None else f"{ratio:.2f}×",
        )
    return table


def _text(figure: Figure, of: object = None) -> str:
    value = of(figure.values) if callable(of) else figure.median
    if figure.name == MEMORY:
        return f"{value / 1e6:,.0f} MB"
    if figure.name == QUIET:
        return f"{value * 100:.2f} %"
    return f"{value * 1000:,.4g} ms" if value < 1 else f"{value:,.3g} s"


if __name__ == "__main__":
    main()
