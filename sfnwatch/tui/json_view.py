"""JSON as a tree whose nodes open and close, and as text that is safe to paste.

Children are made when a node is opened, and no more text is cleaned than is in view.
What is cut says so. Nothing recurses: a payload may be nested as its sender likes.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field
from rich.cells import cell_len

from sfnwatch.model.texts import byte_count, clean, clean_lines, size
from sfnwatch.model.values import encode_json
from sfnwatch.tui.paint import Masks, Span, cut, flow
from sfnwatch.view.parts import counted

_FIRST_CHILDREN = 200
"""Children that an opened node shows at first."""
_FIRST_CHARACTERS = 4096
"""Characters that a text shows at first."""
_GROWTH = 4
"""Each time after it shows so many times as much."""
_OPEN = {0: 200, 1: 50, 2: 12}
"""At each depth, of how many children a node may be to be open at first."""
_GUARD = 256
"""Characters at a cut that a mask may have seen only half of."""
_KEY = 400
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Numbers leave as they came: a float would not be what AWS sent."""


class JsonNode(Struct, frozen=True):
    """A value in its place."""

    path: str
    """Tells it from all others, and stays the same while a record grows."""
    label: str
    value: Any
    depth: int = 0

    @property
    def inner(self) -> Any:
        """The value; of JSON that travels inside a string, what it says."""
        text = self.value
        if isinstance(text, str) and text.lstrip()[:1] in {"{", "["}:
            found = decode(text)
            return text if found is None else found
        return text

    @property
    def children(self) -> Sequence["JsonNode"]:
        """Those of a value that holds others."""
        inner = self.inner
        pairs = enumerate(inner) if isinstance(inner, list) else inner.items()
        return [
            JsonNode(f"{self.path}/{n}", str(key), value, self.depth + 1)
            for n, (key, value) in enumerate(pairs)
        ]

    @property
    def text(self) -> str:
        """The words of a value that holds no others."""
        value = self.value
        return value if isinstance(value, str) else json_text(value)


class JsonLine(NamedTuple):
    """A line of a tree."""

    node: JsonNode
    part: int
    """0 for the node itself, then the lines of its text; -1: there is more."""
    open: bool | None
    """None for what can't be opened."""
    words: str = ""
    """A line of the text, or how much more there is."""


class JsonFolds(Struct):
    """Which nodes are open, where that is not as at first, and how much they show."""

    opened: dict[str, bool] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)

    def show_more(self, node: JsonNode) -> None:
        """Show more of a node's children, or of its text."""
        first = _FIRST_CHARACTERS if isinstance(node.inner, str) else _FIRST_CHILDREN
        self.shown[node.path] = _GROWTH * self.shown.get(node.path, first)

    def lines(self, root: JsonNode, width: int, mask: Masks) -> Iterator[JsonLine]:
        """List the lines of a tree, as far as it is open."""
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
        room = max(2, width - _indent(node, width) - 4)
        part = 0
        for line in clean_lines(seen(node.text, limit, mask).removesuffix("\n")):
            for row in flow([Span(line)], room, room, 1 + len(line)):
                part += 1
                yield JsonLine(node, part, None, "".join(span.text for span in row))
        rest = byte_count(node.text[limit:])
        if rest:
            yield JsonLine(node, -1, None, f"… {size(rest)} more")


def decode(text: str | bytes) -> Any:
    """Read JSON, its numbers as they stand; None for what is none."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """Write JSON over several lines, without anything a terminal could act on.

    Of bytes, which are JSON already, nothing but the blanks between values changes.
    """
    try:
        data = value if isinstance(value, bytes) else _ENCODER.encode(value)
        text = msgspec.json.format(data, indent=2).decode()
    except (ValueError, TypeError, RecursionError):
        text = value.decode() if isinstance(value, bytes) else _plain(value)
    # What can't be printed stands inside of strings only: there an escape is the same.
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _plain(value: Any) -> str:
    try:
        return encode_json(value).decode()
    except (ValueError, TypeError):
        return f"({type(value).__name__}, nested too deep to be written)"


def _escaped(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[n : n + 4]}" for n in range(0, len(code), 4))


# -- lines -----------------------------------------------------------------------------


def _opens(node: JsonNode, count: int, *, holds: bool) -> bool:
    """Tell what is open at first: the first levels, unless there is much in them."""
    if holds:
        return count <= _OPEN.get(node.depth, 0)
    return node.depth == 0 and len(node.text) <= _FIRST_CHARACTERS


def _is_long(node: JsonNode, width: int) -> bool:
    text = node.text
    room = width - _indent(node, width) - len(node.label[:width]) - 6
    return "\n" in text[:-1] or len(text) > room or cell_len(text) > room


def _indent(node: JsonNode, width: int) -> int:
    """Give the cells before a node; the deepest share a third of the width."""
    return min(2 * node.depth + 2, width // 3)


def seen(text: str, limit: int, mask: Masks) -> str:
    """Mask the beginning of a text; nothing half masked is left at its end."""
    if len(text) <= limit:
        return mask(text)
    window = text[: limit + _GUARD]
    masked = mask(window)
    if masked == window:
        return window[:limit]
    # Masked names are shorter than real ones: less of the text may be safe to show.
    return masked[: max(0, min(limit, len(masked) - _GUARD))]


def line_spans(line: JsonLine, width: int, mask: Masks) -> list[Span]:
    """Put a line of a tree into words of at most `width` cells."""
    node = line.node
    before = Span(" " * _indent(node, width), "look--faint")
    if line.part:
        look = "role--fold" if line.part < 0 else "role--plain"
        return cut([before, Span(f"  {line.words}", look)], width)
    sign = {True: "▾ ", False: "▸ ", None: "  "}[line.open]
    spans = [before, Span(sign, "role--fold"), *_label(node, width // 2, mask)]
    room = width - sum(cell_len(span.text) for span in spans)
    return cut([*spans, *_value(line, max(1, room), mask)], width)


def _label(node: JsonNode, room: int, mask: Masks) -> list[Span]:
    words = clean(mask(node.label[:_KEY]), _KEY)
    if node.depth == 0:
        return [*cut([Span(words, "role--name")], room), Span("  ")]
    return [*cut([Span(words, "role--call")], room), Span(": ", "look--faint")]


def _value(line: JsonLine, room: int, mask: Masks) -> Iterator[Span]:
    """Show what a value is: of a text as much as there may be room for."""
    node = line.node
    inner = line.node.inner
    if isinstance(inner, Mapping | list):
        if isinstance(node.value, str) and node.depth:
            yield Span("⟨json⟩ ", "role--call")
        begin, end = "[]" if isinstance(inner, list) else "{}"
        what = counted(len(inner), "item" if begin == "[" else "key")
        words = what if inner else ""
        yield Span(f"{begin}{words}{end}", "role--dim" if line.open else "role--plain")
        return
    if line.open:
        yield Span(size(byte_count(node.text)), "role--dim")
        return
    words = clean(seen(node.text, 4 * room + 1024, mask))
    if isinstance(node.value, str):
        yield Span(f'"{words}"', "role--exact")
    else:
        yield Span(words, "role--guess")
