"""The commands about recordings as things: listed, opened, removed."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfnwatch.cli import completion
from sfnwatch.cli.narration import confirm, narrate, put, put_json, put_table
from sfnwatch.cli.options import (
    DURATION,
    SIZE,
    display_options,
    json_option,
    option,
    output_option,
    redact_option,
    speed_option,
)
from sfnwatch.cli.reports import (
    FORMATS,
    export,
    names_option,
    redact,
    target_option,
)
from sfnwatch.cli.watch import show_files
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.model.arns import maybe_execution_arn
from sfnwatch.model.values import clean, duration, iso, maybe_iso, size

if TYPE_CHECKING:
    from sfnwatch.recording.library import ListedRecording

_LABEL = 60
"""Characters for what was executed: two names, as a rule, and a word between."""
_recording = click.argument(
    "path",
    metavar="NUMBER|NAME",
    shell_complete=completion.recordings,
    callback=lambda _, __, name: name and _chosen(name).path,
)


@click.group(invoke_without_command=True, short_help="List, open, remove recordings.")
@json_option
@click.pass_context
def recordings(context: click.Context, *, as_json: bool) -> int | None:
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
        return None
    found = _every()
    if as_json:
        told = [_json(number, each) for number, each in enumerate(found, 1)]
        put_json({"recordings": told})
    else:
        _print(list(enumerate(found, 1)))
    return Outcome.SUCCEEDED


@recordings.command("open", short_help="Show one again, as replay does.")
@_recording
@speed_option
@display_options
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
def path_(path: Path) -> int:
    """Print a recording's path, for the commands that take files.

    \b
    sfnwatch explain "$(sfnwatch recordings path 1)"
    """
    put(str(path))
    return Outcome.SUCCEEDED


@recordings.command(
    "export", short_help="Write one for other programs.", epilog=FORMATS
)
@_recording
@target_option
@output_option
@redact_option
@click.pass_context
def export_(context: click.Context, /, path: Path, **asked: Any) -> int:
    """Write a recording for other programs, as export does.

    \b
    sfnwatch recordings export 1 --to html -o report.html
    """
    return int(context.invoke(export, sources=[path], **asked))


@recordings.command("redact", short_help="Make one that is safe to share.")
@_recording
@output_option
@names_option
@click.pass_context
def redact_(context: click.Context, /, path: Path, **asked: Any) -> int:
    """Make a recording safe to share, as redact does.

    \b
    sfnwatch recordings redact 1 -o shared.sfnwatch.jsonl
    """
    return int(context.invoke(redact, files=[path], **asked))


@recordings.command("prune", short_help="Remove what is old or large.")
@option(
    "--older-than",
    type=DURATION,
    help="Those last written to this long ago: 30d, 12h.",
)
@option("--larger-than", type=SIZE, help="Those larger than 500kB, 100MB, 1GiB.")
@option("--dry-run", is_flag=True, help="Only list them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(
    older_than: float | None, larger_than: float | None, *, dry_run: bool, yes: bool
) -> int:
    """Remove recordings, after asking: those that match all that is given.

    One that is still being recorded to stays. How a recording was looked at goes with
    it.

    \b
    sfnwatch recordings prune --older-than 30d --dry-run
    sfnwatch recordings prune --larger-than 100MB --yes
    """
    from sfnwatch.clock import SystemClock
    from sfnwatch.recording.library import to_prune

    if older_than is None and larger_than is None:
        msg = "Nothing is said of which to remove."
        raise UsageError(msg, hint="Give --older-than 30d or --larger-than 100MB.")
    every = _every()
    found = to_prune(
        every,
        SystemClock().now(),
        older_than=older_than,
        larger_than=None if larger_than is None else int(larger_than),
    )
    if found:
        _print([(every.index(each) + 1, each) for each in found])
    count = "1 recording" if len(found) == 1 else f"{len(found)} recordings"
    what = f"{count}, {size(sum(each.size for each in found))}"
    if not found or dry_run:
        narrate(f"{what} would be removed" if found else "there is none to remove")
        return Outcome.SUCCEEDED
    if not yes:
        _ask(what)
    _remove(found)
    narrate(f"removed {what}")
    return Outcome.SUCCEEDED


def _ask(what: str) -> None:
    """Raise Abort for a no, UsageError where nobody can be asked."""
    if not sys.stdin.isatty():
        msg = f"{what} would be removed, and nobody can be asked."
        raise UsageError(msg, hint="Give --yes, or --dry-run to look first.")
    confirm(f"Remove {what}?")


def _remove(found: "Iterable[ListedRecording]") -> None:
    from sfnwatch.recording.library import remove

    for each in found:
        try:
            remove(each)
        except OSError as error:
            msg = f"Can't remove {clean(str(each.path))}: {error.strerror or error}."
            raise UsageError(msg) from error


def _every() -> "list[ListedRecording]":
    from sfnwatch.recording.library import list_recordings, recordings_dir

    found = list_recordings(recordings_dir())
    if not found:
        narrate(f"there are no recordings in {recordings_dir()}")
    return found


def _chosen(name: str) -> "ListedRecording":
    from sfnwatch.recording.library import choose

    return choose(_every(), name)


def _print(found: "Sequence[tuple[int, ListedRecording]]") -> None:
    if found:
        head = ("#", "execution", "state", "length", "size", "when")
        rows = [(str(number), *_cells(each)) for number, each in found]
        put_table([head, *rows], right=frozenset({0, 3, 4}))


def _cells(each: "ListedRecording") -> tuple[str, str, str, str, str]:
    return (
        _label(each),
        clean(each.trouble, _LABEL) if each.trouble else _states(each),
        "-" if each.seconds is None else duration(each.seconds),
        size(each.size),
        f"{each.began:%Y-%m-%d %H:%M} UTC",
    )


def _label(each: "ListedRecording") -> str:
    """Name the first execution that was watched, and say how many more there are."""
    if not each.watched:
        return _cut(each.name)
    parsed = maybe_execution_arn(each.watched[0][0])
    name = f"{parsed.state_machine_name} › {parsed.name}" if parsed else each.name
    more = len(each.watched) - 1
    return _cut(name) + (f" and {more} more" if more else "")


def _cut(name: str) -> str:
    name = clean(name)
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"


def _states(each: "ListedRecording") -> str:
    words = [clean(status, 20) for _, status in each.watched]
    counted = {word: words.count(word) for word in words}
    if len(words) <= 1:
        return "".join(counted) or "-"
    return ", ".join(f"{count} {word}" for word, count in counted.items())


def _json(number: int, each: "ListedRecording") -> dict[str, Any]:
    return {
        "number": number,
        "name": each.name,
        "path": str(each.path),
        "executions": [{"arn": arn, "status": told} for arn, told in each.statuses],
        "created": maybe_iso(each.created),
        "written_at": iso(each.written_at),
        "seconds": each.seconds,
        "size": each.size,
        "trouble": each.trouble or None,
    }


COMMANDS = (recordings,)
