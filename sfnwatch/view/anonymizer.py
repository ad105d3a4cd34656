"""Names replaced by aliases: on a screen that strangers see, and in files that leave.

What is equal stays equal, wherever it stands. A screen hides what is learned to be a
name: `machine-1`, `task-2`. States keep their names, being what is explained, and so do
services, Regions and actions. A file keeps nothing but what is surely AWS's own: see
`redaction.py`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sfnwatch.model.api_call import cloudtrail_record
from sfnwatch.model.arns import last_segment
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.state_language import states_of
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import encode_json, parse_json
from sfnwatch.view.aliases import KEY_ID, LOOKS, NETWORK, OCTET
from sfnwatch.view.redaction import TOKEN, Fields, Names, resource_parts
from sfnwatch.view.vocabulary import vocabulary

# -- names in records and texts --------------------------------------------------------

_ARN = (
    r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]*):[a-z0-9-]*:(?P<account>[^\s\"'\\:/]*):"
    r"(?P<resource>[^\s\"'\\<>,;()\[\]{}]*[^\s\"'\\<>,;()\[\]{}.:])"
)
_CUT_ARN = r"(?P<cut>arn:aws[^\s\"'\\…]*…)"
_ARNS = re.compile(rf"{_ARN}|{_CUT_ARN}")
"""Also behind a letter: JSON within a text has its line ends as `\\n`."""
_WORD_LOOK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<account>[0-9]{{12}})"
    rf"|(?P<access_key>{KEY_ID}[A-Z0-9]{{12,}})"
    rf"|(?P<network>{NETWORK}[0-9a-f]{{8,17}})"
    rf"|(?P<address>ip(?:-{OCTET}){{4}}))(?![A-Za-z0-9])"
)
"""And what may be a part of a word, as the account in `logs-123456789012`."""
_EMAIL = re.compile(rf"(?P<email>(?<![A-Za-z0-9._%+-]){LOOKS['email']})")
_ADDRESS = re.compile(rf"(?P<address>{LOOKS['address']})", re.ASCII)
_PHONE = re.compile(r"(?P<phone>(?<![\w+])\+\d[\d ().-]{6,18}\d(?!\w))")
_RANDOM_CHARACTER = r"[A-Za-z0-9+/_-]"
_KEY = re.compile(
    rf"(?P<key>(?<!{_RANDOM_CHARACTER})(?={_RANDOM_CHARACTER}*[0-9])"
    rf"(?={_RANDOM_CHARACTER}*[a-z])(?={_RANDOM_CHARACTER}*[A-Z])"
    rf"{_RANDOM_CHARACTER}{{40,}}={{0,2}})"
)
"""A secret access key, a task token: nothing else is so long and so mixed."""
_PASSWORD = re.compile(
    r"(?i)(?:api[-_ ]?key|authorization|bearer|pass(?:wd|word)|secret|token)"
    r"(?:=|\\?\"?:\s+\\?\"?|\\?\":\\?\"|(?<=bearer)\s+)"
    r"(?P<password>[^\s\"'\\,;)=]{6,})"
)
"""What stands behind such a word."""
_QUEUE_URL = re.compile(r"https://sqs\.[a-z0-9.-]+/\d{12}/(?P<queue>[\w.-]+)")
_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9.-]+/(?P<repository>[\w./-]+)")
_LOOKS_PRIVATE = (
    *(_QUEUE_URL, _IMAGE, _EMAIL, _ADDRESS, _WORD_LOOK),
    *(_PHONE, _KEY, _PASSWORD),
)
_SENTENCES = frozenset({"cause", "errormessage", "message", "reason", "stoppedreason"})
"""Keys, in small letters, of free texts about what went wrong."""
_BY_AWS = re.compile(r"\(Service: [^)]*\)")
_PROPER = re.compile(
    r"(?<![\w.:/'-])[A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)+"
    r"|(?<=[a-z,] )[A-Z][\w'-]{2,}"
)
"""Words with a capital: several in a row, or one inside of a sentence."""
_NO_NAME = re.compile(r"[\d*$?_.:/-]{0,7}")
"""A revision, a version, a wildcard."""
_AWS_OWN = re.compile(r"StepFunctionsGetEvents?\w*|AWSServiceRole\w*|service-role")
_REVISION = re.compile(r":\d+$")
_PREFIX = re.compile(r"^(family|service):")
_RANDOM_END = re.compile(r"-[A-Za-z0-9]{6}$")
"""What Secrets Manager puts behind a secret's name."""
_SHORT_ID = 8
"""Characters that a random id is shown with."""
_RANDOM = re.compile(r"[0-9a-f]{8}[0-9a-f-]{24,28}")
_LONGEST = 2048
"""Of an ARN, as of a name."""
_SOMEBODY = "name"
HasName = tuple[str, str]
"""A kind, and a name of it."""


