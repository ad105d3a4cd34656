"""A state machine as boxes and edges, and how each of them stands at a moment.

The boxes are those of its definition or, where that is not in the records, of the
states that were seen, in the order in which they followed each other. Who draws it
lays it out (`graph_layout`); nothing here knows of cells or pixels.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.wording import plural, resource_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.map_runs import ExecutionCounts
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.values import (
    encode_json,
    int_of,
    list_of,
    mapping_of,
    parse_json,
    text_of,
)
from sfnwatch.model.visits import FAILED, StateVisit, VisitKey
from sfnwatch.view.parts import Part, Role, status_glyph

START = "Start"
"""The type of the box where a machine starts."""
END = "End"
"""The type of the box where it ends."""
DISTRIBUTED = "Distributed Map"
"""The type of a Map whose items are executions of their own."""
_MAPS = ("Map", DISTRIBUTED)
_NAME = 80
_RULE = 40
_MOST_LEVELS = 40
"""No machine of AWS's has so many."""
_MOST_RULE_PARTS = 3
"""No longer rule can be read."""
_RESOURCES = (
    (":states:::", ""),
    (":function:", "lambda:"),
    (":activity:", "activity:"),
)
"""What stands in an ARN before the name of what a Task runs, and the word for it."""
_OPERATORS = (
    ("GreaterThanEquals", "≥"),
    ("LessThanEquals", "≤"),
    ("GreaterThan", ">"),
    ("LessThan", "<"),
    ("Equals", "="),
    ("Matches", "matches"),
)
"""What the operators of a Choice end with; what they begin with is a type."""
_WORST = ("running", "failed", "timed_out", "caught", "aborted", "succeeded")
"""Of several visits at once, how a box stands by whichever comes first."""
Scope = tuple[str, int | None, int | None]
"""An execution, the visit around, and which branch or iteration of that: in it states
follow each other."""


# -- what there is to go through -------------------------------------------------------


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
            for following, caught, label in _transitions(state):
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


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[str | None, bool, str]]:
    """Yield where a state leads to, whether by a Catch, and when."""
    for rule in map(mapping_of, list_of(state.get("Choices"))):
        yield text_of(rule.get("Next")), False, clean(_rule_words(rule), _RULE)
    yield text_of(state.get("Default")), False, "Default"
    yield text_of(state.get("Next")), False, ""
    for catch in map(mapping_of, list_of(state.get("Catch"))):
        errors = filter(None, map(text_of, list_of(catch.get("ErrorEquals"))))
        yield text_of(catch.get("Next")), True, clean(", ".join(errors), _RULE)


def _rule_words(rule: Mapping[str, Any], depth: int = 0) -> str:
    """Say what a rule of a Choice looks at: `$.order.total > 1000`."""
    told = text_of(rule.get("Comment"))
    if told or depth > _MOST_RULE_PARTS:
        return told or "…"
    if text_of(rule.get("Condition")):
        return str(rule["Condition"]).strip("{}% ")
    for joint in ("And", "Or"):
        if joint in rule:
            each = map(mapping_of, list_of(rule[joint]))
            words = [_rule_words(one, depth + 1) for one in each]
            return f" {joint.lower()} ".join(words)
    if "Not" in rule:
        return f"not {_rule_words(mapping_of(rule['Not']), depth + 1)}"
    variable = text_of(rule.get("Variable")) or ""
    for key, value in rule.items():
        test = key.removesuffix("Path")
        sign = next((sign for end, sign in _OPERATORS if test.endswith(end)), None)
        if sign is not None:
            shown = value if isinstance(value, str) else encode_json(value).decode()
            return f"{variable} {sign} {shown}"
        if key.startswith("Is"):
            return f"{variable} is {'' if value else 'not '}{key[2:].lower()}"
    return variable


# -- without a definition --------------------------------------------------------------


def graph_of(execution: ExecutionAsOf) -> Graph:
    """Give the graph of an execution's machine, or of what was seen of it."""
    definition = execution.definition_text
    if mapping_of(mapping_of(parse_json(definition)).get("States")):
        return Graph(definition or "")
    return Graph(encode_json(_seen(execution)).decode(), inferred=True)


