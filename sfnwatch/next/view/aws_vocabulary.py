"""Which names are AWS's own: they stay when all others are replaced.

Lists, not patterns: a word that is missing here is replaced, which costs a reader
something and nobody a secret. Operations and error codes are from botocore's models, in
`templates/aws_vocabulary.json`; everything else was chosen by hand, and stands in
`templates/anonymizer.json`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from sfnwatch.next.model.integrations import JOBS, sdk_event_sources, unversioned
from sfnwatch.next.model.requests import THROTTLED
from sfnwatch.next.model.unrecorded import EVENT_NAMES

_REGION = re.compile(
    r"(us|eu|ap|sa|ca|me|af|il|cn|mx|us-gov|us-iso|us-isob|eusc-de)"
    r"-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]"
    r"[a-f]?"
)
_STATUS = re.compile(r"[0-9]{3}")
_EVENT_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NOT_MODELED = frozenset({"InvokeHTTPEndpoint", "Call", "RunJob"})
"""What Step Functions does for HTTP tasks and with Kubernetes: no API has it."""
_FAULTS = frozenset({"client", "server", "amazonecs"})
"""What errors begin with beside services: of EC2, and of a .sync task of ECS."""
_USUAL = frozenset({"lambda", "dynamodb", "sns", "sqs", "events", "apigateway", "s3"})
"""Services that many states call, beside those that run jobs."""
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
        return frozenset(
            name
            for job in JOBS
            for name in (
                *(job.action, job.action_event),
                *(*job.poll_events, *job.stop_events),
            )
        )

    @cached_property
    def _services(self) -> Words:
        sources = sdk_event_sources()
        return self.services | {*sources, *sources.values()} | _JOB_SERVICES

    @cached_property
    def _own_names(self) -> Words:
        return self.names | {job.managed_rule for job in JOBS if job.managed_rule}

    @cached_property
    def _all_keys(self) -> Words:
        paths = (
            part for job in JOBS for path in job.id_paths for part in path.split(".")
        )
        return self.keys | {part.removesuffix("[]") for part in paths}

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
        return frozenset(modeled | jobs | set(EVENT_NAMES.values()) | _NOT_MODELED)

    @cached_property
    def _error_codes(self) -> Words:
        return self.errors | THROTTLED | {*self._models.error_codes.split(), "Unknown"}

    def is_service(self, text: str) -> bool:
        """True for what CloudTrail, IAM or Step Functions call a service."""
        return text in self._services

    def is_name(self, text: str) -> bool:
        """True for a name that AWS gives."""
        return text in self._own_names

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

    def is_error_service(self, text: str) -> bool:
        """True for what errors of the usual services begin with.

        Others stay only before a code that is known: a company may be called so, too.
        """
        return text.lower() in _JOB_SERVICES | _USUAL | _FAULTS

    def is_region(self, text: str) -> bool:
        """True for a Region, or a zone of one."""
        return _REGION.fullmatch(text) is not None

    def split_type(self, event_type: str) -> list[tuple[str, bool]]:
        """Take the type of a history event apart: each word, and if it is AWS's.

        Nothing for what is no such type.
        """
        words = _EVENT_WORD.findall(event_type)
        if "".join(words) != event_type:
            return []
        return [(word, word in self.event_words) for word in words]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    return msgspec.json.decode(_read("anonymizer.json"), type=Vocabulary)


def _read(name: str) -> bytes:
    return (files("sfnwatch.next.templates") / name).read_bytes()
