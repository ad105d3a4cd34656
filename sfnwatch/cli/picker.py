"""The picker, in which a person chooses executions or recordings."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfnwatch.cli.execution_names import concerns
from sfnwatch.cli.screen import run_app
from sfnwatch.clock import ServerClock
from sfnwatch.errors import Outcome, SfnwatchError
from sfnwatch.model.arns import (
    ExecutionArn,
    Named,
    maybe_execution_arn,
    parse_execution_arn,
)
from sfnwatch.model.execution_list import ListFilter, Listing
from sfnwatch.model.records import Batch, Received
from sfnwatch.recording import library
from sfnwatch.sources.aws_settings import AwsSettings, region_of

if TYPE_CHECKING:
    from sfnwatch.tui.screen_settings import ScreenSettings


_RECORDINGS_AT_ONCE = 16
"""Recordings that are read, in some milliseconds, before they are shown."""


def choose_executions(
    named: Named | None,
    aws_settings: AwsSettings,
    screen_settings: "ScreenSettings",
    list_filter: ListFilter,
) -> tuple[Sequence[ExecutionArn], Sequence[Path], Batch]:
    """Let a person choose executions or recordings.

    Return them, and the answers of AWS that listing took. Raises Abort if the person
    interrupts it.
    """
    from sfnwatch.tui.picker import PickerApp
    from sfnwatch.tui.picker_list import PickerSource

    clock = ServerClock()
    requests: list[Received] = []

    async def list_executions() -> AsyncGenerator[Listing, None]:
        # The SDKs are imported off the loop.
        name = "sfnwatch.sources.search"
        search_module = await asyncio.to_thread(import_module, name)
        search = search_module.Search(aws_settings, clock)
        try:
            listings = search.list_executions(named, list_filter)
            async with aclosing(listings):
                async for listing in listings:
                    yield listing
        finally:
            requests.extend(search.asked)

    source = PickerSource(
        list_executions,
        clock,
        region=_region(named, aws_settings),
        recordings=partial(_recordings_of, named),
        only=list_filter.words,
    )
    app = PickerApp(source, screen_settings)
    if run_app(app) is not None or app.return_code == Outcome.INTERRUPTED:
        raise click.Abort
    if app.return_code:
        # Textual reports a crash, and then returns as if all had been well.
        raise SystemExit(app.return_code)
    arns: list[ExecutionArn] = []
    paths: list[Path] = []
    for chosen in app.return_value or ():
        if isinstance(chosen, Path):
            paths.append(chosen)
        else:
            arns.append(parse_execution_arn(chosen))
    return arns, paths, tuple(requests)


def _region(named: Named | None, settings: AwsSettings) -> str:
    """Return the Region that is searched; empty if none is set.

    Then no request can be sent, and the picker says so above the recordings. Without
    recordings either, raises SfnwatchError.
    """
    try:
        return region_of(settings, named)
    except SfnwatchError as error:
        with suppress(OSError):
            if library.recording_paths(library.recordings_dir()):
                return ""
        hint = f"{error.hint} Without an AWS account: sfnwatch demo."
        raise type(error)(error.message, hint=hint.strip()) from error


async def _recordings_of(
    named: Named | None,
) -> AsyncGenerator[tuple[library.ListedRecording, ...], None]:
    """Read all recordings, or those of what is named, in a thread, some at a time."""

    def is_wanted(recording: library.ListedRecording) -> bool:
        if named is None:
            return True
        for text, _ in recording.watched:
            arn = maybe_execution_arn(text)
            if arn and concerns(named, arn):
                return True
        return False

    recordings = library.each_recording(library.recordings_dir())

    def read_some() -> tuple[library.ListedRecording, ...]:
        return tuple(islice(recordings, _RECORDINGS_AT_ONCE))

    # There are none to choose from if the folder can't be read.
    with suppress(OSError):
        while some := await asyncio.to_thread(read_some):
            yield tuple(filter(is_wanted, some))
