"""How a history hangs together: each rule by itself, and what becomes of holes in it.

The rules were read off executions recorded on AWS; inferred ones say so. A walk is a
history in shorthand, see `builders.history`, and what becomes of it: each visit's path
and how it ended, in the order in which they were entered.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received
from sfnwatch.model.visits import StateVisit
from tests import builders as aws
from tests import examples
from tests.builders import definition
from tests.model.answers import execution_of, trace_of
from tests.model.machines import MACHINES, Run, States, dice_of

BEGUN = "ExecutionStarted@0"
TASK = f"{BEGUN}; TaskStateEntered@0 A; TaskScheduled; TaskStarted"
FORK = f"{BEGUN}; ParallelStateEntered@0 P; ParallelStateStarted"
EACH = f"{BEGUN}; MapStateEntered@0 M; MapStateStarted"
FAILING = (
    f"{FORK}; TaskStateEntered@3 A; TaskStateEntered@3 B; TaskScheduled@4;"
    " TaskScheduled@5; TaskFailed@6"
)
"""Of two branches that each try a Task, the first fails, by event 8."""
RUN = f'{EACH}; MapRunStarted {{"mapRunArn": "arn:run"}}'
BEGINNINGS = {
    "BEGUN": BEGUN,
    "TASK": TASK,
    "FORK": FORK,
    "EACH": EACH,
    "FAILING": FAILING,
    "RUN": RUN,
}


def told(text: str) -> list[Received]:
    return aws.history(*(line.strip() for line in text.split(";")))


def ends(execution: ExecutionAsOf) -> str:
    visits = execution.visits
    told_of = (f"{v.path.removeprefix('Main / ')} {v.status}" for v in visits)
    return "; ".join(told_of).strip()


_WALKS = """
# states
a Task may fail after its call succeeded:
  TASK; TaskSucceeded; ExecutionFailed
  = A failed
# evaluations
a failed evaluation follows event 0 but names its state:
  FORK; WaitStateEntered@3 A; WaitStateEntered@3 B; EvaluationFailed@0 {"state":
    "A"}; ExecutionFailed@0
  = P failed; P[0] / A failed; P[1] / B aborted
one of a later state follows what was before that state:
  BEGUN; PassStateEntered@0 A; PassStateExited A; MapStateEntered B;
    EvaluationFailed@3 {"state": "B"}; ExecutionFailed
  = A succeeded; B failed
of two of one name it is the one in the iteration that it follows:
  EACH; MapIterationStarted@3 M#0; MapIterationStarted@3 M#1; PassStateEntered@4 A;
    PassStateEntered@5 A; EvaluationFailed@4 {"state": "A"}; MapIterationFailed@8 M#0;
    MapStateFailed@8; ExecutionFailed@8
  = M failed; M[0] / A failed; M[1] / A aborted
a failed evaluation may be caught:
  BEGUN; PassStateEntered@0 A; EvaluationFailed@0 {"state": "A"}; PassStateExited A
  = A caught
# Parallel
a sibling that waits to be tried again is aborted and not failed:
  FORK; TaskStateEntered@3 A; TaskStateEntered@3 B; TaskScheduled@4; TaskScheduled@5;
    TaskFailed@7; TaskFailed@6; ParallelStateFailed@9; ExecutionFailed
  = P failed; P[0] / A failed; P[1] / B aborted
one that failed together with the failing one is not aborted:
  FAILING; TaskTimedOut@7; TaskStateAborted@8; ParallelStateFailed@8; ExecutionFailed
  = P failed; P[0] / A failed; P[1] / B timed_out
it may also be tried again behind its own failure:
  FAILING; ParallelStateFailed; ParallelStateStarted; PassStateEntered C
  = P running; P[0] / A failed; P[1] / B aborted; P[0] / C running
what is inside is over when the Parallel exits, whatever is missing:
  FORK; WaitStateEntered A; ParallelStateExited@3 P
  = P succeeded; P[0] / A succeeded
