"""A comparison in sentences."""

from collections.abc import Iterator
from functools import partial
from statistics import fmean

from sfnwatch.analysis.compare.compared_execution import ComparedExecution
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.definitions import DefinitionChanges
from sfnwatch.analysis.completion import learned_by
from sfnwatch.analysis.finding import (
    FactOrInference,
    Finding,
    finding,
)
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import cadence, plural, spoken
from sfnwatch.model.arns import role_name
from sfnwatch.model.integrations import Pattern

_CALLS = frozenset({"call", "denied"})
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The kinds of gaps that may hide a difference."""


def verdict(comparison: Comparison) -> list[Finding]:
    """Return the result of a comparison in sentences, the answer first.

    Each later sentence has one subject: how long each took and why, how often they
    polled, how Step Functions learned of their jobs' ends.
    """
    ways = (_answer, _lengths, _extremes, _polls, _completions)
    return [found for tell in ways for found in tell(comparison)]


_said = partial(finding, "compared")


def _answer(comparison: Comparison) -> Iterator[Finding]:
    """Yield the first difference, the number of others, and how each ended."""
    differences = comparison.differences
    endings = [each for each in differences if each.kind == "status"]
    if not comparison.shared:
        nothing = "They have no state in common."
        yield _said(nothing if comparison.pairs else "There is no state to compare.")
    elif not differences:
        yield _same(comparison)
    else:
        only_calls = {each.kind for each in differences} <= _CALLS
        sure = all(each.certainty is FactOrInference.FACT for each in differences)
        sure = sure and not comparison.guesses
        if only_calls:
            text = f"{_same_way(comparison)}; only their API calls differ."
            yield _said(text, fact=sure)
        yield _told(differences[0], "" if only_calls else "First difference: ")
        endings = [each for each in endings if each is not differences[0]]
        if more := len(differences) - 1 - len(endings):
            are = "is" if more == 1 else "are"
            yield _said(f"There {are} {plural(more, 'more difference')}.", fact=sure)
    yield from map(_told, endings)


def _told(difference: Finding, prefix: str = "") -> Finding:
    fact = difference.certainty is FactOrInference.FACT
    return _said(f"{prefix}{difference.text}", difference.evidence, fact=fact)


def _same(comparison: Comparison) -> Finding:
    unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    unsure = unsure or not comparison.calls_compared or comparison.guesses
    known = ", as far as is known" if unsure else ""
    return _said(f"{_same_way(comparison)}{known}.", fact=not unsure)


def _same_way(comparison: Comparison) -> str:
    if comparison.running:
        return "So far both did the same"
    if comparison.shared == 1:
        return "Both went through the same state with the same outcome"
    count = plural(comparison.shared, "state")
    return f"Both went through the same {count} with the same outcomes"


def _lengths(comparison: Comparison) -> Iterator[Finding]:
    a = comparison.seconds.a
    b = comparison.seconds.b
    if comparison.running or a is None or b is None:
        return
    if comparison.seconds.near:
        yield _said(f"They took about the same time: A {spoken(a)}, B {spoken(b)}.")
        return
    more = f"{spoken(abs(b - a))} {'more' if b > a else 'less'}"
    yield _said(f"B took {spoken(b)}, {more} than A's {spoken(a)}.")


def _extremes(comparison: Comparison) -> Iterator[Finding]:
    for word, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.largest_change(sign)
        if place is not None:
            pair = comparison.pairs[place]
            a, b = (spoken(each or 0.0) for each in (pair.seconds.a, pair.seconds.b))
            yield _said(f"The largest {word} is {pair.title}: {a} → {b}.")


def _polls(comparison: Comparison) -> Iterator[Finding]:
    sides = comparison.sides
    polls = [poll for side in sides for poll in side.polls.every]
    if not polls or not comparison.shared or not comparison.calls_compared:
        return
    (in_a, sure_a), (in_b, sure_b) = map(_polled, sides)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    yield _said(text, polls, fact=sure_a and sure_b)


def _polled(side: ComparedExecution) -> tuple[str, bool]:
    """Return how often one side polled, as far as known, and whether that is sure."""
    cases = side.attempts
    waits = [case for case in cases if case.attempt.pattern is Pattern.SYNC]
    so_far = "" if all(case.complete for case in waits) else " so far"
    if not side.polls.every:
        return f"has no poll matched{so_far}", False
    means = [fmean(apart) for case in cases if (apart := case.intervals.seconds)]
    every = f", {cadence(fmean(means))}" if means and len(side.polls.every) > 1 else ""
    sure = not side.polls.guessed and not so_far
    return f"polled {side.polls.often}{so_far}{every}", sure


def _completions(comparison: Comparison) -> Iterator[Finding]:
    attempts = (each for pair in comparison.pairs for each in pair.attempts)
    told = ([case and case.completion for case in each.cases] for each in attempts)
    both = [(a, b) for a, b in told if a and b]
    if not both:
        return
    what = f"average completion lag of {len(both)} jobs"
    if len(both) == 1:
        what = f"completion lag of the {both[0][0].job}"
    sides = list(zip(*both, strict=True))
    lags = [spoken(fmean(each.lag for each in side)) for side in sides]
    ways = [learned_by(side) for side in sides]
    how = [f" ({way})" if way else "" for way in ways]
    text = f"The {what} was {lags[0]} in A{how[0]} and {lags[1]} in B{how[1]}."
    guessed = any(each.possible_polls for side in sides for each in side)
    yield _said(text, fact=not any(ways) and not guessed)


def remarks(comparison: Comparison) -> list[str]:
    """Return what may explain a difference, and what could not be compared."""
    found = [gap.text for gap in comparison.gaps]
    if comparison.definitions:
        found += _definitions(comparison.definitions)
    for side in comparison.sides:
        if stopped := side.execution.stopped_seconds:
            known = f"{side.letter}'s duration includes {spoken(stopped)} in which it"
            found.append(f"{known} was over, until it was redriven.")
    a, b = (side.execution.role_arn for side in comparison.sides)
    if a is not None and b is not None and a != b:
        names = [named(role_name(arn) or arn) for arn in (a, b)]
        found.append(f"A ran with the role {names[0]}, B with {names[1]}.")
    if comparison.same_input is False:
        found.append("Their inputs differ.")
    return found


def _definitions(definitions: DefinitionChanges) -> Iterator[str]:
    """Yield the states in which the definitions differ."""
    if definitions.same:
        yield "Their definitions are the same."
    for letter, names in (("A", definitions.only_a), ("B", definitions.only_b)):
        if names:
            yield f"Only {letter}'s definition has {some(map(named, names))}."
    if changed := definitions.changed:
        told = (f"{named(n)} ({', '.join(map(named, f))})" for n, f in changed.items())
        yield f"The definitions differ in {some(told)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside their states."
