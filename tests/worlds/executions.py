"""Executions as Step Functions runs them, each with the calls that it makes.

A state writes its events and calls with their true times; what runs side by side is
sorted, numbered and cut afterwards. What no recording shows is marked [inferred].
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from string import ascii_letters
from typing import Any, NamedTuple
from uuid import UUID

from sfnwatch.model.values import strings_in
from tests.builders import denial
from tests.worlds.services import FLEET, Json, Service, fill, lowered, tree

REASON = "Execution stopped"
POLLS = (55.0, 66.0)
"""Seconds from one poll to the next [recorded for ECS; inferred for all others]."""
LATER_POLLS = (292.0, 308.0)
EASED = 600.0
"""Seconds after which polls come at the longer interval [documented for EKS]."""


class Role(NamedTuple):
    """A role, and what it may not do."""

    account: str
    name: str
    path: str = "/"
    no_polls: frozenset[str] = frozenset()
    """The services whose jobs it may not look at."""
    no_actions: frozenset[str] = frozenset()

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


@dataclass(eq=False)
class Call:
    """A call as it was made, by whomever."""

    at: float
    source: str
    name: str
    account: str
    region: str
    role: Role | None
    kind: str
    """action, poll, stop or other; of those by nobody here, `noise`."""
    attempt: "Attempt | None" = None
    request: Any = None
    answer: Any = None
    error: tuple[str, str] | None = None
    request_id: str = ""
    session: str = ""
    event_id: str = ""
    by: str = "states"
    """`states`, or whoever it was: see `account.noise`."""
    forwarder: str = ""
    """The service that made it for the one that was called."""
    data: bool = False
    more: Json = field(default_factory=dict)
    """Other members of its record."""
    shown: dict[str, Any] = field(default_factory=dict)
    """The words of the parameters that the record shows where the history has them."""
    ids: frozenset[str] = frozenset()
    """The jobs that its record names."""
    about: frozenset[str] = frozenset()
    """All jobs it is about, named or not."""


@dataclass(eq=False)
class Event:
    at: float
    type: str
    details: Json
    previous: "Event | None"
    attempt: "Attempt | None" = None
    id: int = 0


@dataclass(eq=False)
class Attempt:
    """One try of a Task."""

    run: "Execution"
    service: Service
    pattern: str
    role: Role
    region: str
    words: Json
    """The words in its parameters, by which it differs from others."""
    begin: float
    names: dict[str, str] = field(default_factory=dict)
    """All words of the templates."""
    scheduled: Event | None = None
    answered: float | None = None
    end: float | None = None
    status: str = "running"
    calls: list[Call] = field(default_factory=list)
    job: str = ""
    child: "Execution | None" = None
    about: frozenset[str] = frozenset()
    """The jobs of others that it asks for, or stops."""
    jobs: tuple[str, ...] = ()
    """All that its call began: mostly the one that is `job`."""
    state: "State | None" = None
    entered: "Event | None" = None
    """The event by which its state was entered."""
    job_ended: float | None = None
    """When its job stopped, where its answer tells that."""

    @property
    def key(self) -> tuple[str, int]:
        return self.run.arn, self.scheduled.id if self.scheduled else 0

    @property
    def sync(self) -> bool:
        return self.pattern.startswith("sync")

    @property
    def by_sdk(self) -> bool:
        return self.pattern.startswith("sdk")

    @property
    def has_token(self) -> bool:
        return self.pattern.endswith("token")

    def cut(self, at: float, dice: Random) -> None:
        """End it with what is around it; its job is stopped if it is waited for."""
        self.calls = [c for c in self.calls if c.at <= at or c.kind == "stop"]
        if self.end is not None and self.end <= at:
            return
        self.end, self.status = at, "aborted"
        if self.answered is not None and self.answered > at:
            self.answered = None
        if self.sync and self.answered is not None and self.job:
            self.stop(at + dice.choice((0.2, 0.8, 3.0, 20.0)), dice)

    def stop(self, at: float, dice: Random) -> None:
        """Stop the job, as well as may be [documented, but for when]."""
        if self.service.stop and dice.random() < 0.9:
            if self.child is not None:
                self.child.abort(at, "Aborted", dice)
            for job in self.jobs or (self.job,):
                names = {**self.names, "job": job}
                self._stop_job(at, names, dice)

    def _stop_job(self, at: float, names: dict[str, str], dice: Random) -> None:
        request = fill(tree(self.service.stops or self.service.polls), names)
        call = self.call(at, self.service.stop, "stop", request, dice)
        if self.service.source in self.role.no_polls and dice.random() < 0.3:
            resource = fill(self.service.denied, names)
            deny(call, f"{call.source}:{call.name}", resource)
        self.calls.append(call)

    def call(
        self, at: float, name: str, kind: str, request: Any, dice: Random
    ) -> "Call":
        """Make a call in this try's name; in whose answer its job is named or not."""
        source = self.service.source
        return Call(
            at=at,
            source=source,
            name=name,
            account=self.role.account,
            # IAM's calls are recorded in one Region [documented].
            region="us-east-1" if source == "iam" else self.region,
            role=self.role,
            kind=kind,
            attempt=self,
            request=lowered(request) if kind in {"poll", "stop"} else request,
            request_id=uuid(dice),
            session="".join(dice.choices(ascii_letters, k=32)),
            event_id=uuid(dice),
            ids=ids_named(request),
            about=frozenset(self.jobs or ((self.job,) if self.job else ())),
        )


