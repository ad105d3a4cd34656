"""A small interpreter of Amazon States Language, which writes an execution's history.

Every branch is run to its end with a clock of its own; the events of all branches get
their ids afterwards, in the order of time. What follows what was read off recorded
histories; that a Parallel's Succeeded follows its last branch's last event, as a Map's
does, is inferred. A branch or a Map Run that fails for good is not supported: no
scenario has one.
"""

import json
import operator
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from heapq import heapreplace
from typing import Any, Self

import msgspec

from sfnwatch.demo.execution import (
    CLUSTER_ARN,
    REDRIVEN,
    STARTED_BY,
    CallerIdentity,
    DemoEvent,
    DemoExecution,
    DemoMapRun,
    EcsTask,
    TrailEvent,
)
from sfnwatch.demo.formats import (
    REGION,
    Dice,
    Json,
    after,
    arn,
    camel,
    compact,
    epoch_ms,
    in_words,
    iso_ms,
)
from sfnwatch.demo.scenarios import Invocation, NestedExecution, Scenario, TaskRun

_RESOURCE = re.compile(r"arn:aws:states:::((?:aws-sdk:)?[^:]+):(.+)")
_PATH_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_COMPARISONS = {"BooleanEquals": operator.eq, "NumericGreaterThan": operator.gt}
_LATER = CallerIdentity({}, "", "")
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Seconds between the starts of branches, enough for them to be entered in their order.
_APART = 0.03

State = Mapping[str, Any]


class StatesError(Exception):
    """An error of Amazon States Language, which an attempt or a state ended with."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause

    @property
    def details(self) -> dict[str, str]:
        """Return it as history events tell it."""
        return {"error": self.error, "cause": self.cause}

    def is_among(self, errors: list[str]) -> bool:
        """Tell whether a Retry or Catch for these errors applies."""
        return bool({"States.ALL", "States.TaskFailed", self.error} & set(errors))


def run_execution(
    scenario: Scenario,
    started_at: datetime,
    key: str,
    given: Any = None,
    map_run_arn: str | None = None,
) -> DemoExecution:
    """Run an execution to its end: of one that another starts, the input is given."""
    dice = Dice(key, scenario.name, iso_ms(started_at))
    if given is not None:
        # AWS names it.
        name, data = dice.uuid(), given
    else:
        name = f"{scenario.name}-{started_at:%Y%m%dT%H%M%S}-{dice.hex(6)}"
        by_schedule = {"date": f"{started_at:%Y-%m-%d}", "trigger": "schedule"}
        data = by_schedule if scenario.input is None else scenario.input
    execution = DemoExecution(scenario, name, compact(data), map_run_arn)
    return _Interpreter(execution, key, dice).run(started_at, data)


class _OpenBranch(msgspec.Struct):
    """Where a branch's clock stands, and what its next event follows."""

    events: list[DemoEvent]
    """Of all branches, one after the other."""
    dice: Dice
    at: datetime
    last: int = -1
    """The index of this branch's last event."""
    name: str = ""
    """The state that it is in."""

    def event(self, at: datetime, kind: str, details: Json) -> None:
        """Write down what happens next."""
        self.events.append(DemoEvent(at, kind, details, self.last))
        self.at, self.last = at, len(self.events) - 1

    def soon(self, kind: str, details: Json) -> None:
        """Write down what happens at once, as far as Step Functions does."""
        self.event(after(self.at, self.dice.uniform(0.01, 0.04)), kind, details)

    def leaf(self, kind: str) -> None:
        """Write down what nothing follows."""
        last = self.last
        self.soon(kind, {})
        self.last = last

    def fork(self, count: int) -> list[Self]:
        """Return so many branches that begin here."""
        starts = [after(self.at, number * _APART) for number in range(count)]
        return [type(self)(self.events, self.dice, at, self.last) for at in starts]

    def join(self, branches: Sequence[Self]) -> None:
        """Continue after the branch that ends last; of a moment, after its last."""
        last = max(reversed(branches), key=lambda branch: branch.at, default=self)
        self.at, self.last = last.at, last.last


