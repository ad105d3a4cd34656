"""The rows there are, by their names."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from tests.benchmarks import rows_files, rows_live
from tests.benchmarks.bench import Bench, Result, Skipped
from tests.benchmarks.measure import FailedError

Row = Callable[[Bench], Iterator[Result]]
ROWS: Mapping[str, Row] = {
    "version": rows_files.version,
    "replay": rows_files.replay,
    "replay-long": rows_files.replay_long,
    "fetch": rows_live.fetch,
    "live": rows_live.live,
    "poll": rows_live.poll,
    "keys": rows_live.keys,
    "seek": rows_files.seek,
    "extend": rows_files.extend,
    "memory": rows_live.memory,
    "quiet": rows_live.quiet,
}


def measure(names: Iterable[str], bench: Bench) -> Iterator[Result]:
    """Measure some rows; one that fails is said to, and the others go on."""
    for name in names:
        try:
            yield from ROWS[name](bench)
        except FailedError as error:
            yield Skipped(name, "the rest", str(error))
