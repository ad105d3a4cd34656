"""All that is known of a line: what failed first, then facts, links and records.

Every string that came from AWS is cleaned here. What is too long is cut, and says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import asdict

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.reasons import ambiguity, cause_words
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import DETAIL_TYPE, TaskState
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.history_event import HistoryEvent
from sfnwatch.model.linking.link import AttemptKey, Link, LinkRule
from sfnwatch.model.own_requests import Request
from sfnwatch.model.records import RecordKind
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, iso
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import mapping_of, text_of
from sfnwatch.model.visits import Attempt, StateVisit
from sfnwatch.recording.file_names import safe_name
from sfnwatch.tui.json_text import decode_json, json_text
from sfnwatch.tui.json_tree import JsonNode
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view import weighing_wording, wording
from sfnwatch.view.considered_attempts import (
    AttemptOutcome,
    ConsideredAttempt,
    considered_attempts,
    left_out,
    unsure_calls,
)
from sfnwatch.view.console_urls import call_url, execution_url
from sfnwatch.view.line_context import LineContext
from sfnwatch.view.next_states import next_state
from sfnwatch.view.outline_items import Fold, FoldKind, Item
from sfnwatch.view.parts import (
    Part,
    Role,
    counted,
    plain_text,
    status_glyph,
    status_part,
)

_LONG = 2000
"""Characters of one fact that are shown."""
_LONGEST = 75
"""Bytes of each part of a file's name; file systems allow 255 for the whole name."""
_LINKS = 500
"""Links that are listed; a wait of days has more polls than anyone reads."""
_MOST_LEAVES = 8
"""Parameters that a call's evidence lists."""
_MOST_CONSIDERED = 6
"""Attempts that a call's evidence lists."""
_UNTOLD = "sfnwatch explain --why tells all"

_ASKED = ("Request", "requestParameters"), ("Response", "responseElements")
_RESULTS = ("TaskSucceeded", "FunctionSucceeded", "ActivitySucceeded", "TaskSubmitted")
_PAYLOADS = (
    ("Parameters", "parameters", ("Scheduled",)),
    ("Input", "input", ("ExecutionStarted", "Scheduled", "StateEntered")),
    ("Result", "output", _RESULTS),
    ("Output", "output", ("ExecutionSucceeded", "StateExited")),
)
"""Payloads: title, field of the details, and what the types of their events end in."""

Recorded = HistoryEvent | ApiCall | TaskState


class Fact(NamedTuple):
    """A label, its words, and where they lead; without words it is not shown."""

    label: str
    parts: tuple[Part, ...]
    key: str = ""
    """The key of the line of the lanes that it links to."""
    copied: str = ""
    """The text that is copied, if that is not its words."""
    rows: int = 40
    """Most rows it takes; the screen cuts it, after it has masked names."""


class Section(NamedTuple):
    """A heading, and the entries below it."""

    name: str
    """The same for every line, so that a folded section stays folded."""
    title: str
    entries: Sequence[Fact | JsonNode]


def fact(label: str, text: str | None, role: Role = Role.PLAIN) -> Fact:
    """Return a fact in one role; without parts if the text is unknown."""
    return Fact(label, (Part(clean(text, _LONG), role),) if text else ())


def section(name: str, title: str, entries: Iterable[Fact | JsonNode]) -> Section:
    """Return a section of the entries that are known."""
    told = [e for e in entries if isinstance(e, JsonNode) or e.parts]
    return Section(name, title, told)


