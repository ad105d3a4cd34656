"""A comparison in sentences."""

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import fmean

from sfnwatch.analysis.compare.compared_execution import ComparedExecution
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.completion import Completion, learned_by
from sfnwatch.analysis.finding import FactOrInference, Finding, finding
from sfnwatch.analysis.quantities import agreeing, cadence, plural, spoken
from sfnwatch.model.integrations import Pattern

_CALL_KINDS = frozenset({"call", "denied"})
"""The kinds of differences that are in API calls alone."""
_UNSURE = frozenset({"no-history", "partial-history", "late-calls", "shared-calls"})
"""The kinds of gaps that may hide a difference."""
_ABOUT_THE_SAME = "They took about the same time: A {a}, B {b}."
_TOOK_MORE = "B took {b}, {seconds} more than A's {a}."
_TOOK_LESS = "B took {b}, {seconds} less than A's {a}."
_LARGEST = "The largest {change} is {state}: {a} → {b}."
_LAGS = "The {lag} was {a} in A{how_a} and {b} in B{how_b}."

_sentence = partial(finding, "compared")


def comparison_findings(comparison: Comparison) -> list[Finding]:
    """Return the result of a comparison in sentences, the answer first.

    Each later sentence has one subject: how long each took and why, how often they
    polled, how Step Functions learned of their jobs' ends.
    """
    return [
        *_answer(comparison),
        *_lengths(comparison),
        *_largest_changes(comparison),
        *_polls(comparison),
        *_completion_lags(comparison),
    ]


def _answer(comparison: Comparison) -> Iterator[Finding]:
    """Yield the first difference, the number of others, and how each ended."""
    differences = comparison.differences
    endings = [ending for ending in differences if ending.kind == "status"]
    if not comparison.pairs:
        yield _sentence("There is no state to compare.")
    elif not comparison.shared_count:
        yield _sentence("They have no state in common.")
    elif not differences:
        yield _same(comparison)
    else:
        first = differences[0]
        endings = [ending for ending in endings if ending is not first]
        yield from _first_difference(comparison, first)
        yield from _more_differences(comparison, len(differences) - 1 - len(endings))
    for ending in endings:
        yield _repeated(ending)


def _same(comparison: Comparison) -> Finding:
    is_unsure = any(gap.kind in _UNSURE for gap in comparison.gaps)
    if is_unsure or comparison.has_guesses or not comparison.calls_compared:
        text = f"{_same_way(comparison)}, as far as is known."
        return _sentence(text, fact=False)
    return _sentence(f"{_same_way(comparison)}.")


def _first_difference(comparison: Comparison, first: Finding) -> Iterator[Finding]:
    kinds = {difference.kind for difference in comparison.differences}
    if kinds <= _CALL_KINDS:
        text = f"{_same_way(comparison)}; only their API calls differ."
        yield _sentence(text, fact=_is_certain(comparison))
        yield _repeated(first)
    else:
        yield _repeated(first, "First difference: ")


def _more_differences(comparison: Comparison, count: int) -> Iterator[Finding]:
    if count:
        are = agreeing(count, "is", "are")
        text = f"There {are} {plural(count, 'more difference')}."
        yield _sentence(text, fact=_is_certain(comparison))


def _is_certain(comparison: Comparison) -> bool:
    """True if all differences are facts."""
    certainties = {difference.certainty for difference in comparison.differences}
    return certainties == {FactOrInference.FACT} and not comparison.has_guesses


def _repeated(difference: Finding, prefix: str = "") -> Finding:
    is_fact = difference.certainty is FactOrInference.FACT
    return _sentence(f"{prefix}{difference.text}", difference.evidence, fact=is_fact)


def _same_way(comparison: Comparison) -> str:
    if comparison.running:
        return "So far both did the same"
    if comparison.shared_count == 1:
        return "Both went through the same state with the same outcome"
    count = plural(comparison.shared_count, "state")
    return f"Both went through the same {count} with the same outcomes"


def _lengths(comparison: Comparison) -> Iterator[Finding]:
    a = comparison.seconds.a
    b = comparison.seconds.b
    if comparison.running or a is None or b is None:
        return
    template = _TOOK_MORE if b > a else _TOOK_LESS
    if comparison.seconds.near:
        template = _ABOUT_THE_SAME
    seconds = spoken(abs(b - a))
    text = template.format(a=spoken(a), b=spoken(b), seconds=seconds)
    yield _sentence(text)


def _largest_changes(comparison: Comparison) -> Iterator[Finding]:
    for change, sign in (("slowdown", 1), ("speed-up", -1)):
        place = comparison.largest_change(sign)
        if place is not None:
            pair = comparison.pairs[place]
            text = _LARGEST.format(
                change=change,
                state=pair.title,
                a=spoken(pair.seconds.a or 0.0),
                b=spoken(pair.seconds.b or 0.0),
            )
            yield _sentence(text)


def _polls(comparison: Comparison) -> Iterator[Finding]:
    a, b = comparison.sides
    polls = [*a.polls.every, *b.polls.every]
    if not polls or not comparison.shared_count or not comparison.calls_compared:
        return
    in_a = _poll_words(a)
    in_b = _poll_words(b)
    text = f"Both {in_a}." if in_a == in_b else f"A {in_a}; B {in_b}."
    is_fact = _are_polls_sure(a) and _are_polls_sure(b)
    yield _sentence(text, polls, fact=is_fact)


def _poll_words(side: ComparedExecution) -> str:
    """Describe how often one side polled, as far as known."""
    so_far = "" if _has_all_polls(side) else " so far"
    if not side.polls.every:
        return f"has no poll matched{so_far}"
    words = f"polled {side.polls.often}{so_far}"
    means = [
        fmean(attempt.intervals.seconds)
        for attempt in side.attempts
        if attempt.intervals.seconds
    ]
    if means and len(side.polls.every) > 1:
        words = f"{words}, {cadence(fmean(means))}"
    return words


def _are_polls_sure(side: ComparedExecution) -> bool:
    return bool(side.polls.sure) and not side.polls.guessed and _has_all_polls(side)


def _has_all_polls(side: ComparedExecution) -> bool:
    """True if no later record can add a poll to one of the attempts."""
    for attempt in side.attempts:
        if attempt.attempt.pattern is Pattern.SYNC and not attempt.complete:
            return False
    return True


def _completion_lags(comparison: Comparison) -> Iterator[Finding]:
    """Compare the completion lags of the jobs whose stop is known on both sides."""
    in_a: list[Completion] = []
    in_b: list[Completion] = []
    for pair in comparison.pairs:
        for attempts in pair.attempts:
            a = attempts.a.completion if attempts.a else None
            b = attempts.b.completion if attempts.b else None
            if a and b:
                in_a.append(a)
                in_b.append(b)
    if not in_a:
        return
    lag = f"average completion lag of {len(in_a)} jobs"
    if len(in_a) == 1:
        lag = f"completion lag of the {in_a[0].job}"
    how_a = learned_by(in_a)
    how_b = learned_by(in_b)
    text = _LAGS.format(
        lag=lag,
        a=_mean_lag(in_a),
        how_a=f" ({how_a})" if how_a else "",
        b=_mean_lag(in_b),
        how_b=f" ({how_b})" if how_b else "",
    )
    has_guesses = any(completion.possible_polls for completion in (*in_a, *in_b))
    is_fact = not how_a and not how_b and not has_guesses
    yield _sentence(text, fact=is_fact)


def _mean_lag(completions: Sequence[Completion]) -> str:
    return spoken(fmean(completion.lag for completion in completions))
