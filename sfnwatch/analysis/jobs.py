"""How a state called its service, and how its job was waited for.

By which pattern, how it was polled for, whether denied polls mattered, what told of its
end; what several executions that did so in several ways show together; and what calls
look like that belong to no execution.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import filterfalse
from statistics import median
from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.case import (
    AttemptCase,
    Attempts,
    Case,
    Spacing,
    StateUse,
    Survey,
    Work,
    is_of_job,
    spacing,
)
from sfnwatch.analysis.finding import Finding, Steps, finding
from sfnwatch.analysis.outcomes import failed_call, unread_children
from sfnwatch.analysis.phases import ENDED_OTHERWISE, Completion, MatchedCalls, ToldBy
from sfnwatch.analysis.wording import (
    counted,
    ended_words,
    grouped,
    integration_text,
    named,
    plural,
    ranked,
    resource_words,
    spoken,
    time_of_day,
    together,
)
from sfnwatch.model.api_call import ApiCall, by_time, ids_in
from sfnwatch.model.integrations import CallRole, Integration, jobs_of_call
from sfnwatch.model.records import Record
from sfnwatch.model.times import iso, maybe_iso

_EASED = timedelta(minutes=10)
_SOON = timedelta(seconds=60)
"""When the next poll is due at first: a hint, no promise."""
_LATER = timedelta(seconds=300)
"""When it is due ten minutes after the submission."""
_OUTCOMES = {"succeeded": "denied-but-succeeded", "running": "denied-unknown"}
_BY = {
    ToldBy.EVENT: "by an event",
    ToldBy.POLL: "by a poll",
    ToldBy.UNKNOWN: "not known",
}


def job_findings(use: StateUse) -> Steps:
    """Tell how a state called its service, and how its job was waited for."""
    for tell in (denials, completions, polling, calls):
        yield from tell(use)
        yield None


# -- patterns --------------------------------------------------------------------------


def patterns(case: Case) -> Iterator[Finding]:
    """Tell by which pattern states call, and what that means, like ones together."""
    for uses in grouped(case.uses, lambda use: resource_words(use.first)).values():
        first, proofs = uses[0].first, (f"#{use.first.scheduled_id}" for use in uses)
        text = integration_text([use.name for use in uses], first)
        data: dict[str, Any] = {"visit": uses[0].visits[0].id, "states": len(uses)}
        data["visits"] = sum(len(use.visits) for use in uses)
        yield finding("pattern", text, proofs, **data, pattern=str(first.pattern))


# -- polls -----------------------------------------------------------------------------


def polling(use: StateUse) -> Iterator[Finding]:
    """Tell of the polls of each attempt; of very many attempts together."""
    for polled in together([each for each in use.attempts if each.polls.every]):
        yield _polling(Attempts(polled))
        if len(polled) == 1 and polled[0].running and polled[0].polls.sure:
            yield _next(polled[0])


def _polling(polled: Attempts) -> Finding:
    first = polled.first
    spacing = polled.first.spacing
    who = f"While {first.subject} waited"
    words = spacing.words()
    settled = all(each.settled for each in polled.cases)
    if len(first.known_polls) < len(first.polls.sure):
        words = words.replace(", ", ", at first ", 1)
    if polled.several:
        action = first.action.event_name if first.action else None
        spacing = Spacing(polled.gaps, action)
        who = f"While {first.use.name} waited in {len(polled.cases)} attempts"
        words = spacing.words(several=True)
    data = {**polled.place, **spacing.data}
    if polled.so_far:
        data["so_far"] = True
    who = f"{who}, Step Functions"
    guessed = {*polled.polls.ids}
    open_polls = {
        poll.event_id
        for case in polled.cases
        for poll in case.polls_that_may_be_its
        if poll.event_id not in guessed
    }
    if open_polls:
        words += f"; {plural(len(open_polls), 'more poll')} of that time may be its own"
    is_whole = not open_polls
    return polls_told(who, polled.polls, words, data, settled=settled, fact=is_whole)


def polls_told(
    who: str,
    polls: MatchedCalls,
    words: str,
    data: Mapping[str, Any],
    *,
    settled: bool,
    fact: bool = True,
) -> Finding:
    """Tell how often somebody polled; `words` say at what intervals.

    Of guesses it is only told how often that may have been. What is not `settled` may
    be told otherwise once more has come.
    """
    name = polls.every[0].event_name
    denied = polls.denied
    so_far = " so far" if "so_far" in data else ""
    count = len(denied.sure)
    refused = f"; {denied_words(count, len(polls.sure))}" if count else ""
    if polls.guessed:
        some_of = f"{len(polls.guessed)} of them " if polls.sure else ""
        words = f"; {some_of}matched by role, action and time"
        refused = f"; up to {len(denied.every)} denied" if denied.every else ""
    unsure = "" if settled else "; later records may change this"
    often = f"{who} polled {polls.often}{so_far} with {named(name)}"
    data = {**data, "call": name, **polls.figures, "denied": count}
    fact = fact and settled and not polls.guessed
    text = f"{often}{words}{refused}{unsure}."
    return finding("polling", text, polls.ids, fact=fact, **data)


def denied_words(denied: int, count: int) -> str:
    """Say how many polls were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def _next(case: AttemptCase) -> Finding:
    """Say when the next poll may be expected: a hint, no promise."""
    polls = case.polls.sure
    begun = (case.action or polls[0]).event_time
    last = polls[-1]
    eased = last.event_time - begun >= _EASED
    expected = last.event_time + (_LATER if eased else _SOON)
    text = f"{case.subject} is still waiting: its next {named(last.event_name)} is"
    text += f" expected about {time_of_day(expected)}; polls come about every 60 s at"
    text += " first, later about every 300 s."
    data = {**case.place, "expected_at": iso(expected)}
    return finding("next-poll", text, [last.event_id], fact=False, **data)


