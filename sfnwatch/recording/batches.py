"""Records handed over in batches."""

from collections.abc import Iterable, Iterator
from itertools import islice

from sfnwatch.model.records import Batch, Received

BATCH = 200
"""Records in a batch. So few are still in the processor's cache when they are added.
A batch takes some ten milliseconds, and between batches keys are handled."""


def in_batches(records: Iterable[Received], size: int = BATCH) -> Iterator[Batch]:
    """Yield the records in batches of `size`; the last batch may be smaller."""
    remaining = iter(records)
    while batch := tuple(islice(remaining, size)):
        yield batch
