"""Compares an attempt's parameters with the request parameters of CloudTrail's record.

TaskScheduled has a request as Step Functions writes it; `requestParameters` has it as
CloudTrail writes it. Both are read into leaves: a leaf is the path of a value, and the
value. Paths contain only lower-case letters and digits, since the two sides differ in
capitals (`DbInstanceIdentifier`, `dBInstanceIdentifier`). Where a parameter has another
name in a request according to the service's model, it has a single name here
(`templates/parameter_names.json`, made from botocore's models by a command of the
tests). A leaf that only one side has proves nothing. Neither does a value that is
withheld, cut, or Step Functions' own.

EC2's records have a list as `instancesSet: {items: [{instanceId: …}]}` [documented].
A list whose objects have names is read by these names, whatever the objects' order and
number: Step Functions adds variables of its own to an environment.

A redacted recording has the same alias for the same text, so texts are compared there
as anywhere else. Its booleans are all false and its numbers are negative. So an equal
boolean is never evidence for a pair, and a negative number beside a text is no evidence
at all.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of
from sfnwatch.templates import read_template

_MOST = 2000
"""At most this many members are read of a side; the members after them are ignored."""
_DEEPEST = 24
_LONGEST_KEY = 256
_LONGEST = 512
"""Of a longer text its beginning and a digest are kept."""
_LONGEST_JSON = 1 << 18
"""256 KiB, the most that Step Functions passes on."""
_SCALARS = {str, int, float, bool}
_ENDS = frozenset(("*", ".", "…", ""))
"""The last characters of texts that may be withheld or cut."""
_AROUND = ("items", "member")
_NAMING = ("Name", "name", "Key", "key")
_ARN = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]+:[^:\s]*:[^:\s]*:[^\s\"',;()]+")
_HEAD = 5
"""Colons before an ARN's resource."""
_APART = re.compile(r"[:/]")
_CALLERS = ("sts", "iam")
"""Services whose ARNs name the caller, or a role to be passed on."""
_VERSIONED = re.compile(
    r"(?P<kind>(?:function|stateMachine):|(?:task|job)-definition/)?"
    r"(?P<name>[^:/]+)(?::(?P<version>[^:/]+))?"
)
_WITH_VERSIONS = ("taskdefinition", "jobdefinition", "functionname")
_WHOLE = ("parameter/", "log-group:")
"""Beginnings of ARNs' resources whose names may contain slashes: no part of such a name
is a name itself."""
_RANDOM_END = len("-AbCdEf")
"""The length of the suffix that Secrets Manager appends to a secret's name."""
_RANDOM = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_PUT_ITEM = "dynamodb:PutItem"
_ATTRIBUTE_TYPES = frozenset({"S", "N", "B", "BOOL"})
"""The types that DynamoDB puts around a value; CloudTrail may have the bare value."""
_RANDOM_RUN = re.compile(r"(?=[a-f]*[0-9])[0-9a-f]{8}", re.IGNORECASE)
_TASK_TOKEN = re.compile(r"A[QA][A-Za-z0-9+/]{30}")
_ENDS_OF_IDS = ("id", "arn")
_DATED = re.compile(r"\d{4}-\d\d-\d\d|[A-Z][a-z]{2} \d{1,2}, \d{4}")
_REDACTED = re.compile(r"[a-z]+(-[a-z]+)*-\d+")
_REDACTED_TIME = re.compile(r"time-\d+")
_TABLE: Mapping[str, Any] = msgspec.json.decode(read_template("parameter_names.json"))
"""The command that makes the table explains its parts, and where they come from."""
_SILENT: Mapping[str, str] = _TABLE["silent"]
_OWN: tuple[str, ...] = tuple(_TABLE["own"])


class Leaf(NamedTuple):
    """A value that both sides have, as each side has it."""

    path: str
    """As Step Functions writes it: `Overrides.ContainerOverrides[app].Cpu`."""
    scheduled: Any
    called: Any


