"""The operations that may be sent to AWS; no other leaves the process.

No operation changes an account, with one exception: deleting a queue's message that was
read, which has an option of its own. The operations of every watch come first. Every
other one belongs to an option, and can be sent only with that option.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

from msgspec import Struct

from sfnwatch.model.own_requests import Operation

ALLOW_HTTP = "SFNWATCH_ALLOW_HTTP"
"""The variable to set to 1 if an endpoint in one's own network has no TLS."""


class NotAllowedError(RuntimeError):
    """An operation that must not be sent was about to be: a bug; no retry mends it.

    It is not a PermissionError, which comes from the network and is worth another try.
    """


class Feature(StrEnum):
    """What a watch may do beyond reading an execution and asking LookupEvents."""

    CHILDREN = "children"
    """Reading the Map Runs that executions start; histories hold little of them."""
    START = "start"
    """Finding executions: of a state machine, of a Map Run, or any."""
    EXPRESS = "express"
    """Express executions, from their log group."""
    QUEUE = "queue"
    CONSUME = "consume"
    """Deleting messages from the queue once they were read."""
    LOG_GROUP = "log-group"
    LIVE_TAIL = "live-tail"
    """Following the log group in addition to reading it; paid for by the minute."""
    ARCHIVE = "archive"
    ATHENA = "athena"
    LAKE = "lake"
    IDENTITY = "identity"
    """Asking whose the credentials are; nobody is refused that."""


class Grant(Struct, frozen=True):
    """Operations that are granted together: a statement of an IAM policy."""

    sid: str
    service: str
    """The IAM prefix."""
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    feature: Feature | None = None
    """The feature that needs it; None if every watch does."""

    def statement(self) -> dict[str, Any]:
        actions = [action_of(f"{self.service}:{name}") for name in self.operations]
        statement = {"Sid": self.sid, "Effect": "Allow", "Action": actions}
        if len(self.resources) == 1:
            return {**statement, "Resource": self.resources[0]}
        return {**statement, "Resource": list(self.resources)}


_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
}
"""Operations to their IAM actions, if those have other names."""
_EVERYTHING = ("*",)
"""LookupEvents and ListStateMachines take no other resource."""
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
    # Other executions of the machine, which may have made calls that no id matches.
    Grant("Others", "states", ("ListExecutions",), _MACHINES),
    # A Map Run's counts and executions, which are not in the history.
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
    """Return the grants of a watch with these features, in the order of GRANTS."""
    wanted = {None, *features}
    return tuple(grant for grant in GRANTS if grant.feature in wanted)


def operations(features: Collection[Feature] = ()) -> frozenset[Operation]:
    """Return all operations that a watch with these features can send."""
    return frozenset(
        (grant.service, name) for grant in grants(features) for name in grant.operations
    )


def action_of(operation: str) -> str:
    """Return an operation's IAM action: `s3:ListBucket` for `s3:ListObjectsV2`."""
    return _ACTIONS.get(operation, operation)


def policy_command(operation: str) -> str:
    """Return the command that prints the smallest policy with an operation in it."""
    service, _, name = operation.partition(":")
    feature: Feature | None = None
    for grant in GRANTS:
        # If several have it, the last one grants as much as those before it.
        if grant.service == service and name in grant.operations:
            feature = grant.feature
    if feature is None or feature in DEFAULT_FEATURES:
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
"""Operations that fetch credentials, if a profile or the environment asks for that. No
policy for a watch grants them."""
DEFAULT_FEATURES = frozenset({Feature.CHILDREN})
"""The features that a watch has unless an option turns them off."""
ALLOWED = operations(DEFAULT_FEATURES)
"""Every operation that a watch sends without options for more."""


def iam_policy(features: Collection[Feature] = ()) -> dict[str, Any]:
    """Return the smallest IAM policy under which a watch with these features works.

    Its statements are independent: without `Trail` no calls are shown, but the states
    still are.
    """
    statements = [grant.statement() for grant in grants({*DEFAULT_FEATURES, *features})]
    return {"Version": "2012-10-17", "Statement": statements}
