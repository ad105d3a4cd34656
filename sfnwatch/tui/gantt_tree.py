"""The tree at the left: executions, their states, branches and iterations.

An execution that a state began stands below that state, folded. Rows hold references:
a Map may have thousands of iterations, and only what is on the screen is ever drawn.
What is folded shows on one line what is inside.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from rich.cells import cell_len

from sfnwatch.trace.aligned import shifts
from sfnwatch.trace.arns import last_segment, short_id
from sfnwatch.trace.heads import head_of
from sfnwatch.trace.map_runs import Counts
from sfnwatch.trace.notice import Notice
from sfnwatch.trace.spans import Key, Tick, notices, ticks
from sfnwatch.trace.task_lives import Life, lives_by_attempt, task_lives
from sfnwatch.trace.task_states import task_key
from sfnwatch.trace.timeline import Timeline, Trace
from sfnwatch.trace.values import replace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import resource_words
from sfnwatch.tui.gantt_axis import Window
from sfnwatch.tui.gantt_lens import Extent, idle

MANY = 20
"""A Map of more iterations than these begins folded."""
_STATES = 4
"""A branch is told by no more states than these."""
_SIGNS = 4
"""The cells of a row's fold sign and status."""
_COUNTS = 16
"""The cells of how many of what is folded away went well, and how many did not."""
_OPEN_ITERATIONS = 4
"""With more iterations than these, each of several states begins folded itself."""


class Kind(StrEnum):
    EXECUTION = "execution"
    VISIT = "visit"
    BRANCH = "branch"
    """Several states in one branch of a Parallel or one iteration of a Map."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One row of the tree, with the rows below it."""

    key: str
    """Its own; of a visit the lanes' key of its StateEntered event."""
    kind: Kind
    execution_arn: str
    timeline: Timeline = field(repr=False)
    visits: tuple[StateVisit, ...] = ()
    """The one it is, or those of the branch or execution, in order."""
    children: tuple["Node", ...] = field(default=(), repr=False)
    index: int | None = None
    """Of a branch, and of the only state of an iteration: which one."""
    folded: bool = False
    """How it begins."""
    nested: bool = False
    """True for an execution that another one began."""
    counts: Counts | None = None
    """How many executions its Map Run has, and how they are doing."""

    @property
    def visit(self) -> StateVisit | None:
        return self.visits[0] if self.kind is Kind.VISIT else None

    @property
    def pauses(self) -> tuple[Window, ...]:
        """When nothing of it ran, until a redrive went on with it."""
        if self.kind is not Kind.EXECUTION:
            return self.visits[0].pauses
        return tuple(
            (redrive.ended.timestamp if redrive.ended else redrive.at, redrive.at)
            for redrive in self.timeline.redrives
        )

    @property
    def event_key(self) -> str:
        """The key in the lanes of the event it begins with."""
        if self.kind is Kind.EXECUTION:
            return event_key(self.execution_arn, min(self.timeline.events, default=1))
        return event_key(self.execution_arn, self.visits[0].id)


