"""What became of what an execution started: Map Runs, child executions, jobs.

A state without `.sync` completes as soon as its call was answered. What became of its
job stands elsewhere, if anywhere: in a later state that asked for it, in a call that
stopped it, in the history of the execution it is, in what ECS told of the task.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from sfnwatch.next.analysis.case import AttemptCase, Case, StateUse, Work, together
from sfnwatch.next.analysis.finding import Finding, Steps, finding
from sfnwatch.next.analysis.outcomes import ended_with
from sfnwatch.next.analysis.wording import counted, named, plural, ranked, some, why
from sfnwatch.next.model.api_call import ApiCall
from sfnwatch.next.model.arns import role_name, short_id
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.integrations import Pattern
from sfnwatch.next.model.json_text import list_of, mapping_of, parse_json, text_of
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
_PLAIN = frozenset({Pattern.REQUEST_RESPONSE, Pattern.AWS_SDK})
_BAD_STOPS = frozenset({"TaskFailedToStart", "SpotInterruption", "TerminationNotice"})
_ECS = "ecs.amazonaws.com"
_PAUSE = 20
"""After so many records that had to be decoded, the work may pause."""


# -- child executions ------------------------------------------------------------------


class ChildIndex:
    """The child executions and the Map Runs of a moment, by what started them."""

    def __init__(self, moment: Moment) -> None:
        self.nested: dict[str, list[tuple[Parent, ExecutionAsOf]]] = defaultdict(list)
        """Those that are no Map Run's, by the execution that started them."""
        self.of_map_run: dict[str, list[ExecutionAsOf]] = defaultdict(list)
        self.map_runs: dict[str, list[tuple[Parent, MapRun]]] = defaultdict(list)
        """Those that were told of, by their execution."""
        for arn, child in moment.children.items():
            parent = moment.lineage.parents[arn]
            if parent.map_run_arn is not None:
                self.of_map_run[parent.map_run_arn].append(child)
            else:
                self.nested[parent.execution_arn].append((parent, child))
        for arn, told in moment.map_runs.items():
            if starter := moment.lineage.map_runs.get(arn):
                self.map_runs[starter.execution_arn].append((starter, told))


def children(case: Case, index: ChildIndex) -> Steps:
    """Tell of the Map Runs of an execution, and of child executions that failed."""
    arn = case.execution.arn
    for parent, told in index.map_runs[arn]:
        errors: list[str] = []
        for child in index.of_map_run[told.arn]:
            if child.status in UNSUCCESSFUL:
                errors.append(ended_with(case.moment, child)[0] or child.status)
                yield None
        read = len(index.of_map_run[told.arn])
        yield from _map_run(case, told, parent, read, ranked(errors))
    for parent, child in index.nested[arn]:
        if child.status in UNSUCCESSFUL:
            yield _child_failed(case, child, parent)


def _map_run(
    case: Case, told: MapRun, parent: Parent, read: int, errors: Mapping[str, int]
) -> Iterator[Finding]:
    """Tell of a Map Run, if an event says that it was started."""
    turns = case.execution.map_run_turns
    starts = [f"#{turn.event.id}" for turn in turns if turn.arn == told.arn]
    counts, reasons = told.executions, f" ({counted(errors)})" if errors else ""
    verb = "was" if read == 1 else "were"
    histories = f"{read:,} of the {counts.total:,} child histories {verb} read"
    if read >= counts.total:
        histories = "All child histories were read" if read else "No child has run yet"
    if starts:
        yield finding(
            "children",
            f"{case.state_name(parent.visit_id)} ran"
            f" {plural(told.items.total, 'item')} as"
            f" {plural(counts.total, 'child execution')}: {_outcome(counts)}{reasons}."
            f" {histories}.",
            starts,
            map_run=told.arn,
            visit=parent.visit_id or None,
            status=told.status,
            **asdict(counts),
            histories=read,
            errors=errors,
        )


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


def _child_failed(case: Case, child: ExecutionAsOf, parent: Parent) -> Finding:
    error, cause = ended_with(case.moment, child)
    name = named(f"{child.state_machine_name} › {short_id(child.name)}")
    attempt, reason = parent.attempt_id, why(error, cause, _CAUSE)
    return finding(
        "child-failed",
        f"The child execution started by {case.state_name(parent.visit_id)}, {name},"
        f" ended as {child.status}{f' with {reason}' if reason else ''}.",
        [f"#{attempt}"] if attempt else [],
        execution=child.arn,
        visit=parent.visit_id or None,
        attempt=attempt,
        status=child.status,
        error=error or child.status,
    )


def unread_children(
    moment: Moment, index: ChildIndex, calls: Sequence[ApiCall]
) -> tuple[list[Finding], Sequence[ApiCall]]:
    """Tell of executions of Map Runs that were not read, and of calls by their role.

    What they called can't be told from calls of strangers with that role: those are
    taken out of `calls`, and the rest is given back.
    """
    unread: list[tuple[MapRun, int]] = []
    roles: set[str | None] = set()
    for told in moment.map_runs.values():
        parent = moment.lineage.map_runs.get(told.arn)
        owner = moment.executions.get(parent.execution_arn) if parent else None
        count = told.executions.total - len(index.of_map_run[told.arn])
        if owner is not None and count > 0:
            unread.append((told, count))
            roles.add(role_name(owner.role_arn))
    roles.discard(None)
    theirs = [call for call in calls if call.role in roles]
    rest = [call for call in calls if call.role not in roles] if theirs else calls
    return [_unread(told, count, theirs) for told, count in unread], rest


