"""What shall go wrong, and when: schedules of faults, drawn from a seed."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sfnwatch.trace.events import HealthState


class Kind(StrEnum):
    """A way in which AWS, or the way there, may let a watcher down."""

    THROTTLE = "throttled"
    FAIL = "500 or 503"
    RESET = "reset"
    TRUNCATE = "body truncated"
    HALF_CLOSE = "half-closed"
    GARBAGE = "wrong JSON"
    DRIP = "slow drip"
    STALL = "stalled"
    DNS = "name not resolved"
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
    Kind.THROTTLE: HealthState.THROTTLED,
    Kind.FAIL: _RETRYING,
    Kind.RESET: _RETRYING,
    Kind.TRUNCATE: _RETRYING,
    Kind.HALF_CLOSE: _RETRYING,
    Kind.GARBAGE: _RETRYING,
    Kind.STALL: _RETRYING,
    Kind.DNS: _RETRYING,
    Kind.EXPIRED: HealthState.EXPIRED,
    Kind.DENIED: HealthState.DENIED,
    Kind.OUTAGE: _RETRYING,
}
"""What a lane is to say of itself; what is not here must not be noticed at all."""
OPERATIONS = ("DescribeExecution", "GetExecutionHistory", "LookupEvents")
OUTAGE = 600.0
"""Seconds that a Region is out."""
LATEST = 5400.0
"""Seconds that a record may be late."""
_SKEW = 600.0
_SCENARIOS = (
    *("sync", "sync-denied", "async", "sdk", "failure", "pipeline", "redrive"),
)
_SHORT = {"async", "sdk", "redrive"}
"""Those that are over before a permission may be back."""
_FOR_GOOD = 1e9


@dataclass(frozen=True, slots=True)
class Spell:
    """One kind of fault, for a while; times count from the account's epoch."""

    kind: Kind
    start: float
    end: float
    chance: float = 1.0
    """Of each request."""
    operation: str = ""
    """The one it befalls; empty: any."""

    def befalls(self, operation: str, at: float) -> bool:
        return self.start <= at < self.end and self.operation in {"", operation}


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that goes wrong with one watch."""

    seed: str
    scenarios: tuple[str, ...]
    spells: tuple[Spell, ...]
    skew: float = 0.0
    """Seconds that the watcher's own clock is off."""
    latest: float = 0.0
    """Seconds that some records are late; 0: as late as they are anyway."""


def drawn(seed: int) -> Schedule:
    """Draw a schedule: one to five spells, now and then late records or a skew."""
    dice = Random(f"weather {seed}")  # noqa: S311 - a seed, not a secret
    scenarios: tuple[str, ...] = (dice.choice(_SCENARIOS),)
    if dice.random() < 0.1:
        scenarios = ("sync", "async", "sdk")
    elif dice.random() < 0.02:
        scenarios = ("distributed",)  # of forty executions, and as slow
    kinds = [dice.choice(list(Kind)) for _ in range(dice.randint(1, 5))]
    spells = [spell for kind in dict.fromkeys(kinds) for spell in _spells(kind, dice)]
    if set(scenarios) & _SHORT:
        # Once all is over, a permission that is missing is not waited for.
        spells = [each for each in spells if each.kind is not Kind.DENIED]
    return Schedule(
        seed=str(seed),
        scenarios=scenarios,
        spells=tuple(spells),
        skew=dice.choice([0.0, 0.0, _SKEW, -_SKEW]),
        latest=LATEST if dice.random() < 0.04 else 0.0,
    )


def _spells(kind: Kind, dice: Random) -> list[Spell]:
    """Draw one or two spells of a kind, at times at which they can do harm.

    A permission that is lost after the end is not waited for; nor is it lost for ever.
    """
    start = dice.choice([0.0, dice.uniform(0, 30), dice.uniform(0, 320)])
    operation = dice.choice(["", *OPERATIONS])
    match kind:
        case Kind.THROTTLE:
            return [Spell(kind, 0.0, _FOR_GOOD, 0.3)]
        case Kind.OUTAGE:
            return [Spell(kind, start, start + OUTAGE)]
        case Kind.DENIED:
            start = dice.choice([0.0, dice.uniform(0, 20)])
            return [Spell(kind, start, start + dice.uniform(1, 40), 1.0, operation)]
        case Kind.EXPIRED | Kind.DNS:
            return [Spell(kind, start, start + dice.uniform(1, 200))]
        case Kind.SHRINK | Kind.DUPLICATE | Kind.SHUFFLE:
            return [Spell(kind, 0.0, _FOR_GOOD, dice.uniform(0.1, 0.6))]
        case Kind.REPEAT | Kind.STALE:
            # There are no later pages where all fits on one.
            small = Spell(Kind.SHRINK, 0.0, _FOR_GOOD, 0.8)
            return [small, Spell(kind, 0.0, _FOR_GOOD, dice.uniform(0.1, 0.4))]
        case Kind.STALL | Kind.DRIP:
            return [Spell(kind, start, start + 60, 0.1, operation)]
        case _:
            length, chance = dice.uniform(1, 200), dice.uniform(0.2, 1.0)
            return [Spell(kind, start, start + length, chance, operation)]


def alone(kind: Kind) -> Schedule:
    """Make the schedule of one kind alone, as bad as it gets."""
    chance = {Kind.THROTTLE: 0.3, Kind.STALL: 0.1, Kind.DRIP: 0.2}.get(kind, 0.6)
    end = {Kind.DENIED: 60.0, Kind.OUTAGE: 20 + OUTAGE, Kind.STALL: 60.0}
    whole = kind in {Kind.EXPIRED, Kind.DENIED, Kind.OUTAGE, Kind.DNS}
    start = 20.0 if whole else 0.0
    spell = Spell(kind, start, end.get(kind, 250.0), 1.0 if whole else chance)
    paged = kind in {Kind.STALE, Kind.REPEAT}
    small = (Spell(Kind.SHRINK, 0.0, _FOR_GOOD),) if paged else ()
    return Schedule(f"{kind} alone", ("sync",), (*small, spell))
