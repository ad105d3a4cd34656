"""The canvas that a picture is drawn on: a grid of character cells.

Any monospaced font will do: each run of text has its width, so nothing is measured. The
picture needs no script, no font and no other file. Colors are CSS variables, so that
the reader's preference, or the page around the picture, decides.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len

from sfnwatch.view.parts import Part, Role

CELL = 7.2
"""The width of a character, in px."""
ROW = 20.0
"""The height of a row, in px."""
MARGIN = 20.0
_BASELINE = 14
"""The px from the top of a row to the baseline of its text."""
_LEAST_WIDTH = 0.7
"""The least width of a rectangle, in px, so that it can be seen."""
_CROSS_ARM = 3.5
"""Half of a cross's width, in px."""
_DOT_RADIUS = 4
RefOfKey = Callable[[str], str]
"""Returns a page's ref of an event, a call or a task, by its key; empty if none."""


class SvgCanvas:
    """A picture while it is drawn: a grid of cells, with shapes between them."""

    def __init__(self, prefix: str) -> None:
        """`prefix` makes its ids differ from those of other pictures in one page."""
        self._prefix = prefix
        self.width = 0.0
        self._root = ET.Element("svg")
        self._group = self._root
        """The element that takes the next shape."""
        ground = self.rect("ground", 0, 0, 0, 0)
        ground.attrib.update(width="100%", height="100%")

    def _put(self, tag: str, css: str, **lengths: float) -> ET.Element:
        shape = ET.SubElement(self._group, tag, {"class": css})
        for name, length in lengths.items():
            shape.set(name, f"{length:.6g}")
        return shape

    def write(self, x: float, y: float, parts: Iterable[Part]) -> float:
        """Write parts from `x` on in the row at `y`; return the x at which they end."""
        for part in parts:
            width = cell_len(part.text) * CELL
            if part.text.strip():
                css = f"r-{part.role}"
                run = self._put("text", css, x=x, y=y + _BASELINE, textLength=width)
                run.set("lengthAdjust", "spacingAndGlyphs")
                run.text = part.text
            x += width
        self.width = max(self.width, x)
        return x

    def write_dim(self, x: float, y: float, text: str) -> float:
        """Write a dim text in the row at `y`; return the x at which it ends."""
        return self.write(x, y, [Part(text, Role.DIM)])

    def rect(
        self, css: str, x: float, y: float, width: float, height: float
    ) -> ET.Element:
        self.width = max(self.width, x + width)
        drawn_width = max(width, _LEAST_WIDTH)
        return self._put("rect", css, x=x, y=y, width=drawn_width, height=height)

    def path(self, css: str, *points: tuple[float, float], end: str = "") -> None:
        """Draw a line through points; with the end `z`, it is a filled shape."""
        corners = [f"{x:.6g} {y:.6g}" for x, y in points]
        self._put("path", css).set("d", f"M{'L'.join(corners)}{end}")

    def cross(self, x: float, y: float) -> None:
        left = x - _CROSS_ARM
        right = x + _CROSS_ARM
        top = y - _CROSS_ARM
        bottom = y + _CROSS_ARM
        for css in ("cross under", "cross"):
            self.path(css, (left, top), (right, bottom))
            self.path(css, (right, top), (left, bottom))

    def dot(self, x: float, y: float, css: str) -> None:
        self._put("circle", css, cx=x, cy=y, r=_DOT_RADIUS)

    @contextmanager
    def row(self, refs: Sequence[str], tip: Iterable[str]) -> Iterator[None]:
        """Group the shapes that follow; a page finds the group by the first ref."""
        outer_group = self._group
        self._group = self._put("g", "row")
        known_refs = [ref for ref in refs if ref]
        if known_refs:
            self._group.set("id", f"{self._prefix}-{known_refs[0]}")
            self._group.set("data-refs", " ".join(known_refs))
        ET.SubElement(self._group, "title").text = "\n".join(tip)
        yield
        self._group = outer_group

    def svg(self, height: float, style: str = "", name: str = "sfnwatch") -> str:
        """Return the picture's markup in ASCII, which any encoding on its way keeps."""
        full_width = f"{self.width + MARGIN:.6g}"
        full_height = f"{height:.6g}"
        self._root.attrib = {
            "class": "sw",
            "role": "img",
            "aria-label": name,
            "width": full_width,
            "height": full_height,
            "viewBox": f"0 0 {full_width} {full_height}",
            "xmlns": "http://www.w3.org/2000/svg",
        }
        if style:
            ET.SubElement(self._root, "style").text = style
        markup: bytes = ET.tostring(self._root, "us-ascii")
        return markup.decode("ascii")


def parts_width(parts: Iterable[Part]) -> int:
    """Return the width of parts in cells."""
    return sum(cell_len(part.text) for part in parts)
