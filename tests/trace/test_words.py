"""Rows in words, as they stand on the screen and in plain lines."""

import json
from datetime import timedelta
from typing import Any

import pytest

from sfnwatch.trace.events import Received
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.links import Link, Rule
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import (
    Tone,
    cause_words,
    notice_words,
    plain,
    row_pieces,
    rule_tone,
    rule_words,
    short_id,
)
from tests.builders import (
    ARN,
    START,
    TASK_ARN,
    TASK_ID,
    call,
    event,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.calling import NAMES_TASK, OTHER_ARN, RUN, started, state


def lines(*records: Received, joined: bool = True) -> list[str]:
    rows = build_lanes(extend(Trace(), records), joined=joined).rows
    return [plain(row_pieces(row)) for row in rows]


def line(*records: Received) -> str:
    """Put the last record's row into words."""
    return lines(*records, joined=False)[-1]


def test_the_seed_s_run_reads_like_a_story() -> None:
    told = lines(*sync_run())
    assert told[:5] == [
        "◆ Execution started",
        "ECS RunTask  Task  ecs:runTask.sync",
        "scheduled · started",
        "submitted",
        "RunTask  task 9f018ef6  = request id",
    ]
    assert told[5].startswith("DescribeTasks #1  +55 s")
    assert told[5].endswith("= task ARN")
    assert told[10].startswith("succeeded  noticed by event, 1.9 s")
    assert "(no poll in between)" in told[10]
    assert told[11:] == ["exited  5m 09s", "✔ Execution succeeded"]


def test_a_denied_poll_says_so() -> None:
    polls = [text for text in lines(*sync_run(denied=True)) if "Describe" in text]
    assert all("✘ AccessDenied" in text for text in polls)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("Succeeded", "✔ Execution succeeded"),
        ("Failed", "✘ Execution failed"),
        ("TimedOut", "◷ Execution timed out"),
        ("Aborted", "■ Execution aborted"),
        ("Redriven", "⟲ Redriven (1st time)"),
    ],
)
def test_an_ending_is_a_glyph_and_a_word(ending: str, words: str) -> None:
    assert line(*started(), event(2, f"Execution{ending}", 1)) == words


def test_an_error_and_its_cause_follow_what_failed() -> None:
    body = json.dumps({"StoppedReason": "exit 1", "Cause": "no"})
    ended = event(2, "ExecutionFailed", 1, error="States.TaskFailed", cause=body)
    assert line(*started(), ended) == "✘ Execution failed  States.TaskFailed  exit 1"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"errorMessage": "bad", "errorType": "E"}', "bad"),
        ('{"Cause": "why"}', "why"),
        ('{"StatusReason": "spot"}', "spot"),
        ('{"StoppedReason": ""}', '{"StoppedReason": ""}'),
        ('["x"]', '["x"]'),
        ("plain text", "plain text"),
    ],
)
def test_the_reason_is_found_in_a_cause_that_is_json(cause: str, words: str) -> None:
    assert cause_words(cause) == words


def test_tries_are_numbered_and_say_how_long_was_waited() -> None:
    tries = [
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **RUN),
        event(4, "TaskFailed", 2, error="E", **RUN),
        event(5, "TaskScheduled", 32, **RUN),
    ]
    assert line(*started(), *tries) == "scheduled  try 2  after 30.0 s"
    assert lines(*started(), *tries, joined=False)[2:4] == [
        "scheduled",
        "failed  E",
    ]


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        ("MapIterationStarted", {"name": "M", "index": 3}, "[3] started"),
        ("MapIterationFailed", {"name": "M", "index": 3}, "[3] failed"),
        ("MapStateStarted", {"length": 1}, "map state started  1 item"),
        ("MapStateStarted", {"length": 8}, "map state started  8 items"),
        (
            "MapRunStarted",
            {"mapRunArn": "a:mapRun:S/L:u"},
            "Map Run L u  ● running  its executions are not in these records",
        ),
        ("EvaluationFailed", {"error": "E"}, "evaluation failed  E"),
        ("SomethingNew", {}, "something new"),
    ],
)
def test_other_events_are_told_by_their_types(
    kind: str, details: dict[str, Any], words: str
) -> None:
    assert line(*started(), event(2, kind, 1, **details)) == words


def test_a_caught_state_says_so_where_it_exits() -> None:
    caught = [
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **RUN),
        event(4, "TaskTimedOut", 61, error="States.Timeout", **RUN),
        event(5, "TaskStateExited", 62, name="A"),
    ]
    assert lines(*started(), *caught)[-2:] == [
        "timed out  States.Timeout",
        "caught  1m 01s",
    ]


