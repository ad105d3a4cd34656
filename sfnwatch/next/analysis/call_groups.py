"""Calls without a history: grouped by job, and what they look like.

With CloudTrail alone this is as near to an execution as one gets. A poll belongs to the
job whose id it names, or else to the one whose rhythm it fits: Step Functions polls
about once a minute, later about every five minutes. So a poll that comes a minute after
one job was last heard of, and not after another, is of that job. Where it would suit
several they become one group: nothing tells whose it is.

What is counted is fact. What a pattern looks like is inference: a call does not say
which state made it, and how an execution ended no call tells.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import mean
from typing import Any

from msgspec import Struct, field

from sfnwatch.next.analysis.case import FEW, Survey, Work, is_of_job
from sfnwatch.next.analysis.children import ChildIndex, unread_children
from sfnwatch.next.analysis.completion import is_denied
from sfnwatch.next.analysis.failures import failed_call
from sfnwatch.next.analysis.finding import Finding, Steps, finding
from sfnwatch.next.analysis.intervals import Intervals, spread
from sfnwatch.next.analysis.polling import denied_words
from sfnwatch.next.analysis.wording import (
    cadence,
    counted,
    named,
    plural,
    ranked,
    time_of_day,
    times,
)
from sfnwatch.next.model.api_call import ApiCall, ids_in
from sfnwatch.next.model.arns import last_segment
from sfnwatch.next.model.integrations import (
    CallRole,
    Integration,
    jobs_of_call,
    usual_role,
)
from sfnwatch.next.model.json_text import text_of, values_at
from sfnwatch.next.model.records import Record

_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart: after a longer silence a job is over."""
_DUE = tuple(
    (timedelta(seconds=least), timedelta(seconds=most))
    for least, most in ((45, 75), (270, 330))
)
"""How long after its last call a job's next poll may be expected."""
_CROWD = 50
"""Of so many jobs at once no rhythm can be heard."""
_JOB_ID = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""What the random ids of jobs look like; a session's name has other letters."""
_SYNC_MARK = "AWS Step Functions"
_PAUSE = 20
"""After so many records that had to be decoded, the work may pause."""
_NEAR = timedelta(minutes=15)
"""How long before and after an execution a call of its role may have to do with it."""
_PLAIN = ["request-response", "aws-sdk"]
_KINDS = 50


class CallGroup(Struct, eq=False):
    """What was called for one job; for several, where nothing tells them apart."""

    row: Integration
    begun_at: datetime
    last_at: datetime
    actions: list[ApiCall] = field(default_factory=list)
    """One, as a rule; none where the records begin after it."""
    polls: list[ApiCall] = field(default_factory=list)
    stops: list[ApiCall] = field(default_factory=list)
    contested: bool = False
    """True if one of its polls might as well be another's."""
    guessed: bool = False
    """True if the rhythm alone tells that a poll is its, or none of its."""
    paired: bool = True
    """False if the polls name their job, but which action began it is a guess."""
    marked_sync: bool | None = None
    """True if its first action bears the mark of `.sync`; None if that can't be seen.

    Only `.sync` has ECS note who started the task.
    """

    @property
    def calls(self) -> list[ApiCall]:
        return [*self.actions, *self.polls, *self.stops]

    @property
    def first(self) -> ApiCall:
        return min(self.calls, key=_by_time)

    @property
    def role(self) -> str | None:
        """The name of the role that made the calls."""
        return self.first.role

    @property
    def mixed(self) -> bool:
        return len(self.actions) > 1

    @property
    def refused(self) -> bool:
        """True if AWS refused the action: there was no job."""
        return len(self.actions) == 1 and self.actions[0].error_code is not None

    @property
    def action(self) -> ApiCall | None:
        """The action its polls may be counted from."""
        return self.actions[0] if len(self.actions) == 1 and self.paired else None

    def add(self, call: ApiCall) -> None:
        stops = self.row.role_of(call.event_name) is CallRole.STOP
        (self.stops if stops else self.polls).append(call)
        self.last_at = call.event_time

    def asks(self, call: ApiCall) -> bool:
        role = self.row.role_of(call.event_name)
        return role in {CallRole.POLL, CallRole.STOP}

    def is_alive(self, call: ApiCall) -> bool:
        return call.event_time - self.last_at <= _ALIVE

    def is_due(self, call: ApiCall) -> bool:
        silence = call.event_time - self.last_at
        return any(least <= silence <= most for least, most in _DUE)

    def merge(self, other: "CallGroup") -> None:
        """Become one with another, which has nothing left then."""
        if not self.actions:
            self.marked_sync = other.marked_sync
        self.contested = self.contested or other.contested
        self.guessed = self.guessed or other.guessed
        self.actions += other.actions
        self.polls += other.polls
        self.stops += other.stops
        other.actions, other.polls, other.stops = [], [], []