def uuid(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128)))


def ids_in_text(text: str) -> frozenset[str]:
    """Give the ARNs in a sentence, but for callers'."""
    words = (word.rstrip(".,;:") for word in text.split())
    return frozenset(w for w in words if w.startswith("arn:") and ":sts:" not in w)


def ids_named(value: Any) -> frozenset[str]:
    """Give all strings in a value: an id among them is named."""
    return frozenset(strings_in(value))


# -- what a machine does ---------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """A state of a machine, and how its runs go."""

    name: str
    kind: str = "task"
    """task, pass, wait, parallel, map, map-run, or look at the last job, or stop it."""
    service: Service | None = None
    pattern: str = "rr"
    word: str = ""
    """What `$state` stands for in its parameters."""
    has_item: bool = False
    handed: bool = False
    """True if its item is what others get handed, too: the ARN of what began it all."""
    seconds: float = 0.0
    """Of a wait."""
    inner: tuple["State", ...] = ()
    """Of a Map its states; of a Parallel a branch each."""
    count: int = 0
    serial: bool = False
    tries: int = 1
    caught: bool = False
    machine: "Machine | None" = None
    """What a nested execution, or a Map Run's, is of."""
    foreign: bool = False
    """True if what it looks at, or stops, is another execution's."""
    cross: Role | None = None
    """The role of its own credentials, in another account."""
    trouble: float = 0.0
    """How likely a try of it goes wrong."""


@dataclass(frozen=True)
class Machine:
    name: str
    account: str
    region: str
    role: Role
    states: tuple[State, ...]

    @property
    def arn(self) -> str:
        head = f"arn:aws:states:{self.region}:{self.account}"
        return f"{head}:stateMachine:{self.name}"

    def execution_arn(self, name: str) -> str:
        return f"{self.arn.replace(':stateMachine:', ':execution:')}:{name}"


class Line(NamedTuple):
    """Where a line of states has come to."""

    at: float
    last: Event | None
    failed: bool = False


class Outcome(NamedTuple):
    """How a try ends, by how its action call is answered and its job goes on."""

    name: str
    code: str = ""
    message: str = ""


OK = Outcome("ok")
THROTTLED = Outcome("throttled", "ThrottlingException", "Rate exceeded")
MISSING = Outcome("missing", "ResourceNotFoundException", "It was not found.")
DENIED = Outcome("denied", "AccessDeniedException")
NO_CALL = Outcome("no-call")
"""The connection failed, as for a queue whose name is no host's [recorded]."""
UNREACHED = Outcome("unreached")
"""The connection was never made, so nothing arrived."""
UNHEARD = Outcome("unheard")
"""The call succeeded, and its answer was never heard."""
FAILURES = Outcome("failures")
"""RunTask succeeds, but has failures instead of tasks [documented]."""
JOB_FAILED, TIMED_OUT = Outcome("failed"), Outcome("timed out")

_TELLING = ("state", "item", "machine", "made", "token")
"""The words by which two tries' parameters may differ."""


@lru_cache(maxsize=512)
def _used(text: str) -> frozenset[str]:
    return frozenset(w for w in _TELLING if f"${w}" in text)


# -- one execution ---------------------------------------------------------------------


