"""How late the messages of a queue are: the queue's lag, without a word too many."""

from collections.abc import Iterable
from datetime import datetime
from statistics import median

from sfnwatch.sources.queue_messages import Message

_LATEST = 20
"""Of so many messages, the newest, the lag is the median."""
_LEAST = 5.0
"""Seconds by which it must have moved to be told anew, or a quarter of it."""


class Lag:
    """Seconds from what happened until its record could be had."""

    def __init__(self) -> None:
        self._delays: list[float] = []

    def take(self, messages: Iterable[Message], now: datetime) -> None:
        delays = (message.delay(now) for message in messages)
        self._delays += [delay for delay in delays if delay is not None]
        del self._delays[:-_LATEST]

    @property
    def seconds(self) -> float | None:
        return round(median(self._delays), 1) if self._delays else None

    def is_news(self, told: float | None) -> bool:
        """True if it is worth another word, after what was told last."""
        seconds = self.seconds
        if told is None or seconds is None:
            return (told is None) != (seconds is None)
        return abs(seconds - told) >= max(_LEAST, told / 4)
