"""The choice of the records that concern the watched executions."""

from collections.abc import Iterable

from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, decode_call
from sfnwatch.model.ecs_task import TaskState, decode_task_state
from sfnwatch.model.records import Batch, DecodeError, Received, RecordKind
from sfnwatch.sources.targets import Targets, TimeSpan

ROOM = 64 << 20
"""Most bytes of records that are held back; beyond that the oldest are dropped."""


class Relevance:
    """Selects records that concern the executions, once, and holds back possible ones.

    A record that can be read only once, in a queue's message or a page of a log, may
    concern an execution whose role is not known yet. A role that a state's input names
    is known only once its task is scheduled, and the calls of an execution that is long
    over may come before its history is read. So the calls that Step Functions made are
    held back, and looked at again when another role or the executions' time becomes
    known.

    States of ECS tasks are held back too. `startedBy` does not show whose task it is:
    only `.sync` sets it, and to the same words for everybody. The histories name the
    tasks, mostly later.
    """

    def __init__(self, targets: Targets, room: int = ROOM) -> None:
        self._targets = targets
        self._room = room
        self.handed_on: set[str] = set()
        """The keys of the selected records: see `key_of`."""
        self._held: dict[str, Received] = {}
        self._size = 0
        self._known = 0, TimeSpan(), 0
        """The number of roles, the time, and the number of tasks at the last look."""

    def select(self, records: Iterable[Received]) -> Batch:
        """Return the records to hand on, also those that were held back before.

        A record that can't be decoded is handed on as UNREAD: none is dropped unseen.
        """
        selected = self._look_again()
        for received in records:
            key = key_of(received)
            if key in self.handed_on:
                continue
            try:
                if self._is_relevant(key, received):
                    selected.append(received)
                elif self._may_be_relevant(received):
                    self._hold(key, received)
            except DecodeError:
                self.handed_on.add(key)
                selected.append(replace(received, kind=RecordKind.UNREAD))
        return tuple(selected)

    def _is_relevant(self, key: str, received: Received) -> bool:
        told = _decode(received)
        _, span, _ = self._known
        if isinstance(told, TaskState):
            relevant = told.task_arn in self._targets.tasks
        else:
            relevant = self._targets.concerns(told) and span.has(told.event_time)
        if relevant:
            self.handed_on.add(key)
            self._let_go(key)
        return relevant

    def _may_be_relevant(self, received: Received) -> bool:
        told = _decode(received)
        if isinstance(told, TaskState):
            return True
        return told.by_step_functions or self._targets.concerns(told)

    def _look_again(self) -> list[Received]:
        """Return the held back records that are relevant by what is known now."""
        targets = self._targets
        known = len(targets.roles), targets.span, len(targets.tasks)
        if known == self._known:
            return []
        self._known = known
        held = tuple(self._held.items())
        return [received for key, received in held if self._is_relevant(key, received)]

    def _hold(self, key: str, received: Received) -> None:
        if key not in self._held:
            self._held[key] = received
            self._size += len(received.data)
        while self._size > self._room:
            self._let_go(next(iter(self._held)))

    def _let_go(self, key: str) -> None:
        if received := self._held.pop(key, None):
            self._size -= len(received.data)


def _decode(received: Received) -> ApiCall | TaskState:
    if received.kind == RecordKind.TASK_STATE:
        return decode_task_state(received)
    return received.once(decode_call)[0]


def key_of(received: Received) -> str:
    """Return a record's key, which is the same if the same event comes again."""
    try:
        told = _decode(received)
    except DecodeError:
        return received.data.decode(errors="replace")
    if isinstance(told, TaskState):
        return f"{told.task_arn}#{told.version}"
    return told.event_id
