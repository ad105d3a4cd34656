"""Findings with the rows they rest on: what the explain view shows, apart from how.

Pure, and costly for a long history: a thread may do it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.trace.conclusions import CONCLUSION
from sfnwatch.trace.findings import Finding, all_findings
from sfnwatch.trace.lanes import Kind, Lane, Lanes, Row, build_lanes, call_key
from sfnwatch.trace.report_verdict import Verdict, judge
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.tui.explain_time import KIND, Seconds, seconds_of


class Topic(StrEnum):
    """What findings are about, in the order in which it is told; its heading."""

    CONCLUDED = "In short"
    NOTICED = "Who noticed the end"
    PATTERN = "What each state runs"
    CALLS = "Calls and polling"
    DENIED = "Refused"
    RETRIED = "Tried again"
    FAILED = "Failed"
    TIME = "Where the time went"
    UNSEEN = "Not seen, and why"
    LATE = "How late CloudTrail was"
    ALSO = "Also"


_TOPICS = {
    CONCLUSION: Topic.CONCLUDED,
    "noticed": Topic.NOTICED,
    "unnoticed": Topic.NOTICED,
    "denied-but-succeeded": Topic.NOTICED,
    "pattern": Topic.PATTERN,
    "calls": Topic.CALLS,
    "polling": Topic.CALLS,
    "next-poll": Topic.CALLS,
    "denied-and-failed": Topic.DENIED,
    "denied-unknown": Topic.DENIED,
    "throttled-calls": Topic.DENIED,
    "failed-calls": Topic.DENIED,
    "retries": Topic.RETRIED,
    "redriven": Topic.RETRIED,
    "job-failed-later": Topic.FAILED,
    KIND: Topic.TIME,
    "slowest-path": Topic.TIME,
    "unseen": Topic.UNSEEN,
    "ambiguous": Topic.UNSEEN,
    "other-calls": Topic.UNSEEN,
    "lag": Topic.LATE,
}
"""A finding's kind to what it is about; a kind of a later version is told last."""
_NEVER = datetime.min.replace(tzinfo=UTC)
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_OF_WHAT = ("visit", "attempt")
"""The figures of a finding that tell it from others of its kind."""


class Proof(Struct, frozen=True):
    """One piece of evidence."""

    key: str
    """The finding's key and the evidence's own id: one row may prove several things."""
    id: str
    """As the finding has it: `#5`, or a call's event id."""
    row: Row | None = None
    """None for what this trace does not hold."""
    there: bool = False
    """True if the lanes have its row."""


class Told(Struct, frozen=True):
    """A finding and its evidence."""

    key: str
    """The same while its words and its figures change."""
    finding: Finding
    proofs: tuple[Proof, ...] = ()
    """In the order of time, whatever they prove."""


class Telling(Struct, frozen=True):
    """What is told of one execution or, without one, of the trace as a whole."""

    key: str
    """The execution's ARN; empty for the trace as a whole."""
    timeline: Timeline | None = None
    verdict: Verdict | None = None
    spent: Seconds = field(default_factory=dict)
    """What its time went into, in the order of a bar; empty if that is not known."""
    topics: Mapping[Topic, tuple[Told, ...]] = field(default_factory=dict)

    @property
    def told(self) -> Iterator[Told]:
        for each in self.topics.values():
            yield from each


class Explained(Struct, frozen=True):
    """All that is told of a trace, as it stood at a moment."""

    trace: Trace = field(default_factory=Trace)
    now: datetime = _NEVER
    tellings: tuple[Telling, ...] = ()
    extent: tuple[datetime, datetime] | None = None
    """The first and the last moment of the lanes."""

    def tells_of(self, trace: Trace) -> bool:
        """True unless something else is known of executions or calls by now."""
        return trace.tells_as(self.trace)

    @property
    def running(self) -> bool:
        """True while time alone changes what is said."""
        return self.trace.running


