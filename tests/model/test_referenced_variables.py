"""Which states of a definition refer to which variables."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.referenced_variables import referenced_variables


def text_of(**states: object) -> str:
    return json.dumps({"StartAt": "A", "States": states})


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ({"Output": "{% $total + $tax.rate %}"}, {"total", "tax"}),
        (
            {"Arguments": {"a": [{"b": " {% $states.x & $y %} "}]}},
            {"states", "y"},
        ),
        ({"Output": "$total, which is no expression"}, set()),
        ({"Output": "{% $sum([1]) + $$.x %}"}, set()),
        ({"Parameters": {"a.$": "$total", "b": "$other"}}, {"total"}),
        ({"Parameters": {"a.$": "States.Format('{}', $name.first)"}}, {"name"}),
        ({"Parameters": {"a.$": "$.field", "b.$": "$$.Execution.Id"}}, set()),
        ({"InputPath": "$items[0]", "Comment": "$comment"}, {"items"}),
        ({"Choices": [{"Variable": "$count", "NumericEquals": 1}]}, {"count"}),
    ],
)
def test_the_names_in_expressions_and_paths_are_found(
    state: dict[str, object], names: set[str]
) -> None:
    assert set(referenced_variables(text_of(A=state))) == names


def test_a_state_in_a_branch_is_named_and_the_parallel_around_it_is_not() -> None:
    inner = {"States": {"In": {"Output": "{% $x %}"}}}
    text = text_of(
        Fan={"Type": "Parallel", "Branches": [inner]}, B={"Output": "{%$x%}"}
    )
    assert referenced_variables(text) == {"x": ("B", "In")}


@given(st.text() | st.none())
def test_any_text_has_an_answer(text: str | None) -> None:
    assert referenced_variables(text) == {}
