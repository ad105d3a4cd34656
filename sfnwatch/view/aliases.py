"""Which names are AWS's own, and the aliases of all others.

What is equal gets the same alias, and nothing tells the original: no alias is made from
it. A hash of a twelve-digit account id, or of a name that can be guessed, gives both
away.

Of AWS's own there are lists, not patterns: a word that is missing there is replaced,
which costs a reader something and nobody a secret. Operations and error codes are from
botocore's models, in `templates/aws_vocabulary.json`; everything else was chosen by
hand, and stands in `templates/anonymizer.json`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Struct

from sfnwatch.model.integrations import JOBS, sdk_services, unversioned
from sfnwatch.model.records import THROTTLED

_REGION = re.compile(
    r"(us|eu|ap|sa|ca|me|af|il|cn|mx|us-gov|us-iso|us-isob|eusc-de)"
    r"-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]"
    r"[a-f]?"
)
_STATUS = re.compile(r"[0-9]{3}")
_NOT_MODELED = frozenset({"InvokeHTTPEndpoint", "Call", "RunJob"})
"""What Step Functions does for HTTP tasks and with Kubernetes: no API has it."""
_FAULTS = frozenset({"client", "server", "amazonecs"})
"""What errors begin with beside services: of EC2, and of a .sync task of ECS."""
_JOB_SERVICES = frozenset(job.resource_type for job in JOBS)
Words = frozenset[str]


class _Models(Struct):
    """What botocore's models say."""

    operations: Mapping[str, str]
    """The rest of each operation's name, by the verb it begins with."""
    error_codes: str


class Vocabulary(Struct, dict=True):
    """The words that stay, and what the fields of AWS's records are."""

    arn_kinds: Mapping[str, Sequence[str]]
    """What an ARN's resource begins with, to the kinds of the names behind it."""
    service_kinds: Mapping[str, Sequence[str]]
    """The same for services whose ARNs don't say what they name."""
    key_kinds: Mapping[str, str]
    """A record's keys, small, whose value is a name, to its kind."""
    public_kinds: Words
    """Kinds that may be seen on a screen: versions, revisions."""
    names: Words
    """Names that AWS gives: the same in every account."""
    prefixes: Words
    """What stands before a colon in names and addresses."""
    services: Words
    """Services that are called otherwise than the SDK and CloudTrail call them."""
    errors: Words
    event_words: Words
    """What the types of history events are made of."""
    keys: Words
    """Keys of AWS's fields, with a capital."""
    headers: Words
    enums: Words
    """Values that AWS chooses from."""
    enum_keys: Words
    """Keys, small, under which they stand in payloads; and so on."""
    time_keys: Words
    code_keys: Words
    truth_keys: Words
    error_keys: Words
    region_keys: Words
    phrases: Words
    """Sentences of AWS's and of ours, and what stands in them between names."""
    tables: Mapping[str, Mapping[str, Sequence[str]]]
    """By the kind of a record, or of a part of one: by which rule of the redaction the
    values of which keys are replaced."""

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, str]]:
        """The tables the other way round: for each kind, the rule of each key."""
        return {
            kind: {key: rule for rule, keys in table.items() for key in keys}
            for kind, table in self.tables.items()
        }

    @cached_property
    def actions(self) -> Words:
        """What states do, and the calls that this makes: `runTask`, `DescribeTasks`."""
        names: list[str] = []
        for job in JOBS:
            names += (job.action, job.action_event, *job.poll_events, *job.stop_events)
        return frozenset(names)

    @cached_property
    def _services(self) -> Words:
        sources = sdk_services().event_sources
        return self.services | {*sources, *sources.values()} | _JOB_SERVICES

    @cached_property
    def own_names(self) -> Words:
        """Names that AWS gives: the same in every account."""
        return self.names | {job.managed_rule for job in JOBS if job.managed_rule}

    @cached_property
    def _all_keys(self) -> Words:
        paths = ".".join(path for job in JOBS for path in job.id_paths)
        return self.keys | {part.removesuffix("[]") for part in paths.split(".")}

    @cached_property
    def _models(self) -> _Models:
        return msgspec.json.decode(_read("aws_vocabulary.json"), type=_Models)

    @cached_property
    def _operations(self) -> Words:
        modeled = {
            verb + rest.removeprefix(".")
            for verb, names in self._models.operations.items()
            for rest in names.split()
        }
        jobs = {job.action[:1].upper() + job.action[1:] for job in JOBS}
        renamed = sdk_services().event_names.values()
        others = {name for each in renamed for name in each.values()}
        return frozenset(modeled | jobs | others | _NOT_MODELED)

    @cached_property
    def _error_codes(self) -> Words:
        return self.errors | THROTTLED | {*self._models.error_codes.split(), "Unknown"}

    def is_service(self, text: str) -> bool:
        """True for what CloudTrail, IAM or Step Functions call a service."""
        return text in self._services

    def is_operation(self, name: str) -> bool:
        """True for the name of an operation: `RunTask`, `runTask`, `GetJob20150331`."""
        stem = unversioned(name)
        return stem[:1].upper() + stem[1:] in self._operations

    def is_key(self, key: str) -> bool:
        """True for the name of a field of AWS's, written with a capital or without."""
        capital = key[:1].upper() + key[1:]
        return capital in self._all_keys or key == "ARN" or key.lower() in self.headers

    def kind_of_key(self, key: str) -> str | None:
        """Tell of which kind the names under a record's key are; None for others."""
        return self.key_kinds.get(key.replace("_", "").lower())

    def is_error(self, text: str) -> bool:
        """True for an error's name of AWS's: `States.Timeout`, `Lambda.Unknown`."""
        if text in self.errors or text in THROTTLED:
            return True
        service, _, code = text.partition(".")
        if not self.is_service(service.lower()) and service.lower() not in _FAULTS:
            return False
        of_service = code.lower() == f"{service.lower()}exception"
        return code in self._error_codes or of_service or bool(_STATUS.fullmatch(code))

    def is_region(self, text: str) -> bool:
        """True for a Region, or a zone of one."""
        return _REGION.fullmatch(text) is not None


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    return msgspec.json.decode(_read("anonymizer.json"), type=Vocabulary)


