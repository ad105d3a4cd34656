"""The lanes as somebody wants to see them: some folded, some left out, gaps named.

Every row of the lanes is shown, or stands behind exactly one line that is, or is
counted as left out. Lines that are no rows have keys of their own, which stay the
same while more comes in, so that a selection is never lost.
"""

from collections.abc import Collection

from sfnwatch.trace.lanes import Lanes
from sfnwatch.trace.shape_lines import IDLE, Fold, Shape, Shaped, Sort
from sfnwatch.trace.shape_sorting import homes_for
from sfnwatch.trace.shaping import Shaping
from sfnwatch.trace.values import replace

__all__ = [
    "IDLE",
    "Fold",
    "Shape",
    "Shaped",
    "Sort",
    "all_toggled",
    "shape",
    "toggled",
]


def shape(lanes: Lanes, wanted: Shape) -> Shaped:
    """Bring lanes into a shape."""
    return Shaping(wanted).shape(lanes)


def toggled(shape: Shape, key: str, closed: Collection[str] = ()) -> Shape:
    """Fold what is open, and open what is folded; `key` is a fold's.

    `closed` has the keys of what is folded now, by itself or by somebody: how it was
    toggled is remembered, whatever it would begin as when more of it has come in.
    """
    if key.rpartition("~")[2].startswith(Sort.POLLS):
        return replace(shape, opened=shape.opened ^ {key})
    if key in closed:
        return replace(shape, folded=shape.folded - {key}, opened=shape.opened | {key})
    return replace(shape, folded=shape.folded | {key}, opened=shape.opened - {key})


def all_toggled(shape: Shape, lanes: Lanes) -> Shape:
    """Open everything; or, where nothing is folded, fold every branch."""
    homes = homes_for(shape)
    homes.grow(lanes.rows, 0, lanes.nests)
    if homes.closed:
        opened = shape.opened | homes.crowd
        return replace(shape, folded=frozenset(), opened=opened)
    branches = homes.branches()
    return replace(shape, folded=branches, opened=shape.opened - branches)
