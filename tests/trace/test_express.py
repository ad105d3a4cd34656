"""An execution's log, decoded to what a history would say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sfnwatch.export.json import trace_json
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.express import as_history, decode_express, execution_of
from sfnwatch.trace.history import DecodeError, HistoryEvent, decode_history
from sfnwatch.trace.links import Rule
from sfnwatch.trace.timeline import Timeline, Trace, extend
from tests.builders import event, sync_calls, sync_history
from tests.express import EXPRESS_ARN, express_log, logged
from tests.recording.values import objects


def decoded(received: Received) -> HistoryEvent:
    return decode_express(received.data, received.at)


def timeline_of(records: list[Received]) -> Timeline:
    trace = extend(Trace(), records)
    assert not trace.unread
    (timeline,) = trace.timelines.values()
    return timeline


@pytest.mark.parametrize("history", sync_history(), ids=lambda r: r.data["type"])
def test_an_event_says_what_the_history_s_says(history: Received) -> None:
    (record,) = express_log([history])
    plain = decode_history(history.data, history.at)
    assert decoded(record) == replace(plain, raw=record.data)
    assert as_history(record.data) == history.data
    assert execution_of(record.data) == EXPRESS_ARN


def test_visits_and_attempts_are_those_of_the_history() -> None:
    history = timeline_of(sync_history(EXPRESS_ARN))
    log = timeline_of(express_log(sync_history()))
    assert log.visits == history.visits
    assert (log.status, log.role_arn) == ("SUCCEEDED", history.role_arn)
    assert (log.started_at, log.stopped_at) == (history.started_at, history.stopped_at)
    assert (log.state_machine_name, log.running) == ("nightly-report", False)
    assert log.name.startswith("run-7f3a")


def test_calls_are_tied_as_by_the_history() -> None:
    plain = extend(Trace(), [*sync_history(EXPRESS_ARN), *sync_calls()])
    log = extend(Trace(), [*express_log(sync_history()), *sync_calls()])
    assert log.links == plain.links
    assert {link.rule for link in log.links.values()} == {
        Rule.REQUEST_ID,
        Rule.RESOURCE_ID,
    }


def test_without_execution_data_calls_are_tied_by_role_action_and_time() -> None:
    log = express_log(sync_history(), with_data=False)
    assert not any("output" in record.data["details"] for record in log)
    trace = extend(Trace(), [*log, *sync_calls()])
    (visit,) = trace.timelines[EXPRESS_ARN].visits
    (attempt,) = visit.attempts
    assert (attempt.request_id, attempt.resource_ids) == (None, ())
    assert attempt.status == "succeeded"
    assert {link.rule for link in trace.links.values()} == {Rule.UNIQUE_CANDIDATE}


def test_of_a_log_of_failures_only_the_failure_is_known() -> None:
    history = [
        *sync_history()[:5],
        event(6, "TaskFailed", 9, resourceType="ecs", resource="r", error="Broken"),
        event(7, "ExecutionFailed", 9.1, error="Broken"),
    ]
    log = express_log(history, level="ERROR")
    assert [record.data["id"] for record in log] == ["6", "7"]
    timeline = timeline_of(log)
    assert (timeline.status, timeline.started_at) == ("FAILED", None)
    assert timeline.ending is not None
    assert timeline.ending.detail("error") == "Broken"


@pytest.mark.parametrize("key", ["index", "length", "timeoutInSeconds", "redriveCount"])
def test_counts_may_be_strings_as_ids_are(key: str) -> None:
    count: dict[str, Any] = {key: "12"}
    data = logged(event(4, "MapIterationStarted", 1, name="Each", **count).data)
    assert decode_express(data).details == {key: 12, "name": "Each"}
    for odd in ("", "1.5", "-1", "9" * 40, "²", None, 7):
        data["details"][key] = odd
        assert decode_express(data).details[key] == odd


def test_a_payload_that_was_parsed_is_a_text_again() -> None:
    data = logged(event(3, "PassStateExited", 1, name="A").data)
    data["details"]["output"] = {"b": [1], "a": None}
    assert decode_express(data).detail("output") == '{"a":null,"b":[1]}'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": None}, "not a history event"),
        ({"id": "x"}, "not a history event"),
        ({"type": 5}, "not an event type"),
        ({"event_timestamp": "soon"}, "not a time: 'soon'"),
        ({"previous_event_id": []}, ""),
    ],
)
def test_a_record_that_is_none_is_said_to_be_none(
    change: dict[str, Any], said: str
) -> None:
    data = {**logged(sync_history()[0].data), **change}
    if said:
        with pytest.raises(DecodeError, match=said):
            decode_express(data)
    else:
        assert decode_express(data).previous_event_id == 0


@pytest.mark.parametrize("key", ["id", "type", "event_timestamp", "execution_arn"])
def test_what_is_missing_is_named(key: str) -> None:
    data = logged(sync_history()[0].data)
    del data[key]
    with pytest.raises(DecodeError, match=f"log without {key}$"):
        decode_express(data)


@given(objects, st.sampled_from(sync_history()))
def test_whatever_stands_there_is_decoded_or_refused(
    odd: dict[str, Any], plain: Received
) -> None:
    keys = iter(logged(plain.data))
    data = {**logged(plain.data), **odd, **dict(zip(keys, odd.values(), strict=False))}
    try:
        found = decode_express(data)
    except DecodeError:
        return
    assert found.raw is data
    assert isinstance(found.type, str)


@given(st.permutations(express_log(sync_history())), st.data())
def test_the_order_in_which_the_log_comes_does_not_matter(
    shuffled: list[Received], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(shuffled), max_size=4))
    assert timeline_of([*shuffled, *again]) == timeline_of(express_log(sync_history()))


@given(st.sets(st.sampled_from("12345678")))
def test_a_log_with_holes_shows_what_there_is(kept: set[str]) -> None:
    log = [r for r in express_log(sync_history()) if r.data["id"] in kept]
    trace = extend(Trace(), [*log, *sync_calls()])
    assert not trace.unread
    assert len(trace.timelines) == bool(kept)
    for timeline in trace.timelines.values():
        assert {str(number) for number in timeline.events} == kept
        assert timeline.running == ("8" not in kept)
        assert [v.id for v in timeline.visits] == ([2] if "2" in kept else [])
    assert len(trace_json(trace)["executions"]) == bool(kept)


def test_what_is_no_event_of_a_log_is_kept_unread() -> None:
    bad = Received(None, From.EXPRESS, EXPRESS_ARN, {"message": "x"})
    trace = extend(Trace(), [bad])
    assert (len(trace.unread), trace.timelines) == (1, {})
