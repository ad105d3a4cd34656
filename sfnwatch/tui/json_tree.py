"""A JSON value as a tree whose nodes open and close.

Pure but for what it remembers: children are made when a node is first opened, and
what is inside a string only read when it is in view. Nothing here recurses, since a
payload may be nested as deep as its sender likes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from rich.cells import cell_len

from sfnwatch.trace.text import byte_count, clean_lines
from sfnwatch.tui.json_text import (
    is_array,
    is_object,
    json_text,
    parse_exactly,
    scalar_text,
)
from sfnwatch.tui.record_wrap import broken

Mask = Callable[[str], str]
CHILDREN = 200
"""How many children, and how many characters, an opened node shows at first."""
CHARACTERS = 4096
_MORE = 4
"""So many times as much is shown when more is wanted."""
_OPEN = {0: 200, 1: 50, 2: 12}
"""A depth to how many children a node there may have, to be open at first."""
_GUARD = 256
"""Characters at a cut that a mask may have seen only half of."""


class Named(StrEnum):
    """What a node's label is."""

    TITLE = "title"
    """Our own words for a whole value."""
    KEY = "key"
    ITEM = "item"


@dataclass(frozen=True, eq=False)
class Node:
    """A value in its place; the same words in two places are two nodes."""

    label: str
    value: Any
    depth: int = 0
    named: Named = Named.TITLE

    @cached_property
    def _inner(self) -> Any:
        """What a string holds, if that is an object or an array."""
        text = self.value
        if not isinstance(text, str) or text.lstrip()[:1] not in {"{", "["}:
            return None
        return parse_exactly(text)

    @property
    def embedded(self) -> bool:
        """True for JSON that travels inside a string."""
        return self._inner is not None

    @property
    def content(self) -> Any:
        return self._inner if self.embedded else self.value

    @property
    def is_container(self) -> bool:
        return is_object(self.content) or is_array(self.content)

    @cached_property
    def size(self) -> int:
        """How many children there are."""
        return len(self.content) if self.is_container else 0

    @cached_property
    def children(self) -> tuple["Node", ...]:
        content, depth = self.content, self.depth + 1
        if is_object(content):
            return tuple(
                Node(str(key), value, depth, Named.KEY)
                for key, value in content.items()
            )
        return tuple(
            Node(str(place), value, depth, Named.ITEM)
            for place, value in enumerate(content if self.is_container else ())
        )

    @cached_property
    def text(self) -> str:
        """The words of a value that holds no others."""
        value = self.value
        if value is None or isinstance(value, bool | int | float):
            return scalar_text(value)
        return str(value)

    @property
    def copied(self) -> str:
        """The node's JSON, safe to paste."""
        return json_text(self.content)


@dataclass(slots=True)
class Folds:
    """Which nodes are open, where that is not as at first, and how much they show."""

    opened: dict[Node, bool] = field(default_factory=dict)
    shown: dict[Node, int] = field(default_factory=dict)

    def is_open(self, node: Node) -> bool:
        return self.opened.get(node, opens_at_first(node))

    def limit(self, node: Node) -> int:
        return self.shown.get(node, CHILDREN if node.is_container else CHARACTERS)

    def show_more(self, node: Node) -> None:
        self.shown[node] = self.limit(node) * _MORE


def opens_at_first(node: Node) -> bool:
    """True for the first levels, unless there is much in them."""
    if node.is_container:
        return node.size <= _OPEN.get(node.depth, 0)
    return node.named is Named.TITLE and len(node.text) <= CHARACTERS


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of a tree."""

    node: Node
    part: int = 0
    """0 for the node itself, then the lines of its text."""
    opened: bool = False
    openable: bool = False
    words: str = ""
    """A line of the text."""
    rest: int = 0
    """How many children, or bytes of a text, are still not shown."""

    @property
    def place(self) -> tuple[Node, int]:
        return self.node, self.part


def tree_lines(root: Node, folds: Folds, width: int, mask: Mask) -> Iterator[TreeLine]:
    """List the lines of a tree, as far as it is open."""
    stack: list[Iterator[Node | TreeLine]] = [iter((root,))]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, TreeLine):
            yield item
        else:
            openable = is_openable(item, width)
            opened = openable and folds.is_open(item)
            yield TreeLine(item, opened=opened, openable=openable)
            if opened:
                stack.append(_inside(item, folds, width, mask))


def is_openable(node: Node, width: int) -> bool:
    """True if a line has not room for all of it."""
    if node.is_container:
        return node.size > 0
    text = node.text
    room = width - indent(node.depth, width) - cell_len(node.label[:width]) - 6
    return "\n" in text[:-1] or len(text) > room or cell_len(text) > room


def indent(depth: int, width: int) -> int:
    """Give the cells before a node; the deepest share a third of the width."""
    return min(2 * depth + 2, width // 3)


def _inside(
    node: Node, folds: Folds, width: int, mask: Mask
) -> Iterator[Node | TreeLine]:
    if not node.is_container:
        yield from _text_lines(node, folds.limit(node), width, mask)
        return
    limit = folds.limit(node)
    yield from node.children[:limit]
    if node.size > limit:
        yield TreeLine(node, -1, opened=True, openable=True, rest=node.size - limit)


def _text_lines(node: Node, limit: int, width: int, mask: Mask) -> Iterator[TreeLine]:
    room = max(1, width - indent(node.depth, width) - 2)
    part = 0
    for line in clean_lines(seen(node.text, limit, mask)):
        for words in broken(line, room):
            part += 1
            yield TreeLine(node, part, opened=True, openable=True, words=words)
    rest = byte_count(node.text[limit:])
    if rest:
        yield TreeLine(node, -1, opened=True, openable=True, rest=rest)


def seen(text: str, limit: int, mask: Mask) -> str:
    """Mask the beginning of a text; nothing half masked is left at its end."""
    if len(text) <= limit:
        return mask(text)
    window = text[: limit + _GUARD]
    masked = mask(window)
    if masked == window:
        return window[:limit]
    # Masked names are shorter than real ones: less of the text may be safe to show.
    return masked[: max(0, min(limit, len(masked) - _GUARD))]