# -- grouping --------------------------------------------------------------------------


def group_calls(survey: Survey, calls: Iterable[ApiCall]) -> Work[list[CallGroup]]:
    """Group calls given in order, those of each role, account and service apart."""
    groupings: dict[tuple[object, ...], _Grouping] = defaultdict(_Grouping)
    for number, call in enumerate(filter(is_of_job, calls)):
        if not number % _PAUSE:
            yield
        record = survey.moment.trace.cloudtrail_record(call)
        place = (call.role, call.account_id, call.region, call.event_source)
        groupings[place].add(call, record)
    found = [group for each in groupings.values() for group in each.groups()]
    return sorted(found, key=lambda group: _by_time(group.first))


class _Grouping:
    """Gives each call of one role and service to its group, one after the other."""

    def __init__(self) -> None:
        self._groups: list[CallGroup] = []
        self._by_id: dict[str, CallGroup] = {}
        self._unnamed: list[CallGroup] = []
        """Groups that may go on, and whose job's id is not known."""
        self._named: list[CallGroup] = []
        self._ties: list[list[CallGroup]] = []
        """Groups that one poll suits alike."""

    def add(self, call: ApiCall, record: Record) -> None:
        rows = jobs_of_call(call.event_source, call.event_name)
        ids = ids_in(record, call.error_message)
        known = (self._by_id[job] for job in sorted(ids) if job in self._by_id)
        group = next((group for group in known if group.asks(call)), None)
        starts = (r for r in rows if r.role_of(call.event_name) is CallRole.ACTION)
        if group is not None:
            group.add(call)
        elif row := next(starts, None):
            self._begin(row, call, record)
        else:
            self._go_on(rows[0], call, {i for i in ids if _JOB_ID.fullmatch(i)})

    def _begin(self, row: Integration, call: ApiCall, record: Record) -> None:
        at = call.event_time
        mark = _sync_mark(row, record)
        group = CallGroup(row, at, at, [call], marked_sync=mark)
        self._groups.append(group)
        if call.error_code is not None:
            return
        ids = _answered_ids(row, record)
        self._by_id.update(dict.fromkeys(ids, group))
        (self._named if ids else self._unnamed).append(group)

    def _go_on(self, row: Integration, call: ApiCall, ids: set[str]) -> None:
        """Give a poll to the group it may belong to, by its rhythm if to several."""
        fitting = self._fitting(call, named=not ids)
        group = self._chosen(fitting, call, first=bool(ids))
        if group is None:
            group = CallGroup(row, call.event_time, call.event_time)
            self._groups.append(group)
            self._unnamed.append(group)
        due = [other for other in fitting if other.is_due(call)]
        if not ids and len(due) > 1:
            self._ties.append(due)
        group.add(call)
        several = fitting if len(fitting) > 1 else []
        if not ids:
            for other in several:
                other.guessed = group.contested = True
        elif len(group.actions) <= 1:
            for other in several:
                other.paired = False
            self._by_id.update(dict.fromkeys(ids, group))
            self._unnamed = [other for other in self._unnamed if other is not group]
            self._named.append(group)

    def _fitting(self, call: ApiCall, *, named: bool) -> list[CallGroup]:
        """Give the groups that are alive and ask so; `named` too, if they may be."""
        self._unnamed = [group for group in self._unnamed if group.is_alive(call)]
        fitting = [group for group in self._unnamed if group.asks(call)]
        if named:
            self._named = [group for group in self._named if group.is_alive(call)]
            fitting += [group for group in self._named if group.asks(call)]
        return fitting

    def _chosen(
        self, fitting: list[CallGroup], call: ApiCall, *, first: bool
    ) -> CallGroup | None:
        """Choose the one that is due; of several the last, of new jobs the first."""
        if len(fitting) > _CROWD:
            return self._merged(fitting)
        due = [group for group in fitting if group.is_due(call)] or fitting
        ordered = sorted(due, key=lambda group: group.begun_at)
        return (ordered[0] if first else ordered[-1]) if ordered else None

    def _merged(self, groups: list[CallGroup]) -> CallGroup:
        first, *others = groups
        for other in others:
            first.merge(other)
        gone = {id(other) for other in others}
        self._unnamed = [group for group in self._unnamed if id(group) not in gone]
        self._named = [group for group in self._named if id(group) not in gone]
        if not any(group is first for group in self._unnamed):
            self._unnamed.append(first)
        return first

    def groups(self) -> Iterator[CallGroup]:
        """Yield what was grouped, once all calls are in."""
        _merge_ties(self._ties)
        held = [group for group in self._groups if group.calls]
        for group in _merge_concurrent(held):
            for calls in (group.actions, group.polls, group.stops):
                calls.sort(key=_by_time)
            if group.actions or group.polls:
                yield group


