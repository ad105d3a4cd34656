"""What two executions have in common, what differs, and where they part."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.compare import compare, compare_apart
from sfnwatch.trace.compare_points import (
    GapKind,
    Sort,
    Which,
)
from sfnwatch.trace.compare_values import (
    Change,
)
from sfnwatch.trace.spans import Part
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import (
    ARN,
    START,
    TASK_ARN,
    call,
    definition,
    event,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.trace.comparing import A, B, Story, comparison, trace_of

ECS: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}


def sync_trace(*, denied: bool = False) -> Trace:
    return extend(Trace(), sync_run(denied=denied))


# -- the same --------------------------------------------------------------------------


def test_times_alone_make_no_difference() -> None:
    found = comparison(
        Story(A).passes("x", "y", seconds=1).ends(),
        Story(B).passes("x", "y", seconds=90).ends(),
    )
    assert found.differences == ()
    assert found.first is None
    assert found.differing == frozenset()
    assert found.seconds == Change(2.0, 180.0)
    assert found.seconds.difference == 178.0
    assert found.seconds.ratio == 90.0
    assert found.slower is not None
    assert found.slower.path == "Main / x"
    assert found.faster is None


def test_an_execution_is_the_same_as_itself() -> None:
    trace = sync_trace()
    found = compare(trace, ARN, ARN)
    assert found.differences == ()
    assert found.gaps[0].kind is GapKind.SAME_EXECUTION
    assert all(pair.seconds.difference == 0 for pair in found.pairs)
    assert (found.slower, found.faster) == (None, None)


def test_an_execution_that_is_not_in_the_trace_is_an_error() -> None:
    with pytest.raises(KeyError):
        compare(sync_trace(), ARN, "arn:none")


def test_two_recordings_of_one_arn_are_compared_apart() -> None:
    found = compare_apart(sync_trace(), ARN, sync_trace(denied=True), ARN)
    assert [d.sort for d in found.differences] == [Sort.DENIED]
    assert all(gap.kind is not GapKind.SAME_EXECUTION for gap in found.gaps)


def test_polls_that_were_denied_are_the_only_difference() -> None:
    found = compare_apart(sync_trace(), ARN, sync_trace(denied=True), ARN)
    (tried,) = found.pairs[0].tries
    run, polls = tried.calls
    assert (run.name, polls.name) == ("RunTask", "DescribeTasks")
    assert polls.a is not None
    assert polls.b is not None
    assert (polls.a.count, polls.a.failed, polls.b.count, polls.b.failed) == (
        5,
        0,
        5,
        5,
    )
    assert polls.b.errors == (("AccessDenied", 5),)
    assert polls.a.interval == pytest.approx(59.5)
    assert (polls.a.shortest, polls.a.longest) == (55, 63)
    assert tried.noticed_a is not None
    assert found.calls_compared
    assert found.a.failed_calls == 0
    assert found.b.failed_calls == 5
    assert found.a.latency == pytest.approx(153.0, abs=60)


def test_a_poll_less_is_a_matter_of_time() -> None:
    shorter = [*sync_history(), *sync_calls()[:3]]
    found = compare_apart(sync_trace(), ARN, extend(Trace(), shorter), ARN)
    assert found.differences == ()


# -- what is different -----------------------------------------------------------------


def test_another_next_state_is_where_they_part() -> None:
    found = comparison(
        Story(A).passes("Big?", "Prepare", "Ship").ends(),
        Story(B).passes("Big?", "Ship").ends(),
    )
    first = found.first
    assert first is not None
    assert (first.sort, first.place, first.a, first.b) == (
        Sort.NEXT_STATE,
        0,
        "Prepare",
        "Ship",
    )
    assert len(found.differences) == 1
    assert found.differing == {0, 1}


def test_another_first_state_is_told_first() -> None:
    found = comparison(
        Story(A).passes("x", "z").ends(), Story(B).passes("y", "z").ends()
    )
    assert found.first is not None
    assert (found.first.sort, found.first.a, found.first.b) == (
        Sort.FIRST_STATE,
        "x",
        "y",
    )


def test_the_first_difference_is_the_first_in_the_order_of_a() -> None:
    found = comparison(
        Story(A).passes("x").task("t", (1, None)).passes("y").ends(),
        Story(B).passes("x").task("t", (1, "E"), (1, None)).ends("ExecutionAborted"),
    )
    sorts = [difference.sort for difference in found.differences]
    assert sorts == [Sort.TRY, Sort.NEXT_STATE, Sort.STATUS]
    first = found.first
    assert first is not None
    assert (first.a, first.b, first.number) == ("succeeded", "failed", 1)


def test_what_follows_from_an_outcome_is_not_told_again() -> None:
    found = comparison(
        Story(A).task("t", (1, None)).passes("y").ends(),
        Story(B).task("t", (1, "Declined"), caught=True).passes("z").ends(),
    )
    assert [d.sort for d in found.differences] == [Sort.OUTCOME]
    assert found.first is not None
    assert (found.first.a, found.first.b) == ("succeeded", "caught")


def test_another_error_is_a_difference_though_both_failed() -> None:
    found = comparison(
        Story(A).task("t", (1, "E1")).ends("ExecutionFailed", error="E1"),
        Story(B).task("t", (1, "E2")).ends("ExecutionFailed", error="E2"),
    )
    assert [(d.sort, d.a, d.b) for d in found.differences] == [
        (Sort.ERROR, "E1", "E2"),
        (Sort.ERROR, "E1", "E2"),
    ]
    assert [d.place for d in found.differences] == [0, None]


def test_more_tries_are_a_difference() -> None:
    found = comparison(
        Story(A).task("t", (1, "E"), (1, "E")).ends("ExecutionFailed", error="E"),
        Story(B)
        .task("t", (1, "E"), (1, "E"), (1, "E"))
        .ends("ExecutionFailed", error="E"),
    )
    assert [(d.sort, d.a, d.b, d.number) for d in found.differences] == [
        (Sort.TRY, "2", "3", None)
    ]


def test_another_resource_is_a_difference_and_its_calls_are_none_more() -> None:
    found = comparison(
        Story(A).task("t", (1, None), resourceType="ecs", resource="runTask").ends(),
        Story(B)
        .task("t", (1, None), resourceType="aws-sdk:ecs", resource="runTask")
        .ends(),
    )
    assert [(d.sort, d.a, d.b) for d in found.differences] == [
        (Sort.RESOURCE, "ecs:runTask", "aws-sdk:ecs:runTask")
    ]


def test_the_same_job_by_another_name_is_a_pair() -> None:
    found = comparison(
        Story(A).task("ECS RunTask", (1, None), **ECS).ends(),
        Story(B).task("RunTask", (1, None), **ECS).ends(),
    )
    (pair,) = found.pairs
    assert pair.renamed
    assert found.differences == ()


def test_a_name_that_both_machines_have_is_never_renamed() -> None:
    found = comparison(
        Story(A).task("x", (1, None), **ECS).passes("y").ends(),
        Story(B).passes("y").task("x", (1, None), **ECS).ends(),
    )
    assert not any(pair.renamed for pair in found.pairs)
    assert sum(pair.moved for pair in found.pairs) == 1


def test_more_iterations_are_one_difference() -> None:
    found = comparison(
        Story(A).map("Each", [1, 2]).ends(), Story(B).map("Each", [1] * 9).ends()
    )
    assert [(d.sort, d.a, d.b) for d in found.differences] == [
        (Sort.ITERATIONS, "2", "9")
    ]


def test_what_was_aborted_comes_after_its_reason() -> None:
    def fan_out(arn: str, *, fails: bool) -> list[Any]:
        story = Story(arn)
        story.add("ParallelStateEntered", name="Fan", input="{}")
        started = story.add("ParallelStateStarted")
        story.at = 1
        left = story.add("PassStateEntered", previous=started, name="L", input="{}")
        right = story.add("TaskStateEntered", previous=started, name="R", input="{}")
        told = story.add("TaskScheduled", previous=right, region="r", parameters="{}")
        story.at = 3
        if fails:
            story.add("TaskFailed", previous=told, error="E", cause="c")
            story.add("ParallelStateFailed", error="E", cause="c")
            return story.ends("ExecutionFailed", error="E")
        story.add("PassStateExited", previous=left, name="L", output="{}")
        done = story.add("TaskSucceeded", previous=told, output="{}")
        story.add("TaskStateExited", previous=done, name="R", output="{}")
        story.add("ParallelStateSucceeded")
        story.add("ParallelStateExited", name="Fan", output="[]")
        return story.ends()

    found = comparison(fan_out(A, fails=False), fan_out(B, fails=True))
    names = [
        found.pairs[d.place].name if d.place is not None else "end"
        for d in found.differences
    ]
    assert names == ["R", "L", "Fan", "end"]


def test_a_call_that_only_one_side_made_is_a_difference() -> None:
    stop = call("StopTask", 200, key="stop", parameters={"task": TASK_ARN})
    records = [*sync_run(), stop]
    found = compare_apart(sync_trace(), ARN, extend(Trace(), records), ARN)
    stops = [d for d in found.differences if d.sort is Sort.CALL]
    assert [(d.a, d.call and d.call.a) for d in stops] == [("StopTask", None)]


# -- what can't be told ---------------------------------------------------------------


def gaps_of(found: Any) -> list[tuple[GapKind, Which | None]]:
    return [(gap.kind, gap.which) for gap in found.gaps]


def test_without_calls_on_one_side_none_are_compared() -> None:
    alone = extend(Trace(), sync_history())
    found = compare_apart(sync_trace(denied=True), ARN, alone, ARN)
    assert (GapKind.NO_CALLS, Which.B) in gaps_of(found)
    assert not found.calls_compared
    assert found.differences == ()


def test_calls_that_nobody_records_are_not_missed() -> None:
    found = comparison(
        Story(A).task("t", (1, None)).ends(), Story(B).task("t", (1, None)).ends()
    )
    assert all(kind is not GapKind.NO_CALLS for kind, _ in gaps_of(found))
    assert found.calls_compared


def test_what_still_runs_is_compared_as_far_as_it_has_come() -> None:
    running = Story(B).passes("x")
    running.add("WaitStateEntered", name="y")
    trace = trace_of(Story(A).passes("x", "y", "z").ends(), running.records)
    found = compare(trace, A, B, START + timedelta(seconds=61))
    assert (GapKind.RUNNING, Which.B) in gaps_of(found)
    assert [d.sort for d in found.differences] == [Sort.TYPE]
    assert found.seconds == Change(3.0, 61.0)
    assert found.pairs[1].running
    assert found.pairs[1].seconds.b == 60.0
    assert compare(trace, A, B).pairs[1].seconds.b == 0.0


def test_a_state_not_yet_reached_is_no_difference() -> None:
    running = Story(B).passes("x")
    found = comparison(Story(A).passes("x", "y").ends(), running.records)
    assert found.differences == ()


@pytest.mark.parametrize(
    "other", [[], [event(7, "PassStateEntered", 1, arn=B, name="x")]]
)
def test_a_history_that_is_not_whole_is_said_to_be_so(other: list[Any]) -> None:
    described = [definition({}, start_at="x", arn=B)]
    found = comparison(Story(A).passes("x").ends(), described, other)
    kinds = [kind for kind, which in gaps_of(found) if which is Which.B]
    assert kinds[0] is (GapKind.PARTIAL_HISTORY if other else GapKind.NO_HISTORY)


def test_calls_that_may_be_of_either_are_not_counted() -> None:
    ecs: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    found = comparison(
        Story(A).task("t", (9, None), **ecs).ends(),
        Story(B).task("t", (9, None), **ecs).ends(),
        [call("RunTask", 1, key="one"), call("RunTask", 1, key="two")],
    )
    shared = [(g.which, g.count) for g in found.gaps if g.kind is GapKind.SHARED_CALLS]
    assert found.a.call_count == found.b.call_count == 0
    assert shared == [(Which.A, 2), (Which.B, 2)]
    assert not found.calls_compared


# -- definitions and figures -----------------------------------------------------------


def test_the_states_that_definitions_differ_in_are_named() -> None:
    inner = {"StartAt": "in", "States": {"in": {"Type": "Pass", "Result": 1}}}
    other = {"StartAt": "in", "States": {"in": {"Type": "Pass", "Result": 2}}}
    found = comparison(
        Story(A).passes("x").ends(),
        Story(B).passes("x").ends(),
        [
            definition(
                {"x": {"Type": "Pass"}, "m": {"Type": "Map", "ItemProcessor": inner}},
                start_at="x",
                arn=A,
            ),
            definition(
                {"m": {"Type": "Map", "ItemProcessor": other}, "y": {"Type": "Pass"}},
                start_at="m",
                arn=B,
            ),
        ],
    )
    told = found.definitions
    assert told is not None
    assert (told.only_a, told.only_b) == (("x",), ("y",))
    assert told.changed == (("in", ("Result",)),)
    assert told.outside
    assert not told.same


def test_iterations_are_told_by_their_middle_and_their_ends() -> None:
    found = comparison(
        Story(A).map("Each", [1, 2, 9]).ends(), Story(B).map("Each", [1, 30, 3]).ends()
    )
    group = found.groups[0]
    assert group.a is not None
    assert (group.a.count, group.a.median, group.a.least, group.a.most_index) == (
        3,
        2.0,
        1.0,
        2,
    )
    assert group.slower is not None
    assert (group.slower.index, group.slower.seconds) == (1, Change(2.0, 30.0))
    assert group.faster is not None
    assert group.faster.index == 2
    assert group.both == 3
    assert group.statuses_b == {"succeeded": 3}
    assert [(i.start, i.stop) for i in group.iterations] == [(1, 2), (2, 3), (3, 4)]
    assert found.pairs[0].stop == 4


def test_parts_are_summed_up_without_what_is_around() -> None:
    found = compare(sync_trace(), ARN, ARN)
    assert Part.AROUND not in found.parts
    assert sum(c.a or 0 for c in found.parts.values()) == pytest.approx(308.99)


@settings(max_examples=50, deadline=None)
@given(st.permutations(Story(A).passes("x").task("t", (1, "E"), (2, None)).ends()))
def test_the_order_in_which_records_came_is_of_no_account(records: list[Any]) -> None:
    other = Story(B).passes("x", "y").ends()
    ordered = sorted(records, key=lambda r: r.data["id"])
    assert comparison(records, other) == comparison(other, ordered)


@pytest.mark.parametrize(
    ("a", "b", "near"),
    [
        (1.0, 1.1, True),
        (0.5, 0.8, False),
        (3, 3.5, True),
        (100, 101.5, True),
        (1, 2, False),
        (None, 1, False),
    ],
)
def test_lengths_that_a_person_would_call_the_same(
    a: float | None, b: float, *, near: bool
) -> None:
    assert Change(a, b).near is near


def test_no_ratio_of_nothing() -> None:
    assert Change(0.0, 1.0).ratio is None
    assert Change(None, 1.0).difference is None
