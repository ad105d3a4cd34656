"""Calls without a history: grouped by job, and what they look like.

With CloudTrail alone this is as near to an execution as one gets. A poll belongs to the
job whose id it names. One that names none belongs to the job that was polled for so at
the time; where there were several they become one group: nothing tells whose it is.

What is counted is fact. What a pattern looks like is inference: a call does not say
which state made it, and how an execution ended no call tells.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import filterfalse, takewhile
from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.case import (
    MatchedCalls,
    Spacing,
    Survey,
    Work,
    grouped,
    is_of_job,
    spacing,
    spread,
    together,
)
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.jobs import denied_words, polls_told
from sfnwatch.analysis.outcomes import ChildIndex, failed_call, unread_children
from sfnwatch.analysis.phases import is_denied
from sfnwatch.analysis.wording import counted, named, plural, ranked, time_of_day, times
from sfnwatch.model.api_call import ApiCall, ids_in
from sfnwatch.model.integrations import CallRole, Integration, jobs_of_call, usual_role
from sfnwatch.model.records import Record
from sfnwatch.model.values import text_of

_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart: after a longer silence a job is over."""
_JOB_ID = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""What the random ids of jobs look like; a session's name has other letters."""
_SYNC_MARK = "AWS Step Functions"
_PAUSE = 20
"""After so many records that had to be decoded, the work may pause."""
_NEAR = timedelta(minutes=15)
"""How long before and after an execution a call of its role may have to do with it."""
_PLAIN = ["request-response", "aws-sdk"]
_KINDS = 50
_AWS = ".amazonaws.com"


class CallGroup(Struct, eq=False):
    """What was called for one job; for several, where nothing tells them apart."""

    row: Integration
    first: ApiCall
    last_at: datetime
    actions: list[ApiCall] = field(default_factory=list)
    """One, as a rule; none where the records begin after it."""
    polls: list[ApiCall] = field(default_factory=list)
    stops: list[ApiCall] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    """The job's, where they are known."""
    asked_for: bool = False
    """True if a poll named its job."""
    paired: bool = True
    """False if the polls name their job, but which action began it is a guess."""
    guessed: bool = False
    """True if a poll that names no job may be its, or another's."""
    marked_sync: bool | None = None
    """True if its first action bears the mark of `.sync`; None if that can't be seen.

    Only `.sync` has ECS note who started the task.
    """

    @property
    def lists(self) -> tuple[list[ApiCall], ...]:
        return self.actions, self.polls, self.stops

    @property
    def calls(self) -> list[ApiCall]:
        return [call for calls in self.lists for call in calls]

    @property
    def mixed(self) -> bool:
        return len(self.actions) > 1

    @property
    def refused(self) -> bool:
        """True if AWS refused the action: there was no job."""
        return len(self.actions) == 1 and self.actions[0].error_code is not None

    @property
    def spacing(self) -> Spacing:
        action = self.actions[0] if self.actions and self.paired else None
        return spacing(action, self.polls) if not self.mixed else Spacing([])

    def asks(self, call: ApiCall) -> bool:
        role = self.row.role_of(call.event_name)
        return role in {CallRole.POLL, CallRole.STOP}

    def add(self, call: ApiCall, ids: set[str]) -> None:
        self.last_at = call.event_time
        if self.row.role_of(call.event_name) is CallRole.STOP:
            self.stops.append(call)
        else:
            self.polls.append(call)
            self.asked_for = self.asked_for or not ids.isdisjoint(self.ids)

    def merge(self, other: "CallGroup") -> None:
        """Become one with another, which has nothing left then."""
        if not self.actions:
            self.marked_sync = other.marked_sync
        self.ids |= other.ids
        for own, its in zip(self.lists, other.lists, strict=True):
            own.extend(its)
            own.sort(key=_by_time)
            its.clear()


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
    found = [group for each in groupings.values() for group in each.groups]
    told = [group for group in found if group.actions or group.polls]
    for group in told:
        if group.actions and not group.polls:
            group.guessed = group.guessed or _may_be_polled(group, survey.unproven)
    return sorted(told, key=lambda group: _by_time(group.first))


