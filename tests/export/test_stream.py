"""`--json`: every fact once, and again when it has changed, however records come."""

import json
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.json_lines import JsonLines
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS

_KEYS = ("kind", "execution", "id", "event_id", "arn", "task_arn", "version")


class _Flushed(StringIO):
    """Counts how often it was flushed."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def printed(batches: Iterable[Sequence[Received]], *, end: bool = False) -> list[Any]:
    trace, out = Trace(), _Flushed()
    lines = JsonLines(trace, out)
    for count, batch in enumerate(batches, 1):
        lines(batch, trace.add(batch))
        assert out.flushes == count, "who waits for a batch sees it"
    if end:
        lines.finish()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def last_of_each(lines: Iterable[Any]) -> dict[object, Any]:
    """Give what was said last of each thing; health is not of one thing."""
    told: dict[object, Any] = {}
    for line in lines:
        if line["kind"] != "health":
            told[tuple(line.get(key) for key in _KEYS)] = line
    return told


def batched(records: list[Received], cuts: Iterable[int]) -> list[list[Received]]:
    places = [0, *sorted({cut % (len(records) + 1) for cut in cuts}), len(records)]
    return [records[begin:end] for begin, end in pairwise(places)]


@examples(60)
@given(
    st.sampled_from(["denied", "shop", "redriven", "tasks", "photos", "nested"]),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_in_whatever_batches_records_come_the_same_is_known_in_the_end(
    name: str, dice: Any, cuts: list[int]
) -> None:
    records = list(RECORDS[name])
    whole = last_of_each(printed([records]))
    dice.shuffle(records)
    assert last_of_each(printed(batched(records, cuts))) == whole


@examples(60)
@given(
    st.sampled_from(["denied", "shop", "tasks", "photos", "redriven"]),
    st.lists(st.integers(0, 200), max_size=12),
)
def test_nothing_is_printed_twice_unchanged(name: str, cuts: list[int]) -> None:
    records = [*RECORDS[name], *RECORDS[name]]
    said: dict[object, Any] = {}
    for line in printed(batched(records, cuts)):
        key = tuple(line.get(key) for key in (*_KEYS, "lane"))
        assert said.get(key) != line
        said[key] = line


def test_a_call_is_told_again_when_its_link_is_another() -> None:
    run, history = aws.sync_calls()[0], aws.sync_history()
    told = printed([[run], history])
    rules = [line["link"] for line in told if line["kind"] == "call"]
    assert (rules[0], rules[-1]["rule"]) == (None, "request-id")


def test_an_event_is_told_as_the_history_has_it() -> None:
    text = aws.event(1, "ExecutionStarted", 0)
    number = aws.changed(aws.event(2, "PassStateEntered", 1, name="A"), timestamp=1.5)
    told = printed([[text, number, aws.logged(text)]])
    events = [line for line in told if line["kind"] == "event"]
    assert [each["timestamp"] for each in events[:2]] == [
        "2023-11-15T00:28:24.102Z",
        "1970-01-01T00:00:01.500Z",
    ]
    assert (events[2]["id"], events[2]["execution"]) == (1, aws.EXPRESS_ARN)


def test_health_is_told_as_it_was_recorded_and_once() -> None:
    told = aws.health("lookup", "live", 1, lag=3.5, unheard="x")
    (line,) = printed([[told], [told]])
    assert line == {"kind": "health", **told.record}


def test_what_is_no_ascii_is_escaped_and_nothing_else_is_altered() -> None:
    name = "a\u202eb\x1b[2J\ud800"
    record = aws.changed(aws.event(1, "ExecutionStarted", 0), type=name)
    trace, out = Trace(), StringIO()
    lines = JsonLines(trace, out)
    lines([record], trace.add([record]))
    assert out.getvalue().isascii()
    assert "\x1b" not in out.getvalue()
    assert json.loads(out.getvalue())["type"] == name


def test_what_several_executions_did_at_once_is_told_in_one_order() -> None:
    """A set of ARNs has another order in each process."""
    arns = [f"{aws.HEAD}:execution:machine:run-{number}" for number in range(9)]
    records = [r for arn in arns for r in aws.History(arn).start().state("A").records]
    told = [line["execution"] for line in printed([records]) if line["kind"] == "visit"]
    assert told == arns
