"""Trace events for Perfetto: bars that nest, arrows where calls are tied."""

import json
from collections import defaultdict
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.export.perfetto import dump
from sfnwatch.export.perfetto_tracks import pack
from sfnwatch.trace.events import Received
from sfnwatch.trace.findings import findings
from sfnwatch.trace.timeline import Timeline, Trace, extend
from tests.builders import ARN, ROLE, START, call, event, sync_history, sync_run
from tests.trace.machines import Run, Sequence, machines
from tests.viewers.traces import TASK, TRACES, in_one_second, many_items

Event = dict[str, Any]
_LIFE = ("Scheduled", "Started", "Succeeded")
BEGIN = int(START.timestamp() * 1000) * 1000


def printed(trace: Trace) -> str:
    out = StringIO()
    dump(trace, out)
    return out.getvalue()


def events(trace: Trace) -> list[Event]:
    found: list[Event] = json.loads(printed(trace))["traceEvents"]
    return found


def bars(found: list[Event]) -> list[Event]:
    return [event for event in found if event["ph"] == "X"]


def named(found: list[Event], what: str) -> list[Any]:
    (key,) = {"process_name": ["name"], "thread_name": ["name"]}[what]
    return [event["args"][key] for event in found if event["name"] == what]


def check_nesting(found: list[Event]) -> None:
    """Fail where a bar begins on its track before another ends, but ends after it."""
    tracks: dict[tuple[int, int], list[Event]] = defaultdict(list)
    for bar in bars(found):
        tracks[bar["pid"], bar["tid"]].append(bar)
    for track in tracks.values():
        ends: list[int] = []
        for bar in track:
            while ends and ends[-1] <= bar["ts"]:
                ends.pop()
            end = bar["ts"] + bar["dur"]
            assert not ends or end <= ends[-1]
            ends.append(end)


def check_arrows(found: list[Event]) -> None:
    """Fail where an arrow has no end, runs back, or begins on no bar."""
    places = {"s": dict[int, int](), "f": dict[int, int]()}
    for place, arrow in enumerate(found):
        if arrow["ph"] in places:
            places[arrow["ph"]][arrow["id"]] = place
    assert places["s"].keys() == places["f"].keys()
    for number, place in places["s"].items():
        tail, head = found[place], found[places["f"][number]]
        assert place < places["f"][number]
        assert tail["ts"] <= head["ts"]
        tick = found[place - 1]
        assert (tick["cat"], tick["ts"], tick["tid"]) == (
            "made",
            tail["ts"],
            tail["tid"],
        )
        assert any(
            bar["tid"] == tail["tid"]
            and bar["ts"] <= tail["ts"] <= bar["ts"] + bar["dur"]
            for bar in bars(found)
        )


def summary(found: list[Event]) -> list[tuple[str, str, int, int]]:
    return [
        (event["cat"], event["name"], event["ts"] - BEGIN, event["dur"])
        for event in bars(found)
    ]


def test_the_seeds_run_in_bars() -> None:
    found = events(TRACES["sync"])
    assert summary(found) == [
        ("execution", "run-7f3a", 0, 309_050_000),
        ("state", "ECS RunTask", 30_000, 308_990_000),
        ("try", "ecs:runTask.sync", 30_000, 308_970_000),
        ("waiting", "waiting", 30_000, 1_170_000),
        ("action", "RunTask", 898_000, 302_000),
        ("working", "working", 1_200_000, 305_900_000),
        ("noticing", "noticing", 307_100_000, 1_900_000),
        ("waiting", "waiting", 309_000_000, 20_000),
    ]
    assert named(found, "process_name") == ["nightly-report › run-7f3a"]
    assert named(found, "thread_name") == ["Main", "calls · ecs"]


def test_polls_are_points_at_their_seconds() -> None:
    points = [event for event in events(TRACES["sync"]) if event.get("cat") == "poll"]
    assert [point["name"] for point in points] == [
        f"DescribeTasks #{number}" for number in range(1, 6)
    ]
    assert points[0]["ts"] - BEGIN == 55_898_000
    assert points[0]["args"]["event_time"] == "2023-11-15T00:29:20.000Z"
    assert "whole seconds" in points[0]["args"]["time_resolution"]


