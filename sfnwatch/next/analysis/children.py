"""What became of what an execution started: of Map Runs, of child executions."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.next.analysis.case import Case
from sfnwatch.next.analysis.finding import Finding, Steps, finding
from sfnwatch.next.analysis.wording import (
    counted,
    named,
    plural,
    ranked,
    some,
    why,
)
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.arns import role_name, short_id
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.lineage import Parent
from sfnwatch.next.model.map_run import (
    UNSUCCESSFUL,
    ExecutionCounts,
    MapRun,
    map_run_name,
)
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean

_CAUSE = 160


class ChildIndex:
    """The child executions and the Map Runs of a moment, by what started them."""

    def __init__(self, moment: Moment) -> None:
        self.nested: dict[str, list[tuple[Parent, ExecutionAsOf]]] = {}
        """Those that are no Map Run's, by the execution that started them."""
        self.of_map_run: dict[str, list[ExecutionAsOf]] = {}
        self.map_runs: dict[str, list[tuple[Parent, MapRun]]] = {}
        """Those that were told of, by their execution."""
        for arn, child in moment.children.items():
            parent = moment.lineage.parents[arn]
            if parent.map_run_arn is not None:
                self.of_map_run.setdefault(parent.map_run_arn, []).append(child)
            else:
                started = self.nested.setdefault(parent.execution_arn, [])
                started.append((parent, child))
        for arn, told in moment.map_runs.items():
            parent_of_run = moment.lineage.map_runs.get(arn)
            if parent_of_run is not None:
                runs = self.map_runs.setdefault(parent_of_run.execution_arn, [])
                runs.append((parent_of_run, told))


def children(case: Case, index: ChildIndex) -> Steps:
    """Tell of the Map Runs of an execution, and of child executions that failed."""
    arn = case.execution.arn
    for parent, told in index.map_runs.get(arn, ()):
        turns = case.execution.map_run_turns
        starts = [turn.event.id for turn in turns if turn.arn == told.arn]
        errors: list[str] = []
        own = index.of_map_run.get(told.arn, ())
        for child in own:
            if child.status in UNSUCCESSFUL:
                errors.append(_reason(case.moment, child)[0] or child.status)
                yield None
        if starts:
            run = _MapRunCase(told, parent, len(own), ranked(errors), starts)
            yield _map_run(case, run)
    for parent, child in index.nested.get(arn, ()):
        if child.status in UNSUCCESSFUL:
            yield _failed(case, child, parent)


class _MapRunCase(Struct, frozen=True):
    """What is known of a Map Run."""

    told: MapRun
    parent: Parent
    read: int
    """How many of its executions' histories are known."""
    errors: Mapping[str, int]
    starts: Sequence[int]
    """The events that say it was started."""


def _map_run(case: Case, run: _MapRunCase) -> Finding:
    told, counts = run.told, run.told.executions
    reasons = f" ({counted(run.errors)})" if run.errors else ""
    return finding(
        "children",
        f"{_state(case, run.parent)} ran {plural(told.items.total, 'item')} as"
        f" {plural(counts.total, 'child execution')}: {_outcome(counts)}{reasons}."
        f" {_read(run.read, counts.total)}.",
        (f"#{number}" for number in run.starts),
        map_run=told.arn,
        visit=run.parent.visit_id or None,
        status=told.status,
        **asdict(counts),
        histories=run.read,
        errors=run.errors,
    )


def _read(count: int, total: int) -> str:
    """Say how many of the child executions' histories there are."""
    if count >= total:
        return "All child histories were read" if count else "No child has run yet"
    verb = "was" if count == 1 else "were"
    return f"{count:,} of the {total:,} child histories {verb} read"


def _outcome(counts: ExecutionCounts) -> str:
    """Say what they came to, failures first: `3 failed and 37 succeeded`."""
    if counts.total and counts.succeeded == counts.total:
        return "it succeeded" if counts.total == 1 else "all of them succeeded"
    told = (
        (counts.failed, "failed"),
        (counts.timed_out, "timed out"),
        (counts.aborted, "were aborted"),
        (counts.succeeded, "succeeded"),
        (counts.running, "running"),
        (counts.pending, "pending"),
    )
    return some([f"{n:,} {word}" for n, word in told if n], 6) or "none has started"


def _state(case: Case, parent: Parent) -> str:
    visit = case.visit(parent.visit_id)
    return named(visit.name) if visit else "A Map state"


def _failed(case: Case, child: ExecutionAsOf, parent: Parent) -> Finding:
    error, cause = _reason(case.moment, child)
    name = named(f"{child.state_machine_name} › {short_id(child.name)}")
    attempt, reason = parent.attempt_id, why(error, cause, _CAUSE)
    return finding(
        "child-failed",
        f"The child execution started by {_state(case, parent)}, {name}, ended as"
        f" {child.status}{f' with {reason}' if reason else ''}.",
        [f"#{attempt}"] if attempt else [],
        execution=child.arn,
        visit=parent.visit_id or None,
        attempt=attempt,
        status=child.status,
        error=error or child.status,
    )


def _reason(moment: Moment, child: ExecutionAsOf) -> tuple[str | None, str | None]:
    """Give the error and the cause that a child execution ended with."""
    details = moment.trace.details(child.ending) if child.ending else {}
    return text_of(details.get("error")), text_of(details.get("cause"))


def unread_children(
    moment: Moment, index: ChildIndex, calls: Sequence[ApiCall]
) -> tuple[list[Finding], Sequence[ApiCall]]:
    """Tell of executions of Map Runs that were not read, and of calls by their role.

    What they called can't be told from calls of strangers with that role: those are
    taken out of `calls`, and the rest is given back.
    """
    unread: list[tuple[MapRun, int]] = []
    roles: set[str] = set()
    for told in moment.map_runs.values():
        parent = moment.lineage.map_runs.get(told.arn)
        count = told.executions.total - len(index.of_map_run.get(told.arn, ()))
        owner = moment.executions.get(parent.execution_arn) if parent else None
        if owner is not None and count > 0:
            unread.append((told, count))
            role = role_name(owner.role_arn)
            roles |= {role} if role else set()
    theirs = [call for call in calls if call.role in roles]
    rest = [call for call in calls if call.role not in roles] if theirs else calls
    return [_unread(told, count, theirs) for told, count in unread], rest


def _unread(told: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    names = counted(ranked(call.event_name for call in calls))
    theirs = f"; {plural(len(calls), 'call')} by that role may belong to them ({names})"
    verb = "was" if count == 1 else "were"
    return finding(
        "unseen",
        f"{count:,} of the {plural(told.executions.total, 'child execution')} of"
        f" Map Run {clean(map_run_name(told.arn))} {verb} counted but not read"
        f"{theirs if calls else ''}.",
        (call.event_id for call in calls),
        reason="children-unread",
        map_run=told.arn,
        count=count,
        calls=len(calls),
    )
