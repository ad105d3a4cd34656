"""A trail's file, piece by piece, whole and torn."""

import gzip
import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.sources import archive_records
from sfnwatch.sources.archive_records import Record, TrailReader
from tests.builders import START, sync_calls
from tests.sources.archive_files import others, packed, record_of

OURS = [record_of(each) for each in sync_calls()]
MANY = [*others(400, START, 300), *OURS]
WHOLE = json.dumps({"Records": OURS}).encode()


def wants_all(record: Record) -> bool:
    return True


def read(*pieces: bytes, wanted: Any = wants_all) -> tuple[list[Record], TrailReader]:
    reader, found = TrailReader(wanted), list[Record]()
    for piece in pieces:
        if piece:
            found += reader.feed(piece)
    found += reader.feed(b"")
    return found, reader


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


# -- whole files -----------------------------------------------------------------------

SHAPES = {
    "a trail's file": WHOLE,
    "laid out": json.dumps({"Records": OURS}, indent=4).encode(),
    "a bare list": json.dumps(OURS).encode(),
    "a record a line": "\n".join(map(json.dumps, OURS)).encode(),
    "a list a line": b"\n".join(
        json.dumps({"Records": [record]}).encode() for record in OURS
    ),
    "files put together": json.dumps({"Records": OURS[:2]}).encode()
    + json.dumps({"Records": []}).encode()
    + json.dumps({"Records": OURS[2:]}).encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + WHOLE,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@settings(max_examples=30)
@given(places=st.lists(st.integers(0, 100_000), max_size=6))
def test_wherever_a_file_is_cut_into_pieces_all_its_records_come(
    shape: str, pack: Any, places: list[int]
) -> None:
    found, reader = read(*cut(pack(SHAPES[shape]), places))
    assert found == OURS
    assert (reader.records, reader.trouble) == (len(OURS), "")


def test_byte_by_byte_is_the_same() -> None:
    found, reader = read(*(bytes([byte]) for byte in packed(OURS)))
    assert (found, reader.trouble) == (OURS, "")


def test_several_gzip_streams_and_padding_are_one_file() -> None:
    streams = packed(OURS[:1]) + packed(OURS[1:]) + b"\0" * 512
    found, reader = read(streams)
    assert (found, reader.trouble) == (OURS, "")


def test_only_what_is_wanted_is_given() -> None:
    found, reader = read(packed(MANY), wanted=lambda r: r["eventName"] == "RunTask")
    assert [record["eventName"] for record in found] == ["RunTask"]
    assert (reader.records, reader.trouble) == (len(MANY), "")


@pytest.mark.parametrize("text", ['{"Records": []}', "[]", '\n{"Records":[\n]\n}\n'])
def test_a_file_without_records_is_no_trouble(text: str) -> None:
    found, reader = read(text.encode())
    assert (found, reader.trouble) == ([], "")


strings = st.text(st.characters())
"""Lone surrogates and all."""
payloads = st.recursive(
    st.none() | strings | st.floats(allow_nan=False, allow_infinity=False), st.lists
)


@given(payloads)
def test_a_record_comes_as_it_was_sent(payload: Any) -> None:
    record = {"eventName": "x", "requestParameters": payload}
    found, reader = read(json.dumps({"Records": [record]}).encode())
    assert (found, reader.trouble) == ([record], "")


# -- torn and hostile ones -------------------------------------------------------------


@given(st.integers(0, len(WHOLE) - 3))
def test_of_a_file_cut_short_what_is_whole_comes_and_the_cut_is_told(end: int) -> None:
    found, reader = read(WHOLE[:end])
    assert found == OURS[: len(found)]
    assert len(WHOLE[:end]) < len(json.dumps({"Records": OURS[: len(found) + 1]}))
    assert reader.trouble


@settings(max_examples=50)
@given(st.integers(1, len(packed(MANY)) - 1))
def test_of_a_torn_gzip_stream_what_is_whole_comes(end: int) -> None:
    found, reader = read(packed(MANY)[:end])
    assert found == MANY[: len(found)]
    assert "cut short" in reader.trouble


def test_what_came_before_damage_is_kept() -> None:
    data = bytearray(gzip.compress(json.dumps({"Records": MANY}).encode(), 0))
    data[-8] ^= 0xFF  # the checksum
    found, reader = read(bytes(data[:-9]), bytes(data[-9:]))
    assert len(found) == len(MANY)
    assert "damaged" in reader.trouble


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\x1f\x8b", "cut short"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b"no json at all", "no JSON, at its beginning"),
        (b"{", "no JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"awsAccountId": "x", "digestStartTime": "y"}', "1 value in it"),
        (b'{"Records": [1, null, "x"]}', "3 values in it"),
        (b'{"Records": 5}', "1 value in it"),
        (b'{"Records": [' + b'{"a":' * 100_000, "nested too deep"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_trail_says_so_and_gives_nothing(content: bytes, why: str) -> None:
    found, reader = read(content)
    assert found == []
    assert why in reader.trouble


def test_one_record_that_cannot_be_recorded_takes_no_other_with_it() -> None:
    first, *rest = (json.dumps(record) for record in OURS)
    deep = '{"eventName": "x", "requestParameters": ' + "[" * 300 + "]" * 300 + "}"
    odd = ['{"eventName": "x", "n": NaN}', '{"eventName": "x", "n": 1e999}', deep]
    text = '{"Records": [' + ",".join([first, *odd, *rest]) + "]}"
    found, reader = read(text.encode())
    assert found == OURS
    assert reader.trouble.startswith("3 values")


def test_what_is_not_wanted_may_be_as_odd_as_it_likes() -> None:
    found, reader = read(b'{"Records": [{"eventName": "x", "n": NaN}]}', wanted=bool)
    assert reader.trouble
    found, reader = read(
        b'{"Records": [{"eventName": "x", "n": NaN}]}', wanted=lambda _: False
    )
    assert (found, reader.trouble) == ([], "")


def test_nothing_grows_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_records, "_RECORD_MOST", 1 << 16)
    reader = TrailReader(wants_all)
    piece, fed = b'{"Records": [{"eventName": "' + b"x" * 40_000, 0
    while not reader.trouble:
        reader.feed(piece)
        piece, fed = b"x" * 40_000, fed + 1
        assert fed < 10
    assert "no JSON" in reader.trouble
    assert reader.feed(b"x" * 40_000) == []


def test_a_small_file_that_unpacks_for_ever_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive_records, "_MOST_UNPACKED", 8 << 20)
    bomb = gzip.compress(b'{"Records": [' + b" " * (64 << 20), 9)
    found, reader = read(bomb)
    assert (found, reader.trouble) == ([], "unpacks to more than 0 GiB")
    assert reader._unpacked < 12 << 20


def test_memory_is_that_of_one_step_however_large_the_file() -> None:
    one = json.dumps(MANY)[1:-1].encode() + b","
    data = gzip.compress(b'{"Records": [' + one * 30 + one[:-1] + b"]}", 1)
    reader = TrailReader(lambda record: record["eventName"] == "RunTask")
    tracemalloc.start()
    try:
        for begin in range(0, len(data), 1 << 16):
            reader.feed(data[begin : begin + (1 << 16)])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reader.feed(b"")
    assert (reader.records, reader.trouble) == (31 * len(MANY), "")
    assert reader._unpacked > 12 << 20
    assert peak < 6 << 20
