"""When the watched executions have ended, told once."""

from datetime import UTC, datetime, timedelta

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.tui.screen_state import ScreenState

_NEVER = datetime.max.replace(tzinfo=UTC)
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_SAME_END = timedelta(seconds=1)
"""DescribeExecution and the history give slightly different times for one end."""


class NewEnds:
    """Notices each time that all watched executions have ended."""

    def __init__(self, screen_state: ScreenState) -> None:
        self._screen_state = screen_state
        self._over_since: datetime | None = _NEVER
        """When the last execution ended; None while one runs. It begins as the latest
        possible time: an end from before the watch then counts as old news."""

    def take(self) -> ExecutionAsOf | None:
        """Return the execution that ended last, once each time that all have ended.

        Otherwise None: also in a recording, and for an end from before the watch. A
        redriven execution ends once more, and may do so between two calls of this.
        """
        roots = self._screen_state.roots
        if not roots or self._screen_state.playback.replay:
            return None
        before = self._over_since
        if any(execution.running for execution in roots):
            self._over_since = None
            return None
        last = max(roots, key=_ended_at)
        over_since = _ended_at(last)
        self._over_since = over_since
        is_new = before is None or over_since - before > _SAME_END
        return last if is_new else None


def _ended_at(execution: ExecutionAsOf) -> datetime:
    return execution.stopped_at or _UNKNOWN
