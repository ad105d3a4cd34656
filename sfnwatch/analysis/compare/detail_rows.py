"""The lines of a comparison below a state: its attempts, calls, lags and phases."""

from collections.abc import Iterator
from functools import partial

from sfnwatch.analysis.attempt_analysis import AttemptAnalysis
from sfnwatch.analysis.compare.attempt_pair import AttemptPair, CallPair, CallTally
from sfnwatch.analysis.compare.compare_row import Cell, CompareRow, RowKind
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.end import attempt_end
from sfnwatch.analysis.compare.length_pair import LengthPair
from sfnwatch.analysis.compare.visit_pair import VisitPair
from sfnwatch.analysis.completion import learned_by
from sfnwatch.analysis.names import named
from sfnwatch.analysis.phases import Phase
from sfnwatch.analysis.quantities import plural, spoken, times
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.integrations import CallRole, Pattern
from sfnwatch.model.times import duration

_LEAST_SHARE = 0.01
"""A phase with a smaller share of its state's time is left out."""
_OTHERWISE_SHOWN = frozenset({Phase.CONTAINER, Phase.COMPLETION_LAG})
"""The phases that the lines of other states, or of the lag, show."""
_NONE = Cell("none", "unknown")
_UNKNOWN = Cell("unknown", "unknown")
_UNMATCHED = Cell("not matched", "unknown")

_detail = partial(CompareRow, RowKind.DETAIL)


def detail_rows(comparison: Comparison, pair: VisitPair) -> Iterator[CompareRow]:
    """Yield the lines below a state's own line: all but its length."""
    resources = pair.other_resources
    if resources is not None:
        in_a, in_b = resources
        yield _detail(pair, "runs", Cell(in_a), Cell(in_b), mark="≠")
    for attempts in pair.attempts:
        yield from _attempt(pair, attempts)
        for calls in attempts.calls:
            yield _calls(pair, attempts, calls, compared=comparison.calls_compared)
        yield from _completion_lag(pair, attempts)
    if len(pair.phases) > 1:
        yield from _phases(pair)


def _attempt(pair: VisitPair, attempts: AttemptPair) -> Iterator[CompareRow]:
    """Yield how attempts ended, unless each side has one that did not fail."""
    end_a = attempt_end(attempts.a) if attempts.a else None
    end_b = attempt_end(attempts.b) if attempts.b else None
    statuses = {end.status for end in (end_a, end_b) if end}
    if len(pair.attempts) == 1 and statuses <= {"succeeded", "running"}:
        return
    a = _attempt_cell(attempts.a)
    b = _attempt_cell(attempts.b)
    label = f"attempt {attempts.number}"
    if end_a == end_b:
        yield _detail(pair, label, a, b, seconds=attempts.seconds)
    else:
        # Lengths of other ends are not compared: an early failure is not faster.
        yield _detail(pair, label, a, b, mark="≠")


def _attempt_cell(attempt: AttemptAnalysis | None) -> Cell:
    if attempt is None:
        return _NONE
    error = attempt.attempt.error
    status = attempt.attempt.status
    text = named(error) if error else status_words(status)
    if attempt.seconds is not None:
        text = f"{text}, {duration(attempt.seconds)}"
    return Cell(text, status, f"#{attempt.attempt.scheduled_id}")


def _number(attempts: AttemptPair) -> str:
    """Return the words for the attempt's number; empty for the first."""
    return f" (attempt {attempts.number})" if attempts.number > 1 else ""


def _calls(
    pair: VisitPair, attempts: AttemptPair, calls: CallPair, *, compared: bool
) -> CompareRow:
    label = f"{named(calls.event_name)}{_number(attempts)}"
    a = _calls_cell(calls.role, calls.a, attempts.a)
    b = _calls_cell(calls.role, calls.b, attempts.b)
    mark = "≠" if compared and calls.differ_in_errors else ""
    return _detail(pair, label, a, b, mark=mark)


def _calls_cell(
    role: CallRole, tally: CallTally | None, attempt: AttemptAnalysis | None
) -> Cell:
    if attempt is None:
        return _NONE
    if tally is None:
        return _UNMATCHED
    is_polling = role is CallRole.POLL
    parts = [plural(tally.count, "poll") if is_polling else times(tally.count)]
    for code, count in tally.error_codes.items():
        code_words = named(code)
        if count < tally.count:
            code_words = f"{count:,} {code_words}"
        parts.append(code_words)
    if tally.interval_mean and tally.count > 1:
        parts.append(f"every {spoken(tally.interval_mean)}")
    text = ", ".join(parts)
    if tally.guessed:
        text = f"up to {text}"
    if is_polling and not attempt.complete:
        text = f"{text} so far"
    status = "failed" if tally.failed else "succeeded"
    return Cell(text, status, tally.first)


def _completion_lag(pair: VisitPair, attempts: AttemptPair) -> Iterator[CompareRow]:
    lags = LengthPair(_lag(attempts.a), _lag(attempts.b))
    if lags.a is None and lags.b is None:
        return
    a = _lag_cell(attempts.a)
    b = _lag_cell(attempts.b)
    label = f"completion lag{_number(attempts)}"
    yield _detail(pair, label, a, b, seconds=lags)


def _lag(attempt: AttemptAnalysis | None) -> float | None:
    if attempt is None or attempt.completion is None:
        return None
    return attempt.completion.lag


def _lag_cell(attempt: AttemptAnalysis | None) -> Cell:
    if attempt is None:
        return _NONE
    if attempt.completion is None:
        return _UNKNOWN if attempt.attempt.pattern is Pattern.SYNC else _NONE
    text = spoken(attempt.completion.lag)
    how = learned_by([attempt.completion])
    if how:
        text = f"{text} {how}"
    return Cell(text, evidence=attempt.end_event)


def _phases(pair: VisitPair) -> Iterator[CompareRow]:
    """Yield the phases that took longer or less than on the other side."""
    least = _LEAST_SHARE * pair.seconds.longest
    for phase, lengths in pair.phases.items():
        is_change = lengths.difference is not None and not lengths.near
        if is_change and lengths.longest >= least and phase not in _OTHERWISE_SHOWN:
            a = Cell(duration(lengths.a or 0.0))
            b = Cell(duration(lengths.b or 0.0))
            yield CompareRow(RowKind.PHASE, pair, str(phase), a, b, lengths)
