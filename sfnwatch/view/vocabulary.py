"""AWS's own words, which redaction keeps: lists, not patterns.

A word of AWS's that the lists lack is replaced: a reader misses it, but no secret is
revealed. Operations and error codes are from botocore's models, in
`templates/aws_vocabulary.json`. Everything else was chosen by hand, in
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
"""The name of a Region, or of an Availability Zone."""
_STATUS = re.compile(r"[0-9]{3}")
_NOT_MODELED = frozenset({"InvokeHTTPEndpoint", "Call", "RunJob"})
"""The actions of Step Functions for HTTP tasks and Kubernetes, which no model has."""
_FAULTS = frozenset({"client", "server", "amazonecs"})
"""Beginnings of error names that are no service: of EC2, and ECS's .sync tasks."""
WordSet = frozenset[str]


class Vocabulary(Struct, dict=True):
    """The words that redaction keeps, and the meanings of fields of AWS's records."""

    arn_kinds: Mapping[str, Sequence[str]]
    """The kinds of the names in an ARN's resource, by the resource's type."""
    service_kinds: Mapping[str, Sequence[str]]
    """The kinds of the names in ARNs without a resource type, by service."""
    key_kinds: Mapping[str, str]
    """The kind of the name under a record's key; keys are in small letters."""
    public_kinds: WordSet
    """The kinds that a screen need not mask: versions, revisions."""
    names: WordSet
    """Names that AWS gives, the same in every account."""
    prefixes: WordSet
    """Words before a colon in names and addresses."""
    services: WordSet
    """The names of services in the SDK, CloudTrail, IAM and Step Functions."""
    errors: WordSet
    event_words: WordSet
    """The words that make up the types of history events."""
    keys: WordSet
    """The keys of AWS's fields, each with a capital."""
    headers: WordSet
    enums: WordSet
    """The values of AWS's enumerations."""
    enum_keys: WordSet
    """The keys of payloads whose values are in `enums`; keys are in small letters.

    The following sets are the keys of times, codes, booleans, errors and Regions.
    """
    time_keys: WordSet
    code_keys: WordSet
    truth_keys: WordSet
    error_keys: WordSet
    region_keys: WordSet
    phrases: WordSet
    """Sentences of AWS's and of this tool's, and their parts between names."""
    tables: Mapping[str, Mapping[str, Sequence[str]]]
    """The rules of redaction for each kind of record or part of a record.

    Each rule has the keys to whose values it applies.
    """

    def __post_init__(self) -> None:
        """Add the words of the tables of integrations and of the SDK."""
        sources = sdk_services().event_sources
        self.services |= {*sources, *sources.values(), *(j.resource_type for j in JOBS)}
        self.names |= {job.managed_rule for job in JOBS if job.managed_rule}
        paths = ".".join(path for job in JOBS for path in job.id_paths)
        self.keys |= {part.removesuffix("[]") for part in paths.split(".")}

    @cached_property
    def rules(self) -> Mapping[str, Mapping[str, str]]:
        """The rule of each key, for each kind of record: `tables` inverted."""
        return {
            kind: {key: rule for rule, keys in table.items() for key in keys}
            for kind, table in self.tables.items()
        }

    @cached_property
    def actions(self) -> WordSet:
        """The actions of states, and their calls: `runTask`, `DescribeTasks`."""
        names: list[str] = []
        for job in JOBS:
            names += (job.action, job.action_event, *job.poll_events, *job.stop_events)
        return frozenset(names)

    @cached_property
    def _models(self) -> Any:
        """The words of botocore's models: `operations` by verbs, and `error_codes`."""
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
        """True for the key of a field of AWS's, with or without a capital."""
        capital = key[:1].upper() + key[1:]
        return capital in self.keys or key == "ARN" or key.lower() in self.headers

    def kind_of_key(self, key: str) -> str | None:
        """Return the kind of the names under a record's key; None for other keys."""
        return self.key_kinds.get(key.replace("_", "").lower())

    def is_error(self, text: str) -> bool:
        """True for an error name of AWS's: `States.Timeout`, `Lambda.Unknown`."""
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
