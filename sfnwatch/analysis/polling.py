"""Findings on how a state's job was polled for."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.attempt_group import AttemptGroup
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import report_groups
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.poll_intervals import PollIntervals
from sfnwatch.analysis.quantities import plural, time_of_day
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.model.times import iso

_FREQUENT_POLLS = timedelta(minutes=10)
"""How long after a job's submission polls come at the short interval."""
_SHORT_INTERVAL = timedelta(seconds=60)
"""How long after a poll the next one is due at first: a hint, no promise."""
_LONG_INTERVAL = timedelta(seconds=300)
"""The same from ten minutes after the submission on."""


def polling(state: StateAnalysis) -> Iterator[Finding]:
    """Yield the polls of each attempt; very many attempts make one finding."""
    polled = [attempt for attempt in state.attempts if attempt.polls.every]
    for attempts in report_groups(polled):
        yield _polling(AttemptGroup(attempts))
        first = attempts[0]
        if len(attempts) == 1 and first.running and first.polls.sure:
            yield _next_poll(first)


def _polling(group: AttemptGroup) -> Finding:
    first = group.first
    if group.several:
        action = first.action.event_name if first.action else None
        intervals = PollIntervals(group.seconds_between_polls, action)
        waited = f"{first.state.name} waited in {len(group.attempts)} attempts"
        words = intervals.words(several=True)
    else:
        intervals = first.intervals
        waited = f"{first.subject} waited"
        words = intervals.words()
        if len(first.known_polls) < len(first.polls.sure):
            words = words.replace(", ", ", at first ", 1)
    data = {**group.place, **intervals.data}
    if not group.complete:
        data["so_far"] = True
    unproven = {poll.event_id for poll in group.polls_that_may_be_its}
    unproven.difference_update(group.polls.ids)
    if unproven:
        words += f"; {plural(len(unproven), 'more poll')} of that time may be its own"
    return polls_finding(
        f"While {waited}, Step Functions",
        group.polls,
        words,
        data,
        settled=group.settled,
        fact=not unproven,
    )


def polls_finding(
    caller: str,
    polls: MatchedCalls,
    words: str,
    data: Mapping[str, Any],
    *,
    settled: bool,
    fact: bool,
) -> Finding:
    """Return a finding on how often `caller` polled; `words` describe the intervals.

    If some polls are guesses, it gives how many there may be and no intervals. Unless
    `settled`, later records may change the finding.
    """
    name = polls.every[0].event_name
    denied = polls.denied
    denied_count = len(denied.sure)
    denials = ""
    if polls.guessed:
        some_of = f"{len(polls.guessed)} of them " if polls.sure else ""
        words = f"; {some_of}matched by role, action and time"
        if denied.every:
            denials = f"; up to {len(denied.every)} denied"
    elif denied_count:
        denials = f"; {_denied_words(denied_count, len(polls.sure))}"
    so_far = " so far" if "so_far" in data else ""
    unsure = "" if settled else "; later records may change this"
    often = f"{caller} polled {polls.often}{so_far} with {named(name)}"
    text = f"{often}{words}{denials}{unsure}."
    data = {**data, "call": name, **polls.figures, "denied": denied_count}
    is_fact = fact and settled and not polls.guessed
    return finding("polling", text, polls.ids, fact=is_fact, **data)


def _denied_words(denied: int, count: int) -> str:
    """Describe how many were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def _next_poll(attempt: AttemptAnalysis) -> Finding:
    """Return a finding on when the next poll is expected: a hint, no promise."""
    polls = attempt.polls.sure
    last = polls[-1]
    submission = attempt.action or polls[0]
    interval = _SHORT_INTERVAL
    if last.event_time - submission.event_time >= _FREQUENT_POLLS:
        interval = _LONG_INTERVAL
    expected = last.event_time + interval
    poll = named(last.event_name)
    text = (
        f"{attempt.subject} is still waiting: its next {poll} is expected about"
        f" {time_of_day(expected)}; polls come about every 60 s at first, later about"
        " every 300 s."
    )
    data = {**attempt.place, "expected_at": iso(expected)}
    return finding("next-poll", text, [last.event_id], fact=False, **data)
