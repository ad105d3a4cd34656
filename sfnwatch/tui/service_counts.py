"""How many of the shown calls went to which service."""

from collections import Counter
from collections.abc import Mapping

from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.trace import Changed, Trace
from sfnwatch.view.outline import TASKS

_MOST_CALLS_TO_RECOUNT = 5_000
"""With more calls than these, all of them are counted, whichever moment is shown."""


class ServiceCounts:
    """Counts the calls that have a line, by service; each call once."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._counts: Counter[str] = Counter()
        self._counted: set[str] = set()
        """The event ids of the counted calls."""

    def update(self, changed: Changed) -> None:
        """Count the calls that have a line now, and had none before."""
        snapshot = self._trace.as_of()
        for event_id in (*changed.calls, *changed.links):
            call = self._trace.calls.get(event_id)
            if call is None or event_id in self._counted:
                continue
            if snapshot.is_relevant(call):
                self._counted.add(event_id)
                self._counts[call.event_source] += 1

    def as_of(self, snapshot: Snapshot) -> Mapping[str, int]:
        """Return the number of shown calls by event source, and of ECS's changes."""
        counts = self._counts
        if snapshot.at is not None and len(self._trace.calls) <= _MOST_CALLS_TO_RECOUNT:
            calls = filter(snapshot.is_relevant, snapshot.calls)
            counts = Counter(call.event_source for call in calls)
        services = dict(sorted(counts.items()))
        changes = sum(map(len, snapshot.task_states.values()))
        if changes:
            services[TASKS] = changes
        return services
