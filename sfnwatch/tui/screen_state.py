"""What is on the screen: one moment of one trace, its lines, and how they look.

All views read this; none of them keeps a copy that would have to be updated.
"""

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
from sfnwatch.model.trace import Changed
from sfnwatch.tui.last_inputs import LastInputs
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.news_count import NewsCount
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.tui.service_counts import ServiceCounts
from sfnwatch.tui.spans import Span, chip
from sfnwatch.tui.watched_session import WatchedSession
from sfnwatch.view.containers import NO_SPOT
from sfnwatch.view.execution_labels import role_names, short_names
from sfnwatch.view.life_lines import LifeLines
from sfnwatch.view.line import Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.markers import Markers
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Fold, Item
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import Part
from sfnwatch.view.playback import Playback

if TYPE_CHECKING:
    from sfnwatch.view.anonymizer import Anonymizer


_SHORT_NAME_LENGTH = 14
"""Most characters of an execution's short name."""


class ScreenState:
    """The moment that is shown; `refresh` takes in what has come since."""

    def __init__(
        self,
        session: WatchedSession,
        settings: ScreenSettings,
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
        """Learns the names in all that comes, once names have been masked."""
        self.unseen = 0
        """Lines that have come, but are not in view."""
        self.headline: Sequence[Part] = ()
        self.searched = ""
        """The searched words."""
        self.found: Callable[[Item], bool] | None = None
        """True for an item that has the words; None while nothing is searched."""
        self.outline = Outline(trace, options)
        self.markers = Markers(trace)
        self.lifelines = LifeLines(trace, self.outline)
        self._service_counts = ServiceCounts(trace)
        self.findings: Sequence[Finding] = ()
        """The findings that were last computed; they may be of an earlier moment."""
        self.findings_version = 0
        """Increases each time that findings are computed."""
        self.news = 0
        """Increases with each batch that holds more than sfnwatch's own requests."""
        self._news = NewsCount()
        """It counts also the batches that `refresh` has not taken in yet."""
        self.version = 0
        """Increases with each change of what is shown."""
        self._shown = LastInputs()
        """What the shown moment was last made from."""
        self.refresh()

    def take(self, batch: Batch, changed: Changed) -> None:
        """Take in a batch; it is shown with the next `refresh`."""
        if self.masks is not None:
            self.masks.learn(batch)
        self._news.update(changed)
        self.outline.update(changed)
        self.lifelines.update(changed)
        self.markers.update(changed)
        self.playback.update(batch, changed)
        self._service_counts.update(changed)

    def refresh(self) -> bool:
        """Show the player's moment as it stands now; False if nothing has changed."""
        playback = self.playback
        is_other = self._shown.renew(
            self.trace.version,
            self.outline.version,
            playback.position,
            playback.clock,
            playback.is_reading,
            self.apart,
        )
        if not is_other:
            return False
        self.version += 1
        self.news = self._news.version
        self.snapshot: Snapshot = playback.snapshot()
        self.items: Sequence[Item] = self.outline.at(self.snapshot)
        # Folding and unfolding changes where life-lines are.
        self.lifelines.update(Changed())
        self.maker = LineMaker(self.snapshot, self.outline, self.lifelines)
        self.coverage = Coverage(self.snapshot)
        # If executions are aligned, times count from the first start.
        origin = self.begun if self.outline.options.aligned else None
        if origin != self.looks.origin:
            self.looks = replace(self.looks, origin=origin)
        return True

    def set_findings(self, findings: Sequence[Finding]) -> None:
        """Take in the findings that were computed last."""
        self.findings = findings
        self.findings_version += 1

    def set_options(self, options: OutlineOptions) -> None:
        """Change what is folded, filtered or aligned."""
        if options != self.outline.options:
            self.outline.set_options(options)
            self.refresh()

    def toggle(self, key: str) -> None:
        """Open a fold, or close it again; `key` is the fold's."""
        self.outline.toggle(key)
        self.refresh()

    @property
    def apart(self) -> bool:
        """True if each execution has life-lines of its own."""
        return self.lifelines.apart

    def set_apart(self, *, apart: bool) -> None:
        """Give each execution life-lines of its own, or all executions the same."""
        if apart is not self.apart:
            self.lifelines = LifeLines(self.trace, self.outline, apart=apart)
            self.refresh()

    def touch(self) -> None:
        """Have `refresh` show everything again: names or times look different now."""
        self._shown.forget()

    def services(self) -> Mapping[str, int]:
        """Return the number of shown calls by event source, and of ECS's changes."""
        return self._service_counts.as_of(self.snapshot)

    @property
    def now(self) -> datetime:
        """The moment that is shown; at the live edge, and before anything came, now.

        Once nothing more will come, it is the time of the last record.
        """
        span = self.playback.span if not self.playback.growing else None
        edge = span[1] if span else self.clock.now()
        return self.snapshot.at or self.playback.position or edge

    @property
    def roots(self) -> Sequence[ExecutionAsOf]:
        """The watched executions, in the order of their starts."""
        return tuple(self.snapshot.roots.values())

    @property
    def begun(self) -> datetime | None:
        """When the first execution started, even if that was seen only later."""
        starts = [each.started_at for each in self.trace.as_of().roots.values()]
        return min(filter(None, starts), default=None)

    @property
    def several(self) -> bool:
        return len(self.snapshot.roots) > 1

    def root_beside(self, arn: str | None, step: int) -> str:
        """Return the ARN of the watched execution after another, or before it."""
        roots = list(self.snapshot.roots)
        at = roots.index(arn) if arn in roots else 0
        return roots[(at + step) % len(roots)]

    def chips(self) -> dict[str, Span]:
        """Return executions' short names, by ARN; empty if there is only one."""
        if not self.several:
            return {}
        names = dict(short_names(self.roots, _SHORT_NAME_LENGTH))
        if self.looks.masked:
            # Part of a name would not be masked; role words reveal nothing.
            roles = role_names(self.roots)
            for number, arn in enumerate(names, 1):
                names[arn] = roles.get(arn, f"no. {number}")
        return {arn: chip(name, n) for n, (arn, name) in enumerate(names.items())}

    def kept_visits(self) -> set[tuple[str, int]] | None:
        """Return the visits, by ARN and id, that a filter keeps something of.

        None while there is no filter.
        """
        if self.outline.options.keep is None:
            return None
        items = list(self.items)
        for item in self.items:
            if isinstance(item, Fold):
                items += item.members
        return {self.outline.containers.spot_of(item)[:2] for item in items}

    def visit_of(self, key: str) -> tuple[str, int]:
        """Return the visit, by ARN and id, that the line of a key is about."""
        item = self.outline.item_of(key)
        if item is None:
            return NO_SPOT[:2]
        if isinstance(item, HistoryEvent):
            # An iteration shares its line with its first state.
            for event in (item, *self.outline.order.followers(item)):
                if event.type.endswith("StateEntered"):
                    item = event
                    break
        arn, visit_id, _ = self.outline.containers.spot_of(item)
        run = self.snapshot.lineage.map_runs.get(arn)
        return (run.execution_arn, run.visit_id) if run else (arn, visit_id)

    def line(self, place: int) -> Line:
        """Return the line of the item at a place."""
        before = self.items[place - 1] if place else None
        return self.maker.line(self.items[place], before)

    def place_of(self, key: str) -> int | None:
        """Return the place of the shown item that stands for a key, or None."""
        if self.items is self.outline.items:
            return self.outline.index_of(key)
        for wanted in (self.outline.item_of(key), self.outline.line_of(key)):
            for place, item in enumerate(self.items):
                # A fold of the shown moment is another object than that of the whole
                # trace.
                is_same_fold = isinstance(wanted, Fold) and item.key == wanted.key
                if item is wanted or is_same_fold:
                    return place
        return None


@dataclass
class GoTo(Message):
    """Asks for a line of the lanes, by its key."""

    key: str


@dataclass
class Seek(Message):
    """Asks for a moment; during a drag, only the last of several counts."""

    at: datetime

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Seek)