def _may_be_polled(group: CallGroup, unproven: Sequence[ApiCall]) -> bool:
    """Tell whether polls that fit a watched attempt may be a group's as well."""
    begin = group.first.event_time
    place = bisect_left(unproven, begin, key=lambda call: call.event_time)
    near = takewhile(lambda c: c.event_time - begin <= _ALIVE, unproven[place:])
    return any(c.role == group.first.role and group.asks(c) for c in near)


class _Grouping:
    """Gives each call of one role and service to its group, one after the other."""

    def __init__(self) -> None:
        self.groups: list[CallGroup] = []
        self._alive: list[CallGroup] = []
        """Those that may go on."""
        self._by_id: dict[str, CallGroup] = {}

    def add(self, call: ApiCall, record: Record) -> None:
        rows = jobs_of_call(call.event_source, call.event_name)
        ids = ids_in(record, call.error_message)
        known = (self._by_id[job] for job in sorted(ids) if job in self._by_id)
        group = next((group for group in known if group.asks(call)), None)
        starts = (r for r in rows if r.role_of(call.event_name) is CallRole.ACTION)
        if group is not None:
            group.add(call, ids)
        elif row := next(starts, None):
            mark = _sync_mark(row, record)
            group = self._begin(CallGroup(row, call, call.event_time, [call]))
            group.marked_sync = mark
            self._name(group, row.ids_in(record.get("responseElements")))
        else:
            self._go_on(rows[0], call, {i for i in ids if _JOB_ID.fullmatch(i)})

    def _begin(self, group: CallGroup) -> CallGroup:
        self.groups.append(group)
        if not group.refused:
            self._alive.append(group)
        return group

    def _name(self, group: CallGroup, ids: set[str]) -> None:
        group.ids |= ids
        self._by_id.update(dict.fromkeys(group.ids, group))

    def _go_on(self, row: Integration, call: ApiCall, ids: set[str]) -> None:
        """Give a poll to the group it may belong to: its job's id is not known."""
        at = call.event_time
        self._alive = [g for g in self._alive if at - g.last_at <= _ALIVE and g.calls]
        open_ = [g for g in self._alive if not (ids and g.ids) or g.mixed]
        fitting = [group for group in open_ if group.asks(call)]
        several = len(fitting) > 1
        if several and not ids:
            for each in fitting:
                each.guessed = True
            # One that is asked for by its id has its polls.
            fitting = [group for group in fitting if not group.asked_for]
            for other in fitting[1:]:
                fitting[0].merge(other)
        elif several:
            # The first that was begun is taken for the job that it names.
            for each in fitting:
                each.paired = False
        new = CallGroup(row, call, at, guessed=several)
        group = fitting[0] if fitting else self._begin(new)
        self._name(group, ids)
        group.add(call, ids)


def _sync_mark(row: Integration, record: Record) -> bool | None:
    parameters = record.get("requestParameters")
    if row.resource_type != "ecs" or not isinstance(parameters, Mapping):
        return None
    return text_of(parameters.get("startedBy")) == _SYNC_MARK


def _by_time(call: ApiCall) -> tuple[datetime, str]:
    return call.event_time, call.event_id


# -- what they look like ---------------------------------------------------------------


def calls_alone(survey: Survey, index: ChildIndex) -> Steps:
    """Tell of the calls by Step Functions that belong to no execution of the trace."""
    moment = survey.moment
    calls: Sequence[ApiCall] = survey.unexplained
    if moment.roots:
        # Trails, and CloudTrail asked live, show whatever runs in the account besides.
        near = [call for call in calls if _is_near(survey, call)]
        if len(near) < len(calls) and not survey.coverage.live:
            known = {call.event_id for call in near}
            yield _strangers([call for call in calls if call.event_id not in known])
        calls = near
    unread, calls = unread_children(moment, index, calls)
    yield from unread
    groups: list[CallGroup] = yield from group_calls(survey, calls)
    since = calls[0].event_time if calls else None
    for alike in _alike(groups):
        yield None
        yield from _ToldGroups(alike, since).findings()
    yield from _failed(calls)
    if not moment.roots:
        yield from _others(calls)


