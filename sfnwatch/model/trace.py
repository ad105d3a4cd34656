"""The store: executions watched together, and the calls around them.

`Trace.add` is all that changes it. Polls overlap, CloudTrail is late and out of order,
a file may repeat what another had: so what it answers is the same for any order and
any repetition of the same records.
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
from sfnwatch.model.ecs_task import TASK_KEY, TaskState, decode_task_state
from sfnwatch.model.execution import DescribeAnswer, Execution
from sfnwatch.model.history_event import Details, HistoryEvent, decode_event, details_of
from sfnwatch.model.lineage import Lineage, find_lineage
from sfnwatch.model.linking.link import AttemptKey, Link
from sfnwatch.model.linking.linker import LinkChanges, Linker
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
    """What a batch touched."""

    events: dict[str, list[HistoryEvent]] = field(default_factory=dict)
    """The events that are new, by their execution's ARN, in the order of their ids."""
    folded_anew: set[str] = field(default_factory=set)
    """The executions whose visits and attempts are other objects now."""
    visits: dict[str, set[int]] = field(default_factory=dict)
    """The visits that are new or changed, by their execution's ARN."""
    executions: set[str] = field(default_factory=set)
    """The executions of which anything is new."""
    calls: list[str] = field(default_factory=list)
    """The event ids of calls that are new, or read better than before."""
    dropped_calls: list[ApiCall] = field(default_factory=list)
    """Calls that turned out to be the same as another, or sfnwatch's own."""
    links: LinkChanges = field(default_factory=dict)
    """By a call's event id, its link before and its link now."""
    task_states: list[TaskState] = field(default_factory=list)
    map_runs: set[str] = field(default_factory=set)
    children: set[str] = field(default_factory=set)
    """The executions of Map Runs that a list told of."""
    machines: set[str] = field(default_factory=set)
    """The state machines of which it is better known who else ran."""
    healths: list[SourceHealth] = field(default_factory=list)
    lineage: bool = False
    """True if another execution may have started one."""


Mode = Literal["live", "demo", "replay"]
"""Where the records of a trace come from."""
Consumer = Callable[[Batch, Changed], None]
"""Is told of each batch once it was added, on the event loop: must not block."""


