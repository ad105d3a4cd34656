"""The commands that list, open, export, redact and remove recordings."""

import sys
from collections import Counter
from collections.abc import Sequence
from itertools import starmap
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
from sfnwatch.export.wrapping import cut_text
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.texts import clean, size
from sfnwatch.model.times import duration, iso, maybe_iso
from sfnwatch.recording import library
from sfnwatch.recording.library import ListedRecording

_LABEL_WIDTH = 60
"""Most cells for the first execution of a recording, often two names with a `›`
between them."""
_STATUS_LENGTH = 20
"""Most characters of a status."""


def _chosen(name: str | None) -> Path | None:
    # `sfnwatch config` reads the commands without a name.
    if name is None:
        return None
    return library.choose_recording(_listed(), name).path


_recording = options.argument("path", _chosen, complete_recordings)(
    metavar="NUMBER|NAME"
)


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
    numbered = [*enumerate(_listed(), 1)]
    if as_json:
        put_json({"recordings": [*starmap(_json, numbered)]})
    else:
        _print(numbered)


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


@recordings.command("path", short_help="Print its path.")
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
    if set(asked.values()) == {None}:
        msg = "Say which to remove."
        raise UsageError(msg, hint="Give --older-than 30d or --larger-than 100MB.")
    every = _listed()
    chosen = library.to_prune(every, SystemClock().now(), **asked)
    _print([(every.index(recording) + 1, recording) for recording in chosen])
    count = "1 recording" if len(chosen) == 1 else f"{len(chosen)} recordings"
    total = sum(recording.size for recording in chosen)
    summary = f"{count}, {size(total)}"
    if not chosen:
        narrate("there is none to remove")
        return
    if dry_run:
        narrate(f"{summary} would be removed")
        return
    if not yes:
        _ask(summary)
    for recording in chosen:
        library.remove(recording)
    narrate(f"removed {summary}")


def _ask(summary: str) -> None:
    """Ask whether to remove recordings.

    Raises Abort for a no, UsageError if nobody can be asked.
    """
    if not sys.stdin.isatty():
        msg = f"{summary} would be removed, and nobody can be asked."
        raise UsageError(msg, hint="Give --yes, or --dry-run to look first.")
    confirm(f"Remove {summary}?")


def _listed() -> list[ListedRecording]:
    folder = library.recordings_dir()
    every = library.list_recordings(folder)
    if not every:
        narrate(f"there are no recordings in {folder}")
    return every


def _print(numbered: Sequence[tuple[int, ListedRecording]]) -> None:
    if not numbered:
        return
    rows: list[tuple[str, ...]] = [
        ("#", "execution", "state", "length", "size", "when")
    ]
    for number, recording in numbered:
        seconds = recording.seconds
        row = (
            str(number),
            _label(recording),
            clean(recording.trouble, _LABEL_WIDTH) or _states(recording),
            "-" if seconds is None else duration(seconds),
            size(recording.size),
            f"{recording.began:%Y-%m-%d %H:%M} UTC",
        )
        rows.append(row)
    put_table(rows, right={0, 3, 4})


def _label(recording: ListedRecording) -> str:
    """Return the first watched execution's name, and the number of the others."""
    if not recording.watched:
        return cut_text(clean(recording.name), _LABEL_WIDTH)
    arn, _ = recording.watched[0]
    execution = maybe_execution_arn(arn)
    name = recording.name
    if execution is not None:
        name = f"{execution.state_machine_name} › {execution.name}"
    label = cut_text(clean(name), _LABEL_WIDTH)
    others = len(recording.watched) - 1
    return f"{label} and {others} more" if others else label


def _states(recording: ListedRecording) -> str:
    """Return the statuses of the watched executions, each with its number."""
    statuses = [clean(status, _STATUS_LENGTH) for _, status in recording.watched]
    counts: list[str] = []
    for status, count in Counter(statuses).items():
        counts.append(f"{count} {status}" if count > 1 else status)
    return ", ".join(counts) or "-"


def _json(number: int, recording: ListedRecording) -> dict[str, Any]:
    header = recording.header
    return {
        "number": number,
        "name": recording.name,
        "path": str(recording.path),
        "executions": [
            {"arn": arn, "status": status} for arn, status in recording.statuses
        ],
        "created": maybe_iso(header.created if header else None),
        "written_at": iso(recording.written_at),
        "seconds": recording.seconds,
        "size": recording.size,
        "trouble": recording.trouble or None,
    }
