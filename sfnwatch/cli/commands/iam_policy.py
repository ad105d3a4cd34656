"""The command that prints the IAM policy of a watch."""

import click

from sfnwatch.cli.narration import put_json
from sfnwatch.cli.parameter_types import CommaChoice
from sfnwatch.cli.settable_option import option
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.permissions import iam_policy as policy


@click.command("iam-policy")
@option(
    "--with OPTION",
    f"Also for this option: {', '.join(Feature)}.",
    dest="features",
    multiple=True,
    type=CommaChoice([*map(str, Feature)]),
)
def iam_policy(features: tuple[str, ...]) -> None:
    """Print the minimal IAM policy for watching; all of it only reads.

    What --with adds may do more: `consume` deletes messages that were read. The
    resources are wide: narrow them to your queue, bucket, log group, table.

    \b
    sfnwatch iam-policy > policy.json
    sfnwatch iam-policy --with queue --with start
    """
    put_json(policy([Feature(name) for name in features]))
