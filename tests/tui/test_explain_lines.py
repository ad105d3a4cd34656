"""Findings in lines: at any width, with any words, and as far as they are unfolded."""

from collections.abc import Iterable
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import Certainty, Finding
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone, plain
from sfnwatch.tui.cells import cells
from sfnwatch.tui.explain_head import counted, verdict
from sfnwatch.tui.explain_lines import (
    MOST,
    Line,
    Shape,
    evidence_words,
    explain_lines,
)
from sfnwatch.tui.explain_page import Explained, Proof, Telling, Told, explained
from tests.builders import ARN, call, describe, event, sync_calls, sync_history
from tests.tui.conftest import harmless
from tests.tui.explained_runs import (
    DENIED,
    LATER,
    NOTICED,
    NOW,
    PATTERN,
    POLLING,
    POLLS,
    TIME,
    UNSEEN,
    WHOLE,
    page,
    trace_of,
)
from tests.tui.runs import HOSTILE, WIDE, branching_run, live_run, seconds


def shape(width: int = 100, **more: Any) -> Shape:
    return Shape(width, NOW, **more)


def words(lines: Iterable[Line]) -> list[str]:
    return [plain(line.pieces) for line in lines]


def keys(page_: Explained) -> frozenset[str]:
    return frozenset(each.key for t in page_.tellings for each in t.told)


def opened(page_: Explained, width: int = 100, **more: Any) -> list[str]:
    return words(explain_lines(page_, shape(width, opened=keys(page_), **more)))


# -- what is said ----------------------------------------------------------------------


def test_an_execution_is_told_from_its_verdict_to_what_could_not_be_seen() -> None:
    assert words(explain_lines(page((PATTERN, NOTICED, TIME, UNSEEN)), shape(73))) == [
        "  = fact  read off the records     ~ inference  concluded from them",
        "",
        f"▾ nightly-report › run-7f3a {'─' * 45}",
        "  ✔ SUCCEEDED after 5 min 9 s   4 findings, 1 of them inferred",
        "",
        f"  {'▓' * 57}┄░·",
        "  ▓ working 5 min 6 s, 99 %   ┄ unnoticed 1.9 s, 1 %",
        "  ░ waiting 1.2 s, <1 %   · between states 0.05 s, <1 %",
        "",
        "  Who noticed the end",
        "▸ ~ inference  The task started by ECS RunTask stopped and Step",
        "               Functions knew 1.9 s later, by an event of the managed",
        "               rule StepFunctionsGetEventsForECSTaskRule: no poll lies",
        "               in between.  [1 event, 5 calls]",
        "",
        "  What each state runs",
        "▸ = fact       ECS RunTask uses ecs:runTask.sync: it runs a job and",
        "               waits for its end.  [1 event]",
        "",
        "  Where the time went",
        "▸ = fact       Of 5 min 9 s: 5 min 6 s working, 1.3 s waiting.",
        "               [2 events]",
        "",
        "  Not seen, and why",
        "  = fact       No records of data events were read.",
    ]


def test_what_has_no_evidence_has_nothing_to_unfold() -> None:
    line = opened(page((UNSEEN,)))[-1]
    assert line.startswith("  = fact")


def test_evidence_is_told_in_the_rows_own_words_with_time_and_state() -> None:
    proved = replace(DENIED, evidence=("poll-0", "#6", "poll-4"))
    assert opened(page((proved,)), 76)[-3:] == [
        "    → 00:29:20      ECS RunTask  DescribeTasks #1  +55 s  ✘ AccessDenied  =…",
        "    → 00:33:18      ECS RunTask  DescribeTasks #5  +61 s  ✘ AccessDenied  =…",
        "    → 00:33:33.102  ECS RunTask  succeeded  noticed by event, 1.9 s after t…",
    ]


def test_a_row_that_begins_with_its_states_name_does_not_name_it_twice() -> None:
    lines = opened(page((replace(PATTERN, evidence=("#2", "#3")),)))
    assert lines[-2].startswith("    → 00:28:24.132  ECS RunTask  Task  ecs:runTask")
    assert lines[-1] == "    → 00:28:24.132  ECS RunTask  scheduled · started"


def test_what_the_lanes_do_not_have_is_marked() -> None:
    lines = opened(page((LATER, WHOLE)))
    assert "    · #9 is not in what was read" in lines
    other, run = lines[-1], lines[-2]
    assert run.startswith("    → 00:28:25  ECS RunTask  RunTask")
    assert other.startswith("    · 00:28:44               ListTasks")


