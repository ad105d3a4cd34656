"""The commands that show something as it comes: live, of the demo, of files.

And how it is shown: as lines or on a screen, for which Textual is imported once there
is one to show; and the picker.
"""

import asyncio
import errno
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from msgspec.structs import replace

from sfnwatch.cli import options
from sfnwatch.cli.account import sign_in
from sfnwatch.cli.execution_names import NAMING_HINT, concerns
from sfnwatch.cli.execution_search import choose_filter, find_executions
from sfnwatch.cli.narration import (
    are_terminals,
    for_people,
    is_served,
    lacks_unicode,
    narrate,
    stdout,
    streams,
)
from sfnwatch.cli.parameter_types import PORT, SPEED
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.cli.setting_origin import is_default, is_typed, source_of
from sfnwatch.cli.settings import CONFIG
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.clock import ServerClock
from sfnwatch.config.config import Config, with_keymap
from sfnwatch.demo.scenarios import PLANS, SCENARIOS, TOGETHER, plans_of
from sfnwatch.errors import Outcome, SfnwatchError, UsageError
from sfnwatch.export.json_lines import JsonLines
from sfnwatch.export.plain import PlainLines
from sfnwatch.model.arns import (
    ExecutionArn,
    Named,
    maybe_execution_arn,
    parse_execution_arn,
)
from sfnwatch.model.execution_list import ListFilter, Listing
from sfnwatch.model.records import Batch, Received
from sfnwatch.model.texts import clean
from sfnwatch.recording import library, saved_view
from sfnwatch.recording.format import STDIN
from sfnwatch.session import sessions, signals
from sfnwatch.session.session import Session
from sfnwatch.sources.aws_settings import AwsSettings, region_of
from sfnwatch.sources.endpoints import endpoint_refusal
from sfnwatch.sources.permissions import ALLOW_HTTP
from sfnwatch.view.filter_error import FilterError
from sfnwatch.view.filter_language import parse_filter

if TYPE_CHECKING:
    from sfnwatch.export.otlp.collector_settings import CollectorSettings
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.picker import PickerApp
    from sfnwatch.tui.screen_settings import ScreenSettings

_SPEED = 20.0
_TERMINAL = "/dev/tty"
"""Where keys come from while stdin is something else."""
_OF_THE_SCREEN = (
    *("theme", "time", "ascii", "present", "filter", "keymap", "notify"),
    "pick",
)
_STEP = 16
"""Recordings read at once: some milliseconds, after which they are shown."""


# -- the commands ----------------------------------------------------------------------


@click.command()
@options.executions_argument(metavar="[EXECUTION…]")
@flag("--next", "Wait for the next execution of a state machine.", dest="coming")
@flag(
    "--pick",
    "Choose among the executions of what is named; an execution's are the children of"
    " its Map Runs.",
)
@flag(
    "--follow-redrive",
    "Keep watching after a failure: look once a minute for a redrive, for the 14 days"
    " in which it may come.",
)
@options.filter_options
@options.aws_options
@options.display_options
@options.otlp_option
def watch(executions: list[Named], *, coming: bool, pick: bool, **shared: Any) -> int:
    """Watch executions: their states, and the calls made for them.

    EXECUTION is the ARN of an execution, or a console URL with it in it. A state
    machine's ARN or name stands for its newest execution, with --next for the next
    one; a Map Run's ARN for its newest. Without any, or with --pick, you choose on the
    screen, among what was recorded too. The Region is the ARN's. Several are shown on
    one time axis. Everything you watch is recorded and can be replayed. The exit code
    is the outcome; 14 where one still runs when you quit, 3 where AWS refuses to tell.

    \b
    sfnwatch arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
    sfnwatch nightly-report --next
    sfnwatch ARN --plain --no-record | grep failed
    """
    if pick and coming:
        raise UsageError("--pick and --next exclude each other.", hint="Choose one.")
    display = choose_display(**shared)
    settings, live = choose_aws(**shared)
    settings = sign_in(settings, live.calls.profiles)
    if display.screen and not coming and (pick or not executions):
        if len(executions) > 1:
            count = len(executions)
            msg = f"--pick chooses among the executions of one; {count} are named."
            hint = "Name one, or none for all of the account's."
            raise UsageError(msg, hint=hint)
        within = next(iter(executions), None)
        only = choose_filter(**shared)
        chosen = choose_executions(within, settings, display.screen, only)
        arns, recordings, asked = chosen
        if recordings:
            return show_files(recordings, None, **shared)
    elif executions:
        for name in filter(is_typed, ("statuses", "since")):
            msg = f"{source_of(name)} is for a list to choose from."
            raise UsageError(msg, hint="Give --pick too, or use sfnwatch list.")
        arns, asked = find_executions(executions, settings, coming=coming)
    else:
        raise UsageError("No execution is named.", hint=NAMING_HINT)
    if not arns:
        return Outcome.SUCCEEDED
    if display.screen:
        live = replace(live, tries=None)
    watched = sessions.live(arns, settings, live, asked=asked)
    return show(_sent(watched, shared["otlp"]), display)


