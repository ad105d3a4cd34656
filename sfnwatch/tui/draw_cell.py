"""A line of one execution in a column of its own: as in `draw`, with less room.

There is no time before it, what is inside a state stands no further in, and signs
stand for what has no room in words.
"""

from collections.abc import Iterator, Sequence

from sfnwatch.trace.lanes import Kind, Row
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone, rule_tone
from sfnwatch.tui.cells import cells, cut, pad, whole
from sfnwatch.tui.draw import (
    LEADER,
    complete_words,
    draw_badge,
    drawn_out,
    gutter_piece,
    gutter_tone,
    is_seam,
    leaders,
    rails_pieces,
    state_words,
)
from sfnwatch.tui.lane_calls import Part, fit, is_short, need, right_parts
from sfnwatch.tui.lane_frame import MARGIN, Frame
from sfnwatch.tui.lane_line import Line


def draw_cell(
    line: Line, frame: Frame, *, selected: bool = False, badge: str = ""
) -> tuple[Piece, ...]:
    """Draw a line into a column's frame; a `badge` stands at its end."""
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    parts = right_parts(line, frame)
    room = frame.share.right - need(parts) if line.right else frame.width - MARGIN
    end = draw_badge(badge, room)
    body = (margin, *_body(line, frame, parts, cells(end)))
    return (*pad(body, frame.width - cells(end)), *end)


def _body(
    line: Line, frame: Frame, parts: Sequence[Part], taken: int
) -> Iterator[Piece]:
    left = line.left
    if isinstance(left, str) and left and not line.right:
        # Our own words may run on over the calls' lane, which is empty here.
        yield from cut(state_words(line, frame), frame.width - MARGIN)
        return
    if isinstance(left, Fold) and left.sort is Sort.WATERMARK:
        rails = tuple(rails_pieces(line))
        words = f"{LEADER * 2} {complete_words(left.at, frame)} "
        yield from rails
        yield from leaders(words, frame.width - MARGIN - cells(rails))
        return
    if is_seam(line):
        rails = tuple(rails_pieces(line, tight=True))
        width = frame.width - MARGIN - cells(rails) - taken
        yield from rails
        yield from drawn_out(cut(state_words(line, frame), width), width)
        return
    yield from _left(line, frame)
    yield _gutter(line, frame)
    yield from fit(parts, frame.share.right - taken)


def _left(line: Line, frame: Frame) -> tuple[Piece, ...]:
    """Draw the state's part, up to the gutter; a stroke that begins there goes on."""
    stroke = line.gutter[1] if line.gutter[1] in "─┄" else ""
    width = frame.share.left
    text = _words(line, frame, width - len(stroke))
    room = width - cells(text)
    if not stroke or room < 2:  # noqa: PLR2004 - a blank before it
        return pad(text, width)
    return (*text, (f" {stroke * (room - 1)}", gutter_tone(line)))


def _words(line: Line, frame: Frame, width: int) -> tuple[Piece, ...]:
    rails = tuple(rails_pieces(line, tight=True))
    state = tuple(frame.look.masked(state_words(line, frame)))
    row, room = line.left, width - cells(rails)
    if isinstance(row, Row) and row.kind in {Kind.ENTERED, Kind.PASSED}:
        state = whole(state, room)
    elif line.state and cells(state) > room:
        # The rails say whose row it is, too.
        nameless = replace(line, state="")
        state = tuple(frame.look.masked(state_words(nameless, frame)))
    return cut((*rails, *state), width)


def _gutter(line: Line, frame: Frame) -> Piece:
    words, tone = gutter_piece(line)
    mark, mark_tone = _mark(line, frame)
    if mark and not words.strip():
        return (f"  {mark} ", mark_tone)
    # The first blank is to part it from the time, of which there is none.
    return (words[1:], tone)


def _mark(line: Line, frame: Frame) -> tuple[str, Tone]:
    """Say by one sign that a call failed or is tied, where words have no room."""
    row = line.right
    if not isinstance(row, Row) or row.link is None or not is_short(frame):
        return "", Tone.DIM
    if row.task is not None:
        return "", Tone.DIM  # it has a sign of its own
    if row.call is not None and row.call.error_code is not None:
        return "✘", Tone.BAD
    return "=" if row.link.rule.exact else "~", rule_tone(row.link)