def _read(name: str) -> bytes:
    return (files("sfnwatch.templates") / name).read_bytes()


# -- the looks of names ----------------------------------------------------------------

KEY_ID = r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)"
NETWORK = r"(?:eni|subnet|sg|vpc|vpce|i|vol|snap|ami|rtb|igw|nat|acl|eipalloc|lt)-"
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_SHAPES = {
    "account": re.compile(r"[0-9]{12}"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "hex": re.compile(r"[0-9a-f]{16,}|[0-9a-f][0-9a-f-]{31,63}"),
    "session": re.compile(r"[A-Za-z]{32}"),
}
"""What other programs parse keeps its shape: an account is still twelve digits, a
request id still a UUID; none of the aliases can be a real one."""
_ALWAYS_SHAPED = {"account": "account", "session": "session", "call": "uuid"}
"""Kinds that get a shape whatever their original looks like."""
LOOKS = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "address": (
        rf"(?<![\w.]){OCTET}(?:\.{OCTET}){{3}}(?!\w)(?!\.\d)"
        r"|(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})(?![\w:])"
    ),
}
"""Addresses and mail, as patterns: told by their looks, over several words."""
_LOOKS = {
    **{kind: re.compile(look, re.ASCII) for kind, look in LOOKS.items()},
    "access-key": re.compile(rf"{KEY_ID}\w{{8,}}"),
    "network-id": re.compile(rf"{NETWORK}[0-9A-Za-z]{{8,17}}"),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?"),
}
"""What keeps no shape, but is one thing whatever stands in it."""


def shape_of(text: str) -> str:
    return next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(text)), "")


def look_of(text: str) -> str:
    return next((kind for kind, look in _LOOKS.items() if look.fullmatch(text)), "")


