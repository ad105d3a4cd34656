"""What is on the screen: one moment of one trace, its lines, and how they look.

All views are given this, and ask it; none of them keeps anything that would have to be
kept up.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.message import Message

from sfnwatch.analysis.finding import Finding
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.records import Batch
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Changed
from sfnwatch.tui.paint import Looks, Span, chip
from sfnwatch.view.containers import NOWHERE
from sfnwatch.view.life_lines import LifeLines
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.markers import Markers
from sfnwatch.view.outline import TASKS, Outline
from sfnwatch.view.outline_items import Fold, Item
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part
from sfnwatch.view.playback import Playback
from sfnwatch.view.wording import role_names, short_names

if TYPE_CHECKING:
    from sfnwatch.tui.app import ScreenSettings, WatchedSession
    from sfnwatch.view.anonymizer import Anonymizer


_CHIP = 14
"""Characters of an execution's short name."""
_COUNTED = 5_000
"""Of more calls than these the counts are those of all, whichever moment is shown."""


class ScreenState:
    """The moment that is shown; `refresh` brings it up to what has come in since."""

    def __init__(
        self,
        session: "WatchedSession",
        settings: "ScreenSettings",
        options: OutlineOptions | None = None,
    ) -> None:
        self.session = session
        self.clock = session.clock
        self.trace = trace = session.trace
        self.playback = Playback(
            trace,
            replay=session.mode == "replay",
            speed=settings.speed,
            watched=session.span,
        )
        self.looks = Looks(local=settings.local)
        self.over = False
        """True if nothing more will come."""
        self.refusals: Sequence[SfnwatchError] = ()
        """Why the watch could not begin, or had to end."""
        self.masks: Anonymizer | None = None
        """What learns the names in all that comes, once they have been masked."""
        self.unseen = 0
        """How many lines came in that are not in view."""
        self.headline: Sequence[Part] = ()
        self.searched = ""
        """The words that are searched for."""
        self.found: Callable[[Item], bool] | None = None
        """Tells what has them; None while nothing is searched for."""
        self.outline = Outline(trace, options)
        self.markers = Markers(trace)
        self.apart = False
        self.lifelines = LifeLines(trace, self.outline)
        self._services: Counter[str] = Counter()
        self._counted: set[str] = set()
        self.findings: Sequence[Finding] = ()
        """Those that were last worked out as a whole, perhaps of a moment before."""
        self.news = self._news = 0
        """Grows with each batch that has more than sfnwatch's own requests."""
        self._states: dict[tuple[str, str], HealthState] = {}
        """How each source was doing, by lane and source."""
        self.version = 0
        """Grows with each change of what is shown."""
        self._state: object = None
        self.refresh()

    def take(self, batch: Batch, changed: Changed) -> None:
        """Take in what a batch has brought; it is shown with the next `refresh`."""
        if self.masks is not None:
            self.masks.learn(batch)
        self._news += self._is_news(changed)
        self.outline.update(changed)
        self.lifelines.update(changed)
        self.markers.update(changed)
        self.playback.update(batch, changed)
        self._count_calls(changed)

    def _is_news(self, changed: Changed) -> bool:
        """True for more than our own requests, and a source that does as it did."""
        states = {(each.lane, each.source): each.state for each in changed.healths}
        told = not states.items() <= self._states.items()
        self._states |= states
        return told or replace(changed, healths=[]) != Changed()

    def _count_calls(self, changed: Changed) -> None:
        """Count the calls that have come to have a line, by service."""
        trace = self.trace
        snapshot = self.trace.as_of()
        for event_id in (*changed.calls, *changed.links):
            call = trace.calls.get(event_id)
            if call and event_id not in self._counted and snapshot.is_relevant(call):
                self._counted.add(event_id)
                self._services[call.event_source] += 1

    def refresh(self) -> bool:
        """Show the player's moment as it stands by now; True if it is another."""
        playback = self.playback
        where = playback.position, playback.clock, self.apart
        versions = self.trace.version, self.outline.version
        state = (*versions, *where, playback.is_reading)
        if state == self._state:
            return False
        self._state = state
        self.version += 1
        self.news = self._news
        self.snapshot: Snapshot = playback.snapshot()
        self.items: Sequence[Item] = self.outline.at(self.snapshot)
        # What is folded, or open now, has its life-lines elsewhere.
        self.lifelines.update(Changed())
        self.maker = LineMaker(self.snapshot, self.outline, self.lifelines)
        self.coverage = Coverage(self.snapshot)
        # Times count from the first start, where all executions are aligned.
        origin = self.begun if self.outline.options.aligned else None
        if origin != self.looks.origin:
            self.looks = replace(self.looks, origin=origin)
        return True

    def set_options(self, options: OutlineOptions) -> None:
        """Fold, filter or align otherwise."""
        if options != self.outline.options:
            self.outline.set_options(options)
            self.refresh()

    def toggle(self, key: str) -> None:
        """Open what is folded, or fold it; `key` is a fold's."""
        self.outline.toggle(key)
        self.refresh()

    def set_apart(self, *, apart: bool) -> None:
        """Give each execution life-lines of its own, or all of them the same."""
        if apart is not self.apart:
            self.apart = apart
            self.lifelines = LifeLines(self.trace, self.outline, apart=apart)
            self.refresh()

    def touch(self) -> None:
        """Have all of it shown anew, since names or times are shown otherwise."""
        self._state = None

    def services(self) -> Mapping[str, int]:
        """Count the calls that are shown, by their event source; ECS's word as well."""
        counts = Counter(self._services)
        if self.snapshot.at is not None and len(self.trace.calls) <= _COUNTED:
            calls = filter(self.snapshot.is_relevant, self.snapshot.calls)
            counts = Counter(call.event_source for call in calls)
        found = dict(sorted(counts.items()))
        changes = sum(map(len, self.snapshot.task_states.values()))
        return {**found, TASKS: changes} if changes else found

    @property
    def now(self) -> datetime:
        """The moment that is shown; at a live edge, and before anything came, now.

        Once nothing more will come, it is when the last has.
        """
        span = self.playback.span if not self.playback.growing else None
        edge = span[1] if span else self.clock.now()
        return self.snapshot.at or self.playback.position or edge

    @property
    def roots(self) -> Sequence[ExecutionAsOf]:
        """The executions that are watched, by their starts."""
        return tuple(self.snapshot.roots.values())

    @property
    def begun(self) -> datetime | None:
        """When the first of them started, whether that was seen by then or not."""
        starts = [each.started_at for each in self.trace.as_of().roots.values()]
        return min(filter(None, starts), default=None)

    @property
    def several(self) -> bool:
        return len(self.snapshot.roots) > 1

    def root_beside(self, arn: str | None, step: int) -> str:
        """Name the execution after another of those watched, or before it."""
        roots = list(self.snapshot.roots)
        at = roots.index(arn) if arn in roots else 0
        return roots[(at + step) % len(roots)]

    def chips(self) -> dict[str, Span]:
        """Tell executions apart by short names; empty where there is but one."""
        if not self.several:
            return {}
        names = short_names(self.roots, _CHIP)
        if self.looks.masked:
            # A part of a name is no name that would be masked; role words tell nothing.
            roles = role_names(self.roots)
            names = {a: roles.get(a, f"no. {n}") for n, a in enumerate(names, 1)}
        return {arn: chip(name, n) for n, (arn, name) in enumerate(names.items())}

    def kept_visits(self) -> set[tuple[str, int]] | None:
        """Give the visits, by execution and id, of which a filter keeps something.

        None while there is no filter.
        """
        if self.outline.options.keep is None:
            return None
        items = list(self.items)
        items += [m for item in items if isinstance(item, Fold) for m in item.members]
        return {self.outline.containers.spot_of(item)[:2] for item in items}

    def visit_of(self, key: str) -> tuple[str, int]:
        """Name the visit, by execution and id, that a line is about; by its key."""
        item = self.outline.item_of(key)
        if item is None:
            return NOWHERE[:2]
        if isinstance(item, HistoryEvent):
            # An iteration begins with its first state, on the same line.
            events = (item, *self.outline.order.followers(item))
            item = next((e for e in events if e.type.endswith("StateEntered")), item)
        arn, visit_id, _ = self.outline.containers.spot_of(item)
        run = self.snapshot.lineage.map_runs.get(arn)
        return (run.execution_arn, run.visit_id) if run else (arn, visit_id)

    def line(self, place: int) -> Line:
        """Make the line of an item that is shown."""
        before = self.items[place - 1] if place else None
        return self.maker.line(self.items[place], before)

    def place_of(self, key: str) -> int | None:
        """Find what stands for a key among the items that are shown."""
        if self.items is self.outline.items:
            return self.outline.index_of(key)
        for item in (self.outline.item_of(key), self.outline.line_of(key)):
            for place, each in enumerate(self.items):
                # What is folded by a moment is not the fold of all there is.
                if each is item or (isinstance(item, Fold) and each.key == item.key):
                    return place
        return None


@dataclass
class GoTo(Message):
    """A line of the lanes is wanted, by its key."""

    key: str


@dataclass
class Seek(Message):
    """A moment is wanted; while one drags, only the last of several."""

    at: datetime

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Seek)
