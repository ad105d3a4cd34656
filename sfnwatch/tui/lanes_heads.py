"""The line above the lanes: lanes and services, or the executions side by side."""

from collections.abc import Mapping

from sfnwatch.model.texts import clean
from sfnwatch.tui.lanes_layout import GUTTER, LaneLayout
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.source_words import quiet_words
from sfnwatch.tui.spans import Span, SpanRow, cut, pad, width_of
from sfnwatch.tui.status_rows import length_words
from sfnwatch.view.outline import TASKS
from sfnwatch.view.parts import counted, status_glyph

_COUNTED = ("API call", "change"), ("call", "change"), ("", "")
"""Words for calls and for changes of a task's state, from long to short."""
_SERVICE_KEYS = 9
"""The first services have a digit as their key, as many as this."""
_ABBREVIATION_LETTERS = 4
"""Names of services with at most this many letters are in capitals."""


def execution_heads(screen_state: ScreenState, layout: LaneLayout) -> SpanRow:
    """Return the names of the executions, each above its column."""
    row = [Span(" "), Span(_zone(screen_state, layout), "look--faint")]
    chips = screen_state.chips()
    for column in layout.columns:
        root = column.root_arn
        execution = screen_state.snapshot.roots.get(root)
        if execution is None or root not in chips:
            continue
        glyph = status_glyph(execution.status)
        length = length_words(execution, screen_state.now)
        words = Span(f"  {glyph.text} {length}", f"role--{glyph.role}")
        row = pad(cut(row, column.left - 1), column.left)
        row += cut([chips[root], words], column.width - 1)
    return row


def lane_heads(screen_state: ScreenState, layout: LaneLayout) -> SpanRow:
    """Return the names of the lanes, and the number of calls of each service."""
    states = [Span(" STEP FUNCTIONS", "role--name")]
    zone = Span(_zone(screen_state, layout), "look--faint")
    if layout.calls:
        row = pad(cut(states, layout.time - 1), layout.time)
        row.append(zone)
        row = pad(cut(row, layout.calls - 1), layout.calls)
        return row + _calls(screen_state, layout.width - layout.calls)
    row = [*states, Span("   → ", "look--faint")]
    row += _calls(screen_state, layout.time - GUTTER - width_of(row))
    if layout.time_cells and width_of(row) <= layout.time - GUTTER:
        return [*pad(row, layout.time), zone]
    room = layout.width - len(zone.text) - GUTTER
    return [*pad(cut(row, room), room + 1), zone]


def _calls(screen_state: ScreenState, room: int) -> SpanRow:
    """Return the number of each service's calls, in fewer words if room is short."""
    services = screen_state.services()
    if not services:
        why = f"  {quiet_words(screen_state)}"
        return [Span("API CALLS", "role--name"), Span(why, "look--faint")]
    counts: SpanRow = []
    for call, change in _COUNTED:
        counts = _service_counts(screen_state, services, call, change)
        if width_of(counts) <= room:
            break
    return counts


def _service_counts(
    screen_state: ScreenState, services: Mapping[str, int], call: str, change: str
) -> SpanRow:
    options = screen_state.outline.options
    spans: SpanRow = []
    for number, (source, count) in enumerate(services.items(), start=1):
        if spans:
            spans.append(Span("   "))
        if len(services) > 1 and number <= _SERVICE_KEYS:
            spans.append(Span(f"{number} ", "look--key", f"digit.{number}"))
        word = change if source == TASKS else call
        words = counted(count, word) if word else f"{count:,}"
        look = "role--name"
        if source in options.hidden_services:
            look = "look--faint"
            words += " hidden"
        spans.append(Span(_short_service_name(source), look))
        spans.append(Span(f" {words}", "look--faint"))
    filtered = screen_state.outline.filtered
    if filtered:
        spans.append(Span(f"   {filtered:,} filtered out", "role--warn"))
    return spans


def _short_service_name(source: str) -> str:
    """Return a service's name by its event source: `ECS` for `ecs.amazonaws.com`."""
    name = clean(source.partition(".")[0], 20)
    if source == TASKS:
        return "ECS tasks"
    if name == "states":
        return "States"
    return name.upper() if len(name) <= _ABBREVIATION_LETTERS else name


def _zone(screen_state: ScreenState, layout: LaneLayout) -> str:
    if screen_state.looks.origin is not None:
        return "elapsed"
    begun = None
    if screen_state.roots:
        begun = screen_state.roots[0].started_at
    zone = screen_state.looks.zone(begun)
    if begun is None or layout.roots:
        return zone
    return f"{zone} {screen_state.looks.at(begun):%d %b}"