# -- denied polls ----------------------------------------------------------------------


def denials(use: StateUse) -> Iterator[Finding]:
    """Tell whether it mattered that polls were denied; of very many together."""

    def outcome(each: AttemptCase) -> str:
        return _OUTCOMES.get(each.attempt.status, "denied-and-failed")

    denied = (each for each in use.attempts if each.polls.denied.every)
    for kind, cases in grouped(denied, outcome).items():
        for told in together(cases):
            yield _denied(kind, Attempts(told))


_MANY = 3


def _denied(kind: str, told: Attempts) -> Finding:
    polls = told.polls
    denied = told.denied
    subject = told.first.subject
    if told.several:
        subject = f"{named(told.first.visit.name)} ({len(told.cases)} attempts)"
    count = len(denied.sure)
    most = len(denied.every)
    all_seen = count == len(polls.sure) and not polls.guessed
    every = told.complete and all_seen
    often = f"{count} of {plural(len(polls.sure), 'poll')}"
    of_all = ""
    if polls.guessed:
        often = f"{'Up to ' if denied.guessed else ''}{plural(most, 'poll')}"
    if every:
        often = "Every poll"
        of_all = f" ({count} of {count})"
    # Of a few that are seen nothing follows for those that are not.
    became = _mattered(kind, told, seen=every or (all_seen and count >= _MANY))
    so_far = "" if kind == "denied-unknown" else told.so_far
    ended = [each.end_event for each in told.cases if not each.running]
    text = f"{often} for {subject} {'was' if every or most == 1 else 'were'} denied"
    text += f"{so_far}{of_all}, {became}."
    data = {**told.place, **denied.figures, "polls": len(polls.sure)}
    data["error_code"] = next(iter(ranked(c.error_code or "" for c in denied.every)))
    fact = kind == "denied-unknown" and not polls.guessed
    return finding(kind, text, [*denied.ids, *ended], fact=fact, **data)


def _mattered(kind: str, told: Attempts, *, seen: bool) -> str:
    """Say what the denials led to; `seen`: no poll is that was answered."""
    subject = "they" if told.several else "it"
    attempt = told.first.attempt
    harmless = "the denials did not decide the outcome"
    if kind == "denied-unknown":
        return "and the state is still waiting: whether that matters is not known yet"
    if kind == "denied-but-succeeded" and not seen:
        return f"yet {subject} still succeeded: {harmless}"
    if kind == "denied-but-succeeded":
        row = attempt.integration
        # For another account's job events are not used.
        rule = row.managed_rule if row and attempt.role_arn is None else None
        also = f": the EventBridge managed rule {rule} reports it too" if rule else ""
        likely = "" if told.complete else " most likely"
        refuted = f"so completion{likely} doesn't depend on polling"
        return f"yet {subject} still succeeded, {refuted}{also}"
    known = (each.attempt.stopped_at for each in told.cases)
    if all(known) and not told.statuses & ENDED_OTHERWISE:
        learned = "because the job failed, which was still detected"
        return f"and {subject} failed {learned}: {harmless}"
    return f"and {subject} did not succeed: whether the denials mattered is not known"


