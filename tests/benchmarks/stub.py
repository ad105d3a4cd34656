"""Step Functions and CloudTrail as far as a watch asks them, as cheap as can be.

Every event is serialized before the first request, so that what is measured is the
client. Run as a process of its own: `python -m tests.benchmarks.stub EVENTS CALLS`
serves on loopback until its stdin closes, and tells its URL in one line.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.benchmarks import made
from tests.sources.loopback import stubbed

ENDED = "ended"
"""The word that asks for an execution that is over."""
_PAGE, _MOST, _MOST_CALLS = 100, 1000, 50
"""What AWS gives where nothing is said, and at most."""

Asked = Any
"""The parameters of a request."""


def _history(events: Sequence[bytes], asked: Asked) -> bytes:
    limit = min(asked.get("maxResults") or _PAGE, _MOST)
    first = int(asked.get("nextToken") or 0)
    ordered = events[::-1] if asked.get("reverseOrder") else events
    return _page("events", ordered[first : first + limit], "nextToken", first, events)


def _lookup(calls: Sequence[bytes], asked: Asked) -> bytes:
    (attribute,) = asked["LookupAttributes"]
    if attribute["AttributeValue"] != "ecs.amazonaws.com":
        return b'{"Events":[]}'
    limit = min(asked.get("MaxResults") or _MOST_CALLS, _MOST_CALLS)
    first = int(asked.get("NextToken") or 0)
    return _page("Events", calls[first : first + limit], "NextToken", first, calls)


def _page(
    name: str, page: Sequence[bytes], token: str, first: int, every: Sequence[bytes]
) -> bytes:
    after = first + len(page)
    more = f',"{token}":"{after}"' if after < len(every) else ""
    return b'{"%b":[%b]%b}' % (name.encode(), b",".join(page), more.encode())


async def _run(events: int, calls: int, *, ended: bool) -> None:
    """Serve an account with one execution in it."""
    begin = made.begin_of(events, datetime.now(UTC))
    over = begin + timedelta(seconds=made.loops(events) * made.PERIOD)
    history = made.history(events, start=begin, ended=ended)
    trail = [each.data for each in made.calls(calls, events=events, start=begin)]
    described = made.described(begin, ended=over if ended else None)
    defined = made.defined(begin)
    async with stubbed(
        DescribeExecution=lambda _: described.data,
        ListExecutions=lambda _: b'{"executions":[]}',
        DescribeStateMachineForExecution=lambda _: defined.data,
        GetExecutionHistory=partial(_history, [each.data for each in history]),
        LookupEvents=partial(_lookup, trail[::-1]),
    ) as stub:
        sys.stdout.write(f"{stub.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_run(int(sys.argv[1]), int(sys.argv[2]), ended=ENDED in sys.argv))
