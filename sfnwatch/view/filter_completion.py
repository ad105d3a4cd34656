"""Completions of a filter: what may be typed at the cursor."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.quantities import times
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.view.filter_operators import OPERATORS
from sfnwatch.view.filter_tokens import cut_into_tokens

_BARE = re.compile(r"[^\s&|()\"!~/<>][^\s&|()\"]*")


def _quoted(text: str) -> str:
    """Return a text as a filter has it: in quotes where it needs them."""
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_REST = re.compile(r"\A[^\s&|()\"]*\"?")
_Offer = tuple[str, str, str]
"""The text to insert, its label, and words that explain it."""


class Suggestion(Struct, frozen=True):
    """One completion of a filter."""

    text: str
    """The whole filter, with the completion in it."""
    cursor: int
    label: str
    words: str


def complete(text: str, cursor: int, snapshot: Snapshot) -> Sequence[Suggestion]:
    """Return what may stand at the cursor, in place of the word begun there."""
    head = text[: max(0, cursor)]
    rest = text[max(0, cursor) :]
    tokens = cut_into_tokens(head)
    begun = ""
    if tokens and tokens[-1].kind not in "&|!()" and tokens[-1].end == len(head):
        begun = head[tokens.pop().position :]
        rest = _REST.sub("", rest)
    kept = head.removesuffix(begun)
    after = ""
    if tokens and tokens[-1].kind == "operator" and not begun.startswith("~"):
        after = tokens[-1].text.lower()
    return [
        Suggestion(f"{kept}{put}{rest}", len(kept + put), label, words)
        for put, label, words in _offers(after, begun.lower().strip('"'), snapshot)
    ]


def _offers(after: str, begun: str, snapshot: Snapshot) -> Iterator[_Offer]:
    """Yield what may follow the operator `after`; without one, yield operators."""
    operator = OPERATORS.get(after)
    if not after:
        for each in OPERATORS.values():
            if f"~{each.name}".startswith(begun) or each.token == begun:
                space = "" if each.takes == "[TEXT]" else " "
                yield each.token + space, each.token, each.words
    elif operator is not None and operator.known is not None:
        for word, (means, _) in operator.known.items():
            if word.startswith(begun):
                yield word, word, means
    elif operator is not None:
        names = filter(None, _names(operator.name, snapshot))
        counts = Counter(name for name in map(clean, names) if begun in name.lower())
        # Names that begin with the typed text come first.
        for name in sorted(counts, key=lambda n: not n.lower().startswith(begun)):
            yield _quoted(name), name, times(counts[name])


def _names(looked_at: str, snapshot: Snapshot) -> Iterable[str | None]:
    """Return all names of a kind, each as often as the snapshot has it."""
    calls = filter(snapshot.is_relevant, snapshot.calls)
    executions = snapshot.executions.values()
    attempts = (attempt for each in executions for _, attempt in each.attempts)
    found: Mapping[str, Iterable[str | None]] = {
        "state": (visit.name for each in executions for visit in each.visits),
        "action": chain(map(resource_words, attempts), (c.event_name for c in calls)),
        "service": (call.event_source.partition(".")[0] for call in calls),
        "error": chain((c.error_code for c in calls), (a.error for a in attempts)),
        "execution": (arn.rsplit(":", 1)[-1] for arn in snapshot.executions),
    }
    return found.get(looked_at, ())
