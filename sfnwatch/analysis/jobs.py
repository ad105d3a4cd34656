"""How a state called its service, and how its job was waited for.

By which pattern, how it was polled for, whether denied polls mattered, what told of its
end; and what several executions that did so in several ways show together.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import fmean, median
from typing import Any

from sfnwatch.analysis.case import (
    AttemptCase,
    Attempts,
    Case,
    Spacing,
    StateUse,
    Survey,
    grouped,
    later,
    together,
)
from sfnwatch.analysis.finding import Finding, finding, outermost
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
    up_to,
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
_UNKNOWN = "so it's not known whether a poll or an event reported it"


# -- patterns --------------------------------------------------------------------------


def pattern(use: StateUse) -> Finding:
    """Tell by which pattern a state calls, and what that means."""
    return finding(
        "pattern",
        integration_text([use.name], use.first),
        (f"#{visit.attempts[0].scheduled_id}" for visit in use.visits[:_USES]),
        visit=use.visits[0].id,
        pattern=str(use.first.pattern),
        visits=len(use.visits),
    )


# -- polls -----------------------------------------------------------------------------


def polling(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell of the polls of each attempt; of very many attempts together."""
    for polled in together([each for each in use.attempts if each.possible_polls]):
        yield _polling(case.survey, use, Attempts(polled))
        if len(polled) == 1 and polled[0].running and polled[0].polls:
            yield _next(polled[0])


def _polling(survey: Survey, use: StateUse, polled: Attempts) -> Finding:
    first, spacing = polled.first, polled.first.spacing
    who, words = first.subject, _spacing_words(survey, first)
    if polled.several:
        action = first.action.event_name if first.action else None
        spacing, who = Spacing(polled.gaps, action), use.name
        counts = [len(each.polls) for each in polled.cases]
        few = f"{min(counts)} to " if min(counts) < max(counts) else ""
        words = f", {few}{max(counts)} per attempt{spacing.words(several=True)}"
    attempts = f" in {len(polled.cases)} attempts" if polled.several else ""
    settled, guesses = all(e.settled for e in polled.cases), polled.guessed_polls
    unsure = "" if settled else "; later records may change this"
    return polls_told(
        f"While {who} waited{attempts}, Step Functions",
        polled.polls,
        len(polled.denied),
        words,
        unsure,
        guesses=guesses,
        fact=settled,
        **polled.place,
        **spacing.data,
        **({"so_far": True} if polled.so_far else {}),
    )


def polls_told(
    who: str,
    polls: Sequence[ApiCall],
    denied: int,
    words: str,
    unsure: str = "",
    *,
    guesses: Sequence[ApiCall] = (),
    fact: bool,
    **data: Any,
) -> Finding:
    """Tell how often somebody polled; `words` say at what intervals.

    Of `guesses` it is only told how often that may have been.
    """
    every = [*polls, *guesses]
    name, often = every[0].event_name, times(len(polls))
    so_far = " so far" if "so_far" in data else ""
    refused = f"; {denied_words(denied, len(polls))}" if denied else ""
    data |= {"call": name, "count": len(polls), "denied": denied}
    if guesses:
        data["up_to"] = len(every)
        some_of = f"{len(guesses)} of them " if polls else ""
        words = f"; {some_of}matched by role, action and time"
        often, denied = up_to(len(every)), denied + sum(map(is_denied, guesses))
        refused = f"; up to {denied} denied" if denied else ""
    return finding(
        "polling",
        f"{who} polled {often}{so_far} with {named(name)}{words}{refused}{unsure}.",
        (call.event_id for call in outermost(every)),
        fact=fact and not guesses,
        **data,
    )


def _spacing_words(survey: Survey, case: AttemptCase) -> str:
    """Say how often, and up to when that is known where there are more polls."""
    measured, known = survey.coverage.measured, case.spacing
    sure = survey.coverage.settled(case.polls)
    if measured is None or not known.seconds or len(sure) == len(case.polls):
        return known.words()
    if len(known.seconds) == 1:
        first = "the first two" if len(sure) > 1 else "the first"
        return known.words().replace(", ", f", {first} ", 1)
    return f"{known.words()}, up to {time_of_day(measured)}"


