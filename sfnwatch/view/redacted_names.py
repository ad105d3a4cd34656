"""Aliases for names and sentences, which are replaced part by part."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

from sfnwatch.model.arns import last_segment
from sfnwatch.model.own_requests import QUOTAS
from sfnwatch.view.aliases import AliasTable, look_of, shape_of
from sfnwatch.view.arn_resource import APART, resource_parts
from sfnwatch.view.vocabulary import REGION_NAME, vocabulary

_COLONS_IN_HEAD = 5
"""The number of colons before an ARN's resource."""
SPACE = re.compile(r"\s")
_PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc")
_DOMAIN = ".amazonaws.com"
_SUFFIXES = frozenset({"", ".sync", ".sync:2", ".waitForTaskToken"})
_MOST_PARTS = 48
"""The most parts of a name, slashes and colons counted. A text with more is no name: a
key in base64 may have many."""
_CACHED = 1 << 14
"""The number of cached replacements: most names are in many records."""
_EVENT_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

TOKEN = re.compile(r"[A-Za-z0-9:/_.+=@-]+")
"""The parts of an error message in which the decoder looks for ids."""
_ENDS = ".,;:"
_BLANK = re.compile(r"[\s.,;:'\"()\[\]-]*")
_CALL = re.compile(r"(?P<service>[a-z0-9-]+):(?P<operation>[A-Z][A-Za-z0-9]*)")
_OWN_OPERATIONS = frozenset(operation for _, operation in QUOTAS)
"""The operations that this tool itself calls; its own messages name them."""
_WRITTEN_BY_AWS = re.compile(
    r"(?:Extended )?Request ID: (?P<request>[^;,)\s]+)"
    r"|\(Service: (?P<client>[A-Za-z0-9]+)[;,] Status Code: \d{3}"
    r"[;,] (?:Error Code: (?P<code>\w+)[;,] )?(?=Request ID: )"
    r"|(?:; Proxy: null\)|\)(?: \(SDK Attempt Count: \d\))?)(?=$|\n)"
    r"|An error occurred while executing the state '(?P<state>[^'\n]{1,80})'"
    r" \(entered at the event id #\d{1,5}\)\."
)
"""The texts that Step Functions writes into a cause, wherever they are in it."""