class LeafComparison(Struct, frozen=True):
    """The parameters that an attempt and a call both have."""

    equal: tuple[Leaf, ...] = ()
    different: tuple[Leaf, ...] = ()
    """Each of these is evidence against the attempt having made the call."""


Leaves = Mapping[str, tuple[str, Any]]
"""The leaves of one side, by their paths in lower case; they can be kept and pickled.

Each leaf is the path as that side writes it, and the value. The value is a text, a
number or a boolean; for a list it is a tuple, or a set where the order is lost. It is
None where two different values have the same path.
"""


def asked(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an attempt's parameters, from the details of its …Scheduled event.

    A Lambda function named by its own ARN is read like the optimized Invoke. The answer
    is empty where the details have no parameters: the log leaves payloads out, or the
    text is cut.
    """
    parameters = details.get("parameters")
    if parameters is None:
        resource = text_of(details.get("resource")) or ""
        return {"FunctionName": resource} if ":function:" in resource else {}
    if isinstance(parameters, str):
        parameters = parse_json(parameters)
    return mapping_of(parameters)


def leaves(event_source: str, event_name: str, scheduled: Mapping[str, Any]) -> Leaves:
    """Return the leaves of an attempt's parameters, as calls of that name have them."""
    reader = _Reader(event_source, event_name)
    reader.read(scheduled, "", "")
    for path, other in _TABLE["moved"].get(reader.call, {}).items():
        if path in reader.found:
            reader.found[other] = reader.found.pop(path)
    if reader.call == _PUT_ITEM:
        return {_key_path(path): leaf for path, leaf in reader.found.items()}
    return reader.found


def _key_path(path: str) -> str:
    """Return the path at which a record has an attribute of a DynamoDB item.

    The record of a PutItem has only the attributes of the key [documented].
    """
    head, dot, rest = path.partition(".")
    return f"key.{rest}" if head == "item" and dot else path


def leaves_of_record(record: Mapping[str, Any]) -> Leaves:
    """Return the leaves of a CloudTrail record's request parameters.

    A record without a request, such as that of a denied call, has the ARNs it names
    instead.
    """
    names = (text_of(record.get(key)) or "" for key in ("eventSource", "eventName"))
    reader = _Reader(*names)
    request = mapping_of(record.get("requestParameters"))
    wrapper = _TABLE["wrappers"].get(reader.service)
    if wrapper and len(request) == 1:
        key, inner = next(iter(request.items()))
        request = mapping_of(inner) if key.endswith(wrapper) else request
    if request.get("omitted") is not True:
        reader.read(request, "", "")
    return reader.found or _things(record)


def ids_of_answer(
    event_source: str, event_name: str, answer: Mapping[str, Any]
) -> Leaves:
    """Return the ids and ARNs in an answer, which is a history's or CloudTrail's."""
    every = leaves(event_source, event_name, answer)
    return {
        path: leaf
        for path, leaf in every.items()
        if path.endswith(_ENDS_OF_IDS) and isinstance(leaf[1], str)
    }


def ids_of_call(record: Mapping[str, Any]) -> Leaves:
    """Return the ids and ARNs in the answer that a CloudTrail record has."""
    answer = mapping_of(record.get("responseElements"))
    event_source = text_of(record.get("eventSource")) or ""
    event_name = text_of(record.get("eventName")) or ""
    return ids_of_answer(event_source, event_name, answer)


def is_random_id(value: str) -> bool:
    """True for an id that AWS generates: it is never given twice."""
    last = _APART.split(value)[-1]
    return _RANDOM_RUN.search(last) is not None


def is_task_token(value: Any) -> bool:
    """True for a task token, the value of `$$.Task.Token` [form observed]."""
    return isinstance(value, str) and _TASK_TOKEN.match(value) is not None


def is_plain(path: str, value: Any) -> bool:
    """True for a text that is the same as another at its path only if it is equal."""
    is_text = type(value) is str and not value.startswith("arn:")
    if not is_text or _DATED.match(value) or _REDACTED_TIME.fullmatch(value):
        return False
    return not _is_token(path) and not path.endswith(_WITH_VERSIONS)


def compare_leaves(scheduled: Leaves, called: Leaves) -> LeafComparison:
    """Compare the leaves of an attempt with those of a call."""
    equal: list[Leaf] = []
    different: list[Leaf] = []
    for path, (written, value) in scheduled.items():
        if path in called:
            other = called[path][1]
            # Nearly all values are equal texts: they are compared at once.
            is_equal = value == other and type(value) is str
            same = is_equal or _same(value, other, path)
            if same is not None:
                (equal if same else different).append(Leaf(written, value, other))
    return LeafComparison(tuple(equal), tuple(different))


def differ(scheduled: Leaves, called: Leaves) -> bool:
    """True if any leaf differs: a quick check, since most attempts are ruled out."""
    for path, (_, value) in scheduled.items():
        if path in called:
            other = called[path][1]
            if value != other and _same(value, other, path) is False:
                return True
    return False


def small(key: str) -> str:
    """Return a key's letters and digits in lower case: `XAmzAcl` is `x-amz-acl`."""
    return "".join(filter(str.isalnum, key.lower())) or key


@lru_cache(maxsize=1 << 14)
def _name(service: str, key: str) -> str:
    """Return the name of a service's key in paths; empty if it is to be ignored."""
    name = small(key).removesuffix(_TABLE["endings"].get(service, ""))
    if key.upper().startswith(_OWN) or name in _TABLE["unrecorded"].get(service, ()):
        return ""
    found: str = _TABLE["names"].get(service, {}).get(name, name)
    return found


class _Entries(frozenset[str]):
    """The names of the objects in a list; Step Functions may add some of its own."""


class _Things(frozenset[str]):
    """The ARNs of one kind that a record names."""


class _Reader:
    """Reads the leaves of one request.

    `path` is the path of a value in lower case, `written` its path as the side has it.
    """

    def __init__(self, event_source: str, event_name: str) -> None:
        self.service = event_source.partition(".")[0]
        self.call = f"{self.service}:{event_name}"
        self.found: dict[str, tuple[str, Any]] = {}
        self._open = _TABLE["open"].get(self.call, ())
        self._left = _MOST
        self._depth = 0

    def read(self, value: Mapping[str, Any], path: str, written: str) -> None:
        """Read an object's members; `path` and `written` are put before their names."""
        if len(value) > self._left or self._depth > _DEEPEST:
            return
        self._left -= len(value)
        self._depth += 1
        for key, inner in value.items():
            name = self._name(key)
            opened = _only(inner) if name in self._open else None
            if isinstance(opened, dict):
                self.read(opened, path, written)
            elif name:
                self._value(inner, path + name, written + key)
        self._depth -= 1

    def _value(self, value: Any, path: str, written: str) -> None:
        kind: type | None = type(value)
        if kind is str and value[:1] in {"{", "["}:
            # A text that is not valid JSON may be cut: it is ignored.
            value = parse_json(value) if len(value) <= _LONGEST_JSON else None
            kind = type(value) if isinstance(value, dict | list) else None
        if kind is dict:
            inner = self._folded(value)
            if inner is value:
                self.read(value, path + ".", written + ".")
            elif isinstance(inner, list):
                self._items(inner, path, written)
            else:
                self._value(inner, path, written)
        elif kind is list:
            self._list(value, path, written, tuple)
        elif (kept := _kept(value)) is not None:
            self._add(path, written, kept)

    def _folded(self, value: dict[str, Any]) -> Any:
        """Return the value or list inside the wrapping of a protocol or of DynamoDB."""
        if self.service == "dynamodb" and len(value) == 1:
            ((key, inner),) = value.items()
            if key in _ATTRIBUTE_TYPES and not isinstance(inner, dict | list):
                return inner
        return _folded(value)

    def _name(self, key: str) -> str:
        return _name(self.service, key) if len(key) <= _LONGEST_KEY else ""

    def _add(self, path: str, written: str, value: Any) -> None:
        twice = path in self.found and self.found[path][1] != value
        self.found[path] = (written, None if twice else value)

    def _items(self, values: list[Any], path: str, written: str) -> None:
        """Read a list under `items`; an object of one member is read as its value."""
        keys = {key for value in values[:_MOST] for key in mapping_of(value)}
        if len(keys) == 1:
            (key,) = keys
            values = [mapping_of(value).get(key) for value in values]
            if self.service in _TABLE["endings"]:
                # `resourcesSet: {items: [{resourceId: …}]}` corresponds to `Resources`,
                # `instancesSet` to `InstanceIds`: both paths are added.
                self._list(values, path, written, frozenset)
                path = path[: path.rfind(".") + 1] + self._name(key)
        self._list(values, path, written, frozenset)

    def _list(self, values: list[Any], path: str, written: str, kind: type) -> None:
        """Read a list; a list of scalars is one leaf, of type `kind`."""
        if not 0 < len(values) <= self._left or self._depth > _DEEPEST:
            return
        self._left -= len(values)
        if _SCALARS.issuperset(map(type, values)):
            kept = kind(map(_kept, values))
            if None not in kept:
                self._add(path, written, kept)
            return
        objects = list(map(mapping_of, values))
        naming = next((key for key in _NAMING if key in objects[0]), "")
        named = {_kept(value.get(naming)): value for value in objects}
        if len(named) == len(values) and {str}.issuperset(map(type, named)):
            names = [name for name in named if not name.startswith(_OWN)]
            self._add(f"{path}[]", f"{written}[]", _Entries(names))
            for name in names:
                rest = {key: each for key, each in named[name].items() if key != naming}
                self.read(rest, f"{path}[{name}].", f"{written}[{name}].")
            return
        self._depth += 1
        for place, value in enumerate(values):
            # A single element is compared with a value that is in no list.
            at = f"[{place}/{len(values)}]" if len(values) > 1 else ""
            self._value(value, path + at, f"{written}[{place}]")
        self._depth -= 1


def _kept(value: Any) -> Any:
    """Return a text, number or boolean to be compared; None for other values.

    None also for a text that may be withheld or cut. A long text is shortened.
    """
    if type(value) is not str:
        is_float = isinstance(value, float) and math.isfinite(value)
        return value if is_float or isinstance(value, int) else None
    if value[-1:] in _ENDS and (value.endswith(("...", "…")) or not value.strip("*")):
        return None
    if len(value) <= _LONGEST:
        return None if value in _SILENT else value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass"))
    return f"{value[:_LONGEST]} #{digest.hexdigest()[:16]}"


def _folded(value: dict[str, Any]) -> Any:
    """Return the list or value inside a wrapping of EC2 or of the Query protocol.

    Wrappings are `{items: […]}`, `{member: […]}` and `{tag: 1, content: …}`. Any other
    object is returned as it is.
    """
    if len(value) == 1:
        key, inner = next(iter(value.items()))
        return inner if key in _AROUND and isinstance(inner, list) else value
    return value["content"] if value.keys() == {"tag", "content"} else value


def _only(value: Any) -> Any:
    """Return the element of a list of one; any other value as it is."""
    value = _folded(value) if isinstance(value, dict) else value
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _things(record: Mapping[str, Any]) -> Leaves:
    """Return the ARNs that a record names outside its request, at requests' paths.

    A queue's ARN is at `QueueUrl`, for example, and a function's at `FunctionName`.
    """
    resources = [mapping_of(each) for each in list_of(record.get("resources"))[:_MOST]]
    version = mapping_of(record.get("additionalEventData")).get("functionVersion")
    error = (text_of(record.get("errorMessage")) or "")[:_LONGEST_JSON]
    named = (*(each.get("ARN") for each in resources), version)
    told = filter(None, map(text_of, named))
    found: dict[str, set[str]] = {}
    for arn in (*told, *_ARN.findall(error)):
        _, _, service, _, _, resource = (*arn.split(":", _HEAD), *[""] * _HEAD)[:6]
        kind = _TABLE["things"].get(service) or small(_APART.split(resource)[0])
        if service not in _CALLERS and "*" not in arn:
            found.setdefault(kind, set()).add(arn.rstrip(".,;:"))
    return {
        kind + ending: ("", _Things(arns))
        for kind, arns in found.items()
        for ending in ("", "arn", "name", "id", "url")
    }


def _same(one: Any, other: Any, path: str) -> bool | None:
    """True if two values are the same; None where that is unknown or proves nothing."""
    if one is None or other is None:
        return None
    if isinstance(one, str) and isinstance(other, str):
        return one == other or _same_texts(one, other, path)
    if isinstance(one, bool) or isinstance(other, bool):
        # Equal booleans are no evidence for a pair.
        texts = {str(one).lower(), str(other).lower()}
        return False if texts == {"true", "false"} else None
    if isinstance(one, _Entries) and isinstance(other, _Entries):
        return None if one <= other else False
    if one == other:
        return True
    if _is_token(path):
        return None
    if isinstance(one, tuple | frozenset) or isinstance(other, tuple | frozenset):
        return _same_lists(one, other, path)
    return _same_numbers(one, other)


def _same_lists(one: Any, other: Any, path: str) -> bool | None:
    """Compare two tuples in order; compare as sets where one side is no tuple."""
    if isinstance(one, _Entries) or isinstance(other, _Entries):
        return None
    if isinstance(other, _Things):
        return _is_among(one, other) if isinstance(one, str) else None
    if isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) != len(other):
            return False
        told = [_same(*pair, path) for pair in zip(one, other, strict=True)]
    else:
        these, those = (
            tuple(each) if isinstance(each, tuple | frozenset) else (each,)
            for each in (one, other)
        )
        if len(these) * len(those) > _MOST:
            return set(these) == set(those)
        rows = [[_same(a, b, path) for b in those] for a in these]
        best = ({*row} for row in (*rows, *zip(*rows, strict=True)))
        told = [
            True if True in row else False if row == {False} else None for row in best
        ]
    return False if False in told else None if None in told else True


