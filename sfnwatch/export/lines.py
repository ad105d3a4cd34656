"""A trace as lines, as it comes: for pipes, logs and screen readers.

One line an event, each understandable by itself: no rails, and the state's path on
every line, with its execution in brackets where there are several. A call is printed
when it arrives, which is minutes late; its own time stands in front.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TextIO

from sfnwatch.trace.arns import short_id
from sfnwatch.trace.conclusions import CONCLUSION
from sfnwatch.trace.events import Batch, From, HealthState, SourceHealth
from sfnwatch.trace.findings import Finding, all_findings, brief_evidence
from sfnwatch.trace.heads import labels
from sfnwatch.trace.lanes import Kind, Row, build_lanes
from sfnwatch.trace.links import Link
from sfnwatch.trace.map_runs import MapRun
from sfnwatch.trace.nest_words import count_words
from sfnwatch.trace.nests import map_run_name
from sfnwatch.trace.task_states import TaskState
from sfnwatch.trace.task_words import task_id, task_words
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.timeline import Timeline, Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import ROOT, StateVisit
from sfnwatch.trace.words import plain, row_pieces

Narrate = Callable[[str], None]
"""Tells the person at the terminal something that is no data."""

_LANES = {
    "history": "Step Functions",
    "lookup": "CloudTrail",
    "children": "Executions inside",
    "recording": "The recording",
    "otlp": "The collector",
}
_ARROW = "->"
_LABEL = 40
"""No label of an execution takes more characters."""
_CHILD_LABEL = 80
_STARTS = {Kind.CHILD: Kind.EXECUTION, Kind.MAP_RUN: Kind.OTHER}
_NO_ROWS = frozenset({From.HEALTH, From.REQUEST})
"""Sources of records that never have a line of their own."""


class PlainLines:
    """A consumer: prints each event and each call once, and a link when it is found."""

    def __init__(
        self,
        out: TextIO,
        narrate: Narrate,
        executions: Sequence[str] = (),
        asked: str = "were made to AWS",
    ) -> None:
        self._out, self._narrate = out, narrate
        self._asked = asked
        """What is said of the requests that the trace tells of."""
        self._labels = _labelled(executions)
        """What each execution is told by; nothing where there is but one."""
        self._printed: dict[str, object] = {}
        self._told: dict[str, tuple[HealthState, str]] = {}
        self.trace = Trace()

    def __call__(self, batch: Batch) -> None:
        self.trace = extend(self.trace, batch)
        named = dict.fromkeys((*self._labels, *self.trace.timelines))
        roots = [arn for arn in named if arn not in self.trace.family.parents]
        if self._labels.keys() != set(roots):
            self._labels = _labelled(roots)
        for lane, health in self.trace.health.items():
            self._tell(lane, health)
        if any(received.source not in _NO_ROWS for received in batch):
            for row in build_lanes(self.trace, joined=False).rows:
                self._print(row)
        for arn, told in self.trace.map_runs.items():
            self._print_map_run(arn, told)
        self._out.flush()

    def _print_map_run(self, arn: str, told: MapRun) -> None:
        """Say how far a Map Run is, whenever that has changed."""
        begun = self.trace.family.map_runs.get(arn)
        counted = (told.status, told.executions)
        if begun is None or self._printed.get(arn) == counted or told.seen_at is None:
            return
        self._printed[arn] = counted
        visits = self.trace.histories[begun.execution_arn].visits
        visit = visits.by_id.get(begun.visit_id)
        path = f"{visit_path(visit)}  " if visit else ""
        at = told.seen_at.strftime("%H:%M:%S.%f")[:12]
        words = count_words(told.executions)
        label = self._label(begun.execution_arn)
        self._out.write(
            f"{at}  count  {label}{path}{clean(map_run_name(arn))}: {words}\n"
        )

    def _print(self, row: Row) -> None:
        tie = _tie(row.link)
        if row.key not in self._printed:
            self._out.write(self._line(row) + "\n")
        elif self._printed[row.key] != tie:
            self._out.write(self._line(row) + "  (now tied)\n")
        self._printed[row.key] = tie

    def _line(self, row: Row) -> str:
        if row.call is not None:
            label = self._label(row.link.execution_arn if row.link else None)
            return _call_line(row, self._visit(row), label)
        at = row.at.strftime("%H:%M:%S.%f")[:12]
        if row.task is not None:
            label = self._label(row.execution_arn)
            return f"{at}  task   {_task_words(row, row.task, label)}"
        return f"{at}  state  {self._label(row.execution_arn)}{_state_words(row)}"

    def _label(self, execution_arn: str | None) -> str:
        arn = execution_arn or ""
        if arn in self.trace.family.parents:
            # One of many, perhaps: its own name is all that tells it apart.
            timeline = self.trace.histories[arn]
            label = f"{timeline.state_machine_name} {short_id(timeline.name)}"
            return f"[{clean(label, _CHILD_LABEL)}] "
        label = self._labels.get(arn, "")
        return f"[{label}] " if label else ""

    def _visit(self, row: Row) -> StateVisit | None:
        link = row.link
        if link is None or link.execution_arn is None or link.visit_id is None:
            return None
        timeline = self.trace.histories[link.execution_arn]
        return timeline.visits.by_id.get(link.visit_id)

    def _tell(self, lane: str, health: SourceHealth) -> None:
        told = (health.state, health.message)
        if self._told.get(lane) == told:
            return
        before = self._told.get(lane)
        if lane == "children" and not health.message:
            return  # they come and go: what they bring says it
        self._told[lane] = told
        if health.state is HealthState.REFUSED and not self.trace.timelines:
            return  # there is no watch: the command's own error says it
        quiet = before is None or before[0] is HealthState.CONNECTING
        if quiet and not health.message and health.state is not HealthState.DRAINING:
            return
        self._narrate(f"{_LANES.get(lane, lane)}: {health_words(health)}")

    def finish(self) -> None:
        """Print what the whole shows."""
        for finding in all_findings(self.trace):
            label = self._label(finding.execution_arn)
            self._out.write(finding_line(finding, label) + "\n")
        hidden = build_lanes(self.trace).hidden
        if hidden:
            self._narrate(f"{hidden} calls of others, or of X-Ray, are not shown.")
        if self.trace.unread:
            count = len(self.trace.unread)
            self._narrate(f"{count} records could not be read; they are recorded.")
        # Those are told as they are made; their lane tells their number now and then.
        told = sum(health.requests for health in self.trace.health.values())
        requests = max(told, len(self.trace.ordered_requests))
        if requests:
            self._narrate(f"{requests} requests {self._asked}, all of them reading.")
        self._out.flush()


def health_words(health: SourceHealth) -> str:
    """Say how a lane is doing: state, why, and when it is tried again."""
    words = str(health.state)
    if health.state is HealthState.DRAINING and health.until is not None:
        words += f", awaiting late records until {health.until:%H:%M:%S} at most"
    if health.message:
        words += f". {clean(health.message)}"
    if health.retry_in is not None:
        words += f" Trying again in {duration(health.retry_in)}."
    return words


def _labelled(arns: Sequence[str]) -> Mapping[str, str]:
    """Tell executions apart by what their names do not have in common."""
    each = [Timeline(arn) for arn in dict.fromkeys(arns)]
    if len(each) < 2:  # noqa: PLR2004
        return {timeline.execution_arn: "" for timeline in each}
    names = [(t.name, t.state_machine_name or "") for t in each]
    told = labels(names, _LABEL)
    return {t.execution_arn: label for t, label in zip(each, told, strict=True)}


def finding_line(finding: Finding, label: str = "") -> str:
    """Write a finding as one line: its certainty, its sentence, its evidence."""
    if finding.kind == CONCLUSION:
        label = "Conclusion: "
    evidence = brief_evidence(finding)
    rests_on = f"  [{evidence}]" if evidence else ""
    return f"{finding.certainty:<12}  {label}{finding.text}{rests_on}"


def _state_words(row: Row) -> str:
    if row.kind in _STARTS:
        # How they go on is told when it has: a line is never written again.
        row = replace(row, kind=_STARTS[row.kind])
    words = plain(row_pieces(row))
    visit = row.visit
    if visit is None or row.kind is Kind.EXECUTION:
        return words
    path = visit_path(visit)
    if row.kind is Kind.ENTERED:
        return f"{path}  entered  {clean(visit.type)}"
    return f"{path}  {words}"


def visit_path(visit: StateVisit) -> str:
    """Name a visit by its path, without the root that all paths share."""
    return clean(visit.path.removeprefix(f"{ROOT} / "))


def _call_line(row: Row, visit: StateVisit | None, label: str) -> str:
    call = row.call
    if call is None:
        return ""
    # A line is not taken back when an earlier call comes in late: so no number among
    # its like, and the time since the beginning rather than since the one before.
    words = plain(row_pieces(replace(row, number=None, gap=row.since, sure=True)))
    parts = [call.event_time.strftime("%H:%M:%S    "), "call ", words]
    parts.extend(_whence(row, visit, label))
    if call.seen_at is not None:
        parts.append(_lag(call.seen_at - call.event_time))
    return "  ".join(parts)


def _task_words(row: Row, state: TaskState, label: str) -> str:
    words = f"{task_id(state)}  {plain(task_words(state).all)}"
    seen = "" if state.seen_at is None else _lag(state.seen_at - state.at)
    visit = row.caller
    whence = f"{_ARROW} {label}{visit_path(visit)}" if visit else ""
    return "  ".join(part for part in (words, "[ecs]", whence, seen) if part)


def _lag(late: timedelta) -> str:
    return f"(seen {duration(max(0.0, late.total_seconds()))} later)"


def _whence(row: Row, visit: StateVisit | None, label: str) -> Iterator[str]:
    service = (
        clean(row.call.event_source.removesuffix(".amazonaws.com")) if row.call else ""
    )
    yield f"[{service}]"
    if visit is not None:
        yield f"{_ARROW} {label}{visit_path(visit)}"


def _tie(link: Link | None) -> object:
    return (link.rule, link.execution_arn, link.attempt_id) if link else None
