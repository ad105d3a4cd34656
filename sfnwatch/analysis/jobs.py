"""How a state called its service, and how its job was waited for.

By which pattern, how it was polled for, whether denied polls mattered, what told of its
end; and what several executions that did so in several ways show together.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from statistics import fmean, median
from typing import Any

from sfnwatch.analysis.case import (
    AttemptCase,
    Attempts,
    Case,
    MatchedCalls,
    Spacing,
    StateUse,
    Survey,
    grouped,
    later,
    together,
)
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.phases import ENDED_OTHERWISE, Completion, ToldBy, is_denied
from sfnwatch.analysis.wording import (
    cadence,
    counted,
    ended_words,
    integration_text,
    named,
    plural,
    ranked,
    resource_words,
    short_names,
    some,
    spoken,
    time_of_day,
    times,
)
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.integrations import Pattern
from sfnwatch.model.values import iso, maybe_iso

_EASED = timedelta(minutes=10)
_SOON, _LATER = timedelta(seconds=60), timedelta(seconds=300)
"""A hint, no promise: about a minute at first, about five after ten minutes."""
_FIRST_POLL = timedelta(seconds=70)
"""By then a first poll would have come: those recorded came after 55 to 60 s."""
_OUTCOMES = {"succeeded": "denied-but-succeeded", "running": "denied-unknown"}
CONCLUSION = "conclusion"
_USES = 5
"""Of a state that many iterations run, so many attempts are evidence enough."""
_BY = {
    ToldBy.EVENT: "by an event",
    ToldBy.POLL: "by a poll",
    ToldBy.UNKNOWN: "not known",
}


# -- patterns --------------------------------------------------------------------------


def pattern(use: StateUse) -> Finding:
    """Tell by which pattern a state calls, and what that means."""
    proofs = (f"#{visit.attempts[0].scheduled_id}" for visit in use.visits[:_USES])
    data: dict[str, Any] = {"visit": use.visits[0].id, "visits": len(use.visits)}
    data["pattern"] = str(use.first.pattern)
    return finding("pattern", integration_text([use.name], use.first), proofs, **data)


# -- polls -----------------------------------------------------------------------------


def polling(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of the polls of each attempt; of very many attempts together."""
    for polled in together([each for each in use.attempts if each.polls.every]):
        yield _polling(case.survey, use, Attempts(polled))
        if len(polled) == 1 and polled[0].running and polled[0].polls.sure:
            yield _next(polled[0])


def _polling(survey: Survey, use: StateUse, polled: Attempts) -> Finding:
    first, spacing = polled.first, polled.first.spacing
    who, words = f"While {first.subject} waited", _spacing_words(survey, first)
    if polled.several:
        action = first.action.event_name if first.action else None
        spacing = Spacing(polled.gaps, action)
        who = f"While {use.name} waited in {len(polled.cases)} attempts"
        counts = [len(each.polls.sure) for each in polled.cases]
        few = f"{min(counts)} to " if min(counts) < max(counts) else ""
        words = f", {few}{max(counts)} per attempt{spacing.words(several=True)}"
    settled = all(each.settled for each in polled.cases)
    data = {**polled.place, **spacing.data}
    if polled.so_far:
        data["so_far"] = True
    who = f"{who}, Step Functions"
    return polls_told(who, polled.polls, words, data, settled=settled)


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
    name, denied = polls.every[0].event_name, polls.those(is_denied)
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


def _spacing_words(survey: Survey, case: AttemptCase) -> str:
    """Say how often, and up to when that is known where there are more polls."""
    measured, words = survey.coverage.measured, case.spacing.words()
    sure = survey.coverage.settled(case.polls.sure)
    if measured is None or not words or len(sure) == len(case.polls.sure):
        return words
    if len(case.spacing.seconds) == 1:
        first = "the first two" if len(sure) > 1 else "the first"
        return words.replace(", ", f", {first} ", 1)
    return f"{words}, up to {time_of_day(measured)}"


