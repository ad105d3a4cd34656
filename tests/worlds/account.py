"""An account: machines that share roles, and their executions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tests.worlds.company import clean_up, watch_over
from tests.worlds.executions import (
    SHARED_NAME,
    Execution,
    Machine,
    Population,
    Role,
    State,
)
from tests.worlds.services import FLEET, HTTP, JOBS, NAMED, NESTED, ONCE, PLAIN, Service

START = datetime(2024, 5, 1, 9, 0, 0, tzinfo=UTC)
ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("eu-west-1", "us-east-1")


@dataclass(frozen=True)
class Wish:
    """What a world is to be like."""

    seed: int = 0
    watched: int = 1
    strangers: int = 0
    states: int = 1
    count: int = 1
    """Items of a Map, at most."""
    trouble: int = 0
    """Tries that go wrong, of ten."""
    items: int = 0
    """States that are told an item, of ten: their runs have other parameters."""
    nesting: int = 0
    """States that hold others, of ten."""
    cleaners: int = 0
    """Executions that stop others' jobs."""
    watchdogs: int = 0
    """Executions that ask for others' jobs, again and again."""
    handed: int = 0
    """States, of ten with an item, whose item others get handed, too."""
    nested: int = 1
    """Tasks, of ten, that start an execution: its cause is quoted by theirs."""
    once: bool = False
    """True if several executions start a child by one name."""
    noise: int = 0
    """Calls by others."""
    denied: int = 0
    """1: polls are denied; 2: actions too."""
    accounts: int = 1
    regions: int = 1
    live: bool = False
    early: bool = False
    """True if not all has come yet: of a file, the ends of history and calls."""
    untidy: bool = False
    """Shuffled, and some twice."""
    skewed: bool = False
    """True if CloudTrail's clock is not that of the histories."""
    clocks: bool = False
    """True if each service has a clock of its own."""
    lost: int = 0
    """Own calls that are in no file, where others' are; none of a watch."""
    doubled: int = 0
    """Calls, of ten, that are delivered twice."""
    few: bool = False
    """True for rows of few columns: no caller's service, and mostly no ids."""
    begins: bool = False
    """True if a file of calls begins when the executions ran already."""
    data_events: bool = False
    listed: int = 0
    """Of the strangers: 0 not told, 1 told but not far enough back, 2 all told."""
    straggler: bool = False
    """One record comes after what was said to be complete."""

    @staticmethod
    def of(seed: int) -> "Wish":
        """Wish for what is usual; one in fifty is larger."""
        dice = Random(seed)  # noqa: S311 - a world is no secret
        large = seed % 50 == 49
        return Wish(
            seed=seed,
            watched=dice.choice((1, 1, 1, 2, 3)) * (3 if large else 1),
            strangers=dice.choice((0, 1, 1, 2, 3)) * (5 if large else 1),
            states=dice.choice((1, 2, 3, 4)) * (2 if large else 1),
            count=dice.choice((20, 60)) if large else dice.choice((2, 4, 6)),
            trouble=dice.choice((0, 1, 3, 6)),
            items=dice.choice((0, 3, 10)),
            nesting=dice.choice((0, 2, 5)),
            cleaners=dice.choice((0, 0, 0, 1)),
            watchdogs=dice.choice((0, 0, 0, 0, 1)),
            handed=dice.choice((0, 0, 3)),
            nested=dice.choice((1, 1, 1, 4)),
            once=dice.random() < 0.1,
            noise=dice.choice((0, 0, 2, 5)),
            denied=dice.choice((0, 0, 0, 1, 1, 2)),
            accounts=dice.choice((1, 1, 1, 2)),
            regions=dice.choice((1, 1, 1, 2)),
            live=dice.random() < 0.5,
            early=dice.random() < 0.4,
            untidy=dice.random() < 0.4,
            skewed=dice.random() < 0.15,
            data_events=dice.random() < 0.3,
            listed=dice.choice((0, 1, 2, 2)),
            straggler=dice.random() < 0.03,
            clocks=dice.random() < 0.07,
            lost=dice.choice((0, 0, 0, 1, 3)),
            doubled=dice.choice((0, 0, 0, 0, 3)),
            few=dice.random() < 0.12,
            begins=dice.random() < 0.08,
        )


# -- machines --------------------------------------------------------------------------


Maker = Callable[..., Machine]
"""Makes a machine of states, which has another name if need be."""


