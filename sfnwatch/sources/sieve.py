"""Of all the calls that come by: those that concern the executions, each once.

What is read once and then gone, a queue's message or a page of a log, may concern an
execution whose role is not known yet: a role that a state's input names is known only
when its task is scheduled, and the calls of an execution long over may come before its
history is read. So what Step Functions made for somebody is held back, and looked at
again when a role becomes known, or from when to when the executions were.
"""

from collections.abc import Iterable

from sfnwatch.sources.held import Held
from sfnwatch.sources.span import Span, is_within, span
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.history import DecodeError
from sfnwatch.trace.values import replace


class Sieve:
    """Keeps what concerns the executions, and holds what yet may."""

    def __init__(self, subjects: Subjects, held: Held | None = None) -> None:
        self._subjects = subjects
        self._handed: set[str] = set()
        """The event ids of what was kept."""
        self._held = Held() if held is None else held
        self._known: tuple[frozenset[str], Span] = (frozenset(), (None, None))
        """The roles and the time of the executions, when the last calls came."""

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
            elif self._may_be_kept(call):
                self._held.add(call, received)
        return tuple(kept)

    def _is_kept(self, call: ApiCall) -> bool:
        if call.event_id in self._handed or not self._subjects.concerns(call):
            return False
        if not is_within(call.event_time, self._known[1]):
            return False
        self._handed.add(call.event_id)
        self._held.drop(call.event_id)
        return True

    def _may_be_kept(self, call: ApiCall) -> bool:
        """True for a call that is not theirs by what is known so far."""
        concerned = call.by_step_functions or self._subjects.concerns(call)
        return concerned and call.event_id not in self._handed

    def _again(self) -> list[Received]:
        """Look anew at what was held back, if whose or when has become known."""
        known = (self._subjects.roles, span(self._subjects))
        if known == self._known:
            return []
        self._known = known
        return self._held.take(self._is_kept)