class Execution:
    """One run of a machine, written as it goes."""

    def __init__(
        self, machine: Machine, begin: float, world: "Population", name: str = ""
    ) -> None:
        self.machine, self.begin, self.world = machine, begin, world
        self.dice = world.dice
        self.name = name or uuid(world.dice)
        self.arn = machine.execution_arn(self.name)
        self.events: list[Event] = []
        self.attempts: list[Attempt] = []
        self.children: list[Execution] = []
        self.jobs: list[Attempt] = []
        """What it began, in no order."""
        self.aims: list[Attempt] = []
        """The jobs of others that it is there to look at, or to stop."""
        self.end = begin
        self.status = "SUCCEEDED"
        self.error, self.cause = "", ""
        """What it failed with, as its history ends."""
        self.caught: list[tuple[str, str]] = []
        """The states whose errors were caught, and these errors."""
        self.parent: Execution | None = None
        self.handed: str = ""
        """What it was given by others, if they gave it anything."""
        self.watched = False
        world.executions.append(self)

    def play(self) -> "Execution":
        """Run it to its end."""
        started = {"input": "{}", "roleArn": self.machine.role.arn}
        self.event(self.begin, "ExecutionStarted", None, **started)
        line = self._states(self.machine.states, Line(self.begin, None), "")
        at = line.at + 0.03
        how = "Succeeded"
        details: dict[str, Any] = {}
        if line.failed:
            # It ends with what its state failed with [recorded].
            told = line.last.details if line.last is not None else {}
            self.error = told.get("error", "E")
            self.cause = told.get("cause", "")
            how, details = "Failed", {"error": self.error, "cause": self.cause}
        self.event(at, f"Execution{how}", line.last, **details)
        self.end = at
        self.status = how.upper()
        return self

    @property
    def origin(self) -> str:
        """What is handed on: its own ARN, or what it was handed itself."""
        if self.handed:
            return self.handed
        return self.parent.origin if self.parent is not None else self.arn

    def abort(self, at: float, how: str, dice: Random) -> None:
        """End it from outside: Aborted, or TimedOut."""
        if at >= self.end or at <= self.begin:
            return
        self._cut(0, 0, at)
        for child in self.children:
            if child.machine.name.endswith("/Each"):
                child.abort(at + 0.1, "Aborted", dice)
        last = max(self.events, key=lambda event: event.at) if self.events else None
        previous = None if how == "Aborted" else last
        self.event(at, f"Execution{how}", previous)
        self.end = at
        self.status = "TIMED_OUT" if how == "TimedOut" else "ABORTED"

    def number(self) -> None:
        """Give the events their ids, in the order of their times."""
        self.events.sort(key=lambda event: event.at)
        for number, event in enumerate(self.events, 1):
            event.id = number

    def _cut(self, events: int, attempts: int, at: float) -> list[Attempt]:
        """Take back what comes after a moment, and end what runs; give that."""
        self.events[events:] = [e for e in self.events[events:] if e.at <= at]
        kept = [a for a in self.attempts[attempts:] if a.begin <= at]
        for child in [c for c in self.children if c.begin > at]:
            self.world.forget(child)
            self.children.remove(child)
        running = [a for a in kept if a.end is None or a.end > at]
        for attempt in kept:
            attempt.cut(at, self.dice)
        self.attempts[attempts:] = kept
        return running

    def event(
        self, at: float, kind: str, previous: Event | None, **details: Any
    ) -> Event:
        event = Event(at, kind, details, previous)
        self.events.append(event)
        return event

    def _states(self, states: Iterable[State], line: Line, item: str) -> Line:
        for state in states:
            line = self._state(state, line, item)
            if line.failed:
                return line
        return line

    def _state(self, state: State, line: Line, item: str) -> Line:
        at = line.at + self.dice.uniform(0.01, 0.06)
        write = {
            "parallel": self._parallel,
            "map": self._map,
            "map-run": self._map_run,
            "pass": self._pass,
            "wait": self._pass,
        }.get(state.kind, self._task)
        return write(state, Line(at, line.last), item)

    def _enter(self, kind: str, state: State, line: Line) -> Event:
        told = {"name": state.name, "input": "{}"}
        # The first state follows event 0 [recorded].
        return self.event(line.at, f"{kind}StateEntered", line.last, **told)

    def _leave(self, kind: str, state: State, at: float, last: Event | None) -> Line:
        told = {"name": state.name, "output": "{}"}
        return Line(at, self.event(at, f"{kind}StateExited", last, **told))

    def _pass(self, state: State, line: Line, _item: str) -> Line:
        entered = self._enter("Wait", state, line)
        wait = state.seconds or self.dice.choice((0.02, 1.0, 30.0))
        return self._leave("Wait", state, line.at + wait, entered)

    # -- states that hold others ----------------------------------------------------

    def _parallel(self, state: State, line: Line, item: str) -> Line:
        entered = self._enter("Parallel", state, line)
        started = self.event(line.at + 0.001, "ParallelStateStarted", entered)
        events, attempts = len(self.events), len(self.attempts)
        begin = Line(line.at + 0.002, started)
        ends = [self._state(branch, begin, item) for branch in state.inner]
        return self._closed("Parallel", state, ends, events, attempts)

    def _closed(
        self, kind: str, state: State, ends: Sequence[Line], events: int, attempts: int
    ) -> Line:
        """Leave it, or cut everything where the first of its lines failed."""
        failed = min((e for e in ends if e.failed), key=lambda e: e.at, default=None)
        if failed is None:
            last = max(ends, key=lambda end: end.at)
            self.event(last.at + 0.001, f"{kind}StateSucceeded", last.last)
            return self._leave(kind, state, last.at + 0.002, last.last)
        for attempt in self._cut(events, attempts, failed.at):
            # It has no name, and follows what failed [recorded].
            aborted = self.event(failed.at, "TaskStateAborted", failed.last)
            aborted.attempt = attempt
        self.event(failed.at + 0.001, f"{kind}StateFailed", failed.last)
        return Line(failed.at + 0.001, failed.last, failed=True)

    def _map(self, state: State, line: Line, item: str) -> Line:
        entered = self._enter("Map", state, line)
        length = {"length": state.count}
        started = self.event(line.at + 0.001, "MapStateStarted", entered, **length)
        ends: list[Line] = []
        events, attempts = len(self.events), len(self.attempts)
        begin = Line(line.at + 0.002, started)
        for index in range(state.count):
            told = {"name": state.name, "index": index}
            before = ends[-1] if state.serial and ends else begin
            first = self.event(
                before.at + 0.001, "MapIterationStarted", before.last, **told
            )
            each = f"{item}{self.world.item()}"
            end = self._states(state.inner, Line(before.at + 0.002, first), each)
            ends.append(end)
            how = "Failed" if end.failed else "Succeeded"
            self.event(end.at + 0.0005, f"MapIteration{how}", end.last, **told)
            if end.failed and state.serial:
                break
        return self._closed("Map", state, ends, events, attempts)

    def _map_run(self, state: State, line: Line, _item: str) -> Line:
        """Run a Distributed Map, whose items are executions of their own."""
        assert state.machine is not None
        entered = self._enter("Map", state, line)
        started = self.event(line.at + 0.001, "MapStateStarted", entered, length=0)
        each = state.machine
        arn = each.arn.replace(":stateMachine:", ":mapRun:") + f":{uuid(self.dice)}"
        run = self.event(line.at + 0.002, "MapRunStarted", started, mapRunArn=arn)
        at = line.at + 0.3
        for number in range(state.count):
            child = self.start_child(each, line.at + 0.3 + number * self.dice.random())
            at = max(at, child.end)
        done = self.event(at + 0.2, "MapRunSucceeded", run)
        return self._leave("Map", state, at + 0.3, done)

    def start_child(
        self, machine: Machine, begin: float, name: str = ""
    ) -> "Execution":
        """Run an execution that this one starts."""
        child = Execution(machine, begin, self.world, name)
        if name:
            self.world.named[child.arn] = child
        child.parent = self
        self.children.append(child)
        return child.play()

    # -- tasks ----------------------------------------------------------------------

    def _task(self, state: State, line: Line, item: str) -> Line:
        entered = self._enter("Task", state, line)
        word = item if state.has_item else ""
        named = state.service is not None and state.service.needs_item
        if named or (state.has_item and not word):
            word = self.world.item()
        names_child = state.service is not None and state.service.idempotent
        if state.handed and not (named or names_child):
            word = self.origin
        line, fresh = Line(line.at, entered), self.world.item()
        for number in range(state.tries):
            before = len(self.attempts)
            line = self._try(state, line, word, fresh)
            for attempt in self.attempts[before:]:
                attempt.entered = entered
            # Nothing can be made twice under one name.
            is_made = named and self.attempts[-1].job
            if not line.failed or is_made:
                break
            if number + 1 < state.tries:
                wait = self.dice.choice((1.0, 2.0, 10.0))
                line = Line(line.at + wait, line.last)
        if line.failed and not state.caught:
            return line
        if line.failed and line.last is not None:
            self.caught.append((state.name, line.last.details.get("error", "")))
        return self._leave("Task", state, line.at + 0.02, line.last)

    def _try(self, state: State, line: Line, item: str, fresh: str) -> Line:
        """Try once; `fresh` names what others made, if there is need of that."""
        if state.pattern == "activity":
            return self._activity(line)
        targets = self.aims if state.foreign else [self._job_at(line.at)]
        service = state.service
        if state.kind in {"look", "stop"}:
            service = _asking(state, [t for t in targets if t is not None])
        if service is None:
            return line
        attempt = self._attempt(state, service, line.at, item, fresh)
        if state.kind in {"look", "stop"}:
            named = ids_named(service.parameters(""))
            held = [job for t in targets if t for job in (t.job, *t.jobs)]
            attempt.about = frozenset(job for job in held if job in named)
            attempt.words = {"job": " ".join(sorted(attempt.about))}
        return Try(self, state, attempt, line).write()

    def _job_at(self, at: float) -> Attempt | None:
        """Give the job that was begun last before a moment."""
        begun = [a for a in self.jobs if a.answered is not None and a.answered < at]
        return max(begun, key=lambda attempt: attempt.begin, default=None)

    def cluster_at(self, makes: str, ends: str, at: float) -> str:
        """Name a cluster that it had made, and did not begin to end."""
        ended = {a.job for a in self.jobs if a.service.call == ends and a.begin < at}
        made = (
            a.job
            for a in self.jobs
            if a.service.call == makes and a.status == "succeeded"
            if a.end is not None and a.end < at and a.job not in ended
        )
        return next(made, "")

    def _attempt(
        self, state: State, service: Service, at: float, item: str, fresh: str
    ) -> Attempt:
        made = self.cluster_at("CreateCluster", "DeleteCluster", at) or fresh
        flow = self.cluster_at("RunJobFlow", "TerminateJobFlows", at) or f"j-{fresh}"
        if service.call == "AddJobFlowSteps" and flow == f"j-{fresh}":
            flow = self.dice.choice(("j-SHARED", *self.world.flows_at(at)))
        role = state.cross or self.machine.role
        token = ""
        if state.pattern.endswith("token"):
            token = f"AQC{self.dice.getrandbits(160):040x}"
        if service.name == "states:startExecution" and service.idempotent:
            item = self._child_name(state, item, at)
        text = json.dumps(service.parameters(item, token))
        names = {
            "state": state.word or state.name,
            "item": item,
            "cluster": "shared",
            "flow": flow,
            "made": made,
            "app": "app-1",
            "account": self.machine.account,
            "region": self.machine.region,
            "reason": REASON,
            "id": f"{self.dice.getrandbits(128):032x}",
            "id2": f"{self.dice.getrandbits(128):032x}",
            "id3": f"{self.dice.getrandbits(128):032x}",
            "uuid": uuid(self.dice),
            "machine": state.machine.arn if state.machine else "",
            "token": token,
        }
        words = {word: names[word] for word in _used(text)}
        attempt = Attempt(
            self, service, state.pattern, role, self.machine.region, words, at, names
        )
        attempt.state = state
        self.attempts.append(attempt)
        return attempt

    def _child_name(self, state: State, item: str, at: float) -> str:
        """Name a child as all do that start it, unless that one is over."""
        if state.word != SHARED_NAME or state.machine is None:
            return item
        known = self.world.named.get(state.machine.execution_arn(SHARED_NAME))
        is_free = known is None or known.begin <= at <= known.end
        return SHARED_NAME if is_free else self.world.item()

    def _activity(self, line: Line) -> Line:
        """Ask a worker: no call is made for that."""
        head = f"arn:aws:states:{self.machine.region}:{self.machine.account}"
        begun = self.event(
            line.at, "ActivityScheduled", line.last, resource=f"{head}:activity:work"
        )
        at = line.at + self.dice.choice((0.3, 5.0))
        started = self.event(at, "ActivityStarted", begun, workerName="w")
        at += self.dice.choice((0.5, 20.0))
        return Line(at, self.event(at, "ActivitySucceeded", started, output="{}"))