def _is_near(survey: Survey, call: ApiCall) -> bool:
    """True for a call by a role of an execution, made while it ran or soon before."""
    return call.event_id in survey.moment.trace.links and any(
        each.started_at is not None
        and each.started_at - _NEAR <= call.event_time
        and (not each.stopped_at or call.event_time <= each.stopped_at + _NEAR)
        for each in survey.moment.executions.values()
    )


def _strangers(calls: Sequence[ApiCall]) -> Finding:
    roles = {call.role for call in calls}
    belong = "belongs" if len(calls) == 1 else "belong"
    text = f"{plural(len(calls), 'call')} by Step Functions, made by"
    text += f" {plural(len(roles), 'other role')} or at other times, {belong} to no"
    text += " execution loaded."
    proofs = (call.event_id for call in calls)
    return finding("other-calls", text, proofs, count=len(calls), roles=len(roles))


def _alike(groups: Sequence[CallGroup]) -> list[Sequence[CallGroup]]:
    """Put very many groups of one role and action together; others stay alone."""

    def likeness(group: CallGroup) -> Hashable:
        shape = (bool(group.polls), bool(group.actions), group.marked_sync)
        return group.first.role, group.row.action, group.mixed, shape

    found = grouped((group for group in groups if not group.refused), likeness)
    blocks = [block for each in found.values() for block in together(each)]
    return sorted(blocks, key=lambda block: _by_time(block[0].first))


class _ToldGroups:
    """Groups of one role and action that are told of together; mostly only one."""

    def __init__(self, groups: Sequence[CallGroup], since: datetime | None) -> None:
        self.groups, self.first, self.many = groups, groups[0], len(groups) > 1
        self.actions = [call for group in groups for call in group.actions]
        self.polls = [call for group in groups for call in group.polls]
        self.denied = list(filter(is_denied, self.polls))
        row, first = self.first.row, self.first.first
        self.role = named(first.role)
        self.resource = f"{row.resource_type}:{row.action}"
        self.subject = _subject(self.actions, since, many=self.many)
        self.of_first: dict[str, Any] = {
            "visit": None,
            "attempt": None,
            "role": first.role,
            "resource": self.resource,
            "call": first.event_name,
            "at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}",
            "actions": len(self.first.actions),
        }
        """What all findings say of whose calls they are; of many, of the first."""
        counts = {"actions": len(self.actions), "chains": len(groups)}
        self.place = {**self.of_first, **(counts if self.many else {})}

    def findings(self) -> Iterator[Finding]:
        """Tell what they look like, and how they were polled for."""
        if self.actions:
            yield self._pattern()
        if self.polls:
            yield self._polling()
            if self.denied:
                yield self._denied()
        elif self.actions:
            yield self._no_polling()

    def _pattern(self) -> Finding:
        pattern, candidates, reason = _judged(self.first)
        name = self.resource
        looks = f"{name} (Request Response) or aws-sdk:{name} (AWS SDK integration)"
        looks += ", which calls alone can't tell apart"
        if self.first.guessed and not self.first.polls:
            looks = f"any form of {name}"
        if pattern:
            looks = f"{name}.sync (optimized integration, Run a Job)"
        text = f"{self.subject}, by {self.role}, looks like {looks}: {reason}."
        if self.first.mixed:
            text = f"At least one of {text}"
        if self.many:
            text = f"{self.role} called {self.subject}: each looks like {looks}."
        told = {**self.place, "pattern": pattern, "candidates": candidates}
        return finding("pattern", text, self._evidence(), fact=False, **told)

    def _polling(self) -> Finding:
        first, after = self.first, f"After {self.subject}, " if self.actions else ""
        words, figures = first.spacing.words(), first.spacing.data
        figures["mixed"] = first.mixed
        if self.many:
            gaps = [gap for group in self.groups for gap in group.spacing.seconds]
            words, figures = Spacing(gaps).words(several=True), spread(gaps)
        if first.mixed:
            words = ", but nothing shows which polls are whose"
        # How many polls came after several actions is counted in any case.
        sure = self.many or first.mixed or not first.guessed
        told = {**self.place, **figures}
        who, polls = f"{after}{self.role}", MatchedCalls(self.polls)
        return polls_told(who, polls, words, told, settled=True, fact=sure)

    def _denied(self) -> Finding:
        denied, count = self.denied, len(self.polls)
        code, words = denied[0].error_code, denied_words(len(denied), count)
        text = f"{words[:1].upper()}{words[1:]} ({named(code)}); whether that mattered"
        text += " is not known, because calls alone don't show how an execution ended."
        data = {**self.of_first, "count": len(denied), "polls": count}
        proofs = (call.event_id for call in denied)
        return finding("denied-unknown", text, proofs, **data, error_code=code)

    def _no_polling(self) -> Finding:
        stops = [] if self.many else self.first.stops
        stopped = f"; {named(stops[0].event_name)} stopped it" if stops else ""
        them = "them" if self.many else "it"
        no_poll = f"no poll after {them} is matched"
        text = f"{self.role} called {self.subject}; {no_poll}{stopped}."
        told = {**self.place, "count": len(self.actions), "polls": 0}
        sure = self.many or not self.first.guessed
        return finding("calls", text, self._evidence(), fact=sure, **told)

    def _evidence(self) -> Iterator[str]:
        return (call.event_id for group in self.groups for call in group.calls)


