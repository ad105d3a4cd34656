"""Where spans go, and how: as an option and OpenTelemetry's own variables say."""

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
"""What stands for an endpoint that OpenTelemetry's own variables name."""
PREFIX = "OTEL_EXPORTER_OTLP_"
_PATH = "/v1/traces"
TIMEOUT = 10.0


class CollectorSettings(Struct, frozen=True):
    """Where spans go, and how."""

    url: str
    headers: Mapping[str, str] = {}
    """Such as a key; never to be shown."""
    timeout: float = TIMEOUT
    """Seconds for one answer; and, but no more than usual, for all that is left."""
    is_json: bool = False
    is_packed: bool = False
    tls: Any = True
    """An SSLContext; True for the usual one."""


_FOLLOWED = {
    "PROTOCOL": ("http/protobuf|http/json", "Set it to http/protobuf or http/json."),
    "COMPRESSION": ("none|gzip", "Set it to none or gzip."),
    "TIMEOUT": ("[1-9][0-9]{0,6}", "Give milliseconds: 10000 is the default."),
}
"""What a variable may be, and what to do where it is something else."""
_NAME_OF_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_OF_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_MILLISECONDS = 1000.0


def collector_settings(
    endpoint: str, environ: Mapping[str, str] = os.environ
) -> CollectorSettings:
    """Read OpenTelemetry's own variables, those for traces before those for all.

    Raises UsageError for one that can't be followed. An `endpoint` that is given goes
    before those they name, and the gRPC they may ask for.
    """
    named = _Variables(environ)
    url = endpoint
    name = "--otlp"
    passed_over = "grpc"
    if endpoint == FROM_ENVIRONMENT:
        url = named["ENDPOINT"]
        name = named.name("ENDPOINT")
        passed_over = ""
        if not url:
            msg = f"There is no endpoint in {PREFIX}ENDPOINT, nor in that of traces."
            raise UsageError(msg, hint="Give it: --otlp http://127.0.0.1:4318.")
    if not is_url(url):
        msg = f"{name}: {shown_url(url)!r} is no URL."
        raise UsageError(msg, hint="Write it as http://127.0.0.1:4318.")
    if not name.endswith("_TRACES_ENDPOINT"):
        # That of traces is taken as it is.
        bare, question, query = url.partition("?")
        url = f"{bare.rstrip('/').removesuffix(_PATH)}{_PATH}{question}{query}"
    headers = named.headers()
    milliseconds = named.checked("TIMEOUT")
    timeout = int(milliseconds) / _MILLISECONDS if milliseconds else TIMEOUT
    is_json = named.checked("PROTOCOL", also=passed_over) == "http/json"
    is_packed = named.checked("COMPRESSION") == "gzip"
    _keep_secrets(url, headers)
    return CollectorSettings(url, headers, timeout, is_json, is_packed, named.tls())


_HEADER_OF_SECRET = re.compile(
    r"(?i)auth|cookie|credential|key|license|pass|secret|token"
)
_PLAIN_WORDS = re.compile(r"[A-Za-z]+(?:[ _.,/-][A-Za-z]+)*")
"""What a header says of an environment or a team, and many names of states say too."""


def _keep_secrets(url: str, headers: Mapping[str, str]) -> None:
    """Have what a collector is sent to be let in hidden wherever it is echoed."""
    parts = URL(url)
    KNOWN_SECRETS.keep(parts.password)
    for value in parts.query.values():
        KNOWN_SECRETS.keep(value)
    for name, value in headers.items():
        if _HEADER_OF_SECRET.search(name) or not _PLAIN_WORDS.fullmatch(value):
            KNOWN_SECRETS.keep(value)
            # Behind its scheme: `Bearer …`.
            KNOWN_SECRETS.keep(value.rpartition(" ")[2])


class _Variables:
    """OpenTelemetry's variables of an exporter; values that are secret are not told."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def name(self, what: str) -> str:
        own = f"{PREFIX}TRACES_{what}"
        return own if self._environ.get(own, "").strip() else f"{PREFIX}{what}"

    def __getitem__(self, what: str) -> str:
        return self._environ.get(self.name(what), "").strip()

    def refusal(self, what: str, why: str, hint: str) -> UsageError:
        told = f"{self.name(what)}: {clean(self[what], SHOWN_CHARACTERS)!r} {why}."
        return UsageError(told, hint=hint)

    def checked(self, what: str, also: str = "") -> str:
        """Give a value that can be followed; nothing and `also` need not be."""
        value = self[what].lower()
        pattern, hint = _FOLLOWED[what]
        if value not in {"", also} and not re.fullmatch(pattern, value):
            raise self.refusal(what, "can't be followed", hint)
        return value

    def headers(self) -> dict[str, str]:
        """Read `key=value,…`, percent-encoded."""
        found: dict[str, str] = {}
        for number, entry in enumerate(self["HEADERS"].split(","), 1):
            key, equals, value = (unquote(p.strip()) for p in entry.partition("="))
            named = equals and _NAME_OF_HEADER.fullmatch(key)
            if entry.strip() and not (named and _VALUE_OF_HEADER.fullmatch(value)):
                what = f"its header {number} is no key=value that can be sent"
                hint = "Write key=value,key=value, with %20 for a space."
                raise UsageError(f"{self.name('HEADERS')}: {what}.", hint=hint)
            if key:
                found[key] = value
        return found

    def tls(self) -> Any:
        """Read whom to trust, and who we are; True where nothing is said of it."""
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
                # Nobody is asked for the key's password: a key with one is refused.
                context.load_cert_chain(own, key or None, password=str)
        except (OSError, ValueError) as error:
            why = clean(
                str(getattr(error, "strerror", None) or error), SHOWN_CHARACTERS
            )
            names = f"{PREFIX}CERTIFICATE, CLIENT_CERTIFICATE or CLIENT_KEY"
            msg = f"What {names} names can't be read: {why}."
            raise UsageError(msg, hint="Name PEM files.") from error
        return context
