"""Histories recorded on AWS, and what they say of themselves."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnwatch.export.json import trace_json
from sfnwatch.recording.files import open_files
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Timeline, Trace, extend
from tests.peers import oracle
from tests.peers.fixtures import files, history

ARN = "arn:aws:states:eu-central-1:111111111111:execution:machine:run"
Events = list[dict[str, Any]]


@pytest.fixture(name="events", params=files("history-*/*.json"))
def _events(request: pytest.FixtureRequest) -> Events:
    return history(request.param)


def timeline_of(events: Events) -> Timeline:
    records = [Received(None, From.HISTORY, ARN, event) for event in events]
    trace = extend(Trace(), records)
    assert trace.unread == frozenset()
    return trace.timelines[ARN]


def test_every_event_is_there(events: Events) -> None:
    timeline = timeline_of(events)
    assert sorted(timeline.events) == sorted(event["id"] for event in events)
    for event in events:
        decoded = timeline.events[event["id"]]
        assert (decoded.type, decoded.previous_event_id) == (
            event["type"],
            event["previousEventId"],
        )


def test_every_entered_event_is_a_visit_of_its_name_and_type(events: Events) -> None:
    visits = timeline_of(events).visits
    assert {v.id: (v.name, v.type) for v in visits} == oracle.entered(events)


def test_every_scheduled_event_is_an_attempt(events: Events) -> None:
    attempts = list(timeline_of(events).visits.attempts)
    assert sorted(a.scheduled_id for a in attempts) == oracle.attempts(events)
    failed = [a for a in attempts if a.status in {"failed", "timed_out"}]
    assert len(failed) >= oracle.failed_attempts(events)


def test_a_visit_lies_in_the_container_that_is_open_around_it(events: Events) -> None:
    visits = timeline_of(events).visits
    assert {v.id: v.parent for v in visits} == oracle.parents(events)
    for visit in visits:
        if visit.parent is not None:
            assert visit.path.startswith(visits.by_id[visit.parent].path)


def test_every_exit_is_a_visits_and_tells_how_it_ended(events: Events) -> None:
    visits = timeline_of(events).visits
    exited = Counter(
        (v.name, v.type, v.status) for v in visits if v.exited_at is not None
    )
    known = {(name, kind) for name, kind in oracle.entered(events).values()}
    assert exited == Counter(
        {key: n for key, n in oracle.exits(events).items() if key[:2] in known}
    )


def test_an_execution_is_as_its_last_event_says(events: Events) -> None:
    timeline = timeline_of(events)
    assert timeline.status == oracle.status(events)
    if not timeline.running:
        unfinished = {v.status for v in timeline.visits if v.exited_at is None}
        assert unfinished <= {"failed", "aborted", "timed_out"}
        assert {a.status for a in timeline.visits.attempts} <= {
            "succeeded",
            "failed",
            "timed_out",
            "aborted",
        }


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_the_order_of_the_events_does_not_matter(
    events: Events, data: st.DataObject
) -> None:
    first = timeline_of(events)
    shuffled = data.draw(st.permutations(events))
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    second = timeline_of([*shuffled, *again])
    assert second == first
    assert second.visits == first.visits


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_holes_leave_nothing_running_and_what_is_whole_as_it_was(
    events: Events, data: st.DataObject
) -> None:
    lost = data.draw(st.sets(st.sampled_from([event["id"] for event in events])))
    _is_whole_but_for(events, lost)


def test_nor_does_any_hole_of_one_event(events: Events) -> None:
    for event in events[:100]:
        _is_whole_but_for(events, {event["id"]})


def _is_whole_but_for(events: Events, lost: set[int]) -> None:
    whole = timeline_of(events)
    kept = [event for event in events if event["id"] not in lost]
    told = Received(None, From.DESCRIBE, ARN, {"status": whole.status})
    records = [Received(None, From.HISTORY, ARN, event) for event in kept]
    trace = extend(Trace(), [*records, told])
    assert trace_json(trace)
    assert report(trace).executions
    holed = trace.timelines[ARN]
    if not whole.running:
        assert "running" not in {visit.status for visit in holed.visits}
    pointed = {event["id"]: event["previousEventId"] for event in events}
    for visit in whole.visits:
        own = set(visit.event_ids)
        if visit.exited_at and not lost & (own | {pointed[each] for each in own}):
            assert holed.visits.by_id[visit.id].status == visit.status


def test_a_file_as_the_cli_writes_it_gives_the_same(
    events: Events, tmp_path: Path
) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"events": events}, indent=4))
    (timeline,) = extend(Trace(), open_files([path]).records).timelines.values()
    assert timeline.name == "history"
    assert timeline.visits == timeline_of(events).visits
