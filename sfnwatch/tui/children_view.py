"""The child executions as a table: failures first, and what to do of each.

A Map Run may have ten thousand. What was listed is here, whether its history is or not.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from sfnwatch.model.arns import short_id
from sfnwatch.model.execution_list import ListedExecution
from sfnwatch.model.map_runs import RUNNING_LISTED
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import clock, duration
from sfnwatch.tui.cursor_list import EntryList
from sfnwatch.tui.paint import (
    Cells,
    Looks,
    Masks,
    Rows,
    Span,
    heads,
    in_columns,
    spans_of,
    width_of,
)
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.views import HeadedView
from sfnwatch.view import child_wording
from sfnwatch.view.child_wording import Child
from sfnwatch.view.parts import Part, Role, counted, status_glyph

_RUNS = 3
"""So many Map Runs are told of above the table; of more, their number."""
_OVER = "ENDED"
"""No word of AWS's: all that is known of it by now."""
_OF_MAP_RUN = "/"
"""What the name of a Map Run's machine has, and no other: the state's follows."""
_BAR = 8
_LONG_BAR = 60
LIMIT = 200
"""Characters of a name that are shown."""
_MACHINE_FROM = 36
"""From this width on the state machine is shown."""
_TIME_FROM = 56
"""From this width on it is shown how long an execution took."""
_STATUS_FROM = 72
"""From this width on an execution's status is a word, and its start is shown."""
_WIDE = 108
"""From this width on all is shown in full."""


class ChildrenView(HeadedView):
    """How the Map Runs are doing, and the child executions below."""

    enter = "Show in lanes"

    def __init__(self, screen_state: ScreenState) -> None:
        self.list: EntryList[ListedExecution] = EntryList(self._rows)
        super().__init__(screen_state, self.list, Rows(most=2))
        self._searched = ""
        """The words that were searched for when it was shown last."""
        self._every = 0
        """How many there are, with those that a filter or the search leaves out."""
        self._awaited = ""
        """The ARN of one that is being read because somebody wants to see it."""
        self.commands = {
            "view.detail": self.open_selected,
            "find.next": lambda: self.list.action_move(1),
            "find.previous": lambda: self.list.action_move(-1),
        }

    def show(self) -> None:
        """Show the children as they stand by now; one that was asked for, once read."""
        screen_state = self._screen_state
        if self.is_other(screen_state.version, screen_state.looks):
            if screen_state.searched != self._searched:
                self._searched = screen_state.searched
                self.list.select(0)
            visits = screen_state.kept_visits()
            every = children_of(screen_state.snapshot)
            kept = None if visits is None else {arn for arn, _ in visits}
            own = (each for each in every if kept is None or each.arn in kept)
            self.list.entries = list(filter(self._is_found, own))
            self._every = len(every)
            self.list.changed()
        if self.width > 0:
            self.head.show(*self._told())
        if self._awaited and self._is_read(self._awaited):
            awaited = self._awaited
            self._awaited = ""
            self.post_message(GoTo(f"{awaited}#1"))

    def _is_found(self, child: ListedExecution) -> bool:
        said = child.machine, child.name, child.status, self._note(child).text
        return has_words(said, self._searched, self._screen_state.looks.mask)

    def _told(self) -> Iterator[list[Span]]:
        screen_state = self._screen_state
        width = self.width
        snapshot = screen_state.snapshot
        runs = (
            child_wording.child_map_run(snapshot, arn)
            for arn in snapshot.lineage.map_runs
        )
        known = [run for run in runs if run is not None]
        yield from (_run_spans(run, width, self.mask) for run in known[:_RUNS])
        if len(known) > _RUNS:
            more = f" and {counted(len(known) - _RUNS, 'more Map Run')}"
            yield [Span(more, "role--dim")]
        yield [Span(f" {self._counts()}"), Span("   / searches", "role--dim")]
        yield head_spans(
            width, screen_state.looks.zone(screen_state.now), machine=False
        )

    def _counts(self) -> str:
        """Count what is listed, and what of it is read."""
        listed = self.list.entries
        words = clean(self.mask(self._searched), 60)
        having = f" with “{words}”" if words else ""
        told = counted(self._every, "child execution")
        if len(listed) < self._every:
            told = f"{len(listed):,} of {told}"
        read = sum(self._is_read(child.arn) for child in listed)
        return f"{told}{having}, {read:,} read"

    def _rows(self, child: ListedExecution, width: int) -> Sequence[Sequence[Span]]:
        screen_state = self._screen_state
        name = child.name if width >= _WIDE else short_id(child.name)
        if _OF_MAP_RUN not in child.machine:
            name = f"{child.machine} › {name}"
        told = replace(child, name=name)
        note = self._note(child)
        own = row_spans(
            told, screen_state.now, width, screen_state.looks, note=note, machine=False
        )
        return [own]

    def _note(self, child: ListedExecution) -> Part:
        """Say what it failed with; or that nobody has read it."""
        execution = self._screen_state.snapshot.executions.get(child.arn)
        if execution is None or not execution.event_count:
            return Part("not read", Role.DIM)
        ending = execution.ending
        error = (
            self._screen_state.maker.failure(ending)[0] if ending is not None else None
        )
        return Part(error or "", Role.BAD)

    def open_selected(self) -> None:
        """Show an execution in the lanes; if its history is not here, have it read."""
        arn = self.list.selected_key
        if arn is None:
            return
        if self._is_read(arn):
            self.post_message(GoTo(f"{arn}#1"))
            return
        self._awaited = arn
        name = clean(short_id(arn))
        if self._screen_state.session.follow(arn):
            self.app.notify(f"reading {name}: it is shown once it is read")
        else:
            told = f"The history of {name} is not in these records."
            self.app.notify(f"{told} sfnwatch {clean(arn)} watches it.", timeout=10)

    def _is_read(self, arn: str) -> bool:
        execution = self._screen_state.snapshot.executions.get(arn)
        return execution is not None and execution.event(1) is not None


