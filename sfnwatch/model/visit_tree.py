"""The tree of visits: each is in a branch of the Map or Parallel that encloses it."""

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from sfnwatch.model.visits import ROOT, StateVisit


class Branch(Struct, eq=False):
    """A sequence of visits: the main line, a Parallel's branch or a Map's iteration."""

    parent: "VisitBuilder | None" = None
    index: int | None = None
    last: "VisitBuilder | None" = None
    """The visit that was entered last in it."""

    @property
    def path(self) -> str:
        """The common beginning of the paths of its visits."""
        if self.parent is None:
            return ROOT
        number = "" if self.index is None else f"[{self.index}]"
        return self.parent.visit.path + number

    def open_inside(self) -> list["VisitBuilder"]:
        """Return the open visits in it, at any depth; none for the main line."""
        if self.parent is None:
            return []
        siblings = self.parent.inside.values()
        return _with_inner([b for b in siblings if b.branch is self])


class VisitBuilder(Struct, eq=False):
    """A visit, with facts about it that only the fold needs."""

    visit: StateVisit
    branch: Branch
    started: bool = False
    """True for a Map or Parallel between its …Started and …Succeeded, …Failed or
    …Aborted events."""
    branches_taken: set[int] = field(default_factory=set)
    """The numbers of a Parallel's branches that were entered since it started."""
    inside: dict[int, "VisitBuilder"] = field(default_factory=dict)
    """The open visits directly in it, by visit id."""

    def open_inside(self) -> list["VisitBuilder"]:
        """Return the open visits in it, at any depth."""
        return _with_inner(list(self.inside.values()))


class HistoryPlace(Struct, frozen=True):
    """The place of an event: a branch and, mostly, a visit."""

    branch: Branch
    builder: VisitBuilder | None
    type: str = ""

    def outward(self) -> Iterator[VisitBuilder]:
        """Yield its visit and all visits that enclose it, innermost first."""
        builder = self.builder or self.branch.parent
        while builder is not None:
            yield builder
            builder = builder.branch.parent

    def container_at_work(self, kind: str) -> VisitBuilder | None:
        """Return the nearest Map or Parallel around it that has started, but not ended.

        `kind` is `Map` or `Parallel`. None if there is none.
        """
        for builder in self.outward():
            if builder.started and builder.visit.type == kind:
                return builder
        return None


def around_all(suspects: Iterable[VisitBuilder]) -> list[VisitBuilder]:
    """Return the visits that surely failed if one of the suspects did, innermost first.

    They are the visits that enclose all suspects, since a container fails with a visit
    inside it. A single suspect is included itself.
    """
    ways = [list(HistoryPlace(b.branch, b).outward()) for b in suspects]
    if not ways:
        return []
    return [b for b in ways[0] if all(b in way for way in ways)]


def _with_inner(builders: list[VisitBuilder]) -> list[VisitBuilder]:
    """Return the open visits together with all open visits inside them."""
    left = list(builders)
    everything: list[VisitBuilder] = []
    while left:
        builder = left.pop()
        everything.append(builder)
        left.extend(builder.inside.values())
    return everything
