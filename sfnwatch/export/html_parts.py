"""The parts of a report that need no script: verdicts, findings, tables.

Every string that comes from a trace goes through `safe`, or is made of what did.
"""

from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.export.html_data import kind_words, path_words
from sfnwatch.export.html_refs import Refs
from sfnwatch.export.report_words import (
    IN_SHORT,
    head,
    left_out_words,
    state_columns,
    trace_facts,
)
from sfnwatch.export.svg_draw import safe
from sfnwatch.export.svg_rows import failed
from sfnwatch.export.svg_words import status_glyph
from sfnwatch.trace.arns import last_segment
from sfnwatch.trace.finding import task_evidence
from sfnwatch.trace.findings import Certainty, Finding
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.report import ExecutionReport, Report
from sfnwatch.trace.task_states import TASK_KEY
from sfnwatch.trace.text import duration
from sfnwatch.trace.times import iso
from sfnwatch.trace.words import plain, row_pieces

STATIC = 100
"""So many rows are there for those without JavaScript."""
_SHOWN = 8
"""Of one finding's evidence; the rest is behind a word that opens it."""
_ID = 10
_BACKGROUND = {"pattern", "calls", "unseen", "lag"}
"""What one has to know, but did not come for: it stands last."""
_TONES = {
    "SUCCEEDED": "good",
    "FAILED": "bad",
    "TIMED_OUT": "bad",
    "ABORTED": "warn",
    "RUNNING": "busy",
    "PENDING_REDRIVE": "busy",
}


def verdicts(report: Report) -> str:
    """Give each execution its card: how it ended, and its facts."""
    named = len(report.executions) > 1
    cards = "".join(_card(each, named=named) for each in report.executions)
    several = " several" if named else ""
    facts = "".join(f"<li>{safe(fact)}</li>" for fact in trace_facts(report))
    seen = f'<ul class="seen">{facts}</ul>' if facts else ""
    return f'<div class="cards{several}">{cards}</div>{seen}'


def _card(execution: ExecutionReport, *, named: bool) -> str:
    """Draw a card; a single execution's name is the title of the page already."""
    verdict = execution.verdict
    tone = _TONES.get(verdict.status, "dim")
    word = safe(verdict.status.replace("_", " ").capitalize())
    took = "" if verdict.seconds is None else _took(verdict.seconds, verdict.status)
    name = f"<h2>{safe(head(execution))}</h2>" if named else ""
    why = ""
    told = verdict.error or verdict.cause or verdict.redrives
    if told or verdict.status == "RUNNING":
        why = f'<p class="why">{safe(verdict.text)}</p>'
    return (
        f'<article class="card {tone}"><p class="status"><span class="glyph"'
        f' aria-hidden="true">{status_glyph(verdict.status)}</span>'
        f"<b>{word}</b>{took}</p>{name}{why}"
        f"<dl>{''.join(_facts(execution))}</dl></article>"
    )


def _took(seconds: float, status: str) -> str:
    word = "so far" if status == "RUNNING" else ""
    return f' <span class="took">{duration(seconds)} {word}</span>'


def _facts(execution: ExecutionReport) -> Iterator[str]:
    facts = {
        "Started": execution.started_at and iso(execution.started_at),
        "Stopped": execution.stopped_at and iso(execution.stopped_at),
        "Events": str(execution.event_count),
        "Execution": execution.execution_arn,
        "Role": execution.role_arn,
    }
    for name, value in facts.items():
        if value:
            css = ' class="arn"' if value.startswith("arn:") else ""
            yield f"<div><dt>{name}</dt><dd{css}>{safe(value)}</dd></div>"


# -- findings --------------------------------------------------------------------


def findings_list(report: Report, refs: Refs, drawn: frozenset[str]) -> str:
    """List what was found, by execution where there are several.

    `drawn` holds the references of the rows that are in the picture of the lanes.
    """
    groups = [(head(each), each.execution_arn) for each in report.executions]
    told: list[tuple[str, str | None, Sequence[Finding]]] = [
        (IN_SHORT, None, report.conclusions),
        *((name, arn, report.findings_of(arn)) for name, arn in groups),
        ("All of it together", None, report.findings_of(None)),
    ]
    parts = []
    for name, arn, found in told:
        if not found:
            continue
        title = f"<h3>{safe(name)}</h3>" if len(groups) > 1 or arn is None else ""
        items = "".join(
            _finding(each, refs, drawn)
            for each in sorted(found, key=lambda each: each.kind in _BACKGROUND)
        )
        parts.append(f'{title}<ul class="findings">{items}</ul>')
    return "".join(parts) or "<p>Nothing can be said of these records.</p>"


