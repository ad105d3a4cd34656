"""A comparison as people and programs read it: sentences, lines, keys."""

import io
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.next.analysis.compare import (
    Comparison,
    compare,
    comparison_document,
    comparison_json,
)
from sfnwatch.next.analysis.compare.rows import (
    CompareFolds,
    CompareRow,
    bar,
    bar_scale,
    compare_rows,
)
from sfnwatch.next.analysis.document import Items, Paragraph, Table
from sfnwatch.next.analysis.phases import Phase
from sfnwatch.next.export.document import write_markdown, write_text
from sfnwatch.next.model.json_text import ascii_json
from sfnwatch.next.model.records import RecordKind
from sfnwatch.next.model.times import iso
from tests.next.analysis.test_compare import (
    BAD,
    Steps,
    apart,
    both,
    each,
    moment_of,
    passes,
    story,
    task,
)
from tests.next.builders import (
    ARN,
    OTHER_ARN,
    REQUEST_RESPONSE,
    SYNC,
    History,
    at,
    call,
    health,
    redriven_run,
    sync_calls,
    sync_history,
    sync_run,
)


def ask(begins: float, lasts: float) -> Steps:
    """Run a Task that begins to work after some seconds."""

    def steps(run: History) -> None:
        run.add("TaskStateEntered", name="t")
        run.add("TaskScheduled", **REQUEST_RESPONSE)
        run.add("TaskStarted", wait=begins, **REQUEST_RESPONSE)
        run.add("TaskSucceeded", wait=lasts, output="{}", **REQUEST_RESPONSE)
        run.add("TaskStateExited", name="t")

    return steps


def waits(name: str) -> Steps:
    return lambda run: run.state(name, "Wait")


def said(found: Comparison) -> list[str]:
    """Give the answer and the sentences after it."""
    blocks = comparison_document(found).blocks
    answer = [block.text for block in blocks if isinstance(block, Paragraph)]
    return [*answer, *(each.text for each in comparison_document(found).sentences)]


def certainties(found: Comparison) -> list[str]:
    return [str(each.certainty) for each in comparison_document(found).sentences]


def remarks(found: Comparison) -> tuple[str, ...]:
    items = [b for b in comparison_document(found).blocks if isinstance(b, Items)]
    return items[0].lines if items else ()


# -- sentences -------------------------------------------------------------------------


def test_a_missing_permission_changed_nothing_but_polls() -> None:
    found = apart(sync_run(), sync_run(denied=True))
    assert said(found) == [
        (
            "Both went through the same state with the same outcome; only their API"
            " calls differ."
        ),
        (
            "For ECS RunTask, all 5 DescribeTasks polls of B were denied with"
            " AccessDenied; all 5 DescribeTasks polls of A succeeded. The state still"
            " succeeded in both."
        ),
        "They took about the same time: A 5m 09s, B 5m 09s.",
        "Both polled 5 times, about once a minute.",
        "The completion lag of the task was 1.9 s in A and 1.9 s in B, both by event.",
    ]
    assert certainties(found) == ["fact", "fact", "fact", "inference"]


ONLY_A_WAITS = (
    "t runs ecs:runTask.sync in A and ecs:runTask in B: only A waits for the task to"
    " finish."
)
SHORT = [passes("x", "y")]
FAILED = [task("t", error="E")]
CAUGHT = [task("t", error="E", caught=True), passes("z")]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (SHORT, [passes("x", "z")], "After x, A went on to y and B went on to z."),
        (SHORT, [passes("x")], "After x, A went on to y and B went no further."),
        ([passes("x", "z")], [passes("y", "z")], "A started with x and B with y."),
        (
            [task("t")],
            [task("t", retried="E")],
            "Attempt 1 of t succeeded in A and failed with E in B.",
        ),
        (
            CAUGHT,
            [task("t"), passes("z")],
            "t failed with E (caught; z was next) in A and succeeded in B.",
        ),
        (
            FAILED,
            [task("t", retried="E", error="E")],
            "t was tried once in A and twice in B.",
        ),
        (FAILED, [task("t", error="F")], "t failed with E in A and with F in B."),
        ([each("m", [1])], [each("m", [1] * 2)], "m had 1 iteration in A and 2 in B."),
        ([task("t", SYNC)], [task("t", REQUEST_RESPONSE)], ONLY_A_WAITS),
        ([passes("x")], [waits("x")], "x is a Pass state in A and a Wait state in B."),
    ],
)
def test_the_first_difference_is_the_answer(a: Any, b: Any, expected: str) -> None:
    found = both(a, b, ends=BAD if a is FAILED else ("Succeeded", "Succeeded"))
    assert said(found)[0] == f"First difference: {expected}"


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
    assert said(both(a[1:], b[1:]))[-1] == (
        "t accounts for the difference, mostly working: 10 s → 1m 20s."
    )


def test_no_more_is_claimed_of_calls_than_is_known() -> None:
    no_polls = [*sync_history(), *sync_calls()[:1]]
    told = said(apart(sync_run(), no_polls))
    assert "A polled 5 times, about once a minute; B has no poll matched." in told
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
    assert "fact" not in certainties(found)[1:]
    assert remarks(found)[0] == (
        "CloudTrail was complete only up to 1m 49s before the end of B (estimate):"
        " later calls may be missing."
    )


