"""JSON, read strictly and without crashes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.parsing import (
    NotJsonError,
    deeper_than,
    line_of,
    parse_value,
    parse_values,
)
from tests.recording.values import values


@given(st.lists(values))
def test_values_one_after_the_other_are_read_with_their_lines(
    wanted: list[Any],
) -> None:
    text = "\n\n".join(json.dumps(value) for value in wanted)
    assert list(parse_values(text)) == [
        (1 + 2 * n, value) for n, value in enumerate(wanted)
    ]


def test_a_value_over_several_lines_counts_them() -> None:
    assert list(parse_values('\r\n{"a":\r\n1}\r\n[2]')) == [(2, {"a": 1}), (4, [2])]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ('{"a": 1}\n{"a": tru}', 2, "Expecting value at column 7"),
        ('{"a"\n1}', 2, "Expecting ':' delimiter at column 1"),
        ("\n[NaN]", 2, "NaN is no JSON number"),
        ("[-Infinity]", 1, "-Infinity is no JSON number"),
        ("[1e999]", 1, "1e999 is too large"),
        (f"[{'9' * 5000}]", 1, "digits"),
        ("[" * 10_000, 1, "nested too deep"),
        ('{"a":' * 250 + "1" + "}" * 250, 1, "nested deeper than 200 levels"),
        ('"\x00"', 1, "Invalid control character"),
    ],
)
def test_what_is_not_json_is_named_with_its_line(
    text: str, line: int, what: str
) -> None:
    with pytest.raises(NotJsonError, match=what) as caught:
        list(parse_values(text))
    assert caught.value.line == line


@pytest.mark.parametrize("text", ["", "  ", "1 2"])
def test_one_value_means_one(text: str) -> None:
    with pytest.raises(NotJsonError, match="values where one should be"):
        parse_value(text)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 1))
def test_depth_is_counted_without_recursion(
    depth: int, limit: int, in_list: int
) -> None:
    value: Any = "leaf"
    for _ in range(depth):
        value = [1, value] if in_list else {"a": 1, "b": value}
    assert deeper_than(value, limit) == (depth > limit)


@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_an_item_is_found_on_its_line(items: list[Any], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(items) - 1))
    before = "".join(f"{json.dumps(item)},\n" for item in items[:place])
    after = "".join(f",\n{json.dumps(item)}" for item in items[place + 1 :])
    text = f'[\n{{"a": [1, {{}}], "events": [\n{before}"here"{after}]}}]'
    assert line_of(text, 1, f"[0].events[{place}]") == 3 + place


def test_where_the_way_is_not_found_the_line_of_the_whole_is_named() -> None:
    assert line_of('\n\n{"a": 1}', 3, "events[2]") == 3
    assert line_of("{", 1, "a") == 1
