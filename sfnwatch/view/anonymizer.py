"""Names replaced by aliases: on a screen that strangers see, and in files that leave.

What is equal stays equal, wherever it stands. A screen hides what is learned to be a
name: `machine-1`, `task-2`. States keep their names, being what is explained, and so do
services, Regions and actions. A file keeps nothing but what is surely AWS's own: see
`redaction.py`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sfnwatch.model.api_call import cloudtrail_record
from sfnwatch.model.arns import last_segment
from sfnwatch.model.integrations import states_of
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import clean, encode_json, parse_json
from sfnwatch.view import aliases
from sfnwatch.view.redaction import TOKEN, Fields, Names

# -- names in records and texts --------------------------------------------------------

_ARN = re.compile(
    r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]*):[a-z0-9-]*:(?P<account>[^\s\"'\\:/]*):"
    r"(?P<resource>[^\s\"'\\<>,;()\[\]{}]*[^\s\"'\\<>,;()\[\]{}.:])"
)
_WORD_LOOK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<account>[0-9]{{12}})"
    rf"|(?P<access_key>{aliases.KEY_ID}[A-Z0-9]{{12,}})"
    rf"|(?P<network>{aliases.NETWORK}[0-9a-f]{{8,17}})"
    rf"|(?P<address>ip(?:-{aliases.OCTET}){{4}}))(?![A-Za-z0-9])"
)
"""And what may be a part of a word, as the account in `logs-123456789012`."""
_EMAIL = re.compile(rf"(?<![A-Za-z0-9._%+-]){aliases.LOOKS['email']}")
_ADDRESS = re.compile(aliases.LOOKS["address"], re.ASCII)
_SHORTEST_LOOK = 10
"""No look is shorter: `i-0123abcd`, `ip-1-1-1-1`."""
_QUEUE_URL = re.compile(r"https://sqs\.[a-z0-9.-]+/\d{12}/(?P<queue>[\w.-]+)")
_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9.-]+/(?P<repository>[\w./-]+)")
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
Named = tuple[str, str]
"""A kind, and a name of it."""


def _in_arn(arn: re.Match[str]) -> Iterator[aliases.NamedPart]:
    """Yield where in a text the names of an ARN stand.

    The ARN of an integration (`arn:aws:states:::ecs:runTask`) names nobody's thing,
    nor does one of AWS's own.
    """
    service, account, start = arn["service"], arn["account"], arn.start("resource")
    if account == "aws" or (service == "states" and not account):
        return
    public = {*aliases.vocabulary().public_kinds, "label"}
    for kind, begin, end in aliases.resource_parts(service, arn["resource"]):
        name = arn["resource"][begin:end]
        if kind in public or _NO_NAME.fullmatch(name) or _AWS_OWN.fullmatch(name):
            continue
        yield aliases.NamedPart(kind, start + begin, start + end)


def _look(match: re.Match[str]) -> str:
    """Name the kind of what a look found; an id of EC2 says itself: `subnet`, `eni`."""
    kind = (match.lastgroup or "").replace("_", "-")
    return match[0].partition("-")[0] if kind == "network" else kind


def names_in_text(text: str) -> Iterator[Named]:
    """Yield what a text names: by ARNs, by URLs, and by its looks alone."""
    for arn in _ARN.finditer(text):
        for kind, begin, end in _in_arn(arn):
            name = text[begin:end][:_LONGEST]
            yield kind, name
            if kind == "secret" and _RANDOM_END.search(name):
                yield kind, _RANDOM_END.sub("", name)
    for pattern in (_QUEUE_URL, _IMAGE) if ".amazonaws.com" in text else ():
        for match in pattern.finditer(text):
            yield from match.groupdict().items()
    if "@" in text:
        yield from (("email", match[0]) for match in _EMAIL.finditer(text))
    if "." in text or ":" in text:
        yield from (("address", match[0]) for match in _ADDRESS.finditer(text))
    yield from ((_look(match), match[0]) for match in _WORD_LOOK.finditer(text))


def names_in_record(record: Any) -> Iterator[Named]:
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


def _names_under(key: str, value: str) -> Iterator[Named]:
    kind = aliases.vocabulary().kind_of_key(key)
    if key == "group" and not _PREFIX.match(value):
        kind = None
    if kind is not None and not value.startswith(("arn:", "http")):
        name = _REVISION.sub("", _PREFIX.sub("", value))
        if not _NO_NAME.fullmatch(name):
            yield kind, name[:_LONGEST]
    yield from names_in_text(value)


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
_LOOK_PARTS = [*(f"(?P<{kind}>{source})" for kind, source in aliases.LOOKS.items())]
_WORDS_ONLY = re.compile("|".join([*_LOOK_PARTS, r"(?P<word>[\w-]+)"]))
_WHOLE_TEXT = re.compile(
    "|".join(
        [
            rf"(?P<arn>(?<![A-Za-z0-9]){re.sub('[?]P<[a-z]+>', '?:', _ARN.pattern)})",
            r"(?P<cut>arn:aws[^\s\"'\\…]*…)",
            *_LOOK_PARTS,
            r"(?P<word>[\w-]+)",
        ]
    )
)


def is_private(name: str) -> bool:
    """True for a name that is masked wherever it stands, not in ARNs alone."""
    words = aliases.vocabulary()
    return (
        len(name) >= _SHORTEST
        and not words.is_service(name)
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
        self._starts: dict[str, list[tuple[int, str]]] = {}
        """A name's first word to where it begins in the name, and the name."""

    def add(self, name: str, alias: str) -> None:
        """Learn a name; a random id is known by its head too."""
        heads = [name[:_SHORT_ID]] if _RANDOM.fullmatch(name) else []
        for each in (name, *heads):
            word = _WORD.search(each)
            if (
                self.names.setdefault(each, alias) == alias
                and word
                and is_private(each)
            ):
                starts = self._starts.setdefault(word[0], [])
                starts.append((word.start(), each))
                starts.sort(key=lambda start: len(start[1]), reverse=True)

    def __call__(self, text: str) -> str:
        return self._masked(text, _WHOLE_TEXT, 0, len(text))[0]

    def _masked(
        self, text: str, scan: re.Pattern[str], place: int, end: int
    ) -> tuple[str, int]:
        """Mask a stretch of a text, and as far as a name reaches that begins in it."""
        parts: list[str] = []
        for match in scan.finditer(text, place, end):
            # A name of several words may have taken this one along.
            if match.start() >= place:
                begin, after, put = self._replaced(text, match, place)
                kind, _, number = put.rpartition("-")
                before = text[max(0, begin - len(kind) - 2) : begin]
                if before.lower().lstrip() == f"{kind} ":
                    put = number  # `task 1`, and not `task task-1`
                parts += (text[place:begin], put)
                place = after
        return "".join((*parts, text[place:end])), max(place, end)

    def _replaced(
        self, text: str, match: re.Match[str], place: int
    ) -> tuple[int, int, str]:
        """Say what to put where: of a known name and a mere look the longer one."""
        begin, end = match.span()
        if match.lastgroup == "arn":
            return begin, *self._arn(text, begin, end)
        if match.lastgroup == "cut":
            return begin, end, "arn:…"
        known = self._known(text, begin, place)
        if known is not None and (match.lastgroup == "word" or known[1] >= end):
            return known
        if match.lastgroup != "word":
            return begin, end, self._looks(match)
        if end - begin < _SHORTEST_LOOK:
            return begin, end, match[0]
        return begin, end, _WORD_LOOK.sub(self._looks, match[0])

    def _known(self, text: str, start: int, place: int) -> tuple[int, int, str] | None:
        """Find the longest name whose first word begins here, and what replaces it."""
        word = _WORD.match(text, start)
        for offset, name in self._starts.get(word[0], ()) if word else ():
            begin, end = start - offset, start - offset + len(name)
            if begin < place or not text.startswith(name, begin):
                continue
            around = (text[max(0, begin - 1) : begin], text[end : end + 1])
            if not any(map(_WORD.match, around)):
                return begin, end, self.names[name]
        return None

    def _looks(self, match: re.Match[str]) -> str:
        """Give the alias of what was told by its looks; one not learned gets an x."""
        return self.names.get(match[0]) or f"{_look(match)}-x"

    def _arn(self, text: str, place: int, end: int) -> tuple[int, str]:
        """Mask an ARN; say how far, since a longer name may begin where it ends."""
        arn = _ARN.match(text, place, end)
        while not _WORD.match(text, end - 1):
            end -= 1
        parts: list[str] = []
        for kind, begin, after in _in_arn(arn) if arn else ():
            around = text[place:begin]
            parts.append(self._masked(around, _WORDS_ONLY, 0, len(around))[0])
            parts.append(self.names.get(text[begin:after]) or f"{kind}-x")
            place = after
        tail, end = self._masked(text, _WORDS_ONLY, place, end)
        return end, "".join((*parts, tail))


