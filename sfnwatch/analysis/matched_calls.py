"""Calls that are matched to something, with guesses kept apart."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from sfnwatch.analysis.denials import is_denied
from sfnwatch.analysis.grouping import grouped
from sfnwatch.analysis.quantities import times
from sfnwatch.model.api_call import ApiCall

K = TypeVar("K")


class MatchedCalls(NamedTuple):
    """Calls that are matched to something, in order of time.

    Calls that are matched by a guess are kept apart. No figure counts them; a sentence
    only gives how many there may be.
    """

    sure: Sequence[ApiCall]
    guessed: Sequence[ApiCall] = ()

    @classmethod
    def joined(cls, parts: Iterable["MatchedCalls"]) -> "MatchedCalls":
        every = list(parts)
        guessed = [call for part in every for call in part.guessed]
        return cls([call for part in every for call in part.sure], guessed)

    @property
    def every(self) -> list[ApiCall]:
        return [*self.sure, *self.guessed]

    @property
    def ids(self) -> list[str]:
        return [call.event_id for call in self.every]

    @property
    def often(self) -> str:
        """How often the calls were made: `5 times`, `up to 5 times`."""
        count = len(self.every)
        if not self.guessed:
            return times(count)
        return "at most once" if count == 1 else f"up to {count} times"

    @property
    def figures(self) -> dict[str, int]:
        """The number of calls, for data; `up_to` only if some are guesses."""
        most = {"up_to": len(self.every)} if self.guessed else {}
        return {"count": len(self.sure), **most}

    @property
    def denied(self) -> "MatchedCalls":
        return self.those(is_denied)

    def those(self, test: Callable[[ApiCall], bool]) -> "MatchedCalls":
        """Return the calls that pass a test."""
        return MatchedCalls(*(list(filter(test, calls)) for calls in self))

    def grouped(self, key: Callable[[ApiCall], K]) -> dict[K, "MatchedCalls"]:
        """Group the calls by a key."""
        sure, guessed = (grouped(calls, key) for calls in self)
        kinds = {**sure, **guessed}
        return {k: MatchedCalls(sure.get(k, ()), guessed.get(k, ())) for k in kinds}
