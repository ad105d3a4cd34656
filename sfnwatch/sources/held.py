"""Calls of others that are held back, since they may turn out to be the executions'.

There may be very many: so they are packed, and only so much is held. Parsed, 20,000
records of 1.4 to 3.4 KB took 170 to 310 MB; packed it is 45 to 85 MB, and no more than
`ROOM` of text. Of each is kept unpacked what tells whose it is, and when.
"""

import json
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import Received
from sfnwatch.trace.values import replace

MOST = 20_000
"""Calls that are held at most; beyond, the oldest are let go."""
ROOM = 64 << 20
"""Bytes of text that are held at most, which is less for large records."""


class _Packed(Struct, frozen=True):
    call: ApiCall
    received: Received
    """Without its data, where there is a text of it."""
    text: bytes | None
    """The data as JSON; None where it is nested too deep to be written."""

    @property
    def size(self) -> int:
        return len(self.text or b"")

    def unpacked(self) -> Received:
        if self.text is None:
            return self.received
        return replace(self.received, data=json.loads(self.text))


class Held:
    """Holds calls, each once."""

    def __init__(self, most: int = MOST, room: int = ROOM) -> None:
        self._most, self._room = most, room
        self._each: OrderedDict[str, _Packed] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._each)

    def add(self, call: ApiCall, received: Received) -> None:
        """Hold a call; if that is too many, or too much, let the oldest go."""
        self.drop(call.event_id)
        packed = _packed(call, received)
        self._each[call.event_id] = packed
        self._size += packed.size
        while len(self._each) > self._most or self._size > self._room:
            self.drop(next(iter(self._each)))

    def drop(self, event_id: str) -> None:
        packed = self._each.pop(event_id, None)
        if packed is not None:
            self._size -= packed.size

    def take(self, wanted: Callable[[ApiCall], bool]) -> list[Received]:
        """Give up those that are wanted, in the order in which they came."""
        found = [each for each in list(self._each.values()) if wanted(each.call)]
        for each in found:
            self.drop(each.call.event_id)
        return [each.unpacked() for each in found]


def _packed(call: ApiCall, received: Received) -> _Packed:
    try:
        text = json.dumps(dict(received.data), separators=(",", ":")).encode()
    except RecursionError:
        return _Packed(call, received, None)
    return _Packed(_slim(call), replace(received, data={}), text)


def _slim(call: ApiCall) -> ApiCall:
    """Keep of a call what tells whose it is, and when."""
    return ApiCall(
        event_id=call.event_id,
        event_time=call.event_time,
        event_source="",
        event_name="",
        role_arn=call.role_arn,
        invoked_by=call.invoked_by,
        user_agent=call.user_agent,
    )
