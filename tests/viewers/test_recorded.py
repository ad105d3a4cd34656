"""Exports of executions recorded on AWS, many in one trace."""

import json
from io import StringIO
from types import ModuleType

import pytest

from sfnwatch.export import csv, mermaid, otlp, perfetto, text
from tests.peers.fixtures import needs_fixtures
from tests.viewers.browser import Page
from tests.viewers.mermaid import draw, open_mermaid
from tests.viewers.perfetto import load, query
from tests.viewers.readers import (
    needs_browser,
    needs_mermaid,
    needs_perfetto,
    parse_otlp,
)
from tests.viewers.recorded import recorded
from tests.viewers.test_otlp import as_protobuf_has_it, spans
from tests.viewers.test_perfetto import NESTING, STATS

pytestmark = needs_fixtures


def exported(kind: ModuleType) -> str:
    out = StringIO()
    kind.dump(recorded(), out)
    return out.getvalue()


@needs_browser
@needs_perfetto
def test_perfetto_reads_them_all(page: Page, perfetto_page: str) -> None:
    page.open(f"{perfetto_page}#!/viewer")
    load(page, "recorded", exported(perfetto))
    assert query(page, STATS) == []
    assert query(page, NESTING) == []
    visits = sum(len(list(t.visits)) for t in recorded().timelines.values())
    counted = "select count(*) from slice where category = 'state'"
    assert query(page, counted) == [[visits]]


@needs_browser
@needs_mermaid
def test_mermaid_draws_them_all(page: Page, mermaid_files: str) -> None:
    open_mermaid(page, mermaid_files)
    words = draw(page, exported(mermaid))
    assert any("Execution started" in word for word in words)


def test_opentelemetry_reads_them_all() -> None:
    traces = parse_otlp(as_protobuf_has_it(json.loads(exported(otlp))))
    attempts = sum(
        len(list(t.visits.attempts)) + len(list(t.visits)) + 1
        for t in recorded().timelines.values()
    )
    assert sum(1 for _ in spans(traces)) == attempts


@pytest.mark.parametrize("kind", [csv, text], ids=["csv", "text"])
def test_lines_are_clean(kind: ModuleType) -> None:
    told = exported(kind)
    assert told.replace("\r", "").replace("\n", "").replace("\xa0", "").isprintable()
    assert told.count("\n") > 400
