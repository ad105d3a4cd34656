"""The command that writes a trace for other programs."""

from typing import Any

import click

from sfnwatch.cli import options
from sfnwatch.cli.loading import Source, load, sources_argument
from sfnwatch.cli.output import output_to
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.errors import UsageError
from sfnwatch.export import TARGETS

_NAME_WIDTH = max(map(len, TARGETS)) + 1
_FORMATS = [
    f"  {name:<{_NAME_WIDTH}} {target.words}" for name, target in TARGETS.items()
]
target_option = option(
    "--to FORMAT",
    "What to write.",
    dest="target",
    type=click.Choice(list(TARGETS)),
    required=True,
)
no_payloads = flag(
    "--no-payloads",
    "JSON without inputs, outputs, variables, requests and causes; its findings still"
    " say what failed and why.",
)


@click.command(epilog="\n".join(("\b", "FORMAT is one of", *_FORMATS)))
@sources_argument(required=True, metavar="FILE…|EXECUTION…")
@target_option
@no_payloads
@options.output_option
@options.redact_option
@options.aws_options
def export(
    sources: list[Source], target: str, *, no_payloads: bool, **asked: Any
) -> int:
    """Write a trace for other programs, to stdout or a file.

    FILES are what `replay` takes. An EXECUTION is named as `watch` takes it, by its
    state machine too, and is watched to its end first.

    \b
    sfnwatch export run.sfnwatch.jsonl --to html -o report.html
    sfnwatch export ARN --to json | jq .calls
    """
    dump = TARGETS[target].dump
    if no_payloads:
        if target != "json":
            msg = f"--no-payloads is for --to json, and not for --to {target}."
            raise UsageError(msg, hint="Leave it out, or use --redact.")
        from sfnwatch.export.json.trace import dump_without_payloads

        dump = dump_without_payloads
    loaded = load(sources, **asked)
    with output_to(asked["output"]) as out:
        dump(loaded.trace.as_of(), out)
    return loaded.code
