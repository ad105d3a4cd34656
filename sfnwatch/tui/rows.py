"""A widget of painted rows."""

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from sfnwatch.tui.spans import Span, Spans, cut, flow, width_of


def strip_of(widget: Widget, spans: Iterable[Span], cells: int) -> Strip:
    """Return a painted row of exactly `cells` cells, without a background."""
    segments = []
    style_of = widget.screen.get_component_rich_style
    for span in spans:
        if span.text:
            style = style_of(span.look, partial=True)
            if span.does:
                style += Style(meta={"@click": f"app.do({span.does!r})"})
            segments.append(Segment(span.text, style))
    return Strip(segments).adjust_cell_length(cells)


class Rows(Widget):
    """Rows of text, any number of them; hidden while there are none."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Rows { height: auto; }"

    def __init__(
        self,
        make: Callable[[int], Sequence[Spans]] | None = None,
        *,
        most: int = 1,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        """`make` returns the rows for a width; without it, shown texts are wrapped.

        `most` is the number of rows that each text may then take.
        """
        super().__init__(id=id)
        self._make = make or self._wrapped
        self._most = most
        self._told: Sequence[Spans] = ()
        self._made: tuple[int, Sequence[Spans]] = -1, ()

    def show(self, *told: Spans) -> None:
        """Show other texts."""
        if told != self._told:
            self._told = told
            self.display = bool(told)
            self.redraw()

    def redraw(self) -> None:
        """Make the rows again, and paint them if they have changed."""
        width, before = self._made
        self._made = (-1, ())
        rows = self.rows(width)
        if rows != before:
            self.refresh(layout=len(rows) != len(before))

    def rows(self, width: int) -> Sequence[Spans]:
        """Return the rows for a width."""
        if width < 0:
            return ()
        if self._made[0] != width:
            self._made = width, self._make(width)
        return self._made[1]

    def _wrapped(self, width: int) -> Sequence[Spans]:
        each = (flow(spans, width, width, self._most) for spans in self._told)
        return [row for rows in each for row in rows]

    def get_content_width(self, container: object, viewport: object) -> int:
        del container, viewport
        return max(map(width_of, self._told), default=0)

    def get_content_height(
        self, container: object, viewport: object, width: int
    ) -> int:
        del container, viewport
        return len(self.rows(width))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        rows = self.rows(width)
        row = cut(rows[y], width) if y < len(rows) else ()
        return strip_of(self, row, width).apply_style(self.rich_style)