class RedactedNames:
    """Aliases for names and for sentences, part by part.

    A name is divided at its slashes and colons. Each part has its own alias, the same
    in all names. So an ARN stays an ARN of the same kind, and its last part stays the
    id by which other records name the thing.

    A sentence is rebuilt from its known parts: names, which are found by their looks,
    and the words that AWS writes between them. Everything else may be a customer's
    text, and gets one alias as a whole. An alias for each word could be guessed, like
    a simple cipher.
    """

    def __init__(self) -> None:
        self.table = AliasTable()
        self.held: set[str] = set()
        """The ids that calls are matched by, which must match after redaction too."""
        self.kept_states: set[str] = set()
        self.identifier = lru_cache(maxsize=_CACHED)(self._identifier)

    def alias(self, text: str, kind: str) -> str:
        return self.table.alias(text, kind).written

    def _identifier(self, text: str, kind: str = "name") -> str:
        """Replace a name without spaces, part by part; an ARN stays an ARN.

        A full stop or the like behind it, as in a sentence, stays.
        """
        core = text.rstrip(_ENDS)
        tail = text[len(core) :]
        if core.startswith("arn:") and core.count(":") >= _COLONS_IN_HEAD:
            return self._arn(core) + tail
        parts = APART.split(core)
        if len(parts) > _MOST_PARTS or look_of(core):
            return self.alias(text, kind)
        for place in range(0, len(parts), 2):
            is_before_colon = parts[place + 1 : place + 2] == [":"]
            if is_before_colon and parts[place] in vocabulary().prefixes:
                continue
            parts[place] = self.part(parts[place], kind)
        return "".join(parts) + tail

    def part(self, text: str, kind: str) -> str:
        """Replace a part of a name; equal parts of all names have the same alias."""
        if not text or text in vocabulary().names:
            return text
        if text.endswith(_DOMAIN):
            return self.event_source(text)
        return self.alias(text, kind)

    def _arn(self, text: str) -> str:
        _, partition, service, region, account, resource = text.split(
            ":", _COLONS_IN_HEAD
        )
        if partition not in _PARTITIONS:
            # Programs that parse ARNs expect a partition of a known form.
            partition = "aws"
        resource = self._arn_resource(service, account, resource)
        if account not in {"", "aws"}:
            account = self.part(account, "account")
        head = ("arn", partition, self.service(service), self.region(region), account)
        return ":".join((*head, resource))

    def _arn_resource(self, service: str, account: str, resource: str) -> str:
        is_integration = service == "states" and not account
        if is_integration and resource.partition(":")[0] not in vocabulary().arn_kinds:
            return self.resource(resource)
        redacted = ""
        for text, kind in resource_parts(service, resource):
            redacted += self.part(text, kind) if kind else text
        return redacted

    def region(self, text: str) -> str:
        is_known = not text or REGION_NAME.fullmatch(text)
        return text if is_known else self.alias(text, "region")

    def service(self, text: str) -> str:
        """Keep the name of a service of AWS's: `ecs`, `aws-sdk:ecs`."""
        parts = text.split(":")
        for place, part in enumerate(parts):
            if part not in vocabulary().services:
                parts[place] = self.part(part, "service")
        return ":".join(parts)

    def event_source(self, text: str) -> str:
        name = text.removesuffix(_DOMAIN)
        return self.service(name) + text[len(name) :]

    def operation(self, text: str) -> str:
        """Keep the name of an operation of AWS's: `runTask` or `RunTask`."""
        is_known = vocabulary().is_operation(text)
        return text if is_known else self.alias(text, "operation")

    def resource(self, text: str) -> str:
        """Redact an ARN, or keep what a Task runs: `ecs:runTask.sync:2`, `runTask`."""
        if text.startswith("arn:"):
            return self.identifier(text, "name")
        *services, last = re.split(r":(?![0-9])", text)
        action, dot, suffix = last.partition(".")
        if dot + suffix not in _SUFFIXES:
            suffix = self.identifier(suffix, "suffix")
        services = [self.service(service) for service in services]
        return ":".join([*services, self.operation(action)]) + dot + suffix

    def error(self, text: str) -> str:
        """Keep the name of an error of AWS's: `States.Timeout`."""
        return text if vocabulary().is_error(text) else self.alias(text, "Error")

    def event_type(self, text: str) -> str:
        """Keep a history event's type, also a future one that has only known words."""
        words = _EVENT_WORD.findall(text)
        has_only_words = "".join(words) == text
        if has_only_words and vocabulary().event_words.issuperset(words):
            return text
        return self.alias(text, "Type")

    def state(self, name: str) -> str:
        """Replace a state's name, unless it is to be kept."""
        is_kept = not name or name in self.kept_states
        return name if is_kept else self.alias(name, "state")

    def text(self, text: str, kind: str = "value") -> str:
        """Replace a string of any kind: a name, a sentence, or neither."""
        if not text or text in vocabulary().phrases:
            return text
        if not SPACE.search(text):
            return self._with_id(text, self.identifier(text, kind))
        return self._with_id(text, "".join(self._rebuilt(text)).strip())

    def _with_id(self, text: str, alias: str) -> str:
        """Return the alias, with the id from the end of the original's path behind it.

        The decoder reads ids there.
        """
        last = last_segment(text).rstrip(_ENDS)
        if "/" not in text or not self._is_id(last):
            return alias
        id_alias = self.identifier(last, "name")
        if last_segment(alias).rstrip(_ENDS) == id_alias:
            return alias
        return f"{alias}/{id_alias}"

    def _is_id(self, text: str) -> bool:
        """True for an id, or a text that looks like one, by which calls are matched."""
        return text in self.held or bool(shape_of(text))

    def _rebuilt(self, text: str) -> Iterator[str]:
        place = 0
        for match in _WRITTEN_BY_AWS.finditer(text):
            yield from self._named(text[place : match.start()])
            yield self._written_by_aws(match)
            place = match.end()
        yield from self._named(text[place:])

    def _written_by_aws(self, match: re.Match[str]) -> str:
        """Keep a text that AWS writes, with the names in it replaced."""
        rules: Mapping[str, Callable[[str], str]] = {
            "request": partial(self.identifier, kind="request"),
            "client": self._client,
            "code": self.error,
            "state": self.state,
        }
        text = ""
        place = match.start()
        for group, rule in rules.items():
            if match[group]:
                text += match.string[place : match.start(group)]
                text += rule(match[group])
                place = match.end(group)
        return text + match.string[place : match.end()]

    def _client(self, name: str) -> str:
        """Keep a service's name in the SDK for Java: `AmazonECS`, `AWSLambda`."""
        short = name.lower().removeprefix("aws").removeprefix("amazon")
        return name if short in vocabulary().services else self.part(name, "service")

    def _named(self, text: str) -> Iterator[str]:
        """Yield a piece of a sentence with names, and texts between them, replaced."""
        place = 0
        for token in TOKEN.finditer(text):
            core = token[0].rstrip(_ENDS)
            replacement = self._name(core)
            if replacement is not None:
                yield from self._between(text[place : token.start()])
                yield replacement
                place = token.start() + len(core)
        yield from self._between(text[place:])

    def _name(self, token: str) -> str | None:
        """Return the replacement of a name or a word of AWS's; None for other words."""
        call = _CALL.fullmatch(token)
        if call is not None and call["service"] in vocabulary().services:
            return f"{call['service']}:{self.operation(call['operation'])}"
        is_error = token in vocabulary().errors and token[:1].isupper()
        if is_error or token in _OWN_OPERATIONS:
            return token
        is_name = token.startswith("arn:") or token.endswith(_DOMAIN)
        if is_name or self._is_id(token) or self._is_id(last_segment(token)):
            return self._with_id(token, self.identifier(token, "name"))
        return None

    def _between(self, text: str) -> Iterator[str]:
        """Keep a text that AWS writes between names; replace any other as a whole."""
        if _BLANK.fullmatch(text) or text in vocabulary().phrases:
            yield text
        elif text:
            yield f" {self.alias(text, 'text')} "
