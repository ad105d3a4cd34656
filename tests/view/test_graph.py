"""State machines as graphs: what is in them, how they are lit, where they stand."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.records import Received
from sfnwatch.model.texts import clean
from sfnwatch.view.graph import Box, Edge, Graph, graph_of
from sfnwatch.view.graph_layout import lay_out
from sfnwatch.view.graph_picture import PlacedBox, Wire
from sfnwatch.view.graph_progress import GraphProgress, graph_progress
from tests import builders as aws
from tests import examples
from tests.builders import at as seconds_on
from tests.model.answers import trace_of
from tests.tui.screens import recorded

NAMES = ("A", "Work", "Ask for another card", "お支払い", "end", "\x1b[31m\u202e")
NAME = st.sampled_from(NAMES) | st.text(min_size=1, max_size=3)


def named(graph: Graph, name: str) -> Box:
    """Find the box of a state."""
    return next(box for box in graph.boxes.values() if box.name == name)


def shown(
    records: "list[Received] | str", seconds: float | None = None
) -> tuple[Graph, GraphProgress, ExecutionAsOf]:
    """Give the graph of the first execution, lit as of so long after its start."""
    trace = trace_of(*(recorded(records) if isinstance(records, str) else records))
    first = next(iter(trace.as_of().roots.values()))
    begin = first.started_at
    assert begin is not None
    snapshot = trace.as_of(
        begin + (seconds_on(seconds) - seconds_on(0)) if seconds is not None else None
    )
    execution = snapshot.roots[first.arn]
    graph = graph_of(execution)
    return graph, graph_progress(graph, snapshot, execution), execution


def statuses(graph: Graph, progress: GraphProgress) -> dict[str, str]:
    return {box.name: progress.of(box).status for box in graph.boxes.values()}


def taken(graph: Graph, progress: GraphProgress) -> set[tuple[str, str]]:
    return {(graph.boxes[a].name, graph.boxes[b].name) for a, b, _ in progress.taken}


def wanted(box: Box) -> int:
    return max(len(box.name) + 2, len(box.kind) + 2)


# -- how it is lit ---------------------------------------------------------------------


def test_states_are_lit_as_of_the_moment() -> None:
    graph, progress, _ = shown("demo-pipeline", 40)
    told = statuses(graph, progress)
    assert told["Big order?"] == "succeeded"
    assert told["Prepare"] == told["Build index"] == "running"
    assert told["Each parcel"] == told["Ship"] == told["End"] == ""
    assert taken(graph, progress) == {
        ("Start", "Big order?"),
        ("Big order?", "Prepare"),
    }
    assert progress.newest.name in {"Render invoice", "Build index"}


def test_a_catch_that_was_taken_is_another_edge_than_what_follows() -> None:
    graph, progress, _ = shown("demo-pipeline")
    charge, ship = named(graph, "Charge card"), named(graph, "Ship")
    ask = named(graph, "Ask for another card")
    assert progress.of(charge).status == "caught"
    assert (charge.id, ask.id, True) in progress.taken
    assert (charge.id, ship.id, False) not in progress.taken
    edges = {edge.key: edge.labels for edge in graph.edges}
    assert edges[charge.id, ask.id, True] == ["CardDeclined"]
    assert progress.newest is graph.end


def test_iterations_tries_and_child_executions_are_counted() -> None:
    graph, progress, _ = shown("demo-pipeline")
    assert progress.of(named(graph, "Label")).counted == ["4 of 4", "1 retry"]
    graph, progress, _ = shown("demo-failure")
    assert progress.of(named(graph, "Import")).counted == ["2 tries"]
    graph, progress, _ = shown("demo-distributed")
    assert progress.of(named(graph, "Each photo")).counted == ["✘ 3", "40 of 40"]
    # Those of the 12 whose histories were read.
    assert progress.of(named(graph, "Big?")).counted == ["×12"]
    assert progress.of(named(graph, "Resize")).counted == ["✘ 3", "×11", "3 retries"]


def test_what_failed_did_not_come_to_the_end() -> None:
    graph, progress, _ = shown("demo-failure")
    told = statuses(graph, progress)
    assert told == {"Start": "succeeded", "Import": "failed", "End": ""}
    assert taken(graph, progress) == {("Start", "Import")}


def test_a_state_that_is_visited_again_stands_as_the_last_time() -> None:
    states = {
        "Work": {"Type": "Task", "Resource": "r", "Next": "Done?", "Catch": [
            {"ErrorEquals": ["States.ALL"], "Next": "Work"}]},
        "Done?": {"Type": "Choice", "Choices": [{"Next": "Work"}], "Default": "End it"},
        "End it": {"Type": "Succeed"},
    }  # fmt: skip
    run = aws.History().start().task("Work", aws.LAMBDA, caught=True, error="Busy")
    run.task("Work", aws.LAMBDA).state("Done?", "Choice").task("Work", aws.LAMBDA)
    told = aws.definition(states)
    graph, progress, _ = shown([*run.records, told])
    work = named(graph, "Work")
    assert progress.of(work).status == "succeeded"
    assert progress.of(work).counted == ["×3"]
    assert (work.id, work.id, True) in progress.taken
    loops = [placed for placed in lay_out(graph, 80, wanted).boxes if placed.loops]
    assert [placed.box for placed in loops] == [work]


# -- without a definition --------------------------------------------------------------


def test_without_a_definition_the_states_that_were_seen_are_in_order() -> None:
    run = aws.History().start().state("Check", "Choice")
    run.parallel(
        "Prepare",
        lambda branch: branch.task("Render", aws.LAMBDA),
        lambda branch: branch.state("Index", "Wait", wait=3),
    )
    run.map("Each", *[lambda item: item.task("Label", aws.LAMBDA)] * 3)
    run.task("Charge", aws.LAMBDA, caught=True, error="Declined").state(
        "Done", "Succeed"
    )
    graph, progress, _ = shown(run.end().records)
    assert graph.inferred
    around = {box.name: box.around and box.around.name for box in graph.boxes.values()}
    assert around["Render"] == around["Index"] == "Prepare"
    assert around["Label"] == "Each"
    assert set(statuses(graph, progress).values()) == {"succeeded", "caught"}
    assert named(graph, "Render").runs == "lambda:f"
    assert ("Charge", "Done") in taken(graph, progress)
    assert all(edge.key in progress.taken for edge in graph.edges)


def test_before_anything_was_entered_there_is_start_and_end() -> None:
    graph, progress, _ = shown(aws.History().start().records)
    assert statuses(graph, progress) == {"Start": "", "End": ""}


# -- what a Choice looks at ------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Variable": "$.n", "NumericGreaterThanEquals": 3}, "$.n ≥ 3"),
        ({"Variable": "$.s", "StringEqualsPath": "$.other"}, "$.s = $.other"),
        ({"Variable": "$.s", "IsPresent": False}, "$.s is not present"),
        ({"Not": {"Variable": "$.s", "IsNull": True}}, "not $.s is null"),
        ({"Condition": "{% $n > 3 %}"}, "$n > 3"),
        ({"Variable": "$.n", "Comment": "large"}, "large"),
        ({"And": [{"Comment": "a"}, {"Comment": "b"}]}, "a and b"),
        ({"Next": "x"}, ""),
    ],
)  # fmt: skip
def test_a_rule_is_said_in_a_few_words(rule: Mapping[str, Any], words: str) -> None:
    states = {
        "A": {"Type": "Choice", "Choices": [{**rule, "Next": "B"}]},
        "B": {"Type": "Succeed"},
    }
    graph = Graph(json.dumps({"StartAt": "A", "States": states}))
    edge = next(e for e in graph.edges if e.source == named(graph, "A").id)
    assert edge.labels == ([words] if words else [])


# -- what is folded --------------------------------------------------------------------


def test_frames_are_folded_until_there_is_room() -> None:
    branches = [
        {"StartAt": f"B{n}", "States": {f"B{n}": {"Type": "Pass", "End": True}}}
        for n in range(9)
    ]
    states = {"All": {"Type": "Parallel", "Branches": branches, "End": True}}
    graph = Graph(json.dumps({"StartAt": "All", "States": states}))
    assert lay_out(graph, 200, wanted).boxes[1].framed
    narrow = lay_out(graph, 80, wanted)
    assert narrow.width <= 80
    assert [p.framed for p in narrow.boxes] == [False] * 3
    # What somebody opens stays open, and is scrolled to.
    number = named(graph, "All").id
    assert lay_out(graph, 80, wanted, {number: False}).width > 80


# -- laws ------------------------------------------------------------------------------


@st.composite
def machines(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """Write a machine, whose transitions lead anywhere."""
    names = draw(st.lists(NAME, max_size=7, unique=True))
    somewhere = st.sampled_from([*names, "nowhere"])
    states: dict[str, Any] = {}
    for name in names:
        kinds = ["Task", "Choice", "Succeed", *(["Parallel", "Map"] if depth else [])]
        state: dict[str, Any] = {"Type": draw(st.sampled_from(kinds))}
        if state["Type"] == "Choice":
            rules = draw(st.lists(somewhere, max_size=3))
            state["Choices"] = [{"Comment": name, "Next": to} for to in rules]
            state["Default"] = draw(somewhere)
        elif state["Type"] != "Succeed":
            state |= {"Next": draw(somewhere)} if draw(st.booleans()) else {"End": True}
            caught = draw(st.lists(somewhere, max_size=1))
            state["Catch"] = [{"Next": to} for to in caught]
        if state["Type"] == "Parallel":
            inner = machines(depth - 1)
            state["Branches"] = draw(st.lists(inner, max_size=3))
        elif state["Type"] == "Map":
            state["ItemProcessor"] = draw(machines(depth - 1))
        states[name] = state
    return {"StartAt": draw(somewhere), "States": states}


def inside(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from state.get("Branches", [])
    yield from filter(None, [state.get("ItemProcessor")])


def states_in(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        for each in inside(state):
            yield from states_in(each)


def ways_in(machine: Mapping[str, Any]) -> int:
    """Count the transitions that a history can tell apart."""
    count = 0
    for state in machine["States"].values():
        known = machine["States"].keys()
        plain = {rule["Next"] for rule in state.get("Choices", [])}
        plain |= {state.get("Default"), state.get("Next")}
        caught = {each["Next"] for each in state.get("Catch", [])}
        count += len(plain & known) + len(caught & known)
        count += sum(map(ways_in, inside(state)))
    return count


def ends_in(machine: Mapping[str, Any]) -> int:
    ends = (s.get("End") or s["Type"] == "Succeed" for s in machine["States"].values())
    return sum(map(bool, ends)) + (machine["StartAt"] in machine["States"])


@examples(40)
@given(machines())
def test_every_state_has_one_box_and_every_transition_one_edge(machine: Any) -> None:
    graph = Graph(json.dumps(machine))
    boxes = [b for b in graph.boxes.values() if b.type not in {"Start", "End"}]
    assert len(boxes) == len(list(states_in(machine)))
    assert len(list(graph.edges)) == ways_in(machine) + ends_in(machine)
    words = "".join(box.name + box.kind for box in graph.boxes.values())
    labels = "".join(label for edge in graph.edges for label in edge.labels)
    assert clean(words + labels) == words + labels


def cells(placed: PlacedBox) -> set[tuple[int, int]]:
    """Give the cells of a box, and of a frame those of its border."""
    xs = range(placed.x, placed.x + placed.width)
    ys = range(placed.y, placed.y + placed.height)
    inner = {(x, y) for x in xs[1:-1] for y in ys[1:-1]} if placed.framed else set()
    return {(x, y) for x in xs for y in ys} - inner


@examples(25)
@given(machines(), st.integers(30, 200))
def test_boxes_and_edges_keep_off_each_other_and_inside_the_picture(
    machine: Any, width: int
) -> None:
    graph = Graph(json.dumps(machine))
    picture = lay_out(graph, width, wanted)
    assert picture.width <= width or not any(p.framed for p in picture.boxes)
    covered = [cells(placed) for placed in picture.boxes]
    for one, other in combinations(covered, 2):
        assert not one & other
    taken_up = set[tuple[int, int]]().union(*covered)
    for x, y in taken_up:
        assert 0 <= x < picture.width and 0 <= y < picture.height  # noqa: PT018
    by_id = {placed.box.id: placed for placed in picture.boxes}
    for wire in picture.wires:
        for (x, y), (to_x, to_y) in pairwise(wire.points):
            assert x == to_x or y == to_y
            way = {
                (cx, cy)
                for cx in range(min(x, to_x), max(x, to_x) + 1)
                for cy in range(min(y, to_y), max(y, to_y) + 1)
            }
            assert not way & taken_up
        if wire.points and wire.edge.source in by_id and wire.edge.target in by_id:
            source, target = by_id[wire.edge.source], by_id[wire.edge.target]
            assert (wire.points[0][1] == source.y - 1) is wire.up
            assert (wire.points[-1][1] == target.y + target.height) is wire.up


def steps_of(wire: Wire) -> Iterator[frozenset[tuple[int, int]]]:
    """Yield the steps of an edge from cell to cell."""
    for begin, end in pairwise(wire.points):
        at = begin
        while at != end:
            before, (x, y) = at, at
            at = x + (end[0] > x) - (end[0] < x), y + (end[1] > y) - (end[1] < y)
            yield frozenset({before, at})


@examples(25)
@given(machines(depth=0))
def test_edges_share_a_line_only_where_each_source_leads_to_each_target(
    machine: Any,
) -> None:
    picture = lay_out(Graph(json.dumps(machine)), 300, wanted)
    ways = {(wire.edge.source, wire.edge.target) for wire in picture.wires}
    shared: defaultdict[frozenset[tuple[int, int]], list[Edge]] = defaultdict(list)
    for wire in picture.wires:
        for step in steps_of(wire):
            shared[step].append(wire.edge)
    for edges in shared.values():
        for one, other in combinations(edges, 2):
            assert (one.source, other.target) in ways
            assert (other.source, one.target) in ways


@pytest.mark.parametrize("name", ["demo-pipeline", "demo-distributed", "demo-redrive"])
def test_at_each_moment_what_was_taken_leads_to_what_was_reached(name: str) -> None:
    for seconds in range(0, 240, 20):
        graph, progress, _ = shown(name, seconds)
        for source, target, _ in progress.taken:
            assert progress.of(graph.boxes[source]).status
            assert progress.of(graph.boxes[target]).status


@pytest.mark.parametrize(
    "text",
    [
        '{"States": {"A": {"Type": "Start"}}}',
        '{"States": {"A": {"Type": ["Task"]}}}',
        "",
        "[]",
        '{"States": 3}',
        '{"States": {"A": 3}}',
        "[" * 2000,
        "null",
    ],
)
def test_what_is_no_definition_is_a_graph_of_little(text: str) -> None:
    kinds = [box.kind for box in Graph(text).boxes.values()]
    assert kinds in (["Start", "End"], ["Start", "state", "End"])


def test_of_a_tangled_machine_long_edges_are_left_out_and_counted() -> None:
    names = [f"s{number}" for number in range(120)]
    states = {
        name: {"Type": "Choice", "Choices": [{"Next": each} for each in names[n + 1 :]]}
        for n, name in enumerate(names)
    }
    graph = Graph(json.dumps({"StartAt": "s0", "States": states}))
    picture = lay_out(graph, 100, wanted)
    edges = sum(1 for _ in graph.edges)
    assert picture.left_out > 0
    assert len(picture.wires) + picture.left_out == edges
    reached = {graph.boxes[wire.edge.target].name for wire in picture.wires}
    assert reached >= set(names)
