"""A line of a JSON tree, drawn."""

from collections.abc import Iterator, Mapping

from sfnwatch.model.texts import byte_count, clean, size
from sfnwatch.tui.fold_signs import FOLD_SIGNS
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
        words = Span(f"  {line.words}", look)
        return cut([before, words], width)
    sign = Span(FOLD_SIGNS[line.open], "role--fold")
    label = _label(node, width // 2, mask)
    spans = [before, sign, *label]
    room = max(1, width - width_of(spans))
    spans += _value(line, room, mask)
    return cut(spans, width)


def _label(node: JsonNode, room: int, mask: Masks) -> SpanRow:
    """Return a key or an index, or of the whole tree its title."""
    # A key may be as long as a payload: mask and clean only its beginning.
    key = mask(node.label[:_KEY_CHARACTERS])
    words = clean(key, _KEY_CHARACTERS)
    if node.depth == 0:
        title = Span(words, "role--name")
        return [*cut([title], room), Span("  ")]
    label = Span(words, "role--call")
    return [*cut([label], room), Span(": ", "look--faint")]


def _value(line: JsonLine, room: int, mask: Masks) -> Iterator[Span]:
    """Yield a value; of a text, only as much as may have room."""
    node = line.node
    inner = node.inner
    if isinstance(inner, Mapping | list):
        is_json_in_text = isinstance(node.value, str)
        if is_json_in_text and node.depth:
            yield Span("⟨json⟩ ", "role--call")
        look = "role--dim" if line.open else "role--plain"
        yield Span(_contents(inner), look)
    elif line.open:
        text_size = size(byte_count(node.text))
        yield Span(text_size, "role--dim")
    else:
        # Take more than has room: masked names and hidden secrets make it shorter.
        start = masked_start(node.text, 4 * room + 1024, mask)
        words = clean(start)
        if isinstance(node.value, str):
            yield Span(f'"{words}"', "role--exact")
        else:
            yield Span(words, "role--guess")


def _contents(inner: Mapping[str, object] | list[object]) -> str:
    """Return how much is in an object or an array: `{3 keys}`, `[1 item]`, `[]`."""
    if isinstance(inner, list):
        if not inner:
            return "[]"
        items = counted(len(inner), "item")
        return f"[{items}]"
    if not inner:
        return "{}"
    keys = counted(len(inner), "key")
    return f"{{{keys}}}"
