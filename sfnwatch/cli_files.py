"""The commands that say of a whole what is in it: written, explained, compared."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from sfnwatch import completing
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.export.targets import TARGETS
from sfnwatch.narration import narrate
from sfnwatch.options import aws_options, choose_aws, drain_option
from sfnwatch.trace.text import clean

if TYPE_CHECKING:
    from sfnwatch.gathering import Gathered
    from sfnwatch.trace.report import Report

_LEAST_WIDTH, _USUAL_WIDTH = 40, 80
_SOURCES = "FILE…|EXECUTION…"


def _new_file(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that is there: it may be what is read, and is no copy of it.

    Before anything is done: an execution may be watched for hours first. A pipe or a
    device may be written to, and `-` is stdout.
    """
    if path is None or str(path) == "-":
        return None
    if path.is_file():
        msg = f"Can't write {clean(str(path))}: the file exists."
        raise UsageError(msg, hint="Files are never overwritten: name another.")
    return path


output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_new_file,
    help="Write to this new file instead of stdout.",
)
target_option = click.option(
    "--to",
    "target",
    type=click.Choice(list(TARGETS)),
    metavar="FORMAT",
    required=True,
    help="What to write.",
)
redact_option = click.option(
    "--redact", is_flag=True, help="Put aliases for names, ids and payloads first."
)
names_option = click.option(
    "--keep-state-names", is_flag=True, help="Leave the states' names."
)
_format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="For people, for a page or an issue, for programs.",
)


def targets() -> str:
    """List the formats for `--help`."""
    lines = (f"  {name:<10} {target.words}" for name, target in TARGETS.items())
    return "\b\nFORMAT is one of\n" + "\n".join(lines)


@click.command(
    short_help="Write a trace for other programs.",
    help=f"""Write a trace for other programs, to stdout or a file.

FILES are what `replay` takes. An EXECUTION is named as `watch` takes it, by its state
machine too, and is watched to its end first.

{targets()}""",
)
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar=_SOURCES,
    shell_complete=completing.files_or_executions,
)
@target_option
@output_option
@redact_option
@aws_options
@drain_option
def export(
    sources: tuple[str, ...],
    target: str,
    output: Path | None,
    *,
    redact: bool,
    **asked: Any,
) -> int:
    found = _gathered(sources, redact=redact, **asked)
    with _out(output) as out:
        TARGETS[target].dump(found.trace, out)
    return found.code


@click.command(short_help="Say what happened, with evidence.")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar=_SOURCES,
    shell_complete=completing.files_or_executions,
)
@_format_option
@output_option
@redact_option
@aws_options
@drain_option
def explain(
    sources: tuple[str, ...],
    form: str,
    output: Path | None,
    *,
    redact: bool,
    **asked: Any,
) -> int:
    """Say what happened: how it ended, where the time went, who called what.

    FILES are what `replay` takes; a history alone, or calls alone, will do: what
    can't be seen is said. An EXECUTION is named as `watch` takes it, by its state
    machine too, and is watched to its end first. Each finding has its evidence, and
    says whether it is a fact or an inference.
    """
    from sfnwatch.trace.report import report

    found = _gathered(sources, redact=redact, **asked)
    told = report(found.trace)
    with _out(output) as out:
        write_report(told, form, out, _width(output))
    return found.code


def write_report(told: "Report", form: str, out: TextIO, width: int) -> None:
    """Write a report in one of its forms."""
    from sfnwatch.export import report_json, report_markdown, report_text

    match form:
        case "json":
            report_json.write_json(told, out)
        case "markdown":
            report_markdown.write_markdown(told, out)
        case _:
            report_text.write_text(told, out, width)


@click.command(short_help="Say how two executions differ.")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="A B",
    shell_complete=completing.files_or_executions,
)
@click.option(
    "--execution",
    "names",
    multiple=True,
    metavar="NAME",
    help="One of those in the files, by its name or a part of its ARN; give two.",
)
@_format_option
@output_option
@aws_options
@drain_option
def compare(
    sources: tuple[str, ...],
    names: tuple[str, ...],
    form: str,
    output: Path | None,
    **asked: Any,
) -> int:
    """Say how two executions differ: states, times, tries, calls, polls.

    A and B are files as `replay` takes them, or executions as `watch` takes them,
    which are watched to their ends first. Where there are more than two executions in
    them, --execution chooses.
    """
    from sfnwatch.export import compare_json, compare_markdown, compare_text
    from sfnwatch.gathering import chosen_pair
    from sfnwatch.trace.compare import compare as compared

    found = _gathered(sources, **asked)
    told = compared(found.trace, *chosen_pair(found, sources, names))
    with _out(output) as out:
        match form:
            case "json":
                compare_json.write_json(told, out)
            case "markdown":
                compare_markdown.write_markdown(told, out)
            case _:
                compare_text.write_text(told, out, _width(output))
    return Outcome.SUCCEEDED


@click.command(short_help="Make a recording that can be shared.")
@click.argument("files", nargs=-1, required=True, shell_complete=completing.files)
@output_option
@names_option
def redact(
    files: tuple[str, ...], output: Path | None, *, keep_state_names: bool
) -> int:
    """Make a recording that can be shared: what happened, and not to whom.

    FILES are what `replay` takes. Account ids, ARNs, names, addresses, keys, inputs
    and outputs become aliases, the same for the same original: what was tied stays
    tied. Times, Regions and AWS's own words stay.
    """
    from sfnwatch import __version__
    from sfnwatch.recording import redaction
    from sfnwatch.recording.files import open_files

    recording = open_files([Path(name) for name in files])
    made = redaction.redact(recording, keep_state_names=keep_state_names)
    tool = f"sfnwatch {__version__}"
    if output is None:
        with stdout() as out:
            redaction.write_redacted(made, out.buffer, tool)
    else:
        redaction.save_redacted(made, output, tool)
    for note in made.notes:
        narrate(note)
    return Outcome.SUCCEEDED


def _gathered(
    sources: Sequence[str], *, drain: float, redact: bool = False, **asked: Any
) -> "Gathered":
    from sfnwatch.gathering import gather, redacted

    found = gather(sources, choose_aws(**asked), drain)
    return redacted(found) if redact else found


def _width(output: Path | None) -> int:
    """Give the columns there are: the terminal's, or what a page has."""
    if output is not None or not sys.stdout.isatty():
        return _USUAL_WIDTH
    return max(_LEAST_WIDTH, shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns)


@contextmanager
def stdout() -> Iterator[TextIO]:
    """Give stdout; that its reader has had enough, as `head` has, is no fault."""
    from sfnwatch.running import discard_output

    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()


@contextmanager
def _out(path: Path | None) -> Iterator[TextIO]:
    """Give where to write: stdout, or a file that is there whole or not at all.

    It may hold what the states were given: it is for its owner's eyes alone.
    """
    if path is None:
        with stdout() as out:
            yield out
        return
    from sfnwatch.recording.whole import whole_file

    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
        raise UsageError(msg) from error


COMMANDS = (export, explain, compare, redact)
