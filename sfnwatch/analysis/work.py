"""Work that may pause between its steps, so that a screen stays responsive."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that yields wherever it may pause, and then returns its result."""


def run_to_end(work: Work[T]) -> T:
    """Run work to its end without a pause, and return its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: T = end.value
            return value