def _finding(finding: Finding, refs: Refs, drawn: frozenset[str]) -> str:
    fact = finding.certainty is Certainty.FACT
    mark, css = ("=", "fact") if fact else ("~", "guess")
    chips = [
        _chip(evidence, refs.of_evidence(evidence, finding.execution_arn), drawn)
        for evidence in finding.evidence
    ]
    return (
        f'<li class="{css}"><span class="sure" title="{safe(str(finding.certainty))}">'
        f"{mark} {safe(str(finding.certainty))}</span>"
        f'<div><p>{safe(finding.text)}</p><p class="proof">'
        f'<span class="kind">{safe(finding.kind.replace("-", " "))}</span>'
        f"{_chips(chips)}</p></div></li>"
    )


def _chips(chips: Sequence[str]) -> str:
    rest = len(chips) - _SHOWN
    if rest <= 1:
        return "".join(chips)
    more = f"<details><summary>{rest} more</summary>{''.join(chips[_SHOWN:])}</details>"
    return f"{''.join(chips[:_SHOWN])}{more}"


def _chip(evidence: str, ref: str | None, drawn: frozenset[str]) -> str:
    """Lead to a row: with a script to the table's, without to the picture's."""
    told = safe(_evidence_words(evidence))
    if ref is None:
        return f'<span class="chip">{told}</span>'
    where = f"l-{ref}" if ref in drawn else "events"
    return f'<a class="chip" href="#{where}" data-ref="{ref}">{told}</a>'


def _evidence_words(evidence: str) -> str:
    if evidence.startswith("#"):
        return evidence
    if evidence.startswith(TASK_KEY):
        return task_evidence(evidence)
    name = last_segment(evidence).removeprefix("row-")
    return f"call {name if len(name) <= _ID + 2 else f'{name[:_ID]}…'}"


# -- tables ----------------------------------------------------------------------


def states_tables(report: Report) -> str:
    """Give each execution the table of its states."""
    parts = []
    for execution in report.executions:
        if not execution.states:
            continue
        columns = [c for c in state_columns(execution) if any(c.cells)]
        heads = "".join(f"<th{_side(c.right)}>{c.head}</th>" for c in columns)
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td{_side(c.right)}>{safe(c.cells[place])}</td>" for c in columns
            )
            + "</tr>"
            for place in range(len(execution.states))
        )
        title = (
            f"<h3>{safe(head(execution))}</h3>" if len(report.executions) > 1 else ""
        )
        rest = f"<p>{left_out_words(execution)}</p>" if execution.left_out else ""
        parts.append(
            f'{title}<div class="wide"><table><thead><tr>{heads}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>{rest}"
        )
    return "".join(parts)


def _side(right: bool) -> str:  # noqa: FBT001 - a column's own word
    return ' class="num"' if right else ""


def static_rows(rows: Sequence[Row]) -> str:
    """Give the first rows as a table: the script takes its place."""
    shown = rows[:STATIC]
    rest = len(rows) - len(shown)
    note = (
        f"<p>{rest} more rows are in this file: they need JavaScript to be shown.</p>"
        if rest
        else ""
    )
    return (
        '<div id="static" class="wide"><table><thead><tr><th>Time (UTC)</th>'
        "<th>Kind</th><th>What</th><th>State</th></tr></thead><tbody>"
        f"{''.join(_static_row(row) for row in shown)}</tbody></table>{note}</div>"
    )


def _static_row(row: Row) -> str:
    size = 8 if row.call is not None else 12
    cells: Iterable[str] = (
        f"{row.at:%H:%M:%S.%f}"[:size],
        safe(kind_words(row)),
        safe(plain(row_pieces(row))),
        safe(path_words(row)),
    )
    css = ' class="bad"' if failed(row) else ""
    return f"<tr{css}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
