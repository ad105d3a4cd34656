"""What can be measured only inside the program: run by the rows, in a process.

`python -m tests.benchmarks.inside WHAT ARGUMENTS…` tells one JSON object.
"""

import gc
import sys
from collections.abc import Callable

from sfnwatch.cli import COLLECT
from tests.benchmarks import inside_pieces, inside_screen

_MODES: dict[str, Callable[..., None]] = {
    "extend": inside_pieces.extend_by,
    "fetch": inside_pieces.fetch,
    "poll": inside_pieces.poll,
    "clock": inside_screen.clock,
    "keys": inside_screen.keys,
    "live": inside_screen.live,
    "quiet": inside_screen.quiet,
    "seek": inside_screen.seek,
}

if __name__ == "__main__":
    gc.set_threshold(*COLLECT)  # as the program runs
    _MODES[sys.argv[1]](*sys.argv[2:])
