"""Retriers: which errors they match, how often they try again, and after how long."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.reference_path import value_at
from sfnwatch.model.retriers import Retrier, retriers_by_state


def retriers(*written: Any) -> tuple[Retrier, ...]:
    state = {"Type": "Task", "Retry": list(written)}
    text = json.dumps({"StartAt": "A", "States": {"A": state}})
    return retriers_by_state(text).get("A", ())


def test_defaults_are_aws_s() -> None:
    (retrier,) = retriers({"ErrorEquals": ["States.ALL"]})
    assert retrier.max_attempts == 3
    assert [retrier.delay(n) for n in (1, 2, 3)] == [1, 2, 4]
    assert not retrier.has_jitter


def test_the_back_off_grows_up_to_its_most() -> None:
    (retrier,) = retriers(
        {
            "ErrorEquals": ["E"],
            "IntervalSeconds": 5,
            "BackoffRate": 1.5,
            "MaxDelaySeconds": 10,
            "MaxAttempts": 99999999,
            "JitterStrategy": "FULL",
        }
    )
    assert [retrier.delay(n) for n in (1, 2, 3, 10**6)] == [5, 7.5, 10, 10]
    assert retrier.has_jitter


@pytest.mark.parametrize(
    ("equals", "matched", "others"),
    [
        ("Boom", ["Boom"], ["Other", "boom"]),
        (
            "States.ALL",
            ["Boom", "States.Timeout"],
            ["States.Runtime", "States.DataLimitExceeded"],
        ),
        ("States.DataLimitExceeded", ["States.DataLimitExceeded"], ["Boom"]),
        (
            "States.TaskFailed",
            ["Boom", "States.TaskFailed"],
            ["States.Timeout", "States.HeartbeatTimeout", "States.Runtime"],
        ),
    ],
)
def test_errors_are_matched_by_name_and_by_wildcards(
    equals: str, matched: list[str], others: list[str]
) -> None:
    (retrier,) = retriers({"ErrorEquals": [equals]})
    assert all(map(retrier.matches, matched))
    assert not any(map(retrier.matches, others))


@pytest.mark.parametrize(
    "odd",
    [
        {},
        None,
        "Retry",
        {"ErrorEquals": []},
        {"ErrorEquals": ["E"], "MaxAttempts": -3},
        {"ErrorEquals": ["E"], "MaxAttempts": 10**50},
        {"ErrorEquals": ["E"], "IntervalSeconds": 0},
        {"ErrorEquals": ["E"], "IntervalSeconds": "5"},
        {"ErrorEquals": ["E"], "BackoffRate": 0.5},
        {"ErrorEquals": ["E"], "MaxDelaySeconds": 0},
    ],
)
def test_a_state_with_a_retrier_that_cannot_be_read_has_none(odd: Any) -> None:
    assert retriers({"ErrorEquals": ["States.ALL"]}, odd) == ()


@given(st.integers(1, 10**9), st.floats(1, 1e300), st.floats(1e-3, 1e300))
def test_a_delay_is_never_longer_than_a_year(
    retry: int, rate: float, interval: float
) -> None:
    retrier = Retrier(("E",), interval_seconds=interval, backoff_rate=rate)
    assert 0 <= retrier.delay(retry) <= 31_622_400


VALUE = {"a": {"b-c": [{"d e": 7}], "": 1}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", VALUE),
        ("$.a.b-c[0]['d e']", 7),
        ("$['a']['']", 1),
        ("$.a.b-c[1]", None),
        ("$.a.x", None),
        ("$.a[0]", None),
        ("$.a..d", None),
        ("$.a.b-c[*]", None),
        ("$$.Execution.Id", None),
        ("$name.a", None),
        ("a", None),
        ("", None),
    ],
)
def test_a_reference_path_leads_to_one_value(path: str, found: Any) -> None:
    assert value_at(VALUE, path) == found


@given(st.text(), st.text())
def test_any_text_may_be_a_path(path: str, key: str) -> None:
    value_at({key: [key]}, path)
