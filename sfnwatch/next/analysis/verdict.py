"""How an execution ended, in one line; and the one thing about it that tells most."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from sfnwatch.next.analysis.case import Survey
from sfnwatch.next.analysis.failures import FAILED, Caught, caught_errors
from sfnwatch.next.analysis.finding import Finding
from sfnwatch.next.analysis.wording import (
    counted,
    named,
    plural,
    ranked,
    short_names,
    some,
    spoken,
    times,
    why,
)
from sfnwatch.next.model.execution import ExecutionAsOf
from sfnwatch.next.model.history import TERMINAL
from sfnwatch.next.model.json_text import text_of
from sfnwatch.next.model.map_run import UNSUCCESSFUL
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.text import clean
from sfnwatch.next.model.visits import StateVisit

_REASON = 200
_PARTS = 2
"""A headline has room for so many things."""


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


def judge(survey: Survey, execution: ExecutionAsOf) -> Verdict:
    """Say how an execution stands, and which state decided that."""
    visit = _decisive(execution)
    begun, known = execution.started_at, survey.known_to(execution)
    seconds = (known - begun).total_seconds() if begun and known else None
    error, cause = _reason(survey.moment, execution, visit)
    return Verdict(
        text=_text(execution, seconds, visit, why(error, cause, _REASON)),
        status=execution.status,
        seconds=None if seconds is None else round(seconds, 3),
        visit=visit.id if visit else None,
        path=visit.path if visit else None,
        error=error,
        cause=cause,
        redrives=len(execution.redrives),
    )


def _text(
    execution: ExecutionAsOf,
    seconds: float | None,
    visit: StateVisit | None,
    reason: str,
) -> str:
    before, more = _legs_before(execution), ""
    if execution.redrives and execution.started_at and seconds is not None:
        # The last leg counts from the redrive: in between nothing ran.
        since = execution.redrives[-1].event.at - execution.started_at
        seconds, more = max(0.0, seconds - since.total_seconds()), " more"
    status = f"{before}{clean(execution.status)}"
    where = f" in {named(visit.name)}" if visit else ""
    if execution.running:
        lasted = f" for {spoken(seconds)}{more} so far" if seconds is not None else ""
        return f"{status}{lasted}{where and f',{where}'}."
    after = f" after {spoken(seconds)}{more}" if seconds is not None else ""
    said = f"{status}{after}{where}{f': {reason}' if reason else ''}"
    return said.rstrip(".") + "."


def _legs_before(execution: ExecutionAsOf) -> str:
    """Say how it had ended before each redrive: `FAILED after 3 s, redriven …, `."""
    told, begun = "", execution.started_at
    for redrive in execution.redrives:
        ended = redrive.ended
        if ended is not None:
            length = (ended.at - begun).total_seconds() if begun else None
            more = " more" if told else ""
            after = f" after {spoken(length)}{more}" if length is not None else ""
            told += f"{TERMINAL[ended.type]}{after}, "
        gap = redrive.seconds
        told += f"redriven{'' if gap is None else f' {spoken(gap)} later'}, "
        begun = redrive.event.at
    return told


def _decisive(execution: ExecutionAsOf) -> StateVisit | None:
    """Find the state that failed, innermost and last; of a running one the newest."""
    if execution.running:
        running = [visit for visit in execution.visits if visit.running]
        return max(running, key=lambda visit: visit.id, default=None)
    if execution.ending is None or execution.status == "SUCCEEDED":
        return None
    bad = [visit for visit in execution.visits if visit.status in FAILED]
    around = {visit.parent for visit in bad}
    inner = [visit for visit in bad if visit.id not in around]
    return max(inner, key=lambda v: (v.ended_at or v.entered_at, v.id), default=None)


def _reason(
    moment: Moment, execution: ExecutionAsOf, visit: StateVisit | None
) -> tuple[str | None, str | None]:
    """Take error and cause from the ending, or from the state that failed."""
    if execution.running or execution.status == "SUCCEEDED":
        return None, None
    ending = execution.ending
    details = moment.trace.details(ending) if ending is not None else {}
    error, cause = text_of(details.get("error")), text_of(details.get("cause"))
    for told in (*(visit.attempts[-1:] if visit else ()), visit):
        if told is not None:
            error, cause = error or told.error, cause or told.cause
    return error, cause


# -- the headline ----------------------------------------------------------------------


class Headline(Struct, frozen=True):
    """One line on everything: the most telling thing, failures first."""

    status: str
    """AWS's word for one execution; of several how many are in which."""
    seconds: float | None
    """How long it took, or has taken so far; None for several."""
    text: str
    """Such as `5 of 5 polls denied · completion still detected in 1.6 s, by event`."""
    failed: bool = False
    """True where an execution failed, timed out or was aborted."""

    @property
    def line(self) -> str:
        """All of it in words."""
        took = f" {spoken(self.seconds)}" if self.seconds is not None else ""
        return f"{self.status}{took}{f'   {self.text}' if self.text else ''}"


