"""What the payloads of an attempt's own events tell: ids, and when its job stopped.

From those events only: what a state was given and what it passed on carry the ids of
earlier states.
"""

import re
from datetime import datetime
from typing import Any

from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Integration
from sfnwatch.trace.payload import mapping_of, parse_json, text_of, values_at
from sfnwatch.trace.times import maybe_time

_REQUEST_ID = re.compile(r"(?<!Extended )Request ID: ([^;,)\s]+)")
_REQUEST_ID_HEADER = "x-amzn-requestid"


class Told:
    """The output or the cause of one event, each parsed once, if it is asked for."""

    def __init__(self, event: HistoryEvent) -> None:
        self._cause = event.detail("cause")
        self._output = parse_json(event.details.get("output"))

    def request_ids(self) -> tuple[str, ...]:
        """Find the id AWS gave the action call; SDK integrations hide it in success."""
        if self._cause:
            return tuple(_REQUEST_ID.findall(self._cause))
        output = mapping_of(self._output)
        metadata = mapping_of(output.get("SdkResponseMetadata"))
        http = mapping_of(output.get("SdkHttpMetadata"))
        found = [metadata.get("RequestId")] if metadata else []
        if http:
            headers = mapping_of(http.get("HttpHeaders")).items()
            found += [v for key, v in headers if key.lower() == _REQUEST_ID_HEADER]
        return tuple(value for value in map(text_of, found) if value)

    def resource_ids(self, row: Integration | None) -> tuple[str, ...]:
        """Find the job's id, as the integration's row says where it lies."""
        if row is None or not row.id_paths:
            return ()
        body = self._body()
        return tuple(value for path in row.id_paths for value in values_at(body, path))

    def stopped_at(self, row: Integration | None) -> datetime | None:
        """When the job stopped by its own clock, as the row says where."""
        if row is None or row.stop_key is None:
            return None
        stopped = mapping_of(self._body()).get(row.stop_key)
        return maybe_time(stopped) if isinstance(stopped, int | float) else None

    def _body(self) -> Any:
        """The cause of a failed job is often the job itself, as JSON."""
        return self._output or parse_json(self._cause)
