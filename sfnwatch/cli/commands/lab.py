"""The command that prints a template of an experiment to watch.

The rule by which Step Functions learns of a task's end is not in the stack. Step
Functions makes it when a `.sync` machine is made, one for the account and Region. Both
roles must be allowed to make it.
"""

import json
from typing import Any

import click

from sfnwatch.cli.commands.setup_queue import queue_template
from sfnwatch.cli.narration import put_json
from sfnwatch.cli.settable_option import flag
from sfnwatch.templates import read_template


@click.command()
@flag("--with-queue", "With what --queue needs; takes a trail.")
def lab(*, with_queue: bool) -> None:
    """Print a CloudFormation template of an experiment; nothing is applied.

    A Fargate task that sleeps for five minutes, and four state machines that run it in
    as many ways: see which calls each makes, and how Step Functions learns that the
    task has stopped. It costs nothing while nothing runs; each execution far below one
    US cent.

    \b
    sfnwatch lab > lab.json
    aws cloudformation deploy --stack-name sfnwatch-lab \\
      --template-file lab.json --capabilities CAPABILITY_IAM
    aws cloudformation describe-stacks --stack-name sfnwatch-lab \\
      --query 'Stacks[0].Outputs'
    aws stepfunctions start-execution --state-machine-arn ARN   # of each
    sfnwatch ARN ARN ARN ARN                                    # of all four
    aws cloudformation delete-stack --stack-name sfnwatch-lab   # when no task runs
    """
    template: dict[str, Any] = json.loads(read_template("lab.json"))
    if with_queue:
        for section, entries in queue_template(["ecs.amazonaws.com"]).items():
            if isinstance(entries, dict):
                template[section] |= entries
    put_json(template)
