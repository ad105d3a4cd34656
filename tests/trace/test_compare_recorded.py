"""Recorded histories compared: each with itself, and with the next one."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.trace.compare import compare_apart
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN
from tests.peers.fixtures import FOLDER, files, history

RAW = "history-raw/*.json"
HISTORIES = [*files(RAW), *files("history-localstack/*.json")]
NEIGHBOURS = list(pairwise(sorted(FOLDER.glob(RAW))))


def trace_of(path: Path) -> Trace:
    return extend(Trace(), [_received(event) for event in history(path)])


def _received(event: dict[str, Any]) -> Received:
    return Received(None, From.HISTORY, ARN, event)


@pytest.mark.parametrize("path", HISTORIES)
def test_a_recorded_execution_does_not_differ_from_itself(path: Path) -> None:
    found = compare_apart(trace_of(path), ARN, trace_of(path), ARN)
    assert found.differences == ()
    assert found.differing == frozenset()
    assert not any(pair.moved for pair in found.pairs)
    assert all(pair.seconds.difference == 0 for pair in found.pairs)
    assert len(found.pairs) == found.a.visits


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS, ids=lambda path: path.stem)
def test_every_visit_of_both_is_in_one_pair(one: Path, other: Path) -> None:
    found = compare_apart(trace_of(one), ARN, trace_of(other), ARN)
    assert sum(pair.a is not None for pair in found.pairs) == found.a.visits
    assert sum(pair.b is not None for pair in found.pairs) == found.b.visits
    assert verdict(found)
    back = compare_apart(trace_of(other), ARN, trace_of(one), ARN)
    assert sum(p.both for p in back.pairs) == sum(p.both for p in found.pairs)
    assert bool(back.differences) == bool(found.differences)
