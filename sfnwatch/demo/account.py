"""The simulated account: all that ever happens in it, and a clock that uncovers it.

What happens is worked out beforehand and depends on epoch, seed and scenarios alone, so
a demo that was killed and starts again shows the same executions and the same records.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from sfnwatch.clock import Clock
from sfnwatch.demo.cloudtrail import (
    LONGEST_LAG,
    TrailEvent,
    bystanders,
    deliver,
    records_of,
)
from sfnwatch.demo.execution import DemoExecution, DemoMapRun
from sfnwatch.demo.formats import Dice, after, iso_ms, to_ms
from sfnwatch.demo.scenarios import Scenario, chosen
from sfnwatch.demo.services import DemoQueue, state_changes
from sfnwatch.demo.state_machine import run_execution

# Executions start apart, like those of a person who starts them by hand. The last one
# starts at the epoch and the others before: all exist from the first look.
_APART = 7.4
# A client that polls for days must not fill the memory with records of its own calls.
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
        self.lookups = Bucket(rate=2, burst=2)
        """LookupEvents has one bucket for the whole account and Region."""
        key = f"{seed}/{iso_ms(self.epoch)}"
        self.watched, earlier = _run_all(chosen(scenarios), self.epoch, key)
        """The executions to watch, in the order asked for."""
        self.executions = {each.scenario.name: each.arn for each in self.watched}
        """Scenario to the ARN of its execution."""
        begun = [*self.watched, *earlier]
        self.nested = [each for execution in begun for each in _nested(execution)]
        """Executions of other machines, which those above start."""
        self.all_executions = [*self.watched, *self.nested, *earlier]
        """All but the children of Map Runs."""
        children = [each for one in self.all_executions for each in one.children]
        every = [*self.all_executions, *children]
        self._by_arn = {execution.arn: execution for execution in every}
        self._map_runs = {run.arn: run for each in every for run in each.map_runs}
        self.trail = [record for each in every for record in records_of(each, key)]
        """All that CloudTrail delivers sooner or later, but for clients' own calls."""
        self.trail += bystanders(self.watched, self.epoch, Dice(key, "noise"))
        tasks = [task for execution in self.watched for task in execution.tasks]
        self.queue = DemoQueue(
            message for task in tasks for message in state_changes(task)
        )
        self._dice = Dice(key, "own calls")
        self._own: deque[TrailEvent] = deque(maxlen=_OWN_CALLS)

    @property
    def settled_at(self) -> datetime:
        """Return when all records of the watched executions have been delivered."""
        return after(max(each.ends_at for each in self.watched), LONGEST_LAG)

    def now(self) -> datetime:
        """Return the account's time, to the millisecond."""
        return to_ms(self.clock.now())

    def started(self) -> list[DemoExecution]:
        """Return the executions started by now, but for the children of Map Runs."""
        now = self.now()
        return [each for each in self.all_executions if each.started_at <= now]

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

    def delivered(
        self, fits: Callable[[TrailEvent], bool] = lambda _: True
    ) -> list[TrailEvent]:
        """Return what fits of all CloudTrail has delivered by now, newest first."""
        now = self.now()
        seen = [
            each
            for each in chain(self.trail, self._own)
            if each.delivered_at <= now and fits(each)
        ]
        return sorted(seen, key=lambda each: each.place, reverse=True)

    def note(self, event: TrailEvent) -> None:
        """Let CloudTrail record a client's own call, to be delivered late too."""
        self._own.append(deliver(event, self._dice.lag()))

    def new_id(self) -> str:
        """Return an id for a client's own request."""
        return self._dice.uuid()


def _run_all(
    scenarios: Sequence[Scenario], epoch: datetime, key: str
) -> tuple[list[DemoExecution], list[DemoExecution]]:
    """Return an execution of each scenario, and those of the days before."""
    watched, earlier = [], []
    for number, scenario in enumerate(scenarios, 1):
        start = epoch - timedelta(seconds=(len(scenarios) - number) * _APART)
        watched.append(run_execution(scenario, start, key))
        for days in scenario.days_before:
            before = start - timedelta(days=days)
            earlier.append(run_execution(scenario, before, key))
    return watched, earlier


def _nested(execution: DemoExecution) -> Iterator[DemoExecution]:
    """Yield what an execution starts of other machines, by its children too."""
    for each in execution.nested:
        yield each
        yield from _nested(each)
    for child in execution.children:
        yield from _nested(child)
