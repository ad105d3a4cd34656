"""Records that can be shared: what happened stays, to whom and with what goes.

An allow-list decides: a string stays only if it is one of AWS's own words (types of
events, operations, services, Regions, enumerations, error names), a time, or the key of
a field of AWS's. Everything else gets an alias, the same for the same original, so that
calls stay matched to the states that made them. Numbers and truths of payloads are
replaced; how payloads are built is not.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from sfnwatch.model.arns import last_segment
from sfnwatch.model.own_requests import QUOTAS
from sfnwatch.model.records import RecordKind
from sfnwatch.model.times import maybe_time
from sfnwatch.model.values import parse_json
from sfnwatch.view.aliases import AliasTable, look_of, shape_of
from sfnwatch.view.vocabulary import REGION_NAME, vocabulary

APART = re.compile(r"([/:])")


def resource_parts(service: str, resource: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of an ARN's resource, each with the kind of what it names.

    That of its type, and of `/` and `:`, is empty. A path before a role's name is one
    of paths. What stands behind the slash in the ARNs of Map Runs and their executions
    is a label, which is a state's.
    """
    words = vocabulary()
    parts = APART.split(resource)
    kinds = list(words.arn_kinds.get(parts[0], ())) if len(parts) > 1 else []
    first = 2 if kinds else 0
    count = len(parts[first::2])
    yield "".join(parts[:first]), ""
    kinds = kinds or list(words.service_kinds.get(service, ["name"]))
    if kinds[0] == "path*":
        kinds = [*["path"] * (count - 1), *kinds[1:]]
    elif first and count < len(kinds) and parts[1] == "/":
        kinds = kinds[-count:]
    for place in range(first, len(parts), 2):
        separator = parts[place - 1] if place > first else ""
        label = service == "states" and separator == "/"
        yield separator, ""
        kind = "label" if label else kinds.pop(0) if len(kinds) > 1 else kinds[0]
        yield parts[place], kind


_HEAD = 5
"""Colons before an ARN's resource."""
_SPACE = re.compile(r"\s")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
_DOMAIN = ".amazonaws.com"
_SUFFIXES = frozenset({"", ".sync", ".sync:2", ".waitForTaskToken"})
_MOST_PARTS = 48
"""A name has no more, slashes and colons counted; a key in base64 may have many."""
_CACHED = 1 << 14
"""Names that are kept with what became of them: most stand in many records."""
_EVENT_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
"""What the decoder takes for the ids in an error message."""
_ENDS = ".,;:"
_BLANK = re.compile(r"[\s.,;:'\"()\[\]-]*")
_CALL = re.compile(r"(?P<service>[a-z0-9-]+):(?P<operation>[A-Z][A-Za-z0-9]*)")
_ASKED = frozenset(operation for _, operation in QUOTAS)
"""What this tool itself asks for, and says so."""
_WRITTEN_BY_AWS = re.compile(
    r"(?:Extended )?Request ID: (?P<request>[^;,)\s]+)"
    r"|\(Service: (?P<client>[A-Za-z0-9]+)[;,] Status Code: \d{3}"
    r"[;,] (?:Error Code: (?P<code>\w+)[;,] )?(?=Request ID: )"
    r"|(?:; Proxy: null\)|\)(?: \(SDK Attempt Count: \d\))?)(?=$|\n)"
    r"|An error occurred while executing the state '(?P<state>[^'\n]{1,80})'"
    r" \(entered at the event id #\d{1,5}\)\."
)
"""What Step Functions writes around a cause, wherever in it."""