# -- the anonymizer --------------------------------------------------------------------


class Anonymizer:
    """The aliases of one session, or of one file: for screens and for files."""

    def __init__(self, *, keep_state_names: bool = False) -> None:
        self._mask = Mask()
        self._names = Names()
        self._fields = Fields(self._names)
        self._keep_state_names = keep_state_names

    # -- screens -----------------------------------------------------------------------

    def learn(self, records: Iterable[Received]) -> None:
        """Learn the names in records, in the order they appear; known ones stay."""
        for received in records:
            record = received.record
            if received.kind == RecordKind.LOOKUP:
                # The user that an Event of LookupEvents names is a role's session.
                record = cloudtrail_record(received.kind, record)
            for kind, name in names_in_record([received.execution_arn, record]):
                known = clean(name)
                if known not in self._mask.names:
                    self._mask.add(known, self._names.table.alias(known, kind).shown)

    def mask(self, text: str) -> str:
        """Replace each name in a text that was learned, and what looks private.

        To be applied once, to what is shown: a name may look like an alias.
        """
        return self._mask(text)

    # -- files -------------------------------------------------------------------------

    @classmethod
    def for_records(
        cls, records: Sequence[Received], *, keep_state_names: bool = False
    ) -> "Anonymizer":
        """Make ready to redact all these records.

        States' names are a customer's words and become `state-1`, `state-2`, …: a file
        leaves the house. `keep_state_names` leaves them, for those who know theirs to
        be harmless.
        """
        anonymizer = cls(keep_state_names=keep_state_names)
        trace = Trace()
        trace.add(records)
        for received in records:
            anonymizer._names.table.reserve(received.data)
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
        executions = sorted(trace.executions)
        self._names.table.digits = len(str(len(executions)))
        for arn in executions:
            self.execution(arn)
        names = list(_state_names(trace, records))
        if self._keep_state_names:
            self._names.kept_states.update(names)
        for name in names:
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
        kind, arn = str(received.kind), received.execution_arn
        known = kind in list(RecordKind)
        try:
            told = self._fields.record(received.record, kind)
        except RecursionError:
            # Its fields are nested past all reason: no rule is for such.
            told = self._fields.value(received.record)
        return Received(
            received.at,
            kind if known else self._names.text(kind, "source"),
            None if arn is None else self.execution(arn),
            encode_json(told),
        )


def redaction_notes(
    records: Iterable[Received], *, keep_state_names: bool = False
) -> Iterator[str]:
    """Say what a reader of a redacted recording should know."""
    kept = "names of states, " if keep_state_names else ""
    yield f"AWS's own words, {kept}Regions and times are kept; all else is replaced."
    unread = sum(received.kind == RecordKind.UNREAD for received in records)
    if unread:
        yield f"Of records that could not be read ({unread}) mere structure is kept."


def beginning_of(trace: Trace) -> datetime:
    """Find a beginning for a recording of files that have none."""
    starts = [each.started_at for each in trace.as_of().executions.values()]
    times = [call.event_time for call in trace.ordered_calls]
    known = (at for at in (*starts, *times) if at is not None)
    return min(known, default=datetime(1970, 1, 1, tzinfo=UTC))


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
