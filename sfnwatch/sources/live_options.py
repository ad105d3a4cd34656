"""How executions are watched, once all is decided."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.model.arns import ExecutionArn
from sfnwatch.sources.permissions import Feature


class ChildOptions(Struct, frozen=True):
    """How far what an execution starts is followed."""

    depth: int = 3
    """How many executions deep; 0: not at all."""
    children: int = 10
    """How many of a Map Run's executions are read by themselves: so many that failed,
    and so many others. The rest is counted and listed, and read when it is asked for.
    """


class CallOptions(Struct, frozen=True):
    """From which sources calls come."""

    lookup: bool = True
    """False where LookupEvents of the execution's account is not to be asked."""
    profiles: tuple[str, ...] = ()
    """Profiles of other accounts in which calls land: LookupEvents is asked there."""
    queue: str | None = None
    """The URL of an SQS queue that EventBridge feeds."""
    consume: bool = False
    """True where its messages may be deleted once they are read."""
    log_group: str | None = None
    """The name or the ARN of a log group that a trail delivers to."""
    live_tail: bool = False
    """True where that log group is to be followed too, which costs by the minute."""
    archive: str | None = None
    """A trail's files: a folder, or `s3://BUCKET/PREFIX`."""
    sql: bool = False
    """True where a folder's files are searched by DuckDB."""
    athena: str | None = None
    """A table over a trail: `DATABASE.TABLE`."""
    athena_partitions: tuple[str, ...] | None = None
    """The table's partition columns, where they are not those of `athena-ddl`."""
    athena_workgroup: str | None = None
    athena_output: str | None = None
    """The `s3://` place for results, where the workgroup names none."""
    lake: str | None = None
    """The ARN of an event data store of CloudTrail Lake."""
    express_log_group: str | None = None
    """Where Express executions are read, if not where their state machine logs."""
    look_back: float = 24 * 3600.0
    """Seconds before now in which an Express execution is looked for."""


class LiveOptions(Struct, frozen=True):
    """How executions are watched."""

    calls: CallOptions = CallOptions()
    children: ChildOptions = ChildOptions()
    drain: float = 15 * 60.0
    """Seconds to go on asking for calls after the end."""
    tries: int | None = 5
    """How often it is tried to reach AWS at all; None: for ever, as for a screen."""
    outlasts_throttling: bool = False
    """True where a service that has too much to do is tried for as long as it takes."""
    follow_redrive: bool = False
    """True where an execution that has failed is watched for a redrive."""


def features_of(arns: Iterable[ExecutionArn], options: LiveOptions) -> list[Feature]:
    """Say what a watch of executions must be allowed, beyond every watch's."""
    calls = options.calls
    bucket = (calls.archive or "").lower().startswith("s3://")
    wanted = {
        Feature.QUEUE: calls.queue is not None,
        Feature.CONSUME: calls.queue is not None and calls.consume,
        Feature.LOG_GROUP: calls.log_group is not None,
        Feature.LIVE_TAIL: calls.log_group is not None and calls.live_tail,
        Feature.ARCHIVE: bucket,
        Feature.ATHENA: calls.athena is not None,
        Feature.LAKE: calls.lake is not None,
        Feature.EXPRESS: any(arn.is_express for arn in arns),
        Feature.CHILDREN: options.children.depth > 0,
    }
    return [feature for feature, is_wanted in wanted.items() if is_wanted]