def explained(trace: Trace, now: datetime, lanes: Lanes | None = None) -> Explained:
    """Find all that can be said of a trace, and where in its lanes that is seen.

    `lanes` spares the making of them where somebody has them already.
    """
    return page_of(trace, now, all_findings(trace, now), lanes or build_lanes(trace))


def page_of(
    trace: Trace, now: datetime, found: Iterable[Finding], lanes: Lanes
) -> Explained:
    """Set findings below the executions they are about, each with its rows.

    What is of the trace as a whole comes last, unless something is concluded in it.
    """
    found = tuple(found)
    about: dict[str | None, list[Finding]] = {}
    if any(finding.kind == CONCLUSION for finding in found):
        about[None] = []
    about.update({arn: [] for arn in trace.timelines})
    for finding in found:
        known = finding.execution_arn in trace.timelines
        about.setdefault(finding.execution_arn if known else None, []).append(finding)
    rows = _Rows(trace, lanes)
    tellings = (_telling(trace, now, arn, own, rows) for arn, own in about.items())
    return Explained(trace, now, tuple(tellings), rows.extent)


def _telling(
    trace: Trace, now: datetime, arn: str | None, found: list[Finding], rows: "_Rows"
) -> Telling:
    timeline = trace.timelines.get(arn or "")
    topics = _by_topic(found, arn or "", rows)
    if timeline is None:
        return Telling("", topics=topics)
    time = next((finding for finding in found if finding.kind == KIND), None)
    return Telling(
        key=timeline.execution_arn,
        timeline=timeline,
        verdict=judge(trace, timeline, now),
        spent=seconds_of(time) if time else {},
        topics=topics,
    )


def _by_topic(
    found: Iterable[Finding], arn: str, rows: "_Rows"
) -> Mapping[Topic, tuple[Told, ...]]:
    topics: dict[Topic, list[Told]] = {topic: [] for topic in Topic}
    alike: Counter[str] = Counter()
    for finding in found:
        name = _name(finding, arn)
        key = f"{name}~{alike[name]}"
        alike[name] += 1
        proofs = sorted(rows.proofs(key, arn, finding.evidence), key=_when)
        topic = _TOPICS.get(finding.kind, Topic.ALSO)
        topics[topic].append(Told(key, finding, tuple(proofs)))
    return {topic: tuple(told) for topic, told in topics.items() if told}


def _when(proof: Proof) -> datetime:
    return proof.row.at if proof.row else _ALWAYS


def _name(finding: Finding, arn: str) -> str:
    about: Iterator[Any] = (finding.data.get(key) for key in _OF_WHAT)
    return "~".join((arn, finding.kind, *(f"{value}" for value in about)))


class _Rows:
    """Finds the row of a piece of evidence, and of what was joined into another."""

    def __init__(self, trace: Trace, lanes: Lanes) -> None:
        self._calls = trace.calls
        self._by_key = {
            f"{row.execution_arn}#{event.id}": row
            for row in lanes.rows
            for event in row.events[1:]
        }
        self._by_key |= {row.key: row for row in lanes.rows}
        self.extent = (lanes.rows[0].at, lanes.rows[-1].at) if lanes.rows else None

    def proofs(self, told: str, arn: str, ids: Iterable[str]) -> Iterator[Proof]:
        """Yield each row once: two events that are one to the eye have one."""
        seen: set[str] = set()
        for id_ in ids:
            row = self._row(arn, id_)
            known = row.key if row else id_
            if known not in seen:
                seen.add(known)
                there = row is not None and row.key in self._by_key
                yield Proof(f"{told}>{known}", id_, row, there)

    def _row(self, arn: str, id_: str) -> Row | None:
        call = self._calls.get(id_)
        if call is None:
            of, _, number = id_.rpartition("#")
            return self._by_key.get(f"{of or arn}#{number}")
        found = self._by_key.get(call_key(call))
        if found is not None:
            return found
        # The lanes leave out what nobody watched has to do with; it can be told of.
        return Row(
            at=call.event_time,
            key=call_key(call),
            kind=Kind.CALL,
            lane=Lane.CALLS,
            call=call,
        )
