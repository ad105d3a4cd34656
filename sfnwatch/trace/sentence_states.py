"""One sentence for a row of the lane of states."""

from collections.abc import Callable, Mapping

from sfnwatch.trace.attempts import FAMILIES, Attempt
from sfnwatch.trace.history import HistoryEvent
from sfnwatch.trace.integrations import Pattern
from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.logged import is_hidden
from sfnwatch.trace.sentence_parts import (
    after,
    around_of,
    invokes_function,
    next_state,
    place_of,
    reason,
    seconds_in,
    short,
    starts_job,
    thing_of,
)
from sfnwatch.trace.sentence_phases import phase_sentence
from sfnwatch.trace.text import duration
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import resource_words

_ENDINGS = {
    "ExecutionSucceeded": "The execution has succeeded",
    "ExecutionFailed": "The execution has failed",
    "ExecutionTimedOut": "The execution ran out of time",
    "ExecutionAborted": "The execution was aborted",
}


def state_sentence(row: Row, trace: Trace) -> str:
    """Explain a row of the history."""
    if not row.events:
        return ""
    timeline = trace.histories.get(row.execution_arn or "")
    event, visit = row.events[0], row.visit
    if row.kind is Kind.EXECUTION:
        return _execution(event, timeline)
    if row.kind in {Kind.ENTERED, Kind.PASSED} and visit is not None:
        return _entered(row, visit, timeline, trace)
    if row.kind is Kind.EXITED and visit is not None:
        return _exited(row.events[-1], visit, timeline)
    if row.kind is Kind.PHASE and row.attempt is not None:
        return phase_sentence(row, row.attempt)
    return _other(event, visit)


# -- executions ------------------------------------------------------------------


def _execution(event: HistoryEvent, timeline: Timeline | None) -> str:
    if event.type == "ExecutionStarted" and timeline is not None:
        return _started(timeline)
    if event.type == "ExecutionRedriven":
        return "The execution is redriven: what had not succeeded is run once more."
    ending = _ENDINGS.get(event.type)
    if ending is None:
        return _unknown(event)
    begun = timeline.started_at if timeline else None
    spent = None if begun is None else (event.timestamp - begun).total_seconds()
    return f"{ending}{after(spent)}{reason(event)}."


def _started(timeline: Timeline) -> str:
    machine = timeline.state_machine_name
    of = f" of {short(machine)}" if machine else ""
    role = (timeline.role_arn or "").rpartition("/")[2]
    calls = f"; its calls are made with the role {short(role)}" if role else ""
    return f"The execution {short(timeline.name)}{of} begins{calls}."


# -- states ----------------------------------------------------------------------


def _entered(
    row: Row, visit: StateVisit, timeline: Timeline | None, trace: Trace
) -> str:
    kind = visit.type if visit.type in {"Task", "Map"} else f"{visit.type} state"
    head = f"{short(visit.name)}, a {short(kind)}{place_of(visit, timeline)},"
    if visit.type == "Task":
        return f"{head} {_task(visit, trace)}."
    if visit.type == "Choice":
        there = next_state(timeline, row.events[-1])
        return f"{head} chooses where to go next{f': {there}' if there else ''}."
    if visit.type == "Parallel":
        return f"{head} {_branches(visit, timeline)}."
    if visit.type == "Map":
        return f"{head} {_items(visit, timeline)}."
    return f"{head} {_plain(visit, timeline)}."


def _task(visit: StateVisit, trace: Trace) -> str:
    if not visit.attempts:
        return "is entered; nothing has been scheduled for it yet"
    attempt = visit.attempts[0]
    means = _MEANS.get(attempt.pattern, _calls)(attempt)
    hidden = "; CloudTrail's event history leaves that call out"
    return f"{means}{hidden if is_hidden(attempt.integration, trace) else ''}"


def _action(attempt: Attempt) -> str:
    return short(attempt.integration.action_event) if attempt.integration else "it"


def _waits(attempt: Attempt) -> str:
    return (
        f"runs {short(resource_words(attempt))}: it calls {_action(attempt)} and waits"
        f" until the {thing_of(attempt)} is over"
    )


def _waits_for_token(attempt: Attempt) -> str:
    return f"calls {_action(attempt)}, then waits until its task token comes back"


def _calls(attempt: Attempt) -> str:
    if invokes_function(attempt):
        return "invokes a Lambda function and waits for its answer"
    how = ", by the AWS SDK," if attempt.pattern is Pattern.AWS_SDK else ""
    means = f"calls {_action(attempt)}{how} and goes on with the answer"
    if starts_job(attempt):
        return f"{means}: it does not wait for the {thing_of(attempt)}"
    return means


def _invokes(attempt: Attempt) -> str:
    name = resource_words(attempt).partition(":")[2]
    return f"invokes the function {short(name)} by its ARN and waits for the answer"


