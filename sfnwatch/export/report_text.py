"""A report as plain text: for a terminal, a mail, a screen reader; no colour needed."""

from collections.abc import Iterable, Iterator
from typing import TextIO

from sfnwatch.export.report_layout import table, wrapped
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

_LEAST = 40
_CERTAINTY = 11
"""`inference` and two blanks."""


def write_text(report: Report, out: TextIO, width: int = 80) -> None:
    """Print a report for a terminal of `width` columns; equal ones are equal texts."""
    out.writelines(f"{line.rstrip()}\n" for line in _lines(report, max(width, _LEAST)))


def _lines(report: Report, width: int) -> Iterator[str]:
    if report.conclusions:
        yield IN_SHORT
        yield from _findings(report.conclusions, width)
        yield ""
    for execution in report.executions:
        yield from _execution(report, execution, width)
        yield ""
    yield whole_words(report)
    facts, findings = list(trace_facts(report)), report.findings_of(None)
    for fact in facts:
        yield from wrapped(fact, width, "  ")
    if facts and findings:
        yield ""
    yield from _findings(findings, width)


def _execution(report: Report, execution: ExecutionReport, width: int) -> Iterator[str]:
    yield from wrapped(head(execution), width, "", "  ")
    yield from wrapped(execution.verdict.text, width, "  ")
    yield from wrapped(span_words(execution), width, "  ")
    if execution.states:
        yield ""
        yield from table(state_columns(execution), width, "  ")
        for note in table_notes(execution):
            yield from wrapped(note, width, "  ")
    calls = list(calls_words(execution))
    if calls:
        yield ""
        yield "  Calls"
        for line in calls:
            yield from wrapped(line, width, "    ", "      ")
    findings = report.findings_of(execution.execution_arn)
    if findings:
        yield ""
        yield "  Findings"
        yield from _findings(findings, width)


def _findings(findings: Iterable[Finding], width: int) -> Iterator[str]:
    hang = " " * (4 + _CERTAINTY)
    for finding in findings:
        evidence = brief_evidence(finding)
        text = f"{finding.text} [{evidence}]" if evidence else finding.text
        yield from wrapped(text, width, f"    {finding.certainty:<{_CERTAINTY}}", hang)
