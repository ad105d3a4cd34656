"""What may be asked of AWS: nothing else leaves the process.

Nothing that is asked changes an account. What every watch asks comes first. The rest is
asked only with the option it is for, and only then can it be sent at all. The one
operation that takes something away, deleting a queue's message that was read, has an
option of its own.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.model.own_requests import Operation

ALLOW_HTTP = "SFNWATCH_ALLOW_HTTP"
"""Set to 1 where an endpoint of one's own network has no TLS."""


class NotAllowedError(RuntimeError):
    """An operation was to be sent that must not be: a bug, which no retry mends.

    No PermissionError: those are the network's, and worth another try.
    """


class Feature(StrEnum):
    """What a watch may be asked for beyond an execution and LookupEvents."""

    CHILDREN = "children"
    """What executions start: the Map Runs, which histories hardly tell of."""
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
    IDENTITY = "identity"
    """Asking whose the credentials are; everybody may."""


class Grant(Struct, frozen=True):
    """Operations that are granted together: a statement of an IAM policy."""

    sid: str
    service: str
    """The IAM prefix."""
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    feature: Feature | None = None
    """What it is for; None: every watch."""

    def statement(self) -> dict[str, Any]:
        actions = [action_of(f"{self.service}:{name}") for name in self.operations]
        resources = list(self.resources)
        named = resources if len(resources) > 1 else resources[0]
        granted = {"Action": actions, "Resource": named}
        return {"Sid": self.sid, "Effect": "Allow", **granted}


_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}
"""Operations to IAM's names for them, where those are other words."""
_EVERYTHING = ("*",)
"""LookupEvents and ListStateMachines know no other resource."""
_EXECUTIONS = ("arn:aws:states:*:*:execution:*:*",)
_MACHINES = ("arn:aws:states:*:*:stateMachine:*",)
_MAP_RUNS = ("arn:aws:states:*:*:mapRun:*/*:*",)
_LOG_GROUPS = ("arn:aws:logs:*:*:log-group:*",)
_QUEUES = ("arn:aws:sqs:*:*:*",)
_BUCKETS = ("arn:aws:s3:::*",)
_OBJECTS = ("arn:aws:s3:::*/*",)
_WORKGROUPS = ("arn:aws:athena:*:*:workgroup/*",)
_STORES = ("arn:aws:cloudtrail:*:*:eventdatastore/*",)

_HISTORY = (
    "DescribeExecution",
    "DescribeStateMachineForExecution",
    "GetExecutionHistory",
)
_CHILDREN = ("DescribeMapRun", "ListExecutions")
_START = ("DescribeStateMachine", "ListExecutions")
_ATHENA = (
    "GetQueryExecution",
    "GetQueryResults",
    "StartQueryExecution",
    "StopQueryExecution",
)
_LAKE = ("CancelQuery", "GetQueryResults", "StartQuery")

GRANTS: tuple[Grant, ...] = (
    Grant("History", "states", _HISTORY, _EXECUTIONS),
    # Whose calls those may be that no id matches: who else ran on the state machine.
    Grant("Others", "states", ("ListExecutions",), _MACHINES),
    # What a Map Run's history does not tell: its counts, and which executions it ran.
    Grant("Children", "states", _CHILDREN, _MAP_RUNS, Feature.CHILDREN),
    Grant("Trail", "cloudtrail", ("LookupEvents",), _EVERYTHING),
    Grant("Machines", "states", ("ListStateMachines",), _EVERYTHING, Feature.START),
    Grant("Executions", "states", _START, _MACHINES + _MAP_RUNS, Feature.START),
    Grant("MapRuns", "states", ("ListMapRuns",), _EXECUTIONS, Feature.START),
    Grant("ExpressMachine", "states", _START[:1], _MACHINES, Feature.EXPRESS),
    Grant("ExpressLogs", "logs", ("FilterLogEvents",), _LOG_GROUPS, Feature.EXPRESS),
    Grant("Queue", "sqs", ("ReceiveMessage",), _QUEUES, Feature.QUEUE),
    Grant("QueueConsume", "sqs", ("DeleteMessageBatch",), _QUEUES, Feature.CONSUME),
    Grant("TrailLogs", "logs", ("FilterLogEvents",), _LOG_GROUPS, Feature.LOG_GROUP),
    Grant("TrailLiveTail", "logs", ("StartLiveTail",), _LOG_GROUPS, Feature.LIVE_TAIL),
    Grant("ArchiveList", "s3", ("ListObjectsV2",), _BUCKETS, Feature.ARCHIVE),
    Grant("ArchiveRead", "s3", ("GetObject",), _OBJECTS, Feature.ARCHIVE),
    Grant("Athena", "athena", _ATHENA, _WORKGROUPS, Feature.ATHENA),
    Grant("Lake", "cloudtrail", _LAKE, _STORES, Feature.LAKE),
    Grant("Identity", "sts", ("GetCallerIdentity",), _EVERYTHING, Feature.IDENTITY),
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
    return _ACTIONS.get(operation, operation)


def policy_command(operation: str) -> str:
    """Give the command that prints the least policy with an operation in it."""
    service, _, name = operation.partition(":")
    found = [g for g in GRANTS if g.service == service and name in g.operations]
    # Of several the last one grants as much as those before it.
    feature = found[-1].feature if found else None
    if feature is None or feature in DEFAULT:
        return "sfnwatch iam-policy"
    return f"sfnwatch iam-policy --with {feature}"


SIGN_IN: frozenset[Operation] = frozenset(
    {
        ("signin", "CreateOAuth2Token"),
        ("sso", "GetRoleCredentials"),
        ("sso-oidc", "CreateToken"),
        ("sts", "AssumeRole"),
        ("sts", "AssumeRoleWithWebIdentity"),
    }
)
"""What is asked for credentials, where a profile or the environment says so; no policy
for a watch grants it."""
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
