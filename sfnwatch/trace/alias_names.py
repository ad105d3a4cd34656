"""Whose names they are: what stands in ARNs and records, and of which kind it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sfnwatch.trace.payload import parse_json
from sfnwatch.trace.text import clean

Named = tuple[str, str]
"""A kind, and a name of it."""
Span = tuple[str, int, int]
"""A kind, and where a name of it begins and ends."""

ARN = re.compile(
    r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]*):[a-z0-9-]*:(?P<account>[^\s\"'\\:/]*):"
    r"(?P<resource>[^\s\"'\\<>,;()\[\]{}]*[^\s\"'\\<>,;()\[\]{}.:])"
)
_KEY = r"(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|AIPA|ANPA|ANVA|APKA|ASCA)[A-Z0-9]{12,}"
_EC2 = (
    r"(?:eni|subnet|sg|vpc|vpce|i|vol|snap|ami|rtb|igw|nat|acl|eipalloc|lt)"
    r"-[0-9a-f]{8,17}"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
LONG_LOOKS: Mapping[str, str] = {
    "email": r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}",
    "address": (
        rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\w)(?!\.\d)"
        r"|(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])"
        r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::"
        r"(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})(?![\w:])"
    ),
}
"""What is told by its looks alone, over several words."""
WORD_LOOK = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<account>[0-9]{{12}})|(?P<access_key>{_KEY})"
    rf"|(?P<network_id>{_EC2})|(?P<host>ip(?:-{_OCTET}){{4}}))(?![A-Za-z0-9])"
)
"""And what may be a part of a word, as the account in `logs-123456789012`."""
_EMAIL = re.compile(rf"(?<![A-Za-z0-9._%+-]){LONG_LOOKS['email']}")
_ADDRESS = re.compile(LONG_LOOKS["address"], re.ASCII)

_SHAPES: Mapping[str, re.Pattern[str]] = {
    service: re.compile(source)
    for service, source in {
        "states": (
            r"(?:execution|express):(?P<machine__>[^:/]+)(?:/[^:]*)?"
            r"(?::(?P<execution>[^:]+))?(?::(?P<run_>.+))?"
            r"|mapRun:(?P<machine>[^:/]+)(?:/[^:]*)?(?::(?P<run>.+))?"
            r"|stateMachine:(?P<machine_>[^:/]+)(?:/[^:]*)?(?::(?P<alias>.+))?"
            r"|activity:(?P<activity>.+)"
        ),
        "iam": (
            r"role/(?:aws-service-role/.*|(?:(?P<path>.+)/)?(?P<role>[^/]+))"
            r"|user/(?:(?P<path_>.+)/)?(?P<user>[^/]+)"
            r"|policy/(?:.+/)?(?P<policy>[^/]+)"
            r"|(?:group|instance-profile)/(?:.+/)?(?P<group>[^/]+)"
        ),
        "sts": (
            r"assumed-role/(?P<role>[^/]+)(?:/(?P<session>.+))?"
            r"|federated-user/(?P<user>.+)"
        ),
        "ecs": (
            r"cluster/(?P<cluster>.+)"
            r"|task/(?:(?P<cluster_>[^/]+)/)?(?P<task>[^/]+)"
            r"|task-definition/(?P<family>[^:/]+)(?::.*)?"
            r"|service/(?:(?P<cluster__>[^/]+)/)?(?P<service>[^/]+)"
            r"|container/(?P<cluster___>[^/]+)/(?P<task_>[^/]+)/(?P<container>.+)"
            r"|container-instance/(?:(?P<cluster____>[^/]+)/)?(?P<instance>[^/]+)"
        ),
        "lambda": r"(?:function|layer):(?P<function>[^:]+)(?::.*)?",
        "sqs": r"(?P<queue>.+)",
        "sns": r"(?P<topic>[^:]+)(?::(?P<subscription>.+))?",
        "logs": (
            r"log-group:(?P<log_group>[^:*]+)"
            r"(?::log-stream:(?P<log_stream>[^:*]+))?(?::?\*)?"
        ),
        "secretsmanager": r"secret:(?P<secret>.+)",
        "s3": r"(?P<bucket>[^/]+)(?:/(?P<object>.+))?",
        "dynamodb": r"table/(?P<table>[^/]+)(?:/.*)?",
        "events": (r"rule/(?:(?P<bus>[^/]+)/)?(?P<rule>[^/]+)|event-bus/(?P<bus_>.+)"),
    }.items()
}
_KEYS: Mapping[str, str] = {
    "cluster": "cluster",
    "clustername": "cluster",
    "taskdefinition": "family",
    "family": "family",
    "group": "family",
    "functionname": "function",
    "queuename": "queue",
    "topicname": "topic",
    "tablename": "table",
    "secretid": "secret",
    "bucket": "bucket",
    "bucketname": "bucket",
    "rolename": "role",
    "username": "user",
    "loggroupname": "log-group",
    "awslogs-group": "log-group",
    "jobqueue": "job-queue",
    "jobdefinition": "job-definition",
    "projectname": "project",
    "runtimeid": "runtime",
}
"""A record's keys, in lower case, whose value is a name though not an ARN."""
_UNTYPED = frozenset({"codepipeline", "execute-api"})
"""Services whose ARNs begin their resource with a name: `pipeline/stage/action`."""
_QUEUE_URL = re.compile(r"https://sqs\.[a-z0-9.-]+/\d{12}/(?P<queue>[\w.-]+)")
_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9.-]+/(?P<repository>[\w./-]+)")
_REVISION = re.compile(r":\d+$")
_PREFIX = re.compile(r"^(family|service):")
_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
_NO_NAME = re.compile(r"[\d*$?_.:/-]{0,7}")
"""A revision, a version, a wildcard."""
_AWS_OWN = re.compile(r"StepFunctionsGetEvents?\w*|AWSServiceRole\w*|service-role")
_LONGEST = 2048
"""Of an ARN, as of a name."""


