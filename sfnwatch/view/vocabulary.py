"""AWS's own words, which stay: lists, not patterns.

A word that is missing there is replaced, which costs a reader something and nobody a
secret. Operations and error codes are from botocore's models, in
`templates/aws_vocabulary.json`; everything else was chosen by hand, and stands in
`templates/anonymizer.json`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from sfnwatch.model.arns import unversioned
from sfnwatch.model.integrations import JOBS, sdk_services
from sfnwatch.model.own_requests import THROTTLED
from sfnwatch.templates import read_template

REGION_NAME = re.compile(
    r"(us|eu|ap|sa|ca|me|af|il|cn|mx|us-gov|us-iso|us-isob|eusc-de)"
    r"-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]"
    r"[a-f]?"
)
"""A Region, or a zone of one."""
_STATUS = re.compile(r"[0-9]{3}")
_NOT_MODELED = frozenset({"InvokeHTTPEndpoint", "Call", "RunJob"})
"""What Step Functions does for HTTP tasks and with Kubernetes: no API has it."""
_FAULTS = frozenset({"client", "server", "amazonecs"})
"""What errors begin with beside services: of EC2, and of a .sync task of ECS."""
WordSet = frozenset[str]


class Vocabulary(Struct, dict=True):
    """The words that stay, and what the fields of AWS's records are."""

    arn_kinds: Mapping[str, Sequence[str]]
    """What an ARN's resource begins with, to the kinds of the names behind it."""
    service_kinds: Mapping[str, Sequence[str]]
    """The same for services whose ARNs don't say what they name."""
    key_kinds: Mapping[str, str]
    """The kind of name that stands under a record's key; keys are in small letters."""
    public_kinds: WordSet
    """Kinds that may be seen on a screen: versions, revisions."""
    names: WordSet
    """Names that AWS gives: the same in every account."""
    prefixes: WordSet
    """What stands before a colon in names and addresses."""
    services: WordSet
    """What the SDK, CloudTrail, IAM or Step Functions call a service."""
    errors: WordSet
    event_words: WordSet
    """What the types of history events are made of."""
    keys: WordSet
    """Keys of AWS's fields, with a capital."""
    headers: WordSet
    enums: WordSet
    """Values that AWS chooses from."""
    enum_keys: WordSet
    """Keys, small, under which they stand in payloads; and so on."""
    time_keys: WordSet
    code_keys: WordSet
    truth_keys: WordSet
    error_keys: WordSet
    region_keys: WordSet
    phrases: WordSet
    """Sentences of AWS's and of ours, and what stands in them between names."""
    tables: Mapping[str, Mapping[str, Sequence[str]]]
    """By the kind of a record, or of a part of one: by which rule of the redaction the
    values of which keys are replaced."""

    def __post_init__(self) -> None:
        """Add what the tables of integrations and of the SDK have."""
        sources = sdk_services().event_sources
        self.services |= {*sources, *sources.values(), *(j.resource_type for j in JOBS)}
        self.names |= {job.managed_rule for job in JOBS if job.managed_rule}
        paths = ".".join(path for job in JOBS for path in job.id_paths)
        self.keys |= {part.removesuffix("[]") for part in paths.split(".")}

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, str]]:
        """The tables the other way round: for each kind, the rule of each key."""
        return {
            kind: {key: rule for rule, keys in table.items() for key in keys}
            for kind, table in self.tables.items()
        }

    @cached_property
    def actions(self) -> WordSet:
        """What states do, and the calls that this makes: `runTask`, `DescribeTasks`."""
        names: list[str] = []
        for job in JOBS:
            names += (job.action, job.action_event, *job.poll_events, *job.stop_events)
        return frozenset(names)

    @cached_property
    def _models(self) -> Any:
        """What botocore's models say: `operations` less their verbs, `error_codes`."""
        return msgspec.json.decode(read_template("aws_vocabulary.json"))

    @cached_property
    def _operations(self) -> WordSet:
        modeled = {
            verb + rest.removeprefix(".")
            for verb, names in self._models["operations"].items()
            for rest in names.split()
        }
        jobs = {job.action[:1].upper() + job.action[1:] for job in JOBS}
        renamed = sdk_services().event_names.values()
        others = {name for each in renamed for name in each.values()}
        return frozenset(modeled | jobs | others | _NOT_MODELED)

    @cached_property
    def _error_codes(self) -> WordSet:
        codes = self._models["error_codes"].split()
        return self.errors | THROTTLED | {*codes, "Unknown"}

    def is_operation(self, name: str) -> bool:
        """True for the name of an operation: `RunTask`, `runTask`, `GetJob20150331`."""
        stem = unversioned(name)
        return stem[:1].upper() + stem[1:] in self._operations

    def is_key(self, key: str) -> bool:
        """True for the name of a field of AWS's, written with a capital or without."""
        capital = key[:1].upper() + key[1:]
        return capital in self.keys or key == "ARN" or key.lower() in self.headers

    def kind_of_key(self, key: str) -> str | None:
        """Tell of which kind the names under a record's key are; None for others."""
        return self.key_kinds.get(key.replace("_", "").lower())

    def is_error(self, text: str) -> bool:
        """True for an error's name of AWS's: `States.Timeout`, `Lambda.Unknown`."""
        if text in self.errors or text in THROTTLED:
            return True
        service, _, code = text.partition(".")
        service = service.lower()
        if service not in self.services and service not in _FAULTS:
            return False
        of_service = code.lower() == f"{service}exception"
        return code in self._error_codes or of_service or bool(_STATUS.fullmatch(code))


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    return msgspec.json.decode(read_template("anonymizer.json"), type=Vocabulary)
