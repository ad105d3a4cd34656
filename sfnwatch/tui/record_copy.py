"""What is copied of the pane: safe to paste wherever it goes."""

from collections.abc import Iterable, Iterator

from sfnwatch.trace.text import clean, clean_lines
from sfnwatch.tui.facts import Fact
from sfnwatch.tui.json_text import json_text
from sfnwatch.tui.json_tree import Mask, Named, Node, TreeLine
from sfnwatch.tui.record_lines import Target
from sfnwatch.tui.record_links import Said, Tie
from sfnwatch.tui.record_sections import Beside, Part, Section, Topic


def copied(target: Target, mask: Mask) -> str:
    """Give what a spot stands for: a value's JSON, words, an id, a whole section."""
    match target:
        case Section() as section:
            return mask(_section(section))
        case TreeLine() as line:
            return mask(_node(line.node))
        case Tie() as tie:
            return mask(clean(tie.id))
        case Fact() as fact:
            return mask(fact.words)
    return mask(clean(target.words).strip())


def _section(section: Section) -> str:
    if section.topic in {Topic.RECORDS, Topic.PAYLOAD}:
        values = [node.content for node in _nodes(section.parts)]
        return json_text(values[0] if len(values) == 1 else values)
    lines = "\n".join(line for part in section.parts for line in _words(part))
    return f"{section.title}\n{lines}" if section.topic is Topic.FACTS else lines


def _nodes(parts: Iterable[Part]) -> Iterator[Node]:
    for part in parts:
        both = (part.left, part.right) if isinstance(part, Beside) else (part,)
        yield from (node for node in both if isinstance(node, Node))


def _words(part: Part) -> Iterator[str]:
    match part:
        case Fact():
            yield f"{part.label}: {part.words}"
        case Tie():
            said = (part.role, part.what, part.state, part.rule, part.evidence, part.id)
            yield clean("  ".join(word for word in said if word))
        case Said():
            yield clean(part.words)
        case Node():
            yield _node(part)


def _node(node: Node) -> str:
    """Copy a text of its own, as a cause may be one, without JSON's quotes."""
    if node.named is Named.TITLE and isinstance(node.value, str) and not node.embedded:
        return "\n".join(clean_lines(node.text))
    return node.copied
