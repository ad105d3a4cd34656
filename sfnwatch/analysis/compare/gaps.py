"""Findings on what could not be compared, and why."""

from collections.abc import Iterator

from sfnwatch.analysis.compare.compared_execution import (
    ComparedExecution,
    ExecutionPair,
)
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.quantities import agreeing, plural, spoken
from sfnwatch.model.linking.link import LinkRule

_TEXTS = {
    "same-execution": "A and B are the same execution.",
    "other-machine": "They ran different state machines;"
    " visits are matched by state name.",
    "no-history": "The history of {side} is not known,"
    " so its states can't be compared.",
    "partial-history": "The history of {side} lacks {events},"
    " so parts of it may be missing here.",
    "running": "{side} is still running, so it is compared as far as it has come.",
    "no-calls": "No API call is matched to {side},"
    " so calls and polling are not compared.",
    "late-calls": "CloudTrail was complete only up to {seconds} before the end of"
    " {side} (estimate): later calls may be missing.",
    "shared-calls": "{calls} that may belong to {side} {are} ambiguous,"
    " and not counted.",
    "no-definition": "The definition of {side} is not known,"
    " so definitions are not compared.",
}
"""The texts by the kind of the finding."""


def find_gaps(sides: ExecutionPair) -> Iterator[Finding]:
    """Yield what could not be compared, or only with care; the most important first.

    The data has the side that lacks something, `a` or `b` (None: both), and a count.
    """
    a, b = sides
    is_same_trace = a.analysis.snapshot is b.analysis.snapshot
    if is_same_trace and a.execution.arn == b.execution.arn:
        yield _gap("same-execution")
    elif a.execution.state_machine_arn != b.execution.state_machine_arn:
        yield _gap("other-machine")
    for side in sides:
        yield from _gaps_of_history(side)
    without_calls = [side for side in sides if side.lacks_calls]
    if without_calls:
        yield _gap("no-calls", *without_calls)
    for side in sides:
        yield from _late_calls(side)
        yield from _shared_calls(side)
    undefined = [side for side in sides if side.execution.defined is None]
    if undefined:
        yield _gap("no-definition", *undefined)


def _gap(kind: str, *sides: ComparedExecution, count: int = 0, **words: str) -> Finding:
    """Return a finding on a gap; `words` are the fields of its text but the sides."""
    names = " or ".join(side.letter for side in sides)
    text = _TEXTS[kind].format(side=names, **words)
    letter = names.lower() if len(sides) == 1 else None
    return finding(kind, text, side=letter, count=count)


def _gaps_of_history(side: ComparedExecution) -> Iterator[Finding]:
    events = side.execution.events
    if not events:
        yield _gap("no-history", side)
        return
    # AWS numbers events from 1 without a gap.
    missing = events[-1].id - len(events)
    if missing > 0:
        words = plural(missing, "event")
        yield _gap("partial-history", side, count=missing, events=words)
    if side.execution.running:
        yield _gap("running", side)


def _late_calls(side: ComparedExecution) -> Iterator[Finding]:
    """Yield a finding if CloudTrail was not complete up to the end.

    How far calls are complete is measured while watching; of files it is not known.
    """
    stopped = side.execution.stopped_at
    complete = side.analysis.trace_analysis.coverage.measured
    if not stopped or not complete or complete >= stopped:
        return
    if side.expects_calls and side.calls.sure:
        seconds = (stopped - complete).total_seconds()
        yield _gap("late-calls", side, count=round(seconds), seconds=spoken(seconds))


def _shared_calls(side: ComparedExecution) -> Iterator[Finding]:
    """Yield a finding on calls that may be this side's, or another execution's."""
    snapshot = side.analysis.snapshot
    count = 0
    for call in snapshot.calls:
        link = snapshot.link(call)
        if link is not None and link.rule is LinkRule.AMBIGUOUS:
            count += any(side.execution.arn == arn for arn, _ in link.candidates)
    if count:
        are = agreeing(count, "is", "are")
        yield _gap(
            "shared-calls", side, count=count, calls=plural(count, "call"), are=are
        )
