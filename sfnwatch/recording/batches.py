"""Records handed over in batches."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sfnwatch.model.records import (
    Batch,
    Received,
)

BATCH = 200
"""Records handed over at once: so few are still in a processor's cache when they are
added, and take some ten milliseconds, between which keys are heard."""


def in_batches(records: Iterable[Received], size: int = BATCH) -> Iterator[Batch]:
    """Yield records, so many at once."""
    left = iter(records)
    while batch := tuple(islice(left, size)):
        yield batch