def _seen(execution: ExecutionAsOf) -> Any:
    """Put a definition together of the states that followed each other.

    What was not taken is not in it, and of what was taken not why.
    """
    whole: dict[str, Any] = {"Type": "Execution", "Branches": []}
    machines: dict[Any, dict[str, Any]] = {}
    homes: dict[int, dict[str, Any]] = {}
    before: dict[Any, StateVisit] = {}
    for visit in execution.visits:
        around = homes.get(visit.parent or 0, whole)
        place = id(around), visit.index if around["Type"] == "Parallel" else None
        if place not in machines:
            machines[place] = {"StartAt": visit.name, "States": {}}
            around["Branches"].append(machines[place])
        state = homes[visit.id] = machines[place]["States"].setdefault(
            visit.name, {"Type": visit.type, "Choices": [], "Catch": [], "Branches": []}
        )
        for attempt in visit.attempts[:1]:
            state["Resource"] = f"arn:aws:states:::{resource_words(attempt)}"
        last = before.get((visit.parent, visit.index))
        if last is not None:
            way = {"Next": visit.name}
            ways = homes[last.id]["Catch" if last.status == "caught" else "Choices"]
            ways += [] if way in ways else [way]
        before[visit.parent, visit.index] = visit
    last = before.get((None, None))
    # Of records with gaps it may be known of none that it ran in the execution itself.
    if last is not None and not execution.running:
        homes[last.id]["End"] = True
    return next(iter(whole["Branches"]), {})


# -- how it stands ---------------------------------------------------------------------


class BoxState(Struct):
    """How a box stands at a moment."""

    status: str = ""
    """In a visit's words, the worst of those that count; empty: not reached."""
    visits: int = 0
    ended: int = 0
    failed: int = 0
    retries: int = 0
    """Of the visits that are the last in their branch, iteration or loop."""
    items: int | None = None
    """How many items the Map has that it is, or is inside of."""
    counts: ExecutionCounts | None = None
    """Of a Distributed Map: how its child executions are doing."""
    last: tuple[str, StateVisit] | None = None
    """The visit that was entered last, and the execution's ARN."""

    @property
    def glyph(self) -> Part:
        return status_glyph(self.status) if self.status else Part("·", Role.DIM)

    @property
    def counted(self) -> Sequence[str]:
        """Say how often, what tells most first: `✘ 3`, `3 of 40`, `×4`, `2 tries`."""
        told = []
        counts = self.counts
        failed = counts.unsuccessful if counts else self.failed
        if failed and (counts or self.visits > 1):
            told.append(f"✘ {failed:,}")
        if counts:
            told.append(f"{counts.done:,} of {counts.total:,}")
        elif self.items is not None and self.visits:
            told.append(f"{self.ended:,} of {self.items:,}")
        elif self.visits > 1:
            told.append(f"×{self.visits:,}")
        if self.retries and self.visits == 1:
            told.append(f"{self.retries + 1} tries")
        elif self.retries:
            told.append(plural(self.retries, "retry", "retries"))
        return told


