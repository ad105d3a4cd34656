"""Completions of a filter: what may be typed at the cursor."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from sfnwatch.analysis.integration_words import resource_words
from sfnwatch.analysis.quantities import times
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import Attempt
from sfnwatch.view.filter_operators import OPERATORS
from sfnwatch.view.filter_tokens import cut_into_tokens

_BARE = re.compile(r"[^\s&|()\"!~/<>][^\s&|()\"]*")


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
    offers = _offers(after, begun.lower().strip('"'), snapshot)
    return [
        Suggestion(f"{kept}{inserted}{rest}", len(kept + inserted), label, words)
        for inserted, label, words in offers
    ]


def _offers(after: str, begun: str, snapshot: Snapshot) -> Iterator[_Offer]:
    """Yield what may follow the operator `after`; without one, yield operators."""
    if not after:
        yield from _operators(begun)
        return
    operator = OPERATORS.get(after)
    if operator is None:
        return
    if operator.known is None:
        yield from _names_with(begun, operator.name, snapshot)
        return
    for word, (meaning, _) in operator.known.items():
        if word.startswith(begun):
            yield word, word, meaning


def _operators(begun: str) -> Iterator[_Offer]:
    for operator in OPERATORS.values():
        is_begun = f"~{operator.name}".startswith(begun)
        if is_begun or operator.token == begun:
            inserted = operator.token
            if operator.takes != "[TEXT]":
                inserted = f"{inserted} "
            yield inserted, operator.token, operator.words


def _names_with(begun: str, kind: str, snapshot: Snapshot) -> Iterator[_Offer]:
    """Yield the names of a kind that have a text, those that begin with it first."""
    counts: Counter[str] = Counter()
    if kind not in _NAMES:
        return
    for text in _NAMES[kind](snapshot):
        name = clean(text) if text else ""
        if name and begun in name.lower():
            counts[name] += 1
    for name in sorted(counts, key=lambda name: not name.lower().startswith(begun)):
        yield _quoted(name), name, times(counts[name])


def _quoted(text: str) -> str:
    """Return a text as a filter has it: in quotes where it needs them."""
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _attempts(snapshot: Snapshot) -> Iterator[Attempt]:
    for execution in snapshot.executions.values():
        for _, attempt in execution.attempts:
            yield attempt


def _calls(snapshot: Snapshot) -> Iterator[ApiCall]:
    return filter(snapshot.is_relevant, snapshot.calls)


def _states(snapshot: Snapshot) -> Iterator[str]:
    for execution in snapshot.executions.values():
        for visit in execution.visits:
            yield visit.name


def _actions(snapshot: Snapshot) -> Iterator[str]:
    yield from map(resource_words, _attempts(snapshot))
    for call in _calls(snapshot):
        yield call.event_name


def _services(snapshot: Snapshot) -> Iterator[str]:
    for call in _calls(snapshot):
        yield call.event_source.partition(".")[0]


def _errors(snapshot: Snapshot) -> Iterator[str | None]:
    for call in _calls(snapshot):
        yield call.error_code
    for attempt in _attempts(snapshot):
        yield attempt.error


def _executions(snapshot: Snapshot) -> Iterator[str]:
    for arn in snapshot.executions:
        yield arn.rsplit(":", 1)[-1]


_NAMES: Mapping[str, Callable[[Snapshot], Iterator[str | None]]] = {
    "state": _states,
    "action": _actions,
    "service": _services,
    "error": _errors,
    "execution": _executions,
}
"""For operators by their names: all names of a kind, each as often as it is there."""
