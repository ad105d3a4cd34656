"""Where spans go, and how: settings from an option and OpenTelemetry's variables."""

import os
import re
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct
from yarl import URL

from sfnwatch.errors import UsageError
from sfnwatch.export.otlp.collector_url import SHOWN_CHARACTERS, is_url, shown_url
from sfnwatch.model.known_secrets import KNOWN_SECRETS
from sfnwatch.model.texts import clean

FROM_ENVIRONMENT = "env"
"""The word for an endpoint that is taken from OpenTelemetry's own variables."""
PREFIX = "OTEL_EXPORTER_OTLP_"
_PATH = "/v1/traces"
TIMEOUT = 10.0


class CollectorSettings(Struct, frozen=True):
    """Where spans go, and how."""

    url: str
    headers: Mapping[str, str] = {}
    """The headers of each request, such as a key; never to be shown."""
    timeout: float = TIMEOUT
    """The seconds for one answer. At the end, also for sending all that is left, but
    then at most the default."""
    is_json: bool = False
    is_packed: bool = False
    tls: Any = True
    """An SSLContext; True for the default one."""


_FOLLOWED = {
    "PROTOCOL": ("http/protobuf|http/json", "Set it to http/protobuf or http/json."),
    "COMPRESSION": ("none|gzip", "Set it to none or gzip."),
    "TIMEOUT": ("[1-9][0-9]{0,6}", "Give milliseconds: 10000 is the default."),
}
"""The values that a variable may have, and the hint for any other value."""
_NAME_OF_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_OF_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_MILLISECONDS = 1000.0


def collector_settings(
    endpoint: str, environ: Mapping[str, str] = os.environ
) -> CollectorSettings:
    """Read OpenTelemetry's own variables; a variable for traces comes before a general.

    Raises UsageError for a value that can't be followed. An `endpoint` that is given
    comes before the variables' endpoint, and before a gRPC protocol that they ask for.
    """
    variables = _Variables(environ)
    url = endpoint
    name = "--otlp"
    passed_over = "grpc"
    if endpoint == FROM_ENVIRONMENT:
        url = variables["ENDPOINT"]
        name = variables.name("ENDPOINT")
        passed_over = ""
        if not url:
            msg = f"There is no endpoint in {PREFIX}ENDPOINT, nor in that of traces."
            raise UsageError(msg, hint="Give it: --otlp http://127.0.0.1:4318.")
    if not is_url(url):
        msg = f"{name}: {shown_url(url)!r} is no URL."
        raise UsageError(msg, hint="Write it as http://127.0.0.1:4318.")
    if not name.endswith("_TRACES_ENDPOINT"):
        # The endpoint for traces is taken as it is.
        bare, question, query = url.partition("?")
        url = f"{bare.rstrip('/').removesuffix(_PATH)}{_PATH}{question}{query}"
    headers = variables.headers()
    milliseconds = variables.checked("TIMEOUT")
    timeout = int(milliseconds) / _MILLISECONDS if milliseconds else TIMEOUT
    is_json = variables.checked("PROTOCOL", also=passed_over) == "http/json"
    is_packed = variables.checked("COMPRESSION") == "gzip"
    _keep_secrets(url, headers)
    return CollectorSettings(url, headers, timeout, is_json, is_packed, variables.tls())


_HEADER_OF_SECRET = re.compile(
    r"(?i)auth|cookie|credential|key|license|pass|secret|token"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z]+(?:[ _.,/-][A-Za-z]+)*")
"""Header values that are not hidden, such as an environment or a team: many names of
states have such words, too."""


def _keep_secrets(url: str, headers: Mapping[str, str]) -> None:
    """Keep the credentials for a collector secret: they are hidden wherever echoed."""
    parts = URL(url)
    KNOWN_SECRETS.keep(parts.password)
    for value in parts.query.values():
        KNOWN_SECRETS.keep(value)
    for name, value in headers.items():
        if _HEADER_OF_SECRET.search(name) or not _PLAIN_WORDS.fullmatch(value):
            KNOWN_SECRETS.keep(value)
            # The credential follows its scheme: `Bearer …`.
            KNOWN_SECRETS.keep(value.rpartition(" ")[2])


class _Variables:
    """OpenTelemetry's variables of an exporter; messages don't show secret values."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def name(self, what: str) -> str:
        """Return a variable's name: the one for traces if that is set."""
        name_for_traces = f"{PREFIX}TRACES_{what}"
        if self._environ.get(name_for_traces, "").strip():
            return name_for_traces
        return f"{PREFIX}{what}"

    def __getitem__(self, what: str) -> str:
        return self._environ.get(self.name(what), "").strip()

    def refusal(self, what: str, why: str, hint: str) -> UsageError:
        value = clean(self[what], SHOWN_CHARACTERS)
        return UsageError(f"{self.name(what)}: {value!r} {why}.", hint=hint)

    def checked(self, what: str, also: str = "") -> str:
        """Return a variable's value; UsageError unless it is empty, valid or `also`."""
        value = self[what].lower()
        pattern, hint = _FOLLOWED[what]
        if value not in {"", also} and not re.fullmatch(pattern, value):
            raise self.refusal(what, "can't be followed", hint)
        return value

    def headers(self) -> dict[str, str]:
        """Return the headers from `key=value,…`, percent-encoded."""
        headers: dict[str, str] = {}
        for number, entry in enumerate(self["HEADERS"].split(","), 1):
            if not entry.strip():
                continue
            key, equals, value = entry.partition("=")
            key = unquote(key.strip())
            value = unquote(value.strip())
            is_named = equals and _NAME_OF_HEADER.fullmatch(key)
            if not is_named or not _VALUE_OF_HEADER.fullmatch(value):
                name = self.name("HEADERS")
                msg = f"{name}: its header {number} is no key=value that can be sent."
                hint = "Write key=value,key=value, with %20 for a space."
                raise UsageError(msg, hint=hint)
            headers[key] = value
        return headers

    def tls(self) -> Any:
        """Return whom to trust and who we are; True if no variable is set for it."""
        own = self["CLIENT_CERTIFICATE"]
        key = self["CLIENT_KEY"]
        if key and not own:
            hint = f"Name its certificate in {PREFIX}CLIENT_CERTIFICATE, too."
            raise self.refusal("CLIENT_KEY", "is the key of no certificate", hint)
        if not (own or self["CERTIFICATE"]):
            return True
        try:
            context = ssl.create_default_context(cafile=self["CERTIFICATE"] or None)
            if own:
                # No one can be asked for a password here, so a key with one is refused.
                context.load_cert_chain(own, key or None, password=str)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or error
            why = clean(str(words), SHOWN_CHARACTERS)
            names = f"{PREFIX}CERTIFICATE, CLIENT_CERTIFICATE or CLIENT_KEY"
            msg = f"What {names} names can't be read: {why}."
            raise UsageError(msg, hint="Name PEM files.") from error
        return context
