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
from itertools import groupby
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
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.wording import execution_labels

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
        told=_told,
    )
    return environment.get_template("report.html.j2")


def _told(value: datetime | str | None) -> str:
    text = times.iso(value) if isinstance(value, datetime) else value or ""
    return texts.clean(text)


def _content(snapshot: Snapshot) -> dict[str, Any]:
    explained = Report(snapshot, find(snapshot))
    refs = RowRefs(snapshot)
    lanes = LanesPicture(snapshot, refs.of_key)
    rows = list(report_rows(snapshot, refs))
    style = stylesheet("picture.css") + stylesheet("report.css")
    script = _packed("report.js")
    blocks = groupby(explain(explained), type)
    return {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "title": title_words(snapshot),
        "lead": explained.headline,
        "executions": explained.executions,
        "labels": execution_labels(snapshot.roots),
        "timeline": TimelinePicture(snapshot, refs.of_key).svg("Timeline"),
        "lanes": lanes.svg("Lanes"),
        "graphs": list(_graphs(snapshot, refs)),
        "more_graphs": max(0, len(snapshot.roots) - GRAPHS),
        "blocks": [(kind.__name__, [*same]) for kind, same in blocks],
        "ref_of": refs.of_evidence,
        "drawn": lanes.drawn,
        "rows": rows[:STATIC],
        "more": len(rows[STATIC:]),
        "version": __version__,
        "notes": list(notes(snapshot)),
        "data": table_data(snapshot, rows),
    }


def _graphs(snapshot: Snapshot, refs: "RowRefs") -> Iterator[tuple[str, str]]:
    """Yield the graphs of the first executions."""
    labels = execution_labels(snapshot.roots)
    for number, execution in enumerate(list(snapshot.roots.values())[:GRAPHS]):
        picture = GraphPicture(snapshot, execution, refs.of_key, f"g{number}")
        label = labels[execution.arn]
        yield label, picture.svg(f"State machine {label}".rstrip())


def _packed(name: str) -> str:
    lines = (line.strip() for line in read_template(name).splitlines())
    return "\n".join(line for line in lines if line)


def _policy(style: str, script: str) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in (style, script))
    ours = [f"'sha256-{base64.b64encode(each).decode()}'" for each in digests]
    return (
        f"default-src 'none'; style-src {ours[0]}; script-src {ours[1]};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
