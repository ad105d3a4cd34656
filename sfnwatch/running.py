"""Puts a source, its recorder and what shows it together, and runs them.

One path for watching, the demo and replay: they differ in the `Play` they are given.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

import click

from sfnwatch import __version__
from sfnwatch.clock import Clock
from sfnwatch.config import Config
from sfnwatch.errors import (
    BadFileError,
    Outcome,
    RefusedError,
    SfnwatchError,
    UsageError,
)
from sfnwatch.narration import narrate
from sfnwatch.served import is_served, with_parent
from sfnwatch.settings import Output, RecordSettings, ScreenOptions
from sfnwatch.sources.allowed import ALLOWED
from sfnwatch.sources.drive import health_record
from sfnwatch.sources.feed import Consumer, Watch
from sfnwatch.trace.budget import Operation
from sfnwatch.trace.events import Batch, HealthState, SourceHealth
from sfnwatch.trace.health import read_health
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace

if TYPE_CHECKING:
    from sfnwatch.recording.writer import Recorder
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.picker import Fetch, FetchOf
    from sfnwatch.tui.picker_app import PickerApp
    from sfnwatch.tui.picker_panes import Chosen
    from sfnwatch.tui.picker_shelf import Read

_CODES = {
    "FAILED": Outcome.FAILED,
    "TIMED_OUT": Outcome.TIMED_OUT,
    "ABORTED": Outcome.ABORTED,
}


_ASKED = {
    "live": "were made to AWS",
    "demo": "were made to the simulated account",
    "replay": "had been made to AWS while this was watched",
}
"""What is said of the requests of a play, by its mode."""


@dataclass(frozen=True)
class Play:
    """Something to show: where it comes from, and by which clock."""

    watch: Watch
    clock: Clock
    mode: Literal["live", "replay", "demo"]
    executions: tuple[str, ...]
    """ARNs, as far as they are known beforehand."""
    title: str = ""
    created: datetime | None = None
    """When a recording of it begins; None: now."""
    end_drain: Callable[[], None] | None = None
    follow: Callable[[str], bool] | None = None
    """Has an execution of a Map Run read in full; None where that can't be."""
    first: Batch = ()
    """What is here before the watch begins: a screen shows it in its first picture."""
    notes: tuple[str, ...] = field(default=())
    later: Sequence[str] = ()
    """Such notes as are made on the way, to be read at the end."""
    span: tuple[datetime, datetime] | None = None
    """From when to when it goes, where that is known before all of it is here."""
    speed: float = 1.0
    """How fast the screen's player begins."""
    allowed: Collection[Operation] = ALLOWED
    """All that it can send to AWS."""


class Shown(Protocol):
    """A consumer of lines that keeps the trace."""

    trace: Trace

    def __call__(self, batch: Batch) -> None: ...

    def finish(self) -> None: ...


def show(
    play: Play, output: Output, record: RecordSettings, screen: ScreenOptions
) -> int:
    """Show a play to its end and give the exit code its outcome asks for."""
    for note in play.notes:
        narrate(note)
    if output is Output.SCREEN:
        # What is loaded stays: to look among it for what can go is time lost.
        gc.disable()
    # A mistake in the configuration ends it before anything is begun.
    config = screen_config(screen) if output is Output.SCREEN else Config()
    recorder = start_recorder(play, record)
    try:
        if output is Output.SCREEN:
            return _on_screen(play, recorder, config, screen.filter)
        return run_lines(play, _lines_of(play, output), recorder)
    finally:
        for note in play.later:
            narrate(note)
        if recorder is not None:
            recorder.close()
            _say_where(recorder)


def _lines_of(play: Play, output: Output) -> Shown:
    if output is Output.JSON:
        from sfnwatch.export.stream import JsonLines

        return JsonLines(sys.stdout)
    from sfnwatch.export.lines import PlainLines

    return PlainLines(sys.stdout, narrate, play.executions, _ASKED[play.mode])