def _subject(actions: Sequence[ApiCall], since: datetime | None, *, many: bool) -> str:
    """Name the action, with its time or how often it was called."""
    if not actions:
        return ""
    name, first, last = named(actions[0].event_name), actions[0], actions[-1]
    if many:
        return f"{name} {times(len(actions))}"
    begin = time_of_day(first.event_time, since)
    if first is last:
        return f"{name} at {begin}"
    end = time_of_day(last.event_time, first.event_time)
    return f"{len(actions)} {name} from {begin} to {end}"


def _judged(group: CallGroup) -> tuple[str | None, list[str], str]:
    """Say which pattern it looks like, which it may be, and why."""
    if group.marked_sync:
        return "sync", ["sync"], 'it is "startedBy" AWS Step Functions, as .sync\'s are'
    if group.polls:
        poll = named(group.polls[0].event_name)
        return "sync", ["sync"], f"the same role then polled with {poll}, as .sync does"
    if group.guessed and group.marked_sync is None:
        return None, [*_PLAIN, "sync"], "polls that may be another's may be its own"
    if group.marked_sync is False:
        return None, _PLAIN, 'it has no "startedBy" as .sync has, and no known poll'
    none = "nor would one follow a .sync job that ended within a minute"
    return None, [*_PLAIN, "sync"], f"no poll of it is known ({none})"


# -- the rest --------------------------------------------------------------------------


def _failed(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Tell of other calls that failed; polls that were denied are told with theirs."""
    failed = (c for c in calls if c.error_code and not (is_denied(c) and _is_poll(c)))
    groups = grouped(failed, lambda c: (c.role or "", c.event_name, c.error_code or ""))
    for (role_name, *_), those in sorted(groups.items()):
        place = {"role": role_name}
        yield failed_call(named(role_name), MatchedCalls(those), place, quoted=False)


def _is_poll(call: ApiCall) -> bool:
    return usual_role(call.event_source, call.event_name) is CallRole.POLL


def _others(calls: Sequence[ApiCall]) -> Iterator[Finding]:
    """Count the calls of a role that have to do with no job."""
    by_role = grouped(filterfalse(is_of_job, calls), lambda call: call.role or "")
    for role, those in sorted(by_role.items()):
        names = ((c.event_source.removesuffix(_AWS), c.event_name) for c in those)
        counts = ranked(":".join(name) for name in names)
        told = plural(len(those), "other call")
        text = f"{named(role)} made {told}: {counted(counts, 5)}."
        data: dict[str, Any] = {"role": role or None, "count": len(those)}
        data["calls"] = dict(list(counts.items())[:_KINDS])
        yield finding("calls", text, (call.event_id for call in those), **data)