class GraphProgress:
    """A graph, and what of it is lit by the visits of an execution."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.boxes: dict[Box, BoxState] = {}
        self.taken: set[EdgeKey] = set()
        """The edges that were taken, by their keys."""
        self.box_of: dict[VisitKey, Box] = {}
        self.newest = graph.start
        """The box that was entered last; Start before any."""
        self._edges = {edge.key for edge in graph.edges}
        self._before: dict[Scope, tuple[Box, StateVisit]] = {}
        """What each scope has come to."""
        self._visits: defaultdict[Box, list[_Entered]] = defaultdict(list)

    def is_taken(self, edge: Edge) -> bool:
        return edge.key in self.taken

    def of(self, box: Box) -> BoxState:
        """Say how a box stands."""
        return self.boxes.get(box) or BoxState()

    def walk(self, execution: ExecutionAsOf, home: Box | None = None) -> None:
        """Light what an execution visits; a Map Run's are inside the Map, `home`."""
        for visit in execution.visits:
            around = home
            if visit.parent is not None:
                around = self.box_of.get((execution.arn, visit.parent))
                if around is None:
                    continue
            regions = [self.graph.main] if around is None else around.inside
            if around is not None and around.type == "Parallel":
                regions = regions[visit.index or 0 :]
            box = regions[0].found.get(visit.name) if regions else None
            if box is not None:
                self._enter(execution.arn, box, visit)

    def _enter(self, arn: str, box: Box, visit: StateVisit) -> None:
        scope = arn, visit.parent, visit.index
        if scope in self._before:
            source, last = self._before[scope]
            self._pass(source, box, caught=last.status == "caught")
        elif box.around is None:
            self._pass(self.graph.start, box)
        self._before[scope] = box, visit
        self._visits[box].append((arn, visit))
        self.box_of[arn, visit.id] = box

    def _pass(self, source: Box, target: Box, *, caught: bool = False) -> None:
        key = source.id, target.id, caught
        known = key in self._edges
        self.taken.add(key if known else (source.id, target.id, not caught))

    def finish(self, snapshot: Snapshot, execution: ExecutionAsOf) -> None:
        """Say how boxes stand by what was visited, and whether it came to the end."""
        start = self.graph.start
        end = self.graph.end
        # Of those that were entered at the same time the later one counts.
        lasts = {
            box: max(reversed(visits), key=_entered_at)
            for box, visits in self._visits.items()
        }
        for box, last in lasts.items():
            around = box.around
            standing = self.boxes[box] = _standing(self._visits[box], last)
            if box.type == DISTRIBUTED:
                standing.counts = _counts(snapshot, *last)
            if around is not None and around.type == "Map":
                standing.items = _items(snapshot, *lasts[around])
        self.boxes[start] = BoxState("succeeded" if lasts else "")
        self.boxes[end] = BoxState()
        self.newest = max(lasts, key=lambda box: _entered_at(lasts[box]), default=start)
        source, visit = self._before.get((execution.arn, None, None), (start, None))
        succeeded = visit is not None and visit.status == "succeeded"
        if not execution.running and (succeeded or source.type == "Fail"):
            self._pass(source, end)
            self.boxes[end].status = execution.status.lower()
            self.newest = end


_Entered = tuple[str, StateVisit]
"""A visit, and the ARN of its execution."""


def _entered_at(entered: _Entered) -> datetime:
    return entered[1].entered_at


def _worst(statuses: Iterable[str]) -> str:
    told = set(statuses)
    return next((each for each in _WORST if each in told), "")


def _standing(entered: Sequence[_Entered], last: _Entered) -> BoxState:
    """Say how a state stands: of each scope what was visited last counts."""
    held = {(arn, visit.parent, visit.index): visit for arn, visit in entered}
    visits = held.values()
    return BoxState(
        status=_worst(visit.status for visit in visits),
        visits=len(entered),
        ended=sum(not visit.running for visit in visits),
        failed=sum(visit.status in FAILED for visit in visits),
        retries=sum(max(0, len(visit.attempts) - 1) for visit in visits),
        last=last,
    )


def _items(snapshot: Snapshot, arn: str, visit: StateVisit) -> int | None:
    """Count the items of an inline Map, if it says."""
    events = filter(None, map(snapshot.executions[arn].event, visit.event_ids[:3]))
    begun = (event for event in events if event.type == "MapStateStarted")
    details = map(snapshot.trace.details, begun)
    return next((int_of(each.get("length")) for each in details), None)


def _counts(snapshot: Snapshot, arn: str, visit: StateVisit) -> ExecutionCounts | None:
    runs = snapshot.lineage.map_runs.items()
    here = arn, visit.id
    own = [run for run, by in runs if (by.execution_arn, by.visit_id) == here]
    told = snapshot.map_runs.get(own[-1]) if own else None
    return told.executions if told else None


def graph_progress(
    graph: Graph, snapshot: Snapshot, execution: ExecutionAsOf
) -> GraphProgress:
    """Say how every box and edge stands at a moment."""
    progress = GraphProgress(graph)
    parents = snapshot.lineage.parents
    progress.walk(execution)
    for arn in sorted(snapshot.children, key=snapshot.lineage.level):
        parent = parents[arn]
        home = progress.box_of.get((parent.execution_arn, parent.visit_id))
        if parent.map_run_arn is not None and home is not None:
            progress.walk(snapshot.children[arn], home)
    progress.finish(snapshot, execution)
    return progress


def drawn_in(snapshot: Snapshot, arn: str) -> str:
    """Name the execution in whose graph one is drawn: a Map Run's in its parent's."""
    parents = snapshot.lineage.parents
    while (parent := parents.get(arn)) is not None and parent.map_run_arn is not None:
        arn = parent.execution_arn
    return arn
