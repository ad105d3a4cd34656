"""The keys, tokens and header values in use, hidden wherever an answer repeats them.

Whatever sends a secret keeps it here first. Whatever leaves the program, as a text or
as a record, has the secrets taken out here. Their exact values are known, so nothing is
guessed. Where no secret is in use, as in a replay, texts do not change.
"""

import re
from sys import maxsize

from msgspec import Struct

_SHORTEST = 8
"""Fewest characters of a secret: shorter values occur in ordinary words."""
_MOST = 32
"""So many are kept, the newest: a long watch renews its keys every hour."""
_HIDDEN = "…"
_HIDDEN_IN_JSON = rb"\u2026"
_RUNS = re.compile(r"[A-Za-z0-9]+")
_LETTER = re.compile(r"[A-Za-z]")
_EXAMPLE = "EXAMPLE"
"""What is in all keys of AWS's documentation; the demo has one of them."""
_SCHEME = "AWS4-HMAC-SHA256"
_AFTER_CREDENTIAL = r"[^\"'\\<>\n]*?(?:Signature=[0-9A-Fa-f]+|(?=[\"'\\<>\n]|\Z))"
"""The rest of an Authorization header, after `Credential=`."""


class _Secret(Struct, frozen=True):
    """How one secret is found."""

    run: str
    """A part that no encoding changes: it is looked for first, as that is cheap."""
    run_in_json: bytes
    in_text: re.Pattern[str]
    in_json: re.Pattern[bytes]


def _secret(run: str, pattern: str) -> _Secret:
    return _Secret(run, run.encode(), re.compile(pattern), re.compile(pattern.encode()))


_AUTHORIZATION = _secret(
    _SCHEME, rf"{_SCHEME}(?:\+|%20| )*Credential={_AFTER_CREDENTIAL}"
)


class KnownSecrets:
    """The secrets of this process."""

    def __init__(self) -> None:
        self._secrets: dict[str, _Secret] = {}
        self._shortest = maxsize
        """Characters of the shortest one: no shorter text has any in it."""

    def keep(self, value: str | None) -> None:
        """Hide a value from now on, but not a short one, an example, or a number."""
        # An answer may repeat it without its padding, or with that encoded.
        text = (value or "").rstrip("=")
        if text in self._secrets or _EXAMPLE in text:
            return
        if len(text) < _SHORTEST or not _LETTER.search(text):
            return
        longest_run = max(_RUNS.findall(text), key=len)
        pattern = "".join(map(_encoded, text))
        self._secrets[text] = _secret(longest_run, pattern)
        if len(self._secrets) > _MOST:
            self._secrets.pop(next(iter(self._secrets)))
        self._shortest = min(map(len, self._secrets))

    def forget(self) -> None:
        """Hide nothing any more."""
        self._secrets.clear()
        self._shortest = maxsize

    def hide(self, text: str) -> str:
        """Give a text without secrets; they are found in URLs, JSON and HTML, too."""
        if len(text) < self._shortest:
            return text
        for secret in (_AUTHORIZATION, *self._secrets.values()):
            if secret.run in text:
                text = secret.in_text.sub(_HIDDEN, text)
        return text

    def hide_in_json(self, data: bytes) -> bytes:
        """Give a JSON text without secrets; the same object where there is none."""
        if len(data) < self._shortest:
            return data
        for secret in (_AUTHORIZATION, *self._secrets.values()):
            if secret.run_in_json in data:
                # A function's result is taken as it is, with its backslash.
                data = secret.in_json.sub(lambda _: _HIDDEN_IN_JSON, data)
        return data


def _encoded(character: str) -> str:
    """Give a pattern for a character, plain or as URLs, JSON and HTML write it."""
    plain = re.escape(character)
    if character.isascii() and character.isalnum():
        return plain
    code = ord(character)
    forms = (
        rf"\\*{plain}",
        rf"\\+u{code:04x}",
        rf"%(?:25)?{code:02x}",
        rf"&#x0*{code:x};",
        rf"&#0*{code};",
    )
    return f"(?i:{'|'.join(forms)})"


KNOWN_SECRETS = KnownSecrets()
"""Shared by the whole process, like its stderr and its debug file."""
