"""What two executions have in common, what differs, and where first; how it is told."""

import io
import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.analysis.compare import (
    CompareFolds,
    CompareRow,
    bar,
    bar_scale,
    compare,
    compare_rows,
    comparison_document,
    remarks,
    verdict,
)
from sfnwatch.analysis.compare.pairs import Comparison
from sfnwatch.analysis.finding import Certainty
from sfnwatch.analysis.phases import Phase
from sfnwatch.export.json import comparison_json
from sfnwatch.export.text import write_markdown, write_text
from sfnwatch.model.moment import Moment
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import ascii_json, iso
from tests.analysis.finding_in import Doubted, trace_of
from tests.builders import (
    ARN,
    LAMBDA,
    OTHER_ARN,
    REQUEST_RESPONSE,
    SYNC,
    TASK_ARN,
    History,
    answer,
    at,
    call,
    definition,
    describe,
    health,
    redriven_run,
    sync_calls,
    sync_history,
    sync_run,
)
from tests.model.worlds import RECORDINGS, recorded

Steps = Callable[[History], Any]
BAD, WELL = ("Failed", "Failed"), ("Succeeded", "Succeeded")


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
    ends: tuple[str, str] = WELL,
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


def said(found: Comparison) -> list[str]:
    return [sentence.text for sentence in verdict(found)]


def certainties(found: Comparison) -> list[str]:
    return [str(sentence.certainty) for sentence in verdict(found)]


def gaps(found: Comparison) -> list[tuple[str, str | None, int]]:
    return [(gap.kind, gap.side, gap.count) for gap in found.gaps]


# -- which visit is which --------------------------------------------------------------


def aligned(a: str, b: str) -> str:
    """Compare runs of a state a letter: `-x` only A, `+x` only B, `~x` has moved."""
    found = []
    for pair in both([passes(*a)], [passes(*b)]).pairs:
        lone = "-" if pair.b is None else "+" if pair.a is None else ""
        found.append(f"{'~' if pair.moved else lone}{pair.visit.name}")
    return " ".join(found)


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


# -- what is different -----------------------------------------------------------------


def test_times_alone_make_no_difference() -> None:
    found = both([passes("x", "y")], [passes("x", "y", seconds=90)])
    assert (told(found), found.differing) == ([], [])
    assert (found.seconds.difference, found.seconds.ratio) == (178.0, 90.0)
    assert (found.extreme(1), found.extreme(-1)) == (0, None)


ONLY_A_WAITS = (
    "t runs ecs:runTask.sync in A and ecs:runTask in B: only A waits for the task to"
    " finish."
)
POINTS: dict[str, tuple[list[Steps], list[Steps], tuple[str, ...]]] = {
    "After x, A went on to y and B went on to z.": (
        [passes("x", "y")],
        [passes("x", "z")],
        ("next-state", "y", "z"),
    ),
    "After x, A went on to y and B went no further.": (
        [passes("x", "y")],
        [passes("x")],
        ("next-state", "y", "None"),
    ),
    "A started with x and B with y.": (
        [passes("x", "z")],
        [passes("y", "z")],
        ("first-state", "x", "y"),
    ),
    ONLY_A_WAITS: (
        [task("t", SYNC)],
        [task("t", REQUEST_RESPONSE)],
        ("resource", "ecs:runTask.sync", "ecs:runTask"),
    ),
    "m had 1 iteration in A and 9 in B.": (
        [each("m", [1])],
        [each("m", [1] * 9)],
        ("iterations", "1", "9"),
    ),
    "t succeeded in A and failed with E (caught; z was next) in B.": (
        [task("t"), passes("y")],
        [task("t", error="E", caught=True), passes("z")],
        ("outcome", "succeeded", "caught"),
    ),
    "Attempt 1 of t succeeded in A and failed with E in B.": (
        [task("t")],
        [task("t", retried="E")],
        ("try", "succeeded", "failed"),
    ),
    "t was tried twice in A and 3 times in B.": (
        [task("t", retried="E", error="E")],
        [task("t", retried="EE", error="E")],
        ("try", "2", "3"),
    ),
    "t failed with E in A and with F in B.": (
        [task("t", error="E")],
        [task("t", error="F")],
        ("error", "E", "F"),
    ),
    "x is a Pass state in A and a Wait state in B.": (
        [passes("x")],
        [lambda run: run.state("x", "Wait")],
        ("type", "Pass", "Wait"),
    ),
}


