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
        sure: list[ApiCall] = []
        guessed: list[ApiCall] = []
        for part in parts:
            sure += part.sure
            guessed += part.guessed
        return cls(sure, guessed)

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
        figures = {"count": len(self.sure)}
        if self.guessed:
            figures["up_to"] = len(self.every)
        return figures

    @property
    def denied(self) -> "MatchedCalls":
        return self.filtered(is_denied)

    def filtered(self, test: Callable[[ApiCall], bool]) -> "MatchedCalls":
        """Return the calls that pass a test."""
        sure = [call for call in self.sure if test(call)]
        guessed = [call for call in self.guessed if test(call)]
        return MatchedCalls(sure, guessed)

    def grouped(self, key: Callable[[ApiCall], K]) -> dict[K, "MatchedCalls"]:
        """Group the calls by a key."""
        sure = grouped(self.sure, key)
        guessed = grouped(self.guessed, key)
        groups: dict[K, MatchedCalls] = {}
        for group in (*sure, *guessed):
            groups[group] = MatchedCalls(sure.get(group, ()), guessed.get(group, ()))
        return groups
