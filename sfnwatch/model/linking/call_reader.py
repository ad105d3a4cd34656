"""The part of a trace that the linker reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import Details
from sfnwatch.model.records import Record


class CallReader(Protocol):
    """Reads calls, events and what is known of other executions."""

    @property
    def calls(self) -> Mapping[str, ApiCall]:
        """The calls by event id, without those that proved duplicates."""

    def cloudtrail_record(self, call: ApiCall) -> Record:
        """Return the CloudTrail record of a call."""

    def event_details(self, execution_arn: str, event_id: int) -> Details:
        """Return the details of an event; empty where there is no such event."""

    def count_others(
        self, execution_arn: str, begin: datetime, end: datetime | None
    ) -> int | None:
        """Count the machine's executions that are not watched, as `ExecutionLists`."""

    def has_children(self) -> bool:
        """True if an execution here is known to have started another one."""
