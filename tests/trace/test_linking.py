"""Links that grow are those that all at once gives, and what is untouched stays."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.events import Received
from sfnwatch.trace.linking import Linking
from sfnwatch.trace.links import Rule
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import ACCOUNT, ARN, ROLE, START, TASK_ARN, call, event, sync_run
from tests.trace import linking
from tests.trace.calling import OTHER_ARN, RUN, row, started, state, trace_of

_RUNS = linking.EXECUTIONS[:2]
_Known = tuple[dict[str, list[Attempt]], dict[str, str | None], list[ApiCall]]


@st.composite
def _states(draw: st.DrawFn) -> list[_Known]:
    """Build what is known at some moments: each has a part of all, or another of it."""
    versions = [draw(linking.executions()) for _ in range(2)]
    pools = [draw(linking.calls()) for _ in range(2)]
    states: list[_Known] = []
    for _ in range(draw(st.integers(2, 5))):
        tries = {
            arn: [
                draw(st.sampled_from(versions))[arn][place]
                for place in range(min(len(v[arn]) for v in versions))
                if draw(st.integers(0, 3))
            ]
            for arn in draw(st.sets(st.sampled_from(linking.EXECUTIONS)))
        }
        roles = {
            arn: draw(st.sampled_from((None, *linking.ROLES))) for arn in sorted(tries)
        }
        calls = [
            draw(st.sampled_from(pools))[place]
            for place in range(min(map(len, pools)))
            if draw(st.integers(0, 3))
        ]
        calls.sort(key=lambda each: (each.event_time, each.event_id))
        states.append((tries, roles, calls))
    return states


@settings(max_examples=150, deadline=None)
@given(_states())
def test_any_growth_ties_as_one_by_one(states: list[_Known]) -> None:
    kept = Linking()
    for known in states:
        links = linking.tie_together(*known, linking=kept)
        assert links == linking.tie_one_by_one(*known)


_FIELDS = (
    *("visit_id", "scheduled_at", "started_at", "submitted_at", "ended_at"),
    *("request_ids", "resource_ids", "role_arn"),
)


@st.composite
def _small_changes(draw: st.DrawFn) -> list[_Known]:
    """Build what is known step by step: an attempt, a role or a call is another."""
    numbers = range(3, 6)
    tries = {arn: [draw(linking.attempts(n)) for n in numbers] for arn in _RUNS}
    roles = {arn: draw(st.sampled_from((None, *linking.ROLES))) for arn in _RUNS}
    calls = {str(key): draw(linking.call(str(key))) for key in range(6)}
    states: list[_Known] = []
    for _ in range(draw(st.integers(1, 8))):
        arn, place = draw(st.sampled_from(_RUNS)), draw(st.integers(0, 2))
        match draw(st.sampled_from("aaarcc-")):
            case "a":
                other, name = draw(linking.attempts(3)), draw(st.sampled_from(_FIELDS))
                number = draw(st.integers(1, 9)) if name == "visit_id" else None
                told: dict[str, Any] = {name: number or getattr(other, name)}
                those = list(tries[arn])
                those[place] = replace(those[place], **told)
                tries = {**tries, arn: those}
            case "r":
                roles = {**roles, arn: draw(st.sampled_from((None, *linking.ROLES)))}
            case "c":
                key = str(draw(st.integers(0, 5)))
                calls = {**calls, key: draw(linking.call(key))}
            case _:
                calls = dict(list(calls.items())[1:])
        in_order = sorted(calls.values(), key=lambda c: (c.event_time, c.event_id))
        states.append((tries, roles, in_order))
    return states


@settings(max_examples=150, deadline=None)
@given(_small_changes())
def test_any_small_change_ties_as_one_by_one(states: list[_Known]) -> None:
    kept = Linking()
    for known in states:
        assert linking.tie_together(*known, linking=kept) == linking.tie_one_by_one(
            *known
        )


def _run(arn: str, seed: int, count: int, *, alike: bool) -> list[Received]:
    """Build an execution of tasks, and calls of which some name what is theirs."""
    dice = random.Random(seed)  # noqa: S311 - it picks test cases
    records, at = started(arn, dice.choice((ROLE, f"{ROLE}-2"))), 0.0
    for number in range(count):
        at += dice.choice((0.2, 1, 30))
        job = f"{TASK_ARN}{dice.randrange(3) if alike else (seed, number)}"
        request = f"r-{seed}-{number}"
        output: dict[str, Any] = {"SdkResponseMetadata": {"RequestId": request}}
        output["Tasks"] = [{"TaskArn": job}]
        task = {"resourceType": "ecs", "resource": "runTask.sync"}
        first = 2 + 5 * number
        kinds: list[tuple[str, float, dict[str, Any]]] = [
            ("TaskStateEntered", 0.0, {"name": "S"}),
            ("TaskScheduled", 0.0, task),
            ("TaskStarted", 0.1, task),
            ("TaskSubmitted", 1.0, {**task, "output": output}),
            ("TaskSucceeded", 20.0, {**task, "output": {"TaskArn": job}}),
        ]
        for place, (kind, later, details) in enumerate(kinds):
            told: dict[str, Any] = {
                key: json.dumps(value) if key == "output" else value
                for key, value in details.items()
            }
            records.append(event(first + place, kind, at + later, arn=arn, **told))
        named = dice.choice((None, {"tasks": [job]}))
        asked = dice.choice((request, None, "r-elsewhere"))
        key = f"{arn[-4:]}-{seed}-{number}"
        made = call("RunTask", at, key=key, request_id=asked, parameters={"c": "c"})
        poll = call("DescribeTasks", at + 9, key=f"{key}-p", parameters=named)
        records += [made, poll, row(dice.choice(("RunTask", "StopTask")), at + 1)]
        if not dice.randrange(4):
            records.append(call("DescribeTasks", at, key=f"{key}-x", invoked_by=None))
    return records


def _one_by_one(trace: Trace) -> dict[str, Any]:
    return linking.tie_one_by_one(
        {arn: t.visits.attempts for arn, t in trace.histories.items()},
        {arn: t.role_arn for arn, t in trace.histories.items()},
        trace.ordered_calls,
    )


def _batches(records: list[Received], dice: random.Random) -> Iterator[list[Received]]:
    while records:
        size = dice.randint(1, max(1, len(records) // 2))
        yield records[:size]
        records = records[size:]


@settings(max_examples=40, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.integers(0, 2**16),
    st.integers(1, 5),
    st.booleans(),
    st.booleans(),
)
def test_traces_that_grow_in_any_order_are_tied_as_one_by_one(
    dice: random.Random,
    seed: int,
    count: int,
    alike: bool,  # noqa: FBT001
    shuffled: bool,  # noqa: FBT001
) -> None:
    records = _run(ARN, seed, count, alike=alike)
    records += _run(OTHER_ARN, seed + 1, count, alike=alike)
    records += dice.sample(records, len(records) // 3)
    if shuffled:
        dice.shuffle(records)
    else:
        records.sort(key=lambda record: record.at or START)
    trace, seen = Trace(), list[Trace]()
    for batch in _batches(records, dice):
        trace = extend(trace, batch)
        assert trace.links == _one_by_one(trace)
        seen.append(trace)
    # An earlier value may be asked again, by what knows of later ones.
    for earlier in dice.sample(seen, len(seen)):
        assert replace(earlier).links == _one_by_one(earlier)


def test_where_nothing_is_tied_otherwise_the_links_are_the_very_same() -> None:
    trace = extend(Trace(), sync_run())
    more = extend(trace, [event(9, "PassStateEntered", 400, name="P")])
    assert more.histories is not trace.histories
    assert more.links is trace.links


def test_what_is_tied_as_before_keeps_its_very_link() -> None:
    records = [*sync_run(), *_run(OTHER_ARN, 1, 5, alike=True)]
    trace = extend(Trace(), records)
    for record in (*_run(OTHER_ARN, 1, 7, alike=True), row("StopTask", 40)):
        grown = extend(trace, [record])
        for name in grown.links.keys() & trace.links.keys():
            old, new = trace.links[name], grown.links[name]
            assert new is old or new != old
        trace = grown
    assert trace.links == _one_by_one(trace)


def test_a_call_that_came_before_its_attempt_is_tied_when_that_comes() -> None:
    records = sync_run()
    calls = [record for record in records if record.source == "lookup"]
    others = [record for record in records if record.source != "lookup"]
    early = extend(Trace(), calls)
    assert early.links == {}
    grown = early
    for record in others:
        grown = extend(grown, [record])
        assert grown.links == _one_by_one(grown)
    assert {link.rule for link in grown.links.values()} == {
        Rule.REQUEST_ID,
        Rule.RESOURCE_ID,
    }


def test_a_role_that_a_second_execution_has_too_is_no_longer_the_first_s() -> None:
    noise = call("GetSamplingRules", 5, key="x", source="xray.amazonaws.com")
    alone = trace_of(started(), [noise])
    assert alone.links["x"].execution_arn == ARN
    both = extend(alone, started(OTHER_ARN))
    assert both.links["x"].execution_arn is None
    other = f"arn:aws:iam::{ACCOUNT}:role/other"
    assert "x" not in trace_of(started(role=other), [noise]).links


def test_an_action_that_is_settled_later_lets_go_of_what_was_guessed() -> None:
    output = {"SdkResponseMetadata": {"RequestId": "r-1"}}
    stray = call("RunTask", 10, key="stray", request_id="r-9")
    guessed = trace_of(started(), state(2, 10, RUN, output=output), [stray])
    assert guessed.links["stray"].rule is Rule.UNIQUE_CANDIDATE
    exact = call("RunTask", 10, key="exact", request_id="r-1")
    settled = extend(guessed, [exact])
    assert settled.links["stray"].rule is Rule.ROLE_ONLY


def test_calls_at_the_end_of_the_calendar_join_those_that_are_known() -> None:
    late = row("RunTask", 1, eventtime="9999-12-31T23:59:59Z")
    trace = extend(extend(Trace(), sync_run()), [late])
    assert trace.links == _one_by_one(trace)
    assert trace.ordered_calls[-1].event_time.year == 9999
    assert trace.ordered_calls[-1].event_time - START > timedelta(days=1)