def _is_among(value: str, arns: _Things) -> bool | None:
    """True if a value names one of several ARNs, or a resource that one of them is in.

    None if it names none and an ARN has a random id: the value may be the name of the
    resource with that id.
    """
    last = value.rpartition("/")[2]
    if any(_same(value, arn, "") or last in _APART.split(arn)[_HEAD:] for arn in arns):
        return True
    return None if any(map(_RANDOM.search, arns)) else False


def _same_numbers(one: Any, other: Any) -> bool | None:
    """Compare two numbers, or a number with a text that is a number or a time.

    None for any other text. None also for a negative number beside a text, since
    redacted numbers are negative and redacted texts are aliases.
    """
    text, number = (one, other) if isinstance(one, str) else (other, one)
    if not isinstance(text, str):
        return False
    if _DATED.match(text):
        return _same_times(number, text)
    try:
        return None if number < 0 else float(text) == float(number)
    except (ValueError, OverflowError):
        return None


def _is_token(path: str) -> bool:
    """True for a client token: the SDK generates one where none is given.

    So a different token is no evidence against a pair.
    """
    return path.rpartition(".")[2] in _TABLE["tokens"]


def _same_texts(one: str, other: str, path: str) -> bool | None:
    if _is_token(path):
        return None
    if one.startswith("arn:") or other.startswith("arn:"):
        return _same_names(one, other)
    if _DATED.match(one) and _DATED.match(other):
        return _same_times(one, other)
    if _REDACTED_TIME.fullmatch(one) or _REDACTED_TIME.fullmatch(other):
        return None
    is_versioned = path.endswith(_WITH_VERSIONS)
    return _same_versions(f"function:{one}", other) if is_versioned else False


