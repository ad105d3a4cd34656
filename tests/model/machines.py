"""Machines at random, and a run of each as AWS would tell it, with the truth known.

The order of events follows what recordings of AWS show: see `visits.py`. Where
none settles what an event follows, one of the possible ways is taken at random.
"""

import json
import random
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests import builders as aws


@dataclass(frozen=True)
class State:
    """Pass, Wait, Choice, Fail, or one that tries, or holds others."""

    type: str
    inner: tuple["States", ...] = ()
    """Of a Parallel its branches; of a Map its processor alone."""
    retries: int = 0
    catch: bool = False
    items: int = 0
    limit: int = 0
    """A Map's MaxConcurrency; 0 is none."""


States = tuple[State, ...]
_FLAG = st.booleans()
_LEAVES = st.sampled_from(["Pass", "Wait", "Choice", "Pass", "Pass", "Fail"])
_SIMPLE = st.builds(State, _LEAVES) | st.builds(
    State, st.just("Task"), retries=st.integers(0, 2), catch=_FLAG
)


def _containers(inner: st.SearchStrategy[State]) -> st.SearchStrategy[State]:
    states = st.lists(inner, min_size=1, max_size=3).map(tuple)
    branches = st.lists(states, min_size=1, max_size=3).map(tuple)
    some, limits, tries = st.integers(0, 4), st.integers(0, 2), st.integers(0, 1)
    parallel = st.builds(
        State, st.just("Parallel"), branches, retries=tries, catch=_FLAG
    )
    each = {"items": some, "limit": limits, "catch": _FLAG}
    return parallel | st.builds(State, st.just("Map"), st.tuples(states), **each)


MACHINES: st.SearchStrategy[States] = st.lists(
    st.recursive(_SIMPLE, _containers, max_leaves=12), min_size=1, max_size=3
).map(tuple)


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it picks test cases


@dataclass(eq=False)
class Truth:
    """What a visit really was."""

    id: int
    name: str
    type: str
    parent: "Truth | None"
    index: int | None
    status: str = "running"
    exited: bool = False
    attempts: list[list[Any]] = field(default_factory=list)
    """Of each the id of its scheduling and its status."""
    failed_by: int = 0
    """The event that its last attempt failed with, or what is in it."""

    @property
    def around(self) -> Iterator["Truth"]:
        visit: Truth | None = self
        while visit:
            yield visit
            visit = visit.parent

    @property
    def path(self) -> str:
        if self.parent is None:
            return f"Main / {self.name}"
        return f"{self.parent.path}[{self.index}] / {self.name}"

    def close(self, status: str) -> None:
        self.status = status
        if self.attempts and self.attempts[-1][1] == "running":
            self.attempts[-1][1] = "aborted"


class UncaughtError(Exception):
    """A state failed, by the event `event` of the visit `visit`."""

    def __init__(self, event: int, visit: Truth) -> None:
        super().__init__(event)
        self.event = event
        self.visit = visit


@dataclass(frozen=True)
class Spot:
    """Where states run: in which visit, which branch, under which names."""

    parent: Truth | None = None
    index: int | None = None
    prefix: str = "s"


Steps = Generator[None, None, int]
SCHEDULED = {**aws.SYNC, "parameters": "{}", "region": aws.REGION}


