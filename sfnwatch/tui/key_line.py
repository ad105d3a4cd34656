"""The row of keys: the actions that apply here and now, as many as have room."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from sfnwatch.tui.actions import BY_ID, FOOTER, key_label
from sfnwatch.tui.finder import Finder
from sfnwatch.tui.ranked_words import RankedWords, fitted, joined
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, width_of
from sfnwatch.tui.views import Views

_KEYS_APART = 3
"""Cells between two keys."""
_KEYS_CLOSE = 2
"""Cells between two keys where there is little room."""


class KeyLine(Rows):
    """Offers the actions that apply, with their keys and titles."""

    def __init__(
        self,
        screen_state: ScreenState,
        views: Views,
        finder: Finder,
        keys: Mapping[str, tuple[str, ...]],
        applies: Callable[[str], bool],
    ) -> None:
        """`keys` are the user's, by the ids of actions; `applies` takes an id, too."""
        super().__init__(self._key_rows, id="keys")
        self._screen_state = screen_state
        self._views = views
        self._finder = finder
        self._user_keys = keys
        self._applies = applies

    def _key_rows(self, width: int) -> Sequence[Sequence[Span]]:
        offers = list(self._offers())
        # Keys close together are better than fewer keys.
        is_crowded = width_of(joined(offers)) >= width
        gap = _KEYS_CLOSE if is_crowded else _KEYS_APART
        return [[Span(" "), *joined(fitted(offers, width - 1, gap), gap)]]

    def _offers(self) -> Iterator[RankedWords]:
        titles = self._titles()
        for name, rank in FOOTER.items():
            action = BY_ID[name]
            title = titles.get(name, action.title)
            if not title or not self._applies(name):
                continue
            keys = self._user_keys.get(name, action.keys)
            key = Span(key_label(keys[0]) if keys else "", "look--key", name)
            words = Span(f" {title}", "role--dim", name)
            # An action with another title here stays longest.
            is_usual = title == action.title
            yield RankedWords(1 + rank if is_usual else 1, [key, words])

    def _titles(self) -> Mapping[str, str]:
        """Return the titles that actions have now; empty for those not to offer."""
        playback = self._screen_state.playback
        titles = dict(self._views.titles)
        if playback.playing or playback.live:
            titles.setdefault("player.toggle", "Pause")
        if self._screen_state.snapshot.running:
            titles["view.end"] = ""  # nothing has ended yet
        if self._finder.active:
            titles["view.close"] = ""  # it clears the filter, which says so itself
        return titles
