"""The choice of what to watch or replay, where the command named nothing.

Nothing here asks AWS: a callable does, and yields the executions step by step. The
screen is up before the first of them. Below them are the recordings; they come from
files alone, and are listed whatever AWS answers.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from msgspec.structs import replace
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input

from sfnwatch.errors import Outcome, SfnwatchError
from sfnwatch.model.execution_list import (
    ListedExecution,
)
from sfnwatch.model.records import RecordKind, receive
from sfnwatch.model.texts import clean
from sfnwatch.recording.library import ListedRecording
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.execution_rows import LISTED_NAME_CHARACTERS, head_spans, row_spans
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_choices import Choice, choice_has, recording_row
from sfnwatch.tui.picker_list import (
    ExecutionList,
    PickerSource,
)
from sfnwatch.tui.ranked_words import fitted, joined, ranked_words
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.tui.spans import Span, Spans, flow, margined
from sfnwatch.tui.themed_app import PaintedScreen, ThemedApp
from sfnwatch.tui.themes import stage_theme

if TYPE_CHECKING:
    from sfnwatch.view.anonymizer import Anonymizer


PickedEntry = tuple[str, ...] | tuple[Path, ...]
"""ARNs of executions to watch, or paths of recordings to replay; empty if the user
quits."""
_TYPED = 400
"""Most characters of the searched words; more were pasted by mistake."""
_MOST_ROWS = 12


class PickerNote(NamedTuple):
    """A text between choices: a title, or why there are none."""

    key: str
    words: Spans


class Picker(PaintedScreen[PickedEntry]):
    """Executions and recordings to choose from; returns the choice, or nothing."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "dismiss(())", "Quit"),
        Binding("enter", "choose(True)", "Watch"),
        Binding("enter", "choose(False)", "Replay"),
        # Characters typed in one go after it are meant for the line that it opens.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("space", "mark", "Mark", key_display="space"),
        Binding("plus,equals_sign", "more", "More", key_display="+"),
        Binding("r", "refresh", "Ask again"),
        Binding("tab", "other", "Recordings", key_display="tab", priority=True),
        Binding("shift+tab", "other", show=False, priority=True),
        Binding("m", "mask", "Mask", show=False),
        Binding("u", "zone", "UTC or local", show=False),
        Binding("escape", "back", "Back", show=False, priority=True),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(self, source: PickerSource, looks: Looks) -> None:
        super().__init__()
        self._source = source
        self.looks = looks
        self._masks: Anonymizer | None = None
        self._gathered = ExecutionList()
        self._recordings: dict[Path, ListedRecording] = {}
        self._more = asyncio.Event()
        self._led_to: str | None = None
        """The key that the cursor was put on. Until the user moves the cursor, it is
        put on the first entry: the wanted one may still come."""
        self._marks: dict[str, type] = {}
        """The keys of what is marked, and the types of those choices."""
        self._head = Rows()
        self._list: EntryList[Choice | PickerNote] = EntryList(
            self._rows,
            clicked=self._clicked,
            stops=lambda entry: not isinstance(entry, PickerNote),
        )
        self._input = Input(max_length=_TYPED, placeholder="search")

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._list
        yield self._input
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._list.focus()
        self.set_interval(1, self._list.redraw)
        self._show()
        # The code that asks AWS takes longer to import than the first frame to draw.
        self.call_after_refresh(self.action_refresh)

    def on_resize(self) -> None:
        self._show()

    def action_refresh(self) -> None:
        """List the executions, and read the recordings, once more."""
        self._load()
        self._read_recordings()

    @work(group="list", exclusive=True)
    async def _load(self) -> None:
        gathered = self._gathered
        gathered.begin()
        self._show()
        try:
            async with aclosing(self._source.list_executions()) as listings:
                async for listing in listings:
                    gathered.take(listing)
                    self._show()
                    if listing.spent:
                        self._more.clear()
                        await self._more.wait()
                        gathered.take(replace(listing, spent=False))
        except SfnwatchError as error:
            gathered.refused = error
        else:
            # Executions that a whole list has not brought again are gone.
            gathered.executions = gathered.fresh
        gathered.asking = False
        self._show()

    @work(group="recordings", exclusive=True)
    async def _read_recordings(self) -> None:
        if self._source.recordings is None:
            return
        read: dict[Path, ListedRecording] = {}
        async with aclosing(self._source.recordings()) as pages:
            async for page in pages:
                read.update((recording.path, recording) for recording in page)
                self._recordings.update(read)
                self._show()
        self._recordings = read
        self._show()

    def _show(self) -> None:
        self._learn()
        is_moved = self._is_moved
        self._list.entries = list(self._entries())
        self._list.changed()
        if is_moved:
            # From now on it stays, even if it is moved back to where it was put.
            self._led_to = None
        else:
            self._list.select(0)
            self._led_to = self._list.selected_key
        self._tell()

    def _rows(self, entry: Choice | PickerNote, width: int) -> Sequence[Sequence[Span]]:
        looks = self.looks
        marked = entry.key in self._marks
        if isinstance(entry, PickerNote):
            words = [Span(looks.mask(each.text), each.look) for each in entry.words]
            return margined(flow(words, width - 2, width - 2, _MOST_ROWS), 1)
        if isinstance(entry, ListedRecording):
            return [recording_row(entry, width, looks, marked=marked)]
        now = self._source.clock.now()
        return [row_spans(entry, now, width, looks, marked=marked)]

    def _learn(self) -> None:
        """If names are masked, learn all names before any is shown."""
        if not self.looks.masked:
            return
        from sfnwatch.view.anonymizer import Anonymizer  # noqa: PLC0415 - seldom

        masks = self._masks = self._masks or Anonymizer()
        arns = set(self._gathered.executions)
        for recording in self._recordings.values():
            arns.update(recording.executions)
        records = [
            receive(None, RecordKind.DESCRIBE, arn, {"executionArn": arn})
            for arn in sorted(arns)
        ]
        masks.learn(records)
        self.looks = replace(self.looks, mask=masks.mask)

    def _entries(self) -> Iterator[Choice | PickerNote]:
        gathered = self._gathered
        words = self._input.value
        executions = gathered.hits(words, self.looks)
        notes = list(gathered.troubles())
        if not executions:
            notes += gathered.emptiness(words, self._source)
        yield from executions
        for number, spans in enumerate(notes):
            yield PickerNote(f"note~{number}", spans)
        if self._recordings:
            yield from self._recording_entries(words)

    def _recording_entries(self, words: str) -> Iterator[Choice | PickerNote]:
        """Yield a title, and the recordings that have the words, the newest first."""
        hits = [
            recording
            for recording in self._recordings.values()
            if choice_has(recording, words, self.looks)
        ]
        number = f"{len(self._recordings):,}"
        if words:
            number = f"{len(hits):,} of {number}"
        title = Span(f"⏺ recordings  {number}", "role--name")
        more = Span("  replayed without AWS", "role--dim")
        yield PickerNote("blank", ())
        yield PickerNote("title", (title, more))
        yield from sorted(hits, key=attrgetter("began", "name"), reverse=True)

    @on(CursorList.Moved)
    def _tell(self) -> None:
        """Show what this screen is and how far the list has come, as room allows."""
        marked = len(self._marks)
        does = "replays" if ListedRecording in self._marks.values() else "watches"
        only = f"  only {self._source.only}" if self._source.only else ""
        region = clean(self._source.region, LISTED_NAME_CHARACTERS)
        chosen = f"  {marked} marked: enter {does} them" if marked else ""
        parts = (
            ranked_words(1, " sfnwatch", "role--name"),
            ranked_words(2, "  choose an execution", "role--plain"),
            ranked_words(0, chosen, "role--call"),
            ranked_words(3, f"  {region}", "role--dim"),
            ranked_words(0, only, "role--warn"),
            self._gathered.progress,
        )
        words = joined(fitted(parts, self.size.width, 0), 0)
        zone = self.looks.zone(self._source.clock.now())
        self._head.show(words, head_spans(self.size.width - 1, zone))
        self.refresh_bindings()

    @property
    def _selected(self) -> Choice | None:
        """The selected execution or recording; None on any other entry."""
        entry = self._list.entry
        return None if isinstance(entry, PickerNote) else entry

    @property
    def _is_moved(self) -> bool:
        """True once the user has moved the cursor."""
        return self._list.selected_key != self._led_to

    @property
    def _watches(self) -> bool:
        """True if the selected choice is to be watched, False if replayed."""
        return not isinstance(self._selected, ListedRecording)

    @on(CursorList.Opened)
    @on(Input.Submitted)
    def action_choose(self, _: object) -> None:
        """Choose what is marked, or else what is selected."""
        chosen = self._chosen()
        if chosen:
            self.dismiss(chosen)
        else:
            self.app.bell()

    def _chosen(self) -> PickedEntry:
        marked = self._marks
        selected = self._selected
        executions = self._gathered.hits("", Looks())
        arns = tuple(each.arn for each in executions if each.arn in marked)
        paths = tuple(path for path in self._recordings if str(path) in marked)
        if arns or paths:
            return arns or paths
        if isinstance(selected, ListedExecution):
            return (selected.arn,)
        # A recording must not be chosen only because executions are still to come.
        waits = self._gathered.asking and not (self._is_moved or self._input.value)
        if selected is None or selected.trouble or waits:
            return ()
        return (selected.path,)

    def action_mark(self) -> None:
        self._toggle_mark()
        self.action_move(1)

    def _toggle_mark(self) -> None:
        """Mark or unmark the selected choice; all marks are of one type of choice."""
        selected = self._selected
        if selected is None:
            return
        key = selected.key
        was_marked = key in self._marks
        if type(selected) not in self._marks.values():
            self._marks.clear()
        if was_marked:
            del self._marks[key]
        else:
            self._marks[key] = type(selected)
        self._list.redraw()
        self._tell()

    def _clicked(self, entry: Choice | PickerNote, x: int, twice: bool) -> None:  # noqa: FBT001
        if x == 0:
            self._toggle_mark()
        elif twice:
            self.action_choose(entry)

    def action_move(self, lines: int) -> None:
        """Move in the list, also while something is typed."""
        self._list.action_move(lines)

    def action_other(self) -> None:
        """Go to the recordings or the executions; from a search, to the list."""
        self._led_to = None
        if self.focused is self._list:
            other_kind = ListedRecording if self._watches else ListedExecution
            self._select_first(other_kind)
        self._list.focus()

    def _select_first(self, kind: type[Choice]) -> None:
        for place, entry in enumerate(self._list.entries):
            if isinstance(entry, kind):
                self._list.select(place)
                return

    def action_back(self) -> None:
        """Undo one thing, the search or else the marks; if there is none, leave."""
        if self._input.display:
            self._input.value = ""
            self._input.display = False
            self._list.focus()
        elif self._marks:
            self._marks.clear()
        else:
            self.dismiss(())
            return
        self._show()

    def action_more(self) -> None:
        self._more.set()

    def action_search(self) -> None:
        self._input.display = True
        # At once: keys typed in one go after the one that opened it are waiting.
        self.set_focus(self._input)
        self.refresh_bindings()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._led_to = self._list.selected_key
        self._show()

    def action_mask(self) -> None:
        self.looks = replace(self.looks, masked=not self.looks.masked, mask=str)
        self._show()

    def action_zone(self) -> None:
        self.looks = replace(self.looks, local=not self.looks.local)
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        match action:
            case "choose":
                return self._watches in parameters
            case "more":
                return self._gathered.last.spent
            case "search":
                return self.focused is not self._input
            case "other":
                return bool(self._recordings)
            case _:
                return True


class PickerApp(ThemedApp[PickedEntry]):
    """The picker as an app, in the colors of the program."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        # A screen's own ctrl+c copies text; here it must end the program.
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
    ]

    def __init__(self, source: PickerSource, settings: ScreenSettings) -> None:
        super().__init__(settings)
        looks = Looks(masked=settings.present, local=settings.local)
        self.picker = Picker(source, looks)
        if settings.present:
            self.theme = stage_theme(dark=self.current_theme.dark)

    def on_mount(self) -> None:
        self.push_screen(self.picker, lambda chosen: self.exit(chosen or ()))

    def action_interrupt(self) -> None:
        self.exit((), Outcome.INTERRUPTED)
