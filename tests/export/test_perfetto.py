"""Perfetto: bars that nest, arrows that do not run back, and facts behind each."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given

from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, export, printed
from tests.model.worlds import WORLDS, World

Event = dict[str, Any]


def events(text: str) -> list[Event]:
    found: list[Event] = json.loads(text)["traceEvents"]
    return found


def check(found: list[Event]) -> None:
    """Have all that Perfetto wants: named tracks, nested bars, whole arrows."""
    names = {(e["pid"], e["tid"]) for e in found if e["name"] == "thread_name"}
    pids = {event["pid"] for event in found}
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    arrows: dict[int, dict[str, int]] = defaultdict(dict)
    for event in found:
        if event["ph"] == "M":
            continue
        place = event["pid"], event["tid"]
        assert place in names
        assert event["tid"] not in pids
        if event["ph"] == "X":
            assert event["dur"] >= 0
            tracks[place].append((event["ts"], event["ts"] + event["dur"]))
        if event["ph"] in "sf":
            arrows[event["id"]][event["ph"]] = event["ts"]
    for bars in tracks.values():
        around: list[tuple[int, int]] = []
        for begin, end in sorted(bars, key=lambda bar: (bar[0], -bar[1])):
            while around and around[-1][1] <= begin < end:
                around.pop()
            assert not around or end <= around[-1][1] or around[-1][1] <= begin
            around.append((begin, end))
    assert all(each["s"] <= each["f"] for each in arrows.values())
    order = [event["ts"] for event in found if event["ph"] != "M"]
    assert order == sorted(order)


@pytest.mark.parametrize("name", RECORDS)
def test_every_trace_is_as_perfetto_wants_it(name: str) -> None:
    check(events(export("perfetto", name)))


@examples(20)
@given(WORLDS)
def test_so_is_any_other(world: World) -> None:
    check(events(printed("perfetto", world.records)))


def test_branches_at_the_same_time_have_tracks_of_their_own() -> None:
    overlapping = aws.history(
        "ExecutionStarted",
        "ParallelStateEntered@0 Both",
        "ParallelStateStarted@2",
        "WaitStateEntered@3 One",
        "WaitStateEntered@3 Two",
        "WaitStateExited@4 One",
        "WaitStateExited@5 Two",
        "ParallelStateExited@7 Both",
    )
    found = events(printed("perfetto", overlapping))
    tracks = {e["args"]["name"] for e in found if e["name"] == "thread_name"}
    assert tracks == {"Main", "Both · lane 1", "Both · lane 2"}


def test_states_are_nested_as_deep_as_they_like() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(1_200):
        run.add("ParallelStateEntered", name=f"P{number}")
    assert "P1199" in printed("perfetto", run.records)
