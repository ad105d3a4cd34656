"""Records that are packed read as they were, whatever is in them."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace import packed as packing
from sfnwatch.trace.calls import decode_call, packed
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.packed import Packed, opened, pack
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import START, event, sync_calls, sync_run
from tests.trace.calling import row

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
records_of_json = st.dictionaries(st.text(max_size=8), _json, max_size=6)


@settings(deadline=None)
@given(st.lists(records_of_json, max_size=4))
def test_what_is_packed_is_read_as_it_was(records: list[dict[str, Any]]) -> None:
    for record in records:
        kept = pack(record, "any")
        assert opened(kept) == record
        assert list(opened(kept)) == list(record)
        assert json.dumps(opened(kept)) == json.dumps(record)


def test_a_number_that_is_none_stays_one() -> None:
    kept = opened(pack({"lag": [math.nan, math.inf]}, "strange"))
    assert math.isnan(kept["lag"][0])
    assert kept["lag"][1] == math.inf


def test_lone_surrogates_stay_apart() -> None:
    record = {"a": "\ud83d", "b": ["\ud83d\ude00"], "é": "\x00"}
    assert opened(pack(record, "strange")) == record


def test_what_cannot_be_written_stays_as_it_is() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for record in ({"deep": deep}, {"at": START}):
        assert pack(record, "strange") is record


def test_a_packed_record_reads_like_a_mapping() -> None:
    record = {"a": 1, "b": [2]}
    kept = pack(record, "plain")
    assert isinstance(kept, Packed)
    assert isinstance(kept, Mapping)
    assert dict(kept) == record
    assert (kept["a"], kept.get("c"), kept.get("c", 3), len(kept)) == (1, None, 3, 2)
    assert ("a" in kept, "c" in kept) == (True, False)
    assert list(kept.values()) == [1, [2]]
    assert kept == record
    assert kept == pack(record, "of another kind")
    assert kept != pack({"a": 1}, "plain")


def test_more_kinds_than_have_samples_are_packed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "_SAMPLES", {})
    records = [{"name": f"kind {number}"} for number in range(packing._MOST + 5)]
    kept = [pack(record, record["name"]) for record in records]
    assert [opened(each) for each in kept] == records
    assert len(packing._SAMPLES) == packing._MOST


@pytest.mark.parametrize("received", [*sync_calls(denied=True), row("RunTask", 1)])
def test_a_call_is_the_same_from_a_packed_record(received: Received) -> None:
    once = packed(received)
    assert isinstance(once.data, Packed)
    assert packed(once) is once
    plain, again = decode_call(received), decode_call(once)
    assert plain == again
    assert again.record is once.data
    assert json.dumps(plain.raw) == json.dumps(again.raw)


def test_only_calls_are_packed() -> None:
    first = event(1, "ExecutionStarted", 0)
    assert packed(first) is first


def test_records_of_one_kind_are_packed_small() -> None:
    run = sync_calls()[1:]
    texts = [len(json.dumps(received.data)) for received in run]
    kept = [decode_call(received).record for received in run]
    sizes = [len(each.text) for each in kept if isinstance(each, Packed)]
    assert len(sizes) == len(run)
    assert sum(sizes[1:]) * 5 < sum(texts[1:])


def test_a_tape_gives_what_was_put_in() -> None:
    broken = Received(START, From.TRAIL, None, {"eventID": "x", "eventName": "N"})
    records = [*sync_run(), broken, replace(broken, source=From.LOOKUP)]
    tape = Tape()
    tape.take(tuple(records))
    plain = extend(Trace(), records)
    assert tape.trace() == plain
    assert tape.trace().unread == plain.unread != frozenset()
