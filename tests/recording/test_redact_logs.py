"""An execution's log, redacted: it shows the same, and tells nothing."""

import json

import pytest

from sfnwatch.recording.redaction import redact
from sfnwatch.trace.events import From, Received
from tests.builders import START, event, sync_calls, sync_history
from tests.express import EXPRESS_ARN, express_log
from tests.recording.redacting import harmless, of, outline, read, strings_of, text_of


@pytest.mark.parametrize("with_data", [True, False])
def test_a_log_shows_the_same(*, with_data: bool) -> None:
    log = express_log(sync_history(), with_data=with_data)
    recording = of(*log, *sync_calls())
    again = read(text_of(redact(recording)))
    assert outline(again) == outline(recording)
    assert [r.source for r in again.records] == [r.source for r in recording.records]


def test_the_execution_is_the_same_in_a_record_and_around_it() -> None:
    (record, *_) = redact(of(*express_log(sync_history()))).records
    assert record.data["execution_arn"] == record.execution_arn
    assert record.execution_arn != EXPRESS_ARN
    assert str(record.execution_arn).startswith("arn:aws:states:ap-northeast-1:")
    assert ":express:" in str(record.execution_arn)


def test_ids_and_times_are_kept() -> None:
    records = redact(of(*express_log(sync_history()))).records
    assert [r.data["id"] for r in records] == [*"12345678"]
    assert [r.data["previous_event_id"] for r in records] == [*"00234567"]
    assert str(records[0].data["event_timestamp"]).startswith("2023-11-15T00:28:24.102")


def test_nothing_of_what_was_written_is_left() -> None:
    secret = "Gromit-4711"
    history = [
        event(1, "ExecutionStarted", 0, input=json.dumps({"who": secret})),
        event(2, "PassStateEntered", 1, name=secret, input=secret),
        event(3, "ExecutionFailed", 2, error=secret, cause=f"It was {secret}."),
    ]
    records = [
        Received(START, From.EXPRESS, r.execution_arn, {**r.data, secret: secret})
        for r in express_log(history, EXPRESS_ARN.replace("run-7f3a", secret))
    ]
    redacted = redact(of(*records))
    assert secret not in text_of(redacted)
    odd = {t for t in strings_of(redacted) if not harmless(t)}
    assert not any("romit" in text or "4711" in text for text in odd)
