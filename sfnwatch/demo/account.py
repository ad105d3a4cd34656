"""The simulated account: all that ever happens in it, and a clock that uncovers it.

What happens is worked out beforehand and depends on epoch, seed and scenarios alone, so
a demo that was killed and starts again shows the same executions and the same records.
CloudTrail has them late, and among them are those of its clients.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter

from sfnwatch.clock import Clock
from sfnwatch.demo.execution import DemoExecution
from sfnwatch.demo.formats import SeededRandom, iso_ms, to_ms
from sfnwatch.demo.map_run import DemoMapRun
from sfnwatch.demo.message_queue import DemoMessage, state_changes
from sfnwatch.demo.scenarios import PLANS, Scenario
from sfnwatch.demo.state_machine import run_execution
from sfnwatch.demo.trail_event import TrailEvent
from sfnwatch.demo.trail_records import deliver, records_of

LONGEST_LAG = 420.0
"""No record is delivered later than this, in seconds."""
# Executions start apart, like those of a person who starts them by hand. The last one
# starts at the epoch and the others before: all exist from the first look.
_APART = 7.4

# A client that polls for days must not fill the memory with records of its own calls.
_OWN_CALLS = 5000
_place = attrgetter("place")
_event_time = attrgetter("event_time")


class Bucket:
    """A token bucket on the account's time."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at: datetime | None = None

    def take(self, now: datetime) -> bool:
        """Take one token, if there is one."""
        waited = (now - self._at).total_seconds() if self._at else 0.0
        self._left = min(self._burst, self._left + max(waited, 0.0) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Account:
    """One AWS account and Region, as far as executions and CloudTrail go."""

    def __init__(
        self,
        scenarios: Sequence[str | Scenario],
        *,
        clock: Clock,
        epoch: datetime | None = None,
        seed: int = 0,
    ) -> None:
        self.clock = clock
        self.epoch = to_ms(epoch or clock.now())
        self.lookups = Bucket(rate=2, burst=2)
        """LookupEvents has one bucket for the whole account and Region."""
        key = f"{seed}/{iso_ms(self.epoch)}"
        plans = [PLANS[each] if isinstance(each, str) else each for each in scenarios]
        runs = list(_runs(plans, self.epoch, key))
        self.watched = [last for last, *_ in runs]
        """The executions to watch, in the order asked for."""
        self.executions = {each.scenario.name: each.arn for each in self.watched}
        """Scenario to the ARN of its execution."""
        every = [each for run in chain(*runs) for each in run.family()]
        self.all_executions = [each for each in every if not each.map_run_arn]
        """All but the children of Map Runs."""
        self._by_arn = {execution.arn: execution for execution in every}
        self._map_runs = {run.arn: run for each in every for run in each.map_runs}
        self.trail = [record for each in every for record in records_of(each, key)]
        """All that CloudTrail delivers sooner or later, but for clients' own calls."""
        self._by_time = sorted(self.trail, key=_place)
        """These and clients' own."""
        tasks = [task for execution in self.watched for task in execution.tasks]
        told = (message for task in tasks for message in state_changes(task))
        self.queue = sorted(told, key=lambda message: message.sent_at)
        """What ECS tells of the tasks, until it is deleted."""
        self._random = SeededRandom(key, "own calls")
        self._own: deque[TrailEvent] = deque(maxlen=_OWN_CALLS)

    def now(self) -> datetime:
        """Return the account's time, to the millisecond."""
        return to_ms(self.clock.now())

    def execution(self, arn: str) -> DemoExecution | None:
        """Return an execution started by now, a Map Run's child too."""
        found = self._by_arn.get(arn)
        return found if found and found.started_at <= self.now() else None

    def map_run(self, arn: str) -> DemoMapRun | None:
        """Return a Map Run started by now."""
        found = self._map_runs.get(arn)
        return found if found and found.started_at <= self.now() else None

    @property
    def machines(self) -> dict[str, Scenario]:
        """Return the state machines by name, those of nested executions too."""
        found = {each.scenario.machine: each.scenario for each in self.all_executions}
        return {name: found[name] for name in sorted(found)}

    def delivered(self, since: datetime, until: datetime) -> list[TrailEvent]:
        """Return what CloudTrail has delivered by now of a time, newest first."""
        now = self.now()
        calls = self._by_time
        first = bisect_left(calls, since, key=_event_time)
        found = calls[first : bisect_right(calls, until, key=_event_time)]
        return [each for each in reversed(found) if each.delivered_at <= now]

    def visible(self) -> list[DemoMessage]:
        """Return what can be received of the queue by now, the oldest first."""
        now = self.now()
        return [message for message in self.queue if message.visible_at <= now]

    def note(self, event: TrailEvent) -> None:
        """Let CloudTrail record a client's own call, to be delivered late too."""
        if len(self._own) == self._own.maxlen:
            self._by_time.remove(self._own[0])
        self._own.append(event)
        self.add(deliver(event, self._random.lag()))

    def add(self, event: TrailEvent) -> None:
        """Put a call into its place in CloudTrail."""
        insort(self._by_time, event, key=_place)

    def new_id(self) -> str:
        """Return an id for a client's own request."""
        return self._random.uuid()


def _runs(
    scenarios: Sequence[Scenario], epoch: datetime, key: str
) -> Iterator[list[DemoExecution]]:
    """Yield the executions of each scenario, behind the last those of days before."""
    for number, scenario in enumerate(scenarios, 1):
        start = epoch - timedelta(seconds=(len(scenarios) - number) * _APART)
        starts = (start - timedelta(days) for days in (0, *scenario.days_before))
        yield [run_execution(scenario, at, key) for at in starts]
