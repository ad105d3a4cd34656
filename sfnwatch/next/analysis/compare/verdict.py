"""What a comparison comes to, in sentences; the first one is the answer.

Each later one tells one thing: where they differ first, how long each took and why, how
often they polled, how they learned of their jobs' ends; then what may explain it, and
what nobody can tell.
"""

from collections.abc import Iterator, Sequence
from statistics import mean

from sfnwatch.next.analysis.compare.values import (
    Comparison,
    DefinitionChanges,
    Difference,
    Lengths,
    Side,
    VisitPair,
)
from sfnwatch.next.analysis.completion import Completion, ToldBy
from sfnwatch.next.analysis.document import Sentence
from sfnwatch.next.analysis.failures import stopped_seconds
from sfnwatch.next.analysis.finding import Certainty, evidence
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.analysis.wording import cadence, named, plural, some, spoken, times
from sfnwatch.next.model.arns import role_name
from sfnwatch.next.model.integrations import Pattern

_CALLS = frozenset({"call", "denied"})
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The gaps behind which a difference may be hidden."""
_NOTABLE, _MANY = 1.1, 10
"""From so many times as long on it is said how many; then without decimals."""
_MOST = 0.5
"""A phase that makes up so much of a change is named for it."""


def verdict(comparison: Comparison) -> list[Sentence]:
    """Say what a comparison comes to, the answer first."""
    if comparison.a.is_same(comparison.b):
        return list(_answer(comparison))
    return [
        *_answer(comparison),
        *_lengths(comparison),
        *_extremes(comparison),
        *_polls(comparison),
        *_completions(comparison),
    ]


def _fact(text: str) -> Sentence:
    return Sentence(text, Certainty.FACT)


# -- the answer ------------------------------------------------------------------------


def _answer(comparison: Comparison) -> Iterator[Sentence]:
    """Tell the first difference, how many more there are, and how each ended."""
    differences = comparison.differences
    endings = [each for each in differences if each.kind == "status"]
    if not comparison.shared:
        nothing = "They have no state in common."
        yield _fact(nothing if comparison.pairs else "There is no state to compare.")
    elif not differences:
        yield _same(comparison)
    else:
        only_calls = {each.kind for each in differences} <= _CALLS
        if only_calls:
            yield _fact(f"{_same_way(comparison)}; only their API calls differ.")
        yield _told(differences[0], "" if only_calls else "First difference: ")
        endings = [each for each in endings if each is not differences[0]]
        more = len(differences) - 1 - len(endings)
        if more:
            are = "is" if more == 1 else "are"
            yield _fact(f"There {are} {plural(more, 'more difference')}.")
    yield from map(_told, endings)


def _told(difference: Difference, prefix: str = "") -> Sentence:
    text = f"{prefix}{difference.text}"
    return Sentence(text, difference.certainty, difference.evidence)


def _same(comparison: Comparison) -> Sentence:
    unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    told = "only times differ"
    if unsure or not comparison.calls_compared:
        unsure, told = True, "only times differ, as far as is known"
    elif comparison.a.is_same(comparison.b):
        told = "nothing differs"
    elif comparison.a.polls or comparison.b.polls:
        told = "only times and polls differ"
    text = f"{_same_way(comparison)}; {told}."
    return Sentence(text, Certainty.of(fact=not unsure))


def _same_way(comparison: Comparison) -> str:
    if comparison.running:
        return "So far both did the same"
    if comparison.shared == 1:
        return "Both went through the same state with the same outcome"
    count = plural(comparison.shared, "state")
    return f"Both went through the same {count} with the same outcomes"


# -- lengths ---------------------------------------------------------------------------


def _lengths(comparison: Comparison) -> Iterator[Sentence]:
    a, b = comparison.seconds.a, comparison.seconds.b
    if a is None or b is None:
        return
    for side, seconds in zip(comparison.sides, (a, b), strict=True):
        if side.execution.running:
            yield _fact(f"{side.letter} has been running for {spoken(seconds)}.")
    if comparison.running:
        return
    if comparison.seconds.near:
        yield _fact(f"They took about the same time: A {spoken(a)}, B {spoken(b)}.")
        return
    more = f"{spoken(abs(b - a))} {'more' if b > a else 'less'}"
    short, long = sorted((a, b))
    many = ""
    if short > 0 and long / short >= _NOTABLE:
        count = f"{long / short:,.{0 if long / short >= _MANY else 1}f}"
        many = f" ({'B' if b > a else 'A'} took {count} times as long)"
    yield _fact(f"B took {spoken(b)}, {more} than A's {spoken(a)}{many}.")


def _extremes(comparison: Comparison) -> Iterator[Sentence]:
    several = sum(pair.both and not pair.is_container for pair in comparison.pairs) > 1
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.extreme(sign)
        if place is None:
            continue
        pair = comparison.pairs[place]
        phase, ratio = _main_phase(pair), pair.seconds.ratio_words
        if several:
            change = f"{_from_to(pair.seconds)}{f' ({ratio})' if ratio else ''}"
            yield _fact(f"The largest {word} is {pair.title}: {change}{phase}.")
        elif phase:
            yield _fact(f"{pair.title} accounts for the difference{phase}.")


def _main_phase(pair: VisitPair) -> str:
    """Name what most of a change was spent on; where that is all, it says nothing."""
    whole = pair.seconds.difference or 0.0
    for phase, lengths in pair.phases.items():
        share = (lengths.difference or 0.0) / whole if whole else 0.0
        if len(pair.phases) > 1 and phase is not Phase.CONTAINER and share > _MOST:
            return f", mostly {phase}: {_from_to(lengths)}"
    return ""


def _from_to(lengths: Lengths) -> str:
    return f"{spoken(lengths.a or 0.0)} → {spoken(lengths.b or 0.0)}"


# -- polls, and how they learned of the end --------------------------------------------


def _polls(comparison: Comparison) -> Iterator[Sentence]:
    ids = [poll.event_id for side in comparison.sides for poll in side.polls]
    if not ids or not comparison.shared or not comparison.calls_compared:
        return
    (in_a, sure_a), (in_b, sure_b) = map(_polled, comparison.sides)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    yield Sentence(text, Certainty.of(fact=sure_a and sure_b), evidence(ids))


def _polled(side: Side) -> tuple[str, bool]:
    """Say how often one side polled, no more than is known, and whether it is sure."""
    cases, count = side.attempts.values(), len(side.polls)
    waits = [case for case in cases if case.attempt.pattern is Pattern.SYNC]
    so_far = "" if all(case.complete for case in waits) else " so far"
    if not count:
        return f"has no poll matched{so_far}", False
    guessed = any(map(side.is_guess, side.polls))
    many = f"up to {plural(count, 'time')}" if guessed else times(count)
    spans = [
        (case.polls[0], case.polls[-1], len(case.polls)) for case in cases if case.polls
    ]
    gaps = [
        (last.event_time - first.event_time).total_seconds() / (number - 1)
        for first, last, number in spans
        if number > 1
    ]
    every = f", {cadence(mean(gaps))}" if gaps else ""
    return f"polled {many}{so_far}{every}", not guessed and not so_far


def _completions(comparison: Comparison) -> Iterator[Sentence]:
    attempts = (each for pair in comparison.pairs for each in pair.attempts)
    cases = [(each.a, each.b) for each in attempts if each.a and each.b]
    both = [(a.completion, b.completion) for a, b in cases]
    in_a = [a for a, b in both if a and b]
    in_b = [b for a, b in both if a and b]
    if not in_a:
        return
    what = f"average completion lag of {len(in_a)} jobs"
    if len(in_a) == 1:
        what = f"completion lag of the {in_a[0].job}"
    by_a, by_b = learned_by(in_a), learned_by(in_b)
    how_a, how_b = f" ({by_a})" if by_a else "", f" ({by_b})" if by_b else ""
    if by_a == by_b:
        how_a, how_b = "", f", both {by_a}" if by_a else ""
    lags = (spoken(mean(each.lag for each in told)) for told in (in_a, in_b))
    yield Sentence(
        f"The {what} was {next(lags)} in A{how_a} and {next(lags)} in B{how_b}.",
        Certainty.of(fact=not (by_a or by_b)),
    )


def learned_by(completions: Sequence[Completion]) -> str:
    """Say what told of the ends, where it was the same each time and is known."""
    ways = {completion.by for completion in completions}
    if ways == {ToldBy.EVENT}:
        return "by event"
    if ways == {ToldBy.POLL}:
        sure = all(completion.certain for completion in completions)
        return "by a poll" if sure else "by a poll or an event"
    return ""


# -- what may explain it, and what is not known ----------------------------------------


def remarks(comparison: Comparison) -> list[str]:
    """Say what may explain a difference, and what could not be compared."""
    found = [gap.text for gap in comparison.gaps]
    if comparison.definitions and not comparison.a.is_same(comparison.b):
        found += _definitions(comparison.definitions)
    for side in comparison.sides:
        found += _redriven(side)
    a, b = (side.execution.role_arn for side in comparison.sides)
    if a is not None and b is not None and a != b:
        names = [named(role_name(arn) or arn) for arn in (a, b)]
        found.append(f"A ran with the role {names[0]}, B with {names[1]}.")
    if comparison.same_input is False:
        found.append("Their inputs differ.")
    return found


def _definitions(definitions: DefinitionChanges) -> Iterator[str]:
    """Say in which states the definitions differ."""
    if definitions.same:
        yield "Their definitions are the same."
    for letter, names in (("A", definitions.only_a), ("B", definitions.only_b)):
        if names:
            yield f"Only {letter}'s definition has {some(map(named, names))}."
    changed = definitions.changed.items()
    if changed:
        told = (f"{named(n)} ({', '.join(map(named, f))})" for n, f in changed)
        yield f"The definitions differ in {some(told)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside their states."


def _redriven(side: Side) -> Iterator[str]:
    """Say that one was over in between: no state of it took that time."""
    redrives = side.execution.redrives
    if redrives:
        often, stopped = times(len(redrives)), stopped_seconds(side.execution)
        yield (
            f"{side.letter} was redriven {often}, having been over for"
            f" {spoken(stopped)}: that time is part of its duration, and of no state's."
        )
