"""What the running executions wait for, with the time that is left."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken
from sfnwatch.model.times import maybe_time
from sfnwatch.model.visits import ROOT
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.parts import Part, Role

_GRACE = timedelta(seconds=10)
"""A history is some seconds behind; what is due for longer is not counted down."""


class _Awaited(NamedTuple):
    """An awaited time, and what comes then."""

    at: datetime
    finding: Finding


def awaited_parts(screen_state: ScreenState) -> tuple[Part, ...]:
    """Return what comes first; no parts if no time is known, or if nothing runs.

    It is made from the findings on what is awaited, so that they always agree.
    """
    if not screen_state.snapshot.running:
        return ()
    overdue = screen_state.now - _GRACE
    awaited = [each for each in _awaited(screen_state.findings) if each.at > overdue]
    if not awaited:
        return ()
    awaited.sort(key=lambda each: each.at)
    at, finding = awaited[0]
    data = finding.data
    state = named(data["path"].removeprefix(f"{ROOT} / "))
    seconds = (at - screen_state.now).total_seconds()
    preposition = "within" if data.get("is_bound") else "in"
    # Whole seconds: the words change once a second.
    when = f"{preposition} {spoken(round(seconds))}" if seconds >= 1 else "now"
    if finding.kind == "wait-ends":
        words = f": the Wait ends {when}"
    else:
        count = f"attempt {data['attempt']} of at most {data['at_most']}"
        words = f": {count} of this retrier, next {when}"
    chip = screen_state.chips().get(finding.execution_arn or "")
    name = f"{chip.text.strip()}: " if chip is not None else ""
    return Part(name, Role.DIM), Part(state, Role.NAME), Part(words)


def _awaited(findings: Sequence[Finding]) -> Iterator[_Awaited]:
    for finding in findings:
        if finding.kind in {"wait-ends", "next-try"}:
            at = maybe_time(finding.data.get("expected_at"))
            if at is not None:
                yield _Awaited(at, finding)
