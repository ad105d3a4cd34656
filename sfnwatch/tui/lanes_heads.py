"""The line above the lanes: lanes and services, or the executions side by side."""

from collections.abc import Mapping

from sfnwatch.model.texts import clean
from sfnwatch.tui.lanes_layout import GUTTER, LaneLayout
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.source_words import quiet_words
from sfnwatch.tui.spans import Span, cut, pad, width_of
from sfnwatch.tui.status_rows import length_words
from sfnwatch.view.outline import TASKS
from sfnwatch.view.parts import counted, status_glyph

_COUNTED = ("API call", "change"), ("call", "change"), ("", "")
"""Words for calls and for changes of a task's state, from long to short."""
_KEYS = 9
"""The first services have a digit as their key, as many as this."""


def service_name(source: str) -> str:
    """Return a service's name by its event source: `ECS` for `ecs.amazonaws.com`."""
    name = clean(source.partition(".")[0], 20)
    if source == TASKS:
        return "ECS tasks"
    return {"states": "States"}.get(name, name.upper() if len(name) < 5 else name)  # noqa: PLR2004 - an abbreviation


def execution_heads(screen_state: ScreenState, layout: LaneLayout) -> list[Span]:
    """Return the names of the executions, each above its column."""
    row = [Span(" "), Span(_zone(screen_state, layout), "look--faint")]
    chips = screen_state.chips()
    for column in layout.columns:
        execution = screen_state.snapshot.roots.get(column.root_arn)
        own = chips.get(column.root_arn)
        if execution is None or own is None:
            continue
        glyph = status_glyph(execution.status)
        words = f"  {glyph.text} {length_words(execution, screen_state.now)}"
        cells = [own, Span(words, f"role--{glyph.role}")]
        row = [*pad(cut(row, column.left - 1), column.left)]
        row += cut(cells, column.width - 1)
    return row


def lane_heads(screen_state: ScreenState, layout: LaneLayout) -> list[Span]:
    """Return the names of the lanes, and the number of calls of each service."""
    states = [Span(" STEP FUNCTIONS", "role--name")]
    zone = Span(_zone(screen_state, layout), "look--faint")
    if layout.calls:
        row = [*pad(cut(states, layout.time - 1), layout.time), zone]
        calls = _calls(screen_state, layout.width - layout.calls)
        return [*pad(cut(row, layout.calls - 1), layout.calls), *calls]
    row = [*states, Span("   → ", "look--faint")]
    row += _calls(screen_state, layout.time - GUTTER - width_of(row))
    if not layout.time_cells or width_of(row) > layout.time - GUTTER:
        room = layout.width - len(zone.text) - GUTTER
        return [*pad(cut(row, room), room + 1), zone]
    return [*pad(row, layout.time), zone]


def _calls(screen_state: ScreenState, room: int) -> list[Span]:
    """Return the number of each service's calls, in fewer words if room is short."""
    services = screen_state.services()
    if not services:
        why = f"  {quiet_words(screen_state)}"
        return [Span("API CALLS", "role--name"), Span(why, "look--faint")]
    tries = [_counts(screen_state, services, *words) for words in _COUNTED]
    return next((each for each in tries if width_of(each) <= room), tries[-1])


def _counts(
    screen_state: ScreenState, services: Mapping[str, int], call: str, change: str
) -> list[Span]:
    hidden = screen_state.outline.options.hidden_services
    spans: list[Span] = []
    for number, (source, count) in enumerate(services.items(), start=1):
        if spans:
            spans.append(Span("   "))
        if len(services) > 1 and number <= _KEYS:
            spans.append(Span(f"{number} ", "look--key", f"digit.{number}"))
        look = "look--faint" if source in hidden else "role--name"
        more = " hidden" if source in hidden else ""
        word = change if source == TASKS else call
        number_of = counted(count, word) if word else f"{count:,}"
        spans.append(Span(service_name(source), look))
        spans.append(Span(f" {number_of}{more}", "look--faint"))
    filtered = screen_state.outline.filtered
    if filtered:
        spans.append(Span(f"   {filtered:,} filtered out", "role--warn"))
    return spans


def _zone(screen_state: ScreenState, layout: LaneLayout) -> str:
    if screen_state.looks.origin is not None:
        return "elapsed"
    begun = screen_state.roots[0].started_at if screen_state.roots else None
    zone = screen_state.looks.zone(begun)
    if begun is None or layout.roots:
        return zone
    return f"{zone} {screen_state.looks.at(begun):%d %b}"
