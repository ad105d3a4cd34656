"""Where in the pane something is: lines found again, the key that leads out."""

from collections.abc import Sequence

from textual.screen import Screen

from sfnwatch.tui.json_tree import TreeLine
from sfnwatch.tui.record_lines import Line
from sfnwatch.tui.record_sections import Section


def find(lines: Sequence[Line], place: object, otherwise: int) -> int:
    """Find the line of what was at a place before the lines were made anew."""
    for number, line in enumerate(lines):
        if place is not None and any(spot.place == place for spot in line):
            return number
    return min(otherwise, len(lines) - 1)


def holder(lines: Sequence[Line], cursor: int, column: int) -> int:
    """Find the line of the node, or of the section, that holds this one."""
    line = lines[cursor]
    target = line[min(column, len(line) - 1)].target
    depth = target.node.depth if isinstance(target, TreeLine) else 0
    for place in range(cursor - 1, -1, -1):
        above = lines[place][0].target
        if isinstance(above, Section):
            return place
        if isinstance(above, TreeLine) and above.node.depth < depth:
            return place
    return 0


def key_of(screen: Screen[object], action: str) -> str:
    """Name the key that does something at present, as the footer would."""
    for active in screen.active_bindings.values():
        if active.binding.id == action and active.enabled:
            return screen.app.get_key_display(active.binding)
    return ""
