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

_NAME_LENGTH = 80
"""Most characters of a name or a status."""


@click.command("list")
@options.name_argument(metavar="[MACHINE|MAP_RUN|EXECUTION]")
@options.filter_options
@flag("--all", "Fetch everything.", dest="every")
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
    executions, notes = asyncio.run(_gather(listings, every=every))
    # Unlike in the picker, running executions do not come first.
    executions.sort(key=lambda execution: execution.running_first[1:])
    if as_json:
        put_json({"executions": list(map(_json, executions))})
    elif executions:
        _print(executions, search.clock.now())
    else:
        narrate("There is none, among those that AWS lists.")
    for note in notes:
        narrate(note)


async def _gather(
    listings: AsyncGenerator[Listing, None], *, every: bool
) -> tuple[list[ListedExecution], list[str]]:
    """Read listings; return the executions, and notes on what is left out."""
    executions: dict[str, ListedExecution] = {}
    notes: list[str] = []
    async with aclosing(listings):
        async for listing in listings:
            for execution in listing.executions:
                executions[execution.arn] = execution
            for left_out in listing.left_out:
                machine = clean(left_out.machine, _NAME_LENGTH)
                notes.append(f"{machine} is left out: {left_out.reason}")
            if listing.spent and not every:
                notes.append(_more_note(listing))
                break
    return [*executions.values()], notes


def _more_note(listing: Listing) -> str:
    known = f"{listing.known:,}"
    if listing.more:
        known += " or more"
    asked = f"{listing.asked:,} of {known} {listing.by}s were asked for"
    return f"{asked}, and there is more; --all asks on."


def _print(executions: list[ListedExecution], now: datetime) -> None:
    rows: list[tuple[str, ...]] = [("status", "started", "length", "execution")]
    for execution in executions:
        seconds = execution.seconds(now)
        started = execution.started_at
        machine = clean(execution.machine, _NAME_LENGTH)
        row = (
            clean(execution.status, _NAME_LENGTH),
            f"{started:%Y-%m-%d %H:%M:%S} UTC" if started else "-",
            "-" if seconds is None else duration(seconds),
            f"{machine} › {clean(execution.name, _NAME_LENGTH)}",
        )
        rows.append(row)
    put_table(rows, right={2})


def _json(execution: ListedExecution) -> dict[str, str | None]:
    return {
        "arn": execution.arn,
        "state_machine": execution.machine,
        "name": execution.name,
        "status": execution.status,
        "started_at": maybe_iso(execution.started_at),
        "stopped_at": maybe_iso(execution.stopped_at),
    }
