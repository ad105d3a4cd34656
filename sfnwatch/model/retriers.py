"""The retriers of a state: which errors it tries again after, how often and when."""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sfnwatch.model.state_language import states_of
from sfnwatch.model.values import float_of, int_of, list_of, mapping_of, text_of

_ALL = "States.ALL"
_TASK_FAILED = "States.TaskFailed"
_NOT_IN_ALL = frozenset({"States.DataLimitExceeded", "States.Runtime"})
"""The errors that `States.ALL` does not match [documented]."""
_TIMEOUT = "States.Timeout"
"""The error that `States.TaskFailed` does not match [documented]."""
_HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
"""Whether this one is matched by `States.TaskFailed` or by `States.Timeout` is not
documented."""
_MAX_ATTEMPTS = 3
_INTERVAL_SECONDS = 1.0
_BACKOFF_RATE = 2.0
"""The defaults of a retrier [documented]."""
_MOST_RETRIES = 99_999_999
"""The most that `MaxAttempts` may be [documented]."""
_LONGEST_SECONDS = 31_622_400
"""A year: `IntervalSeconds` and `MaxDelaySeconds` are shorter [documented]."""


class Retrier(Struct, frozen=True):
    """One object of a state's `Retry`."""

    errors: tuple[str, ...]
    max_attempts: int = _MAX_ATTEMPTS
    """The number of retries, so there may be one attempt more."""
    interval_seconds: float = _INTERVAL_SECONDS
    backoff_rate: float = _BACKOFF_RATE
    max_delay_seconds: float = _LONGEST_SECONDS
    has_jitter: bool = False
    """True if the delay is chosen at random: it is at most what `delay` returns."""

    def matches(self, error: str) -> bool | None:
        """True if the retrier is for an error; None if that is not documented."""
        if error in self.errors:
            return True
        if _ALL in self.errors:
            return error not in _NOT_IN_ALL
        is_heartbeat = error == _HEARTBEAT_TIMEOUT
        if _TASK_FAILED in self.errors and error != _TIMEOUT:
            is_special = is_heartbeat or error in _NOT_IN_ALL
            return None if is_special else True
        if _TIMEOUT in self.errors and is_heartbeat:
            return None
        return False

    def delay(self, retry: int) -> float:
        """Return the seconds before a retry, whose number counts from 1."""
        try:
            growth = math.pow(self.backoff_rate, retry - 1)
        except OverflowError:
            growth = math.inf
        return min(self.interval_seconds * growth, self.max_delay_seconds)


@lru_cache(maxsize=64)
def retriers_by_state(text: str | None) -> Mapping[str, tuple[Retrier, ...]]:
    """Return the retriers of each state of a definition that has any, by its name.

    A state one of whose retriers can't be read is left out: which retrier an error
    belongs to is not known then.
    """
    retriers: dict[str, tuple[Retrier, ...]] = {}
    for name, state in states_of(text):
        written = list_of(state.get("Retry"))
        found = tuple(_readable(written))
        if found and len(found) == len(written):
            retriers[name] = found
    return retriers


def _readable(written: list[Any]) -> Iterator[Retrier]:
    for value in written:
        retrier = _retrier(mapping_of(value))
        if retrier is not None:
            yield retrier


def _retrier(fields: Mapping[str, Any]) -> Retrier | None:
    """Return a retrier; None for one with a value that AWS would not accept.

    The numbers of a redacted definition are such values.
    """
    errors = tuple(filter(None, map(text_of, list_of(fields.get("ErrorEquals")))))
    max_attempts = int_of(fields.get("MaxAttempts", _MAX_ATTEMPTS))
    interval = float_of(fields.get("IntervalSeconds", _INTERVAL_SECONDS))
    rate = float_of(fields.get("BackoffRate", _BACKOFF_RATE))
    longest = float_of(fields.get("MaxDelaySeconds", _LONGEST_SECONDS))
    if max_attempts is None or interval is None or rate is None or longest is None:
        return None
    if not errors or not 0 <= max_attempts <= _MOST_RETRIES:
        return None
    if interval <= 0 or rate < 1 or longest <= 0:
        return None
    jitter = text_of(fields.get("JitterStrategy"))
    return Retrier(
        errors,
        max_attempts,
        interval,
        rate,
        min(longest, _LONGEST_SECONDS),
        has_jitter=jitter == "FULL",
    )