def test_polls_of_one_second_lie_a_microsecond_apart() -> None:
    found = events(extend(Trace(), in_one_second(3)))
    polls = [e for e in found if e.get("cat") == "poll"]
    three = [poll["ts"] for poll in polls if "00:30:04" in poll["args"]["event_time"]]
    assert [at - three[0] for at in three] == [0, 1, 2]


def test_arrows_say_by_which_rule_a_call_is_tied() -> None:
    found = events(TRACES["sync"])
    check_arrows(found)
    ticks = [event for event in found if event.get("cat") == "made"]
    rules = [tick["args"]["rule"] for tick in ticks]
    assert rules == ["request-id", *["resource-id"] * 5]
    assert [tick["name"] for tick in ticks][:2] == ["→ RunTask", "→ DescribeTasks #1"]


def test_what_fits_several_tries_has_no_arrow() -> None:
    found = events(TRACES["ambiguous"])
    assert [event for event in found if event["ph"] in "sf"] == []
    (bar,) = [bar for bar in bars(found) if bar["name"] == "RunTask"]
    assert bar["args"]["rule"] == "ambiguous"
    assert bar["args"]["candidates"] == [f"{ARN}#3", f"{ARN}-2#3"]
    assert named(found, "process_name")[-1] == "calls of no one execution"


def test_what_only_the_role_ties_has_no_arrow() -> None:
    other = call("GetKey", 3, key="other", source="kms.amazonaws.com")
    found = events(extend(Trace(), [*sync_history(), other]))
    assert [event for event in found if event["ph"] in "sf"] == []
    assert "GetKey" in {bar["name"] for bar in bars(found)}


def test_errors_are_marked() -> None:
    denied = events(TRACES["denied"])
    polls = [event for event in denied if event.get("cat") == "poll"]
    assert {poll["cname"] for poll in polls} == {"terrible"}
    assert polls[0]["name"] == "DescribeTasks #1  ✘ AccessDenied"
    tries = [bar for bar in bars(events(TRACES["failing"])) if bar["cat"] == "try"]
    assert [(bar["name"], bar["cname"]) for bar in tries] == [
        ("ecs:runTask.sync", "terrible"),
        ("ecs:runTask.sync · try 2", "terrible"),
    ]
    assert {bar["args"]["error"] for bar in tries} == {"States.TaskFailed"}


def test_the_gap_between_two_tries_is_backing_off() -> None:
    gaps = [bar for bar in bars(events(TRACES["failing"])) if bar["dur"] == 2_000_000]
    assert [gap["name"] for gap in gaps] == ["backing off"]


def test_what_runs_is_open_to_the_last_moment_known() -> None:
    found = bars(events(TRACES["running"]))
    (whole,) = [bar for bar in found if bar["cat"] == "execution"]
    assert "stopped_at" not in whole["args"]
    (working,) = [bar for bar in found if bar["cat"] == "working"]
    assert working["args"]["end"] == "still running"
    assert whole["ts"] + whole["dur"] == working["ts"] + working["dur"]


def test_findings_stand_with_the_execution_and_with_their_state() -> None:
    whole, state, *_ = bars(events(TRACES["sync"]))
    told = findings(TRACES["sync"], TRACES["sync"].timelines[ARN])
    assert whole["args"]["findings"] == [f"{f.certainty}: {f.text}" for f in told]
    own = [f.text for f in told if f.data.get("visit") == 2]
    assert own
    assert state["args"]["findings"] == own


def test_executions_are_processes_of_their_own() -> None:
    found = events(TRACES["two"])
    first, second, *_ = named(found, "process_name")
    assert (first, second) == (
        "nightly-report › run-7f3a",
        "nightly-report › run-7f3a-2",
    )
    tids = [event["tid"] for event in found if event["name"] == "thread_name"]
    assert len(tids) == len(set(tids))
    assert not set(tids) & {event["pid"] for event in found}


def test_calls_of_others_are_counted() -> None:
    stranger = call("RunTask", 1, key="x", role=f"{ROLE}-other", invoked_by=None)
    document = json.loads(printed(extend(Trace(), [*sync_history(), stranger])))
    assert document["otherData"]["calls_hidden"] == 1


