"""The end card, in the middle of the screen."""

from sfnwatch.analysis.finding import Finding
from sfnwatch.tui.end_card import CardEntry, entries_of
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.evidence import evidence_of
from sfnwatch.tui.screen_state import GoTo, ScreenState
from sfnwatch.tui.views import HeadedView


class EndView(HeadedView):
    """The card, in the middle of the screen."""

    enter = "Show lines"
    SCOPED_CSS = False  # classes of the screen set the room around it
    DEFAULT_CSS = """
    EndView {
        align-horizontal: center;
        padding: 0 0 0 1;

        Rows { display: none; }
        EntryList { max-width: 112; }
    }
    .-medium EndView, .-wide EndView { padding: 0 6 0 8; }
    """

    def __init__(self, screen_state: ScreenState) -> None:
        self.list: EntryList[CardEntry] = EntryList(
            lambda entry, _: entry.rows, stops=lambda entry: entry.finding is not None
        )
        super().__init__(screen_state, self.list)
        self.commands = {"view.detail": self.open_selected}

    def show(self) -> None:
        """Show the findings known by now."""
        screen_state = self._screen_state
        size = self.list.size
        running = screen_state.now if screen_state.snapshot.running else None
        of = (
            screen_state.findings_version,
            screen_state.version,
            screen_state.looks,
            running,
            size,
        )
        if size.width and self.is_other(*of):
            self.list.entries = entries_of(screen_state, self.width - 1, size.height)
            self.list.changed()

    @property
    def _finding(self) -> Finding | None:
        return self.list.entry.finding if self.list.entry is not None else None

    def open_selected(self) -> None:
        """Show the evidence of the selected finding in the lanes.

        The last line is selected first, the first one after it: so as many lines as
        possible are in view.
        """
        keys: list[str] = []
        if self._finding is not None:
            evidence = evidence_of(self._screen_state, self._finding)
            keys = [piece.item.key for piece in evidence if piece.item is not None]
        if not keys:
            self.app.notify("no line here is what that rests on")
            return
        for key in dict.fromkeys((keys[-1], keys[0])):
            self.post_message(GoTo(key))

    def copy_text(self) -> str:
        """Return the selected finding as a sentence."""
        finding = self._finding
        if finding is None:
            return ""
        return self.mask(f"{finding.certainty}: {finding.text}")
