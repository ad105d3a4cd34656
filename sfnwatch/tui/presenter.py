"""For a talk: a sentence on the selected line, and the keys that are pressed.

The back row sees neither the presenter's hands nor what the cursor is about. Once
everything is over, findings are told one by one, each with the lines of its evidence.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.containers import Horizontal
from textual.timer import Timer

from sfnwatch.model.arns import account_of
from sfnwatch.model.describe_answer import DescribeAnswer
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.tui.actions import Command
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.spans import Span
from sfnwatch.tui.themes import stage_theme
from sfnwatch.tui.views import LANES
from sfnwatch.view.line import Line

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp

LINGER = 1.6
"""Seconds for which a pressed key is shown."""
_MOST_KEYS = 5
_MOST_ROWS = 4
_STEPS = 8
"""Most findings that are told, one after the other."""
_CARD = "end"
"""The view that follows after the last finding."""
_EXAMPLE = "123456789012"
"""The account of AWS's own examples and of the demo: no name in it is secret."""
_PAGE = 500
"""Records whose names are learned before other tasks get their turn."""


class Presenter:
    """Masks names, and shows captions and keys for a talk."""

    def __init__(self, app: "SfnwatchApp") -> None:
        self._app = app
        self._screen_state = app.screen_state
        self._views = app.views
        self._lanes = app.views.lanes
        self.caption = Rows(most=_MOST_ROWS, id="caption")
        self._caps = Rows(id="caps")
        self.stage = Horizontal(self.caption, self._caps, id="stage")
        """The caption and the keys, below the views."""
        self.stage.display = False
        self._pressed: deque[str] = deque(maxlen=_MOST_KEYS)
        self._fading: Timer | None = None
        self.presenting = False
        self._before: tuple[str, bool] = "", False
        """The theme, and whether names were masked, before the talk."""
        self._unlearned: Iterator[Received] | None = None
        """Records whose names are still to be learned: until then, masked names can't
        be shown."""
        self._has_chosen = False
        """True once the presenter has chosen whether names are masked."""
        self._told: int | None = None
        """The number of the finding that is told, from 0; None while none is."""
        self.commands: Mapping[str, Command] = {
            "show.present": self.present,
            "show.mask": self._switch_mask,
            "show.zone": self._switch_zone,
        }

    def mask(self, *, on: bool) -> None:
        """Mask names, once all names that came are known; or show them again."""
        self._unlearned = None
        if not on:
            self._look(masked=False)
            return
        from sfnwatch.view.anonymizer import Anonymizer  # noqa: PLC0415 - seldom

        self._screen_state.masks = self._screen_state.masks or Anonymizer()
        self._unlearned = records_of(self._screen_state.trace)
        self._learn_some()

    def _switch_mask(self) -> None:
        self._has_chosen = True
        self.mask(on=not self._screen_state.looks.masked)

    def _learn_some(self) -> None:
        if self._unlearned is None or self._screen_state.masks is None:
            return
        page = list(islice(self._unlearned, _PAGE))
        self._screen_state.masks.learn(page)
        if len(page) == _PAGE:
            self._app.set_timer(0.001, self._learn_some)
        else:
            self._look(masked=True)

    def _look(self, *, masked: bool) -> None:
        looks = self._screen_state.looks
        masks = self._screen_state.masks
        mask = masks.mask if masked and masks is not None else str
        self._screen_state.looks = replace(looks, masked=masked, mask=mask)
        # A notification may show a name that is masked now.
        self._app.clear_notifications()
        self._app.look_anew()

    def _switch_zone(self) -> None:
        looks = replace(
            self._screen_state.looks, local=not self._screen_state.looks.local
        )
        self._screen_state.looks = looks
        self._app.look_anew()
        zone = looks.zone(self._screen_state.now)
        where = "your time zone, " if looks.local else ""
        self._app.notify(f"times are in {where}{zone}")

    def present(self) -> None:
        """Return the moment that a column stands for: of its first mark, if any."""
        self.presenting = not self.presenting
        self._app.set_class(self.presenting, "-presenting")
        self.stage.display = self.presenting
        self._forget_keys()
        self._has_chosen = self._screen_state.looks.masked
        if self.presenting:
            self._before = self._app.theme, self._screen_state.looks.masked
            self._app.theme = stage_theme(dark=self._app.current_theme.dark)
            self.mask(on=True)
        else:
            self._app.theme, masked = self._before
            self.mask(on=masked)
            self._forget()

    def press(self, key: str) -> None:
        """Show a pressed key; all of them go if no other follows."""
        if not self.presenting:
            return
        self._pressed.append(key)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self._app.set_timer(LINGER, self._forget_keys)
        caps = (Span(f" {name[:12]} ", "chip--0") for name in self._pressed)
        self._caps.show([span for cap in caps for span in (cap, Span(" "))])
        self._caps.refresh(layout=True)

    def _forget_keys(self) -> None:
        self._pressed.clear()
        self._caps.show()

    def tell(self, line: Line | None) -> None:
        """Show the caption of a line, unless the finding that is told rests on it."""
        if not self.presenting:
            return
        if (
            self._screen_state.looks.masked
            and not self._has_chosen
            and self._is_example
        ):
            self.mask(on=False)
        line = line if self._views.view is self._lanes else self._line_elsewhere()
        if line is not None and line.key in self._lanes.lit:
            return
        self._told = None
        self._lanes.light(self._own_execution(line))
        from sfnwatch.view.captions import caption  # noqa: PLC0415 - seldom

        goes_on = "space goes on" if self.has_steps else ""
        words = (
            caption(line, self._screen_state.snapshot) if line is not None else goes_on
        )
        self.caption.show([Span(self._screen_state.looks.mask(words), "role--name")])

    def _line_elsewhere(self) -> Line | None:
        """Return the line that another view has selected; None if it has none."""
        key = self._views.selected_key
        screen_state = self._screen_state
        place = screen_state.place_of(key) if key is not None else None
        return screen_state.line(place) if place is not None else None

    def _own_execution(self, line: Line | None) -> Collection[str]:
        """Return the selected line's execution, if there are several; else nothing.

        Nothing also while the lanes follow, or it plays.
        """
        watches = self._lanes.follow or self._screen_state.playback.playing
        own = line.root_arn if line is not None and self._screen_state.several else None
        return frozenset() if own is None or watches else frozenset({own})

    @property
    def _is_example(self) -> bool:
        """True if all that is watched is in the account of demo and examples."""
        accounts = {account_of(arn) for arn in self._screen_state.snapshot.executions}
        return accounts == {_EXAMPLE}

    @property
    def has_steps(self) -> bool:
        """True in a talk once nothing is left to play: findings can be told."""
        playback = self._screen_state.playback
        over = playback.ended if playback.replay else playback.live
        return self.presenting and over and not self._screen_state.snapshot.running

    def step(self) -> None:
        """Tell the next finding, with its lines in view; then show the end card."""
        from sfnwatch.tui.end_card import key_findings  # noqa: PLC0415
        from sfnwatch.tui.evidence import CERTAINTIES, evidence_of  # noqa: PLC0415

        screen_state = self._screen_state
        outline = self._screen_state.outline
        each = (
            (f, evidence_of(screen_state, f))
            for f in key_findings(screen_state, _STEPS)
        )
        steps = [(f, [p.item for p in proofs if p.item]) for f, proofs in each]
        steps = [(finding, items) for finding, items in steps if items]
        place = 0 if self._told is None else self._told + 1
        if place >= len(steps):
            self._forget()
            self._views.show_view(_CARD)
            return
        finding, items = steps[place]
        keys = {item.key for item in items}
        lines = {line.key for line in map(outline.line_of, keys) if line is not None}
        self._told = place
        self._lanes.light(frozenset(keys | lines))
        if self._views.current != LANES:
            self._views.show_view(LANES)
        # The first line comes last: so as many lines as possible are in view.
        for item in (items[-1], items[0]):
            self._views.go_to(item.key)
        whose = screen_state.chips().get(finding.execution_arn or "")
        sign = CERTAINTIES[finding.certainty]
        self.caption.show(
            [
                Span(f"{place + 1}/{len(steps)}  ", "look--key"),
                *([whose, Span("  ")] if whose is not None else []),
                Span(screen_state.looks.mask(finding.text), "role--name"),
                Span(f"   {sign.text}", sign.look),
            ]
        )

    def _forget(self) -> None:
        """Tell no finding any more, and dim no line."""
        self._told = None
        self._lanes.light(frozenset())


def records_of(trace: Trace) -> Iterator[Received]:
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
