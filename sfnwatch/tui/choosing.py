"""What is selected, in which view, and what is filtered and searched for."""

from typing import TYPE_CHECKING, Any

from sfnwatch.trace.arns import short_id
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.values import replace
from sfnwatch.tui.flow import Flow
from sfnwatch.tui.page import Page
from sfnwatch.tui.staging import Left
from sfnwatch.tui.views import LANES, Keyed

if TYPE_CHECKING:
    from sfnwatch.tui.finding import FindBar, Kind

CHILDREN = "children"
"""The view of what others began."""


class Choosing(Flow):
    """Goes from row to row, from view to view, and to what is looked for."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._left = Left()

    # -- what is selected ----------------------------------------------------------

    @property
    def selected_key(self) -> str | None:
        """The key of what the cursor is on, the same in every view that has rows."""
        return self._keyed.selected_key

    @property
    def selected_rows(self) -> tuple[Row, ...]:
        if self._shown.keyed is None:
            return ()
        if self._shown.name == LANES:
            # A line's own row has lost what is told in the other lane.
            return tuple(map(self._page.whole, self._lanes.line.rows))
        row = self._page.row(self.selected_key)
        return () if row is None else (row,)

    def select_key(self, key: str) -> bool:
        """Put the cursor on something, in the view that is shown."""
        return self._keyed.select_key(key)

    @property
    def _keyed(self) -> Keyed:
        """What knows rows by their keys: the view that is shown, or else the lanes."""
        return self._shown.keyed() if self._shown.keyed else self._lanes

    def go_to_row(self, key: str) -> None:
        """Go to a row from a view that has none of its own; its key is the lanes'."""
        if self._shown.keyed is None:
            self._show_view(LANES)
        own = self._shown.name == LANES
        if not (self._lanes.reveal(key) if own else self.select_key(key)):
            self._say("left out by the filter", severity="warning")

    def _show_selected(self) -> None:
        """Tell about what the cursor is on, wherever something tells about it."""
        self._names.show(self._lanes.page)
        rows = self.selected_rows
        if self._is_detailed:
            self._show_in_full(rows)
        if self.screen_stack[0].has_class("-presenting"):
            from sfnwatch.trace.sentences import explain

            trace, mask = self._page.trace, self._looks.mask
            self._caption.show(explain(rows[-1], trace, mask) if rows else "")
        self._show_found()
        self._show_moment()

    @property
    def _is_detailed(self) -> bool:
        """True while something is shown in full."""
        return self._detail.made is not None and bool(self._detail.made.display)

    def _show_in_full(self, rows: tuple[Row, ...]) -> None:
        detail = self._detail()
        if self._views.current != "requests":
            detail.show(rows, self._page.trace)
        elif (request := self._requests().selected) is not None:
            detail.show_request(request)
        else:
            detail.show((), self._page.trace)

    def _show_found(self) -> None:
        """Say what is filtered and searched for."""
        rows = len(self._page.lanes.rows)
        shaped = self._lanes.page.shaped
        shown = rows - shaped.filtered - sum(shaped.unlisted.values())
        hits = self._finder.hits(self._page.lanes.rows, self.selected_key)
        told = self._finder.pieces(shown, rows, hits)
        # What is being typed stands in the line below already.
        find = self._find.made
        if find is not None and find.open:
            find.tell(self._finder.counted(find.kind, shown, rows, hits))
            told = ()
        if self._filter_line.made is not None or (told and self._is_up):
            self._filter_line().show(told)

    # -- views ---------------------------------------------------------------------

    def _show_view(self, name: str) -> None:
        """Show a view, or the lanes again; the selection goes along."""
        key = self.selected_key
        name = LANES if self._shown.name == name else name
        if self._shown.name == LANES:
            self._left = Left(self._lanes.selected_key, self._lanes.follow)
        self._table[name].widget()
        self._views.current = name
        self._moved_in_time()
        self._focus_view()
        self._take_along(key)
        self.refresh_bindings()
        self._show_selected()

    def _take_along(self, key: str | None) -> None:
        """Select in this view what was selected in the other.

        The lanes have more lines: back in them it is the line that was left, unless
        the cursor was moved meanwhile.
        """
        left, shown = self._left, self._shown
        if shown.name != LANES and shown.keyed is not None:
            keyed = shown.keyed()
            keyed.select_key(key or "")
            self._left = replace(left, led_to=keyed.selected_key)
        elif shown.name == LANES and left.key is not None:
            if key is not None and key != left.led_to and left.led_to is not None:
                self.select_key(key)
            else:
                self._lanes.select_key(left.key)
                self._lanes.follow = left.follow

    def _enter(self) -> None:
        """Fold or unfold what the cursor is on, or show it in full, or hide that."""
        if self._shown.name == LANES and self._lanes.toggle():
            return
        if self._shown.name == CHILDREN:
            self._open_child()
            return
        self._show_detail(shown=not self._is_detailed)

    def _open_child(self) -> None:
        """Show an execution in the lanes; if its history is not here, have it read."""
        child = self._begun().selected
        if child is None:
            self.bell()
        elif self._is_here(child.arn):
            self._show_child(child.arn)
        elif self._follow_child is not None and self._follow_child(child.arn):
            self._begun().awaited = child.arn
            self._say(f"reading {short_id(child.name)}: it is shown when it is here")
        else:
            words = f"The history of {short_id(child.name)} is not in these records."
            self._say(f"{words} sfnwatch {child.arn} watches it.", timeout=10)

    def _show_child(self, execution_arn: str) -> None:
        self._show_view(LANES)
        self.go_to_row(f"{execution_arn}#1")

    def _is_here(self, execution_arn: str) -> bool:
        timeline = self._page.trace.histories.get(execution_arn)
        return timeline is not None and 1 in timeline.events

    def _show_awaited(self) -> None:
        """Go to what was asked for once it is here, unless one has left meanwhile."""
        begun = self._begun.made
        if begun is None or not begun.awaited or not self._is_here(begun.awaited):
            return
        awaited, begun.awaited = begun.awaited, ""
        if self._shown.name == CHILDREN:
            self._show_child(awaited)

    def _show_page(self, page: Page) -> None:
        super()._show_page(page)
        self._show_awaited()
        if page.lanes.rows and not self._is_ready:
            self.call_after_refresh(self._make_ready)

    def _show_detail(self, *, shown: bool) -> None:
        if shown or self._detail.made is not None:
            self._detail().display = shown
        # Where there is no room for both, the detail takes it.
        self.screen_stack[0].set_class(shown, "-detailed")
        if not shown and self.focused is not self._lanes:
            self._focus_view()
        self._show_selected()

    def _close_last(self) -> bool:
        """Close what was opened last, one thing at a time; False if nothing was."""
        if self._is_detailed:
            self._show_detail(shown=False)
        elif self._finder.search or self._finder.keep is not None:
            self._find_by(self._finder.filtering("").searching(""))
        elif self._shown.name != LANES:
            self._show_view(LANES)
        else:
            return False
        return True

    def _toggle_fold(self) -> None:
        if self._shown.folding is not None:
            self._shown.folding().toggle_fold()
        else:
            self._lanes.toggle_around()

    def _toggle_folds(self) -> None:
        if self._shown.folding is not None:
            self._shown.folding().toggle_folds()
        else:
            self._lanes.toggle_all()

    def _align(self) -> None:
        """Put all starts together, or each execution where it was."""
        aligned = not self._lanes.aligned
        self._lanes.aligned = aligned
        if self._timeline.made is not None:
            self._timeline.made.aligned = aligned
        self._say("all starts are put together" if aligned else "each when it started")

    def _step_execution(self, step: int) -> None:
        if self._shown.name == "compare":
            self._compare().other_side()
            return
        if self._shown.name == "timeline":
            self._timeline().step_execution(step)
        else:
            self._lanes.step_execution(step)

    def _follow(self) -> None:
        self._lanes.follow = not self._lanes.follow
        follows = self._lanes.follow
        self._say("following the newest line" if follows else "no longer following")

    # -- filter and search ---------------------------------------------------------

    def _ask(self, kind: Any) -> None:
        texts = {"filter": self._finder.filtered, "search": self._finder.search}
        self._find().ask(kind, texts[kind], lambda: self._page.lanes)
        self._show_found()

    def on_find_bar_changed(self, event: "FindBar.Changed") -> None:
        self._find_words(event.kind, event.text)

    def on_find_bar_done(self, event: "FindBar.Done") -> None:
        self._find_words(event.kind, event.text)
        self._focus_view()

    def _find_words(self, kind: "Kind", text: str) -> None:
        """Show at once what the words come to."""
        if kind == "filter":
            self._find_by(self._finder.filtering(text))
        else:
            self._find_by(self._finder.searching(text))
            if self._shown.name == CHILDREN:
                self._begun().to_top()
            elif text:
                self._go_to_hit(0)

    def _find_by(self, finder: Any) -> None:
        self._finder = finder
        self._lanes.shape = replace(self._lanes.shape, keep=finder.keep)
        if not finder.search:
            self._lanes.search(None)
        if self._shown.name == CHILDREN:
            self._show_children()
        self._show_found()
        self.refresh_bindings()

    def _go_to_hit(self, direction: Any) -> None:
        if not self._finder.search:
            self._say("nothing is searched for: / begins a search")
            return
        if self._shown.name == LANES:
            hit = self._lanes.search(self._finder.hit, direction)
        else:
            hit = self._go_to_hit_by_key(direction)
        if not hit and direction:
            self.bell()
        self._show_found()

    def _go_to_hit_by_key(self, direction: int) -> bool:
        rows = self._page.lanes.rows
        start = self._page.lanes.positions.get(self.selected_key or "", -1)
        place = self._finder.next_hit(
            rows, start, direction or 1, here=direction == 0 and start >= 0
        )
        return place is not None and self.select_key(rows[place].key)
