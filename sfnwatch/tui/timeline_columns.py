"""The columns of the timeline: names, lengths, the chart and notes, in cells."""

_LENGTH_CELLS = 9
_LENGTH_FROM = 56
"""From this width on, lengths are shown."""
_LEAST_NOTES_CELLS = 16
_NOTES_FROM = 100
"""From this width on, notes have a column."""
_LEAST_CHART_CELLS = 12
_CHART_SHARE = 0.36
"""Least share of the width for the chart, where notes have a column."""
_MOST_TREE_SHARE = 0.36
_MOST_TREE_CELLS = 38
"""Names may take this many cells, if their share of the width is less."""


class TimelineColumns:
    """The cells of each part of a line."""

    def __init__(self, width: int = 80, name: int = 20, notes: int = 0) -> None:
        """`name` and `notes` are the cells that the longest ones need."""
        self.length = 0
        if width >= _LENGTH_FROM:
            self.length = _LENGTH_CELLS
        beside_chart = width - 2 * _LEAST_CHART_CELLS
        share = round(width * _MOST_TREE_SHARE)
        most = max(share, min(_MOST_TREE_CELLS, beside_chart), 8)
        whole_width = max(1, width - 1)
        self.tree = min(name, most, whole_width)
        left = width - 2 - self.tree - self.length
        self.notes = min(notes + 2, left - round(_CHART_SHARE * width))
        if width < _NOTES_FROM or self.notes < _LEAST_NOTES_CELLS:
            self.notes = 0
        self.chart = left - self.notes
        if self.chart < _LEAST_CHART_CELLS:
            # Too narrow for both: what happened matters more than when.
            self.tree = whole_width
            self.chart = 0
        self.left = self.tree + 2
        """The cells before the chart."""
