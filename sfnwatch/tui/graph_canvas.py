"""The picture of a state machine's graph, and a cursor on its boxes.

Only the rows in view are painted.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import itemgetter, or_
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from sfnwatch.tui.actions import bindings
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.rows import strip_of
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, cut, fit, width_of
from sfnwatch.view.graph import Box, Graph
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import Picture, PlacedBox, Wire
from sfnwatch.view.graph_progress import BoxState, GraphProgress

_UP = 1
_DOWN = 2
_LEFT = 4
_RIGHT = 8
_LIGHT = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"
_HEAVY = " ╹╻┃╸┛┓┫╺┗┏┣━┻┳╋"
"""Signs of lines, by the sides of their cell that they reach: a sum of the four
above."""
_DASHED = {"│": "┊", "─": "┈", "┃": "┋", "━": "┉"}
"""The dashed signs, for a Catch."""
_DIRECTIONS = {(0, -1): _UP, (0, 1): _DOWN, (-1, 0): _LEFT, (1, 0): _RIGHT}
RETURN_OFFSET_CELLS = 2
"""When the nearest box is sought, each cell of distance sideways counts as this
many."""
_GraphCells = Mapping[int, Mapping[int, Mapping[Wire, int]]]
"""By row and column: the wires through a cell, and the sides of it that they reach."""
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
            for row in range(placed.y, placed.y + placed.height):
                self._boxes[row].append(placed)
        for wire in picture.wires:
            self._labels[wire.label_at[1]].append(wire)
        self._cells = _cells(picture)
        self.virtual_size = Size(picture.width, picture.height)
        self.refresh()

    @property
    def placed(self) -> PlacedBox:
        """The selected box or, if it is folded away, the box that it is inside of."""
        box = self.selected
        known = self._by_id
        while box.id not in known and box.around is not None:
            box = box.around
        return known.get(box.id) or self.picture.boxes[0]

    def select(self, box: Box) -> None:
        """Put the cursor on a box, and bring the box into view."""
        moved = box is not self.selected
        self.selected = box
        placed = self.placed
        region = Region(placed.x, placed.y, placed.width, min(placed.height, 3))
        # Include the wires that lead to it and away.
        region = region.grow((2, 1, 2, 1))
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()
        if moved:
            self.post_message(CursorList.Moved())

    def _go(self, boxes: Iterable[PlacedBox], far: Callable[[PlacedBox], int]) -> None:
        found = min(boxes, key=far, default=None)
        if found is None:
            self.app.notify("no box there")
        else:
            self.follow = False
            self.select(found.box)

    def _step(self, right: int, down: int) -> None:
        """Go to the nearest box in a direction, preferably straight ahead."""
        here = self.placed
        x, y = _middle(here)
        end = here.y + here.height

        def aside(placed: PlacedBox) -> int:
            """Return the cells between two boxes sideways; 0 if they overlap."""
            right_of = placed.x - here.x
            left_of = here.x - placed.x
            return max(0, right_of - here.width, left_of - placed.width)

        def is_ahead(placed: PlacedBox) -> bool:
            to_x, to_y = _middle(placed)
            above = placed.y + placed.height <= here.y
            below = placed.y >= end
            beside = aside(placed) > 0 and not (above or below)
            return (to_y - y) * down > 0 or (beside and (to_x - x) * right > 0)

        def far(placed: PlacedBox) -> int:
            to_x, to_y = _middle(placed)
            return (
                RETURN_OFFSET_CELLS * aside(placed) + abs(to_y - y) + abs(to_x - x) // 8
            )

        self._go(filter(is_ahead, self.picture.boxes), far)

    def action_move(self, rows: int) -> None:
        self._step(0, rows)

    def action_side(self, cells: int) -> None:
        self._step(cells, 0)

    def action_page(self, pages: int) -> None:
        row = self.placed.y + pages * self.size.height
        self._go(self.picture.boxes, lambda placed: abs(placed.y - row))

    def action_first(self) -> None:
        self._go(self.picture.boxes, lambda placed: placed.y)

    def action_last(self) -> None:
        self._go(self.picture.boxes, lambda placed: -placed.y - placed.height)

    def on_click(self, event: events.Click) -> None:
        x = event.x + self.scroll_offset.x - self._margin
        y = event.y + self.scroll_offset.y
        # A frame is clicked only on its head.
        under = [p for p in self._boxes.get(y, ()) if p.x <= x < p.x + p.width]
        hit = [p for p in under if not p.framed or p.y == y]
        self._go(hit, lambda placed: placed.width)
        if hit and event.chain == 2:  # noqa: PLR2004
            self.post_message(CursorList.Opened())

    @property
    def _margin(self) -> int:
        """Cells left of a picture that is narrower than the view."""
        return max(0, (self.size.width - self.picture.width) // 2)

    def render_line(self, y: int) -> Strip:
        left = self.scroll_offset.x
        row = y + self.scroll_offset.y
        width = self.size.width
        strips = list[Strip]()
        end = 0
        pieces = [*self._box_pieces(row), *self._wire_pieces(row)]
        for x, strip in sorted(pieces, key=itemgetter(0)):
            if x >= end:
                strips += [Strip.blank(x - end), strip]
                end = x + strip.cell_length
        line = Strip.join([Strip.blank(self._margin), *strips])
        line = line.adjust_cell_length(max(line.cell_length, left + width))
        return line.crop(left, left + width).apply_style(self.rich_style)

    def _wire_pieces(self, row: int) -> Iterator[tuple[int, Strip]]:
        for x, passing in self._cells.get(row, {}).items():
            yield x, strip_of(self, [self._line(x, row, passing)], 1)
        for wire in self._labels.get(row, ()):
            lit = "role--warn" if wire.edge.caught else "role--plain"
            look = lit if self.progress.is_taken(wire.edge) else "role--dim"
            text = self._screen_state.looks.mask(wire.label)
            if text:
                room = min(cell_len(text), wire.room)
                yield wire.label_at[0], strip_of(self, [Span(text, look)], room)

    def _line(self, x: int, row: int, passing: Mapping[Wire, int]) -> Span:
        """Draw a cell of wires; those that were taken cover the others."""
        taken = {w: passing[w] for w in passing if self.progress.is_taken(w.edge)}
        shown = taken or passing
        caught = all(wire.edge.caught for wire in shown)
        look = "look--faint" if not taken else "role--warn" if caught else "role--plain"
        for wire in passing:
            if wire.points[-1] == (x, row):
                return Span("▲" if wire.up else "▼", look)
        sign = (_HEAVY if taken else _LIGHT)[reduce(or_, shown.values())]
        return Span(_DASHED.get(sign, sign) if caught else sign, look)

    def _box_pieces(self, row: int) -> Iterator[tuple[int, Strip]]:
        cursor = self.placed
        own = self.get_component_rich_style("list--cursor", partial=True)
        for placed in self._boxes.get(row, ()):
            standing = self.progress.of(placed.box)
            look = f"role--{standing.glyph.role}" if standing.status else "look--faint"
            if placed.framed and placed.y < row < placed.y + placed.height - 1:
                side = strip_of(self, [Span("╎", look)], 1)
                yield from ((placed.x, side), (placed.x + placed.width - 1, side))
                continue
            spans = self._box_row(placed, row, standing, look)
            strip = strip_of(self, spans, placed.width)
            if placed is cursor and (row == placed.y or not placed.framed):
                strip = strip.apply_style(own)
            yield placed.x, strip

    def _box_row(
        self, placed: PlacedBox, row: int, standing: BoxState, look: str
    ) -> list[Span]:
        box = placed.box
        room = placed.width - 2
        mask = self._screen_state.looks.mask
        name = Span(mask(box.name), "role--name" if standing.status else "role--dim")
        glyph = Span(f"{standing.glyph.text} ", look)
        if placed.height == 1:
            name = Span(f"{box.name:^{placed.width - 4}}", name.look)
            return [Span("( ", look), name, Span(" )", look)]
        if row == placed.y:
            return self._top(placed, standing, [glyph, name], look)
        if row < placed.y + placed.height - 1:
            fold = [Span("▸", "role--fold")] if box.inside else []
            inner = fit([glyph, name], room - 1 - len(fold))
            return [Span("│ ", look), *inner, *fold, Span("│", look)]
        below = self._cells.get(row + 1, {})
        line = "╌" if placed.framed else "─"
        starts = {x for x in below if reduce(or_, below[x].values()) & _UP}
        xs = range(placed.x + 1, placed.x + 1 + room)
        rule = "".join("┬" if x in starts else line for x in xs)
        return [Span(f"╰{rule}╯", look)]

    def _top(
        self, placed: PlacedBox, standing: BoxState, named: Sequence[Span], look: str
    ) -> list[Span]:
        """Draw a box's upper border: its kind at the left, its counts at the right."""
        box = placed.box
        room = placed.width - 4
        often = [*standing.counted, *(["↺"] if placed.loops else [])]
        while often and cell_len("  ".join(often)) > room - 2:
            often.pop()
        tone = "bad" if standing.failed else "warn" if standing.retries else "name"
        right = [Span(f" {'  '.join(often)} ", f"role--{tone}")] if often else []
        room -= width_of(right)
        lit = bool(box.runs and standing.status)
        kind = self._screen_state.looks.mask(box.kind)
        left = [Span(" "), *named] if placed.framed else []
        told = [*left, Span(f" {kind} ", "role--call" if lit else "role--dim")]
        # The name shows the kind of call; only the count shows how often it was made.
        left = cut(told if width_of(told) <= room else left, room)
        line = "╌" if placed.framed else "─"
        rule = Span(line * (room - width_of(left)), look)
        return [Span(f"╭{line}", look), *left, rule, *right, Span(f"{line}╮", look)]


def _middle(placed: PlacedBox) -> tuple[int, int]:
    """Return a box's middle; of a frame, its head's."""
    down = 0 if placed.framed else placed.height // 2
    return placed.x + placed.width // 2, placed.y + down


def _cells(picture: Picture) -> _GraphCells:
    """Return the wires through each cell, with the sides that they reach."""
    found: defaultdict[int, dict[int, defaultdict[Wire, int]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(int))
    )
    for wire in picture.wires:
        x, y = wire.points[0]
        # A wire's first cell is next to the box that it comes out of.
        found[y][x][wire] |= _DOWN if wire.up else _UP
        for to_x, to_y in wire.points[1:]:
            while (x, y) != (to_x, to_y):
                step = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
                found[y][x][wire] |= _DIRECTIONS[step]
                x = x + step[0]
                y = y + step[1]
                found[y][x][wire] |= _DIRECTIONS[-step[0], -step[1]]
    return found
