"""The commands that list, open, export, redact and remove recordings."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sfnwatch.cli import options
from sfnwatch.cli.commands.export import export, target_option
from sfnwatch.cli.commands.redact import names_option, redact
from sfnwatch.cli.narration import confirm, narrate, put, put_json, put_table
from sfnwatch.cli.parameter_types import DURATION, SIZE
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.cli.show import show_files
from sfnwatch.cli.value_completion import complete_recordings
from sfnwatch.clock import SystemClock
from sfnwatch.errors import UsageError
from sfnwatch.export.wrapping import cut
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.texts import clean, size
from sfnwatch.model.times import duration, iso, maybe_iso
from sfnwatch.recording import library
from sfnwatch.recording.library import ListedRecording

_LABEL = 60
"""Most cells for the first execution of a recording: two names with a `›` between, as a
rule."""
_recording = options.argument(
    "path",
    # `sfnwatch config` reads the command without a name.
    lambda name: name if name is None else library.choose(_every(), name).path,
    complete_recordings,
)(metavar="NUMBER|NAME")


@click.group(invoke_without_command=True)
@options.json_option
@click.pass_context
def recordings(context: click.Context, *, as_json: bool) -> None:
    """List the recordings, newest first: what, how it ended, how long, how large.

    Every watch and every demo is recorded. Numbers change when there is a new one;
    names do not.

    \b
    sfnwatch recordings open 1
    sfnwatch recordings export 1 --to html -o report.html
    sfnwatch recordings redact 1 -o shared.jsonl
    sfnwatch explain "$(sfnwatch recordings path 1)"
    sfnwatch recordings prune --older-than 30d
    """
    if context.invoked_subcommand is not None:
        return
    found = [*enumerate(_every(), 1)]
    if as_json:
        put_json({"recordings": [_recording_json(*each) for each in found]})
    else:
        _print(found)


@recordings.command("open", short_help="Show one again, as replay does.")
@_recording
@options.speed_option
@options.display_options
def open_(path: Path, speed: float | None, **shared: Any) -> int:
    """Show a recording again, by its number, its name, or a part of either name.

    The name is the file's, or an execution's ARN.

    \b
    sfnwatch recordings open 1
    sfnwatch recordings open nightly-report --plain
    """
    return show_files([path], speed, **shared)


@recordings.command("path", short_help="Print where one lies.")
@_recording
def path_(path: Path) -> None:
    """Print a recording's path, for the commands that take files.

    \b
    sfnwatch explain "$(sfnwatch recordings path 1)"
    """
    put(str(path))


@recordings.command(
    "export", short_help="Write one for other programs.", epilog=export.epilog
)
@_recording
@target_option
@options.output_option
@options.redact_option
@click.pass_context
def export_(context: click.Context, /, path: Path, **asked: Any) -> int:
    """Write a recording for other programs, as export does.

    \b
    sfnwatch recordings export 1 --to html -o report.html
    """
    return int(context.invoke(export, sources=[path], **asked))


@recordings.command("redact", short_help="Make one that is safe to share.")
@_recording
@options.output_option
@names_option
@click.pass_context
def redact_(context: click.Context, /, path: Path, **asked: Any) -> None:
    """Make a recording safe to share, as redact does.

    \b
    sfnwatch recordings redact 1 -o shared.sfnwatch.jsonl
    """
    context.invoke(redact, files=[path], **asked)


@recordings.command("prune", short_help="Remove what is old or large.")
@option(
    "--older-than",
    "Those last written to this long ago: 30d, 12h.",
    type=DURATION,
)
@option("--larger-than", "Those larger than 500kB, 100MB, 1GiB.", type=SIZE)
@flag("--dry-run", "Only list them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(*, dry_run: bool, yes: bool, **asked: float | None) -> None:
    """Remove recordings, after asking: those that match all that is given.

    One that was written to in the last ten minutes stays: it may still be recorded to.
    How a recording was looked at goes with it.

    \b
    sfnwatch recordings prune --older-than 30d --dry-run
    sfnwatch recordings prune --larger-than 100MB --yes
    """
    if all(each is None for each in asked.values()):
        msg = "Nothing is said of which to remove."
        raise UsageError(msg, hint="Give --older-than 30d or --larger-than 100MB.")
    every = _every()
    now = SystemClock().now()
    found = library.to_prune(every, now, **asked)
    _print([(every.index(each) + 1, each) for each in found])
    count = "1 recording" if len(found) == 1 else f"{len(found)} recordings"
    what = f"{count}, {size(sum(each.size for each in found))}"
    if not found or dry_run:
        narrate(f"{what} would be removed" if found else "there is none to remove")
        return
    if not yes:
        _ask(what)
    for each in found:
        library.remove(each)
    narrate(f"removed {what}")


def _ask(what: str) -> None:
    """Ask whether to remove recordings.

    Raises Abort for a no, UsageError if nobody can be asked.
    """
    if not sys.stdin.isatty():
        msg = f"{what} would be removed, and nobody can be asked."
        raise UsageError(msg, hint="Give --yes, or --dry-run to look first.")
    confirm(f"Remove {what}?")


def _every() -> list[ListedRecording]:
    folder = library.recordings_dir()
    found = library.list_recordings(folder)
    if not found:
        narrate(f"there are no recordings in {folder}")
    return found


def _print(found: Sequence[tuple[int, ListedRecording]]) -> None:
    if found:
        head = ("#", "execution", "state", "length", "size", "when")
        rows = [(str(number), *_recording_cells(each)) for number, each in found]
        put_table([head, *rows], right={0, 3, 4})


def _recording_cells(each: ListedRecording) -> tuple[str, str, str, str, str]:
    return (
        _label(each),
        clean(each.trouble, _LABEL) if each.trouble else _states(each),
        "-" if each.seconds is None else duration(each.seconds),
        size(each.size),
        f"{each.began:%Y-%m-%d %H:%M} UTC",
    )


def _label(each: ListedRecording) -> str:
    """Return the first watched execution's name, and the number of the others."""
    if not each.watched:
        return cut(clean(each.name), _LABEL)
    parsed = maybe_execution_arn(each.watched[0][0])
    name = f"{parsed.state_machine_name} › {parsed.name}" if parsed else each.name
    more = len(each.watched) - 1
    return cut(clean(name), _LABEL) + (f" and {more} more" if more else "")


def _states(each: ListedRecording) -> str:
    counted = Counter(clean(status, 20) for _, status in each.watched)
    told = (f"{count} {word}" if count > 1 else word for word, count in counted.items())
    return ", ".join(told) or "-"


def _recording_json(number: int, each: ListedRecording) -> dict[str, Any]:
    return {
        "number": number,
        "name": each.name,
        "path": str(each.path),
        "executions": [{"arn": arn, "status": told} for arn, told in each.statuses],
        "created": maybe_iso(each.header.created if each.header else None),
        "written_at": iso(each.written_at),
        "seconds": each.seconds,
        "size": each.size,
        "trouble": each.trouble or None,
    }
