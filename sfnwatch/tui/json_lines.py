"""A line of a JSON tree, drawn."""

from collections.abc import Iterator, Mapping

from rich.cells import cell_len

from sfnwatch.model.texts import byte_count, clean, size
from sfnwatch.tui.json_tree import JsonLine, JsonNode, indent_of, masked_start
from sfnwatch.tui.spans import Masks, Span, cut
from sfnwatch.view.parts import counted

_KEY = 400


def line_spans(line: JsonLine, width: int, mask: Masks) -> list[Span]:
    """Return a line of a tree as spans of at most `width` cells."""
    node = line.node
    before = Span(" " * indent_of(node, width), "look--faint")
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
    """Yield a value; of a text, only as much as may have room."""
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
    words = clean(masked_start(node.text, 4 * room + 1024, mask))
    if isinstance(node.value, str):
        yield Span(f'"{words}"', "role--exact")
    else:
        yield Span(words, "role--guess")
