"""Histories that others recorded, explained: none is without a verdict and a table."""

from io import StringIO
from pathlib import Path

import pytest

from sfnwatch.export.report_layout import cell_width
from sfnwatch.export.report_text import write_text
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.report import Report, report
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN
from tests.peers import oracle
from tests.peers.fixtures import files, history

HISTORIES = files("history-*/*.json")


@pytest.mark.parametrize("path", HISTORIES)
def test_every_recorded_history_is_explained(path: Path) -> None:
    events = history(path)
    records = [Received(None, From.HISTORY, ARN, event) for event in events]
    told = report(extend(Trace(), records))
    (execution,) = told.executions
    assert execution.verdict.status == oracle.status(events)
    entered = sum(event["type"].endswith("StateEntered") for event in events)
    assert sum(row.visits for row in execution.states) == entered
    assert sum(row.tries for row in execution.states) == len(oracle.attempts(events))
    for text in (_text(told, 80), _text(told, 200)):
        assert text.splitlines()[1].split()[0].rstrip(".") == execution.verdict.status
    assert max(map(cell_width, _text(told, 80).splitlines())) <= 80


def _text(told: Report, width: int) -> str:
    out = StringIO()
    write_text(told, out, width)
    return out.getvalue()