def _merge_ties(ties: Iterable[Sequence[CallGroup]]) -> None:
    """Make one of those that a poll suited alike, and of all they are one with."""
    into: dict[int, CallGroup] = {}

    def root(group: CallGroup) -> CallGroup:
        while id(group) in into:
            group = into[id(group)]
        return group

    for tie in ties:
        roots = {id(found): found for found in map(root, tie)}
        first, *others = sorted(roots.values(), key=lambda group: group.begun_at)
        for other in others:
            first.merge(other)
            into[id(other)] = first


def _merge_concurrent(groups: Iterable[CallGroup]) -> list[CallGroup]:
    """Make one of those that were polled side by side, told apart by rhythm alone."""
    found: list[CallGroup] = []
    before: dict[str, CallGroup] = {}
    for group in sorted(groups, key=lambda group: group.begun_at):
        other = before.get(group.row.action)
        contested = other is not None and (other.contested or group.contested)
        if other and contested and group.polls and _goes_on(other, group.begun_at):
            other.merge(group)
            continue
        found.append(group)
        if group.contested or group.actions:
            before[group.row.action] = group
    return found


def _goes_on(group: CallGroup, at: datetime) -> bool:
    """True if a job was still polled for at a moment."""
    return bool(group.polls) and group.polls[-1].event_time > at


def _answered_ids(row: Integration, record: Record) -> set[str]:
    """Find the job's id in an action's answer: as in an output, in small letters."""
    answer = record.get("responseElements")
    found = {
        value for path in row.id_paths for value in values_at(answer, _small(path))
    }
    return found | {last_segment(value) for value in found}


def _small(path: str) -> str:
    return ".".join(part[:1].lower() + part[1:] for part in path.split("."))


def _sync_mark(row: Integration, record: Record) -> bool | None:
    parameters = record.get("requestParameters")
    if row.resource_type != "ecs" or not isinstance(parameters, Mapping):
        return None
    return text_of(parameters.get("startedBy")) == _SYNC_MARK


def _by_time(call: ApiCall) -> tuple[datetime, str]:
    return call.event_time, call.event_id


# -- what they look like --------------------------------------------------------------


def calls_alone(survey: Survey, index: ChildIndex) -> Steps:
    """Tell of the calls by Step Functions that belong to no execution of the trace."""
    moment = survey.moment
    calls: Sequence[ApiCall] = survey.unexplained
    if moment.roots:
        # Trails, and CloudTrail asked live, show whatever runs in the account besides.
        near = _near(survey, calls)
        strangers = [call for call in calls if call.event_id not in near]
        calls = [call for call in calls if call.event_id in near]
        if strangers and not survey.coverage.live:
            yield _strangers(strangers)
    unread, calls = unread_children(moment, index, calls)
    yield from unread
    groups: list[CallGroup] = yield from group_calls(survey, calls)
    since = calls[0].event_time if calls else None
    for alike in _alike(groups):
        yield from _group_findings(alike, since)
    yield from _failed(calls)
    if not moment.roots:
        yield from _others(calls)


