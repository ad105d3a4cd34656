"""The options of a watch, once everything is decided."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.model.arns import ExecutionArn
from sfnwatch.sources.permissions import Feature


class ChildOptions(Struct, frozen=True):
    """How far the executions that an execution starts are followed."""

    depth: int = 3
    """The number of levels to follow; 0 follows none."""
    children: int = 10
    """The number of a Map Run's executions to read in full: this many that failed, and
    this many others. The rest are counted and listed, and read on request."""


class CallOptions(Struct, frozen=True):
    """The sources that calls come from."""

    lookup: bool = True
    """False if LookupEvents of the execution's account is not to be asked."""
    profiles: tuple[str, ...] = ()
    """Profiles of other accounts that get calls: LookupEvents is asked there too."""
    queue: str | None = None
    """The URL of an SQS queue that EventBridge feeds."""
    consume: bool = False
    """True if the queue's messages may be deleted once they are read."""
    log_group: str | None = None
    """The name or the ARN of a log group that a trail delivers to."""
    live_tail: bool = False
    """True if the log group is also to be followed live, which costs by the minute."""
    archive: str | None = None
    """A trail's files: a folder, or `s3://BUCKET/PREFIX`."""
    sql: bool = False
    """True if DuckDB is to search a folder's files."""
    athena: str | None = None
    """A table over a trail: `DATABASE.TABLE`."""
    athena_partitions: tuple[str, ...] | None = None
    """The table's partition columns, if they are not those of `athena-ddl`."""
    athena_workgroup: str | None = None
    athena_output: str | None = None
    """The `s3://` place for results, if the workgroup names none."""
    lake: str | None = None
    """The ARN of an event data store of CloudTrail Lake."""
    express_log_group: str | None = None
    """The log group to read Express executions from, if not the state machine's own."""
    look_back: float = 24 * 3600.0
    """How many seconds before now an Express execution is looked for."""


class LiveOptions(Struct, frozen=True):
    """How executions are watched."""

    calls: CallOptions = CallOptions()
    children: ChildOptions = ChildOptions()
    drain: float = 15 * 60.0
    """Seconds to go on asking for calls after the end."""
    tries: int | None = 5
    """The number of tries to reach AWS at all. None: without end, as for a screen."""
    outlasts_throttling: bool = False
    """True if an overloaded service is tried for as long as it takes."""
    follow_redrive: bool = False
    """True if an execution that has failed is watched for a redrive."""


def features_of(arns: Iterable[ExecutionArn], options: LiveOptions) -> list[Feature]:
    """Return the features that a watch of executions needs permissions for.

    What every watch needs is not among them.
    """
    calls = options.calls
    features: list[Feature] = []
    if calls.queue is not None:
        features.append(Feature.QUEUE)
        if calls.consume:
            features.append(Feature.CONSUME)
    if calls.log_group is not None:
        features.append(Feature.LOG_GROUP)
        if calls.live_tail:
            features.append(Feature.LIVE_TAIL)
    if calls.archive is not None and calls.archive.lower().startswith("s3://"):
        features.append(Feature.ARCHIVE)
    if calls.athena is not None:
        features.append(Feature.ATHENA)
    if calls.lake is not None:
        features.append(Feature.LAKE)
    if any(arn.is_express for arn in arns):
        features.append(Feature.EXPRESS)
    if options.children.depth > 0:
        features.append(Feature.CHILDREN)
    return features
