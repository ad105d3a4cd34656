"""A state machine as boxes and edges.

The boxes are those of its definition. Where the records have no definition, they are
the states that were seen, in the order in which they followed each other. Who draws a
graph lays it out (`graph_layout`); nothing here knows of cells or pixels.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.texts import clean
from sfnwatch.model.values import (
    encode_json,
    list_of,
    mapping_of,
    parse_json,
    text_of,
)
from sfnwatch.view.graph_transitions import transitions
from sfnwatch.view.inferred_definition import inferred_definition

START = "Start"
"""The type of the box where a machine starts."""
END = "End"
"""The type of the box where it ends."""
DISTRIBUTED = "Distributed Map"
"""The type of a Map whose items are executions of their own."""
_MAPS = ("Map", DISTRIBUTED)
_NAME = 80
_MOST_LEVELS = 40
"""No machine of AWS's has so many."""
_RESOURCES = (
    (":states:::", ""),
    (":function:", "lambda:"),
    (":activity:", "activity:"),
)
"""What stands in an ARN before the name of what a Task runs, and the word for it."""
EdgeKey = tuple[int, int, bool]


class Edge(Struct, eq=False):
    """All ways from one state to another that a history can't tell apart."""

    source: int
    target: int
    caught: bool
    """True where a Catch leads there."""
    labels: list[str] = field(default_factory=list)
    """What a Choice looks at, or which errors are caught; cleaned."""

    @property
    def key(self) -> EdgeKey:
        return self.source, self.target, self.caught


class Box(Struct, eq=False):
    """A state; or Start or End, by its type."""

    id: int
    name: str
    """Cleaned."""
    type: str
    runs: str = ""
    """`ecs:runTask.sync`, cleaned."""
    around: "Box | None" = None
    """The Parallel or Map that it is in."""
    inside: "list[Region]" = field(default_factory=list)
    """The branches of a Parallel, or what a Map does for each item."""
    repeats: bool = False
    """True where there is room to be kept to say how often."""

    @property
    def kind(self) -> str:
        """What stands on its border: what it runs, or its type."""
        return self.runs or self.type

    @property
    def is_state(self) -> bool:
        """False for Start and End."""
        return self.type not in {START, END}

    @property
    def depth(self) -> int:
        return 0 if self.around is None else self.around.depth + 1


class Region(Struct, eq=False):
    """States among which transitions lead: all of a machine, or a branch."""

    start: str | None = None
    """The name of the state that it begins with, if not the first box."""
    found: dict[str, Box] = field(default_factory=dict)
    """The states, by their names as they came."""
    boxes: list[Box] = field(default_factory=list)
    """Those that are directly in it."""
    edges: dict[EdgeKey, Edge] = field(default_factory=dict)

    def connect(self, source: Box, target: Box, *, caught: bool = False) -> Edge:
        """Add a transition, or find the one that is there."""
        key = source.id, target.id, caught
        return self.edges.setdefault(key, Edge(*key))


class Graph:
    """The boxes and edges of one definition."""

    def __init__(self, definition: str, *, inferred: bool = False) -> None:
        """`inferred` says that it was put together of what was seen."""
        self.definition = definition
        self.inferred = inferred
        self.boxes: dict[int, Box] = {}
        self.main = Region()
        self.start = self._add(self.main, Box(0, START, START))
        machine = mapping_of(parse_json(definition))
        self._read(self.main, machine, None)
        self.end = self._add(self.main, Box(0, END, END))
        first = self.main.found.get(text_of(machine.get("StartAt")) or "")
        if first is not None:
            self.main.connect(self.start, first)
        for name, value in mapping_of(machine.get("States")).items():
            state = mapping_of(value)
            ends = text_of(state.get("Type")) in {"Succeed", "Fail"}
            if ends or state.get("End") is True:
                self.main.connect(self.main.found[name], self.end)

    @property
    def regions(self) -> Iterator[Region]:
        """Yield all of it, and then what is inside of each state."""
        yield self.main
        for box in self.boxes.values():
            yield from box.inside

    @property
    def edges(self) -> Iterator[Edge]:
        """Yield all edges."""
        for region in self.regions:
            yield from region.edges.values()

    def _add(self, region: Region, box: Box) -> Box:
        box.id = len(self.boxes)
        self.boxes[box.id] = box
        region.boxes.append(box)
        return box

    def _read(
        self, region: Region, machine: Mapping[str, Any], around: Box | None
    ) -> None:
        in_map = around is not None and (around.repeats or around.type in _MAPS)
        given = mapping_of(machine.get("States"))
        states = {name: mapping_of(state) for name, state in given.items()}
        for name, state in states.items():
            kind = clean(text_of(state.get("Type")) or "", _NAME)
            kind = "state" if kind in {"", START, END} else kind
            runs = _runs(text_of(state.get("Resource")) or "")
            box = self._add(region, Box(0, clean(name, _NAME), kind, runs, around))
            box.repeats = in_map or "Retry" in state
            region.found[name] = box
            if box.depth < _MOST_LEVELS:
                self._read_inside(box, state)
        for name, state in states.items():
            for following, caught, label in transitions(state):
                target = region.found.get(following or "")
                if target is not None:
                    edge = region.connect(region.found[name], target, caught=caught)
                    edge.labels += [label] if label not in {"", *edge.labels} else []

    def _read_inside(self, box: Box, state: Mapping[str, Any]) -> None:
        # Iterator is the older name of ItemProcessor.
        processor = mapping_of(state.get("ItemProcessor") or state.get("Iterator"))
        mode = mapping_of(processor.get("ProcessorConfig")).get("Mode")
        box.type = DISTRIBUTED if mode == "DISTRIBUTED" else box.type
        machines = [*list_of(state.get("Branches")), processor]
        for machine in filter(None, map(mapping_of, machines)):
            box.inside.append(Region(text_of(machine.get("StartAt"))))
            self._read(box.inside[-1], machine, box)


def _runs(resource: str) -> str:
    """Name what a Task runs as its definition does; a function by its own name."""
    for mark, word in _RESOURCES:
        _, marked, name = resource.partition(mark)
        if marked:
            return clean(word + name, _NAME)
    return clean(resource, _NAME)


def graph_of(execution: ExecutionAsOf) -> Graph:
    """Give the graph of an execution's machine, or of what was seen of it."""
    definition = execution.definition_text
    if mapping_of(mapping_of(parse_json(definition)).get("States")):
        return Graph(definition or "")
    return Graph(encode_json(inferred_definition(execution)).decode(), inferred=True)