@pytest.mark.parametrize("sentence", POINTS)
def test_each_point_is_told_once_and_not_what_follows_from_it(sentence: str) -> None:
    a, b, point = POINTS[sentence]
    found = both(a, b, ends=BAD if point[1] in {"2", "E"} else WELL)
    assert [tuple(map(str, each)) for each in told(found)] == [point]
    assert said(found)[0] == f"First difference: {sentence}"


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
    assert told(apart(run, [*run, asked])) == []
    aborted = History().start()
    aborted.add("TaskStateEntered", name="Work")
    aborted.add("TaskScheduled", **SYNC)
    output = json.dumps(answer("run", TASK_ARN))
    aborted.add("TaskSubmitted", output=output, **SYNC)
    run = aborted.end("Aborted", wait=9).records
    run.append(call("RunTask", 0, key="run", request_id="run"))
    stop = call("StopTask", 10, key="stop", parameters={"task": TASK_ARN})
    assert told(apart(run, [*run, stop])) == [("call", "StopTask", "StopTask")]


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
    assert not any((*found.a.calls, *found.b.calls))


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
    assert found.groups[0].a.seconds == {0: 12.0}


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


# -- recordings ------------------------------------------------------------------------


def compared(one: str, other: str) -> Comparison:
    """Compare the executions of two recordings: `name`, or `name/part of the ARN`."""
    files = {name.partition("/")[0] for name in (one, other)}
    moments = {file: moment_of(recorded(RECORDINGS[file])) for file in files}

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
    assert (len(found.a.polls.sure), len(found.b.polls.sure)) == polls


def ask(begins: float, lasts: float) -> Steps:
    """Run a Task that begins to work after some seconds."""

    def steps(run: History) -> None:
        run.add("TaskStateEntered", name="t")
        run.add("TaskScheduled", **REQUEST_RESPONSE)
        run.add("TaskStarted", wait=begins, **REQUEST_RESPONSE)
        run.add("TaskSucceeded", wait=lasts, output="{}", **REQUEST_RESPONSE)
        run.add("TaskStateExited", name="t")

    return steps


# -- sentences -------------------------------------------------------------------------


def test_a_missing_permission_changed_nothing_but_polls() -> None:
    found = apart(sync_run(), sync_run(denied=True))
    assert said(found) == [
        (
            "Both went through the same state with the same outcome; only their API"
            " calls differ."
        ),
        (
            "For ECS RunTask, all 5 DescribeTasks polls of A succeeded; all 5"
            " DescribeTasks polls of B were denied with AccessDenied. The state still"
            " succeeded in both."
        ),
        "They took about the same time: A 5m 09s, B 5m 09s.",
        "Both polled 5 times, about once a minute.",
        "The completion lag of the task was 1.9 s in A and 1.9 s in B, both by event.",
    ]
    assert certainties(found) == ["fact", "fact", "fact", "fact", "inference"]


def test_what_comes_to_the_same_is_said_to() -> None:
    assert said(both([passes("x", "y")], [passes("x", "y")]))[0] == (
        "Both went through the same 2 states with the same outcomes; only times differ."
    )
    moment = moment_of(sync_run())
    assert said(compare(moment, ARN, moment, ARN)) == [
        "Both went through the same state with the same outcome; nothing differs."
    ]
    assert (
        said(both([passes("x")], [passes("y")]))[0] == "They have no state in common."
    )
    assert said(both([], []))[0] == "There is no state to compare."