def denied_words(denied: int, count: int) -> str:
    """Say how many polls were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def _next(case: AttemptCase) -> Finding:
    """Say when the next poll may be expected: a hint, no promise."""
    begun, last = (case.action or case.polls[0]).event_time, case.polls[-1]
    eased = last.event_time - begun >= _EASED
    expected = later(last.event_time, _LATER if eased else _SOON)
    return finding(
        "next-poll",
        f"{case.subject} is still waiting: its next {named(last.event_name)} is"
        f" expected about {time_of_day(expected)}; polls come about every 60 s at"
        " first, later about every 300 s.",
        (last.event_id,),
        fact=False,
        **case.place,
        expected_at=iso(expected),
    )


# -- denied polls ----------------------------------------------------------------------


def denials(_: Case, use: StateUse) -> Iterator[Finding]:
    """Tell whether it mattered that polls were denied; of very many together."""

    def outcome(each: AttemptCase) -> str:
        return _OUTCOMES.get(each.attempt.status, "denied-and-failed")

    denied = (e for e in use.attempts if any(map(is_denied, e.possible_polls)))
    for kind, cases in grouped(denied, outcome).items():
        for told in together(cases):
            yield _denied(kind, Attempts(told))


_MANY = 3


def _denied(kind: str, told: Attempts) -> Finding:
    denied, count, subject = len(told.denied), len(told.polls), told.first.subject
    if told.several:
        subject = f"{named(told.first.visit.name)} ({len(told.cases)} attempts)"
    maybe = [call for call in told.guessed_polls if is_denied(call)]
    every = told.complete and denied == count and not told.guessed_polls
    # Of a few that are seen nothing follows for those that are not.
    seen = every or (denied == count >= _MANY and not told.guessed_polls)
    often, of_all = f"{denied} of {plural(count, 'poll')}", ""
    if told.guessed_polls:
        often = f"{'Up to ' if maybe else ''}{plural(denied + len(maybe), 'poll')}"
    if every:
        often, of_all = "Every poll", f" ({denied} of {count})"
    verb = "was" if every or denied + len(maybe) == 1 else "were"
    so_far = "" if kind == "denied-unknown" else told.so_far
    ended = [each.end_event for each in told.cases if not each.running]
    return finding(
        kind,
        f"{often} for {subject} {verb} denied{so_far}{of_all},"
        f" {_mattered(kind, told, seen=seen)}.",
        [*(poll.event_id for poll in (*told.denied, *maybe)), *ended],
        fact=kind == "denied-unknown" and not told.guessed_polls,
        **told.place,
        count=denied,
        polls=count,
        error_code=next(iter(ranked(p.error_code or "" for p in told.denied or maybe))),
        **({"up_to": denied + len(maybe)} if maybe else {}),
    )


def _mattered(kind: str, told: Attempts, *, seen: bool) -> str:
    """Say what the denials led to; `seen`: no poll is that was answered."""
    subject, attempt = "they" if told.several else "it", told.first.attempt
    harmless = "the denials did not decide the outcome"
    if kind == "denied-unknown":
        return "and the state is still waiting: whether that matters is not known yet"
    if kind == "denied-but-succeeded":
        if not seen:
            return f"yet {subject} still succeeded: {harmless}"
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
    failed = len(told.failed_polls)
    return finding(
        "noticed",
        f"The {told.job} started by {each.subject} stopped at"
        f" {time_of_day(told.stopped_at, case.execution.started_at)}; Step Functions"
        f" learned of it {spoken(told.lag)} later, {_told_by(case, each, told)}.",
        [*_witnesses(each), *(c.event_id for c in (*each.polls, *told.possible_polls))],
        fact=told.by is ToldBy.UNKNOWN and not told.possible_polls,
        **each.place,
        stopped_at=iso(told.stopped_at),
        noticed_at=maybe_iso(told.learned_at),
        seconds=round(told.lag, 3),
        by=str(told.by),
        **({"failed_polls": failed} if failed else {}),
    )


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
        return f"{told.between}, {_UNKNOWN}"
    if not case.survey.watched:
        return f"but no CloudTrail data is loaded, {_UNKNOWN}"
    if each.attempt.role_arn is not None:
        account = "polls by its own role may be in another account's CloudTrail"
        return f"but {account}, {_UNKNOWN}"
    if not each.calls:
        return f"but no call is matched to it, {_UNKNOWN}"
    so_far = f"; so far, {told.between}" if told.failed_polls else ""
    return f"but CloudTrail hasn't caught up to that point yet, {_UNKNOWN}{so_far}"


def _completions(
    use: StateUse, told: Sequence[tuple[AttemptCase, Completion]]
) -> Finding:
    lags = [completion.lag for _, completion in told]
    counts = Counter(completion.by for _, completion in told)
    ways = {by: counts[by] for by in ToldBy if counts[by]}
    # Found first: the latest is the one that is worth a look.
    place = max(range(len(told)), key=lambda n: (lags[n], -told[n][0].visit.id))
    middle, least, most = (spoken(f(lags)) for f in (median, min, max))
    range_ = least if least == most else f"{least} to {most} (median {middle})"
    return finding(
        "noticed",
        f"Step Functions learned that the {plural(len(told), told[0][1].job)} started"
        f" by {use.name} had stopped {range_} after they did:"
        f" {', '.join(f'{count} {_BY[by]}' for by, count in ways.items())}.",
        [told[place][0].end_event, *(each.end_event for each, _ in told)],
        fact=all(
            completion.by is ToldBy.UNKNOWN and not completion.possible_polls
            for _, completion in told
        ),
        **told[0][0].place,
        tries=len(told),
        seconds=round(median(lags), 3),
        seconds_min=round(min(lags), 3),
        seconds_max=round(max(lags), 3),
        by={str(by): count for by, count in ways.items()},
    )


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
        yield finding(
            "unnoticed",
            f"The {job} started by {each.subject} had stopped at"
            f" {time_of_day(stopped, case.execution.started_at)}, and Step Functions"
            f" had not learned of it when the state {ended_words(attempt.status)}"
            f" {spoken(seconds)} later.",
            _witnesses(each),
            fact=False,
            **each.place,
            stopped_at=iso(stopped),
            ended_at=maybe_iso(ended),
            seconds=round(seconds, 3),
            status=attempt.status,
        )


# -- calls of those that are not polled for --------------------------------------------


def calls(case: Case, use: StateUse) -> Iterator[Finding]:
    """Tell which calls a state made that made some, as far as is known, and no poll."""
    made = [each for each in use.attempts if each.actions or each.guessed_actions]
    if not made or any(each.possible_polls for each in use.attempts):
        return
    survey, told = case.survey, Attempts(made)
    unmatched = [c for e in made for c in (e.unproven_polls if use.starts_job else ())]
    surely = not use.starts_job or all(is_seen_whole(survey, each) for each in made)
    maybe = [call for each in made for call in each.guessed_actions]
    count, others = len(told.actions), len(told.calls) - len(told.actions)
    action = (told.actions or maybe)[0].event_name
    often = up_to(count + len(maybe)) if maybe else times(count)
    more = plural(others, "other call") if others else "no other call"
    yield finding(
        "calls",
        f"{use.name} ({resource_words(use.first)}) called {named(action)} {often};"
        f" {more} matched{_no_poll(survey, use, unmatched, surely=surely)}.",
        (call.event_id for call in (*told.calls, *told.guesses)),
        fact=surely and not told.guesses and not unmatched,
        **told.first.place,
        call=action,
        count=count,
        others=others,
        polls=0,
        pattern=str(use.first.pattern),
        **({"up_to": count + len(maybe)} if maybe else {}),
    )


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
        action = (case.actions or case.guessed_actions)[-1]
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
    ways: dict[tuple[str, bool], dict[str, list[AttemptCase]]] = {}
    for case in cases if len(cases) > 1 else ():
        for use in case.uses:
            for each in use.attempts if use.starts_job else ():
                if each.actions:
                    denied = bool(each.polls) and all(
                        map(is_denied, each.possible_polls)
                    )
                    way = ways.setdefault((resource_words(use.first), denied), {})
                    way.setdefault(case.execution.arn, []).append(each)
    arns = [case.execution.arn for case in cases]
    short = short_names([case.execution.name for case in cases])
    names = dict(zip(arns, map(named, short), strict=True))
    for (resource, denied), attempts in ways.items() if len(ways) > 1 else ():
        who = f"{resource} ({some(names[arn] for arn in attempts)})"
        told = Attempts([each for those in attempts.values() for each in those])
        data = {"resource": resource, "executions": list(attempts)}
        yield _conclusion(survey, who, told, data, denied=denied)


def _conclusion(
    survey: Survey, who: str, told: Attempts, data: dict[str, Any], *, denied: bool
) -> Finding:
    polls, succeeded = told.polls, told.statuses == {"succeeded"}
    unsure = bool(told.guesses) or any(e.unproven_polls for e in told.cases)
    # No later record may change what is said of the polls.
    whole = all(e.settled if polls else is_seen_whole(survey, e) for e in told.cases)
    then = f", with no poll matched{'' if whole else known_words(survey)}"
    if polls:
        every = f" {cadence(fmean(told.gaps))}" if told.gaps else ""
        most = len(polls) + len(told.guessed_polls)
        count = f"{'up to ' if told.guessed_polls else ''}{plural(most, 'poll')}"
        count += told.so_far
        then = f", then {named(polls[0].event_name)}{every} ({count})"
    refutes = denied and told.complete and succeeded
    often = f" ({times(len(told.actions))})" if len(told.actions) > 1 else ""
    became = f"; every poll was denied{told.so_far}" if denied else ""
    if denied and told.statuses == {"running"}:
        became += ", and it is still running"
    elif denied and succeeded:
        refuted = ", so completion doesn't depend on polling" if refutes else ""
        became += f", yet it still succeeded{refuted}"
    return finding(
        CONCLUSION,
        f"{who} calls {named(told.actions[0].event_name)}{often}{then}{became}.",
        (call.event_id for call in told.calls),
        fact=whole and not unsure and not refutes,
        **data,
        tries=len(told.cases),
        polls=len(polls),
        denied=len(polls) if denied else 0,
        interval_mean=round(fmean(told.gaps), 1) if told.gaps else None,
        statuses=sorted(told.statuses),
        **({"so_far": True} if polls and told.so_far else {}),
    )