class ItemDetail:
    """The details of an item of the lanes, of its line's followers and of its call."""

    def __init__(self, screen_state: ScreenState, item: Item) -> None:
        self._screen_state = screen_state
        self._snapshot = screen_state.snapshot
        self._trace = screen_state.trace
        about = LineContext(screen_state.maker, item)
        self._item = item
        self._events = about.events
        self._call = about.call
        self._task = item if isinstance(item, TaskState) else None
        alone = self._task or self._call
        self._alone: Sequence[Recorded] = [alone] if alone is not None else []
        """The item's records besides events: a task's state, or a call."""
        self.execution = about.execution
        self._visit = about.visit
        self._attempt = about.attempt
        if isinstance(item, Fold):
            self._attempt = self._snapshot.attempt(item.attempt)
        elif any(e.type.endswith("StateEntered") for e in self._events):
            self._attempt = None  # all of its state's tries are told of
        if isinstance(item, Fold) and item.kind is FoldKind.CHILD:
            self.execution = self._snapshot.executions.get(item.child_arn)
            self._visit = None
        elif isinstance(item, ApiCall) and self._visit is None:
            self.execution = None  # no more than its role fits
        self._arn = self.execution.arn if self.execution is not None else ""

    def sections(self) -> Iterator[Section]:
        line = self._screen_state.maker.line(self._item)
        title = plain_text((*line.owner, *line.parts)).strip()
        payload = "Input and output" if self._events else "Request and response"
        told = (
            section("facts", title, self._facts()),
            section("links", "Links", self._links()),
            section("evidence", "Evidence", self._evidence()),
            section("payload", payload, self._payloads()),
            section("records", "Records", self._record_nodes()),
        )
        yield from (each for each in told if each.entries)

    def _error(self) -> tuple[str | None, str | None]:
        """Return the error and the cause of what failed; None for what is unknown."""
        if isinstance(self._item, ApiCall):
            return self._item.error_code, self._item.error_message
        if self._visit is None:
            ending = self.execution.ending if self.execution is not None else None
            return self._screen_state.maker.failure(ending) if ending else (None, None)
        told: Sequence[Attempt | StateVisit] = self._visit, *self._visit.attempts[::-1]
        told = told if self._attempt is None else [self._attempt]
        error = next((each.error for each in told if each.error), None)
        return error, next((each.cause for each in told if each.cause), None)

    def _facts(self) -> Iterator[Fact]:
        """Yield what failed, and why, then all else that is known."""
        error, cause = self._error()
        yield fact("error", error, Role.BAD)
        yield fact("cause", cause_words(cause or ""))
        yield from self._times()
        execution = self.execution
        visit = self._visit
        if execution is not None and len(self._snapshot.executions) > 1:
            yield fact("execution", execution.name)
        if execution is not None and visit is None:
            yield from self._execution_facts(execution)
        if self._call is not None:
            yield from self._call_facts(self._call)
        if self._task is not None:
            yield from _task_facts(self._task, self._screen_state)
        if visit is not None:
            yield from self._visit_facts(visit)
            attempts = visit.attempts if len(visit.attempts) == 1 else ()
            for attempt in [self._attempt] if self._attempt else attempts:
                yield from self._attempt_facts(attempt, visit)
        yield fact("console", self.url)

    def _visit_facts(self, visit: StateVisit) -> Iterator[Fact]:
        """Yield a state's status, the branch a Choice took, and where a Catch went."""
        yield fact("state", f"{visit.path}  {visit.type}")
        yield _status(visit.status, visit.entered_at, visit.ended_at, visit.paused)
        if len(visit.attempts) > 1:
            yield fact("attempts", str(len(visit.attempts)))
        chooses = visit.type == "Choice" or visit.status == "caught"
        after = next_state(self.execution, visit) if chooses else None
        if after is not None:
            name = Part(clean(after.name, _LONG), Role.NAME)
            yield Fact("next", (name,), f"{self._arn}#{after.id}")

    @property
    def url(self) -> str | None:
        """The AWS console's page of it: the call's, or else the execution's."""
        own = call_url(self._call) if self._call is not None else None
        return own or execution_url(self._arn)

    def _times(self) -> Iterator[Fact]:
        rows = self._events or self._alone
        if not rows:
            return
        times = [row.event_time if isinstance(row, ApiCall) else row.at for row in rows]
        whole = isinstance(rows[0], ApiCall)
        told = dict.fromkeys(stamp(self._screen_state, at, whole=whole) for at in times)
        words = " · ".join(told)
        seen = [row.seen_at for row in rows if row.seen_at]
        if seen:
            late = (min(seen) - times[0]).total_seconds()
            more = f"{duration(late)} later" if late >= 1 else "immediately"
            words = f"{words}, received {more}"
        yield fact("when", words)

    def _execution_facts(self, execution: ExecutionAsOf) -> Iterator[Fact]:
        yield _status(execution.status, execution.started_at, execution.stopped_at)
        yield fact("redrives", str(len(execution.redrives) or ""))
        yield fact("machine", execution.state_machine_arn)
        yield fact("role", execution.role_arn)

    def _attempt_facts(self, attempt: Attempt, visit: StateVisit) -> Iterator[Fact]:
        runs = f"{resource_words(attempt)}  {attempt.pattern}"
        yield fact("runs", runs, Role.CALL)
        if len(visit.attempts) > 1:
            number = visit.attempts.index(attempt) + 1
            spent = _spent(attempt.status, attempt.scheduled_at, attempt.ended_at)
            yield fact("attempt", f"{number} of {len(visit.attempts)}, {spent}")
        told = self._screen_state.maker.completion(
            (self._arn, attempt.scheduled_id), attempt
        )
        if told is not None:
            yield Fact("completion", wording.completion_parts(told))
            yield fact("stopped", stamp(self._screen_state, told.stopped_at))
        yield fact("request ID", ", ".join(attempt.request_ids))
        yield fact(wording.id_word(attempt), ", ".join(attempt.resource_ids))

    def _call_facts(self, call: ApiCall) -> Iterator[Fact]:
        link = self._snapshot.link(call)
        if self._events:
            name = Part(clean(call.event_name, _LONG), Role.CALL)
            yield Fact("made", (name,), call.key)
        else:
            words = f"{call.event_source} {call.event_name}  {call.region or ''}"
            yield fact("call", words, Role.CALL)
        if link is not None:
            told = weighing_wording.verdict(self._snapshot, call).removeprefix(
                "matched to "
            )
            told += self._of_others(link)
            yield fact("matched", told, wording.rule_role(link))
        if not self._events:
            by = f"{call.role or '?'} through {call.invoked_by or 'no service'}"
            yield fact("request ID", call.request_id)
            yield fact("by", by)

    def _links(self) -> Iterator[Fact]:
        if isinstance(self._item, ApiCall):
            yield from self._owners(self._item)
            return
        if self._task is not None and self._visit is not None:
            yield from self._owner(self._visit)
        every = self._visit.attempts if self._visit is not None else ()
        tries = every if self._attempt is None else [self._attempt]
        for number, attempt in enumerate(tries, 1):
            if len(tries) > 1:
                yield fact(f"try {number}", attempt.status.replace("_", " "))
            yield from self._calls_of((self._arn, attempt.scheduled_id), attempt)

    def _calls_of(self, key: AttemptKey, attempt: Attempt) -> Iterator[Fact]:
        calls = self._snapshot.calls_of(key)
        for call in calls[:_LINKS]:
            link = self._snapshot.link(call)
            if link is not None:
                text = self._screen_state.maker.call_text(call, link)
                yield self._call_fact(str(link.role), call, text.parts, link.evidence)
        if len(calls) > _LINKS:
            yield fact("", f"… {len(calls) - _LINKS:,} calls more", Role.WARN)
        unsure = unsure_calls(self._snapshot, key)
        if not calls and not unsure:
            yield fact("calls", _absence(attempt), Role.DIM)
        yield from self._unsure(unsure)
        for state in self._tasks_of(key, attempt):
            told = wording.task_text(state)
            time = self._screen_state.looks.time(state.at)
            parts = (Part(f"{time}  ", Role.DIM), told.status, *told.ending)
            yield Fact(f"task {wording.task_id(state)}", parts, state.key)

    def _call_fact(
        self, label: str, call: ApiCall, words: Iterable[Part], why: str
    ) -> Fact:
        """Return a link to a call: its time, what it did, and why it is matched."""
        time = self._screen_state.looks.time(call.event_time, whole=True)
        note = Part(f"  {clean(why, _LONG)}", Role.DIM)
        parts = Part(f"{time}  ", Role.DIM), *words, note
        return Fact(label, parts, call.key, call.event_id)

    def _tasks_of(self, key: AttemptKey, attempt: Attempt) -> Iterator[TaskState]:
        states = self._snapshot.task_states
        for job in attempt.resource_ids:
            if job in states and self._snapshot.task_starter(job) == key:
                yield from (s for s in states[job] if s is not self._task)

    def _of_others(self, link: Link) -> str:
        """Return a note if a match is unsure and the role's other users are unknown."""
        attempt = self._attempt
        arn = link.execution_arn
        if link.key is None or link.is_sure or not attempt or not arn:
            return ""
        others = self._snapshot.trace.execution_lists.count_others
        begin = attempt.scheduled_at
        end = attempt.ended_at
        known = others(arn, begin, end, self._snapshot.executions) is not None
        return "" if known else "; others on this role unknown"

    def _owners(self, call: ApiCall) -> Iterator[Fact]:
        """Yield the state that made a call, or why none is named."""
        link = self._snapshot.link(call)
        if link is None:
            yield fact("state", "no execution watched has to do with it", Role.DIM)
        elif link.rule is LinkRule.AMBIGUOUS:
            return  # its candidates are told with what speaks for them
        elif self._visit is None:
            yield fact("state", "only its role fits an execution here", Role.DIM)
        else:
            yield from self._owner(self._visit)

    def _owner(self, visit: StateVisit) -> Iterator[Fact]:
        """Yield a link to the state, or to its attempt, that the item belongs to."""
        own = self.execution.name if self.execution is not None else ""
        name = clean(own, _LONG) if len(self._snapshot.roots) > 1 else ""
        of = Part(f"{name}  " if name else "", Role.DIM)
        attempt = self._attempt
        event_id = visit.id
        words = clean(visit.path, _LONG)
        if attempt is not None and len(visit.attempts) > 1:
            event_id = attempt.scheduled_id
            number = visit.attempts.index(attempt) + 1
            words += f", try {number} of {len(visit.attempts)}"
        parts = of, Part(f"{words}  "), status_part(visit.status)
        yield Fact("state", parts, f"{self._arn}#{event_id}")

    def _unsure(self, calls: Sequence[tuple[ApiCall, Link]]) -> Iterator[Fact]:
        """Yield the ambiguous calls that an attempt may have made."""
        for call, link in calls[:_MOST_CONSIDERED]:
            name = Part(clean(call.event_name, _LONG), Role.GUESS)
            yield self._call_fact(f"{link.role}?", call, [name], ambiguity(link))
        if len(calls) > _MOST_CONSIDERED:
            yield fact("", f"… and {len(calls) - _MOST_CONSIDERED:,} more", Role.DIM)

    def _evidence(self) -> Iterator[Fact]:
        """Yield the attempts considered for a call, their outcomes and evidence."""
        call = self._call
        if call is None:
            return
        told = considered_attempts(self._snapshot, call)
        for each in told[:_MOST_CONSIDERED]:
            against = "; ".join(weighing_wording.sentences_against(each))
            parts = [Part(f"{each.name}  "), status_part(each.attempt.status)]
            parts += [Part(f"  {against}", Role.DIM)] if against else []
            arn, scheduled_id = each.weighed.key
            yield Fact(each.outcome, tuple(parts), f"{arn}#{scheduled_id}")
            yield from _sides(each, in_full=each is told[0])
        missing = left_out(self._snapshot, call, told)
        more = max(0, len(told) - _MOST_CONSIDERED) + missing
        if more:
            words = f"… and {counted(more, 'more attempt')}: {_UNTOLD}"
            yield fact("", words, Role.DIM)

    def _payloads(self) -> Iterator[JsonNode]:
        key = self._item.key
        execution = self.execution
        told = self._attempt or self._visit
        cause = self._error()[1] or ""
        if cause_words(cause) != cause or len(cause) > _LONG or "\n" in cause:
            yield JsonNode(f"cause/{key}", "Cause", cause)
        if isinstance(self._item, ApiCall):
            record = self._trace.cloudtrail_record(self._item)
            for title, name in _ASKED:
                yield JsonNode(f"{name}/{key}", title, record.get(name))
        elif told is not None:
            yield from self._details(told.event_ids)
        elif execution is not None:
            ends = (*execution.events[:1], *execution.events[-1:])
            own = [e.id for e in ends if e.type.startswith("Execution")]
            yield from self._details(own)

    def _details(self, ids: Sequence[int]) -> Iterator[JsonNode]:
        """Yield the payloads in some events' details; AWS may have cut them.

        If several events have the same kind, the last one counts. A visit's events are
        those that belong to none of its attempts.
        """
        own = self._attempt is not None
        every = map(self.execution.event, ids) if self.execution else ()
        events = [e for e in every if e is not None and (own or not e.attempt_id)]
        for title, name, endings in _PAYLOADS:
            having = [event for event in events if event.type.endswith(endings)]
            for event in having[-1:]:
                details = self._trace.details(event)
                if name in details:
                    about = mapping_of(details.get(f"{name}Details"))
                    cut = "  cut by AWS" if about.get("truncated") is True else ""
                    words = f"{title}  event {event.id}{cut}"
                    yield JsonNode(f"{name}/{event.key}", words, details[name])

    @property
    def records(self) -> Sequence[Recorded]:
        """The rows whose records the line is made from."""
        if not isinstance(self._item, Fold):
            return [*self._events, *self._alone]
        members = self._item.members if self._item.kind is FoldKind.POLLS else ()
        return [member for member in members if isinstance(member, ApiCall)]

    @property
    def records_text(self) -> str:
        """The records as JSON; empty if there are none."""
        records = [_record_json(self._trace, row) for row in self.records]
        if len(records) > 1:
            return json_text(b"[" + b",".join(records) + b"]")
        return json_text(records[0]) if records else ""

    @property
    def file_name(self) -> str:
        """The name of the records' file: the execution and what comes first."""
        first = self.records[0]
        execution = self.execution
        if isinstance(first, TaskState):
            thing = f"task-{first.last_status}"
        else:
            thing = first.event_name if isinstance(first, ApiCall) else str(first.id)
        names = (execution.name if execution is not None else "", thing)
        return "-".join(safe_name(name, _LONGEST) for name in names if name)

    def _record_nodes(self) -> Iterator[JsonNode]:
        for row in self.records:
            value = decode_json(_record_json(self._trace, row))
            yield JsonNode(f"record/{row.key}", _record_title(row), value)


