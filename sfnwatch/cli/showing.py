"""How a session is shown: as lines or on a screen; and how one chooses what to watch.

Imported once that is wanted: all of this costs more than to read a command line.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from sfnwatch.cli.account import AwsOptions
from sfnwatch.cli.display import Display, is_served
from sfnwatch.cli.naming import concerns
from sfnwatch.cli.narration import for_people, narrate, stdout
from sfnwatch.clock import ServerClock
from sfnwatch.errors import Outcome, SfnwatchError
from sfnwatch.export.facts import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.model.arns import (
    ExecutionArn,
    Named,
    maybe_execution_arn,
    parse_execution_arn,
)
from sfnwatch.model.children import ListFilter, Listing
from sfnwatch.model.records import Batch
from sfnwatch.recording import library
from sfnwatch.session import (
    Session,
    catch_signals,
    outcome,
    raise_if_refused,
    run,
)
from sfnwatch.sources.profiles import configured_region

if TYPE_CHECKING:
    from sfnwatch.tui.app import ScreenSettings, SfnwatchApp
    from sfnwatch.tui.picker import PickerApp

_STEP = 16
"""Recordings read at once: some milliseconds, after which they are shown."""


def show(watched: Session, display: Display, speed: float = 1.0) -> int:
    """Show a session to its end, and give the exit code its outcome asks for."""
    if display.record:
        watched.start_recording(display.path, narrate)
    try:
        if display.screen:
            return _on_screen(watched, display.screen, display.filter, speed)
        return _as_lines(watched, as_json=display.as_json)
    finally:
        watched.close(narrate)


def _as_lines(watched: Session, *, as_json: bool) -> int:
    """Print lines; raises RefusedError if AWS shows nothing of it."""
    code: int = Outcome.SUCCEEDED
    with stdout() as out:
        lines: JsonLines | PlainLines = JsonLines(watched.trace, out)
        if not as_json:
            people, arns = for_people(out), watched.executions
            lines = PlainLines(watched.trace, people, narrate, arns)
        watched.consumers.append(lines)
        signalled = run(watched.run)
        lines.finish()
        out.flush()
        code = outcome(watched.trace.as_of())
        if signalled is not None:
            return signalled
        raise_if_refused(watched.trace)
    return code


# -- the screen ------------------------------------------------------------------------


def _on_screen(
    watched: Session, asked: "ScreenSettings", kept: str | None, speed: float
) -> int:
    """Show it, by a filter or the one that it was last looked at with."""
    from sfnwatch.tui.app import SfnwatchApp

    recorder = watched.recorder
    created = recorder.header.created if recorder else watched.created
    path = library.view_path(watched.executions, created) if created else None
    saved = library.load_view(path) if path else library.SavedView()
    if kept is not None:
        saved = replace(saved, filter=kept)
    settings = replace(
        asked,
        mode=watched.mode,
        title=watched.title,
        recording=str(recorder.path) if recorder else "",
        is_recorded=recorder is not None,
        speed=speed,
        watched=watched.span,
    )
    app = SfnwatchApp(watched, clock=watched.clock, settings=settings, saved=saved)
    code = asyncio.run(_run_app(app))
    if path is not None and app.view_to_save != library.SavedView():
        # A comfort: one that can't be kept is no reason to complain.
        library.save_view(path, app.view_to_save)
    # Textual reports a crash, and then returns as if all had been well.
    if code is not None or app.return_code:
        return code or app.return_code or SfnwatchError.exit_code
    if watched.failure is not None:
        raise watched.failure
    raise_if_refused(watched.trace)
    return outcome(watched.trace.as_of())


async def _run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run it; a signal quits it as a key would, or the terminal stays as the app's."""
    code: list[int] = []

    def end(signalled: int) -> None:
        code.append(signalled)
        app.exit()

    catch_signals(end)
    if is_served():
        from sfnwatch.cli.web import end_with_server

        # By then there is nobody to draw for.
        end_with_server(end)
    await app.run_async()
    return code[0] if code else None


# -- the picker ------------------------------------------------------------------------


def pick(
    named: Named | None, aws: AwsOptions, display: Display, only: ListFilter
) -> tuple[Sequence[ExecutionArn], list[Path], Batch]:
    """Have executions or recordings chosen; give what was asked of AWS for it, too.

    Raises Abort where it is interrupted.
    """
    from sfnwatch.tui.app import ScreenSettings
    from sfnwatch.tui.paint import Looks
    from sfnwatch.tui.picker import Picker, PickerApp

    clock, asked, folder = ServerClock(), list[Any](), library.recordings_dir()
    settings = display.screen or ScreenSettings()
    listed = partial(_listings, aws.settings, clock, asked.extend, only)
    picker = Picker(
        partial(listed, named),
        clock=clock,
        region=_region(named, aws, beside=bool(library.recording_paths(folder))),
        looks=Looks(masked=settings.present, local=settings.local),
        children=lambda arn: partial(listed, parse_execution_arn(arn)),
        recordings=partial(_recordings_of, named),
        only=only.words,
    )
    app = PickerApp(
        picker,
        theme=settings.theme,
        own_themes=settings.own_themes,
        ascii=settings.ascii,
        present=settings.present,
    )
    if asyncio.run(_run_app(app)) is not None or app.interrupted:
        raise click.Abort
    if app.return_code:
        # Textual reports a crash, and then returns as if all had been well.
        raise SystemExit(app.return_code)
    chosen = app.return_value or ()
    arns = [parse_execution_arn(each) for each in chosen if isinstance(each, str)]
    return arns, [each for each in chosen if isinstance(each, Path)], tuple(asked)


def _region(named: Named | None, aws: AwsOptions, *, beside: bool) -> str:
    """Give the Region that is looked in, for the title.

    Where none is set nothing can be asked: the list says so where there is something
    `beside` it. Else it raises SfnwatchError.
    """
    own = getattr(named, "region", None)
    try:
        region = aws.settings.region or own
        return region or configured_region(None, aws.settings.profile)
    except SfnwatchError as error:
        if not beside:
            hint = f"{error.hint} Without an AWS account: sfnwatch demo."
            raise type(error)(error.message, hint=hint.strip()) from error
    return ""


async def _listings(
    settings: Any, clock: Any, note: Any, only: ListFilter, named: Named | None
) -> AsyncGenerator[Listing, None]:
    """List executions; the SDKs are imported off the loop."""
    name = "sfnwatch.sources.discovery"
    discovery = await asyncio.to_thread(import_module, name)
    listed = discovery.list_executions(named, settings, clock, note, only)
    async with aclosing(listed) as listings:
        async for listing in listings:
            yield listing


async def _recordings_of(
    named: Named | None,
) -> AsyncGenerator[tuple[library.ListedRecording, ...], None]:
    """Read the recordings, or those of what is named, some at a time in a thread."""

    def is_wanted(recording: library.ListedRecording) -> bool:
        arns = (maybe_execution_arn(arn) for arn, _ in recording.watched)
        return named is None or any(arn and concerns(named, arn) for arn in arns)

    found = library.each_recording(library.recordings_dir())
    while step := await asyncio.to_thread(lambda: tuple(islice(found, _STEP))):
        yield tuple(filter(is_wanted, step))
