"""The command that makes a recording that is safe to share."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sfnwatch import __version__
from sfnwatch.cli import options
from sfnwatch.cli.narration import narrate
from sfnwatch.cli.output import output_to
from sfnwatch.cli.settable_option import flag
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import write_recording
from sfnwatch.view.anonymizer import Anonymizer, redaction_notes

names_option = flag("--keep-state-names", "Leave the states' names.")


@click.command()
@options.files_argument
@options.output_option
@names_option
def redact(files: list[Path], output: Path | None, *, keep_state_names: bool) -> None:
    """Make a recording that is safe to share: what happened, and not to whom.

    FILES are what `replay` takes. Account IDs, ARNs, names, addresses, keys, inputs and
    outputs are replaced by aliases, the same for the same original, so calls still
    match their states. Times, Regions and AWS's own words stay.

    \b
    sfnwatch redact run.sfnwatch.jsonl -o shared.sfnwatch.jsonl
    sfnwatch redact history.json calls.json --keep-state-names > shared.jsonl
    """
    recording = open_files(files)
    records = tuple(recording.records())
    anonymizer = Anonymizer.for_records(records, keep_state_names=keep_state_names)
    span = recording.span()
    if recording.created:
        created = recording.created
    elif span:
        created = span[0]
    else:
        created = datetime.fromtimestamp(0, UTC)
    executions = map(anonymizer.execution, recording.executions)
    header = new_header(created, f"sfnwatch {__version__}", executions)
    redacted = list(map(anonymizer.redact, records))
    with output_to(output) as out:
        write_recording(out, header, redacted)
    for note in redaction_notes(records, keep_state_names=keep_state_names):
        narrate(note)
