"""Calls by the ids they have: a request id, a session, or a job's bare id."""

from collections.abc import Collection, Iterable


class CallsById:
    """The event ids of calls, by the ids they have; attempts may get such an id later.

    Calls are never removed: some of them may have been dropped since.
    """

    def __init__(self) -> None:
        self._event_ids: dict[str, str | list[str]] = {}
        """A single event id, the usual case, is kept without a list."""

    def note(self, event_id: str, ids: Iterable[str]) -> None:
        """Note the ids that a call has."""
        for named in ids:
            noted = self._event_ids.setdefault(named, event_id)
            if isinstance(noted, list):
                noted.append(event_id)
            elif noted != event_id:
                self._event_ids[named] = [noted, event_id]

    def naming(self, named: str) -> Collection[str]:
        """Return the event ids of the calls that have an id."""
        event_ids = self._event_ids.get(named, ())
        return (event_ids,) if isinstance(event_ids, str) else event_ids
