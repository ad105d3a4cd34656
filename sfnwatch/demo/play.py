"""Plays an execution: walks a machine's states and writes down what happens.

Every branch is played to its end with a clock of its own; the events of all of them
get their ids afterwards, in the order of time. What follows what was read off
recorded histories; that a Parallel's Succeeded follows its last branch's last event,
as a Map's does, is inferred. A branch that fails for good is not played: no scenario
has one; a Map Run may fail.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sfnwatch.demo.data import at, chosen, given, passed_on, placed
from sfnwatch.demo.history import Draft, History, with_input, with_output
from sfnwatch.demo.ids import REGION, Dice, arn
from sfnwatch.demo.jobs import Asked, Failed, Job, carry_out, parameters_of
from sfnwatch.demo.map_items import Items, carry_through, outcome
from sfnwatch.demo.plans import Scenario
from sfnwatch.demo.runs import (
    REDRIVEN,
    Call,
    MapRun,
    Run,
    compact,
    execution_arn,
    role_arn,
)
from sfnwatch.demo.task_events import Life
from sfnwatch.demo.times import after, iso_ms

_RESOURCE = re.compile(r"arn:aws:states:::((?:aws-sdk:)?[^:]+):(.+)")
# Far enough apart that branches are entered in their order.
_APART = 0.03

_PERCENTAGE = "ToleratedFailurePercentage"

State = Mapping[str, Any]


def run(scenario: Scenario, *, started_at: datetime, key: str) -> Run:
    """Play an execution that somebody starts, to its end."""
    dice = Dice(key, scenario.name, iso_ms(started_at))
    name = f"{scenario.name}-{started_at:%Y%m%dT%H%M%S}-{dice.hex(6)}"
    by_schedule = {"date": f"{started_at:%Y-%m-%d}", "trigger": "schedule"}
    data = by_schedule if scenario.given is None else dict(scenario.given)
    return _Play(scenario, name, key, dice).run(started_at, data)


def _nested(
    plan: Scenario,
    started_at: datetime,
    data: Any,
    key: str,
    map_run_arn: str | None = None,
) -> Run:
    """Play an execution that another starts: AWS names it."""
    dice = Dice(key, plan.name, iso_ms(started_at))
    play = _Play(plan, dice.uuid(), key, dice)
    return play.run(started_at, data, map_run_arn)


@dataclass(slots=True)
class _Line:
    """One branch: where its clock stands, and what its next event follows."""

    history: History
    dice: Dice
    at: datetime
    last: Draft | None = None

    def event(self, at: datetime, kind: str, details: dict[str, Any]) -> None:
        """Write down what happens next."""
        self.at = at
        self.last = self.history.add(at, kind, details, previous=self.last)

    def soon(self, kind: str, details: dict[str, Any]) -> None:
        """Write down what happens at once, as far as Step Functions does."""
        self.event(after(self.at, self.dice.seconds(0.01, 0.04)), kind, details)

    def leaf(self, kind: str) -> None:
        """Write down what nothing follows."""
        last = self.last
        self.soon(kind, {})
        self.last = last

    def fork(self, number: int) -> Self:
        """Begin a branch."""
        at = after(self.at, number * _APART)
        return type(self)(self.history, self.dice, at, self.last)

    def join(self, branches: Sequence[Self]) -> None:
        """Go on after the branch that ends last."""
        ends = [(line.at, number) for number, line in enumerate(branches)]
        last = branches[max(ends)[1]] if ends else self
        self.at, self.last = last.at, last.last


class _Play:
    """Plays one execution."""

    def __init__(self, plan: Scenario, name: str, key: str, dice: Dice) -> None:
        self._plan, self._name, self._key, self._dice = plan, name, key, dice
        self._history = History()
        self._calls: list[Call] = []
        self._runs: list[Run] = []
        self._map_runs: list[MapRun] = []
        self._tasks: list[Life] = []
        self._stuck: tuple[str, Any, Draft | None] | None = None
        """The state that failed for good, its input, and the event it was entered."""
        self._tries = {state: iter(tries) for state, tries in plan.tries.items()}
        execution = {"Id": execution_arn(plan, name), "Name": name}
        self._context = {"Execution": execution}

    def run(
        self, started_at: datetime, data: Any, map_run_arn: str | None = None
    ) -> Run:
        """Play it to its end."""
        started = with_input(compact(data)) | {"roleArn": role_arn(self._plan)}
        self._history.add(started_at, "ExecutionStarted", started)
        # The first state points at 0, not at ExecutionStarted.
        self._whole(_Line(self._history, self._dice, started_at), data)
        return Run(
            self._plan,
            self._name,
            compact(data),
            self._history.numbered(),
            tuple(sorted(self._calls, key=lambda call: call.at)),
            tuple(self._runs),
            tuple(self._map_runs),
            map_run_arn,
            tasks=tuple(self._tasks),
        )

    def _whole(self, line: _Line, data: Any) -> None:
        machine = {"StartAt": self._plan.start_at, "States": self._plan.states}
        for count in range(len(self._plan.redriven_after) + 1):
            try:
                output = self._machine(line, machine, data, again=count > 0)
            except Failed as failed:
                ending = {"error": failed.error, "cause": failed.cause}
                line.soon("ExecutionFailed", ending)
            else:
                line.soon("ExecutionSucceeded", with_output(compact(output)))
                return
            if count < len(self._plan.redriven_after) and self._stuck:
                name, data = self._redrive(line, count, *self._stuck)
                machine["StartAt"] = name

    def _redrive(
        self, line: _Line, count: int, name: str, data: Any, entered: Draft | None
    ) -> tuple[str, Any]:
        """Take it up again; that this follows nothing, as an abort, is inferred."""
        line.at = after(line.at, self._plan.redriven_after[count])
        self._history.add(line.at, REDRIVEN, {"redriveCount": count + 1})
        line.last = entered
        return name, data

    def _machine(
        self, line: _Line, machine: State, data: Any, *, again: bool = False
    ) -> Any:
        """Play the machine, or a branch of it, and return its output.

        `again` if its first state has been entered before.
        """
        name: str | None = machine["StartAt"]
        while name:
            state = machine["States"][name]
            data, name = self._state(line, name, state, data, again=again)
            again = False
        return data

    def _state(
        self, line: _Line, name: str, state: State, data: Any, *, again: bool
    ) -> tuple[Any, str | None]:
        """Play a state; return its output and the next one's name."""
        kind = state["Type"]
        entered = with_input(compact(data)) | {"name": name}
        if not again:
            line.soon(f"{kind}StateEntered", entered)
        self._stuck = name, data, line.last
        try:
            result = self._result(line, name, state, data)
            output = passed_on(state, data, result, self._context)
            following = state.get("Next")
            if kind == "Choice":
                following = chosen(state, data, self._context)
        except Failed as failed:
            output, following = _caught(state, data, failed)
        exited = with_output(compact(output)) | {"name": name}
        line.soon(f"{kind}StateExited", exited)
        return output, following

    def _result(self, line: _Line, name: str, state: State, data: Any) -> Any:
        match state["Type"]:
            case "Task":
                return self._task(line, name, state, data)
            case "Parallel":
                return self._parallel(line, state, data)
            case "Map":
                return self._map(line, name, state, data)
            case "Wait":
                line.at = after(line.at, state["Seconds"])
        return given(state, data, self._context)

    def _parallel(self, line: _Line, state: State, data: Any) -> list[Any]:
        line.soon("ParallelStateStarted", {})
        lines = [line.fork(number) for number in range(len(state["Branches"]))]
        outputs = [
            self._machine(own, branch, data)
            for own, branch in zip(lines, state["Branches"], strict=True)
        ]
        line.join(lines)
        line.leaf("ParallelStateSucceeded")
        return outputs

    def _map(self, line: _Line, name: str, state: State, data: Any) -> list[Any] | None:
        """Play an inline Map, all of its iterations at the same time."""
        items = at(state["ItemsPath"], data, self._context)
        line.soon("MapStateStarted", {"length": len(items)})
        config = state["ItemProcessor"].get("ProcessorConfig", {})
        if config.get("Mode") == "DISTRIBUTED":
            return self._map_run(line, state, items)
        lines = [line.fork(number) for number in range(len(items))]
        outputs = []
        for index, (own, item) in enumerate(zip(lines, items, strict=True)):
            which = {"name": name, "index": index}
            own.event(own.at, "MapIterationStarted", which)
            outputs.append(self._machine(own, state["ItemProcessor"], item))
            own.soon("MapIterationSucceeded", which)
        line.join(lines)
        line.leaf("MapStateSucceeded")
        return outputs

    def _map_run(
        self, line: _Line, state: State, items: Sequence[Any]
    ) -> list[Any] | None:
        """Play a Map Run; return its result unless the state throws it away.

        The events of one that fails are inferred from those of an inline Map.
        """
        plan, dice = self._plan, self._dice
        label = f"{plan.machine}/{state['Label']}"
        map_run_arn = arn("states", f"mapRun:{label}:{dice.uuid()}")
        line.soon("MapRunStarted", {"mapRunArn": map_run_arn})
        started_at = line.at

        def start(index: int, at: datetime) -> Run:
            child = _child(plan, state, label, index)
            return _nested(child, at, items[index], self._key, map_run_arn)

        done = carry_through(Items(len(items), state, start, dice), started_at)
        failure = done.failure
        line.at = done.ended_at
        line.soon("MapRunFailed" if failure else "MapRunSucceeded", _told(failure))
        self._map_runs.append(
            MapRun(
                map_run_arn,
                self._context["Execution"]["Id"],
                label,
                started_at,
                line.at,
                failed=failure is not None,
                total=len(items),
                max_concurrency=state["MaxConcurrency"],
                tolerated_percentage=float(state.get(_PERCENTAGE, 0)),
                tolerated_count=state.get("ToleratedFailureCount", 0),
                children=done.children,
            )
        )
        if failure:
            line.soon("MapStateFailed", {})
            raise failure
        line.leaf("MapStateSucceeded")
        if state.get("ResultPath", "$") is None:
            return None
        return [outcome(child) for child in done.children]

    def _task(self, line: _Line, name: str, state: State, data: Any) -> Any:
        """Try until it succeeds, or no retrier is left for its error."""
        used = [0] * len(state.get("Retry", ()))
        line.at = after(line.at, self._dice.seconds(0.02, 0.05))
        while True:
            job = self._attempt(line, name, state, data)
            if not job.failure:
                return job.output
            line.at = after(line.at, _pause(state, job.failure, used))

    def _attempt(self, line: _Line, name: str, state: State, data: Any) -> Job:
        ((resource_type, resource),) = _RESOURCE.findall(state["Resource"])
        which = {"resourceType": resource_type, "resource": resource}
        parameters = parameters_of(resource, given(state, data, self._context))
        scheduled = {"region": REGION, "parameters": compact(parameters)}
        line.event(line.at, "TaskScheduled", which | scheduled)
        called_at = after(line.at, self._dice.seconds(0.35, 0.8))
        line.event(after(line.at, self._dice.seconds(0.08, 0.13)), "TaskStarted", which)
        asked = Asked(
            called_at,
            resource_type,
            resource,
            parameters,
            self._plan.polls_denied,
            self._dice,
            self._start,
        )
        job = carry_out(asked, next(self._tries[name]))
        self._write(line, job, which)
        return job

    def _write(self, line: _Line, job: Job, which: dict[str, Any]) -> None:
        self._calls.extend(job.calls)
        self._runs.extend(job.nested)
        self._tasks.extend(job.tasks)
        if job.submitted:
            at, answer = job.submitted
            line.event(at, "TaskSubmitted", which | with_output(compact(answer)))
        if job.failure:
            line.event(job.ended_at, "TaskFailed", which | _told(job.failure))
        else:
            output = with_output(compact(job.output))
            line.event(job.ended_at, "TaskSucceeded", which | output)

    def _start(self, plan: Scenario, started_at: datetime, data: Any) -> Run:
        return _nested(plan, started_at, data, self._key)


