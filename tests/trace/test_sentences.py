"""A sentence for every row: what it says, and that it may be said to anybody."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.aliases import Aliases
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.lanes import Lanes, build_lanes
from sfnwatch.trace.sentence_parts import LONGEST, fit, service_name, short
from sfnwatch.trace.sentence_states import _HAPPENED
from sfnwatch.trace.sentences import explain
from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace
from tests.builders import (
    ACCOUNT,
    ARN,
    ROLE,
    TASK_ARN,
    call,
    definition,
    event,
    sync_run,
)
from tests.peers import fixtures
from tests.peers.fixtures import files
from tests.trace.calling import (
    DESCRIBE,
    NAMES_TASK,
    OTHER_ARN,
    RUN,
    started,
    state,
    trace_of,
)
from tests.trace.test_hostile import spoil
from tests.trace.test_text import HOSTILE


def told(*records: Received, joined: bool = False) -> list[str]:
    """Explain every row of the records."""
    trace = trace_of(records)
    return all_of(trace, build_lanes(trace, joined=joined))


def all_of(trace: Trace, lanes: Lanes) -> list[str]:
    sentences = [explain(row, trace) for row in lanes.rows]
    for sentence in sentences:
        assert 0 < len(sentence) <= LONGEST
        assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in sentence)
        assert sentence[-1] in ".…"
        assert "None" not in sentence
    return sentences


def last(*records: Received) -> str:
    return told(*records)[-1]


def entered(name: str, kind: str, **task: Any) -> list[Received]:
    """Build the first events of a state."""
    first = [*started(), event(2, f"{kind}StateEntered", 0.1, name=name)]
    return [*first, event(3, "TaskScheduled", 0.1, **task)] if task else first


# -- the seed's run --------------------------------------------------------------


def test_the_seed_s_run_is_told_like_a_story() -> None:
    rule = "StepFunctionsGetEventsForECSTaskRule"
    asks = "Step Functions asks ECS whether the task is still running: poll"
    assert told(*sync_run(), joined=True) == [
        (
            "The execution run-7f3a of nightly-report begins; its calls are made with"
            " the role StepFunctions-sync-role."
        ),
        (
            "ECS RunTask, a Task, runs ecs:runTask.sync: it calls RunTask and waits"
            " until the task is over."
        ),
        "Step Functions schedules ecs:runTask.sync and starts it 0.27 s later.",
        "RunTask was answered: the task 9f018ef6 is on its way, and is waited for.",
        (
            "Step Functions calls RunTask for ECS RunTask, which starts the task"
            " 9f018ef6; both sides name the same request id."
        ),
        f"{asks} 1 of 5, 55.0 s after the action.",
        f"{asks} 2 of 5, 59.0 s after the one before.",
        f"{asks} 3 of 5, 1m 03s after the one before.",
        f"{asks} 4 of 5, 55.0 s after the one before.",
        f"{asks} 5 of 5, 1m 01s after the one before.",
        (
            "The task stopped, and 1.9 s later Step Functions knew: probably by event:"
            f" the rule {rule}."
        ),
        "ECS RunTask is over after 5m 09s.",
        "The execution has succeeded after 5m 09s.",
    ]


def test_a_denied_poll_is_said_not_to_matter() -> None:
    polls = [s for s in told(*sync_run(denied=True)) if s.startswith("Poll")]
    assert len(polls) == 5
    assert polls[1] == (
        "Poll 2 of 5 is refused: AccessDenied, yet the state goes on: the end is"
        " learnt by event too."
    )


def test_a_denied_poll_of_a_state_that_waits_is_said_so() -> None:
    records = [r for r in sync_run(denied=True) if _before_the_end(r)]
    polls = [s for s in told(*records) if s.startswith("Poll")]
    assert polls[0].endswith(": AccessDenied, yet the state goes on waiting.")


def test_of_how_many_polls_one_is_is_known_once_the_state_is_over() -> None:
    waits = [r for r in sync_run(denied=True) if _before_the_end(r)]
    polls = [s for s in told(*waits) if s.startswith("Poll")]
    assert polls[1].startswith("Poll 2 is refused")
    assert not any(" of 5" in sentence for sentence in told(*waits))
    assert any("Poll 2 of 5" in sentence for sentence in told(*sync_run(denied=True)))


def _before_the_end(record: Received) -> bool:
    if record.source == From.DESCRIBE:
        return bool(record.data["status"] == "RUNNING")
    return record.source != From.HISTORY or record.data["id"] < 6


# -- states ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"resourceType": "ecs", "resource": "runTask.sync"}, "waits until the task"),
        ({"resourceType": "ecs", "resource": "runTask"}, "it does not wait for the"),
        ({"resourceType": "aws-sdk:ecs", "resource": "runTask"}, "by the AWS SDK"),
        ({"resourceType": "aws-sdk:ecs", "resource": "listTasks"}, "with the answer."),
        (
            {"resourceType": "sqs", "resource": "sendMessage.waitForTaskToken"},
            "calls SendMessage, then waits until its task token comes back; CloudT",
        ),
        ({"resourceType": "lambda", "resource": "invoke"}, "invokes a Lambda function"),
        (
            {"resourceType": "states", "resource": "startExecution.sync:2"},
            "it calls StartExecution and waits until the execution is over.",
        ),
        (
            {"resourceType": "glue", "resource": "startJobRun.sync"},
            "waits until the job run is over.",
        ),
    ],
)
def test_a_task_says_what_its_pattern_means(task: dict[str, Any], words: str) -> None:
    sentence = told(*entered("Work", "Task", **task))[1]
    assert sentence.startswith("Work, a Task, ")
    assert words in sentence


def test_a_call_that_a_trail_shows_is_not_said_to_be_left_out() -> None:
    asked = entered("Work", "Task", resourceType="lambda", resource="invoke")
    invoke = call("Invoke", 1, key="i", source="lambda.amazonaws.com")
    other = call("ListFunctions20150331", 1, key="o", source="lambda.amazonaws.com")
    words = "event history leaves that call out"
    assert words in told(*asked, other)[1]
    assert words not in told(*asked, other, invoke)[1]


def test_the_older_forms_of_a_task_say_what_they_mean() -> None:
    function = event(
        3, "LambdaFunctionScheduled", 1, resource="arn:aws:lambda:r:1:function:fn"
    )
    activity = event(
        3, "ActivityScheduled", 1, resource="arn:aws:states:r:1:activity:stamp"
    )
    assert (
        "invokes the function fn by its ARN" in told(*entered("F", "Task"), function)[1]
    )
    assert told(*entered("A", "Task"), activity)[1] == (
        "A, a Task, calls nothing: a worker has to ask for the activity stamp."
    )
    assert last(*entered("A", "Task")) == (
        "A, a Task, is entered; nothing has been scheduled for it yet."
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Choice", "S, a Choice state, chooses where to go next."),
        ("Pass", "S, a Pass state, calls nothing: it hands its input on, as it is or"),
        ("Wait", "S, a Wait state, lets time pass."),
        ("Map", "S, a Map, runs its states once for each item of a list."),
        ("Parallel", "S, a Parallel state, starts all its branches at the same time."),
        ("Succeed", "S, a Succeed state, ends the execution well."),
        ("Fail", "S, a Fail state, ends the execution in failure."),
        ("Novel", "S, a Novel state, is entered."),
    ],
)
def test_every_type_of_state_has_its_words(kind: str, words: str) -> None:
    assert last(*entered("S", kind)).startswith(words)


def test_a_choice_names_what_it_chose_and_a_wait_how_long() -> None:
    records = [
        *entered("Which?", "Choice"),
        event(3, "ChoiceStateExited", 0.1, name="Which?"),
        event(4, "WaitStateEntered", 0.2, name="Pause"),
        event(5, "WaitStateExited", 10.2, name="Pause"),
        event(6, "SucceedStateEntered", 10.3, name="Done"),
    ]
    sentences = told(*records, joined=True)
    assert sentences[1:4] == [
        "Which?, a Choice state, chooses where to go next: Pause.",
        "Pause, a Wait state, waits for 10.0 s.",
        "Pause is over after 10.0 s; Done comes next.",
    ]


def test_a_map_counts_its_items_and_a_state_says_where_it_runs() -> None:
    records = [
        *entered("Each", "Map"),
        event(3, "MapStateStarted", 0.2, length=3),
        event(4, "MapIterationStarted", 0.2, name="Each", index=1),
        event(5, "FailStateEntered", 0.3, name="No"),
        event(6, "MapIterationFailed", 0.3, previous=5, name="Each", index=1),
    ]
    assert told(*records)[1:] == [
        "Each, a Map, runs its states once for each of 3 items.",
        "Each starts its iterations: 3.",
        "Iteration 1 of Each begins.",
        "No, a Fail state in Each[1], ends its iteration in failure.",
        "Iteration 1 of Each has failed.",
    ]


def test_a_parallel_counts_its_branches_where_it_is_defined() -> None:
    branch = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    parallel = {"Type": "Parallel", "Branches": [branch, branch], "End": True}
    records = [definition({"P": parallel}, start_at="P"), *entered("P", "Parallel")]
    assert last(*records).endswith("starts 2 branches at the same time.")


# -- phases ----------------------------------------------------------------------


def failing(*ending: Received) -> list[str]:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    error: dict[str, Any] = {
        "error": "ECS.Busy",
        "cause": json.dumps({"StoppedReason": "No room."}),
    }
    return told(
        *entered("Work", "Task", **task),
        event(4, "TaskStarted", 0.2, **task),
        event(5, "TaskFailed", 1.1, **task, **error),
        event(6, "TaskScheduled", 5.1, **task),
        event(7, "TaskFailed", 6.1, **task, **error),
        *ending,
    )


def test_a_retry_says_what_comes_after_and_how_long_it_was_held_back() -> None:
    sentences = failing()
    assert sentences[4:6] == [
        (
            "Try 1 of Work failed after 1.00 s; try 2 comes 4.00 s later: ECS.Busy,"
            " No room."
        ),
        "After a back-off of 4.00 s, try 2: Step Functions schedules ecs:runTask.",
    ]


def test_a_failure_says_whether_it_is_caught() -> None:
    caught = failing(
        event(8, "TaskStateExited", 6.2, name="Work"),
        event(9, "PassStateEntered", 6.2, name="Rescue"),
    )
    assert caught[6] == (
        "Try 2 of Work failed after 1.00 s; a Catch takes it from here: ECS.Busy,"
        " No room."
    )
    assert caught[7] == (
        "Work failed after 6.10 s, but a Catch takes it from here: Rescue comes next."
    )
    lost = failing(event(8, "ExecutionFailed", 6.2, error="ECS.Busy"))
    assert "; nothing in the state catches it: ECS.Busy" in lost[6]
    assert lost[7] == "The execution has failed after 6.20 s: ECS.Busy."


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("TaskTimedOut", "W ran out of time after 9.90 s: E."),
        ("TaskStartFailed", "W could not be started after 9.90 s: E."),
        ("TaskSubmitFailed", "W was refused when its call was made after 9.90 s: E."),
        ("TaskStarted", "ecs:runTask is started after 9.90 s."),
        ("TaskSubmitted", "RunTask was answered: the task is on its way, and is"),
        ("TaskSucceeded", "RunTask was answered after 9.90 s, and that is all that"),
        ("TaskNovelty", "W goes on: TaskNovelty."),
    ],
)
def test_every_phase_has_its_words(kind: str, words: str) -> None:
    more: dict[str, Any] = {"error": "E"} if kind.endswith(("Failed", "Out")) else {}
    assert last(
        *entered("W", "Task", resourceType="ecs", resource="runTask"),
        event(4, kind, 10, resourceType="ecs", resource="runTask", **more),
    ).startswith(words)


@pytest.mark.parametrize(
    ("polled_at", "words"),
    [
        (307.0, "by a poll or by event, in one second."),
        (308.0, "probably by the poll in between."),
        (200, "CloudTrail may still show a poll before."),
    ],
)
def test_who_noticed_the_end_is_only_probable(polled_at: float, words: str) -> None:
    history = [r for r in sync_run() if r.source == From.HISTORY]
    poll = call("DescribeTasks", polled_at, key="p", parameters=NAMES_TASK)
    sentences = told(*history, poll)
    sentence = next(s for s in sentences if s.startswith("The task stopped"))
    assert sentence.endswith(words)


# -- all else --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*_HAPPENED, "SomethingNew", "ExecutionNovelty"])
def test_every_type_of_event_has_its_words(kind: str) -> None:
    sentence = last(
        *started(), event(2, kind, 1, index=2, length=4, name="N", state="N")
    )
    assert ("no words for" in sentence) == (kind not in _HAPPENED)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Succeeded", "The execution has succeeded after 3.00 s."),
        ("Failed", "The execution has failed after 3.00 s."),
        ("TimedOut", "The execution ran out of time after 3.00 s."),
        ("Aborted", "The execution was aborted after 3.00 s."),
        ("Redriven", "The execution is redriven: what had not succeeded is run once"),
    ],
)
def test_every_end_of_an_execution_has_its_words(kind: str, words: str) -> None:
    assert last(*started(), event(2, f"Execution{kind}", 3)).startswith(words)


# -- calls -----------------------------------------------------------------------

SYNC: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
WAITING = [
    *entered("Work", "Task", **SYNC),
    event(4, "TaskSubmitted", 1, output=json.dumps({"TaskArn": TASK_ARN}), **SYNC),
]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            call("RunTask", 0.5, key="x"),
            (
                "A guess: RunTask is probably the action of Work: only that try fits by"
                " role, action and time."
            ),
        ),
        (
            call("RunTask", 0.5, key="x", error=("Throttled", "")),
            "A guess: RunTask (Throttled) is probably the action of Work:",
        ),
        (
            call("RunTask", 0.5, key="x", response={"taskArn": TASK_ARN}),
            (
                "Step Functions calls RunTask for Work, which starts the task 9f018ef6;"
                " both sides name the same task ARN."
            ),
        ),
        (
            call("StopTask", 60, key="x", parameters={"task": TASK_ARN}),
            "StopTask stops the task of Work.",
        ),
        (
            call("TagResource", 60, key="x", parameters={"resourceArn": TASK_ARN}),
            "TagResource names the task of Work, but is no call of it.",
        ),
        (
            call("DescribeTasks", 60, key="x", parameters=NAMES_TASK),
            "Step Functions asks ECS whether the task is still running: poll 1.",
        ),
        (
            call("DescribeTasks", 60, key="x"),
            "A guess: DescribeTasks 1 is probably the poll of Work:",
        ),
        (
            call("ListTasks", 60, key="x"),
            "ListTasks was made with the role StepFunctions-sync-role too, but no",
        ),
        (
            call("AssumeRole", 60, key="x", source="sts.amazonaws.com"),
            "The role StepFunctions-sync-role takes on another one, probably for a",
        ),
    ],
)
def test_every_call_says_what_it_is_for_and_how_sure_that_is(
    made: Received, words: str
) -> None:
    assert any(sentence.startswith(words) for sentence in told(*WAITING, made))


def test_a_stop_says_what_it_was_for() -> None:
    aborted = event(5, "ExecutionAborted", 30, previous=0)
    stop = call("StopTask", 31, key="x", parameters={"task": TASK_ARN})
    assert last(*WAITING, aborted, stop) == (
        "StopTask stops the task of Work, since the state was aborted."
    )


def test_a_refused_action_says_so() -> None:
    error: dict[str, Any] = {
        "error": "ECS.X",
        "cause": "no (Request ID: r-1; Proxy: null)",
    }
    records = [
        *entered("Work", "Task", **RUN),
        event(4, "TaskFailed", 1, **RUN, **error),
        call("RunTask", 1, key="x", request_id="r-1", error=("AccessDenied", "")),
    ]
    assert last(*records) == (
        "Step Functions calls RunTask for Work, and is refused: AccessDenied."
    )


def test_a_call_that_fits_several_is_tied_to_none() -> None:
    records = [
        *started(),
        *state(2, 1, RUN),
        *started(OTHER_ARN),
        *state(2, 1, RUN, arn=OTHER_ARN),
        call("RunTask", 1, key="x"),
    ]
    assert "RunTask fits 2 tries equally well: whose it is can't be told." in (
        told(*records)
    )


def test_an_action_that_starts_nothing_is_said_to_start_nothing() -> None:
    records = [
        *started(),
        *state(2, 1, DESCRIBE, output={"Tasks": [{"TaskArn": TASK_ARN}]}),
        call("DescribeTasks", 1, key="x", parameters=NAMES_TASK),
    ]
    assert "Step Functions calls DescribeTasks for S2; both sides name the same" in (
        " ".join(told(*records))
    )


def test_a_parallel_that_is_left_says_what_comes_next() -> None:
    records = [
        *entered("Fork", "Parallel"),
        event(3, "ParallelStateStarted", 0.2),
        event(4, "PassStateEntered", 0.3, name="A"),
        event(5, "PassStateExited", 0.3, name="A"),
        event(6, "ParallelStateSucceeded", 2, previous=5),
        event(7, "ParallelStateExited", 2, previous=5, name="Fork"),
        event(8, "PassStateEntered", 2, name="Join"),
    ]
    for joined in (True, False):
        assert "Fork is over after 1.90 s; Join comes next." in (
            told(*records, joined=joined)
        )


def test_calls_alone_say_that_nothing_is_here_to_tie_them_to() -> None:
    assert last(call("RunTask", 1, key="x")) == (
        "RunTask of ECS, made by Step Functions, with the role"
        " StepFunctions-sync-role; no history is here to tie it to."
    )
    assert last(call("RunTask", 1, key="x", invoked_by=None)).startswith(
        "RunTask of ECS, made not by Step Functions, with"
    )


def test_noise_that_is_asked_about_all_the_same_is_explained() -> None:
    noise = call("GetSamplingRules", 2, key="x", source="xray.amazonaws.com")
    stranger = call("RunTask", 2, key="y", role=f"{ROLE}-2")
    trace = trace_of(WAITING, [noise, stranger])
    alone = build_lanes(trace_of([noise, stranger]))
    rows = {row.call.event_id: row for row in alone.rows if row.call}
    xray = replace(rows["x"], link=trace.links["x"])
    assert explain(xray, trace).startswith("X-Ray's GetSamplingRules runs under the")
    assert "none of the executions here has to do with it" in explain(rows["y"], trace)


# -- for any names ---------------------------------------------------------------


def test_a_sentence_is_cut_at_a_word() -> None:
    assert fit("word " * 50, 20) == "word word word…"
    assert fit("a " + "x" * 50, 38) == "a " + "x" * 35 + "…"
    assert fit("x" * 50, 20) == "x" * 19 + "…"
    assert fit("It failed: no room..") == "It failed: no room."
    assert fit("It failed: cut….") == "It failed: cut…"
    assert short("x" * 100, 10) == "x" * 9 + "…"
    assert service_name("kinesis.amazonaws.com") == "KINESIS"


def test_a_name_is_masked_before_it_is_cut() -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{'acme-' * 12}role"
    trace = trace_of(started(role=role))
    aliases = Aliases().learned(trace)
    (row,) = build_lanes(trace).rows
    assert "acme-acme-" in explain(row, trace)
    assert explain(row, trace, aliases.mask) == (
        "The execution execution-1 of machine-1 begins; its calls are made with the"
        " role role-1."
    )


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(), max_size=50) | st.sampled_from(HOSTILE))
def test_no_name_makes_a_sentence_harmful(text: str) -> None:
    for denied in (True, False):
        told(*(spoil(record, f"x{text}") for record in sync_run(denied=denied)))


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_every_row_of_the_recordings_has_its_sentence(path: Path) -> None:
    events = [
        Received(None, From.HISTORY, ARN, event) for event in fixtures.history(path)
    ]
    for joined in (True, False):
        sentences = told(*events, joined=joined)
        assert not any("no words for" in sentence for sentence in sentences)


@pytest.mark.parametrize("path", files("cloudtrail-real/*.json"))
def test_every_recorded_call_has_its_sentence(path: Path) -> None:
    found = [
        Received(None, From.TRAIL, None, record) for record in fixtures.records(path)
    ]
    assert len(told(*found)) == len(build_lanes(trace_of(found)).rows)