def _near(survey: Survey, calls: Sequence[ApiCall]) -> set[str]:
    """Find the calls by a role of an execution, made while it ran or soon before."""
    executions = survey.moment.executions.values()
    spans = [
        (e.started_at - _NEAR, e.stopped_at + _NEAR if e.stopped_at else None)
        for e in executions
        if e.started_at is not None
    ]
    links = survey.moment.trace.links
    return {
        call.event_id
        for call in calls
        if call.event_id in links
        and any(
            begin <= call.event_time and (end is None or call.event_time <= end)
            for begin, end in spans
        )
    }


def _strangers(calls: Sequence[ApiCall]) -> Finding:
    roles = {call.role for call in calls}
    verb = "belongs" if len(calls) == 1 else "belong"
    return finding(
        "other-calls",
        f"{plural(len(calls), 'call')} by Step Functions, made by"
        f" {plural(len(roles), 'other role')} or at other times, {verb} to no"
        " execution loaded.",
        (call.event_id for call in calls),
        count=len(calls),
        roles=len(roles),
    )


def _alike(groups: Sequence[CallGroup]) -> list[list[CallGroup]]:
    """Put very many groups of one role and action together; others stay alone."""
    found: dict[tuple[object, ...], list[CallGroup]] = defaultdict(list)
    for group in groups:
        if not group.refused:
            shape = (bool(group.polls), bool(group.actions), group.marked_sync)
            found[group.role, group.row.action, group.mixed, shape].append(group)
    blocks = [
        block
        for each in found.values()
        for block in ([each] if len(each) > FEW else [[group] for group in each])
    ]
    return sorted(blocks, key=lambda block: _by_time(block[0].first))


# -- one group, or many alike ----------------------------------------------------------


def _group_findings(groups: Sequence[CallGroup], since: datetime | None) -> Steps:
    """Tell what groups alike look like, and how they were polled for."""
    block = _Block(groups, since)
    if block.actions:
        yield block.pattern()
    yield None
    if block.polls:
        yield block.polling()
        denied = [poll for poll in block.polls if is_denied(poll)]
        if denied:
            yield block.denied(denied)
    elif block.actions:
        yield block.no_polling()


class _Block:
    """Groups of one role and action that are told of together; mostly only one."""

    def __init__(self, groups: Sequence[CallGroup], since: datetime | None) -> None:
        self.groups, self.first, self.since = groups, groups[0], since
        self.actions = [call for group in groups for call in group.actions]
        self.polls = [call for group in groups for call in group.polls]
        self.many = len(groups) > 1
        self.role = named(self.first.role)
        row, first = self.first.row, self.first.first
        self.resource = f"{row.resource_type}:{row.action}"
        self.of_first: dict[str, Any] = {
            "visit": None,
            "attempt": None,
            "role": self.first.role,
            "resource": self.resource,
            "call": first.event_name,
            "at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}",
            "actions": len(self.first.actions),
        }
        """What all findings say of whose calls they are; of many, of the first."""
        counts = {"actions": len(self.actions), "chains": len(groups)}
        self.data = {**self.of_first, **(counts if self.many else {})}

    @property
    def subject(self) -> str:
        """Name the action, with its time or how often it was called."""
        name = named(self.actions[0].event_name)
        if self.many:
            return f"{name} {times(len(self.actions))}"
        first, last = self.actions[0].event_time, self.actions[-1].event_time
        begin = time_of_day(first, self.since)
        if len(self.actions) == 1:
            return f"{name} at {begin}"
        return f"{len(self.actions)} {name} from {begin} to {time_of_day(last, first)}"

    def pattern(self) -> Finding:
        pattern, candidates, reason = _judged(self.first)
        name = self.resource
        looks = f"{name} (Request Response) or aws-sdk:{name} (AWS SDK integration)"
        looks += ", which calls alone can't tell apart"
        if pattern:
            looks = f"{name}.sync (optimized integration, Run a Job)"
        which = f"{self.subject}, by {self.role}, looks like {looks}: {reason}."
        if self.first.mixed:
            which = f"At least one of {which}"
        if self.many:
            which = f"{self.role} called {self.subject}: each looks like {looks}."
        return finding(
            "pattern",
            which,
            self._evidence(),
            fact=False,
            **self.data,
            pattern=pattern,
            candidates=candidates,
        )

    def polling(self) -> Finding:
        polls, first = self.polls, self.first
        each = [
            Intervals(group.action, [] if group.mixed else group.polls)
            for group in self.groups
        ]
        gaps = [gap for intervals in each for gap in intervals.seconds]
        spaced = {**each[0].data, "mixed": first.mixed}
        denied = sum(map(is_denied, polls))
        refused = f"; {denied_words(denied, len(polls))}" if denied else ""
        words = each[0].words
        if first.mixed:
            words = ", but nothing shows which polls are whose"
        elif self.many:
            words = f", {cadence(mean(gaps))}" if gaps else ""
        after = f"After {self.subject}, " if self.actions else ""
        return finding(
            "polling",
            f"{after}{self.role} polled {times(len(polls))} with"
            f" {named(polls[0].event_name)}{words}{refused}.",
            (call.event_id for call in polls),
            # How many polls came after several actions is counted in any case.
            fact=self.many or first.mixed or not first.guessed,
            **{**self.data, "call": polls[0].event_name},
            count=len(polls),
            denied=denied,
            **(spread(gaps) if self.many else spaced),
        )

    def denied(self, denied: Sequence[ApiCall]) -> Finding:
        words = denied_words(len(denied), len(self.polls))
        return finding(
            "denied-unknown",
            f"{words[:1].upper()}{words[1:]} ({named(denied[0].error_code)});"
            " whether that mattered is not known, because calls alone don't show"
            " how an execution ended.",
            (call.event_id for call in denied),
            **self.of_first,
            count=len(denied),
            polls=len(self.polls),
            error_code=denied[0].error_code,
        )

    def no_polling(self) -> Finding:
        first = self.first
        stops = first.stops
        stopped = f"; {named(stops[0].event_name)} stopped it" if stops else ""
        none = "with no poll after it"
        if first.guessed and not self.many:
            none = "and the polls after it appear to be another's"
        if self.many:
            none, stopped = "with no poll after them", ""
        return finding(
            "calls",
            f"{self.role} called {self.subject}, {none}{stopped}.",
            self._evidence(),
            fact=self.many or not first.guessed,
            **self.data,
            count=len(self.actions),
            polls=0,
        )

    def _evidence(self) -> Iterator[str]:
        return (call.event_id for group in self.groups for call in group.calls)


