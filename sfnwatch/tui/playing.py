"""Which moment is shown, of all that has come in: the tape and the player's state.

Live and replay differ in where they begin only: a watch at its live edge, a recording
at its beginning, playing.
"""

import time
from collections.abc import Callable
from datetime import datetime

from sfnwatch.clock import Clock
from sfnwatch.trace.chapters import Chapter, Mark, chapters
from sfnwatch.trace.course import Course
from sfnwatch.trace.events import Batch, From, HealthState, Received
from sfnwatch.trace.lanes import complete_to
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.times import iso
from sfnwatch.trace.values import replace
from sfnwatch.tui.transport import Transport

_STATES = frozenset({Mark.ENTERED})


class Playing:
    """Holds the tape, and knows which moment of it is shown."""

    def __init__(
        self,
        clock: Clock,
        *,
        replay: bool,
        speed: float = 1.0,
        span: tuple[datetime, datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.replay = replay
        self.tape = Tape(growing=not replay, watched=span)
        self._folded = Trace()
        self._is_read = span is None
        """False while a recording is being read, from its beginning on."""
        self.transport = Transport(playing=replay, speed=speed, squeeze=replay)
        self.clock, self._monotonic = clock, monotonic
        self._last: float | None = None
        self._marked: tuple[Trace, Reading, tuple[Chapter, ...]]
        self._marked = Trace(), Reading.SEEN, ()
        self._known: tuple[Trace, datetime | None, Trace] = (Trace(), None, Trace())
        self._held = False
        """True while a live watch was only stopped, and nothing else sought."""
        self.transport = self._begun()

    # -- what there is -------------------------------------------------------------

    @property
    def whole(self) -> Trace:
        """All that has come in, shown or not; of a watch, up to the last fold."""
        return self.tape.trace() if self.replay else self._folded

    @property
    def course(self) -> Course | None:
        return self.tape.course(self.reading)

    @property
    def known_course(self) -> Course | None:
        """The course as far as it was laid: over fewer rows than there are, perhaps."""
        return self.tape.known_course(self.reading)

    @property
    def reading(self) -> Reading:
        return self.transport.reading

    @property
    def live(self) -> bool:
        """True at the live edge: what comes in is shown as it comes."""
        return not self.replay and self.transport.position is None

    @property
    def held(self) -> bool:
        """True for a live watch that stands still where it was live."""
        return self._held and not self.live

    @property
    def ended(self) -> bool:
        course = self.course
        return self.replay and (course is None or self.transport.ended(course))

    @property
    def position(self) -> datetime | None:
        """The moment shown; None at the live edge, or while nothing has a time."""
        # At the live edge the course is not asked for: it is laid anew for each batch.
        if self.live or (course := self.course) is None:
            return None
        return self.transport.at(course)

    @property
    def now(self) -> datetime:
        return self.position or self.clock.now()

    def chapters(self) -> tuple[Chapter, ...]:
        """List the marks of all there is, by the clock in use."""
        whole, reading = self.whole, self.reading
        if not self.is_marked:
            self.marked(whole, reading, chapters(whole, reading))
        return self.known_chapters

    @property
    def is_marked(self) -> bool:
        """True if the marks are those of all there is by now."""
        return self._marked[0] is self.whole and self._marked[1] is self.reading

    def marked(
        self, whole: Trace, reading: Reading, found: tuple[Chapter, ...]
    ) -> None:
        """Take the marks that were found elsewhere, for what was the whole then."""
        self._marked = whole, reading, found

    @property
    def known_chapters(self) -> tuple[Chapter, ...]:
        """The marks as they were when last looked for."""
        return self._marked[2]

    def count(self) -> int:
        """Count the records shown; another number asks for another layout."""
        return self.tape.count(self.position, self.reading)

    def trace(self) -> Trace:
        """Give what is shown.

        As it happened there is no lag: up to its moment everything is known, as far
        as the recording itself is whole.
        """
        at = self.position
        trace = self.whole if at is None else self.tape.trace(at, self.reading)
        if at is None or self.reading is Reading.SEEN:
            return trace
        known = complete_to(self.whole)
        told = min(at, known) if known is not None else at
        if self._known[0] is not trace or self._known[1] != told:
            self._known = trace, told, extend(trace, [_all_known(told)])
        return self._known[2]

    # -- what comes in -------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        at_end = self.replay and self.position is not None and self.ended
        self.tape.take(batch)
        self.transport = self._begun()
        if self.replay and self._last is None and batch:
            # It plays from when it is here, though nothing is drawn yet.
            self._last = self._monotonic()
        if at_end and self.course is not None:
            self.transport = self.transport.sought(self.course.end, self.course)

    def fold(self) -> None:
        """Put together what was taken: the maps of a long history are copied for it."""
        self._folded = self.tape.trace()

    def close(self) -> None:
        """Nothing more will come."""
        self.tape.growing = False
        self._is_read = True

    # -- time ----------------------------------------------------------------------

    def tick(self) -> bool:
        """Let the time pass that has passed; True if the moment is another one."""
        now = self._monotonic()
        elapsed = now - self._last if self._last is not None else 0.0
        self._last = now
        before = self.transport
        course = self.course
        if course is not None and before.playing:
            played = before.played(elapsed, course)
            self.transport = played if self._is_read else before.waiting(played, course)
        return self.transport != before

    def _begun(self) -> Transport:
        """Begin a recording at its beginning, as soon as that is known."""
        if not self.replay or self.transport.position is not None:
            return self.transport
        course = self.course
        return self.transport.sought(course.begin, course) if course else self.transport

    @property
    def running(self) -> bool:
        """True while the moment shown moves by itself."""
        return self.transport.playing

    def _change(self, change: Callable[[Transport, Course], Transport]) -> None:
        course = self.course
        if course is not None:
            self._held = False
            self._last = self._monotonic()
            self.transport = change(self.transport, course)

    # -- what can be asked ---------------------------------------------------------

    def toggle(self) -> None:
        """Play or stop; a live watch that was only stopped is live again."""
        if self.held:
            self.to_live()
            return
        was_live = self.live
        self._change(Transport.toggled)
        self._held = was_live and not self.live

    def to_live(self) -> None:
        self._change(Transport.live)

    def seek(self, at: datetime) -> None:
        self._change(lambda transport, course: transport.sought(at, course))

    def skip(self, seconds: float) -> None:
        self._change(lambda transport, course: transport.skipped(seconds, course))

    def tenth(self, number: int) -> None:
        self._change(lambda transport, course: transport.tenth(number, course))

    def step(self, direction: int) -> None:
        self._change(lambda transport, course: transport.stepped(direction, course))

    def step_state(self, direction: int) -> None:
        self._step_chapter(direction, _STATES)

    def step_chapter(self, direction: int) -> None:
        self._step_chapter(direction, frozenset(Mark))

    def _step_chapter(self, direction: int, kinds: frozenset[Mark]) -> None:
        marks = self.chapters()
        self._change(
            lambda transport, course: transport.stepped_chapter(
                direction, course, marks, kinds
            )
        )

    def faster(self) -> None:
        self._change(lambda transport, _: transport.faster())

    def slower(self) -> None:
        self._change(lambda transport, _: transport.slower())

    def squeeze(self) -> None:
        """Shorten idle time, or don't."""
        transport = self.transport
        self.transport = replace(transport, squeeze=not transport.squeeze)

    def loop(self) -> None:
        """Begin again at the end, or don't."""
        self.transport = replace(self.transport, loop=not self.transport.loop)

    def switch_clock(self) -> None:
        """Read by the other clock."""
        other = Reading.HAPPENED if self.reading is Reading.SEEN else Reading.SEEN
        self.transport = self.transport.with_reading(other, self.tape)


def _all_known(at: datetime) -> Received:
    data = {"lane": "lookup", "state": HealthState.ENDED, "complete_to": iso(at)}
    return Received(at, From.HEALTH, None, data)
