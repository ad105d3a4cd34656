"""A tree's line in words: keys, strings, numbers and literals each in their ink."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import cast

from rich.cells import cell_len, set_cell_size

from sfnwatch.trace.text import byte_count, clean, size
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import cut
from sfnwatch.tui.json_text import Number, is_array, quoted
from sfnwatch.tui.json_tree import Mask, Named, Node, TreeLine, indent, seen

OPEN, CLOSED = "▾ ", "▸ "
_PLAIN_KEY = re.compile(r"[\w$@.:/-]([\w$@.:/ -]*[\w$@.:/-])?")
_LONG_KEY = 400
_MARK = "⟨json⟩ "


class Ink(StrEnum):
    """What part of JSON a piece is, for the theme to colour."""

    KEY = "key"
    STRING = "string"
    NUMBER = "number"
    LITERAL = "literal"


Inked = tuple[str, Tone | Ink]
"""Some cleaned text and its tone, or its ink."""


def fitted(pieces: Iterable[Inked], width: int) -> tuple[Inked, ...]:
    """Cut to `width` cells, whatever the tones."""
    whole = cast("tuple[Piece, ...]", tuple(pieces))
    return cut(whole, width)


def tree_pieces(line: TreeLine, width: int, mask: Mask) -> tuple[Inked, ...]:
    """Put a line of a tree into words of at most `width` cells."""
    before = _before(line.node.depth, width)
    if line.rest:
        words = f"  … {_counted(line)} more"
        return fitted([(before + words, Tone.ACTION)], width)
    if line.part:
        prose = line.node.named is Named.TITLE
        ink = Tone.PLAIN if prose else _ink(line.node)
        return fitted([(f"{before}  ", Tone.DIM), (line.words, ink)], width)
    return fitted([(before, Tone.DIM), *_node(line, width, mask)], width)


def _before(depth: int, width: int) -> str:
    """Indent a node; one that would stand further in says how deep it is."""
    room = indent(depth, width)
    if room == 2 * depth + 2:
        return " " * room
    return f"{depth}› ".rjust(room)[-room:] if room else ""


def _counted(line: TreeLine) -> str:
    if not line.node.is_container:
        return size(line.rest)
    return f"{line.rest:,} {_things(line.node, line.rest)}"


def _things(node: Node, count: int) -> str:
    word = "item" if is_array(node.content) else "key"
    return word if count == 1 else f"{word}s"


def _node(line: TreeLine, width: int, mask: Mask) -> Iterator[Inked]:
    node = line.node
    arrow = (OPEN if line.opened else CLOSED) if line.openable else "  "
    yield (arrow, Tone.STRONG if line.openable else Tone.DIM)
    label = _label(node, width // 2, mask)
    yield from label
    room = width - indent(node.depth, width) - 2 - sum(cell_len(t) for t, _ in label)
    if node.is_container:
        yield from _container(line)
    elif line.opened:
        yield (size(byte_count(node.text)), Tone.DIM)
    else:
        yield from _value(node, max(1, room), mask)


def _label(node: Node, room: int, mask: Mask) -> list[Inked]:
    words = mask(node.label[:_LONG_KEY]) + node.label[_LONG_KEY:]
    if node.named is Named.ITEM:
        return [(f"{words}: ", Tone.DIM)]
    if node.named is Named.TITLE:
        return [
            *fitted([(clean(words, _LONG_KEY), Tone.STRONG)], room),
            ("  ", Tone.DIM),
        ]
    if not _PLAIN_KEY.fullmatch(words):
        words = quoted(words)
    key = fitted([(clean(words, _LONG_KEY), Ink.KEY)], room)
    return [*key, (": ", Tone.DIM)]


def _container(line: TreeLine) -> Iterator[Inked]:
    node = line.node
    begin, end = "[]" if is_array(node.content) else "{}"
    if node.embedded and node.named is not Named.TITLE:
        yield (_MARK, Tone.ACTION)
    if not node.size:
        yield (begin + end, Ink.LITERAL)
        return
    count = f"{begin}{node.size:,} {_things(node, node.size)}{end}"
    yield (count, Tone.DIM if line.opened else Tone.PLAIN)


def _value(node: Node, room: int, mask: Mask) -> Iterator[Inked]:
    """Show as much as there is room for, and say how much is not shown."""
    ink = _ink(node)
    limit = 4 * room + 1024
    text = clean(seen(node.text, limit, mask))
    quotes = '"' if ink is Ink.STRING else ""
    whole = f"{quotes}{text}{quotes}"
    if len(node.text) <= limit and cell_len(whole) <= room:
        yield (whole, ink)
        return
    tail = f"… {size(byte_count(node.text))} more"
    kept = set_cell_size(text, max(0, room - cell_len(tail) - 1)).rstrip()
    yield (quotes + kept, ink)
    rest = byte_count(node.text[len(kept) :]) or 1
    yield (f"… {size(rest)} more", Tone.WARN)


def _ink(node: Node) -> Ink:
    value = node.value
    if isinstance(value, Number):
        return Ink.NUMBER
    if value is None or isinstance(value, bool):
        return Ink.LITERAL
    return Ink.NUMBER if isinstance(value, int | float) else Ink.STRING