class NamedPart(NamedTuple):
    """A part of a text that names something."""

    kind: str
    begin: int
    end: int


def _in_arn(arn: re.Match[str]) -> Iterator[NamedPart]:
    """Yield where in a text the names of an ARN stand.

    The ARN of an integration (`arn:aws:states:::ecs:runTask`) names nobody's thing,
    nor does one of AWS's own.
    """
    service = arn["service"]
    account = arn["account"]
    end = arn.start("resource")
    if arn["cut"] or account == "aws" or (service == "states" and not account):
        return
    public = {*vocabulary().public_kinds, "label", ""}
    for name, kind in resource_parts(service, arn["resource"]):
        begin = end
        end = end + len(name)
        known = _NO_NAME.fullmatch(name) or _AWS_OWN.fullmatch(name)
        if kind not in public and not known:
            yield NamedPart(kind, begin, end)


def private_parts(text: str) -> Iterator[NamedPart]:
    """Yield where a text names something: by ARNs, by URLs, and by its looks alone."""
    for arn in _ARNS.finditer(text):
        yield from _in_arn(arn)
    for pattern in _LOOKS_PRIVATE:
        for match in pattern.finditer(text):
            kind = (match.lastgroup or "").replace("_", "-")
            if kind == "network":
                # An id of EC2 says itself what it is of: `subnet`, `eni`.
                kind = match[0].partition("-")[0]
            yield NamedPart(kind, *match.span(match.lastgroup or 0))


def names_in_record(record: Any) -> Iterator[HasName]:
    """Yield what a record names, in the order it stands there; JSON texts are read."""
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend(reversed(list(value.items())))
        elif isinstance(value, list):
            stack.extend((key, item) for item in reversed(value))
        elif isinstance(value, str) and value:
            inner = parse_json(value) if value[0] in "{[" else None
            if isinstance(inner, dict | list):
                stack.append((key, inner))
            else:
                yield from _names_under(key, clean(value))


def _names_under(key: str, value: str) -> Iterator[HasName]:
    kind = vocabulary().kind_of_key(key)
    if key == "group" and not _PREFIX.match(value):
        kind = None
    if kind is not None and not value.startswith(("arn:", "http")):
        name = _REVISION.sub("", _PREFIX.sub("", value))
        if not _NO_NAME.fullmatch(name):
            yield kind, name[:_LONGEST]
    if key.lower() in _SENTENCES:
        yield from _names_in_sentence(value)
    for kind, begin, end in private_parts(value):
        name = value[begin:end][:_LONGEST]
        yield kind, name
        if kind == "secret" and _RANDOM_END.search(name):
            yield kind, _RANDOM_END.sub("", name)


def _names_in_sentence(text: str) -> Iterator[HasName]:
    """Yield the words of a sentence that are somebody's name, as far as one can tell.

    AWS's own words are none.
    """
    words = vocabulary()
    if text in words.phrases:
        return
    for proper in _PROPER.findall(_BY_AWS.sub("", text)):
        for word in proper.split():
            is_word_of_aws = (
                word in words.event_words
                or word in words.errors
                or words.is_key(word)
                or words.is_operation(word)
            )
            if not is_word_of_aws:
                yield _SOMEBODY, word


# -- the mask --------------------------------------------------------------------------

_PUBLIC = re.compile(
    r"arn|aws|aws-sdk|https?|amazonaws|com|stateMachine|mapRun|assumed-role|express"
    r"|Task|Choice|Pass|Wait|Map|Parallel|Succeed|Fail|Main"
    r"|running|succeeded|failed|caught|aborted|timed_out|sync|async|sdk|denied"
    r"|[a-z]{2,4}(?:-[a-z]+){1,3}-\d"
)
"""Types, Regions, and what examples are told apart by, whatever somebody's thing is
called."""
_WORD = re.compile(r"[\w-]+")
_SHORTEST = 3
"""A shorter name is masked in ARNs only: it would be found in everything."""


def is_private(name: str) -> bool:
    """True for a name that is masked wherever it stands, not in ARNs alone."""
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
    """Replaces names that were learned, in one pass through a text."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """Names, cleaned, to their aliases."""
        self._starts = defaultdict[str, list[tuple[int, str]]](list)
        """A name's first word to where it begins in the name, and the name."""

    def add(self, name: str, alias: str) -> None:
        """Learn a name; a random id is known by its head too."""
        heads = [name[:_SHORT_ID]] if _RANDOM.fullmatch(name) else []
        for each in (name, *heads):
            word = _WORD.search(each)
            known = self.names.setdefault(each, alias)
            if known == alias and word and is_private(each):
                self._starts[word[0]].append((word.start(), each))

    def __call__(self, text: str) -> str:
        parts: list[str] = []
        place = 0
        # What begins first is replaced, and of two that begin together the longer one.
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
        """Yield from where to where something is private, and what it is replaced by.

        What was told by its looks, and was not learned, gets an x.
        """
        for kind, begin, end in private_parts(text):
            yield begin, end, self.names.get(text[begin:end]) or f"{kind}-x"
        for arn in _ARNS.finditer(text):
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


