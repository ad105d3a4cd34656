"""The filter language: `~s Work & !~k poll`, in the spirit of mitmproxy's.

An operator looks at one thing of a line, a bare word at its words; `&`, `|`, `!` and
parentheses join them. What shares a line counts for it: the events that stand on it,
and the call that an attempt's phase made.
"""

import json
import re
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import factorial
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from msgspec import Struct

from sfnwatch.analysis.phases import length_of
from sfnwatch.analysis.wording import times
from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.ecs_task import TaskState
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.linking.link import Certainty, LinkRule, role_of_call
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import ROOT, Attempt, StateVisit
from sfnwatch.view.lines import LineContext, LineMaker
from sfnwatch.view.outline import Fold, Item, ItemFilter, Outline
from sfnwatch.view.parts import plain_text
from sfnwatch.view.wording import RULE_WORDS, resource_words, went_wrong

LONGEST = 4096
"""Characters of a filter."""
LONGEST_REGEX = 100
_DEEPEST = 40
"""Parentheses inside each other."""
_SHOWN = 40
"""Characters of what was typed that an error repeats."""


class FilterError(ValueError):
    """A filter that can't be read: what is wrong, where, and what would be right."""

    def __init__(self, message: str, position: int, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.position = position
        self.hint = hint


# -- what a filter sees in a line ------------------------------------------------------


def _has_event(about: LineContext, *endings: str) -> bool:
    """True if the type of an event on the line ends so."""
    return any(event.type.endswith(endings) for event in about.events)


def _part(about: LineContext) -> Attempt | StateVisit | None:
    """Give the attempt it tells of; of a line that tells of a whole state, that."""
    whole = about.attempt is None or _has_event(about, "StateEntered", "StateExited")
    return about.visit if whole else about.attempt


def _failures(about: LineContext) -> Iterator[tuple[str | None, str | None]]:
    """Yield error and cause of its call and of those events that may have some."""
    if about.call is not None:
        yield about.call.error_code, about.call.error_message
    yield from map(about.maker.failure, about.events)


Test = Callable[[LineContext], bool]
Texts = Callable[[LineContext], Iterable[str | None]]


def _words(about: LineContext) -> Iterator[str]:
    line = about.maker.line(about.item)
    yield plain_text((*line.owner, *line.parts))


def _states(about: LineContext) -> Iterator[str]:
    if about.visit is not None:
        yield about.visit.name
        yield about.visit.path.removeprefix(f"{ROOT} / ")


def _attempts(about: LineContext) -> Sequence[Attempt]:
    """Give what a state's line runs; a call's and a task's say what they are."""
    if about.attempt is not None and about.events:
        return (about.attempt,)
    # Retries run the same thing again.
    return about.visit.attempts[:1] if about.visit and about.events else ()


def _actions(about: LineContext) -> Iterator[str]:
    if about.call is not None:
        yield about.call.event_name
    if isinstance(about.item, TaskState):
        yield about.item.last_status
    yield from map(resource_words, _attempts(about))


def _services(about: LineContext) -> Iterator[str]:
    if about.call is not None:
        yield about.call.event_source
    for attempt in _attempts(about):
        yield attempt.integration.event_source if attempt.integration else ""
        yield resource_words(attempt)


def _errors(about: LineContext) -> Iterator[str | None]:
    yield from chain.from_iterable(_failures(about))
    if isinstance(about.item, TaskState) and went_wrong(about.item):
        yield from (about.item.stop_code, about.item.stopped_reason)


def _bodies(about: LineContext) -> Iterator[str]:
    """Yield every key and every value of the raw records."""
    trace = about.snapshot.trace
    left: list[Any] = [trace.raw(event) for event in about.events]
    left += [trace.cloudtrail_record(about.call)] if about.call else []
    left += [trace.raw(about.item)] if isinstance(about.item, TaskState) else []
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
        elif value is not None:
            yield value if isinstance(value, str) else json.dumps(value)


def _executions(about: LineContext) -> Iterator[str]:
    yield (about.execution_arn or "").rsplit(":", 1)[-1]


# -- kinds of lines, and rules of links ------------------------------------------------

_DENIED = re.compile(
    r"denied|not ?authori[sz]ed|unauthori[sz]ed|forbidden", re.IGNORECASE
)


def _has_role(role: CallRole) -> Test:
    return lambda a: a.call is not None and role_of_call(a.call, a.link) is role


def _has_rule(rule: LinkRule) -> Test:
    return lambda about: about.link is not None and about.link.rule is rule


def _has_certainty(*certainties: Certainty) -> Test:
    return lambda about: about.link is not None and about.link.certainty in certainties


def _is_guess(about: LineContext) -> bool:
    link = about.link
    if link is None:
        return False
    return link.certainty is Certainty.GUESS or link.rule is LinkRule.AMBIGUOUS


def _is_of_execution(about: LineContext) -> bool:
    return any(event.type.startswith("Execution") for event in about.events)


def _has_phase(about: LineContext) -> bool:
    return any(event.attempt_id for event in about.events)


def _is_other(about: LineContext) -> bool:
    named = _has_event(about, "StateEntered", "StateExited") or _is_of_execution(about)
    is_record = isinstance(about.item, ApiCall | TaskState) or about.call is not None
    return not (is_record or named or _has_phase(about))


def _is_failure(about: LineContext) -> bool:
    if _has_event(about, "Failed", "TimedOut", "FailStateEntered"):
        return True
    failed_task = isinstance(about.item, TaskState) and went_wrong(about.item)
    return failed_task or any(error for error, _ in _failures(about))


def _is_denied(about: LineContext) -> bool:
    return any(_DENIED.search(error or "") for error, _ in _failures(about))


def _is_caught(about: LineContext) -> bool:
    caught = about.visit is not None and about.visit.status == "caught"
    return caught and _has_event(about, "StateExited")


def _is_running(about: LineContext) -> bool:
    part = _part(about)
    return part is not None and part.status == "running"


def _is_redriven(about: LineContext) -> bool:
    """True for a redrive, also of a Map Run, and for the attempts it began."""
    if about.visit is None or about.attempt is None:
        return _has_event(about, "Redriven")
    return about.visit.is_redriven(about.number)


KnownWords = Mapping[str, tuple[str, Test]]
"""What may follow an operator: what it means, and what it keeps."""
KINDS: KnownWords = {
    "execution": ("start, redrive and end of an execution", _is_of_execution),
    "entered": ("a state is entered", lambda a: _has_event(a, "StateEntered")),
    "exited": ("a state is exited", lambda a: _has_event(a, "StateExited")),
    "phase": ("an attempt is scheduled, started, submitted, ended", _has_phase),
    "other": ("iterations, branches, back-offs, all else", _is_other),
    "call": ("API calls", lambda about: about.call is not None),
    "task": ("task states reported by ECS", lambda a: isinstance(a.item, TaskState)),
    "poll": ("calls that poll a job's status", _has_role(CallRole.POLL)),
    "action": ("calls that do a state's work", _has_role(CallRole.ACTION)),
    "stop": ("calls that stop a job", _has_role(CallRole.STOP)),
    "failed": ("failed, timed out or denied", _is_failure),
    "denied": ("access denied", _is_denied),
    "caught": ("failures handled by a Catch", _is_caught),
    "running": ("still running", _is_running),
    "redriven": ("a redrive, and the attempts it began", _is_redriven),
}
RULES: KnownWords = {
    **{str(rule): (RULE_WORDS[rule], _has_rule(rule)) for rule in LinkRule},
    "exact": ("= an ID that only its attempt has", _has_certainty(Certainty.EXACT)),
    "strong": ("≈ nobody else can have made it", _has_certainty(Certainty.STRONG)),
    "sure": ("exact or strong", _has_certainty(Certainty.EXACT, Certainty.STRONG)),
    "likely": (
        "~ another execution could have made it",
        _has_certainty(Certainty.LIKELY),
    ),
    "guess": ("? a guess, or ambiguous", _is_guess),
    "none": ("matched to nothing", lambda a: a.call is not None and a.link is None),
}


class Operator(Struct, frozen=True):
    """`~` and a letter."""

    token: str
    name: str
    """What it looks at, in one word."""
    takes: str
    """What must follow; in brackets, what may."""
    words: str
    looks_at: Texts | None = None
    known: KnownWords | None = None


OPERATORS = {
    operator.token: operator
    for operator in (
        Operator("~s", "state", "TEXT", "state, by name or path", _states),
        Operator("~a", "action", "TEXT", "call, or what a Task runs", _actions),
        Operator(
            "~e", "error", "[TEXT]", "error or cause; alone, any failure", _errors
        ),
        Operator("~k", "kind", "KIND", "kind of line", known=KINDS),
        Operator("~l", "link", "RULE", "how a call is matched", known=RULES),
        Operator("~v", "service", "TEXT", "service: ecs, lambda, …", _services),
        Operator("~d", "duration", "TIME", "how long it took: 5s, >2m, <0.5s"),
        Operator("~b", "body", "TEXT", "anywhere in the raw record", _bodies),
        Operator("~x", "execution", "TEXT", "execution, by name", _executions),
    )
}
_HINTS = {
    "TEXT": "a word, “words in quotes” or a /regex/",
    "KIND": f"one of {' '.join(KINDS)}",
    "RULE": f"one of {' '.join(RULES)}",
    "TIME": "write it as 5s, >2m or <0.5s",
}
_CAN_FOLLOW = f"a word, or one of {' '.join(OPERATORS)}"
FILTER_HELP: Sequence[tuple[str, str]] = (
    *((f"{each.token} {each.takes}", each.words) for each in OPERATORS.values()),
    *(("KIND", " ".join(KINDS)), ("RULE", " ".join(RULES))),
    ("word  “two words”", "anywhere in the words of the line"),
    ("/regex/", "wherever TEXT may stand, and alone"),
    ("a b  a & b", "both"),
    *(("a | b", "either"), ("!a", "not"), ("( )", "together")),
)
"""What may be typed, and what it does: for the help."""


# -- what is looked for ----------------------------------------------------------------

Finds = Callable[[str], bool]
_BARE = re.compile(r"[^\s&|()\"!~/<>][^\s&|()\"]*")
_STEPS = 2**22
"""What the worst regex may take on the worst text: about a tenth of a second."""
_MOST_CHARACTERS = 2**16
"""Characters of a text that are looked at, at most."""
_LEAST_CHARACTERS = 96
"""The same at least, for a regex to be of use."""
_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""What stands in a regex for one character, whatever signs are in it."""
_REFUSED = re.compile(r"\)(?:[*+]|\{[\d,])|\(\?(?!:)")
"""A repeat of a group, and what begins with `(?` but is no plain group."""


def _quoted(text: str) -> str:
    """Write words as a filter has them."""
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _regex_finder(source: str, position: int) -> Finds:
    """Compile a regex, or raise FilterError; `position` is where its source begins."""
    if len(source) > LONGEST_REGEX:
        hint = f"at most {LONGEST_REGEX} are allowed"
        raise FilterError(f"the regex has {len(source)} characters", position, hint)
    # First: Python's own compiler is not meant for what is refused here.
    reach = _reach(source, position)
    try:
        with warnings.catch_warnings(action="ignore"):
            regex = re.compile(source, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        message = f"not a regex: {getattr(error, 'msg', error)}"
        place = position + (getattr(error, "pos", None) or 0)
        hint = 'to look for this very text, put it in quotes: "…"'
        raise FilterError(message, place, hint) from error
    return lambda text: regex.search(text, 0, reach) is not None


def _reach(source: str, position: int) -> int:
    """Say how much text a regex may look at without trying too many ways.

    Python's engine tries them all, one after the other: each repeat may end at any
    character, each choice doubles the ways, and a repeat of either has no bound.
    """
    plain = _ONE_CHARACTER.sub("x", source)
    if _REFUSED.search(plain):
        message = "a regex may repeat no group, and have no (? but (?:"
        raise FilterError(message, position)
    repeats = len(re.findall(r"[*+]|\{[\d,]+\}", plain))
    choices = len(re.findall(r"(?<!\()\?|\|", plain))
    ways = _STEPS * factorial(repeats + 1) // 2**choices
    reach = min(_MOST_CHARACTERS, int(ways ** (1 / (repeats + 1))))
    if reach < _LEAST_CHARACTERS:
        hint = "join several short ones with &"
        raise FilterError("too many repeats and choices in one regex", position, hint)
    return reach


# -- the grammar -----------------------------------------------------------------------

_TOKEN = re.compile(
    r"(?P<operator>~[^\s&|()\"!~]*)"
    r"|\"(?P<quoted>(?:\\.|[^\"\\])*)\""
    r"|/(?P<regex>(?:\\.|[^\\])*?)/(?=[\s&|()]|\Z)"
    r"|(?P<sign>[&|!()])"
    # `> 2m` is one word.
    r"|(?P<word>(?:[<>]=?\s+(?=\d))?[^\s&|()\"/][^\s&|()\"]*)"
    r"|(?P<open>[\"/].*)",
    re.DOTALL,
)
_TEXTS = frozenset({"quoted", "regex", "word"})
_ESCAPED = re.compile(r'\\(["\\])')
# Possessive: a hundred digits could be parted in more ways than there is time for.
_TIME = re.compile(
    r"([<>]=?)?\s*((?:\d{1,9}+(?:\.\d{1,9}+)?+(?:ms|s|m|h)?+)++)", re.ASCII
)
_TIME_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class _Token(NamedTuple):
    kind: str
    """`operator`, `quoted`, `regex`, `word`, `open` for what was never closed, or the
    sign that it is."""
    text: str
    """What stands in it, without quotes and slashes."""
    position: int
    end: int


def _tokens(text: str) -> list[_Token]:
    """Cut a text: what is no token is closed by nothing, and goes on to the end."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        inside = match[kind]
        if kind == "quoted":
            inside = _ESCAPED.sub(r"\1", inside)
        found.append(_Token(inside if kind == "sign" else kind, inside, *match.span()))
    return found


class Filter(Struct, frozen=True, eq=False):
    """Which lines to keep."""

    keeps: Test

    def predicate(self, snapshot: Snapshot, outline: Outline) -> ItemFilter:
        """Give what decides for each item, as of a moment; for a fold any in it do.

        It is of use as long as the moment is: until the trace changes.
        """
        maker = LineMaker(snapshot, outline)

        def keeps(item: Item) -> bool:
            if isinstance(item, Fold):
                return any(map(keeps, item.members))
            return self.keeps(LineContext(maker, item))

        return keeps


class _Parser(Struct):
    """Goes through the tokens once: or binds less than and, and less than not."""

    left: deque[_Token]
    """The last one is the end, which is of no kind."""

    def accept(self, *kinds: str) -> _Token | None:
        """Go past the next token, and give it, if it is one of these."""
        return self.left.popleft() if self.left[0].kind in kinds else None

    def any_of(self, depth: int = 0) -> Test:
        ways = [[self.term(depth)]]
        while self.left[0].kind not in {"", ")"}:
            if self.accept("|"):
                ways.append([])
            else:
                self.accept("&")
            ways[-1].append(self.term(depth))
        return lambda about: any(all(keeps(about) for keeps in way) for way in ways)

    def term(self, depth: int) -> Test:
        odd = False
        while self.accept("!"):
            odd = not odd
        keeps = self.atom(depth)
        return (lambda about: not keeps(about)) if odd else keeps

    def atom(self, depth: int) -> Test:
        if token := self.accept("("):
            if depth >= _DEEPEST:
                raise FilterError("parentheses are nested too deep", token.position)
            inside = self.any_of(depth + 1)
            if self.accept(")"):
                return inside
            raise FilterError("the ( is not closed", token.position, "close it with )")
        if token := self.accept("operator"):
            return self.operated(token)
        if token := self.accept(*_TEXTS):
            return _look(_words, token)
        wrong = self.left[0]
        what = f"nothing before {wrong.text}" if wrong.kind else "something must follow"
        raise FilterError(what, wrong.position, _CAN_FOLLOW)

    def operated(self, token: _Token) -> Test:
        operator = OPERATORS.get(token.text.lower())
        if operator is None:
            raise _unknown("operator", token, OPERATORS)
        value = self.accept(*_TEXTS)
        if value is None and operator.takes == "[TEXT]":
            return _is_failure
        if value is None:
            message = f"{operator.token} needs a {operator.takes.lower()}"
            raise FilterError(message, token.end, _HINTS[operator.takes])
        if operator.looks_at is not None:
            return _look(operator.looks_at, value)
        if operator.known is None:
            return _took(value)
        word = value.text.lower()
        if word not in operator.known:
            raise _unknown(operator.takes.lower(), value, operator.known)
        return operator.known[word][1]


def _look(texts: Texts, value: _Token) -> Test:
    words = value.text.casefold()
    if value.kind == "regex":
        finds = _regex_finder(value.text, value.position + 1)
    else:
        finds = lambda text: words in text.casefold()  # noqa: E731 - it is one of two
    return lambda about: any(finds(clean(text)) for text in texts(about) if text)


def _took(token: _Token) -> Test:
    """Read `>2m`, `> 2m` and `5m09s`; without a sign, at least so long."""
    match = _TIME.fullmatch(token.text)
    if match is None:
        message = f"{clean(token.text, _SHOWN)} is not a time"
        raise FilterError(message, token.position, _HINTS["TIME"])
    parts = _TIME_PART.findall(match[2])
    limit = sum(float(number) * _UNITS[unit] for number, unit in parts)
    holds = {"<": lt, "<=": le, ">": gt}.get(match[1], ge)

    def keeps(about: LineContext) -> bool:
        part = _part(about)
        if part is None or part.ended_at is None:
            return False
        if isinstance(part, StateVisit):
            return bool(holds(length_of(part, part.ended_at), limit))
        return bool(holds((part.ended_at - part.scheduled_at).total_seconds(), limit))

    return keeps


def _unknown(thing: str, token: _Token, known: Iterable[str]) -> FilterError:
    """Say what there is."""
    message = f"unknown {thing} {clean(token.text, _SHOWN)}"
    return FilterError(message, token.position, f"there are {' '.join(known)}")


def parse_filter(text: str) -> Filter:
    """Read a filter; an empty one keeps all. Raises FilterError."""
    if len(text) > LONGEST:
        hint = f"at most {LONGEST} are allowed"
        raise FilterError(f"the filter has {len(text)} characters", LONGEST, hint)
    tokens = _tokens(text)
    if not tokens:
        return Filter(lambda _: True)
    last = tokens[-1]
    if last.kind == "open":
        what = "quote" if last.text[0] == '"' else "regex"
        close = last.text[0]
        hint = f'close it with {close}, or look for it in quotes: "/…"'
        raise FilterError(f"the {what} is not closed", last.position, hint)
    parser = _Parser(deque([*tokens, _Token("", "", len(text), len(text))]))
    keeps = parser.any_of()
    if left := parser.accept(")"):
        raise FilterError("nothing is open that ) could close", left.position)
    return Filter(keeps)


def found(words: str) -> Filter:
    """Search: find words in a line, or in its state's name. Smart case."""
    exact = words != words.lower()

    def keeps(about: LineContext) -> bool:
        texts = map(clean, (*_words(about), *_states(about))) if words else ()
        return any(words in (text if exact else text.lower()) for text in texts)

    return Filter(keeps)


# -- what could be typed next ----------------------------------------------------------

_REST = re.compile(r"\A[^\s&|()\"]*\"?")
_Offer = tuple[str, str, str]
"""What is put in, its label, and what it is."""


class Suggestion(Struct, frozen=True):
    """One thing that could be typed."""

    text: str
    """The whole filter, with it."""
    cursor: int
    label: str
    words: str


def complete(text: str, cursor: int, snapshot: Snapshot) -> Sequence[Suggestion]:
    """Suggest what may stand at the cursor, instead of what was begun there."""
    head = text[: max(0, cursor)]
    rest = text[max(0, cursor) :]
    tokens = _tokens(head)
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
    """Yield what may follow an operator, or where none is before it, operators."""
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
        # What begins with the words comes first.
        for name in sorted(counts, key=lambda n: not n.lower().startswith(begun)):
            yield _quoted(name), name, times(counts[name])


def _names(looked_at: str, snapshot: Snapshot) -> Iterable[str | None]:
    """Give the names there are, each as often as it is there."""
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
