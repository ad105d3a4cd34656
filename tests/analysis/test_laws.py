"""What holds for the findings of any trace, at any moment, in any order of arrival."""

import json
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.sentences import comparison_findings
from sfnwatch.analysis.finding import FactOrInference, Finding
from sfnwatch.analysis.findings import find, find_in_steps
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain
from sfnwatch.analysis.topics import topic_of
from sfnwatch.model.records import EVENT_KINDS
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis
from tests.analysis.finding_in import Doubted, many_jobs, text_of, trace_of
from tests.builders import History
from tests.model.worlds import RECORDINGS, WORLDS, World, had_come, recorded
from tests.worlds.account import Wish
from tests.worlds.world import World as MadeWorld

_OF_CALLS = {
    *("polling", "calls", "denied-unknown", "failed-calls", "throttled-calls"),
    "conclusion",
}
"""Kinds that are facts only if what matches their calls proves it."""


def _facts(finding: Finding) -> str:
    """Give all of a finding but its sentence."""
    facts = {
        "kind": finding.kind,
        "execution": finding.execution_arn,
        "certainty": finding.certainty,
        "evidence": finding.evidence,
        "data": finding.data,
    }
    return json.dumps(facts, sort_keys=True)


@settings(max_examples=40)
@given(WORLDS)
def test_a_sentence_is_a_fact_only_where_the_records_alone_prove_it(
    world: World,
) -> None:
    trace = trace_of(*world.records)
    for finding in find(trace.as_of()):
        if (
            finding.certainty is not FactOrInference.FACT
            or finding.kind not in _OF_CALLS
        ):
            continue
        links = [trace.links.get(item) for item in finding.evidence]
        matched = [link for link in links if link is not None and link.key is not None]
        assert all(link.is_sure for link in matched), finding


def doubted(seed: int, share: float) -> tuple[Doubted, Doubted]:
    """Doubt some of the links of a world: as guesses, and as none."""
    trace = trace_of(*MadeWorld(Wish.of(seed)).records)
    dice = Random(seed)  # noqa: S311 - nothing secret
    calls = {call.event_id for call in trace.ordered_calls if dice.random() < share}
    return Doubted(trace, calls, matched=True), Doubted(trace, calls, matched=False)


def facts_of(blocks: Iterable[object]) -> set[str]:
    """Give the facts among them, but for what is not matched."""
    findings = (each for each in blocks if isinstance(each, Finding))
    return {
        f"{each.text} {_facts(each)}"
        for each in findings
        if each.certainty is FactOrInference.FACT and each.kind != "ambiguous"
    }


def sure_differences(comparison: Comparison) -> set[str]:
    every = comparison.differences
    return {each.text for each in every if each.certainty is FactOrInference.FACT}


SEEDS, SHARES = st.integers(0, 9999), st.sampled_from([0.1, 0.5, 1])


@settings(max_examples=80)
@given(SEEDS, SHARES)
def test_no_fact_of_explain_rests_on_a_guess(seed: int, share: float) -> None:
    guessed, unmatched = doubted(seed, share)
    assert facts_of(find(guessed)) <= facts_of(find(unmatched))
    told, known = (explain(Report(snapshot)) for snapshot in (guessed, unmatched))
    assert facts_of(told) <= facts_of(known)


@settings(max_examples=80)
@given(SEEDS, SHARES)
def test_no_fact_of_compare_rests_on_a_guess(seed: int, share: float) -> None:
    guessed, unmatched = doubted(seed, share)
    for a, b in pairwise(guessed.executions):
        told = compare((guessed, a), (guessed, b))
        known = compare((unmatched, a), (unmatched, b))
        # Not all of them are told of in sentences.
        differences = sure_differences(told)
        assert differences <= sure_differences(known)
        others = (
            each
            for each in comparison_findings(told)
            if each.text.removeprefix("First difference: ") not in differences
        )
        assert facts_of(others) <= facts_of(comparison_findings(known))


@settings(max_examples=30)
@given(WORLDS, st.randoms(use_true_random=False))
def test_findings_are_the_same_for_any_order_of_arrival(
    world: World, dice: Random
) -> None:
    records = world.records
    told = find(trace_of(*records).as_of())
    dice.shuffle(records)
    assert find(trace_of(*records).as_of()) == told


@settings(max_examples=40)
@given(WORLDS, st.floats(-1, 40), st.sampled_from(TimeAxis))
def test_findings_as_of_a_moment_are_those_of_what_had_come_by_then(
    world: World, share: float, clock: TimeAxis
) -> None:
    """Calls apart, which are matched with what is known today."""
    records = [r for r in world.records if r.kind in EVENT_KINDS]
    first = min(each.at for each in records if each.at is not None)
    snapshot = first + timedelta(seconds=share)
    trace, then = trace_of(*records), trace_of(*had_come(records, snapshot, clock))
    told = find(trace.as_of(snapshot, clock))
    expected = find(then.as_of(), snapshot)
    assert told == expected


@pytest.mark.parametrize("clock", TimeAxis)
@pytest.mark.parametrize("name", ["demo-failure", "demo-sync-denied", "demo-redrive"])
def test_an_early_moment_of_a_recording_does_not_tell_the_end(
    name: str, clock: TimeAxis
) -> None:
    trace = trace_of(*recorded(RECORDINGS[name]))
    (execution,) = trace.as_of().executions.values()
    assert execution.started_at is not None
    early = trace.as_of(execution.started_at + timedelta(seconds=30), clock)
    kinds = {finding.kind for finding in find(early)}
    told = {"noticed", "denied-but-succeeded", "redriven", "retries", "unnoticed"}
    assert not kinds & told
    text = text_of(explain(Report(early)))
    assert "RUNNING for" in text
    assert not any(word in text for word in ("FAILED", "SUCCEEDED", "stopped at"))


@settings(max_examples=20)
@given(st.text(min_size=1), st.text(), st.text())
def test_whatever_strangers_write_nothing_can_act_on_a_reader(
    name: str, error: str, cause: str
) -> None:
    run = History().start().task(name, error=error or "E", cause=cause)
    trace = trace_of(*run.end("Failed", error=error or "E", cause=cause).records)
    findings = find(trace.as_of())
    assert all(clean(finding.text) == finding.text for finding in findings)
    lines = text_of(explain(Report(trace.as_of(), findings))).splitlines()
    assert all(clean(line) == line for line in lines)


@given(WORLDS)
@settings(max_examples=20)
def test_every_finding_has_a_topic_and_ends_as_a_sentence(world: World) -> None:
    for finding in find(trace_of(*world.records).as_of()):
        assert topic_of(finding)
        assert finding.text.endswith((".", "…"))
        json.dumps(dict(finding.data), allow_nan=False)


def test_work_on_a_long_history_can_be_done_in_slices() -> None:
    snapshot = trace_of(*many_jobs(1000)).as_of()
    steps = list(find_in_steps(snapshot))
    assert steps.count(None) > 30
    assert [step for step in steps if step is not None] == find(snapshot)