@click.command()
@click.argument(
    "scenario",
    type=click.Choice((*TOGETHER, *SCENARIOS)),
    metavar="[SCENARIO]",
    required=False,
    default="three-ways",
)
@option("--speed", "Speed-up factor.", type=SPEED, default=_SPEED)
@flag("--serve", "Only serve the account, until interrupted.")
@option("--port", "Serve on this port.", type=PORT)
@flag("--fresh", "With --serve: start a new account.")
@flag(
    "--with-queue",
    "Read the account's queue, too: what ECS tells of the tasks.",
    dest="queue",
)
@options.display_options
@options.drain_option
@options.otlp_option
@options.debug_option
def demo(scenario: str, speed: float, *, serve: bool, **shared: Any) -> int:
    """Watch a simulated account on this machine; no AWS account is needed.

    \b
    SCENARIO is one of
      three-ways   the first four at once, on one role: who calls what, and how Step
                   Functions learned that the task had stopped (the default)
      sync         ecs:runTask.sync: RunTask, a poll a minute
      sync-denied  the same with every poll denied; the execution still succeeds
      async        ecs:runTask, Request Response: RunTask alone
      sdk          aws-sdk:ecs:runTask: RunTask alone
      pipeline     Choice, Parallel, Map, Retry, Catch, Lambda, a child execution
      distributed  a Map Run: each item a child execution, some of which fail
      failure      a task that fails, is tried again, and fails for good
      redrive      a task that fails; minutes later somebody redrives the execution

    With --serve the account is left running for other clients: one line of JSON tells
    its endpoint URL, a pair of keys it takes, and its executions. Without a SCENARIO it
    then has them all.

    \b
    sfnwatch demo
    sfnwatch demo pipeline --speed 60
    sfnwatch demo --serve --port 4597
    """
    if serve:
        chosen = None if is_default("scenario") else scenario
        speed = 1.0 if is_default("speed") else speed
        return _serve(chosen, speed, **shared)
    display = choose_display(**shared)
    plans = plans_of(scenario)
    drain = shared["drain"]
    queue = shared["queue"]
    watched = sessions.demo(plans, speed=speed, drain=drain, queue=queue)
    return show(_sent(watched, shared["otlp"]), display)


@click.command()
@options.files_argument
@options.speed_option
@options.display_options
def replay(files: list[Path], speed: float | None, **shared: Any) -> int:
    """Show recordings again, and other files with the same records in them.

    `-` is stdin.

    \b
    Files are recognized by their content, and several make one trace:
      recordings of sfnwatch (.jsonl, also .gz and .zst)
      aws stepfunctions get-execution-history, describe-execution,
        describe-state-machine-for-execution, describe-map-run,
        list-executions --map-run-arn
      aws cloudtrail lookup-events
      a trail's files from S3; EventBridge's events of CloudTrail, of ECS
        tasks, and of how executions stand; aws logs get-query-results
      an Athena CSV with the columns eventtime, eventsource, eventname, …

    \b
    sfnwatch replay nightly-report.sfnwatch.jsonl
    sfnwatch replay history.json calls.json --plain
    aws stepfunctions get-execution-history --execution-arn ARN | sfnwatch replay -
    """
    return show_files(files, speed, **shared)


