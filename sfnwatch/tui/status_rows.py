"""The status above the views: who, how far, how complete.

It is made as text from a given moment and clock, so that live and replay show the same
words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.model.times import clock, duration
from sfnwatch.tui.awaited_words import awaited_parts
from sfnwatch.tui.headline import AND
from sfnwatch.tui.name_words import name_words
from sfnwatch.tui.ranked_words import (
    GROUP_GAP_CELLS,
    RankedWords,
    cells_of,
    fitted,
    joined,
    ranked_words,
)
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.source_words import source_words
from sfnwatch.tui.spans import Span, cut, flow, spans_of, width_of
from sfnwatch.tui.usual_words import usual_words
from sfnwatch.view.parts import status_glyph

_STATUS_LENGTH = 64
"""Most characters of an execution's status."""
_HEADLINE_BESIDE_FROM = 120
"""From this width on the headline stands beside the name."""
_HEADLINE_BELOW_FROM = 16
"""Otherwise it stands below the name, if the screen has this many rows."""
_MOST_HEADLINE_ROWS = 4


def status_rows(screen_state: ScreenState, width: int, height: int) -> list[list[Span]]:
    """Return everything in one row, or with the headline in rows of its own.

    On a wide screen the headline stands beside the name if nothing is cut for that. On
    a screen of few rows it is in that one row too, and takes the room left.
    """
    words = [
        *name_words(screen_state),
        *_outcome_words(screen_state),
        *usual_words(screen_state),
        *_badges(screen_state),
        *source_words(screen_state),
    ]
    headline_parts = [*screen_state.headline]
    awaited = awaited_parts(screen_state)
    if awaited and headline_parts:
        headline_parts.append(AND)
    headline_parts += awaited
    headline = spans_of(headline_parts, screen_state.looks.mask)
    room = width - 2
    if not headline:
        return [_row(words, room)]
    headline_cells = width_of(headline) + GROUP_GAP_CELLS
    if width >= _HEADLINE_BESIDE_FROM:
        kept = fitted(words, room - headline_cells)
        has_room = cells_of(kept) + headline_cells <= room
        if has_room and words[0] in kept:
            return [_row([*kept, RankedWords(0, headline)], room)]
    if height >= _HEADLINE_BELOW_FROM:
        rows = flow(headline, room, room, _MOST_HEADLINE_ROWS)
        return [_row(words, room), *([Span(" "), *row] for row in rows)]
    # The headline gets what is left: at least half of the row, if it needs that.
    kept = fitted(words, room - min(headline_cells, room // 2))
    rest = room - cells_of(kept) - GROUP_GAP_CELLS
    return [_row([*kept, RankedWords(0, cut(headline, rest))], room)]


def _row(words: Sequence[RankedWords], room: int) -> list[Span]:
    """Put some words at the left end of a row, and others at the right.

    Cells that nothing else takes are for the name, before any stays blank.
    """
    kept = fitted(words, room)
    for place, each in enumerate(kept):
        if each.fill is not None:
            cells = width_of(each.spans) + room - cells_of(kept)
            kept[place] = replace(each, spans=each.fill(cells))
    left = joined(each for each in kept if not each.right)
    right = joined(each for each in kept if each.right)
    blank_cells = max(0, room - width_of(left) - width_of(right))
    return [Span(" "), *left, Span(" " * blank_cells), *right]


def _outcome_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield the statuses, each with its count if there are several executions."""
    roots = screen_state.roots
    if not roots:
        return
    spans: list[Span] = []
    counts = Counter(execution.status for execution in roots)
    for status, count in counts.items():
        glyph = status_glyph(status)
        gap = "  " if spans else ""
        number = f"{count} " if len(roots) > 1 else ""
        name = clean(status.replace("_", " "), _STATUS_LENGTH)
        words = f"{gap}{glyph.text} {number}{name}"
        spans.append(Span(words, f"role--{glyph.role}"))
    if len(roots) == 1:
        # Several executions have no common length of time.
        spans.append(Span(f" {length_words(roots[0], screen_state.now)}", "role--name"))
    yield RankedWords(0, spans)


def length_words(execution: ExecutionAsOf, now: datetime) -> str:
    """Return how long it took, or how long it has run by now: `5m 09s`, `04:52`."""
    if execution.started_at is None:
        return ""
    end = execution.stopped_at or now
    seconds = max(0.0, (end - execution.started_at).total_seconds())
    return duration(seconds) if execution.stopped_at else clock(seconds)


def ending_words(execution: ExecutionAsOf, screen_state: ScreenState) -> str:
    """Return how an execution ended: `✔ nightly-report succeeded after 5m 09s`."""
    glyph = status_glyph(execution.status)
    status = status_words(execution.status)
    name = screen_state.looks.mask(execution.state_machine_name or execution.name)
    length = length_words(execution, screen_state.now)
    return clean(f"{glyph.text} {name} {status} after {length}")


def _badges(screen_state: ScreenState) -> Iterator[RankedWords]:
    yield from _moment_words(screen_state)
    mode = screen_state.session.mode
    if mode != "live":
        # Synthetic data is marked as such at any width.
        rank = 0 if mode == "demo" else 4
        yield ranked_words(rank, mode.upper(), "look--faint")
    if screen_state.looks.masked:
        yield ranked_words(4, "masked", "role--name")
    if screen_state.session.recorder:
        yield RankedWords(5, [Span("●", "role--bad"), Span(" rec", "look--faint")])
    if screen_state.trace.unread:
        count = len(screen_state.trace.unread)
        yield ranked_words(3, f"▲ {count:,} unreadable", "role--warn")


def _moment_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield that a live watch is not at its live edge, or how much is not in view."""
    playback = screen_state.playback
    new = f"{screen_state.unseen:,} new"
    if playback.held:
        more = f", {new}" if screen_state.unseen else ""
        yield ranked_words(2, f"‖ paused{more}", "role--warn", "‖")
    elif not playback.replay and not playback.live:
        sign = "▶" if playback.playing else "‖"
        words = f"{sign} in the past, l for live"
        yield ranked_words(2, words, "role--warn", f"{sign} past")
    elif screen_state.unseen:
        yield ranked_words(2, f"↓ {new}", "role--warn")
