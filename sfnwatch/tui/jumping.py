"""The palette's way to a state or a mark: type its name, and be there."""

from functools import partial
from typing import Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from sfnwatch.trace.chapters import Chapter

_MOST = 200
"""Marks offered before anything is typed; a history may have thousands."""


class Jumps(Protocol):
    """What an app must be able to do for it."""

    def chapters(self) -> tuple[Chapter, ...]:
        """List the marks of all there is."""
        ...

    def jump(self, chapter: Chapter) -> None:
        """Go to a mark, in time and on the screen."""
        ...

    def told(self, chapter: Chapter) -> tuple[str, str]:
        """Say what a mark is, and when it was, as names and times are shown."""
        ...


class Marks(Provider):
    """Offers every state that was entered, and every other mark."""

    @property
    def _jumps(self) -> Jumps:
        return cast("Jumps", self.app)

    async def discover(self) -> Hits:
        for chapter in self._jumps.chapters()[:_MOST]:
            label, words = self._jumps.told(chapter)
            jump = partial(self._jumps.jump, chapter)
            yield DiscoveryHit(Content(label), jump, text=label, help=words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for chapter in self._jumps.chapters():
            label, words = self._jumps.told(chapter)
            score = matcher.match(label)
            if score > 0:
                jump = partial(self._jumps.jump, chapter)
                # What the matcher highlights it reads as markup: data may be some.
                yield Hit(score, Content(label), jump, text=label, help=words)