def test_in_a_narrow_view_words_stand_below_their_certainty() -> None:
    lines = opened(page((replace(DENIED, evidence=("poll-0",)),)), 41)
    place = lines.index("▾ ~ inference")
    assert lines[place + 1 :] == [
        "    5 polls were denied, and ECS RunTask",
        "    succeeded all the same.  [1 call]",
        "  → 00:29:20  ECS RunTask",
        "    DescribeTasks #1  +55 s  ✘ AccessDen…",
    ]


def test_where_there_is_no_room_no_line_is_blank() -> None:
    page_ = page()
    lines = list(explain_lines(page_, shape(roomy=False)))
    assert all(line.pieces for line in lines)
    assert not any("read off the records" in line for line in words(lines))


def test_a_folded_execution_keeps_its_name_and_its_verdict() -> None:
    lines = words(explain_lines(page(), shape(closed=frozenset({ARN}))))
    assert lines[2].startswith("▸ nightly-report › run-7f3a ──")
    assert "SUCCEEDED after 5 min 9 s" in lines[3]
    assert lines[5].startswith("▾ The trace as a whole ──")


def test_very_much_evidence_is_cut_and_it_is_said_how_much() -> None:
    records = [
        call("DescribeTasks", n, key=f"c{n}", parameters={"tasks": ["x"]})
        for n in range(MOST + 7)
    ]
    many = replace(WHOLE, evidence=tuple(f"c{n}" for n in range(MOST + 7)))
    lines = opened(page((many,), trace=extend(Trace(), records)))
    assert lines[-1] == "      … 7 more of them"
    assert sum("DescribeTasks" in line for line in lines) == MOST
    assert any("[207 calls]" in line for line in lines)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ((), ""),
        (("#6",), "[1 event]"),
        (("#6", "#2", "run"), "[2 events, 1 call]"),
        (("#90",), "[1 record not here]"),
        (("#90", "y", "run"), "[1 call, 2 records not here]"),
    ],
)
def test_evidence_is_counted(ids: tuple[str, ...], said: str) -> None:
    run = page((replace(PATTERN, evidence=ids),)).tellings[0]
    assert evidence_words(next(run.told).proofs) == said


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((), "nothing can be said yet"),
        ((PATTERN,), "1 finding"),
        ((NOTICED,), "1 finding, inferred"),
        ((PATTERN, POLLING), "2 findings"),
        ((NOTICED, DENIED), "2 findings, all of them inferred"),
        ((NOTICED, PATTERN), "2 findings, 1 of them inferred"),
    ],
)
def test_findings_are_counted(found: tuple[Finding, ...], said: str) -> None:
    assert counted(page(found).tellings[0]) == said


# -- verdicts --------------------------------------------------------------------------


def said(records: Iterable[Received], *, now: float = 99) -> Piece | None:
    page_ = page((), trace=extend(Trace(), records))
    return verdict(page_.tellings[0], seconds(now))


def test_a_run_that_goes_on_is_told_for_how_long_by_now() -> None:
    assert said(live_run(), now=270) == (
        "● RUNNING for 4 min 30 s, in ECS RunTask",
        Tone.BUSY,
    )
    assert said(live_run(), now=-5) == ("● RUNNING for 0 s, in ECS RunTask", Tone.BUSY)
    assert said([describe("RUNNING")], now=9) == ("● RUNNING for 9 s", Tone.BUSY)


def test_a_failure_is_told_with_its_state_and_its_reason() -> None:
    error = "States.TaskFailed"
    cause = '{"StoppedReason": "out of memory"}'
    records = [
        *sync_history()[:5],
        event(6, "TaskFailed", 40, error=error, cause=cause),
        event(7, "ExecutionFailed", 40.1, error=error, cause=cause),
    ]
    told = said(records)
    assert told is not None
    assert told[1] is Tone.BAD
    for word in ("✘ FAILED after 40.1 s in ECS RunTask", error, "out of memory"):
        assert word in told[0]


def test_what_nothing_is_known_of_is_told_as_such() -> None:
    told = said([describe("NEW_STATUS")])
    assert told is not None
    assert told[0].startswith("○ NEW_STATUS")
    assert told[1] is Tone.DIM
    assert verdict(Telling(""), NOW) is None


# -- how it is shown -------------------------------------------------------------------


def test_times_are_told_where_the_viewer_is() -> None:
    page_ = page((PATTERN,))
    east = timezone(timedelta(hours=9))
    assert any("→ 09:28:24.132" in line for line in opened(page_, zone=east))


