"""What two executions have in common, what differs, and where first."""

import gzip
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.next.analysis.compare import Comparison, compare, comparison_json
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.model.moment import Moment
from sfnwatch.next.model.records import Received, receive
from sfnwatch.next.model.trace import Trace
from tests.golden.inputs import FIXTURES, RECORDINGS, SUFFIX
from tests.next.builders import (
    ARN,
    LAMBDA,
    OTHER_ARN,
    REQUEST_RESPONSE,
    SDK,
    SYNC,
    TASK_ARN,
    History,
    at,
    call,
    definition,
    describe,
    redriven_run,
    sync_calls,
    sync_history,
    sync_run,
)

Steps = Callable[[History], Any]
BAD = ("Failed", "Failed")


def moment_of(*records: Iterable[Received]) -> Moment:
    trace = Trace()
    trace.add([record for some in records for record in some])
    return trace.as_of()


def story(arn: str, *steps: Steps, ends: str = "Succeeded") -> list[Received]:
    """Write a history in which only what waits takes time."""
    run = History(arn, pace=0).start()
    for step in steps:
        step(run)
    error = {"error": "E"} if ends == "Failed" else {}
    return run.end(ends, **error).records if ends else run.records


def passes(*names: str, seconds: float = 1) -> Steps:
    return lambda run: [run.state(name, wait=seconds) for name in names]


def task(name: str, which: Any = LAMBDA, seconds: float = 1, **more: Any) -> Steps:
    return lambda run: run.task(name, which, lasts=seconds, **more)


def each(name: str, lengths: Iterable[float]) -> Steps:
    return lambda run: run.map(
        name, *(passes("Work", seconds=length) for length in lengths)
    )


def both(
    a: Iterable[Steps],
    b: Iterable[Steps],
    *more: Received,
    ends: tuple[str, str] = ("Succeeded", "Succeeded"),
) -> Comparison:
    """Compare two executions that took these steps, and ended so."""
    one = story(ARN, *a, ends=ends[0])
    other = story(OTHER_ARN, *b, ends=ends[1])
    moment = moment_of(one, other, more)
    return compare(moment, ARN, moment, OTHER_ARN)


def apart(one: Iterable[Received], other: Iterable[Received]) -> Comparison:
    return compare(moment_of(one), ARN, moment_of(other), ARN)


def told(found: Comparison) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.a, each.b) for each in found.differences]


def gaps(found: Comparison) -> list[tuple[str, str | None, int]]:
    return [(gap.kind, gap.side, gap.count) for gap in found.gaps]


# -- which visit is which --------------------------------------------------------------


def aligned(a: str, b: str) -> str:
    """Compare runs of a state a letter: `-x` only A, `+x` only B, `~x` has moved."""
    found = both([passes(*a)], [passes(*b)])
    return " ".join(
        (
            "-"
            if pair.b is None
            else "+"
            if pair.a is None
            else "~"
            if pair.moved
            else ""
        )
        + pair.visit.name
        for pair in found.pairs
    )


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("abc", "ac", "a -b c"),
        ("ac", "abc", "a +b c"),
        ("abd", "acd", "a -b +c d"),
        ("", "ab", "+a +b"),
        ("cwcwcd", "cwcd", "c w c -w -c d"),
        ("cwcd", "cwcwcd", "c w c +w +c d"),
        ("abcd", "acdb", "a ~b c d"),
        ("dabc", "abcd", "~d a b c"),
    ],
)
def test_states_are_matched_by_name_and_turn(a: str, b: str, expected: str) -> None:
    assert aligned(a, b) == expected


def test_iterations_are_matched_by_their_index_behind_their_map() -> None:
    found = both([each("Each", [1, 1]), passes("z")], [each("Each", [1] * 3)])
    places = [(p.visit.path, p.parent, p.stop, p.a is None) for p in found.pairs]
    assert places == [
        ("Main / Each", None, 4, False),
        ("Main / Each[0] / Work", 0, 2, False),
        ("Main / Each[1] / Work", 0, 3, False),
        ("Main / Each[2] / Work", 0, 4, True),
        ("Main / z", None, 5, False),
    ]


def test_the_same_job_under_another_name_is_a_pair_either_way_round() -> None:
    one, other = task("Import", SYNC), task("Run", SYNC)
    found = both([one], [passes("x"), other, passes("y")])
    back = both([passes("x"), other, passes("y")], [one])
    names = [(p.a and p.a.name, p.b and p.b.name) for p in found.pairs]
    assert ("Import", "Run") in names
    assert {(b, a) for a, b in names} == {
        (p.a and p.a.name, p.b and p.b.name) for p in back.pairs
    }
    assert ("first-state", "Import", "x") in told(found)