def show_files(paths: Sequence[Path], speed: float | None, **shared: Any) -> int:
    """Show files again, on a screen or as lines."""
    piped = STDIN in paths
    if piped and is_served():
        msg = "What is piped into stdin can't be shown in a browser."
        raise UsageError(msg, hint="Name a file.")
    usable = _is_usable(piped=piped)
    display = choose_display(recorded=False, usable=usable, **shared)
    if display.screen:
        # The screen's player decides what of it is shown.
        replayed = sessions.replay(paths)
        if piped:
            # All of it was read: from now on stdin is where the keys come from.
            os.dup2(os.open(_TERMINAL, os.O_RDWR), 0)
        return show(replayed, display, speed or _SPEED)
    return show(sessions.replay(paths, speed=speed, whole=speed is None), display)


def _sent(watched: Session, endpoint: str | None) -> Session:
    """Have a session's spans go to a collector, where one is named."""
    if endpoint is not None:
        from sfnwatch.export.otlp.exporter import OtlpExporter

        collector = read_collector(endpoint)
        exporter = OtlpExporter(watched.trace, collector, watched.clock)
        watched.companions.append(exporter)
    return watched


def read_collector(endpoint: str) -> "CollectorSettings":
    """Read where spans go; raises UsageError, also where others could read them."""
    from sfnwatch.export.otlp.collector_settings import collector_settings
    from sfnwatch.export.otlp.collector_url import shown_url

    collector = collector_settings(endpoint)
    if endpoint_refusal(collector.url):
        msg = f"The collector {shown_url(collector.url)} is neither this machine nor"
        msg += " https: names, and keys in headers, could be read on the way."
        hint = f"Use https, or set {ALLOW_HTTP}=1 if that is meant."
        raise UsageError(msg, hint=hint)
    return collector


# -- the demo's account ----------------------------------------------------------------


def _serve(scenario: str | None, speed: float, **asked: Any) -> int:
    from sfnwatch.demo.standalone_server import DEFAULT_PORT, serve

    scenarios = tuple(PLANS) if scenario is None else plans_of(scenario)
    port = DEFAULT_PORT if asked["port"] is None else asked["port"]
    out, err = streams()
    run = partial(serve, scenarios, port=port, speed=speed, fresh=asked["fresh"])
    run = partial(run, out=out, err=err, state_dir=library.recordings_dir().parent)
    try:
        # Whoever reads the line may end us at once: signals are caught before it.
        signals.run(run)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        msg = f"Can't serve on port {port}: {error.strerror}."
        raise UsageError(msg, hint="Choose another --port.") from error
    return Outcome.SUCCEEDED


# -- how it is shown -------------------------------------------------------------------


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
    *, recorded: bool = True, usable: bool | None = None, **asked: Any
) -> Display:
    """Read how to show something; raises UsageError.

    It is `recorded` unless somebody says otherwise, or only if somebody does. Whether
    there is a terminal that is `usable` need not be said.
    """
    plain = asked["plain"]
    as_json = _is_meant("as_json", "plain", asked)
    path = asked["record"]
    is_off = _is_meant("no_record", "record", asked)
    record = not is_off and (recorded or path is not None)
    if asked["filter"] is not None:
        _check_filter(asked["filter"])
    screen = None
    usable = _is_usable() if usable is None else usable
    if usable and not (plain or as_json):
        screen = _choose_screen(asked)
    elif typed := next(filter(is_typed, _OF_THE_SCREEN), None):
        msg = f"--{typed} is for the screen, and lines are printed."
        raise UsageError(msg, hint="Leave it out, or run it in a terminal.")
    return Display(screen, as_json, record, path if record else None, asked["filter"])


def _is_usable(*, piped: bool = False) -> bool:
    """True where a screen can be drawn, and keys can be heard.

    Where something is `piped` into stdin they come from the terminal all the same.
    """
    if is_served():
        return True
    # Textual draws on this stderr, which is under ours: all three must be the terminal.
    streams = (sys.stdin, sys.stdout, sys.__stderr__)[1 if piped else 0 :]
    heard = not piped or os.access(_TERMINAL, os.R_OK)
    return are_terminals(*streams) and heard and os.environ.get("TERM") != "dumb"