def event_key(execution_arn: str, event_id: int) -> str:
    return f"{execution_arn}#{event_id}"


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A trace as a tree of bars, before it is known how wide the screen is."""

    roots: tuple[Node, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    ticks: Mapping[Key, tuple[Tick, ...]] = field(default_factory=dict)
    """By visit."""
    notices: Mapping[Key, Notice] = field(default_factory=dict)
    """By attempt."""
    lives: Mapping[Key, tuple[Life, ...]] = field(default_factory=dict)
    """What ECS told of the tasks that an attempt began."""
    visit_of_call: Mapping[str, str] = field(default_factory=dict)
    """The key of a call, or of a task's state, to the key of its visit."""
    moments: tuple[datetime, ...] = ()
    """When something happened, in order."""
    running: bool = False
    calls: int = 0
    """How many calls there are, tied to a state or not."""
    offsets: Mapping[str, timedelta] = field(default_factory=dict)
    """How much later than the first each execution began, where that is taken off."""
    around: Mapping[str, str] = field(default_factory=dict)
    """Of an execution that another one began, the one around it all."""

    def root_of(self, execution_arn: str) -> str:
        """Give the execution around one that nothing began."""
        return self.around.get(execution_arn, execution_arn)

    def offset(self, execution_arn: str) -> timedelta:
        return self.offsets.get(self.root_of(execution_arn), timedelta())

    def aligned(self) -> "Chart":
        """Put all starts together: the first execution's times stay."""
        heads = tuple(head_of(root.timeline) for root in self.roots)
        moved = replace(self, offsets=shifts(heads))
        inside = (node for node in self.nodes.values() if node.nested)
        found = {
            event.timestamp - moved.offset(node.execution_arn)
            for node in (*self.roots, *inside)
            for event in node.timeline.events.values()
        }
        found.update(
            tick.at - moved.offset(arn)
            for (arn, _), those in self.ticks.items()
            for tick in those
        )
        found.update(
            state.at - moved.offset(life.execution_arn)
            for life in self._lives
            for state in life.states
        )
        return replace(moved, moments=tuple(sorted(found)))

    def extent(self, now: datetime, *, squeeze: bool) -> Extent:
        """Give the time there is to show; it goes on to `now` while anything runs."""
        if not self.moments:
            return Extent(now, now)
        last = self.moments[-1]
        for root in self.roots if self.running else ():
            if root.timeline.running:
                last = max(last, now - self.offset(root.execution_arn))
        cuts = idle(self.moments) if self.moments else ()
        return Extent(self.moments[0], last, cuts if squeeze else self._stops(cuts))

    def _stops(self, silences: tuple[Window, ...]) -> tuple[Window, ...]:
        """Keep the silences between an end and a redrive: weeks may lie between.

        Beside other executions a stop is to scale, like all they do meanwhile.
        """
        if len(self.roots) != 1:
            return ()
        stops = self.roots[0].pauses
        return tuple(
            (first, last)
            for first, last in silences
            if any(begin <= first and last <= end for begin, end in stops)
        )

    def node_of(self, key: str) -> Node | None:
        """Find the row of an event or call, whether it is in view or folded away."""
        if key in self.nodes:
            return self.nodes[key]
        if key in self.visit_of_call:
            return self.nodes.get(self.visit_of_call[key])
        arn, _, number = key.rpartition("#")
        root = self.nodes.get(arn)
        if root is None or not number.isdecimal():
            return None
        event_id = int(number)
        visit_id = root.timeline.visits.of_event.get(event_id)
        if visit_id is not None:
            return self.nodes.get(event_key(arn, visit_id))
        return root if event_id in root.timeline.events else None

    @property
    def _lives(self) -> Iterator[Life]:
        for those in self.lives.values():
            yield from those

    def lives_of(self, node: Node, *, folded: bool) -> tuple[Life, ...]:
        """Give the tasks to show with a row: its own, and what is folded away."""
        if not self.lives or not (folded or node.kind is Kind.VISIT):
            return ()
        inside = within(node) if folded else (node,)
        keys = (
            (one.execution_arn, attempt.scheduled_id)
            for one in inside
            for visit in one.visits[:1]
            for attempt in visit.attempts
        )
        return tuple(life for key in keys for life in self.lives.get(key, ()))

    def ticks_of(self, node: Node, *, folded: bool) -> tuple[Tick, ...]:
        """Give the calls to show with a row: its own, and what is folded away."""
        if not folded and node.kind is not Kind.VISIT:
            return ()
        inside = within(node) if folded else (node,)
        keys = ((one.execution_arn, one.visits[0].id) for one in inside)
        found = [tick for key in keys for tick in self.ticks.get(key, ())]
        return tuple(sorted(found, key=lambda tick: (tick.at, tick.key)))


def within(node: Node) -> Iterator[Node]:
    """Yield the rows of visits at a row and below it."""
    left = [node]
    while left:
        node = left.pop()
        if node.kind is Kind.VISIT:
            yield node
        left.extend(node.children)


def make_chart(trace: Trace) -> Chart:
    """Lay a trace out as a tree; pure, and of some weight for a long history."""
    roots = _executions(trace)
    nodes, parents = _index(roots)
    by_visit = ticks(trace)
    return Chart(
        roots=roots,
        nodes=nodes,
        parents=parents,
        ticks=by_visit,
        notices=notices(trace),
        lives=lives_by_attempt(trace),
        visit_of_call=_of_visits(trace, by_visit),
        moments=_moments(trace, by_visit),
        running=trace.running,
        calls=len(trace.calls),
        around={arn: trace.family.root_of(arn) for arn in trace.children},
    )


