"""One event of GetExecutionHistory: what decodes, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.history import DecodeError, decode_history

WHEN = datetime(2023, 11, 15, 0, 28, 24, 102000, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "timestamp": "2023-11-15T00:28:24.102Z",
    "type": "TaskFailed",
    "id": 5,
    "previousEventId": 4,
    "taskFailedEventDetails": {"error": "E", "cause": "", "resource": 7},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_an_event_keeps_what_aws_said() -> None:
    event = decode_history(EVENT, WHEN)
    assert (event.id, event.previous_event_id, event.type) == (5, 4, "TaskFailed")
    assert event.timestamp == event.seen_at == WHEN
    assert event.raw is EVENT


def test_only_strings_with_something_in_them_are_details() -> None:
    event = decode_history(EVENT)
    details = [event.detail(key) for key in ("error", "cause", "resource", "name")]
    assert details == ["E", None, None, None]


@pytest.mark.parametrize(
    "stamp",
    [
        1700008104.102,
        1700008104102,
        "1700008104102",
        "1700008104.102",
        "2023-11-15T00:28:24.102Z",
        "2023-11-15T09:28:24.102+09:00",
        "2023-11-15 00:28:24.102",
        WHEN,
        WHEN.replace(tzinfo=None),
    ],
)
def test_times_may_be_written_in_many_ways(stamp: Any) -> None:
    assert decode_history({**EVENT, "timestamp": stamp}).timestamp == WHEN


def test_ids_may_be_strings_as_in_the_logs_of_express_executions() -> None:
    event = decode_history({**EVENT, "id": "5", "previousEventId": "4"})
    assert (event.id, event.previous_event_id) == (5, 4)


def test_the_previous_id_and_the_details_may_be_absent() -> None:
    event = decode_history({k: EVENT[k] for k in ("timestamp", "type", "id")})
    assert (event.previous_event_id, dict(event.details)) == (0, {})


def test_details_of_a_type_nobody_knows_are_details_too() -> None:
    strange = {"timestamp": 0, "type": "Z", "id": 1, "zEventDetails": {"name": "N"}}
    assert decode_history(strange).detail("name") == "N"


@pytest.mark.parametrize(
    "more",
    [{"zEventDetails": "name"}, {"zEventDetails": None}, {"other": {"name": "N"}}],
)
def test_what_is_no_object_or_no_details_is_none(more: dict[str, Any]) -> None:
    assert not decode_history({"timestamp": 0, "type": "Z", "id": 1, **more}).details


@pytest.mark.parametrize("key", ["id", "type", "timestamp"])
def test_what_an_event_must_have_is_named_when_it_lacks_it(key: str) -> None:
    with pytest.raises(DecodeError, match=f"a history event without '{key}'"):
        decode_history({k: v for k, v in EVENT.items() if k != key})


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": True},
        {"id": 1.5},
        {"id": "five"},
        {"id": None},
        {"previousEventId": [1]},
        {"type": ""},
        {"type": None},
        {"type": 7},
        {"timestamp": "yesterday"},
        {"timestamp": None},
        {"timestamp": True},
        {"timestamp": float("nan")},
        {"timestamp": 1e300},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(DecodeError, match="not a history event"):
        decode_history({**EVENT, **wrong})


@given(st.dictionaries(st.sampled_from([*EVENT, "xEventDetails"]), json_values))
def test_any_object_is_an_event_or_refused(data: dict[str, Any]) -> None:
    try:
        event = decode_history(data)
    except DecodeError:
        return
    assert event.raw is data
    assert event.timestamp.tzinfo is UTC


def test_a_record_that_is_looked_at_again_is_not_decoded_again() -> None:
    first = decode_history(EVENT, WHEN)
    assert decode_history(EVENT, WHEN) is first
    assert decode_history(EVENT).seen_at is None
    assert decode_history(dict(EVENT), WHEN) == first
