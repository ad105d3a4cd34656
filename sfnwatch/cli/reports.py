"""The commands that tell of a whole: exported, explained, compared, redacted.

Executions are named as where they are watched. A file that is there is a file, whatever
its name: so a state machine's name is one only where no file has it.
"""

from functools import partial
from pathlib import Path
from typing import Any

import click

from sfnwatch.cli import completion
from sfnwatch.cli.naming import looks_like_file, named_execution
from sfnwatch.cli.options import (
    aws_options,
    each_once,
    files_argument,
    format_option,
    option,
    output_option,
    redact_option,
)
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.export import TARGETS
from sfnwatch.model.arns import Named

FORMATS = "\b\nFORMAT is one of\n" + "\n".join(
    f"  {name:<10} {target.words}" for name, target in TARGETS.items()
)
target_option = option(
    "--to",
    "target",
    type=click.Choice(list(TARGETS)),
    metavar="FORMAT",
    required=True,
    help="What to write.",
)
why_option = option(
    "--why",
    multiple=True,
    metavar="EVENT_ID",
    help="Instead, say of this call why it is matched, or is not: what speaks for and"
    " against each attempt that was considered. The beginning of its event ID will do.",
)
names_option = option(
    "--keep-state-names", is_flag=True, help="Leave the states' names."
)


def read_source(text: str) -> Path | Named:
    """Tell a file from what names an execution; raises UsageError for neither."""
    if text == "-" or _is_file(text):
        return Path(text)
    try:
        found = named_execution(text)
    except UsageError:
        if looks_like_file(text):
            return Path(text)
        raise
    if found is None:
        msg = "Neither a file nor an execution is named."
        raise UsageError(msg, hint="What is given is empty.")
    return found


def _is_file(text: str) -> bool:
    """True for what can be opened, pipes too; a folder may be called as a machine is.

    What has a NUL in it, or is too long, is no file; that is no error here.
    """
    try:
        path = Path(text)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


_sources = partial(
    click.argument,
    "sources",
    nargs=-1,
    required=True,
    shell_complete=completion.files_or_executions,
    callback=lambda _, __, texts: each_once(texts, read_source),
)


# -- the commands ----------------------------------------------------------------------


@click.command(short_help="Write a trace for other programs.", epilog=FORMATS)
@_sources(metavar="FILE…|EXECUTION…")
@target_option
@output_option
@redact_option
@aws_options
def export(
    sources: list[Path | Named], target: str, output: Path | None, **asked: Any
) -> int:
    """Write a trace for other programs, to stdout or a file.

    FILES are what `replay` takes. An EXECUTION is named as `watch` takes it, by its
    state machine too, and is watched to its end first.

    \b
    sfnwatch export run.sfnwatch.jsonl --to html -o report.html
    sfnwatch export ARN --to json | jq .calls
    """
    from sfnwatch.cli.whole import load, out_to

    found = load(sources, **asked)
    with out_to(output) as out:
        TARGETS[target].dump(found.trace.as_of(), out)
    return found.code


@click.command(short_help="Say what happened, with evidence.")
@_sources(metavar="FILE…|EXECUTION…")
@why_option
@format_option
@output_option
@redact_option
@aws_options
def explain(
    sources: list[Path | Named],
    why: tuple[str, ...],
    form: str,
    output: Path | None,
    **asked: Any,
) -> int:
    """Say what happened: what failed, where the time went, who called what.

    FILES are what `replay` takes; a history alone, or calls alone, will do: what isn't
    visible is said. An EXECUTION is named as `watch` takes it, by its state machine
    too, and is watched to its end first. Each finding has its evidence, and says
    whether it is a fact or an inference.

    \b
    sfnwatch explain run.sfnwatch.jsonl
    sfnwatch explain nightly-report --format markdown -o report.md
    sfnwatch explain run.sfnwatch.jsonl --why 110593b7
    """
    from sfnwatch.cli.whole import chosen_call, load, out_to, write_report, write_why

    found = load(sources, **asked)
    chosen = (chosen_call(found, text) for text in why)
    calls = list({call.event_id: call for call in chosen}.values())
    with out_to(output) as out:
        if calls:
            write_why(found.trace, calls, form, out)
        else:
            write_report(found.trace, form, out)
    return found.code


@click.command(short_help="Say how two executions differ.")
@_sources(metavar="A B")
@option(
    "--execution",
    "names",
    multiple=True,
    metavar="NAME",
    help="One of those in the files, by its name or a part of its ARN; give two.",
)
@format_option
@output_option
@aws_options
def compare(
    sources: list[Path | Named],
    names: tuple[str, ...],
    form: str,
    output: Path | None,
    **asked: Any,
) -> int:
    """Say how two executions differ: states, times, attempts, calls, polls.

    A and B are files as `replay` takes them, or executions as `watch` takes them,
    which are watched to their ends first. Where there are more than two executions in
    them, --execution chooses.

    \b
    sfnwatch compare monday.sfnwatch.jsonl tuesday.sfnwatch.jsonl
    sfnwatch compare three-ways.sfnwatch.jsonl --execution sync --execution denied
    """
    from sfnwatch.cli.whole import chosen_pair, load, out_to, write_comparison

    found = load(sources, **asked)
    a, b = chosen_pair(found, names)
    with out_to(output) as out:
        write_comparison(found.trace, a, b, form, out)
    return Outcome.SUCCEEDED


@click.command(short_help="Make a recording that is safe to share.")
@files_argument
@output_option
@names_option
def redact(files: list[Path], output: Path | None, *, keep_state_names: bool) -> int:
    """Make a recording that is safe to share: what happened, and not to whom.

    FILES are what `replay` takes. Account IDs, ARNs, names, addresses, keys, inputs and
    outputs are replaced by aliases, the same for the same original, so calls still
    match their states. Times, Regions and AWS's own words stay.

    \b
    sfnwatch redact run.sfnwatch.jsonl -o shared.sfnwatch.jsonl
    sfnwatch redact history.json calls.json --keep-state-names > shared.jsonl
    """
    from sfnwatch.cli.whole import write_redacted

    write_redacted(files, output, keep_state_names=keep_state_names)
    return Outcome.SUCCEEDED


COMMANDS = (export, explain, compare, redact)
