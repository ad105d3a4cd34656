"""The lines of a recording."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.format import (
    VERSION,
    Header,
    NewerFormatError,
    decode_at_once,
    decode_header,
    decode_line,
    encode_header,
    encode_line,
)
from sfnwatch.recording.parsing import parse_value
from sfnwatch.trace.events import From, Received
from tests.builders import ARN, START, event
from tests.recording.values import CREATED, moments, received, texts


@given(received)
def test_a_record_comes_back_as_it_was(record: Received) -> None:
    line = encode_line(record, CREATED)
    assert decode_line(parse_value(line), CREATED) == record


def slowly(line: bytes) -> Received | None:
    try:
        return decode_line(parse_value(line.decode()), CREATED)
    except ValueError:
        return None


@given(received)
def test_a_record_read_at_once_is_what_it_is_read_as_otherwise(
    record: Received,
) -> None:
    line = encode_line(record, CREATED).encode()
    assert decode_at_once(line, CREATED) in (None, record)


_PIECES = st.sampled_from(
    [
        *('"at"', '"source"', '"data"', "{", "}", "[", "]", ":", ",", '"x"', "1", "-0"),
        *("1e5", "1e400", "NaN", "null", "true", " ", r'"\ud800"', '"\u00e9"', "\t"),
        *('{"at": 1, "source": "x", "data": {"a": ', "}}", '"a": ', "9" * 40, "\0"),
    ]
)


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_nothing_is_read_at_once_that_is_read_otherwise_or_not_at_all(
    text: str,
) -> None:
    """The faster parser is the stricter: what it takes means the same to both."""
    line = text.encode()
    at_once = decode_at_once(line, CREATED)
    assert at_once is None or repr(at_once) == repr(slowly(line))


@pytest.mark.parametrize("depth", [10, 198, 199, 200, 900])
def test_what_is_nested_too_deep_is_not_read_at_once(depth: int) -> None:
    data = "[" * depth + "]" * depth
    line = f'{{"source": "x", "data": {{"a": {data}}}}}'.encode()
    assert decode_at_once(line, CREATED) in (None, slowly(line))
    assert (decode_at_once(line, CREATED) is None) == (depth > 198)


@given(received)
def test_a_line_is_one_line_of_printable_ascii(record: Received) -> None:
    line = encode_line(record, CREATED)
    assert line.isascii()
    assert line.isprintable()


@given(
    moments.filter(bool),
    texts,
    st.lists(texts),
)
def test_a_header_comes_back_as_it_was(
    created: datetime, tool: str, arns: list[str]
) -> None:
    created = created.replace(microsecond=created.microsecond // 1000 * 1000)
    header = Header(created, tool, tuple(arns))
    assert decode_header(parse_value(encode_header(header))) == header


def test_a_header_says_what_the_design_says() -> None:
    assert parse_value(encode_header(Header(START, "sfnwatch 0", (ARN,)))) == {
        "sfnwatch": 1,
        "created": "2023-11-15T00:28:24.102Z",
        "tool": "sfnwatch 0",
        "executions": [ARN],
    }


def test_a_line_says_what_the_design_says() -> None:
    record = event(7, "TaskStateExited", 1.5, seen=2.000001, name="A")
    line = encode_line(record, START)
    assert line.startswith('{"at": 2.000001, "source": "history", "execution": "arn:')
    assert parse_value(line) == {
        "at": 2.000001,
        "source": "history",
        "execution": ARN,
        "data": record.data,
    }


def test_a_time_before_the_beginning_is_kept_to_the_microsecond() -> None:
    at = CREATED - timedelta(microseconds=1)
    line = encode_line(Received(at, "other", None, {}), CREATED)
    assert '"at": -0.000001,' in line
    assert decode_line(parse_value(line), CREATED).at == at


@pytest.mark.parametrize(
    "bad",
    [
        {"x": float("nan")},
        {"x": float("-inf")},
        {"x": 10**5000},
        {"x": object()},
        {"x": datetime(2023, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_json_can_not_hold_is_refused_when_it_is_written(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        encode_line(Received(None, From.TRAIL, None, bad), CREATED)


def test_nesting_that_could_not_be_read_back_is_not_written() -> None:
    value: Any = {}
    for _ in range(197):
        value = [value]
    decode_line(
        parse_value(encode_line(Received(None, "x", None, {"v": value}), CREATED)),
        CREATED,
    )
    deeper = Received(None, "x", None, {"v": [value]})
    with pytest.raises(ValueError, match="deeper than 200 levels"):
        encode_line(deeper, CREATED)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ([], "not the header"),
        ({"Records": []}, "not the header"),
        ({"sfnwatch": 1}, "created"),
        ({"sfnwatch": 1, "created": "yesterday"}, "yesterday"),
        ({"sfnwatch": 1, "created": 5}, "created"),
        ({"sfnwatch": 1, "created": "2023-11-15", "executions": "x"}, "executions"),
        ({"sfnwatch": 0, "created": "2023-11-15"}, "format number"),
        ({"sfnwatch": True, "created": "2023-11-15"}, "format number"),
        ({"sfnwatch": 1.0, "created": "2023-11-15"}, "format number"),
        ({"sfnwatch": "1", "created": "2023-11-15"}, "format number"),
    ],
)
def test_a_bad_header_is_refused_with_what_is_wrong(value: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        decode_header(value)


def test_a_newer_format_is_told_from_a_bad_one() -> None:
    with pytest.raises(NewerFormatError, match=f"format {VERSION + 1}"):
        decode_header({"sfnwatch": VERSION + 1, "anything": "goes"})


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (7, "object"),
        ([], "object"),
        ({"source": "x"}, "data"),
        ({"source": 1, "data": {}}, "source"),
        ({"source": "x", "data": []}, "data"),
        ({"source": "x", "data": {}, "execution": 4}, "execution"),
        ({"source": "x", "data": {}, "at": "now"}, "at"),
        ({"source": "x", "data": {}, "at": 1e300}, "out of range"),
    ],
)
def test_a_bad_line_is_refused_with_what_is_wrong(value: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        decode_line(value, CREATED)
