"""Records that are bundled read as they were, soon and long after they came."""

import json
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnwatch.trace import bundles
from sfnwatch.trace.bundles import Bundled, bundled
from sfnwatch.trace.history import decode_history, in_a_bundle
from sfnwatch.trace.packed import opened
from sfnwatch.trace.tape import Tape
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import START, sync_history, sync_run
from tests.trace.test_packed import records_of_json


@pytest.fixture
def tied_up_soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let only the last few records be as they came."""
    monkeypatch.setattr(bundles, "_LATEST", deque([bundles._Bundle()]))
    monkeypatch.setattr(bundles, "_OPEN", 1)
    monkeypatch.setattr(bundles, "_TOGETHER", 2)
    yield
    bundles._lines.cache_clear()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records_of_json, max_size=12))
def test_what_is_bundled_is_read_as_it_was(
    tied_up_soon: None, records: list[dict[str, Any]]
) -> None:
    kept = [bundled(record) for record in records]
    for one, record in zip(kept, records, strict=True):
        assert opened(one) == record
        assert json.dumps(opened(one)) == json.dumps(record)


def test_what_cannot_be_written_stays_with_those_beside_it(tied_up_soon: None) -> None:
    records: list[dict[str, Any]] = [
        {"at": START},
        {"n": 1},
        *({"n": number} for number in range(6)),
    ]
    kept = [bundled(record) for record in records]
    assert [opened(one) for one in kept] == records
    assert opened(kept[1]) is records[1]
    assert opened(kept[3]) is not records[3]


def test_an_event_of_a_bundle_is_the_same(tied_up_soon: None) -> None:
    run = sync_history()
    plain = [decode_history(received.data, received.at) for received in run]
    kept = [in_a_bundle(received) for received in run]
    assert all(isinstance(received.data, Bundled) for received in kept)
    assert [in_a_bundle(received) for received in kept] == kept
    for before, received in zip(plain, kept, strict=True):
        event = decode_history(received.data, received.at)
        assert event == before
        assert event.raw is received.data
        assert (event.record, dict(event.details)) == (before.raw, before.details)
        assert event.detail("resource") == before.detail("resource")


def test_a_tape_of_bundles_gives_what_was_put_in(tied_up_soon: None) -> None:
    tape = Tape()
    tape.take(tuple(sync_run()))
    assert tape.trace() == extend(Trace(), sync_run())