def _same_times(one: Any, other: Any) -> bool | None:
    """Compare two times to the second, since CloudTrail has some in whole seconds only.

    CloudTrail has some times in Java's American format without a zone, such as
    `Jul 10, 2023 1:26:49 PM`. Beside another time they give None.
    """
    this = maybe_time(one)
    that = maybe_time(other)
    if this is None or that is None:
        return None if this or that else False
    return abs((this - that).total_seconds()) < 1


def _same_names(one: str, other: str) -> bool | None:
    """Compare an ARN with another ARN, or with a name that may stand for it."""
    arn, other = sorted((one, other), key=lambda text: not text.startswith("arn:"))
    *head, resource = arn.split(":", _HEAD)
    if not other.startswith("arn:"):
        return _is_named(arn, resource, other)
    *others, name = other.split(":", _HEAD)
    if head[2:3] != others[2:3]:
        return _same_connection(resource, name)
    if any(a and b and a != b for a, b in zip(head, others, strict=False)):
        return False
    return resource == name or _same_versions(resource, name)


def _is_named(arn: str, resource: str, name: str) -> bool | None:
    """True if a name, a partial ARN or a queue's URL is the one of an ARN.

    None for the alias of a key: it does not show which key it stands for.
    """
    if name.startswith("alias/"):
        return None
    if resource.startswith("connection/"):
        return _same_connection(resource, f"secret:{name}")
    name = name.rpartition("/")[2] if "://" in name else name.lstrip("/")
    if ":" in name and arn.endswith(f":{name}"):
        return True
    versioned = _VERSIONED.fullmatch(resource)
    if versioned and versioned["kind"]:
        return None if name.count(":") > 1 else _same_versions(resource, name)
    own = _APART.split(resource, maxsplit=1)[-1].removesuffix(":*").lstrip("/")
    if resource.startswith("secret:"):
        is_redacted = _REDACTED.fullmatch(own.rpartition("/")[2])
        return name in {own, own[:-_RANDOM_END]} or (None if is_redacted else False)
    is_whole = resource.startswith(_WHOLE)
    return own == name or (not is_whole and own.endswith((f":{name}", f"/{name}")))


