"""The command that lists executions as AWS does, for people and for scripts."""

from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from sfnwatch.cli import completion
from sfnwatch.cli.naming import named_execution
from sfnwatch.cli.narration import narrate, put_json, put_table
from sfnwatch.cli.options import account_options, filter_options, json_option, option
from sfnwatch.errors import Outcome
from sfnwatch.model.arns import Named
from sfnwatch.model.values import clean, duration, maybe_iso

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sfnwatch.model.children import ListedExecution, Listing

_LIMIT = 80


@click.command("list", short_help="List executions, as AWS does.")
@click.argument(
    "name",
    required=False,
    metavar="[MACHINE|MAP_RUN|EXECUTION]",
    shell_complete=completion.executions,
    callback=lambda _, __, text: named_execution(text or ""),
)
@filter_options
@option("--all", "every", is_flag=True, help="Ask on, however many requests it takes.")
@json_option
@account_options
def list_(name: Named | None, *, every: bool, as_json: bool, **asked: Any) -> int:
    """List executions, the newest first: of what is named, or of all state machines.

    Of a state machine those that AWS lists, of an execution the children of its Map
    Runs. Status and time are asked of AWS. Without --all it ends after some 60 requests
    for all state machines, or five pages of one, and says so.

    \b
    sfnwatch list --status FAILED --since 24h
    sfnwatch list nightly-report --status RUNNING --json | jq -r '.executions[].arn'
    """
    import asyncio

    from sfnwatch.cli.account import choose_account, choose_filter, sign_in
    from sfnwatch.clock import ServerClock
    from sfnwatch.sources.discovery import list_executions

    only, settings = choose_filter(**asked), sign_in(choose_account(**asked))
    clock = ServerClock()
    listings = list_executions(name, settings, clock, lambda _: None, only)
    found, notes = asyncio.run(_gather(listings, every=every))
    # What runs is no better than what has ended, here.
    found.sort(key=lambda each: each.running_first[1:])
    if as_json:
        put_json({"executions": [_json(each) for each in found]})
    elif found:
        head = ("status", "started", "length", "execution")
        put_table(
            [head, *(_cells(each, clock.now()) for each in found)], right=frozenset({2})
        )
    else:
        narrate("There is none, among those that AWS lists.")
    for note in notes:
        narrate(note)
    return Outcome.SUCCEEDED


async def _gather(
    listings: "AsyncGenerator[Listing, None]", *, every: bool
) -> "tuple[list[ListedExecution], list[str]]":
    """Ask for lists; gives what was listed, and what is left out, in words."""
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


def _cells(each: "ListedExecution", now: datetime) -> tuple[str, ...]:
    seconds, began = each.seconds(now), each.started_at
    return (
        clean(each.status, _LIMIT),
        f"{began:%Y-%m-%d %H:%M:%S} UTC" if began else "-",
        "-" if seconds is None else duration(seconds),
        f"{clean(each.machine, _LIMIT)} › {clean(each.name, _LIMIT)}",
    )


def _json(each: "ListedExecution") -> dict[str, str | None]:
    return {
        "arn": each.arn,
        "state_machine": each.machine,
        "name": each.name,
        "status": each.status,
        "started_at": maybe_iso(each.started_at),
        "stopped_at": maybe_iso(each.stopped_at),
    }


COMMANDS = (list_,)
