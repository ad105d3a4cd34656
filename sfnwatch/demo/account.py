"""The simulated account: all that ever happens in it, and a clock that uncovers it.

What happens is worked out beforehand and depends on epoch, seed and scenarios alone, so
a demo that was killed and starts again shows the same executions and the same records.
CloudTrail has them late, and among them are those of its clients.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from sfnwatch.clock import Clock
from sfnwatch.demo.execution import DemoExecution, DemoMapRun
from sfnwatch.demo.formats import iso_ms, to_ms
from sfnwatch.demo.message_queue import DemoMessage, state_changes
from sfnwatch.demo.scenarios import PLANS, Scenario
from sfnwatch.demo.seeded_random import SeededRandom
from sfnwatch.demo.state_machine import run_execution
from sfnwatch.demo.trail import deliver, records_of
from sfnwatch.demo.trail_event import TrailEvent

LONGEST_LAG = 420.0
"""No record is delivered later than this, in seconds."""
# Executions start apart, like those of a person who starts them by hand. The last one
# starts at the epoch and the others before: all exist from the first look.
_STARTS_APART_SECONDS = 7.4

# A client that polls for days must not fill the memory with records of its own calls.
_MOST_OWN_CALLS = 5000
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
        self.watched: list[DemoExecution] = []
        """The executions to watch, in the order of the scenarios."""
        self.executions: dict[str, str] = {}
        """The ARN of each scenario's execution to watch, by the scenario's name."""
        self.all_executions: list[DemoExecution] = []
        """All but the children of Map Runs."""
        self.trail: list[TrailEvent] = []
        """All that CloudTrail delivers sooner or later, but for clients' own calls."""
        self.queue: list[DemoMessage] = []
        """ECS's messages about the watched executions' tasks, until deleted."""
        self._by_arn: dict[str, DemoExecution] = {}
        self._map_runs: dict[str, DemoMapRun] = {}
        for number, item in enumerate(scenarios, 1):
            scenario = PLANS[item] if isinstance(item, str) else item
            before_last = timedelta(seconds=_STARTS_APART_SECONDS)
            start = self.epoch - (len(scenarios) - number) * before_last
            self._run(scenario, start, key)
        self._by_time = sorted(self.trail, key=_place)
        """The trail's records and those of clients' own calls."""
        self.queue.sort(key=lambda message: message.sent_at)
        self._dice = SeededRandom(key, "own calls")
        self._own: deque[TrailEvent] = deque(maxlen=_MOST_OWN_CALLS)

    def _run(self, scenario: Scenario, start: datetime, key: str) -> None:
        """Run a scenario's execution to watch, and those of days before."""
        watched = run_execution(scenario, start, key)
        self.watched.append(watched)
        self.executions[scenario.name] = watched.arn
        for task in watched.tasks:
            self.queue.extend(state_changes(task))
        self._keep(watched, key)
        for days in scenario.days_before:
            self._keep(run_execution(scenario, start - timedelta(days), key), key)

    def _keep(self, root: DemoExecution, key: str) -> None:
        """Keep an execution and those that it starts, and record their calls."""
        for execution in root.family():
            self._by_arn[execution.arn] = execution
            if not execution.map_run_arn:
                self.all_executions.append(execution)
            for map_run in execution.map_runs:
                self._map_runs[map_run.arn] = map_run
            self.trail.extend(records_of(execution, key))

    def now(self) -> datetime:
        """Return the account's time, to the millisecond."""
        return to_ms(self.clock.now())

    def execution(self, arn: str) -> DemoExecution | None:
        """Return an execution started by now, a Map Run's child too."""
        execution = self._by_arn.get(arn)
        if execution is None or execution.started_at > self.now():
            return None
        return execution

    def map_run(self, arn: str) -> DemoMapRun | None:
        """Return a Map Run started by now."""
        map_run = self._map_runs.get(arn)
        if map_run is None or map_run.started_at > self.now():
            return None
        return map_run

    @property
    def machines(self) -> dict[str, Scenario]:
        """Return the state machines by name, those of nested executions too."""
        by_name = {}
        for execution in self.all_executions:
            by_name[execution.scenario.machine] = execution.scenario
        return dict(sorted(by_name.items()))

    def delivered(self, since: datetime, until: datetime) -> list[TrailEvent]:
        """Return a time's calls that CloudTrail has delivered by now, newest first."""
        now = self.now()
        first = bisect_left(self._by_time, since, key=_event_time)
        end = bisect_right(self._by_time, until, key=_event_time)
        calls = self._by_time[first:end]
        return [call for call in reversed(calls) if call.delivered_at <= now]

    def visible(self) -> list[DemoMessage]:
        """Return the queue's messages that can be received by now, the oldest first."""
        now = self.now()
        return [message for message in self.queue if message.visible_at <= now]

    def note(self, event: TrailEvent) -> None:
        """Let CloudTrail record a client's own call, to be delivered late too."""
        if len(self._own) == self._own.maxlen:
            self._by_time.remove(self._own[0])
        self._own.append(event)
        self.add(deliver(event, self._dice.lag()))

    def add(self, event: TrailEvent) -> None:
        """Put a call into its place in CloudTrail."""
        insort(self._by_time, event, key=_place)

    def new_id(self) -> str:
        """Return an id for a client's own request."""
        return self._dice.uuid()