a Parallel with a Fail inside was caught, where its own end is missing:
  FORK; FailStateEntered A; ParallelStateExited@3 P
  = P caught; P[0] / A failed
and so is one with a Task that failed, but not in an earlier try:
  FORK; TaskStateEntered@3 A; TaskScheduled; TaskFailed; ParallelStateExited@77 P
  = P caught; P[0] / A failed
an earlier try does not count:
  FORK; TaskStateEntered@3 A; TaskScheduled; TaskFailed; ParallelStateStarted;
    PassStateEntered B; PassStateExited B; ParallelStateExited P
  = P succeeded; P[0] / A failed; P[0] / B succeeded
one that failed by itself aborts what is inside:
  FORK; WaitStateEntered A; ParallelStateFailed@3; ExecutionFailed
  = P failed; P[0] / A aborted
a Map with an iteration was started, though no event says so:
  BEGUN; MapStateEntered@0 M; MapIterationStarted M#0; FailStateEntered A;
    MapIterationFailed M#0; MapStateFailed@4; MapStateExited M
  = M caught; M[0] / A failed
an iteration that was aborted did not fail:
  EACH; MapIterationStarted M#0; WaitStateEntered A; MapIterationAborted@77 M#0
  = M running; M[0] / A aborted
what failed inside may be known without the event before:
  EACH; MapIterationStarted M#0; TaskStateEntered A; MapIterationFailed@77 M#0;
    MapStateFailed@77; ExecutionFailed@77
  = M failed; M[0] / A failed
# Map
iterations that time out together all do, though AWS calls all but one aborted:
  EACH; MapIterationStarted@3 M#0; MapIterationStarted@3 M#1; TaskStateEntered@4 A;
    TaskStateEntered@5 A; TaskScheduled@6; TaskScheduled@7; TaskTimedOut@8;
    TaskTimedOut@9; MapIterationFailed@10 M#0; TaskStateAborted@10;
    MapIterationAborted@10 M#1; TaskStateAborted@10; MapStateFailed@10; ExecutionFailed
  = M failed; M[0] / A timed_out; M[1] / A timed_out
but not one that had a try left, as another had of that state:
  EACH; MapIterationStarted@3 M#0; MapIterationStarted@3 M#1; TaskStateEntered@4 A;
    TaskStateEntered@5 A; TaskScheduled@6; TaskFailed@8; TaskScheduled@9;
    TaskScheduled@7; TaskFailed@10; TaskFailed@11; MapIterationFailed@12 M#0;
    MapIterationAborted@12 M#1; MapStateFailed@12; ExecutionFailed
  = M failed; M[0] / A failed; M[1] / A aborted
# Inferred: MapStateAborted follows the failing event, as TaskStateAborted does.
an aborted Map in a dying branch is not the Map around it:
  EACH; MapIterationStarted M#0; ParallelStateEntered P; ParallelStateStarted;
    FailStateEntered@6 A; MapStateEntered@6 N; MapStateStarted; MapStateAborted@7;
    ParallelStateFailed@7; ParallelStateExited P
  = M running; M[0] / P caught; M[0] / P[0] / A failed; M[0] / P[1] / N aborted
a serial iteration may follow the exit of a Map of the same name:
  EACH; MapIterationStarted M#0; MapStateEntered M; MapStateStarted;
    MapStateExited@6 M; MapIterationStarted@7 M#1; PassStateEntered A
  = M running; M[0] / M succeeded; M[1] / A running
a Distributed Map has a Map Run and no iterations:
  RUN; MapRunSucceeded; MapStateSucceeded; MapStateExited@5 M; PassStateEntered A
  = M succeeded; A running
# holes
a history without its beginning shows what it has:
  TaskSucceeded@22; TaskStateExited A; PassStateEntered B; PassStateExited B
  = B succeeded
