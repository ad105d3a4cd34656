"""A trace as a report: one file that a browser opens, that can be searched and mailed.

Nothing is loaded from anywhere, and the page's own policy forbids it. Without
JavaScript the verdicts, findings, pictures and the first rows are there all the same.
"""

import base64
import hashlib
from importlib.resources import files
from typing import TextIO

from sfnwatch import __version__
from sfnwatch.export.html_data import table_json
from sfnwatch.export.html_parts import (
    findings_list,
    states_tables,
    static_rows,
    verdicts,
)
from sfnwatch.export.html_refs import refs_of
from sfnwatch.export.svg import ascii_markup
from sfnwatch.export.svg_draw import safe
from sfnwatch.export.svg_gantt import gantt_svg
from sfnwatch.export.svg_lanes import lanes_svg
from sfnwatch.export.svg_rows import lines_of
from sfnwatch.export.svg_style import RULES, variables
from sfnwatch.export.svg_words import counted, title_words
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Trace


def dump(trace: Trace, out: TextIO) -> None:
    """Print the report; equal traces give equal texts, in ASCII."""
    out.write(ascii_markup(page(trace)))


def page(trace: Trace) -> str:
    """Make the whole page."""
    style, script = _style(), _asset("report.js")
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<link rel="icon" href="data:,">\n<title>{safe(title_words(trace))}'
        f" · sfnwatch</title>\n<style>{style}</style>\n</head>\n"
        f"{_body(trace)}<script>{script}</script>\n</body>\n</html>\n"
    )


def _body(trace: Trace) -> str:
    refs, told = refs_of(trace), report(trace)
    lanes = build_lanes(trace, nested=False)
    rows = build_lanes(trace, joined=False).rows
    drawn = frozenset(
        refs.of_row(row) for line in lines_of(lanes.rows).lines for row in line.rows
    )
    picture = lanes_svg(
        trace,
        lanes=lanes,
        key=lambda row: f"l-{refs.of_row(row)}",
        titled=False,
    )
    bars = gantt_svg(
        trace,
        key=lambda arn, event: f"g-{refs.of_event(arn, event)}",
        titled=False,
    )
    several = len(trace.timelines) > 1
    sections = (
        ("findings", "What it shows", findings_list(told, refs, drawn)),
        (
            "time",
            "Where the time went",
            _picture(bars, "Timeline") if trace.timelines else "",
        ),
        (
            "lanes",
            "States and API calls",
            _picture(picture, "Lanes", broad=several) if rows else "",
        ),
        ("states", "State by state", states_tables(told)),
        ("events", "Every event and call", static_rows(rows) if rows else ""),
    )
    parts = [each for each in sections if each[2]]
    links = "".join(f'<a href="#{key}">{name}</a>' for key, name, _ in parts)
    shown = "".join(
        f'<section id="{key}"><h2>{name}</h2>{content}</section>'
        for key, name, content in parts
    )
    return (
        '<body>\n<a class="skip" href="#findings">Skip to what it shows</a>'
        f'<header><p class="brand">sfnwatch</p><h1>{safe(title_words(trace))}</h1>'
        f"{verdicts(told)}</header><nav>{links}</nav><main>{shown}</main>"
        f"<footer>{_footer(counted(lanes))}</footer>\n"
        f'<script type="application/json" id="data">{table_json(trace, rows, refs)}'
        "</script>\n"
    )


def _picture(svg: str, name: str, *, broad: bool = False) -> str:
    """Frame a picture; a broad one is made smaller, until it can't be read well."""
    css = "picture broad" if broad else "picture"
    # What scrolls must be reachable by keyboard.
    return (
        f'<div class="{css}" tabindex="0" role="region" aria-label="{name}">{svg}</div>'
    )


def _footer(hidden: str) -> str:
    more = f" {safe(hidden)}." if hidden else ""
    return (
        f"<p>Made by sfnwatch {safe(__version__)} from recorded events and CloudTrail"
        f" records. Times are UTC; those of calls have whole seconds.{more}</p>"
    )


def _style() -> str:
    day, night = variables(0), variables(1)
    return (
        f":root{{color-scheme:light dark;{day}}}"
        f"@media (prefers-color-scheme:dark){{:root{{{night}}}}}"
        f":root[data-theme=light]{{color-scheme:light;{day}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{night}}}"
        f"@media print{{:root{{color-scheme:light;{day}}}}}"
        f"{RULES}{_asset('report.css')}"
    )


def _asset(name: str) -> str:
    text = files("sfnwatch.export").joinpath(name).read_text(encoding="ascii")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