class Trace:
    """One or more executions watched together, and the calls around them."""

    def __init__(self) -> None:
        self.version = 0
        """Grows with each batch that was not empty."""
        self.executions: dict[str, Execution] = {}
        """Every execution that anything is known of, by its ARN."""
        self.calls: dict[str, ApiCall] = {}
        """By event id; those of other principals too, and not those of sfnwatch, nor
        rows of Athena that a whole record says the same as."""
        self.ordered_calls: list[ApiCall] = []
        """The calls by their times; of a pair told twice, the whole one."""
        self.own_calls: set[str] = set()
        """The event ids of calls sfnwatch itself made: counted, never shown."""
        self.healths: dict[tuple[str, str, str], list[SourceHealth]] = {}
        """What each source said of itself, by lane, source and execution, in order."""
        self.requests: list[Request] = []
        """What sfnwatch itself sent to AWS, in the order it was sent."""
        self.unread: set[bytes] = set()
        """Records that could not be decoded: counted."""
        self.task_states: dict[str, list[TaskState]] = {}
        """What ECS told of tasks, whoever started them, by ARN, in order."""
        self.map_runs: dict[str, list[MapRun]] = {}
        """What was told of each Map Run, by its ARN, the newest last."""
        self.children: dict[str, list[MapRunChild]] = {}
        """What lists told of each execution of a Map Run, the newest last."""
        self.execution_lists = ExecutionLists()
        self._raw = RawStore()
        self.linker = Linker(self)
        """Says how each call is matched, and what speaks for and against that."""
        self.links: Mapping[str, Link] = self.linker.links
        """How each call is matched, by its event id."""
        self.calls_of: Mapping[AttemptKey, Sequence[ApiCall]] = self.linker.calls_of
        """The calls matched to each attempt, in the order of their times."""
        # Of the batch that is being added: what it touched, the events that are to be
        # folded, by their execution and id, and the calls that are to be matched.
        self._changed = Changed()
        self._new_events: dict[str, dict[int, Details]] = {}
        self._new_calls: list[tuple[ApiCall, Record]] = []
        self._has_rows = False
        """True where rows of Athena do not tell all of a call."""

    def as_of(
        self, at: datetime | None = None, clock: TimeAxis = TimeAxis.EVENT
    ) -> Snapshot:
        """Give what stood at a moment; None is the moment after all others."""
        is_now = at is None and clock is TimeAxis.EVENT
        return self._now if is_now else Snapshot(self, at, clock)

    @cached_property
    def _now(self) -> Snapshot:
        """All there is, until there is more: each item of a batch asks for it."""
        return Snapshot(self, None, TimeAxis.EVENT)

    def task_state(self, key: str) -> TaskState | None:
        """Find what ECS told of a task by its key."""
        arn = key.removeprefix(TASK_KEY).rpartition("#")[0]
        return next((s for s in self.task_states.get(arn, ()) if s.key == key), None)

    @cached_property
    def lineage(self) -> Lineage:
        """Who started whom of the executions known, whenever that was told."""
        order = sorted(
            self.executions.values(),
            key=lambda e: (e.as_of(None).started_at or _ALWAYS, e.arn),
        )
        listed = {arn: told[-1].map_run_arn for arn, told in self.children.items()}
        return find_lineage(order, listed)

    def raw(self, row: DecodedRow) -> Record:
        """Give the record that a row was decoded from, as it came."""
        return parse_object(self._raw.get(row.number))

    def raw_json(self, row: DecodedRow) -> bytes:
        """Give the same as JSON."""
        return self._raw.get(row.number)

    def details(self, event: HistoryEvent) -> Details:
        """Give the details of an event."""
        return details_of(self.raw(event))

    def cloudtrail_record(self, call: ApiCall) -> Record:
        """Give the CloudTrail record of a call; of a row of Athena, its columns."""
        return cloudtrail_record(call.kind, self.raw(call))

    def add(self, batch: Batch) -> Changed:
        """Take records in; what can't be decoded is counted."""
        changed = self._changed = Changed()
        for received in batch:
            try:
                # Events and calls are put in order later, all at once.
                take = self._TAKERS.get(received.kind)
                if take is None:
                    self.unread.add(received.data)
                else:
                    take(self, received)
            except DecodeError:
                self.unread.add(received.data)
        self._fold_events()
        # A set has another order in each process, and visits are told in this one.
        for arn in sorted(changed.executions):
            self._note_attempts(self.executions[arn])
        self._add_calls()
        self._note_known()
        changed.links = self.linker.settle()
        self.__dict__.pop("_now", None)
        if changed.lineage:
            self.__dict__.pop("lineage", None)
        if batch:
            self.version += 1
        return changed

    def _execution(self, received: Received) -> Execution:
        """Find, or begin, the execution that a record is of."""
        arn = received.execution_arn or text_of(received.record.get("executionArn"))
        if arn is None:
            raise DecodeError(f"a {received.kind} record of no execution")
        if arn not in self.executions:
            self.executions[arn] = Execution(arn, self.task_states)
            self._changed.lineage = True
        self._changed.executions.add(arn)
        return self.executions[arn]

    def _take_event(self, received: Received) -> None:
        """Keep an event; of two of one id, the one that was seen first."""
        event, details = received.once(decode_event)
        execution = self._execution(received)
        new = self._new_events.setdefault(execution.arn, {})
        old = execution.events.get(event.id)
        if old and not self._is_earlier(event.seen_at, received.data, old):
            return
        number = self._raw.add(received.data)
        event = replace(event, number=number, execution_arn=execution.arn)
        execution.events[event.id] = event
        new[event.id] = details

    def _is_earlier(
        self, seen_at: datetime | None, data: bytes, old: DecodedRow
    ) -> bool:
        """True if a record was seen before one that is there.

        Without times it is the smaller one that holds.
        """
        before = seen_at or _ALWAYS
        after = old.seen_at or _ALWAYS
        if before != after:
            return before < after
        return data < self._raw.get(old.number)

    def _fold_events(self) -> None:
        """Fold events on, or the whole history anew where one comes below the last."""
        changed = self._changed
        every = self._new_events
        self._new_events = {}
        for arn, details in every.items():
            execution = self.executions[arn]
            known = self.executions[arn].ordered
            events = [execution.events[event_id] for event_id in sorted(details)]
            changed.events[arn] = events
            if events and known and events[0].id <= known[-1].id:
                changed.folded_anew.add(arn)
            if arn in changed.folded_anew:
                execution.begin()
                events = sorted(execution.events.values(), key=lambda event: event.id)
            for event in events:
                new = details.get(event.id)
                execution.take_event(event, self.details(event) if new is None else new)
            if any(event.type == "MapRunStarted" for event in events):
                changed.lineage = True

    def _take_answer(self, received: Received) -> None:
        execution = self._execution(received)
        number = self._raw.add(received.data)
        logging = mapping_of(received.record.get("loggingConfiguration"))
        level = text_of(logging.get("level"))
        told = read_fields(
            DescribeAnswer, received.record, kind=received.kind, log_level=level
        )
        answer = replace(told, seen_at=received.at, number=number)
        if execution.take_answer(answer):
            self._new_events.setdefault(execution.arn, {})
            self._changed.folded_anew.add(execution.arn)
        self._changed.lineage = True

    def _note_attempts(self, execution: Execution) -> None:
        """Tell the linker, and whoever asks, of the attempts that changed."""
        arn = execution.arn
        now = execution.as_of(None)
        role = role_name(now.role_arn)
        touched = execution.fold.changed
        execution.fold.changed = set()
        if arn in self._changed.folded_anew:
            there = {attempt.scheduled_id for _, attempt in now.attempts}
            self.linker.keep_attempts(arn, there)
        if role != execution.role:
            self.linker.set_role(arn, execution.role, role)
            execution.role = role
            touched = set(execution.visits)
        before = execution.unseen_ends
        execution.unseen_ends = now.unseen_ends
        ends = before.items() ^ now.unseen_ends.items()
        touched |= {visit_id for visit_id, _ in ends} & execution.visits.keys()
        visits = [visit for each in touched if (visit := now.visit(each)) is not None]
        for visit in visits:
            for attempt in visit.attempts:
                self.linker.set_attempt(arn, attempt, now.role_arn)
        if touched:
            self._changed.visits[arn] = touched
        if execution.note_started(visits):
            self._changed.lineage = True

    def _take_call(self, received: Received) -> None:
        call, record = received.once(decode_call)
        call = replace(call, number=self._raw.add(received.data))
        self._new_calls.append((call, record))

    def _add_calls(self) -> None:
        new = self._new_calls
        self._new_calls = []
        for call, record in sorted(new, key=lambda pair: by_time(pair[0])):
            self._add_call(call, record)
        added = dict.fromkeys(self._changed.calls)
        self._changed.calls = [e for e in added if e in self.calls]

    def _add_call(self, call: ApiCall, record: Record) -> None:
        event_id = call.event_id
        old = self.calls.get(event_id)
        own = call.own or event_id in self.own_calls
        if old is not None and not own and not self._is_better(call, old):
            return
        if old is not None:
            self._drop_call(old)
        if own:
            # A row of an Athena table may not have said whose call it was.
            self.own_calls.add(event_id)
            return
        same = self._told_alike(call)
        if same and not call.whole:
            return
        twin = self._delivered_before(call, record)
        if twin is not None:
            if not self._is_better(call, twin):
                return
            self._drop_call(twin)
        for row in same:
            self._drop_call(row)
        self.calls[event_id] = call
        insort(self.ordered_calls, call, key=by_time)
        self.linker.add_call(call, record)
        self._changed.calls.append(event_id)

    def _is_better(self, call: ApiCall, old: ApiCall) -> bool:
        if call.whole != old.whole:
            return call.whole
        return self._is_earlier(call.seen_at, self._raw.get(call.number), old)

    def _note_known(self) -> None:
        """Tell the linker how far calls are known, and when others are known better."""
        is_less = False
        if self._changed.healths:
            health = Snapshot(self, None, TimeAxis.EVENT).health.get("lookup")
            is_less = self.linker.known.measure(health.coverage if health else None)
        if is_less or self._changed.machines or self._changed.lineage:
            self.linker.ask_all()

    def _drop_call(self, call: ApiCall) -> None:
        """Take a call out of those that are shown."""
        place = bisect_left(self.ordered_calls, by_time(call), key=by_time)
        del self.ordered_calls[place]
        self.linker.drop_call(call)
        del self.calls[call.event_id]
        self._changed.dropped_calls.append(call)

    def _delivered_before(self, call: ApiCall, record: Record) -> ApiCall | None:
        """Find the call that a record of another event id tells of a second time.

        Two trails may each give one call an event id of its own. The request id alone
        does not say so: a service forwards it to the calls it makes for the request.
        """
        if call.request_id is None:
            return None
        for event_id in self.linker.calls_naming(call.request_id):
            other = self.calls.get(event_id)
            if other is None or _identity(other) != _identity(call):
                continue
            known = self.cloudtrail_record(other)
            if known.get("requestParameters") == record.get("requestParameters"):
                return other
        return None

    def _told_alike(self, call: ApiCall) -> list[ApiCall]:
        """Find the rows that say the same as a whole record, or that of a row."""
        self._has_rows |= not call.whole
        if not self._has_rows:
            return []
        calls = self.ordered_calls
        second = call.microseconds
        first = bisect_left(calls, (second, ""), key=by_time)
        last = bisect_left(calls, (second + 1, ""), first, key=by_time)
        alike = (each for each in calls[first:last] if each.whole != call.whole)
        return [each for each in alike if _outline(each) == _outline(call)]

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
        told = decode_machine_executions(received)
        if self.execution_lists.add(told):
            self._changed.machines.add(told.machine_arn)

    def _take_health(self, received: Received) -> None:
        health = decode_health(received)
        key = health.lane, health.source, received.execution_arn or ""
        if keep_answer(self.healths.setdefault(key, []), health):
            self._changed.healths.append(health)

    def _take_request(self, received: Received) -> None:
        """Keep a request; of very many the newest, in whatever order they came."""
        request = decode_request(received)
        requests = self.requests
        order = request.order()
        place = bisect_left(requests, order, key=Request.order)
        if place < len(requests) and requests[place].order() == order:
            return
        requests.insert(place, request)
        del requests[: len(requests) > KEPT]

    def _take_task_state(self, received: Received) -> None:
        state = decode_task_state(received)
        states = self.task_states.setdefault(state.task_arn, [])
        place = bisect_left(states, state.version, key=lambda each: each.version)
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
    """What takes a record in, by its kind."""


def _identity(call: ApiCall) -> tuple[object, ...]:
    """Give what one call has in common wherever it is recorded."""
    return call.request_id, call.name, call.microseconds, call.error_code


def _outline(call: ApiCall) -> tuple[str | None, ...]:
    """Give what a row of Athena has in common with the record of the same second."""
    return call.event_source, call.event_name, call.error_code, call.role
