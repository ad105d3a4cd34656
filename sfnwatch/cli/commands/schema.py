"""The command that prints the JSON schema of what programs are given."""

import json

import click

from sfnwatch.cli.narration import put


@click.command()
@click.argument(
    "what", type=click.Choice(["trace", "lines"]), required=False, default="trace"
)
def schema(what: str) -> None:
    """Print the JSON schema of what programs are given.

    `trace` is what `export --to json` writes, `lines` what each line of --json is. Keys
    may be added in this version, and are never renamed.

    \b
    sfnwatch schema > trace.schema.json
    sfnwatch schema lines
    """
    from sfnwatch.export.json.schema import line_schema, trace_schema

    document = trace_schema() if what == "trace" else line_schema()
    put(json.dumps(document, indent=2, ensure_ascii=False))