class Run:
    """One run of a machine; at every pause of a step any other branch may go on."""

    def __init__(
        self,
        machine: States,
        seed: int,
        failing: float,
        *,
        alike: bool = False,
        arn: str = aws.ARN,
        pace: float = 1,
    ) -> None:
        """`alike` has the states of all branches of a Parallel bear the same names."""
        self._dice = dice_of(seed)
        self._failing = failing
        self._alike = alike
        self.history = aws.History(arn, begin=pace, pace=pace, lag=0)
        self.truth: dict[int, Truth] = {}
        self.owners: dict[int, int] = {}
        """An event's id to its visit's, for those where that can be known."""
        self.branches: dict[str, tuple[str, ...]] = {}
        self._live(machine)

    def _emit(
        self, kind: str, before: int, owner: Truth | None = None, **details: Any
    ) -> int:
        if kind.endswith("Failed"):
            details = {"error": self._dice.choice(["Bad", "Worse"]), **details}
        number = self.history.add(kind, after=before, **details)
        if owner is not None:
            self.owners[number] = owner.id
        return number

    def task_of(self, scheduled: int) -> str:
        """Name the ECS task of an attempt."""
        name = f"{self.history.arn[-4:]}{scheduled:028x}"
        return f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/my-cluster/{name}"

    def _ended(self, scheduled: int, word: str) -> dict[str, Any]:
        """Tell in an attempt's last event of its task, and mostly when that stopped."""
        dice, history = self._dice, self.history
        if word == "Failed" and dice.random() < 0.3:
            return {**aws.SYNC, "cause": "in words"}
        job: dict[str, Any] = {"TaskArn": self.task_of(scheduled)}
        if dice.random() < 0.7:
            job["StoppedAt"] = aws.milliseconds(history.now + 0.1 * history.pace)
        if word == "Succeeded":
            return {**aws.SYNC, "output": json.dumps(job)}
        error = "States.TaskFailed"
        return {**aws.SYNC, "error": error, "cause": json.dumps(job)}

    def _live(self, machine: States) -> None:
        self._emit("ExecutionStarted", 0, roleArn=aws.ROLE)
        left = self._dice.choice([10**9, 10**9, 10**9, 7, 20])
        try:
            for _ in self._sequence(machine, 0, Spot()):
                left -= 1
                if not left:
                    self._cut_off()
                    return
        except UncaughtError as error:
            self._emit("ExecutionFailed", error.event)
            self._close_open(None, error.visit, error.event)
        else:
            self._emit("ExecutionSucceeded", self.history.last)

    def _cut_off(self) -> None:
        kind = self._dice.choice(["Aborted", "TimedOut"])
        self._emit(f"Execution{kind}", 0)
        for visit in self.truth.values():
            if visit.status == "running":
                visit.close("aborted" if kind == "Aborted" else "timed_out")

    def _close_open(self, root: Truth | None, failing: Truth, event: int) -> None:
        """Close all that is open inside `root`, but `root` itself."""
        blamed = set(failing.around)
        first = self.truth[self.owners.get(event, failing.id)]
        for visit in self.truth.values():
            inside = root is None or root in visit.around
            if visit is not root and inside and visit.status == "running":
                timed_out = visit.attempts and visit.attempts[-1][1] == "timed_out"
                word = "timed_out" if timed_out else "failed"
                is_over = visit in blamed or self._failed_too(visit, first, event)
                visit.close(word if is_over else "aborted")

    @staticmethod
    def _failed_too(visit: Truth, first: Truth, event: int) -> bool:
        """True for what failed behind the failing event, with no try of it left."""
        tries = len(first.attempts) if visit.name == first.name else 0
        return visit.failed_by > event and len(visit.attempts) >= tries

    # -- states ----------------------------------------------------------------

    def _sequence(self, states: States, before: int, spot: Spot) -> Steps:
        last = before
        for place, state in enumerate(states):
            visit = self._enter(state, f"{spot.prefix}{place}", last, spot)
            yield
            last = yield from self._visit(state, visit)
            yield
        return last

    def _enter(self, state: State, name: str, before: int, spot: Spot) -> Truth:
        number = self._emit(f"{state.type}StateEntered", before, name=name)
        visit = Truth(number, name, state.type, spot.parent, spot.index)
        self.truth[number] = visit
        self.owners[number] = number
        return visit

    def _exit(self, visit: Truth, before: int, status: str = "succeeded") -> int:
        number = self._emit(f"{visit.type}StateExited", before, visit, name=visit.name)
        visit.status, visit.exited = status, True
        return number

    def _visit(self, state: State, visit: Truth) -> Steps:
        if state.type == "Task":
            return self._task(state, visit)
        return self._contain(visit, state) if state.inner else self._leaf(visit)

    def _leaf(self, visit: Truth) -> Steps:
        yield
        if visit.type == "Fail":
            raise UncaughtError(visit.id, visit)
        return self._exit(visit, visit.id)

    def _task(self, task: State, visit: Truth) -> Steps:
        last = visit.id
        for _ in range(task.retries + 1):
            last = yield from self._try(visit, last)
            if visit.attempts[-1][1] == "succeeded":
                return self._exit(visit, last)
            yield
        if task.catch:
            return self._exit(visit, last, "caught")
        raise UncaughtError(last, visit)

    def _try(self, visit: Truth, before: int) -> Steps:
        number = self._emit("TaskScheduled", before, visit, **SCHEDULED)
        visit.attempts.append([number, "running"])
        yield
        last = self._emit("TaskStarted", number, visit, **aws.SYNC)
        yield
        fails = self._dice.random() < self._failing
        word = self._dice.choice(["Failed", "TimedOut"]) if fails else "Succeeded"
        last = self._emit(f"Task{word}", last, visit, **self._ended(number, word))
        statuses = {"Failed": "failed", "TimedOut": "timed_out"}
        visit.attempts[-1][1] = statuses.get(word, "succeeded")
        visit.failed_by = last if fails else 0
        return last

    # -- Parallel and Map --------------------------------------------------------

    def _contain(self, visit: Truth, state: State) -> Steps:
        before = visit.id
        for left in range(state.retries, -1, -1):
            started = self._emit(f"{visit.type}StateStarted", before, visit)
            yield
            try:
                last = yield from self._inside(visit, state, started)
            except UncaughtError as error:
                before = error.event
                failed = self._fail(visit, error, final=not left)
                if failed:
                    return self._caught(visit, state, error, failed)
            else:
                self._emit(f"{visit.type}StateSucceeded", last, visit)
                return self._exit(visit, last)
        raise AssertionError

    def _caught(
        self, visit: Truth, state: State, error: UncaughtError, failed: int
    ) -> int:
        if state.catch:
            return self._exit(visit, failed, "caught")
        # What the outer container's own failure follows is in no recording.
        raise UncaughtError(self._dice.choice([failed, error.event]), visit)

    def _fail(self, visit: Truth, error: UncaughtError, *, final: bool) -> int:
        """End what runs inside; a retry leaves no Failed event behind."""
        self._tell_of_aborted(visit, error)
        failed = 0
        if final:
            failed = self._emit(f"{visit.type}StateFailed", error.event, visit)
            visit.failed_by = failed
        self._close_open(visit, error.visit, error.event)
        return failed

    def _tell_of_aborted(self, visit: Truth, error: UncaughtError) -> None:
        blamed = set(error.visit.around)
        for other in self.truth.values():
            siblings = visit in other.around and other not in blamed
            if siblings and other.status == "running" and self._dice.random() < 0.5:
                self._emit(f"{other.type}StateAborted", error.event)
        if visit.type == "Map":
            inside = next(v for v in error.visit.around if v.parent is visit)
            index = {"name": visit.name, "index": inside.index}
            self._emit("MapIterationFailed", error.event, visit, **index)
            for other_index in {
                v.index for v in self.truth.values() if v.parent is visit
            }:
                if other_index != inside.index and self._dice.random() < 0.5:
                    more = {"name": visit.name, "index": other_index}
                    self._emit("MapIterationAborted", error.event, visit, **more)

    def _inside(self, visit: Truth, state: State, started: int) -> Steps:
        if state.type == "Parallel":
            return self._at_once(self._branches(visit, state, started), started)
        return self._iterations(visit, state, started)

    def _branches(self, visit: Truth, state: State, started: int) -> list[Steps]:
        prefixes = [
            f"{visit.name}." if self._alike else f"{visit.name}.{number}."
            for number in range(len(state.inner))
        ]
        self.branches[visit.name] = tuple(f"{prefix}0" for prefix in prefixes)
        return [
            self._sequence(states, started, Spot(visit, number, prefix))
            for number, (states, prefix) in enumerate(
                zip(state.inner, prefixes, strict=True)
            )
        ]

    def _at_once(self, running: list[Steps], last: int) -> Steps:
        if self._alike:
            # Nothing but the order of entering tells branches of equal names apart.
            for steps in running:
                next(steps)
                yield
        while running:
            steps = self._dice.choice(running)
            try:
                next(steps)
            except StopIteration as end:
                running.remove(steps)
                last = end.value
            yield
        return last

    def _iterations(self, visit: Truth, state: State, started: int) -> Steps:
        last, before, left = started, started, list(range(state.items))
        running: dict[int, Steps] = {}
        while left or running:
            while left and len(running) < (state.limit or state.items):
                index = left.pop(0)
                running[index] = self._iteration(visit, state, before, index)
                next(running[index])
            index = self._dice.choice(list(running))
            try:
                next(running[index])
            except StopIteration as end:
                del running[index]
                last = end.value
                chained = state.limit == 1 or self._dice.random() < 0.5
                before = last if chained and state.limit else started
            yield
        return last

    def _iteration(self, visit: Truth, state: State, before: int, index: int) -> Steps:
        details = {"name": visit.name, "index": index}
        first = self._emit("MapIterationStarted", before, visit, **details)
        yield
        spot = Spot(visit, index, f"{visit.name}.")
        last = yield from self._sequence(state.inner[0], first, spot)
        self._emit("MapIterationSucceeded", last, visit, **details)
        return last

    @property
    def definition(self) -> dict[str, Any]:
        """The states of the definition that say which branch is which."""
        return {
            name: {"Type": "Parallel", "Branches": [{"StartAt": s} for s in starts]}
            for name, starts in self.branches.items()
        }

    # -- redrives --------------------------------------------------------------------

    def redrive(self) -> None:
        """Go on with a Task that was cut short, if there is one.

        No recording has a redrive: what follows what is taken at random, and from here
        on nothing is said of the truth.
        """
        dice, last = self._dice, self.history.records[-1].record["type"]
        cut = [v for v in self.truth.values() if v.attempts and not v.exited]
        if last == "ExecutionSucceeded" or not cut:
            return
        visit = dice.choice(cut)
        self._emit("ExecutionRedriven", 0, redriveCount=dice.choice([1, 2]))
        before = dice.choice([visit.id, 0, self.history.last])
        number = self._emit("TaskScheduled", before, **SCHEDULED)
        before = self._emit("TaskStarted", number, **aws.SYNC)
        word = dice.choice(["Succeeded", "Failed"])
        before = self._emit(f"Task{word}", before, **self._ended(number, word))
        if word == "Succeeded":
            before = self._exit(visit, before)
        if visit.parent is not None and dice.random() < 0.5:
            self._emit(f"{visit.parent.type}StateSucceeded", before)
            before = self._exit(visit.parent, before)
        ending = dice.choice(["Succeeded", "Failed", "Aborted", None])
        if ending:
            self._emit(f"Execution{ending}", 0 if ending == "Aborted" else before)