def test_an_exit_of_a_state_nobody_saw_entered_has_its_name() -> None:
    assert line(event(24, "TaskStateExited", 5, name="Last")) == "Last"


@pytest.mark.parametrize(
    ("resource", "family", "words"),
    [
        ("arn:aws:lambda:r:1:function:mine", "LambdaFunction", "lambda:mine"),
        ("arn:aws:states:r:1:activity:hand", "Activity", "activity:hand"),
    ],
)
def test_functions_and_activities_are_named_by_their_last_part(
    resource: str, family: str, words: str
) -> None:
    entered = event(2, "TaskStateEntered", 1, name="A")
    scheduled = event(3, f"{family}Scheduled", 1, resource=resource)
    told = lines(*started(), entered, scheduled)
    assert told[1:] == [f"A  Task  {words}", "scheduled"]


def test_a_long_name_or_message_is_cut_and_says_so() -> None:
    told = line(*started(), event(2, "ExecutionFailed", 1, error="e" * 5000))
    assert told == f"✘ Execution failed  {'e' * 200}… 5 KiB more"


def test_a_guess_looks_like_one() -> None:
    guess = call("RunTask", 10, key="a")
    one = [*started(), *state(2, 10, RUN)]
    assert "RunTask  ~ role + action + time" in lines(*one, guess)
    two = [*one, *started(OTHER_ARN), *state(2, 10, RUN, arn=OTHER_ARN)]
    assert "RunTask  ? 2 candidates" in lines(*two, guess)
    noise = call("AssumeRole", 10, key="n", source="sts.amazonaws.com")
    assert "AssumeRole  role only" in lines(*one, noise)


@pytest.mark.parametrize(
    ("rule", "words", "tone"),
    [
        (Rule.REQUEST_ID, "= request id", Tone.EXACT),
        (Rule.RESOURCE_ID, "= job id", Tone.EXACT),
        (Rule.UNIQUE_CANDIDATE, "~ role + action + time", Tone.GUESS),
        (Rule.AMBIGUOUS, "? 2 candidates", Tone.GUESS),
        (Rule.ROLE_ONLY, "role only", Tone.DIM),
    ],
)
def test_every_rule_has_its_words_and_its_tone(
    rule: Rule, words: str, tone: Tone
) -> None:
    link = Link(rule, CallRole.ACTION, candidates=(("a", 1), ("b", 2)))
    assert (rule_words(link, "job id"), rule_tone(link)) == (words, tone)


def test_a_random_id_is_shortened_and_a_name_that_people_chose_is_not() -> None:
    assert short_id(TASK_ARN) == short_id(TASK_ID) == "9f018ef6"
    assert short_id("12345678-1234-1234-1234-123456789012") == "12345678"
    assert short_id("arn:aws:batch:r:1:job/my-job") == "my-job"


def test_a_guessed_call_does_not_bear_an_id_that_is_not_its_own() -> None:
    history = [r for r in sync_history() if r.data["id"] != 5]
    submitted = {"Tasks": [{"TaskArn": TASK_ARN}]}
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    told = event(5, "TaskSubmitted", 1.2, output=json.dumps(submitted), **task)
    bare = call("RunTask", 1, key="run")
    assert "RunTask  ~ role + action + time" in lines(*history, told, bare)
    own = call("RunTask", 1, key="run", response={"tasks": [{"taskArn": TASK_ARN}]})
    assert "RunTask  task 9f018ef6  = task ARN" in lines(*history, told, own)
    exact = call("RunTask", 1, key="run", request_id="req-run")
    assert "RunTask  task 9f018ef6  = request id" in lines(*sync_history(), exact)


@pytest.mark.parametrize(
    ("by", "certain", "words"),
    [
        (By.EVENT, True, "noticed by event, 1.9 s"),
        (By.POLL, True, "by a poll"),
        (By.POLL, False, "by a poll or by event"),
        (By.UNKNOWN, False, "no poll in between so far"),
    ],
)
def test_who_noticed_is_told_as_far_as_it_is_known(
    by: By,
    certain: bool,  # noqa: FBT001
    words: str,
) -> None:
    stopped = START + timedelta(seconds=307.1)
    told = notice_words(Notice(stopped, stopped + timedelta(seconds=1.9), by, certain))
    assert words in told
    assert "1.9 s after" in told


def test_a_call_made_by_nobody_watched_is_just_its_name() -> None:
    stranger = call("RunTask", 5, key="o", role="arn:aws:iam::1:role/other")
    assert lines(*sync_calls()[:0], stranger) == ["RunTask"]
    poll = call("DescribeTasks", 60, key="p", parameters=NAMES_TASK)
    told = lines(*sync_history(), poll)
    assert any(text.startswith("DescribeTasks #1") for text in told)
    assert ARN.endswith("run-7f3a")


