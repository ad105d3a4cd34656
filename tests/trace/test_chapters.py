"""The marks on a recording's way."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.chapters import Chapter, Mark, chapters
from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.moments import Reading
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import ARN, START, call, event, sync_calls, sync_history, sync_run
from tests.trace.machines import Run, Sequence, machines
from tests.trace.test_extend import everything, recorded
from tests.tui.runs import HOSTILE, branching_run


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def marks(
    records: Iterable[Received], reading: Reading = Reading.HAPPENED
) -> tuple[Chapter, ...]:
    return chapters(extend(Trace(), records), reading)


def labels(records: Iterable[Received], *kinds: Mark) -> list[str]:
    return [c.label for c in marks(records) if not kinds or c.kind in kinds]


def test_the_marks_of_a_run_tell_its_story() -> None:
    assert labels(sync_run()) == [
        "execution started",
        "ECS RunTask entered",
        "first poll",
        "noticed by event",
        "execution succeeded",
    ]


def test_a_mark_stands_where_its_record_comes_by_either_clock() -> None:
    happened = {c.kind: c.at for c in marks(sync_run())}
    seen = {c.kind: c.at for c in marks(sync_run(), Reading.SEEN)}
    assert happened[Mark.ENTERED] == at(0.03)
    assert seen[Mark.ENTERED] == at(1.03)
    assert happened[Mark.FIRST_POLL] == at(56).replace(microsecond=999_000)
    poll = next(c.at for c in sync_calls() if c.data["EventId"] == "poll-0")
    assert seen[Mark.FIRST_POLL] == poll


def test_a_mark_without_a_moment_of_seeing_stands_where_it_happened() -> None:
    undated = [replace(record, at=None) for record in sync_history()]
    assert marks(undated, Reading.SEEN) == marks(undated, Reading.HAPPENED)


def test_every_denied_poll_is_marked() -> None:
    denied = labels(sync_run(denied=True), Mark.DENIED)
    assert denied == ["DescribeTasks AccessDenied"] * 5
    assert "first poll" in labels(sync_run(denied=True))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", Mark.DENIED),
        ("Client.UnauthorizedOperation", Mark.DENIED),
        ("NotAuthorizedException", Mark.DENIED),
        ("ThrottlingException", Mark.FAILED),
    ],
)
def test_a_call_that_was_not_allowed_differs_from_one_that_failed(
    code: str, kind: Mark
) -> None:
    error = (code, "no")
    records = [*sync_history(), call("StopTask", 9, key="x", error=error)]
    assert [c.kind for c in marks(records) if c.key == "call#x"] == [kind]


def test_calls_that_are_not_shown_are_not_marked() -> None:
    error = ("AccessDenied", "no")
    other = call("RunTask", 9, key="x", error=error, role="other", invoked_by=None)
    assert labels([*sync_history(), other]) == labels(sync_history())


def test_tries_that_fail_and_the_next_ones_are_marked() -> None:
    assert labels(branching_run(), Mark.FAILED, Mark.RETRIED) == [
        "Thumbnails failed: States.TaskFailed",
        "Thumbnails try 2",
    ]


def test_a_caught_error_is_marked_where_its_state_is_left() -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "TaskStateEntered", 1, name="A"),
        event(3, "TaskScheduled", 2, resourceType="ecs", resource="runTask"),
        event(4, "TaskTimedOut", 3, error="States.Timeout"),
        event(5, "TaskStateExited", 4, name="A"),
        event(6, "FailStateEntered", 5, name="B"),
        event(7, "ExecutionFailed", 6, error="E"),
    ]
    told = [(c.kind, c.label, c.at) for c in marks(records)]
    assert told[2:] == [
        (Mark.FAILED, "A timed out: States.Timeout", at(3)),
        (Mark.CAUGHT, "A caught", at(4)),
        (Mark.ENTERED, "B entered", at(5)),
        (Mark.FAILED, "B failed", at(5)),
        (Mark.ENDED, "execution failed", at(6)),
    ]
    assert marks(records)[-1].status == "failed"


def test_marks_lead_to_the_rows_of_the_lanes() -> None:
    for records in (sync_run(denied=True), branching_run()):
        rows = build_lanes(extend(Trace(), records), joined=False).positions
        assert {c.key for c in marks(records)} <= rows.keys()


def test_nothing_of_nothing() -> None:
    assert marks([]) == ()


def test_labels_are_clean_and_short() -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "PassStateEntered", 0, name=HOSTILE),
        event(3, "PassStateEntered", 0, name="x" * 300),
        call("Go\x1b[1m", 1, key="x", error=("Access\x07Denied", "no")),
    ]
    shown = " ".join(labels(records))
    assert shown.isprintable()
    assert "\x1b" not in shown
    assert all(len(label) < 120 for label in labels(records))


@settings(max_examples=30, deadline=None)
@given(machines(), st.integers(0, 2**32), st.sampled_from(Reading))
def test_marks_of_any_machine_stand_at_moments_of_the_tape(
    machine: Sequence, seed: int, reading: Reading
) -> None:
    records = recorded(Run(machine, seed, 0.4, alike=False))
    tape = Tape()
    tape.take(tuple(records))
    found = chapters(tape.trace(), reading)
    assert {c.at for c in found} <= set(tape.moments(reading))
    assert [c.at for c in found] == sorted(c.at for c in found)
    counted = Counter(c.kind for c in found)
    visits = list(tape.trace().timelines[ARN].visits)
    assert counted[Mark.ENTERED] == len(visits)
    assert counted[Mark.CAUGHT] == sum(v.status == "caught" for v in visits)
    assert counted[Mark.RETRIED] == sum(len(v.attempts[1:]) for v in visits)


@given(st.sampled_from(Reading))
def test_seeking_a_mark_shows_what_it_marks(reading: Reading) -> None:
    tape = Tape()
    tape.take(tuple(everything()))
    for chapter in chapters(tape.trace(), reading):
        then = build_lanes(tape.trace(chapter.at, reading), joined=False)
        assert chapter.key in then.positions