# -- completion lag --------------------------------------------------------------------


def completions(use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt whose job says when it stopped; of very many together."""
    told = [(each, each.completion) for each in use.attempts if each.completion]
    for those in together(told):
        yield _completion(*those[0]) if len(those) == 1 else _completions(those)
    yield from _never_learned(use)


def _completion(each: AttemptCase, told: Completion) -> Finding:
    at = time_of_day(told.stopped_at, each.use.execution.started_at)
    text = f"The {told.job} started by {each.subject} stopped at {at}; Step Functions"
    text += f" learned of it {spoken(told.lag)} later, {_told_by(each, told)}."
    polls = MatchedCalls(each.polls.sure, told.possible_polls)
    data = {**each.place, "seconds": round(told.lag, 3), "by": str(told.by)}
    data |= {"stopped_at": iso(told.stopped_at), "noticed_at": iso(told.learned_at)}
    if told.failed_polls:
        data["failed_polls"] = len(told.failed_polls)
    open_ = told.by is ToldBy.UNKNOWN and not told.possible_polls
    return finding("noticed", text, [*_witnesses(each), *polls.ids], fact=open_, **data)


def _witnesses(each: AttemptCase) -> list[str]:
    """Name the event that ended it, and where that does not tell what ECS told."""
    told = each.attempt.told_by
    return [each.end_event, *([told.key] if told is not None else [])]


def _told_by(each: AttemptCase, told: Completion) -> str:
    """Say what told of the end, or why that is not known."""
    if told.by is ToldBy.EVENT:
        rule = each.attempt.integration and each.attempt.integration.managed_rule
        event = f"the EventBridge managed rule {rule}" if rule else "an event"
        also = "and " if told.failed_polls and told.surely_between else ""
        return f"from {event}, {also}{told.between}"
    if told.by is ToldBy.POLL and told.certain:
        return f"with a {told.poll_name} call in between"
    if told.by is ToldBy.POLL:
        return "from a poll or from an event: both fall within the same second"
    why = "but CloudTrail hasn't caught up to that point yet"
    coverage = each.use.survey.coverage
    ends_at = coverage.complete_to
    if not coverage.live and ends_at is not None:
        is_short = ends_at < told.learned_at
        why = "but the file may lack calls of that time"
        why = f"but the file ends at {time_of_day(ends_at)}" if is_short else why
    if told.possible_polls:
        why = told.between
    elif not each.use.survey.watched:
        why = "but no CloudTrail data is loaded"
    elif each.attempt.role_arn is not None:
        why = "but polls by its own role may be in another account's CloudTrail"
    elif not each.calls.sure:
        why = "but no call is matched to it"
    return f"{why}, so it's not known whether a poll or an event reported it"


def _completions(told: Sequence[tuple[AttemptCase, Completion]]) -> Finding:
    lags = [completion.lag for _, completion in told]
    counts = Counter(completion.by for _, completion in told)
    ways = {by: counts[by] for by in ToldBy if counts[by]}
    # Found first: the latest is the one that is worth a look.
    latest, _ = max(told, key=lambda each: (each[1].lag, -each[0].visit.id))
    middle, least, most = (spoken(f(lags)) for f in (median, min, max))
    range_ = least if least == most else f"{least} to {most} (median {middle})"
    job = plural(len(told), told[0][1].job)
    told_by = ", ".join(f"{count} {_BY[by]}" for by, count in ways.items())
    text = f"Step Functions learned that the {job} started by {latest.use.name} had"
    text += f" stopped {range_} after they did: {told_by}."
    data = {**told[0][0].place, "tries": len(told)}
    data["by"] = {str(by): count for by, count in ways.items()}
    for key, of in (("seconds", median), ("seconds_min", min), ("seconds_max", max)):
        data[key] = round(of(lags), 3)
    proofs = [latest.end_event, *(each.end_event for each, _ in told)]
    open_ = ways.keys() == {ToldBy.UNKNOWN}
    open_ = open_ and not any(completion.possible_polls for _, completion in told)
    return finding("noticed", text, proofs, fact=open_, **data)


def _never_learned(use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt that ended otherwise, though its job had stopped before.

    What would have told Step Functions was lost: the event, and no poll got through.
    """
    for each in use.attempts:
        attempt = each.attempt
        stopped = attempt.stopped_at
        ended = attempt.ended_at
        learned = attempt.status not in ENDED_OTHERWISE
        if learned or stopped is None or ended is None or ended <= stopped:
            continue
        seconds = (ended - stopped).total_seconds()
        job = attempt.integration.job_word if attempt.integration else "job"
        at = time_of_day(stopped, use.execution.started_at)
        text = f"The {job} started by {each.subject} had stopped at {at}, and Step"
        text += " Functions had not learned of it when the state"
        text += f" {ended_words(attempt.status)} {spoken(seconds)} later."
        data = {**each.place, "stopped_at": iso(stopped), "ended_at": maybe_iso(ended)}
        data |= {"seconds": round(seconds, 3), "status": attempt.status}
        yield finding("unnoticed", text, _witnesses(each), fact=False, **data)


# -- calls of those that are not polled for --------------------------------------------


def calls(use: StateUse) -> Iterator[Finding]:
    """Tell which calls a state made that made some, as far as is known, and no poll."""
    made = [each for each in use.attempts if each.actions.every]
    if not made or any(each.polls.every for each in use.attempts):
        return
    told = Attempts(made)
    waited = made if use.starts_job else ()
    unmatched = [poll for each in waited for poll in each.polls_that_may_be_its]
    surely = not use.starts_job or all(each.is_seen_whole for each in made)
    actions = told.actions
    action = told.actions.every[0].event_name
    others = len(told.calls.sure) - len(actions.sure)
    more = plural(others, "other call") if others else "no other call"
    text = f"{use.name} ({resource_words(use.first)}) called {named(action)}"
    text += f" {actions.often}; {more} matched"
    text += use.survey.known_words if use.starts_job else ""
    if unmatched:
        text += f"; {plural(len(unmatched), 'poll')} of that time may be its own"
    unproven = use.unproven_calls(actions.every[0].name, None)
    if unproven:
        more_calls = plural(len(unproven), f"more {named(action)} call")
        text += f"; {more_calls} of that time may be its own"
    data = {**told.first.place, "call": action, **actions.figures, "others": others}
    data |= {"polls": 0, "pattern": str(use.first.pattern)}
    is_open = told.calls.guessed or unmatched or unproven
    fact = surely and not is_open
    yield finding("calls", f"{text}.", told.calls.ids, fact=fact, **data)


# -- calls alone -----------------------------------------------------------------------
#
# With CloudTrail alone this is as near to an execution as one gets. A call belongs to
# the job whose id it names. Those that name none, such as denied ones, and rows of few
# columns, are taken together: nothing tells whose they are.
#
# What is counted is fact. What a pattern looks like is inference: a call does not say
# which state made it, and how an execution ended no call tells.

_ALIVE = timedelta(seconds=400)
"""Polls come at most about 300 s apart: after a longer silence a job is over."""
_JOB_ID = re.compile(r"[a-z]{0,3}[_:-]?[0-9a-f-]{32,64}|[js]-[0-9A-Z]{10,}")
"""What the random ids of jobs look like; a session's name has other letters."""
_NEAR = timedelta(minutes=15)
"""How long before and after an execution a call of its role may have to do with it."""
_PLAIN = ["request-response", "aws-sdk"]
_KINDS = 50
_AWS = ".amazonaws.com"


class JobCalls(Struct, eq=False):
    """What was called for one job; for several, where nothing tells them apart."""

    row: Integration
    calls: list[ApiCall] = field(default_factory=list)
    """All of them, in order."""
    actions: list[ApiCall] = field(default_factory=list)
    """One, as a rule; none where the records begin after it."""
    named: bool = False
    """True if calls name its job."""
    guessed: bool = False
    """True if a poll that names no job may be its, or another's."""

    @property
    def polls(self) -> list[ApiCall]:
        role_of = self.row.role_of
        poll = CallRole.POLL
        return [call for call in self.calls if role_of(call.event_name) is poll]

    @property
    def mixed(self) -> bool:
        return len(self.actions) > 1

    @property
    def spacing(self) -> Spacing:
        action = self.actions[0] if self.actions and not self.guessed else None
        return spacing(action, self.polls) if not self.mixed else Spacing([])


def group_calls(survey: Survey, calls: Iterable[ApiCall]) -> Work[list[JobCalls]]:
    """Group calls given in order, those of each role, account and service apart."""
    told: list[JobCalls] = []

    def place(call: ApiCall) -> Hashable:
        return call.role, call.account_id, call.region, call.event_source

    for those in grouped(filter(is_of_job, calls), place).values():
        found: list[JobCalls] = yield from _by_job(survey, those)
        for group in found:
            # Polls that fit a watched attempt may be a group's as well.
            group.guessed = not group.polls and bool(survey.unproven)
        # What belongs to no job by name may be of any that went on by then.
        spans = [
            (g.calls[0].event_time - _ALIVE, g.calls[-1].event_time, g) for g in found
        ]
        for begin, end, lone in spans:
            if lone.polls and not lone.named:
                near = [g for b, e, g in spans if b <= end and begin <= e]
                for group in near if len(near) > 1 else ():
                    group.guessed = True
        told += found
    return sorted(told, key=lambda group: by_time(group.calls[0]))


def _by_job(survey: Survey, calls: Iterable[ApiCall]) -> Work[list[JobCalls]]:
    """Group the calls of one role and service by the jobs that they name.

    Where calls name none, one goes on with another until there is a longer silence.
    """
    found: list[JobCalls] = []
    by_id: dict[str, JobCalls] = {}
    unnamed: JobCalls | None = None
    """What may go on, and whose job no call has named."""
    for call in calls:
        yield
        record = survey.moment.trace.cloudtrail_record(call)
        rows = jobs_of_call(call.event_source, call.event_name)
        starts = [r for r in rows if r.role_of(call.event_name) is CallRole.ACTION]
        if starts and call.error_code is not None:
            continue  # AWS refused it: there was no job
        ids = ids_in(record, call.error_message)
        group = next((by_id[job] for job in sorted(ids) if job in by_id), None)
        if group is None:
            row = starts[0] if starts else rows[0]
            ids = _job_ids(row, record, ids, begins=bool(starts))
            if unnamed and call.event_time - unnamed.calls[-1].event_time > _ALIVE:
                unnamed = None
            # A poll may name what an action did not; and a job that was begun is none
            # of those that were polled for before.
            begun = unnamed is not None and unnamed.actions and not (starts and ids)
            if unnamed and (begun or not (starts or ids)):
                group = unnamed
                group.named = bool(ids)
            else:
                group = JobCalls(row, named=bool(ids))
                found.append(group)
            if not ids:
                unnamed = group
            elif group is unnamed and not group.mixed:
                unnamed = None
            by_id.update(dict.fromkeys(ids, group))
        group.calls.append(call)
        if starts:
            group.actions.append(call)
    return [group for group in found if group.actions or group.polls]


def _job_ids(
    row: Integration, record: Record, ids: Iterable[str], *, begins: bool
) -> set[str]:
    """Give the ids of jobs: of a call that begins one those that it was answered."""
    if begins:
        return row.ids_in(record.get("responseElements"))
    return {each for each in ids if _JOB_ID.fullmatch(each)}


def calls_alone(survey: Survey) -> Steps:
    """Tell of the calls by Step Functions that belong to no execution of the trace."""
    moment = survey.moment
    calls: Sequence[ApiCall] = survey.unexplained
    if moment.roots:
        # Trails, and CloudTrail asked live, show whatever runs in the account besides.
        near = grouped(calls, lambda call: _is_near(survey, call))
        # Without a role, as InvokeHTTPEndpoint is, a call may be anybody's.
        strangers = [call for call in near.get(False, ()) if call.role is not None]
        calls = near.get(True, ())
        count = len(strangers)
        roles = len({call.role for call in strangers})
        if count and not survey.coverage.live:
            made = f"{plural(roles, 'other role')} or at other times"
            belong = "belongs" if count == 1 else "belong"
            text = f"{plural(count, 'call')} by Step Functions, made by {made},"
            text += f" {belong} to no execution loaded."
            yield finding("other-calls", text, strangers, count=count, roles=roles)
    unread, calls = unread_children(survey, calls)
    yield from unread
    groups: list[JobCalls] = yield from group_calls(survey, calls)
    since = calls[0].event_time if calls else None
    for group in groups:
        yield None
        yield from _ToldGroup(group, since).findings()
    failed = (call for call in calls if call.error_code)
    kinds = grouped(failed, lambda c: (c.role or "", c.event_name, c.error_code or ""))
    for (role, *_), those in sorted(kinds.items()):
        yield failed_call(named(role), MatchedCalls(those), {"role": role})
    if not moment.roots:
        yield from _others(calls)


def _is_near(survey: Survey, call: ApiCall) -> bool:
    """True for a call by a role of an execution, made while it ran or soon before."""
    at = call.event_time
    runs = survey.moment.executions.values()
    spans = ((run.started_at, run.stopped_at or at) for run in runs)
    near = any(begin and begin - _NEAR <= at <= end + _NEAR for begin, end in spans)
    return near and call.event_id in survey.moment.trace.links


class _ToldGroup:
    """A group of calls, with the words for it."""

    def __init__(self, group: JobCalls, since: datetime | None) -> None:
        row = group.row
        first = group.calls[0]
        self.group = group
        self.polls = MatchedCalls(group.polls)
        self.role = named(first.role)
        self.resource = f"{row.resource_type}:{row.action}"
        self.subject = _subject(group.actions, since)
        place: dict[str, Any] = {"visit": None, "attempt": None, "role": first.role}
        place |= {"resource": self.resource, "call": first.event_name}
        place |= {"at": f"{first.event_time:%Y-%m-%dT%H:%M:%SZ}"}
        self.place = {**place, "actions": len(group.actions)}
        """What all findings say of whose calls they are."""

    def findings(self) -> Iterator[Finding]:
        """Tell what they look like, and how they were polled for."""
        group = self.group
        if group.actions:
            yield self._pattern()
        if self.polls.sure:
            yield self._polling()
        elif group.actions:
            text = f"{self.role} called {self.subject}; no poll is matched."
            told = {**self.place, "count": len(group.actions), "polls": 0}
            sure = not group.guessed
            proofs = group.calls
            yield finding("calls", text, proofs, fact=sure, **told)

    def _pattern(self) -> Finding:
        group = self.group
        name = self.resource
        pattern = None
        candidates = [*_PLAIN, "sync"]
        looks = f"{name} (Request Response) or aws-sdk:{name} (AWS SDK integration)"
        looks += ", which calls alone can't tell apart: no poll of it is known"
        looks += " (nor would one follow a .sync job that ended within a minute)"
        if group.guessed:
            looks = f"any form of {name}: polls of that time may be its own"
        if polls := group.polls:
            pattern = "sync"
            candidates = ["sync"]
            looks = f"{name}.sync (optimized integration, Run a Job): the same role"
            looks += f" then polled with {named(polls[0].event_name)}, as .sync does"
        one_of = "At least one of " if group.mixed else ""
        text = f"{one_of}{self.subject}, by {self.role}, looks like {looks}."
        told = {**self.place, "pattern": pattern, "candidates": candidates}
        return finding("pattern", text, group.calls, fact=False, **told)

    def _polling(self) -> Finding:
        group = self.group
        after = f"After {self.subject}, " if self.subject else ""
        words = group.spacing.words()
        if group.mixed:
            words = ", but nothing shows which polls are whose"
        # How many polls came after several actions is counted in any case.
        sure = group.mixed or not group.guessed
        told = {**self.place, **group.spacing.data, "mixed": group.mixed}
        who = f"{after}{self.role}"
        return polls_told(who, self.polls, words, told, settled=True, fact=sure)


def _subject(actions: Sequence[ApiCall], since: datetime | None) -> str:
    """Name the action with its time, or how many there are of it."""
    if not actions:
        return ""
    name = named(actions[0].event_name)
    first = actions[0]
    last = actions[-1]
    begin = time_of_day(first.event_time, since)
    end = time_of_day(last.event_time, first.event_time)
    several = f"{len(actions)} {name} from {begin} to {end}"
    return f"{name} at {begin}" if first is last else several


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
        yield finding("calls", text, those, **data)
