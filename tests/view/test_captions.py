"""A sentence for every line, fit for anybody, and short names of executions."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.view.captions import caption
from sfnwatch.view.console_urls import call_url
from sfnwatch.view.execution_labels import (
    cut_middle,
    execution_labels,
    role_names,
    short_names,
)
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_options import OutlineOptions
from tests import builders as aws
from tests.builders import History, call, event
from tests.model.answers import trace_of
from tests.model.worlds import RECORDINGS, recorded
from tests.test_words import LEFT as STUMBLED_ON


def said_of(trace: Trace, outline: Outline, seconds: float | None = None) -> list[str]:
    """Give the captions of all lines, and hold that each may be said aloud."""
    at = None if seconds is None else aws.at(seconds)
    snapshot = trace.as_of(at)
    maker = LineMaker(snapshot, outline)
    captions = [caption(maker.line(item), snapshot) for item in outline.at(snapshot)]
    for each in captions:
        assert each.endswith("."), each
        assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in each)
        assert not any(words in each for words in ("None", "{", "  ", "..", " ,"))
        assert not STUMBLED_ON.search(each), each
    return captions


def told(*records: Received, folds: bool = False) -> list[str]:
    trace = trace_of(*records)
    return said_of(trace, Outline(trace, OutlineOptions(folds=folds)))


def entered(name: str, kind: str, **task: Any) -> History:
    """Begin an execution with a state, and what it calls if that is a Task."""
    run = History().start()
    run.add(f"{kind}StateEntered", name=name)
    if task:
        run.add("TaskScheduled", **task)
    return run


# -- the experiment ----------------------------------------------------------------

STORY = """
Execution run-7f3a of nightly-report starts, using the role StepFunctions-sync-role.
ECS RunTask uses ecs:runTask.sync, Run a Job (.sync): an optimized integration that runs
 a job and waits for it to finish.
RunTask returned; Step Functions now waits for task 9f018ef6; its call is matched by
 request ID.
Poll 1 of 5: DescribeTasks asks whether task 9f018ef6 is still running, 55 s after
 RunTask; matched by task ARN.
ECS RunTask succeeded: Step Functions learned of it by event, 1.9 s after the task
 stopped, with no DescribeTasks call in between.
