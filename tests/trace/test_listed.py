"""Executions of a list: what is read of each, and in what order they stand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.listed import Listed, decode_listed, listed_words, newest
from sfnwatch.trace.times import iso
from tests.trace.test_text import HOSTILE, safe

HEAD = "arn:aws:states:eu-west-1:123456789012"
NOW = datetime(2023, 11, 15, 0, 30, tzinfo=UTC)


def item(name: str = "run-1", **more: Any) -> dict[str, Any]:
    return {
        "executionArn": f"{HEAD}:execution:nightly:{name}",
        "stateMachineArn": f"{HEAD}:stateMachine:nightly",
        "name": name,
        "status": "SUCCEEDED",
        "startDate": "2023-11-15T00:20:00.000Z",
        "stopDate": "2023-11-15T00:25:09.000Z",
        **more,
    }


def read(**more: Any) -> Listed:
    listed = decode_listed(item(**more))
    assert listed
    return listed


def test_an_item_is_read_as_aws_writes_it() -> None:
    listed = read()
    assert (listed.machine, listed.name) == ("nightly", "run-1")
    assert (listed.status, listed.seconds(NOW)) == ("SUCCEEDED", 309.0)
    assert listed_words(listed, NOW) == (
        "nightly › run-1, SUCCEEDED, started 2023-11-15T00:20:00.000Z, took 5m 09s"
    )


def test_what_runs_has_taken_so_long_by_now() -> None:
    listed = read(status="RUNNING", stopDate=None)
    assert listed.going_on
    assert listed_words(listed, NOW).endswith("for 10m 00s so far")
    earlier = NOW - timedelta(hours=1)
    assert listed.seconds(earlier) == 0, "a clock that is behind"


def test_a_map_runs_child_has_the_label_in_its_machines_name() -> None:
    arn = f"{HEAD}:execution:nightly/Each:abc"
    assert read(executionArn=arn).machine == "nightly/Each"


@pytest.mark.parametrize("value", [None, 7, "", [], {"a": 1}])
def test_nothing_in_an_item_has_to_be_there(value: Any) -> None:
    assert decode_listed({"executionArn": value}) is None
    fields = ("stateMachineArn", "name", "status", "startDate", "stopDate")
    listed = decode_listed(item() | dict.fromkeys(fields, value))
    assert listed
    assert listed.name == "run-1"
    assert safe(listed_words(listed, NOW))
    assert decode_listed({"executionArn": "x"}) == Listed("x", "", "x", "")


def test_what_runs_comes_first_and_then_the_newest() -> None:
    def at(minute: int) -> str:
        return f"2023-11-15T00:{minute:02}:00.000Z"

    rows = [
        read(name="old", startDate=at(1)),
        read(name="long", status="RUNNING", startDate=at(2)),
        read(name="new", startDate=at(9)),
        read(name="fresh", status="RUNNING", startDate=at(8)),
        read(name="waits", status="PENDING_REDRIVE", startDate=at(3)),
        read(name="unknown", startDate=None),
    ]
    ordered = sorted(rows, key=lambda row: row.order)
    assert [row.name for row in ordered] == [
        *("fresh", "waits", "long"),
        *("new", "old", "unknown"),
    ]
    found = newest(rows)
    assert found
    assert found.name == "new", "running or not"
    assert newest(rows[-1:]) is None


@given(st.sampled_from(HOSTILE) | st.text(), st.sampled_from(HOSTILE) | st.text())
def test_whatever_a_name_is_its_words_are_safe(name: str, status: str) -> None:
    listed = read(name=name, status=status, executionArn=f"{HEAD}:{name}")
    assert safe(listed_words(listed, NOW))
    assert listed.started_at
    assert iso(listed.started_at) == "2023-11-15T00:20:00.000Z"
