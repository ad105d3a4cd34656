"""What runs inside a state: where it stands, how it does, and in which words."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.map_runs import Counts
from sfnwatch.trace.nest_words import (
    bar_pieces,
    count_words,
    map_run_pieces,
    nest_pieces,
)
from sfnwatch.trace.nests import Nest, map_run_name, nests
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.words import plain
from tests.builders import START, event
from tests.trace.families import (
    FAMILIES,
    HOSTILE,
    LETTING_GO,
    Both,
    Maps,
    Starts,
    child_of_run,
    counted,
    execution,
    history,
    listing,
    photos,
    run_arn,
    three_levels,
)


def nests_of(*records: Received) -> dict[str, Nest]:
    return dict(nests(extend(Trace(), records)))


def words_of(nest: Nest) -> str:
    return plain(nest_pieces(nest))


# -- laws --------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(FAMILIES)
def test_every_child_and_map_run_is_a_nest_inside_what_began_it(
    records: list[Received],
) -> None:
    trace = extend(Trace(), records)
    found = nests(trace)
    assert set(found) == trace.children.keys() | trace.family.map_runs.keys()
    before: set[str] = set()
    for arn, nest in found.items():
        assert nest.arn == arn
        assert nest.root in trace.timelines
        assert nest.level >= 1
        around, visit_id = nest.parent
        if around in found:
            assert around in before, "what is around others comes first"
            assert found[around].level == nest.level - 1
            assert found[around].root == nest.root
            assert nest.depth > found[around].depth
        else:
            assert around == nest.root
            assert nest.level == 1
        if visit_id:
            assert visit_id in trace.histories[_execution(around, found)].visits.by_id
        before.add(arn)


def _execution(arn: str, found: Mapping[str, Nest]) -> str:
    nest = found.get(arn)
    return nest.parent[0] if nest is not None and nest.is_map_run else arn


@settings(deadline=None, max_examples=60)
@given(FAMILIES)
def test_no_words_of_a_nest_have_what_a_terminal_would_obey(
    records: list[Received],
) -> None:
    for nest in nests_of(*records).values():
        told = words_of(nest) + plain(map_run_pieces(nest))
        assert told.isprintable()


COUNTS = st.builds(Counts, *[st.integers(0, 20_000)] * 7)


@given(COUNTS, st.integers(3, 40))
def test_a_bar_shows_everything_that_there_is_and_never_overflows(
    counts: Counts, cells: int
) -> None:
    text = plain(bar_pieces(counts, cells))
    everything = (counts.bad, counts.succeeded, counts.running)
    if counts.total or any((*everything, counts.pending)):
        assert len(text) == cells
        for count, glyph in zip(everything, "▓█▒", strict=True):
            assert (glyph in text) == bool(count)
    else:
        assert text == ""


# -- by hand -----------------------------------------------------------------------


def test_each_level_is_inside_the_one_before() -> None:
    child, grandchild = nests_of(*three_levels()).values()
    assert (child.arn, child.level, child.depth) == (execution(1), 1, 1)
    assert (grandchild.arn, grandchild.level) == (execution(2), 2)
    assert grandchild.depth > child.depth
    assert grandchild.parent[0] == execution(1)
    assert grandchild.root == child.root == execution(0)
    assert (child.status, child.machine) == ("SUCCEEDED", "photos1")


def test_a_map_run_is_between_its_state_and_its_executions() -> None:
    found = nests_of(*photos())
    run = found[run_arn(0)]
    assert run.is_map_run
    assert (run.children, run.status) == (2, "SUCCEEDED")
    assert run.name == "Each 276e5993"
    for number in range(2):
        child = found[child_of_run(0, number)]
        assert child.parent == (run_arn(0), 0)
        assert child.level == run.level + 1


def test_a_map_run_that_nothing_tells_of_says_so() -> None:
    (run,) = nests_of(*history(execution(0), Maps((run_arn(0),)), None)).values()
    assert run.map_run is None
    assert run.status == "SUCCEEDED", "the history tells how it ended"
    assert plain(map_run_pieces(run)) == "its executions are not in these records"
    (goes_on,) = nests_of(
        *history(execution(0), Maps((run_arn(0),)), ended=False)
    ).values()
    assert goes_on.running


@pytest.mark.parametrize(
    ("ended", "told", "status"),
    [
        (False, "RUNNING", "RUNNING"),
        (False, "FAILED", "FAILED"),
        (True, "RUNNING", "SUCCEEDED"),
        (True, "SUCCEEDED", "SUCCEEDED"),
    ],
)
def test_whichever_says_that_a_map_run_is_over_is_believed(
    ended: bool,  # noqa: FBT001
    told: str,
    status: str,
) -> None:
    records = history(execution(0), Maps((run_arn(0),)), ended=ended)
    (run,) = nests_of(*records, counted(run_arn(0), status=told)).values()
    assert run.status == status


def test_a_map_run_that_was_redriven_goes_on_whatever_was_told_before() -> None:
    run = run_arn(0)
    records = history(execution(0), Maps((run,)), ended=False)
    number = len(records)
    records += [
        event(number + 1, "MapRunFailed", 20, arn=execution(0), error="E"),
        event(number + 2, "ExecutionFailed", 20, arn=execution(0), error="E"),
        event(number + 3, "ExecutionRedriven", 90, arn=execution(0)),
        event(
            number + 4,
            "MapRunRedriven",
            90,
            arn=execution(0),
            previous=number + 1,
            mapRunArn=run,
        ),
    ]
    failed = counted(run, at=21, status="FAILED", failed=1)
    (nest,) = nests_of(*records[:-2], failed).values()
    assert nest.status == "FAILED"
    (nest,) = nests_of(*records, failed).values()
    assert (nest.status, nest.stopped_at) == ("RUNNING", None)
    again = counted(run, at=100, status="SUCCEEDED", succeeded=1)
    (nest,) = nests_of(*records, failed, again).values()
    assert nest.status == "SUCCEEDED"


def test_runs_of_a_state_that_was_tried_again_have_each_their_own_end() -> None:
    first, second = run_arn(0), run_arn(1)
    records = history(execution(0), Maps((first, second)), ended=False)
    found = nests_of(*records)
    assert found[first].status == "FAILED", "its MapRunFailed came before the next"
    assert found[second].status == "RUNNING"
    assert found[first].stopped_at is not None


def test_a_child_of_which_only_a_list_tells_has_its_status() -> None:
    from tests.trace.families import defined

    child, run = child_of_run(0, 0), run_arn(0)
    records = history(execution(0), Maps((run,)), ended=False)
    listed = listing(run, (child, "FAILED"))
    nest = nests_of(*records, listed, defined(child))[child]
    assert nest.status == "FAILED"


def test_a_nest_says_what_it_is_and_how_it_stands() -> None:
    child, _ = nests_of(*three_levels()).values()
    assert words_of(child).startswith("photos1 › job1  ✔ succeeded ")
    let_go = [
        *history(execution(0), Starts(execution(1), LETTING_GO)),
        *history(execution(1), None, begin=1, ended=False),
    ]
    (child,) = nests_of(*let_go).values()
    assert words_of(child) == "photos1 › job1  ● running  not waited for"


def test_a_map_run_says_what_failed_first() -> None:
    run = nests_of(*photos(40, failing=3))[run_arn(0)]
    assert plain(map_run_pieces(run)) == "✘ 3 failed  40 of 40 ▓█████████"
    assert words_of(run).startswith("Map Run Each 276e5993  ✔ succeeded")
    busy = [
        *history(execution(0), Maps((run_arn(0),)), ended=False),
        counted(run_arn(0), succeeded=1000, running=40, pending=960),
    ]
    (run,) = nests_of(*busy).values()
    told = plain(map_run_pieces(run))
    assert told == "1,000 of 2,000 █████▒░░░░  ● 40 running  960 pending"


def test_counts_are_told_in_words() -> None:
    counts = Counts(2, 8, 27, 1, 1, 1, 40)
    assert count_words(counts) == (
        "30 of 40 executions done, 1 failed, 1 timed out, 1 aborted, 8 running,"
        " 2 pending"
    )


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (run_arn(0), "Each 276e5993"),
        (run_arn(0).replace("Each:", ""), "276e5993"),
        ("no ARN", "no ARN"),
        ("", ""),
    ],
)
def test_a_map_run_is_named_by_its_label_and_its_id(arn: str, name: str) -> None:
    assert map_run_name(arn).startswith(name)


def test_hostile_names_are_cleaned() -> None:
    records = history(execution(0), Maps((HOSTILE,)), ended=False)
    (run,) = nests_of(*records).values()
    assert "\x1b" not in words_of(run)
    assert "\u202e" not in words_of(run)


def test_a_state_in_a_branch_has_its_nest_deeper() -> None:
    flat = nests_of(
        *history(execution(0), Starts(execution(1))),
        *history(execution(1), None, begin=1),
    )[execution(1)]
    deep = nests_of(
        *history(execution(0), Both((Starts(execution(1)),))),
        *history(execution(1), None, begin=1),
    )[execution(1)]
    assert deep.depth == flat.depth + 1
    assert deep.started_at == START + timedelta(seconds=1.1)
