"""Whole rows of a trail's table, redacted: what they tied stays tied."""

import pytest

from sfnwatch.recording.redaction import redact
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ACCOUNT, ROLE, TASK_ID, describe, sync_calls
from tests.builders import sync_definition as definition
from tests.builders import sync_history as history
from tests.recording.redacting import of, outline, read, text_of
from tests.trace.test_rows import bare, row


@pytest.mark.parametrize("denied", [False, True])
def test_a_recording_of_rows_shows_the_same_redacted(*, denied: bool) -> None:
    rows = [
        Received(received.at, From.ATHENA, None, row(bare(received)))
        for received in sync_calls(denied=denied)
    ]
    recording = of(describe(), definition(), *history(), *rows)
    text = text_of(redact(recording))
    shown = read(text)
    assert outline(shown) == outline(recording)
    calls = extend(Trace(), shown.records).ordered_calls
    assert len(calls) == 6
    assert all(call.whole and call.by_step_functions for call in calls)
    for secret in (ACCOUNT, TASK_ID, ROLE.rpartition("/")[2], "my-cluster", "poll-1"):
        assert secret not in text
        assert secret in text_of(recording)
