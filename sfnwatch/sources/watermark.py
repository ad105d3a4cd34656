"""How far CloudTrail has come today: measured on the tool's own calls.

Each LookupEvents call we make is a CloudTrail record too, made at a time we know
and found again by its request id. While one of them is still missing, CloudTrail is
not complete beyond it. It is an estimate: services are delivered apart.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta

_LOST = timedelta(minutes=15)
"""A call not seen for so long no longer holds the watermark back: stragglers of an
hour have been recorded, and they say nothing of the rest."""


class Watermark:
    """The time up to which our own calls have all been delivered."""

    def __init__(self) -> None:
        self._missing: OrderedDict[str, datetime] = OrderedDict()
        self._newest_seen: datetime | None = None

    def made(self, request_id: str, at: datetime) -> None:
        """Note a call of ours that was answered."""
        self._missing[request_id] = at

    def seen(self, request_ids: Iterable[str]) -> None:
        """Note calls of ours that CloudTrail has delivered."""
        for request_id in request_ids:
            at = self._missing.pop(request_id, None)
            if at is not None:
                self._newest_seen = max(self._newest_seen or at, at)

    def complete_to(self, now: datetime) -> datetime | None:
        """Give the watermark; None until the first own call has been delivered."""
        if self._newest_seen is None:
            return None
        for request_id, at in list(self._missing.items()):
            if now - at < _LOST:
                return min(at, self._newest_seen)
            del self._missing[request_id]
        return self._newest_seen

    @property
    def oldest_missing(self) -> datetime | None:
        """Since when to look for own calls."""
        return next(iter(self._missing.values()), None)