def _judged(group: CallGroup) -> tuple[str | None, list[str], str]:
    """Say which pattern it looks like, which it may be, and why."""
    if group.marked_sync:
        return "sync", ["sync"], 'it is "startedBy" AWS Step Functions, as .sync\'s are'
    if group.polls:
        poll = named(group.polls[0].event_name)
        return "sync", ["sync"], f"the same role then polled with {poll}, as .sync does"
    if group.marked_sync is False:
        return None, _PLAIN, 'it has no "startedBy" as .sync has, and no poll follows'
    follows = "no poll follows it"
    if group.guessed:
        follows = "the polls that follow appear to be another's"
    none = "nor would one follow a .sync job that ended within a minute"
    return None, [*_PLAIN, "sync"], f"{follows} ({none})"


# -- the rest --------------------------------------------------------------------------


def _failed(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Tell of other calls that failed; polls that were denied are told with theirs."""
    groups: dict[tuple[str, str, str], list[ApiCall]] = defaultdict(list)
    for call in calls:
        if call.error_code and not (is_denied(call) and _is_poll(call)):
            groups[call.role or "", call.event_name, call.error_code].append(call)
    for (role, _, code), those in sorted(groups.items()):
        yield failed_call(f"by {named(role)}", code, those, None, {"role": role})


def _is_poll(call: ApiCall) -> bool:
    return usual_role(call.event_source, call.event_name) is CallRole.POLL


def _others(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Count the calls of a role that have to do with no job."""
    by_role: dict[str, list[ApiCall]] = defaultdict(list)
    for call in calls:
        if not is_of_job(call):
            by_role[call.role or ""].append(call)
    for role, those in sorted(by_role.items()):
        counts = ranked(
            f"{call.event_source.removesuffix('.amazonaws.com')}:{call.event_name}"
            for call in those
        )
        yield finding(
            "calls",
            f"{named(role)} made {plural(len(those), 'other call')}:"
            f" {counted(counts, 5)}.",
            (call.event_id for call in those),
            role=role or None,
            count=len(those),
            calls=dict(list(counts.items())[:_KINDS]),
        )
