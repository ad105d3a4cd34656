"""An account: machines that share roles, their executions, and who else makes calls."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from tests.worlds.executions import (
    Attempt,
    Call,
    Execution,
    Machine,
    Population,
    Role,
    State,
    uuid,
)
from tests.worlds.services import HTTP, JOBS, NAMED, NESTED, PLAIN, Service

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
    """Executions that look at others' jobs, or stop them."""
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
        if roll < 0.12 and self.inner is not None:
            service = dice.choice((NESTED, NAMED))
        elif roll < 0.16:
            service = HTTP
        # The same job is started by several machines now and then.
        word = dice.choice(("nightly", "report"))
        word = word if dice.random() < 0.2 else f"{machine}-{name}"
        return State(
            name=name,
            service=service,
            pattern=dice.choice(service.patterns.split()),
            word=word,
            has_item=self._chance(self.wish.items),
            tries=dice.choice((1, 1, 2, 3)),
            caught=dice.random() < 0.3,
            machine=self.inner if service in {NESTED, NAMED} else None,
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
    roots = []
    for number in range(wish.watched + wish.strangers):
        machine = machines[0] if dice.random() < 0.7 else dice.choice(machines)
        begin = dice.choice((dice.uniform(0, 2), dice.uniform(0, 90)))
        run = Execution(machine, 10 + begin, world).play()
        run.watched = number < wish.watched
        roots.append(run)
    for _ in range(wish.cleaners):
        _clean(world, dice)
    for run in roots:
        if dice.random() < 0.12:
            how = dice.choice(("Aborted", "Aborted", "TimedOut"))
            run.abort(dice.uniform(run.begin, run.end), how, dice)
    _watch_children(world, dice)
    return world


def _clean(world: Population, dice: Random) -> None:
    """Run a machine that looks at others' jobs, or stops them.

    What it stops while it runs must have failed then: so it is one that did, a moment
    later, or one that had ended.
    """

    def begun(attempt: Attempt) -> float:
        return attempt.answered or 0.0

    tries = [attempt for run in world.executions for attempt in run.attempts]
    asked = [each for each in tries if each.job and each.service.sdk and begun(each)]
    if not asked:
        return
    aim = dice.choice(asked)
    kind = dice.choice(("look", "stop")) if aim.service.stop else "look"
    end = aim.end or begun(aim)
    begin = dice.choice((begun(aim) + 1.0, end + 5.0))
    if kind == "stop":
        begin = end - 2.0 if aim.status == "failed" else end + dice.uniform(1, 60)
        begin = max(begin, begun(aim) + 0.2)
    owner = aim.run.machine
    state = State("Clean", kind, pattern="sdk", foreign=True)
    machine = Machine("cleaner", owner.account, owner.region, owner.role, (state,))
    run = Execution(machine, begin, world)
    # Others of the kind at once, where that is possible.
    alike = [each for each in asked if each.service is aim.service and each is not aim]
    alike = [each for each in alike if begun(each) < begin]
    run.aims = [aim, *dice.sample(alike, min(len(alike), dice.choice((0, 2))))]
    run.play()
    run.watched = dice.random() < 0.3


def _watch_children(world: Population, dice: Random) -> None:
    for run in world.executions:
        if run.parent is not None:
            run.watched = run.parent.watched and dice.random() < 0.5


# -- calls by others -------------------------------------------------------------------


_OTHERS = {
    "people": ("", ""),
    "session": ("", ""),
    "xray": ("xray", "GetSamplingRules"),
    "agent": ("ecs", "SubmitTaskStateChange"),
    "own": ("cloudtrail", "LookupEvents"),
    "kms": ("kms", "GenerateDataKey"),
    "sts": ("sts", "AssumeRole"),
    "lambda": ("lambda", "InvokeExecution"),
}
"""Who else makes calls, and which; people make the same as Step Functions."""


def noise(world: Population, wish: Wish, dice: Random) -> Iterator[Call]:
    """Yield the calls of others: people, agents, X-Ray, and this tool itself."""
    made = [call for run in world.executions for a in run.attempts for call in a.calls]
    for call in made:
        if call.name == "Invoke" and call.error is None and dice.random() < 0.3:
            yield _like(call, dice, "lambda")
    for _ in range(wish.noise if made else 0):
        yield _like(dice.choice(made), dice, dice.choice([*_OTHERS][:-1]))


def _like(call: Call, dice: Random, by: str) -> Call:
    """Make a call that is much like another, but by somebody else."""
    source, name = _OTHERS[by]
    same = by in {"people", "session", "lambda"}
    request = call.request if same else None
    if by == "sts" and call.role is not None:
        # What gives Step Functions its session [inferred from Lambda's].
        request = {"roleArn": call.role.arn, "roleSessionName": call.session}
    # Lambda's own, after an asynchronous Invoke, has that one's request id.
    own = by != "lambda"
    return Call(
        at=call.at + dice.uniform(-1, 20) * own,
        source=source or call.source,
        name=name or call.name,
        account=call.account,
        region=call.region,
        role=call.role,
        kind="noise",
        request=request,
        request_id=uuid(dice) if own else call.request_id,
        session={"session": "debug", "xray": "xray-daemon-1"}.get(by, "abcdefgh"),
        event_id=uuid(dice),
        by=by,
        data=not own,
    )
