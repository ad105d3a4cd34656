"""The simulated account: a world, a clock that uncovers it, and who asked what."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from types import MappingProxyType

from sfnwatch.clock import Clock
from sfnwatch.demo.faults import Faults
from sfnwatch.demo.ids import Dice
from sfnwatch.demo.paging import Tokens
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.progress import Progress
from sfnwatch.demo.queue import Queue
from sfnwatch.demo.runs import Run
from sfnwatch.demo.task_events import messages
from sfnwatch.demo.times import iso_ms, to_ms
from sfnwatch.demo.trail import Delivered, Event, deliver
from sfnwatch.demo.world import build

# A client that polls for days must not fill the memory with its own records.
_OWN_CALLS = 5000


class Bucket:
    """A token bucket on the account's time."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate, self._burst, self._left = rate, burst, burst
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
        self.world = build(scenarios, epoch=self.epoch, seed=seed)
        self.executions: Mapping[str, str] = MappingProxyType(
            {run.scenario.name: run.arn for run in self.world.runs}
        )
        """Scenario to the ARN of its execution."""
        self.faults = Faults()
        key = f"{seed}/{iso_ms(self.epoch)}"
        self.tokens = Tokens(key)
        self.lookups = Bucket(rate=2, burst=2)
        """LookupEvents has one bucket for the whole account and Region."""
        runs = self.world.runs
        self.queue = Queue([m for run in runs for t in run.tasks for m in messages(t)])
        self._dice = Dice(key, "own calls")
        self._own: deque[Delivered] = deque(maxlen=_OWN_CALLS)

    def now(self) -> datetime:
        """Return the account's time, to the millisecond."""
        return to_ms(self.clock.now())

    def runs(self) -> list[Run]:
        """Return the executions started by now, newest first."""
        now = self.now()
        started = [run for run in self.world.every_run if run.started_at <= now]
        return sorted(started, key=lambda run: run.started_at, reverse=True)

    def run(self, arn: str) -> Run | None:
        """Return an execution started by now, a Map Run's child too."""
        run = self.world.by_arn.get(arn)
        return run if run and run.started_at <= self.now() else None

    def map_run(self, arn: str) -> Progress | None:
        """Return a Map Run started by now."""
        progress = self.world.map_runs.get(arn)
        begun = progress and progress.map_run.started_at <= self.now()
        return progress if begun else None

    def children(self, map_run_arn: str) -> list[Run] | None:
        """Return what a Map Run has started by now; None if there is no such run."""
        progress = self.map_run(map_run_arn)
        return progress.children(self.now()) if progress else None

    def machines(self) -> list[Scenario]:
        """Return the state machines by name, those of nested executions too."""
        plans = {run.scenario.machine: run.scenario for run in self.world.every_run}
        return [plans[name] for name in sorted(plans)]

    def delivered(
        self, fits: Callable[[Delivered], bool] = lambda _: True
    ) -> list[Delivered]:
        """Return what fits of all CloudTrail has delivered by now, newest first."""
        now = self.now()
        seen = [
            each
            for each in chain(self.world.trail, self._own)
            if each.delivered_at <= now and fits(each)
        ]
        return sorted(seen, key=lambda each: each.place, reverse=True)

    def note(self, event: Event) -> None:
        """Let CloudTrail record a client's own call, to be delivered late too."""
        self._own.append(deliver(event, self._dice.lag()))

    def new_id(self) -> str:
        """Return an id for a client's own request."""
        return self._dice.uuid()