an exit finds its state by name and type where what is between is missing:
  FORK; WaitStateEntered@3 A; PassStateEntered@3 A; WaitStateEntered@3 B;
    WaitStateExited@77 A
  = P running; P[0] / A succeeded; P[1] / A running; P[2] / B running
what is over is not over again:
  PassStateEntered@0 A; PassStateExited A; PassStateExited A
  = A succeeded
an iteration finds its Map where the event before is missing:
  EACH; MapIterationStarted@3 M#0; WaitStateEntered A; MapIterationStarted@77 M#5;
    WaitStateEntered A
  = M running; M[0] / A running; M[5] / A running
an iteration without an index has none in its path:
  EACH; MapIterationStarted M; PassStateEntered A
  = M running; M / A running
an iteration without a Map stands at the root:
  MapIterationStarted@77 M#5; PassStateEntered A
  = A running
an iteration that nothing is known of ends nothing:
  WaitStateEntered@0 A; MapIterationFailed M#7
  = A running
a start behind another kind of state makes no branches:
  BEGUN; WaitStateEntered@0 A; ParallelStateStarted; PassStateEntered B
  = A running; B running
a state without a name is a visit too:
  PassStateEntered
  =  running
an end that follows nothing is that of what was at work alone:
  EACH; MapIterationStarted M#0; PassStateEntered A; ExecutionFailed@77
  = M failed; M[0] / A failed
or of the state that its cause names, and that is here:
  FORK; WaitStateEntered@3 A; WaitStateEntered@3 B; ExecutionFailed@0 {"cause":
    "An error occurred while executing the state 'B' (entered at the event id #5)."}
  = P failed; P[0] / A aborted; P[1] / B failed
but not of one of a child execution:
  FORK; WaitStateEntered@3 A; WaitStateEntered@3 B; ExecutionFailed@0 {"cause":
    "An error occurred while executing the state 'Q' (entered at the event id #4)."}
  = P failed; P[0] / A aborted; P[1] / B aborted
# ends that no event tells
of an execution that succeeded nothing runs:
  TASK; ExecutionSucceeded
  = A succeeded
a failure of one that succeeded was caught:
  TASK; TaskFailed; ExecutionSucceeded@1
  = A caught
what a failure around it cut short did not succeed:
  FAILING; ParallelStateFailed; ExecutionSucceeded
  = P caught; P[0] / A failed; P[1] / B aborted
# redrives, none of which is in a recording: all of it is inferred
a redrive goes on with the Task that failed:
  TASK; TaskFailed; ExecutionFailed; ExecutionRedriven@0; TaskScheduled@2;
    TaskSucceeded; TaskStateExited A
  = A succeeded
a redriven branch takes its Parallel with it, and not its siblings:
  FAILING; ParallelStateFailed; ExecutionFailed; ExecutionRedriven@0;
    TaskScheduled@4
  = P running; P[0] / A running; P[1] / B aborted
a redriven Parallel may start again without being entered:
  FAILING; ParallelStateFailed; ExecutionFailed; ExecutionRedriven@0;
    ParallelStateStarted@9; TaskStateEntered C
  = P running; P[0] / A failed; P[1] / B aborted; P[0] / C running
a branch that is entered after a redrive runs with its Parallel:
  FORK; TaskStateEntered@3 A; PassStateEntered@3 B; ExecutionAborted@0;
    ExecutionRedriven@0; PassStateExited@5 B; PassStateEntered C
  = P running; P[0] / A aborted; P[1] / B succeeded; P[1] / C running
an iteration may be redriven:
  EACH; MapIterationStarted@3 M#0; TaskStateEntered A; TaskScheduled;
    TaskFailed; MapIterationFailed@7 M#0; MapStateFailed@7; ExecutionFailed@7;
    ExecutionRedriven@0; TaskScheduled@5; TaskSucceeded; TaskStateExited A
  = M running; M[0] / A succeeded