def tones(*records: Received) -> dict[str, Tone]:
    """Give each piece of text of all rows its tone."""
    rows = build_lanes(extend(Trace(), records), joined=False).rows
    return {text.strip(): tone for row in rows for text, tone in row_pieces(row)}


def test_what_went_well_and_what_went_wrong_have_their_tones() -> None:
    well = tones(*sync_run())
    assert well["succeeded"] is Tone.GOOD
    assert well["exited"] is Tone.GOOD
    assert well["scheduled"] is Tone.PLAIN
    assert well["✔ Execution succeeded"] is Tone.GOOD
    badly = tones(
        *started(),
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 1, **RUN),
        event(4, "TaskTimedOut", 2, error="E", cause="why", **RUN),
        event(5, "TaskStateExited", 2, name="A"),
        event(6, "MapRunFailed", 3),
        event(7, "SomethingNew", 3),
    )
    assert badly["timed out"] is badly["map run failed"] is badly["E"] is Tone.BAD
    assert badly["caught"] is Tone.WARN
    assert badly["why"] is Tone.DIM
    assert badly["something new"] is Tone.PLAIN


def test_a_call_is_as_loud_as_it_is_tied() -> None:
    tied = tones(*sync_run(denied=True))
    assert tied["RunTask"] is Tone.ACTION
    assert tied["task 9f018ef6"] is tied["+55 s"] is Tone.PLAIN
    assert tied["DescribeTasks #1"] is tied["✘ AccessDenied"] is Tone.BAD
    noise = call("AssumeRole", 10, key="n", source="sts.amazonaws.com")
    assert tones(*sync_history(), noise)["AssumeRole"] is Tone.DIM
    assert tones(noise)["AssumeRole"] is Tone.DIM


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        ("MapIterationStarted", {"index": "3"}, "map iteration started"),
        ("MapStateStarted", {"length": "8"}, "map state started"),
        ("SomethingNew", {"index": 3, "length": 8}, "something new"),
    ],
)
def test_figures_are_shown_where_they_are_figures(
    kind: str, details: dict[str, Any], words: str
) -> None:
    assert line(*started(), event(2, kind, 1, **details)) == words


def test_an_exit_of_nobody_knows_what_is_an_exit() -> None:
    assert line(event(24, "TaskStateExited", 5)) == "exited"


def test_a_resource_of_which_half_is_known_is_shown_by_half() -> None:
    entered = event(2, "TaskStateEntered", 1, name="A")
    half = event(3, "TaskScheduled", 1, resourceType="ecs")
    assert lines(*started(), entered, half)[1] == "A  Task  ecs"
    none = event(3, "ActivityScheduled", 1)
    assert lines(*started(), entered, none)[1] == "A  Task  activity:"


def failing_branch(*after: Received) -> list[Received]:
    """Build a Fail state in a branch of a Parallel, and what came of it."""
    return [
        *started(),
        event(2, "ParallelStateEntered", 0.1, name="Both"),
        event(3, "ParallelStateStarted", 0.1),
        event(4, "FailStateEntered", 0.2, name="Branch1"),
        event(5, "ParallelStateFailed", 0.3, previous=4),
        *after,
    ]


def test_a_fail_state_says_what_it_ended_with() -> None:
    ended = event(6, "ExecutionFailed", 0.4, previous=5, error="Boom", cause="why")
    told = lines(*failing_branch(ended))
    assert "Branch1  Fail  ✘ Boom" in told
    caught = event(6, "ParallelStateExited", 0.4, previous=5, name="Both")
    later = event(7, "ExecutionFailed", 0.5, previous=6, error="Another")
    assert "Branch1  Fail  ✘ failed" in lines(*failing_branch(caught, later))


def test_who_noticed_a_failure_comes_before_its_cause() -> None:
    """What stands last is cut first, and a cause may be long."""
    stopped = int((START + timedelta(seconds=10)).timestamp() * 1000)
    cause = json.dumps({"StoppedReason": "exit 1", "StoppedAt": stopped})
    ecs: Any = {"resourceType": "ecs", "resource": "runTask.sync"}
    told = lines(
        *started(),
        event(2, "TaskStateEntered", 0, name="Work"),
        event(3, "TaskScheduled", 0, **ecs),
        event(4, "TaskFailed", 12, error="States.TaskFailed", cause=cause, **ecs),
    )[-1]
    assert told.startswith("failed  States.TaskFailed  noticed 2.0 s after")
    assert told.endswith("  exit 1")
