"""What a presenter's audience needs: a sentence for the row, and the keys pressed."""

from collections import deque
from typing import ClassVar

from textual.content import Content
from textual.timer import Timer

from sfnwatch.trace.words import Tone
from sfnwatch.tui.cells import cut
from sfnwatch.tui.toned import Toned

LINGER = 1.6
"""Seconds for which a key stays to be seen."""
_MOST = 5


class Caption(Toned):
    """A sentence about the row under the cursor, as one would say it aloud."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Caption { width: 1fr; height: auto; min-height: 2; max-height: 4; }"
    _words = ""

    def show(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.refresh(layout=True)

    def render(self) -> Content:
        return self.toned([(self._words or " ", Tone.STRONG)])


class KeyCaps(Toned):
    """The keys pressed last, for those who can't see the presenter's hands."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {*Toned.COMPONENT_CLASSES, "keys--cap"}
    DEFAULT_CSS = """
    KeyCaps {
        width: auto;
        height: 1;
        margin-left: 1;

        .keys--cap {
            background: $accent;
            color: $background;
            text-style: bold;
        }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: deque[str] = deque(maxlen=_MOST)
        self._fading: Timer | None = None

    def press(self, name: str) -> None:
        """Show a key; the row of them goes when no other follows."""
        self._keys.append(name)
        self.display = True
        if self._fading is not None:
            self._fading.stop()
        self._fading = self.set_timer(LINGER, self.clear)
        self.refresh(layout=True)

    def clear(self) -> None:
        self._keys.clear()
        self.display = False

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def render(self) -> Content:
        cap = self.get_visual_style("keys--cap")
        parts: list[str | Content | tuple[str, object]] = []
        for name in self._keys:
            parts += [(f" {cut_name(name)} ", cap), " "]
        return Content.assemble(*parts)  # type: ignore[arg-type]


def cut_name(name: str) -> str:
    return "".join(text for text, _ in cut(((name, Tone.PLAIN),), 12))
