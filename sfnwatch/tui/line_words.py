"""The words of a line of the lanes, left of its time and right of it."""

from typing import NamedTuple

from sfnwatch.tui.lanes_layout import LineWidths
from sfnwatch.tui.life_line_cells import execution_mark
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.spans import Span, SpanRow, Spans, spans_of, width_of
from sfnwatch.view.call_text import CallText
from sfnwatch.view.line import Line
from sfnwatch.view.outline_items import Fold, FoldKind
from sfnwatch.view.parts import Part, Role

_RAGGED_CELLS = 8
"""Cells that a row of wrapped words may leave blank at its end."""
_LONG_CELLS = 60
"""A text of more cells is wrapped in any case, if room is scarce."""
_ROWS_OF_LONG = 4
_SURE_ARROW = Span(" ──▶ ", "role--exact")
"""The arrow to a call."""
_DOUBTFUL_ARROW = Span(" ┄┄▷ ", "role--guess")
"""The arrow to a call whose match is likely or a guess."""
_BRIEF_RULE_SIGNS = "=≈~?"
"""Signs that a rule may be cut to."""


class LineWords(NamedTuple):
    """The words of a line, left of its time and right of it."""

    left: SpanRow
    right: list[SpanRow]
    """Alternatives, from long to short."""
    leads: str = ""
    """Where the arrow between them points: `right` or `left`; empty for no arrow."""
    arrow: Span = _SURE_ARROW


def words_of_line(
    line: Line, looks: Looks, *, owner: bool, apart: bool = False
) -> LineWords:
    """Divide a line's words between its two sides.

    With `owner` the state is named as well: before a call's name or, if calls stand
    `apart`, among the states, with an arrow to the call.
    """
    owners = []
    if owner:
        owners = [Part(part.text, Role.PLAIN) for part in line.owner]
    left = _left_words(line, owners, looks)
    conclusion = spans_of(line.conclusion, looks.mask)
    if line.call is not None:
        if conclusion:
            left += [Span("  "), *conclusion]
        if apart and not left:
            left = spans_of(owners[:1], looks.mask)
        return _call_words(line, line.call, left, owners, looks)
    if line.task is not None:
        whole = spans_of([*line.task.parts, Part("  "), *owners], looks.mask)
        brief = spans_of([line.task.status, *line.task.brief], looks.mask)
        return LineWords(left, [whole, brief])
    if not conclusion:
        return LineWords(left, [])
    if conclusion[0].text.startswith("◀"):
        return LineWords(left, [conclusion[1:]], "left")
    return LineWords(left, [conclusion])


def _left_words(line: Line, owners: list[Part], looks: Looks) -> SpanRow:
    left: SpanRow = []
    if line.fold is not None and line.call is None:
        left += spans_of([line.fold, Part(" ")])
    if line.text:
        text = line.text
        if execution_mark(line) is not None:
            # The sign and the blank after it stand in place of the life-line.
            text = (Part(text[0].text[2:], text[0].role), *text[1:])
        left += spans_of([*owners, *text], looks.mask)
    if isinstance(line.item, Fold) and line.item.kind is FoldKind.MAP_RUN:
        left.append(Span("  C: list", "role--dim"))
    return left


def _call_words(
    line: Line, call: CallText, left: SpanRow, owners: list[Part], looks: Looks
) -> LineWords:
    head = list(call.name)
    if line.fold is not None:
        head = [line.fold, Part(" "), *head]
    if not left:
        # Beside a state's words, its name is not needed again.
        head = [*owners, *head]
    rule = call.rule
    brief_rule = [
        Part(part.text[:3], part.role)
        for part in rule
        if part.text[2:3] in _BRIEF_RULE_SIGNS
    ]
    short = [*head, *call.error]
    long = [*head, *call.subject, *call.error]
    alternatives = (
        [*long, *rule],
        [*long, *(brief_rule or rule)],
        [*short, *(brief_rule or rule)],
        short,
    )
    right = [spans_of(parts, looks.mask) for parts in alternatives]
    is_sure = not rule or rule[0].role is Role.EXACT
    arrow = _SURE_ARROW if is_sure else _DOUBTFUL_ARROW
    return LineWords(left, right, "right" if left else "", arrow)


def line_widths(line: Line, looks: Looks) -> LineWidths:
    """Return the cells that a line needs, left of its time and right of it."""
    words = words_of_line(line, looks, owner=True, apart=True)
    states = width_of(words.left)
    least_states = width_of(without_cause(words.left))
    if not words.right:
        if least_states > _LONG_CELLS:
            least_states //= _ROWS_OF_LONG
        return LineWidths(states, 0, least_states, together=states)
    calls = width_of(words.right[0])
    if line.call is None and line.task is None:
        # How a job's end was learned of may take two rows.
        least_calls = calls // 2 + _RAGGED_CELLS
        return LineWidths(states, calls, least_states, least_calls, together=states)
    together = calls
    if states:
        together += states + len(_SURE_ARROW.text)
    return LineWidths(states, calls, least_states, calls, together)


def line_widths_in_column(line: Line, looks: Looks) -> LineWidths:
    """Return the cells that a line needs in its own execution's column."""
    words = words_of_line(line, looks, owner=False)
    if line.call is None or not words.right:
        return LineWidths(width_of(without_cause(words.left)))
    width = width_of(words.right[0])
    if words.left:
        width += width_of([*words.left, words.arrow])
    return LineWidths(width)


def without_cause(spans: Spans) -> SpanRow:
    """Return words without the cause behind an error, which may take another row."""
    begin = len(spans)
    while begin > 0 and spans[begin - 1].look == "role--dim":
        begin -= 1
    follows_error = any(span.look == "role--bad" for span in spans[:begin])
    return list(spans[:begin] if follows_error else spans)