# -- the anonymizer --------------------------------------------------------------------


class Anonymizer:
    """The aliases of one session, or of one file: for screens and for files."""

    def __init__(self) -> None:
        self._mask = Mask()
        self._names = Names()
        self._fields = Fields(self._names)
        self._words_of_states: set[str] = set()
        """What the states are called keeps its name, wherever it stands."""

    def learn(self, records: Iterable[Received]) -> None:
        """Learn the names in records, in the order they appear; known ones stay."""
        for received in records:
            record = received.record
            if received.kind == RecordKind.LOOKUP:
                # The user that an Event of LookupEvents names is a role's session.
                record = cloudtrail_record(received.kind, record)
            entered = record.get("stateEnteredEventDetails")
            if isinstance(entered, Mapping):
                self._words_of_states.update(str(entered.get("name")).split())
            for kind, name in names_in_record([received.execution_arn, record]):
                known = clean(name)
                if kind == _SOMEBODY and name in self._words_of_states:
                    continue
                if known not in self._mask.names:
                    self._mask.add(known, self._names.table.alias(known, kind).shown)

    def mask(self, text: str) -> str:
        """Replace each name in a text that was learned, and what looks private.

        To be applied once, to what is shown: a name may look like an alias.
        """
        return self._mask(text)

    @classmethod
    def for_records(
        cls, records: Sequence[Received], *, keep_state_names: bool = False
    ) -> "Anonymizer":
        """Make ready to redact all these records.

        States' names are a customer's words and become `state-1`, `state-2`, …: a file
        leaves the house. `keep_state_names` leaves them, for those who know theirs to
        be harmless.
        """
        anonymizer = cls()
        trace = Trace()
        trace.add(records)
        names = anonymizer._names
        for received in records:
            names.table.reserve(received.data)
        if keep_state_names:
            names.kept_states.update(_state_names(trace, records))
        anonymizer._number_in_order(trace, records)
        return anonymizer

    def _number_in_order(self, trace: Trace, records: Sequence[Received]) -> None:
        """Give executions, states, calls and jobs their aliases before all others.

        Of two at the same moment the one is shown first that sorts first: it must be
        the same one under other names.
        """
        self._names.held.update(_held_ids(trace))
        for held_id in sorted(self._names.held):
            if not TOKEN.fullmatch(held_id):
                # No word of a sentence may become what it was not: this id.
                self._names.table.alias(held_id, "~id")
        for arn in sorted(trace.executions):
            self.execution(arn)
        for name in _state_names(trace, records):
            self._names.state(name)
        for call in trace.ordered_calls:
            if call.whole:
                self._names.text(call.event_id, "call")
        for arn in (*sorted(trace.task_states), *sorted(trace.map_runs)):
            self._names.text(arn)

    def execution(self, arn: str) -> str:
        """Redact an execution's ARN, or the name of a file that stands for one."""
        return self._names.text(arn, "execution")

    def call(self, event_id: str) -> str:
        """Redact a call's event ID."""
        return self._names.text(event_id, "call")

    def redact(self, received: Received) -> Received:
        """Redact a record; of one that nobody can read mere structure is left."""
        kind = str(received.kind)
        arn = received.execution_arn
        try:
            told = self._fields.record(received.record, kind)
        except RecursionError:
            # Its fields are nested past all reason: no rule is for such.
            told = self._fields.value(received.record)
        if kind not in list(RecordKind):
            kind = self._names.text(kind, "source")
        arn = arn and self.execution(arn)
        return Received(received.at, kind, arn, encode_json(told))


def redaction_notes(
    records: Iterable[Received], *, keep_state_names: bool = False
) -> Iterator[str]:
    """Say what a reader of a redacted recording should know."""
    kept = "names of states, " if keep_state_names else ""
    yield f"AWS's own words, {kept}Regions and times are kept; all else is replaced."
    if unread := sum(received.kind == RecordKind.UNREAD for received in records):
        yield f"Of records that could not be read ({unread}) mere structure is kept."


def _held_ids(trace: Trace) -> Iterator[str]:
    """Yield the ids that calls are matched by, each also as what its path ends with."""
    for execution in trace.as_of().executions.values():
        for _, attempt in execution.attempts:
            held = (*attempt.resource_ids, *attempt.request_ids)
            yield from (*held, *map(last_segment, held))


def _state_names(trace: Trace, records: Iterable[Received]) -> Iterator[str]:
    """Yield the names of states in the order that definitions, then visits, have."""
    for received in records:
        if received.kind == RecordKind.DEFINITION:
            for name, _ in states_of(received.record.get("definition")):
                yield name
    for execution in trace.as_of().executions.values():
        for visit in execution.visits:
            yield visit.name