def _child(plan: Scenario, state: State, label: str, index: int) -> Scenario:
    """Return the plan of a Map Run's child."""
    processor = state["ItemProcessor"]
    return Scenario(
        name=f"{plan.name}/{index}",
        machine=label,
        start_at=processor["StartAt"],
        states=processor["States"],
        tries=plan.items[index],
        role=plan.role or plan.machine,
    )


def _told(failed: Failed | None) -> dict[str, Any]:
    """Return the details of an event that tells of an error."""
    return {"error": failed.error, "cause": failed.cause} if failed else {}


def _pause(state: State, failed: Failed, used: list[int]) -> float:
    """Return how long to wait before the next try, or let the error go on."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if failed.meets(retrier["ErrorEquals"]):
            if used[number] == retrier["MaxAttempts"]:
                break
            used[number] += 1
            pause: float = retrier["IntervalSeconds"]
            return pause * float(retrier["BackoffRate"] ** (used[number] - 1))
    raise failed


def _caught(state: State, data: Any, failed: Failed) -> tuple[Any, str]:
    """Return a Catch's output and its next state, or let the error go on."""
    for catcher in state.get("Catch", ()):
        if failed.meets(catcher["ErrorEquals"]):
            output = placed(data, failed.output, catcher.get("ResultPath", "$"))
            return output, catcher["Next"]
    raise failed