def _unread(told: MapRun, count: int, calls: Sequence[ApiCall]) -> Finding:
    names = counted(ranked(call.event_name for call in calls))
    theirs = f"; {plural(len(calls), 'call')} by that role may belong to them ({names})"
    return finding(
        "unseen",
        f"{count:,} of the {plural(told.executions.total, 'child execution')} of"
        f" Map Run {clean(map_run_name(told.arn))} {'was' if count == 1 else 'were'}"
        f" counted but not read{theirs if calls else ''}.",
        (call.event_id for call in calls),
        reason="children-unread",
        map_run=told.arn,
        count=count,
        calls=len(calls),
    )


# -- jobs that failed after their state had succeeded ----------------------------------


class JobFailure(Struct, frozen=True):
    """How a job is known to have failed."""

    words: str
    witness: str
    """The event, the call or the task's state that says so; empty where none does."""
    exit_code: int | None = None
    stop_code: str | None = None


JobFailures = Mapping[str, JobFailure]
"""By the job's id."""


def job_failures(moment: Moment, cases: Sequence[Case]) -> Work[JobFailures]:
    """Find the jobs that are known to have failed, if a state left any behind."""
    found: dict[str, JobFailure] = {}
    if not any(_leaves_job(use) for case in cases for use in case.uses):
        return found
    for number, (job, failure) in enumerate(_witnesses(moment, cases)):
        if not number % _PAUSE:
            yield
        if failure is not None:
            found.setdefault(job, failure)
    return found


def _leaves_job(use: StateUse) -> bool:
    return use.first.pattern in _PLAIN and use.starts_job


_Told = Iterator[tuple[str, JobFailure | None]]
"""What a record says of a job, by its id."""


def _witnesses(moment: Moment, cases: Sequence[Case]) -> _Told:
    """Yield what any record says of jobs, the best witness first."""
    for arn, execution in moment.executions.items():
        if execution.status in UNSUCCESSFUL:
            by = f"#{execution.ending.id}" if execution.ending else ""
            yield arn, JobFailure(f"ended as {execution.status}", by)
    for case in cases:
        yield from _described(case)
    for call in moment.calls:
        if call.event_source == _ECS and call.has_answer:
            record = moment.trace.cloudtrail_record(call)
            yield from _tasks(record.get("responseElements"), call.event_id)
    for job, states in moment.task_states.items():
        stopped = next((state for state in reversed(states) if state.stopped), None)
        if stopped is not None:
            codes = [container.exit_code for container in stopped.containers]
            yield job, _failure(codes, stopped.stop_code, stopped.key)


def _described(case: Case) -> _Told:
    """Yield the tasks that a state asked for, or stopped, as its output has them."""
    for use in case.uses:
        # A `.sync` answers with its own task, which says no more than its state.
        sync = use.first.pattern is Pattern.SYNC
        if use.row is None or use.row.event_source != _ECS or sync:
            continue
        for each in use.attempts:
            event = case.execution.event(each.attempt.ended_by)
            if event is not None and event.type == "TaskSucceeded":
                details = case.moment.trace.details(event)
                yield from _tasks(parse_json(details.get("output")), each.end_event)


def _tasks(body: Any, witness: str) -> _Told:
    """Read ECS tasks; an output writes keys with a capital, CloudTrail without."""
    whole = _lowered(body)
    for each in (whole.get("task"), *list_of(whole.get("tasks"))):
        task = _lowered(each)
        job = text_of(task.get("taskArn"))
        codes = [_lowered(c).get("exitCode") for c in list_of(task.get("containers"))]
        if job:
            yield job, _failure(codes, text_of(task.get("stopCode")), witness)


def _failure(
    exit_codes: Sequence[Any], stop_code: str | None, witness: str
) -> JobFailure | None:
    bad = [code for code in exit_codes if isinstance(code, int) and code != 0]
    if bad:
        return JobFailure(f"ended with exit code {bad[0]}", witness, bad[0], stop_code)
    if stop_code in _BAD_STOPS:
        return JobFailure(f"stopped with {stop_code}", witness, None, stop_code)
    return None


def _lowered(value: Any) -> Mapping[str, Any]:
    return {key[:1].lower() + key[1:]: v for key, v in mapping_of(value).items()}


def failed_later(case: Case, failures: JobFailures) -> Iterator[Finding]:
    """Tell of the states that succeeded and whose jobs did not."""
    for use in filter(_leaves_job, case.uses if failures else ()):
        bad = [
            (each, job)
            for each in use.attempts
            if each.attempt.status == "succeeded"
            for job in each.attempt.resource_ids
            if job in failures and failures[job].witness != each.end_event
        ]
        for those in together(bad):
            yield _failed_later(those, failures)


def _failed_later(
    bad: Sequence[tuple[AttemptCase, str]], failures: JobFailures
) -> Finding:
    each, job = bad[0]
    end, row = failures[job], each.attempt.integration
    thing = row.job_word if row else "job"
    what = f"the {thing} it started ({named(short_id(job))}) {end.words}"
    if len(bad) > 1:
        what = f"{plural(len(bad), thing)} it started {end.words} or failed otherwise"
    proofs = (i for each, job in bad for i in (each.end_event, failures[job].witness))
    return finding(
        "job-failed-later",
        f"{named(each.visit.name)} succeeded without waiting, but {what}.",
        filter(None, proofs),
        **each.place,
        job=job,
        exit_code=end.exit_code,
        stop_code=end.stop_code,
        count=len(bad),
    )
