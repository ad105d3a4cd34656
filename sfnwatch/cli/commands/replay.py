"""The command that shows recordings and other files again."""

from pathlib import Path
from typing import Any

import click

from sfnwatch.cli import options
from sfnwatch.cli.show import show_files


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
