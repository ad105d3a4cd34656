"""Pieces of text in the theme's colours: which tone looks how is up to the CSS."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.content import Content
from textual.widget import Widget

from sfnwatch.trace.words import Piece, Tone

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in Tone)


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
