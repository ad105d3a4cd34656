"""The mechanism by which a view of a trace keeps up with new batches.

The outline, the life-lines, the marks and the moments of a playback are all derived
from a trace. Each adds the changes of a batch. Where that is not enough, it is derived
from the whole trace again.
"""

from abc import ABC, abstractmethod

from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.trace_changes import everything


class TraceFollower(ABC):
    """A view that is derived from a trace, and kept up to date."""

    def __init__(self, trace: Trace) -> None:
        """Take in all that the trace holds."""
        self._trace = trace
        self.version = 0
        """Increases with each change; a result made from an older version is stale."""
        self._rebuild()

    def update(self, changed: Changed) -> None:
        """Take in what a batch changed."""
        if self._needs_rebuild(changed):
            self._rebuild()
        else:
            self._add(changed)

    def _rebuild(self) -> None:
        """Forget everything, and add the whole trace again."""
        self.version += 1
        self._clear()
        self._add(everything(self._trace))

    def _needs_rebuild(self, changed: Changed) -> bool:
        """True where something that was added before is no longer valid."""
        return bool(changed.folded_anew or changed.dropped_calls)

    @abstractmethod
    def _clear(self) -> None:
        """Forget everything."""

    @abstractmethod
    def _add(self, changed: Changed) -> None:
        """Add the changes, and increase the version if the view changes."""