def spans_in_arn(arn: re.Match[str]) -> Iterator[Span]:
    """Yield where in the text the names of an ARN stand, by the shape of its service.

    The ARN of an integration (`arn:aws:states:::ecs:runTask`) names nobody's thing,
    nor does one of AWS's own.
    """
    service, account = arn["service"], arn["account"]
    if account == "aws" or (service == "states" and not account):
        return
    start, resource = arn.start("resource"), arn["resource"]
    shape = _SHAPES.get(service)
    match = shape.fullmatch(resource) if shape else None
    found = _by_shape(match) if match else _by_parts(service, resource)
    for kind, begin, end in found:
        name = resource[begin:end]
        if not _NO_NAME.fullmatch(name) and not _AWS_OWN.fullmatch(name):
            yield kind, start + begin, start + end


def _by_shape(match: re.Match[str]) -> Iterator[Span]:
    for group, name in match.groupdict().items():
        if name:
            kind = group.rstrip("_").replace("_", "-")
            yield kind, match.start(group), match.end(group)


def _by_parts(service: str, resource: str) -> Iterator[Span]:
    """Take an ARN of a service without a shape apart: `type/name`, `type:name`."""
    parts = list(re.finditer(r"[^:/]+", resource))
    kind = service or "thing"
    if len(parts) > 1 and service not in _UNTYPED:
        kind = re.sub(r"[^a-z-]", "", parts[0][0].lower()).strip("-") or kind
        parts = parts[1:]
    for part in parts:
        yield kind, part.start(), part.end()


def names_in_text(text: str) -> Iterator[Named]:
    """Yield what a text names: by ARNs, by URLs, and by its looks alone."""
    if "arn:aws" in text:
        yield from names_in_arns(text)
    if ".amazonaws.com" in text:
        for pattern in (_QUEUE_URL, _IMAGE):
            for match in pattern.finditer(text):
                yield from match.groupdict().items()
    if "@" in text:
        yield from (("email", match[0]) for match in _EMAIL.finditer(text))
    if "." in text or ":" in text:
        yield from (("address", match[0]) for match in _ADDRESS.finditer(text))
    yield from ((kind_of(match), match[0]) for match in WORD_LOOK.finditer(text))


def kind_of(look: re.Match[str]) -> str:
    """Name the kind of what a look found; an id of EC2 says itself: `subnet`, `eni`."""
    kind = (look.lastgroup or "").replace("_", "-")
    if kind == "network-id":
        return look[0].partition("-")[0]
    return "address" if kind == "host" else kind


def names_in_arns(text: str) -> Iterator[Named]:
    for arn in ARN.finditer(text):
        for kind, begin, end in spans_in_arn(arn):
            name = text[begin:end][:_LONGEST]
            yield kind, name
            if kind == "secret" and _SUFFIX.search(name):
                yield kind, _SUFFIX.sub("", name)


def names_in_record(record: Any) -> Iterator[Named]:
    """Yield what a record names, in the order it stands there; JSON texts are read."""
    stack: list[tuple[str, Any]] = [("", record)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend((str(k), v) for k, v in reversed(list(value.items())))
        elif isinstance(value, list | tuple):
            stack.extend((key, item) for item in reversed(value))
        elif isinstance(value, str) and value:
            inner = parse_json(value) if value[0] in "{[" else None
            if isinstance(inner, dict | list):
                stack.append((key, inner))
            else:
                yield from _names_of(key, clean(value))


def kind_of_key(key: str) -> str | None:
    """Tell of which kind the names under a record's key are; None for other keys."""
    return _KEYS.get(key.replace("_", "").lower())


def _names_of(key: str, value: str) -> Iterator[Named]:
    kind = kind_of_key(key)
    if key == "group" and not _PREFIX.match(value):
        kind = None
    if kind is not None and not value.startswith(("arn:", "http")):
        name = _REVISION.sub("", _PREFIX.sub("", value))
        if not _NO_NAME.fullmatch(name):
            yield kind, name[:_LONGEST]
    yield from names_in_text(value)
