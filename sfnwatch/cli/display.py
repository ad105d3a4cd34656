"""How something is shown: what is asked of it, as lines or on a screen; and the picker.

Textual is imported once there is a screen to show.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from msgspec.structs import replace

from sfnwatch import session
from sfnwatch.cli.account import AwsOptions, concerns
from sfnwatch.cli.narration import (
    are_terminals,
    for_people,
    is_served,
    lacks_unicode,
    narrate,
    stdout,
)
from sfnwatch.cli.settings import CONFIG, is_typed, source_of
from sfnwatch.clock import ServerClock
from sfnwatch.config import Bound, Config, check, with_keymap
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.export.facts import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.model.arns import (
    ExecutionArn,
    Named,
    maybe_execution_arn,
    parse_execution_arn,
)
from sfnwatch.model.children import ListFilter, Listing
from sfnwatch.model.records import Batch, Received
from sfnwatch.model.values import clean
from sfnwatch.recording import library
from sfnwatch.sources.profiles import configured_region
from sfnwatch.view.filter_language import FilterError, parse_filter

if TYPE_CHECKING:
    from sfnwatch.tui.app import ScreenSettings, SfnwatchApp
    from sfnwatch.tui.picker import PickerApp

TERMINAL = "/dev/tty"
"""Where keys come from while stdin is something else."""
_OF_THE_SCREEN = (
    *("theme", "time", "ascii", "present", "filter", "keymap", "notify"),
    "pick",
)
_STEP = 16
"""Recordings read at once: some milliseconds, after which they are shown."""


class Display(NamedTuple):
    """How something is shown, and whether and where it is recorded."""

    screen: "ScreenSettings | None"
    """What is asked of the screen; without one lines are printed."""
    as_json: bool
    record: bool
    path: Path | None
    """None: a new file in the recordings' own folder."""
    filter: str | None


def choose_display(
    *,
    recorded: bool = True,
    piped: bool = False,
    usable: bool | None = None,
    **asked: Any,
) -> Display:
    """Read how to show something; raises UsageError.

    It is `recorded` unless somebody says otherwise, or only if somebody does. Where it
    is `piped` into stdin the keys come from the terminal all the same. Whether there is
    a terminal that is `usable` need not be said.
    """
    plain, as_json = asked["plain"], asked["as_json"]
    if plain and as_json:
        as_json = _typed_one("plain", "as_json") == "as_json"
    path, is_off = asked["record"], asked["no_record"]
    if path is not None and is_off:
        is_off = _typed_one("record", "no_record") == "no_record"
    record = not is_off and (recorded or path is not None)
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    if usable is None:
        usable = is_served() or _is_usable(piped=piped)
    screen = None
    if usable and not (plain or as_json):
        screen = _choose_screen(asked)
    elif typed := next(filter(is_typed, _OF_THE_SCREEN), None):
        msg = f"--{typed} is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return Display(screen, as_json, record, path if record else None, asked["filter"])


def _is_usable(*, piped: bool) -> bool:
    """True where a screen can be drawn, and keys can be heard."""
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)[1 if piped else 0 :]
    heard = not piped or os.access(TERMINAL, os.R_OK)
    return are_terminals(*streams) and heard and os.environ.get("TERM") != "dumb"


def _typed_one(*names: str) -> str:
    """Of options that exclude each other choose the one typed; raises UsageError."""
    typed = [name for name in names if is_typed(name)]
    if len(typed) != 1:
        said = " and ".join(
            f"--{name.removeprefix('as_').replace('_', '-')}" for name in names
        )
        raise UsageError(f"{said} exclude each other.", hint="Choose one.")
    return typed[0]


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error


def _choose_screen(asked: Mapping[str, Any]) -> "ScreenSettings":
    from sfnwatch.tui.actions import ACTIONS
    from sfnwatch.tui.app import ScreenSettings
    from sfnwatch.tui.themes import names

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    actions = {each.id: Bound(each.pane, each.keys) for each in ACTIONS}
    theme = source_of("theme")
    check(config, asked["theme"], theme, themes=names(), actions=actions)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys=config.keys,
        own_themes=tuple(config.themes.values()),
    )