def _executions(trace: Trace) -> tuple[Node, ...]:
    """Build the tree of each execution; what one began stands below the state."""
    known = trace.family
    inside: dict[Key, list[Node]] = defaultdict(list)
    counts = {
        (begun.execution_arn, begun.visit_id): trace.map_runs[arn].executions
        for arn, begun in known.map_runs.items()
        if arn in trace.map_runs
    }
    roots: dict[str, Node] = {}
    # The innermost first, and those that stand beside each other by their starts.
    for arn in sorted(trace.histories, key=known.level, reverse=True):
        node = _execution(trace.histories[arn], inside, counts)
        begun = known.parents.get(arn)
        if begun is None:
            roots[arn] = node
        else:
            nested = replace(node, folded=True, nested=True)
            inside[begun.execution_arn, begun.visit_id].append(nested)
    return tuple(roots[arn] for arn in trace.timelines)


def _of_visits(
    trace: Trace, by_visit: Mapping[Key, tuple[Tick, ...]]
) -> Mapping[str, str]:
    found = {
        tick.key: event_key(*key) for key, those in by_visit.items() for tick in those
    }
    for life in task_lives(trace):
        own = event_key(life.execution_arn, life.visit.id)
        found.update((task_key(state), own) for state in life.states)
    return found


def _moments(
    trace: Trace, by_visit: Mapping[Key, tuple[Tick, ...]]
) -> tuple[datetime, ...]:
    found = {e.timestamp for t in trace.histories.values() for e in t.events.values()}
    found.update(tick.at for those in by_visit.values() for tick in those)
    found.update(state.at for told in trace.task_states.values() for state in told)
    return tuple(sorted(found))


def _index(roots: Iterable[Node]) -> tuple[dict[str, Node], dict[str, str]]:
    nodes: dict[str, Node] = {}
    parents: dict[str, str] = {}
    left = list(roots)
    while left:
        node = left.pop()
        nodes[node.key] = node
        for child in node.children:
            parents[child.key] = node.key
        left.extend(node.children)
    return nodes, parents


def _execution(
    timeline: Timeline,
    begun: Mapping[Key, list[Node]],
    counts: Mapping[Key, Counts],
) -> Node:
    """Build one tree; what is inside a visit was entered after it, so from the end.

    `begun` has the trees of the executions that a visit began.
    """
    arn = timeline.execution_arn
    inside: dict[int | None, list[Node]] = defaultdict(list)
    for visit in sorted(timeline.visits, key=lambda v: v.id, reverse=True):
        own = _branches(timeline, visit, inside.pop(visit.id, [])[::-1])
        children = (*own, *begun.get((arn, visit.id), ()))
        node = Node(
            key=event_key(arn, visit.id),
            kind=Kind.VISIT,
            execution_arn=arn,
            timeline=timeline,
            visits=(visit,),
            children=children,
            folded=visit.type == "Map" and len(children) > MANY,
            counts=counts.get((arn, visit.id)),
        )
        inside[visit.parent].append(node)
    children = tuple(node for nodes in inside.values() for node in nodes[::-1])
    visits = tuple(node.visits[0] for node in children)
    return Node(arn, Kind.EXECUTION, arn, timeline, visits, children)


def _branches(
    timeline: Timeline, around: StateVisit, inside: list[Node]
) -> tuple[Node, ...]:
    """Gather the states of each branch; a branch of one state is that state's row."""
    if not inside:
        return ()
    groups: dict[int | None, list[Node]] = defaultdict(list)
    for node in inside:
        groups[node.visits[0].index].append(node)
    order = sorted(groups, key=lambda index: -1 if index is None else index)
    folded = len(order) > _OPEN_ITERATIONS
    found: list[Node] = []
    for index in order:
        nodes = groups[index]
        if index is None or len(nodes) == 1:
            # A branch is told by its state's name, an iteration by its number.
            shown = index if around.type == "Map" and len(nodes) == 1 else None
            found += [replace(node, index=shown) for node in nodes]
            continue
        arn = timeline.execution_arn
        key = f"{event_key(arn, around.id)}[{index}]"
        visits = tuple(node.visits[0] for node in nodes)
        branch = Node(
            key, Kind.BRANCH, arn, timeline, visits, tuple(nodes), index, folded
        )
        found.append(branch)
    return tuple(found)


