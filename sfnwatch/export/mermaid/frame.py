"""Participants of a sequence diagram with one frame around them."""

from collections.abc import Iterator

from msgspec import Struct, field

from sfnwatch.export.mermaid.grammar import escape

_NAME = 40
TITLE_CHARACTERS = 80


class Frame(Struct):
    """Participants with one frame around them."""

    letter: str
    title: str
    ids: dict[str, str] = field(default_factory=dict)

    def take(self, name: str) -> str:
        """Return the id of a participant, which is added if it is new."""
        return self.ids.setdefault(name, f"{self.letter}{len(self.ids) + 1}")

    def lines(self, used: set[str]) -> Iterator[str]:
        names = {name: own for name, own in self.ids.items() if own in used}
        if not names:
            return
        # Without a color, Mermaid would try the title's first word as one.
        yield f"box transparent {escape(self.title, TITLE_CHARACTERS)}"
        for name, own in names.items():
            yield f"participant {own} as {escape(name, _NAME)}"
        yield "end"