# -- aliases ---------------------------------------------------------------------------


class Alias(NamedTuple):
    """What a name is replaced by."""

    shown: str
    """On the screen: `account-1`."""
    written: str
    """In a file, where what is parsed keeps its shape: `000000000001`."""


_WORD = re.compile(rb"[0-9a-z-]+")


class AliasTable:
    """The aliases of a session or a file, numbered as their originals appear."""

    def __init__(self) -> None:
        self._aliases: dict[tuple[str, str], Alias] = {}
        self._counts: Counter[str] = Counter()
        self._in_use: set[bytes] = set()
        self.digits = 1
        """Digits of every number: with as many, aliases sort by their numbers."""

    def reserve(self, data: bytes) -> None:
        """Note the words of an original: none of them becomes somebody's alias."""
        self._in_use.update(_WORD.findall(data.lower()))

    def alias(self, text: str, kind: str, space: str = "") -> Alias:
        """Give the alias of a text, of whatever kind it was said to be first.

        Texts in different name spaces are different things, though equal.
        """
        found = self._aliases.get((space, text))
        if found is None:
            shape = shape_of(text) or _ALWAYS_SHAPED.get(kind, "")
            name = kind if kind not in {"value", "name"} else shape or look_of(text)
            shown = self._next(name or kind)
            written = self._next(shape, text) if shape else shown
            found = self._aliases[space, text] = Alias(shown, written)
        return found

    def _next(self, kind: str, text: str | None = None) -> str:
        """Write the next alias of a kind, in the shape of `text` if one is given."""
        counter = f"{kind}'s shape" if text is not None else kind
        while True:
            self._counts[counter] += 1
            number = self._counts[counter]
            if text is None:
                found = f"{kind}-{number:0{self.digits}}"
            else:
                found = _shaped(kind, text, number)
            if found.lower().encode() not in self._in_use:
                return found


def _shaped(shape: str, text: str, number: int) -> str:
    """Write an alias in its original's shape."""
    match shape:
        case "account":
            return f"{number:012}"
        case "uuid":
            return f"a11a5a11-a5a1-4a11-a5a1-a11{number:09x}"
        case "hex":
            # Digits that read as "alias" before it.
            tail = f"{number:010x}"
            room = len(text) - len(tail)
            return ("a11a5" * (room // 5 + 1))[:room] + tail
        case _:
            letters = ""
            for _ in range(20):
                number, digit = divmod(number, 26)
                letters = chr(ord("a") + digit) + letters
            return f"SessionAlias{letters}"


# -- ARNs ------------------------------------------------------------------------------

APART = re.compile(r"([/:])")


class NamedPart(NamedTuple):
    """A part of an ARN's resource that names something."""

    kind: str
    begin: int
    end: int


def resource_parts(service: str, resource: str) -> Iterator[NamedPart]:
    """Yield the parts of an ARN's resource between `/` and `:`, but for its type.

    A path before a role's name is one of paths. What stands behind the slash in the
    ARNs of Map Runs and their executions is a label, which is a state's.
    """
    words = vocabulary()
    parts = APART.split(resource)
    kinds = words.arn_kinds.get(parts[0]) if len(parts) > 1 else None
    place = len(parts[0]) + 1 if kinds else 0
    names = parts[2 if kinds else 0 :: 2]
    separators = ["", *parts[3 if kinds else 1 :: 2]]
    kinds = list(kinds or words.service_kinds.get(service, ["name"]))
    if kinds[0] == "path*":
        kinds = [*["path"] * (len(names) - 1), *kinds[1:]]
    elif place and len(names) < len(kinds) and parts[1] == "/":
        kinds = kinds[-len(names) :]
    for name, separator in zip(names, separators, strict=True):
        label = service == "states" and separator == "/"
        kind = "label" if label else kinds.pop(0) if len(kinds) > 1 else kinds[0]
        yield NamedPart(kind, place, place + len(name))
        place += len(name) + 1
