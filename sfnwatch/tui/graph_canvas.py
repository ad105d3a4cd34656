"""The picture of a state machine's graph, and a cursor on its boxes.

Only the rows in view are painted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sfnwatch.tui.actions import bindings
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.graph_wires import UP, line_sign, wire_cells
from sfnwatch.tui.rows import strip_of
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, cut, fit, width_of
from sfnwatch.view.graph import Box, Graph
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import Picture, PlacedBox, Wire
from sfnwatch.view.graph_progress import BoxState, GraphProgress

_SIDEWAYS_FACTOR = 2
"""When the nearest box is sought, each cell of distance sideways counts as this
many."""
USUAL_WIDTH = 80
"""The width that is used until the real one is known."""


class GraphCanvas(ScrollView, can_focus=True):
    """The picture, with a cursor on its boxes."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("graph")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor"}
    DEFAULT_CSS = "GraphCanvas { height: 1fr; scrollbar-size: 1 1; }"

    def __init__(self, screen_state: ScreenState) -> None:
        super().__init__()
        self._screen_state = screen_state
        self.progress = GraphProgress(Graph(""))
        self.selected = self.progress.graph.start
        """The selected box; it may be folded away."""
        self.follow = True
        """True while the cursor moves to each state that is entered."""
        self.lay_out(lay_out(self.progress.graph, USUAL_WIDTH, lambda _: 0))

    def lay_out(self, picture: Picture) -> None:
        """Show another picture."""
        self.picture = picture
        self._by_id = {placed.box.id: placed for placed in picture.boxes}
        # The boxes, and the wires with labels, of each row.
        self._boxes: defaultdict[int, list[PlacedBox]] = defaultdict(list)
        self._labels: defaultdict[int, list[Wire]] = defaultdict(list)
        for placed in picture.boxes:
            for row in range(placed.y, placed.below):
                self._boxes[row].append(placed)
        for wire in picture.wires:
            _, label_row = wire.label_at
            self._labels[label_row].append(wire)
        self._wires = wire_cells(picture)
        self.virtual_size = Size(picture.width, picture.height)
        self.refresh()

    @property
    def placed(self) -> PlacedBox:
        """The selected box or, if it is folded away, the box that it is inside of."""
        box = self.selected
        while box.id not in self._by_id and box.around is not None:
            box = box.around
        return self._by_id.get(box.id) or self.picture.boxes[0]

    def select(self, box: Box) -> None:
        """Put the cursor on a box, and bring the box into view."""
        moved = box is not self.selected
        self.selected = box
        placed = self.placed
        height = min(placed.height, 3)
        region = Region(placed.x, placed.y, placed.width, height)
        with_wires = region.grow((2, 1, 2, 1))
        self.scroll_to_region(with_wires, animate=False, force=True)
        self.refresh()
        if moved:
            self.post_message(CursorList.Moved())

    def _go_to_nearest(
        self, boxes: Iterable[PlacedBox], distance: Callable[[PlacedBox], int]
    ) -> None:
        nearest = min(boxes, key=distance, default=None)
        if nearest is None:
            self.app.notify("no box there")
        else:
            self.follow = False
            self.select(nearest.box)

    def _step(self, right: int, down: int) -> None:
        """Go to the nearest box in a direction, preferably straight ahead."""
        here = self.placed
        x, y = _middle(here)

        def sideways(placed: PlacedBox) -> int:
            """Return the cells between two boxes sideways; 0 if they overlap."""
            return max(0, placed.x - here.right, here.x - placed.right)

        def is_ahead(placed: PlacedBox) -> bool:
            to_x, to_y = _middle(placed)
            if (to_y - y) * down > 0:
                return True
            shares_rows = placed.y < here.below and here.y < placed.below
            is_beside = shares_rows and sideways(placed) > 0
            return is_beside and (to_x - x) * right > 0

        def distance(placed: PlacedBox) -> int:
            to_x, to_y = _middle(placed)
            aside = _SIDEWAYS_FACTOR * sideways(placed)
            return aside + abs(to_y - y) + abs(to_x - x) // 8

        ahead = filter(is_ahead, self.picture.boxes)
        self._go_to_nearest(ahead, distance)

    def action_move(self, rows: int) -> None:
        self._step(0, rows)

    def action_side(self, cells: int) -> None:
        self._step(cells, 0)

    def action_page(self, pages: int) -> None:
        row = self.placed.y + pages * self.size.height
        self._go_to_nearest(self.picture.boxes, lambda placed: abs(placed.y - row))

    def action_first(self) -> None:
        self._go_to_nearest(self.picture.boxes, lambda placed: placed.y)

    def action_last(self) -> None:
        boxes = self.picture.boxes
        self._go_to_nearest(boxes, lambda placed: -placed.below)

    def on_click(self, event: events.Click) -> None:
        x = event.x + self.scroll_offset.x - self._margin
        y = event.y + self.scroll_offset.y
        clicked = []
        for placed in self._boxes.get(y, ()):
            # A frame is clicked only on its head.
            if placed.framed and placed.y != y:
                continue
            if placed.x <= x < placed.right:
                clicked.append(placed)
        self._go_to_nearest(clicked, lambda placed: placed.width)
        if clicked and event.chain == 2:  # noqa: PLR2004
            self.post_message(CursorList.Opened())

    @property
    def _margin(self) -> int:
        """Cells left of a picture that is narrower than the view."""
        return max(0, (self.size.width - self.picture.width) // 2)

    def render_line(self, y: int) -> Strip:
        left = self.scroll_offset.x
        row = y + self.scroll_offset.y
        pieces = [*self._box_pieces(row), *self._wire_pieces(row)]
        strips = [Strip.blank(self._margin)]
        end = 0
        for x, strip in sorted(pieces, key=itemgetter(0)):
            if x >= end:
                strips += [Strip.blank(x - end), strip]
                end = x + strip.cell_length
        line = Strip.join(strips)
        right = left + self.size.width
        line = line.adjust_cell_length(max(line.cell_length, right))
        return line.crop(left, right).apply_style(self.rich_style)

    def _wire_pieces(self, row: int) -> Iterator[tuple[int, Strip]]:
        for x, passing in self._wires.get(row, {}).items():
            cell = self._wire_cell(x, row, passing)
            yield x, strip_of(self, [cell], 1)
        for wire in self._labels.get(row, ()):
            text = self._screen_state.looks.mask(wire.label)
            if not text:
                continue
            look = "role--dim"
            if self.progress.is_taken(wire.edge):
                look = _taken_look(caught=wire.edge.caught)
            room = min(cell_len(text), wire.room)
            label = strip_of(self, [Span(text, look)], room)
            x, _ = wire.label_at
            yield x, label

    def _wire_cell(self, x: int, row: int, passing: Mapping[Wire, int]) -> Span:
        """Draw a cell of wires; those that were taken cover the others."""
        taken = [wire for wire in passing if self.progress.is_taken(wire.edge)]
        on_top = taken or list(passing)
        is_caught = all(wire.edge.caught for wire in on_top)
        look = _taken_look(caught=is_caught) if taken else "look--faint"
        for wire in passing:
            if wire.points[-1] == (x, row):
                arrow = "▲" if wire.up else "▼"
                return Span(arrow, look)
        sides = [passing[wire] for wire in on_top]
        sign = line_sign(sides, heavy=bool(taken), dashed=is_caught)
        return Span(sign, look)

    def _box_pieces(self, row: int) -> Iterator[tuple[int, Strip]]:
        cursor = self.placed
        cursor_style = self.get_component_rich_style("list--cursor", partial=True)
        for placed in self._boxes.get(row, ()):
            state = self.progress.of(placed.box)
            look = f"role--{state.glyph.role}" if state.status else "look--faint"
            is_between_borders = placed.y < row < placed.below - 1
            if placed.framed and is_between_borders:
                # Between its sides a frame shows the boxes and wires inside it.
                side = strip_of(self, [Span("╎", look)], 1)
                yield placed.x, side
                yield placed.right - 1, side
                continue
            spans = self._box_row(placed, row, state, look)
            strip = strip_of(self, spans, placed.width)
            is_title_or_box = row == placed.y or not placed.framed
            if placed is cursor and is_title_or_box:
                strip = strip.apply_style(cursor_style)
            yield placed.x, strip

    def _box_row(
        self, placed: PlacedBox, row: int, state: BoxState, look: str
    ) -> SpanRow:
        """Draw a box's border or inside; of Start and End, the only row."""
        box = placed.box
        name_look = "role--name" if state.status else "role--dim"
        if placed.height == 1:
            room = placed.width - 4
            name = Span(f"{box.name:^{room}}", name_look)
            return [Span("( ", look), name, Span(" )", look)]
        name = Span(self._screen_state.looks.mask(box.name), name_look)
        glyph = Span(f"{state.glyph.text} ", look)
        title = [glyph, name]
        if row == placed.y:
            return self._upper_border(placed, state, title, look)
        if row == placed.below - 1:
            return self._lower_border(placed, look)
        fold = [Span("▸", "role--fold")] if box.inside else []
        inner = fit(title, placed.width - 3 - len(fold))
        return [Span("│ ", look), *inner, *fold, Span("│", look)]

    def _upper_border(
        self, placed: PlacedBox, state: BoxState, title: Sequence[Span], look: str
    ) -> SpanRow:
        """Draw the kind of a box at the left, of a frame its title, too; and counts."""
        room = placed.width - 4
        right = _counts(placed, state, room - 2)
        room -= width_of(right)
        left: SpanRow = [Span(" "), *title] if placed.framed else []
        has_run = placed.box.runs and state.status
        kind = self._screen_state.looks.mask(placed.box.kind)
        kind_look = "role--call" if has_run else "role--dim"
        kind_span = Span(f" {kind} ", kind_look)
        # The name shows the kind of call; only the count shows how often it was made.
        if width_of([*left, kind_span]) <= room:
            left.append(kind_span)
        left = cut(left, room)
        line = _border_line(placed)
        rule = Span(line * (room - width_of(left)), look)
        return [Span(f"╭{line}", look), *left, rule, *right, Span(f"{line}╮", look)]

    def _lower_border(self, placed: PlacedBox, look: str) -> SpanRow:
        """Draw the lower border of a box, with the places where wires begin."""
        below = self._wires.get(placed.below, {})
        line = _border_line(placed)
        rule = ""
        for x in range(placed.x + 1, placed.right - 1):
            wires = below.get(x, {})
            begins_wire = any(sides & UP for sides in wires.values())
            rule += "┬" if begins_wire else line
        return [Span(f"╰{rule}╯", look)]


def _counts(placed: PlacedBox, state: BoxState, room: int) -> SpanRow:
    """Return a box's counts; without room, those that matter least are left out."""
    counts = list(state.counted)
    if placed.loops:
        counts.append("↺")
    words = "  ".join(counts)
    while counts and cell_len(words) > room:
        counts.pop()
        words = "  ".join(counts)
    if not counts:
        return []
    look = "role--name"
    if state.failed:
        look = "role--bad"
    elif state.retries:
        look = "role--warn"
    return [Span(f" {words} ", look)]


def _taken_look(*, caught: bool) -> str:
    """Return the look of a wire that the execution took."""
    return "role--warn" if caught else "role--plain"


def _border_line(placed: PlacedBox) -> str:
    return "╌" if placed.framed else "─"


def _middle(placed: PlacedBox) -> tuple[int, int]:
    """Return a box's middle; of a frame, its head's."""
    x = placed.x + placed.width // 2
    if placed.framed:
        return x, placed.y
    return x, placed.y + placed.height // 2
