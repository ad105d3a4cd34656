"""The command that lists executions, as AWS does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Any

import click

from sfnwatch.cli import options
from sfnwatch.cli.account import signed_in
from sfnwatch.cli.execution_search import choose_filter
from sfnwatch.cli.narration import narrate, put_json, put_table
from sfnwatch.cli.settable_option import flag
from sfnwatch.model.arns import Named
from sfnwatch.model.execution_list import ListedExecution, Listing
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, maybe_iso

_LIMIT = 80


@click.command("list")
@options.name_argument(metavar="[MACHINE|MAP_RUN|EXECUTION]")
@options.filter_options
@flag("--all", "Ask on, however many requests it takes.", dest="every")
@options.json_option
@options.account_options
def list_(name: Named | None, *, every: bool, as_json: bool, **asked: Any) -> None:
    """List executions, the newest first: of what is named, or of all state machines.

    Of a state machine those that AWS lists, of an execution the children of its Map
    Runs. Status and time are asked of AWS. Without --all it ends after some 60 requests
    for all state machines, or five pages of one, and says so.

    \b
    sfnwatch list --status FAILED --since 24h
    sfnwatch list nightly-report --status RUNNING --json | jq -r '.executions[].arn'
    """
    from sfnwatch.sources.search import Search

    search = Search(signed_in(**asked))
    listings = search.list_executions(name, choose_filter(**asked))
    found, notes = asyncio.run(_gather(listings, every=every))
    # Unlike in the picker, running executions do not come first.
    found.sort(key=lambda each: each.running_first[1:])
    if as_json:
        put_json({"executions": [_json(each) for each in found]})
    elif found:
        head = ("status", "started", "length", "execution")
        rows = (_cells(each, search.clock.now()) for each in found)
        put_table([head, *rows], right={2})
    else:
        narrate("There is none, among those that AWS lists.")
    for note in notes:
        narrate(note)


async def _gather(
    listings: AsyncGenerator[Listing, None], *, every: bool
) -> tuple[list[ListedExecution], list[str]]:
    """Read listings; return the executions, and notes on what is left out."""
    found: dict[str, ListedExecution] = {}
    notes: list[str] = []
    async with aclosing(listings):
        async for listing in listings:
            found.update((each.arn, each) for each in listing.executions)
            for left_out in listing.left_out:
                machine = clean(left_out.machine, _LIMIT)
                notes.append(f"{machine} is left out: {left_out.reason}")
            if listing.spent and not every:
                known = f"{listing.known:,}{' or more' if listing.more else ''}"
                what = f"{listing.asked:,} of {known} {listing.by}s were asked for"
                notes.append(f"{what}, and there is more; --all asks on.")
                break
    return list(found.values()), notes


def _cells(each: ListedExecution, now: datetime) -> tuple[str, ...]:
    seconds = each.seconds(now)
    began = each.started_at
    return (
        clean(each.status, _LIMIT),
        f"{began:%Y-%m-%d %H:%M:%S} UTC" if began else "-",
        "-" if seconds is None else duration(seconds),
        f"{clean(each.machine, _LIMIT)} › {clean(each.name, _LIMIT)}",
    )


def _json(each: ListedExecution) -> dict[str, str | None]:
    return {
        "arn": each.arn,
        "state_machine": each.machine,
        "name": each.name,
        "status": each.status,
        "started_at": maybe_iso(each.started_at),
        "stopped_at": maybe_iso(each.stopped_at),
    }
