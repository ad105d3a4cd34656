"""Calls that are held back: so many, so much of them, and unaltered."""

import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.held import Held
from sfnwatch.trace.calls import decode_call
from sfnwatch.trace.events import From, Received
from tests.builders import START, call
from tests.sources.archive_files import others
from tests.sources.asking import bare

RECORDS = bare(call("RunTask", n, key=f"{n}", parameters={"a": "é"}) for n in range(9))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def added(held: Held, *records: Any) -> Held:
    for record in records:
        received = Received(START, From.TRAIL, None, record)
        held.add(decode_call(received), received)
    return held


def ids(held: Held) -> list[str]:
    return [received.data["eventID"] for received in held.take(lambda _: True)]


@given(values)
def test_what_is_held_comes_back_as_it_was(value: Any) -> None:
    record = {**RECORDS[0], "requestParameters": value}
    (back,) = added(Held(), record).take(lambda _: True)
    assert back == Received(START, From.TRAIL, None, record)
    assert list(back.data) == list(record), "in the order in which it was written"


def test_a_record_nested_past_writing_is_held_all_the_same() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    (back,) = added(Held(), {**RECORDS[0], "requestParameters": deep}).take(bool)
    assert back.data["requestParameters"] is deep
    while deep:
        deep = deep.pop()


def test_what_is_wanted_is_given_up_and_the_rest_stays() -> None:
    held = added(Held(), *RECORDS)
    some = held.take(lambda each: each.event_id in {"2", "7"})
    assert [received.data["eventID"] for received in some] == ["2", "7"]
    assert len(held) == 7
    held.drop("3")
    held.drop("3")
    assert ids(held) == [*"014568"]
    assert len(held) == 0


def test_whose_a_call_is_and_when_is_known_without_unpacking_it() -> None:
    whole = decode_call(Received(START, From.TRAIL, None, RECORDS[0]))
    (told,) = [each.call for each in added(Held(), RECORDS[0])._each.values()]
    for name in ("event_id", "event_time", "role", "by_step_functions", "own"):
        assert getattr(told, name) == getattr(whole, name)


def test_only_so_many_bytes_are_held_and_the_newest_stay() -> None:
    large = [{**each, "requestParameters": {"a": "x" * 1000}} for each in RECORDS]
    assert ids(added(Held(room=6000), *large)) == [*"678"]
    assert ids(added(Held(room=100), *large)) == []
    held = added(Held(room=6000), *large, large[8], large[8])
    assert ids(held) == [*"678"], "one that comes again takes no more room"
    again = added(held, *RECORDS)
    assert len(again) == 9, "and what is gone takes none"


def test_very_many_take_no_more_memory_than_was_meant() -> None:
    held = Held()
    tracemalloc.start()
    added(held, *others(3000, START, 3600))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held) == 3000
    assert size < 3000 * 4200, "parsed it would be twice as much"
