"""How an execution ended, in one line: its status, how long, and why it failed."""

from datetime import datetime

from msgspec import Struct

from sfnwatch.trace.finding_case import known_to
from sfnwatch.trace.finding_words import named, spoken
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import TERMINAL, Timeline, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import cause_words

_REASON = 200
_BAD = frozenset({"failed", "timed_out"})


class Verdict(Struct, frozen=True):
    """What became of an execution; `text` is the line for people."""

    text: str
    status: str
    """AWS's word: RUNNING, SUCCEEDED, FAILED, …"""
    seconds: float | None
    """How long it took, or has taken so far."""
    visit: int | None = None
    """The visit that failed, or that is under way."""
    path: str | None = None
    """That visit's path, as AWS's names have it."""
    error: str | None = None
    cause: str | None = None
    redrives: int = 0
    """How often it was taken up again after it had ended."""


def judge(trace: Trace, timeline: Timeline, now: datetime | None = None) -> Verdict:
    """Say how an execution stands, and which state decided that.

    `now` is the screen's, for what still runs.
    """
    visit = _decisive(timeline)
    begun, known = timeline.started_at, known_to(trace, timeline, now)
    seconds = (known - begun).total_seconds() if begun and known else None
    error, cause = _reason(timeline, visit)
    return Verdict(
        text=_text(timeline, seconds, visit, error, cause),
        status=timeline.status,
        seconds=None if seconds is None else round(seconds, 3),
        visit=visit.id if visit else None,
        path=visit.path if visit else None,
        error=error,
        cause=cause,
        redrives=len(timeline.redrives),
    )


def _text(
    timeline: Timeline,
    seconds: float | None,
    visit: StateVisit | None,
    error: str | None,
    cause: str | None,
) -> str:
    status = clean(timeline.status)
    before, more = _legs_before(timeline), ""
    if timeline.redrives and timeline.started_at and seconds is not None:
        # The last leg counts from the redrive: in between nothing ran.
        since = timeline.redrives[-1].at - timeline.started_at
        seconds, more = max(0.0, seconds - since.total_seconds()), " more"
    if timeline.running:
        lasted = f" for {spoken(seconds)}{more} so far" if seconds is not None else ""
        where = f", in {named(visit.name)}" if visit else ""
        return f"{before}{status}{lasted}{where}."
    after = f" after {spoken(seconds)}{more}" if seconds is not None else ""
    where = f" in {named(visit.name)}" if visit else ""
    why = ": ".join(
        clean(part, _REASON) for part in (error, cause and cause_words(cause)) if part
    )
    said = f"{before}{status}{after}{where}{f': {why}' if why else ''}"
    return said.rstrip(".") + "."


def _legs_before(timeline: Timeline) -> str:
    """Say how it had ended before each redrive: `FAILED after 3 s, redriven …, `."""
    told, begun = "", timeline.started_at
    for redrive in timeline.redrives:
        ended = redrive.ended
        if ended is not None:
            length = (ended.timestamp - begun).total_seconds() if begun else None
            more = " more" if told else ""
            after = f" after {spoken(length)}{more}" if length is not None else ""
            told += f"{TERMINAL[ended.type]}{after}, "
        gap = redrive.seconds
        told += f"redriven{'' if gap is None else f' {spoken(gap)} later'}, "
        begun = redrive.at
    return told


def _decisive(timeline: Timeline) -> StateVisit | None:
    """Find the state that failed, innermost and last; of a running one the newest."""
    visits = list(timeline.visits)
    if timeline.running:
        open_ = [visit for visit in visits if visit.ended_at is None]
        return max(open_, key=lambda visit: visit.id, default=None)
    if timeline.ending is None or timeline.status == "SUCCEEDED":
        return None
    bad = [visit for visit in visits if visit.status in _BAD]
    around = {visit.parent for visit in bad}
    inner = [visit for visit in bad if visit.id not in around]
    return max(inner, key=lambda v: (v.ended_at or v.entered_at, v.id), default=None)


def _reason(
    timeline: Timeline, visit: StateVisit | None
) -> tuple[str | None, str | None]:
    """Take error and cause from the ending, or from the state that failed."""
    ending = timeline.ending
    error = ending.detail("error") if ending else None
    cause = ending.detail("cause") if ending else None
    tried = visit.attempts[-1] if visit and visit.attempts else None
    if timeline.running or timeline.status == "SUCCEEDED":
        return None, None
    if tried is not None:
        error, cause = error or tried.error, cause or tried.cause
    if visit is not None:
        error, cause = error or visit.error, cause or visit.cause
    return error, cause
