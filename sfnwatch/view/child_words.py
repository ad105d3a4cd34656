"""A child execution or a Map Run in words, and its progress as a bar."""

from collections.abc import Iterator

from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration, seconds_between
from sfnwatch.view.child import Child
from sfnwatch.view.event_words import LINE_CHARACTERS
from sfnwatch.view.parts import Part, Role, status_part

# A child execution, or a Map Run with its executions, has a place in the tree of
# visits, as a Parallel's branch has. Most begin folded, since the user asked for the
# execution that started them. A fold's words are enough to decide whether to open it.
_CELLS = 10
"""The width of a Map Run's bar, in cells."""
_BAR_SIGNS = (Part("▓", Role.BAD), Part("█", Role.GOOD), Part("▒", Role.BUSY))
"""The signs of what failed, succeeded and runs."""


def child_parts(child: Child) -> Iterator[Part]:
    """Yield the title, status and duration of what runs inside a state."""
    yield Part(clean(child.title, LINE_CHARACTERS), Role.NAME)
    yield from (Part("  "), status_part(child.status))
    if child.started_at is not None and child.stopped_at is not None:
        seconds = seconds_between(child.started_at, child.stopped_at)
        yield Part(f" {duration(max(0.0, seconds))}", Role.DIM)
    if not child.waits:
        yield Part("  not waited for", Role.DIM)


def map_run_parts(child: Child, cells: int = _CELLS) -> Iterator[Part]:
    """Yield a Map Run's progress, the failures first; its bar has `cells` cells.

    Without a description of the Map Run, yield only a note that says so.
    """
    if child.map_run is None:
        yield Part("its executions are not in these records", Role.DIM)
        return
    counts = child.map_run.executions
    if counts.unsuccessful:
        yield Part(f"✘ {counts.unsuccessful:,} failed  ", Role.BAD)
    yield Part(f"{counts.done:,} of {counts.total:,} ")
    yield from bar_parts(counts, cells)
    if counts.running:
        yield Part(f"  ● {counts.running:,} running", Role.BUSY)
    if counts.pending:
        yield Part(f"  {counts.pending:,} pending", Role.DIM)
    unread = counts.total - child.histories
    if child.histories > 0 and unread > 0:
        yield Part(f"  {child.histories:,} read, {unread:,} not read", Role.DIM)


def bar_parts(counts: ExecutionCounts, cells: int = _CELLS) -> Iterator[Part]:
    """Yield a bar of what failed, succeeded and runs.

    A share above zero has at least one cell, where there is room.
    """
    total = max(counts.total, counts.done + counts.running + counts.pending)
    if not total:
        return
    numbers = (counts.unsuccessful, counts.succeeded, counts.running)
    # Rounded up, so that a few of many are seen.
    widths = [-(-number * cells // total) for number in numbers]
    while sum(widths) > cells:
        # The longest share loses a cell for each share that was rounded up.
        widths[widths.index(max(widths))] -= 1
    for width, sign in zip(widths, _BAR_SIGNS, strict=True):
        if width:
            yield Part(sign.text * width, sign.role)
    blank = cells - sum(widths)
    if blank > 0:
        yield Part("░" * blank, Role.DIM)


def count_words(counts: ExecutionCounts) -> str:
    """Return a Map Run's progress in words.

    `12 of 40 executions done, 1 failed, 8 running`
    """
    parts = [f"{counts.done:,} of {counts.total:,} executions done"]
    for status in ("failed", "timed_out", "aborted", "running", "pending"):
        number: int = getattr(counts, status)
        if number:
            parts.append(f"{number:,} {status_words(status)}")
    return ", ".join(parts)