def _numbered(events: Sequence[DemoEvent]) -> list[DemoEvent]:
    """Return the events of all branches in the order of time, which is that of ids.

    The sort is stable, so that nothing comes before what it follows.
    """
    order = sorted(range(len(events)), key=lambda index: events[index].at)
    ids = {index: event_id for event_id, index in enumerate(order, 1)}
    for index, event in enumerate(events):
        event.event_id, event.previous = ids[index], ids.get(event.previous, 0)
    return [events[index] for index in order]


class AttemptResult(msgspec.Struct, frozen=True):
    """What an attempt came to."""

    ended_at: datetime
    output: Any = None
    failure: StatesError | None = None
    submitted: tuple[datetime, Any] | None = None
    """When a job was begun that is waited for, and the answer to that."""


class _Interpreter:
    """Runs one execution."""

    def __init__(self, execution: DemoExecution, key: str, dice: Dice) -> None:
        self._execution, self._key, self._dice = execution, key, dice
        self._scenario = scenario = execution.scenario
        self._attempts = {name: iter(each) for name, each in scenario.attempts.items()}
        self._context = {"Execution": {"Id": execution.arn, "Name": execution.name}}
        self._entered: tuple[str, Any, int] = (scenario.start_at, None, -1)
        """The state entered last, its input, and the index of its event."""

    def run(self, started_at: datetime, data: Any) -> DemoExecution:
        """Run it to its end."""
        execution, scenario = self._execution, self._scenario
        branch = _OpenBranch(execution.events, self._dice, started_at)
        role = {"roleArn": scenario.role_arn}
        branch.event(started_at, "ExecutionStarted", _data("input", data) | role)
        # The first state points at 0, not at ExecutionStarted.
        branch.last = -1
        machine = {"StartAt": scenario.start_at, "States": scenario.states}
        for number, pause in enumerate((*scenario.redriven_after, None), 1):
            try:
                data = self._machine(branch, machine, data, redriven=number > 1)
            except StatesError as error:
                branch.soon("ExecutionFailed", error.details)
            else:
                branch.soon("ExecutionSucceeded", _data("output", data))
                break
            if pause is not None:
                # That this follows nothing, as an abort does, is inferred.
                branch.last = -1
                at = after(branch.at, pause)
                branch.event(at, REDRIVEN, {"redriveCount": number})
                machine["StartAt"], data, branch.last = self._entered
        execution.events = _numbered(execution.events)
        execution.calls.sort(key=lambda call: call.at)
        return execution

    def _machine(
        self, branch: _OpenBranch, machine: State, data: Any, *, redriven: bool = False
    ) -> Any:
        """Run the machine, or a branch of it, and return its output."""
        name: str | None = machine["StartAt"]
        while name:
            state = machine["States"][name]
            if not redriven:
                entered = _data("input", data) | {"name": name}
                branch.soon(f"{state['Type']}StateEntered", entered)
            redriven, branch.name = False, name
            self._entered = name, data, branch.last
            data, following = self._state(branch, state, data)
            exited = _data("output", data) | {"name": name}
            branch.soon(f"{state['Type']}StateExited", exited)
            name = following
        return data

    def _state(
        self, branch: _OpenBranch, state: State, data: Any
    ) -> tuple[Any, str | None]:
        """Run a state that was entered; return its output and the next state's name."""
        try:
            result = self._result(branch, state, data)
        except StatesError as error:
            return _caught(state, data, error)
        following = state.get("Next")
        if state["Type"] == "Choice":
            following = self._choose(state, data)
        return self._output(state, data, result), following

    def _result(self, branch: _OpenBranch, state: State, data: Any) -> Any:
        match state["Type"]:
            case "Task":
                return self._task(branch, state, data)
            case "Parallel":
                return self._parallel(branch, state, data)
            case "Map":
                return self._map(branch, state, data)
            case "Wait":
                branch.at = after(branch.at, state["Seconds"])
        return self._input(state, data)

    def _parallel(self, branch: _OpenBranch, state: State, data: Any) -> list[Any]:
        branch.soon("ParallelStateStarted", {})
        branches = branch.fork(len(state["Branches"]))
        pairs = zip(branches, state["Branches"], strict=True)
        outputs = [self._machine(own, machine, data) for own, machine in pairs]
        branch.join(branches)
        branch.leaf("ParallelStateSucceeded")
        return outputs

    def _map(self, branch: _OpenBranch, state: State, data: Any) -> Any:
        """Run a Map, all iterations of an inline one at the same time."""
        items, processor = self._value(state["ItemsPath"], data), state["ItemProcessor"]
        branch.soon("MapStateStarted", {"length": len(items)})
        if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            return self._map_run(branch, state, items)
        branches = branch.fork(len(items))
        outputs = []
        for index, (own, item) in enumerate(zip(branches, items, strict=True)):
            iteration = {"name": branch.name, "index": index}
            own.event(own.at, "MapIterationStarted", iteration)
            outputs.append(self._machine(own, processor, item))
            own.soon("MapIterationSucceeded", iteration)
        branch.join(branches)
        branch.leaf("MapStateSucceeded")
        return outputs

    def _map_run(self, branch: _OpenBranch, state: State, items: Sequence[Any]) -> Any:
        """Run a Map Run, and return its result."""
        machine = f"{self._scenario.machine}/{state['Label']}"
        map_run_arn = arn("states", f"mapRun:{machine}:{self._dice.uuid()}")
        branch.soon("MapRunStarted", {"mapRunArn": map_run_arn})
        began, parent = branch.at, self._execution
        map_run = DemoMapRun(map_run_arn, parent.arn, machine, state, began, began)
        free_at = [began] * min(state["MaxConcurrency"], len(items))
        for index, item in enumerate(items):
            at = after(free_at[0], self._dice.uniform(0.1, 0.3))
            child = _child(self._scenario, state, machine, index)
            ran = run_execution(child, at, self._key, item, map_run_arn)
            map_run.children.append(ran)
            heapreplace(free_at, ran.ends_at)
        parent.map_runs.append(map_run)
        branch.at = max([began, *(child.ends_at for child in map_run.children)])
        branch.soon("MapRunSucceeded", {})
        map_run.ends_at = branch.at
        branch.leaf("MapStateSucceeded")
        return [child.result for child in map_run.children]

    def _task(self, branch: _OpenBranch, state: State, data: Any) -> Any:
        """Try until it succeeds, or no retrier is left for its error."""
        used = [0] * len(state.get("Retry", ()))
        branch.at = after(branch.at, self._dice.uniform(0.02, 0.05))
        while (result := self._attempt(branch, state, data)).failure:
            branch.at = after(branch.at, _back_off(state, result.failure, used))
        return result.output

    def _attempt(self, branch: _OpenBranch, state: State, data: Any) -> AttemptResult:
        ((resource_type, resource),) = _RESOURCE.findall(state["Resource"])
        parameters = self._input(state, data)
        if resource == "runTask.sync":
            parameters = parameters | {"StartedBy": STARTED_BY}
        task = {"resourceType": resource_type, "resource": resource}
        scheduled = {"region": REGION, "parameters": compact(parameters)}
        branch.event(branch.at, "TaskScheduled", task | scheduled)
        called_at = after(branch.at, self._dice.uniform(0.35, 0.8))
        started_at = after(branch.at, self._dice.uniform(0.08, 0.13))
        branch.event(started_at, "TaskStarted", task)
        match next(self._attempts[branch.name]):
            case TaskRun() as run:
                whole = f"{resource_type}:{resource}"
                result = self._run_task(run, called_at, whole, parameters)
            case Invocation() as run:
                result = self._invoke(run, called_at, parameters["FunctionName"])
            case NestedExecution() as run:
                result = self._start_execution(run, called_at, parameters["Input"])
        if result.submitted:
            at, answer = result.submitted
            branch.event(at, "TaskSubmitted", task | _data("output", answer))
        kind, details = "TaskSucceeded", _data("output", result.output)
        if result.failure:
            kind, details = "TaskFailed", result.failure.details
        branch.event(result.ended_at, kind, task | details)
        return result

    # -- what an attempt does in its service ---------------------------------------
    #
    # ECS, Lambda and Step Functions itself. Lambda's Invoke is a data event, which
    # Event history never has, so it makes no call here.

    def _call(
        self, at: datetime, action: str, job_arn: str, request: Json
    ) -> TrailEvent:
        """Make a call; its record tells later who made it."""
        call = TrailEvent(at, action, _LATER, self._dice.uuid(), "", request)
        call.read_only, call.job_arn = ":Describe" in action, job_arn
        self._execution.calls.append(call)
        return call

    def _run_task(
        self, run: TaskRun, at: datetime, resource: str, parameters: Json
    ) -> AttemptResult:
        answered_at = after(at, self._dice.uniform(0.25, 0.45))
        family, started_by = parameters["TaskDefinition"], parameters.get("StartedBy")
        task = EcsTask(self._dice, family, after(at, 0.187), started_by)
        call = self._call(at, "ecs:RunTask", task.arn, camel(parameters))
        call.response = camel(task.answer(in_words))
        answer = task.answer(iso_ms)
        if not resource.startswith("aws-sdk:"):
            answer = _with_metadata(task.answer(), call.request_id)
        if not resource.endswith(".sync"):
            return AttemptResult(answered_at, answer)
        poll = {"cluster": CLUSTER_ARN, "tasks": [task.arn]}
        for seconds in run.polls:
            self._call(after(at, seconds), "ecs:DescribeTasks", task.arn, poll)
        self._execution.tasks.append(task)
        task.stopped_at, task.exit_code = after(at, run.stops_after), run.exit_code
        ended_at, output = after(task.stopped_at, run.completion_lag), task.stopped()
        failure = None
        if run.exit_code:
            failure = StatesError("States.TaskFailed", compact(output))
        return AttemptResult(ended_at, output, failure, (answered_at, answer))

    def _invoke(
        self, invocation: Invocation, at: datetime, function: str
    ) -> AttemptResult:
        ended_at, request_id = after(at, invocation.seconds), self._dice.uuid()
        if invocation.error:
            failure = _raised(function, *invocation.error, request_id)
            return AttemptResult(ended_at, failure=failure)
        payload = dict(invocation.payload)
        answer = {"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200}
        return AttemptResult(ended_at, _with_metadata(answer, request_id))

    def _start_execution(
        self, nested: NestedExecution, at: datetime, data: Any
    ) -> AttemptResult:
        answered_at = after(at, self._dice.uniform(0.09, 0.18))
        child = run_execution(nested.scenario, after(at, 0.041), self._key, data)
        self._execution.nested.append(child)
        started_at = child.started_at
        request = {"stateMachineArn": child.scenario.arn, "input": _HIDDEN}
        call = self._call(at, "states:StartExecution", child.arn, request)
        call.response = {"executionArn": child.arn, "startDate": in_words(started_at)}
        poll = {"executionArn": child.arn}
        for seconds in nested.polls:
            self._call(after(at, seconds), "states:DescribeExecution", child.arn, poll)
        answer = {"ExecutionArn": child.arn, "StartDate": epoch_ms(started_at)}
        submitted = answered_at, _with_metadata(answer, call.request_id)
        ended_at = after(child.ends_at, nested.completion_lag)
        return AttemptResult(ended_at, _passed_on(child), submitted=submitted)

    # -- data ----------------------------------------------------------------------

    def _value(self, path: str, data: Any) -> Any:
        """Return what a path names: in the context object after `$$`, else in data."""
        value: Any = self._context if path.startswith("$$") else data
        for name, index in _PATH_STEP.findall(path):
            value = value[name] if name else value[int(index)]
        return value

    def _filled(self, template: Any, data: Any) -> Any:
        """Return a template with the values of its paths, under keys ending in `.$`.

        Lists are taken as they are: no scenario has a path in one.
        """
        if not isinstance(template, dict):
            return template
        filled = {}
        for key, value in template.items():
            give = self._value if key.endswith(".$") else self._filled
            filled[key.removesuffix(".$")] = give(value, data)
        return filled

    def _input(self, state: State, data: Any) -> Any:
        """Return what a state works with."""
        template = state.get("Parameters")
        return data if template is None else self._filled(template, data)

    def _output(self, state: State, data: Any, result: Any) -> Any:
        """Return a state's output: its result selected, and put where it belongs."""
        if "ResultSelector" in state:
            result = self._filled(state["ResultSelector"], result)
        whole = _placed(data, result, state.get("ResultPath", "$"))
        return self._value(state.get("OutputPath", "$"), whole)

    def _choose(self, state: State, data: Any) -> str:
        """Return the state that a Choice continues with."""
        for rule in state["Choices"]:
            value = self._value(rule["Variable"], data)
            tests = rule.keys() & _COMPARISONS
            if all(_COMPARISONS[test](value, rule[test]) for test in tests):
                return str(rule["Next"])
        return str(state["Default"])


def _placed(data: Any, result: Any, path: str) -> Any:
    """Return the data with the result at the path, which is `$` or one member."""
    return result if path == "$" else data | {path.removeprefix("$."): result}


def _data(kind: str, value: Any) -> Json:
    """Return the two members of every event that has an input or output."""
    return {kind: compact(value), f"{kind}Details": {"truncated": False}}


def _child(parent: Scenario, state: State, machine: str, index: int) -> Scenario:
    """Return the scenario of a Map Run's child."""
    return Scenario(
        name=f"{parent.name}/{index}",
        machine=machine,
        states=state["ItemProcessor"]["States"],
        attempts=parent.child_attempts[index],
        role=parent.role or parent.machine,
    )


def _back_off(state: State, error: StatesError, used: list[int]) -> float:
    """Return the seconds until the next attempt; raise the error if there is none."""
    for number, retrier in enumerate(state.get("Retry", ())):
        if error.is_among(retrier["ErrorEquals"]):
            if used[number] == retrier["MaxAttempts"]:
                break
            used[number] += 1
            growth = float(retrier["BackoffRate"] ** (used[number] - 1))
            return growth * float(retrier["IntervalSeconds"])
    raise error


def _caught(state: State, data: Any, error: StatesError) -> tuple[Any, str]:
    """Return a Catch's output and next state; raise the error if none applies."""
    for catcher in state.get("Catch", ()):
        if error.is_among(catcher["ErrorEquals"]):
            told = {"Error": error.error, "Cause": error.cause}
            output = _placed(data, told, catcher.get("ResultPath", "$"))
            return output, catcher["Next"]
    raise error


def _raised(function: str, kind: str, message: str, request_id: str) -> StatesError:
    """Return an exception of a Python function, in the words of Lambda's runtime."""
    file = function.split(":")[6].replace("-", "_")
    line = f'  File "/var/task/{file}.py", line 27, in handler\n'
    cause = {
        "errorMessage": message,
        "errorType": kind,
        "requestId": request_id,
        "stackTrace": [f"{line}    raise {kind}({json.dumps(message)})\n"],
    }
    return StatesError(kind, compact(cause))


def _passed_on(child: DemoExecution) -> Json:
    """Return a nested execution as `.sync:2` passes it on: with its JSON parsed."""
    return {
        "ExecutionArn": child.arn,
        "Input": json.loads(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "Output": child.result,
        "OutputDetails": {"Included": True},
        "StartDate": epoch_ms(child.started_at),
        "StateMachineArn": child.scenario.arn,
        "Status": child.last_status,
        "StopDate": epoch_ms(child.ends_at),
    }


def _with_metadata(answer: Json, request_id: str) -> Json:
    """Return an answer with the metadata that optimized integrations add to it."""
    headers = {"x-amzn-RequestId": request_id}
    return answer | {
        "SdkHttpMetadata": {"HttpHeaders": headers, "HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": request_id},
    }
