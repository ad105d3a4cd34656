"""The style sheets of pictures, and the CSS classes of phases in them."""

import re

from sfnwatch.analysis.phases import Phase
from sfnwatch.templates import read_template

THIN_PHASES = frozenset({Phase.CONTAINER, Phase.STOPPED})
"""The phases that are drawn as a thin line."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def stylesheet(name: str) -> str:
    """Return one of our style sheets as one line, without its comments."""
    css = _COMMENT.sub("", read_template(name))
    return "".join(css.splitlines())


def phase_css(phase: Phase, *, failed: bool = False) -> str:
    """Return the CSS class of a phase; work that failed has a class of its own."""
    if failed and phase is Phase.WORKING:
        return "failed"
    return phase.replace(" ", "-")