def children_of(snapshot: Snapshot) -> list[ListedExecution]:
    """List child executions: failures first, then what runs, then by their starts."""
    known = {each.arn: each for each in _listed(snapshot)}
    for arn, child in snapshot.children.items():
        if child.event_count:
            # Its own history tells better than a list, which may be older.
            machine = child.state_machine_name or ""
            name = child.name
            times = child.started_at, child.stopped_at
            known[arn] = ListedExecution(arn, machine, name, child.status, *times)
    return sorted(known.values(), key=lambda each: each.failed_first)


def _listed(snapshot: Snapshot) -> Iterator[ListedExecution]:
    """Give what lists tell of children; in event time as each stood by its own times.

    In arrival time a list may be old: of what runs in it, what the newest list lacks is
    over. How it ended is told at the end, when all are listed, and of failures before.
    A list that is full says nothing of what it lacks.
    """
    if snapshot.at is not None and snapshot.clock is TimeAxis.EVENT:
        for answers in snapshot.trace.children.values():
            listed = answers[-1].listed
            at = snapshot.at
            if listed.started_at is not None and listed.started_at <= at:
                had_ended = listed.stopped_at is not None and listed.stopped_at <= at
                ran = replace(listed, status="RUNNING", stopped_at=None)
                yield listed if had_ended else ran
        return
    for children in snapshot.listed_of.values():
        seen = [c.seen_at for c in children if c.listed.running and c.seen_at]
        newest = max(seen, default=None)
        is_whole = newest is not None and seen.count(newest) < RUNNING_LISTED
        for child in children:
            old = newest and child.seen_at and child.seen_at < newest
            over = is_whole and child.listed.running and old
            yield replace(child.listed, status=_OVER) if over else child.listed


def _run_spans(run: Child, width: int, mask: Masks) -> list[Span]:
    """Say how far a Map Run is, with as long a bar as there is room for.

    How many of its histories are read is told below, of all that is listed.
    """
    run = replace(run, histories=0)
    name = [Span(" "), *spans_of(child_wording.child_parts(run), mask), Span("  ")]
    room = width - width_of([*name, *spans_of(child_wording.map_run_parts(run, 0))])
    cells = max(_BAR, min(_LONG_BAR, room))
    return [*name, *spans_of(child_wording.map_run_parts(run, cells))]


# -- executions as lines of a table ---------------------------------------------------


def row_spans(
    listed: ListedExecution,
    now: datetime,
    width: int,
    looks: Looks,
    *,
    note: Part = Part(""),  # noqa: B008 - a tuple
    glyph: Part | None = None,
    marked: bool = False,
    machine: bool = True,
) -> list[Span]:
    """Draw an execution as a list of AWS's tells of it.

    `glyph` is another than its status's; without a `machine` there is more room.
    """
    glyph = glyph or status_glyph(listed.status)
    status = listed.status or "unknown"
    worded = f" {status.lower().replace('_', ' ')}" if width >= _STATUS_FROM else ""
    form = "%Y-%m-%d %H:%M:%S" if width >= _WIDE else "%m-%d %H:%M:%S"
    at = looks.at(listed.started_at).strftime(form) if listed.started_at else ""
    seconds = listed.seconds(now)
    took = clock if listed.running else duration
    told = (listed.machine, listed.name, note.text)
    machine_name, name, more = (looks.mask(clean(text, LIMIT)) for text in told)
    cells: list[Span | Sequence[Span]] = [
        Span("◆" if marked else " ", "role--call"),
        Span(clean(f"{glyph.text}{worded}", LIMIT), f"role--{glyph.role}"),
        Span(at, "role--dim"),
        Span("" if seconds is None else took(seconds)),
        Span(machine_name),
        [Span(name, "role--name"), Span(f"  {more}", f"role--{note.role}")],
    ]
    return in_columns(_columns(width, machine=machine), cells, width)


def head_spans(width: int, zone: str, *, machine: bool = True) -> list[Span]:
    """Name the columns."""
    return heads(_columns(width, zone, machine=machine), width)


def _columns(width: int, zone: str = "", *, machine: bool) -> tuple[Cells, ...]:
    wide = width >= _WIDE
    worded = width >= _STATUS_FROM
    name = 32 if wide else 16 if width >= _TIME_FROM else 12
    return (
        Cells("", 1),
        Cells("status" if worded else "", 17 if wide else 11 if worded else 1),
        Cells(f"started {zone}", 19 if wide else 14, _STATUS_FROM),
        Cells("took", 8, _TIME_FROM, right=True),
        Cells("machine", name, _MACHINE_FROM if machine else width + 1),
        Cells("execution"),
    )


def has_words(shown: Sequence[str], words: str, mask: Masks) -> bool:
    """True where all the words are in what is shown; capitals count if any is typed."""
    text = " ".join(mask(clean(part, LIMIT)) for part in shown)
    text = text.casefold() if words == words.casefold() else text
    return all(word in text for word in words.split())
