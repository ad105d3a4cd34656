"""The mechanism by which a view of a trace keeps up with what comes in.

The outline, the life-lines, the marks and the moments of a playback are all worked out
from a trace. Each adds what a batch brought to what it has and, where that is not
enough, works everything out again.
"""

from abc import ABC, abstractmethod

from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.trace_changes import everything


class TraceFollower(ABC):
    """Something that is worked out from a trace, and kept up to date."""

    def __init__(self, trace: Trace) -> None:
        """Take in all that the trace holds."""
        self._trace = trace
        self.version = 0
        """Increases with each change: what was made of an older version is stale."""
        self._rebuild()

    def update(self, changed: Changed) -> None:
        """Take in what a batch changed."""
        if self._needs_rebuild(changed):
            self._rebuild()
        else:
            self._add(changed)

    def _rebuild(self) -> None:
        """Forget everything, and take it in again."""
        self.version += 1
        self._clear()
        self._add(everything(self._trace))

    def _needs_rebuild(self, changed: Changed) -> bool:
        """True where something that was taken in before is not valid any more."""
        return bool(changed.folded_anew or changed.dropped_calls)

    @abstractmethod
    def _clear(self) -> None:
        """Forget everything."""

    @abstractmethod
    def _add(self, changed: Changed) -> None:
        """Add what is new, and increase the version if anything is."""