def _waits_for_worker(attempt: Attempt) -> str:
    name = resource_words(attempt).partition(":")[2]
    return f"calls nothing: a worker has to ask for the activity {short(name)}"


_MEANS: Mapping[Pattern, Callable[[Attempt], str]] = {
    Pattern.SYNC: _waits,
    Pattern.TASK_TOKEN: _waits_for_token,
    Pattern.LAMBDA: _invokes,
    Pattern.ACTIVITY: _waits_for_worker,
}


def _branches(visit: StateVisit, timeline: Timeline | None) -> str:
    known = (timeline.definition.branches or {}).get(visit.name) if timeline else None
    count = len(known) if known else 0
    return f"starts {count or 'all its'} branches at the same time"


def _items(visit: StateVisit, timeline: Timeline | None) -> str:
    own = [timeline.events[i] for i in visit.event_ids] if timeline else []
    if any(event.type == "MapRunStarted" for event in own):
        return "hands its items to a Map Run, whose executions have their own histories"
    lengths = (e.details.get("length") for e in own if e.type == "MapStateStarted")
    length = next((n for n in lengths if isinstance(n, int)), None)
    if length is None:
        return "runs its states once for each item of a list"
    if length == 1:
        return "runs its states once, for the 1 item of its list"
    return f"runs its states once for each of {length} items"


def _plain(visit: StateVisit, timeline: Timeline | None) -> str:
    outer = around_of(visit, timeline)
    kinds = {"Map": "its iteration", "Parallel": "its branch"}
    around = kinds.get(outer.type, "its branch") if outer else "the execution"
    if visit.type == "Wait":
        spent = seconds_in(visit) if visit.exited_at else None
        return "lets time pass" if spent is None else f"waits for {duration(spent)}"
    return {
        "Pass": "calls nothing: it hands its input on, as it is or reshaped",
        "Succeed": f"ends {around} well",
        "Fail": f"ends {around} in failure",
    }.get(visit.type, "is entered")


def _exited(event: HistoryEvent, visit: StateVisit, timeline: Timeline | None) -> str:
    there = next_state(timeline, event)
    name, spent = short(visit.name), after(seconds_in(visit))
    if visit.status == "caught":
        way = f": {there} comes next" if there else ""
        return f"{name} failed{spent}, but a Catch takes it from here{way}."
    way = f"; {there} comes next" if there else ""
    return f"{name} is over{spent}{way}."


# -- all else --------------------------------------------------------------------

_HAPPENED = {
    "MapIterationStarted": "Iteration {index} of {name} begins",
    "MapIterationSucceeded": "Iteration {index} of {name} has succeeded",
    "MapIterationFailed": "Iteration {index} of {name} has failed",
    "MapIterationAborted": "Iteration {index} of {name} was aborted",
    "MapStateStarted": "{name} starts its iterations: {length}",
    "MapStateSucceeded": "All iterations of {name} are done",
    "MapStateFailed": "{name} has failed as a whole, since an iteration did",
    "MapStateAborted": "{name} was aborted, with all its iterations",
    "MapRunStarted": "A Map Run starts: its executions have their own histories",
    "MapRunSucceeded": "The Map Run has succeeded",
    "MapRunFailed": "The Map Run has failed",
    "MapRunAborted": "The Map Run was aborted",
    "MapRunRedriven": "The Map Run is redriven: what had not succeeded is run again",
    "ParallelStateStarted": "{name} starts its branches",
    "ParallelStateSucceeded": "All branches of {name} have succeeded",
    "ParallelStateFailed": "{name} has failed as a whole, since a branch did",
    "ParallelStateAborted": "{name} was aborted, with all its branches",
    "TaskStateAborted": "A Task was aborted, probably as what runs around it ended",
    "WaitStateAborted": "A Wait was aborted, probably as what runs around it ended",
    "EvaluationFailed": "An expression of {state} could not be evaluated",
}


def _other(event: HistoryEvent, visit: StateVisit | None) -> str:
    template = _HAPPENED.get(event.type)
    if template is None:
        return _unknown(event)
    name = event.detail("name") or (visit.name if visit else None)
    index, length = (event.details.get(key) for key in ("index", "length"))
    said = template.format(
        name=short(name or "the state"),
        index=index if isinstance(index, int) else "?",
        length=length if isinstance(length, int) else "their number is not known",
        state=short(event.detail("state") or name or "a state"),
    )
    return f"{said}{reason(event)}."


def _unknown(event: HistoryEvent) -> str:
    family = next((f for f in FAMILIES if event.type.startswith(f)), None)
    of = f" of a {short(family)}" if family else ""
    return f"{short(event.type)}: an event{of} that this version has no words for."
