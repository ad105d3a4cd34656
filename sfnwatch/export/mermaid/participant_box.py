"""Participants of a sequence diagram with one box around them."""

from collections.abc import Iterator

from msgspec import Struct, field

from sfnwatch.export.mermaid.grammar import escape

_NAME_CHARACTERS = 40
TITLE_CHARACTERS = 80


class ParticipantBox(Struct):
    """Participants with one box around them: the columns of an execution, or of AWS."""

    id_prefix: str
    title: str
    ids: dict[str, str] = field(default_factory=dict)
    """The ids of the participants, by their names."""

    def take(self, name: str) -> str:
        """Return the id of a participant, which is added if it is new."""
        return self.ids.setdefault(name, f"{self.id_prefix}{len(self.ids) + 1}")

    def lines(self, used_ids: set[str]) -> Iterator[str]:
        """Yield the statements of the participants that are used."""
        names = [name for name in self.ids if self.ids[name] in used_ids]
        if not names:
            return
        # Without a color, Mermaid would try the title's first word as one.
        yield f"box transparent {escape(self.title, TITLE_CHARACTERS)}"
        for name in names:
            shown_name = escape(name, _NAME_CHARACTERS)
            yield f"participant {self.ids[name]} as {shown_name}"
        yield "end"
