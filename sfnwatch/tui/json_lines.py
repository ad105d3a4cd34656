"""A line of a JSON tree, drawn."""

from collections.abc import Iterator, Mapping

from sfnwatch.model.texts import byte_count, clean, size
from sfnwatch.tui.json_tree import JsonLine, JsonNode, indent_of, masked_start
from sfnwatch.tui.spans import Masks, Span, SpanRow, cut, width_of
from sfnwatch.view.parts import counted

_KEY_CHARACTERS = 400


def line_spans(line: JsonLine, width: int, mask: Masks) -> SpanRow:
    """Return a line of a tree as spans of at most `width` cells."""
    node = line.node
    before = Span(" " * indent_of(node, width), "look--faint")
    if line.part:
        look = "role--fold" if line.part < 0 else "role--plain"
        return cut([before, Span(f"  {line.words}", look)], width)
    sign = {True: "▾ ", False: "▸ ", None: "  "}[line.open]
    spans = [before, Span(sign, "role--fold"), *_label(node, width // 2, mask)]
    room = max(1, width - width_of(spans))
    spans += _value(line, room, mask)
    return cut(spans, width)


def _label(node: JsonNode, room: int, mask: Masks) -> SpanRow:
    words = clean(mask(node.label[:_KEY_CHARACTERS]), _KEY_CHARACTERS)
    if node.depth == 0:
        return [*cut([Span(words, "role--name")], room), Span("  ")]
    return [*cut([Span(words, "role--call")], room), Span(": ", "look--faint")]


def _value(line: JsonLine, room: int, mask: Masks) -> Iterator[Span]:
    """Yield a value; of a text, only as much as may have room."""
    node = line.node
    inner = node.inner
    if isinstance(inner, Mapping | list):
        if isinstance(node.value, str) and node.depth:
            yield Span("⟨json⟩ ", "role--call")
        look = "role--dim" if line.open else "role--plain"
        yield Span(_contents(inner), look)
    elif line.open:
        yield Span(size(byte_count(node.text)), "role--dim")
    else:
        words = clean(masked_start(node.text, 4 * room + 1024, mask))
        if isinstance(node.value, str):
            yield Span(f'"{words}"', "role--exact")
        else:
            yield Span(words, "role--guess")


def _contents(inner: Mapping[str, object] | list[object]) -> str:
    """Return how much is in an object or an array: `{3 keys}`, `[1 item]`, `[]`."""
    if isinstance(inner, list):
        items = counted(len(inner), "item") if inner else ""
        return f"[{items}]"
    keys = counted(len(inner), "key") if inner else ""
    return f"{{{keys}}}"
