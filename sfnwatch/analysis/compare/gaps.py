"""Findings on what could not be compared, and why."""

from collections.abc import Iterator

from sfnwatch.analysis.compare.compared_execution import ComparedExecution
from sfnwatch.analysis.compare.comparison import (
    Comparison,
)
from sfnwatch.analysis.finding import (
    Finding,
    finding,
)
from sfnwatch.analysis.quantities import plural, spoken
from sfnwatch.model.linking.link import LinkRule


def find_gaps(comparison: Comparison) -> Iterator[Finding]:
    """Yield what could not be compared, or only with care; the most important first.

    The data has the side that lacks something, `a` or `b` (None: both), and a count.
    """
    sides = a, b = comparison.sides
    if a.case.snapshot is b.case.snapshot and a.execution.arn == b.execution.arn:
        yield _gap("same-execution", "A and B are the same execution.")
    elif a.execution.state_machine_arn != b.execution.state_machine_arn:
        text = "They ran different state machines; visits are matched by state name."
        yield _gap("other-machine", text)
    for side in sides:
        yield from _gaps_of_history(side)
    if lacking := [side for side in sides if side.lacks_calls]:
        text = "No API call is matched to {}, so calls and polling are not compared."
        yield _gap("no-calls", text, *lacking)
    for side in sides:
        yield from _gaps_of_calls(side)
    if lacking := [side for side in sides if side.execution.defined is None]:
        text = "The definition of {} is not known, so definitions are not compared."
        yield _gap("no-definition", text, *lacking)


def _gap(kind: str, text: str, *sides: ComparedExecution, count: int = 0) -> Finding:
    """Return a finding on a gap; `{}` in the text stands for the sides it is about."""
    who = " or ".join(side.letter for side in sides)
    letter = who.lower() if len(sides) == 1 else None
    return finding(kind, text.format(who), side=letter, count=count)


def _gaps_of_history(side: ComparedExecution) -> Iterator[Finding]:
    events = side.execution.events
    if not events:
        text = "The history of {} is not known, so its states can't be compared."
        yield _gap("no-history", text, side)
        return
    # AWS numbers events from 1 without a gap.
    missing = events[-1].id - len(events)
    if missing > 0:
        text = f"The history of {{}} lacks {plural(missing, 'event')}, so parts of it"
        text += " may be missing here."
        yield _gap("partial-history", text, side, count=missing)
    if side.execution.running:
        text = "{} is still running, so it is compared as far as it has come."
        yield _gap("running", text, side)


def _gaps_of_calls(side: ComparedExecution) -> Iterator[Finding]:
    """Yield findings on calls that may be missing, or may be another's.

    How far calls are complete is measured while watching; of files it is not known.
    """
    who = side.letter
    snapshot = side.case.snapshot
    stopped = side.execution.stopped_at
    complete = side.case.trace_analysis.coverage.measured
    expected = side.expects_calls and side.calls.sure
    if stopped and complete and complete < stopped and expected:
        late = (stopped - complete).total_seconds()
        until = f"only up to {spoken(late)} before the end of {who} (estimate)"
        text = f"CloudTrail was complete {until}: later calls may be missing."
        yield _gap("late-calls", text, side, count=round(late))
    links = filter(None, map(snapshot.link, snapshot.calls))
    tied = (link.candidates for link in links if link.rule is LinkRule.AMBIGUOUS)
    # Calls that fit several attempts, at least one of them the side's own.
    count = sum(any(side.execution.arn == arn for arn, _ in each) for each in tied)
    if count:
        text = f"{plural(count, 'call')} that may belong to {who}"
        text += f" {'is' if count == 1 else 'are'} ambiguous, and not counted."
        yield _gap("shared-calls", text, side, count=count)
