"""The status above the views: who, how far, how complete.

It is made as text from a given moment and clock, so that live and replay show the same
words.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from os.path import commonprefix
from re import split

from msgspec.structs import replace
from rich.cells import cell_len

from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.model.times import clock, duration
from sfnwatch.tui.ranked_words import (
    GAP_CELLS,
    RankedWords,
    fitted,
    joined,
    length_of,
    said,
)
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.source_words import source_words
from sfnwatch.tui.spans import Span, cut, flow, spans_of, width_of
from sfnwatch.view.parts import status_glyph
from sfnwatch.view.wording import cut_middle

_LONGEST = 64
_SHORT = 20
_OF = " › "
_HEADLINE_FROM = 120
"""From this width on the headline stands beside the name."""
_HEADLINE_ROW_FROM = 16
"""Otherwise it stands below the name, if the screen has this many rows."""
_HEADLINE = 4
"""Most rows of the headline."""


def status_rows(screen_state: ScreenState, width: int, height: int) -> list[list[Span]]:
    """Return everything in one row, or with the headline in rows of its own.

    On a wide screen the headline stands beside the name if nothing is cut for that. On
    a screen of few rows it is in that one row too, and takes the room left.
    """
    parts = [
        *_who(screen_state),
        *_outcome(screen_state),
        *_badges(screen_state),
        *source_words(screen_state),
    ]
    headline = spans_of(screen_state.headline, screen_state.looks.mask)
    room = width - 2
    if not headline:
        return [_ends(parts, room)]
    size = width_of(headline) + GAP_CELLS
    beside = fitted(parts, room - size)
    if (
        width >= _HEADLINE_FROM
        and parts[0] in beside
        and length_of(beside) + size <= room
    ):
        return [_ends([*beside, RankedWords(0, headline)], room)]
    if height >= _HEADLINE_ROW_FROM:
        rows = flow(headline, room, room, _HEADLINE)
        return [_ends(parts, room), *([Span(" "), *row] for row in rows)]
    # The headline gets what is left: at least half of the row, if it needs that.
    kept = fitted(parts, room - min(size, room // 2))
    rest = room - length_of(kept) - GAP_CELLS
    return [_ends([*kept, RankedWords(0, cut(headline, rest))], room)]


def _ends(parts: Sequence[RankedWords], room: int) -> list[Span]:
    """Put some words at the left end of a row, and others at the right.

    Cells that nothing else takes are for the name, before any stays blank.
    """
    kept = fitted(parts, room)
    for place, part in enumerate(kept):
        if part.fill is not None:
            cells = width_of(part.spans) + room - length_of(kept)
            kept[place] = replace(part, spans=part.fill(cells))
    begin = joined(part for part in kept if not part.right)
    end = joined(part for part in kept if part.right)
    blank = max(0, room - width_of(begin) - width_of(end))
    return [Span(" "), *begin, Span(" " * blank), *end]


def _who(screen_state: ScreenState) -> Iterator[RankedWords]:
    mask = screen_state.looks.mask
    roots = screen_state.roots
    if not roots:
        # No record has come yet from which names to mask could be learned.
        title = (
            ""
            if screen_state.looks.masked
            else clean(screen_state.session.title, _LONGEST)
        )
        yield said(2, title or "sfnwatch", "role--name")
        return
    # Names are masked first: the masks do not know parts of names.
    machine = _shared({mask(each.state_machine_name or "") for each in roots})
    name = _shared({mask(each.name) for each in roots}) or f"{len(roots)} executions"
    whole = clean(name, _LONGEST)
    of = clean(machine, _LONGEST)

    def fill(cells: int) -> list[Span]:
        """Cut both names to `cells` cells; with few, the machine's is left out."""
        least = min(_SHORT, cell_len(of))
        if not of or cells < least + len(_OF) + min(_SHORT // 2, cell_len(whole)):
            return [Span(_cut_middle(whole, cells), "role--name")]
        kept = max(cells - len(_OF) - cell_len(whole), least)
        short = _cut_middle(whole, cells - len(_OF) - kept)
        left = cells - len(_OF) - cell_len(short)
        return [Span(f"{_cut_middle(of, left)}{_OF}"), Span(short, "role--name")]

    few = fill(_SHORT // 2 if machine else _SHORT)
    yield RankedWords(4 if machine else 3, fill(5 * _LONGEST), few, fill=fill)


def _cut_middle(name: str, cells: int) -> str:
    """Cut a name in its middle; some letters take two cells."""
    tries = (cut_middle(name, room) for room in range(cells, 0, -1))
    return next((short for short in tries if cell_len(short) <= cells), "")


def _shared(names: set[str]) -> str:
    """Return the whole words that all names begin with; empty if there are none."""
    if len(names) == 1:
        return names.pop()
    words = [split(r"[-_.\s]+", name) for name in names]
    return "-".join(commonprefix(words))  # noqa: RUF071 - of lists of words


def _outcome(screen_state: ScreenState) -> Iterator[RankedWords]:
    roots = screen_state.roots
    if not roots:
        return
    spans: list[Span] = []
    for status, count in Counter(each.status for each in roots).items():
        glyph = status_glyph(status)
        number = f"{count} " if len(roots) > 1 else ""
        word = clean(status.replace("_", " "), _LONGEST)
        space = "  " if spans else ""
        spans.append(Span(f"{space}{glyph.text} {number}{word}", f"role--{glyph.role}"))
    if len(roots) == 1:
        # Several executions have no common length of time.
        spans.append(Span(f" {length_words(roots[0], screen_state.now)}", "role--name"))
    yield RankedWords(0, spans)


def length_words(execution: ExecutionAsOf, now: datetime) -> str:
    """Return how long it took, or how long it has run by now: `5m 09s`, `04:52`."""
    begin = execution.started_at
    end = execution.stopped_at
    if begin is None:
        return ""
    seconds = max(0.0, ((end or now) - begin).total_seconds())
    return duration(seconds) if end else clock(seconds)


def _badges(screen_state: ScreenState) -> Iterator[RankedWords]:
    playback = screen_state.playback
    new = f"{screen_state.unseen:,} new"
    if playback.held:
        more = f", {new}" if screen_state.unseen else ""
        yield said(2, f"‖ paused{more}", "role--warn", "‖")
    elif not playback.replay and not playback.live:
        sign = "▶" if playback.playing else "‖"
        yield said(2, f"{sign} in the past, l for live", "role--warn", f"{sign} past")
    elif screen_state.unseen:
        yield said(2, f"↓ {new}", "role--warn")
    if screen_state.session.mode != "live":
        # Synthetic data is marked as such at any width.
        rank = 0 if screen_state.session.mode == "demo" else 4
        yield said(rank, screen_state.session.mode.upper(), "look--faint")
    if screen_state.looks.masked:
        yield said(4, "masked", "role--name")
    if screen_state.session.recorder:
        yield RankedWords(5, [Span("●", "role--bad"), Span(" rec", "look--faint")])
    if screen_state.trace.unread:
        yield said(3, f"▲ {len(screen_state.trace.unread):,} unreadable", "role--warn")


def ending_words(execution: ExecutionAsOf, screen_state: ScreenState) -> str:
    """Return how an execution ended: `✔ nightly-report succeeded after 5m 09s`."""
    glyph = status_glyph(execution.status).text
    status = status_words(execution.status)
    name = screen_state.looks.mask(execution.state_machine_name or execution.name)
    return clean(
        f"{glyph} {name} {status} after {length_words(execution, screen_state.now)}"
    )
