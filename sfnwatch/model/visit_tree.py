"""Where visits lie: each in a branch of the Map or Parallel that encloses it."""

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from sfnwatch.model.visits import ROOT, StateVisit


class Branch(Struct, eq=False):
    """Where states follow each other: the main line, a branch, an iteration."""

    parent: "VisitBuilder | None" = None
    index: int | None = None
    last: "VisitBuilder | None" = None
    """The state that was entered last in it."""

    @property
    def path(self) -> str:
        """What the paths of its visits have in common."""
        if self.parent is None:
            return ROOT
        number = "" if self.index is None else f"[{self.index}]"
        return self.parent.visit.path + number

    def open_inside(self) -> list["VisitBuilder"]:
        """Find the open visits in it, at any depth."""
        if self.parent is None:
            return []
        siblings = self.parent.inside.values()
        return _with_inner([b for b in siblings if b.branch is self])


class VisitBuilder(Struct, eq=False):
    """A visit, and what only the fold needs to know about it."""

    visit: StateVisit
    branch: Branch
    started: bool = False
    """A Map or Parallel between its Started and its Succeeded, Failed or Aborted."""
    branches_taken: set[int] = field(default_factory=set)
    """The numbers of a Parallel's branches that were entered since it started."""
    inside: dict[int, "VisitBuilder"] = field(default_factory=dict)
    """The open visits directly in it."""

    def open_inside(self) -> list["VisitBuilder"]:
        """Find the open visits in it, at any depth."""
        return _with_inner(list(self.inside.values()))


class HistoryPlace(Struct, frozen=True):
    """Where an event stands: in a branch and, mostly, in a visit."""

    branch: Branch
    builder: VisitBuilder | None
    type: str = ""

    def outward(self) -> Iterator[VisitBuilder]:
        """Yield its visit and all that enclose it, innermost first."""
        builder = self.builder or self.branch.parent
        while builder is not None:
            yield builder
            builder = builder.branch.parent

    def container_at_work(self, kind: str) -> VisitBuilder | None:
        """Find the nearest Map or Parallel around it that is still at work."""
        for builder in self.outward():
            if builder.started and builder.visit.type == kind:
                return builder
        return None


def around_all(suspects: Iterable[VisitBuilder]) -> list[VisitBuilder]:
    """Find what failed, if one of the suspects did: one alone, or what encloses all.

    Containers fail with what is in them.
    """
    ways = [list(HistoryPlace(b.branch, b).outward()) for b in suspects]
    if not ways:
        return []
    return [b for b in ways[0] if all(b in way for way in ways)]


def _with_inner(builders: list[VisitBuilder]) -> list[VisitBuilder]:
    """Add to open visits the open visits inside them."""
    left = list(builders)
    everything: list[VisitBuilder] = []
    while left:
        builder = left.pop()
        everything.append(builder)
        left.extend(builder.inside.values())
    return everything