def _record_title(row: Recorded) -> str:
    if isinstance(row, HistoryEvent):
        return clean(f"event {row.id}  {row.type}", 200)
    if isinstance(row, TaskState):
        return f"{DETAIL_TYPE}  version {row.version}"
    return "CloudTrail record"


def _record_json(trace: Trace, row: Recorded) -> bytes:
    """Return a row's record as it came; of a LookupEvents answer, the record inside."""
    if isinstance(row, ApiCall) and row.kind == RecordKind.LOOKUP:
        text = text_of(trace.raw(row).get("CloudTrailEvent")) or ""
        if decode_json(text) is not None:
            return text.encode()
    return trace.raw_json(row)


def stamp(screen_state: ScreenState, at: datetime, *, whole: bool = False) -> str:
    """Return a time in full: `2023-11-15T00:28:24.102Z`, in another zone `…+09:00`."""
    unit = "seconds" if whole else "milliseconds"
    return screen_state.looks.at(at).isoformat(timespec=unit).replace("+00:00", "Z")


def _status(
    status: str, begin: datetime | None, end: datetime | None, paused: float = 0.0
) -> Fact:
    """Return a status, and the time it took: `✔ succeeded after 5m 09s`."""
    glyph = status_glyph(status)
    still = f", and {duration(paused)} stopped" if paused else ""
    words = f"{glyph.text} {_spent(status, begin, end, paused)}{still}"
    return fact("status", words, glyph.role)