def _is_meant(name: str, other: str, asked: Mapping[str, Any]) -> bool:
    """True for what is given; of two that exclude each other for the one typed.

    Raises UsageError where both are typed, or both are set.
    """
    if not (asked[name] and asked[other]):
        return bool(asked[name])
    if is_typed(name) == is_typed(other):
        keys = (e.removeprefix("as_").replace("_", "-") for e in (other, name))
        said = " and ".join(f"--{key}" for key in keys)
        raise UsageError(f"{said} exclude each other.", hint="Choose one.")
    return is_typed(name)


def _check_filter(text: str) -> None:
    try:
        parse_filter(text)
    except FilterError as error:
        where = f"--filter {clean(text, 200)!r}, at {error.position + 1}"
        hint = error.hint[:1].upper() + error.hint[1:]
        raise UsageError(f"{where}: {error.message}", hint=hint) from error


def _choose_screen(asked: Mapping[str, Any]) -> "ScreenSettings":
    from sfnwatch.tui.actions import check_keys
    from sfnwatch.tui.screen_settings import ScreenSettings
    from sfnwatch.tui.themes import check_theme

    config: Config = click.get_current_context().meta[CONFIG]
    if asked["keymap"]:
        config = with_keymap(config, asked["keymap"], source_of("keymap"))
    check_theme(asked["theme"], config.themes, source_of("theme"))
    check_keys(config.keys)
    return ScreenSettings(
        theme=asked["theme"] or "",
        local=asked["time"] == "local",
        ascii=asked["ascii"] or lacks_unicode(),
        present=asked["present"],
        notify=asked["notify"],
        keys={action: chosen.keys for action, chosen in config.keys.items()},
        own_themes=tuple(config.themes.values()),
    )


# -- shown to its end ------------------------------------------------------------------


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
    """Print lines; raises RefusedError if AWS does not tell how it ended."""
    # A reader who has had enough ends the printing, and not the outcome.
    signalled: int | None = None
    with stdout() as out:
        lines: JsonLines | PlainLines = JsonLines(watched.trace, out)
        if not as_json:
            people = for_people(out)
            arns = watched.executions
            lines = PlainLines(watched.trace, people, narrate, arns)
        watched.consumers.append(lines)
        signalled = signals.run(watched.run)
        lines.finish()
        out.flush()
    return watched.conclude(narrate) if signalled is None else signalled


# -- the screen ------------------------------------------------------------------------


def _on_screen(
    watched: Session, asked: "ScreenSettings", kept: str | None, speed: float
) -> int:
    """Show it, by a filter or the one that it was last looked at with."""
    from sfnwatch.tui.app import SfnwatchApp

    recorder = watched.recorder
    created = recorder.header.created if recorder else watched.created
    path = saved_view.view_path(watched.executions, created) if created else None
    saved = saved_view.load_view(path) if path else saved_view.SavedView()
    if kept is not None:
        saved = replace(saved, filter=kept)
    app = SfnwatchApp(watched, replace(asked, speed=speed), saved)
    code = _run_app(app)
    if path is not None and app.view_to_save != saved_view.SavedView():
        # A comfort: one that can't be kept is no reason to complain.
        saved_view.save_view(path, app.view_to_save)
    # Textual reports a crash, and then returns as if all had been well.
    if code is not None or app.return_code:
        return code or app.return_code or SfnwatchError.exit_code
    for refusal in app.screen_state.refusals:
        raise refusal
    return watched.conclude(narrate)


def _run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run it; a signal quits it as a key would, or the terminal stays as the app's."""

    async def shown() -> None:
        if is_served():
            from sfnwatch.cli.web import end_with_server

            # By then there is nobody to draw for.
            end_with_server()
        await app.run_async()

    return signals.run(shown, app.exit)


# -- the picker ------------------------------------------------------------------------


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
        discovery = await asyncio.to_thread(import_module, "sfnwatch.sources.discovery")
        search = discovery.Search(settings, clock)
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
    if _run_app(app) is not None or app.return_code == Outcome.INTERRUPTED:
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