def test_a_name_that_both_machines_have_is_never_another_state() -> None:
    found = both(
        [task("x", SYNC), passes("y")], [passes("y"), task("x", SYNC), task("z", SYNC)]
    )
    assert all(p.a is None or p.b is None or p.a.name == p.b.name for p in found.pairs)


# -- what is different -----------------------------------------------------------------


def test_times_alone_make_no_difference() -> None:
    found = both([passes("x", "y")], [passes("x", "y", seconds=90)])
    assert (told(found), found.differing) == ([], [])
    assert (found.seconds.difference, found.seconds.ratio) == (178.0, 90.0)
    assert (found.extreme(1), found.extreme(-1)) == (0, None)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([passes("x", "y")], [passes("x", "z")], [("next-state", "y", "z")]),
        ([passes("x", "z")], [passes("y", "z")], [("first-state", "x", "y")]),
        (
            [task("t", REQUEST_RESPONSE)],
            [task("t", SDK)],
            [("resource", "ecs:runTask", "aws-sdk:ecs:runTask")],
        ),
        ([each("m", [1, 2])], [each("m", [1] * 9)], [("iterations", "2", "9")]),
        (
            [task("t"), passes("y")],
            [task("t", error="E", caught=True), passes("z")],
            [("outcome", "succeeded", "caught")],
        ),
        ([task("t")], [task("t", retried="E")], [("try", "succeeded", "failed")]),
    ],
)
def test_each_point_is_told_once_and_not_what_follows_from_it(
    a: list[Steps], b: list[Steps], expected: Any
) -> None:
    assert told(both(a, b)) == expected


def test_another_error_and_more_attempts_are_differences_though_both_failed() -> None:
    one, other = [task("t", error="E")], [task("t", error="F")]
    assert told(both(one, other, ends=BAD)) == [("error", "E", "F")]
    more = [task("t", retried="EE", error="E")]
    found = both([task("t", retried="E", error="E")], more, ends=BAD)
    assert told(found) == [("try", "2", "3")]
    assert found.differences[0].attempt is None


def test_they_are_told_in_the_order_of_a() -> None:
    found = both(
        [passes("x"), task("t"), passes("y")],
        [passes("x"), task("t", retried="E")],
        ends=("Succeeded", "Aborted"),
    )
    assert [kind for kind, *_ in told(found)] == ["try", "next-state", "status"]


def test_what_was_aborted_comes_after_its_reason() -> None:
    def fan_out(run: History) -> None:
        run.parallel("Fan", passes("L"), task("R"))

    def failing(run: History) -> None:
        run.add("ParallelStateEntered", name="Fan")
        begun = run.add("ParallelStateStarted")
        run.add("PassStateEntered", after=begun, name="L")
        run.last = begun
        run.task("R", LAMBDA, error="E")
        run.add("ParallelStateFailed", error="E")

    found = both([fan_out], [failing], ends=("Succeeded", "Failed"))
    states = [d.state for d in found.differences]
    names = [None if n is None else found.pairs[n].visit.name for n in states]
    assert names == ["R", "L", "Fan", None]


def test_denied_polls_are_a_difference_and_fewer_polls_are_none() -> None:
    found = apart(sync_run(), sync_run(denied=True))
    assert [kind for kind, *_ in told(found)] == ["denied"]
    polls = found.differences[0].call
    assert polls
    assert polls.a
    assert polls.b
    assert (polls.a.count, polls.a.failed, polls.b.failed) == (5, 0, 5)
    assert polls.b.error_codes == {"AccessDenied": 5}
    assert [polls.a.interval_min, polls.a.interval_max] == [55, 63]
    assert told(apart(sync_run(), [*sync_history(), *sync_calls()[:3]])) == []


def test_a_call_that_only_one_side_made_is_a_difference() -> None:
    asked = call("DescribeTasks", 2, key="one", parameters={"tasks": [TASK_ARN]})
    run = [*sync_history(), *sync_calls()]
    listed = call("ListTasks", 2, key="other", parameters={"tasks": [TASK_ARN]})
    assert told(apart(run, [*run, asked])) == []
    assert told(apart(run, [*run, listed])) == [("call", "ListTasks", "ListTasks")]


# -- what can't be told ----------------------------------------------------------------


def test_without_calls_on_one_side_none_are_compared() -> None:
    found = apart(sync_run(denied=True), sync_history())
    assert ("no-calls", "b", 0) in gaps(found)
    assert (found.calls_compared, told(found)) == (False, [])


def test_what_still_runs_is_compared_as_far_as_it_has_come() -> None:
    running = story(OTHER_ARN, passes("x"), ends="")
    moment = moment_of(story(ARN, passes("x", "y")), running)
    found = compare(moment, ARN, moment, OTHER_ARN, at(61))
    assert ("running", "b", 0) in gaps(found)
    assert (told(found), found.seconds.b) == ([], 61.0)
    early = compare(moment.trace.as_of(at(0.5)), ARN, moment, OTHER_ARN)
    assert (early.seconds.a, early.pairs[0].running) == (0.5, True)


