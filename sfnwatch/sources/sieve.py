"""Of all the calls that come by: those that concern the executions, each once.

What is read once and then gone, a queue's message or a page of a log, may concern an
execution whose role is not known yet: a role that a state's input names is known only
when its task is scheduled, and the calls of an execution long over may come before its
history is read. So what Step Functions made for somebody is held back, and looked at
again when a role becomes known.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.history import DecodeError

_MOST = 20_000
"""Calls for others that are held back at most; beyond, the oldest are let go."""


class Sieve:
    """Keeps what concerns the executions, and holds what yet may."""

    def __init__(self, subjects: Subjects, most: int = _MOST) -> None:
        self._subjects, self._most = subjects, most
        self._handed: set[str] = set()
        """The event ids of what was kept."""
        self._held: OrderedDict[str, Received] = OrderedDict()
        self._roles: frozenset[str] = frozenset()

    def take(self, records: Iterable[Received]) -> Batch:
        """Give what is to be handed on: of these, and of those held back before.

        What can't be decoded is handed on as such: nothing is dropped unseen.
        """
        kept = self._again()
        for received in records:
            try:
                call = decode_call(received)
            except DecodeError:
                kept.append(replace(received, source=From.UNREAD))
                continue
            if self._is_kept(call):
                kept.append(received)
            elif call.by_step_functions and call.event_id not in self._handed:
                self._hold(call.event_id, received)
        return tuple(kept)

    def _is_kept(self, call: ApiCall) -> bool:
        if call.event_id in self._handed or not self._subjects.concerns(call):
            return False
        self._handed.add(call.event_id)
        self._held.pop(call.event_id, None)
        return True

    def _hold(self, event_id: str, received: Received) -> None:
        self._held[event_id] = received
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def _again(self) -> list[Received]:
        """Look anew at what was held back, if a role has become known."""
        roles = self._subjects.roles
        if roles == self._roles:
            return []
        self._roles = roles
        held, self._held = self._held, OrderedDict()
        kept = []
        for event_id, received in held.items():
            if self._is_kept(decode_call(received)):
                kept.append(received)
            else:
                self._held[event_id] = received
        return kept