# -- rows ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of the screen: a row's bar, or the calls below it."""

    node: Node
    rails: str = ""
    """What is drawn before it, without its own fold sign."""
    folded: bool | None = None
    """None where there is nothing to fold."""
    calls: tuple[Tick, ...] = ()
    """Not empty on a line below a row's first, which is theirs."""
    lives: tuple[Life, ...] = ()
    """The same for the tasks that it began."""

    @property
    def below(self) -> bool:
        """True for a line that is not a row's first."""
        return bool(self.calls or self.lives)


@dataclass(frozen=True, eq=False)
class Rows:
    """The lines of a chart with some of it folded away."""

    lines: tuple[Line, ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    """A row's key to its first line."""

    @cached_property
    def natural(self) -> int:
        """The cells that the widest label takes, without what is folded away."""
        return max((_breadth(line) for line in self.lines), default=0)


def _breadth(line: Line) -> int:
    kind = kind_of(line.node)
    after = cell_len(kind) + 2 if kind else 0
    counts = _COUNTS if line.folded and line.node.visit is not None else 0
    return len(line.rails) + _SIGNS + cell_len(name_of(line.node)) + after + counts


def name_of(node: Node) -> str:
    """Give a row's name, as it came from AWS: still to be masked and cleaned."""
    if node.kind is Kind.EXECUTION:
        machine, name = node.timeline.state_machine_name, node.timeline.name
        if node.nested:
            # Of a Map Run's, the label alone: the machine is the one around it.
            machine, name = last_segment(machine or ""), short_id(name)
        return f"{machine} › {name}" if machine else name
    if node.kind is Kind.BRANCH:
        names = [visit.name for visit in node.visits[:_STATES]]
        more = ["…"] if len(node.visits) > _STATES else []
        return f"[{node.index}] {' › '.join([*names, *more])}"
    name = node.visits[0].name
    return name if node.index is None else f"[{node.index}] {name}"


def kind_of(node: Node) -> str:
    """Say what a state is: what it runs, or else its type."""
    if node.visit is None:
        return ""
    attempts = node.visit.attempts
    return resource_words(attempts[0]) if attempts else node.visit.type


def unroll(chart: Chart, folds: Mapping[str, bool]) -> Rows:
    """Put the tree into lines; `folds` is what was folded or unfolded by hand."""
    lines: list[Line] = []
    positions: dict[str, int] = {}
    left: list[tuple[Node, str, str]] = [(r, "", "") for r in reversed(chart.roots)]
    while left:
        node, rails, below = left.pop()
        folded = folds.get(node.key, node.folded) if node.children else None
        positions[node.key] = len(lines)
        lines.append(Line(node, rails, folded))
        stem = f"{below}{'│' if folded is False else ' '}"
        lives = chart.lives_of(node, folded=bool(folded))
        if lives:
            lines.append(Line(node, stem, folded, lives=lives))
        calls = chart.ticks_of(node, folded=bool(folded))
        if calls:
            lines.append(Line(node, stem, folded, calls))
        if folded is False:
            left.extend(reversed(list(_railed(node, below))))
    return Rows(tuple(lines), positions)


def _railed(node: Node, below: str) -> Iterator[tuple[Node, str, str]]:
    """Give each child what is drawn before it, and before what is below it.

    The states of an execution stand at the edge.
    """
    if node.kind is Kind.EXECUTION and not node.nested:
        yield from ((child, "", "") for child in node.children)
        return
    for place, child in enumerate(node.children):
        last = place == len(node.children) - 1
        rails, stem = ("└─", "  ") if last else ("├─", "│ ")
        yield child, f"{below}{rails}", f"{below}{stem}"


def visible(chart: Chart, rows: Rows, key: str) -> str | None:
    """Find the row that shows a row: itself, or the one it is folded into."""
    found: str | None = key
    while found is not None and found not in rows.positions:
        found = chart.parents.get(found)
    return found
