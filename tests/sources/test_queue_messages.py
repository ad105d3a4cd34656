"""What is read out of a message, whoever wrote it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.format import encode_line
from sfnwatch.recording.parsing import MAX_DEPTH
from sfnwatch.sources.queue_messages import Kind, Message, arrivals, read_message
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import parse_time
from tests.builders import START, TASK_ARN
from tests.ecs import task_event
from tests.recording.values import values
from tests.sources.queueing import event, from_topic, record

CALL = record(1)


def read(body: Any, **more: Any) -> Message:
    text = body if isinstance(body, str) else json.dumps(body)
    item = {"MessageId": "m", "ReceiptHandle": "r", "Body": text, **more}
    (arrival,) = arrivals({"Messages": [item]})
    return read_message(arrival)


@pytest.mark.parametrize(
    "body",
    [
        event(CALL),
        event(CALL, "AWS Service Event via CloudTrail"),
        from_topic(event(CALL)),
        from_topic(from_topic(event(CALL))),
        from_topic(CALL),
        CALL,
    ],
)
def test_a_call_is_found_in_any_coat(body: Any) -> None:
    message = read(body)
    assert (message.kind, message.data) == (Kind.CALL, CALL)
    assert message.key == ("call", "call-1")
    assert message.happened_at == parse_time(CALL["eventTime"])


@pytest.mark.parametrize("wrap", [lambda e: e, from_topic])
def test_a_task_is_kept_with_its_envelope(wrap: Any) -> None:
    told = task_event(4, "RUNNING", 31)
    message = read(wrap(told))
    assert (message.kind, message.data) == (Kind.TASK, told)
    assert message.key == ("task", TASK_ARN, "4")
    assert message.happened_at == parse_time(told["time"])


def test_an_executions_status_is_neither_kept_nor_of_another_kind() -> None:
    status = event({"status": "RUNNING"}, "Step Functions Execution Status Change")
    assert read(status).kind is Kind.EXECUTION


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "{",
        "null",
        "[]",
        "7",
        '{"a": NaN}',
        json.dumps(event(CALL)).replace('"call-1"', "1e999"),
        json.dumps(event(CALL)) * 2,
        "{}",
        event(None),
        event([CALL]),
        event("x"),
        event(CALL, "EC2 Instance State-change Notification"),
        {"detail-type": ["AWS API Call via CloudTrail"], "detail": CALL},
        {"detail-type": "ECS Task State Change", "detail": None},
        {"Type": "Notification", "Message": None},
        {"Type": "Notification", "Message": {"a": 1}},
        {"Type": "SubscriptionConfirmation", "Message": json.dumps(event(CALL))},
        from_topic(from_topic(from_topic(from_topic(event(CALL))))),
        {"Records": [{"s3": {}}]},
        "[" * 100_000,
        '{"a":' * 5_000,
        '"' + "x" * (1 << 20) + '"',
        "0 " * (1 << 19),
    ],
)
def test_anything_else_is_something_else(body: Any) -> None:
    message = read(body)
    assert (message.kind, message.data) == (Kind.OTHER, {})
    assert message.key == ("message", "m")


def deep(levels: int) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(levels):
        inner = [inner]
    return {**CALL, "requestParameters": inner}


def test_what_is_nested_too_deep_to_be_recorded_is_not_taken() -> None:
    for levels in range(MAX_DEPTH - 10, MAX_DEPTH + 10):
        message = read(event(deep(levels)))
        if message.kind is Kind.CALL:
            encode_line(Received(START, From.TRAIL, None, message.data), START)
    assert read(event(deep(MAX_DEPTH - 10))).kind is Kind.CALL
    assert read(event(deep(MAX_DEPTH + 10))).kind is Kind.OTHER


def test_a_broken_surrogate_pair_is_carried_through() -> None:
    odd = record(2, errorMessage="half \ud800 of it")
    message = read(event(odd))
    assert message.data == odd
    assert "\\ud800" in encode_line(
        Received(START, From.TRAIL, None, message.data), START
    )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"Messages": None},
        {"Messages": "x"},
        {"Messages": {"Body": "x"}},
        {"Messages": [None, 1, "x", []]},
    ],
)
def test_an_answer_of_any_shape_does_no_harm(answer: Any) -> None:
    assert arrivals(answer) == []


def test_a_message_that_stands_twice_in_an_answer_is_read_once() -> None:
    one = {"MessageId": "m", "Body": json.dumps(event(CALL))}
    assert [m.id for m in arrivals({"Messages": [one, one]})] == ["m"]


def test_a_message_without_an_id_is_known_by_its_text() -> None:
    several = [{"Body": body} for body in ("a", "b", "a")]
    one, other = arrivals({"Messages": several})
    (same,) = arrivals({"Messages": several[:1]})
    assert one.id == same.id != other.id
    assert one.receipt is None


def test_time_in_the_queue_is_no_delay() -> None:
    happened = parse_time(CALL["eventTime"])
    sent = {"SentTimestamp": str(int((happened.timestamp() + 9) * 1000))}
    message = read(event(CALL), Attributes=sent)
    assert message.delay(happened + timedelta(hours=1)) == 9
    assert message.delay(happened + timedelta(seconds=4)) == 4
    assert read(event(CALL)).delay(happened + timedelta(seconds=40)) == 40
    assert read(event(CALL)).delay(happened - timedelta(seconds=40)) == 0
    assert read("x").delay(happened) is None


@given(values)
def test_no_json_value_does_any_harm(value: Any) -> None:
    for body in (value, event(value), {"Type": "Notification", "Message": value}):
        message = read(body)
        encode_line(Received(START, From.TRAIL, None, message.data), START)


@given(st.text(), st.dictionaries(st.text(max_size=9), values, max_size=3))
def test_no_text_and_no_attribute_does_any_harm(body: str, more: Any) -> None:
    for item in ({**more, "Body": body, "Attributes": more}, more):
        (arrival,) = arrivals({"Messages": [item]})
        assert read_message(arrival).id
