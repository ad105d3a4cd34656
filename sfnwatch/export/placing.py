"""Where things go, and under which names: what all exports share.

In a table or a diagram each event and each call has a row of its own, in an order that
people expect; on a scale of time a call has the second in which it may have been made.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import TypeVar

from sfnwatch.analysis.wording import plural
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import short_id
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, microseconds
from sfnwatch.model.visits import ROOT, StateVisit
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline_items import Item, SortKey
from sfnwatch.view.parts import Part, Role, plain_text, status_glyph
from sfnwatch.view.row_order import ANSWERED
from sfnwatch.view.wording import LABEL, execution_labels

BarSpan = tuple[datetime, datetime]
ExportRow = TypeVar(
    "ExportRow", HistoryEvent | ApiCall, HistoryEvent | ApiCall | TaskState
)
ONE_SECOND = timedelta(seconds=1)
_LATEST = 9_000_000_000_000_000
"""Microseconds: the year 2255. Viewers count nanoseconds in 64 bits."""
_NAME = 180


# -- names -----------------------------------------------------------------------------


def whole_name(execution: ExecutionAsOf) -> str:
    """Name an execution, and its state machine where that is known."""
    machine = execution.state_machine_name
    name = execution.name
    return clean(f"{machine} › {name}" if machine else name, _NAME)


def heading(execution: ExecutionAsOf) -> list[Part]:
    """Say which execution it is, how it went, and when it began."""
    status = execution.status.lower()
    began = execution.started_at
    glyph = status_glyph(status)
    words = clean(status.replace("_", " "))
    parts = [Part(whole_name(execution), Role.NAME)]
    parts += [Part(f"  {glyph.text} {words}", glyph.role)]
    if began is not None and execution.stopped_at is not None:
        spent = (execution.stopped_at - began).total_seconds()
        parts += [Part(f"  {duration(spent)}")]
    if began is not None:
        parts += [Part(f"  {began:%Y-%m-%d %H:%M:%S} UTC", Role.DIM)]
    return parts


def service_name(call: ApiCall) -> str:
    """Name the service as its event source does; the SDK's name for it isn't known."""
    return clean(call.event_source.removesuffix(".amazonaws.com"), _NAME) or "unknown"


def visit_path(visit: StateVisit | None) -> str:
    """Name a visit by its path, without the root that all paths share."""
    return clean(visit.path.removeprefix(f"{ROOT} / ")) if visit is not None else ""


def lane_tags(snapshot: Snapshot) -> Mapping[str, str]:
    """Tell whose a line is where executions share lanes: roots, and child executions.

    Nothing is said of what stands alone.
    """
    told = dict(execution_labels(snapshot.roots)) if len(snapshot.roots) > 1 else {}
    if len(snapshot.children) > 1:
        children = snapshot.children.values()
        told |= {each.arn: clean(short_id(each.name), LABEL) for each in children}
    return {arn: f"[{label}] " for arn, label in told.items()}


def not_shown(snapshot: Snapshot) -> list[str]:
    """Say how many calls are left out, if any are."""
    hidden = sum(not snapshot.is_relevant(call) for call in snapshot.calls)
    words = f"{plural(hidden, 'call')} by others, or by X-Ray, not shown."
    return [words] if hidden else []


# -- what rows say ---------------------------------------------------------------------


def state_text(line: Line) -> str:
    """Give what a state's line says in one row, without the arrows of a screen."""
    if not line.conclusion:
        return plain_text(line.text)
    first, *rest = line.conclusion
    if not first.text.startswith("◀"):
        return f"{plain_text(line.text)}  {plain_text(line.conclusion)}"
    by = rest[0].text
    how = plain_text(rest[1:]).strip()
    return f"{plain_text(line.text)}  learned by {by}, {how}"


def line_text(line: Line) -> str:
    """Give all that a line says in one row likewise."""
    others = [plain_text(each.parts) for each in (line.call, line.task) if each]
    return "  ".join(filter(None, (state_text(line), *others)))


