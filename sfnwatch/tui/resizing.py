"""A scroll view that learns of every size it gets."""

from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Resizing(ScrollView):
    """Calls `resized` whenever its size is another than it was laid out for.

    Textual sends no Resize where a widget's size changes in a layout that is followed
    by another before anything is drawn, as when a line below opens and takes the focus;
    nor always to one that is put on the screen later than others. What is drawn tells
    of it in any case.
    """

    _fitted: Size | None = None
    """The size that was last laid out for; None before the first."""

    def resized(self) -> None:
        """Lay out for the size there is; what is in view stays there."""
        raise NotImplementedError

    def on_resize(self, event: events.Resize) -> None:
        del event
        self._fitted = self.size
        self.resized()

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._fitted != self.size:
            self.call_later(self._refit)
        return super().render_lines(crop)

    def _refit(self) -> None:
        if self._fitted != self.size:
            self._fitted = self.size
            self.resized()
