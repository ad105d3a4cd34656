"""What a line of the lanes says, left of its time and right of it."""

from collections.abc import Sequence
from typing import NamedTuple

from sfnwatch.tui.lanes_layout import Needs
from sfnwatch.tui.life_line_cells import execution_mark
from sfnwatch.tui.paint import Looks, Span, SpanRow, spans_of, width_of
from sfnwatch.view.line import Line
from sfnwatch.view.outline_items import Fold, FoldKind
from sfnwatch.view.parts import Part, Role
from sfnwatch.view.wording import CallText

_RAGGED = 8
"""Cells that a row of wrapped words may lose at its end."""
_LONG = 60
"""A text of so many cells is wrapped in any case, where room is scarce."""
SURE_ARROW = Span(" ──▶ ", "role--exact")
"""What leads to a call."""
_DOUBTFUL_ARROW = Span(" ┄┄▷ ", "role--guess")
"""What leads to a call that is a guess, or likely."""


class LineWords(NamedTuple):
    """What a line says at the left of its time, and at the right."""

    left: SpanRow
    right: list[SpanRow]
    """In alternatives, from long to short."""
    leads: str = ""
    """`right` or `left`: where the arrow between them points."""
    arrow: Span = SURE_ARROW


def needs_of(line: Line, looks: Looks) -> Needs:
    """Say what a line would take at the left of its time and at the right."""
    words = words_of_line(line, looks, owner=True, apart=True)
    states = width_of(words.left)
    least_states = width_of(without_cause(words.left))
    if not words.right:
        least_states //= 4 if least_states > _LONG else 1
        return Needs(states, 0, least_states, together=states)
    calls = width_of(words.right[0])
    # How a job's end was learned of may take two rows.
    least = calls // 2 + _RAGGED
    together = states
    if line.call is not None or line.task is not None:
        least = calls
        together = states + calls + (len(SURE_ARROW.text) if states else 0)
    return Needs(states, calls, least_states, least, together)


def column_needs(line: Line, looks: Looks) -> Needs:
    """Say what a line would take in a column of its own."""
    words = words_of_line(line, looks, owner=False)
    if line.call is None or not words.right:
        return Needs(width_of(without_cause(words.left)))
    beside = [*words.left, words.arrow] if words.left else []
    return Needs(width_of([*beside, *words.right[0]]))


def without_cause(spans: Sequence[Span]) -> SpanRow:
    """Leave out the sentence behind an error, which may take another row."""
    bad = [n for n, span in enumerate(spans) if span.look == "role--bad"]
    rest = spans[bad[-1] + 1 :] if bad else ()
    if any(span.look != "role--dim" for span in rest):
        return list(spans)
    return list(spans[: len(spans) - len(rest)])


def words_of_line(
    line: Line, looks: Looks, *, owner: bool, apart: bool = False
) -> LineWords:
    """Divide what a line says between its two sides.

    With `owner` it says whose it is: of a call before its name or, where calls stand
    `apart`, among the states, with what leads to it.
    """
    left: SpanRow = []
    if line.fold is not None and line.call is None:
        left += spans_of([line.fold, Part(" ")])
    own = [Part(part.text, Role.PLAIN) for part in line.owner] if owner else []
    if line.text:
        text = line.text
        if execution_mark(line) is not None:
            # It stands where the life-line would be.
            text = (Part(text[0].text[2:], text[0].role), *text[1:])
        left += spans_of([*own, *text], looks.mask)
    if isinstance(line.item, Fold) and line.item.kind is FoldKind.MAP_RUN:
        left += spans_of([Part("  C: list", Role.DIM)])
    told = spans_of(line.conclusion, looks.mask)
    if line.call is not None:
        if told:
            left += [Span("  "), *told]
        if apart and not left:
            left = spans_of(own[:1], looks.mask)
        return _call_words(line, line.call, left, own, looks)
    if line.task is not None:
        whole = spans_of([*line.task.parts, Part("  "), *own], looks.mask)
        brief = spans_of([line.task.status, *line.task.brief], looks.mask)
        return LineWords(left, [whole, brief])
    if told and told[0].text.startswith("◀"):
        return LineWords(left, [told[1:]], "left")
    return LineWords(left, [told] if told else [])


def _call_words(
    line: Line, call: CallText, left: SpanRow, own: Sequence[Part], looks: Looks
) -> LineWords:
    # On the line of a state that is named at its left nobody needs to name it again.
    before = () if left else own
    sign = () if line.fold is None else (line.fold, Part(" "))
    # Only what has a sign can be as short as that.
    signed = [part for part in call.rule if part.text[2:3] in "=≈~?"]
    brief = [Part(part.text[:3], part.role) for part in signed] or call.rule
    head = (*before, *sign, *call.name)
    alternatives = (
        (*head, *call.subject, *call.error, *call.rule),
        (*head, *call.subject, *call.error, *brief),
        (*head, *call.error, *brief),
        (*head, *call.error),
    )
    right = [spans_of(each, looks.mask) for each in alternatives]
    is_sure = not call.rule or call.rule[0].role is Role.EXACT
    arrow = SURE_ARROW if is_sure else _DOUBTFUL_ARROW
    return LineWords(left, right, "right" if left else "", arrow)
