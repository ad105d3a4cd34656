"""Perfetto's page, and the trace processor in it that answers SQL."""

import json
from itertools import count
from typing import Any

from tests.viewers.browser import Page

_NUMBERS = count(1)
"""No two titles are alike: by its title it is known which trace has been loaded."""
_OPEN = """
const [text, title] = args;
const buffer = new TextEncoder().encode(text).buffer;
window.app.openTraceFromBuffer({title, fileName: `${title}.json`, buffer});
"""
_QUERY = """
const answer = await window.app.trace.engine.query(args[0]);
const columns = answer.columns(), rows = [];
for (const row = answer.iter({}); row.valid(); row.next()) {
  const cells = columns.map(column => row.get(column));
  rows.push(cells.map(cell => typeof cell === 'bigint' ? Number(cell) : cell));
}
return rows;
"""


def load(page: Page, name: str, text: str) -> None:
    """Open a trace's text in the page, which is Perfetto's already."""
    title = f"{name} {next(_NUMBERS)}"
    page.wait("window.app && document.querySelector('main')")
    page.run(_OPEN, text, title)
    named = f"window.app.trace.traceInfo.traceTitle.includes({json.dumps(title)})"
    page.wait(f"window.app.trace && {named} && !window.app.isLoadingTrace")


def query(page: Page, sql: str) -> list[list[Any]]:
    rows: list[list[Any]] = page.run(_QUERY, sql)
    return rows


_LEGACY = """
const [text, title] = args;
document.querySelector('x-profiling-view').setActiveTrace(title, text);
"""
_HIDE = """
const found = [];
const walk = node => { found.push(node); node.childNodes.forEach(walk); };
walk(document);
found.find(n => n.tagName === 'BUTTON' && n.textContent === 'Hide')?.click();
"""
"""It warns that it is old."""


def load_in_tracing(page: Page, title: str, text: str) -> None:
    """Open a trace in the page of Chrome's about:tracing, as Perfetto brings it."""
    page.wait("document.querySelector('x-profiling-view')")
    page.run(_LEGACY, text, title)
    page.wait("document.body.innerText.includes('(pid 1)')")
    page.run(_HIDE)