def _asking(state: State, targets: Sequence[Attempt]) -> Service | None:
    """Make an SDK integration that looks at a job, or stops it."""
    usable = [t for t in targets if t.service.sdk and t.job]
    looks = state.kind == "look"
    operation = usable and (usable[0].service.poll if looks else usable[0].service.stop)
    if not operation:
        return None
    first, other = usable[0], usable[0].service
    stops = other.stops or other.polls
    asks = fill(other.polls if looks else stops, first.names)
    answer = fill(other.look, first.names) if looks else ""
    if looks and len(first.jobs) > 1:
        # Two of three, and perhaps another's.
        asks = asks.removesuffix(f" Tasks[]={first.jobs[-1]}")
    if looks and other.source in {"ecs", "batch"}:
        # Several at once.
        ecs = other.source == "ecs"
        things, key = ("Tasks", "TaskArn") if ecs else ("Jobs", "JobId")
        for place, each in enumerate(usable[1:], len(tree(answer)[things])):
            asks += f" {things}[]={each.job}"
            answer += f" {things}[{place}].{key}={each.job}"
    return Service(
        f"aws-sdk:{other.sdk}:{operation[0].lower()}{operation[1:]}",
        other.source,
        operation,
        asks,
        answer=answer,
        response="",
        shows="job",
        patterns="sdk",
        client=other.sdk.title(),
    )


