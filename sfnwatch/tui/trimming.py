"""Memory that is free, given back to the system.

Sequences and maps of all rows are made for each page, and the C library keeps what is
free of them between what stays: a fifth of all after 100,000 calls.
"""

from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Give back what is free, where that can be asked for; it takes some 5 ms."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Find what does it: the GNU C library has it, others don't."""
    import ctypes  # noqa: PLC0415 - 2 ms, and not without many records

    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return trim
