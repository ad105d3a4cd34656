"""What can be measured only inside the program: run by the rows, in a process.

`python -m tests.benchmarks.inside WHAT ARGUMENTS…` tells one JSON object. What is
asked for, and the words it is told in, are the same for each edition, each of which has
a driver of its own.
"""

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from sfnwatch.model.records import Batch, RecordKind
from sfnwatch.model.trace import Changed
from tests.benchmarks import made
from tests.builders import ARN

# What is imported here is measured: no more than is needed.
TOLD = "BENCHMARK_TOLD"
"""Names the file in which a program on a terminal is to tell what it measured."""
_COUNT, _TIMES = 100, 5
"""So many records at once, and how often."""
_ROWS = 46
"""Lines of a page, on a terminal of 50."""
_KINDS = frozenset({RecordKind.HISTORY, RecordKind.LOOKUP})


def _tell(told: dict[str, Any]) -> None:
    """Say what was measured, whole or not at all."""
    text = json.dumps(told)
    if TOLD not in os.environ:
        sys.stdout.write(text + "\n")
        return
    path = Path(os.environ[TOLD])
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def extend(events: str, calls: str) -> None:
    """Add batches to a trace that long, and make the page that shows each.

    In CPU time: it waits for nothing, and other processes are not what is measured.
    """
    from sfnwatch.clock import SystemClock
    from sfnwatch.session.session import Session
    from sfnwatch.tui.screen_settings import ScreenSettings
    from sfnwatch.tui.screen_state import ScreenState

    async def nothing(_: object) -> None:
        """Hand over nothing: batches are added here."""

    known, more = made.growing(int(events), int(calls), _TIMES * _COUNT)
    session = Session("live", nothing, clock=SystemClock(), executions=())
    trace, shown = session.trace, ScreenState(session, ScreenSettings())

    def page(batch: Batch) -> None:
        shown.take(batch, trace.add(batch))
        shown.refresh()
        for place in range(max(0, len(shown.items) - _ROWS), len(shown.items)):
            shown.line(place)

    while batch := tuple(islice(known, 1000)):
        page(batch)
    gc.collect()
    gc.freeze()
    spent = []
    for first in range(0, _TIMES * _COUNT, _COUNT):
        begun = time.process_time()
        page(tuple(more[first : first + _COUNT]))
        spent.append(time.process_time() - begun)
    _tell({"batches": {str(_COUNT): {"page": spent}}})


def live(url: str, count: str) -> None:
    """Watch as users do, without AWS's limits, until so many records are taken in."""
    from sfnwatch.cli.main import main
    from sfnwatch.session import sessions
    from sfnwatch.session.session import Session
    from sfnwatch.sources.rate_limits import TokenBucket

    left, usual = int(count), sessions.live

    def note(batch: Batch, _: Changed) -> None:
        nonlocal left
        before, left = left, left - sum(each.kind in _KINDS for each in batch)
        if left <= 0 < before:
            # Once all others have been told of the batch, the screen too.
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: _tell({"taken_in": time.monotonic()}))

    def watched(*given: Any, **more: Any) -> Session:
        made_session = usual(*given, **more)
        made_session.consumers.append(note)
        return made_session

    async def take(self: TokenBucket) -> None:
        """Ask as fast as the stub answers: AWS's limits are not what is measured."""

    sessions.live = watched
    TokenBucket.take = take  # type: ignore[method-assign]
    sys.argv = ["sfnwatch", ARN, "--endpoint-url", url, "--no-record"]
    main()


_MODES: dict[str, Callable[..., None]] = {"extend": extend, "live": live}

if __name__ == "__main__":
    _MODES[sys.argv[1]](*sys.argv[2:])