class Try:
    """Writes one try of a Task: its events, and the calls made for it."""

    def __init__(
        self, run: Execution, state: State, attempt: Attempt, line: Line
    ) -> None:
        self.run, self.state, self.attempt = run, state, attempt
        self.dice, self.service = run.dice, attempt.service
        self.parameters = fill(
            self.service.parameters(attempt.names["item"], attempt.names["token"]),
            attempt.names,
        )
        self.family, self.which = self._which()
        self.last: Event | None = line.last

    def _which(self) -> tuple[str, Json]:
        if self.attempt.pattern == "lambda":
            return "LambdaFunction", {}
        kind, _, action = self.service.name.rpartition(":")
        waits = ".waitForTaskToken"
        suffix = {"rr": "", "sdk": "", "token": waits, "sdk-token": waits}
        if self.attempt.by_sdk and self.service.sdk:
            kind = f"aws-sdk:{self.service.sdk}"
        more = suffix.get(self.attempt.pattern, f".{self.attempt.pattern}")
        return "Task", {"resourceType": kind, "resource": action + more}

    def event(self, at: float, phase: str, **details: Any) -> Event:
        told = {**self.which, **details}
        event = self.run.event(at, f"{self.family}{phase}", self.last, **told)
        event.attempt, self.last = self.attempt, event
        return event

    def write(self) -> Line:
        attempt, dice = self.attempt, self.dice
        attempt.scheduled = self._schedule()
        at = attempt.begin + dice.uniform(0.02, 0.3)
        self.event(at, "Started")
        outcome = self._outcome()
        if self.service.name == "http:invoke":
            self._endpoint(at + 0.4)
        if outcome is NO_CALL:
            words = "Received an UnknownHostException: no such queue"
            return self._fail(at + 1.0, "SQS.SdkClientException", words)
        if outcome is UNREACHED:
            host = f"{self.service.source}.{attempt.region}.amazonaws.com"
            why = f"Connect to {host}:443 failed: connect timed out"
            return self._unanswered(at + dice.choice((2.0, 10.0)), why)
        at, call = self._action(at + dice.uniform(0.0, 0.5), outcome)
        if call.error is not None:
            return self._refused(at, call)
        if outcome is UNHEARD and self.service.job:
            return self._unanswered(at + 5.0, "Read timed out")
        return self._accepted(at, call, outcome)

    def _unanswered(self, at: float, why: str) -> Line:
        client = self.service.client or self.service.source.title()
        error = f"{client.removeprefix('Amazon')}.SdkClientException"
        words = f"Unable to execute HTTP request: {why} (SDK Attempt Count: 1)"
        return self._fail(at, error, words)

    def _endpoint(self, at: float) -> None:
        """Note the request itself, a data event that names no role [documented]."""
        call = self.attempt.call(at, "InvokeHTTPEndpoint", "action", None, self.dice)
        call.source, call.by, call.data, call.request_id = "states", "http", True, ""
        machine = {"type": "AWS::StepFunctions::StateMachine"}
        call.more = {"resources": [{**machine, "ARN": self.run.machine.arn}]}
        self.attempt.calls.append(call)

    def _schedule(self) -> Event:
        attempt = self.attempt
        if self.family == "LambdaFunction":
            arn = self.parameters["FunctionName"]
            return self.event(attempt.begin, "Scheduled", resource=arn, input="{}")
        told = dict(self.parameters)
        if self.service.name == "ecs:runTask" and attempt.sync:
            # `.sync` alone adds that, and the history has it, too [recorded].
            told["StartedBy"] = "AWS Step Functions"
        more: dict[str, Any] = {}
        if self.state.cross is not None:
            more["taskCredentials"] = {"roleArn": self.state.cross.arn}
        return self.event(
            attempt.begin,
            "Scheduled",
            region=attempt.region,
            parameters=json.dumps(told),
            **more,
        )

    def _outcome(self) -> Outcome:
        """Choose how it ends; a role that lacks a permission lacks it always."""
        service, dice = self.service, self.dice
        if service.name in self.attempt.role.no_actions:
            return DENIED
        if dice.random() >= self.state.trouble:
            return OK
        choices = [THROTTLED, THROTTLED, THROTTLED, MISSING, UNREACHED, UNHEARD]
        if service.name == "sqs:sendMessage":
            choices.append(NO_CALL)
        if service.name == "ecs:runTask" and not self.attempt.by_sdk:
            choices += [FAILURES, FAILURES]
        if self.attempt.sync:
            choices += [JOB_FAILED, JOB_FAILED, TIMED_OUT, TIMED_OUT]
        elif self.attempt.has_token:
            choices += [TIMED_OUT, JOB_FAILED]
        return dice.choice(choices)

    # -- the action call -------------------------------------------------------------

    def _action(self, at: float, outcome: Outcome) -> tuple[float, Call]:
        """Make it, and those before it that the SDK tried again by itself."""
        dice = self.dice
        again = dice.random() < 0.03 or outcome is THROTTLED
        count = dice.choice((1, 2, 3)) if again else 0
        for number in range(count):
            call = self._call(at)
            self._refuse(call, THROTTLED)
            self.attempt.calls.append(call)
            at += dice.uniform(0.1, 0.6) * (number + 1)
        self.sdk_attempts = count + 1
        call = self._call(at)
        if outcome.code:
            self._refuse(call, outcome)
        self.attempt.calls.append(call)
        return at + dice.uniform(0.03, 0.4), call

    def _call(self, at: float) -> Call:
        service = self.service
        request = service.told(self.parameters)
        # A token to make it safe to try again, which no history has [inferred].
        if service.source in {"ecs", "athena", "emr-serverless"}:
            token = (
                "clientRequestToken" if service.source == "athena" else "clientToken"
            )
            request = {**request, token: uuid(self.dice)}
        if service.name == "ecs:runTask" and self.attempt.sync:
            request["startedBy"] = "AWS Step Functions"
        kind = "other" if service.name == "http:invoke" else "action"
        call = self.attempt.call(at, service.call, kind, request, self.dice)
        call.data = service.data
        shown = service.shows.split()
        words = self.attempt.words.items()
        call.shown = {w: v for w, v in words if w in shown}
        token = self.attempt.words.get("token", "")
        if token and token in ids_named(request):
            call.shown["token"] = token
        self._disguise(call)
        return call

    def _disguise(self, call: Call) -> None:
        """Have a record tell less than it was asked, as CloudTrail does."""
        dice, source = self.dice, call.source
        if source == "lambda" and call.data and dice.random() < 0.3:
            # Of an Invoke [recorded].
            arn = self.parameters["FunctionName"]
            call.request = None
            call.more = {
                "resources": [{"type": "AWS::Lambda::Function", "ARN": arn}],
                "additionalEventData": {"functionVersion": f"{arn}:$LATEST"},
            }
        elif dice.random() < 0.03:
            # Too long a record is cut [documented: requestParameters are left out].
            call.request, call.shown = {"omitted": True}, {}
            call.ids = frozenset()
        elif source == "ecs" and "cluster" in call.request and dice.random() < 0.2:
            here = f"{self.attempt.region}:{self.attempt.role.account}"
            name = call.request["cluster"]
            arn = f"arn:aws:ecs:{here}:cluster/{name}"
            call.request = {**call.request, "cluster": arn}

    def _refuse(self, call: Call, outcome: Outcome) -> None:
        call.error = outcome.code, outcome.message
        if outcome is DENIED:
            action = f"{call.source}:{call.name}"
            if call.name == "RunTask" and self.dice.random() < 0.3:
                action = "iam:PassRole"
            deny(call, action, f"arn:aws:{call.source}:::something")

    # -- how it goes on --------------------------------------------------------------

    def _refused(self, at: float, call: Call) -> Line:
        assert call.error is not None
        code, message = call.error
        optimized = not self.attempt.by_sdk
        client = self.service.client or self.service.source.title()
        if optimized:
            told = (
                f"(Service: {client}; Status Code: 400; Error Code: {code};"
                f" Request ID: {call.request_id}; Proxy: null)"
            )
        else:
            told = (
                f"(Service: {client}, Status Code: 400, Request ID: {call.request_id})"
            )
            if self.dice.random() < 0.7:
                told += f" (SDK Attempt Count: {self.sdk_attempts})"
        if not self.service.tells_request or self.dice.random() < 0.15:
            # Some causes have no id [recorded for EventBridge].
            told = f"(SDK Attempt Count: {self.sdk_attempts})" if not optimized else ""
        # The code, or a catch-all of the SDK's.
        short = client.removeprefix("Amazon").removeprefix("AWS")
        error = self.dice.choice((f"{short}.{code}", f"{short}.{client}Exception"))
        phase = "Failed"
        if self.attempt.sync and self.dice.random() < 0.5:
            # Both are among the types of events; which it is, is not recorded.
            phase = "SubmitFailed"
        cause = f"{message} {told}".strip()
        self.run.world.causes.append(cause)
        return self._fail(at, error, cause, phase)

    def _accepted(self, at: float, call: Call, outcome: Outcome) -> Line:
        attempt, service = self.attempt, self.service
        failures = outcome is FAILURES
        if service.name == "states:startExecution":
            self._start_child(call.at + 0.01)
        elif service.job and not failures:
            attempt.job = fill(service.job, attempt.names)
        self._note_jobs()
        answer = fill(tree(service.answer), attempt.names)
        response = service.response
        call.answer = lowered(answer)
        if response is not None:
            call.answer = fill(tree(response), attempt.names)
        if failures:
            reasons = [{"Reason": "RESOURCE:CPU", "Arn": "arn:aws:ecs:::instance/i"}]
            call.answer = {"tasks": [], "failures": lowered(reasons)}
            # The cause's shape is not recorded.
            return self._fail(at, "AmazonECS.Unknown", json.dumps(reasons))
        if not call.data:
            call.ids |= ids_named(call.answer)
        call.about = frozenset(attempt.jobs) or attempt.about
        if attempt.job:
            self.run.jobs.append(attempt)
        if attempt.sync:
            return self._wait(at, answer, call, outcome)
        if attempt.has_token:
            return self._callback(at, answer, call, outcome)
        if self.family == "LambdaFunction":
            # It has the function's own answer, and so no id.
            return self._succeed(at, {"ok": True})
        return self._succeed(at, self._with_metadata(answer, call))

    def _note_jobs(self) -> None:
        """Note all jobs that its call began."""
        attempt = self.attempt
        more = fill(self.service.jobs, attempt.names).split()
        attempt.jobs = (attempt.job, *more) if attempt.job else ()
        attempt.names = {**attempt.names, "job": attempt.job}
        for place, job in enumerate(attempt.jobs[1:], 2):
            attempt.names[f"job{place}"] = job

    def _with_metadata(self, answer: Json, call: Call) -> Json:
        if self.attempt.by_sdk or not self.service.tells_request:
            return answer
        headers = {"x-amzn-RequestId": call.request_id}
        return {
            **answer,
            "SdkHttpMetadata": {"HttpHeaders": headers, "HttpStatusCode": 200},
            "SdkResponseMetadata": {"RequestId": call.request_id},
        }

    def _start_child(self, at: float) -> None:
        machine = self.state.machine
        assert machine is not None
        named = self.attempt.names["item"] if "item" in self.service.shows else ""
        child = self.run.world.named.get(machine.execution_arn(named or "-"))
        if child is None:
            child = self.run.start_child(machine, at, named)
        self.attempt.child, self.attempt.job = child, child.arn

    def _submit(self, at: float, answer: Json, call: Call) -> None:
        self.attempt.answered = at
        output = json.dumps(self._with_metadata(answer, call))
        self.event(at, "Submitted", output=output)

    def _wait(self, at: float, answer: Json, call: Call, outcome: Outcome) -> Line:
        """Wait for a job: it is polled, and for most an event tells of its end, too."""
        attempt, dice, service = self.attempt, self.dice, self.service
        self._submit(at, answer, call)
        ends = at + dice.choice((2.0, 8.0, 40.0, 40.0, 70.0, 70.0, 130.0, 130.0, 260.0))
        if dice.random() < 0.02:
            ends = at + 1300.0
        if outcome is TIMED_OUT:
            ends = at + dice.choice((3.0, 65.0))
        child = attempt.child
        if child is not None and (outcome is not TIMED_OUT or child.end < ends):
            outcome, ends = OK, max(child.end, at)
        # No event tells of the end in another account [documented].
        heard = service.by_event and not self.state.cross and dice.random() < 0.8
        polls = self._polls(at, ends, found=not heard and outcome is not TIMED_OUT)
        if outcome is TIMED_OUT:
            line = self._time_out(ends)
            attempt.stop(ends + dice.choice((0.2, 2.0)), dice)
            return line
        told = ends + dice.uniform(0.3, 2.0)
        if not heard:
            # Without an event the next poll finds it, unless that is denied: then it
            # is inferred that some event comes, or it would wait forever.
            told = max(told, polls[-1].at + dice.uniform(0.1, 0.6))
        done = fill(tree(service.done or service.answer), attempt.names)
        if service is not FLEET and service.name == "ecs:runTask":
            attempt.job_ended = ends
            done = {**done, "StoppedAt": round((self.run.world.origin + ends) * 1000)}
        if child is not None and child.status != "SUCCEEDED":
            # What DescribeExecution answers, the child's own cause in it [recorded].
            done = {**done, "Status": child.status, "Name": child.name}
            done |= {"Error": child.error, "Cause": child.cause}
            return self._fail(told, "States.TaskFailed", json.dumps(done))
        if outcome is JOB_FAILED:
            if service.source == "glue":
                done = {**done, "ErrorMessage": self._quote()}
            return self._fail(told, "States.TaskFailed", json.dumps(done))
        return self._succeed(told, done)

    def _quote(self) -> str:
        """Quote what a call of anybody was refused with, as free texts do."""
        causes = self.run.world.causes
        return self.dice.choice(causes) if causes else "It did not work."

    def _polls(self, at: float, ends: float, *, found: bool) -> list[Call]:
        """Ask until the end; if that is to be `found`, once after it."""
        service, attempt, dice = self.service, self.attempt, self.dice
        polls: list[Call] = []
        moment = at
        until = ends + 310 if found else ends
        while True:
            moment += dice.uniform(*(LATER_POLLS if moment - at > EASED else POLLS))
            if moment > until:
                break
            request = fill(tree(service.polls), attempt.names)
            poll = attempt.call(moment, service.poll, "poll", request, dice)
            if service.name == "databrew:startJobRun":
                poll.shown = {"state": attempt.names["state"]}
            if service.source in attempt.role.no_polls:
                resource = fill(service.denied, attempt.names)
                deny(poll, f"{service.source}:{service.poll}", resource)
            polls.append(poll)
            if moment > ends:
                break
        attempt.calls += polls
        return polls

    def _callback(self, at: float, answer: Json, call: Call, outcome: Outcome) -> Line:
        """Wait for whoever has the token."""
        self._submit(at, answer, call)
        at += self.dice.choice((0.5, 6.0, 90.0))
        if outcome is TIMED_OUT:
            return self._time_out(at)
        if outcome is JOB_FAILED:
            return self._fail(at, "Worker", self._quote())
        return self._succeed(at, {"done": True})

    # -- how it ends -------------------------------------------------------------------

    def _succeed(self, at: float, output: Json) -> Line:
        self._ended(at, "succeeded")
        return Line(at, self.event(at, "Succeeded", output=json.dumps(output)))

    def _fail(self, at: float, error: str, cause: str, phase: str = "Failed") -> Line:
        self._ended(at, "failed")
        if self.family == "LambdaFunction":
            phase = "Failed"
        event = self.event(at, phase, error=error, cause=cause)
        return Line(at, event, failed=True)

    def _time_out(self, at: float) -> Line:
        self._ended(at, "timed_out")
        event = self.event(at, "TimedOut", error="States.Timeout")
        return Line(at, event, failed=True)

    def _ended(self, at: float, status: str) -> None:
        attempt = self.attempt
        attempt.end, attempt.status = at, status
        if attempt.answered is None:
            attempt.answered = at