def state_parts(line: Line, *, owner: bool = True) -> list[Part]:
    """Give what a line says of a state: in lanes, beside what calls it made."""
    parts = [Part(f"{line.fold.text} ", line.fold.role)] if line.fold else []
    parts += [*(line.owner if owner else ()), *line.text]
    return [*parts, Part("  "), *line.conclusion] if line.conclusion else parts


def call_parts(line: Line) -> list[Part]:
    """Give what a line says of a call, with its own second; or of a task."""
    if line.call is None or line.call_at is None:
        told = line.task or line.call
        return [*told.parts] if told else []
    service = clean(line.service.removesuffix(".amazonaws.com"), _NAME)
    at = Part(f"{line.call_at:%H:%M:%S}  {service}  ", Role.DIM)
    return [at, *line.call.parts]


def lane_parts(line: Line, tag: str) -> tuple[list[Part], list[Part]]:
    """Give what a line says in the lane of the states, and in that of the calls."""
    states = state_parts(line)
    calls = call_parts(line)
    if tag:
        states.insert(0, Part(tag, Role.DIM))
    if line.lane is Lane.STATES:
        return states, calls
    return [], [*calls, Part("  ‹ ", Role.DIM), *states] if states else calls


def time_words(line: Line) -> str:
    """Write when it was, as precisely as that is known."""
    return f"{line.at:%H:%M:%S.%f}"[: 8 if line.whole_seconds else 12]


def is_bad(item: Item) -> bool:
    """True for an event that tells of a failure, and for a call that was refused."""
    if isinstance(item, ApiCall):
        return item.error_code is not None
    bad = ("Failed", "TimedOut", "Aborted")
    return isinstance(item, HistoryEvent) and item.type.endswith(bad)


def shown_items(snapshot: Snapshot) -> list[HistoryEvent | ApiCall]:
    """List the events of all executions, and the calls that are shown."""
    events = chain.from_iterable(each.events for each in snapshot.executions.values())
    return [*events, *filter(snapshot.is_relevant, snapshot.calls)]


def rows_apart(maker: LineMaker, items: Iterable[ExportRow]) -> list[ExportRow]:
    """Sort events and calls of which each has a row of its own.

    An action call stands right behind the event that tells of its answer: its own time
    is a whole second, mostly the one before its state was entered.
    """
    snapshot = maker.snapshot

    def place(item: ExportRow) -> SortKey:
        found: SortKey = maker.order.place(item)
        link = snapshot.link(item) if isinstance(item, ApiCall) else None
        attempt = snapshot.attempt(link.key) if link is not None else None
        if link is None or attempt is None or link.role is not CallRole.ACTION:
            return found
        soon = timedelta(0) <= attempt.answered_at - found[0] < ANSWERED
        return (attempt.answered_at, *found[1:]) if soon else found

    return sorted(items, key=place)


# -- on a scale of time ----------------------------------------------------------------


def micros(at: datetime) -> int:
    """Count microseconds since 1970; times past all reason are taken back to it."""
    return min(max(1, microseconds(at)), _LATEST)


def call_window(snapshot: Snapshot, call: ApiCall) -> BarSpan:
    """Say between which moments a call was made.

    CloudTrail gives a whole second. A call that is matched was not made before its
    attempt was scheduled, and an action not after its answer was known.
    """
    begin = call.event_time
    end = call.event_time + ONE_SECOND
    link = snapshot.link(call)
    attempt = snapshot.attempt(link.key) if link is not None else None
    if attempt is None or link is None:
        return begin, end
    begin = max(begin, attempt.scheduled_at)
    answered = attempt.answered_at
    told = answered in {attempt.submitted_at, attempt.ended_at}
    if link.role is CallRole.ACTION and told and answered > begin:
        end = min(end, answered)
    return begin, max(begin, end)
