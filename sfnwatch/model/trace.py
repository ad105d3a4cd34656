"""The store: executions watched together, and the calls around them.

Only `Trace.add` changes it. Polls overlap, CloudTrail is late and out of order, and a
file may repeat records of another. So the same records lead to the same trace, in
whatever order they come and however often they are repeated.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.model.api_call import ApiCall, by_time, cloudtrail_record, decode_call
from sfnwatch.model.arns import role_name
from sfnwatch.model.describe_answer import DescribeAnswer
from sfnwatch.model.ecs_task import TASK_KEY, TaskState, decode_task_state
from sfnwatch.model.execution import Execution
from sfnwatch.model.history_event import Details, HistoryEvent, decode_event, details_of
from sfnwatch.model.lineage import Lineage, find_lineage
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.linking.linker import Linker
from sfnwatch.model.linking.proposed_links import LinkChanges
from sfnwatch.model.map_runs import MapRun, MapRunChild, decode_children, decode_map_run
from sfnwatch.model.other_executions import ExecutionLists, decode_machine_executions
from sfnwatch.model.own_requests import KEPT, Request, decode_request
from sfnwatch.model.raw_store import RawStore
from sfnwatch.model.records import (
    CALL_KINDS,
    EVENT_KINDS,
    Batch,
    DecodeError,
    Received,
    Record,
    RecordKind,
)
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.source_health import SourceHealth, decode_health
from sfnwatch.model.time_axis import TimeAxis, keep_answer
from sfnwatch.model.values import mapping_of, parse_object, read_fields, text_of

_ALWAYS = datetime.max.replace(tzinfo=UTC)
DecodedRow = ApiCall | HistoryEvent | TaskState | DescribeAnswer


class Changed(Struct):
    """The parts of a trace that a batch changed."""

    events: dict[str, list[HistoryEvent]] = field(default_factory=dict)
    """The new events, by their execution's ARN, in the order of their ids."""
    folded_anew: set[str] = field(default_factory=set)
    """The executions whose visits and attempts are new objects."""
    visits: dict[str, set[int]] = field(default_factory=dict)
    """The visits that are new or changed, by their execution's ARN."""
    executions: set[str] = field(default_factory=set)
    """The executions about which anything is new."""
    calls: list[str] = field(default_factory=list)
    """The event ids of calls that are new, or have a better record than before."""
    dropped_calls: list[ApiCall] = field(default_factory=list)
    """Calls that proved to be the same as another, or sfnwatch's own."""
    links: LinkChanges = field(default_factory=dict)
    """By a call's event id, its link before and its link now."""
    task_states: list[TaskState] = field(default_factory=list)
    map_runs: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    """The executions of Map Runs that came in a list."""
    machines: set[str] = field(default_factory=set)
    """The ARNs of state machines with new lists of their other executions."""
    healths: list[SourceHealth] = field(default_factory=list)
    lineage: bool = False
    """True if the knowledge of which execution started which may have changed."""


Mode = Literal["live", "demo", "replay"]
"""Where the records of a trace come from."""
Consumer = Callable[[Batch, Changed], None]
"""Is called with each batch after it was added, on the event loop; must not block."""


