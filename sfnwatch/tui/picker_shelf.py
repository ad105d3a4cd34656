"""The recordings below the executions: read from files, whatever AWS says."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from sfnwatch.recording.shelf import Shelved
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_list import RecordingList
from sfnwatch.tui.picker_parts import OneLine
from sfnwatch.tui.picker_recorded import Recorded, recorded_words

Read = Callable[[], AsyncGenerator[tuple[Shelved, ...], None]]
"""Begins to read the recordings there are, some at a time."""


class ShelfPane(Vertical):
    """The recordings, and a line above them that says so; absent while there are none.

    It takes what it needs below the executions, but no more than a part of the screen,
    unless they leave it the rest.
    """

    DEFAULT_CSS = """
    ShelfPane {
        height: auto;
        max-height: 40%;

        RecordingList { height: auto; }
        &.-most { height: 1fr; max-height: 100%; }
        &.-most RecordingList { height: 1fr; }
    }
    """

    class Came(Message):
        """Some more were read, or all."""

    def __init__(self, read: Read | None) -> None:
        super().__init__()
        self._read = read
        self.recorded = Recorded()
        self.title, self.list = OneLine(), RecordingList()

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.list

    @work(group="shelf", exclusive=True)
    async def read(self) -> None:
        """Read them, or read them again."""
        if self._read is None:
            return
        self.recorded = self.recorded.begun()
        async with aclosing(self._read()) as steps:
            async for step in steps:
                self.recorded = self.recorded.taken(step)
                self.post_message(self.Came())
        self.recorded = self.recorded.ended()
        self.post_message(self.Came())

    def show(self, words: str, looks: Looks, now: datetime) -> None:
        """Show those with the words."""
        rows = self.recorded.rows(words, looks)
        self.list.mask, self.list.zone = looks.mask, looks.zone
        self.list.tick(now)
        self.list.show(rows)
        self.list.display = bool(rows)
        self.title.show(recorded_words(self.recorded, len(rows), words))

    @property
    def chosen(self) -> tuple[Path, ...]:
        """The paths of what is marked, the newest first, or of what the cursor is on.

        Nothing of what can't be read.
        """
        rows = self.recorded.rows("", Looks())
        marked = [row for row in rows if str(row.path) in self.list.marked]
        under = [] if self.list.selected is None else [self.list.selected]
        return tuple(row.path for row in marked or under if not row.trouble)
