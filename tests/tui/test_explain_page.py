"""Findings set below what they are about, each with the rows it rests on."""

from sfnwatch.trace.findings import all_findings
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from sfnwatch.tui.explain_page import Explained, Telling, Told, Topic, explained
from tests.builders import ARN, health, sync_calls, sync_run
from tests.tui.explained_runs import (
    FOUND,
    NOTICED,
    NOW,
    PATTERN,
    POLLING,
    POLLS,
    UNSEEN,
    page,
    trace_of,
)
from tests.tui.runs import branching_run


def told(telling: Telling, kind: str) -> Told:
    return next(each for each in telling.told if each.finding.kind == kind)


def test_who_noticed_comes_first_and_what_nobody_knows_last() -> None:
    run, whole = page().tellings
    assert list(run.topics) == [
        Topic.NOTICED,
        Topic.PATTERN,
        Topic.CALLS,
        Topic.TIME,
        Topic.UNSEEN,
        Topic.ALSO,
    ]
    kinds = [each.finding.kind for each in run.topics[Topic.NOTICED]]
    assert kinds == ["noticed", "denied-but-succeeded"]
    assert told(run, "of-a-later-version") in run.topics[Topic.ALSO]
    assert whole.timeline is None
    assert [each.finding.kind for each in whole.told] == ["lag"]


def test_no_finding_is_lost_and_none_told_twice() -> None:
    found = [each.finding for telling in page().tellings for each in telling.told]
    assert sorted(f.kind for f in found) == sorted(f.kind for f in FOUND)


def test_all_that_is_found_is_told() -> None:
    for records in (sync_run(), branching_run(), sync_calls(), []):
        trace = extend(Trace(), records)
        page_ = explained(trace, NOW)
        found = [each.finding for t in page_.tellings for each in t.told]
        assert len(found) == len(all_findings(trace))
        assert [t.key for t in page_.tellings if t.timeline] == list(trace.timelines)


def test_lanes_that_somebody_has_need_not_be_made_again() -> None:
    trace = trace_of()
    assert explained(trace, NOW, build_lanes(trace)) == explained(trace, NOW)


def test_evidence_is_in_the_order_of_time_and_each_row_there_once() -> None:
    run = page((replace(NOTICED, evidence=("#6", *POLLS, "#6", "poll-0")),)).tellings[0]
    ids = [proof.id for proof in told(run, "noticed").proofs]
    assert ids == [*POLLS, "#6"]


def test_an_event_that_was_joined_into_another_row_leads_to_that() -> None:
    """Scheduled and started are one row, and so are exited and succeeded."""
    run = page((replace(PATTERN, evidence=("#4", "#3", "#1")),)).tellings[0]
    first, second = told(run, "pattern").proofs
    assert first.row is not None
    assert first.row.key == f"{ARN}#1"
    assert second.row is not None
    assert second.row.key == f"{ARN}#3"
    assert first.there
    assert second.there


def test_the_key_of_what_can_be_gone_to_is_one_of_the_lanes() -> None:
    lanes = build_lanes(trace_of())
    for telling in page().tellings:
        for each in telling.told:
            for proof in each.proofs:
                known = proof.row is not None and proof.row.key in lanes.positions
                assert known == proof.there


def test_a_call_that_the_lanes_leave_out_is_told_of_all_the_same() -> None:
    whole = page().tellings[-1]
    other = next(p for p in told(whole, "lag").proofs if p.id == "other")
    assert other.row is not None
    assert other.row.call is not None
    assert other.row.call.event_name == "ListTasks"
    assert not other.there


def test_what_is_not_in_the_trace_is_said_to_be_missing_and_comes_last() -> None:
    proofs = told(page().tellings[0], "of-a-later-version").proofs
    assert [(p.id, p.row, p.there) for p in proofs] == [
        ("#9", None, False),
        ("x", None, False),
    ]


def test_an_event_may_be_named_with_its_execution() -> None:
    whole = replace(UNSEEN, execution_arn=None, evidence=(f"{ARN}#6", "#6"))
    first, second = told(page((whole,)).tellings[1], "unseen").proofs
    assert first.row is not None
    assert first.row.key == f"{ARN}#6"
    assert second.row is None


def test_a_finding_keeps_its_key_while_its_words_change() -> None:
    twice = (POLLING, replace(POLLING, data={"visit": 9}), POLLING)
    later = tuple(replace(each, text="more", evidence=()) for each in twice)
    before, after = page(twice).tellings[0], page(later).tellings[0]
    keys = [each.key for each in before.told]
    assert keys == [each.key for each in after.told]
    assert len(set(keys)) == 3


def test_a_finding_of_an_execution_that_is_not_here_is_told_of_the_whole() -> None:
    elsewhere = replace(POLLING, execution_arn=f"{ARN}-other")
    assert [t.timeline is None for t in page((elsewhere,)).tellings] == [False, True]


def test_only_executions_calls_and_health_are_a_reason_to_look_again() -> None:
    trace = trace_of()
    page_ = explained(trace, NOW)
    assert page_.tells_of(trace)
    assert page_.tells_of(extend(trace, []))
    more = extend(trace, [health("lookup", "live", 700)])
    assert not page_.tells_of(more)
    assert not Explained().tells_of(trace)
