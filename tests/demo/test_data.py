"""How data flows through a state."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.demo.data import at, chosen, filled, passed_on, placed

NAMES = st.text("abc", min_size=1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=10,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=3)
CONTEXT = {"Execution": {"Id": "arn:x"}}


@given(JSON)
def test_a_dollar_is_all_of_the_data(data: object) -> None:
    assert at("$", data, CONTEXT) is data


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.order.id", "A-1"),
        ("$.list[1]", 2),
        ("$.list[2].deep", [3]),
        ("$$.Execution.Id", "arn:x"),
    ],
)
def test_a_path_names_a_part_of_it(path: str, expected: object) -> None:
    data = {"order": {"id": "A-1"}, "list": [1, 2, {"deep": [3]}]}
    assert at(path, data, CONTEXT) == expected


@given(JSON)
def test_a_template_without_paths_is_what_it_says(template: object) -> None:
    assert filled(template, {}, CONTEXT) == template


def test_a_template_is_filled_at_any_depth() -> None:
    template = {"a.$": "$.x", "b": [{"c.$": "$$.Execution.Id"}], "d": "$.x"}
    expected = {"a": 1, "b": [{"c": "arn:x"}], "d": "$.x"}
    assert filled(template, {"x": 1}, CONTEXT) == expected


@given(OBJECTS, JSON)
def test_a_result_is_put_beside_what_was_there(
    data: dict[str, object], result: object
) -> None:
    assert placed(data, result, "$") is result
    assert placed(data, result, "$.here") == data | {"here": result}


@given(OBJECTS, JSON)
def test_output_is_the_result_unless_the_state_says_otherwise(
    data: dict[str, object], result: object
) -> None:
    assert passed_on({}, data, result, CONTEXT) == result


def test_output_is_selected_then_placed_then_cut() -> None:
    state = {
        "ResultSelector": {"id.$": "$.Payload.id"},
        "ResultPath": "$.got",
        "OutputPath": "$.got.id",
    }
    assert passed_on(state, {"kept": 1}, {"Payload": {"id": 7}}, CONTEXT) == 7


@given(st.integers())
def test_a_choice_goes_where_its_rule_says(total: int) -> None:
    rule = {"Variable": "$.total", "NumericGreaterThan": 1000, "Next": "Big"}
    state = {"Choices": [rule], "Default": "Small"}
    expected = "Big" if total > 1000 else "Small"
    assert chosen(state, {"total": total}, CONTEXT) == expected


def test_the_first_rule_that_fits_is_taken() -> None:
    rules = [
        {"Variable": "$.kind", "StringEquals": "a", "Next": "A"},
        {"Variable": "$.sure", "BooleanEquals": True, "Next": "Sure"},
    ]
    state = {"Choices": rules, "Default": "None"}
    for kind, sure, expected in (
        ("a", True, "A"),
        ("b", True, "Sure"),
        ("b", False, "None"),
    ):
        data = {"kind": kind, "sure": sure}
        assert chosen(state, data, CONTEXT) == expected
