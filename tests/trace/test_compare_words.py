"""What a comparison comes to, in sentences a person would write."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.compare import compare, compare_apart
from sfnwatch.trace.compare_remarks import remarks
from sfnwatch.trace.compare_verdict import verdict
from sfnwatch.trace.compare_words import (
    difference_sentence,
    listed,
    more_words,
    ratio_words,
)
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, START, call, sync_calls, sync_history, sync_run
from tests.trace.comparing import A, B, Story, comparison, trace_of
from tests.trace.test_text import HOSTILE, safe

ECS: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}


def first(*records: Any) -> str:
    found = comparison(*records)
    assert found.first is not None
    return difference_sentence(found, found.first)


def test_a_missing_permission_changed_nothing_but_polls() -> None:
    trace, denied = (extend(Trace(), sync_run(denied=d)) for d in (False, True))
    said = " ".join(verdict(compare_apart(trace, ARN, denied, ARN)))
    assert said == (
        "Both went through the same state with the same outcome;"
        " of what they did, nothing but calls differs."
        " For ECS RunTask, all 5 polls (DescribeTasks) of B were refused with"
        " AccessDenied; A's 5 were answered. The state succeeded all the same."
        " They took about as long: A 5m 09s, B 5m 09s."
        " Both polled 5 times, about every 60 s."
        " Step Functions noticed that the task had stopped 1.9 s late in A and 1.9 s"
        " late in B, both times by event."
    )


def test_two_runs_that_did_the_same_are_said_to_have() -> None:
    trace = extend(Trace(), sync_run())
    slower = extend(Trace(), [*sync_history(), *sync_calls()[:3]])
    said = verdict(compare_apart(trace, ARN, slower, ARN))
    assert said[0] == (
        "Both went through the same state with the same outcome;"
        " only times and polls differ."
    )
    assert "A polled 5 times, about every 60 s, and B polled twice" in said[2]


def test_one_execution_does_not_differ_from_itself() -> None:
    found = compare(extend(Trace(), sync_run()), ARN, ARN)
    assert verdict(found)[0].endswith("; nothing differs.")
    assert remarks(found) == ("A and B are the same execution.",)


def test_the_largest_slowdown_is_named_with_its_part() -> None:
    found = comparison(
        Story(A).passes("x").task("t", (10, None), **ECS).ends(),
        Story(B).passes("x").task("t", (10, "E"), (70, None), **ECS).ends(),
    )
    said = verdict(found)
    assert (
        "B took 1m 21s where A took 11.0 s, 1m 10s longer (B took 7.4 times as long)."
    ) in said
    assert any(s.startswith("The largest slowdown is t: 10.0 s → 1m 20s") for s in said)


def test_each_difference_has_its_sentence() -> None:
    def ends(story: Story, kind: str = "ExecutionSucceeded") -> Any:
        return story.ends(kind)

    assert first(ends(Story(A).passes("x", "y")), ends(Story(B).passes("x", "z"))) == (
        "After x, A went on to y, and B to z."
    )
    assert first(ends(Story(A).passes("x", "y")), ends(Story(B).passes("x"))) == (
        "After x, A went on to y, and B went no further."
    )
    assert first(ends(Story(A).passes("x", "z")), ends(Story(B).passes("y", "z"))) == (
        "A began with x, and B with y."
    )
    assert first(
        ends(Story(A).task("t", (1, None))),
        ends(Story(B).task("t", (1, "E1"), (1, None))),
    ) == ("The first try of t succeeded in A, and failed in B, with E1.")
    assert first(
        ends(Story(A).task("t", (1, "E1"), caught=True)),
        ends(Story(B).task("t", (1, None))),
    ) == ("t failed and was caught in A, with E1, and succeeded in B.")
    assert first(
        ends(Story(A).task("t", (1, "E1")), "ExecutionFailed"),
        ends(Story(B).task("t", (1, "E1"), (1, "E1")), "ExecutionFailed"),
    ) == ("t was tried once in A, and twice in B.")
    assert first(
        ends(Story(A).task("t", (1, "E1")), "ExecutionFailed"),
        ends(Story(B).task("t", (1, "E2")), "ExecutionFailed"),
    ) == ("t failed in A with E1, and in B with E2.")
    assert first(ends(Story(A).map("m", [1])), ends(Story(B).map("m", [1, 1]))) == (
        "m had 1 iteration in A, and 2 in B."
    )
    assert first(
        ends(Story(A).passes("x")), ends(Story(B).passes("x"), "ExecutionAborted")
    ) == ("A succeeded, and B was aborted.")
    assert first(
        ends(Story(A).task("t", (1, None), **ECS)),
        ends(Story(B).task("t", (1, None), resourceType="ecs", resource="runTask")),
    ) == (
        "t runs ecs:runTask.sync in A, and ecs:runTask in B:"
        " only A waits until the task is over."
    )


def test_a_refused_action_is_told_with_who_was_not_refused() -> None:
    refused = call("RunTask", 1, key="r", error=("AccessDenied", "no"))
    trace = extend(Trace(), sync_run())
    records = [*sync_history(), *sync_calls()[1:], refused]
    found = compare_apart(trace, ARN, extend(Trace(), records), ARN)
    assert found.first is not None
    assert difference_sentence(found, found.first) == (
        "For ECS RunTask, the call (RunTask) of B was refused with AccessDenied;"
        " A's was answered."
    )


def test_what_is_missing_is_said() -> None:
    running = Story(B).passes("x")
    said = remarks(comparison(Story(A, given="1").passes("x").ends(), running.records))
    assert said == (
        "B is still running: it is compared as far as it has come.",
        "No definition of either is known, so definitions are not compared.",
        "They were given different inputs.",
    )
    trace = trace_of(Story(A).passes("x").ends(), running.records)
    told = verdict(compare(trace, A, B, START + timedelta(seconds=90)))
    assert told == (
        "So far both did the same; only times differ.",
        "B has been running for 1m 30s.",
    )


def test_what_is_not_known_of_calls_is_not_said_to_be_the_same() -> None:
    trace = extend(Trace(), sync_run())
    found = compare_apart(trace, ARN, extend(Trace(), sync_history()), ARN)
    assert verdict(found)[0].endswith("; only times differ, as far as is known.")
    assert "No API call of B is known, so calls are not compared." in remarks(found)


def test_nothing_in_common_is_said_first() -> None:
    found = comparison(Story(A).passes("x").ends(), Story(B).passes("y").ends())
    assert verdict(found)[0] == "They have no state in common."
    assert verdict(comparison(Story(A).ends(), Story(B).ends()))[0] == (
        "There is no state to compare."
    )


def test_figures_are_written_as_a_person_would() -> None:
    assert [ratio_words(r) for r in (None, 1.256, 48.2, 0.5, 0.0035)] == [
        "",
        "×1.26",
        "×48",
        "×0.50",
        "÷286",
    ]
    assert [more_words(s) for s in (78, -0.42, 0)] == ["+1m 18s", "-0.42 s", "+0.00 s"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([*"abcdefg"]) == "a, b, c and 4 more"


def test_names_go_through_the_mask() -> None:
    found = comparison(Story(A).passes("x", "y").ends(), Story(B).passes("x").ends())
    for said in (verdict, remarks):
        assert all(words == "masked" for words in said(found, lambda _: "masked"))


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_whatever_a_state_is_called_a_sentence_is_harmless(name: str) -> None:
    found = comparison(
        Story(A).task(name, (1, name), caught=True).passes(*HOSTILE).ends(),
        Story(B).task(name, (1, None)).passes("z").ends(),
    )
    for sentence in (*verdict(found), *remarks(found)):
        assert safe(sentence)
