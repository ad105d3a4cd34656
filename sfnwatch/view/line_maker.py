"""Makes the lines of one snapshot on demand: the screen makes only those in view."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property

from sfnwatch.analysis.attempt_calls import AttemptCalls, sure_calls
from sfnwatch.analysis.completion import Completion
from sfnwatch.analysis.network_activity import endpoint_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.coverage import Coverage
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.values import text_of
from sfnwatch.model.visits import Attempt
from sfnwatch.view.call_text import CallText, blank_before, id_word, job_words
from sfnwatch.view.event_line import EventLine
from sfnwatch.view.event_words import LINE_CHARACTERS, backoff_parts, state_name
from sfnwatch.view.fold_words import fold_parts
from sfnwatch.view.life_lines import LifeLines
from sfnwatch.view.line import Lane, Line
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.match_words import rule_role, rule_words
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_items import Backoff, Fold, FoldKind, Item
from sfnwatch.view.parts import Part, Role
from sfnwatch.view.poll_words import poll_run_parts
from sfnwatch.view.row_order import RowOrder
from sfnwatch.view.task_text import task_text

IDLE = timedelta(seconds=30)
"""A gap between two lines is marked from this length on."""
_CLOSED = "▸"


class LineMaker:
    """Makes the lines of one snapshot, on demand.

    Without an outline every event and every call has a line of its own. Without
    life-lines, lines have no rails.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        outline: Outline | None = None,
        lifelines: LifeLines | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._lifelines = lifelines
        self._trace = snapshot.trace
        self.order = outline.order if outline else RowOrder(snapshot.trace)
        self._fail_errors: dict[str, dict[int, str]] = {}
        """The errors of Fail states, by execution and event."""
        self._numbers: dict[AttemptKey, dict[str, int]] = {}
        """The number of each call among its attempt's of the same name, by event id."""

    @cached_property
    def _coverage(self) -> Coverage:
        return Coverage(self.snapshot)

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """Yield the lines of all items, for output that is read as a whole."""
        before = None
        for item in items:
            yield self.line(item, before)
            before = item

    def line(self, item: Item, before: Item | None = None) -> Line:
        """Make the line of an item; `before` is the item of the line before it."""
        context = LineContext(self, item)
        if isinstance(item, HistoryEvent):
            line = EventLine(context, item).make()
        elif isinstance(item, Fold | Backoff):
            line = self._other_line(context, item)
        else:
            line = self._call_line(context, item)
        if before is not None:
            earlier = self.order.place(before)[0]
            idle = line.at - earlier
            if idle >= IDLE:
                line.gap = idle.total_seconds()
            line.new_day = line.at.date() != earlier.date()
        return line

    def failure(self, event: HistoryEvent) -> tuple[str | None, str | None]:
        """Return the error and the cause of an event; each None if not known."""
        if event.type.endswith(("Failed", "TimedOut", "Aborted")):
            details = self._trace.details(event)
            return text_of(details.get("error")), text_of(details.get("cause"))
        execution = self.snapshot.executions.get(event.execution_arn)
        if event.type != "FailStateEntered" or execution is None:
            return None, None
        if execution.arn not in self._fail_errors:
            self._fail_errors[execution.arn] = _fail_errors(self.snapshot, execution)
        return self._fail_errors[execution.arn].get(event.id), None

    def completion(self, key: AttemptKey, attempt: Attempt) -> Completion | None:
        calls = AttemptCalls(self.snapshot, self._coverage, key, attempt)
        return calls.completion

    def begin(
        self, context: LineContext, lane: Lane, rails_at: datetime | None = None
    ) -> Line:
        """Begin a line with its time, its root execution and its life-lines.

        The life-lines are those at `rails_at`, or else at the item's time.
        """
        arn = context.execution_arn
        at = self.order.place(context.item)[0]
        root = self.snapshot.lineage.root_of(arn) if arn else None
        line = Line(context, lane, at, root_arn=root)
        if self._lifelines is not None:
            shown = rails_at or self.order.unshifted(at, arn)
            line.rails = self._lifelines.rails(self.snapshot, shown, root or "")
        return line

    def owner(self, line: Line) -> tuple[Part, ...]:
        """Return the name of a line's state; empty where it is clear without it."""
        visit = line.about.visit
        if visit is None:
            return ()
        open_visits = {rail.visit for rail in line.rails if not rail.ends}
        own = {(line.execution_arn, visit.id), (line.execution_arn, visit.parent)}
        is_alone = visit.parent is None and len(self.snapshot.roots) <= 1
        if is_alone and open_visits <= own:
            return ()
        return (Part(state_name(visit), Role.NAME), Part("  "))

    def _call_line(self, context: LineContext, item: ApiCall | TaskState) -> Line:
        if isinstance(item, ApiCall):
            line = self.begin(context, Lane.CALLS)
            line.whole_seconds = True
            self.put_call(line, item)
        else:
            line = self.begin(context, Lane.TASKS)
            line.task = task_text(item)
            line.late = seconds_until_seen(item.seen_at, item.at)
        line.owner = self.owner(line)
        return line

    def put_call(self, line: Line, call: ApiCall) -> None:
        """Put a call on a line: the line's own, or the action call of its attempt."""
        line.call = self.call_text(call, line.about.link)
        line.call_key = call.key
        line.call_at = call.event_time
        line.late = seconds_until_seen(call.seen_at, call.event_time)
        line.service = call.event_source

    def call_text(
        self, call: ApiCall, link: Link | None, *, numbered: bool = True
    ) -> CallText:
        """Return a call's words: name, poll number, job or delay, error and rule."""
        name = clean(call.event_name, LINE_CHARACTERS)
        if call.is_network_activity:
            return _network_activity_text(call, name)
        error = ""
        if call.error_code is not None:
            error = f"✘ {clean(call.error_code, LINE_CHARACTERS)}"
        if link is None:
            return CallText(
                name=(Part(name, Role.DIM),), error=blank_before(error, Role.BAD)
            )
        attempt = self.snapshot.attempt(link.key)
        subject = ""
        if link.key is not None and attempt is not None:
            if numbered and link.role is CallRole.POLL:
                name = f"{name} #{self._number_of(call, link.key)}"
            subject = self._subject(call, link, attempt)
        name_role = Role.POLL if link.role is CallRole.POLL else Role.CALL
        subject_role = Role.PLAIN
        if link.rule is LinkRule.ROLE_ONLY:
            name_role = Role.DIM
            subject_role = Role.DIM
        rule = rule_words(link, id_word(attempt))
        return CallText(
            name=(Part(name, name_role),),
            subject=blank_before(subject, subject_role),
            error=blank_before(error, Role.BAD),
            rule=blank_before(rule, rule_role(link)),
        )

    def _number_of(self, call: ApiCall, key: AttemptKey) -> int:
        """Return a call's number among its attempt's calls of the same name, from 1."""
        numbers = self._numbers.get(key)
        if numbers is None:
            numbers = {}
            counts = Counter[str]()
            for attempt_call in self.snapshot.calls_of(key):
                counts[attempt_call.event_name] += 1
                numbers[attempt_call.event_id] = counts[attempt_call.event_name]
            self._numbers[key] = numbers
        return numbers.get(call.event_id, 1)

    def _subject(self, call: ApiCall, link: Link, attempt: Attempt) -> str:
        """Return the job of an action call; for other calls, the time since it."""
        if link.role is not CallRole.ACTION:
            since = call.event_time - self._action_at(link, attempt)
            seconds = since.total_seconds()
            return f"+{after_words(seconds)}" if seconds >= 0 else ""
        # A guessed action call has no job id: the id would look like a proof.
        is_known = link.is_sure and attempt.resource_ids
        return job_words(attempt) if is_known else ""

    def _action_at(self, link: Link, attempt: Attempt) -> datetime:
        """Return the time of the action call, in CloudTrail's whole seconds."""
        at = attempt.answered_at
        calls = sure_calls(self.snapshot, link.key) if link.key else ()
        for call in calls:
            if self._trace.links[call.event_id].role is CallRole.ACTION:
                at = call.event_time
                break
        return at.replace(microsecond=0)

    def _other_line(self, context: LineContext, item: Fold | Backoff) -> Line:
        line = self.begin(context, Lane.STATES)
        visit = context.visit
        if isinstance(item, Backoff):
            line.owner = self.owner(line)
            if visit is not None:
                line.text = backoff_parts(visit, item.number)
        elif item.kind is FoldKind.POLLS:
            line.fold = Part("⋯", Role.FOLD)
            line.lane = Lane.CALLS
            line.whole_seconds = True
            line.owner = self.owner(line)
            line.call = CallText(poll_run_parts(self._coverage, item))
        else:
            line.fold = Part(_CLOSED, Role.FOLD)
            line.text = fold_parts(self.snapshot, item, visit)
        return line


