"""What a comparison comes to, in sentences that a person would write.

The first sentence is the answer, and each later one tells one thing: where they part,
how long each took and why, who noticed, what else differs, what nobody can tell.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from statistics import mean

from msgspec import Struct

from sfnwatch.trace.compare_points import (
    GapKind,
    Sort,
)
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
)
from sfnwatch.trace.compare_words import (
    difference_sentence,
    pair_title,
    ratio_words,
)
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import duration

_CALLS = frozenset({Sort.CALL, Sort.DENIED})
_NOTABLE = 1.1
"""From so many times as long on it is said how many."""
_MANY = 10
_MOST = 0.5
"""A part that makes up so much of a change is named for it."""


def verdict(
    comparison: Comparison, mask: Callable[[str], str] = lambda text: text
) -> tuple[str, ...]:
    """Say what a comparison comes to, the answer first."""
    shared = any(pair.both for pair in comparison.pairs)
    sentences = (
        *_answer(comparison),
        *_lengths(comparison),
        *_extremes(comparison),
        *(_polls(comparison) if shared else ()),
        *_notices(comparison),
    )
    return tuple(mask(sentence) for sentence in sentences if sentence)


def _same_execution(comparison: Comparison) -> bool:
    return any(gap.kind is GapKind.SAME_EXECUTION for gap in comparison.gaps)


# -- the answer ----------------------------------------------------------------------


def _answer(comparison: Comparison) -> Iterator[str]:
    first, *others = comparison.differences or (None,)
    ends = [d for d in others if d.sort is Sort.STATUS]
    if not any(pair.both for pair in comparison.pairs):
        nothing = "They have no state in common."
        yield nothing if comparison.pairs else "There is no state to compare."
        ends = [d for d in comparison.differences if d.sort is Sort.STATUS]
    elif first is None:
        yield _same(comparison)
    elif {difference.sort for difference in comparison.differences} <= _CALLS:
        yield f"{_same_way(comparison)}; of what they did, nothing but calls differs."
        yield difference_sentence(comparison, first)
    else:
        yield f"Where they part: {difference_sentence(comparison, first)}"
        more = len(others) - len(ends)
        if more:
            yield f"They differ at {more:,} more point{'s' if more > 1 else ''}."
    yield from (difference_sentence(comparison, end) for end in ends)


def _same(comparison: Comparison) -> str:
    told = "only times differ"
    if comparison.calls_compared and _poll_counts(comparison) is not None:
        told = "only times and polls differ"
    elif not comparison.calls_compared:
        told = "only times differ, as far as is known"
    if _same_execution(comparison):
        told = "nothing differs"
    return f"{_same_way(comparison)}; {told}."


def _same_way(comparison: Comparison) -> str:
    count = sum(pair.both for pair in comparison.pairs)
    if comparison.a.running or comparison.b.running:
        return "So far both did the same"
    states = "state" if count == 1 else f"{count:,} states"
    outcome = "outcome" if count == 1 else "outcomes"
    return f"Both went through the same {states} with the same {outcome}"


# -- lengths -------------------------------------------------------------------------


def _lengths(comparison: Comparison) -> Iterator[str]:
    change = comparison.seconds
    if change.a is None or change.b is None:
        return
    for side, seconds in ((comparison.a, change.a), (comparison.b, change.b)):
        if side.running:
            yield f"{side.which.upper()} has been running for {duration(seconds)}."
    if not (comparison.a.running or comparison.b.running):
        yield f"{_longer(change)}."


def _longer(change: Change) -> str:
    a, b = change.a or 0.0, change.b or 0.0
    if change.near:
        return f"They took about as long: A {duration(a)}, B {duration(b)}"
    word = "longer" if b > a else "less"
    took = f"B took {duration(b)} where A took {duration(a)}"
    return f"{took}, {duration(abs(b - a))} {word}{_times(a, b)}"


def _times(a: float, b: float) -> str:
    """Say how many times as long the longer one took, where that is notable."""
    short, long_ = sorted((a, b))
    if short <= 0 or long_ / short < _NOTABLE:
        return ""
    times = f"{long_ / short:.1f}" if long_ / short < _MANY else f"{long_ / short:,.0f}"
    return f" ({'B' if b > a else 'A'} took {times} times as long)"


def _extremes(comparison: Comparison) -> Iterator[str]:
    both = sum(pair.both and not pair.around for pair in comparison.pairs)
    for word, pair in (
        ("slowdown", comparison.slower),
        ("speed-up", comparison.faster),
    ):
        if pair is None:
            continue
        part = _main_part(pair)
        if both > 1:
            a, b = pair.seconds.a or 0.0, pair.seconds.b or 0.0
            times = ratio_words(pair.seconds.ratio)
            change = f"{duration(a)} → {duration(b)}{f' ({times})' if times else ''}"
            yield f"The largest {word} is {pair_title(pair)}: {change}{part}."
        elif part:
            yield f"{pair_title(pair)} makes the difference{part}."


def _main_part(pair: Pair) -> str:
    """Name what most of a change was spent on."""
    whole = pair.seconds.difference or 0.0
    if len(pair.parts) == 1:
        return ""
    for part, change in pair.parts.items():
        more = change.difference or 0.0
        if part is not Part.AROUND and whole and more / whole > _MOST:
            a, b = change.a or 0.0, change.b or 0.0
            return f", mostly {part}: {duration(a)} → {duration(b)}"
    return ""


# -- polls and who noticed -----------------------------------------------------------


class _Polls(Struct, frozen=True):
    count: int
    interval: float | None


def _poll_counts(comparison: Comparison) -> tuple[_Polls, _Polls] | None:
    calls = [
        call
        for pair in comparison.pairs
        for tried in pair.tries
        for call in tried.calls
        if call.role is CallRole.POLL
    ]
    if not calls:
        return None
    found = []
    for tallies in ([c.a for c in calls if c.a], [c.b for c in calls if c.b]):
        gaps = [t.interval for t in tallies if t.interval is not None]
        count = sum(tally.count for tally in tallies)
        found.append(_Polls(count, mean(gaps) if gaps else None))
    return found[0], found[1]


def _polls(comparison: Comparison) -> Iterator[str]:
    found = _poll_counts(comparison) if comparison.calls_compared else None
    if found is not None:
        in_a, in_b = map(_polled, found)
        same = in_a == in_b
        yield f"Both {in_a}." if same else f"A {in_a}, and B {in_b}."


def _polled(polls: _Polls) -> str:
    if not polls.count:
        return "did not poll"
    times = {1: "once", 2: "twice"}.get(polls.count, f"{polls.count:,} times")
    every = f", about every {polls.interval:.0f} s" if polls.interval else ""
    return f"polled {times}{every}"


def _notices(comparison: Comparison) -> Iterator[str]:
    tries = [tried for pair in comparison.pairs for tried in pair.tries]
    both = [
        (t.noticed_a, t.noticed_b)
        for t in tries
        if t.noticed_a is not None and t.noticed_b is not None
    ]
    in_a = [a for a, _ in both]
    in_b = [b for _, b in both]
    if not both:
        return
    many = (
        f"the ends of {len(both)} jobs on average"
        if len(both) > 1
        else f"that the {in_a[0].job} had stopped"
    )
    by_a, by_b = _by(in_a), _by(in_b)
    how = f" in A{by_a}, and {_late(in_b)} late in B{by_b}"
    if by_a == by_b and by_a:
        how = f" in A and {_late(in_b)} late in B, both times{by_a}"
    yield f"Step Functions noticed {many} {_late(in_a)} late{how}."


def _late(notices: list[Notice]) -> str:
    return f"{mean(notice.seconds for notice in notices):.1f} s"


def _by(notices: list[Notice]) -> str:
    """Say what told of it, where it was the same each time and is known."""
    (by, count), *_ = Counter(notice.by for notice in notices).most_common(1)
    if count < len(notices) or by is By.UNKNOWN:
        return ""
    sure = all(notice.certain for notice in notices)
    return (
        " by event" if by is By.EVENT else " by a poll" if sure else " by poll or event"
    )
