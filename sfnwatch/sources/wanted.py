"""What of calls is wanted, once all is decided. It imports no SDK: options make it."""

from collections.abc import Iterable

from msgspec import Struct

from sfnwatch.sources.allowed import Feature
from sfnwatch.trace.arns import ExecutionArn


class Following(Struct, frozen=True):
    """How far what an execution begins is followed."""

    depth: int = 3
    """How many executions deep; 0: not at all."""
    children: int = 10
    """How many of a Map Run's executions are read by themselves: so many that failed,
    and so many others. The rest is counted and listed, and read when it is asked for.
    """


class TrailOptions(Struct, frozen=True):
    """In which ways calls come."""

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

    @property
    def features(self) -> tuple[Feature, ...]:
        """What must be allowed for these ways, beyond every watch's."""
        bucket = (self.archive or "").lower().startswith("s3://")
        wanted = {
            Feature.QUEUE: self.queue is not None,
            Feature.CONSUME: self.queue is not None and self.consume,
            Feature.LOG_GROUP: self.log_group is not None,
            Feature.LIVE_TAIL: self.log_group is not None and self.live_tail,
            Feature.ARCHIVE: bucket,
            Feature.ATHENA: self.athena is not None,
            Feature.LAKE: self.lake is not None,
        }
        return tuple(feature for feature, is_wanted in wanted.items() if is_wanted)


def features_of(
    arns: Iterable[ExecutionArn],
    trail: TrailOptions,
    following: Following | None = None,
) -> list[Feature]:
    """Say what a watch of executions must be allowed, beyond every watch's."""
    wanted = {
        Feature.EXPRESS: any(arn.is_express for arn in arns),
        Feature.CHILDREN: following is not None and following.depth > 0,
    }
    return [*trail.features, *(f for f, is_wanted in wanted.items() if is_wanted)]
