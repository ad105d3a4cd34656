"""The executions that others began, as a table: failures first, and what to do of each.

A Map Run may have ten thousand. What was listed is here, whether its history is or not.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual.content import Content

from sfnwatch.trace.listed import Listed
from sfnwatch.trace.map_runs import FAILURES, RUNNING_LISTED, ListedChild
from sfnwatch.trace.nest_words import map_run_pieces, nest_pieces
from sfnwatch.trace.nests import Nest, nests
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cut
from sfnwatch.tui.picker_list import ExecutionList
from sfnwatch.tui.picker_rows import Mask, has
from sfnwatch.tui.toned import Toned

_HEADS = 3
_OVER = "ended"
"""No word of AWS's: all that is known of it by now."""
"""So many Map Runs are told of above the table; of more, their number."""


class ChildrenView(ExecutionList):
    """The executions that others began, one a line."""

    def __init__(self) -> None:
        super().__init__()
        self._told: tuple[Trace, str] | None = None
        self.awaited = ""
        """The ARN of one that is being read because somebody wants to see it."""

    def show_children(self, trace: Trace, now: datetime, words: str) -> None:
        """Show those of a trace that have some words in them."""
        self.tick(now)
        told = self._told
        if told is None or told[1] != words or not told[0].tells_as(trace):
            self._told = trace, words
            self.show(child_rows(trace, words, self.mask))


class ChildrenHead(Toned):
    """How the Map Runs are doing, a line each."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ChildrenHead {
        height: auto;
        max-height: 5;
        background: $surface;
    }
    """
    _lines: tuple[tuple[Piece, ...], ...] = ()

    def show(self, trace: Trace, words: str, shown: int, mask: Mask) -> None:
        """Tell of the Map Runs of a trace, and of how many are shown below."""
        lines = tuple(head_lines(trace, words, shown, mask))
        if lines != self._lines:
            self._lines = lines
            self.refresh(layout=True)

    def render(self) -> Content:
        width = self.size.width
        return Content("\n").join(self.toned(cut(line, width)) for line in self._lines)


def child_rows(trace: Trace, words: str, mask: Mask = str) -> tuple[Listed, ...]:
    """List what others began: failures first, then what runs, then by their starts."""
    lists = trace.listed_of.values()
    known = {each.arn: each for children in lists for each in _as_known(children)}
    known |= {arn: _listed(t) for arn, t in trace.children.items() if t.events}
    found = (each for each in known.values() if not words or has(each, words, mask))
    return tuple(sorted(found, key=_order))


def _as_known(children: Sequence[ListedChild]) -> Iterator[Listed]:
    """Give what lists told; what the newest list of those that run lacks is over.

    How it ended is told at the end, when all are listed, and of failures before. A
    list that is full says nothing of what it lacks.
    """
    seen = [c.seen_at for c in children if c.listed.going_on and c.seen_at]
    newest = max(seen, default=None)
    is_whole = seen.count(newest) < RUNNING_LISTED if newest else False
    for child in children:
        told = child.listed
        old = newest and child.seen_at and child.seen_at < newest
        over = is_whole and told.going_on and old
        yield replace(told, status=_OVER) if over else told


def _listed(timeline: Timeline) -> Listed:
    """Tell of an execution by its own history: a list may be older."""
    return Listed(
        arn=timeline.execution_arn,
        machine=timeline.state_machine_name or "",
        name=timeline.name,
        status=timeline.status,
        started_at=timeline.started_at,
        stopped_at=timeline.stopped_at,
    )


def _order(execution: Listed) -> tuple[int, float, str]:
    bad, at = execution.status in FAILURES, execution.started_at
    rank = 0 if bad else 1 if execution.going_on else 2
    return rank, at.timestamp() if at else 0.0, execution.arn


def head_lines(
    trace: Trace, words: str, shown: int, mask: Mask
) -> Iterator[tuple[Piece, ...]]:
    """Say how each Map Run does, and last what the table below has."""
    runs = [nest for nest in nests(trace).values() if nest.is_map_run]
    for nest in runs[:_HEADS]:
        yield tuple((mask(text), tone) for text, tone in _head(nest))
    if len(runs) > _HEADS:
        yield ((f" and {len(runs) - _HEADS} more Map Runs", Tone.DIM),)
    here = len(trace.children)
    what = f"{shown:,} executions" if shown != 1 else "1 execution"
    what = f" {what} with “{mask(words)}”" if words else f" {what}"
    yield (
        (what, Tone.PLAIN),
        (f", the histories of {here:,} are here", Tone.DIM),
        ("   enter: show in the lanes   / search", Tone.DIM),
    )


def _head(nest: Nest) -> Iterator[Piece]:
    yield (" ", Tone.PLAIN)
    yield from nest_pieces(nest)
    yield ("  ", Tone.DIM)
    yield from map_run_pieces(nest)