def test_where_a_day_ends_in_between_the_date_is_told() -> None:
    """In this zone midnight falls into the run."""
    zone = timezone(timedelta(hours=-0.5))
    lines = opened(page((replace(NOTICED, evidence=("#2", "#6")),)), zone=zone)
    assert lines[-2].startswith("    → 11-14 23:58:24.132")
    assert lines[-1].startswith("    → 11-15 00:03:33.102")


def test_names_are_masked_everywhere() -> None:
    def mask(text: str) -> str:
        for name in ("nightly-report", "run-7f3a", "ECS RunTask"):
            text = text.replace(name, "***")
        return text

    text = "\n".join(opened(page(), mask=mask))
    assert "ECS RunTask" not in text
    assert "run-7f3a" not in text
    assert "nightly-report" not in text
    assert "***" in text


def test_where_there_is_room_the_bar_stands_beside_its_words() -> None:
    lines = words(explain_lines(page((TIME,)), shape(150)))
    assert lines[5].startswith(f"  {'▓' * 35}")
    assert lines[5].endswith("  · between states 0.05 s, <1 %")
    assert cell_len(lines[5]) < 150


def test_the_signs_are_explained_as_far_as_there_is_room() -> None:
    legend = [words(explain_lines(page(), shape(width)))[0] for width in (80, 40, 16)]
    assert legend == [
        "  = fact  read off the records     ~ inference  concluded from them",
        "  = fact   ~ inference",
        "  = fact   ~ in…",
    ]


def test_without_anything_it_says_so() -> None:
    lines = list(explain_lines(explained(Trace(), NOW), shape()))
    assert "Nothing has come yet" in words(lines)[0]
    narrow = words(explain_lines(explained(Trace(), NOW), shape(12)))
    assert narrow == ["  Nothing h…"]
    assert lines[0].target is None


def test_without_a_history_calls_are_explained() -> None:
    trace = extend(Trace(), sync_calls())
    lines = opened(page((WHOLE,), trace=trace))
    assert lines[2].startswith("▾ The trace as a whole ──")
    assert any("RunTask" in line for line in lines)


# -- any width, any words --------------------------------------------------------------


ODD = st.sampled_from([HOSTILE, WIDE, "\ud800", '"><script>', "[b]", "a" * 90, ""])
FINDINGS = st.builds(
    Finding,
    kind=st.sampled_from(["noticed", "polling", "unseen", "new"]),
    certainty=st.sampled_from(Certainty),
    text=st.lists(ODD, max_size=8).map(" ".join),
    evidence=st.lists(
        ODD | st.sampled_from(["#1", "#4", "#6", *POLLS]), max_size=5
    ).map(tuple),
    execution_arn=st.sampled_from([ARN, None]),
)


@settings(deadline=None)
@given(st.lists(FINDINGS, max_size=4), st.integers(1, 320), st.booleans())
def test_no_line_is_too_long_and_none_could_harm(
    found: list[Finding],
    width: int,
    roomy: bool,  # noqa: FBT001
) -> None:
    page_ = page(tuple(found))
    for line in explain_lines(page_, shape(width, roomy=roomy, opened=keys(page_))):
        assert cells(line.pieces) <= width
        assert harmless(plain(line.pieces))


@given(st.integers(30, 320))
def test_no_word_of_a_finding_is_lost(width: int) -> None:
    lines = words(explain_lines(page(), shape(width)))
    told = "".join("".join(lines).split())
    for finding in (PATTERN, POLLING, NOTICED, DENIED, TIME, UNSEEN, LATER, WHOLE):
        if width >= 56:
            assert all(word in "".join(lines) for word in finding.text.split())
        assert "".join(finding.text.split()) in told.replace("inference", "")


@given(st.integers(1, 320))
def test_each_line_of_a_target_follows_on_the_line_before(width: int) -> None:
    page_ = page()
    targets: list[Telling | Told | Proof] = []
    for line in explain_lines(page_, shape(width, opened=keys(page_))):
        if line.target is not None and (not targets or targets[-1] is not line.target):
            targets.append(line.target)
    assert len({target.key for target in targets}) == len(targets)


def test_equal_traces_give_equal_lines() -> None:
    one, other = explained(trace_of(), NOW), explained(trace_of(), NOW)
    assert opened(one) == opened(other)
    branched = extend(Trace(), branching_run())
    assert opened(explained(branched, NOW), 60) == opened(
        explained(extend(Trace(), reversed(branching_run())), NOW), 60
    )