# -- shown to its end ------------------------------------------------------------------


def show(watched: session.Session, display: Display, speed: float = 1.0) -> int:
    """Show a session to its end, and give the exit code its outcome asks for."""
    if display.record:
        watched.start_recording(display.path, narrate)
    try:
        if display.screen:
            return _on_screen(watched, display.screen, display.filter, speed)
        return _as_lines(watched, as_json=display.as_json)
    finally:
        watched.close(narrate)


def _as_lines(watched: session.Session, *, as_json: bool) -> int:
    """Print lines; raises RefusedError if AWS shows nothing of it."""
    code: int = Outcome.SUCCEEDED
    with stdout() as out:
        lines: JsonLines | PlainLines = JsonLines(watched.trace, out)
        if not as_json:
            people, arns = for_people(out), watched.executions
            lines = PlainLines(watched.trace, people, narrate, arns)
        watched.consumers.append(lines)
        signalled = session.run(watched.run)
        lines.finish()
        out.flush()
        code = session.outcome(watched.trace.as_of())
        if signalled is not None:
            return signalled
        session.raise_if_refused(watched.trace)
    return code


# -- the screen ------------------------------------------------------------------------


def _on_screen(
    watched: session.Session, asked: "ScreenSettings", kept: str | None, speed: float
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
    session.raise_if_refused(watched.trace)
    return session.outcome(watched.trace.as_of())


async def _run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run it; a signal quits it as a key would, or the terminal stays as the app's."""
    code: list[int] = []

    def end(signalled: int) -> None:
        code.append(signalled)
        app.exit()

    session.catch_signals(end)
    if is_served():
        from sfnwatch.cli.web import end_with_server

        # By then there is nobody to draw for.
        end_with_server(end)
    await app.run_async()
    return code[0] if code else None


# -- the picker ------------------------------------------------------------------------


def choose_executions(
    named: Named | None, aws: AwsOptions, asked: "ScreenSettings", only: ListFilter
) -> tuple[Sequence[ExecutionArn], list[Path], Batch]:
    """Have executions or recordings chosen; give what was asked of AWS for it, too.

    Raises Abort where it is interrupted.
    """
    from sfnwatch.tui.picker import PickerApp, PickerSource

    clock, requests = ServerClock(), list[Received]()
    listed = partial(_listings, aws.settings, clock, requests.extend, only)
    source = PickerSource(
        partial(listed, named),
        clock,
        region=_region(named, aws),
        children=lambda arn: partial(listed, parse_execution_arn(arn)),
        recordings=partial(_recordings_of, named),
        only=only.words,
    )
    app = PickerApp(source, asked)
    if asyncio.run(_run_app(app)) is not None or app.interrupted:
        raise click.Abort
    if app.return_code:
        # Textual reports a crash, and then returns as if all had been well.
        raise SystemExit(app.return_code)
    chosen = app.return_value or ()
    arns = [parse_execution_arn(each) for each in chosen if isinstance(each, str)]
    return arns, [each for each in chosen if isinstance(each, Path)], tuple(requests)


def _region(named: Named | None, aws: AwsOptions) -> str:
    """Give the Region that is looked in, for the title.

    Where none is set nothing can be asked: the list says so where there are recordings
    beside it. Else it raises SfnwatchError.
    """
    own = aws.settings.region or getattr(named, "region", None)
    try:
        return own or configured_region(None, aws.settings.profile)
    except SfnwatchError as error:
        if not library.recording_paths(library.recordings_dir()):
            hint = f"{error.hint} Without an AWS account: sfnwatch demo."
            raise type(error)(error.message, hint=hint.strip()) from error
    return ""


async def _listings(
    settings: Any, clock: Any, note: Any, only: ListFilter, named: Named | None
) -> AsyncGenerator[Listing, None]:
    """List executions; the SDKs are imported off the loop."""
    discovery = await asyncio.to_thread(import_module, "sfnwatch.sources.discovery")
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
