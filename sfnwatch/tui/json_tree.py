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
_OPEN = {0: 200, 1: 50, 2: 12}
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
        text = self.value
        if isinstance(text, str) and text.lstrip()[:1] in {"{", "["}:
            found = decode_json(text)
            return text if found is None else found
        return text

    @property
    def children(self) -> Sequence["JsonNode"]:
        """The nodes inside an object or array."""
        inner = self.inner
        pairs = enumerate(inner) if isinstance(inner, list) else inner.items()
        return [
            JsonNode(f"{self.path}/{n}", str(key), value, self.depth + 1)
            for n, (key, value) in enumerate(pairs)
        ]

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
        first = _FIRST_CHARACTERS if isinstance(node.inner, str) else _FIRST_CHILDREN
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
                holds = isinstance(inner, Mapping | list)
                count = len(inner) if holds else 0
                can = count > 0 if holds else _is_long(item, width)
                is_open = self.opened.get(item.path, _opens(item, count, holds=holds))
                yield JsonLine(item, 0, is_open if can else None)
                if can and is_open:
                    text = self._text(item, width, mask)
                    todo.append(self._inside(item) if holds else text)

    def _inside(self, node: JsonNode) -> Iterator[JsonNode | JsonLine]:
        children = node.children
        limit = self.shown.get(node.path, _FIRST_CHILDREN)
        yield from children[:limit]
        if len(children) > limit:
            yield JsonLine(node, -1, None, f"… {len(children) - limit:,} more")

    def _text(self, node: JsonNode, width: int, mask: Masks) -> Iterator[JsonLine]:
        limit = self.shown.get(node.path, _FIRST_CHARACTERS)
        room = max(2, width - indent_of(node, width) - 4)
        part = 0
        for line in clean_lines(
            masked_start(node.text, limit, mask).removesuffix("\n")
        ):
            for row in flow([Span(line)], room, room, 1 + len(line)):
                part += 1
                yield JsonLine(node, part, None, "".join(span.text for span in row))
        rest = byte_count(node.text[limit:])
        if rest:
            yield JsonLine(node, -1, None, f"… {size(rest)} more")


def _opens(node: JsonNode, count: int, *, holds: bool) -> bool:
    """True if a node is open at first: on the first levels, unless much is in it."""
    if holds:
        return count <= _OPEN.get(node.depth, 0)
    return node.depth == 0 and len(node.text) <= _FIRST_CHARACTERS


def _is_long(node: JsonNode, width: int) -> bool:
    text = node.text
    room = width - indent_of(node, width) - len(node.label[:width]) - 6
    return "\n" in text[:-1] or len(text) > room or cell_len(text) > room


def indent_of(node: JsonNode, width: int) -> int:
    """Return the cells before a node; at most a third of the width."""
    return min(2 * node.depth + 2, width // 3)


def masked_start(text: str, limit: int, mask: Masks) -> str:
    """Return the masked beginning of a text, without half a name at its end."""
    if len(text) <= limit:
        return mask(text)
    window = text[: limit + _GUARD]
    masked = mask(window)
    if masked == window:
        return window[:limit]
    # Masked names are shorter than real ones, so less of the text may be safe to show.
    return masked[: max(0, min(limit, len(masked) - _GUARD))]
