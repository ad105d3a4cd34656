"""That an execution which had ended was taken up again, and what became of it."""

from collections.abc import Iterator, Sequence

from sfnwatch.trace.finding import Certainty, Finding, evidence
from sfnwatch.trace.finding_case import Case
from sfnwatch.trace.finding_words import named, plural, some, spoken, times
from sfnwatch.trace.redrives import Redrive
from sfnwatch.trace.timeline import Timeline
from sfnwatch.trace.visits import StateVisit


def stopped_seconds(timeline: Timeline) -> float:
    """Sum up how long an execution had been over before it was taken up again."""
    return sum(max(0.0, redrive.seconds or 0.0) for redrive in timeline.redrives)


def redriven(case: Case) -> Iterator[Finding]:
    """Tell of its redrives, and which states they went on with."""
    timeline = case.timeline
    redrives = timeline.redrives
    if not redrives:
        return
    again = [visit for visit in timeline.visits if visit.pauses]
    stopped = stopped_seconds(timeline)
    yield Finding(
        kind="redriven",
        certainty=Certainty.FACT,
        text=f"{_times(redrives)}{_again(again)}.",
        evidence=evidence(_evidence(timeline, redrives)),
        data={
            "redrives": len(redrives),
            "count": redrives[-1].number,
            "seconds": round(stopped, 3),
            "status": timeline.status,
            "visits": [visit.id for visit in again],
        },
    )


def _times(redrives: Sequence[Redrive]) -> str:
    told = [redrive for redrive in redrives if redrive.seconds is not None]
    often = f"The execution was redriven {times(len(redrives))}"
    if not told:
        return often
    if len(redrives) == 1:
        last = told[0]
        return f"{often}, {spoken(last.seconds or 0.0)} after it {last.ended_words}"
    gaps = [redrive.seconds or 0.0 for redrive in told]
    return f"{often}; it had been over for {spoken(sum(gaps))} in all"


def _again(visits: Sequence[StateVisit]) -> str:
    """Say what was gone on with: what is inside a Map or Parallel, not that itself."""
    around = {visit.parent for visit in visits}
    inner = [visit for visit in visits if visit.id not in around]
    if not inner:
        return ""
    if len(inner) == 1:
        return f": it went on with {named(inner[0].name)}"
    names = list(dict.fromkeys(named(visit.name) for visit in inner))
    return f": it went on with {plural(len(inner), 'visit')} of {some(names)}"


def _evidence(timeline: Timeline, redrives: Sequence[Redrive]) -> Iterator[str]:
    for redrive in redrives:
        if redrive.ended is not None:
            yield f"#{redrive.ended.id}"
        yield f"#{redrive.event.id}"
    if timeline.ending is not None:
        yield f"#{timeline.ending.id}"
