"""What was measured, as tables for people and as JSON for programs."""

import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sfnwatch import __version__
from tests.benchmarks.bench import Figure, Result, Skipped, Verdict
from tests.benchmarks.measure import slope

_STEEP = 1.1
"""Nothing of ours may grow faster than its input; above this it does."""
_Series = tuple[str, str]


def show(results: Sequence[Result], console: Console) -> None:
    """Print what was measured, what was to be reached, and what was left out."""
    figures = [each for each in results if isinstance(each, Figure)]
    if figures:
        console.print(_measured(figures))
    verdicts = [each for each in results if isinstance(each, Verdict)]
    if verdicts:
        console.print(_reached(verdicts))
    for skipped in results:
        if isinstance(skipped, Skipped):
            words = f"not measured: {skipped.row}, {skipped.who}: {skipped.why}"
            console.print(words, markup=False, highlight=False)


def _measured(figures: Sequence[Figure]) -> Table:
    table = Table(title="Measured: medians", title_justify="left")
    for name in ("row", "what", "size"):
        table.add_column(name, justify="right" if name == "size" else "left")
    for name in ("median", "least", "most", "n", "unit", "slope"):
        table.add_column(name, justify="left" if name == "unit" else "right")
    slopes = growth(figures)
    last = {(each.row, each.who): each for each in figures}
    for each in figures:
        own = (
            slopes.get((each.row, each.who))
            if last[each.row, each.who] is each
            else None
        )
        table.add_row(
            each.row,
            each.who,
            f"{each.size:,}" if each.size else "",
            *(_number(n) for n in (each.median, min(each.values), max(each.values))),
            str(len(each.values)),
            each.unit,
            "" if own is None else _sloping(own, growing=each.growing),
        )
    return table


def _sloping(value: float, *, growing: bool) -> str:
    return f"[red]{value:.2f}[/]" if growing and value > _STEEP else f"{value:.2f}"


def _reached(verdicts: Iterable[Verdict]) -> Table:
    table = Table(title="To be reached", title_justify="left")
    for name in ("row", "to reach", "reached", ""):
        table.add_column(name)
    for each in verdicts:
        mark = "[green]✔ met[/]" if each.met else "[red]✗ not met[/]"
        table.add_row(each.row, each.wanted, each.got, mark)
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def growth(figures: Iterable[Figure]) -> Mapping[_Series, float]:
    """Give the log-log slope of all that was measured at several sizes."""
    points: dict[_Series, list[tuple[float, float]]] = defaultdict(list)
    for each in figures:
        if each.size:
            points[each.row, each.who].append((each.size, each.median))
    slopes = {series: slope(found) for series, found in points.items()}
    return {series: found for series, found in slopes.items() if found is not None}


def as_json(results: Sequence[Result], *, load: float) -> dict[str, Any]:
    """Give all of it, each value that was measured."""
    figures = [each for each in results if isinstance(each, Figure)]
    return {
        "sfnwatch": __version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "load": load,
        "figures": [
            {
                "row": each.row,
                "what": each.who,
                "size": each.size,
                "unit": each.unit,
                "median": each.median,
                "values": list(each.values),
            }
            for each in figures
        ],
        "slopes": [
            {"row": row, "what": who, "slope": found}
            for (row, who), found in growth(figures).items()
        ],
        "verdicts": [
            {"row": v.row, "to_reach": v.wanted, "reached": v.got, "met": v.met}
            for v in results
            if isinstance(v, Verdict)
        ],
        "skipped": [
            {"row": s.row, "what": s.who, "why": s.why}
            for s in results
            if isinstance(s, Skipped)
        ],
    }
