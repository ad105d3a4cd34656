"""Ending the watch of several executions as soon as one of them has failed."""

import asyncio

from sfnwatch.model.records import Batch
from sfnwatch.model.trace import Changed
from sfnwatch.session.outcome import has_failed
from sfnwatch.session.session import Session
from sfnwatch.sources.polling import TakesBatches


def end_at_first_failure(session: Session) -> None:
    """Have a session end once an execution fails, times out or is aborted.

    What comes later is not received: neither the calls that CloudTrail has not
    delivered by then, nor the ends of the other executions.
    """
    stream = session.stream

    async def receive(take: TakesBatches) -> None:
        await stream(take)

    async def until_failure(take: TakesBatches) -> None:
        async with asyncio.TaskGroup() as group:
            streaming = group.create_task(receive(take))

            def look(_: Batch, __: Changed) -> None:
                if has_failed(session.trace.as_of()):
                    streaming.cancel()

            session.consumers.append(look)

    session.stream = until_failure
