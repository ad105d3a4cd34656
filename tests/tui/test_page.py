"""What a page knows of the rows on its lines."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.aligned import aligned
from sfnwatch.trace.shape import Shape
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.arrange import Plan
from sfnwatch.tui.page import make_page
from tests.trace.machines import Run
from tests.tui.growths import MACHINES, calls_of, history_of


@settings(deadline=None)
@given(MACHINES, st.integers(0, 2**32), st.sampled_from([0.1, 1.0, 40.0]))
def test_the_row_of_a_line_is_found_whole_among_the_lanes(
    machine: object, seed: int, pace: float
) -> None:
    dice = random.Random(seed)  # noqa: S311
    run = Run(machine, dice.randrange(2**16), 0.2, alike=False)  # type: ignore[arg-type]
    told = [*history_of(run, pace), *calls_of(run, pace, 40, dice)]
    trace = extend(Trace(), told)
    page = make_page(trace, shape=Shape(polls_folded=False), plan=Plan(), ended=False)
    for line in page.layout.lines:
        for row in line.rows:
            assert page.whole(row) is page.row(row.key)
    for moved in aligned(page.lanes).rows:
        assert page.whole(moved) is page.row(moved.key)
