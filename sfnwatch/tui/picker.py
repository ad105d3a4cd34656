"""Choosing what to watch, where none was named: executions as they are listed.

Nothing here asks AWS: a callable does, which gives the list step by step. The screen is
up before the first of them, and stays while they come.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input

from sfnwatch.clock import Clock
from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.listed import Listed, Listing
from sfnwatch.trace.text import clean
from sfnwatch.trace.words import Tone
from sfnwatch.tui.bars import Banner
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.picker_list import ExecutionList
from sfnwatch.tui.picker_parts import OneLine, SearchBar, Silence
from sfnwatch.tui.picker_rows import (
    Gathered,
    Pieces,
    express_words,
    head_words,
    learned,
    left_out_words,
    silence_words,
)
from sfnwatch.tui.refusals import refusal_pieces

Fetch = Callable[[], AsyncGenerator[Listing, None]]
"""Begins a list of executions; raises SfnwatchError where there can be none."""
FetchOf = Callable[[str], Fetch]
"""Says how the children of an execution are listed, by its ARN."""
Arns = tuple[str, ...]
_LIMIT = 200
_LOW = 12
"""Lines of the screen from which there is room to say what is left out."""


class Picker(Screen[Arns | None]):
    """Executions to choose from; gives the ARNs of those chosen, or none.

    None where one goes back to the list from which this one was opened.
    """

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "Quit"),
        Binding("enter", "choose", "Watch"),
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
    ) -> None:
        super().__init__()
        self._fetch, self._clock, self._region = fetch, clock, region
        self._children, self._within = children, within
        """What lists the children of an execution, and whose these are."""
        self._looks = looks or Looks()
        self._gathered = Gathered()
        self._marked: dict[str, None] = {}
        """ARNs, in the order in which they were marked."""
        self._refused: SfnwatchError | None = None
        self._more = asyncio.Event()
        self._head, self._aside = OneLine(), OneLine(classes="-aside")
        self._banner = Banner()
        self._list, self._silence = ExecutionList(), Silence()
        self._silent = VerticalScroll(self._silence, id="silence", can_focus=False)
        self._search = SearchBar()

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._banner
        yield self._list
        yield self._silent
        yield self._aside
        yield self._search
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self._list.focus()
        self.set_interval(1, self._tick)
        self._show()
        # What asks takes longer to import than the first frame to draw.
        self.call_after_refresh(self._load)

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
        self._list.tick(self._clock.now())

    def _show(self) -> None:
        gathered, words = self._gathered, self._search.words
        aliases = self._looks.aliases
        if self._looks.masked:
            aliases = learned(aliases, gathered)
            self._looks = replace(self._looks, aliases=aliases)
        mask = self._looks.mask
        rows = gathered.rows(words, mask)
        self._list.mask, self._list.zone = mask, self._looks.zone
        self._list.tick(self._clock.now())
        self._list.show(rows, self._marked)
        self._list.display = bool(rows)
        self._silent.display = not rows
        self._silence.show(tuple(self._masked(self._why_silent())))
        within = mask(clean(self._within.name, _LIMIT)) if self._within else ""
        width, marked = self.size.width, len(self._marked)
        self._head.show(head_words(gathered, self._region, marked, width, within))
        self._banner.show(self._masked(self._troubles(silent=not rows)))
        low = self.size.height < _LOW
        aside = () if low else express_words(gathered.left_out)
        self._aside.show(tuple((mask(text), tone) for text, tone in aside))
        of = len(gathered.executions)
        self._search.tell(f"{len(rows):,} of {of:,}" if words else "")
        self.refresh_bindings()

    def _why_silent(self) -> tuple[Pieces, ...]:
        if self._refused is not None and not self._gathered.executions:
            again = (("r asks again, q leaves.", Tone.DIM),)
            return (refusal_pieces(self._refused), again)
        return silence_words(self._gathered, self._region, self._search.words)

    def _troubles(self, *, silent: bool) -> tuple[Pieces, ...]:
        low = self.size.height < _LOW
        told = () if low else left_out_words(self._gathered.left_out)
        if self._refused is not None and not silent:
            return (refusal_pieces(self._refused), *told)
        return told

    def _masked(self, told: Iterable[Pieces]) -> Iterable[Pieces]:
        mask = self._looks.mask
        return (tuple((mask(text), tone) for text, tone in each) for each in told)

    # -- choosing ------------------------------------------------------------------

    @on(ExecutionList.Chosen)
    def action_choose(self) -> None:
        """Take what is marked, or else what the cursor is on."""
        selected = self._list.selected
        if self._marked:
            rows = self._gathered.rows("")
            self.dismiss(tuple(row.arn for row in rows if row.arn in self._marked))
        elif selected is not None:
            self.dismiss((selected.arn,))
        else:
            self.app.bell()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_choose()

    @on(ExecutionList.Marked)
    def _clicked(self) -> None:
        self._mark()

    def action_mark(self) -> None:
        if self._mark():
            self._list.action_move(1)

    def _mark(self) -> bool:
        selected = self._list.selected
        if selected is None:
            return False
        if selected.arn in self._marked:
            del self._marked[selected.arn]
        else:
            self._marked[selected.arn] = None
        self._show()
        return True

    def action_leave(self) -> None:
        self.dismiss(())

    def action_back(self) -> None:
        """Undo what was done last, one thing at a time, and then leave."""
        if self._search.words or self._search.display:
            self._search.clear()
            self._list.focus()
            self._show()
        elif self._marked:
            self._marked.clear()
            self._show()
        else:
            self.dismiss(() if self._within is None else None)

    def action_up(self) -> None:
        """Go back to the list from which this one was opened."""
        self.dismiss(None)

    # -- within one ----------------------------------------------------------------

    def action_children(self) -> None:
        """List the children of what the cursor is on, in a picker above this one."""
        selected = self._list.selected
        if selected is None or self._children is None:
            self.app.bell()
            return
        # The one within may be masked first, and is named after one of these.
        aliases = learned(self._looks.aliases, self._gathered)
        inner = Picker(
            self._children(selected.arn),
            clock=self._clock,
            region=self._region,
            looks=replace(self._looks, aliases=aliases),
            children=self._children,
            within=selected,
        )

        def left(arns: Arns | None) -> None:
            # Masked there, masked here: no name must come back by leaving.
            self._looks = inner.looks
            self._show()
            if arns is not None:
                self.dismiss(arns)

        self.app.push_screen(inner, left)

    # -- looking -------------------------------------------------------------------

    def action_search(self) -> None:
        self._search.ask()
        self.refresh_bindings()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._list.to_top()
        self._show()

    def action_list(self) -> None:
        """Go from what is typed to the list, or back to it."""
        if self._search.typing or not self._search.display:
            self._list.focus()
        else:
            self._search.ask()

    def action_move(self, lines: int) -> None:
        self._list.action_move(lines)

    def action_page(self, pages: int) -> None:
        self._list.action_page(pages)

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._head:
            self.action_search()

    # -- asking --------------------------------------------------------------------

    def action_refresh(self) -> None:
        self._load()

    def action_more(self) -> None:
        self._more.set()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        match action:
            case "more":
                return self._gathered.last.spent
            case "search":
                return not self._search.typing
            case "up":
                return self._within is not None
            case "children":
                return self._children is not None and self._list.selected is not None
        return True

    # -- looks ---------------------------------------------------------------------

    def action_mask(self) -> None:
        self._looks = replace(self._looks, masked=not self._looks.masked)
        self._show()

    def action_zone(self) -> None:
        self._looks = replace(self._looks, local=not self._looks.local)
        self._show()