def start_recorder(play: Play, record: RecordSettings) -> "Recorder | None":
    """Open the recording; a watch goes on without one if its directory can't be had."""
    if not record.wanted:
        return None
    from sfnwatch.recording.naming import recordings_dir
    from sfnwatch.recording.writer import Recorder

    created = play.created or play.clock.now()
    tool = f"sfnwatch {__version__}"
    if record.path is not None:
        return Recorder.create(record.path, play.executions, created, tool)
    try:
        return Recorder.create_in(recordings_dir(), play.executions, created, tool)
    except UsageError as error:
        narrate(f"not recording: {error}")
        return None


def _say_where(recorder: "Recorder") -> None:
    if recorder.trouble:
        narrate(f"the recording is not whole: {recorder.trouble}")
    narrate(f"recorded to {recorder.path}")


def _both(play: Play, consume: Consumer, recorder: "Recorder | None") -> Consumer:
    """The recorder comes first: what was seen on the screen is in the file.

    A recorder in trouble says so as a lane would, so that it shows wherever they do.
    """
    if recorder is None:
        return consume
    told: list[str] = []

    def record_and_consume(batch: Batch) -> None:
        recorder(batch)
        if recorder.trouble and not told:
            told.append(recorder.trouble)
            health = SourceHealth("recording", HealthState.REFUSED, recorder.trouble)
            batch = (*batch, health_record(health, play.clock))
        consume(batch)

    return record_and_consume


def run_lines(play: Play, shown: Shown, recorder: "Recorder | None") -> int:
    """Run a play into lines; raises RefusedError if AWS shows nothing of it."""
    try:
        code = asyncio.run(_until_signalled(play.watch, _both(play, shown, recorder)))
        shown.finish()
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    except BaseExceptionGroup as group:
        if group.subgroup(BrokenPipeError):
            return _pipe_closed()
        if unwritten := next(_unwritten(group), None):
            raise unwritten from group
        raise
    if code is not None:
        return code
    raise_if_refused(shown.trace)
    return outcome(shown.trace)


def _pipe_closed() -> int:
    """Whoever read our lines has had enough, as `head` has: no fault of anyone."""
    discard_output()
    return Outcome.SUCCEEDED


def discard_output() -> None:
    """Let what is still to be written go nowhere; Python writes it on its way out."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


def _unwritten(group: BaseExceptionGroup[BaseException]) -> Iterator[OSError]:
    """Find why lines were not written: sources put an OSError of theirs into words."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _unwritten(error)
        elif isinstance(error, OSError):
            yield error


async def _until_signalled(watch: Watch, consume: Consumer) -> int | None:
    """Run a watch; give the exit code of the signal that ended it, if one did."""
    code: list[int] = []
    task = asyncio.current_task()

    def end(signalled: int) -> None:
        code.append(signalled)
        if task is not None:
            task.cancel()

    _catch_signals(end)
    try:
        await watch(consume)
    except asyncio.CancelledError:
        if not code:
            raise
        return code[0]
    return None


