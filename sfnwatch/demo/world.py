"""Everything that happens in the account, worked out beforehand.

The world is a function of epoch, seed and scenarios. Time only uncovers it, so a demo
that was killed and starts again shows the same executions and the same records.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sfnwatch.demo import noise
from sfnwatch.demo.ids import Dice
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.play import run
from sfnwatch.demo.progress import Progress
from sfnwatch.demo.runs import Call, Run, role_arn
from sfnwatch.demo.scenarios import chosen
from sfnwatch.demo.times import after, in_words, iso_ms, to_ms
from sfnwatch.demo.trail import STATES, Delivered, Event, by_states, deliver, service

# Executions of one world start apart, like those of a person starting them by hand.
# The last one starts at the epoch and the others before: all exist from the first look.
_APART = 7.4
_STRAGGLER_LAG = 362.0
LONGEST_LAG = 420.0
"""No record is delivered later than this, in seconds."""
_DENIAL = (
    "User: {user} is not authorized to perform: ecs:DescribeTasks on resource: {task}"
    " because no identity-based policy allows the ecs:DescribeTasks action"
)


@dataclass(frozen=True)
class World:
    runs: tuple[Run, ...]
    """The executions to watch, in the order asked for."""
    earlier: tuple[Run, ...]
    """Executions of the same machines on the days before."""
    nested: tuple[Run, ...]
    """Executions that those above start, of other machines."""
    trail: tuple[Delivered, ...]

    @cached_property
    def by_arn(self) -> Mapping[str, Run]:
        """Every execution there is, those of Map Runs too."""
        return {run.arn: run for run in (*self.every_run, *self.children)}

    @cached_property
    def map_runs(self) -> Mapping[str, Progress]:
        runs = (each for run in self.by_arn.values() for each in run.map_runs)
        return {each.arn: Progress(each) for each in runs}

    @property
    def every_run(self) -> tuple[Run, ...]:
        return self.runs + self.nested + self.earlier

    @property
    def children(self) -> tuple[Run, ...]:
        """Return the executions that Map Runs start."""
        return tuple(child for one in self.every_run for child in one.children)

    @property
    def settled_at(self) -> datetime:
        """Return when all of the executions' calls have been delivered."""
        last = max(run.ends_at for run in self.runs)
        return after(last, LONGEST_LAG)


def build(scenarios: Sequence[str | Scenario], *, epoch: datetime, seed: int) -> World:
    """Work out the whole world; raises ValueError."""
    epoch = to_ms(epoch)
    key = f"{seed}/{iso_ms(epoch)}"
    plans = tuple({plan.name: plan for plan in chosen(scenarios)}.values())
    back = range(len(plans) - 1, -1, -1)
    starts = [epoch - timedelta(seconds=steps * _APART) for steps in back]
    runs = [
        run(plan, started_at=start, key=key)
        for plan, start in zip(plans, starts, strict=True)
    ]
    earlier = [
        run(plan, started_at=start - timedelta(days=days), key=key)
        for plan, start in zip(plans, starts, strict=True)
        for days in plan.days_before
    ]
    nested = [each for one in [*runs, *earlier] for each in _nested(one)]
    every = [*runs, *earlier, *nested]
    trail = [each for one in every for each in _delivered(one, key)]
    trail += [
        each for one in every for child in one.children for each in _calls(child, key)
    ]
    trail += noise.around(runs, epoch, Dice(key, "noise"))
    return World(tuple(runs), tuple(earlier), tuple(nested), tuple(trail))


def _nested(one: Run) -> Iterator[Run]:
    """Yield what an execution starts of other machines, by its children too."""
    for each in one.nested:
        yield each
        yield from _nested(each)
    for child in one.children:
        yield from _nested(child)


def _calls(child: Run, key: str) -> Iterator[Delivered]:
    """Yield what is recorded of a Map Run's child, which is no very late record."""
    if child.calls:
        yield from _records(child, Dice(key, child.name, "trail"))


def _records(one: Run, dice: Dice, late: Sequence[Call] = ()) -> Iterator[Delivered]:
    for call in one.calls:
        event = _event(one, call, dice)
        yield deliver(event, _STRAGGLER_LAG if call in late else dice.lag())
        yield deliver(_assume_role(one, event, dice), dice.lag())


def _delivered(one: Run, key: str) -> Iterator[Delivered]:
    dice = Dice(key, one.name, "trail")
    late = [call for call in one.calls if call.is_poll][:2][-1:]
    yield from _records(one, dice, late)
    for each in one.redrives(one.ends_at):
        yield deliver(_redrive(one, each.at, dice), dice.lag())
    for seconds in (2.0, 14.0):
        at = after(one.started_at, seconds)
        event = noise.sampling_rules(role_arn(one.scenario), at, dice)
        yield deliver(event, dice.lag())


def _event(one: Run, call: Call, dice: Dice) -> Event:
    caller = by_states(role_arn(one.scenario), call.at, dice)
    denial = _DENIAL.format(user=caller.identity["arn"], task=call.job_arn)
    return Event(
        at=call.at,
        source=f"{call.service}.amazonaws.com",
        name=call.name,
        caller=caller,
        request_id=call.request_id,
        event_id=dice.uuid(),
        # A record of a refused call names neither request nor response.
        request=None if call.denied else call.request,
        response=call.response,
        error=("AccessDenied", denial) if call.denied else None,
        read_only=call.is_poll,
    )


def _redrive(one: Run, at: datetime, dice: Dice) -> Event:
    """Return the call with which somebody took an execution up again."""
    return Event(
        at=at,
        source=STATES,
        name="RedriveExecution",
        caller=noise.person(dice),
        request_id=dice.uuid(),
        event_id=dice.uuid(),
        request={"executionArn": one.arn},
        response={"redriveDate": in_words(at)},
        read_only=False,
    )


def _assume_role(one: Run, event: Event, dice: Dice) -> Event:
    """Return how Step Functions came by the session of a call."""
    role = role_arn(one.scenario)
    return Event(
        at=event.at,
        source="sts.amazonaws.com",
        name="AssumeRole",
        caller=service(STATES),
        request_id=dice.uuid(),
        event_id=dice.uuid(),
        request={"roleArn": role, "roleSessionName": event.caller.name},
        response={"assumedRoleUser": {"arn": event.caller.identity["arn"]}},
        resources=(("AWS::IAM::Role", role),),
    )
