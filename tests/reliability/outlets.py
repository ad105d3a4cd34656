"""Every way in which a file leaves the program as text, in one table."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import click

from sfnwatch.cli.main import cli
from tests import builders as aws
from tests.cli.programs import Ended, Program
from tests.recording.files import record


def _formats(command: str, option: str) -> list[str]:
    """List what an option of a command may be."""
    given = cli.get_command(click.Context(cli), command)
    assert given is not None
    (found,) = [each for each in given.params if option in each.opts]
    assert isinstance(found.type, click.Choice)
    return list(found.type.choices)


OUTLETS = {
    "--plain": "replay {} --plain --no-record",
    "--json": "replay {} --json --no-record",
    **{name: f"export {{}} --to {name}" for name in _formats("export", "--to")},
    **{
        f"{command} {form}": f"{command} {words} --format {form}"
        for command, words in (("explain", "{}"), ("compare", "{} OTHER"))
        for form in _formats(command, "--format")
    },
    "redacted": "redact {}",
}
"""By name the command line; `OTHER` is a recording to compare with."""
JSON = {"json", "--json", "otlp", "explain json", "compare json", "redacted"}
"""Written in ASCII alone; what Perfetto is given is cleaned instead."""


def another(folder: Path) -> Path:
    """Record an execution to compare others with."""
    records = [*aws.sync_history(aws.OTHER_ARN), aws.describe(arn=aws.OTHER_ARN)]
    return record(folder / "other.jsonl", records, arns=[aws.OTHER_ARN])


def written(program: Program, path: Path, other: Path) -> Iterator[tuple[str, Ended]]:
    """Give what each outlet makes of a recording."""
    for name, line in OUTLETS.items():
        places = {"{}": str(path), "OTHER": str(other)}
        yield name, program(*(places.get(word, word) for word in line.split()))


def leaks(name: str, text: str) -> list[str]:
    """Name what a terminal, a page or a parser could act on."""
    # A CSV's lines end with both, as its RFC says.
    allowed = "\n\r" if name == "csv" else "\n"
    return sorted(
        f"U+{ord(c):04X}"
        for c in set(text) - set(allowed)
        if not c.isprintable() and unicodedata.category(c) != "Zs"
    )


def acts(ended: Ended, name: str = "stdout") -> list[str]:
    """Name what a terminal could act on, on either stream; a forged line, too."""
    found = leaks(name, ended.out) + leaks("stderr", ended.err)
    forged = "\nsfnwatch: forged" in ended.err or "Traceback" in ended.err
    return [*found, ended.err] if forged else found
