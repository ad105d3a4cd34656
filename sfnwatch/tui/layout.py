"""The lanes on a screen: their lines, where everything is on them, and whose they are.

Pure, and free of widths: a line says what stands on it, `draw` puts it into cells.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import wrap

from msgspec import Struct, field

from sfnwatch.trace.heads import Head
from sfnwatch.trace.lanes import TASKS, Lanes, Row
from sfnwatch.trace.shape import Fold, Shape, Shaped
from sfnwatch.trace.values import replace
from sfnwatch.tui.lane_line import Line
from sfnwatch.tui.lane_services import Counted
from sfnwatch.tui.laying import Laying

NO_MATCH = "no row matches the filter; escape clears it"
_HINT, _HINT_LINES = 41, 4
"""The narrowest lane of calls has room for words so long."""


class Layout(Struct, frozen=True):
    """The lines of a screen that may be longer than the terminal."""

    lines: tuple[Line, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    """A key to the line it stands on, or that stands for it."""
    services: tuple[str, ...] = ()
    """The calls' event sources, in order of appearance: those first that a state
    called, then TASKS if there are any; what only the role did comes after."""
    primary: tuple[str, ...] = ()
    """The services that have calls of states, and are not hidden: a lane each."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many calls each service has, shown or not."""
    invoked: bool = False
    """True if there are calls shown, and Step Functions made each of them."""
    hidden: int = 0
    folded: bool = False
    shape: Shape = field(default_factory=Shape)
    shaped: Shaped = field(default_factory=Shaped)
    heads: tuple[Head, ...] = ()
    """The executions, by their starts."""
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """How many calls of each service an execution has, shown or not."""
    beside: bool = False
    """True where each execution has its own column."""
    first: int = 0
    """The column that is shown first, where there is no room for all."""
    origin: datetime | None = None
    """The moment all executions are said to start at; None: each where it did."""
    columns: Mapping[str, int] = field(default_factory=dict)
    """A key to its column, where executions stand beside each other."""

    @property
    def column_count(self) -> int:
        return len(self.heads) if self.beside and self.heads else 1


class Hints(Struct, frozen=True):
    """What a lane says for want of rows."""

    states: str = ""
    calls: str = ""
    complete_to: datetime | None = None
    """The watermark, while calls are still awaited."""


def lay_out(
    lanes: Lanes,
    *,
    folded: bool = False,
    hints: Hints | None = None,
    wanted: Shape | None = None,
    laying: Laying | None = None,
) -> Layout:
    """Lay out the lanes side by side, or `folded` into one, in the shape `wanted`.

    What a `laying` has laid out before is not worked out again.
    """
    hints, wanted, laying = hints or Hints(), wanted or Shape(), laying or Laying()
    laid = laying.lay(lanes, wanted, folded=folded, complete_to=hints.complete_to)
    layout = replace(
        about(laid.counted, lanes, wanted),
        lines=laid.lines,
        positions=laid.positions,
        folded=folded,
        shaped=laid.shaped,
    )
    if laid.shaped.filtered and not laid.shaped.rows:
        return replace(layout, lines=(Line(left=NO_MATCH),))
    return _said(layout, lanes.rows, hints)


def about(counted: Counted, lanes: Lanes, wanted: Shape) -> Layout:
    """Say of a layout what does not depend on where its lines are."""
    counts, named = counted.counts, counted.named
    return Layout(
        services=(*named, *(name for name in counts if name not in named)),
        primary=tuple(s for s in named if s not in wanted.hidden_services),
        counts=counts,
        invoked=counted.all_invoked(wanted.hidden_services),
        hidden=lanes.hidden,
        shape=wanted,
        heads=lanes.heads,
        calls=counted.by_root,
    )


def behind(shaped: Shaped, found: Mapping[str, int]) -> Mapping[str, int]:
    """Find where what has no line of its own is stood for."""
    return {key: found[line] for key, line in shaped.stands.items() if line in found}


# -- our own words -----------------------------------------------------------------


def _said(layout: Layout, rows: Sequence[Row], hints: Hints) -> Layout:
    """Say in each lane what it has no rows for."""
    calls = any(source != TASKS for source in layout.counts)
    if not hints.states or any(row.events for row in rows):
        above: tuple[Line, ...] = ()
    else:
        above = (Line(left=hints.states),)
    if not above and (calls or not hints.calls):
        return layout
    lines = [*above, *layout.lines]
    if not calls:
        _say(lines, hints.calls, folded=layout.folded)
    places = layout.positions
    if above:
        places = {key: place + 1 for key, place in places.items()}
    return replace(layout, lines=tuple(lines), positions=places)


def _say(lines: list[Line], hint: str, *, folded: bool) -> None:
    said = wrap(hint, _HINT, max_lines=_HINT_LINES, placeholder=" …")
    place = len(lines) if folded else _free(lines, len(said))
    for number, words in enumerate(said, start=place):
        if number < len(lines):
            lines[number] = replace(lines[number], right=words)
        else:
            lines.append(Line(right=words))


def _free(lines: Sequence[Line], count: int) -> int:
    """Find the first lines, one below the other, with nothing in the calls' lane."""
    return next(
        place
        for place in range(len(lines) + 1)
        if all(map(_is_free, lines[place : place + count]))
    )


def _is_free(line: Line) -> bool:
    return not line.right and not isinstance(line.left, Fold)
