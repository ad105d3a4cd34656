"""Pieces of text in the theme's colours: which tone looks how is up to the CSS."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.content import Content
from textual.widget import Widget

from sfnwatch.trace.words import Piece, Tone

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in Tone)


_RUNS = 4
RUN_CLASSES = tuple(f"run--{number}" for number in range(1, _RUNS + 1))
"""The colours that tell executions apart; of more than these some have the same."""


def run_class(place: int) -> str:
    """Give the class of an execution's colour, by its place among those shown."""
    return RUN_CLASSES[place % _RUNS]


class Toned(Widget):
    """A widget that can show pieces."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)

    def toned(self, pieces: Iterable[Piece]) -> Content:
        """Colour pieces; never by markup, which data could write."""
        return Content.assemble(
            *(
                (text, self.get_visual_style(f"tone--{tone}"))
                for text, tone in pieces
                if text
            )
        )

    def text(self, words: str, tone: Tone) -> Text:
        """Colour words for a table, which wraps them in their column."""
        return Text(words, style=self.get_component_rich_style(f"tone--{tone}"))
