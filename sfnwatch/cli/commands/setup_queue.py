"""The command that prints a template of the queue that --queue reads.

A rule gets calls that only read only if its state is
ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS; such a call is the DescribeTasks by
which Step Functions polls. Whatever the rule's state, there are events of API calls
only if a trail logs the calls.
"""

import json
from collections.abc import Sequence
from typing import Any

import click

from sfnwatch.cli.narration import put_json
from sfnwatch.cli.parameter_types import Parsed, matched
from sfnwatch.templates import read_template


def _event_source(name: str) -> str:
    """Return a service's full name, given with its ending or without.

    Raises ValueError.
    """
    short_name = name.lower().removesuffix(".amazonaws.com")
    matched(r"[a-z0-9.-]+", short_name)
    return f"{short_name}.amazonaws.com"


_SOURCE = Parsed(_event_source, "service with events", "ecs or ecs.amazonaws.com")


@click.command("setup-queue")
@click.argument("services", nargs=-1, type=_SOURCE, metavar="[SERVICE…]")
def setup_queue(services: tuple[str, ...]) -> None:
    """Print a CloudFormation template of what --queue needs; nothing is applied.

    A queue, and EventBridge rules that feed it with the calls Step Functions makes and
    with the states of ECS tasks. SERVICES, such as `ecs`, narrow the calls to theirs. A
    trail must be logging in the account and Region.

    \b
    sfnwatch setup-queue ecs > queue.json
    aws cloudformation deploy --stack-name sfnwatch-queue --template-file queue.json
    """
    put_json(queue_template(services))


def queue_template(services: Sequence[str] = ()) -> dict[str, Any]:
    """Return the queue's template, for the calls of some services; of all without any.

    Services are named as in CloudTrail: `ecs.amazonaws.com`.
    """
    template: dict[str, Any] = json.loads(read_template("queue.json"))
    if services:
        pattern = template["Resources"]["CallsRule"]["Properties"]["EventPattern"]
        pattern["detail"]["eventSource"] = list(dict.fromkeys(services))
    return template
