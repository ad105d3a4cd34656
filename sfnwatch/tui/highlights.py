"""Lines that have just come: they are highlighted for a short time."""

from typing import NamedTuple

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.view.line import Line

EVENT_SECONDS = 1.2
"""Seconds for which a new event is highlighted."""
CALL_SECONDS = 4.0
"""Seconds for which a new call is highlighted: it may say how late it is."""
SLIDE_SECONDS = 0.35
"""Seconds in which a late call slides into its place."""
_FADE_STEP_SECONDS = 0.2
"""Least seconds between two steps of fading."""
FRAME_SECONDS = 1 / 24
"""Seconds of one frame of sliding."""


class Highlight(NamedTuple):
    """Until when a new line is highlighted, and until when it slides in."""

    until: float
    slides_until: float = 0.0

    def is_fading(self, now: float) -> bool:
        return self.until - now < CALL_SECONDS / 2

    def away(self, now: float) -> float:
        """Return how far it is from its place, from 1 to 0: fast, then slow."""
        return max(0.0, (self.slides_until - now) / SLIDE_SECONDS) ** 2


class Highlights:
    """The highlights of lines, by the keys of events and calls."""

    def __init__(self) -> None:
        self._by_key: dict[str, Highlight] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def of(self, line: Line) -> Highlight | None:
        return self._by_key.get(line.call_key) or self._by_key.get(line.key)

    def add_event(self, event: HistoryEvent, now: float) -> None:
        self._by_key[event.key] = Highlight(now + EVENT_SECONDS)

    def add_call(self, call: ApiCall, now: float, *, slides: bool) -> None:
        slides_until = now + SLIDE_SECONDS if slides else 0.0
        self._by_key[call.key] = Highlight(now + CALL_SECONDS, slides_until)

    def end(self, now: float) -> None:
        """End the highlights that have lasted for long enough."""
        for key, highlight in list(self._by_key.items()):
            if highlight.until <= now:
                del self._by_key[key]

    def step_seconds(self, now: float) -> float:
        """Return the seconds after which the highlights look different."""
        for highlight in self._by_key.values():
            if highlight.slides_until > now:
                return FRAME_SECONDS
        return _FADE_STEP_SECONDS