class Trace:
    """One or more executions watched together, and the calls around them."""

    def __init__(self) -> None:
        self.version = 0
        """Increases with each batch that is not empty."""
        self.executions: dict[str, Execution] = {}
        """Every execution about which anything is known, by its ARN."""
        self.calls: dict[str, ApiCall] = {}
        """The calls by event id. Calls of other principals are among them. Calls of
        sfnwatch itself are not, nor rows of Athena that have a whole record."""
        self.ordered_calls: list[ApiCall] = []
        """The calls in the order of their times."""
        self.own_calls: set[str] = set()
        """The event ids of sfnwatch's own calls, which are counted but never shown."""
        self.healths: dict[tuple[str, str, str], list[SourceHealth]] = {}
        """The healths each source reported, in order, by lane, source and execution."""
        self.requests: list[Request] = []
        """sfnwatch's own requests to AWS, in the order they were sent."""
        self.unread: set[bytes] = set()
        """Records that could not be decoded; only their number is shown."""
        self.task_states: dict[str, list[TaskState]] = {}
        """ECS's reports on each task, in order, by its ARN, whoever started it."""
        self.map_runs: dict[str, list[MapRun]] = {}
        """The descriptions of each Map Run, by its ARN, the newest last."""
        self.children: dict[str, list[MapRunChild]] = {}
        """The list items of each execution of a Map Run, by its ARN, newest last."""
        self.execution_lists = ExecutionLists()
        self._raw = RawStore()
        self.linker = Linker(self)
        """Matches calls to attempts, by the evidence for and against it."""
        self.links: Mapping[str, Link] = self.linker.links
        """The link of each call, by its event id."""
        self.calls_of: Mapping[AttemptKey, Sequence[ApiCall]] = self.linker.calls_of
        """The calls matched to each attempt, in the order of their times."""
        # Of the batch that is being added: its changes, the details of its events by
        # execution and id, and its calls.
        self._changed = Changed()
        self._new_events: dict[str, dict[int, Details]] = {}
        self._new_calls: list[tuple[ApiCall, Record]] = []
        self._has_rows = False
        """True if there are rows of Athena that lack columns."""

    def as_of(
        self, at: datetime | None = None, clock: TimeAxis = TimeAxis.EVENT
    ) -> Snapshot:
        """Return the trace as of a time; None is the time after all that is known."""
        if at is None and clock is TimeAxis.EVENT:
            return self._now
        return Snapshot(self, at, clock)

    @cached_property
    def _now(self) -> Snapshot:
        """The newest snapshot, kept until the next batch: it is often asked for."""
        return Snapshot(self, None, TimeAxis.EVENT)

    def task_state(self, key: str) -> TaskState | None:
        """Return ECS's report on a task with this key; None if there is none."""
        arn = key.removeprefix(TASK_KEY).rpartition("#")[0]
        for state in self.task_states.get(arn, ()):
            if state.key == key:
                return state
        return None

    @cached_property
    def lineage(self) -> Lineage:
        """Which execution started which, as far as that is known today."""
        executions = sorted(self.executions.values(), key=_by_start)
        map_run_arns = {}
        for arn, reports in self.children.items():
            map_run_arns[arn] = reports[-1].map_run_arn
        return find_lineage(executions, map_run_arns)

    def raw(self, row: DecodedRow) -> Record:
        """Return the record that a row was decoded from, as it came."""
        return parse_object(self._raw.get(row.number))

    def raw_json(self, row: DecodedRow) -> bytes:
        """Return the record that a row was decoded from, as JSON."""
        return self._raw.get(row.number)

    def details(self, event: HistoryEvent) -> Details:
        return details_of(self.raw(event))

    def cloudtrail_record(self, call: ApiCall) -> Record:
        """Return the CloudTrail record of a call; for a row of Athena its columns."""
        return cloudtrail_record(call.kind, self.raw(call))

    def event_details(self, execution_arn: str, event_id: int) -> Details:
        """Return the details of an event; empty where there is no such event."""
        event = self.executions[execution_arn].events.get(event_id)
        return self.details(event) if event is not None else {}

    def count_others(
        self, execution_arn: str, begin: datetime, end: datetime | None
    ) -> int | None:
        """Count the machine's executions that are not watched, as `ExecutionLists`."""
        lists = self.execution_lists
        return lists.count_others(execution_arn, begin, end, self.executions)

    def has_children(self) -> bool:
        """True if an execution here is known to have started another one."""
        if self.lineage.map_runs:
            return True
        return any(execution.started for execution in self.executions.values())

    def add(self, batch: Batch) -> Changed:
        """Add records, and return what changed.

        Records that cannot be decoded are kept in `unread`.
        """
        changed = Changed()
        self._changed = changed
        for received in batch:
            take = self._TAKERS.get(received.kind)
            if take is None:
                self.unread.add(received.data)
                continue
            try:
                # The batch's events and calls are sorted later, all at once.
                take(self, received)
            except DecodeError:
                self.unread.add(received.data)
        self._fold_events()
        # A set's order differs between processes, but the order of visits must not.
        for arn in sorted(changed.executions):
            self._note_attempts(self.executions[arn])
        self._add_calls()
        self._note_coverage()
        # The linker asks who started whom, and must not get the answer of before.
        if changed.lineage:
            self.__dict__.pop("lineage", None)
        changed.links = self.linker.settle()
        self.__dict__.pop("_now", None)
        if batch:
            self.version += 1
        return changed

    def _execution(self, received: Received) -> Execution:
        """Return the execution that a record belongs to; create it if need be."""
        arn = received.execution_arn or text_of(received.record.get("executionArn"))
        if arn is None:
            raise DecodeError(f"a {received.kind} record of no execution")
        if arn not in self.executions:
            self.executions[arn] = Execution(arn, self.task_states)
            self._changed.lineage = True
        self._changed.executions.add(arn)
        return self.executions[arn]

    def _take_event(self, received: Received) -> None:
        """Keep an event; of two events with one id keep the one seen first."""
        event, details = received.once(decode_event)
        execution = self._execution(received)
        new = self._new_events.setdefault(execution.arn, {})
        old = execution.events.get(event.id)
        if old is not None and not self._is_earlier(event.seen_at, received.data, old):
            return
        number = self._raw.add(received.data)
        event = replace(event, number=number, execution_arn=execution.arn)
        execution.events[event.id] = event
        new[event.id] = details

    def _is_earlier(
        self, seen_at: datetime | None, data: bytes, old: DecodedRow
    ) -> bool:
        """True if a record was seen before the one that is there.

        Of two records without times the smaller one counts as the earlier.
        """
        new_seen_at = seen_at or _ALWAYS
        old_seen_at = old.seen_at or _ALWAYS
        if new_seen_at != old_seen_at:
            return new_seen_at < old_seen_at
        return data < self._raw.get(old.number)

    def _fold_events(self) -> None:
        """Fold the new events; the whole history if one is older than a folded one."""
        new_events = self._new_events
        self._new_events = {}
        for arn, details in new_events.items():
            execution = self.executions[arn]
            events = [execution.events[event_id] for event_id in sorted(details)]
            self._changed.events[arn] = events
            folded = execution.ordered
            if events and folded and events[0].id <= folded[-1].id:
                self._changed.folded_anew.add(arn)
            if arn in self._changed.folded_anew:
                execution.begin()
                events = sorted(execution.events.values(), key=lambda event: event.id)
            for event in events:
                event_details = details.get(event.id)
                if event_details is None:
                    event_details = self.details(event)
                execution.take_event(event, event_details)
                if event.type == "MapRunStarted":
                    self._changed.lineage = True

    def _take_answer(self, received: Received) -> None:
        execution = self._execution(received)
        record = received.record
        logging = mapping_of(record.get("loggingConfiguration"))
        level = text_of(logging.get("level"))
        answer = read_fields(
            DescribeAnswer,
            record,
            kind=received.kind,
            seen_at=received.at,
            number=self._raw.add(received.data),
            log_level=level,
        )
        if execution.take_answer(answer):
            self._new_events.setdefault(execution.arn, {})
            self._changed.folded_anew.add(execution.arn)
        self._changed.lineage = True

    def _note_attempts(self, execution: Execution) -> None:
        """Pass the changed attempts to the linker, and note their visits."""
        arn = execution.arn
        now = execution.as_of(None)
        visit_ids = execution.fold.changed
        execution.fold.changed = set()
        if arn in self._changed.folded_anew:
            scheduled_ids = {attempt.scheduled_id for _, attempt in now.attempts}
            self.linker.keep_attempts(arn, scheduled_ids)
        role = role_name(now.role_arn)
        if role != execution.role:
            self.linker.set_role(arn, execution.role, role)
            execution.role = role
            visit_ids = set(execution.visits)
        other_ends = execution.unseen_ends.items() ^ now.unseen_ends.items()
        execution.unseen_ends = now.unseen_ends
        for visit_id, _ in other_ends:
            if visit_id in execution.visits:
                visit_ids.add(visit_id)
        visits = [visit for i in visit_ids if (visit := now.visit(i)) is not None]
        for visit in visits:
            for attempt in visit.attempts:
                self.linker.set_attempt(arn, attempt, now.role_arn)
        if visit_ids:
            self._changed.visits[arn] = visit_ids
        if execution.note_started(visits):
            self._changed.lineage = True

    def _take_call(self, received: Received) -> None:
        call, record = received.once(decode_call)
        call = replace(call, number=self._raw.add(received.data))
        self._new_calls.append((call, record))

    def _add_calls(self) -> None:
        new_calls = self._new_calls
        self._new_calls = []
        new_calls.sort(key=lambda pair: by_time(pair[0]))
        for call, record in new_calls:
            self._add_call(call, record)
        event_ids = dict.fromkeys(self._changed.calls)
        self._changed.calls = [e for e in event_ids if e in self.calls]

    def _add_call(self, call: ApiCall, record: Record) -> None:
        event_id = call.event_id
        old = self.calls.get(event_id)
        is_own = call.own or event_id in self.own_calls
        if old is not None:
            if not is_own and not self._is_better(call, old):
                return
            self._drop_call(old)
        if is_own:
            # A row of an Athena table may have come before, without the caller.
            self.own_calls.add(event_id)
            return
        alike = self._recorded_alike(call)
        if alike and not call.whole:
            return
        twin = self._delivered_before(call, record)
        if twin is not None:
            if not self._is_better(call, twin):
                return
            self._drop_call(twin)
        for row in alike:
            self._drop_call(row)
        self.calls[event_id] = call
        insort(self.ordered_calls, call, key=by_time)
        self.linker.add_call(call, record)
        self._changed.calls.append(event_id)

    def _is_better(self, call: ApiCall, old: ApiCall) -> bool:
        if call.whole != old.whole:
            return call.whole
        return self._is_earlier(call.seen_at, self._raw.get(call.number), old)

    def _note_coverage(self) -> None:
        """Have calls matched again if other executions or the coverage changed.

        The coverage matters where LookupEvents proves less complete than believed.
        """
        is_changed = bool(self._changed.machines) or self._changed.lineage
        if self._changed.healths:
            health = Snapshot(self, None, TimeAxis.EVENT).health.get("lookup")
            coverage = health.coverage if health else None
            is_changed |= self.linker.known.measure(coverage)
        if is_changed:
            self.linker.reopen_all()

    def _drop_call(self, call: ApiCall) -> None:
        """Remove a call from the calls that are shown."""
        place = bisect_left(self.ordered_calls, by_time(call), key=by_time)
        del self.ordered_calls[place]
        self.linker.drop_call(call)
        del self.calls[call.event_id]
        self._changed.dropped_calls.append(call)

    def _delivered_before(self, call: ApiCall, record: Record) -> ApiCall | None:
        """Return the same call under another event id; None if there is none.

        Two trails may each give one call an event id of its own. An equal request id
        alone does not prove that: a service forwards it to the calls it makes for the
        request. So the name, second, error and parameters must be equal too.
        """
        if call.request_id is None:
            return None
        for event_id in self.linker.calls_naming(call.request_id):
            other = self.calls.get(event_id)
            if other is None or _identity(other) != _identity(call):
                continue
            parameters = self.cloudtrail_record(other).get("requestParameters")
            if parameters == record.get("requestParameters"):
                return other
        return None

    def _recorded_alike(self, call: ApiCall) -> list[ApiCall]:
        """Return the rows of Athena of a whole record's call, or the record of a row's.

        They have the same second, name, error and role.
        """
        self._has_rows |= not call.whole
        if not self._has_rows:
            return []
        calls = self.ordered_calls
        second = call.microseconds
        first = bisect_left(calls, (second, ""), key=by_time)
        last = bisect_left(calls, (second + 1, ""), first, key=by_time)
        return [other for other in calls[first:last] if _are_alike(call, other)]

    def _take_map_run(self, received: Received) -> None:
        run = decode_map_run(received)
        if keep_answer(self.map_runs.setdefault(run.arn, []), run):
            self._changed.map_runs.add(run.arn)

    def _take_children(self, received: Received) -> None:
        self._changed.lineage = True
        for child in decode_children(received):
            arn = child.listed.arn
            if keep_answer(self.children.setdefault(arn, []), child):
                self._changed.children.add(arn)

    def _take_machine_executions(self, received: Received) -> None:
        lists = decode_machine_executions(received)
        if self.execution_lists.add(lists):
            self._changed.machines.add(lists.machine_arn)

    def _take_health(self, received: Received) -> None:
        health = decode_health(received)
        key = health.lane, health.source, received.execution_arn or ""
        if keep_answer(self.healths.setdefault(key, []), health):
            self._changed.healths.append(health)

    def _take_request(self, received: Received) -> None:
        """Add a request in the order of time; only the newest `KEPT` are kept."""
        request = decode_request(received)
        requests = self.requests
        order = request.order()
        place = bisect_left(requests, order, key=Request.order)
        if place < len(requests) and requests[place].order() == order:
            return
        requests.insert(place, request)
        if len(requests) > KEPT:
            del requests[0]

    def _take_task_state(self, received: Received) -> None:
        state = decode_task_state(received)
        states = self.task_states.setdefault(state.task_arn, [])
        place = bisect_left(states, state.version, key=lambda state: state.version)
        if place < len(states) and states[place].version == state.version:
            if not self._is_earlier(state.seen_at, received.data, states[place]):
                return
            del states[place]
        state = replace(state, number=self._raw.add(received.data))
        states.insert(place, state)
        self._changed.task_states.append(state)
        for (arn, _), attempt in self.linker.holders(state.task_arn).items():
            self.executions[arn].fold.changed.add(attempt.visit_id)
            self._changed.executions.add(arn)

    _TAKERS: ClassVar[Mapping[str, Callable[["Trace", Received], None]]] = {
        **dict.fromkeys(EVENT_KINDS, _take_event),
        **dict.fromkeys(CALL_KINDS, _take_call),
        RecordKind.DESCRIBE: _take_answer,
        RecordKind.DEFINITION: _take_answer,
        RecordKind.TASK_STATE: _take_task_state,
        RecordKind.MAP_RUN: _take_map_run,
        RecordKind.CHILDREN: _take_children,
        RecordKind.MACHINE_EXECUTIONS: _take_machine_executions,
        RecordKind.HEALTH: _take_health,
        RecordKind.REQUEST: _take_request,
    }
    """The method that takes a record in, by the record's kind."""


def _by_start(execution: Execution) -> tuple[datetime, str]:
    return execution.as_of(None).started_at or _ALWAYS, execution.arn


def _identity(call: ApiCall) -> tuple[object, ...]:
    """Return the values that are equal in all records of one call."""
    return call.request_id, call.name, call.microseconds, call.error_code


def _are_alike(one: ApiCall, other: ApiCall) -> bool:
    """True for a whole record and a row of Athena that may be of one call."""
    return one.whole != other.whole and _outline(one) == _outline(other)


def _outline(call: ApiCall) -> tuple[str | None, ...]:
    return call.event_source, call.event_name, call.error_code, call.role
