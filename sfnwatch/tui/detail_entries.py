"""The entries of the detail: sections, and facts below them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sfnwatch.model.texts import clean
from sfnwatch.tui.json_tree import JsonNode
from sfnwatch.view.parts import Part, Role

FACT_CHARACTERS = 2000
"""Characters of one fact that are shown."""


class Fact(NamedTuple):
    """A label, its words, and where they lead; without words it is not shown."""

    label: str
    parts: tuple[Part, ...]
    key: str = ""
    """The key of the line of the lanes that it links to."""
    copied: str = ""
    """The text that is copied, if that is not its words."""
    rows: int = 40
    """Most rows it takes; the screen cuts it, after it has masked names."""


class Section(NamedTuple):
    """A heading, and the entries below it."""

    name: str
    """The same for every line, so that a folded section stays folded."""
    title: str
    entries: Sequence[Fact | JsonNode]


def fact(label: str, text: str | None, role: Role = Role.PLAIN) -> Fact:
    """Return a fact in one role; without parts if the text is unknown."""
    if not text:
        return Fact(label, ())
    return Fact(label, (Part(clean(text, FACT_CHARACTERS), role),))


def section_of(name: str, title: str, entries: Iterable[Fact | JsonNode]) -> Section:
    """Return a section of the entries that are known."""
    known = [e for e in entries if isinstance(e, JsonNode) or e.parts]
    return Section(name, title, known)