class _Designer:
    """Thinks of machines that use a few services, so that their calls are alike."""

    def __init__(self, wish: Wish, dice: Random) -> None:
        self.wish, self.dice = wish, dice
        plain = [each for each in PLAIN if wish.data_events or not each.data]
        self.jobs = dice.sample(JOBS, dice.choice((1, 1, 2)))
        if dice.random() < 0.5:
            self.jobs[0] = JOBS[0]
        # What makes a cluster, what uses it, and what ends it go together.
        clusters = {"elasticmapreduce", "eks"} & {each.source for each in self.jobs}
        self.jobs += [each for each in JOBS if each.source in clusters]
        some = dice.sample(plain, dice.choice((1, 2)))
        if wish.data_events:
            some.append(dice.choice([each for each in PLAIN if each.data]))
        self.pool = [*self.jobs, *self.jobs, *some]
        self.inner: Machine | None = None
        self.count = 0

    def machine(self, name: str, account: str, region: str, role: Role) -> Machine:
        def made(states: tuple[State, ...], name: str = name) -> Machine:
            return Machine(name, account, region, role, states)

        self.inner = made((self._task(name, "Inner"),), f"{name}-inner")
        count = self.dice.randint(1, self.wish.states)
        states = tuple(self._state(name, made) for _ in range(count))
        return made(states)

    def _name(self) -> str:
        self.count += 1
        return f"S{self.count}"

    def _chance(self, tenths: int) -> bool:
        return self.dice.random() < tenths / 10

    def _state(self, machine: str, made: Maker) -> State:
        dice = self.dice
        if self._chance(self.wish.nesting):
            return self._container(machine, made)
        roll = dice.random()
        if roll < 0.05:
            return State(self._name(), "pass")
        if roll < 0.09:
            return State(self._name(), pattern="activity")
        if roll < 0.17:
            return State(self._name(), dice.choice(("look", "stop")), pattern="sdk")
        return self._task(machine)

    def _container(self, machine: str, made: Maker) -> State:
        dice, kind = self.dice, self.dice.choice(("parallel", "map", "map", "map-run"))
        name, count = self._name(), dice.randint(1, self.wish.count)
        if kind == "map-run":
            each = made((self._task(machine),), f"{machine}/Each")
            return State(name, kind, count=count, machine=each)
        if kind == "map":
            inner = tuple(self._task(machine) for _ in range(dice.choice((1, 1, 2))))
            serial = dice.random() < 0.5
            return State(name, kind, inner=inner, count=count, serial=serial)
        branches = [self._task(machine) for _ in range(dice.choice((2, 3)))]
        if dice.random() < 0.4:
            # The same thing twice at once.
            branches[1] = branches[0]
        return State(name, kind, inner=tuple(branches))

    def _task(self, machine: str, name: str = "") -> State:
        dice, name = self.dice, name or self._name()
        service: Service = dice.choice(self.pool)
        roll = dice.random()
        if self._chance(self.wish.nested) and self.inner is not None:
            service = dice.choice((NESTED, NAMED))
        elif roll < 0.04:
            service = HTTP
        elif self.wish.once and self.inner is not None and roll < 0.3:
            service = ONCE
        elif service is JOBS[0] and dice.random() < 0.15:
            service = FLEET
        # The same job is started by several machines now and then.
        word = dice.choice(("nightly", "report"))
        word = word if dice.random() < 0.2 else f"{machine}-{name}"
        if service is ONCE:
            word = SHARED_NAME
        has_item = self._chance(self.wish.items)
        return State(
            name=name,
            service=service,
            pattern=dice.choice(service.patterns.split()),
            word=word,
            has_item=has_item,
            handed=has_item and self._chance(self.wish.handed),
            tries=dice.choice((1, 1, 2, 3)),
            caught=dice.random() < 0.3,
            machine=self.inner if service in {NESTED, NAMED, ONCE} else None,
            cross=self._cross(),
            trouble=self.wish.trouble / 10,
        )

    def _cross(self) -> Role | None:
        if self.wish.accounts < 2 or self.dice.random() > 0.05:
            return None
        return Role(ACCOUNTS[1], "target")


def populate(wish: Wish, dice: Random) -> Population:
    """Have machines run side by side, under as few roles as there usually are."""
    world = Population(dice, START.timestamp())
    designer = _Designer(wish, dice)
    names = frozenset(each.source for each in designer.jobs)
    path = dice.choice(("/", "/service-role/"))
    machines: list[Machine] = []
    for number in range(dice.choice((1, 2, 2))):
        account = ACCOUNTS[number % wish.accounts if dice.random() < 0.6 else 0]
        region = REGIONS[number % wish.regions if dice.random() < 0.6 else 0]
        # Mostly they share it.
        name = dice.choice(("sfn", "sfn", "sfn", "other"))
        refused = frozenset((dice.choice(designer.pool).name,))
        role = Role(
            account,
            name,
            path,
            no_polls=names if wish.denied else frozenset(),
            no_actions=refused if wish.denied > 1 else frozenset(),
        )
        machines.append(designer.machine(f"m{number}", account, region, role))
    roots: list[Execution] = []
    for number in range(wish.watched + wish.strangers):
        machine = machines[0] if dice.random() < 0.7 else dice.choice(machines)
        begin = dice.choice((dice.uniform(0, 2), dice.uniform(0, 90)))
        run = Execution(machine, 10 + begin, world)
        if roots and wish.handed and dice.random() < 0.4:
            run.handed = roots[0].origin
        run.play()
        run.watched = number < wish.watched
        roots.append(run)
    for _ in range(wish.cleaners):
        clean_up(world, dice)
    for _ in range(wish.watchdogs):
        watch_over(world, dice)
    for run in roots:
        if dice.random() < 0.12:
            how = dice.choice(("Aborted", "Aborted", "TimedOut"))
            run.abort(dice.uniform(run.begin, run.end), how, dice)
    _watch_children(world, dice)
    return world


def _watch_children(world: Population, dice: Random) -> None:
    for run in world.executions:
        if run.parent is not None:
            run.watched = run.parent.watched and dice.random() < 0.5