def test_lengths_are_told_with_the_state_and_the_phase_that_changed_them() -> None:
    a, b = [passes("x"), ask(1, 10)], [passes("x"), ask(1, 80)]
    assert said(both(a, b))[1:] == [
        "B took 1m 22s, 1m 10s more than A's 12 s (B took 6.8 times as long).",
        (
            "The largest slowdown is t: 11 s → 1m 21s (×7.36), mostly working: 10 s →"
            " 1m 20s."
        ),
    ]


def test_no_more_is_claimed_of_calls_than_is_known() -> None:
    no_polls = [*sync_history(), *sync_calls()[:1]]
    told = said(apart(sync_run(), no_polls))
    words = "A polled 5 times, about once a minute; B has no poll matched so far."
    assert words in told
    unknown = said(apart(sync_run(), sync_history()))
    assert unknown[0].endswith("; only times differ, as far as is known.")


def test_what_cloudtrail_may_still_deliver_is_left_open() -> None:
    reports = [r for r in sync_run() if r.kind != RecordKind.HEALTH]
    early = health("lookup", "ended", 600, complete_to=iso(at(200)), lag=131.0)
    found = apart(sync_run(), [*reports, early])
    told = said(found)
    assert told[0].endswith("; only times differ, as far as is known.")
    assert (
        "A polled 5 times, about once a minute; B polled 5 times so far, about once a"
        " minute."
    ) in told
    assert told[-1].endswith("was 1.9 s in A (by event) and 1.9 s in B.")
    assert "fact" not in certainties(found)[2:]
    assert remarks(found)[0] == (
        "CloudTrail was complete only up to 1m 49s before the end of B (estimate):"
        " later calls may be missing."
    )


def test_what_is_matched_by_a_guess_is_told_as_one() -> None:
    traces = [trace_of(*sync_run(denied=denied)) for denied in (False, True)]
    a, b = (Doubted(trace, set(trace.calls), matched=True) for trace in traces)
    found = compare(a, ARN, b, ARN)
    assert found.differences[0].text == (
        "For ECS RunTask, up to 5 DescribeTasks polls of A succeeded; up to 5"
        " DescribeTasks polls of B were denied with AccessDenied. The state still"
        " succeeded in both."
    )
    told = verdict(found)
    assert "Both polled up to 5 times." in [each.text for each in told]
    of_calls = [each for each in told if "polls" in each.text or "API" in each.text]
    assert {each.certainty for each in of_calls} == {Certainty.INFERENCE}


def test_what_may_explain_it_and_what_is_missing_is_said() -> None:
    running = story(OTHER_ARN, passes("x"), ends="")
    moment = moment_of(story(ARN, passes("x")), running)
    found = compare(moment, ARN, moment, OTHER_ARN, at(90))
    assert said(found) == [
        "So far both did the same; only times differ.",
        "B has been running for 1m 30s.",
    ]
    assert remarks(found) == [
        "B is still running, so it is compared as far as it has come.",
        "The definition of A or B is not loaded, so definitions are not compared.",
    ]
    assert (
        "A's duration includes 12m 00s in which it was over, until it was redriven."
    ) in remarks(apart(redriven_run(), sync_run()))


# -- lines -----------------------------------------------------------------------------


def shown(rows: list[CompareRow]) -> list[tuple[str, str, str]]:
    return [(row.mark, row.label, row.b.text) for row in rows]


def test_what_differs_is_open_and_tells_why() -> None:
    rows = compare_rows(apart(sync_run(), sync_run(denied=True)))
    assert shown(rows) == [
        ("≠", "ECS RunTask", "5m 09s"),
        ("", "RunTask", "once"),
        ("≠", "DescribeTasks", "5 polls, AccessDenied, every 60 s"),
        ("", "completion lag", "1.9 s by event"),
    ]
    leads = [(row.a.evidence, row.b.evidence) for row in rows]
    assert leads == [("#2", "#2"), ("run", "run"), ("poll-0", "poll-0"), ("#6", "#6")]
    folded = compare_rows(
        apart(sync_run(), sync_run(denied=True)), CompareFolds(frozenset({rows[0].key}))
    )
    assert [(row.label, row.open) for row in folded] == [("ECS RunTask", False)]


