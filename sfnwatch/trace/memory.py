"""What was made of records, to be had again: looking back must not make it anew.

The records of a recording are read at one moment after another, forwards and back.
What is decoded of one is the very same each time, and the visits of a history at a
moment share all that did not change with those at another: whatever is made of them
can tell by that what is to be made anew.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sfnwatch.trace.events import Received
from sfnwatch.trace.growing import Growing
from sfnwatch.trace.rewinding import Rewinding

_T = TypeVar("_T")


class Memory:
    """Remembers nothing: for what only grows."""

    def growing(self, execution_arn: str) -> Growing:
        """Give what the visits of a history are to be worked out with."""
        del execution_arn
        return Growing()

    def decoded(self, received: Received, decode: Callable[[Received], _T]) -> _T:
        """Decode a record; raises DecodeError for one that can't be."""
        return decode(received)


class Remembering(Memory):
    """Remembers all, of records that somebody else keeps."""

    def __init__(self) -> None:
        self._growing: dict[str, Rewinding] = {}
        self._decoded: dict[int, Any] = {}
        """By which record it is: what is kept has its place in memory for good."""

    def growing(self, execution_arn: str) -> Growing:
        return self._growing.setdefault(execution_arn, Rewinding())

    def decoded(self, received: Received, decode: Callable[[Received], _T]) -> _T:
        found: _T | None = self._decoded.get(id(received))
        if found is None:
            found = self._decoded[id(received)] = decode(received)
        return found