The execution succeeded after 5m 09s.
"""


def test_the_experiment_is_told_like_a_story() -> None:
    said = told(*aws.sync_run())
    assert said[:4] + said[8:] == STORY.strip().replace("\n ", " ").splitlines()


def test_polls_that_were_all_denied_show_that_completion_needs_none() -> None:
    said = told(*aws.sync_run(denied=True), folds=True)
    assert "ECS RunTask: 3 more polls, about every 59 s, all denied." in said
    assert (
        "Poll 1 of 5: DescribeTasks was denied (AccessDenied), 55 s after RunTask, yet"
        " the state still succeeded, so completion doesn't depend on polling; matched"
        " by task ARN."
    ) in said


def test_how_many_polls_there_are_is_known_once_the_state_has_ended() -> None:
    trace = trace_of(*aws.sync_run(denied=True))
    said = said_of(trace, Outline(trace, OutlineOptions(folds=False)), 200)
    assert said[-1].startswith("Poll 3: DescribeTasks was denied (AccessDenied)")
    assert said[-1].endswith("but the state keeps waiting; matched by task ARN.")


# -- every kind of line --------------------------------------------------------------

SENDS: aws.Which = {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"}
ASKS: aws.Which = {"resourceType": "lambda", "resource": "invoke"}
JOB = json.dumps(aws.answer("req-run", aws.TASK_ARN))


def waiting() -> History:
    """Write a task that was begun."""
    run = entered("Work", "Task", **aws.SYNC)
    run.add("TaskSubmitted", wait=1, output=JOB, **aws.SYNC)
    return run


WAITS = waiting()
SENT = History().start().task("Work", aws.REQUEST_RESPONSE)
LEFT = History().start().task("Go", aws.SDK, output=json.loads(JOB)).records


def tried(**ending: Any) -> History:
    """Write a state that fails twice."""
    run = entered("Work", "Task")
    for wait in (0.1, 4):
        run.add("TaskScheduled", wait=wait, **aws.REQUEST_RESPONSE)
        cause = json.dumps({"StoppedReason": "No room."})
        run.add("TaskFailed", wait=1, error="ECS.Busy", cause=cause)
    return run.end(**ending) if ending else run


def caught() -> History:
    run = tried()
    run.add("TaskStateExited", name="Work")
    return run.state("Rescue")


def phase(kind: str, **details: Any) -> Sequence[Received]:
    """Write a Task with one phase after its start."""
    run = entered("W", "Task", **aws.REQUEST_RESPONSE)
    run.add(kind, wait=10, **details)
    return run.records


def waited() -> Sequence[Received]:
    run = History().start().state("Which?", "Choice").state("Pause", "Wait", wait=10)
    return run.state("Done", "Succeed").records


def ended(how: str) -> Sequence[Received]:
    return History().start().end(how, error="E", cause="why").records


def each() -> Sequence[Received]:
    run = History().start().map("Each", lambda inner: inner.task("Work", aws.SDK))
    return run.records


def made(name: str, seconds: float = 60, **more: Any) -> Sequence[Received]:
    return [*WAITS.records, call(name, seconds, key="x", **more)]


def worker() -> Sequence[Received]:
    begun = event(3, "ActivityScheduled", 1, **aws.ACTIVITY)
    taken = event(4, "ActivityStarted", 3, workerName="ann")
    return [*entered("W", "Task").records, begun, taken]


def stopped(**more: Any) -> Sequence[Received]:
    """Write a task that is aborted, and stopped for that."""
    parameters = {"task": aws.TASK_ARN}
    records = waiting().end("Aborted", wait=9).records
    stop = call("StopTask", 10, key="x", parameters=parameters, **more)
    return [*records, stop]


HIDDEN = "CloudTrail Event history does not include that call."
TRIED, REDRIVEN = tried().records, aws.redriven_run()
SCHEDULES = "retry back-off, Step Functions schedules ecs:runTask"


def alone(which: aws.Which = aws.SYNC) -> Sequence[Received]:
    return History().task("W", which).records


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (entered("S", "Choice").records, "S, a Choice state, chooses the next state."),
        (entered("S", "Pass").records, "S, a Pass state, passes its input on; no call"),
        (entered("S", "Wait").records, "S, a Wait state, waits."),
        (entered("S", "Map").records, "S, a Map state, runs its states once per item."),
        (entered("S", "Parallel").records, "S, a Parallel state, starts its branches."),
        (entered("S", "Succeed").records, "state, ends the execution successfully."),
        (entered("S", "Fail").records, "S, a Fail state, fails the execution."),
        (entered("S", "Novel").records, "S, a Novel state, is entered."),
        (entered("S", "Task", **ASKS).records, f"with the response; {HIDDEN}"),
        (waited(), "Which?, a Choice state, chooses the next state: Pause."),
        (waited(), "Pause, a Wait state, waits 10 s."),
        (waited(), "Pause finished after 10 s; next: Done."),
        (each(), "Iteration 0 begins: Each[0] / Work uses aws-sdk:ecs:runTask, an AWS"),
        (ended("Failed"), "The execution failed after 0.1 s (E: why)."),
        (ended("TimedOut"), "The execution timed out after 0.1 s (E: why)."),
        (ended("Aborted"), "The execution was aborted after 0.1 s (E: why)."),
        (phase("SomethingNew"), "something new."),
        (phase("TaskTimedOut", error="E"), "W timed out after 10 s (E)."),
        (
            phase("TaskSubmitFailed", error="E"),
            "W could not submit its call after 10 s (E).",
        ),
        (phase("TaskStarted"), "ecs:runTask started after 10 s."),
        (phase("TaskSubmitted"), "RunTask returned; Step Functions now waits for the"),
        (phase("TaskSucceeded"), "W: RunTask returned after 10 s; nothing waits for"),
        (worker(), "activity:approve was taken by worker ann after 2 s."),
        (TRIED, "Try 1 of Work failed after 1 s (ECS.Busy: No room); try 2 follows"),
        (TRIED, "Work waits 4 s before the next try."),
        (TRIED, f"After 4 s of {SCHEDULES}"),
        (tried(how="Failed").records, "1 s (ECS.Busy: No room); nothing catches it."),
        (caught().records, "failed after 1 s (ECS.Busy: No room); a Catch handles it."),
        (caught().records, "failed after 6.2 s, but a Catch handled it; next: Rescue."),
        (REDRIVEN, "a redrive begins try 2; its call is matched by request ID"),
        (REDRIVEN, "Redriven (1st time), 12m 00s after it failed."),
        (REDRIVEN, "After the redrive, Step Functions schedules ecs:runTask.s"),
        (REDRIVEN, "learned of it 1.5 s after the task stopped, with no Descr"),
        (alone(aws.LAMBDA), "W: the function returned after 1.1 s"),
        (alone(aws.ACTIVITY), "W: the worker reported success after"),
        (alone(), "W: its job finished after 1.1 s."),
        (alone(SENDS), "W: its task token came back after 1.1 s."),
        ([*SENT.records, call("RunTask", 0, key="x")], "action, time only: a guess."),
        (made("RunTask", 1, request_id="req-run"), "its call is matched by request ID"),
        (stopped(), "StopTask stops task 9f018ef6 of Work; matched by t"),
        (stopped(error=("E", "")), "StopTask, which failed (E), stops"),
        (made("Get", source="s3.amazonaws.com"), ": same role, but no matching task."),
        ([call("X", 1, key="x")], "Step Functions called X with the role StepFunctio"),
        ([call("X", 1, key="x", invoked_by=None)], "Someone other than Step Functions"),
        ([*aws.sync_run(), *aws.task_life()], "reports task 9f018ef6 of ECS RunTask"),
        ([*aws.sync_run(), *aws.task_life()], "learns of it by this event or by a p"),
        ([*LEFT, *aws.task_life()], "exit 0); its state did not wait."),
    ],
)
def test_every_kind_of_line_has_its_words(
    records: Sequence[Received], words: str
) -> None:
    assert words in " ".join(told(*records))


def test_a_call_that_a_trail_shows_is_not_said_to_be_hidden() -> None:
    logged = call("Invoke", 0, key="i", source="lambda.amazonaws.com")
    assert HIDDEN not in told(*entered("Work", "Task", **ASKS).records, logged)[1]


def test_a_call_that_several_could_have_made_is_ambiguous() -> None:
    arns = (aws.ARN, aws.OTHER_ARN)
    runs = (History(a).start().task("W", aws.REQUEST_RESPONSE).records for a in arns)
    said = told(*(each for run in runs for each in run), call("RunTask", 0, key="x"))
    words = "RunTask is ambiguous: all that can be compared is alike."
    assert any(each.endswith(words) for each in said)


def test_folds_say_what_is_behind_them() -> None:
    assert told(*aws.photos(), folds=True)[2] == (
        "Folded: Map Run Each 276e5993, succeeded 1m 00s, 1 failed, 4 of 4, 2 read,"
        " 2 not read."
    )


@pytest.mark.parametrize(
    ("names", "whose"),
    [
        (("m:ways-sync-1", "m:ways-denied-2"), {"sync", "denied"}),
        (("m:run-1", "n:run-1"), {"m › run-1", "n › run-1"}),
    ],
)
def test_of_several_executions_each_caption_says_which(
    names: tuple[str, ...], whose: set[str]
) -> None:
    arns = [f"{aws.HEAD}:execution:{name}" for name in names]
    runs = [r for a in arns for r in History(a).start().state("S").end().records]
    assert {said.partition(": ")[0] for said in told(*runs)} == whose


@pytest.mark.parametrize("path", RECORDINGS.values(), ids=list(RECORDINGS))
def test_every_line_of_a_recording_has_its_caption(path: Path) -> None:
    trace = trace_of(*recorded(path))
    first = min(r.started_at for r in trace.as_of().roots.values() if r.started_at)
    for folds in (True, False):
        outline = Outline(trace, OutlineOptions(folds=folds))
        for seconds in (None, 0.5, 30, 130):
            at = seconds and (first - aws.START).total_seconds() + seconds
            said_of(trace, outline, at)


@given(st.text(st.characters(), min_size=1, max_size=50))
def test_no_name_makes_a_caption_harmful(text: str) -> None:
    run = History().start().task(f"x{text}", aws.SYNC, retried=[text], error=text)
    run.end("Failed", error=text, cause=text)
    trace = trace_of(*run.records)
    snapshot, outline = trace.as_of(), Outline(trace)
    maker = LineMaker(snapshot, outline)
    for item in outline.items:
        said = caption(maker.line(item), snapshot)
        assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in said)


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("eu-west-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-east-1", "console.amazonaws-us-gov.com"),
        ("us-iso-east-1", None),
    ],
)
def test_a_call_has_a_page_where_its_region_is(region: str, domain: str | None) -> None:
    key = "0b8f43f0-0000-4000-8000-00000000abcd"
    record = {**aws.api_call("RunTask", 1, key=key), "awsRegion": region}
    (made,) = trace_of(aws.lookup(record)).calls.values()
    page = f"https://{region}.{domain}/cloudtrailv2/home?region={region}#/events/{key}"
    assert call_url(made) == (page if domain else None)


# -- names of several executions -------------------------------------------------------

WAYS = (
    "three-ways-sync-20261127T133053-f3235d",
    "three-ways-async-20261127T133100-87200d",
    "three-ways-sdk-20261127T133108-e1840d",
    "three-ways-denied-20261127T133115-1836a2",
)


def executions(*names: str) -> list[ExecutionAsOf]:
    """Make executions of these names, each as `name` or as `machine:name`."""
    arns = [
        f"{aws.HEAD}:execution:{name if ':' in name else f'machine:{name}'}"
        for name in names
    ]
    records = [record for arn in arns for record in History(arn).start().records]
    known = trace_of(*records).as_of().executions
    return [known[arn] for arn in arns]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (WAYS, ["sync", "async", "sdk", "denied"]),
        (("run-sync-1", "run-sync-denied-1"), ["sync", "sync denied"]),
        (("nightly-eu-20261127", "nightly-us-20261127"), ["eu", "us"]),
        (("run-0001", "run-0002"), ["0001", "0002"]),
        (("asks:run", "looked:run"), ["asks", "looked"]),
        (("report-sync-a", "report-sync-b"), ["a", "b"]),
        ((f"{'x' * 30}a{'y' * 30}", f"{'x' * 30}b{'y' * 30}"), ["no. 1", "no. 2"]),
        (("alone-20261127T133053-f3235d",), ["alone…f3235d"]),
        ((), []),
    ],
)
def test_executions_are_told_apart_by_what_differs(
    names: tuple[str, ...], short: list[str]
) -> None:
    assert list(short_names(executions(*names), 16).values()) == short


def test_role_words_name_executions_only_where_they_tell_all_apart() -> None:
    assert list(role_names(executions(*WAYS)).values()) == [
        *("sync", "async", "sdk", "denied")
    ]
    assert not role_names(executions("sync-1", "sync-2"))
    assert not role_names(executions("sync-1", "other"))


@pytest.mark.parametrize(
    ("name", "room", "cut"),
    [
        ("short", 5, "short"),
        (WAYS[0], 24, "three-ways-sync…f3235d"),
        (WAYS[0], 16, "three-ways…3235d"),
        ("distributed-map-of-many-photos", 16, "distribute…hotos"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
    ],
)
def test_a_name_is_cut_in_its_middle(name: str, room: int, cut: str) -> None:
    assert cut_middle(name, room) == cut


letters = st.text("ab-1", min_size=1, max_size=12)
named = st.lists(letters, min_size=1, max_size=5, unique=True)


@given(named, st.integers(5, 30))
def test_short_names_fit_and_are_all_different(names: list[str], room: int) -> None:
    short = list(short_names(executions(*names), room).values())
    assert len(set(short)) == len(names)
    assert all(0 < len(each) <= room for each in short)


def test_labels_are_what_names_do_not_have_in_common() -> None:
    arns = [f"{aws.HEAD}:execution:m:nightly-{name}-1" for name in ("eu", "us")]
    assert list(execution_labels(arns).values()) == ["eu-1", "us-1"]
    assert execution_labels([aws.ARN]) == {aws.ARN: ""}
    same = [f"{aws.HEAD}:execution:{machine}:run" for machine in ("one", "two")]
    assert len(set(execution_labels(same).values())) == 2
