"""Lines are quickly written, and say the same."""

import json
from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.stream import JsonLines, quick_json
from sfnwatch.trace.events import From, Received
from tests.builders import ARN

TEXTS = st.text() | st.text(st.characters(codec="ascii"))
WHOLE = st.none() | st.booleans() | st.integers() | TEXTS
RECORDS = st.dictionaries(TEXTS, WHOLE | st.lists(WHOLE, max_size=3), max_size=6)


@given(RECORDS)
def test_what_is_written_quickly_is_written_the_same(record: dict[str, Any]) -> None:
    assert quick_json(record) in {None, json.dumps(record)}


def test_what_a_history_says_is_written_quickly() -> None:
    assert quick_json({"id": 1, "type": 'a"b\n', "at": None, "of": ["x"]}) is not None
    for escaped in ("é", "\x7f", "\ud800"):
        assert quick_json({"name": escaped}) is None


def test_an_event_is_written_whatever_is_in_it() -> None:
    out = StringIO()
    shown = JsonLines(out)
    strange = [1.5, 10**30, 1e300, True, None, "\ud800", {"a": 1}]
    for value in strange:
        data = {"id": 1, "type": value, "timestamp": value, "previousEventId": value}
        shown((Received(None, From.HISTORY, ARN, data),))
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["timestamp"] for line in written if line["kind"] == "event"] == strange
