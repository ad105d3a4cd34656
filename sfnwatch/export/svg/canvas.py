"""The canvas that a picture is drawn on: a grid of character cells.

Any monospaced font will do: each run of text has its width, so nothing is measured. The
picture needs no script, no font and no other file. Colors are CSS variables, so that
the reader's preference, or the page around the picture, decides.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len

from sfnwatch.analysis.phases import Phase
from sfnwatch.templates import read_template
from sfnwatch.view.parts import Part

CELL = 7.2
"""The width of a character, in px."""
ROW = 20.0
"""The height of a row, in px."""
MARGIN = 20.0
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RefOfKey = Callable[[str], str]
"""Returns a page's ref of an event, a call or a task, by its key; empty if none."""


def stylesheet(name: str) -> str:
    """Return one of our style sheets, without its comments."""
    return "".join(_COMMENT.sub("", read_template(name)).splitlines())


class SvgCanvas:
    """The canvas of a picture: a grid of cells, with shapes between them."""

    def __init__(self, prefix: str) -> None:
        """`prefix` makes its ids differ from those of other pictures in one page."""
        self._prefix = prefix
        self.width = 0.0
        self._root = self._into = ET.Element("svg")
        self.rect("ground", 0, 0, 0, 0).attrib.update(width="100%", height="100%")

    def _put(self, tag: str, css: str, **given: str | float) -> ET.Element:
        told = {k: v if isinstance(v, str) else f"{v:.6g}" for k, v in given.items()}
        return ET.SubElement(self._into, tag, {"class": css, **told})

    def write(self, x: float, y: float, parts: Iterable[Part]) -> float:
        """Write parts from `x` on in the row at `y`; return the x at which they end."""
        for part in parts:
            css = f"r-{part.role}"
            width = cell_len(part.text) * CELL
            if part.text.strip():
                run = self._put("text", css, x=x, y=y + 14, textLength=width)
                run.set("lengthAdjust", "spacingAndGlyphs")
                run.text = part.text
            x += width
        self.width = max(self.width, x)
        return x

    def rect(self, css: str, x: float, y: float, w: float, h: float) -> ET.Element:
        self.width = max(self.width, x + w)
        return self._put("rect", css, x=x, y=y, width=max(w, 0.7), height=h)

    def path(self, css: str, *points: tuple[float, float], end: str = "") -> None:
        """Draw a line through points; with the end `z`, it is a filled shape."""
        told = "L".join(f"{x:.6g} {y:.6g}" for x, y in points)
        self._put("path", css, d=f"M{told}{end}")

    def cross(self, x: float, y: float, arm: float = 3.5) -> None:
        for css in ("cross under", "cross"):
            self.path(css, (x - arm, y - arm), (x + arm, y + arm))
            self.path(css, (x + arm, y - arm), (x - arm, y + arm))

    def dot(self, x: float, y: float, css: str) -> None:
        self._put("circle", css, cx=x, cy=y, r=4)

    @contextmanager
    def row(self, refs: Sequence[str], tip: Iterable[str]) -> Iterator[None]:
        """Group the shapes that follow; a page finds the group by the first ref."""
        around = self._into
        known = [ref for ref in refs if ref]
        self._into = self._put("g", "row")
        if known:
            self._into.set("id", f"{self._prefix}-{known[0]}")
            self._into.set("data-refs", " ".join(known))
        ET.SubElement(self._into, "title").text = "\n".join(tip)
        yield
        self._into = around

    def svg(self, height: float, style: str = "", name: str = "sfnwatch") -> str:
        """Return its markup in ASCII, which any encoding on its way keeps."""
        width = f"{self.width + MARGIN:.6g}"
        about = {"class": "sw", "role": "img", "aria-label": name, "width": width}
        about |= {"height": f"{height:.6g}", "viewBox": f"0 0 {width} {height:.6g}"}
        self._root.attrib.update(about, xmlns="http://www.w3.org/2000/svg")
        if style:
            ET.SubElement(self._root, "style").text = style
        data: bytes = ET.tostring(self._root, "us-ascii")
        return data.decode("ascii")


def parts_width(parts: Iterable[Part]) -> int:
    return sum(cell_len(part.text) for part in parts)


def phase_css(phase: Phase, *, failed: bool = False) -> str:
    return "failed" if failed and phase is Phase.WORKING else phase.replace(" ", "-")
