"""JSON as a tree whose nodes open and close.

Children are made when a node is opened, and only the text in view is cleaned. What is
cut says so. Nothing recurses: a payload may be nested as deep as its sender likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field
from rich.cells import cell_len

from sfnwatch.model.texts import byte_count, clean_lines, size
from sfnwatch.tui.json_text import decode_json, json_text
from sfnwatch.tui.spans import Masks, Span, flow

_FIRST_CHILDREN = 200
"""Children that an opened node shows at first."""
_FIRST_CHARACTERS = 4096
"""Characters that a text shows at first."""
_GROWTH = 4
"""Each time more is asked for, this many times as much is shown."""
_MOST_OPEN_CHILDREN = {0: 200, 1: 50, 2: 12}
"""By depth: a node of at most this many children is open at first."""
_GUARD = 256
"""Characters at a cut of which a mask may have seen only a part."""


class JsonNode(Struct, frozen=True):
    """A value, and its place in the tree."""

    path: str
    """Unique to this node, and the same while a record grows."""
    label: str
    value: Any
    depth: int = 0

    @property
    def inner(self) -> Any:
        """The value; for a string that holds JSON, the decoded JSON."""
        value = self.value
        if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
            decoded = decode_json(value)
            if decoded is not None:
                return decoded
        return value

    @property
    def children(self) -> Sequence["JsonNode"]:
        """The nodes inside an object or array."""
        inner = self.inner
        pairs = enumerate(inner) if isinstance(inner, list) else inner.items()
        children: list[JsonNode] = []
        for key, value in pairs:
            path = f"{self.path}/{len(children)}"
            children.append(JsonNode(path, str(key), value, self.depth + 1))
        return children

    @property
    def text(self) -> str:
        """The text of a value that holds no others."""
        value = self.value
        return value if isinstance(value, str) else json_text(value)


class JsonLine(NamedTuple):
    """A line of a tree."""

    node: JsonNode
    part: int
    """0 for the node itself, 1 and more for the lines of its text, -1 for `… more`."""
    open: bool | None
    """Whether it is open; None if it can't be opened."""
    words: str = ""
    """A line of the text, or how much more there is."""


class JsonFolds(Struct):
    """The nodes that the user has opened or closed, and how much each shows."""

    opened: dict[str, bool] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)

    def show_more(self, node: JsonNode) -> None:
        """Show more of a node's children, or of its text."""
        is_text = isinstance(node.inner, str)
        first = _FIRST_CHARACTERS if is_text else _FIRST_CHILDREN
        self.shown[node.path] = _GROWTH * self.shown.get(node.path, first)

    def lines(self, root: JsonNode, width: int, mask: Masks) -> Iterator[JsonLine]:
        """Yield the lines of a tree, as far as it is open."""
        todo: list[Iterator[JsonNode | JsonLine]] = [iter((root,))]
        while todo:
            item = next(todo[-1], None)
            if item is None:
                todo.pop()
            elif isinstance(item, JsonLine):
                yield item
            else:
                inner = item.inner
                can_open = _can_open(item, inner, width)
                is_open = can_open and self._is_open(item, inner)
                yield JsonLine(item, 0, is_open if can_open else None)
                if not is_open:
                    continue
                if isinstance(inner, Mapping | list):
                    todo.append(self._inside(item))
                else:
                    todo.append(self._text(item, width, mask))

    def _is_open(self, node: JsonNode, inner: Any) -> bool:
        """True if a node is open; at first, on the first levels, unless it is long."""
        if node.path in self.opened:
            return self.opened[node.path]
        if isinstance(inner, Mapping | list):
            return len(inner) <= _MOST_OPEN_CHILDREN.get(node.depth, 0)
        return node.depth == 0 and len(node.text) <= _FIRST_CHARACTERS

    def _inside(self, node: JsonNode) -> Iterator[JsonNode | JsonLine]:
        children = node.children
        limit = self.shown.get(node.path, _FIRST_CHILDREN)
        yield from children[:limit]
        more = len(children) - limit
        if more > 0:
            yield JsonLine(node, -1, None, f"… {more:,} more")

    def _text(self, node: JsonNode, width: int, mask: Masks) -> Iterator[JsonLine]:
        limit = self.shown.get(node.path, _FIRST_CHARACTERS)
        room = max(2, width - indent_of(node, width) - 4)
        text = masked_start(node.text, limit, mask).removesuffix("\n")
        part = 0
        for line in clean_lines(text):
            for row in flow([Span(line)], room, room, 1 + len(line)):
                part += 1
                words = "".join(span.text for span in row)
                yield JsonLine(node, part, None, words)
        rest = byte_count(node.text[limit:])
        if rest:
            yield JsonLine(node, -1, None, f"… {size(rest)} more")


def _can_open(node: JsonNode, inner: Any, width: int) -> bool:
    """True if a node has children, or a text that does not fit in one line."""
    if isinstance(inner, Mapping | list):
        return len(inner) > 0
    text = node.text
    if "\n" in text[:-1]:
        return True
    label = len(node.label[:width])
    room = width - indent_of(node, width) - label - 6
    return len(text) > room or cell_len(text) > room


def indent_of(node: JsonNode, width: int) -> int:
    """Return the cells before a node; at most a third of the width."""
    return min(2 * node.depth + 2, width // 3)


def masked_start(text: str, limit: int, mask: Masks) -> str:
    """Return the masked beginning of a text, without half a name at its end."""
    if len(text) <= limit:
        return mask(text)
    start = text[: limit + _GUARD]
    masked = mask(start)
    if masked == start:
        return start[:limit]
    # Masked names are shorter than real ones, so less of the text may be safe to show.
    return masked[: max(0, min(limit, len(masked) - _GUARD))]
