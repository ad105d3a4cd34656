"""The words of a line of the lanes, wrapped into rows."""

from collections.abc import Sequence

from sfnwatch.tui.line_words import LineWords, without_cause
from sfnwatch.tui.paint import Span, SpanRow, Spans, cut, flow, width_of

MOST_ROWS = 3


def concluded(words: LineWords, first: int, whole: int) -> list[SpanRow]:
    """Say how a job's end was learned of: beside what ended, or in the next row."""
    arrow = [Span("◀━━ ", "role--dim")] if words.leads else []
    full = [*arrow, *words.right[0]]
    beside = [*words.left, Span("  "), *full]
    if width_of(beside) <= first:
        return [beside]
    rows = in_rows(words.left, first, whole)
    # It is what people look for: it is told in full, in as many rows as it takes.
    return [*rows, *flow(full, whole, whole, 4)]


def in_rows(spans: Sequence[Span], first: int, others: int) -> list[SpanRow]:
    """Wrap what a line says; what says more of an error begins a row of its own."""
    head = without_cause(spans)
    rest = list(spans[len(head) :])
    if not rest or width_of(spans) <= first or width_of(head) > first:
        return flow(spans, first, others, MOST_ROWS)
    rest[0] = Span(rest[0].text.lstrip(), rest[0].look)
    return [head, *flow(rest, others, others, MOST_ROWS - 1)]


def first_whole(tries: Sequence[SpanRow], first: int, others: int) -> list[SpanRow]:
    """Take the longest of some words that fits, in one row, or else in two, or more.

    The second may stand for the first in one row: a rule in words, and its sign.
    """
    ways = [*((words, 1) for words in tries[:2]), (tries[0], 2)]
    ways += [*((words, 1) for words in tries[2:]), *((t, MOST_ROWS) for t in tries)]
    found = (whole_rows(words, first, others, most) for words, most in ways)
    return next(filter(None, found), [cut(tries[-1], first)])


def whole_rows(spans: Spans, first: int, others: int, most: int = 2) -> list[SpanRow]:
    """Wrap words into so many rows; none where they do not fit."""
    rows = flow(spans, first, others, most)
    told = "".join(span.text for row in rows for span in row)
    wanted = "".join(span.text for span in spans)
    # Where they are parted blanks are lost.
    return rows if told.replace(" ", "") == wanted.replace(" ", "") else []
