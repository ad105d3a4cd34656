"""A comparison for other programs: its keys are a contract."""

import json
from io import StringIO
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.compare_json import comparison_json, write_json
from sfnwatch.trace.compare_values import (
    Comparison,
)
from tests.export.test_compare_text import denied, various
from tests.trace.comparing import A, B, Story, comparison

KEYS = {
    "sfnwatch_compare", "a", "b", "same", "verdict", "remarks", "calls_compared",
    "same_input", "seconds", "parts", "first_difference", "differences", "slowdown",
    "speedup", "not_compared", "definitions", "states", "iterations",
}  # fmt: skip


def written(found: Comparison) -> str:
    out = StringIO()
    write_json(found, out)
    return out.getvalue()


def read(found: Comparison) -> Any:
    return json.loads(written(found))


def test_the_keys_are_those_of_version_1() -> None:
    told = read(denied())
    assert set(told) == KEYS
    assert told["sfnwatch_compare"] == 1
    assert set(told["a"]) == {
        "arn", "name", "state_machine_arn", "role_arn", "status", "error",
        "started_at", "stopped_at", "event_count", "visit_count", "attempt_count",
        "calls", "failed_calls", "cloudtrail_latency", "redrive_count",
    }  # fmt: skip


def test_what_differs_is_told_with_its_figures() -> None:
    told = read(denied())
    assert told["same"] is False
    assert told["first_difference"] == told["differences"][0]
    assert told["first_difference"]["kind"] == "denied"
    assert told["first_difference"]["call"]["b"]["error_codes"] == {"AccessDenied": 5}
    assert told["states"][0]["attempts"][0]["noticed_a"] == {
        "seconds": 1.9,
        "by": "event",
        "certain": True,
    }
    assert told["seconds"] == {
        "a": 309.05,
        "b": 309.05,
        "difference": 0.0,
        "ratio": 1.0,
    }
    assert told["not_compared"] == []


def test_states_and_iterations_refer_to_each_other_by_place() -> None:
    told = read(various())
    states = told["states"]
    assert [s["presence"] for s in states[:3]] == ["both", "a", "both"]
    (each,) = told["iterations"]
    assert states[each["state"]]["path"] == "Main / m"
    assert (each["both"], each["a"]["count"], each["b"]["count"]) == (2, 2, 30)
    assert all(
        states[s["parent"]]["path"] == "Main / m"
        for s in states
        if s["parent"] is not None
    )
    assert states[told["speedup"]]["path"] == "Main / Label"
    assert told["slowdown"] is None


def test_what_is_not_known_is_null() -> None:
    told = comparison_json(comparison(Story(A).ends(), Story(B).ends()))
    assert told["first_difference"] is None
    assert told["definitions"] is None
    assert told["states"] == []
    assert told["a"]["cloudtrail_latency"] is None


@settings(max_examples=20, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_strings_are_unaltered_in_printable_ascii(name: str) -> None:
    text = written(various(name))
    assert text.isascii()
    assert all(c.isprintable() or c == "\n" for c in text)
    assert json.loads(text)["states"][2]["name_a"] == name
    assert text == written(various(name))
