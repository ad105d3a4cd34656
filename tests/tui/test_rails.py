from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.lanes import Row, build_lanes
from sfnwatch.trace.shape import Fold, Shape, Sort, all_toggled, shape, toggled
from sfnwatch.trace.shape_homes import visit_key
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import plain, row_pieces
from sfnwatch.tui.rails import COLUMNS, Rails, between, onward
from sfnwatch.tui.rails import rails_of as several_rails
from tests.builders import ARN, call, event, sync_history, sync_run
from tests.trace.families import (
    FAMILIES,
    Maps,
    Starts,
    child_of_run,
    counted,
    execution,
    history,
    listing,
    run_arn,
)
from tests.tui.runs import branching_run, wide_map


def rails_of(records: list[Received]) -> list[tuple[str, Row]]:
    rows = build_lanes(extend(Trace(), records)).rows
    return [
        (text(rails), row) for rails, row in zip(several_rails(rows), rows, strict=True)
    ]


def text(rails: Rails) -> str:
    return f"{rails.before}{rails.own} {rails.after}".rstrip()


def rail_at(records: list[Received], words: str) -> str:
    return next(
        rails for rails, row in rails_of(records) if words in plain(row_pieces(row))
    )


def test_a_state_has_a_rail_from_entered_to_exited() -> None:
    drawn = [rails for rails, _ in rails_of(sync_run())]
    assert drawn == ["", "┌", *["│"] * 9, "└", ""]


def test_a_rail_is_heavy_while_its_state_runs() -> None:
    drawn = [rails for rails, _ in rails_of(sync_run()[:5])]
    assert drawn == ["", "┏", "┃"]


def test_branches_have_rails_beside_each_other() -> None:
    records = branching_run()
    assert rail_at(records, "Thumbnails") == "│ ┌"
    assert rail_at(records, "Index") == "│ │ ┌"
    assert rail_at(records, "exited  2.00 s") == "│ │ └"


def test_the_row_of_one_of_several_states_is_marked_on_its_rail() -> None:
    assert rail_at(branching_run(), "submitted") == "│ ├ │"


def test_a_state_that_was_passed_at_once_needs_no_rail() -> None:
    assert rail_at(branching_run(), "Big?") == "●"


def test_a_free_column_is_used_again() -> None:
    assert rail_at(branching_run(), "Each order") == "┏"


def test_states_beyond_the_columns_share_one_rail() -> None:
    made = call("AssumeRole", 9, key="role", source="sts.amazonaws.com")
    drawn = [rails for rails, _ in rails_of([*wide_map(40), made])]
    assert max(len(rails) for rails in drawn) <= 2 * COLUMNS + 2
    assert drawn[-1] == "┃ " * COLUMNS + "┆"
    assert drawn[-2] == "┃ " * COLUMNS + "┏"
    assert drawn[-3] == "┃ " * COLUMNS + "▾"


def test_a_branch_has_its_mark_where_its_states_have_theirs() -> None:
    lanes = build_lanes(extend(Trace(), branching_run()))
    for wanted, mark in ((Shape(), "▾"), (all_toggled(Shape(), lanes), "▸")):
        rows = shape(lanes, wanted).rows
        marks = [
            text(rails)
            for row, rails in zip(rows, several_rails(rows), strict=True)
            if isinstance(row, Fold) and row.sort is Sort.BRANCH
        ]
        assert marks[0] == f"│ {mark}"


def test_a_folded_state_is_a_mark_and_runs_on_while_it_runs() -> None:
    lanes = build_lanes(extend(Trace(), branching_run()))
    folded = frozenset(visit_key(ARN, number) for number in (4, 22))
    rows = shape(lanes, Shape(folded=folded)).rows
    drawn = [text(rails) for rails in several_rails(rows)]
    places = [n for n, row in enumerate(rows) if row.key in folded]
    assert [drawn[place] for place in places] == ["▸", "▸"]
    assert drawn[places[0] + 1] == ""
    late = call("AssumeRole", 99, key="late", source="sts.amazonaws.com")
    lanes = build_lanes(extend(Trace(), [*branching_run(), late]))
    rows = shape(lanes, Shape(folded=folded)).rows
    assert text(list(several_rails(rows))[-1]) == "┃"


def test_a_failure_nothing_caught_ends_the_rails_of_all_states_around_it() -> None:
    records = [
        event(1, "ExecutionStarted", 0),
        event(2, "ParallelStateEntered", 0.1, name="Outer"),
        event(3, "ParallelStateStarted", 0.1),
        event(4, "TaskStateEntered", 0.2, name="Inner"),
        event(5, "TaskScheduled", 0.2, resourceType="ecs", resource="runTask"),
        event(6, "TaskFailed", 0.5, error="States.TaskFailed"),
        event(7, "ExecutionFailed", 0.6, error="States.TaskFailed"),
    ]
    drawn = [rails for rails, _ in rails_of(records)]
    assert drawn[-2] == "╵ └"
    assert drawn[-1] == ""


