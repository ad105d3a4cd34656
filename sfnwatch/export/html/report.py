"""A trace as a report: one file to open in a browser, to search and to mail.

Nothing is loaded from elsewhere; the page's own policy forbids it. The pictures, the
findings and the first rows need no JavaScript. The page is a template that escapes
everything but the pictures, the style, the script and the data, which are made here
from escaped text.
"""

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import groupby, islice
from typing import Any, TextIO

import jinja2

from sfnwatch import __version__
from sfnwatch.analysis.evidence import brief_evidence
from sfnwatch.analysis.findings import find
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.export.html.row_refs import RowRefs
from sfnwatch.export.html.rows import report_rows
from sfnwatch.export.html.table_data import table_data
from sfnwatch.export.svg.graph import GraphPicture
from sfnwatch.export.svg.lanes import LanesPicture
from sfnwatch.export.svg.picture import notes, title_words
from sfnwatch.export.svg.styles import stylesheet
from sfnwatch.export.svg.timeline import TimelinePicture
from sfnwatch.model import texts, times
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.templates import read_template
from sfnwatch.view.execution_labels import execution_labels
from sfnwatch.view.parts import status_glyph

STATIC = 100
"""The number of rows that are shown without JavaScript."""
GRAPHS = 6
"""The most executions whose graphs are drawn."""


def dump(snapshot: Snapshot, out: TextIO) -> None:
    """Print the report; equal traces give equal texts, in ASCII."""
    text = _page().render(_content(snapshot))
    out.write(text.encode("ascii", "xmlcharrefreplace").decode("ascii"))


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_template),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        duration=times.duration,
        evidence=lambda evidence: brief_evidence([evidence]),
        glyph=status_glyph,
        cleaned=_cleaned,
    )
    return environment.get_template("report.html.j2")


def _cleaned(value: datetime | str | None) -> str:
    """Return a time or a text of AWS's as it is shown; nothing for None."""
    if isinstance(value, datetime):
        value = times.iso(value)
    return texts.clean(value or "")


def _content(snapshot: Snapshot) -> dict[str, Any]:
    report = Report(snapshot, find(snapshot))
    refs = RowRefs(snapshot)
    lanes = LanesPicture(snapshot, refs.of_key)
    rows = list(report_rows(snapshot, refs))
    style = stylesheet("picture.css") + stylesheet("report.css")
    script = _script("report.js")
    blocks = []
    for kind, group in groupby(explain(report), type):
        blocks.append((kind.__name__, list(group)))
    return {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "title": title_words(snapshot),
        "lead": report.headline,
        "executions": report.executions,
        "labels": execution_labels(snapshot.roots),
        "timeline": TimelinePicture(snapshot, refs.of_key).svg("Timeline"),
        "lanes": lanes.svg("Lanes"),
        "graphs": list(_graphs(snapshot, refs)),
        "more_graphs": max(0, len(snapshot.roots) - GRAPHS),
        "blocks": blocks,
        "ref_of": refs.of_evidence,
        "drawn": lanes.drawn,
        "rows": rows[:STATIC],
        "more": len(rows[STATIC:]),
        "version": __version__,
        "notes": list(notes(snapshot)),
        "data": table_data(snapshot, rows),
    }


def _graphs(snapshot: Snapshot, refs: RowRefs) -> Iterator[tuple[str, str]]:
    """Yield the graphs of the first executions."""
    labels = execution_labels(snapshot.roots)
    first_executions = islice(snapshot.roots.values(), GRAPHS)
    for number, execution in enumerate(first_executions):
        picture = GraphPicture(snapshot, execution, refs.of_key, f"g{number}")
        label = labels[execution.arn]
        yield label, picture.svg(f"State machine {label}".rstrip())


def _script(name: str) -> str:
    """Return one of our scripts without indents and empty lines."""
    lines = map(str.strip, read_template(name).splitlines())
    return "\n".join(filter(None, lines))


def _policy(style: str, script: str) -> str:
    """Return the page's policy: it runs only our own style and script."""
    rules = (
        "default-src 'none'",
        f"style-src {_digest(style)}",
        f"script-src {_digest(script)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
