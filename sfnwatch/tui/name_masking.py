"""Masks the names on the screen, once all names that came are known."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from msgspec.structs import replace
from textual.app import App

from sfnwatch.model.describe_answer import DescribeAnswer
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.tui.actions import Command
from sfnwatch.tui.screen_state import ScreenState

_RECORDS_AT_ONCE = 500
"""Records whose names are learned before other tasks get their turn."""
_PAUSE_SECONDS = 0.001
"""Seconds between two pages of records."""


class NameMasking:
    """Masks names, or shows them again.

    Names are masked only when the names of all records are known: a name that is not
    known yet would be shown.
    """

    def __init__(
        self, app: App[Any], screen_state: ScreenState, look_anew: Callable[[], None]
    ) -> None:
        self._app = app
        self._screen_state = screen_state
        self._look_anew = look_anew
        self._unlearned: Iterator[Received] | None = None
        """Records whose names are still to be learned; None if names are not to be
        masked."""
        self.is_chosen = False
        """True once the user has chosen whether names are masked."""
        self.commands: Mapping[str, Command] = {"show.mask": self._switch}

    @property
    def is_on(self) -> bool:
        """True while names are masked."""
        return self._screen_state.looks.masked

    def _switch(self) -> None:
        self.is_chosen = True
        self.set(on=not self.is_on)

    def set(self, *, on: bool) -> None:
        """Mask names, once all names that came are known; or show them again."""
        self._unlearned = None
        if not on:
            self._look(masked=False)
            return
        from sfnwatch.view.anonymizer import Anonymizer  # noqa: PLC0415 - seldom

        self._screen_state.masks = self._screen_state.masks or Anonymizer()
        self._unlearned = named_records(self._screen_state.trace)
        self._learn_some()

    def _learn_some(self) -> None:
        masks = self._screen_state.masks
        if self._unlearned is None or masks is None:
            return
        page = list(islice(self._unlearned, _RECORDS_AT_ONCE))
        masks.learn(page)
        if len(page) == _RECORDS_AT_ONCE:
            self._app.set_timer(_PAUSE_SECONDS, self._learn_some)
        else:
            self._look(masked=True)

    def _look(self, *, masked: bool) -> None:
        masks = self._screen_state.masks
        mask = masks.mask if masked and masks is not None else str
        looks = self._screen_state.looks
        self._screen_state.looks = replace(looks, masked=masked, mask=mask)
        # A notification may show a name that is masked now.
        self._app.clear_notifications()
        self._look_anew()


def named_records(trace: Trace) -> Iterator[Received]:
    """Yield the records of a trace that may hold names, as they were received."""
    for execution in trace.executions.values():
        rows: Iterator[DescribeAnswer | HistoryEvent]
        rows = chain(execution.described, execution.defined, execution.ordered)
        for row in rows:
            kind = RecordKind.HISTORY if isinstance(row, HistoryEvent) else row.kind
            yield Received(row.seen_at, kind, execution.arn, trace.raw_json(row))
    for call in trace.ordered_calls:
        yield Received(call.seen_at, call.kind, None, trace.raw_json(call))
    for state in chain.from_iterable(trace.task_states.values()):
        data = trace.raw_json(state)
        yield Received(state.seen_at, RecordKind.TASK_STATE, None, data)