def test_iterations_hand_their_tracks_on() -> None:
    found = events(extend(Trace(), many_items(400, 40)))
    check_nesting(found)
    lanes = [f"Each · lane {number}" for number in range(1, 41)]
    assert named(found, "thread_name") == ["Main", *lanes]


def test_iterations_one_by_one_lie_on_the_maps_own_track() -> None:
    found = events(extend(Trace(), many_items(5, 1)))
    assert named(found, "thread_name") == ["Main"]
    check_nesting(found)


def test_branches_have_their_numbers() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{}"),
        event(2, "ParallelStateEntered", 1, name="Both"),
        event(3, "ParallelStateStarted", 1),
        event(4, "PassStateEntered", 1, name="A", previous=3),
        event(5, "WaitStateEntered", 1, name="B", previous=3),
        event(6, "PassStateExited", 2, name="A", previous=4),
        event(7, "WaitStateExited", 3, name="B", previous=5),
    ]
    found = events(extend(Trace(), records))
    tracks = ["Main", "Both · branch 0", "Both · branch 1"]
    assert named(found, "thread_name") == tracks


def test_a_lane_is_free_when_the_bar_on_it_ends() -> None:
    at = [START + timedelta(seconds=second) for second in range(5)]
    assert pack([(at[0], at[1]), (at[1], at[2])]) == [0, 0]
    assert pack([(at[0], at[2]), (at[1], at[3]), (at[2], at[4])]) == [0, 1, 0]
    assert pack([]) == []


def test_states_that_take_no_time_stand_a_microsecond_apart() -> None:
    states = [bar for bar in bars(events(TRACES["no time"])) if bar["cat"] == "state"]
    assert [(bar["name"], bar["ts"] - BEGIN) for bar in states] == [
        ("One", 1_000_000),
        ("Two", 1_000_001),
        ("Three", 1_000_002),
        ("Wait", 1_000_003),
        ("Last", 3_000_000),
    ]


def test_a_task_behind_such_a_state_keeps_its_tries_inside() -> None:
    records = [
        event(1, "ExecutionStarted", 0, input="{}"),
        event(2, "PassStateEntered", 1, name="Quick"),
        event(3, "PassStateExited", 1, name="Quick"),
        event(4, "TaskStateEntered", 1, name="Work", previous=3),
        *(event(5 + n, f"Task{kind}", 1 + n, **TASK) for n, kind in enumerate(_LIFE)),
        event(8, "TaskStateExited", 4, name="Work"),
    ]
    found = events(extend(Trace(), records))
    check_nesting(found)
    (state,) = [bar for bar in bars(found) if bar["name"] == "Work"]
    (attempt,) = [bar for bar in bars(found) if bar["cat"] == "try"]
    assert state["ts"] == attempt["ts"] == BEGIN + 1_000_001


@settings(max_examples=60, deadline=None)
@given(
    machines(), st.integers(0, 2**32), st.sampled_from([0.0, 0.2]), st.integers(1, 4)
)
def test_bars_of_any_run_nest(
    machine: Sequence, seed: int, failing: float, quarters: int
) -> None:
    run = Run(machine, seed, failing, alike=True)
    told = run.events[: len(run.events) * quarters // 4]
    timeline = Timeline(ARN, {event.id: event for event in told})
    found = events(Trace(histories={ARN: timeline}))
    check_nesting(found)
    states = [bar for bar in bars(found) if bar["cat"] == "state"]
    assert len(states) == len(list(timeline.visits))


@pytest.mark.parametrize("name", TRACES)
def test_every_trace_gives_whole_numbers_bars_that_nest_and_clean_words(
    name: str,
) -> None:
    text = printed(TRACES[name])
    found = json.loads(text)["traceEvents"]
    check_nesting(found)
    check_arrows(found)
    times = [event[key] for event in found for key in ("ts", "dur") if key in event]
    assert all(isinstance(time, int) and time >= 0 for time in times)
    assert text.replace("\n", "").isprintable()


@settings(max_examples=20, deadline=None)
@given(st.permutations(sync_run()))
def test_equal_traces_give_equal_texts(records: list[Received]) -> None:
    assert printed(extend(Trace(), records)) == printed(TRACES["sync"])