def test_phases_that_changed_have_a_line_unless_they_hardly_count() -> None:
    opened = CompareFolds(frozenset({"Main / t#1"}))
    rows = compare_rows(both([ask(1, 300)], [ask(2, 100)]), opened)
    assert [(r.label, r.seconds.more_words, r.seconds.ratio_words) for r in rows] == [
        ("t", "-3m 19s", "×0.34"),
        ("working", "-3m 20s", "×0.33"),
    ]
    rows = compare_rows(both([ask(1, 90)], [ask(3, 90)]), opened)
    assert [row.label for row in rows] == ["t", "waiting"]


def test_few_states_are_all_shown_and_many_alike_ones_take_a_line() -> None:
    names = [f"s{number}" for number in range(100)]
    few = both([passes(*names[:5])], [passes(*names[:5])])
    assert len(compare_rows(few)) == 5
    assert len(compare_rows(few, CompareFolds(alike=True))) == 1
    many = both([passes(*names, "x")], [passes(*names, "y")])
    rows = compare_rows(many)
    assert [row.label for row in rows] == ["⋯ 99 states alike", "s99", "x", "y"]
    opened = compare_rows(many, CompareFolds(frozenset({rows[0].key})))
    assert (len(opened), opened[0].open) == (103, True)
    assert len(compare_rows(many, CompareFolds(alike=False))) == 102


def test_a_crowd_of_iterations_is_one_line_until_it_is_opened() -> None:
    found = both([each("m", [1] * 300)], [each("m", [*[1] * 298, 60])])
    rows = compare_rows(found)
    assert [(row.mark, row.open) for row in rows] == [("≠", False), ("≠", None)]
    assert rows[1].label == (
        "300 iterations in A, 299 in B; 1 differs; median A 1.00 s, B 1.00 s;"
        " largest slowdown [298] 1.00 s → 1m 00s"
    )
    opened = compare_rows(found, CompareFolds(frozenset({rows[0].key})))
    assert [row.label for row in opened[2:]] == [
        *("⋯ 298 states alike", "[298] Work", "[299] Work")
    ]


def test_bars_are_to_one_scale_and_what_took_time_has_a_cell() -> None:
    found = apart(sync_run(), sync_run())
    (pair,) = found.pairs
    assert bar_scale(found) == pytest.approx(308.99)
    assert bar(pair, "A", bar_scale(found), 100) == [
        (Phase.WORKING, 99),
        (Phase.COMPLETION_LAG, 1),
    ]
    assert sum(cells for _, cells in bar(pair, "B", 1e9, 100)) == 1
    assert bar(pair, "A", 1, 0) == []


# -- the document and its JSON ---------------------------------------------------------


def text_of(found: Comparison, width: int = 100) -> str:
    out = io.StringIO()
    write_text(comparison_document(found), out, width)
    return out.getvalue()


def test_the_table_gives_differences_in_one_notation() -> None:
    found = both(
        [task("t", REQUEST_RESPONSE, 300), passes("x", seconds=10)],
        [task("t", REQUEST_RESPONSE, 1), passes("x", seconds=2)],
    )
    lines = [" ".join(line.split()) for line in text_of(found).splitlines()]
    assert "t 5m 00s 1.00 s -4m 59s ×0.0033" in lines
    assert "x 10.0 s 2.00 s -8.00 s ×0.20" in lines


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=20))
def test_whatever_a_state_is_called_nothing_can_act_on_a_reader(name: str) -> None:
    found = both(
        [task(name, error=name, caught=True), passes("\x1b[2J", "\u202e", "|x|")],
        [task(name), passes("z", name)],
    )
    told = json.loads(ascii_json(comparison_json(found)))
    assert told["states"][0]["name_a"] == name
    document = comparison_document(found)
    markdown = io.StringIO()
    write_markdown(document, markdown)
    for text in (text_of(found), markdown.getvalue(), *told["verdict"]):
        spaces = (c for c in text if not c.isprintable() and c != "\n")
        assert {unicodedata.category(c) for c in spaces} <= {"Zs"}
