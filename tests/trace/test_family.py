"""Who began whom: told from any order of records, and never in a circle."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.json import trace_json
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import START, event
from tests.trace.families import (
    FAMILIES,
    HOSTILE,
    LETTING_GO,
    Both,
    Maps,
    Starts,
    arns_of,
    child_of_run,
    counted,
    described,
    execution,
    history,
    listing,
    photos,
    run_arn,
    three_levels,
)


def trace_of(*records: Received) -> Trace:
    return extend(Trace(), records)


def in_batches(records: list[Received], dice: random.Random) -> Trace:
    trace = Trace()
    while records:
        size = dice.randint(1, len(records))
        trace = extend(trace, records[:size])
        records = records[size:]
    return trace


# -- laws --------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(FAMILIES, st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_the_same_trace(
    records: list[Received], dice: random.Random
) -> None:
    plain = trace_json(trace_of(*records))
    again = [*records, *dice.sample(records, dice.randint(0, len(records)))]
    dice.shuffle(again)
    assert trace_json(in_batches(again, dice)) == plain


@settings(deadline=None, max_examples=60)
@given(FAMILIES)
def test_roots_and_children_part_all_executions(records: list[Received]) -> None:
    trace = trace_of(*records)
    assert set(trace.histories) == set(arns_of(records))
    assert not trace.timelines.keys() & trace.children.keys()
    assert {**trace.timelines, **trace.children} == trace.histories
    assert trace.timelines, "there is always one that nothing began"


@settings(deadline=None, max_examples=60)
@given(FAMILIES)
def test_climbing_comes_to_a_root_in_as_many_steps_as_the_level_says(
    records: list[Received],
) -> None:
    trace = trace_of(*records)
    for arn in trace.histories:
        at = arn
        for _ in range(trace.family.level(arn)):
            at = trace.family.parents[at].execution_arn
        assert at == trace.family.root_of(arn)
        assert at in trace.timelines


# -- by hand -----------------------------------------------------------------------


def test_a_nested_execution_belongs_to_the_try_that_started_it() -> None:
    trace = trace_of(*three_levels())
    assert list(trace.timelines) == [execution(0)]
    assert list(trace.children) == [execution(1), execution(2)]
    begun = trace.family.parents[execution(1)]
    visit = trace.histories[execution(0)].visits.by_id[begun.visit_id]
    assert (visit.name, begun.attempt_id, begun.waits) == ("S1", 5, True)
    assert begun.map_run_arn is None
    assert trace.family.level(execution(2)) == 2
    assert trace.family.root_of(execution(2)) == execution(0)


def test_what_was_not_waited_for_is_a_child_all_the_same() -> None:
    records = [
        *history(execution(0), Starts(execution(1), LETTING_GO)),
        *history(execution(1), None),
    ]
    begun = trace_of(*records).family.parents[execution(1)]
    assert not begun.waits


@pytest.mark.parametrize("how", ["list", "description"])
def test_an_execution_says_or_is_said_to_be_of_a_map_run(how: str) -> None:
    child = child_of_run(0, 0)
    told = {
        "list": listing(run_arn(0), (child, "RUNNING")),
        "description": described(child, run_arn(0)),
    }
    records = [
        *history(execution(0), None, Maps((run_arn(0),))),
        *history(child, None),
    ]
    assert trace_of(*records).timelines.keys() == {execution(0), child}
    trace = trace_of(*records, told[how])
    begun = trace.family.parents[child]
    assert begun.map_run_arn == run_arn(0)
    assert begun.attempt_id is None
    visit = trace.histories[execution(0)].visits.by_id[begun.visit_id]
    assert (visit.name, visit.type) == ("S1", "Map")


def test_a_child_whose_parent_is_not_there_stands_for_itself() -> None:
    child = child_of_run(0, 0)
    trace = trace_of(
        *history(child, None),
        described(child, run_arn(0)),
        listing(run_arn(0), (child, "RUNNING")),
        counted(run_arn(0), running=1),
    )
    assert list(trace.timelines) == [child]
    assert not trace.family.parents


def test_nothing_is_made_of_a_child_that_is_only_listed_or_only_named() -> None:
    trace = trace_of(
        *history(execution(0), Starts(execution(1)), Maps((run_arn(0),))),
        listing(run_arn(0), (child_of_run(0, 0), "FAILED")),
    )
    assert list(trace.histories) == [execution(0)]
    assert list(trace.listed) == [child_of_run(0, 0)]


def test_no_execution_is_its_own_parent() -> None:
    trace = trace_of(*history(execution(0), Starts(execution(0))))
    assert list(trace.timelines) == [execution(0)]
    assert not trace.children


def test_of_a_circle_the_first_to_start_stands_for_itself() -> None:
    records = [
        *history(execution(2), Starts(execution(0)), begin=2),
        *history(execution(0), Starts(execution(1)), begin=0),
        *history(execution(1), Starts(execution(2)), begin=1),
    ]
    trace = trace_of(*records)
    assert list(trace.timelines) == [execution(0)]
    assert trace.family.root_of(execution(2)) == execution(0)
    assert trace.family.level(execution(2)) == 2


def test_of_two_that_claim_one_child_the_first_to_start_has_it() -> None:
    one = history(execution(0), Starts(execution(2)), begin=0)
    other = history(execution(1), Starts(execution(2)), begin=5)
    own = history(execution(2), None, begin=6)
    for records in ([*one, *other, *own], [*own, *other, *one]):
        trace = trace_of(*records)
        assert trace.family.parents[execution(2)].execution_arn == execution(0)
        assert set(trace.timelines) == {execution(0), execution(1)}


def test_a_map_state_that_is_tried_again_has_a_run_for_each_try() -> None:
    first, second = run_arn(0), run_arn(1)
    one, other = child_of_run(0, 0), child_of_run(1, 0)
    trace = trace_of(
        *history(execution(0), Maps((first, second))),
        *history(one, None),
        *history(other, None),
        listing(first, (one, "FAILED")),
        listing(second, (other, "SUCCEEDED")),
    )
    parents = trace.family.parents
    assert (parents[one].map_run_arn, parents[other].map_run_arn) == (first, second)
    assert parents[one].visit_id == parents[other].visit_id
    assert list(trace.histories[execution(0)].began_map_runs) == [first, second]


def test_states_in_branches_have_their_own_children() -> None:
    trace = trace_of(
        *history(execution(0), Both((Starts(execution(1)), Starts(execution(2))))),
        *history(execution(1), None, begin=1),
        *history(execution(2), None, begin=2),
    )
    parents = trace.family.parents
    names = {
        arn: trace.histories[execution(0)].visits.by_id[begun.visit_id].path
        for arn, begun in parents.items()
    }
    assert names == {
        execution(1): "Main / S0[0] / S0-0",
        execution(2): "Main / S0[1] / S0-1",
    }


def test_what_is_no_arn_begins_nothing() -> None:
    trace = trace_of(
        *history(execution(0), Starts("no ARN"), Starts(HOSTILE), Maps((HOSTILE,))),
        *history(execution(1), None),
    )
    assert set(trace.timelines) == {execution(0), execution(1)}
    assert HOSTILE in trace.family.map_runs, "what a history calls a Map Run is one"


def test_the_last_word_of_a_list_and_of_counts_is_kept() -> None:
    run, child = run_arn(0), child_of_run(0, 0)
    early, late = (
        listing(run, (child, "RUNNING")),
        listing(run, (child, "FAILED"), at=70),
    )
    first, last = (
        counted(run, running=1),
        counted(run, at=70, failed=1, status="FAILED"),
    )
    for records in ([early, late, first, last], [last, late, first, early]):
        trace = trace_of(*records)
        assert trace.listed[child].failed
        assert trace.map_runs[run].status == "FAILED"
        assert trace.map_runs[run].executions.bad == 1


def test_without_times_the_one_that_knows_of_the_end_is_the_last() -> None:
    run, child = run_arn(0), child_of_run(0, 0)
    for status in ("SUCCEEDED", "FAILED", "ABORTED"):
        records = [
            replace(record, at=None)
            for record in (
                listing(run, (child, "RUNNING")),
                listing(run, (child, status)),
                counted(run, running=1),
                counted(run, status=status),
            )
        ]
        for order in (records, records[::-1]):
            trace = trace_of(*order)
            assert trace.listed[child].listed.status == status
            assert trace.map_runs[run].status == status
    again = counted(run, running=1)
    redriven = replace(again, at=None, data={**again.data, "redriveCount": 1})
    assert trace_of(*records, redriven).map_runs[run].status == "RUNNING"


def test_the_failures_of_a_list_come_first_then_what_runs() -> None:
    run = run_arn(0)
    statuses = ["SUCCEEDED", "RUNNING", "TIMED_OUT", "FAILED", "RUNNING", "ABORTED"]
    told = [(child_of_run(0, n), status) for n, status in enumerate(statuses)]
    listed = trace_of(listing(run, *told)).listed_of[run]
    assert [child.listed.status for child in listed] == [
        "TIMED_OUT",
        "FAILED",
        "ABORTED",
        "RUNNING",
        "RUNNING",
        "SUCCEEDED",
    ]


@pytest.mark.parametrize(
    ("source", "data"),
    [
        (From.MAP_RUN, {}),
        (From.MAP_RUN, {"mapRunArn": 7}),
        (From.CHILDREN, {}),
        (From.CHILDREN, {"executions": "none"}),
    ],
)
def test_what_can_not_be_read_is_kept_as_unread(source: From, data: Any) -> None:
    trace = trace_of(Received(START, source, execution(0), data))
    assert len(trace.unread) == 1
    assert not trace.histories


@pytest.mark.parametrize(
    "counts",
    [None, [], {"failed": -3, "total": True}, {"failed": "3"}, {"failed": 2.5}],
)
def test_counts_that_are_none_count_nothing(counts: Any) -> None:
    record = counted(run_arn(0))
    record = Received(
        record.at,
        record.source,
        record.execution_arn,
        {**record.data, "executionCounts": counts, "itemCounts": counts},
    )
    told = trace_of(record).map_runs[run_arn(0)]
    assert (told.executions.done, told.executions.total, told.items.bad) == (0, 0, 0)


def test_items_of_a_list_that_name_no_execution_or_no_map_run_are_left_out() -> None:
    page = listing(run_arn(0), (child_of_run(0, 0), "RUNNING"))
    good = page.data["executions"][0]
    odd = [None, 7, {}, {**good, "mapRunArn": None}, {**good, "executionArn": 7}, good]
    record = Received(page.at, page.source, None, {"executions": odd})
    assert list(trace_of(record).listed) == [child_of_run(0, 0)]


def test_a_redriven_map_run_is_the_same_one() -> None:
    records = photos()
    parent = [r for r in records if r.execution_arn == execution(0)]
    number = sum(r.source == From.HISTORY for r in parent)
    records += [
        event(number + 1, "ExecutionRedriven", 90, arn=execution(0), redriveCount=1),
        event(
            number + 2,
            "MapRunRedriven",
            90,
            arn=execution(0),
            mapRunArn=run_arn(0),
            redriveCount=1,
        ),
    ]
    trace = trace_of(*records)
    assert list(trace.family.map_runs) == [run_arn(0)]
    assert len(trace.children) == 2


def test_of_several_map_runs_it_does_not_matter_which_was_told_of_first() -> None:
    parent, runs = execution(0), (run_arn(0), run_arn(2))
    known = history(parent, Maps(runs=runs))
    told = [counted(run, parent=parent, running=2) for run in runs]
    forth, back = trace_of(*known, *told), trace_of(*known, *reversed(told))
    assert trace_json(forth)["findings"] == trace_json(back)["findings"]
    assert list(forth.map_runs) == list(back.map_runs)
