"""An answer of DescribeExecution or DescribeStateMachineForExecution."""

from datetime import datetime

from msgspec import Struct, field

from sfnwatch.model.execution_list import RUNNING
from sfnwatch.model.records import RecordKind
from sfnwatch.model.times import stamp


class DescribeAnswer(Struct, frozen=True, rename="camel"):
    """One answer about an execution; `kind` shows which operation gave it."""

    kind: str
    seen_at: datetime | None = None
    number: int = -1
    """The number of its record in the store."""
    status: str | None = None
    redrive_count: int | None = None
    started_at: datetime | None = field(default=None, name="startDate")
    stopped_at: datetime | None = field(default=None, name="stopDate")
    redriven_at: datetime | None = field(default=None, name="redriveDate")
    updated_at: datetime | None = field(default=None, name="updateDate")
    error: str | None = None
    cause: str | None = None
    definition: str | None = None
    role_arn: str | None = None
    state_machine_arn: str | None = None
    map_run_arn: str | None = None
    log_level: str | None = None
    """What the state machine logs: ALL, ERROR, FATAL or OFF."""

    @property
    def order(self) -> tuple[float, ...]:
        """A sort key: when the answer was seen, then how far the execution had come.

        In files, nothing shows when an answer was seen.
        """
        redrives = self.redrive_count or 0
        is_ended = self.status not in RUNNING
        changed_at = self.stopped_at or self.updated_at
        return stamp(self.seen_at), redrives, is_ended, stamp(changed_at)

    @property
    def since(self) -> datetime | None:
        """When the execution came to be as described; None if it always was.

        A definition does not change, so it has None. For DescribeExecution it is the
        time of the stop, or of the last redrive, or else of the start. The answer
        itself may have been seen long after, if the watch began later.
        """
        if self.kind != RecordKind.DESCRIBE:
            return None
        resumed_at = self.redriven_at
        if resumed_at is None and self.redrive_count:
            # The answer lacks the redrive's time, so the time it was seen is used.
            resumed_at = self.seen_at
        return self.stopped_at or resumed_at or self.started_at
