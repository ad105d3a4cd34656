"""The leaves of a request: its values, each at a path that both sides have.

TaskScheduled has a request as Step Functions writes it; CloudTrail's
`requestParameters` has it as CloudTrail writes it. Both are read into leaves, which can
be compared. A path contains only lower-case letters and digits, since the two sides
differ in capitals (`DbInstanceIdentifier`, `dBInstanceIdentifier`). Where a parameter
has another name in a request according to the service's model, it has a single name
here (`templates/parameter_names.json`, made from botocore's models by a command of the
tests). What is withheld, cut, or Step Functions' own is no leaf.

EC2's records have a list as `instancesSet: {items: [{instanceId: …}]}` [documented].
A list whose objects have names is read by these names, whatever the objects' order and
number: Step Functions adds variables of its own to an environment.
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of
from sfnwatch.templates import read_template

MOST_MEMBERS = 2000
"""At most this many members are read of a side; the members after them are ignored."""
_DEEPEST = 24
"""Members nested deeper than this are ignored."""
_KEY_CHARACTERS = 256
"""A longer key is ignored."""
_TEXT_CHARACTERS = 512
"""Of a longer text its beginning and a digest are kept."""
_JSON_CHARACTERS = 1 << 18
"""256 KiB, the most that Step Functions passes on; a longer JSON text is ignored."""
_SCALARS = {str, int, float, bool}
_CUT_ENDS = frozenset(("*", ".", "…", ""))
"""The last characters of texts that may be withheld or cut."""
_WRAPPERS_OF_LISTS = ("items", "member")
_NAMING_KEYS = ("Name", "name", "Key", "key")
"""The keys under which an object of a list has its name, the likeliest first."""
_ARN = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]+:[^:\s]*:[^:\s]*:[^\s\"',;()]+")
COLONS_OF_ARN = 5
"""Colons before an ARN's resource."""
SEPARATORS_OF_ARN = re.compile(r"[:/]")
_CALLERS = ("sts", "iam")
"""Services whose ARNs name the caller, or a role to be passed on."""
_PUT_ITEM = "dynamodb:PutItem"
_ATTRIBUTE_TYPES = frozenset({"S", "N", "B", "BOOL"})
"""The types that DynamoDB puts around a value; CloudTrail may have the bare value."""
_TASK_TOKEN = re.compile(r"A[QA][A-Za-z0-9+/]{30}")
_RANDOM_RUN = re.compile(r"(?=[a-f]*[0-9])[0-9a-f]{8}", re.IGNORECASE)
_ENDS_OF_ID_PATHS = ("id", "arn")
_NAMED_PATHS_OF_ARNS = ("", "arn", "name", "id", "url")
"""What a request's path may have after the kind of the resource that an ARN names."""
PARAMETER_NAMES: Mapping[str, Any] = msgspec.json.decode(
    read_template("parameter_names.json")
)
"""The command that makes the table explains its parts, and where they come from."""
_SILENT_TEXTS: Mapping[str, str] = PARAMETER_NAMES["silent"]
_OWN_BEGINNINGS: tuple[str, ...] = tuple(PARAMETER_NAMES["own"])
"""What the names of Step Functions' own parameters begin with."""

Leaves = Mapping[str, tuple[str, Any]]
"""The leaves of one side, by their paths in lower case; they can be kept and pickled.

Each leaf is the path as that side writes it, and the value. The value is a text, a
number or a boolean; for a list it is a tuple, or a set where the order is lost. It is
None where two different values have the same path.
"""


class EntryNames(frozenset[str]):
    """The names of the objects in a list; Step Functions may add some of its own."""


class NamedArns(frozenset[str]):
    """The ARNs of one kind that a record names outside its request."""


