"""The sign of each phase of an attempt."""

from collections.abc import Mapping

from sfnwatch.analysis.phases import Phase
from sfnwatch.tui.spans import Span

PHASES: Mapping[Phase, Span] = {
    Phase.WAITING: Span("▂", "rail--waiting"),
    Phase.WORKING: Span("▄", "role--busy"),
    Phase.COMPLETION_LAG: Span("┄", "role--event"),
    Phase.BACKING_OFF: Span("▖", "role--warn"),
    Phase.CONTAINER: Span("─", "rail--container"),
    Phase.STOPPED: Span("┈", "rail--stopped"),
}
"""The sign of each phase, one cell of a bar."""