def _catch_signals(end: Callable[[int], None]) -> None:
    """Have `end` called with the exit code of a signal, instead of dying of it."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Not everywhere, and not outside the main thread.
        with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
            number = getattr(signal, name)
            loop.add_signal_handler(number, end, 128 + number)


def screen_config(options: ScreenOptions) -> Config:
    """Read the configuration; the command line overrules it. Raises UsageError."""
    from sfnwatch.config import check, load_config
    from sfnwatch.config_options import known_here
    from sfnwatch.tui.actions import bound
    from sfnwatch.tui.themes import names

    said = {
        name: value
        for name in ("theme", "time", "ascii", "present")
        if (value := getattr(options, name)) is not None
    }
    if "theme" in said:
        said["theme_source"] = "--theme"
    config = replace(load_config(options=known_here), **said)
    check(config, themes=names(), actions=bound())
    return config


def _on_screen(
    play: Play, recorder: "Recorder | None", config: Config, filter_text: str | None
) -> int:
    import msgspec

    from sfnwatch.recording.views import SavedView, load_view, save_view, view_path
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.themes import theme_for

    async def watch(consume: Consumer) -> None:
        # What the first picture needs is loaded by now, and stays.
        gc.freeze()
        gc.enable()
        try:
            await play.watch(_both(play, consume, recorder))
        except (BadFileError, RefusedError):
            # What is wrong with a file or a profile is told where its name was typed.
            app.exit()
            raise

    if recorder is not None and play.first:
        recorder(play.first)
    created = recorder.created if recorder else play.created
    path = view_path(play.executions, created) if created else None
    saved = load_view(path) if path else SavedView()
    if filter_text is not None:
        saved = msgspec.structs.replace(saved, filter=filter_text)
    app = SfnwatchApp(
        watch,
        play.first,
        clock=play.clock,
        title=play.title,
        mode=play.mode,
        recording=str(recorder.path) if recorder else None,
        end_drain=play.end_drain,
        follow=play.follow,
        allowed=play.allowed,
        speed=play.speed,
        span=play.span,
        config=config,
        saved=saved,
    )
    theme = theme_for(config, app.console.color_system, os.environ)
    if theme is not None:
        app.theme = theme
    code = asyncio.run(_run_app(app))
    if path is not None and app.view != SavedView():
        # A comfort: one that can't be kept is no reason to complain.
        save_view(path, app.view)
    # Textual reports a crash, and then returns as if all had been well.
    if code is not None or app.return_code:
        return code or app.return_code or SfnwatchError.exit_code
    for refused in app.refusals:
        raise refused
    raise_if_refused(app.trace)
    return outcome(app.trace)


def pick(
    fetch: "Fetch",
    clock: Clock,
    region: str,
    config: Config,
    *,
    children: "FetchOf",
    recordings: "Read",
) -> "Chosen":
    """Have executions or recordings chosen; raises Abort where it is interrupted."""
    from sfnwatch.tui.picker_app import PickerApp
    from sfnwatch.tui.themes import theme_for

    app = PickerApp(
        fetch,
        clock=clock,
        region=region,
        config=config,
        children=children,
        recordings=recordings,
    )
    theme = theme_for(config, app.console.color_system, os.environ)
    if theme is not None:
        app.theme = theme
    signalled = asyncio.run(_run_app(app))
    if app.interrupted or signalled is not None:
        raise click.Abort
    if app.return_code:
        # Textual reports a crash, and then returns as if all had been well.
        raise SystemExit(app.return_code)
    return app.return_value or ()


async def _run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run it; a signal quits it as a key would, or the terminal stays as the app's."""
    code: list[int] = []

    def end(signalled: int) -> None:
        code.append(signalled)
        app.exit()

    _catch_signals(end)
    if is_served():
        # By then there is nobody to draw for.
        with_parent(partial(end, 128 + signal.SIGTERM))
    await app.run_async()
    return code[0] if code else None


def raise_if_refused(trace: Trace) -> None:
    """Raise RefusedError when AWS would not even show an execution.

    Of several, the others have been shown by then.
    """
    refused = [
        read_health(received.data).message
        for received in trace.healths.values()
        if received.data.get("lane") == "history"
        and received.data.get("state") == HealthState.REFUSED
        and not _has_events(trace, received.execution_arn)
    ]
    if refused:
        raise RefusedError("; ".join(dict.fromkeys(refused)))


def _has_events(trace: Trace, execution_arn: str | None) -> bool:
    timeline = trace.histories.get(execution_arn or "")
    return timeline is not None and bool(timeline.events)


def outcome(trace: Trace) -> int:
    """Give the exit code for how it ended; of several, the first that did not succeed.

    An execution that still runs when its watcher leaves has not failed.
    """
    statuses = [timeline.status for timeline in trace.timelines.values()]
    codes = [_CODES[status] for status in statuses if status in _CODES]
    return codes[0] if codes else Outcome.SUCCEEDED
