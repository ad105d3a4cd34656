"""A filter that was read: terms, joined by and, or, not."""

from msgspec import Struct

from sfnwatch.trace.filter_patterns import Pattern
from sfnwatch.trace.filter_rows import (
    KIND_TESTS,
    RULE_TESTS,
    Texts,
    actions_of,
    bodies_of,
    errors_of,
    executions_of,
    is_failure,
    seconds_of,
    services_of,
    states_of,
    words_of,
)
from sfnwatch.trace.lanes import Row

TEXTS: dict[str, Texts] = {
    "": words_of,
    "~s": states_of,
    "~a": actions_of,
    "~e": errors_of,
    "~v": services_of,
    "~b": bodies_of,
    "~x": executions_of,
}
"""An operator that looks for a text, to the texts it looks at."""


class Everything(Struct, frozen=True):
    """Keeps every row."""

    def __call__(self, row: Row) -> bool:  # noqa: ARG002 - a filter takes a row
        return True

    def __str__(self) -> str:
        return ""


class Looks(Struct, frozen=True):
    """`~s TEXT` and its like; without a token, the words of the row."""

    token: str
    pattern: Pattern

    def __call__(self, row: Row) -> bool:
        return any(map(self.pattern, TEXTS[self.token](row)))

    def __str__(self) -> str:
        return f"{self.token} {self.pattern}".lstrip()


class Fails(Struct, frozen=True):
    """A bare `~e`."""

    def __call__(self, row: Row) -> bool:
        return is_failure(row)

    def __str__(self) -> str:
        return "~e"


class OfKind(Struct, frozen=True):
    """`~k KIND`."""

    kind: str

    def __call__(self, row: Row) -> bool:
        return KIND_TESTS[self.kind](row)

    def __str__(self) -> str:
        return f"~k {self.kind}"


class OfRule(Struct, frozen=True):
    """`~l RULE`."""

    rule: str

    def __call__(self, row: Row) -> bool:
        return RULE_TESTS[self.rule](row)

    def __str__(self) -> str:
        return f"~l {self.rule}"


class Took(Struct, frozen=True):
    """`~d >2m`; without a sign, at least so long."""

    sign: str
    seconds: float
    span: str
    """The seconds as they were written."""

    def __call__(self, row: Row) -> bool:
        taken = seconds_of(row)
        if taken is None:
            return False
        match self.sign:
            case ">":
                return taken > self.seconds
            case "<":
                return taken < self.seconds
            case "<=":
                return taken <= self.seconds
        return taken >= self.seconds

    def __str__(self) -> str:
        return f"~d {self.sign}{self.span}"


class Not(Struct, frozen=True):
    node: "Node"

    def __call__(self, row: Row) -> bool:
        return not self.node(row)

    def __str__(self) -> str:
        return f"!{_inside(self.node)}"


class And(Struct, frozen=True):
    nodes: tuple["Node", ...]

    def __call__(self, row: Row) -> bool:
        return all(node(row) for node in self.nodes)

    def __str__(self) -> str:
        return " & ".join(map(_inside, self.nodes))


class Or(Struct, frozen=True):
    nodes: tuple["Node", ...]

    def __call__(self, row: Row) -> bool:
        return any(node(row) for node in self.nodes)

    def __str__(self) -> str:
        return " | ".join(map(_inside, self.nodes))


Node = Everything | Looks | Fails | OfKind | OfRule | Took | Not | And | Or


def _inside(node: Node) -> str:
    """Write a part; one that has parts itself stands in parentheses."""
    return f"({node})" if isinstance(node, And | Or) else str(node)


class Filter(Struct, frozen=True):
    """What rows to keep."""

    text: str
    """As it was typed."""
    node: Node

    def __call__(self, row: Row) -> bool:
        return self.node(row)

    def __str__(self) -> str:
        """Write it out in full, with every `&` and every needed parenthesis."""
        return str(self.node)

    @property
    def keeps_all(self) -> bool:
        return isinstance(self.node, Everything)