def test_what_is_matched_by_a_guess_is_told_as_one() -> None:
    steps = [task("t", REQUEST_RESPONSE, 9)]
    refused = call("RunTask", 1, key="r", error=("ClusterNotFoundException", "no"))
    one = story(ARN, *steps)
    accepted = call("RunTask", 1, key="a")
    found = apart([*one, accepted], [*one, refused])
    assert found.differences[0].text == (
        "For t, up to 1 RunTask call of B failed with ClusterNotFoundException;"
        " up to 1 RunTask call of A succeeded."
    )
    assert found.differences[0].certainty == "inference"


def test_what_may_explain_it_and_what_is_missing_is_said() -> None:
    running = story(OTHER_ARN, passes("x"), ends="")
    moment = moment_of(story(ARN, passes("x")), running)
    found = compare(moment, ARN, moment, OTHER_ARN, at(90))
    assert said(found) == [
        "So far both did the same; only times differ.",
        "B has been running for 1m 30s.",
    ]
    assert remarks(found) == (
        "B is still running, so it is compared as far as it has come.",
        "The definition of A or B is not loaded, so definitions are not compared.",
    )
    redriven = apart(redriven_run(), sync_run())
    assert (
        "A was redriven once, having been over for 12m 00s: that time is part of its"
        " duration, and of no state's."
    ) in remarks(redriven)


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
        apart(sync_run(), sync_run(denied=True)),
        CompareFolds(frozenset({rows[0].key})),
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
        " largest slowdown [298] 1.00 s → 1m 00s;"
        " range A 1.00 s to 1.00 s, B 1.00 s to 1m 00s"
    )
    opened = compare_rows(found, CompareFolds(frozenset({rows[0].key})))
    assert [row.label for row in opened[2:]] == [
        *("⋯ 298 states alike", "[298] Work", "[299] Work"),
    ]


def test_bars_are_to_one_scale_and_what_took_time_has_a_cell() -> None:
    found = apart(sync_run(), sync_run())
    (pair,) = found.pairs
    assert bar_scale(found) == pytest.approx(308.99)
    assert bar(pair, "A", bar_scale(found), 100) == [
        (Phase.WORKING, 99),
        (Phase.COMPLETION_LAG, 1),
    ]
    assert sum(cells for _, cells in bar(pair, "B", 2 * 308.99, 100)) == 50
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
    tables = [b for b in comparison_document(found).blocks if isinstance(b, Table)]
    assert [c.head for c in tables[1].columns] == [
        "",
        "State",
        "A",
        "B",
        "B − A",
        "B / A",
    ]


SIDE = """arn name state_machine_arn role_arn status error started_at stopped_at
    event_count visit_count attempt_count calls failed_calls cloudtrail_latency
    redrive_count"""
KEYS = {
    "": """sfnwatch_compare a b same verdict remarks calls_compared same_input seconds
        parts first_difference differences slowdown speedup not_compared definitions
        states iterations""",
    "a": SIDE,
    "b": SIDE,
    "seconds": "a b difference ratio",
    "differences": "kind text state index attempt a b call",
    "not_compared": "kind side count text",
    "states": """path occurrence parent index presence moved visit_a name_a type_a
        status_a error_a visit_b name_b type_b status_b error_b seconds parts
        attempts""",
    "states.attempts": """number status_a status_b error_a error_b seconds noticed_a
        noticed_b calls""",
    "states.attempts.noticed_a": "seconds by certain",
    "states.attempts.calls": "role event_source event_name a b",
    "states.attempts.calls.a": """count failed error_codes interval_mean interval_min
        interval_max guessed first""",
    "iterations": "state both a b statuses_a statuses_b slower faster",
    "iterations.a": "count median least least_index most most_index",
    "iterations.slower": "index seconds",
}


def objects(value: Any, path: str) -> list[dict[str, Any]]:
    found = [value]
    for key in filter(None, path.split(".")):
        found = [each[key] for each in found if each[key]]
        found = [
            e for each in found for e in (each if isinstance(each, list) else [each])
        ]
    return found


@pytest.mark.parametrize("path", KEYS)
def test_the_keys_are_those_of_version_1(path: str) -> None:
    steps = [task("t", SYNC), passes("x")]
    found = [
        comparison_json(apart(sync_run(), sync_run(denied=True))),
        comparison_json(both([*steps, each("m", [1, 2])], [each("m", [1, 9, 1])])),
    ]
    some = [each for told in found for each in objects(told, path)]
    assert some
    assert all(set(each) == set(KEYS[path].split()) for each in some)


def test_the_figures_have_the_names_of_version_1() -> None:
    told = comparison_json(apart(sync_run(), sync_run(denied=True)))
    assert told["sfnwatch_compare"] == 1
    assert list(told["parts"]) == ["waiting", "working", "noticing"]
    assert told["states"][0]["attempts"][0]["noticed_a"] == {
        "seconds": 1.9,
        "by": "event",
        "certain": True,
    }
    assert told["seconds"] == {
        "a": 309.05,
        "b": 309.05,
        "difference": 0.0,
        "ratio": 1.0,
    }
    inside = comparison_json(both([each("m", [1])], [each("m", [1])]))
    assert list(inside["states"][0]["parts"]) == ["around"]
    assert inside["iterations"][0]["state"] == 0
    assert inside["definitions"] is None


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