def test_one_execution_can_be_compared_with_itself_at_an_earlier_moment() -> None:
    trace = moment_of(redriven_run()).trace
    found = compare(trace.as_of(at(60)), ARN, trace.as_of(), ARN)
    assert "same-execution" not in {kind for kind, *_ in gaps(found)}
    assert told(found)[0][0] == "try"


@pytest.mark.parametrize("given", [0, 3])
def test_a_history_that_is_not_whole_is_said_to_be_so(given: int) -> None:
    kept = story(OTHER_ARN, passes("x", "y"))[-given:] if given else []
    moment = moment_of(
        story(ARN, passes("x")), kept, [describe(arn=OTHER_ARN, stopped=2)]
    )
    found = gaps(compare(moment, ARN, moment, OTHER_ARN))
    kinds = [kind for kind, side, _ in found if side == "b"]
    assert kinds[0] == ("partial-history" if given else "no-history")


def test_calls_that_may_be_of_either_are_not_counted() -> None:
    steps = [task("t", REQUEST_RESPONSE, seconds=9)]
    found = both(steps, steps, *(call("RunTask", 1, key=key) for key in ("p", "q")))
    assert [each for each in gaps(found) if each[0] == "shared-calls"] == [
        ("shared-calls", "a", 2),
        ("shared-calls", "b", 2),
    ]
    assert (found.a.calls, found.b.calls) == ([], [])


def test_an_execution_that_is_not_there_is_an_error() -> None:
    moment = moment_of(sync_run())
    with pytest.raises(KeyError):
        compare(moment, ARN, moment, "arn:none")


# -- figures ---------------------------------------------------------------------------


def test_the_states_that_definitions_differ_in_are_named() -> None:
    def with_inner(result: int) -> dict[str, Any]:
        states = {"in": {"Type": "Pass", "Result": result}}
        return {"Type": "Map", "ItemProcessor": {"StartAt": "in", "States": states}}

    one = definition({"x": {"Type": "Pass"}, "m": with_inner(1)})
    other = definition({"m": with_inner(2), "y": {"Type": "Pass"}}, arn=OTHER_ARN)
    found = both([passes("x")], [passes("x")], one, other).definitions
    assert found
    assert (found.only_a, found.only_b) == (["x"], ["y"])
    assert (found.changed, found.outside) == ({"in": ["Result"]}, True)


def test_iterations_are_told_by_their_middle_and_their_ends() -> None:
    found = both([each("Each", [1, 2, 9])], [each("Each", [1, 30, 3])])
    group = found.groups[0]
    assert group.a
    assert (group.a.count, group.a.median, group.a.least, group.a.most_index) == (
        *(3, 2.0, 1.0, 2),
    )
    slower, faster = group.extreme(1), group.extreme(-1)
    assert slower
    assert faster
    assert (slower.index, slower.seconds.b, faster.index) == (1, 30.0, 2)
    assert group.statuses_b == {"succeeded": 3}


def test_a_redriven_iteration_did_not_take_the_time_it_stood_still() -> None:
    run = History(ARN, pace=0).start()
    run.add("MapStateEntered", name="Each")
    run.add("MapStateStarted", length=1)
    run.add("MapIterationStarted", name="Each", index=0)
    run.task("Work", LAMBDA, error="E", lasts=5).end("Failed", error="E")
    entered = next(n for n, r in enumerate(run.records, 1) if b"Work" in r.data)
    run.redrive(wait=700).task("Work", LAMBDA, lasts=7, entered=entered).end()
    moment = moment_of(run.records)
    found = compare(moment, ARN, moment, ARN)
    assert [i.seconds.a for i in found.groups[0].iterations] == [12.0]


def test_phases_are_summed_up_without_containers() -> None:
    found = apart(sync_run(), sync_run())
    sums = {phase: lengths.a for phase, lengths in found.phases.items()}
    assert Phase.CONTAINER not in sums
    assert sum(seconds or 0 for seconds in sums.values()) == pytest.approx(308.99)
    assert sums[Phase.COMPLETION_LAG] == pytest.approx(1.9)


# -- laws ------------------------------------------------------------------------------

NAMES = st.sampled_from("pqrs")
STEPS = st.one_of(
    st.builds(lambda n, s: passes(n, seconds=s), NAMES, st.integers(0, 50)),
    st.builds(
        lambda n, retried, error: task(
            f"t{n}", retried=retried, error=error, caught=True
        ),
        NAMES,
        st.sampled_from(["", "E", "EF"]),
        st.sampled_from([None, "E", "F"]),
    ),
    st.builds(lambda n, some: each(f"m{n}", some), NAMES, st.lists(st.integers(0, 9))),
)
STORIES = st.lists(STEPS, max_size=6)