def test_the_rails_of_several_executions_are_not_mixed_up() -> None:
    other = sync_history(ARN.replace("run-7f3a", "run-2"))
    rows = build_lanes(extend(Trace(), [*sync_history(), *other])).rows
    drawn = list(several_rails(rows))
    for arn in {row.execution_arn for row in rows}:
        own = [row for row in rows if row.execution_arn == arn]
        here = [rails for rails, row in zip(drawn, rows, strict=True) if row in own]
        assert here == list(several_rails(own))


def test_what_runs_goes_on_below_the_last_row() -> None:
    assert onward(Rails("│ ", "┏")).before == "  ┃ "
    assert onward(Rails("┃ ", "└")).before.rstrip() == "┃"


def test_what_is_put_between_two_rows_cuts_no_rail() -> None:
    rows = build_lanes(extend(Trace(), branching_run())).rows
    rails = list(several_rails(rows))
    cases = {
        (text(above), text(below)): between(above, below).before.rstrip()
        for above, below in pairwise(rails)
    }
    assert cases["│ ┌", "│ ├"] == "│ │"
    assert cases["│ │ ├", "│ ├ │"] == "│ │ │"
    assert cases["│ │ └", "│ │"] == "│ │"
    assert cases["│ └", "└"] == "│"
    assert cases["└", "┏"] == ""
    assert cases["┏", "┃ ▾"] == "┃"


# -- what states began -------------------------------------------------------------


def whole(rails: Rails) -> str:
    return f"{rails.before}{rails.own} {rails.after}" if rails.own else rails.before


def broken(drawn: Sequence[Rails]) -> list[str]:
    """Find where a rail comes from nowhere, or leads to nowhere.

    What many share is a dotted rail, which begins and ends as it likes.
    """
    found: list[str] = []
    for above, below in pairwise(whole(rails).ljust(99) for rails in drawn):
        for upper, lower in zip(above[: 2 * COLUMNS], below, strict=False):
            if "┆" in {upper, lower}:
                continue
            if lower in "│├└╵┃┣" and upper not in "│┌├┃┏┣▸":
                found.append(f"{above.rstrip()} → {below.rstrip()}")
            if upper in "│┌├┃┏┣" and lower not in "│├└╵┃┣":
                found.append(f"{above.rstrip()} → {below.rstrip()}")
    return found


@st.composite
def nested_rows(draw: st.DrawFn) -> Sequence[Row | Fold]:
    """Draw rows of one execution with what it began, some of it folded."""
    lanes = build_lanes(extend(Trace(), draw(FAMILIES)))
    wanted = Shape()
    for _ in range(draw(st.integers(0, 6))):
        shaped = shape(lanes, wanted)
        keys = [key for key in dict.fromkeys(shaped.around.values()) if key]
        if keys:
            wanted = toggled(wanted, draw(st.sampled_from(keys)), shaped.closed)
    root = draw(st.sampled_from([head.execution_arn for head in lanes.heads]))
    return [row for row in shape(lanes, wanted).rows if row.root_arn == root]


@settings(deadline=None)
@given(nested_rows())
def test_no_rail_comes_from_nowhere_or_leads_to_nowhere(
    rows: Sequence[Row | Fold],
) -> None:
    drawn = list(several_rails(rows))
    assert len(drawn) == len(rows)
    assert broken(drawn) == []
    assert all(len(whole(rails)) <= 2 * COLUMNS + 4 for rails in drawn)


def shown(records: list[Received], *, opened: bool = True) -> list[str]:
    lanes = build_lanes(extend(Trace(), records))
    wanted = all_toggled(Shape(), lanes) if opened else Shape()
    rows = shape(lanes, replace(wanted, gaps=False)).rows
    return [text(rails) for rails in several_rails(rows)]


def test_a_nested_execution_has_a_rail_beside_its_state_s() -> None:
    records = [
        *history(execution(0), Starts(execution(1)), ended=False),
        *history(execution(1), None, begin=0.45),
    ]
    assert shown(records) == ["", "┏", "┃", "┃", "┃ ┌", "┃ │ ●", "┃ └"]
    assert shown(records, opened=False) == ["", "┏", "┃", "┃", "┃ ▸"]


def test_what_runs_inside_a_map_run_has_its_rail_inside_the_map_run_s() -> None:
    records = [
        *history(execution(0), Maps((run_arn(0),)), ended=False),
        counted(run_arn(0), running=1),
        listing(run_arn(0), (child_of_run(0, 0), "RUNNING")),
        *history(child_of_run(0, 0), None, begin=1, ended=False),
    ]
    assert shown(records) == ["", "┏", "┃ ┏", "┃ ┃ ┏", "┃ ┃ ┃ ┏"]
    late = [*records, call("AssumeRole", 99, key="late", source="sts.amazonaws.com")]
    assert shown(late, opened=False) == ["", "┏", "┃ ▸", "┃ ┃"]
