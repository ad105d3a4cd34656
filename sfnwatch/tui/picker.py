"""Choosing what to watch, where none was named: executions as they are listed.

Nothing here asks AWS: a callable does, which gives the list step by step. The screen is
up before the first of them, and stays while they come. Below them are the recordings,
which come from files alone, and are there whatever AWS says.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input

from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.listed import Listed, Listing
from sfnwatch.trace.text import clean
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Tone
from sfnwatch.tui.bars import Banner
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_list import Choices
from sfnwatch.tui.picker_panes import Chosen, Panes
from sfnwatch.tui.picker_parts import OneLine, SearchBar
from sfnwatch.tui.picker_rows import (
    Gathered,
    Pieces,
    head_words,
    learned,
    left_out_words,
    silence_words,
)
from sfnwatch.tui.picker_shelf import Read, ShelfPane
from sfnwatch.tui.refusals import refusal_pieces

Fetch = Callable[[], AsyncGenerator[Listing, None]]
"""Begins a list of executions; raises SfnwatchError where there can be none."""
FetchOf = Callable[[str], Fetch]
"""Says how the children of an execution are listed, by its ARN."""
_LIMIT = 200
_LOW = 12
"""Lines of the screen from which there is room for both lists, and for what is left out
of the first."""


class Picker(Screen[Chosen | None]):
    """Executions and recordings to choose from; gives what is chosen, or nothing.

    None where one goes back to the list from which this one was opened.
    """

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "Quit"),
        Binding("enter", "choose(True)", "Watch"),
        Binding("enter", "choose(False)", "Replay"),
        # What is typed after it in one go is meant for the line that it opens, and
        # would else reach the list, which has the focus until then.
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("space", "mark", "Mark", key_display="space"),
        Binding("plus,equals_sign", "more", "More", key_display="+"),
        Binding("c", "children", "Children"),
        Binding("r", "refresh", "Ask again"),
        Binding("backspace", "up", "Back"),
        Binding("m", "mask", "Mask", show=False),
        Binding("u", "zone", "UTC or local", show=False),
        Binding("escape", "back", "Back", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("tab,shift+tab", "over(True)", "Recordings", key_display="tab"),
        Binding("tab,shift+tab", "over(False)", "Executions", key_display="tab"),
        Binding("tab,shift+tab", "list", show=False),
    ]

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Clock,
        region: str = "",
        looks: Looks | None = None,
        children: FetchOf | None = None,
        within: Listed | None = None,
        recordings: Read | None = None,
    ) -> None:
        super().__init__()
        self._fetch, self._clock, self._region = fetch, clock, region
        self._children, self._within = children, within
        """What lists the children of an execution, and whose these are."""
        self._looks = looks or Looks()
        self._gathered = Gathered()
        self._refused: SfnwatchError | None = None
        self._more = asyncio.Event()
        self._head, self._banner = OneLine(), Banner()
        self._panes, self._search = Panes(recordings), SearchBar()

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._banner
        yield self._panes
        yield self._search
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.set_interval(1, self._tick)
        self._show()
        # What asks takes longer to import than the first frame to draw.
        self.call_after_refresh(self._load)
        self.call_after_refresh(self._panes.shelf.read)

    def on_resize(self) -> None:
        self._show()

    @property
    def looks(self) -> Looks:
        return self._looks

    @property
    def gathered(self) -> Gathered:
        return self._gathered

    # -- what comes in -------------------------------------------------------------

    @work(group="list", exclusive=True)
    async def _load(self) -> None:
        self._refused = None
        self._gathered = self._gathered.begun()
        self._show()
        try:
            async with aclosing(self._fetch()) as listings:
                async for listing in listings:
                    await self._take(listing)
        except SfnwatchError as refused:
            self._refused = refused
        self._gathered = self._gathered.ended(whole=self._refused is None)
        self._show()

    async def _take(self, listing: Listing) -> None:
        self._gathered = self._gathered.taken(listing)
        self._show()
        if listing.spent:
            self._more.clear()
            await self._more.wait()
            self._gathered = self._gathered.resumed()
            self._show()

    # -- what is shown -------------------------------------------------------------

    def _tick(self) -> None:
        self._panes.list.tick(self._clock.now())

    @on(ShelfPane.Came)
    @on(Panes.Turned)
    def _show(self) -> None:
        gathered, panes, words = self._gathered, self._panes, self._search.words
        room, now = self.size.height >= _LOW, self._clock.now()
        self._learn()
        silence = self._masked(self._why_silent())
        panes.show(gathered, words, self._looks, now, silence)
        panes.lay_out(room=room)
        if not self._search.typing:
            self.set_focus(panes.current if panes.current.display else None)
        shown, of = len(panes.list.rows), len(gathered.executions)
        self._search.tell(f"{shown:,} of {of:,}" if words else "")
        self._banner.show(self._masked(self._troubles(silent=not shown, room=room)))
        self._head.show(self._head_words())
        self.refresh_bindings()

    def _learn(self) -> None:
        """Know all names before any is shown, if they are masked."""
        if self._looks.masked:
            aliases = learned(self._looks.aliases, self._gathered)
            aliases = self._panes.shelf.recorded.learned(aliases)
            self._looks = replace(self._looks, learnt=aliases)

    def _head_words(self) -> Pieces:
        name = clean(self._within.name, _LIMIT) if self._within else ""
        return head_words(
            self._gathered,
            self._region,
            self._panes.marked,
            self.size.width,
            within=self._looks.mask(name),
            does="watches" if self._panes.watches else "replays",
        )

    def _why_silent(self) -> tuple[Pieces, ...]:
        if self._refused is not None and not self._gathered.executions:
            again = (("r asks again, q leaves.", Tone.DIM),)
            return (refusal_pieces(self._refused), again)
        return silence_words(self._gathered, self._region, self._search.words)

    def _troubles(self, *, silent: bool, room: bool) -> tuple[Pieces, ...]:
        told = left_out_words(self._gathered.left_out) if room else ()
        if self._refused is not None and not silent:
            return (refusal_pieces(self._refused), *told)
        return told

    def _masked(self, told: Iterable[Pieces]) -> Iterable[Pieces]:
        mask = self._looks.mask
        return (tuple((mask(text), tone) for text, tone in each) for each in told)

    # -- choosing ------------------------------------------------------------------

    @on(Choices.Chosen)
    def _choose(self) -> None:
        """Take what is marked, or else what the cursor is on."""
        chosen = self._panes.chosen(self._gathered)
        if chosen:
            self.dismiss(chosen)
        else:
            self.app.bell()

    def action_choose(self, watched: bool) -> None:  # noqa: FBT001 - of the binding
        del watched
        self._choose()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._choose()

    @on(Choices.Marked)
    def _mark(self) -> bool:
        marked = self._panes.current.mark()
        if marked:
            self._show()
        return marked

    def action_mark(self) -> None:
        if self._mark():
            self._panes.current.select(self._panes.current.cursor + 1)

    def action_leave(self) -> None:
        self.dismiss(())

    def action_back(self) -> None:
        """Undo what was done last, one thing at a time, and then leave."""
        if self._search.words or self._search.display:
            self._search.clear()
            self._show()
        elif self._panes.unmark():
            self._show()
        else:
            self.dismiss(() if self._within is None else None)

    def action_up(self) -> None:
        """Go back to the list from which this one was opened."""
        self.dismiss(None)

    # -- within one ----------------------------------------------------------------

    def action_children(self) -> None:
        """List the children of what the cursor is on, in a picker above this one."""
        selected = self._panes.list.selected
        if selected is None or self._children is None:
            self.app.bell()
            return
        # The one within may be masked first, and is named after one of these.
        aliases = learned(self._looks.aliases, self._gathered)
        inner = Picker(
            self._children(selected.arn),
            clock=self._clock,
            region=self._region,
            looks=replace(self._looks, learnt=aliases),
            children=self._children,
            within=selected,
        )

        def left(chosen: Chosen | None) -> None:
            # Masked there, masked here: no name must come back by leaving.
            self._looks = inner.looks
            self._show()
            if chosen is not None:
                self.dismiss(chosen)

        self.app.push_screen(inner, left)

    # -- looking -------------------------------------------------------------------

    def action_search(self) -> None:
        self._search.ask()
        self.refresh_bindings()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._panes.to_top()
        self._show()

    def action_list(self) -> None:
        """Go from what is typed to the list, or back to it."""
        if self._search.typing or not self._search.display:
            self.set_focus(self._panes.current)
        else:
            self._search.ask()

    def action_over(self, down: bool) -> None:  # noqa: FBT001 - of the binding
        del down
        self._panes.turn()

    def action_move(self, lines: int) -> None:
        self._panes.current.action_move(lines)

    def action_page(self, pages: int) -> None:
        self._panes.current.action_page(pages)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._head:
            self.action_search()

    # -- asking --------------------------------------------------------------------

    def action_refresh(self) -> None:
        self._load()
        self._panes.shelf.read()

    def action_more(self) -> None:
        self._more.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        panes = self._panes
        match action:
            case "choose":
                return panes.watches in parameters
            case "over":
                turns = panes.watches in parameters and not self._search.display
                return turns and panes.can_turn
            case "more":
                return self._gathered.last.spent
            case "search":
                return not self._search.typing
            case "up":
                return self._within is not None
            case "children":
                selected = panes.watches and panes.list.selected is not None
                return selected and self._children is not None
        return True

    # -- looks ---------------------------------------------------------------------

    def action_mask(self) -> None:
        self._looks = replace(self._looks, masked=not self._looks.masked)
        self._show()

    def action_zone(self) -> None:
        self._looks = replace(self._looks, local=not self._looks.local)
        self._show()