def _spent(
    status: str, begin: datetime | None, end: datetime | None, paused: float = 0.0
) -> str:
    if begin is None or end is None:
        return status_words(status)
    seconds = (end - begin).total_seconds() - paused
    return f"{status_words(status)} after {duration(seconds)}"


def _task_facts(state: TaskState, screen_state: ScreenState) -> Iterator[Fact]:
    to_be = state.desired_status or "?"
    version = state.version
    yield fact("task", f"{state.last_status}, desired {to_be}, version {version}")
    yield fact("matched", f"task ARN {state.task_arn}", Role.EXACT)
    why = ": ".join(filter(None, (state.stop_code, state.stopped_reason)))
    yield fact("why", why, wording.task_text(state).status.role)
    if state.stopped_at is not None:
        yield fact("stopped", stamp(screen_state, state.stopped_at))
    for each in state.containers:
        code = f", exit {each.exit_code}" if each.exit_code is not None else ""
        reason = f", {each.reason}" if each.reason else ""
        words = f"{each.name or '?'}  {each.last_status or '?'}{code}{reason}"
        yield fact("container", words, Role.BAD if each.exit_code else Role.PLAIN)


def _sides(each: ConsideredAttempt, *, in_full: bool) -> Iterator[Fact]:
    """Yield the parameters that differ and, unless ruled out, those that agree."""
    differ = each.weighed.comparison.different
    same = each.weighed.comparison.equal
    leaves = [("other", Role.WARN, leaf) for leaf in differ]
    if each.outcome is not AttemptOutcome.RULED_OUT:
        yield from (fact("same", told) for told in each.weighed.same)
        # The call's equal parameters are listed with the first attempt only.
        leaves += [("same", Role.PLAIN, leaf) for leaf in same if in_full]
    for label, role, leaf in leaves[:_MOST_LEAVES]:
        path, value = weighing_wording.leaf_words(leaf)
        yield Fact(label, (Part(f"{path}  ", Role.DIM), Part(value, role)), rows=2)
    if len(leaves) > _MOST_LEAVES:
        more = counted(len(leaves) - _MOST_LEAVES, "more parameter")
        yield fact("", f"… and {more}: {_UNTOLD}", Role.DIM)


def _absence(attempt: Attempt) -> str:
    """Return why an attempt has no calls."""
    row = attempt.integration
    if row is not None and not row.recorded:
        return f"none: CloudTrail's Event history does not include {row.action_event}"
    return "none matched"


def request_section(request: Request) -> Section:
    """Return a section with the record of one of sfnwatch's own requests."""
    record = asdict(request)
    del record["key"]
    record["sent_at"] = iso(request.sent_at)
    node = JsonNode(f"record/{request.key}", "Request record", record)
    title = clean(f"{request.service} {request.operation}", _LONG)
    return section("records", title, [node])
