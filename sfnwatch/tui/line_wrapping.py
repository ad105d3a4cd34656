"""The words of a line of the lanes, wrapped into rows."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from sfnwatch.tui.line_words import LineWords, without_cause
from sfnwatch.tui.spans import Span, SpanRow, Spans, cut, flow, width_of

_MOST_ROWS = 3
_CONCLUSION_ROWS = 4


def in_rows(spans: Spans, first: int, others: int) -> list[SpanRow]:
    """Wrap a line's words; the cause of an error begins a row of its own."""
    head = without_cause(spans)
    cause = list(spans[len(head) :])
    if not cause or width_of(spans) <= first or width_of(head) > first:
        return flow(spans, first, others, _MOST_ROWS)
    cause[0] = Span(cause[0].text.lstrip(), cause[0].look)
    return [head, *flow(cause, others, others, _MOST_ROWS - 1)]


def concluded(words: LineWords, first: int, others: int) -> list[SpanRow]:
    """Add how a job's end was learned of: beside the words, or in rows below."""
    conclusion = words.right[0]
    if words.leads:
        conclusion = [Span("◀━━ ", "role--dim"), *conclusion]
    beside = [*words.left, Span("  "), *conclusion]
    if width_of(beside) <= first:
        return [beside]
    # People look for this: it is shown in full, in as many rows as it needs.
    below = flow(conclusion, others, others, _CONCLUSION_ROWS)
    return [*in_rows(words.left, first, others), *below]


def first_whole(
    alternatives: Sequence[SpanRow], first: int, others: int
) -> list[SpanRow]:
    """Return the longest alternative that fits in one row, or else in two or more."""
    for words, most in _ways(alternatives):
        rows = whole_rows(words, first, others, most)
        if rows:
            return rows
    return [cut(alternatives[-1], first)]


def _ways(alternatives: Sequence[SpanRow]) -> Iterator[tuple[SpanRow, int]]:
    """Yield alternatives and the rows that each may take, the best first.

    In one row the second may replace the first: it has a rule's sign, not its words.
    """
    for words in alternatives[:2]:
        yield words, 1
    yield alternatives[0], 2
    for words in alternatives[2:]:
        yield words, 1
    for words in alternatives:
        yield words, _MOST_ROWS


def whole_rows(spans: Spans, first: int, others: int, most: int = 2) -> list[SpanRow]:
    """Wrap words into at most `most` rows; return no rows if they do not fit."""
    rows = flow(spans, first, others, most)
    is_whole = _letters(chain.from_iterable(rows)) == _letters(spans)
    return rows if is_whole else []


def _letters(spans: Iterable[Span]) -> str:
    """Return the texts without their blanks, some of which are lost by wrapping."""
    return "".join(span.text for span in spans).replace(" ", "")