def denied_words(denied: int, count: int) -> str:
    """Say how many polls were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def _next(case: AttemptCase) -> Finding:
    """Say when the next poll may be expected: a hint, no promise."""
    polls = case.polls.sure
    begun, last = (case.action or polls[0]).event_time, polls[-1]
    eased = last.event_time - begun >= _EASED
    expected = later(last.event_time, _LATER if eased else _SOON)
    text = f"{case.subject} is still waiting: its next {named(last.event_name)} is"
    text += f" expected about {time_of_day(expected)}; polls come about every 60 s at"
    text += " first, later about every 300 s."
    data = {**case.place, "expected_at": iso(expected)}
    return finding("next-poll", text, [last.event_id], fact=False, **data)


# -- denied polls ----------------------------------------------------------------------


def denials(_: Case, use: StateUse) -> Iterator[Finding]:
    """Tell whether it mattered that polls were denied; of very many together."""

    def outcome(each: AttemptCase) -> str:
        return _OUTCOMES.get(each.attempt.status, "denied-and-failed")

    denied = (e for e in use.attempts if e.polls.those(is_denied).every)
    for kind, cases in grouped(denied, outcome).items():
        for told in together(cases):
            yield _denied(kind, Attempts(told))


_MANY, _SEVERAL = 3, 2


def _denied(kind: str, told: Attempts) -> Finding:
    polls, denied, subject = told.polls, told.denied, told.first.subject
    if told.several:
        subject = f"{named(told.first.visit.name)} ({len(told.cases)} attempts)"
    count, most = len(denied.sure), len(denied.every)
    all_seen = count == len(polls.sure) and not polls.guessed
    every = told.complete and all_seen
    often, of_all = f"{count} of {plural(len(polls.sure), 'poll')}", ""
    if polls.guessed:
        often = f"{'Up to ' if denied.guessed else ''}{plural(most, 'poll')}"
    if every:
        often, of_all = "Every poll", f" ({count} of {count})"
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
    subject, attempt = "they" if told.several else "it", told.first.attempt
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
    if all(each.attempt.stopped_at and not _cut_short(each) for each in told.cases):
        learned = "because the job failed, which was still detected"
        return f"and {subject} failed {learned}: {harmless}"
    return f"and {subject} did not succeed: whether the denials mattered is not known"


def _cut_short(case: AttemptCase) -> bool:
    return case.attempt.status in ENDED_OTHERWISE


# -- completion lag --------------------------------------------------------------------


def completions(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt whose job says when it stopped; of very many together."""
    told = [(each, each.completion) for each in use.attempts if each.completion]
    for those in together(told):
        alone = len(those) == 1
        yield _completion(case, *those[0]) if alone else _completions(use, those)
    yield from _never_learned(case, use)


def _completion(case: Case, each: AttemptCase, told: Completion) -> Finding:
    at = time_of_day(told.stopped_at, case.execution.started_at)
    text = f"The {told.job} started by {each.subject} stopped at {at}; Step Functions"
    text += f" learned of it {spoken(told.lag)} later, {_told_by(case, each, told)}."
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


def _told_by(case: Case, each: AttemptCase, told: Completion) -> str:
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
    if told.possible_polls:
        why = told.between
    elif not case.survey.watched:
        why = "but no CloudTrail data is loaded"
    elif each.attempt.role_arn is not None:
        why = "but polls by its own role may be in another account's CloudTrail"
    elif each.calls.sure:
        why = "but CloudTrail hasn't caught up to that point yet"
    else:
        why = "but no call is matched to it"
    return f"{why}, so it's not known whether a poll or an event reported it"


def _completions(
    use: StateUse, told: Sequence[tuple[AttemptCase, Completion]]
) -> Finding:
    lags = [completion.lag for _, completion in told]
    counts = Counter(completion.by for _, completion in told)
    ways = {by: counts[by] for by in ToldBy if counts[by]}
    # Found first: the latest is the one that is worth a look.
    latest, _ = max(told, key=lambda each: (each[1].lag, -each[0].visit.id))
    middle, least, most = (spoken(f(lags)) for f in (median, min, max))
    range_ = least if least == most else f"{least} to {most} (median {middle})"
    job = plural(len(told), told[0][1].job)
    told_by = ", ".join(f"{count} {_BY[by]}" for by, count in ways.items())
    text = f"Step Functions learned that the {job} started by {use.name} had stopped"
    text += f" {range_} after they did: {told_by}."
    data = {**told[0][0].place, "tries": len(told)}
    data["by"] = {str(by): count for by, count in ways.items()}
    for key, of in (("seconds", median), ("seconds_min", min), ("seconds_max", max)):
        data[key] = round(of(lags), 3)
    proofs = [latest.end_event, *(each.end_event for each, _ in told)]
    open_ = ways.keys() == {ToldBy.UNKNOWN}
    open_ = open_ and not any(completion.possible_polls for _, completion in told)
    return finding("noticed", text, proofs, fact=open_, **data)


