"""What has just come in, and what of it came in late."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Lanes, Row
from sfnwatch.trace.same import first_change
from sfnwatch.tui.lane_words import gap_words

FLASH = 1.2
"""Seconds for which a line that has just come in stands out."""
LINGER = 4.0
"""The same for one that came in late, with words to be read."""
_LATE = timedelta(seconds=60)


class Fresh(Struct, frozen=True):
    """Rows that stand out for a moment."""

    keys: frozenset[str] = frozenset()
    late: Mapping[str, str] = field(default_factory=dict)
    """How late a row came in, in words, by its key."""

    def __or__(self, other: "Fresh") -> "Fresh":
        return Fresh(self.keys | other.keys, {**self.late, **other.late})

    def __sub__(self, gone: frozenset[str]) -> "Fresh":
        late = {key: words for key, words in self.late.items() if key not in gone}
        return Fresh(self.keys - gone, late)

    def places(
        self, positions: Mapping[str, int], columns: Mapping[str, int]
    ) -> Mapping[tuple[int, int], str]:
        """Give the lines, and columns, that stand out, with what is said of each."""
        said = {**dict.fromkeys(self.keys, ""), **self.late}
        return {
            (positions[key], columns.get(key, 0)): words
            for key, words in said.items()
            if key in positions
        }


def came_in(before: Lanes, rows: Iterable[Row]) -> Fresh:
    """Say of new rows what is late: a call that lands among rows long shown."""
    newest = _newest(before)
    late: dict[str, str] = {}
    fresh = {row.key: row for row in rows}
    for key, row in fresh.items():
        if newest is None or row.call is None or newest - row.at <= _LATE:
            continue
        seen = row.call.seen_at or newest
        lag = max(seen - row.at, timedelta())
        late[key] = f"appeared {gap_words(lag.total_seconds())} late"
    return Fresh(frozenset(fresh), late)


def new_rows(before: Lanes, lanes: Lanes) -> Sequence[Row]:
    """Give the rows that were not there: few, where lanes have grown."""
    first = first_change(before.rows, lanes.rows)
    known = {row.key for row in before.rows[first:]}
    return [row for row in lanes.rows[first:] if row.key not in known]


def _newest(lanes: Lanes) -> datetime | None:
    """Give the latest time there is.

    Rows are in the order of time, but for calls put behind the phase they led to.
    """
    latest: datetime | None = None
    for row in reversed(lanes.rows):
        latest = row.at if latest is None else max(latest, row.at)
        if row.link is None or row.link.role is not CallRole.ACTION:
            break
    return latest
