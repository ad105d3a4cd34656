"""The executions that Map Runs have started: all there are, failures ahead of the rest.

A Map Run may have millions of children, few of which failed, and ListExecutions has
them in the order of their ends, documented as it is for a state machine's.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from sfnwatch.sources.start_pages import ExecutionPage, StartPages
from sfnwatch.trace.listed import UNSUCCESSFUL, Asked, Listing
from sfnwatch.trace.values import replace

_MOST = 1000
"""What a page can hold."""
_DEEP = 5
"""Pages after which a list goes on only if that is wanted."""


async def children(
    pages: StartPages, execution_arn: str
) -> AsyncGenerator[Listing, None]:
    """List the children of an execution's Map Runs. Raises RefusedError."""
    found: list[str] = []
    token = None
    while True:
        page = await pages.map_runs(execution_arn, size=_MOST, token=token)
        found, token = [*found, *page.arns], page.token
        if token is None:
            break
    async with aclosing(of_map_runs(pages, found)) as listings:
        async for listing in listings:
            yield listing


async def of_map_runs(
    pages: StartPages, arns: Sequence[str]
) -> AsyncGenerator[Listing, None]:
    """List the children of Map Runs, one run after the other. Raises RefusedError."""
    asked = 0
    yield Listing(machines=len(arns), of=Asked.MAP_RUN)
    for place, arn in enumerate(arns, 1):
        async with aclosing(_pages_of(pages, arn)) as found:
            async for page in found:
                asked += 1
                more = page.token is not None or place < len(arns)
                yield Listing(
                    page.executions,
                    asked=place,
                    machines=len(arns),
                    spent=more and asked % _DEEP == 0,
                    of=Asked.MAP_RUN,
                )


async def _pages_of(pages: StartPages, arn: str) -> AsyncGenerator[ExecutionPage, None]:
    """Give a Map Run's pages.

    Where there are several, what did not succeed is asked for by itself after the
    first: it may stand on the last of them.
    """
    ask = partial(pages.executions, arn, size=_MOST)
    page = await ask()
    token = page.token
    yield page
    if token is None:
        return
    for status in UNSUCCESSFUL:
        yield replace(await ask(status=status), token=token)
    while token is not None:
        page = await ask(token=token)
        token = page.token
        yield page