def headline(
    moment: Moment, findings: Sequence[Finding], now: datetime | None = None
) -> Headline:
    """Say the most telling thing of what was found; `findings` are all of `find`."""
    survey = Survey(moment, now)
    roots = list(survey.roots.values())
    failed = any(root.status in UNSUCCESSFUL for root in roots)
    told = [_phrases(survey, root, findings) for root in roots]
    texts = [" · ".join(words for _, words in each[:_PARTS]) for each in told]
    if len(roots) == 1:
        verdict = judge(survey, roots[0])
        return Headline(clean(verdict.status), verdict.seconds, texts[0], failed)
    counts = ranked(root.status.lower().replace("_", " ") for root in roots)
    status = counted(counts, len(counts)) or "no execution"
    known = [(each[0][0], place) for place, each in enumerate(told) if each]
    if not known:
        return Headline(status, None, "", failed)
    _, best = min(known)
    name = short_names([root.name for root in roots])[best]
    return Headline(status, None, f"{named(name)}: {texts[best]}", failed)


def _phrases(
    survey: Survey, execution: ExecutionAsOf, findings: Iterable[Finding]
) -> list[tuple[int, str]]:
    """Give what tells most of an execution in a few words, with ranks, in order."""
    visits = list(execution.visits)
    own: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for finding in findings:
        if finding.execution_arn == execution.arn:
            own[finding.kind].append(finding.data)
    found: list[tuple[int, str]] = []
    if execution.status in UNSUCCESSFUL:
        found.append((0, _failure(judge(survey, execution))))
    caught = caught_errors(execution, visits)
    if caught:
        errors = some(map(_caught, caught), 2)
        found.append((_CAUGHT, f"{plural(len(caught), 'error')} caught: {errors}"))
    for rank, (kind, phrase) in enumerate(_BRIEFLY.items(), 1):
        if kind in own:
            found.append((rank, phrase(max(own[kind], key=_weight))))
    if "denied-but-succeeded" in own:
        found = [
            (rank, words.replace(" detected", " still detected"))
            for rank, words in found
        ]
    running = [visit for visit in visits if visit.running]
    if running:
        found.append((len(_BRIEFLY) + 1, f"in {named(running[-1].name)}"))
    return sorted(each for each in found if each[1])


def _failure(verdict: Verdict) -> str:
    where = named(verdict.path.split(" / ")[-1]) if verdict.path else ""
    parts = (where, why(verdict.error, verdict.cause, _REASON))
    return ": ".join(part for part in parts if part) or clean(verdict.status)


def _caught(caught: Caught) -> str:
    then = f" → {named(caught.next_state)}" if caught.next_state else ""
    return f"{named(caught.error or caught.visit.name)}{then}"


def _weight(data: Mapping[str, Any]) -> float:
    """Of several findings of a kind, tell which weighs most."""
    keys = ("failed", "seconds_max", "seconds", "count")
    return float(next((data[key] for key in keys if data.get(key)), 0))


def _children(data: Mapping[str, Any]) -> str:
    bad = data["failed"] + data["timed_out"] + data["aborted"]
    errors = f": {some(map(named, data['errors']))}" if data["errors"] else ""
    of = f"{bad:,} of {plural(data['total'], 'child execution')} failed{errors}"
    return of if bad else ""


def _completion(data: Mapping[str, Any]) -> str:
    by = data["by"] if data["by"] in ("event", "poll") else ""
    lag = spoken(data.get("seconds_max", data["seconds"]))
    return f"completion detected in {lag}{f', by {by}' if by else ''}"


def _retries(data: Mapping[str, Any]) -> str:
    attempts = plural(data["failed"], "failed attempt")
    return f"{attempts}: {some(map(named, data['errors']))}"


def _denied(data: Mapping[str, Any]) -> str:
    return f"{data['count']} of {data['polls']} polls denied"


_BRIEFLY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "child-failed": lambda data: f"a child execution failed: {named(data['error'])}",
    "children": _children,
    "job-failed-later": lambda _: "a job it started failed later",
    "failed-calls": lambda data: f"{named(data['call'])} failed {times(data['count'])}",
    "denied-and-failed": _denied,
    "retries": _retries,
    "throttled-calls": lambda data: f"{named(data['call'])} was throttled",
    "redriven": lambda data: f"redriven {times(data['redrives'])}",
    "denied-but-succeeded": _denied,
    "denied-unknown": _denied,
    "unnoticed": lambda _: "its job had stopped before the state ended",
    "noticed": _completion,
}
"""Kinds of findings in a few words, the most telling first."""
_CAUGHT = list(_BRIEFLY).index("retries")
"""The rank of what was caught: less telling than what failed for good."""
