"""Whether a batch brings more than sfnwatch's own requests."""

from msgspec.structs import replace

from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Changed


class NewsCount:
    """Counts the batches with news.

    sfnwatch's own requests are none, nor is a source whose state is the same as before.
    """

    def __init__(self) -> None:
        self.version = 0
        """The number of batches with news."""
        self._states: dict[tuple[str, str], HealthState] = {}
        """The last state of each source, by lane and source."""

    def update(self, changed: Changed) -> None:
        """Count a batch if it brings news."""
        has_other_state = False
        for health in changed.healths:
            source = (health.lane, health.source)
            if self._states.get(source) is not health.state:
                self._states[source] = health.state
                has_other_state = True
        if has_other_state or replace(changed, healths=[]) != Changed():
            self.version += 1
