"""The player's state: which moment of which clock is shown, and how time runs.

Every change gives another Transport. It knows no clock: who plays says how many
seconds have passed.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from sfnwatch.trace.chapters import Chapter, Mark
from sfnwatch.trace.course import Course
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.values import replace
from sfnwatch.tui.scrubber_scale import scale_of

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0)
LONGEST = 1.0
"""Real seconds that an idle gap takes at most while gaps are squeezed."""
REST = 2.0
"""Real seconds for which a loop stays at the end: that is what people wait for."""


class Transport(Struct, frozen=True):
    """Where the player is, and how it goes on."""

    position: datetime | None = None
    """None for the end, and for a live watch its live edge."""
    playing: bool = False
    speed: float = 1.0
    squeeze: bool = False
    reading: Reading = Reading.SEEN
    loop: bool = False
    rested: float = 0.0
    """Real seconds spent at the end so far, when looping."""

    # -- where ---------------------------------------------------------------------

    def ended(self, course: Course) -> bool:
        """True at the end of what can't grow any more."""
        at = self.position
        return not course.growing and (at is None or at >= course.end)

    def at(self, course: Course) -> datetime:
        """Give the position as a time."""
        return course.end if self.position is None else course.clamp(self.position)

    def live(self, course: Course) -> "Transport":
        """Go to the newest there is: the live edge, or a recording's end."""
        end = None if course.growing else course.end
        return replace(self, position=end, playing=False, rested=0.0)

    def sought(self, at: datetime, course: Course) -> "Transport":
        """Go to a moment; the end of a live watch is its live edge."""
        if course.growing and at >= course.end:
            return self.live(course)
        return replace(self, position=course.clamp(at), rested=0.0)

    def skipped(self, seconds: float, course: Course) -> "Transport":
        """Go so many seconds on, or back."""
        here = self.at(course)
        if seconds >= (course.end - here).total_seconds():
            return self.sought(course.end, course)
        if -seconds >= (here - course.begin).total_seconds():
            return self.sought(course.begin, course)
        return self.sought(here + timedelta(seconds=seconds), course)

    def tenth(self, number: int, course: Course) -> "Transport":
        """Go to so many tenths of the bar."""
        scale = scale_of(course, squeeze=self.squeeze)
        return self.sought(scale.at(number / 10), course)

    def stepped(self, direction: int, course: Course) -> "Transport":
        """Go one moment on, or undo the newest one shown; playing stops."""
        here = self.at(course)
        newest = course.newest(here)
        if direction > 0:
            there = course.after(here) or course.end
        else:
            there = (newest and course.before(newest)) or course.begin
        return self._stood(there, course)

    def stepped_chapter(
        self,
        direction: int,
        course: Course,
        chapters: Iterable[Chapter],
        kinds: frozenset[Mark] = frozenset(Mark),
    ) -> "Transport":
        """Go to the next mark of some kinds, or to the one before; playing stops.

        Where there is none it goes nowhere: the end may be far from what is looked at.
        """
        here = self.at(course)
        times = [chapter.at for chapter in chapters if chapter.kind in kinds]
        if direction > 0:
            there = min((at for at in times if at > here), default=None)
        else:
            there = max((at for at in times if at < here), default=None)
        return self if there is None else self._stood(there, course)

    def _stood(self, at: datetime, course: Course) -> "Transport":
        return replace(self.sought(at, course), playing=False)

    # -- how -----------------------------------------------------------------------

    def toggled(self, course: Course) -> "Transport":
        """Play or stop; at the end play from the beginning.

        Stopping at a live edge stays where it is, while more comes in.
        """
        if self.position is None and course.growing:
            return replace(self, position=course.end, playing=False)
        if self.playing:
            return replace(self, playing=False)
        start = course.begin if self.ended(course) else self.position
        return replace(self, position=start, playing=True, rested=0.0)

    def faster(self) -> "Transport":
        place = bisect_right(SPEEDS, self.speed)
        return replace(self, speed=SPEEDS[min(place, len(SPEEDS) - 1)])

    def slower(self) -> "Transport":
        slower = [speed for speed in SPEEDS if speed < self.speed]
        return replace(self, speed=slower[-1] if slower else SPEEDS[0])

    def with_reading(self, reading: Reading, tape: Tape) -> "Transport":
        """Read by the other clock; the newest thing shown stays shown."""
        course = tape.course(reading)
        at = self.position
        if reading is not self.reading and at is not None and course is not None:
            old = tape.course(self.reading)
            if old is not None and at >= old.end and not course.growing:
                at = course.end
            else:
                carried = tape.carried(at, self.reading, reading)
                at = course.begin if carried is None else course.clamp(carried)
        return replace(self, reading=reading, position=at)

    # -- playing -------------------------------------------------------------------

    def played(self, elapsed: float, course: Course) -> "Transport":
        """Let so many real seconds pass.

        A recording stops at its end or, looping, begins again after a rest; a live
        watch that has caught up is live again.
        """
        if not self.playing or elapsed <= 0 or self.position is None:
            return self
        here = self.at(course)
        if here >= course.end:
            return self._at_end(elapsed, course)
        there = self._moved(here, elapsed, course)
        if there >= course.end:
            return self._at_end(0.0, course)
        return replace(self, position=there)

    def waiting(self, played: "Transport", course: Course) -> "Transport":
        """Go on as `played`, but no further than to the last moment that is here.

        For a recording that is still being read: what comes between is not known.
        """
        here = self.at(course)
        known = max([here, *course.moments[-1:]])
        there = played.at(course)
        return played if there <= known else replace(self, position=known)

    def _at_end(self, elapsed: float, course: Course) -> "Transport":
        if course.growing:
            return self.live(course)
        if not self.loop:
            return replace(self, position=course.end, playing=False)
        rested = self.rested + elapsed
        if rested < REST:
            return replace(self, position=course.end, rested=rested)
        return replace(self, position=course.begin, rested=0.0)

    def _moved(self, at: datetime, elapsed: float, course: Course) -> datetime:
        if not self.squeeze:
            return self._forward(at, elapsed * self.speed, course.end)
        while at < course.end:
            _, goal = course.gap(at)
            pace = self.pace(at, course)
            needed = (goal - at).total_seconds() / pace
            if needed > elapsed:
                return self._forward(at, elapsed * pace, goal)
            at, elapsed = goal, elapsed - needed
        return at

    def _forward(self, at: datetime, seconds: float, goal: datetime) -> datetime:
        left = (goal - at).total_seconds()
        return goal if seconds >= left else at + timedelta(seconds=seconds)

    def pace(self, at: datetime, course: Course) -> float:
        """Say how many seconds of the recording pass in a real one at a moment."""
        if not self.squeeze:
            return self.speed
        start, goal = course.gap(at)
        return max(self.speed, (goal - start).total_seconds() / LONGEST)

    def squeezed(self, course: Course) -> float:
        """Say how many seconds of the gap under the position are not waited out."""
        start, goal = course.gap(self.at(course))
        length = (goal - start).total_seconds()
        if not self.squeeze or length <= self.speed * LONGEST:
            return 0.0
        return length - self.speed * LONGEST