def scheduled_parameters(details: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an attempt's parameters, from the details of its …Scheduled event.

    A Lambda function named by its own ARN is read like the optimized Invoke. The answer
    is empty where the details have no parameters: the log leaves payloads out, or the
    text is cut.
    """
    parameters = details.get("parameters")
    if parameters is None:
        resource = text_of(details.get("resource")) or ""
        if ":function:" in resource:
            return {"FunctionName": resource}
        return {}
    if isinstance(parameters, str):
        parameters = parse_json(parameters)
    return mapping_of(parameters)


def leaves_of_attempt(
    event_source: str, event_name: str, scheduled: Mapping[str, Any]
) -> Leaves:
    """Return the leaves of an attempt's parameters, as calls of that name have them."""
    reader = _LeafReader(event_source, event_name)
    reader.read_object(scheduled, "", "")
    leaves = reader.leaves
    for path, record_path in PARAMETER_NAMES["moved"].get(reader.call, {}).items():
        if path in leaves:
            leaves[record_path] = leaves.pop(path)
    if reader.call == _PUT_ITEM:
        return {_path_of_key(path): leaf for path, leaf in leaves.items()}
    return leaves


def _path_of_key(path: str) -> str:
    """Return the path at which a record has an attribute of a DynamoDB item.

    The record of a PutItem has only the attributes of the key [documented].
    """
    head, dot, rest = path.partition(".")
    if head == "item" and dot:
        return f"key.{rest}"
    return path


def leaves_of_record(record: Mapping[str, Any]) -> Leaves:
    """Return the leaves of a CloudTrail record's request parameters.

    A record without a request, such as that of a denied call, has the ARNs it names
    instead.
    """
    event_source = text_of(record.get("eventSource")) or ""
    event_name = text_of(record.get("eventName")) or ""
    reader = _LeafReader(event_source, event_name)
    request = mapping_of(record.get("requestParameters"))
    wrapper = PARAMETER_NAMES["wrappers"].get(reader.service)
    if wrapper and len(request) == 1:
        key, inner = next(iter(request.items()))
        if key.endswith(wrapper):
            request = mapping_of(inner)
    if request.get("omitted") is not True:
        reader.read_object(request, "", "")
    return reader.leaves or _named_arns(record)


def ids_of_answer(
    event_source: str, event_name: str, answer: Mapping[str, Any]
) -> Leaves:
    """Return the ids and ARNs in an answer, which is a history's or CloudTrail's."""
    leaves = leaves_of_attempt(event_source, event_name, answer)
    return {
        path: leaf
        for path, leaf in leaves.items()
        if path.endswith(_ENDS_OF_ID_PATHS) and isinstance(leaf[1], str)
    }


def ids_of_call(record: Mapping[str, Any]) -> Leaves:
    """Return the ids and ARNs in the answer that a CloudTrail record has."""
    answer = mapping_of(record.get("responseElements"))
    event_source = text_of(record.get("eventSource")) or ""
    event_name = text_of(record.get("eventName")) or ""
    return ids_of_answer(event_source, event_name, answer)


def is_random_id(value: str) -> bool:
    """True for an id that AWS generates: it is never given twice."""
    last = SEPARATORS_OF_ARN.split(value)[-1]
    return _RANDOM_RUN.search(last) is not None


def is_task_token(value: Any) -> bool:
    """True for a task token, the value of `$$.Task.Token` [form observed]."""
    return isinstance(value, str) and _TASK_TOKEN.match(value) is not None


def plain_key(key: str) -> str:
    """Return a key's letters and digits in lower case: `XAmzAcl` is `x-amz-acl`."""
    return "".join(filter(str.isalnum, key.lower())) or key


@lru_cache(maxsize=1 << 14)
def _name_in_paths(service: str, key: str) -> str:
    """Return the name of a service's key in paths; empty if it is to be ignored."""
    ending = PARAMETER_NAMES["endings"].get(service, "")
    name = plain_key(key).removesuffix(ending)
    if key.upper().startswith(_OWN_BEGINNINGS):
        return ""
    if name in PARAMETER_NAMES["unrecorded"].get(service, ()):
        return ""
    single_name: str = PARAMETER_NAMES["names"].get(service, {}).get(name, name)
    return single_name


class _LeafReader:
    """Reads the leaves of one request.

    `path` is the path of a value in lower case, `written` its path as the side has it.
    """

    def __init__(self, event_source: str, event_name: str) -> None:
        self.service = event_source.partition(".")[0]
        self.call = f"{self.service}:{event_name}"
        self.leaves: dict[str, tuple[str, Any]] = {}
        self._transparent = PARAMETER_NAMES["open"].get(self.call, ())
        """The names of objects that are no part of their members' paths."""
        self._members_left = MOST_MEMBERS
        self._depth = 0

    def read_object(self, value: Mapping[str, Any], path: str, written: str) -> None:
        """Read an object's members; `path` and `written` are put before their names."""
        if len(value) > self._members_left or self._depth > _DEEPEST:
            return
        self._members_left -= len(value)
        self._depth += 1
        for key, inner in value.items():
            name = self._name(key)
            only = _only_element(inner) if name in self._transparent else None
            if isinstance(only, dict):
                self.read_object(only, path, written)
            elif name:
                self._read_value(inner, path + name, written + key)
        self._depth -= 1

    def _read_value(self, value: Any, path: str, written: str) -> None:
        kind = type(value)
        if kind is str and value[:1] in {"{", "["}:
            value = _decoded(value)
            kind = type(value)
        if kind is dict:
            self._read_wrapped(value, path, written)
        elif kind is list:
            self._read_list(value, path, written, tuple)
        else:
            kept = _comparable(value)
            if kept is not None:
                self._add(path, written, kept)

    def _read_wrapped(self, value: dict[str, Any], path: str, written: str) -> None:
        """Read an object, or what is in the wrapping of a protocol or of DynamoDB."""
        inner = self._unwrapped(value)
        if inner is value:
            self.read_object(value, f"{path}.", f"{written}.")
        elif isinstance(inner, list):
            self._read_items(inner, path, written)
        else:
            self._read_value(inner, path, written)

    def _unwrapped(self, value: dict[str, Any]) -> Any:
        if self.service == "dynamodb" and len(value) == 1:
            ((key, inner),) = value.items()
            if key in _ATTRIBUTE_TYPES and not isinstance(inner, dict | list):
                return inner
        return _unwrapped(value)

    def _name(self, key: str) -> str:
        if len(key) > _KEY_CHARACTERS:
            return ""
        return _name_in_paths(self.service, key)

    def _add(self, path: str, written: str, value: Any) -> None:
        has_another = path in self.leaves and self.leaves[path][1] != value
        self.leaves[path] = (written, None if has_another else value)

    def _read_items(self, values: list[Any], path: str, written: str) -> None:
        """Read a list under `items`; an object of one member is read as its value."""
        keys = {key for value in values[:MOST_MEMBERS] for key in mapping_of(value)}
        if len(keys) == 1:
            (key,) = keys
            values = [mapping_of(value).get(key) for value in values]
            if self.service in PARAMETER_NAMES["endings"]:
                # `resourcesSet: {items: [{resourceId: …}]}` corresponds to `Resources`,
                # `instancesSet` to `InstanceIds`: both paths are added.
                self._read_list(values, path, written, frozenset)
                path = path[: path.rfind(".") + 1] + self._name(key)
        self._read_list(values, path, written, frozenset)

    def _read_list(
        self, values: list[Any], path: str, written: str, kind: type
    ) -> None:
        """Read a list; a list of scalars is one leaf, of type `kind`."""
        if not 0 < len(values) <= self._members_left or self._depth > _DEEPEST:
            return
        self._members_left -= len(values)
        if _SCALARS.issuperset(map(type, values)):
            kept = kind(map(_comparable, values))
            if None not in kept:
                self._add(path, written, kept)
            return
        objects = [mapping_of(value) for value in values]
        naming_key = next((key for key in _NAMING_KEYS if key in objects[0]), "")
        by_name = {_comparable(value.get(naming_key)): value for value in objects}
        have_names = all(type(name) is str for name in by_name)
        if have_names and len(by_name) == len(values):
            self._read_named(by_name, naming_key, path, written)
        else:
            self._read_elements(values, path, written)

    def _read_named(
        self,
        by_name: Mapping[str, Mapping[str, Any]],
        naming_key: str,
        path: str,
        written: str,
    ) -> None:
        """Read the objects of a list by their names, and the names themselves."""
        names = [name for name in by_name if not name.startswith(_OWN_BEGINNINGS)]
        self._add(f"{path}[]", f"{written}[]", EntryNames(names))
        for name in names:
            others = dict(by_name[name])
            del others[naming_key]
            self.read_object(others, f"{path}[{name}].", f"{written}[{name}].")

    def _read_elements(self, values: list[Any], path: str, written: str) -> None:
        """Read the elements of a list by their places."""
        self._depth += 1
        for place, value in enumerate(values):
            # A single element is compared with a value that is in no list.
            step = f"[{place}/{len(values)}]" if len(values) > 1 else ""
            self._read_value(value, f"{path}{step}", f"{written}[{place}]")
        self._depth -= 1


def _decoded(text: str) -> Any:
    """Return the object or list of a JSON text; None for any other text.

    A text that is not valid JSON may be cut.
    """
    if len(text) > _JSON_CHARACTERS:
        return None
    value = parse_json(text)
    return value if isinstance(value, dict | list) else None


def _comparable(value: Any) -> Any:
    """Return a text, number or boolean to be compared; None for other values.

    None also for a text that may be withheld or cut. A long text is shortened.
    """
    if type(value) is not str:
        is_number = isinstance(value, float) and math.isfinite(value)
        return value if is_number or isinstance(value, int) else None
    if value[-1:] in _CUT_ENDS:
        is_cut = value.endswith(("...", "…"))
        is_withheld = not value.strip("*")
        if is_cut or is_withheld:
            return None
    if len(value) <= _TEXT_CHARACTERS:
        return None if value in _SILENT_TEXTS else value
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass"))
    return f"{value[:_TEXT_CHARACTERS]} #{digest.hexdigest()[:16]}"


def _unwrapped(value: dict[str, Any]) -> Any:
    """Return the list or value inside a wrapping of EC2 or of the Query protocol.

    Wrappings are `{items: […]}`, `{member: […]}` and `{tag: 1, content: …}`. Any other
    object is returned as it is.
    """
    if len(value) == 1:
        key, inner = next(iter(value.items()))
        is_wrapper = key in _WRAPPERS_OF_LISTS and isinstance(inner, list)
        return inner if is_wrapper else value
    if value.keys() == {"tag", "content"}:
        return value["content"]
    return value


def _only_element(value: Any) -> Any:
    """Return the element of a list of one; any other value as it is."""
    if isinstance(value, dict):
        value = _unwrapped(value)
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def _named_arns(record: Mapping[str, Any]) -> Leaves:
    """Return the ARNs that a record names outside its request, at requests' paths.

    A queue's ARN is at `QueueUrl`, for example, and a function's at `FunctionName`.
    """
    by_kind: dict[str, set[str]] = {}
    for arn in _arns_outside_request(record):
        parts = arn.split(":", COLONS_OF_ARN)
        parts += [""] * (COLONS_OF_ARN + 1 - len(parts))
        service = parts[2]
        resource = parts[COLONS_OF_ARN]
        if service in _CALLERS or "*" in arn:
            continue
        kind = PARAMETER_NAMES["things"].get(service)
        if not kind:
            kind = plain_key(SEPARATORS_OF_ARN.split(resource)[0])
        by_kind.setdefault(kind, set()).add(arn.rstrip(".,;:"))
    leaves: dict[str, tuple[str, Any]] = {}
    for kind, arns in by_kind.items():
        for ending in _NAMED_PATHS_OF_ARNS:
            leaves[kind + ending] = ("", NamedArns(arns))
    return leaves


def _arns_outside_request(record: Mapping[str, Any]) -> Iterator[str]:
    for resource in list_of(record.get("resources"))[:MOST_MEMBERS]:
        arn = text_of(mapping_of(resource).get("ARN"))
        if arn is not None:
            yield arn
    more_data = mapping_of(record.get("additionalEventData"))
    function_version = text_of(more_data.get("functionVersion"))
    if function_version is not None:
        yield function_version
    message = text_of(record.get("errorMessage")) or ""
    yield from _ARN.findall(message[:_JSON_CHARACTERS])
