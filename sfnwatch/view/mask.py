"""Replaces learned names, and what looks private, in a text."""

import re
from collections import defaultdict
from collections.abc import Iterator

from sfnwatch.view.private_names import ARNS, private_parts
from sfnwatch.view.vocabulary import vocabulary

_SHORT_ID = 8
"""The number of characters to which the screen shortens a random id."""
_RANDOM = re.compile(r"[0-9a-f]{8}[0-9a-f-]{24,28}")
_PUBLIC = re.compile(
    r"arn|aws|aws-sdk|https?|amazonaws|com|stateMachine|mapRun|assumed-role|express"
    r"|Task|Choice|Pass|Wait|Map|Parallel|Succeed|Fail|Main"
    r"|running|succeeded|failed|caught|aborted|timed_out|sync|async|sdk|denied"
    r"|[a-z]{2,4}(?:-[a-z]+){1,3}-\d"
)
"""Words that are never masked, whatever has that name: types, Regions, statuses, and
the words that distinguish the examples."""
_WORD = re.compile(r"[\w-]+")
_SHORTEST = 3
"""A shorter name is masked in ARNs only, since it occurs in many other words."""


def is_private(name: str) -> bool:
    """True for a name that is masked everywhere, and not only in ARNs."""
    words = vocabulary()
    return (
        len(name) >= _SHORTEST
        and name not in words.services
        and name not in words.arn_kinds
        and name not in words.actions
        and _PUBLIC.fullmatch(name) is None
        and _WORD.search(name) is not None
    )


class Mask:
    """Replaces learned names, in one pass through a text."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """The alias of each learned name; names are cleaned."""
        self._starts = defaultdict[str, list[tuple[int, str]]](list)
        """The names that have a first word, each with the word's index in the name."""

    def add(self, name: str, alias: str) -> None:
        """Learn a name; a random id is also masked where it is shortened."""
        heads = [name[:_SHORT_ID]] if _RANDOM.fullmatch(name) else []
        for each in (name, *heads):
            word = _WORD.search(each)
            known = self.names.setdefault(each, alias)
            if known == alias and word and is_private(each):
                self._starts[word[0]].append((word.start(), each))

    def __call__(self, text: str) -> str:
        parts: list[str] = []
        place = 0
        # The first name is replaced, and of two with the same beginning the longer one.
        for begin, end, put in sorted(self._found(text), key=lambda f: (f[0], -f[1])):
            if end <= place:
                continue
            begin = max(begin, place)  # noqa: PLW2901 - its beginning is hidden already
            kind, _, number = put.rpartition("-")
            before = text[max(0, begin - len(kind) - 2) : begin]
            if before.lower().lstrip() == f"{kind} ":
                put = number  # noqa: PLW2901 - `task 1`, and not `task task-1`
            parts += (text[place:begin], put)
            place = end
        return "".join((*parts, text[place:]))

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield the begin and the end of each private part, and its replacement.

        A part that only looks private, and was not learned, becomes `kind-x`.
        """
        for kind, begin, end in private_parts(text):
            yield begin, end, self.names.get(text[begin:end]) or f"{kind}-x"
        for arn in ARNS.finditer(text):
            if arn["cut"]:
                yield *arn.span(), "arn:…"
        for word in _WORD.finditer(text):
            for offset, name in self._starts.get(word[0], ()):
                begin = word.start() - offset
                end = begin + len(name)
                before = text[begin - 1 : begin] if begin > 0 else ""
                ends = _WORD.match(before) is _WORD.match(text[end : end + 1]) is None
                if ends and begin >= 0 and text.startswith(name, begin):
                    yield begin, end, self.names[name]
