"""Reading what lies inside payloads, whatever strangers put there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.payload import (
    ascii_json,
    canonical,
    mapping_of,
    parse_json,
    strings_in,
    text_of,
    values_at,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_json_is_parsed_and_anything_else_is_none(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert isinstance(value, str) or parse_json(value) is None


_PIECES = st.sampled_from(
    [
        *(
            *"{}[]:, -",
            '"a"',
            "1",
            "-0",
            "1e5",
            "1e400",
            "NaN",
            "null",
            "true",
            "0.1e1",
        ),
        *(r'"\ud800"', '"\u00e9"', '"\ud800"', "\t", "\0", "9" * 40, "9" * 5000),
        *('{"a": ', '"a": ', "\ufeff", "01", "1.", "-Infinity", "5e-324"),
    ]
)


def slowly(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@given(st.lists(_PIECES, max_size=9).map("".join))
def test_json_is_what_pythons_own_parser_reads(text: str) -> None:
    assert repr(parse_json(text)) == repr(slowly(text))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, b"{}", "9" * 5000, None])
def test_what_is_no_json_is_none(text: Any) -> None:
    assert parse_json(text) is None


def test_a_path_leads_to_strings_through_objects_and_lists() -> None:
    body = {"Tasks": [{"TaskArn": "a"}, {"TaskArn": 7}, "x", {"TaskArn": "b"}]}
    assert list(values_at(body, "Tasks[].TaskArn")) == ["a", "b"]
    assert list(values_at({"Build": {"Id": "c"}}, "Build.Id")) == ["c"]


@given(json_values, st.sampled_from(["a", "a.b", "a[].b", "[]", ""]))
def test_a_path_into_anything_yields_strings_or_nothing(value: Any, path: str) -> None:
    assert all(values_at(value, path))


def test_every_string_is_found_however_deep_it_lies() -> None:
    deep: Any = "bottom"
    for _ in range(50_000):
        deep = [deep]
    assert list(strings_in({"a": deep, "b": ("c", 1, None)})).count("bottom") == 1
    assert set(strings_in({"a": {"b": "x"}, "c": ["y"]})) == {"x", "y"}


def test_only_strings_with_something_in_them_are_text() -> None:
    assert [text_of(v) for v in ("a", "", 1, None, ["a"])] == ["a", *[None] * 4]
    assert dict(mapping_of({"a": 1})) == {"a": 1}
    assert dict(mapping_of([("a", 1)])) == {}


@given(st.dictionaries(st.text(max_size=3), json_values))
def test_equal_values_are_written_alike(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(value) == canonical(turned)
    assert json.loads(canonical(value)) == value


def test_a_value_nested_past_all_reason_is_written_somehow() -> None:
    deep: Any = "bottom"
    for _ in range(50_000):
        deep = [deep]
    assert canonical(deep) == '["bottom"]'


@given(json_values)
def test_json_in_ascii_is_printable_and_unaltered(value: Any) -> None:
    text = ascii_json(value)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text) == value


def test_json_in_ascii_has_no_numbers_that_json_does_not_have() -> None:
    assert ascii_json("\x7f\ud800\x1b") == '"\\u007f\\ud800\\u001b"'
    with pytest.raises(ValueError, match="not JSON compliant"):
        ascii_json(float("nan"))
