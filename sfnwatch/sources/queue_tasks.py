"""Of all the tasks a cluster runs: the states of those that the executions began.

`startedBy` can't tell them: only `.sync` sets it, and to the same words for everybody.
So the histories do, where a task's ARN stands in the events of an attempt. A state
mostly comes before that is read, and waits.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from sfnwatch.trace.events import Batch, From, Received
from sfnwatch.trace.history import DecodeError, decode_history
from sfnwatch.trace.task_states import TaskKey, decode_task_state
from sfnwatch.trace.tries import belongs_to_attempt
from sfnwatch.trace.values import replace

_MOST = 20_000
"""States of others' tasks that are held at most; beyond, the oldest are let go."""
_TASK = re.compile(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:task/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)?"
)


class Tasks:
    """Keeps the states of the executions' tasks, and holds what yet may be."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._known: set[str] = set()
        """The ARNs of tasks that the executions began."""
        self._held: OrderedDict[TaskKey, Received] = OrderedDict()
        self._handed: set[TaskKey] = set()
        self._news = False

    def heed(self, batch: Batch) -> None:
        """Learn from the histories which tasks were begun."""
        for received in batch:
            if received.source == From.HISTORY:
                found = set(_tasks_in(received)) - self._known
                self._known |= found
                self._news = self._news or bool(found)

    def take(self, records: Iterable[Received]) -> Batch:
        """Give what is to be handed on: of these, and of those held before.

        What can't be decoded is handed on as such: nothing is dropped unseen.
        """
        kept = self._again()
        for received in records:
            try:
                key = decode_task_state(received).key
            except DecodeError:
                kept.append(replace(received, source=From.UNREAD))
                continue
            if key in self._handed:
                continue
            if key[0] in self._known:
                self._handed.add(key)
                kept.append(received)
            else:
                self._hold(key, received)
        return tuple(kept)

    def _hold(self, key: TaskKey, received: Received) -> None:
        self._held.setdefault(key, received)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def _again(self) -> list[Received]:
        """Look anew at what is held, if a task has become known."""
        if not self._news:
            return []
        self._news = False
        ours = [key for key in self._held if key[0] in self._known]
        self._handed.update(ours)
        return [self._held.pop(key) for key in ours]


def _tasks_in(received: Received) -> Iterator[str]:
    """Find tasks in what an attempt's own events say: never in what a state was given.

    That carries the tasks of earlier states, and perhaps of anybody.
    """
    try:
        event = decode_history(received.data, received.at)
    except DecodeError:
        return
    if belongs_to_attempt(event.type):
        for key in ("output", "cause"):
            yield from _TASK.findall(event.detail(key) or "")