a state that is entered anew after a redrive is another visit:
  BEGUN; FailStateEntered@0 F; ExecutionFailed; ExecutionRedriven@0;
    FailStateEntered F; ExecutionFailed
  = F failed; F failed
"""


def _walks() -> Iterator[tuple[str, tuple[str, str]]]:
    """Read each walk: its name, its events, and what becomes of its visits."""
    text = re.sub(r"^#.*\n", "", _WALKS, flags=re.MULTILINE).replace("\n    ", " ")
    for name, events, ends in re.findall(r"(.+):\n  (.+)\n  = +(.+)\n", text):
        first, _, rest = events.partition("; ")
        yield name, (f"{BEGINNINGS.get(first, first)}; {rest}".rstrip("; "), ends)


WALKS = dict(_walks())


@pytest.mark.parametrize("walk", WALKS)
def test_every_visit_is_found_with_its_place_and_its_end(walk: str) -> None:
    events, expected = WALKS[walk]
    execution = execution_of(*told(events))
    assert ends(execution) == expected
    for visit in execution.visits:
        assert visit.running == (visit.status == "running")
        assert visit.entered_at == execution.events[visit.id - 1].at


def test_the_definition_numbers_the_branches_whatever_is_entered_first() -> None:
    """No two get one number where their first states share a name."""
    starts = [{"StartAt": name} for name in ("A", "B", "A")]
    defined = aws.definition({"P": {"Type": "Parallel", "Branches": starts}})
    entered = "; PassStateEntered@3 B; PassStateEntered@3 A; PassStateEntered@3 A"
    for records in ([defined, *told(FORK + entered)], [*told(FORK + entered), defined]):
        assert [v.index for v in execution_of(*records).visits] == [None, 1, 0, 2]


def test_errors_that_no_attempt_carries_are_the_visits() -> None:
    failed = (
        'MapRunFailed {"error": "E", "cause": "C"}; MapStateFailed; ExecutionFailed'
    )
    (visit,) = execution_of(*told(f"{RUN}; {failed}")).visits
    assert (visit.status, visit.error, visit.cause) == ("failed", "E", "C")
    evaluation = 'EvaluationFailed@4 {"state": "A", "error": "E"}'
    both = f"{FORK}; PassStateEntered@3 A; PassStateEntered@3 A; {evaluation}"
    assert [v.error for v in execution_of(*told(both)).visits] == [None, "E", None]


def test_a_redrive_takes_an_error_back_and_looking_back_it_is_there() -> None:
    failed = 'PassStateEntered@0 A; EvaluationFailed@0 {"state": "A", "error": "E"}'
    redriven = "ExecutionFailed@0; ExecutionRedriven@0; PassStateExited@2 A"
    trace = trace_of(*told(f"{BEGUN}; {failed}; {redriven}"))
    for seconds, status, error in (
        (1, "running", None),
        (2, "running", "E"),
        (3, "failed", "E"),
        (4, "failed", "E"),
        (5, "succeeded", None),
    ):
        (visit,) = trace.as_of(aws.at(seconds)).executions[aws.ARN].visits
        assert (visit.status, visit.error) == (status, error), seconds


def test_an_event_that_follows_nothing_is_the_one_running_tasks() -> None:
    entered = f"{FORK}; TaskStateEntered@3 A; TaskStateEntered@3 B; TaskStarted@77"
    one = execution_of(
        *told(entered.replace("TaskStateEntered@3 B", "WaitStateEntered@3 B"))
    )
    two = execution_of(*told(entered))
    assert [v.name for v, _ in one.attempts] == ["A"]
    assert not list(two.attempts)


def test_a_type_that_aws_adds_later_changes_nothing_around_it() -> None:
    lines = "TaskPondered; TaskSucceeded; SomethingElse; TaskStateExited A"
    (visit,) = execution_of(*told(f"{TASK}; {lines}")).visits
    assert (visit.status, visit.event_ids) == ("succeeded", [2, 3, 4, 5, 6, 7, 8])
    assert visit.attempts[0].event_ids == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        *(("SUCCEEDED", "succeeded"), ("FAILED", "aborted"), ("ABORTED", "aborted")),
        *(("TIMED_OUT", "timed_out"), ("RUNNING", "running"), ("NEW", "running")),
    ],
)
def test_what_runs_ends_as_aws_says_where_no_event_tells(
    status: str, word: str
) -> None:
    lines = f"{FORK}; TaskStateEntered@3 A; WaitStateEntered@3 B; TaskScheduled@4"
    execution = execution_of(*told(lines), aws.describe(status, stopped=60))
    assert ends(execution) == f"P {word}; P[0] / A {word}; P[1] / B {word}"
    (attempt,) = (attempt for _, attempt in execution.attempts)
    running = execution.running or status == "NEW"
    assert (attempt.status == "running") == running


def test_the_longest_history_there_is_is_read_in_a_moment() -> None:
    """24,000 events, the limit is 25,000: 4,000 iterations at once."""
    run = aws.History(pace=0.01).write(*EACH.split("; "))
    ids = [
        run.add("MapIterationStarted", after=3, name="M", index=n) for n in range(4000)
    ]
    for phase in ("StateEntered", "Scheduled", "Started", "Succeeded", "StateExited"):
        details: dict[str, Any] = {"name": "A"} if "State" in phase else {}
        ids = [run.add(f"Task{phase}", after=before, **details) for before in ids]
    statuses = [visit.status for visit in execution_of(*run.records).visits]
    assert statuses == ["running", *["succeeded"] * 4000]


# -- runs of machines at random: what happened is read back ----------------------------


runs = given(
    machine=MACHINES,
    seed=st.integers(0, 2**32),
    failing=st.sampled_from([0.0, 0.1, 0.4]),
)


def facts(visit: StateVisit) -> tuple[Any, ...]:
    attempts = tuple((a.scheduled_id, a.status) for a in visit.attempts)
    kind = (visit.name, visit.type, visit.parent, visit.index, visit.path)
    return (*kind, visit.status, visit.exited_at is not None, attempts)


def truth(run: Run) -> dict[int, tuple[Any, ...]]:
    return {
        number: (
            *(v.name, v.type, v.parent.id if v.parent else None, v.index, v.path),
            *(v.status, v.exited),
            tuple((key, status) for key, status in v.attempts),
        )
        for number, v in run.truth.items()
    }


@pytest.mark.parametrize("alike", [False, True])
@examples(120)
@runs
def test_every_visit_is_read_back_with_its_place_and_its_end(
    machine: States, seed: int, failing: float, *, alike: bool
) -> None:
    run = Run(machine, seed, failing, alike=alike)
    execution = execution_of(definition(run.definition), *run.history.records)
    assert {v.id: facts(v) for v in execution.visits} == truth(run)
    owners = {number: execution.event(number) for number in run.owners}
    assert {n: e and e.visit_id for n, e in owners.items()} == run.owners


@examples(60)
@runs
def test_the_tree_is_right_while_the_run_is_still_going(
    machine: States, seed: int, failing: float
) -> None:
    run = Run(machine, seed, failing)
    so_far = run.history.last // 2
    events = run.history.records[:so_far]
    visits = execution_of(definition(run.definition), *events).visits
    assert {v.id: facts(v)[:5] for v in visits} == {
        number: each[:5] for number, each in truth(run).items() if number <= so_far
    }


@examples(60)
@runs
def test_holes_lose_no_visit_that_was_entered_and_leave_nothing_running(
    machine: States, seed: int, failing: float
) -> None:
    run, dice = Run(machine, seed, failing), dice_of(seed)
    *before, last = run.history.records
    kept = [each for each in before if dice.random() < 0.7]
    visits = {v.id: v.status for v in execution_of(*kept, last).visits}
    assert set(visits) == {k.record["id"] for k in kept} & set(run.truth)
    assert "running" not in visits.values()