def _same_versions(one: str, other: str) -> bool | None:
    """Compare two resources that have versions; `one` is the resource of an ARN.

    A resource without a version equals any version: ECS then takes the newest revision
    of a family, and a record may have that revision. An alias equals any number, since
    it stands for one. The result is None for two redacted versions, for their aliases
    do not show which is a number.
    """
    these = _VERSIONED.fullmatch(one)
    those = _VERSIONED.fullmatch(other)
    if not these or not those or not these["kind"] or these["name"] != those["name"]:
        return False
    versions = {these["version"], those["version"]} - {None}
    is_alias = [not each.isdecimal() and each != "$LATEST" for each in versions]
    if len(versions) <= 1 or sorted(is_alias) == [False, True]:
        return True
    return None if all(map(_REDACTED.fullmatch, versions)) else False


def _same_connection(one: str, other: str) -> bool | None:
    """Compare a connection of EventBridge with the secret that it keeps.

    `connection/NAME/ID` has the secret `secret:events!connection/NAME/ID-…`
    [documented]. A redacted secret has only its names. The result is None for any other
    two resources of different services: they cannot be compared.
    """
    connection, secret = sorted((one, other))
    if not connection.startswith("connection/") or not secret.startswith("secret:"):
        return None
    if connection.split("/")[1:2] == secret.split("/")[1:2]:
        return True
    return False if "!connection/" in secret else None
