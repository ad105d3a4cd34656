"""A trace as one picture in SVG: the swimlanes, or the stays in states as bars.

Drawn from scratch, not a terminal's picture: no script, no font and no file but
itself, so that it can be put into a page, a mail or a document.
"""

from typing import TextIO

from sfnwatch.export.svg_gantt import gantt_svg
from sfnwatch.export.svg_lanes import lanes_svg
from sfnwatch.export.svg_style import ALONE
from sfnwatch.trace.timeline import Trace


def dump(trace: Trace, out: TextIO) -> None:
    """Print the lanes as one picture; equal traces give equal texts."""
    out.write(ascii_markup(lanes_svg(trace, css=ALONE)))


def dump_gantt(trace: Trace, out: TextIO) -> None:
    """Print the stays in states as bars on one axis of time."""
    out.write(ascii_markup(gantt_svg(trace, css=ALONE)))


def ascii_markup(text: str) -> str:
    """Write markup so that no encoding on its way can spoil it."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
