"""Memory that is free, given back to the system.

Sequences and maps of all rows are made for each page, and the C library keeps what is
free of them between what stays: a fifth of all after 100,000 calls.
"""

from collections.abc import Callable
from functools import cache

_APART = -3
"""Its `M_MMAP_THRESHOLD`: from how many bytes on what is asked for stands apart, and is
given back as soon as it is free. It grows by itself, to the size of such a map."""
_LARGE = 64 << 10


def give_back() -> None:
    """Give back what is free, where that can be asked for.

    It takes up to 7 ms, in which other threads have the interpreter.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Find what does it: the GNU C library has it, others don't."""
    import ctypes  # noqa: PLC0415 - 2 ms, and not without many records

    try:
        library = ctypes.CDLL(None)
        trim: Callable[[int], int] = library.malloc_trim
        library.mallopt(_APART, _LARGE)
    except (OSError, AttributeError, TypeError):
        return None
    return trim
