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
        """The number of roles, the time, and the number of tasks that were known when
        records were last selected."""

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
        event = _decode(received)
        if isinstance(event, TaskState):
            relevant = event.task_arn in self._targets.tasks
        else:
            _, span, _ = self._known
            relevant = self._targets.concerns(event) and span.has(event.event_time)
        if relevant:
            self.handed_on.add(key)
            self._let_go(key)
        return relevant

    def _may_be_relevant(self, received: Received) -> bool:
        event = _decode(received)
        if isinstance(event, TaskState):
            return True
        return event.by_step_functions or self._targets.concerns(event)

    def _look_again(self) -> list[Received]:
        """Return the held back records that are relevant by what is known now."""
        targets = self._targets
        known = len(targets.roles), targets.span, len(targets.tasks)
        if known == self._known:
            return []
        self._known = known
        relevant: list[Received] = []
        for key, received in tuple(self._held.items()):
            if self._is_relevant(key, received):
                relevant.append(received)
        return relevant

    def _hold(self, key: str, received: Received) -> None:
        if key not in self._held:
            self._held[key] = received
            self._size += len(received.data)
        while self._size > self._room:
            self._let_go(next(iter(self._held)))

    def _let_go(self, key: str) -> None:
        received = self._held.pop(key, None)
        if received is not None:
            self._size -= len(received.data)


def _decode(received: Received) -> ApiCall | TaskState:
    if received.kind == RecordKind.TASK_STATE:
        return decode_task_state(received)
    call, _ = received.once(decode_call)
    return call


def key_of(received: Received) -> str:
    """Return a record's key, which is the same if the same event comes again."""
    try:
        event = _decode(received)
    except DecodeError:
        return received.data.decode(errors="replace")
    if isinstance(event, TaskState):
        return f"{event.task_arn}#{event.version}"
    return event.event_id
