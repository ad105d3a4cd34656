"""Findings on how a state's job was polled for."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis, AttemptGroup
from sfnwatch.analysis.finding import Finding, finding
from sfnwatch.analysis.grouping import report_groups
from sfnwatch.analysis.matched_calls import MatchedCalls
from sfnwatch.analysis.names import named
from sfnwatch.analysis.poll_intervals import PollIntervals
from sfnwatch.analysis.quantities import plural, time_of_day
from sfnwatch.analysis.state_analysis import StateAnalysis
from sfnwatch.model.times import iso

_EASED = timedelta(minutes=10)
_SOON = timedelta(seconds=60)
"""How long after a poll the next one is due at first: a hint, no promise."""
_LATER = timedelta(seconds=300)
"""The same from ten minutes after the submission on."""


def polling(use: StateAnalysis) -> Iterator[Finding]:
    """Yield the polls of each attempt; very many attempts make one finding."""
    for polled in report_groups([each for each in use.attempts if each.polls.every]):
        yield _polling(AttemptGroup(polled))
        if len(polled) == 1 and polled[0].running and polled[0].polls.sure:
            yield _next(polled[0])


def _polling(polled: AttemptGroup) -> Finding:
    first = polled.first
    spacing = polled.first.intervals
    who = f"While {first.subject} waited"
    words = spacing.words()
    settled = all(each.settled for each in polled.attempts)
    if len(first.known_polls) < len(first.polls.sure):
        words = words.replace(", ", ", at first ", 1)
    if polled.several:
        action = first.action.event_name if first.action else None
        spacing = PollIntervals(polled.seconds_between_polls, action)
        who = f"While {first.state.name} waited in {len(polled.attempts)} attempts"
        words = spacing.words(several=True)
    data = {**polled.place, **spacing.data}
    if polled.so_far:
        data["so_far"] = True
    who = f"{who}, Step Functions"
    guessed = {*polled.polls.ids}
    open_polls = {
        poll.event_id
        for case in polled.attempts
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
    """Return a finding on how often `who` polled; `words` describe the intervals.

    If some polls are guesses, it gives how many there may be and no intervals. Unless
    `settled`, later records may change the finding.
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
    """Describe how many were denied: `all 5 polls were denied`, `2 of 5 polls …`."""
    if denied == count:
        return "it was denied" if count == 1 else f"all {count} polls were denied"
    verb = "was" if denied == 1 else "were"
    return f"{denied} of {plural(count, 'poll')} {verb} denied"


def _next(case: AttemptAnalysis) -> Finding:
    """Return a finding on when the next poll is expected: a hint, no promise."""
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
