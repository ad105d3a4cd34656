"""A state machine as boxes and edges.

The boxes are the states of the definition. Without a definition in the records, they
are the states that were visited, with the transitions between them. `graph_layout`
gives boxes their places; this module has no cells and no pixels.
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

START_TYPE = "Start"
"""The type of the box where a machine starts."""
END = "End"
"""The type of the box where it ends."""
DISTRIBUTED = "Distributed Map"
"""The type of a Map that starts a child execution for each item or batch of items."""
_MAPS = ("Map", DISTRIBUTED)
_NAME = 80
_MOST_LEVELS = 40
"""The most levels of nested states that are read; real machines have fewer."""
_RESOURCES = (
    (":states:::", ""),
    (":function:", "lambda:"),
    (":activity:", "activity:"),
)
"""The part of a Resource's ARN before the name that is shown, and the word that is put
before that name."""
EdgeKey = tuple[int, int, bool]


class Edge(Struct, eq=False):
    """All transitions from one state to another that a history can't tell apart."""

    source: int
    target: int
    caught: bool
    """True for the transitions of a Catch."""
    labels: list[str] = field(default_factory=list)
    """The rules of a Choice, or the errors that are caught; cleaned."""

    @property
    def key(self) -> EdgeKey:
        return self.source, self.target, self.caught


class Box(Struct, eq=False):
    """A state, or Start or End."""

    id: int
    name: str
    """The name, cleaned."""
    type: str
    """The state's type, or `START_TYPE` or `END`."""
    runs: str = ""
    """What a Task runs, cleaned: `ecs:runTask.sync`."""
    around: "Box | None" = None
    """The Parallel or Map that the state is in."""
    inside: "list[Region]" = field(default_factory=list)
    """The branches of a Parallel, or the one region that a Map runs for each item."""
    repeats: bool = False
    """True for a state that may run several times: the box keeps room for a count."""

    @property
    def kind(self) -> str:
        """The words on the box's border: what it runs, or its type."""
        return self.runs or self.type

    @property
    def is_state(self) -> bool:
        """False for Start and End."""
        return self.type not in {START_TYPE, END}

    @property
    def depth(self) -> int:
        return 0 if self.around is None else self.around.depth + 1


class Region(Struct, eq=False):
    """States with transitions between them: a whole machine, or a branch."""

    start: str | None = None
    """The name of the first state; None for the whole machine."""
    found: dict[str, Box] = field(default_factory=dict)
    """The states by their names as in the definition, not cleaned."""
    boxes: list[Box] = field(default_factory=list)
    """The boxes directly in the region."""
    edges: dict[EdgeKey, Edge] = field(default_factory=dict)

    def connect(self, source: Box, target: Box, *, caught: bool = False) -> Edge:
        """Return the edge between two boxes; add it if there is none."""
        key = source.id, target.id, caught
        return self.edges.setdefault(key, Edge(*key))


class Graph:
    """The boxes and edges of one definition."""

    def __init__(self, definition: str, *, inferred: bool = False) -> None:
        """`inferred` is True for a definition made from the visits of a history."""
        self.definition = definition
        self.inferred = inferred
        self.boxes: dict[int, Box] = {}
        self.main = Region()
        self.start = self._add(self.main, Box(0, START_TYPE, START_TYPE))
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
        """Yield the region of the whole machine, then those inside of its states."""
        yield self.main
        for box in self.boxes.values():
            yield from box.inside

    @property
    def edges(self) -> Iterator[Edge]:
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
            kind = "state" if kind in {"", START_TYPE, END} else kind
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
    """Return what a Task runs: `ecs:runTask.sync`, `lambda:` with a function's name."""
    for mark, word in _RESOURCES:
        _, marked, name = resource.partition(mark)
        if marked:
            return clean(word + name, _NAME)
    return clean(resource, _NAME)


def graph_of(execution: ExecutionAsOf) -> Graph:
    """Return the graph of an execution's definition, else of its visited states."""
    definition = execution.definition_text
    if mapping_of(mapping_of(parse_json(definition)).get("States")):
        return Graph(definition or "")
    return Graph(encode_json(inferred_definition(execution)).decode(), inferred=True)
