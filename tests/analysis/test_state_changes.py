"""What a state changed: path by path, or why that is not known."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from sfnwatch.analysis.state_changes import StateChanges, state_changes, value_words
from sfnwatch.model.trace import Trace
from tests.builders import ARN, History


def changes_of(run: History) -> StateChanges:
    trace = Trace()
    trace.add(run.records)
    snapshot = trace.as_of()
    execution = snapshot.executions[ARN]
    (visit,) = execution.visits
    return state_changes(snapshot, execution, visit)


def passed(given: Any, left: Any, **more: Any) -> History:
    run = History().start()
    run.add("PassStateEntered", name="A", input=json.dumps(given))
    run.add("PassStateExited", name="A", output=json.dumps(left), **more)
    return run


def test_the_paths_are_counted_by_what_became_of_them() -> None:
    changes = changes_of(passed({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 3, "d": 4}))
    assert [each.path for each in changes.differences] == ["$.b", "$.c", "$.d"]
    assert changes.sentence == (
        "From input to output: 1 path added, 1 path removed and 1 path changed."
    )


@pytest.mark.parametrize("value", [None, {}, {"a": [1, None]}])
def test_a_state_that_passes_its_input_on_changes_nothing(value: Any) -> None:
    changes = changes_of(passed(value, value))
    assert (list(changes.differences), changes.unknown) == ([], "")
    assert changes.sentence == "The output is the input, unchanged."


CUT: Mapping[str, Any] = {"outputDetails": {"truncated": True}}


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (passed({}, {"a": 1}, **CUT), "AWS has cut its input or its output."),
        (
            History().start().state("A"),
            "Its input is not in the history.",
        ),
    ],
)
def test_without_both_payloads_it_says_why(run: History, why: str) -> None:
    changes = changes_of(run)
    assert (changes.differences, changes.unknown) == ((), why)


def test_a_state_without_an_output_says_why_it_has_none() -> None:
    run = History().start()
    run.add("PassStateEntered", name="A", input="{}")
    assert changes_of(run).unknown == "It has not ended, so it has no output yet."
    run.add("ExecutionFailed", error="E")
    assert "nothing caught that: it has no output." in changes_of(run).unknown
    run = History().start()
    run.add("PassStateEntered", name="A", input="{}")
    run.add("PassStateExited", name="A")
    assert changes_of(run).unknown == "Its output is not in the history."
    run = History().start()
    run.add("PassStateEntered", name="A", input="{")
    run.add("PassStateExited", name="A", output="{}")
    assert "can't be read as JSON" in changes_of(run).unknown
    for number in ("NaN", "1e400"):
        run = History().start()
        run.add("PassStateEntered", name="A", input=f'{{"n": {number}}}')
        run.add("PassStateExited", name="A", output="{}")
        assert "can't be read as JSON" in changes_of(run).unknown


def test_long_objects_are_counted_and_hostile_texts_are_cleaned() -> None:
    assert value_words({"a": 1}, 100) == '{"a": 1}'
    assert value_words({str(n): n for n in range(50)}, 100) == "{50 keys}"
    assert value_words(list(range(300)), 100) == "[300 items]"
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert value_words(deep, 100) == "[1 item]"
    words = value_words("\x1b]0;x\x07\ud800" + "x" * 500, 100)
    assert words.isprintable()
    assert len(words) < 130