@settings(max_examples=60)
@given(STORIES)
def test_nothing_differs_from_itself(steps: list[Steps]) -> None:
    found = both(steps, steps)
    assert (told(found), found.differing) == ([], [])
    assert all(p.seconds.difference == 0 and not p.moved for p in found.pairs)
    assert comparison_json(found)["same"] is True


@settings(max_examples=60)
@given(STORIES, STORIES)
def test_the_other_way_round_all_is_mirrored(a: list[Steps], b: list[Steps]) -> None:
    moment = moment_of(story(ARN, *a), story(OTHER_ARN, *b))
    there = compare(moment, ARN, moment, OTHER_ARN)
    back = compare(moment, OTHER_ARN, moment, ARN)

    assert mirrored(there) == mirrored(back, turn=-1)
    assert sum(p.moved for p in there.pairs) == sum(p.moved for p in back.pairs)
    if not any(pair.moved for pair in there.pairs):
        # Of orders that are equally good either may be taken.
        assert points(there) == points(back, turn=-1)


def mirrored(found: Comparison, turn: int = 1) -> list[str]:
    return sorted(
        str(
            (
                (p.a and p.a.id, p.b and p.b.id)[::turn],
                (p.seconds.a, p.seconds.b)[::turn],
            )
        )
        for p in found.pairs
    )


def points(found: Comparison, turn: int = 1) -> list[str]:
    told = []
    for d in found.differences:
        pair = found.pairs[d.state] if d.state is not None else None
        ids = (pair and pair.a and pair.a.id, pair and pair.b and pair.b.id)
        told.append(str((d.kind, ids[::turn], (d.a, d.b)[::turn], d.attempt, d.index)))
    return sorted(told)


# -- recordings ------------------------------------------------------------------------


def recorded(name: str) -> Moment:
    with gzip.open(RECORDINGS / f"{name}{SUFFIX}", "rt", encoding="utf-8") as file:
        header, *lines = map(json.loads, file)
    created = datetime.fromisoformat(header["created"])
    return moment_of(
        receive(
            created + timedelta(seconds=line["at"]),
            line["source"],
            line.get("execution"),
            line["data"],
        )
        for line in lines
    )


def compared(one: str, other: str) -> Comparison:
    """Compare the executions of two recordings: `name`, or `name/part of the ARN`."""
    files = {name.partition("/")[0] for name in (one, other)}
    moments = {file: recorded(file) for file in files}

    def chosen(name: str) -> tuple[Moment, str]:
        file, _, part = name.partition("/")
        return moments[file], next(a for a in moments[file].executions if part in a)

    return compare(*chosen(one), *chosen(other))


WAYS = "demo-three-ways/-"
MACHINE, SAME = "other-machine None", "same-execution None"


@pytest.mark.parametrize(
    ("one", "other", "kinds", "missing", "polls"),
    [
        (f"{WAYS}sync:", f"{WAYS}sdk:", "resource", [MACHINE], (5, 0)),
        (f"{WAYS}sync:", f"{WAYS}async:", "resource", [MACHINE], (5, 0)),
        (f"{WAYS}sync:", f"{WAYS}denied:", "denied", [MACHINE], (5, 5)),
        (f"{WAYS}async:", f"{WAYS}sdk:", "resource", [MACHINE], (0, 0)),
        ("demo-pipeline", "demo-pipeline", "", [SAME], (4, 4)),
        ("demo-redrive", "demo-redrive", "", [SAME], (3, 3)),
        ("demo-failure", "demo-sync", "try status", [MACHINE], (3, 5)),
        ("demo-sync", "demo-sync-denied", "denied", [MACHINE], (5, 5)),
        ("demo-failure", "demo-failure-queue", "", [], (3, 3)),
        ("moto-twice", "moto-twice-lost", "", ["late-calls a", "late-calls b"], (4, 4)),
    ],
)
def test_recorded_pairs_differ_as_they_are_known_to(
    one: str, other: str, kinds: str, missing: list[str], polls: tuple[int, int]
) -> None:
    found = compared(one, other)
    assert [each.kind for each in found.differences] == kinds.split()
    assert [f"{gap.kind} {gap.side}" for gap in found.gaps] == missing
    assert (len(found.a.polls), len(found.b.polls)) == polls


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("history-raw/*.json")), ids=str)
def test_what_others_recorded_does_not_differ_from_itself(path: Any) -> None:
    events = json.loads(path.read_text())["events"]
    records = [receive(None, "history", ARN, event) for event in events]
    found = apart(records, records)
    assert (told(found), found.differing) == ([], [])
    assert len(found.pairs) == len(found.a.visits)
