"""A report as GitHub-flavoured Markdown: for an issue, a pull request, a wiki.

Every name is escaped: none may break the table, make a link or call a person.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from sfnwatch.export.report_words import (
    IN_SHORT,
    calls_words,
    head,
    span_words,
    state_columns,
    table_notes,
    trace_facts,
    whole_words,
)
from sfnwatch.trace.findings import Finding, brief_evidence
from sfnwatch.trace.report import ExecutionReport, Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!^=])")
_LINK = re.compile(r"(://|\bwww\.)", re.IGNORECASE)
_BREAK = "<!-- -->"
_OPENING = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")


def write_markdown(report: Report, out: TextIO) -> None:
    """Print a report as Markdown; equal reports give equal texts."""
    out.writelines(f"{line.rstrip()}\n" for line in _lines(report))


def escaped(text: str) -> str:
    """Escape a text within a line, so that it reads as it is, in a table too."""
    told = _SPECIAL.sub(r"\\\1", text)
    told = _LINK.sub(lambda found: f"{found[0][0]}{_BREAK}{found[0][1:]}", told)
    return told.replace("@", f"@{_BREAK}")


def _line(text: str) -> str:
    """Escape a text that a line or an item begins with."""
    return _OPENING.sub(_held, escaped(text))


def _held(opening: re.Match[str]) -> str:
    """Keep what begins a line from beginning a list: `1.`, `-`."""
    blanks, mark = opening[1], opening[2]
    return f"{blanks}{_BREAK}{mark}" if mark.isdigit() else f"{blanks}\\{mark}"


def _lines(report: Report) -> Iterator[str]:
    if report.conclusions:
        yield f"## {IN_SHORT}"
        yield ""
        yield from _findings(report.conclusions)
        yield ""
    for execution in report.executions:
        yield from _execution(report, execution)
        yield ""
    yield f"## {whole_words(report)}"
    yield ""
    for fact in trace_facts(report):
        yield f"- {_line(fact)}"
    yield from _findings(report.findings_of(None))


def _execution(report: Report, execution: ExecutionReport) -> Iterator[str]:
    yield f"## {_line(head(execution))}"
    yield ""
    yield f"**{escaped(execution.verdict.text)}**"
    yield ""
    yield _line(span_words(execution))
    if execution.states:
        yield ""
        yield from _table(execution)
    for note in table_notes(execution):
        yield ""
        yield _line(note)
    calls = list(calls_words(execution))
    if calls:
        yield ""
        yield "### Calls"
        yield ""
        for line in calls:
            yield f"- {_line(line)}"
    findings = report.findings_of(execution.execution_arn)
    if findings:
        yield ""
        yield "### Findings"
        yield ""
        yield from _findings(findings)


def _table(execution: ExecutionReport) -> Iterator[str]:
    columns = [c for c in state_columns(execution) if any(c.cells) or c.rank == 0]
    yield f"| {' | '.join(escaped(column.head) for column in columns)} |"
    yield f"| {' | '.join('---:' if c.right else '---' for c in columns)} |"
    for row in zip(*(column.cells for column in columns), strict=True):
        yield f"| {' | '.join(map(escaped, row))} |"


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        evidence = brief_evidence(finding)
        tail = escaped(f" [{evidence}]") if evidence else ""
        yield f"- *{finding.certainty}*: {escaped(finding.text)}{tail}"