def deny(call: Call, action: str, resource: str) -> None:
    """Refuse a call: what it asked for is not told then [recorded]."""
    assert call.role is not None
    user = f"arn:aws:sts::{call.account}:assumed-role/{call.role.name}/{call.session}"
    call.error, call.request, call.shown = denial(user, action, resource), None, {}
    call.ids = frozenset((resource,))


SHARED_NAME = "nightly-2024-05-01"
"""What a child is called that several executions start."""


class Population:
    """All executions of a world, and the words that are used but once."""

    def __init__(self, dice: Random, origin: float) -> None:
        self.dice, self.origin = dice, origin
        """When the world's second 0 is, as a time stamp."""
        self.executions: list[Execution] = []
        self.named: dict[str, Execution] = {}
        """Those whose starters named them, by their ARNs."""
        self.causes: list[str] = []
        """What calls were refused with: others may quote it."""
        self._items = 0

    def item(self) -> str:
        """Give a word that no other run has."""
        self._items += 1
        return f"it{self._items:04}x"

    def flows_at(self, at: float) -> list[str]:
        """Name the clusters of EMR that others had made, and leave to all."""
        never = float("inf")
        calls = "RunJobFlow", "TerminateJobFlows"
        runs = (run for run in self.executions if run.cluster_at(*calls, never))
        left = [run.cluster_at(*calls, at) for run in runs]
        return [flow for flow in left if flow]

    def forget(self, execution: Execution) -> None:
        """Take back what was never started."""
        self.executions.remove(execution)
        for child in execution.children:
            self.forget(child)