class Names:
    """Aliases for names, by the parts they are made of, and for sentences.

    A name is taken apart at its slashes and colons and each part has its own alias, the
    same wherever the part stands. So an ARN stays an ARN of the same kind, and its last
    part the id by which other records know the thing.

    A sentence is rebuilt from what is known of it: names by their looks, and the words
    AWS puts between them. What is neither is a customer's, or may be, and gets an alias
    as a whole: word by word it could be guessed like any cipher.
    """

    def __init__(self) -> None:
        self.table = AliasTable()
        self.held: set[str] = set()
        """The ids that calls are matched by: they must be found again."""
        self.kept_states: set[str] = set()
        self.identifier = lru_cache(maxsize=_CACHED)(self._identifier)

    def alias(self, text: str, kind: str) -> str:
        return self.table.alias(text, kind).written

    def _identifier(self, text: str, kind: str = "name") -> str:
        """Replace a name without spaces: of an ARN its parts, else all between / and :.

        A full stop or the like behind it, as in a sentence, stays.
        """
        core = text.rstrip(_ENDS)
        tail = text[len(core) :]
        if core.startswith("arn:") and core.count(":") >= _HEAD:
            return self._arn(core) + tail
        parts = APART.split(core)
        if len(parts) > _MOST_PARTS or look_of(core):
            return self.alias(text, kind)
        for place in range(0, len(parts), 2):
            is_prefix = parts[place + 1 : place + 2] == [":"]
            if not (is_prefix and parts[place] in vocabulary().prefixes):
                parts[place] = self.part(parts[place], kind)
        return "".join(parts) + tail

    def part(self, text: str, kind: str) -> str:
        """Replace one part, by what it is alone: the same in every name."""
        if not text or text in vocabulary().names:
            return text
        if text.endswith(_DOMAIN):
            return self.event_source(text)
        return self.alias(text, kind)

    def _arn(self, text: str) -> str:
        _, partition, service, region, account, resource = text.split(":", _HEAD)
        is_integration = service == "states" and not account
        if is_integration and resource.partition(":")[0] not in vocabulary().arn_kinds:
            tail = self.resource(resource)
        else:
            parts = resource_parts(service, resource)
            tail = "".join(self.part(t, kind) if kind else t for t, kind in parts)
        head = (
            "arn",
            # What reads ARNs minds the form of this.
            partition if partition in _PARTITIONS else "aws",
            self.service(service),
            self.region(region),
            account if account in {"", "aws"} else self.part(account, "account"),
        )
        return ":".join((*head, tail))

    def region(self, text: str) -> str:
        known = not text or REGION_NAME.fullmatch(text)
        return text if known else self.alias(text, "region")

    def service(self, text: str) -> str:
        """Keep a service's name: `ecs`, `aws-sdk:ecs`."""
        return ":".join(
            part if part in vocabulary().services else self.part(part, "service")
            for part in text.split(":")
        )

    def event_source(self, text: str) -> str:
        name = text.removesuffix(_DOMAIN)
        return self.service(name) + text[len(name) :]

    def operation(self, text: str) -> str:
        """Keep an operation's name of AWS's; `runTask` or `RunTask`."""
        known = vocabulary().is_operation(text)
        return text if known else self.alias(text, "operation")

    def resource(self, text: str) -> str:
        """Keep what a Task runs: `runTask.sync`, `ecs:runTask.sync:2`; or an ARN."""
        if text.startswith("arn:"):
            return self.identifier(text, "name")
        *services, last = re.split(r":(?![0-9])", text)
        action, dot, suffix = last.partition(".")
        if dot + suffix not in _SUFFIXES:
            suffix = self.identifier(suffix, "suffix")
        parts = (*map(self.service, services), self.operation(action))
        return ":".join(parts) + dot + suffix

    def error(self, text: str) -> str:
        """Keep an error's name if it is one of AWS's: `States.Timeout`."""
        return text if vocabulary().is_error(text) else self.alias(text, "Error")

    def event_type(self, text: str) -> str:
        """Keep a history event's type, of a later one too if its words are known."""
        words = set(_EVENT_WORD.findall(text))
        whole = "".join(_EVENT_WORD.findall(text)) == text
        known = whole and words <= vocabulary().event_words
        return text if known else self.alias(text, "Type")

    def state(self, name: str) -> str:
        """Replace what is said to be a state's name."""
        kept = not name or name in self.kept_states
        return name if kept else self.alias(name, "state")

    def text(self, text: str, kind: str = "value") -> str:
        """Replace a string of any kind: a name, a sentence, or neither."""
        if not text or text in vocabulary().phrases:
            return text
        if not _SPACE.search(text):
            return self._with_id(text, self.identifier(text, kind))
        return self._with_id(text, "".join(self._rebuilt(text)).strip())

    def _with_id(self, text: str, alias: str) -> str:
        """Keep an id at the end of a path: the decoder reads it there."""
        last = last_segment(text).rstrip(_ENDS)
        if "/" not in text or not self._is_id(last):
            return alias
        kept = self.identifier(last, "name")
        same = last_segment(alias).rstrip(_ENDS) == kept
        return alias if same else f"{alias}/{kept}"

    def _is_id(self, text: str) -> bool:
        """Tell whether calls are matched, or grouped, by a name like this."""
        return text in self.held or bool(shape_of(text))

    def _rebuilt(self, text: str) -> Iterator[str]:
        place = 0
        for match in _WRITTEN_BY_AWS.finditer(text):
            yield from self._named(text[place : match.start()])
            yield self._written_by_aws(match)
            place = match.end()
        yield from self._named(text[place:])

    def _written_by_aws(self, match: re.Match[str]) -> str:
        """Keep what AWS writes, and replace the names in it."""
        rules: Mapping[str, Callable[[str], str]] = {
            "request": partial(self.identifier, kind="request"),
            "client": self._client,
            "code": self.error,
            "state": self.state,
        }
        told = ""
        place = match.start()
        for group, rule in rules.items():
            if match[group]:
                told += match.string[place : match.start(group)] + rule(match[group])
                place = match.end(group)
        return told + match.string[place : match.end()]

    def _client(self, name: str) -> str:
        """Keep what the SDK for Java calls a service: `AmazonECS`, `AWSLambda`."""
        short = name.lower().removeprefix("aws").removeprefix("amazon")
        return name if short in vocabulary().services else self.part(name, "service")

    def _named(self, text: str) -> Iterator[str]:
        """Replace the names in a stretch, and what stands between them."""
        place = 0
        for token in TOKEN.finditer(text):
            core = token[0].rstrip(_ENDS)
            put = self._name(core)
            if put is not None:
                yield from self._between(text[place : token.start()])
                yield put
                place = token.start() + len(core)
        yield from self._between(text[place:])

    def _name(self, token: str) -> str | None:
        """Give the alias of what is told to be a name; None for any other word."""
        call = _CALL.fullmatch(token)
        if call is not None and call["service"] in vocabulary().services:
            return f"{call['service']}:{self.operation(call['operation'])}"
        is_error = token in vocabulary().errors and token[:1].isupper()
        if is_error or token in _ASKED:
            return token
        is_name = token.startswith("arn:") or token.endswith(_DOMAIN)
        if is_name or self._is_id(token) or self._is_id(last_segment(token)):
            return self._with_id(token, self.identifier(token, "name"))
        return None

    def _between(self, text: str) -> Iterator[str]:
        """Keep what AWS writes between names; replace what it may not have written."""
        if _BLANK.fullmatch(text) or text in vocabulary().phrases:
            yield text
        elif text:
            yield f" {self.alias(text, 'text')} "


