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


_STEP = 16
"""Recordings read at once: some milliseconds, after which they are shown."""


def choose_executions(
    named: Named | None,
    settings: AwsSettings,
    asked: "ScreenSettings",
    only: ListFilter,
) -> tuple[Sequence[ExecutionArn], list[Path], Batch]:
    """Have executions or recordings chosen; give what was asked of AWS for it, too.

    Raises Abort where it is interrupted.
    """
    from sfnwatch.tui.picker import PickerApp
    from sfnwatch.tui.picker_list import PickerSource

    clock = ServerClock()
    requests = list[Received]()

    async def listed() -> AsyncGenerator[Listing, None]:
        # The SDKs are imported off the loop.
        search_module = await asyncio.to_thread(
            import_module, "sfnwatch.sources.search"
        )
        search = search_module.Search(settings, clock)
        try:
            async with aclosing(search.list_executions(named, only)) as listings:
                async for listing in listings:
                    yield listing
        finally:
            requests.extend(search.asked)

    source = PickerSource(
        listed,
        clock,
        region=_region(named, settings),
        recordings=partial(_recordings_of, named),
        only=only.words,
    )
    app = PickerApp(source, asked)
    if run_app(app) is not None or app.return_code == Outcome.INTERRUPTED:
        raise click.Abort
    if app.return_code:
        # Textual reports a crash, and then returns as if all had been well.
        raise SystemExit(app.return_code)
    chosen = app.return_value or ()
    arns = [parse_execution_arn(each) for each in chosen if isinstance(each, str)]
    return arns, [each for each in chosen if isinstance(each, Path)], tuple(requests)


def _region(named: Named | None, settings: AwsSettings) -> str:
    """Give the Region that is looked in, for the title.

    Where none is set nothing can be asked: the list says so where there are recordings
    beside it. Else it raises SfnwatchError.
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
    """Read the recordings, or those of what is named, some at a time in a thread."""

    def is_wanted(recording: library.ListedRecording) -> bool:
        if named is None:
            return True
        arns = (maybe_execution_arn(arn) for arn, _ in recording.watched)
        return any(arn and concerns(named, arn) for arn in arns)

    found = library.each_recording(library.recordings_dir())
    # Where the folder can't be read there are none to choose from.
    with suppress(OSError):
        while step := await asyncio.to_thread(lambda: tuple(islice(found, _STEP))):
            yield tuple(filter(is_wanted, step))