def _never_learned(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of each attempt that ended otherwise, though its job had stopped before.

    What would have told Step Functions was lost: the event, and no poll got through.
    """
    for each in filter(_cut_short, use.attempts):
        attempt = each.attempt
        stopped, ended = attempt.stopped_at, attempt.ended_at
        if stopped is None or ended is None or ended <= stopped:
            continue
        seconds = (ended - stopped).total_seconds()
        job = attempt.integration.job_word if attempt.integration else "job"
        at = time_of_day(stopped, case.execution.started_at)
        text = f"The {job} started by {each.subject} had stopped at {at}, and Step"
        text += " Functions had not learned of it when the state"
        text += f" {ended_words(attempt.status)} {spoken(seconds)} later."
        data = {**each.place, "stopped_at": iso(stopped), "ended_at": maybe_iso(ended)}
        data |= {"seconds": round(seconds, 3), "status": attempt.status}
        yield finding("unnoticed", text, _witnesses(each), fact=False, **data)


# -- calls of those that are not polled for --------------------------------------------


def calls(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell which calls a state made that made some, as far as is known, and no poll."""
    made = [each for each in use.attempts if each.actions.every]
    if not made or any(each.polls.every for each in use.attempts):
        return
    survey, told = case.survey, Attempts(made)
    unmatched = [c for e in made for c in (e.unproven_polls if use.starts_job else ())]
    surely = not use.starts_job or all(is_seen_whole(survey, each) for each in made)
    actions, action = told.actions, told.actions.every[0].event_name
    others = len(told.calls.sure) - len(actions.sure)
    more = plural(others, "other call") if others else "no other call"
    text = f"{use.name} ({resource_words(use.first)}) called {named(action)}"
    text += f" {actions.often}; {more} matched"
    text += f"{_no_poll(survey, use, unmatched, surely=surely)}."
    data = {**told.first.place, "call": action, **actions.figures, "others": others}
    data |= {"polls": 0, "pattern": str(use.first.pattern)}
    fact = surely and not told.calls.guessed and not unmatched
    yield finding("calls", text, told.calls.ids, fact=fact, **data)


def _no_poll(
    survey: Survey, use: StateUse, unmatched: Sequence[ApiCall], *, surely: bool
) -> str:
    """Say up to when no poll is known of, and which calls may be one."""
    if not use.starts_job:
        return ""
    known = known_words(survey)
    if unmatched:
        names = counted(ranked(call.event_name for call in unmatched))
        return f"{known}; not matched, but of that time: {names}"
    if surely or survey.complete_to is None:
        return known
    return f"{known}; a first poll may take {spoken(_FIRST_POLL.total_seconds())}"


def is_seen_whole(survey: Survey, case: AttemptCase) -> bool:
    """True if a poll would have been seen by now, had there been one to come."""
    ended = case.attempt.ended_at
    if ended is not None and case.attempt.pattern is not Pattern.SYNC:
        action = (case.actions.sure or case.actions.guessed)[-1]
        ended = max(ended, later(action.event_time, _FIRST_POLL))
    return survey.covers(ended)


def known_words(survey: Survey) -> str:
    """Say how far it is known that nothing came."""
    known = survey.complete_to
    return f" up to {time_of_day(known)}" if known is not None else " so far"


# -- several executions ----------------------------------------------------------------


def conclusions(survey: Survey, cases: Sequence[Case]) -> Iterator[Finding]:
    """Conclude from two executions or more, which jobs they start and how.

    A way is a resource whose polls were all denied, or not; of one way alone, as of one
    execution, the other findings say as much.
    """
    started = [
        (case.execution.arn, each)
        for case in cases
        for use in case.uses
        for each in (use.attempts if use.starts_job else ())
        if each.actions.sure
    ]
    ways = grouped(started, lambda start: _way(start[1]))
    if len(cases) < _SEVERAL or len(ways) < _SEVERAL:
        return
    short = map(named, short_names([case.execution.name for case in cases]))
    names = dict(zip((case.execution.arn for case in cases), short, strict=True))
    for (resource, denied), those in ways.items():
        arns = list(dict.fromkeys(arn for arn, _ in those))
        who = f"{resource} ({some(names[arn] for arn in arns)})"
        told = Attempts([each for _, each in those])
        data = {"resource": resource, "executions": arns}
        yield _conclusion(survey, who, told, data, denied=denied)


def _way(case: AttemptCase) -> tuple[str, bool]:
    denied = case.polls.sure and all(map(is_denied, case.polls.every))
    return resource_words(case.attempt), bool(denied)


def _conclusion(
    survey: Survey, who: str, told: Attempts, data: dict[str, Any], *, denied: bool
) -> Finding:
    polls, succeeded = told.polls.sure, told.statuses == {"succeeded"}
    unsure = bool(told.calls.guessed) or any(e.unproven_polls for e in told.cases)
    # No later record may change what is said of the polls.
    whole = all(e.settled if polls else is_seen_whole(survey, e) for e in told.cases)
    then = f", with no poll matched{'' if whole else known_words(survey)}"
    if polls:
        every = f" {cadence(fmean(told.gaps))}" if told.gaps else ""
        most = "up to " if told.polls.guessed else ""
        count = f"{most}{plural(len(told.polls.every), 'poll')}{told.so_far}"
        then = f", then {named(polls[0].event_name)}{every} ({count})"
    refutes = denied and told.complete and succeeded
    actions = told.actions.sure
    often = f" ({times(len(actions))})" if len(actions) > 1 else ""
    became = f"; every poll was denied{told.so_far}" if denied else ""
    if denied and told.statuses == {"running"}:
        became += ", and it is still running"
    elif denied and succeeded:
        refuted = ", so completion doesn't depend on polling" if refutes else ""
        became += f", yet it still succeeded{refuted}"
    text = f"{who} calls {named(actions[0].event_name)}{often}{then}{became}."
    data |= {"tries": len(told.cases), "polls": len(polls)}
    data |= {"denied": len(polls) if denied else 0, "statuses": sorted(told.statuses)}
    data["interval_mean"] = round(fmean(told.gaps), 1) if told.gaps else None
    if polls and told.so_far:
        data["so_far"] = True
    proofs = (call.event_id for call in told.calls.sure)
    fact = whole and not unsure and not refutes
    return finding(CONCLUSION, text, proofs, fact=fact, **data)
