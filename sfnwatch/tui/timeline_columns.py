"""The columns of the timeline: names, lengths, the chart and notes, in cells."""

_LENGTH = 9
_LENGTH_FROM = 56
_NOTES_LEAST = 16
_NOTES_FROM = 100
_CHART_LEAST = 12
_CHART_SHARE = 0.36


class TimelineColumns:
    """The cells of each part of a line."""

    def __init__(self, width: int = 80, name: int = 20, notes: int = 0) -> None:
        """`name` and `notes` are the cells that the longest ones need."""
        self.length = _LENGTH if width >= _LENGTH_FROM else 0
        most = max(round(width * 0.36), min(38, width - 2 * _CHART_LEAST), 8)
        self.tree = min(name, most, max(1, width - 1))
        left = width - 2 - self.tree - self.length
        self.notes = min(notes + 2, left - round(_CHART_SHARE * width))
        if width < _NOTES_FROM or self.notes < _NOTES_LEAST:
            self.notes = 0
        self.chart = left - self.notes
        if self.chart < _CHART_LEAST:
            # Too narrow for both: what happened matters more than when.
            self.tree = max(1, width - 1)
            self.chart = 0
        self.left = self.tree + 2
        """The cells before the chart."""