def _cased(alias: str, original: str) -> str:
    """Begin an alias with a capital where its original does."""
    first = alias[0].upper() if original[:1].isupper() else alias[0].lower()
    return first + alias[1:]


_DEEPEST = 150
"""Levels that are walked, those of JSON texts included; what is below is left out."""
_LARGEST = 10**14
"""No time in milliseconds is larger, nor anything that AWS counts."""
_LARGEST_CODE = 1000
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z| UTC|[+-][0-9]{2}:?[0-9]{2})?"
)
_REFERENCE = ".$"
"""What ends a key whose value is a path."""

_OWN_AGENT = re.compile(r"\bsfnwatch/\d")
_KEPT = {
    "time": _TIME,
    "whole": re.compile(r"-?[0-9]{1,9}"),
    "truth": re.compile(r"true|false"),
    "version": re.compile(r"[0-9]\.[0-9]{1,2}"),
}
"""By their rules, the strings that stay."""
_COUNTED = frozenset({"time", "whole", "number"})
_DETAILS = "EventDetails"


class Fields:
    """Redacts the fields of records, each by the rule that its table names for it.

    A field that is not listed is a payload to us: its key and all in it are replaced.
    So is whatever is not of the type that its field should have.

    Of payloads the structure stays, and AWS's own keys. A JSON text inside a JSON text
    is redacted as JSON. Truths become false and numbers others, the same for the same,
    except where the decoder reads them: when a job stopped, what it exited with.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        self._numbers: dict[float, int] = {}
        self._rules: dict[str, Callable[[str], str]] = {
            "service": names.service,
            "resource": names.resource,
            "region": names.region,
            "error": names.error,
            "operation": names.operation,
            "event_source": names.event_source,
            "event_type": names.event_type,
            "resource_type": names.identifier,
        }
        """Rules for strings without spaces."""

    def record(self, record: Mapping[str, Any], table: str) -> dict[str, Any]:
        """Redact an object by a table; one that there is not knows no field."""
        rules = vocabulary().rules.get(table, {})
        redacted = {}
        for key, value in record.items():
            if table == RecordKind.HISTORY and key.endswith(_DETAILS):
                redacted[self._details_key(key)] = self._field("in:details", value, key)
            else:
                name = key if key in rules else self.key(key)
                redacted[name] = self._field(rules.get(key, "payload"), value, key)
        return redacted

    def _details_key(self, key: str) -> str:
        """Redact the key of an event's details, which has the type of the event."""
        stem = key.removesuffix(_DETAILS)
        kind = self._rules["event_type"](stem[:1].upper() + stem[1:])
        return kind[:1].lower() + kind[1:] + _DETAILS

    def _field(self, rule: str, value: Any, key: str) -> Any:
        """Redact a value by a rule: a name, and what that says more after a colon."""
        name, _, more = rule.partition(":")
        if self._keeps(name, value, more):
            return value
        if isinstance(value, str):
            return self._text(name, value, key, more)
        if isinstance(value, list) and name in {"in", "each"}:
            inner = rule if name == "in" else more
            # No rule is for a list in a list: those may be nested past all reason.
            rules = ("" if isinstance(item, list) else inner for item in value)
            return [self._field(r, v, key) for r, v in zip(rules, value, strict=True)]
        if isinstance(value, Mapping) and name == "in":
            return self.record(value, more)
        if isinstance(value, Mapping) and name == "states":
            return {
                self._names.state(state): self._field("in:asl", inner, key)
                for state, inner in value.items()
            }
        return self.value(value, key if name == "payload" else "")

    def _keeps(self, rule: str, value: Any, more: str) -> bool:
        """Tell if a value is one that a rule leaves as it is."""
        if not isinstance(value, str):
            is_number = isinstance(value, int | float) and -_LARGEST < value < _LARGEST
            is_truth = isinstance(value, bool) and rule == "truth"
            return is_truth or (is_number and rule in _COUNTED)
        if rule == "enum":
            return value in vocabulary().enums
        pattern = more if rule == "words" else _KEPT.get(rule)
        return pattern is not None and re.fullmatch(pattern, value) is not None

    def _text(self, rule: str, value: str, key: str, more: str) -> str:
        if rule in self._rules and not _SPACE.search(value):
            return self._rules[rule](value)
        if rule == "state":
            return self._names.state(value)
        if rule in {"name", "words"}:
            return self._names.text(value, more if rule == "name" and more else "name")
        if rule == "agent":
            # That a call is this tool's own is still told.
            own = "sfnwatch/0 " if _OWN_AGENT.search(value) else ""
            return own + self._names.text(value, "agent")
        record = parse_json(value) if rule == "json" else None
        if isinstance(record, dict):
            return _json_text(self.record(record, more))
        at = maybe_time(value) if rule == "time" else None
        if at is not None:
            return at.isoformat()
        under = {"payload": key, "message": "Cause"}
        return self.string(value, under.get(rule, ""))

    def value(self, value: Any, key: str = "", depth: int = 0) -> Any:
        """Redact a JSON value that stands under `key`."""
        if depth > _DEEPEST:
            return None
        if isinstance(value, Mapping):
            return {self.key(k): self.value(v, k, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(item, key, depth + 1) for item in value]
        if isinstance(value, str):
            return self.string(value, key, depth)
        return self._scalar(value, key)

    def key(self, key: str) -> str:
        """Keep a key if it is one of AWS's; a path's sign behind it stays too.

        CloudTrail begins small what Step Functions begins large: the alias does, too.
        """
        stem = key.removesuffix(_REFERENCE)
        if not stem or vocabulary().is_key(stem):
            return key
        small = stem[0].lower() + stem[1:]
        alias = self._names.table.alias(small, "key", space="key").shown
        return _cased(alias, stem) + key[len(stem) :]

    def string(self, text: str, key: str = "", depth: int = 0) -> str:
        """Redact a string that stands under `key`; a JSON text stays one."""
        inner = parse_json(text) if text[:1] in {"{", "[", '"'} else None
        if isinstance(inner, dict | list | str):
            return _json_text(self.value(inner, key, depth + 1))
        words = vocabulary()
        small = key.lower()
        known = self._known(key)
        if text in {"$", "$$"} or (known in words.enum_keys and text in words.enums):
            return text
        if known in words.time_keys and _TIME.fullmatch(text):
            return text
        if small in words.error_keys and not _SPACE.search(text):
            return self._names.error(text)
        if small in words.region_keys:
            return self._names.region(text)
        return self._names.text(text, words.kind_of_key(key) or "value")

    def _known(self, key: str) -> str:
        """Give a key of AWS's in small letters, and nothing for any other."""
        return key.lower() if vocabulary().is_key(key) else ""

    def _scalar(self, value: Any, key: str) -> Any:
        """Replace a number or a truth; nothing stays nothing."""
        words = vocabulary()
        known = self._known(key)
        if value is None or isinstance(value, bool):
            return value if value is None else value and known in words.truth_keys
        limit = _LARGEST if known in words.time_keys else 0
        limit = _LARGEST_CODE if known in words.code_keys else limit
        if -limit < value < limit:
            return value
        number = self._numbers.setdefault(value, len(self._numbers) + 1)
        return -float(number) if isinstance(value, float) else -number


def _json_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
