"""What this tool may ask of AWS, in one place: nothing that changes an account.

What every watch asks comes first. The rest is asked only with the option it is for,
and only then can it be sent at all. The one operation that takes something away,
deleting a queue's message that was read, has an option of its own.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.trace.budget import Operation


class NotAllowedError(RuntimeError):
    """An operation was to be sent that must not be: a mistake of ours, and no trouble.

    No PermissionError: those are the network's, and worth another try.
    """


class Feature(StrEnum):
    """What a watch may be asked for beyond an execution and LookupEvents."""

    CHILDREN = "children"
    """What executions begin: the Map Runs, which histories hardly tell of."""
    START = "start"
    """Finding executions: of a state machine, of a Map Run, or any."""
    EXPRESS = "express"
    """Express executions, from their log group."""
    QUEUE = "queue"
    CONSUME = "consume"
    """Deleting from the queue what was read."""
    LOG_GROUP = "log-group"
    LIVE_TAIL = "live-tail"
    """Following the log group beside reading it; paid for by the minute."""
    ARCHIVE = "archive"
    ATHENA = "athena"
    LAKE = "lake"


class Grant(Struct, frozen=True):
    """Operations that are granted together: a statement of an IAM policy."""

    sid: str
    service: str
    """The IAM prefix."""
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    feature: Feature | None = None
    """What it is for; None: every watch."""
    actions: tuple[str, ...] = ()
    """IAM's names for the operations, where they are other words."""

    def statement(self) -> dict[str, Any]:
        resources = list(self.resources)
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": [f"{self.service}:{n}" for n in self.actions or self.operations],
            "Resource": resources[0] if len(resources) == 1 else resources,
        }


_MACHINE = "arn:aws:states:*:*:stateMachine:*"
_EXECUTION = "arn:aws:states:*:*:execution:*:*"

GRANTS: tuple[Grant, ...] = (
    Grant(
        "History",
        "states",
        (
            "DescribeExecution",
            "DescribeStateMachineForExecution",
            "GetExecutionHistory",
        ),
        (_EXECUTION,),
    ),
    # What a Map Run's history does not tell: its counts, and which executions it ran.
    Grant(
        "Children",
        "states",
        ("DescribeMapRun", "ListExecutions"),
        ("arn:aws:states:*:*:mapRun:*/*:*",),
        Feature.CHILDREN,
    ),
    # LookupEvents knows no resource but `*`.
    Grant("Trail", "cloudtrail", ("LookupEvents",), ("*",)),
    Grant("Machines", "states", ("ListStateMachines",), ("*",), Feature.START),
    Grant(
        "Executions",
        "states",
        ("DescribeStateMachine", "ListExecutions"),
        (_MACHINE, "arn:aws:states:*:*:mapRun:*/*:*"),
        Feature.START,
    ),
    Grant("MapRuns", "states", ("ListMapRuns",), (_EXECUTION,), Feature.START),
    Grant(
        "ExpressMachine",
        "states",
        ("DescribeStateMachine",),
        (_MACHINE,),
        Feature.EXPRESS,
    ),
    Grant(
        "ExpressLogs",
        "logs",
        ("FilterLogEvents",),
        ("arn:aws:logs:*:*:log-group:*",),
        Feature.EXPRESS,
    ),
    Grant(
        "Queue",
        "sqs",
        ("GetQueueAttributes", "ReceiveMessage"),
        ("arn:aws:sqs:*:*:*",),
        Feature.QUEUE,
    ),
    Grant(
        "QueueConsume",
        "sqs",
        ("DeleteMessageBatch",),
        ("arn:aws:sqs:*:*:*",),
        Feature.CONSUME,
        actions=("DeleteMessage",),
    ),
    Grant(
        "TrailLogs",
        "logs",
        ("FilterLogEvents",),
        ("arn:aws:logs:*:*:log-group:*",),
        Feature.LOG_GROUP,
    ),
    Grant(
        "TrailLiveTail",
        "logs",
        ("StartLiveTail",),
        ("arn:aws:logs:*:*:log-group:*",),
        Feature.LIVE_TAIL,
    ),
    Grant(
        "ArchiveList",
        "s3",
        ("ListObjectsV2",),
        ("arn:aws:s3:::*",),
        Feature.ARCHIVE,
        actions=("ListBucket",),
    ),
    Grant("ArchiveRead", "s3", ("GetObject",), ("arn:aws:s3:::*/*",), Feature.ARCHIVE),
    Grant(
        "Athena",
        "athena",
        (
            "GetQueryExecution",
            "GetQueryResults",
            "StartQueryExecution",
            "StopQueryExecution",
        ),
        ("arn:aws:athena:*:*:workgroup/*",),
        Feature.ATHENA,
    ),
    Grant(
        "Lake",
        "cloudtrail",
        ("CancelQuery", "GetQueryResults", "StartQuery"),
        ("arn:aws:cloudtrail:*:*:eventdatastore/*",),
        Feature.LAKE,
    ),
)


def grants(features: Collection[Feature] = ()) -> tuple[Grant, ...]:
    """Give what a watch with these features needs, in the order of GRANTS."""
    return tuple(g for g in GRANTS if g.feature is None or g.feature in features)


def operations(features: Collection[Feature] = ()) -> frozenset[Operation]:
    """Name all that can be sent by a watch with these features."""
    return frozenset(
        (grant.service, name) for grant in grants(features) for name in grant.operations
    )


def action_of(operation: str) -> str:
    """Give IAM's word for an operation: `s3:ListBucket` for `s3:ListObjectsV2`."""
    service, _, name = operation.partition(":")
    for grant in GRANTS:
        if grant.service == service and grant.actions and name in grant.operations:
            return f"{service}:{grant.actions[grant.operations.index(name)]}"
    return operation


def policy_command(operation: str) -> str:
    """Give the command that prints the least policy with an operation in it."""
    service, _, name = operation.partition(":")
    found = [g for g in GRANTS if g.service == service and name in g.operations]
    all_features = [grant.feature for grant in GRANTS]
    # What is granted for more kinds of things is sure to be enough.
    found.sort(key=lambda g: (-len(g.resources), all_features.count(g.feature)))
    feature = found[0].feature if found else None
    if feature is None or feature in DEFAULT:
        return "sfnwatch iam-policy"
    return f"sfnwatch iam-policy --with {feature}"


DEFAULT = frozenset({Feature.CHILDREN})
"""What a watch does unless it is asked not to."""
ALLOWED = operations(DEFAULT)
"""Every operation that a watch sends with no option for more."""


def iam_policy(features: Collection[Feature] = ()) -> dict[str, Any]:
    """Write the least IAM policy under which a watch with these features works.

    Its statements are independent: without `Trail` the calls stay dark, and the
    states are shown all the same.
    """
    statements = [grant.statement() for grant in grants({*DEFAULT, *features})]
    return {"Version": "2012-10-17", "Statement": statements}