def _fail_errors(snapshot: Snapshot, execution: ExecutionAsOf) -> dict[int, str]:
    """Return the error of each Fail state, by the id of its StateEntered event.

    A Fail state's event lacks the error. The …Failed events of what is around it follow
    each other, and only the outermost has the error. If a Catch handled the failure
    before that, the history does not have the error.
    """
    errors: dict[int, str] = {}
    for event in reversed(execution.events):
        if not event.type.endswith("Failed"):
            continue
        error = text_of(snapshot.trace.details(event).get("error"))
        error = error or errors.get(event.id)
        if error:
            errors.setdefault(event.previous_event_id, error)
    return errors


def seconds_until_seen(seen_at: datetime | None, at: datetime) -> float | None:
    """Return the seconds from the time of a record until it was received, or None."""
    if seen_at is None:
        return None
    return max(0.0, (seen_at - at).total_seconds())


def after_words(seconds: float) -> str:
    """Return the time since the action call in words: `57 s`, `4m 53s`."""
    return f"{seconds:.0f} s" if seconds < 60 else duration(seconds)  # noqa: PLR2004


def _network_activity_text(event: ApiCall, name: str) -> CallText:
    """Return the words of a network activity event, which is no call of a state."""
    subject = f"network activity, {endpoint_words(event)}"
    error = ""
    if event.is_denied_by_endpoint:
        error = f"✘ {endpoint_words(event)}"
        subject = "network activity"
    elif event.error_code is not None:
        error = f"✘ {clean(event.error_code, LINE_CHARACTERS)}"
    return CallText(
        name=(Part(name, Role.DIM),),
        subject=blank_before(subject, Role.DIM),
        error=blank_before(error, Role.BAD),
    )
