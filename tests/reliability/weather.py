"""What shall go wrong, and when: schedules of faults, drawn from a seed."""

from enum import StrEnum
from random import Random

from msgspec import Struct

from sfnwatch.model.records import HealthState


class Fault(StrEnum):
    """A way in which AWS, or the way there, may let a watcher down."""

    THROTTLE = "throttled"
    FAIL = "500 or 503"
    RESET = "reset"
    TRUNCATE = "body truncated"
    HALF_CLOSE = "half-closed"
    GARBAGE = "wrong JSON"
    DRIP = "slow drip"
    STALL = "stalled"
    EXPIRED = "token expired"
    DENIED = "permission lost"
    STALE = "nextToken expired"
    SHRINK = "page shrunk"
    REPEAT = "page repeated"
    DUPLICATE = "records doubled"
    SHUFFLE = "records out of order"
    OUTAGE = "Region out"


_RETRYING = HealthState.RETRYING
SAID = {
    Fault.THROTTLE: HealthState.THROTTLED,
    Fault.FAIL: _RETRYING,
    Fault.RESET: _RETRYING,
    Fault.TRUNCATE: _RETRYING,
    Fault.HALF_CLOSE: _RETRYING,
    Fault.GARBAGE: _RETRYING,
    Fault.STALL: _RETRYING,
    Fault.EXPIRED: HealthState.EXPIRED,
    Fault.DENIED: HealthState.DENIED,
    Fault.OUTAGE: _RETRYING,
}
"""What a lane is to say of itself; what is not here must not be noticed at all."""
OPERATIONS = ("DescribeExecution", "GetExecutionHistory", "LookupEvents")
OUTAGE = 600.0
"""Seconds that a Region is out."""
LATEST = 5400.0
"""Seconds that a record may be late."""
FOR_GOOD = 1e9
_SKEW = 600.0
_SCENARIOS = ("sync", "sync-denied", "async", "sdk", "failure", "pipeline", "redrive")
_SHORT = {"async", "sdk", "redrive"}
"""Those that are over before a permission may be back."""


class Spell(Struct, frozen=True):
    """One kind of fault, for a while; times count from the account's epoch."""

    fault: Fault
    start: float
    end: float
    chance: float = 1.0
    """Of each request."""
    operation: str = ""
    """The one it befalls; empty: any."""

    def befalls(self, operation: str, at: float) -> bool:
        return self.start <= at < self.end and self.operation in {"", operation}


class Schedule(Struct, frozen=True):
    """All that goes wrong with one watch."""

    seed: str
    scenarios: tuple[str, ...]
    spells: tuple[Spell, ...]
    skew: float = 0.0
    """Seconds that the watcher's own clock is off."""
    latest: float = 0.0
    """Seconds that some records are late; 0: as late as they are anyway."""

    def has(self, fault: Fault) -> bool:
        return any(spell.fault is fault for spell in self.spells)


def drawn(seed: int) -> Schedule:
    """Draw a schedule: one to five spells, now and then late records or a skew."""
    dice = Random(f"weather {seed}")  # noqa: S311 - a seed, not a secret
    scenarios: tuple[str, ...] = (dice.choice(_SCENARIOS),)
    if dice.random() < 0.1:
        scenarios = ("sync", "async", "sdk")
    elif dice.random() < 0.02:
        scenarios = ("distributed",)  # of forty executions, and as slow
    faults = [dice.choice(list(Fault)) for _ in range(dice.randint(1, 5))]
    spells = [s for fault in dict.fromkeys(faults) for s in _spells(fault, dice)]
    if set(scenarios) & _SHORT:
        # Once all is over, a permission that is missing is not waited for.
        spells = [each for each in spells if each.fault is not Fault.DENIED]
    return Schedule(
        seed=str(seed),
        scenarios=scenarios,
        spells=tuple(spells),
        skew=dice.choice([0.0, 0.0, _SKEW, -_SKEW]),
        latest=LATEST if dice.random() < 0.04 else 0.0,
    )


def _spells(fault: Fault, dice: Random) -> list[Spell]:
    """Draw one or two spells of a kind, at times at which they can do harm."""
    start = dice.choice([0.0, dice.uniform(0, 30), dice.uniform(0, 320)])
    operation = dice.choice(["", *OPERATIONS])
    match fault:
        case Fault.THROTTLE:
            return [Spell(fault, 0.0, FOR_GOOD, 0.3)]
        case Fault.OUTAGE:
            return [Spell(fault, start, start + OUTAGE)]
        case Fault.DENIED:
            start = dice.choice([0.0, dice.uniform(0, 20)])
            return [Spell(fault, start, start + dice.uniform(1, 40), 1.0, operation)]
        case Fault.EXPIRED:
            return [Spell(fault, start, start + dice.uniform(1, 200))]
        case Fault.SHRINK | Fault.DUPLICATE | Fault.SHUFFLE:
            chance = 1.0 if fault is Fault.SHRINK else dice.uniform(0.1, 0.6)
            return [Spell(fault, 0.0, FOR_GOOD, chance)]
        case Fault.REPEAT | Fault.STALE:
            # There are no later pages where all fits on one.
            small = Spell(Fault.SHRINK, 0.0, FOR_GOOD)
            return [small, Spell(fault, 0.0, FOR_GOOD, dice.uniform(0.1, 0.4))]
        case Fault.STALL | Fault.DRIP:
            return [Spell(fault, start, start + 60, 0.1, operation)]
        case _:
            length, chance = dice.uniform(1, 200), dice.uniform(0.2, 1.0)
            return [Spell(fault, start, start + length, chance, operation)]


def alone(fault: Fault) -> Schedule:
    """Make the schedule of one kind alone, as bad as it gets."""
    chance = {Fault.THROTTLE: 0.3, Fault.STALL: 0.1, Fault.DRIP: 0.2}.get(fault, 0.6)
    ends = {Fault.DENIED: 60.0, Fault.OUTAGE: 20 + OUTAGE, Fault.STALL: 60.0}
    is_whole = fault in {Fault.EXPIRED, Fault.DENIED, Fault.OUTAGE}
    start = 20.0 if is_whole else 0.0
    spell = Spell(fault, start, ends.get(fault, 250.0), 1.0 if is_whole else chance)
    small: tuple[Spell, ...] = ()
    if fault in {Fault.STALE, Fault.REPEAT, Fault.SHRINK}:
        small = (Spell(Fault.SHRINK, 0.0, FOR_GOOD),)
        spell = Spell(fault, 0.0, FOR_GOOD, chance)
    return Schedule(f"{fault} alone", ("sync",), (*small, spell))
